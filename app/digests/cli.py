"""`flask digests …`: look at the next digest, and send what is due."""

from __future__ import annotations

import json
from datetime import date, datetime

import click

from app.core import clock, transaction
from app.core.commands import Commands
from app.core.errors import DomainError
from app.core.i18n import LANGUAGES, translate
from app.core.text import text
from app.digests import content, facts, queries, released, service, spans
from app.organisations.permissions import Actor, Role

commands = Commands("digests", help="What funders are told.")
OPERATOR = Actor(account_id=None, name="flask digests", roles=frozenset({Role.ADMINISTRATOR}))


@commands.command("preview")
@click.argument("programme")
@click.option("--funder", required=True, help="Key of the funder's organisation.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Last day it tells of, such as 2023-03-31; today.")
@click.option("--format", "form", type=click.Choice(["text", "html", "json"]), default="text", show_default=True)
@click.option("--language", type=click.Choice(list(LANGUAGES)), default="de", show_default=True)
def preview(programme: str, funder: str, until: datetime | None, form: str, language: str) -> None:
    """Show the next digest of PROGRAMME as it would leave; nothing is sent."""
    try:
        with transaction.reading():
            click.echo(_preview(programme, funder, until.date() if until else None, form, language), nl=False)
    except DomainError as error:
        raise click.ClickException(translate(error.message)) from None


def _preview(programme_key: str, funder_key: str, until_on: date | None, form: str, language: str) -> str:
    funder = queries.get_funder(OPERATOR, programme_key, funder_key)
    today = clock.day_of(clock.now(), funder.programme.zone)
    spans.check_until(until_on or today, today)
    gathered = released.gather(funder, until_on or today)
    if form == "json":
        return json.dumps(facts.to_json(gathered), ensure_ascii=False, indent=2) + "\n"
    letter = service.write(content.build(gathered), language)
    return letter.html if form == "html" else f"{letter.subject}\n\n{letter.text}"


@commands.command("sweep")
@click.option("--at", help="Instant to act at, such as 2023-04-01T07:00 (city time); now.")
def sweep(at: str | None) -> None:
    """Send every digest whose period has ended. Running it twice sends nothing twice."""
    try:
        now = _instant(at) if at else clock.now()
        with transaction.transaction():
            sent = service.sweep_due(now)
    except DomainError as error:
        raise click.ClickException(translate(error.message)) from None
    click.echo(f"{sent}")


def _instant(written: str) -> datetime:
    """The instant; without a zone it is meant in the city."""
    try:
        instant = datetime.fromisoformat(written)
    except ValueError:
        raise click.BadParameter(f"{written!r} is no instant; write 2023-04-01T07:00", param_hint="--at") from None
    instant = instant if instant.tzinfo else instant.replace(tzinfo=clock.CITY_ZONE)
    if instant > clock.now():
        raise click.BadParameter(translate(text("dieser Zeitpunkt liegt in der Zukunft")), param_hint="--at")
    return instant
