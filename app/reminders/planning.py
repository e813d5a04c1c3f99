"""What has to be said, to whom, and when it leaves: planned from what is stored, for a sweep or only to be looked at.

Planning writes nothing; `service` carries a plan out.
"""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

import structlog

from app.core import clock
from app.core.database import db
from app.deadlines.deadline import Deadline, urgency
from app.deadlines.directory import Directory
from app.deadlines.queries import open_deadlines
from app.programmes.models import Programme
from app.reminders import policy
from app.reminders.policy import Key, Reminder
from app.reminders.queries import decided_keys, ladders_of, list_programmes, mailed_on, runs_on, wishes_of
from app.reminders.sending import sending_at
from app.reminders.wishes import NO_WISHES, Wishes

log = structlog.get_logger()

NOON = time(12)
AT_ONCE = 100
"""Programmes whose deadlines are read together."""


@dataclass(frozen=True)
class Post:
    """The one mail of a person on a city day: the most urgent first. It leaves at the earliest at `leaves_at`."""

    account_id: UUID
    day: date
    leaves_at: datetime
    reminders: tuple[Reminder, ...]

    @property
    def programme_ids(self) -> frozenset[UUID]:
        """The programmes that have something to say in it."""
        return frozenset(reminder.deadline.programme_id for reminder in self.reminders)


@dataclass(frozen=True)
class Plan:
    """What is to be said on a day, and the programmes that could not be read."""

    posts: list[Post]
    failed: set[UUID]


def plan_day(programmes: Iterable[Programme], at: datetime, decided: Collection[Key] = frozenset()) -> Plan:
    """What these programmes say on the day of the instant `at`, all send times of that day put together.

    `decided` is taken for said besides the ledger. Who had their mail of the day gets none: it is said the day after.
    """
    day = clock.day_of(at)
    reminders: list[Reminder] = []
    failed: set[UUID] = set()
    sends_at: dict[UUID, datetime] = {}
    with _nothing_collected():
        for today, group in _by_local_day(programmes, at, sends_at).items():
            found, broken = _read(group, today, decided)
            reminders += found
            failed |= broken
    had_theirs = mailed_on(day)
    theirs = {key: rows for key, rows in _by_recipient(reminders).items() if key not in had_theirs}
    return Plan([*posts_of(theirs, wishes_of(theirs), sends_at, day)], failed)


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Reading makes very many objects that all stay to the end of the plan: the garbage collector would go through
    all of them again and again for nothing, the more often the more there are."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def posts_of(
    theirs: Mapping[UUID, Sequence[Reminder]],
    wishes: Mapping[UUID, Wishes],
    sends_at: Mapping[UUID, datetime],
    day: date,
) -> Iterator[Post]:
    """Each person's mail of a city day: what they welcome on it, when the last of its programmes sends."""
    for account_id, reminders in theirs.items():
        own = wishes.get(account_id, NO_WISHES)
        said = [reminder for reminder in reminders if own.welcomes(reminder, day)]
        if said:
            leaves_at = own.leaves_at(day, (sends_at[reminder.deadline.programme_id] for reminder in said))
            yield Post(account_id, day, leaves_at, tuple(sorted(said, key=lambda one: urgency(one.deadline))))


def preview(first_day: date, days: int) -> Iterator[Post]:
    """What will be sent from a city day on, if nothing changes until then; what has been sent is left out.

    Each day is planned as its sweep will plan it, with the ledger as the days before it will leave it.
    """
    programmes = list_programmes()
    decided: set[Key] = set()
    for number in range(days):
        day = first_day + timedelta(days=number)
        noon = clock.at(day, NOON)
        swept = {key for key, next_at in runs_on(noon).items() if next_at is None}
        open_today = [
            one
            for one in programmes
            if (sending := sending_at(noon, one.send_time, one.zone)) and (one.id, sending.day) not in swept
        ]
        for post in sorted(plan_day(open_today, noon, decided).posts, key=lambda post: post.leaves_at):
            decided.update(key for reminder in post.reminders for key in reminder.keys)
            yield post


def _by_local_day(
    programmes: Iterable[Programme], at: datetime, sends_at: dict[UUID, datetime]
) -> dict[date, list[Programme]]:
    """The programmes by the local day on which they send; notes from when on each does."""
    groups: dict[date, list[Programme]] = {}
    for programme in programmes:
        if sending := sending_at(at, programme.send_time, programme.zone):
            groups.setdefault(sending.day, []).append(programme)
            sends_at[programme.id] = sending.starts_at
    return groups


def _read(programmes: Sequence[Programme], today: date, decided: Collection[Key]) -> tuple[list[Reminder], set[UUID]]:
    """What is due in these programmes, and which of them failed: one that cannot be read holds up no other."""
    directory = Directory.read(today)
    reminders: list[Reminder] = []
    failed: set[UUID] = set()
    for start in range(0, len(programmes), AT_ONCE):
        some = programmes[start : start + AT_ONCE]
        try:
            with db.session.begin_nested():
                reminders += _due(some, today, directory, decided)
        except Exception as error:
            if len(some) == 1:
                failed.add(some[0].id)
                log.exception("reminders of a programme failed", programme=some[0].key)
                continue
            log.warning("reminders failed, each programme is tried alone", error=str(error))
            for one in some:
                alone, broken = _read([one], today, decided)
                reminders += alone
                failed |= broken
    return reminders, failed


def _due(
    programmes: Sequence[Programme], today: date, directory: Directory, decided: Collection[Key]
) -> list[Reminder]:
    ladders = ladders_of(programme.id for programme in programmes)
    until = today + timedelta(days=max(map(policy.days_ahead, ladders.values())))
    dated = [deadline for deadline in open_deadlines(programmes, today, until, directory) if deadline.due_on]
    ledger = decided_keys([deadline.subject for deadline in dated]) | set(decided)
    deadlines: dict[UUID, list[Deadline]] = {}
    for deadline in dated:
        deadlines.setdefault(deadline.programme_id, []).append(deadline)
    return [
        reminder
        for programme in programmes
        for reminder in policy.due(
            deadlines.get(programme.id, ()),
            ladders[programme.id],
            ledger,
            today,
            programme.state,
            directory.away,
        )
    ]


def _by_recipient(reminders: Iterable[Reminder]) -> dict[UUID, list[Reminder]]:
    """Each person's reminders, in an order that is the same for every sweep: two at once wait for each other and
    never in a circle."""
    theirs: dict[UUID, list[Reminder]] = {}
    for reminder in sorted(reminders, key=lambda reminder: (reminder.recipient_id, reminder.deadline.subject)):
        theirs.setdefault(reminder.recipient_id, []).append(reminder)
    return theirs
