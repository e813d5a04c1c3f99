"""Whether the jobs of the workers are done in time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from app.core import clock, heartbeat
from app.core.database import db
from app.core.heartbeat import IN_TIME, Job, beat, done_at, list_heartbeats, take_pulses

NOW = clock.wall_now()
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def just_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "STARTED_AT", NOW)


def states(after: timedelta) -> dict[Job, str]:
    return {pulse.job: pulse.state for pulse in take_pulses(NOW + after)}


def test_of_each_job_the_last_beat_is_kept(app: Flask) -> None:
    beat(Job.SWEEP, NOW)
    beat(Job.SWEEP, NOW + SECOND)
    assert [(job, row.done_at) for job, row in list_heartbeats().items()] == [(Job.SWEEP, NOW + SECOND)]
    assert db.session.scalar(select(done_at(Job.SWEEP))) == NOW + SECOND
    assert db.session.scalar(select(done_at(Job.DELIVERY))) is None


@pytest.mark.parametrize("job", Job)
def test_a_job_is_late_when_more_time_has_passed_than_it_may_take(app: Flask, job: Job) -> None:
    beat(job, NOW)
    assert states(IN_TIME[job])[job] == "ok"
    assert states(IN_TIME[job] + SECOND)[job] == "late"


@pytest.mark.parametrize("job", Job)
def test_on_a_new_installation_nothing_is_late_until_it_has_had_its_time(app: Flask, job: Job) -> None:
    assert states(IN_TIME[job])[job] == "never"
    assert states(IN_TIME[job] + SECOND)[job] == "late"


def test_whole_days_of_silence_count_whole(app: Flask) -> None:
    """A silence of exactly one day and a second is more than a second."""
    beat(Job.SWEEP, NOW)
    assert states(timedelta(days=1, seconds=1))[Job.SWEEP] == "late"
