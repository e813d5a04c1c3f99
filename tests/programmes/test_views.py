"""The pages on which a coordinator changes a workflow."""

from __future__ import annotations

import re
from copy import deepcopy
from html import unescape
from typing import Any

import pytest

from app.core.database import db
from app.programmes import service
from app.programmes.models import Workflow, WorkflowDraft
from tests.conftest import Client
from tests.factories import NOON, WORKFLOW, City, actor, add_programme
from tests.measures.arrange import follow

STATUS = {"label": "Abnahme", "label_en": "Acceptance", "category": "running"}
STEP = {
    "label": "Abnahme erklären",
    "label_en": "Accept",
    "source": "running",
    "target": "done",
    "roles": "project_lead",
}


@pytest.fixture
def draft(client: Client, city: City) -> WorkflowDraft:
    client.sign_in(city.coordinator)
    return service.begin_draft(actor(city.coordinator), city.programme, now=NOON)


def base(city: City) -> str:
    return f"/programmes/{city.programme.key}/workflow"


def send(client: Client, city: City, path: str, values: Any = None, version: int | None = None) -> Any:
    """A form or a button of the draft, with the version that is stored unless another is given."""
    db.session.expire_all()
    if version is None:
        version = city.programme.draft.version if city.programme.draft else 0
    return client.post(f"{base(city)}/draft{path}", data={**(values or {}), "version": str(version)})


def stored(city: City) -> dict[str, Any]:
    db.session.expire_all()
    assert city.programme.draft is not None
    return city.programme.draft.definition


def text_of(answer: Any) -> str:
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.text)))


# -- who may


PAGES = (
    "/draft",
    "/draft/publish",
    "/draft/discard",
    "/draft/initial",
    "/draft/new-status",
    "/draft/statuses/paused",
    "/draft/statuses/paused/rules",
    "/draft/new-step",
    "/draft/steps/stop",
    "/draft/new-field",
    "/draft/fields/result",
)
BUTTONS = (
    "/draft/begin",
    "/draft/copy",
    "/draft/statuses/paused/removal",
    "/draft/statuses/paused/position",
    "/draft/statuses/paused/rules/removal",
    "/draft/steps/stop/removal",
    "/draft/steps/stop/position",
    "/draft/fields/result/removal",
    "/draft/fields/result/position",
)


@pytest.mark.parametrize("who", ["administrator", "lead", "head", "auditor", "funder"])
def test_nobody_but_coordinators_gets_to_the_editor(
    client: Client, city: City, draft: WorkflowDraft, who: str
) -> None:
    client.sign_in(getattr(city, who))
    for path in PAGES:
        assert client.get(base(city) + path).status_code == 403, path
        if path != "/draft":
            assert send(client, city, path.removeprefix("/draft")).status_code == 403, path
    for path in BUTTONS:
        assert send(client, city, path.removeprefix("/draft")).status_code == 403, path
    assert stored(city) == WORKFLOW


@pytest.mark.parametrize("who", ["administrator", "lead", "head", "auditor"])
def test_all_of_the_city_read_the_versions_and_see_no_button(client: Client, city: City, who: str) -> None:
    client.sign_in(getattr(city, who))
    page = client.get(base(city))
    assert page.status_code == 200
    assert "mit der Datei der Stadt" in page.text
    assert 'method="post" action="/programmes' not in page.text
    assert "draft" not in page.text
    assert client.get(f"{base(city)}/1").status_code == 200


def test_a_funder_reads_the_newest_version_in_public_words_only(client: Client, city: City) -> None:
    definition = deepcopy(WORKFLOW)
    definition["statuses"][2] |= {"public_label": {"de": "Wartet auf Entscheidung"}}
    newest = Workflow(programme_id=city.programme.id, version=2, definition=definition, published_at=NOON)
    db.session.add(newest)
    db.session.flush()
    db.session.expire(city.programme)
    client.sign_in(city.funder)
    page = client.get(f"/programmes/{city.programme.key}").text
    assert "Wartet auf Entscheidung" in page
    assert "Pausiert" not in page
    assert base(city) not in page
    assert client.get(base(city)).status_code == 403
    assert client.get(f"{base(city)}/1").status_code == 403
    client.sign_in(city.lead)
    assert "Pausiert" in client.get(f"/programmes/{city.programme.key}").text


def test_a_programme_of_another_funder_has_no_workflow_for_this_one(client: Client, city: City) -> None:
    other = add_programme()
    client.sign_in(city.funder)
    assert client.get(f"/programmes/{other.key}/workflow").status_code == 404
    assert client.get(f"/programmes/{other.key}/workflow/draft").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/2",
        "/0",
        "/99999999999999999999999",
        "/draft/statuses/nothing",
        "/draft/statuses/nothing/rules",
        "/draft/steps/nothing",
        "/draft/fields/nothing",
        "/draft/steps/a%00b",
        f"/draft/fields/{'x' * 10_000}",
    ],
)
def test_what_there_is_not_is_not_found(client: Client, city: City, draft: WorkflowDraft, path: str) -> None:
    assert client.get(base(city) + path).status_code == 404


def test_without_a_draft_its_pages_are_not_found(client: Client, city: City) -> None:
    client.sign_in(city.coordinator)
    for path in PAGES:
        assert client.get(base(city) + path).status_code == 404, path


# -- beginning


def test_a_draft_begins_from_the_newest_version(client: Client, city: City) -> None:
    client.sign_in(city.coordinator)
    assert "Entwurf aus Version 1 beginnen" in client.get(base(city)).text
    answer = client.post(f"{base(city)}/draft/begin")
    assert (answer.status_code, answer.location) == (302, f"{base(city)}/draft")
    page = client.get(answer.location).text
    assert "Der Ablauf ist schlüssig" in page
    assert "Am Entwurf weiterarbeiten" in client.get(base(city)).text


def test_the_second_to_begin_is_told_in_a_sentence(client: Client, city: City, draft: WorkflowDraft) -> None:
    other = add_programme()
    for path, data in (("begin", {}), ("copy", {"programme": other.key})):
        answer = client.post(f"{base(city)}/draft/{path}", data=data)
        assert answer.status_code == 409
        assert "Für dieses Programm gibt es schon einen Entwurf." in answer.text


def test_a_workflow_is_copied_from_another_programme(client: Client, city: City) -> None:
    other = add_programme()
    definition = {**deepcopy(WORKFLOW), "initial": "running"}
    db.session.add(Workflow(programme_id=other.id, version=2, definition=definition, published_at=NOON))
    client.sign_in(city.coordinator)
    assert str(other.name) in client.get(base(city)).text
    for wrong in ("", "nothing", city.programme.key):
        answer = client.post(f"{base(city)}/draft/copy", data={"programme": wrong})
        assert answer.status_code == 422, wrong
    assert client.post(f"{base(city)}/draft/copy", data={"programme": other.key}).status_code == 302
    assert stored(city)["initial"] == "running"


def test_a_draft_is_thrown_away_after_a_second_question(client: Client, city: City, draft: WorkflowDraft) -> None:
    assert "geht verloren" in client.get(f"{base(city)}/draft/discard").text
    assert send(client, city, "/discard", version=99).status_code == 409
    assert send(client, city, "/discard").status_code == 302
    db.session.expire_all()
    assert city.programme.draft is None


# -- entries


def test_a_status_is_added_and_changed(client: Client, city: City, draft: WorkflowDraft) -> None:
    answer = send(client, city, "/new-status", {**STATUS, "expectation": "Bitte  prüfen.\nDann abnehmen."})
    assert (answer.status_code, answer.location) == (302, f"{base(city)}/draft#status-abnahme")
    assert stored(city)["statuses"][-1] == {
        "key": "abnahme",
        "label": {"de": "Abnahme", "en": "Acceptance"},
        "category": "running",
        "final": False,
        "expectation": {"de": "Bitte  prüfen.\nDann abnehmen."},
    }
    page = client.get(f"{base(city)}/draft/statuses/abnahme").text
    assert 'value="Abnahme"' in page
    assert "Schlüssel: abnahme." in page
    send(
        client,
        city,
        "/statuses/abnahme",
        {**STATUS, "label": "Bauabnahme", "final": "y", "public_label": "Fast fertig", "expectation": ""},
    )
    assert stored(city)["statuses"][-1] == {
        "key": "abnahme",
        "label": {"de": "Bauabnahme", "en": "Acceptance"},
        "category": "running",
        "final": True,
        "public_label": {"de": "Fast fertig"},
    }


def test_a_form_that_is_opened_and_saved_changes_nothing(client: Client, city: City, draft: WorkflowDraft) -> None:
    definition = deepcopy(WORKFLOW)
    definition["fields"] += [
        {"key": "number", "label": {"de": "Nummer"}, "type": "text", "hint": {"de": "Kurz", "en": "Short"}},
        {"key": "other_number", "label": {"de": "Andere Nummer"}, "type": "text"},
        {"key": "link", "label": {"de": "Adresse"}, "type": "url"},
    ]
    definition["statuses"][1] |= {
        "final": False,
        "public_label": {"de": "Läuft"},
        "expectation": {"de": "Bauen", "en": "Build"},
        "field_rules": [{"field": "title", "rule": "read_only"}],
    }
    definition["transitions"][3] |= {
        "guards": [
            {"guard": "role_assigned", "role": "department_head"},
            {"guard": "note_given"},
            {"guard": "decision_recorded", "number": "number", "link": "link"},
            {"guard": "progress_current", "days": 30},
            {"guard": "fields_filled", "fields": ["link", "total_cost"]},
            {"guard": "decision_recorded", "number": "other_number", "link": "link"},
        ],
        "fields": ["number", "result"],
        "four_eyes": True,
        "basis": "published",
        "sources": {"*": [{"address": "https://a.example", "confidence": None, "note": None}]},
    }
    service.replace_draft(actor(city.coordinator), city.programme, definition, seen_version=draft.version, now=NOON)
    db.session.flush()
    for path in ("/statuses/running", "/steps/finish", "/fields/number"):
        page = client.get(f"{base(city)}/draft{path}").text
        answer = client.post(f"{base(city)}/draft{path}", data=typed_in(page))
        assert answer.status_code == 302, path
        assert stored(city) == definition, path


def typed_in(page: str) -> dict[str, Any]:
    """What a browser sends when nobody touches the form of a page."""
    form = page[page.index("<main") :]
    form = form[form.index('<form method="post" novalidate') :]
    form = form[: form.index("</form>")]
    sent: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        kind = re.search(r'type="(\w+)"', tag)
        name = re.search(r'name="([^"]*)"', tag)
        value = re.search(r'value="([^"]*)"', tag)
        assert kind
        assert name
        if kind[1] != "checkbox" or " checked" in tag:
            sent.setdefault(name[1], []).append(unescape(value[1]) if value else "")
    for name_, body in re.findall(r'<textarea[^>]*name="([^"]*)"[^>]*>(.*?)</textarea>', form, re.DOTALL):
        sent[name_] = unescape(body).strip()
    for name_, body in re.findall(r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'<option selected value="([^"]*)"', body)
        assert chosen, name_
        sent[name_] = chosen[1]
    return sent


def test_a_step_is_added_with_all_its_conditions(client: Client, city: City, draft: WorkflowDraft) -> None:
    for kind in ("text", "url"):
        send(client, city, "/new-field", {"label": f"Beschluss {kind}", "type": kind})
    assert 'selected value="paused"' in client.get(f"{base(city)}/draft/new-step?from=paused").text
    values = {
        **STEP,
        "four_eyes": "y",
        "roles": ["project_lead", "coordinator"],
        "fields": ["result", "beschluss_text"],
        "plain": ["note_given", "predecessors_done"],
        "progress": "y",
        "days": "30",
        "decision": "y",
        "number": "beschluss_text",
        "link": "beschluss_url",
        "filled": ["total_cost", "result"],
        "assigned": ["department_head"],
    }
    answer = send(client, city, "/new-step", values)
    assert (answer.status_code, answer.location) == (302, f"{base(city)}/draft#schritte-abnahme_erklaeren")
    assert stored(city)["transitions"][-1] == {
        "key": "abnahme_erklaeren",
        "label": {"de": "Abnahme erklären", "en": "Accept"},
        "from": "running",
        "to": "done",
        "roles": ["project_lead", "coordinator"],
        "guards": [
            {"guard": "note_given"},
            {"guard": "predecessors_done"},
            {"guard": "progress_current", "days": 30},
            {"guard": "decision_recorded", "number": "beschluss_text", "link": "beschluss_url"},
            {"guard": "fields_filled", "fields": ["total_cost", "result"]},
            {"guard": "role_assigned", "role": "department_head"},
        ],
        "fields": ["result", "beschluss_text"],
        "four_eyes": True,
    }
    assert "Der Ablauf ist schlüssig" not in client.get(f"{base(city)}/draft").text  # English is missing
    send(client, city, "/steps/abnahme_erklaeren", {**STEP, "days": "30", "number": "beschluss_text"})
    assert stored(city)["transitions"][-1]["guards"] == []


@pytest.mark.parametrize(
    ("path", "values", "sentence"),
    [
        ("/new-status", {**STATUS, "label": " "}, "Bitte geben Sie eine Bezeichnung an."),
        ("/new-status", {**STATUS, "label": "x" * 10_000}, "höchstens 200 Zeichen"),
        ("/new-status", {**STATUS, "category": ""}, "Bitte wählen Sie aus der Liste."),
        ("/new-status", {**STATUS, "category": "flying"}, "category-error"),
        ("/new-status", {**STATUS, "public_label_en": "Only"}, "auch die deutsche Fassung"),
        ("/new-status", {**STATUS, "expectation_en": "Only"}, "auch die deutsche Fassung"),
        ("/new-field", {"label": "Abnahme", "type": "number"}, "type-error"),
        ("/new-field", {"label": "Abnahme", "type": "text", "hint_en": "Only"}, "auch die deutsche Fassung"),
        ("/new-step", {**STEP, "roles": []}, "Bitte wählen Sie mindestens eine Rolle."),
        ("/new-step", {**STEP, "roles": ["funder"]}, "roles-error"),
        ("/new-step", {**STEP, "target": "nowhere"}, "target-error"),
        ("/new-step", {**STEP, "fields": ["nothing"]}, "fields-error"),
        ("/new-step", {**STEP, "progress": "y", "days": ""}, "ganze Zahl von 1 bis 3650"),
        ("/new-step", {**STEP, "progress": "y", "days": "0"}, "ganze Zahl von 1 bis 3650"),
        ("/new-step", {**STEP, "progress": "y", "days": "٣"}, "ganze Zahl von 1 bis 3650"),
        ("/new-step", {**STEP, "progress": "y", "days": "9" * 10_000}, "ganze Zahl von 1 bis 3650"),
        ("/new-step", {**STEP, "days": "30"}, "Kreuzen Sie „Sachstand aktuell“ an"),
        ("/new-step", {**STEP, "decision": "y"}, "Bitte wählen Sie ein Feld."),
        ("/statuses/paused/rules", {"field": "", "rule": "hidden"}, "Bitte wählen Sie aus der Liste."),
        ("/statuses/paused/rules", {"field": "title", "rule": "eaten"}, "rule-error"),
        ("/initial", {"initial": "nothing"}, "initial-error"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(
    client: Client, city: City, draft: WorkflowDraft, path: str, values: dict[str, Any], sentence: str
) -> None:
    answer = send(client, city, path, values)
    assert answer.status_code == 422
    assert sentence in unescape(answer.text)
    if values.get("label", "").strip():
        assert f'value="{values["label"]}"' in answer.text
    if len(values.get("days", "")) in range(1, 9):
        assert f'value="{values["days"]}"' in answer.text
    assert stored(city) == WORKFLOW


def test_markup_and_strange_signs_stay_text(client: Client, city: City, draft: WorkflowDraft) -> None:
    label = '<script>alert("1")</script>\x00 & \n zwei'
    assert send(client, city, "/new-status", {**STATUS, "label": label, "label_en": ""}).status_code == 302
    assert stored(city)["statuses"][-1]["label"] == {"de": '<script>alert("1")</script> & zwei'}
    for path in ("/draft", "/draft/publish", "/draft/statuses/script_alert_1_script_zwei", "/draft/initial"):
        page = client.get(base(city) + path)
        assert page.status_code == 200
        assert "<script>alert" not in page.text


def test_entries_move_and_go(client: Client, city: City, draft: WorkflowDraft) -> None:
    send(client, city, "/statuses/paused/position", {"to": "up"})
    send(client, city, "/fields/result/position", {"to": "down"})
    answer = send(client, city, "/steps/finish/position", {"to": "up"})
    assert answer.location == f"{base(city)}/draft#schritte-finish"
    send(client, city, "/steps/stop/removal")
    send(client, city, "/statuses/stopped/removal")
    definition = stored(city)
    assert [row["key"] for row in definition["statuses"]] == ["approved", "paused", "running", "done"]
    assert [row["key"] for row in definition["fields"]] == ["look_again_on", "result"]
    assert [row["key"] for row in definition["transitions"]] == ["start", "finish", "resume", "pause"]


def test_what_is_still_needed_is_not_removed_and_its_users_are_named(
    client: Client, city: City, draft: WorkflowDraft
) -> None:
    answer = send(client, city, "/statuses/paused/removal")
    assert answer.status_code == 422
    assert "Der Status „Pausiert“ wird noch gebraucht: Schritt „Pausieren“, Schritt „Fortsetzen“." in answer.text
    answer = send(client, city, "/statuses/approved/removal")
    assert "hier beginnen Maßnahmen" in answer.text
    answer = send(client, city, "/fields/result/removal")
    assert answer.status_code == 422
    assert "Das Feld „Ergebnis“ wird noch gebraucht: Schritt „Umsetzung abschließen“." in answer.text
    assert stored(city) == WORKFLOW


def test_field_rules_are_added_in_words_and_removed(client: Client, city: City, draft: WorkflowDraft) -> None:
    address = "/statuses/paused/rules"
    assert "keine Feldregeln" in client.get(f"{base(city)}/draft{address}").text
    rule = {"field": "total_cost", "rule": "read_only", "roles": ["project_lead", "auditor"]}
    assert send(client, city, address, rule).status_code == 302
    page = client.get(f"{base(city)}/draft{address}").text
    assert "Gesamtkosten: nur lesen für Projektleitung, Rechnungsprüfung" in page
    answer = send(client, city, address, rule)
    assert answer.status_code == 422
    assert "Diese Regel gibt es schon." in answer.text
    for index in ("1", "-1", "x", "", "9" * 5000):
        assert send(client, city, f"{address}/removal", {"index": index}).status_code == 404, index
    assert send(client, city, f"{address}/removal", {"index": "0"}).status_code == 302
    assert stored(city) == WORKFLOW


def test_another_status_becomes_the_beginning(client: Client, city: City, draft: WorkflowDraft) -> None:
    assert send(client, city, "/initial", {"initial": "running"}).status_code == 302
    assert stored(city)["initial"] == "running"


def test_a_published_field_does_not_change_its_type(client: Client, city: City, draft: WorkflowDraft) -> None:
    answer = send(client, city, "/fields/result", {"label": "Ergebnis", "type": "date"})
    assert answer.status_code == 422
    assert "die Art bleibt „langer Text“" in answer.text


# -- two at once


def test_whoever_comes_second_sees_both_and_keeps_what_they_typed(
    client: Client, city: City, draft: WorkflowDraft
) -> None:
    before = draft.version
    send(client, city, "/statuses/paused", {**STATUS, "label": "Ruhend"})
    answer = send(client, city, "/statuses/paused", {**STATUS, "label": "Wartend"}, version=before)
    assert answer.status_code == 409
    assert "Inzwischen hat jemand anderes gespeichert" in answer.text
    assert 'value="Wartend"' in answer.text
    assert "Ruhend" in text_of(answer)
    assert stored(city)["statuses"][2]["label"]["de"] == "Ruhend"
    version = re.search(r'name="version"[^>]*value="(\d+)"', answer.text)
    assert version
    again = send(client, city, "/statuses/paused", {**STATUS, "label": "Wartend"}, version=int(version[1]))
    assert again.status_code == 302
    assert stored(city)["statuses"][2]["label"]["de"] == "Wartend"


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("/new-status", STATUS),
        ("/new-step", STEP),
        ("/new-field", {"label": "Abnahme", "type": "text"}),
        ("/initial", {"initial": "running"}),
        ("/statuses/paused/rules", {"field": "title", "rule": "read_only"}),
        ("/publish", {"note": "Mein Grund"}),
        ("/statuses/done/position", {"to": "up"}),
        ("/steps/stop/removal", {}),
    ],
)
@pytest.mark.parametrize("version", [0, 99])
def test_an_old_page_changes_nothing(
    client: Client, city: City, draft: WorkflowDraft, path: str, values: dict[str, str], version: int
) -> None:
    answer = send(client, city, path, values, version=version)
    assert answer.status_code == 409
    for word in ("label", "note"):
        assert values.get(word, "") in answer.text
    assert stored(city) == WORKFLOW


def test_what_was_typed_for_a_draft_that_is_gone_is_shown(client: Client, city: City, draft: WorkflowDraft) -> None:
    db.session.delete(draft)
    db.session.flush()
    for path in ("/statuses/paused", "/new-step", "/fields/result"):
        answer = send(client, city, path, {"label": "Mein langer Text"}, version=1)
        assert answer.status_code == 409
        assert "verworfen oder veröffentlicht" in answer.text
        assert "Mein langer Text" in answer.text
    assert send(client, city, "/statuses/paused/removal", version=1).status_code == 409
    assert send(client, city, "/publish", {"note": "Mein Grund"}, version=1).status_code == 409


def test_what_was_typed_for_an_entry_that_is_gone_is_shown(client: Client, city: City, draft: WorkflowDraft) -> None:
    before = draft.version
    send(client, city, "/steps/stop/removal")
    answer = send(client, city, "/steps/stop", {**STEP, "label": "Anders abbrechen"}, version=before)
    assert answer.status_code == 409
    assert "Anders abbrechen" in answer.text


# -- soundness and publication


def test_the_findings_lead_to_the_page_that_mends_them(client: Client, city: City, draft: WorkflowDraft) -> None:
    send(client, city, "/new-status", {**STATUS, "label_en": ""})
    send(client, city, "/steps/finish", {**STEP, "label": "Abbruch beschließen", "label_en": "Stop"})
    send(client, city, "/statuses/paused/rules", {"field": "title", "rule": "hidden"})
    page = client.get(f"{base(city)}/draft").text
    for path, sentence in (
        ("/draft/steps/stop", "aus demselben Status führt schon"),
        ("/draft/statuses/paused/rules", "lässt sich nicht verbergen"),
        ("/draft/statuses/abnahme", "die englische Fassung fehlt"),
    ):
        assert re.search(rf'<a href="{base(city)}{path}">[^<]*{sentence}', page), sentence
    assert page.index("Fehler verhindern die Veröffentlichung") < page.index("die englische Fassung fehlt")


def test_whoever_lands_in_a_list_sees_the_errors_there(client: Client, city: City, draft: WorkflowDraft) -> None:
    to_the_top = '<a href="#pruefung">'
    assert to_the_top not in client.get(f"{base(city)}/draft").text
    answer = send(client, city, "/new-status", {**STATUS, "label_en": ""})
    assert answer.location.endswith("/draft#status-abnahme")
    page = client.get(f"{base(city)}/draft").text
    assert page.count(to_the_top) == 3
    entry = page.partition('id="status-abnahme"')[2].partition("</li>")[0]
    assert "ist vom Anfang aus nicht erreichbar" in entry
    assert "die englische Fassung fehlt" not in entry  # hints stand above alone: a German draft has one everywhere
    assert "Fehler:" not in page.partition('id="status-paused"')[2].partition("</li>")[0]


def test_a_role_nobody_holds_is_a_hint(client: Client, city: City, draft: WorkflowDraft) -> None:
    city.lead.active = city.other_lead.active = False
    page = client.get(f"{base(city)}/draft").text
    assert "Hinweise, die nichts verhindern" in page
    assert "diesen Schritt kann niemand gehen" in page


def test_publishing_waits_for_the_errors_to_be_mended(client: Client, city: City, draft: WorkflowDraft) -> None:
    page = client.get(f"{base(city)}/draft/publish").text
    assert "Der Entwurf unterscheidet sich nicht von der neuesten Version." in page
    assert 'name="note"' not in page

    send(client, city, "/new-status", {**STATUS, "final": "y"})
    page = client.get(f"{base(city)}/draft/publish").text
    assert "vom Anfang aus nicht erreichbar" in page
    assert 'name="note"' not in page
    answer = send(client, city, "/publish", {"note": "Abnahme"})
    assert answer.status_code == 422
    assert "vom Anfang aus nicht erreichbar" in answer.text

    send(client, city, "/new-step", {**STEP, "target": "abnahme"})
    page = client.get(f"{base(city)}/draft/publish").text
    assert "Neuer Status: „Abnahme“." in page
    assert "Neuer Schritt: „Abnahme erklären“ von „In Umsetzung“ nach „Abnahme“." in page
    assert send(client, city, "/publish", {"note": " "}).status_code == 422
    answer = send(client, city, "/publish", {"note": "Die Abnahme steht jetzt im Ablauf."})
    assert (answer.status_code, answer.location) == (302, base(city))

    db.session.expire_all()
    assert city.programme.draft is None
    assert [row.version for row in city.programme.workflows] == [1, 2]
    assert city.measure.workflow_id == city.programme.workflows[0].id
    page = client.get(base(city)).text
    assert "Version 2 ist veröffentlicht." in page
    assert "Die Abnahme steht jetzt im Ablauf." in page
    assert "Koordination" in page
    assert f'href="/measures/migration/{city.programme.key}/2"' in page
    assert "Abnahme" in client.get(f"{base(city)}/2").text


def test_a_version_that_came_in_between_is_pointed_out(client: Client, city: City, draft: WorkflowDraft) -> None:
    definition = {**deepcopy(WORKFLOW), "initial": "running"}
    db.session.add(Workflow(programme_id=city.programme.id, version=2, definition=definition, published_at=NOON))
    page = client.get(f"{base(city)}/draft/publish").text
    assert "Inzwischen gibt es Version 2" in page
    assert "Maßnahmen beginnen jetzt im Status „Bewilligt“." in page


def test_a_workflow_is_made_from_nothing(client: Client, city: City, draft: WorkflowDraft) -> None:
    """Every page of a draft opens at every stage, from an empty one on."""
    nothing = {"initial": "", "fields": [], "statuses": [], "transitions": []}
    service.replace_draft(actor(city.coordinator), city.programme, nothing, seen_version=draft.version, now=NOON)
    db.session.flush()

    def opens() -> None:
        for path in ("", "/publish", "/initial", "/new-status", "/new-step", "/new-field"):
            assert client.get(f"{base(city)}/draft{path}").status_code == 200, path

    opens()
    send(client, city, "/new-status", {"label": "Idee", "category": "planned"})
    opens()
    send(client, city, "/new-status", {"label": "Fertig", "category": "done", "final": "y"})
    send(client, city, "/new-step", {"label": "Los", "source": "idee", "target": "fertig", "roles": "coordinator"})
    opens()
    assert "Der Status „Bewilligt“ entfällt." in client.get(f"{base(city)}/draft/publish").text
    assert send(client, city, "/publish", {"note": "Kürzer"}).status_code == 302


def test_a_draft_that_names_what_there_is_not_opens_all_the_same(
    client: Client, city: City, draft: WorkflowDraft
) -> None:
    definition = deepcopy(WORKFLOW)
    definition["transitions"][0] |= {"from": "nowhere", "guards": [{"guard": "fields_filled", "fields": ["nothing"]}]}
    service.replace_draft(actor(city.coordinator), city.programme, definition, seen_version=draft.version, now=NOON)
    db.session.flush()
    page = client.get(f"{base(city)}/draft")
    assert page.status_code == 200
    assert "Aus einem Status, den es nicht gibt" in page.text
    assert "Das Bild erscheint, sobald" in page.text
    for path in ("/publish", "/steps/start"):
        assert client.get(f"{base(city)}/draft{path}").status_code == 200


def test_the_table_of_a_version_says_its_field_rules_to_staff_and_to_nobody_else(client: Client, city: City) -> None:
    follow(city.measure, rules=[{"field": "summary", "rule": "hidden", "roles": ["auditor"]}])
    said = "Kurzbeschreibung: verborgen für Rechnungsprüfung"
    client.sign_in(city.auditor)
    assert said in client.get(f"/programmes/{city.programme.key}/workflow/2").text
    assert said in client.get(f"/programmes/{city.programme.key}").text
    client.sign_in(city.funder)
    assert said not in client.get(f"/programmes/{city.programme.key}").text
