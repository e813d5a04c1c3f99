"""What a digest says: sentences made of facts. Pure.

Every sentence is a value that both parts of the mail and the page show, so they cannot say different things.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from app.calendars.partial_dates import PartialDate
from app.calendars.periods import Period
from app.core.localized import Localized
from app.core.text import Text, ntext, text
from app.digests.courses import Course, course_of, sentence
from app.digests.facts import Facts, MeasureFacts, Move, Override
from app.digests.spans import Span
from app.progress.health import HEALTH_NAMES, Health

HORIZON = timedelta(days=90)
"""How far ahead a digest looks."""
IN_THE_SUBJECT = 3
"""So many points of the essence fit into a subject."""


@dataclass(frozen=True)
class Line:
    """One point of news: a sentence, the light it shows if any, and what explains it."""

    text: Text
    notes: tuple[Text, ...] = ()
    light: Health | None = None
    is_sample: bool = False


@dataclass(frozen=True)
class MeasureNews:
    """What is new in one measure."""

    name: Text | Localized
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Wish:
    """A decision a red measure waits for."""

    name: Text | Localized
    decision: str
    is_sample: bool = False


@dataclass(frozen=True)
class Emergency:
    """What was decided without four eyes, when and why."""

    name: Text | Localized
    text: Text
    notes: tuple[Text, ...]
    is_sample: bool = False


@dataclass(frozen=True)
class Upcoming:
    """Something that is due: day, or month where the plan names only that."""

    when: Text
    text: Text
    where: Text | Localized
    notes: tuple[Text, ...] = ()
    is_sample: bool = False


@dataclass(frozen=True)
class Row:
    """One measure at a glance."""

    name: Text | Localized
    light: Health | None
    points: tuple[Text, ...]
    is_sample: bool = False


@dataclass(frozen=True)
class Content:
    """A digest before it is put into a language."""

    city: Localized | None
    programme: Localized
    programme_short: Localized
    funder: Localized
    span: Span
    sentence: Text
    essence: tuple[Text, ...]
    wishes: tuple[Wish, ...]
    emergencies: tuple[Emergency, ...]
    news: tuple[MeasureNews, ...]
    upcoming: tuple[Upcoming, ...]
    overview: tuple[Row, ...]
    has_sample: bool

    @property
    def has_news(self) -> bool:
        """Whether there is anything to say; without it nothing is sent."""
        return bool(self.news or self.emergencies)

    @property
    def subject_points(self) -> tuple[Text, ...]:
        """The essence as far as it fits into a subject."""
        return self.essence[:IN_THE_SUBJECT] or (text("nichts zu berichten"),)


def build(facts: Facts) -> Content:
    """The digest these facts make."""
    news = tuple(MeasureNews(measure.name, lines) for measure in facts.measures if (lines := _lines(measure, facts)))
    wishes = tuple(_wishes(facts.measures))
    emergencies = tuple(_emergencies(facts))
    upcoming = tuple(_upcoming(facts))
    overview = tuple(_row(measure) for measure in facts.measures)
    shown: list[Line | Wish | Emergency | Upcoming | Row] = [*wishes, *emergencies, *upcoming, *overview]
    shown += [line for part in news for line in part.lines]
    return Content(
        city=facts.city,
        programme=facts.programme,
        programme_short=facts.programme_short,
        funder=facts.funder,
        span=facts.span,
        sentence=sentence(facts.measures),
        essence=tuple(_essence(facts, len(wishes))),
        wishes=wishes,
        emergencies=emergencies,
        news=news,
        upcoming=upcoming,
        overview=overview,
        has_sample=any(one.is_sample for one in shown),
    )


# -- the essence, for the subject


def _essence(facts: Facts, wishes: int) -> Iterator[Text]:
    measures = facts.measures
    courses = Counter(course_of(measure) for measure in measures)
    approved = sum(len(measure.approvals) for measure in measures)
    moved = sum(len(_squashed_moves(measure.moves)) for measure in measures)
    dropped = sum(len(measure.drops) for measure in measures)
    changed = sum(_squashed_status(measure) is not None for measure in measures)
    released = sum(len(measure.releases) for measure in measures)
    overridden = sum(len(measure.overrides) for measure in measures)
    points = (
        ntext("%(n)s Meilenstein freigegeben", "%(n)s Meilensteine freigegeben", approved),
        ntext("%(n)s Entscheidung erbeten", "%(n)s Entscheidungen erbeten", wishes),
        ntext("%(n)s Notfallentscheidung", "%(n)s Notfallentscheidungen", overridden),
        ntext("%(n)s Maßnahme rot", "%(n)s Maßnahmen rot", courses[Course.RED]),
        ntext("%(n)s Maßnahme gelb", "%(n)s Maßnahmen gelb", courses[Course.YELLOW]),
        ntext("%(n)s Termin verlegt", "%(n)s Termine verlegt", moved),
        ntext("%(n)s Meilenstein entfallen", "%(n)s Meilensteine entfallen", dropped),
        ntext("%(n)s Status geändert", "%(n)s Status geändert", changed),
        ntext("%(n)s Sachstand freigegeben", "%(n)s Sachstände freigegeben", released),
    )
    yield from (point for point in points if point.params["n"])


# -- what is new, measure by measure


def _lines(measure: MeasureFacts, facts: Facts) -> tuple[Line, ...]:
    return (
        *_status_lines(measure, facts),
        *_release_lines(measure, facts),
        *_approval_lines(measure, facts),
        *_move_lines(measure, facts),
        *_drop_lines(measure, facts),
    )


def _squashed_status(measure: MeasureFacts) -> tuple[Text, datetime, bool] | None:
    """The way from the first status to the last; there and back again is nothing to tell.

    Nor is a step that led to the same words, such as the move to another version of the workflow.
    """
    changes = [change for change in measure.status_changes if not change.after.says_the_same_as(change.before)]
    if not changes or changes[-1].after.says_the_same_as(changes[0].before):
        return None
    told = text("Status: „%(after)s“, vorher nicht veröffentlicht", after=changes[-1].after.label)
    if before := changes[0].before:
        told = text("Status: „%(after)s“, vorher „%(before)s“", after=changes[-1].after.label, before=before.label)
    return told, changes[-1].at, any(change.is_sample for change in changes)


def _status_lines(measure: MeasureFacts, facts: Facts) -> Iterator[Line]:
    squashed = _squashed_status(measure)
    if squashed:
        told, at, is_sample = squashed
        since = text("Seit dem %(day)s", day=_day(at, facts))
        yield Line(told, (since, *_late(at, facts)), is_sample=is_sample)


def _release_lines(measure: MeasureFacts, facts: Facts) -> Iterator[Line]:
    if not measure.releases:
        return
    release, before = measure.releases[-1], measure.release_before
    notes: list[Text] = []
    if before and before.health and before.health != release.health:
        notes.append(text("Ampel vorher: %(light)s", light=HEALTH_NAMES[before.health]))
    if release.reason and release.health is not Health.GREEN:
        notes.append(text("Begründung: %(reason)s", reason=one_line(release.reason)))
    notes.append(_progress(release.percent, before.percent if before else None))
    yield Line(
        text("Sachstand für %(period)s", period=Period.parse(release.period).label()),
        (*notes, *_late(release.at, facts)),
        light=release.health,
        is_sample=release.is_sample,
    )


def _progress(percent: int | None, before: int | None) -> Text:
    if percent is None:
        return text("Fortschritt: nicht veröffentlicht")
    if before is None or before == percent:
        return text("Fortschritt: %(percent)s %%", percent=percent)
    return text("Fortschritt: %(percent)s %%, vorher %(before)s %%", percent=percent, before=before)


def _approval_lines(measure: MeasureFacts, facts: Facts) -> Iterator[Line]:
    for approval in sorted(measure.approvals, key=lambda approval: (approval.actual_on, approval.key)):
        yield Line(
            text("Meilenstein freigegeben: „%(title)s“", title=approval.title),
            (
                text(
                    "Erreicht am %(actual)s, geplant: %(planned)s",
                    actual=approval.actual_on,
                    planned=day_or_month(approval.planned_on, approval.by_month),
                ),
                *_late(approval.at, facts),
            ),
            is_sample=approval.is_sample,
        )


def _squashed_moves(moves: Sequence[Move]) -> list[tuple[Move, Move]]:
    """First and last move of every milestone that did not come back to where it was."""
    by_milestone = sorted(moves, key=lambda move: (str(move.milestone_id), move.at))
    ways = [list(group) for _, group in groupby(by_milestone, key=lambda move: move.milestone_id)]
    kept = [(way[0], way[-1]) for way in ways if way[0].from_on != way[-1].to_on]
    return sorted(kept, key=lambda way: (way[1].to_on, way[1].key))


def _move_lines(measure: MeasureFacts, facts: Facts) -> Iterator[Line]:
    for first, last in _squashed_moves(measure.moves):
        yield Line(
            text(
                "Meilenstein verlegt: „%(title)s“ von %(old)s auf %(new)s",
                title=last.title,
                old=day_or_month(first.from_on, first.by_month),
                new=day_or_month(last.to_on, by_month=False),
            ),
            (text("Begründung: %(reason)s", reason=one_line(last.reason)), *_late(last.at, facts)),
            is_sample=last.is_sample,
        )


def _drop_lines(measure: MeasureFacts, facts: Facts) -> Iterator[Line]:
    for drop in sorted(measure.drops, key=lambda drop: (drop.planned_on, drop.key)):
        planned = day_or_month(drop.planned_on, drop.by_month)
        yield Line(
            text("Meilenstein entfallen: „%(title)s“, geplant war: %(planned)s", title=drop.title, planned=planned),
            (text("Begründung: %(reason)s", reason=one_line(drop.reason)), *_late(drop.at, facts)),
            is_sample=drop.is_sample,
        )


def _late(at: datetime, facts: Facts) -> tuple[Text, ...]:
    day = _day(at, facts)
    if facts.span.is_first or day >= facts.span.from_on:
        return ()
    return (text("Nachgetragen vom %(day)s", day=day),)


def _day(at: datetime, facts: Facts) -> date:
    return at.astimezone(ZoneInfo(facts.zone)).date()


def _wishes(measures: Iterable[MeasureFacts]) -> Iterator[Wish]:
    for measure in measures:
        release = measure.releases[-1] if measure.releases else None
        if release and release.health is Health.RED and release.decision_wanted:
            yield Wish(measure.name, one_line(release.decision_wanted), release.is_sample)


# -- what was decided in an emergency


def _emergencies(facts: Facts) -> Iterator[Emergency]:
    for measure in facts.measures:
        for override in measure.overrides:
            on = text("Am %(day)s", day=_day(override.at, facts))
            reason = text("Begründung: %(reason)s", reason=one_line(override.reason))
            notes = (on, reason, *_late(override.at, facts))
            yield Emergency(measure.name, _decision(override), notes, override.is_sample)


def _decision(override: Override) -> Text:
    if override.milestone is not None:
        return text("Meilenstein „%(title)s“ freigegeben", title=override.milestone)
    if override.moved is not None:
        return text("Plan-Termin von „%(title)s“ verschoben", title=override.moved)
    if override.period is not None:
        return text("Sachstand für %(period)s freigegeben", period=Period.parse(override.period).label())
    return text("Status „%(status)s“", status=override.status)


# -- what comes, and how everything stands


def _upcoming(facts: Facts) -> Iterator[Upcoming]:
    until_on = facts.span.until_on
    due: list[tuple[date, Upcoming]] = []
    for measure in facts.measures:
        for milestone in measure.milestones:
            begins_on = milestone.planned_on.replace(day=1) if milestone.by_month else milestone.planned_on
            if begins_on > until_on + HORIZON:
                continue
            late = text("geplanter Tag verstrichen, noch nicht freigegeben")
            notes = (late,) if milestone.planned_on < until_on else ()
            if milestone.forecast_on and milestone.forecast_on != milestone.planned_on:
                notes = (*notes, text("voraussichtlich %(day)s", day=milestone.forecast_on))
            when = day_or_month(milestone.planned_on, milestone.by_month)
            told = text("Meilenstein „%(title)s“", title=milestone.title)
            due.append((milestone.planned_on, Upcoming(when, told, measure.name, notes, milestone.is_sample)))
    for owed in facts.obligations:
        if owed.due_on <= until_on + HORIZON:
            late = text("Frist verstrichen, noch nicht erledigt")
            notes = (late,) if owed.due_on < until_on else ()
            told = text("Frist „%(title)s“", title=owed.title)
            when = day_or_month(owed.due_on, by_month=False)
            due.append((owed.due_on, Upcoming(when, told, owed.grant, notes, owed.is_sample)))
    yield from (upcoming for _, upcoming in sorted(due, key=lambda pair: (pair[0], str(pair[1].text))))


def _row(measure: MeasureFacts) -> Row:
    status, release = measure.status, measure.release
    points = [
        text("Status: „%(status)s“", status=status.label) if status else text("Status: nicht veröffentlicht"),
    ]
    if release:
        points.append(_progress(release.percent, None))
        points.append(text("Stand: %(period)s", period=Period.parse(release.period).label()))
    samples = (measure, *((release,) if release else ()))
    return Row(
        measure.name, release.health if release else None, tuple(points), any(one.is_sample for one in samples)
    )


def day_or_month(day: date, by_month: bool) -> Text:
    """A planned day as its source gave it."""
    return PartialDate.of(day, "month" if by_month else "day").label()


def one_line(written: str) -> str:
    """What people typed, without line breaks."""
    return " ".join(written.split())
