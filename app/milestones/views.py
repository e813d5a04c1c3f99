"""Pages of a milestone: read it, plan and change it, ask for its approval, decide."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, send_file, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.core import clock
from app.core.errors import Conflict, DomainError, RuleBroken
from app.core.forms import Form, VersionedForm
from app.core.i18n import day, local, readable, translate
from app.documents import service as documents
from app.documents.service import Receipt
from app.measures import queries as measures
from app.milestones import approval as rules
from app.milestones import queries, service
from app.milestones.approval import Decision, MilestoneState
from app.milestones.forms import DecisionForm, DropForm, EditForm, MoveForm, PlanForm, RequestForm
from app.milestones.models import Approval, Milestone
from app.milestones.queries import Reading
from app.organisations.permissions import Actor, Permission, require
from app.organisations.viewer import current_actor
from app.programmes.four_eyes import REASON_FIELD

blueprint = Blueprint("milestones", __name__)

Answer = Response | str | tuple[str, int]

SHOWN_IN_THE_BROWSER = frozenset({"application/pdf", "image/png", "image/jpeg"})
EVIDENCE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
"""Files of strangers get no script, no network and no origin. (Browsers style their picture page inline.)"""


@blueprint.app_template_global("read_milestone")
def read_milestone(viewer: Actor, milestone: Milestone) -> Reading:
    """A milestone as the viewer may read it today, for the tables of every page."""
    return queries.reading_for(viewer, milestone, clock.today())


@blueprint.get("/milestones/<uuid:milestone_id>")
def show(milestone_id: UUID) -> str:
    """Everything about one milestone."""
    actor = current_actor()
    milestone = queries.get_milestone(actor, milestone_id)
    return render_template(
        "milestones/show.html",
        milestone=milestone,
        measure=milestone.measure,
        reading=read_milestone(actor, milestone),
        requests=queries.list_requests(actor, milestone),
        moves=milestone.moves,
    )


@blueprint.route("/measures/<uuid:measure_id>/milestones/new", methods=["GET", "POST"])
def plan(measure_id: UUID) -> Answer:
    """The form for a new milestone."""
    actor = current_actor()
    measure = measures.get_measure(actor, measure_id)
    require(actor, Permission.PLAN_MILESTONES, measure.scope)
    form = PlanForm()
    status = 200
    if request.method == "POST":
        status = 422
        try:
            if form.validate_on_submit():
                milestone = service.plan_milestone(
                    actor,
                    measure,
                    form.title.data or "",
                    form.planned_on.data,
                    description=form.description.data,
                    now=clock.now(),
                )
                flash(_("Der Meilenstein „%(title)s“ ist geplant.", title=local(milestone.title)), "success")
                return redirect(url_for("milestones.show", milestone_id=milestone.id))
        except DomainError as error:
            form.refuse(error)
            status = error.status
    return render_template("milestones/plan.html", measure=measure, form=form), status


@blueprint.route("/milestones/<uuid:milestone_id>/edit", methods=["GET", "POST"])
def edit(milestone_id: UUID) -> Answer:
    """Title and description."""
    actor = current_actor()
    milestone = _changeable(actor, milestone_id)
    form = EditForm(
        title=milestone.title.de,
        description=milestone.description.de if milestone.description else None,
        version=milestone.version,
    )

    def save() -> None:
        title, description, seen = form.title.data or "", form.description.data, form.seen_version
        service.edit_milestone(actor, milestone, title, description, seen_version=seen, now=clock.now())

    return _form_page("edit", milestone, form, save, _("Der Meilenstein ist gespeichert."))


@blueprint.route("/milestones/<uuid:milestone_id>/move", methods=["GET", "POST"])
def move(milestone_id: UUID) -> Answer:
    """Another planned day, and why."""
    actor = current_actor()
    milestone = _changeable(actor, milestone_id)
    form = MoveForm(version=milestone.version)

    def save() -> None:
        to_on, reason, seen = form.planned_on.data, form.reason.data or "", form.seen_version
        service.move_milestone(actor, milestone, to_on, reason, seen_version=seen, now=clock.now())

    message = _("Der Plan-Termin ist verschoben.")
    return _form_page("move", milestone, form, save, message, planned=milestone.planned)


@blueprint.route("/milestones/<uuid:milestone_id>/drop", methods=["GET", "POST"])
def drop(milestone_id: UUID) -> Answer:
    """Gives a milestone up, with a reason."""
    actor = current_actor()
    milestone = _changeable(actor, milestone_id)
    form = DropForm(version=milestone.version)

    def save() -> None:
        reason, seen = form.reason.data or "", form.seen_version
        service.drop_milestone(actor, milestone, reason, seen_version=seen, now=clock.now())

    return _form_page("drop", milestone, form, save, _("Der Meilenstein entfällt."))


@blueprint.route("/milestones/<uuid:milestone_id>/approval", methods=["GET", "POST"])
def request_approval(milestone_id: UUID) -> Answer:
    """Asks for the approval: when it was reached, what was reached, evidence."""
    actor = current_actor()
    milestone = queries.get_milestone(actor, milestone_id)
    require(actor, Permission.REQUEST_APPROVAL, milestone.measure.scope)
    if request.method == "GET":
        rules.check_requestable(milestone.state)
    form = RequestForm(version=milestone.version)
    receipts, refusals = _take_in(form)

    def save() -> None:
        actual_on, statement, seen = form.actual_on.data, form.statement.data or "", form.seen_version
        service.request_approval(actor, milestone, actual_on, statement, receipts, seen_version=seen, now=clock.now())

    message = _("Die Freigabe ist beantragt. Wer entscheidet, bekommt eine E-Mail.")
    return _form_page("request_approval", milestone, form, save, message, refusals, receipts=receipts)


@blueprint.route("/milestones/<uuid:milestone_id>/decision", methods=["GET", "POST"])
def decide(milestone_id: UUID) -> Answer:
    """The request with its evidence, and two buttons."""
    actor = current_actor()
    milestone = queries.get_milestone(actor, milestone_id)
    require(actor, Permission.DECIDE_MILESTONE, milestone.measure.scope)
    form = DecisionForm()
    if not milestone.measure.programme.emergency_override:
        del form.override_reason
    if request.method == "POST":
        return _decided(actor, milestone, form)
    waiting = milestone.open_approval
    if waiting is None:
        flash(_("Für diesen Meilenstein wartet kein Antrag auf eine Entscheidung."), "info")
        return redirect(url_for("milestones.show", milestone_id=milestone.id))
    if not _fit(form, actor, milestone):
        rules.check_four_eyes(actor.account_id, queries.involved_ids(milestone))
    form.approval.data = str(waiting.id)
    return _decision_page(actor, milestone, waiting, form)


def _fit(form: DecisionForm, actor: Actor, milestone: Milestone) -> bool:
    """Takes out the reason of an emergency where the waiting request needs none of this person, and where it does
    that of a return, which is no emergency; whether it does.

    Only then: on the page for whoever comes second the form still holds what they typed.
    """
    is_emergency = queries.actions_for(actor, milestone).approve_in_emergency
    unneeded = "reason" if is_emergency else REASON_FIELD
    if unneeded in form:
        del form[unneeded]
    return is_emergency


def _decided(actor: Actor, milestone: Milestone, form: DecisionForm) -> Answer:
    try:
        approval = _request_read(milestone, form.approval.data)
        is_emergency = _fit(form, actor, milestone)
        if is_emergency and form.decision.data == Decision.RETURNED:
            rules.check_four_eyes(actor.account_id, queries.involved_ids(milestone))
        if not form.validate_on_submit():
            return _decision_page(actor, milestone, approval, form), 422
        decision = Decision(form.decision.data or "")
        service.decide_approval(
            actor,
            approval,
            decision,
            reason=None if is_emergency else form.reason.data,
            override_reason=form.override_reason.data if is_emergency else None,
            now=clock.now(),
        )
    except Conflict as error:
        return _too_late(error, milestone, form)
    except RuleBroken as error:
        form.refuse(error)
        return _decision_page(actor, milestone, approval, form), 422
    if decision is Decision.APPROVED:
        return _saved(milestone, _("Der Meilenstein ist freigegeben. Die Projektleitung bekommt eine E-Mail."))
    return _saved(milestone, _("Der Antrag ist zurückgegeben. Die Projektleitung bekommt eine E-Mail."))


@blueprint.post("/milestones/approvals/<uuid:approval_id>/withdrawal")
def withdraw(approval_id: UUID) -> Answer:
    """Takes a request back."""
    actor = current_actor()
    approval = queries.get_approval(actor, approval_id)
    try:
        service.withdraw_approval(actor, approval, now=clock.now())
    except Conflict as error:
        return _too_late(error, approval.milestone)
    return _saved(approval.milestone, _("Der Antrag ist zurückgezogen. Der Meilenstein ist wieder offen."))


@blueprint.get("/milestones/approvals/<uuid:approval_id>/evidence/<uuid:document_id>")
def evidence(approval_id: UUID, document_id: UUID) -> Response:
    """A file that was handed in: pictures and PDF in the browser, anything else to save."""
    document = queries.get_evidence(current_actor(), approval_id, document_id)
    response = send_file(
        documents.open_bytes(document),
        mimetype=document.media_type,
        as_attachment=document.media_type not in SHOWN_IN_THE_BROWSER,
        download_name=document.filename,
        etag=document.sha256,
    )
    response.headers["Content-Security-Policy"] = EVIDENCE_POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.cache_control.private = True
    return response


def _changeable(actor: Actor, milestone_id: UUID) -> Milestone:
    """The milestone for a form that changes it; opening the form of what cannot change says so at once."""
    milestone = queries.get_milestone(actor, milestone_id)
    require(actor, Permission.PLAN_MILESTONES, milestone.measure.scope)
    if request.method == "GET":
        rules.check_changeable(milestone.state)
    return milestone


def _form_page(
    name: str,
    milestone: Milestone,
    form: VersionedForm,
    save: Callable[[], None],
    message: str,
    refusals: Sequence[RuleBroken] = (),
    **values: object,
) -> Answer:
    """Shows a form, or saves what it holds and says so; a lost race shows it again beside what is stored now."""
    status, stored = 200, None
    if request.method == "POST":
        status = 422
        try:
            valid = form.validate_on_submit()
            for refusal in refusals:
                form.refuse(refusal)
            if valid and not refusals:
                save()
                return _saved(milestone, message)
        except Conflict as error:
            if milestone.state is MilestoneState.IN_APPROVAL:
                return _too_late(error, milestone, form)
            status, stored = 409, _stored(milestone)
            form.version.data = str(milestone.version)
        except DomainError as error:
            form.refuse(error)
    return _page(name, milestone, form=form, stored=stored, **values), status


def _page(name: str, milestone: Milestone, **values: object) -> str:
    return render_template(f"milestones/{name}.html", milestone=milestone, measure=milestone.measure, **values)


def _decision_page(actor: Actor, milestone: Milestone, approval: Approval, form: DecisionForm) -> str:
    earlier = [row for row in queries.list_requests(actor, milestone) if row.decision is not None]
    reading = read_milestone(actor, milestone)
    return _page("decide", milestone, approval=approval, earlier=earlier, reading=reading, form=form)


def _saved(milestone: Milestone, message: str) -> Response:
    flash(message, "success")
    return redirect(url_for("milestones.show", milestone_id=milestone.id))


def _stored(milestone: Milestone) -> Sequence[tuple[str, str | None]]:
    """What is stored now, for whoever typed something else."""
    return (
        (_("Titel"), local(milestone.title)),
        (_("Beschreibung"), local(milestone.description) or None),
        (_("Plan-Termin"), day(milestone.planned)),
    )


def _request_read(milestone: Milestone, approval_id: str | None) -> Approval:
    """The request the person has read; one that came later must be read before it is decided."""
    for approval in milestone.approvals:
        if str(approval.id) == approval_id:
            rules.check_still_open(approval.decision)
            return approval
    raise Conflict(rules.GONE)


def _too_late(error: Conflict, milestone: Milestone, form: Form | None = None) -> tuple[str, int]:
    """The page for whoever comes second, with what they typed."""
    names = ("actual_on", "statement", "reason", REASON_FIELD)
    kept = [field for field in form or () if field.name in names and field.data]
    page = render_template(
        "errors/conflict.html",
        code=409,
        message=translate(error.message),
        typed=[(field.label.text, readable(field.data)) for field in kept] + _chosen_files(),
        back=url_for("milestones.show", milestone_id=milestone.id),
    )
    return page, 409


def _chosen_files() -> list[tuple[str, str]]:
    names = [file.filename for file in request.files.getlist("files") if file.filename]
    return [(_("Dateien, bitte bei Bedarf noch einmal wählen"), ", ".join(names))] if names else []


def _take_in(form: RequestForm) -> tuple[list[Receipt], list[RuleBroken]]:
    """The files that were accepted, those of an earlier try first, and a refusal for each other."""
    receipts = documents.take_in((), request.form.getlist("receipts"))
    refusals: list[RuleBroken] = []
    for file in form.files.data or ():
        try:
            receipts.extend(documents.take_in([file]))
        except RuleBroken as error:
            refusals.append(error)
    return list(dict.fromkeys(receipts)), refusals
