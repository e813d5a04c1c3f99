"""Grants: what was granted, for which measures, and what is owed."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.core import clock
from app.core.errors import Conflict, DomainError
from app.core.forms import amount_typed
from app.core.i18n import day, local, money, name
from app.grants import queries, service
from app.grants.forms import CreateForm, NoticeForm
from app.grants.models import Grant
from app.measures.models import Measure
from app.measures.queries import list_measures
from app.organisations.permissions import Permission, allows, require
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
        may_record=allows(actor, Permission.RECORD_GRANTS),
    )


@blueprint.get("/grants/<uuid:grant_id>")
def show(grant_id: UUID) -> str:
    """One grant with its notice, its measures and its obligations."""
    actor = current_actor()
    grant = queries.get_grant(actor, grant_id)
    return render_template("grants/show.html", grant=grant, may_record=allows(actor, Permission.RECORD_GRANTS))


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
