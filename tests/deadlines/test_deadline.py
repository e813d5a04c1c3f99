from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.calendars.periods import Period
from app.core.localized import Localized
from app.deadlines.deadline import (
    Deadline,
    Kind,
    People,
    Place,
    reminds,
    unique,
    update_due_on,
    urgency,
    version_of,
)
from app.programmes.ladder import Audience
from app.programmes.workflow import Category

TODAY = date(2023, 3, 15)
A, B, C, D = (uuid4() for _ in range(4))


def a_deadline(due_on: date | None, subject: str = "milestone:1") -> Deadline:
    return Deadline(
        kind=Kind.MILESTONE,
        subject=subject,
        version=1,
        due_on=due_on,
        title=Localized("Konzept"),
        context=Localized("a-BUS"),
        recipients={},
        responsible=(A,),
        endpoint="milestones.request_approval",
        values={},
        doers=(A,),
        page=Place("milestones.show", {}),
        programme_id=uuid4(),
    )


@pytest.mark.parametrize(
    ("due_on", "words"),
    [
        (None, "Datum fehlt"),
        (date(2023, 2, 13), "seit 30 Tagen überfällig"),
        (date(2023, 3, 14), "seit 1 Tag überfällig"),
        (date(2023, 3, 15), "heute fällig"),
        (date(2023, 3, 16), "morgen fällig"),
        (date(2023, 3, 17), "in 2 Tagen fällig"),
        (date(2024, 3, 15), "in 366 Tagen fällig"),
    ],
)
def test_the_distance_of_a_due_day_in_words(due_on: date | None, words: str) -> None:
    assert str(a_deadline(due_on).when(TODAY)) == words


def test_peer_5_nothing_is_overdue_on_the_due_day_itself() -> None:
    deadline = a_deadline(TODAY)
    assert not deadline.is_overdue(TODAY)
    assert deadline.is_overdue(TODAY + timedelta(days=1))
    assert not a_deadline(None).is_overdue(TODAY)


def test_the_most_urgent_comes_first_and_what_has_no_date_last() -> None:
    days = [None, date(2023, 4, 1), date(2022, 1, 1), TODAY]
    ordered = sorted((a_deadline(day) for day in days), key=urgency)
    assert [deadline.due_on for deadline in ordered] == [date(2022, 1, 1), TODAY, date(2023, 4, 1), None]


def test_only_who_has_to_act_is_responsible() -> None:
    assert a_deadline(TODAY).is_of(A)
    assert not a_deadline(TODAY).is_of(B)
    assert not a_deadline(TODAY).is_of(None)


def test_whoever_may_not_fill_in_the_form_is_led_to_the_page() -> None:
    assert a_deadline(TODAY).seen_by(A).endpoint == "milestones.request_approval"
    assert a_deadline(TODAY).seen_by(B).endpoint == "milestones.show"
    assert a_deadline(TODAY).seen_by(None).endpoint == "milestones.show"


@pytest.mark.parametrize(
    ("people", "lead", "head", "coordinator"),
    [
        (People((A,), (), (B,), (C,), (D,)), (A,), (B,), (C,)),
        (People((), (), (B,), (C,), (D,)), (B,), (B,), (C,)),
        (People((), (), (), (C,), (D,)), (C,), (C,), (C,)),
        (People((A,), (), (), (C,), (D,)), (A,), (C,), (C,)),
        (People((A,), (), (), (), (D,)), (A,), (D,), (D,)),
        (People((), (), (), (), (D,)), (D,), (D,), (D,)),
    ],
)
def test_where_a_role_has_nobody_the_next_one_stands_in(
    people: People, lead: tuple[UUID, ...], head: tuple[UUID, ...], coordinator: tuple[UUID, ...]
) -> None:
    roles = people.by_role()
    assert (roles[Audience.PROJECT_LEAD], roles[Audience.DEPARTMENT_HEAD], roles[Audience.COORDINATOR]) == (
        lead,
        head,
        coordinator,
    )


def test_the_deputy_of_a_lead_is_called_and_without_one_the_lead() -> None:
    assert People((A,), (B,), (C,)).by_role()[Audience.DEPUTY] == (B,)
    assert People((A,), (), (C,)).by_role()[Audience.DEPUTY] == (A,)
    assert People((), (), (C,)).by_role()[Audience.DEPUTY] == (C,)


@pytest.mark.parametrize("category", [Category.PAUSED, Category.DONE, Category.SETTLED, Category.STOPPED])
def test_a_measure_at_rest_reminds_of_nothing(category: Category) -> None:
    assert not reminds(category)


@pytest.mark.parametrize("category", [Category.PLANNED, Category.APPLIED, Category.APPROVED, Category.RUNNING, None])
def test_any_other_measure_reminds_also_one_whose_status_is_not_known(category: Category | None) -> None:
    assert reminds(category)


def test_an_update_is_due_some_days_after_its_period() -> None:
    assert update_due_on(Period.parse("2023-Q1"), 14) == date(2023, 4, 14)
    assert update_due_on(Period.parse("2023-12"), 0) == date(2023, 12, 31)


@given(st.dates(), st.dates())
def test_another_computed_day_is_another_version(one: date, other: date) -> None:
    assert (version_of(one) == version_of(other)) == (one == other)


def test_each_person_once_in_the_order_they_come() -> None:
    assert unique([A, B, A, C, B]) == (A, B, C)
