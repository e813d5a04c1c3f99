"""The pages: form, report, decision, attachments."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from io import BytesIO
from typing import Any
from uuid import uuid4

import html5lib
import pytest
from flask import Flask, render_template
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.core.database import db
from app.mail.models import Mail
from app.measures.models import Measure
from app.progress import queries
from app.progress.models import ProgressUpdate, UpdateState
from tests.conftest import Client
from tests.factories import NOON, City, actor, add_measure, add_milestone
from tests.progress.arrange import add_update

FORM = {
    "action": "submit",
    "period": "2022-Q4",
    "health": "green",
    "percent": "40",
    "done": "Vergabe abgeschlossen",
    "next_steps": "Baubeginn vorbereiten",
}
PDF = b"%PDF-1.7 Anlage"
ATTACK = "<script>alert('Ätsch')</script>"


def form(**changes: Any) -> dict[str, Any]:
    return FORM | changes


def address(measure: Measure) -> str:
    return f"/measures/{measure.id}/progress/report"


def post(client: Client, city: City, **changes: Any) -> TestResponse:
    return client.post(address(city.measure), data=form(**changes))


def stored() -> ProgressUpdate:
    return db.session.scalars(select(ProgressUpdate)).one()


def page(response: TestResponse) -> Any:
    return html5lib.parse(response.text, namespaceHTMLElements=False)


def value(response: TestResponse, name: str) -> str | None:
    """What stands in a field of the page, None where it has no such field."""
    for node in page(response).iter():
        if node.get("name") != name:
            continue
        if node.tag == "textarea":
            return str(node.text or "").removeprefix("\n")
        if node.tag == "select":
            return next((str(option.get("value")) for option in node if option.get("selected") is not None), None)
        if node.get("type") not in ("radio", "checkbox"):
            return str(node.get("value") or "")
        if node.get("checked") is not None:
            return str(node.get("value"))
    return None


def words(response: TestResponse) -> str:
    return " ".join("".join(page(response).itertext()).split())


# -- the form -------------------------------------------------------------------------------------------------------


def test_the_form_suggests_period_percent_and_forecasts(client: Client, city: City) -> None:
    add_update(city.measure, city.lead, UpdateState.RELEASED, period="2022-Q3", percent=35, done="Markt erkundet")
    believed = add_milestone(city.measure, date(2023, 6, 30), forecast_on=date(2023, 7, 14))
    promised = add_milestone(city.measure, date(2023, 9, 30))
    dropped = add_milestone(city.measure, date(2023, 1, 31), dropped_at=NOON, drop_reason="entfällt")
    client.sign_in(city.lead)
    answer = client.get(address(city.measure))

    assert answer.status_code == 200
    assert value(answer, "period") == "2022-Q4"
    assert value(answer, "percent") == "35"
    assert value(answer, "health") is None, "nobody chooses the light by accident"
    assert value(answer, f"forecast_{believed.id.hex}") == "2023-07-14"
    assert value(answer, f"forecast_{promised.id.hex}") == "", "a forecast nobody gave is not made up"
    assert value(answer, f"forecast_{dropped.id.hex}") is None
    assert "Markt erkundet" in words(answer)
    assert "3. Quartal 2022 (schon gemeldet)" in words(answer)


def test_opening_the_form_writes_nothing(client: Client, city: City) -> None:
    client.sign_in(city.lead)
    client.get(address(city.measure))
    assert db.session.scalars(select(ProgressUpdate)).all() == []


def test_the_form_costs_the_same_however_many_milestones(
    client: Client, city: City, count_queries: Callable[[], Any]
) -> None:
    client.sign_in(city.lead)
    sent: list[int] = []
    for _ in range(2):
        for number in range(1, 5):
            add_milestone(city.measure, date(2023, number, 1))
        with count_queries() as statements:
            assert client.get(address(city.measure)).status_code == 200
        sent.append(len(statements))
    assert sent[0] == sent[1]


def test_a_report_is_handed_in_and_shown(client: Client, city: City) -> None:
    milestone = add_milestone(city.measure, date(2023, 6, 30))
    client.sign_in(city.lead)
    answer = post(client, city, **{f"forecast_{milestone.id.hex}": "2023-07-31"})
    update = stored()
    assert answer.status_code == 302
    assert answer.location == f"/progress/{update.id}"
    assert (update.state, update.health, update.percent) == ("submitted", "green", 40)
    assert milestone.forecast_on == date(2023, 7, 31)

    shown = client.get(answer.location)
    assert "eingereicht, noch nicht freigegeben" in words(shown)
    assert "Der Sachstand ist eingereicht und wartet auf die Freigabe." in words(shown)
    assert "31.07.2023" in words(shown)
    assert "31 Tage später" in words(shown)


def test_a_draft_is_saved_and_continued(client: Client, city: City) -> None:
    client.sign_in(city.lead)
    answer = client.post(
        address(city.measure),
        data={"action": "save", "period": "2023-Q1", "health": "red", "done": "Erst die Hälfte"},
    )
    assert (answer.status_code, answer.location) == (302, address(city.measure))
    assert stored().state == "draft"

    again = client.get(address(city.measure))
    assert "Der Entwurf ist gespeichert." in words(again)
    assert value(again, "period") == "2023-Q1"
    assert value(again, "health") == "red"
    assert value(again, "done") == "Erst die Hälfte"
    assert value(again, "percent") == ""

    seen = {name: value(again, name) for name in ("draft", "version")}
    answer = post(client, city, **seen)
    assert answer.status_code == 302
    assert stored().state == "submitted"


def test_the_forecasts_of_a_draft_are_kept(client: Client, city: City) -> None:
    milestone = add_milestone(city.measure, date(2023, 6, 30), forecast_on=date(2023, 7, 14))
    name = f"forecast_{milestone.id.hex}"
    client.sign_in(city.lead)
    post(client, city, action="save", **{name: "2023-09-09"})
    assert value(client.get(address(city.measure)), name) == "2023-09-09"


def test_a_draft_that_lay_for_long_still_shows_its_period(client: Client, city: City) -> None:
    add_update(city.measure, city.lead, UpdateState.DRAFT, period="2021-Q3")
    client.sign_in(city.lead)
    answer = client.get(address(city.measure))
    assert value(answer, "period") == "2021-Q3"
    seen = {name: value(answer, name) for name in ("draft", "version")}
    assert post(client, city, period="2021-Q3", **seen).status_code == 302
    assert stored().period == "2021-Q3"


@pytest.mark.parametrize("action", [None, "purge"])
def test_without_a_known_button_a_draft_is_saved(client: Client, city: City, action: str | None) -> None:
    client.sign_in(city.lead)
    post(client, city, action=action or "")
    assert stored().state == "draft"


def test_an_incomplete_report_is_shown_again_with_every_gap(client: Client, city: City) -> None:
    client.sign_in(city.lead)
    answer = client.post(address(city.measure), data={"action": "submit", "period": "2022-Q4", "risks": "Winter"})
    assert answer.status_code == 422
    for message in (
        "wählen Sie die Ampel",
        "Fortschritt in Prozent an",
        "was in dieser Zeit erledigt",
        "Nächstes ansteht",
    ):
        assert message in words(answer)
    assert value(answer, "risks") == "Winter"
    assert db.session.scalars(select(ProgressUpdate)).all() == []


def test_gaps_are_named_beside_what_is_wrong(client: Client, city: City) -> None:
    client.sign_in(city.lead)
    answer = client.post(
        address(city.measure),
        data={"action": "submit", "period": "2022-Q4", "health": "purple", "percent": "abc", "done": "Vergabe"},
    )
    assert answer.status_code == 422
    assert "was als Nächstes ansteht" in words(answer)
    assert "Bitte geben Sie den Fortschritt in Prozent an." not in words(answer), "one sentence for each field"


@pytest.mark.parametrize(
    ("light", "lacking"), [("yellow", ["Gelb oder Rot"]), ("red", ["Gelb oder Rot", "die Entscheidung, die Sie"])]
)
def test_yellow_and_red_ask_for_their_words(client: Client, city: City, light: str, lacking: list[str]) -> None:
    client.sign_in(city.lead)
    answer = post(client, city, health=light)
    assert answer.status_code == 422
    assert all(message in words(answer) for message in lacking)
    assert value(answer, "health") == light


@pytest.mark.parametrize("action", ["save", "submit"])
@pytest.mark.parametrize(
    ("name", "typed", "message"),
    [
        ("percent", "abc", "ganze Zahl von 0 bis 100"),
        ("percent", "101", "ganze Zahl von 0 bis 100"),
        ("percent", "-1", "ganze Zahl von 0 bis 100"),
        ("percent", "12,5", "ganze Zahl von 0 bis 100"),
        ("percent", "٤٠", "ganze Zahl von 0 bis 100"),
        ("percent", "9" * 5000, "ganze Zahl von 0 bis 100"),
        ("period", "2031-Q1", "Berichtszeitraum aus der Liste"),
        ("period", "gestern", "Berichtszeitraum aus der Liste"),
        ("period", "", "Berichtszeitraum aus der Liste"),
        ("health", "purple", "wählen Sie die Ampel"),
    ],
)
def test_what_has_no_meaning_is_refused(
    client: Client, city: City, action: str, name: str, typed: str, message: str
) -> None:
    client.sign_in(city.lead)
    answer = post(client, city, action=action, **{name: typed})
    assert answer.status_code == 422
    assert message in words(answer)
    if name == "percent":
        assert value(answer, "percent") == typed
    assert value(answer, "done") == "Vergabe abgeschlossen"
    assert db.session.scalars(select(ProgressUpdate)).all() == []


@pytest.mark.parametrize("typed", ["40 %", "40%", " 40 ", " 40 % "])
def test_a_per_cent_sign_is_understood(client: Client, city: City, typed: str) -> None:
    client.sign_in(city.lead)
    post(client, city, percent=typed)
    assert stored().percent == 40


@pytest.mark.parametrize("name", ["health_reason", "decision_wanted", "done", "next_steps", "risks"])
def test_a_text_without_end_is_refused_and_kept(client: Client, city: City, name: str) -> None:
    client.sign_in(city.lead)
    endless = "ä" * 100_000
    answer = post(client, city, action="save", **{name: endless})
    assert answer.status_code == 422
    assert "Höchstens 5.000 Zeichen passen hier hinein; Ihr Text hat 100000." in words(answer)
    assert value(answer, name) == endless


def test_line_breaks_count_once_and_unprintable_is_left_out(client: Client, city: City) -> None:
    client.sign_in(city.lead)
    answer = post(client, city, done="a\r\n" * 2500 + "\x00")
    assert answer.status_code == 302
    assert stored().done == ("a\n" * 2500).strip()


@pytest.mark.parametrize("typed", ["31.02.2023", "2023-02-31", "bald", "1.1.1"])
def test_a_forecast_that_is_no_day_is_refused_and_kept(client: Client, city: City, typed: str) -> None:
    milestone = add_milestone(city.measure, date(2023, 6, 30))
    other = add_milestone(city.measure, date(2023, 9, 30))
    name, other_name = f"forecast_{milestone.id.hex}", f"forecast_{other.id.hex}"
    client.sign_in(city.lead)
    answer = post(client, city, **{name: typed, other_name: "2023-10-31"})
    assert answer.status_code == 422
    assert f"„{typed}“ ist kein Datum." in words(answer)
    assert value(answer, name) == typed
    assert value(answer, other_name) == "2023-10-31"
    assert milestone.forecast_on is None


def test_everything_typed_is_kept_even_the_files(client: Client, city: City) -> None:
    milestone = add_milestone(city.measure, date(2023, 6, 30))
    typed = {
        "period": "2022-Q3",
        "health": "red",
        "health_reason": "Kein Bieter",
        "decision_wanted": "Neu ausschreiben",
        "percent": "voll",
        "done": "Erstes\nZweites",
        "next_steps": "Drittes",
        "risks": "Winter",
        f"forecast_{milestone.id.hex}": "2023-12-24",
    }
    client.sign_in(city.lead)
    answer = client.post(
        address(city.measure),
        data=typed
        | {
            "action": "submit",
            "files": [(BytesIO(PDF), "anlage.pdf"), (BytesIO(b"MZ"), "schad.exe"), (BytesIO(PDF), "zwei.pdf")],
        },
    )
    assert answer.status_code == 422
    assert {name: value(answer, name) for name in typed} == typed
    assert "„schad.exe“ hat einen Dateityp, der nicht erlaubt ist." in words(answer)
    receipts = [node.get("value") for node in page(answer).iter("input") if node.get("name") == "receipts"]
    assert len(receipts) == 2

    answer = client.post(
        address(city.measure), data=typed | {"action": "submit", "percent": "70", "receipts": receipts}
    )
    assert answer.status_code == 302
    assert sorted(document.filename for document in stored().attachments) == ["anlage.pdf", "zwei.pdf"]


def test_an_attachment_of_a_draft_is_removed(client: Client, city: City) -> None:
    client.sign_in(city.lead)
    post(client, city, action="save", files=[(BytesIO(PDF), "anlage.pdf")])
    again = client.get(address(city.measure))
    assert "anlage.pdf" in words(again)
    (document,) = stored().attachments
    seen = {name: value(again, name) for name in ("draft", "version")}
    post(client, city, action="save", removed=[str(document.id), "kein Dokument", str(uuid4())], **seen)
    assert stored().attachments == []


@pytest.mark.parametrize("status", ["approved", "done", None])
def test_a_measure_that_does_not_run_has_no_form(client: Client, city: City, status: str | None) -> None:
    city.measure.status = status
    client.sign_in(city.lead)
    answers = client.get(address(city.measure)), post(client, city)
    for answer in answers:
        assert answer.status_code == 422
        assert ("läuft oder ruht" if status else "Der Status der Maßnahme ist nicht bekannt") in words(answer)


@pytest.mark.parametrize("who", ["other_lead", "head", "administrator", "auditor", "funder"])
def test_others_have_no_form(client: Client, city: City, who: str) -> None:
    client.sign_in(getattr(city, who))
    assert client.get(address(city.measure)).status_code == 403
    assert post(client, city).status_code == 403
    assert db.session.scalars(select(ProgressUpdate)).all() == []


def test_a_measure_that_does_not_exist_has_no_form(client: Client, city: City) -> None:
    client.sign_in(city.lead)
    assert client.get(f"/measures/{uuid4()}/progress/report").status_code == 404


def test_without_a_sign_in_there_is_no_page(client: Client, city: City) -> None:
    update = add_update(city.measure, city.lead)
    for path in (address(city.measure), f"/progress/{update.id}"):
        assert client.get(path).location.startswith("/sign-in")


# -- two people at once ---------------------------------------------------------------------------------------------


def test_the_second_of_two_keeps_what_they_typed_and_sees_what_is_stored(client: Client, city: City) -> None:
    draft = add_update(city.measure, city.coordinator, UpdateState.DRAFT, done="Fassung der Koordination")
    client.sign_in(city.lead)
    seen = {name: value(client.get(address(city.measure)), name) for name in ("draft", "version")}
    draft.done = "Neuere Fassung der Koordination"
    db.session.flush()

    answer = post(client, city, files=[(BytesIO(PDF), "anlage.pdf")], **seen)
    assert answer.status_code == 409
    assert value(answer, "done") == "Vergabe abgeschlossen"
    assert "Inzwischen hat jemand anderes gespeichert" in words(answer)
    assert "Neuere Fassung der Koordination" in words(answer)
    assert value(answer, "receipts")
    db.session.expire_all()
    assert stored().done == "Neuere Fassung der Koordination"

    seen = {name: value(answer, name) for name in ("draft", "version", "receipts")}
    assert post(client, city, **seen).status_code == 302
    assert (stored().state, stored().done) == ("submitted", "Vergabe abgeschlossen")
    assert [document.filename for document in stored().attachments] == ["anlage.pdf"]


@pytest.mark.parametrize("version", ["", "eins", "-1", "99", "1" * 5000])
def test_a_version_nobody_saw_is_a_conflict(client: Client, city: City, version: str) -> None:
    draft = add_update(city.measure, city.lead, UpdateState.DRAFT, done="Gespeichert")
    client.sign_in(city.lead)
    assert post(client, city, version=version, draft=str(draft.id)).status_code == 409
    db.session.expire_all()
    assert stored().done == "Gespeichert"


def test_another_draft_with_the_same_version_is_a_conflict(client: Client, city: City) -> None:
    draft = add_update(city.measure, city.lead, UpdateState.DRAFT, done="Gespeichert")
    client.sign_in(city.lead)
    assert post(client, city, version=str(draft.version), draft=str(uuid4())).status_code == 409


def test_a_form_whose_draft_is_gone_keeps_what_was_typed(client: Client, city: City) -> None:
    client.sign_in(city.lead)
    answer = post(client, city, version="2", draft=str(uuid4()))
    assert answer.status_code == 409
    assert "inzwischen eingereicht oder verworfen" in words(answer)
    assert value(answer, "done") == "Vergabe abgeschlossen"
    seen = {name: value(answer, name) for name in ("draft", "version")}
    assert post(client, city, **seen).status_code == 302


def test_the_second_click_on_submit_reports_nothing_twice(client: Client, city: City) -> None:
    draft = add_update(city.measure, city.lead, UpdateState.DRAFT)
    client.sign_in(city.lead)
    seen = {"draft": str(draft.id), "version": str(draft.version)}
    assert post(client, city, **seen).status_code == 302
    assert post(client, city, **seen).status_code == 409
    assert stored().state == "submitted"


# -- one report -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "state", "status"),
    [
        ("funder", UpdateState.RELEASED, 200),
        ("funder", UpdateState.SUBMITTED, 404),
        ("funder", UpdateState.RETURNED, 404),
        ("funder", UpdateState.DRAFT, 404),
        ("auditor", UpdateState.SUBMITTED, 200),
        ("auditor", UpdateState.DRAFT, 404),
        ("head", UpdateState.DRAFT, 404),
        ("other_lead", UpdateState.DRAFT, 404),
        ("other_lead", UpdateState.RETURNED, 200),
        ("coordinator", UpdateState.DRAFT, 200),
    ],
)
def test_a_report_is_shown_to_those_who_may_see_it(
    client: Client, city: City, who: str, state: UpdateState, status: int
) -> None:
    update = add_update(city.measure, city.lead, state)
    client.sign_in(getattr(city, who))
    assert client.get(f"/progress/{update.id}").status_code == status


def test_a_funder_reads_the_report_without_the_names_of_staff(client: Client, city: City) -> None:
    update = add_update(city.measure, city.lead, UpdateState.RELEASED, decided_by=city.head)
    client.sign_in(city.funder)
    shown = words(client.get(f"/progress/{update.id}"))
    assert "Ausschreibung" in shown
    assert "Projektleitung" not in shown
    assert "Leitung Digitalisierung" not in shown


def test_an_auditor_reads_and_has_no_buttons(client: Client, city: City) -> None:
    update = add_update(city.measure, city.lead)
    client.sign_in(city.auditor)
    answer = client.get(f"/progress/{update.id}")
    actions = {node.get("action") for node in page(answer).find(".//main").iter("form")}
    assert actions == set()
    for path in (f"/progress/{update.id}", f"/progress/{update.id}/discard"):
        answer = client.post(path, data={"decision": "released", "version": str(update.version)})
        assert answer.status_code == 403
    db.session.expire_all()
    assert stored().state == "submitted"


def test_written_texts_are_shown_as_text(client: Client, city: City) -> None:
    texts = "health_reason", "decision_wanted", "done", "next_steps", "risks"
    written: dict[str, Any] = dict.fromkeys(texts, ATTACK)
    update = add_update(
        city.measure,
        city.lead,
        UpdateState.RETURNED,
        return_reason=ATTACK,
        health="red",
        **dict.fromkeys(texts, ATTACK),
    )
    add_update(city.measure, city.lead, period="2022-Q3", **written)
    add_update(city.measure, city.lead, UpdateState.DRAFT, **written)
    client.sign_in(city.lead)
    for path in (f"/progress/{update.id}", address(city.measure)):
        answer = client.get(path)
        assert ATTACK not in answer.text
        assert ATTACK in words(answer)


def test_written_texts_are_text_in_mails_too(client: Client, city: City) -> None:
    update = add_update(city.measure, city.lead)
    client.sign_in(city.head)
    client.post(
        f"/progress/{update.id}", data={"decision": "returned", "reason": ATTACK, "version": str(update.version)}
    )
    (mail,) = db.session.scalars(select(Mail)).all()
    assert ATTACK in mail.body_text
    assert ATTACK not in mail.body_html
    assert "&lt;script&gt;" in mail.body_html


# -- the decision ---------------------------------------------------------------------------------------------------


def test_the_head_releases(client: Client, city: City) -> None:
    update = add_update(city.measure, city.lead)
    client.sign_in(city.head)
    assert value(client.get(f"/progress/{update.id}"), "decision") == "released"
    answer = client.post(f"/progress/{update.id}", data={"decision": "released", "version": str(update.version)})
    assert (answer.status_code, answer.location) == (302, f"/progress/{update.id}")
    db.session.expire_all()
    assert stored().state == "released"
    client.sign_in(city.funder)
    assert client.get(f"/progress/{update.id}").status_code == 200


def test_the_head_returns_and_the_lead_finds_the_reason_beside_the_form(client: Client, city: City) -> None:
    update = add_update(city.measure, city.lead)
    client.sign_in(city.head)
    answer = client.post(
        f"/progress/{update.id}",
        data={"decision": "returned", "reason": "Zahlen fehlen", "version": str(update.version)},
    )
    assert answer.status_code == 302
    client.sign_in(city.lead)
    form_page = client.get(address(city.measure))
    assert "Zahlen fehlen" in words(form_page)
    assert value(form_page, "done") == "Ausschreibung"


@pytest.mark.parametrize(
    ("decision", "reason", "message"),
    [
        ("returned", "  ", "Bitte begründen Sie, warum Sie den Sachstand zurückgeben."),
        ("returned", "ä" * 100_000, "Höchstens 5.000 Zeichen"),
        ("purged", "Weg damit", "freigeben oder zurückgeben"),
        ("", "Weg damit", "freigeben oder zurückgeben"),
    ],
)
def test_a_decision_that_does_not_hold_is_refused_and_kept(
    client: Client, city: City, decision: str, reason: str, message: str
) -> None:
    update = add_update(city.measure, city.lead)
    client.sign_in(city.head)
    answer = client.post(
        f"/progress/{update.id}", data={"decision": decision, "reason": reason, "version": str(update.version)}
    )
    assert answer.status_code == 422
    assert message in words(answer)
    assert value(answer, "reason") == reason
    db.session.expire_all()
    assert stored().state == "submitted"


def test_the_second_of_two_heads_is_told_and_keeps_the_reason(client: Client, city: City) -> None:
    update = add_update(city.measure, city.lead, UpdateState.RELEASED)
    client.sign_in(city.head)
    answer = client.post(
        f"/progress/{update.id}",
        data={"decision": "returned", "reason": "Zahlen fehlen", "version": str(update.version)},
    )
    assert answer.status_code == 409
    assert "Über diesen Sachstand wurde inzwischen entschieden." in words(answer)
    assert "Zahlen fehlen" in words(answer)


@pytest.mark.parametrize("who", ["lead", "other_head", "coordinator", "administrator", "auditor"])
def test_others_do_not_decide(client: Client, city: City, who: str) -> None:
    update = add_update(city.measure, city.lead)
    client.sign_in(getattr(city, who))
    answer = client.post(f"/progress/{update.id}", data={"decision": "released", "version": str(update.version)})
    assert answer.status_code == 403
    db.session.expire_all()
    assert stored().state == "submitted"


def test_a_head_sees_why_they_cannot_release_their_own_report(client: Client, city: City) -> None:
    update = add_update(city.measure, city.head)
    client.sign_in(city.head)
    answer = client.get(f"/progress/{update.id}")
    assert "Vier-Augen-Prinzip" in words(answer)
    assert value(answer, "decision") is None
    answer = client.post(f"/progress/{update.id}", data={"decision": "released", "version": str(update.version)})
    assert answer.status_code == 403


# -- drafts and attachments -----------------------------------------------------------------------------------------


def test_a_draft_is_discarded(client: Client, city: City) -> None:
    draft = add_update(city.measure, city.lead, UpdateState.DRAFT)
    client.sign_in(city.lead)
    answer = client.post(f"/progress/{draft.id}/discard", data={"version": str(draft.version)})
    assert (answer.status_code, answer.location) == (302, f"/measures/{city.measure.id}")
    assert queries.find_draft(city.measure) is None


@pytest.mark.parametrize(("who", "status"), [("other_lead", 404), ("head", 404), ("funder", 404)])
def test_others_discard_nothing(client: Client, city: City, who: str, status: int) -> None:
    draft = add_update(city.measure, city.lead, UpdateState.DRAFT)
    client.sign_in(getattr(city, who))
    answer = client.post(f"/progress/{draft.id}/discard", data={"version": str(draft.version)})
    assert answer.status_code == status
    assert queries.find_draft(city.measure) is draft


def test_a_draft_changed_since_it_was_seen_is_not_discarded(client: Client, city: City) -> None:
    draft = add_update(city.measure, city.lead, UpdateState.DRAFT)
    client.sign_in(city.lead)
    answer = client.post(f"/progress/{draft.id}/discard", data={"version": "99"})
    assert answer.status_code == 409
    assert "Es wurde nichts verworfen." in words(answer)
    assert queries.find_draft(city.measure) is draft


def test_an_attachment_is_handed_out_to_those_who_see_the_report(client: Client, city: City) -> None:
    client.sign_in(city.lead)
    post(client, city, files=[(BytesIO(PDF), "Übersicht.pdf")])
    update = stored()
    path = f"/progress/{update.id}/attachments/{update.attachments[0].id}"
    answer = client.get(path)
    assert (answer.status_code, answer.data, answer.mimetype) == (200, PDF, "application/pdf")
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    answer.close()

    other = add_update(add_measure(city.programme), city.lead)
    assert client.get(f"/progress/{other.id}/attachments/{update.attachments[0].id}").status_code == 404
    client.sign_in(city.funder)
    assert client.get(path).status_code == 404


# -- the parts of the measure page ----------------------------------------------------------------------------------


def test_the_history_tells_light_percent_period_and_state(app: Flask, client: Client, city: City) -> None:
    add_update(city.measure, city.lead, UpdateState.DRAFT, period="2023-Q1", health=None, percent=None)
    sample = add_update(
        city.measure, city.lead, UpdateState.RELEASED, health="yellow", health_reason="Winter", is_sample=True
    )
    with app.test_request_context():
        shown = render_template(
            "progress/_history.html", updates=queries.list_for_measure(actor(city.lead), city.measure)
        )
    plain = " ".join("".join(html5lib.parse(shown, namespaceHTMLElements=False).itertext()).split())
    assert f'href="/progress/{sample.id}"' in shown
    assert "4. Quartal 2022 Beispieldaten" in plain
    assert "Gelb" in plain
    assert "30 %" in plain
    assert "freigegeben (09.03.2023)" in plain
    assert "Entwurf" in plain
    assert plain.count("noch offen") == 2


def test_the_latest_update_says_why_the_measure_stands_as_it_does(app: Flask, city: City) -> None:
    latest = add_update(
        city.measure, city.lead, health="red", health_reason="Kein Bieter", decision_wanted="Neu ausschreiben"
    )
    with app.test_request_context():
        shown = render_template("progress/_latest.html", latest=latest)
        nothing = render_template("progress/_latest.html", latest=None)
    for words_of_it in ("Kein Bieter", "Neu ausschreiben", "4. Quartal 2022", "eingereicht, noch nicht freigegeben"):
        assert words_of_it in shown
    assert nothing.strip() == ""


def test_a_measure_without_updates_says_so(app: Flask) -> None:
    with app.test_request_context():
        assert "noch kein Sachstand gemeldet" in render_template("progress/_history.html", updates=[])
