"""Reporting progress, reading a report, deciding about it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, send_file, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.calendars.periods import Period, Rhythm
from app.core import clock
from app.core.errors import Conflict, NotFound, RuleBroken
from app.core.forms import VersionedForm
from app.core.i18n import day, local, translate
from app.core.text import text
from app.documents import service as documents
from app.documents.service import Receipt
from app.measures.models import Measure
from app.measures.queries import get_measure
from app.organisations.permissions import Permission, allows, decides_for, require
from app.organisations.viewer import current_actor
from app.programmes.four_eyes import REASON_FIELD
from app.progress import queries, release, reporting, service
from app.progress.forms import DecisionForm, ReportForm, prefilled_forecasts, report_form
from app.progress.health import HEALTH_MEANINGS, HEALTH_NAMES, Health
from app.progress.models import ProgressUpdate, UpdateState

blueprint = Blueprint("progress", __name__)

Page = Response | str | tuple[str, int]


@blueprint.route("/measures/<uuid:measure_id>/progress/report", methods=["GET", "POST"])
def report(measure_id: UUID) -> Page:
    """The form for a report; it continues the measure's draft where there is one."""
    actor = current_actor()
    measure = get_measure(actor, measure_id)
    require(actor, Permission.REPORT_PROGRESS, measure.scope)
    reporting.check_reportable(measure.category)
    draft = queries.find_draft(measure)
    form = _form_for(measure, draft)
    if request.method == "GET":
        return _report_page(measure, draft, form, [])
    is_valid = form.validate_on_submit()
    receipts = _take_in_files(form)
    is_submitted = request.form.get("action") == "submit"
    if is_submitted:
        _name_gaps(form)
    if form.errors or not is_valid:
        return _report_page(measure, draft, form, receipts), 422
    try:
        update = _keep(measure, draft, form, receipts, is_submitted)
    except Conflict as error:
        return _overtaken_page(measure, form, receipts, error), 409
    except RuleBroken as error:
        form.refuse(error)
        return _report_page(measure, draft, form, receipts), 422
    if is_submitted:
        flash(_("Der Sachstand ist eingereicht und wartet auf die Freigabe."), "success")
        return redirect(url_for("progress.show", update_id=update.id))
    flash(_("Der Entwurf ist gespeichert. Eingereicht ist er noch nicht."), "success")
    return redirect(url_for("progress.report", measure_id=measure.id))


@blueprint.get("/progress/<uuid:update_id>")
def show(update_id: UUID) -> str:
    """One report with all it says, and for those who decide the decision."""
    update = queries.get_update(current_actor(), update_id)
    return _show_page(update, _decision_form(update, formdata=None, data={"version": update.version}))


@blueprint.post("/progress/<uuid:update_id>")
def decide(update_id: UUID) -> Page:
    """Releases a report or gives it back."""
    actor = current_actor()
    update = queries.get_update(actor, update_id)
    require(actor, Permission.RELEASE_PROGRESS, update.measure.scope)
    decision = request.form.get("decision")
    form = _decision_form(update, is_return=decision == UpdateState.RETURNED)
    override_reason = form.override_reason.data if REASON_FIELD in form else None
    try:
        if not form.validate_on_submit():
            return _show_page(update, form), 422
        if decision == UpdateState.RELEASED:
            service.release_update(
                actor, update, now=clock.now(), seen_version=form.seen_version, override_reason=override_reason
            )
            flash(_("Der Sachstand ist freigegeben. Die Fördermittelgeber können ihn jetzt lesen."), "success")
        elif decision == UpdateState.RETURNED:
            service.return_update(actor, update, form.reason.data, now=clock.now(), seen_version=form.seen_version)
            flash(_("Der Sachstand ist zurückgegeben. Die Projektleitung bekommt Ihre Begründung."), "success")
        else:
            raise RuleBroken(text("Bitte wählen Sie: freigeben oder zurückgeben."))
    except Conflict as error:
        form.version.data = str(update.version)
        return _show_page(update, form, overtaken=error), 409
    except RuleBroken as error:
        form.refuse(error)
        return _show_page(update, form), 422
    return redirect(url_for("progress.show", update_id=update.id))


@blueprint.post("/progress/<uuid:update_id>/discard")
def discard(update_id: UUID) -> Page:
    """Throws a draft away."""
    actor = current_actor()
    update = queries.get_update(actor, update_id)
    form = VersionedForm()
    try:
        service.discard_draft(actor, update, now=clock.now(), seen_version=form.seen_version)
    except Conflict as error:
        unsent = _decision_form(update, formdata=None, data={"version": update.version})
        return _show_page(update, unsent, overtaken=error), 409
    flash(_("Der Entwurf ist verworfen."), "success")
    return redirect(url_for("portfolio.show", measure_id=update.measure_id))


@blueprint.get("/progress/<uuid:update_id>/attachments/<uuid:document_id>")
def attachment(update_id: UUID, document_id: UUID) -> Response:
    """A file of a report, to be saved."""
    update = queries.get_update(current_actor(), update_id)
    document = next((row for row in update.attachments if row.id == document_id), None)
    if document is None:
        raise NotFound(text("Diese Datei gibt es nicht."))
    return send_file(
        documents.open_bytes(document),
        mimetype=document.media_type,
        as_attachment=True,
        download_name=document.filename,
    )


def _form_for(measure: Measure, draft: ProgressUpdate | None) -> ReportForm:
    reported = queries.reported_periods([measure.id])[measure.id]
    offered = queries.offered_periods(measure, clock.today())
    milestones = [milestone for milestone in measure.milestones if not milestone.is_settled]
    days = {milestone.id: milestone.forecast_on for milestone in milestones if milestone.forecast_on}
    if draft is None:
        latest = queries.latest_visible(current_actor(), measure)
        data: dict[str, Any] = {
            "period": _suggested_period(measure, offered, reported),
            "percent": latest.percent if latest else None,
        }
    else:
        days |= {forecast.milestone_id: forecast.forecast_on for forecast in draft.forecasts}
        names = "period", "health", "health_reason", "decision_wanted", "percent", "done", "next_steps", "risks"
        data = {name: getattr(draft, name) for name in names}
        data |= {"draft": str(draft.id), "version": str(draft.version)}
    return report_form(
        periods=_period_choices(offered, draft, reported),
        milestones=[
            (milestone.id, local(milestone.title), _("geplant: %(day)s", day=day(milestone.planned)))
            for milestone in milestones
        ],
        attachments=[(str(document.id), document.filename) for document in draft.attachments] if draft else [],
        data=data | prefilled_forecasts(days),
    )


def _suggested_period(measure: Measure, offered: Sequence[Period], reported: Collection[str]) -> str:
    """The period a reminder links to, else the one that is owed longest."""
    asked_for = request.args.get("period")
    if any(period.key == asked_for for period in offered):
        return str(asked_for)
    owed = queries.owed_periods(measure, clock.today(), reported)
    return reporting.suggested_period(clock.today(), Rhythm(measure.programme.update_rhythm), owed).key


def _period_choices(
    offered: Sequence[Period], draft: ProgressUpdate | None, reported: Collection[str]
) -> list[tuple[str, str]]:
    periods = {period.key: period for period in offered}
    if draft:
        periods.setdefault(draft.period, draft.reporting_period)
    return [
        (key, _("%(period)s (schon gemeldet)", period=_label(period)) if key in reported else _label(period))
        for key, period in periods.items()
    ]


def _label(period: Period) -> str:
    return translate(period.label())


def _keep(
    measure: Measure, draft: ProgressUpdate | None, form: ReportForm, receipts: list[Receipt], is_submitted: bool
) -> ProgressUpdate:
    command = service.submit_update if is_submitted else service.save_draft
    return command(
        current_actor(),
        measure,
        form.report(),
        now=clock.now(),
        seen_version=_seen_version(form, draft),
        receipts=receipts,
        removed_ids=form.removed_ids,
    )


def _take_in_files(form: ReportForm) -> list[Receipt]:
    """Keeps every file that is allowed, so that the form shown again still has it; names the others on the field."""
    receipts = documents.take_in((), request.form.getlist("receipts"))
    for file in request.files.getlist("files"):
        try:
            receipts += documents.take_in([file])
        except RuleBroken as error:
            form.refuse(error)
    return list(dict.fromkeys(receipts))


def _name_gaps(form: ReportForm) -> None:
    """All that is missing at once, beside what is wrong: nobody wants to learn it piece by piece."""
    if form.period.errors:
        return
    for broken in reporting.missing(form.report()):
        if broken.field and not form[broken.field].errors:
            form.refuse(broken)


def _seen_version(form: ReportForm, draft: ProgressUpdate | None) -> int | None:
    """The version of this very draft: another one begun since may carry the same number."""
    if draft is not None and form.draft.data != str(draft.id):
        return None
    return form.seen_version


def _report_page(
    measure: Measure, draft: ProgressUpdate | None, form: ReportForm, receipts: list[Receipt], **more: Any
) -> str:
    return render_template(
        "progress/report.html",
        measure=measure,
        draft=draft,
        form=form,
        receipts=receipts,
        latest=queries.latest_visible(current_actor(), measure),
        returned=queries.find_returned(measure),
        meanings=HEALTH_MEANINGS,
        **more,
    )


def _overtaken_page(measure: Measure, form: ReportForm, receipts: list[Receipt], error: Conflict) -> str:
    """The form with what was typed, beside what is stored now; saving again overwrites that knowingly."""
    draft = queries.find_draft(measure)
    form.draft.data = str(draft.id) if draft else ""
    form.version.data = str(draft.version) if draft else ""
    form.removed.choices = [(str(document.id), document.filename) for document in draft.attachments] if draft else []
    return _report_page(measure, draft, form, receipts, overtaken=error, stored=_stored(form, draft))


def _stored(form: ReportForm, draft: ProgressUpdate | None) -> list[tuple[str, str]]:
    if draft is None:
        return []
    values = {
        form.period: _label(draft.reporting_period),
        form.health: translate(HEALTH_NAMES[Health(draft.health)]) if draft.health else "",
        form.health_reason: draft.health_reason,
        form.decision_wanted: draft.decision_wanted,
        form.percent: "" if draft.percent is None else str(draft.percent),
        form.done: draft.done,
        form.next_steps: draft.next_steps,
        form.risks: draft.risks,
    }
    author = [(_("Gespeichert von"), local(draft.author.name))] if draft.author else []
    return author + [(str(field.label.text), value or "") for field, value in values.items()]


def _decision_form(update: ProgressUpdate, is_return: bool = False, **values: Any) -> DecisionForm:
    """The form of a decision; with the reason of an emergency only for whom the programme lets pass by four eyes."""
    form = DecisionForm(**values)
    actor, measure = current_actor(), update.measure
    in_place_of, allows_override = decides_for(actor, measure.scope), measure.programme.emergency_override
    is_emergency = release.is_emergency(actor.account_id, update.author_id, in_place_of, allows_override)
    if is_return or not is_emergency:
        del form.override_reason
    return form


def _show_page(update: ProgressUpdate, form: DecisionForm, overtaken: Conflict | None = None) -> str:
    actor = current_actor()
    is_open = update.state == UpdateState.SUBMITTED
    may_decide = is_open and allows(actor, Permission.RELEASE_PROGRESS, update.measure.scope)
    why_not = release.why_stopped(actor.account_id, update.author_id, decides_for(actor, update.measure.scope))
    is_emergency = may_decide and REASON_FIELD in form
    return render_template(
        "progress/show.html",
        update=update,
        measure=update.measure,
        form=form,
        overtaken=overtaken,
        may_decide=may_decide and (is_emergency or why_not is None),
        is_emergency=is_emergency,
        why_not_decide=why_not if may_decide and not is_emergency else None,
        may_report=allows(actor, Permission.REPORT_PROGRESS, update.measure.scope),
        sees_internal=allows(actor, Permission.VIEW_INTERNAL, update.measure.scope),
    )
