"""Reads of deadlines: of every kind, gathered with a number of queries that does not grow with what there is."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import contains_eager, joinedload

from app.accounts.models import Account
from app.calendars.periods import Period
from app.calendars.working_days import add_working_days
from app.core.clock import day_of
from app.core.database import db
from app.core.localized import Localized
from app.core.text import Text, text
from app.deadlines.deadline import (
    Deadline,
    Kind,
    People,
    Place,
    reminds,
    unique,
    update_due_on,
    urgency,
    version_of,
)
from app.grants.models import Grant, Obligation
from app.measures.models import Measure
from app.milestones.models import Approval, Milestone
from app.milestones.queries import involved_ids
from app.organisations.models import Unit
from app.organisations.permissions import Actor, Permission, Role, allows
from app.organisations.queries import heads_by_unit, list_members, nearest_heads
from app.programmes.models import Programme
from app.programmes.workflow import Category
from app.progress.queries import owed_periods, reported_periods


def open_deadlines(programme: Programme, today: date) -> list[Deadline]:
    """Every open deadline of a programme on its local day `today`, most urgent first.

    Of measures at rest only the obligations of their grant are there; a milestone whose approval has been asked
    for is there as its approval.
    """
    return _gather([programme], today)


def list_for_viewer(viewer: Actor, today: date, horizon_days: int) -> list[Deadline]:
    """What this person has to watch in the next `horizon_days` days: first what they have to do themselves.

    Overdue deadlines and those without a date are there too; inside each half the most urgent comes first.
    Deadlines are the city's own business: a funder gets none.
    """
    if not allows(viewer, Permission.VIEW_INTERNAL):
        return []
    last_day = today + timedelta(days=horizon_days)
    programmes = db.session.scalars(select(Programme)).all()
    near = [deadline for deadline in _gather(programmes, today) if (deadline.due_on or today) <= last_day]
    seen = (deadline.seen_by(viewer.account_id) for deadline in near)
    return sorted(seen, key=lambda deadline: (not deadline.is_of(viewer.account_id), urgency(deadline)))


@dataclass
class Directory:
    """Everybody a deadline may concern, read once. `units` only keeps the rows loaded, so that a unit finds those
    above it without a query each."""

    units: Sequence[Unit]
    heads: dict[UUID, list[Account]]
    coordinators: tuple[UUID, ...]
    administrators: tuple[UUID, ...]

    @classmethod
    def read(cls) -> Directory:
        """The people of today."""
        return cls(
            units=db.session.scalars(select(Unit)).all(),
            heads=heads_by_unit(),
            coordinators=tuple(account.id for account in list_members(Role.COORDINATOR)),
            administrators=tuple(account.id for account in list_members(Role.ADMINISTRATOR)),
        )

    def behind(self, measures: Collection[Measure]) -> People:
        """The people of one measure, or of all those that a grant pays for."""
        return People(
            leads=unique(measure.lead.id for measure in measures if measure.lead and measure.lead.active),
            heads=unique(head.id for measure in measures for head in nearest_heads(measure.unit, self.heads)),
            coordinators=self.coordinators,
            administrators=self.administrators,
        )

    def reporters(self, measure: Measure) -> tuple[UUID, ...]:
        """Who may report on a measure and ask for approvals: its lead and the coordination."""
        lead = (measure.lead.id,) if measure.lead and measure.lead.active else ()
        return unique([*lead, *self.coordinators])

    def free_heads(self, milestone: Milestone) -> tuple[UUID, ...]:
        """Who may decide on a milestone: the nearest heads who neither submitted nor edited last."""
        free = nearest_heads(milestone.measure.unit, self.heads, without=involved_ids(milestone))
        return tuple(head.id for head in free)


def _gather(programmes: Sequence[Programme], today: date) -> list[Deadline]:
    directory = Directory.read()
    measures = _measures(programmes)
    found = [
        *_milestones(measures, directory),
        *_approvals(measures, directory),
        *_progress_updates(measures, directory, today),
        *_obligations(programmes, directory),
    ]
    return sorted(found, key=urgency)


def _measures(programmes: Sequence[Programme]) -> dict[UUID, Measure]:
    """The measures that remind of something, by key."""
    query = (
        select(Measure)
        .where(Measure.programme_id.in_([programme.id for programme in programmes]))
        .options(joinedload(Measure.workflow), joinedload(Measure.lead))
    )
    return {measure.id: measure for measure in db.session.scalars(query) if reminds(measure.category)}


def _milestones(measures: dict[UUID, Measure], directory: Directory) -> Iterator[Deadline]:
    asked_for = select(Approval.milestone_id).where(Approval.decision.is_(None))
    query = select(Milestone).where(
        Milestone.measure_id.in_(measures),
        Milestone.approved_at.is_(None),
        Milestone.dropped_at.is_(None),
        Milestone.id.not_in(asked_for),
    )
    for milestone in db.session.scalars(query):
        measure = measures[milestone.measure_id]
        people = directory.behind([measure]).by_role()
        yield Deadline(
            kind=Kind.MILESTONE,
            subject=f"milestone:{milestone.id}",
            version=milestone.due_version,
            due_on=milestone.planned_on,
            precision=milestone.planned_precision,
            title=milestone.title,
            context=measure.name,
            recipients=people,
            responsible=people[Role.PROJECT_LEAD],
            endpoint="milestones.request_approval",
            values={"milestone_id": str(milestone.id)},
            doers=directory.reporters(measure),
            page=Place("milestones.show", {"milestone_id": str(milestone.id)}),
            programme_id=measure.programme_id,
            measure_id=measure.id,
            is_sample=milestone.is_sample,
        )


def _approvals(measures: dict[UUID, Measure], directory: Directory) -> Iterator[Deadline]:
    query = (
        select(Approval)
        .join(Approval.milestone)
        .where(Approval.decision.is_(None), Milestone.measure_id.in_(measures))
        .options(contains_eager(Approval.milestone).selectinload(Milestone.approvals))
    )
    for approval in db.session.scalars(query):
        milestone = approval.milestone
        measure = measures[milestone.measure_id]
        programme = measure.programme
        free = directory.free_heads(milestone)
        # without one it is up to the coordination, which can name somebody
        approvers = free or directory.coordinators or directory.administrators
        submitted_on = day_of(approval.submitted_at, programme.zone)
        due_on = add_working_days(submitted_on, programme.approval_days, programme.state)
        yield Deadline(
            kind=Kind.APPROVAL,
            subject=f"approval:{approval.id}",
            version=version_of(due_on),
            due_on=due_on,
            title=_approval_title(milestone),
            context=measure.name,
            # whatever role a step calls, it calls whoever has to decide; only an escalation goes further up
            recipients=People(approvers, approvers, directory.coordinators, directory.administrators).by_role(),
            responsible=approvers,
            endpoint="milestones.decide",
            values={"milestone_id": str(milestone.id)},
            doers=free,
            page=Place("milestones.show", {"milestone_id": str(milestone.id)}),
            programme_id=programme.id,
            measure_id=measure.id,
            is_sample=milestone.is_sample,
        )


def _progress_updates(measures: dict[UUID, Measure], directory: Directory, today: date) -> Iterator[Deadline]:
    running = [measure for measure in measures.values() if measure.category is Category.RUNNING]
    handed_in = reported_periods([measure.id for measure in running])
    for measure in running:
        programme = measure.programme
        people = directory.behind([measure]).by_role()
        for period in owed_periods(measure, today, handed_in[measure.id]):
            due_on = update_due_on(period, programme.update_due_days)
            yield Deadline(
                kind=Kind.PROGRESS_UPDATE,
                subject=f"progress:{measure.id}/{period.key}",
                version=version_of(due_on),
                due_on=due_on,
                title=_update_title(period),
                context=measure.name,
                recipients=people,
                responsible=people[Role.PROJECT_LEAD],
                endpoint="progress.report",
                values={"measure_id": str(measure.id), "period": period.key},
                doers=directory.reporters(measure),
                page=Place("portfolio.show", {"measure_id": str(measure.id)}),
                programme_id=programme.id,
                measure_id=measure.id,
                is_sample=measure.is_sample,
            )


def _obligations(programmes: Sequence[Programme], directory: Directory) -> Iterator[Deadline]:
    query = (
        select(Obligation)
        .join(Obligation.grant)
        .where(Grant.programme_id.in_([programme.id for programme in programmes]), Obligation.done_on.is_(None))
        .options(contains_eager(Obligation.grant).selectinload(Grant.measures).joinedload(Measure.lead))
    )
    for obligation in db.session.scalars(query):
        grant = obligation.grant
        people = directory.behind(grant.measures).by_role()
        yield Deadline(
            kind=Kind.OBLIGATION,
            subject=f"obligation:{obligation.id}",
            version=obligation.due_version,
            due_on=obligation.due_on,
            title=obligation.title,
            context=grant.title,
            recipients=people,
            responsible=people[Role.PROJECT_LEAD],
            endpoint="grants.show",
            values={"grant_id": str(grant.id)},
            doers=(),
            page=Place("grants.show", {"grant_id": str(grant.id)}),
            programme_id=grant.programme_id,
            is_sample=obligation.is_sample,
        )


@dataclass(frozen=True)
class Named:
    """What a subject key is about, in words, and the measure on whose page it is seen."""

    title: Localized | Text
    context: Localized | Text
    measure_id: UUID | None
    is_sample: bool = False


def names_of(subjects: Collection[str]) -> dict[str, Named]:
    """The names behind subject keys, open or not; what has been deleted is left out. One query for each kind."""
    keys: dict[str, dict[UUID, list[str]]] = {"milestone": {}, "approval": {}, "progress": {}, "obligation": {}}
    for subject in subjects:
        kind, _, key = subject.partition(":")
        keys[kind].setdefault(UUID(key.partition("/")[0]), []).append(subject)
    return {
        subject: named
        for found, wanted in (
            (_milestone_names(keys["milestone"]), keys["milestone"]),
            (_approval_names(keys["approval"]), keys["approval"]),
            (_obligation_names(keys["obligation"]), keys["obligation"]),
        )
        for row_id, named in found.items()
        for subject in wanted[row_id]
    } | _update_names(keys["progress"])


def _milestone_names(ids: Collection[UUID]) -> dict[UUID, Named]:
    query = select(Milestone).where(Milestone.id.in_(ids)).options(joinedload(Milestone.measure))
    return {
        row.id: Named(row.title, row.measure.name, row.measure_id, row.is_sample) for row in db.session.scalars(query)
    }


def _approval_names(ids: Collection[UUID]) -> dict[UUID, Named]:
    milestone = joinedload(Approval.milestone).joinedload(Milestone.measure)
    rows = db.session.scalars(select(Approval).where(Approval.id.in_(ids)).options(milestone))
    milestones = {row.id: row.milestone for row in rows}
    return {
        key: Named(_approval_title(row), row.measure.name, row.measure_id, row.is_sample)
        for key, row in milestones.items()
    }


def _obligation_names(ids: Collection[UUID]) -> dict[UUID, Named]:
    query = select(Obligation).where(Obligation.id.in_(ids)).options(joinedload(Obligation.grant))
    return {row.id: Named(row.title, row.grant.title, None, row.is_sample) for row in db.session.scalars(query)}


def _update_names(subjects: Mapping[UUID, Sequence[str]]) -> dict[str, Named]:
    measures = db.session.scalars(select(Measure).where(Measure.id.in_(subjects)))
    return {
        subject: Named(_update_title(Period.parse(subject.rpartition("/")[2])), measure.name, measure.id)
        for measure in measures
        for subject in subjects[measure.id]
    }


def _approval_title(milestone: Milestone) -> Text:
    return text("Freigabe: %(milestone)s", milestone=milestone.title)


def _update_title(period: Period) -> Text:
    return text("Sachstand %(period)s", period=period.label())
