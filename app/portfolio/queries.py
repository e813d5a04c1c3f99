"""What the list of measures and the fact sheet of one measure show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.accounts.models import Account
from app.audit import queries as audit
from app.audit.models import AuditEvent
from app.core.database import db
from app.core.text import Text
from app.grants.models import Obligation
from app.measures.models import Measure
from app.measures.queries import access_of, hidden_fields, list_measures
from app.milestones.models import Milestone
from app.organisations.permissions import Actor, Permission, Role, allows
from app.organisations.queries import heads_by_unit, list_members, nearest_heads
from app.programmes.models import Programme
from app.progress import queries as progress
from app.progress.models import ProgressUpdate


@dataclass(frozen=True)
class Row:
    """One line of the list."""

    measure: Measure
    update: ProgressUpdate | None
    next_milestone: Milestone | None
    settled: int
    total: int
    has_sample: bool


def list_rows(viewer: Actor, programme_key: str | None = None) -> list[Row]:
    """The measures the viewer may see with their latest light and next milestone, in a fixed number of queries."""
    measures = list_measures(viewer, programme_key)
    updates = progress.latest_visible_by_measure(viewer, [measure.id for measure in measures])
    return [
        Row(
            measure,
            updates.get(measure.id),
            next((milestone for milestone in measure.milestones if not milestone.is_settled), None),
            sum(milestone.is_settled for milestone in measure.milestones),
            len(measure.milestones),
            any(milestone.is_sample or milestone.sample_fields for milestone in measure.milestones),
        )
        for measure in measures
    ]


def role_holders(viewer: Actor, measure: Measure) -> dict[Role, Sequence[Account]]:
    """Who holds which acting role for the measure; lead and heads only where the viewer may know lead and unit."""
    lead = [measure.lead] if measure.lead and measure.lead.active else []
    heads = nearest_heads(measure.unit, heads_by_unit())
    return {
        Role.PROJECT_LEAD: lead if access_of(viewer, measure, "lead").is_visible else [],
        Role.DEPARTMENT_HEAD: heads if access_of(viewer, measure, "unit").is_visible else [],
        Role.COORDINATOR: list_members(Role.COORDINATOR),
    }


@dataclass(frozen=True)
class LogLine:
    """A line of the log without what its reader must not see. `about` is the measure or programme it belongs to."""

    about: Measure | Programme | None
    at: datetime
    actor_name: str
    sentence: Text
    changes: Sequence[Mapping[str, Any]]
    reason: str | None
    is_sample: bool


def list_log(viewer: Actor, measure: Measure) -> Sequence[LogLine]:
    """The log of a measure without the changes of fields that its status hides from the viewer."""
    if not allows(viewer, Permission.VIEW_LOG, measure.scope):
        return ()
    return readable_log(viewer, audit.list_for_scope(measure.id))


def readable_log(viewer: Actor, lines: Sequence[AuditEvent]) -> Sequence[LogLine]:
    """Lines of the log without the changes of fields that the status of their measure hides from the viewer."""
    scopes = {line.scope_id or line.subject_id for line in lines}
    query = select(Measure).where(Measure.id.in_(scopes)).options(joinedload(Measure.workflow))
    measures = {measure.id: measure for measure in db.session.scalars(query)}
    programmes = {row.id: row for row in db.session.scalars(select(Programme).where(Programme.id.in_(scopes)))}
    unsaid = {key: _unsaid(viewer, measure) for key, measure in measures.items()}
    return [
        LogLine(
            measures.get(scope) or programmes.get(scope),
            line.at,
            line.actor_name,
            line.sentence,
            [change for change in line.changes if change["field"] not in unsaid.get(line.subject_id, ())],
            line.reason,
            line.is_sample,
        )
        for line in lines
        if (scope := line.scope_id or line.subject_id)
    ]


def _unsaid(viewer: Actor, measure: Measure) -> frozenset[str]:
    """The hidden fields of a measure by all names the log has for them: our own keys, and the labels of a workflow's
    fields in whatever version."""
    hidden = hidden_fields(viewer, measure)
    if not hidden:
        return hidden
    fields = [field for version in measure.programme.workflows for field in version.rules.fields.values()]
    labels = [(field.key, str(field.label)) for field in fields if field.key in hidden]
    return hidden | {name for key, label in labels for name in (label, f"{label} ({key})")}


def list_obligations(measure: Measure) -> Sequence[Obligation]:
    """What is owed for the grants of a measure: dated ones first, by day."""
    owed = [obligation for grant in measure.grants for obligation in grant.obligations]
    return sorted(
        owed, key=lambda obligation: (obligation.due_on is None, obligation.due_on or date.max, obligation.key)
    )
