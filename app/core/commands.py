"""The command line: commands that say in one sentence what stands against them, to people and to programs."""

from __future__ import annotations

import json
from typing import Any

import click
from flask.cli import AppGroup
from sqlalchemy.exc import InterfaceError, OperationalError, ProgrammingError

from app.core.text import text

AWAY = text(
    "Die Datenbank antwortet nicht oder ist leer. Prüfen Sie DATABASE_URL und führen Sie aus: flask db upgrade"
)


class Command(click.Command):
    """A `flask` command. Refused with `--json`, it answers {"error": sentence} and nothing else, and ends with 1.

    What is wrong with how it was called (`click.UsageError`) stays click's own answer, and ends with 2.
    """

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return self._invoke(ctx)
        except click.UsageError:
            raise
        except click.ClickException as refusal:
            if not ctx.params.get("as_json"):
                raise
            click.echo(json.dumps({"error": refusal.format_message()}, ensure_ascii=False, indent=2))
            raise click.exceptions.Exit(1) from None

    def _invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (OperationalError, InterfaceError, ProgrammingError) as error:
            reason = str(error.orig).splitlines()[0]
            raise click.ClickException(f"{AWAY} ({reason})") from None


class Commands(AppGroup):
    """A group of `flask` commands."""

    command_class = Command
