"""The pages on which the coordination sets a programme's days, times and reminder steps."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import time
from typing import Any

import pytest
from sqlalchemy import select

from app.audit.models import AuditEvent
from app.core.database import db
from app.core.localized import Localized
from app.programmes.models import ReminderStep
from app.reminders import ladders
from tests.conftest import Client
from tests.factories import City, add_account, add_programme

STEP: dict[str, Any] = {
    "side": "before",
    "days": "10",
    "unit": "working",
    "repeat_days": "",
    "recipients": ["project_lead", "deputy"],
    "named": [],
    "wording": "Bitte jetzt melden",
    "wording_en": "Please report now",
}
SETTINGS = {"send_time": "9:30", "update_due_days": "20", "approval_days": "7", "stale_days": "90"}


@pytest.fixture
def coordinator(client: Client, city: City) -> Client:
    client.sign_in(city.coordinator)
    return client


def way(city: City, tail: str = "") -> str:
    return f"/programmes/{city.programme.key}/reminders{tail}"


def seen_on(html: str) -> str:
    (seen,) = re.findall(r'name="seen" type="hidden" value="(\w*)"', html)
    return str(seen)


def send(client: Client, city: City, tail: str, values: dict[str, Any], seen: str | None = None) -> Any:
    seen = seen_on(client.get(way(city, tail)).text) if seen is None else seen
    return client.post(way(city, tail), data=values | {"seen": seen})


def step(city: City, key: str) -> ReminderStep:
    db.session.expire_all()
    return next(row for row in city.programme.steps if row.key == key)


def test_the_page_shows_every_step_in_words_with_its_buttons(coordinator: Client, city: City) -> None:
    row = city.programme.steps[0]
    row.named, row.wording = [city.auditor], Localized("Bitte <jetzt>")
    html = coordinator.get(way(city)).text
    for words in ("30 Tage vorher", "7 Tage danach, dann alle 7 Tage", "Rechnungsprüfung", "Bitte &lt;jetzt&gt;"):
        assert words in html
    for tail in ("/new", "/copy", "/steps/before-30", "/steps/before-30/removal"):
        assert f'href="{way(city, tail)}"' in html
    assert f"/programmes/{city.programme.key}/readiness" in html


@pytest.mark.parametrize("who", ["administrator", "lead", "head", "funder", "auditor"])
@pytest.mark.parametrize("tail", ["", "/new", "/copy", "/steps/before-7", "/steps/before-7/removal"])
def test_nobody_else_sets_a_ladder(client: Client, city: City, who: str, tail: str) -> None:
    client.sign_in(getattr(city, who))
    assert client.get(way(city, tail)).status_code == 403
    assert client.post(way(city, tail), data=STEP | SETTINGS).status_code == 403


def test_the_settings_are_saved(coordinator: Client, city: City) -> None:
    assert send(coordinator, city, "", SETTINGS).status_code == 302
    db.session.refresh(city.programme)
    assert ladders.settings_of(city.programme) == ladders.Settings(time(9, 30), 20, 7, 90)
    assert send(coordinator, city, "", SETTINGS | {"stale_days": " ", "update_due_days": "0"}).status_code == 302
    db.session.refresh(city.programme)
    assert ladders.settings_of(city.programme) == ladders.Settings(time(9, 30), 0, 7, None)
    html = coordinator.get(way(city)).text
    assert 'value="09:30"' in html
    assert 'name="update_due_days" type="text" value="0"' in html or 'value="0"' in html


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"send_time": ""}, "Bitte geben Sie eine Uhrzeit an."),
        ({"send_time": "24:00"}, "„24:00“ ist keine Uhrzeit."),
        ({"send_time": "23:00"}, "Wählen Sie eine Uhrzeit bis 22 Uhr."),
        ({"update_due_days": ""}, "Bitte geben Sie eine Zahl an."),
        ({"update_due_days": "181"}, "Schreiben Sie eine ganze Zahl von 0 bis 180."),
        ({"approval_days": "0"}, "Schreiben Sie eine ganze Zahl von 1 bis 90."),
        ({"approval_days": "-1"}, "Schreiben Sie eine ganze Zahl von 1 bis 90."),
        ({"stale_days": "1001"}, "Schreiben Sie eine ganze Zahl von 1 bis 1000."),
        ({"stale_days": "x" * 10_000}, "Schreiben Sie eine ganze Zahl von 1 bis 1000."),
        ({"stale_days": "\x001.5"}, "Schreiben Sie eine ganze Zahl von 1 bis 1000."),
    ],
)
def test_settings_that_make_no_sense_are_refused_and_what_was_typed_is_kept(
    coordinator: Client, city: City, values: dict[str, str], sentence: str
) -> None:
    answer = send(coordinator, city, "", SETTINGS | {"approval_days": "77"} | values)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert 'value="20"' in answer.text or "update_due_days" in values
    assert db.session.scalars(select(AuditEvent)).all() == []


def test_of_two_who_set_it_at_once_the_second_compares(coordinator: Client, city: City) -> None:
    seen = seen_on(coordinator.get(way(city)).text)
    assert send(coordinator, city, "", SETTINGS, seen).status_code == 302
    answer = send(coordinator, city, "", SETTINGS | {"approval_days": "8", "send_time": "10:15"}, seen)
    assert answer.status_code == 409
    assert 'value="8"' in answer.text
    assert "10:15" in answer.text
    assert "09:30" in answer.text
    again = send(coordinator, city, "", SETTINGS | {"approval_days": "8"}, seen_on(answer.text))
    assert again.status_code == 302


def test_a_step_is_added(coordinator: Client, city: City) -> None:
    answer = send(coordinator, city, "/new", STEP | {"named": [str(city.auditor.id)]}, "")
    assert answer.status_code == 302
    facts = ladders.facts_of(step(city, "before-10-working"))
    assert (facts.offset_days, facts.working_days, facts.repeat_days) == (-10, True, None)
    assert {part.value for part in facts.recipients} == {"project_lead", "deputy"}
    assert facts.named == {city.auditor.id}
    assert facts.wording == Localized("Bitte jetzt melden", "Please report now")


def test_on_the_day_itself_there_are_no_working_days_to_count(coordinator: Client, city: City) -> None:
    values = STEP | {"side": "on", "days": "", "recipients": ["coordinator"]}
    assert send(coordinator, city, "/new", values, "").status_code == 302
    assert not step(city, "on-the-day-2").working_days


def test_the_form_of_a_step_shows_it_and_saves_it_under_its_key(coordinator: Client, city: City) -> None:
    html = coordinator.get(way(city, "/steps/after")).text
    assert html.count('value="7"') == 2
    assert html.count(" checked") == 4
    values = STEP | {
        "side": "after",
        "days": "14",
        "repeat_days": "7",
        "unit": "calendar",
        "wording": "",
        "wording_en": "",
    }
    assert send(coordinator, city, "/steps/after", values).status_code == 302
    facts = ladders.facts_of(step(city, "after"))
    assert (facts.offset_days, facts.repeat_days, facts.wording) == (14, 7, None)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"side": ""}, 'id="error-summary"'),
        ({"side": "x"}, 'id="error-summary"'),
        ({"unit": "years"}, 'id="error-summary"'),
        ({"days": ""}, "Bitte geben Sie an, wie viele Tage."),
        ({"days": "0"}, "Schreiben Sie eine ganze Zahl von 1 bis 365."),
        ({"days": "366"}, "Schreiben Sie eine ganze Zahl von 1 bis 365."),
        ({"days": "\x00" + "7" * 10_000}, "Schreiben Sie eine ganze Zahl von 1 bis 365."),
        ({"side": "on"}, "Für den Tag selbst bleibt die Zahl der Tage leer."),
        ({"repeat_days": "7"}, "Wiederholt wird nur, was nach dem Termin kommt."),
        ({"side": "after", "repeat_days": "täglich"}, "Schreiben Sie eine ganze Zahl von 1 bis 365."),
        ({"recipients": []}, "Wählen Sie, wer erinnert wird."),
        ({"recipients": ["funder"]}, 'id="error-summary"'),
        ({"named": ["x"]}, 'id="error-summary"'),
        ({"wording": ""}, "Bitte geben Sie auch die deutsche Fassung an."),
        ({"wording": "x" * 301}, "Bitte kürzen Sie den Text auf höchstens 300 Zeichen."),
        (
            {"days": "7", "unit": "calendar", "recipients": ["project_lead"], "wording": "", "wording_en": ""},
            "Genau diese Erinnerungsstufe gibt es schon.",
        ),
    ],
)
@pytest.mark.parametrize("tail", ["/new", "/steps/before-14"])
def test_a_step_that_makes_no_sense_is_refused_and_what_was_typed_is_kept(
    coordinator: Client, city: City, tail: str, values: dict[str, Any], sentence: str
) -> None:
    answer = send(coordinator, city, tail, STEP | values, "" if tail == "/new" else None)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert "Please report now" in answer.text or "wording_en" in values
    assert db.session.scalars(select(AuditEvent)).all() == []


def test_a_funder_s_people_cannot_be_named(coordinator: Client, city: City) -> None:
    assert str(city.funder.id) not in coordinator.get(way(city, "/new")).text
    assert send(coordinator, city, "/new", STEP | {"named": [str(city.funder.id)]}, "").status_code == 422


def test_of_two_who_change_a_step_at_once_the_second_compares(coordinator: Client, city: City) -> None:
    tail = "/steps/before-7"
    seen = seen_on(coordinator.get(way(city, tail)).text)
    assert send(coordinator, city, tail, STEP | {"days": "6"}, seen).status_code == 302
    answer = send(coordinator, city, tail, STEP | {"days": "5", "wording": "Anderes"}, seen)
    assert answer.status_code == 409
    assert "6 Arbeitstage vorher" in answer.text
    assert "Anderes" in answer.text
    assert send(coordinator, city, tail, STEP | {"days": "5"}, seen_on(answer.text)).status_code == 302
    assert send(coordinator, city, f"{tail}/removal", {}, seen).status_code == 409


def test_whoever_changes_a_step_that_was_removed_meanwhile_keeps_what_they_typed(
    coordinator: Client, city: City
) -> None:
    tail = "/steps/before-7"
    seen = seen_on(coordinator.get(way(city, tail)).text)
    assert send(coordinator, city, f"{tail}/removal", {}).status_code == 302
    answer = send(coordinator, city, tail, STEP | {"wording": "Mein Satz"}, seen)
    assert answer.status_code == 409
    assert "Mein Satz" in answer.text
    assert coordinator.get(way(city, tail)).status_code == 404


def test_removal_asks_first_and_then_removes(coordinator: Client, city: City) -> None:
    tail = "/steps/before-7/removal"
    html = coordinator.get(way(city, tail)).text
    assert "7 Tage vorher" in html
    assert step(city, "before-7")
    assert send(coordinator, city, tail, {}).status_code == 302
    db.session.expire_all()
    assert ladders.find_step(city.programme, "before-7") is None


def test_the_steps_of_another_programme_are_taken_over(coordinator: Client, city: City) -> None:
    other = add_programme()
    other.steps[:] = other.steps[:2]
    empty = add_programme()
    empty.steps.clear()
    html = coordinator.get(way(city, "/copy")).text
    assert f'value="{other.key}"' in html
    assert f'value="{empty.key}"' not in html
    assert send(coordinator, city, "/copy", {"programme": ""}).status_code == 422
    assert send(coordinator, city, "/copy", {"programme": empty.key}).status_code == 422
    assert send(coordinator, city, "/copy", {"programme": city.programme.key}).status_code == 422
    assert send(coordinator, city, "/copy", {"programme": other.key}, "").status_code == 409
    assert send(coordinator, city, "/copy", {"programme": other.key}).status_code == 302
    db.session.expire_all()
    assert [row.key for row in city.programme.steps] == ["before-30", "before-14"]


@pytest.mark.parametrize("tail", ["/steps/x", "/steps/a%00b", "/steps/x/removal", "/steps/" + "x" * 10_000])
def test_a_step_there_is_not_is_not_found(coordinator: Client, city: City, tail: str) -> None:
    assert coordinator.get(way(city, tail)).status_code == 404


def test_the_page_asks_as_much_of_the_database_for_many_steps_as_for_few(
    coordinator: Client, city: City, count_queries: Callable[[], Any]
) -> None:
    city.programme.steps[0].named = [city.auditor]
    coordinator.get(way(city))
    with count_queries() as few:
        coordinator.get(way(city))
    for number in range(12):
        city.programme.steps.append(
            ReminderStep(
                key=f"k{number}", offset_days=-100 - number, recipients=[], named=[add_account(f"Person {number}")]
            )
        )
    db.session.commit()
    with count_queries() as many:
        assert "111 Tage vorher" in coordinator.get(way(city)).text
    assert len(many) <= len(few)
