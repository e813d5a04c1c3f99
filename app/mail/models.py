"""Mails on their way out."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Identified, Model


class MailState(StrEnum):
    """Where a mail is."""

    QUEUED = "queued"
    SENT = "sent"
    DEAD = "dead"


SECRET_KINDS = frozenset({"invitation"})
"""Mails whose link lets its reader in: nobody but the recipient gets to see them."""


class Mail(Identified, Model):
    """One mail to one person.

    `once` makes enqueueing idempotent: the same key twice is one mail. `unsubscribe_url` is where its reader stops
    mails of this kind with one click (RFC 8058), where they may. `created_at` is the application's
    instant (sandbox date in a trial); `next_attempt_at` and `sent_at` are the machine's, for they belong to
    transport. In a dead mail `next_attempt_at` is when it was given up.
    """

    __tablename__ = "mail"
    __table_args__ = (
        CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_means_sent_at"),
        Index(
            "ix_mail_queue",
            "next_attempt_at",
            postgresql_where=sql("state = 'queued'"),
            sqlite_where=sql("state = 'queued'"),
        ),
        Index(
            "ix_mail_dead",
            "created_at",
            postgresql_where=sql("state = 'dead'"),
            sqlite_where=sql("state = 'dead'"),
        ),
        Index(None, "created_at"),
    )

    kind: Mapped[str] = mapped_column(String(40))
    once: Mapped[str | None] = mapped_column(String(300), unique=True)
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))
    to_address: Mapped[str] = mapped_column(String(320))
    to_name: Mapped[str] = mapped_column(String(200), default="")
    language: Mapped[str] = mapped_column(String(2), default="de")
    subject: Mapped[str] = mapped_column(String(300))
    body_text: Mapped[str]
    body_html: Mapped[str]
    message_id: Mapped[str] = mapped_column(String(200), unique=True)
    unsubscribe_url: Mapped[str | None]
    is_sample: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(10), default=MailState.QUEUED)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    next_attempt_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    last_error: Mapped[str | None]

    @property
    def is_secret(self) -> bool:
        """Whether only the recipient may read it."""
        return self.kind in SECRET_KINDS


class MailServerState(Model):
    """What the last delivery run met: one row, so that pages can say that the mail server is away."""

    __tablename__ = "mail_server_state"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    checked_at: Mapped[datetime]
    away_since: Mapped[datetime | None]
    error: Mapped[str | None]
