"""Moving a measure through its workflow: state, refusal, log."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from app.audit.models import AuditEvent
from app.core.database import db
from app.core.errors import Conflict, Forbidden, NotFound, RuleBroken
from app.measures import service
from app.measures.models import Measure, StatusChange
from app.organisations.permissions import Actor
from tests.factories import NOON, City, actor, add_measure, add_milestone


def finish(who: Actor, measure: Measure, *, note: str = "Alles erreicht", result: str = "Strecke eröffnet") -> None:
    service.change_status(
        who,
        measure,
        "finish",
        note=note,
        record={"result": result},
        seen_version=measure.version,
        now=NOON,
    )


def log_of(measure: Measure) -> list[AuditEvent]:
    return list(db.session.scalars(select(AuditEvent).where(AuditEvent.scope_id == measure.id)))


def test_a_lead_finishes_a_measure_and_the_log_says_so(city: City) -> None:
    finish(actor(city.lead), city.measure)
    assert city.measure.status == "done"
    assert city.measure.record == {"result": "Strecke eröffnet"}
    change = db.session.scalar(select(StatusChange))
    assert change is not None
    assert (change.from_status, change.to_status, change.note) == ("running", "done", "Alles erreicht")
    [line] = log_of(city.measure)
    assert line.changes[0] == {"field": "status", "from": "In Umsetzung", "to": "Umgesetzt"}
    assert (line.actor_name, line.reason) == ("Projektleitung", "Alles erreicht")


def test_every_unmet_condition_is_named_at_once_and_nothing_changes(city: City) -> None:
    add_milestone(city.measure, date(2023, 6, 30))
    db.session.refresh(city.measure)
    with pytest.raises(RuleBroken) as refusal:
        finish(actor(city.lead), city.measure, note=" ", result="")
    said = str(refusal.value)
    assert said == "1 von 1 Meilensteinen ist nicht freigegeben; Begründung fehlt; Angabe „Ergebnis“ fehlt"
    assert refusal.value.field == "note"
    assert city.measure.status == "running"
    assert log_of(city.measure) == []


@pytest.mark.parametrize("who", ["other_lead", "head", "coordinator", "administrator", "funder", "auditor"])
def test_only_the_role_of_the_step_may_take_it(city: City, who: str) -> None:
    with pytest.raises(Forbidden):
        finish(actor(getattr(city, who)), city.measure)
    assert city.measure.status == "running"


def test_the_second_of_two_people_is_told(city: City) -> None:
    seen = city.measure.version
    finish(actor(city.lead), city.measure)
    db.session.flush()
    with pytest.raises(Conflict):
        service.change_status(
            actor(city.head), city.measure, "stop", note="Kein Geld", record={}, seen_version=seen, now=NOON
        )


def test_a_step_that_does_not_begin_here_is_a_conflict_and_an_unknown_one_is_not_found(city: City) -> None:
    with pytest.raises(Conflict):
        service.get_transition(city.measure, "start")
    with pytest.raises(NotFound):
        service.get_transition(city.measure, "fly")


def test_an_unknown_status_is_recorded_once_by_coordinators_with_its_source(city: City) -> None:
    measure = add_measure(city.programme, status=None, title=None)
    coordinator = actor(city.coordinator)
    with pytest.raises(Forbidden):
        service.record_status(actor(city.lead), measure, "running", note="x", seen_version=1, now=NOON)
    with pytest.raises(RuleBroken) as unknown:
        service.record_status(coordinator, measure, "flying", note="x", seen_version=1, now=NOON)
    assert unknown.value.field == "status"
    with pytest.raises(RuleBroken) as silent:
        service.record_status(coordinator, measure, "running", note=" ", seen_version=1, now=NOON)
    assert silent.value.field == "note"
    service.record_status(coordinator, measure, "running", note="Schreiben vom 1.3.", seen_version=1, now=NOON)
    db.session.flush()
    assert measure.status == "running"
    with pytest.raises(Conflict):
        service.record_status(coordinator, measure, "paused", note="x", seen_version=measure.version, now=NOON)


def test_responsibility_is_assigned_by_coordinators_and_logged(city: City) -> None:
    with pytest.raises(Forbidden):
        service.assign(
            actor(city.lead),
            city.measure,
            lead=city.other_lead,
            unit=None,
            seen_version=city.measure.version,
            now=NOON,
        )
    service.assign(
        actor(city.coordinator),
        city.measure,
        lead=city.other_lead,
        unit=city.other_unit,
        seen_version=city.measure.version,
        now=NOON,
    )
    db.session.flush()
    db.session.refresh(city.measure)
    assert (city.measure.lead, city.measure.unit) == (city.other_lead, city.other_unit)
    [line] = log_of(city.measure)
    assert line.changes[0] == {"field": "lead", "from": "Projektleitung", "to": "Andere Projektleitung"}
