"""Grants: what was granted, for which measures, and what is owed."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, render_template

from app.grants import queries
from app.organisations.viewer import current_actor
from app.programmes.queries import get_programme

blueprint = Blueprint("grants", __name__)


@blueprint.get("/programmes/<key>/grants")
def index(key: str) -> str:
    """The grants of a programme."""
    programme = get_programme(current_actor(), key)
    return render_template("grants/index.html", programme=programme, grants=queries.list_for_programme(programme))


@blueprint.get("/grants/<uuid:grant_id>")
def show(grant_id: UUID) -> str:
    """One grant with its notice, its measures and its obligations."""
    return render_template("grants/show.html", grant=queries.get_grant(current_actor(), grant_id))
