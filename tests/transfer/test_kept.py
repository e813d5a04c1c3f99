"""What an import leaves alone: people decide about it in Wegmarke."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.accounts.models import Account
from app.audit import service as audit
from app.core.database import db
from app.core.localized import Localized
from app.core.text import text as sentence
from app.grants import service as grants
from app.grants.models import Grant, Obligation
from app.measures import service as measures
from app.measures.models import Measure
from app.milestones import service as milestones
from app.milestones.approval import Decision
from app.milestones.models import MoveRequest
from app.organisations import service as organisations
from app.organisations.models import Membership, Unit
from app.organisations.permissions import Actor
from app.programmes.guards import NOTHING
from app.progress import service as progress
from app.progress.models import ProgressUpdate
from app.reminders import ladders
from app.transfer.identity import sorted_as
from app.transfer.service import Refused
from app.transfer.summary import Kind, Outcome
from tests.factories import NOON
from tests.transfer.arrange import (
    LATER,
    STAFFED,
    counts,
    iserlohn,
    kept,
    log_of,
    measure,
    milestone,
    person,
    take_in,
    the,
)
from tests.transfer.cities import CITY, changed, city_of

# -- what people decide in Wegmarke -----------------------------------------------------------------------------


LEAD_EMAIL = "leitung@musterstadt.example"
PLANNED = "planned_on: 2022-05-01"


@pytest.fixture
def radweg(app: Flask) -> Measure:
    take_in(city_of(STAFFED))
    db.session.commit()
    return measure("radweg")


def coordinator() -> Actor:
    return person("koordination@musterstadt.example")


def test_status_lead_and_unit_belong_to_the_people(radweg: Measure) -> None:
    measures.assign(
        coordinator(),
        radweg,
        lead=the(Account, email="amt@musterstadt.example"),
        unit=the(Unit, key="planung"),
        seen_version=radweg.version,
        now=LATER,
    )
    db.session.flush()
    measures.change_status(
        person("amt@musterstadt.example"),
        radweg,
        "fertig",
        given=NOTHING,
        seen_version=radweg.version,
        now=LATER,
    )
    summary = take_in(city_of(STAFFED), LATER)
    assert summary.changes_nothing
    assert radweg.lead is not None
    assert radweg.unit is not None
    assert (radweg.lead.email, radweg.unit.key, radweg.status) == ("amt@musterstadt.example", "planung", "umgesetzt")
    assert kept(summary) == [
        "Radweg: Verantwortliche Stelle bleibt „Planungsamt“. In der Datei steht „Straßenbau“.",
        "Radweg: Projektleitung bleibt „Amtsleitung“. In der Datei steht „Leitung“.",
        "Radweg: Status bleibt „Umgesetzt“. In der Datei steht „Geplant“.",
    ]


def test_a_file_that_says_nothing_about_them_says_nothing_against_them(radweg: Measure) -> None:
    silent = STAFFED.replace("    unit: strassen\n", "").replace(f"    lead: {LEAD_EMAIL}\n", "")
    summary = take_in(city_of(silent.replace("    status: geplant\n", "")), LATER)
    assert (summary.changes_nothing, summary.kept) == (True, [])
    assert None not in (radweg.lead, radweg.unit, radweg.status)


def test_an_untouched_plan_follows_the_file_and_reminds_anew(radweg: Measure) -> None:
    summary = take_in(city_of(STAFFED.replace(PLANNED, "planned_on: 2022-06-01")), LATER)
    row = milestone("start")
    assert (row.planned_on, row.due_version, summary.kept) == (date(2022, 6, 1), 2, [])
    (line,) = log_of(row)
    assert line.changes == [{"field": "planned_on", "from": "2022-05-01", "to": "2022-06-01"}]
    assert line.scope_id == radweg.id
    take_in(city_of(STAFFED.replace(PLANNED, "planned_on: 2022-07-01")), LATER)
    assert (row.planned_on, row.due_version) == (date(2022, 7, 1), 3)


def test_a_moved_milestone_stays_where_it_was_moved(radweg: Measure) -> None:
    row = milestone("start")
    milestones.move_milestone(
        person(LEAD_EMAIL), row, date(2023, 5, 2), "Hochwasser", seen_version=row.version, now=LATER
    )
    db.session.flush()
    text = STAFFED.replace(
        PLANNED, "planned_on: 2022-06-30, planned_precision: month, forecast_on: 2022-06-10"
    ).replace("Baubeginn", "Erster Bau")
    summary = take_in(city_of(text), LATER)
    assert (row.planned_on, row.planned_precision, row.due_version) == (date(2023, 5, 2), "day", 2)
    assert row.forecast_on is None
    assert row.title.de == "Erster Bau"
    assert kept(summary) == [
        "Meilenstein „Erster Bau“ (Radweg): Plan-Termin bleibt „2023-05-02“. In der Datei steht „2022-06-30“.",
        "Meilenstein „Erster Bau“ (Radweg): Prognose bleibt „nicht angegeben“. In der Datei steht „2022-06-10“.",
    ]


def test_a_title_that_somebody_reworded_stays(radweg: Measure) -> None:
    row = milestone("start")
    milestones.edit_milestone(person(LEAD_EMAIL), row, "Bagger rollen an", None, seen_version=row.version, now=LATER)
    db.session.flush()
    summary = take_in(city_of(STAFFED.replace(PLANNED, "planned_on: 2022-06-01")), LATER)
    assert (row.title.de, row.planned_on) == ("Bagger rollen an", date(2022, 6, 1))
    assert kept(summary) == [
        "Meilenstein „Baubeginn“ (Radweg): Titel bleibt „Bagger rollen an“. In der Datei steht „Baubeginn“."
    ]


def test_what_the_head_decided_stays_decided(radweg: Measure) -> None:
    row = milestone("start")
    request = milestones.request_approval(
        person(LEAD_EMAIL), row, date(2023, 3, 1), "Gebaut.", seen_version=row.version, now=LATER
    )
    db.session.flush()
    milestones.decide_approval(person("amt@musterstadt.example"), request, Decision.APPROVED, now=LATER)
    db.session.flush()
    summary = take_in(city_of(STAFFED.replace(PLANNED, f"{PLANNED}, reached_on: 2023-02-01")), LATER)
    assert (row.actual_on, row.approved_at) == (date(2023, 3, 1), LATER)
    assert kept(summary) == [
        "Meilenstein „Baubeginn“ (Radweg): Ist-Termin bleibt „2023-03-01“. In der Datei steht „2023-02-01“."
    ]


def test_a_dropped_milestone_is_not_reached_by_a_file(radweg: Measure) -> None:
    row = milestone("start")
    milestones.drop_milestone(person(LEAD_EMAIL), row, "Entfällt", seen_version=row.version, now=LATER)
    db.session.flush()
    summary = take_in(city_of(STAFFED.replace(PLANNED, f"{PLANNED}, reached_on: 2023-02-01")), LATER)
    assert (row.approved_at, row.dropped_at, len(summary.kept)) == (None, LATER, 1)


def test_a_day_reached_that_the_file_adds_later_is_taken(radweg: Measure) -> None:
    summary = take_in(city_of(STAFFED.replace(PLANNED, f"{PLANNED}, reached_on: 2023-02-01")), LATER)
    row = milestone("start")
    assert (row.actual_on, row.approved_at, summary.kept) == (date(2023, 2, 1), LATER, [])
    take_in(city_of(STAFFED), LATER)
    assert (row.actual_on, row.approved_at) == (date(2023, 2, 1), LATER)


def test_what_lies_ahead_of_the_clock_has_not_happened(app: Flask) -> None:
    future = changed(PLANNED, f"{PLANNED}, reached_on: 2023-03-20").replace(
        "        author:", "        submitted_on: 2023-03-20\n        author:"
    )
    summary = take_in(city_of(future), NOON)
    assert (milestone("start").approved_at, measure("radweg").updates) == (None, [])
    assert kept(summary) == [
        "Sachstand 2022-Q4 (Radweg): wird nicht angelegt, weil der Tag der Abgabe (2023-03-20) noch kommt.",
        "Meilenstein „Baubeginn“ (Radweg): gilt noch nicht als erreicht, weil der Tag (2023-03-20) noch kommt.",
    ]
    later = take_in(city_of(future), LATER)
    assert (milestone("start").actual_on, len(measure("radweg").updates), later.kept) == (date(2023, 3, 20), 1, [])


def test_a_report_is_only_added_and_a_decided_one_stays(radweg: Measure) -> None:
    report = radweg.updates[0]
    assert (report.submitted_at, report.state) == (NOON, "submitted")
    progress.release_update(person("amt@musterstadt.example"), report, now=LATER, seen_version=report.version)
    second = STAFFED + STAFFED[STAFFED.index("      - period") :].replace("2022-Q4", "2023-Q1")
    summary = take_in(city_of(second), LATER)
    assert counts(summary, Outcome.CREATED) == {Kind.UPDATES: 1}
    assert {(row.period, row.state) for row in radweg.updates} == {("2022-Q4", "released"), ("2023-Q1", "submitted")}
    assert kept(summary) == [
        "Sachstand 2022-Q4 (Radweg): bleibt, wie er gespeichert ist. In der Datei steht etwas anderes."
    ]


def test_a_draft_on_the_same_period_is_not_taken_for_the_report(radweg: Measure) -> None:
    author = radweg.updates[0].author_id
    draft = ProgressUpdate(measure=radweg, period="2022-Q4", author_id=author, done="Neu", created_at=LATER)
    db.session.add(draft)
    summary = take_in(city_of(STAFFED), LATER)
    assert (summary.changes_nothing, summary.kept) == (True, [])


def test_an_account_keeps_its_password_language_and_roles(radweg: Measure) -> None:
    account = the(Account, email=LEAD_EMAIL)
    account.password_hash, account.language, account.active = "geheim", "en", False
    roles = STAFFED.replace("[{role: project_lead, unit: strassen}]", "[{role: auditor}]")
    summary = take_in(city_of(roles.replace("name: Leitung,", "name: Projektleitung,")), LATER)
    assert (account.password_hash, account.language, account.active) == ("geheim", "en", False)
    assert account.name.de == "Projektleitung"
    held = set(db.session.scalars(sa.select(Membership.role).where(Membership.account_id == account.id)))
    assert held == {"project_lead", "auditor"}
    assert kept(summary) == ["leitung@musterstadt.example: Sprache bleibt „en“. In der Datei steht „de“."]


def test_a_real_account_does_not_become_a_sample(radweg: Measure) -> None:
    sample = f"format: 1\nsample: true\naccounts:\n  - {{email: {LEAD_EMAIL}, name: Leitung, trial: true}}\n"
    without = STAFFED.replace(
        STAFFED[STAFFED.index(f"  - {{email: {LEAD_EMAIL}") : STAFFED.index("  - {email: amt@")], ""
    )
    summary = take_in(city_of(without, sample), LATER)
    account = the(Account, email=LEAD_EMAIL)
    assert (account.is_sample, account.is_trial_role) == (False, False)
    assert kept(summary) == [
        "leitung@musterstadt.example: Art des Kontos bleibt „echtes Konto“. In der Datei steht „Beispieldaten“."
    ]


def test_a_kept_fact_keeps_its_marks(app: Flask) -> None:
    sample = "format: 1\nsample: true\nmeasures: [{key: steg, milestones: [{key: bau, forecast_on: 2023-09-01}]}]\n"
    real = CITY + "  - {key: steg, programme: klima, milestones: [{key: bau, title: Bau, planned_on: 2023-08-01}]}\n"
    take_in(city_of(real, sample))
    summary = take_in(city_of(real), LATER)
    assert (summary.changes_nothing, summary.kept) == (True, [])
    assert (milestone("bau").forecast_on, milestone("bau").sample_fields) == (date(2023, 9, 1), ["forecast_on"])
    take_in(city_of(real.replace("planned_on: 2023-08-01", "planned_on: 2023-08-01, forecast_on: 2023-09-02")), LATER)
    assert milestone("bau").sample_fields == []


def test_the_published_file_alone_takes_nothing_of_the_sample_away(app: Flask) -> None:
    take_in(iserlohn())
    summary = take_in(iserlohn("iserlohn.yaml"), LATER)
    assert (summary.changes_nothing, summary.kept) == (True, [])
    assert (measure("a-bus").lead is None, measure("a-bus").sample_fields) == (False, ["lead"])


# -- predecessors -----------------------------------------------------------------------------------------------

TWO = STAFFED + "  - {key: steg, programme: anderes, title: Steg, predecessors: [radweg]}\n"


def predecessors(key: str) -> list[str]:
    return [row.key for row in measure(key).predecessors]


def test_predecessors_come_in_across_programmes_and_in_any_order(app: Flask) -> None:
    text = STAFFED.replace("    number: 1\n", "    number: 1\n    predecessors: [steg, furt, steg]\n")
    text += "  - {key: steg, programme: anderes, title: Steg}\n  - {key: furt, programme: klima, title: Furt}\n"
    first = take_in(city_of(text))
    assert (counts(first, Outcome.CREATED)[Kind.MEASURES], sorted(predecessors("radweg"))) == (3, ["furt", "steg"])
    second = take_in(city_of(text), LATER)
    assert (second.changes_nothing, second.kept) == (True, [])
    assert {row.version for row in db.session.scalars(sa.select(Measure))} == {1}


def test_predecessors_follow_the_file_and_a_silent_file_says_nothing_against_them(app: Flask) -> None:
    take_in(city_of(TWO))
    silent = take_in(city_of(TWO.replace(", predecessors: [radweg]", "")), LATER)
    assert (silent.changes_nothing, silent.kept, predecessors("steg")) == (True, [], ["radweg"])
    none = take_in(city_of(TWO.replace("[radweg]}", "[]}")), LATER)
    assert (counts(none, Outcome.CHANGED), predecessors("steg")) == ({Kind.MEASURES: 1}, [])
    assert log_of(measure("steg"))[-1].changes == [{"field": "predecessors", "from": "radweg", "to": None}]


def by_hand(row: Any, **values: Any) -> None:
    """As somebody changes a row in Wegmarke: the row, and the line of the log that names them."""
    changes = {name: (getattr(row, name), value) for name, value in values.items()}
    for name, value in values.items():
        setattr(row, name, value)
    if "title" in values:
        row.sort_key = sorted_as(values["title"].de)
    shown = {name: (str(before), str(after)) for name, (before, after) in changes.items()}
    audit.record(coordinator(), row, sentence("Angaben geändert"), now=LATER, scope_id=row.id, changes=shown)
    db.session.commit()


def test_predecessors_that_people_chose_stay_and_are_told(app: Flask) -> None:
    text = TWO + "  - {key: furt, programme: klima, title: Furt}\n"
    take_in(city_of(text))
    by_hand(measure("steg"), predecessors=[measure("furt")])
    summary = take_in(city_of(text), LATER)
    assert (summary.changes_nothing, predecessors("steg")) == (True, ["furt"])
    assert kept(summary) == ["Steg: Vorgänger bleibt „Furt“. In der Datei steht „Radweg“."]
    assert kept(take_in(city_of(text), LATER)) == kept(summary)


def test_a_ring_that_file_and_database_would_close_together_is_refused(app: Flask) -> None:
    take_in(city_of(TWO))
    text = STAFFED.replace("    number: 1\n", "    number: 1\n    predecessors: [steg]\n")
    text += "  - {key: steg, programme: anderes, title: Steg}\n"
    with pytest.raises(Refused) as refused:
        take_in(city_of(text))
    (finding,) = refused.value.findings
    assert (finding.path, str(finding.message)) == (
        "measures[0].predecessors",
        "Diese Maßnahme wartet über ihre Vorgänger auf sich selbst.",
    )
    turned = text.replace("title: Steg}", "title: Steg, predecessors: []}")
    take_in(city_of(turned))
    assert (predecessors("radweg"), predecessors("steg")) == (["steg"], [])


# -- details that people changed --------------------------------------------------------------------------------


def test_details_that_people_changed_stay_and_are_told(radweg: Measure) -> None:
    by_hand(
        radweg,
        title=Localized("Radschnellweg"),
        total_cost=Decimal("5.00"),
        partners=[{"de": "ADFC"}],
        focus_area=None,
    )
    text = STAFFED.replace("    number: 1\n", "    number: 2\n    partners: [Verein, Bund]\n    total_cost: 7\n")
    summary = take_in(city_of(text), LATER)
    assert (radweg.title, radweg.number, radweg.total_cost) == (Localized("Radschnellweg"), 2, Decimal("5.00"))
    assert (radweg.partners, radweg.focus_area, radweg.sort_key) == ([{"de": "ADFC"}], None, "radschnellweg")
    assert kept(summary) == [
        "Radschnellweg: Titel bleibt „Radschnellweg“. In der Datei steht „Radweg“.",
        "Radschnellweg: Schwerpunkt bleibt „nicht angegeben“. In der Datei steht „Verkehr“.",
        "Radschnellweg: Partner bleibt „ADFC“. In der Datei steht „Verein, Bund“.",
        "Radschnellweg: Gesamtkosten bleibt „5.00“. In der Datei steht „7.00“.",
    ]
    assert log_of(radweg)[-1].changes == [{"field": "number", "from": 1, "to": 2}]
    again = take_in(city_of(text), LATER)
    assert (again.changes_nothing, again.kept) == (True, summary.kept)


def test_what_people_added_and_the_file_leaves_out_stays_without_a_word(radweg: Measure) -> None:
    by_hand(radweg, summary=Localized("Neu"), grant_amount=Decimal("3.00"))
    summary = take_in(city_of(STAFFED), LATER)
    assert (summary.changes_nothing, summary.kept, radweg.summary) == (True, [], Localized("Neu"))


def test_the_sources_of_a_kept_detail_are_those_of_what_is_stored(radweg: Measure) -> None:
    by_hand(radweg, title=Localized("Radschnellweg"))
    text = STAFFED.replace("    number: 1\n", "    number: 1\n    sources: {title: ['https://example.org']}\n")
    summary = take_in(city_of(text), LATER)
    assert (summary.changes_nothing, radweg.sources) == (True, {})


def test_a_notice_that_people_recorded_stays_and_is_told(radweg: Measure) -> None:
    grant = the(Grant)
    by_hand(grant, file_number="34.12-7", notice_on=date(2023, 2, 1), amount=Decimal("640000.00"))
    assert take_in(city_of(STAFFED), LATER).kept != []
    text = STAFFED.replace("    rate: 0.65\n", "    rate: 0.6\n    file_number: '99'\n    notice_on: 2022-01-05\n")
    summary = take_in(city_of(text), LATER)
    assert (grant.file_number, grant.notice_on, grant.amount) == ("34.12-7", date(2023, 2, 1), Decimal("640000.00"))
    assert (grant.rate, counts(summary, Outcome.CHANGED)) == ("0.6", {Kind.GRANTS: 1})
    assert kept(summary) == [
        "Zuwendung: Aktenzeichen bleibt „34.12-7“. In der Datei steht „99“.",
        "Zuwendung: Datum des Bescheids bleibt „2023-02-01“. In der Datei steht „2022-01-05“.",
        "Zuwendung: Betrag bleibt „640000.00“. In der Datei steht „650000.50“.",
    ]


# -- what is owed -----------------------------------------------------------------------------------------------

SOURCE = "https://foerderung.example/auflagen"
OWED = STAFFED.replace(
    "    measures: [radweg]\n",
    f"""\
    measures: [radweg]
    obligations:
      - {{key: nachweis, kind: proof_of_use, title: Nachweis, rule: Sechs Monate, sources: ['{SOURCE}']}}
""",
)


def owed_on(day: str, more: str = "") -> str:
    return OWED.replace("title: Nachweis,", f"title: Nachweis, due_on: {day},{more}")


def move(row: Obligation, to_on: date) -> None:
    grants.move_obligation(coordinator(), row, to_on, "Bescheid", seen=grants.imprint_of(row), now=LATER)
    db.session.commit()


def test_a_due_day_that_people_set_stays_and_a_silent_file_says_nothing_against_it(app: Flask) -> None:
    take_in(city_of(OWED))
    row = the(Obligation)
    move(row, date(2023, 12, 31))
    silent = take_in(city_of(OWED), LATER)
    assert (silent.changes_nothing, silent.kept) == (True, [])
    assert (row.due_on, row.due_version, row.basis) == (date(2023, 12, 31), 2, None)
    other = take_in(city_of(owed_on("2023-11-30", " basis: published,")), LATER)
    assert (row.due_on, row.due_version, row.basis) == (date(2023, 12, 31), 2, None)
    assert (other.changes_nothing, kept(other)) == (
        True,
        ["Pflicht „Nachweis“ (Zuwendung): Frist bleibt „2023-12-31“. In der Datei steht „2023-11-30“."],
    )


def test_a_day_people_set_gets_no_source_back_and_the_rest_keeps_its_own(app: Flask) -> None:
    take_in(city_of(OWED))
    row = the(Obligation)
    assert [source.address for source in row.sources_for("due_on")] == [SOURCE]
    move(row, date(2023, 12, 31))
    for day in (OWED, owed_on("2023-11-30"), OWED):
        assert take_in(city_of(day), LATER).changes_nothing
        assert row.sources_for("due_on") == []
        assert [source.address for source in row.sources_for("rule")] == [SOURCE]


def test_the_file_may_still_correct_the_rest_of_an_obligation(app: Flask) -> None:
    take_in(city_of(OWED))
    row = the(Obligation)
    move(row, date(2023, 12, 31))
    take_in(city_of(OWED.replace("Sechs Monate", "Ein Jahr")), LATER)
    assert (row.rule, row.due_on) == (Localized("Ein Jahr"), date(2023, 12, 31))


def test_what_is_done_stays_done_and_the_file_may_still_move_the_day(app: Flask) -> None:
    take_in(city_of(owed_on("2023-06-30")))
    row = the(Obligation)
    done = date(2023, 3, 20)
    grants.complete_obligation(coordinator(), row, done, note=None, seen=grants.imprint_of(row), now=LATER)
    db.session.commit()
    take_in(city_of(owed_on("2023-07-31")), LATER)
    assert (row.done_on, row.due_on, row.due_version) == (done, date(2023, 7, 31), 2)


def test_an_obligation_that_people_added_is_theirs_also_where_the_file_has_its_key_later(app: Flask) -> None:
    take_in(city_of(STAFFED))
    row = grants.create_obligation(
        coordinator(), the(Grant), "Nachweis", "report", due_on=date(2023, 5, 1), rule=None, now=LATER
    )
    db.session.commit()
    summary = take_in(city_of(owed_on("2023-11-30").replace("title: Nachweis,", "title: Zwischennachweis,")), LATER)
    assert (row.title, row.due_on, row.due_version) == (Localized("Nachweis"), date(2023, 5, 1), 1)
    assert row.rule == Localized("Sechs Monate"), "they gave none"
    assert kept(summary) == [
        "Pflicht „Nachweis“ (Zuwendung): Titel bleibt „Nachweis“. In der Datei steht „Zwischennachweis“.",
        "Pflicht „Nachweis“ (Zuwendung): Frist bleibt „2023-05-01“. In der Datei steht „2023-11-30“.",
    ]


# -- who is told, and of what -----------------------------------------------------------------------------------


def test_a_deputy_that_people_chose_stays_and_is_told(radweg: Measure) -> None:
    text = STAFFED.replace("name: Leitung,", "name: Leitung, deputy: koordination@musterstadt.example,")
    account = the(Account, email=LEAD_EMAIL)
    assert counts(take_in(city_of(text), LATER), Outcome.CHANGED) == {Kind.ACCOUNTS: 1}
    assert account.deputy.email == "koordination@musterstadt.example"
    organisations.name_deputy(coordinator(), account, the(Account, email="amt@musterstadt.example").id, now=LATER)
    db.session.commit()
    summary = take_in(city_of(text), LATER)
    assert (summary.changes_nothing, account.deputy.email) == (True, "amt@musterstadt.example")
    assert kept(summary) == [
        "leitung@musterstadt.example: Vertretung bleibt „amt@musterstadt.example“."
        " In der Datei steht „koordination@musterstadt.example“."
    ]
    silent = take_in(city_of(STAFFED), LATER)
    assert (silent.changes_nothing, silent.kept) == (True, [])


def test_that_the_funders_go_by_a_milestone_follows_the_file_until_people_say_otherwise(radweg: Measure) -> None:
    row = milestone("start")
    assert not row.funder_relevant
    text = STAFFED.replace(PLANNED, f"{PLANNED}, funder_relevant: true")
    take_in(city_of(text), LATER)
    assert row.funder_relevant
    assert take_in(city_of(STAFFED), LATER).changes_nothing, "a silent file says nothing against it"
    milestones.edit_milestone(
        coordinator(), row, "Baubeginn", None, funder_relevant=False, seen_version=row.version, now=LATER
    )
    db.session.commit()
    summary = take_in(city_of(text), LATER)
    assert (summary.changes_nothing, row.funder_relevant, len(summary.kept)) == (True, False, 1)


def test_a_day_about_to_be_moved_stays_until_that_is_decided(radweg: Measure) -> None:
    row = milestone("start")
    row.funder_relevant = True
    lead = the(Account, email=LEAD_EMAIL)
    db.session.add(
        MoveRequest(milestone=row, to_on=date(2023, 9, 1), reason="Hochwasser", requested_by=lead, requested_at=LATER)
    )
    db.session.commit()
    text = STAFFED.replace(PLANNED, "planned_on: 2022-06-01, funder_relevant: false")
    take_in(city_of(text), LATER)
    assert (row.planned_on, row.due_version, row.funder_relevant) == (date(2022, 5, 1), 1, True)


def test_a_setting_of_a_programme_that_people_changed_stays_and_is_told(radweg: Measure) -> None:
    klima = radweg.programme
    settings = replace(ladders.settings_of(klima), stale_days=30, approval_days=3)
    ladders.edit_settings(coordinator(), klima, settings, seen=ladders.imprint_of_settings(klima), now=LATER)
    db.session.commit()
    text = STAFFED.replace("    level: state\n", "    level: state\n    stale_days: 90\n")
    summary = take_in(city_of(text), LATER)
    assert (klima.stale_days, klima.approval_days) == (30, 3)
    assert (summary.changes_nothing, kept(summary)) == (
        True,
        ["Kommunaler Klimaschutz: Tage ohne Sachstand bis zur Nachfrage bleibt „30“. In der Datei steht „90“."],
    )


def test_a_ladder_that_people_changed_stays_as_a_whole(radweg: Measure) -> None:
    (step,) = radweg.programme.steps
    facts = replace(ladders.facts_of(step), offset_days=-10)
    ladders.edit_step(coordinator(), step, facts, seen=ladders.imprint_of_step(step), now=LATER)
    db.session.commit()
    text = STAFFED.replace("offset_days: -7, ", "offset_days: -5, ").replace(
        "recipients: [project_lead]}", "recipients: [project_lead]}, {key: neu, offset_days: 0, recipients: [deputy]}"
    )
    summary = take_in(city_of(text), LATER)
    assert [(row.key, row.offset_days) for row in radweg.programme.steps] == [("vorher", -10)]
    assert (summary.changes_nothing, kept(summary)) == (
        True,
        ["Kommunaler Klimaschutz: Die Erinnerungsstufen bleiben, wie sie in Wegmarke geändert wurden."],
    )
