"""Brings a city file into the database, and a programme out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.core.database import db
from app.core.errors import NotFound, RuleBroken
from app.core.text import text
from app.measures.service import hold_predecessors
from app.organisations.permissions import Actor
from app.programmes.models import Programme
from app.transfer import queries
from app.transfer.conflicts import conflicts
from app.transfer.export import as_yaml
from app.transfer.findings import Finding, with_suggestion
from app.transfer.format import CityFile
from app.transfer.grants import store_grants
from app.transfer.measures import store_activities, store_measures
from app.transfer.milestones import store_milestones
from app.transfer.people import store_accounts, store_organisations, store_units
from app.transfer.programmes import store_programmes
from app.transfer.queries import Known
from app.transfer.rows import Rows
from app.transfer.summary import Summary


class Refused(RuleBroken):
    """The file is sound and does not fit what is stored; nothing was changed."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__(text("Die Datei passt nicht zu dem, was gespeichert ist."))
        self.findings = findings


def import_city(actor: Actor, city: CityFile, *, now: datetime) -> Summary:
    """Makes the database say what the file says, and leaves alone what people decided in Wegmarke.

    `city` was read without errors; `now` decides which days of the file still lie ahead. What the file says about the
    time before Wegmarke, such as a milestone reached or a report released, is taken as it is, without a decision; it
    stands in the log under the name of the import.

    Raises:
        Refused: with every finding, before the first change.
    """
    hold_predecessors()
    known = Known.read(city)
    found = tuple(conflicts(city, known))
    if found:
        raise Refused(found)
    rows = Rows(actor, now)
    store_organisations(rows, known, city)
    store_units(rows, known, city.units)
    store_accounts(rows, known, city.accounts)
    store_programmes(rows, known, city)
    measures = store_measures(rows, known, city.measures)
    store_milestones(rows, known, measures, city.measures)
    grants = store_grants(rows, known, measures, city.grants)
    store_activities(rows, known, city, measures, grants)
    db.session.flush()  # what the database refuses is refused here, in a dry run too
    return rows.summary


@dataclass(frozen=True)
class Exported:
    """A programme as a city file: its key, the version of the workflow in it, and the text."""

    programme: str
    version: int
    yaml: str


def export(key: str, version: int | None = None) -> Exported:
    """A programme with one published version of its workflow, the newest where none is named.

    Raises:
        NotFound: for a programme or a version that is not stored, with the one that was probably meant.
    """
    programme = queries.find_programme(key)
    if programme is None:
        unknown = text("Das Programm „%(value)s“ ist unbekannt.", value=key)
        raise NotFound(with_suggestion(unknown, key, queries.list_keys()))
    published = {workflow.version: workflow for workflow in programme.workflows}
    if not published:
        raise NotFound(text("Das Programm „%(value)s“ hat noch keinen veröffentlichten Ablauf.", value=key))
    chosen = max(published) if version is None else version
    if chosen not in published:
        raise NotFound(
            text(
                "Version %(version)s des Ablaufs gibt es nicht. Veröffentlicht sind: %(known)s.",
                version=chosen,
                known=tuple(published),
            )
        )
    return _exported(programme, chosen, published[chosen].definition)


def export_draft(programme: Programme) -> Exported:
    """A programme with its draft as the version it would be published as, also where it is not sound yet.

    Raises:
        NotFound: without a draft.
    """
    if programme.draft is None:
        raise NotFound(text("Zu diesem Programm gibt es keinen Entwurf."))
    newest = programme.newest_workflow
    return _exported(programme, newest.version + 1 if newest else 1, programme.draft.definition)


def _exported(programme: Programme, version: int, definition: Mapping[str, Any]) -> Exported:
    city = queries.find_city()
    if city is None:
        raise NotFound(text("Hier ist noch keine Stadt gespeichert."))
    return Exported(programme.key, version, as_yaml(city, programme, version, definition))
