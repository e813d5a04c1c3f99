from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import uuid4

import pytest

from app.core.localized import Localized
from app.digests.facts import Move, Standing, StatusChange
from app.digests.history import is_open_at, planned_at, status_at
from app.programmes.workflow import Category

A, B, C = (Standing(Localized(name), Category.RUNNING) for name in "ABC")


def on(day: int) -> datetime:
    return datetime(2023, 2, day, tzinfo=UTC)


CHANGES = [StatusChange("1", on(2), A, B), StatusChange("2", on(4), B, C)]


@pytest.mark.parametrize(("day", "expected"), [(1, A), (2, A), (3, B), (4, B), (5, C)])
def test_the_status_of_an_instant_is_what_the_changes_before_it_made(day: int, expected: Standing) -> None:
    assert status_at(on(day), CHANGES, C) == expected


def test_without_changes_the_present_status_holds() -> None:
    assert status_at(on(1), [], A) == A
    assert status_at(on(1), [], None) is None


@pytest.mark.parametrize(("day", "expected"), [(1, 1), (2, 1), (3, 10), (4, 10), (5, 20)])
def test_the_planned_day_of_an_instant_does_not_know_later_moves(day: int, expected: int) -> None:
    key = uuid4()
    moves = [
        Move(str(at), on(at), key, Localized("x"), date(2023, 6, old), date(2023, 6, new), False, "r")
        for at, old, new in ((2, 1, 10), (4, 10, 20))
    ]
    assert planned_at(on(day), moves, date(2023, 6, 20)) == date(2023, 6, expected)


def test_a_milestone_is_open_until_it_is_approved_or_dropped() -> None:
    assert is_open_at(on(3), None, None)
    assert is_open_at(on(3), on(3), None)
    assert not is_open_at(on(3), on(2), None)
    assert not is_open_at(on(3), None, on(2))
