"""How people want to be reminded: stored by themselves, read by the engine, and never against what is legally due."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.audit.models import AuditEvent
from app.core import clock
from app.core.database import db
from app.core.errors import Forbidden, RuleBroken
from app.core.localized import Localized
from app.grants.models import Grant, Obligation
from app.organisations.permissions import system
from app.reminders import outlook, queries
from app.reminders.models import ReminderPreference
from app.reminders.planning import plan_day
from app.reminders.preferences import change_preferences
from app.reminders.wishes import NO_WISHES, Wishes
from tests.factories import NOON, City, actor, add, add_absence, add_milestone, add_programme

WEDNESDAY = NOON.date()


def stored(city: City) -> Wishes:
    return queries.wishes_of([city.lead.id])[city.lead.id]


def change(city: City, wishes: Wishes, now: datetime = NOON) -> None:
    change_preferences(actor(city.lead), wishes, now=now)


def refused(city: City, wishes: Wishes) -> RuleBroken:
    with pytest.raises(RuleBroken) as refusal:
        change(city, wishes)
    assert db.session.scalars(select(ReminderPreference)).all() == []
    return refusal.value


def test_wishes_are_stored_as_they_are_and_logged_with_the_account(city: City) -> None:
    wishes = Wishes(frozenset({0, 2}), time(9, 30), date(2023, 4, 1), wants_optional=False)
    change(city, wishes)
    assert stored(city) == wishes
    (line,) = db.session.scalars(select(AuditEvent)).all()
    assert (line.subject_kind, line.subject_id, line.actor_id) == ("account", city.lead.id, city.lead.id)
    assert {change["field"]: change["to"] for change in line.changes} == {
        "weekdays": "Montag, Mittwoch",
        "send_time": "09:30",
        "paused_until_on": "2023-04-01",
        "wants_optional": False,
    }


def test_wishes_can_be_changed_back_and_the_same_again_leaves_no_line(city: City) -> None:
    change(city, Wishes(wants_optional=False))
    change(city, NO_WISHES)
    change(city, NO_WISHES)
    assert stored(city) == NO_WISHES
    assert len(db.session.scalars(select(AuditEvent)).all()) == 2


def test_whoever_wishes_nothing_new_leaves_no_row(city: City) -> None:
    change(city, NO_WISHES)
    assert db.session.scalars(select(ReminderPreference)).all() == []


def test_nobody_chooses_for_somebody_else(city: City) -> None:
    change_preferences(actor(city.coordinator), Wishes(wants_optional=False), now=NOON)
    assert [row.account_id for row in db.session.scalars(select(ReminderPreference))] == [city.coordinator.id]
    with pytest.raises(Forbidden):
        change_preferences(system("flask"), Wishes(wants_optional=False), now=NOON)


@pytest.mark.parametrize("days", [frozenset[int](), frozenset({5}), frozenset({0, 6}), frozenset({-1})])
def test_at_least_one_working_day_stays(city: City, days: frozenset[int]) -> None:
    assert refused(city, Wishes(weekdays=days)).field == "weekdays"


@pytest.mark.parametrize("at", [time(5, 59), time(20, 1), time(0), time(23, 59)])
def test_the_mail_of_the_day_is_wished_for_by_daylight(city: City, at: time) -> None:
    assert refused(city, Wishes(send_time=at)).field == "send_time"


@pytest.mark.parametrize("at", [time(6), time(20)])
def test_the_first_and_the_last_time_are_allowed(city: City, at: time) -> None:
    change(city, Wishes(send_time=at))
    assert stored(city).send_time == at


@pytest.mark.parametrize("days", [-1, 366, 5000])
def test_a_pause_ends_within_a_year_and_not_before_it_begins(city: City, days: int) -> None:
    assert refused(city, Wishes(paused_until_on=WEDNESDAY + timedelta(days=days))).field == "paused_until_on"


@pytest.mark.parametrize("days", [0, 365])
def test_a_pause_may_last_a_day_or_a_year(city: City, days: int) -> None:
    until_on = WEDNESDAY + timedelta(days=days)
    change(city, Wishes(paused_until_on=until_on))
    assert stored(city).paused_until_on == until_on


def test_a_pause_that_is_over_stands_in_the_way_of_no_other_wish(city: City) -> None:
    change(city, Wishes(paused_until_on=WEDNESDAY))
    later = NOON + timedelta(days=30)
    change(city, replace(stored(city), wants_optional=False), later)
    assert not stored(city).wants_optional


# -- peers: preferences that nothing reads

CASES: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "weekdays": ({"weekdays": [0, 1, 2, 3, 4]}, {"weekdays": [0, 1]}),
    "send_time": ({"send_time": None}, {"send_time": time(15)}),
    "paused_until_on": ({"paused_until_on": None}, {"paused_until_on": WEDNESDAY}),
    "wants_optional": ({"wants_optional": True}, {"wants_optional": False}),
}
"""A column of the table → two rows that differ in it alone, on a Wednesday."""


def test_peer_8_every_preference_that_is_stored_is_read_by_the_engine(city: City) -> None:
    columns = {column.name for column in ReminderPreference.__table__.columns} - {"account_id"}
    assert columns == CASES.keys(), "a column without a case may be one that nothing reads"
    add_milestone(city.measure, WEDNESDAY + timedelta(days=7))
    programmes = queries.list_programmes()
    for column, (one, other) in CASES.items():
        plans = []
        for values in (one, other):
            row = add(ReminderPreference(account_id=city.lead.id, **values))
            plans.append(plan_day(programmes, NOON).posts)
            db.session.delete(row)
            db.session.flush()
        assert plans[0] != plans[1], f"two wishes that differ in {column} alone lead to the same plan"


# -- what cannot be switched off


def owe(city: City, due_on: date) -> Obligation:
    grant = add(Grant(programme=city.programme, key="g", title=Localized("Zuwendung"), measures=[city.measure]))
    return add(  # type: ignore[no-any-return]
        Obligation(grant=grant, key="o", kind="proof_of_use", title=Localized("Nachweis"), due_on=due_on)
    )


def titles(city: City, account: Any) -> tuple[list[str], list[str]]:
    found = outlook.duties_of(account.id, WEDNESDAY)
    return [str(one.title) for one in found.obligations], [str(one.title) for one in found.overdue]


@pytest.fixture
def silent(city: City) -> City:
    """A measure that owes no updates, so that the duties are those of the test."""
    city.measure.status = "approved"
    return city


def test_an_obligation_counts_long_before_it_is_due_and_a_milestone_only_afterwards(silent: City) -> None:
    owe(silent, WEDNESDAY + timedelta(days=300))
    add_milestone(silent.measure, WEDNESDAY, title=Localized("Heute"))
    add_milestone(silent.measure, WEDNESDAY - timedelta(days=1), title=Localized("Gestern"))
    assert titles(silent, silent.lead) == (["Nachweis"], ["Gestern"])


def test_what_is_overdue_counts_for_everybody_whom_a_later_step_calls(silent: City) -> None:
    add_milestone(silent.measure, WEDNESDAY - timedelta(days=1), title=Localized("Gestern"))
    assert titles(silent, silent.head) == ([], ["Gestern"])
    assert titles(silent, silent.coordinator) == ([], [])


def test_a_step_that_no_longer_calls_somebody_makes_no_duty_of_theirs(silent: City) -> None:
    add_milestone(silent.measure, WEDNESDAY - timedelta(days=1))
    for step in silent.programme.steps:
        if step.offset_days > 0:
            step.recipients = ["coordinator"]
    assert titles(silent, silent.lead) == ([], [])
    assert len(titles(silent, silent.coordinator)[1]) == 1


def test_whoever_stands_in_has_the_duties_of_the_absent_too(silent: City) -> None:
    owe(silent, WEDNESDAY + timedelta(days=30))
    add_absence(silent.lead, silent.other_lead, WEDNESDAY, WEDNESDAY)
    assert titles(silent, silent.other_lead) == (["Nachweis"], [])


def test_duties_of_every_programme_are_counted(silent: City) -> None:
    owe(silent, WEDNESDAY + timedelta(days=30))
    other = add_programme()
    grant = add(Grant(programme=other, key="h", title=Localized("Zweite"), measures=[silent.measure]))
    add(Obligation(grant=grant, key="p", kind="report", title=Localized("Bericht"), due_on=date(2023, 4, 1)))
    assert titles(silent, silent.lead) == (["Bericht", "Nachweis"], [])


def test_what_is_called_binding_is_mailed_in_spite_of_every_wish(silent: City) -> None:
    """The page promises what the engine does."""
    owe(silent, WEDNESDAY + timedelta(days=7))
    add_milestone(silent.measure, WEDNESDAY - timedelta(days=7), title=Localized("Überfällig"))
    add_milestone(silent.measure, WEDNESDAY + timedelta(days=7), title=Localized("Bald"))
    change(silent, Wishes(frozenset({0}), None, WEDNESDAY + timedelta(days=90), wants_optional=False))
    (post,) = (post for post in plan_day(queries.list_programmes(), NOON).posts if post.account_id == silent.lead.id)
    said = {str(reminder.deadline.title) for reminder in post.reminders}
    assert said == {"Nachweis", "Überfällig"} == {title for part in titles(silent, silent.lead) for title in part}
    assert post.leaves_at == clock.at(WEDNESDAY, time(7))
