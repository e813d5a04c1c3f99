"""Things a programme has, for the tests of this slice."""

from __future__ import annotations

from datetime import date
from typing import Any

from app.core.localized import Localized
from app.grants.models import Grant, Obligation
from app.milestones.models import Approval
from tests.factories import NOON, City, add


def add_obligation(city: City, due_on: date | None, **values: Any) -> Obligation:
    grant = Grant(programme=city.programme, key=f"grant-{due_on}", title=Localized("Zuwendung"))
    row = Obligation(
        **{"grant": grant, "key": "proof", "kind": "proof_of_use", "title": Localized("Nachweis"), "due_on": due_on}
        | values
    )
    return add(row)  # type: ignore[no-any-return]


def add_request(city: City) -> Approval:
    """A request for approval that the head handed in."""
    milestone = city.measure.milestones[0]
    return add(  # type: ignore[no-any-return]
        Approval(
            milestone=milestone,
            submitted_by=city.head,
            submitted_at=NOON,
            actual_on=date(2023, 3, 1),
            statement="Erreicht",
        )
    )
