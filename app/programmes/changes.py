"""What one version of a workflow asks otherwise than another, in plain sentences. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from app.core.localized import Localized
from app.core.text import Text, text
from app.organisations.permissions import ROLE_NAMES, Role
from app.programmes import guards
from app.programmes.access import RULE_NAMES, RULES, FieldRule
from app.programmes.editing import FIELD_TYPE_NAMES, name_of
from app.programmes.guards import GUARDS, Guard
from app.programmes.soundness import Definition
from app.programmes.workflow import CATEGORY_NAMES, Field, Status, Transition, Workflow, build


def between(before: Definition, after: Definition) -> tuple[Text, ...]:
    """What `after` asks otherwise than `before`, one sentence each; none where the two are the same.

    Both name only what they have: see `editing.drawn`.
    """
    return tuple(_between(before, after))


def _between(before: Definition, after: Definition) -> Iterator[Text]:
    old, new = build(before), build(after)
    if old.initial != new.initial:
        yield text("Maßnahmen beginnen jetzt im Status „%(name)s“.", name=new.statuses[new.initial].label)
    yield from _status_changes(old, new)
    yield from _step_changes(old, new)
    yield from _field_changes(old, new)
    if _order(old.statuses, new.statuses):
        yield text("Die Status stehen in anderer Reihenfolge.")
    if _order(old.transitions, new.transitions):
        yield text("Die Schritte stehen in anderer Reihenfolge.")
    if _order(old.fields, new.fields):
        yield text("Die Felder stehen in anderer Reihenfolge.")
    rows = {row["key"]: row for row in before["transitions"]}
    for row in after["transitions"]:
        if row["key"] in rows and _origin(row) != _origin(rows[row["key"]]):
            yield text("Schritt „%(name)s“: Die Quellen sind andere.", name=name_of(row))


def _origin(row: Mapping[str, Any]) -> tuple[Any, Any]:
    return row.get("basis") or None, row.get("sources") or {}


def _order(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    return [key for key in old if key in new] != [key for key in new if key in old]


def _status_changes(old: Workflow, new: Workflow) -> Iterator[Text]:
    for key, status in new.statuses.items():
        was = old.statuses.get(key)
        if was is None:
            yield text("Neuer Status: „%(name)s“.", name=status.label)
        elif was != status:
            yield from _one_status(was, status, {**old.labels, **new.labels})
    for key, was in old.statuses.items():
        if key not in new.statuses:
            yield text("Der Status „%(name)s“ entfällt.", name=was.label)


def _one_status(was: Status, now: Status, labels: Mapping[str, Text | Localized]) -> Iterator[Text]:
    name = now.label
    if was.label.de != name.de:
        yield text("Der Status „%(before)s“ heißt jetzt „%(name)s“.", before=was.label, name=name)
    elif was.label != name:
        yield text("Status „%(name)s“: Die englische Bezeichnung ist eine andere.", name=name)
    if was.category != now.category:
        meaning = CATEGORY_NAMES[now.category]
        yield text("Status „%(name)s“: Er bedeutet jetzt „%(category)s“.", name=name, category=meaning)
    if now.final and not was.final:
        yield text("Status „%(name)s“: Er ist jetzt ein Ende.", name=name)
    elif was.final and not now.final:
        yield text("Status „%(name)s“: Er ist kein Ende mehr.", name=name)
    if was.public_label != now.public_label:
        yield (
            text("Status „%(name)s“: Er heißt öffentlich jetzt „%(label)s“.", name=name, label=now.public_label)
            if now.public_label
            else text("Status „%(name)s“: Er hat keine eigene öffentliche Bezeichnung mehr.", name=name)
        )
    if was.expectation != now.expectation:
        yield text("Status „%(name)s“: Was erwartet wird, ist neu gefasst.", name=name)
    for rule in now.field_rules:
        if rule not in was.field_rules:
            yield text("Status „%(name)s“: Neue Feldregel: %(rule)s.", name=name, rule=rule_sentence(rule, labels))
    for rule in was.field_rules:
        if rule not in now.field_rules:
            yield text(
                "Status „%(name)s“: Diese Feldregel entfällt: %(rule)s.", name=name, rule=rule_sentence(rule, labels)
            )


def rule_sentence(rule: FieldRule, labels: Mapping[str, Text | Localized]) -> Text:
    """A field rule in words."""
    field = labels.get(rule.field, rule.field)
    name = next(RULE_NAMES[word] for word, access in RULES.items() if access is rule.access)
    if not rule.roles:
        return text("%(field)s: %(rule)s für alle", field=field, rule=name)
    return text("%(field)s: %(rule)s für %(roles)s", field=field, rule=name, roles=role_names(rule.roles))


def role_names(roles: Collection[Role]) -> tuple[Text, ...]:
    """Roles in words, in their own order."""
    return tuple(ROLE_NAMES[role] for role in Role if role in roles)


def _step_changes(old: Workflow, new: Workflow) -> Iterator[Text]:
    for key, step in new.transitions.items():
        was = old.transitions.get(key)
        ends = {"source": new.statuses[step.source].label, "target": new.statuses[step.target].label}
        if was is None:
            yield text("Neuer Schritt: „%(name)s“ von „%(source)s“ nach „%(target)s“.", name=step.label, **ends)
            continue
        if was.label.de != step.label.de:
            yield text("Der Schritt „%(before)s“ heißt jetzt „%(name)s“.", before=was.label, name=step.label)
        elif was.label != step.label:
            yield text("Schritt „%(name)s“: Die englische Bezeichnung ist eine andere.", name=step.label)
        if (was.source, was.target) != (step.source, step.target):
            yield text(
                "Schritt „%(name)s“: Er führt jetzt von „%(source)s“ nach „%(target)s“.", name=step.label, **ends
            )
        yield from _one_step(was, step, old, new)
    for key, was in old.transitions.items():
        if key not in new.transitions:
            yield text(
                "Der Schritt „%(name)s“ von „%(source)s“ nach „%(target)s“ entfällt.",
                name=was.label,
                source=old.statuses[was.source].label,
                target=old.statuses[was.target].label,
            )


def _one_step(was: Transition, now: Transition, old: Workflow, new: Workflow) -> Iterator[Text]:
    name = now.label
    if was.roles != now.roles:
        yield text("Schritt „%(name)s“: Ihn gehen jetzt: %(roles)s.", name=name, roles=role_names(now.roles))
    if now.four_eyes and not was.four_eyes:
        yield text("Schritt „%(name)s“: Jetzt gilt das Vier-Augen-Prinzip.", name=name)
    elif was.four_eyes and not now.four_eyes:
        yield text("Schritt „%(name)s“: Das Vier-Augen-Prinzip gilt nicht mehr.", name=name)
    for guard in now.guards:
        if guard not in was.guards:
            yield text("Schritt „%(name)s“: Neue Bedingung: %(guard)s.", name=name, guard=_condition(guard, new))
    for guard in was.guards:
        if guard not in now.guards:
            yield text(
                "Schritt „%(name)s“: Diese Bedingung entfällt: %(guard)s.", name=name, guard=_condition(guard, old)
            )
    for key in now.fields:
        if key not in was.fields:
            yield text("Schritt „%(name)s“: Er fragt jetzt nach „%(field)s“.", name=name, field=new.labels[key])
    for key in was.fields:
        if key not in now.fields:
            yield text("Schritt „%(name)s“: Er fragt nicht mehr nach „%(field)s“.", name=name, field=old.labels[key])
    if was.fields != now.fields and set(was.fields) == set(now.fields):
        yield text("Schritt „%(name)s“: Er fragt in anderer Reihenfolge.", name=name)


def _condition(guard: Guard, workflow: Workflow) -> Text:
    if guard.number and guard.link:
        return text(
            "%(guard)s (%(number)s, %(link)s)",
            guard=GUARDS[guard.name].name,
            number=workflow.labels[guard.number],
            link=workflow.labels[guard.link],
        )
    return guards.title(guard, workflow.labels)


def _field_changes(old: Workflow, new: Workflow) -> Iterator[Text]:
    for key, field in new.fields.items():
        was = old.fields.get(key)
        if was is None:
            yield text("Neues Feld: „%(name)s“.", name=field.label)
        elif was != field:
            yield from _one_field(was, field)
    for key, was in old.fields.items():
        if key not in new.fields:
            yield text("Das Feld „%(name)s“ entfällt.", name=was.label)


def _one_field(was: Field, now: Field) -> Iterator[Text]:
    if was.label.de != now.label.de:
        yield text("Das Feld „%(before)s“ heißt jetzt „%(name)s“.", before=was.label, name=now.label)
    elif was.label != now.label:
        yield text("Feld „%(name)s“: Die englische Bezeichnung ist eine andere.", name=now.label)
    if was.type != now.type:
        yield text("Feld „%(name)s“: Es ist jetzt: %(type)s.", name=now.label, type=FIELD_TYPE_NAMES[now.type])
    if was.hint != now.hint:
        yield text("Feld „%(name)s“: Der Hinweis ist neu gefasst.", name=now.label)
