"""Reminders are written here."""

from __future__ import annotations

from celery import shared_task

from app.core import clock
from app.core.transaction import reading, transaction
from app.reminders import service


@shared_task(name="reminders.sweep")
def sweep() -> None:
    """Writes the reminder mails of every programme whose send time has come; a second run finds nothing to do."""
    if _is_time():
        with transaction():  # around the clock too: on SQLite a transaction that began by reading cannot write
            service.sweep_all(clock.now())


def _is_time() -> bool:
    with reading():
        return service.is_time(clock.now())
