"""Reads of deadlines: of every kind, gathered with a number of queries that does not grow with what there is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select
from sqlalchemy.orm import joinedload

from app.calendars.partial_dates import PartialDate
from app.calendars.periods import Period, Rhythm
from app.calendars.working_days import add_working_days
from app.core.clock import day_of
from app.core.database import db, one_of
from app.core.localized import Localized, wordings
from app.core.prepared import ask
from app.core.text import Text, text
from app.deadlines.deadline import (
    Deadline,
    Kind,
    Place,
    reminds,
    stale_on,
    update_due_on,
    urgency,
    version_of,
)
from app.deadlines.directory import Directory
from app.grants.models import Grant, Obligation, grant_measure
from app.measures.models import Measure, name_of
from app.milestones.approval import involved_in
from app.milestones.models import Approval, Milestone, MoveRequest
from app.organisations.permissions import Actor, Permission, allows
from app.programmes.ladder import Audience
from app.programmes.models import Programme
from app.programmes.queries import rules_of
from app.programmes.workflow import Category
from app.progress.models import ProgressUpdate, UpdateState
from app.progress.queries import last_reports, reported_periods
from app.progress.reporting import owed_periods


def open_deadlines(
    programmes: Sequence[Programme], today: date, until: date = date.max, directory: Directory | None = None
) -> list[Deadline]:
    """Every open deadline of these programmes on their local day `today`, most urgent first; of dated ones only those
    due `until` then.

    Of measures at rest only the obligations of their grant are there; a milestone whose approval has been asked
    for is there as its approval.
    """
    directory = directory or Directory.read(today)
    asked = {programme.id: programme for programme in programmes}
    measures, running = _measures([*asked])
    found = [
        *_milestones(measures, directory, until),
        *_requests(asked, measures, directory),
        *_progress_updates(asked, running, directory, today),
        *_obligations([*asked], directory),
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


class Row(NamedTuple):
    """What a deadline says of its measure."""

    id: UUID
    programme_id: UUID
    workflow_id: UUID
    title: Localized | None
    number: int | None
    unit_id: UUID | None
    lead_id: UUID | None
    starts: PartialDate | None
    status: str | None
    status_since: datetime | None
    entered_on: date
    is_sample: bool

    @property
    def name(self) -> Localized | Text:
        """What it is called."""
        return name_of(self.title, self.number)


MEASURES = select(*(getattr(Measure, name) for name in Row._fields)).where(
    one_of(Measure.programme_id, "programme_ids")
)
"""Bare columns, here and below: there may be very many rows, and few of them have to be reminded of."""
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
    Milestone.planned_on <= bindparam("until"),
    one_of(Milestone.measure_id, "measure_ids"),
)
_OF_MILESTONE = (Milestone.id, Milestone.measure_id, Milestone.title, Milestone.is_sample, Milestone.edited_by_id)
OPEN_APPROVALS = (
    select(Approval.id, Approval.submitted_at, Approval.submitted_by_id, *_OF_MILESTONE)
    .join(Approval.milestone)
    .where(Approval.decision.is_(None), one_of(Milestone.measure_id, "measure_ids"))
)
OPEN_MOVES = (
    select(MoveRequest.id, MoveRequest.requested_at, MoveRequest.requested_by_id, *_OF_MILESTONE)
    .join(MoveRequest.milestone)
    .where(MoveRequest.decision.is_(None), one_of(Milestone.measure_id, "measure_ids"))
)
SUBMITTED_UPDATES = select(
    ProgressUpdate.id,
    ProgressUpdate.measure_id,
    ProgressUpdate.period,
    ProgressUpdate.author_id,
    ProgressUpdate.submitted_at,
    ProgressUpdate.created_at,
    ProgressUpdate.is_sample,
).where(ProgressUpdate.state == UpdateState.SUBMITTED, one_of(ProgressUpdate.measure_id, "measure_ids"))
OPEN_OBLIGATIONS = (
    select(
        Obligation.id,
        Obligation.due_on,
        Obligation.due_version,
        Obligation.title,
        Obligation.is_sample,
        Grant.id,
        Grant.title,
        Grant.programme_id,
    )
    .join(Obligation.grant)
    .where(one_of(Grant.programme_id, "programme_ids"), Obligation.done_on.is_(None))
)
PAID_FOR = (
    select(grant_measure.c.grant_id, Measure.lead_id, Measure.unit_id)
    .join(Measure, Measure.id == grant_measure.c.measure_id)
    .where(one_of(grant_measure.c.grant_id, "grant_ids"))
)


def _measures(programme_ids: Sequence[UUID]) -> tuple[dict[UUID, Row], dict[UUID, Row]]:
    """The measures that remind of something, and of those the running ones, by key."""
    found = [Row._make(row) for row in ask(MEASURES, {"programme_ids": programme_ids})]
    rules = rules_of({row.workflow_id for row in found})
    categories = {row.id: rules[row.workflow_id].category_of(row.status) for row in found}
    reminding = {row.id: row for row in found if reminds(categories[row.id])}
    return reminding, {key: row for key, row in reminding.items() if categories[key] is Category.RUNNING}


def _milestones(measures: Mapping[UUID, Row], directory: Directory, until: date) -> Iterator[Deadline]:
    found = ask(OPEN_MILESTONES, {"measure_ids": measures, "until": until})
    known: dict[UUID, tuple[Mapping[Audience, tuple[UUID, ...]], frozenset[UUID]]] = {}
    for milestone_id, measure_id, planned_on, precision, version, is_sample, *title in found:
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


class Waiting(NamedTuple):
    """Something that waits for a head's decision, and who is `involved` and must not take it."""

    subject: str
    title: Text
    measure_id: UUID
    since: datetime
    involved: Collection[UUID | None]
    form: Place
    page: Place
    is_sample: bool


def _requests(
    programmes: Mapping[UUID, Programme], measures: Mapping[UUID, Row], directory: Directory
) -> Iterator[Deadline]:
    """What waits for a decision: it is due so many working days after it was handed in."""
    for waiting in (*_approvals(measures), *_moves(measures), *_releases(measures)):
        measure = measures[waiting.measure_id]
        programme = programmes[measure.programme_id]
        people, doers = directory.asked(measure.unit_id, waiting.involved)
        since_on = day_of(waiting.since, programme.zone)
        due_on = add_working_days(since_on, programme.approval_days, programme.state)
        yield Deadline(
            kind=Kind.APPROVAL,
            subject=waiting.subject,
            version=version_of(due_on),
            due_on=due_on,
            title=waiting.title,
            context=measure.name,
            recipients=people.by_role(),
            responsible=people.heads,
            endpoint=waiting.form.endpoint,
            values=waiting.form.values,
            doers=doers,
            page=waiting.page,
            programme_id=programme.id,
            measure_id=measure.id,
            is_sample=waiting.is_sample,
        )


def _approvals(measures: Collection[UUID]) -> Iterator[Waiting]:
    rows = ask(OPEN_APPROVALS, {"measure_ids": measures})
    for key, submitted_at, submitted_by_id, milestone_id, measure_id, title, is_sample, edited_by_id in rows:
        yield Waiting(
            f"approval:{key}",
            _approval_title(title),
            measure_id,
            submitted_at,
            involved_in(submitted_by_id, edited_by_id),
            Place("milestones.decide", {"milestone_id": str(milestone_id)}),
            Place("milestones.show", {"milestone_id": str(milestone_id)}),
            is_sample,
        )


def _moves(measures: Collection[UUID]) -> Iterator[Waiting]:
    rows = ask(OPEN_MOVES, {"measure_ids": measures})
    for key, requested_at, requested_by_id, milestone_id, measure_id, title, is_sample, edited_by_id in rows:
        yield Waiting(
            f"move:{key}",
            _move_title(title),
            measure_id,
            requested_at,
            involved_in(requested_by_id, edited_by_id),
            Place("milestones.decide_move", {"milestone_id": str(milestone_id)}),
            Place("milestones.show", {"milestone_id": str(milestone_id)}),
            is_sample,
        )


def _releases(measures: Collection[UUID]) -> Iterator[Waiting]:
    rows = ask(SUBMITTED_UPDATES, {"measure_ids": measures})
    for key, measure_id, period, author_id, submitted_at, created_at, is_sample in rows:
        place = Place("progress.show", {"update_id": str(key)})
        title = _release_title(Period.parse(period))
        since = submitted_at or created_at
        yield Waiting(f"release:{key}", title, measure_id, since, {author_id}, place, place, is_sample)


def _progress_updates(
    programmes: Mapping[UUID, Programme], running: Mapping[UUID, Row], directory: Directory, today: date
) -> Iterator[Deadline]:
    handed_in, last_at = reported_periods(running), last_reports(running)
    for measure in running.values():
        programme = programmes[measure.programme_id]
        people, doers = directory.behind([measure]).by_role(), directory.reporters(measure)
        begins_on = measure.starts.first_day() if measure.starts else None
        periods = owed_periods(
            today, Rhythm(programme.update_rhythm), begins_on, measure.entered_on, handed_in[measure.id]
        )
        owed: list[tuple[str, Text, str | None, date]] = [
            (f"progress:{measure.id}/{period.key}", _update_title(period), period.key, due_on)
            for period in periods
            for due_on in (update_due_on(period, programme.update_due_days),)
        ]
        since = _silent_since(measure, last_at.get(measure.id), programme.zone)
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


def _silent_since(measure: Row, last_at: datetime | None, zone: ZoneInfo) -> date:
    """The local day of the last report; before the first one, when Wegmarke learned of the measure or it began.
    Before a measure starts nobody is silent about it, as no report is owed (`owed_periods`)."""
    begun_on = day_of(measure.status_since, zone) if measure.status_since else measure.entered_on
    heard_on = day_of(last_at, zone) if last_at else max(begun_on, measure.entered_on)
    return max(heard_on, measure.starts.first_day()) if measure.starts else heard_on


class Supported(NamedTuple):
    """A measure that a grant pays for."""

    lead_id: UUID | None
    unit_id: UUID | None


def _obligations(programme_ids: Sequence[UUID], directory: Directory) -> Iterator[Deadline]:
    obligations = ask(OPEN_OBLIGATIONS, {"programme_ids": programme_ids})
    paid_for: dict[UUID, list[Supported]] = {grant_id: [] for *_, grant_id, _, _ in obligations}
    for grant_id, *people in ask(PAID_FOR, {"grant_ids": paid_for}):
        paid_for[grant_id].append(Supported(*people))
    for key, due_on, version, title, is_sample, grant_id, context, programme_id in obligations:
        recipients = directory.behind(paid_for[grant_id]).by_role()
        values = {"grant_id": str(grant_id), "_anchor": f"auflage-{key}"}
        yield Deadline(
            kind=Kind.OBLIGATION,
            subject=f"obligation:{key}",
            version=version,
            due_on=due_on,
            title=title,
            context=context,
            recipients=recipients,
            responsible=recipients[Audience.PROJECT_LEAD],
            endpoint="grants.show",
            values=values,
            doers=(),
            page=Place("grants.show", values),
            programme_id=programme_id,
            is_sample=is_sample,
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
        key: Named(_approval_title(row.title), row.measure.name, row.measure_id, row.is_sample)
        for key, row in milestones.items()
    }


def _move_names(ids: Collection[UUID]) -> dict[UUID, Named]:
    milestone = joinedload(MoveRequest.milestone).joinedload(Milestone.measure)
    rows = db.session.scalars(select(MoveRequest).where(MoveRequest.id.in_(ids)).options(milestone))
    milestones = {row.id: row.milestone for row in rows}
    return {
        key: Named(_move_title(row.title), row.measure.name, row.measure_id, row.is_sample)
        for key, row in milestones.items()
    }


def _release_names(ids: Collection[UUID]) -> dict[UUID, Named]:
    query = select(ProgressUpdate).where(ProgressUpdate.id.in_(ids)).options(joinedload(ProgressUpdate.measure))
    return {
        row.id: Named(_release_title(row.reporting_period), row.measure.name, row.measure_id, row.is_sample)
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


def _approval_title(milestone: Localized) -> Text:
    return text("Freigabe: %(milestone)s", milestone=milestone)


def _update_title(period: Period) -> Text:
    return text("Sachstand %(period)s", period=period.label())


def _move_title(milestone: Localized) -> Text:
    return text("Verschiebung freigeben: %(milestone)s", milestone=milestone)


def _release_title(period: Period) -> Text:
    return text("Sachstand %(period)s freigeben", period=period.label())


def _stale_title(since: date) -> Text:
    return text("Seit dem %(day)s kein Sachstand gemeldet", day=since)
