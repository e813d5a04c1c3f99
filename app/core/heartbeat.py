"""When each job of the workers was last done, so that pages can say when one has stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import String, bindparam, select, update
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.database import Model, db, insert_new
from app.core.prepared import Errand
from app.core.text import Text, text

STARTED_AT = clock.wall_now()
"""When this process began: what was never done before that can be late only from then on."""


class Job(StrEnum):
    """What has to be done again and again."""

    SWEEP = "reminders.sweep"
    DELIVERY = "mail.deliver"


JOB_NAMES: Mapping[Job, Text] = {
    Job.SWEEP: text("Prüfung der Fristen"),
    Job.DELIVERY: text("Versand der Mails"),
}

IN_TIME = {Job.SWEEP: timedelta(minutes=30), Job.DELIVERY: timedelta(minutes=5)}
"""How long a job may be silent: three of its intervals, and time to do it."""


class Heartbeat(Model):
    """A job and the machine's instant at which it was last done."""

    __tablename__ = "heartbeat"

    job: Mapped[str] = mapped_column(String(40), primary_key=True)
    done_at: Mapped[datetime]


@dataclass(frozen=True)
class Pulse:
    """How a job is doing: when it was last done (None: never), and whether it should have been done again by now."""

    job: Job
    done_at: datetime | None
    is_late: bool

    @property
    def state(self) -> str:
        """One of "ok", "late" and "never"; never done and overdue is late."""
        if self.is_late:
            return "late"
        return "ok" if self.done_at else "never"

    @property
    def name(self) -> Text:
        """What the job does."""
        return JOB_NAMES[self.job]

    def as_json(self) -> dict[str, Any]:
        """State and instant in ISO form."""
        return {"state": self.state, "done_at": self.done_at.isoformat() if self.done_at else None}


def was_silent(job: Job, since: datetime, until: datetime) -> bool:
    """Whether more time lies between two instants than a job may be silent."""
    return until - since > IN_TIME[job]


def take_pulses(now: datetime) -> list[Pulse]:
    """How every job is doing; `now` is the machine's. A new installation gets the time a job may take."""
    beats = list_heartbeats()
    return [_pulse(job, beats.get(job), now) for job in Job]


def _pulse(job: Job, row: Heartbeat | None, now: datetime) -> Pulse:
    done_at = row.done_at if row else None
    return Pulse(job, done_at, was_silent(job, done_at or STARTED_AT, now))


ROW: Any = Heartbeat.__table__
BEAT = update(ROW).where(ROW.c.job == bindparam("of_job")).values(done_at=bindparam("moment"))
"""Made once: it is most of what a job does that finds nothing to do."""


def beat(job: Job, now: datetime, connection: Errand | None = None) -> None:
    """Notes that a job was done, on a connection of its own or in the session's transaction."""
    database: Any = connection or db.session.connection()
    if not database.execute(BEAT, {"of_job": job.value, "moment": now}).rowcount:
        new = insert_new(Heartbeat).values(job=job, done_at=now)
        database.execute(new.on_conflict_do_update(index_elements=["job"], set_={"done_at": now}))


def done_at(job: Job) -> Any:
    """When a job was last done, as part of a larger statement: an instant, NULL before the first time."""
    return select(ROW.c.done_at).where(ROW.c.job == job.value).scalar_subquery()


def list_heartbeats() -> dict[Job, Heartbeat]:
    """The heartbeats there are; a job that was never done has none."""
    return {Job(row.job): row for row in db.session.scalars(select(Heartbeat))}
