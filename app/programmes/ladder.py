"""The reminder ladder of a programme that asks for none of its own. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from app.organisations.permissions import Role


@dataclass(frozen=True)
class Rung:
    """One step: days from the due day (negative before it), repeated or not, and who is reminded."""

    key: str
    offset_days: int
    recipients: tuple[Role, ...]
    repeat_days: int | None = None


DEFAULT_LADDER = (
    Rung("before-30", -30, (Role.PROJECT_LEAD,)),
    Rung("before-14", -14, (Role.PROJECT_LEAD,)),
    Rung("before-7", -7, (Role.PROJECT_LEAD,)),
    Rung("before-1", -1, (Role.PROJECT_LEAD,)),
    Rung("on-the-day", 0, (Role.PROJECT_LEAD,)),
    Rung("overdue", 7, (Role.PROJECT_LEAD, Role.DEPARTMENT_HEAD), repeat_days=7),
)
"""30, 14, 7 and 1 days before, on the day, then weekly after it."""
