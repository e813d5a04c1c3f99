"""The list of measures and the page of one measure."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, render_template, request

from app.audit import queries as audit
from app.core import clock
from app.measures import queries as measures
from app.milestones import queries as milestones
from app.organisations.permissions import Permission, allows
from app.organisations.queries import heads_by_unit, nearest_heads
from app.organisations.viewer import current_actor
from app.portfolio import queries
from app.programmes.queries import list_programmes
from app.progress import queries as progress

blueprint = Blueprint("portfolio", __name__, url_prefix="/measures")


@blueprint.get("")
def index() -> str:
    """All measures, or those of one programme."""
    actor = current_actor()
    programmes = list_programmes(actor)
    chosen = next((row for row in programmes if row.key == request.args.get("programme")), None)
    rows = queries.list_rows(actor, chosen.key if chosen else None)
    return render_template("portfolio/index.html", rows=rows, programmes=programmes, chosen=chosen)


@blueprint.get("/<uuid:measure_id>")
def show(measure_id: UUID) -> str:
    """The fact sheet of a measure: what it is, where it stands, what this person may do next."""
    actor = current_actor()
    measure = measures.get_measure(actor, measure_id)
    scope = measure.scope
    may = {permission.value: allows(actor, permission, scope) for permission in Permission}
    return render_template(
        "portfolio/show.html",
        measure=measure,
        may=may,
        heads=nearest_heads(measure.unit, heads_by_unit()),
        offers=queries.offers_for(actor, measure) if may["change_status"] else (),
        events=measures.list_events(measure, clock.today()),
        milestones=milestones.list_for_measure(actor, measure),
        updates=progress.list_for_measure(actor, measure),
        latest=progress.latest_visible(actor, measure),
        obligations=queries.list_obligations(measure),
        log=audit.list_for_scope(measure.id) if may["view_log"] else (),
    )
