"""What each role may do: one table of predicates over an actor and where a thing belongs. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from app.core.errors import Forbidden
from app.core.text import Text, text


class Role(StrEnum):
    """The roles of a city that runs measures, and of those who watch."""

    ADMINISTRATOR = "administrator"
    COORDINATOR = "coordinator"
    PROJECT_LEAD = "project_lead"
    DEPARTMENT_HEAD = "department_head"
    FUNDER = "funder"
    AUDITOR = "auditor"


ROLE_NAMES: Mapping[Role, Text] = {
    Role.ADMINISTRATOR: text("Administration"),
    Role.COORDINATOR: text("Koordination"),
    Role.PROJECT_LEAD: text("Projektleitung"),
    Role.DEPARTMENT_HEAD: text("Bereichsleitung"),
    Role.FUNDER: text("Fördermittelgeber"),
    Role.AUDITOR: text("Rechnungsprüfung"),
}


@dataclass(frozen=True)
class Actor:
    """Whoever acts or looks: a signed-in person, or the system under a name of its own.

    `headed_unit_ids` are the units whose head they are; `organisation_ids` the funders they read for. Today they
    stand in for the people `stands_in_for`, and `deputy_units` are the units whose absent head that is.
    """

    account_id: UUID | None
    name: str
    roles: frozenset[Role] = frozenset()
    headed_unit_ids: frozenset[UUID] = frozenset()
    organisation_ids: frozenset[UUID] = frozenset()
    stands_in_for: frozenset[UUID] = frozenset()
    deputy_units: Mapping[UUID, UUID] = field(default_factory=dict, hash=False)

    @property
    def deciding_unit_ids(self) -> frozenset[UUID]:
        """The units for whose head they decide: themselves, or in place of somebody who is away."""
        return self.headed_unit_ids | self.deputy_units.keys()

    def has(self, *roles: Role) -> bool:
        """Whether they hold one of these roles anywhere."""
        return not self.roles.isdisjoint(roles)


def system(name: str) -> Actor:
    """The system itself, as it stands in the log."""
    return Actor(account_id=None, name=name)


@dataclass(frozen=True)
class Scope:
    """Where a thing belongs: its measure's lead, its unit with the units above it, its funders."""

    lead_id: UUID | None = None
    unit_ids: tuple[UUID, ...] = ()
    funder_ids: frozenset[UUID] = field(default_factory=frozenset)


class Permission(StrEnum):
    """Things one may do."""

    VIEW = "view"
    VIEW_INTERNAL = "view_internal"
    VIEW_LOG = "view_log"
    REPORT_PROGRESS = "report_progress"
    RELEASE_PROGRESS = "release_progress"
    PLAN_MILESTONES = "plan_milestones"
    REQUEST_APPROVAL = "request_approval"
    DECIDE_MILESTONE = "decide_milestone"
    ASSIGN_PEOPLE = "assign_people"
    EDIT_MEASURE = "edit_measure"
    CHANGE_STATUS = "change_status"
    EDIT_WORKFLOWS = "edit_workflows"
    RECORD_GRANTS = "record_grants"
    EDIT_LADDERS = "edit_ladders"
    SEND_DIGESTS = "send_digests"
    VIEW_OPERATIONS = "view_operations"
    OPERATE = "operate"
    MANAGE_ACCOUNTS = "manage_accounts"


def roles_in(actor: Actor, scope: Scope) -> frozenset[Role]:
    """The roles an actor holds for this very thing: a lead of another measure is no lead here."""
    held: set[Role] = set(actor.roles & {Role.ADMINISTRATOR, Role.COORDINATOR, Role.AUDITOR})
    if actor.account_id is not None and actor.account_id == scope.lead_id:
        held.add(Role.PROJECT_LEAD)
    if actor.headed_unit_ids.intersection(scope.unit_ids):
        held.add(Role.DEPARTMENT_HEAD)
    if Role.FUNDER in actor.roles and actor.organisation_ids & scope.funder_ids:
        held.add(Role.FUNDER)
    return frozenset(held)


def _one_of(*roles: Role) -> Callable[[Actor, Scope], bool]:
    wanted = frozenset(roles)
    return lambda actor, scope: bool(roles_in(actor, scope) & wanted)


def deputy_roles_in(actor: Actor, scope: Scope) -> frozenset[Role]:
    """The roles in which an actor stands in today for somebody who is away, for this very thing."""
    held: set[Role] = set()
    if scope.lead_id in actor.stands_in_for:
        held.add(Role.PROJECT_LEAD)
    if actor.deputy_units.keys() & set(scope.unit_ids):
        held.add(Role.DEPARTMENT_HEAD)
    return frozenset(held)


def decides_for(actor: Actor, scope: Scope) -> UUID | None:
    """The absent head in whose place ("i. V.") this person decides there; None for a head of their own right."""
    if actor.headed_unit_ids.intersection(scope.unit_ids):
        return None
    return next((actor.deputy_units[unit_id] for unit_id in scope.unit_ids if unit_id in actor.deputy_units), None)


def _one_of_or_deputy(*roles: Role) -> Callable[[Actor, Scope], bool]:
    wanted = frozenset(roles)
    return lambda actor, scope: bool((roles_in(actor, scope) | deputy_roles_in(actor, scope)) & wanted)


def _city_staff(actor: Actor, scope: Scope) -> bool:
    staff = (Role.ADMINISTRATOR, Role.COORDINATOR, Role.PROJECT_LEAD, Role.DEPARTMENT_HEAD, Role.AUDITOR)
    return actor.has(*staff)


ACTING_ROLES = (Role.COORDINATOR, Role.PROJECT_LEAD, Role.DEPARTMENT_HEAD)
"""The roles that carry measures through their workflow."""

ALLOWED: Mapping[Permission, Callable[[Actor, Scope], bool]] = {
    Permission.VIEW: lambda actor, scope: _city_staff(actor, scope) or Role.FUNDER in roles_in(actor, scope),
    Permission.VIEW_INTERNAL: _city_staff,
    Permission.VIEW_LOG: _city_staff,
    Permission.REPORT_PROGRESS: _one_of_or_deputy(Role.PROJECT_LEAD, Role.COORDINATOR),
    Permission.RELEASE_PROGRESS: _one_of_or_deputy(Role.DEPARTMENT_HEAD),
    Permission.PLAN_MILESTONES: _one_of_or_deputy(Role.PROJECT_LEAD, Role.COORDINATOR),
    Permission.REQUEST_APPROVAL: _one_of_or_deputy(Role.PROJECT_LEAD, Role.COORDINATOR),
    Permission.DECIDE_MILESTONE: _one_of_or_deputy(Role.DEPARTMENT_HEAD),
    Permission.ASSIGN_PEOPLE: _one_of(Role.COORDINATOR),
    Permission.EDIT_MEASURE: _one_of(Role.PROJECT_LEAD, Role.COORDINATOR),
    Permission.CHANGE_STATUS: _one_of(*ACTING_ROLES),
    Permission.EDIT_WORKFLOWS: _one_of(Role.COORDINATOR),
    Permission.RECORD_GRANTS: _one_of(Role.COORDINATOR),
    Permission.EDIT_LADDERS: _one_of(Role.COORDINATOR),
    Permission.SEND_DIGESTS: _one_of(Role.COORDINATOR),
    Permission.VIEW_OPERATIONS: _one_of(Role.ADMINISTRATOR, Role.COORDINATOR, Role.AUDITOR),
    Permission.OPERATE: _one_of(Role.ADMINISTRATOR, Role.COORDINATOR),
    Permission.MANAGE_ACCOUNTS: _one_of(Role.ADMINISTRATOR),
}

NOWHERE = Scope()
"""The scope of things that belong to no measure, such as the outbox."""


def allows(actor: Actor, permission: Permission, scope: Scope = NOWHERE) -> bool:
    """Whether the actor may do this to a thing that belongs there."""
    return ALLOWED[permission](actor, scope)


def require(actor: Actor, permission: Permission, scope: Scope = NOWHERE) -> None:
    """Raises `Forbidden` where `allows` says no."""
    if not allows(actor, permission, scope):
        raise Forbidden(text("Ihre Rolle erlaubt das nicht. Wenden Sie sich an die Koordination."))
