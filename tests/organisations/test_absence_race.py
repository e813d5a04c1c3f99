"""Two enter an absence of the same person at the same moment, on real connections: one of them is told."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from time import sleep

import flask_migrate
import pytest
from flask import Flask

from app import create_app
from app.accounts.queries import find_by_email
from app.core.database import db
from app.core.errors import RuleBroken
from app.core.transaction import transaction
from app.organisations import queries, service
from tests.conftest import fresh_database, settings_for
from tests.factories import NOON, actor, build_city


@pytest.fixture
def emails(database_name: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, str, str]]:
    """A stored city, and the addresses of its lead and head."""
    with fresh_database(f"{database_name}_absence") as url:
        app = create_app(settings_for(url, tmp_path_factory.mktemp("absence")))
        with app.app_context():
            flask_migrate.upgrade()
            with transaction():
                city = build_city()
            emails = city.lead.email, city.head.email
        yield app, *emails
        with app.app_context():
            db.engine.dispose()


def test_two_absences_entered_at_the_same_moment_do_not_overlap(emails: tuple[Flask, str, str]) -> None:
    app, lead_email, head_email = emails

    def enter(by: str, until_on: date) -> None:
        lead, head = find_by_email(lead_email), find_by_email(head_email)
        assert lead
        assert head
        who = actor(lead if by == lead_email else head)
        service.enter_absence(who, lead, date(2023, 4, 3), until_on, head.id, now=NOON)

    def second() -> str | None:
        try:
            with app.app_context(), transaction():
                enter(head_email, date(2023, 4, 21))
        except RuleBroken as error:
            return str(error)
        return None

    with ThreadPoolExecutor(1) as pool:
        with app.app_context(), transaction():
            enter(lead_email, date(2023, 4, 14))
            answer: Future[str | None] = pool.submit(second)
            sleep(0.3)
            assert not answer.done(), "the second must have to wait for the first"
        assert "vom 2023-04-03 bis 2023-04-14" in (answer.result(timeout=20) or "")
    with app.app_context():
        lead = find_by_email(lead_email)
        assert lead
        assert len(queries.days_away(lead.id)) == 1
