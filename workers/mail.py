"""Mail leaves here."""

from __future__ import annotations

from celery import shared_task
from flask import current_app

from app.core import clock
from app.core.transaction import transaction
from app.mail.delivery import deliver_batch
from app.mail.transport import Transport
from app.operations.service import tell_operator

LIMIT = 500
SECONDS = 50
"""A run ends within the minute after which beat starts the next one."""


@shared_task(name="mail.deliver")
def deliver() -> None:
    """Sends what is due in the outbox, each mail in its own transaction; then tells the operator what was late."""
    done = deliver_batch(Transport.of(current_app.config["SETTINGS"]), LIMIT, SECONDS)
    with transaction():
        tell_operator(done.ran_before_at, clock.wall_now(), clock.now())
