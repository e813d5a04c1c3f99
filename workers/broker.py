"""How to reach the broker, for workers and for whoever sends them a task."""

from __future__ import annotations

from typing import Any

from config import Settings

QUEUE = "wegmarke"

LOST_AFTER = 20 * 60
"""Seconds after which Redis gives a task whose worker was killed to another one: longer than any task may take."""


def connection_settings(settings: Settings) -> dict[str, Any]:
    """The broker part of Celery's configuration."""
    return {
        # not `broker_url`: there Celery prefers what it finds in the environment to what it is told
        "broker_read_url": settings.broker_url,
        "broker_write_url": settings.broker_url,
        "broker_transport_options": _transport_options(settings),
        "broker_connection_timeout": 4,
        "task_default_queue": QUEUE,
        "task_serializer": "json",
        "accept_content": ["json"],
        "timezone": "UTC",
    }


def _transport_options(settings: Settings) -> dict[str, Any]:
    if settings.broker_url.startswith("filesystem://"):
        return _folders(settings)
    return {
        "visibility_timeout": LOST_AFTER,
        # without these two a lost task is looked for so seldom that it comes back minutes late
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "socket_connect_timeout": 4,
    }


def _folders(settings: Settings) -> dict[str, Any]:
    """The folders in which kombu keeps its messages where no Redis is at hand; it does not make them itself."""
    root = settings.var_dir / "broker"
    messages, control = root / "messages", root / "control"
    for folder in (messages, control):
        folder.mkdir(parents=True, exist_ok=True)
    return {"data_folder_in": str(messages), "data_folder_out": str(messages), "control_folder": str(control)}
