"""Where a transaction ends: the only place that commits or rolls back.

One request is one transaction, and so is one item of a task. An unsafe method answered with less than 400
commits; everything else rolls back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from select import select
from typing import Any, TypeAlias

import psycopg
from flask import Flask, Response, current_app, request, session
from psycopg.adapt import Transformer
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGresult
from sqlalchemy import Connection, Engine, Executable
from sqlalchemy.exc import DBAPIError, IntegrityError
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


Order: TypeAlias = tuple[Executable, Mapping[str, Any]]
"""A statement, made once, and its values: whole numbers, texts, keys, instants."""


class Relay:
    """Very many short transactions, each of which ends with the beginning of the next."""

    is_open = False
    under_way: tuple[Order | None, Order | None] | None = None

    def start(self, change: Order | None, query: Order | None) -> None:
        """Writes `change` and commits; then begins the next transaction by reading one row. Without `query` no
        transaction is left open. Only `finish` says that it is done; something else may be done meanwhile.
        """
        self.under_way = change, query

    def finish(self) -> Any:
        """Waits for what was started, and returns the row, None where there is none."""
        change, query = self.under_way or (None, None)
        self.under_way = None
        if self.is_open and change:
            db.session.execute(*change)
        if self.is_open:
            db.session.commit()
        self.is_open = query is not None
        return db.session.execute(*query).first() if query else None

    def end(self) -> None:
        """Takes back what was begun and not committed."""
        if self.is_open:
            db.session.rollback()


class RelayInOneTrip(Relay):
    """On PostgreSQL a step is one trip to the database, with statements it has planned already, and we need not wait
    for it; a session makes five trips of it and has everything planned anew, and that would be most of the cost."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        driver: Any = connection.connection.driver_connection
        self.driver: psycopg.Connection[Any] = driver
        self.planned: dict[Executable, tuple[bytes, Mapping[str, Any]]] = {}

    def start(self, change: Order | None, query: Order | None) -> None:
        with _told_as_ours():
            said = [self._said(order) if order else None for order in (change, query)]
            database = self.driver.pgconn
            database.enter_pipeline_mode()
            if self.is_open:
                if said[0]:
                    database.send_query_prepared(*said[0])
                database.send_query_params(b"COMMIT", None)
            if said[1]:
                database.send_query_params(b"BEGIN", None)
                database.send_query_prepared(*said[1])
            database.pipeline_sync()
            self.under_way = change, query
            while database.flush():
                select([], [database.socket], [])

    def finish(self) -> Any:
        self.is_open = bool(self.under_way and self.under_way[1])
        self.under_way = None
        with _told_as_ours():
            return self._last_row()

    def _last_row(self) -> Any:
        row, refusal = None, None
        while (result := self._next_result()).status != ExecStatus.PIPELINE_SYNC:
            if result.status == ExecStatus.TUPLES_OK and result.ntuples:
                values = Transformer.from_context(self.driver)
                values.set_pgresult(result)
                row = values.load_row(0, tuple)
            elif result.status == ExecStatus.FATAL_ERROR:
                refusal = result.get_error_message()
        self.driver.pgconn.exit_pipeline_mode()
        if refusal:
            raise psycopg.DatabaseError(refusal)
        return row

    def _next_result(self) -> PGresult:
        database = self.driver.pgconn
        while True:
            while database.is_busy():
                select([database.socket], [], [])
                database.consume_input()
            if result := database.get_result():
                return result
            if database.status != ConnStatus.OK:
                raise psycopg.OperationalError("the connection to the database is lost")

    def _said(self, order: Order) -> tuple[bytes, list[bytes | None]]:
        statement, values = order
        if statement not in self.planned:
            self.planned[statement] = self._plan(statement)
        name, defaults = self.planned[statement]
        told = (values.get(parameter, otherwise) for parameter, otherwise in defaults.items())
        return name, [None if value is None else str(value).encode() for value in told]

    def _plan(self, statement: Executable) -> tuple[bytes, Mapping[str, Any]]:
        compiled = statement.compile(self.connection)  # type: ignore[attr-defined]
        name = f"relay_{len(self.planned)}"
        numbers = {parameter: f"${number}" for number, parameter in enumerate(compiled.params, 1)}
        self.driver.execute(f"PREPARE {name} AS {str(compiled) % numbers}".encode())
        return name.encode(), compiled.params

    def end(self) -> None:
        try:
            if self.under_way:
                self._last_row()
            if self.driver.pgconn.pipeline_status:
                raise psycopg.OperationalError("a step was broken off")
            self.driver.rollback()
            for name, _ in self.planned.values():
                self.driver.execute(b"DEALLOCATE " + name)
        except psycopg.Error:
            self.connection.invalidate()  # whatever is open ends with it


@contextmanager
def _told_as_ours() -> Iterator[None]:
    """What the driver refuses is told as everywhere else."""
    try:
        yield
    except psycopg.Error as error:
        raise DBAPIError.instance(None, None, error, psycopg.Error) from error


@contextmanager
def relay() -> Iterator[Relay]:
    """Transactions outside a request for work whose single steps are so short that beginning and ending them would
    be most of it. What is open at the end is taken back.
    """
    bind = db.session.get_bind()
    if isinstance(bind, Engine) and bind.dialect.name == "postgresql":
        with bind.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            yield from _run(RelayInOneTrip(connection))
        return
    expect_writes(True)
    try:
        yield from _run(Relay())
    finally:
        expect_writes(False)


def _run(relay: Relay) -> Iterator[Relay]:
    try:
        yield relay
    finally:
        relay.end()


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
