"""`flask trial …`: what `./dev run` needs to bring up a trial."""

from __future__ import annotations

from pathlib import Path

import click

from app.core import transaction
from app.core.commands import Commands
from app.organisations.queries import find_city
from app.transfer.cli import import_files
from app.trial.views import trial_buttons

commands = Commands("trial", help="Trials on sample data.")


@commands.command("seed-if-empty")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def seed_if_empty(files: tuple[Path, ...]) -> None:
    """Import FILES, but only into an empty database."""
    with transaction.reading():
        is_empty = find_city() is None
    if is_empty:
        import_files(files, dry_run=False)


@commands.command("sign-ins")
def sign_ins() -> None:
    """Print one line for each role account."""
    with transaction.reading():
        for button in trial_buttons():
            click.echo(f"{button['role_label']}: {button['name']}")
