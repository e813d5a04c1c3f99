"""Empties the outbox: claims one mail, sends it, marks it, commits; then the next.

Only a mail that the server may have taken without our learning of it (a crash or a lost connection between its OK
and our commit) is sent once more, with the same Message-ID.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.core import clock
from app.core.database import db
from app.core.transaction import reading, transaction
from app.mail.models import Mail, MailServerState, MailState
from app.mail.queries import has_due_mail, server_state
from app.mail.transport import ConnectionLost, Refused, ServerAway, Transport

log = structlog.get_logger()

MAX_ATTEMPTS = 10
LONGEST_WAIT = timedelta(hours=4)


@dataclass
class Delivery:
    """What one run achieved. `is_away` when the mail server could not be used: what is left waits for it."""

    sent: int = 0
    put_off: int = 0
    dead: int = 0
    is_away: bool = False


def deliver_batch(transport: Transport, limit: int, seconds: float = float("inf")) -> Delivery:
    """Sends what is due, oldest first, up to `limit` mails; after `seconds` it begins no further one.

    Each mail is a transaction of its own, so one that fails holds up no other. Several runs at once share the
    work on PostgreSQL and take turns on SQLite.
    """
    delivery = Delivery()
    with reading():
        state = server_state()
        if not has_due_mail(clock.wall_now()) and not (state and state.away_since):
            return delivery
    ends = monotonic() + seconds
    try:
        _connect(transport)
        for _ in range(limit):
            if not _deliver_next(transport, delivery) or monotonic() > ends:
                break
    except ServerAway as error:
        delivery.is_away = True
        log.warning("mail server away", error=str(error))
        _note_server(str(error))
    finally:
        transport.close()
    return delivery


def wait_before(attempt: int) -> timedelta:
    """How long a mail waits after so many failed attempts: 2, 4, 8 … minutes, four hours at most."""
    return min(timedelta(minutes=2**attempt), LONGEST_WAIT)


def _connect(transport: Transport) -> None:
    transport.connect()
    _note_server(None)


def _deliver_next(transport: Transport, delivery: Delivery) -> bool:
    with transaction():
        mail = _claim(clock.wall_now())
        if mail is None:
            return False
        try:
            _send(transport, mail)
        except ServerAway:
            raise
        except Exception as error:
            _put_off_or_bury(mail, error, delivery)
        else:
            mail.state = MailState.SENT
            mail.sent_at = clock.wall_now()
            mail.attempts += 1
            mail.last_error = None
            delivery.sent += 1
    return True


def _claim(now: datetime) -> Mail | None:
    """The oldest due mail that no other run holds; ours until the transaction ends."""
    return db.session.scalar(
        select(Mail)
        .where(Mail.state == MailState.QUEUED, Mail.next_attempt_at <= now)
        .order_by(Mail.next_attempt_at, Mail.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )


def _send(transport: Transport, mail: Mail) -> None:
    """A connection that ends under a mail is opened once more: servers limit the mails they take over one."""
    try:
        transport.send(mail)
    except ConnectionLost:
        transport.connect()
        transport.send(mail)


def _put_off_or_bury(mail: Mail, error: Exception, delivery: Delivery) -> None:
    mail.attempts += 1
    mail.last_error = " ".join(str(error).split()) or type(error).__name__
    is_final = isinstance(error, Refused) and error.is_permanent
    if is_final or mail.attempts >= MAX_ATTEMPTS:
        mail.state = MailState.DEAD
        delivery.dead += 1
    else:
        mail.next_attempt_at = clock.wall_now() + wait_before(mail.attempts)
        delivery.put_off += 1
    log.warning("mail not sent", mail=str(mail.id), state=mail.state, attempts=mail.attempts, error=mail.last_error)


def _note_server(error: str | None) -> None:
    """Keeps what the last run met, for the pages that say so; `away_since` stays the first time of a row."""
    now = clock.wall_now()
    with transaction():
        state = server_state() or _first_state(now)
        state.checked_at = now
        state.error = error
        state.away_since = (state.away_since or now) if error else None


def _first_state(now: datetime) -> MailServerState:
    state = MailServerState(id=1, checked_at=now)
    try:
        with db.session.begin_nested():
            db.session.add(state)
    except IntegrityError:  # another worker was first
        return db.session.get_one(MailServerState, 1)
    return state
