"""Reads of reminder ladders and of the ledger. Reminders are the city's own business: views check `VIEW_INTERNAL`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from flask_sqlalchemy.pagination import Pagination
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from app.core.clock import day_of
from app.core.database import db
from app.core.paging import paginate
from app.organisations.permissions import Role
from app.programmes.models import Programme
from app.reminders.models import ReminderEntry, ReminderRun
from app.reminders.policy import Key, Step

CHUNK = 1000
"""Subjects asked for in one query: databases limit the number of parameters."""


def programmes_to_sweep(now: datetime) -> list[Programme]:
    """The programmes whose local send time has come and that have not been swept on their local day."""
    programmes = db.session.scalars(select(Programme).options(selectinload(Programme.steps)).order_by(Programme.key))
    yesterday = (now - timedelta(days=1)).date()  # no zone's day is older than that
    runs = db.session.execute(select(ReminderRun.programme_id, ReminderRun.day).where(ReminderRun.day >= yesterday))
    swept = {(programme_id, day) for programme_id, day in runs}
    return [
        programme
        for programme in programmes
        if now.astimezone(programme.zone).time() >= programme.send_time
        and (programme.id, day_of(now, programme.zone)) not in swept
    ]


def ladder_of(programme: Programme) -> list[Step]:
    """A programme's steps as the policy reads them, earliest first."""
    return [
        Step(step.key, step.offset_days, step.repeat_days, frozenset(Role(role) for role in step.recipients))
        for step in programme.steps
    ]


def decided_keys(subjects: Sequence[str]) -> set[Key]:
    """What the ledger holds about these deadlines."""
    entry = ReminderEntry
    columns = select(entry.subject, entry.due_version, entry.step, entry.recipient_id)
    keys: set[Key] = set()
    for chunk in (subjects[start : start + CHUNK] for start in range(0, len(subjects), CHUNK)):
        keys.update(Key(*row) for row in db.session.execute(columns.where(entry.subject.in_(chunk))))
    return keys


def list_programmes() -> Sequence[Programme]:
    """All programmes with their steps."""
    return db.session.scalars(select(Programme).options(selectinload(Programme.steps)).order_by(Programme.key)).all()


def list_ledger(page: int, per_page: int) -> Pagination:
    """One page of the ledger, newest first."""
    entry = ReminderEntry
    newest_first = (entry.decided_on.desc(), entry.due_on, entry.subject, entry.step, entry.id)
    query = select(entry).options(joinedload(entry.recipient)).order_by(*newest_first)
    return paginate(query, page, per_page)
