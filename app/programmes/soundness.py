"""What makes the definition of a workflow unsound. Pure.

A sound definition has one known initial status, every status can be reached, an end can be reached from
everywhere, and no transition is there for nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from app.core.text import Text, text
from app.organisations.permissions import ACTING_ROLES, ROLE_NAMES, Role
from app.programmes.workflow import GUARDS


@dataclass(frozen=True)
class Finding:
    """Something wrong with a definition, and where: `transitions[3].to`."""

    path: str
    message: Text


def findings(definition: Mapping[str, Any]) -> tuple[Finding, ...]:
    """What makes a definition unsound; its shape (keys and types) has been checked before."""
    found: list[Finding] = []
    statuses = [row["key"] for row in definition["statuses"]]
    fields = [row["key"] for row in definition.get("fields", ())]
    transitions = definition["transitions"]
    found += _repeated("statuses", statuses)
    found += _repeated("fields", fields)
    found += _repeated("transitions", [row["key"] for row in transitions])
    if definition["initial"] not in statuses:
        found.append(Finding("initial", _unknown_status(definition["initial"], statuses)))
    for index, row in enumerate(transitions):
        found += _transition_findings(f"transitions[{index}]", row, statuses, fields)
    if not found:
        found += _way_findings(definition)
    return tuple(found)


def _repeated(name: str, keys: list[str]) -> list[Finding]:
    return [
        Finding(f"{name}[{index}].key", text("der Schlüssel „%(key)s“ kommt zweimal vor", key=key))
        for index, key in enumerate(keys)
        if key in keys[:index]
    ]


def _unknown_status(key: str, statuses: list[str]) -> Text:
    close = get_close_matches(key, statuses, 1)
    if close:
        return text("der Status „%(key)s“ ist unbekannt; meinten Sie „%(close)s“?", key=key, close=close[0])
    return text("der Status „%(key)s“ ist unbekannt", key=key)


def _transition_findings(path: str, row: Mapping[str, Any], statuses: list[str], fields: list[str]) -> list[Finding]:
    found = [
        Finding(f"{path}.{end}", _unknown_status(row[end], statuses))
        for end in ("from", "to")
        if row[end] not in statuses
    ]
    if not row["roles"]:
        found.append(Finding(f"{path}.roles", text("keine Rolle darf diesen Übergang ausführen")))
    for index, role in enumerate(row["roles"]):
        if role not in ACTING_ROLES:
            name = ROLE_NAMES[Role(role)]
            found.append(
                Finding(f"{path}.roles[{index}]", text("die Rolle „%(role)s“ ändert keinen Status", role=name))
            )
    for index, guard in enumerate(row.get("guards", ())):
        if guard["guard"] not in GUARDS:
            found.append(
                Finding(
                    f"{path}.guards[{index}].guard",
                    text(
                        "die Bedingung „%(key)s“ ist unbekannt; möglich sind: %(known)s",
                        key=guard["guard"],
                        known=", ".join(GUARDS),
                    ),
                )
            )
        elif (guard["guard"] == "role_assigned") != bool(guard.get("role")):
            found.append(
                Finding(f"{path}.guards[{index}].role", text("nur „role_assigned“ nennt eine Rolle, und muss es"))
            )
    for index, key in enumerate(row.get("fields", ())):
        if key not in fields:
            close = get_close_matches(key, fields, 1)
            message = (
                text("das Feld „%(key)s“ ist unbekannt; meinten Sie „%(close)s“?", key=key, close=close[0])
                if close
                else text("das Feld „%(key)s“ ist unbekannt", key=key)
            )
            found.append(Finding(f"{path}.fields[{index}]", message))
    return found


def _way_findings(definition: Mapping[str, Any]) -> list[Finding]:
    """Statuses nobody reaches, and statuses from which no end is reached."""
    forward: dict[str, set[str]] = {}
    backward: dict[str, set[str]] = {}
    for row in definition["transitions"]:
        forward.setdefault(row["from"], set()).add(row["to"])
        backward.setdefault(row["to"], set()).add(row["from"])
    finals = [row["key"] for row in definition["statuses"] if row.get("final")]
    reached = _reach([definition["initial"]], forward)
    ending = _reach(finals, backward)
    found = []
    for index, row in enumerate(definition["statuses"]):
        path = f"statuses[{index}]"
        if row["key"] not in reached:
            found.append(
                Finding(path, text("der Status „%(key)s“ ist vom Anfang aus nicht erreichbar", key=row["key"]))
            )
        if row["key"] not in ending:
            found.append(Finding(path, text("vom Status „%(key)s“ aus ist kein Ende erreichbar", key=row["key"])))
        if row.get("final") and forward.get(row["key"]):
            found.append(Finding(path, text("der Endstatus „%(key)s“ hat einen Weg hinaus", key=row["key"])))
    return found


def _reach(starts: list[str], ways: Mapping[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    waiting = list(starts)
    while waiting:
        key = waiting.pop()
        if key not in reached:
            reached.add(key)
            waiting.extend(ways.get(key, ()))
    return reached
