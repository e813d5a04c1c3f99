"""Reads of the ledger for its page: who was reminded of what, and by which step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from flask_sqlalchemy.pagination import Pagination
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.accounts.models import Account
from app.core.database import db
from app.core.paging import paginate
from app.reminders.models import ReminderEntry


@dataclass(frozen=True)
class Sieve:
    """Which lines are wanted; None: all."""

    programme_id: UUID | None = None
    account_id: UUID | None = None
    subject: str | None = None

    @property
    def is_set(self) -> bool:
        """Whether some lines are left out."""
        return any((self.programme_id, self.account_id, self.subject))


def list_entries(sieve: Sieve, page: int, per_page: int) -> Pagination:
    """One page of the ledger, newest first."""
    entry = ReminderEntry
    newest_first = (entry.decided_on.desc(), entry.due_on, entry.subject, entry.step, entry.id)
    query = select(entry).options(joinedload(entry.recipient)).order_by(*newest_first)
    if sieve.programme_id:
        query = query.where(entry.programme_id == sieve.programme_id)
    if sieve.account_id:
        query = query.where(entry.recipient_id == sieve.account_id)
    if sieve.subject:
        query = query.where(entry.subject == sieve.subject)
    return paginate(query, page, per_page)


def list_recipients() -> Sequence[Account]:
    """Everybody who was reminded of something, also those who have no access any more."""
    reminded = select(ReminderEntry.recipient_id)
    found = db.session.scalars(select(Account).where(Account.id.in_(reminded)))
    return sorted(found, key=lambda account: account.name.de)


def used_steps(programme_id: UUID) -> frozenset[str]:
    """The keys of a programme's steps that the ledger knows, whether the ladder still has them or not."""
    steps = db.session.scalars(
        select(ReminderEntry.step).where(ReminderEntry.programme_id == programme_id).distinct()
    )
    return frozenset(step.partition("#")[0] for step in steps)
