"""Sentences are values; the reader's language is applied at the edge."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from flask import Flask

from app.core.i18n import day, in_language, money, percent, translate
from app.core.localized import Localized
from app.core.text import ntext, text


def test_a_text_says_itself_in_german_and_chooses_its_plural() -> None:
    assert str(text("Angabe „%(label)s“ fehlt", label=Localized("Nummer", "Number"))) == "Angabe „Nummer“ fehlt"
    one, two = (ntext("%(n)s Tag", "%(n)s Tage", n) for n in (1, 2))
    assert (str(one), str(two)) == ("1 Tag", "2 Tage")


def test_a_list_of_names_is_said_in_the_readers_language(app: Flask) -> None:
    sentence = text(
        "bei dieser Maßnahme kann das nur: %(roles)s",
        roles=(text("Projektleitung"), text("Koordination")),
    )
    assert str(sentence).endswith("Projektleitung, Koordination")
    with in_language("en"):
        assert "Projektleitung" not in translate(sentence)
        assert ", " in translate(sentence)


def test_a_text_is_translated_with_its_parameters(app: Flask) -> None:
    with in_language("en"):
        assert translate(text("fällig am %(day)s", day=date(2023, 3, 15))).endswith("15 Mar 2023")
        assert money(Decimal("1234567.89")) == "€1,234,567.89"
        assert percent(Decimal("0.65")) == "65%"
    with in_language("de"):
        assert day(date(2023, 3, 15)) == "15.03.2023"
        assert money(Decimal("1234567.89")).replace("\xa0", " ") == "1.234.567,89 €"
        assert percent(Decimal("0.7051")) == "70,5 %"
