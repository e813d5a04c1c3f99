"""What may happen to an obligation: its day moves for a reason, it is done on a day that has come. Pure."""

from __future__ import annotations

from datetime import date

from app.core.errors import RuleBroken
from app.core.text import text


def check_open(done_on: date | None) -> None:
    """What is done has no deadline any more that could move.

    Raises:
        RuleBroken: saying the way out.
    """
    if done_on is not None:
        raise RuleBroken(
            text(
                "Diese Pflicht ist als erledigt eingetragen. Nehmen Sie den Eintrag zurück, um etwas daran zu ändern."
            )
        )


def check_done(done_on: date | None) -> None:
    """Only what is recorded as done can be taken back.

    Raises:
        RuleBroken: when it is open.
    """
    if done_on is None:
        raise RuleBroken(text("Diese Pflicht ist nicht als erledigt eingetragen."))


def check_move(from_on: date | None, to_on: date, reason: str | None) -> None:
    """A deadline gets another day, for a reason; `from_on` is None where none was known.

    Raises:
        RuleBroken: on the field `due_on` or `reason`.
    """
    if to_on == from_on:
        raise RuleBroken(text("Das ist die bisherige Frist. Bitte wählen Sie einen anderen Tag."), "due_on")
    check_reason(reason)


def check_day_done(done_on: date, today: date) -> None:
    """Nothing is done ahead of its day.

    Raises:
        RuleBroken: on the field `done_on`.
    """
    if done_on > today:
        raise RuleBroken(
            text("Der Tag liegt in der Zukunft. Tragen Sie den Tag ein, an dem die Pflicht erledigt wurde."),
            "done_on",
        )


def check_reason(reason: str | None) -> None:
    """Whoever changes what others rely on says why.

    Raises:
        RuleBroken: on the field `reason`.
    """
    if not (reason or "").strip():
        raise RuleBroken(text("Bitte begründen Sie die Änderung."), "reason")
