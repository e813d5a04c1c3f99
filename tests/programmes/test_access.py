"""What a role may see and change of a measure in a status."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.measures.details import RESPONSIBILITY
from app.measures.models import Measure
from app.organisations.permissions import Actor, Permission, Role, Scope, allows
from app.programmes.access import (
    ASSIGNED_FIELDS,
    ASSIGNING_ROLES,
    EDITING_ROLES,
    MEASURE_FIELDS,
    RULE_NAMES,
    RULES,
    Access,
    FieldRule,
    access,
)
from app.programmes.workflow import Category, Status
from tests.programmes.definitions import ID, label

LEAD, HEAD, COORDINATOR = Role.PROJECT_LEAD, Role.DEPARTMENT_HEAD, Role.COORDINATOR
AUDITOR = Role.AUDITOR

rules = st.lists(
    st.builds(
        FieldRule,
        field=st.just("result"),
        access=st.sampled_from(sorted(RULES.values())),
        roles=st.frozensets(st.sampled_from(Role), max_size=2),
    ),
    max_size=6,
)
role_sets = st.frozensets(st.sampled_from(Role))


@pytest.mark.parametrize(
    ("level", "is_visible", "is_editable"),
    [
        (Access.HIDDEN, False, False),
        (Access.READ_ONLY, True, False),
        (Access.REQUIRED, True, True),
        (Access.OPTIONAL, True, True),
    ],
)
def test_what_each_level_allows(level: Access, is_visible: bool, is_editable: bool) -> None:
    assert (level.is_visible, level.is_editable) == (is_visible, is_editable)


@pytest.mark.parametrize(
    ("given_rules", "roles", "expected"),
    [
        ([], {LEAD}, Access.OPTIONAL),
        ([], set(), Access.READ_ONLY),  # who only watches changes nothing
        ([], {AUDITOR}, Access.READ_ONLY),
        ([FieldRule("result", Access.READ_ONLY, frozenset({LEAD}))], {LEAD, AUDITOR}, Access.READ_ONLY),
        ([FieldRule("result", Access.HIDDEN, frozenset({LEAD}))], {LEAD, AUDITOR}, Access.READ_ONLY),
        ([FieldRule("result", Access.REQUIRED)], {LEAD}, Access.REQUIRED),
        ([FieldRule("result", Access.HIDDEN)], set(), Access.HIDDEN),
        ([FieldRule("result", Access.HIDDEN, frozenset({HEAD}))], {LEAD}, Access.OPTIONAL),
        ([FieldRule("result", Access.HIDDEN, frozenset({HEAD}))], set(), Access.READ_ONLY),
        ([FieldRule("result", Access.HIDDEN, frozenset({HEAD}))], {HEAD}, Access.HIDDEN),
        # of several rules for one role the strictest
        (
            [FieldRule("result", Access.REQUIRED), FieldRule("result", Access.READ_ONLY, frozenset({LEAD}))],
            {LEAD},
            Access.READ_ONLY,
        ),
        # of several roles the freest
        (
            [
                FieldRule("result", Access.HIDDEN, frozenset({LEAD})),
                FieldRule("result", Access.READ_ONLY, frozenset({HEAD})),
            ],
            {LEAD, HEAD},
            Access.READ_ONLY,
        ),
        ([FieldRule("result", Access.HIDDEN, frozenset({LEAD}))], {LEAD, COORDINATOR}, Access.OPTIONAL),
    ],
)
def test_the_strictest_rule_of_a_role_holds_and_the_freest_of_several_roles(
    given_rules: list[FieldRule], roles: set[Role], expected: Access
) -> None:
    assert access(given_rules, frozenset(roles)) is expected


@given(rules, role_sets, st.sampled_from(Role))
def test_another_role_never_allows_less(given_rules: list[FieldRule], roles: frozenset[Role], more: Role) -> None:
    if roles:
        assert access(given_rules, roles | {more}) >= access(given_rules, roles)


@given(rules, rules, role_sets)
def test_another_rule_never_allows_more(
    given_rules: list[FieldRule], more: list[FieldRule], roles: frozenset[Role]
) -> None:
    assert access([*given_rules, *more], roles) <= access(given_rules, roles)


@given(rules, st.lists(st.sampled_from(["title", "result"]), min_size=6, max_size=6), role_sets)
def test_a_status_asks_for_each_field_its_own_rules(
    given_rules: list[FieldRule], names: list[str], roles: frozenset[Role]
) -> None:
    named = [replace(rule, field=name) for rule, name in zip(given_rules, names, strict=False)]
    status = Status("running", label("Läuft"), Category.RUNNING, field_rules=tuple(named))
    expected = {
        field: access([rule for rule in named if rule.field == field], roles) for field in ("title", "result", "unit")
    }
    assert {field: status.access(field, roles) for field in expected} == expected
    required = {field for field, level in expected.items() if level is Access.REQUIRED}
    assert sorted(status.required(roles)) == sorted(required)


def test_every_rule_has_a_name() -> None:
    assert {name: str(words) for name, words in RULE_NAMES.items()} == {
        "required": "Pflichtangabe",
        "read_only": "nur lesen",
        "hidden": "verborgen",
    }
    assert RULES == {"required": Access.REQUIRED, "read_only": Access.READ_ONLY, "hidden": Access.HIDDEN}


def test_every_measure_has_the_fields_that_rules_may_name() -> None:
    assert all(hasattr(Measure, name) for name in MEASURE_FIELDS)


@pytest.mark.parametrize("role", Role)
def test_the_roles_that_change_a_measure_are_those_with_the_permission(role: Role) -> None:
    actor = Actor(ID, "x", frozenset({role}), headed_unit_ids=frozenset({ID}), organisation_ids=frozenset({ID}))
    scope = Scope(
        lead_id=ID if role is LEAD else None,
        unit_ids=(ID,) if role is HEAD else (),
        funder_ids=frozenset({ID}),
    )
    assert allows(actor, Permission.EDIT_MEASURE, scope) is (role in EDITING_ROLES)
    assert allows(actor, Permission.ASSIGN_PEOPLE, scope) is (role in ASSIGNING_ROLES)


def test_what_is_assigned_stands_on_the_form_of_the_responsibility() -> None:
    assert set(RESPONSIBILITY) == ASSIGNED_FIELDS
