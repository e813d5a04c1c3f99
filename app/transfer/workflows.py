"""A workflow of the file as the definition that a programme keeps, and what is unsound in it. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from app.core.localized import Localized
from app.core.sources import Source as KeptSource
from app.organisations.permissions import Role
from app.programmes import editing, soundness
from app.programmes import workflow as rules
from app.transfer import format as city_file
from app.transfer.entries import Entry, Source
from app.transfer.findings import Finding, Place


def unsound(city: city_file.CityFile) -> Iterator[Finding]:
    """What `programmes/soundness.py` finds wrong with the workflows of a city, each at its place in the file."""
    for programme in city.programmes:
        yield from unsound_in(programme, held_roles(city, programme))


def unsound_in(programme: city_file.Programme, held: Collection[Role] | None = None) -> Iterator[Finding]:
    """The same for one programme, in which somebody holds these roles; None where that is not known."""
    for found in soundness.findings(definition(programme.workflow), held):
        yield Finding.at(_place(programme.workflow, found.path), found.message, found.level)


def held_roles(city: city_file.CityFile, programme: city_file.Programme) -> frozenset[Role] | None:
    """The roles somebody holds, says the file; None where it has no accounts, and people come from elsewhere."""
    if not city.accounts:
        return None
    held = {Role(membership.role) for account in city.accounts for membership in account.memberships}
    if any(measure.lead for measure in city.measures if measure.programme == programme.key):
        held.add(Role.PROJECT_LEAD)
    return frozenset(held)


def retyped(programme: city_file.Programme, published: Iterable[Mapping[str, Any]]) -> Iterator[Finding]:
    """Fields that the file gives another type than they have in the published versions, the oldest first."""
    for found in editing.retyped(definition(programme.workflow), editing.types_of(published)):
        yield Finding.at(_place(programme.workflow, found.path), found.message)


def definition(workflow: city_file.Workflow) -> dict[str, Any]:
    """The definition as JSON keeps it; what the file leaves out is left out here, too."""
    return {
        "initial": workflow.initial,
        "fields": [
            _without_none(key=field.key, label=_words(field.label), type=field.type, hint=_words(field.hint))
            for field in workflow.fields
        ],
        "statuses": [_status(status) for status in workflow.statuses],
        "transitions": [_transition(transition) for transition in workflow.transitions],
    }


def is_same(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether two sound definitions ask the same of a measure; their sources do not count."""
    return rules.build(stored) == rules.build(wanted)


def provenance(kept: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Where the steps of a definition come from: basis and sources by their keys."""
    return {row["key"]: (row.get("basis"), row.get("sources") or {}) for row in kept["transitions"]}


def kept_sources(sources: Mapping[str, list[Source]]) -> dict[str, list[dict[str, Any]]]:
    """Sources as the database keeps them."""
    return {
        name: [KeptSource(item.address, item.confidence, item.note).kept() for item in items]
        for name, items in sources.items()
    }


def _status(status: city_file.Status) -> dict[str, Any]:
    return _without_none(
        key=status.key,
        label=_words(status.label),
        category=status.category,
        final=status.final,
        public_label=_words(status.public_label),
        expectation=_words(status.expectation),
        field_rules=[_field_rule(rule) for rule in status.field_rules] or None,
    )


def _field_rule(rule: city_file.FieldRule) -> dict[str, Any]:
    return _without_none(field=rule.field, rule=rule.rule, roles=list(rule.roles) or None)


def _transition(transition: city_file.Transition) -> dict[str, Any]:
    names = {"from": transition.from_status, "to": transition.to_status}
    return names | _without_none(
        key=transition.key,
        label=_words(transition.label),
        roles=list(transition.roles),
        guards=[_guard(guard) for guard in transition.guards],
        fields=list(transition.fields),
        four_eyes=transition.four_eyes or None,
        basis=transition.basis,
        sources=kept_sources(transition.sources) or None,
    )


def _guard(guard: city_file.Guard) -> dict[str, Any]:
    return _without_none(
        guard=guard.guard,
        role=guard.role,
        days=guard.days,
        fields=list(guard.fields) or None,
        number=guard.number,
        link=guard.link,
    )


def _words(value: Localized | None) -> dict[str, str] | None:
    return _without_none(de=value.de, en=value.en) if value else None


def _without_none(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _place(entry: Entry, path: str) -> Place:
    """Where a path of the validator, such as transitions[3].to, is written."""
    parts = [int(number) if number else name for number, name in re.findall(r"\[(\d+)\]|([^.\[\]]+)", path)]
    while len(parts) >= 2 and isinstance(parts[1], int):
        items = getattr(entry, str(parts[0]))
        if not isinstance(items[parts[1]], Entry):
            break
        entry, parts = items[parts[1]], parts[2:]
    return entry.place(*parts)
