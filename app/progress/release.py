"""Four eyes between a report and the funder: who releases or returns it, and how. Pure."""

from __future__ import annotations

from uuid import UUID

from app.core.errors import Forbidden, RuleBroken
from app.core.text import Text, text
from app.programmes import four_eyes
from app.programmes.four_eyes import NO_OVERRIDE, Override

FOUR_EYES = text(
    "Vier-Augen-Prinzip: Über einen Sachstand, den Sie selbst gemeldet haben, entscheidet jemand anderes."
)

FOUR_EYES_IN_PLACE = text(
    "Vier-Augen-Prinzip: Sie vertreten jemanden, der diesen Sachstand selbst gemeldet hat. Darüber entscheidet "
    "jemand anderes."
)


def why_stopped(person_id: UUID | None, author_id: UUID | None, in_place_of: UUID | None = None) -> Text | None:
    """Why a person must leave the decision to somebody else, None where they need not; `in_place_of` is the absent
    head for whom they would decide."""
    if four_eyes.is_stopped(person_id, {author_id}):
        return FOUR_EYES
    return FOUR_EYES_IN_PLACE if in_place_of is not None and in_place_of == author_id else None


def is_emergency(
    person_id: UUID | None, author_id: UUID | None, in_place_of: UUID | None, allows_override: bool
) -> bool:
    """Whether four eyes stop a head whom the programme lets release all the same, with a reason."""
    stopped = why_stopped(person_id, author_id, in_place_of) is not None
    return stopped and allows_override and person_id is not None and in_place_of is None


def check_four_eyes(
    decider_id: UUID | None,
    author_id: UUID | None,
    override: Override = NO_OVERRIDE,
    *,
    in_place_of: UUID | None = None,
) -> str | None:
    """Nobody releases or returns what they wrote. Gives the reason where an emergency was needed.

    A deputy decides `in_place_of` a head who is away, and is stopped by what stops that head: standing in is no way
    round. Nor is there an emergency for deputies: who overrides four eyes answers for the unit themselves.

    Raises:
        Forbidden, RuleBroken: as `four_eyes.check`.
    """
    refusal = why_stopped(decider_id, author_id, in_place_of)
    if refusal is not None and in_place_of is not None:
        raise Forbidden(refusal)
    return four_eyes.check(decider_id, {author_id}, FOUR_EYES, override)


def check_reason(reason: str | None) -> None:
    """Whoever returns a report says why.

    Raises:
        RuleBroken: on the field `reason`.
    """
    if not (reason or "").strip():
        raise RuleBroken(text("Bitte begründen Sie, warum Sie den Sachstand zurückgeben."), "reason")
