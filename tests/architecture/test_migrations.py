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


@pytest.mark.parametrize("statement", ["UPDATE workflow SET version = 7", "DELETE FROM workflow"])
def test_a_published_workflow_is_never_changed(city: City, statement: str) -> None:
    with pytest.raises(sa.exc.DBAPIError, match="a published workflow never changes"), db.session.begin_nested():
        db.session.execute(sa.text(statement))


def test_an_installation_keeps_all_it_has_on_the_way_to_changeable_workflows_and_back(tmp_path: Path) -> None:
    """On SQLite tables are made anew: rows, constraints and indexes must all be there afterwards."""
    app = create_app(settings_for(f"sqlite:///{tmp_path / 'w.db'}", tmp_path))
    with app.app_context():
        flask_migrate.upgrade(revision="0001")
        before = _made()
        with transaction.transaction():
            for statement in _AN_APPROVAL_WITH_EVIDENCE:
                db.session.execute(sa.text(statement))
        flask_migrate.upgrade(revision="0002")
        with db.engine.connect() as connection:
            kept = connection.execute(
                sa.text("SELECT statement, override_reason FROM approval JOIN approval_evidence ON approval_id = id")
            )
            assert kept.all() == [("Erreicht", None)]
            assert connection.execute(sa.text("SELECT emergency_override FROM programme")).scalar_one() == 0
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1
        with pytest.raises(sa.exc.IntegrityError, match="four_eyes"), transaction.transaction():
            db.session.execute(sa.text(_DECIDES_ITSELF))
        with transaction.transaction():
            db.session.execute(sa.text(_DECIDES_ITSELF.replace("SET", "SET override_reason = 'Notfall',")))
        with pytest.raises(sa.exc.DBAPIError, match="a published workflow never changes"), transaction.transaction():
            db.session.execute(sa.text("UPDATE workflow SET version = 7"))
        with transaction.transaction():
            db.session.execute(sa.text("DELETE FROM approval_evidence"))
            db.session.execute(sa.text("DELETE FROM approval"))
        flask_migrate.downgrade(revision="0001")
        assert _made() == before
        with db.engine.connect() as connection:
            assert connection.execute(sa.text("SELECT count(*) FROM workflow")).scalar_one() == 1
        db.session.remove()
        db.engine.dispose()


def _made() -> set[str]:
    """Everything SQLite has been told to make, without white space and quotes."""
    with db.engine.connect() as connection:
        found = connection.execute(sa.text("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")).scalars()
        return {" ".join(sql.replace('"', "").split()) for sql in found}


_DECIDES_ITSELF = (
    "UPDATE approval SET decision = 'approved', decided_by_id = submitted_by_id, decided_at = '2023-03-15'"
)
_AN_APPROVAL_WITH_EVIDENCE = (
    "INSERT INTO account (id, email, name, language, active, is_trial_role, is_sample) "
    "VALUES ('a', 'a@b.example', '{}', 'de', TRUE, FALSE, FALSE)",
    "INSERT INTO programme (id, key, name, level, state, time_zone, send_time, update_rhythm, update_due_days, "
    "approval_days, sources, is_sample, sample_fields) VALUES "
    "('p', 'p', '{}', 'state', 'NW', 'Europe/Berlin', '07:00', 'quarterly', 14, 5, '{}', FALSE, '[]')",
    "INSERT INTO workflow (id, programme_id, version, definition, published_at) "
    "VALUES ('w', 'p', 1, '{}', '2023-01-01')",
    "INSERT INTO measure (id, programme_id, workflow_id, key, sort_key, partners, entered_on, record, documents, "
    "sources, is_sample, sample_fields, version) "
    "VALUES ('m', 'p', 'w', 'm', 'm', '[]', '2023-01-01', '{}', '[]', '{}', FALSE, '[]', 1)",
    "INSERT INTO milestone (id, measure_id, key, title, planned_on, planned_precision, due_version, sources, "
    "is_sample, sample_fields, version) "
    "VALUES ('s', 'm', 's', '{}', '2023-01-01', 'day', 1, '{}', FALSE, '[]', 1)",
    "INSERT INTO document (id, filename, media_type, size, sha256, uploaded_at, is_sample) "
    "VALUES ('d', 'x.pdf', 'application/pdf', 1, 'x', '2023-01-01', FALSE)",
    "INSERT INTO approval (id, milestone_id, submitted_by_id, submitted_at, actual_on, statement, version) "
    "VALUES ('r', 's', 'a', '2023-03-01', '2023-02-28', 'Erreicht', 1)",
    "INSERT INTO approval_evidence (approval_id, document_id) VALUES ('r', 'd')",
)
