"""Gathers what the go-live check looks at, with a number of queries that does not grow with what there is.

These reads have no viewer: views check `VIEW_INTERNAL`, and whoever has the command line has the database.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import contains_eager, joinedload

from app.accounts.models import Account
from app.calendars.periods import Period
from app.core import clock
from app.core.database import db
from app.core.errors import NotFound
from app.core.text import text
from app.deadlines.deadline import reminds
from app.deadlines.directory import Directory
from app.digests.models import DigestRecipient
from app.grants.models import Grant, Obligation
from app.measures.models import Measure
from app.milestones.models import Approval, Milestone
from app.milestones.queries import involved_ids
from app.organisations.models import Unit
from app.organisations.permissions import Permission, Role
from app.organisations.queries import heads_by_unit, list_members, list_units
from app.programmes.models import Programme, ProgrammeFunder, Workflow
from app.progress.models import ProgressUpdate, UpdateState
from app.readiness.facts import (
    PEOPLE,
    Facts,
    FunderFacts,
    Link,
    MeasureFacts,
    Owed,
    Person,
    Recipient,
    StepFacts,
    UnitFacts,
    Waiting,
    WorkflowFacts,
)
from app.reminders import policy
from app.reminders.queries import ladder_of


def get_programme(key: str) -> Programme:
    """One programme, for the command line.

    Raises:
        NotFound: with the key that was probably meant.
    """
    programmes = {programme.key: programme for programme in db.session.scalars(select(Programme))}
    if key in programmes:
        return programmes[key]
    close = get_close_matches(key, programmes, 1)
    if close:
        raise NotFound(
            text("Das Programm „%(key)s“ gibt es nicht; meinten Sie „%(close)s“?", key=key, close=close[0])
        )
    raise NotFound(text("Das Programm „%(key)s“ gibt es nicht.", key=key))


Heads = Mapping[UUID, Sequence[Account]]


def gather(programme: Programme) -> Facts:
    """Everything the check looks at."""
    directory, heads = Directory.read(clock.today()), heads_by_unit()
    _units = list_units()  # kept, so that a unit finds those above it without a query each
    rows = _measures(programme)
    milestones = _milestone_counts(rows)
    measures = tuple(_measure(row, directory, heads, milestones.get(row.id, 0)) for row in rows)
    under_way = {row.id: row for row, measure in zip(rows, measures, strict=True) if not measure.is_ended}
    newest = _newest_workflow(programme)
    return Facts(
        key=programme.key,
        measures=measures,
        coordinators=tuple(_person(account, directory) for account in list_members(Role.COORDINATOR)),
        waiting=(*_requests(under_way, directory), *_updates(under_way, directory)),
        steps=tuple(StepFacts(policy.words(step), step.recipients, len(step.named)) for step in ladder_of(programme)),
        owed=tuple(_owed(programme)),
        funders=tuple(_funders(programme)),
        workflow=_version(newest) if newest else None,
        older=tuple(_version(row) for row in {row.workflow: None for row in rows} if row is not newest),
        is_sample=programme.is_sample,
    )


def _person(account: Account, directory: Directory) -> Person:
    has_deputy = account.id in directory.deputies
    return Person(account.id, account.name, account.email, account.active, has_deputy, account.is_sample)


def _version(workflow: Workflow) -> WorkflowFacts:
    return WorkflowFacts(workflow.version, workflow.definition)


def _newest_workflow(programme: Programme) -> Workflow | None:
    newest_first = select(Workflow).where(Workflow.programme_id == programme.id).order_by(Workflow.version.desc())
    return db.session.scalars(newest_first.limit(1)).first()


def _measures(programme: Programme) -> Sequence[Measure]:
    query = (
        select(Measure)
        .where(Measure.programme_id == programme.id)
        .options(joinedload(Measure.workflow), joinedload(Measure.lead))
        .order_by(Measure.number, Measure.sort_key)
    )
    return db.session.scalars(query).all()


def _milestone_counts(measures: Sequence[Measure]) -> dict[UUID, int]:
    query = (
        select(Milestone.measure_id, func.count())
        .where(Milestone.measure_id.in_([measure.id for measure in measures]))
        .group_by(Milestone.measure_id)
    )
    return dict(iter(db.session.execute(query)))


def _measure(measure: Measure, directory: Directory, heads: Heads, milestones: int) -> MeasureFacts:
    status = measure.current_status
    return MeasureFacts(
        id=measure.id,
        name=measure.name,
        scope=measure.scope,
        category=measure.category,
        is_ended=status is not None and status.final,
        lead=_person(measure.lead, directory) if measure.lead else None,
        unit=_unit(measure.unit, directory, heads) if measure.unit else None,
        milestones=milestones,
        version=measure.workflow.version,
        recipients=directory.behind([measure]).by_role() if reminds(measure.category) else None,
        is_sample=measure.is_sample,
    )


def _unit(unit: Unit, directory: Directory, heads: Heads) -> UnitFacts:
    line = [_person(head, directory) for level in unit.with_parents() for head in heads.get(level.id, ())]
    return UnitFacts(unit.id, unit.name, tuple(dict.fromkeys(line)), unit.is_sample)


def _requests(measures: Mapping[UUID, Measure], directory: Directory) -> Iterator[Waiting]:
    """The open requests for approval."""
    query = (
        select(Approval)
        .join(Approval.milestone)
        .where(Approval.decision.is_(None), Milestone.measure_id.in_(measures))
        .options(contains_eager(Approval.milestone).selectinload(Milestone.approvals))
        .order_by(Approval.submitted_at)
    )
    for approval in db.session.scalars(query):
        milestone, measure = approval.milestone, measures[approval.milestone.measure_id]
        yield Waiting(
            text(
                "Freigabe von „%(milestone)s“ (%(measure)s): niemand außer den Beteiligten kann entscheiden",
                milestone=milestone.title,
                measure=measure.name,
            ),
            bool(directory.asked(measure.unit_id, involved_ids(milestone))[1]),
            Link("milestones.show", {"milestone_id": str(milestone.id)}, Permission.REQUEST_APPROVAL, measure.scope),
            milestone.is_sample,
        )


def _updates(measures: Mapping[UUID, Measure], directory: Directory) -> Iterator[Waiting]:
    """The progress updates that were handed in."""
    query = (
        select(ProgressUpdate)
        .where(ProgressUpdate.state == UpdateState.SUBMITTED, ProgressUpdate.measure_id.in_(measures))
        .order_by(ProgressUpdate.submitted_at)
    )
    for update in db.session.scalars(query):
        measure = measures[update.measure_id]
        yield Waiting(
            text(
                "Sachstand %(period)s (%(measure)s): niemand außer der meldenden Person kann ihn freigeben",
                period=Period.parse(update.period).label(),
                measure=measure.name,
            ),
            bool(directory.nearest_heads(measure.unit_id, {update.author_id})),
            PEOPLE,
            update.is_sample,
        )


def _owed(programme: Programme) -> Iterator[Owed]:
    query = (
        select(Obligation)
        .join(Obligation.grant)
        .where(Grant.programme_id == programme.id, Obligation.done_on.is_(None))
        .options(contains_eager(Obligation.grant))
        .order_by(Grant.key, Obligation.key)
    )
    for row in db.session.scalars(query):
        yield Owed(row.id, row.title, row.grant.title, row.kind, row.due_on, row.is_sample)


def _funders(programme: Programme) -> Iterator[FunderFacts]:
    recipients: dict[UUID, list[Recipient]] = {}
    addresses = select(DigestRecipient).where(DigestRecipient.programme_id == programme.id)
    for row in db.session.scalars(addresses.order_by(DigestRecipient.email)):
        recipients.setdefault(row.organisation_id, []).append(Recipient(row.email, row.is_sample))
    query = (
        select(ProgrammeFunder)
        .where(ProgrammeFunder.programme_id == programme.id)
        .options(joinedload(ProgrammeFunder.organisation))
        .order_by(ProgrammeFunder.position)
    )
    for funder in db.session.scalars(query):
        yield FunderFacts(
            funder.organisation.name,
            funder.digest_rhythm is not None,
            tuple(recipients.get(funder.organisation_id, ())),
            funder.is_sample,
        )
