"""The worker and beat processes.

celery -A workers.celery_app worker
celery -A workers.celery_app beat
"""

from __future__ import annotations

import sys
from typing import Any

from celery import Celery, Task
from celery.signals import beat_init, worker_init, worker_process_init
from kombu.exceptions import OperationalError

import config
from app import create_app
from app.core import transaction
from app.core.database import db
from workers import nudge
from workers.beat import SCHEDULE
from workers.broker import LOST_AFTER, connection_settings

try:
    settings = config.load()
except config.SettingsError as error:
    sys.exit(f"Wegmarke cannot start: {error}")

flask = create_app(settings)
with flask.app_context():
    transaction.after_commit(nudge.after_commit)


class TaskInApplication(Task):  # type: ignore[type-arg]
    """A task with the application around it, a new context each time: no row of one run is seen by the next."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with flask.app_context():
            return self.run(*args, **kwargs)


celery = Celery(
    "wegmarke", task_cls=TaskInApplication, include=["workers.mail", "workers.reminders", "workers.digests"]
)
celery.conf.update(
    connection_settings(settings),
    # A task leaves the queue when it is done, not when it is begun: a killed worker's task comes again. Every
    # task may run twice, for rows and unique keys decide what is done, not messages.
    task_acks_late=True,
    # One task at a time for each process: a long sweep does not sit on a delivery that another could take.
    worker_prefetch_multiplier=1,
    # Nothing asks for a result: the database says what was done.
    task_ignore_result=True,
    # The end of a task that hangs; before Redis takes it for lost and gives it to somebody else as well.
    task_time_limit=LOST_AFTER - 5 * 60,
    # A broker that goes away later is waited for; one that is not there at the start is a sentence and an end.
    broker_connection_retry=True,
    broker_connection_retry_on_startup=False,
    broker_connection_max_retries=None,
    # What was running when the broker went comes again anyway (acks_late); finish it, it does no harm twice.
    worker_cancel_long_running_tasks_on_connection_loss=False,
    # `celery inspect ping` for health checks needs a broadcast, which files cannot do.
    worker_enable_remote_control=not settings.broker_url.startswith("filesystem://"),
    beat_schedule=SCHEDULE,
    beat_schedule_filename=str(settings.var_dir / "beat-schedule"),
)


@worker_init.connect
@beat_init.connect
def reach_broker(**_: Any) -> None:
    """Ends a process at its start when the broker is not there, with one sentence."""
    try:
        with celery.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=4)
    except (OperationalError, OSError) as error:
        address = celery.connection_for_write().as_uri()
        sys.exit(
            f"Wegmarke cannot start: the broker at {address} does not answer ({error}); "
            "start it, or set CELERY_BROKER_URL to one that runs."
        )


@worker_process_init.connect
def forget_connections(**_: Any) -> None:
    """A forked process must not share its parent's database connections."""
    with flask.app_context():
        db.engine.dispose(close=False)
