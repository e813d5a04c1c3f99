"""Accounts: people, or in a trial the roles themselves."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from flask_login import UserMixin
from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.database import Identified, Model
from app.core.localized import Localized, LocalizedText


class Account(UserMixin, Identified, Model):  # type: ignore[misc]
    """Somebody who signs in. `email` is stored in lower case; `deputy` stands in for them as a rule."""

    __tablename__ = "account"
    __table_args__ = (CheckConstraint("deputy_id <> id", name="deputy_is_somebody_else"),)

    email: Mapped[str] = mapped_column(String(320), unique=True)
    name: Mapped[Localized] = mapped_column(LocalizedText)
    language: Mapped[str] = mapped_column(String(2), default="de")
    password_hash: Mapped[str | None] = mapped_column(String(200))
    active: Mapped[bool] = mapped_column(default=True)
    is_trial_role: Mapped[bool] = mapped_column(default=False)
    is_sample: Mapped[bool] = mapped_column(default=False)
    signed_in_at: Mapped[datetime | None]
    deputy_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))

    deputy: Mapped[Account | None] = relationship(remote_side="Account.id")

    def get_id(self) -> str:
        """What a session remembers: the account and its password, so that a new password ends the old sessions."""
        return f"{self.id}:{self.password_mark}"

    @property
    def password_mark(self) -> str:
        """Changes with the password and says nothing about it: the tail of its hash."""
        return (self.password_hash or "none")[-12:]

    @property
    def is_active(self) -> bool:
        """Whether this account may sign in (flask-login asks this)."""
        return self.active
