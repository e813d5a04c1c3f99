"""Deciding "i. V.": from the first to the last day of a head's absence, and no way round for the head."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from app.accounts.models import Account
from app.audit.models import AuditEvent
from app.core.database import db
from app.core.errors import Forbidden
from app.mail.models import Mail
from app.milestones import queries, service
from app.milestones.approval import Decision
from app.milestones.models import Approval, Milestone, MoveRequest
from app.organisations.models import Membership
from app.organisations.permissions import Actor, Role
from app.organisations.queries import actor_for
from tests.conftest import SANDBOX_DAY, Client
from tests.factories import NOON, City, actor, add, add_absence, add_account, add_unit
from tests.milestones.arrange import LATER, ask, milestone_of, promised, wish

FIRST, LAST = SANDBOX_DAY - timedelta(days=3), SANDBOX_DAY
DAY = timedelta(days=1)


def on(account: Account, day: date) -> Actor:
    return actor_for(account, day)


@pytest.fixture
def deputy(city: City) -> Account:
    """Stands in for the head until today; a lead of another measure otherwise."""
    add_absence(city.head, city.other_lead, FIRST, LAST)
    db.session.commit()
    return city.other_lead


def last_line(milestone: Milestone) -> str:
    query = select(AuditEvent).where(AuditEvent.subject_id == milestone.id).order_by(AuditEvent.id.desc())
    return str(next(iter(db.session.scalars(query))).sentence)


def told(kind: str) -> set[str]:
    return set(db.session.scalars(select(Mail.to_address).where(Mail.kind == kind)))


@pytest.mark.parametrize("decision", [Decision.APPROVED, Decision.RETURNED])
def test_a_deputy_decides_an_approval_and_it_is_kept_in_whose_place(
    city: City, deputy: Account, decision: Decision
) -> None:
    approval = ask(milestone_of(city.measure), city.lead)
    service.decide_approval(actor(deputy), approval, decision, reason="Darum", now=NOON)
    db.session.commit()
    assert (approval.decision, approval.decided_by_id, approval.decided_for_id) == (decision, deputy.id, city.head.id)
    assert "i. V. Leitung Digitalisierung" in last_line(approval.milestone)
    (mail,) = db.session.scalars(select(Mail).where(Mail.kind == "approval_decided"))
    assert "Andere Projektleitung i. V. Leitung Digitalisierung hat den" in mail.body_text
    assert "Andere Projektleitung i. V. Leitung Digitalisierung hat den" in mail.body_html


@pytest.mark.parametrize("decision", [Decision.APPROVED, Decision.RETURNED])
def test_a_deputy_decides_a_move_and_it_is_kept_in_whose_place(
    city: City, deputy: Account, decision: Decision
) -> None:
    request = wish(promised(city.measure), city.lead)
    service.decide_move(actor(deputy), request, decision, reason="Darum", now=NOON)
    db.session.commit()
    assert (request.decision, request.decided_by_id, request.decided_for_id) == (decision, deputy.id, city.head.id)
    assert "i. V. Leitung Digitalisierung" in last_line(request.milestone)
    (mail,) = db.session.scalars(select(Mail).where(Mail.kind == "move_decided"))
    assert "Andere Projektleitung i. V. Leitung Digitalisierung hat" in mail.body_text


def test_a_head_in_their_own_right_signs_alone(city: City) -> None:
    """Also while they stand in for another head of the same unit."""
    colleague = add_account("Zweite Leitung", Role.DEPARTMENT_HEAD, unit=city.unit)
    add_absence(colleague, city.head, FIRST, LAST)
    approval = ask(milestone_of(city.measure), city.lead)
    service.decide_approval(actor(city.head), approval, Decision.APPROVED, now=NOON)
    assert approval.decided_for_id is None
    assert "i. V." not in last_line(approval.milestone)


@pytest.mark.parametrize(
    ("day", "may"), [(FIRST - DAY, False), (FIRST, True), (LAST - DAY, True), (LAST, True), (LAST + DAY, False)]
)
def test_the_right_lasts_from_the_first_to_the_last_day(city: City, deputy: Account, day: date, may: bool) -> None:
    approval = ask(milestone_of(city.measure), city.lead)
    request = wish(promised(city.measure), city.lead)
    viewer = on(deputy, day)
    assert bool(queries.list_awaiting_decision(viewer)) == may
    assert bool(queries.list_moves_awaiting(viewer)) == may
    assert queries.actions_for(viewer, approval.milestone).decide == may
    assert queries.actions_for(viewer, request.milestone).decide_move == may
    if may:
        service.decide_approval(viewer, approval, Decision.APPROVED, now=NOON)
        service.decide_move(viewer, request, Decision.APPROVED, now=NOON)
        return
    with pytest.raises(Forbidden, match="Ihre Rolle erlaubt das nicht"):
        service.decide_approval(viewer, approval, Decision.APPROVED, now=NOON)
    with pytest.raises(Forbidden, match="Ihre Rolle erlaubt das nicht"):
        service.decide_move(viewer, request, Decision.APPROVED, now=NOON)


def test_the_absent_head_keeps_their_own_right(city: City, deputy: Account) -> None:
    approval = ask(milestone_of(city.measure), city.lead)
    service.decide_approval(actor(city.head), approval, Decision.APPROVED, now=NOON)
    assert approval.decided_for_id is None


# -- four eyes -------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["deputy_asked", "deputy_edited", "head_asked", "head_edited"])
def involved(request: pytest.FixtureRequest, city: City, deputy: Account) -> tuple[Approval, MoveRequest]:
    """An approval and a wish to move in which the deputy or the head they stand in for had a hand."""
    city.programme.emergency_override = True
    person = deputy if request.param.startswith("deputy") else city.head
    if request.param.endswith("asked"):
        add(Membership(account_id=person.id, role=Role.COORDINATOR))
        return ask(milestone_of(city.measure), person), wish(promised(city.measure), person)
    edited = {"edited_by_id": person.id}
    return ask(milestone_of(city.measure, **edited), city.lead), wish(promised(city.measure, **edited), city.lead)


def test_a_deputy_is_no_way_round_for_the_head_nor_for_themselves(
    deputy: Account, involved: tuple[Approval, MoveRequest]
) -> None:
    approval, request = involved
    viewer = actor(deputy)
    for decision in (Decision.APPROVED, Decision.RETURNED):
        with pytest.raises(Forbidden, match="Vier-Augen-Prinzip"):
            service.decide_approval(viewer, approval, decision, reason="x", override_reason="Eilt", now=NOON)
        with pytest.raises(Forbidden, match="Vier-Augen-Prinzip"):
            service.decide_move(viewer, request, decision, reason="x", override_reason="Eilt", now=NOON)
    assert not queries.list_awaiting_decision(viewer)
    assert not queries.list_moves_awaiting(viewer)
    for milestone in (approval.milestone, request.milestone):
        actions = queries.actions_for(viewer, milestone)
        assert (actions.decide, actions.decide_move, actions.approve_in_emergency) == (False, False, False)
        assert actions.why_not_decide is not None


def test_no_page_offers_a_deputy_an_emergency(
    client: Client, deputy: Account, involved: tuple[Approval, MoveRequest]
) -> None:
    approval, request = involved
    client.sign_in(deputy)
    for milestone_id, page in ((approval.milestone_id, "decision"), (request.milestone_id, "move/decision")):
        assert "Warum nicht" in client.get(f"/milestones/{milestone_id}").text
        assert "Im Notfall selbst freigeben" not in client.get(f"/milestones/{milestone_id}").text
        assert client.get(f"/milestones/{milestone_id}/{page}").status_code == 403


# -- who is told -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("deputy_only", "heads"), [(False, {"head", "other_lead"}), (True, {"other_lead"})])
def test_the_deputy_is_asked_beside_the_head_or_alone(city: City, deputy_only: bool, heads: set[str]) -> None:
    add_absence(city.head, city.other_lead, FIRST, LAST, deputy_only=deputy_only)
    db.session.commit()
    ask(milestone_of(city.measure), city.lead)
    wish(promised(city.measure), city.lead)
    wanted = {getattr(city, who).email for who in heads}
    assert told("approval_requested") == wanted
    assert told("move_requested") == wanted


def test_before_and_after_the_absence_only_the_head_is_asked(city: City) -> None:
    add_absence(city.head, city.other_lead, SANDBOX_DAY + DAY, SANDBOX_DAY + 3 * DAY, deputy_only=True)
    add_absence(city.head, city.other_lead, SANDBOX_DAY - 3 * DAY, SANDBOX_DAY - DAY, deputy_only=True)
    db.session.commit()
    ask(milestone_of(city.measure), city.lead)
    assert told("approval_requested") == {city.head.email}


def test_a_deputy_with_a_hand_in_it_is_not_asked_and_never_nobody(city: City) -> None:
    add_absence(city.head, city.coordinator, FIRST, LAST, deputy_only=True)
    db.session.commit()
    ask(milestone_of(city.measure), city.coordinator)
    assert told("approval_requested") == {city.head.email}


def test_where_only_somebody_with_a_hand_in_it_stands_in_the_head_above_is_asked(city: City) -> None:
    city.unit.parent = add_unit("Dezernat")
    above = add_account("Dezernentin", Role.DEPARTMENT_HEAD, unit=city.unit.parent)
    add_absence(city.head, city.lead, FIRST, LAST, deputy_only=True)
    db.session.commit()
    ask(milestone_of(city.measure), city.lead)
    assert told("approval_requested") == {above.email}


def test_where_the_absent_head_is_involved_the_head_above_is_asked(city: City, deputy: Account) -> None:
    city.unit.parent = add_unit("Dezernat")
    above = add_account("Dezernentin", Role.DEPARTMENT_HEAD, unit=city.unit.parent)
    wish(promised(city.measure, edited_by_id=city.head.id), city.lead)
    assert told("move_requested") == {above.email}


# -- pages -----------------------------------------------------------------------------------------------------------


def test_the_deputy_finds_decides_and_signs_on_the_pages(client: Client, city: City, deputy: Account) -> None:
    approval = ask(milestone_of(city.measure), city.lead)
    request = wish(promised(city.measure), city.lead)
    decisions = {
        f"/milestones/{approval.milestone_id}/decision": {"approval": str(approval.id)},
        f"/milestones/{request.milestone_id}/move/decision": {"wish": str(request.id)},
    }
    client.sign_in(deputy)
    start = client.get("/").text
    for page, data in decisions.items():
        assert page in start
        assert "Sie entscheiden in Vertretung für Leitung Digitalisierung." in client.get(page).text
        answer = client.post(page, data={"decision": "approved"} | data)
        assert answer.status_code == 302
        assert (
            "Freigegeben von Andere Projektleitung i. V. Leitung Digitalisierung" in client.get(answer.location).text
        )
    assert db.session.get_one(Milestone, request.milestone_id).planned_on == LATER
    client.sign_in(city.funder)
    for milestone_id in (approval.milestone_id, request.milestone_id):
        assert "i. V." not in client.get(f"/milestones/{milestone_id}").text, "names are the city's"


def test_a_head_reads_nothing_of_standing_in(client: Client, city: City) -> None:
    approval = ask(milestone_of(city.measure), city.lead)
    client.sign_in(city.head)
    page = client.get(f"/milestones/{approval.milestone_id}/decision")
    assert page.status_code == 200
    assert "in Vertretung" not in page.text


def test_the_day_after_the_pages_are_closed(client: Client, city: City) -> None:
    add_absence(city.head, city.other_lead, FIRST, SANDBOX_DAY - DAY)
    approval = ask(milestone_of(city.measure), city.lead)
    request = wish(promised(city.measure), city.lead)
    client.sign_in(city.other_lead)
    start = client.get("/").text
    for page in (
        f"/milestones/{approval.milestone_id}/decision",
        f"/milestones/{request.milestone_id}/move/decision",
    ):
        assert page not in start
        assert client.get(page).status_code == 403
        assert client.post(page, data={"decision": "approved"}).status_code == 403


# -- deputies of a lead ----------------------------------------------------------------------------------------------


def test_the_deputy_of_a_lead_plans_moves_and_asks_until_the_last_day(client: Client, city: City) -> None:
    absence = add_absence(city.lead, city.other_lead, FIRST, LAST)
    milestone = promised(city.measure)
    client.sign_in(city.other_lead)
    assert f"/measures/{city.measure.id}" in client.get("/").text
    page = client.get(f"/measures/{city.measure.id}").text
    assert f"/measures/{city.measure.id}/milestones/new" in page
    assert f"/milestones/{milestone.id}/approval" in page
    assert f"/measures/{city.measure.id}/progress/report" in page
    forms = [f"/measures/{city.measure.id}/milestones/new", f"/measures/{city.measure.id}/progress/report"]
    forms += [f"/milestones/{milestone.id}/{name}" for name in ("edit", "move", "drop", "approval")]
    assert {client.get(form).status_code for form in forms} == {200}
    data = {"planned_on": "2023-06-30", "reason": "Verzug", "version": str(milestone.version)}
    assert client.post(f"/milestones/{milestone.id}/move", data=data).status_code == 302
    db.session.expire_all()
    assert milestone.move_requests[0].requested_by_id == city.other_lead.id
    absence.until_on = LAST - DAY
    db.session.commit()
    assert {client.get(form).status_code for form in forms} == {403}
    assert f"/measures/{city.measure.id}/milestones/new" not in client.get(f"/measures/{city.measure.id}").text


def test_what_a_deputy_did_stays_with_the_lead_to_take_back(city: City) -> None:
    add_absence(city.lead, city.other_lead, FIRST, LAST)
    milestone = promised(city.measure)
    request = wish(milestone, city.other_lead)
    with pytest.raises(Forbidden):
        service.withdraw_move(on(city.other_lead, LAST + DAY), request, now=NOON + DAY)
    service.withdraw_move(on(city.lead, LAST + DAY), request, now=datetime(2023, 3, 16, 11, tzinfo=UTC))
    assert request.decision is Decision.WITHDRAWN
