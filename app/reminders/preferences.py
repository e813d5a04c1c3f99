"""How somebody wants to be reminded: their own choice, and nobody else's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import select

from app.accounts.models import Account
from app.audit import service as audit
from app.core import clock
from app.core.database import db, insert
from app.core.errors import Conflict, Forbidden, RuleBroken
from app.core.text import Text, text
from app.organisations.permissions import Actor
from app.reminders.models import ReminderPreference
from app.reminders.wishes import NO_WISHES, WORKING_WEEK, Wishes

WEEKDAY_NAMES: Mapping[int, Text] = {
    0: text("Montag"),
    1: text("Dienstag"),
    2: text("Mittwoch"),
    3: text("Donnerstag"),
    4: text("Freitag"),
    5: text("Samstag"),
    6: text("Sonntag"),
}
EARLIEST, LATEST = time(6), time(20)
"""Between these the mail of the day may be wished for: late enough for the sweep of that day to come after it."""
LONGEST_PAUSE_DAYS = 365


def change_preferences(actor: Actor, wishes: Wishes, *, now: datetime) -> None:
    """Stores how the actor themselves wants to be reminded. What is legally due reaches them all the same.

    Raises:
        Forbidden: for somebody without an account of their own.
        RuleBroken: naming the wish that cannot be met.
        Conflict: when they stored their first wishes in two places at once.
    """
    account = db.session.get(Account, actor.account_id) if actor.account_id else None
    if account is None:
        raise Forbidden(text("Nur wer ein Konto hat, kann Erinnerungen einstellen."))
    row = _held(account.id)
    before = _wishes(row) if row else NO_WISHES
    _check(before, wishes, clock.day_of(now))
    if wishes == before:
        return
    if row is None:
        row = ReminderPreference(account_id=account.id)
        insert(row, Conflict(text("Sie haben Ihre Einstellungen gerade an anderer Stelle gespeichert.")))
    row.weekdays = sorted(wishes.weekdays)
    row.send_time = wishes.send_time
    row.paused_until_on = wishes.paused_until_on
    row.wants_optional = wishes.wants_optional
    audit.record(
        actor,
        account,
        text("Eigene Erinnerungen eingestellt: %(name)s", name=account.name.de),
        now=now,
        changes={
            "weekdays": (_days(before), _days(wishes)),
            "send_time": (_clock(before.send_time), _clock(wishes.send_time)),
            "paused_until_on": (before.paused_until_on, wishes.paused_until_on),
            "wants_optional": (before.wants_optional, wishes.wants_optional),
        },
    )


def _held(account_id: UUID) -> ReminderPreference | None:
    query = select(ReminderPreference).where(ReminderPreference.account_id == account_id).with_for_update()
    return db.session.execute(query, execution_options={"populate_existing": True}).scalar_one_or_none()


def _wishes(row: ReminderPreference) -> Wishes:
    return Wishes(frozenset(row.weekdays), row.send_time, row.paused_until_on, row.wants_optional)


def _check(before: Wishes, wishes: Wishes, today: date) -> None:
    if not wishes.weekdays or not wishes.weekdays <= WORKING_WEEK:
        raise RuleBroken(
            text("Wählen Sie mindestens einen Wochentag. Für eine Auszeit ist die Pause da."), "weekdays"
        )
    if wishes.send_time and not EARLIEST <= wishes.send_time <= LATEST:
        raise RuleBroken(text("Wählen Sie eine Uhrzeit zwischen 6 und 20 Uhr."), "send_time")
    until_on = wishes.paused_until_on
    if until_on is None or until_on == before.paused_until_on:
        return
    if until_on < today:
        raise RuleBroken(text("Dieser Tag ist schon vorbei."), "paused_until_on")
    if until_on > today + timedelta(days=LONGEST_PAUSE_DAYS):
        raise RuleBroken(text("Eine Pause dauert höchstens ein Jahr."), "paused_until_on")


def _days(wishes: Wishes) -> str:
    return ", ".join(str(WEEKDAY_NAMES[day]) for day in sorted(wishes.weekdays))


def _clock(chosen: time | None) -> str | None:
    return f"{chosen:%H:%M}" if chosen else None
