"""What several tests of measures arrange."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from app.core.database import db
from app.measures.models import Measure
from app.programmes.models import Workflow
from tests.factories import NOON, WORKFLOW


def follow(measure: Measure, **rows: list[dict[str, Any]]) -> None:
    """The measure follows a next version: field rules of `running`, and keys that are added to its transitions."""
    definition = deepcopy(WORKFLOW)
    for status in definition["statuses"]:
        if status["key"] == "running":
            status["field_rules"] = rows.get("rules", [])
    for change in rows.get("transitions", []):
        next(row for row in definition["transitions"] if row["key"] == change["key"]).update(change)
    definition["fields"] += rows.get("fields", [])
    programme = measure.programme
    version = programme.workflows[-1].version + 1
    workflow = Workflow(version=version, definition=definition, published_at=NOON)
    programme.workflows.append(workflow)
    measure.workflow = workflow
    db.session.commit()
