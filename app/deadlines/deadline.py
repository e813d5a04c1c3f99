"""A deadline as one value, whatever it is about: who owes what, by when, and where it is done. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from app.calendars.partial_dates import PartialDate
from app.calendars.periods import Period
from app.core.localized import Localized
from app.core.text import Text, ntext, text
from app.programmes.ladder import Audience
from app.programmes.workflow import AT_REST, Category


class Kind(StrEnum):
    """What a deadline is about."""

    MILESTONE = "milestone"
    PROGRESS_UPDATE = "progress_update"
    OBLIGATION = "obligation"
    APPROVAL = "approval"


class Place(NamedTuple):
    """A page of Wegmarke: its endpoint and what its address needs."""

    endpoint: str
    values: Mapping[str, str]


class Deadline(NamedTuple):
    """One open deadline. A tuple, because there may be very many, and a tuple is made six times as fast.

    `subject` is a stable key such as `milestone:<uuid>` or `progress:<uuid>/2023-Q1`. `version` grows when the
    day is moved; where the day is computed, the day itself is the version (`version_of`). Without `due_on` the
    date is not known: such a deadline is shown and never reminded of.

    `recipients` are people by the part in which a step calls them, nobody left out: where a part has nobody,
    whoever takes it over. `responsible` are those who have to act. `endpoint` with `values` is the form for
    those who may fill it in (`doers`); whoever else is reminded gets `page` (`seen_by`).
    """

    kind: Kind
    subject: str
    version: int
    due_on: date | None
    title: Localized | Text
    context: Localized | Text
    recipients: Mapping[Audience, tuple[UUID, ...]]
    responsible: tuple[UUID, ...]
    endpoint: str
    values: Mapping[str, str]
    doers: Collection[UUID]
    page: Place
    programme_id: UUID
    measure_id: UUID | None = None
    is_sample: bool = False
    precision: str = "day"

    def is_of(self, account_id: UUID | None) -> bool:
        """Whether this person has to act."""
        return account_id in self.responsible

    def seen_by(self, account_id: UUID | None) -> Deadline:
        """The same with a way that is open to this person: the form, or the page where they see how it stands."""
        if account_id in self.doers:
            return self
        return self._replace(endpoint=self.page.endpoint, values=self.page.values)

    @property
    def shown_on(self) -> PartialDate | None:
        """The due day as its source gave it: a month where it names no more than that."""
        return PartialDate.of(self.due_on, self.precision) if self.due_on else None

    def is_overdue(self, today: date) -> bool:
        """Whether the due day has passed; on the day itself nothing is overdue."""
        return self.due_on is not None and self.due_on < today

    def when(self, today: date) -> Text:
        """How far away the due day is, in words."""
        if self.due_on is None:
            return text("Datum fehlt")
        days = (self.due_on - today).days
        if days < 0:
            return ntext("seit %(n)s Tag überfällig", "seit %(n)s Tagen überfällig", -days)
        if days <= 1:
            return text("morgen fällig") if days else text("heute fällig")
        return ntext("in %(n)s Tag fällig", "in %(n)s Tagen fällig", days)


def urgency(deadline: Deadline) -> tuple[bool, date, str]:
    """Sorts the most urgent first and those without a date last."""
    return (deadline.due_on is None, deadline.due_on or date.max, deadline.subject)


def version_of(due_on: date) -> int:
    """The version of a day that is computed and not stored: another day is another version."""
    return due_on.toordinal()


@dataclass(frozen=True)
class People:
    """Who stands behind the roles for one thing; each tuple holds active people only."""

    leads: tuple[UUID, ...] = ()
    deputies: tuple[UUID, ...] = ()
    heads: tuple[UUID, ...] = ()
    coordinators: tuple[UUID, ...] = ()
    administrators: tuple[UUID, ...] = ()

    def by_role(self) -> Mapping[Audience, tuple[UUID, ...]]:
        """The recipients by part. Nobody assigned: nearest head, then coordination, then administration; where a lead
        has no deputy, it is the lead."""
        coordinators = self.coordinators or self.administrators
        heads = self.heads or coordinators
        leads = self.leads or heads
        return {
            Audience.PROJECT_LEAD: leads,
            Audience.DEPUTY: self.deputies or leads,
            Audience.DEPARTMENT_HEAD: heads,
            Audience.COORDINATOR: coordinators,
            Audience.ADMINISTRATOR: self.administrators or coordinators,
        }


def reminds(category: Category | None) -> bool:
    """Whether a measure whose status means this reminds of its milestones, approvals and updates."""
    return category not in AT_REST


def update_due_on(period: Period, due_days: int) -> date:
    """The day by which the update on a period is due: so many calendar days after the period ends."""
    return period.last_day + timedelta(days=due_days)


def stale_on(since: date, stale_days: int) -> date:
    """The day on which nothing has been reported for so many calendar days."""
    return since + timedelta(days=stale_days)


def unique(people: Iterable[UUID]) -> tuple[UUID, ...]:
    """Each person once, in the order in which they come."""
    return tuple(dict.fromkeys(people))
