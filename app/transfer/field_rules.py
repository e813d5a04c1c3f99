"""What the field rules of a status let an import do to a measure: as much as the coordination may, and no more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from app.core.text import Text, text
from app.measures.details import is_filled
from app.measures.models import Measure
from app.organisations.permissions import Role
from app.programmes.access import MEASURE_FIELDS, Access
from app.programmes.workflow import Status
from app.transfer import format as city_file

ROLES = frozenset({Role.COORDINATOR})
"""Whose rights an import has."""


def missing(entry: city_file.Measure, status: Status) -> Iterator[str]:
    """The fields that a measure must have in its status and the file does not state.

    A workflow's own fields are not among them: the file has no place for their values, steps ask for them.
    """
    for field in MEASURE_FIELDS:
        if status.access(field, ROLES) is Access.REQUIRED and not is_filled(getattr(entry, field)):
            yield field


def held_back(measure: Measure, wanted: Mapping[str, Any]) -> dict[str, Access]:
    """Of what the file wants to change, the fields that the present status of the stored measure holds back."""
    status = measure.current_status
    if status is None:
        return {}
    ruled = {field: status.access(field, ROLES) for field in wanted if field in MEASURE_FIELDS}
    return {
        field: access
        for field, access in ruled.items()
        if getattr(measure, field) != wanted[field]
        and (not access.is_editable or (access is Access.REQUIRED and not is_filled(wanted[field])))
    }


def sentence(measure: Measure, field: str, access: Access, stored: object, wanted: object) -> Text:
    """Why a field stays as it is."""
    status = measure.current_status
    said = {"name": measure.name, "what": MEASURE_FIELDS[field], "status": status.label if status else None}
    if access is Access.HIDDEN:
        return text("%(name)s: %(what)s bleibt, wie es gespeichert ist: im Status „%(status)s“ verborgen.", **said)
    if access is Access.REQUIRED:
        return text(
            "%(name)s: %(what)s bleibt „%(stored)s“: im Status „%(status)s“ eine Pflichtangabe. "
            "In der Datei fehlt sie.",
            stored=stored,
            **said,
        )
    return text(
        "%(name)s: %(what)s bleibt „%(stored)s“: im Status „%(status)s“ nur lesbar. In der Datei steht „%(wanted)s“.",
        stored=stored,
        wanted=wanted,
        **said,
    )
