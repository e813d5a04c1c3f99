"""The command line says in one sentence when the database cannot be worked with."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from flask import Flask

from app import create_app
from app.core.commands import Command
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


@pytest.mark.parametrize(
    "command",
    [
        ["programmes", "doctor", "nope"],
        ["programmes", "export", "nope"],
        ["programmes", "migrate", "nope", "--to", "9"],
        ["measures", "steps", "nope", "--as", "nobody@b.example"],
        ["measures", "step", "nope", "go", "--as", "nobody@b.example"],
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_a_refusal_is_one_sentence_and_with_json_one_object(app: Flask, command: list[str]) -> None:
    runner = app.test_cli_runner()
    told = runner.invoke(args=command)
    assert (told.exit_code, told.stdout) == (1, "")
    answer = runner.invoke(args=[*command, "--json"])
    assert (answer.exit_code, answer.stderr) == (1, "")
    assert told.stderr == f"Error: {json.loads(answer.stdout).pop('error')}\n"


@pytest.mark.parametrize("command", [["mail", "status"], ["programmes", "doctor", "klima"]])
def test_with_json_a_database_that_is_away_is_one_object_too(tmp_path: Path, command: list[str]) -> None:
    result = create_app(settings_for(NOBODY_THERE, tmp_path)).test_cli_runner().invoke(args=[*command, "--json"])
    assert (result.exit_code, result.stderr) == (1, "")
    assert json.loads(result.stdout)["error"].startswith("Die Datenbank antwortet nicht oder ist leer.")


def test_a_command_called_wrongly_is_told_by_click_with_json_too(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["programmes", "migrate", "klima", "--to", "x", "--json"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Usage:" in result.stderr


def test_a_command_that_finds_itself_called_wrongly_is_told_by_click_too() -> None:
    @click.command(cls=Command)
    @click.option("--json", "as_json", is_flag=True)
    def choose(as_json: bool) -> None:
        raise click.UsageError("Nur eines von beiden.")

    result = CliRunner().invoke(choose, ["--json"])
    assert (result.exit_code, result.stdout) == (2, "")
