"""After a commit: tells the workers that there is something to do now, instead of within the minute.

Wired in `wsgi.py` and `celery_app.py`. The row in the database stays the truth: a nudge that is lost costs only
the wait for the next sweep, so it never fails and never delays the request it follows.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import structlog
from celery import Celery
from flask import current_app

from config import Settings
from workers.broker import connection_settings

log = structlog.get_logger()

TASKS = {"mail": "mail.deliver"}
"""What is announced → the task that looks after it."""

PATIENCE = 2
"""Seconds a nudge may cost a request when the broker does not answer."""


def after_commit(announced: frozenset[str]) -> None:
    """Sends the task for each thing announced; where the broker is away, only says so in the log."""
    settings: Settings = current_app.config["SETTINGS"]
    for task in sorted({TASKS[what] for what in announced if what in TASKS}):
        try:
            _sender(settings).send_task(task, expires=60, ignore_result=True, retry=False)
        except Exception as error:  # whatever the broker's driver throws: the commit has happened
            log.warning("workers not nudged", task=task, error=str(error))


@cache
def _sender(settings: Settings) -> Celery:
    """A Celery that knows no task and only sends."""
    connection: dict[str, Any] = connection_settings(settings)
    impatient = {
        "socket_connect_timeout": PATIENCE,
        "socket_timeout": PATIENCE,
        "max_retries": 0,
        "connect_retries_timeout": PATIENCE,
    }
    options = connection.pop("broker_transport_options") | impatient
    sender = Celery("wegmarke-sender", set_as_current=False)
    sender.conf.update(connection, broker_transport_options=options, broker_pool_limit=4, task_publish_retry=False)
    return sender
