"""Periods, completeness and which measures are reported on."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.calendars.periods import Period, Rhythm
from app.core.errors import RuleBroken
from app.programmes.workflow import Category
from app.progress import reporting
from app.progress.health import Health
from app.progress.reporting import Report

TODAY = date(2023, 3, 15)
COMPLETE = Report(
    period=Period.parse("2022-Q4"), health=Health.GREEN, percent=0, done="Vergabe", next_steps="Baubeginn"
)


@pytest.mark.parametrize(
    ("rhythm", "keys"),
    [
        (Rhythm.MONTHLY, ["2023-03", "2023-02", "2023-01", "2022-12", "2022-11"]),
        (Rhythm.QUARTERLY, ["2023-Q1", "2022-Q4", "2022-Q3", "2022-Q2", "2022-Q1"]),
        (Rhythm.HALF_YEARLY, ["2023-H1", "2022-H2", "2022-H1", "2021-H2", "2021-H1"]),
    ],
)
def test_the_current_and_the_four_previous_periods_are_offered(rhythm: Rhythm, keys: list[str]) -> None:
    assert [period.key for period in reporting.offered_periods(TODAY, rhythm)] == keys


@pytest.mark.parametrize(
    ("reported", "begins_on", "suggested"),
    [
        ([], None, "2022-Q4"),
        (["2022-Q3"], None, "2022-Q4"),
        (["2022-Q4"], None, "2023-Q1"),
        (["2022-Q4", "2023-Q1"], None, "2023-Q1"),
        (["2023-Q1"], None, "2022-Q4"),
        ([], date(2022, 12, 31), "2022-Q4"),
        ([], date(2023, 1, 1), "2023-Q1"),
    ],
)
def test_the_oldest_unreported_of_the_last_two_is_suggested(
    reported: list[str], begins_on: date | None, suggested: str
) -> None:
    assert reporting.suggested_period(TODAY, Rhythm.QUARTERLY, reported, begins_on).key == suggested


@given(
    today=st.dates(date(2000, 1, 1), date(2090, 12, 31)),
    rhythm=st.sampled_from(Rhythm),
    reported=st.sets(st.sampled_from(["2022-Q4", "2023-01", "2023-H1"])),
    begins_on=st.none() | st.dates(date(2000, 1, 1), date(2090, 12, 31)),
)
def test_what_is_suggested_is_always_offered(
    today: date, rhythm: Rhythm, reported: set[str], begins_on: date | None
) -> None:
    suggested = reporting.suggested_period(today, rhythm, reported, begins_on)
    assert suggested in reporting.offered_periods(today, rhythm)


def test_running_and_paused_measures_are_reported_on() -> None:
    reporting.check_reportable(Category.RUNNING)
    reporting.check_reportable(Category.PAUSED)


@pytest.mark.parametrize("category", [row for row in Category if row not in ("running", "paused")])
def test_other_measures_are_not_reported_on(category: Category) -> None:
    with pytest.raises(RuleBroken, match="läuft oder ruht"):
        reporting.check_reportable(category)


def test_a_measure_with_an_unknown_status_is_not_reported_on() -> None:
    with pytest.raises(RuleBroken, match="Der Status der Maßnahme ist nicht bekannt"):
        reporting.check_reportable(None)


def test_a_complete_report_lacks_nothing() -> None:
    assert list(reporting.missing(COMPLETE)) == []


def test_a_bare_report_lacks_everything_in_the_order_of_the_form() -> None:
    lacking = [broken.field for broken in reporting.missing(Report(period=COMPLETE.period))]
    assert lacking == ["health", "percent", "done", "next_steps"]


@pytest.mark.parametrize("name", ["health", "percent", "done", "next_steps"])
def test_each_needed_part_is_missed_alone(name: str) -> None:
    changes: dict[str, Any] = {name: None}
    report = replace(COMPLETE, **changes)
    assert [broken.field for broken in reporting.missing(report)] == [name]


@pytest.mark.parametrize("name", ["done", "next_steps"])
def test_blanks_are_no_text(name: str) -> None:
    changes: dict[str, Any] = {name: " \n"}
    assert [broken.field for broken in reporting.missing(replace(COMPLETE, **changes))] == [name]


def test_a_red_report_lacks_reason_and_decision() -> None:
    report = replace(COMPLETE, health=Health.RED)
    assert [broken.field for broken in reporting.missing(report)] == ["health_reason", "decision_wanted"]
