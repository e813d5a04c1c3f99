"""Reads of grants."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import selectinload
from sqlalchemy.orm.interfaces import LoaderOption

from app.core.database import db
from app.core.errors import NotFound
from app.core.text import text
from app.grants.models import Grant, Obligation, ObligationMove
from app.organisations.permissions import Actor, Permission, Scope, allows
from app.programmes.models import Programme


def get_grant(viewer: Actor, grant_id: UUID) -> Grant:
    """One grant.

    Raises:
        NotFound: also where the viewer may not see it.
    """
    grant = db.session.get(Grant, grant_id, options=[_obligations()])
    if grant is None or not _is_visible(viewer, grant):
        raise NotFound(text("Diese Zuwendung gibt es nicht, oder sie ist für Sie nicht sichtbar."))
    return grant


def get_obligation(viewer: Actor, obligation_id: UUID) -> Obligation:
    """One obligation.

    Raises:
        NotFound: also where the viewer may not see its grant.
    """
    obligation = db.session.get(Obligation, obligation_id)
    if obligation is None or not _is_visible(viewer, obligation.grant):
        raise NotFound(text("Diese Pflicht gibt es nicht, oder sie ist für Sie nicht sichtbar."))
    return obligation


def list_for_programme(programme: Programme) -> Sequence[Grant]:
    """The grants of a programme; the caller has checked that the viewer may see it."""
    query = (
        select(Grant)
        .where(Grant.programme_id == programme.id)
        .options(selectinload(Grant.measures), _obligations())
        .order_by(Grant.key)
    )
    return db.session.scalars(query).all()


def _is_visible(viewer: Actor, grant: Grant) -> bool:
    return allows(viewer, Permission.VIEW, Scope(funder_ids=grant.programme.funder_ids))


def _obligations() -> LoaderOption:
    """What is owed, with its history."""
    moves = selectinload(Grant.obligations).selectinload(Obligation.moves)
    return moves.joinedload(ObligationMove.moved_by)
