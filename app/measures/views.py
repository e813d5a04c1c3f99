"""Pages that change a measure: the steps of its workflow, its details, and who is responsible."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, send_file, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from app.core import clock
from app.core.errors import Conflict, Forbidden, RuleBroken
from app.core.forms import VersionedForm, amount_typed
from app.core.i18n import local, name, translate
from app.documents import service as documents
from app.documents.service import Receipt
from app.measures import migration, queries, service
from app.measures.details import PREDECESSORS, RESPONSIBILITY, read_kept
from app.measures.forms import StatusForm, TransitionForm, assignment_form, details_form, form_for, migration_form
from app.measures.models import Measure
from app.organisations.permissions import Permission, Role, require
from app.organisations.queries import list_members, list_units
from app.organisations.viewer import current_actor
from app.programmes import queries as programmes

blueprint = Blueprint("measures", __name__, url_prefix="/measures")

Answer = Response | str | tuple[str, int]


@blueprint.route("/<uuid:measure_id>/status/<transition_key>", methods=["GET", "POST"])
def change_status(measure_id: UUID, transition_key: str) -> Answer:
    """One step of the workflow: what it means, what it needs, and the button."""
    actor = current_actor()
    measure = queries.get_measure(actor, measure_id)
    require(actor, Permission.VIEW_INTERNAL, measure.scope)  # who may not take the step reads here why
    try:
        transition = service.get_transition(measure, transition_key)
    except Conflict as error:
        if request.method == "POST":
            raise
        flash(translate(error.message), "info")  # an old address: the page of the measure says how it stands now
        return redirect(url_for("portfolio.show", measure_id=measure.id))
    offer = queries.offer_of(actor, measure, transition, clock.now())
    form = form_for(measure, queries.person_in(actor, measure), offer)
    receipts, refusals = _take_in(form)
    status, conflict, unmet = 200, None, offer.unmet
    if request.method == "POST":
        is_valid = form.validate_on_submit()
        given = replace(form.given(), evidence=len(receipts))
        unmet = service.unmet(actor, measure, transition, given, now=clock.now())
        status = 403 if any(condition.is_forbidden for condition in unmet) else 422
        for refusal in refusals:
            form.refuse(refusal)
        try:
            if is_valid and not refusals:
                seen = form.seen_version
                service.change_status(
                    actor, measure, transition_key, given=given, evidence=receipts, seen_version=seen, now=clock.now()
                )
                flash(_status_sentence(measure), "success")
                return redirect(url_for("portfolio.show", measure_id=measure.id))
        except Conflict as error:
            status, conflict = 409, error
        except (Forbidden, RuleBroken) as error:
            if not unmet:
                form.refuse(error)
        if status != 409:
            form.name_unmet(unmet)
    if status in (200, 409):
        form.version.data = str(measure.version)  # a mistake must not hide that somebody else saved
    page = render_template(
        "measures/change_status.html",
        form=form,
        measure=measure,
        conflict=conflict,
        transition=transition,
        target=measure.workflow.rules.statuses[transition.target],
        blocking=[condition for condition in unmet if condition.input_field is None],
        receipts=receipts,
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
    nobody = ("", _("– noch niemand –"))
    form = assignment_form(
        {
            "lead": ([nobody, *((key, local(row.name)) for key, row in leads.items())], str(measure.lead_id or "")),
            "unit": ([nobody, *((key, local(row.name)) for key, row in units.items())], str(measure.unit_id or "")),
        },
        {key: queries.access_of(actor, measure, key) for key in RESPONSIBILITY},
        measure.workflow.rules.labels,
    )

    def save() -> str:
        lead = leads.get(form["lead"].data) if "lead" in form else measure.lead
        unit = units.get(form["unit"].data) if "unit" in form else measure.unit
        service.assign(actor, measure, lead=lead, unit=unit, seen_version=form.seen_version, now=clock.now())
        return str(_("Die Zuständigkeit ist gespeichert."))

    return _answer("measures/assign.html", form, measure, save, hidden=queries.hidden_fields(actor, measure))


@blueprint.route("/<uuid:measure_id>/edit", methods=["GET", "POST"])
def edit(measure_id: UUID) -> Answer:
    """The details of a measure, as far as this person may see and change them in its present status."""
    actor = current_actor()
    measure = queries.get_measure(actor, measure_id)
    require(actor, Permission.EDIT_MEASURE, measure.scope)
    details = queries.details_of(actor, measure)
    others = {str(one.id): one for one in queries.list_others(actor, measure)}
    areas = {str(area.id): area for area in measure.programme.focus_areas}
    form = details_form(
        details,
        _known(measure),
        measure.record,
        areas=[("", _("– keiner –")), *((key, local(area.name)) for key, area in areas.items())],
        others=[(key, name(one.name)) for key, one in others.items()],
    )

    def save() -> str:
        changes = form.changes()
        if "focus_area" in changes:
            changes["focus_area"] = areas.get(changes["focus_area"] or "")
        if PREDECESSORS in changes:
            changes[PREDECESSORS] = [others[key] for key in changes[PREDECESSORS]]
        service.edit_measure(actor, measure, changes, seen_version=form.seen_version, now=clock.now())
        return str(_("Die Angaben sind gespeichert."))

    return _answer("measures/edit.html", form, measure, save, details=details, read_kept=read_kept)


def _known(measure: Measure) -> dict[str, Any]:
    """What is stored, as the form is filled with it."""
    return {
        "title": measure.title.de if measure.title else None,
        "summary": measure.summary.de if measure.summary else None,
        "field": measure.field.de if measure.field else None,
        "focus_area": str(measure.focus_area_id or ""),
        "partners": "\n".join(partner["de"] for partner in measure.partners),
        "starts": measure.starts,
        "ends": measure.ends,
        "total_cost": amount_typed(measure.total_cost),
        "grant_amount": amount_typed(measure.grant_amount),
        PREDECESSORS: [str(one.id) for one in measure.predecessors],
    }


@blueprint.get("/<uuid:measure_id>/evidence/<uuid:document_id>")
def evidence(measure_id: UUID, document_id: UUID) -> Response:
    """A file that was handed in with a step, to save."""
    document = queries.get_evidence(current_actor(), measure_id, document_id)
    response = send_file(
        documents.open_bytes(document),
        mimetype=document.media_type,
        as_attachment=True,
        download_name=document.filename,
        etag=document.sha256,
    )
    response.cache_control.private = True
    return response


@blueprint.route("/migration/<key>/<int:version>", methods=["GET", "POST"])
def migrate(key: str, version: int) -> Answer:
    """Moves the measures of a programme to a newer version of its workflow: choose, look at each, then do it."""
    actor = current_actor()
    programme = programmes.get_programme(actor, key)
    require(actor, Permission.EDIT_WORKFLOWS)
    target = programmes.get_version(programme, version)
    measures = queries.list_to_migrate(programme)
    in_use = migration.in_use(queries.versions_of(programme), version, queries.standings(measures))
    form = migration_form(in_use, target.rules.statuses.values())
    plan = queries.migration_plan(measures, target, form.mapped if request.method == "POST" else ())
    status, conflict, is_shown = 200, None, False
    if request.method == "POST":
        is_shown = form.validate_on_submit()
        status = 200 if is_shown and not plan.is_blocked else 422
    if status == 200 and form.seen.data:
        try:
            note, seen = form.note.data or "", form.seen.data
            done = service.migrate_measures(actor, target, form.mapped, note=note, seen=seen, now=clock.now())
            flash(_migrated(len(done.moving), version), "success")
            return redirect(url_for("portfolio.index", programme=programme.key))
        except Conflict as error:
            status, conflict = 409, error
            measures = queries.list_to_migrate(programme)
            plan = queries.migration_plan(measures, target, form.mapped)
    page = render_template(
        "measures/migrate.html",
        programme=programme,
        target=target,
        counts=queries.measure_counts(programme),
        form=form,
        plan=plan,
        is_shown=is_shown,
        conflict=conflict,
        measures={measure.id: measure for measure in measures},
        fingerprint=migration.fingerprint(plan),
    )
    return page, status


def _migrated(n: int, version: int) -> str:
    return str(
        ngettext(
            "%(num)s Maßnahme folgt jetzt Version %(version)s des Ablaufs.",
            "%(num)s Maßnahmen folgen jetzt Version %(version)s des Ablaufs.",
            n,
            version=version,
        )
    )


def _take_in(form: TransitionForm) -> tuple[list[Receipt], list[RuleBroken]]:
    """The files that were accepted, those of an earlier try first, and a refusal for each other."""
    if "files" not in form or request.method != "POST":
        return [], []
    receipts = documents.take_in((), request.form.getlist("receipts"))
    refusals: list[RuleBroken] = []
    for file in request.files.getlist("files"):
        try:
            receipts.extend(documents.take_in([file]))
        except RuleBroken as error:
            refusals.append(error)
    return list(dict.fromkeys(receipts)), refusals


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
