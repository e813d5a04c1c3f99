"""The pages about moving what the funder was promised."""

from __future__ import annotations

import re
from datetime import date

import pytest

from app.core.database import db
from app.core.localized import Localized
from app.milestones import service
from app.milestones.approval import Decision
from app.milestones.models import Milestone, MoveRequest
from app.organisations.models import Membership
from app.organisations.permissions import Role
from tests.conftest import Client
from tests.factories import NOON, City, actor, add
from tests.milestones.arrange import LATER, milestone_of, promised, wish

OLD = date(2023, 3, 31)


def address(milestone: Milestone, page: str = "") -> str:
    return f"/milestones/{milestone.id}{page}"


def decision_of(request: MoveRequest) -> str:
    return f"/milestones/{request.milestone_id}/move/decision"


def sent(request: MoveRequest, decision: str = "approved", **data: str) -> dict[str, str]:
    return {"wish": str(request.id), "decision": decision, "reason": ""} | data


def fresh(milestone: Milestone) -> Milestone:
    db.session.expire_all()
    return milestone


# -- the mark --------------------------------------------------------------------------------------------------------


def test_the_mark_is_a_box_of_the_plan_and_of_the_edit(client: Client, city: City) -> None:
    client.sign_in(city.lead)
    plan = f"/measures/{city.measure.id}/milestones/new"
    page = client.get(plan).text
    assert re.search(
        r'<input[^>]*type="checkbox"[^>]*name="funder_relevant"|name="funder_relevant"[^>]*type="ch', page
    )
    assert "Dem Fördermittelgeber zugesagt" in page
    for data, mark in (({}, False), ({"funder_relevant": "y"}, True)):
        answer = client.post(plan, data={"title": f"Neu {mark}", "planned_on": "2023-04-01"} | data)
        made = db.session.get_one(Milestone, answer.location.rsplit("/", 1)[1])
        assert made.funder_relevant is mark
    milestone = milestone_of(city.measure, title=Localized("Alt"))
    data = {"title": "Alt", "version": str(milestone.version), "funder_relevant": "y"}
    assert client.post(address(milestone, "/edit"), data=data).status_code == 302
    assert fresh(milestone).funder_relevant
    assert "dem Fördermittelgeber zugesagt" in client.get(address(milestone)).text


def test_a_lead_sees_the_mark_and_cannot_take_it_off(client: Client, city: City) -> None:
    milestone = promised(city.measure)
    client.sign_in(city.lead)
    page = client.get(address(milestone, "/edit")).text
    assert 'name="funder_relevant"' not in page
    assert "Zurücknehmen kann diese Angabe nur die Koordination." in page
    data = {"title": "Neu", "version": str(milestone.version)}
    assert client.post(address(milestone, "/edit"), data=data).status_code == 302
    assert fresh(milestone).funder_relevant
    assert milestone.title.de == "Neu"


def test_the_coordination_takes_it_off_unless_a_move_waits(client: Client, city: City) -> None:
    milestone = promised(city.measure)
    request = wish(milestone, city.lead)
    client.sign_in(city.coordinator)
    page = client.get(address(milestone, "/edit")).text
    assert re.search(r'<input[^>]*checked[^>]*name="funder_relevant"|name="funder_relevant"[^>]*checked', page)
    data = {"title": "Meine Worte", "version": str(milestone.version)}
    answer = client.post(address(milestone, "/edit"), data=data)
    assert answer.status_code == 422
    assert 'id="funder_relevant-error"' in answer.text
    assert "Meine Worte" in answer.text
    assert fresh(milestone).funder_relevant
    service.withdraw_move(actor(city.lead), request, now=NOON)
    db.session.commit()
    assert client.post(address(milestone, "/edit"), data=data).status_code == 302
    assert not fresh(milestone).funder_relevant


# -- the wish --------------------------------------------------------------------------------------------------------


def test_the_form_says_that_the_head_decides_and_asks_for_it(client: Client, city: City) -> None:
    milestone = promised(city.measure)
    client.sign_in(city.lead)
    page = client.get(address(milestone, "/move")).text
    assert "Verschiebung beantragen" in page
    assert "Bis dahin gilt der bisherige Plan-Termin." in page
    data = {"planned_on": "30.06.2023", "reason": "Lieferverzug", "version": str(milestone.version)}
    answer = client.post(address(milestone, "/move"), data=data)
    assert answer.status_code == 302
    page = client.get(answer.location).text
    assert "Die Verschiebung ist beantragt." in page
    assert "Verschiebung auf 30.06.2023, beantragt von Projektleitung" in page
    assert "Entscheidet: Leitung Digitalisierung" in page
    assert "Antrag zurückziehen" in page
    assert "Plan-Termin verschieben" not in page
    assert "Titel und Beschreibung bearbeiten" in page
    assert fresh(milestone).planned_on == OLD


def test_bad_input_is_told_beside_its_field_and_kept(client: Client, city: City) -> None:
    milestone = promised(city.measure)
    client.sign_in(city.lead)
    for data, field in (
        ({"planned_on": "31.03.2023", "reason": "Mein Grund"}, "planned_on"),
        ({"planned_on": "gestern", "reason": "Mein Grund"}, "planned_on"),
        ({"planned_on": "30.06.2023", "reason": "x" * 10_000}, "reason"),
        ({"planned_on": "30.06.2023", "reason": "\x00 "}, "reason"),
    ):
        answer = client.post(address(milestone, "/move"), data={"version": str(milestone.version)} | data)
        assert answer.status_code == 422
        assert f'id="{field}-error"' in answer.text
        assert data["planned_on"].replace("30.06.2023", "30.06.2023") in answer.text
    assert not fresh(milestone).move_requests


@pytest.mark.parametrize("page", ["/move", "/drop", "/approval"])
def test_while_a_wish_waits_the_forms_say_so_at_once(client: Client, city: City, page: str) -> None:
    milestone = promised(city.measure)
    wish(milestone, city.lead)
    client.sign_in(city.lead)
    data = {
        "version": str(milestone.version),
        "planned_on": "2023-08-01",
        "actual_on": "2023-03-01",
        "statement": "Meine Worte",
        "reason": "Meine Worte",
    }
    for answer in (client.get(address(milestone, page)), client.post(address(milestone, page), data=data)):
        assert answer.status_code == 422
        assert "Ziehen Sie diesen Antrag zuerst zurück" in answer.text
    assert "Meine Worte" in answer.text
    assert client.get(address(milestone, "/edit")).status_code == 200


def test_a_wish_is_withdrawn_by_a_button_once(client: Client, city: City) -> None:
    milestone = promised(city.measure)
    request = wish(milestone, city.lead)
    client.sign_in(city.lead)
    button = f"/milestones/move-requests/{request.id}/withdrawal"
    assert button in client.get(address(milestone)).text
    assert client.post(button).status_code == 302
    page = client.get(address(milestone)).text
    assert "Zurückgezogen von Projektleitung" in page
    assert "Plan-Termin verschieben" in page
    assert client.post(button).status_code == 409
    client.sign_in(city.funder)
    assert client.post(button).status_code == 404
    client.sign_in(city.other_lead)
    assert client.post(button).status_code == 403


# -- the decision ----------------------------------------------------------------------------------------------------


def test_the_head_finds_it_on_the_start_page_reads_all_of_it_and_approves(client: Client, city: City) -> None:
    milestone = promised(city.measure, title=Localized("Betrieb"))
    first = wish(milestone, city.lead, date(2023, 5, 31), "Vergabe verzögert")
    service.decide_move(actor(city.head), first, Decision.APPROVED, now=NOON)
    request = wish(milestone, city.lead, LATER, "Lieferverzug")
    client.sign_in(city.head)
    start = client.get("/").text
    assert decision_of(request) in start
    assert "Verschiebung auf 30.06.2023 freigeben" in start
    assert decision_of(request) in client.get(address(milestone)).text
    assert decision_of(request) in client.get(f"/measures/{city.measure.id}").text
    page = client.get(decision_of(request)).text
    for part in ("31.05.2023", "30.06.2023", "Lieferverzug", "Projektleitung am 15.03.2023", "Vergabe verzögert"):
        assert part in page
    assert "override_reason" not in page
    answer = client.post(decision_of(request), data=sent(request))
    assert answer.status_code == 302
    page = client.get(answer.location).text
    assert "Der neue Plan-Termin gilt." in page
    assert "Von 31.05.2023 auf 30.06.2023" in page
    assert fresh(milestone).planned_on == LATER
    assert decision_of(request) not in client.get("/").text


def test_a_return_needs_its_reason_and_a_button_must_be_pressed(client: Client, city: City) -> None:
    request = wish(promised(city.measure), city.lead)
    client.sign_in(city.head)
    for decision, message in (
        ("returned", "Bitte begründen Sie"),
        ("", "Bitte wählen Sie"),
        ("withdrawn", "Bitte w"),
    ):
        answer = client.post(decision_of(request), data=sent(request, decision))
        assert answer.status_code == 422
        assert message in answer.text
    answer = client.post(decision_of(request), data=sent(request, "returned", reason="\x00Der Bund wartet nicht"))
    assert answer.status_code == 302
    page = client.get(answer.location).text
    assert "Zurückgegeben von Leitung Digitalisierung" in page
    assert "Der Bund wartet nicht" in page


def test_whoever_comes_second_gets_a_409_with_what_they_typed(client: Client, city: City) -> None:
    milestone = promised(city.measure)
    request = wish(milestone, city.lead)
    service.decide_move(actor(city.head), request, Decision.APPROVED, now=NOON)
    db.session.commit()
    client.sign_in(city.head)
    answer = client.post(decision_of(request), data=sent(request, "returned", reason="Meine Worte"))
    assert answer.status_code == 409
    assert "Meine Worte" in answer.text
    assert "bereits entschieden" in answer.text
    again = wish(milestone, city.lead, date(2023, 12, 31))
    for key in (str(request.id), "", "x", str(milestone.id)):
        answer = client.post(decision_of(again), data=sent(again, wish=key))
        assert answer.status_code == 409, "a wish nobody has read is not decided"
    assert fresh(milestone).due_version == 2


def test_without_a_wish_the_page_leads_back(client: Client, city: City) -> None:
    milestone = promised(city.measure)
    client.sign_in(city.head)
    answer = client.get(address(milestone, "/move/decision"))
    assert (answer.status_code, answer.location) == (302, address(milestone))


@pytest.mark.parametrize("who", ["lead", "coordinator", "other_head", "administrator", "auditor", "funder"])
def test_the_page_is_closed_to_everybody_else(client: Client, city: City, who: str) -> None:
    request = wish(promised(city.measure), city.lead)
    client.sign_in(getattr(city, who))
    assert client.get(decision_of(request)).status_code == 403
    assert client.post(decision_of(request), data=sent(request)).status_code == 403
    assert decision_of(request) not in client.get("/").text
    assert fresh(request.milestone).planned_on == OLD


def test_four_eyes_close_the_page_and_an_emergency_opens_it(client: Client, city: City) -> None:
    add(Membership(account_id=city.head.id, role=Role.COORDINATOR))
    request = wish(promised(city.measure), city.head)
    client.sign_in(city.head)
    page = client.get(address(request.milestone)).text
    assert "Warum nicht „Verschiebung freigeben“?" in page
    assert "Entscheiden kann das zurzeit niemand" in page
    assert decision_of(request) not in page
    assert client.get(decision_of(request)).status_code == 403
    assert client.post(decision_of(request), data=sent(request)).status_code == 403

    city.programme.emergency_override = True
    db.session.commit()
    assert decision_of(request) in client.get(address(request.milestone)).text
    form = client.get(decision_of(request)).text
    assert re.findall(r'name="decision"[^>]*value="(\w+)"', form) == ["approved"]
    assert 'name="reason"' not in form
    assert client.post(decision_of(request), data=sent(request)).status_code == 422
    assert client.post(decision_of(request), data=sent(request, "returned")).status_code == 403
    answer = client.post(decision_of(request), data=sent(request, override_reason="Frist endet heute"))
    assert answer.status_code == 302
    assert fresh(request.milestone).planned_on == LATER
    for who in (city.lead, city.funder):
        client.sign_in(who)
        assert "Frist endet heute" in client.get(address(request.milestone)).text


def test_no_wish_reaches_a_funder_before_it_is_a_fact(client: Client, city: City) -> None:
    milestone = promised(city.measure)
    returned = wish(milestone, city.lead, date(2024, 1, 17), "GEHEIM-1")
    service.decide_move(actor(city.head), returned, Decision.RETURNED, reason="GEHEIM-2", now=NOON)
    request = wish(milestone, city.lead, date(2024, 2, 18), "GEHEIM-3")
    pages = (address(milestone), f"/measures/{city.measure.id}", "/measures", "/")
    client.sign_in(city.lead)
    assert "GEHEIM-1" in client.get(pages[0]).text
    assert "18.02.2024" in client.get(pages[1]).text
    client.sign_in(city.funder)
    for page in pages:
        text = client.get(page).text
        for hidden in ("GEHEIM", "17.01.2024", "18.02.2024", "erschiebung"):
            assert hidden not in text, (page, hidden)
    service.decide_move(actor(city.head), request, Decision.APPROVED, now=NOON)
    db.session.commit()
    page = client.get(pages[0]).text
    assert "Von 31.03.2023 auf 18.02.2024" in page
    assert "Leitung Digitalisierung" not in page
