"""The ledger of reminders and the days already swept."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.database import Identified, Model

if TYPE_CHECKING:
    from app.accounts.models import Account
    from app.mail.models import Mail


class ReminderEntry(Identified, Model):
    """One decided reminder. The unique key is what makes every sweep idempotent.

    `decided_on` is the programme's local day; `for_id` is whom its reader stands in for. `answer` is what the reader
    answered by a link of the mail: once.
    """

    __tablename__ = "reminder_entry"
    __table_args__ = (
        Index(None, "decided_on"),
        UniqueConstraint("subject", "due_version", "step", "recipient_id", name="uq_reminder_entry_once"),
        CheckConstraint("(outcome = 'mailed') = (mail_id IS NOT NULL)", name="mailed_means_mail"),
        CheckConstraint("(answer IS NULL) = (answered_at IS NULL)", name="answered_means_at"),
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
    for_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))
    answer: Mapped[str | None] = mapped_column(String(10))
    answered_at: Mapped[datetime | None]

    recipient: Mapped[Account] = relationship(foreign_keys=[recipient_id])
    mail: Mapped[Mail | None] = relationship()


class ReminderRun(Identified, Model):
    """A programme's day that has been swept. `next_at` is when to look once more on that day, because somebody wants
    their mail later; None: nothing more is to come of it."""

    __tablename__ = "reminder_run"
    __table_args__ = (UniqueConstraint("programme_id", "day"),)

    programme_id: Mapped[UUID] = mapped_column(ForeignKey("programme.id"))
    day: Mapped[date] = mapped_column(index=True)
    ran_at: Mapped[datetime]
    mails: Mapped[int]
    next_at: Mapped[datetime | None]


class ReminderPreference(Model):
    """How somebody wants to be reminded. Nobody can switch off what is legally due (`policy.is_binding`).

    `weekdays` are those on which mail is wanted, 0 for Monday to 4 for Friday; `send_time` is city time, not before
    which the one mail of the day leaves; until and with `paused_until_on` there is none; without `wants_optional`
    never, by the one-click link of a mail.
    """

    __tablename__ = "reminder_preference"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"), primary_key=True)
    weekdays: Mapped[list[int]] = mapped_column(JSON, default=lambda: [0, 1, 2, 3, 4])
    send_time: Mapped[time | None]
    paused_until_on: Mapped[date | None]
    wants_optional: Mapped[bool] = mapped_column(default=True)

    account: Mapped[Account] = relationship()
