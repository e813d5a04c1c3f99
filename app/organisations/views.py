"""The people page of the administration."""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.accounts import queries as accounts
from app.accounts.models import Account
from app.core import clock
from app.core.errors import DomainError, NotFound
from app.core.i18n import local, translate
from app.core.text import text
from app.organisations import queries, service
from app.organisations.forms import PersonForm, RoleForm
from app.organisations.models import OrganisationKind
from app.organisations.permissions import ROLE_NAMES, Permission, Role, require
from app.organisations.viewer import current_actor

blueprint = Blueprint("organisations", __name__)


@blueprint.get("/people")
def people() -> str:
    """Everybody with access, and their roles."""
    require(current_actor(), Permission.MANAGE_ACCOUNTS)
    return render_template("organisations/people.html", people=queries.list_people(), role_names=ROLE_NAMES)


@blueprint.route("/people/new", methods=["GET", "POST"])
def add_person() -> Response | str | tuple[str, int]:
    """The form for somebody new."""
    actor = current_actor()
    require(actor, Permission.MANAGE_ACCOUNTS)
    form = _with_choices(PersonForm())
    if request.method == "GET":
        return render_template("organisations/add_person.html", form=form)
    try:
        if form.validate_on_submit():
            account = service.add_person(
                actor,
                form.email.data or "",
                form.name.data or "",
                Role(form.role.data),
                now=clock.now(),
                unit_id=_chosen(form.unit.data),
                organisation_id=_chosen(form.organisation.data),
            )
            flash(
                _("%(email)s hat einen Link zum Setzen des Passworts bekommen.", email=account.email),
                "success",
            )
            return redirect(url_for("organisations.people"))
    except DomainError as error:
        form.refuse(error)
    return render_template("organisations/add_person.html", form=form), 422


@blueprint.route("/people/<uuid:account_id>/roles", methods=["GET", "POST"])
def add_role(account_id: UUID) -> Response | str | tuple[str, int]:
    """One more role for a person."""
    actor = current_actor()
    require(actor, Permission.MANAGE_ACCOUNTS)
    account = _get_account(account_id)
    form = _with_choices(RoleForm())
    if request.method == "GET":
        return render_template("organisations/add_role.html", form=form, account=account)
    try:
        if form.validate_on_submit():
            service.add_role(
                actor,
                account,
                Role(form.role.data),
                now=clock.now(),
                unit_id=_chosen(form.unit.data),
                organisation_id=_chosen(form.organisation.data),
            )
            flash(_("Die Rolle ist vergeben."), "success")
            return redirect(url_for("organisations.people"))
    except DomainError as error:
        form.refuse(error)
    return render_template("organisations/add_role.html", form=form, account=account), 422


@blueprint.post("/people/roles/<uuid:membership_id>/removal")
def remove_role(membership_id: UUID) -> Response:
    """Takes a role away."""
    actor = current_actor()
    require(actor, Permission.MANAGE_ACCOUNTS)
    service.remove_role(actor, queries.get_membership(membership_id), now=clock.now())
    flash(_("Die Rolle ist entzogen."), "success")
    return redirect(url_for("organisations.people"))


@blueprint.post("/people/<uuid:account_id>/invitation")
def invite(account_id: UUID) -> Response:
    """Sends a new password link."""
    account = _get_account(account_id)
    service.invite(current_actor(), account, now=clock.now())
    flash(_("%(email)s hat einen Link zum Setzen des Passworts bekommen.", email=account.email), "success")
    return redirect(url_for("organisations.people"))


@blueprint.post("/people/<uuid:account_id>/access")
def set_access(account_id: UUID) -> Response:
    """Closes an account or opens it again."""
    account = _get_account(account_id)
    service.set_active(current_actor(), account, not account.active, now=clock.now())
    flash(_("Das Konto ist geöffnet.") if account.active else _("Das Konto ist gesperrt."), "success")
    return redirect(url_for("organisations.people"))


def _get_account(account_id: UUID) -> Account:
    require(current_actor(), Permission.MANAGE_ACCOUNTS)
    account = accounts.find_any(account_id)
    if account is None:
        raise NotFound(text("Dieses Konto gibt es nicht."))
    return account


def _chosen(value: str | None) -> UUID | None:
    return UUID(value) if value else None


FormWithRole = TypeVar("FormWithRole", bound=RoleForm)


def _with_choices(form: FormWithRole) -> FormWithRole:
    nothing = ("", _("– keine –"))
    units = [(str(unit.id), local(unit.name)) for unit in queries.list_units()]
    funders = [(str(funder.id), local(funder.name)) for funder in queries.list_organisations(OrganisationKind.FUNDER)]
    form.role.choices = [
        ("", _("Bitte wählen")),
        *((role.value, translate(ROLE_NAMES[role])) for role in Role),
    ]
    form.unit.choices = [nothing, *units]
    form.organisation.choices = [nothing, *funders]
    return form
