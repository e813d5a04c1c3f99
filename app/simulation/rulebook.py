"""The rules of reminding written down a second time: the oracle against which the engine is checked. Pure.

It is naive, slow and obvious on purpose, and it knows nothing of the engine: no table, no rule and no calendar of
the application is imported. People, programmes and deadlines are plain names. Holidays are those of North
Rhine-Westphalia.

The rules are those of the product's promise:

- A deadline is its subject in one version. Moving its due day makes a new version.
- A step comes so many calendar or working days before (negative) or after its deadline; where that is no working day,
  on the working day before it, or after the due day on the one after it. With `every` it comes again every so many
  days: under its own key, then `key#2`, `key#3` …
- On a programme's local day a step is due for a person when its day has come, the deadline is open and the ledger has
  no row for (subject, version, step, person). Of several the latest (by day, then offset, then key) is mailed, the
  rest are superseded.
- A step calls people by their part. Nobody in it: the head of the unit, then the coordination, then the
  administration; where a lead has no deputy, the lead. A step that only calls named people who are all gone calls the
  head.
- A word to somebody who is away reaches their deputy as well, or only. A deputy who is away has a deputy too. Where
  that leads in a circle it is the person themselves; a deputy whose account is closed stands in for nobody. Of two
  absences of one person on the same day the one that began later counts.

What the promise leaves open is decided so:

- The day of a mail is the city's, whatever zones its programmes are in: a programme belongs to the city day on which
  its send time falls. There is one mail for a person and city day, the most urgent first.
- It leaves when the last of the programmes sends that have something for the person, and not before the person's own
  time. Who had theirs is told the rest the next day.
- A programme's day is planned by the first sweep at or after its send time, together with those that send later and
  those that still wait. If all it says could be said, the day is closed: what is entered then is said the next day.
  Otherwise it waits: until the first of its mails leaves, or, where one could not be written, until the next sweep.
- Obligations, and every step after the due day, are legally due and cannot be switched off. All else waits for a day
  that the person wants. Whoever wants mail on all five working days also takes it on a Sunday after an outage.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

CITY = ZoneInfo("Europe/Berlin")
ONE_DAY = timedelta(days=1)

# -- working days --------------------------------------------------------------------------------------------------


def easter_sunday(year: int) -> date:
    """Easter Sunday, by Gauss's formula as Lichtenberg completed it; the letters are theirs."""
    k = year // 100
    m = 15 + (3 * k + 3) // 4 - (8 * k + 13) // 25
    s = 2 - (3 * k + 3) // 4
    a = year % 19
    d = (19 * a + m) % 30
    r = (d + a // 11) // 29
    full_moon = 21 + d - r  # counted as a day of March, like what follows
    first_sunday = 7 - (year + year // 4 + s) % 7
    return date(year, 3, 1) + timedelta(days=full_moon + 7 - (full_moon - first_sunday) % 7 - 1)


@cache
def holidays_nw(year: int) -> frozenset[date]:
    """The public holidays of North Rhine-Westphalia (Feiertagsgesetz NW, § 2), from 1991 on."""
    easter = easter_sunday(year)
    days = {
        date(year, 1, 1),  # Neujahrstag
        easter - timedelta(days=2),  # Karfreitag
        easter + timedelta(days=1),  # Ostermontag
        date(year, 5, 1),  # Tag des Bekenntnisses zu Freiheit und Frieden
        easter + timedelta(days=39),  # Christi-Himmelfahrts-Tag
        easter + timedelta(days=50),  # Pfingstmontag
        easter + timedelta(days=60),  # Fronleichnamstag
        date(year, 10, 3),  # Tag der Deutschen Einheit
        date(year, 11, 1),  # Allerheiligentag
        date(year, 12, 25),
        date(year, 12, 26),
    }
    if year < 1995:
        days.add(_wednesday_before(date(year, 11, 23)))  # Buß- und Bettag
    if year == 2017:
        days.add(date(2017, 10, 31))  # 500 years of Reformation
    return frozenset(days)


def _wednesday_before(day: date) -> date:
    day -= ONE_DAY
    while day.weekday() != 2:
        day -= ONE_DAY
    return day


def is_working_day(day: date) -> bool:
    """Monday to Friday without the public holidays."""
    return day.weekday() not in (5, 6) and day not in holidays_nw(day.year)


def working_days_later(day: date, count: int) -> date:
    """The day that many working days after `day`; before it where `count` is negative."""
    while count > 0:
        day += ONE_DAY
        if is_working_day(day):
            count -= 1
    while count < 0:
        day -= ONE_DAY
        if is_working_day(day):
            count += 1
    return day


# -- what there is -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """A rung of a ladder. It calls the `named` and whoever has one of the `parts`: project_lead, deputy,
    department_head, coordinator, administrator."""

    key: str
    offset: int
    parts: frozenset[str]
    every: int | None = None
    working_days: bool = False
    named: tuple[str, ...] = ()


@dataclass(frozen=True)
class Programme:
    """A programme; `send_time` is local in `zone`."""

    name: str
    steps: tuple[Step, ...]
    send_time: time = time(7)
    zone: ZoneInfo = CITY


@dataclass(frozen=True)
class Deadline:
    """A deadline that is open. The people are those whose account is open."""

    kind: str
    subject: str
    version: int
    due_on: date
    programme: str
    leads: tuple[str, ...] = ()
    deputies: tuple[str, ...] = ()
    heads: tuple[str, ...] = ()
    coordinators: tuple[str, ...] = ()
    administrators: tuple[str, ...] = ()

    def people(self, part: str) -> tuple[str, ...]:
        """Whoever has a part, or takes it over where nobody has it."""
        if part == "project_lead":
            return self.leads or self.people("department_head")
        if part == "deputy":
            return self.deputies or self.people("project_lead")
        if part == "department_head":
            return self.heads or self.people("coordinator")
        if part == "coordinator":
            return self.coordinators or self.administrators
        return self.administrators or self.coordinators


@dataclass(frozen=True)
class Absence:
    """Somebody is away from the first to the last day; whoever writes to them writes to the deputy as well, or with
    `only` instead."""

    person: str
    from_on: date
    until_on: date
    deputy: str
    only: bool = False


@dataclass(frozen=True)
class Wishes:
    """How somebody wants to be reminded: on which weekdays (0 is Monday), not before which city time, not until and
    with which day, and without `optional` of nothing that can be switched off."""

    weekdays: frozenset[int] = frozenset({0, 1, 2, 3, 4})
    send_time: time | None = None
    paused_until: date | None = None
    optional: bool = True


# -- what is due ---------------------------------------------------------------------------------------------------

Row = tuple[str, int, str, str]
"""A row of the ledger: subject, version, step, person."""


@dataclass(frozen=True)
class Coming:
    """A step comes, for the first time or once more."""

    day: date
    offset: int
    key: str
    step: Step


@dataclass(frozen=True)
class Line:
    """What one person is told about one deadline on a programme's local day: one step, the others superseded.

    `in_place_of` are those whom the person stands in for; nobody where the step calls them themselves.
    """

    person: str
    deadline: Deadline
    step: Step
    key: str
    superseded: tuple[str, ...]
    day: date
    in_place_of: frozenset[str]

    @property
    def is_legally_due(self) -> bool:
        """Whether nobody can switch it off."""
        return self.deadline.kind == "obligation" or self.step.offset > 0

    @property
    def rows(self) -> list[Row]:
        """What the ledger holds when it has been said."""
        keys = (*self.superseded, self.key)
        return [(self.deadline.subject, self.deadline.version, key, self.person) for key in keys]


def step_day(step: Step, due_on: date, number: int = 1) -> date:
    """The day on which a step comes for the `number`th time."""
    offset = step.offset + (number - 1) * (step.every or 0)
    day = working_days_later(due_on, offset) if step.working_days else due_on + timedelta(days=offset)
    while not is_working_day(day):
        day += ONE_DAY if offset > 0 else -ONE_DAY
    return day


def step_days(step: Step, due_on: date, until: date) -> list[Coming]:
    """All the days on which a step has come by then."""
    comings: list[Coming] = []
    number = 1
    while (day := step_day(step, due_on, number)) <= until:
        key = step.key if number == 1 else f"{step.key}#{number}"
        comings.append(Coming(day, step.offset + (number - 1) * (step.every or 0), key, step))
        if step.every is None:
            break
        number += 1
    return comings


def reached(person: str, day: date, absences: Iterable[Absence]) -> set[str]:
    """Who reads a word to this person on that day."""
    of_the_day = [row for row in absences if row.from_on <= day <= row.until_on]
    away = {row.person: row for row in sorted(of_the_day, key=lambda row: row.from_on)}
    readers: set[str] = set()
    asked: set[str] = set()
    now = person
    while now not in asked:
        asked.add(now)
        if now not in away:
            readers.add(now)
            break
        if not away[now].only:
            readers.add(now)
        now = away[now].deputy
    return readers or {person}


def called(step: Step, deadline: Deadline) -> set[str]:
    """Whom a step calls for a deadline, wherever they are."""
    people = {person for part in step.parts for person in deadline.people(part)} | set(step.named)
    return people or set(deadline.people("department_head"))


def due_on_day(
    deadlines: Iterable[Deadline],
    steps: Sequence[Step],
    ledger: Collection[Row],
    day: date,
    absences: Collection[Absence] = (),
) -> list[Line]:
    """What is due on a programme's local day, for every person."""
    lines: list[Line] = []
    for deadline in deadlines:
        comings = [coming for step in steps for coming in step_days(step, deadline.due_on, day)]
        readers = {
            step: {person: reached(person, day, absences) for person in called(step, deadline)} for step in steps
        }
        everybody = {one for people in readers.values() for reading in people.values() for one in reading}
        for person in sorted(everybody):
            new = [
                coming
                for coming in comings
                if any(person in reading for reading in readers[coming.step].values())
                and (deadline.subject, deadline.version, coming.key, person) not in ledger
            ]
            if not new:
                continue
            new.sort(key=lambda coming: (coming.day, coming.offset, coming.key))
            last = new[-1]
            callers = frozenset(one for one, reading in readers[last.step].items() if person in reading)
            lines.append(
                Line(
                    person=person,
                    deadline=deadline,
                    step=last.step,
                    key=last.key,
                    superseded=tuple(coming.key for coming in new[:-1]),
                    day=day,
                    in_place_of=frozenset() if person in callers else callers,
                )
            )
    return lines


# -- what is sent --------------------------------------------------------------------------------------------------


@dataclass
class World:
    """All that a sweep finds. Nobody can write the mail of the `unwritable`, a fault."""

    programmes: list[Programme]
    deadlines: list[Deadline]
    absences: list[Absence] = field(default_factory=list)
    wishes: dict[str, Wishes] = field(default_factory=dict)
    unwritable: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Mail:
    """The mail of a person and city day, the most urgent first, and when it may leave."""

    person: str
    day: date
    leaves_at: datetime
    lines: tuple[Line, ...]


@dataclass
class Book:
    """All that has been done: the rows of the ledger, who had their mail of a day, and the programmes' days that have
    been planned, each with the instant until which it waits, None: it is closed."""

    ledger: set[Row] = field(default_factory=set)
    had_mail: set[tuple[str, date]] = field(default_factory=set)
    planned: dict[tuple[str, date], datetime | None] = field(default_factory=dict)


def sends_on(programme: Programme, city_day: date, now: datetime) -> tuple[date, datetime] | None:
    """The programme's local day whose send time falls on a city day, and that instant; None where none does.

    Of two, as they happen where clocks change, the later one that is past, else the first.
    """
    found: list[tuple[date, datetime]] = []
    for local_day in (city_day - ONE_DAY, city_day, city_day + ONE_DAY):
        instant = datetime.combine(local_day, programme.send_time, programme.zone).astimezone(UTC)
        if instant.astimezone(CITY).date() == city_day:
            found.append((local_day, instant))
    past = [one for one in found if one[1] <= now]
    return past[-1] if past else found[0] if found else None


def is_wanted(line: Line, wishes: Wishes, city_day: date) -> bool:
    """Whether a line is said on that day."""
    if line.is_legally_due:
        return True
    if not wishes.optional:
        return False
    if wishes.paused_until is not None and city_day <= wishes.paused_until:
        return False
    return len(wishes.weekdays) == 5 or city_day.weekday() in wishes.weekdays


def mail_for(
    person: str, lines: Iterable[Line], wishes: Wishes, city_day: date, instants: dict[str, datetime]
) -> Mail | None:
    """A person's mail of a city day, None where there is nothing to say."""
    said = [line for line in lines if is_wanted(line, wishes, city_day)]
    if not said:
        return None
    leaves_at = max(instants[line.deadline.programme] for line in said)
    if wishes.send_time is not None:
        leaves_at = max(leaves_at, datetime.combine(city_day, wishes.send_time, CITY).astimezone(UTC))
    urgent_first = sorted(said, key=lambda line: (line.deadline.due_on, line.deadline.subject))
    return Mail(person, city_day, leaves_at, tuple(urgent_first))


def sweep(book: Book, world: World, now: datetime) -> list[Mail]:
    """What is sent by a sweep at this instant, and noted in the book."""
    city_day = now.astimezone(CITY).date()
    swept: dict[str, date] = {}
    instants: dict[str, datetime] = {}
    lines: list[Line] = []
    for programme in world.programmes:
        sending = sends_on(programme, city_day, now)
        if sending is None:
            continue
        day, instant = sending
        is_planned = (programme.name, day) in book.planned
        waits_until = book.planned.get((programme.name, day))
        if is_planned and waits_until is None:
            continue
        if instant <= now and (not is_planned or (waits_until is not None and waits_until <= now)):
            swept[programme.name] = day
        instants[programme.name] = instant
        theirs = [deadline for deadline in world.deadlines if deadline.programme == programme.name]
        lines += due_on_day(theirs, programme.steps, book.ledger, day, world.absences)
    if not swept:
        return []
    look_again: dict[str, list[datetime]] = {name: [] for name in instants}
    sent: list[Mail] = []
    for mail in _mails(book, world, lines, city_day, instants):
        if mail.leaves_at <= now and mail.person not in world.unwritable:
            sent.append(mail)
            continue
        for line in mail.lines:
            look_again[line.deadline.programme].append(max(mail.leaves_at, now))
    for mail in sent:
        book.ledger.update(row for line in mail.lines for row in line.rows)
        book.had_mail.add((mail.person, mail.day))
    for name, day in swept.items():
        book.planned[name, day] = min(look_again[name], default=None)
    return sent


def _mails(
    book: Book, world: World, lines: Sequence[Line], city_day: date, instants: dict[str, datetime]
) -> Iterator[Mail]:
    for person in sorted({line.person for line in lines}):
        if (person, city_day) in book.had_mail:
            continue
        theirs = [line for line in lines if line.person == person]
        mail = mail_for(person, theirs, world.wishes.get(person, Wishes()), city_day, instants)
        if mail:
            yield mail
