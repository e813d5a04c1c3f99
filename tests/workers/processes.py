"""Real workers in processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from config import Settings

ROOT = Path(__file__).parents[2]
PATIENCE = 90
"""Seconds to wait for anything a worker does; a busy machine takes ten to start one."""


def environment(settings: Settings) -> dict[str, str]:
    """The variables from which a process reads these settings."""
    server = settings.mail_server
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(settings.var_dir),
        "WEGMARKE_MODE": settings.mode,
        "SECRET_KEY": settings.secret_key,
        "DATABASE_URL": settings.database_url,
        "CELERY_BROKER_URL": settings.broker_url,
        "MAIL_URL": f"smtp://{server.host}:{server.port}",
        "MAIL_FROM": settings.mail_from,
        "BASE_URL": settings.base_url,
        "VAR_DIR": str(settings.var_dir),
        "WEGMARKE_TODAY": settings.sandbox_starts_on.isoformat() if settings.sandbox_starts_on else "",
    }


def celery(settings: Settings, *arguments: str) -> subprocess.Popen[str]:
    """`celery -A workers.celery_app …`, leader of a process group of its own; its output goes to a file."""
    log = (settings.var_dir / f"{arguments[0]}-{time.monotonic_ns()}.log").open("w")
    with log:
        return subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "workers.celery_app", *arguments],
            cwd=ROOT,
            env=environment(settings),
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )


@contextmanager
def worker(settings: Settings, processes: int = 1) -> Iterator[subprocess.Popen[str]]:
    """A worker until the end of the block, however that comes."""
    process = celery(settings, "worker", "--concurrency", str(processes), "--loglevel", "INFO")
    try:
        yield process
    finally:
        kill(process)


QUICK_BEAT = """
import sys
from workers.beat import SCHEDULE
for entry in SCHEDULE.values():
    entry.update(schedule=1, options={"expires": 5})
from workers.celery_app import celery
celery.start(["beat", "--schedule", sys.argv[1], "--loglevel", "WARNING"])
"""


def quick_beat(settings: Settings, name: str) -> subprocess.Popen[str]:
    """A beat with the real table whose every entry comes each second: nobody waits ten minutes in a test."""
    with (settings.var_dir / f"{name}-{time.monotonic_ns()}.log").open("w") as log:
        return subprocess.Popen(
            [sys.executable, "-c", QUICK_BEAT, str(settings.var_dir / name)],
            cwd=ROOT,
            env=environment(settings),
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )


def kill(process: subprocess.Popen[str]) -> None:
    """SIGKILL to the worker and its children: no chance to finish, to say goodbye or to give anything back."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait(PATIENCE)


def wait_until(
    happened: Callable[[], bool], what: str, var_dir: Path, meanwhile: Callable[[], None] = lambda: None
) -> None:
    """Waits; when it takes too long, fails with what the workers had to say."""
    ends = time.monotonic() + PATIENCE
    while not happened():
        meanwhile()
        if time.monotonic() > ends:
            logs = "\n".join(path.read_text()[-3000:] for path in sorted(var_dir.glob("*.log")))
            raise AssertionError(f"{what} did not happen in {PATIENCE} s\n{logs}")
        time.sleep(0.02)
