from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.calendars.periods import Period, Rhythm
from app.core.errors import Conflict, RuleBroken
from app.digests.spans import ONE_DAY, Span, awaited_period, check_until, due_period, next_span, untold

SEVEN = time(7)
BEGIN = date(2020, 1, 1)


def local(written: str) -> datetime:
    return datetime.fromisoformat(written)


@pytest.mark.parametrize(
    ("now", "last_until", "expected"),
    [
        ("2023-04-01T06:59", None, None),
        ("2023-04-01T07:00", None, "2023-Q1"),
        ("2023-04-01T07:00", date(2022, 12, 31), "2023-Q1"),
        ("2023-04-01T07:00", date(2023, 3, 30), "2023-Q1"),
        ("2023-04-01T07:00", date(2023, 3, 31), None),
        ("2023-03-31T23:59", date(2022, 12, 31), None),
        ("2023-06-30T12:00", date(2022, 12, 31), "2023-Q1"),
        ("2023-12-01T12:00", date(2022, 12, 31), "2023-Q3"),
        ("2023-05-02T03:00", date(2022, 12, 31), None),
        ("2023-05-02T12:00", date(2023, 5, 1), None),
    ],
)
def test_a_digest_is_due_from_the_send_time_of_the_day_after_its_period(
    now: str, last_until: date | None, expected: str | None
) -> None:
    period = due_period(Rhythm.QUARTERLY, local(now), SEVEN, last_until)
    assert (period.key if period else None) == expected


@pytest.mark.parametrize(
    ("last_until", "expected"),
    [
        (None, "2022-Q4"),
        (date(2022, 9, 30), "2022-Q4"),
        (date(2022, 12, 31), "2023-Q1"),
        (date(2023, 3, 15), "2023-Q1"),
        (date(2023, 3, 31), "2023-Q2"),
    ],
)
def test_the_awaited_period_is_the_first_that_is_not_told(last_until: date | None, expected: str) -> None:
    assert awaited_period(Rhythm.QUARTERLY, date(2023, 3, 31), last_until).key == expected


def test_a_span_follows_the_last_one_without_gap() -> None:
    span = next_span(date(2022, 12, 31), True, BEGIN, date(2023, 3, 31))
    assert (span.from_on, span.until_on, span.is_first) == (date(2023, 1, 1), date(2023, 3, 31), False)


def test_the_first_span_reaches_back_to_the_beginning() -> None:
    assert next_span(None, False, BEGIN, date(2023, 3, 31)) == Span(BEGIN, date(2023, 3, 31), is_first=True)


def test_a_programme_that_begins_later_still_has_a_span_that_runs_forward() -> None:
    assert next_span(None, False, date(2024, 1, 1), date(2023, 3, 31)).from_on == date(2023, 3, 31)


def test_after_nothing_but_silence_the_next_digest_is_still_the_full_picture() -> None:
    assert next_span(date(2022, 12, 31), False, BEGIN, date(2023, 3, 31)).is_first


def test_a_day_is_told_once() -> None:
    with pytest.raises(Conflict):
        next_span(date(2023, 3, 31), True, BEGIN, date(2023, 3, 31))


def test_a_digest_does_not_tell_of_a_day_to_come() -> None:
    check_until(date(2023, 3, 15), date(2023, 3, 15))
    with pytest.raises(RuleBroken) as refused:
        check_until(date(2023, 3, 16), date(2023, 3, 15))
    assert refused.value.field == "until"


@pytest.mark.parametrize(
    ("span", "label"),
    [
        (Span(BEGIN, date(2023, 3, 31), True), "Gesamtbild bis 2023-03-31"),
        (Span(date(2023, 1, 1), date(2023, 3, 31), False), "1. Quartal 2023"),
        (Span(date(2023, 1, 1), date(2023, 6, 30), False), "1. Halbjahr 2023"),
        (Span(date(2023, 2, 1), date(2023, 2, 28), False), "Monat 02/2023"),
        (Span(date(2022, 10, 1), date(2023, 3, 31), False), "2022-10-01 bis 2023-03-31"),
        (Span(date(2023, 3, 15), date(2023, 3, 15), False), "2023-03-15"),
    ],
)
def test_a_span_is_called_by_its_period_where_it_is_one(span: Span, label: str) -> None:
    assert str(span.label()) == label


@dataclass(frozen=True)
class Entered:
    """A fact that carries one instant and is entered at another: late, for example by an import."""

    key: str
    at: datetime
    entered_at: datetime


hours = st.integers(0, 24 * 500)


@st.composite
def entered(draw: st.DrawFn) -> list[Entered]:
    facts = []
    for number, (happened, delay) in enumerate(draw(st.lists(st.tuples(hours, st.integers(0, 2000)), max_size=20))):
        at = datetime(2023, 1, 1, tzinfo=UTC) + timedelta(hours=happened)
        facts.append(Entered(str(number), at, at + timedelta(hours=delay)))
    return facts


@given(
    facts=entered(),
    sends=st.lists(st.tuples(hours, st.sampled_from(["by hand", *Rhythm])), max_size=30),
)
def test_any_sequence_of_digests_tells_every_fact_once_in_spans_that_touch(
    facts: list[Entered], sends: list[tuple[int, str]]
) -> None:
    last_until: date | None = None
    told: list[str] = []
    spans: list[Span] = []
    end = 24 * 700
    for hour, how in [*sorted(sends), (end, "by hand")]:
        now = datetime(2023, 1, 1, tzinfo=UTC) + timedelta(hours=hour)
        if how == "by hand":
            until_on = now.date()
        else:
            period = due_period(Rhythm(how), now, SEVEN, last_until)
            if period is None:
                continue
            until_on = period.last_day
        try:
            span = next_span(last_until, bool(told), BEGIN, until_on)
        except Conflict:
            assert last_until is not None
            assert until_on <= last_until
            continue
        before = datetime.combine(until_on + ONE_DAY, time(), UTC)
        there = [fact for fact in facts if fact.entered_at <= now]
        told += [fact.key for fact in untold(there, told, before)]
        spans.append(span)
        last_until = until_on
    assert sorted(told) == sorted(fact.key for fact in facts)
    assert all(later.from_on == earlier.until_on + ONE_DAY for earlier, later in itertools.pairwise(spans))
    assert all(span.from_on <= span.until_on for span in spans)


def test_a_digest_that_is_sent_by_rhythm_never_reaches_into_the_running_period() -> None:
    for rhythm in Rhythm:
        period = due_period(rhythm, local("2023-03-15T12:00"), SEVEN, None)
        assert period is not None
        assert period.last_day < Period.containing(date(2023, 3, 15), rhythm).first_day
