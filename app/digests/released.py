"""Gathers what may be told to a funder: released updates, approved milestones, recorded decisions.

Nothing else is read here: a draft, a statement or a name cannot leak from a row that was never asked for. Of an
emergency its reason is told: whoever gave it was told so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import contains_eager, joinedload

from app.core import clock
from app.core.database import db
from app.digests import facts, history
from app.digests.facts import Facts, MeasureFacts, OpenMilestone, OpenObligation, Standing
from app.digests.models import Digest
from app.digests.spans import ONE_DAY, next_span, untold
from app.grants.models import Grant, Obligation
from app.measures.models import Measure, StatusChange
from app.milestones.approval import Decision
from app.milestones.models import Approval, Milestone, MilestoneMove, MoveRequest
from app.organisations.queries import find_city
from app.programmes.models import Programme, ProgrammeFunder
from app.programmes.workflow import Status
from app.progress.health import Health
from app.progress.models import MilestoneForecast, ProgressUpdate, UpdateState


def gather(funder: ProgrammeFunder, until_on: date) -> Facts:
    """The released facts for a digest that ends with `until_on`, in a constant number of queries.

    Raises:
        Conflict: when that day has been told already.
    """
    programme = funder.programme
    ends_at = clock.start_of(until_on + ONE_DAY, programme.zone)
    earlier = db.session.execute(
        select(Digest.until_on, Digest.has_news, Digest.facts).where(
            Digest.programme_id == programme.id, Digest.organisation_id == funder.organisation_id
        )
    ).all()
    told = frozenset(key for row in earlier for key in row.facts["keys"])
    measures = _list_measures(programme, ends_at, told)
    city = find_city()
    return Facts(
        city=city.name if city else None,
        programme=programme.name,
        programme_short=programme.short_name or programme.name,
        funder=funder.organisation.name,
        zone=programme.time_zone,
        span=next_span(
            max((row.until_on for row in earlier), default=None),
            any(row.has_news for row in earlier),
            _begins_on(programme, measures, until_on),
            until_on,
        ),
        measures=measures,
        obligations=_list_obligations(programme, until_on),
    )


def _begins_on(programme: Programme, measures: Iterable[MeasureFacts], until_on: date) -> date:
    days = [clock.day_of(fact.at, programme.zone) for measure in measures for fact in measure.news]
    return min([*days, programme.starts.first_day() if programme.starts else until_on])


def _list_measures(programme: Programme, ends_at: datetime, told: frozenset[str]) -> tuple[MeasureFacts, ...]:
    query = select(Measure).where(Measure.programme_id == programme.id).options(joinedload(Measure.workflow))
    rows = db.session.scalars(query.order_by(Measure.number, Measure.sort_key, Measure.key)).all()
    changes = _by_measure(
        select(StatusChange)
        .join(StatusChange.measure)
        .where(Measure.programme_id == programme.id)
        .options(joinedload(StatusChange.workflow), joinedload(StatusChange.from_workflow))
        .order_by(StatusChange.changed_at, StatusChange.id)
    )
    milestones = _by_measure(
        select(Milestone)
        .join(Milestone.measure)
        .where(Measure.programme_id == programme.id)
        .order_by(Milestone.planned_on, Milestone.key)
    )
    moves = _list_moves(programme)
    overridden = _list_overridden(programme)
    releases = _by_measure(
        select(ProgressUpdate)
        .join(ProgressUpdate.measure)
        .where(
            Measure.programme_id == programme.id,
            ProgressUpdate.state == UpdateState.RELEASED,
            ProgressUpdate.decided_at < ends_at,
        )
        .order_by(ProgressUpdate.decided_at, ProgressUpdate.id)
    )
    forecasts = _forecasts([updates[-1].id for updates in releases.values()])
    return tuple(
        _measure_facts(
            row,
            changes[row.id],
            milestones[row.id],
            moves,
            overridden[row.id],
            releases[row.id],
            forecasts,
            ends_at=ends_at,
            told=told,
        )
        for row in rows
    )


def _measure_facts(
    row: Measure,
    changes: Sequence[StatusChange],
    milestones: Sequence[Milestone],
    moves: dict[UUID, list[facts.Move]],
    overridden: Sequence[facts.Override],
    updates: Sequence[ProgressUpdate],
    forecasts: dict[UUID, date],
    *,
    ends_at: datetime,
    told: frozenset[str],
) -> MeasureFacts:
    status_changes = [_status_change(change) for change in changes]
    releases = [_release(update) for update in updates]
    new_releases = untold(releases, told, ends_at)
    old_releases = [release for release in releases if release.key in told]
    planned = {one.id: history.planned_at(ends_at, moves[one.id], one.planned_on) for one in milestones}
    return MeasureFacts(
        id=row.id,
        name=row.name,
        status=history.status_at(ends_at, status_changes, _present_status(row)),
        release=releases[-1] if releases else None,
        release_before=old_releases[-1] if old_releases else None,
        status_changes=untold(status_changes, told, ends_at),
        releases=new_releases,
        approvals=untold(_approvals(milestones, planned), told, ends_at),
        moves=untold([move for one in milestones for move in moves[one.id]], told, ends_at),
        drops=untold(_drops(milestones, planned), told, ends_at),
        overrides=untold([*overridden, *_overrides(changes, updates)], told, ends_at),
        milestones=tuple(
            OpenMilestone(one.title, planned[one.id], _by_month(one), forecasts.get(one.id), one.is_sample)
            for one in milestones
            if history.is_open_at(ends_at, one.approved_at, one.dropped_at)
        ),
        is_sample=row.is_sample_field("status"),
    )


def _present_status(row: Measure) -> Standing | None:
    status = row.current_status
    return _standing(status) if status else None


def _standing(status: Status) -> Standing:
    return Standing(status.told, status.category)


def _status_change(change: StatusChange) -> facts.StatusChange:
    return facts.StatusChange(
        key=f"status:{change.id}",
        at=change.changed_at,
        before=_standing(change.before) if change.before else None,
        after=_standing(change.after),
        is_sample=change.is_sample,
    )


def _release(update: ProgressUpdate) -> facts.Release:
    health = Health(update.health) if update.health else None
    return facts.Release(
        key=f"update:{update.id}",
        at=_released_at(update),
        period=update.period,
        health=health,
        reason=update.health_reason if health in (Health.YELLOW, Health.RED) else None,
        decision_wanted=update.decision_wanted if health is Health.RED else None,
        percent=update.percent,
        is_sample=update.is_sample,
    )


def _released_at(update: ProgressUpdate) -> datetime:
    if update.decided_at is None:  # the database holds: a released update has been decided
        raise ValueError(f"released update {update.id} without an instant")
    return update.decided_at


def _overrides(changes: Iterable[StatusChange], updates: Iterable[ProgressUpdate]) -> Iterator[facts.Override]:
    """The steps taken and updates released without four eyes."""
    for change in changes:
        if change.override_reason is not None:
            yield facts.Override(
                key=f"override:status:{change.id}",
                at=change.changed_at,
                reason=change.override_reason,
                status=change.after.told,
                is_sample=change.is_sample,
            )
    for update in updates:
        if update.override_reason is not None:
            yield facts.Override(
                key=f"override:update:{update.id}",
                at=_released_at(update),
                reason=update.override_reason,
                period=update.period,
                is_sample=update.is_sample,
            )


def _list_overridden(programme: Programme) -> dict[UUID, list[facts.Override]]:
    """The milestones approved and moved without four eyes, by measure; what was returned has released nothing, and a
    wish to move that waits is nobody's business outside."""
    query = (
        select(Approval, Milestone)
        .join(Approval.milestone)
        .join(Milestone.measure)
        .where(
            Measure.programme_id == programme.id,
            Approval.decision == Decision.APPROVED,
            Approval.override_reason.is_not(None),
        )
    )
    wishes = (
        select(MoveRequest, Milestone)
        .join(MoveRequest.milestone)
        .join(Milestone.measure)
        .where(
            Measure.programme_id == programme.id,
            MoveRequest.decision == Decision.APPROVED,
            MoveRequest.override_reason.is_not(None),
        )
    )
    found: dict[UUID, list[facts.Override]] = defaultdict(list)
    for approval, milestone in db.session.execute(query):
        if approval.decided_at is None or approval.override_reason is None:
            continue  # for the type only: the query and the database leave none
        found[milestone.measure_id].append(
            facts.Override(
                key=f"override:milestone:{approval.id}",
                at=approval.decided_at,
                reason=approval.override_reason,
                milestone=milestone.title,
                is_sample=milestone.is_sample,
            )
        )
    for wish, milestone in db.session.execute(wishes):
        if wish.decided_at is None or wish.override_reason is None:
            continue  # for the type only, as above
        found[milestone.measure_id].append(
            facts.Override(
                key=f"override:move:{wish.id}",
                at=wish.decided_at,
                reason=wish.override_reason,
                moved=milestone.title,
                is_sample=milestone.is_sample,
            )
        )
    return found


def _approvals(milestones: Iterable[Milestone], planned: dict[UUID, date]) -> list[facts.Approval]:
    return [
        facts.Approval(
            key=f"approved:{one.id}:{one.approved_at.isoformat()}",
            at=one.approved_at,
            title=one.title,
            planned_on=planned[one.id],
            by_month=_by_month(one),
            actual_on=one.actual_on,
            is_sample=one.is_sample_field("reached_on"),
        )
        for one in milestones
        if one.approved_at and one.actual_on
    ]


def _drops(milestones: Iterable[Milestone], planned: dict[UUID, date]) -> list[facts.Drop]:
    return [
        facts.Drop(
            key=f"dropped:{one.id}:{one.dropped_at.isoformat()}",
            at=one.dropped_at,
            title=one.title,
            planned_on=planned[one.id],
            by_month=_by_month(one),
            reason=one.drop_reason,
            is_sample=one.is_sample,
        )
        for one in milestones
        if one.dropped_at and one.drop_reason
    ]


def _list_moves(programme: Programme) -> dict[UUID, list[facts.Move]]:
    query = (
        select(MilestoneMove, Milestone)
        .join(MilestoneMove.milestone)
        .join(Milestone.measure)
        .where(Measure.programme_id == programme.id)
        .order_by(MilestoneMove.moved_at, MilestoneMove.id)
    )
    found: dict[UUID, list[facts.Move]] = defaultdict(list)
    for move, milestone in db.session.execute(query):
        found[milestone.id].append(
            facts.Move(
                key=f"moved:{move.id}",
                at=move.moved_at,
                milestone_id=milestone.id,
                title=milestone.title,
                from_on=move.from_on,
                to_on=move.to_on,
                by_month=move.from_precision == "month",
                reason=move.reason,
                is_sample=milestone.is_sample,
            )
        )
    return found


def _forecasts(update_ids: Sequence[UUID]) -> dict[UUID, date]:
    query = select(MilestoneForecast.milestone_id, MilestoneForecast.forecast_on)
    return {row[0]: row[1] for row in db.session.execute(query.where(MilestoneForecast.update_id.in_(update_ids)))}


def _list_obligations(programme: Programme, until_on: date) -> tuple[OpenObligation, ...]:
    query = (
        select(Obligation)
        .join(Obligation.grant)
        .where(Grant.programme_id == programme.id, Obligation.due_on.is_not(None))
        .options(contains_eager(Obligation.grant))
        .order_by(Obligation.due_on, Grant.key, Obligation.key)
    )
    return tuple(
        OpenObligation(owed.title, owed.grant.title, owed.due_on, owed.is_sample_field("due_on"))
        for owed in db.session.scalars(query)
        if owed.due_on and (owed.done_on is None or owed.done_on > until_on)
    )


def _by_month(milestone: Milestone) -> bool:
    return milestone.planned_precision == "month"


def _by_measure(query: Any) -> dict[UUID, list[Any]]:
    groups: dict[UUID, list[Any]] = defaultdict(list)
    for row in db.session.scalars(query):
        groups[row.measure_id].append(row)
    return groups
