"""What the database refuses, whatever the code above it does."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from app.core.database import db
from app.milestones.approval import Decision
from app.milestones.models import Approval, Milestone, MoveRequest
from tests.factories import NOON, City
from tests.milestones.arrange import REACHED_ON, milestone_of


def approval_of(milestone: Milestone, city: City, **values: Any) -> Approval:
    asked = {"submitted_by_id": city.lead.id, "submitted_at": NOON, "actual_on": REACHED_ON, "statement": "Läuft."}
    return Approval(milestone_id=milestone.id, **(asked | values))


def decided(city: City, decision: Decision | None, **values: Any) -> dict[str, Any]:
    return {"decision": decision, "decided_by_id": city.head.id, "decided_at": NOON} | values


def store(*rows: object) -> None:
    with db.session.begin_nested():
        db.session.add_all(rows)


def test_one_open_request_per_milestone(city: City) -> None:
    milestone = milestone_of(city.measure)
    closed = approval_of(milestone, city, **decided(city, Decision.APPROVED))
    store(closed, approval_of(milestone, city), approval_of(milestone_of(city.measure), city))
    with pytest.raises(IntegrityError, match="uq_approval_one_open"):
        store(approval_of(milestone, city))


@pytest.mark.parametrize(
    "values",
    [
        {"decision": Decision.APPROVED, "decided_by_id": None},
        {"decision": Decision.APPROVED, "decided_at": None},
        {"decision": None},
    ],
)
def test_decided_means_by_and_at(city: City, values: dict[str, Any]) -> None:
    milestone = milestone_of(city.measure)
    with pytest.raises(IntegrityError, match="decided_means_by_and_at"):
        store(approval_of(milestone, city, **decided(city, None) | values))


@pytest.mark.parametrize("decision", [Decision.APPROVED, Decision.RETURNED])
def test_nobody_decides_what_they_submitted(city: City, decision: Decision) -> None:
    values = decided(city, decision, decided_by_id=city.lead.id, reason="Darum")
    with pytest.raises(IntegrityError, match="four_eyes"):
        store(approval_of(milestone_of(city.measure), city, **values))


@pytest.mark.parametrize("decision", [Decision.APPROVED, Decision.RETURNED])
def test_an_emergency_has_its_reason_beside_it(city: City, decision: Decision) -> None:
    values = decided(city, decision, decided_by_id=city.lead.id, reason="Darum", override_reason="Frist endet heute")
    store(approval_of(milestone_of(city.measure), city, **values))


def test_one_may_withdraw_what_one_submitted(city: City) -> None:
    values = decided(city, Decision.WITHDRAWN, decided_by_id=city.lead.id)
    store(approval_of(milestone_of(city.measure), city, **values))


@pytest.mark.parametrize("reason", ["", "   "])
def test_a_return_has_a_reason(city: City, reason: str) -> None:
    values = decided(city, Decision.RETURNED, reason=reason)
    with pytest.raises(IntegrityError, match="returned_means_reason"):
        store(approval_of(milestone_of(city.measure), city, **values))


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        (
            {"approved_at": NOON, "actual_on": REACHED_ON, "dropped_at": NOON, "drop_reason": "Weg"},
            "approved_or_dropped",
        ),
        ({"approved_at": NOON}, "approved_means_actual_day"),
        ({"actual_on": REACHED_ON}, "approved_means_actual_day"),
        ({"dropped_at": NOON}, "dropped_means_reason"),
        ({"drop_reason": "Weg"}, "dropped_means_reason"),
    ],
)
def test_a_milestone_is_settled_one_way_and_completely(city: City, values: dict[str, Any], constraint: str) -> None:
    planned = {
        "measure_id": city.measure.id,
        "key": "x",
        "title": city.measure.title,
        "planned_on": date(2023, 3, 31),
    }
    with pytest.raises(IntegrityError, match=constraint):
        store(Milestone(**planned | values))


# -- wishes to move ------------------------------------------------------------------------------------------------


def wish_of(milestone: Milestone, city: City, **values: Any) -> MoveRequest:
    wanted = {"to_on": date(2023, 6, 30), "reason": "Verzug", "requested_by_id": city.lead.id, "requested_at": NOON}
    return MoveRequest(milestone_id=milestone.id, **(wanted | values))


def test_one_open_wish_to_move_per_milestone(city: City) -> None:
    milestone = milestone_of(city.measure)
    closed = wish_of(milestone, city, **decided(city, Decision.APPROVED))
    store(closed, wish_of(milestone, city), wish_of(milestone_of(city.measure), city))
    with pytest.raises(IntegrityError, match="uq_move_request_one_open"):
        store(wish_of(milestone, city))


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"decision": Decision.APPROVED, "decided_by_id": None}, "decided_means_by_and_at"),
        ({"decision": Decision.APPROVED, "decided_at": None}, "decided_means_by_and_at"),
        ({"decision": None}, "decided_means_by_and_at"),
        ({"decision": Decision.RETURNED, "decision_reason": "  "}, "returned_means_reason"),
    ],
)
def test_a_wish_is_decided_completely(city: City, values: dict[str, Any], constraint: str) -> None:
    with pytest.raises(IntegrityError, match=constraint):
        store(wish_of(milestone_of(city.measure), city, **decided(city, None) | values))


@pytest.mark.parametrize("decision", [Decision.APPROVED, Decision.RETURNED])
def test_nobody_decides_their_own_wish_but_in_an_emergency(city: City, decision: Decision) -> None:
    own = decided(city, decision, decided_by_id=city.lead.id, decision_reason="Darum")
    with pytest.raises(IntegrityError, match="four_eyes"):
        store(wish_of(milestone_of(city.measure), city, **own))
    store(wish_of(milestone_of(city.measure), city, **own, override_reason="Frist endet heute"))


def test_one_may_withdraw_ones_own_wish(city: City) -> None:
    store(wish_of(milestone_of(city.measure), city, **decided(city, Decision.WITHDRAWN, decided_by_id=city.lead.id)))


def test_nobody_is_stood_in_for_without_a_decision(city: City) -> None:
    milestone = milestone_of(city.measure)
    for row in (approval_of, wish_of):
        with pytest.raises(IntegrityError, match="deputy_means_decided"):
            store(row(milestone, city, decided_for_id=city.head.id))
        other = decided(city, Decision.APPROVED, decided_by_id=city.other_lead.id, decided_for_id=city.head.id)
        store(row(milestone, city, **other))
