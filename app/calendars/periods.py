"""Reporting periods: months, quarters and half-years of the calendar."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from app.core.text import Text, text


class Rhythm(StrEnum):
    """How often something is reported."""

    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    HALF_YEARLY = "half_yearly"


MONTHS = {Rhythm.MONTHLY: 1, Rhythm.QUARTERLY: 3, Rhythm.HALF_YEARLY: 6}
LETTERS = {Rhythm.QUARTERLY: "Q", Rhythm.HALF_YEARLY: "H"}


@dataclass(frozen=True, order=True)
class Period:
    """The `number`th month, quarter or half-year of a year; `key` is 2023-03, 2023-Q1 or 2023-H1."""

    year: int
    number: int
    rhythm: Rhythm

    @classmethod
    def containing(cls, day: date, rhythm: Rhythm) -> Period:
        """The period in which a day lies."""
        return cls(day.year, (day.month - 1) // MONTHS[rhythm] + 1, rhythm)

    @classmethod
    def parse(cls, key: str) -> Period:
        """Reads a key; raises ValueError for anything that is none."""
        match = re.fullmatch(r"(\d{4})-(?:(0[1-9]|1[0-2])|Q([1-4])|H([12]))", key)
        if not match or int(match[1]) < 1:
            raise ValueError(key)
        for number, rhythm in zip(match.groups()[1:], Rhythm, strict=True):
            if number:
                return cls(int(match[1]), int(number), rhythm)
        raise ValueError(key)

    @property
    def key(self) -> str:
        """The period as it is written in data and addresses."""
        if self.rhythm is Rhythm.MONTHLY:
            return f"{self.year:04d}-{self.number:02d}"
        return f"{self.year:04d}-{LETTERS[self.rhythm]}{self.number}"

    @property
    def first_day(self) -> date:
        """The day on which the period begins."""
        return date(self.year, (self.number - 1) * MONTHS[self.rhythm] + 1, 1)

    @property
    def last_day(self) -> date:
        """The day on which the period ends."""
        month = self.number * MONTHS[self.rhythm]
        return date(self.year, month, monthrange(self.year, month)[1])

    def previous(self) -> Period:
        """The period before this one."""
        return Period.containing(self.first_day - timedelta(days=1), self.rhythm)

    def label(self) -> Text:
        """As people say it: 1. Quartal 2023."""
        if self.rhythm is Rhythm.QUARTERLY:
            return text("%(number)s. Quartal %(year)s", number=self.number, year=str(self.year))
        if self.rhythm is Rhythm.HALF_YEARLY:
            return text("%(number)s. Halbjahr %(year)s", number=self.number, year=str(self.year))
        return text("Monat %(number)s/%(year)s", number=f"{self.number:02d}", year=str(self.year))
