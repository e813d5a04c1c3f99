"""Reads of the outbox. It is shown by operations, which checks the permission."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from flask_sqlalchemy.pagination import Pagination
from sqlalchemy import exists, func, select

from app.core.database import db
from app.core.errors import NotFound
from app.core.paging import paginate
from app.core.text import text
from app.mail.models import Mail, MailServerState, MailState


def get_mail(mail_id: UUID) -> Mail:
    """One mail.

    Raises:
        NotFound: where there is none.
    """
    mail = db.session.get(Mail, mail_id)
    if mail is None:
        raise NotFound(text("Diese Mail gibt es nicht."))
    return mail


def list_outbox(page: int, per_page: int, state: str | None = None) -> Pagination:
    """One page of the outbox, newest first; only mails in `state` where that is one."""
    query = select(Mail).order_by(Mail.created_at.desc(), Mail.id)
    if state in set(MailState):
        query = query.where(Mail.state == state)
    return paginate(query, page, per_page)


def count_by_state() -> dict[str, int]:
    """How many mails wait, left and are dead; every state is there."""
    rows = db.session.execute(select(Mail.state, func.count()).group_by(Mail.state))
    counts = {state.value: 0 for state in MailState}
    for state, number in rows:
        counts[state] = number
    return counts


def server_state() -> MailServerState | None:
    """What the last delivery run met, None before the first."""
    return db.session.get(MailServerState, 1)


def has_due_mail(now: datetime) -> bool:
    """Whether a mail waits to be sent now."""
    due = exists().where(Mail.state == MailState.QUEUED, Mail.next_attempt_at <= now)
    return bool(db.session.scalar(select(due)))


def oldest_waiting() -> datetime | None:
    """When the mail was written that has waited longest, None when none waits."""
    return db.session.scalar(select(func.min(Mail.created_at)).where(Mail.state == MailState.QUEUED))
