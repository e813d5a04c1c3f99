"""Grants of a city file with what they oblige to."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Any
from uuid import uuid4

from app.grants.models import Grant, Obligation
from app.measures.models import Measure
from app.programmes.models import Programme
from app.transfer import format as city_file
from app.transfer.queries import Known
from app.transfer.rows import Rows, marks
from app.transfer.summary import Kind


def store_grants(
    rows: Rows, known: Known, measures: dict[str, Measure], entries: list[city_file.Grant]
) -> dict[str, Grant]:
    """The grants by the keys of the file, with their obligations and the measures they pay for."""
    return {entry.key: _store_grant(rows, known, measures, entry) for entry in entries}


def _store_grant(rows: Rows, known: Known, measures: dict[str, Measure], entry: city_file.Grant) -> Grant:
    programme = known.programmes[entry.programme]
    stored = known.grants.get((programme.id, entry.key))
    facts: dict[str, Any] = {
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
        **marks(entry, stored),
    }
    paid_for = [measures[key] for key in dict.fromkeys(entry.measures)]
    if "measures" in entry.model_fields_set and (stored is None or set(stored.measures) != set(paid_for)):
        facts["measures"] = paid_for
    grant = rows.put(
        Kind.GRANTS,
        stored,
        partial(Grant, id=uuid4(), programme=programme, key=entry.key),
        facts,
        name=entry.title,
        group=programme,
    )
    for obligation in entry.obligations:
        _store_obligation(rows, known, programme, grant, obligation)
    return grant


def _store_obligation(
    rows: Rows, known: Known, programme: Programme, grant: Grant, entry: city_file.Obligation
) -> None:
    stored = known.obligations.get((grant.id, entry.key))
    facts: dict[str, Any] = {
        "kind": entry.kind,
        "title": entry.title,
        "rule": entry.rule,
        "basis": entry.basis,
        "due_on": entry.due_on,
        **marks(entry, stored),
    }
    if stored is not None and stored.due_on not in (None, entry.due_on):
        facts["due_version"] = stored.due_version + 1  # a moved deadline reminds anew
    rows.put(
        Kind.OBLIGATIONS,
        stored,
        partial(Obligation, id=uuid4(), grant=grant, key=entry.key),
        facts,
        name=entry.title,
        group=programme,
    )


def _share(rate: Decimal | None) -> str | None:
    """As text in its shortest form: 0.70 and 0.7 are the same share."""
    return None if rate is None else f"{rate.normalize():f}"
