"""A workflow of the file as the definition that a programme keeps, and what is unsound in it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from app.core.localized import Localized
from app.core.sources import Source as KeptSource
from app.programmes import soundness
from app.programmes import workflow as rules
from app.transfer import format as city_file
from app.transfer.entries import Entry, Source
from app.transfer.findings import Finding, Place


def unsound(city: city_file.CityFile) -> Iterator[Finding]:
    """What `programmes/soundness.py` finds wrong with the workflows of a city, each at its place in the file."""
    for programme in city.programmes:
        for found in soundness.findings(definition(programme.workflow)):
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
    )


def _transition(transition: city_file.Transition) -> dict[str, Any]:
    names = {"from": transition.from_status, "to": transition.to_status}
    return names | _without_none(
        key=transition.key,
        label=_words(transition.label),
        roles=list(transition.roles),
        guards=[_without_none(guard=guard.guard, role=guard.role) for guard in transition.guards],
        fields=list(transition.fields),
        basis=transition.basis,
        sources=kept_sources(transition.sources),
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
