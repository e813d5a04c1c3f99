"""Which definitions of a workflow are unsound, and where."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.programmes import soundness
from tests.factories import WORKFLOW


def broken(**changes: Any) -> list[str]:
    definition = deepcopy(WORKFLOW)
    for path, value in changes.items():
        target: Any = definition
        *steps, last = path.split("__")
        for step in steps:
            target = target[int(step) if step.isdigit() else step]
        target[int(last) if last.isdigit() else last] = value
    return [f"{finding.path}: {finding.message}" for finding in soundness.findings(definition)]


def test_a_sound_definition_has_no_finding() -> None:
    assert broken() == []


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"transitions__3__to": "doen"}, "transitions[3].to: der Status „doen“ ist unbekannt; meinten Sie „done“?"),
        ({"initial": "nowhere"}, "initial: der Status „nowhere“ ist unbekannt"),
        ({"transitions__0__roles": []}, "transitions[0].roles: keine Rolle darf diesen Übergang ausführen"),
        ({"transitions__0__roles": ["auditor"]}, "transitions[0].roles[0]: die Rolle „Rechnungsprüfung“ ändert"),
        ({"transitions__1__fields": ["look_agian_on"]}, "transitions[1].fields[0]: das Feld „look_agian_on“"),
        ({"transitions__0__guards": [{"guard": "moon_is_full"}]}, "transitions[0].guards[0].guard: die Bedingung"),
        ({"transitions__0__guards": [{"guard": "role_assigned"}]}, "transitions[0].guards[0].role"),
        ({"statuses__1__key": "approved"}, "statuses[1].key: der Schlüssel „approved“ kommt zweimal vor"),
        ({"statuses__3__final": False}, "statuses[3]: vom Status „done“ aus ist kein Ende erreichbar"),
        ({"transitions__1__from": "approved"}, None),
        ({"transitions__0__to": "done"}, "statuses[1]: der Status „running“ ist vom Anfang aus nicht erreichbar"),
        ({"transitions__2__from": "stopped"}, "statuses[4]: der Endstatus „stopped“ hat einen Weg hinaus"),
    ],
)
def test_an_unsound_definition_is_named_with_its_place(changes: dict[str, Any], finding: str | None) -> None:
    found = broken(**changes)
    if finding is None:
        assert found == []
    else:
        assert any(line.startswith(finding) for line in found), found


@given(st.data())
def test_reachability_agrees_with_a_walk_along_every_path(data: st.DataObject) -> None:
    keys = [f"s{number}" for number in range(data.draw(st.integers(1, 5)))]
    finals = set(data.draw(st.lists(st.sampled_from(keys), min_size=1)))
    ways = data.draw(st.lists(st.tuples(st.sampled_from(keys), st.sampled_from(keys)), max_size=8))
    definition = {
        "initial": keys[0],
        "statuses": [
            {"key": key, "label": {"de": key}, "category": "running", "final": key in finals} for key in keys
        ],
        "transitions": [
            {"key": f"t{number}", "from": start, "to": end, "label": {"de": "x"}, "roles": ["coordinator"]}
            for number, (start, end) in enumerate(ways)
        ],
    }

    def walk(start: str) -> set[str]:
        seen = {start}
        for _round in keys:
            seen |= {end for begin, end in ways if begin in seen}
        return seen

    sound = (
        walk(keys[0]) == set(keys)
        and all(walk(key) & finals for key in keys)
        and not any(start in finals for start, _end in ways)
    )
    assert (soundness.findings(definition) == ()) is sound
