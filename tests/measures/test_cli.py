"""`flask measures`: the same rules as on the pages, in a terminal."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from app.accounts.models import Account
from app.audit.models import AuditEvent
from app.core.database import db
from app.core.localized import Localized
from app.measures.models import Measure, StatusChange
from tests.factories import City, add_measure, add_milestone
from tests.measures.arrange import follow


def run(app: Flask, *words: str) -> tuple[int, str]:
    db.session.commit()
    result = app.test_cli_runner().invoke(args=["measures", *words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    db.session.expire_all()
    return result.exit_code, result.output


def named(measure: Measure) -> str:
    return f"{measure.programme.key}/{measure.key}"


def step(app: Flask, measure: Measure, key: str, who: Account, *more: str) -> tuple[int, str]:
    return run(app, "step", named(measure), key, "--as", who.email, *more)


def test_a_step_is_taken_as_on_its_page(app: Flask, city: City) -> None:
    code, said = step(
        app, city.measure, "finish", city.lead, "--note", "Fertig", "--field", "result=Strecke eröffnet"
    )
    assert (code, said) == (0, "In Umsetzung → Umgesetzt\n")
    change = db.session.scalar(select(StatusChange))
    assert change is not None
    assert (change.changed_by_id, change.note, change.record) == (
        city.lead.id,
        "Fertig",
        {"result": "Strecke eröffnet"},
    )


def test_the_log_says_that_a_step_came_from_the_shell(app: Flask, city: City) -> None:
    code, said = step(app, city.measure, "stop", city.head, "--note", "x")
    assert code == 0, said
    line = db.session.scalar(select(AuditEvent).where(AuditEvent.scope_id == city.measure.id))
    assert line is not None
    assert (line.actor_id, line.actor_name) == (city.head.id, "Leitung Digitalisierung (flask measures step)")


def test_the_longest_name_leaves_room_for_where_a_step_came_from(app: Flask, city: City) -> None:
    city.head.name = Localized("x" * 300)
    code, said = step(app, city.measure, "stop", city.head, "--note", "x")
    assert code == 0, said
    line = db.session.scalar(select(AuditEvent).where(AuditEvent.scope_id == city.measure.id))
    assert line is not None
    assert line.actor_name.endswith("x (flask measures step)")
    assert len(line.actor_name) == 200


@pytest.mark.parametrize("typed", ["2023-05-01", "01.05.2023", "1.5.2023"])
def test_days_are_typed_as_in_the_form(app: Flask, city: City, typed: str) -> None:
    code, said = step(app, city.measure, "pause", city.head, "--note", "Warten", "--field", f"look_again_on={typed}")
    assert code == 0, said
    assert city.measure.record == {"look_again_on": "2023-05-01"}


def test_money_and_yes_or_no_are_typed_as_in_the_form(app: Flask, city: City) -> None:
    fields = [
        {"key": "price", "label": {"de": "Preis", "en": "Price"}, "type": "money"},
        {"key": "checked", "label": {"de": "Geprüft", "en": "Checked"}, "type": "yes_no"},
    ]
    follow(city.measure, fields=fields, transitions=[{"key": "stop", "fields": ["price", "checked"]}])
    more = ("--note", "x", "--field", "price=1.234,5", "--field")
    code, said = step(app, city.measure, "stop", city.head, *more, "checked=vielleicht")
    assert (code, said) == (1, "Angabe „Geprüft“ fehlt\n")
    code, said = step(app, city.measure, "stop", city.head, "--note", "x", "--field", "price=-5")
    assert code == 1
    assert "Preis: Schreiben Sie einen Betrag wie 1.234,56." in said
    code, said = step(app, city.measure, "stop", city.head, *more, "checked=nein")
    assert code == 0, said
    assert city.measure.record == {"price": "1234.50", "checked": "nein"}


def test_a_refusal_says_every_unmet_condition_on_a_line_of_its_own(app: Flask, city: City) -> None:
    add_milestone(city.measure, date(2023, 6, 30))
    code, said = step(app, city.measure, "finish", city.head)
    assert code == 1
    assert said.splitlines() == [
        "bei dieser Maßnahme kann das nur: Projektleitung",
        "1 von 1 Meilensteinen ist nicht freigegeben",
        "Begründung fehlt",
        "Angabe „Ergebnis“ fehlt",
    ]
    assert city.measure.status == "running"
    code, said = step(app, city.measure, "finish", city.lead, "--note", "Da", "--json")
    told = json.loads(said)
    assert (code, told["is_possible"]) == (1, False)
    assert [row["field"] for row in told["unmet"]] == [None, "result"]


def test_what_cannot_be_read_is_said_and_nothing_happens(app: Flask, city: City) -> None:
    long = "x" * 10_000
    code, said = step(app, city.measure, "pause", city.head, "--note", long, "--field", "look_again_on=31.02.2023")
    assert code == 1
    assert "höchstens 5000 Zeichen" in said
    assert "Wiedervorlage: „31.02.2023“ ist kein Datum." in said
    assert city.measure.status == "running"


def test_four_eyes_hold_in_the_terminal_too(app: Flask, city: City) -> None:
    follow(city.measure, transitions=[{"key": "stop", "four_eyes": True}])
    city.measure.edited_by_id = city.head.id
    code, said = step(app, city.measure, "stop", city.head, "--note", "x", "--override-reason", "Es eilt")
    assert code == 1
    assert said.startswith("Vier-Augen-Prinzip")
    city.programme.emergency_override = True
    code, said = step(app, city.measure, "stop", city.head, "--note", "x")
    assert code == 1
    code, said = step(app, city.measure, "stop", city.head, "--note", "x", "--override-reason", "Es eilt")
    assert code == 0, said
    assert city.measure.status_changes[-1].override_reason == "Es eilt"


def test_files_are_evidence(app: Flask, city: City, tmp_path: Path) -> None:
    follow(city.measure, transitions=[{"key": "stop", "guards": [{"guard": "evidence_attached"}]}])
    (tmp_path / "beschluss.txt").write_text("Beschluss")
    (tmp_path / "virus.exe").write_text("MZ")
    for name, sentence in (("virus.exe", "Dateityp"), ("fehlt.txt", "lässt sich nicht lesen"), (".", "nicht lesen")):
        code, said = step(app, city.measure, "stop", city.head, "--evidence", str(tmp_path / name))
        assert code == 1
        assert sentence in said
    code, said = step(app, city.measure, "stop", city.head, "--evidence", str(tmp_path / "beschluss.txt"))
    assert code == 0, said
    assert [document.filename for document in city.measure.status_changes[-1].evidence] == ["beschluss.txt"]


def test_a_dry_run_changes_nothing(app: Flask, city: City) -> None:
    code, said = step(app, city.measure, "stop", city.head, "--note", "x", "--dry-run")
    assert code == 0
    assert "Es wurde nichts geschrieben." in said
    assert city.measure.status == "running"
    assert db.session.scalar(select(StatusChange)) is None
    code, said = step(app, city.measure, "stop", city.head, "--dry-run")
    assert (code, said) == (1, "Begründung fehlt\n")


def test_the_list_of_steps_is_that_of_the_page(app: Flask, city: City) -> None:
    code, said = run(app, "steps", named(city.measure), "--as", city.lead.email)
    assert code == 0
    assert "finish „Umsetzung abschließen“: möglich" in said
    assert "stop „Abbruch beschließen“: noch nicht möglich\n  - bei dieser Maßnahme kann das nur" in said
    code, said = run(app, "steps", named(city.measure), "--as", city.lead.email, "--json")
    told = json.loads(said)
    assert {row["key"]: row["is_possible"] for row in told["steps"]} == {
        "pause": False,
        "finish": True,
        "stop": False,
    }
    assert all({"is_met", "sentence", "place", "field"} == set(one) for one in told["steps"][0]["conditions"])
    for status, sentence in ((None, "Koordination"), ("done", "kein Schritt mehr")):
        measure = add_measure(city.programme, status=status)
        assert sentence in run(app, "steps", named(measure), "--as", city.lead.email)[1]


def test_what_does_not_exist_is_answered_with_what_looks_like_it(app: Flask, city: City) -> None:
    measure = named(city.measure)
    code, said = run(app, "step", measure[:-1] + "x", "stop", "--as", city.head.email)
    assert code == 1
    assert measure in said
    code, said = run(app, "step", measure, "stopp", "--as", city.head.email)
    assert code == 1
    assert "stop" in said.split("Es gibt:")[1]
    code, said = run(app, "steps", measure, "--as", city.head.email.replace("konto", "kont"))
    assert code == 1
    assert "@musterstadt.example" in said.split("Es gibt:")[1]
    city.head.active = False
    assert step(app, city.measure, "stop", city.head)[0] == 1


@pytest.mark.parametrize("pair", ["result", "fremd=1", "=", "a\x00b=1", "x" * 10_000])
def test_a_strange_field_is_refused_in_words(app: Flask, city: City, pair: str) -> None:
    code, said = step(app, city.measure, "finish", city.lead, "--note", "x", "--field", pair)
    assert code == 1
    assert "schlüssel=wert" in said
    assert len(said) < 500


@pytest.mark.parametrize("strange", ["", "/", "x", "a/b/c", "\x00/\x00", "x" * 10_000])
def test_a_strange_measure_or_person_is_no_accident(app: Flask, city: City, strange: str) -> None:
    assert run(app, "steps", strange, "--as", city.head.email)[0] == 1
    assert run(app, "steps", named(city.measure), "--as", strange)[0] == 1


def test_funders_do_not_learn_the_steps_of_measures_they_do_not_see(app: Flask, city: City) -> None:
    code, said = run(app, "steps", named(city.measure), "--as", city.funder.email)
    assert code == 1
    assert "Ihre Rolle erlaubt das nicht" in said
    measure = add_measure(city.programme)
    city.programme.funders.clear()
    code, said = run(app, "steps", named(measure), "--as", city.funder.email)
    assert code == 1
    assert "nicht sichtbar" in said
