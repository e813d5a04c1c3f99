"""The list of measures and the page of one measure."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from flask import Blueprint, render_template, request

from app.accounts.queries import find_account
from app.core import clock
from app.core.errors import NotFound
from app.core.text import text
from app.measures import queries as measures
from app.measures.details import read_kept
from app.milestones import queries as milestones
from app.organisations.permissions import Actor, Permission, Role, allows, require
from app.organisations.queries import actor_for, list_staff
from app.organisations.viewer import current_actor
from app.portfolio import queries
from app.portfolio.ways import able, ways_to
from app.programmes.queries import list_programmes
from app.progress import queries as progress

blueprint = Blueprint("portfolio", __name__, url_prefix="/measures")

ASKING_ROLES = (Role.COORDINATOR, Role.ADMINISTRATOR, Role.AUDITOR)
"""Who may ask what somebody else can do; the others ask for themselves."""


@blueprint.get("")
def index() -> str:
    """All measures, or those of one programme."""
    actor = current_actor()
    programmes = list_programmes(actor)
    chosen = next((row for row in programmes if row.key == request.args.get("programme")), None)
    rows = queries.list_rows(actor, chosen.key if chosen else None)
    return render_template(
        "portfolio/index.html",
        rows=rows,
        programmes=programmes,
        chosen=chosen,
        is_staff=allows(actor, Permission.VIEW_INTERNAL),
    )


@blueprint.get("/<uuid:measure_id>")
def show(measure_id: UUID) -> str:
    """The fact sheet of a measure: what it is, where it stands, what this person may do next."""
    actor = current_actor()
    measure = measures.get_measure(actor, measure_id)
    scope = measure.scope
    may = {permission.value: allows(actor, permission, scope) for permission in Permission}
    holders = queries.role_holders(actor, measure)
    return render_template(
        "portfolio/show.html",
        measure=measure,
        may=may,
        heads=holders[Role.DEPARTMENT_HEAD],
        hidden=measures.hidden_fields(actor, measure),
        record_fields=measures.known_fields(measure.programme),
        read_kept=read_kept,
        predecessors=measures.list_predecessors(actor, measure),
        waiting=measures.list_waiting(actor, measure),
        status_changes=measures.list_status_changes(actor, measure),
        offers=measures.offers_for(actor, measure, clock.now()) if may["change_status"] else (),
        ways=partial(ways_to, actor, measure),
        able=partial(able, holders, actor.account_id),
        events=measures.list_events(measure, clock.today()),
        milestones=milestones.list_for_measure(actor, measure),
        updates=progress.list_for_measure(actor, measure),
        latest=progress.latest_visible(actor, measure),
        obligations=queries.list_obligations(measure),
        log=queries.list_log(actor, measure),
    )


@blueprint.get("/<uuid:measure_id>/why")
def why_not(measure_id: UUID) -> str:
    """Every way out of the measure's status for one person, with all its conditions, met or not."""
    actor = current_actor()
    measure = measures.get_measure(actor, measure_id)
    require(actor, Permission.VIEW_INTERNAL, measure.scope)
    may_ask = actor.has(*ASKING_ROLES)
    asked = request.args.get("person") if may_ask else None
    person = _other_person(asked) if asked else actor
    return render_template(
        "portfolio/why_not.html",
        measure=measure,
        reader=person,
        is_oneself=person.account_id == actor.account_id,
        people=list_staff() if may_ask else (),
        offers=measures.offers_for(person, measure, clock.now()),
        may_record_status=allows(actor, Permission.ASSIGN_PEOPLE, measure.scope),
        ways=partial(ways_to, actor, measure),
        able=partial(able, queries.role_holders(actor, measure), person.account_id),
    )


def _other_person(account_id: str) -> Actor:
    account = find_account(account_id)
    if account is None:
        raise NotFound(text("Diese Person gibt es nicht, oder sie hat keinen Zugang mehr."))
    return actor_for(account, clock.today())
