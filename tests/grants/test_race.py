"""Two people at one grant, or at what it obliges to, at the same moment, on real connections."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from time import sleep
from uuid import UUID

import flask_migrate
import pytest
from flask import Flask

from app import create_app
from app.accounts.models import Account
from app.core.database import db
from app.core.errors import Conflict
from app.core.localized import Localized
from app.core.transaction import transaction
from app.grants import service
from app.grants.models import Grant, Obligation
from app.organisations.permissions import Actor
from tests.conftest import fresh_database, settings_for
from tests.factories import NOON, actor, add, build_city

Command = Callable[[Actor, UUID, str], None]


@dataclass
class Place:
    """A database of its own with one grant and one obligation in it."""

    flask: Flask
    coordinator: UUID
    grant: UUID
    owed: UUID

    def act(self, command: Command, row: UUID, seen: str) -> None:
        """As a request of its own would."""
        command(actor(db.session.get_one(Account, self.coordinator)), row, seen)

    def act_elsewhere(self, command: Command, row: UUID, seen: str) -> Conflict | None:
        """On another connection; the refusal, if there was one."""
        try:
            with self.flask.app_context(), transaction():
                self.act(command, row, seen)
        except Conflict as conflict:
            return conflict
        return None


@pytest.fixture
def place(database_name: str, tmp_path: Path) -> Iterator[Place]:
    with fresh_database(f"{database_name}_owed") as url:
        flask = create_app(settings_for(url, tmp_path))
        with flask.app_context():
            flask_migrate.upgrade()
            with transaction():
                city = build_city()
                grant = add(Grant(programme=city.programme, key="g", title=Localized("Zuwendung")))
                owed = add(Obligation(grant=grant, key="o", kind="report", title=Localized("Bericht")))
                place = Place(flask, city.coordinator.id, grant.id, owed.id)
            yield place
            db.session.remove()
            db.engine.dispose()


def move(who: Actor, key: UUID, seen: str) -> None:
    obligation = db.session.get_one(Obligation, key)
    service.move_obligation(who, obligation, date(2023, 9, 1), "Bescheid", seen=seen, now=NOON)


def complete(who: Actor, key: UUID, seen: str) -> None:
    obligation = db.session.get_one(Obligation, key)
    service.complete_obligation(who, obligation, date(2023, 3, 14), note=None, seen=seen, now=NOON)


def record_notice(number: str) -> Command:
    def record(who: Actor, key: UUID, seen: str) -> None:
        grant = db.session.get_one(Grant, key)
        day = date(2023, 3, 1)
        service.record_notice(
            who, grant, file_number=number, notice_on=day, amount=None, measures=[], seen=seen, now=NOON
        )

    return record


def second_is_told(place: Place, first: Command, second: Command, row: UUID, seen: str) -> bool:
    with ThreadPoolExecutor(1) as pool:
        with transaction():
            place.act(first, row, seen)
            db.session.flush()
            answer: Future[Conflict | None] = pool.submit(place.act_elsewhere, second, row, seen)
            sleep(0.5)
            assert not answer.done(), "the second must have to wait for the first"
        return answer.result(timeout=20) is not None


def test_who_comes_second_to_an_obligation_waits_and_is_told(place: Place) -> None:
    seen = service.imprint_of(db.session.get_one(Obligation, place.owed))
    assert second_is_told(place, move, complete, place.owed, seen)
    db.session.expire_all()
    obligation = db.session.get_one(Obligation, place.owed)
    assert (obligation.due_on, obligation.done_on) == (date(2023, 9, 1), None)


def test_who_comes_second_to_a_notice_waits_and_is_told(place: Place) -> None:
    seen = service.imprint(db.session.get_one(Grant, place.grant))
    assert second_is_told(place, record_notice("eins"), record_notice("zwei"), place.grant, seen)
    db.session.expire_all()
    assert db.session.get_one(Grant, place.grant).file_number == "eins"
