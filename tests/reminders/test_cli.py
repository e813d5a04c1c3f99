from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from app.core.database import db
from app.mail.models import Mail
from tests.factories import NOON, City, add_milestone


@pytest.fixture
def due(city: City) -> None:
    city.measure.status = "approved"
    add_milestone(city.measure, NOON.date() + timedelta(days=7))
    db.session.commit()


def test_a_sweep_at_an_instant_writes_what_was_due_then(app: Flask, due: None) -> None:
    runner = app.test_cli_runner()
    early = runner.invoke(args=["reminders", "sweep", "--at", "2023-03-15T06:59"])
    assert (early.exit_code, early.output) == (0, "0 Erinnerungsmails geschrieben\n")
    first = runner.invoke(args=["reminders", "sweep", "--at", "2023-03-15T08:00+01:00"])
    assert (first.exit_code, first.output) == (0, "1 Erinnerungsmail geschrieben\n")
    again = runner.invoke(args=["reminders", "sweep", "--at", "2023-03-15T09:00"])
    assert (again.exit_code, again.output) == (0, "0 Erinnerungsmails geschrieben\n")
    assert len(db.session.scalars(select(Mail)).all()) == 1


def test_an_instant_that_is_none_is_refused_in_one_sentence(app: Flask, due: None) -> None:
    result = app.test_cli_runner().invoke(args=["reminders", "sweep", "--at", "tomorrow"])
    assert result.exit_code == 2
    assert "'tomorrow' is no instant" in result.output
