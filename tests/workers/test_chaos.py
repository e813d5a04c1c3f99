"""The whole machinery for real, killed at random moments: no reminder is lost and none repeated.

A worker with two processes, two beats, PostgreSQL, Redis and a mail server with bad moments. Days pass while worker
and beats are killed, the broker loses its messages and the database is killed under everybody's hands.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from datetime import time as time_of_day
from pathlib import Path
from subprocess import Popen

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import SQLAlchemyError

from app.core import clock
from app.core.database import db
from app.core.transaction import reading, transaction
from app.mail.models import Mail, MailState
from app.organisations.permissions import Role
from app.reminders.models import ReminderEntry, ReminderRun
from app.reminders.planning import preview
from config import Settings
from tests.factories import add_account, add_measure, add_milestone
from tests.workers.conftest import Site, site_on
from tests.workers.processes import celery, kill, quick_beat, wait_until
from tests.workers.servers import Server, running_postgres, running_redis

FIRST_DAY = date(2023, 3, 15)
DAYS = 12
SEED = 20231101
PROCESSES = 2
"""Of the worker: when it is killed, each of them may have a mail in flight."""


@dataclass
class Machinery:
    """A worker and two beats, and how often a mail may have been taken without our learning of it."""

    settings: Settings
    running: dict[str, Popen[str]] = field(default_factory=dict)
    crashes: int = 0

    def start(self, name: str) -> None:
        """Starts it anew; what ran under that name is killed."""
        if name in self.running:
            kill(self.running[name])
        if name == "worker":
            process = celery(self.settings, "worker", "--concurrency", str(PROCESSES), "--loglevel", "WARNING")
        else:
            process = quick_beat(self.settings, name)
        self.running[name] = process

    def keep_running(self) -> None:
        """Whatever ended by itself is started again, as a service manager does."""
        for name, process in list(self.running.items()):
            if process.poll() is not None:
                self.start(name)

    def end(self) -> None:
        """Kills all of it."""
        for process in self.running.values():
            kill(process)


@pytest.fixture
def servers() -> Iterator[tuple[Server, Server]]:
    with running_postgres() as postgres, running_redis() as redis:
        yield postgres, redis


@pytest.mark.timeout(480)
def test_killed_at_any_moment_nothing_is_lost_and_nothing_repeated_but_the_mail_in_flight(
    servers: tuple[Server, Server], tmp_path: Path
) -> None:
    postgres, redis = servers
    chance = random.Random(SEED)
    with site_on(postgres.url, redis.url, tmp_path) as site:
        _something_due_every_day(site)
        expected = _expected()
        machinery = Machinery(site.flask.config["SETTINGS"])
        try:
            for name in ("worker", "beat-1", "beat-2"):
                machinery.start(name)
            for day in range(DAYS):
                _move_to(FIRST_DAY + timedelta(days=day))
                wait_until(_is_swept, f"the sweep of day {day}", tmp_path, machinery.keep_running)
                _something_goes_wrong(chance, site, machinery, postgres, redis)
            site.sink.refuses, site.sink.mails_per_connection, site.sink.seconds = {}, None, 0
            _no_more_waiting()
            wait_until(_is_empty, "everything due sent", tmp_path, machinery.keep_running)
        finally:
            machinery.end()
        _check(site, expected, machinery.crashes)


def _something_due_every_day(site: Site) -> None:
    site.city.programme.send_time = time_of_day(0)
    site.city.measure.status = "approved"
    for number in range(6):
        lead = add_account(f"Projektleitung {number}", Role.PROJECT_LEAD)
        measure = add_measure(site.city.programme, lead=lead, unit=site.city.unit, status="approved")
        for days in range(-14, 2 * DAYS):
            add_milestone(measure, FIRST_DAY + timedelta(days=days))
    db.session.commit()


def _expected() -> dict[tuple[str, date], int]:
    """Who gets a mail on which day, and how many lines it has."""
    with reading():
        return {(str(post.account_id), post.day): len(post.reminders) for post in preview(FIRST_DAY, DAYS)}


def _something_goes_wrong(
    chance: random.Random, site: Site, machinery: Machinery, postgres: Server, redis: Server
) -> None:
    time.sleep(chance.uniform(0, 0.5))
    site.sink.seconds = chance.choice([0, 0.05])
    addresses = [f"konto{number}@musterstadt.example" for number in range(1, 40)]
    site.sink.refuses = dict.fromkeys(chance.sample(addresses, 6), "451 try again later")
    site.sink.mails_per_connection = chance.choice([None, 1, 3])
    victim = chance.choice(["worker", "worker", "beat-1", "beat-2", "broker", "database"])
    if victim == "broker":
        redis.restart()
    elif victim == "database":
        machinery.crashes += 1
        postgres.restart()
    else:
        machinery.crashes += victim == "worker"
        machinery.start(victim)


def _move_to(day: date) -> None:
    with transaction():
        clock.move_sandbox_to(day)


def _is_swept() -> bool:
    with reading():
        try:
            runs = db.session.execute(
                select(func.count(), func.count(ReminderRun.next_at)).where(ReminderRun.day == clock.today())
            )
            return tuple(runs.one()) == (1, 0)
        except SQLAlchemyError:  # the database is just coming back
            return False


def _no_more_waiting() -> None:
    """The minutes pass for which a mail waits that the server has put off."""
    with transaction():
        db.session.execute(
            update(Mail).where(Mail.state == MailState.QUEUED).values(next_attempt_at=clock.wall_now())
        )


def _is_empty() -> bool:
    with reading():
        return db.session.scalar(select(func.count()).select_from(Mail).where(Mail.state != MailState.SENT)) == 0


def _check(site: Site, expected: dict[tuple[str, date], int], crashes: int) -> None:
    with reading():
        mails = db.session.scalars(select(Mail).where(Mail.kind == "reminder")).all()
        written = {(str(mail.account_id), clock.day_of(mail.created_at)): mail.message_id for mail in mails}
        lines = Counter(db.session.scalars(select(ReminderEntry.mail_id).where(ReminderEntry.mail_id.is_not(None))))
        told = {(str(mail.account_id), clock.day_of(mail.created_at)): lines[mail.id] for mail in mails}
    assert len(mails) == len(written), "two mails for a person and day"
    assert told == expected
    arrived = Counter(mail["Message-ID"] for mail in site.sink.arrived)
    assert set(written.values()) <= set(arrived), "lost"
    repeated = sum(count - 1 for count in arrived.values())
    assert repeated <= PROCESSES * crashes, f"{repeated} repeated by {crashes} crashes"
