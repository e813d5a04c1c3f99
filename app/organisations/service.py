"""Commands on people and what they belong to."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select

from app.accounts import service as accounts
from app.accounts.models import Account
from app.audit import service as audit
from app.core.clock import day_of
from app.core.database import db
from app.core.errors import Conflict, Forbidden, RuleBroken
from app.core.text import text
from app.organisations import absence as rules
from app.organisations.absence import Days
from app.organisations.models import Absence, Membership
from app.organisations.permissions import ROLE_NAMES, Actor, Permission, Role, require
from app.organisations.queries import (
    GONE,
    days_away,
    find_membership,
    is_staff,
    list_possible_deputies,
    may_enter_absences,
)

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


def enter_absence(
    actor: Actor,
    account: Account,
    from_on: date,
    until_on: date,
    deputy_id: UUID,
    *,
    deputy_only: bool = False,
    now: datetime,
) -> Absence:
    """Somebody is away from the first to the last city day, and the deputy stands in for them: they are reminded as
    well, or with `deputy_only` instead.

    Raises:
        Forbidden: for anybody but the person, the head of their unit, coordination and administration.
        RuleBroken: beside the field that is wrong.
    """
    _require_care(actor, account)
    _check_staff(account)
    days = Days(from_on, until_on)
    _hold_absences_of(account.id)
    rules.check_days(days, days_away(account.id), day_of(now))
    _check_deputy(account, deputy_id, days)
    absence = Absence(
        account_id=account.id,
        from_on=from_on,
        until_on=until_on,
        deputy_id=deputy_id,
        deputy_only=deputy_only,
        entered_by_id=actor.account_id,
        entered_at=now,
    )
    db.session.add(absence)
    db.session.flush()  # the log names the deputy
    stored = dict.fromkeys(_logged(absence))
    what = text("Abwesenheit eingetragen: %(email)s", email=account.email)
    audit.record(actor, account, what, now=now, changes=_changes(stored, absence))
    return absence


def change_absence(
    actor: Actor,
    absence: Absence,
    from_on: date,
    until_on: date,
    deputy_id: UUID,
    *,
    deputy_only: bool,
    seen: str,
    now: datetime,
) -> None:
    """Changes an absence that is not over; `seen` is its `state_of` as the person saw it.

    Raises:
        Forbidden: for anybody but the person, the head of their unit, coordination and administration.
        RuleBroken: beside the field that is wrong.
        Conflict: when it is over, or was changed since the form was made.
    """
    _require_care(actor, absence.account)
    _hold(absence)
    stored = Days(absence.from_on, absence.until_on)
    rules.check_not_over(stored, day_of(now))
    if seen != state_of(absence):
        raise Conflict(text("Diese Abwesenheit hat inzwischen jemand geändert."))
    days = Days(from_on, until_on)
    rules.check_days(days, days_away(absence.account_id, without=absence), day_of(now), stored)
    _check_deputy(absence.account, deputy_id, days)
    before = _logged(absence)
    absence.from_on, absence.until_on = days
    absence.deputy_id, absence.deputy_only = deputy_id, deputy_only
    db.session.flush()  # the log names the new deputy
    db.session.expire(absence, ["deputy"])
    changes = _changes(before, absence)
    if any(old != new for old, new in changes.values()):
        what = text("Abwesenheit geändert: %(email)s", email=absence.account.email)
        audit.record(actor, absence.account, what, now=now, changes=changes)


def end_absence(actor: Actor, absence: Absence, *, now: datetime) -> bool:
    """Somebody is back: yesterday was the last day. An absence of which no day has passed is removed; whether any is
    left.

    Raises:
        Forbidden: for anybody but the person, the head of their unit, coordination and administration.
        Conflict: when it is over.
    """
    account = absence.account
    _require_care(actor, account)
    _hold(absence)
    days = Days(absence.from_on, absence.until_on)
    rules.check_not_over(days, day_of(now))
    left = rules.left_of(days, day_of(now))
    if left is None:
        what = text("Abwesenheit gelöscht: %(email)s", email=account.email)
        changes = {name: (value, None) for name, value in _logged(absence).items()}
        audit.record(actor, account, what, now=now, changes=changes)
        db.session.delete(absence)
        return False
    what = text("Abwesenheit beendet: %(email)s", email=account.email)
    audit.record(actor, account, what, now=now, changes={"until_on": (absence.until_on, left.last)})
    absence.until_on = left.last
    return True


def name_deputy(actor: Actor, account: Account, deputy_id: UUID | None, *, now: datetime) -> None:
    """The standing deputy: whom a reminder step for deputies calls, and whom the form of an absence proposes.

    Raises:
        Forbidden: for anybody but the person, the head of their unit, coordination and administration.
        RuleBroken: when that is nobody who can stand in.
    """
    _require_care(actor, account)
    _check_staff(account)
    before = account.deputy
    if deputy_id == account.deputy_id:
        return
    if deputy_id is not None:
        rules.check_deputy(account.id, deputy_id, _possible_deputies())
    account.deputy_id = deputy_id
    db.session.flush()  # the log names the new deputy
    db.session.expire(account, ["deputy"])
    emails = (before.email if before else None, account.deputy.email if account.deputy else None)
    what = text("Ständige Vertretung festgelegt: %(email)s", email=account.email)
    audit.record(actor, account, what, now=now, changes={"standing_deputy": emails})


def state_of(absence: Absence) -> str:
    """An absence as a form remembers it, so that nobody overwrites unseen."""
    reach = "only" if absence.deputy_only else "both"
    return f"{absence.from_on}/{absence.until_on}/{absence.deputy_id}/{reach}"


def _require_care(actor: Actor, account: Account) -> None:
    require(actor, Permission.VIEW_INTERNAL)
    if not may_enter_absences(actor, account.id):
        raise Forbidden(rules.NOT_IN_CARE)


def _check_staff(account: Account) -> None:
    if not is_staff(account):
        raise RuleBroken(text("Diese Person hat in der Stadt keinen Zugang (mehr): Für sie vertritt niemand."))


def _check_deputy(account: Account, deputy_id: UUID, days: Days) -> None:
    rules.check_deputy(account.id, deputy_id, _possible_deputies())
    rules.check_present(days, days_away(deputy_id))


def _possible_deputies() -> frozenset[UUID]:
    return frozenset(account.id for account in list_possible_deputies())


def _hold(absence: Absence) -> None:
    """Reads an absence as it is stored now, and keeps those of the person until the commit."""
    _hold_absences_of(absence.account_id)
    query = select(Absence).where(Absence.id == absence.id).with_for_update(of=Absence)
    if db.session.execute(query, execution_options={"populate_existing": True}).scalar_one_or_none() is None:
        raise Conflict(GONE)


def _hold_absences_of(account_id: UUID) -> None:
    """One command at a time: two at the same moment could enter days that overlap."""
    db.session.execute(select(Account.id).where(Account.id == account_id).with_for_update())


def _logged(absence: Absence) -> dict[str, object]:
    """An absence as the log keeps it."""
    return {
        "from_on": absence.from_on,
        "until_on": absence.until_on,
        "deputy": absence.deputy.email,
        "deputy_only": absence.deputy_only,
    }


def _changes(before: dict[str, object], absence: Absence) -> dict[str, tuple[object, object]]:
    return {name: (before[name], value) for name, value in _logged(absence).items()}


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
