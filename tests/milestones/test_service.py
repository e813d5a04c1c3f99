"""The commands: what they change, whom they refuse, which mail and which line of the log they leave."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.accounts.models import Account
from app.audit.models import AuditEvent
from app.core.database import db
from app.core.errors import Conflict, DomainError, Forbidden, RuleBroken
from app.core.localized import Localized
from app.mail.models import Mail
from app.milestones import service
from app.milestones.approval import Decision, MilestoneState
from app.milestones.models import Approval, Milestone
from app.organisations.models import Membership
from app.organisations.permissions import Role
from tests.factories import NOON, City, actor, add, add_account, add_unit
from tests.milestones.arrange import REACHED_ON, ask, milestone_of, receipt

LATER = date(2023, 6, 30)


def log_of(milestone: Milestone) -> Sequence[AuditEvent]:
    query = select(AuditEvent).where(AuditEvent.subject_id == milestone.id).order_by(AuditEvent.id)
    return db.session.scalars(query).all()


def mails(kind: str) -> Sequence[Mail]:
    return db.session.scalars(select(Mail).where(Mail.kind == kind)).all()


def addresses(kind: str) -> set[str]:
    return {mail.to_address for mail in mails(kind)}


# -- planning ------------------------------------------------------------------------------------------------------


def test_a_lead_plans_a_milestone(city: City) -> None:
    milestone = service.plan_milestone(
        actor(city.lead), city.measure, "Prüfstand für Süd", LATER, description="Läuft.", now=NOON
    )
    db.session.commit()
    assert (milestone.title, milestone.description) == (Localized("Prüfstand für Süd"), Localized("Läuft."))
    assert (milestone.planned_on, milestone.state, milestone.key) == (LATER, MilestoneState.OPEN, "prufstand-fur-sud")
    assert milestone.edited_by_id == city.lead.id
    (line,) = log_of(milestone)
    assert line.scope_id == city.measure.id
    assert line.changes == [{"field": "planned_on", "from": None, "to": "2023-06-30"}]


@pytest.mark.parametrize(
    ("title", "key"), [("Süd", "sud-2"), ("!!!", "meilenstein"), ("x" * 200, "x" * 50), ("東京", "meilenstein")]
)
def test_each_milestone_of_a_measure_gets_a_key_of_its_own(city: City, title: str, key: str) -> None:
    milestone_of(city.measure, key="sud")
    assert service.plan_milestone(actor(city.lead), city.measure, title, LATER, now=NOON).key == key


COMMANDS: dict[str, Callable[[Account, Milestone], object]] = {
    "plan": lambda who, milestone: service.plan_milestone(actor(who), milestone.measure, "Neu", LATER, now=NOON),
    "edit": lambda who, milestone: service.edit_milestone(
        actor(who), milestone, "Neu", None, seen_version=milestone.version, now=NOON
    ),
    "move": lambda who, milestone: service.move_milestone(
        actor(who), milestone, LATER, "Verzug", seen_version=milestone.version, now=NOON
    ),
    "drop": lambda who, milestone: service.drop_milestone(
        actor(who), milestone, "Nicht gefördert", seen_version=milestone.version, now=NOON
    ),
    "request": lambda who, milestone: ask(milestone, who),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("who", "may"),
    [
        ("lead", True),
        ("coordinator", True),
        ("other_lead", False),
        ("head", False),
        ("administrator", False),
        ("auditor", False),
        ("funder", False),
    ],
)
def test_milestones_belong_to_the_lead_and_the_coordination(city: City, command: str, who: str, may: bool) -> None:
    milestone = milestone_of(city.measure)
    if may:
        COMMANDS[command](getattr(city, who), milestone)
        return
    with pytest.raises(Forbidden):
        COMMANDS[command](getattr(city, who), milestone)


def test_an_edit_changes_words_and_is_logged(city: City) -> None:
    milestone = milestone_of(city.measure, title=Localized("Alt", "Old"), description=Localized("Bleibt", "Stays"))
    service.edit_milestone(actor(city.lead), milestone, "Neu", "Bleibt", seen_version=milestone.version, now=NOON)
    db.session.commit()
    assert milestone.title == Localized("Neu"), "an English wording of the old title would say something else"
    assert milestone.description == Localized("Bleibt", "Stays")
    assert milestone.edited_by_id == city.lead.id
    assert log_of(milestone)[0].changes == [{"field": "title", "from": "Alt", "to": "Neu"}]


def test_an_edit_that_changes_nothing_leaves_no_trace(city: City) -> None:
    milestone = milestone_of(city.measure, title=Localized("Alt"), edited_by_id=city.coordinator.id)
    service.edit_milestone(actor(city.lead), milestone, "Alt", None, seen_version=milestone.version, now=NOON)
    db.session.commit()
    assert milestone.edited_by_id == city.coordinator.id
    assert not log_of(milestone)


def test_a_move_keeps_the_old_day_and_counts(city: City) -> None:
    milestone = milestone_of(city.measure, planned_on=date(2022, 12, 31), planned_precision="month")
    service.move_milestone(
        actor(city.lead), milestone, LATER, " Lieferverzug ", seen_version=milestone.version, now=NOON
    )
    db.session.commit()
    (move,) = milestone.moves
    assert (move.from_on, move.to_on, move.reason) == (date(2022, 12, 31), LATER, "Lieferverzug")
    assert (move.moved_by_id, move.moved_at) == (city.lead.id, NOON)
    assert (milestone.planned_on, milestone.planned_precision, milestone.due_version) == (LATER, "day", 2)
    assert milestone.edited_by_id == city.lead.id
    (line,) = log_of(milestone)
    assert line.reason == "Lieferverzug"
    assert line.changes == [{"field": "planned_on", "from": "2022-12-31", "to": "2023-06-30"}]


def test_a_dropped_milestone_keeps_its_reason(city: City) -> None:
    milestone = milestone_of(city.measure)
    service.drop_milestone(actor(city.lead), milestone, " Nicht gefördert ", seen_version=milestone.version, now=NOON)
    db.session.commit()
    assert milestone.state is MilestoneState.DROPPED
    assert (milestone.dropped_at, milestone.drop_reason) == (NOON, "Nicht gefördert")
    assert log_of(milestone)[0].reason == "Nicht gefördert"


@pytest.mark.parametrize("command", ["edit", "move", "drop", "request"])
@pytest.mark.parametrize("settled", ["approved", "dropped"])
def test_what_is_approved_or_dropped_stays_as_it_is(city: City, command: str, settled: str) -> None:
    values = (
        {"approved_at": NOON, "actual_on": REACHED_ON}
        if settled == "approved"
        else {"dropped_at": NOON, "drop_reason": "Nicht gefördert"}
    )
    milestone = milestone_of(city.measure, **values)
    with pytest.raises(RuleBroken, match="kann nicht mehr geändert werden"):
        COMMANDS[command](city.lead, milestone)


@pytest.mark.parametrize("command", ["edit", "move", "drop"])
def test_what_waits_for_a_decision_does_not_change_underneath(city: City, command: str) -> None:
    milestone = milestone_of(city.measure)
    ask(milestone, city.lead)
    with pytest.raises(RuleBroken, match="Ziehen Sie den Antrag zurück"):
        COMMANDS[command](city.lead, milestone)


@pytest.mark.parametrize("seen", [None, 0, 2])
def test_whoever_saw_another_version_is_told(city: City, seen: int | None) -> None:
    milestone = milestone_of(city.measure)
    lead = actor(city.lead)
    for command in (
        lambda: service.edit_milestone(lead, milestone, "Neu", None, seen_version=seen, now=NOON),
        lambda: service.move_milestone(lead, milestone, LATER, "Verzug", seen_version=seen, now=NOON),
        lambda: service.drop_milestone(lead, milestone, "Weg", seen_version=seen, now=NOON),
        lambda: service.request_approval(lead, milestone, REACHED_ON, "Läuft", seen_version=seen, now=NOON),
    ):
        with pytest.raises(Conflict):
            command()


# -- asking for approval -------------------------------------------------------------------------------------------


def test_a_request_carries_statement_and_evidence(city: City) -> None:
    milestone = milestone_of(city.measure)
    approval = ask(milestone, city.lead, receipt("Übersicht.pdf"), statement=" Läuft. ")
    assert milestone.state is MilestoneState.IN_APPROVAL
    assert (approval.statement, approval.actual_on, approval.submitted_at) == ("Läuft.", REACHED_ON, NOON)
    (document,) = approval.evidence
    assert (document.filename, document.uploaded_by_id) == ("Übersicht.pdf", city.lead.id)
    assert "Freigabe beantragt" in str(log_of(milestone)[0].sentence)
    assert milestone.actual_on is None, "reached is what somebody else confirmed"


def test_a_day_in_the_future_is_refused(city: City) -> None:
    milestone = milestone_of(city.measure)
    tomorrow = NOON.date() + timedelta(days=1)
    with pytest.raises(RuleBroken) as refused:
        service.request_approval(
            actor(city.lead), milestone, tomorrow, "Läuft", seen_version=milestone.version, now=NOON
        )
    assert refused.value.field == "actual_on"
    assert not mails("approval_requested")


def test_a_second_request_while_one_is_open_is_a_conflict(city: City) -> None:
    milestone = milestone_of(city.measure)
    ask(milestone, city.lead)
    with pytest.raises(Conflict):
        ask(milestone, city.coordinator)


def test_the_head_of_the_unit_is_asked_by_mail(city: City) -> None:
    milestone = milestone_of(city.measure, title=Localized("Betrieb läuft", "In operation"))
    ask(milestone, city.lead, receipt(), statement="Die Anlage läuft seit <Montag>.")
    (mail,) = mails("approval_requested")
    assert mail.to_address == city.head.email
    assert "Freigabe erbeten: Betrieb läuft" in mail.subject
    for body in (mail.body_text, mail.body_html):
        assert f"http://localhost/milestones/{milestone.id}/decision" in body
        assert "31.03.2023" in body
        assert "10.03.2023" in body
        assert "1 Datei" in body
    assert "seit <Montag>." in mail.body_text
    assert "seit &lt;Montag&gt;." in mail.body_html


def test_the_mail_speaks_the_language_of_whoever_reads_it(city: City) -> None:
    city.head.language = "en"
    ask(milestone_of(city.measure, title=Localized("Betrieb läuft", "In operation")), city.lead)
    (mail,) = mails("approval_requested")
    assert mail.language == "en"
    assert "In operation" in mail.subject
    assert "10 Mar 2023" in mail.body_text


def test_without_a_head_of_its_own_the_unit_above_decides(city: City) -> None:
    above = add_unit("Dezernat")
    dean = add_account("Dezernent", Role.DEPARTMENT_HEAD, unit=above)
    city.measure.unit = add_unit("Team ohne Leitung", parent=above)
    ask(milestone_of(city.measure), city.lead)
    assert addresses("approval_requested") == {dean.email}


def test_a_head_who_asks_themselves_is_not_asked(city: City) -> None:
    above = add_unit("Dezernat")
    dean = add_account("Dezernent", Role.DEPARTMENT_HEAD, unit=above)
    city.unit.parent = above
    city.measure.lead = city.head
    ask(milestone_of(city.measure), city.head)
    assert addresses("approval_requested") == {dean.email}


def test_where_nobody_may_decide_the_coordination_hears_of_it(city: City) -> None:
    city.measure.unit = add_unit("Team ohne Leitung")
    milestone = milestone_of(city.measure)
    ask(milestone, city.lead)
    (mail,) = mails("approval_requested")
    assert mail.to_address == city.coordinator.email
    assert "Bereichsleitung" in mail.body_text
    assert f"/milestones/{milestone.id}/decision" not in mail.body_text


def test_a_request_that_is_withdrawn_can_be_made_again(city: City) -> None:
    milestone = milestone_of(city.measure)
    first = ask(milestone, city.lead)
    service.withdraw_approval(actor(city.coordinator), first, now=NOON)
    db.session.commit()
    assert milestone.state is MilestoneState.OPEN
    assert (first.decision, first.decided_by_id, first.decided_at) == (Decision.WITHDRAWN, city.coordinator.id, NOON)
    assert "zurückgezogen" in str(log_of(milestone)[-1].sentence)
    assert ask(milestone, city.lead) is milestone.open_approval


def test_only_the_lead_and_the_coordination_withdraw(city: City) -> None:
    approval = ask(milestone_of(city.measure), city.lead)
    for account in (city.head, city.other_lead, city.administrator, city.funder):
        with pytest.raises(Forbidden):
            service.withdraw_approval(actor(account), approval, now=NOON)


# -- deciding ------------------------------------------------------------------------------------------------------


def decide(approval: Approval, who: Account, decision: Decision, reason: str | None = None) -> None:
    service.decide_approval(actor(who), approval, decision, reason=reason, now=NOON)
    db.session.commit()


def test_an_approved_milestone_is_reached(city: City) -> None:
    milestone = milestone_of(city.measure)
    approval = ask(milestone, city.lead)
    decide(approval, city.head, Decision.APPROVED)
    assert milestone.state is MilestoneState.APPROVED
    assert (milestone.approved_at, milestone.actual_on) == (NOON, REACHED_ON)
    assert (approval.decision, approval.decided_by_id, approval.decided_at) == ("approved", city.head.id, NOON)
    line = log_of(milestone)[-1]
    assert "freigegeben" in str(line.sentence)
    assert line.changes == [{"field": "actual_on", "from": None, "to": "2023-03-10"}]


def test_a_returned_milestone_is_open_again(city: City) -> None:
    milestone = milestone_of(city.measure)
    approval = ask(milestone, city.lead)
    decide(approval, city.head, Decision.RETURNED, " Foto fehlt ")
    assert milestone.state is MilestoneState.OPEN
    assert milestone.approved_at is None
    assert approval.reason == "Foto fehlt"
    assert log_of(milestone)[-1].reason == "Foto fehlt"


def test_a_return_without_a_reason_is_refused(city: City) -> None:
    approval = ask(milestone_of(city.measure), city.lead)
    with pytest.raises(RuleBroken) as refused:
        decide(approval, city.head, Decision.RETURNED, "  ")
    assert refused.value.field == "reason"
    assert approval.decision is None


@pytest.mark.parametrize("who", ["other_head", "lead", "coordinator", "administrator", "auditor", "funder"])
def test_only_a_head_of_the_measures_unit_decides(city: City, who: str) -> None:
    approval = ask(milestone_of(city.measure), city.lead)
    with pytest.raises(Forbidden):
        decide(approval, getattr(city, who), Decision.APPROVED)


def test_the_head_of_a_unit_above_decides(city: City) -> None:
    city.unit.parent = city.other_unit
    approval = ask(milestone_of(city.measure), city.lead)
    decide(approval, city.other_head, Decision.APPROVED)
    assert approval.decided_by_id == city.other_head.id


def everything_at_once(city: City) -> Account:
    """One person with every role there is, head of the measure's unit among them."""
    account = add_account("Allzuständig", Role.ADMINISTRATOR)
    for role in (Role.COORDINATOR, Role.PROJECT_LEAD):
        add(Membership(account_id=account.id, role=role))
    add(Membership(account_id=account.id, role=Role.DEPARTMENT_HEAD, unit=city.unit))
    db.session.commit()
    return account


def test_nobody_approves_what_they_submitted(city: City) -> None:
    mighty = everything_at_once(city)
    approval = ask(milestone_of(city.measure), mighty)
    with pytest.raises(Forbidden, match="Vier-Augen"):
        decide(approval, mighty, Decision.APPROVED)
    with pytest.raises(Forbidden, match="Vier-Augen"):
        decide(approval, mighty, Decision.RETURNED, "Foto fehlt")


def test_nobody_approves_what_they_edited_last(city: City) -> None:
    mighty = everything_at_once(city)
    milestone = milestone_of(city.measure)
    service.move_milestone(actor(mighty), milestone, LATER, "Verzug", seen_version=milestone.version, now=NOON)
    approval = ask(milestone, city.lead)
    with pytest.raises(Forbidden, match="Vier-Augen"):
        decide(approval, mighty, Decision.APPROVED)
    decide(approval, city.head, Decision.APPROVED)


def test_a_request_is_decided_once_only(city: City) -> None:
    for first, second in ((Decision.APPROVED, Decision.RETURNED), (Decision.RETURNED, Decision.APPROVED)):
        approval = ask(milestone_of(city.measure), city.lead)
        decide(approval, city.head, first, "Foto fehlt")
        with pytest.raises(Conflict):
            decide(approval, city.head, second, "Foto fehlt")
        with pytest.raises(Conflict):
            service.withdraw_approval(actor(city.lead), approval, now=NOON)


def test_a_withdrawn_request_is_not_decided(city: City) -> None:
    approval = ask(milestone_of(city.measure), city.lead)
    service.withdraw_approval(actor(city.lead), approval, now=NOON)
    db.session.commit()
    with pytest.raises(Conflict, match="zurückgezogen"):
        decide(approval, city.head, Decision.APPROVED)


def test_submitter_and_lead_hear_of_the_decision(city: City) -> None:
    milestone = milestone_of(city.measure)
    decide(ask(milestone, city.coordinator), city.head, Decision.RETURNED, "Foto <b>fehlt</b>")
    assert addresses("approval_decided") == {city.coordinator.email, city.lead.email}
    for mail in mails("approval_decided"):
        assert mail.subject.startswith("Zurückgegeben: ")
        assert "Foto <b>fehlt</b>" in mail.body_text
        assert "Foto &lt;b&gt;fehlt" in mail.body_html
        assert f"http://localhost/milestones/{milestone.id}" in mail.body_text


def test_one_person_in_two_parts_gets_one_mail(city: City) -> None:
    decide(ask(milestone_of(city.measure), city.lead), city.head, Decision.APPROVED)
    (mail,) = mails("approval_decided")
    assert mail.to_address == city.lead.email
    assert mail.subject.startswith("Freigegeben: ")


def test_nobody_is_told_what_they_did_and_no_closed_account_gets_mail(city: City) -> None:
    city.measure.lead = city.head
    decide(ask(milestone_of(city.measure), city.coordinator), city.head, Decision.APPROVED)
    assert addresses("approval_decided") == {city.coordinator.email}
    city.measure.lead = city.lead
    city.lead.active = False
    decide(ask(milestone_of(city.measure), city.coordinator), city.head, Decision.APPROVED)
    assert addresses("approval_decided") == {city.coordinator.email}


def test_a_sample_milestone_sends_mail_marked_as_sample(city: City) -> None:
    decide(ask(milestone_of(city.measure, is_sample=True), city.lead), city.head, Decision.APPROVED)
    ask(milestone_of(city.measure), city.lead)
    assert sorted(mail.is_sample for mail in mails("approval_requested")) == [False, True]
    assert [mail.is_sample for mail in mails("approval_decided")] == [True]


ACTIONS = ("edit", "move", "ask", "withdraw", "approve", "return")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.integers(0, 3), st.sampled_from(ACTIONS)), min_size=4, max_size=14))
def test_whatever_happens_a_decision_has_four_eyes(city: City, steps: list[tuple[int, str]]) -> None:
    people = [everything_at_once(city), everything_at_once(city), city.lead, city.head]
    milestone = milestone_of(city.measure)
    for number, (index, action) in enumerate(steps):
        who, person = actor(people[index]), people[index].id
        waiting = milestone.open_approval
        edited_by = milestone.edited_by_id
        try:
            match action:
                case "edit":
                    service.edit_milestone(
                        who, milestone, f"Fassung {number}", None, seen_version=milestone.version, now=NOON
                    )
                case "move":
                    service.move_milestone(
                        who,
                        milestone,
                        LATER + timedelta(days=number),
                        "Verzug",
                        seen_version=milestone.version,
                        now=NOON,
                    )
                case "ask":
                    service.request_approval(
                        who, milestone, REACHED_ON, "Läuft", seen_version=milestone.version, now=NOON
                    )
                case "withdraw" if waiting:
                    service.withdraw_approval(who, waiting, now=NOON)
                case "approve" | "return" if waiting:
                    decision = Decision.APPROVED if action == "approve" else Decision.RETURNED
                    service.decide_approval(who, waiting, decision, reason="Darum", now=NOON)
                    assert person not in (waiting.submitted_by_id, edited_by)
        except DomainError:
            continue
        finally:
            db.session.commit()
        assert sum(approval.decision is None for approval in milestone.approvals) <= 1
