"""The list of measures and the fact sheet."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from app.calendars.partial_dates import PartialDate
from app.core.localized import Localized
from app.grants.models import Grant, Obligation
from app.measures.models import Activity, MeasureEvent
from tests.conftest import Client
from tests.factories import City, add, add_measure, add_milestone, add_programme


def test_unknown_facts_say_so_and_are_never_empty_or_zero(client: Client, city: City) -> None:
    measure = add_measure(city.programme, title=None, number=4, status=None)
    client.sign_in(city.coordinator)
    page = client.get(f"/measures/{measure.id}").text
    assert "Maßnahme 4: Angaben folgen" in page
    assert page.count("nicht veröffentlicht") >= 6
    assert "0,00" not in page
    assert "Maßnahme 4: Angaben folgen" in client.get("/measures").text


def test_published_events_stay_hidden_until_the_clock_reaches_them(client: Client, city: City) -> None:
    for happened, title in (
        ("2022-11-24", "Informationsabend"),
        ("2023-22", "Zweiter Stern"),
        ("2023-03-16", "Morgen"),
    ):
        parsed = PartialDate.parse(happened)
        add(
            MeasureEvent(
                measure=city.measure,
                happened=parsed,
                sort_on=parsed.last_day(),
                kind="event",
                title=Localized(title),
                sort_title=title,
            )
        )
    client.sign_in(city.lead)
    page = client.get(f"/measures/{city.measure.id}").text
    assert "Informationsabend" in page
    assert "Zweiter Stern" not in page
    assert "Morgen" not in page


def test_why_not_names_what_is_missing(client: Client, city: City) -> None:
    add_milestone(city.measure, date(2023, 6, 30))
    client.sign_in(city.lead)
    page = client.get(f"/measures/{city.measure.id}").text
    assert "Warum nicht „Umsetzung abschließen“?" in page
    assert "1 von 1 Meilensteinen ist nicht freigegeben" in page
    assert "Begründung fehlt" in page
    assert "dafür ist eine andere Rolle nötig: Bereichsleitung" in page
    assert f"/measures/{city.measure.id}/status/finish" not in page


def test_money_duties_and_foreign_money_are_shown(client: Client, city: City) -> None:
    city.measure.total_cost = Decimal("3803404.18")
    grant = add(Grant(programme=city.programme, key="g", title=Localized("Zuwendung Bus"), measures=[city.measure]))
    add(Obligation(grant=grant, key="p", kind="proof_of_use", title=Localized("Nachweis"), due_on=date(2023, 12, 31)))
    add(Obligation(grant=grant, key="r", kind="keep_receipts", title=Localized("Belege")))
    add(
        Activity(
            programme_id=city.programme.id,
            measure=city.measure,
            key="lotsen",
            title=Localized("Digital-Lotsen"),
            other_fund=Localized("Innovationsfonds 2023"),
        )
    )
    client.sign_in(city.auditor)
    page = client.get(f"/measures/{city.measure.id}").text.replace("\xa0", " ")
    assert "3.803.404,18 €" in page
    assert "fällig am 31.12.2023" in page
    assert "Datum fehlt" in page
    assert "Innovationsfonds 2023" in page


def test_a_funder_sees_no_log_and_no_buttons(client: Client, city: City) -> None:
    client.sign_in(city.funder)
    page = client.get(f"/measures/{city.measure.id}").text
    assert "Protokoll" not in page
    assert "Sachstand melden" not in page
    assert "Warum nicht" not in page


def test_a_funder_finds_the_measures_of_its_own_programmes_only(client: Client, city: City) -> None:
    other = add_measure(add_programme(), title=Localized("Fremde Maßnahme"))
    client.sign_in(city.funder)
    page = client.get("/measures").text
    assert str(city.measure.id) in page
    assert "Fremde Maßnahme" not in page
    assert client.get(f"/measures/{other.id}").status_code == 404


def test_the_list_can_be_narrowed_to_a_programme_and_ignores_strange_ones(client: Client, city: City) -> None:
    other = add_measure(add_programme(), title=Localized("Andere Maßnahme"))
    client.sign_in(city.coordinator)
    assert str(other.id) not in client.get(f"/measures?programme={city.programme.key}").text
    assert str(other.id) in client.get("/measures?programme=%22%3E%3Cscript%3E").text


@pytest.mark.parametrize("page", ["/measures", "/"])
def test_the_number_of_queries_does_not_grow_with_the_measures(
    client: Client, city: City, count_queries: Callable[[], Any], page: str
) -> None:
    client.sign_in(city.coordinator)

    def queries() -> int:
        with count_queries() as seen:
            assert client.get(page).status_code == 200
        return len(seen)

    few = queries()
    for number in range(12):
        measure = add_measure(
            add_programme(city.funder_organisation) if number % 4 == 0 else city.programme, unit=city.unit
        )
        add_milestone(measure, date(2023, 4, 1))
    assert queries() <= few + 1
