"""Workflows as data: what may happen next, and what is missing."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

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
