"""Very many short transactions, each of which ends with the beginning of the next."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import bindparam, select, text, update
from sqlalchemy.exc import DBAPIError

from app.core.database import db
from app.core.transaction import Order, Relay, reading, relay, transaction
from app.mail.models import Mail
from tests.mail.conftest import add_mail
from tests.reminders.conftest import Separate, separate  # noqa: F401  (a fixture)

READ = select(Mail.attempts).where(Mail.subject == bindparam("about")).with_for_update()
WRITE = (
    update(Mail)
    .where(Mail.subject == bindparam("about"))
    .values(attempts=bindparam("number"), last_error=bindparam("reason"))
    .execution_options(synchronize_session=False)
)


def read(about: str) -> Order:
    return READ, {"about": about}


def write(about: str, number: int | None, reason: str = "") -> Order:
    return WRITE, {"about": about, "number": number, "reason": reason}


def step(steps: Relay, change: Order | None, query: Order | None) -> Any:
    steps.start(change, query)
    return steps.finish()


@pytest.fixture
def mails(separate: Separate) -> None:  # noqa: F811
    for subject in ("a", "b"):
        add_mail(subject=subject, sent_at=None, created_at=datetime(2023, 3, 15, tzinfo=UTC))
    db.session.remove()


def kept(subject: str) -> tuple[int, str | None]:
    with reading():
        mail = db.session.scalars(select(Mail).where(Mail.subject == subject)).one()
        return mail.attempts, mail.last_error


@pytest.mark.usefixtures("mails")
def test_a_step_keeps_what_was_written_and_reads_on() -> None:
    reason = "'); DROP TABLE mail; -- %s %(x)s :x \\ \" ü"
    with relay() as steps:
        assert step(steps, None, read("a"))[0] == 0
        assert step(steps, write("a", 1, reason), read("b"))[0] == 0
        if db.engine.dialect.name == "postgresql":
            assert kept("a") == (1, reason), "committed before the next is under way"
        assert step(steps, write("b", 2), None) is None
        assert kept("b") == (2, "")
    assert kept("a") == (1, reason)


@pytest.mark.usefixtures("mails")
def test_what_is_not_there_is_read_as_nothing_and_the_relay_goes_on() -> None:
    with relay() as steps:
        assert step(steps, None, read("nowhere")) is None
        assert step(steps, None, read("a"))[0] == 0
        step(steps, write("a", 1), None)
        assert step(steps, None, None) is None
    assert kept("a") == (1, "")


@pytest.mark.usefixtures("mails")
def test_what_was_begun_when_it_fails_is_taken_back_and_what_came_before_stays() -> None:
    def fails() -> None:
        with relay() as steps:
            step(steps, None, read("a"))
            step(steps, write("a", 1), read("b"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fails()
    assert (kept("a")[0], kept("b")[0]) == (1, 0)
    with transaction():  # nobody holds the row any more
        db.session.execute(READ, {"about": "b"})


@pytest.mark.usefixtures("mails")
def test_a_refusal_of_the_database_takes_back_its_own_step_only() -> None:
    def refused() -> None:
        with relay() as steps:
            step(steps, None, read("a"))
            step(steps, write("a", 1), read("b"))
            step(steps, write("b", None), read("a"))

    with pytest.raises(DBAPIError):
        refused()
    assert (kept("a")[0], kept("b")[0]) == (1, 0)
    with transaction():
        db.session.execute(READ, {"about": "b"})


@pytest.mark.usefixtures("mails")
def test_a_connection_that_is_lost_is_an_error_and_not_a_wait() -> None:
    if db.engine.dialect.name != "postgresql":
        pytest.skip("only PostgreSQL has connections to lose")

    def cut_off() -> None:
        with relay() as steps:
            step(steps, None, read("a"))
            with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as another:
                other_than_me = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state LIKE 'idle in%'"
                another.execute(text(f"{other_than_me} AND datname = current_database() AND pid <> pg_backend_pid()"))
            step(steps, write("a", 1), read("b"))

    with pytest.raises(DBAPIError):
        cut_off()
    assert kept("a")[0] == 0


@pytest.mark.usefixtures("mails")
def test_a_step_that_was_started_and_not_waited_for_leaves_nothing_behind() -> None:
    def fails() -> None:
        with relay() as steps:
            step(steps, None, read("a"))
            steps.start(None, read("b"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fails()
    with transaction():
        db.session.execute(READ, {"about": "b"})
    with relay() as steps:
        assert step(steps, None, read("a"))[0] == 0
