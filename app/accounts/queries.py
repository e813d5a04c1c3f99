"""Reads of accounts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select

from app.accounts.models import Account
from app.core.database import db


def find_account(account_id: str) -> Account | None:
    """The active account with this key, as flask-login asks for it."""
    try:
        account = db.session.get(Account, UUID(account_id))
    except ValueError:
        return None
    return account if account and account.active else None


def find_any(account_id: UUID) -> Account | None:
    """The account with this key, active or not."""
    return db.session.get(Account, account_id)


def find_by_email(email: str) -> Account | None:
    """The account with this address, in whatever case it is typed."""
    return db.session.scalar(select(Account).where(Account.email == email.strip().lower()))


def list_accounts() -> Sequence[Account]:
    """All accounts, by address."""
    return db.session.scalars(select(Account).order_by(Account.email)).all()


def accounts_by_id(account_ids: Collection[UUID]) -> dict[UUID, Account]:
    """These accounts by their key."""
    found = db.session.scalars(select(Account).where(Account.id.in_(account_ids)))
    return {account.id: account for account in found}


def list_trial_roles() -> Sequence[Account]:
    """The role accounts one may sign in to in a trial."""
    return db.session.scalars(
        select(Account).where(Account.is_trial_role, Account.is_sample, Account.active).order_by(Account.email)
    ).all()
