"""Reads what is stored of a city, all at once: an import asks no question per row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, union
from sqlalchemy.orm import selectinload

from app.accounts.models import Account
from app.audit.models import AuditEvent
from app.core.database import db
from app.digests.models import DigestRecipient
from app.grants.models import Grant, Obligation
from app.measures.models import Activity, Measure, MeasureEvent
from app.milestones.models import Approval, Milestone, MilestoneMove, MoveRequest
from app.organisations.models import Membership, Organisation, OrganisationKind, Unit
from app.programmes.models import Programme, ReminderStep, Workflow
from app.progress.models import ProgressUpdate
from app.transfer.format import CityFile

MembershipKey = tuple[UUID, str, UUID | None, UUID | None]
WORDS = frozenset({"title", "description"})
DATES = frozenset({"planned_on", "planned_precision", "forecast_on", "actual_on"})
"""What a move or a request for approval decides about a milestone."""


@dataclass
class Known:
    """The rows of a city by their keys: those that are stored, and in the course of an import the new ones."""

    organisations: dict[str, Organisation]
    units: dict[str, Unit]
    accounts: dict[str, Account]
    memberships: set[MembershipKey]
    programmes: dict[str, Programme]
    recipients: dict[tuple[UUID, UUID], dict[str, DigestRecipient]]
    measures: dict[tuple[UUID, str], Measure]
    milestones: dict[tuple[UUID, str], Milestone]
    events: dict[UUID, dict[tuple[str, str], MeasureEvent]]
    updates: dict[tuple[UUID, str, UUID | None], ProgressUpdate]
    activities: dict[tuple[UUID, str], Activity]
    grants: dict[tuple[UUID, str], Grant]
    obligations: dict[tuple[UUID, str], Obligation]

    @classmethod
    def read(cls, city: CityFile) -> Known:
        """Everything stored about the city's people and about the programmes that the file names."""
        programmes = _programmes()
        ids = [programmes[one.key].id for one in city.programmes if one.key in programmes]
        of_measures = Measure.programme_id.in_(ids)
        return cls(
            organisations={row.key: row for row in db.session.scalars(select(Organisation))},
            units={row.key: row for row in db.session.scalars(select(Unit).options(selectinload(Unit.names)))},
            accounts={row.email: row for row in db.session.scalars(select(Account))},
            memberships={
                (row.account_id, row.role, row.unit_id, row.organisation_id)
                for row in db.session.scalars(select(Membership))
            },
            programmes=programmes,
            recipients=_recipients(ids),
            measures={
                (row.programme_id, row.key): row
                for row in db.session.scalars(
                    select(Measure).where(of_measures).options(selectinload(Measure.predecessors))
                )
            },
            milestones={
                (row.measure_id, row.key): row
                for row in db.session.scalars(select(Milestone).join(Milestone.measure).where(of_measures))
            },
            events=_events(select(MeasureEvent).join(MeasureEvent.measure).where(of_measures)),
            updates=_updates(select(ProgressUpdate).join(ProgressUpdate.measure).where(of_measures)),
            activities={
                (row.programme_id, row.key): row
                for row in db.session.scalars(select(Activity).where(Activity.programme_id.in_(ids)))
            },
            grants={
                (row.programme_id, row.key): row
                for row in db.session.scalars(
                    select(Grant).where(Grant.programme_id.in_(ids)).options(selectinload(Grant.measures))
                )
            },
            obligations={
                (row.grant_id, row.key): row
                for row in db.session.scalars(
                    select(Obligation).join(Obligation.grant).where(Grant.programme_id.in_(ids))
                )
            },
        )

    def city(self) -> Organisation | None:
        """The city of this database, None before the first import."""
        return next((row for row in self.organisations.values() if row.kind == "city"), None)

    def measure(self, programme: str, key: str) -> Measure | None:
        """A measure by the keys of the file."""
        stored = self.programmes.get(programme)
        return self.measures.get((stored.id, key)) if stored else None


def find_city() -> Organisation | None:
    """The city of this database, None before the first import."""
    return db.session.scalar(select(Organisation).where(Organisation.kind == OrganisationKind.CITY))


def find_programme(key: str) -> Programme | None:
    """A programme by its key; the caller has checked that the viewer may see it."""
    return db.session.scalar(select(Programme).where(Programme.key == key))


def list_keys() -> Sequence[str]:
    """The keys of all programmes."""
    return db.session.scalars(select(Programme.key).order_by(Programme.key)).all()


def newest_workflow(programme: Programme) -> Workflow:
    """The published version that new measures follow."""
    return max(programme.workflows, key=lambda workflow: workflow.version)


def fields_changed_by_people(subject_ids: Collection[UUID]) -> dict[UUID, set[str]]:
    """For each of these rows the fields that people changed in Wegmarke, says the log."""
    changed: dict[UUID, set[str]] = defaultdict(set)
    for subject_id, change in _changes_by_people(subject_ids):
        changed[subject_id].add(change["field"])
    return changed


def ladders_changed_by_people(programme_ids: Collection[UUID]) -> set[UUID]:
    """Those of the programmes whose reminder steps people changed in Wegmarke, says the log."""
    if not programme_ids:
        return set()
    changed = select(AuditEvent.scope_id).where(
        AuditEvent.scope_id.in_(programme_ids),
        AuditEvent.subject_kind == ReminderStep.__tablename__,
        AuditEvent.actor_id.is_not(None),
    )
    return {programme_id for programme_id in db.session.scalars(changed.distinct()) if programme_id}


def milestone_fields_of_people(milestone_ids: Collection[UUID]) -> dict[UUID, set[str]]:
    """The same for milestones; everything of one they planned themselves, all dates of one that was moved or whose
    approval was asked for, and where a move was asked for also that the funders go by it."""
    if not milestone_ids:
        return {}
    changed: dict[UUID, set[str]] = defaultdict(set)
    for milestone_id, change in _changes_by_people(milestone_ids):
        is_planned_by_people = change["field"] == "planned_on" and change["from"] is None
        changed[milestone_id] |= WORDS | DATES | {"funder_relevant"} if is_planned_by_people else {change["field"]}
    moved = select(MilestoneMove.milestone_id).where(MilestoneMove.milestone_id.in_(milestone_ids))
    asked = select(Approval.milestone_id).where(Approval.milestone_id.in_(milestone_ids))
    for milestone_id in db.session.scalars(union(moved, asked)):
        changed[milestone_id] |= DATES
    wished = select(MoveRequest.milestone_id).where(MoveRequest.milestone_id.in_(milestone_ids))
    for milestone_id in db.session.scalars(wished.distinct()):
        changed[milestone_id] |= DATES | {"funder_relevant"}
    return changed


def _changes_by_people(subject_ids: Collection[UUID]) -> Iterator[tuple[UUID, dict[str, Any]]]:
    if not subject_ids:
        return
    lines = select(AuditEvent.subject_id, AuditEvent.changes).where(
        AuditEvent.subject_id.in_(subject_ids), AuditEvent.actor_id.is_not(None)
    )
    for subject_id, changes in db.session.execute(lines):
        for change in changes:
            yield subject_id, change


def _programmes() -> dict[str, Programme]:
    query = select(Programme).options(
        selectinload(Programme.funders),
        selectinload(Programme.focus_areas),
        selectinload(Programme.steps).selectinload(ReminderStep.named),
        selectinload(Programme.workflows),
        selectinload(Programme.draft),
    )
    return {row.key: row for row in db.session.scalars(query)}


def _recipients(programme_ids: Iterable[UUID]) -> dict[tuple[UUID, UUID], dict[str, DigestRecipient]]:
    found: dict[tuple[UUID, UUID], dict[str, DigestRecipient]] = defaultdict(dict)
    query = select(DigestRecipient).where(DigestRecipient.programme_id.in_(programme_ids))
    for row in db.session.scalars(query):
        found[row.programme_id, row.organisation_id][row.email] = row
    return found


def _events(query: Select[MeasureEvent]) -> dict[UUID, dict[tuple[str, str], MeasureEvent]]:
    found: dict[UUID, dict[tuple[str, str], MeasureEvent]] = defaultdict(dict)
    for row in db.session.scalars(query):
        found[row.measure_id][str(row.happened), row.sort_title] = row
    return found


def _updates(query: Select[ProgressUpdate]) -> dict[tuple[UUID, str, UUID | None], ProgressUpdate]:
    """Of several updates of one author on one period the first: that is the one an import brought."""
    found: dict[tuple[UUID, str, UUID | None], ProgressUpdate] = {}
    for row in db.session.scalars(query.order_by(ProgressUpdate.created_at, ProgressUpdate.id)):
        found.setdefault((row.measure_id, row.period, row.author_id), row)
    return found
