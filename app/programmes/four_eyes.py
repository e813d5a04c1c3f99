"""Four eyes: nobody confirms their own work. And the one way past it, in an emergency. Pure.

The rule is the same for a step of a workflow, the approval of a milestone and the release of a progress update,
for every role and every way in: a page, the command line, an import.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from app.core.errors import Forbidden, RuleBroken
from app.core.text import Text, text


@dataclass(frozen=True)
class Override:
    """An emergency: the programme must allow it, and the person must say why."""

    is_allowed: bool = False
    reason: str | None = None

    @property
    def is_given(self) -> bool:
        """Whether it is allowed and has its reason."""
        return self.is_allowed and bool((self.reason or "").strip())


NO_OVERRIDE = Override()
REASON_FIELD = "override_reason"
REASON_MISSING = text("Bitte begründen Sie, warum diese Entscheidung nicht auf vier Augen warten kann.")


def is_stopped(person_id: UUID | None, involved_ids: Collection[UUID | None]) -> bool:
    """Whether a person must leave this to somebody else; nobody at all (the system) always must."""
    return person_id is None or person_id in involved_ids


def check(
    person_id: UUID | None, involved_ids: Collection[UUID | None], refusal: Text, override: Override = NO_OVERRIDE
) -> str | None:
    """The reason to record where the emergency was needed, None where four eyes were kept.

    Raises:
        Forbidden: with `refusal`, for those involved in a programme that allows no override, and for the system.
        RuleBroken: on `override_reason`, where the programme allows one and the reason is missing.
    """
    if not is_stopped(person_id, involved_ids):
        return None
    if person_id is None or not override.is_allowed:
        raise Forbidden(refusal)
    if not override.is_given:
        raise RuleBroken(REASON_MISSING, REASON_FIELD)
    return (override.reason or "").strip()
