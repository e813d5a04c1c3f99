"""The commands around a city file: what they print, how they end, and that an error writes nothing."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
import jsonschema
import pytest
import sqlalchemy as sa
from click.testing import Result
from flask import Flask

from app import create_app
from app.audit.models import AuditEvent
from app.core.clock import start_of
from app.core.database import db
from app.measures.models import Measure
from app.milestones.models import Milestone
from app.organisations.models import Organisation, Unit
from app.programmes.models import Programme
from app.transfer.cli import import_files
from app.transfer.nodes import plain, read_nodes
from tests.conftest import SANDBOX_DAY, settings_for
from tests.transfer.cities import CITY, changed

ROOT = Path(__file__).parents[2]
ISERLOHN = [str(ROOT / "data" / "iserlohn.yaml"), str(ROOT / "data" / "beispiel.yaml")]
STEP = "- {key: fertig, from: geplant, to: umgesetzt, label: {de: Abschließen, en: Finish}, roles: [project_lead]}"


@pytest.fixture
def run(app: Flask) -> Callable[..., Result]:
    def invoke(*arguments: str | Path) -> Result:
        return app.test_cli_runner().invoke(args=["programmes", *map(str, arguments)])

    return invoke


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    def write(text: str, name: str = "stadt.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def is_empty() -> bool:
    tables = (Organisation, Unit, Programme, Measure, Milestone, AuditEvent)
    return not any(db.session.scalar(sa.select(sa.func.count()).select_from(table)) for table in tables)


# -- check ------------------------------------------------------------------------------------------------------


def test_a_sound_city_is_in_order(run: Callable[..., Result]) -> None:
    result = run("check", *ISERLOHN)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("In Ordnung: 2 Programme, 6 Maßnahmen, 15 Meilensteine, 3 Sachstände, ")
    assert is_empty()


WRONG = [
    (
        "to: umgesetzt",
        "to: umgesezt",
        "programmes[0].workflow.transitions[0].to",
        "der Status „umgesezt“ ist unbekannt; meinten Sie „umgesetzt“?",
    ),
    ("from: geplant", "from: geblant", "programmes[0].workflow.transitions[0].from", "meinten Sie „geplant“?"),
    ("initial: geplant", "initial: x", "programmes[0].workflow.initial", "der Status „x“ ist unbekannt"),
    (STEP, STEP.replace("[project_lead]", "[]"), "programmes[0].workflow.transitions[0].roles", "keine Rolle"),
    (
        STEP,
        STEP.replace("]}", "], guards: [{guard: note_given}, {guard: x}]}"),
        "programmes[0].workflow.transitions[0].guards[1].guard",
        "die Bedingung „x“ ist unbekannt",
    ),
    (
        STEP,
        STEP.replace("]}", "], guards: [{guard: role_assigned}]}"),
        "programmes[0].workflow.transitions[0].guards[0].role",
        "„role_assigned“",
    ),
    (
        STEP,
        STEP.replace("]}", "], fields: [ergebnis]}"),
        "programmes[0].workflow.transitions[0].fields[0]",
        "das Feld „ergebnis“ ist unbekannt",
    ),
    (", final: true}\n      transitions", "}\n      transitions", "programmes[0].workflow.statuses[1]", "Sackgasse"),
    (
        "- {key: umgesetzt,",
        "- {key: ruht, label: {de: Ruht, en: Paused}, category: paused, final: true}\n        - {key: umgesetzt,",
        "programmes[0].workflow.statuses[1]",
        "der Status „Ruht“ ist vom Anfang aus nicht erreichbar",
    ),
    ("    unit: strassen\n", "    unit: strasen\n", "measures[0].unit", "Meinten Sie „strassen“?"),
    ("    status: geplant\n", "    statuss: geplant\n", "measures[0].statuss", "Meinten Sie „status“?"),
    ("amount: 650000.50", "amount: 650.000,50", "grants[0].amount", "Das ist kein Betrag."),
    ("ends: 2023-22", "ends: 9999-24", "measures[0].ends", "Das ist kein Datum."),
    ("title: Brücke", 'title: "Br\\0cke"', "measures[0].activities[0].title", "Steuerzeichen"),
    ("- {key: verein,", "- {key: umweltministerium,", "organisations[1]", "kommt in dieser Liste zweimal vor"),
    (
        "digest: {rhythm: quarterly}",
        f"digest: {{rhythm: quarterly, recipients: [{{email: a@b.example, name: {'x' * 201}}}]}}",
        "programmes[0].funders[0].digest.recipients[0].name",
        "Höchstens 200 Zeichen sind möglich.",
    ),
    (
        "    updates:\n",
        "    events:\n      - {on: 2022, kind: event, title: Eröffnung}\n"
        "      - {on: 2022, kind: event, title: EROFFNUNG}\n    updates:\n",
        "measures[0].events[1]",
        "Dieser Eintrag gleicht dem 1. der Liste.",
    ),
    ("format: 1", "format: 2", "format", "Das Format „2“ ist unbekannt."),
]


@pytest.mark.parametrize(("old", "new", "path", "message"), WRONG, ids=[row[2] for row in WRONG])
@pytest.mark.parametrize("command", ["check", "import"])
def test_an_error_names_file_line_path_and_reason_and_nothing_is_written(
    run: Callable[..., Result], file: Callable[..., Path], command: str, old: str, new: str, path: str, message: str
) -> None:
    text = changed(old, new)
    stadt = file(text)
    result = run(command, stadt)
    assert result.exit_code == 1, result.output
    (line,) = [line for line in result.stdout.splitlines() if f": {path}: " in line]
    place, number = re.fullmatch(rf"(.*):(\d+): {re.escape(path)}: .+", line).groups()  # type: ignore[union-attr]
    assert place == str(stadt)
    assert message in line
    last = re.split(r"[.\[]", path.rstrip("]"))[-1]
    written = text.splitlines()[int(number) - 1]
    assert last.isdigit() or last in written or last == "role", written
    assert re.search(r"^\d+ Fehler\.$", result.stdout, re.MULTILINE)
    assert is_empty()


def test_files_that_cannot_be_read_are_named(
    run: Callable[..., Result], file: Callable[..., Path], tmp_path: Path
) -> None:
    inside = file(CITY) / "darin.yaml"
    result = run("import", tmp_path / "fehlt.yaml", tmp_path, inside, file("", "leer.yaml"))
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        f"{tmp_path / 'fehlt.yaml'}: Diese Datei gibt es nicht.",
        f"{tmp_path}: Das ist ein Ordner, keine Datei.",
        f"{inside}: Die Datei lässt sich nicht lesen ({os.strerror(20)}).",
        "3 Fehler.",
        "Es wurde nichts geschrieben.",
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_one_may_not_read_is_named(run: Callable[..., Result], file: Callable[..., Path]) -> None:
    secret = file(CITY)
    secret.chmod(0)
    assert run("check", secret).stdout.startswith(f"{secret}: Diese Datei dürfen Sie nicht lesen.")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Die Datei ist leer."),
        ("programmes: [a", "Das ist kein gültiges YAML"),
        ("a: &a [*a]\n", "zeigt auf nichts"),
        ("format: 1\nformat: 1\n", "steht zweimal"),
        ("ä: ä".encode("latin-1").decode("latin-1"), "Die Datei beginnt nicht mit „format: 1“"),
    ],
)
def test_a_broken_file_is_said_to_be_broken(
    run: Callable[..., Result], file: Callable[..., Path], text: str, message: str
) -> None:
    result = run("import", file(text))
    assert result.exit_code == 1
    assert message in result.stdout
    assert is_empty()


def test_check_as_json(run: Callable[..., Result], file: Callable[..., Path]) -> None:
    assert json.loads(run("check", "--json", *ISERLOHN).stdout) == {"is_sound": True, "findings": []}
    stadt = file(changed("    unit: strassen\n", "    unit: strasen\n"))
    result = run("check", stadt, "--json")
    assert result.exit_code == 1
    (finding,) = json.loads(result.stdout)["findings"]
    assert finding == {
        "file": str(stadt),
        "line": CITY[: CITY.index("    unit: strassen\n")].count("\n") + 1,
        "path": "measures[0].unit",
        "level": "error",
        "message": "Die Organisationseinheit „strasen“ ist unbekannt. Meinten Sie „strassen“?",
    }


def test_a_warning_is_told_and_blocks_neither_command(run: Callable[..., Result], file: Callable[..., Path]) -> None:
    stadt = file(changed("label: {de: Geplant, en: Planned}", "label: Geplant"))
    line = CITY[: CITY.index("{key: geplant,")].count("\n") + 1
    told = [
        f"{stadt}:{line}: programmes[0].workflow.statuses[0].label: Hinweis: die englische Fassung fehlt",
        "1 Hinweis.",
    ]
    checked = run("check", stadt)
    assert (checked.exit_code, checked.stdout.splitlines()[:2]) == (0, told)
    assert checked.stdout.splitlines()[2].startswith("In Ordnung: 2 Programme, ")
    as_json = json.loads(run("check", stadt, "--json").stdout)
    assert (as_json["is_sound"], [finding["level"] for finding in as_json["findings"]]) == (True, ["warning"])
    imported = run("import", stadt)
    assert (imported.exit_code, imported.stdout.splitlines()[:2]) == (0, told)
    assert imported.stdout.splitlines()[2].startswith("Neu: 2 Programme, ")
    again = json.loads(run("import", stadt, "--json").stdout)
    assert ([finding["level"] for finding in again["findings"]], again["kept"]) == (["warning"], [])


def test_errors_and_warnings_are_counted_apart(run: Callable[..., Result], file: Callable[..., Path]) -> None:
    text = changed("label: {de: Geplant, en: Planned}", "label: Geplant").replace(
        "label: {de: Umgesetzt, en: Done}", "label: Umgesetzt"
    )
    result = run("check", file(text.replace("    unit: strassen\n", "    unit: strasen\n")))
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert "measures[0].unit" in lines[0]
    assert lines[-2:] == ["1 Fehler.", "2 Hinweise."]


def test_a_command_without_files_says_so(run: Callable[..., Result]) -> None:
    assert (run("check").exit_code, run("import").exit_code) == (2, 2)


# -- import -----------------------------------------------------------------------------------------------------


def test_an_import_tells_what_is_new_and_the_next_one_that_nothing_changed(run: Callable[..., Result]) -> None:
    first = run("import", *ISERLOHN)
    assert (first.exit_code, first.stderr) == (0, "")
    rows = first.stdout.removeprefix("Neu: ").removesuffix("\n")
    assert rows.startswith("2 Programme, 6 Maßnahmen, 15 Meilensteine, 3 Sachstände, 10 Teilprojekte, ")
    assert run("import", *ISERLOHN).stdout == f"Nichts geändert: {rows} sind schon so gespeichert.\n"


def test_a_dry_run_tells_the_same_and_writes_nothing(run: Callable[..., Result]) -> None:
    dry = run("import", "--dry-run", *ISERLOHN)
    assert dry.exit_code == 0
    assert is_empty()
    wet = run("import", *ISERLOHN)
    assert dry.stdout == wet.stdout + "Das war eine Probe: Es wurde nichts geschrieben.\n"
    assert not is_empty()


def test_a_change_is_counted_and_what_stays_is_listed(run: Callable[..., Result], file: Callable[..., Path]) -> None:
    run("import", file(CITY))
    text = changed("title: Baubeginn", "title: Bau").replace("    lead: leitung@", "    lead: neue@")
    text = text.replace("programmes:\n", "  - {email: neue@musterstadt.example, name: Neue}\nprogrammes:\n")
    lines = run("import", file(text)).stdout.splitlines()
    assert lines[:2] == ["Neu: 1 Konto", "Geändert: 1 Meilenstein"]
    assert lines[2].startswith("Unverändert: 2 Programme, 1 Maßnahme, ")
    assert lines[3:] == [
        "Bleibt, wie es in Wegmarke steht:",
        "- Radweg: Projektleitung bleibt „Leitung“. In der Datei steht „Neue“.",
    ]


def test_import_as_json(run: Callable[..., Result], file: Callable[..., Path]) -> None:
    told = json.loads(run("import", "--json", file(CITY)).stdout)
    assert (told["dry_run"], told["findings"], told["kept"]) == (False, [], [])
    assert told["rows"]["milestones"] == {"created": 1, "changed": 0, "removed": 0, "unchanged": 0}
    again = json.loads(run("import", "--json", "--dry-run", file(CITY)).stdout)
    assert again["dry_run"] is True
    assert again["rows"]["measures"] == {"created": 0, "changed": 0, "removed": 0, "unchanged": 1}
    refused = run("import", "--json", file(changed("de: Geplant", "de: Anders")))
    assert refused.exit_code == 1
    told = json.loads(refused.stdout)
    assert (told["rows"], told["findings"][0]["path"]) == (None, "programmes[0].workflow.version")


def test_a_published_workflow_is_refused_with_its_place(
    run: Callable[..., Result], file: Callable[..., Path]
) -> None:
    run("import", file(CITY))
    text = changed("de: Geplant", "de: Anders").replace("Planungsamt", "Amt für Planung")
    result = run("import", file(text))
    assert result.exit_code == 1
    assert "programmes[0].workflow.version: Version 1 ist veröffentlicht" in result.stdout
    assert db.session.scalars(sa.select(Unit).where(Unit.key == "planung")).one().name.de == "Planungsamt"


def test_the_clock_of_the_trial_is_the_clock_of_the_import(run: Callable[..., Result]) -> None:
    run("import", *ISERLOHN)
    approved = db.session.scalars(sa.select(Milestone).where(Milestone.key == "betrieb")).one().approved_at
    assert approved is not None
    assert (approved - start_of(SANDBOX_DAY)).days == 0


def test_import_files_ends_with_one_on_findings(app: Flask, tmp_path: Path) -> None:
    with pytest.raises(click.exceptions.Exit) as ended:
        import_files((tmp_path / "fehlt.yaml",), dry_run=False)
    assert ended.value.exit_code == 1


def test_a_value_that_the_database_refuses_is_one_sentence(
    run: Callable[..., Result], file: Callable[..., Path]
) -> None:
    db.session.execute(sa.text("ALTER TABLE milestone ADD CONSTRAINT no_poison CHECK (key <> 'start')"))
    db.session.commit()
    result = run("import", file(CITY))
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: Die Datenbank lehnt eine Angabe ab (")
    assert "no_poison" in result.stderr
    assert "Es wurde nichts geschrieben." in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert is_empty()


def test_whoever_saves_at_the_same_time_is_told_of(run: Callable[..., Result], file: Callable[..., Path]) -> None:
    run("import", file(CITY))

    def save_first(*_: object) -> None:
        db.session.execute(sa.text("UPDATE measure SET version = version + 1"))

    sa.event.listen(db.session, "before_flush", save_first, once=True)
    result = run("import", file(changed("{de: Radweg, en: Cycle path}", "Radschnellweg")))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: Es wurde nichts geschrieben.")
    assert result.stderr.endswith("starten Sie den Import noch einmal.\n")
    assert str(db.session.scalars(sa.select(Measure)).one().name) == "Radweg"


# -- a database that is not there -------------------------------------------------------------------------------


@pytest.fixture
def app_on(tmp_path: Path) -> Iterator[Callable[[str], Flask]]:
    made: list[Flask] = []

    def make(url: str) -> Flask:
        made.append(create_app(settings_for(url, tmp_path)))
        return made[-1]

    yield make
    for flask in made:
        with flask.app_context():
            db.engine.dispose()


NOT_SET_UP = "Error: Die Datenbank ist noch nicht eingerichtet. Führen Sie aus: flask db upgrade\n"


@pytest.mark.parametrize("arguments", [(), ("--dry-run",)])
def test_an_empty_database_is_to_be_set_up_first(
    app_on: Callable[[str], Flask], tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    flask = app_on(f"sqlite:///{tmp_path / 'leer.db'}")
    result = flask.test_cli_runner().invoke(args=["programmes", "import", *arguments, *ISERLOHN])
    assert (result.exit_code, result.stderr, result.stdout) == (1, NOT_SET_UP, "")


def test_an_empty_postgresql_database_is_to_be_set_up_first(run: Callable[..., Result]) -> None:
    db.session.execute(sa.text("CREATE SCHEMA leer"))
    db.session.execute(sa.text("SET LOCAL search_path TO leer"))
    db.session.commit()
    result = run("import", *ISERLOHN)
    assert (result.exit_code, result.stderr) == (1, NOT_SET_UP)


def test_a_database_that_does_not_answer_is_named(app_on: Callable[[str], Flask], tmp_path: Path) -> None:
    for url in (f"sqlite:///{tmp_path / 'kein' / 'ordner.db'}", "postgresql+psycopg://x@127.0.0.1:1/x"):
        result = app_on(url).test_cli_runner().invoke(args=["programmes", "import", *ISERLOHN])
        assert result.exit_code == 1
        assert result.stderr.startswith("Error: Die Datenbank antwortet nicht (")
        assert "DATABASE_URL" in result.stderr
        assert len(result.stderr.splitlines()) == 1


def test_check_needs_no_database(app_on: Callable[[str], Flask], tmp_path: Path) -> None:
    flask = app_on(f"sqlite:///{tmp_path / 'kein' / 'ordner.db'}")
    assert flask.test_cli_runner().invoke(args=["programmes", "check", *ISERLOHN]).exit_code == 0


# -- schema -----------------------------------------------------------------------------------------------------


def jsonable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: jsonable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [jsonable(item) for item in value]
    return float(value) if isinstance(value, Decimal) else value


def test_the_schema_is_one_and_takes_the_file_of_iserlohn(run: Callable[..., Result]) -> None:
    schema = json.loads(run("schema").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    node, _ = read_nodes("iserlohn.yaml", Path(ISERLOHN[0]).read_bytes())
    assert node is not None
    city = jsonable(plain(node))
    validator = jsonschema.Draft202012Validator(schema)
    assert [error.json_path for error in validator.iter_errors(city)] == []
    city["measures"][0]["titel"] = "x"
    assert [error.json_path for error in validator.iter_errors(city)] == ["$.measures[0]"]


# -- the page that describes it ---------------------------------------------------------------------------------


def test_the_page_shows_findings_as_they_are_printed(run: Callable[..., Result], file: Callable[..., Path]) -> None:
    page = (ROOT / "docs" / "import-format.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"## What errors look like.*?```\n(.*?)```", page, re.DOTALL)
    text = (
        changed("to: umgesetzt", "to: umgestzt")
        .replace("    amount: 650000.50", "    amount: 650.000,50")
        .replace("    starts: 2022-01\n", "    starts: 01/2022\n")
        .replace("    title: {de: Radweg, en: Cycle path}", "    titel: {de: Radweg, en: Cycle path}")
    )
    shape = run("check", file(text)).stdout
    workflow = run("check", file(changed("to: umgesetzt", "to: umgestzt"))).stdout
    for line in block.strip().splitlines():
        sentence = re.sub(r"^\S+: \S+: ", "", line)
        assert sentence in shape + workflow, line
        assert re.match(r"stadt\.yaml:\d+: [\w.\[\]]+: ", line), line
