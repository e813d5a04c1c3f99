"""What the tests of milestones arrange."""

from __future__ import annotations

from datetime import date
from io import BytesIO
from typing import Any

from werkzeug.datastructures import FileStorage

from app.accounts.models import Account
from app.core.database import db
from app.documents import service as documents
from app.documents.service import Receipt
from app.measures.models import Measure
from app.milestones import service
from app.milestones.models import Approval, Milestone, MoveRequest
from tests.factories import NOON, actor, add_milestone

REACHED_ON = date(2023, 3, 10)
LATER = date(2023, 6, 30)
PDF = b"%PDF-1.4\n1 0 obj << >> endobj\n"
PNG = b"\x89PNG\r\n\x1a\nrest of a picture"


def milestone_of(measure: Measure, **values: Any) -> Milestone:
    """A stored milestone, planned for the end of March."""
    milestone = add_milestone(measure, values.pop("planned_on", date(2023, 3, 31)), **values)
    db.session.commit()
    return milestone


def receipt(name: str = "Bericht.pdf", content: bytes = PDF) -> Receipt:
    """A file that has been taken in."""
    return documents.take_in([FileStorage(BytesIO(content), filename=name)])[0]


def ask(milestone: Milestone, by: Account, *evidence: Receipt, statement: str = "Die Anlage läuft.") -> Approval:
    """An open request for approval."""
    approval = service.request_approval(
        actor(by), milestone, REACHED_ON, statement, evidence, seen_version=milestone.version, now=NOON
    )
    db.session.commit()
    return approval


def wish(milestone: Milestone, by: Account, to_on: date = LATER, reason: str = "Lieferverzug") -> MoveRequest:
    """An open wish to move what the funder was promised."""
    request = service.move_milestone(actor(by), milestone, to_on, reason, seen_version=milestone.version, now=NOON)
    assert isinstance(request, MoveRequest)
    db.session.commit()
    return request


def promised(measure: Measure, **values: Any) -> Milestone:
    """A milestone the funder was promised for the end of March."""
    return milestone_of(measure, funder_relevant=True, **values)
