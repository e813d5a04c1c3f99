"""Reads of measures. Every function returns only what the viewer may see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import joinedload, selectinload

from app.core.clock import day_of
from app.core.database import db
from app.core.errors import NotFound
from app.core.text import text
from app.documents.models import Document
from app.measures import migration
from app.measures.details import DETAILS, RESPONSIBILITY, Detail
from app.measures.migration import Mapped, Plan, Standing
from app.measures.models import Measure, MeasureEvent, StatusChange, predecessor
from app.organisations.permissions import Actor, Permission, Role, allows, roles_in
from app.organisations.queries import heads_by_unit, list_members, nearest_heads
from app.programmes import workflow as rules
from app.programmes.access import MEASURE_FIELDS, Access
from app.programmes.guards import Facts
from app.programmes.models import Programme, ProgrammeFunder, Workflow
from app.programmes.workflow import FINISHED_CATEGORIES, Field, Offer, Person, Transition


def get_measure(viewer: Actor, measure_id: UUID) -> Measure:
    """One measure.

    Raises:
        NotFound: also where the viewer may not see it.
    """
    measure = db.session.get(Measure, measure_id)
    if measure is None or not allows(viewer, Permission.VIEW, measure.scope):
        raise NotFound(text("Diese Maßnahme gibt es nicht, oder sie ist für Sie nicht sichtbar."))
    return measure


def list_measures(viewer: Actor, programme_key: str | None = None) -> Sequence[Measure]:
    """The measures the viewer may see, by programme and number."""
    query = (
        select(Measure)
        .join(Measure.programme)
        .where(visible_to(viewer))
        .options(
            joinedload(Measure.programme).selectinload(Programme.funders),
            joinedload(Measure.workflow),
            joinedload(Measure.unit),
            joinedload(Measure.lead),
            selectinload(Measure.milestones),
        )
        .order_by(Programme.key, Measure.number, Measure.sort_key)
    )
    if programme_key:
        query = query.where(Programme.key == programme_key)
    return db.session.scalars(query).all()


def visible_to(viewer: Actor) -> ColumnElement[bool]:
    """The condition on `Measure` that holds for what a viewer may see: the twin of `Permission.VIEW`."""
    if allows(viewer, Permission.VIEW_INTERNAL):
        return Measure.id.is_not(None)
    organisations = viewer.organisation_ids if viewer.has(Role.FUNDER) else frozenset()
    funded = select(ProgrammeFunder.programme_id).where(ProgrammeFunder.organisation_id.in_(organisations))
    return Measure.programme_id.in_(funded)


def list_events(measure: Measure, today: date) -> list[MeasureEvent]:
    """What has been published and has happened by `today`; later events stay hidden from a sandbox."""
    return [event for event in measure.events if event.sort_on <= today]


def transition_facts(measure: Measure, today: date) -> Facts:
    """What the guards of the measure's workflow look at on the programme's local day `today`."""
    return Facts(
        milestones=len(measure.milestones),
        unapproved_milestones=sum(not milestone.is_settled for milestone in measure.milestones),
        has_unit=measure.unit_id is not None,
        has_grant_notice=any(grant.notice_on for grant in measure.grants),
        assigned_roles=frozenset(_assigned_roles(measure)),
        update_age=_update_age(measure, today),
        unfinished_predecessors=tuple(
            one.name for one in measure.predecessors if one.category not in FINISHED_CATEGORIES
        ),
        filled=filled_fields(measure),
        involved_ids=involved_ids(measure),
        allows_override=measure.programme.emergency_override,
    )


def _assigned_roles(measure: Measure) -> Iterator[Role]:
    if measure.lead and measure.lead.active:
        yield Role.PROJECT_LEAD
    if nearest_heads(measure.unit, heads_by_unit()):
        yield Role.DEPARTMENT_HEAD
    if list_members(Role.COORDINATOR):
        yield Role.COORDINATOR


def _update_age(measure: Measure, today: date) -> int | None:
    """Days since the last progress update that was handed in and not given back."""
    handed_in = [
        update.submitted_at
        for update in measure.updates
        if update.submitted_at is not None and update.state in ("submitted", "released")
    ]
    return (today - day_of(max(handed_in), measure.programme.zone)).days if handed_in else None


def filled_fields(measure: Measure) -> frozenset[str]:
    """The keys of the fields that have a value, the measure's own and those of its workflow."""
    own = {name for name in MEASURE_FIELDS if getattr(measure, name) not in (None, "", [])}
    return frozenset(own | {key for key, value in measure.record.items() if value not in (None, "")})


def involved_ids(measure: Measure) -> frozenset[UUID]:
    """Whom four eyes stop: who brought the measure into its status, and who changed its details last.

    A move to another version of the workflow is no step: whoever took the last one is still involved, and who moved
    the measure only where that changed its status.
    """
    involved = {measure.edited_by_id}
    for change in _steps_here(measure):
        if change.from_workflow_id is None or change.from_status != change.to_status:
            involved.add(change.changed_by_id)
    return frozenset(one for one in involved if one is not None)


def _steps_here(measure: Measure) -> Iterator[StatusChange]:
    """The step that made the present status, after the moves since then: found by where each led to.

    Times alone do not tell: on a day that stands still in a trial a later step can have the earlier time.
    """
    left, status = list(measure.status_changes), measure.status
    while left:
        change = max(
            reversed(left),
            key=lambda one: (one.to_status == status, one.changed_at == measure.status_since, one.changed_at),
        )
        yield change
        if change.from_workflow_id is None:
            return
        left.remove(change)
        status = change.from_status


def person_in(actor: Actor, measure: Measure) -> Person:
    """The actor with the roles they have for this very measure."""
    return Person(actor.account_id, roles_in(actor, measure.scope))


def access_of(viewer: Actor, measure: Measure, field: str) -> Access:
    """How far the viewer gets with a field of the measure in its present status.

    Who has no role for this very measure is judged by the roles they have anywhere; without a known status no rule
    holds.
    """
    status = measure.current_status
    return status.access(field, roles_in(viewer, measure.scope) or viewer.roles) if status else Access.OPTIONAL


def offers_for(actor: Actor, measure: Measure, now: datetime) -> tuple[Offer, ...]:
    """Every way out of the measure's status for this person: open, or with all that is missing."""
    facts = transition_facts(measure, day_of(now, measure.programme.zone))
    return rules.available(measure.workflow.rules, measure.status, person_in(actor, measure), facts)


def offer_of(actor: Actor, measure: Measure, transition: Transition, now: datetime) -> Offer:
    """One step as it is shown to this person, before they give anything."""
    facts = transition_facts(measure, day_of(now, measure.programme.zone))
    return rules.offer(measure.workflow.rules, transition, person_in(actor, measure), facts)


# -- details


def details_of(viewer: Actor, measure: Measure) -> tuple[Detail, ...]:
    """The details this person may see on the page on which they are edited: every measure's, then the workflow's."""
    fields, labels = measure.workflow.rules.fields, measure.workflow.rules.labels
    keys = (*DETAILS, *fields)
    found = (Detail(key, labels[key], access_of(viewer, measure, key), fields.get(key)) for key in keys)
    return tuple(detail for detail in found if detail.access.is_visible)


def hidden_fields(viewer: Actor, measure: Measure) -> frozenset[str]:
    """The keys of all that the page of the measure must not show this person."""
    keys = (*DETAILS, *RESPONSIBILITY, *measure.workflow.rules.fields, *measure.record)
    return frozenset(key for key in keys if not access_of(viewer, measure, key).is_visible)


def known_fields(programme: Programme) -> dict[str, Field]:
    """Every field that a version of the programme's workflow ever had, as the newest that has it words it."""
    return {key: field for workflow in programme.workflows for key, field in workflow.rules.fields.items()}


def list_predecessors(viewer: Actor, measure: Measure) -> Sequence[Measure]:
    """The measures that must be done first, as far as the viewer may see them."""
    return [one for one in measure.predecessors if allows(viewer, Permission.VIEW, one.scope)]


def list_waiting(viewer: Actor, measure: Measure) -> Sequence[Measure]:
    """The measures that wait for this one, as far as the viewer may see them."""
    waiting = select(predecessor.c.measure_id).where(predecessor.c.predecessor_id == measure.id)
    query = select(Measure).where(Measure.id.in_(waiting), visible_to(viewer)).order_by(Measure.sort_key)
    return db.session.scalars(query).all()


def list_others(viewer: Actor, measure: Measure) -> Sequence[Measure]:
    """The other measures the viewer may see: those that could be predecessors, its own programme's first."""
    query = (
        select(Measure)
        .where(Measure.id != measure.id, visible_to(viewer))
        .options(joinedload(Measure.programme))
        .order_by(Measure.programme_id != measure.programme_id, Measure.sort_key, Measure.id)
    )
    return db.session.scalars(query).all()


def predecessors_by_measure() -> dict[UUID, set[UUID]]:
    """The predecessors of every measure that has any."""
    before: dict[UUID, set[UUID]] = {}
    for measure_id, predecessor_id in db.session.execute(select(predecessor)):
        before.setdefault(measure_id, set()).add(predecessor_id)
    return before


def list_status_changes(viewer: Actor, measure: Measure) -> Sequence[StatusChange]:
    """The steps a measure has taken with their evidence, newest first, for people of the city only."""
    if not allows(viewer, Permission.VIEW_INTERNAL, measure.scope):
        return ()
    query = (
        select(StatusChange)
        .where(StatusChange.measure_id == measure.id)
        .options(
            joinedload(StatusChange.workflow),
            joinedload(StatusChange.from_workflow),
            joinedload(StatusChange.changed_by),
            selectinload(StatusChange.evidence),
        )
        .order_by(StatusChange.changed_at.desc())
    )
    return db.session.scalars(query).all()


def get_evidence(viewer: Actor, measure_id: UUID, document_id: UUID) -> Document:
    """A file that was handed in with a step of the measure.

    Raises:
        NotFound: also where it belongs to another measure, or the viewer may not see it.
    """
    for change in list_status_changes(viewer, get_measure(viewer, measure_id)):
        for document in change.evidence:
            if document.id == document_id:
                return document
    raise NotFound(text("Diesen Nachweis gibt es nicht, oder er ist für Sie nicht sichtbar."))


def find_by_keys(viewer: Actor, programme_key: str, key: str) -> Measure | None:
    """The measure with these keys of the city's file, None also where the viewer may not see it."""
    query = select(Measure).join(Measure.programme).where(Programme.key == programme_key, Measure.key == key)
    return db.session.scalar(query.where(visible_to(viewer)))


def list_keys(viewer: Actor) -> Sequence[str]:
    """The measures the viewer may see as `programme/measure`, by the keys of the city's file."""
    query = select(Programme.key, Measure.key).join(Measure.programme).where(visible_to(viewer))
    return [f"{programme}/{measure}" for programme, measure in db.session.execute(query)]


# -- moving to another version of the workflow


def measure_counts(programme: Programme) -> dict[int, int]:
    """How many measures follow each published version, by its number; a version nobody follows counts 0."""
    query = (
        select(Workflow.version, func.count(Measure.id))
        .outerjoin(Measure, Measure.workflow_id == Workflow.id)
        .where(Workflow.programme_id == programme.id)
        .group_by(Workflow.version)
        .order_by(Workflow.version)
    )
    return dict(db.session.execute(query).all())


def list_to_migrate(programme: Programme) -> Sequence[Measure]:
    """Every measure of a programme with what `migration_plan` reads of it, by number."""
    return db.session.scalars(_to_migrate(programme).order_by(Measure.number, Measure.sort_key, Measure.id)).all()


def hold_to_migrate(programme: Programme) -> Sequence[Measure]:
    """The same measures as they are stored now, kept until the commit: by key, so that nobody waits in a circle."""
    query = _to_migrate(programme).order_by(Measure.id).with_for_update(of=Measure)
    return db.session.scalars(query, execution_options={"populate_existing": True}).all()


def _to_migrate(programme: Programme) -> Select[Measure]:
    return (
        select(Measure)
        .where(Measure.programme_id == programme.id)
        .options(
            joinedload(Measure.workflow),
            joinedload(Measure.focus_area),
            joinedload(Measure.unit),
            joinedload(Measure.lead),
        )
    )


def versions_of(programme: Programme) -> dict[int, rules.Workflow]:
    """The published versions of a programme's workflow as the rules read them, by number."""
    return {workflow.version: workflow.rules for workflow in programme.workflows}


def standings(measures: Iterable[Measure]) -> tuple[Standing, ...]:
    """Where measures stand, as the rule of the migration asks."""
    return tuple(
        Standing(measure.id, measure.workflow.version, measure.status, filled_fields(measure)) for measure in measures
    )


def migration_plan(measures: Iterable[Measure], target: Workflow, mapped: Mapped) -> Plan:
    """What becomes of measures of one programme that are to follow `target`."""
    return migration.plan(versions_of(target.programme), target.version, standings(measures), mapped)
