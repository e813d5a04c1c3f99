"""The pages on who is away and who stands in."""

from __future__ import annotations

from datetime import date
from uuid import uuid4

import pytest
from sqlalchemy import select

from app.core.database import db
from app.organisations import service
from app.organisations.models import Absence, Membership
from app.organisations.permissions import Role
from tests.conftest import Client
from tests.factories import City, add_account
from tests.organisations.arrange import away

FIRST, LAST = date(2023, 4, 3), date(2023, 4, 14)


def typed(city: City, **values: str) -> dict[str, str]:
    known = {"from_on": "03.04.2023", "until_on": "2023-04-14", "deputy": str(city.other_lead.id), "reach": "both"}
    return known | values


def new(account_id: object) -> str:
    return f"/people/{account_id}/absences/new"


def test_a_person_enters_their_own_absence_and_finds_it_in_the_list(client: Client, city: City) -> None:
    client.sign_in(city.lead)
    answer = client.post(new(city.lead.id), data=typed(city, reach="only"))
    assert (answer.status_code, answer.location) == (302, "/absences")
    absence = db.session.scalar(select(Absence))
    assert absence
    assert (absence.account_id, absence.deputy_only, absence.entered_by_id) == (city.lead.id, True, city.lead.id)
    page = client.get("/absences").text
    assert "vom 03.04.2023 bis 14.04.2023" in page
    assert "Andere Projektleitung" in page
    assert "Andere Personen" not in page


@pytest.mark.parametrize("who", ["head", "coordinator", "administrator"])
def test_others_choose_the_person_and_enter_for_them(client: Client, city: City, who: str) -> None:
    client.sign_in(getattr(city, who))
    assert f'<option value="{city.lead.id}">' in client.get("/absences").text
    answer = client.get(f"/absences?person={city.lead.id}")
    assert answer.location == f"/people/{city.lead.id}/absences"
    assert "die Person und die Vertretung" in client.get(new(city.lead.id)).text
    answer = client.post(new(city.lead.id), data=typed(city))
    assert (answer.status_code, answer.location) == (302, f"/people/{city.lead.id}/absences")
    assert "vom 03.04.2023 bis 14.04.2023" in client.get("/absences").text


@pytest.mark.parametrize(
    ("who", "status"), [("other_lead", 403), ("other_head", 403), ("auditor", 403), ("funder", 404)]
)
def test_nobody_else_gets_to_the_pages_of_a_person(client: Client, city: City, who: str, status: int) -> None:
    absence = away(city.lead, FIRST, LAST, city.head)
    client.sign_in(getattr(city, who))
    for page in (f"/people/{city.lead.id}/absences", new(city.lead.id), f"/people/{city.lead.id}/deputy"):
        assert client.get(page).status_code == status
        if page != f"/people/{city.lead.id}/absences":
            assert client.post(page, data=typed(city)).status_code == status
    assert client.get(f"/absences/{absence.id}/edit").status_code == 404
    assert client.post(f"/absences/{absence.id}/edit", data=typed(city)).status_code == 404
    assert client.post(f"/absences/{absence.id}/end").status_code == 404
    assert client.get("/absences").status_code == (403 if who == "funder" else 200)
    assert "vom 03.04.2023" not in client.get("/absences").text


def test_the_deputy_sees_the_absence_and_cannot_change_it(client: Client, city: City) -> None:
    absence = away(city.lead, date(2023, 3, 13), LAST, city.other_lead)
    client.sign_in(city.other_lead)
    page = client.get("/absences").text
    assert "Heute vertreten Sie Projektleitung, bis einschließlich 14.04.2023." in page
    assert f"/absences/{absence.id}/edit" not in page
    assert client.get(f"/absences/{absence.id}/edit").status_code == 403
    assert client.post(f"/absences/{absence.id}/end").status_code == 403


def test_whoever_stands_in_by_a_chain_is_told(client: Client, city: City) -> None:
    away(city.head, date(2023, 3, 13), LAST, city.other_head, only=True)
    away(city.other_head, date(2023, 3, 13), LAST, city.other_lead, only=True)
    client.sign_in(city.other_lead)
    assert "Heute vertreten Sie auch Leitung Digitalisierung, weil" in client.get("/absences").text


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"from_on": ""}, "Bitte geben Sie den ersten Tag an."),
        ({"until_on": " "}, "Bitte geben Sie den letzten Tag an."),
        ({"from_on": "31.02.2023"}, "„31.02.2023“ ist kein Datum."),
        ({"until_on": "\x00" * 3 + "x" * 10_000}, "ist kein Datum."),
        ({"until_on": "2023-04-02"}, "Der letzte Tag liegt vor dem ersten."),
        ({"from_on": "2023-03-14"}, "Eine Abwesenheit beginnt heute oder später"),
        ({"until_on": "2024-04-03"}, "höchstens 366 Tage"),
        ({"deputy": ""}, "Bitte wählen Sie, wer vertritt."),
        ({"reach": "x"}, "Not a valid choice"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(
    client: Client, city: City, values: dict[str, str], message: str
) -> None:
    client.sign_in(city.lead)
    answer = client.post(new(city.lead.id), data=typed(city) | values)
    assert answer.status_code == 422
    if values.get("reach") != "x":
        assert message in answer.text
    if "deputy" not in values:
        assert f'selected value="{city.other_lead.id}"' in answer.text
    if "from_on" not in values:
        assert 'value="03.04.2023"' in answer.text
    assert db.session.scalar(select(Absence)) is None


@pytest.mark.parametrize("deputy", ["x" * 10_000, "\x00", "king"])
def test_a_strange_deputy_is_a_wrong_choice(client: Client, city: City, deputy: str) -> None:
    client.sign_in(city.lead)
    assert client.post(new(city.lead.id), data=typed(city, deputy=deputy)).status_code == 422
    assert client.post(f"/people/{city.lead.id}/deputy", data={"deputy": deputy}).status_code in (302, 422)
    assert city.lead.deputy_id is None


def test_a_role_of_a_nul_byte_is_a_wrong_choice(client: Client, city: City) -> None:
    client.sign_in(city.administrator)
    assert client.post(f"/people/{city.lead.id}/roles", data={"role": "\x00"}).status_code == 422


@pytest.mark.parametrize("who", ["lead", "funder", "auditor"])
def test_oneself_a_funder_and_an_auditor_are_no_choice(client: Client, city: City, who: str) -> None:
    client.sign_in(city.lead)
    stranger = getattr(city, who).id
    assert str(stranger) not in client.get(new(city.lead.id)).text.split('name="deputy"')[1]
    for page in (new(city.lead.id), f"/people/{city.lead.id}/deputy"):
        assert client.post(page, data=typed(city, deputy=str(stranger))).status_code == 422


def test_people_of_the_same_name_are_told_apart(client: Client, city: City) -> None:
    twins = [add_account("Anna Weber", Role.PROJECT_LEAD) for _ in range(2)]
    client.sign_in(city.lead)
    page = client.get(new(city.lead.id)).text
    assert all(f"Anna Weber ({twin.email})" in page for twin in twins)
    assert "Andere Projektleitung (" not in page


@pytest.mark.parametrize("person", ["x", "\x00", "0" * 10_000])
def test_a_strange_person_is_not_found(client: Client, city: City, person: str) -> None:
    client.sign_in(city.coordinator)
    assert client.get("/absences", query_string={"person": person}).status_code == 404
    assert client.get("/absences", query_string={"person": "", "page": person}).status_code == 200


def test_a_person_without_access_is_not_found(client: Client, city: City) -> None:
    client.sign_in(city.coordinator)
    city.auditor.active = False
    for account_id in (city.auditor.id, city.funder.id, uuid4()):
        assert client.get(f"/people/{account_id}/absences").status_code == 404
        assert client.post(new(account_id), data=typed(city)).status_code == 404


def test_the_standing_deputy_is_proposed_and_shown(client: Client, city: City) -> None:
    client.sign_in(city.lead)
    answer = client.post(f"/people/{city.lead.id}/deputy", data={"deputy": str(city.head.id)})
    assert answer.location == "/absences"
    assert "<strong>Leitung Digitalisierung</strong>" in client.get("/absences").text
    assert f'selected value="{city.head.id}"' in client.get(new(city.lead.id)).text
    client.sign_in(city.administrator)
    people = client.get("/people").text
    assert "ständig: Leitung Digitalisierung" in people
    assert "vertritt: Projektleitung (ständig)" in " ".join(people.split())
    client.post(f"/people/{city.lead.id}/deputy", data={"deputy": ""})
    db.session.refresh(city.lead)
    assert city.lead.deputy_id is None


def test_an_absence_is_changed_and_ended_on_its_page(client: Client, city: City) -> None:
    absence = away(city.lead, date(2023, 3, 13), LAST, city.head)
    seen = service.state_of(absence)
    client.sign_in(city.lead)
    page = client.get(f"/absences/{absence.id}/edit").text
    assert f'value="{seen}"' in page
    answer = client.post(
        f"/absences/{absence.id}/edit", data=typed(city, from_on="2023-03-13", until_on="2023-03-20", seen=seen)
    )
    assert (answer.status_code, answer.location) == (302, "/absences")
    assert "Ich bin wieder da" in client.get("/absences").text
    assert client.post(f"/absences/{absence.id}/end").location == "/absences"
    db.session.refresh(absence)
    assert (absence.until_on, absence.deputy_id) == (date(2023, 3, 14), city.other_lead.id)
    assert client.post(f"/absences/{absence.id}/end").status_code == 409
    assert client.get(f"/absences/{absence.id}/edit").status_code == 409


def test_whoever_saves_second_sees_what_is_stored_and_keeps_what_they_typed(client: Client, city: City) -> None:
    absence = away(city.lead, FIRST, LAST, city.head)
    seen = service.state_of(absence)
    absence.until_on = date(2023, 4, 12)
    client.sign_in(city.lead)
    values = typed(city, until_on="2023-04-21", seen=seen)
    answer = client.post(f"/absences/{absence.id}/edit", data=values)
    assert answer.status_code == 409
    assert "12.04.2023" in answer.text
    assert 'value="2023-04-21"' in answer.text
    db.session.refresh(absence)
    assert absence.until_on == date(2023, 4, 12)
    answer = client.post(f"/absences/{absence.id}/edit", data=values | {"seen": service.state_of(absence)})
    assert answer.status_code == 302


def test_an_absence_that_has_not_begun_is_deleted(client: Client, city: City) -> None:
    ending = f"/absences/{away(city.lead, FIRST, LAST, city.head).id}/end"
    client.sign_in(city.head)
    assert client.post(ending).location == f"/people/{city.lead.id}/absences"
    assert db.session.scalar(select(Absence)) is None
    assert client.post(ending).status_code == 404


def test_after_saving_it_is_told_where_deputies_are_missing_too(client: Client, city: City) -> None:
    away(city.other_lead, LAST, LAST, city.coordinator)
    away(city.head, FIRST, FIRST, city.lead)
    client.sign_in(city.lead)
    answer = client.post(new(city.lead.id), data=typed(city), follow_redirects=True)
    assert "Andere Projektleitung ist am 14.04.2023 selbst abwesend; dann vertritt auch Koordination." in answer.text
    assert (
        "Projektleitung vertritt am 03.04.2023 Leitung Digitalisierung; fehlt die Vertretung, übernimmt auch das "
        "Andere Projektleitung."
    ) in answer.text


# -- closing an account, taking a role


def test_closing_the_account_of_a_deputy_says_who_relies_on_them(client: Client, city: City) -> None:
    away(city.lead, FIRST, LAST, city.other_lead)
    city.head.deputy = city.other_lead
    client.sign_in(city.administrator)
    answer = client.post(f"/people/{city.other_lead.id}/access", follow_redirects=True)
    warning = (
        "Andere Projektleitung ist noch als Vertretung eingetragen: Projektleitung (vom 03.04.2023 bis 14.04.2023), "
        "Leitung Digitalisierung (ständig). Bitte tragen Sie dort jemand anderes ein."
    )
    assert warning in answer.text
    assert "(gesperrt)" in answer.text
    assert warning not in client.post(f"/people/{city.other_lead.id}/access", follow_redirects=True).text


def test_taking_the_last_role_of_a_deputy_says_who_relies_on_them(client: Client, city: City) -> None:
    away(city.lead, FIRST, LAST, city.other_lead)
    client.sign_in(city.administrator)
    client.post(f"/people/{city.other_lead.id}/roles", data={"role": "coordinator"})
    warning = "ist noch als Vertretung eingetragen"
    for told in (False, True):
        membership = db.session.scalars(select(Membership).where(Membership.account_id == city.other_lead.id)).first()
        assert membership
        answer = client.post(f"/people/roles/{membership.id}/removal", follow_redirects=True)
        assert (warning in answer.text) is told


def test_the_navigation_marks_one_place(client: Client, city: City) -> None:
    client.sign_in(city.administrator)
    for page, label in (("/absences", "Abwesenheit"), ("/people", "Personen"), ("/people/new", "Personen")):
        current = [part.split("<")[0] for part in client.get(page).text.split('aria-current="page">')[1:]]
        assert [part.strip() for part in current if part.strip() in ("Abwesenheit", "Personen")] == [label]
    client.sign_in(city.funder)
    assert 'href="/absences"' not in client.get("/").text
