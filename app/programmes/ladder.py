"""Whom the steps of a reminder ladder can call, how late in the day it may begin, and the ladder of a programme with
none of its own. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from enum import StrEnum

from app.core.text import Text, text

LATEST_SEND_TIME = time(22)
"""Later than this a sweep that is held up would come after midnight, and the day would be over."""


class Audience(StrEnum):
    """Whom a step calls by their part in the matter."""

    PROJECT_LEAD = "project_lead"
    DEPUTY = "deputy"
    DEPARTMENT_HEAD = "department_head"
    COORDINATOR = "coordinator"
    ADMINISTRATOR = "administrator"


AUDIENCE_NAMES: Mapping[Audience, Text] = {
    Audience.PROJECT_LEAD: text("Projektleitung"),
    Audience.DEPUTY: text("Vertretung der Projektleitung"),
    Audience.DEPARTMENT_HEAD: text("Bereichsleitung"),
    Audience.COORDINATOR: text("Koordination"),
    Audience.ADMINISTRATOR: text("Administration"),
}


@dataclass(frozen=True)
class Rung:
    """One step: days from the due day (negative before it), repeated or not, and who is reminded."""

    key: str
    offset_days: int
    recipients: tuple[Audience, ...]
    repeat_days: int | None = None


DEFAULT_LADDER = (
    Rung("before-30", -30, (Audience.PROJECT_LEAD,)),
    Rung("before-14", -14, (Audience.PROJECT_LEAD,)),
    Rung("before-7", -7, (Audience.PROJECT_LEAD,)),
    Rung("before-1", -1, (Audience.PROJECT_LEAD,)),
    Rung("on-the-day", 0, (Audience.PROJECT_LEAD,)),
    Rung("overdue", 7, (Audience.PROJECT_LEAD, Audience.DEPARTMENT_HEAD), repeat_days=7),
    Rung("escalated", 21, (Audience.COORDINATOR,), repeat_days=7),
)
"""The lead 30, 14, 7 and 1 days before and on the day; then weekly with the head, from three weeks on with the
coordination."""
