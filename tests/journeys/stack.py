"""A whole installation for one journey: web, worker, beat and SMTP as real processes on a database of its own."""

from __future__ import annotations

import email
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

ROOT = Path(__file__).parents[2]
DATA = (ROOT / "data" / "iserlohn.yaml", ROOT / "data" / "beispiel.yaml")
PATIENCE = 90
"""Seconds to wait for something that real processes do; machines under test load are slow."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(what: str, happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if happened():
            return
        time.sleep(0.2)
    raise AssertionError(f"waited {PATIENCE} seconds in vain: {what}")


class Stack:
    """The processes of one installation and the folder they write to."""

    def __init__(self, folder: Path, database_url: str, broker_url: str) -> None:
        self.folder = folder
        self.mails_folder = folder / "mails"
        self.port = free_port()
        self.mail_port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.processes: list[subprocess.Popen[bytes]] = []
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("WEGMARKE_", "FLASK_"))},
            "WEGMARKE_MODE": "trial",
            "WEGMARKE_TODAY": "2023-03-15",
            "SECRET_KEY": "a key for journeys, long enough to be accepted",
            "DATABASE_URL": database_url,
            "CELERY_BROKER_URL": broker_url,
            "MAIL_URL": f"smtp://127.0.0.1:{self.mail_port}",
            "MAIL_FROM": "wegmarke@iserlohn.example",
            "BASE_URL": self.address,
            "VAR_DIR": str(folder),
            "HOME": str(folder),
        }

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{len(self.processes)}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *command], cwd=ROOT, env=self.environment, stdout=log, stderr=log
            )
        self.processes.append(process)
        return process

    def flask(self, *arguments: str) -> str:
        result = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    def start_all(self) -> None:
        self.flask("db", "upgrade")
        self.flask("trial", "seed-if-empty", *map(str, DATA))
        self.start("workers.mail_sink", "--port", str(self.mail_port), "--folder", str(self.mails_folder))
        self.start(
            "gunicorn", "--bind", f"127.0.0.1:{self.port}", "--threads", "4", "--no-control-socket", "wsgi:app"
        )
        self.start("celery", "-A", "workers.celery_app", "worker", "--loglevel", "info", "--concurrency", "1")
        self.start("celery", "-A", "workers.celery_app", "beat", "--schedule", str(self.folder / "beat"))
        wait_until("the web process answers", self.is_up)

    def is_up(self) -> bool:
        assert all(process.poll() is None for process in self.processes), self.logs()
        try:
            with urllib.request.urlopen(f"{self.address}/healthz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def mails(self) -> list[EmailMessage]:
        """Everything the mail server was handed, in order."""
        files = sorted(self.mails_folder.glob("*.eml"))
        return [email.message_from_bytes(file.read_bytes(), policy=default) for file in files]

    def wait_for_mail(self, what: str, fits: Callable[[EmailMessage], bool]) -> EmailMessage:
        wait_until(what, lambda: any(map(fits, self.mails())))
        return next(filter(fits, self.mails()))

    def logs(self) -> str:
        return "\n".join(f"== {log.name}\n{log.read_text()[-3000:]}" for log in sorted(self.folder.glob("*.log")))

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def running(folder: Path, database_url: str, broker_url: str) -> Iterator[Stack]:
    """A seeded installation, ended with the journey."""
    stack = Stack(folder, database_url, broker_url)
    try:
        stack.start_all()
        yield stack
    finally:
        stack.stop()
