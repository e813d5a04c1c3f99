"""What a reminded person may answer by a link of the mail, and when the link no longer holds. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum

from app.calendars.partial_dates import PartialDate
from app.core.errors import Conflict, Forbidden, NotFound, RuleBroken
from app.core.text import Text, text

DAYS_VALID = 30
"""Days after the mail for which its links work. No two steps before a due day are further apart, and after it they
come weekly: whoever answers later has a newer mail, or nothing left to answer."""


class Answer(StrEnum):
    """What one link says, and how it stands in its address and in the ledger."""

    ON_TRACK = "on-track"
    LATE_2 = "late-2"
    LATE_4 = "late-4"
    LATE_8 = "late-8"
    REACHED = "reached"


ANSWER_NAMES: Mapping[Answer, Text] = {
    Answer.ON_TRACK: text("noch im Plan"),
    Answer.LATE_2: text("Verzug um 2 Wochen"),
    Answer.LATE_4: text("Verzug um 4 Wochen"),
    Answer.LATE_8: text("Verzug um 8 Wochen"),
    Answer.REACHED: text("erledigt, zur Freigabe"),
}
WEEKS: Mapping[Answer, int] = {Answer.ON_TRACK: 0, Answer.LATE_2: 2, Answer.LATE_4: 4, Answer.LATE_8: 8}


class Expired(NotFound):
    """The link was good once."""

    status = 410


def forecast_on(answer: Answer, planned_on: date) -> date | None:
    """The day on which the milestone is expected by this answer: counted from the promise, which stays. None where it
    has been reached."""
    return planned_on + timedelta(weeks=WEEKS[answer]) if answer in WEEKS else None


def offered(planned_on: date, today: date) -> tuple[Answer, ...]:
    """The answers that make sense on a day: nobody expects a milestone for a day that has passed."""
    return tuple(answer for answer in Answer if (forecast_on(answer, planned_on) or today) >= today)


def check_in_time(mailed_on: date, today: date) -> None:
    """A link of a mail works for `DAYS_VALID` days.

    Raises:
        Expired: after that.
    """
    if today > mailed_on + timedelta(days=DAYS_VALID):
        raise Expired(
            text(
                "Dieser Link stammt aus einer E-Mail vom %(day)s und galt %(days)s Tage.",
                day=mailed_on,
                days=DAYS_VALID,
            )
        )


def check_is_theirs(is_active: bool, may_report: bool) -> None:
    """An answer counts as its reader's, with the rights they have today.

    Raises:
        Forbidden: where their access is closed, or they are not responsible any more.
    """
    if not is_active:
        raise Forbidden(text("Ihr Zugang zu Wegmarke ist geschlossen. Wenden Sie sich an die Koordination."))
    if not may_report:
        raise Forbidden(
            text(
                "Sie sind für diesen Meilenstein nicht mehr zuständig. Wenden Sie sich an die Koordination, wenn das "
                "nicht stimmt."
            )
        )


def check_same_day(version: int, current: int, planned: PartialDate) -> None:
    """An answer is about the planned day the mail named.

    Raises:
        Conflict: when that was moved since.
    """
    if version != current:
        raise Conflict(
            text(
                "Der Termin dieses Meilensteins wurde inzwischen verschoben, auf %(day)s. Dieser Link meint noch den "
                "alten.",
                day=planned.label(),
            )
        )


def check_still_ahead(answer: Answer, planned_on: date, today: date) -> None:
    """Nobody expects a milestone for a day that has passed.

    Raises:
        RuleBroken: when the day the answer means is over.
    """
    expected_on = forecast_on(answer, planned_on)
    if expected_on is not None and expected_on < today:
        raise RuleBroken(
            text(
                "Diese Antwort meint den %(day)s, und der ist vorbei. Melden Sie nach der Anmeldung, womit Sie jetzt "
                "rechnen.",
                day=expected_on,
            )
        )
