from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
import redis
from flask import Flask

from workers import nudge
from workers.broker import QUEUE


@pytest.fixture
def broker(app: Flask, request: pytest.FixtureRequest) -> Iterator[None]:
    """The application with another broker for the length of a test."""
    before = app.config["SETTINGS"]
    app.config["SETTINGS"] = replace(before, broker_url=request.param)
    yield
    app.config["SETTINGS"] = before


def test_a_mail_that_was_committed_wakes_the_delivery(
    app: Flask, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://127.0.0.1:1/0")  # the settings count, not what Celery finds
    before = app.config["SETTINGS"]
    app.config["SETTINGS"] = replace(before, broker_url=redis_url)
    nudge.after_commit(frozenset({"mail", "something else"}))
    app.config["SETTINGS"] = before
    with redis.from_url(redis_url, decode_responses=True) as client:
        tasks = [json.loads(message)["headers"] for message in client.lrange(QUEUE, 0, -1)]
    assert [task["task"] for task in tasks] == ["mail.deliver"]
    assert tasks[0]["expires"]


def test_what_no_task_looks_after_wakes_nobody(app: Flask, redis_url: str) -> None:
    before = app.config["SETTINGS"]
    app.config["SETTINGS"] = replace(before, broker_url=redis_url)
    nudge.after_commit(frozenset({"something else"}))
    app.config["SETTINGS"] = before
    with redis.from_url(redis_url) as client:
        assert client.llen(QUEUE) == 0


@pytest.mark.parametrize("broker", ["redis://127.0.0.1:1/0"], indirect=True)
def test_a_broker_that_is_away_costs_the_request_nothing(broker: None) -> None:
    begun = time.monotonic()
    nudge.after_commit(frozenset({"mail"}))
    assert time.monotonic() - begun < 5


def test_a_broker_that_does_not_answer_costs_the_request_little(app: Flask) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        before = app.config["SETTINGS"]
        app.config["SETTINGS"] = replace(before, broker_url=f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        begun = time.monotonic()
        nudge.after_commit(frozenset({"mail"}))
        took = time.monotonic() - begun
        app.config["SETTINGS"] = before
    assert took < 10
