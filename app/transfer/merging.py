"""Several files read as one city: a later file adds to what an earlier one says, and never changes it."""

from __future__ import annotations

from collections.abc import Iterator

from app.core.text import text
from app.transfer.findings import Finding, Place, written
from app.transfer.nodes import Node, plain

IDENTITY = {"accounts": "email", "recipients": "email", "funders": "organisation", "updates": "period"}
"""The field by which the entries of a list are the same; `key` for every other list."""

OF_EACH_FILE = {"format", "sample"}
"""What every file says for itself."""


def merge(earlier: Node, later: Node) -> tuple[Node, list[Finding]]:
    """One tree of two, and a finding for each value of `later` that contradicts `earlier`.

    Mappings are merged name by name, lists of entries with a key (or what `IDENTITY` names) entry by entry;
    other lists grow by what they do not have yet. An unknown value (null) takes the known one.
    """
    findings: list[Finding] = []
    return _merged(earlier, later, findings), findings


def _merged(earlier: Node, later: Node, findings: list[Finding]) -> Node:
    if later.value is None:
        return earlier
    if earlier.value is None:
        return later
    if isinstance(earlier.value, dict) and isinstance(later.value, dict):
        return _merged_mapping(earlier.value, later.value, earlier.place, findings)
    if isinstance(earlier.value, list) and isinstance(later.value, list):
        return _merged_list(earlier.value, later.value, earlier.place, findings)
    if not _is_same_scalar(earlier, later):
        findings.append(_contradiction(earlier, later))
    return earlier


def _is_same_scalar(earlier: Node, later: Node) -> bool:
    """Equal and of one kind: Python takes true for 1."""
    if isinstance(earlier.value, bool) or isinstance(later.value, bool):
        return earlier.value is later.value
    return not isinstance(earlier.value, (dict, list)) and earlier.value == later.value


def _contradiction(earlier: Node, later: Node) -> Finding:
    return Finding.at(
        later.place,
        text(
            "Hier steht etwas anderes als in %(file)s bei %(path)s. Weitere Dateien ergänzen nur, was fehlt.",
            file=earlier.place.file,
            path=written(earlier.place.path),
        ),
    )


def _merged_mapping(earlier: dict[str, Node], later: dict[str, Node], place: Place, findings: list[Finding]) -> Node:
    merged = dict(earlier)
    for name, node in later.items():
        if not (len(place.path) == 0 and name in OF_EACH_FILE):
            merged[name] = _merged(earlier[name], node, findings) if name in earlier else node
    return Node.of(merged, place)


def _merged_list(earlier: list[Node], later: list[Node], place: Place, findings: list[Finding]) -> Node:
    merged = list(earlier)
    position = {_sameness(node): index for index, node in reversed(list(enumerate(earlier)))}
    for node in later:
        index = position.setdefault(_sameness(node), len(merged))
        if index == len(merged):
            merged.append(node)
        else:
            merged[index] = _merged(merged[index], _spelt_like(merged[index], node), findings)
    return Node.of(merged, place)


def _sameness(node: Node) -> tuple[bool, str]:
    """What makes an item of a list the same as another: its identity, or else its whole content."""
    name = identity(node)
    return (True, name) if name is not None else (False, repr(plain(node)))


def _spelt_like(earlier: Node, later: Node) -> Node:
    """The later entry with the earlier one's spelling of their common name: letter case does not matter there."""
    field = _identity_field(later)
    if isinstance(later.value, dict) and isinstance(earlier.value, dict) and field in earlier.value:
        return Node.of({**later.value, field: earlier.value[field]}, later.place)
    return later


def _identity_field(node: Node) -> str:
    list_name = next((part for part in reversed(node.place.path) if isinstance(part, str)), "")
    return IDENTITY.get(list_name, "key")


def identity(node: Node) -> str | None:
    """The key of an entry of a list, None where it has none."""
    if not isinstance(node.value, dict):
        return None
    key = node.value.get(_identity_field(node))
    if key is None or isinstance(key.value, (dict, list)) or key.value is None:
        return None
    return str(key.value).strip().lower()


def repeated_entries(node: Node) -> Iterator[Finding]:
    """Entries of one list with the same key, except inside a workflow, which has a validator of its own."""
    if isinstance(node.value, dict):
        for name, child in node.value.items():
            if name != "workflow":
                yield from repeated_entries(child)
    elif isinstance(node.value, list):
        first: dict[str, Place] = {}
        for child in node.value:
            name_of_entry = identity(child)
            if name_of_entry is not None and name_of_entry in first:
                yield Finding.at(
                    child.place,
                    text(
                        "„%(key)s“ kommt in dieser Liste zweimal vor, zuerst bei %(path)s.",
                        key=name_of_entry,
                        path=written(first[name_of_entry].path),
                    ),
                )
            elif name_of_entry is not None:
                first[name_of_entry] = child.place
            yield from repeated_entries(child)
