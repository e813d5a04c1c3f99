"""A PostgreSQL and a Redis of a test's own, which it may kill and start again."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest

PATIENCE = 30
"""Seconds to wait for a server to answer; a busy machine takes five."""


@dataclass
class Server:
    """A process that listens on a port of this machine."""

    command: list[str]
    port: int
    url: str
    answers: Callable[[], bool]
    death: signal.Signals = signal.SIGKILL
    user: str | None = None
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command, user=self.user, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        _wait(self.answers, f"{self.command[0]} to answer")

    def kill(self) -> None:
        """Ends it at once: whatever it was doing is gone."""
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, self.death)
            self.process.wait(PATIENCE)

    def restart(self) -> None:
        self.kill()
        self.start()


@contextmanager
def running_redis() -> Iterator[Server]:
    """A Redis that keeps nothing: whoever restarts it has lost its messages."""
    program = _required("redis-server", shutil.which("redis-server") or shutil.which("valkey-server"))
    port = _free_port()
    here = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", "/"]
    server = Server([program, *here], port, f"redis://127.0.0.1:{port}/0", partial(_listens, port))
    server.start()
    try:
        yield server
    finally:
        server.kill()


@contextmanager
def running_postgres() -> Iterator[Server]:
    """A PostgreSQL that keeps every commit, also when it is killed."""
    programs = Path(_required("initdb", _initdb())).parent
    user = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
    port = _free_port()
    with TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        if user:
            os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
        making = [str(programs / "initdb"), "-D", str(data), "-U", "wegmarke", "--auth", "trust", "--no-sync"]
        subprocess.run(making, user=user, check=True, stdout=subprocess.DEVNULL)
        options = ("fsync=off", "listen_addresses=127.0.0.1", f"port={port}", "unix_socket_directories=")
        command = [str(programs / "postgres"), "-D", str(data), *(f"--{option}" for option in options)]
        url = f"postgresql://wegmarke@127.0.0.1:{port}/postgres"
        # SIGQUIT is its "immediate" end, as if the machine had failed; SIGKILL would leave its children behind
        server = Server(command, port, url, partial(_accepts, url), signal.SIGQUIT, user)
        server.start()
        try:
            yield server
        finally:
            server.kill()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _accepts(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def _initdb() -> str | None:
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return str(versions[-1]) if versions else shutil.which("initdb")


def _required(name: str, path: str | None) -> str:
    if path:
        return path
    message = f"{name} is not there; run the tests with ./dev test"
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(message)
    pytest.skip(message)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait(happened: Callable[[], bool], what: str) -> None:
    ends = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < ends, f"waited {PATIENCE} s for {what}"
        time.sleep(0.05)
