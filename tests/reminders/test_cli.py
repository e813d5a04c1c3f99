from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.core.database import db
from app.core.localized import Localized
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


def preview(app: Flask, *options: str) -> Any:
    result = app.test_cli_runner().invoke(args=["reminders", "preview", "--json", *options])
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


@pytest.mark.parametrize("at", ["0001-01-01T00:00", "9999-12-31T23:59"])
def test_an_instant_no_calendar_reaches_is_refused_in_one_sentence(app: Flask, due: None, at: str) -> None:
    result = app.test_cli_runner().invoke(args=["reminders", "sweep", "--at", at])
    assert result.exit_code == 2
    assert "write an instant between 1990-01-01 and 2100-01-01" in result.output


def test_the_preview_is_one_object_with_every_mail_and_why(app: Flask, city: City, due: None) -> None:
    milestone = city.measure.milestones[0]
    milestone.title = Localized("Konzept", "Concept")
    city.measure.title = Localized("Busverkehr", "Buses")
    city.lead.language = "en"
    db.session.commit()
    told = preview(app, "--from", "2023-03-15", "--days", "1")
    (mail,) = told.pop("mails")
    assert told == {"from": "2023-03-15", "days": 1}
    (line,) = mail.pop("lines")
    assert mail == {
        "day": "2023-03-15",
        "leaves_at": "2023-03-15T07:00:00+01:00",
        "to": {"email": city.lead.email, "name": "Projektleitung"},
        "language": "en",
    }
    assert line.pop("superseded") == ["before-30", "before-14"]
    assert line.pop("url") == f"http://localhost/milestones/{milestone.id}/approval"
    assert line.pop("context") == "Buses"
    assert line.pop("when"), "in the language of whoever gets the mail"
    assert line.pop("why")
    assert line == {
        "kind": "milestone",
        "deadline": f"milestone:{milestone.id}",
        "version": 1,
        "title": "Concept",
        "due_on": "2023-03-22",
        "step": "before-7",
        "wording": None,
        "binding": False,
    }


def test_without_json_the_preview_is_read_by_people(app: Flask, due: None) -> None:
    runner = app.test_cli_runner()
    answer = runner.invoke(args=["reminders", "preview", "--days", "1"])
    assert answer.exit_code == 0
    assert answer.output.startswith("15.03.2023, 07:00  Projektleitung <")
    assert "7 Tage vorher; Projektleitung" in answer.output
    silent = runner.invoke(args=["reminders", "preview", "--from", "2024-06-01", "--days", "1"])
    assert silent.exit_code == 0


def test_the_preview_sends_nothing_and_leaves_out_what_was_sent(app: Flask, due: None) -> None:
    assert [mail["day"] for mail in preview(app)["mails"]] == ["2023-03-15", "2023-03-21", "2023-03-22"]
    assert db.session.scalars(select(Mail)).all() == []
    app.test_cli_runner().invoke(args=["reminders", "sweep", "--at", "2023-03-15T08:00"])
    assert [mail["day"] for mail in preview(app)["mails"]] == ["2023-03-21", "2023-03-22"]


def test_a_person_whose_language_is_unknown_stands_in_the_way_of_nobody(app: Flask, city: City, due: None) -> None:
    city.lead.language = "xx"
    db.session.commit()
    assert preview(app)["mails"][0]["lines"][0]["when"] == "7 Tage vorher"


@pytest.mark.parametrize(
    "options",
    [
        ("--days", "0"),
        ("--days", "1001"),
        ("--days", "viele"),
        ("--from", "gestern"),
        ("--from", "0001-01-01"),
        ("--from", "9999-12-31"),
    ],
)
def test_what_the_preview_cannot_show_is_refused(app: Flask, due: None, options: tuple[str, ...]) -> None:
    result = app.test_cli_runner().invoke(args=["reminders", "preview", *options])
    assert result.exit_code == 2
    assert options[0] in result.output


def test_whoever_cannot_fill_in_the_form_gets_the_page(app: Flask, city: City) -> None:
    city.measure.status = "approved"
    milestone = add_milestone(city.measure, NOON.date() - timedelta(days=7))
    db.session.commit()
    urls = {mail["to"]["email"]: mail["lines"][0]["url"] for mail in preview(app, "--days", "1")["mails"]}
    page = f"http://localhost/milestones/{milestone.id}"
    assert urls == {city.lead.email: f"{page}/approval", city.head.email: page}
