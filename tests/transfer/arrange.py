"""What the tests of an import share: files of a city, taking them in, reading what is stored."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app.accounts.models import Account
from app.audit.models import AuditEvent
from app.core import clock
from app.core.database import db
from app.digests.models import DigestRecipient
from app.grants.models import Grant, Obligation
from app.measures.models import Activity, Measure, MeasureEvent
from app.milestones.models import Milestone
from app.organisations.models import Membership, Organisation, Unit
from app.organisations.permissions import Actor, system
from app.organisations.queries import actor_for
from app.programmes.ladder import DEFAULT_LADDER
from app.programmes.models import Programme, ProgrammeFunder, ReminderStep, Workflow
from app.progress.models import ProgressUpdate
from app.transfer.format import CityFile
from app.transfer.reading import read_files
from app.transfer.service import import_city
from app.transfer.summary import Kind, Outcome, Summary
from tests.factories import NOON
from tests.transfer.cities import changed

DATA = Path(__file__).parents[2] / "data"
DOCS = Path(__file__).parents[2] / "docs"
LATER = datetime(2023, 4, 3, 9, tzinfo=UTC)
SYSTEM = system("flask programmes import")


def iserlohn(*names: str) -> CityFile:
    city = read_files([DATA / name for name in names or ("iserlohn.yaml", "beispiel.yaml")]).city
    assert city is not None
    return city


ISERLOHN = {
    Kind.PROGRAMMES: 2,
    Kind.MEASURES: 6,
    Kind.MILESTONES: 15,
    Kind.UPDATES: 3,
    Kind.ACTIVITIES: 10,
    Kind.EVENTS: 20,
    Kind.GRANTS: 2,
    Kind.OBLIGATIONS: 7,
    Kind.ORGANISATIONS: 10,
    Kind.UNITS: 6,
    Kind.ACCOUNTS: 9,
    Kind.MEMBERSHIPS: 13,
    Kind.WORKFLOWS: 2,
    Kind.REMINDER_STEPS: sum(
        len(DEFAULT_LADDER if programme.reminder_steps is None else programme.reminder_steps)
        for programme in iserlohn("iserlohn.yaml").programmes
    ),
    Kind.FOCUS_AREAS: 5,
    Kind.FUNDERS: 6,
    Kind.RECIPIENTS: 2,
}

TABLE: dict[Kind, Any] = {
    Kind.PROGRAMMES: Programme,
    Kind.MEASURES: Measure,
    Kind.MILESTONES: Milestone,
    Kind.UPDATES: ProgressUpdate,
    Kind.ACTIVITIES: Activity,
    Kind.EVENTS: MeasureEvent,
    Kind.GRANTS: Grant,
    Kind.OBLIGATIONS: Obligation,
    Kind.ORGANISATIONS: Organisation,
    Kind.UNITS: Unit,
    Kind.ACCOUNTS: Account,
    Kind.MEMBERSHIPS: Membership,
    Kind.WORKFLOWS: Workflow,
    Kind.REMINDER_STEPS: ReminderStep,
    Kind.FUNDERS: ProgrammeFunder,
    Kind.RECIPIENTS: DigestRecipient,
}

HEAD = """\
  - {email: amt@musterstadt.example, name: Amtsleitung, memberships: [{role: department_head, unit: strassen}]}
  - {email: koordination@musterstadt.example, name: Koordination, memberships: [{role: coordinator}]}
"""
STAFFED = changed("programmes:\n", HEAD + "programmes:\n")


def take_in(city: CityFile, now: datetime = NOON) -> Summary:
    """An import as a command of its own would do it: it sees what is stored, not what this session remembers."""
    db.session.commit()
    summary = import_city(SYSTEM, city, now=now)
    db.session.expire_all()
    return summary


def the(table: type[Any], **values: Any) -> Any:
    return db.session.scalars(sa.select(table).filter_by(**values)).one()


def measure(key: str) -> Measure:
    return the(Measure, key=key)  # type: ignore[no-any-return]


def milestone(key: str) -> Milestone:
    return the(Milestone, key=key)  # type: ignore[no-any-return]


def person(email: str) -> Actor:
    return actor_for(the(Account, email=email), clock.today())


def log_of(row: Any) -> list[AuditEvent]:
    return list(
        db.session.scalars(sa.select(AuditEvent).where(AuditEvent.subject_id == row.id).order_by(AuditEvent.id))
    )


def counts(summary: Summary, outcome: Outcome) -> dict[Kind, int]:
    return dict(summary.rows[outcome])


def kept(summary: Summary) -> list[str]:
    return [str(sentence) for sentence in summary.kept]
