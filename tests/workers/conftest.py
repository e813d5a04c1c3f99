from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import flask_migrate
import pytest
import redis
from flask import Flask

from app import create_app
from app.core.database import db
from tests.conftest import fresh_database, service_url, settings_for
from tests.factories import City, build_city
from tests.mail.sink import Sink, running_sink


@dataclass
class Site:
    """An installation of its own: database, broker, mail server, and the city in it."""

    flask: Flask
    sink: Sink
    city: City

    @property
    def var_dir(self) -> Path:
        path: Path = self.flask.config["SETTINGS"].var_dir
        return path


@pytest.fixture
def redis_url(worker_id_number: int) -> Iterator[str]:
    """An empty database of the real Redis; each test process has its own."""
    url = urlunsplit(urlsplit(service_url("TEST_REDIS_URL"))._replace(path=f"/{8 + worker_id_number % 8}"))
    with redis.from_url(url) as client:
        client.flushdb()
        yield url
        client.flushdb()


@pytest.fixture(scope="session")
def worker_id_number(request: pytest.FixtureRequest) -> int:
    worker_id: str = getattr(request.config, "workerinput", {}).get("workerid", "gw0")
    return int(worker_id.removeprefix("gw"))


@pytest.fixture
def site(database_name: str, redis_url: str, tmp_path: Path) -> Iterator[Site]:
    """On PostgreSQL and Redis, as in production."""
    with fresh_database(f"{database_name}_site") as url, site_on(url, redis_url, tmp_path) as site:
        yield site


@pytest.fixture
def embedded_site(tmp_path: Path) -> Iterator[Site]:
    """On SQLite and files, as a trial without any server."""
    with site_on(f"sqlite:///{tmp_path / 'wegmarke.db'}", "filesystem://", tmp_path) as site:
        yield site


@contextmanager
def site_on(database_url: str, broker_url: str, var_dir: Path) -> Iterator[Site]:
    """An installation on this database and this broker."""
    with running_sink() as sink:
        flask = create_app(settings_for(database_url, var_dir, broker_url=broker_url, mail_server=sink.server))
        with flask.app_context():
            try:
                flask_migrate.upgrade()
                yield Site(flask, sink, build_city())
            finally:
                db.session.remove()
                db.engine.dispose()
