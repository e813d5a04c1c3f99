"""Grants: what is published, what is owed, and who may read it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from app.core.database import db
from app.core.localized import Localized
from app.grants import service
from app.grants.models import Drawdown, Grant, Obligation
from app.measures.models import Activity
from tests.conftest import Client
from tests.factories import NOON, City, actor, add, add_programme


def test_a_grant_says_what_is_known_and_what_is_not(client: Client, city: City) -> None:
    grant = add(
        Grant(
            programme=city.programme,
            key="bus",
            title=Localized("Zuwendung Bus"),
            notice_on=date(2020, 5, 28),
            notice_count=4,
            amount=Decimal("2681669.09"),
            rate="0.65",
            measures=[city.measure],
            sources={"amount": [{"address": "https://quelle.example/betrag", "confidence": "high", "note": None}]},
        )
    )
    add(
        Obligation(
            grant=grant,
            key="p",
            kind="proof_of_use",
            title=Localized("Nachweis"),
            due_on=date(2023, 12, 31),
            basis="derived",
        )
    )
    add(Obligation(grant=grant, key="r", kind="keep_receipts", title=Localized("Belege")))
    client.sign_in(city.funder)
    page = client.get(f"/grants/{grant.id}").text.replace("\xa0", " ")
    for fact in (
        "2.681.669,09 €",
        "28.05.2020",
        "65 %",
        "https://quelle.example/betrag",
        "abgeleitet",
        "Datum fehlt",
    ):
        assert fact in page
    assert page.count("nicht veröffentlicht") >= 4
    assert "Zuwendung Bus" in client.get(f"/programmes/{city.programme.key}/grants").text


def test_a_grant_of_another_funder_does_not_exist(client: Client, city: City) -> None:
    other = add_programme()
    grant = add(Grant(programme=other, key="g", title=Localized("Fremd")))
    client.sign_in(city.funder)
    assert client.get(f"/grants/{grant.id}").status_code == 404
    assert client.get(f"/programmes/{other.key}").status_code == 404
    assert client.get(f"/programmes/{other.key}/grants").status_code == 404


def test_money_keeps_its_cents(city: City) -> None:
    grant = add(Grant(programme=city.programme, key="g", title=Localized("x"), amount=Decimal("0.29")))
    db.session.expire(grant)
    assert grant.amount == Decimal("0.29")


def test_an_activity_is_paid_by_one_fund(city: City) -> None:
    grant = add(Grant(programme=city.programme, key="g", title=Localized("x")))
    with pytest.raises(IntegrityError, match="one_payer"), db.session.begin_nested():
        add(
            Activity(
                programme_id=city.programme.id,
                key="a",
                title=Localized("a"),
                grant_id=grant.id,
                other_fund=Localized("b"),
            )
        )


def test_a_call_for_funds_is_for_money(city: City) -> None:
    grant = add(Grant(programme=city.programme, key="g", title=Localized("x")))
    with pytest.raises(IntegrityError, match="amount_is_positive"), db.session.begin_nested():
        add(Drawdown(grant=grant, amount=Decimal(0), requested_on=date(2023, 1, 1)))


# -- recording


@pytest.fixture
def grant(city: City) -> Grant:
    row: Grant = add(
        Grant(programme=city.programme, key="g", title=Localized("Zuwendung Bus"), measures=[city.measure])
    )
    db.session.commit()
    return row


def typed(grant: Grant, **changes: Any) -> dict[str, Any]:
    return {
        "notice_on": "2023-03-01",
        "file_number": "34.02-7",
        "amount": "1.234,50",
        "measures": [str(measure.id) for measure in grant.measures],
        "seen": service.imprint(grant),
    } | changes


def test_a_coordinator_records_a_notice_and_sees_it_on_the_page_of_the_grant(
    client: Client, city: City, grant: Grant
) -> None:
    client.sign_in(city.coordinator)
    assert f"/grants/{grant.id}/notice" in client.get(f"/grants/{grant.id}").text
    assert f"/grants/{grant.id}/notice" in client.get(f"/programmes/{city.programme.key}/grants").text
    answer = client.post(f"/grants/{grant.id}/notice", data=typed(grant))
    assert answer.status_code == 302
    page = client.get(answer.location).text.replace("\xa0", " ")
    assert "01.03.2023" in page
    assert "1.234,50 €" in page
    assert "Bescheid ändern" in page
    assert (grant.notice_on, grant.amount) == (date(2023, 3, 1), Decimal("1234.50"))


def test_the_form_shows_what_is_stored(client: Client, city: City, grant: Grant) -> None:
    grant.notice_on, grant.amount, grant.file_number = date(2020, 5, 28), Decimal("2681669.09"), "AZ <1>"
    db.session.commit()
    client.sign_in(city.coordinator)
    page = client.get(f"/grants/{grant.id}/notice").text
    assert 'value="2020-05-28"' in page
    assert 'value="2.681.669,09"' in page
    assert "AZ &lt;1&gt;" in page
    assert page.count(" checked") == 1


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("notice_on", "", "Bitte geben Sie an, von wann der Bescheid ist."),
        ("notice_on", "31.02.2023", "ist kein Datum"),
        ("notice_on", "2023-03-16", "Der Tag des Bescheids liegt in der Zukunft."),
        ("file_number", "x" * 10_000, "höchstens 80 Zeichen"),
        ("amount", "viel", "Schreiben Sie einen Betrag wie 1.234,56."),
        ("amount", "-5", "Schreiben Sie einen Betrag wie 1.234,56."),
    ],
)
def test_what_cannot_be_saved_is_told_beside_its_field_and_stays_typed(
    client: Client, city: City, grant: Grant, field: str, value: str, sentence: str
) -> None:
    client.sign_in(city.coordinator)
    answer = client.post(f"/grants/{grant.id}/notice", data=typed(grant, **{field: value}))
    assert answer.status_code == 422
    assert sentence in answer.text
    assert f'id="{field}-error"' in answer.text
    assert value[:80] in answer.text
    assert "34.02-7" in answer.text or field == "file_number"
    db.session.refresh(grant)
    assert grant.notice_on is None


def test_a_nul_is_left_out_of_what_is_typed(client: Client, city: City, grant: Grant) -> None:
    client.sign_in(city.coordinator)
    assert client.post(f"/grants/{grant.id}/notice", data=typed(grant, file_number="a\x00b")).status_code == 302
    assert grant.file_number == "ab"


@pytest.mark.parametrize("measure", ["keine-uuid", "00000000-0000-0000-0000-000000000000", "\x00", "x" * 10_000])
def test_a_measure_nobody_offered_is_refused(client: Client, city: City, grant: Grant, measure: str) -> None:
    client.sign_in(city.coordinator)
    answer = client.post(f"/grants/{grant.id}/notice", data=typed(grant, measures=[measure]))
    assert answer.status_code == 422
    assert "Bitte wählen Sie nur Maßnahmen dieses Programms." in answer.text
    data = {"title": "Neu", "measures": [measure]}
    assert client.post(f"/programmes/{city.programme.key}/grants/new", data=data).status_code == 422
    db.session.refresh(grant)
    assert grant.measures == [city.measure]


def test_the_second_of_two_keeps_what_they_typed_beside_what_is_stored(
    client: Client, city: City, grant: Grant
) -> None:
    client.sign_in(city.coordinator)
    late = typed(grant, file_number="mein Aktenzeichen")
    assert client.post(f"/grants/{grant.id}/notice", data=typed(grant, file_number="ihres")).status_code == 302
    answer = client.post(f"/grants/{grant.id}/notice", data=late)
    assert answer.status_code == 409
    assert "Inzwischen hat jemand anderes gespeichert" in answer.text
    assert "mein Aktenzeichen" in answer.text
    assert "ihres" in answer.text
    db.session.refresh(grant)
    assert grant.file_number == "ihres"
    again = typed(grant, file_number="mein Aktenzeichen")
    assert again["seen"] in answer.text
    assert client.post(f"/grants/{grant.id}/notice", data=again).status_code == 302


@pytest.mark.parametrize("seen", ["", "x" * 10_000, "\x00"])
def test_a_form_without_its_imprint_overwrites_nothing(client: Client, city: City, grant: Grant, seen: str) -> None:
    client.sign_in(city.coordinator)
    assert client.post(f"/grants/{grant.id}/notice", data=typed(grant, seen=seen)).status_code == 409


def test_a_coordinator_creates_a_grant_for_the_measure_they_came_from(client: Client, city: City) -> None:
    client.sign_in(city.coordinator)
    address = f"/programmes/{city.programme.key}/grants/new"
    assert address in client.get(f"/programmes/{city.programme.key}/grants").text
    assert client.get(address).text.count(" checked") == 0
    assert client.get(f"{address}?measure={city.measure.id}").text.count(" checked") == 1
    assert client.get(f"{address}?measure=x%00").text.count(" checked") == 0
    answer = client.post(address, data={"title": "Zuwendung Rad", "measures": [str(city.measure.id)]})
    assert answer.status_code == 302
    grant = city.measure.grants[0]
    assert answer.location == f"/grants/{grant.id}"
    assert (grant.title.de, grant.notice_on, grant.amount) == ("Zuwendung Rad", None, None)


def test_a_grant_needs_a_name(client: Client, city: City) -> None:
    client.sign_in(city.coordinator)
    answer = client.post(f"/programmes/{city.programme.key}/grants/new", data={"title": " ", "file_number": "AZ 7"})
    assert answer.status_code == 422
    assert "Bitte geben Sie eine Bezeichnung an." in answer.text
    assert "AZ 7" in answer.text


@pytest.mark.parametrize("who", ["administrator", "lead", "head", "funder", "auditor"])
def test_others_neither_see_the_way_to_the_forms_nor_get_in(
    client: Client, city: City, grant: Grant, who: str
) -> None:
    client.sign_in(getattr(city, who))
    assert "/notice" not in client.get(f"/grants/{grant.id}").text
    assert "/grants/new" not in client.get(f"/programmes/{city.programme.key}/grants").text
    for address in (f"/grants/{grant.id}/notice", f"/programmes/{city.programme.key}/grants/new"):
        assert client.get(address).status_code == 403
        assert client.post(address, data=typed(grant, title="x")).status_code == 403
    db.session.refresh(grant)
    assert grant.notice_on is None


# -- what is owed


@pytest.fixture
def owed(grant: Grant) -> Obligation:
    row: Obligation = add(
        Obligation(
            grant=grant, key="o", kind="proof_of_use", title=Localized("Nachweis <1>"), due_on=date(2023, 3, 5)
        )
    )
    db.session.commit()
    return row


def forms_of(owed: Obligation) -> dict[str, dict[str, str]]:
    seen = service.imprint_of(owed)
    return {
        f"/grants/obligations/{owed.id}/move": {"due_on": "2023-09-30", "reason": "Bescheid vom Mai", "seen": seen},
        f"/grants/obligations/{owed.id}/completion": {"done_on": "14.03.2023", "note": "Per Post", "seen": seen},
        f"/grants/obligations/{owed.id}/reopening": {"reason": "Verwechselt", "seen": seen},
    }


def typed_into(owed: Obligation, form: str, **changes: str) -> tuple[str, dict[str, str]]:
    address = f"/grants/obligations/{owed.id}/{form}"
    return address, forms_of(owed)[address] | changes


def text_of(page: str) -> str:
    """The words of a page without its tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_a_coordinator_moves_a_deadline_and_the_old_day_stays_on_the_page(
    client: Client, city: City, grant: Grant, owed: Obligation
) -> None:
    client.sign_in(city.coordinator)
    page = client.get(f"/grants/{grant.id}").text
    assert f'id="auflage-{owed.id}"' in page
    assert "05.03.2023 (seit 10 Tagen überfällig)" in text_of(page)
    address, data = typed_into(owed, "move")
    assert address in page
    assert "Bisherige Frist: 05.03.2023." in client.get(address).text
    answer = client.post(address, data=data)
    assert (answer.status_code, answer.location) == (302, f"/grants/{grant.id}#auflage-{owed.id}")
    after = text_of(client.get(f"/grants/{grant.id}").text)
    assert "30.09.2023" in after
    assert "überfällig" not in after
    assert "am 15.03.2023 verschoben, vorher 05.03.2023 (Koordination): Bescheid vom Mai" in after


def test_a_missing_day_is_set(client: Client, city: City, grant: Grant, owed: Obligation) -> None:
    owed.due_on = None
    db.session.commit()
    client.sign_in(city.coordinator)
    page = text_of(client.get(f"/grants/{grant.id}").text)
    assert "Datum fehlt" in page
    assert "Frist setzen : Nachweis &lt;1&gt;" in page
    address, data = typed_into(owed, "move")
    assert "Bisher fehlt das Datum, und niemand wird erinnert." in client.get(address).text
    assert client.post(address, data=data).status_code == 302
    after = text_of(client.get(f"/programmes/{city.programme.key}/grants").text)
    assert "Datum fehlt" not in after
    assert "30.09.2023 am 15.03.2023 gesetzt (Koordination): Bescheid vom Mai" in after


def test_an_obligation_is_done_and_taken_back(client: Client, city: City, grant: Grant, owed: Obligation) -> None:
    client.sign_in(city.coordinator)
    done, data = typed_into(owed, "completion")
    answer = client.post(done, data=data)
    assert (answer.status_code, answer.location) == (302, f"/grants/{grant.id}#auflage-{owed.id}")
    page = client.get(answer.location).text
    assert "erledigt am 14.03.2023 Frist: 05.03.2023" in text_of(page)
    assert "überfällig" not in text_of(page)
    back, data = typed_into(owed, "reopening")
    assert back in page
    assert done not in page
    assert "erledigt am 14.03.2023" in client.get(back).text
    assert client.post(back, data=data).status_code == 302
    assert done in client.get(f"/grants/{grant.id}").text
    assert owed.done_on is None


def test_a_form_for_what_is_done_says_at_once_that_it_is(client: Client, city: City, owed: Obligation) -> None:
    client.sign_in(city.coordinator)
    assert client.get(typed_into(owed, "reopening")[0]).status_code == 422
    owed.done_on = date(2023, 3, 1)
    db.session.commit()
    for form in ("move", "completion"):
        answer = client.get(typed_into(owed, form)[0])
        assert answer.status_code == 422
        assert "Diese Pflicht ist als erledigt eingetragen." in answer.text


def test_funders_read_why_a_deadline_moved_and_not_who_moved_it(
    client: Client, city: City, grant: Grant, owed: Obligation
) -> None:
    service.move_obligation(
        actor(city.coordinator),
        owed,
        date(2023, 9, 30),
        "Mit Ihnen abgestimmt",
        seen=service.imprint_of(owed),
        now=NOON,
    )
    db.session.commit()
    client.sign_in(city.funder)
    page = text_of(client.get(f"/grants/{grant.id}").text)
    assert "verschoben, vorher 05.03.2023: Mit Ihnen abgestimmt" in page
    assert "Koordination" not in page


@pytest.mark.parametrize(
    ("form", "field", "value", "sentence"),
    [
        ("move", "due_on", "", "Bitte geben Sie die Frist an."),
        ("move", "due_on", "31.02.2023", "ist kein Datum"),
        ("move", "due_on", "2023-03-05", "Das ist die bisherige Frist."),
        ("move", "reason", " ", "Bitte begründen Sie die Frist."),
        ("move", "reason", "x" * 10_000, "höchstens 2000 Zeichen"),
        ("completion", "done_on", "", "Bitte geben Sie an, wann die Pflicht erledigt wurde."),
        ("completion", "done_on", "gestern", "ist kein Datum"),
        ("completion", "done_on", "2023-03-16", "Der Tag liegt in der Zukunft."),
        ("completion", "note", "x" * 10_000, "höchstens 2000 Zeichen"),
    ],
)
def test_what_is_wrong_with_a_deadline_is_told_beside_its_field_and_stays_typed(
    client: Client, city: City, owed: Obligation, form: str, field: str, value: str, sentence: str
) -> None:
    client.sign_in(city.coordinator)
    address, data = typed_into(owed, form, **{field: value})
    answer = client.post(address, data=data)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert f'id="{field}-error"' in answer.text
    assert all(typed in answer.text for name, typed in data.items() if name != "seen" and typed.strip())
    db.session.refresh(owed)
    assert (owed.due_on, owed.done_on, owed.moves) == (date(2023, 3, 5), None, [])


def test_whoever_comes_second_keeps_what_they_typed_beside_what_is_stored(
    client: Client, city: City, owed: Obligation
) -> None:
    client.sign_in(city.coordinator)
    address, late = typed_into(owed, "move", reason="Meine Begründung")
    other, first = typed_into(owed, "move", due_on="2023-08-31")
    assert client.post(other, data=first).status_code == 302
    answer = client.post(address, data=late)
    assert answer.status_code == 409
    for word in ("Inzwischen hat jemand anderes gespeichert", "31.08.2023", "noch offen", "Meine Begründung"):
        assert word in answer.text
    assert 'value="2023-09-30"' in answer.text
    db.session.refresh(owed)
    assert owed.due_on == date(2023, 8, 31)
    again = late | {"seen": service.imprint_of(owed)}
    assert again["seen"] in answer.text
    assert client.post(address, data=again).status_code == 302
    assert (owed.due_on, owed.due_version, len(owed.moves)) == (date(2023, 9, 30), 3, 2)


@pytest.mark.parametrize("seen", ["", "x" * 10_000, "\x00"])
def test_without_its_imprint_a_form_changes_nothing_owed(
    client: Client, city: City, owed: Obligation, seen: str
) -> None:
    client.sign_in(city.coordinator)
    for address, data in forms_of(owed).items():
        assert client.post(address, data=data | {"seen": seen}).status_code == 409
    db.session.refresh(owed)
    assert (owed.due_on, owed.done_on) == (date(2023, 3, 5), None)


def test_a_reason_loses_its_nul_and_keeps_its_angle_brackets_harmless(
    client: Client, city: City, grant: Grant, owed: Obligation
) -> None:
    client.sign_in(city.coordinator)
    address, data = typed_into(owed, "move", reason="a\x00b <script>")
    assert client.post(address, data=data).status_code == 302
    assert owed.moves[0].reason == "ab <script>"
    assert "ab &lt;script&gt;" in client.get(f"/grants/{grant.id}").text


def test_a_coordinator_adds_what_the_notice_names(client: Client, city: City, grant: Grant) -> None:
    client.sign_in(city.coordinator)
    address = f"/grants/{grant.id}/obligations/new"
    assert address in client.get(f"/grants/{grant.id}").text
    assert client.get(address).status_code == 200
    data = {"title": "Zwischennachweis", "kind": "report", "due_on": "01.06.2023", "rule": "Formular 7"}
    answer = client.post(address, data=data)
    (obligation,) = grant.obligations
    assert (answer.status_code, answer.location) == (302, f"/grants/{grant.id}#auflage-{obligation.id}")
    assert (obligation.kind, obligation.due_on) == ("report", date(2023, 6, 1))
    page = text_of(client.get(answer.location).text)
    assert "Zwischennachweis" in page
    assert "Formular 7" in page
    assert client.post(address, data={"title": "Belege", "kind": "keep_receipts"}).status_code == 302
    assert "Datum fehlt" in client.get(f"/grants/{grant.id}").text


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("title", " ", "Bitte geben Sie eine Bezeichnung an."),
        ("title", "x" * 10_000, "höchstens 200 Zeichen"),
        ("kind", "", "Bitte wählen Sie die Art der Pflicht."),
        ("kind", "erfunden", "Bitte wählen Sie eine Art aus der Liste."),
        ("kind", "x" * 10_000, "Bitte wählen Sie eine Art aus der Liste."),
        ("due_on", "bald", "ist kein Datum"),
        ("rule", "x" * 10_000, "höchstens 5000 Zeichen"),
    ],
)
def test_what_cannot_be_added_is_told_beside_its_field(
    client: Client, city: City, grant: Grant, field: str, value: str, sentence: str
) -> None:
    client.sign_in(city.coordinator)
    data = {"title": "Bericht", "kind": "report", "rule": "Formular 7"} | {field: value}
    answer = client.post(f"/grants/{grant.id}/obligations/new", data=data)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert f'id="{field}-error"' in answer.text
    assert "Formular 7" in answer.text or field == "rule"
    db.session.refresh(grant)
    assert grant.obligations == []


@pytest.mark.parametrize("who", ["administrator", "lead", "head", "funder", "auditor"])
def test_others_neither_see_the_way_to_an_obligation_nor_get_in(
    client: Client, city: City, grant: Grant, owed: Obligation, who: str
) -> None:
    client.sign_in(getattr(city, who))
    page = client.get(f"/grants/{grant.id}").text
    assert "/grants/obligations/" not in page
    assert "/obligations/new" not in page
    addresses = forms_of(owed) | {f"/grants/{grant.id}/obligations/new": {"title": "x", "kind": "other"}}
    for address, data in addresses.items():
        assert client.get(address).status_code == 403
        assert client.post(address, data=data).status_code == 403
    db.session.refresh(owed)
    assert (owed.due_on, owed.done_on) == (date(2023, 3, 5), None)


def test_an_obligation_of_another_funder_does_not_exist(client: Client, city: City) -> None:
    foreign = add(Grant(programme=add_programme(), key="g", title=Localized("Fremd")))
    owed = add(Obligation(grant=foreign, key="o", kind="other", title=Localized("Fremd")))
    db.session.commit()
    client.sign_in(city.funder)
    for address, data in forms_of(owed).items():
        assert client.get(address).status_code == 404
        assert client.post(address, data=data).status_code == 404
    assert client.get(f"/grants/{foreign.id}/obligations/new").status_code == 404


def test_the_page_of_grants_asks_no_question_per_obligation(
    client: Client, city: City, grant: Grant, count_queries: Callable[[], Any]
) -> None:
    who, grant_id = actor(city.coordinator), grant.id
    addresses = (f"/grants/{grant.id}", f"/programmes/{city.programme.key}/grants")

    def add_some(number: int) -> None:
        for index in range(number):
            key = f"o{number}-{index}"
            row = Obligation(grant_id=grant_id, key=key, kind="other", title=Localized(key), due_on=date(2023, 9, 1))
            add(row)
            service.move_obligation(who, row, date(2023, 9, 2), "Grund", seen=service.imprint_of(row), now=NOON)
        db.session.commit()

    def asked(address: str) -> int:
        db.session.expunge_all()
        with count_queries() as queries:
            assert client.get(address).status_code == 200
        return len(queries)

    client.sign_in(city.coordinator)
    add_some(1)
    first = [asked(address) for address in addresses]
    add_some(9)
    assert [asked(address) for address in addresses] == first
