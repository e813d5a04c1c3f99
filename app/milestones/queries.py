"""Reads of milestones. Every function returns only what the viewer may see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, false, or_, select
from sqlalchemy.orm import InstrumentedAttribute, joinedload, selectinload
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
from app.milestones.approval import Actions, Decision, MilestoneState
from app.milestones.models import Approval, Milestone, MoveRequest
from app.organisations.permissions import Actor, Permission, Role, Scope, allows, decides_for
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


def get_move_request(viewer: Actor, request_id: UUID) -> MoveRequest:
    """One wish to move a milestone, for people of the city only.

    Raises:
        NotFound: also where the viewer may not see it.
    """
    request = db.session.get(MoveRequest, request_id)
    if request is None or not allows(viewer, Permission.VIEW_INTERNAL, request.milestone.measure.scope):
        raise NotFound(text("Diesen Antrag gibt es nicht, oder er ist für Sie nicht sichtbar."))
    return request


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
    """The milestones of a measure by planned day, in four queries however many there are."""
    if not allows(viewer, Permission.VIEW, measure.scope):
        return ()
    query = (
        select(Milestone)
        .where(Milestone.measure_id == measure.id)
        .options(
            selectinload(Milestone.approvals), selectinload(Milestone.moves), selectinload(Milestone.move_requests)
        )
        .order_by(Milestone.planned_on, Milestone.key)
    )
    return db.session.scalars(query).all()


def list_awaiting_decision(viewer: Actor) -> Sequence[Approval]:
    """The open requests this person may decide now, oldest first, with all that a list of them shows."""
    decidable = _decidable(viewer, Approval.submitted_by_id)
    if decidable is None:
        return ()
    query = (
        select(Approval)
        .join(Approval.milestone)
        .join(Milestone.measure)
        .where(
            Approval.decision.is_(None),
            Milestone.approved_at.is_(None),
            Milestone.dropped_at.is_(None),
            decidable,
        )
        .options(
            joinedload(Approval.submitted_by),
            selectinload(Approval.evidence),
            joinedload(Approval.milestone).joinedload(Milestone.measure).joinedload(Measure.programme),
        )
        .order_by(Approval.submitted_at, Approval.id)
    )
    return db.session.scalars(query).all()


def list_moves_awaiting(viewer: Actor) -> Sequence[MoveRequest]:
    """The wishes to move a milestone this person may decide now, oldest first, with all that a list of them shows."""
    decidable = _decidable(viewer, MoveRequest.requested_by_id)
    if decidable is None:
        return ()
    query = (
        select(MoveRequest)
        .join(MoveRequest.milestone)
        .join(Milestone.measure)
        .where(
            MoveRequest.decision.is_(None),
            Milestone.approved_at.is_(None),
            Milestone.dropped_at.is_(None),
            decidable,
        )
        .options(
            joinedload(MoveRequest.requested_by),
            joinedload(MoveRequest.milestone).joinedload(Milestone.measure).joinedload(Measure.programme),
        )
        .order_by(MoveRequest.requested_at, MoveRequest.id)
    )
    return db.session.scalars(query).all()


def _decidable(viewer: Actor, asked_by: InstrumentedAttribute[UUID]) -> ColumnElement[bool] | None:
    """What the viewer may decide, whether as a head or for one who is away, as a condition on a request; None for
    whoever decides nothing. The twin of `approval.check_four_eyes`."""
    if viewer.account_id is None or not viewer.deciding_unit_ids:
        return None
    units: dict[UUID | None, list[UUID]] = {}
    for unit in list_units():
        scope = Scope(unit_ids=tuple(above.id for above in unit.with_parents()))
        if allows(viewer, Permission.DECIDE_MILESTONE, scope):
            units.setdefault(decides_for(viewer, scope), []).append(unit.id)
    return or_(
        false(),
        *(
            and_(
                Measure.unit_id.in_(unit_ids),
                asked_by.not_in(stopped),
                or_(Milestone.edited_by_id.is_(None), Milestone.edited_by_id.not_in(stopped)),
            )
            for absent_id, unit_ids in units.items()
            for stopped in [{viewer.account_id, absent_id or viewer.account_id}]
        ),
    )


def find_open_move(milestone: Milestone) -> MoveRequest | None:
    """The wish to move that waits for its decision; the database allows one. What is settled moves no more: a wish
    that an import has overtaken waits for nobody."""
    if milestone.is_settled:
        return None
    return next((request for request in milestone.move_requests if request.decision is None), None)


def may_unmark(viewer: Actor) -> bool:
    """Whether they may take back that a milestone is promised to the funder."""
    return viewer.has(Role.COORDINATOR)


def involved_ids(milestone: Milestone) -> frozenset[UUID]:
    """Who must not decide the open request: whoever submitted it, and whoever edited the milestone last."""
    submitted_by_id = milestone.open_approval.submitted_by_id if milestone.open_approval else None
    return rules.involved_in(submitted_by_id, milestone.edited_by_id)


def involved_in_move(request: MoveRequest) -> frozenset[UUID]:
    """Who must not decide a wish to move: whoever asked for it, and whoever edited the milestone last."""
    return rules.involved_in(request.requested_by_id, request.milestone.edited_by_id)


def actions_for(viewer: Actor, milestone: Milestone) -> Actions:
    """What the viewer may do to a milestone now."""
    scope = milestone.measure.scope
    open_move = find_open_move(milestone)
    return rules.available(
        milestone.state,
        may_plan=allows(viewer, Permission.PLAN_MILESTONES, scope),
        may_request=allows(viewer, Permission.REQUEST_APPROVAL, scope),
        may_decide=allows(viewer, Permission.DECIDE_MILESTONE, scope),
        person_id=viewer.account_id,
        involved_ids=involved_in_move(open_move) if open_move else involved_ids(milestone),
        allows_override=milestone.measure.programme.emergency_override,
        in_place_of=decides_for(viewer, scope),
        has_open_move=open_move is not None,
    )


@dataclass(frozen=True)
class Reading:
    """A milestone as one person may read it.

    Whoever is not of the city (`is_internal` is false) reads approved facts only: no description, no forecast,
    no reason for dropping, no request, and nothing of an approval or of a wish to move it (`open_move`) that is under
    way. `sources` speak for the planned day as published: once it was moved there are none. Where only some facts are
    sample data, `sample_fields` names them. `override_reason` is there, for everybody, where it was approved without
    four eyes, and so are `move_overrides` by the instant of the move.
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
    funder_relevant: bool
    open_move: MoveRequest | None
    move_overrides: Mapping[datetime, str]
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
        funder_relevant=milestone.funder_relevant,
        open_move=find_open_move(milestone) if is_internal else None,
        move_overrides={
            request.decided_at: request.override_reason
            for request in milestone.move_requests
            if request.decision == Decision.APPROVED and request.decided_at and request.override_reason
        },
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


def list_move_requests(viewer: Actor, milestone: Milestone) -> Sequence[MoveRequest]:
    """The wishes to move it with their decisions, newest first; none for whoever is not of the city."""
    if not allows(viewer, Permission.VIEW_INTERNAL, milestone.measure.scope):
        return ()
    return tuple(reversed(milestone.move_requests))


def _with_history() -> tuple[LoaderOption, ...]:
    measure = joinedload(Milestone.measure)
    approvals, wishes = selectinload(Milestone.approvals), selectinload(Milestone.move_requests)
    return (
        measure.joinedload(Measure.programme).selectinload(Programme.funders),
        measure.joinedload(Measure.unit),
        measure.joinedload(Measure.lead),
        selectinload(Milestone.moves),
        approvals.joinedload(Approval.submitted_by),
        approvals.joinedload(Approval.decided_by),
        approvals.joinedload(Approval.decided_for),
        approvals.selectinload(Approval.evidence),
        wishes.joinedload(MoveRequest.requested_by),
        wishes.joinedload(MoveRequest.decided_by),
        wishes.joinedload(MoveRequest.decided_for),
    )
