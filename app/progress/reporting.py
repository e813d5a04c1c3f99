"""What a report on a measure consists of, for which periods it is given, and when it is complete. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from app.calendars.periods import Period, Rhythm
from app.core.errors import RuleBroken
from app.core.text import text
from app.programmes.workflow import REPORTED_CATEGORIES, Category
from app.progress import health as lights
from app.progress.health import Health

PREVIOUS_PERIODS = 4
LONGEST_TEXT = 5000


@dataclass(frozen=True)
class Report:
    """What somebody writes about a measure. A draft may lack all but the period.

    `forecasts` gives for open milestones (by id) the day on which they are now expected.
    """

    period: Period
    health: Health | None = None
    health_reason: str | None = None
    decision_wanted: str | None = None
    percent: int | None = None
    done: str | None = None
    next_steps: str | None = None
    risks: str | None = None
    forecasts: Mapping[UUID, date] = field(default_factory=dict)


def owed_periods(
    today: date, rhythm: Rhythm, begins_on: date | None, entered_on: date, reported: Collection[str]
) -> tuple[Period, ...]:
    """The periods on which a running measure still owes an update, oldest first, with the current one.

    Nothing is owed from before the measure began, nor from before it was entered in Wegmarke, but for the period
    that had just ended then. `reported` are keys of periods.
    """
    first_day = Period.containing(entered_on, rhythm).previous().first_day
    if begins_on:
        first_day = max(first_day, begins_on)
    periods = [Period.containing(today, rhythm)]
    while periods[-1].previous().last_day >= first_day:
        periods.append(periods[-1].previous())
    return tuple(
        period for period in reversed(periods) if period.last_day >= first_day and period.key not in reported
    )


def offered_periods(today: date, rhythm: Rhythm, owed: Collection[Period]) -> tuple[Period, ...]:
    """What one may report on, newest first: all that is owed, the current period and some before it."""
    periods = [Period.containing(today, rhythm)]
    for _ in range(PREVIOUS_PERIODS):
        periods.append(periods[-1].previous())
    return tuple(sorted({*periods, *owed}, reverse=True))


def suggested_period(today: date, rhythm: Rhythm, owed: Sequence[Period]) -> Period:
    """What is owed longest, else the current period."""
    return owed[0] if owed else Period.containing(today, rhythm)


def check_reportable(category: Category | None) -> None:
    """Progress is reported on measures that run or rest.

    Raises:
        RuleBroken: for a measure in another status, or in one that is not known.
    """
    if category is None:
        raise RuleBroken(
            text(
                "Der Status der Maßnahme ist nicht bekannt. "
                "Bitten Sie die Koordination, ihn einzutragen; danach können Sie den Sachstand melden."
            )
        )
    if category not in REPORTED_CATEGORIES:
        raise RuleBroken(text("Ein Sachstand wird nur zu einer Maßnahme gemeldet, die läuft oder ruht."))


def missing(report: Report) -> Iterator[RuleBroken]:
    """What a report still lacks before it can be handed in, each on its field and in the order of the form."""
    if report.health is None:
        yield RuleBroken(text("Bitte wählen Sie die Ampel: Grün, Gelb oder Rot."), "health")
    else:
        yield from lights.missing(report.health, report.health_reason, report.decision_wanted)
    if report.percent is None:
        yield RuleBroken(text("Bitte geben Sie den Fortschritt in Prozent an."), "percent")
    if not (report.done or "").strip():
        yield RuleBroken(text("Bitte schreiben Sie, was in dieser Zeit erledigt wurde."), "done")
    if not (report.next_steps or "").strip():
        yield RuleBroken(text("Bitte schreiben Sie, was als Nächstes ansteht."), "next_steps")
