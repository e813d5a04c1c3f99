from __future__ import annotations

from datetime import timedelta
from threading import Thread
from uuid import UUID

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from app.core import clock
from app.core.database import db
from app.core.heartbeat import Job, list_heartbeats
from app.mail import delivery, queries
from app.mail.delivery import deliver_batch, wait_before
from app.mail.models import Mail, MailState
from app.mail.transport import Transport
from config import MailServer
from tests.mail.conftest import MAIL_FROM, add_mail
from tests.mail.sink import Sink, running_sink
from tests.reminders.conftest import Separate, separate  # noqa: F401  (a fixture)

NOBODY_THERE = MailServer("127.0.0.1", 1, None, None, starttls=False, ssl=False)


def state_of(mail: Mail) -> str:
    db.session.refresh(mail)
    return mail.state


def test_what_is_due_leaves_over_one_connection(app: Flask, sink: Sink, transport: Transport) -> None:
    mails = [add_mail() for _ in range(5)]
    done = deliver_batch(transport, 100)
    assert (done.sent, done.is_away) == (5, False)
    assert sorted(mail["Message-ID"] for mail in sink.arrived) == sorted(mail.message_id for mail in mails)
    assert [state_of(mail) for mail in mails] == ["sent"] * 5
    assert all(mail.sent_at and mail.attempts == 1 for mail in mails)
    assert sink.connections == 1


def test_a_second_run_sends_nothing(app: Flask, sink: Sink, transport: Transport) -> None:
    add_mail()
    assert deliver_batch(transport, 100).sent == 1
    assert deliver_batch(transport, 100).sent == 0
    assert len(sink.arrived) == 1


def test_a_run_sends_no_more_than_it_may_and_the_oldest_first(app: Flask, sink: Sink, transport: Transport) -> None:
    now = clock.wall_now()
    for minutes in (1, 3, 2):
        add_mail(f"{minutes}@musterstadt.example", next_attempt_at=now - timedelta(minutes=minutes))
    deliver_batch(transport, 2)
    assert sink.recipients == ["3@musterstadt.example", "2@musterstadt.example"]


def test_a_run_ends_when_its_time_is_over(app: Flask, sink: Sink, transport: Transport) -> None:
    for _ in range(3):
        add_mail()
    assert deliver_batch(transport, 100, seconds=0).sent == 1


def test_a_mail_that_has_to_wait_waits(app: Flask, sink: Sink, transport: Transport) -> None:
    add_mail(next_attempt_at=clock.wall_now() + timedelta(minutes=1))
    assert deliver_batch(transport, 100).sent == 0


def test_peer_10_a_mail_refused_for_good_is_dead_and_holds_up_no_other(
    app: Flask, sink: Sink, transport: Transport
) -> None:
    dead, alive = add_mail("gone@musterstadt.example"), add_mail()
    sink.refuses["gone@musterstadt.example"] = "550 no such person here"
    done = deliver_batch(transport, 100)
    assert (done.sent, done.dead) == (1, 1)
    assert (state_of(dead), dead.last_error, dead.sent_at) == ("dead", "550 no such person here", None)
    assert state_of(alive) == "sent"


def test_a_mail_refused_for_now_is_put_off_and_holds_up_none(app: Flask, sink: Sink, transport: Transport) -> None:
    later, alive = add_mail("full@musterstadt.example"), add_mail()
    sink.refuses["full@musterstadt.example"] = "452 mailbox full"
    before = clock.wall_now()
    done = deliver_batch(transport, 100)
    assert (done.sent, done.put_off) == (1, 1)
    assert (state_of(later), later.attempts, later.last_error) == ("queued", 1, "452 mailbox full")
    assert timedelta(minutes=2) <= later.next_attempt_at - before < timedelta(minutes=3)
    assert state_of(alive) == "sent"


def test_a_mail_put_off_is_sent_when_its_time_has_come(app: Flask, sink: Sink, transport: Transport) -> None:
    mail = add_mail("full@musterstadt.example")
    sink.refuses["full@musterstadt.example"] = "452 mailbox full"
    deliver_batch(transport, 100)
    sink.refuses.clear()
    assert deliver_batch(transport, 100).sent == 0
    with time_machine.travel(clock.wall_now() + timedelta(minutes=3), tick=False):
        assert deliver_batch(transport, 100).sent == 1
    assert (state_of(mail), mail.attempts, mail.last_error) == ("sent", 2, None)


def test_the_wait_doubles_up_to_four_hours() -> None:
    minutes = [wait_before(attempt) / timedelta(minutes=1) for attempt in range(1, 11)]
    assert minutes == [2, 4, 8, 16, 32, 64, 128, 240, 240, 240]


def test_after_ten_attempts_a_mail_is_dead_and_visible(app: Flask, sink: Sink, transport: Transport) -> None:
    mail = add_mail("full@musterstadt.example", attempts=8)
    sink.refuses["full@musterstadt.example"] = "452 mailbox full"
    deliver_batch(transport, 100)
    assert (state_of(mail), mail.attempts) == ("queued", 9)
    mail.next_attempt_at = clock.wall_now()
    db.session.commit()
    deliver_batch(transport, 100)
    assert (state_of(mail), mail.attempts) == ("dead", 10)
    assert queries.count_by_state() == {"queued": 0, "sent": 0, "dead": 1}


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ("450 greylisted", "queued"),
        ("451 try again", "queued"),
        ("550 no such person", "dead"),
        ("553 not allowed", "dead"),
    ],
)
def test_a_refusal_for_now_and_one_for_good_are_told_apart(
    app: Flask, sink: Sink, transport: Transport, answer: str, state: str
) -> None:
    mail = add_mail("person@musterstadt.example")
    sink.refuses["person@musterstadt.example"] = answer
    deliver_batch(transport, 100)
    assert (state_of(mail), mail.last_error) == (state, answer)


def test_each_recipient_waits_for_as_long_as_their_own_failures_ask(
    app: Flask, sink: Sink, transport: Transport
) -> None:
    often, once = add_mail("often@musterstadt.example", attempts=4), add_mail("once@musterstadt.example")
    sink.refuses = dict.fromkeys((often.to_address, once.to_address), "451 try again")
    with time_machine.travel(clock.wall_now(), tick=False):
        now = clock.wall_now()
        deliver_batch(transport, 100)
    assert (state_of(often), often.next_attempt_at - now) == ("queued", timedelta(minutes=32))
    assert (state_of(once), once.next_attempt_at - now) == ("queued", timedelta(minutes=2))


def test_a_mail_given_up_keeps_the_instant(app: Flask, sink: Sink, transport: Transport) -> None:
    mail = add_mail("gone@musterstadt.example", next_attempt_at=clock.wall_now() - timedelta(hours=1))
    sink.refuses["gone@musterstadt.example"] = "550 no such person"
    before = clock.wall_now()
    deliver_batch(transport, 100)
    assert state_of(mail) == "dead"
    assert before <= mail.next_attempt_at <= clock.wall_now()


def test_more_mails_than_are_read_at_a_time_leave_over_one_connection(
    app: Flask, sink: Sink, transport: Transport
) -> None:
    mails = [add_mail() for _ in range(2 * delivery.AHEAD + 3)]
    assert deliver_batch(transport, 2 * delivery.AHEAD + 1).sent == 2 * delivery.AHEAD + 1
    assert deliver_batch(transport, 100).sent == 2
    assert len(sink.arrived) == len(mails)
    assert sink.connections == 2


def test_a_run_that_is_done_leaves_its_heartbeat_also_without_mail(
    app: Flask, sink: Sink, transport: Transport
) -> None:
    before = clock.wall_now()
    assert deliver_batch(transport, 100).ran_before_at is None
    first = list_heartbeats()[Job.DELIVERY].done_at
    assert before <= first <= clock.wall_now()
    add_mail()
    assert deliver_batch(transport, 100).ran_before_at == first
    db.session.expire_all()
    assert list_heartbeats()[Job.DELIVERY].done_at > first


def test_a_run_that_could_not_use_the_server_leaves_no_heartbeat(app: Flask) -> None:
    add_mail()
    assert deliver_batch(Transport(NOBODY_THERE, MAIL_FROM), 100).is_away
    assert list_heartbeats() == {}


def test_a_run_that_failed_leaves_no_heartbeat(
    app: Flask, sink: Sink, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(self: Transport, mail: Mail) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Transport, "send", fails)
    add_mail()
    with pytest.raises(KeyboardInterrupt):
        deliver_batch(transport, 100)
    assert list_heartbeats() == {}


def test_an_address_that_is_none_makes_one_dead_mail(app: Flask, sink: Sink, transport: Transport) -> None:
    dead, alive = add_mail("nobody, nowhere"), add_mail()
    deliver_batch(transport, 100)
    assert (state_of(dead), state_of(alive)) == ("dead", "sent")


def test_while_the_server_is_away_mails_wait_and_the_state_says_so(app: Flask) -> None:
    mail = add_mail()
    with time_machine.travel("2026-01-05 08:00", tick=False):
        mail.next_attempt_at = since = clock.wall_now()
        db.session.commit()
        assert deliver_batch(Transport(NOBODY_THERE, MAIL_FROM), 100).is_away
    with time_machine.travel("2026-01-05 09:00", tick=False):
        assert deliver_batch(Transport(NOBODY_THERE, MAIL_FROM), 100).is_away
        checked = clock.wall_now()
    assert (state_of(mail), mail.attempts) == ("queued", 0)
    state = queries.server_state()
    assert state is not None
    assert (state.away_since, state.checked_at) == (since, checked)
    assert state.error
    assert "refused" in state.error


def test_when_the_server_is_back_the_state_says_so_even_without_mail(
    app: Flask, sink: Sink, transport: Transport
) -> None:
    mail = add_mail()
    deliver_batch(Transport(NOBODY_THERE, MAIL_FROM), 100)
    mail.state, mail.sent_at = MailState.SENT, clock.wall_now()
    db.session.commit()
    deliver_batch(transport, 100)
    state = queries.server_state()
    assert state is not None
    assert (state.away_since, state.error) == (None, None)


def test_without_mail_a_server_that_is_there_is_left_in_peace(app: Flask, sink: Sink, transport: Transport) -> None:
    deliver_batch(transport, 100)
    assert sink.connections == 0


def test_a_server_that_takes_nothing_from_us_is_away_and_kills_no_mail(
    app: Flask, sink: Sink, transport: Transport
) -> None:
    mails = [add_mail(), add_mail()]
    sink.refuses_sender = "553 sender not allowed"
    assert deliver_batch(transport, 100).is_away
    assert [(state_of(mail), mail.attempts) for mail in mails] == [("queued", 0)] * 2
    state = queries.server_state()
    assert state is not None
    assert state.error == "553 sender not allowed"


def test_a_mail_too_large_for_the_server_is_dead_alone(app: Flask, sink: Sink, transport: Transport) -> None:
    mail = add_mail()
    sink.refuses_sender = "552 too large"
    assert deliver_batch(transport, 100).dead == 1
    assert state_of(mail) == "dead"


def test_a_server_that_takes_few_mails_over_one_connection_gets_several(
    app: Flask, sink: Sink, transport: Transport
) -> None:
    mails = [add_mail() for _ in range(7)]
    sink.mails_per_connection = 3
    done = deliver_batch(transport, 100)
    assert (done.sent, done.put_off) == (7, 0)
    assert sink.connections == 3
    assert sorted(mail["Message-ID"] for mail in sink.arrived) == sorted(mail.message_id for mail in mails)


def test_peer_10_a_mail_at_which_the_server_hangs_up_is_put_off_alone(
    app: Flask, sink: Sink, transport: Transport
) -> None:
    now = clock.wall_now()
    poison = add_mail("poison@musterstadt.example", next_attempt_at=now - timedelta(hours=1))
    others = [add_mail() for _ in range(3)]
    sink.hangs_up_on = {"poison@musterstadt.example"}
    done = deliver_batch(transport, 100)
    assert (done.sent, done.put_off, done.is_away) == (3, 1, False)
    assert (state_of(poison), poison.attempts) == ("queued", 1)
    assert [state_of(mail) for mail in others] == ["sent"] * 3


def test_a_server_that_goes_away_in_between_leaves_the_rest_waiting(app: Flask) -> None:
    mails = [add_mail() for _ in range(3)]
    with running_sink() as sink:
        transport = Transport(sink.server, MAIL_FROM)
        sink.hangs_up_on = {mails[1].to_address}
        transport.connect()
        first = deliver_batch(transport, 1)
    gone = deliver_batch(transport, 100)
    assert (first.sent, gone.sent, gone.is_away) == (1, 0, True)
    assert sorted(state_of(mail) for mail in mails) == ["queued", "queued", "sent"]


def test_a_server_that_does_not_answer_in_time_is_not_asked_twice_at_once(
    app: Flask, sink: Sink, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be about to take the mail: asking again at once would make it two."""
    monkeypatch.setattr("app.mail.transport.ANSWER_TIMEOUT", 0.2)
    mail = add_mail()
    sink.seconds = 1
    done = deliver_batch(transport, 100)
    assert (done.sent, done.put_off) == (0, 1)
    assert state_of(mail) == "queued"
    assert len(sink.arrived) == 1


def test_peer_1_a_mail_counts_as_sent_only_once_the_server_has_it(
    separate: Separate,  # noqa: F811
    sink: Sink,
    transport: Transport,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While it is under way nobody sees it as sent; when we fail then, it is still waiting."""
    mail_id = add_mail().id
    seen: list[str | None] = []

    def look() -> None:
        with separate.flask.app_context():
            seen.append(db.session.scalar(select(Mail.state).where(Mail.id == mail_id)))

    def fails(self: Transport, mail: Mail) -> None:
        somebody_else = Thread(target=look)
        somebody_else.start()
        somebody_else.join()
        raise KeyboardInterrupt

    monkeypatch.setattr(Transport, "send", fails)
    with pytest.raises(KeyboardInterrupt):
        deliver_batch(transport, 100)
    monkeypatch.undo()
    assert seen == ["queued"]
    assert queries.get_mail(mail_id).attempts == 0
    assert deliver_batch(transport, 100).sent == 1


def test_a_mail_that_another_run_holds_is_left_to_it_and_holds_up_none(
    separate: Separate,  # noqa: F811
    sink: Sink,
    transport: Transport,
) -> None:
    if db.engine.dialect.name == "sqlite":
        pytest.skip("runs take turns on SQLite")
    held, free = add_mail().id, add_mail().id
    db.session.remove()
    with db.engine.begin() as another:
        another.execute(select(Mail.id).where(Mail.id == held).with_for_update())
        assert deliver_batch(transport, 100).sent == 1
    assert queries.get_mail(held).state == "queued"
    assert queries.get_mail(free).state == "sent"
    assert deliver_batch(transport, 100).sent == 1


def test_every_outcome_is_kept_for_good_by_every_database(
    separate: Separate,  # noqa: F811
    sink: Sink,
    transport: Transport,
) -> None:
    sent, later, dead = (add_mail(f"{name}@musterstadt.example").id for name in ("sent", "later", "dead"))
    sink.refuses = {"later@musterstadt.example": "451 it's 100% full", "dead@musterstadt.example": "550 'gone'; no"}
    with time_machine.travel(clock.wall_now(), tick=False):
        now = clock.wall_now()
        deliver_batch(transport, 100)
    db.session.remove()

    def kept(mail_id: UUID) -> tuple[object, ...]:
        mail = queries.get_mail(mail_id)
        return mail.state, mail.attempts, mail.last_error, mail.sent_at, mail.next_attempt_at - now

    wait = timedelta(minutes=2)
    assert kept(sent)[:4] == ("sent", 1, None, now)
    assert kept(later) == ("queued", 1, "451 it's 100% full", None, wait)
    assert kept(dead) == ("dead", 1, "550 'gone'; no", None, timedelta())


def test_several_runs_at_once_send_each_mail_once(separate: Separate, sink: Sink) -> None:  # noqa: F811
    ids = {add_mail().message_id for _ in range(40)}
    db.session.remove()
    sink.seconds = 0.01
    errors: list[BaseException] = []
    sent: list[int] = []

    def run() -> None:
        try:
            with separate.flask.app_context():
                sent.append(delivery.deliver_batch(Transport(sink.server, MAIL_FROM), 100).sent)
        except BaseException as error:
            errors.append(error)

    threads = [Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert sum(sent) == 40
    assert sorted(mail["Message-ID"] for mail in sink.arrived) == sorted(ids)
