"""Reads of organisations, units and memberships."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID

from flask_sqlalchemy.pagination import Pagination
from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import joinedload

from app.accounts.models import Account
from app.accounts.queries import find_any, list_accounts
from app.core.database import db
from app.core.errors import NotFound
from app.core.paging import paginate
from app.core.prepared import ask
from app.core.text import text
from app.organisations.absence import Away, Days, StandIn, is_free, may_enter_for, reached, stands_in_for
from app.organisations.models import Absence, Membership, Organisation, OrganisationKind, Unit
from app.organisations.permissions import Actor, Permission, Role, allows

ACTING = frozenset({Role.ADMINISTRATOR, Role.COORDINATOR, Role.PROJECT_LEAD, Role.DEPARTMENT_HEAD})
"""The roles of those who act for the city."""
NOBODY_AWAY: Away = {}
GONE = text("Diese Abwesenheit gibt es nicht (mehr).")
UNKNOWN = text("Diese Person gibt es nicht.")


def actor_for(account: Account, today: date) -> Actor:
    """The account with everything it may do on the city day `today`: also in place of those who are away."""
    rows = db.session.scalars(select(Membership).where(Membership.account_id == account.id)).all()
    heads = (row.unit_id for row in rows if row.role == Role.DEPARTMENT_HEAD)
    absent = stands_in_for(account.id, away_on(today))
    return Actor(
        account_id=account.id,
        name=account.name.de,
        roles=frozenset(Role(row.role) for row in rows),
        headed_unit_ids=frozenset(unit_id for unit_id in heads if unit_id),
        organisation_ids=frozenset(row.organisation_id for row in rows if row.organisation_id),
        stands_in_for=absent,
        deputy_units=_headed_by(absent),
    )


WHO_MAY_STAND_IN = select(Account.id).where(
    Account.id.in_(select(Membership.account_id).where(Membership.role.in_(ACTING))),
    Account.id.not_in(select(Membership.account_id).where(Membership.role.in_((Role.FUNDER, Role.AUDITOR)))),
    Account.active,
)
"""The active accounts of those who act for the city: funders read and auditors check, and neither decides in
anybody's place."""
ABSENCES = (
    select(Absence.account_id, Absence.deputy_id, Absence.deputy_only)
    .where(
        Absence.from_on <= bindparam("day"),
        Absence.until_on >= bindparam("day"),
        Absence.deputy_id.in_(WHO_MAY_STAND_IN),
    )
    .order_by(Absence.from_on, Absence.id)
)
STANDING_DEPUTIES = select(Account.id, Account.deputy_id).where(Account.deputy_id.in_(WHO_MAY_STAND_IN))


def away_on(day: date) -> Away:
    """Who is away on a city day and who stands in for them; who may not act themselves stands in for nobody."""
    return {account_id: StandIn(deputy_id, only) for account_id, deputy_id, only in ask(ABSENCES, {"day": day})}


def standing_deputies() -> dict[UUID, UUID]:
    """Who has a standing deputy who may act → that deputy."""
    return dict(ask(STANDING_DEPUTIES))


def _headed_by(account_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """The units these people are heads of, each with its head."""
    if not account_ids:
        return {}
    query = select(Membership.unit_id, Membership.account_id).where(
        Membership.role == Role.DEPARTMENT_HEAD, Membership.account_id.in_(account_ids)
    )
    return {unit_id: account_id for unit_id, account_id in db.session.execute(query) if unit_id}


# -- absences and deputies


def people_of_headed_units(actor: Actor) -> frozenset[UUID]:
    """The people of the units somebody heads themselves, units below included: whoever has a role in one of them, and
    the leads of its measures."""
    if not actor.headed_unit_ids:
        return frozenset()
    units = [unit.id for unit in list_units() if actor.headed_unit_ids & {level.id for level in unit.with_parents()}]
    members = select(Membership.account_id).where(Membership.unit_id.in_(units))
    leads = select(Account.id).select_from(Unit).join(Unit.leads).where(Unit.id.in_(units))
    return frozenset(db.session.scalars(members.union(leads)))


def may_enter_absences(actor: Actor, account_id: UUID) -> bool:
    """Whether somebody enters the absences of this person and names their standing deputy."""
    return may_enter_for(actor, account_id, people_of_headed_units(actor))


def list_in_care(actor: Actor) -> Sequence[Account]:
    """The other people of the city for whom somebody may enter absences."""
    people = people_of_headed_units(actor)
    return [
        account
        for account in list_staff()
        if account.id != actor.account_id and may_enter_for(actor, account.id, people)
    ]


def list_possible_deputies() -> Sequence[Account]:
    """The accounts that may stand in for somebody."""
    query = select(Account).where(Account.id.in_(WHO_MAY_STAND_IN))
    return sorted(db.session.scalars(query).all(), key=lambda account: account.name.de)


def get_person(actor: Actor, account_id: UUID) -> Account:
    """Somebody of the city, as one sees them who may enter their absences.

    Raises:
        NotFound: when this person has no active account with a role in the city, or the viewer is no staff.
    """
    account = find_any(account_id)
    if account is None or not allows(actor, Permission.VIEW_INTERNAL) or not is_staff(account):
        raise NotFound(UNKNOWN)
    return account


def is_staff(account: Account) -> bool:
    """Whether this is an active account with a role in the city."""
    roles = select(Membership.id).where(Membership.account_id == account.id, Membership.role != Role.FUNDER)
    return account.active and db.session.scalar(roles.limit(1)) is not None


def get_absence(actor: Actor, absence_id: UUID) -> Absence:
    """One absence, for the person themselves, their deputy, and whoever may enter it.

    Raises:
        NotFound: when it is gone, or not theirs to see.
    """
    absence = db.session.get(Absence, absence_id)
    if absence is None or not allows(actor, Permission.VIEW_INTERNAL):
        raise NotFound(GONE)
    if actor.account_id != absence.deputy_id and not may_enter_absences(actor, absence.account_id):
        raise NotFound(GONE)
    return absence


def list_absences(account_id: UUID) -> Sequence[Absence]:
    """Everything one person was, is and will be away for, the last first."""
    return db.session.scalars(_absences().where(Absence.account_id == account_id)).all()


def list_stand_ins(deputy_id: UUID, since: date, until: date = date.max) -> Sequence[Absence]:
    """The absences of others in which this person is the deputy and that have a day in that time, the last first."""
    query = _absences().where(Absence.deputy_id == deputy_id)
    return db.session.scalars(query.where(Absence.until_on >= since, Absence.from_on <= until)).all()


def list_absences_in_care(actor: Actor, page: int, per_page: int) -> Pagination:
    """A page of the absences of those for whom somebody may enter them, the last first."""
    query = _absences().where(Absence.account_id != actor.account_id)
    if not actor.has(Role.COORDINATOR, Role.ADMINISTRATOR):
        query = query.where(Absence.account_id.in_(people_of_headed_units(actor)))
    return paginate(query, page, per_page)


def days_away(account_id: UUID, without: Absence | None = None) -> list[Days]:
    """The days of a person's absences, but for one."""
    query = select(Absence.from_on, Absence.until_on).where(Absence.account_id == account_id)
    if without is not None:
        query = query.where(Absence.id != without.id)
    return [Days(first, last) for first, last in db.session.execute(query)]


@dataclass(frozen=True)
class Reliance:
    """Who relies on somebody as a deputy: those with an absence that is not over, and those whose standing deputy
    they are."""

    absences: tuple[Absence, ...] = ()
    people: tuple[Account, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.absences or self.people)


def reliances(today: date) -> dict[UUID, Reliance]:
    """Everybody who is relied on as a deputy from the city day `today` on → by whom."""
    absences: dict[UUID, list[Absence]] = {}
    for absence in db.session.scalars(_absences().where(Absence.until_on >= today)):
        absences.setdefault(absence.deputy_id, []).append(absence)
    people: dict[UUID, list[Account]] = {}
    for account in db.session.scalars(select(Account).where(Account.deputy_id.is_not(None), Account.active)):
        if account.deputy_id:
            people.setdefault(account.deputy_id, []).append(account)
    return {
        key: Reliance(tuple(reversed(absences.get(key, ()))), tuple(people.get(key, ())))
        for key in absences.keys() | people.keys()
    }


def _absences() -> Select[Absence]:
    return (
        select(Absence)
        .options(joinedload(Absence.account), joinedload(Absence.deputy), joinedload(Absence.entered_by))
        .order_by(Absence.until_on.desc(), Absence.from_on.desc(), Absence.id)
    )


# -- organisations, units and people


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


MEMBERS = select(Account).where(
    Account.id.in_(select(Membership.account_id).where(Membership.role == bindparam("role"))), Account.active
)
HEADS = (
    select(Membership.unit_id, Account)
    .join(Account, Membership.account_id == Account.id)
    .where(Membership.role == Role.DEPARTMENT_HEAD, Membership.unit_id.is_not(None), Account.active)
)


HOLDERS = (
    select(Membership.role, Membership.unit_id, Membership.account_id)
    .join(Account, Membership.account_id == Account.id)
    .where(Membership.role.in_((Role.DEPARTMENT_HEAD, Role.COORDINATOR, Role.ADMINISTRATOR)), Account.active)
    .order_by(Account.email, Membership.id)
)


class Holders(NamedTuple):
    """Whom a city's matters come to: the active heads of every unit that has one, and the active holders of the roles
    behind them. Each by key."""

    heads: Mapping[UUID, Sequence[UUID]]
    coordinators: tuple[UUID, ...]
    administrators: tuple[UUID, ...]


def read_holders() -> Holders:
    """Who holds these roles now."""
    heads: dict[UUID, list[UUID]] = {}
    others: dict[str, dict[UUID, None]] = {Role.COORDINATOR: {}, Role.ADMINISTRATOR: {}}
    for role, unit_id, account_id in ask(HOLDERS):
        if role in others:
            others[role][account_id] = None
        elif unit_id:
            heads.setdefault(unit_id, []).append(account_id)
    return Holders(heads, tuple(others[Role.COORDINATOR]), tuple(others[Role.ADMINISTRATOR]))


def list_members(role: Role) -> Sequence[Account]:
    """The active accounts that hold a role anywhere."""
    return sorted(db.session.scalars(MEMBERS, {"role": role}).all(), key=lambda account: account.name.de)


def list_staff() -> Sequence[Account]:
    """The active accounts with a role in the city; a funder alone has none."""
    holders = select(Membership.account_id).where(Membership.role != Role.FUNDER)
    query = select(Account).where(Account.id.in_(holders), Account.active)
    return sorted(db.session.scalars(query).all(), key=lambda account: account.name.de)


def heads_by_unit() -> dict[UUID, list[Account]]:
    """The active heads of every unit that has one."""
    heads: dict[UUID, list[Account]] = {}
    for unit_id, account in db.session.execute(HEADS):
        if unit_id:
            heads.setdefault(unit_id, []).append(account)
    return heads


def nearest_heads(
    unit: Unit | None,
    heads: Mapping[UUID, Sequence[Account]],
    without: Collection[UUID | None] = (),
    away: Away = NOBODY_AWAY,
) -> list[Account]:
    """The heads of a unit, or of the nearest unit above it that has any, `without` those who may not act.

    Of those who are `away` only the ones in whose place a word reaches somebody who may act.
    """
    for level in unit.with_parents() if unit else ():
        free = [head for head in heads.get(level.id, ()) if is_free(head.id, without, away)]
        if free:
            return free
    return []


def list_deciders(unit: Unit | None, involved_ids: Collection[UUID | None], today: date) -> list[Account]:
    """Whom to ask on the city day `today` for a decision on what belongs to a unit: its nearest heads who had no hand
    in it, and whoever stands in for one who is away; only them where they are told alone.

    A head for whom nobody but somebody involved stands in is passed over for the next one up. Where there is none, it
    is that head all the same: never nobody.
    """
    heads, away = heads_by_unit(), away_on(today)
    free = nearest_heads(unit, heads, involved_ids, away) or nearest_heads(unit, heads, involved_ids)
    asked = {person for head in free for person in reached(head.id, away)} - set(involved_ids)
    if asked == {head.id for head in free} or not asked:
        return free
    accounts = db.session.scalars(select(Account).where(Account.id.in_(asked), Account.active))
    return sorted(accounts, key=lambda account: account.name.de)


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
