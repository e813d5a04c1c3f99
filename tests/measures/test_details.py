"""The rules about details, pure."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.calendars.partial_dates import MONTH_NAMES, SEASON_NAMES, PartialDate
from app.core.errors import RuleBroken
from app.core.localized import Localized
from app.core.text import Text, text
from app.measures import details
from app.programmes.access import Access
from app.programmes.workflow import Field, FieldType

LABELS: dict[str, Text | Localized] = {"a": text("Alpha"), "b": Localized("Beta"), "c": text("Gamma")}


def english(name: Text) -> str:
    """As the reader of the English page sees three of the names."""
    known = {"Sommer %(year)s": "Summer %(year)s", "März %(year)s": "March %(year)s"}
    return known.get(name.msgid, name.msgid) % {"year": name.params["year"]}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("15.03.2023", "2023-03-15"),
        ("5.3.2023", "2023-03-05"),
        ("03.2023", "2023-03"),
        ("2023", "2023"),
        (" Sommer  2023 ", "2023-22"),
        ("märz 2023", "2023-03"),
        ("Summer 2023", "2023-22"),
        ("march 2023", "2023-03"),
        ("2023-03-15", "2023-03-15"),
        ("2023-24", "2023-24"),
    ],
)
def test_a_date_is_read_as_exactly_as_it_was_typed(typed: str, meant: str) -> None:
    assert str(details.parse_date(typed, english)) == meant


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "31.02.2023",
        "22.2023",
        "2023-25",
        "1.1.0001",
        "0000",
        "2199",
        "bald",
        "Lenz 2023",
        "²023",
        "9" * 10_000,
        "-",
        "1.2.3.2023",
    ],
)
def test_what_is_no_date_is_none(typed: str) -> None:
    with pytest.raises(ValueError):
        details.parse_date(typed)


days = st.dates(date(1900, 1, 1), date(2100, 12, 31)).map(lambda day: PartialDate(day.year, day.month, day.day))
months = st.builds(PartialDate, st.integers(1900, 2100), st.sampled_from([*range(1, 13), *SEASON_NAMES]))


@given(days | months | st.builds(PartialDate, st.integers(1900, 2100)))
def test_whatever_stands_in_the_form_is_read_back_as_the_same_date(value: PartialDate) -> None:
    assert details.parse_date(details.typed_date(value)) == value
    assert details.parse_date(details.typed_date(value, english), english) == value


def test_every_month_and_season_is_understood_by_its_name() -> None:
    for number, name in {**dict(enumerate(MONTH_NAMES, start=1)), **SEASON_NAMES}.items():
        assert details.parse_date(str(Text(name.msgid, {"year": "2023"}))) == PartialDate(2023, number)


def test_shut_fields_are_named_together() -> None:
    shut = {"a": Access.READ_ONLY, "b": Access.HIDDEN, "c": Access.REQUIRED}
    with pytest.raises(RuleBroken) as refusal:
        details.check_access(["c", "a", "b"], shut.__getitem__, LABELS)
    assert str(refusal.value) == "Im jetzigen Status dürfen Sie nicht ändern: Alpha, Beta."
    assert refusal.value.field == "a"
    details.check_access(["c"], shut.__getitem__, LABELS)


def test_empty_required_fields_are_named_together_and_zero_is_not_empty() -> None:
    values: dict[str, Any] = {"a": None, "b": [], "c": Decimal(0)}
    with pytest.raises(RuleBroken) as refusal:
        details.check_filled(values, lambda _key: Access.REQUIRED, LABELS)
    assert str(refusal.value) == "Angabe „Alpha“ fehlt; Angabe „Beta“ fehlt"
    for free in (Access.OPTIONAL, Access.READ_ONLY, Access.HIDDEN):
        details.check_filled(values, dict.fromkeys(values, free).__getitem__, LABELS)


@pytest.mark.parametrize(
    ("starts", "ends", "fits"),
    [
        ("2023", "2023-01", True),
        ("2023-12", "2023", True),
        ("2023-06-02", "2023-06-01", False),
        ("2024", "2023-24", True),
    ],
)
def test_an_end_is_refused_only_where_it_surely_lies_before_the_beginning(starts: str, ends: str, fits: bool) -> None:
    begins, stops = PartialDate.parse(starts), PartialDate.parse(ends)
    if fits:
        details.check_span(begins, stops)
    else:
        with pytest.raises(RuleBroken):
            details.check_span(begins, stops)
    details.check_span(None, stops)
    details.check_span(begins, None)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=30))
def test_no_sequence_of_changes_ever_closes_a_circle(wishes: list[tuple[int, int]]) -> None:
    ids = [uuid4() for _ in range(7)]
    names = {one: text("%(n)s", n=number) for number, one in enumerate(ids)}
    before: dict[UUID, set[UUID]] = {}
    for later, earlier in wishes:
        try:
            details.check_order(ids[later], [ids[earlier]], before, names)
        except RuleBroken:
            assert ids[later] in reached(ids[earlier], before), "refused without a circle"
        else:
            before.setdefault(ids[later], set()).add(ids[earlier])
            assert all(one not in reached_after_a_step(one, before) for one in ids)


def reached(start: UUID, before: dict[UUID, set[UUID]]) -> set[UUID]:
    found = {start}
    while more := {one for here in found for one in before.get(here, ())} - found:
        found |= more
    return found


def reached_after_a_step(start: UUID, before: dict[UUID, set[UUID]]) -> set[UUID]:
    return {one for here in before.get(start, ()) for one in reached(here, before)}


@pytest.mark.parametrize(
    ("kind", "kept", "read"),
    [
        (FieldType.DATE, "2023-05-01", date(2023, 5, 1)),
        (FieldType.DATE, "irgendwann", "irgendwann"),
        (FieldType.MONEY, "1234.50", Decimal("1234.50")),
        (FieldType.MONEY, "viel", "viel"),
        (FieldType.MONEY, None, None),
        (FieldType.YES_NO, "ja", True),
        (FieldType.YES_NO, "nein", False),
        (FieldType.YES_NO, None, None),
        (FieldType.TEXT, "2023-05-01", "2023-05-01"),
    ],
)
def test_a_kept_value_is_read_as_what_its_field_holds_and_never_fails(kind: FieldType, kept: Any, read: Any) -> None:
    assert details.read_kept(Field("x", Localized("X"), kind), kept) == read
