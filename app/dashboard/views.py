"""The start page of every role."""

from __future__ import annotations

from flask import Blueprint, render_template

from app.core import clock
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
    rows = portfolio.list_rows(actor)
    own = [row for row in rows if actor.account_id == row.measure.lead_id] if actor.has(Role.PROJECT_LEAD) else []
    coming = deadlines.list_for_viewer(actor, clock.today(), HORIZON_DAYS)
    if actor.has(Role.PROJECT_LEAD, Role.DEPARTMENT_HEAD) and not actor.has(Role.COORDINATOR):
        coming = [deadline for deadline in coming if deadline.is_of(actor.account_id)]
    return render_template(
        "dashboard/home.html",
        own=own,
        rows=rows if not own else (),
        approvals=milestones.list_awaiting_decision(actor),
        releases=progress.list_awaiting_release(actor),
        sees_deadlines=allows(actor, Permission.VIEW_INTERNAL),
        dated=[deadline for deadline in coming if deadline.due_on],
        undated=[deadline for deadline in coming if not deadline.due_on],
        mail_server=mail.server_state() if allows(actor, Permission.VIEW_OPERATIONS) else None,
    )
