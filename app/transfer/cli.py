"""`flask programmes …`: a city file is checked, imported and described."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.orm.exc import StaleDataError

from app.core import clock, transaction
from app.core.errors import DomainError
from app.core.i18n import translate
from app.core.text import Text, ntext, text
from app.organisations.permissions import system
from app.programmes.cli import AS_JSON, commands
from app.transfer import service
from app.transfer.findings import Finding
from app.transfer.format import CityFile
from app.transfer.reading import Reading, read_files
from app.transfer.summary import Kind, Outcome, Summary, contents, counted

FILES = click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
TOLD: Mapping[Outcome, Callable[[str], Text]] = {
    Outcome.CREATED: lambda rows: text("Neu: %(rows)s", rows=rows),
    Outcome.CHANGED: lambda rows: text("Geändert: %(rows)s", rows=rows),
    Outcome.REMOVED: lambda rows: text("Entfernt: %(rows)s", rows=rows),
    Outcome.UNCHANGED: lambda rows: text("Unverändert: %(rows)s", rows=rows),
}


@commands.command("check")
@FILES
@AS_JSON
def check(files: tuple[Path, ...], as_json: bool) -> None:
    """Say what is wrong with FILES, read as one city. Neither reads nor writes the database."""
    reading = read_files(files)
    if as_json:
        _echo_json({"is_sound": reading.city is not None, "findings": _plain(reading.findings)})
    else:
        _echo_findings(reading.findings)
    if reading.city is None:
        raise click.exceptions.Exit(1)
    if not as_json:
        _echo(text("In Ordnung: %(rows)s", rows=_listed(contents(reading.city))))


@commands.command("import")
@FILES
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@AS_JSON
def import_command(files: tuple[Path, ...], dry_run: bool, as_json: bool) -> None:
    """Bring FILES, read as one city, into the database: all of it, or nothing."""
    import_files(files, dry_run=dry_run, as_json=as_json)


@commands.command("export")
@click.argument("key")
@click.option("--output", type=click.Path(path_type=Path), help="The file to write; the terminal without it.")
@click.option("--version", type=int, help="Version of the workflow; the newest without it.")
@AS_JSON
def export(key: str, output: Path | None, version: int | None, as_json: bool) -> None:
    """Write the programme KEY with its workflow as a city file that `check` and `import` read."""
    with transaction.reading():
        try:
            exported = service.export(key, version)
        except DomainError as error:
            raise click.ClickException(translate(error.message)) from None
    told = exported.yaml
    if as_json:
        answer = {"programme": exported.programme, "version": exported.version, "yaml": exported.yaml}
        told = json.dumps(answer, ensure_ascii=False, indent=2) + "\n"
    if output is None or str(output) == "-":
        click.echo(told, nl=False)
        return
    try:
        output.write_text(told, encoding="utf-8")
    except OSError as error:
        unwritable = text(
            "%(file)s lässt sich nicht schreiben (%(reason)s).", file=output, reason=error.strerror or error
        )
        raise click.ClickException(translate(unwritable)) from None


@commands.command("schema")
def schema() -> None:
    """Print the JSON Schema of the city file, for editors that complete and check."""
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    _echo_json(dialect | CityFile.model_json_schema())


def import_files(files: tuple[Path, ...], *, dry_run: bool, as_json: bool = False) -> None:
    """Imports files as one city and prints what became of it.

    Raises:
        click.exceptions.Exit: with code 1, after the findings have been printed; nothing was written.
        click.ClickException: when the database cannot do it; nothing was written.
    """
    reading = read_files(files)
    summary: Summary | None = None
    if reading.city is not None:
        try:
            with _database_in_words(), transaction.dry_run() if dry_run else transaction.transaction():
                actor = system("flask programmes import")
                summary = service.import_city(actor, reading.city, now=clock.now())
        except service.Refused as refused:
            reading = Reading(None, reading.findings + refused.findings)
    if as_json:
        _echo_json({"dry_run": dry_run, "findings": _plain(reading.findings), **_plain_summary(summary)})
    else:
        _echo_findings(reading.findings)
    if summary is None:
        if not as_json:
            _echo(text("Es wurde nichts geschrieben."))
        raise click.exceptions.Exit(1)
    if not as_json:
        _echo_summary(summary, dry_run)


@contextmanager
def _database_in_words() -> Iterator[None]:
    """What the database says against an import, as one sentence with the way out."""
    try:
        yield
    except StaleDataError:
        raise click.ClickException(translate(_overtaken())) from None
    except IntegrityError as error:
        refused = text("Die Datenbank lehnt eine Angabe ab (%(reason)s).", reason=_reason(error))
        raise click.ClickException(f"{translate(refused)} {translate(_overtaken())}") from None
    except DBAPIError as error:
        raise click.ClickException(translate(_failure(error))) from None


def _overtaken() -> Text:
    return text(
        "Es wurde nichts geschrieben. Hat zur selben Zeit jemand etwas geändert, starten Sie den Import noch einmal."
    )


def _failure(error: DBAPIError) -> Text:
    is_missing_table = isinstance(error, ProgrammingError) or "no such" in str(error.orig)
    if is_missing_table:
        return text("Die Datenbank ist noch nicht eingerichtet. Führen Sie aus: flask db upgrade")
    return text(
        "Die Datenbank antwortet nicht (%(reason)s). Es wurde nichts geschrieben. Prüfen Sie DATABASE_URL.",
        reason=_reason(error),
    )


def _reason(error: DBAPIError) -> str:
    return next(iter(str(error.orig).strip().splitlines()), type(error).__name__)


def _echo(sentence: Text) -> None:
    click.echo(translate(sentence))


def _echo_json(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def _echo_findings(findings: Sequence[Finding]) -> None:
    for finding in findings:
        place = [finding.file, *([str(finding.line)] if finding.line else [])]
        level = [] if finding.level == "error" else [translate(text("Hinweis"))]
        parts = [":".join(place), finding.path, *level, translate(finding.message)]
        click.echo(": ".join(part for part in parts if part))
    levels = Counter(finding.level for finding in findings)
    if n := levels["error"]:
        _echo(ntext("%(n)s Fehler.", "%(n)s Fehler.", n))
    if n := levels["warning"]:
        _echo(ntext("%(n)s Hinweis.", "%(n)s Hinweise.", n))


def _plain(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    return [
        {
            "file": finding.file,
            "line": finding.line,
            "path": finding.path,
            "level": finding.level,
            "message": translate(finding.message),
        }
        for finding in findings
    ]


def _echo_summary(summary: Summary, dry_run: bool) -> None:
    if summary.changes_nothing:
        unchanged = _listed(summary.rows[Outcome.UNCHANGED])
        _echo(text("Nichts geändert: %(rows)s sind schon so gespeichert.", rows=unchanged))
    else:
        for outcome, told in TOLD.items():
            if summary.rows[outcome]:
                _echo(told(_listed(summary.rows[outcome])))
    if summary.kept:
        _echo(text("Bleibt, wie es in Wegmarke steht:"))
        for kept in summary.kept:
            click.echo(f"- {translate(kept)}")
    if dry_run:
        _echo(text("Das war eine Probe: Es wurde nichts geschrieben."))


def _plain_summary(summary: Summary | None) -> dict[str, Any]:
    if summary is None:
        return {"rows": None, "kept": []}
    rows = {
        kind.value: {outcome.value: summary.rows[outcome][kind] for outcome in Outcome}
        for kind in Kind
        if any(summary.rows[outcome][kind] for outcome in Outcome)
    }
    return {"rows": rows, "kept": [translate(sentence) for sentence in summary.kept]}


def _listed(rows: Counter[Kind]) -> str:
    return ", ".join(translate(count) for count in counted(rows))
