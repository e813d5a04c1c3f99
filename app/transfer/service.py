"""Brings a city file into the database."""

from __future__ import annotations

from datetime import datetime

from app.core.database import db
from app.core.errors import RuleBroken
from app.core.text import text
from app.organisations.permissions import Actor
from app.transfer.conflicts import conflicts
from app.transfer.findings import Finding
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

    `city` was read without errors; `now` decides which days of the file still lie ahead.

    Raises:
        Refused: with every finding, before the first change.
    """
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
