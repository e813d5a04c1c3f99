"""The replay: hour by hour the people act, and the real sweep and the real delivery run, with faults."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import exists, select

from app.core import clock
from app.core.database import db
from app.core.transaction import reading, transaction
from app.mail.delivery import deliver_batch
from app.mail.message import Written
from app.mail.models import Mail, MailState
from app.mail.queries import list_dead
from app.mail.transport import Transport
from app.operations import service as operations
from app.organisations.permissions import Role
from app.programmes.models import Programme
from app.reminders import service as reminders
from app.simulation import scenes
from app.simulation.cast import Cast, do, people_with
from app.simulation.faults import HOUR, CrashPoint, Faults, Rates
from app.simulation.sandbox import fill, sandbox
from app.simulation.sink import Server, closed_port, mail_server
from app.simulation.tally import Counts
from app.simulation.watcher import Auditor, End, auditor
from config import Settings

LIMIT = 1000
OPERATOR_COMES = 8
"""The local hour of a working day in which what could not be delivered is sent again."""
LAST_HOURS = 200
"""Hours without faults in which what still waits is delivered at the end."""


class Crash(BaseException):
    """The process ends here and now; like SIGKILL, and unlike an error, nothing in it can catch that."""


@dataclass(frozen=True)
class Course:
    """What is replayed: from the first to the last city day, with the faults of a seed."""

    first_day: date
    last_day: date
    seed: int
    rates: Rates
    files: Sequence[Path]
    ledger_file: Path | None = None

    @property
    def begins(self) -> datetime:
        """The first tick, in UTC."""
        return clock.start_of(self.first_day)

    @property
    def days(self) -> Iterator[date]:
        """The city days, one after the other."""
        for number in range((self.last_day - self.first_day).days + 1):
            yield self.first_day + timedelta(days=number)

    def hours_of(self, day: date) -> Sequence[datetime]:
        """The ticks of a city day, in UTC: 24, where clocks change one more or less."""
        begins, ends = clock.start_of(day), clock.start_of(day + timedelta(days=1))
        return [begins + number * HOUR for number in range((ends - begins) // HOUR)]


@dataclass(frozen=True)
class Result:
    """What a replay comes to."""

    ticks: int
    counts: Counts
    seconds: float

    @property
    def is_sound(self) -> bool:
        """Whether nothing was lost, nothing repeated and nothing said without reason."""
        return not (self.counts.lost or self.counts.repeated or self.counts.unfounded)

    def answer(self) -> dict[str, Any]:
        """The result as `flask simulate --json` prints it."""
        counts = self.counts
        return {
            "ticks": self.ticks,
            "deadlines": counts.deadlines,
            "due": counts.due,
            "mailed": counts.mailed,
            "superseded": counts.superseded,
            "lost": counts.lost,
            "repeated": counts.repeated,
            "repeated_after_crash": counts.repeated_after_crash,
            "worst_delay_hours": counts.worst_delay_hours,
            "seconds": round(self.seconds, 1),
        }


class FaultyTransport(Transport):
    """The real transport, whose process may crash under a mail, and whose server may be away."""

    def __init__(self, settings: Settings, faults: Faults, hour: datetime, crashed: list[str]) -> None:
        super().__init__(settings.mail_server, settings.mail_from, settings.mail_bounces)
        self.faults = faults
        self.hour = hour
        self.crashed = crashed
        self.spared: set[str] = set()

    def send(self, mail: Written) -> None:
        """Hands one mail over, unless the process ends before that or right after it."""
        letter = f"{mail.to_address} {mail.subject}"
        point = None if mail.message_id in self.spared else self.faults.crash_of(letter, self.hour)
        self.spared.add(mail.message_id)
        if point is CrashPoint.BEFORE_HANDING_OVER:
            raise Crash
        super().send(mail)
        if point is CrashPoint.AFTER_THE_OK:
            self.crashed.append(mail.message_id)
            raise Crash


@dataclass
class Replay:
    """A replay under way. `steps` goes from hour to hour; whoever takes them one by one may look at the database in
    between, or break something in it."""

    course: Course
    settings: Settings
    sink: Server
    auditor: Auditor
    closed_port: int
    cast: Cast
    faults: Faults
    crashed: list[str] = field(default_factory=list)
    """The Message-IDs of mails after whose OK a delivery was cut off."""
    whole_day_from: datetime | None = None
    """When the day began that is just over, where nothing stood still on it."""

    def steps(self) -> Iterator[datetime]:
        """Lives through one hour after the other."""
        with clock.standing_at(self.course.begins):
            self.cast.arrive(self.course.begins)
        down = frozenset(self.faults.hours_down(self.course.begins, clock.start_of(self.course.last_day)))
        looks = _look_hours(self.course)
        for day in self.course.days:
            acts_in = None if day == self.course.last_day else self.cast.acts_in(day)
            if day == self.course.last_day:
                self._heal()
            hours = self.course.hours_of(day)
            is_whole = down.isdisjoint(hours)
            for hour in hours:
                with clock.standing_at(hour):
                    local_hour = hour.astimezone(clock.CITY_ZONE).hour
                    is_busy = local_hour == acts_in
                    if is_busy:
                        scenes.act(self.cast, hour)
                    if local_hour == OPERATOR_COMES:
                        _send_again(hour)
                    if is_busy or hour in looks:
                        self._look(hour)
                    is_swept = hour not in down and self._work(hour)
                yield hour
            self.whole_day_from = hours[0] if is_whole and is_swept else None
            db.session.remove()

    def finish(self) -> Counts:
        """Delivers what still waits, and has it counted. The last day was without faults, and so is this."""
        hour = self.course.hours_of(self.course.last_day)[-1]
        for _ in range(LAST_HOURS):
            hour += HOUR
            with clock.standing_at(hour):
                _send_again(hour)
                self._deliver(hour, run=0)
                if not _is_anything_waiting():
                    break
        begins = clock.start_of(self.course.last_day)
        return self.auditor.count(End(hour, begins, self.sink.arrivals, self.crashed))

    def _heal(self) -> None:
        """From now on nothing fails any more."""
        self.faults = Faults(self.course.seed, Rates())
        self.sink.heal()

    def _look(self, hour: datetime) -> None:
        self.auditor.look(hour, self.whole_day_from)
        self.whole_day_from = None

    def _work(self, hour: datetime) -> bool:
        """What beat and worker do in an hour. Whether a sweep came to its end."""
        swept = [self._sweep(hour, run) for run in range(self.faults.runs("sweep", hour))]
        for run in range(self.faults.runs("delivery", hour)):
            self._deliver(hour, run)
        return any(swept)

    def _sweep(self, hour: datetime, run: int) -> bool:
        is_cut_off = self.faults.cuts_off_sweep(hour, run)
        written = 0
        if reminders.is_time(hour):
            with suppress(Crash), transaction():
                written = reminders.sweep_all(hour)
                if is_cut_off:
                    raise Crash
        if written and not is_cut_off:
            self.auditor.read(hour)
        return not is_cut_off

    def _deliver(self, hour: datetime, run: int) -> None:
        """Delivers, and begins anew where a crash cut it off: whoever watches a worker starts another one."""
        transport = FaultyTransport(self.settings, self.faults, hour, self.crashed)
        if self.faults.refuses_connection(hour, run):
            transport.server = replace(transport.server, port=self.closed_port)
        while True:
            try:
                deliver_batch(transport, LIMIT)
            except Crash:
                continue
            return


def _look_hours(course: Course) -> frozenset[datetime]:
    """The hours in which a programme's send time of the day has come: then something new may be due."""
    columns = select(Programme.send_time, Programme.time_zone).distinct()
    with reading():
        times = [(send_time, ZoneInfo(zone)) for send_time, zone in db.session.execute(columns)]
    instants = {clock.at(day, send_time, zone) for day in course.days for send_time, zone in times}
    return frozenset(course.begins + -((course.begins - instant) // HOUR) * HOUR for instant in instants)


def _send_again(now: datetime) -> None:
    """The operator sends again what could not be delivered."""
    with reading():
        is_anything_dead = bool(list_dead())
    if is_anything_dead:
        do(people_with(Role.ADMINISTRATOR)[0], now, partial(operations.resend_all, now=now))


def _is_anything_waiting() -> bool:
    with reading():
        return bool(db.session.scalar(select(exists().where(Mail.state != MailState.SENT))))


@contextmanager
def replaying(course: Course) -> Iterator[Replay]:
    """A replay that is about to begin: its city imported, its mail server and its auditor at work.

    Raises:
        UnsoundData: where the city cannot be imported.
    """
    faults = Faults(course.seed, course.rates)
    with mail_server(faults) as sink, closed_port() as closed, sandbox(sink.port) as flask:
        settings: Settings = flask.config["SETTINGS"]
        fill(course.files, course.first_day)
        gc.freeze()  # what there is by now stays to the end: nobody need look for rubbish in it
        with auditor(settings, course.ledger_file) as watching:
            yield Replay(course, settings, sink, watching, closed, Cast(course.seed), faults)


def replay(course: Course, tell: Callable[[date], None] = lambda day: None) -> Result:
    """Replays it all; `tell` is called with each month that begins.

    Raises:
        UnsoundData: where the city cannot be imported.
    """
    began = monotonic()
    ticks = 0
    with replaying(course) as under_way:
        for hour in under_way.steps():
            ticks += 1
            day = clock.day_of(hour)
            if day.day == 1 and hour == clock.start_of(day):
                tell(day)
        counts = under_way.finish()
    return Result(ticks, counts, monotonic() - began)
