"""Writes the log, in the transaction of the change itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID

from app.audit.models import AuditEvent
from app.core.database import db
from app.core.text import Text


class Author(Protocol):
    """Whoever acts: a person, or the system under a name of its own."""

    @property
    def account_id(self) -> UUID | None: ...

    @property
    def name(self) -> str: ...


class Subject(Protocol):
    """A row that is changed."""

    __tablename__: Any
    id: Any


Changes = Mapping[str, tuple[Any, Any]]
"""Field name → value before, value after."""


def record(
    actor: Author,
    subject: Subject,
    what: Text,
    *,
    now: datetime,
    scope_id: UUID | None = None,
    changes: Changes | None = None,
    reason: str | None = None,
) -> None:
    """Adds one line. `scope_id` is the measure (or programme) on whose page the line is shown."""
    db.session.add(
        AuditEvent(
            at=now,
            actor_id=actor.account_id,
            actor_name=actor.name,
            what=what.msgid,
            what_params={name: _plain(value) for name, value in what.params.items()},
            subject_kind=str(subject.__tablename__),
            subject_id=subject.id,
            scope_id=scope_id,
            changes=[
                {"field": name, "from": _plain(before), "to": _plain(after)}
                for name, (before, after) in (changes or {}).items()
                if before != after
            ],
            reason=reason,
            is_sample=bool(getattr(subject, "is_sample", False)),
        )
    )


def _plain(value: Any) -> Any:
    """As the log keeps a value: days and instants in ISO form, so that they can be read in any language."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value if value is None or isinstance(value, bool | int | str) else str(value)
