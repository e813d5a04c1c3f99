"""What in a sound file cannot be brought together with what is stored."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from uuid import UUID

from app.core.text import text
from app.measures.details import is_filled
from app.measures.queries import predecessors_by_measure
from app.programmes import workflow as rules
from app.programmes.access import MEASURE_FIELDS
from app.programmes.models import Programme as StoredProgramme
from app.programmes.workflow import Status
from app.transfer import field_rules
from app.transfer.findings import Finding, with_suggestion
from app.transfer.format import CityFile, Measure, Programme
from app.transfer.queries import Known, fields_changed_by_people, newest_workflow
from app.transfer.references import WAITS_FOR_ITSELF
from app.transfer.rings import in_rings
from app.transfer.workflows import definition, is_same, retyped


def conflicts(city: CityFile, known: Known) -> Iterator[Finding]:
    """Another city, a published workflow that the file changes or a field of one to which it gives another type, a
    status the newest workflow does not have, a field that a status requires, measures that would wait for each other.
    """
    stored_city = known.city()
    if stored_city is not None and stored_city.key != city.city.key:
        other = text(
            "Hier ist schon die Stadt „%(key)s“ gespeichert. Eine zweite braucht eine eigene Datenbank.",
            key=stored_city.key,
        )
        yield Finding.at(city.city.place("key"), other)
    elif stored_city is None and city.city.key in known.organisations:
        yield Finding.at(city.city.place("key"), text("Diesen Schlüssel trägt schon eine andere Organisation."))
    for organisation in city.organisations:
        if stored_city is not None and organisation.key == stored_city.key:
            yield Finding.at(organisation.place("key"), text("Diesen Schlüssel trägt schon die Stadt selbst."))
    for programme in city.programmes:
        if stored := known.programmes.get(programme.key):
            yield from _workflow(programme, stored)
    programmes = {programme.key: programme for programme in city.programmes}
    for measure in city.measures:
        yield from _status(measure, programmes[measure.programme].workflow.version, known)
        yield from _required(measure, programmes[measure.programme], known)
    yield from _rings(city, known)


def _workflow(programme: Programme, stored: StoredProgramme) -> Iterator[Finding]:
    version = programme.workflow.version
    published = {row.version: row for row in stored.workflows}
    if version in published and not is_same(published[version].definition, definition(programme.workflow)):
        fixed = text(
            "Version %(version)s ist veröffentlicht und lässt sich nicht mehr ändern; erhöhen Sie die Version.",
            version=version,
        )
        yield Finding.at(programme.workflow.place("version"), fixed)
    elif version not in published and published and version < max(published):
        older = text(
            "Veröffentlicht ist schon Version %(newest)s; eine neue braucht eine höhere Nummer.",
            newest=max(published),
        )
        yield Finding.at(programme.workflow.place("version"), older)
    if version not in published:
        yield from retyped(programme, (row.definition for row in stored.workflows))


def _status(measure: Measure, version: int, known: Known) -> Iterator[Finding]:
    """New measures follow the newest workflow, also where the file has an older one."""
    programme = known.programmes.get(measure.programme)
    if programme is None or measure.status is None or known.measure(measure.programme, measure.key):
        return
    newest = newest_workflow(programme)
    if version < newest.version and measure.status not in newest.rules.statuses:
        problem = text(
            "Version %(version)s des Ablaufs hat den Status „%(status)s“ nicht.",
            version=newest.version,
            status=measure.status,
        )
        yield Finding.at(measure.place("status"), with_suggestion(problem, measure.status, newest.rules.statuses))


def _required(measure: Measure, programme: Programme, known: Known) -> Iterator[Finding]:
    """Fields that a status requires, where a new measure lacks them or the file empties those of a stored one."""
    stored = known.measure(measure.programme, measure.key)
    if stored is None:
        status = _statuses(programme, known.programmes.get(programme.key)).get(measure.status or "")
        fields = list(field_rules.missing(measure, status)) if status else []
    else:
        status = stored.current_status
        emptied = measure.model_fields_set.intersection(field_rules.missing(measure, status) if status else ())
        fields = [field for field in sorted(emptied) if is_filled(getattr(stored, field))]
    for field in fields:
        if status is not None:
            needed = text(
                "Im Status „%(status)s“ ist die Angabe „%(field)s“ Pflicht.",
                status=status.label,
                field=MEASURE_FIELDS[field],
            )
            yield Finding.at(measure.place(field), needed)


def _statuses(programme: Programme, stored: StoredProgramme | None) -> Mapping[str, Status]:
    """The statuses of the version that a new measure follows: the newest one, stored or in the file."""
    newest = stored.newest_workflow if stored else None
    if newest is not None and newest.version >= programme.workflow.version:
        return newest.rules.statuses
    return rules.build(definition(programme.workflow)).statuses


def _rings(city: CityFile, known: Known) -> Iterator[Finding]:
    """Rings of measures that the file closes together with what is stored; `references` finds those in it alone."""
    stated = [measure for measure in city.measures if "predecessors" in measure.model_fields_set]
    stored = {measure.key: known.measure(measure.programme, measure.key) for measure in city.measures}
    if not any(stored[measure.key] for measure in stated):
        return
    name = {key: row.id if row else key for key, row in stored.items()}
    peoples = fields_changed_by_people([row.id for row in stored.values() if row])
    before: dict[UUID | str, Collection[UUID | str]] = dict(predecessors_by_measure().items())
    for measure in stated:
        row = stored[measure.key]
        if row is None or "predecessors" not in peoples.get(row.id, ()):
            before[name[measure.key]] = [name[key] for key in measure.predecessors]
    ring = in_rings(before)
    for measure in stated:
        if name[measure.key] in ring:
            yield Finding.at(measure.place("predecessors"), WAITS_FOR_ITSELF)
