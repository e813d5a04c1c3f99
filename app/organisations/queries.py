"""Reads of organisations, units and memberships."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.accounts.models import Account
from app.accounts.queries import list_accounts
from app.core.database import db
from app.core.errors import NotFound
from app.core.text import text
from app.organisations.models import Membership, Organisation, OrganisationKind, Unit
from app.organisations.permissions import Actor, Role


def actor_for(account: Account) -> Actor:
    """The account with everything it may do."""
    rows = db.session.scalars(select(Membership).where(Membership.account_id == account.id)).all()
    heads = (row.unit_id for row in rows if row.role == Role.DEPARTMENT_HEAD)
    return Actor(
        account_id=account.id,
        name=account.name.de,
        roles=frozenset(Role(row.role) for row in rows),
        headed_unit_ids=frozenset(unit_id for unit_id in heads if unit_id),
        organisation_ids=frozenset(row.organisation_id for row in rows if row.organisation_id),
    )


def find_city() -> Organisation | None:
    """The city this installation serves, None before its file was imported."""
    return db.session.scalar(select(Organisation).where(Organisation.kind == OrganisationKind.CITY))


def list_units() -> Sequence[Unit]:
    """All units."""
    return sorted(db.session.scalars(select(Unit)).all(), key=lambda unit: unit.name.de)


def list_organisations(kind: OrganisationKind) -> Sequence[Organisation]:
    """The organisations of one kind."""
    query = select(Organisation).where(Organisation.kind == kind)
    return sorted(db.session.scalars(query).all(), key=lambda organisation: organisation.name.de)


def list_people() -> Sequence[tuple[Account, list[Membership]]]:
    """All accounts with their roles."""
    query = select(Membership).options(joinedload(Membership.unit), joinedload(Membership.organisation))
    held: dict[UUID, list[Membership]] = {}
    for membership in db.session.scalars(query):
        held.setdefault(membership.account_id, []).append(membership)
    return [(account, held.get(account.id, [])) for account in list_accounts()]


def list_members(role: Role) -> Sequence[Account]:
    """The active accounts that hold a role anywhere."""
    holders = select(Membership.account_id).where(Membership.role == role)
    query = select(Account).where(Account.id.in_(holders), Account.active)
    return sorted(db.session.scalars(query).all(), key=lambda account: account.name.de)


def list_staff() -> Sequence[Account]:
    """The active accounts with a role in the city; a funder alone has none."""
    holders = select(Membership.account_id).where(Membership.role != Role.FUNDER)
    query = select(Account).where(Account.id.in_(holders), Account.active)
    return sorted(db.session.scalars(query).all(), key=lambda account: account.name.de)


def heads_by_unit() -> dict[UUID, list[Account]]:
    """The active heads of every unit that has one."""
    query = (
        select(Membership)
        .join(Membership.account)
        .where(Membership.role == Role.DEPARTMENT_HEAD, Membership.unit_id.is_not(None), Account.active)
        .options(joinedload(Membership.account))
    )
    heads: dict[UUID, list[Account]] = {}
    for membership in db.session.scalars(query):
        if membership.unit_id:
            heads.setdefault(membership.unit_id, []).append(membership.account)
    return heads


def nearest_heads(
    unit: Unit | None, heads: Mapping[UUID, Sequence[Account]], without: Collection[UUID | None] = ()
) -> list[Account]:
    """The heads of a unit, or of the nearest unit above it that has any, `without` those who may not act."""
    for level in unit.with_parents() if unit else ():
        if free := [head for head in heads.get(level.id, ()) if head.id not in without]:
            return free
    return []


def find_membership(
    account_id: UUID, role: Role, unit_id: UUID | None, organisation_id: UUID | None
) -> Membership | None:
    """The membership that says just this."""
    return db.session.scalar(
        select(Membership).where(
            Membership.account_id == account_id,
            Membership.role == role,
            Membership.unit_id.is_not_distinct_from(unit_id),
            Membership.organisation_id.is_not_distinct_from(organisation_id),
        )
    )


def get_membership(membership_id: UUID) -> Membership:
    """One membership.

    Raises:
        NotFound: when it is gone.
    """
    membership = db.session.get(Membership, membership_id)
    if membership is None:
        raise NotFound(text("Diese Rolle wurde inzwischen entzogen."))
    return membership
