"""The conditions a transition can have: a closed set. Pure.

Each guard looks at facts of the measure and at what the person gives with the step, and says in one sentence that
it is met, or what is missing. A new one is a function here, its entry in `GUARDS`, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from app.core.localized import Localized
from app.core.text import Text, ntext, text
from app.organisations.permissions import ROLE_NAMES, Role


@dataclass(frozen=True)
class Guard:
    """A condition of a transition, by its name in `GUARDS`, with the parameters that one takes.

    `days` are calendar days; `fields`, `number` and `link` are keys of fields.
    """

    name: str
    role: Role | None = None
    days: int | None = None
    fields: tuple[str, ...] = ()
    number: str | None = None
    link: str | None = None

    @property
    def decision(self) -> tuple[str, ...]:
        """The fields of a decision, for which the form of the step asks."""
        return tuple(key for key in (self.number, self.link) if key)

    @property
    def needs(self) -> tuple[str, ...]:
        """Every field that must have a value."""
        return (*self.fields, *self.decision)


@dataclass(frozen=True)
class Facts:
    """What the guards look at, gathered by `measures.queries`.

    `update_age` are whole days since the last progress update was handed in, None without one; `filled` the keys of
    the fields that have a value; `involved_ids` those whom four eyes stop.
    """

    milestones: int = 0
    unapproved_milestones: int = 0
    has_unit: bool = False
    has_grant_notice: bool = False
    assigned_roles: frozenset[Role] = frozenset()
    update_age: int | None = None
    unfinished_predecessors: tuple[Text | Localized, ...] = ()
    filled: frozenset[str] = frozenset()
    involved_ids: frozenset[UUID] = frozenset()
    allows_override: bool = False


@dataclass(frozen=True)
class Given:
    """What the person gives with the step: note, values of fields, number of files, reason of an emergency."""

    note: str = ""
    record: Mapping[str, Any] = field(default_factory=dict)
    evidence: int = 0
    override_reason: str = ""


NOTHING = Given()


class Place(StrEnum):
    """Where a condition can be met."""

    MILESTONES = "milestones"
    RESPONSIBILITY = "responsibility"
    PROGRESS = "progress"
    GRANTS = "grants"
    DETAILS = "details"
    PREDECESSORS = "predecessors"
    PEOPLE = "people"


@dataclass(frozen=True)
class Condition:
    """One condition of a step for one person: met or not, in a sentence.

    `place` is where it can be met, and `field` the key of the field that is missing; `input_field` is set where the
    form of the step itself asks for it; what `is_forbidden` this person cannot meet at all.
    """

    is_met: bool
    sentence: Text
    place: Place | None = None
    input_field: str | None = None
    field: str | None = None
    is_forbidden: bool = False


@dataclass(frozen=True)
class Case:
    """All that a guard judges by. `labels` say what fields are called; `asked` are those the form of the step has."""

    facts: Facts
    given: Given
    labels: Mapping[str, Text | Localized]
    asked: frozenset[str] = frozenset()

    def has(self, key: str) -> bool:
        """Whether a field has a value: the one given with the step where it was asked for, else the stored one."""
        if key in self.asked and key in self.given.record:
            return bool(str(self.given.record[key] or "").strip())
        return key in self.facts.filled


def field_condition(case: Case, key: str) -> Condition:
    """Whether a field that is needed has its value."""
    label = case.labels[key]
    is_met = case.has(key)
    sentence = (
        text("Angabe „%(label)s“ liegt vor", label=label) if is_met else text("Angabe „%(label)s“ fehlt", label=label)
    )
    return Condition(is_met, sentence, Place.DETAILS, key if key in case.asked else None, key)


Judge = Callable[[Guard, Case], Iterator[Condition]]


def _fields_needed(guard: Guard, case: Case) -> Iterator[Condition]:
    """Nothing of its own: `workflow` judges all fields of a step together, so that each is named once."""
    return iter(())


def _milestones_approved(guard: Guard, case: Case) -> Iterator[Condition]:
    if case.facts.unapproved_milestones:
        sentence = ntext(
            "%(n)s von %(total)s Meilensteinen ist nicht freigegeben",
            "%(n)s von %(total)s Meilensteinen sind nicht freigegeben",
            case.facts.unapproved_milestones,
            total=case.facts.milestones,
        )
    else:
        sentence = text("alle Meilensteine sind freigegeben oder begründet entfallen")
    yield Condition(not case.facts.unapproved_milestones, sentence, Place.MILESTONES)


def _milestones_planned(guard: Guard, case: Case) -> Iterator[Condition]:
    is_met = case.facts.milestones > 0
    sentence = text("es gibt einen Meilensteinplan") if is_met else text("es gibt keinen Meilensteinplan")
    yield Condition(is_met, sentence, Place.MILESTONES)


def _note_given(guard: Guard, case: Case) -> Iterator[Condition]:
    is_met = bool(case.given.note.strip())
    sentence = text("Begründung ist angegeben") if is_met else text("Begründung fehlt")
    yield Condition(is_met, sentence, input_field="note")


def _evidence_attached(guard: Guard, case: Case) -> Iterator[Condition]:
    is_met = case.given.evidence > 0
    sentence = text("Nachweis ist beigefügt") if is_met else text("Nachweis fehlt: Bitte fügen Sie eine Datei bei")
    yield Condition(is_met, sentence, input_field="files")


def _progress_current(guard: Guard, case: Case) -> Iterator[Condition]:
    n = guard.days or 0
    age = case.facts.update_age
    if age is not None and age <= n:
        yield Condition(
            True,
            ntext(
                "der letzte Sachstand ist höchstens %(n)s Tag alt",
                "der letzte Sachstand ist höchstens %(n)s Tage alt",
                n,
            ),
            Place.PROGRESS,
        )
    elif age is None:
        yield Condition(False, text("es gibt noch keinen eingereichten Sachstand"), Place.PROGRESS)
    else:
        yield Condition(
            False,
            ntext(
                "der letzte Sachstand ist %(n)s Tag alt, erlaubt sind höchstens %(days)s",
                "der letzte Sachstand ist %(n)s Tage alt, erlaubt sind höchstens %(days)s",
                age,
                days=n,
            ),
            Place.PROGRESS,
        )


def _grant_notice_recorded(guard: Guard, case: Case) -> Iterator[Condition]:
    is_met = case.facts.has_grant_notice
    sentence = text("der Zuwendungsbescheid ist erfasst") if is_met else text("kein Zuwendungsbescheid ist erfasst")
    yield Condition(is_met, sentence, Place.GRANTS)


def _predecessors_done(guard: Guard, case: Case) -> Iterator[Condition]:
    names = case.facts.unfinished_predecessors
    if names:
        sentence = ntext(
            "%(n)s Vorgänger ist nicht umgesetzt: %(names)s",
            "%(n)s Vorgänger sind nicht umgesetzt: %(names)s",
            len(names),
            names=names,
        )
    else:
        sentence = text("alle Vorgänger sind umgesetzt")
    yield Condition(not names, sentence, Place.PREDECESSORS)


def _unit_assigned(guard: Guard, case: Case) -> Iterator[Condition]:
    is_met = case.facts.has_unit
    sentence = (
        text("eine verantwortliche Stelle ist eingetragen")
        if is_met
        else text("keine verantwortliche Stelle ist eingetragen")
    )
    yield Condition(is_met, sentence, Place.RESPONSIBILITY)


def _role_assigned(guard: Guard, case: Case) -> Iterator[Condition]:
    if guard.role is None:
        return
    is_met = guard.role in case.facts.assigned_roles
    name = ROLE_NAMES[guard.role]
    place = Place.RESPONSIBILITY if guard.role is Role.PROJECT_LEAD else Place.PEOPLE
    sentence = (
        text("die Rolle „%(role)s“ ist besetzt", role=name)
        if is_met
        else text("niemand ist als %(role)s eingetragen", role=name)
    )
    yield Condition(is_met, sentence, place)


@dataclass(frozen=True)
class Kind:
    """A guard of the closed set: how it judges, what it is called, and which parameters it needs."""

    judge: Judge
    name: Text
    needs: tuple[str, ...] = ()


GUARDS: Mapping[str, Kind] = {
    "milestones_approved": Kind(_milestones_approved, text("alle Meilensteine freigegeben oder begründet entfallen")),
    "milestones_planned": Kind(_milestones_planned, text("Meilensteinplan angelegt")),
    "fields_filled": Kind(_fields_needed, text("Angaben ausgefüllt"), ("fields",)),
    "note_given": Kind(_note_given, text("Begründung angegeben")),
    "evidence_attached": Kind(_evidence_attached, text("Nachweis beigefügt")),
    "progress_current": Kind(_progress_current, text("Sachstand aktuell"), ("days",)),
    "grant_notice_recorded": Kind(_grant_notice_recorded, text("Zuwendungsbescheid erfasst")),
    "predecessors_done": Kind(_predecessors_done, text("Vorgänger umgesetzt")),
    "decision_recorded": Kind(_fields_needed, text("Beschluss mit Nummer und Adresse erfasst"), ("number", "link")),
    "unit_assigned": Kind(_unit_assigned, text("verantwortliche Stelle eingetragen")),
    "role_assigned": Kind(_role_assigned, text("Rolle besetzt"), ("role",)),
}
"""The closed set, by the names that definitions use."""

PARAMETERS = ("role", "days", "fields", "number", "link")
"""Every parameter a guard may have."""

ASSIGNABLE_ROLES = (Role.PROJECT_LEAD, Role.DEPARTMENT_HEAD, Role.COORDINATOR)
"""The roles somebody can hold for a measure; a guard that waits for another would wait for ever."""


def title(guard: Guard, labels: Mapping[str, Text | Localized]) -> Text:
    """What a guard asks for, in words, with its parameters."""
    if guard.name == "role_assigned" and guard.role:
        return text("%(role)s eingetragen", role=ROLE_NAMES[guard.role])
    if guard.name == "fields_filled":
        return text("ausgefüllt: %(fields)s", fields=tuple(labels[key] for key in guard.fields))
    if guard.name == "progress_current":
        n = guard.days or 0
        return ntext("Sachstand höchstens %(n)s Tag alt", "Sachstand höchstens %(n)s Tage alt", n)
    return GUARDS[guard.name].name
