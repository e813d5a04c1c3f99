"""An import and a person at the same moment, on real connections."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from time import sleep

import flask_migrate
import pytest
import sqlalchemy as sa
from flask import Flask

from app import create_app
from app.core.database import db
from app.core.transaction import transaction
from app.measures import service as measures
from app.measures.models import Measure
from app.organisations.permissions import system
from app.transfer.service import Refused, import_city
from tests.conftest import fresh_database, settings_for
from tests.factories import NOON
from tests.transfer.cities import CITY, city_of

APART = CITY + "  - {key: steg, programme: klima, title: Steg, predecessors: []}\n"
WAITS = APART.replace("predecessors: []", "predecessors: [radweg]")


@pytest.fixture
def database(database_name: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    with fresh_database(f"{database_name}_import") as url:
        app = create_app(settings_for(url, tmp_path_factory.mktemp("import")))
        with app.app_context():
            flask_migrate.upgrade()
        take_in(app, APART)
        yield app
        with app.app_context():
            db.engine.dispose()


def take_in(app: Flask, text: str) -> Refused | None:
    try:
        with app.app_context(), transaction():
            import_city(system("flask programmes import"), city_of(text), now=NOON)
    except Refused as refused:
        return refused
    return None


def test_a_person_and_an_import_close_no_ring_together(database: Flask) -> None:
    with ThreadPoolExecutor(1) as pool:
        with database.app_context(), transaction():
            radweg, steg = db.session.scalars(sa.select(Measure).order_by(Measure.key))
            measures.hold_predecessors()
            radweg.predecessors = [steg]
            db.session.flush()
            answer: Future[Refused | None] = pool.submit(take_in, database, WAITS)
            sleep(0.5)
            assert not answer.done(), "the import must have to wait for the person"
        refused = answer.result(timeout=20)
    assert refused is not None
    assert [finding.path for finding in refused.findings] == ["measures[1].predecessors"]
