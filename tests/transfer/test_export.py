"""A programme written as a city file: read back it is the same, whatever is in it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import time
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.core.database import db
from app.core.localized import Localized
from app.organisations.models import Organisation
from app.programmes import soundness
from app.programmes.ladder import Audience
from app.programmes.models import Programme, ReminderStep, Workflow
from app.transfer import service
from app.transfer.export import as_yaml, workflow
from app.transfer.reading import read
from app.transfer.workflows import definition
from app.transfer.yaml_text import written
from tests.transfer.arrange import LATER, iserlohn, kept, take_in, the
from tests.transfer.cities import CITY, changed, city_of, read_text
from tests.transfer.definitions import LETTERS, LINES, definitions, in_languages

HEAD = """\
format: 1
city: {key: musterstadt, name: Musterstadt, state: HE}
"""


def file_of(wanted: dict[str, Any]) -> str:
    programme = {"key": "klima", "name": "Klima", "level": "state", "workflow": workflow(3, wanted)}
    return HEAD + written({"programmes": [programme]}, "Nur ein Programm")


def back(wanted: dict[str, Any]) -> dict[str, Any]:
    (programme,) = city_of(file_of(wanted)).programmes
    assert programme.workflow.version == 3
    return definition(programme.workflow)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(definitions())
def test_a_sound_definition_survives_the_way_through_a_file_exactly(wanted: dict[str, Any]) -> None:
    assert not soundness.has_errors(soundness.findings(wanted))
    assert back(wanted) == wanted


def with_label(label: str) -> dict[str, Any]:
    status = {"key": "s0", "label": {"de": label}, "category": "running", "final": True}
    return {"initial": "s0", "fields": [], "statuses": [status], "transitions": []}


@pytest.mark.parametrize(
    "label",
    [
        "ja: nein", "# kein Kommentar", "on", "no", "null", "~", "12", "0.5", "07:00", "2023-06-30", "2023", "*",
        "&x", "- x", "{de: x}", "[1]", "'", '"', "\\n", "a: b, c", "!!str x", "<<", "%", "@", "`", "?", "…",
        "ß" * 200, "wort " * 50 + "ende", "zwei  Leerzeichen " * 9 + "ende", "<b onclick=x>&amp;", "\u2028x",
        "\ufeffx", "a\x85b", "\U0001f6b2 Rad", "a\tb", "= ", "=", "true", "0x1F", "1_000", "1e3", ".5", "a #b",
    ],
)  # fmt: skip
def test_no_wording_reads_as_something_else(label: str) -> None:
    assert back(with_label(label.strip())) == with_label(label.strip())


@given(st.lists(st.text(LETTERS, max_size=150), max_size=6).map("\n".join).map(str.strip).filter(bool))
@example("eins\n\n\nzwei")
@example("eins\n  eingerückt\nzwei")
@example("eins  \nzwei " + "w " * 80 + "ende")
def test_a_text_of_several_lines_keeps_every_one(words: str) -> None:
    wanted = with_label("x")
    wanted["statuses"][0]["expectation"] = {"de": words, "en": words}
    assert back(wanted) == wanted


def test_a_file_reads_like_one_that_people_wrote() -> None:
    long = "Meilensteine erreichen und freigeben lassen, berichten und am Ende des Quartals Mittel abrufen. " * 2
    wanted = with_label("Läuft: ja")
    wanted["statuses"][0] |= {
        "label": {"de": "Läuft: ja", "en": "Running"},
        "expectation": {"de": long.strip(), "en": "Report"},
        "field_rules": [{"field": "summary", "rule": "required", "roles": ["coordinator"]}],
    }
    wanted["transitions"] = [
        {
            "key": "t0",
            "from": "s0",
            "to": "s0",
            "label": {"de": "Weiter", "en": "Next"},
            "roles": ["coordinator", "project_lead"],
            "guards": [{"guard": "note_given"}, {"guard": "evidence_attached"}],
            "fields": [],
            "four_eyes": True,
            "basis": "design",
            "sources": {"*": [{"address": "https://example.org", "confidence": None, "note": None}]},
        }
    ]
    assert written({"format": 1, "workflow": workflow(2, wanted)}, "Ein Kopf") == (
        "# Ein Kopf\n"
        "format: 1\n"
        "\n"
        "workflow:\n"
        "  version: 2\n"
        "  initial: s0\n"
        "  statuses:\n"
        "    - key: s0\n"
        '      label: {de: "Läuft: ja", en: Running}\n'
        "      category: running\n"
        "      final: true\n"
        "      expectation:\n"
        "        de: >-\n"
        "          Meilensteine erreichen und freigeben lassen, berichten und am Ende des Quartals Mittel abrufen."
        " Meilensteine\n"
        "          erreichen und freigeben lassen, berichten und am Ende des Quartals Mittel abrufen.\n"
        "        en: Report\n"
        "      field_rules:\n"
        "        - {field: summary, rule: required, roles: [coordinator]}\n"
        "  transitions:\n"
        "    - key: t0\n"
        "      from: s0\n"
        "      to: s0\n"
        "      label: {de: Weiter, en: Next}\n"
        "      roles: [coordinator, project_lead]\n"
        "      guards: [{guard: note_given}, {guard: evidence_attached}]\n"
        "      four_eyes: true\n"
        "      basis: design\n"
        "      sources:\n"
        "        - https://example.org\n"
    )


# -- a programme that is stored ---------------------------------------------------------------------------------


def empty_database() -> None:
    """As before the first import: the rows of the test's own transaction go, published versions too."""
    db.session.rollback()
    for table in reversed(db.metadata.sorted_tables):
        db.session.execute(sa.text(f'ALTER TABLE "{table.name}" DISABLE TRIGGER USER'))
        db.session.execute(sa.delete(table))
        db.session.execute(sa.text(f'ALTER TABLE "{table.name}" ENABLE TRIGGER USER'))
    db.session.expunge_all()


@pytest.mark.parametrize("key", ["dmr-nrw", "mpsc"])
def test_a_real_programme_goes_out_and_comes_back_the_same(app: Flask, key: str) -> None:
    take_in(iserlohn())
    first = service.export(key)
    reading = read([("export.yaml", first.yaml.encode())])
    assert reading.findings == ()
    assert reading.city is not None
    assert (reading.city.accounts, reading.city.measures, reading.city.grants) == ([], [], [])
    summary = take_in(reading.city, LATER)
    assert (summary.changes_nothing, summary.kept) == (True, [])
    empty_database()
    take_in(reading.city, LATER)
    assert service.export(key) == first


def test_an_export_names_nobody(app: Flask) -> None:
    recipients = "digest: {rhythm: quarterly, recipients: [{email: a@ministerium.example, name: Frau Muster}]}"
    take_in(city_of(changed("digest: {rhythm: quarterly}", recipients)))
    exported = service.export("klima").yaml
    assert "digest: {rhythm: quarterly}" in exported
    assert "@" not in exported
    assert "Muster" not in exported.replace("Musterstadt", "")
    take_in(city_of(exported))
    assert db.session.scalar(sa.text("SELECT count(*) FROM digest_recipient")) == 1


def test_what_is_switched_off_or_empty_stays_so(app: Flask) -> None:
    text = changed(
        "reminder_steps: [{key: vorher, offset_days: -7, recipients: [project_lead]}]",
        "reminder_steps: []\n    emergency_override: true\n"
        "    starts: 2018\n    ends: 2023-22\n    send_time: '6:30'",
    )
    take_in(city_of(text))
    exported = service.export("klima").yaml
    for line in ("reminder_steps: []", "emergency_override: true", "starts: 2018", "ends: 2023-22"):
        assert f"    {line}\n" in exported
    assert '    send_time: "06:30"\n' in exported
    assert take_in(city_of(exported)).changes_nothing


STEPS = """\
reminder_steps:
      - key: spaet
        offset_days: 7
        working_days: true
        repeat_days: 14
        recipients: [deputy, administrator]
        people: [leitung@musterstadt.example]
        wording: {de: "Frist, jetzt:", en: Overdue}
      - {key: nur-sie, offset_days: 0, people: [leitung@musterstadt.example]}
    stale_days: 45"""


def test_steps_go_out_without_the_people_they_name_and_come_back_without_losing_them(app: Flask) -> None:
    take_in(city_of(changed("reminder_steps: [{key: vorher, offset_days: -7, recipients: [project_lead]}]", STEPS)))
    first = service.export("klima")
    assert (
        "    stale_days: 45\n"
        "    reminder_steps:\n"
        "      - {key: nur-sie, offset_days: 0, recipients: []}\n"
        "      - key: spaet\n"
        "        offset_days: 7\n"
        "        working_days: true\n"
        "        repeat_days: 14\n"
        "        recipients: [deputy, administrator]\n"
        '        wording: {de: "Frist, jetzt:", en: Overdue}\n'
        "    workflow:\n"
    ) in first.yaml
    assert "@" not in first.yaml
    summary = take_in(city_of(first.yaml), LATER)
    assert (summary.changes_nothing, summary.kept) == (True, [])
    named = {step.key: [person.email for person in step.named] for step in the(Programme, key="klima").steps}
    assert named == {"nur-sie": ["leitung@musterstadt.example"], "spaet": ["leitung@musterstadt.example"]}
    empty_database()
    take_in(city_of(first.yaml), LATER)
    assert service.export("klima") == first


@st.composite
def ladders(draw: st.DrawFn) -> list[ReminderStep]:
    steps = []
    for number in range(draw(st.integers(0, 5))):
        offset = draw(st.integers(-365, 365))
        words = draw(st.none() | in_languages(LINES))
        steps.append(
            ReminderStep(
                key=f"stufe-{number}",
                offset_days=offset,
                working_days=draw(st.booleans()),
                repeat_days=draw(st.none() | st.integers(1, 365)) if offset > 0 else None,
                recipients=draw(st.lists(st.sampled_from([str(part) for part in Audience]), min_size=1, unique=True)),
                wording=Localized(words["de"], words.get("en")) if words else None,
            )
        )
    return steps


def programme_with(steps: list[ReminderStep], stale_days: int | None) -> Programme:
    return Programme(
        key="klima",
        name=Localized("Klima"),
        level="state",
        time_zone="Europe/Berlin",
        send_time=time(7),
        update_rhythm="quarterly",
        update_due_days=14,
        approval_days=5,
        stale_days=stale_days,
        emergency_override=False,
        sources={},
        sample_fields=[],
        steps=steps,
    )


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(ladders(), st.none() | st.integers(1, 1000))
def test_any_ladder_survives_the_way_through_a_file_exactly(
    app: Flask, steps: list[ReminderStep], stale_days: int | None
) -> None:
    city = Organisation(key="stadt", name=Localized("Stadt"), state="NW", time_zone="Europe/Berlin", sources={})
    wanted = with_label("x")
    text = as_yaml(city, programme_with(steps, stale_days), 1, wanted)
    (entry,) = city_of(text).programmes
    assert entry.stale_days == stale_days
    assert entry.reminder_steps is not None
    facts = ("key", "offset_days", "working_days", "repeat_days", "recipients", "wording")
    back = [ReminderStep(**{name: getattr(step, name) for name in facts}) for step in entry.reminder_steps]
    assert {step.key: [getattr(step, name) for name in facts] for step in back} == {
        step.key: [getattr(step, name) for name in facts] for step in steps
    }
    assert as_yaml(city, programme_with(back, entry.stale_days), 1, wanted) == text


def test_sample_data_never_comes_out_as_published(app: Flask) -> None:
    take_in(city_of(CITY))
    assert "sample: false\n" in service.export("klima").yaml
    sample = "format: 1\nsample: true\nprogrammes: [{key: klima, short_name: Klima}]\n"
    take_in(city_of(CITY, sample))
    assert "sample: true\n" in service.export("klima").yaml


def test_an_older_version_can_be_had(app: Flask) -> None:
    take_in(city_of(CITY))
    klima = the(Programme, key="klima")
    newer = {**klima.workflows[0].definition, "initial": "umgesetzt"}
    db.session.add(Workflow(programme=klima, version=4, definition=newer, published_at=LATER))
    db.session.commit()
    db.session.expire_all()
    assert service.export("klima").version == 4
    assert "initial: umgesetzt\n" in service.export("klima").yaml
    assert "initial: geplant\n" in service.export("klima", 1).yaml


def test_steps_without_sources_of_an_editor_tell_nothing(app: Flask) -> None:
    """The editor leaves out what a file has as an empty list; both ask the same."""
    take_in(city_of(CITY))
    klima = the(Programme, key="klima")
    bare = {**klima.workflows[0].definition}
    bare["transitions"] = [{k: v for k, v in row.items() if k != "guards"} for row in bare["transitions"]]
    db.session.add(Workflow(programme=klima, version=2, definition=bare, published_at=LATER))
    db.session.commit()
    db.session.expire_all()
    summary = take_in(city_of(service.export("klima").yaml))
    assert (summary.changes_nothing, kept(summary)) == (True, [])


def test_everything_a_programme_has_is_exported(app: Flask) -> None:
    """A column added to the programme must not be forgotten here."""
    take_in(iserlohn())
    exported = service.export("dmr-nrw").yaml
    names = set(re.findall(r"^    (?:  )?(?:- )?(\w+):", exported, re.MULTILINE))
    columns = set(sa.inspect(Programme).columns.keys())
    elsewhere = {"id", "is_sample", "sample_fields", "state", "emergency_override", "stale_days"}
    assert columns - elsewhere <= names | {"key"}


def test_a_broken_draft_is_written_as_far_as_it_goes() -> None:
    assert workflow(1, {"initial": "", "statuses": [], "transitions": [], "fields": []}) == {
        "version": 1,
        "initial": "",
        "statuses": [],
    }
    half = with_label("x") | {"initial": "weg"}
    half["transitions"] = [{"key": "t", "from": "weg", "to": "s0", "label": {"de": "T"}, "roles": []}]
    reading = read_text(file_of(half))
    assert {finding.path for finding in reading.findings if finding.level == "error"} == {
        "programmes[0].workflow.initial",
        "programmes[0].workflow.transitions[0].from",
        "programmes[0].workflow.transitions[0].roles",
    }


# -- the command ------------------------------------------------------------------------------------------------


@pytest.fixture
def run(app: Flask) -> Callable[..., Any]:
    take_in(iserlohn())
    db.session.commit()

    def invoke(*arguments: str | Path) -> Any:
        return app.test_cli_runner().invoke(args=["programmes", "export", *map(str, arguments)])

    return invoke


def test_the_command_prints_or_writes_the_file(run: Callable[..., Any], tmp_path: Path) -> None:
    printed = run("mpsc")
    assert (printed.exit_code, printed.stderr) == (0, "")
    assert printed.stdout == service.export("mpsc").yaml
    assert run("mpsc", "--output", "-").stdout == printed.stdout
    path = tmp_path / "mpsc.yaml"
    assert run("mpsc", "--output", path).stdout == ""
    assert path.read_text(encoding="utf-8") == printed.stdout
    away = run("mpsc", "--output", tmp_path / "kein" / "ordner.yaml")
    assert away.exit_code == 1
    assert "lässt sich nicht schreiben" in away.stderr


def test_the_command_as_json(run: Callable[..., Any]) -> None:
    told = json.loads(run("mpsc", "--version", "1", "--json").stdout)
    assert told == {"programme": "mpsc", "version": 1, "yaml": service.export("mpsc").yaml}


def test_what_is_not_there_is_said_with_what_was_meant(run: Callable[..., Any]) -> None:
    unknown = run("mpcs")
    assert (unknown.exit_code, unknown.stdout) == (1, "")
    assert unknown.stderr == "Error: Das Programm „mpcs“ ist unbekannt. Meinten Sie „mpsc“?\n"
    version = run("mpsc", "--version", "7")
    assert version.stderr == "Error: Version 7 des Ablaufs gibt es nicht. Veröffentlicht sind: 1.\n"
    assert version.exit_code == 1
