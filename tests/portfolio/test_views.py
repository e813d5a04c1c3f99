"""The list of measures and the fact sheet."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from app.calendars.partial_dates import PartialDate
from app.core.localized import Localized
from app.grants.models import Grant, Obligation
from app.measures import service as measures
from app.measures.models import Activity, Measure, MeasureEvent
from app.programmes.models import Workflow
from tests.conftest import Client
from tests.factories import NOON, WORKFLOW, City, actor, add, add_measure, add_milestone, add_programme
from tests.measures.arrange import follow


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
    assert "bei dieser Maßnahme kann das nur: Bereichsleitung" in page
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


@pytest.mark.parametrize(("who", "may_record"), [("coordinator", True), ("lead", False), ("funder", False)])
def test_an_overdue_duty_says_so_and_leads_who_may_to_its_form(
    client: Client, city: City, who: str, may_record: bool
) -> None:
    grant = add(Grant(programme=city.programme, key="g", title=Localized("Zuwendung"), measures=[city.measure]))
    late, today, undated = (
        add(Obligation(grant=grant, key=key, kind="report", title=Localized(key), due_on=due_on))
        for key, due_on in (("late", date(2023, 3, 13)), ("today", date(2023, 3, 15)), ("undated", None))
    )
    client.sign_in(getattr(city, who))
    page = client.get(f"/measures/{city.measure.id}").text
    assert '<span class="late">fällig am 13.03.2023 (seit 2 Tagen überfällig)</span>' in page
    assert page.count("überfällig") == 1
    assert (f'href="/grants/obligations/{late.id}/completion"' in page) is may_record
    assert (f'href="/grants/obligations/{undated.id}/move"' in page) is may_record
    assert f"/grants/obligations/{today.id}/" not in page


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


# -- why not?


def why(client: Client, measure: Measure, query: str = "") -> str:
    answer = client.get(f"/measures/{measure.id}/why{query}")
    assert answer.status_code == 200
    return answer.text


def test_why_not_lists_every_step_with_what_is_met_and_where_the_rest_can_be_met(client: Client, city: City) -> None:
    guards = [{"guard": "milestones_approved"}, {"guard": "unit_assigned"}, {"guard": "grant_notice_recorded"}]
    follow(city.measure, transitions=[{"key": "finish", "guards": guards}])
    add_milestone(city.measure, date(2023, 6, 30))
    client.sign_in(city.lead)
    page = why(client, city.measure)
    for shown in ("Pausieren", "Umsetzung abschließen", "Abbruch beschließen", "✓", "erfüllt"):
        assert shown in page
    assert "eine verantwortliche Stelle ist eingetragen" in page
    assert f'href="/measures/{city.measure.id}#meilensteine"' in page
    assert "Bescheid erfassen: Koordination" in page
    assert f"/programmes/{city.programme.key}/grants" not in page
    assert f"/measures/{city.measure.id}/status/" not in page
    assert f'href="/measures/{city.measure.id}/why"' in client.get(f"/measures/{city.measure.id}").text
    client.sign_in(city.head)
    assert f'href="/measures/{city.measure.id}/status/stop"' in why(client, city.measure)


@pytest.mark.parametrize("who", ["coordinator", "administrator", "auditor"])
def test_some_may_ask_what_another_person_can_do(client: Client, city: City, who: str) -> None:
    client.sign_in(getattr(city, who))
    page = why(client, city.measure, f"?person={city.head.id}")
    assert "Was kann Leitung Digitalisierung hier tun?" in page
    assert f'value="{city.head.id}" selected' in page
    assert "Ihre Rolle darf diesen Schritt gehen: Bereichsleitung" in page
    assert f"/measures/{city.measure.id}/status/" not in page
    for strange in ("x", "%00", "9" * 500, str(city.measure.id)):
        assert client.get(f"/measures/{city.measure.id}/why?person={strange}").status_code == 404
    city.head.active = False
    assert client.get(f"/measures/{city.measure.id}/why?person={city.head.id}").status_code == 404


def test_the_others_ask_for_themselves_and_funders_not_at_all(client: Client, city: City) -> None:
    client.sign_in(city.lead)
    page = why(client, city.measure, f"?person={city.head.id}")
    assert "Was kann ich hier tun?" in page
    assert "<select" not in page
    assert "Ihre Rolle darf diesen Schritt gehen: Projektleitung" in page
    client.sign_in(city.funder)
    assert client.get(f"/measures/{city.measure.id}/why").status_code == 403


def test_an_unknown_status_and_an_end_are_said_in_a_sentence(client: Client, city: City) -> None:
    unknown, ended = add_measure(city.programme, status=None), add_measure(city.programme, status="done")
    client.sign_in(city.coordinator)
    page = why(client, unknown)
    assert "Der Status dieser Maßnahme ist nicht bekannt." in page
    assert f'href="/measures/{unknown.id}/status"' in page
    assert "Diese Maßnahme ist am Ende ihres Ablaufs." in why(client, ended)


# -- what is hidden


HIDDEN = ("total_cost", "lead", "unit", "summary", "partners", "result")


def test_what_the_status_hides_is_nowhere_on_the_fact_sheet(client: Client, city: City) -> None:
    follow(city.measure, rules=[{"field": name, "rule": "hidden", "roles": ["project_lead"]} for name in HIDDEN])
    changes: dict[str, Any] = {
        "summary": "Zusammengefasst",
        "partners": ["Geheimverein"],
        "total_cost": Decimal(4711),
        "field": "Sichtbares Feld",
        "result": "Ergebnistext",
    }
    measures.edit_measure(actor(city.coordinator), city.measure, changes, seen_version=city.measure.version, now=NOON)
    secrets = (
        "Zusammengefasst",
        "Geheimverein",
        "4.711,00",
        "Ergebnistext",
        "Leitung Digitalisierung",
        city.unit.name.de,
    )
    client.sign_in(city.coordinator)
    page = client.get(f"/measures/{city.measure.id}").text
    for word in secrets:
        assert word in page, word
    client.sign_in(city.lead)
    page = client.get(f"/measures/{city.measure.id}").text
    for word in secrets:
        assert word not in page, word
    assert page.count("Sichtbares Feld") == 2, "once as a fact, once in the log"


def test_funders_are_told_the_public_label_on_both_pages(client: Client, city: City) -> None:
    definition = deepcopy(WORKFLOW)
    definition["statuses"][1]["public_label"] = {"de": "Wird umgesetzt", "en": "Under way"}
    workflow = Workflow(version=2, definition=definition, published_at=NOON)
    city.programme.workflows.append(workflow)
    city.measure.workflow = workflow
    follower = add_measure(city.programme, predecessors=[city.measure])
    for who, seen, unseen in (
        (city.funder, "Wird umgesetzt", "In Umsetzung"),
        (city.lead, "In Umsetzung", "Wird umgesetzt"),
    ):
        client.sign_in(who)
        for page in (f"/measures/{city.measure.id}", f"/measures/{follower.id}", "/measures"):
            text = client.get(page).text
            assert seen in text, page
            assert unseen not in text, page


def test_kept_values_are_shown_as_what_they_are_under_the_newest_label(client: Client, city: City) -> None:
    fields = [
        {"key": key, "label": {"de": f"Feld {key}", "en": key}, "type": key}
        for key in ("money", "date", "url", "yes_no", "text")
    ]
    follow(city.measure, fields=fields)
    newest = city.measure.workflow
    city.measure.workflow = city.programme.workflows[0]
    city.measure.record = {
        "money": "1234.50",
        "date": "2023-05-01",
        "url": "https://rat.example/17",
        "yes_no": "ja",
        "text": "<b>x</b>",
        "look_again_on": "kaputt",
        "raw_key_of_nobody": "Altwert",
    }
    assert newest.version == 2
    client.sign_in(city.lead)
    page = client.get(f"/measures/{city.measure.id}").text.replace("\xa0", " ")
    for shown in (
        "Feld money",
        "1.234,50 €",
        "01.05.2023",
        'href="https://rat.example/17"',
        "&lt;b&gt;x",
        "kaputt",
        "Altwert",
        "Weitere Angabe",
    ):
        assert shown in page, shown
    assert re.search(r">\s*ja\s*<", page)
    assert "raw_key_of_nobody" not in page
    city.measure.record = {"url": "javascript:alert(1)"}
    assert 'href="javascript' not in client.get(f"/measures/{city.measure.id}").text


def test_predecessors_of_a_foreign_programme_stay_unseen_by_funders(client: Client, city: City) -> None:
    foreign = add_measure(add_programme(), title=Localized("Fremde Maßnahme"))
    city.measure.predecessors = [foreign]
    client.sign_in(city.funder)
    assert "Fremde Maßnahme" not in client.get(f"/measures/{city.measure.id}").text
    client.sign_in(city.lead)
    assert "Fremde Maßnahme" in client.get(f"/measures/{city.measure.id}").text
