"""Reads of deadlines: of every kind, gathered with a number of queries that does not grow with what there is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from app.accounts.models import Account
from app.calendars.periods import Period
from app.calendars.working_days import add_working_days
from app.core.clock import day_of
from app.core.database import db, one_of
from app.core.localized import Localized, wordings
from app.core.text import Text, text
from app.deadlines.deadline import (
    Deadline,
    Kind,
    People,
    Place,
    reminds,
    stale_on,
    unique,
    update_due_on,
    urgency,
    version_of,
)
from app.grants.models import Grant, Obligation
from app.measures.models import Measure
from app.milestones.models import Approval, Milestone, MoveRequest
from app.milestones.queries import involved_ids, involved_in_move
from app.organisations.absence import Away, reached
from app.organisations.models import Unit
from app.organisations.permissions import Actor, Permission, Role, allows
from app.organisations.queries import away_on, heads_by_unit, list_members, nearest_heads, standing_deputies
from app.programmes.ladder import Audience
from app.programmes.models import Programme
from app.programmes.workflow import Category
from app.progress.models import ProgressUpdate, UpdateState
from app.progress.queries import last_reports, owed_periods, reported_periods


def open_deadlines(
    programmes: Sequence[Programme], today: date, until: date = date.max, directory: Directory | None = None
) -> list[Deadline]:
    """Every open deadline of these programmes on their local day `today`, most urgent first; of dated ones only those
    due `until` then.

    Of measures at rest only the obligations of their grant are there; a milestone whose approval has been asked
    for is there as its approval.
    """
    directory = directory or Directory.read(today)
    programme_ids = [programme.id for programme in programmes]
    measures = _measures(programme_ids)
    found = [
        *_milestones(measures, directory, until),
        *_approvals(measures, directory),
        *_moves(measures, directory),
        *_releases(measures, directory),
        *_progress_updates(measures, directory, today),
        *_obligations(programme_ids, directory),
    ]
    return sorted((deadline for deadline in found if (deadline.due_on or today) <= until), key=urgency)


def list_for_viewer(viewer: Actor, today: date, horizon_days: int) -> list[Deadline]:
    """What this person has to watch in the next `horizon_days` days: first what they have to do themselves.

    Overdue deadlines and those without a date are there too; inside each half the most urgent comes first.
    Deadlines are the city's own business: a funder gets none.
    """
    if not allows(viewer, Permission.VIEW_INTERNAL):
        return []
    programmes = db.session.scalars(select(Programme)).all()
    near = open_deadlines(programmes, today, today + timedelta(days=horizon_days))
    seen = (deadline.seen_by(viewer.account_id) for deadline in near)
    return sorted(seen, key=lambda deadline: (not _is_theirs(deadline, viewer), urgency(deadline)))


def _is_theirs(deadline: Deadline, viewer: Actor) -> bool:
    """Whether they have to act, or somebody has for whom they stand in today."""
    return deadline.is_of(viewer.account_id) or any(map(deadline.is_of, viewer.stands_in_for))


@dataclass
class Directory:
    """Everybody a deadline may concern on one day, read once. `units` only keeps the rows loaded, so that a unit
    finds those above it without a query each."""

    units: Sequence[Unit]
    heads: dict[UUID, list[Account]]
    coordinators: tuple[UUID, ...]
    administrators: tuple[UUID, ...]
    deputies: Mapping[UUID, UUID]
    away: Away

    @classmethod
    def read(cls, today: date) -> Directory:
        """The people of that day."""
        return cls(
            units=db.session.scalars(select(Unit)).all(),
            heads=heads_by_unit(),
            coordinators=tuple(account.id for account in list_members(Role.COORDINATOR)),
            administrators=tuple(account.id for account in list_members(Role.ADMINISTRATOR)),
            deputies=standing_deputies(),
            away=away_on(today),
        )

    def behind(self, measures: Collection[Measure]) -> People:
        """The people of one measure, or of all those that a grant pays for."""
        leads = unique(measure.lead.id for measure in measures if measure.lead and measure.lead.active)
        heads = unique(head.id for measure in measures for head in nearest_heads(measure.unit, self.heads))
        return self._people(leads, heads)

    def asked(self, unit: Unit | None, involved: Collection[UUID | None]) -> tuple[People, frozenset[UUID]]:
        """Whom a request for a decision concerns, and who of them and their stand-ins is free to decide it.

        It is up to the nearest heads not `involved`; of those away only the ones in whose place a word reaches
        somebody not involved. Without such a head it is up to the coordination, which can name another head or
        deputy. Whatever part a step calls, it calls whoever has to decide; only an escalation goes further up.
        """
        there = unique(head.id for head in nearest_heads(unit, self.heads, involved, self.away))
        nearest = unique(head.id for head in nearest_heads(unit, self.heads, involved))
        approvers = there or self.coordinators or self.administrators
        return self._people(approvers, approvers), self.with_stand_ins({*there, *nearest}) - {*involved}

    def with_stand_ins(self, people: Collection[UUID]) -> frozenset[UUID]:
        """These people and whoever may act in their place today."""
        return frozenset(someone for person in people for someone in (person, *reached(person, self.away)))

    def reporters(self, measure: Measure) -> frozenset[UUID]:
        """Who may report on a measure and ask for approvals: its lead, who stands in for them, the coordination."""
        lead = (measure.lead.id,) if measure.lead and measure.lead.active else ()
        return self.with_stand_ins(lead) | set(self.coordinators)

    def _people(self, leads: tuple[UUID, ...], heads: tuple[UUID, ...]) -> People:
        deputies = unique(self.deputies[lead] for lead in leads if lead in self.deputies)
        return People(leads, deputies, heads, self.coordinators, self.administrators)


MEASURES = (
    select(Measure)
    .where(Measure.programme_id.in_(bindparam("programme_ids", expanding=True)))
    .options(selectinload(Measure.workflow), joinedload(Measure.lead))
)
OPEN_MILESTONES = select(
    Milestone.id,
    Milestone.measure_id,
    Milestone.planned_on,
    Milestone.planned_precision,
    Milestone.due_version,
    Milestone.is_sample,
    *wordings(Milestone.title),
).where(
    Milestone.approved_at.is_(None),
    Milestone.dropped_at.is_(None),
    Milestone.id.not_in(select(Approval.milestone_id).where(Approval.decision.is_(None))),
)
"""Bare columns: there may be very many, and few of them have to be reminded of."""
OPEN_APPROVALS = (
    select(Approval)
    .join(Approval.milestone)
    .where(Approval.decision.is_(None))
    .options(contains_eager(Approval.milestone).selectinload(Milestone.approvals))
)
OPEN_MOVES = (
    select(MoveRequest)
    .join(MoveRequest.milestone)
    .where(MoveRequest.decision.is_(None))
    .options(contains_eager(MoveRequest.milestone))
)
SUBMITTED_UPDATES = select(ProgressUpdate).where(ProgressUpdate.state == UpdateState.SUBMITTED)
OPEN_OBLIGATIONS = (
    select(Obligation)
    .join(Obligation.grant)
    .where(Grant.programme_id.in_(bindparam("programme_ids", expanding=True)), Obligation.done_on.is_(None))
    .options(contains_eager(Obligation.grant).selectinload(Grant.measures).joinedload(Measure.lead))
)


def _measures(programme_ids: Sequence[UUID]) -> dict[UUID, Measure]:
    """The measures that remind of something, by key."""
    found = db.session.scalars(MEASURES, {"programme_ids": programme_ids})
    return {measure.id: measure for measure in found if reminds(measure.category)}


def _milestones(measures: dict[UUID, Measure], directory: Directory, until: date) -> Iterator[Deadline]:
    query = OPEN_MILESTONES.where(one_of(Milestone.measure_id, measures.keys()), Milestone.planned_on <= until)
    known: dict[UUID, tuple[Mapping[Audience, tuple[UUID, ...]], frozenset[UUID]]] = {}
    for milestone_id, measure_id, planned_on, precision, version, is_sample, *title in db.session.execute(query):
        measure = measures[measure_id]
        if measure_id not in known:
            known[measure_id] = (directory.behind([measure]).by_role(), directory.reporters(measure))
        people, reporters = known[measure_id]
        key = str(milestone_id)
        values = {"milestone_id": key}
        yield Deadline(
            kind=Kind.MILESTONE,
            subject=f"milestone:{key}",
            version=version,
            due_on=planned_on,
            precision=precision,
            title=Localized(*title),
            context=measure.name,
            recipients=people,
            responsible=people[Audience.PROJECT_LEAD],
            endpoint="milestones.request_approval",
            values=values,
            doers=reporters,
            page=Place("milestones.show", values),
            programme_id=measure.programme_id,
            measure_id=measure_id,
            is_sample=is_sample,
        )


def _approvals(measures: dict[UUID, Measure], directory: Directory) -> Iterator[Deadline]:
    for approval in db.session.scalars(OPEN_APPROVALS.where(one_of(Milestone.measure_id, measures.keys()))):
        milestone = approval.milestone
        values = {"milestone_id": str(milestone.id)}
        yield _request(
            f"approval:{approval.id}",
            _approval_title(milestone),
            measures[milestone.measure_id],
            directory,
            submitted_at=approval.submitted_at,
            involved=involved_ids(milestone),
            form=Place("milestones.decide", values),
            page=Place("milestones.show", values),
            is_sample=milestone.is_sample,
        )


def _moves(measures: dict[UUID, Measure], directory: Directory) -> Iterator[Deadline]:
    for request in db.session.scalars(OPEN_MOVES.where(one_of(Milestone.measure_id, measures.keys()))):
        milestone = request.milestone
        values = {"milestone_id": str(milestone.id)}
        yield _request(
            f"move:{request.id}",
            _move_title(milestone),
            measures[milestone.measure_id],
            directory,
            submitted_at=request.requested_at,
            involved=involved_in_move(request),
            form=Place("milestones.decide_move", values),
            page=Place("milestones.show", values),
            is_sample=milestone.is_sample,
        )


def _releases(measures: dict[UUID, Measure], directory: Directory) -> Iterator[Deadline]:
    for update in db.session.scalars(SUBMITTED_UPDATES.where(one_of(ProgressUpdate.measure_id, measures.keys()))):
        place = Place("progress.show", {"update_id": str(update.id)})
        yield _request(
            f"release:{update.id}",
            _release_title(update),
            measures[update.measure_id],
            directory,
            submitted_at=update.submitted_at or update.created_at,
            involved={update.author_id},
            form=place,
            page=place,
            is_sample=update.is_sample,
        )


def _request(
    subject: str,
    title: Text,
    measure: Measure,
    directory: Directory,
    *,
    submitted_at: datetime,
    involved: Collection[UUID | None],
    form: Place,
    page: Place,
    is_sample: bool,
) -> Deadline:
    """Something that waits for a head's decision: so many working days after it was handed in."""
    programme = measure.programme
    people, doers = directory.asked(measure.unit, involved)
    submitted_on = day_of(submitted_at, programme.zone)
    due_on = add_working_days(submitted_on, programme.approval_days, programme.state)
    return Deadline(
        kind=Kind.APPROVAL,
        subject=subject,
        version=version_of(due_on),
        due_on=due_on,
        title=title,
        context=measure.name,
        recipients=people.by_role(),
        responsible=people.heads,
        endpoint=form.endpoint,
        values=form.values,
        doers=doers,
        page=page,
        programme_id=programme.id,
        measure_id=measure.id,
        is_sample=is_sample,
    )


def _progress_updates(measures: dict[UUID, Measure], directory: Directory, today: date) -> Iterator[Deadline]:
    running = [measure for measure in measures.values() if measure.category is Category.RUNNING]
    ids = [measure.id for measure in running]
    handed_in, last_at = reported_periods(ids), last_reports(ids)
    for measure in running:
        programme = measure.programme
        people, doers = directory.behind([measure]).by_role(), directory.reporters(measure)
        owed: list[tuple[str, Text, str | None, date]] = [
            (f"progress:{measure.id}/{period.key}", _update_title(period), period.key, due_on)
            for period in owed_periods(measure, today, handed_in[measure.id])
            for due_on in (update_due_on(period, programme.update_due_days),)
        ]
        since = _silent_since(measure, last_at.get(measure.id))
        if programme.stale_days and (due_on := stale_on(since, programme.stale_days)) <= today:
            owed.append((f"stale:{measure.id}", _stale_title(since), None, due_on))
        for subject, title, period_key, due_on in owed:
            yield Deadline(
                kind=Kind.PROGRESS_UPDATE,
                subject=subject,
                version=version_of(due_on),
                due_on=due_on,
                title=title,
                context=measure.name,
                recipients=people,
                responsible=people[Audience.PROJECT_LEAD],
                endpoint="progress.report",
                values={"measure_id": str(measure.id)} | ({"period": period_key} if period_key else {}),
                doers=doers,
                page=Place("portfolio.show", {"measure_id": str(measure.id)}),
                programme_id=programme.id,
                measure_id=measure.id,
                is_sample=measure.is_sample,
            )


def _silent_since(measure: Measure, last_at: datetime | None) -> date:
    """The local day of the last report; before the first one, when Wegmarke learned of the measure or it began.
    Before a measure starts nobody is silent about it, as no report is owed (`owed_periods`)."""
    zone = measure.programme.zone
    begun_on = day_of(measure.status_since, zone) if measure.status_since else measure.entered_on
    heard_on = day_of(last_at, zone) if last_at else max(begun_on, measure.entered_on)
    return max(heard_on, measure.starts.first_day()) if measure.starts else heard_on


def _obligations(programme_ids: Sequence[UUID], directory: Directory) -> Iterator[Deadline]:
    for obligation in db.session.scalars(OPEN_OBLIGATIONS, {"programme_ids": programme_ids}):
        grant = obligation.grant
        people = directory.behind(grant.measures).by_role()
        values = {"grant_id": str(grant.id), "_anchor": f"auflage-{obligation.id}"}
        yield Deadline(
            kind=Kind.OBLIGATION,
            subject=f"obligation:{obligation.id}",
            version=obligation.due_version,
            due_on=obligation.due_on,
            title=obligation.title,
            context=grant.title,
            recipients=people,
            responsible=people[Audience.PROJECT_LEAD],
            endpoint="grants.show",
            values=values,
            doers=(),
            page=Place("grants.show", values),
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
    keys: dict[str, dict[UUID, list[str]]] = {}
    for subject in subjects:
        kind, _, key = subject.partition(":")
        keys.setdefault(kind, {}).setdefault(UUID(key.partition("/")[0]), []).append(subject)
    return {
        subject: named
        for kind, names in NAMES.items()
        if kind in keys
        for row_id, named in names(keys[kind]).items()
        for subject in keys[kind][row_id]
    } | _update_names(keys.get("progress", {}))


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


def _move_names(ids: Collection[UUID]) -> dict[UUID, Named]:
    milestone = joinedload(MoveRequest.milestone).joinedload(Milestone.measure)
    rows = db.session.scalars(select(MoveRequest).where(MoveRequest.id.in_(ids)).options(milestone))
    milestones = {row.id: row.milestone for row in rows}
    return {
        key: Named(_move_title(row), row.measure.name, row.measure_id, row.is_sample)
        for key, row in milestones.items()
    }


def _release_names(ids: Collection[UUID]) -> dict[UUID, Named]:
    query = select(ProgressUpdate).where(ProgressUpdate.id.in_(ids)).options(joinedload(ProgressUpdate.measure))
    return {
        row.id: Named(_release_title(row), row.measure.name, row.measure_id, row.is_sample)
        for row in db.session.scalars(query)
    }


def _stale_names(ids: Collection[UUID]) -> dict[UUID, Named]:
    measures = db.session.scalars(select(Measure).where(Measure.id.in_(ids)))
    return {row.id: Named(text("Lange kein Sachstand gemeldet"), row.name, row.id, row.is_sample) for row in measures}


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


NAMES: Mapping[str, Callable[[Collection[UUID]], dict[UUID, Named]]] = {
    "milestone": _milestone_names,
    "approval": _approval_names,
    "move": _move_names,
    "release": _release_names,
    "stale": _stale_names,
    "obligation": _obligation_names,
}
"""The kind of a subject key whose second part is the key of a row → how to read the names."""


def _approval_title(milestone: Milestone) -> Text:
    return text("Freigabe: %(milestone)s", milestone=milestone.title)


def _update_title(period: Period) -> Text:
    return text("Sachstand %(period)s", period=period.label())


def _move_title(milestone: Milestone) -> Text:
    return text("Verschiebung freigeben: %(milestone)s", milestone=milestone.title)


def _release_title(update: ProgressUpdate) -> Text:
    return text("Sachstand %(period)s freigeben", period=update.reporting_period.label())


def _stale_title(since: date) -> Text:
    return text("Seit dem %(day)s kein Sachstand gemeldet", day=since)
