"""Where a condition can be met, and who can do it where the reader cannot."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from flask import Flask

from app.core.localized import Localized
from app.core.text import text
from app.measures.models import Measure
from app.organisations.permissions import ROLE_NAMES, Actor, Permission, Role
from app.portfolio.ways import Way, ways_to, who_may
from app.programmes.guards import Condition, Place
from tests.factories import City, actor, add_measure, add_milestone, add_programme
from tests.measures.arrange import follow

NOT_MET = text("x")


def ways(app: Flask, who: Actor, measure: Measure, place: Place, field: str | None = None) -> tuple[Way, ...]:
    with app.test_request_context("/"):
        return ways_to(who, measure, Condition(False, NOT_MET, place, field=field))


def names(*roles: Role) -> tuple[Any, ...]:
    return tuple(ROLE_NAMES[role] for role in roles)


def test_who_may_do_a_thing_is_read_from_the_one_table_of_permissions() -> None:
    assert who_may(Permission.EDIT_MEASURE) == (Role.COORDINATOR, Role.PROJECT_LEAD)
    assert who_may(Permission.DECIDE_MILESTONE) == (Role.DEPARTMENT_HEAD,)
    assert who_may(Permission.MANAGE_ACCOUNTS) == (Role.ADMINISTRATOR,)
    assert Role.FUNDER in who_may(Permission.VIEW)
    assert Role.FUNDER not in who_may(Permission.VIEW_INTERNAL)


@pytest.mark.parametrize(
    ("place", "able", "address", "unable", "by"),
    [
        (Place.MILESTONES, "lead", "{measure}/milestones/new", "head", (Role.COORDINATOR, Role.PROJECT_LEAD)),
        (Place.RESPONSIBILITY, "coordinator", "{measure}/assignment", "lead", (Role.COORDINATOR,)),
        (Place.PROGRESS, "lead", "{measure}/progress/report", "head", (Role.COORDINATOR, Role.PROJECT_LEAD)),
        (Place.GRANTS, "coordinator", "/programmes/{programme}/grants/new?measure={id}", "lead", (Role.COORDINATOR,)),
        (Place.PREDECESSORS, "lead", "{measure}/edit#predecessors", "head", (Role.COORDINATOR, Role.PROJECT_LEAD)),
        (Place.PEOPLE, "administrator", "/people", "coordinator", (Role.ADMINISTRATOR,)),
    ],
)
def test_each_place_is_a_link_for_those_who_may_and_a_role_for_the_others(
    app: Flask, city: City, place: Place, able: str, address: str, unable: str, by: tuple[Role, ...]
) -> None:
    link = address.format(measure=f"/measures/{city.measure.id}", programme=city.programme.key, id=city.measure.id)
    [way] = ways(app, actor(getattr(city, able)), city.measure, place)
    assert (way.address, way.by) == (link, ())
    [way] = ways(app, actor(getattr(city, unable)), city.measure, place)
    assert (way.address, way.by) == (None, names(*by))


def test_open_milestones_are_met_where_they_are_listed(app: Flask, city: City) -> None:
    add_milestone(city.measure, date(2023, 6, 30))
    for who in (city.lead, city.head):
        [way] = ways(app, actor(who), city.measure, Place.MILESTONES)
        assert way.address == f"/measures/{city.measure.id}#meilensteine"
    [way] = ways(app, actor(city.auditor), city.measure, Place.MILESTONES)
    assert way.by == names(Role.COORDINATOR, Role.PROJECT_LEAD, Role.DEPARTMENT_HEAD)


def test_an_unfinished_predecessor_is_linked_itself(app: Flask, city: City) -> None:
    done = add_measure(city.programme, status="done")
    running = add_measure(add_programme(), title=Localized("Läuft noch"))
    city.measure.predecessors = [done, running]
    first, edit = ways(app, actor(city.lead), city.measure, Place.PREDECESSORS)
    assert (first.address, str(first.label)) == (f"/measures/{running.id}", "Läuft noch")
    assert edit.address == f"/measures/{city.measure.id}/edit#predecessors"


def test_a_missing_detail_leads_to_its_field_or_to_those_for_whom_it_is_open(app: Flask, city: City) -> None:
    follow(
        city.measure,
        rules=[
            {"field": "result", "rule": "hidden", "roles": ["project_lead"]},
            {"field": "total_cost", "rule": "read_only"},
        ],
    )
    lead, coordinator = actor(city.lead), actor(city.coordinator)
    [way] = ways(app, lead, city.measure, Place.DETAILS, "summary")
    assert way.address == f"/measures/{city.measure.id}/edit#summary"
    [way] = ways(app, coordinator, city.measure, Place.DETAILS, "result")
    assert way.address == f"/measures/{city.measure.id}/edit#record_result"
    [way] = ways(app, lead, city.measure, Place.DETAILS, "result")
    assert (way.address, way.by) == (None, names(Role.COORDINATOR))
    [way] = ways(app, coordinator, city.measure, Place.DETAILS, "total_cost")
    assert (way.address, way.by) == (None, ())
    [way] = ways(app, coordinator, city.measure, Place.DETAILS, "unit")
    assert way.address == f"/measures/{city.measure.id}/assignment#unit"


def test_what_is_met_or_given_with_the_step_needs_no_way(app: Flask, city: City) -> None:
    with app.test_request_context("/"):
        assert ways_to(actor(city.lead), city.measure, Condition(True, NOT_MET, Place.GRANTS)) == ()
        assert ways_to(actor(city.lead), city.measure, Condition(False, NOT_MET, Place.DETAILS, "result")) == ()
        assert ways_to(actor(city.lead), city.measure, Condition(False, NOT_MET)) == ()
