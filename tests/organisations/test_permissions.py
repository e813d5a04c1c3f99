"""Who may do what: the whole table, written out by hand once more."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from app.core.errors import Forbidden
from app.organisations.permissions import ALLOWED, Actor, Permission, Role, Scope, allows, decides_for, require

LEAD, HEAD, UNIT, PARENT, FUNDER = uuid4(), uuid4(), uuid4(), uuid4(), uuid4()
SCOPE = Scope(lead_id=LEAD, unit_ids=(UNIT, PARENT), funder_ids=frozenset({FUNDER}))

PEOPLE = {
    "administrator": Actor(uuid4(), "a", frozenset({Role.ADMINISTRATOR})),
    "coordinator": Actor(uuid4(), "c", frozenset({Role.COORDINATOR})),
    "lead": Actor(LEAD, "l", frozenset({Role.PROJECT_LEAD})),
    "other lead": Actor(uuid4(), "o", frozenset({Role.PROJECT_LEAD})),
    "head": Actor(uuid4(), "h", frozenset({Role.DEPARTMENT_HEAD}), headed_unit_ids=frozenset({UNIT})),
    "head above": Actor(uuid4(), "p", frozenset({Role.DEPARTMENT_HEAD}), headed_unit_ids=frozenset({PARENT})),
    "other head": Actor(uuid4(), "q", frozenset({Role.DEPARTMENT_HEAD}), headed_unit_ids=frozenset({uuid4()})),
    "funder": Actor(uuid4(), "f", frozenset({Role.FUNDER}), organisation_ids=frozenset({FUNDER})),
    "other funder": Actor(uuid4(), "g", frozenset({Role.FUNDER}), organisation_ids=frozenset({uuid4()})),
    "auditor": Actor(uuid4(), "r", frozenset({Role.AUDITOR})),
    "lead's deputy": Actor(uuid4(), "d", frozenset({Role.PROJECT_LEAD}), stands_in_for=frozenset({LEAD})),
    "head's deputy": Actor(
        uuid4(), "e", frozenset({Role.DEPARTMENT_HEAD}), stands_in_for=frozenset({HEAD}), deputy_units={UNIT: HEAD}
    ),
    "deputy above": Actor(
        uuid4(), "i", frozenset({Role.COORDINATOR}), stands_in_for=frozenset({HEAD}), deputy_units={PARENT: HEAD}
    ),
    "other deputy": Actor(
        uuid4(), "j", frozenset({Role.PROJECT_LEAD}), stands_in_for=frozenset({HEAD}), deputy_units={uuid4(): HEAD}
    ),
    "nobody": Actor(None, ""),
}
COORDINATION = {"coordinator", "deputy above"}
STAFF = COORDINATION | {"administrator", "lead", "other lead", "head", "head above", "other head", "auditor"}
STAFF |= {"lead's deputy", "head's deputy", "other deputy"}
LEADS = {"lead", "lead's deputy"}
HEADS = {"head", "head above"}
DEPUTY_HEADS = {"head's deputy", "deputy above"}
TABLE = {
    Permission.VIEW: STAFF | {"funder"},
    Permission.VIEW_INTERNAL: STAFF,
    Permission.VIEW_LOG: STAFF,
    Permission.REPORT_PROGRESS: LEADS | COORDINATION,
    Permission.RELEASE_PROGRESS: HEADS | DEPUTY_HEADS,
    Permission.PLAN_MILESTONES: LEADS | COORDINATION,
    Permission.REQUEST_APPROVAL: LEADS | COORDINATION,
    Permission.DECIDE_MILESTONE: HEADS | DEPUTY_HEADS,
    Permission.ASSIGN_PEOPLE: COORDINATION,
    Permission.EDIT_MEASURE: {"lead"} | COORDINATION,
    Permission.EDIT_WORKFLOWS: COORDINATION,
    Permission.RECORD_GRANTS: COORDINATION,
    Permission.EDIT_LADDERS: COORDINATION,
    Permission.CHANGE_STATUS: {"lead"} | HEADS | COORDINATION,
    Permission.SEND_DIGESTS: COORDINATION,
    Permission.VIEW_OPERATIONS: {"administrator", "auditor"} | COORDINATION,
    Permission.OPERATE: {"administrator"} | COORDINATION,
    Permission.MANAGE_ACCOUNTS: {"administrator"},
}


def test_the_table_is_whole() -> None:
    assert set(TABLE) == set(Permission) == set(ALLOWED)


@pytest.mark.parametrize("permission", Permission)
def test_a_permission_is_held_by_these_and_no_others(permission: Permission) -> None:
    assert {name for name, person in PEOPLE.items() if allows(person, permission, SCOPE)} == TABLE[permission]


@pytest.mark.parametrize(
    ("who", "in_place_of"),
    [
        ("head", None),
        ("lead's deputy", None),
        ("other deputy", None),
        ("head's deputy", HEAD),
        ("deputy above", HEAD),
    ],
)
def test_who_decides_in_place_of_an_absent_head(who: str, in_place_of: UUID | None) -> None:
    assert decides_for(PEOPLE[who], SCOPE) == in_place_of


def test_a_head_who_also_stands_in_decides_in_their_own_right() -> None:
    both = replace(PEOPLE["head"], deputy_units={PARENT: HEAD})
    assert decides_for(both, SCOPE) is None


def test_a_lead_without_a_measure_leads_nothing() -> None:
    assert not allows(Actor(None, "system"), Permission.REPORT_PROGRESS, Scope(lead_id=None))


def test_require_refuses_with_a_sentence() -> None:
    with pytest.raises(Forbidden, match="Koordination"):
        require(PEOPLE["auditor"], Permission.REPORT_PROGRESS, SCOPE)
