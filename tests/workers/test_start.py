"""How workers and beat are set up, and how they refuse to start."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from config import Settings
from tests.conftest import settings_for
from tests.workers.processes import PATIENCE, ROOT, celery, environment, kill
from workers.beat import SCHEDULE
from workers.broker import LOST_AFTER

NAMES = (
    "task_acks_late",
    "worker_prefetch_multiplier",
    "result_backend",
    "task_time_limit",
    "beat_schedule_filename",
)
TELL = f"""
import json
from workers.celery_app import celery
celery.loader.import_default_modules()
print(json.dumps([sorted(celery.tasks), {{name: celery.conf[name] for name in {NAMES}}}]))
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_for(f"sqlite:///{tmp_path / 'wegmarke.db'}", tmp_path, broker_url="redis://127.0.0.1:1/0")


@dataclass
class Told:
    """What the application of the workers says about itself."""

    tasks: list[str]
    conf: dict[str, Any]
    var_dir: Path


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    folder = tmp_path_factory.mktemp("told")
    settings = settings_for(f"sqlite:///{folder / 'wegmarke.db'}", folder)
    command = [sys.executable, "-c", TELL]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(settings), capture_output=True, text=True, check=True, timeout=PATIENCE
    )
    tasks, conf = json.loads(done.stdout)
    return Told(tasks, conf, folder)


def test_everything_beat_sends_is_a_task_that_exists_and_expires(told: Told) -> None:
    assert {entry["task"] for entry in SCHEDULE.values()} <= set(told.tasks)
    for entry in SCHEDULE.values():
        assert 0 < entry["options"]["expires"] <= entry["schedule"]


def test_mail_leaves_within_a_minute_and_no_sweep_waits_for_an_hour() -> None:
    assert SCHEDULE["mail.deliver"]["schedule"] == 60
    assert {SCHEDULE[name]["schedule"] for name in ("reminders.sweep", "digests.sweep")} == {600}


def test_a_task_leaves_the_queue_when_done_and_ends_before_it_is_given_to_another(told: Told) -> None:
    conf = told.conf
    assert conf["task_acks_late"] is True
    assert conf["worker_prefetch_multiplier"] == 1
    assert conf["result_backend"] is None
    assert conf["task_time_limit"] < LOST_AFTER


def test_beat_keeps_its_notes_in_the_folder_for_data(told: Told) -> None:
    assert told.conf["beat_schedule_filename"].startswith(str(told.var_dir))


@pytest.mark.parametrize("command", ["worker", "beat"])
def test_without_a_broker_nothing_starts_and_one_sentence_says_why(settings: Settings, command: str) -> None:
    process = celery(settings, command)
    try:
        assert process.wait(PATIENCE) != 0
    finally:
        kill(process)
    (log,) = settings.var_dir.glob(f"{command}-*.log")
    said = log.read_text()
    assert "the broker at redis://" in said
    assert "set CELERY_BROKER_URL" in said
    assert "Traceback" not in said


def test_without_a_setting_nothing_starts_and_one_sentence_says_why(settings: Settings) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "celery", "-A", "workers.celery_app", "worker"],
        cwd=ROOT,
        env=environment(settings) | {"MAIL_URL": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "Wegmarke cannot start: MAIL_URL is not set" in done.stderr
    assert "Traceback" not in done.stderr
