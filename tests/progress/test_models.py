"""What the database itself refuses."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from app.core.database import db
from app.progress.models import MilestoneForecast, UpdateState
from tests.factories import NOON, City, add, add_measure, add_milestone
from tests.progress.arrange import add_update


def test_a_measure_has_one_draft(city: City) -> None:
    add_update(city.measure, city.lead, UpdateState.DRAFT)
    with pytest.raises(IntegrityError):
        add_update(city.measure, city.coordinator, UpdateState.DRAFT)


def test_another_measure_has_its_own_draft(city: City) -> None:
    add_update(city.measure, city.lead, UpdateState.DRAFT)
    add_update(add_measure(city.programme), city.lead, UpdateState.DRAFT)


def test_a_measure_has_many_submitted_updates(city: City) -> None:
    add_update(city.measure, city.lead)
    add_update(city.measure, city.lead)


@pytest.mark.parametrize("percent", [-1, 101])
def test_percent_is_a_share(city: City, percent: int) -> None:
    with pytest.raises(IntegrityError, match="percent_is_share"):
        add_update(city.measure, city.lead, percent=percent)


def test_submitted_means_at(city: City) -> None:
    with pytest.raises(IntegrityError, match="submitted_means_at"):
        add_update(city.measure, city.lead, submitted_at=None)


@pytest.mark.parametrize(
    ("state", "decided_at"),
    [(UpdateState.RELEASED, None), (UpdateState.RETURNED, None), (UpdateState.SUBMITTED, NOON)],
)
def test_decided_means_at(city: City, state: UpdateState, decided_at: Any) -> None:
    with pytest.raises(IntegrityError, match="decided_means_at"):
        add_update(city.measure, city.lead, state, decided_at=decided_at)


def test_nobody_decides_what_they_wrote(city: City) -> None:
    with pytest.raises(IntegrityError, match="four_eyes"):
        add_update(city.measure, city.lead, UpdateState.RELEASED, decided_by=city.lead)


@pytest.mark.parametrize("state", [UpdateState.RELEASED, UpdateState.RETURNED])
def test_an_emergency_has_its_reason_beside_it(city: City, state: UpdateState) -> None:
    add_update(city.measure, city.lead, state, decided_by=city.lead, override_reason="Frist endet heute")


def test_nobody_is_stood_in_for_without_a_decision(city: City) -> None:
    add_update(city.measure, city.lead, UpdateState.RELEASED, decided_by=city.other_lead, decided_for=city.head)
    with pytest.raises(IntegrityError, match="deputy_means_decided"):
        add_update(city.measure, city.lead, decided_for=city.head)


@pytest.mark.parametrize("health", ["yellow", "red"])
@pytest.mark.parametrize("reason", [None, "", "   "])
def test_yellow_and_red_have_a_reason(city: City, health: str, reason: str | None) -> None:
    with pytest.raises(IntegrityError, match="yellow_and_red_have_a_reason"):
        add_update(city.measure, city.lead, health=health, health_reason=reason)


def test_a_submitted_update_has_a_light(city: City) -> None:
    with pytest.raises(IntegrityError, match="submitted_means_health"):
        add_update(city.measure, city.lead, health=None)


@pytest.mark.parametrize("reason", [None, "  "])
def test_returned_means_reason(city: City, reason: str | None) -> None:
    with pytest.raises(IntegrityError, match="returned_means_reason"):
        add_update(city.measure, city.lead, UpdateState.RETURNED, return_reason=reason)


def test_a_draft_may_lack_everything(city: City) -> None:
    add_update(city.measure, city.lead, UpdateState.DRAFT, health="red", percent=None, done=None, next_steps=None)


def test_an_update_has_one_forecast_for_a_milestone(city: City) -> None:
    update = add_update(city.measure, city.lead)
    milestone = add_milestone(city.measure, NOON.date())
    add(MilestoneForecast(update=update, milestone=milestone, forecast_on=NOON.date()))
    update.forecasts.append(MilestoneForecast(milestone=milestone, forecast_on=NOON.date()))
    with pytest.raises(IntegrityError):
        db.session.flush()
