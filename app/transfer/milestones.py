"""Milestones of a city file: the file speaks until people in Wegmarke do."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any
from uuid import uuid4

from app.core.clock import day_of
from app.core.text import Text, text
from app.measures.models import Measure
from app.milestones.models import Milestone
from app.transfer import format as city_file
from app.transfer.queries import DATES, WORDS, Known, milestone_fields_of_people
from app.transfer.rows import Rows, marks
from app.transfer.summary import Kind

FIELD_OF_FILE = {"actual_on": "reached_on"}
"""Columns that the file calls by another name."""

LABELS: Mapping[str, Text] = {
    "title": text("Titel"),
    "description": text("Beschreibung"),
    "planned_on": text("Plan-Termin"),
    "forecast_on": text("Prognose"),
    "actual_on": text("Ist-Termin"),
    "funder_relevant": text("Dem Fördermittelgeber zugesagt"),
}


def store_milestones(
    rows: Rows, known: Known, measures: dict[str, Measure], entries: list[city_file.Measure]
) -> None:
    """The milestones of all measures.

    What people changed in Wegmarke stays, and so do all dates of a milestone that was moved, dropped, or whose
    approval was asked for. A day reached that the clock has not come to yet is left out.
    """
    pairs = [(measures[measure.key], milestone) for measure in entries for milestone in measure.milestones]
    stored = {(measure.id, entry.key): known.milestones.get((measure.id, entry.key)) for measure, entry in pairs}
    wanted = {(measure.id, entry.key): _wanted(rows, measure, entry) for measure, entry in pairs}
    differing = {row.id for key, row in stored.items() if row and _differences(row, wanted[key])}
    peoples = milestone_fields_of_people(differing)
    for measure, entry in pairs:
        key = (measure.id, entry.key)
        row = stored[key]
        if row is None:
            _create(rows, measure, entry, wanted[key])
        else:
            taken = peoples.get(row.id, set()) | (DATES if row.dropped_at else set())
            _change(rows, measure, entry, row, wanted[key], taken)


def _wanted(rows: Rows, measure: Measure, entry: city_file.Milestone) -> dict[str, Any]:
    """What the file says. Of forecast, day reached and whether the funders go by it, saying nothing says nothing
    against what is stored."""
    wanted: dict[str, Any] = {
        "title": entry.title,
        "description": entry.description,
        "planned_on": entry.planned_on,
        "planned_precision": entry.planned_precision,
    }
    if "funder_relevant" in entry.model_fields_set:
        wanted["funder_relevant"] = entry.funder_relevant
    if entry.forecast_on is not None:
        wanted["forecast_on"] = entry.forecast_on
    if entry.reached_on is not None and entry.reached_on <= day_of(rows.now):
        wanted["actual_on"] = entry.reached_on
    elif entry.reached_on is not None:
        rows.tell(
            text(
                "%(name)s: gilt noch nicht als erreicht, weil der Tag (%(day)s) noch kommt.",
                name=_name(measure, entry),
                day=entry.reached_on,
            )
        )
    return wanted


def _differences(row: Milestone, wanted: dict[str, Any]) -> dict[str, Any]:
    return {attr: value for attr, value in wanted.items() if getattr(row, attr) != value}


def _create(rows: Rows, measure: Measure, entry: city_file.Milestone, wanted: dict[str, Any]) -> None:
    facts = wanted | marks(entry, None, _left_alone(wanted))
    if "actual_on" in wanted:
        facts["approved_at"] = rows.now
    make = partial(Milestone, id=uuid4(), measure=measure, key=entry.key, due_version=1)
    rows.put(Kind.MILESTONES, None, make, facts, name=entry.title, group=measure)


def _change(
    rows: Rows,
    measure: Measure,
    entry: city_file.Milestone,
    row: Milestone,
    wanted: dict[str, Any],
    peoples: Collection[str],
) -> None:
    for attr, value in _differences(row, wanted).items():
        if attr in peoples and attr in LABELS:
            rows.keep(_name(measure, entry), LABELS[attr], getattr(row, attr), value)
    facts = {attr: value for attr, value in wanted.items() if attr not in peoples}
    if "planned_on" in facts and facts["planned_on"] != row.planned_on:
        facts["due_version"] = row.due_version + 1
    if "actual_on" in facts and row.approved_at is None:
        facts["approved_at"] = rows.now
    facts |= marks(entry, row, _left_alone(facts))
    rows.put(Kind.MILESTONES, row, partial(Milestone), facts, name=row.title, group=measure)


def _left_alone(facts: dict[str, Any]) -> set[str]:
    """The fields of the file whose values this import does not take."""
    return {FIELD_OF_FILE.get(attr, attr) for attr in WORDS | DATES | {"funder_relevant"} if attr not in facts}


def _name(measure: Measure, entry: city_file.Milestone) -> Text:
    return text("Meilenstein „%(title)s“ (%(measure)s)", title=entry.title, measure=measure.name)
