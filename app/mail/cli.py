"""`flask mail …`: the outbox from the command line."""

from __future__ import annotations

import json

import click
from flask import current_app

from app.core import clock, heartbeat
from app.core.commands import Commands
from app.core.i18n import translate
from app.core.text import text
from app.core.transaction import reading
from app.mail import delivery, queries
from app.mail.models import MailState
from app.mail.transport import Transport

commands = Commands("mail", help="The outbox.")


@commands.command("deliver")
@click.option("--limit", default=1000, show_default=True, type=click.IntRange(min=1), help="Send no more than this.")
def deliver(limit: int) -> None:
    """Send the mails that are due, now. The worker does this every minute."""
    settings = current_app.config["SETTINGS"]
    done = delivery.deliver_batch(Transport.of(settings), limit)
    click.echo(
        translate(
            text(
                "%(sent)s gesendet, %(put_off)s zurückgestellt, %(dead)s unzustellbar",
                sent=done.sent,
                put_off=done.put_off,
                dead=done.dead,
            )
        )
    )
    if done.is_away:
        with reading():
            state = queries.server_state()
            error = state.error if state else ""
        message = text("Der Mailserver ist nicht erreichbar; die Mails warten. Er sagt: %(error)s", error=error)
        raise click.ClickException(translate(message))


@commands.command("status")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def status(as_json: bool) -> None:
    """Show how many mails wait, left and are dead, and whether mail server and workers are there."""
    with reading():
        pulses = heartbeat.take_pulses(clock.wall_now())
        counts = queries.count_by_state()
        oldest = queries.oldest_waiting()
        server = queries.server_state()
        away_since, error = (server.away_since, server.error) if server else (None, None)
    if as_json:
        shown = {"oldest_waiting_at": oldest, "server_away_since": away_since}
        iso = {name: moment.isoformat() if moment else None for name, moment in shown.items()}
        heartbeats = {pulse.job.value: pulse.as_json() for pulse in pulses}
        click.echo(json.dumps(counts | iso | {"server_error": error, "heartbeats": heartbeats}))
        return
    for state, words in (
        (MailState.QUEUED, text("warten")),
        (MailState.SENT, text("zugestellt")),
        (MailState.DEAD, text("unzustellbar")),
    ):
        click.echo(f"{counts[state]:>8} {translate(words)}")
    if away_since:
        away = text("Mailserver nicht erreichbar seit %(since)s: %(error)s", since=away_since, error=error)
        click.echo(translate(away))
    for pulse in (pulse for pulse in pulses if pulse.is_late):
        late = text("%(job)s: zuletzt %(done_at)s, das ist zu lange her.", job=pulse.name, done_at=pulse.done_at)
        never = text("%(job)s: noch nie, obwohl es Zeit ist.", job=pulse.name)
        click.echo(translate(late if pulse.done_at else never))
