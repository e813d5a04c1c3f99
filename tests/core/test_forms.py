"""What people type: amounts and days the German way, and what no database keeps."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from flask import Flask

from app.core.forms import DayField, Form, MoneyField


class Typed(Form):
    amount = MoneyField("Betrag")
    day = DayField("Tag")


def read(app: Flask, **values: str) -> Typed:
    with app.test_request_context(method="POST", data=values):
        form = Typed()
        form.validate()
        return form


@pytest.mark.parametrize(
    ("typed", "amount"),
    [
        ("1.234", "1234"),
        ("1.234,56", "1234.56"),
        ("12.500 €", "12500"),
        ("0,5", "0.5"),
        ("1234567,89", "1234567.89"),
        ("1.234.567", "1234567"),
        ("0", "0"),
    ],
)
def test_an_amount_is_read_the_german_way(app: Flask, typed: str, amount: str) -> None:
    form = read(app, amount=typed)
    assert not form.amount.errors
    assert form.amount.amount == Decimal(amount)


@pytest.mark.parametrize(
    "typed", ["NaN", "Infinity", "-5", "1e12", "1e99999999", "1.23", "1,234", "12.34,5", "1,", "zehn", "9" * 13, "٣"]
)
def test_what_is_no_amount_is_refused_and_kept(app: Flask, typed: str) -> None:
    form = read(app, amount=typed)
    assert form.amount.errors == ["Schreiben Sie einen Betrag wie 1.234,56."]
    assert form.amount.data == typed
    assert form.amount.amount is None


@pytest.mark.parametrize(
    ("typed", "day"), [("2023-03-15", date(2023, 3, 15)), ("15.3.2023", date(2023, 3, 15)), (" ", None)]
)
def test_a_day_is_read_from_the_browser_or_as_typed(app: Flask, typed: str, day: date | None) -> None:
    assert read(app, day=typed).day.data == day


@pytest.mark.parametrize(
    "typed", ["31.02.2023", "1.1.99999999999999999999", "0001-01-01", "heute", "1.2", "2023-13-01"]
)
def test_what_is_no_day_is_said_in_words_and_kept(app: Flask, typed: str) -> None:
    form = read(app, day=typed)
    assert "ist kein Datum" in str(form.day.errors[0])
    assert form.day._value() == typed


def test_a_nul_is_dropped(app: Flask) -> None:
    assert read(app, amount="1\x002").amount.data == "12"
