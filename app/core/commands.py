"""The command line: groups of commands that say in one sentence when the database cannot be worked with."""

from __future__ import annotations

from typing import Any

import click
from flask.cli import AppGroup
from sqlalchemy.exc import InterfaceError, OperationalError, ProgrammingError

from app.core.text import text

AWAY = text(
    "Die Datenbank antwortet nicht oder ist leer. Prüfen Sie DATABASE_URL und führen Sie aus: flask db upgrade"
)


class Commands(AppGroup):
    """A group of `flask` commands."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (OperationalError, InterfaceError, ProgrammingError) as error:
            reason = str(error.orig).splitlines()[0]
            raise click.ClickException(f"{AWAY} ({reason})") from None
