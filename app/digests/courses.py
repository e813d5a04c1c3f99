"""How measures fare, counted and said in one sentence. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum

from app.core.text import Text, joined, ntext, text
from app.digests.facts import MeasureFacts
from app.programmes.workflow import Category
from app.progress.health import Health


class Course(StrEnum):
    """How a measure fares, for counting."""

    ON_PLAN = "on_plan"
    RED = "red"
    YELLOW = "yellow"
    UNREPORTED = "unreported"
    PAUSED = "paused"
    FINISHED = "finished"
    STOPPED = "stopped"


ENDED: Mapping[Category, Course] = {
    Category.DONE: Course.FINISHED,
    Category.SETTLED: Course.FINISHED,
    Category.STOPPED: Course.STOPPED,
}
LIGHTS: Mapping[Health, Course] = {
    Health.GREEN: Course.ON_PLAN,
    Health.YELLOW: Course.YELLOW,
    Health.RED: Course.RED,
}
ONLY_ONE: Mapping[Course, Text] = {
    Course.ON_PLAN: text("Die Maßnahme läuft nach Plan."),
    Course.RED: text("Die Maßnahme ist rot."),
    Course.YELLOW: text("Die Maßnahme ist gelb."),
    Course.UNREPORTED: text("Die Maßnahme ist ohne freigegebenen Sachstand."),
    Course.PAUSED: text("Die Maßnahme ruht."),
    Course.FINISHED: text("Die Maßnahme ist abgeschlossen."),
    Course.STOPPED: text("Die Maßnahme ist abgebrochen."),
}


def course_of(measure: MeasureFacts) -> Course:
    """Red and yellow are told even of a measure at rest; of an ended one no light is told any more."""
    category = measure.status.category if measure.status else None
    if category and category in ENDED:
        return ENDED[category]
    light = measure.release.health if measure.release else None
    if category is Category.PAUSED and light in (None, Health.GREEN):
        return Course.PAUSED
    return LIGHTS[light] if light else Course.UNREPORTED


def sentence(measures: Sequence[MeasureFacts]) -> Text:
    """How all measures fare: 4 von 5 Maßnahmen laufen nach Plan; eine ist gelb."""
    courses = Counter(course_of(measure) for measure in measures)
    total = len(measures)
    if total == 0:
        return text("Zu diesem Programm ist noch keine Maßnahme erfasst.")
    if total == 1:
        return ONLY_ONE[next(iter(courses))]
    if courses[Course.UNREPORTED] == total:
        return text("Zu keiner der %(total)s Maßnahmen gibt es einen freigegebenen Sachstand.", total=total)
    on_plan = courses[Course.ON_PLAN]
    if on_plan == total:
        return text("Alle %(total)s Maßnahmen laufen nach Plan.", total=total)
    rest = [course for course in Course if courses[course] and course is not Course.ON_PLAN]
    others = joined([_part(course, courses[course]) for course in rest])
    if on_plan == 0:
        return text("%(total)s Maßnahmen: %(others)s.", total=total, others=others)
    lead = ntext(
        "%(n)s von %(total)s Maßnahmen läuft nach Plan",
        "%(n)s von %(total)s Maßnahmen laufen nach Plan",
        on_plan,
        total=total,
    )
    return text("%(lead)s; %(others)s.", lead=lead, others=others)


def _part(course: Course, n: int) -> Text:
    return {
        Course.RED: ntext("eine ist rot", "%(n)s sind rot", n),
        Course.YELLOW: ntext("eine ist gelb", "%(n)s sind gelb", n),
        Course.UNREPORTED: ntext(
            "eine ist ohne freigegebenen Sachstand", "%(n)s sind ohne freigegebenen Sachstand", n
        ),
        Course.PAUSED: ntext("eine ruht", "%(n)s ruhen", n),
        Course.FINISHED: ntext("eine ist abgeschlossen", "%(n)s sind abgeschlossen", n),
        Course.STOPPED: ntext("eine ist abgebrochen", "%(n)s sind abgebrochen", n),
    }[course]
