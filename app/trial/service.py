"""Moves the sandbox clock, day by day, so that nothing due on the way is skipped."""

from __future__ import annotations

from datetime import date, time, timedelta

from app.audit import service as audit
from app.core import clock
from app.core.errors import Forbidden, RuleBroken
from app.core.text import text
from app.digests import service as digests
from app.organisations.permissions import Actor, Role
from app.organisations.queries import find_city
from app.programmes.queries import latest_send_time
from app.reminders import service as reminders

END_OF_DAY = time(23, 59)
MAX_DAYS = 366
"""Days one move may pass over: a year of sweeps answers within seconds."""


def advance(actor: Actor, until: date) -> int:
    """Moves the sandbox date to `until` and runs the sweeps of today and of every day passed over.

    Returns the number of mails written. Everything happens in the caller's transaction: a move that fails
    leaves the old date and no mail.

    Raises:
        Forbidden: for auditors and funders, who only read.
        RuleBroken: on `until`, when it does not lie ahead or lies too far ahead.
    """
    if not actor.has(Role.ADMINISTRATOR, Role.COORDINATOR, Role.PROJECT_LEAD, Role.DEPARTMENT_HEAD):
        raise Forbidden(text("Das Datum können Projektleitung, Bereichsleitung und Koordination vorstellen."))
    start = clock.today()
    if until <= start:
        raise RuleBroken(
            text("Die Uhr geht nur vorwärts: Wählen Sie einen Tag nach dem %(day)s.", day=start), "until"
        )
    if until > start + timedelta(days=MAX_DAYS):
        raise RuleBroken(text("Ein Schritt darf höchstens ein Jahr überspringen."), "until")
    send_time = latest_send_time() or time(7)
    written = 0
    for offset in range((until - start).days + 1):
        day = start + timedelta(days=offset)
        if day > start:
            clock.move_sandbox_to(day)
        swept_at = clock.at(day, send_time)
        if day == start:
            swept_at = max(swept_at, clock.now())  # nothing is written before what has happened already
        written += reminders.sweep_all(swept_at) + digests.sweep_due(swept_at)
        if day < until:
            written += reminders.sweep_all(clock.at(day, END_OF_DAY))  # for those who want their mail in the evening
    city = find_city()
    if city:
        audit.record(
            actor,
            city,
            text("Datum des Übungsbetriebs vorgestellt"),
            now=clock.now(),
            changes={"today": (start, until)},
        )
    return written
