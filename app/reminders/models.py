"""The ledger of reminders and the days already swept."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.database import Identified, Model

if TYPE_CHECKING:
    from app.accounts.models import Account
    from app.mail.models import Mail


class ReminderEntry(Identified, Model):
    """One decided reminder. The unique key is what makes every sweep idempotent."""

    __tablename__ = "reminder_entry"
    __table_args__ = (
        Index(None, "decided_on"),
        UniqueConstraint("subject", "due_version", "step", "recipient_id", name="uq_reminder_entry_once"),
        CheckConstraint("(outcome = 'mailed') = (mail_id IS NOT NULL)", name="mailed_means_mail"),
    )

    programme_id: Mapped[UUID] = mapped_column(ForeignKey("programme.id"))
    subject: Mapped[str] = mapped_column(String(120))
    due_version: Mapped[int]
    step: Mapped[str] = mapped_column(String(60))
    recipient_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    due_on: Mapped[date]
    decided_on: Mapped[date]
    outcome: Mapped[str] = mapped_column(String(10))
    mail_id: Mapped[UUID | None] = mapped_column(ForeignKey("mail.id"))

    recipient: Mapped[Account] = relationship()
    mail: Mapped[Mail | None] = relationship()


class ReminderRun(Identified, Model):
    """A programme's day that has been swept."""

    __tablename__ = "reminder_run"
    __table_args__ = (UniqueConstraint("programme_id", "day"),)

    programme_id: Mapped[UUID] = mapped_column(ForeignKey("programme.id"))
    day: Mapped[date]
    ran_at: Mapped[datetime]
    mails: Mapped[int]
