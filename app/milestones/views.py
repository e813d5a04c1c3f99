"""Pages of a milestone: read it, plan and change it, ask for its approval, decide."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, send_file, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.accounts.models import Account
from app.core import clock
from app.core.errors import Conflict, DomainError, RuleBroken
from app.core.forms import Form, VersionedForm
from app.core.i18n import day, local, readable, translate
from app.documents import service as documents
from app.documents.service import Receipt
from app.measures import queries as measures
from app.milestones import approval as rules
from app.milestones import letters, queries, service
from app.milestones.approval import Decision, MilestoneState
from app.milestones.forms import (
    AnswerForm,
    DecisionForm,
    DropForm,
    EditForm,
    MoveDecisionForm,
    MoveForm,
    PlanForm,
    RequestForm,
)
from app.milestones.models import Approval, Milestone, MoveRequest
from app.milestones.queries import Reading
from app.organisations.permissions import Actor, Permission, decides_for, require
from app.organisations.viewer import current_actor
from app.programmes.four_eyes import REASON_FIELD

blueprint = Blueprint("milestones", __name__)

Answer = Response | str | tuple[str, int]
Row = TypeVar("Row", Approval, MoveRequest)

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
    reading = read_milestone(actor, milestone)
    deciders: Sequence[Account] = ()
    if reading.open_move:
        involved = queries.involved_in_move(reading.open_move)
        accounts, may_decide = letters.deciders_of(milestone, involved, clock.today())
        deciders = accounts if may_decide else ()
    return render_template(
        "milestones/show.html",
        milestone=milestone,
        measure=milestone.measure,
        reading=reading,
        requests=queries.list_requests(actor, milestone),
        wishes=queries.list_move_requests(actor, milestone),
        deciders=deciders,
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
                    funder_relevant=form.funder_relevant.data,
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
    """Title, description, and whether the funder was promised it."""
    actor = current_actor()
    milestone = _changeable(actor, milestone_id)
    form = EditForm(
        title=milestone.title.de,
        description=milestone.description.de if milestone.description else None,
        funder_relevant=milestone.funder_relevant,
        version=milestone.version,
    )
    if milestone.funder_relevant and not queries.may_unmark(actor):
        del form.funder_relevant

    def save() -> None:
        service.edit_milestone(
            actor,
            milestone,
            form.title.data or "",
            form.description.data,
            funder_relevant=form.funder_relevant.data if "funder_relevant" in form else None,
            seen_version=form.seen_version,
            now=clock.now(),
        )

    return _form_page("edit", milestone, form, save, _("Der Meilenstein ist gespeichert."))


@blueprint.route("/milestones/<uuid:milestone_id>/move", methods=["GET", "POST"])
def move(milestone_id: UUID) -> Answer:
    """Another planned day, and why; where the funder was promised the old one, the head is asked."""
    actor = current_actor()
    milestone = _changeable(actor, milestone_id, is_about_the_day=True)
    form = MoveForm(version=milestone.version)

    def save() -> None:
        to_on, reason, seen = form.planned_on.data, form.reason.data or "", form.seen_version
        service.move_milestone(actor, milestone, to_on, reason, seen_version=seen, now=clock.now())

    message = _("Der Plan-Termin ist verschoben.")
    if milestone.funder_relevant:
        message = _("Die Verschiebung ist beantragt. Bis zur Entscheidung gilt der bisherige Plan-Termin.")
    return _form_page("move", milestone, form, save, message, planned=milestone.planned)


@blueprint.route("/milestones/<uuid:milestone_id>/drop", methods=["GET", "POST"])
def drop(milestone_id: UUID) -> Answer:
    """Gives a milestone up, with a reason."""
    actor = current_actor()
    milestone = _changeable(actor, milestone_id, is_about_the_day=True)
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
        rules.check_no_open_move(queries.find_open_move(milestone) is not None)
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
        return _decided(
            actor,
            milestone,
            form,
            queries.involved_ids(milestone),
            read=lambda: _request_read(milestone.approvals, form.approval.data),
            save=service.decide_approval,
            page=lambda approval: _decision_page(actor, milestone, approval, form),
            messages={
                Decision.APPROVED: _("Der Meilenstein ist freigegeben. Die Projektleitung bekommt eine E-Mail."),
                Decision.RETURNED: _("Der Antrag ist zurückgegeben. Die Projektleitung bekommt eine E-Mail."),
            },
        )
    waiting = milestone.open_approval
    if waiting is None:
        return _nothing_waits(milestone)
    if not _fit(form, actor, milestone):
        _check_four_eyes(actor, milestone, queries.involved_ids(milestone))
    form.approval.data = str(waiting.id)
    return _decision_page(actor, milestone, waiting, form)


@blueprint.route("/milestones/<uuid:milestone_id>/move/decision", methods=["GET", "POST"])
def decide_move(milestone_id: UUID) -> Answer:
    """The wish to move what the funder was promised: old day, new day, why, and two buttons."""
    actor = current_actor()
    milestone = queries.get_milestone(actor, milestone_id)
    require(actor, Permission.DECIDE_MILESTONE, milestone.measure.scope)
    form = MoveDecisionForm()
    if not milestone.measure.programme.emergency_override:
        del form.override_reason
    waiting = queries.find_open_move(milestone)
    if request.method == "POST":
        return _decided(
            actor,
            milestone,
            form,
            queries.involved_in_move(waiting) if waiting else (),
            read=lambda: _request_read(milestone.move_requests, form.wish.data),
            save=service.decide_move,
            page=lambda wish: _move_page(actor, milestone, wish, form),
            messages={
                Decision.APPROVED: _("Die Verschiebung ist freigegeben. Der neue Plan-Termin gilt."),
                Decision.RETURNED: _("Der Antrag ist zurückgegeben. Der bisherige Plan-Termin gilt weiter."),
            },
        )
    if waiting is None:
        return _nothing_waits(milestone)
    if not _fit(form, actor, milestone):
        _check_four_eyes(actor, milestone, queries.involved_in_move(waiting))
    form.wish.data = str(waiting.id)
    return _move_page(actor, milestone, waiting, form)


def _nothing_waits(milestone: Milestone) -> Response:
    flash(_("Für diesen Meilenstein wartet kein Antrag auf eine Entscheidung."), "info")
    return redirect(url_for("milestones.show", milestone_id=milestone.id))


def _check_four_eyes(actor: Actor, milestone: Milestone, involved: Collection[UUID | None]) -> None:
    in_place_of = decides_for(actor, milestone.measure.scope)
    rules.check_four_eyes(actor.account_id, involved, in_place_of=in_place_of)


def _fit(form: AnswerForm, actor: Actor, milestone: Milestone) -> bool:
    """Takes out the reason of an emergency where the waiting request needs none of this person, and where it does
    that of a return, which is no emergency; whether it does.

    Only then: on the page for whoever comes second the form still holds what they typed.
    """
    is_emergency = queries.actions_for(actor, milestone).approve_in_emergency
    unneeded = "reason" if is_emergency else REASON_FIELD
    if unneeded in form:
        del form[unneeded]
    return is_emergency


def _decided(
    actor: Actor,
    milestone: Milestone,
    form: AnswerForm,
    involved: Collection[UUID | None],
    *,
    read: Callable[[], Row],
    save: Callable[..., None],
    page: Callable[[Row], str],
    messages: Mapping[Decision, str],
) -> Answer:
    """Decides the request that was `read`, of either kind, and says so."""
    try:
        waiting = read()
        is_emergency = _fit(form, actor, milestone)
        if is_emergency and form.decision.data == Decision.RETURNED:
            _check_four_eyes(actor, milestone, involved)
        if not form.validate_on_submit():
            return page(waiting), 422
        decision = Decision(form.decision.data or "")
        save(
            actor,
            waiting,
            decision,
            reason=None if is_emergency else form.reason.data,
            override_reason=form.override_reason.data if is_emergency else None,
            now=clock.now(),
        )
    except Conflict as error:
        return _too_late(error, milestone, form)
    except RuleBroken as error:
        form.refuse(error)
        return page(waiting), 422
    return _saved(milestone, messages[decision])


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


@blueprint.post("/milestones/move-requests/<uuid:move_request_id>/withdrawal")
def withdraw_move(move_request_id: UUID) -> Answer:
    """Takes the wish to move back."""
    actor = current_actor()
    wish = queries.get_move_request(actor, move_request_id)
    try:
        service.withdraw_move(actor, wish, now=clock.now())
    except Conflict as error:
        return _too_late(error, wish.milestone)
    return _saved(wish.milestone, _("Der Antrag ist zurückgezogen. Der bisherige Plan-Termin gilt weiter."))


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


def _changeable(actor: Actor, milestone_id: UUID, *, is_about_the_day: bool = False) -> Milestone:
    """The milestone for a form that changes it; opening the form of what cannot change says so at once.

    While a move waits for its decision the words may change, the day and what depends on it may not.
    """
    milestone = queries.get_milestone(actor, milestone_id)
    require(actor, Permission.PLAN_MILESTONES, milestone.measure.scope)
    if request.method == "GET":
        rules.check_changeable(milestone.state)
        rules.check_no_open_move(is_about_the_day and queries.find_open_move(milestone) is not None)
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


def _move_page(actor: Actor, milestone: Milestone, wish: MoveRequest, form: MoveDecisionForm) -> str:
    earlier = [row for row in queries.list_move_requests(actor, milestone) if row.decision is not None]
    reading = read_milestone(actor, milestone)
    return _page("decide_move", milestone, wish=wish, earlier=earlier, reading=reading, form=form)


def _saved(milestone: Milestone, message: str) -> Response:
    flash(message, "success")
    return redirect(url_for("milestones.show", milestone_id=milestone.id))


def _stored(milestone: Milestone) -> Sequence[tuple[str, str | None]]:
    """What is stored now, for whoever typed something else."""
    return (
        (_("Titel"), local(milestone.title)),
        (_("Beschreibung"), local(milestone.description) or None),
        (_("Plan-Termin"), day(milestone.planned)),
        (_("Dem Fördermittelgeber zugesagt"), _("ja") if milestone.funder_relevant else _("nein")),
    )


def _request_read(requests: Sequence[Row], request_id: str | None) -> Row:
    """The request the person has read; one that came later must be read before it is decided."""
    for row in requests:
        if str(row.id) == request_id:
            rules.check_still_open(row.decision)
            return row
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
