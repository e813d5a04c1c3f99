"""Writes the rows of a city: makes what is missing, changes what differs, and notes each in summary and log."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from app.audit import service as audit
from app.core import sources
from app.core.database import Identified, Model, db
from app.core.localized import Localized
from app.core.sources import WHOLE_ENTRY
from app.core.text import Text, text
from app.organisations.permissions import Actor
from app.transfer.entries import Entry, Sourced
from app.transfer.summary import Kind, Outcome, Summary
from app.transfer.workflows import kept_sources

Row = TypeVar("Row", bound=Identified)

NOT_LOGGED = {
    "approved_at", "due_version", "is_sample", "position", "sample_fields", "sort_key", "sort_title", "sources"
}  # fmt: skip
"""Columns that say nothing to whoever reads the log."""


@dataclass
class Rows:
    """One import. `group` is the row on whose page a change is told: a programme, a measure or an account.

    A new group is one line of the log with everything in it; later each changed row is a line of its own.
    """

    actor: Actor
    now: datetime
    summary: Summary = field(default_factory=Summary)
    new_groups: set[UUID] = field(default_factory=set)

    def put(
        self,
        kind: Kind,
        stored: Row | None,
        make: Callable[[], Row],
        facts: Mapping[str, Any],
        *,
        name: object,
        group: Identified | None = None,
    ) -> Row:
        """The row with these facts: the stored one, changed where it differs, or else a new one.

        `make` gives the new row with its key and with what is said once and then belongs to the people.
        """
        row = make() if stored is None else stored
        changes = {attr: (getattr(row, attr), value) for attr, value in facts.items() if getattr(row, attr) != value}
        for attr, (_, value) in changes.items():
            setattr(row, attr, value)
        if stored is None:
            db.session.add(row)
            self._note(kind, Outcome.CREATED, row, text("Beim Import angelegt: %(name)s", name=name), group)
        elif changes:
            changed = text("Beim Import geändert: %(name)s", name=name)
            self._note(kind, Outcome.CHANGED, row, changed, group, changes)
        else:
            self.summary.rows[Outcome.UNCHANGED][kind] += 1
        return row

    def leave(self, kind: Kind) -> None:
        """Notes a row that stays as it is."""
        self.summary.rows[Outcome.UNCHANGED][kind] += 1

    def remove(self, kind: Kind, row: Identified, *, name: object, group: Identified | None = None) -> None:
        """Deletes a row that the file no longer has."""
        db.session.delete(row)
        self._note(kind, Outcome.REMOVED, row, text("Beim Import entfernt: %(name)s", name=name), group)

    def keep(self, name: object, what: Text | str, stored: object, wanted: object) -> None:
        """Notes a difference that stays: people decide about it in Wegmarke."""
        nothing = text("nicht angegeben")
        self.tell(
            text(
                "%(name)s: %(what)s bleibt „%(stored)s“. In der Datei steht „%(wanted)s“.",
                name=name,
                what=what,
                stored=nothing if stored is None else stored,
                wanted=nothing if wanted is None else wanted,
            )
        )

    def tell(self, sentence: Text) -> None:
        """Notes in words what was left as it is."""
        self.summary.kept.append(sentence)

    def _note(
        self,
        kind: Kind,
        outcome: Outcome,
        row: Any,
        what: Text,
        group: Identified | None,
        changes: audit.Changes | None = None,
    ) -> None:
        self.summary.rows[outcome][kind] += 1
        if group is not None and group.id in self.new_groups:
            return
        if outcome is Outcome.CREATED:
            self.new_groups.add(row.id)
        audit.record(
            self.actor,
            row,
            what,
            now=self.now,
            scope_id=group.id if group is not None else row.id,
            changes={
                attr: (_logged(before), _logged(after))
                for attr, (before, after) in (changes or {}).items()
                if attr not in NOT_LOGGED
            },
        )


def told(value: Any) -> Any:
    """A value as a sentence names it: rows and words by what they are called, a list as one line."""
    if isinstance(value, list):
        return tuple(told(item) for item in value) or None
    if isinstance(value, dict):
        return Localized(value["de"], value.get("en"))
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    return value.name if isinstance(value, Model) and hasattr(value, "name") else value


def marks(entry: Sourced, stored: sources.Sourced | None, left_alone: Collection[str] = ()) -> dict[str, Any]:
    """Sources and sample marks of a row, by the names of the file's fields.

    A fact that the import leaves alone keeps the marks it was stored with: they speak for the stored value. Where a
    person's change has split what spoke for the whole entry, it stays split: the fact they changed has no source.
    """
    named = {name: items for name, items in kept_sources(entry.sources).items() if name not in left_alone}
    if left_alone and stored is not None and stored.sources and WHOLE_ENTRY not in stored.sources:
        named = _split(named, stored.sources.keys() - set(left_alone))
    sample = {name for name in entry.sample_fields if name not in left_alone and not _is_part(entry, name)}
    if stored is not None:
        named |= {name: items for name, items in stored.sources.items() if name in left_alone}
        sample |= {name for name in stored.sample_fields if name in left_alone}
    return {"sources": named, "is_sample": entry.is_sample, "sample_fields": sorted(sample)}


def _split(named: dict[str, Any], facts: Collection[str]) -> dict[str, Any]:
    """Sources fact by fact instead of for the whole entry."""
    whole = named.pop(WHOLE_ENTRY, None)
    return (dict.fromkeys(facts, whole) if whole else {}) | named


def _is_part(entry: Entry, name: str) -> bool:
    """Whether a field holds entries, which carry marks of their own."""
    value = getattr(entry, name)
    return isinstance(value, Entry) or (isinstance(value, list) and any(isinstance(item, Entry) for item in value))


def _logged(value: Any) -> Any:
    """As the log shows a value: other rows by their keys, lists as one line."""
    if isinstance(value, list):
        return ", ".join(str(_logged(item)) for item in value) or None
    if isinstance(value, dict):
        return value.get("de")
    if isinstance(value, Model):
        return next(str(getattr(value, attr)) for attr in ("key", "email", "name") if hasattr(value, attr))
    return str(value) if isinstance(value, Localized) else value
