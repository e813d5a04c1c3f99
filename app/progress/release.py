"""Four eyes between a report and the funder: who releases or returns it, and how. Pure."""

from __future__ import annotations

from uuid import UUID

from app.core.errors import Forbidden, RuleBroken
from app.core.text import text


def check_four_eyes(decider_id: UUID | None, author_id: UUID | None) -> None:
    """Nobody releases or returns what they wrote.

    Raises:
        Forbidden: for the author, and for nobody at all (the system decides nothing).
    """
    if decider_id is None or decider_id == author_id:
        raise Forbidden(
            text(
                "Vier-Augen-Prinzip: Über einen Sachstand, den Sie selbst gemeldet haben, entscheidet jemand anderes."
            )
        )


def check_reason(reason: str | None) -> None:
    """Whoever returns a report says why.

    Raises:
        RuleBroken: on the field `reason`.
    """
    if not (reason or "").strip():
        raise RuleBroken(text("Bitte begründen Sie, warum Sie den Sachstand zurückgeben."), "reason")
