from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from flask import Flask

from app.core import clock
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


def test_status_is_one_json_object(app: Flask, served: Sink) -> None:
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
    }


def test_status_in_words(app: Flask, served: Sink) -> None:
    add_mail()
    result = app.test_cli_runner().invoke(args=["mail", "status"])
    assert result.output.split() == ["1", "warten", "0", "zugestellt", "0", "unzustellbar"]
