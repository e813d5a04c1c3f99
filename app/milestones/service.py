"""Commands on milestones: plan, change, ask for approval, decide."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.accounts.models import Account
from app.audit import service as audit
from app.core.clock import day_of
from app.core.database import db, free_key, insert
from app.core.errors import Conflict
from app.core.localized import Localized
from app.core.text import Text, text
from app.documents import service as documents
from app.documents.service import Receipt
from app.mail import service as mail
from app.measures.models import Measure
from app.milestones import approval as rules
from app.milestones.approval import Decision
from app.milestones.models import Approval, Milestone, MilestoneMove
from app.milestones.queries import involved_ids
from app.organisations.permissions import Actor, Permission, Role, require
from app.organisations.queries import heads_by_unit, list_members, nearest_heads
from app.programmes.four_eyes import Override


def plan_milestone(
    actor: Actor, measure: Measure, title: str, planned_on: date, *, now: datetime, description: str | None = None
) -> Milestone:
    """A new promise: what is reached by which day.

    Raises:
        Forbidden: for anybody but the measure's lead and the coordination.
        Conflict: when two people plan milestones of the same name at the same moment.
    """
    require(actor, Permission.PLAN_MILESTONES, measure.scope)
    milestone = Milestone(
        measure_id=measure.id,
        key=_key_for(measure, title),
        title=Localized(title),
        description=Localized(description) if description else None,
        planned_on=planned_on,
        edited_by_id=actor.account_id,
    )
    insert(milestone, Conflict(text("Ein Meilenstein mit diesem Titel wurde gerade angelegt."), "title"))
    audit.record(
        actor,
        milestone,
        text("Meilenstein geplant: %(title)s", title=title),
        now=now,
        scope_id=measure.id,
        changes={"planned_on": (None, planned_on)},
    )
    return milestone


def edit_milestone(
    actor: Actor,
    milestone: Milestone,
    title: str,
    description: str | None,
    *,
    seen_version: int | None,
    now: datetime,
) -> None:
    """Changes what is promised. A German wording that changes loses its English one: it would say something else.

    Raises:
        Forbidden: for anybody but the measure's lead and the coordination.
        RuleBroken: when the milestone is approved, dropped or waiting for a decision.
        Conflict: when it was changed since the form was made.
    """
    require(actor, Permission.PLAN_MILESTONES, milestone.measure.scope)
    _hold(milestone)
    rules.check_changeable(milestone.state)
    check_version(milestone, seen_version)
    new_title, new_description = _reworded(milestone.title, title), _reworded(milestone.description, description)
    if new_title is None or (new_title, new_description) == (milestone.title, milestone.description):
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
        },
    )
    milestone.title, milestone.description = new_title, new_description
    milestone.edited_by_id = actor.account_id


def move_milestone(
    actor: Actor, milestone: Milestone, to_on: date, reason: str, *, seen_version: int | None, now: datetime
) -> MilestoneMove:
    """Moves the planned day; the day before stays visible, and the new one is reminded of anew.

    Raises:
        Forbidden: for anybody but the measure's lead and the coordination.
        RuleBroken: without a reason, to the same day, or when the milestone is not open.
        Conflict: when it was changed since the form was made.
    """
    require(actor, Permission.PLAN_MILESTONES, milestone.measure.scope)
    _hold(milestone)
    rules.check_changeable(milestone.state)
    check_version(milestone, seen_version)
    rules.check_move(milestone.planned_on, milestone.planned_precision, to_on, reason)
    move = MilestoneMove(
        milestone=milestone,
        from_on=milestone.planned_on,
        from_precision=milestone.planned_precision,
        to_on=to_on,
        reason=reason.strip(),
        moved_at=now,
        moved_by_id=actor.account_id,
    )
    db.session.add(move)
    milestone.planned_on = to_on
    milestone.planned_precision = "day"
    milestone.due_version += 1
    milestone.edited_by_id = actor.account_id
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


def drop_milestone(
    actor: Actor, milestone: Milestone, reason: str, *, seen_version: int | None, now: datetime
) -> None:
    """Gives up a promise; it stays in the list with its reason.

    Raises:
        Forbidden: for anybody but the measure's lead and the coordination.
        RuleBroken: without a reason, or when the milestone is not open.
        Conflict: when it was changed since the form was made.
    """
    require(actor, Permission.PLAN_MILESTONES, milestone.measure.scope)
    _hold(milestone)
    rules.check_changeable(milestone.state)
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
        Forbidden: for anybody but the measure's lead and the coordination.
        RuleBroken: for a day in the future, without a statement, or when the milestone is approved or dropped.
        Conflict: when a request is open already, or the milestone was changed since the form was made.
    """
    require(actor, Permission.REQUEST_APPROVAL, milestone.measure.scope)
    _hold(milestone)
    rules.check_requestable(milestone.state)
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
    _ask_for_decision(approval, now)
    return approval


def withdraw_approval(actor: Actor, approval: Approval, *, now: datetime) -> None:
    """Takes a request back; the milestone is open again.

    Raises:
        Forbidden: for anybody but the measure's lead and the coordination.
        Conflict: when it has been decided already.
    """
    milestone = approval.milestone
    require(actor, Permission.REQUEST_APPROVAL, milestone.measure.scope)
    _hold(milestone)
    rules.check_still_open(approval.decision)
    _close(actor, approval, Decision.WITHDRAWN, None, now)
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
    emergencies. Nobody returns a request in one: one's own can be withdrawn.

    Raises:
        Forbidden: for anybody but a head of the measure's unit or of one above it, and for whoever submitted the
            request or edited the milestone last, except in an emergency.
        Conflict: when it has been decided or withdrawn already.
        RuleBroken: on `override_reason` where an emergency lacks it, on `reason` where a return does.
    """
    milestone = approval.milestone
    require(actor, Permission.DECIDE_MILESTONE, milestone.measure.scope)
    _hold(milestone)
    rules.check_still_open(approval.decision)
    may_override = decision == Decision.APPROVED and milestone.measure.programme.emergency_override
    override = Override(may_override, override_reason)
    overridden = rules.check_four_eyes(actor.account_id, involved_ids(milestone), override)
    rules.check_reason(decision, reason)
    _close(actor, approval, decision, reason, now)
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
    _tell_decision(approval, now)


def _decided(approval: Approval) -> Text:
    """The decision as the log says it."""
    title = approval.milestone.title.de
    if approval.decision == Decision.RETURNED:
        return text("Antrag auf Freigabe zurückgegeben: %(title)s", title=title)
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


def _close(actor: Actor, approval: Approval, decision: Decision, reason: str | None, now: datetime) -> None:
    approval.decision = decision
    approval.decided_by_id = actor.account_id
    approval.decided_at = now
    approval.reason = (reason or "").strip() or None


def deciders_of(milestone: Milestone) -> tuple[list[Account], bool]:
    """Whom to ask for the decision, and whether they may decide: the nearest heads whom the four eyes do not stop.

    Where there is none, the coordination is told, so that it can name one: a request never waits unseen.
    """
    nearest = nearest_heads(milestone.measure.unit, heads_by_unit(), without=involved_ids(milestone))
    return (nearest, True) if nearest else (list(list_members(Role.COORDINATOR)), False)


def _ask_for_decision(approval: Approval, now: datetime) -> None:
    accounts, may_decide = deciders_of(approval.milestone)
    for account in accounts:
        _write("approval_requested", approval, account, now, may_decide=may_decide)


def _tell_decision(approval: Approval, now: datetime) -> None:
    """To whoever submitted it and to the lead: one mail each, none about one's own decision."""
    told = {account.id: account for account in (approval.submitted_by, approval.milestone.measure.lead) if account}
    for account in told.values():
        if account.active and account.id != approval.decided_by_id:
            is_approved = approval.decision == Decision.APPROVED
            _write("approval_decided", approval, account, now, is_approved=is_approved)


def _write(kind: str, approval: Approval, account: Account, now: datetime, **content: object) -> None:
    milestone = approval.milestone
    mail.enqueue(
        kind,
        mail.Recipient(account.email, account.name, account.language, account.id),
        {"approval": approval, "milestone": milestone, "planned": milestone.planned, **content},
        now=now,
        once=f"{kind}:{approval.id}:{account.id}",
        is_sample=milestone.is_sample,
    )


def _hold(milestone: Milestone) -> None:
    """Reads the milestone and its requests as they are stored now, and keeps them until the commit.

    One command at a time: otherwise one person could drop what another asks approval for at the same moment.
    """
    query = (
        select(Milestone)
        .where(Milestone.id == milestone.id)
        .options(selectinload(Milestone.approvals))
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
