"""Grants: what is published, what is owed, and who may read it."""

from __future__ import annotations

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
from tests.factories import City, add, add_programme


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
