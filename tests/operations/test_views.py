"""Outbox and health."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from app.audit import service as audit
from app.core.database import db
from app.core.text import text
from app.mail import service as mail
from app.mail.models import Mail, MailServerState
from app.milestones import service as milestones
from tests.conftest import Client
from tests.factories import NOON, City, actor, add_milestone
from tests.measures.arrange import follow


@pytest.fixture
def invitation(city: City) -> Mail:
    return mail.enqueue(
        "invitation",
        mail.Recipient("neu@stadt.example", "Neu"),
        {"url": "http://localhost/password/x", "account": city.lead},
        now=NOON,
    )


@pytest.fixture
def letter(city: City) -> Mail:
    """A mail without secrets: the request to decide on a milestone."""
    milestone = add_milestone(city.measure, date(2023, 3, 1))
    milestones.request_approval(
        actor(city.lead), milestone, date(2023, 3, 1), "Erreicht", seen_version=milestone.version, now=NOON
    )
    return db.session.scalars(select(Mail)).one()


@pytest.mark.parametrize("who", ["administrator", "coordinator", "auditor"])
def test_a_link_that_lets_its_reader_in_is_shown_to_nobody_else(
    client: Client, city: City, invitation: Mail, who: str
) -> None:
    client.sign_in(getattr(city, who))
    page = client.get(f"/outbox/{invitation.id}").text
    assert "/password/x" not in page
    assert "Diese Mail ist nur für ihren Empfänger." in page
    assert client.get(f"/outbox/{invitation.id}/html").status_code == 404


def test_the_outbox_lists_every_mail_and_shows_it_as_its_reader_sees_it(
    client: Client, city: City, letter: Mail
) -> None:
    client.sign_in(city.coordinator)
    page = client.get("/outbox").text
    assert letter.subject in page
    assert "wartet" in page
    assert letter.message_id.strip("<>") in client.get(f"/outbox/{letter.id}").text
    frame = client.get(f"/outbox/{letter.id}/html")
    assert "Erreicht" in frame.text or "Meilenstein" in frame.text
    assert "sandbox" in frame.headers["Content-Security-Policy"]
    assert "default-src 'none'" in frame.headers["Content-Security-Policy"]
    assert letter.subject not in client.get("/outbox?state=dead").text
    assert client.get("/outbox?state=%3Cx%3E&page=-1").status_code == 200


@pytest.mark.parametrize("who", ["lead", "head", "funder"])
def test_the_outbox_is_not_for_everybody(client: Client, city: City, letter: Mail, who: str) -> None:
    client.sign_in(getattr(city, who))
    for address in ("/outbox", f"/outbox/{letter.id}", f"/outbox/{letter.id}/html", "/log"):
        assert client.get(address).status_code == 403


def test_a_mail_server_that_is_away_is_said_on_the_pages(client: Client, city: City) -> None:
    db.session.add(
        MailServerState(id=1, checked_at=NOON, away_since=NOON - timedelta(hours=1), error="Connection refused")
    )
    client.sign_in(city.coordinator)
    for address in ("/outbox", "/"):
        assert "Der Mailserver ist nicht erreichbar." in client.get(address).text


def test_health_answers_without_a_sign_in_and_names_what_is_away(app: Flask, client: Client) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok", "database": "ok", "broker": "ok"})
    settings = app.config["SETTINGS"]
    app.config["SETTINGS"] = type(settings)(**{**vars(settings), "broker_url": "redis://127.0.0.1:1/0"})
    try:
        answer = client.get("/healthz")
    finally:
        app.config["SETTINGS"] = settings
    assert (answer.status_code, answer.json) == (
        200,
        {"status": "degraded", "database": "ok", "broker": "unreachable"},
    )


def test_the_log_keeps_from_its_reader_what_the_status_of_a_measure_hides(client: Client, city: City) -> None:
    follow(
        city.measure,
        rules=[
            {"field": "summary", "rule": "hidden", "roles": ["auditor"]},
            {"field": "result", "rule": "hidden", "roles": ["auditor"]},
        ],
    )
    changes = {"summary": (None, "Geheimnisvoll"), "Ergebnis": (None, "Vertraulich"), "title": ("Alt", "Neu")}
    audit.record(actor(city.lead), city.measure, text("Angaben geändert"), now=NOON, changes=changes)
    db.session.commit()
    client.sign_in(city.auditor)
    page = client.get("/log").text
    assert "Geheimnisvoll" not in page
    assert "Vertraulich" not in page
    assert "Neu" in page
    assert f'href="/measures/{city.measure.id}"' in page, "a line names what it is about"
    client.sign_in(city.coordinator)
    assert "Geheimnisvoll" in client.get("/log").text
