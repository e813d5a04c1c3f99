"""Absences: which are allowed, who enters them, who is reached in place of somebody who is away. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from app.core.errors import Conflict, RuleBroken
from app.core.text import Text, text
from app.organisations.permissions import Actor, Role

LONGEST_DAYS = 366
"""Whoever is away for longer than a year is replaced, not stood in for."""


NOT_IN_CARE = text(
    "Abwesenheit und Vertretung ändern nur die Person selbst, ihre Bereichsleitung und die Koordination."
)


class Days(NamedTuple):
    """City days in a row, the first and the last included."""

    first: date
    last: date

    @property
    def length(self) -> int:
        """How many days that are."""
        return (self.last - self.first).days + 1

    def overlaps(self, other: Days) -> bool:
        """Whether the two share a day."""
        return self.first <= other.last and other.first <= self.last

    def said(self) -> Text:
        """The days in words."""
        if self.first == self.last:
            return text("am %(day)s", day=self.first)
        return text("vom %(first)s bis %(last)s", first=self.first, last=self.last)


class Phase(StrEnum):
    """Where an absence stands on a day."""

    COMING = "coming"
    RUNNING = "running"
    PAST = "past"


PHASE_NAMES: Mapping[Phase, Text] = {
    Phase.COMING: text("kommt"),
    Phase.RUNNING: text("läuft"),
    Phase.PAST: text("vorbei"),
}


def phase(days: Days, today: date) -> Phase:
    """Whether an absence is still to come on the city day `today`, runs or is over."""
    if today < days.first:
        return Phase.COMING
    return Phase.RUNNING if today <= days.last else Phase.PAST


def may_enter_for(actor: Actor, person_id: UUID, people_of_units: Collection[UUID]) -> bool:
    """Whether somebody enters absences and names the standing deputy for this person: for themselves, as head for
    the people of their units, as coordination or administration for all. Standing in for a head is not enough:
    a deputy would name deputies."""
    if actor.account_id is not None and actor.account_id == person_id:
        return True
    return actor.has(Role.COORDINATOR, Role.ADMINISTRATOR) or person_id in people_of_units


def check_days(days: Days, others: Iterable[Days], today: date, stored: Days | None = None) -> None:
    """The days of an absence beside the `others` of the same person; `stored` are its days before a change.

    It begins today or later, because reminders that were sent cannot be taken back. For the same reason, and so
    that it stays known who could approve when, an absence that has begun keeps its first day.

    Raises:
        RuleBroken: beside the day that is wrong.
    """
    if days.last < days.first:
        raise RuleBroken(text("Der letzte Tag liegt vor dem ersten."), "until_on")
    if days.length > LONGEST_DAYS:
        longest = text("Eine Abwesenheit dauert höchstens %(days)s Tage.", days=LONGEST_DAYS)
        raise RuleBroken(longest, "until_on")
    if stored is not None and stored.first < today:
        _check_running(days, stored, today)
    elif days.first < today:
        past = text(
            "Eine Abwesenheit beginnt heute oder später: Was schon verschickt ist, lässt sich nicht zurückholen."
        )
        raise RuleBroken(past, "from_on")
    for other in sorted(others):
        if days.overlaps(other):
            taken = text("Für diese Zeit ist schon eine Abwesenheit eingetragen: %(days)s.", days=other.said())
            raise RuleBroken(taken, "from_on")


def _check_running(days: Days, stored: Days, today: date) -> None:
    if days.first != stored.first:
        begun = text("Diese Abwesenheit hat am %(day)s begonnen. Ihr erster Tag bleibt.", day=stored.first)
        raise RuleBroken(begun, "from_on")
    if days.last < today:
        back = text("Der letzte Tag ist heute oder später. Wer schon zurück ist, beendet die Abwesenheit.")
        raise RuleBroken(back, "until_on")


def check_not_over(days: Days, today: date) -> None:
    """What is over stays as it was: it says who could approve when.

    Raises:
        Conflict: where the last day has passed.
    """
    if phase(days, today) is Phase.PAST:
        raise Conflict(text("Diese Abwesenheit ist vorbei und bleibt, wie sie war."))


def check_deputy(person_id: UUID, deputy_id: UUID, staff: Collection[UUID]) -> None:
    """Who stands in is somebody else, and active `staff` of the city.

    Raises:
        RuleBroken: beside the deputy.
    """
    if deputy_id == person_id:
        raise RuleBroken(text("Niemand vertritt sich selbst. Bitte wählen Sie jemand anderes."), "deputy")
    if deputy_id not in staff:
        raise RuleBroken(text("Diese Person kann niemanden vertreten. Bitte wählen Sie jemand anderes."), "deputy")


def check_present(days: Days, deputy_away: Iterable[Days]) -> None:
    """A deputy is there on one of the days at least; on the others their own deputy takes over (`reached`).

    Raises:
        RuleBroken: beside the deputy.
    """
    day = days.first
    for away in sorted(deputy_away):
        if away.first <= day <= away.last:
            day = away.last + timedelta(days=1)
    if day > days.last:
        absent = text("Diese Person ist in der ganzen Zeit selbst abwesend. Bitte wählen Sie jemand anderes.")
        raise RuleBroken(absent, "deputy")


def left_of(days: Days, today: date) -> Days | None:
    """What is left of an absence that somebody comes back from on the city day `today`: the days before it, None
    where there are none."""
    return Days(days.first, today - timedelta(days=1)) if days.first < today else None


@dataclass(frozen=True)
class StandIn:
    """Who stands in for somebody on a day: beside them, or with `only` instead of them."""

    deputy_id: UUID
    only: bool


Away = Mapping[UUID, StandIn]
"""Who is away on one day → who stands in for them."""


def reached(person_id: UUID, away: Away) -> tuple[UUID, ...]:
    """Whom a word to this person reaches on that day, themselves first. A deputy who is away has a deputy too;
    where that leads in a circle, it is the person themselves: never nobody."""
    return tuple(_chain(person_id, away)) or (person_id,)


def is_free(person_id: UUID, involved: Collection[UUID | None], away: Away) -> bool:
    """Whether a decision can be up to this person, who must not be `involved`: a word to somebody away has to reach
    another who is not involved either."""
    return person_id not in involved and any(one not in involved for one in reached(person_id, away))


def stands_in_for(person_id: UUID, away: Away) -> frozenset[UUID]:
    """Those in whose place this person may act on that day."""
    return frozenset(absent for absent in away if absent != person_id and person_id in reached(absent, away))


def _chain(person_id: UUID, away: Away) -> Iterator[UUID]:
    passed: set[UUID] = set()
    while person_id not in passed:
        passed.add(person_id)
        stand_in = away.get(person_id)
        if stand_in is None or not stand_in.only:
            yield person_id
        if stand_in is None:
            return
        person_id = stand_in.deputy_id
