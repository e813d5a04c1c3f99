from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.core import clock
from app.reminders.sending import Sending, sending_at

THURSDAY = date(2023, 3, 16)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("zone", "send_time", "day", "starts_at"),
    [
        ("Europe/Berlin", time(7), THURSDAY, "06:00"),
        ("Atlantic/Azores", time(7), THURSDAY, "08:00"),
        ("America/New_York", time(20), THURSDAY - DAY, "00:00"),  # one in the night in the city
        ("Pacific/Kiritimati", time(7), THURSDAY + DAY, "17:00"),
        ("Pacific/Kiritimati", time(20), THURSDAY, "06:00"),
    ],
)
@pytest.mark.parametrize("hour", [0, 12, 23])
def test_a_programme_sends_on_the_local_day_whose_send_time_falls_on_the_city_day(
    zone: str, send_time: time, day: date, starts_at: str, hour: int
) -> None:
    now = clock.at(THURSDAY, time(hour))
    expected = datetime.combine(THURSDAY, time.fromisoformat(starts_at), UTC)
    assert sending_at(now, send_time, ZoneInfo(zone)) == Sending(day, expected)


def test_of_two_send_times_on_a_city_day_the_later_one_that_has_begun_counts() -> None:
    """In Phoenix the clocks never change: on the city's long day it is half past three twice."""
    zone, send_time = ZoneInfo("America/Phoenix"), time(15, 30)
    long_day = date(2023, 10, 29)
    seen = [
        sending_at(clock.start_of(long_day) + timedelta(hours=hour), send_time, zone) for hour in (0, 1, 23, 24, 24.5)
    ]
    assert [sending.day.day for sending in seen if sending] == [28, 28, 28, 28, 29]


def test_a_city_day_may_have_no_send_time_and_the_next_one_has_it_again() -> None:
    zone, send_time = ZoneInfo("America/Phoenix"), time(15, 30)
    short_day = date(2023, 3, 26)
    assert sending_at(clock.at(short_day, time(12)), send_time, zone) is None
    assert sending_at(clock.at(short_day + DAY, time(12)), send_time, zone)
