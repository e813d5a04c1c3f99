"""Digests are written here."""

from __future__ import annotations

from celery import shared_task

from app.core import clock
from app.core.transaction import transaction
from app.digests import service


@shared_task(name="digests.sweep")
def sweep() -> None:
    """Writes the digests whose period has ended; a second run finds nothing to do."""
    with transaction():
        service.sweep_due(clock.now())
