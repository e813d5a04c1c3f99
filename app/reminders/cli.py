"""`flask reminders …`: sweeps from the command line, and a look at what they will send."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import date, datetime

import click

from app.core import clock, transaction
from app.core.commands import Commands
from app.core.i18n import day, name, time_of_day, translate
from app.core.text import ntext, text
from app.reminders import outlook, service
from app.reminders.outlook import Letter

commands = Commands("reminders", help="Reminders of deadlines.")


@commands.command("sweep")
@click.option("--at", "moment", metavar="ISO", help="Instant, such as 2023-03-15T08:00+01:00; without it: now.")
def sweep(moment: str | None) -> None:
    """Write the reminder mails that are due. Doing it twice changes nothing."""
    at = _instant(moment) if moment else None
    with transaction.transaction():
        written = service.sweep_all(at or clock.now())
    click.echo(translate(ntext("%(n)s Erinnerungsmail geschrieben", "%(n)s Erinnerungsmails geschrieben", written)))


EARLIEST, LATEST = date(1990, 1, 1), date(2100, 1, 1)
MOST_DAYS = 1000


@commands.command("preview")
@click.option("--from", "from_on", type=click.DateTime(["%Y-%m-%d"]), help="First day, such as 2023-03-15; today.")
@click.option("--days", type=click.IntRange(1, MOST_DAYS), default=14, show_default=True, help="How many days.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def preview(from_on: datetime | None, days: int, as_json: bool) -> None:
    """Show which mails will leave, to whom, when and why; nothing is sent.

    It is reckoned from what is entered now. A day before today is shown as it would be today: without what has been
    sent already, and not as it was then.
    """
    first_day = from_on.date() if from_on else clock.today()
    if not EARLIEST <= first_day <= LATEST:
        raise click.BadParameter(f"write a day between {EARLIEST} and {LATEST}", param_hint="--from")
    with transaction.reading():
        letters = outlook.list_letters(first_day, days)
        if as_json:
            mails = outlook.to_json(letters)
            answer = {"from": first_day.isoformat(), "days": days, "mails": mails}
            click.echo(json.dumps(answer, ensure_ascii=False, indent=2))
            return
        for line in _spoken(letters):
            click.echo(line)
    if not letters:
        click.echo(translate(text("In dieser Zeit wird nichts verschickt.")))


def _spoken(letters: Iterable[Letter]) -> Iterator[str]:
    for letter in letters:
        time = time_of_day(letter.leaves_at)
        yield f"{day(letter.day)}, {time}  {name(letter.account.name)} <{letter.account.email}>"
        for line in letter.lines:
            what = f"{name(line.deadline.title)} ({name(line.deadline.context)})"
            yield f"  {day(line.deadline.due_on)}  {what}: {translate(line.step)}; {translate(line.why)}"


def _instant(written: str) -> datetime:
    try:
        instant = datetime.fromisoformat(written)
    except ValueError:
        raise click.BadParameter(
            f"'{written}' is no instant; write 2023-03-15T08:00+01:00", param_hint="--at"
        ) from None
    if not EARLIEST <= instant.date() <= LATEST:
        raise click.BadParameter(f"write an instant between {EARLIEST} and {LATEST}", param_hint="--at")
    return instant if instant.tzinfo else instant.replace(tzinfo=clock.CITY_ZONE)
