"""`flask accounts …`: access from the command line."""

from __future__ import annotations

import click

from app.core import clock, transaction
from app.core.commands import Commands
from app.core.errors import DomainError
from app.core.i18n import translate
from app.organisations import service

commands = Commands("accounts", help="People and their access.")


@commands.command("create-admin")
@click.option("--email", prompt="E-Mail", help="Address the administrator signs in with.")
@click.option("--name", prompt="Name", help="Name shown on pages and in the log.")
@click.password_option("--password", prompt="Passwort", help="At least 12 characters; asked for when left out.")
def create_admin(email: str, name: str, password: str) -> None:
    """Make the first account of an installation."""
    try:
        with transaction.transaction():
            account = service.create_first_administrator(email, name, password, now=clock.now())
            address = account.email
    except DomainError as error:
        raise click.ClickException(translate(error.message)) from None
    click.echo(f"{address} kann sich jetzt anmelden und weitere Personen einladen.")
