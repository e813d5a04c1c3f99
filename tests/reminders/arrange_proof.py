"""A town in which anything may happen, kept twice: as rows for the engine, and as plain facts for the oracle.

Every happening changes both by hand. Nothing of the oracle's side is read from the database.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, delete, select

from app.accounts.models import Account
from app.core.database import db
from app.core.localized import Localized
from app.grants.models import Grant, Obligation
from app.mail.models import Mail
from app.measures.models import Measure
from app.milestones.models import Approval, Milestone
from app.organisations.models import Absence, Membership, Unit
from app.organisations.permissions import Role
from app.programmes.models import Programme, ReminderStep
from app.reminders import service
from app.reminders.models import ReminderEntry, ReminderPreference, ReminderRun
from app.simulation import rulebook
from tests.factories import STEPS, add, add_account, add_measure, add_milestone, add_programme, add_unit

PARTS = ("project_lead", "deputy", "department_head", "coordinator", "administrator")
SEND_TIMES = (time(7), time(8, 30), time(9), time(14), time(20), time(0, 30))
ZONES = ("Europe/Berlin", "Atlantic/Azores", "Europe/Helsinki", "America/New_York", "Pacific/Kiritimati")
OWN_TIMES = (None, None, time(6), time(9), time(13, 15), time(21))
APPROVAL_DAYS = 5


@dataclass
class Thing:
    """A milestone or an obligation, and where it stands: open, settled, or `asked_on` for its approval."""

    row: Milestone | Obligation
    measures: tuple[int, ...]
    due_on: date
    version: int = 1
    is_open: bool = True
    asked_on: date | None = None
    asked_by: str | None = None
    approval: Approval | None = None


@dataclass
class Place:
    """A measure: in which programme and unit, whose it is, whether it rests."""

    row: Measure
    programme: int
    unit: int | None
    lead: str | None
    rests: bool = False


@dataclass
class Town:
    """Two programmes with a measure each of the same lead, and one without a lead in unit 2, a part of unit 0."""

    now: datetime
    programmes: list[Programme] = field(default_factory=list)
    steps: list[dict[str, rulebook.Step]] = field(default_factory=list)
    units: list[Unit] = field(default_factory=list)
    people: list[Account] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    grants: list[Grant] = field(default_factory=list)
    things: list[Thing] = field(default_factory=list)
    active: set[str] = field(default_factory=set)
    heads: dict[int, set[str]] = field(default_factory=dict)
    deputies: dict[str, str] = field(default_factory=dict)
    world: rulebook.World = field(default_factory=lambda: rulebook.World([], []))
    book: rulebook.Book = field(default_factory=rulebook.Book)
    happened: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.units = [add_unit("Stabsstelle"), add_unit("Stadtentwicklung")]
        self.units.append(add_unit("Team", parent=self.units[0]))
        for name, role, unit in (
            ("Leitung A", Role.PROJECT_LEAD, None),
            ("Leitung B", Role.PROJECT_LEAD, None),
            ("Kopf A", Role.DEPARTMENT_HEAD, 0),
            ("Kopf B", Role.DEPARTMENT_HEAD, 1),
            ("Koordination", Role.COORDINATOR, None),
            ("Koordination zwei", Role.COORDINATOR, None),
            ("Administration", Role.ADMINISTRATOR, None),
        ):
            account = add_account(name, role, unit=None if unit is None else self.units[unit])
            self.people.append(account)
            self.active.add(str(account.id))
            if unit is not None:
                self.heads[unit] = {str(account.id)}
        for _ in range(2):
            self.programmes.append(add_programme(approval_days=APPROVAL_DAYS))
            self.steps.append(
                {key: rulebook.Step(key, offset, frozenset(parts), every) for key, offset, every, parts in STEPS}
            )
        for programme, unit, lead in ((0, 0, 0), (1, 1, 0), (0, 2, None)):
            row = add_measure(
                self.programmes[programme],
                unit=self.units[unit],
                lead=None if lead is None else self.people[lead],
                status="approved",
            )
            self.places.append(Place(row, programme, unit, None if lead is None else str(self.people[lead].id)))
        for programme in range(2):
            measures = [place.row for place in self.places if place.programme == programme]
            grant = Grant(
                programme=self.programmes[programme], key="grant", title=Localized("Zuwendung"), measures=measures
            )
            self.grants.append(add(grant))

    # -- what happens

    def enter_milestone(self, place: int, days: int) -> None:
        spot = self.places[place % len(self.places)]
        due_on = self.today + timedelta(days=days)
        row = add_milestone(spot.row, due_on, title=self._title())
        self.things.append(Thing(row, (self.places.index(spot),), due_on))

    def enter_obligation(self, programme: int, days: int) -> None:
        due_on = self.today + timedelta(days=days)
        grant = self.grants[programme]
        row = Obligation(grant=grant, key=f"o{len(self.things)}", kind="report", title=self._title(), due_on=due_on)
        measures = tuple(number for number, place in enumerate(self.places) if place.programme == programme)
        self.things.append(Thing(add(row), measures, due_on))

    def move(self, number: int, days: int) -> None:
        thing = self._thing(number)
        if thing and thing.is_open and not thing.asked_on:
            thing.due_on += timedelta(days=days)
            thing.version += 1
            if isinstance(thing.row, Milestone):
                thing.row.planned_on = thing.due_on
            else:
                thing.row.due_on = thing.due_on
            thing.row.due_version = thing.version

    def settle(self, number: int, *, dropped: bool) -> None:
        thing = self._thing(number)
        if thing and thing.is_open and not thing.asked_on:
            thing.is_open = False
            if isinstance(thing.row, Obligation):
                thing.row.done_on = self.today
            elif dropped:
                thing.row.dropped_at, thing.row.drop_reason = self.now, "entfällt"
            else:
                thing.row.approved_at, thing.row.actual_on = self.now, self.today

    def reopen(self, number: int) -> None:
        thing = self._thing(number)
        if thing and not thing.is_open:
            thing.is_open = True
            if isinstance(thing.row, Obligation):
                thing.row.done_on = None
            else:
                thing.row.approved_at = thing.row.actual_on = thing.row.dropped_at = thing.row.drop_reason = None

    def ask_approval(self, number: int, who: int) -> None:
        thing = self._thing(number)
        if thing and isinstance(thing.row, Milestone) and thing.is_open and not thing.asked_on:
            zone = self.programmes[self.places[thing.measures[0]].programme].zone
            thing.asked_on, thing.asked_by = self.now.astimezone(zone).date(), str(self.people[who].id)
            thing.approval = add(
                Approval(
                    milestone=thing.row,
                    submitted_by=self.people[who],
                    submitted_at=self.now,
                    actual_on=self.today,
                    statement="Erreicht",
                )
            )

    def return_approval(self, number: int) -> None:
        thing = self._thing(number)
        if thing and thing.approval:
            other = next(one for one in self.people if str(one.id) != thing.asked_by)
            thing.approval.decision, thing.approval.reason = "returned", "Nachweis fehlt"  # type: ignore[assignment]
            thing.approval.decided_by_id, thing.approval.decided_at = other.id, self.now
            thing.asked_on = thing.asked_by = thing.approval = None

    def rest(self, place: int, rests: bool) -> None:
        spot = self.places[place]
        spot.rests, spot.row.status = rests, "paused" if rests else "approved"

    def set_lead(self, place: int, who: int | None) -> None:
        spot = self.places[place]
        spot.row.lead = None if who is None else self.people[who]
        spot.lead = None if who is None else str(self.people[who].id)

    def set_head(self, unit: int, who: int | None) -> None:
        """Nobody but this person heads the unit."""
        db.session.execute(
            delete(Membership).where(
                Membership.unit_id == self.units[unit].id, Membership.role == Role.DEPARTMENT_HEAD
            )
        )
        self.heads[unit] = set()
        if who is not None:
            account = self.people[who]
            add(Membership(account_id=account.id, role=Role.DEPARTMENT_HEAD, unit=self.units[unit]))
            self.heads[unit] = {str(account.id)}

    def open_account(self, who: int, is_open: bool) -> None:
        """The administration stays, or there would be nobody."""
        account = self.people[who]
        if who < 6:
            account.active = is_open
            (self.active.add if is_open else self.active.discard)(str(account.id))

    def set_deputy(self, who: int, deputy: int | None) -> None:
        account = self.people[who]
        self.deputies.pop(str(account.id), None)
        account.deputy = None if deputy is None or deputy == who else self.people[deputy]
        if account.deputy:
            self.deputies[str(account.id)] = str(account.deputy.id)

    def go_away(self, who: int, start: int, days: int, deputy: int, only: bool) -> None:
        if who == deputy:
            return
        from_on = self.today + timedelta(days=start)
        until_on = from_on + timedelta(days=days)
        person, stand_in = self.people[who], self.people[deputy]
        if any(row.person == str(person.id) and row.from_on == from_on for row in self.world.absences):
            return
        add(
            Absence(
                account_id=person.id,
                from_on=from_on,
                until_on=until_on,
                deputy_id=stand_in.id,
                deputy_only=only,
                entered_at=self.now,
            )
        )
        self.world.absences.append(rulebook.Absence(str(person.id), from_on, until_on, str(stand_in.id), only))

    def wish(self, who: int, weekdays: frozenset[int], own_time: int, pause: int | None, optional: bool) -> None:
        account = self.people[who]
        until = None if pause is None else self.today + timedelta(days=pause)
        row = db.session.get(ReminderPreference, account.id) or ReminderPreference(account_id=account.id)
        row.weekdays, row.send_time = sorted(weekdays), OWN_TIMES[own_time]
        row.paused_until_on, row.wants_optional = until, optional
        add(row)
        self.world.wishes[str(account.id)] = rulebook.Wishes(weekdays, OWN_TIMES[own_time], until, optional)

    def add_step(
        self, programme: int, offset: int, every: int, working_days: bool, parts: frozenset[str], named: int | None
    ) -> None:
        key = f"extra{len(self.steps[programme])}{offset:+}"
        repeat = every if every and offset > 0 else None
        called = [] if named is None else [self.people[named]]
        if (parts or called) and key not in self.steps[programme]:
            self.programmes[programme].steps.append(
                ReminderStep(
                    key=key,
                    offset_days=offset,
                    repeat_days=repeat,
                    working_days=working_days,
                    recipients=sorted(parts),
                    named=called,
                )
            )
            self.steps[programme][key] = rulebook.Step(
                key, offset, parts, repeat, working_days, tuple(str(one.id) for one in called)
            )

    def remove_step(self, programme: int, number: int) -> None:
        if self.steps[programme]:
            key = sorted(self.steps[programme])[number % len(self.steps[programme])]
            del self.steps[programme][key]
            rows = self.programmes[programme].steps
            rows.remove(next(row for row in rows if row.key == key))
            db.session.flush()  # a step that is entered next may have the same key

    def send_at(self, programme: int, send_time: int, zone: int) -> None:
        row = self.programmes[programme]
        row.send_time, row.time_zone = SEND_TIMES[send_time], ZONES[zone]

    def spoil_mail_of(self, who: int, spoilt: bool) -> None:
        """There is no such language to write it in."""
        account = self.people[who]
        account.language = "xx" if spoilt else "de"
        (self.world.unwritable.add if spoilt else self.world.unwritable.discard)(str(account.id))

    # -- time

    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    def sweep(self, minutes: int, *, crashes: bool, twice: bool) -> None:
        """The engine sweeps and so does the oracle; what either says is the same. A crash before the commit leaves
        nothing behind, a second run finds nothing to do."""
        self.wait(minutes)
        db.session.commit()
        if crashes:
            service.sweep_all(self.now)
            db.session.rollback()
        before = set(db.session.scalars(select(ReminderEntry.id)))
        written = service.sweep_all(self.now)
        db.session.commit()
        expected = rulebook.sweep(self.book, self.facts(), self.now)
        self._compare(before, expected)
        assert written == len(expected)
        if twice:
            assert service.sweep_all(self.now) == len(rulebook.sweep(self.book, self.facts(), self.now)) == 0
        self.happened.update(line.key.partition("#")[0] for mail in expected for line in mail.lines)
        self.happened.update(line.deadline.kind for mail in expected for line in mail.lines)
        self.happened.update("superseded" for mail in expected for line in mail.lines if line.superseded)
        self.happened.update("in place of" for mail in expected for line in mail.lines if line.in_place_of)
        self.happened.update("waits" for until in self.book.planned.values() if until)
        self.happened.update(
            "several" for mail in expected if len({one.deadline.programme for one in mail.lines}) > 1
        )

    def days(self, number: int, minutes: int) -> None:
        """So many days, each with one sweep."""
        for _ in range(number):
            self.sweep(24 * 60 + minutes, crashes=False, twice=False)

    @property
    def today(self) -> date:
        """The city's day."""
        return self.now.astimezone(rulebook.CITY).date()

    # -- the oracle's side

    def facts(self) -> rulebook.World:
        """What there is now, in the oracle's words."""
        self.world.programmes = [
            rulebook.Programme(
                str(row.id),
                tuple(
                    rulebook.Step(
                        step.key,
                        step.offset,
                        step.parts,
                        step.every,
                        step.working_days,
                        tuple(one for one in step.named if one in self.active),
                    )
                    for step in self.steps[number].values()
                ),
                row.send_time,
                ZoneInfo(row.time_zone),
            )
            for number, row in enumerate(self.programmes)
        ]
        self.world.deadlines = list(self._deadlines())
        return rulebook.World(
            self.world.programmes, self.world.deadlines, self._present(), self.world.wishes, self.world.unwritable
        )

    def _deadlines(self) -> Iterator[rulebook.Deadline]:
        for thing in self.things:
            places = [self.places[number] for number in thing.measures]
            programme = str(self.programmes[places[0].programme].id)
            is_obligation = isinstance(thing.row, Obligation)
            if not thing.is_open or (places[0].rests and not is_obligation):
                continue
            if thing.asked_on:
                day = self._local_day(places[0].programme)
                approvers = self._reachable_over(places[0].unit, thing.asked_by, day) or self._with_role(4, 5)
                approvers = approvers or self._with_role(6)
                due_on = rulebook.working_days_later(thing.asked_on, APPROVAL_DAYS)
                assert thing.approval
                yield rulebook.Deadline(
                    "approval",
                    f"approval:{thing.approval.id}",
                    due_on.toordinal(),
                    due_on,
                    programme,
                    approvers,
                    self._deputies_of(approvers),
                    approvers,
                    self._with_role(4, 5),
                    self._with_role(6),
                )
                continue
            leads = tuple({place.lead for place in places if place.lead and place.lead in self.active})
            yield rulebook.Deadline(
                "obligation" if is_obligation else "milestone",
                f"{'obligation' if is_obligation else 'milestone'}:{thing.row.id}",
                thing.version,
                thing.due_on,
                programme,
                leads,
                self._deputies_of(leads),
                tuple({head for place in places for head in self._heads_over(place.unit)}),
                self._with_role(4, 5),
                self._with_role(6),
            )

    def _heads_over(self, unit: int | None) -> tuple[str, ...]:
        return next(filter(None, self._levels_over(unit)), ())

    def _levels_over(self, unit: int | None) -> Iterator[tuple[str, ...]]:
        """The heads whose account is open, of the unit and of those above it."""
        for level in {0: (0,), 1: (1,), 2: (2, 0), None: ()}[unit]:
            yield tuple(one for one in self.heads.get(level, ()) if one in self.active)

    def _reachable_over(self, unit: int | None, asked_by: str | None, day: date) -> tuple[str, ...]:
        """The nearest heads a word to whom is read by somebody who may decide: not by `asked_by` alone."""
        for level in self._levels_over(unit):
            read = {one: rulebook.reached(one, day, self._present()) for one in level if one != asked_by}
            if reachable := tuple(one for one in read if read[one] != {asked_by}):
                return reachable
            if read:
                self.happened.add("only who asked stands in")
        return ()

    def _present(self) -> list[rulebook.Absence]:
        """The absences in which somebody stands in: whose account is closed does not."""
        return [row for row in self.world.absences if row.deputy in self.active]

    def _local_day(self, programme: int) -> date:
        """The programme's day that is planned now."""
        mine = next(one for one in self.world.programmes if one.name == str(self.programmes[programme].id))
        sending = rulebook.sends_on(mine, self.today, self.now)
        return sending[0] if sending else self.today

    def _deputies_of(self, leads: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(self.deputies[one] for one in leads if self.deputies.get(one) in self.active)

    def _with_role(self, *numbers: int) -> tuple[str, ...]:
        ids = (str(self.people[number].id) for number in numbers)
        return tuple(one for one in ids if one in self.active)

    # -- the two compared

    def _compare(self, before: set[Any], expected: list[rulebook.Mail]) -> None:
        entries = [row for row in db.session.scalars(select(ReminderEntry)) if row.id not in before]
        mails = {row.id: row for row in db.session.scalars(select(Mail).where(Mail.kind == "reminder"))}
        told = {
            (row.subject, row.due_version, row.step, str(row.recipient_id), row.outcome, row.decided_on, row.due_on)
            for row in entries
        }
        wanted = {
            (*row, "mailed" if row[2] == line.key else "superseded", line.day, line.deadline.due_on)
            for mail in expected
            for line in mail.lines
            for row in line.rows
        }
        assert told == wanted
        assert len(entries) == len(told)
        lines = {(line.deadline.subject, mail.person): (mail, line) for mail in expected for line in mail.lines}
        used = set()
        for row in entries:
            if row.mail_id:
                mail, line = lines[row.subject, str(row.recipient_id)]
                letter = mails[row.mail_id]
                used.add(letter.id)
                assert (str(letter.account_id), letter.created_at) == (mail.person, self.now)
                assert letter.once == f"reminder:{mail.day}:{mail.person}"
                titles = [self._title_of(one.deadline) for one in mail.lines]
                places = [letter.body_text.index(f"{title}\n") for title in titles]
                assert places == sorted(places), "the most urgent first"
                assert [letter.body_text.count(f"{title}\n") for title in titles] == [1] * len(titles)
                if row.for_id:
                    assert str(row.for_id) != str(row.recipient_id)
                elif line.in_place_of:
                    assert any(mail.person in rulebook.called(step, line.deadline) for step in self._ladder(line))
        assert len(used) == len(expected)
        runs = {(str(run.programme_id), run.day): run.next_at for run in db.session.scalars(select(ReminderRun))}
        assert runs == self.book.planned
        assert len({(mail.account_id, mail.once) for mail in mails.values()}) == len(mails)

    def _ladder(self, line: rulebook.Line) -> tuple[rulebook.Step, ...]:
        return next(one.steps for one in self.world.programmes if one.name == line.deadline.programme)

    def _title(self) -> Localized:
        return Localized(f"Nummer {len(self.things):03}")

    def _title_of(self, deadline: rulebook.Deadline) -> str:
        for number, thing in enumerate(self.things):
            key = thing.approval.id if thing.approval else thing.row.id
            if deadline.subject.endswith(str(key)):
                return f"Nummer {number:03}"
        raise AssertionError(deadline.subject)

    def _thing(self, number: int) -> Thing | None:
        return self.things[number % len(self.things)] if self.things else None


@contextmanager
def a_town(now: datetime) -> Iterator[Town]:
    """A new town inside the transaction of a test; what happened in it is taken back."""
    connection = db.engine
    assert isinstance(connection, Connection)
    savepoint = connection.begin_nested()
    try:
        yield Town(now)
    finally:
        db.session.remove()
        savepoint.rollback()


def noon(day: date) -> datetime:
    """Twelve o'clock in the city."""
    return datetime.combine(day, time(12), rulebook.CITY).astimezone(UTC)
