"""Workflows as data: what may happen next, what is missing, and which definitions are unsound."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.organisations.permissions import Role
from app.programmes import workflow
from app.programmes.workflow import Facts
from tests.factories import WORKFLOW

RULES = workflow.build(WORKFLOW)
LEAD = frozenset({Role.PROJECT_LEAD})
HEAD = frozenset({Role.DEPARTMENT_HEAD})
READY = Facts(milestones=4, unapproved_milestones=0, has_unit=True)


def messages(transition: str, roles: frozenset[Role], facts: Facts, **given: Any) -> list[str]:
    unmet = workflow.check(RULES, RULES.transitions[transition], roles, facts, **given)
    return [str(condition.message) for condition in unmet]


def test_a_step_goes_when_everything_is_met() -> None:
    assert messages("finish", LEAD, READY, note="Erledigt", record={"result": "Strecke eröffnet"}) == []


def test_why_not_names_every_unmet_condition_and_no_met_one() -> None:
    facts = Facts(milestones=4, unapproved_milestones=2, has_unit=True)
    assert messages("finish", LEAD, facts) == [
        "2 von 4 Meilensteinen sind nicht freigegeben",
        "Begründung fehlt",
        "Angabe „Ergebnis“ fehlt",
    ]
    assert messages(
        "finish", LEAD, Facts(milestones=4, unapproved_milestones=1), note="x", record={"result": "y"}
    ) == ["1 von 4 Meilensteinen ist nicht freigegeben"]


def test_white_space_is_no_reason() -> None:
    assert messages("stop", HEAD, READY, note="  \n ") == ["Begründung fehlt"]


def test_another_role_is_told_whose_step_it_is() -> None:
    assert messages("stop", LEAD, READY, note="x") == ["dafür ist eine andere Rolle nötig: Bereichsleitung"]


@pytest.mark.parametrize(
    ("guard", "role", "missing", "met"),
    [
        ("milestones_approved", None, Facts(milestones=1, unapproved_milestones=1), Facts(milestones=1)),
        ("milestones_planned", None, Facts(), Facts(milestones=1)),
        ("grant_notice_recorded", None, Facts(), Facts(has_grant_notice=True)),
        ("unit_assigned", None, Facts(), Facts(has_unit=True)),
        ("role_assigned", "project_lead", Facts(), Facts(assigned_roles=LEAD)),
    ],
)
def test_each_guard_can_hold_and_fail(guard: str, role: str | None, missing: Facts, met: Facts) -> None:
    definition = deepcopy(WORKFLOW)
    definition["transitions"][0]["guards"] = [{"guard": guard} | ({"role": role} if role else {})]
    rules = workflow.build(definition)
    step = rules.transitions["start"]
    assert len(workflow.check(rules, step, LEAD, missing)) == 1
    assert workflow.check(rules, step, LEAD, met) == ()


def test_what_the_form_can_give_does_not_close_the_form() -> None:
    offers = {offer.transition.key: offer for offer in workflow.available(RULES, "running", LEAD | HEAD, READY)}
    assert offers["finish"].is_open
    assert offers["finish"].unmet
    blocked = Facts(milestones=1, unapproved_milestones=1)
    offers = {offer.transition.key: offer for offer in workflow.available(RULES, "running", LEAD, blocked)}
    assert not offers["finish"].is_open
    assert not offers["stop"].is_open


def test_an_unknown_status_offers_nothing() -> None:
    assert workflow.available(RULES, None, LEAD, READY) == ()


def broken(**changes: Any) -> list[str]:
    definition = deepcopy(WORKFLOW)
    for path, value in changes.items():
        target: Any = definition
        *steps, last = path.split("__")
        for step in steps:
            target = target[int(step) if step.isdigit() else step]
        target[int(last) if last.isdigit() else last] = value
    return [f"{finding.path}: {finding.message}" for finding in workflow.findings(definition)]


def test_a_sound_definition_has_no_finding() -> None:
    assert broken() == []


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"transitions__3__to": "doen"}, "transitions[3].to: der Status „doen“ ist unbekannt; meinten Sie „done“?"),
        ({"initial": "nowhere"}, "initial: der Status „nowhere“ ist unbekannt"),
        ({"transitions__0__roles": []}, "transitions[0].roles: keine Rolle darf diesen Übergang ausführen"),
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
    assert (workflow.findings(definition) == ()) is sound
