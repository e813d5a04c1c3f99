"""Reads of measures. Every function returns only what the viewer may see."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import joinedload, selectinload

from app.core.database import db
from app.core.errors import NotFound
from app.core.text import text
from app.measures.models import Measure, MeasureEvent
from app.organisations.permissions import Actor, Permission, Role, allows
from app.programmes.models import Programme, ProgrammeFunder
from app.programmes.workflow import Facts


def get_measure(viewer: Actor, measure_id: UUID) -> Measure:
    """One measure.

    Raises:
        NotFound: also where the viewer may not see it.
    """
    measure = db.session.get(Measure, measure_id)
    if measure is None or not allows(viewer, Permission.VIEW, measure.scope):
        raise NotFound(text("Diese Maßnahme gibt es nicht, oder sie ist für Sie nicht sichtbar."))
    return measure


def list_measures(viewer: Actor, programme_key: str | None = None) -> Sequence[Measure]:
    """The measures the viewer may see, by programme and number."""
    query = (
        select(Measure)
        .join(Measure.programme)
        .where(visible_to(viewer))
        .options(
            joinedload(Measure.programme).selectinload(Programme.funders),
            joinedload(Measure.workflow),
            joinedload(Measure.unit),
            joinedload(Measure.lead),
            selectinload(Measure.milestones),
        )
        .order_by(Programme.key, Measure.number, Measure.sort_key)
    )
    if programme_key:
        query = query.where(Programme.key == programme_key)
    return db.session.scalars(query).all()


def visible_to(viewer: Actor) -> ColumnElement[bool]:
    """The condition on `Measure` that holds for what a viewer may see: the twin of `Permission.VIEW`."""
    if allows(viewer, Permission.VIEW_INTERNAL):
        return Measure.id.is_not(None)
    organisations = viewer.organisation_ids if viewer.has(Role.FUNDER) else frozenset()
    funded = select(ProgrammeFunder.programme_id).where(ProgrammeFunder.organisation_id.in_(organisations))
    return Measure.programme_id.in_(funded)


def list_events(measure: Measure, today: date) -> list[MeasureEvent]:
    """What has been published and has happened by `today`; later events stay hidden from a sandbox."""
    return [event for event in measure.events if event.sort_on <= today]


def transition_facts(measure: Measure) -> Facts:
    """What the guards of the measure's workflow look at."""
    roles = {Role.PROJECT_LEAD} if measure.lead_id else set()
    if measure.unit and any(
        membership.role == Role.DEPARTMENT_HEAD and membership.account.active
        for unit in measure.unit.with_parents()
        for membership in unit.memberships
    ):
        roles.add(Role.DEPARTMENT_HEAD)
    return Facts(
        milestones=len(measure.milestones),
        unapproved_milestones=sum(not milestone.is_settled for milestone in measure.milestones),
        has_unit=measure.unit_id is not None,
        has_grant_notice=any(grant.notice_on for grant in measure.grants),
        assigned_roles=frozenset(roles),
    )
