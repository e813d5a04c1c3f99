"""Digests as they were sent, and who receives them."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.database import Identified, Model

if TYPE_CHECKING:
    from app.accounts.models import Account
    from app.organisations.models import Organisation
    from app.programmes.models import Programme


class DigestRecipient(Identified, Model):
    """An address at a funder that receives the digest of one programme, in its language."""

    __tablename__ = "digest_recipient"
    __table_args__ = (UniqueConstraint("programme_id", "organisation_id", "email"),)

    programme_id: Mapped[UUID] = mapped_column(ForeignKey("programme.id"))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    email: Mapped[str] = mapped_column(String(320))
    name: Mapped[str] = mapped_column(String(200), default="")
    language: Mapped[str] = mapped_column(String(2), default="de")
    is_sample: Mapped[bool] = mapped_column(default=False)


class Digest(Identified, Model):
    """One digest that left: its span (both days included), the facts it was built from and who sent it.

    Spans of one funder follow each other without gap or overlap, so no fact is lost and none told twice.
    """

    __tablename__ = "digest"
    __table_args__ = (
        UniqueConstraint("programme_id", "organisation_id", "from_on"),
        CheckConstraint("until_on >= from_on", name="span_runs_forward"),
    )

    programme_id: Mapped[UUID] = mapped_column(ForeignKey("programme.id"))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    from_on: Mapped[date]
    until_on: Mapped[date]
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    has_news: Mapped[bool]
    created_at: Mapped[datetime]
    sent_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))
    recipients: Mapped[int]

    programme: Mapped[Programme] = relationship()
    organisation: Mapped[Organisation] = relationship()
    sent_by: Mapped[Account | None] = relationship()
