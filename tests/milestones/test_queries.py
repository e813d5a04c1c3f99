"""Who reads what of a milestone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest

from app.calendars.partial_dates import PartialDate
from app.core.database import db
from app.core.errors import NotFound
from app.core.localized import Localized
from app.milestones import queries, service
from app.milestones.approval import Actions, Decision, MilestoneState
from app.milestones.models import Milestone
from app.organisations.permissions import Role
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
from tests.milestones.arrange import ask, milestone_of, promised, receipt, wish

TODAY = NOON.date()


def test_a_milestone_is_visible_to_those_who_see_its_measure(city: City) -> None:
    milestone = milestone_of(city.measure)
    stranger = add_account("Anderes Ministerium", Role.FUNDER, organisation=add_funder_organisation())
    for account in (city.lead, city.head, city.other_lead, city.auditor, city.administrator, city.funder):
        assert queries.get_milestone(actor(account), milestone.id) is milestone
    for account, key in ((stranger, milestone.id), (add_account("Ohne Rolle"), milestone.id), (city.lead, uuid4())):
        with pytest.raises(NotFound):
            queries.get_milestone(actor(account), key)


def test_milestones_come_by_planned_day(city: City) -> None:
    late, early = (milestone_of(city.measure, planned_on=date(2023, month, 1)) for month in (9, 3))
    other = milestone_of(add_measure(add_programme()))
    assert list(queries.list_for_measure(actor(city.lead), city.measure)) == [early, late]
    assert list(queries.list_for_measure(actor(city.funder), city.measure)) == [early, late]
    assert not queries.list_for_measure(actor(city.funder), other.measure)


def read(city: City, who: str, milestone: Milestone, today: date = TODAY) -> queries.Reading:
    return queries.reading_for(actor(getattr(city, who)), milestone, today)


def test_the_city_reads_everything(city: City) -> None:
    milestone = milestone_of(
        city.measure, description=Localized("Geheim"), forecast_on=date(2023, 5, 1), sample_fields=["forecast_on"]
    )
    ask(milestone, city.lead)
    for who in ("lead", "head", "coordinator", "auditor", "administrator"):
        reading = read(city, who, milestone)
        assert reading.is_internal
        assert reading.state is MilestoneState.IN_APPROVAL
        assert (reading.description, reading.forecast_on) == (Localized("Geheim"), date(2023, 5, 1))
        assert reading.sample_fields == {"forecast_on"}
        assert len(queries.list_requests(actor(getattr(city, who)), milestone)) == 1


def test_a_funder_reads_what_is_approved(city: City) -> None:
    milestone = milestone_of(city.measure, description=Localized("Geheim"), forecast_on=date(2023, 5, 1))
    approval = ask(milestone, city.lead)
    reading = read(city, "funder", milestone)
    assert reading.state is MilestoneState.OPEN, "that an approval is under way is not approved"
    assert (reading.description, reading.forecast_on, reading.is_internal) == (None, None, False)
    assert reading.actions == Actions()
    assert not queries.list_requests(actor(city.funder), milestone)
    service.decide_approval(actor(city.head), approval, Decision.APPROVED, now=NOON)
    db.session.commit()
    reading = read(city, "funder", milestone)
    assert (reading.state, reading.actual_on) == (MilestoneState.APPROVED, approval.actual_on)
    assert not queries.list_requests(actor(city.funder), milestone)


def test_a_funder_reads_that_a_milestone_was_dropped_and_not_why(city: City) -> None:
    milestone = milestone_of(city.measure, dropped_at=NOON, drop_reason="Intern")
    assert read(city, "funder", milestone).state is MilestoneState.DROPPED
    assert read(city, "funder", milestone).drop_reason is None
    assert read(city, "lead", milestone).drop_reason == "Intern"


def test_a_plan_that_names_a_month_is_read_as_a_month(city: City) -> None:
    month = milestone_of(city.measure, planned_on=date(2021, 6, 30), planned_precision="month")
    day = milestone_of(city.measure, planned_on=date(2021, 6, 30))
    assert read(city, "lead", month).planned == PartialDate(2021, 6)
    assert str(PartialDate(2021, 6).label()) == "Juni 2021"
    assert read(city, "lead", day).planned == PartialDate(2021, 6, 30)


def test_a_source_speaks_for_the_day_it_names_and_for_no_other(city: City) -> None:
    milestone = milestone_of(city.measure, sources={"planned_on": [{"address": "https://kdn.de/a-bus"}]})
    assert [source.address for source in read(city, "funder", milestone).sources] == ["https://kdn.de/a-bus"]
    service.move_milestone(
        actor(city.lead), milestone, date(2023, 9, 1), "Verzug", seen_version=milestone.version, now=NOON
    )
    db.session.commit()
    assert not read(city, "funder", milestone).sources
    assert read(city, "funder", milestone).times_moved == 1


def test_overdue_shows_the_day_after(city: City) -> None:
    milestone = milestone_of(city.measure, planned_on=TODAY)
    assert not read(city, "lead", milestone).is_overdue
    assert read(city, "lead", milestone, TODAY + timedelta(days=1)).is_overdue


@pytest.mark.parametrize(
    ("who", "open_ones", "waiting_ones", "wished_ones"),
    [
        ("lead", {"change", "move", "request"}, {"withdraw"}, {"change", "withdraw_move"}),
        ("coordinator", {"change", "move", "request"}, {"withdraw"}, {"change", "withdraw_move"}),
        ("head", set(), {"decide"}, {"decide_move"}),
        ("other_head", set(), set(), set()),
        ("other_lead", set(), set(), set()),
        ("administrator", set(), set(), set()),
        ("auditor", set(), set(), set()),
        ("funder", set(), set(), set()),
    ],
)
def test_each_role_is_offered_its_own(
    city: City, who: str, open_ones: set[str], waiting_ones: set[str], wished_ones: set[str]
) -> None:
    def offered(milestone: Milestone) -> set[str]:
        actions = queries.actions_for(actor(getattr(city, who)), milestone)
        names = ("change", "move", "request", "withdraw", "withdraw_move", "decide", "decide_move")
        return {name for name in names if getattr(actions, name)}

    milestone = promised(city.measure)
    assert offered(milestone) == open_ones
    service.withdraw_approval(actor(city.lead), ask(milestone, city.lead), now=NOON)
    waiting = ask(milestone, city.lead)
    assert offered(milestone) == waiting_ones
    service.withdraw_approval(actor(city.lead), waiting, now=NOON)
    wish(milestone, city.lead)
    assert offered(milestone) == wished_ones


# -- the inbox -----------------------------------------------------------------------------------------------------


def test_the_inbox_holds_what_one_may_decide_oldest_first(city: City) -> None:
    below = add_unit("Team", parent=city.unit)
    mine, elsewhere = add_measure(city.programme, unit=below), add_measure(city.programme, unit=city.other_unit)
    orphan = add_measure(city.programme)
    asked = {}
    for number, measure in enumerate((city.measure, mine, elsewhere, orphan)):
        asked[measure.id] = ask(milestone_of(measure), city.coordinator)
        asked[measure.id].submitted_at = NOON - timedelta(days=number)
    returned = ask(milestone_of(city.measure), city.coordinator)
    service.decide_approval(actor(city.head), returned, Decision.RETURNED, reason="Foto fehlt", now=NOON)
    db.session.commit()
    head = actor(city.head)
    assert list(queries.list_awaiting_decision(head)) == [asked[mine.id], asked[city.measure.id]]
    assert list(queries.list_awaiting_decision(actor(city.other_head))) == [asked[elsewhere.id]]
    for who in (city.lead, city.coordinator, city.administrator, city.auditor, city.funder):
        assert not queries.list_awaiting_decision(actor(who))


def test_the_inbox_says_the_same_as_the_button(city: City) -> None:
    submitted = ask(milestone_of(city.measure), city.coordinator)
    edited = ask(milestone_of(city.measure, edited_by_id=city.head.id), city.coordinator)
    free = ask(milestone_of(city.measure, edited_by_id=city.lead.id), city.coordinator)
    submitted.submitted_by_id = city.head.id
    db.session.commit()
    head = actor(city.head)
    inbox = queries.list_awaiting_decision(head)
    assert list(inbox) == [free]
    for approval in (submitted, edited, free):
        assert queries.actions_for(head, approval.milestone).decide == (approval in inbox)


def test_the_inbox_of_moves_holds_what_one_may_decide_oldest_first(city: City) -> None:
    below = add_unit("Team", parent=city.unit)
    mine, elsewhere = add_measure(city.programme, unit=below), add_measure(city.programme, unit=city.other_unit)
    wished = {}
    for number, measure in enumerate((city.measure, mine, elsewhere, add_measure(city.programme))):
        wished[measure.id] = wish(promised(measure), city.coordinator)
        wished[measure.id].requested_at = NOON - timedelta(days=number)
    wish(promised(city.measure, edited_by_id=city.head.id), city.coordinator)
    withdrawn = wish(promised(city.measure), city.coordinator)
    service.withdraw_move(actor(city.coordinator), withdrawn, now=NOON)
    db.session.commit()
    assert list(queries.list_moves_awaiting(actor(city.head))) == [wished[mine.id], wished[city.measure.id]]
    assert list(queries.list_moves_awaiting(actor(city.other_head))) == [wished[elsewhere.id]]
    for who in (city.lead, city.coordinator, city.administrator, city.auditor, city.funder):
        assert not queries.list_moves_awaiting(actor(who))


def test_a_funder_reads_the_promise_and_no_wish_to_move_it(city: City) -> None:
    milestone = promised(city.measure)
    waiting = wish(milestone, city.lead)
    for who in ("lead", "head", "auditor"):
        assert read(city, who, milestone).open_move is waiting
        assert list(queries.list_move_requests(actor(getattr(city, who)), milestone)) == [waiting]
        assert queries.get_move_request(actor(getattr(city, who)), waiting.id) is waiting
    reading = read(city, "funder", milestone)
    assert (reading.funder_relevant, reading.open_move, reading.times_moved) == (True, None, 0)
    assert reading.planned == PartialDate(2023, 3, 31)
    assert not queries.list_move_requests(actor(city.funder), milestone)
    for who, request_id in ((city.funder, waiting.id), (city.lead, uuid4())):
        with pytest.raises(NotFound):
            queries.get_move_request(actor(who), request_id)


def test_lists_cost_the_same_however_long_they_are(city: City, count_queries: Callable[[], Any]) -> None:
    def cost() -> tuple[int, int]:
        head = actor(city.head)
        db.session.expire_all()
        db.session.expunge_all()
        with count_queries() as inbox:
            for approval in queries.list_awaiting_decision(head):
                assert approval.milestone.measure.programme.name
                assert approval.submitted_by.name
                assert approval.evidence
            for move in queries.list_moves_awaiting(head):
                assert move.milestone.measure.programme.name
                assert move.requested_by.name
        measure = db.session.get_one(type(city.measure), measure_id)
        assert measure.scope
        with count_queries() as table:
            for milestone in queries.list_for_measure(head, measure):
                assert queries.reading_for(head, milestone, TODAY)
        return len(inbox), len(table)

    measure_id = city.measure.id
    ask(milestone_of(city.measure), city.lead, receipt())
    wish(promised(city.measure), city.lead)
    short = cost()
    city.head, city.lead = (db.session.merge(row) for row in (city.head, city.lead))
    measure = db.session.get_one(type(city.measure), measure_id)
    for _ in range(5):
        ask(milestone_of(measure), city.lead, receipt())
        wish(promised(measure), city.lead)
    assert cost() == short


# -- evidence ------------------------------------------------------------------------------------------------------


def test_evidence_is_read_by_the_city_and_with_its_own_request(city: City) -> None:
    approval = ask(milestone_of(city.measure), city.lead, receipt())
    other = ask(milestone_of(city.measure), city.lead, receipt("Anderes.pdf"))
    document = approval.evidence[0]
    for who in (city.lead, city.head, city.auditor):
        assert queries.get_evidence(actor(who), approval.id, document.id) is document
    for who, approval_id, document_id in (
        (city.funder, approval.id, document.id),
        (city.lead, other.id, document.id),
        (city.lead, approval.id, uuid4()),
        (city.lead, uuid4(), document.id),
    ):
        with pytest.raises(NotFound):
            queries.get_evidence(actor(who), approval_id, document_id)
