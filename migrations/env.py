"""Runs the migrations with the application's own engine."""

from __future__ import annotations

import sys

from alembic import context
from flask import current_app
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from app.core.database import db, expect_writes


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        render_as_batch=True,
        compare_type=True,
        transaction_per_migration=True,
        render_item=_render_plain_types,
    )
    with context.begin_transaction():
        context.run_migrations()


def _render_plain_types(kind: str, thing: object, _autogen: object) -> str | bool:
    """A migration names plain column types, so that it keeps meaning the same when our classes move."""
    if kind == "type" and type(thing).__module__.startswith("app."):
        impl = thing.impl_instance if hasattr(thing, "impl_instance") else thing.impl  # type: ignore[attr-defined]
        return f"sa.{impl!r}"
    return False


def check_links(connection: Connection, on: bool) -> None:
    """SQLite: a table that is made anew must not take along the rows that refer to it."""
    if connection.dialect.name != "sqlite":
        return
    driver = connection.connection.driver_connection  # no transaction yet: inside one the setting is ignored
    assert driver is not None
    if on and (broken := driver.execute("PRAGMA foreign_key_check").fetchall()):
        raise RuntimeError(f"rows that refer to nothing: {broken[:5]}")
    driver.execute(f"PRAGMA foreign_keys={'ON' if on else 'OFF'}")


expect_writes(True)
try:
    with current_app.app_context(), db.engine.connect() as connection:
        check_links(connection, on=False)
        run(connection)
        check_links(connection, on=True)
except OperationalError as error:
    reason = str(error.orig).splitlines()[0]
    sys.exit(f"The database cannot be reached; check DATABASE_URL and whether it runs. It says: {reason}")
expect_writes(False)
