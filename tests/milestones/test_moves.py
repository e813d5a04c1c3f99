"""Moving what the funder was promised: the head is asked, the old day holds, four eyes decide."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from app.accounts.models import Account
from app.audit.models import AuditEvent
from app.core.database import db
from app.core.errors import Conflict, Forbidden, RuleBroken
from app.core.localized import Localized
from app.mail.models import Mail
from app.milestones import queries, service
from app.milestones.approval import Decision
from app.milestones.models import Milestone, MilestoneMove, MoveRequest
from app.organisations.models import Membership
from app.organisations.permissions import Role
from tests.factories import NOON, City, actor, add, add_account, add_unit
from tests.milestones.arrange import LATER, REACHED_ON, ask, milestone_of, promised, wish

OLD = date(2023, 3, 31)


def log_of(milestone: Milestone) -> list[AuditEvent]:
    """Newest first."""
    query = select(AuditEvent).where(AuditEvent.subject_id == milestone.id).order_by(AuditEvent.id.desc())
    return list(db.session.scalars(query))


def mails(kind: str) -> list[Mail]:
    return list(db.session.scalars(select(Mail).where(Mail.kind == kind).order_by(Mail.to_address)))


def decide(who: Account, request: MoveRequest, decision: Decision, **values: str) -> None:
    service.decide_move(actor(who), request, decision, now=NOON, **values)
    db.session.commit()


def edit(who: Account, milestone: Milestone, title: str = "Neu", mark: bool | None = None) -> None:
    service.edit_milestone(
        actor(who), milestone, title, None, funder_relevant=mark, seen_version=milestone.version, now=NOON
    )
    db.session.commit()


# -- the mark --------------------------------------------------------------------------------------------------------


def test_a_promise_to_the_funder_is_planned_and_logged(city: City) -> None:
    made = [
        service.plan_milestone(actor(city.lead), city.measure, "Betrieb", OLD, funder_relevant=mark, now=NOON)
        for mark in (True, False)
    ]
    assert [milestone.funder_relevant for milestone in made] == [True, False]
    marked, unmarked = ([change["field"] for change in log_of(milestone)[0].changes] for milestone in made)
    assert marked == ["planned_on", "funder_relevant"]
    assert unmarked == ["planned_on"]


@pytest.mark.parametrize("who", ["lead", "coordinator"])
def test_the_mark_is_set_by_whoever_plans_and_the_log_says_so(city: City, who: str) -> None:
    milestone = milestone_of(city.measure, title=Localized("Alt"))
    edit(getattr(city, who), milestone, "Alt", mark=True)
    assert milestone.funder_relevant
    assert milestone.edited_by_id == getattr(city, who).id
    assert log_of(milestone)[0].changes == [{"field": "funder_relevant", "from": False, "to": True}]


def test_an_edit_that_says_nothing_of_the_mark_leaves_it(city: City) -> None:
    milestone = promised(city.measure)
    edit(city.lead, milestone)
    assert milestone.funder_relevant


def test_no_lead_passes_by_the_head_by_taking_the_mark_off(city: City) -> None:
    milestone = promised(city.measure)
    with pytest.raises(Forbidden, match="Nur die Koordination"):
        edit(city.lead, milestone, mark=False)
    assert milestone.funder_relevant
    edit(city.coordinator, milestone, "Neu", mark=False)
    assert not milestone.funder_relevant
    assert {"field": "funder_relevant", "from": True, "to": False} in log_of(milestone)[0].changes


def test_the_mark_stays_while_a_move_waits(city: City) -> None:
    milestone = promised(city.measure)
    request = wish(milestone, city.lead)
    with pytest.raises(RuleBroken) as refused:
        edit(city.coordinator, milestone, mark=False)
    assert refused.value.field == "funder_relevant"
    service.withdraw_move(actor(city.lead), request, now=NOON)
    edit(city.coordinator, milestone, mark=False)
    assert not milestone.funder_relevant


# -- the wish --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["lead", "coordinator"])
def test_what_the_funder_was_promised_does_not_move_before_the_head_agrees(city: City, who: str) -> None:
    milestone = promised(city.measure)
    person = getattr(city, who)
    request = wish(milestone, person, reason=" Lieferverzug ")
    assert (milestone.planned_on, milestone.due_version, milestone.moves) == (OLD, 1, [])
    assert queries.find_open_move(milestone) is request
    assert (request.to_on, request.reason, request.requested_by_id, request.requested_at) == (
        LATER,
        "Lieferverzug",
        person.id,
        NOON,
    )
    (line,) = log_of(milestone)
    assert str(line.sentence).startswith("Verschiebung beantragt")
    assert (line.reason, line.actor_id) == ("Lieferverzug", person.id)
    assert [change["field"] for change in line.changes] == ["wanted_on"], "the planned day has not changed"


def test_anything_else_moves_at_once(city: City) -> None:
    milestone = milestone_of(city.measure)
    moved = service.move_milestone(
        actor(city.lead), milestone, LATER, "Verzug", seen_version=milestone.version, now=NOON
    )
    assert isinstance(moved, MilestoneMove)
    assert milestone.planned_on == LATER
    assert not mails("move_requested")


def test_a_wish_obeys_the_rules_of_a_move(city: City) -> None:
    milestone = promised(city.measure)
    for to_on, reason, field in ((OLD, "Verzug", "planned_on"), (LATER, "  ", "reason")):
        with pytest.raises(RuleBroken) as refused:
            service.move_milestone(
                actor(city.lead), milestone, to_on, reason, seen_version=milestone.version, now=NOON
            )
        assert refused.value.field == field
    with pytest.raises(Conflict):
        service.move_milestone(actor(city.lead), milestone, LATER, "Verzug", seen_version=7, now=NOON)
    with pytest.raises(Forbidden):
        wish(milestone, city.head)
    assert not milestone.move_requests


def test_while_a_wish_waits_only_the_words_change(city: City) -> None:
    milestone = promised(city.measure)
    wish(milestone, city.lead)
    seen = milestone.version
    lead = actor(city.lead)
    for command in (
        lambda: wish(milestone, city.coordinator, date(2023, 12, 31)),
        lambda: service.drop_milestone(lead, milestone, "Weg", seen_version=seen, now=NOON),
        lambda: service.request_approval(lead, milestone, REACHED_ON, "Läuft", seen_version=seen, now=NOON),
    ):
        with pytest.raises(RuleBroken, match="Ziehen Sie diesen Antrag zuerst zurück"):
            command()
    edit(city.lead, milestone, "Andere Worte")
    assert milestone.title.de == "Andere Worte"
    assert len(milestone.move_requests) == 1


def test_no_wish_to_move_what_waits_for_its_approval(city: City) -> None:
    milestone = promised(city.measure)
    ask(milestone, city.lead)
    with pytest.raises(RuleBroken, match="Ziehen Sie den Antrag zurück"):
        wish(milestone, city.lead)


@pytest.mark.parametrize("who", ["lead", "coordinator"])
def test_a_wish_is_taken_back_and_can_come_again(city: City, who: str) -> None:
    milestone = promised(city.measure)
    request = wish(milestone, city.lead)
    service.withdraw_move(actor(getattr(city, who)), request, now=NOON)
    db.session.commit()
    assert (request.decision, request.decided_by_id, request.decided_for_id) == (
        Decision.WITHDRAWN,
        getattr(city, who).id,
        None,
    )
    assert str(log_of(milestone)[0].sentence).startswith("Antrag auf Verschiebung zurückgezogen")
    assert milestone.planned_on == OLD
    with pytest.raises(Conflict, match="zurückgezogen"):
        decide(city.head, request, Decision.APPROVED)
    with pytest.raises(Conflict):
        service.withdraw_move(actor(city.lead), request, now=NOON)
    assert wish(milestone, city.lead).decision is None


@pytest.mark.parametrize("who", ["other_lead", "head", "administrator", "auditor", "funder"])
def test_nobody_else_takes_a_wish_back(city: City, who: str) -> None:
    request = wish(promised(city.measure), city.lead)
    with pytest.raises(Forbidden):
        service.withdraw_move(actor(getattr(city, who)), request, now=NOON)
    assert request.decision is None


# -- the decision ----------------------------------------------------------------------------------------------------


def test_an_approved_wish_moves_the_day_as_its_requester_wanted(city: City) -> None:
    milestone = promised(city.measure, title=Localized("Betrieb"), planned_precision="month")
    request = wish(milestone, city.lead)
    decide(city.head, request, Decision.APPROVED, reason="Einverstanden")
    (move,) = milestone.moves
    assert (move.from_on, move.from_precision, move.to_on, move.reason) == (OLD, "month", LATER, "Lieferverzug")
    assert (move.moved_by_id, move.moved_at) == (city.lead.id, NOON)
    assert (milestone.planned_on, milestone.planned_precision, milestone.due_version) == (LATER, "day", 2)
    assert milestone.edited_by_id == city.lead.id
    assert (request.decision, request.decided_by_id, request.decided_for_id, request.decided_at) == (
        Decision.APPROVED,
        city.head.id,
        None,
        NOON,
    )
    assert (request.decision_reason, request.override_reason) == ("Einverstanden", None)
    line = log_of(milestone)[0]
    assert str(line.sentence) == "Verschiebung freigegeben: Betrieb; beantragt von Projektleitung"
    assert (line.actor_id, line.reason) == (city.head.id, "Lieferverzug")
    assert line.changes == [{"field": "planned_on", "from": "2023-03-31", "to": "2023-06-30"}]


def test_a_returned_wish_leaves_the_day_and_has_a_reason(city: City) -> None:
    milestone = promised(city.measure)
    request = wish(milestone, city.lead)
    with pytest.raises(RuleBroken) as refused:
        decide(city.head, request, Decision.RETURNED, reason=" ")
    assert refused.value.field == "reason"
    assert not request.decided_at
    decide(city.head, request, Decision.RETURNED, reason=" Der Bund wartet nicht ")
    assert (request.decision, request.decision_reason) == (Decision.RETURNED, "Der Bund wartet nicht")
    assert (milestone.planned_on, milestone.due_version, milestone.moves) == (OLD, 1, [])
    line = log_of(milestone)[0]
    assert str(line.sentence).startswith("Antrag auf Verschiebung zurückgegeben")
    assert (line.reason, line.changes) == ("Der Bund wartet nicht", [])
    with pytest.raises(Conflict, match="bereits entschieden"):
        decide(city.head, request, Decision.APPROVED)
    assert wish(milestone, city.lead).decision is None


@pytest.mark.parametrize(
    "who", ["lead", "coordinator", "other_lead", "other_head", "administrator", "auditor", "funder"]
)
def test_only_a_head_of_the_unit_decides(city: City, who: str) -> None:
    request = wish(promised(city.measure), city.lead)
    with pytest.raises(Forbidden, match="Ihre Rolle erlaubt das nicht"):
        decide(getattr(city, who), request, Decision.APPROVED, override_reason="Eilt")
    assert request.decision is None


def test_a_head_above_decides_too(city: City) -> None:
    above = add_unit("Dezernat")
    city.unit.parent = above
    head_above = add_account("Dezernentin", Role.DEPARTMENT_HEAD, unit=above)
    request = wish(promised(city.measure), city.lead)
    decide(head_above, request, Decision.APPROVED)
    assert request.decided_by_id == head_above.id


@pytest.fixture(params=["asked", "edited_last"])
def own(request: pytest.FixtureRequest, city: City) -> MoveRequest:
    """A wish in which the head had a hand."""
    if request.param == "asked":
        add(Membership(account_id=city.head.id, role=Role.COORDINATOR))
        return wish(promised(city.measure), city.head)
    return wish(promised(city.measure, edited_by_id=city.head.id), city.lead)


@pytest.mark.parametrize("decision", [Decision.APPROVED, Decision.RETURNED])
def test_four_eyes_hold_for_moves(city: City, own: MoveRequest, decision: Decision) -> None:
    with pytest.raises(Forbidden, match="Vier-Augen-Prinzip"):
        decide(city.head, own, decision, reason="Darum", override_reason="Eilt")
    assert (own.decision, own.milestone.planned_on) == (None, OLD)


def test_an_emergency_moves_with_its_reason_and_returns_nothing(city: City, own: MoveRequest) -> None:
    city.programme.emergency_override = True
    with pytest.raises(Forbidden, match="Vier-Augen-Prinzip"):
        decide(city.head, own, Decision.RETURNED, reason="Darum", override_reason="Eilt")
    with pytest.raises(RuleBroken) as refused:
        decide(city.head, own, Decision.APPROVED, override_reason=" ")
    assert refused.value.field == "override_reason"
    decide(city.head, own, Decision.APPROVED, override_reason=" Frist endet heute ")
    assert (own.override_reason, own.milestone.planned_on) == ("Frist endet heute", LATER)
    said = str(log_of(own.milestone)[0].sentence)
    assert said.endswith("Vier-Augen-Prinzip im Notfall übergangen: Frist endet heute")
    reading = queries.reading_for(actor(city.funder), own.milestone, OLD)
    assert reading.move_overrides == {NOON: "Frist endet heute"}


def test_whoever_needs_no_emergency_leaves_none(city: City) -> None:
    city.programme.emergency_override = True
    request = wish(promised(city.measure), city.lead)
    decide(city.head, request, Decision.APPROVED, override_reason="Eilt")
    assert request.override_reason is None
    assert "Notfall" not in str(log_of(request.milestone)[0].sentence)


def test_what_an_import_has_settled_since_moves_no_more(city: City) -> None:
    milestone = promised(city.measure)
    request = wish(milestone, city.lead)
    milestone.approved_at, milestone.actual_on = NOON, REACHED_ON
    db.session.commit()
    assert not queries.list_moves_awaiting(actor(city.head))
    with pytest.raises(RuleBroken, match="ist freigegeben"):
        decide(city.head, request, Decision.APPROVED)
    assert milestone.planned_on == OLD


# -- mails -----------------------------------------------------------------------------------------------------------


def test_the_free_head_is_asked_with_both_days_and_the_reason(city: City) -> None:
    milestone = promised(city.measure, title=Localized("Müller & Söhne"))
    wish(milestone, city.lead, reason="Zug <um> Zug")
    (mail,) = mails("move_requested")
    assert mail.to_address == city.head.email
    assert mail.subject.startswith("Verschiebung beantragt: Müller & Söhne")
    for part in (
        "31.03.2023",
        "30.06.2023",
        "Zug <um> Zug",
        "Projektleitung",
        f"/milestones/{milestone.id}/move/decision",
    ):
        assert part in mail.body_text
    assert "Zug &lt;um&gt; Zug" in mail.body_html
    assert f"/milestones/{milestone.id}/move/decision" in mail.body_html


def test_where_nobody_may_decide_the_coordination_is_told(city: City) -> None:
    milestone = promised(city.measure, edited_by_id=city.head.id)
    wish(milestone, city.lead)
    (mail,) = mails("move_requested")
    assert mail.to_address == city.coordinator.email
    assert "niemanden, der entscheiden darf" in mail.body_text
    assert "/move/decision" not in mail.body_text + mail.body_html


@pytest.mark.parametrize("decision", [Decision.APPROVED, Decision.RETURNED])
def test_requester_and_lead_hear_of_the_decision(city: City, decision: Decision) -> None:
    request = wish(promised(city.measure), city.coordinator)
    decide(city.head, request, decision, reason="So <nicht>")
    told = mails("move_decided")
    assert {mail.to_address for mail in told} == {city.coordinator.email, city.lead.email}
    word = "freigegeben" if decision is Decision.APPROVED else "zurückgegeben"
    for mail in told:
        assert mail.subject.startswith(f"Verschiebung {word}")
        for part in ("Leitung Digitalisierung", word, "So <nicht>"):
            assert part in mail.body_text
        assert "Bisheriger Plan-Termin: 31.03.2023" in mail.body_text
        assert "Beantragter Plan-Termin: 30.06.2023" in mail.body_text
        assert "So &lt;nicht&gt;" in mail.body_html
        assert "Notfall" not in mail.body_text + mail.body_html


def test_a_withdrawal_and_ones_own_decision_are_no_mail(city: City) -> None:
    city.programme.emergency_override = True
    city.measure.lead = city.head
    request = wish(promised(city.measure), city.head)
    decide(city.head, request, Decision.APPROVED, override_reason="Eilt")
    service.withdraw_move(actor(city.head), wish(promised(city.measure), city.head), now=NOON)
    assert not mails("move_decided")
