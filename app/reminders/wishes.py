"""How people want to be reminded, and when the one mail of a day leaves. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time

from app.core import clock
from app.reminders.policy import Reminder

WORKING_WEEK = frozenset(range(5))


@dataclass(frozen=True)
class Wishes:
    """A person's preferences. `weekdays` are 0 for Monday to 4 for Friday: with all five any day is welcome, also one
    on which an outage is made up for. The rest is as in `ReminderPreference`."""

    weekdays: frozenset[int] = WORKING_WEEK
    send_time: time | None = None
    paused_until_on: date | None = None
    wants_optional: bool = True

    def welcomes(self, reminder: Reminder, day: date) -> bool:
        """Whether it is said on that city day; what is legally due is always said."""
        return reminder.is_binding or self.is_open_on(day)

    def is_open_on(self, day: date) -> bool:
        """Whether what can be switched off is wanted on that day."""
        is_paused = self.paused_until_on is not None and day <= self.paused_until_on
        return (
            self.wants_optional
            and not is_paused
            and (self.weekdays >= WORKING_WEEK or day.weekday() in self.weekdays)
        )

    def leaves_at(self, day: date, send_instants: Iterable[datetime]) -> datetime:
        """When the mail of a city day leaves: when the last of its programmes sends, and not before the time the
        person has chosen."""
        own = [clock.at(day, self.send_time)] if self.send_time else []
        return max([*send_instants, *own])


NO_WISHES = Wishes()
"""Of somebody who has entered none."""
