from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from itertools import count
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.localized import Localized
from app.deadlines.deadline import Deadline, Kind, Place
from app.organisations.permissions import Role
from app.reminders import policy
from app.reminders.policy import Decision, Key, Outcome, Step

LEAD, HEAD, COORDINATOR = (UUID(int=number) for number in (1, 2, 3))
DUE_ON = date(2023, 4, 14)
PROGRAMME = uuid4()

LADDER = (
    Step("before-30", -30, None, frozenset({Role.PROJECT_LEAD})),
    Step("before-14", -14, None, frozenset({Role.PROJECT_LEAD})),
    Step("before-7", -7, None, frozenset({Role.PROJECT_LEAD})),
    Step("before-1", -1, None, frozenset({Role.PROJECT_LEAD})),
    Step("on-the-day", 0, None, frozenset({Role.PROJECT_LEAD})),
    Step("after", 7, 7, frozenset({Role.PROJECT_LEAD, Role.DEPARTMENT_HEAD})),
)


def a_deadline(
    due_on: date | None = DUE_ON,
    subject: str = "milestone:1",
    version: int = 1,
    leads: tuple[UUID, ...] = (LEAD,),
    heads: tuple[UUID, ...] = (HEAD,),
) -> Deadline:
    return Deadline(
        kind=Kind.MILESTONE,
        subject=subject,
        version=version,
        due_on=due_on,
        title=Localized("Konzept"),
        context=Localized("a-BUS"),
        recipients={Role.PROJECT_LEAD: leads, Role.DEPARTMENT_HEAD: heads, Role.COORDINATOR: (COORDINATOR,)},
        responsible=leads,
        endpoint="milestones.request_approval",
        values={},
        doers=(LEAD,),
        page=Place("milestones.show", {}),
        programme_id=PROGRAMME,
    )


def short(decisions: Iterable[Decision]) -> set[tuple[str, UUID, str]]:
    return {(decision.step, decision.recipient_id, decision.outcome.value) for decision in decisions}


def mailed(decisions: Iterable[Decision]) -> list[str]:
    return [decision.step for decision in decisions if decision.outcome is Outcome.MAILED]


def keys(*steps: str, person: UUID = LEAD, version: int = 1) -> set[Key]:
    return {Key("milestone:1", version, step, person) for step in steps}


@pytest.mark.parametrize(
    ("today", "step"),
    [
        (DUE_ON - timedelta(days=30), "before-30"),
        (DUE_ON - timedelta(days=14), "before-14"),
        (DUE_ON - timedelta(days=7), "before-7"),
        (DUE_ON - timedelta(days=1), "before-1"),
        (DUE_ON, "on-the-day"),
        (DUE_ON + timedelta(days=7), "after"),
        (DUE_ON + timedelta(days=14), "after#2"),
        (DUE_ON + timedelta(days=21), "after#3"),
    ],
)
def test_a_step_is_mailed_on_its_day(today: date, step: str) -> None:
    decisions = policy.due([a_deadline(heads=())], LADDER, set(), today)
    assert mailed(decisions) == [step]


def test_nothing_is_due_before_the_first_step() -> None:
    assert policy.due([a_deadline()], LADDER, set(), DUE_ON - timedelta(days=31)) == []


def test_a_deadline_without_a_date_reminds_nobody() -> None:
    assert policy.due([a_deadline(None)], LADDER, set(), DUE_ON) == []


def test_peer_2_a_step_whose_day_was_missed_is_mailed_on_the_next_day() -> None:
    ledger = keys("before-30", "before-14")
    decisions = policy.due([a_deadline()], LADDER, ledger, DUE_ON - timedelta(days=6))
    assert short(decisions) == {("before-7", LEAD, "mailed")}


def test_peer_3_steps_after_the_due_day_are_reached_for_what_is_long_past() -> None:
    decisions = policy.due([a_deadline(heads=())], LADDER, set(), DUE_ON + timedelta(days=365))
    assert mailed(decisions) == ["after#52"]


def test_peer_4_each_recipient_has_a_step_of_their_own() -> None:
    everything = keys("before-30", "before-14", "before-7", "before-1", "on-the-day", "after")
    decisions = policy.due([a_deadline()], LADDER, everything, DUE_ON + timedelta(days=7))
    assert short(decisions) == {("after", HEAD, "mailed")}


def test_peer_5_the_due_day_itself_is_no_day_after() -> None:
    decisions = policy.due([a_deadline()], LADDER, set(), DUE_ON)
    assert mailed(decisions) == ["on-the-day"]


def test_peer_7_a_person_in_two_roles_is_reminded_once() -> None:
    both = a_deadline(leads=(LEAD,), heads=(LEAD,))
    decisions = policy.due([both], LADDER, set(), DUE_ON + timedelta(days=7))
    assert mailed(decisions) == ["after"]


def test_two_steps_on_one_day_for_one_person_are_one_mail() -> None:
    ladder = (*LADDER, Step("escalation", 7, None, frozenset({Role.DEPARTMENT_HEAD})))
    decisions = policy.due([a_deadline()], ladder, set(), DUE_ON + timedelta(days=7))
    assert {(key, person) for key, person, outcome in short(decisions) if outcome == "mailed"} == {
        ("after", LEAD),
        ("escalation", HEAD),
    }
    assert ("after", HEAD, "superseded") in short(decisions)


def test_peer_9_a_distance_of_weeks_is_whole_days() -> None:
    step = Step("far", -100, None, frozenset({Role.PROJECT_LEAD}))
    assert mailed(policy.due([a_deadline()], [step], set(), DUE_ON - timedelta(days=100))) == ["far"]
    assert policy.due([a_deadline()], [step], set(), DUE_ON - timedelta(days=101)) == []


def test_of_several_steps_due_at_once_only_the_latest_is_mailed() -> None:
    decisions = policy.due([a_deadline()], LADDER, set(), DUE_ON - timedelta(days=6))
    assert short(decisions) == {
        ("before-30", LEAD, "superseded"),
        ("before-14", LEAD, "superseded"),
        ("before-7", LEAD, "mailed"),
    }


def test_a_step_before_one_already_mailed_is_never_mailed_late() -> None:
    ledger = keys("before-14")
    decisions = policy.due([a_deadline()], LADDER, ledger, DUE_ON - timedelta(days=10))
    assert short(decisions) == {("before-30", LEAD, "superseded")}


def test_a_moved_due_day_reminds_anew() -> None:
    ledger = keys("before-30", "before-14", "before-7", version=1)
    moved = a_deadline(DUE_ON + timedelta(days=7), version=2)
    decisions = policy.due([moved], LADDER, ledger, DUE_ON - timedelta(days=7))
    assert mailed(decisions) == ["before-14"]


def test_the_words_of_a_ladder() -> None:
    assert [str(policy.words(step)) for step in LADDER] == [
        "30 Tage vorher",
        "14 Tage vorher",
        "7 Tage vorher",
        "1 Tag vorher",
        "am Tag selbst",
        "7 Tage danach, dann alle 7 Tage",
    ]


def test_the_words_of_a_repetition_count_its_days() -> None:
    assert str(policy.words_for_key("after#3", LADDER)) == "21 Tage danach"
    assert str(policy.words_for_key("before-1", LADDER)) == "1 Tag vorher"
    assert policy.words_for_key("gone", LADDER) is None


def test_the_first_step_says_how_far_ahead_to_look() -> None:
    assert policy.days_ahead(LADDER) == 30
    assert policy.days_ahead(()) == 0


# -- invariants, against days counted out one by one ---------------------------------------------------------------

PEOPLE = st.lists(st.sampled_from([LEAD, HEAD, COORDINATOR]), max_size=2).map(tuple)
ROLES = st.frozensets(st.sampled_from([Role.PROJECT_LEAD, Role.DEPARTMENT_HEAD, Role.COORDINATOR]), min_size=1)
DAYS = st.dates(date(2023, 1, 1), date(2023, 4, 30))
unhurried = settings(deadline=None)  # a busy machine is no error


@st.composite
def ladders(draw: st.DrawFn) -> tuple[Step, ...]:
    offsets = draw(st.lists(st.integers(-40, 40), max_size=6))
    steps = []
    for number, offset in enumerate(offsets):
        repeat = draw(st.none() | st.integers(1, 20)) if offset > 0 else None
        steps.append(Step(f"step-{number}", offset, repeat, draw(ROLES)))
    return tuple(steps)


@st.composite
def many_deadlines(draw: st.DrawFn) -> list[Deadline]:
    days = draw(st.lists(st.none() | DAYS, max_size=3))
    return [a_deadline(day, f"milestone:{n}", leads=draw(PEOPLE), heads=draw(PEOPLE)) for n, day in enumerate(days)]


def days_of(step: Step, due_on: date, until: date) -> dict[str, date]:
    """The days of a step, counted out."""
    days: dict[str, date] = {}
    for number in count(1):
        day = due_on + timedelta(days=step.offset_days) + timedelta(days=(step.repeat_days or 0) * (number - 1))
        if day > until or (number > 1 and not step.repeat_days):
            break
        days[step.key if number == 1 else f"{step.key}#{number}"] = day
    return days


def reached(deadline: Deadline, steps: Iterable[Step], person: UUID, until: date) -> dict[str, date]:
    days: dict[str, date] = {}
    for step in steps:
        if deadline.due_on and any(person in deadline.recipients[role] for role in step.recipients):
            days |= days_of(step, deadline.due_on, until)
    return days


def run(deadlines: list[Deadline], steps: tuple[Step, ...], days: Iterable[date]) -> list[tuple[date, Decision]]:
    """The sweeps of these days, in the order given."""
    ledger: set[Key] = set()
    history = []
    for day in days:
        for decision in policy.due(deadlines, steps, ledger, day):
            assert decision.key not in ledger, "decided twice"
            ledger.add(decision.key)
            history.append((day, decision))
    return history


@unhurried
@given(many_deadlines(), ladders(), st.lists(DAYS, max_size=6))
def test_running_twice_changes_nothing(deadlines: list[Deadline], steps: tuple[Step, ...], days: list[date]) -> None:
    twice = [day for day in days for _ in range(2)]
    assert run(deadlines, steps, twice) == run(deadlines, steps, days)


@unhurried
@given(many_deadlines(), ladders(), st.lists(DAYS, max_size=6))
def test_nothing_is_decided_before_its_day(
    deadlines: list[Deadline], steps: tuple[Step, ...], days: list[date]
) -> None:
    for today, decision in run(deadlines, steps, days):
        assert decision.step in reached(decision.deadline, steps, decision.recipient_id, today)


@unhurried
@given(many_deadlines(), ladders(), st.lists(DAYS, min_size=1, max_size=6), DAYS)
def test_an_outage_of_any_length_loses_no_final_state(
    deadlines: list[Deadline], steps: tuple[Step, ...], days: list[date], last: date
) -> None:
    """Whatever days were swept, once `last` has been everything reached by then has been decided."""
    decided = {decision.key for _, decision in run(deadlines, steps, [*(day for day in days if day <= last), last])}
    assert decided == {
        Key(deadline.subject, deadline.version, step, person)
        for deadline in deadlines
        for person in (LEAD, HEAD, COORDINATOR)
        for step in reached(deadline, steps, person, last)
    }


@unhurried
@given(many_deadlines(), ladders(), st.lists(DAYS, max_size=6))
def test_a_sweep_mails_a_person_a_deadline_once_at_most_and_then_its_latest_step(
    deadlines: list[Deadline], steps: tuple[Step, ...], days: list[date]
) -> None:
    seen: set[tuple[date, str, UUID]] = set()
    for today, decision in run(deadlines, steps, days):
        if decision.outcome is Outcome.MAILED:
            place = (today, decision.deadline.subject, decision.recipient_id)
            assert place not in seen, "two mails about one deadline"
            seen.add(place)
            step_days = reached(decision.deadline, steps, decision.recipient_id, today)
            assert step_days[decision.step] == max(step_days.values())


@unhurried
@given(many_deadlines(), ladders(), DAYS)
def test_whoever_is_reached_for_the_first_time_gets_a_mail(
    deadlines: list[Deadline], steps: tuple[Step, ...], today: date
) -> None:
    decisions = policy.due(deadlines, steps, set(), today)
    told = {(d.deadline.subject, d.recipient_id) for d in decisions if d.outcome is Outcome.MAILED}
    assert told == {
        (deadline.subject, person)
        for deadline in deadlines
        for person in (LEAD, HEAD, COORDINATOR)
        if reached(deadline, steps, person, today)
    }
