"""What is wrong with the definition of a workflow. Pure.

A sound definition has one known initial status, every status can be reached, an end can be reached from everywhere,
somebody may take every step, and no step waits for what can never be. An error keeps a definition from being
published, a warning does not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal, TypeAlias

from app.core.text import Text, text
from app.organisations.permissions import ACTING_ROLES, ROLE_NAMES, Role
from app.programmes.access import ALWAYS_VISIBLE, MEASURE_FIELDS
from app.programmes.guards import ASSIGNABLE_ROLES, GUARDS, PARAMETERS
from app.programmes.workflow import REPORTED_CATEGORIES, FieldType, Transition, Workflow, build

Level: TypeAlias = Literal["error", "warning"]
Definition: TypeAlias = Mapping[str, Any]

MOST_STATUSES = 100
MOST_TRANSITIONS = 500
MOST_FIELDS = 200
"""More than these nobody oversees; real programmes have a dozen statuses and two dozen steps."""
MOST_DAYS = 3650
LANGUAGES = ("de", "en")


@dataclass(frozen=True)
class Finding:
    """Something wrong with a definition, and where: `transitions[3].to`."""

    path: str
    message: Text
    level: Level = "error"


def findings(definition: Definition, held_roles: Collection[Role] | None = None) -> tuple[Finding, ...]:
    """Everything wrong with a definition whose shape (names and types) has been checked before.

    `held_roles` are the roles somebody holds in the programme; None where that is not known.
    """
    found = list(_excess(definition))
    if found:
        return tuple(found)
    found += [*_references(definition), *_labels(definition)]
    if any(finding.level == "error" for finding in found):
        return tuple(found)
    workflow = build(definition)
    found += _ways(definition, workflow)
    found += _impossible(definition, workflow)
    if held_roles is not None:
        found += _held_by_nobody(definition, workflow, frozenset(held_roles))
    return tuple(found)


def has_errors(found: Iterable[Finding]) -> bool:
    """Whether one of the findings keeps the definition from being published."""
    return any(finding.level == "error" for finding in found)


def _excess(definition: Definition) -> Iterator[Finding]:
    for name, most, message in (
        ("statuses", MOST_STATUSES, text("der Ablauf hat zu viele Status: höchstens %(most)s", most=MOST_STATUSES)),
        (
            "transitions",
            MOST_TRANSITIONS,
            text("der Ablauf hat zu viele Übergänge: höchstens %(most)s", most=MOST_TRANSITIONS),
        ),
        ("fields", MOST_FIELDS, text("der Ablauf hat zu viele Felder: höchstens %(most)s", most=MOST_FIELDS)),
    ):
        if len(definition.get(name, ())) > most:
            yield Finding(name, message)


# -- keys that lead nowhere, or stand twice


def _references(definition: Definition) -> Iterator[Finding]:
    statuses = [row["key"] for row in definition["statuses"]]
    fields = [row["key"] for row in definition.get("fields", ())]
    types = {row["key"]: row["type"] for row in definition.get("fields", ())}
    yield from _repeated("statuses", statuses)
    yield from _repeated("fields", fields)
    yield from _repeated("transitions", [row["key"] for row in definition["transitions"]])
    if not statuses:
        yield Finding("statuses", text("der Ablauf hat keinen Status"))
    elif definition["initial"] not in statuses:
        yield Finding("initial", _unknown_status(definition["initial"], statuses))
    for index, key in enumerate(fields):
        if key in MEASURE_FIELDS:
            taken = text("„%(key)s“ ist eine Angabe jeder Maßnahme; wählen Sie einen anderen Schlüssel", key=key)
            yield Finding(f"fields[{index}].key", taken)
    for index, row in enumerate(definition["statuses"]):
        yield from _field_rules(f"statuses[{index}]", row, fields)
    for index, row in enumerate(definition["transitions"]):
        yield from _transition(f"transitions[{index}]", row, statuses, fields, types)


def _repeated(name: str, keys: list[str]) -> Iterator[Finding]:
    seen: set[str] = set()
    for index, key in enumerate(keys):
        if key in seen:
            yield Finding(f"{name}[{index}].key", text("der Schlüssel „%(key)s“ kommt zweimal vor", key=key))
        seen.add(key)


def _unknown_status(key: str, statuses: list[str]) -> Text:
    close = get_close_matches(key, statuses, 1)
    if close:
        return text("der Status „%(key)s“ ist unbekannt; meinten Sie „%(close)s“?", key=key, close=close[0])
    return text("der Status „%(key)s“ ist unbekannt", key=key)


def _unknown_field(path: str, key: str, known: Collection[str]) -> Iterator[Finding]:
    if key in known:
        return
    close = get_close_matches(key, list(known), 1)
    yield Finding(
        path,
        text("das Feld „%(key)s“ ist unbekannt; meinten Sie „%(close)s“?", key=key, close=close[0])
        if close
        else text("das Feld „%(key)s“ ist unbekannt", key=key),
    )


def _field_rules(path: str, row: Mapping[str, Any], fields: list[str]) -> Iterator[Finding]:
    for index, rule in enumerate(row.get("field_rules", ())):
        here = f"{path}.field_rules[{index}]"
        yield from _unknown_field(f"{here}.field", rule["field"], [*MEASURE_FIELDS, *fields])
        if rule["field"] in ALWAYS_VISIBLE and rule["rule"] == "hidden":
            name = MEASURE_FIELDS[rule["field"]]
            yield Finding(f"{here}.rule", text("„%(field)s“ lässt sich nicht verbergen", field=name))


def _transition(
    path: str, row: Mapping[str, Any], statuses: list[str], fields: list[str], types: Mapping[str, str]
) -> Iterator[Finding]:
    for end in ("from", "to"):
        if row[end] not in statuses:
            yield Finding(f"{path}.{end}", _unknown_status(row[end], statuses))
    if not row["roles"]:
        yield Finding(f"{path}.roles", text("keine Rolle darf diesen Übergang ausführen"))
    for index, role in enumerate(row["roles"]):
        if role not in ACTING_ROLES:
            name = ROLE_NAMES[Role(role)]
            yield Finding(f"{path}.roles[{index}]", text("die Rolle „%(role)s“ ändert keinen Status", role=name))
    for index, guard in enumerate(row.get("guards", ())):
        yield from _guard(f"{path}.guards[{index}]", guard, fields, types)
    for index, key in enumerate(row.get("fields", ())):
        yield from _unknown_field(f"{path}.fields[{index}]", key, fields)


def _guard(path: str, row: Mapping[str, Any], fields: list[str], types: Mapping[str, str]) -> Iterator[Finding]:
    name = row["guard"]
    if name not in GUARDS:
        known = ", ".join(GUARDS)
        yield Finding(
            f"{path}.guard",
            text("die Bedingung „%(key)s“ ist unbekannt; möglich sind: %(known)s", key=name, known=known),
        )
        return
    needs = GUARDS[name].needs
    for parameter in PARAMETERS:
        has = row.get(parameter) not in (None, [], ())
        if has and parameter not in needs:
            yield Finding(
                f"{path}.{parameter}",
                text("die Bedingung „%(key)s“ kennt „%(parameter)s“ nicht", key=name, parameter=parameter),
            )
        elif not has and parameter in needs:
            yield Finding(
                f"{path}.{parameter}",
                text("zur Bedingung „%(key)s“ gehört „%(parameter)s“", key=name, parameter=parameter),
            )
        elif has:
            yield from _parameter(f"{path}.{parameter}", parameter, row[parameter], fields, types)


def _parameter(
    path: str, parameter: str, value: Any, fields: list[str], types: Mapping[str, str]
) -> Iterator[Finding]:
    if parameter == "days" and not 1 <= value <= MOST_DAYS:
        yield Finding(path, text("erlaubt sind 1 bis %(most)s Tage", most=MOST_DAYS))
    elif parameter == "fields":
        for index, key in enumerate(value):
            yield from _unknown_field(f"{path}[{index}]", key, [*MEASURE_FIELDS, *fields])
    elif parameter in ("number", "link"):
        yield from _unknown_field(path, value, fields)
        wanted = FieldType.URL if parameter == "link" else FieldType.TEXT
        if types.get(value, wanted) != wanted:
            yield Finding(path, text("das Feld „%(key)s“ muss vom Typ „%(type)s“ sein", key=value, type=wanted.value))


# -- words


def _labels(definition: Definition) -> Iterator[Finding]:
    for name in ("statuses", "transitions", "fields"):
        for index, row in enumerate(definition.get(name, ())):
            for words in ("label", "public_label", "expectation", "hint"):
                if row.get(words) and not row[words].get("en"):
                    yield Finding(f"{name}[{index}].{words}", text("die englische Fassung fehlt"), "warning")
    for language in LANGUAGES:
        seen: dict[tuple[str, str], int] = {}
        for index, row in enumerate(definition["transitions"]):
            label = row["label"].get(language)
            if not label:
                continue
            first = seen.setdefault((row["from"], _folded(label)), index)
            if first != index and not (language == "en" and _equal(definition, first, index, "de")):
                yield Finding(
                    f"transitions[{index}].label",
                    text("aus demselben Status führt schon ein Übergang namens „%(label)s“", label=label),
                )


def _folded(label: str) -> str:
    return " ".join(label.split()).casefold()


def _equal(definition: Definition, one: int, other: int, language: str) -> bool:
    labels = (definition["transitions"][index]["label"][language] for index in (one, other))
    return len({_folded(label) for label in labels}) == 1


# -- ways


def _ways(definition: Definition, workflow: Workflow) -> Iterator[Finding]:
    """Statuses nobody reaches, dead ends, and circles that are never left."""
    forward, backward = _neighbours(workflow)
    reached = _reach([workflow.initial], forward)
    ending = _reach([key for key, status in workflow.statuses.items() if status.final], backward)
    for index, row in enumerate(definition["statuses"]):
        key, path = row["key"], f"statuses[{index}]"
        name = workflow.statuses[key].label
        if key not in reached:
            yield Finding(path, text("der Status „%(key)s“ ist vom Anfang aus nicht erreichbar", key=name))
        if row.get("final") and forward.get(key):
            yield Finding(path, text("der Endstatus „%(key)s“ hat einen Weg hinaus", key=name))
        elif not row.get("final") and not forward.get(key):
            yield Finding(
                path, text("Sackgasse: aus dem Status „%(key)s“ führt kein Übergang, und er ist kein Ende", key=name)
            )
        elif key not in ending:
            yield Finding(path, text("Falle: vom Status „%(key)s“ aus ist kein Ende erreichbar", key=name))


def _neighbours(workflow: Workflow) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    forward: dict[str, set[str]] = {}
    backward: dict[str, set[str]] = {}
    for transition in workflow.transitions.values():
        forward.setdefault(transition.source, set()).add(transition.target)
        backward.setdefault(transition.target, set()).add(transition.source)
    return forward, backward


def _reach(starts: Iterable[str], ways: Mapping[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    waiting = list(starts)
    while waiting:
        key = waiting.pop()
        if key not in reached:
            reached.add(key)
            waiting.extend(ways.get(key, ()))
    return reached


# -- steps that can never be taken


def _impossible(definition: Definition, workflow: Workflow) -> Iterator[Finding]:
    """Conditions that nothing anybody does can meet."""
    forward, backward = _neighbours(workflow)
    reached = _reach([workflow.initial], forward)
    before_status = {key: _reach([key], backward) & reached | {key} for key in workflow.statuses}
    for index, row in enumerate(definition["transitions"]):
        path = f"transitions[{index}]"
        transition = workflow.transitions[row["key"]]
        before = before_status[transition.source]
        for number, guard in enumerate(transition.guards):
            here = f"{path}.guards[{number}]"
            if guard.role is not None and guard.role not in ASSIGNABLE_ROLES:
                name = ROLE_NAMES[guard.role]
                yield Finding(
                    f"{here}.role", text("die Rolle „%(role)s“ trägt niemand bei einer Maßnahme", role=name)
                )
            if guard.name == "progress_current" and not any(
                workflow.statuses[key].category in REPORTED_CATEGORIES for key in before
            ):
                yield Finding(
                    here, text("nie erfüllbar: in keinem Status bis hierher wird über den Sachstand berichtet")
                )
            for parameter, keys in (
                ("fields", guard.fields),
                ("number", (guard.number or "",)),
                ("link", (guard.link or "",)),
            ):
                yield from _never_filled(f"{here}.{parameter}", keys, workflow, transition, before)
        yield from _never_filled(f"{path}.fields", transition.fields, workflow, transition, before)


def _never_filled(
    path: str, keys: Sequence[str], workflow: Workflow, transition: Transition, before: set[str]
) -> Iterator[Finding]:
    for key in keys:
        if key in workflow.fields and not _can_be_filled(workflow, key, transition, before):
            yield Finding(
                path,
                text(
                    "nie erfüllbar: das Feld „%(field)s“ darf bis hierher niemand ausfüllen",
                    field=workflow.fields[key].label,
                ),
            )


def _can_be_filled(workflow: Workflow, key: str, transition: Transition, before: set[str]) -> bool:
    """In the form of the step itself, in that of a step before it, or by those who keep the measure's details."""
    details = any(
        workflow.statuses[status].access(key, frozenset({role})).is_editable
        for status in before
        for role in EDITING_ROLES
    )
    if details:
        return True
    steps = (
        one
        for one in workflow.transitions.values()
        if one is transition or (one.source in before and one.target in before)
    )
    return any(key in workflow.asked(one, frozenset({role})) for one in steps for role in one.roles)


EDITING_ROLES = (Role.PROJECT_LEAD, Role.COORDINATOR)
"""Who may change the details of a measure: the twin of `Permission.EDIT_MEASURE`."""


def _held_by_nobody(definition: Definition, workflow: Workflow, held: frozenset[Role]) -> Iterator[Finding]:
    for index, row in enumerate(definition["transitions"]):
        roles = workflow.transitions[row["key"]].roles
        if not roles & held:
            names = tuple(ROLE_NAMES[role] for role in Role if role in roles)
            yield Finding(
                f"transitions[{index}].roles",
                text(
                    "diesen Übergang kann niemand gehen: in diesem Programm hat niemand die Rolle %(roles)s",
                    roles=names,
                ),
                "warning",
            )
