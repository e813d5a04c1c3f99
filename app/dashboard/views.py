"""The start page of every role."""

from __future__ import annotations

from flask import Blueprint, render_template

from app.core import clock
from app.core.heartbeat import take_pulses
from app.deadlines import queries as deadlines
from app.mail import queries as mail
from app.milestones import queries as milestones
from app.organisations.permissions import Permission, Role, allows
from app.organisations.viewer import current_actor
from app.portfolio import queries as portfolio
from app.progress import queries as progress

blueprint = Blueprint("dashboard", __name__)
HORIZON_DAYS = 45


@blueprint.get("/")
def home() -> str:
    """What waits for this person, oldest first; then what comes."""
    actor = current_actor()
    may_operate = allows(actor, Permission.OPERATE)
    rows = portfolio.list_rows(actor)
    led = actor.stands_in_for | ({actor.account_id} if actor.has(Role.PROJECT_LEAD) else set())
    own = [row for row in rows if row.measure.lead_id in led and row.measure.lead_id]
    coming = deadlines.list_for_viewer(actor, clock.today(), HORIZON_DAYS)
    if actor.has(Role.PROJECT_LEAD, Role.DEPARTMENT_HEAD) and not actor.has(Role.COORDINATOR):
        people = {actor.account_id, *actor.stands_in_for}
        coming = [deadline for deadline in coming if any(map(deadline.is_of, people))]
    return render_template(
        "dashboard/home.html",
        own=own,
        rows=rows if not own else (),
        approvals=milestones.list_awaiting_decision(actor),
        moves=milestones.list_moves_awaiting(actor),
        releases=progress.list_awaiting_release(actor),
        sees_deadlines=allows(actor, Permission.VIEW_INTERNAL),
        dated=[deadline for deadline in coming if deadline.due_on],
        undated=[deadline for deadline in coming if not deadline.due_on],
        late_jobs=[pulse for pulse in take_pulses(clock.wall_now()) if pulse.is_late] if may_operate else [],
        mail_server=mail.server_state() if allows(actor, Permission.VIEW_OPERATIONS) else None,
    )
