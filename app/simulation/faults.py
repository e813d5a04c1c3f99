"""What goes wrong in a replay, drawn from its seed: the same seed, the same faults. Pure.

Every draw hangs on what it is about (an hour, a letter) and on nothing that happened before it, so that neither the
order of two mails nor a random key changes what comes after.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import blake2b
from random import Random

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SHORTEST_OUTAGE, LONGEST_OUTAGE = 2, 72
"""Hours for which beat and worker stand still."""


@dataclass(frozen=True)
class Rates:
    """How often each fault happens, from 0 to 1: an outage for each day, a double run for each tick, a failure for
    each mail handed over and each connection, a crash for each sweep and each mail handed over."""

    outage: float = 0.0
    double: float = 0.0
    smtp_failure: float = 0.0
    crash: float = 0.0


class Answer(StrEnum):
    """What the mail server does with a mail."""

    TAKEN = "taken"
    LATER = "4xx"
    NEVER = "5xx"
    HANGS_UP = "hangs up before the OK"


class CrashPoint(StrEnum):
    """Where the delivery of a mail is cut off."""

    BEFORE_HANDING_OVER = "before"
    AFTER_THE_OK = "after"


def share(seed: int, *what: object) -> float:
    """A number from 0 up to 1 that hangs on the seed and on what it is drawn for."""
    name = "\x1f".join(map(str, (seed, *what)))
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest()) / 2**64


def dice(seed: int, *what: object) -> Random:
    """A source of many draws, for one purpose."""
    return Random("\x1f".join(map(str, (seed, *what))))


@dataclass(frozen=True)
class Faults:
    """The faults of one replay."""

    seed: int
    rates: Rates

    def hours_down(self, first: datetime, until: datetime) -> Iterator[datetime]:
        """The hours in which beat and worker stand still, from an hour on and `until` before another."""
        for number in range((until - first) // DAY):
            day = first + number * DAY
            if not self._happens(self.rates.outage, "outage", number):
                continue
            begins = day + int(24 * share(self.seed, "outage begins", number)) * HOUR
            lasts = share(self.seed, "outage lasts", number) ** 2  # more short ones than long ones
            for passed in range(SHORTEST_OUTAGE + int(lasts * (LONGEST_OUTAGE - SHORTEST_OUTAGE + 1))):
                if begins + passed * HOUR < until:
                    yield begins + passed * HOUR

    def runs(self, job: str, hour: datetime) -> int:
        """How often a job runs in an hour: once, or twice."""
        return 2 if self._happens(self.rates.double, "double", job, hour) else 1

    def cuts_off_sweep(self, hour: datetime, run: int) -> bool:
        """Whether a sweep crashes before its commit."""
        return self._happens(self.rates.crash, "sweep", hour, run)

    def refuses_connection(self, hour: datetime, run: int) -> bool:
        """Whether a delivery finds nobody at the mail server's port."""
        return self._happens(self.rates.smtp_failure, "refused", hour, run)

    def crash_of(self, letter: str, hour: datetime) -> CrashPoint | None:
        """Where the delivery of a letter is cut off in an hour, if it is."""
        if not self._happens(self.rates.crash, "delivery", letter, hour):
            return None
        is_after = share(self.seed, "crash point", letter, hour) < 0.5
        return CrashPoint.AFTER_THE_OK if is_after else CrashPoint.BEFORE_HANDING_OVER

    def answer(self, letter: str, times: int) -> Answer:
        """What the mail server does with a letter that it is offered for the `times`th time."""
        if not self._happens(self.rates.smtp_failure, "answer", letter, times):
            return Answer.TAKEN
        kinds = (Answer.LATER, Answer.NEVER, Answer.HANGS_UP)
        return kinds[int(share(self.seed, "kind", letter, times) * len(kinds))]

    def _happens(self, rate: float, *what: object) -> bool:
        return rate > 0 and share(self.seed, *what) < rate
