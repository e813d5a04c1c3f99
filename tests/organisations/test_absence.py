"""The rules of absences: tables of cases, and for whom somebody is reached as invariants."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import Conflict, DomainError, RuleBroken
from app.organisations import absence as rules
from app.organisations.absence import Days, Phase, StandIn, reached, stands_in_for
from app.organisations.permissions import Actor, Role

TODAY = date(2023, 3, 15)
ANN, BEN, CAM = UUID(int=1), UUID(int=2), UUID(int=3)
PEOPLE = [UUID(int=number) for number in range(1, 7)]


def days(first: int, last: int) -> Days:
    """Days counted from today."""
    return Days(TODAY + timedelta(days=first), TODAY + timedelta(days=last))


def refusal(check: object) -> tuple[str, str | None]:
    assert callable(check)
    with pytest.raises(DomainError) as caught:
        check()
    return str(caught.value), caught.value.field


@pytest.mark.parametrize(
    ("asked", "others"),
    [
        (days(0, 0), []),
        (days(0, 365), []),
        (days(3, 5), [days(-10, 2), days(6, 20)]),
    ],
    ids=["one day, today", "366 days", "between two others"],
)
def test_these_days_are_taken(asked: Days, others: list[Days]) -> None:
    rules.check_days(asked, others, TODAY)


@pytest.mark.parametrize(
    ("asked", "others", "sentence", "field"),
    [
        (days(3, 2), [], "Der letzte Tag liegt vor dem ersten.", "until_on"),
        (days(0, 366), [], "Eine Abwesenheit dauert höchstens 366 Tage.", "until_on"),
        (days(-1, 2), [], "Eine Abwesenheit beginnt heute oder später", "from_on"),
        (
            days(3, 5),
            [days(20, 21), days(5, 9)],
            "schon eine Abwesenheit eingetragen: vom 2023-03-20 bis 2023-03-24",
            "from_on",
        ),
        (days(3, 5), [days(4, 4)], "am 2023-03-19", "from_on"),
        (days(3, 5), [days(-9, 3)], "vom 2023-03-06 bis 2023-03-18", "from_on"),
    ],
    ids=[
        "upside down",
        "too long",
        "begun yesterday",
        "overlaps at its end",
        "around another",
        "overlaps at its start",
    ],
)
def test_these_days_are_refused_beside_the_field(asked: Days, others: list[Days], sentence: str, field: str) -> None:
    said, beside = refusal(lambda: rules.check_days(asked, others, TODAY))
    assert sentence in said
    assert beside == field


@pytest.mark.parametrize(
    ("stored", "asked", "field"),
    [
        (days(-5, 5), days(-5, 0), None),
        (days(-5, 5), days(-5, 30), None),
        (days(-5, 5), days(-4, 5), "from_on"),
        (days(-5, 5), days(-6, 5), "from_on"),
        (days(-5, 5), days(1, 5), "from_on"),
        (days(-5, 5), days(-5, -1), "until_on"),
        (days(0, 5), days(2, 5), None),
        (days(0, 5), days(-1, 5), "from_on"),
        (days(9, 12), days(0, 3), None),
        (days(9, 12), days(-1, 12), "from_on"),
    ],
)
def test_an_absence_that_has_begun_keeps_its_first_day(stored: Days, asked: Days, field: str | None) -> None:
    if field is None:
        rules.check_days(asked, [], TODAY, stored)
    else:
        assert refusal(lambda: rules.check_days(asked, [], TODAY, stored))[1] == field


@pytest.mark.parametrize(
    ("of", "where", "left"),
    [
        (days(-3, -1), Phase.PAST, None),
        (days(-3, 0), Phase.RUNNING, days(-3, -1)),
        (days(0, 3), Phase.RUNNING, None),
        (days(1, 3), Phase.COMING, None),
    ],
)
def test_coming_back_leaves_the_days_that_have_passed(of: Days, where: Phase, left: Days | None) -> None:
    assert rules.phase(of, TODAY) is where
    if where is Phase.PAST:
        with pytest.raises(Conflict, match="vorbei"):
            rules.check_not_over(of, TODAY)
    else:
        rules.check_not_over(of, TODAY)
        assert rules.left_of(of, TODAY) == left


def test_a_deputy_is_somebody_else_of_the_staff() -> None:
    rules.check_deputy(ANN, BEN, {ANN, BEN})
    assert refusal(lambda: rules.check_deputy(ANN, ANN, {ANN, BEN}))[0].startswith("Niemand vertritt sich selbst.")
    assert refusal(lambda: rules.check_deputy(ANN, CAM, {ANN, BEN}))[1] == "deputy"


@pytest.mark.parametrize(
    ("away", "refused"),
    [
        ([], False),
        ([days(3, 4)], False),
        ([days(4, 5)], False),
        ([days(3, 3), days(5, 5)], False),
        ([days(3, 5)], True),
        ([days(4, 9), days(-2, 3)], True),
    ],
)
def test_a_deputy_who_is_away_all_the_time_is_refused(away: list[Days], *, refused: bool) -> None:
    if not refused:
        rules.check_present(days(3, 5), away)
    else:
        with pytest.raises(RuleBroken, match="in der ganzen Zeit selbst abwesend"):
            rules.check_present(days(3, 5), away)


@pytest.mark.parametrize(
    ("who", "may"),
    [
        (Actor(ANN, "a", frozenset({Role.PROJECT_LEAD})), True),
        (Actor(BEN, "b", frozenset({Role.COORDINATOR})), True),
        (Actor(BEN, "b", frozenset({Role.ADMINISTRATOR})), True),
        (Actor(BEN, "b", frozenset({Role.PROJECT_LEAD})), False),
        (Actor(BEN, "b", frozenset({Role.DEPARTMENT_HEAD})), False),
        (Actor(BEN, "b", frozenset({Role.AUDITOR})), False),
        (Actor(BEN, "b", frozenset({Role.FUNDER})), False),
        (Actor(BEN, "b", frozenset({Role.DEPARTMENT_HEAD}), stands_in_for=frozenset({ANN})), False),
        (Actor(None, "system"), False),
    ],
)
def test_who_enters_for_somebody(who: Actor, *, may: bool) -> None:
    assert rules.may_enter_for(who, ANN, ()) is may


def test_a_head_enters_for_the_people_of_their_units() -> None:
    head = Actor(BEN, "b", frozenset({Role.DEPARTMENT_HEAD}))
    assert rules.may_enter_for(head, ANN, {ANN})
    assert not rules.may_enter_for(head, ANN, {CAM})


# -- who is reached


@pytest.mark.parametrize(
    ("away", "whom"),
    [
        ({}, [ANN]),
        ({ANN: StandIn(BEN, only=False)}, [ANN, BEN]),
        ({ANN: StandIn(BEN, only=True)}, [BEN]),
        ({ANN: StandIn(BEN, only=True), BEN: StandIn(CAM, only=True)}, [CAM]),
        ({ANN: StandIn(BEN, only=True), BEN: StandIn(CAM, only=False)}, [BEN, CAM]),
        ({ANN: StandIn(BEN, only=True), BEN: StandIn(ANN, only=True)}, [ANN]),
        ({ANN: StandIn(BEN, only=False), BEN: StandIn(ANN, only=False)}, [ANN, BEN]),
        ({BEN: StandIn(CAM, only=True)}, [ANN]),
    ],
    ids=["nobody away", "both", "only", "chain", "chain of both", "circle", "circle of both", "another one away"],
)
def test_whom_a_word_reaches(away: dict[UUID, StandIn], whom: list[UUID]) -> None:
    assert list(reached(ANN, away)) == whom


someone = st.sampled_from(PEOPLE)
aways = st.dictionaries(someone, st.builds(StandIn, someone, st.booleans())).map(
    lambda away: {who: stand_in for who, stand_in in away.items() if stand_in.deputy_id != who}
)


@given(someone, aways)
def test_a_word_reaches_somebody_and_nobody_twice(person: UUID, away: dict[UUID, StandIn]) -> None:
    whom = reached(person, away)
    assert whom
    assert len(whom) == len(set(whom))


@given(someone, aways)
def test_whoever_is_not_away_is_reached_and_nobody_else(person: UUID, away: dict[UUID, StandIn]) -> None:
    away.pop(person, None)
    assert reached(person, away) == (person,)


@given(someone, aways)
def test_somebody_who_is_there_is_among_those_reached_unless_all_stand_in_for_each_other(
    person: UUID, away: dict[UUID, StandIn]
) -> None:
    line = [person]
    while line[-1] in away and away[line[-1]].deputy_id not in line:
        line.append(away[line[-1]].deputy_id)
    if line[-1] not in away:
        assert line[-1] in reached(person, away)
        assert len(line) == 1 or person in stands_in_for(line[-1], away)
    else:
        assert set(reached(person, away)) <= set(line)


@given(someone, someone, aways)
def test_nobody_stands_in_for_themselves_or_for_somebody_who_is_there(
    deputy: UUID, other: UUID, away: dict[UUID, StandIn]
) -> None:
    away.pop(other, None)
    assert not stands_in_for(deputy, away) & {deputy, other}
