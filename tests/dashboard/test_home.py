"""The start page offers each person what is theirs to do."""

from __future__ import annotations

import re
from datetime import date

import pytest

from app.milestones.models import Approval
from tests.conftest import Client
from tests.factories import NOON, City, add, add_milestone
from tests.mail.conftest import add_mail


@pytest.mark.parametrize(
    ("who", "shown", "hidden"),
    [
        ("administrator", {"Personen", "Betrieb", "Postausgang", "Protokoll"}, set()),
        ("coordinator", {"Betrieb", "Postausgang", "Protokoll", "Erinnerungen"}, {"Personen"}),
        ("lead", {"Maßnahmen", "Erinnerungen"}, {"Personen", "Betrieb", "Postausgang", "Protokoll"}),
        ("head", {"Maßnahmen"}, {"Personen", "Betrieb", "Postausgang"}),
        ("funder", {"Maßnahmen", "Digests"}, {"Personen", "Betrieb", "Postausgang", "Protokoll", "Erinnerungen"}),
        ("auditor", {"Protokoll", "Postausgang"}, {"Personen", "Betrieb"}),
    ],
)
def test_the_navigation_of_each_role(client: Client, city: City, who: str, shown: set[str], hidden: set[str]) -> None:
    client.sign_in(getattr(city, who))
    page = client.get("/").text
    navigation = page.split('aria-label="Hauptmenü"')[1].split("</nav>")[0]
    assert {word for word in shown if word not in navigation} == set()
    assert {word for word in hidden if word in navigation} == set()


@pytest.mark.parametrize("page", ["/operations", "/outbox", "/outbox/{mail}", "/log"])
def test_the_navigation_says_on_which_page_of_the_operation_one_is(client: Client, city: City, page: str) -> None:
    client.sign_in(city.administrator)
    text = client.get(page.format(mail=add_mail().id)).text
    navigation = text.split('aria-label="Hauptmenü"')[1].split("</nav>")[0]
    (current,) = re.findall(r'href="([^"]+)"[^>]*aria-current="page"', navigation)
    assert current == page.removesuffix("/{mail}")


def test_a_head_finds_what_waits_for_a_decision_and_nobody_elses(client: Client, city: City) -> None:
    milestone = add_milestone(city.measure, date(2023, 4, 1))
    add(
        Approval(
            milestone=milestone,
            submitted_by=city.lead,
            submitted_at=NOON,
            actual_on=date(2023, 3, 1),
            statement="Erreicht",
        )
    )
    client.sign_in(city.head)
    assert "Wartet auf Ihre Entscheidung" in client.get("/").text
    client.sign_in(city.other_head)
    assert "Wartet auf Ihre Entscheidung" not in client.get("/").text


def test_a_lead_finds_their_measures_and_deadlines_with_a_link_to_the_form(client: Client, city: City) -> None:
    milestone = add_milestone(city.measure, date(2023, 3, 1))
    client.sign_in(city.lead)
    page = client.get("/").text
    assert "Meine Maßnahmen" in page
    assert "überfällig" in page
    assert f"/milestones/{milestone.id}" in page


def test_an_empty_start_page_says_what_to_do(client: Client, city: City) -> None:
    client.sign_in(city.other_lead)
    assert client.get("/").status_code == 200
