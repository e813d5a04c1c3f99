"""Role sign-in and the clock of the trial. In production these addresses do not exist."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, Flask, abort, current_app, flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from app.accounts.models import Account
from app.accounts.queries import list_trial_roles
from app.accounts.views import begin_session, safe_path
from app.core import clock
from app.core.errors import RuleBroken
from app.core.i18n import day as format_day
from app.core.i18n import local, translate
from app.organisations.permissions import ROLE_NAMES, Role
from app.organisations.queries import actor_for
from app.organisations.viewer import current_actor
from app.trial import service
from app.trial.forms import AdvanceForm

blueprint = Blueprint("trial", __name__, url_prefix="/trial")


def init_app(app: Flask) -> None:
    """Gives every page of a trial its banner, and the sign-in page its role buttons."""
    if not app.config["SETTINGS"].is_trial:
        return

    @app.context_processor
    def banner() -> dict[str, Any]:
        context: dict[str, Any] = {"sandbox": {"today": clock.today()}}
        if request and request.endpoint in ("accounts.sign_in", "accounts.sign_in_with_password"):
            context["trial_accounts"] = trial_buttons()
        return context


def trial_buttons() -> list[dict[str, Any]]:
    """One button for each role account, in the order of the roles' daily work."""
    order = (
        Role.PROJECT_LEAD,
        Role.DEPARTMENT_HEAD,
        Role.COORDINATOR,
        Role.FUNDER,
        Role.AUDITOR,
        Role.ADMINISTRATOR,
    )
    buttons = []
    for account in list_trial_roles():
        role = next((role for role in order if role in actor_for(account, clock.today()).roles), None)
        if role:
            buttons.append((order.index(role), account, role))
    return [
        {"id": account.id, "name": local(account.name), "role_label": translate(ROLE_NAMES[role])}
        for _position, account, role in sorted(buttons, key=lambda button: (button[0], button[1].email))
    ]


@blueprint.before_request
def only_in_trial() -> None:
    """In production nothing here exists."""
    if not current_app.config["SETTINGS"].is_trial:
        abort(404)


@blueprint.post("/sign-in/<uuid:account_id>")
def sign_in(account_id: UUID) -> Response:
    """Signs in as a role account of the sample data."""
    account: Account | None = next((row for row in list_trial_roles() if row.id == account_id), None)
    if account is None:
        abort(404)
    begin_session(account)
    return redirect(safe_path(request.form.get("next")) or url_for("dashboard.home"))


@blueprint.post("/clock")
def advance() -> Response:
    """Moves the sandbox date forward and runs what became due."""
    form = AdvanceForm()
    back = redirect(safe_path(form.next.data) or url_for("dashboard.home"))
    form.validate()
    until = form.target(clock.today())
    if until is None:
        reason = form.until.errors[0] if form.until.errors else _("Bitte wählen Sie ein Datum.")
        flash(reason, "danger")
        return back
    try:
        written = service.advance(current_actor(), until)
    except RuleBroken as error:
        flash(translate(error.message), "danger")
        return back
    mails = ngettext("eine Mail ist entstanden", "%(num)s Mails sind entstanden", written)
    if not written:
        mails = _("keine Mail ist entstanden")
    flash(_("Heute ist jetzt der %(day)s; %(mails)s.", day=format_day(until), mails=mails), "success")
    return back
