"""Status workflows as data: what may happen next, for whom, and what is missing. Pure.

A definition comes from a city's file or, later, from the editor; nothing here knows a programme by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from app.core.localized import Localized
from app.core.text import Text, ntext, text
from app.organisations.permissions import ROLE_NAMES, Role


class Category(StrEnum):
    """What a status means, whatever a funder calls it."""

    PLANNED = "planned"
    APPLIED = "applied"
    APPROVED = "approved"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    SETTLED = "settled"
    STOPPED = "stopped"


CATEGORY_NAMES: Mapping[Category, Text] = {
    Category.PLANNED: text("geplant"),
    Category.APPLIED: text("beantragt"),
    Category.APPROVED: text("bewilligt"),
    Category.RUNNING: text("läuft"),
    Category.PAUSED: text("ruht"),
    Category.DONE: text("umgesetzt"),
    Category.SETTLED: text("abgerechnet"),
    Category.STOPPED: text("beendet ohne Ergebnis"),
}


class FieldType(StrEnum):
    """What a field of a transition holds."""

    TEXT = "text"
    LONGTEXT = "longtext"
    DATE = "date"
    URL = "url"
    MONEY = "money"
    YES_NO = "yes_no"


@dataclass(frozen=True)
class Field:
    """Something a transition asks for and the measure keeps, such as the number of a council resolution."""

    key: str
    label: Localized
    type: FieldType
    hint: Localized | None = None


@dataclass(frozen=True)
class Status:
    """A step of a measure's life as the funder names it."""

    key: str
    label: Localized
    category: Category
    final: bool = False
    public_label: Localized | None = None
    expectation: Localized | None = None


@dataclass(frozen=True)
class Guard:
    """A condition of a transition, by its name in `GUARDS`."""

    name: str
    role: Role | None = None


@dataclass(frozen=True)
class Transition:
    """A way from one status to another, for certain roles."""

    key: str
    source: str
    target: str
    label: Localized
    roles: frozenset[Role]
    guards: tuple[Guard, ...] = ()
    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class Workflow:
    """A published definition."""

    initial: str
    statuses: Mapping[str, Status]
    transitions: Mapping[str, Transition]
    fields: Mapping[str, Field]

    def from_status(self, status: str | None) -> tuple[Transition, ...]:
        """The ways out of a status, in the order of the definition."""
        return tuple(transition for transition in self.transitions.values() if transition.source == status)


@dataclass(frozen=True)
class Facts:
    """What the guards look at, gathered by `measures.queries`."""

    milestones: int = 0
    unapproved_milestones: int = 0
    has_unit: bool = False
    has_grant_notice: bool = False
    assigned_roles: frozenset[Role] = frozenset()


@dataclass(frozen=True)
class Unmet:
    """A condition that is not met. `input_field` is set where the person meets it in the form itself."""

    message: Text
    input_field: str | None = None


def _milestones_approved(facts: Facts, guard: Guard, note: str) -> Text | None:
    open_ones, total = facts.unapproved_milestones, facts.milestones
    if open_ones == 0:
        return None
    return ntext(
        "%(n)s von %(total)s Meilensteinen ist nicht freigegeben",
        "%(n)s von %(total)s Meilensteinen sind nicht freigegeben",
        open_ones,
        total=total,
    )


def _milestones_planned(facts: Facts, guard: Guard, note: str) -> Text | None:
    return None if facts.milestones else text("es gibt keinen Meilensteinplan")


def _note_given(facts: Facts, guard: Guard, note: str) -> Text | None:
    return None if note.strip() else text("Begründung fehlt")


def _grant_notice_recorded(facts: Facts, guard: Guard, note: str) -> Text | None:
    return None if facts.has_grant_notice else text("kein Zuwendungsbescheid ist erfasst")


def _unit_assigned(facts: Facts, guard: Guard, note: str) -> Text | None:
    return None if facts.has_unit else text("keine verantwortliche Stelle ist eingetragen")


def _role_assigned(facts: Facts, guard: Guard, note: str) -> Text | None:
    if guard.role is None or guard.role in facts.assigned_roles:
        return None
    return text("niemand ist als %(role)s eingetragen", role=ROLE_NAMES[guard.role])


GUARDS: Mapping[str, Callable[[Facts, Guard, str], Text | None]] = {
    "milestones_approved": _milestones_approved,
    "milestones_planned": _milestones_planned,
    "note_given": _note_given,
    "grant_notice_recorded": _grant_notice_recorded,
    "unit_assigned": _unit_assigned,
    "role_assigned": _role_assigned,
}
"""The closed set of guards. Each gives the sentence of what is missing, or None."""

GUARD_NAMES: Mapping[str, Text] = {
    "milestones_approved": text("alle Meilensteine freigegeben oder begründet entfallen"),
    "milestones_planned": text("Meilensteinplan angelegt"),
    "note_given": text("Begründung angegeben"),
    "grant_notice_recorded": text("Zuwendungsbescheid erfasst"),
    "unit_assigned": text("verantwortliche Stelle eingetragen"),
    "role_assigned": text("Zuständige Person eingetragen"),
}


def check(
    workflow: Workflow,
    transition: Transition,
    roles: frozenset[Role],
    facts: Facts,
    note: str = "",
    record: Mapping[str, Any] | None = None,
) -> tuple[Unmet, ...]:
    """Everything that stands in the way of a transition: role, guards, required fields. Empty when it may go."""
    unmet: list[Unmet] = []
    if not roles & transition.roles:
        allowed = tuple(ROLE_NAMES[role] for role in Role if role in transition.roles)
        unmet.append(Unmet(text("dafür ist eine andere Rolle nötig: %(roles)s", roles=allowed)))
    for guard in transition.guards:
        message = GUARDS[guard.name](facts, guard, note)
        if message is not None:
            unmet.append(Unmet(message, "note" if guard.name == "note_given" else None))
    for key in transition.fields:
        if (record or {}).get(key) in (None, ""):
            label = workflow.fields[key].label
            unmet.append(Unmet(text("Angabe „%(label)s“ fehlt", label=label), key))
    return tuple(unmet)


@dataclass(frozen=True)
class Offer:
    """A transition as it is shown to one person: open, or with what stands in its way."""

    transition: Transition
    unmet: tuple[Unmet, ...] = field(default=())

    @property
    def is_open(self) -> bool:
        """Whether the form may be opened: what is left can be given in the form itself."""
        return all(condition.input_field is not None for condition in self.unmet)


def available(
    workflow: Workflow,
    status: str | None,
    roles: frozenset[Role],
    facts: Facts,
    record: Mapping[str, Any] | None = None,
) -> tuple[Offer, ...]:
    """Every way out of a status, each possible or with all its unmet conditions."""
    return tuple(
        Offer(transition, check(workflow, transition, roles, facts, record=record))
        for transition in workflow.from_status(status)
    )


def build(definition: Mapping[str, Any]) -> Workflow:
    """Makes a workflow from a definition that `findings` found sound."""
    statuses = {row["key"]: _status(row) for row in definition["statuses"]}
    transitions = {row["key"]: _transition(row) for row in definition["transitions"]}
    fields = {row["key"]: _field(row) for row in definition.get("fields", ())}
    return Workflow(definition["initial"], statuses, transitions, fields)


def _localized(value: Mapping[str, str] | None) -> Localized | None:
    return Localized(value["de"], value.get("en")) if value else None


def _label(value: Mapping[str, str]) -> Localized:
    return Localized(value["de"], value.get("en"))


def _status(row: Mapping[str, Any]) -> Status:
    return Status(
        key=row["key"],
        label=_label(row["label"]),
        category=Category(row["category"]),
        final=row.get("final", False),
        public_label=_localized(row.get("public_label")),
        expectation=_localized(row.get("expectation")),
    )


def _transition(row: Mapping[str, Any]) -> Transition:
    return Transition(
        key=row["key"],
        source=row["from"],
        target=row["to"],
        label=_label(row["label"]),
        roles=frozenset(Role(role) for role in row["roles"]),
        guards=tuple(
            Guard(guard["guard"], Role(guard["role"]) if guard.get("role") else None)
            for guard in row.get("guards", ())
        ),
        fields=tuple(row.get("fields", ())),
    )


def _field(row: Mapping[str, Any]) -> Field:
    return Field(row["key"], _label(row["label"]), FieldType(row["type"]), _localized(row.get("hint")))
