"""Mail leaves here."""

from __future__ import annotations

from celery import shared_task
from flask import current_app

from app.mail.delivery import deliver_batch
from app.mail.transport import Transport

LIMIT = 500
SECONDS = 50
"""A run ends within the minute after which beat starts the next one."""


@shared_task(name="mail.deliver")
def deliver() -> None:
    """Sends what is due in the outbox, each mail in its own transaction."""
    settings = current_app.config["SETTINGS"]
    deliver_batch(Transport(settings.mail_server, settings.mail_from), LIMIT, SECONDS)
