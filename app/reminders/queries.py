"""Reads of reminder ladders and of the ledger. Reminders are the city's own business: views check `VIEW_INTERNAL`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select
from sqlalchemy.orm import selectinload

from app.core.database import db, one_of
from app.mail.models import Mail
from app.programmes.ladder import Audience
from app.programmes.models import Programme, ReminderStep
from app.reminders.models import ReminderEntry, ReminderPreference, ReminderRun
from app.reminders.policy import Key, Step
from app.reminders.sending import sending_at
from app.reminders.wishes import Wishes

CHUNK = 5000
"""Subjects asked for in one query: databases limit the number of parameters."""


PROGRAMME, RUN = Programme.__table__, ReminderRun.__table__
SEND_TIMES = select(PROGRAMME.c.id, PROGRAMME.c.send_time, PROGRAMME.c.time_zone).order_by(PROGRAMME.c.key)
RUNS = select(RUN.c.programme_id, RUN.c.day, RUN.c.next_at).where(RUN.c.day >= bindparam("yesterday"))
"""Made once: with them, most sweeps learn that there is nothing to do."""


class Turn(NamedTuple):
    """A programme and the local day on which it sends."""

    programme_id: UUID
    day: date


def turns_on(now: datetime) -> tuple[list[Turn], list[Turn]]:
    """The programmes to be swept now, and those that send later on this city day or wait: for what they have to say
    there is the same mail.

    To be swept is what has not been on its day, or what somebody wanted their mail of the day later for.
    """
    ripe: list[Turn] = []
    coming: list[Turn] = []
    runs = runs_on(now)
    for programme_id, send_time, time_zone in db.session.connection().execute(SEND_TIMES):
        sending = sending_at(now, send_time, ZoneInfo(time_zone))
        if sending is None:
            continue
        turn = Turn(programme_id, sending.day)
        look_at = runs.get(turn, sending.starts_at)
        if look_at is not None:  # else the day is done
            (ripe if max(look_at, sending.starts_at) <= now else coming).append(turn)
    return ripe, coming


def runs_on(now: datetime) -> dict[Turn, datetime | None]:
    """The local days swept about this instant → when to look at them once more, None: they are done."""
    yesterday = (now - timedelta(days=1)).date()  # no zone's day is older than that
    rows = db.session.connection().execute(RUNS, {"yesterday": yesterday})
    return {Turn(programme_id, day): next_at for programme_id, day, next_at in rows}


WITH_STEPS = select(Programme).options(selectinload(Programme.steps).selectinload(ReminderStep.named))
BY_IDS = WITH_STEPS.where(Programme.id.in_(bindparam("programme_ids", expanding=True)))


def list_by_ids(programme_ids: Iterable[UUID]) -> Sequence[Programme]:
    """These programmes with their steps."""
    return db.session.scalars(BY_IDS, {"programme_ids": list(programme_ids)}).all()


def ladder_of(programme: Programme) -> list[Step]:
    """A programme's steps as the policy reads them, earliest first."""
    return [
        Step(
            step.key,
            step.offset_days,
            step.repeat_days,
            frozenset(Audience(part) for part in step.recipients),
            step.working_days,
            tuple(account.id for account in step.named if account.active),
            step.wording,
        )
        for step in programme.steps
    ]


def once_key(account_id: UUID, day: date) -> str:
    """What makes the reminders of a person and city day one mail."""
    return f"reminder:{day.isoformat()}:{account_id}"


def mailed_on(day: date) -> frozenset[UUID]:
    """Who had their mail of a city day."""
    first = f"reminder:{day.isoformat()}:"
    keys = db.session.scalars(select(Mail.once).where(Mail.once.between(first, first + "g")))  # keys are hexadecimal
    return frozenset(UUID(key.removeprefix(first)) for key in keys if key)


def wishes_of(account_ids: Collection[UUID]) -> dict[UUID, Wishes]:
    """The preferences of these people; those who have entered none are left out."""
    row = ReminderPreference
    found = db.session.scalars(select(row).where(row.account_id.in_(account_ids)))
    return {
        row.account_id: Wishes(frozenset(row.weekdays), row.send_time, row.paused_until_on, row.wants_optional)
        for row in found
    }


def decided_keys(subjects: Sequence[str]) -> set[Key]:
    """What the ledger holds about these deadlines."""
    entry = ReminderEntry
    columns = select(entry.subject, entry.due_version, entry.step, entry.recipient_id)
    keys: set[Key] = set()
    for chunk in (subjects[start : start + CHUNK] for start in range(0, len(subjects), CHUNK)):
        keys.update(map(Key._make, db.session.execute(columns.where(one_of(entry.subject, chunk)))))
    return keys


def list_programmes() -> Sequence[Programme]:
    """All programmes with their steps."""
    return db.session.scalars(WITH_STEPS.order_by(Programme.key)).all()
