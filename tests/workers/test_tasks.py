"""Each task once, in this process; then for real, in a worker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import time, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from app.core.database import db
from app.core.transaction import after_commit
from app.mail.models import Mail
from app.reminders.models import ReminderRun
from tests.factories import NOON, City, add_milestone
from tests.mail.conftest import add_mail
from tests.mail.sink import Sink, running_sink
from tests.workers.conftest import Site
from tests.workers.processes import wait_until, worker
from workers import digests, mail, nudge, reminders


@pytest.fixture
def sink(app: Flask) -> Iterator[Sink]:
    with running_sink() as sink:
        before = app.config["SETTINGS"]
        app.config["SETTINGS"] = replace(before, mail_server=sink.server)
        yield sink
        app.config["SETTINGS"] = before


@pytest.fixture
def due(city: City) -> None:
    """A milestone that is due in a week, in a programme whose send time has always come."""
    city.measure.status = "approved"
    city.programme.send_time = time(0)
    add_milestone(city.measure, NOON.date() + timedelta(days=7))
    db.session.commit()


def reminder_mails() -> list[Mail]:
    return list(db.session.scalars(select(Mail).where(Mail.kind == "reminder")))


def test_delivery_empties_the_outbox_and_a_second_run_sends_nothing(app: Flask, sink: Sink) -> None:
    add_mail()
    mail.deliver()
    mail.deliver()
    assert len(sink.arrived) == 1


def test_the_reminder_sweep_writes_what_is_due_and_a_second_run_nothing(due: None) -> None:
    reminders.sweep()
    assert len(reminder_mails()) == 1
    reminders.sweep()
    assert len(reminder_mails()) == 1
    assert len(db.session.scalars(select(ReminderRun)).all()) == 1


def test_the_digest_sweep_runs_and_a_second_run_writes_nothing(city: City) -> None:
    digests.sweep()
    written = db.session.scalars(select(Mail.id).where(Mail.kind == "digest")).all()
    digests.sweep()
    assert db.session.scalars(select(Mail.id).where(Mail.kind == "digest")).all() == written


@contextmanager
def listening(app: Flask) -> Iterator[list[frozenset[str]]]:
    heard: list[frozenset[str]] = []
    after_commit(heard.append)
    yield heard
    app.extensions["after_commit"].remove(heard.append)


def test_a_sweep_that_wrote_mail_announces_it(app: Flask, due: None) -> None:
    with listening(app) as heard:
        reminders.sweep()
        reminders.sweep()
    assert heard == [frozenset({"mail"})]


@pytest.mark.timeout(300)
def test_from_the_broker_to_the_mailbox(site: Site) -> None:
    """A sweep task in a real worker: reminder written, nudge, mail delivered; a second task adds nothing."""
    site.city.measure.status = "approved"
    site.city.programme.send_time = time(0)
    add_milestone(site.city.measure, NOON.date() + timedelta(days=7))
    db.session.commit()
    db.session.remove()
    sender = nudge._sender(site.flask.config["SETTINGS"])
    with worker(site.flask.config["SETTINGS"]):
        sender.send_task("reminders.sweep")
        wait_until(lambda: len(site.sink.arrived) == 1, "the reminder's arrival", site.var_dir)
        sender.send_task("reminders.sweep")
        sender.send_task("digests.sweep")
        sender.send_task("mail.deliver")
        wait_until(lambda: _finished(site, "mail.deliver") == 2, "the second delivery", site.var_dir)
        assert _finished(site, "reminders.sweep") == 2
        assert _finished(site, "digests.sweep") == 1
    (message,) = site.sink.arrived
    assert "Meilenstein" in message["Subject"]
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


def _finished(site: Site, task: str) -> int:
    (log,) = site.var_dir.glob("worker-*.log")
    return log.read_text().count(f"Task {task}[") // 2  # received, succeeded
