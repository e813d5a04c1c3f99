"""What a report on a measure consists of, for which periods it is given, and when it is complete. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from app.calendars.periods import Period, Rhythm
from app.core.errors import RuleBroken
from app.core.text import text
from app.programmes.workflow import Category
from app.progress import health as lights
from app.progress.health import Health

PREVIOUS_PERIODS = 4
LONGEST_TEXT = 5000

REPORTED_ON = frozenset({Category.RUNNING, Category.PAUSED})


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


def offered_periods(today: date, rhythm: Rhythm) -> tuple[Period, ...]:
    """The current period and those before it, newest first."""
    periods = [Period.containing(today, rhythm)]
    for _ in range(PREVIOUS_PERIODS):
        periods.append(periods[-1].previous())
    return tuple(periods)


def suggested_period(today: date, rhythm: Rhythm, reported: Collection[str], begins_on: date | None = None) -> Period:
    """The previous period while nobody has reported on it, else the current one.

    `reported` are keys of periods; a period that was over before the measure began (`begins_on`) asks for nothing.
    """
    current = Period.containing(today, rhythm)
    previous = current.previous()
    over_before_it_began = begins_on is not None and previous.last_day < begins_on
    return current if previous.key in reported or over_before_it_began else previous


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
    if category not in REPORTED_ON:
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
