"""A database of its own, committed for real, for what several connections do at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import flask_migrate
import pytest
from flask import Flask

from app import create_app
from app.core.database import db
from tests.conftest import fresh_database, settings_for
from tests.factories import City, build_city


@dataclass
class Separate:
    """An application on its own database, and the city in it."""

    flask: Flask
    city: City


@pytest.fixture(params=["postgresql", "sqlite"])
def separate(request: pytest.FixtureRequest, database_name: str, tmp_path: Path) -> Iterator[Separate]:
    if request.param == "sqlite":
        yield from _separate(f"sqlite:///{tmp_path / 'wegmarke.db'}", tmp_path)
    else:
        with fresh_database(f"{database_name}_separate") as url:
            yield from _separate(url, tmp_path)


def _separate(url: str, var_dir: Path) -> Iterator[Separate]:
    flask = create_app(settings_for(url, var_dir))
    with flask.app_context():
        try:
            flask_migrate.upgrade()
            yield Separate(flask, build_city())
        finally:
            db.session.remove()
            db.engine.dispose()
