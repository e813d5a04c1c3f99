"""`flask reminders …`: sweeps from the command line."""

from __future__ import annotations

from datetime import datetime

import click

from app.core import clock, transaction
from app.core.commands import Commands
from app.core.i18n import translate
from app.core.text import ntext
from app.reminders import service

commands = Commands("reminders", help="Reminders of deadlines.")


@commands.command("sweep")
@click.option("--at", "moment", metavar="ISO", help="Instant, such as 2023-03-15T08:00+01:00; without it: now.")
def sweep(moment: str | None) -> None:
    """Write the reminder mails that are due. Doing it twice changes nothing."""
    at = _instant(moment) if moment else None
    with transaction.transaction():
        written = service.sweep_all(at or clock.now())
    click.echo(translate(ntext("%(n)s Erinnerungsmail geschrieben", "%(n)s Erinnerungsmails geschrieben", written)))


def _instant(written: str) -> datetime:
    try:
        instant = datetime.fromisoformat(written)
    except ValueError:
        raise click.BadParameter(
            f"'{written}' is no instant; write 2023-03-15T08:00+01:00", param_hint="--at"
        ) from None
    return instant if instant.tzinfo else instant.replace(tzinfo=clock.CITY_ZONE)
