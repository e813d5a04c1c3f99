"""Planning a day over a million milestones against ten times fewer, and writing the ledger against one raw INSERT.

In 1,000 programmes on PostgreSQL the same 5,000 milestones are due. What is not due is the past (approved), the far
future, and what lies near and has been reminded of already.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID, uuid4

import flask_migrate
import sqlalchemy as sa

from app import create_app
from app.core import clock
from app.core.database import db
from app.organisations.permissions import Role
from app.reminders import service
from app.reminders.models import ReminderEntry
from app.reminders.planning import NOON, plan_day
from app.reminders.queries import list_programmes
from tests.conftest import fresh_database, settings_for
from tests.factories import STEPS, WORKFLOW, add_account, add_unit

TODAY = date(2023, 3, 15)
PROGRAMMES, MEASURES, LEADS = 1_000, 10, 200
DUE = 5_000
ROWS = 20_000
AT_MOST, AT_LEAST = 1.3, 0.5

DEFAULTS = """
ALTER TABLE {table} ALTER sources SET DEFAULT '{{}}', ALTER sample_fields SET DEFAULT '[]',
                    ALTER is_sample SET DEFAULT false
"""
"""What the application fills in itself, so that the statements below name only what matters."""

FIRST = """
INSERT INTO programme (id, key, name, level, state, time_zone, send_time, update_rhythm, update_due_days,
                       approval_days, emergency_override)
SELECT gen_random_uuid(), 'p' || n, '{"de": "Programm"}', 'state', 'NW', 'Europe/Berlin', '07:00', 'quarterly', 14, 5,
       false FROM generate_series(1, :programmes) n;
INSERT INTO workflow (id, programme_id, version, definition, published_at)
SELECT gen_random_uuid(), id, 1, CAST(:workflow AS json), now() FROM programme;
INSERT INTO reminder_step (id, programme_id, key, offset_days, repeat_days, recipients, working_days)
SELECT gen_random_uuid(), p.id, s.key, s.days, s.repeat, s.recipients, false
FROM programme p, json_to_recordset(CAST(:steps AS json)) AS s(key text, days int, repeat int, recipients json);
INSERT INTO measure (id, programme_id, workflow_id, key, title, sort_key, status, entered_on, unit_id, lead_id,
                     partners, record, documents, version)
SELECT gen_random_uuid(), w.programme_id, w.id, 'm' || n, '{"de": "Maßnahme"}', 'massnahme', 'approved', :today,
       :unit, (CAST(:leads AS uuid[]))[1 + (row_number() OVER ()) % :people], '[]', '{}', '[]', 1
FROM workflow w, generate_series(1, :measures) n;
"""

MORE = """
INSERT INTO milestone (id, measure_id, key, title, planned_on, planned_precision, due_version, approved_at, actual_on,
                       funder_relevant, version)
SELECT gen_random_uuid(), m.id, :name || n, '{"de": "Meilenstein"}', CAST(:today AS date) + CAST(:days AS int),
       'day', 1, CASE WHEN :settled THEN now() END, CASE WHEN :settled THEN CAST(:today AS date) END, false, 1
FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM measure) m, generate_series(1, :count) n
WHERE (m.place * :count + n) % :one_of = 0;
"""

REMINDED = """
INSERT INTO reminder_entry (id, programme_id, subject, due_version, step, recipient_id, due_on, decided_on, outcome)
SELECT gen_random_uuid(), m.programme_id, 'milestone:' || s.id, 1, k.step, m.lead_id, s.planned_on, :today,
       'superseded'
FROM milestone s JOIN measure m ON m.id = s.measure_id, unnest(CAST(:steps AS text[])) AS k(step)
WHERE s.key LIKE :name || '%' AND s.planned_on = CAST(:today AS date) + CAST(:days AS int);
"""


def main() -> None:
    with fresh_database("wegmarke_bench_reminders") as url, TemporaryDirectory() as folder:
        flask = create_app(settings_for(url, Path(folder)))
        with flask.app_context():
            flask_migrate.upgrade()
            _people_and_programmes()
            _milestones("due", 7, DUE // (PROGRAMMES * MEASURES) or 1, one_of=PROGRAMMES * MEASURES // DUE)
            _reminded("due", 7, ["before-30", "before-14"])
            _not_due("few", 10)
            few = _planning()
            _not_due("many", 90)
            many = _planning()
            ours, raw = _writing()
            db.session.remove()
            db.engine.dispose()
    print(
        f"a day over 1,000,000 milestones, {DUE:,} due: {many:.2f} s, {many / few:.2f} times the cost of 100,000\n"
        f"{ROWS:,} rows into the ledger: {ours:.2f} s, {raw / ours:.2f} of the speed of one raw INSERT … SELECT"
    )
    if many / few > AT_MOST or raw / ours < AT_LEAST:
        sys.exit(f"at most {AT_MOST} times and at least {AT_LEAST} of the speed were promised")


def _people_and_programmes() -> None:
    leads = [add_account(f"Projektleitung {number}", Role.PROJECT_LEAD) for number in range(LEADS)]
    unit = add_unit("Stelle")
    add_account("Bereichsleitung", Role.DEPARTMENT_HEAD, unit=unit)
    db.session.commit()
    for table in ("programme", "measure", "milestone"):
        db.session.execute(sa.text(DEFAULTS.format(table=table)))
    steps = [{"key": key, "days": days, "repeat": again, "recipients": who} for key, days, again, who in STEPS]
    _run(
        FIRST,
        programmes=PROGRAMMES,
        measures=MEASURES,
        people=LEADS,
        leads=[str(lead.id) for lead in leads],
        unit=unit.id,
        today=TODAY,
        workflow=json.dumps(WORKFLOW),
        steps=json.dumps(steps),
    )


def _not_due(name: str, count: int) -> None:
    """`count` milestones a measure: seven of ten approved, most of the others far off, one of fifty near."""
    _milestones(f"{name}-settled-", -200, count * 7 // 10, settled=True)
    _milestones(f"{name}-far-", 400, count * 28 // 100 or 1)
    _milestones(f"{name}-near-", 20, 1 if count < 50 else 2, one_of=5 if count < 50 else 1)
    _reminded(f"{name}-near-", 20, ["before-30"])


def _milestones(name: str, days: int, count: int, *, settled: bool = False, one_of: int = 1) -> None:
    _run(MORE, name=name, days=days, count=count, settled=settled, one_of=one_of, today=TODAY)


def _reminded(name: str, days: int, steps: list[str]) -> None:
    _run(REMINDED, name=name, days=days, steps=steps, today=TODAY)


def _run(script: str, **values: Any) -> None:
    for statement in filter(None, map(str.strip, script.split(";\n"))):
        named = {name: value for name, value in values.items() if f":{name}" in statement}
        db.session.execute(sa.text(statement), named)
    db.session.commit()
    db.session.execute(sa.text("ANALYZE"))
    db.session.commit()


def _planning() -> float:
    def plan() -> None:
        db.session.expire_all()
        posts = plan_day(list_programmes(), clock.at(TODAY, NOON)).posts
        assert sum(len(post.reminders) for post in posts) == DUE, sum(len(post.reminders) for post in posts)
        db.session.rollback()
        db.session.expunge_all()

    return _best(plan)


def _writing() -> tuple[float, float]:
    ids = db.session.execute(sa.text("SELECT p.id, a.id FROM programme p, account a LIMIT 1")).one()
    rows = [_row(number, *ids) for number in range(ROWS)]

    def ours() -> None:
        service.enter(rows)
        assert db.session.scalar(sa.text("SELECT count(*) FROM reminder_entry WHERE subject LIKE 'bench:%'")) == ROWS
        db.session.rollback()

    db.session.execute(sa.text("CREATE TABLE bench AS SELECT * FROM reminder_entry LIMIT 0"))
    kept = [
        sa.column(column.name, column.type) for column in ReminderEntry.__table__.columns if column.name in rows[0]
    ]
    db.session.execute(sa.insert(sa.table("bench", *kept)), rows)
    db.session.commit()
    columns = ", ".join(rows[0])

    def raw() -> None:
        db.session.execute(sa.text(f"INSERT INTO reminder_entry ({columns}) SELECT {columns} FROM bench"))
        assert db.session.scalar(sa.text("SELECT count(*) FROM reminder_entry WHERE subject LIKE 'bench:%'")) == ROWS
        db.session.rollback()

    return _best(ours), _best(raw)


def _row(number: int, programme_id: UUID, account_id: UUID) -> dict[str, Any]:
    return {
        "id": uuid4(),
        "programme_id": programme_id,
        "subject": f"bench:{uuid4()}",
        "due_version": 1,
        "step": "before-7",
        "recipient_id": account_id,
        "for_id": None,
        "due_on": TODAY + timedelta(days=number % 30),
        "decided_on": TODAY,
        "outcome": "superseded",
        "mail_id": None,
    }


def _best(work: Callable[[], None]) -> float:
    """The best of three runs, in seconds."""
    took = []
    for _ in range(3):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return min(took)


if __name__ == "__main__":
    main()
