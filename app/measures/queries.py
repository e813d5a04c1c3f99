"""Reads of measures. Every function returns only what the viewer may see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import joinedload, selectinload

from app.core.clock import day_of
from app.core.database import db
from app.core.errors import NotFound
from app.core.text import text
from app.measures.models import Measure, MeasureEvent
from app.organisations.permissions import Actor, Permission, Role, allows, roles_in
from app.organisations.queries import heads_by_unit, list_members, nearest_heads
from app.programmes.access import MEASURE_FIELDS, Access
from app.programmes.guards import Facts
from app.programmes.models import Programme, ProgrammeFunder
from app.programmes.workflow import FINISHED_CATEGORIES, Person


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


def transition_facts(measure: Measure, today: date) -> Facts:
    """What the guards of the measure's workflow look at on the programme's local day `today`."""
    return Facts(
        milestones=len(measure.milestones),
        unapproved_milestones=sum(not milestone.is_settled for milestone in measure.milestones),
        has_unit=measure.unit_id is not None,
        has_grant_notice=any(grant.notice_on for grant in measure.grants),
        assigned_roles=frozenset(_assigned_roles(measure)),
        update_age=_update_age(measure, today),
        unfinished_predecessors=tuple(
            one.name for one in measure.predecessors if one.category not in FINISHED_CATEGORIES
        ),
        filled=filled_fields(measure),
        involved_ids=involved_ids(measure),
        allows_override=measure.programme.emergency_override,
    )


def _assigned_roles(measure: Measure) -> Iterator[Role]:
    if measure.lead and measure.lead.active:
        yield Role.PROJECT_LEAD
    if nearest_heads(measure.unit, heads_by_unit()):
        yield Role.DEPARTMENT_HEAD
    if list_members(Role.COORDINATOR):
        yield Role.COORDINATOR


def _update_age(measure: Measure, today: date) -> int | None:
    """Days since the last progress update that was handed in and not given back."""
    handed_in = [
        update.submitted_at
        for update in measure.updates
        if update.submitted_at is not None and update.state in ("submitted", "released")
    ]
    return (today - day_of(max(handed_in), measure.programme.zone)).days if handed_in else None


def filled_fields(measure: Measure) -> frozenset[str]:
    """The keys of the fields that have a value, the measure's own and those of its workflow."""
    own = {name for name in MEASURE_FIELDS if getattr(measure, name) not in (None, "", [])}
    return frozenset(own | {key for key, value in measure.record.items() if value not in (None, "")})


def involved_ids(measure: Measure) -> frozenset[UUID]:
    """Whom four eyes stop: who brought the measure into its status, and who changed its details last."""
    last = measure.status_changes[-1].changed_by_id if measure.status_changes else None
    return frozenset(one for one in (last, measure.edited_by_id) if one is not None)


def person_in(actor: Actor, measure: Measure) -> Person:
    """The actor with the roles they have for this very measure."""
    return Person(actor.account_id, roles_in(actor, measure.scope))


def access_of(viewer: Actor, measure: Measure, field: str) -> Access:
    """How far the viewer gets with a field of the measure in its present status.

    Who has no role for this very measure is judged by the roles they have anywhere; without a known status no rule
    holds.
    """
    status = measure.current_status
    return status.access(field, roles_in(viewer, measure.scope) or viewer.roles) if status else Access.OPTIONAL
