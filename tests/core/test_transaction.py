"""An unsafe method answered below 400 commits; everything else leaves no trace."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from flask import Flask
from sqlalchemy import select

from app import create_app
from app.core import clock, transaction
from app.core.clock import SandboxClock
from app.core.database import db
from app.core.errors import RuleBroken
from app.core.text import text
from tests.conftest import fresh_database, settings_for

PROBE = "/probe"


@pytest.fixture
def probing(tmp_path_factory: pytest.TempPathFactory, database_name: str) -> Iterator[Flask]:
    """An application of its own with an address that writes and answers as it is told."""
    with fresh_database(f"{database_name}_probe") as url:
        app = create_app(settings_for(url, tmp_path_factory.mktemp("var")))
        app.config["WTF_CSRF_ENABLED"] = False

        @app.route(f"{PROBE}/<int:status>", methods=["GET", "POST"])
        def probe(status: int) -> tuple[str, int]:
            clock.move_sandbox_to(date(2024, 1, 1))
            if status == 999:
                raise RuleBroken(text("Begründung fehlt"))
            return "", status

        steps = app.before_request_funcs[None]
        app.before_request_funcs[None] = [step for step in steps if step.__name__ != "ask_for_sign_in"]
        with app.app_context():
            db.create_all()
        yield app
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


@pytest.mark.parametrize(
    ("method", "status", "is_kept"),
    [("POST", 200, True), ("POST", 303, True), ("POST", 422, False), ("POST", 999, False), ("GET", 200, False)],
)
def test_only_an_unsafe_method_that_succeeds_is_kept(probing: Flask, method: str, status: int, is_kept: bool) -> None:
    probing.test_client().open(f"{PROBE}/{status}", method=method)
    with probing.app_context():
        assert (db.session.scalar(select(SandboxClock.today_on)) == date(2024, 1, 1)) is is_kept


def test_what_was_announced_reaches_the_workers_after_the_commit_only(app: Flask) -> None:
    told: list[frozenset[str]] = []
    app.extensions["after_commit"].append(told.append)
    try:
        with pytest.raises(ZeroDivisionError):
            _announce_and_fail()
        with transaction.transaction():
            pass
        assert told == [], "what was rolled back is not told with the next commit"
        with transaction.transaction():
            transaction.announce("mail")
            assert told == []
        assert told == [frozenset({"mail"})]
    finally:
        app.extensions["after_commit"].clear()


def _announce_and_fail() -> None:
    with transaction.transaction():
        transaction.announce("mail")
        raise ZeroDivisionError
