"""Reads of progress updates. Every function that takes a viewer returns only what they may see.

Funders see what was released; the city's staff also what was submitted or returned; a draft is seen by those who
may report on its measure.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, and_, case, cast, false, func, or_, select
from sqlalchemy.orm import aliased, joinedload, selectinload

from app.calendars.periods import Period, Rhythm
from app.core.database import db, one_of
from app.core.errors import NotFound
from app.core.prepared import ask
from app.core.text import text
from app.measures.models import Measure
from app.measures.queries import visible_to
from app.organisations.permissions import Actor, Permission, Scope, allows, decides_for
from app.organisations.queries import list_units
from app.progress import reporting
from app.progress.models import MilestoneForecast, ProgressUpdate, UpdateState

COUNTED = (UpdateState.SUBMITTED, UpdateState.RELEASED)
"""The states in which a period counts as reported and an update says how its measure is."""


def get_update(viewer: Actor, update_id: UUID) -> ProgressUpdate:
    """One update.

    Raises:
        NotFound: also where the viewer may not see it.
    """
    query = (
        select(ProgressUpdate)
        .where(ProgressUpdate.id == update_id)
        .options(
            joinedload(ProgressUpdate.author),
            joinedload(ProgressUpdate.decided_by),
            joinedload(ProgressUpdate.decided_for),
            joinedload(ProgressUpdate.measure).joinedload(Measure.programme),
            selectinload(ProgressUpdate.forecasts).joinedload(MilestoneForecast.milestone),
            selectinload(ProgressUpdate.attachments),
        )
    )
    update = db.session.scalar(query)
    if update is None or update.state not in _visible_states(viewer, update.measure):
        raise NotFound(text("Diesen Sachstand gibt es nicht, oder er ist für Sie nicht sichtbar."))
    return update


def list_for_measure(viewer: Actor, measure: Measure) -> Sequence[ProgressUpdate]:
    """The updates of a measure: a draft first, then newest first."""
    query = (
        select(ProgressUpdate)
        .where(ProgressUpdate.measure_id == measure.id, ProgressUpdate.state.in_(_visible_states(viewer, measure)))
        .options(joinedload(ProgressUpdate.author), joinedload(ProgressUpdate.decided_by))
        .order_by(ProgressUpdate.submitted_at.is_not(None), *_newest_first())
    )
    return db.session.scalars(query).all()


def latest_visible(viewer: Actor, measure: Measure) -> ProgressUpdate | None:
    """The update that says how the measure is now, None before the first."""
    return latest_visible_by_measure(viewer, [measure.id]).get(measure.id)


def latest_visible_by_measure(viewer: Actor, measure_ids: Collection[UUID]) -> dict[UUID, ProgressUpdate]:
    """For each of these measures the update on its latest period, in one query; measures without one are left out."""
    states = COUNTED if allows(viewer, Permission.VIEW_INTERNAL) else (UpdateState.RELEASED,)
    place = func.row_number().over(partition_by=ProgressUpdate.measure_id, order_by=_newest_first())
    ranked = (
        select(ProgressUpdate, place.label("place"))
        .join(ProgressUpdate.measure)
        .where(ProgressUpdate.measure_id.in_(measure_ids), ProgressUpdate.state.in_(states), visible_to(viewer))
        .subquery()
    )
    latest = aliased(ProgressUpdate, ranked)
    query = select(latest).where(ranked.c.place == 1)
    return {update.measure_id: update for update in db.session.scalars(query)}


def find_draft(measure: Measure) -> ProgressUpdate | None:
    """The draft somebody has begun for a measure; the database allows one."""
    query = select(ProgressUpdate).where(
        ProgressUpdate.measure_id == measure.id, ProgressUpdate.state == UpdateState.DRAFT
    )
    return db.session.scalar(query)


def find_returned(measure: Measure) -> ProgressUpdate | None:
    """The update that was handed in last, if it came back."""
    query = (
        select(ProgressUpdate)
        .where(ProgressUpdate.measure_id == measure.id, ProgressUpdate.state != UpdateState.DRAFT)
        .order_by(ProgressUpdate.submitted_at.desc())
        .limit(1)
    )
    update = db.session.scalar(query)
    return update if update and update.state == UpdateState.RETURNED else None


def list_awaiting_release(viewer: Actor) -> Sequence[ProgressUpdate]:
    """The submitted updates this person may release, oldest first: not those they wrote themselves, and in place of
    a head who is away not those that head wrote."""
    if not viewer.deciding_unit_ids:
        return []
    query = (
        select(ProgressUpdate)
        .join(ProgressUpdate.measure)
        .where(
            ProgressUpdate.state == UpdateState.SUBMITTED,
            ProgressUpdate.author_id.is_distinct_from(viewer.account_id),
            or_(
                false(),
                *(
                    and_(
                        Measure.unit_id.in_(unit_ids),
                        ProgressUpdate.author_id.is_distinct_from(absent_id or viewer.account_id),
                    )
                    for absent_id, unit_ids in _decided_units(viewer).items()
                ),
            ),
        )
        .options(joinedload(ProgressUpdate.author), joinedload(ProgressUpdate.measure).joinedload(Measure.programme))
        .order_by(ProgressUpdate.submitted_at, ProgressUpdate.id)
    )
    return db.session.scalars(query).all()


_counted = (
    one_of(ProgressUpdate.measure_id, "measure_ids"),
    ProgressUpdate.state.in_(COUNTED),
)
REPORTED = select(ProgressUpdate.measure_id, ProgressUpdate.period).where(*_counted)
LAST_REPORTS = (
    select(ProgressUpdate.measure_id, func.max(ProgressUpdate.submitted_at))
    .where(*_counted)
    .group_by(ProgressUpdate.measure_id)
)


def reported_periods(measure_ids: Collection[UUID]) -> dict[UUID, frozenset[str]]:
    """For each of these measures the keys of its reported periods; a returned report does not count."""
    periods: dict[UUID, set[str]] = {measure_id: set() for measure_id in measure_ids}
    for measure_id, period in ask(REPORTED, {"measure_ids": measure_ids}):
        periods[measure_id].add(period)
    return {measure_id: frozenset(keys) for measure_id, keys in periods.items()}


def last_reports(measure_ids: Collection[UUID]) -> dict[UUID, datetime]:
    """When the last report on each of these measures was handed in; those without one are left out."""
    found = ask(LAST_REPORTS, {"measure_ids": measure_ids})
    return {measure_id: at for measure_id, at in found if at}


def owed_periods(measure: Measure, today: date, reported: Collection[str]) -> tuple[Period, ...]:
    """The periods on which a measure still owes an update; see the rule in `reporting`."""
    rhythm = Rhythm(measure.programme.update_rhythm)
    begins_on = measure.starts.first_day() if measure.starts else None
    return reporting.owed_periods(today, rhythm, begins_on, measure.entered_on, reported)


def offered_periods(measure: Measure, today: date) -> tuple[Period, ...]:
    """The periods one may report on for a measure, newest first."""
    owed = owed_periods(measure, today, reported_periods([measure.id])[measure.id])
    return reporting.offered_periods(today, Rhythm(measure.programme.update_rhythm), owed)


def _visible_states(viewer: Actor, measure: Measure) -> tuple[UpdateState, ...]:
    scope = measure.scope
    if not allows(viewer, Permission.VIEW, scope):
        return ()
    if not allows(viewer, Permission.VIEW_INTERNAL, scope):
        return (UpdateState.RELEASED,)
    handed_in = (UpdateState.SUBMITTED, UpdateState.RETURNED, UpdateState.RELEASED)
    return (UpdateState.DRAFT, *handed_in) if allows(viewer, Permission.REPORT_PROGRESS, scope) else handed_in


def _newest_first() -> tuple[ColumnElement[Any], ...]:
    """By the end of the period, so that a late report on an old period is not mistaken for the news."""
    return (_last_month().desc(), ProgressUpdate.submitted_at.desc(), ProgressUpdate.created_at.desc())


def _last_month() -> ColumnElement[int]:
    """The last month of an update's period, counted through the years: 2023-Q1 and 2023-03 are the same."""
    year, rest = func.substr(ProgressUpdate.period, 1, 4), func.substr(ProgressUpdate.period, 6, 2)
    letter, number = func.substr(ProgressUpdate.period, 6, 1), func.substr(ProgressUpdate.period, 7, 1)
    month = case(
        (letter == "Q", 3 * cast(number, Integer)),
        (letter == "H", 6 * cast(number, Integer)),
        else_=cast(rest, Integer),
    )
    return 12 * cast(year, Integer) + month


def _decided_units(viewer: Actor) -> dict[UUID | None, list[UUID]]:
    """The units whose updates they release, by the absent head in whose place; None where it is their own right."""
    units: dict[UUID | None, list[UUID]] = {}
    for unit in list_units():
        scope = Scope(unit_ids=tuple(above.id for above in unit.with_parents()))
        if allows(viewer, Permission.RELEASE_PROGRESS, scope):
            units.setdefault(decides_for(viewer, scope), []).append(unit.id)
    return units
