"""Watches a replay from a process of its own: reads what there is, asks the rulebook what is demanded,
keeps the tally.

It looks just before a sweep, through a reading of the database that stays as it is while the sweep goes on.
"""

from __future__ import annotations

import csv
import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from signal import SIG_IGN, SIGINT, signal
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

import app
from app.accounts.models import Account
from app.core import clock
from app.core.database import db
from app.deadlines import deadline as engine
from app.deadlines.queries import open_deadlines
from app.mail.models import Mail
from app.organisations.models import Absence
from app.programmes.ladder import Audience
from app.programmes.models import Programme, ReminderStep
from app.reminders.models import ReminderEntry, ReminderPreference
from app.simulation import rulebook
from app.simulation.rulebook import Row, Wishes
from app.simulation.sink import Arrival
from app.simulation.tally import Counts, Decision, Tally
from config import Settings

COLUMNS = ("date", "deadline", "version", "step", "recipient", "outcome", "due_on", "kind")
KINDS = {
    "milestone": engine.Kind.MILESTONE,
    "progress": engine.Kind.PROGRESS_UPDATE,
    "stale": engine.Kind.PROGRESS_UPDATE,
    "obligation": engine.Kind.OBLIGATION,
}
"""What a subject key begins with → the kind of the deadline; all else waits for a decision."""


class Read(NamedTuple):
    """Asks to take what a sweep has written into the books."""

    at: datetime
    whole_day_from: None = None


class Look(NamedTuple):
    """Asks to look at an instant. `whole_day_from` is when a day began that is just over and on which nothing stood
    still."""

    at: datetime
    whole_day_from: datetime | None


class End(NamedTuple):
    """Asks for the sum, after a last day on which nothing stood still."""

    at: datetime
    whole_day_from: datetime
    arrivals: Sequence[Arrival]
    crashed: Sequence[str]


@dataclass
class Watcher:
    """What the watching process keeps from look to look."""

    ledger_file: Path | None = None
    tally: Tally = field(default_factory=Tally)
    taken: set[UUID] = field(default_factory=set)
    """The lines of the ledger already in the books, of the last days."""
    since: date = date.min
    """No line that is not in the books yet was decided before that day."""

    def read_ledger(self, today: date) -> None:
        """Takes the lines that are new since the last look."""
        entry = ReminderEntry
        query = (
            select(entry, Mail.message_id, Account.email)
            .outerjoin(Mail, entry.mail_id == Mail.id)
            .join(Account, entry.recipient_id == Account.id)
            .where(entry.decided_on >= self.since)
            .order_by(entry.decided_on, entry.due_on, entry.subject, entry.step, Account.email)
        )
        found = db.session.execute(query).all()
        new = [line for line in found if line[0].id not in self.taken]
        self.tally.decide(Decision(_row(entry), entry.outcome, message_id) for entry, message_id, _ in new)
        self._write_down([(entry, email) for entry, _, email in new])
        self.since = today - timedelta(days=1)  # a programme's local day may be the one before the city's
        self.taken = {entry.id for entry, *_ in found if entry.decided_on >= self.since}

    def _write_down(self, lines: Sequence[tuple[ReminderEntry, str]]) -> None:
        if self.ledger_file is None or not lines:
            return
        with self.ledger_file.open("a", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(
                (
                    entry.decided_on,
                    entry.subject,
                    entry.due_version,
                    entry.step,
                    email,
                    entry.outcome,
                    entry.due_on,
                    KINDS.get(entry.subject.partition(":")[0], engine.Kind.APPROVAL),
                )
                for entry, email in lines
            )

    def look(self, at: datetime) -> None:
        """Finds out what is demanded at this instant."""
        city_day = clock.day_of(at)
        programmes = db.session.scalars(select(Programme).options(_STEPS)).all()
        wishes = _wishes()
        absences = _absences()
        demanded: dict[Row, datetime] = {}
        for day, group in _on_their_days(programmes, city_day, at).items():
            found = self._deadlines(open_deadlines(group, day))
            for programme in group:
                theirs = [deadline for deadline in found if deadline.programme == str(programme.id)]
                steps = _steps(programme)
                for line in rulebook.due_on_day(theirs, steps, self.tally.ledger, day, absences):
                    own = wishes.get(line.person, Wishes())
                    if rulebook.is_wanted(line, own, city_day):
                        leaves_at = clock.at(city_day, own.send_time) if own.send_time else at
                        demanded |= dict.fromkeys(line.rows, max(at, leaves_at))
        self.tally.demand(demanded)

    def _deadlines(self, found: Sequence[engine.Deadline]) -> list[rulebook.Deadline]:
        deadlines: list[rulebook.Deadline] = []
        for one in found:
            if one.due_on is None:
                continue
            self.tally.deadlines.add((one.subject, one.version, one.due_on))
            places = (one.values, one.page.values)
            self.tally.links[one.subject] = tuple(frozenset(place.values()) for place in places)
            people = {part: tuple(map(str, one.recipients[part])) for part in Audience}
            deadlines.append(
                rulebook.Deadline(
                    kind=one.kind,
                    subject=one.subject,
                    version=one.version,
                    due_on=one.due_on,
                    programme=str(one.programme_id),
                    leads=people[Audience.PROJECT_LEAD],
                    deputies=people[Audience.DEPUTY],
                    heads=people[Audience.DEPARTMENT_HEAD],
                    coordinators=people[Audience.COORDINATOR],
                    administrators=people[Audience.ADMINISTRATOR],
                )
            )
        return deadlines


_STEPS = selectinload(Programme.steps).selectinload(ReminderStep.named)


def _on_their_days(programmes: Sequence[Programme], city_day: date, at: datetime) -> dict[date, list[Programme]]:
    """The programmes whose send time has come on this city day, by their local day."""
    groups: dict[date, list[Programme]] = {}
    for programme in programmes:
        sending = rulebook.sends_on(
            rulebook.Programme(programme.key, (), programme.send_time, programme.zone), city_day, at
        )
        if sending and sending[1] <= at:
            groups.setdefault(sending[0], []).append(programme)
    return groups


def _steps(programme: Programme) -> list[rulebook.Step]:
    return [
        rulebook.Step(
            key=step.key,
            offset=step.offset_days,
            parts=frozenset(step.recipients),
            every=step.repeat_days,
            working_days=step.working_days,
            named=tuple(str(account.id) for account in step.named if account.active),
        )
        for step in programme.steps
    ]


def _absences() -> list[rulebook.Absence]:
    query = select(Absence).options(joinedload(Absence.deputy)).order_by(Absence.from_on, Absence.id)
    return [
        rulebook.Absence(str(row.account_id), row.from_on, row.until_on, str(row.deputy_id), row.deputy_only)
        for row in db.session.scalars(query)
        if row.deputy.active
    ]


def _wishes() -> dict[str, Wishes]:
    return {
        str(row.account_id): Wishes(frozenset(row.weekdays), row.send_time, row.paused_until_on, row.wants_optional)
        for row in db.session.scalars(select(ReminderPreference))
    }


def _row(entry: ReminderEntry) -> Row:
    return (entry.subject, entry.due_version, entry.step, str(entry.recipient_id))


def watch(pipe: Connection, settings: Settings, ledger_file: Path | None) -> None:
    """The watching process: answers each request in the order in which they come."""
    signal(SIGINT, SIG_IGN)  # Ctrl-C is for the replay, which then hangs up
    watcher = Watcher(ledger_file)
    with app.create_app(settings).app_context():
        gc.freeze()  # as in the replay
        pipe.send(None)
        while True:
            try:
                order: Read | Look | End = pipe.recv()
            except EOFError:
                return
            watcher.read_ledger(clock.day_of(order.at))
            if order.whole_day_from:
                watcher.tally.end_whole_day(order.whole_day_from)
            if isinstance(order, Look):
                pipe.send(None)  # from here on the reading stands: the sweep may begin
                watcher.look(order.at)
            elif isinstance(order, Read):
                pipe.send(None)
            else:
                pipe.send(watcher.tally.close(order.arrivals, order.crashed))
            db.session.remove()


@dataclass
class Auditor:
    """The watching process as the replay sees it."""

    pipe: Connection

    def look(self, at: datetime, whole_day_from: datetime | None = None) -> None:
        """Has it look; returns as soon as the database may change again."""
        self.pipe.send(Look(at, whole_day_from))
        self.pipe.recv()

    def read(self, at: datetime) -> None:
        """Has it read the ledger, which a sweep has just written."""
        self.pipe.send(Read(at))
        self.pipe.recv()

    def count(self, order: End) -> Counts:
        """The sum of all it saw."""
        self.pipe.send(order)
        counts: Counts = self.pipe.recv()
        return counts


@contextmanager
def auditor(settings: Settings, ledger_file: Path | None) -> Iterator[Auditor]:
    """The watching process, for as long as the context lasts."""
    if ledger_file is not None:
        with ledger_file.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerow(COLUMNS)
    spawn = get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=watch, args=(theirs, settings, ledger_file), daemon=True)
    process.start()
    theirs.close()
    try:
        ours.recv()
        yield Auditor(ours)
    finally:
        ours.close()
        process.join(10)
        if process.is_alive():
            process.kill()
        process.close()
