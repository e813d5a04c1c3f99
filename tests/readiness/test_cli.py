"""`flask programmes doctor`: what it prints, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select

from app.audit.models import AuditEvent
from app.core.database import db
from app.core.localized import Localized
from app.programmes.models import Programme
from app.readiness.report import Group
from tests.factories import City, add


@pytest.fixture
def doctor(app: Flask) -> Callable[..., Result]:
    def invoke(*arguments: str) -> Result:
        db.session.commit()
        return app.test_cli_runner().invoke(args=["programmes", "doctor", *arguments])

    return invoke


def test_without_findings_it_says_so_in_one_line_with_what_was_checked(
    ready: City, doctor: Callable[..., Result]
) -> None:
    result = doctor(ready.programme.key)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        f"{ready.programme.key}: Startklar. Geprüft: 1 Maßnahme, 1 Stelle, 1 Freigabeweg, 5 Adressen, "
        "6 Erinnerungsstufen, 2 Fristen, 1 Fördermittelgeber, 5 Schritte im Ablauf.\n"
    )


def test_warnings_are_told_and_do_not_fail(ready: City, doctor: Callable[..., Result]) -> None:
    ready.other_head.active = False
    result = doctor(ready.programme.key)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[:2] == [
        "Hinweis: Stellen und Bereichsleitung: Stabsstelle Digitalisierung: nur „Leitung Digitalisierung“ leitet, "
        "ohne ständige Vertretung",
        f"  → http://localhost/people/{ready.head.id}/deputy",
    ]
    assert result.stdout.splitlines()[2].startswith(f"{ready.programme.key}: Startklar, 1 Hinweis. Geprüft: ")


def test_errors_end_with_1_and_name_where_to_mend_them(ready: City, doctor: Callable[..., Result]) -> None:
    ready.measure.unit = None
    result = doctor(ready.programme.key)
    assert result.exit_code == 1
    assert result.stdout.splitlines()[:2] == [
        f"Fehler: Stellen und Bereichsleitung: „{ready.measure.name}“ hat keine verantwortliche Stelle",
        f"  → http://localhost/measures/{ready.measure.id}/assignment",
    ]
    assert ": 4 Fehler. Geprüft: 1 Maßnahme, " in result.stdout.splitlines()[-1]


def test_as_json_it_says_the_same_to_a_machine(ready: City, doctor: Callable[..., Result]) -> None:
    sound = json.loads(doctor(ready.programme.key, "--json").stdout)
    assert (sound["programme"], sound["is_ready"], sound["errors"], sound["warnings"]) == (
        ready.programme.key, True, 0, 0,
    )  # fmt: skip
    assert [(row["group"], row["checked"], row["findings"]) for row in sound["checks"]] == [
        (group.value, n, []) for group, n in zip(Group, (1, 1, 1, 5, 6, 2, 1, 5), strict=True)
    ]
    ready.measure.lead = None
    ready.measure.is_sample = True
    ready.programme.steps.clear()
    result = doctor(ready.programme.key, "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert (told["is_ready"], told["errors"], told["warnings"]) == (False, 3, 1)
    assert told["checks"][0]["findings"] == [
        {
            "level": "error",
            "message": f"„{ready.measure.name}“ hat keine Projektleitung",
            "link": f"/measures/{ready.measure.id}/assignment",
            "is_sample": True,
        }
    ]
    assert told["checks"][4]["findings"] == [
        {
            "level": "warning",
            "message": "Es gibt keine Erinnerungsstufen: Niemand wird an eine Frist erinnert",
            "link": None,
            "is_sample": False,
        }
    ]


def test_an_unknown_programme_is_one_sentence_with_the_nearest_key(city: City, doctor: Callable[..., Result]) -> None:
    city.programme.key = "klimaschutz"
    result = doctor("klimaschuz")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Error: Das Programm „klimaschuz“ gibt es nicht; meinten Sie „klimaschutz“?\n"
    told = doctor("klimaschuz", "--json")
    assert (told.exit_code, told.stderr) == (1, "")
    assert json.loads(told.stdout) == {"error": "Das Programm „klimaschuz“ gibt es nicht; meinten Sie „klimaschutz“?"}
    assert "Traceback" not in doctor("x" * 10_000).output


def test_it_changes_nothing_and_writes_no_log(ready: City, doctor: Callable[..., Result]) -> None:
    before = db.session.scalars(select(AuditEvent)).all()
    doctor(ready.programme.key)
    assert db.session.scalars(select(AuditEvent)).all() == before


def test_a_programme_with_nothing_at_all_is_no_accident(city: City, doctor: Callable[..., Result]) -> None:
    city.coordinator.active = False
    add(Programme(key="neu", name=Localized("Neu"), level="state", update_rhythm="quarterly"))
    result = doctor("neu")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1] == "neu: 2 Fehler, 2 Hinweise. Geprüft: nichts."
