from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest

from app.core.localized import Localized
from app.deadlines.deadline import Deadline, Kind, Place
from app.organisations.absence import Away, StandIn
from app.programmes.ladder import DEFAULT_LADDER, Audience
from app.reminders import policy
from app.reminders.policy import Key, Reminder, Step

LEAD, HEAD, COORDINATOR, DEPUTY, NAMED = (UUID(int=number) for number in range(1, 6))
DUE_ON = date(2023, 4, 14)
PROGRAMME = uuid4()

LADDER = (
    Step("before-30", -30, None, frozenset({Audience.PROJECT_LEAD})),
    Step("before-14", -14, None, frozenset({Audience.PROJECT_LEAD})),
    Step("before-7", -7, None, frozenset({Audience.PROJECT_LEAD})),
    Step("before-1", -1, None, frozenset({Audience.PROJECT_LEAD})),
    Step("on-the-day", 0, None, frozenset({Audience.PROJECT_LEAD})),
    Step("after", 7, 7, frozenset({Audience.PROJECT_LEAD, Audience.DEPARTMENT_HEAD})),
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
        recipients={
            Audience.PROJECT_LEAD: leads,
            Audience.DEPARTMENT_HEAD: heads,
            Audience.COORDINATOR: (COORDINATOR,),
        },
        responsible=leads,
        endpoint="milestones.request_approval",
        values={},
        doers=(LEAD,),
        page=Place("milestones.show", {}),
        programme_id=PROGRAMME,
    )


def due(
    deadline: Deadline,
    today: date,
    *,
    steps: Sequence[Step] = LADDER,
    ledger: Collection[Key] = frozenset(),
    away: Away = {},  # noqa: B006 (never changed)
) -> list[Reminder]:
    return list(policy.due([deadline], steps, ledger, today, "NW", away))


def short(reminders: list[Reminder]) -> set[tuple[str, UUID, str]]:
    """Step, person and outcome of everything decided."""
    return {
        (key.step, key.recipient_id, "mailed" if key.step == reminder.key else "superseded")
        for reminder in reminders
        for key in reminder.keys
    }


def mailed(reminders: list[Reminder]) -> list[str]:
    return [reminder.key for reminder in reminders]


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
    decisions = due(a_deadline(heads=()), today)
    assert mailed(decisions) == [step]


def test_nothing_is_due_before_the_first_step() -> None:
    assert due(a_deadline(), DUE_ON - timedelta(days=31)) == []


def test_a_deadline_without_a_date_reminds_nobody() -> None:
    assert due(a_deadline(None), DUE_ON) == []


def test_peer_2_a_step_whose_day_was_missed_is_mailed_on_the_next_day() -> None:
    ledger = keys("before-30", "before-14")
    decisions = due(a_deadline(), DUE_ON - timedelta(days=6), ledger=ledger)
    assert short(decisions) == {("before-7", LEAD, "mailed")}


def test_peer_3_steps_after_the_due_day_are_reached_for_what_is_long_past() -> None:
    decisions = due(a_deadline(heads=()), DUE_ON + timedelta(days=365))
    assert mailed(decisions) == ["after#52"]


def test_peer_4_each_recipient_has_a_step_of_their_own() -> None:
    everything = keys("before-30", "before-14", "before-7", "before-1", "on-the-day", "after")
    decisions = due(a_deadline(), DUE_ON + timedelta(days=7), ledger=everything)
    assert short(decisions) == {("after", HEAD, "mailed")}


def test_peer_5_the_due_day_itself_is_no_day_after() -> None:
    decisions = due(a_deadline(), DUE_ON)
    assert mailed(decisions) == ["on-the-day"]


def test_peer_7_a_person_in_two_roles_is_reminded_once() -> None:
    both = a_deadline(leads=(LEAD,), heads=(LEAD,))
    decisions = due(both, DUE_ON + timedelta(days=7))
    assert mailed(decisions) == ["after"]


def test_two_steps_on_one_day_for_one_person_are_one_mail() -> None:
    ladder = (*LADDER, Step("escalation", 7, None, frozenset({Audience.DEPARTMENT_HEAD})))
    decisions = due(a_deadline(), DUE_ON + timedelta(days=7), steps=ladder)
    assert {(key, person) for key, person, outcome in short(decisions) if outcome == "mailed"} == {
        ("after", LEAD),
        ("escalation", HEAD),
    }
    assert ("after", HEAD, "superseded") in short(decisions)


def test_peer_9_a_distance_of_weeks_is_whole_days() -> None:
    step = Step("far", -100, None, frozenset({Audience.PROJECT_LEAD}))
    assert mailed(due(a_deadline(), DUE_ON - timedelta(days=100), steps=[step])) == ["far"]
    assert due(a_deadline(), DUE_ON - timedelta(days=101), steps=[step]) == []


def test_of_several_steps_due_at_once_only_the_latest_is_mailed() -> None:
    decisions = due(a_deadline(), DUE_ON - timedelta(days=6))
    assert short(decisions) == {
        ("before-30", LEAD, "superseded"),
        ("before-14", LEAD, "superseded"),
        ("before-7", LEAD, "mailed"),
    }


def test_an_earlier_step_that_is_new_to_the_ladder_is_still_said_once() -> None:
    """The rule knows no exception: what has been reached and is not in the ledger is due."""
    decisions = due(a_deadline(), DUE_ON - timedelta(days=10), ledger=keys("before-14"))
    assert short(decisions) == {("before-30", LEAD, "mailed")}


def test_a_moved_due_day_reminds_anew() -> None:
    ledger = keys("before-30", "before-14", "before-7", version=1)
    moved = a_deadline(DUE_ON + timedelta(days=7), version=2)
    decisions = due(moved, DUE_ON - timedelta(days=7), ledger=ledger)
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
    assert policy.days_ahead(LADDER) == 30 + policy.LONGEST_HOLIDAYS
    assert policy.days_ahead(()) == policy.LONGEST_HOLIDAYS


# -- working days --------------------------------------------------------------------------------------------------


def on(offset: int, *, repeat: int | None = None, working_days: bool = False) -> Step:
    return Step("step", offset, repeat, frozenset({Audience.PROJECT_LEAD}), working_days)


@pytest.mark.parametrize(
    ("step", "due_on", "day"),
    [
        (on(0), date(2023, 4, 15), date(2023, 4, 14)),  # a Saturday: the Friday before
        (on(-1), date(2023, 4, 17), date(2023, 4, 14)),  # the Sunday before a Monday
        (on(-1), date(2023, 4, 11), date(2023, 4, 6)),  # over Easter, with Good Friday
        (on(0), date(2023, 6, 8), date(2023, 6, 7)),  # Fronleichnam is a holiday in North Rhine-Westphalia
        (on(7), date(2023, 10, 25), date(2023, 11, 2)),  # and so is Allerheiligen
        (on(1), date(2023, 4, 14), date(2023, 4, 17)),  # after the due day: the next one
        (on(-5, working_days=True), date(2023, 4, 14), date(2023, 4, 5)),  # Good Friday and Easter Monday left out
        (on(-1, working_days=True), date(2023, 4, 16), date(2023, 4, 14)),
        (on(3, working_days=True), date(2023, 12, 22), date(2023, 12, 29)),
        (on(0, working_days=True), date(2023, 4, 15), date(2023, 4, 14)),
    ],
)
def test_peer_6_a_step_comes_on_a_working_day_computed_without_a_network(step: Step, due_on: date, day: date) -> None:
    assert step.day(1, due_on, "NW") == day
    assert [rung.day for rung in policy.reached_steps(due_on, [step], day, "NW")] == [day]
    assert policy.reached_steps(due_on, [step], day - timedelta(days=1), "NW") == []


def test_another_state_has_other_holidays() -> None:
    assert on(0).day(1, date(2023, 6, 8), "NI") == date(2023, 6, 8)


def test_repetitions_are_counted_from_the_due_day_and_do_not_drift() -> None:
    days = [rung.day for rung in policy.reached_steps(date(2023, 4, 3), [on(7, repeat=7)], date(2023, 5, 10), "NW")]
    assert days == [date(2023, 4, 11), date(2023, 4, 17), date(2023, 4, 24), date(2023, 5, 2), date(2023, 5, 8)]


def test_a_window_of_days_loses_no_step() -> None:
    for offset in range(-40, 1):
        for working_days in (False, True):
            step = on(offset, working_days=working_days)
            for due_on in (date(2023, 1, 2), date(2023, 4, 11), date(2023, 6, 9), date(2024, 1, 1)):
                assert (due_on - step.day(1, due_on, "NW")).days <= policy.days_ahead([step])


# -- people ----------------------------------------------------------------------------------------------------------


def test_the_default_ladder_goes_from_the_lead_over_the_head_to_the_coordination() -> None:
    steps = [
        Step(rung.key, rung.offset_days, rung.repeat_days, frozenset(rung.recipients)) for rung in DEFAULT_LADDER
    ]

    def told(days: int) -> set[UUID]:
        return {reminder.recipient_id for reminder in due(a_deadline(), DUE_ON + timedelta(days=days), steps=steps)}

    assert [told(days) for days in (-30, 0, 7, 20)] == [{LEAD}, {LEAD}, {LEAD, HEAD}, {LEAD, HEAD}]
    assert told(21) == {LEAD, HEAD, COORDINATOR}
    late = due(a_deadline(), DUE_ON + timedelta(days=28), steps=steps)
    assert {(one.recipient_id, one.key) for one in late} == {
        (LEAD, "overdue#4"),
        (HEAD, "overdue#4"),
        (COORDINATOR, "escalated#2"),
    }


def test_named_people_are_reminded_too_and_a_step_that_lost_all_of_its_people_goes_to_the_head() -> None:
    step = Step("named", 0, None, frozenset(), named=(NAMED,))
    (reminder,) = due(a_deadline(), DUE_ON, steps=[step])
    assert (reminder.recipient_id, reminder.part) == (NAMED, None)
    (fallen,) = due(a_deadline(), DUE_ON, steps=[Step("named", 0, None, frozenset())])
    assert fallen.recipient_id == HEAD


def test_a_deputy_is_reminded_as_well_and_it_is_said_for_whom() -> None:
    reminders = due(a_deadline(), DUE_ON, away={LEAD: StandIn(DEPUTY, only=False)})
    assert {(one.recipient_id, one.for_id, one.part) for one in reminders} == {
        (LEAD, None, Audience.PROJECT_LEAD),
        (DEPUTY, LEAD, Audience.PROJECT_LEAD),
    }


def test_a_deputy_alone_is_reminded_where_that_is_wanted_and_whoever_comes_back_hears_of_it() -> None:
    reminders = due(a_deadline(), DUE_ON, away={LEAD: StandIn(DEPUTY, only=True)})
    assert [one.recipient_id for one in reminders] == [DEPUTY]
    ledger = {key for reminder in reminders for key in reminder.keys}
    (back,) = due(a_deadline(), DUE_ON + timedelta(days=3), ledger=ledger)
    assert (back.recipient_id, back.key) == (LEAD, "on-the-day")


def test_whoever_is_called_themselves_stands_in_for_nobody() -> None:
    reminders = due(a_deadline(), DUE_ON + timedelta(days=7), away={LEAD: StandIn(HEAD, only=False)})
    assert {(one.recipient_id, one.for_id) for one in reminders} == {(LEAD, None), (HEAD, None)}


@pytest.mark.parametrize(
    ("kind", "days", "binding"),
    [(Kind.MILESTONE, 0, False), (Kind.MILESTONE, 7, True), (Kind.OBLIGATION, -30, True), (Kind.APPROVAL, 0, False)],
)
def test_obligations_and_what_is_overdue_are_legally_due(kind: Kind, days: int, binding: bool) -> None:
    deadline = a_deadline(heads=())._replace(kind=kind)
    (reminder,) = due(deadline, DUE_ON + timedelta(days=days))
    assert reminder.is_binding is binding


def test_the_words_of_working_days() -> None:
    assert [str(policy.words(step)) for step in (on(-3, working_days=True), on(1, repeat=1, working_days=True))] == [
        "3 Arbeitstage vorher",
        "1 Arbeitstag danach, dann jeden Arbeitstag",
    ]
