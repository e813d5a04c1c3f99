"""The trial's mail server takes real SMTP and keeps each mail as a file."""

from __future__ import annotations

import email
import email.policy
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

ROOT = Path(__file__).parents[2]


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def mail_sink(folder: Path) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "workers.mail_sink", "--port", str(port), "--folder", str(folder)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        deadline = time.monotonic() + 20
        while not is_listening(port) and time.monotonic() < deadline:
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        assert process.wait(10) == 0


def send(port: int, subject: str, *recipients: str) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "wegmarke@stadt.example", ", ".join(recipients), subject
    message.set_content("Ein Punkt allein auf einer Zeile bleibt:\n.\nSchöne Grüße")
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as server:
        assert server.send_message(message) == {}


def test_a_mail_is_kept_whole_with_its_envelope(tmp_path: Path) -> None:
    with mail_sink(tmp_path) as port:
        send(port, "Frist für Maßnahme 1", "leitung@stadt.example", "fachbereich@stadt.example")
    kept = email.message_from_bytes((tmp_path / "00001.eml").read_bytes(), policy=email.policy.default)
    assert kept["Return-Path"] == "<wegmarke@stadt.example>"
    assert kept.get_all("Delivered-To") == ["leitung@stadt.example", "fachbereich@stadt.example"]
    assert kept["Subject"] == "Frist für Maßnahme 1"
    body = kept.get_body()
    assert body is not None
    assert body.get_content().splitlines()[1:] == [".", "Schöne Grüße"]


def test_numbers_go_on_after_a_restart(tmp_path: Path) -> None:
    with mail_sink(tmp_path) as port:
        send(port, "eins", "a@stadt.example")
        send(port, "zwei", "a@stadt.example")
    with mail_sink(tmp_path) as port:
        send(port, "drei", "a@stadt.example")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["00001.eml", "00002.eml", "00003.eml"]
    assert b"Subject: drei" in (tmp_path / "00003.eml").read_bytes()
