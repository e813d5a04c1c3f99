"""Measures of a city file with their events, activities and reports of earlier periods."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import uuid4

from app.audit.labels import field_name
from app.core.clock import day_of, start_of
from app.core.localized import Localized
from app.core.text import text
from app.grants.models import Grant
from app.measures.details import is_filled
from app.measures.models import Activity, Measure, MeasureEvent
from app.programmes.access import MEASURE_FIELDS
from app.programmes.models import Programme
from app.progress.models import ProgressUpdate
from app.transfer import field_rules
from app.transfer import format as city_file
from app.transfer.identity import event_key, sorted_as
from app.transfer.queries import Known, fields_changed_by_people, newest_workflow
from app.transfer.rows import Rows, marks, told
from app.transfer.summary import Kind

PEOPLES_FACTS = ("unit", "lead", "status")
"""What an import says once; from then on people decide about it in Wegmarke."""


def store_measures(rows: Rows, known: Known, entries: list[city_file.Measure]) -> dict[str, Measure]:
    """The measures by the keys of the file. A new one follows the newest workflow, a stored one stays on its own.

    What people changed in Wegmarke stays, and so does what the field rules of its status hold back.
    """
    stored = {entry.key: known.measure(entry.programme, entry.key) for entry in entries}
    measures = {entry.key: stored[entry.key] or _new(rows, known, entry) for entry in entries}
    wanted = {entry.key: _wanted(known, measures, entry) for entry in entries}
    differing = [row.id for key, row in stored.items() if row and _differences(row, wanted[key])]
    peoples = fields_changed_by_people(differing)
    for entry in entries:
        measure = measures[entry.key]
        taken = peoples.get(measure.id, set())
        _store_measure(rows, known, entry, measure, wanted[entry.key], taken, is_new=stored[entry.key] is None)
    return measures


def _new(rows: Rows, known: Known, entry: city_file.Measure) -> Measure:
    """A measure with what the file says once; the measures that wait for it can name it from now on."""
    programme = known.programmes[entry.programme]
    measure = known.measures[programme.id, entry.key] = Measure(
        id=uuid4(),
        programme=programme,
        key=entry.key,
        sort_key=sorted_as(str(Measure(number=entry.number, title=entry.title).name)),
        workflow=newest_workflow(programme),
        entered_on=day_of(rows.now),
        record={},
        predecessors=[],
        **_said_once(known, entry),
    )
    return measure


def _said_once(known: Known, entry: city_file.Measure) -> dict[str, Any]:
    return {
        "unit": known.units[entry.unit] if entry.unit else None,
        "lead": known.accounts[entry.lead] if entry.lead else None,
        "status": entry.status,
    }


def _wanted(known: Known, measures: Mapping[str, Measure], entry: city_file.Measure) -> dict[str, Any]:
    """What the file says. Of predecessors, saying nothing says nothing against those that are stored."""
    wanted = {
        "number": entry.number,
        "title": entry.title,
        "summary": entry.summary,
        "field": entry.field,
        "focus_area": _focus_area(known.programmes[entry.programme], entry.focus_area),
        "partners": [_words(partner) for partner in entry.partners],
        "documents": [{**_words(link.title), "address": link.address} for link in entry.documents],
        "starts": entry.starts,
        "ends": entry.ends,
        "total_cost": entry.total_cost,
        "grant_amount": entry.grant_amount,
    }
    before = [measures[key] for key in dict.fromkeys(entry.predecessors)]
    stored = measures[entry.key].predecessors
    if "predecessors" in entry.model_fields_set and set(stored) != set(before):
        wanted["predecessors"] = before
    return wanted


def _differences(measure: Measure, wanted: Mapping[str, Any]) -> set[str]:
    return {attr for attr, value in wanted.items() if getattr(measure, attr) != value}


def _store_measure(
    rows: Rows,
    known: Known,
    entry: city_file.Measure,
    measure: Measure,
    wanted: dict[str, Any],
    peoples: set[str],
    *,
    is_new: bool,
) -> None:
    stored = None if is_new else measure
    left = peoples & _differences(measure, wanted)
    ruled = {} if is_new else field_rules.held_back(measure, wanted)
    facts = {attr: value for attr, value in wanted.items() if attr not in left and attr not in ruled}
    name = Measure(number=facts.get("number", measure.number), title=facts.get("title", measure.title)).name
    facts["sort_key"] = sorted_as(str(name))
    left_alone = {*left, *ruled, *PEOPLES_FACTS} if stored else set()
    facts |= marks(entry, stored, left_alone)
    rows.put(Kind.MEASURES, stored, lambda: measure, facts, name=name)
    if stored is not None:
        _tell_what_stays(rows, measure, _said_once(known, entry))
        for attr in (attr for attr in wanted if attr in left and is_filled(wanted[attr])):
            label = MEASURE_FIELDS.get(attr) or field_name(attr)
            rows.keep(measure.name, label, told(getattr(measure, attr)), told(wanted[attr]))
        for attr, access in ruled.items():
            if attr not in left:
                values = (told(getattr(measure, attr)), told(wanted[attr]))
                rows.tell(field_rules.sentence(measure, attr, access, *values))
    _store_events(rows, known, measure, entry)
    for update in entry.updates:
        _store_update(rows, known, measure, update)


def _focus_area(programme: Programme, key: str | None) -> object:
    return next((area for area in programme.focus_areas if area.key == key), None)


def _words(value: Localized) -> dict[str, str]:
    return {"de": value.de} | ({"en": value.en} if value.en else {})


def _tell_what_stays(rows: Rows, stored: Measure, said: dict[str, Any]) -> None:
    """A fact that the file leaves out says nothing against the stored one."""
    unit, lead, status = said["unit"], said["lead"], said["status"]
    if unit is not None and stored.unit is not unit:
        before = stored.unit.name if stored.unit else None
        rows.keep(stored.name, text("Verantwortliche Stelle"), before, unit.name)
    if lead is not None and stored.lead is not lead:
        before = stored.lead.name if stored.lead else None
        rows.keep(stored.name, text("Projektleitung"), before, lead.name)
    if status is not None and stored.status != status:
        before = stored.current_status.label if stored.current_status else None
        wanted = stored.workflow.rules.statuses.get(status)
        rows.keep(stored.name, text("Status"), before, wanted.label if wanted else status)


def _store_events(rows: Rows, known: Known, measure: Measure, entry: city_file.Measure) -> None:
    """Exactly the events of the file, where it has any: a corrected title would otherwise stand there twice."""
    stored_events = dict(known.events[measure.id])
    for event in entry.events:
        stored = stored_events.pop(event_key(event), None)
        rows.put(
            Kind.EVENTS,
            stored,
            partial(
                MeasureEvent,
                id=uuid4(),
                measure=measure,
                happened=event.on,
                sort_on=event.on.last_day(),
                sort_title=sorted_as(event.title.de),
            ),
            {"kind": event.kind, "title": event.title, **marks(event, stored)},
            name=event.title,
            group=measure,
        )
    for gone in stored_events.values() if "events" in entry.model_fields_set else ():
        rows.remove(Kind.EVENTS, gone, name=gone.title, group=measure)


def _store_update(rows: Rows, known: Known, measure: Measure, entry: city_file.Update) -> None:
    """A report is only ever added: what was handed in is not changed any more."""
    author = known.accounts[entry.author]
    said = {
        "health": entry.health,
        "health_reason": entry.health_reason,
        "decision_wanted": entry.decision_wanted,
        "percent": entry.percent,
        "done": entry.done,
        "next_steps": entry.next_steps,
        "risks": entry.risks,
        "state": entry.state,
    }
    name = text("Sachstand %(period)s (%(measure)s)", period=entry.period.key, measure=measure.name)
    stored = known.updates.get((measure.id, entry.period.key, author.id))
    if stored is not None:
        rows.leave(Kind.UPDATES)
        if any(getattr(stored, attr) != value for attr, value in said.items()):
            rows.tell(text("%(name)s: bleibt, wie er gespeichert ist. In der Datei steht etwas anderes.", name=name))
        return
    if entry.submitted_on is not None and entry.submitted_on > day_of(rows.now):
        rows.tell(
            text(
                "%(name)s: wird nicht angelegt, weil der Tag der Abgabe (%(day)s) noch kommt.",
                name=name,
                day=entry.submitted_on,
            )
        )
        return
    submitted_at = start_of(entry.submitted_on, measure.programme.zone) if entry.submitted_on else rows.now
    rows.put(
        Kind.UPDATES,
        None,
        partial(
            ProgressUpdate,
            id=uuid4(),
            measure=measure,
            period=entry.period.key,
            author=author,
            created_at=submitted_at,
            submitted_at=submitted_at,
            decided_at=submitted_at if entry.state == "released" else None,
            is_sample=entry.is_sample,
            **said,
        ),
        {},
        name=name,
        group=measure,
    )


def store_activities(
    rows: Rows, known: Known, city: city_file.CityFile, measures: dict[str, Measure], grants: dict[str, Grant]
) -> None:
    """The activities of measures, and those of which nobody has said to which measure they belong."""
    for measure in city.measures:
        for activity in measure.activities:
            programme = known.programmes[measure.programme]
            _store_activity(rows, known, programme, measures[measure.key], activity, grants)
    for unassigned in city.unassigned_activities:
        _store_activity(rows, known, known.programmes[unassigned.programme], None, unassigned, grants)


def _store_activity(
    rows: Rows,
    known: Known,
    programme: Programme,
    measure: Measure | None,
    entry: city_file.Activity,
    grants: dict[str, Grant],
) -> None:
    stored = known.activities.get((programme.id, entry.key))
    rows.put(
        Kind.ACTIVITIES,
        stored,
        partial(Activity, id=uuid4(), programme_id=programme.id, key=entry.key),
        {
            "measure": measure,
            "title": entry.title,
            "summary": entry.summary,
            "state": entry.state,
            "starts": entry.starts,
            "ends": entry.ends,
            "grant": grants[entry.grant] if entry.grant else None,
            "other_fund": entry.other_fund,
            **marks(entry, stored),
        },
        name=entry.title,
        group=measure or programme,
    )
