"""Sweeps: what is due becomes a line in the ledger and a mail in the outbox, once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import structlog
from sqlalchemy import update

from app.accounts.queries import accounts_by_id
from app.core import clock, heartbeat
from app.core.database import db, dialect_name, insert_many, insert_new
from app.core.heartbeat import Job
from app.core.prepared import errand
from app.mail import service as mail
from app.mail.models import Mail
from app.reminders.letter import compose
from app.reminders.models import ReminderEntry, ReminderRun
from app.reminders.planning import Post, plan_day
from app.reminders.policy import Outcome
from app.reminders.queries import Turn, list_by_ids, turns_on

log = structlog.get_logger()


class Letter(NamedTuple):
    """What is said to a person, the mail that says it, and the key each of its lines gets in the ledger."""

    post: Post
    mail: Mail
    entry_ids: Sequence[UUID]


def is_time(now: datetime) -> bool:
    """Whether a sweep has something to look at; where it has not, which is mostly so, that counts as a sweep."""
    with errand() as connection:
        ripe, _ = turns_on(now, connection)
        if not ripe:
            heartbeat.beat(Job.SWEEP, clock.wall_now(), connection)
    return bool(ripe)


def sweep_all(now: datetime) -> int:
    """Reminds of what is due in every programme whose local send time has come and that has not been swept on its
    local day. Returns the number of mails written.

    All that is due for a person goes into one mail a city day, whatever programme it comes from, once the last of
    these programmes sends and the time the person has chosen has come. A programme or a person's mail that fails
    holds up no other, and is tried again at the next sweep of the day.
    """
    written = 0
    ripe, coming = turns_on(now)
    claimed = _claim(ripe, now)
    if claimed:
        written = _sweep(claimed, coming, now)
    heartbeat.beat(Job.SWEEP, clock.wall_now())
    return written


def _sweep(ripe: Sequence[Turn], coming: Sequence[Turn], now: datetime) -> int:
    plan = plan_day(list_by_ids(turn.programme_id for turn in (*ripe, *coming)), now)
    letters, failed = _write([post for post in plan.posts if post.leaves_at <= now], now)
    stored, lost = _store(letters)
    again_at = dict.fromkeys(plan.failed | failed | lost, now)
    for post in plan.posts:
        if post.leaves_at > now:
            for programme_id in post.programme_ids:
                again_at[programme_id] = min(again_at.get(programme_id, post.leaves_at), post.leaves_at)
    _note_runs(ripe, Counter(key for post in stored for key in post.programme_ids), again_at)
    return len(stored)


def _claim(turns: Iterable[Turn], now: datetime) -> list[Turn]:
    """Those of these turns that this sweep takes upon itself: of two at once, one gets it. The other waits for the
    first to end, and finds the day swept. Both ask in one order, so that none waits in a circle."""
    rows = [{"programme_id": key, "day": day, "ran_at": now, "mails": 0} for key, day in sorted(turns)]
    if not rows:
        return []
    return [Turn(*row) for row in db.session.connection().execute(_claiming(dialect_name()), rows)]


@cache
def _claiming(_dialect_name: str) -> Any:
    """Made once for each kind of database: to put it together costs more than to carry it out."""
    run: Any = ReminderRun.__table__
    new = insert_new(run)
    return new.on_conflict_do_update(
        index_elements=["programme_id", "day"],
        set_={"ran_at": new.excluded.ran_at, "next_at": None},
        where=run.c.next_at <= new.excluded.ran_at,
    ).returning(run.c.programme_id, run.c.day)


def _note_runs(turns: Iterable[Turn], mails: Counter[UUID], again_at: dict[UUID, datetime]) -> None:
    """How many mails each programme had a part in, and when to look at its day once more."""
    run = ReminderRun
    for programme_id, day in turns:
        if programme_id in mails or programme_id in again_at:
            db.session.execute(
                update(run)
                .where(run.programme_id == programme_id, run.day == day)
                .values(mails=run.mails + mails[programme_id], next_at=again_at.get(programme_id))
                .execution_options(synchronize_session=False)
            )


def _write(posts: Sequence[Post], now: datetime) -> tuple[list[Letter], set[UUID]]:
    """The mails, not stored yet, and the programmes of those that could not be written."""
    letters: list[Letter] = []
    failed: set[UUID] = set()
    absent = {reminder.for_id for post in posts for reminder in post.reminders if reminder.for_id}
    accounts = accounts_by_id(absent.union(post.account_id for post in posts)) if posts else {}
    for post in posts:
        try:
            entry_ids = [uuid4() for _ in post.reminders]
            letters.append(Letter(post, compose(post, accounts[post.account_id], entry_ids, now), entry_ids))
        except Exception:
            log.exception("reminders of a person failed", account=str(post.account_id))
            failed |= post.programme_ids
    return letters, failed


def _store(letters: Sequence[Letter]) -> tuple[list[Post], set[UUID]]:
    """Writes mails and ledger together; returns whose mail is stored, and the programmes of those that failed.

    Where all at once fails, each is tried alone, so that one holds up no other.
    """
    if not letters:
        return [], set()
    try:
        with db.session.begin_nested():
            mail.put_out(letter.mail for letter in letters)
            db.session.flush()  # the ledger names the mails
            enter([row for letter in letters for row in _rows(letter)])
    except Exception:
        if len(letters) == 1:
            log.exception("reminders of a person failed", account=str(letters[0].post.account_id))
            return [], set(letters[0].post.programme_ids)
        stored: list[Post] = []
        failed: set[UUID] = set()
        for letter in letters:
            alone, broken = _store([letter])
            stored += alone
            failed |= broken
        return stored, failed
    return [letter.post for letter in letters], set()


def enter(rows: Sequence[dict[str, Any]]) -> None:
    """Writes lines of the ledger, all or none.

    Raises:
        IntegrityError: where one of them is there already.
    """
    insert_many(ReminderEntry, rows)


def _rows(letter: Letter) -> Iterator[dict[str, Any]]:
    """The lines of the ledger: what is mailed, and what it supersedes."""
    for reminder, entry_id in zip(letter.post.reminders, letter.entry_ids, strict=True):
        for key in reminder.keys:
            is_mailed = key.step == reminder.key
            yield {
                "id": entry_id if is_mailed else uuid4(),
                "programme_id": reminder.deadline.programme_id,
                "subject": key.subject,
                "due_version": key.version,
                "step": key.step,
                "recipient_id": key.recipient_id,
                "for_id": reminder.for_id,
                "due_on": reminder.deadline.due_on,
                "decided_on": reminder.today,
                "outcome": (Outcome.MAILED if is_mailed else Outcome.SUPERSEDED).value,
                "mail_id": letter.mail.id if is_mailed else None,
            }
