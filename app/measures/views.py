"""Pages that change a measure: the steps of its workflow, and who is responsible."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.core import clock
from app.core.errors import Conflict, DomainError, Forbidden
from app.core.i18n import local
from app.core.text import text
from app.measures import queries, service
from app.measures.forms import AssignmentForm, StatusForm, form_for
from app.measures.models import Measure
from app.organisations.permissions import Permission, Role, require, roles_in
from app.organisations.queries import list_members, list_units
from app.organisations.viewer import current_actor
from app.programmes import workflow

blueprint = Blueprint("measures", __name__, url_prefix="/measures")

Answer = Response | str | tuple[str, int]


@blueprint.route("/<uuid:measure_id>/status/<transition_key>", methods=["GET", "POST"])
def change_status(measure_id: UUID, transition_key: str) -> Answer:
    """One step of the workflow: what it means, what it needs, and the button."""
    actor = current_actor()
    measure = queries.get_measure(actor, measure_id)
    require(actor, Permission.CHANGE_STATUS, measure.scope)
    transition = service.get_transition(measure, transition_key)
    roles = roles_in(actor, measure.scope)
    if not roles & transition.roles:
        raise Forbidden(text("Ihre Rolle darf diesen Schritt nicht ausführen."))
    rules = measure.workflow.rules
    form = form_for(transition, rules)
    status, conflict = 200, None
    if request.method == "POST":
        status = 422
        try:
            if form.validate_on_submit():
                service.change_status(
                    actor,
                    measure,
                    transition_key,
                    note=form.note.data or "",
                    record=form.record(),
                    seen_version=form.seen_version,
                    now=clock.now(),
                )
                flash(_("Der Status ist jetzt „%(status)s“.", status=_label(measure)), "success")
                return redirect(url_for("portfolio.show", measure_id=measure.id))
        except Conflict as error:
            status, conflict = 409, error
        except DomainError as error:
            error.field = form.field_named(error.field)
            form.refuse(error)
    if request.method == "GET" or conflict:
        form.version.data = str(measure.version)  # a mistake must not hide that somebody else saved
    unmet = workflow.check(rules, transition, roles, queries.transition_facts(measure), "", measure.record)
    blocking = [condition for condition in unmet if condition.input_field is None]
    page = render_template(
        "measures/change_status.html",
        measure=measure,
        transition=transition,
        target=rules.statuses[transition.target],
        form=form,
        blocking=blocking,
        conflict=conflict,
        guards=[workflow.GUARD_NAMES[guard.name] for guard in transition.guards],
    )
    return page, status


@blueprint.route("/<uuid:measure_id>/status", methods=["GET", "POST"])
def record_status(measure_id: UUID) -> Answer:
    """Where a measure stands whose status is not known yet."""
    actor = current_actor()
    measure = queries.get_measure(actor, measure_id)
    require(actor, Permission.ASSIGN_PEOPLE, measure.scope)
    form = StatusForm()
    statuses = measure.workflow.rules.statuses.values()
    form.status.choices = [("", _("Bitte wählen")), *((row.key, local(row.label)) for row in statuses)]
    status, conflict = 200, None
    if request.method == "POST":
        status = 422
        try:
            if form.validate_on_submit():
                service.record_status(
                    actor,
                    measure,
                    form.status.data,
                    note=form.note.data or "",
                    seen_version=form.seen_version,
                    now=clock.now(),
                )
                flash(_("Der Status ist jetzt „%(status)s“.", status=_label(measure)), "success")
                return redirect(url_for("portfolio.show", measure_id=measure.id))
        except Conflict as error:
            status, conflict = 409, error
        except DomainError as error:
            form.refuse(error)
    if request.method == "GET" or conflict:
        form.version.data = str(measure.version)  # a mistake must not hide that somebody else saved
    return render_template("measures/record_status.html", measure=measure, form=form, conflict=conflict), status


@blueprint.route("/<uuid:measure_id>/assignment", methods=["GET", "POST"])
def assign(measure_id: UUID) -> Answer:
    """Lead and unit of a measure."""
    actor = current_actor()
    measure = queries.get_measure(actor, measure_id)
    require(actor, Permission.ASSIGN_PEOPLE, measure.scope)
    leads = {str(account.id): account for account in list_members(Role.PROJECT_LEAD)}
    units = {str(unit.id): unit for unit in list_units()}
    form = AssignmentForm(lead=str(measure.lead_id or ""), unit=str(measure.unit_id or ""))
    nobody = ("", _("– noch niemand –"))
    form.lead.choices = [nobody, *((key, local(account.name)) for key, account in leads.items())]
    form.unit.choices = [nobody, *((key, local(unit.name)) for key, unit in units.items())]
    status, conflict = 200, None
    if request.method == "POST":
        status = 422
        try:
            if form.validate_on_submit():
                service.assign(
                    actor,
                    measure,
                    lead=leads.get(form.lead.data or ""),
                    unit=units.get(form.unit.data or ""),
                    seen_version=form.seen_version,
                    now=clock.now(),
                )
                flash(_("Die Zuständigkeit ist gespeichert."), "success")
                return redirect(url_for("portfolio.show", measure_id=measure.id))
        except Conflict as error:
            status, conflict = 409, error
        except DomainError as error:
            form.refuse(error)
    if request.method == "GET" or conflict:
        form.version.data = str(measure.version)  # a mistake must not hide that somebody else saved
    return render_template("measures/assign.html", measure=measure, form=form, conflict=conflict), status


def _label(measure: Measure) -> str:
    current = measure.current_status
    return local(current.label) if current else ""
