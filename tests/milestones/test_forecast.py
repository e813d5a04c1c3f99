"""A forecast outside an update: today's belief, with its line in the log, and nothing else."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from app.accounts.models import Account
from app.audit.models import AuditEvent
from app.core.database import db
from app.core.errors import Conflict, Forbidden, RuleBroken
from app.milestones import service
from app.milestones.models import Milestone
from app.organisations.models import Absence
from tests.factories import NOON, City, actor, add
from tests.milestones.arrange import ask, milestone_of

LATER = date(2023, 4, 28)


def forecast(milestone: Milestone, who: Account, note: str | None = None) -> None:
    service.record_forecast(actor(who), milestone, LATER, note, seen_version=milestone.version, now=NOON)
    db.session.commit()


def log() -> list[AuditEvent]:
    return list(db.session.scalars(select(AuditEvent).where(AuditEvent.subject_kind == "milestone")))


def test_a_forecast_stands_beside_the_planned_day_and_in_the_log(city: City) -> None:
    milestone = milestone_of(city.measure)
    forecast(milestone, city.lead, "  Die Baufirma kommt später. ")
    assert (milestone.forecast_on, milestone.planned_on, milestone.due_version) == (LATER, date(2023, 3, 31), 1)
    (line,) = log()
    assert (line.actor_id, line.scope_id) == (city.lead.id, city.measure.id)
    assert line.changes == [{"field": "forecast_on", "from": None, "to": "2023-04-28"}]
    assert line.reason == "Die Baufirma kommt später."


def test_the_same_forecast_again_is_said_in_the_log_too(city: City) -> None:
    milestone = milestone_of(city.measure, forecast_on=LATER)
    forecast(milestone, city.lead)
    assert [(line.changes, line.reason) for line in log()] == [([], None)]


def test_a_belief_is_no_edit_so_whoever_reports_it_may_still_decide(city: City) -> None:
    milestone = milestone_of(city.measure)
    forecast(milestone, city.coordinator)
    assert milestone.edited_by_id is None


def test_a_forecast_somebody_gave_is_no_sample_any_more(city: City) -> None:
    milestone = milestone_of(city.measure, forecast_on=LATER, sample_fields=["forecast_on", "planned_on"])
    forecast(milestone, city.lead)
    assert milestone.sample_fields == ["planned_on"]


@pytest.mark.parametrize("who", ["other_lead", "head", "administrator", "auditor", "funder"])
def test_nobody_but_the_lead_and_the_coordination_forecasts(city: City, who: str) -> None:
    milestone = milestone_of(city.measure)
    with pytest.raises(Forbidden):
        forecast(milestone, getattr(city, who))
    assert milestone.forecast_on is None


def test_who_stands_in_for_the_lead_forecasts_as_long_as_they_do(city: City) -> None:
    milestone = milestone_of(city.measure)
    absence = add(
        Absence(
            account_id=city.lead.id,
            from_on=date(2023, 3, 13),
            until_on=date(2023, 3, 15),
            deputy_id=city.other_lead.id,
            entered_at=NOON,
        )
    )
    forecast(milestone, city.other_lead)
    absence.until_on = date(2023, 3, 14)
    db.session.commit()
    with pytest.raises(Forbidden):
        forecast(milestone, city.other_lead)


def test_what_waits_for_a_decision_or_is_settled_takes_no_forecast(city: City) -> None:
    waiting = milestone_of(city.measure)
    ask(waiting, city.lead)
    dropped = milestone_of(city.measure, dropped_at=NOON, drop_reason="Nicht gefördert")
    for milestone in (waiting, dropped):
        with pytest.raises(RuleBroken):
            forecast(milestone, city.lead)
        assert milestone.forecast_on is None


def test_what_was_changed_since_the_form_was_made_is_not_overwritten_unseen(city: City) -> None:
    milestone = milestone_of(city.measure)
    for seen in (milestone.version - 1, None):
        with pytest.raises(Conflict):
            service.record_forecast(actor(city.lead), milestone, LATER, None, seen_version=seen, now=NOON)
    assert milestone.forecast_on is None
