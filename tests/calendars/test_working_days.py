"""Working days of a federal state, without asking any network."""

from __future__ import annotations

from datetime import date

import pytest

from app.calendars.working_days import add_working_days, is_working_day


@pytest.mark.parametrize(
    ("day", "is_open"),
    [
        (date(2023, 6, 8), False),  # Fronleichnam
        (date(2023, 11, 1), False),  # Allerheiligen
        (date(2023, 6, 9), True),
        (date(2023, 6, 10), False),  # Saturday
        (date(2023, 10, 31), True),  # Reformationstag is none in NRW
    ],
)
def test_north_rhine_westphalia(day: date, is_open: bool) -> None:
    assert is_working_day(day, "NW") is is_open


def test_working_days_pass_over_weekends_and_holidays() -> None:
    # From Tuesday: Wednesday, (Thursday is Fronleichnam,) Friday, Monday.
    assert add_working_days(date(2023, 6, 6), 3, "NW") == date(2023, 6, 12)
