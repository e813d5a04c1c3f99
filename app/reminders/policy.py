"""Which reminders are due, and which of them is mailed. Pure: no database, no clock.

The question is always "which step has been reached and is not in the ledger", never "is it exactly seven days
before": a sweep that could not run for a day, or for a month, loses nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from app.core.text import Text, ntext, text
from app.deadlines.deadline import Deadline, unique
from app.organisations.permissions import Role


class Outcome(StrEnum):
    """Whether a step was mailed, or overtaken by a later one."""

    MAILED = "mailed"
    SUPERSEDED = "superseded"


@dataclass(frozen=True)
class Step:
    """One rung of a programme's ladder. `offset_days` are calendar days from the due day, negative before it; a
    step with `repeat_days` comes again every so many days until the deadline is met."""

    key: str
    offset_days: int
    repeat_days: int | None
    recipients: frozenset[Role]


class Key(NamedTuple):
    """What is decided once: one step of one version of one deadline for one person."""

    subject: str
    version: int
    step: str
    recipient_id: UUID


@dataclass(frozen=True)
class Decision:
    """What becomes of one step of one deadline for one person."""

    deadline: Deadline
    step: str
    recipient_id: UUID
    outcome: Outcome

    @property
    def key(self) -> Key:
        """What the ledger knows it by."""
        return Key(self.deadline.subject, self.deadline.version, self.step, self.recipient_id)


def due(
    deadlines: Iterable[Deadline], steps: Collection[Step], ledger: Collection[Key], today: date
) -> list[Decision]:
    """What has to be decided on `today`: every step reached by then that the ledger does not hold.

    Of the steps one person has reached for one deadline only the latest is mailed; the earlier ones are
    superseded, also when the latest was mailed before.
    """
    return [decision for deadline in deadlines for decision in _due(deadline, steps, ledger, today)]


def _due(deadline: Deadline, steps: Collection[Step], ledger: Collection[Key], today: date) -> Iterator[Decision]:
    if deadline.due_on is None:
        return
    reached = list(_reached(deadline.due_on, steps, today))
    for recipient_id in unique(person for people in deadline.recipients.values() for person in people):
        roles = {role for role, people in deadline.recipients.items() if recipient_id in people}
        keys = [key for key, step in reached if step.recipients & roles]
        for key in keys:
            outcome = Outcome.MAILED if key == keys[-1] else Outcome.SUPERSEDED
            decision = Decision(deadline, key, recipient_id, outcome)
            if decision.key not in ledger:
                yield decision


def _reached(due_on: date, steps: Collection[Step], today: date) -> Iterator[tuple[str, Step]]:
    """The steps, each with its repetitions, whose day has come: earliest first."""
    found = [
        (day, step.offset_days, key, step)
        for step in steps
        for key, day in _days_of(step, due_on, today)
        if day <= today
    ]
    for _, _, key, step in sorted(found, key=lambda entry: entry[:3]):
        yield key, step


def _days_of(step: Step, due_on: date, today: date) -> Iterator[tuple[str, date]]:
    """The days of a step up to `today`: the first under the step's own key, then `key#2`, `key#3` …"""
    day = due_on + timedelta(days=step.offset_days)
    yield step.key, day
    number = 1
    while step.repeat_days and day < today:
        number += 1
        day += timedelta(days=step.repeat_days)
        yield f"{step.key}#{number}", day


def days_ahead(steps: Iterable[Step]) -> int:
    """How many days before a due day its first step comes; deadlines farther off need not be looked at."""
    return max((-step.offset_days for step in steps), default=0)


def words(step: Step) -> Text:
    """When a step comes, as people say it: 30 Tage vorher; 7 Tage danach, dann alle 7 Tage."""
    if step.repeat_days:
        return text("%(first)s, dann %(again)s", first=_first(step.offset_days), again=_again(step.repeat_days))
    return _first(step.offset_days)


def words_for_key(key: str, steps: Iterable[Step]) -> Text | None:
    """When a step of the ledger came, with its repetitions counted in; None when the ladder has no such step now."""
    name, _, number = key.partition("#")
    for step in steps:
        if step.key == name:
            return _first(step.offset_days + (int(number or 1) - 1) * (step.repeat_days or 0))
    return None


def _first(offset_days: int) -> Text:
    if offset_days < 0:
        return ntext("%(n)s Tag vorher", "%(n)s Tage vorher", -offset_days)
    if offset_days > 0:
        return ntext("%(n)s Tag danach", "%(n)s Tage danach", offset_days)
    return text("am Tag selbst")


def _again(repeat_days: int) -> Text:
    return ntext("täglich", "alle %(n)s Tage", repeat_days)
