"""Grants of a city file with what they oblige to."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from app.audit.labels import field_name
from app.core.text import text
from app.grants.models import Grant, Obligation
from app.measures.details import is_filled
from app.measures.models import Measure
from app.transfer import format as city_file
from app.transfer.queries import Known, fields_changed_by_people
from app.transfer.rows import Rows, marks, told
from app.transfer.summary import Kind

FIELD_OF_FILE = {"period_starts_on": "period_starts", "period_ends_on": "period_ends"}
"""Columns that the file calls by another name."""


def store_grants(
    rows: Rows, known: Known, measures: dict[str, Measure], entries: list[city_file.Grant]
) -> dict[str, Grant]:
    """The grants by the keys of the file, with their obligations and the measures they pay for.

    What people recorded in Wegmarke, such as a notice or a due day, stays.
    """
    stored = {entry.key: known.grants.get((known.programmes[entry.programme].id, entry.key)) for entry in entries}
    wanted = {entry.key: _wanted(measures, entry, stored[entry.key]) for entry in entries}
    differing = [row.id for key, row in stored.items() if row and _differences(row, wanted[key])]
    for entry in entries:
        for one in entry.obligations:
            owed = _stored_obligation(known, stored[entry.key], one)
            if owed is not None and _differences(owed, _wanted_obligation(one)):
                differing.append(owed.id)
    peoples = fields_changed_by_people(differing)
    grants = {}
    for entry in entries:
        grant = _store_grant(rows, known, entry, stored[entry.key], wanted[entry.key], peoples)
        for one in entry.obligations:
            _store_obligation(rows, grant, one, _stored_obligation(known, stored[entry.key], one), peoples)
        grants[entry.key] = grant
    return grants


def _of(peoples: Mapping[UUID, set[str]], stored: Grant | Obligation | None) -> set[str]:
    return peoples.get(stored.id, set()) if stored else set()


def _stored_obligation(known: Known, grant: Grant | None, entry: city_file.Obligation) -> Obligation | None:
    return known.obligations.get((grant.id, entry.key)) if grant else None


def _wanted(measures: Mapping[str, Measure], entry: city_file.Grant, stored: Grant | None) -> dict[str, Any]:
    wanted: dict[str, Any] = {
        "title": entry.title,
        "file_number": entry.file_number,
        "notice_on": entry.notice_on,
        "notice_count": entry.notice_count,
        "commitment_on": entry.commitment_on,
        "period_starts_on": entry.period_starts,
        "period_ends_on": entry.period_ends,
        "amount": entry.amount,
        "amount_note": entry.amount_note,
        "total_cost": entry.total_cost,
        "rate": _share(entry.rate),
    }
    paid_for = [measures[key] for key in dict.fromkeys(entry.measures)]
    if "measures" in entry.model_fields_set and (stored is None or set(stored.measures) != set(paid_for)):
        wanted["measures"] = paid_for
    return wanted


def _differences(row: Grant | Obligation, wanted: Mapping[str, Any]) -> set[str]:
    return {attr for attr, value in wanted.items() if getattr(row, attr) != value}


def _store_grant(
    rows: Rows,
    known: Known,
    entry: city_file.Grant,
    stored: Grant | None,
    wanted: dict[str, Any],
    peoples: Mapping[UUID, set[str]],
) -> Grant:
    programme = known.programmes[entry.programme]
    left = _of(peoples, stored) & _differences(stored, wanted) if stored else set()
    facts = {attr: value for attr, value in wanted.items() if attr not in left}
    left_alone = {FIELD_OF_FILE.get(attr, attr) for attr in left}
    grant = rows.put(
        Kind.GRANTS,
        stored,
        partial(Grant, id=uuid4(), programme=programme, key=entry.key),
        {**facts, **marks(entry, stored, left_alone)},
        name=entry.title,
        group=programme,
    )
    for attr in (attr for attr in wanted if attr in left and is_filled(wanted[attr])):
        rows.keep(grant.title, field_name(attr), told(getattr(grant, attr)), told(wanted[attr]))
    return grant


def _wanted_obligation(entry: city_file.Obligation) -> dict[str, Any]:
    return {
        "kind": entry.kind,
        "title": entry.title,
        "rule": entry.rule,
        "basis": entry.basis,
        "due_on": entry.due_on,
    }


def _store_obligation(
    rows: Rows,
    grant: Grant,
    entry: city_file.Obligation,
    stored: Obligation | None,
    peoples: Mapping[UUID, set[str]],
) -> None:
    """Whether it is done only people say. What the day rests on belongs to the day."""
    wanted = _wanted_obligation(entry)
    left = _of(peoples, stored) & _differences(stored, wanted) if stored else set()
    if "due_on" in left:
        left.add("basis")
    facts = {attr: value for attr, value in wanted.items() if attr not in left} | marks(entry, stored, left)
    if stored is not None and "due_on" in facts and stored.due_on not in (None, entry.due_on):
        facts["due_version"] = stored.due_version + 1  # a moved deadline reminds anew
    obligation = rows.put(
        Kind.OBLIGATIONS,
        stored,
        partial(Obligation, id=uuid4(), grant=grant, key=entry.key),
        facts,
        name=entry.title,
        group=grant.programme,
    )
    name = text("Pflicht „%(title)s“ (%(grant)s)", title=obligation.title, grant=grant.title)
    for attr in (attr for attr in wanted if attr in left - {"basis"} and is_filled(wanted[attr])):
        rows.keep(name, field_name(attr), told(getattr(obligation, attr)), told(wanted[attr]))


def _share(rate: Decimal | None) -> str | None:
    """As text in its shortest form: 0.70 and 0.7 are the same share."""
    return None if rate is None else f"{rate.normalize():f}"
