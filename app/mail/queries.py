"""Reads of the outbox. It is shown by operations, which checks the permission."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask_sqlalchemy.pagination import Pagination
from sqlalchemy import bindparam, exists, func, select

from app.core.database import db
from app.core.errors import NotFound
from app.core.heartbeat import Job, done_at
from app.core.paging import paginate
from app.core.prepared import Errand
from app.core.text import text
from app.mail.models import Mail, MailServerState, MailState


@dataclass(frozen=True, slots=True)
class DueMail:
    """What is sent of a mail. Nothing of it ever changes, so it may be read before the mail is claimed."""

    id: UUID
    kind: str
    to_address: str
    to_name: str
    language: str
    subject: str
    body_text: str
    body_html: str
    message_id: str
    unsubscribe_url: str | None


SENT_COLUMNS = tuple(Mail.__table__.c[name] for name in DueMail.__dataclass_fields__)


def list_due(now: datetime, limit: int, without: Collection[UUID]) -> list[DueMail]:
    """The mails that wait to be sent now, the longest waiting first, `without` some."""
    query = (
        select(*SENT_COLUMNS)
        .where(Mail.state == MailState.QUEUED, Mail.next_attempt_at <= now, Mail.id.not_in(without))
        .order_by(Mail.next_attempt_at, Mail.id)
        .limit(limit)
    )
    return [DueMail(*row) for row in db.session.execute(query)]


def get_mail(mail_id: UUID) -> Mail:
    """One mail.

    Raises:
        NotFound: where there is none.
    """
    mail = db.session.get(Mail, mail_id)
    if mail is None:
        raise NotFound(text("Diese Mail gibt es nicht."))
    return mail


def find_by_once(once: str) -> Mail | None:
    """The mail that was written under this name."""
    return db.session.scalar(select(Mail).where(Mail.once == once))


def list_dead() -> Sequence[Mail]:
    """The mails that could not be delivered, the oldest first."""
    return db.session.scalars(
        select(Mail).where(Mail.state == MailState.DEAD).order_by(Mail.created_at, Mail.id)
    ).all()


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


MAIL, SERVER = Mail.__table__, MailServerState.__table__
LOOK = select(
    exists().where(MAIL.c.state == MailState.QUEUED.value, MAIL.c.next_attempt_at <= bindparam("moment"))
    | exists().where(SERVER.c.away_since.is_not(None)),
    done_at(Job.DELIVERY),
)


def look(now: datetime, connection: Errand) -> tuple[bool, datetime | None]:
    """Whether a delivery has something to do, a mail that is due or a server that was away and may be back; and when
    the delivery before it was done."""
    ((is_needed, ran_before_at),) = connection.execute(LOOK, {"moment": now})
    return is_needed, ran_before_at


def oldest_waiting() -> datetime | None:
    """When the mail was written that has waited longest, None when none waits."""
    return db.session.scalar(select(func.min(Mail.created_at)).where(Mail.state == MailState.QUEUED))
