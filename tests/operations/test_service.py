"""Dead mails sent again, jobs started by hand, and news for whoever runs the installation."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from app.audit.models import AuditEvent
from app.core import clock, heartbeat
from app.core.database import db
from app.core.errors import Conflict, Forbidden
from app.core.heartbeat import Heartbeat, Job, beat
from app.core.i18n import instant as shown
from app.mail.models import Mail
from app.operations import service
from app.organisations.permissions import Role
from tests.factories import NOON, City, actor, add_account, add_milestone
from tests.mail.conftest import add_mail
from tests.mail.sink import running_sink
from workers import mail as worker

WALL = clock.wall_now()
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def just_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the tests have been running."""
    monkeypatch.setattr(heartbeat, "STARTED_AT", WALL)


def add_dead(**values: object) -> Mail:
    return add_mail(None, **({"state": "dead", "attempts": 10, "last_error": "550 no such person"} | values))


def news() -> list[Mail]:
    return list(db.session.scalars(select(Mail).where(Mail.kind == "job_late").order_by(Mail.to_address)))


def lines_of_log() -> list[AuditEvent]:
    return list(db.session.scalars(select(AuditEvent).order_by(AuditEvent.id)))


# -- dead mails ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["reminder", "invitation"])
def test_a_dead_mail_sent_again_begins_anew_under_its_old_name(city: City, kind: str) -> None:
    letter = add_dead(kind=kind, next_attempt_at=WALL - HOUR)
    message_id = letter.message_id
    service.resend(actor(city.administrator), letter, now=NOON)
    db.session.refresh(letter)
    assert (letter.state, letter.attempts, letter.last_error) == ("queued", 0, None)
    assert abs(letter.next_attempt_at - clock.wall_now()) < MINUTE
    assert letter.message_id == message_id


def test_the_log_says_who_sent_it_again_and_why_it_had_been_given_up(city: City) -> None:
    letter = add_dead(to_name="Neu")
    service.resend(actor(city.coordinator), letter, now=NOON)
    line = lines_of_log()[-1]
    assert (line.actor_id, line.at, line.subject_id) == (city.coordinator.id, NOON, letter.id)
    assert str(line.sentence) == "Unzustellbare Mail an Neu wird erneut gesendet"
    assert line.changes == [{"field": "last_error", "from": "550 no such person", "to": None}]


@pytest.mark.parametrize("state", ["queued", "sent"])
def test_a_mail_that_is_not_dead_is_not_sent_again(city: City, state: str) -> None:
    letter = add_mail(state=state, sent_at=WALL if state == "sent" else None)
    with pytest.raises(Conflict, match="nicht unzustellbar"):
        service.resend(actor(city.administrator), letter, now=NOON)
    db.session.refresh(letter)
    assert letter.state == state
    assert lines_of_log() == []


def test_of_two_who_send_it_again_the_second_is_told(city: City) -> None:
    letter = add_dead()
    service.resend(actor(city.administrator), letter, now=NOON)
    with pytest.raises(Conflict):
        service.resend(actor(city.coordinator), letter, now=NOON)
    assert len(lines_of_log()) == 1


def test_all_dead_mails_are_sent_again_and_no_other_is_touched(city: City) -> None:
    dead = [add_dead(), add_dead()]
    waiting = add_mail(attempts=3, last_error="451 later")
    assert service.resend_all(actor(city.coordinator), now=NOON) == 2
    db.session.expire_all()
    assert [(mail.state, mail.attempts) for mail in dead] == [("queued", 0)] * 2
    assert (waiting.attempts, waiting.last_error) == (3, "451 later")
    assert {line.subject_id for line in lines_of_log()} == {mail.id for mail in dead}
    assert service.resend_all(actor(city.coordinator), now=NOON) == 0


@pytest.mark.parametrize("who", ["lead", "head", "auditor", "funder"])
def test_only_who_runs_the_installation_may_operate_it(city: City, who: str) -> None:
    letter, person = add_dead(), actor(getattr(city, who))
    with pytest.raises(Forbidden):
        service.resend(person, letter, now=NOON)
    with pytest.raises(Forbidden):
        service.resend_all(person, now=NOON)
    with pytest.raises(Forbidden):
        service.sweep_now(person, now=NOON)


# -- by hand ---------------------------------------------------------------------------------------------------------


def test_a_sweep_by_hand_writes_what_is_due_once_and_the_log_says_who(city: City) -> None:
    city.measure.status = "approved"  # owes no progress update
    add_milestone(city.measure, NOON.date() + timedelta(days=7))
    person = actor(city.administrator)
    assert service.sweep_now(person, now=NOON) == 1
    assert service.sweep_now(person, now=NOON) == 0
    assert [(line.actor_id, line.at) for line in lines_of_log()] == [(city.administrator.id, NOON)] * 2
    row = db.session.get(Heartbeat, Job.SWEEP)
    assert row
    assert row.done_at > NOON, "by the machine's clock"


# -- news for the operator -------------------------------------------------------------------------------------------


def test_while_everything_is_done_in_time_nobody_is_told(city: City) -> None:
    beat(Job.SWEEP, WALL)
    beat(Job.DELIVERY, WALL)
    assert service.tell_operator(WALL - MINUTE, WALL + MINUTE, NOON) == 0
    assert service.tell_operator(None, WALL + MINUTE, NOON) == 0
    assert news() == []


def test_a_sweep_that_is_late_is_told_once_to_each_administrator(city: City) -> None:
    second = add_account("Zweite Administration", Role.ADMINISTRATOR)
    beat(Job.SWEEP, WALL - HOUR)
    assert service.tell_operator(WALL - MINUTE, WALL, NOON) == 2
    assert service.tell_operator(WALL, WALL + MINUTE, NOON) == 0
    assert {mail.account_id for mail in news()} == {city.administrator.id, second.id}
    beat(Job.SWEEP, WALL)
    assert service.tell_operator(WALL + 2 * HOUR, WALL + 2 * HOUR, NOON) == 2, "another silence is other news"


def test_without_an_administrator_the_coordinators_are_told(city: City) -> None:
    city.administrator.active = False
    beat(Job.SWEEP, WALL - HOUR)
    assert service.tell_operator(None, WALL, NOON) == 1
    assert [mail.account_id for mail in news()] == [city.coordinator.id]


def test_a_delivery_that_was_silent_says_from_when_to_when_and_that_all_was_caught_up(city: City) -> None:
    beat(Job.SWEEP, WALL)
    beat(Job.DELIVERY, WALL)
    since = WALL - 2 * HOUR
    assert service.tell_operator(since, WALL, NOON) == 1
    assert service.tell_operator(since, WALL, NOON) == 0, "two runs at once noticed the same"
    [mail] = news()
    assert "stand eine Zeit lang still" in mail.subject
    text = " ".join(mail.body_text.split())
    assert f"Vom {local_time(since)} bis zum {local_time(WALL)} geschah nichts." in text
    assert "verloren ging nichts" in text
    assert "/operations" in mail.body_text
    assert "/operations" in mail.body_html
    assert mail.created_at == NOON


def test_five_minutes_of_silence_are_no_news(city: City) -> None:
    beat(Job.SWEEP, WALL)
    assert service.tell_operator(WALL - 5 * MINUTE, WALL, NOON) == 0


def test_after_an_outage_of_everything_both_are_told_in_one_mail_and_not_again(city: City) -> None:
    beat(Job.SWEEP, WALL - HOUR)
    assert service.tell_operator(WALL - HOUR, WALL, NOON) == 1
    [mail] = news()
    assert "Prüfung der Fristen" in mail.body_text
    assert "Versand der Mails" in mail.body_text
    assert service.tell_operator(WALL, WALL + MINUTE, NOON) == 0


def test_a_sweep_told_already_does_not_hide_that_the_delivery_was_silent_too(city: City) -> None:
    beat(Job.SWEEP, WALL - HOUR)
    service.tell_operator(WALL - MINUTE, WALL, NOON)
    assert service.tell_operator(WALL, WALL + HOUR, NOON) == 1
    assert "Versand der Mails" in next(mail for mail in news() if "mail.deliver" in str(mail.once)).body_text


def test_on_a_fresh_installation_nobody_is_alarmed_before_a_sweep_could_have_been(
    city: City,
) -> None:
    beat(Job.DELIVERY, WALL)
    assert service.tell_operator(None, WALL + 30 * MINUTE, NOON) == 0
    assert service.tell_operator(WALL + 30 * MINUTE, WALL + 31 * MINUTE, NOON) == 1, "it never came at all"
    assert service.tell_operator(WALL + 31 * MINUTE, WALL + 32 * MINUTE, NOON) == 0
    assert "noch nie" in news()[0].body_text


def test_the_operator_is_told_in_their_language(city: City) -> None:
    city.administrator.language = "en"
    beat(Job.SWEEP, WALL - HOUR)
    service.tell_operator(None, WALL, NOON)
    assert news()[0].language == "en"


def local_time(instant: datetime) -> str:
    return shown(instant)


def test_the_worker_that_delivers_tells_what_was_late_with_the_next_mails(
    app: Flask, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    beat(Job.SWEEP, clock.wall_now() - HOUR)
    beat(Job.DELIVERY, clock.wall_now() - 2 * HOUR)
    db.session.commit()
    with running_sink() as sink:
        monkeypatch.setitem(app.config, "SETTINGS", replace(app.config["SETTINGS"], mail_server=sink.server))
        worker.deliver()
        worker.deliver()
        worker.deliver()
    [message] = sink.arrived
    assert message["To"].addresses[0].addr_spec == city.administrator.email
    text = next(message.iter_parts()).get_content()
    assert "Prüfung der Fristen: Seit dem" in text
    assert "Versand der Mails: Vom" in text
