"""What the tests of absences arrange."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select

from app.accounts.models import Account
from app.audit.models import AuditEvent
from app.core.database import db
from app.organisations.models import Absence
from tests.factories import NOON, add

TODAY = date(2023, 3, 15)


def away(account: Account, from_on: date, until_on: date, deputy: Account, *, only: bool = False) -> Absence:
    """A stored absence."""
    return add(  # type: ignore[no-any-return]
        Absence(
            account_id=account.id,
            from_on=from_on,
            until_on=until_on,
            deputy_id=deputy.id,
            deputy_only=only,
            entered_at=NOON,
        )
    )


def log_of(account: Account) -> list[tuple[str, dict[str, tuple[object, object]]]]:
    """What the log says of an account: sentence, and field → before and after."""
    db.session.flush()
    query = select(AuditEvent).where(AuditEvent.subject_id == account.id).order_by(AuditEvent.id)
    return [
        (str(line.sentence), {change["field"]: (change["from"], change["to"]) for change in line.changes})
        for line in db.session.scalars(query)
    ]
