"""The proof: whatever happens, the engine says what the rules say, each of it once.

The oracle is `app/simulation/rulebook.py`, written from the rules and from nothing else. `PROOF_EXAMPLES` sets how
many random histories are played; without it a small number, the same every time.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from app.core.localized import Localized
from app.deadlines import deadline as engine
from app.deadlines.deadline import Kind, People
from app.organisations.absence import StandIn
from app.programmes.ladder import Audience
from app.reminders import policy
from app.reminders.planning import posts_of
from app.reminders.wishes import Wishes
from app.simulation import rulebook
from tests.reminders.arrange_proof import OWN_TIMES, PARTS, SEND_TIMES, ZONES, Town, a_town, noon

EXAMPLES = int(os.environ.get("PROOF_EXAMPLES", "0"))
HISTORIES = settings(
    max_examples=EXAMPLES or 40,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    phases=[Phase.generate],  # to shrink such a history takes minutes
    suppress_health_check=list(HealthCheck),
)
CASES = settings(max_examples=20 * EXAMPLES or 500, derandomize=not EXAMPLES, database=None, deadline=None)

# -- the policy alone ----------------------------------------------------------------------------------------------

IDS = {name: uuid5(UUID(int=0), name) for name in "abcdefg"}
NAMES = {key: name for name, key in IDS.items()}
PROGRAMME = UUID(int=99)

names = st.sampled_from(sorted(IDS))
some = st.lists(names, unique=True, max_size=2).map(tuple)
days = st.dates(date(2023, 3, 1), date(2023, 6, 30)) | st.dates(date(2023, 10, 1), date(2024, 1, 31))


@st.composite
def ladders(draw: st.DrawFn) -> tuple[rulebook.Step, ...]:
    def a_step(key: str) -> rulebook.Step:
        offset = draw(st.integers(-45, 30))
        parts = frozenset(draw(st.lists(st.sampled_from(PARTS), max_size=3)))
        named = draw(some)
        every = draw(st.sampled_from([None, 2, 7])) if offset > 0 else None
        return rulebook.Step(key, offset, parts, every, draw(st.booleans()), named)

    steps = (a_step(f"step{number}") for number in range(draw(st.integers(1, 5))))
    return tuple(step for step in steps if step.parts or step.named)


@st.composite
def deadlines(draw: st.DrawFn) -> tuple[rulebook.Deadline, ...]:
    return tuple(
        rulebook.Deadline(
            kind=draw(st.sampled_from(["milestone", "obligation", "approval"])),
            subject=f"thing:{number}",
            version=draw(st.integers(1, 2)),
            due_on=draw(days),
            programme=str(PROGRAMME),
            leads=draw(some),
            deputies=draw(some),
            heads=draw(some),
            coordinators=draw(some),
            administrators=draw(some) or ("g",),
        )
        for number in range(draw(st.integers(1, 3)))
    )


absences = st.lists(
    st.tuples(names, names, st.booleans()).filter(lambda one: one[0] != one[1]),
    max_size=5,
    unique_by=lambda one: one[0],
)


def as_the_engine_reads(row: rulebook.Deadline) -> engine.Deadline:
    people = [row.leads, row.deputies, row.heads, row.coordinators, row.administrators]
    behind = People(*(tuple(IDS[name] for name in names) for names in people))
    return engine.Deadline(
        kind=Kind(row.kind),
        subject=row.subject,
        version=row.version,
        due_on=row.due_on,
        title=Localized(row.subject),
        context=Localized("Maßnahme"),
        recipients=behind.by_role(),
        responsible=(),
        endpoint="x",
        values={},
        doers=(),
        page=engine.Place("x", {}),
        programme_id=PROGRAMME,
    )


def as_the_policy_reads(step: rulebook.Step) -> policy.Step:
    return policy.Step(
        step.key,
        step.offset,
        step.every,
        frozenset(Audience(part) for part in step.parts),
        step.working_days,
        tuple(IDS[name] for name in step.named),
    )


def said_by_policy(
    due: tuple[rulebook.Deadline, ...],
    steps: tuple[rulebook.Step, ...],
    ledger: set[rulebook.Row],
    today: date,
    away: list[tuple[str, str, bool]],
) -> list[policy.Reminder]:
    return list(
        policy.due(
            [as_the_engine_reads(row) for row in due],
            [as_the_policy_reads(step) for step in steps],
            {policy.Key(subject, version, step, IDS[name]) for subject, version, step, name in ledger},
            today,
            "NW",
            {IDS[person]: StandIn(IDS[deputy], only) for person, deputy, only in away},
        )
    )


@pytest.mark.timeout(300 + 5 * EXAMPLES)
@CASES
@given(
    due=deadlines(),
    steps=ladders(),
    first=days,
    again=st.lists(st.integers(0, 25), max_size=4),
    away=absences,
    forgotten=st.integers(1, 5),
)
def test_the_policy_says_what_the_rules_say(
    due: tuple[rulebook.Deadline, ...],
    steps: tuple[rulebook.Step, ...],
    first: date,
    again: list[int],
    away: list[tuple[str, str, bool]],
    forgotten: int,
) -> None:
    """On a first day and on others after it, with a ledger in which every so many rows are missing."""
    ledger: set[rulebook.Row] = set()
    day = first
    for pause in [0, *again]:
        day += timedelta(days=pause)
        gone = [rulebook.Absence(person, day, day, deputy, only) for person, deputy, only in away]
        wanted = rulebook.due_on_day(due, steps, ledger, day, gone)
        found = said_by_policy(due, steps, ledger, day, away)
        assert Counter(
            (one.deadline.subject, NAMES[one.recipient_id], one.key, one.superseded, one.today, one.is_binding)
            for one in found
        ) == Counter(
            (line.deadline.subject, line.person, line.key, line.superseded, line.day, line.is_legally_due)
            for line in wanted
        )
        assert {NAMES[one.for_id] for one in found if one.for_id} <= {person for person, _, _ in away}
        rows = [row for line in wanted for row in line.rows]
        ledger.update(row for number, row in enumerate(rows, start=1) if number % (forgotten + 1))


@CASES
@given(
    due=deadlines(),
    steps=ladders(),
    today=days,
    weekdays=st.frozensets(st.integers(0, 4)) | st.just(frozenset(range(5))),
    own_time=st.sampled_from(OWN_TIMES),
    pause=st.none() | st.integers(-2, 2),
    optional=st.sampled_from([True, True, False]),
    hours=st.integers(0, 23),
)
def test_a_person_s_mail_of_a_day_holds_what_the_rules_say_and_leaves_when_they_say(
    due: tuple[rulebook.Deadline, ...],
    steps: tuple[rulebook.Step, ...],
    today: date,
    weekdays: frozenset[int],
    own_time: time | None,
    pause: int | None,
    optional: bool,
    hours: int,
) -> None:
    until = None if pause is None else today + timedelta(days=pause)
    theirs: dict[UUID, list[policy.Reminder]] = {}
    for one in said_by_policy(due, steps, set(), today, []):
        theirs.setdefault(one.recipient_id, []).append(one)
    sends_at = datetime.combine(today, time(hours), rulebook.CITY).astimezone(UTC)
    own = Wishes(weekdays, own_time, until, optional)
    posts = posts_of(theirs, dict.fromkeys(theirs, own), {PROGRAMME: sends_at}, today)
    found = {
        NAMES[post.account_id]: (post.leaves_at, [(one.deadline.subject, one.key) for one in post.reminders])
        for post in posts
    }
    lines = rulebook.due_on_day(due, steps, (), today)
    said = rulebook.Wishes(weekdays, own_time, until, optional)
    mails = [
        rulebook.mail_for(
            name, [line for line in lines if line.person == name], said, today, {str(PROGRAMME): sends_at}
        )
        for name in IDS
    ]
    assert found == {
        mail.person: (mail.leaves_at, [(line.deadline.subject, line.key) for line in mail.lines])
        for mail in mails
        if mail
    }


# -- whole histories on the database -------------------------------------------------------------------------------

person = st.integers(0, 6)
place = st.integers(0, 2)
programme = st.integers(0, 1)
number = st.integers(0, 11)
weekdays = st.just(frozenset(range(5))) | st.frozensets(st.integers(0, 4))
happenings: Mapping[str, st.SearchStrategy[Any]] = {
    "enter_milestone": st.tuples(place, st.integers(-40, 35)),
    "enter_obligation": st.tuples(programme, st.integers(-25, 35)),
    "move": st.tuples(number, st.integers(-20, 40)),
    "ask_approval": st.tuples(number, person),
    "return_approval": st.tuples(number),
    "rest": st.tuples(place, st.booleans()),
    "set_lead": st.tuples(place, st.none() | person),
    "set_head": st.tuples(place, st.none() | person),
    "open_account": st.tuples(person, st.booleans()),
    "set_deputy": st.tuples(person, st.none() | person),
    "go_away": st.tuples(person, st.integers(-3, 3), st.integers(0, 20), person, st.booleans()),
    "wish": st.tuples(
        person,
        weekdays,
        st.integers(0, len(OWN_TIMES) - 1),
        st.none() | st.integers(0, 10),
        st.sampled_from([True, True, False]),
    ),
    "add_step": st.tuples(
        programme,
        st.integers(-20, 15),
        st.sampled_from([0, 2, 5]),
        st.booleans(),
        st.frozensets(st.sampled_from(PARTS), max_size=2),
        st.none() | person,
    ),
    "remove_step": st.tuples(programme, number),
    "send_at": st.tuples(programme, st.integers(0, len(SEND_TIMES) - 1), st.integers(0, len(ZONES) - 1)),
    "spoil_mail_of": st.tuples(person, st.sampled_from([True, False, False])),
    "wait": st.tuples(st.integers(1, 3 * 24 * 60)),
    "reopen": st.tuples(number),
}
happening = st.one_of(*(st.tuples(st.just(name), arguments) for name, arguments in happenings.items()))
entering = st.one_of(
    *(st.tuples(st.just(name), happenings[name]) for name in ("enter_milestone", "enter_obligation"))
)
settling = st.tuples(st.just("settle"), st.tuples(number))
asking = st.tuples(st.just("ask_approval"), happenings["ask_approval"])
minutes = st.integers(0, 4 * 60) | st.integers(0, 36 * 60)
beats = st.one_of(
    st.tuples(st.just("sweep"), st.tuples(minutes)),
    st.tuples(st.just("sweep"), st.tuples(minutes)),
    st.tuples(st.just("days"), st.tuples(st.integers(1, 8), st.integers(-90, 90))),
    st.tuples(st.just("outage"), st.tuples(st.integers(1, 30 * 24 * 60))),
)
picky = st.tuples(
    st.sampled_from([0, 0, 2]),
    st.frozensets(st.integers(0, 4), min_size=1, max_size=3),
    st.integers(0, len(OWN_TIMES) - 1),
    st.none() | st.integers(0, 10),
    st.just(True),
)
arranging = st.one_of(
    *(st.tuples(st.just(name), happenings[name]) for name in ("go_away", "send_at")),
    *(st.tuples(st.just("wish"), wishes) for wishes in (picky, picky, happenings["wish"])),
    st.tuples(st.just("open_account"), st.tuples(st.sampled_from([0, 2, 4, 5]), st.just(False))),
)
histories = st.tuples(
    st.lists(arranging, max_size=4),
    st.lists(entering, min_size=2, max_size=5),
    st.lists(st.one_of(happening, happening, entering, settling, asking, beats, beats), min_size=8, max_size=28),
).map(lambda parts: [one for part in parts for one in part])
beginnings = st.sampled_from(
    [
        date(2023, 3, 15),  # the clocks change on the 26th, Easter on 9 April
        date(2023, 5, 11),  # Ascension, Whitsun, Fronleichnam
        date(2023, 10, 20),  # the clocks change on the 29th, Allerheiligen
        date(2023, 12, 15),  # Christmas and the new year
        date(2024, 2, 20),  # a leap day
    ]
)


def play(town: Town, name: str, arguments: tuple[Any, ...], faults: tuple[bool, bool]) -> None:
    if name == "sweep":
        town.sweep(*arguments, crashes=faults[0], twice=faults[1])
    elif name == "outage":
        town.wait(*arguments)
        town.sweep(0, crashes=faults[0], twice=faults[1])
    elif name == "settle":
        town.settle(*arguments, dropped=faults[0])
    else:
        getattr(town, name)(*arguments)


@pytest.mark.timeout(300 + 5 * EXAMPLES)  # machines differ; alone it takes some twenty seconds
def test_whatever_happens_each_sweep_says_what_the_rules_say(app: Flask) -> None:
    """Sweeps at random instants, outages, crashes before the commit, sweeps twice; and between them whatever a town
    can do to its deadlines, people, absences, wishes, ladders and send times."""
    seen: Counter[str] = Counter()

    @HISTORIES
    @given(
        beginning=beginnings, history=histories, faults=st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1)
    )
    def history_unfolds(
        beginning: date,
        history: list[tuple[str, tuple[Any, ...]]],
        faults: list[tuple[bool, bool]],
    ) -> None:
        with a_town(noon(beginning)) as town:
            for index, (name, arguments) in enumerate([*history, ("days", (3, 0))]):
                play(town, name, arguments, faults[index % len(faults)])
            seen.update(town.happened)

    history_unfolds()
    for what in ("milestone", "obligation", "approval", "superseded", "in place of", "waits", "several", "after"):
        assert seen[what], (what, seen)


@pytest.mark.parametrize("with_head_above", [True, False])
def test_a_request_passes_over_a_head_for_whom_only_whoever_asked_stands_in(
    app: Flask, with_head_above: bool
) -> None:
    """To the head above and, where there is none, to the coordination, in the reminders of every step."""
    with a_town(noon(date(2023, 3, 15))) as town:
        town.set_head(2, 3)
        if not with_head_above:
            town.set_head(0, None)
        town.enter_milestone(2, 20)
        town.ask_approval(0, 0)
        town.go_away(3, 0, 20, 0, True)
        town.days(14, 0)
        assert "only who asked stands in" in town.happened
        told = {person for subject, _, _, person in town.book.ledger if subject.startswith("approval")}
        asker, head, head_above, coordinator = (str(town.people[number].id) for number in (0, 3, 2, 4))
        assert (head_above if with_head_above else coordinator) in told
        assert not told & {asker, head}
        town.days(14, 0)  # the head is back
        assert head in {person for _, _, _, person in town.book.ledger}


def test_what_two_programmes_far_apart_have_to_say_reaches_people_on_the_day(app: Flask) -> None:
    """One that sends in the city's night, one in its morning: neither holds up the other for ever."""
    with a_town(noon(date(2023, 3, 15))) as town:
        town.send_at(1, SEND_TIMES.index(time(20)), ZONES.index("America/New_York"))
        town.set_lead(1, 0)
        town.enter_milestone(0, 3)
        town.enter_milestone(1, 3)
        for _ in range(3 * 24):
            town.sweep(60, crashes=False, twice=False)
        assert {key[1] for key in town.book.ledger if key[3] == str(town.people[0].id)}
        assert len(town.book.had_mail) >= 2


def test_a_programme_that_waits_is_told_in_the_mail_of_the_day_and_not_a_day_later(app: Flask) -> None:
    """Their own time is given up while a mail waits for it: what waits leaves with the next programme."""
    with a_town(datetime(2023, 3, 15, 5, 30, tzinfo=UTC)) as town:
        town.send_at(1, SEND_TIMES.index(time(9)), 0)
        town.set_lead(1, 0)
        town.wish(0, frozenset(range(5)), OWN_TIMES.index(time(21)), None, True)
        town.enter_milestone(0, 3)
        town.enter_milestone(1, 3)
        town.sweep(60, crashes=False, twice=False)  # half past seven: it waits
        town.wish(0, frozenset(range(5)), 0, None, True)
        town.sweep(120, crashes=False, twice=False)
        assert len(town.book.ledger) > 0
        assert "several" in town.happened


def test_who_had_their_mail_of_the_day_is_told_the_rest_the_next_day(app: Flask) -> None:
    """What the second programme gets to say after the first one's mail has left."""
    with a_town(datetime(2023, 3, 15, 5, 30, tzinfo=UTC)) as town:
        town.send_at(1, SEND_TIMES.index(time(9)), 0)
        town.enter_milestone(0, 3)
        town.sweep(60, crashes=False, twice=False)
        assert len(town.book.had_mail) == 1
        town.enter_milestone(1, 3)
        town.sweep(120, crashes=True, twice=True)
        assert len(town.book.had_mail) == 1
        town.sweep(24 * 60, crashes=False, twice=True)
        assert len(town.book.had_mail) == 2
