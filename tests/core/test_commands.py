"""The command line says in one sentence when the database cannot be worked with."""

from __future__ import annotations

from pathlib import Path

import pytest

from app import create_app
from tests.conftest import settings_for

NOBODY_THERE = "postgresql+psycopg://wegmarke@127.0.0.1:1/wegmarke"


@pytest.mark.parametrize("is_empty", [False, True])
@pytest.mark.parametrize(
    "command",
    [
        ["accounts", "create-admin", "--email", "a@b.example", "--name", "A", "--password", "ein langes Passwort"],
        ["mail", "status"],
        ["reminders", "sweep"],
        ["digests", "sweep"],
        ["trial", "sign-ins"],
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_a_database_that_is_away_or_empty_is_one_sentence(tmp_path: Path, command: list[str], is_empty: bool) -> None:
    url = f"sqlite:///{tmp_path / 'w.db'}" if is_empty else NOBODY_THERE
    result = create_app(settings_for(url, tmp_path)).test_cli_runner().invoke(args=command)
    assert result.exit_code == 1
    [line] = [line for line in result.output.splitlines() if line.startswith("Error: ")]
    assert "Die Datenbank antwortet nicht oder ist leer." in line
    assert "Traceback" not in result.output
