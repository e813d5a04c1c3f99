"""Four eyes between a report and the funder: who releases or returns it, and how. Pure."""

from __future__ import annotations

from uuid import UUID

from app.core.errors import RuleBroken
from app.core.text import text
from app.programmes import four_eyes
from app.programmes.four_eyes import NO_OVERRIDE, Override

FOUR_EYES = text(
    "Vier-Augen-Prinzip: Über einen Sachstand, den Sie selbst gemeldet haben, entscheidet jemand anderes."
)


def is_stopped(person_id: UUID | None, author_id: UUID | None) -> bool:
    """Whether a person must leave the decision to somebody else."""
    return four_eyes.is_stopped(person_id, {author_id})


def check_four_eyes(decider_id: UUID | None, author_id: UUID | None, override: Override = NO_OVERRIDE) -> str | None:
    """Nobody releases or returns what they wrote. Gives the reason where an emergency was needed.

    Raises:
        Forbidden, RuleBroken: as `four_eyes.check`.
    """
    return four_eyes.check(decider_id, {author_id}, FOUR_EYES, override)


def check_reason(reason: str | None) -> None:
    """Whoever returns a report says why.

    Raises:
        RuleBroken: on the field `reason`.
    """
    if not (reason or "").strip():
        raise RuleBroken(text("Bitte begründen Sie, warum Sie den Sachstand zurückgeben."), "reason")
