"""Which reminders are due. Pure: no database, no clock.

The question is always "which step has been reached and is not in the ledger", never "is it exactly seven days
before": a sweep that could not run for a day, or for a month, loses nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from app.calendars.working_days import add_working_days, working_day_from, working_day_until
from app.core.localized import Localized
from app.core.text import Text, ntext, text
from app.deadlines.deadline import Deadline, Kind, unique
from app.organisations.absence import Away, reached
from app.programmes.ladder import Audience

LONGEST_HOLIDAYS = 14
"""Calendar days by which a step day may move to reach a working day: more than any row of holidays."""


TAKEN_OVER_BY: Mapping[Audience, Audience] = {
    Audience.DEPUTY: Audience.PROJECT_LEAD,
    Audience.PROJECT_LEAD: Audience.DEPARTMENT_HEAD,
    Audience.DEPARTMENT_HEAD: Audience.COORDINATOR,
}
"""Who stands behind a part that nobody has (`People.by_role`)."""


class Outcome(StrEnum):
    """Whether a step was mailed, or overtaken by a later one."""

    MAILED = "mailed"
    SUPERSEDED = "superseded"


@dataclass(frozen=True)
class Step:
    """One rung of a programme's ladder. `offset_days` are days from the due day, negative before it: calendar days,
    or with `working_days` working days. A step with `repeat_days` comes again every so many of these days until the
    deadline is met. It calls `recipients` by their part and the `named`; `wording` is said with the deadline."""

    key: str
    offset_days: int
    repeat_days: int | None
    recipients: frozenset[Audience]
    working_days: bool = False
    named: tuple[UUID, ...] = ()
    wording: Localized | None = None

    def day(self, number: int, due_on: date, state: str) -> date:
        """The working day on which it comes for the `number`th time.

        What falls on a day off moves to the working day before it, after the due day to the one after it.
        """
        offset = self.offset_days + (number - 1) * (self.repeat_days or 0)
        day = add_working_days(due_on, offset, state) if self.working_days else due_on + timedelta(days=offset)
        return working_day_from(day, state) if offset > 0 else working_day_until(day, state)


class Key(NamedTuple):
    """What is decided once: one step of one version of one deadline for one person."""

    subject: str
    version: int
    step: str
    recipient_id: UUID


@dataclass(frozen=True)
class Reminder:
    """What one person is told about one deadline on `today`, the programme's local day.

    `key` is the step that is mailed, of `step`; those `superseded` were reached too and are overtaken by it. `for_id`
    is whom the recipient stands in for.
    """

    deadline: Deadline
    recipient_id: UUID
    for_id: UUID | None
    step: Step
    key: str
    superseded: tuple[str, ...]
    today: date

    @property
    def keys(self) -> Iterator[Key]:
        """What the ledger knows it by, the mailed step last."""
        for step in (*self.superseded, self.key):
            yield Key(self.deadline.subject, self.deadline.version, step, self.recipient_id)

    @property
    def is_binding(self) -> bool:
        """Whether nobody can switch it off: what a grant obliges to, and whatever is not done in time."""
        return self.deadline.kind is Kind.OBLIGATION or self.step.offset_days > 0

    @property
    def is_overdue(self) -> bool:
        """Whether the due day has passed."""
        return self.deadline.is_overdue(self.today)

    @property
    def part(self) -> Audience | None:
        """The part in which the step calls them, or whom they stand in for; None for somebody who is named."""
        person = self.for_id or self.recipient_id
        return next((part for part in Audience if self._calls(part, person)), None)

    @property
    def own_part(self) -> Audience:
        """The part they have themselves, or whom they stand in for: where nobody leads a measure, its reminders come
        to the head as head. So do those that only call people who are not there any more."""
        part = self.part or Audience.DEPARTMENT_HEAD
        people = self.deadline.recipients
        while part in TAKEN_OVER_BY and people[part] == people[TAKEN_OVER_BY[part]]:
            part = TAKEN_OVER_BY[part]
        return part

    def _calls(self, part: Audience, person: UUID) -> bool:
        return part in self.step.recipients and person in self.deadline.recipients[part]


class Reached(NamedTuple):
    """A step that has been reached: the day on which it came, and its key in the ledger."""

    day: date
    offset_days: int
    key: str
    step: Step


Called = Mapping[UUID, tuple[UUID | None, list[Reached]]]


def due(
    deadlines: Iterable[Deadline],
    steps: Sequence[Step],
    ledger: Collection[Key],
    today: date,
    state: str,
    away: Away,
) -> Iterator[Reminder]:
    """What has to be said on `today`: for every deadline and person the steps reached by then that the ledger does
    not hold. Of several the latest is said and the earlier ones are superseded.

    `state` is the federal state whose holidays count; `away` are those who are absent on that day.
    """
    ladders: dict[date, list[Reached]] = {}
    deadlines = list(deadlines)  # they keep their recipients alive, and so the numbers by which these are known
    called: dict[tuple[int, date], Called] = {}  # a measure's deadlines of one day call the same people
    for deadline in deadlines:
        if deadline.due_on is None:
            continue
        if deadline.due_on not in ladders:
            ladders[deadline.due_on] = reached_steps(deadline.due_on, steps, today, state)
        if ladders[deadline.due_on]:
            same = (id(deadline.recipients), deadline.due_on)
            if same not in called:
                called[same] = _called(deadline, ladders[deadline.due_on], away)
            yield from _due(deadline, called[same], ledger, today)


def _due(deadline: Deadline, called: Called, ledger: Collection[Key], today: date) -> Iterator[Reminder]:
    for recipient_id, (for_id, steps) in called.items():
        new = [step for step in steps if (deadline.subject, deadline.version, step.key, recipient_id) not in ledger]
        if new:
            *earlier, last = new
            superseded = tuple(step.key for step in earlier)
            yield Reminder(deadline, recipient_id, for_id, last.step, last.key, superseded, today)


def _called(deadline: Deadline, ladder: Iterable[Reached], away: Away) -> Called:
    """Who is called → whom they stand in for, and the steps that call them, earliest first."""
    called: dict[UUID, tuple[UUID | None, list[Reached]]] = {}
    people: dict[str, Mapping[UUID, UUID | None]] = {}  # a step calls the same people each time it comes
    for rung in ladder:
        step = rung.step
        if step.key not in people:
            people[step.key] = _people(deadline, step, away)
        for person, for_id in people[step.key].items():
            before, rungs = called.get(person, (for_id, []))
            called[person] = (before and for_id, [*rungs, rung])
    return called


def _people(deadline: Deadline, step: Step, away: Away) -> Mapping[UUID, UUID | None]:
    """Whom a step reaches for a deadline → whom they stand in for; None for those who are called themselves."""
    called = unique(
        [*(one for part in Audience if part in step.recipients for one in deadline.recipients[part]), *step.named]
    )
    if not called:  # only people were named, and none of them is there any more
        called = deadline.recipients[Audience.DEPARTMENT_HEAD]
    found: dict[UUID, UUID | None] = {}
    for person in called:
        for someone in reached(person, away):
            for_id = None if someone == person else person
            found[someone] = None if someone in called else found.get(someone, for_id)
    return found


def reached_steps(due_on: date, steps: Iterable[Step], today: date, state: str) -> list[Reached]:
    """The steps, each with its repetitions, whose day has come: earliest first."""
    return sorted(
        (rung for step in steps for rung in _days_of(step, due_on, today, state)), key=lambda rung: rung[:3]
    )


def _days_of(step: Step, due_on: date, today: date, state: str) -> Iterator[Reached]:
    """The days of a step up to `today`: the first under the step's own key, then `key#2`, `key#3` …"""
    number = 1
    while (day := step.day(number, due_on, state)) <= today:
        key = step.key if number == 1 else f"{step.key}#{number}"
        yield Reached(day, step.offset_days + (number - 1) * (step.repeat_days or 0), key, step)
        if not step.repeat_days:
            return
        number += 1


def days_ahead(steps: Iterable[Step]) -> int:
    """How many calendar days before a due day its first step may come; deadlines farther off need no look."""
    first = min((2 * step.offset_days if step.working_days else step.offset_days for step in steps), default=0)
    return LONGEST_HOLIDAYS - min(first, 0)


def words(step: Step) -> Text:
    """When a step comes, as people say it: 30 Tage vorher; 7 Tage danach, dann alle 7 Tage."""
    first = _first(step.offset_days, step.working_days)
    if step.repeat_days:
        return text("%(first)s, dann %(again)s", first=first, again=_again(step.repeat_days, step.working_days))
    return first


def words_for_key(key: str, steps: Iterable[Step]) -> Text | None:
    """When a step of the ledger came, with its repetitions counted in; None when the ladder has no such step now."""
    name, _, number = key.partition("#")
    for step in steps:
        if step.key == name:
            return _first(step.offset_days + (int(number or 1) - 1) * (step.repeat_days or 0), step.working_days)
    return None


def _first(offset_days: int, working_days: bool) -> Text:
    if offset_days == 0:
        return text("am Tag selbst")
    if working_days:
        if offset_days < 0:
            return ntext("%(n)s Arbeitstag vorher", "%(n)s Arbeitstage vorher", -offset_days)
        return ntext("%(n)s Arbeitstag danach", "%(n)s Arbeitstage danach", offset_days)
    if offset_days < 0:
        return ntext("%(n)s Tag vorher", "%(n)s Tage vorher", -offset_days)
    return ntext("%(n)s Tag danach", "%(n)s Tage danach", offset_days)


def _again(repeat_days: int, working_days: bool) -> Text:
    if working_days:
        return ntext("jeden Arbeitstag", "alle %(n)s Arbeitstage", repeat_days)
    return ntext("täglich", "alle %(n)s Tage", repeat_days)
