"""Behind a reverse proxy people keep their own addresses, and without one nobody can make theirs up."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import request

from app import create_app
from tests.conftest import settings_for


@pytest.mark.parametrize(("trusted", "seen"), [(0, "127.0.0.1 http"), (1, "203.0.113.7 https")])
def test_the_address_of_a_person_is_the_one_the_trusted_proxy_names(tmp_path: Path, trusted: int, seen: str) -> None:
    app = create_app(settings_for(f"sqlite:///{tmp_path / 'w.db'}", tmp_path, trusted_proxies=trusted))
    app.view_functions["health.show"] = lambda: f"{request.remote_addr} {request.scheme}"
    forwarded = {"X-Forwarded-For": "198.51.100.1, 203.0.113.7", "X-Forwarded-Proto": "https"}
    assert app.test_client().get("/healthz", headers=forwarded).text == seen
