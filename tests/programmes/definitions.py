"""Definitions of workflows for the tests of the rules: small ones by hand, random ones by hypothesis."""

from __future__ import annotations

from copy import deepcopy
from itertools import pairwise
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from app.core.localized import Localized
from app.programmes.workflow import Category
from tests.factories import WORKFLOW

ID = UUID(int=1)
OTHER_ID = UUID(int=2)
THIRD_ID = UUID(int=3)

ACTING = ("coordinator", "project_lead", "department_head")
FIELDS = ("plan", "number", "link")
OF_EVERY_MEASURE = ("summary", "unit")
PLAIN_GUARDS = (
    "milestones_approved",
    "milestones_planned",
    "note_given",
    "evidence_attached",
    "grant_notice_recorded",
    "predecessors_done",
    "unit_assigned",
)


def label(words: str) -> Localized:
    return Localized(words, words)


def changed(**changes: Any) -> dict[str, Any]:
    """The workflow of the factories with other values at places such as `transitions__3__to`."""
    definition = deepcopy(WORKFLOW)
    for path, value in changes.items():
        target: Any = definition
        *steps, last = (int(step) if step.isdigit() else step for step in path.split("__"))
        for step in steps:
            target = target[step]
        target[last] = value
    return definition


def status(key: str, **values: Any) -> dict[str, Any]:
    return {"key": key, "label": {"de": key, "en": key}, "category": "planned"} | values


def transition(key: str, source: str, target: str, **values: Any) -> dict[str, Any]:
    row = {"key": key, "from": source, "to": target, "label": {"de": key, "en": key}, "roles": ["project_lead"]}
    return row | {"guards": [], "fields": []} | values


def definition(*rows: dict[str, Any], fields: tuple[str, ...] = FIELDS) -> dict[str, Any]:
    """A workflow of statuses and transitions in the order given; the first status is the initial one."""
    statuses = [row for row in rows if "from" not in row]
    types = {"number": "text", "link": "url"}
    return {
        "initial": statuses[0]["key"],
        "fields": [
            {"key": key, "label": {"de": f"Feld {key}", "en": f"Field {key}"}, "type": types.get(key, "longtext")}
            for key in fields
        ],
        "statuses": statuses,
        "transitions": [row for row in rows if "from" in row],
    }


roles = st.lists(st.sampled_from(ACTING), min_size=1, max_size=2, unique=True)


@st.composite
def field_rules(draw: st.DrawFn) -> dict[str, Any]:
    """A rule for a field of the workflow or one of every measure; mostly strict ones, as those make trouble."""
    rule = {
        "field": draw(st.sampled_from([*FIELDS, *OF_EVERY_MEASURE])),
        "rule": draw(st.sampled_from(["required", "read_only", "hidden"])),
    }
    return rule | draw(st.sampled_from([{}, {"roles": ["coordinator", "project_lead"]}]) | roles.map(_for_roles))


def _for_roles(names: list[str]) -> dict[str, Any]:
    return {"roles": names}


guards = st.one_of(
    st.sampled_from(PLAIN_GUARDS).map(lambda name: {"guard": name}),
    st.builds(lambda days: {"guard": "progress_current", "days": days}, st.integers(1, 90)),
    st.builds(lambda role: {"guard": "role_assigned", "role": role}, st.sampled_from(ACTING)),
    st.just({"guard": "decision_recorded", "number": "number", "link": "link"}),
    st.builds(
        lambda keys: {"guard": "fields_filled", "fields": keys},
        st.lists(st.sampled_from([*FIELDS, *OF_EVERY_MEASURE]), min_size=1, max_size=2, unique=True),
    ),
)


@st.composite
def rules_of(draw: st.DrawFn, keys: list[str]) -> dict[str, list[dict[str, Any]]]:
    """The field rules of each status; often one field is locked in most of them, which makes trouble."""
    locked = draw(st.sampled_from([None, *FIELDS, *OF_EVERY_MEASURE]))
    lock = {"field": locked, "rule": "read_only"}
    return {
        key: [
            *draw(st.lists(field_rules(), max_size=2)),
            *([lock] if locked and draw(st.sampled_from([True, True, False])) else []),
        ]
        for key in keys
    }


@st.composite
def lines(draw: st.DrawFn) -> dict[str, Any]:
    """A line of statuses to an end, with further ways that lead where they like: nobody is ever lost in it."""
    keys = [f"s{number}" for number in range(draw(st.integers(2, 6)))]
    rules = draw(rules_of(keys))
    categories = st.sampled_from(["planned", "running"])
    statuses = [status(key, category=draw(categories), final=key == keys[-1], field_rules=rules[key]) for key in keys]
    further = st.tuples(st.sampled_from(keys[:-1]), st.sampled_from(keys))
    ends = [*pairwise(keys), *draw(st.lists(further, max_size=5))]
    return definition(*statuses, *(draw(ways(f"t{number}", *pair)) for number, pair in enumerate(ends)))


@st.composite
def ways(draw: st.DrawFn, key: str, source: str, target: str) -> dict[str, Any]:
    """A transition that asks for something or other."""
    return transition(
        key,
        source,
        target,
        roles=draw(roles),
        guards=draw(st.lists(guards, max_size=2)),
        fields=draw(st.lists(st.sampled_from(FIELDS), max_size=1)),
        four_eyes=draw(st.booleans()),
    )


@st.composite
def definitions(draw: st.DrawFn) -> dict[str, Any]:
    """A workflow of three to eight statuses whose keys all lead somewhere; the rest may be as unsound as it likes."""
    keys = [f"s{number}" for number in range(draw(st.integers(3, 8)))]
    rules = draw(rules_of(keys))
    finals = st.sampled_from([False, False, True])
    statuses = [
        status(key, category=draw(st.sampled_from(Category)), final=draw(finals), field_rules=rules[key])
        for key in keys
    ]
    ends = draw(st.lists(st.tuples(st.sampled_from(keys), st.sampled_from(keys)), min_size=1, max_size=12))
    return definition(*statuses, *(draw(ways(f"t{number}", *pair)) for number, pair in enumerate(ends)))
