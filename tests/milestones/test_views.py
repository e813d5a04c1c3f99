"""The pages: status, what they show to whom, errors beside the field, what was typed kept."""

from __future__ import annotations

import re
from datetime import date
from io import BytesIO
from typing import Any, TypeVar
from urllib.parse import quote

import pytest
from werkzeug.test import TestResponse

from app.accounts.models import Account
from app.core.database import db
from app.core.localized import Localized
from app.milestones import service
from app.milestones.approval import Decision, MilestoneState
from app.milestones.models import Approval, Milestone, MilestoneMove
from tests.conftest import Client
from tests.factories import NOON, City, actor, add
from tests.milestones.arrange import PDF, PNG, ask, milestone_of, receipt

Form = dict[str, Any]
REQUEST: Form = {"actual_on": "2023-03-10", "statement": "Die Anlage läuft."}


def page_of(client: Client, milestone: Milestone, page: str = "") -> str:
    answer = client.get(f"/milestones/{milestone.id}{page}")
    assert answer.status_code == 200
    return answer.text


def post(client: Client, milestone: Milestone, page: str, data: Form) -> TestResponse:
    """Posts a form as the browser would send it: with the version it was made from."""
    return client.post(f"/milestones/{milestone.id}{page}", data={"version": milestone.version} | data)


def error_of(page: str, field: str) -> str:
    """What stands as an error beside a field."""
    found = re.search(rf'id="{field}-error">(.*?)</div>', page, re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", found[1]).split()) if found else ""


def version_in(page: str) -> int:
    """The version the form on a page was made from."""
    found = re.search(r'name="version"[^>]*value="(\d+)"', page)
    assert found
    return int(found[1])


Row = TypeVar("Row", Milestone, Approval)


def fresh(row: Row) -> Row:
    """The row as it is stored now."""
    db.session.expire_all()
    return row


# -- reading -------------------------------------------------------------------------------------------------------


def test_the_page_shows_the_three_days_and_the_history(client: Client, city: City) -> None:
    milestone = milestone_of(
        city.measure,
        title=Localized("Betrieb"),
        planned_on=date(2022, 12, 31),
        planned_precision="month",
        forecast_on=date(2023, 5, 1),
        sources={"planned_on": [{"address": "https://kdn.de/a-bus"}]},
    )
    client.sign_in(city.lead)
    page = page_of(client, milestone)
    assert "Dezember 2022" in page
    assert "überfällig" in page
    assert "01.05.2023" in page
    assert "https://kdn.de/a-bus" in page
    service.move_milestone(
        actor(city.lead), milestone, date(2023, 6, 30), "Lieferverzug", seen_version=milestone.version, now=NOON
    )
    page = page_of(client, milestone)
    assert "30.06.2023" in page
    assert "Von Dezember 2022 auf 30.06.2023" in page
    assert "Lieferverzug" in page
    assert "https://kdn.de/a-bus" not in page


def test_a_funder_sees_moves_and_nothing_internal(client: Client, city: City) -> None:
    milestone = milestone_of(city.measure, description=Localized("GEHEIM-1"), forecast_on=date(2024, 1, 17))
    service.move_milestone(
        actor(city.lead), milestone, date(2023, 6, 30), "Lieferverzug", seen_version=milestone.version, now=NOON
    )
    approval = ask(milestone, city.lead, receipt("GEHEIM-2.pdf"), statement="GEHEIM-3")
    service.decide_approval(actor(city.head), approval, Decision.RETURNED, reason="GEHEIM-4", now=NOON)
    ask(milestone, city.lead, statement="GEHEIM-5")
    client.sign_in(city.lead)
    for_the_city = page_of(client, milestone)
    assert [f"GEHEIM-{number}" in for_the_city for number in range(1, 6)] == [True] * 5
    client.sign_in(city.funder)
    for_the_funder = page_of(client, milestone)
    assert "Lieferverzug" in for_the_funder
    assert "30.06.2023" in for_the_funder
    for hidden in ("GEHEIM", "17.01.2024", "in Freigabe", "Zurückgegeben", "Projektleitung"):
        assert hidden not in for_the_funder


def test_each_page_is_for_those_who_may(client: Client, city: City) -> None:
    milestone = milestone_of(city.measure)
    ask(milestone_of(city.measure), city.lead)
    plan = f"/measures/{city.measure.id}/milestones/new"
    pages = [plan, *(f"/milestones/{milestone.id}/{name}" for name in ("edit", "move", "drop", "approval"))]
    for account, status in ((city.lead, 200), (city.coordinator, 200), (city.head, 403), (city.funder, 403)):
        client.sign_in(account)
        assert [client.get(page).status_code for page in pages] == [status] * 5
    for account, status in ((city.other_head, 403), (city.lead, 403), (city.administrator, 403)):
        client.sign_in(account)
        assert client.get(f"/milestones/{milestone.id}/decision").status_code == status


def test_what_one_cannot_see_does_not_exist(client: Client, city: City) -> None:
    milestone = milestone_of(city.measure)
    client.sign_in(city.lead)
    for page in ("", "/edit", "/move", "/drop", "/approval", "/decision"):
        assert client.get(f"/milestones/{city.measure.id}{page}").status_code == 404
    assert client.get("/milestones/1").status_code == 404
    assert client.get(f"/measures/{milestone.id}/milestones/new").status_code == 404


@pytest.mark.parametrize(
    ("who", "shown", "hidden"),
    [
        ("lead", {"edit", "move", "drop", "approval"}, {"decision"}),
        ("head", set(), {"edit", "move", "drop", "approval", "decision"}),
        ("auditor", set(), {"edit", "move", "drop", "approval", "decision"}),
    ],
)
def test_the_page_offers_what_this_person_may_do(
    client: Client, city: City, who: str, shown: set[str], hidden: set[str]
) -> None:
    milestone = milestone_of(city.measure)
    client.sign_in(getattr(city, who))
    page = page_of(client, milestone)
    for name in shown:
        assert f'href="/milestones/{milestone.id}/{name}"' in page
    for name in hidden:
        assert f'href="/milestones/{milestone.id}/{name}"' not in page


def test_the_four_eyes_say_why_not(client: Client, city: City) -> None:
    milestone = milestone_of(city.measure, edited_by_id=city.head.id)
    ask(milestone, city.lead)
    client.sign_in(city.head)
    page = page_of(client, milestone)
    assert "Warum nicht „Freigeben“?" in page
    assert "Vier-Augen-Prinzip" in page
    assert f'href="/milestones/{milestone.id}/decision"' not in page
    assert client.get(f"/milestones/{milestone.id}/decision").status_code == 403
    answer = client.post(
        f"/milestones/{milestone.id}/decision",
        data={"approval": milestone.open_approval.id if milestone.open_approval else "", "decision": "approved"},
    )
    assert answer.status_code == 403
    assert fresh(milestone).state is MilestoneState.IN_APPROVAL


def test_the_measure_page_lists_its_milestones(client: Client, city: City) -> None:
    milestone = milestone_of(
        city.measure,
        title=Localized("Betrieb"),
        planned_on=date(2021, 6, 30),
        planned_precision="month",
        forecast_on=date(2023, 5, 1),
        is_sample=True,
    )
    for month in (4, 5):
        add(
            MilestoneMove(
                milestone=milestone, from_on=date(2021, month, 1), to_on=date(2021, 6, 30), reason="x", moved_at=NOON
            )
        )
    client.sign_in(city.lead)
    page = client.get(f"/measures/{city.measure.id}").text
    for shown in ("Juni 2021", "überfällig", "2-mal verschoben", "01.05.2023", "noch keiner", "Beispieldaten"):
        assert shown in page
    assert f'href="/milestones/{milestone.id}/approval"' in page
    client.sign_in(city.funder)
    page = client.get(f"/measures/{city.measure.id}").text
    assert "Juni 2021" in page
    assert "01.05.2023" not in page
    assert f'href="/milestones/{milestone.id}/approval"' not in page


# -- planning and changing -----------------------------------------------------------------------------------------


def test_a_milestone_is_planned(client: Client, city: City) -> None:
    client.sign_in(city.lead)
    answer = client.post(
        f"/measures/{city.measure.id}/milestones/new",
        data={"title": "Prüfstand <Süd>", "planned_on": "30.06.2023", "description": ""},
        follow_redirects=True,
    )
    assert answer.status_code == 200
    assert "Prüfstand &lt;Süd&gt;" in answer.text
    assert "30.06.2023" in answer.text
    assert db.session.query(Milestone).one().title == Localized("Prüfstand <Süd>")


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"title": ""}, "title", "Bitte geben Sie einen Titel an."),
        ({"title": "  "}, "title", "Bitte geben Sie einen Titel an."),
        ({"title": "x" * 201}, "title", "höchstens 200 Zeichen"),
        ({"description": "y" * 5001}, "description", "höchstens 5000 Zeichen"),
        ({"planned_on": ""}, "planned_on", "Bitte geben Sie den Plan-Termin an."),
        ({"planned_on": "  "}, "planned_on", "Bitte geben Sie den Plan-Termin an."),
        ({"planned_on": "31.02.2023"}, "planned_on", "„31.02.2023“ ist kein Datum"),
        ({"planned_on": "morgen"}, "planned_on", "„morgen“ ist kein Datum"),
    ],
)
def test_bad_input_gets_its_sentence_and_keeps_the_rest(
    client: Client, city: City, change: Form, field: str, says: str
) -> None:
    data = {"title": "Prüfstand", "planned_on": "2023-06-30", "description": "Läuft vier Wochen."} | change
    client.sign_in(city.lead)
    answer = client.post(f"/measures/{city.measure.id}/milestones/new", data=data)
    assert answer.status_code == 422
    assert says in error_of(answer.text, field)
    assert [bool(error_of(answer.text, name)) for name in data] == [name == field for name in data]
    for typed in data.values():
        assert typed.strip() in answer.text
    assert db.session.query(Milestone).count() == 0


def test_title_and_description_are_edited(client: Client, city: City) -> None:
    milestone = milestone_of(city.measure, title=Localized("Alt"))
    client.sign_in(city.lead)
    assert 'value="Alt"' in page_of(client, milestone, "/edit")
    answer = post(client, milestone, "/edit", {"title": "Neu", "description": "Läuft."})
    assert answer.status_code == 302
    assert answer.location == f"/milestones/{milestone.id}"
    assert fresh(milestone).title == Localized("Neu")
    assert milestone.description == Localized("Läuft.")


def test_a_day_is_moved(client: Client, city: City) -> None:
    milestone = milestone_of(city.measure)
    client.sign_in(city.lead)
    answer = post(client, milestone, "/move", {"planned_on": "2023-06-30", "reason": "Lieferverzug"})
    assert answer.status_code == 302
    assert fresh(milestone).planned_on == date(2023, 6, 30)
    assert [move.reason for move in milestone.moves] == ["Lieferverzug"]


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"planned_on": "2023-06-30", "reason": " "}, "reason"),
        ({"planned_on": "2023-03-31", "reason": "Verzug"}, "planned_on"),
        ({"planned_on": "", "reason": "Verzug"}, "planned_on"),
    ],
)
def test_a_move_without_day_or_reason_is_shown_again(client: Client, city: City, data: Form, field: str) -> None:
    milestone = milestone_of(city.measure)
    client.sign_in(city.lead)
    answer = post(client, milestone, "/move", data)
    assert answer.status_code == 422
    assert error_of(answer.text, field)
    assert not fresh(milestone).moves


def test_a_milestone_is_dropped(client: Client, city: City) -> None:
    milestone = milestone_of(city.measure)
    client.sign_in(city.lead)
    answer = post(client, milestone, "/drop", {"reason": ""})
    assert (answer.status_code, error_of(answer.text, "reason")) == (
        422,
        "Fehler: Bitte begründen Sie, warum der Meilenstein entfällt.",
    )
    answer = client.post(
        f"/milestones/{milestone.id}/drop",
        data={"version": milestone.version, "reason": "Nicht gefördert"},
        follow_redirects=True,
    )
    assert "entfallen" in answer.text
    assert "Nicht gefördert" in answer.text
    assert fresh(milestone).state is MilestoneState.DROPPED


@pytest.mark.parametrize("page", ["/edit", "/move", "/drop", "/approval"])
def test_the_form_of_what_is_settled_says_so(client: Client, city: City, page: str) -> None:
    milestone = milestone_of(city.measure, approved_at=NOON, actual_on=date(2023, 3, 10))
    client.sign_in(city.lead)
    answer = client.get(f"/milestones/{milestone.id}{page}")
    assert answer.status_code == 422
    assert "ist freigegeben und kann nicht mehr geändert werden" in answer.text
    data = {"title": "TITEL", "planned_on": "2023-06-30", "reason": "GRUND", **REQUEST}
    answer = post(client, milestone, page, data)
    assert answer.status_code == 422
    assert "ist freigegeben und kann nicht mehr geändert werden" in answer.text
    assert any(typed in answer.text for typed in ("TITEL", "GRUND", "Die Anlage läuft."))


@pytest.mark.parametrize(
    ("page", "data", "kept"),
    [
        ("/edit", {"title": "Meins", "description": "Meine Worte"}, ("Meins", "Meine Worte")),
        ("/move", {"planned_on": "2023-09-01", "reason": "Mein Grund"}, ("2023-09-01", "Mein Grund")),
        ("/drop", {"reason": "Mein Grund"}, ("Mein Grund",)),
        ("/approval", {"actual_on": "2023-03-10", "statement": "Mein Bericht"}, ("2023-03-10", "Mein Bericht")),
    ],
)
def test_whoever_comes_second_keeps_what_they_typed(
    client: Client, city: City, page: str, data: Form, kept: tuple[str, ...]
) -> None:
    milestone = milestone_of(city.measure, title=Localized("Alt"))
    seen = milestone.version
    service.edit_milestone(actor(city.coordinator), milestone, "Anderes", None, seen_version=seen, now=NOON)
    client.sign_in(city.lead)
    answer = client.post(f"/milestones/{milestone.id}{page}", data={"version": seen, **data})
    assert answer.status_code == 409
    assert "Inzwischen hat jemand anderes gespeichert" in answer.text
    assert "Anderes" in answer.text
    for typed in kept:
        assert typed in answer.text
    assert fresh(milestone).state is MilestoneState.OPEN
    assert milestone.title == Localized("Anderes")
    again = client.post(f"/milestones/{milestone.id}{page}", data={"version": version_in(answer.text), **data})
    assert again.status_code == 302


def test_a_mistake_does_not_hide_that_somebody_else_saved(client: Client, city: City) -> None:
    milestone = milestone_of(city.measure)
    seen = milestone.version
    service.edit_milestone(actor(city.coordinator), milestone, "Anderes", None, seen_version=seen, now=NOON)
    client.sign_in(city.lead)
    answer = client.post(f"/milestones/{milestone.id}/edit", data={"version": seen, "title": ""})
    assert answer.status_code == 422
    assert version_in(answer.text) == seen


# -- asking for approval -------------------------------------------------------------------------------------------


def upload(*files: tuple[str, bytes]) -> Form:
    return {"files": [(BytesIO(content), name) for name, content in files]}


def test_approval_is_asked_for_with_evidence(client: Client, city: City) -> None:
    milestone = milestone_of(city.measure)
    client.sign_in(city.lead)
    answer = post(client, milestone, "/approval", REQUEST | upload(("Übersicht Süd.pdf", PDF), ("Foto.png", PNG)))
    assert answer.status_code == 302
    (approval,) = fresh(milestone).approvals
    assert {document.filename for document in approval.evidence} == {"Übersicht Süd.pdf", "Foto.png"}
    page = page_of(client, milestone)
    assert "Übersicht Süd.pdf" in page
    assert "Antrag zurückziehen" in page


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"actual_on": "2023-03-16"}, "actual_on", "liegt in der Zukunft"),
        ({"actual_on": ""}, "actual_on", "wann das Ziel erreicht wurde"),
        ({"actual_on": "gestern"}, "actual_on", "„gestern“ ist kein Datum"),
        ({"statement": " "}, "statement", "Bitte beschreiben Sie, was erreicht wurde."),
        (upload(("Schad.exe", b"MZ")), "files", "„Schad.exe“ hat einen Dateityp, der nicht erlaubt ist"),
        (upload(("Bericht.pdf", b"MZ\x90")), "files", "„Bericht.pdf“ ist keine PDF-Datei."),
        (upload(("leer.txt", b"")), "files", "„leer.txt“ ist leer."),
        (upload(("ohne", b"x")), "files", "„ohne“ hat einen Dateityp, der nicht erlaubt ist"),
    ],
)
def test_a_bad_request_says_what_to_mend(client: Client, city: City, change: Form, field: str, says: str) -> None:
    milestone = milestone_of(city.measure)
    client.sign_in(city.lead)
    answer = post(client, milestone, "/approval", REQUEST | change)
    assert answer.status_code == 422
    assert says in error_of(answer.text, field)
    assert (REQUEST | change)["statement"].strip() in answer.text
    assert not fresh(milestone).approvals


def receipts_in(page: str) -> list[str]:
    return re.findall(r'name="receipts" value="([^"]+)"', page)


def test_files_are_kept_while_the_form_is_mended(client: Client, city: City) -> None:
    milestone = milestone_of(city.measure)
    client.sign_in(city.lead)
    files = upload(("Übersicht.pdf", PDF), ("Bericht.pdf", b"MZ"), ("leer.txt", b""), ("Foto.png", PNG))
    answer = post(client, milestone, "/approval", REQUEST | {"statement": ""} | files)
    assert answer.status_code == 422
    assert "„Bericht.pdf“ ist keine PDF-Datei." in error_of(answer.text, "files")
    assert "„leer.txt“ ist leer." in error_of(answer.text, "files")
    assert error_of(answer.text, "statement")
    kept = receipts_in(answer.text)
    assert len(kept) == 2
    answer = post(client, milestone, "/approval", REQUEST | {"receipts": kept} | upload(("Neu.pdf", PDF + b"2")))
    assert answer.status_code == 302
    (approval,) = fresh(milestone).approvals
    assert {document.filename for document in approval.evidence} == {"Übersicht.pdf", "Foto.png", "Neu.pdf"}


def test_a_kept_file_can_be_left_away_and_comes_once(client: Client, city: City) -> None:
    milestone = milestone_of(city.measure)
    client.sign_in(city.lead)
    answer = post(client, milestone, "/approval", upload(("Übersicht.pdf", PDF), ("Foto.png", PNG)))
    kept = receipts_in(answer.text)
    twice = REQUEST | {"receipts": [kept[0], kept[0], "kaputt", kept[1][:-2]]} | upload(("Übersicht.pdf", PDF))
    assert post(client, milestone, "/approval", twice).status_code == 302
    (approval,) = fresh(milestone).approvals
    assert [document.filename for document in approval.evidence] == ["Übersicht.pdf"]


def test_whoever_asks_second_is_told_and_keeps_their_words(client: Client, city: City) -> None:
    milestone = milestone_of(city.measure)
    ask(milestone, city.coordinator)
    client.sign_in(city.lead)
    answer = post(client, milestone, "/approval", {"actual_on": "2023-03-09", "statement": "Mein Bericht"})
    assert answer.status_code == 409
    for shown in ("bereits beantragt", "Mein Bericht", "09.03.2023", f'href="/milestones/{milestone.id}"'):
        assert shown in answer.text
    assert len(fresh(milestone).approvals) == 1


def test_a_request_is_withdrawn(client: Client, city: City) -> None:
    milestone = milestone_of(city.measure)
    approval = ask(milestone, city.lead)
    address = f"/milestones/approvals/{approval.id}/withdrawal"
    client.sign_in(city.head)
    assert client.post(address).status_code == 403
    client.sign_in(city.funder)
    assert client.post(address).status_code == 404
    client.sign_in(city.lead)
    assert client.get(address).status_code == 405
    assert client.post(address).location == f"/milestones/{milestone.id}"
    assert fresh(milestone).state is MilestoneState.OPEN
    answer = client.post(address)
    assert answer.status_code == 409
    assert f'href="/milestones/{milestone.id}"' in answer.text


# -- deciding ------------------------------------------------------------------------------------------------------


def decide(client: Client, approval: Approval, decision: str, **data: str) -> TestResponse:
    address = f"/milestones/{approval.milestone_id}/decision"
    return client.post(address, data={"approval": approval.id, "decision": decision, **data})


def test_the_decision_page_shows_evidence_and_what_was_decided_before(client: Client, city: City) -> None:
    milestone = milestone_of(city.measure, title=Localized("Betrieb"), description=Localized("Versprochenes"))
    first = ask(milestone, city.lead, statement="Erster Versuch")
    service.decide_approval(actor(city.head), first, Decision.RETURNED, reason="Foto fehlt", now=NOON)
    approval = ask(
        milestone, city.lead, receipt("Foto.png", PNG), receipt("Bericht.pdf"), statement="Zweiter Versuch"
    )
    client.sign_in(city.head)
    page = page_of(client, milestone, "/decision")
    order = [
        page.index(part) for part in ("Zweiter Versuch", "Foto.png", "Versprochenes", "Foto fehlt", "Erster Versuch")
    ]
    assert order == sorted(order)
    for document in approval.evidence:
        address = f"/milestones/approvals/{approval.id}/evidence/{document.id}"
        assert f'href="{address}"' in page
        assert (f'<img src="{address}"' in page) == document.filename.endswith(".png")
    assert re.findall(r'name="decision" value="(\w+)"', page) == ["approved", "returned"]


def test_a_head_approves(client: Client, city: City) -> None:
    milestone = milestone_of(city.measure)
    client.sign_in(city.head)
    answer = decide(client, ask(milestone, city.lead), "approved")
    assert answer.location == f"/milestones/{milestone.id}"
    assert fresh(milestone).state is MilestoneState.APPROVED
    assert "freigegeben" in page_of(client, milestone)


def test_a_head_returns_with_a_reason(client: Client, city: City) -> None:
    milestone = milestone_of(city.measure)
    approval = ask(milestone, city.lead)
    client.sign_in(city.head)
    answer = decide(client, approval, "returned")
    assert answer.status_code == 422
    assert "warum Sie den Antrag zurückgeben" in error_of(answer.text, "reason")
    answer = decide(client, approval, "returned", reason="Foto fehlt")
    assert answer.status_code == 302
    assert fresh(approval).reason == "Foto fehlt"


@pytest.mark.parametrize("decision", ["", "withdrawn", "open", "approved,returned"])
def test_another_answer_than_yes_or_no_is_refused(client: Client, city: City, decision: str) -> None:
    milestone = milestone_of(city.measure)
    approval = ask(milestone, city.lead)
    client.sign_in(city.head)
    answer = decide(client, approval, decision, reason="Meine Worte")
    assert answer.status_code == 422
    assert "Bitte wählen Sie „Freigeben“ oder „Zurückgeben“." in answer.text
    assert "Meine Worte" in answer.text
    assert fresh(milestone).state is MilestoneState.IN_APPROVAL


def test_a_decision_counts_for_the_request_that_was_read(client: Client, city: City) -> None:
    milestone = milestone_of(city.measure)
    read = ask(milestone, city.lead)
    service.withdraw_approval(actor(city.lead), read, now=NOON)
    newer = ask(milestone, city.lead, statement="Etwas ganz anderes")
    client.sign_in(city.head)
    for seen in (str(read.id), "", "x", str(milestone.id)):
        answer = client.post(
            f"/milestones/{milestone.id}/decision",
            data={"approval": seen, "decision": "approved", "reason": "Meine Worte"},
        )
        assert answer.status_code == 409
        assert "Meine Worte" in answer.text
        assert "Begründung" in answer.text
    assert fresh(milestone).state is MilestoneState.IN_APPROVAL
    assert newer.decision is None


def test_the_second_of_two_heads_is_told(client: Client, city: City) -> None:
    milestone = milestone_of(city.measure)
    approval = ask(milestone, city.lead)
    client.sign_in(city.head)
    assert decide(client, approval, "approved").status_code == 302
    answer = decide(client, approval, "returned", reason="Meine Worte")
    assert answer.status_code == 409
    assert "bereits entschieden" in answer.text
    assert "Meine Worte" in answer.text
    assert fresh(milestone).state is MilestoneState.APPROVED


def test_a_link_to_what_is_decided_leads_to_the_milestone(client: Client, city: City) -> None:
    milestone = milestone_of(city.measure)
    client.sign_in(city.head)
    answer = client.get(f"/milestones/{milestone.id}/decision")
    assert answer.location == f"/milestones/{milestone.id}"
    assert "wartet kein Antrag" in page_of(client, milestone)


# -- evidence ------------------------------------------------------------------------------------------------------


def fetch(client: Client, approval: Approval, who: Account, **headers: str) -> TestResponse:
    client.sign_in(who)
    address = f"/milestones/approvals/{approval.id}/evidence/{approval.evidence[0].id}"
    return client.get(address, headers=headers, buffered=True)


@pytest.mark.parametrize(
    ("name", "content", "media_type", "disposition"),
    [
        ("Bericht.pdf", PDF, "application/pdf", "inline"),
        ("Foto.png", PNG, "image/png", "inline"),
        ("Foto.JPG", b"\xff\xd8\xff\xe0rest", "image/jpeg", "inline"),
        ("Liste.csv", b"a;b\n=1+1;2\n", "text/csv", "attachment"),
        ("Notiz.txt", b"<script>alert(1)</script>", "text/plain", "attachment"),
        ("Tabelle.xlsx", b"PK\x03\x04rest", "application/vnd.openxmlformats", "attachment"),
    ],
)
def test_evidence_is_shown_or_saved_and_never_runs(
    client: Client, city: City, name: str, content: bytes, media_type: str, disposition: str
) -> None:
    approval = ask(milestone_of(city.measure), city.lead, receipt(name, content))
    answer = fetch(client, approval, city.head)
    assert answer.status_code == 200
    assert answer.data == content
    assert answer.content_type.startswith(media_type)
    assert answer.headers["Content-Disposition"].startswith(f"{disposition}; filename=")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    policy = answer.headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "sandbox", "frame-ancestors 'none'"} <= set(policy)
    assert "private" in answer.headers["Cache-Control"]
    assert fetch(client, approval, city.head, if_none_match=answer.headers["ETag"]).status_code == 304


def test_umlauts_in_names_arrive(client: Client, city: City) -> None:
    approval = ask(milestone_of(city.measure), city.lead, receipt("Übersicht Süd – groß.pdf"))
    disposition = fetch(client, approval, city.head).headers["Content-Disposition"]
    assert f"filename*=UTF-8''{quote('Übersicht Süd – groß.pdf')}" in disposition


def test_evidence_is_not_for_everybody(client: Client, city: City) -> None:
    approval = ask(milestone_of(city.measure), city.lead, receipt())
    assert fetch(client, approval, city.funder).status_code == 404
    assert fetch(client, approval, city.auditor).status_code == 200
    other = ask(milestone_of(city.measure), city.lead, receipt())
    crossed = f"/milestones/approvals/{other.id}/evidence/{approval.evidence[0].id}"
    assert client.get(crossed).status_code == 404
