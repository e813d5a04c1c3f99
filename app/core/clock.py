"""The one clock. Nothing else in Wegmarke reads the time.

In production the clock is the machine's. In trial mode the application lives on a sandbox date that stands
still until somebody moves it forward; the time of day is the machine's. A replay lives on instants of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from flask import current_app, g, has_request_context
from sqlalchemy import CheckConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Model, db

CITY_ZONE = ZoneInfo("Europe/Berlin")


class SandboxClock(Model):
    """The sandbox date of a trial: one row at most, none before the date was first moved."""

    __tablename__ = "sandbox_clock"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    today_on: Mapped[date]


_standing: ContextVar[datetime | None] = ContextVar("standing", default=None)


@contextmanager
def standing_at(instant: datetime) -> Iterator[None]:
    """Everything done inside happens at this aware instant, whatever the machine's clock says. For replays only."""
    token = _standing.set(instant.astimezone(UTC))
    try:
        yield
    finally:
        _standing.reset(token)


def wall_now() -> datetime:
    """The machine's instant in UTC: for transport (back-off, sessions), never for a fact of the domain."""
    return _standing.get() or datetime.now(UTC)


def sandbox_on() -> date | None:
    """The sandbox date in trial mode, None in production."""
    started_on: date | None = current_app.config["SANDBOX_STARTS_ON"]
    if started_on is None:
        return None
    if not has_request_context():
        return db.session.scalar(select(SandboxClock.today_on)) or started_on
    if "sandbox_on" not in g:
        g.sandbox_on = db.session.scalar(select(SandboxClock.today_on)) or started_on
    return g.sandbox_on  # type: ignore[no-any-return]


def now() -> datetime:
    """The application's instant in UTC."""
    if standing := _standing.get():
        return standing
    wall = wall_now()
    day = sandbox_on()
    if day is None:
        return wall
    return datetime.combine(day, wall.astimezone(CITY_ZONE).time(), CITY_ZONE).astimezone(UTC)


def today() -> date:
    """The application's day in the city (zone Europe/Berlin)."""
    return day_of(now())


def day_of(instant: datetime, zone: ZoneInfo = CITY_ZONE) -> date:
    """The local day on which an instant falls."""
    return instant.astimezone(zone).date()


def start_of(day: date, zone: ZoneInfo = CITY_ZONE) -> datetime:
    """The first instant of a local day, in UTC."""
    return at(day, time(), zone)


def at(day: date, local_time: time, zone: ZoneInfo = CITY_ZONE) -> datetime:
    """A local time on a local day, as an instant in UTC."""
    return datetime.combine(day, local_time, zone).astimezone(UTC)


def move_sandbox_to(day: date) -> None:
    """Sets the sandbox date; the caller has checked that it lies ahead."""
    row = db.session.get(SandboxClock, 1)
    if row is None:
        db.session.add(SandboxClock(id=1, today_on=day))
    else:
        row.today_on = day
    db.session.flush()  # the sweeps that follow in this transaction read the new date
    if has_request_context():
        g.sandbox_on = day
