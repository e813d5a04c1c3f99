"""The books of a replay: what counts as lost, as repeated, and as neither."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from app.simulation.sink import Arrival
from app.simulation.tally import Decision, Tally

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MIDNIGHT = datetime(2023, 3, 15, tzinfo=UTC)
SEVEN = MIDNIGHT + 7 * HOUR
ROW = ("milestone:1", 1, "before-7", "anna")
OTHER = ("milestone:1", 1, "before-1", "anna")


def arrival(message_id: str, at: datetime = SEVEN, link: str = "https://replay.example/milestones/1/x") -> Arrival:
    return Arrival(message_id, "anna@replay.example", at, frozenset({link}))


@pytest.fixture
def tally() -> Tally:
    books = Tally(links={"milestone:1": (frozenset({"1"}),)})
    books.deadlines.add(("milestone:1", 1, date(2023, 3, 22)))
    return books


def demand(tally: Tally, *rows: tuple[str, int, str, str], at: datetime = SEVEN) -> None:
    tally.demand(dict.fromkeys(rows, at))


def mailed(row: tuple[str, int, str, str], message_id: str) -> Decision:
    return Decision(row, "mailed", message_id)


def test_what_is_demanded_decided_and_arrives_is_counted_once(tally: Tally) -> None:
    demand(tally, ROW, OTHER)
    tally.decide([mailed(OTHER, "<m>"), Decision(ROW, "superseded", None)])
    counts = tally.close([arrival("<m>", SEVEN + 3 * HOUR)], crashed=[])
    assert (counts.deadlines, counts.due, counts.mailed, counts.superseded) == (1, 2, 1, 1)
    assert (counts.lost, counts.repeated, counts.repeated_after_crash, counts.unfounded) == (0, 0, 0, 0)
    assert counts.worst_delay_hours == 3


def test_what_is_open_before_a_whole_day_and_after_it_is_lost(tally: Tally) -> None:
    demand(tally, ROW)
    tally.end_whole_day(SEVEN + HOUR)
    assert tally.close([], []).lost == 1


def test_what_came_up_during_the_day_is_not_lost_yet(tally: Tally) -> None:
    demand(tally, ROW)
    tally.end_whole_day(MIDNIGHT)
    counts = tally.close([], [])
    assert (counts.lost, counts.due) == (0, 0)


def test_what_is_done_or_moved_in_time_has_lapsed(tally: Tally) -> None:
    demand(tally, ROW)
    demand(tally)
    tally.end_whole_day(SEVEN + HOUR)
    assert tally.close([], []).lost == 0


def test_it_counts_from_the_first_moment_it_was_demanded(tally: Tally) -> None:
    demand(tally, ROW)
    demand(tally, ROW, at=SEVEN + DAY)
    tally.decide([mailed(ROW, "<m>")])
    assert tally.close([arrival("<m>", SEVEN + DAY)], []).worst_delay_hours == 24


def test_what_is_lost_stays_lost_though_it_is_said_in_the_end(tally: Tally) -> None:
    demand(tally, ROW)
    tally.end_whole_day(SEVEN + HOUR)
    demand(tally, ROW)
    tally.decide([mailed(ROW, "<m>")])
    counts = tally.close([arrival("<m>")], [])
    assert (counts.due, counts.mailed, counts.lost, counts.unfounded) == (1, 0, 1, 0)


def test_a_line_of_the_ledger_whose_mail_never_arrived_is_lost(tally: Tally) -> None:
    demand(tally, ROW)
    tally.decide([mailed(ROW, "<m>")])
    counts = tally.close([], [])
    assert (counts.due, counts.mailed, counts.lost) == (1, 0, 1)


def test_a_mail_without_its_line_is_lost(tally: Tally) -> None:
    demand(tally, ROW)
    tally.decide([mailed(ROW, "<m>")])
    assert tally.close([arrival("<m>", link="https://replay.example/milestones/2")], []).lost == 1


def test_the_same_reminder_in_two_mails_is_repeated(tally: Tally) -> None:
    demand(tally, ROW)
    tally.decide([mailed(ROW, "<m>")])
    tally.decide([mailed(ROW, "<n>")])
    counts = tally.close([arrival("<m>"), arrival("<n>", SEVEN + DAY)], [])
    assert (counts.mailed, counts.repeated, counts.repeated_after_crash) == (1, 1, 0)


def test_a_mail_twice_after_a_crash_counts_apart(tally: Tally) -> None:
    demand(tally, ROW)
    tally.decide([mailed(ROW, "<m>")])
    counts = tally.close([arrival("<m>"), arrival("<m>")], crashed=["<m>"])
    assert (counts.repeated, counts.repeated_after_crash) == (0, 1)


def test_a_mail_twice_without_a_crash_is_repeated(tally: Tally) -> None:
    demand(tally, ROW)
    tally.decide([mailed(ROW, "<m>")])
    counts = tally.close([arrival("<m>"), arrival("<m>"), arrival("<m>")], crashed=["<m>", "<other>"])
    assert (counts.repeated, counts.repeated_after_crash) == (1, 1)


def test_what_no_rule_demanded_is_told_apart(tally: Tally) -> None:
    tally.decide([mailed(ROW, "<m>")])
    counts = tally.close([arrival("<m>")], [])
    assert (counts.due, counts.mailed, counts.unfounded) == (0, 0, 1)
