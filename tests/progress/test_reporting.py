"""Periods, completeness and which measures are reported on."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.calendars.partial_dates import PartialDate
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
    assert [period.key for period in reporting.offered_periods(TODAY, rhythm, [])] == keys


@pytest.mark.parametrize(
    ("today", "starts", "entered_on", "handed_in", "asked"),
    [
        # Entered in March 2023: the quarter that had just ended, and the current one.
        (date(2023, 3, 15), "2020", date(2023, 3, 15), set(), ["2022-Q4", "2023-Q1"]),
        (date(2023, 3, 15), None, date(2023, 3, 15), set(), ["2022-Q4", "2023-Q1"]),
        (date(2023, 3, 15), "2022-12-31", date(2020, 1, 1), set(), ["2022-Q4", "2023-Q1"]),
        (date(2023, 3, 15), "2023-01-01", date(2023, 3, 15), set(), ["2023-Q1"]),
        (date(2023, 3, 15), "2023-22", date(2023, 3, 15), set(), []),
        (date(2023, 3, 15), "2020", date(2022, 8, 1), {"2022-Q4"}, ["2022-Q2", "2022-Q3", "2023-Q1"]),
        (date(2023, 3, 15), "2020", date(2023, 3, 15), {"2022-Q4", "2023-Q1"}, []),
        # What was not handed in stays owed, however late it is.
        (date(2023, 8, 1), "2020", date(2023, 3, 15), {"2023-Q1"}, ["2022-Q4", "2023-Q2", "2023-Q3"]),
    ],
)
def test_the_periods_on_which_an_update_is_owed(
    today: date, starts: str | None, entered_on: date, handed_in: set[str], asked: list[str]
) -> None:
    begins_on = PartialDate.parse(starts).first_day() if starts else None
    owed = reporting.owed_periods(today, Rhythm.QUARTERLY, begins_on, entered_on, handed_in)
    assert [period.key for period in owed] == asked


@pytest.mark.parametrize(
    ("owed", "suggested"),
    [([], "2023-Q1"), (["2023-Q1"], "2023-Q1"), (["2022-Q2", "2022-Q4", "2023-Q1"], "2022-Q2")],
)
def test_what_is_owed_longest_is_suggested(owed: list[str], suggested: str) -> None:
    periods = [Period.parse(key) for key in owed]
    assert reporting.suggested_period(TODAY, Rhythm.QUARTERLY, periods).key == suggested


@given(
    today=st.dates(date(2000, 1, 1), date(2090, 12, 31)),
    rhythm=st.sampled_from(Rhythm),
    reported=st.sets(st.sampled_from(["2022-Q4", "2023-01", "2023-H1"])),
    years_ago=st.integers(0, 8),
)
def test_all_that_is_owed_and_what_is_suggested_is_offered(
    today: date, rhythm: Rhythm, reported: set[str], years_ago: int
) -> None:
    entered_on = date(today.year - years_ago, 1, 1)
    owed = reporting.owed_periods(today, rhythm, None, entered_on, reported)
    offered = reporting.offered_periods(today, rhythm, owed)
    assert {*owed, reporting.suggested_period(today, rhythm, owed)} <= {*offered}
    assert list(offered) == sorted(offered, reverse=True)


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
