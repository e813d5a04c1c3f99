"""Dates that sources give only in part: a year, a season, a month.

Written in EDTF (ISO 8601-2): 2023, 2023-07, 2023-07-15; seasons have the month numbers 21 spring,
22 summer, 23 autumn and 24 winter (meteorological, winter beginning in December of the year named).
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Dialect, String
from sqlalchemy.types import TypeDecorator

from app.core.text import Text, text

SEASONS = {21: (3, 5), 22: (6, 8), 23: (9, 11), 24: (12, 2)}
SEASON_NAMES = {
    21: text("Frühling %(year)s"),
    22: text("Sommer %(year)s"),
    23: text("Herbst %(year)s"),
    24: text("Winter %(year)s"),
}
MONTH_NAMES = (
    text("Januar %(year)s"),
    text("Februar %(year)s"),
    text("März %(year)s"),
    text("April %(year)s"),
    text("Mai %(year)s"),
    text("Juni %(year)s"),
    text("Juli %(year)s"),
    text("August %(year)s"),
    text("September %(year)s"),
    text("Oktober %(year)s"),
    text("November %(year)s"),
    text("Dezember %(year)s"),
)


@dataclass(frozen=True)
class PartialDate:
    """A year, with a month (1 to 12) or a season (21 to 24), or a full day."""

    year: int
    month: int | None = None
    day: int | None = None

    @classmethod
    def parse(cls, written: str) -> PartialDate:
        """Reads EDTF; raises ValueError for anything else and for days that do not exist."""
        match = re.fullmatch(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", written.strip())
        if not match:
            raise ValueError(written)
        year, month, day = (int(part) if part else None for part in match.groups())
        parsed = cls(year or 0, month, day)
        parsed.first_day()  # raises for a month or a day that does not exist
        return parsed

    @classmethod
    def of(cls, day: date, precision: str) -> PartialDate:
        """A day as its source gave it: with the precision "month" only its month is meant."""
        return cls(day.year, day.month, None if precision == "month" else day.day)

    def first_day(self) -> date:
        """The earliest day that is meant."""
        if self.month in SEASONS and self.day is None:
            return date(self.year, SEASONS[self.month][0], 1)
        return date(self.year, self.month or 1, self.day or 1)

    def last_day(self) -> date:
        """The latest day that is meant: only from then on is the event certain to have happened."""
        if self.day is not None:
            return self.first_day()
        year, month = self.year, self.month or 12
        if month in SEASONS:
            year, month = (year + 1 if month == 24 else year), SEASONS[month][1]
        return date(year, month, monthrange(year, month)[1])

    def label(self) -> Text:
        """As people write it: 2023, Sommer 2023, Juli 2023, 15.07.2023."""
        year = f"{self.year:04d}"
        if self.month is None:
            return text("%(year)s", year=year)
        if self.month in SEASON_NAMES:
            return Text(SEASON_NAMES[self.month].msgid, {"year": year})
        if self.day is None:
            return Text(MONTH_NAMES[self.month - 1].msgid, {"year": year})
        return text("%(day)s", day=self.first_day())

    def __str__(self) -> str:
        parts = (self.month, self.day)
        return "-".join([f"{self.year:04d}", *(f"{part:02d}" for part in parts if part is not None)])


class PartialDateText(TypeDecorator[PartialDate]):
    """Stores a `PartialDate` as its EDTF text, which sorts as it should."""

    impl = String(10)
    cache_ok = True

    def process_bind_param(self, value: PartialDate | None, dialect: Dialect) -> str | None:
        return None if value is None else str(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> PartialDate | None:
        return None if value is None else PartialDate.parse(value)
