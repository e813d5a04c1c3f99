"""What is wrong with the definition of a workflow. Pure.

A sound definition has one known initial status, every status can be reached, an end can be reached from everywhere,
somebody may take every step, and no step waits for what can never be. An error keeps a definition from being
published, a warning does not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from typing import Any, Literal, TypeAlias

from app.core.text import Text, text
from app.organisations.permissions import ACTING_ROLES, ROLE_NAMES, Role
from app.programmes import paths
from app.programmes.access import ALWAYS_VISIBLE, MEASURE_FIELDS
from app.programmes.guards import ASSIGNABLE_ROLES, GUARDS, PARAMETERS
from app.programmes.workflow import FieldType, Transition, Workflow, build

Level: TypeAlias = Literal["error", "warning"]
Definition: TypeAlias = Mapping[str, Any]

MOST_STATUSES = 100
MOST_TRANSITIONS = 500
MOST_FIELDS = 200
"""More than these nobody oversees; real programmes have a dozen statuses and two dozen steps."""
MOST_ENTRIES = 500
"""In one list of a status or a transition: rules, conditions, fields, roles."""
MOST_WRONG_KEYS = 50
"""More wrong keys are not looked for a likely meaning: that takes time, and nobody reads them."""
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

    Where there is too much of something, or keys lead nowhere, the rest is not looked at; of wrong keys only the
    first `MOST_WRONG_KEYS` are named. `held_roles` are the roles somebody holds in the programme; None where that is
    not known.
    """
    found = list(_excess(definition))
    if found:
        return tuple(found)
    found += islice(_references(definition), MOST_WRONG_KEYS)
    is_readable = not has_errors(found)
    found += [*islice(_contradictions(definition), MOST_WRONG_KEYS), *_labels(definition), *_twins(definition)]
    if not is_readable:
        return tuple(found)
    workflow = build(definition)
    found += _ways(workflow)
    found += _impossible(definition, workflow)
    if held_roles is not None:
        found += _held_by_nobody(workflow, frozenset(held_roles))
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
            text("der Ablauf hat zu viele Schritte: höchstens %(most)s", most=MOST_TRANSITIONS),
        ),
        ("fields", MOST_FIELDS, text("der Ablauf hat zu viele Felder: höchstens %(most)s", most=MOST_FIELDS)),
    ):
        if len(definition.get(name, ())) > most:
            yield Finding(name, message)
            continue
        for index, row in enumerate(definition.get(name, ())):
            yield from _long_lists(f"{name}[{index}]", row)


def _long_lists(path: str, row: Mapping[str, Any]) -> Iterator[Finding]:
    for name in ("field_rules", "guards", "fields", "roles"):
        if len(row.get(name) or ()) > MOST_ENTRIES:
            yield Finding(f"{path}.{name}", text("zu viele Einträge: höchstens %(most)s", most=MOST_ENTRIES))


# -- keys that lead nowhere, or stand twice


def _references(definition: Definition) -> Iterator[Finding]:
    statuses = [row["key"] for row in definition["statuses"]]
    fields = [row["key"] for row in definition.get("fields", ())]
    types: dict[str, str] = {row["key"]: row["type"] for row in definition.get("fields", ())}
    yield from _repeated("statuses", statuses)
    yield from _repeated("fields", fields)
    yield from _repeated("transitions", [row["key"] for row in definition["transitions"]])
    if not statuses:
        yield Finding("statuses", text("der Ablauf hat keinen Status"))
    else:
        yield from _unknown_status("initial", definition["initial"], statuses)
    for index, key in enumerate(fields):
        if key in MEASURE_FIELDS:
            taken = text("„%(key)s“ ist eine Angabe jeder Maßnahme; wählen Sie einen anderen Schlüssel", key=key)
            yield Finding(f"fields[{index}].key", taken)
    for index, row in enumerate(definition["statuses"]):
        yield from _field_rules(f"statuses[{index}]", row, types)
    for index, row in enumerate(definition["transitions"]):
        for end in ("from", "to"):
            yield from _unknown_status(f"transitions[{index}].{end}", row[end], statuses)
        yield from _transition(f"transitions[{index}]", row, types)


def _repeated(name: str, keys: list[str]) -> Iterator[Finding]:
    seen: set[str] = set()
    for index, key in enumerate(keys):
        if key in seen:
            yield Finding(f"{name}[{index}].key", text("der Schlüssel „%(key)s“ kommt zweimal vor", key=key))
        seen.add(key)


def _unknown_status(path: str, key: str, statuses: list[str]) -> Iterator[Finding]:
    if key in statuses:
        return
    message = text("der Status „%(key)s“ ist unbekannt", key=key)
    for close in get_close_matches(key, statuses, 1):
        message = text("der Status „%(key)s“ ist unbekannt; meinten Sie „%(close)s“?", key=key, close=close)
    yield Finding(path, message)


def _unknown_field(path: str, key: str, known: Mapping[str, Any]) -> Iterator[Finding]:
    if key in known:
        return
    message = text("das Feld „%(key)s“ ist unbekannt", key=key)
    for close in get_close_matches(key, known, 1):
        message = text("das Feld „%(key)s“ ist unbekannt; meinten Sie „%(close)s“?", key=key, close=close)
    yield Finding(path, message)


def _field_rules(path: str, row: Mapping[str, Any], types: Mapping[str, str]) -> Iterator[Finding]:
    known = {**MEASURE_FIELDS, **types}
    for index, rule in enumerate(row.get("field_rules", ())):
        here = f"{path}.field_rules[{index}]"
        yield from _unknown_field(f"{here}.field", rule["field"], known)
        if rule["field"] in ALWAYS_VISIBLE and rule["rule"] == "hidden":
            name = MEASURE_FIELDS[rule["field"]]
            yield Finding(f"{here}.rule", text("„%(field)s“ lässt sich nicht verbergen", field=name))


def _transition(path: str, row: Mapping[str, Any], types: Mapping[str, str]) -> Iterator[Finding]:
    if not row["roles"]:
        yield Finding(f"{path}.roles", text("keine Rolle darf diesen Schritt gehen"))
    for index, role in enumerate(row["roles"]):
        if role not in ACTING_ROLES:
            name = ROLE_NAMES[Role(role)]
            yield Finding(f"{path}.roles[{index}]", text("die Rolle „%(role)s“ ändert keinen Status", role=name))
    for index, guard in enumerate(row.get("guards", ())):
        yield from _guard(f"{path}.guards[{index}]", guard, types)
    for index, key in enumerate(row.get("fields", ())):
        yield from _unknown_field(f"{path}.fields[{index}]", key, types)


def _guard(path: str, row: Mapping[str, Any], types: Mapping[str, str]) -> Iterator[Finding]:
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
            yield from _parameter(f"{path}.{parameter}", parameter, row[parameter], types)


def _parameter(path: str, parameter: str, value: Any, types: Mapping[str, str]) -> Iterator[Finding]:
    if parameter == "role" and value not in ASSIGNABLE_ROLES:
        name = ROLE_NAMES[Role(value)]
        yield Finding(path, text("die Rolle „%(role)s“ trägt niemand bei einer Maßnahme", role=name))
    elif parameter == "days" and not 1 <= value <= MOST_DAYS:
        yield Finding(path, text("erlaubt sind 1 bis %(most)s Tage", most=MOST_DAYS))
    elif parameter == "fields":
        known = {**MEASURE_FIELDS, **types}
        for index, key in enumerate(value):
            yield from _unknown_field(f"{path}[{index}]", key, known)
    elif parameter in ("number", "link"):
        yield from _unknown_field(path, value, types)
        wanted = FieldType.URL if parameter == "link" else FieldType.TEXT
        if types.get(value, wanted) != wanted:
            yield Finding(path, text("das Feld „%(key)s“ muss vom Typ „%(type)s“ sein", key=value, type=wanted.value))


# -- field rules


def _contradictions(definition: Definition) -> Iterator[Finding]:
    for index, row in enumerate(definition["statuses"]):
        yield from _torn(f"statuses[{index}].field_rules", row.get("field_rules", ()))


def _torn(path: str, rules: Iterable[Mapping[str, Any]]) -> Iterator[Finding]:
    """Two rules for one field and one role: the strictest would hold, which is hardly meant. And rules in vain."""
    first: dict[tuple[str, Role], str] = {}
    for index, row in enumerate(rules):
        rule, roles = row["rule"], frozenset(map(Role, row.get("roles") or Role))
        others = {role: first[row["field"], role] for role in roles if (row["field"], role) in first}
        if others:
            names = tuple(ROLE_NAMES[role] for role in Role if role in others)
            is_torn = any(rule != other and "required" in (rule, other) for other in others.values())
            yield Finding(
                f"{path}[{index}]",
                text("für dieses Feld widersprechen sich zwei Regeln: %(roles)s", roles=names)
                if is_torn
                else text("für dieses Feld gelten zwei Regeln, und die strengere zählt: %(roles)s", roles=names),
                "error" if is_torn else "warning",
            )
        first.update({(row["field"], role): rule for role in roles - others.keys()})
        for role in map(Role, row.get("roles", ())):
            if rule == "required" and role not in ACTING_ROLES:
                in_vain = text("die Rolle „%(role)s“ füllt nie etwas aus", role=ROLE_NAMES[role])
                yield Finding(f"{path}[{index}]", in_vain, "warning")


# -- words


UNTRANSLATED: Mapping[str, Text] = {
    "label": text("die englische Fassung fehlt"),
    "public_label": text("die englische Fassung der öffentlichen Bezeichnung fehlt"),
    "expectation": text("die englische Fassung dessen fehlt, was jetzt erwartet wird"),
    "hint": text("die englische Fassung des Hinweises fehlt"),
}


def _labels(definition: Definition) -> Iterator[Finding]:
    for name in ("statuses", "transitions", "fields"):
        for index, row in enumerate(definition.get(name, ())):
            for words, missing in UNTRANSLATED.items():
                if row.get(words) and not row[words].get("en"):
                    yield Finding(f"{name}[{index}].{words}", missing, "warning")
    seen: set[tuple[str, str, str]] = set()
    for index, row in enumerate(definition["transitions"]):
        labels = {language: row["label"].get(language) or row["label"]["de"] for language in LANGUAGES}
        shown = {language: (row["from"], language, _folded(label)) for language, label in labels.items()}
        for language in LANGUAGES:
            if shown[language] in seen:
                yield Finding(
                    f"transitions[{index}].label",
                    text("aus demselben Status führt schon ein Schritt namens „%(label)s“", label=labels[language]),
                )
                break
        seen.update(shown.values())


def _twins(definition: Definition) -> Iterator[Finding]:
    """Statuses, and fields, that a reader cannot tell apart."""
    for name in ("statuses", "fields"):
        seen: set[str] = set()
        for index, row in enumerate(definition.get(name, ())):
            label = row["label"]["de"]
            if _folded(label) in seen:
                twice = text("„%(label)s“ gibt es zweimal; wer liest, kann sie nicht unterscheiden", label=label)
                yield Finding(f"{name}[{index}].label", twice, "warning")
            seen.add(_folded(label))


def _folded(label: str) -> str:
    return " ".join(label.split()).casefold()


# -- ways


def _ways(workflow: Workflow) -> Iterator[Finding]:
    """Statuses nobody reaches, dead ends, and circles that are never left."""
    reached = paths.reached(workflow)
    dead_ends = {key for key, row in workflow.statuses.items() if not row.final and not workflow.from_status(key)}
    ending = paths.leading_to(workflow, dead_ends | {key for key, row in workflow.statuses.items() if row.final})
    for index, (key, status) in enumerate(workflow.statuses.items()):
        path, name = f"statuses[{index}]", status.label
        if key not in reached:
            yield Finding(path, text("der Status „%(key)s“ ist vom Anfang aus nicht erreichbar", key=name))
        if status.final and any(way.target != key for way in workflow.from_status(key)):
            yield Finding(path, text("der Endstatus „%(key)s“ hat einen Weg hinaus", key=name))
        if key in dead_ends:
            yield Finding(
                path, text("Sackgasse: aus dem Status „%(key)s“ führt kein Schritt, und er ist kein Ende", key=name)
            )
        if key not in ending:
            yield Finding(path, text("Falle: vom Status „%(key)s“ aus ist kein Ende erreichbar", key=name))


# -- steps that can never be taken


def _impossible(definition: Definition, workflow: Workflow) -> Iterator[Finding]:
    """Conditions that nothing anybody does can meet. What begins where nobody comes is said of that status alone."""
    reached = paths.reached(workflow)
    reported = paths.reported(workflow)
    filled = paths.filled(workflow)
    for index, row in enumerate(definition["transitions"]):
        path, transition = f"transitions[{index}]", workflow.transitions[row["key"]]
        if transition.source not in reached:
            continue
        if transition.source not in reported:
            yield from _never_reported(path, row)
        awaited = paths.awaited(workflow, transition)
        never = [key for key in workflow.labels if key in awaited and transition.source not in filled[key]]
        yield from _never_filled(path, row, workflow, never)
        yield from _locked(path, workflow, transition, never)


def _never_reported(path: str, row: Mapping[str, Any]) -> Iterator[Finding]:
    for number, guard in enumerate(row.get("guards", ())):
        if guard["guard"] == "progress_current":
            yield Finding(
                f"{path}.guards[{number}]",
                text("nie erfüllbar: in keinem Status bis hierher wird über den Sachstand berichtet"),
            )


def _never_filled(path: str, row: Mapping[str, Any], workflow: Workflow, never: Collection[str]) -> Iterator[Finding]:
    named = [(place, key) for place, key in _named(row) if key in never]
    required = [("to", key) for key in never if key not in dict(named).values()]
    for place, key in (*named, *required):
        if key in MEASURE_FIELDS:
            yield _only_imported(f"{path}.{place}", MEASURE_FIELDS[key])
        elif place == "to":
            yield Finding(
                f"{path}.to",
                text(
                    "nie erfüllbar: der Status „%(status)s“ verlangt das Feld „%(field)s“, und bis hierher darf es "
                    "niemand ausfüllen",
                    status=workflow.statuses[row["to"]].label,
                    field=workflow.fields[key].label,
                ),
            )
        else:
            label = workflow.fields[key].label
            yield Finding(
                f"{path}.{place}",
                text("nie erfüllbar: das Feld „%(field)s“ darf bis hierher niemand ausfüllen", field=label),
            )


def _locked(path: str, workflow: Workflow, transition: Transition, never: Collection[str]) -> Iterator[Finding]:
    """A step asks a role for what the status keeps from it: somebody else must have filled it before."""
    status = workflow.statuses[transition.source]
    for key in transition.asks:
        shut = [role for role in transition.roles if not status.access(key, frozenset({role})).is_editable]
        if shut and key not in never:
            names = tuple(ROLE_NAMES[role] for role in Role if role in shut)
            question = text(
                "der Schritt fragt nach „%(field)s“, aber Feldregeln in „%(status)s“ sperren es für %(roles)s",
                field=workflow.fields[key].label,
                status=status.label,
                roles=names,
            )
            yield Finding(f"{path}.fields", question, "warning")


def _only_imported(path: str, field: Text) -> Finding:
    """What every measure has may have come with the city's file: a step that waits for it is no error."""
    return Finding(
        path,
        text(
            "die Angabe „%(field)s“ darf bis hierher niemand ausfüllen; sie kann nur mit der Datei der Stadt kommen",
            field=field,
        ),
        "warning",
    )


def _named(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every field that a transition names, with the place where it does."""
    for number, guard in enumerate(row.get("guards", ())):
        for index, key in enumerate(guard.get("fields") or ()):
            yield f"guards[{number}].fields[{index}]", key
        for parameter in ("number", "link"):
            if guard.get(parameter):
                yield f"guards[{number}].{parameter}", guard[parameter]
    for index, key in enumerate(row.get("fields", ())):
        yield f"fields[{index}]", key


def _held_by_nobody(workflow: Workflow, held: frozenset[Role]) -> Iterator[Finding]:
    for index, transition in enumerate(workflow.transitions.values()):
        if not transition.roles & held:
            yield Finding(
                f"transitions[{index}].roles",
                text(
                    "diesen Schritt kann niemand gehen: in diesem Programm hat niemand die Rolle %(roles)s",
                    roles=transition.role_names,
                ),
                "warning",
            )
