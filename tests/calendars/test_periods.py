"""Reporting periods tile the calendar."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.calendars.periods import Period, Rhythm

DAYS = st.dates(min_value=date(1990, 1, 1), max_value=date(2100, 1, 1))


@given(DAYS, st.sampled_from(Rhythm))
def test_a_day_lies_in_its_period_and_periods_follow_without_gap(day: date, rhythm: Rhythm) -> None:
    period = Period.containing(day, rhythm)
    assert period.first_day <= day <= period.last_day
    assert period.previous().last_day + timedelta(days=1) == period.first_day
    assert Period.parse(period.key) == period


@pytest.mark.parametrize("key", ["2023-Q5", "2023-H3", "2023-00", "2023-13", "2023", "Q1-2023", "0000-Q1"])
def test_what_is_no_period_is_refused(key: str) -> None:
    with pytest.raises(ValueError):
        Period.parse(key)


def test_periods_are_said_as_people_say_them() -> None:
    assert [str(Period.parse(key).label()) for key in ("2023-Q1", "2023-H2", "2023-03")] == [
        "1. Quartal 2023",
        "2. Halbjahr 2023",
        "Monat 03/2023",
    ]
