"""Counts what the rules demanded, what was decided and what arrived: nothing lost, nothing repeated. Pure.

It is told at each look what is demanded at that moment, and never how the engine came to what it did.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from app.simulation.rulebook import Row
from app.simulation.sink import Arrival

MAILED = "mailed"


@dataclass(frozen=True)
class Decision:
    """A line of the ledger as it was found. `message_id` is that of its mail, None where it was superseded."""

    row: Row
    outcome: str
    message_id: str | None


@dataclass(frozen=True)
class Counts:
    """What a replay comes to; the names are those of the answer of `flask simulate`."""

    deadlines: int
    due: int
    mailed: int
    superseded: int
    lost: int
    repeated: int
    repeated_after_crash: int
    worst_delay_hours: float
    unfounded: int
    """Reminders said that no rule demanded: the answer names them in words only, for there should be none."""


@dataclass
class Tally:
    """The books of one replay."""

    deadlines: set[tuple[str, int, date]] = field(default_factory=set)
    links: dict[str, tuple[frozenset[str], ...]] = field(default_factory=dict)
    """A subject → what the link of its line holds: the parts of the address of its form, or of its page."""
    open: dict[Row, datetime] = field(default_factory=dict)
    """What is demanded and not decided → since when."""
    since: dict[Row, datetime] = field(default_factory=dict)
    outcomes: dict[Row, str] = field(default_factory=dict)
    mails: dict[Row, list[str]] = field(default_factory=dict)
    lost: set[Row] = field(default_factory=set)
    unfounded: set[Row] = field(default_factory=set)

    @property
    def ledger(self) -> Collection[Row]:
        """All that was ever decided, also where its line has gone since."""
        return self.outcomes.keys()

    def decide(self, decisions: Iterable[Decision]) -> None:
        """Takes new lines of the ledger into the books."""
        for decision in decisions:
            row = decision.row
            if row not in self.outcomes:
                self.outcomes[row] = decision.outcome
                self._found(row)
            if decision.message_id:
                self.mails.setdefault(row, []).append(decision.message_id)

    def _found(self, row: Row) -> None:
        if row in self.open:
            self.since[row] = self.open.pop(row)
        elif row not in self.lost:
            self.unfounded.add(row)

    def demand(self, demanded: Mapping[Row, datetime]) -> None:
        """What the rules demand now, and since when at the earliest. What they no longer do has lapsed: it was done,
        moved, or is not wanted today."""
        self.open = {
            row: self.open.get(row, since) for row, since in demanded.items() if row not in self.lost
        }  # what is lost stays lost, also where it is said later

    def end_whole_day(self, begins: datetime) -> None:
        """A day is over on which nothing stood still: whatever was demanded before it began and is still open is
        lost."""
        for row in [row for row, since in self.open.items() if since <= begins]:
            del self.open[row]
            self.lost.add(row)

    def close(self, arrivals: Iterable[Arrival], crashed: Iterable[str]) -> Counts:
        """The sum of it all. `crashed` are the Message-IDs of mails after whose OK a delivery was cut off."""
        by_mail: dict[str, list[Arrival]] = {}
        for arrival in arrivals:
            by_mail.setdefault(arrival.message_id, []).append(arrival)
        again = {message_id: len(copies) - 1 for message_id, copies in by_mail.items()}
        excused = Counter(crashed)
        after_crash = sum(min(number, excused[message_id]) for message_id, number in again.items())
        repeated = sum(again.values()) - after_crash
        counted = [row for row in self.outcomes if row not in self.lost and row not in self.unfounded]
        mailed: list[Row] = []
        delay = timedelta()
        for row in counted:
            if self.outcomes[row] != MAILED:
                continue
            arrived = {one for one in self.mails[row] if any(self._says(copy, row) for copy in by_mail.get(one, ()))}
            if not arrived:
                continue
            mailed.append(row)
            repeated += len(arrived) - 1
            delay = max(delay, min(copy.at for one in arrived for copy in by_mail[one]) - self.since[row])
        superseded = sum(self.outcomes[row] != MAILED for row in counted)
        lost = len(self.lost) + len(counted) - superseded - len(mailed)
        return Counts(
            deadlines=len(self.deadlines),
            due=len(mailed) + superseded + lost,
            mailed=len(mailed),
            superseded=superseded,
            lost=lost,
            repeated=repeated,
            repeated_after_crash=after_crash,
            worst_delay_hours=round(delay / timedelta(hours=1), 1),
            unfounded=len(self.unfounded),
        )

    def _says(self, arrival: Arrival, row: Row) -> bool:
        """Whether a mail that arrived has the line: a link to the form or the page of its deadline."""
        places = self.links[row[0]]
        return any(all(part in link for part in place) for link in arrival.links for place in places)
