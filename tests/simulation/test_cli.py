"""`flask simulate` as somebody calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import func, select

from app.core.database import db
from app.mail.models import Mail
from app.organisations.models import Organisation

ONE_DAY = ("--from", "2020-03-16", "--to", "2020-03-16")


def simulate(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=["simulate", *arguments])


def test_it_prints_one_object_and_leaves_the_installation_alone(app: Flask, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.csv"
    done = simulate(app, *ONE_DAY, "--json", "--ledger", str(ledger))
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    assert (answer["ticks"], answer["lost"], answer["repeated"]) == (24, 0, 0)
    assert answer["due"] == answer["mailed"] + answer["superseded"] > 0
    assert len(ledger.read_text().splitlines()) == 1 + answer["due"]
    assert done.stderr == ""
    assert db.session.scalar(select(func.count()).select_from(Mail)) == 0
    assert db.session.scalar(select(func.count()).select_from(Organisation)) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        ("--from", "2020-02-30"),
        ("--from", "gestern"),
        ("--from", "2020-01-02", "--to", "2020-01-01"),
        ("--outage", "1.5"),
        ("--double", "-0.1"),
        ("--smtp-failure", "oft"),
        ("--crash", "nan"),
        ("--seed", "eins"),
        ("--data", "/nowhere/city.yaml"),
        ("--ledger", "/"),
    ],
)
def test_a_wrong_call_is_refused_before_anything_begins(app: Flask, wrong: tuple[str, ...]) -> None:
    done = simulate(app, *wrong)
    assert done.exit_code == 2, done.output
    assert wrong[-2] in done.stderr


def test_data_that_cannot_be_imported_is_told_in_one_object(app: Flask, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("format: 1\nmeasures: 7\n")
    done = simulate(app, *ONE_DAY, "--data", str(wrong), "--json")
    assert done.exit_code == 1
    assert set(json.loads(done.stdout)) == {"error"}


def test_a_ledger_that_cannot_be_written_is_told_in_a_sentence(app: Flask, tmp_path: Path) -> None:
    done = simulate(app, *ONE_DAY, "--ledger", str(tmp_path / "nowhere" / "ledger.csv"))
    assert done.exit_code == 1
    assert "ledger.csv" in done.stderr
