"""Commands on people and what they belong to."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from app.accounts import service as accounts
from app.accounts.models import Account
from app.audit import service as audit
from app.core.clock import day_of
from app.core.database import db
from app.core.errors import Conflict, RuleBroken
from app.core.text import text
from app.organisations.models import Membership
from app.organisations.permissions import ROLE_NAMES, Actor, Permission, Role, require
from app.organisations.queries import find_membership

OF_A_UNIT = frozenset({Role.DEPARTMENT_HEAD})
OF_A_FUNDER = frozenset({Role.FUNDER})


def create_first_administrator(email: str, name: str, password: str, *, now: datetime) -> Account:
    """The first account of an installation, from the command line.

    Raises:
        Conflict, RuleBroken: when the address is taken or none, or the password too short.
    """
    actor = Actor(account_id=None, name="flask accounts create-admin")
    account = accounts.create_account(actor, email, name, now=now)
    accounts.set_password(actor, account, password, now=now)
    _add_membership(actor, account, Role.ADMINISTRATOR, None, None, now)
    return account


def add_person(
    actor: Actor,
    email: str,
    name: str,
    role: Role,
    *,
    now: datetime,
    unit_id: UUID | None = None,
    organisation_id: UUID | None = None,
) -> Account:
    """A new person with their first role, and the mail with which they set their password.

    Raises:
        Forbidden: for anybody but administrators.
        RuleBroken, Conflict: beside the field that is wrong.
    """
    require(actor, Permission.MANAGE_ACCOUNTS)
    account = accounts.create_account(actor, email, name, now=now)
    _add_membership(actor, account, role, unit_id, organisation_id, now)
    accounts.invite(actor, account, now=now)
    return account


def add_role(
    actor: Actor,
    account: Account,
    role: Role,
    *,
    now: datetime,
    unit_id: UUID | None = None,
    organisation_id: UUID | None = None,
) -> None:
    """One more role for a person.

    Raises:
        Forbidden: for anybody but administrators.
        RuleBroken: beside the field that is wrong.
    """
    require(actor, Permission.MANAGE_ACCOUNTS)
    _add_membership(actor, account, role, unit_id, organisation_id, now)


def remove_role(actor: Actor, membership: Membership, *, now: datetime) -> None:
    """Takes a role away; what was done in it stays.

    Raises:
        Forbidden: for anybody but administrators.
        RuleBroken: when administrators would take their own administration away.
    """
    require(actor, Permission.MANAGE_ACCOUNTS)
    if membership.account_id == actor.account_id and membership.role == Role.ADMINISTRATOR:
        raise RuleBroken(text("Ihre eigene Administration können Sie nicht abgeben; das macht jemand anderes."))
    role, email = str(ROLE_NAMES[Role(membership.role)]), membership.account.email
    what = text("Rolle entzogen: %(role)s für %(email)s", role=role, email=email)
    audit.record(actor, membership.account, what, now=now)
    db.session.delete(membership)


def set_active(actor: Actor, account: Account, active: bool, *, now: datetime) -> None:
    """Closes an account, or opens it again. What it did stays in the log under its name.

    Raises:
        Forbidden: for anybody but administrators.
        RuleBroken: when somebody would lock themselves out.
    """
    require(actor, Permission.MANAGE_ACCOUNTS)
    if account.id == actor.account_id and not active:
        raise RuleBroken(text("Ihr eigenes Konto können Sie nicht sperren."))
    email = account.email
    what = (
        text("Konto geöffnet: %(email)s", email=email) if active else text("Konto gesperrt: %(email)s", email=email)
    )
    audit.record(actor, account, what, now=now, changes={"active": (account.active, active)})
    account.active = active


def invite(actor: Actor, account: Account, *, now: datetime) -> None:
    """Sends the person a new link to set their password.

    Raises:
        Forbidden: for anybody but administrators.
    """
    require(actor, Permission.MANAGE_ACCOUNTS)
    accounts.invite(actor, account, now=now)


def _add_membership(
    actor: audit.Author,
    account: Account,
    role: Role,
    unit_id: UUID | None,
    organisation_id: UUID | None,
    now: datetime,
) -> None:
    if role in OF_A_UNIT and unit_id is None:
        raise RuleBroken(text("Welche Stelle leitet diese Person? Bitte wählen Sie eine aus."), "unit")
    if role in OF_A_FUNDER and organisation_id is None:
        raise RuleBroken(text("Für welchen Fördermittelgeber liest diese Person? Bitte wählen Sie."), "organisation")
    unit_id = unit_id if role in OF_A_UNIT else None
    organisation_id = organisation_id if role in OF_A_FUNDER else None
    if find_membership(account.id, role, unit_id, organisation_id):
        raise Conflict(text("Diese Rolle hat die Person schon."), "role")
    db.session.add(
        Membership(
            account_id=account.id, role=role, unit_id=unit_id, organisation_id=organisation_id, since_on=day_of(now)
        )
    )
    what = text("Rolle vergeben: %(role)s für %(email)s", role=str(ROLE_NAMES[role]), email=account.email)
    audit.record(actor, account, what, now=now)
