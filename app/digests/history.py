"""How things stood at an instant, read back from what happened. Pure.

A digest that leaves late, days after its span ended, still tells of the span's last day.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TypeVar

from app.digests.facts import Move, Release, Standing, StatusChange

Happened = TypeVar("Happened", StatusChange, Move, Release)


def status_at(instant: datetime, changes: Sequence[StatusChange], present: Standing | None) -> Standing | None:
    """The status just before an instant, from all changes there are (oldest first) and the present status."""
    earlier, later = _split(instant, changes)
    if earlier:
        return earlier[-1].after
    return later[0].before if later else present


def planned_at(instant: datetime, moves: Sequence[Move], present: date) -> date:
    """The planned day of a milestone just before an instant, from all its moves (oldest first)."""
    _, later = _split(instant, moves)
    return later[0].from_on if later else present


def is_open_at(instant: datetime, approved_at: datetime | None, dropped_at: datetime | None) -> bool:
    """Whether a milestone was neither approved nor dropped before an instant."""
    return all(settled_at is None or settled_at >= instant for settled_at in (approved_at, dropped_at))


def _split(instant: datetime, happened: Sequence[Happened]) -> tuple[list[Happened], list[Happened]]:
    earlier = [one for one in happened if one.at < instant]
    return earlier, [one for one in happened if one.at >= instant]
