from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.transfer import nodes
from app.transfer.nodes import plain, read_nodes
from tests.transfer.cities import descend


def values_of(text: str) -> object:
    tree, findings = read_nodes("stadt.yaml", text.encode())
    assert tree is not None, [str(finding.message) for finding in findings]
    assert not findings
    return plain(tree)


def message_of(raw: bytes) -> tuple[str, int | None, str]:
    tree, findings = read_nodes("stadt.yaml", raw)
    assert tree is None
    assert len(findings) == 1
    return findings[0].path, findings[0].line, str(findings[0].message)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2681669.09", Decimal("2681669.09")),
        ("0.10", Decimal("0.10")),
        ("42", 42),
        ("-7", -7),
        ("007", "007"),
        ("12:30", "12:30"),
        ("2023-06-30", "2023-06-30"),
        ("2023-06", "2023-06"),
        ("1_000", "1_000"),
        ("1e6", "1e6"),
        (".inf", ".inf"),
        ("0x1F", "0x1F"),
        ("9" * 40, "9" * 40),
        ("true", True),
        ("no", "no"),
        ("on", "on"),
        ("~", None),
        ("", None),
        ('"~"', "~"),
        ('"42"', "42"),
        ("'true'", "true"),
        (">-\n  zwei\n  Zeilen", "zwei Zeilen"),
    ],
)
def test_a_scalar_is_read_by_the_few_rules_of_yaml_1_2(written: str, read: object) -> None:
    tree, findings = read_nodes("stadt.yaml", f"wert: {written}\n".encode())
    assert tree is not None
    assert not findings
    value = descend(tree, "wert").value
    assert value == read
    assert type(value) is type(read)


def test_a_name_that_is_a_word_of_yaml_stays_a_name() -> None:
    assert values_of("on: 2023\nno: a\n1: b\n") == {"on": 2023, "no": "a", "1": "b"}


def test_every_value_knows_its_path_and_line() -> None:
    tree, _ = read_nodes("stadt.yaml", b"a:\n  - b: 1\n    c: 2\n")
    assert tree is not None
    place = descend(tree, "a", 0, "c").place
    assert (place.file, place.path, place.line) == ("stadt.yaml", ("a", 0, "c"), 3)


def test_a_byte_order_mark_does_no_harm() -> None:
    assert values_of("\ufeffa: 1\n") == {"a": 1}


def test_a_repeated_name_is_reported_with_both_places_and_the_first_value_stays() -> None:
    tree, findings = read_nodes("stadt.yaml", b"a:\n  titel: eins\n  titel: zwei\n  titel: drei\n")
    assert tree is not None
    assert plain(tree) == {"a": {"titel": "eins"}}
    assert [(f.path, f.line) for f in findings] == [("a.titel", 3), ("a.titel", 4)]
    assert str(findings[0].message) == "Die Angabe „titel“ steht zweimal, zuerst in Zeile 2."


@pytest.mark.parametrize(
    ("raw", "path", "line", "beginning"),
    [
        (b"", "", None, "Die Datei ist leer."),
        (b"# nur ein Kommentar\n", "", None, "Die Datei ist leer."),
        (b"~\n", "", None, "Die Datei ist leer."),
        (b"- a\n- b\n", "", None, "Die Datei muss mit benannten Angaben"),
        ("name: Köln".encode("latin-1"), "", None, "Die Datei ist nicht in UTF-8 gespeichert."),
        ("a: 1".encode("utf-16"), "", None, "Die Datei ist nicht in UTF-8 gespeichert."),
        (b"a: \x00\n", "", None, "Die Datei enthält Steuerzeichen"),
        (b"a: [1, 2\nb: 3\n", "", 2, "Zeile 2, Spalte 2: Das ist kein gültiges YAML"),
        (b"a: 1\n  b: 2\n", "", 2, "Zeile 2, Spalte 4: Das ist kein gültiges YAML"),
        (b"a:\n\tb: 2\n", "", 2, "Zeile 2, Spalte 1: Hier steht ein Tabulator."),
        (b"a: 1\n---\nb: 2\n", "", 2, "Die Datei enthält mehrere YAML-Dokumente"),
        (b"a: !!python/object:os.system x\n", "a", 1, "Typangaben wie „tag:yaml.org,2002:python/object:os.system“"),
        (b"a: !eigen {b: 1}\n", "a", 1, "Typangaben wie „!eigen“"),
        (b"a: *fehlt\n", "a", 1, "Der Verweis „*fehlt“ zeigt auf nichts"),
        (b"a: &a [*a]\n", "a[0]", 1, "Der Verweis „*a“ zeigt auf nichts"),
        (b"x: &x {b: 1}\na:\n  <<: *x\n", "a", 3, "Das Zusammenführen mit „<<“ wird nicht unterstützt."),
        (b"? [a, b]\n: 1\n", "", 1, "Der Name einer Angabe muss ein einfaches Wort sein."),
        (b"a: " + b"[" * 40 + b"]" * 40, "a" + "[0]" * 30, 1, "Die Angaben sind zu tief verschachtelt"),
    ],
)
def test_a_file_that_cannot_be_read_says_why_and_where(
    raw: bytes, path: str, line: int | None, beginning: str
) -> None:
    found_path, found_line, message = message_of(raw)
    assert message.startswith(beginning), message
    assert (found_path, found_line) == (path, line)


def test_a_huge_file_is_refused_before_it_is_parsed() -> None:
    *_, message = message_of(b"[" * (nodes.MAX_BYTES + 1))
    assert message == "Die Datei ist zu groß: höchstens 5 MB."


def test_too_many_values_are_refused() -> None:
    *_, message = message_of(b"a: [" + b"1," * nodes.MAX_VALUES + b"]")
    assert message == "Die Datei enthält zu viele Angaben: höchstens 200000."


def test_a_small_file_that_unfolds_into_a_huge_one_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    path, _, message = message_of("\n".join(lines).encode())
    assert message.startswith("Die Datei enthält zu viele Angaben")
    assert path.startswith("a5[")


def test_aliases_cannot_hide_depth() -> None:
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 60))]
    path, _, message = message_of("\n".join(lines).encode())
    assert message.startswith("Die Angaben sind zu tief verschachtelt")
    assert path == "a29[0]"


def test_an_alias_repeats_the_value_with_the_place_of_its_anchor() -> None:
    tree, _ = read_nodes("stadt.yaml", b"a: &x [1]\nb: *x\n")
    assert tree is not None
    assert plain(tree) == {"a": [1], "b": [1]}
    assert descend(tree, "b").place.path == ("a",)


@given(st.binary(max_size=400) | st.text(max_size=400).map(lambda text: text.encode("utf-8", "replace")))
def test_whatever_the_bytes_are_reading_ends_with_a_tree_or_a_finding(raw: bytes) -> None:
    tree, findings = read_nodes("stadt.yaml", raw)
    assert tree is not None or findings
    assert all(str(finding.message) for finding in findings)
