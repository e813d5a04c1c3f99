"""Fixtures: a real database, one outer transaction per test, a small city to act in."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import flask_migrate
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import sessionmaker

from app import create_app
from app.accounts.models import Account
from app.accounts.views import limiter
from app.core.database import db
from config import MailServer, Settings
from tests.factories import City, build_city

SANDBOX_DAY = date(2023, 3, 15)


def service_url(name: str) -> str:
    """The address of a real service, or a skip that says why; a failure where services are required."""
    url = os.environ.get(name)
    if url:
        return url
    message = f"{name} is not set; run the tests with ./dev test"
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(message)
    pytest.skip(message)


def settings_for(database_url: str, var_dir: Path, **changes: Any) -> Settings:
    values: dict[str, Any] = {
        "mode": "trial",
        "secret_key": "a key for tests, long enough to be accepted",
        "database_url": database_url,
        "broker_url": "filesystem://",
        "mail_server": MailServer("127.0.0.1", 1, None, None, starttls=False, ssl=False),
        "mail_from": "wegmarke@iserlohn.example",
        "base_url": "http://localhost",
        "var_dir": var_dir,
        "sandbox_starts_on": SANDBOX_DAY,
    }
    return Settings(**(values | changes))


@contextmanager
def fresh_database(name: str) -> Iterator[str]:
    """An empty PostgreSQL database of its own, dropped afterwards."""
    server = sa.create_engine(service_url("TEST_DATABASE_URL"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with server.connect() as connection:
        connection.execute(sa.text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        connection.execute(sa.text(f'CREATE DATABASE "{name}"'))
    try:
        yield server.url.set(database=name).render_as_string(hide_password=False)
    finally:
        with server.connect() as connection:
            connection.execute(sa.text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        server.dispose()


@pytest.fixture(scope="session")
def database_name(request: pytest.FixtureRequest) -> str:
    worker = getattr(request.config, "workerinput", {}).get("workerid", "main")
    return f"wegmarke_test_{worker}_{os.getpid()}"


@pytest.fixture(scope="session")
def migrated_app(database_name: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The application on a migrated, empty database."""
    with fresh_database(database_name) as url:
        app = create_app(settings_for(url, tmp_path_factory.mktemp("var")))
        app.config.update(TESTING=True, PROPAGATE_EXCEPTIONS=True, WTF_CSRF_ENABLED=False)
        limiter.enabled = False  # one test switches it on
        with app.app_context():
            flask_migrate.upgrade()
        yield app
        with app.app_context():
            db.engine.dispose()


class Client(FlaskClient):
    """Requests see what the test has arranged, and each has its own application context as in production."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        db.session.commit()
        with self.application.app_context():
            return super().open(*args, **kwargs)

    def sign_in(self, account: Account) -> None:
        with self.session_transaction() as session:
            session.clear()
            session["_user_id"] = account.get_id()
            session["_fresh"] = True


@pytest.fixture
def app(migrated_app: Flask) -> Iterator[Flask]:
    """The application with one outer transaction around everything the test does; it is rolled back."""
    engines = db._app_engines[migrated_app]
    engine = engines[None]
    connection = engine.connect()
    outer = connection.begin()
    maker: sessionmaker[Any] = db.session.session_factory
    maker.configure(join_transaction_mode="create_savepoint")
    engines[None] = connection  # type: ignore[assignment]  # a connection is used as an engine is
    migrated_app.test_client_class = Client
    try:
        with migrated_app.app_context():
            yield migrated_app
    finally:
        engines[None] = engine
        maker.configure(join_transaction_mode="conditional_savepoint")
        outer.rollback()
        connection.close()


@pytest.fixture
def client(app: Flask) -> Client:
    client = app.test_client()
    assert isinstance(client, Client)
    return client


@pytest.fixture
def city(app: Flask) -> City:
    """A small city: one programme with one measure, its people and its funder."""
    return build_city()


@pytest.fixture
def count_queries(app: Flask) -> Callable[[], Any]:
    """`with count_queries() as queries:` gives the statements sent inside as a list."""

    @contextmanager
    def counting() -> Iterator[list[str]]:
        seen: list[str] = []

        def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            if not statement.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
                seen.append(statement)

        engine = db.engines[None].engine
        sa.event.listen(engine, "before_cursor_execute", note)
        try:
            yield seen
        finally:
            sa.event.remove(engine, "before_cursor_execute", note)

    return counting
