"""What the list of measures and the fact sheet of one measure show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from app.audit import queries as audit
from app.core.text import Text
from app.grants.models import Obligation
from app.measures.models import Measure
from app.measures.queries import hidden_fields, list_measures
from app.milestones.models import Milestone
from app.organisations.permissions import Actor, Permission, allows
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


@dataclass(frozen=True)
class LogLine:
    """A line of the log without what its reader must not see."""

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
    hidden = hidden_fields(viewer, measure)
    fields = [field for workflow in measure.programme.workflows for field in workflow.rules.fields.values()]
    unsaid = hidden | {str(field.label) for field in fields if field.key in hidden}  # the log has them by their label
    return [
        LogLine(
            line.at,
            line.actor_name,
            line.sentence,
            [change for change in line.changes if line.subject_id != measure.id or change["field"] not in unsaid],
            line.reason,
            line.is_sample,
        )
        for line in audit.list_for_scope(measure.id)
    ]


def list_obligations(measure: Measure) -> Sequence[Obligation]:
    """What is owed for the grants of a measure: dated ones first, by day."""
    owed = [obligation for grant in measure.grants for obligation in grant.obligations]
    return sorted(
        owed, key=lambda obligation: (obligation.due_on is None, obligation.due_on or date.max, obligation.key)
    )
