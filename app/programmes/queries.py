"""Reads of programmes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time

from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from app.core.database import db
from app.core.errors import NotFound
from app.core.text import text
from app.organisations.permissions import Actor, Permission, Scope, allows
from app.programmes.models import Programme, ProgrammeFunder


def list_programmes(viewer: Actor) -> Sequence[Programme]:
    """The programmes the viewer may see, by key."""
    query = (
        select(Programme)
        .options(selectinload(Programme.funders).joinedload(ProgrammeFunder.organisation))
        .order_by(Programme.key)
    )
    return [row for row in db.session.scalars(query) if _may_see(viewer, row)]


def get_programme(viewer: Actor, key: str) -> Programme:
    """One programme.

    Raises:
        NotFound: also where the viewer may not see it.
    """
    programme = db.session.scalar(select(Programme).where(Programme.key == key))
    if programme is None or not _may_see(viewer, programme):
        raise NotFound(text("Dieses Programm gibt es nicht, oder es ist für Sie nicht sichtbar."))
    return programme


def _may_see(viewer: Actor, programme: Programme) -> bool:
    return allows(viewer, Permission.VIEW, Scope(funder_ids=programme.funder_ids))


def latest_send_time() -> time | None:
    """The latest local time at which any programme sends, None without programmes."""
    return db.session.scalar(select(func.max(Programme.send_time)))
