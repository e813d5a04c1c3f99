"""Who may decide about a report, on every way in, in programmes that know emergencies and in those that do not."""

from __future__ import annotations

from dataclasses import replace

import html5lib
import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.accounts.models import Account
from app.audit.models import AuditEvent
from app.core.database import db
from app.core.errors import Forbidden, RuleBroken
from app.mail.models import Mail
from app.organisations.models import Membership
from app.organisations.permissions import Actor, Role, system
from app.progress import service
from app.progress.models import ProgressUpdate, UpdateState
from tests.conftest import Client
from tests.factories import NOON, City, actor, add, add_account
from tests.progress.arrange import REPORT, add_update

REASON = "Der Bericht muss <heute> hinaus."
MARK = "Im Notfall ohne vier Augen entschieden:"

FREE = ["head", "lead_head"]
"""May decide: a head who did not write it, and one who leads the measure while somebody else wrote."""
STOPPED = ["author_head", "lead_head_who_wrote", "almighty"]
"""Heads who wrote it themselves, one of them with every other role on top."""
WITHOUT_THE_ROLE = ["lead", "coordinator", "administrator", "auditor", "other_head"]
"""See the report and are not the heads of the unit; the lead has written it."""


def arrange(city: City, who: str, allows: bool) -> tuple[ProgressUpdate, Account]:
    """A report that waits, and the person who wants to decide."""
    city.programme.emergency_override = allows
    if who == "lead_head":
        city.measure.lead = city.head
        return add_update(city.measure, city.coordinator), city.head
    if who in ("author_head", "lead_head_who_wrote"):
        if who == "lead_head_who_wrote":
            city.measure.lead = city.head
        return add_update(city.measure, city.head), city.head
    if who == "almighty":
        account = add_account("Allzuständig", Role.ADMINISTRATOR)
        for role in (Role.COORDINATOR, Role.AUDITOR):
            add(Membership(account_id=account.id, role=role))
        add(Membership(account_id=account.id, role=Role.DEPARTMENT_HEAD, unit=city.unit))
        return add_update(city.measure, account), account
    return add_update(city.measure, city.lead), getattr(city, who)


def decide(who: Actor, update: ProgressUpdate, state: UpdateState, override_reason: str | None) -> None:
    seen = update.version
    if state is UpdateState.RELEASED:
        service.release_update(who, update, override_reason=override_reason, now=NOON, seen_version=seen)
    else:
        service.return_update(who, update, "Zahlen fehlen", now=NOON, seen_version=seen)
    db.session.commit()


def last_line(update: ProgressUpdate) -> str:
    query = select(AuditEvent).where(AuditEvent.subject_id == update.id).order_by(AuditEvent.id.desc())
    event = db.session.scalars(query).first()
    return str(event.sentence) if event else ""


@pytest.fixture(params=[UpdateState.RELEASED, UpdateState.RETURNED])
def state(request: pytest.FixtureRequest) -> UpdateState:
    return UpdateState(request.param)


# -- the service -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("allows", [False, True])
@pytest.mark.parametrize("who", FREE)
@pytest.mark.parametrize("override_reason", [None, REASON])
def test_whom_four_eyes_do_not_stop_decides_and_no_reason_is_kept(
    city: City, who: str, allows: bool, state: UpdateState, override_reason: str | None
) -> None:
    update, person = arrange(city, who, allows)
    decide(actor(person), update, state, override_reason)
    assert (update.state, update.decided_by_id, update.override_reason) == (state, person.id, None)
    assert "Notfall" not in last_line(update)


@pytest.mark.parametrize("who", STOPPED)
@pytest.mark.parametrize("override_reason", [None, REASON])
def test_without_emergencies_nobody_decides_their_own_report(
    city: City, who: str, state: UpdateState, override_reason: str | None
) -> None:
    update, person = arrange(city, who, allows=False)
    with pytest.raises(Forbidden, match="Vier-Augen-Prinzip"):
        decide(actor(person), update, state, override_reason)
    assert (update.state, update.override_reason) == (UpdateState.SUBMITTED, None)


@pytest.mark.parametrize("who", STOPPED)
@pytest.mark.parametrize("blank", [None, "", " \n\t"])
def test_an_emergency_has_its_reason(city: City, who: str, blank: str | None) -> None:
    update, person = arrange(city, who, allows=True)
    with pytest.raises(RuleBroken, match="Bitte begründen Sie") as refused:
        decide(actor(person), update, UpdateState.RELEASED, blank)
    assert refused.value.field == "override_reason"
    assert update.state == UpdateState.SUBMITTED


@pytest.mark.parametrize("who", STOPPED)
def test_an_emergency_is_kept_and_said_in_the_log(city: City, who: str) -> None:
    update, person = arrange(city, who, allows=True)
    decide(actor(person), update, UpdateState.RELEASED, f"  {REASON} ")
    assert (update.state, update.decided_by_id, update.override_reason) == (UpdateState.RELEASED, person.id, REASON)
    assert last_line(update) == (
        f"Sachstand 4. Quartal 2022 freigegeben; Vier-Augen-Prinzip im Notfall übergangen: {REASON}"
    )


@pytest.mark.parametrize("who", STOPPED)
def test_returning_ones_own_report_is_no_emergency(city: City, who: str) -> None:
    update, person = arrange(city, who, allows=True)
    with pytest.raises(Forbidden, match="Vier-Augen-Prinzip"):
        decide(actor(person), update, UpdateState.RETURNED, None)
    assert update.state == UpdateState.SUBMITTED


@pytest.mark.parametrize("allows", [False, True])
@pytest.mark.parametrize("who", [*WITHOUT_THE_ROLE, "funder"])
def test_an_emergency_gives_nobody_a_role(city: City, who: str, allows: bool, state: UpdateState) -> None:
    update, person = arrange(city, who, allows)
    with pytest.raises(Forbidden, match="Ihre Rolle erlaubt das nicht"):
        decide(actor(person), update, state, REASON)
    assert update.state == UpdateState.SUBMITTED


@pytest.mark.parametrize("allows", [False, True])
def test_the_system_decides_nothing_not_even_with_a_role(city: City, allows: bool, state: UpdateState) -> None:
    update, head = arrange(city, "head", allows)
    with pytest.raises(Forbidden):
        decide(system("flask"), update, state, REASON)
    with pytest.raises(Forbidden, match="Vier-Augen-Prinzip"):
        decide(replace(actor(head), account_id=None), update, state, REASON)
    assert update.state == UpdateState.SUBMITTED


def test_the_others_are_asked_first_though_emergencies_are_allowed(city: City) -> None:
    city.programme.emergency_override = True
    city.measure.lead = second = add_account("Zweite Leitung", Role.DEPARTMENT_HEAD, unit=city.unit)
    service.submit_update(actor(second), city.measure, REPORT, now=NOON, seen_version=None)
    asked = db.session.scalars(select(Mail.to_address).where(Mail.kind == "update_submitted")).all()
    assert asked == [city.head.email]


def test_the_lead_reads_of_an_emergency_in_the_mail(city: City) -> None:
    update, person = arrange(city, "author_head", allows=True)
    decide(actor(person), update, UpdateState.RELEASED, REASON)
    (mail,) = db.session.scalars(select(Mail).where(Mail.kind == "update_decided"))
    assert mail.to_address == city.lead.email
    assert f"\n\n{MARK}\n{REASON}\n\n" in mail.body_text
    assert MARK in mail.body_html
    assert "Der Bericht muss &lt;heute&gt; hinaus." in mail.body_html


def test_a_regular_decision_says_nothing_of_emergencies_in_its_mail(city: City, state: UpdateState) -> None:
    update, person = arrange(city, "head", allows=True)
    decide(actor(person), update, state, REASON)
    (mail,) = db.session.scalars(select(Mail).where(Mail.kind == "update_decided"))
    assert "Notfall" not in mail.body_text + mail.body_html
    content = mail.body_text.split("\n-- ")[0].rstrip()
    assert "\n\n\n" not in content, "no gap where the emergency would stand"


# -- the page --------------------------------------------------------------------------------------------------------


def address(update: ProgressUpdate) -> str:
    return f"/progress/{update.id}"


def sent(update: ProgressUpdate, state: UpdateState, **data: str) -> dict[str, str]:
    return {"decision": state, "reason": "Zahlen fehlen", "version": str(update.version)} | data


def stored(update: ProgressUpdate) -> ProgressUpdate:
    db.session.expire_all()
    return update


def buttons(answer: TestResponse) -> list[str | None]:
    """The decisions that the page offers."""
    tree = html5lib.parse(answer.text, namespaceHTMLElements=False)
    return [node.get("value") for node in tree.iter() if node.get("name") == "decision"]


@pytest.mark.parametrize("allows", [False, True])
@pytest.mark.parametrize("who", FREE)
def test_the_page_asks_nobody_for_an_emergency_they_do_not_need(
    client: Client, city: City, who: str, allows: bool, state: UpdateState
) -> None:
    update, person = arrange(city, who, allows)
    client.sign_in(person)
    answer = client.get(address(update))
    assert "Notfall" not in answer.text
    assert "override_reason" not in answer.text
    assert buttons(answer) == ["released", "returned"]
    answer = client.post(address(update), data=sent(update, state, override_reason=REASON))
    assert answer.status_code == 302
    assert (stored(update).state, update.override_reason) == (state, None)


@pytest.mark.parametrize("who", STOPPED)
def test_without_emergencies_the_page_stays_closed_and_silent(
    client: Client, city: City, who: str, state: UpdateState
) -> None:
    update, person = arrange(city, who, allows=False)
    client.sign_in(person)
    answer = client.get(address(update))
    assert "Vier-Augen-Prinzip" in answer.text
    assert "Notfall" not in answer.text
    assert buttons(answer) == []
    answer = client.post(address(update), data=sent(update, state, override_reason=REASON))
    assert answer.status_code == 403
    assert "Notfall" not in answer.text
    assert stored(update).state == UpdateState.SUBMITTED


@pytest.mark.parametrize("who", STOPPED)
def test_the_page_opens_for_an_emergency_with_a_warning_and_a_reason(client: Client, city: City, who: str) -> None:
    update, person = arrange(city, who, allows=True)
    client.sign_in(person)
    answer = client.get(address(update))
    assert "kern-alert--warning" in answer.text
    assert "Im Notfall können Sie selbst freigeben; zurückgeben kann ihn nur jemand anderes." in answer.text
    assert "Sie steht im Protokoll und in jedem Digest an die Fördermittelgeber." in answer.text
    assert "Freigeben muss ihn eine andere Leitung." not in answer.text
    assert answer.text.count('name="override_reason"') == 1
    assert 'name="reason"' not in answer.text
    assert buttons(answer) == ["released"]

    for blank in ({}, {"override_reason": ""}, {"override_reason": " \n"}):
        answer = client.post(address(update), data=sent(update, UpdateState.RELEASED, **blank))
        assert answer.status_code == 422
        assert "Begründung des Notfalls fehlt" in answer.text
        assert stored(update).state == UpdateState.SUBMITTED

    answer = client.post(address(update), data=sent(update, UpdateState.RELEASED, override_reason=REASON))
    assert answer.status_code == 302
    assert (stored(update).state, update.override_reason) == (UpdateState.RELEASED, REASON)


@pytest.mark.parametrize("data", [{}, {"override_reason": REASON}])
def test_the_page_takes_no_return_in_an_emergency(client: Client, city: City, data: dict[str, str]) -> None:
    update, person = arrange(city, "author_head", allows=True)
    client.sign_in(person)
    answer = client.post(address(update), data=sent(update, UpdateState.RETURNED, **data))
    assert answer.status_code == 403
    assert "Vier-Augen-Prinzip" in answer.text
    assert stored(update).state == UpdateState.SUBMITTED


@pytest.mark.parametrize("allows", [False, True])
@pytest.mark.parametrize("who", [*WITHOUT_THE_ROLE, "funder"])
def test_the_page_is_closed_to_everybody_else(client: Client, city: City, who: str, allows: bool) -> None:
    update, person = arrange(city, who, allows)
    client.sign_in(person)
    assert "Notfall" not in client.get(address(update)).text
    answer = client.post(address(update), data=sent(update, UpdateState.RELEASED, override_reason=REASON))
    assert answer.status_code == (404 if who == "funder" else 403)
    assert "Notfall" not in answer.text
    assert stored(update).state == UpdateState.SUBMITTED


def test_whoever_is_not_signed_in_decides_nothing(client: Client, city: City) -> None:
    update, _ = arrange(city, "author_head", allows=True)
    answer = client.post(address(update), data=sent(update, UpdateState.RELEASED, override_reason=REASON))
    assert answer.status_code in (302, 401)
    assert stored(update).state == UpdateState.SUBMITTED


@pytest.mark.parametrize("typed", ["ä" * 10_000, "ä" * 2001])
def test_a_reason_without_end_is_refused_and_kept(client: Client, city: City, typed: str) -> None:
    update, person = arrange(city, "author_head", allows=True)
    client.sign_in(person)
    answer = client.post(address(update), data=sent(update, UpdateState.RELEASED, override_reason=typed))
    assert answer.status_code == 422
    assert "Höchstens 2.000 Zeichen" in answer.text
    assert typed in answer.text
    assert stored(update).state == UpdateState.SUBMITTED


def test_a_nul_is_left_out_and_markup_is_text(client: Client, city: City) -> None:
    update, person = arrange(city, "author_head", allows=True)
    client.sign_in(person)
    data = sent(update, UpdateState.RELEASED, override_reason="<b>Eil\x00e</b>")
    assert client.post(address(update), data=data).status_code == 302
    assert stored(update).override_reason == "<b>Eile</b>"
    assert "&lt;b&gt;Eile&lt;/b&gt;" in client.get(address(update)).text


@pytest.mark.parametrize("allows", [False, True])
def test_whoever_comes_second_keeps_the_reason_of_their_emergency(client: Client, city: City, allows: bool) -> None:
    update, person = arrange(city, "almighty", allows)
    decide(actor(city.head), update, UpdateState.RETURNED, None)
    client.sign_in(person)
    data = sent(update, UpdateState.RELEASED, override_reason="Meine Worte")
    answer = client.post(address(update), data=data)
    assert answer.status_code == 409
    assert ("Meine Worte" in answer.text) == allows
    assert ("Notfall" in answer.text) == allows


# -- the mark --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["head", "lead", "coordinator", "administrator", "auditor", "funder"])
def test_everybody_who_sees_the_decision_sees_that_it_was_an_emergency(client: Client, city: City, who: str) -> None:
    update, person = arrange(city, "author_head", allows=True)
    decide(actor(person), update, UpdateState.RELEASED, REASON)
    client.sign_in(getattr(city, who))
    page = client.get(address(update)).text
    assert page.count(MARK) == 1
    assert "Der Bericht muss &lt;heute&gt; hinaus." in page


def test_a_regular_decision_carries_no_mark(client: Client, city: City) -> None:
    update, person = arrange(city, "head", allows=True)
    decide(actor(person), update, UpdateState.RELEASED, REASON)
    client.sign_in(city.auditor)
    page = client.get(address(update)).text
    assert "Notfall" not in page
    assert "vier Augen" not in page
