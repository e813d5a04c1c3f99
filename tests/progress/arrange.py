"""What the tests of progress arrange."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from app.accounts.models import Account
from app.calendars.periods import Period
from app.measures.models import Measure
from app.progress.health import Health
from app.progress.models import ProgressUpdate, UpdateState
from app.progress.reporting import Report
from tests.factories import NOON, add

REPORT = Report(
    period=Period.parse("2022-Q4"),
    health=Health.GREEN,
    percent=40,
    done="Vergabe abgeschlossen",
    next_steps="Baubeginn vorbereiten",
)


def report(**changes: Any) -> Report:
    """A complete report with some parts changed."""
    return replace(REPORT, **changes)


def add_update(
    measure: Measure, author: Account | None, state: UpdateState = UpdateState.SUBMITTED, **values: Any
) -> ProgressUpdate:
    """An update as if it had been handed in a week ago; a decided one was decided by the account `decided_by`."""
    handed_in: datetime | None = None if state is UpdateState.DRAFT else NOON - timedelta(days=7)
    decided = state in (UpdateState.RELEASED, UpdateState.RETURNED)
    update = ProgressUpdate(
        **(
            {
                "measure": measure,
                "period": "2022-Q4",
                "state": state,
                "health": "green",
                "percent": 30,
                "done": "Ausschreibung",
                "next_steps": "Vergabe",
                "author": author,
                "created_at": NOON - timedelta(days=8),
                "submitted_at": handed_in,
                "decided_at": NOON - timedelta(days=6) if decided else None,
                "return_reason": "Zahlen fehlen" if state is UpdateState.RETURNED else None,
            }
            | values
        )
    )
    return add(update)  # type: ignore[no-any-return]
