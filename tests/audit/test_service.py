"""The log keeps who, what, from, to and why, in the order it happened."""

from __future__ import annotations

from datetime import date

from app.audit import labels, queries, service
from app.core.database import db
from app.core.i18n import in_language, readable
from app.core.text import text
from app.organisations.permissions import system
from tests.conftest import Client
from tests.factories import NOON, City


def write(city: City, what: str, **changes: tuple[object, object]) -> None:
    service.record(
        system("Test"), city.measure, text(what), now=NOON, scope_id=city.measure.id, changes=changes, reason="Darum"
    )


def test_only_what_changed_is_kept_and_days_can_be_read_in_any_language(city: City) -> None:
    write(city, "Geändert", planned_on=(date(2023, 4, 1), date(2023, 5, 1)), percent=(10, 10), done=(None, "x"))
    db.session.flush()
    [line] = queries.list_for_scope(city.measure.id)
    assert line.changes == [
        {"field": "planned_on", "from": "2023-04-01", "to": "2023-05-01"},
        {"field": "done", "from": None, "to": "x"},
    ]
    with in_language("de"):
        assert readable(labels.value("2023-05-01")) == "01.05.2023"
        assert readable(labels.value(None)) == "leer"
        assert readable(labels.field_name("planned_on")) == "Plan-Termin"
        assert readable(labels.field_name("Wiedervorlage")) == "Wiedervorlage"


def test_lines_of_one_instant_keep_their_order(city: City) -> None:
    for number in range(3):
        write(city, f"Schritt {number}")
    db.session.flush()
    assert [line.what for line in queries.list_for_scope(city.measure.id)] == ["Schritt 2", "Schritt 1", "Schritt 0"]


def test_the_log_page_shows_lines_with_markup_as_text(client: Client, city: City) -> None:
    write(city, "Geändert", done=("<script>", "<b>neu</b>"))
    client.sign_in(city.auditor)
    page = client.get("/log").text
    assert "&lt;b&gt;neu&lt;/b&gt;" in page
    assert "<b>neu</b>" not in page
    assert "Begründung: Darum" in page


def test_the_log_is_paged(client: Client, city: City) -> None:
    for number in range(60):
        write(city, f"Schritt {number}")
    client.sign_in(city.coordinator)
    assert "Schritt 59" in client.get("/log").text
    assert "Schritt 0<" in client.get("/log?page=2").text
    assert client.get("/log?page=9999999").status_code == 200
    assert client.get("/log?page=x").status_code == 200
