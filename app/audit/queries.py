"""Reads of the log."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from flask_sqlalchemy.pagination import Pagination
from sqlalchemy import select

from app.audit.models import AuditEvent
from app.core.database import db
from app.core.paging import paginate


def list_for_scope(scope_id: UUID, limit: int = 50) -> Sequence[AuditEvent]:
    """The newest lines of one measure or programme; the caller has checked that the viewer may see it."""
    query = select(AuditEvent).where(AuditEvent.scope_id == scope_id).order_by(AuditEvent.id.desc()).limit(limit)
    return db.session.scalars(query).all()


def list_page(page: int, per_page: int) -> Pagination:
    """One page of the whole log, newest first."""
    query = select(AuditEvent).order_by(AuditEvent.id.desc())
    return paginate(query, page, per_page)
