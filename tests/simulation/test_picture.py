"""The chart says what the ledger says."""

from __future__ import annotations

import re
from datetime import date
from xml.etree import ElementTree

import pytest

from app.simulation.picture import draw, grid_step, mails_by_month


def line(day: str, recipient: str = "anna@stadt.example", outcome: str = "mailed") -> dict[str, str]:
    return {"date": day, "recipient": recipient, "outcome": outcome}


def test_the_reminders_of_a_person_and_day_are_one_mail() -> None:
    ledger = [line("2020-01-07"), line("2020-01-07"), line("2020-01-07", "ben@stadt.example"), line("2020-01-08")]
    assert mails_by_month(ledger) == {date(2020, 1, 1): 3}


def test_what_was_superseded_is_no_mail() -> None:
    assert mails_by_month([line("2020-01-07", outcome="superseded")]) == {}


def test_months_without_mail_are_there_too() -> None:
    months = mails_by_month([line("2020-11-30"), line("2021-02-01")])
    assert months == {date(2020, 11, 1): 1, date(2020, 12, 1): 0, date(2021, 1, 1): 0, date(2021, 2, 1): 1}


@pytest.mark.parametrize(
    ("highest", "step"), [(0, 1), (1, 1), (4, 1), (7, 2), (20, 5), (36, 10), (41, 20), (190, 50)]
)
def test_the_grid_has_round_numbers(highest: int, step: int) -> None:
    assert grid_step(highest) == step


def test_every_month_has_a_bar_as_tall_as_its_number() -> None:
    drawn = draw({date(2020, 12, 1): 10, date(2021, 1, 1): 40})
    root = ElementTree.fromstring(drawn)
    bars = [rect for rect in root.iter("{http://www.w3.org/2000/svg}rect") if rect.get("fill") == "#171a7d"]
    heights = [float(bar.get("height", "0")) for bar in bars]
    assert heights[1] == pytest.approx(4 * heights[0], abs=0.2)
    assert re.findall(r"<title>(20[\d-]+: \d+)</title>", drawn) == ["2020-12: 10", "2021-01: 40"]
    assert "50 in all" in drawn


def test_an_empty_ledger_gives_an_empty_chart() -> None:
    assert "0 in all" in draw({})
