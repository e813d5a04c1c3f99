import pytest

from app.transfer.merging import merge, repeated_entries
from app.transfer.nodes import Node, plain, read_nodes
from tests.transfer.cities import descend


def tree(text: str, name: str) -> Node:
    node, findings = read_nodes(name, text.encode())
    assert node is not None, [str(finding.message) for finding in findings]
    return node


def merged(earlier: str, later: str) -> tuple[object, list[tuple[str, str, str]]]:
    whole, findings = merge(tree(earlier, "a.yaml"), tree(later, "b.yaml"))
    return plain(whole), [(finding.file, finding.path, str(finding.message)) for finding in findings]


@pytest.mark.parametrize(
    ("earlier", "later", "whole"),
    [
        ("a: 1", "b: 2", {"a": 1, "b": 2}),
        ("a: 1", "a: 1", {"a": 1}),
        ("a: ~", "a: 2", {"a": 2}),
        ("a: 1", "a: ~", {"a": 1}),
        (
            "units: [{key: a, x: 1}]",
            "units: [{key: b}, {key: a, y: 2}]",
            {"units": [{"key": "a", "x": 1, "y": 2}, {"key": "b"}]},
        ),
        (
            "accounts: [{email: A@b.de}]",
            "accounts: [{email: a@b.de, x: 1}]",
            {"accounts": [{"email": "A@b.de", "x": 1}]},
        ),
        (
            "funders: [{organisation: k}]",
            "funders: [{organisation: k, x: 1}]",
            {"funders": [{"organisation": "k", "x": 1}]},
        ),
        (
            "updates: [{period: 2022-Q4}]",
            "updates: [{period: 2023-Q1}]",
            {"updates": [{"period": "2022-Q4"}, {"period": "2023-Q1"}]},
        ),
        ("partners: [x, y]", "partners: [y, z]", {"partners": ["x", "y", "z"]}),
        ("events: [{on: 2021}]", "events: [{on: 2021}, {on: 2022}]", {"events": [{"on": 2021}, {"on": 2022}]}),
        ("sample: false", "sample: true", {"sample": False}),
        ("city: {sample: ~}", "city: {sample: true}", {"city": {"sample": True}}),
    ],
)
def test_a_later_file_adds(earlier: str, later: str, whole: object) -> None:
    assert merged(earlier, later) == (whole, [])


@pytest.mark.parametrize(
    ("earlier", "later", "path"),
    [
        ("city: {name: A}", "city: {name: B}", "city.name"),
        ("units: [{key: x}, {key: y, name: A}]", "units: [{key: y, name: B}]", "units[0].name"),
        ("city: {name: A}", "city: {name: {de: A}}", "city.name"),
        ("city: {name: {de: A}}", "city: {name: A}", "city.name"),
        ("city: 1", "city: true", "city"),
    ],
)
def test_a_later_file_never_changes(earlier: str, later: str, path: str) -> None:
    whole, findings = merged(earlier, later)
    assert whole == plain(tree(earlier, "a.yaml"))
    ((file, found_path, message),) = findings
    assert (file, found_path) == ("b.yaml", path)
    assert "in a.yaml bei " in message


def test_merging_a_file_with_itself_changes_nothing() -> None:
    text = (
        "units: [{key: a, names: [{name: x}]}]\nmeasures: [{key: m, partners: [a], events: [{on: 2021, title: x}]}]"
    )
    assert merged(text, text) == (plain(tree(text, "a.yaml")), [])


def test_entries_keep_the_place_they_were_written_at() -> None:
    whole, _ = merge(tree("units: [{key: a}]", "a.yaml"), tree("units: [{key: b}, {key: a, name: A}]", "b.yaml"))
    name = descend(whole, "units", 0, "name").place
    assert (name.file, name.path) == ("b.yaml", ("units", 1, "name"))
    first, second = descend(whole, "units", 0).place, descend(whole, "units", 1).place
    assert (first.file, first.path) == ("a.yaml", ("units", 0))
    assert (second.file, second.path) == ("b.yaml", ("units", 0))


def test_long_lists_merge_in_a_moment() -> None:
    many = "partners: [" + ", ".join(f"p{n}" for n in range(30_000)) + "]"
    whole, findings = merge(tree(many, "a.yaml"), tree(many, "b.yaml"))
    assert not findings
    assert len(plain(whole)["partners"]) == 30_000


def test_entries_with_the_same_key_are_reported_but_not_those_of_a_workflow() -> None:
    text = """
units: [{key: a}, {key: b}, {key: A}]
programmes:
  - key: p
    funders: [{organisation: k}, {organisation: k}]
    workflow: {statuses: [{key: s}, {key: s}]}
"""
    findings = list(repeated_entries(tree(text, "a.yaml")))
    assert [finding.path for finding in findings] == ["units[2]", "programmes[0].funders[1]"]
    assert str(findings[0].message) == "„a“ kommt in dieser Liste zweimal vor, zuerst bei units[0]."
