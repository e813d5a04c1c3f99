"""Things that happen to a measure, for the tests of this slice."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import select

from app.core.database import db
from app.core.localized import Localized
from app.digests.models import DigestRecipient
from app.grants.models import Grant, Obligation
from app.mail.models import Mail
from app.measures.models import Measure, StatusChange
from app.milestones.models import Milestone, MilestoneMove
from app.programmes.models import ProgrammeFunder
from app.progress.models import MilestoneForecast, ProgressUpdate, UpdateState
from tests.factories import City, add


def noon(day: date) -> datetime:
    """Somewhere in the middle of a day, wherever in Europe one lives."""
    return datetime(day.year, day.month, day.day, 11, tzinfo=UTC)


def part_of(city: City) -> ProgrammeFunder:
    return city.programme.funders[0]


def add_recipient(
    part: ProgrammeFunder, email: str = "referat@ministerium.example", **values: Any
) -> DigestRecipient:
    return add(  # type: ignore[no-any-return]
        DigestRecipient(programme_id=part.programme_id, organisation_id=part.organisation_id, email=email, **values)
    )


def change_status(measure: Measure, before: str | None, after: str, at: datetime, **values: Any) -> StatusChange:
    return add(  # type: ignore[no-any-return]
        StatusChange(
            measure=measure,
            workflow=measure.workflow,
            from_status=before,
            to_status=after,
            changed_at=at,
            **values,
        )
    )


def add_update(measure: Measure, state: UpdateState = UpdateState.RELEASED, **values: Any) -> ProgressUpdate:
    at = values.pop("at", datetime(2023, 2, 1, 11, tzinfo=UTC))
    decided = state in (UpdateState.RELEASED, UpdateState.RETURNED)
    returned = {"return_reason": "Bitte ergänzen"} if state is UpdateState.RETURNED else {}
    return add(  # type: ignore[no-any-return]
        ProgressUpdate(
            **(
                {
                    "measure": measure,
                    "period": "2022-Q4",
                    "state": state,
                    "health": "green",
                    "percent": 40,
                    "created_at": at,
                    "submitted_at": None if state is UpdateState.DRAFT else at,
                    "decided_at": at if decided else None,
                }
                | returned
                | values
            )
        )
    )


def add_forecast(update: ProgressUpdate, milestone: Milestone, day: date) -> MilestoneForecast:
    return add(MilestoneForecast(update=update, milestone=milestone, forecast_on=day))  # type: ignore[no-any-return]


def move(milestone: Milestone, to_on: date, at: datetime, reason: str = "Lieferverzug") -> MilestoneMove:
    row = MilestoneMove(
        milestone=milestone,
        from_on=milestone.planned_on,
        from_precision=milestone.planned_precision,
        to_on=to_on,
        reason=reason,
        moved_at=at,
    )
    milestone.planned_on, milestone.planned_precision = to_on, "day"
    return add(row)  # type: ignore[no-any-return]


def approve(milestone: Milestone, actual_on: date, at: datetime) -> None:
    milestone.approved_at, milestone.actual_on = at, actual_on
    db.session.flush()


def drop(milestone: Milestone, at: datetime, reason: str = "Nicht mehr nötig") -> None:
    milestone.dropped_at, milestone.drop_reason = at, reason
    db.session.flush()


def add_obligation(measure: Measure, due_on: date | None, title: str, **values: Any) -> Obligation:
    grant = Grant(
        programme_id=measure.programme_id, key=f"grant-{uuid4()}", title=Localized("Zuwendung"), measures=[measure]
    )
    row = Obligation(grant=grant, key="x", kind="proof_of_use", title=Localized(title), due_on=due_on, **values)
    return add(row)  # type: ignore[no-any-return]


def mails() -> list[Mail]:
    return list(db.session.scalars(select(Mail).order_by(Mail.to_address)))
