"""Accounts: people, or in a trial the roles themselves."""

from __future__ import annotations

from datetime import datetime

from flask_login import UserMixin
from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Identified, Model
from app.core.localized import Localized, LocalizedText


class Account(UserMixin, Identified, Model):  # type: ignore[misc]
    """Somebody who signs in. `email` is stored in lower case."""

    __tablename__ = "account"

    email: Mapped[str] = mapped_column(String(320), unique=True)
    name: Mapped[Localized] = mapped_column(LocalizedText)
    language: Mapped[str] = mapped_column(String(2), default="de")
    password_hash: Mapped[str | None] = mapped_column(String(200))
    active: Mapped[bool] = mapped_column(default=True)
    is_trial_role: Mapped[bool] = mapped_column(default=False)
    is_sample: Mapped[bool] = mapped_column(default=False)
    signed_in_at: Mapped[datetime | None]

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
