"""Commands on milestones: plan, change, ask for approval, decide."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.audit import service as audit
from app.core.clock import day_of
from app.core.database import db, free_key, insert
from app.core.errors import Conflict
from app.core.localized import Localized
from app.core.text import Text, text
from app.documents import service as documents
from app.documents.service import Receipt
from app.measures.models import Measure
from app.milestones import approval as rules
from app.milestones import letters
from app.milestones.approval import Decision
from app.milestones.models import Approval, Milestone, MilestoneMove, MoveRequest
from app.milestones.queries import find_open_move, involved_ids, involved_in_move, may_unmark
from app.organisations.permissions import Actor, Permission, decides_for, require
from app.programmes.four_eyes import Override


def plan_milestone(
    actor: Actor,
    measure: Measure,
    title: str,
    planned_on: date,
    *,
    now: datetime,
    description: str | None = None,
    funder_relevant: bool = False,
) -> Milestone:
    """A new promise: what is reached by which day. What the funder was promised moves with the head's approval only.

    Raises:
        Forbidden: for anybody but the measure's lead, their deputy while they are away, and the coordination.
        Conflict: when two people plan milestones of the same name at the same moment.
    """
    require(actor, Permission.PLAN_MILESTONES, measure.scope)
    milestone = Milestone(
        measure_id=measure.id,
        key=_key_for(measure, title),
        title=Localized(title),
        description=Localized(description) if description else None,
        planned_on=planned_on,
        funder_relevant=funder_relevant,
        edited_by_id=actor.account_id,
    )
    insert(milestone, Conflict(text("Ein Meilenstein mit diesem Titel wurde gerade angelegt."), "title"))
    audit.record(
        actor,
        milestone,
        text("Meilenstein geplant: %(title)s", title=title),
        now=now,
        scope_id=measure.id,
        changes={"planned_on": (None, planned_on), "funder_relevant": (False, funder_relevant)},
    )
    return milestone


def edit_milestone(
    actor: Actor,
    milestone: Milestone,
    title: str,
    description: str | None,
    *,
    funder_relevant: bool | None = None,
    seen_version: int | None,
    now: datetime,
) -> None:
    """Changes what is promised, and whether to the funder too; None leaves that as it is.

    A German wording that changes loses its English one: it would say something else.

    Raises:
        Forbidden: for anybody but the measure's lead, their deputy while they are away, and the coordination; and
            for anybody but the coordination where a promise to the funder is taken back.
        RuleBroken: when the milestone is approved, dropped or waiting for its approval; on `funder_relevant` where a
            promise to the funder is taken back while a move waits for its decision.
        Conflict: when it was changed since the form was made.
    """
    require(actor, Permission.PLAN_MILESTONES, milestone.measure.scope)
    _hold(milestone)
    rules.check_changeable(milestone.state)
    check_version(milestone, seen_version)
    is_relevant = milestone.funder_relevant if funder_relevant is None else funder_relevant
    if milestone.funder_relevant and not is_relevant:
        rules.check_unmark(may_unmark(actor), find_open_move(milestone) is not None)
    new_title, new_description = _reworded(milestone.title, title), _reworded(milestone.description, description)
    before = (milestone.title, milestone.description, milestone.funder_relevant)
    if new_title is None or (new_title, new_description, is_relevant) == before:
        return
    audit.record(
        actor,
        milestone,
        text("Meilenstein geändert: %(title)s", title=title),
        now=now,
        scope_id=milestone.measure_id,
        changes={
            "title": (milestone.title, new_title),
            "description": (milestone.description, new_description),
            "funder_relevant": (milestone.funder_relevant, is_relevant),
        },
    )
    milestone.title, milestone.description, milestone.funder_relevant = new_title, new_description, is_relevant
    milestone.edited_by_id = actor.account_id


def move_milestone(
    actor: Actor, milestone: Milestone, to_on: date, reason: str, *, seen_version: int | None, now: datetime
) -> MilestoneMove | MoveRequest:
    """Moves the planned day; the day before stays visible, and the new one is reminded of anew.

    What is promised to the funder does not move yet: the head of the measure's unit is asked, and told by mail. Until
    they approve the old day holds and is reminded of.

    Raises:
        Forbidden: for anybody but the measure's lead, their deputy while they are away, and the coordination.
        RuleBroken: without a reason, to the same day, when the milestone is not open, or when a move waits already.
        Conflict: when it was changed since the form was made, or somebody asked for a move at the same moment.
    """
    require(actor, Permission.PLAN_MILESTONES, milestone.measure.scope)
    _hold(milestone)
    _check_movable(milestone)
    check_version(milestone, seen_version)
    rules.check_move(milestone.planned_on, milestone.planned_precision, to_on, reason)
    if milestone.funder_relevant:
        return _request_move(actor, milestone, to_on, reason.strip(), now)
    move = _move(milestone, to_on, reason.strip(), actor.account_id, now)
    audit.record(
        actor,
        milestone,
        text("Plan-Termin verschoben: %(title)s", title=milestone.title.de),
        now=now,
        scope_id=milestone.measure_id,
        changes={"planned_on": (move.from_on, to_on)},
        reason=move.reason,
    )
    return move


def _move(milestone: Milestone, to_on: date, reason: str, by_id: UUID | None, now: datetime) -> MilestoneMove:
    move = MilestoneMove(
        milestone=milestone,
        from_on=milestone.planned_on,
        from_precision=milestone.planned_precision,
        to_on=to_on,
        reason=reason,
        moved_at=now,
        moved_by_id=by_id,
    )
    db.session.add(move)
    milestone.planned_on = to_on
    milestone.planned_precision = "day"
    milestone.due_version += 1
    milestone.edited_by_id = by_id
    return move


def _request_move(actor: Actor, milestone: Milestone, to_on: date, reason: str, now: datetime) -> MoveRequest:
    request = MoveRequest(
        milestone_id=milestone.id,
        to_on=to_on,
        reason=reason,
        requested_by_id=actor.account_id,
        requested_at=now,
    )
    insert(request, Conflict(rules.MOVE_IS_OPEN))
    db.session.expire(milestone, ["move_requests"])
    audit.record(
        actor,
        milestone,
        text("Verschiebung beantragt: %(title)s", title=milestone.title.de),
        now=now,
        scope_id=milestone.measure_id,
        changes={"wanted_on": (milestone.planned_on, to_on)},
        reason=reason,
    )
    letters.ask_for_move(request, now=now)
    return request


def withdraw_move(actor: Actor, request: MoveRequest, *, now: datetime) -> None:
    """Takes back the wish to move; the planned day stays as it is.

    Raises:
        Forbidden: for anybody but the measure's lead, their deputy while they are away, and the coordination.
        Conflict: when it has been decided already.
    """
    milestone = request.milestone
    require(actor, Permission.PLAN_MILESTONES, milestone.measure.scope)
    _hold(milestone)
    rules.check_still_open(request.decision)
    _close(actor, request, Decision.WITHDRAWN, now)
    audit.record(
        actor,
        milestone,
        text("Antrag auf Verschiebung zurückgezogen: %(title)s", title=milestone.title.de),
        now=now,
        scope_id=milestone.measure_id,
    )


def decide_move(
    actor: Actor,
    request: MoveRequest,
    decision: Decision,
    *,
    now: datetime,
    reason: str | None = None,
    override_reason: str | None = None,
) -> None:
    """Approves or returns the wish to move; approved, the milestone moves as its requester wanted it.

    Four eyes and emergencies are those of `decide_approval`.

    Raises:
        Forbidden: for anybody but a head of the measure's unit or of one above it, or the deputy of one who is away;
            and for whoever is involved, except a head in an emergency.
        Conflict: when it has been decided or withdrawn already.
        RuleBroken: on `override_reason` where an emergency lacks it, on `reason` where a return does; and when an
            import has settled the milestone since.
    """
    milestone = request.milestone
    require(actor, Permission.DECIDE_MILESTONE, milestone.measure.scope)
    _hold(milestone)
    rules.check_still_open(request.decision)
    overridden = _check_four_eyes(actor, milestone, involved_in_move(request), decision, override_reason)
    rules.check_reason(decision, reason)
    if decision == Decision.APPROVED:
        rules.check_changeable(milestone.state)
    _close(actor, request, decision, now, in_place_of=decides_for(actor, milestone.measure.scope))
    request.decision_reason = _said(reason)
    request.override_reason = overridden
    planned = milestone.planned
    changes: audit.Changes = {}
    if decision == Decision.APPROVED:
        move = _move(milestone, request.to_on, request.reason, request.requested_by_id, now)
        changes = {"planned_on": (move.from_on, move.to_on)}
    audit.record(
        actor,
        milestone,
        _move_decided(request),
        now=now,
        scope_id=milestone.measure_id,
        changes=changes,
        reason=request.reason if decision == Decision.APPROVED else request.decision_reason,
    )
    letters.tell_about_move(request, planned, now=now)


def _move_decided(request: MoveRequest) -> Text:
    """The decision as the log says it: who decided it, the log knows; this names who wanted it."""
    title, wanted_by = request.milestone.title.de, request.requested_by.name.de
    head = request.decided_for.name.de if request.decided_for else None
    if request.decision == Decision.RETURNED and head is None:
        return text("Antrag auf Verschiebung zurückgegeben: %(title)s", title=title)
    if request.decision == Decision.RETURNED:
        return text("Antrag auf Verschiebung i. V. %(head)s zurückgegeben: %(title)s", head=head, title=title)
    if head is not None:
        return text(
            "Verschiebung i. V. %(head)s freigegeben: %(title)s; beantragt von %(name)s",
            head=head,
            title=title,
            name=wanted_by,
        )
    if request.override_reason is None:
        return text("Verschiebung freigegeben: %(title)s; beantragt von %(name)s", title=title, name=wanted_by)
    return text(
        "Verschiebung freigegeben: %(title)s; beantragt von %(name)s; Vier-Augen-Prinzip im Notfall übergangen: "
        "%(reason)s",
        title=title,
        name=wanted_by,
        reason=request.override_reason,
    )


def drop_milestone(
    actor: Actor, milestone: Milestone, reason: str, *, seen_version: int | None, now: datetime
) -> None:
    """Gives up a promise; it stays in the list with its reason.

    Raises:
        Forbidden: for anybody but the measure's lead, their deputy while they are away, and the coordination.
        RuleBroken: without a reason, when the milestone is not open, or when a move waits for its decision.
        Conflict: when it was changed since the form was made.
    """
    require(actor, Permission.PLAN_MILESTONES, milestone.measure.scope)
    _hold(milestone)
    _check_movable(milestone)
    check_version(milestone, seen_version)
    rules.check_drop(reason)
    milestone.dropped_at = now
    milestone.drop_reason = reason.strip()
    milestone.edited_by_id = actor.account_id
    audit.record(
        actor,
        milestone,
        text("Meilenstein entfällt: %(title)s", title=milestone.title.de),
        now=now,
        scope_id=milestone.measure_id,
        reason=milestone.drop_reason,
    )


def request_approval(
    actor: Actor,
    milestone: Milestone,
    actual_on: date,
    statement: str,
    evidence: Sequence[Receipt] = (),
    *,
    seen_version: int | None,
    now: datetime,
) -> Approval:
    """Asks the head of the measure's unit to confirm that a milestone was reached, and tells them by mail.

    Raises:
        Forbidden: for anybody but the measure's lead, their deputy while they are away, and the coordination.
        RuleBroken: for a day in the future, without a statement, when the milestone is approved or dropped, or when a
            move waits for its decision.
        Conflict: when a request is open already, or the milestone was changed since the form was made.
    """
    require(actor, Permission.REQUEST_APPROVAL, milestone.measure.scope)
    _hold(milestone)
    rules.check_requestable(milestone.state)
    rules.check_no_open_move(find_open_move(milestone) is not None)
    check_version(milestone, seen_version)
    rules.check_report(actual_on, statement, day_of(now))
    approval = Approval(
        milestone_id=milestone.id,
        submitted_by_id=actor.account_id,
        submitted_at=now,
        actual_on=actual_on,
        statement=statement.strip(),
    )
    insert(approval, Conflict(text("Für diesen Meilenstein wurde die Freigabe bereits beantragt.")))
    db.session.expire(milestone, ["approvals"])
    approval.evidence.extend(documents.attach(evidence, actor.account_id, now=now))
    audit.record(
        actor,
        milestone,
        text("Freigabe beantragt: %(title)s", title=milestone.title.de),
        now=now,
        scope_id=milestone.measure_id,
        changes={
            "actual_on": (None, actual_on),
            "evidence": (None, ", ".join(document.filename for document in approval.evidence) or None),
        },
    )
    letters.ask_for_approval(approval, now=now)
    return approval


def withdraw_approval(actor: Actor, approval: Approval, *, now: datetime) -> None:
    """Takes a request back; the milestone is open again.

    Raises:
        Forbidden: for anybody but the measure's lead, their deputy while they are away, and the coordination.
        Conflict: when it has been decided already.
    """
    milestone = approval.milestone
    require(actor, Permission.REQUEST_APPROVAL, milestone.measure.scope)
    _hold(milestone)
    rules.check_still_open(approval.decision)
    _close(actor, approval, Decision.WITHDRAWN, now)
    audit.record(
        actor,
        milestone,
        text("Antrag auf Freigabe zurückgezogen: %(title)s", title=milestone.title.de),
        now=now,
        scope_id=milestone.measure_id,
    )


def decide_approval(
    actor: Actor,
    approval: Approval,
    decision: Decision,
    *,
    now: datetime,
    reason: str | None = None,
    override_reason: str | None = None,
) -> None:
    """Approves or returns a request; an approved milestone is reached on the day the request names.

    `override_reason` is kept only where it was needed: four eyes stop the actor and the programme allows
    emergencies. Nobody returns a request in one: one's own can be withdrawn. While a head is away their deputy
    decides "i. V.", which is kept; what stops the head stops the deputy, and for deputies there is no emergency.

    Raises:
        Forbidden: for anybody but a head of the measure's unit or of one above it, or the deputy of one who is away;
            and for whoever submitted the request or edited the milestone last, except a head in an emergency.
        Conflict: when it has been decided or withdrawn already.
        RuleBroken: on `override_reason` where an emergency lacks it, on `reason` where a return does.
    """
    milestone = approval.milestone
    require(actor, Permission.DECIDE_MILESTONE, milestone.measure.scope)
    _hold(milestone)
    rules.check_still_open(approval.decision)
    overridden = _check_four_eyes(actor, milestone, involved_ids(milestone), decision, override_reason)
    rules.check_reason(decision, reason)
    _close(actor, approval, decision, now, in_place_of=decides_for(actor, milestone.measure.scope))
    approval.reason = _said(reason)
    approval.override_reason = overridden
    changes: audit.Changes = {}
    if decision == Decision.APPROVED:
        changes = {"actual_on": (milestone.actual_on, approval.actual_on)}
        milestone.approved_at = now
        milestone.actual_on = approval.actual_on
    audit.record(
        actor,
        milestone,
        _decided(approval),
        now=now,
        scope_id=milestone.measure_id,
        changes=changes,
        reason=approval.reason,
    )
    letters.tell_about_approval(approval, now=now)


def _decided(approval: Approval) -> Text:
    """The decision as the log says it."""
    title = approval.milestone.title.de
    head = approval.decided_for.name.de if approval.decided_for else None
    if approval.decision == Decision.RETURNED and head is not None:
        return text("Antrag auf Freigabe i. V. %(head)s zurückgegeben: %(title)s", head=head, title=title)
    if approval.decision == Decision.RETURNED:
        return text("Antrag auf Freigabe zurückgegeben: %(title)s", title=title)
    if head is not None:
        return text("Meilenstein i. V. %(head)s freigegeben: %(title)s", head=head, title=title)
    if approval.override_reason is None:
        return text("Meilenstein freigegeben: %(title)s", title=title)
    return text(
        "Meilenstein freigegeben: %(title)s; Vier-Augen-Prinzip im Notfall übergangen: %(reason)s",
        title=title,
        reason=approval.override_reason,
    )


def check_version(milestone: Milestone, seen_version: int | None) -> None:
    """Raises `Conflict` when the milestone is no longer as the form showed it."""
    if seen_version != milestone.version:
        raise Conflict(text("Der Meilenstein wurde inzwischen geändert. Ihre Eingaben stehen noch im Formular."))


def _check_movable(milestone: Milestone) -> None:
    rules.check_changeable(milestone.state)
    rules.check_no_open_move(find_open_move(milestone) is not None)


def _check_four_eyes(
    actor: Actor,
    milestone: Milestone,
    involved: Collection[UUID | None],
    decision: Decision,
    override_reason: str | None,
) -> str | None:
    """The reason to keep where this decision is an emergency."""
    may_override = decision == Decision.APPROVED and milestone.measure.programme.emergency_override
    return rules.check_four_eyes(
        actor.account_id,
        involved,
        Override(may_override, override_reason),
        in_place_of=decides_for(actor, milestone.measure.scope),
    )


def _close(
    actor: Actor,
    request: Approval | MoveRequest,
    decision: Decision,
    now: datetime,
    *,
    in_place_of: UUID | None = None,
) -> None:
    request.decision = decision
    request.decided_by_id = actor.account_id
    request.decided_for_id = in_place_of
    request.decided_at = now


def _said(reason: str | None) -> str | None:
    return (reason or "").strip() or None


def _hold(milestone: Milestone) -> None:
    """Reads the milestone and its requests of both kinds as they are stored now, and keeps them until the commit.

    One command at a time: otherwise one person could drop what another asks approval for at the same moment.
    """
    query = (
        select(Milestone)
        .where(Milestone.id == milestone.id)
        .options(selectinload(Milestone.approvals), selectinload(Milestone.move_requests))
        .with_for_update(of=Milestone)
    )
    db.session.execute(query, execution_options={"populate_existing": True}).scalar_one()


def _reworded(before: Localized | None, german: str | None) -> Localized | None:
    if before is not None and before.de == german:
        return before
    return Localized(german) if german else None


def _key_for(measure: Measure, title: str) -> str:
    taken = set(db.session.scalars(select(Milestone.key).where(Milestone.measure_id == measure.id)))
    return free_key(title, taken, "meilenstein")


def record_forecast(
    actor: Actor,
    milestone: Milestone,
    forecast_on: date,
    note: str | None,
    *,
    seen_version: int | None,
    now: datetime,
) -> None:
    """Today's belief of when it is reached, perhaps with a sentence for the log. The promise stays, and a belief is
    no edit: whoever may decide later still may.

    Raises:
        Forbidden: for anybody but the measure's lead, who stands in for them, and the coordination.
        RuleBroken: when the milestone is approved, dropped or waiting for a decision.
        Conflict: when it was changed since the form was made.
    """
    require(actor, Permission.REPORT_PROGRESS, milestone.measure.scope)
    _hold(milestone)
    rules.check_changeable(milestone.state)
    check_version(milestone, seen_version)
    audit.record(
        actor,
        milestone,
        text("Prognose für „%(title)s“ gemeldet", title=milestone.title.de),
        now=now,
        scope_id=milestone.measure_id,
        changes={"forecast_on": (milestone.forecast_on, forecast_on)},
        reason=(note or "").strip() or None,
    )
    milestone.forecast_on = forecast_on
    milestone.sample_fields = [name for name in milestone.sample_fields if name != "forecast_on"]
