"""A replay lives on instants of its own, and only it does."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from threading import Thread

import pytest
from flask import Flask

from app.core import clock

THEN = datetime(2020, 1, 1, 7, tzinfo=UTC)


def test_inside_every_clock_stands_at_the_instant(app: Flask) -> None:
    with clock.standing_at(THEN):
        assert clock.wall_now() == clock.now() == THEN
        assert clock.today() == date(2020, 1, 1)
    assert clock.wall_now() - datetime.now(UTC) < timedelta(seconds=5)
    assert clock.now() != THEN


def test_an_instant_of_another_zone_is_told_in_utc() -> None:
    with clock.standing_at(THEN.astimezone(clock.CITY_ZONE)):
        assert clock.wall_now().tzinfo is UTC


def test_the_clock_goes_on_when_what_was_done_failed() -> None:
    with pytest.raises(ZeroDivisionError), clock.standing_at(THEN):
        1 / 0  # noqa: B018
    assert clock.wall_now() != THEN


def test_another_thread_lives_on_the_machines_time() -> None:
    seen: list[datetime] = []
    with clock.standing_at(THEN):
        thread = Thread(target=lambda: seen.append(clock.wall_now()))
        thread.start()
        thread.join()
    assert seen[0] != THEN
