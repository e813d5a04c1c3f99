"""Where a transaction ends: the only place that commits or rolls back.

One request is one transaction, and so is one item of a task. An unsafe method answered with less than 400
commits; everything else rolls back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask, Response, current_app, request, session
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from app.core.database import db, expect_writes

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def init_app(app: Flask, render_conflict: Callable[[], Response]) -> None:
    """Wires the transaction of a request; `render_conflict` answers the loser of a race."""
    app.extensions["after_commit"] = []

    @app.before_request
    def begin() -> None:
        expect_writes(request.method not in SAFE_METHODS)

    @app.after_request
    def end(response: Response) -> Response:
        if request.method in SAFE_METHODS or response.status_code >= 400:
            db.session.rollback()
            return response
        try:
            _commit()
        except (StaleDataError, IntegrityError):
            # An exception here would become a 500 whatever its type: answer it ourselves.
            give_up()
            session.pop("_flashes", None)  # what was to be said of a success that was none
            return render_conflict()
        return response


def give_up() -> None:
    """Takes back what this transaction has done, so that an answer can still be read from the database."""
    db.session.info.pop("announced", None)
    db.session.rollback()


@contextmanager
def transaction() -> Iterator[None]:
    """One item of work outside a request: commits at its end, rolls back when it fails."""
    expect_writes(True)
    try:
        yield
        _commit()
    except BaseException:
        give_up()
        raise
    finally:
        expect_writes(False)


@contextmanager
def reading() -> Iterator[None]:
    """Reads outside a request, so that no transaction stays open behind them."""
    try:
        yield
    finally:
        db.session.rollback()


@contextmanager
def dry_run() -> Iterator[None]:
    """Does the work and takes it back: what a trial run prints is what would have happened."""
    expect_writes(True)
    try:
        yield
    finally:
        db.session.rollback()
        expect_writes(False)


def after_commit(action: Callable[[frozenset[str]], None]) -> None:
    """Registers what follows a commit; it is told what was announced with `announce`."""
    current_app.extensions["after_commit"].append(action)


def announce(what: str) -> None:
    """Notes that this transaction leaves something for a worker, such as a mail in the outbox."""
    db.session.info.setdefault("announced", set()).add(what)


def _commit() -> None:
    announced: set[str] = db.session.info.pop("announced", set())
    db.session.commit()
    if not announced:
        return
    actions: list[Callable[[frozenset[str]], Any]] = current_app.extensions["after_commit"]
    for action in actions:
        action(frozenset(announced))
