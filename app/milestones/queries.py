"""Reads of milestones. Every function returns only what the viewer may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.orm.interfaces import LoaderOption

from app.calendars.partial_dates import PartialDate
from app.core.database import db
from app.core.errors import NotFound
from app.core.localized import Localized
from app.core.sources import Source
from app.core.text import text
from app.documents.models import Document
from app.measures.models import Measure
from app.milestones import approval as rules
from app.milestones.approval import Actions, MilestoneState
from app.milestones.models import Approval, Milestone
from app.organisations.permissions import Actor, Permission, allows
from app.organisations.queries import list_units
from app.programmes.models import Programme


def get_milestone(viewer: Actor, milestone_id: UUID) -> Milestone:
    """One milestone with its measure, moves and requests.

    Raises:
        NotFound: also where the viewer may not see it.
    """
    query = select(Milestone).where(Milestone.id == milestone_id).options(*_with_history())
    milestone = db.session.scalar(query)
    if milestone is None or not allows(viewer, Permission.VIEW, milestone.measure.scope):
        raise NotFound(text("Diesen Meilenstein gibt es nicht, oder er ist für Sie nicht sichtbar."))
    return milestone


def get_approval(viewer: Actor, approval_id: UUID) -> Approval:
    """One request for approval, for people of the city only.

    Raises:
        NotFound: also where the viewer may not see it.
    """
    query = select(Approval).where(Approval.id == approval_id).options(selectinload(Approval.evidence))
    approval = db.session.scalar(query)
    if approval is None or not allows(viewer, Permission.VIEW_INTERNAL, approval.milestone.measure.scope):
        raise NotFound(text("Diesen Antrag gibt es nicht, oder er ist für Sie nicht sichtbar."))
    return approval


def get_evidence(viewer: Actor, approval_id: UUID, document_id: UUID) -> Document:
    """A file that was handed in with a request.

    Raises:
        NotFound: also where it belongs to another request, or the viewer may not see it.
    """
    approval = get_approval(viewer, approval_id)
    for document in approval.evidence:
        if document.id == document_id:
            return document
    raise NotFound(text("Diesen Nachweis gibt es nicht, oder er ist für Sie nicht sichtbar."))


def list_for_measure(viewer: Actor, measure: Measure) -> Sequence[Milestone]:
    """The milestones of a measure by planned day, in three queries however many there are."""
    if not allows(viewer, Permission.VIEW, measure.scope):
        return ()
    query = (
        select(Milestone)
        .where(Milestone.measure_id == measure.id)
        .options(selectinload(Milestone.approvals), selectinload(Milestone.moves))
        .order_by(Milestone.planned_on, Milestone.key)
    )
    return db.session.scalars(query).all()


def list_awaiting_decision(viewer: Actor) -> Sequence[Approval]:
    """The open requests this person may decide now, oldest first, with all that a list of them shows."""
    headed = viewer.headed_unit_ids
    units = [unit.id for unit in list_units() if headed.intersection(above.id for above in unit.with_parents())]
    if viewer.account_id is None or not units:
        return ()
    query = (
        select(Approval)
        .join(Approval.milestone)
        .join(Milestone.measure)
        .where(
            Approval.decision.is_(None),
            Milestone.approved_at.is_(None),
            Milestone.dropped_at.is_(None),
            Measure.unit_id.in_(units),
            _four_eyes(viewer.account_id),
        )
        .options(
            joinedload(Approval.submitted_by),
            selectinload(Approval.evidence),
            joinedload(Approval.milestone).joinedload(Milestone.measure).joinedload(Measure.programme),
        )
        .order_by(Approval.submitted_at, Approval.id)
    )
    return db.session.scalars(query).all()


def _four_eyes(account_id: UUID) -> ColumnElement[bool]:
    """The twin of `approval.check_four_eyes` as a condition."""
    return and_(
        Approval.submitted_by_id != account_id,
        or_(Milestone.edited_by_id.is_(None), Milestone.edited_by_id != account_id),
    )


def involved_ids(milestone: Milestone) -> frozenset[UUID | None]:
    """Who must not decide the open request: whoever submitted it, and whoever edited the milestone last."""
    submitted = {milestone.open_approval.submitted_by_id} if milestone.open_approval else set()
    edited = {milestone.edited_by_id} if milestone.edited_by_id else set()
    return frozenset(submitted | edited)


def actions_for(viewer: Actor, milestone: Milestone) -> Actions:
    """What the viewer may do to a milestone now."""
    scope = milestone.measure.scope
    return rules.available(
        milestone.state,
        may_plan=allows(viewer, Permission.PLAN_MILESTONES, scope),
        may_request=allows(viewer, Permission.REQUEST_APPROVAL, scope),
        may_decide=allows(viewer, Permission.DECIDE_MILESTONE, scope),
        person_id=viewer.account_id,
        involved_ids=involved_ids(milestone),
        allows_override=milestone.measure.programme.emergency_override,
    )


@dataclass(frozen=True)
class Reading:
    """A milestone as one person may read it.

    Whoever is not of the city (`is_internal` is false) reads approved facts only: no description, no forecast,
    no reason for dropping, no request, and nothing of an approval that is under way. `sources` speak for the
    planned day as published: once it was moved there are none. Where only some facts are sample data,
    `sample_fields` names them. `override_reason` is there, for everybody, where it was approved without four eyes.
    """

    title: Localized
    description: Localized | None
    state: MilestoneState
    is_overdue: bool
    is_internal: bool
    is_sample: bool
    planned: PartialDate
    times_moved: int
    forecast_on: date | None
    actual_on: date | None
    approved_at: datetime | None
    override_reason: str | None
    dropped_at: datetime | None
    drop_reason: str | None
    sources: Sequence[Source]
    sample_fields: frozenset[str]
    actions: Actions


def reading_for(viewer: Actor, milestone: Milestone, today: date) -> Reading:
    """What the viewer may read of a milestone and do to it; `today` is the city's day."""
    is_internal = allows(viewer, Permission.VIEW_INTERNAL, milestone.measure.scope)
    state = milestone.state
    if state is MilestoneState.IN_APPROVAL and not is_internal:
        state = MilestoneState.OPEN
    return Reading(
        title=milestone.title,
        description=milestone.description if is_internal else None,
        state=state,
        is_overdue=rules.is_overdue(state, milestone.planned_on, today),
        is_internal=is_internal,
        is_sample=milestone.is_sample,
        planned=milestone.planned,
        times_moved=len(milestone.moves),
        forecast_on=milestone.forecast_on if is_internal else None,
        actual_on=milestone.actual_on,
        approved_at=milestone.approved_at,
        override_reason=milestone.override_reason,
        dropped_at=milestone.dropped_at,
        drop_reason=milestone.drop_reason if is_internal else None,
        sources=milestone.sources_for("planned_on") if milestone.due_version == 1 else (),
        sample_fields=frozenset(milestone.sample_fields),
        actions=actions_for(viewer, milestone),
    )


def list_requests(viewer: Actor, milestone: Milestone) -> Sequence[Approval]:
    """The requests for approval with their decisions, newest first; none for whoever is not of the city."""
    if not allows(viewer, Permission.VIEW_INTERNAL, milestone.measure.scope):
        return ()
    return tuple(reversed(milestone.approvals))


def _with_history() -> tuple[LoaderOption, ...]:
    measure = joinedload(Milestone.measure)
    approvals = selectinload(Milestone.approvals)
    return (
        measure.joinedload(Measure.programme).selectinload(Programme.funders),
        measure.joinedload(Measure.unit),
        measure.joinedload(Measure.lead),
        selectinload(Milestone.moves),
        approvals.joinedload(Approval.submitted_by),
        approvals.joinedload(Approval.decided_by),
        approvals.selectinload(Approval.evidence),
    )
