"""Data in two languages: what a city file says in German and, where known, in English."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, ColumnElement, Dialect, type_coerce
from sqlalchemy.types import TypeDecorator


@dataclass(frozen=True)
class Localized:
    """A value of the data in German (`de`) and, where there is one, English (`en`)."""

    de: str
    en: str | None = None

    def in_language(self, language: str) -> str:
        """The wording for a language code; German where there is no other."""
        return self.en if language == "en" and self.en else self.de

    def __str__(self) -> str:
        return self.de


class LocalizedText(TypeDecorator[Localized]):
    """Stores a `Localized` as a JSON object with the keys de and en."""

    impl = JSON
    cache_ok = True

    def __init__(self) -> None:
        super().__init__(none_as_null=True)

    def process_bind_param(self, value: Localized | None, dialect: Dialect) -> dict[str, str] | None:
        if value is None:
            return None
        return {"de": value.de} | ({"en": value.en} if value.en else {})

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Localized | None:
        return None if value is None else Localized(value["de"], value.get("en"))


def wordings(column: Any) -> tuple[ColumnElement[str], ColumnElement[str]]:
    """The German and the English wording as columns of their own, taken apart by the database: for reads of very many
    rows, where decoding each costs more than reading it."""
    kept = type_coerce(column, JSON)
    return kept["de"].as_string(), kept["en"].as_string()
