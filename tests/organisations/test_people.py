"""People and roles: the page of the administration and the first account."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.accounts.models import Account
from app.accounts.queries import find_by_email
from app.core.database import db
from app.core.errors import Conflict, Forbidden, RuleBroken
from app.mail.models import Mail
from app.organisations import service
from app.organisations.models import Membership
from app.organisations.permissions import Role
from app.organisations.queries import nearest_heads
from tests.conftest import Client
from tests.factories import NOON, City, actor, add, add_account, add_unit

PASSWORD = "ein langer Satz als Passwort"


def test_the_first_administrator_comes_from_the_command_line(app: Flask) -> None:
    result = app.test_cli_runner().invoke(
        args=["accounts", "create-admin", "--email", "Admin@Stadt.example", "--name", "Admin", "--password", PASSWORD]
    )
    assert result.exit_code == 0, result.output
    account = find_by_email("admin@stadt.example")
    assert account is not None
    assert db.session.scalar(select(Membership.role).where(Membership.account_id == account.id)) == Role.ADMINISTRATOR


@pytest.mark.parametrize(("email", "password"), [("keine Adresse", PASSWORD), ("a@b.example", "kurz")])
def test_a_wrong_first_administrator_leaves_nothing_behind(app: Flask, email: str, password: str) -> None:
    result = app.test_cli_runner().invoke(
        args=["accounts", "create-admin", "--email", email, "--name", "A", "--password", password]
    )
    assert result.exit_code != 0
    assert "Error: " in result.output
    assert db.session.scalar(select(Account)) is None


def test_somebody_new_gets_a_role_and_a_link(client: Client, city: City) -> None:
    client.sign_in(city.administrator)
    answer = client.post(
        "/people/new",
        data={"name": "Neu", "email": "neu@stadt.example", "role": "department_head", "unit": str(city.unit.id)},
    )
    assert answer.status_code == 302
    account = find_by_email("neu@stadt.example")
    assert account is not None
    assert db.session.scalar(select(Mail.to_address).where(Mail.kind == "invitation")) == "neu@stadt.example"
    assert "neu@stadt.example" in client.get("/people").text


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"role": "department_head"}, "Welche Stelle leitet diese Person?"),
        ({"role": "funder"}, "Für welchen Fördermittelgeber"),
        ({"email": "kein"}, "ist keine E-Mail-Adresse"),
        ({"role": "king"}, "Not a valid choice"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(
    client: Client, city: City, values: dict[str, str], message: str
) -> None:
    client.sign_in(city.administrator)
    answer = client.post(
        "/people/new", data={"name": "Neu", "email": "neu@stadt.example", "role": "auditor"} | values
    )
    assert answer.status_code == 422
    if values.get("role") != "king":
        assert message in answer.text
    assert 'value="Neu"' in answer.text


def test_an_address_has_one_account(city: City) -> None:
    with pytest.raises(Conflict):
        service.add_person(actor(city.administrator), city.lead.email.upper(), "X", Role.AUDITOR, now=NOON)


@pytest.mark.parametrize("who", ["coordinator", "lead", "head", "funder", "auditor"])
def test_only_administrators_manage_people(client: Client, city: City, who: str) -> None:
    account = getattr(city, who)
    client.sign_in(account)
    assert client.get("/people").status_code == 403
    with pytest.raises(Forbidden):
        service.set_active(actor(account), city.auditor, False, now=NOON)


def test_nobody_locks_themselves_out(city: City) -> None:
    with pytest.raises(RuleBroken):
        service.set_active(actor(city.administrator), city.administrator, False, now=NOON)
    service.set_active(actor(city.administrator), city.auditor, False, now=NOON)
    assert city.auditor.active is False


def test_the_nearest_head_answers_for_a_unit_without_one(city: City) -> None:
    below = add_unit("Team", parent=city.unit)
    heads = {city.unit.id: [city.head], city.other_unit.id: [city.other_head]}
    assert nearest_heads(below, heads) == [city.head]
    assert nearest_heads(None, heads) == []
    own = add_account("Teamleitung")
    assert nearest_heads(below, heads | {below.id: [own]}) == [own]


def test_a_role_is_given_once_and_can_be_taken_away(client: Client, city: City) -> None:
    client.sign_in(city.administrator)
    answer = client.post(f"/people/{city.auditor.id}/roles", data={"role": "auditor"})
    assert answer.status_code == 422
    assert "Diese Rolle hat die Person schon." in answer.text
    with pytest.raises(IntegrityError, match="uq_membership"), db.session.begin_nested():
        add(Membership(account_id=city.auditor.id, role=Role.AUDITOR))
    [membership] = db.session.scalars(select(Membership).where(Membership.account_id == city.auditor.id))
    assert client.post(f"/people/roles/{membership.id}/removal").status_code == 302
    assert db.session.scalar(select(Membership).where(Membership.account_id == city.auditor.id)) is None


def test_administrators_do_not_take_their_own_administration_away(client: Client, city: City) -> None:
    client.sign_in(city.administrator)
    [own] = db.session.scalars(select(Membership).where(Membership.account_id == city.administrator.id))
    assert client.post(f"/people/roles/{own.id}/removal").status_code == 422
    assert client.get("/people").status_code == 200


@pytest.mark.parametrize(
    ("email", "name"), [("x" * 320 + "@a.example", "A"), ("a@b.example", "N" * 201), ("a@b.example", " ")]
)
def test_what_no_column_holds_is_refused(city: City, email: str, name: str) -> None:
    with pytest.raises(RuleBroken):
        service.add_person(actor(city.administrator), email, name, Role.AUDITOR, now=NOON)
