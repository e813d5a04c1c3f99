"""A workflow saved from the pages and brought back as a draft, and every file that is none."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

import pytest
import sqlalchemy as sa

from app.audit.models import AuditEvent
from app.core.database import db
from app.programmes import service as programmes
from app.programmes.models import WorkflowDraft
from app.transfer import service
from app.transfer.nodes import MAX_BYTES
from app.transfer.reading import read
from app.transfer.workflows import definition, is_same
from tests.conftest import Client
from tests.factories import NOON, WORKFLOW, City, actor
from tests.transfer.cities import CITY


def address(city: City, page: str = "upload") -> str:
    return f"/programmes/{city.programme.key}/workflow/{page}"


def exported(city: City) -> str:
    return service.export(city.programme.key).yaml


def hand_in(client: Client, city: City, content: str | bytes, version: str = "", name: str = "ablauf.yaml") -> Any:
    raw = content.encode() if isinstance(content, str) else content
    data = {"version": version, "file": (BytesIO(raw), name)}
    answer = client.post(address(city), data=data, content_type="multipart/form-data")
    answer.request.environ["wsgi.input"].close()  # werkzeug keeps a large upload in a file
    return answer


def drafts() -> list[WorkflowDraft]:
    db.session.expire_all()
    return list(db.session.scalars(sa.select(WorkflowDraft)))


def findings(page: str) -> list[tuple[str, str, str]]:
    """Line, path and sentence of each finding on the page."""
    rows = re.findall(r'<tr class="kern-table__row">\s*<td.*?</tr>', page, re.DOTALL)
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL) for row in rows]
    return [tuple(re.sub(r"<[^>]+>", "", cell).strip() for cell in row) for row in cells]  # type: ignore[misc]


@pytest.fixture
def coordinator(client: Client, city: City) -> Client:
    client.sign_in(city.coordinator)
    return client


# -- saving -----------------------------------------------------------------------------------------------------


def test_a_published_version_is_saved_as_a_file_that_can_be_read(client: Client, city: City) -> None:
    client.sign_in(city.lead)
    answer = client.get(address(city, "1/yaml"))
    assert (answer.status_code, answer.mimetype) == (200, "application/yaml")
    assert answer.headers["Content-Disposition"] == f"attachment; filename={city.programme.key}-1.yaml"
    reading = read([("ablauf.yaml", answer.data)])
    assert reading.city is not None
    assert is_same(definition(reading.city.programmes[0].workflow), WORKFLOW)


@pytest.mark.parametrize("page", ["2/yaml", "0/yaml", "99999999999999999999/yaml", "draft/yaml"])
def test_what_is_not_there_is_not_found(coordinator: Client, city: City, page: str) -> None:
    assert coordinator.get(address(city, page)).status_code == 404
    assert coordinator.get(f"/programmes/anderes/workflow/{page}").status_code == 404


def test_a_draft_is_saved_as_the_next_version_also_where_it_is_broken(coordinator: Client, city: City) -> None:
    broken = {"initial": "weg", "fields": [], "statuses": [], "transitions": []}
    programmes.replace_draft(actor(city.coordinator), city.programme, broken, seen_version=None, now=NOON)
    answer = coordinator.get(address(city, "draft/yaml"))
    assert (answer.status_code, answer.mimetype) == (200, "application/yaml")
    assert "    workflow:\n      version: 2\n      initial: weg\n      statuses: []\n" in answer.text


def test_funders_save_nothing_and_only_coordinators_bring_anything_in(client: Client, city: City) -> None:
    text = exported(city)
    for account in (city.lead, city.head, city.administrator, city.auditor, city.funder):
        client.sign_in(account)
        assert client.get(address(city)).status_code == 403
        assert hand_in(client, city, text).status_code == 403
        assert client.get(address(city, "1/yaml")).status_code == (403 if account is city.funder else 200)
        assert client.get(address(city, "draft/yaml")).status_code == 403
    assert drafts() == []


# -- bringing back ----------------------------------------------------------------------------------------------


def test_a_file_becomes_the_draft_and_the_log_says_so(coordinator: Client, city: City) -> None:
    text = exported(city).replace("de: Pausiert,", "de: Ruht,")
    answer = hand_in(coordinator, city, text)
    assert (answer.status_code, answer.location) == (302, address(city, "draft"))
    (draft,) = drafts()
    labels = {row["key"]: row["label"]["de"] for row in draft.definition["statuses"]}
    assert (labels["paused"], draft.edited_by) == ("Ruht", city.coordinator)
    assert [row.version for row in city.programme.workflows] == [1]
    line = db.session.scalars(sa.select(AuditEvent).order_by(AuditEvent.id.desc())).first()
    assert line is not None
    assert line.actor_id == city.coordinator.id
    page = coordinator.get(answer.location)
    assert page.status_code == 200
    assert "Der Ablauf aus der Datei ist jetzt der Entwurf." in page.text


def test_a_file_replaces_the_draft_that_was_seen_and_no_other(coordinator: Client, city: City) -> None:
    text = exported(city)
    hand_in(coordinator, city, text)
    (draft,) = drafts()
    page = coordinator.get(address(city)).text
    assert "Die Datei ersetzt den jetzigen Entwurf" in page
    assert f'value="{draft.version}"' in page
    answer = hand_in(coordinator, city, text.replace("de: Pausiert,", "de: Zu spät,"))
    assert answer.status_code == 409
    assert "Inzwischen hat jemand anderes gespeichert" in answer.text
    assert f'value="{draft.version}"' in answer.text
    assert "Zu spät" not in str(drafts()[0].definition)
    assert (
        hand_in(coordinator, city, text.replace("de: Pausiert,", "de: Ruht,"), str(draft.version)).status_code == 302
    )
    (draft,) = drafts()
    assert "Ruht" in str(draft.definition)


def test_the_programme_may_stand_among_others(coordinator: Client, city: City) -> None:
    own = exported(city)
    others = CITY[CITY.index("  - key: klima") : CITY.index("grants:")].replace("umweltministerium", "x")
    text = own + re.sub(r"    funders:.*\n", "", others)
    assert hand_in(coordinator, city, text).status_code == 302
    assert is_same(drafts()[0].definition, WORKFLOW)


UNREACHED = "        - {key: insel, label: Insel <b>, category: planned, final: true}\n"
LAST = "        - key: stopped\n"


def test_what_is_not_sound_yet_is_taken_for_the_editor_to_show(coordinator: Client, city: City) -> None:
    answer = hand_in(coordinator, city, exported(city).replace(LAST, UNREACHED + LAST))
    assert answer.status_code == 302
    assert "vom Anfang aus nicht erreichbar" in coordinator.get(answer.location).text


def test_markup_in_a_file_stays_text_on_every_page(coordinator: Client, city: City) -> None:
    text = exported(city).replace(LAST, UNREACHED + LAST)
    page = coordinator.get(hand_in(coordinator, city, text).location).text
    assert "Insel &lt;b&gt;" in page
    assert "Insel <b>" not in page


def test_the_saved_draft_brought_back_is_the_same_draft(coordinator: Client, city: City) -> None:
    text = exported(city).replace(LAST, UNREACHED + LAST)
    hand_in(coordinator, city, text)
    (draft,) = drafts()
    before, version = draft.definition, draft.version
    saved = coordinator.get(address(city, "draft/yaml")).text
    assert hand_in(coordinator, city, saved, str(version)).status_code == 302
    assert drafts()[0].definition == before


# -- files that are none ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "Die Datei ist leer."),
        (b"\xff\xd8\xff\xe0 JFIF", "Die Datei ist nicht in UTF-8 gespeichert."),
        (b"%PDF\x00\x01\x02", "Die Datei enthält Steuerzeichen, die kein Text sind."),
        (b"#" * (MAX_BYTES + 1), "Die Datei ist zu groß: höchstens 5 MB."),
        (b"nur ein Satz", "Die Datei muss mit benannten Angaben wie „format: 1“ beginnen."),
    ],
)
def test_a_file_that_is_none_is_said_to_be_none_beside_its_field(
    coordinator: Client, city: City, content: bytes, message: str
) -> None:
    answer = hand_in(coordinator, city, content)
    assert answer.status_code == 422
    (error,) = re.findall(r'id="file-error"[^>]*>(.*?)</div>', answer.text, re.DOTALL)
    assert message in error
    assert findings(answer.text) == []
    assert drafts() == []


def test_no_file_is_said_to_be_missing(coordinator: Client, city: City) -> None:
    for data in ({"version": ""}, {"version": "", "file": "kein Anhang"}, {"file": (BytesIO(b""), "")}):
        answer = coordinator.post(address(city), data=data, content_type="multipart/form-data")
        assert answer.status_code == 422
        assert "Bitte wählen Sie eine Datei." in answer.text
    assert drafts() == []


def bomb() -> str:
    return "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
    )


W = "programmes[0].workflow"
PAUSED = "          category: paused\n"
AGAIN = "        - {key: paused, label: {de: Noch einmal, en: Again}, category: paused}\n"
WRONG = [
    ("    workflow:\n", "    workflow:\n      versoin: 2\n", f"{W}.versoin", "Meinten Sie „version“?"),
    ("      initial: approved\n", "      initial: aproved\n", f"{W}.initial", "meinten Sie „approved“?"),
    ("      initial: approved\n", "      initial: approved\n      initial: done\n", f"{W}.initial", "steht zweimal"),
    (LAST, AGAIN + LAST, f"{W}.statuses[4].key", "kommt zweimal vor"),
    ("          category: paused\n", "          category: pausing\n", f"{W}.statuses[2].category", "Möglich: "),
    ("          to: stopped\n", "          to: stoped\n", f"{W}.transitions[4].to", "meinten Sie „stopped“?"),
    ("[{guard: milestones_planned}", "[{guard: magic}", f"{W}.transitions[0].guards[0].guard", "ist unbekannt"),
    ("fields: [result]\n", "fields: [reslt]\n", f"{W}.transitions[3].fields[0]", "meinten Sie „result“?"),
    (PAUSED, f"{PAUSED}          final: vielleicht\n", f"{W}.statuses[2].final", "„true“ oder „false“"),
    (
        PAUSED,
        f"{PAUSED}          field_rules: [{{field: sumary, rule: required}}]\n",
        f"{W}.statuses[2].field_rules[0].field",
        "meinten Sie „summary“?",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "path", "message"), WRONG, ids=[row[2] for row in WRONG])
def test_what_has_not_the_shape_of_a_workflow_is_listed_and_changes_nothing(
    coordinator: Client, city: City, old: str, new: str, path: str, message: str
) -> None:
    text = exported(city)
    assert text.count(old) == 1
    hand_in(coordinator, city, text)
    (draft,) = drafts()
    before = (draft.version, draft.definition)
    answer = hand_in(coordinator, city, text.replace(old, new), str(draft.version))
    assert answer.status_code == 422
    told = {at: (line, sentence) for line, at, sentence in findings(answer.text)}
    line, sentence = told[path]
    assert message in sentence.replace("&#39;", "'")
    assert int(line) > 1
    assert "Es wurde nichts geändert." in answer.text
    assert f'value="{before[0]}"' in answer.text
    (draft,) = drafts()
    assert (draft.version, draft.definition) == before


def test_a_bomb_and_ten_thousand_statuses_change_nothing(coordinator: Client, city: City) -> None:
    text = exported(city)
    answer = hand_in(coordinator, city, text + bomb())
    assert answer.status_code == 422
    assert "zu viele Angaben" in answer.text
    rows = "".join(f"        - {{key: s{n}, label: S, category: planned}}\n" for n in range(10_000))
    answer = hand_in(coordinator, city, text.replace("      transitions:\n", f"{rows}      transitions:\n"))
    assert answer.status_code == 422
    assert findings(answer.text)[0][1:] == (f"{W}.statuses", "der Ablauf hat zu viele Status: höchstens 100")
    assert drafts() == []


@pytest.mark.parametrize(
    ("keys", "path", "message"),
    [
        ([], "programmes", "Die Datei enthält kein Programm."),
        (["fremd"], "programmes[0].key", "Die Datei enthält das Programm „fremd“, nicht „{key}“."),
        (
            ["fremd", "{key}x"],
            "programmes",
            "Die Datei enthält 2 Programme, aber nicht „{key}“. Meinten Sie „{key}x“?",
        ),
    ],
)
def test_the_workflow_of_another_programme_is_not_taken(
    coordinator: Client, city: City, keys: list[str], path: str, message: str
) -> None:
    text = exported(city)
    head, body = text.split("programmes:\n")
    own = f"  - key: {city.programme.key}\n"
    named = [body.replace(own, f"  - key: {key.format(key=city.programme.key)}\n") for key in keys]
    answer = hand_in(coordinator, city, head + ("programmes:\n" + "".join(named) if named else ""))
    assert answer.status_code == 422
    assert [row[1:] for row in findings(answer.text)] == [(path, message.format(key=city.programme.key))]
    assert drafts() == []


def test_a_file_name_is_no_path_and_no_markup(coordinator: Client, city: City) -> None:
    for name in ("../../<script>.yaml", "x" * 10_000 + ".yaml", "\x00.yaml"):
        answer = hand_in(coordinator, city, "format: 1\nx: 1\n", name=name)
        assert answer.status_code == 422
        assert "<script>" not in answer.text.split("</head>")[1]
