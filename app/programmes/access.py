"""Field rules: what a role may see and change of a measure in a status, and what it must fill. Pure.

Pages, forms, services and the import all ask `access`; no rule is stated anywhere else.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import IntEnum

from app.core.text import Text, text
from app.organisations.permissions import ACTING_ROLES, Role


class Access(IntEnum):
    """How far somebody gets with a field, from least to most free."""

    HIDDEN = 0
    READ_ONLY = 1
    REQUIRED = 2
    OPTIONAL = 3

    @property
    def is_visible(self) -> bool:
        """Whether the value is shown."""
        return self is not Access.HIDDEN

    @property
    def is_editable(self) -> bool:
        """Whether the value may be changed."""
        return self >= Access.REQUIRED


RULES: Mapping[str, Access] = {
    "required": Access.REQUIRED,
    "read_only": Access.READ_ONLY,
    "hidden": Access.HIDDEN,
}
"""The rules as definitions name them. Without a rule a field is optional."""

RULE_NAMES: Mapping[str, Text] = {
    "required": text("Pflichtangabe"),
    "read_only": text("nur lesen"),
    "hidden": text("verborgen"),
}

MEASURE_FIELDS: Mapping[str, Text] = {
    "title": text("Titel"),
    "summary": text("Kurzbeschreibung"),
    "field": text("Handlungsfeld"),
    "focus_area": text("Schwerpunkt"),
    "unit": text("Verantwortliche Stelle"),
    "lead": text("Projektleitung"),
    "partners": text("Partner"),
    "starts": text("Beginn"),
    "ends": text("Ende"),
    "total_cost": text("Gesamtkosten"),
    "grant_amount": text("Zuwendung"),
}
"""What every measure has, whatever its programme asks for; a workflow adds fields of its own."""

ALWAYS_VISIBLE = frozenset({"title"})
"""A measure nobody can name cannot be worked on."""

EDITING_ROLES = (Role.PROJECT_LEAD, Role.COORDINATOR)
"""Who may change the details of a measure: the twin of `Permission.EDIT_MEASURE`, to which a test holds it."""

ASSIGNING_ROLES = (Role.COORDINATOR,)
"""Who may say who is responsible for a measure: the twin of `Permission.ASSIGN_PEOPLE`."""

ASSIGNED_FIELDS = frozenset({"lead", "unit"})
"""What is changed by saying who is responsible, not among the details."""


def changing_roles(field: str) -> tuple[Role, ...]:
    """Who may change a field of a measure where no rule keeps them from it."""
    return ASSIGNING_ROLES if field in ASSIGNED_FIELDS else EDITING_ROLES


@dataclass(frozen=True)
class FieldRule:
    """One rule of a status. Without roles it holds for everybody."""

    field: str
    access: Access
    roles: frozenset[Role] = frozenset()

    def concerns(self, role: Role | None) -> bool:
        """Whether it holds for a role; None is somebody without any."""
        return not self.roles or role in self.roles


def access(rules: Collection[FieldRule], roles: frozenset[Role]) -> Access:
    """How far somebody with these roles gets with the field of these rules: of several rules for a role the
    strictest holds, and who has several roles may do what the freest of them may. Whoever only watches changes
    nothing."""
    return max(_for_role(rules, role) for role in (roles or (None,)))


def _for_role(rules: Collection[FieldRule], role: Role | None) -> Access:
    most = Access.OPTIONAL if role in ACTING_ROLES else Access.READ_ONLY
    return min([most, *(rule.access for rule in rules if rule.concerns(role))])
