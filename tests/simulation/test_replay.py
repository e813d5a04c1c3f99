"""Weeks replayed with all faults: nothing is lost, nothing is repeated, and whoever breaks something is caught."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from app.core.database import db
from app.core.transaction import transaction
from app.mail.models import Mail, MailState
from app.programmes.models import Programme
from app.reminders.models import ReminderEntry, ReminderRun
from app.simulation.faults import Rates
from app.simulation.replay import Course, Replay, Result, replay, replaying
from app.simulation.rulebook import Step, step_day
from app.simulation.sandbox import SAMPLES, UnsoundData
from app.simulation.tally import Counts

LAST_DAY = date(2020, 4, 3)
STORM = Rates(0.2, 0.2, 0.2, 0.2)
KEYS = [
    "ticks",
    "deadlines",
    "due",
    "mailed",
    "superseded",
    "lost",
    "repeated",
    "repeated_after_crash",
    "worst_delay_hours",
    "seconds",
]


LADDER = {
    step.key: step
    for step in (
        *(Step(f"before-{days}", -days, frozenset({"project_lead"})) for days in (30, 14, 7, 1)),
        Step("on-the-day", 0, frozenset({"project_lead"})),
        Step("overdue", 7, frozenset({"project_lead", "department_head"}), every=7),
        Step("escalated", 21, frozenset({"coordinator"}), every=7),
        Step("before-3-working", -3, frozenset({"deputy"}), working_days=True),
    )
}
"""The ladder that is promised, and the step that the coordination of a replay adds to it."""


@dataclass
class Stormy:
    """A replay through a storm, and its ledger."""

    result: Result
    ledger: list[dict[str, str]]


def course(last_day: date, rates: Rates, ledger_file: Path | None = None) -> Course:
    return Course(date(2020, 3, 16), last_day, 3, rates, SAMPLES, ledger_file)


@pytest.fixture(scope="module")
def stormy(tmp_path_factory: pytest.TempPathFactory) -> Stormy:
    ledger_file = tmp_path_factory.mktemp("replay") / "ledger.csv"
    result = replay(course(LAST_DAY, STORM, ledger_file))
    with ledger_file.open(newline="") as file:
        return Stormy(result, list(csv.DictReader(file)))


def test_through_a_storm_nothing_is_lost_and_nothing_repeated(stormy: Stormy) -> None:
    answer = stormy.result.answer()
    assert list(answer) == KEYS
    assert stormy.result.is_sound
    assert (answer["lost"], answer["repeated"], stormy.result.counts.unfounded) == (0, 0, 0)
    assert answer["ticks"] == 19 * 24 - 1  # the clocks go forward on 29 March
    assert answer["due"] == answer["mailed"] + answer["superseded"] > 50
    assert answer["repeated_after_crash"] > 0
    assert answer["worst_delay_hours"] > 1


def test_the_ledger_has_every_reminder_once(stormy: Stormy) -> None:
    keys = [(line["deadline"], line["version"], line["step"], line["recipient"]) for line in stormy.ledger]
    outcomes = [line["outcome"] for line in stormy.ledger]
    counts = stormy.result.counts
    assert len(set(keys)) == len(keys)
    assert outcomes.count("mailed") == counts.mailed
    assert outcomes.count("superseded") == counts.superseded
    assert list(stormy.ledger[0]) == [
        "date",
        "deadline",
        "version",
        "step",
        "recipient",
        "outcome",
        "due_on",
        "kind",
    ]


def test_no_line_of_the_ledger_comes_before_its_step_day(stormy: Stormy) -> None:
    for line in stormy.ledger:
        assert day_of_step(line) <= date.fromisoformat(line["date"]), line


def test_only_the_latest_of_several_steps_is_mailed(stormy: Stormy) -> None:
    for line in stormy.ledger:
        if line["outcome"] == "superseded":
            said = [
                other
                for other in stormy.ledger
                if other["outcome"] == "mailed"
                and all(other[name] == line[name] for name in ("date", "deadline", "version", "recipient"))
            ]
            assert len(said) == 1, line
            assert day_of_step(said[0]) >= day_of_step(line)


def test_the_same_seed_gives_the_same_answer(stormy: Stormy) -> None:
    again = replay(course(LAST_DAY, STORM)).answer()
    assert again | {"seconds": 0} == stormy.result.answer() | {"seconds": 0}


def test_a_line_of_the_ledger_that_somebody_removes_is_said_again_and_noticed() -> None:
    def forget_a_reminder(_now: datetime) -> bool:
        row = ReminderEntry
        said = select(row.id).where(row.outcome == "mailed", row.step == "before-30")
        mailed = db.session.scalar(said.limit(1))
        db.session.execute(delete(row).where(row.id == mailed))
        return mailed is not None

    counts = broken_by(forget_a_reminder)
    assert counts.repeated == 1
    assert counts.lost == 0


def test_a_mail_that_is_never_handed_over_is_noticed() -> None:
    def lose_a_mail(now: datetime) -> bool:
        waiting = select(Mail.id).where(Mail.kind == "reminder", Mail.state == MailState.QUEUED).limit(1)
        mail_id = db.session.scalar(waiting)
        gone = update(Mail).where(Mail.id == mail_id).values(state=MailState.SENT, sent_at=now)
        db.session.execute(gone)
        return mail_id is not None

    counts = broken_by(lose_a_mail, Rates(smtp_failure=0.9))
    assert counts.lost >= 1
    assert counts.repeated == 0


def test_days_that_are_never_swept_are_noticed() -> None:
    with replaying(course(date(2020, 3, 19), Rates())) as under_way:
        close_all_days(under_way)
        for _ in under_way.steps():
            pass
        assert under_way.finish().lost > 0


def test_data_that_does_not_fit_is_refused_with_its_findings(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("format: 1\nmeasures: 7\n")
    with pytest.raises(UnsoundData) as refused:
        replay(Course(date(2020, 1, 1), date(2020, 1, 1), 1, Rates(), [wrong]))
    assert refused.value.findings


def broken_by(act: Callable[[datetime], bool], rates: Rates | None = None) -> Counts:
    """What is counted where somebody does something behind the engine's back, once, as soon as they can."""
    is_done = False
    with replaying(course(date(2020, 3, 20), rates or Rates())) as under_way:
        for hour in under_way.steps():
            if not is_done:
                with transaction():
                    is_done = act(hour)
        assert is_done
        return under_way.finish()


def close_all_days(under_way: Replay) -> None:
    """Pretends that every day has been swept already."""
    programmes = db.session.scalars(select(Programme.id)).all()
    with transaction():
        db.session.add_all(
            ReminderRun(programme_id=programme_id, day=day, ran_at=under_way.course.begins, mails=0)
            for programme_id in programmes
            for day in under_way.course.days
        )


def day_of_step(line: dict[str, str]) -> date:
    """The day on which a step comes, by the rulebook."""
    key, _, number = line["step"].partition("#")
    return step_day(LADDER[key], date.fromisoformat(line["due_on"]), int(number or 1))
