"""Outbox, operation and health."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, time, timedelta
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import select

from app.audit import service as audit
from app.core import clock, heartbeat
from app.core.database import db
from app.core.heartbeat import Job, beat
from app.core.text import text
from app.mail import service as mail
from app.mail.models import Mail, MailServerState
from app.milestones import service as milestones
from app.reminders.service import sweep_all
from tests.conftest import Client
from tests.factories import NOON, City, actor, add_milestone
from tests.mail.conftest import add_mail
from tests.mail.sink import Sink, running_sink
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


NEVER = {"state": "never", "done_at": None}


@pytest.fixture
def just_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the tests have been running."""
    monkeypatch.setattr(heartbeat, "STARTED_AT", clock.wall_now())


@pytest.mark.usefixtures("just_begun")
def test_health_answers_without_a_sign_in_and_names_what_is_away(app: Flask, client: Client) -> None:
    jobs = {"jobs": {"reminders.sweep": NEVER, "mail.deliver": NEVER}}
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok", "database": "ok", "broker": "ok"} | jobs)
    settings = app.config["SETTINGS"]
    app.config["SETTINGS"] = type(settings)(**{**vars(settings), "broker_url": "redis://127.0.0.1:1/0"})
    try:
        answer = client.get("/healthz")
    finally:
        app.config["SETTINGS"] = settings
    assert (answer.status_code, answer.json) == (
        200,
        {"status": "degraded", "database": "ok", "broker": "unreachable"} | jobs,
    )


@pytest.mark.usefixtures("just_begun")
def test_health_says_when_a_job_was_last_done_and_is_degraded_when_one_is_late(client: Client) -> None:
    now = clock.wall_now()
    beat(Job.SWEEP, now - timedelta(minutes=29))
    beat(Job.DELIVERY, now - timedelta(minutes=4))
    answer = client.get("/healthz")
    assert answer.json
    assert answer.json["status"] == "ok"
    assert answer.json["jobs"]["reminders.sweep"] == {
        "state": "ok",
        "done_at": (now - timedelta(minutes=29)).isoformat(),
    }
    beat(Job.DELIVERY, now - timedelta(minutes=6))
    answer = client.get("/healthz")
    assert answer.json
    assert (answer.status_code, answer.json["status"]) == (200, "degraded")
    assert answer.json["jobs"]["mail.deliver"]["state"] == "late"
    assert answer.json["jobs"]["reminders.sweep"]["state"] == "ok"


# -- dead mails ------------------------------------------------------------------------------------------------------


@pytest.fixture
def dead(city: City) -> Mail:
    return add_mail("weg@stadt.example", state="dead", attempts=10, last_error="550 no such person")


def test_the_outbox_says_of_a_dead_mail_why_and_offers_to_send_it_again(
    client: Client, city: City, dead: Mail
) -> None:
    client.sign_in(city.coordinator)
    for address in ("/outbox", "/outbox?state=dead"):
        page = client.get(address).text
        assert "Eine Mail ist unzustellbar." in page
        assert "550 no such person" in page
        assert "aufgegeben" in page
        assert f'action="/outbox/{dead.id}/resend"' in page
        assert 'action="/outbox/resend"' in page
    assert f'action="/outbox/{dead.id}/resend"' in client.get(f"/outbox/{dead.id}").text


def test_an_auditor_reads_why_a_mail_is_dead_and_sends_nothing(client: Client, city: City, dead: Mail) -> None:
    client.sign_in(city.auditor)
    for address in ("/outbox", f"/outbox/{dead.id}", "/operations"):
        page = client.get(address)
        assert page.status_code == 200
        assert "/resend" not in page.text
        assert "/operations/run" not in page.text
    for address in (f"/outbox/{dead.id}/resend", "/outbox/resend", "/operations/run"):
        assert client.post(address).status_code == 403
    db.session.refresh(dead)
    assert dead.state == "dead"


@pytest.mark.parametrize("who", ["lead", "head", "funder"])
def test_whoever_may_not_see_the_outbox_sends_nothing_again(client: Client, city: City, dead: Mail, who: str) -> None:
    client.sign_in(getattr(city, who))
    for address in (f"/outbox/{dead.id}/resend", "/outbox/resend", "/operations/run"):
        assert client.post(address).status_code == 403
    assert client.get("/operations").status_code == 403


def test_a_dead_mail_is_sent_again_at_the_press_of_a_button_once(client: Client, city: City, dead: Mail) -> None:
    client.sign_in(city.administrator)
    answer = client.post(f"/outbox/{dead.id}/resend", follow_redirects=True)
    assert answer.status_code == 200
    assert "wird erneut gesendet" in answer.text
    db.session.refresh(dead)
    assert (dead.state, dead.attempts) == ("queued", 0)
    again = client.post(f"/outbox/{dead.id}/resend")
    assert again.status_code == 409
    assert "Diese Mail ist nicht unzustellbar." in again.text
    assert client.post(f"/outbox/{uuid4()}/resend").status_code == 404


def test_all_dead_mails_are_sent_again_at_the_press_of_a_button(client: Client, city: City, dead: Mail) -> None:
    client.sign_in(city.coordinator)
    other = add_mail(state="dead", last_error="451 later")
    answer = client.post("/outbox/resend", follow_redirects=True)
    assert "2 Mails werden erneut gesendet." in answer.text
    db.session.expire_all()
    assert (dead.state, other.state) == ("queued", "queued")
    assert "Keine Mail ist unzustellbar." in client.post("/outbox/resend", follow_redirects=True).text


def test_a_secret_mail_is_sent_again_and_stays_secret(client: Client, city: City, invitation: Mail) -> None:
    invitation.state = "dead"
    client.sign_in(city.administrator)
    page = client.post(f"/outbox/{invitation.id}/resend", follow_redirects=True).text
    assert "wird erneut gesendet" in page
    assert "/password/x" not in page


# -- operation -------------------------------------------------------------------------------------------------------

SWEEP_LATE = "Die Fristen werden nicht geprüft"
DELIVERY_LATE = "Der Versand steht still"


@pytest.mark.usefixtures("just_begun")
def test_the_pages_of_who_operates_say_what_was_not_done_in_time(client: Client, city: City) -> None:
    now = clock.wall_now()
    beat(Job.SWEEP, now - timedelta(minutes=31))
    beat(Job.DELIVERY, now - timedelta(minutes=4))
    for who in (city.administrator, city.coordinator):
        client.sign_in(who)
        for address in ("/", "/operations"):
            page = client.get(address).text
            assert SWEEP_LATE in page
            assert DELIVERY_LATE not in page
        assert 'href="/operations"' in client.get("/").text
    beat(Job.DELIVERY, now - timedelta(minutes=6))
    beat(Job.SWEEP, now)
    page = client.get("/").text
    assert DELIVERY_LATE in page
    assert SWEEP_LATE not in page
    client.sign_in(city.lead)
    assert DELIVERY_LATE not in client.get("/").text, "nothing a project lead could do about"


@pytest.mark.usefixtures("just_begun")
def test_where_both_jobs_are_late_the_pages_say_once_what_is_true_of_both(client: Client, city: City) -> None:
    beat(Job.SWEEP, clock.wall_now() - timedelta(minutes=31))
    beat(Job.DELIVERY, clock.wall_now() - timedelta(minutes=6))
    client.sign_in(city.administrator)
    for address in ("/", "/operations"):
        page = client.get(address).text
        assert page.count("Wahrscheinlich laufen die Hintergrunddienste nicht.") == 1
        assert f"{SWEEP_LATE}, und der Versand steht still" in page
        assert "Prüfung der Fristen: zuletzt" in page
        assert "Versand der Mails: zuletzt" in page


@pytest.mark.usefixtures("just_begun")
def test_on_a_new_installation_no_page_raises_an_alarm(client: Client, city: City) -> None:
    client.sign_in(city.administrator)
    for address in ("/", "/operations"):
        page = client.get(address).text
        assert SWEEP_LATE not in page
        assert DELIVERY_LATE not in page
    assert "noch nie" in client.get("/operations").text


@pytest.fixture
def sink(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sink]:
    with running_sink() as sink:
        monkeypatch.setitem(app.config, "SETTINGS", replace(app.config["SETTINGS"], mail_server=sink.server))
        yield sink


def test_the_button_does_at_once_what_the_workers_do_and_nothing_twice(
    client: Client, city: City, sink: Sink
) -> None:
    city.programme.send_time = time(0)
    city.measure.status = "approved"  # owes no progress update
    add_milestone(city.measure, NOON.date() + timedelta(days=7))
    client.sign_in(city.coordinator)
    answer = client.post("/operations/run", follow_redirects=True)
    assert answer.status_code == 200
    assert "eine neue Mail ist entstanden. Eine Mail ist verschickt." in answer.text
    assert sink.recipients == [city.lead.email]
    answer = client.post("/operations/run", follow_redirects=True)
    assert "keine neue Mail ist entstanden. Zu verschicken war nichts." in answer.text
    assert len(sink.arrived) == 1
    assert set(heartbeat.list_heartbeats()) == set(Job)


def test_the_button_says_when_the_mail_server_is_away(client: Client, city: City) -> None:
    letter = add_mail()
    client.sign_in(city.administrator)
    answer = client.post("/operations/run", follow_redirects=True)
    assert "Der Mailserver ist nicht erreichbar, die Mails warten." in answer.text
    db.session.refresh(letter)
    assert letter.state == "queued"


def test_the_button_says_what_could_not_be_sent(client: Client, city: City, sink: Sink) -> None:
    city.measure.status = "approved"
    sink.refuses = {"weg@stadt.example": "550 gone", "voll@stadt.example": "452 full"}
    for address in ("weg@stadt.example", "voll@stadt.example", "da@stadt.example"):
        add_mail(address)
    client.sign_in(city.administrator)
    answer = client.post("/operations/run", follow_redirects=True).text
    assert "Eine Mail ist verschickt. Eine wird später erneut versucht. Eine ist unzustellbar." in answer


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


def test_nobody_answers_in_a_readers_name_by_way_of_the_outbox(app: Flask, client: Client, city: City) -> None:
    """The links of a reminder prove who its reader is: in production only they get to see them."""
    city.measure.status = "approved"
    add_milestone(city.measure, NOON.date() + timedelta(days=7))
    sweep_all(NOON)
    letter = db.session.scalars(select(Mail).where(Mail.kind == "reminder")).one()
    client.sign_in(city.administrator)
    key = re.compile(r"/reminders/answers/[\w-]+/[\w.-]{20,}")
    assert key.search(letter.body_text)
    before = app.config["SETTINGS"]
    for mode, shown in (("production", False), ("trial", True)):
        app.config["SETTINGS"] = replace(before, mode=mode)
        for address in (f"/outbox/{letter.id}", f"/outbox/{letter.id}/html"):
            page = client.get(address).get_data(as_text=True)
            assert bool(key.search(page)) is shown, (mode, address)
    app.config["SETTINGS"] = before
