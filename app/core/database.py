"""The one database handle, the base of all tables, and every difference between PostgreSQL and SQLite."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from flask_sqlalchemy import SQLAlchemy
from psycopg import sql
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    DateTime,
    Dialect,
    Engine,
    MetaData,
    Text,
    Uuid,
    bindparam,
    event,
)
from sqlalchemy import insert as sa_insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column, registry
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeDecorator, TypeEngine

from app.core.errors import Conflict


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: aware, in UTC, on every database (SQLite forgets the zone, so it is put back)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        instant: datetime = value
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


class Money(TypeDecorator[Decimal]):
    """An amount in euro with two places, kept as whole cents: never a float."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        if value is None:
            return None
        return int((value * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value) / 100


NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Maps `datetime` to UTC instants, `Decimal` to cents and `UUID` to the database's own type."""

    registry = registry(
        metadata=MetaData(naming_convention=NAMES),
        type_annotation_map={datetime: UtcDateTime(), Decimal: Money(), UUID: Uuid()},
    )


db = SQLAlchemy(model_class=Base)

if TYPE_CHECKING:
    Model = Base
else:
    Model = db.Model


class Identified:
    """A row with a key of its own, made in Python so that it is known before the row is written."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)


class Versioned:
    """A row that counts its changes, so that of two people who change it at once the second is told."""

    version: Mapped[int]

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805 (a class is passed)
        return {"version_id_col": cls.version}


def sort_key(name: str) -> str:
    """The name as every database sorts it alike: without case and accents (Ä as a, ß as ss)."""
    folded = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in folded if not unicodedata.combining(letter))


_INSERTS: Mapping[str, Callable[[Any], Any]] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}


def free_key(label: str, taken: Collection[str], otherwise: str, *, joint: str = "-", longest: int = 50) -> str:
    """A label as a key that is not taken, such as "abnahme-2"; `otherwise` where it has no letter a key may have."""
    wording = re.sub(r"[^a-z0-9]+", joint, sort_key(label)).strip(joint)[:longest].strip(joint) or otherwise
    candidates = (wording if number == 1 else f"{wording}{joint}{number}" for number in range(1, len(taken) + 2))
    return next(key for key in candidates if key not in taken)


def insert(row: Model, taken: Conflict) -> None:
    """Writes a new row at once: its constraint speaks here, and the log needs its key.

    Raises:
        Conflict: `taken`, where somebody else was first.
    """
    try:
        with db.session.begin_nested():
            db.session.add(row)
    except IntegrityError:
        raise taken from None


def dialect_name() -> str:
    """Which database this is: postgresql or sqlite."""
    return db.session.get_bind().dialect.name


def insert_new(model: Any) -> Any:
    """An insert that can leave out what is there already; the databases word it alike and spell it apart."""
    return _INSERTS[dialect_name()](model)


class ManyValues(TypeDecorator[Collection[Any]]):
    """Any number of values as one: an array on PostgreSQL, a JSON list on SQLite."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: TypeEngine[Any]) -> None:
        super().__init__()
        self.kind = kind

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return ARRAY(self.kind) if dialect.name == "postgresql" else Text()

    def process_bind_param(self, values: Collection[Any] | None, dialect: Dialect) -> Any:
        if dialect.name == "postgresql":
            return list(values or ())
        process = self.kind.dialect_impl(dialect).bind_processor(dialect)
        return json.dumps([process(value) if process else value for value in values or ()])


class one_of(ColumnElement[bool]):  # noqa: N801 (used as the function it reads like)
    """Whether the column holds one of very many values, handed in under a name when the statement is carried out: one
    parameter for all of them, so that the statement stays the same however many there are."""

    inherit_cache = False

    def __init__(self, column: Any, name: str) -> None:
        self.column = column
        self.values = bindparam(name, type_=ManyValues(column.type))


@compiles(one_of, "postgresql")
def _one_of_array(element: one_of, compiler: SQLCompiler, **context: Any) -> str:
    return f"{compiler.process(element.column)} = ANY ({compiler.process(element.values)})"


@compiles(one_of, "sqlite")
def _one_of_json(element: one_of, compiler: SQLCompiler, **context: Any) -> str:
    return f"{compiler.process(element.column)} IN (SELECT value FROM json_each({compiler.process(element.values)}))"


def insert_many(model: type[Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes many rows that all name the same columns: on PostgreSQL with COPY, twice as fast as with parameters.

    The values are plain ones (text, numbers, days, keys), for which no type of ours has to do anything.

    Raises:
        The driver's own IntegrityError, or SQLAlchemy's, where a constraint refuses one of them.
    """
    table = model.__table__
    if dialect_name() != "postgresql":
        db.session.execute(sa_insert(table), rows)
        return
    into = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table.name), sql.SQL(", ").join(map(sql.Identifier, rows[0]))
    )
    connection: Any = db.session.connection().connection.driver_connection
    with connection.cursor() as cursor, cursor.copy(into) as copy:
        for row in rows:
            copy.write_row(tuple(row.values()))


_writing: ContextVar[bool] = ContextVar("writing", default=False)


def expect_writes(writes: bool) -> None:
    """Says whether the transaction that begins next will write; on SQLite it then takes the lock at once."""
    _writing.set(writes)


@event.listens_for(Engine, "connect")
def _prepare_sqlite(connection: Any, _record: Any) -> None:
    if "sqlite3" not in type(connection).__module__:
        return
    connection.isolation_level = None  # we write BEGIN ourselves: the driver's own deferred one loses updates
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "busy_timeout=20000", "synchronous=NORMAL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


@event.listens_for(Engine, "begin")
def _begin_sqlite(connection: Any) -> None:
    if connection.dialect.name == "sqlite":
        connection.connection.cursor().execute("BEGIN IMMEDIATE" if _writing.get() else "BEGIN")
