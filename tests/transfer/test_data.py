"""The two files that come with Wegmarke: sound, sourced, and free of people."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from app.core.localized import Localized
from app.programmes import soundness, workflow
from app.transfer.entries import WHOLE_ENTRY, Entry, Sourced
from app.transfer.format import Account, CityFile, EarlierName, Measure, Obligation, Transition
from app.transfer.nodes import plain, read_nodes
from app.transfer.reading import read_files
from app.transfer.references import entries

DATA = Path(__file__).parents[2] / "data"
PUBLISHED, SAMPLE = DATA / "iserlohn.yaml", DATA / "beispiel.yaml"

SANDBOX_DAY = date(2023, 3, 15)

NOT_FACTS = {
    # what names and orders entries, and what the city decides for itself
    "key", "sources", "kind", "level", "basis", "programme", "organisation", "planned_precision", "measures",
    "time_zone", "send_time", "update_rhythm", "update_due_days", "approval_days", "digest", "emergency_override",
}  # fmt: skip


@pytest.fixture(scope="module")
def published() -> CityFile:
    reading = read_files([PUBLISHED])
    assert reading.findings == ()
    assert reading.city is not None
    return reading.city


@pytest.fixture(scope="module")
def trial() -> CityFile:
    reading = read_files([PUBLISHED, SAMPLE])
    assert reading.findings == ()
    assert reading.city is not None
    return reading.city


def measure_of(city: CityFile, key: str) -> Measure:
    return next(measure for measure in city.measures if measure.key == key)


def facts_without_source(city: CityFile) -> Iterator[str]:
    """Every value of an entry with sources that neither has a source of its own nor one for the whole entry."""
    for entry in entries(city):
        if not isinstance(entry, Sourced) or isinstance(entry, Transition):
            continue
        for name in sorted(entry.field_names() - NOT_FACTS):
            value = getattr(entry, name)
            is_part = isinstance(value, Entry) or (isinstance(value, list) and value and isinstance(value[0], Entry))
            if value in (None, []) or is_part:
                continue
            if not entry.sources.get(name) and not entry.sources.get(WHOLE_ENTRY):
                yield f"{entry.place().path}.{name} = {value}"


def test_every_published_fact_has_a_source(published: CityFile) -> None:
    assert list(facts_without_source(published)) == []


def test_the_search_for_facts_without_source_finds_them(trial: CityFile) -> None:
    missing = "\n".join(facts_without_source(trial))
    assert "('measures', 0).lead = projektleitung.abus@iserlohn.example" in missing
    assert "Jahresprogramm" in missing


def test_a_step_or_duty_that_claims_a_source_names_one(published: CityFile) -> None:
    claims = [entry for entry in entries(published) if isinstance(entry, (Transition, Obligation))]
    assert len(claims) == 29
    for claim in claims:
        assert claim.basis is not None, claim.key
        assert bool(claim.sources) == (claim.basis != "design"), claim.key


def test_nothing_published_is_sample_data_and_everything_added_is(trial: CityFile) -> None:
    for entry in entries(trial):
        if entry.place().file:
            assert entry.is_sample == (entry.place().file == str(SAMPLE)), entry.place()
    assert {name for entry in entries(trial) for name in entry.sample_fields} == {
        "accounts", "lead", "updates", "milestones", "recipients", "reached_on", "forecast_on",
    }  # fmt: skip


def test_there_are_no_people(trial: CityFile) -> None:
    assert {account.name.de for account in trial.accounts} == {
        "Administration",
        "Koordination Fördermittel",
        "Projektleitung a-BUS",
        "Projektleitung Smart City",
        "Leitung Digitalisierung",
        "Leitung Stadtentwicklung",
        "Fördergeber Land",
        "Fördergeber Bund",
        "Rechnungsprüfung",
    }
    assert all(account.email.endswith("@iserlohn.example") for account in trial.accounts)
    for text in (PUBLISHED.read_text(encoding="utf-8"), SAMPLE.read_text(encoding="utf-8")):
        assert all(word.endswith(".example") for word in text.replace(",", " ").split() if "@" in word)
        assert not any(title in text for title in ("Herr ", "Frau ", "Dr. ", "Mr. ", "Mrs. "))


def test_every_role_can_be_tried(trial: CityFile) -> None:
    accounts = [entry for entry in entries(trial) if isinstance(entry, Account) and entry.trial]
    assert {membership.role for account in accounts for membership in account.memberships} == {
        "administrator", "coordinator", "project_lead", "department_head", "funder", "auditor",
    }  # fmt: skip


def test_every_measure_with_a_unit_has_a_lead_and_a_head_who_are_two(trial: CityFile) -> None:
    for measure in trial.measures:
        heads = {
            account.email
            for account in trial.accounts
            for membership in account.memberships
            if membership.role == "department_head" and membership.unit == measure.unit
        }
        if measure.unit is not None:
            assert measure.lead is not None
            assert heads
            assert measure.lead not in heads


@pytest.mark.parametrize("index", [0, 1])
def test_both_workflows_are_sound(index: int) -> None:
    tree, _ = read_nodes("iserlohn.yaml", PUBLISHED.read_bytes())
    assert tree is not None
    definition = plain(tree)["programmes"][index]["workflow"]
    assert soundness.findings(definition) == ()
    built = workflow.build(definition)
    assert (len(built.statuses), len(built.transitions)) == [(10, 9), (11, 13)][index]
    used = {field for transition in built.transitions.values() for field in transition.fields}
    assert used == set(built.fields)


def test_everything_has_an_english_wording(trial: CityFile) -> None:
    german_only = [
        f"{entry.place().path}.{name}"
        for entry in entries(trial)
        if not isinstance(entry, EarlierName)
        for name in type(entry).model_fields
        for value in (getattr(entry, name) if isinstance(getattr(entry, name), list) else [getattr(entry, name)])
        if isinstance(value, Localized) and not value.en
    ]
    assert german_only == []


def test_the_money_is_as_published(published: CityFile) -> None:
    abus, smart_city = published.grants
    assert (abus.amount, abus.total_cost, abus.rate) == (
        Decimal("2681669.09"), Decimal("3803404.18"), Decimal("0.7051"),
    )  # fmt: skip
    assert abus.amount is not None
    assert abus.total_cost is not None
    assert round(abus.amount / abus.total_cost, 4) == abus.rate
    assert (abus.notice_on, abus.notice_count, abus.commitment_on) == (date(2020, 5, 28), 4, None)
    assert [smart_city.amount, smart_city.total_cost, smart_city.rate] == [1_700_000, 2_700_000, Decimal("0.65")]
    assert (smart_city.notice_on, smart_city.commitment_on) == (None, None)
    assert [measure.total_cost for measure in published.measures[1:]] == [None] * 5


def test_a_due_day_that_no_page_gives_is_left_out(published: CityFile) -> None:
    days = {(grant.key, duty.key): duty.due_on for grant in published.grants for duty in grant.obligations}
    assert {key: day for key, day in days.items() if day} == {("abus", "verwendungsnachweis"): date(2023, 12, 31)}


def test_measures_four_and_five_invent_nothing(published: CityFile) -> None:
    for number in (4, 5):
        measure = measure_of(published, f"massnahme-{number}")
        values = measure.model_dump(exclude={"key", "programme", "number", "sources"})
        assert not any(values.values()), values


def test_activities_of_another_fund_say_so(published: CityFile) -> None:
    lotsen = next(item for item in measure_of(published, "i-lab").activities if item.key == "digital-lotsen")
    assert lotsen.other_fund is not None
    assert "Innovationsfonds 2023" in lotsen.other_fund.de


def test_the_trial_shows_near_late_and_reached_milestones(trial: CityFile) -> None:
    milestones = [milestone for measure in trial.measures for milestone in measure.milestones]
    is_open = [milestone for milestone in milestones if milestone.reached_on is None]
    assert len(milestones) - len(is_open) == 6
    assert [milestone.key for milestone in is_open if milestone.planned_on < SANDBOX_DAY] == ["informationssystem"]
    near = [milestone for milestone in is_open if 0 <= (milestone.planned_on - SANDBOX_DAY).days <= 30]
    assert [milestone.key for milestone in near] == ["beispiel-jahresprogramm", "beispiel-erfahrungsbericht"]


def test_no_report_or_reached_day_lies_after_the_sandbox_day(trial: CityFile) -> None:
    for measure in trial.measures:
        days = [milestone.reached_on for milestone in measure.milestones]
        days += [update.submitted_on for update in measure.updates]
        assert all(day < SANDBOX_DAY for day in days if day is not None), measure.key
