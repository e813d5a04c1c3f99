"""Who sees which updates."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from app.core.database import db
from app.core.errors import NotFound
from app.organisations.permissions import Role
from app.progress import queries
from app.progress.models import UpdateState
from tests.factories import (
    NOON,
    City,
    actor,
    add_account,
    add_funder_organisation,
    add_measure,
    add_programme,
    add_unit,
)
from tests.progress.arrange import add_update

DRAFT, SUBMITTED, RETURNED, RELEASED = UpdateState
SEEN = {
    "lead": {DRAFT, SUBMITTED, RETURNED, RELEASED},
    "coordinator": {DRAFT, SUBMITTED, RETURNED, RELEASED},
    "administrator": {SUBMITTED, RETURNED, RELEASED},
    "other_lead": {SUBMITTED, RETURNED, RELEASED},
    "head": {SUBMITTED, RETURNED, RELEASED},
    "other_head": {SUBMITTED, RETURNED, RELEASED},
    "auditor": {SUBMITTED, RETURNED, RELEASED},
    "funder": {RELEASED},
}


@pytest.mark.parametrize("who", SEEN)
def test_everybody_sees_what_their_role_may(city: City, who: str) -> None:
    updates = {state: add_update(city.measure, city.lead, state) for state in UpdateState}
    viewer = actor(getattr(city, who))

    assert {update.state for update in queries.list_for_measure(viewer, city.measure)} == SEEN[who]
    for state, update in updates.items():
        if state in SEEN[who]:
            assert queries.get_update(viewer, update.id) is update
        else:
            with pytest.raises(NotFound):
                queries.get_update(viewer, update.id)


def test_the_funder_of_another_programme_sees_nothing(city: City) -> None:
    update = add_update(city.measure, city.lead, RELEASED)
    stranger = actor(add_account("Anderes Amt", Role.FUNDER, organisation=add_funder_organisation()))
    with pytest.raises(NotFound):
        queries.get_update(stranger, update.id)
    assert queries.list_for_measure(stranger, city.measure) == []
    assert queries.latest_visible(stranger, city.measure) is None


def test_what_does_not_exist_is_not_found(city: City) -> None:
    with pytest.raises(NotFound):
        queries.get_update(actor(city.lead), uuid4())


def test_the_history_has_the_draft_first_and_then_the_newest_period(city: City) -> None:
    late = add_update(city.measure, city.lead, period="2022-Q2", submitted_at=NOON)
    newest = add_update(city.measure, city.lead, RELEASED, period="2022-Q4")
    draft = add_update(city.measure, city.lead, DRAFT, period="2022-Q3")
    again = add_update(city.measure, city.lead, period="2022-Q4", submitted_at=NOON)

    assert queries.list_for_measure(actor(city.lead), city.measure) == [draft, again, newest, late]


def test_the_latest_is_the_one_on_the_newest_period_not_the_one_handed_in_last(city: City) -> None:
    newest = add_update(city.measure, city.lead, period="2022-Q4")
    add_update(city.measure, city.lead, period="2022-Q2", submitted_at=NOON)
    assert queries.latest_visible(actor(city.head), city.measure) is newest


def test_periods_of_different_rhythms_are_compared_by_their_end(city: City) -> None:
    viewer = actor(city.head)
    add_update(city.measure, city.lead, period="2022-H1")
    add_update(city.measure, city.lead, period="2022-Q3")
    october = add_update(city.measure, city.lead, period="2022-10")
    assert queries.latest_visible(viewer, city.measure) is october
    fourth_quarter = add_update(city.measure, city.lead, period="2022-Q4")
    assert queries.latest_visible(viewer, city.measure) is fourth_quarter
    add_update(city.measure, city.lead, period="2022-11")
    assert queries.latest_visible(viewer, city.measure) is fourth_quarter


def test_neither_a_draft_nor_a_returned_update_says_how_a_measure_is(city: City) -> None:
    released = add_update(city.measure, city.lead, RELEASED, period="2022-Q2")
    add_update(city.measure, city.lead, RETURNED, period="2022-Q3")
    add_update(city.measure, city.lead, DRAFT, period="2022-Q4")
    assert queries.latest_visible(actor(city.lead), city.measure) is released


def test_a_funder_is_shown_the_latest_released_light(city: City) -> None:
    released = add_update(city.measure, city.lead, RELEASED, period="2022-Q3")
    submitted = add_update(city.measure, city.lead, period="2022-Q4")
    assert queries.latest_visible(actor(city.funder), city.measure) is released
    assert queries.latest_visible(actor(city.auditor), city.measure) is submitted


def test_the_lights_of_many_measures_cost_one_query(city: City, count_queries: Callable[[], Any]) -> None:
    measures = [city.measure, *(add_measure(city.programme) for _ in range(5))]
    latest = {}
    for measure in measures[:4]:
        add_update(measure, city.lead, period="2022-Q3")
        latest[measure.id] = add_update(measure, city.lead, period="2022-Q4").id
    viewer, ids = actor(city.coordinator), [measure.id for measure in measures]
    db.session.expire_all()
    with count_queries() as sent:
        found = queries.latest_visible_by_measure(viewer, ids)
        seen = {measure_id: (update.id, update.health, update.percent) for measure_id, update in found.items()}
    assert seen == {measure_id: (update_id, "green", 30) for measure_id, update_id in latest.items()}
    assert len(sent) == 1


def test_no_measures_have_no_lights(city: City) -> None:
    assert queries.latest_visible_by_measure(actor(city.lead), []) == {}
    assert queries.reported_periods([]) == {}


def test_the_draft_of_the_measure_is_found(city: City) -> None:
    add_update(add_measure(city.programme), city.lead, DRAFT)
    add_update(city.measure, city.lead)
    assert queries.find_draft(city.measure) is None
    draft = add_update(city.measure, city.lead, DRAFT)
    assert queries.find_draft(city.measure) is draft


def test_a_returned_update_is_found_until_it_is_handed_in_again(city: City) -> None:
    assert queries.find_returned(city.measure) is None
    returned = add_update(city.measure, city.lead, RETURNED)
    add_update(city.measure, city.lead, DRAFT)
    assert queries.find_returned(city.measure) is returned
    add_update(city.measure, city.lead, submitted_at=NOON)
    assert queries.find_returned(city.measure) is None


def test_a_head_sees_what_waits_for_them_oldest_first(city: City) -> None:
    part = add_unit("Team Daten", parent=city.unit)
    newer = add_update(city.measure, city.lead)
    older = add_update(add_measure(city.programme, unit=part), city.lead, submitted_at=NOON - timedelta(days=20))
    add_update(add_measure(city.programme, unit=city.other_unit), city.lead)
    add_update(add_measure(city.programme), city.lead)
    for state in (DRAFT, RETURNED, RELEASED):
        add_update(city.measure, city.lead, state)

    assert queries.list_awaiting_release(actor(city.head)) == [older, newer]


def test_what_a_head_wrote_waits_for_somebody_else(city: City) -> None:
    add_update(city.measure, city.head)
    assert queries.list_awaiting_release(actor(city.head)) == []


def test_a_report_of_an_unknown_author_waits_too(city: City) -> None:
    update = add_update(city.measure, None)
    assert queries.list_awaiting_release(actor(city.head)) == [update]


@pytest.mark.parametrize("who", ["lead", "coordinator", "administrator", "auditor", "funder", "other_head"])
def test_nothing_waits_for_those_who_do_not_lead_the_unit(city: City, who: str) -> None:
    add_update(city.measure, city.lead)
    assert queries.list_awaiting_release(actor(getattr(city, who))) == []


def test_what_waits_costs_the_same_however_much_it_is(city: City, count_queries: Callable[[], Any]) -> None:
    viewer = actor(city.head)
    sent: list[int] = []
    for _ in range(2):
        for _ in range(3):
            add_update(add_measure(add_programme(), unit=city.unit), city.lead)
        db.session.flush()
        db.session.expire_all()
        with count_queries() as statements:
            for update in queries.list_awaiting_release(viewer):
                assert update.measure.programme.update_rhythm == "quarterly"
                assert update.author
                assert update.author.name
        sent.append(len(statements))
    assert sent[0] == sent[1] == 2


def test_returned_reports_and_drafts_leave_a_period_unreported(city: City) -> None:
    other = add_measure(city.programme)
    for period, state in (("2022-Q1", DRAFT), ("2022-Q2", RETURNED), ("2022-Q3", RELEASED), ("2022-Q4", SUBMITTED)):
        add_update(city.measure, city.lead, state, period=period)
    assert queries.reported_periods([city.measure.id, other.id]) == {
        city.measure.id: frozenset({"2022-Q3", "2022-Q4"}),
        other.id: frozenset(),
    }
