"""What the go-live check looks at, as plain values. Pure; `gather` in `queries.py` fills them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from app.core.localized import Localized
from app.core.text import Text
from app.organisations.permissions import NOWHERE, Permission, Role, Scope
from app.programmes.ladder import Audience
from app.programmes.workflow import Category


@dataclass(frozen=True)
class Link:
    """A page on which something is mended: its endpoint, the values of its address, and who may act there."""

    endpoint: str
    values: Mapping[str, str]
    permission: Permission
    scope: Scope = NOWHERE


PEOPLE = Link("organisations.people", {}, Permission.MANAGE_ACCOUNTS)


@dataclass(frozen=True)
class Person:
    """Somebody the programme relies on; `has_deputy` where a standing deputy is named who may sign in."""

    id: UUID
    name: Localized
    email: str
    is_active: bool = True
    has_deputy: bool = False
    is_sample: bool = False

    @property
    def deputy_page(self) -> Link:
        """The page on which their standing deputy is named."""
        return Link("organisations.name_deputy", {"account_id": str(self.id)}, Permission.ASSIGN_PEOPLE)


@dataclass(frozen=True)
class UnitFacts:
    """A unit that carries out measures. `heads` are the active heads of it and of the units above, each once."""

    id: UUID
    name: Localized
    heads: tuple[Person, ...] = ()
    is_sample: bool = False


@dataclass(frozen=True)
class MeasureFacts:
    """A measure. `recipients` are those a reminder calls by their part, stand-ins included; None where the measure is
    at rest and reminds nobody."""

    id: UUID
    name: Text | Localized
    scope: Scope
    category: Category | None
    is_ended: bool
    lead: Person | None
    unit: UnitFacts | None
    milestones: int
    version: int
    recipients: Mapping[Audience, Collection[UUID]] | None
    is_sample: bool = False

    @property
    def is_asked(self) -> bool:
        """Whether it is known to be under way: of what has ended nothing is asked any more."""
        return self.category is not None and not self.is_ended

    @property
    def heads(self) -> tuple[Person, ...]:
        """Who may decide for it."""
        return self.unit.heads if self.unit else ()

    def page(self, endpoint: str, permission: Permission) -> Link:
        """A page of this measure."""
        return Link(endpoint, {"measure_id": str(self.id)}, permission, self.scope)


@dataclass(frozen=True)
class Waiting:
    """Something that waits for a decision: a request for approval, or a progress update that was handed in.

    `sentence` says what is wrong where nobody but those involved could decide.
    """

    sentence: Text
    has_free_head: bool
    link: Link
    is_sample: bool = False


@dataclass(frozen=True)
class Owed:
    """An obligation that is not done yet; `kind` is one of `grants.models.ObligationKind`."""

    id: UUID
    title: Localized
    grant: Localized
    kind: str
    due_on: date | None
    is_sample: bool = False

    @property
    def page(self) -> Link:
        """The page on which its day is entered."""
        return Link("grants.move_obligation", {"obligation_id": str(self.id)}, Permission.RECORD_GRANTS)


@dataclass(frozen=True)
class Recipient:
    """An address that gets a digest."""

    email: str
    is_sample: bool = False


@dataclass(frozen=True)
class FunderFacts:
    """A funder's part in the programme, and its digest."""

    name: Localized
    has_rhythm: bool
    recipients: tuple[Recipient, ...] = ()
    is_sample: bool = False


@dataclass(frozen=True)
class StepFacts:
    """A step of the reminder ladder: when it comes, in words, whom it calls by their part, and how many people by
    name."""

    when: Text
    roles: frozenset[Audience]
    named: int = 0

    def calls_somebody(self, recipients: Mapping[Audience, Collection[UUID]]) -> bool:
        """Whether it reaches anybody among the recipients of a measure; where it names only people who are gone, it
        calls the head."""
        return bool(self.named) or any(recipients.get(part) for part in (*self.roles, Audience.DEPARTMENT_HEAD))


@dataclass(frozen=True)
class WorkflowFacts:
    """A published version."""

    version: int
    definition: Mapping[str, Any]


@dataclass(frozen=True)
class Facts:
    """All that is known of a programme before it goes live. `workflow` is the newest published version, `older` are
    those before it that measures still follow."""

    key: str
    measures: tuple[MeasureFacts, ...] = ()
    coordinators: tuple[Person, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    steps: tuple[StepFacts, ...] = ()
    owed: tuple[Owed, ...] = ()
    funders: tuple[FunderFacts, ...] = ()
    workflow: WorkflowFacts | None = None
    older: tuple[WorkflowFacts, ...] = ()
    is_sample: bool = False

    @property
    def asked(self) -> tuple[MeasureFacts, ...]:
        """The measures that are known to be under way."""
        return tuple(measure for measure in self.measures if measure.is_asked)

    @property
    def open(self) -> tuple[MeasureFacts, ...]:
        """The measures that are under way for all that is known."""
        return tuple(measure for measure in self.measures if not measure.is_ended)

    def roles_for(self, measure: MeasureFacts) -> Mapping[Person, frozenset[Role]]:
        """The people of a measure who can sign in, with the roles they hold for it."""
        roles: dict[Person, frozenset[Role]] = {}
        for role, people in (
            (Role.PROJECT_LEAD, (measure.lead,) if measure.lead else ()),
            (Role.DEPARTMENT_HEAD, measure.heads),
            (Role.COORDINATOR, self.coordinators),
        ):
            for person in people:
                if person.is_active:
                    roles[person] = roles.get(person, frozenset()) | {role}
        return roles
