"""The migrations make exactly the tables the models describe, on both databases, and the log cannot be changed."""

from __future__ import annotations

from pathlib import Path

import flask_migrate
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask

from app import create_app
from app.audit import service as audit
from app.core import transaction
from app.core.database import db
from app.core.text import text
from app.organisations.permissions import system
from tests.conftest import settings_for
from tests.factories import NOON, City


def differences() -> list[object]:
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        return list(compare_metadata(context, db.metadata))


def test_models_equal_migrations_on_postgresql(app: Flask) -> None:
    context = MigrationContext.configure(db.session.connection())
    assert list(compare_metadata(context, db.metadata)) == []


def test_models_equal_migrations_on_sqlite_and_go_back(tmp_path: Path) -> None:
    app = create_app(settings_for(f"sqlite:///{tmp_path / 'w.db'}", tmp_path))
    with app.app_context():
        flask_migrate.upgrade()
        assert differences() == []
        flask_migrate.downgrade(revision="base")
        left = set(sa.inspect(db.engine).get_table_names()) - {"alembic_version"}
        assert left == set()
        db.engine.dispose()


@pytest.mark.parametrize("statement", ["UPDATE audit_event SET actor_name = 'x'", "DELETE FROM audit_event"])
def test_a_line_of_the_log_is_never_changed(city: City, statement: str) -> None:
    audit.record(system("Test"), city.measure, text("Status geändert"), now=NOON)
    db.session.flush()
    with pytest.raises(sa.exc.DBAPIError, match="audit_event is append-only"), db.session.begin_nested():
        db.session.execute(sa.text(statement))


@pytest.mark.parametrize("statement", ["UPDATE audit_event SET actor_name = 'x'", "DELETE FROM audit_event"])
def test_a_line_of_the_log_is_never_changed_on_sqlite_either(tmp_path: Path, statement: str) -> None:
    app = create_app(settings_for(f"sqlite:///{tmp_path / 'w.db'}", tmp_path))
    with app.app_context():
        flask_migrate.upgrade()
        with transaction.transaction():
            db.session.execute(
                sa.text(
                    "INSERT INTO audit_event "
                    "(at, actor_name, what, what_params, subject_kind, subject_id, changes, is_sample) "
                    "VALUES ('2023-03-15', 'x', 'x', '{}', 'x', 'x', '[]', FALSE)"
                )
            )
        with pytest.raises(sa.exc.DBAPIError, match="audit_event is append-only"), transaction.transaction():
            db.session.execute(sa.text(statement))
        db.session.remove()
        db.engine.dispose()
