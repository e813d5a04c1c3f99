"""One clock: the machine's in production, a sandbox date in a trial."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path

import time_machine
from flask import Flask

from app.core import clock


def test_a_trial_lives_on_the_sandbox_date_at_the_machines_time_of_day(app: Flask) -> None:
    with time_machine.travel(datetime(2026, 11, 23, 22, 30, tzinfo=UTC), tick=False):
        assert clock.today() == date(2023, 3, 15)
        # 23:30 on the city's wall is 23:30 of the sandbox day: 22:30 UTC in winter time.
        assert clock.now() == datetime(2023, 3, 15, 22, 30, tzinfo=UTC)
        assert clock.wall_now() == datetime(2026, 11, 23, 22, 30, tzinfo=UTC)


def test_moving_the_clock_moves_every_later_reading(app: Flask) -> None:
    clock.move_sandbox_to(date(2023, 7, 1))
    clock.move_sandbox_to(date(2023, 7, 2))
    assert clock.today() == date(2023, 7, 2)


def test_production_reads_the_machine(app: Flask) -> None:
    app.config["SANDBOX_STARTS_ON"] = None
    try:
        with time_machine.travel(datetime(2026, 1, 1, 23, 30, tzinfo=UTC), tick=False):
            assert clock.today() == date(2026, 1, 2)
    finally:
        app.config["SANDBOX_STARTS_ON"] = date(2023, 3, 15)


def test_a_local_day_begins_at_its_own_midnight_on_both_sides_of_a_clock_change() -> None:
    assert clock.start_of(date(2023, 3, 26)) == datetime(2023, 3, 25, 23, tzinfo=UTC)
    assert clock.start_of(date(2023, 3, 27)) == datetime(2023, 3, 26, 22, tzinfo=UTC)


def test_nothing_else_reads_the_time() -> None:
    readers = re.compile(r"datetime\.(now|utcnow|today)\(|date\.today\(|\btime\.time\(")
    root = Path(__file__).parents[2]
    found = [
        f"{path.relative_to(root)}: {line.strip()}"
        for folder in ("app", "workers")
        for path in sorted((root / folder).rglob("*.py"))
        for line in path.read_text().splitlines()
        if readers.search(line) and path.name != "clock.py"
    ]
    assert found == []
