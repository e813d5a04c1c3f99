"""Status workflows as data: what may happen next, for whom, and what is missing. Pure.

A definition comes from a city's file or from the editor; nothing here knows a programme by name. The conditions of
a step stand in `guards.py`, who may change which field in `access.py`, four eyes in `four_eyes.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any
from uuid import UUID

from app.core.localized import Localized
from app.core.text import Text, text
from app.organisations.permissions import ROLE_NAMES, Role
from app.programmes import access, four_eyes, guards
from app.programmes.access import MEASURE_FIELDS, Access, FieldRule
from app.programmes.four_eyes import REASON_FIELD, Override
from app.programmes.guards import GUARDS, NOTHING, Case, Condition, Facts, Given, Guard


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


REPORTED_CATEGORIES = frozenset({Category.RUNNING, Category.PAUSED})
"""In these the lead reports on progress."""


AT_REST = frozenset({Category.PAUSED, Category.DONE, Category.SETTLED, Category.STOPPED})
"""In these nobody is reminded of the measure; the obligations of its grant stay."""

FINISHED_CATEGORIES = frozenset({Category.DONE, Category.SETTLED})
"""In these the measure has reached what it was for."""


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
    field_rules: tuple[FieldRule, ...] = ()

    @property
    def told(self) -> Localized:
        """What funders and the public are told."""
        return self.public_label or self.label

    def access(self, field: str, roles: frozenset[Role]) -> Access:
        """How far somebody with these roles gets with a field while the measure stands here."""
        return access.access(self._rules_by_field.get(field, ()), roles)

    def required(self, roles: frozenset[Role]) -> tuple[str, ...]:
        """The fields that somebody with these roles must have filled while the measure stands here."""
        return tuple(key for key in self._rules_by_field if self.access(key, roles) is Access.REQUIRED)

    @cached_property
    def _rules_by_field(self) -> Mapping[str, tuple[FieldRule, ...]]:
        rules: dict[str, tuple[FieldRule, ...]] = {}
        for rule in self.field_rules:
            rules[rule.field] = (*rules.get(rule.field, ()), rule)
        return rules


@dataclass(frozen=True)
class Transition:
    """A way from one status to another, for certain roles.

    `fields` are asked for in the form of the step. With `four_eyes`, whoever brought the measure into its status or
    changed it last leaves the step to somebody else.
    """

    key: str
    source: str
    target: str
    label: Localized
    roles: frozenset[Role]
    guards: tuple[Guard, ...] = ()
    fields: tuple[str, ...] = ()
    four_eyes: bool = False

    @cached_property
    def role_names(self) -> tuple[Text, ...]:
        """What the roles are called, in the order in which roles are always named."""
        return tuple(ROLE_NAMES[role] for role in Role if role in self.roles)

    @cached_property
    def asks(self) -> tuple[str, ...]:
        """Every field the form of the step asks for: its own, and those of a decision."""
        decided = [key for guard in self.guards for key in guard.decision]
        return tuple(dict.fromkeys([*self.fields, *decided]))

    @cached_property
    def needs(self) -> tuple[str, ...]:
        """Every field that must have a value, whoever takes the step."""
        guarded = [key for guard in self.guards for key in guard.needs]
        return (*guarded, *self.fields)


@dataclass(frozen=True)
class Workflow:
    """A definition, as the rules read it."""

    initial: str
    statuses: Mapping[str, Status]
    transitions: Mapping[str, Transition]
    fields: Mapping[str, Field]

    @cached_property
    def _ways(self) -> Mapping[str, tuple[Transition, ...]]:
        ways: dict[str, tuple[Transition, ...]] = {}
        for transition in self.transitions.values():
            ways[transition.source] = (*ways.get(transition.source, ()), transition)
        return ways

    def from_status(self, status: str | None) -> tuple[Transition, ...]:
        """The ways out of a status, in the order of the definition."""
        return self._ways.get(status, ()) if status else ()

    def category_of(self, status: str | None) -> Category | None:
        """What a status means, None where it is not known."""
        return self.statuses[status].category if status else None

    @cached_property
    def labels(self) -> Mapping[str, Text | Localized]:
        """What every field is called: those of all measures and those of this workflow."""
        return {**MEASURE_FIELDS, **{field.key: field.label for field in self.fields.values()}}

    def asked(self, transition: Transition, roles: frozenset[Role]) -> tuple[str, ...]:
        """The fields that the form of a step has for somebody with these roles."""
        status = self.statuses[transition.source]
        return tuple(key for key in transition.asks if status.access(key, roles).is_editable)

    def needed(self, transition: Transition, roles: frozenset[Role]) -> tuple[str, ...]:
        """The fields without which somebody with these roles cannot take a step: its own, and what the status it
        leads to requires of them."""
        required = self.statuses[transition.target].required(roles)
        return tuple(dict.fromkeys([*transition.needs, *required]))


@dataclass(frozen=True)
class Person:
    """Whoever wants to take a step, with the roles they have for this very measure."""

    account_id: UUID | None
    roles: frozenset[Role]


def conditions(
    workflow: Workflow, transition: Transition, person: Person, facts: Facts, given: Given = NOTHING
) -> tuple[Condition, ...]:
    """Every condition of a step for one person, met or not: role, four eyes, guards, fields."""
    return tuple(_conditions(workflow, transition, person, facts, given))


def _conditions(
    workflow: Workflow, transition: Transition, person: Person, facts: Facts, given: Given
) -> Iterator[Condition]:
    yield _role_condition(transition, person)
    if transition.four_eyes:
        yield _four_eyes_condition(person, facts, given)
    asked = workflow.asked(transition, person.roles)
    case = Case(facts, given, workflow.labels, frozenset(asked))
    for guard in transition.guards:
        yield from GUARDS[guard.name].judge(guard, case)
    for key in workflow.needed(transition, person.roles):
        yield guards.field_condition(case, key)


def _role_condition(transition: Transition, person: Person) -> Condition:
    names = transition.role_names
    if person.roles & transition.roles:
        return Condition(True, text("Ihre Rolle darf diesen Schritt gehen: %(roles)s", roles=names))
    return Condition(
        False,
        text("bei dieser Maßnahme kann das nur: %(roles)s", roles=names),
        is_forbidden=True,
    )


def _four_eyes_condition(person: Person, facts: Facts, given: Given) -> Condition:
    if not four_eyes.is_stopped(person.account_id, facts.involved_ids):
        return Condition(True, text("Vier-Augen-Prinzip: Sie haben die Maßnahme nicht selbst hierher gebracht"))
    override = Override(facts.allows_override and person.account_id is not None, given.override_reason)
    if override.is_given:
        return Condition(True, text("Vier-Augen-Prinzip im Notfall übergangen, mit Begründung"))
    return Condition(
        False,
        text(
            "Vier-Augen-Prinzip: Sie haben die Maßnahme zuletzt geändert oder in diesen Status gebracht; "
            "den Schritt geht jemand anderes"
        ),
        input_field=REASON_FIELD if override.is_allowed else None,
        is_forbidden=not override.is_allowed,
    )


def unmet(
    workflow: Workflow, transition: Transition, person: Person, facts: Facts, given: Given = NOTHING
) -> tuple[Condition, ...]:
    """Everything that stands in the way of a step. Empty when it may be taken."""
    return tuple(one for one in conditions(workflow, transition, person, facts, given) if not one.is_met)


@dataclass(frozen=True)
class Offer:
    """A transition as it is shown to one person, with all its conditions."""

    transition: Transition
    conditions: tuple[Condition, ...]

    @property
    def unmet(self) -> tuple[Condition, ...]:
        """What stands in its way."""
        return tuple(condition for condition in self.conditions if not condition.is_met)

    @property
    def is_forbidden(self) -> bool:
        """Whether it is for somebody else to take."""
        return any(condition.is_forbidden for condition in self.unmet)

    @property
    def is_emergency(self) -> bool:
        """Whether the person may take it only past four eyes."""
        return any(condition.input_field == REASON_FIELD for condition in self.unmet)

    @property
    def is_open(self) -> bool:
        """Whether the form may be opened: what is left can be given in the form itself."""
        return all(condition.is_met or condition.input_field is not None for condition in self.conditions)


def offer(workflow: Workflow, transition: Transition, person: Person, facts: Facts) -> Offer:
    """One step as it is shown to one person, before they give anything."""
    return Offer(transition, conditions(workflow, transition, person, facts))


def available(workflow: Workflow, status: str | None, person: Person, facts: Facts) -> tuple[Offer, ...]:
    """Every way out of a status, each with its conditions: possible, or why not."""
    return tuple(offer(workflow, transition, person, facts) for transition in workflow.from_status(status))


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
        field_rules=tuple(_field_rule(rule) for rule in row.get("field_rules", ())),
    )


def _field_rule(row: Mapping[str, Any]) -> FieldRule:
    return FieldRule(row["field"], access.RULES[row["rule"]], frozenset(Role(role) for role in row.get("roles", ())))


def _transition(row: Mapping[str, Any]) -> Transition:
    return Transition(
        key=row["key"],
        source=row["from"],
        target=row["to"],
        label=_label(row["label"]),
        roles=frozenset(Role(role) for role in row["roles"]),
        guards=tuple(dict.fromkeys(_guard(guard) for guard in row.get("guards", ()))),
        fields=tuple(row.get("fields", ())),
        four_eyes=row.get("four_eyes", False),
    )


def _guard(row: Mapping[str, Any]) -> Guard:
    return Guard(
        name=row["guard"],
        role=Role(row["role"]) if row.get("role") else None,
        days=row.get("days"),
        fields=tuple(row.get("fields", ())),
        number=row.get("number"),
        link=row.get("link"),
    )


def _field(row: Mapping[str, Any]) -> Field:
    return Field(row["key"], _label(row["label"]), FieldType(row["type"]), _localized(row.get("hint")))
