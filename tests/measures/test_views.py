"""The pages that change a measure."""

from __future__ import annotations

import pytest

from app.core.database import db
from app.measures.models import Measure
from tests.conftest import Client
from tests.factories import City, add_measure, add_programme


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
    [("lead", 403), ("head", 200), ("coordinator", 403), ("other_head", 403), ("funder", 403), ("auditor", 403)],
)
def test_a_step_is_shown_to_its_role_only(client: Client, city: City, who: str, status: int) -> None:
    client.sign_in(getattr(city, who))
    assert client.get(f"/measures/{city.measure.id}/status/stop").status_code == status


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
