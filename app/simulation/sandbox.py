"""The installation in which a replay lives: a database of its own in a folder that goes away with it."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import flask_migrate
import structlog
from flask import Flask
from sqlalchemy import event

import app
from app.core import clock
from app.core.database import db
from app.core.transaction import transaction
from app.organisations.permissions import system
from app.simulation.sink import ADDRESS
from app.transfer import service as transfer
from app.transfer.findings import Finding
from app.transfer.reading import read_files
from config import MailServer, Settings

SAMPLES = tuple(Path(__file__).parents[2] / "data" / name for name in ("iserlohn.yaml", "beispiel.yaml"))
"""The city that is replayed where no other is named."""


class UnsoundData(Exception):
    """The files cannot be imported; `findings` say why."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__()
        self.findings = findings


@contextmanager
def sandbox(smtp_port: int) -> Iterator[Flask]:
    """An application on a migrated, empty database, with its context around; all of it is gone afterwards."""
    with TemporaryDirectory(prefix="wegmarke-replay-") as folder, _quiet():
        flask = app.create_app(_settings(Path(folder), smtp_port))
        with flask.app_context():
            event.listen(db.engine, "connect", _trust_the_machine)
            flask_migrate.upgrade()
            try:
                yield flask
            finally:
                db.session.remove()
                db.engine.dispose()


def fill(files: Sequence[Path], day: date) -> None:
    """Imports the city as it would have been imported on that day.

    Raises:
        UnsoundData: where the files are wrong, or do not fit together.
    """
    read = read_files(files)
    if read.city is None:
        raise UnsoundData(read.findings)
    now = clock.start_of(day)
    try:
        with clock.standing_at(now), transaction():
            transfer.import_city(system("flask simulate"), read.city, now=now)
    except transfer.Refused as refused:
        raise UnsoundData(refused.findings) from None


def _settings(folder: Path, smtp_port: int) -> Settings:
    return Settings(
        mode="production",  # the clock of a trial would stand still
        secret_key=secrets.token_hex(32),
        database_url=f"sqlite:///{folder / 'replay.db'}",
        broker_url="filesystem://",
        mail_server=MailServer(ADDRESS, smtp_port, None, None, starttls=False, ssl=False),
        mail_from="wegmarke@replay.example",
        base_url="https://replay.example",
        var_dir=folder,
        sandbox_starts_on=None,
    )


def _trust_the_machine(connection: Any, _record: Any) -> None:
    """Nothing is kept, so nothing has to survive a power cut."""
    connection.execute("PRAGMA synchronous=OFF")


@contextmanager
def _quiet() -> Iterator[None]:
    """Every fault of a replay is one that was wanted: only what is wrong with Wegmarke itself is logged."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    try:
        yield
    finally:
        structlog.configure(**before)
