"""Whether this installation can work, for a load balancer and for `./dev run`."""

from __future__ import annotations

from typing import Any

import redis
import structlog
from flask import Blueprint, current_app, jsonify
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response

from app.core import clock
from app.core.database import db
from app.core.heartbeat import take_pulses

log = structlog.get_logger()
blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def show() -> tuple[Response, int]:
    """503 when the database is away and no page works; without the broker, or with a job of the workers late, pages
    work and mails wait."""
    parts = {"database": _database(), "broker": _broker(current_app.config["SETTINGS"].broker_url)}
    if parts["database"] != "ok":
        return jsonify(status="unavailable", **parts), 503
    pulses = take_pulses(clock.wall_now())
    is_well = parts["broker"] == "ok" and not any(pulse.is_late for pulse in pulses)
    jobs = {pulse.job.value: pulse.as_json() for pulse in pulses}
    return jsonify(status="ok" if is_well else "degraded", **parts, jobs=jobs), 200


def _database() -> str:
    try:
        db.session.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        log.warning("database unreachable", error=str(error).splitlines()[0])
        return "unreachable"
    return "ok"


def _broker(url: str) -> str:
    if url.startswith("filesystem"):
        return "ok"
    try:
        client: Any = redis.from_url(
            url.replace("redis+socket://", "unix://"), socket_timeout=2, socket_connect_timeout=2
        )
        with client:
            client.ping()
    except redis.RedisError as error:
        log.warning("broker unreachable", error=str(error))
        return "unreachable"
    return "ok"
