"""What each programme asks for: funders, workflow, reminder steps and rhythms."""

from __future__ import annotations

from flask import Blueprint, render_template

from app.organisations.permissions import ROLE_NAMES, Permission, allows
from app.organisations.viewer import current_actor
from app.programmes import queries
from app.programmes.workflow import CATEGORY_NAMES, GUARD_NAMES

blueprint = Blueprint("programmes", __name__, url_prefix="/programmes")


@blueprint.get("")
def index() -> str:
    """The programmes."""
    return render_template("programmes/index.html", programmes=queries.list_programmes(current_actor()))


@blueprint.get("/<key>")
def show(key: str) -> str:
    """One programme with its workflow as a table."""
    actor = current_actor()
    programme = queries.get_programme(actor, key)
    return render_template(
        "programmes/show.html",
        programme=programme,
        workflow=programme.workflows[-1] if programme.workflows else None,
        role_names=ROLE_NAMES,
        guard_names=GUARD_NAMES,
        category_names=CATEGORY_NAMES,
        is_internal=allows(actor, Permission.VIEW_INTERNAL),
    )
