"""Where a published fact comes from: the addresses of its sources, field by field."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON
from sqlalchemy.orm import Mapped, mapped_column

from app.core.localized import Localized

WHOLE_ENTRY = "*"
"""The field name under which sources stand that speak for everything an entry says."""


@dataclass(frozen=True)
class Source:
    """One source: its address, how sure it is (high, medium, low) and a remark."""

    address: str
    confidence: str | None = None
    note: Localized | None = None

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> Source:
        """A source as `kept` in the database."""
        note = kept.get("note")
        return cls(kept["address"], kept.get("confidence"), Localized(note["de"], note.get("en")) if note else None)

    def kept(self) -> dict[str, Any]:
        """The source as the database keeps it."""
        note = {"de": self.note.de} | ({"en": self.note.en} if self.note.en else {}) if self.note else None
        return {"address": self.address, "confidence": self.confidence, "note": note}


class Sourced:
    """A row whose facts keep their sources, and which may be sample data: whole, or in `sample_fields` only."""

    sources: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    is_sample: Mapped[bool] = mapped_column(default=False)
    sample_fields: Mapped[list[str]] = mapped_column(JSON, default=list)

    def sources_for(self, *fields: str) -> list[Source]:
        """The sources of these fields, or of the whole entry where none of them has its own."""
        own = [source for field in fields for source in self.sources.get(field, ())]
        return [Source.read(source) for source in own or self.sources.get(WHOLE_ENTRY, ())]

    def is_sample_field(self, *fields: str) -> bool:
        """Whether one of these facts comes from sample data."""
        return self.is_sample or not set(fields).isdisjoint(self.sample_fields)

    def forget_marks(self, facts: Collection[str], changed: Collection[str]) -> None:
        """Takes sources and sample marks from what a person has changed; the other `facts` keep theirs, also those
        that stood for the whole entry."""
        sources = {name: kept for name, kept in self.sources.items() if name not in changed}
        whole = sources.pop(WHOLE_ENTRY, None)
        if whole:
            sources = {name: whole for name in facts if name not in changed} | sources
        if sources != self.sources:
            self.sources = sources
        if not set(changed).isdisjoint(self.sample_fields):
            self.sample_fields = [name for name in self.sample_fields if name not in changed]
