from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from flask import Flask

from app.core import clock
from app.core.errors import NotFound
from app.core.prepared import errand
from app.mail import queries
from tests.mail.conftest import add_mail


def test_the_outbox_is_shown_newest_first_and_page_by_page(app: Flask) -> None:
    now = clock.wall_now()
    mails = [add_mail(created_at=now - timedelta(days=days)) for days in range(5)]
    with app.test_request_context():
        assert queries.list_outbox(1, 2).items == mails[:2]
        assert queries.list_outbox(3, 2).items == mails[4:]
        assert queries.list_outbox(0, 2).items == mails[:2]
        assert queries.list_outbox(9, 2).items == []


def test_the_outbox_is_filtered_by_state_and_an_unknown_state_filters_nothing(app: Flask) -> None:
    waiting, dead = add_mail(), add_mail(state="dead")
    with app.test_request_context():
        assert queries.list_outbox(1, 10, "dead").items == [dead]
        assert queries.list_outbox(1, 10, "queued").items == [waiting]
        assert len(queries.list_outbox(1, 10, "lost").items) == 2


def test_every_state_is_counted_also_with_none_in_it(app: Flask) -> None:
    add_mail()
    assert queries.count_by_state() == {"queued": 1, "sent": 0, "dead": 0}


def test_a_mail_is_found_by_its_key_or_not_at_all(app: Flask) -> None:
    mail = add_mail()
    assert queries.get_mail(mail.id) is mail
    with pytest.raises(NotFound):
        queries.get_mail(uuid4())


def test_before_the_first_delivery_nothing_is_known_of_the_server(app: Flask) -> None:
    assert queries.server_state() is None
    assert queries.oldest_waiting() is None
    with errand() as connection:
        assert queries.look(clock.wall_now(), connection) == (False, None)
