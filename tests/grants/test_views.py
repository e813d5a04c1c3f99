"""Grants: what is published, what is owed, and who may read it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy.exc import IntegrityError

from app.core.database import db
from app.core.localized import Localized
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
