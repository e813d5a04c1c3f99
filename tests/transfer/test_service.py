"""A city file in the database: what is written, what is left alone, and that nothing is half done."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import flask_migrate
import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from app import create_app
from app.accounts.models import Account
from app.audit.models import AuditEvent
from app.calendars.partial_dates import PartialDate
from app.core.clock import start_of
from app.core.database import db
from app.core.localized import Localized
from app.core.transaction import transaction
from app.digests.models import DigestRecipient
from app.grants.models import Grant, Obligation
from app.measures.models import Measure, MeasureEvent
from app.milestones.models import Approval, Milestone
from app.organisations.models import Organisation, Unit
from app.programmes.ladder import DEFAULT_LADDER
from app.programmes.models import Programme, Workflow, WorkflowDraft
from app.reminders.models import ReminderEntry
from app.reminders.service import sweep_all
from app.transfer.format import CityFile
from app.transfer.service import Refused, import_city
from app.transfer.summary import Kind, Outcome
from tests.conftest import settings_for
from tests.factories import NOON
from tests.transfer.arrange import (
    DOCS,
    ISERLOHN,
    LATER,
    STAFFED,
    SYSTEM,
    TABLE,
    counts,
    iserlohn,
    kept,
    log_of,
    measure,
    milestone,
    take_in,
    the,
)
from tests.transfer.cities import CITY, changed, city_of

# -- Iserlohn ---------------------------------------------------------------------------------------------------


@pytest.fixture
def sqlite_app(tmp_path: Path) -> Iterator[Flask]:
    flask = create_app(settings_for(f"sqlite:///{tmp_path / 'wegmarke.db'}", tmp_path))
    with flask.app_context():
        flask_migrate.upgrade()
        yield flask
        db.session.remove()
        db.engine.dispose()


@pytest.fixture(params=["postgresql", "sqlite"])
def either_database(request: pytest.FixtureRequest) -> str:
    request.getfixturevalue("app" if request.param == "postgresql" else "sqlite_app")
    return db.engine.dialect.name


def test_both_files_of_iserlohn_come_in_and_the_second_time_nothing_changes(either_database: str) -> None:
    with transaction():
        first = take_in(iserlohn())
    assert counts(first, Outcome.CREATED) == ISERLOHN
    assert first.kept == []
    for kind, table in TABLE.items():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(table)) == ISERLOHN[kind], kind
    db.session.rollback()
    db.session.expunge_all()
    with transaction():
        second = take_in(iserlohn(), LATER)
    assert second.changes_nothing
    assert counts(second, Outcome.UNCHANGED) == ISERLOHN
    assert second.kept == []


def test_the_second_import_sends_no_write(app: Flask, count_queries: Callable[[], Any]) -> None:
    take_in(iserlohn())
    db.session.commit()
    db.session.expunge_all()
    with count_queries() as queries:
        take_in(iserlohn(), LATER)
        db.session.commit()
    assert queries
    assert [query for query in queries if not query.lstrip().startswith("SELECT")] == []


def test_measures_without_published_facts_stay_unknown(app: Flask) -> None:
    take_in(iserlohn())
    for number in (4, 5):
        row = measure(f"massnahme-{number}")
        assert (row.title, row.status, row.unit, row.lead, row.starts, row.total_cost) == (None,) * 6
        assert str(row.name) == f"Maßnahme {number}: Angaben folgen"
        assert row.current_status is None


def test_the_grant_of_the_bus_is_exact(app: Flask) -> None:
    take_in(iserlohn())
    grant = the(Grant, key="abus")
    assert (grant.amount, grant.total_cost) == (Decimal("2681669.09"), Decimal("3803404.18"))
    assert (grant.rate, grant.notice_count, grant.notice_on) == ("0.7051", 4, date(2020, 5, 28))
    assert (grant.period_starts_on, grant.period_ends_on) == (date(2020, 7, 1), date(2023, 6, 30))
    assert [row.key for row in grant.measures] == ["a-bus"]
    assert {row.key: row.due_on for row in grant.obligations} == {
        "mittelabruf": None,
        "verwendungsnachweis": date(2023, 12, 31),
        "belegaufbewahrung": None,
        "aenderungsmitteilung": None,
    }
    assert grant.sources_for("period_starts")[0].note == Localized(
        "Veröffentlicht ist die Projektlaufzeit; angenommen ist, dass sie der Bewilligungszeitraum ist.",
        "The project period is published; it is assumed to be the grant period.",
    )


def test_a_programme_comes_with_its_rules(app: Flask) -> None:
    take_in(iserlohn())
    programme = the(Programme, key="dmr-nrw")
    assert (programme.state, programme.starts, programme.level) == ("NW", PartialDate(2018, 7), "state")
    assert [(funder.organisation.key, funder.digest_rhythm) for funder in programme.funders] == [
        ("mwide", None),
        ("mhkbd", "quarterly"),
        ("bezirksregierung-arnsberg", None),
    ]
    rules = programme.workflows[-1].rules
    assert (rules.initial, len(rules.statuses), len(rules.transitions), len(rules.fields)) == ("skizze", 10, 9, 18)
    assert rules.transitions["bescheid_erfassen"].guards[0].name == "grant_notice_recorded"
    recipient = the(DigestRecipient, programme_id=programme.id)
    assert (recipient.name, recipient.is_sample) == ("Fördergeber Land", True)
    assert measure("a-bus").current_status == rules.statuses["in_umsetzung"]


def test_a_day_reached_is_an_approval_without_a_request(app: Flask) -> None:
    take_in(iserlohn())
    row = milestone("betrieb")
    assert (row.actual_on, row.approved_at, row.approvals) == (date(2022, 6, 22), NOON, [])
    assert milestone("verwertung").approved_at is None
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Approval)) == 0


def test_a_report_of_an_earlier_period_is_handed_in_on_its_day(app: Flask) -> None:
    take_in(iserlohn())
    handed_in = start_of(date(2023, 1, 12))
    report = measure("a-bus").updates[0]
    assert (report.period, report.state, report.percent) == ("2022-Q4", "released", 80)
    assert (report.submitted_at, report.decided_at, report.created_at) == (handed_in,) * 3
    assert report.author is measure("a-bus").lead
    assert (report.decided_by, report.is_sample) == (None, True)
    submitted = measure("waldstadtlabor").updates[0]
    assert (submitted.state, submitted.decided_at) == ("submitted", None)


def test_what_a_sample_file_adds_is_marked_and_nothing_else(app: Flask) -> None:
    take_in(iserlohn())
    bus = measure("a-bus")
    assert (bus.is_sample, bus.sample_fields) == (False, ["lead"])
    assert bus.is_sample_field("lead")
    assert not bus.is_sample_field("title")
    assert (milestone("betrieb").is_sample, milestone("betrieb").sample_fields) == (False, ["reached_on"])
    assert milestone("informationssystem").sample_fields == ["forecast_on"]
    assert milestone("verwertung").sample_fields == []
    assert milestone("beispiel-ausschreibung").is_sample
    assert all(account.is_sample and account.is_trial_role for account in db.session.scalars(sa.select(Account)))
    assert not the(Programme, key="mpsc").is_sample
    assert not the(Unit, key="gis").is_sample


def test_an_event_is_sorted_by_the_last_day_it_can_mean(app: Flask) -> None:
    take_in(iserlohn())
    event = the(MeasureEvent, happened=PartialDate(2023, 22))
    assert event.sort_on == date(2023, 8, 31)
    assert event.sources_for("title")


def test_units_know_the_unit_above_whatever_the_order(app: Flask) -> None:
    upside_down = changed("  - {key: planung, name: Planungsamt}\n", "").replace(
        "accounts:\n", "  - {key: planung, name: Planungsamt}\naccounts:\n"
    )
    take_in(city_of(upside_down))
    assert [unit.key for unit in the(Unit, key="strassen").with_parents()] == ["strassen", "planung"]


def test_each_new_group_is_one_line_of_the_log(app: Flask) -> None:
    take_in(iserlohn())
    bus = measure("a-bus")
    (line,) = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.scope_id == bus.id))
    assert (str(line.sentence), line.actor_name, line.actor_id, line.at) == (
        "Beim Import angelegt: a-BUS Iserlohn – New Mobility Lab",
        "flask programmes import",
        None,
        NOON,
    )
    assert len(log_of(the(Programme, key="mpsc"))) == 1
    assert db.session.scalar(sa.select(sa.func.count()).select_from(AuditEvent)) == 2 + 6 + 10 + 6 + 9


def test_the_log_names_what_changed(app: Flask) -> None:
    take_in(city_of(CITY))
    summary = take_in(city_of(changed("{de: Radweg, en: Cycle path}", "{de: Radschnellweg, en: Cycle path}")), LATER)
    assert counts(summary, Outcome.CHANGED) == {Kind.MEASURES: 1}
    assert counts(summary, Outcome.CREATED) == {}
    row = measure("radweg")
    assert (row.title, row.sort_key) == (Localized("Radschnellweg", "Cycle path"), "radschnellweg")
    _, line = log_of(row)
    assert str(line.sentence) == "Beim Import geändert: Radschnellweg"
    assert line.changes == [{"field": "title", "from": "Radweg", "to": "Radschnellweg"}]
    assert line.scope_id == row.id


def test_a_changed_title_updates_one_row(app: Flask, count_queries: Callable[[], Any]) -> None:
    take_in(city_of(CITY))
    db.session.commit()
    with count_queries() as queries:
        take_in(city_of(changed("{de: Radweg, en: Cycle path}", "Radschnellweg")), LATER)
        db.session.commit()
    writes = [query.split()[:3] for query in queries if not query.lstrip().startswith("SELECT")]
    assert sorted(" ".join(write) for write in writes) == ["INSERT INTO audit_event", "UPDATE measure SET"]


def test_a_fact_that_the_file_no_longer_states_is_unknown_again(app: Flask) -> None:
    take_in(city_of(CITY))
    take_in(city_of(changed("    starts: 2022-01\n", "")), LATER)
    assert measure("radweg").starts is None


# -- another city -----------------------------------------------------------------------------------------------


def test_another_city_needs_a_file_and_no_code(app: Flask) -> None:
    (example,) = re.findall(r"## A new city.*?```yaml\n(.*?)```", (DOCS / "import-format.md").read_text(), re.DOTALL)
    summary = take_in(city_of(example))
    assert counts(summary, Outcome.CREATED) == {
        Kind.PROGRAMMES: 1,
        Kind.MEASURES: 1,
        Kind.ORGANISATIONS: 1,
        Kind.UNITS: 1,
        Kind.WORKFLOWS: 1,
        Kind.REMINDER_STEPS: len(DEFAULT_LADDER),
    }
    organisation = the(Organisation, kind="city")
    assert (organisation.key, organisation.state, organisation.time_zone) == ("musterstadt", "HE", "Europe/Berlin")
    assert the(Programme, key="klimaschutz").state == "HE"
    tables = (table for table in db.metadata.sorted_tables if table.name != "alembic_version")
    stored = " ".join(str(row) for table in tables for row in db.session.execute(sa.select(table)))
    assert "Radweg am Fluss" in stored
    assert "iserlohn" not in stored.lower()


def test_a_second_city_is_refused(app: Flask) -> None:
    take_in(city_of(CITY))
    with pytest.raises(Refused) as refused:
        take_in(city_of(changed("key: musterstadt", "key: anderswo")))
    (finding,) = refused.value.findings
    assert (finding.path, str(finding.message)) == (
        "city.key",
        "Hier ist schon die Stadt „musterstadt“ gespeichert. Eine zweite braucht eine eigene Datenbank.",
    )


def test_without_steps_of_its_own_a_programme_has_the_default_ladder(app: Flask) -> None:
    take_in(city_of(CITY))
    steps = {step.key: step for step in the(Programme, key="anderes").steps}
    assert list(steps) == [rung.key for rung in DEFAULT_LADDER]
    assert [step.offset_days for step in steps.values()] == [-30, -14, -7, -1, 0, 7, 21]
    assert all(steps[key].recipients == ["project_lead"] for key in list(steps)[:5])
    assert (steps["overdue"].repeat_days, steps["overdue"].recipients) == (7, ["project_lead", "department_head"])
    assert (steps["escalated"].repeat_days, steps["escalated"].recipients) == (7, ["coordinator"])


def test_steps_are_exactly_those_of_the_file(app: Flask) -> None:
    step = "reminder_steps: [{key: vorher, offset_days: -7, recipients: [project_lead]}]"
    take_in(city_of(CITY))
    summary = take_in(
        city_of(changed(step, "reminder_steps: [{key: spaeter, offset_days: 3, recipients: [coordinator]}]"))
    )
    klima = the(Programme, key="klima")
    assert [(row.key, row.offset_days) for row in klima.steps] == [("spaeter", 3)]
    assert (counts(summary, Outcome.CREATED), counts(summary, Outcome.REMOVED)) == (
        {Kind.REMINDER_STEPS: 1},
        {Kind.REMINDER_STEPS: 1},
    )
    take_in(city_of(changed(step, "reminder_steps: []")))
    assert klima.steps == []


STEP = "reminder_steps: [{key: vorher, offset_days: -7, recipients: [project_lead]}]"


def test_a_step_comes_with_everything_the_file_says_and_keeps_people_it_says_nothing_of(app: Flask) -> None:
    people = "people: [leitung@musterstadt.example, Leitung@musterstadt.example]"
    full = f"""reminder_steps:
      - key: vorher
        offset_days: 3
        working_days: true
        repeat_days: 5
        recipients: [deputy, administrator]
        {people}
        wording: {{de: Bitte melden Sie sich., en: Please get in touch.}}"""
    take_in(city_of(changed(STEP, full)))
    (step,) = the(Programme, key="klima").steps
    facts = (step.offset_days, step.working_days, step.repeat_days, step.recipients)
    assert facts == (3, True, 5, ["deputy", "administrator"])
    assert step.wording == Localized("Bitte melden Sie sich.", "Please get in touch.")
    assert [person.email for person in step.named] == ["leitung@musterstadt.example"]
    assert take_in(city_of(changed(STEP, full)), LATER).changes_nothing
    silent = full.replace(f"        {people}\n", "")
    assert take_in(city_of(changed(STEP, silent)), LATER).changes_nothing
    assert len(step.named) == 1
    nobody = take_in(city_of(changed(STEP, full.replace(people, "people: []"))), LATER)
    assert (counts(nobody, Outcome.CHANGED), step.named) == ({Kind.REMINDER_STEPS: 1}, [])
    take_in(city_of(CITY), LATER)
    assert (step.offset_days, step.working_days, step.repeat_days, step.wording) == (-7, False, None, None)


def test_a_step_that_moves_reminds_nobody_again_and_one_that_goes_leaves_its_lines(app: Flask) -> None:
    def told() -> list[str]:
        return sorted(db.session.scalars(sa.select(ReminderEntry.step)))

    def sweep(day: int) -> None:
        sweep_all(NOON.replace(day=day))
        db.session.commit()

    soon = changed("planned_on: 2022-05-01", "planned_on: 2023-03-20")
    silent = soon[soon.index("    updates:\n") :]
    soon = soon.replace(silent, "").replace("    level: state\n", "    level: state\n    update_due_days: 180\n")
    take_in(city_of(soon))
    sweep(15)
    assert told() == ["vorher"]
    take_in(city_of(soon.replace("offset_days: -7", "offset_days: -4")), NOON)
    sweep(16)
    assert told() == ["vorher"]
    take_in(city_of(soon.replace(STEP, STEP.replace("vorher", "neu"))), NOON)
    assert told() == ["vorher"]
    sweep(17)
    assert told() == ["neu", "vorher"]


def test_deputies_may_be_new_or_known_and_stand_in_for_each_other(app: Flask) -> None:
    def deputies() -> dict[str, str | None]:
        accounts = db.session.scalars(sa.select(Account).order_by(Account.email))
        return {row.email.split("@")[0]: row.deputy and row.deputy.email.split("@")[0] for row in accounts}

    def with_deputies(text: str, **deputy: str) -> CityFile:
        for name, other in deputy.items():
            text = text.replace(f"email: {name}@", f"deputy: {other}@musterstadt.example, email: {name}@", 1)
        return city_of(text)

    take_in(with_deputies(STAFFED, leitung="amt", amt="leitung"))
    db.session.commit()
    assert deputies() == {"amt": "leitung", "koordination": None, "leitung": "amt"}
    ring = with_deputies(STAFFED, leitung="koordination", koordination="leitung", amt="koordination")
    summary = take_in(ring, LATER)
    db.session.commit()
    assert counts(summary, Outcome.CHANGED) == {Kind.ACCOUNTS: 3}
    assert deputies() == {"amt": "koordination", "koordination": "leitung", "leitung": "koordination"}
    assert log_of(the(Account, email="koordination@musterstadt.example"))[-1].changes == [
        {"field": "deputy", "from": None, "to": "leitung@musterstadt.example"}
    ]
    assert take_in(ring, LATER).changes_nothing
    assert take_in(city_of(STAFFED), LATER).changes_nothing
    newcomer = "  - {email: neu@musterstadt.example, name: Neu, deputy: amt@musterstadt.example}\nprogrammes:\n"
    last = take_in(with_deputies(STAFFED.replace("programmes:\n", newcomer, 1), amt="neu"), LATER)
    assert (counts(last, Outcome.CREATED), counts(last, Outcome.CHANGED)) == ({Kind.ACCOUNTS: 1}, {Kind.ACCOUNTS: 1})
    assert (deputies()["neu"], deputies()["amt"]) == ("amt", "neu")


def test_a_funder_that_the_file_no_longer_has_reads_and_gets_nothing_any_more(app: Flask) -> None:
    digest = "digest: {rhythm: quarterly, recipients: [{email: bericht@ministerium.example}]}"
    take_in(city_of(changed("digest: {rhythm: quarterly}", digest)))
    assert the(DigestRecipient).email == "bericht@ministerium.example"
    summary = take_in(
        city_of(changed("funders: [{organisation: umweltministerium, digest: {rhythm: quarterly}}]", "funders: []"))
    )
    assert counts(summary, Outcome.REMOVED) == {Kind.FUNDERS: 1, Kind.RECIPIENTS: 1}
    assert the(Programme, key="klima").funders == []
    assert db.session.scalars(sa.select(DigestRecipient)).all() == []


def test_recipients_are_those_of_the_file_where_it_names_any(app: Flask) -> None:
    first = "digest: {rhythm: quarterly, recipients: [{email: a@ministerium.example}]}"
    take_in(city_of(changed("digest: {rhythm: quarterly}", first)))
    silent = take_in(city_of(CITY))
    assert (counts(silent, Outcome.REMOVED), the(DigestRecipient).email) == ({}, "a@ministerium.example")
    take_in(city_of(changed("digest: {rhythm: quarterly}", first.replace("a@", "b@"))))
    assert the(DigestRecipient).email == "b@ministerium.example"


def test_a_corrected_event_does_not_stand_there_twice(app: Flask) -> None:
    def with_event(title: str) -> CityFile:
        return city_of(
            changed("    updates:\n", f"    events: [{{on: 2022, kind: event, title: {title}}}]\n    updates:\n")
        )

    take_in(with_event("Spatenstich"))
    summary = take_in(with_event("Erster Spatenstich"))
    assert [event.title.de for event in measure("radweg").events] == ["Erster Spatenstich"]
    assert counts(summary, Outcome.REMOVED) == {Kind.EVENTS: 1}
    silent = take_in(city_of(CITY))
    assert counts(silent, Outcome.REMOVED) == {}


def test_a_moved_obligation_reminds_anew(app: Flask) -> None:
    def due(day: str) -> CityFile:
        obligation = f"{{key: nachweis, kind: proof_of_use, title: Nachweis{day}}}"
        return city_of(
            changed("    measures: [radweg]\n", f"    measures: [radweg]\n    obligations: [{obligation}]\n")
        )

    take_in(due(""))
    row = the(Obligation)
    assert (row.due_on, row.due_version) == (None, 1)
    take_in(due(", due_on: 2023-06-30"))
    assert (row.due_on, row.due_version) == (date(2023, 6, 30), 1)
    take_in(due(", due_on: 2023-07-31"))
    assert (row.due_on, row.due_version) == (date(2023, 7, 31), 2)


def test_a_grant_covers_the_measures_of_the_file(app: Flask) -> None:
    take_in(city_of(CITY))
    second = changed("measures: [radweg]", "measures: [radweg, steg]") + "  - {key: steg, programme: klima}\n"
    take_in(city_of(second))
    db.session.flush()
    assert {row.key for row in the(Grant).measures} == {"radweg", "steg"}
    take_in(city_of(CITY))
    assert {row.key for row in the(Grant).measures} == {"radweg"}


# -- workflow versions ------------------------------------------------------------------------------------------

NEW_VERSION = changed("      initial: geplant\n", "      version: 2\n      initial: geplant\n").replace(
    "de: Geplant", "de: Vorgesehen"
)


def test_a_published_version_does_not_change(app: Flask) -> None:
    take_in(city_of(CITY))
    with pytest.raises(Refused) as refused:
        take_in(city_of(changed("de: Geplant", "de: Vorgesehen")))
    (finding,) = refused.value.findings
    assert (finding.path, str(finding.message)) == (
        "programmes[0].workflow.version",
        "Version 1 ist veröffentlicht und lässt sich nicht mehr ändern; erhöhen Sie die Version.",
    )


def test_a_higher_version_is_for_new_measures_only(app: Flask) -> None:
    take_in(city_of(CITY))
    summary = take_in(city_of(NEW_VERSION + "  - {key: steg, programme: klima, status: geplant}\n"), LATER)
    assert counts(summary, Outcome.CREATED) == {Kind.WORKFLOWS: 1, Kind.MEASURES: 1}
    assert (measure("radweg").workflow.version, measure("steg").workflow.version) == (1, 2)
    labels = [row.rules.statuses["geplant"].label.de for row in the(Programme, key="klima").workflows]
    assert labels == ["Geplant", "Vorgesehen"]
    assert the(Workflow, version=2).published_at == LATER


def test_a_file_with_the_older_version_is_in_order_and_new_measures_still_get_the_newest(app: Flask) -> None:
    take_in(city_of(NEW_VERSION.replace("version: 2", "version: 1")))
    take_in(city_of(NEW_VERSION.replace("key: umgesetzt,", "key: fertig,").replace("to: umgesetzt", "to: fertig")))
    older = NEW_VERSION.replace("version: 2", "version: 1")
    take_in(city_of(older + "  - {key: steg, programme: klima, status: geplant}\n"))
    assert measure("steg").workflow.version == 2
    with pytest.raises(Refused) as refused:
        take_in(city_of(older + "  - {key: furt, programme: klima, status: umgesetzt}\n"))
    (finding,) = refused.value.findings
    assert (finding.path, str(finding.message)) == (
        "measures[1].status",
        "Version 2 des Ablaufs hat den Status „umgesetzt“ nicht.",
    )


FIELDS = "      fields:\n        - {key: zahl, label: {de: Zahl, en: Number}, type: text}\n      initial: geplant\n"
FIRST = changed("      initial: geplant\n", FIELDS)


def test_a_field_keeps_the_type_it_was_published_with(app: Flask) -> None:
    take_in(city_of(FIRST))
    second = FIRST.replace("      fields:\n", "      version: 2\n      fields:\n")
    with pytest.raises(Refused) as refused:
        take_in(city_of(second.replace("type: text", "type: date")))
    (finding,) = refused.value.findings
    assert (finding.path, str(finding.message)) == (
        "programmes[0].workflow.fields[0].type",
        "die Art bleibt „kurzer Text“, denn Maßnahmen haben hier schon Werte; legen Sie sonst ein neues Feld an",
    )
    take_in(city_of(second.replace("de: Zahl, en: Number", "de: Anzahl, en: Count")))
    assert [row.version for row in the(Programme, key="klima").workflows] == [1, 2]


def test_a_version_below_the_published_ones_is_refused(app: Flask) -> None:
    take_in(city_of(NEW_VERSION.replace("version: 2", "version: 5")))
    with pytest.raises(Refused, match="passt nicht"):
        take_in(city_of(NEW_VERSION.replace("version: 2", "version: 3")))


def test_another_source_of_a_step_is_no_new_workflow(app: Flask) -> None:
    take_in(city_of(CITY))
    step = "label: {de: Abschließen, en: Finish}, roles: [project_lead]"
    summary = take_in(city_of(changed(step, f"{step}, sources: ['https://example.org']")))
    assert summary.changes_nothing
    assert kept(summary) == [
        "Kommunaler Klimaschutz: Die Quellen im Ablauf, Version 1, bleiben bis zur nächsten Version."
    ]


# -- drafts -----------------------------------------------------------------------------------------------------


def test_a_draft_is_left_alone_and_told_when_a_version_comes_in(app: Flask) -> None:
    take_in(city_of(STAFFED))
    klima = the(Programme, key="klima")
    definition = {**klima.workflows[0].definition, "initial": "umgesetzt"}
    db.session.add(WorkflowDraft(programme=klima, definition=definition, based_on=1, edited_at=NOON))
    db.session.commit()
    silent = take_in(city_of(STAFFED), LATER)
    assert (silent.changes_nothing, silent.kept) == (True, [])
    newer = STAFFED.replace("de: Geplant,", "de: Vorgesehen,").replace(
        "    workflow:\n      initial: geplant", "    workflow:\n      version: 2\n      initial: geplant"
    )
    summary = take_in(city_of(newer), LATER)
    draft = the(WorkflowDraft)
    assert (draft.definition, draft.based_on, draft.version) == (definition, 1, 1)
    assert kept(summary) == [
        "Kommunaler Klimaschutz: Der Entwurf des Ablaufs bleibt, wie er ist; veröffentlicht ist jetzt Version 2."
    ]
    (line,) = log_of(the(Workflow, version=2))
    assert (str(line.sentence), line.actor_name) == (
        "Beim Import angelegt: Ablauf, Version 2",
        "flask programmes import",
    )


# -- all or nothing ---------------------------------------------------------------------------------------------


def test_a_value_that_the_database_refuses_leaves_nothing_behind(app: Flask) -> None:
    db.session.execute(sa.text("ALTER TABLE milestone ADD CONSTRAINT no_poison CHECK (key <> 'rahmenplan-gift')"))
    db.session.commit()
    poisoned = city_of(changed("milestones: [{key: start,", "milestones: [{key: rahmenplan-gift,"))
    with pytest.raises(IntegrityError, match="no_poison"), transaction():
        take_in(poisoned)
    for table in (Organisation, Unit, Account, Programme, Workflow, Measure, Milestone, Grant, AuditEvent):
        assert db.session.scalar(sa.select(sa.func.count()).select_from(table)) == 0, table


def test_a_refused_file_writes_nothing_of_the_sound_rest(app: Flask) -> None:
    take_in(city_of(CITY))
    db.session.commit()
    wrong = changed("de: Geplant", "de: Vorgesehen").replace("Planungsamt", "Amt für Planung")
    with pytest.raises(Refused), transaction():
        take_in(city_of(wrong))
    assert the(Unit, key="planung").name.de == "Planungsamt"


def test_whoever_saves_at_the_same_time_is_not_overwritten(app: Flask) -> None:
    take_in(city_of(CITY))
    db.session.commit()
    row = measure("radweg")
    assert row.version == 1
    db.session.execute(sa.update(Measure).values(version=2), execution_options={"synchronize_session": False})
    with pytest.raises(StaleDataError), transaction():
        import_city(SYSTEM, city_of(changed("{de: Radweg, en: Cycle path}", "Anders")), now=LATER)
    assert measure("radweg").title == Localized("Radweg", "Cycle path")


def test_letters_that_fold_to_several_and_titles_alike_but_for_accents_fit(app: Flask) -> None:
    long = "ß" * 300
    take_in(city_of(changed("{de: Radweg, en: Cycle path}", long)))
    assert measure("radweg").sort_key == "s" * 300


# -- size -------------------------------------------------------------------------------------------------------


def big_city(measures: int) -> CityFile:
    def one(number: int) -> str:
        steps = "".join(
            f"      - {{key: s{step}, title: Schritt {step}, planned_on: 2024-01-0{step}}}\n" for step in range(1, 4)
        )
        return f"  - key: m{number}\n    programme: klima\n    unit: strassen\n    milestones:\n{steps}"

    return city_of(CITY + "".join(one(number) for number in range(measures)))


def test_an_import_asks_no_question_per_row(app: Flask, count_queries: Callable[[], Any]) -> None:
    def statements(city: CityFile) -> int:
        db.session.expunge_all()
        with count_queries() as queries:
            take_in(city)
        return len(queries)

    few, many = big_city(3), big_city(150)
    empty = statements(few)
    assert empty < 40
    grown = statements(many)
    assert grown < 40
    assert statements(many) <= 25
    moved = city_of(CITY.replace("unit: strassen\n    lead", "unit: planung\n    lead"))
    assert statements(moved) <= 25
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Milestone)) == 1 + 150 * 3
