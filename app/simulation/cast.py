"""The people of a replay: who there is, when they act, and that each acts through the real services as themselves.

What somebody does is drawn from the seed by names that stay the same from run to run (addresses, keys, periods),
never by the order of random keys.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from random import Random
from uuid import UUID

from sqlalchemy import select

from app.accounts import service as accounts
from app.accounts.models import Account
from app.calendars.working_days import is_working_day
from app.core import clock
from app.core.database import db
from app.core.errors import DomainError
from app.core.transaction import transaction
from app.measures.models import Measure
from app.organisations import service as organisations
from app.organisations.models import Unit
from app.organisations.permissions import Actor, Role
from app.organisations.queries import actor_for, list_deciders, list_members, list_staff
from app.programmes.ladder import Audience
from app.programmes.models import Programme
from app.reminders import ladders
from app.simulation.faults import dice, share

STATE = "NW"
HOURS = (8, 16)
"""Local hours between which people act."""
HOW_OFTEN = 0.3
"""Of working days on which somebody acts."""
LEADS = 4
STALE_DAYS = 100


@dataclass
class Cast:
    """Everybody, and the dice that say what they do."""

    seed: int
    leads: list[UUID] = field(default_factory=list)

    def acts_in(self, day: date) -> int | None:
        """The local hour of a day in which people act, None on a day on which nobody does."""
        if not is_working_day(day, STATE) or share(self.seed, "acts", day) >= HOW_OFTEN:
            return None
        return HOURS[0] + int(share(self.seed, "hour", day) * (HOURS[1] - HOURS[0] + 1))

    def dice(self, *what: object) -> Random:
        """The dice for one purpose."""
        return dice(self.seed, *what)

    def days(self, first: int, last: int, *what: object) -> int:
        """A number of days between two, for one purpose."""
        return first + int(share(self.seed, *what) * (last - first + 1))

    def arrive(self, now: datetime) -> None:
        """The people take up their work: besides those of the data an administrator, a coordinator, leads, and a
        head for every unit that has measures."""
        with transaction():
            chief = organisations.create_first_administrator(
                "administration@replay.example", "Administration", "a password for the replay", now=now
            )
            admin = actor_for(chief, clock.day_of(now))
            add = organisations.add_person
            add(admin, "koordination@replay.example", "Koordination", Role.COORDINATOR, now=now)
            for number in range(LEADS):
                email, name = f"projektleitung.{number + 1}@replay.example", f"Projektleitung {number + 1}"
                lead = add(admin, email, name, Role.PROJECT_LEAD, now=now)
                if number % 2:
                    accounts.change_language(admin, lead, "en", now=now)
                self.leads.append(lead.id)
            for unit in _units():
                email, name = f"leitung.{unit.key}@replay.example", f"Leitung {unit.name.de}"
                add(admin, email, name, Role.DEPARTMENT_HEAD, now=now, unit_id=unit.id)
        self._set_up_ladders(now)

    def _set_up_ladders(self, now: datetime) -> None:
        """Every kind of step is there: one in working days that calls deputies and somebody by name, and silence."""
        with transaction():
            coordination = people_with(Role.COORDINATOR)[0]
            actor = actor_for(coordination, clock.day_of(now))
            for programme in db.session.scalars(select(Programme).order_by(Programme.key)):
                before = ladders.settings_of(programme)
                settings = ladders.Settings(
                    before.send_time, before.update_due_days, before.approval_days, STALE_DAYS
                )
                seen = ladders.imprint_of_settings(programme)
                ladders.edit_settings(actor, programme, settings, seen=seen, now=now)
                parts = frozenset({Audience.DEPUTY})
                facts = ladders.Facts(-3, True, None, parts, frozenset({coordination.id}), None)
                ladders.add_step(actor, programme, facts, now=now)

    def lead_of(self, measure: Measure) -> Account:
        """Who reports on a measure: its lead, or the coordination where it has none at work."""
        lead = measure.lead
        return lead if lead is not None and lead.active else people_with(Role.COORDINATOR)[0]

    def decider(self, measure: Measure, involved: Collection[UUID | None], today: date) -> Account | None:
        """Who decides on what belongs to a measure and had no hand in it; None where nobody may."""
        free = list_deciders(measure.unit, involved, today)
        return min((one for one in free if one.id not in involved), key=lambda one: one.email, default=None)


def people_with(role: Role) -> Sequence[Account]:
    """The active holders of a role, by address."""
    return sorted(list_members(role), key=lambda account: account.email)


def staff() -> Sequence[Account]:
    """Everybody who works for the city, by address."""
    return sorted(list_staff(), key=lambda account: account.email)


def do(account: Account, now: datetime, act: Callable[[Actor], object]) -> None:
    """Somebody acts, in a transaction of their own. What the rules refuse is left undone, as on a page."""
    with suppress(DomainError), transaction():
        act(actor_for(account, clock.day_of(now)))


def _units() -> Sequence[Unit]:
    with_measures = select(Measure.unit_id).where(Measure.unit_id.is_not(None))
    return db.session.scalars(select(Unit).where(Unit.id.in_(with_measures)).order_by(Unit.key)).all()
