"""`flask simulate`: years of reminders replayed with faults, before they happen."""

from __future__ import annotations

import json
import sys
from datetime import date, datetime
from math import isnan
from pathlib import Path
from typing import Any

import click
from flask.cli import with_appcontext

from app.core.commands import Command
from app.core.i18n import translate
from app.core.text import Text, text
from app.simulation.faults import Rates
from app.simulation.replay import Course, Result, replay
from app.simulation.sandbox import SAMPLES, UnsoundData

DAY = click.DateTime(["%Y-%m-%d"])


class Share(click.FloatRange):
    """A number from 0 to 1."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Reads it; what is no number at all lies in no range."""
        number = float(super().convert(value, param, ctx))
        if isnan(number):
            self.fail(f"{value} is not in the range 0<=x<=1.", param, ctx)
        return number


SHARE = Share(0, 1)


@click.command("simulate", cls=Command)
@click.option("--from", "first", type=DAY, default="2020-01-01", show_default=True, help="First city day.")
@click.option("--to", "last", type=DAY, default="2025-12-31", show_default=True, help="Last city day.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same replay.")
@click.option("--outage", type=SHARE, default=0.0, help="Chance for each day that beat and worker stand still.")
@click.option("--double", type=SHARE, default=0.0, help="Chance for each hour that sweep and delivery run twice.")
@click.option("--smtp-failure", type=SHARE, default=0.0, help="Chance for each mail that the server fails.")
@click.option("--crash", type=SHARE, default=0.0, help="Chance for each sweep and mail that the process ends in it.")
@click.option(
    "--data",
    "files",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="City file to replay, again for several; without it: Iserlohn.",
)
@click.option(
    "--ledger",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="CSV file for one line per reminder decided.",
)
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@click.pass_context
@with_appcontext
def run(
    ctx: click.Context,
    first: datetime,
    last: datetime,
    seed: int,
    outage: float,
    double: float,
    smtp_failure: float,
    crash: float,
    files: tuple[Path, ...],
    ledger: Path | None,
    as_json: bool,
) -> None:
    """Replay years of reminders hour by hour, with faults, against a sandbox. Ends with 1 where one was lost or said
    twice. The installation's own database and mail server are not touched."""
    if last < first:
        raise click.BadParameter("the last day lies before the first", param_hint="--to")
    rates = Rates(outage, double, smtp_failure, crash)
    course = Course(first.date(), last.date(), seed, rates, files or SAMPLES, ledger)
    try:
        result = replay(course, _tell_month)
    except OSError as error:
        if error.filename != str(ledger):
            raise
        said = text("%(file)s lässt sich nicht schreiben (%(reason)s).", file=ledger, reason=error.strerror or error)
        raise click.ClickException(translate(said)) from None
    except UnsoundData as unsound:
        sentences = "; ".join(translate(finding.message) for finding in unsound.findings)
        raise click.ClickException(sentences) from None
    finally:
        _tell("")
    if as_json:
        click.echo(json.dumps(result.answer()))
    else:
        for line in _lines(result):
            click.echo(translate(line))
    if result.counts.unfounded:
        many = text("%(n)s Erinnerungen verschickt, die keine Regel verlangt.", n=result.counts.unfounded)
        click.echo(translate(many), err=True)
    if not result.is_sound:
        ctx.exit(1)


simulate: click.Command = run
"""The command by its name: its type has to be known before this module is read to its end."""


def _lines(result: Result) -> list[Text]:
    """The result in words."""
    counts = result.counts
    return [
        text("%(n)s Stunden nachgespielt in %(seconds)s Sekunden", n=result.ticks, seconds=round(result.seconds, 1)),
        text("%(n)s Fristen, die nach den Regeln %(due)s Erinnerungen verlangen", n=counts.deadlines, due=counts.due),
        text("%(n)s Erinnerungen zugestellt", n=counts.mailed),
        text("%(n)s Erinnerungen durch eine spätere überholt", n=counts.superseded),
        text("%(n)s Erinnerungen verloren", n=counts.lost),
        text("%(n)s Erinnerungen doppelt", n=counts.repeated),
        text("%(n)s Mails nach einem Absturz noch einmal, mit derselben Message-ID", n=counts.repeated_after_crash),
        text("Längste Verspätung: %(n)s Stunden", n=counts.worst_delay_hours),
    ]


def _tell_month(day: date) -> None:
    _tell(f"{day:%Y-%m}")


def _tell(progress: str) -> None:
    """Says how far it is, where somebody is looking."""
    if sys.stderr.isatty():
        click.echo(f"\r{progress:<7}\r", nl=False, err=True)
