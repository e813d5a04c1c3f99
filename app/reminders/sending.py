"""On which of its local days, and from when on, a programme sends on a city day. Pure."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from app.core import clock

DAY = timedelta(days=1)


class Sending(NamedTuple):
    """A programme's local day, and the instant of its send time on it."""

    day: date
    starts_at: datetime


def sending_at(now: datetime, send_time: time, zone: ZoneInfo) -> Sending | None:
    """What a programme sends on the city day of this instant: the local day whose send time falls on it.

    Far from the city that may be the day before or the one after. Where clocks change there may be two, of which the
    later one that has begun counts, or none.
    """
    today = clock.day_of(now)
    near = (Sending(day, clock.at(day, send_time, zone)) for day in (today - DAY, today, today + DAY))
    found = [sending for sending in near if clock.day_of(sending.starts_at) == today]
    begun = [sending for sending in found if sending.starts_at <= now]
    return (begun[-1] if begun else found[0]) if found else None
