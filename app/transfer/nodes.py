"""From bytes to a tree of values that know where they stand, without trusting the file.

YAML is read event by event, by the few rules of YAML 1.2: `on`, `no` and `12:30` stay words, days stay words,
numbers with a fraction become exact decimals. Explicit types, merge keys and several documents are refused,
repeated keys are reported. Size, depth and the number of values (each use of an alias counted in full) have
limits, so that a small file cannot unfold into a huge one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeAlias

import yaml

from app.core.text import Text, text
from app.transfer.findings import Finding, Path, Place

MAX_BYTES = 5 * 1024 * 1024
MAX_VALUES = 200_000
MAX_DEPTH = 30

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
NOTHING = {"", "~", "null", "Null", "NULL"}
BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
WHOLE_NUMBER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
DECIMAL_NUMBER = re.compile(r"[-+]?[0-9]{1,18}\.[0-9]{1,18}")

NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""What an escape such as "\\0" can bring in: no page shows it and no database keeps it."""

Scalar: TypeAlias = str | int | Decimal | bool | None


@dataclass(frozen=True)
class Node:
    """A value of the file, its place, the number of values in it (itself included) and the levels below."""

    value: dict[str, Node] | list[Node] | Scalar
    place: Place
    count: int = 1
    levels: int = 0

    @classmethod
    def of(cls, value: dict[str, Node] | list[Node], place: Place) -> Node:
        """The node of a mapping or a list."""
        children = value.values() if isinstance(value, dict) else value
        count = 1 + sum(child.count for child in children)
        return cls(value, place, count, 1 + max((child.levels for child in children), default=0))


class Unreadable(Exception):
    """The file cannot be read any further."""

    def __init__(self, message: Text, place: Place) -> None:
        super().__init__(str(message))
        self.finding = Finding.at(place, message)


def read_nodes(file: str, raw: bytes) -> tuple[Node | None, list[Finding]]:
    """The tree of a file, None where it cannot be read at all, and what was wrong with it."""
    top = Place(file)
    builder = _Builder(top)
    try:
        return builder.document(_events(raw, top)), builder.findings
    except Unreadable as unreadable:
        return None, [*builder.findings, unreadable.finding]


def _events(raw: bytes, top: Place) -> Iterator[Any]:
    if len(raw) > MAX_BYTES:
        size = text("Die Datei ist zu groß: höchstens %(megabytes)s MB.", megabytes=MAX_BYTES // 1024 // 1024)
        raise Unreadable(size, top)
    try:
        source = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable(
            text("Die Datei ist nicht in UTF-8 gespeichert. Speichern Sie sie mit dieser Kodierung."), top
        ) from None
    try:
        yield from yaml.parse(source, Loader=LOADER)
    except yaml.MarkedYAMLError as error:
        raise Unreadable(*_broken(error, source, top)) from None
    except yaml.YAMLError:
        raise Unreadable(text("Die Datei enthält Steuerzeichen, die kein Text sind."), top) from None


def _broken(error: yaml.MarkedYAMLError, source: str, top: Place) -> tuple[Text, Place]:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    place = Place(top.file, (), line)
    written = dict(enumerate(source.split("\n"), 1)).get(line, "")
    if written[column - 1 : column] == "\t":
        return text(
            "Zeile %(line)s, Spalte %(column)s: Hier steht ein Tabulator. Rücken Sie mit Leerzeichen ein.",
            line=line,
            column=column,
        ), place
    return text(
        "Zeile %(line)s, Spalte %(column)s: Das ist kein gültiges YAML (%(problem)s). Prüfen Sie Einrückung, "
        "Doppelpunkte und Anführungszeichen an dieser Stelle und kurz davor.",
        line=line,
        column=column,
        problem=error.problem or error.context or "?",
    ), place


@dataclass
class _Builder:
    top: Place
    findings: list[Finding] = field(default_factory=list)
    anchors: dict[str, Node] = field(default_factory=dict)
    count: int = 0

    def document(self, events: Iterator[Any]) -> Node:
        """The only document of the stream."""
        tree: Node | None = None
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                if tree is not None:
                    place = self._place((), event)
                    raise Unreadable(text("Die Datei enthält mehrere YAML-Dokumente („---“)."), place)
                tree = self._node(next(events), events, ())
        if tree is None or tree.value is None:
            raise Unreadable(text("Die Datei ist leer."), self.top)
        if not isinstance(tree.value, dict):
            raise Unreadable(text("Die Datei muss mit benannten Angaben wie „format: 1“ beginnen."), self.top)
        return tree

    def _place(self, path: Path, event: Any) -> Place:
        return Place(self.top.file, path, event.start_mark.line + 1 if event.start_mark else None)

    def _node(self, event: Any, events: Iterator[Any], path: Path) -> Node:
        place = self._place(path, event)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, place)
        self._refuse_excess(1, len(path), place)
        if event.tag is not None:
            raise Unreadable(text("Typangaben wie „%(tag)s“ sind nicht erlaubt.", tag=event.tag), place)
        if isinstance(event, yaml.MappingStartEvent):
            node = self._mapping(events, place)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._sequence(events, place)
        else:
            _refuse_control_characters(event, place)
            node = Node(_scalar(event), place)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        return node

    def _alias(self, event: Any, place: Place) -> Node:
        node = self.anchors.get(event.anchor)
        if node is None:
            raise Unreadable(
                text("Der Verweis „*%(name)s“ zeigt auf nichts, was davor abgeschlossen ist.", name=event.anchor),
                place,
            )
        self._refuse_excess(node.count, len(place.path) + node.levels, place)
        return node

    def _refuse_excess(self, count: int, depth: int, place: Place) -> None:
        self.count += count
        if self.count > MAX_VALUES:
            too_many = text("Die Datei enthält zu viele Angaben: höchstens %(limit)s.", limit=MAX_VALUES)
            raise Unreadable(too_many, place)
        if depth > MAX_DEPTH:
            raise Unreadable(
                text("Die Angaben sind zu tief verschachtelt: höchstens %(limit)s Ebenen.", limit=MAX_DEPTH), place
            )

    def _sequence(self, events: Iterator[Any], place: Place) -> Node:
        items: list[Node] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            items.append(self._node(event, events, (*place.path, len(items))))
        return Node.of(items, place)

    def _mapping(self, events: Iterator[Any], place: Place) -> Node:
        entries: dict[str, Node] = {}
        lines: dict[str, int] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            key = self._key(event, place)
            here = self._place((*place.path, key), event)
            child = self._node(next(events), events, here.path)
            if key in entries:
                self.findings.append(Finding.at(here, _repeated(key, lines[key])))
            else:
                entries[key], lines[key] = child, here.line or 0
        return Node.of(entries, place)

    def _key(self, event: Any, place: Place) -> str:
        here = Place(place.file, place.path, event.start_mark.line + 1)
        if not isinstance(event, yaml.ScalarEvent) or event.tag is not None:
            raise Unreadable(text("Der Name einer Angabe muss ein einfaches Wort sein."), here)
        if event.value == "<<" and event.implicit[0]:
            raise Unreadable(text("Das Zusammenführen mit „<<“ wird nicht unterstützt."), here)
        _refuse_control_characters(event, here)
        return str(event.value)


def _repeated(key: str, line: int) -> Text:
    return text("Die Angabe „%(key)s“ steht zweimal, zuerst in Zeile %(line)s.", key=key, line=line)


def _refuse_control_characters(event: Any, place: Place) -> None:
    if NO_TEXT.search(event.value):
        raise Unreadable(text("Hier steht ein Steuerzeichen, das kein Text ist."), place)


def _scalar(event: Any) -> Scalar:
    written = str(event.value)
    if not event.implicit[0]:  # in quotes or as a block: always text
        return written
    if written in NOTHING:
        return None
    if written in BOOLEANS:
        return BOOLEANS[written]
    if WHOLE_NUMBER.fullmatch(written):
        return int(written)
    return Decimal(written) if DECIMAL_NUMBER.fullmatch(written) else written


def plain(node: Node) -> Any:
    """The values of a tree without their places."""
    if isinstance(node.value, dict):
        return {key: plain(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [plain(child) for child in node.value]
    return node.value
