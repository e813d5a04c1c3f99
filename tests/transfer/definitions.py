"""Definitions of workflows by chance, sound and in the form in which a file gives them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from app.organisations.permissions import ACTING_ROLES, Role
from app.programmes.access import MEASURE_FIELDS
from app.programmes.guards import ASSIGNABLE_ROLES
from app.programmes.workflow import Category, FieldType

LETTERS = st.characters(exclude_characters="\r\n\x7f", exclude_categories=["Cs"], min_codepoint=32)
LINES = st.text(LETTERS, min_size=1, max_size=120).map(str.strip).filter(bool)
LONG = st.lists(st.one_of(LINES, st.just("")), min_size=1, max_size=5).map("\n".join).map(str.strip).filter(bool)
SCHEMES = st.sampled_from(
    ["https://example.org/a", "http://example.org/?q=x&y=1#z", "https://example.org/" + "a" * 150]
)


def in_languages(words: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, str]]:
    return st.builds(lambda de, en: {"de": de} | ({"en": en} if en else {}), words, st.none() | words)


def roles(known: tuple[Role, ...]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(known), min_size=1, unique=True).map(lambda held: [str(role) for role in held])


def sources() -> st.SearchStrategy[dict[str, Any]]:
    one = st.fixed_dictionaries(
        {
            "address": SCHEMES,
            "confidence": st.sampled_from([None, "high", "medium", "low"]),
            "note": st.none() | in_languages(LINES),
        }
    )
    return st.dictionaries(st.sampled_from(["*", "label", "fields"]), st.lists(one, max_size=2), max_size=2)


@st.composite
def definitions(draw: st.DrawFn) -> dict[str, Any]:
    """A chain of statuses with ways back and out, so that each is reached and leads to the end."""
    n = draw(st.integers(2, 6))
    keys = [f"f{number}" for number in range(draw(st.integers(0, 3)))]
    fields = [
        _with(draw, {"key": key, "label": draw(in_languages(LINES)), "type": "text"}, hint=LINES) for key in keys
    ]
    for field in fields:
        field["type"] = draw(st.sampled_from([str(kind) for kind in FieldType]))
    statuses = [_status(draw, number, n, keys) for number in range(n)]
    ways = [(number, number + 1) for number in range(n - 1)]
    ways += draw(st.lists(st.tuples(st.integers(0, n - 2), st.integers(0, n - 1)), max_size=3))
    return {
        "initial": "s0",
        "fields": fields,
        "statuses": statuses,
        "transitions": [_transition(draw, number, way, fields) for number, way in enumerate(ways)],
    }


def _with(draw: st.DrawFn, row: dict[str, Any], **optional: st.SearchStrategy[str]) -> dict[str, Any]:
    for name, words in optional.items():
        if draw(st.booleans()):
            row[name] = draw(in_languages(words))
    return row


def _status(draw: st.DrawFn, number: int, n: int, keys: list[str]) -> dict[str, Any]:
    row = {
        "key": f"s{number}",
        "label": draw(in_languages(LINES)),
        "category": "running" if number == 0 else str(draw(st.sampled_from(Category))),
        "final": number == n - 1,
    }
    row = _with(draw, row, public_label=LINES, expectation=LONG)
    rules = []
    for field in draw(st.lists(st.sampled_from([*MEASURE_FIELDS, *keys]), unique=True, max_size=3)):
        kinds = ["required"] if field in keys or field == "title" else ["required", "read_only", "hidden"]
        rule: dict[str, Any] = {"field": field, "rule": draw(st.sampled_from(kinds))}
        rules.append(rule | ({"roles": draw(roles(tuple(Role)))} if draw(st.booleans()) else {}))
    return row | ({"field_rules": rules} if rules else {})


def _transition(draw: st.DrawFn, number: int, way: tuple[int, int], fields: list[dict[str, Any]]) -> dict[str, Any]:
    keys = [field["key"] for field in fields]
    words = draw(in_languages(LINES))
    row: dict[str, Any] = {
        "key": f"t{number}",
        "from": f"s{way[0]}",
        "to": f"s{way[1]}",
        "label": {language: f"{number} {label}" for language, label in words.items()},
        "roles": draw(roles(ACTING_ROLES)),
        "guards": draw(st.lists(_guard(fields), max_size=3)),
        "fields": draw(st.lists(st.sampled_from(keys), unique=True)) if keys else [],
    }
    if draw(st.booleans()):
        row["four_eyes"] = True
    if draw(st.booleans()):
        row["basis"] = draw(st.sampled_from(["published", "derived", "design"]))
    named = draw(sources())
    return row | ({"sources": named} if named else {})


def _guard(fields: list[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    keys = [field["key"] for field in fields]
    plain = ["milestones_approved", "milestones_planned", "note_given", "evidence_attached", "predecessors_done"]
    guards: list[st.SearchStrategy[dict[str, Any]]] = [
        st.sampled_from(plain).map(lambda name: {"guard": name}),
        st.sampled_from(ASSIGNABLE_ROLES).map(lambda role: {"guard": "role_assigned", "role": str(role)}),
        st.integers(1, 3650).map(lambda days: {"guard": "progress_current", "days": days}),
        st.lists(st.sampled_from([*MEASURE_FIELDS, *keys]), min_size=1, max_size=3, unique=True).map(
            lambda wanted: {"guard": "fields_filled", "fields": wanted}
        ),
    ]
    texts = [field["key"] for field in fields if field["type"] == "text"]
    links = [field["key"] for field in fields if field["type"] == "url"]
    if texts and links:
        decision = {"guard": "decision_recorded", "number": texts[0], "link": links[0]}
        guards.append(st.just(decision))
    return st.one_of(guards)
