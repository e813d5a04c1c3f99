"""`flask programmes doctor KEY`: what is missing before a programme goes live."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import click

from app.core import transaction
from app.core.errors import NotFound
from app.core.i18n import translate
from app.core.links import absolute_url
from app.core.text import Text, text
from app.programmes.cli import AS_JSON, commands
from app.readiness import checks, queries
from app.readiness.facts import Link
from app.readiness.report import GROUP_NAMES, Finding, Report

NOTHING = text("nichts")
LEVELS = {"error": text("Fehler"), "warning": text("Hinweis")}


@commands.command("doctor")
@click.argument("key")
@AS_JSON
def doctor(key: str, as_json: bool) -> None:
    """Say what programme KEY lacks before it goes live. Ends with 1 when there are errors, with 0 otherwise."""
    try:
        with transaction.reading():
            report = checks.check(queries.gather(queries.get_programme(key)))
    except NotFound as error:
        raise click.ClickException(translate(error.message)) from None
    if as_json:
        click.echo(json.dumps(_plain(key, report), ensure_ascii=False, indent=2))
    else:
        _echo(key, report)
    if not report.is_ready:
        raise click.exceptions.Exit(1)


def _echo(key: str, report: Report) -> None:
    for check in report.checks:
        for finding in check.findings:
            level, group = translate(LEVELS[finding.level]), translate(GROUP_NAMES[check.group])
            click.echo(f"{level}: {group}: {translate(finding.sentence)}")
            if finding.link:
                click.echo(f"  → {_address(finding.link)}")
    click.echo(translate(_outcome(key, report)))


def _outcome(key: str, report: Report) -> Text:
    return text(
        "%(programme)s: %(summary)s. Geprüft: %(counted)s.",
        programme=key,
        summary=report.summary,
        counted=report.counted or (NOTHING,),
    )


def _plain(key: str, report: Report) -> dict[str, Any]:
    return {
        "programme": key,
        "is_ready": report.is_ready,
        "errors": report.errors,
        "warnings": report.warnings,
        "checks": [
            {
                "group": check.group.value,
                "checked": check.checked,
                "findings": [_plain_finding(finding) for finding in check.findings],
            }
            for check in report.checks
        ],
    }


def _plain_finding(finding: Finding) -> dict[str, Any]:
    return {
        "level": finding.level,
        "message": translate(finding.sentence),
        "link": urlsplit(_address(finding.link)).path if finding.link else None,
        "is_sample": finding.is_sample,
    }


def _address(link: Link) -> str:
    return absolute_url(link.endpoint, **link.values)
