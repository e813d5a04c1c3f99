"""A few statements without a session."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from sqlalchemy import bindparam, select, text, update
from sqlalchemy.exc import DBAPIError

from app.core.database import db
from app.core.heartbeat import BEAT, Job, beat, list_heartbeats
from app.core.prepared import errand
from app.core.transaction import reading, transaction
from app.mail.models import Mail
from app.reminders.models import ReminderRun
from app.reminders.queries import RUNS, SEND_TIMES
from tests.factories import add
from tests.mail.conftest import add_mail
from tests.reminders.conftest import Separate, separate  # noqa: F401  (a fixture)

AT = datetime(2023, 3, 15, 7, 30, tzinfo=UTC)
ADDRESS = (
    update(Mail)
    .where(Mail.subject == bindparam("about"), Mail.unsubscribe_url.is_(None))
    .values(to_name=bindparam("words"))
)


def heard_at(job: Job) -> datetime:
    with reading():
        return list_heartbeats()[job].done_at


@pytest.mark.usefixtures("separate")
def test_what_was_changed_is_kept_and_seen_by_everybody_at_once() -> None:
    with errand() as connection:
        beat(Job.SWEEP, AT, connection)
        beat(Job.SWEEP, AT + timedelta(hours=1), connection)
    assert heard_at(Job.SWEEP) == AT + timedelta(hours=1)


def test_values_and_columns_have_the_types_the_statement_was_made_with(separate: Separate) -> None:  # noqa: F811
    programme_id = separate.city.programme.id
    with transaction():
        add(ReminderRun(programme_id=programme_id, day=date(2023, 3, 15), ran_at=AT, mails=0, next_at=AT))
    with errand() as connection:
        assert connection.execute(SEND_TIMES) == [(programme_id, time(7), "Europe/Berlin")]
        assert connection.execute(RUNS, {"yesterday": date(2023, 3, 15)}) == [(programme_id, date(2023, 3, 15), AT)]
        assert connection.execute(RUNS, {"yesterday": date(2023, 3, 16)}) == []


@pytest.mark.usefixtures("separate")
def test_it_says_how_many_rows_were_changed_whatever_the_words() -> None:
    words = "'); DROP TABLE mail; -- %s %(x)s :x ? \\ \" ü"
    with transaction():
        for subject in ("a", "a", "b"):
            add_mail(subject=subject)
    with errand() as connection:
        assert connection.execute(ADDRESS, {"about": "a", "words": words}).rowcount == 2
        assert connection.execute(ADDRESS, {"about": "c", "words": words}).rowcount == 0
    with reading():
        assert sorted(db.session.scalars(select(Mail.to_name).where(Mail.subject == "a"))) == [words, words]


@pytest.mark.usefixtures("separate")
def test_what_the_database_refuses_is_told_as_everywhere_and_the_next_errand_goes_well() -> None:
    with pytest.raises(DBAPIError), errand() as connection:
        connection.execute(text("SELECT nothing FROM nowhere"))
    with errand() as connection:
        beat(Job.DELIVERY, AT, connection)
    assert heard_at(Job.DELIVERY) == AT


@pytest.mark.usefixtures("app")
def test_where_the_engine_is_one_open_connection_it_goes_with_its_transaction() -> None:
    assert not list_heartbeats()
    with errand() as connection:
        assert connection.execute(BEAT, {"of_job": Job.SWEEP.value, "moment": AT}).rowcount == 0
        beat(Job.SWEEP, AT, connection)
    assert heard_at(Job.SWEEP) == AT
