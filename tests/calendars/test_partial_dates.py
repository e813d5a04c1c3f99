"""Dates known in part: what they say, and when they are certain to have passed."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.calendars.partial_dates import PartialDate


@pytest.mark.parametrize(
    ("written", "first", "last", "label"),
    [
        ("2023", date(2023, 1, 1), date(2023, 12, 31), "2023"),
        ("2023-07", date(2023, 7, 1), date(2023, 7, 31), "Juli 2023"),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29), "Februar 2024"),
        ("2023-22", date(2023, 6, 1), date(2023, 8, 31), "Sommer 2023"),
        ("2023-24", date(2023, 12, 1), date(2024, 2, 29), "Winter 2023"),
        ("2023-03-15", date(2023, 3, 15), date(2023, 3, 15), "2023-03-15"),
    ],
)
def test_first_and_last_day(written: str, first: date, last: date, label: str) -> None:
    parsed = PartialDate.parse(written)
    assert (parsed.first_day(), parsed.last_day(), str(parsed.label())) == (first, last, label)
    assert str(parsed) == written


@pytest.mark.parametrize(
    "written", ["2023-02-30", "2023-13", "2023-25", "23", "2023-7", "15.03.2023", "", "2023-22-01"]
)
def test_what_is_no_date_is_refused(written: str) -> None:
    with pytest.raises(ValueError):
        PartialDate.parse(written)


@given(st.dates(min_value=date(1900, 1, 1)))
def test_a_full_day_survives_writing_and_reading(day: date) -> None:
    assert PartialDate.parse(day.isoformat()).last_day() == day
