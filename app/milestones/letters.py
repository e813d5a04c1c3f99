"""The mails about decisions on milestones: who is asked, who hears of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from uuid import UUID

from app.accounts.models import Account
from app.calendars.partial_dates import PartialDate
from app.core.clock import day_of
from app.mail import service as mail
from app.milestones.approval import Decision
from app.milestones.models import Approval, Milestone, MoveRequest
from app.milestones.queries import involved_ids, involved_in_move
from app.organisations.permissions import Role
from app.organisations.queries import list_deciders, list_members
from app.organisations.signature import signature


def deciders_of(
    milestone: Milestone, involved: Collection[UUID | None], today: date
) -> tuple[Sequence[Account], bool]:
    """Whom to ask for a decision on the city day `today`, and whether they may decide: the nearest heads whom the
    four eyes do not stop, and who stands in for those of them who are away.

    Where there is none, the coordination is told, so that it can name one: a request never waits unseen.
    """
    nearest = list_deciders(milestone.measure.unit, involved, today)
    return (nearest, True) if nearest else (list_members(Role.COORDINATOR), False)


def ask_for_approval(approval: Approval, *, now: datetime) -> None:
    """To those who decide."""
    milestone = approval.milestone
    accounts, may_decide = deciders_of(milestone, involved_ids(milestone), day_of(now))
    for account in accounts:
        _about_approval("approval_requested", approval, account, now, may_decide=may_decide)


def tell_about_approval(approval: Approval, *, now: datetime) -> None:
    """To whoever submitted it and to the lead: one mail each, none about one's own decision."""
    is_approved = approval.decision == Decision.APPROVED
    for account in _told(approval.submitted_by, approval):
        _about_approval("approval_decided", approval, account, now, is_approved=is_approved, by=signature(approval))


def ask_for_move(request: MoveRequest, *, now: datetime) -> None:
    """To those who decide."""
    milestone = request.milestone
    accounts, may_decide = deciders_of(milestone, involved_in_move(request), day_of(now))
    for account in accounts:
        _about_move("move_requested", request, milestone.planned, account, now, may_decide=may_decide)


def tell_about_move(request: MoveRequest, planned: PartialDate, *, now: datetime) -> None:
    """To whoever wanted it and to the lead, as with an approval; `planned` is the day before the decision."""
    is_approved = request.decision == Decision.APPROVED
    for account in _told(request.requested_by, request):
        _about_move("move_decided", request, planned, account, now, is_approved=is_approved, by=signature(request))


def _told(asked_by: Account, request: Approval | MoveRequest) -> list[Account]:
    told = {account.id: account for account in (asked_by, request.milestone.measure.lead) if account}
    return [account for account in told.values() if account.active and account.id != request.decided_by_id]


def _about_approval(kind: str, approval: Approval, account: Account, now: datetime, **content: object) -> None:
    content |= {"approval": approval, "planned": approval.milestone.planned}
    _write(kind, approval.id, approval.milestone, account, now, content)


def _about_move(
    kind: str, request: MoveRequest, planned: PartialDate, account: Account, now: datetime, **content: object
) -> None:
    content |= {"wish": request, "planned": planned}
    _write(kind, request.id, request.milestone, account, now, content)


def _write(
    kind: str, request_id: UUID, milestone: Milestone, account: Account, now: datetime, content: dict[str, object]
) -> None:
    mail.enqueue(
        kind,
        mail.Recipient(account.email, account.name, account.language, account.id),
        {"milestone": milestone, **content},
        now=now,
        once=f"{kind}:{request_id}:{account.id}",
        is_sample=milestone.is_sample,
    )
