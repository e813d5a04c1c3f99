"""The pages that change a measure."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest

from app.calendars.partial_dates import PartialDate
from app.core.database import db
from app.core.localized import Localized
from app.measures.models import Measure
from app.programmes.models import FocusArea
from tests.conftest import Client
from tests.factories import City, add, add_measure, add_milestone, add_programme
from tests.measures.arrange import follow


def form(measure: Measure, **values: str) -> dict[str, str]:
    return {"version": str(measure.version), **values}


def test_a_lead_takes_a_step_and_lands_on_the_measure(client: Client, city: City) -> None:
    client.sign_in(city.lead)
    address = f"/measures/{city.measure.id}/status/finish"
    assert "Umsetzung abschließen" in client.get(address).text
    answer = client.post(address, data=form(city.measure, note="Erreicht", record_result="Strecke eröffnet"))
    assert (answer.status_code, answer.location) == (302, f"/measures/{city.measure.id}")
    page = client.get(answer.location).text
    assert "Der Status ist jetzt „Umgesetzt“." in page
    assert "Strecke eröffnet" in page


def test_what_is_missing_stands_beside_its_field_and_what_was_typed_stays(client: Client, city: City) -> None:
    client.sign_in(city.lead)
    answer = client.post(
        f"/measures/{city.measure.id}/status/finish",
        data=form(city.measure, note="", record_result="Eine <b>Strecke</b>"),
    )
    assert answer.status_code == 422
    assert "Begründung fehlt" in answer.text
    assert "Eine &lt;b&gt;Strecke&lt;/b&gt;" in answer.text


def test_a_wrong_day_is_said_in_words_and_kept(client: Client, city: City) -> None:
    client.sign_in(city.head)
    answer = client.post(
        f"/measures/{city.measure.id}/status/pause",
        data=form(city.measure, note="Warten", record_look_again_on="31.02.2023"),
    )
    assert answer.status_code == 422
    assert "„31.02.2023“ ist kein Datum." in answer.text
    assert 'value="31.02.2023"' in answer.text


def test_whoever_comes_second_gets_409_and_keeps_what_they_typed(client: Client, city: City) -> None:
    client.sign_in(city.head)
    address = f"/measures/{city.measure.id}/status/stop"
    stale = form(city.measure, note="Mein langer Grund")
    client.post(
        f"/measures/{city.measure.id}/status/pause",
        data=form(city.measure, note="x", record_look_again_on="2023-05-01"),
    )
    answer = client.post(address, data=stale)
    assert answer.status_code == 409
    assert "Mein langer Grund" in answer.text


def test_the_form_itself_answers_409_when_only_the_version_is_old(client: Client, city: City) -> None:
    client.sign_in(city.coordinator)
    address = f"/measures/{city.measure.id}/assignment"
    stale = form(city.measure, lead=str(city.other_lead.id), unit="")
    client.post(address, data=form(city.measure, lead="", unit=str(city.unit.id)))
    answer = client.post(address, data=stale)
    assert answer.status_code == 409
    assert f'selected value="{city.other_lead.id}"' in answer.text
    db.session.refresh(city.measure)
    again = client.post(address, data=form(city.measure, lead=str(city.other_lead.id), unit=""))
    assert again.status_code == 302


@pytest.mark.parametrize(
    ("who", "status"),
    [("lead", 200), ("head", 200), ("coordinator", 200), ("other_head", 200), ("auditor", 200), ("funder", 403)],
)
def test_a_step_is_taken_by_its_role_and_the_others_read_why_they_cannot(
    client: Client, city: City, who: str, status: int
) -> None:
    client.sign_in(getattr(city, who))
    address = f"/measures/{city.measure.id}/status/stop"
    page = client.get(address)
    assert page.status_code == status
    assert ("<textarea" in page.text) == (who == "head")
    if who == "head":
        return
    answer = client.post(address, data=form(city.measure, note="Kein Geld"))
    assert answer.status_code == 403
    if who != "funder":
        assert "bei dieser Maßnahme kann das nur: Bereichsleitung" in answer.text
        assert "Kein Geld" in answer.text
        assert "Begründung fehlt" not in answer.text
    db.session.refresh(city.measure)
    assert city.measure.status == "running"


def test_a_refused_form_names_what_the_form_can_give_and_what_it_cannot(client: Client, city: City) -> None:
    follow(city.measure, transitions=[{"key": "finish", "guards": [{"guard": name} for name in FINISH]}])
    add_milestone(city.measure, date(2023, 6, 30))
    client.sign_in(city.lead)
    answer = client.post(
        f"/measures/{city.measure.id}/status/finish",
        data=form(city.measure, note="", record_result="Eine Strecke"),
    )
    assert answer.status_code == 422
    for sentence in ("1 von 1 Meilensteinen ist nicht freigegeben", "Begründung fehlt", "Nachweis fehlt"):
        assert sentence in answer.text
    assert "Angabe „Ergebnis“ fehlt" not in answer.text
    assert "Eine Strecke" in answer.text


FINISH = ("milestones_approved", "note_given", "evidence_attached")


def test_files_survive_a_mistake_and_are_found_with_the_step_afterwards(client: Client, city: City) -> None:
    guards = [{"guard": "note_given"}, {"guard": "evidence_attached"}]
    follow(city.measure, transitions=[{"key": "stop", "guards": guards}])
    client.sign_in(city.head)
    address = f"/measures/{city.measure.id}/status/stop"
    files = [(BytesIO(b"Beschluss 17"), "beschluss.txt"), (BytesIO(b"MZ"), "virus.exe")]
    first = client.post(address, data={**form(city.measure, note=""), "files": files})
    assert first.status_code == 422
    assert "virus.exe" in first.text
    assert "Nachweis fehlt" not in first.text
    [receipt] = re.findall(r'name="receipts" value="([^"]+)"', first.text)
    second = client.post(address, data=form(city.measure, note="Kein Geld", receipts=receipt))
    assert second.status_code == 302
    page = client.get(second.location).text
    [link] = re.findall(rf'href="(/measures/{city.measure.id}/evidence/[^"]+)"', page)
    for who, status in (("auditor", 200), ("other_lead", 200), ("funder", 404)):
        client.sign_in(getattr(city, who))
        answer = client.get(link)
        assert answer.status_code == status
        if status == 200:
            assert answer.data == b"Beschluss 17"
            assert "attachment" in answer.headers["Content-Disposition"]
            answer.close()
        else:
            assert "beschluss.txt" not in client.get(f"/measures/{city.measure.id}").text
    client.sign_in(city.auditor)
    other = add_measure(city.programme)
    assert client.get(link.replace(str(city.measure.id), str(other.id))).status_code == 404


def test_the_emergency_is_offered_only_where_the_programme_allows_it(client: Client, city: City) -> None:
    follow(city.measure, transitions=[{"key": "stop", "four_eyes": True}])
    city.measure.edited_by_id = city.head.id
    client.sign_in(city.head)
    address = f"/measures/{city.measure.id}/status/stop"
    data = form(city.measure, note="Kein Geld", override_reason="Frist heute")
    assert "override_reason" not in client.get(address).text
    assert client.post(address, data=data).status_code == 403
    city.programme.emergency_override = True
    assert "Begründung des Notfalls" in client.get(address).text
    data["version"] = str(city.measure.version)
    assert client.post(address, data=data | {"override_reason": " "}).status_code == 422
    answer = client.post(address, data=data)
    assert answer.status_code == 302
    assert "Frist heute" in client.get(answer.location).text


@pytest.mark.parametrize("note", ["x" * 10_000, "\x00"])
def test_a_strange_note_is_refused_in_words_and_kept(client: Client, city: City, note: str) -> None:
    client.sign_in(city.head)
    answer = client.post(f"/measures/{city.measure.id}/status/stop", data=form(city.measure, note=note))
    assert answer.status_code == 422
    assert note.replace("\x00", "") in answer.text


# -- details


def details(measure: Measure, **values: Any) -> dict[str, Any]:
    assert measure.title
    return {**form(measure), "title": measure.title.de, **values}


def test_details_are_changed_and_seen_on_the_measure(client: Client, city: City) -> None:
    other = add_measure(city.programme, title=Localized("Vorher"))
    area = add(FocusArea(programme_id=city.programme.id, key="a", name=Localized("Verkehr")))
    client.sign_in(city.lead)
    address = f"/measures/{city.measure.id}/edit"
    assert f'href="{address}"' in client.get(f"/measures/{city.measure.id}").text
    assert client.get(address).status_code == 200
    data = details(
        city.measure,
        title="Busse",
        summary="Kurz",
        partners="Stadtwerke\n\n Verein ",
        starts="Sommer 2023",
        ends="12.2024",
        total_cost="1.234,50",
        grant_amount="1000",
        focus_area=str(area.id),
        predecessors=[str(other.id)],
        record_result="Etwas",
        record_look_again_on="15.05.2023",
    )
    answer = client.post(address, data=data)
    assert answer.status_code == 302
    page = client.get(answer.location).text.replace("\xa0", " ")
    for shown in (
        "Die Angaben sind gespeichert.",
        "Busse",
        "Stadtwerke",
        "Sommer 2023",
        "Dezember 2024",
        "1.234,50 €",
        "1.000,00 €",
        "Verkehr",
        "15.05.2023",
        f'href="/measures/{other.id}"',
    ):
        assert shown in page, shown
    assert "Darauf warten" in client.get(f"/measures/{other.id}").text
    form_again = client.get(address).text
    for kept in ('value="Sommer 2023"', 'value="12.2024"', 'value="1.234,50"', "Stadtwerke\nVerein", "checked"):
        assert kept in form_again.replace("\r", ""), kept


@pytest.mark.parametrize(
    ("field", "typed", "message"),
    [
        ("title", "x" * 10_000, "höchstens 200 Zeichen"),
        ("title", " ", "Bitte geben Sie einen Titel an."),
        ("title", "\x00", "Bitte geben Sie einen Titel an."),
        ("summary", "x" * 10_000, "höchstens 5000 Zeichen"),
        ("starts", "31.02.2023", "„31.02.2023“ ist kein Datum."),
        ("starts", "\x00", "ist kein Datum."),
        ("starts", "9" * 10_000, "ist kein Datum."),
        ("ends", "1999", "Das Ende liegt vor dem Beginn."),
        ("total_cost", "-5", "Schreiben Sie einen Betrag wie 1.234,56."),
        ("total_cost", "12.5", "Schreiben Sie einen Betrag wie 1.234,56."),
        ("partners", "x" * 10_000, "jede Zeile auf höchstens 200 Zeichen"),
        ("partners", "\n".join(map(str, range(60))), "höchstens 50 Zeilen"),
        ("focus_area", "00000000-0000-0000-0000-000000000000", "focus_area-error"),
        ("predecessors", "00000000-0000-0000-0000-000000000000", "predecessors-error"),
        ("record_look_again_on", "bald", "„bald“ ist kein Datum."),
        ("record_result", "x" * 10_000, "höchstens 5000 Zeichen"),
    ],
)
def test_what_cannot_be_meant_is_said_beside_its_field_and_everything_typed_stays(
    client: Client, city: City, field: str, typed: str, message: str
) -> None:
    city.measure.starts = PartialDate(2023)
    add_measure(city.programme)
    client.sign_in(city.coordinator)
    data = details(city.measure, field="Mein Handlungsfeld", starts="2023") | {field: typed}
    answer = client.post(f"/measures/{city.measure.id}/edit", data=data)
    assert answer.status_code == 422
    assert message in answer.text
    assert "Mein Handlungsfeld" in answer.text
    db.session.refresh(city.measure)
    assert city.measure.field is None


def test_the_measure_itself_and_a_circle_are_no_predecessors(client: Client, city: City) -> None:
    other = add_measure(city.programme, predecessors=[city.measure])
    client.sign_in(city.lead)
    address = f"/measures/{city.measure.id}/edit"
    assert f'value="{city.measure.id}"' not in client.get(address).text
    answer = client.post(address, data=details(city.measure, predecessors=[str(other.id)]))
    assert answer.status_code == 422
    assert "Das ergäbe einen Kreis" in answer.text


def test_field_rules_decide_what_the_form_has_and_smuggling_changes_nothing(client: Client, city: City) -> None:
    follow(
        city.measure,
        rules=[
            {"field": "total_cost", "rule": "hidden", "roles": ["project_lead"]},
            {"field": "grant_amount", "rule": "read_only", "roles": ["project_lead"]},
            {"field": "result", "rule": "hidden"},
            {"field": "summary", "rule": "required"},
        ],
    )
    city.measure.total_cost, city.measure.grant_amount = Decimal(4711), Decimal(815)
    city.measure.record = {"result": "Geheim"}
    client.sign_in(city.lead)
    address = f"/measures/{city.measure.id}/edit"
    page = client.get(address).text
    assert "4.711,00" not in page
    assert "Geheim" not in page
    assert "815,00" in page
    assert 'name="grant_amount"' not in page
    assert client.post(address, data=details(city.measure, summary="")).status_code == 422
    smuggled = {"total_cost": "1", "grant_amount": "2", "record_result": "3"}
    assert client.post(address, data=details(city.measure, summary="Da", **smuggled)).status_code == 302
    db.session.refresh(city.measure)
    assert (city.measure.total_cost, city.measure.grant_amount) == (Decimal(4711), Decimal(815))
    assert city.measure.record == {"result": "Geheim"}
    client.sign_in(city.coordinator)
    assert 'value="4.711,00"' in client.get(address).text


def test_the_page_of_responsibility_obeys_the_same_rules(client: Client, city: City) -> None:
    rules = [{"field": "lead", "rule": "read_only"}, {"field": "unit", "rule": "required"}]
    follow(city.measure, rules=rules)
    client.sign_in(city.coordinator)
    address = f"/measures/{city.measure.id}/assignment"
    page = client.get(address).text
    assert 'name="lead"' not in page
    assert "Projektleitung" in page
    answer = client.post(address, data=form(city.measure, unit="", lead=""))
    assert answer.status_code == 422
    assert "Angabe „Verantwortliche Stelle“ fehlt" in answer.text
    data = form(city.measure, unit=str(city.other_unit.id), lead=str(city.other_lead.id))
    assert client.post(address, data=data).status_code == 302
    db.session.refresh(city.measure)
    assert (city.measure.lead_id, city.measure.unit_id) == (city.lead.id, city.other_unit.id)


def test_whoever_edits_second_gets_409_with_both_versions(client: Client, city: City) -> None:
    client.sign_in(city.lead)
    address = f"/measures/{city.measure.id}/edit"
    stale = details(city.measure, summary="Meine lange Fassung")
    assert client.post(address, data=details(city.measure, summary="Die erste")).status_code == 302
    answer = client.post(address, data=stale)
    assert answer.status_code == 409
    assert "Meine lange Fassung" in answer.text
    assert "Die erste" in answer.text
    db.session.refresh(city.measure)
    assert client.post(address, data=stale | form(city.measure)).status_code == 302


@pytest.mark.parametrize(("who", "status"), [("head", 403), ("other_lead", 403), ("auditor", 403), ("funder", 403)])
def test_details_are_not_for_everybody(client: Client, city: City, who: str, status: int) -> None:
    client.sign_in(getattr(city, who))
    assert client.get(f"/measures/{city.measure.id}/edit").status_code == status
    assert "Angaben ändern" not in client.get(f"/measures/{city.measure.id}").text


def test_a_measure_of_another_funder_does_not_exist(client: Client, city: City) -> None:
    other = add_measure(add_programme())
    client.sign_in(city.funder)
    assert client.get(f"/measures/{other.id}").status_code == 404
    assert client.get(f"/measures/{city.measure.id}").status_code == 200


def test_an_unknown_status_can_be_recorded_from_the_page(client: Client, city: City) -> None:
    measure = add_measure(city.programme, status=None)
    client.sign_in(city.coordinator)
    assert "Ausgangsstatus erfassen" in client.get(f"/measures/{measure.id}").text
    answer = client.post(f"/measures/{measure.id}/status", data=form(measure, status="", note=""))
    assert answer.status_code == 422
    answer = client.post(f"/measures/{measure.id}/status", data=form(measure, status="paused", note="Mail vom 1.3."))
    assert answer.status_code == 302
    db.session.refresh(measure)
    assert measure.status == "paused"


def test_what_a_recorded_status_requires_is_asked_for_beside_it(client: Client, city: City) -> None:
    measure = add_measure(city.programme, status=None)
    follow(measure, rules=[{"field": "summary", "rule": "required"}])
    client.sign_in(city.coordinator)
    answer = client.post(f"/measures/{measure.id}/status", data=form(measure, status="running", note="Mail vom 1.3."))
    assert answer.status_code == 422
    beside = answer.text[answer.text.index("<form", answer.text.index("<main")) : answer.text.index('name="note"')]
    assert "verlangt Angaben, die noch fehlen: Kurzbeschreibung." in beside
    assert 'selected value="running"' in beside
    assert "Mail vom 1.3." in answer.text
