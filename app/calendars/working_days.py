"""Working days: Monday to Friday without the public holidays of a German state, computed offline."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

import holidays


@cache
def _public_holidays(state: str, year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("DE", subdiv=state, years=year))


def is_working_day(day: date, state: str) -> bool:
    """Whether offices in the state (two letters, such as NW) are open on that day."""
    return day.weekday() < 5 and day not in _public_holidays(state, day.year)


def add_working_days(day: date, count: int, state: str) -> date:
    """The day that lies `count` working days after `day`."""
    while count > 0:
        day += timedelta(days=1)
        if is_working_day(day, state):
            count -= 1
    return day
