"""Stopping reminders with one click (RFC 8058), and what cannot be stopped."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from app.audit.models import AuditEvent
from app.core.database import db
from app.mail.message import ONE_CLICK
from app.mail.models import Mail
from app.reminders import service
from app.reminders.links import opt_out_url
from app.reminders.models import ReminderPreference
from tests.conftest import Client
from tests.factories import NOON, City, add, add_milestone
from tests.reminders.letters import answer_path, swept_mail

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def city(city: City) -> City:
    """Its measure has not begun, so that only what a test puts there is due."""
    city.measure.status = "approved"
    db.session.commit()
    return city


@pytest.fixture
def path(city: City) -> str:
    """Where the lead's mail says its reader can stop mails like it."""
    add_milestone(city.measure, NOON.date() + timedelta(days=7))
    return urlsplit(swept_mail(city.lead).unsubscribe_url or "").path


def preference(city: City) -> ReminderPreference | None:
    db.session.expire_all()
    return db.session.get(ReminderPreference, city.lead.id)


def log() -> list[AuditEvent]:
    return [row for row in db.session.scalars(select(AuditEvent)) if row.subject_kind == "account"]


def test_a_mail_program_stops_reminders_by_one_post_without_session_or_token(
    app: Flask, client: Client, city: City, path: str
) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    try:
        answer = app.test_client(use_cookies=False).post(path, data=ONE_CLICK, content_type=FORM)
    finally:
        app.config["WTF_CSRF_ENABLED"] = False
    assert answer.status_code == 200
    assert answer.location is None
    stored = preference(city)
    assert stored
    assert (stored.wants_optional, stored.weekdays) == (False, [0, 1, 2, 3, 4])
    (line,) = log()
    assert (line.actor_id, line.subject_id) == (city.lead.id, city.lead.id)
    assert line.changes == [{"field": "wants_optional", "from": True, "to": False}]


def test_it_works_as_multipart_too(client: Client, city: City, path: str) -> None:
    name, value = ONE_CLICK.split("=")
    assert client.post(path, data={name: value}, content_type="multipart/form-data").status_code == 200
    assert preference(city)


def test_doing_it_again_changes_nothing(client: Client, city: City, path: str) -> None:
    for _ in range(3):
        assert client.post(path, data=ONE_CLICK, content_type=FORM).status_code == 200
    assert len(log()) == 1


def test_it_leaves_the_other_wishes_alone(client: Client, city: City, path: str) -> None:
    add(ReminderPreference(account_id=city.lead.id, weekdays=[1, 3]))
    client.post(path, data=ONE_CLICK, content_type=FORM)
    stored = preference(city)
    assert stored
    assert (stored.wants_optional, stored.weekdays) == (False, [1, 3])


def test_peer_14_opening_the_page_stops_nothing(client: Client, city: City, path: str) -> None:
    for method in ("GET", "HEAD", "OPTIONS", "GET"):
        assert client.open(path, method=method).status_code == 200
    assert preference(city) is None
    page = client.get(path).text
    assert "Abbestellen" in page
    assert "Verwendungsnachweis" in page


@pytest.mark.parametrize("body", ["", "List-Unsubscribe=No", "csrf_token=x", "\x00"])
def test_a_post_that_does_not_say_so_stops_nothing(client: Client, city: City, path: str, body: str) -> None:
    assert client.post(path, data=body, content_type=FORM).status_code == 422
    assert preference(city) is None


def test_the_button_of_the_page_sends_what_a_mail_program_sends(client: Client, city: City, path: str) -> None:
    button = re.search(r'<button type="submit"[^>]*name="List-Unsubscribe" value="([^"]+)"', client.get(path).text)
    assert button
    answer = client.post(path, data={"List-Unsubscribe": button[1]})
    assert "Ihre Erinnerungen sind abbestellt" in answer.text
    assert "/reminders/preferences" in answer.text
    assert "Ihre Erinnerungen sind abbestellt" in client.get(path).text


def test_peer_8_the_opt_out_is_kept_and_what_is_legally_due_still_comes(
    client: Client, city: City, path: str
) -> None:
    client.post(path, data=ONE_CLICK, content_type=FORM)
    day = timedelta(days=1)
    sent = [number for number in range(1, 30) if service.sweep_all(NOON + number * day)]
    assert sent == [14, 21, 28]  # the milestone is due on the seventh day
    mails = db.session.scalars(select(Mail).where(Mail.kind == "reminder", Mail.created_at > NOON)).all()
    assert {mail.unsubscribe_url for mail in mails} == {None}


def test_a_closed_account_is_left_in_peace(client: Client, city: City, path: str) -> None:
    city.lead.active = False
    assert client.post(path, data=ONE_CLICK, content_type=FORM).status_code == 200
    assert preference(city)


def test_the_link_of_an_old_mail_works_for_a_year(app: Flask, client: Client, city: City) -> None:
    with time_machine.travel(datetime(2023, 1, 1, tzinfo=UTC), tick=False):
        path = urlsplit(opt_out_url(city.lead.id)).path
    with time_machine.travel(datetime(2024, 1, 1, tzinfo=UTC), tick=False):
        assert client.get(path).status_code == 200
    with time_machine.travel(datetime(2024, 1, 3, tzinfo=UTC), tick=False):
        assert client.get(path).status_code == 404
        assert client.post(path, data=ONE_CLICK, content_type=FORM).status_code == 404
    assert preference(city) is None


def test_a_forged_or_broken_link_stops_nothing_and_is_no_accident(client: Client, city: City, path: str) -> None:
    folder, _, token = path.rpartition("/")
    answer = answer_path(db.session.scalars(select(Mail)).one(), "late-2").rpartition("/")[2]
    unknown = opt_out_url(uuid4()).rpartition("/")[2]
    for made_up in (token[:-1], token[:10], "x", "%00", "%ff", "A" * 10_000, answer, unknown, token + "."):
        for method in ("GET", "POST"):
            reply = client.open(f"{folder}/{made_up}", method=method, data=ONE_CLICK, content_type=FORM)
            assert reply.status_code == 404, made_up
    assert preference(city) is None


def test_only_this_post_goes_without_a_form_token(app: Flask) -> None:
    assert app.extensions["csrf"]._exempt_views == {"app.reminders.answer_views.opt_out_with_one_click"}
    assert app.extensions["csrf"]._exempt_blueprints == set()
