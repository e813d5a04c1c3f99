"""Pages that change a measure: the steps of its workflow, and who is responsible."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.core import clock
from app.core.errors import Conflict, RuleBroken
from app.core.forms import VersionedForm
from app.core.i18n import local
from app.documents import service as documents
from app.documents.service import Receipt
from app.measures import queries, service
from app.measures.forms import AssignmentForm, StatusForm, TransitionForm, form_for
from app.measures.models import Measure
from app.organisations.permissions import Permission, Role, require
from app.organisations.queries import list_members, list_units
from app.organisations.viewer import current_actor
from app.programmes import workflow
from app.programmes.four_eyes import REASON_FIELD

blueprint = Blueprint("measures", __name__, url_prefix="/measures")

Answer = Response | str | tuple[str, int]


@blueprint.route("/<uuid:measure_id>/status/<transition_key>", methods=["GET", "POST"])
def change_status(measure_id: UUID, transition_key: str) -> Answer:
    """One step of the workflow: what it means, what it needs, and the button."""
    actor = current_actor()
    measure = queries.get_measure(actor, measure_id)
    require(actor, Permission.CHANGE_STATUS, measure.scope)
    transition = service.get_transition(measure, transition_key)
    rules = measure.workflow.rules
    person = queries.person_in(actor, measure)
    facts = queries.transition_facts(measure, clock.today())
    offer = workflow.offer(rules, transition, person, facts)
    asked = {key: rules.fields[key] for key in rules.asked(transition, person.roles)}
    is_emergency = any(condition.input_field == REASON_FIELD for condition in offer.unmet)
    form = form_for(transition, asked, measure.record, is_emergency=is_emergency)
    receipts, refusal = _take_in(form)

    def save() -> str:
        if refusal is not None:
            raise refusal
        service.change_status(
            actor,
            measure,
            transition_key,
            given=form.given(),
            evidence=receipts,
            seen_version=form.seen_version,
            now=clock.now(),
        )
        return _status_sentence(measure)

    return _answer(
        "measures/change_status.html",
        form,
        measure,
        save,
        transition=transition,
        target=rules.statuses[transition.target],
        blocking=[condition for condition in offer.unmet if condition.input_field is None],
        receipts=receipts,
    )


@blueprint.route("/<uuid:measure_id>/status", methods=["GET", "POST"])
def record_status(measure_id: UUID) -> Answer:
    """Where a measure stands whose status is not known yet."""
    actor = current_actor()
    measure = queries.get_measure(actor, measure_id)
    require(actor, Permission.ASSIGN_PEOPLE, measure.scope)
    form = StatusForm()
    statuses = measure.workflow.rules.statuses.values()
    form.status.choices = [("", _("Bitte wählen")), *((row.key, local(row.label)) for row in statuses)]

    def save() -> str:
        note = form.note.data or ""
        seen = form.seen_version
        service.record_status(actor, measure, form.status.data, note=note, seen_version=seen, now=clock.now())
        return _status_sentence(measure)

    return _answer("measures/record_status.html", form, measure, save)


@blueprint.route("/<uuid:measure_id>/assignment", methods=["GET", "POST"])
def assign(measure_id: UUID) -> Answer:
    """Lead and unit of a measure."""
    actor = current_actor()
    measure = queries.get_measure(actor, measure_id)
    require(actor, Permission.ASSIGN_PEOPLE, measure.scope)
    present = [measure.lead] if measure.lead else []  # offered also when the account is closed: saving drops nobody
    leads = {str(account.id): account for account in [*present, *list_members(Role.PROJECT_LEAD)]}
    units = {str(unit.id): unit for unit in list_units()}
    form = AssignmentForm(lead=str(measure.lead_id or ""), unit=str(measure.unit_id or ""))
    nobody = ("", _("– noch niemand –"))
    form.lead.choices = [nobody, *((key, local(account.name)) for key, account in leads.items())]
    form.unit.choices = [nobody, *((key, local(unit.name)) for key, unit in units.items())]

    def save() -> str:
        lead, unit = leads.get(form.lead.data or ""), units.get(form.unit.data or "")
        service.assign(actor, measure, lead=lead, unit=unit, seen_version=form.seen_version, now=clock.now())
        return str(_("Die Zuständigkeit ist gespeichert."))

    return _answer("measures/assign.html", form, measure, save)


def _take_in(form: TransitionForm) -> tuple[list[Receipt], RuleBroken | None]:
    """The files that came with the form, and what is wrong with one of them."""
    if "files" not in form or request.method != "POST":
        return [], None
    tokens = request.form.getlist("receipts")
    try:
        return documents.take_in(request.files.getlist("files"), tokens), None
    except RuleBroken as error:
        return documents.take_in((), tokens), error


def _answer(template: str, form: VersionedForm, measure: Measure, save: Callable[[], str], **shown: Any) -> Answer:
    """The empty form; or what `save` did, said on the page of the measure; or the form again with what is wrong."""
    status, conflict = 200, None
    if request.method == "POST":
        status = 422
        try:
            if form.validate_on_submit():
                flash(save(), "success")
                return redirect(url_for("portfolio.show", measure_id=measure.id))
        except Conflict as error:
            status, conflict = 409, error
        except RuleBroken as error:
            form.refuse(error)
    if status != 422:
        form.version.data = str(measure.version)  # a mistake must not hide that somebody else saved
    return render_template(template, form=form, measure=measure, conflict=conflict, **shown), status


def _status_sentence(measure: Measure) -> str:
    status = measure.current_status
    return str(_("Der Status ist jetzt „%(status)s“.", status=local(status.label) if status else ""))
