"""Grants: what was granted, for which measures, and what is owed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.core import clock
from app.core.errors import Conflict, DomainError
from app.core.forms import amount_typed
from app.core.i18n import day, local, money, name
from app.grants import owed as rules
from app.grants import queries, service
from app.grants.forms import CompleteForm, CreateForm, MoveForm, NoticeForm, ObligationForm, ReopenForm
from app.grants.models import Grant, Obligation
from app.measures.models import Measure
from app.measures.queries import list_measures
from app.organisations.permissions import Actor, Permission, allows, require
from app.organisations.viewer import current_actor
from app.programmes.queries import get_programme

blueprint = Blueprint("grants", __name__)

Answer = Response | str | tuple[str, int]


@blueprint.get("/programmes/<key>/grants")
def index(key: str) -> str:
    """The grants of a programme."""
    actor = current_actor()
    programme = get_programme(actor, key)
    return render_template(
        "grants/index.html",
        programme=programme,
        grants=queries.list_for_programme(programme),
        **_reader(actor),
    )


@blueprint.get("/grants/<uuid:grant_id>")
def show(grant_id: UUID) -> str:
    """One grant with its notice, its measures and its obligations."""
    actor = current_actor()
    grant = queries.get_grant(actor, grant_id)
    return render_template("grants/show.html", grant=grant, **_reader(actor))


@blueprint.route("/programmes/<key>/grants/new", methods=["GET", "POST"])
def create(key: str) -> Answer:
    """The form for a new grant; `?measure=…` ticks one of the measures."""
    actor = current_actor()
    programme = get_programme(actor, key)
    require(actor, Permission.RECORD_GRANTS)
    measures = list_measures(actor, programme.key)
    form = CreateForm(measures=[request.args.get("measure", "")])
    form.offer(_choices(measures))
    status = 200
    if request.method == "POST":
        status = 422
        try:
            if form.validate_on_submit():
                grant = service.create_grant(
                    actor,
                    programme,
                    form.title.data or "",
                    **form.facts(),
                    measures=[measure for measure in measures if measure.id in form.chosen()],
                    now=clock.now(),
                )
                flash(_("Die Zuwendung „%(title)s“ ist angelegt.", title=local(grant.title)), "success")
                return redirect(url_for("grants.show", grant_id=grant.id))
        except DomainError as error:
            form.refuse(error)
            status = error.status
    return render_template("grants/create.html", programme=programme, form=form), status


@blueprint.route("/grants/<uuid:grant_id>/notice", methods=["GET", "POST"])
def record_notice(grant_id: UUID) -> Answer:
    """The form for what the notice says; a lost race shows it again beside what is stored now."""
    actor = current_actor()
    grant = queries.get_grant(actor, grant_id)
    require(actor, Permission.RECORD_GRANTS)
    measures = list_measures(actor, grant.programme.key)
    form = NoticeForm(
        file_number=grant.file_number,
        notice_on=grant.notice_on,
        amount=amount_typed(grant.amount),
        measures=[str(measure.id) for measure in grant.measures],
        seen=service.imprint(grant),
    )
    form.offer(_choices(measures))
    status, stored = 200, None
    if request.method == "POST":
        status = 422
        try:
            if form.validate_on_submit():
                service.record_notice(
                    actor,
                    grant,
                    **form.facts(),
                    measures=[measure for measure in measures if measure.id in form.chosen()],
                    seen=form.seen.data or "",
                    now=clock.now(),
                )
                flash(_("Der Bescheid ist erfasst."), "success")
                return redirect(url_for("grants.show", grant_id=grant.id))
        except Conflict:
            status, stored = 409, _stored(grant)
            form.seen.data = service.imprint(grant)
        except DomainError as error:
            form.refuse(error)
            status = error.status
    return render_template("grants/record_notice.html", grant=grant, form=form, stored=stored), status


@blueprint.route("/grants/<uuid:grant_id>/obligations/new", methods=["GET", "POST"])
def create_obligation(grant_id: UUID) -> Answer:
    """The form for something that the notice obliges to."""
    actor = current_actor()
    grant = queries.get_grant(actor, grant_id)
    require(actor, Permission.RECORD_GRANTS)
    form = ObligationForm()
    status = 200
    if request.method == "POST":
        status = 422
        try:
            if form.validate_on_submit():
                obligation = service.create_obligation(
                    actor,
                    grant,
                    form.title.data or "",
                    form.kind.data,
                    due_on=form.due_on.data,
                    rule=form.rule.data,
                    now=clock.now(),
                )
                flash(_("Die Pflicht „%(title)s“ ist angelegt.", title=local(obligation.title)), "success")
                return redirect(_place(obligation))
        except DomainError as error:
            form.refuse(error)
            status = error.status
    return render_template("grants/create_obligation.html", grant=grant, form=form), status


@blueprint.route("/grants/obligations/<uuid:obligation_id>/move", methods=["GET", "POST"])
def move_obligation(obligation_id: UUID) -> Answer:
    """Sets the due day, or moves it, with a reason."""
    actor = current_actor()
    obligation = _changeable(actor, obligation_id)
    form = MoveForm(seen=service.imprint_of(obligation))

    def save() -> None:
        to_on, reason, seen = form.due_on.data, form.reason.data or "", form.seen.data or ""
        service.move_obligation(actor, obligation, to_on, reason, seen=seen, now=clock.now())

    return _form_page("move_obligation", obligation, form, save, _("Die Frist ist gespeichert."))


@blueprint.route("/grants/obligations/<uuid:obligation_id>/completion", methods=["GET", "POST"])
def complete_obligation(obligation_id: UUID) -> Answer:
    """Records that it is done, and when."""
    actor = current_actor()
    obligation = _changeable(actor, obligation_id)
    form = CompleteForm(seen=service.imprint_of(obligation))

    def save() -> None:
        done_on, note, seen = form.done_on.data, form.note.data, form.seen.data or ""
        service.complete_obligation(actor, obligation, done_on, note=note, seen=seen, now=clock.now())

    message = _("Die Pflicht ist als erledigt eingetragen. An sie wird nicht mehr erinnert.")
    return _form_page("complete_obligation", obligation, form, save, message)


@blueprint.route("/grants/obligations/<uuid:obligation_id>/reopening", methods=["GET", "POST"])
def reopen_obligation(obligation_id: UUID) -> Answer:
    """Takes back that it is done, with a reason."""
    actor = current_actor()
    obligation = queries.get_obligation(actor, obligation_id)
    require(actor, Permission.RECORD_GRANTS)
    if request.method == "GET":
        rules.check_done(obligation.done_on)
    form = ReopenForm(seen=service.imprint_of(obligation))

    def save() -> None:
        reason, seen = form.reason.data or "", form.seen.data or ""
        service.reopen_obligation(actor, obligation, reason, seen=seen, now=clock.now())

    return _form_page("reopen_obligation", obligation, form, save, _("Die Pflicht ist wieder offen."))


def _reader(actor: Actor) -> dict[str, Any]:
    """What the pages of grants ask about whoever reads them, and when."""
    return {
        "may_record": allows(actor, Permission.RECORD_GRANTS),
        "is_internal": allows(actor, Permission.VIEW_INTERNAL),
        "today": clock.today(),
    }


def _changeable(actor: Actor, obligation_id: UUID) -> Obligation:
    """The obligation for a form that changes it; opening the form of what is done says so at once."""
    obligation = queries.get_obligation(actor, obligation_id)
    require(actor, Permission.RECORD_GRANTS)
    if request.method == "GET":
        rules.check_open(obligation.done_on)
    return obligation


def _form_page(
    name: str,
    obligation: Obligation,
    form: MoveForm | CompleteForm | ReopenForm,
    save: Callable[[], None],
    message: str,
) -> Answer:
    """Shows a form, or saves what it holds and says so; a lost race shows it again beside what is stored now."""
    status, stored = 200, None
    if request.method == "POST":
        status = 422
        try:
            if form.validate_on_submit():
                save()
                flash(message, "success")
                return redirect(_place(obligation))
        except Conflict:
            status, stored = 409, _stored_of(obligation)
            form.seen.data = service.imprint_of(obligation)
        except DomainError as error:
            form.refuse(error)
            status = error.status
    return render_template(f"grants/{name}.html", obligation=obligation, form=form, stored=stored), status


def _place(obligation: Obligation) -> str:
    """Where the obligation stands on the page of its grant."""
    return url_for("grants.show", grant_id=obligation.grant_id, _anchor=f"auflage-{obligation.id}")


def _stored_of(obligation: Obligation) -> list[tuple[str, str | None]]:
    """What stands about the obligation now, for whoever typed something else at the same time."""
    return [
        (_("Frist"), day(obligation.due_on) or _("Datum fehlt")),
        (_("Erledigt am"), day(obligation.done_on) or _("noch offen")),
    ]


def _choices(measures: Sequence[Measure]) -> list[tuple[str, str]]:
    return [(str(measure.id), name(measure.name)) for measure in measures]


def _stored(grant: Grant) -> list[tuple[str, str | None]]:
    """What the grant says now, for whoever typed something else at the same time."""
    return [
        (_("Aktenzeichen"), grant.file_number),
        (_("Datum des Bescheids"), day(grant.notice_on)),
        (_("Betrag"), None if grant.amount is None else money(grant.amount)),
        (_("Maßnahmen"), ", ".join(name(measure.name) for measure in grant.measures)),
    ]
