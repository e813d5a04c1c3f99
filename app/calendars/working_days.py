"""Working days: Monday to Friday without the public holidays of a German state, computed offline."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

import holidays

DAY = timedelta(days=1)


@cache
def _public_holidays(state: str, year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("DE", subdiv=state, years=year))


def is_working_day(day: date, state: str) -> bool:
    """Whether offices in the state (two letters, such as NW) are open on that day."""
    return day.weekday() < 5 and day not in _public_holidays(state, day.year)


def add_working_days(day: date, count: int, state: str) -> date:
    """The day that lies `count` working days after `day`, or before it where `count` is negative."""
    forward = DAY if count > 0 else -DAY
    left = abs(count)
    while left:
        day += forward
        left -= is_working_day(day, state)
    return day


def working_day_until(day: date, state: str) -> date:
    """The day itself when it is a working day, else the nearest before it."""
    while not is_working_day(day, state):
        day -= DAY
    return day


def working_day_from(day: date, state: str) -> date:
    """The day itself when it is a working day, else the nearest after it."""
    while not is_working_day(day, state):
        day += DAY
    return day
