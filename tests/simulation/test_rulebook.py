"""The oracle itself: against the calendar as it was, and against what the issue says word for word."""

from __future__ import annotations

import ast
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import holidays
import pytest

from app.simulation import rulebook
from app.simulation.rulebook import (
    Absence,
    Book,
    Deadline,
    Programme,
    Step,
    Wishes,
    World,
    due_on_day,
    easter_sunday,
    holidays_nw,
    is_working_day,
    reached,
    step_day,
    step_days,
    sweep,
    working_days_later,
)

LEAD = frozenset({"project_lead"})
DAY = timedelta(days=1)


def a_step(offset: int, every: int | None = None, *, working_days: bool = False) -> Step:
    return Step(f"step{offset:+}", offset, LEAD, every, working_days)


def a_deadline(due_on: date, programme: str = "p", version: int = 1, kind: str = "milestone") -> Deadline:
    return Deadline(kind, f"milestone:{programme}", version, due_on, programme, ("lead",), (), ("head",))


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), ZoneInfo("Europe/Berlin")).astimezone(UTC)


def test_the_oracle_knows_nothing_of_the_application() -> None:
    tree = ast.parse(Path(rulebook.__file__).read_text(encoding="utf-8"))
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported == {"__future__", "collections.abc", "dataclasses", "datetime", "functools", "zoneinfo"}


# -- the calendar


@pytest.mark.parametrize("year", range(1991, 2061))  # the library begins with the unity of Germany
def test_the_holidays_are_those_of_the_law_and_of_the_library(year: int) -> None:
    assert holidays_nw(year) == set(holidays.country_holidays("DE", subdiv="NW", years=year))


@pytest.mark.parametrize(
    ("year", "easter"),
    [
        (1818, "03-22"),
        (1943, "04-25"),
        (1981, "04-19"),
        (2000, "04-23"),
        (2023, "04-09"),
        (2024, "03-31"),
        (2049, "04-18"),
    ],
)
def test_easter_falls_where_it_fell(year: int, easter: str) -> None:
    assert easter_sunday(year) == date.fromisoformat(f"{year}-{easter}")


@pytest.mark.parametrize(
    ("day", "is_open"),
    [
        (date(2023, 6, 8), False),  # Fronleichnam
        (date(2023, 6, 9), True),
        (date(2023, 11, 1), False),  # Allerheiligen
        (date(2017, 10, 31), False),  # 500 years of Reformation
        (date(2018, 10, 31), True),
        (date(2023, 4, 7), False),  # Karfreitag
        (date(2023, 4, 8), False),  # Saturday
        (date(2023, 4, 10), False),  # Ostermontag
        (date(2023, 12, 24), False),  # Sunday
        (date(2024, 12, 24), True),
        (date(2024, 12, 31), True),
        (date(2023, 11, 22), True),  # Buß- und Bettag is none any more
        (date(1994, 11, 16), False),
        (date(2023, 8, 15), True),  # Mariä Himmelfahrt is none in North Rhine-Westphalia
    ],
)
def test_offices_are_open_on_the_working_days_of_north_rhine_westphalia(day: date, is_open: bool) -> None:
    assert is_working_day(day) is is_open


def test_working_days_are_counted_over_easter() -> None:
    assert working_days_later(date(2023, 4, 6), 1) == date(2023, 4, 11)
    assert working_days_later(date(2023, 4, 11), -1) == date(2023, 4, 6)
    assert working_days_later(date(2023, 4, 8), 0) == date(2023, 4, 8)


# -- the steps


@pytest.mark.parametrize(
    ("offset", "due_on", "day"),
    [
        (-7, date(2023, 4, 14), date(2023, 4, 6)),  # Karfreitag: the working day before
        (0, date(2023, 4, 9), date(2023, 4, 6)),
        (7, date(2023, 4, 3), date(2023, 4, 11)),  # Ostermontag: the working day after
        (7, date(2023, 3, 1), date(2023, 3, 8)),
        (-1, date(2023, 6, 9), date(2023, 6, 7)),  # Fronleichnam
        (7, date(2023, 10, 25), date(2023, 11, 2)),  # Allerheiligen
    ],
)
def test_a_step_on_a_day_off_moves_before_the_due_day_back_and_after_it_on(
    offset: int, due_on: date, day: date
) -> None:
    assert step_day(a_step(offset), due_on) == day


def test_a_step_in_working_days_leaves_the_days_off_out() -> None:
    assert step_day(a_step(-5, working_days=True), date(2023, 4, 14)) == date(2023, 4, 5)
    assert step_day(a_step(2, 2, working_days=True), date(2023, 4, 5), 2) == date(2023, 4, 13)


def test_a_repetition_is_counted_from_the_due_day_and_numbered() -> None:
    comings = step_days(a_step(7, 7), date(2023, 4, 3), date(2023, 4, 24))
    assert [(one.key, one.day.day) for one in comings] == [("step+7", 11), ("step+7#2", 17), ("step+7#3", 24)]


LADDER = (a_step(-14), a_step(-7), a_step(0), Step("after", 7, LEAD | {"department_head"}, 7))


def test_of_several_steps_at_once_the_latest_is_mailed_and_the_earlier_are_superseded() -> None:
    day = date(2023, 3, 15)
    [line] = due_on_day([a_deadline(day + DAY)], LADDER, (), day)
    assert (line.key, line.superseded) == ("step-7", ("step-14",))
    assert due_on_day([a_deadline(day + DAY)], LADDER, line.rows, day) == []
    assert len(due_on_day([a_deadline(day + DAY, version=2)], LADDER, line.rows, day)) == 1


def test_nobody_assigned_is_the_head_then_the_coordination_then_the_administration() -> None:
    nobody = Deadline("milestone", "milestone:1", 1, date(2023, 3, 15), "p", administrators=("admin",))
    assert nobody.people("project_lead") == ("admin",)
    assert Deadline("milestone", "x", 1, date(2023, 3, 15), "p", heads=("head",)).people("deputy") == ("head",)


def test_absence_reaches_the_deputy_as_well_or_only_and_a_circle_is_the_person_themselves() -> None:
    day = date(2023, 3, 15)
    also, only = Absence("a", day, day, "b"), Absence("a", day, day, "b", only=True)
    assert reached("a", day, [also]) == {"a", "b"}
    assert reached("a", day, [only]) == {"b"}
    assert reached("a", day, [only, Absence("b", day, day, "c", only=True)]) == {"c"}
    assert reached("a", day, [only, Absence("b", day, day, "a", only=True)]) == {"a"}
    assert reached("a", day + DAY, [only]) == reached("a", day - DAY, [only]) == {"a"}
    assert reached("a", day, [Absence("a", day - DAY, day, "c", only=True), only]) == {"b"}


# -- the sweeps

THURSDAY = date(2023, 3, 16)


def test_a_day_is_said_once_at_or_after_the_send_time() -> None:
    book = Book()
    world = World([Programme("p", LADDER)], [a_deadline(THURSDAY)])
    assert sweep(book, world, at(THURSDAY, 6, 59)) == []
    [mail] = sweep(book, world, at(THURSDAY, 7))
    assert (mail.person, mail.day, mail.leaves_at) == ("lead", THURSDAY, at(THURSDAY, 7))
    assert sweep(book, world, at(THURSDAY, 8)) == []


def test_one_mail_a_day_leaves_when_the_last_programme_sends_and_not_before_one_s_own_time() -> None:
    book = Book()
    azores = Programme("q", LADDER, time(9), ZoneInfo("Atlantic/Azores"))  # 11 o'clock in the city
    world = World([Programme("p", LADDER), azores], [a_deadline(THURSDAY), a_deadline(THURSDAY, "q")])
    assert sweep(book, world, at(THURSDAY, 7)) == []
    assert sweep(book, world, at(THURSDAY, 10)) == []
    [mail] = sweep(book, world, at(THURSDAY, 11))
    assert [line.deadline.programme for line in mail.lines] == ["p", "q"]
    world.wishes["lead"] = Wishes(send_time=time(13))
    world.deadlines = [a_deadline(THURSDAY, version=2)]
    assert sweep(book, world, at(THURSDAY + DAY, 12)) == []
    assert len(sweep(book, world, at(THURSDAY + DAY, 13))) == 1


def test_a_programme_belongs_to_the_city_day_on_which_it_sends() -> None:
    book = Book()
    far = Programme("q", LADDER, time(20), ZoneInfo("America/New_York"))  # one in the night, a day later in the city
    world = World([Programme("p", LADDER), far], [a_deadline(THURSDAY), a_deadline(THURSDAY, "q")])
    sent = [mail for hour in range(72) for mail in sweep(book, world, at(THURSDAY, 0) + hour * timedelta(hours=1))]
    assert [(mail.leaves_at, [(line.day, line.key) for line in mail.lines]) for mail in sent] == [
        (at(THURSDAY, 7), [(THURSDAY, "step+0"), (THURSDAY - DAY, "step-7")]),
        (at(THURSDAY + DAY, 1), [(THURSDAY, "step+0")]),
    ]


def test_what_is_legally_due_cannot_be_switched_off_and_the_rest_waits_for_a_wanted_day() -> None:
    book = Book()
    wishes = {"lead": Wishes(frozenset({0}))}
    owed = Deadline("obligation", "obligation:1", 1, THURSDAY, "p", ("lead",))
    world = World([Programme("p", LADDER)], [a_deadline(THURSDAY), owed], wishes=wishes)
    sent = [mail for day in range(5) for mail in sweep(book, world, at(THURSDAY, 9) + day * DAY)]
    assert [(mail.day, [line.deadline.kind for line in mail.lines]) for mail in sent] == [
        (THURSDAY, ["obligation"]),
        (THURSDAY + 4 * DAY, ["milestone"]),
    ]
    wishes["lead"] = Wishes(optional=False)
    assert [mail.person for mail in sweep(book, world, at(THURSDAY + 7 * DAY, 9))] == ["head", "lead"]


def test_a_mail_that_cannot_be_written_holds_up_nobody_and_is_tried_again() -> None:
    book = Book()
    world = World([Programme("p", LADDER)], [a_deadline(THURSDAY - 7 * DAY)], unwritable={"lead"})
    assert [mail.person for mail in sweep(book, world, at(THURSDAY, 9))] == ["head"]
    world.unwritable.clear()
    assert [mail.person for mail in sweep(book, world, at(THURSDAY, 9, 10))] == ["lead"]
