"""Lines of the log. They are written once; the database refuses to change or delete them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Model
from app.core.text import Text


class AuditEvent(Model):
    """One change. The key counts up, so that lines of one instant keep their order."""

    __tablename__ = "audit_event"
    __table_args__ = (Index(None, "scope_id", "id"), Index(None, "subject_id"))

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    at: Mapped[datetime]
    actor_id: Mapped[UUID | None]
    actor_name: Mapped[str] = mapped_column(String(200))
    what: Mapped[str] = mapped_column(String(300))
    what_params: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    subject_kind: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[UUID]
    scope_id: Mapped[UUID | None]
    changes: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    reason: Mapped[str | None]
    is_sample: Mapped[bool] = mapped_column(default=False)

    @property
    def sentence(self) -> Text:
        """What happened, in the reader's language."""
        return Text(self.what, self.what_params)
