"""Sweeps: what is due becomes a line in the ledger and a mail in the outbox, once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

import structlog
from sqlalchemy import update

from app.accounts.models import Account
from app.core.clock import day_of
from app.core.database import db, insert_new
from app.deadlines.deadline import Deadline, urgency
from app.deadlines.queries import open_deadlines
from app.mail import service as mail
from app.programmes.models import Programme
from app.reminders import policy
from app.reminders.models import ReminderEntry, ReminderRun
from app.reminders.policy import Decision, Key, Outcome
from app.reminders.queries import decided_keys, ladder_of, programmes_to_sweep

log = structlog.get_logger()

CHUNK = 500
"""Ledger rows in one statement: databases limit the number of parameters."""


@dataclass(frozen=True)
class Line:
    """One decision on the local day of its programme."""

    decision: Decision
    today: date

    @property
    def deadline(self) -> Deadline:
        """What is due, with a way open to whom it is told."""
        return self.decision.deadline.seen_by(self.decision.recipient_id)

    @property
    def is_overdue(self) -> bool:
        """Whether the due day has passed."""
        return self.deadline.is_overdue(self.today)


def sweep_all(now: datetime) -> int:
    """Reminds of what is due in every programme whose local send time has come and that has not been swept on
    its local day. Returns the number of mails written.

    Everything due for a person at this moment goes into one mail, whatever programme it comes from; programmes
    with different send times are different moments. A programme or a person's mail that fails holds up no
    other, and is tried again at the next sweep of the day.
    """
    programmes = programmes_to_sweep(now)
    days = {programme.id: day_of(now, programme.zone) for programme in programmes}
    lines, failed = _gather(programmes, days)
    mails = dict.fromkeys(days, 0)
    written = 0
    for recipient_id, theirs in _by_recipient(lines).items():
        try:
            with db.session.begin_nested():
                told = _remind(recipient_id, theirs, now)
        except Exception:
            log.exception("reminders of a person failed", account=str(recipient_id))
            failed |= {line.deadline.programme_id for line in theirs}
            continue
        written += bool(told)
        for programme_id in {line.deadline.programme_id for line in told}:
            mails[programme_id] += 1
    _note_runs([programme_id for programme_id in days if programme_id not in failed], days, mails, now)
    return written


def _note_runs(done: Iterable[UUID], days: Mapping[UUID, date], mails: Mapping[UUID, int], now: datetime) -> None:
    """These programmes' days have been swept, unless another sweep noted it already."""
    for key in done:
        run = {"id": uuid4(), "programme_id": key, "day": days[key], "ran_at": now, "mails": mails[key]}
        db.session.execute(insert_new(ReminderRun).values(run).on_conflict_do_nothing())


def _gather(programmes: Sequence[Programme], days: Mapping[UUID, date]) -> tuple[list[Line], set[UUID]]:
    """What is due in these programmes, and which of them failed."""
    lines: list[Line] = []
    failed: set[UUID] = set()
    for (programme_id, day), programme in zip(days.items(), programmes, strict=True):
        try:
            with db.session.begin_nested():
                lines += _due_lines(programme, day)
        except Exception:
            log.exception("reminders of a programme failed", programme=str(programme_id))
            failed.add(programme_id)
    return lines, failed


def _due_lines(programme: Programme, today: date) -> list[Line]:
    steps = ladder_of(programme)
    horizon = today + timedelta(days=policy.days_ahead(steps))
    near = [
        deadline for deadline in open_deadlines(programme, today) if deadline.due_on and deadline.due_on <= horizon
    ]
    ledger = decided_keys([deadline.subject for deadline in near])
    return [Line(decision, today) for decision in policy.due(near, steps, ledger, today)]


def _by_recipient(lines: Iterable[Line]) -> dict[UUID, list[Line]]:
    """Each person's lines, in an order that is the same for every sweep: two at once wait for each other and
    never in a circle."""
    theirs: dict[UUID, list[Line]] = {}
    for line in sorted(lines, key=lambda line: (line.decision.recipient_id, *line.decision.key)):
        theirs.setdefault(line.decision.recipient_id, []).append(line)
    return theirs


def _remind(recipient_id: UUID, lines: Sequence[Line], now: datetime) -> list[Line]:
    """Enters a person's lines into the ledger and mails those that are theirs to be mailed; returns these.

    A line is entered first and mailed only when it really was new, so that of two sweeps at once one mails it.
    """
    entries = _enter(lines)
    told = [line for line in lines if line.decision.outcome is Outcome.MAILED and line.decision.key in entries]
    if not told:
        return []
    account = db.session.get_one(Account, recipient_id)
    letter = mail.enqueue(
        "reminder",
        mail.Recipient(account.email, account.name, account.language, account.id),
        {"lines": sorted(told, key=lambda line: urgency(line.deadline))},
        now=now,
        is_sample=any(line.deadline.is_sample for line in told),
    )
    db.session.flush()  # the entries name the mail
    mailed = [entries[line.decision.key] for line in told]
    db.session.execute(
        update(ReminderEntry)
        .where(ReminderEntry.id.in_(mailed))
        .values(outcome=Outcome.MAILED, mail_id=letter.id)
        .execution_options(synchronize_session=False)
    )
    return told


def _enter(lines: Sequence[Line]) -> dict[Key, UUID]:
    """Writes the lines the ledger does not hold yet, all as superseded, and returns the ids of the new ones."""
    entered: dict[Key, UUID] = {}
    for start in range(0, len(lines), CHUNK):
        rows = [
            {
                "id": uuid4(),
                "programme_id": line.deadline.programme_id,
                "subject": line.deadline.subject,
                "due_version": line.deadline.version,
                "step": line.decision.step,
                "recipient_id": line.decision.recipient_id,
                "due_on": line.deadline.due_on,
                "decided_on": line.today,
                "outcome": Outcome.SUPERSEDED,
            }
            for line in lines[start : start + CHUNK]
        ]
        new = insert_new(ReminderEntry).values(rows).on_conflict_do_nothing()
        entry = ReminderEntry
        for row in db.session.execute(
            new.returning(entry.subject, entry.due_version, entry.step, entry.recipient_id, entry.id)
        ):
            entered[Key(*row[:4])] = row[4]
    return entered
