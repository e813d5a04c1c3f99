"""Who can carry the measures of a programme through its workflow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.core.database import db
from app.organisations.permissions import ACTING_ROLES, Role
from app.programmes.queries import held_roles, review
from tests.factories import WORKFLOW, City, add_account, add_measure, add_programme, add_unit

LEAD, HEAD, COORDINATOR = Role.PROJECT_LEAD, Role.DEPARTMENT_HEAD, Role.COORDINATOR


def test_the_people_of_the_measures_hold_the_roles(city: City) -> None:
    assert held_roles(city.programme) == {LEAD, HEAD, COORDINATOR}


def test_people_of_other_programmes_hold_no_role_in_this_one(city: City) -> None:
    programme = add_programme()
    add_measure(programme)
    assert held_roles(programme) == {COORDINATOR}
    nobody = "diesen Schritt kann niemand gehen: in diesem Programm hat niemand die Rolle"
    found = [str(one.sentence) for one in review(programme, WORKFLOW)]
    assert len(found) == len(WORKFLOW["transitions"])
    assert all(nobody in sentence for sentence in found)


def test_before_the_first_measure_whoever_holds_a_role_anywhere_counts(city: City) -> None:
    programme = add_programme()
    assert held_roles(programme) == set(ACTING_ROLES)
    city.lead.active = city.other_lead.active = False
    assert held_roles(programme) == {HEAD, COORDINATOR}


@pytest.mark.parametrize("status", ["done", None])
def test_of_measures_that_are_not_under_way_nobody_is_asked(city: City, status: str | None) -> None:
    programme = add_programme()
    add_measure(programme, status=status)
    assert held_roles(programme) == set(ACTING_ROLES)
    db.session.expire(programme)
    add_measure(programme)
    assert held_roles(programme) == {COORDINATOR}


def test_a_head_is_one_of_the_unit_or_of_a_unit_above_it(city: City) -> None:
    programme, below = add_programme(), add_unit("Team", parent=add_unit("Abteilung", parent=city.unit))
    add_measure(programme, unit=below)
    assert held_roles(programme) == {HEAD, COORDINATOR}
    city.head.active = False
    assert held_roles(programme) == {COORDINATOR}


def test_a_lead_needs_no_more_than_the_measure_and_an_active_account(city: City) -> None:
    programme, somebody = add_programme(), add_account("Jemand")
    add_measure(programme, lead=somebody)
    assert held_roles(programme) == {LEAD, COORDINATOR}
    somebody.active = False
    assert held_roles(programme) == {COORDINATOR}


def test_a_coordinator_must_be_active(city: City) -> None:
    city.coordinator.active = False
    assert held_roles(city.programme) == {LEAD, HEAD}


def test_the_number_of_queries_does_not_grow(city: City, count_queries: Callable[[], Any]) -> None:
    def queries() -> int:
        db.session.flush()
        db.session.expunge_all()
        programme = db.session.merge(city.programme)
        with count_queries() as seen:
            review(programme, WORKFLOW)
        return len(seen)

    before = queries()
    for number in range(5):
        unit = add_unit(f"Team {number}", parent=add_unit(f"Abteilung {number}"))
        lead = add_account(f"Leitung {number}", LEAD)
        add_account(f"Leitung von {number}", HEAD, unit=unit)
        programme = db.session.merge(city.programme)
        add_measure(programme, unit=unit, lead=lead)
    assert queries() == before
