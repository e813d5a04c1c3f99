from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from app.core import clock, heartbeat
from app.core.database import db
from app.core.heartbeat import Job
from config import MailServer
from tests.mail.conftest import add_mail
from tests.mail.sink import Sink

WRITTEN_AT = datetime(2023, 3, 15, 7, tzinfo=UTC)


@pytest.fixture
def served(app: Flask, sink: Sink, monkeypatch: pytest.MonkeyPatch) -> Sink:
    """The application with the sink as its mail server."""
    monkeypatch.setitem(app.config, "SETTINGS", replace(app.config["SETTINGS"], mail_server=sink.server))
    return sink


def test_deliver_sends_what_is_due_and_counts(app: Flask, served: Sink) -> None:
    add_mail()
    add_mail("gone@musterstadt.example")
    served.refuses["gone@musterstadt.example"] = "550 no such person"
    result = app.test_cli_runner().invoke(args=["mail", "deliver"])
    assert result.exit_code == 0
    assert result.output.splitlines()[-1] == "1 gesendet, 0 zurückgestellt, 1 unzustellbar"
    assert len(served.arrived) == 1


def test_deliver_says_in_one_sentence_when_the_server_is_away(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = MailServer("127.0.0.1", 1, None, None, starttls=False, ssl=False)
    monkeypatch.setitem(app.config, "SETTINGS", replace(app.config["SETTINGS"], mail_server=nowhere))
    add_mail()
    result = app.test_cli_runner().invoke(args=["mail", "deliver"])
    assert result.exit_code == 1
    assert "Der Mailserver ist nicht erreichbar; die Mails warten." in result.output
    shown = app.test_cli_runner().invoke(args=["mail", "status"]).output
    assert "Mailserver nicht erreichbar seit" in shown


@pytest.fixture
def just_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the tests have been running."""
    monkeypatch.setattr(heartbeat, "STARTED_AT", clock.wall_now())


def test_status_is_one_json_object(app: Flask, served: Sink, just_begun: None) -> None:
    add_mail(created_at=WRITTEN_AT)
    add_mail(created_at=clock.wall_now())
    result = app.test_cli_runner().invoke(args=["mail", "status", "--json"])
    assert json.loads(result.output) == {
        "queued": 2,
        "sent": 0,
        "dead": 0,
        "oldest_waiting_at": WRITTEN_AT.isoformat(),
        "server_away_since": None,
        "server_error": None,
        "heartbeats": {
            "reminders.sweep": {"state": "never", "done_at": None},
            "mail.deliver": {"state": "never", "done_at": None},
        },
    }


def test_status_in_words(app: Flask, served: Sink, just_begun: None) -> None:
    add_mail()
    result = app.test_cli_runner().invoke(args=["mail", "status"])
    assert result.output.split() == ["1", "warten", "0", "zugestellt", "0", "unzustellbar"]


def test_status_says_what_was_not_done_in_time(app: Flask, served: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    now = clock.wall_now()
    heartbeat.beat(Job.DELIVERY, now - timedelta(minutes=6))
    monkeypatch.setattr(heartbeat, "STARTED_AT", now - timedelta(minutes=31))
    db.session.commit()
    shown = app.test_cli_runner().invoke(args=["mail", "status"]).output
    assert "Versand der Mails: zuletzt" in shown
    assert "Prüfung der Fristen: noch nie, obwohl es Zeit ist." in shown
    found = json.loads(app.test_cli_runner().invoke(args=["mail", "status", "--json"]).output)["heartbeats"]
    assert found["mail.deliver"] == {"state": "late", "done_at": (now - timedelta(minutes=6)).isoformat()}
    assert found["reminders.sweep"] == {"state": "late", "done_at": None}
