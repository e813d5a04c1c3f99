"""What the list of measures and the fact sheet of one measure show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from app.grants.models import Obligation
from app.measures.models import Measure
from app.measures.queries import list_measures, transition_facts
from app.milestones.models import Milestone
from app.organisations.permissions import Actor, roles_in
from app.programmes import workflow
from app.programmes.workflow import Offer
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


def offers_for(viewer: Actor, measure: Measure) -> tuple[Offer, ...]:
    """Every way out of the measure's status for this person: open, or with all that is missing."""
    roles = roles_in(viewer, measure.scope)
    return workflow.available(
        measure.workflow.rules, measure.status, roles, transition_facts(measure), measure.record
    )


def list_obligations(measure: Measure) -> Sequence[Obligation]:
    """What is owed for the grants of a measure: dated ones first, by day."""
    owed = [obligation for grant in measure.grants for obligation in grant.obligations]
    return sorted(
        owed, key=lambda obligation: (obligation.due_on is None, obligation.due_on or date.max, obligation.key)
    )
