"""What in a sound file cannot be brought together with what is stored."""

from __future__ import annotations

from collections.abc import Iterator

from app.core.text import text
from app.programmes.models import Programme as StoredProgramme
from app.transfer.findings import Finding, with_suggestion
from app.transfer.format import CityFile, Measure, Programme
from app.transfer.queries import Known, newest_workflow
from app.transfer.workflows import definition, is_same


def conflicts(city: CityFile, known: Known) -> Iterator[Finding]:
    """Another city, a published workflow that the file changes, a status the newest workflow does not have."""
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
    versions = {programme.key: programme.workflow.version for programme in city.programmes}
    for measure in city.measures:
        yield from _status(measure, versions[measure.programme], known)


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
