"""Empties the outbox: claims one mail, sends it, marks it, commits; then the next.

Only a mail that the server may have taken without our learning of it (a crash or a lost connection between its OK
and our commit) is sent once more, with the same Message-ID.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest
from time import monotonic
from uuid import UUID

import structlog
from sqlalchemy import bindparam, literal_column, null, select, update
from sqlalchemy.exc import IntegrityError

from app.core import clock, heartbeat
from app.core.database import db
from app.core.heartbeat import Job
from app.core.prepared import errand
from app.core.transaction import Order, reading, relay, transaction
from app.mail.message import Refused
from app.mail.models import Mail, MailServerState, MailState
from app.mail.queries import DueMail, list_due, look, server_state
from app.mail.transport import ConnectionLost, ServerAway, Transport

log = structlog.get_logger()

MAX_ATTEMPTS = 10
LONGEST_WAIT = timedelta(hours=4)

AHEAD = 100
"""Mails read at a time. Each is claimed alone when its turn comes: another run may have had it by then."""

CLAIM = (
    select(Mail.attempts)
    .where(
        Mail.id == bindparam("mail_id"),
        Mail.state == literal_column(f"'{MailState.QUEUED}'"),
        Mail.next_attempt_at <= bindparam("moment"),
    )
    .with_for_update(skip_locked=True)
)
SENT = (
    update(Mail)
    .where(Mail.id == bindparam("mail_id"))
    .values(
        state=literal_column(f"'{MailState.SENT}'"),
        sent_at=bindparam("moment"),
        attempts=bindparam("attempt"),
        last_error=null(),
    )
    .execution_options(synchronize_session=False)
)
FAILED = (
    update(Mail)
    .where(Mail.id == bindparam("mail_id"))
    .values(
        state=bindparam("new_state"),
        next_attempt_at=bindparam("moment"),
        attempts=bindparam("attempt"),
        last_error=bindparam("reason"),
    )
    .execution_options(synchronize_session=False)
)


@dataclass
class Delivery:
    """What one run achieved. `is_away` when the mail server could not be used: what is left waits for it.

    `ran_before_at` is when the last run before this one was completed, None where none was, or this one is not.
    """

    sent: int = 0
    put_off: int = 0
    dead: int = 0
    is_away: bool = False
    ran_before_at: datetime | None = None

    @property
    def handled(self) -> int:
        """How many mails had their turn."""
        return self.sent + self.put_off + self.dead


def deliver_batch(transport: Transport, limit: int, seconds: float = float("inf")) -> Delivery:
    """Sends what is due, oldest first, up to `limit` mails; after `seconds` it begins no further one.

    Each mail is a transaction of its own, so one that fails holds up no other. Several runs at once share the
    work on PostgreSQL and take turns on SQLite. A run that could use the server leaves its heartbeat.
    """
    with errand() as connection:
        is_needed, ran_before_at = look(clock.wall_now(), connection)
        if not is_needed:
            heartbeat.beat(Job.DELIVERY, clock.wall_now(), connection)
            return Delivery(ran_before_at=ran_before_at)
    delivery = Delivery()
    _use(transport, delivery, limit, monotonic() + seconds)
    if not delivery.is_away:
        delivery.ran_before_at = ran_before_at
        with errand() as connection:
            heartbeat.beat(Job.DELIVERY, clock.wall_now(), connection)
    return delivery


def wait_before(attempt: int) -> timedelta:
    """How long a mail waits after so many failed attempts: 2, 4, 8 … minutes, four hours at most."""
    return min(timedelta(minutes=2**attempt), LONGEST_WAIT)


def _use(transport: Transport, delivery: Delivery, limit: int, ends: float) -> None:
    try:
        transport.connect()
        _note_server(None)
        _empty_outbox(transport, delivery, limit, ends)
    except ServerAway as error:
        delivery.is_away = True
        log.warning("mail server away", error=str(error))
        _note_server(str(error))
    finally:
        transport.close()


def _empty_outbox(transport: Transport, delivery: Delivery, limit: int, ends: float) -> None:
    held_by_others: set[UUID] = set()
    with relay() as turns:
        while (wanted := min(limit - delivery.handled, AHEAD)) > 0:
            with reading():
                mails = list_due(clock.wall_now(), wanted, held_by_others)
            if not mails:
                return
            done: Order | None = None
            for mail, following in zip_longest(mails, mails[1:]):
                turns.start(done, (CLAIM, {"mail_id": mail.id, "moment": clock.wall_now()}))
                transport.begin(mail)  # while the database writes; the mail itself is kept back until it has
                claimed, done = turns.finish(), None
                if claimed is None:
                    transport.leave()
                    held_by_others.add(mail.id)
                    continue
                transport.expect(following)
                done = _handle(transport, mail, claimed[0] + 1, delivery)
                if monotonic() > ends:
                    break
            turns.start(done, None)
            turns.finish()
            if len(mails) < wanted or monotonic() > ends:
                return


def _handle(transport: Transport, mail: DueMail, attempt: int, delivery: Delivery) -> Order:
    """Sends a mail that is ours; what has to be written about it."""
    try:
        _send(transport, mail)
    except ServerAway:
        raise
    except Exception as error:
        return _put_off_or_bury(mail, attempt, error, delivery)
    delivery.sent += 1
    return SENT, {"mail_id": mail.id, "moment": clock.wall_now(), "attempt": attempt}


def _send(transport: Transport, mail: DueMail) -> None:
    """A connection that ends under a mail is opened once more: servers limit the mails they take over one."""
    try:
        transport.send(mail)
    except ConnectionLost:
        transport.connect()
        transport.send(mail)


def _put_off_or_bury(mail: DueMail, attempt: int, error: Exception, delivery: Delivery) -> Order:
    now = clock.wall_now()
    reason = " ".join(str(error).split()) or type(error).__name__
    is_final = (isinstance(error, Refused) and error.is_permanent) or attempt >= MAX_ATTEMPTS
    if is_final:
        delivery.dead += 1
    else:
        delivery.put_off += 1
    state = MailState.DEAD if is_final else MailState.QUEUED
    log.warning("mail not sent", mail=str(mail.id), state=state.value, attempts=attempt, error=reason)
    return FAILED, {
        "mail_id": mail.id,
        "new_state": state.value,
        "moment": now if is_final else now + wait_before(attempt),
        "attempt": attempt,
        "reason": reason,
    }


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
