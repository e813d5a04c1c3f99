"""Statements made once and handed to the driver as they are, for what runs all day: sweeps and deliveries.

SQLAlchemy goes through a statement each time anew to find what it made of it before; for one with subqueries that
takes ten times as long as the database needs for it. Values and rows are converted by their types, as always.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Dialect, Engine, Executable
from sqlalchemy.exc import DBAPIError

from app.core.database import db

Row = tuple[Any, ...]
Process = Callable[[Any], Any]


def ask(statement: Executable, values: Mapping[str, Any] | None = None) -> list[Row]:
    """The rows of a statement, read in the session's transaction with all that was changed in it."""
    db.session.flush()
    connection = db.session.connection()
    plan = _plan(statement, connection.dialect)
    return plan.heard(connection.exec_driver_sql(plan.sql, plan.said(values or {})))


class Answer(list[Row]):
    """The rows that were found, and how many were changed."""

    rowcount: int


@dataclass(frozen=True)
class Errand:
    """A connection without a session, for a few statements each of which stands for itself."""

    connection: Any
    dialect: Dialect

    def execute(self, statement: Executable, values: Mapping[str, Any] | None = None) -> Answer:
        """Has a statement carried out."""
        plan = _plan(statement, self.dialect)
        cursor = self.connection.cursor()
        cursor.execute(plan.sql, plan.said(values or {}))
        answer = Answer(plan.heard(cursor))
        answer.rowcount = cursor.rowcount
        return answer


@contextmanager
def errand() -> Iterator[Errand]:
    """A short way to the database and back, for jobs that mostly find nothing to do; what was changed is kept.

    Raises:
        DBAPIError: where the database refuses.
    """
    bind: Engine | Connection = db.session.get_bind()
    if isinstance(bind, Connection):
        yield Errand(bind.connection, bind.dialect)
        return
    driver: Any = bind.dialect.dbapi
    connection = bind.raw_connection()
    try:
        yield Errand(connection, bind.dialect)
        connection.commit()
    except driver.Error as error:
        connection.invalidate()  # whatever is open ends with it
        raise DBAPIError.instance(None, None, error, driver.Error) from error
    finally:
        connection.close()


@dataclass(frozen=True)
class _Plan:
    """A statement as one driver takes it, with what has to be done to its values and to its columns, by their place.
    `order` is that of the values, None for a driver that takes them by name."""

    sql: str
    order: Sequence[str] | None
    own_values: Mapping[str, Any]
    values: Mapping[str, Process]
    has_rows: bool
    columns: Sequence[tuple[int, Process]]

    def said(self, values: Mapping[str, Any]) -> Any:
        told = {**self.own_values, **values}
        processed = {name: process(told[name]) for name, process in self.values.items()}
        return processed if self.order is None else tuple([processed[name] for name in self.order])

    def heard(self, rows: Any) -> list[Row]:
        return [self._heard(row) for row in rows] if self.has_rows else []

    def _heard(self, row: Sequence[Any]) -> Row:
        heard = list(row)
        for place, process in self.columns:
            heard[place] = process(heard[place])
        return tuple(heard)


@lru_cache(maxsize=200)
def _plan(statement: Executable, dialect: Dialect) -> _Plan:
    compiled: Any = statement.compile(dialect=dialect)  # type: ignore[attr-defined]
    named = {name: parameter for parameter, name in compiled.bind_names.items()}
    left_open = {name: None for name, parameter in named.items() if parameter.required}
    state = compiled.construct_expanded_state(left_open)  # the lists it has in itself are written out

    def said(name: str) -> Process:
        own = named[name].type.dialect_impl(dialect).bind_processor(dialect) if name in named else None
        return own or state.processors.get(name) or _as_is

    columns = compiled.statement.selected_columns if compiled.statement.is_select else ()
    heard = (column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns)
    return _Plan(
        sql=state.statement,
        order=state.positiontup,
        own_values={name: value for name, value in state.parameters.items() if name not in left_open},
        values={name: said(name) for name in state.parameters},
        has_rows=bool(columns),
        columns=[(place, process) for place, process in enumerate(heard) if process],
    )


def _as_is(value: Any) -> Any:
    return value
