"""Who may do what: the whole table, written out by hand once more."""

from __future__ import annotations

from uuid import uuid4

import pytest

from app.core.errors import Forbidden
from app.organisations.permissions import ALLOWED, Actor, Permission, Role, Scope, allows, require

LEAD, UNIT, PARENT, FUNDER = uuid4(), uuid4(), uuid4(), uuid4()
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
    "nobody": Actor(None, ""),
}
STAFF = {"administrator", "coordinator", "lead", "other lead", "head", "head above", "other head", "auditor"}
TABLE = {
    Permission.VIEW: STAFF | {"funder"},
    Permission.VIEW_INTERNAL: STAFF,
    Permission.VIEW_LOG: STAFF,
    Permission.REPORT_PROGRESS: {"lead", "coordinator"},
    Permission.RELEASE_PROGRESS: {"head", "head above"},
    Permission.PLAN_MILESTONES: {"lead", "coordinator"},
    Permission.REQUEST_APPROVAL: {"lead", "coordinator"},
    Permission.DECIDE_MILESTONE: {"head", "head above"},
    Permission.ASSIGN_PEOPLE: {"coordinator"},
    Permission.EDIT_MEASURE: {"lead", "coordinator"},
    Permission.EDIT_WORKFLOWS: {"coordinator"},
    Permission.RECORD_GRANTS: {"coordinator"},
    Permission.CHANGE_STATUS: {"lead", "coordinator", "head", "head above"},
    Permission.SEND_DIGESTS: {"coordinator"},
    Permission.VIEW_OPERATIONS: {"administrator", "coordinator", "auditor"},
    Permission.MANAGE_ACCOUNTS: {"administrator"},
}


def test_the_table_is_whole() -> None:
    assert set(TABLE) == set(Permission) == set(ALLOWED)


@pytest.mark.parametrize("permission", Permission)
def test_a_permission_is_held_by_these_and_no_others(permission: Permission) -> None:
    assert {name for name, person in PEOPLE.items() if allows(person, permission, SCOPE)} == TABLE[permission]


def test_a_lead_without_a_measure_leads_nothing() -> None:
    assert not allows(Actor(None, "system"), Permission.REPORT_PROGRESS, Scope(lead_id=None))


def test_require_refuses_with_a_sentence() -> None:
    with pytest.raises(Forbidden, match="Koordination"):
        require(PEOPLE["auditor"], Permission.REPORT_PROGRESS, SCOPE)
