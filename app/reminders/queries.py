"""Reads of reminder ladders and of the ledger. Reminders are the city's own business: views check `VIEW_INTERNAL`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select
from sqlalchemy.orm import selectinload

from app.accounts.models import Account
from app.core.database import db, one_of
from app.core.prepared import Errand, ask
from app.mail.models import Mail
from app.programmes.ladder import Audience
from app.programmes.models import Programme, ReminderStep
from app.reminders.models import ReminderEntry, ReminderPreference, ReminderRun
from app.reminders.policy import Key, Step
from app.reminders.sending import sending_at
from app.reminders.wishes import Wishes

PROGRAMME, RUN = Programme.__table__, ReminderRun.__table__
SEND_TIMES = select(PROGRAMME.c.id, PROGRAMME.c.send_time, PROGRAMME.c.time_zone).order_by(PROGRAMME.c.key)
RUNS = select(RUN.c.programme_id, RUN.c.day, RUN.c.next_at).where(RUN.c.day >= bindparam("yesterday"))
"""Made once: with them, most sweeps learn that there is nothing to do."""


class Turn(NamedTuple):
    """A programme and the local day on which it sends."""

    programme_id: UUID
    day: date


def turns_on(now: datetime, connection: Errand | None = None) -> tuple[list[Turn], list[Turn]]:
    """The programmes to be swept now, and those that send later on this city day or wait: for what they have to say
    there is the same mail. Read in the session's transaction, or without one on a connection of its own.

    To be swept is what has not been on its day, or what somebody wanted their mail of the day later for.
    """
    ripe: list[Turn] = []
    coming: list[Turn] = []
    database: Any = connection or db.session.connection()
    runs = _runs_on(now, database)
    for programme_id, send_time, time_zone in database.execute(SEND_TIMES):
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
    return _runs_on(now, db.session.connection())


def _runs_on(now: datetime, database: Any) -> dict[Turn, datetime | None]:
    yesterday = (now - timedelta(days=1)).date()  # no zone's day is older than that
    rows = database.execute(RUNS, {"yesterday": yesterday})
    return {Turn(programme_id, day): next_at for programme_id, day, next_at in rows}


BY_IDS = select(Programme).where(Programme.id.in_(bindparam("programme_ids", expanding=True)))
STEPS = (
    select(
        ReminderStep.programme_id,
        ReminderStep.key,
        ReminderStep.offset_days,
        ReminderStep.repeat_days,
        ReminderStep.recipients,
        ReminderStep.working_days,
        ReminderStep.wording,
        Account.id,
    )
    .outerjoin(ReminderStep.named.and_(Account.active))
    .where(one_of(ReminderStep.programme_id, "programme_ids"))
    .order_by(ReminderStep.offset_days, ReminderStep.key, Account.email)
)


def list_by_ids(programme_ids: Iterable[UUID]) -> Sequence[Programme]:
    """These programmes."""
    return db.session.scalars(BY_IDS, {"programme_ids": list(programme_ids)}).all()


def ladders_of(programme_ids: Iterable[UUID]) -> dict[UUID, list[Step]]:
    """The steps of each of these programmes as the policy reads them, earliest first; of the named people those who
    are still there."""
    ladders: dict[UUID, dict[str, Step]] = {programme_id: {} for programme_id in programme_ids}
    for programme_id, key, offset, repeat, parts, working, wording, named in ask(STEPS, {"programme_ids": ladders}):
        before = ladders[programme_id].get(key) or Step(
            key, offset, repeat, frozenset(map(Audience, parts)), working, (), wording
        )
        ladders[programme_id][key] = replace(before, named=(*before.named, named)) if named else before
    return {programme_id: list(steps.values()) for programme_id, steps in ladders.items()}


def read_steps(programme: Programme) -> None:
    """Reads the steps of a programme and whom they name in one go, for those who change them."""
    steps = selectinload(Programme.steps).selectinload(ReminderStep.named)
    db.session.scalars(select(Programme).where(Programme.id == programme.id).options(steps)).one()


def ladder_of(programme: Programme) -> list[Step]:
    """A programme's steps as the policy reads them, earliest first."""
    return ladders_of([programme.id])[programme.id]


def once_key(account_id: UUID, day: date) -> str:
    """What makes the reminders of a person and city day one mail."""
    return f"reminder:{day.isoformat()}:{account_id}"


ONCE = select(Mail.once).where(Mail.once.between(bindparam("first"), bindparam("last")))


def mailed_on(day: date) -> frozenset[UUID]:
    """Who had their mail of a city day."""
    first = f"reminder:{day.isoformat()}:"
    found = ask(ONCE, {"first": first, "last": first + "g"})  # keys are hexadecimal
    return frozenset(UUID(once.removeprefix(first)) for (once,) in found)


WISHES = select(
    ReminderPreference.account_id,
    ReminderPreference.weekdays,
    ReminderPreference.send_time,
    ReminderPreference.paused_until_on,
    ReminderPreference.wants_optional,
).where(one_of(ReminderPreference.account_id, "account_ids"))


def wishes_of(account_ids: Collection[UUID]) -> dict[UUID, Wishes]:
    """The preferences of these people; those who have entered none are left out."""
    found = ask(WISHES, {"account_ids": account_ids})
    return {
        account_id: Wishes(frozenset(weekdays), send_time, paused_until_on, wants_optional)
        for account_id, weekdays, send_time, paused_until_on, wants_optional in found
    }


DECIDED = select(
    ReminderEntry.subject, ReminderEntry.due_version, ReminderEntry.step, ReminderEntry.recipient_id
).where(one_of(ReminderEntry.subject, "subjects"))


def decided_keys(subjects: Sequence[str]) -> set[Key]:
    """What the ledger holds about these deadlines."""
    return set(map(Key._make, ask(DECIDED, {"subjects": subjects})))


def list_programmes() -> Sequence[Programme]:
    """All programmes."""
    return db.session.scalars(select(Programme).order_by(Programme.key)).all()
