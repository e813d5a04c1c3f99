import json
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import get_args

import pytest
from jsonschema import Draft202012Validator

from app.calendars.partial_dates import PartialDate
from app.calendars.periods import Period, Rhythm
from app.core.localized import Localized
from app.grants.models import ObligationKind
from app.measures.models import EventKind
from app.organisations.models import OrganisationKind
from app.organisations.permissions import Role
from app.programmes.guards import GUARDS
from app.programmes.ladder import LATEST_SEND_TIME, Audience
from app.programmes.workflow import Category, FieldType
from app.progress.health import Health
from app.progress.models import UpdateState
from app.transfer import format as city_format
from app.transfer.format import (
    CityFile,
    Event,
    Guard,
    Obligation,
    Organisation,
    ReminderStep,
    Status,
    Update,
    WorkflowField,
)
from app.transfer.nodes import plain, read_nodes
from tests.transfer.cities import CITY, changed, city_of, found, read_text

DATA = Path(__file__).parents[2] / "data"


def test_the_values_of_a_file_arrive_as_what_they_are() -> None:
    city = city_of(CITY)
    (grant,), (measure,) = city.grants, city.measures
    assert measure.title == Localized("Radweg", "Cycle path")
    assert city.units[1].name == Localized("Straßenbau")
    assert (measure.starts, measure.ends) == (PartialDate(2022, 1), PartialDate(2023, 22))
    assert measure.updates[0].period == Period(2022, 4, Rhythm.QUARTERLY)
    assert grant.period_ends == date(2023, 12, 31)
    assert grant.amount == Decimal("650000.50")
    assert str(grant.total_cost) == "1000000.00"
    assert grant.rate == Decimal("0.65")
    assert grant.file_number is None
    assert city.programmes[0].send_time == time(7)
    assert city.programmes[0].update_rhythm is Rhythm.QUARTERLY
    assert city.programmes[1].reminder_steps is None


def test_a_file_may_name_the_latest_time_that_the_page_allows() -> None:
    city = city_of(changed("level: federal", "level: federal\n    send_time: '22:00'"))
    assert city.programmes[1].send_time == LATEST_SEND_TIME


def test_money_is_exact_where_a_float_would_not_be() -> None:
    city = city_of(changed("amount: 650000.50", "amount: 123456789012.35").replace("1000000", "999999999999.99"))
    assert str(city.grants[0].amount) == "123456789012.35"
    assert str(city.grants[0].total_cost) == "999999999999.99"


def test_null_is_the_same_as_left_out() -> None:
    city = city_of(
        changed("starts: 2022-01\n", "starts: ~\n").replace("    activities: [", "    partners:\n    activities: [")
    )
    assert city.measures[0].starts is None
    assert city.measures[0].partners == []


@pytest.mark.parametrize(
    ("old", "new", "path", "message"),
    [
        ("amount: 650000.50", "amount: -1", "grants[0].amount", "Die Zahl darf nicht negativ sein."),
        (
            "amount: 650000.50",
            "amount: 1.005",
            "grants[0].amount",
            "Ein Betrag hat höchstens zwei Stellen nach dem Punkt.",
        ),
        ("amount: 650000.50", "amount: 1.000,50", "grants[0].amount", "Das ist kein Betrag."),
        ("amount: 650000.50", "amount: 1e3", "grants[0].amount", "Das ist kein Betrag."),
        ("amount: 650000.50", "amount: true", "grants[0].amount", "Das ist kein Betrag."),
        ("amount: 650000.50", "amount: [1]", "grants[0].amount", "Das ist kein Betrag."),
        ("amount: 650000.50", "amount: 1234567890123", "grants[0].amount", "Der Betrag ist zu groß."),
        ("rate: 0.65", "rate: 65", "grants[0].rate", "Das ist kein Anteil."),
        ("rate: 0.65", "rate: 1.5", "grants[0].rate", "Das ist kein Anteil."),
        ("rate: 0.65", "rate: 0.65001", "grants[0].rate", "Ein Anteil hat höchstens vier Stellen"),
        ("2023-12-31", "2023-02-31", "grants[0].period_ends", "Das ist kein Tag im Kalender."),
        ("2023-12-31", "31.12.2023", "grants[0].period_ends", "Das ist kein Tag im Kalender."),
        ("2023-12-31", "2023", "grants[0].period_ends", "Das ist kein Tag im Kalender."),
        ("starts: 2022-01\n", "starts: 2022-13\n", "measures[0].starts", "Das ist kein Datum."),
        ("starts: 2022-01\n", "starts: 0000\n", "measures[0].starts", "Das ist kein Datum."),
        ("starts: 2022-01\n", "starts: bald\n", "measures[0].starts", "Das ist kein Datum."),
        ("starts: 2022-01\n", "starts: 2022.5\n", "measures[0].starts", "Das ist kein Datum."),
        ("2022-Q4", "2022-Q5", "measures[0].updates[0].period", "Das ist kein Zeitraum."),
        ("percent: 40", "percent: 101", "measures[0].updates[0].percent", "Die Zahl darf höchstens 100 sein."),
        ("percent: 40", "percent: 40.5", "measures[0].updates[0].percent", "Hier wird eine ganze Zahl erwartet."),
        ("percent: 40", 'percent: "40"', "measures[0].updates[0].percent", "Hier wird eine ganze Zahl erwartet."),
        (
            "health: green",
            "health: gren",
            "measures[0].updates[0].health",
            "„gren“ ist hier nicht möglich. Möglich: green, yellow, red. Meinten Sie „green“?",
        ),
        (
            "rhythm: quarterly",
            "rhythm: qarterly",
            "programmes[0].funders[0].digest.rhythm",
            "„qarterly“ ist hier nicht möglich. Möglich: monthly, quarterly, half_yearly. Meinten Sie „q",
        ),
        ("level: federal", "level: 3", "programmes[1].level", "„3“ ist hier nicht möglich."),
        ("state: HE", "state: NRW", "city.state", "„NRW“ ist hier nicht möglich."),
        ("state: HE", "state: HE, time_zone: Europe/Iserlohn", "city.time_zone", "Das ist keine Zeitzone."),
        ("state: HE", "state: HE, time_zone: /etc/passwd", "city.time_zone", "Das ist keine Zeitzone."),
        ("key: musterstadt", "key: Musterstadt", "city.key", "Ein Schlüssel besteht aus Kleinbuchstaben"),
        ("key: musterstadt", "key: ../x", "city.key", "Ein Schlüssel besteht aus Kleinbuchstaben"),
        ("key: musterstadt", "key: 12", "city.key", "Hier wird ein Text erwartet. Setzen Sie „12“"),
        ("name: Stadt Musterstadt", "name: 12", "city.name", "Hier wird ein Text erwartet. Setzen Sie „12“"),
        ("name: Stadt Musterstadt", 'name: " "', "city.name", "Hier fehlt der Text."),
        ("name: Stadt Musterstadt", "name: {en: City}", "city.name.de", "Die Angabe „de“ fehlt."),
        (
            "name: Stadt Musterstadt",
            "name: {de: Stadt, e: City}",
            "city.name.e",
            "Die Angabe „e“ gibt es hier nicht.",
        ),
        ("name: Stadt Musterstadt", "name: [a]", "city.name", "Hier werden benannte Angaben erwartet"),
        ("name: Stadt Musterstadt", 'name: "a\\nb"', "city.name", "Hier ist nur eine Zeile erlaubt."),
        ("name: Stadt Musterstadt", f"name: {'x' * 301}", "city.name", "Höchstens 300 Zeichen sind möglich."),
        (
            "email: leitung@musterstadt.example, name",
            "email: leitung, name",
            "accounts[0].email",
            "Das ist keine E-Mail-Adresse.",
        ),
        (
            "final: true}\n      transitions",
            "final: ja}\n      transitions",
            "programmes[0].workflow.statuses[1].final",
            "Hier wird „true“ oder „false“ erwartet.",
        ),
        (
            "key: umgesetzt, label: {de: Umgesetzt, en: Done}, category: done",
            "key: umgesetzt, category: done",
            "programmes[0].workflow.statuses[1].label",
            "Die Angabe „label“ fehlt.",
        ),
        (
            "from: geplant,",
            "form: geplant,",
            "programmes[0].workflow.transitions[0].from",
            "Die Angabe „from“ fehlt.",
        ),
        (
            "offset_days: -7,",
            "offset_days: -7, working_days: ja,",
            "programmes[0].reminder_steps[0].working_days",
            "Hier wird „true“ oder „false“ erwartet.",
        ),
        (
            "recipients: [project_lead]",
            "recipients: [project_lead], people: [niemand]",
            "programmes[0].reminder_steps[0].people[0]",
            "Das ist keine E-Mail-Adresse.",
        ),
        (
            "recipients: [project_lead]",
            "recipients: [project_lead], wording: ''",
            "programmes[0].reminder_steps[0].wording",
            "Hier fehlt der Text.",
        ),
        (
            "level: federal",
            "level: federal\n    send_time: 24:00",
            "programmes[1].send_time",
            "Das ist keine Uhrzeit.",
        ),
        (
            "level: federal",
            "level: federal\n    send_time: 22:01",
            "programmes[1].send_time",
            "Die Versandzeit darf nicht nach 22:00 Uhr liegen.",
        ),
        (
            "level: federal",
            "level: federal\n    stale_days: 0",
            "programmes[1].stale_days",
            "Die Zahl muss mindestens 1 ",
        ),
        (
            "level: federal",
            "level: federal\n    stale_days: 1001",
            "programmes[1].stale_days",
            "Die Zahl darf höchstens ",
        ),
        (
            "planned_on: 2022-05-01",
            "planned_on: 2022-05-01, funder_relevant: 1",
            "measures[0].milestones[0].funder_relevant",
            "Hier wird „true“ oder „false“ erwartet.",
        ),
        ("name: Leitung,", "name: Leitung, deputy: amt,", "accounts[0].deputy", "Das ist keine E-Mail-Adresse."),
        (
            "recipients: [project_lead]",
            "recipients: [funder]",
            "programmes[0].reminder_steps[0].recipients[0]",
            "„funder“ ist hier nicht möglich.",
        ),
        (
            "offset_days: -7",
            "offset_days: -400",
            "programmes[0].reminder_steps[0].offset_days",
            "Die Zahl muss mindestens -365 sein.",
        ),
        ("measures: [radweg]", "measures: radweg", "grants[0].measures", "Hier wird eine Liste erwartet"),
        (
            "    number: 1\n",
            "    nummer: 1\n",
            "measures[0].nummer",
            "Die Angabe „nummer“ gibt es hier nicht. Meinten Sie „number“?",
        ),
        (
            "Brücke}",
            "Brücke, sources: {title: [ftp://x.de]}}",
            "measures[0].activities[0].sources.title[0]",
            "Das ist keine vollständige Adresse.",
        ),
        (
            "Brücke}",
            "Brücke, sources: ['https://x.de', {adress: y}]}",
            "measures[0].activities[0].sources[1].adress",
            "Die Angabe „adress“ gibt es hier nicht. Meinten Sie „address“?",
        ),
        (
            "Brücke}",
            "Brücke, sources: ['javascript:alert(1)']}",
            "measures[0].activities[0].sources[0]",
            "Das ist keine vollständige Adresse.",
        ),
        (
            "Brücke}",
            "Brücke, sources: {title: 'https://x.de'}}",
            "measures[0].activities[0].sources.title",
            "Hier wird eine Liste erwartet",
        ),
        (
            "Brücke}",
            "Brücke, sources: 7}",
            "measures[0].activities[0].sources",
            "Hier werden benannte Angaben erwartet",
        ),
    ],
)
def test_what_the_format_does_not_allow_is_said_in_a_sentence_with_its_path(
    old: str, new: str, path: str, message: str
) -> None:
    reading = read_text(changed(old, new))
    assert reading.city is None
    findings = [found(finding) for finding in reading.findings]
    assert any(at == path and sentence.startswith(message) for at, sentence in findings), findings


def test_several_errors_are_told_at_once() -> None:
    text = changed("amount: 650000.50", "amount: viel").replace("state: HE", "state: XX")
    assert [finding.path for finding in read_text(text).findings] == ["city.state", "grants[0].amount"]


def test_the_words_of_the_format_are_those_of_the_rules() -> None:
    assert get_args(city_format.Role) == tuple(Role)
    assert get_args(Status.model_fields["category"].annotation) == tuple(Category)
    assert get_args(WorkflowField.model_fields["type"].annotation) == tuple(FieldType)
    assert get_args(Obligation.model_fields["kind"].annotation) == tuple(ObligationKind)
    assert get_args(Event.model_fields["kind"].annotation) == tuple(EventKind)
    assert get_args(Organisation.model_fields["kind"].annotation) == (
        OrganisationKind.FUNDER,
        OrganisationKind.PARTNER,
    )
    (part,) = get_args(ReminderStep.model_fields["recipients"].annotation)
    assert get_args(part) == tuple(Audience)
    assert get_args(Update.model_fields["health"].annotation) == tuple(Health)
    assert set(get_args(Update.model_fields["state"].annotation)) < set(UpdateState)
    assert all(guard in (Guard.model_fields["guard"].description or "") for guard in GUARDS)


def test_the_json_schema_accepts_the_sound_file_and_the_city_of_iserlohn() -> None:
    schema = CityFile.model_json_schema()
    Draft202012Validator.check_schema(schema)
    steps = "recipients: [deputy], working_days: true, people: [a@b.example], wording: {de: Jetzt, en: Now}"
    full = changed("recipients: [project_lead]", steps).replace(
        "level: federal", "level: federal\n    stale_days: 90"
    )
    full = full.replace("name: Leitung,", "name: Leitung, deputy: a@b.example,")
    full = full.replace("planned_on: 2022-05-01", "planned_on: 2022-05-01, funder_relevant: true")
    for raw in (CITY.encode(), full.encode(), (DATA / "iserlohn.yaml").read_bytes()):
        tree, _ = read_nodes("stadt.yaml", raw)
        assert tree is not None
        data = json.loads(json.dumps(plain(tree), default=float))
        assert [error.message for error in Draft202012Validator(schema).iter_errors(data)] == []


def test_the_json_schema_refuses_unknown_names_and_describes_every_field() -> None:
    schema = CityFile.model_json_schema()
    assert not Draft202012Validator(schema).is_valid({"format": 1, "citty": {}})
    for name, entry in schema["$defs"].items():
        for field, described in entry.get("properties", {}).items():
            assert described.get("description") or "$ref" in described, f"{name}.{field}"
