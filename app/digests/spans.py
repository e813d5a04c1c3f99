"""Which days a digest tells of, and when one is due. Pure.

Spans of one funder follow each other without gap or overlap. What a digest told is remembered fact by fact
(`untold`), not by the clock: something entered late, or on the very day after a digest left, is told by the next.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Protocol, TypeVar

from app.calendars.periods import Period, Rhythm
from app.core.errors import Conflict, RuleBroken
from app.core.text import Text, text

RHYTHM_NAMES: Mapping[Rhythm, Text] = {
    Rhythm.MONTHLY: text("monatlich"),
    Rhythm.QUARTERLY: text("vierteljährlich"),
    Rhythm.HALF_YEARLY: text("halbjährlich"),
}
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Span:
    """The days of a digest, both included. `is_first`: nothing has reached this funder before."""

    from_on: date
    until_on: date
    is_first: bool

    def label(self) -> Text:
        """The span as people say it: a period of the calendar by its name, any other by its days."""
        if self.is_first:
            return text("Gesamtbild bis %(until)s", until=self.until_on)
        for rhythm in Rhythm:
            period = Period.containing(self.until_on, rhythm)
            if (period.first_day, period.last_day) == (self.from_on, self.until_on):
                return period.label()
        if self.from_on == self.until_on:
            return text("%(day)s", day=self.until_on)
        return text("%(start)s bis %(until)s", start=self.from_on, until=self.until_on)


def next_span(last_until: date | None, has_been_told: bool, begins_on: date, until_on: date) -> Span:
    """The span that ends with `until_on`: from the day after the last digest, or from `begins_on` for the first.

    Raises:
        Conflict: when a digest has told that day already.
    """
    if last_until is None:
        return Span(min(begins_on, until_on), until_on, is_first=True)
    if until_on <= last_until:
        raise Conflict(
            text("Bis einschließlich %(day)s ist schon berichtet. Der nächste Digest reicht weiter.", day=last_until),
            "until",
        )
    return Span(last_until + ONE_DAY, until_on, is_first=not has_been_told)


def check_until(until_on: date, today: date) -> None:
    """A digest tells of what has been.

    Raises:
        RuleBroken: on the field `until`, for a day that is yet to come.
    """
    if until_on > today:
        raise RuleBroken(
            text("Der %(day)s liegt in der Zukunft. Wählen Sie einen Tag bis heute.", day=until_on), "until"
        )


def due_period(rhythm: Rhythm, local_now: datetime, sends_from: time, last_until: date | None) -> Period | None:
    """The ended period nobody has told the funder of, or None.

    `local_now` is the instant in the programme's zone; before `sends_from`, a time of day there, nothing leaves.
    Of several missed periods one digest tells: it reaches back to the last.
    """
    if local_now.time() < sends_from:
        return None
    period = Period.containing(local_now.date(), rhythm).previous()
    return None if last_until is not None and last_until >= period.last_day else period


def awaited_period(rhythm: Rhythm, today: date, last_until: date | None) -> Period:
    """The period the next digest will close: the last ended one while it is missing, else the running one."""
    running = Period.containing(today, rhythm)
    ended = running.previous()
    if last_until is None or last_until < ended.last_day:
        return ended
    if last_until < running.last_day:
        return running
    return Period.containing(running.last_day + ONE_DAY, rhythm)


class Dated(Protocol):
    """A fact with its own name and the instant at which it became one."""

    @property
    def key(self) -> str: ...

    @property
    def at(self) -> datetime: ...


Fact = TypeVar("Fact", bound=Dated)


def untold(facts: Iterable[Fact], told: Collection[str], before: datetime) -> tuple[Fact, ...]:
    """The facts from before an instant that no digest of this funder has told, oldest first."""
    news = (fact for fact in facts if fact.at < before and fact.key not in told)
    return tuple(sorted(news, key=lambda fact: (fact.at, fact.key)))
