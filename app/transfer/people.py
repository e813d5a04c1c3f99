"""Organisations, units, accounts and memberships of a city file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from app.accounts.models import Account
from app.core.database import db
from app.core.text import text
from app.organisations.models import Membership, Organisation, OrganisationKind, Unit, UnitName
from app.organisations.permissions import ROLE_NAMES, Role
from app.transfer import format as city_file
from app.transfer.queries import Known, fields_changed_by_people
from app.transfer.rows import Rows, marks
from app.transfer.summary import Kind


def store_organisations(rows: Rows, known: Known, city: city_file.CityFile) -> None:
    """The city itself, funders and partners."""
    place = {"kind": OrganisationKind.CITY.value, "state": city.city.state, "time_zone": city.city.time_zone}
    _store_organisation(rows, known, city.city, place)
    for entry in city.organisations:
        _store_organisation(rows, known, entry, {"kind": entry.kind})


def _store_organisation(
    rows: Rows, known: Known, entry: city_file.City | city_file.Organisation, facts: dict[str, str]
) -> None:
    stored = known.organisations.get(entry.key)
    known.organisations[entry.key] = rows.put(
        Kind.ORGANISATIONS,
        stored,
        partial(Organisation, id=uuid4(), key=entry.key),
        {"name": entry.name, **facts, **marks(entry, stored)},
        name=entry.name,
    )


def store_units(rows: Rows, known: Known, entries: list[city_file.Unit]) -> None:
    """The units; those above are made first, in whatever order the file has them."""
    of_file = {entry.key: entry for entry in entries}
    done: set[str] = set()
    for entry in entries:
        line = [entry]
        while (above := line[-1].parent) is not None and above not in done:
            line.append(of_file[above])
        for one in reversed(line):
            if one.key not in done:
                _store_unit(rows, known, one)
                done.add(one.key)


def _store_unit(rows: Rows, known: Known, entry: city_file.Unit) -> None:
    stored = known.units.get(entry.key)
    facts: dict[str, Any] = {"name": entry.name, "parent": known.units[entry.parent] if entry.parent else None}
    names = {(name.name, name.since, name.until) for name in entry.names}
    has_names = {(name.name, name.from_on, name.until_on) for name in stored.names} if stored else set()
    if "names" in entry.model_fields_set and names != has_names:
        facts["names"] = [UnitName(name=name.name, from_on=name.since, until_on=name.until) for name in entry.names]
    known.units[entry.key] = rows.put(
        Kind.UNITS,
        stored,
        partial(Unit, id=uuid4(), key=entry.key),
        facts | marks(entry, stored),
        name=entry.name,
    )


def store_accounts(rows: Rows, known: Known, entries: list[city_file.Account]) -> None:
    """Accounts without passwords, their memberships and who stands in for them. What an account may do is only added
    to. The new ones come first: they may be deputies of the others."""
    new = [entry for entry in entries if entry.email not in known.accounts]
    old = [entry for entry in entries if entry.email in known.accounts]
    peoples = fields_changed_by_people([known.accounts[entry.email].id for entry in old if entry.deputy])
    _store(rows, known, new, {})
    db.session.flush()  # two new ones may stand in for each other: both must be there before
    for entry in new:
        known.accounts[entry.email].deputy_id = known.accounts[entry.deputy].id if entry.deputy else None
    _store(rows, known, old, peoples)


def _store(
    rows: Rows, known: Known, entries: list[city_file.Account], peoples: Mapping[UUID, Collection[str]]
) -> None:
    for entry in entries:
        stored = known.accounts.get(entry.email)
        facts: dict[str, Any] = {"name": entry.name}
        if stored is not None and stored.language != entry.language:
            rows.keep(entry.email, text("Sprache"), stored.language, entry.language)
        if stored is not None and entry.is_sample and not stored.is_sample:
            rows.keep(entry.email, text("Art des Kontos"), text("echtes Konto"), text("Beispieldaten"))
        else:
            facts |= {"is_sample": entry.is_sample, "is_trial_role": entry.trial}
        if stored is not None and entry.deputy is not None:
            facts |= _deputy(rows, stored, known.accounts[entry.deputy], peoples.get(stored.id, ()))
        account = known.accounts[entry.email] = rows.put(
            Kind.ACCOUNTS,
            stored,
            partial(Account, id=uuid4(), email=entry.email, language=entry.language),
            facts,
            name=entry.email,
        )
        if "deputy" in facts:
            db.session.flush()  # two who now stand in for each other cannot be written at once
        for membership in entry.memberships:
            _store_membership(rows, known, account, membership)


def _deputy(rows: Rows, stored: Account, wanted: Account, peoples: Collection[str]) -> dict[str, Any]:
    """The deputy, where it is another one and people chose none in Wegmarke."""
    if stored.deputy_id == wanted.id:
        return {}
    if "standing_deputy" in peoples:
        rows.keep(stored.email, text("Vertretung"), stored.deputy and stored.deputy.email, wanted.email)
        return {}
    return {"deputy": wanted}


def _store_membership(rows: Rows, known: Known, account: Account, entry: city_file.Membership) -> None:
    unit = known.units[entry.unit] if entry.unit else None
    organisation = known.organisations[entry.organisation] if entry.organisation else None
    key = (account.id, entry.role, unit.id if unit else None, organisation.id if organisation else None)
    if key in known.memberships:
        rows.leave(Kind.MEMBERSHIPS)
        return
    known.memberships.add(key)
    rows.put(
        Kind.MEMBERSHIPS,
        None,
        partial(Membership, id=uuid4(), account=account, role=entry.role, unit=unit, organisation=organisation),
        {},
        name=f"{account.email}, {ROLE_NAMES[Role(entry.role)]}",
        group=account,
    )
