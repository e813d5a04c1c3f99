"""A city file that somebody hands in for the workflow of one programme in it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from app.core.text import ntext, text
from app.programmes import editing
from app.transfer.findings import Finding, Place, has_errors, with_suggestion
from app.transfer.format import CityFile, Programme
from app.transfer.reading import limited, understand
from app.transfer.workflows import definition, unsound_in


@dataclass(frozen=True)
class Upload:
    """What became of the file: the definition of the workflow, None where nothing can be made of it, and every
    finding. With a definition there may still be errors: the editor shows them, and publishing waits for them."""

    definition: dict[str, Any] | None
    findings: tuple[Finding, ...]


def read_workflow(name: str, raw: bytes, programme: str) -> Upload:
    """The workflow of the programme with this key, read from a file with this name and content."""
    city, findings = understand([(name, raw)])
    found = limited(findings)
    if city is None:
        return Upload(None, found)
    entry = next((entry for entry in city.programmes if entry.key == programme), None)
    if entry is None:
        return Upload(None, limited(chain(found, _others(name, city, programme))))
    wanted = definition(entry.workflow)
    is_usable = not has_errors(found) and _can_be_edited(wanted)
    return Upload(wanted if is_usable else None, limited(chain(found, unsound_in(entry))))


def _others(name: str, city: CityFile, wanted: str) -> Iterator[Finding]:
    keys = [programme.key for programme in city.programmes]
    place = Place(name, ("programmes",))
    if not keys:
        yield Finding.at(place, text("Die Datei enthält kein Programm."))
    elif len(keys) == 1:
        other: Programme = city.programmes[0]
        message = text(
            "Die Datei enthält das Programm „%(found)s“, nicht „%(wanted)s“.", found=keys[0], wanted=wanted
        )
        yield Finding.at(other.place("key"), message)
    else:
        n = len(keys)
        problem = ntext(
            "Die Datei enthält %(n)s Programm, aber nicht „%(wanted)s“.",
            "Die Datei enthält %(n)s Programme, aber nicht „%(wanted)s“.",
            n,
            wanted=wanted,
        )
        yield Finding.at(place, with_suggestion(problem, wanted, keys))


def _can_be_edited(wanted: dict[str, Any]) -> bool:
    """Whether the editor can show it: no more than fits, every key once, and none that leads nowhere."""
    for part, most in editing.MOST.items():
        keys = [row["key"] for row in editing.entries(wanted, part)]
        if len(keys) > most or len(set(keys)) < len(keys):
            return False
    return editing.drawn(wanted) is not None
