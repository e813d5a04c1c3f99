"""Files that people attach."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Identified, Model


class Document(Identified, Model):
    """One uploaded file; its bytes lie in VAR_DIR/documents under their SHA-256."""

    __tablename__ = "document"

    filename: Mapped[str] = mapped_column(String(200))
    media_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    uploaded_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))
    uploaded_at: Mapped[datetime]
    is_sample: Mapped[bool] = mapped_column(default=False)
