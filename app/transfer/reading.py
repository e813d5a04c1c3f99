"""Reading a city: one or several files in, a checked `CityFile` and the findings out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path as FilePath

from pydantic import ValidationError

from app.core.text import ntext, text
from app.transfer.entries import WHOLE_ENTRY, Entry, Origin
from app.transfer.findings import Finding, Path, Place, has_errors
from app.transfer.format import CityFile
from app.transfer.merging import merge, repeated_entries
from app.transfer.nodes import MAX_BYTES, Node, plain, read_nodes
from app.transfer.references import references
from app.transfer.sentences import sentence
from app.transfer.workflows import unsound

MOST_FINDINGS = 100
"""More than these nobody reads at once; the last line then says how many files to mend first."""


@dataclass(frozen=True)
class Reading:
    """What became of the files: the city, None where an error stands against it, and every finding."""

    city: CityFile | None
    findings: tuple[Finding, ...]


def read_files(paths: Sequence[FilePath]) -> Reading:
    """Reads files from disk as one city; a file that cannot be opened is a finding."""
    files: list[tuple[str, bytes]] = []
    findings: list[Finding] = []
    for path in paths:
        try:
            with path.open("rb") as opened:
                files.append((str(path), opened.read(MAX_BYTES + 1)))
        except FileNotFoundError:
            findings.append(Finding.at(Place(str(path)), text("Diese Datei gibt es nicht.")))
        except IsADirectoryError:
            findings.append(Finding.at(Place(str(path)), text("Das ist ein Ordner, keine Datei.")))
        except PermissionError:
            findings.append(Finding.at(Place(str(path)), text("Diese Datei dürfen Sie nicht lesen.")))
        except OSError as error:
            reason = text("Die Datei lässt sich nicht lesen (%(reason)s).", reason=error.strerror or error)
            findings.append(Finding.at(Place(str(path)), reason))
    return Reading(None, tuple(findings)) if findings else read(files)


def read(files: Sequence[tuple[str, bytes]]) -> Reading:
    """Reads files, given by name and content, as one city: later ones add to earlier ones.

    Nothing but the content decides: no database, no clock. The findings are at most `MOST_FINDINGS`, errors first.
    """
    city, findings = understand(files)
    if city is None:
        return Reading(None, limited(findings))
    found = limited(chain(findings, unsound(city)))
    return Reading(None if has_errors(found) else city, found)


def understand(files: Sequence[tuple[str, bytes]]) -> tuple[CityFile | None, Iterable[Finding]]:
    """The city that the files describe, with all findings but those about the inside of its workflows.

    The city is None where the files do not have the shape of one; with it there may still be errors.
    """
    trees = [read_nodes(name, raw) for name, raw in files]
    findings = [finding for _, found in trees for finding in found]
    readable = [tree for tree, _ in trees if tree is not None]
    if len(readable) < len(files) or not readable:
        return None, findings
    for tree in readable:
        findings += [*_wrong_head(tree), *repeated_entries(tree)]
    whole = readable[0]
    for tree in readable[1:]:
        whole, contradictions = merge(whole, tree)
        findings += contradictions
    sample_files = _sample_files(readable)
    try:
        city = CityFile.model_validate({**plain(whole), "format": 1, "sample": bool(sample_files)})
    except ValidationError as error:
        wrong = (
            Finding.at(_place_of(whole, details["loc"]), sentence(details))
            for details in error.errors(include_url=False)
        )
        return None, chain(findings, wrong)
    _note_origins(city, whole, sample_files)
    return city, chain(findings, references(city))


def limited(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """At most `MOST_FINDINGS`, errors before warnings, and one more that tells of the rest."""
    errors: list[Finding] = []
    warnings: list[Finding] = []
    for finding in findings:
        (errors if finding.level == "error" else warnings).append(finding)
        if len(errors) == 2 * MOST_FINDINGS:
            break  # to word all of ten thousand would take long, and nobody reads them
    found = (*errors, *warnings)[: 2 * MOST_FINDINGS]
    rest = found[MOST_FINDINGS:]
    if not rest:
        return found
    more = ntext(
        "Es gibt noch mindestens einen weiteren Befund.",
        "Es gibt noch mindestens %(n)s weitere Befunde.",
        len(rest),
    )
    last = found[MOST_FINDINGS - 1]
    return (*found[:MOST_FINDINGS], Finding(last.file, "", more, rest[0].level))


def _sample_files(trees: Sequence[Node]) -> frozenset[str]:
    return frozenset(tree.place.file for tree in trees if _head(tree).get("sample") is True)


def _head(tree: Node) -> dict[str, object]:
    assert isinstance(tree.value, dict)  # read_nodes refuses anything else
    return {name: plain(tree.value[name]) for name in ("format", "sample") if name in tree.value}


def _wrong_head(tree: Node) -> Iterator[Finding]:
    """What is wrong with what each file says for itself; the first file's is checked with the whole, too."""
    head = _head(tree)
    if "format" not in head:
        missing = text("Die Datei beginnt nicht mit „format: 1“. Ist es eine Datei von Wegmarke?")
        yield Finding.at(tree.place, missing)
    elif head["format"] != 1:
        unknown = text(
            "Das Format „%(value)s“ ist unbekannt. Diese Version liest das Format 1.",
            value=str(head["format"])[:40],
        )
        yield Finding.at(tree.place.at("format"), unknown)
    if not isinstance(head.get("sample", False), bool):
        yield Finding.at(tree.place.at("sample"), text("Hier wird „true“ oder „false“ erwartet."))


def _place_of(node: Node, path: Path) -> Place:
    """Where an error of the format is written: as far down the path as the files go."""
    for index, part in enumerate(path):
        children = node.value
        if part == WHOLE_ENTRY and isinstance(children, list):
            continue
        if isinstance(children, dict) and part in children:
            node = children[str(part)]
        elif isinstance(children, list) and isinstance(part, int):
            node = children[part]
        else:
            return node.place.at(*path[index:]) if isinstance(children, dict) else node.place
    return node.place


def _note_origins(value: object, node: Node, sample_files: frozenset[str]) -> None:
    """Tells every entry where it was written, so that later findings can name the place."""
    if isinstance(value, list) and isinstance(node.value, list):
        for item, child in zip(value, node.value, strict=True):
            _note_origins(item, child, sample_files)
    if isinstance(value, Entry) and isinstance(node.value, dict):
        places = {name: child.place for name, child in node.value.items()}
        is_sample = node.place.file in sample_files
        added = [name for name, place in places.items() if place.file in sample_files and not is_sample]
        value.written_at(Origin(node.place, is_sample, places, frozenset(added)))
        for name, field in type(value).model_fields.items():
            if (field.alias or name) in node.value:
                _note_origins(getattr(value, name), node.value[field.alias or name], sample_files)
