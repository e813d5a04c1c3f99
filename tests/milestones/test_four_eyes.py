"""Who may decide on a milestone, on every way in, in programmes that know emergencies and in those that do not."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from sqlalchemy import select

from app.accounts.models import Account
from app.audit.models import AuditEvent
from app.core.database import db
from app.core.errors import Forbidden, RuleBroken
from app.mail.models import Mail
from app.milestones import letters, service
from app.milestones.approval import Decision, MilestoneState
from app.milestones.models import Approval
from app.milestones.queries import involved_ids
from app.organisations.models import Membership
from app.organisations.permissions import Actor, Role, system
from tests.conftest import Client
from tests.factories import NOON, City, actor, add, add_account
from tests.milestones.arrange import ask, milestone_of

REASON = "Die Frist läuft heute ab, <niemand> sonst ist im Haus."
MARK = "Im Notfall ohne vier Augen entschieden:"

FREE = ["head", "lead_head"]
"""May decide: a head who had no hand in it, and one who leads the measure while somebody else asked."""
STOPPED = ["submitter_head", "lead_head_who_asked", "editor_head", "almighty"]
"""Heads who asked themselves or edited last, one of them with every other role on top."""
WITHOUT_THE_ROLE = ["lead", "coordinator", "administrator", "auditor", "other_head"]
"""See the milestone and are not the heads of its unit; the lead has asked."""


def arrange(city: City, who: str, allows: bool) -> tuple[Approval, Account]:
    """A request that waits, and the person who wants to decide it."""
    city.programme.emergency_override = allows
    milestone = milestone_of(city.measure)
    if who == "lead_head":
        city.measure.lead = city.head
        return ask(milestone, city.coordinator), city.head
    if who == "lead_head_who_asked":
        city.measure.lead = city.head
        return ask(milestone, city.head), city.head
    if who == "submitter_head":
        add(Membership(account_id=city.head.id, role=Role.COORDINATOR))
        return ask(milestone, city.head), city.head
    if who == "editor_head":
        milestone.edited_by_id = city.head.id
        return ask(milestone, city.lead), city.head
    if who == "almighty":
        account = add_account("Allzuständig", Role.ADMINISTRATOR)
        for role in (Role.COORDINATOR, Role.AUDITOR):
            add(Membership(account_id=account.id, role=role))
        add(Membership(account_id=account.id, role=Role.DEPARTMENT_HEAD, unit=city.unit))
        return ask(milestone, account), account
    return ask(milestone, city.lead), getattr(city, who)


def decide(who: Actor, approval: Approval, decision: Decision, override_reason: str | None) -> None:
    service.decide_approval(who, approval, decision, reason="Foto fehlt", override_reason=override_reason, now=NOON)
    db.session.commit()


def last_line(approval: Approval) -> AuditEvent:
    query = select(AuditEvent).where(AuditEvent.subject_id == approval.milestone_id).order_by(AuditEvent.id.desc())
    return db.session.scalars(query).first()  # type: ignore[return-value]


@pytest.fixture(params=[Decision.APPROVED, Decision.RETURNED])
def decision(request: pytest.FixtureRequest) -> Decision:
    return Decision(request.param)


# -- the service -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("allows", [False, True])
@pytest.mark.parametrize("who", FREE)
@pytest.mark.parametrize("override_reason", [None, REASON])
def test_whom_four_eyes_do_not_stop_decides_and_no_reason_is_kept(
    city: City, who: str, allows: bool, decision: Decision, override_reason: str | None
) -> None:
    approval, person = arrange(city, who, allows)
    decide(actor(person), approval, decision, override_reason)
    assert (approval.decision, approval.decided_by_id) == (decision, person.id)
    assert approval.override_reason is None
    assert "Notfall" not in str(last_line(approval).sentence)


@pytest.mark.parametrize("who", STOPPED)
@pytest.mark.parametrize("override_reason", [None, REASON])
def test_without_emergencies_nobody_decides_their_own_work(
    city: City, who: str, decision: Decision, override_reason: str | None
) -> None:
    approval, person = arrange(city, who, allows=False)
    with pytest.raises(Forbidden, match="Vier-Augen-Prinzip"):
        decide(actor(person), approval, decision, override_reason)
    assert (approval.decision, approval.override_reason) == (None, None)


@pytest.mark.parametrize("who", STOPPED)
@pytest.mark.parametrize("blank", [None, "", " \n\t"])
def test_an_emergency_has_its_reason(city: City, who: str, blank: str | None) -> None:
    approval, person = arrange(city, who, allows=True)
    with pytest.raises(RuleBroken, match="Bitte begründen Sie") as refused:
        decide(actor(person), approval, Decision.APPROVED, blank)
    assert refused.value.field == "override_reason"
    assert approval.decision is None


@pytest.mark.parametrize("who", STOPPED)
def test_an_emergency_is_kept_and_said_in_the_log(city: City, who: str) -> None:
    approval, person = arrange(city, who, allows=True)
    decide(actor(person), approval, Decision.APPROVED, f"  {REASON} ")
    assert (approval.decision, approval.decided_by_id) == (Decision.APPROVED, person.id)
    assert (approval.override_reason, approval.milestone.override_reason) == (REASON, REASON)
    said = str(last_line(approval).sentence)
    assert said.startswith("Meilenstein freigegeben")
    assert said.endswith(f"; Vier-Augen-Prinzip im Notfall übergangen: {REASON}")


@pytest.mark.parametrize("who", STOPPED)
@pytest.mark.parametrize("override_reason", [None, REASON])
def test_returning_ones_own_work_is_no_emergency(city: City, who: str, override_reason: str | None) -> None:
    approval, person = arrange(city, who, allows=True)
    with pytest.raises(Forbidden, match="Vier-Augen-Prinzip"):
        decide(actor(person), approval, Decision.RETURNED, override_reason)
    assert (approval.decision, approval.override_reason) == (None, None)


@pytest.mark.parametrize("allows", [False, True])
@pytest.mark.parametrize("who", [*WITHOUT_THE_ROLE, "funder"])
def test_an_emergency_gives_nobody_a_role(city: City, who: str, allows: bool, decision: Decision) -> None:
    approval, person = arrange(city, who, allows)
    with pytest.raises(Forbidden, match="Ihre Rolle erlaubt das nicht"):
        decide(actor(person), approval, decision, REASON)
    assert approval.decision is None


@pytest.mark.parametrize("allows", [False, True])
def test_the_system_decides_nothing_not_even_with_a_role(city: City, allows: bool, decision: Decision) -> None:
    approval, head = arrange(city, "head", allows)
    with pytest.raises(Forbidden):
        decide(system("flask"), approval, decision, REASON)
    with pytest.raises(Forbidden, match="Vier-Augen-Prinzip"):
        decide(replace(actor(head), account_id=None), approval, decision, REASON)
    assert approval.decision is None


def test_a_request_that_is_withdrawn_keeps_no_emergency(city: City) -> None:
    approval, person = arrange(city, "submitter_head", allows=True)
    service.withdraw_approval(actor(person), approval, now=NOON)
    db.session.commit()
    assert approval.override_reason is None


def test_the_others_are_asked_first_though_emergencies_are_allowed(city: City) -> None:
    approval, person = arrange(city, "almighty", allows=True)
    asked = db.session.scalars(select(Mail.to_address).where(Mail.kind == "approval_requested")).all()
    assert asked == [city.head.email]
    milestone = approval.milestone
    assert letters.deciders_of(milestone, involved_ids(milestone), NOON.date()) == ([city.head], True)
    assert person.email not in asked


def test_the_lead_reads_of_an_emergency_in_the_mail(city: City) -> None:
    approval, person = arrange(city, "editor_head", allows=True)
    decide(actor(person), approval, Decision.APPROVED, REASON)
    (mail,) = db.session.scalars(select(Mail).where(Mail.kind == "approval_decided"))
    assert f"{MARK}\n{REASON}\n" in mail.body_text
    assert "Die Frist läuft heute ab, &lt;niemand&gt; sonst ist im Haus." in mail.body_html
    assert MARK.rstrip(":") in mail.body_html


def test_a_regular_decision_says_nothing_of_emergencies_in_its_mail(city: City) -> None:
    approval, person = arrange(city, "head", allows=True)
    decide(actor(person), approval, Decision.APPROVED, REASON)
    (mail,) = db.session.scalars(select(Mail).where(Mail.kind == "approval_decided"))
    assert "Notfall" not in mail.body_text + mail.body_html


# -- the page --------------------------------------------------------------------------------------------------------


def address(approval: Approval) -> str:
    return f"/milestones/{approval.milestone_id}/decision"


def sent(approval: Approval, decision: Decision, **data: str) -> dict[str, str]:
    return {"approval": str(approval.id), "decision": decision, "reason": "Foto fehlt"} | data


def stored(approval: Approval) -> Approval:
    db.session.expire_all()
    return approval


@pytest.mark.parametrize("allows", [False, True])
@pytest.mark.parametrize("who", FREE)
def test_the_page_asks_nobody_for_an_emergency_they_do_not_need(
    client: Client, city: City, who: str, allows: bool, decision: Decision
) -> None:
    approval, person = arrange(city, who, allows)
    client.sign_in(person)
    for page in (f"/milestones/{approval.milestone_id}", address(approval)):
        answer = client.get(page)
        assert answer.status_code == 200
        assert "Notfall" not in answer.text
        assert "override_reason" not in answer.text
    answer = client.post(address(approval), data=sent(approval, decision, override_reason=REASON))
    assert answer.status_code == 302
    assert (stored(approval).decision, approval.override_reason) == (decision, None)


@pytest.mark.parametrize("who", STOPPED)
def test_without_emergencies_the_page_stays_closed_and_silent(
    client: Client, city: City, who: str, decision: Decision
) -> None:
    approval, person = arrange(city, who, allows=False)
    client.sign_in(person)
    page = client.get(f"/milestones/{approval.milestone_id}").text
    assert "Warum nicht „Freigeben“?" in page
    assert "Notfall" not in page
    assert f'href="{address(approval)}"' not in page
    for answer in (
        client.get(address(approval)),
        client.post(address(approval), data=sent(approval, decision, override_reason=REASON)),
    ):
        assert answer.status_code == 403
        assert "Notfall" not in answer.text
    assert stored(approval).decision is None


@pytest.mark.parametrize("who", STOPPED)
def test_the_page_opens_for_an_emergency_with_a_warning_and_a_reason(client: Client, city: City, who: str) -> None:
    approval, person = arrange(city, who, allows=True)
    client.sign_in(person)
    page = client.get(f"/milestones/{approval.milestone_id}").text
    assert "Warum nicht „Freigeben“?" in page
    assert "Jetzt entscheiden" not in page
    assert re.search(rf'href="{address(approval)}">Im Notfall selbst freigeben<', page)

    form = client.get(address(approval)).text
    assert "kern-alert--warning" in form
    assert "Im Notfall können Sie selbst freigeben; zurückgeben kann den Antrag nur jemand anderes." in form
    assert "Sie steht im Protokoll und in jedem Digest an die Fördermittelgeber." in form
    assert re.search(r'<textarea[^>]*id="override_reason"[^>]*required', form)
    assert re.findall(r'name="decision"[^>]*value="(\w+)"', form) == ["approved"]
    assert 'name="reason"' not in form

    for blank in ({}, {"override_reason": ""}, {"override_reason": " \n"}):
        answer = client.post(address(approval), data=sent(approval, Decision.APPROVED, **blank))
        assert answer.status_code == 422
        assert "Begründung des Notfalls fehlt" in answer.text
        assert stored(approval).decision is None

    answer = client.post(address(approval), data=sent(approval, Decision.APPROVED, override_reason=REASON))
    assert answer.status_code == 302
    assert (stored(approval).decision, approval.override_reason) == (Decision.APPROVED, REASON)
    assert approval.reason is None


@pytest.mark.parametrize("data", [{}, {"override_reason": REASON}])
def test_the_page_takes_no_return_in_an_emergency(client: Client, city: City, data: dict[str, str]) -> None:
    approval, person = arrange(city, "submitter_head", allows=True)
    client.sign_in(person)
    answer = client.post(address(approval), data=sent(approval, Decision.RETURNED, **data))
    assert answer.status_code == 403
    assert "Vier-Augen-Prinzip" in answer.text
    assert stored(approval).decision is None


@pytest.mark.parametrize("allows", [False, True])
@pytest.mark.parametrize("who", [*WITHOUT_THE_ROLE, "funder"])
def test_the_page_is_closed_to_everybody_else(client: Client, city: City, who: str, allows: bool) -> None:
    approval, person = arrange(city, who, allows)
    client.sign_in(person)
    for answer in (
        client.get(address(approval)),
        client.post(address(approval), data=sent(approval, Decision.APPROVED, override_reason=REASON)),
    ):
        assert answer.status_code == 403
        assert "Notfall" not in answer.text
    assert "Notfall" not in client.get(f"/milestones/{approval.milestone_id}").text
    assert stored(approval).decision is None


def test_whoever_is_not_signed_in_decides_nothing(client: Client, city: City) -> None:
    approval, _ = arrange(city, "submitter_head", allows=True)
    answer = client.post(address(approval), data=sent(approval, Decision.APPROVED, override_reason=REASON))
    assert answer.status_code in (302, 401)
    assert stored(approval).decision is None


@pytest.mark.parametrize("typed", ["ä" * 10_000, "ä" * 2001])
def test_a_reason_without_end_is_refused_and_kept(client: Client, city: City, typed: str) -> None:
    approval, person = arrange(city, "submitter_head", allows=True)
    client.sign_in(person)
    answer = client.post(address(approval), data=sent(approval, Decision.APPROVED, override_reason=typed))
    assert answer.status_code == 422
    assert "höchstens 2000 Zeichen" in answer.text
    assert typed in answer.text
    assert stored(approval).decision is None


def test_a_nul_is_left_out_and_markup_is_text(client: Client, city: City) -> None:
    approval, person = arrange(city, "submitter_head", allows=True)
    client.sign_in(person)
    assert (
        client.post(
            address(approval), data=sent(approval, Decision.APPROVED, override_reason="<b>Eil\x00e</b>")
        ).status_code
        == 302
    )
    assert stored(approval).override_reason == "<b>Eile</b>"
    assert "&lt;b&gt;Eile&lt;/b&gt;" in client.get(f"/milestones/{approval.milestone_id}").text


@pytest.mark.parametrize("allows", [False, True])
def test_whoever_comes_second_keeps_the_reason_of_their_emergency(client: Client, city: City, allows: bool) -> None:
    approval, person = arrange(city, "almighty", allows)
    decide(actor(city.head), approval, Decision.APPROVED, None)
    client.sign_in(person)
    answer = client.post(address(approval), data=sent(approval, Decision.RETURNED, override_reason=REASON))
    assert answer.status_code == 409
    assert "Foto fehlt" in answer.text
    assert ("Begründung des Notfalls" in answer.text) == allows
    assert ("Die Frist läuft heute ab" in answer.text) == allows


# -- the mark --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["head", "lead", "coordinator", "administrator", "auditor", "funder"])
def test_everybody_who_sees_the_decision_sees_that_it_was_an_emergency(client: Client, city: City, who: str) -> None:
    approval, person = arrange(city, "submitter_head", allows=True)
    decide(actor(person), approval, Decision.APPROVED, REASON)
    client.sign_in(getattr(city, who))
    page = client.get(f"/milestones/{approval.milestone_id}").text
    assert page.count(MARK) == 1
    assert "Die Frist läuft heute ab, &lt;niemand&gt; sonst ist im Haus." in page


def test_a_regular_decision_carries_no_mark(client: Client, city: City) -> None:
    approval, person = arrange(city, "head", allows=True)
    decide(actor(person), approval, Decision.APPROVED, REASON)
    client.sign_in(city.auditor)
    page = client.get(f"/milestones/{approval.milestone_id}").text
    assert approval.milestone.state is MilestoneState.APPROVED
    assert "Notfall" not in page
    assert "vier Augen" not in page
