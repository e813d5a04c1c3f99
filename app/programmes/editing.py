"""Changes to the definition of a workflow, and what they change for a measure. Pure.

Every function takes a definition and gives another; what it was given stays as it is. A status, a step and a field
keep their keys for ever: measures, the log and the statistics of a city know them by these.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from app.core.localized import Localized
from app.core.text import Text, text
from app.organisations.permissions import Role
from app.programmes.access import MEASURE_FIELDS, FieldRule
from app.programmes.guards import GUARDS, PARAMETERS
from app.programmes.soundness import MOST_FIELDS, MOST_STATUSES, MOST_TRANSITIONS, Definition, Finding, findings
from app.programmes.workflow import FieldType, Workflow, build

Part: TypeAlias = Literal["statuses", "transitions", "fields"]
Entry: TypeAlias = Mapping[str, Any]

MOST: Mapping[Part, int] = {"statuses": MOST_STATUSES, "transitions": MOST_TRANSITIONS, "fields": MOST_FIELDS}
OF_THE_FORM: Mapping[Part, frozenset[str]] = {
    "statuses": frozenset({"label", "public_label", "expectation", "category", "final"}),
    "transitions": frozenset({"from", "to", "label", "roles", "guards", "fields", "four_eyes"}),
    "fields": frozenset({"label", "type", "hint"}),
}
"""What the forms ask for; everything else of an entry survives them: its key, its sources, its field rules."""
EMPTY: Definition = {"initial": "", "fields": [], "statuses": [], "transitions": []}

FIELD_TYPE_NAMES: Mapping[FieldType, Text] = {
    FieldType.TEXT: text("kurzer Text"),
    FieldType.LONGTEXT: text("langer Text"),
    FieldType.DATE: text("Datum"),
    FieldType.URL: text("Adresse im Netz"),
    FieldType.MONEY: text("Betrag in Euro"),
    FieldType.YES_NO: text("ja oder nein"),
}


# -- finding


def entries(definition: Definition, part: Part) -> Sequence[Entry]:
    """The statuses, steps or fields of a definition."""
    rows: Sequence[Entry] = definition.get(part, ())
    return rows


def find(definition: Definition, part: Part, key: str) -> Entry | None:
    """The entry with a key, None where there is none."""
    return next((row for row in entries(definition, part) if row["key"] == key), None)


def name_of(row: Entry) -> Localized:
    """What an entry is called."""
    return Localized(row["label"]["de"], row["label"].get("en"))


def drawn(definition: Definition) -> Workflow | None:
    """The definition as the rules read it; None while it names what it does not have, and cannot be drawn."""
    statuses = {row["key"] for row in entries(definition, "statuses")}
    fields = {row["key"] for row in entries(definition, "fields")}
    known = fields | MEASURE_FIELDS.keys()
    is_known = (
        definition["initial"] in statuses
        and all({row["from"], row["to"]} <= statuses for row in definition["transitions"])
        and all(fields.issuperset(row.get("fields", ())) for row in definition["transitions"])
        and all(rule["field"] in known for row in definition["statuses"] for rule in row.get("field_rules", ()))
        and all(
            guard["guard"] in GUARDS and known.issuperset(_fields_of(guard))
            for row in definition["transitions"]
            for guard in row.get("guards", ())
        )
    )
    return build(definition) if is_known else None


def _fields_of(guard: Entry) -> tuple[str, ...]:
    return (*guard.get("fields", ()), *(guard[name] for name in ("number", "link") if guard.get(name)))


def labels(definition: Definition) -> Mapping[str, Text | Localized]:
    """What every field is called that a rule may name."""
    return {**MEASURE_FIELDS, **{row["key"]: name_of(row) for row in entries(definition, "fields")}}


def rules_of(status: Entry) -> tuple[FieldRule, ...]:
    """The field rules of a status, as the rules read them."""
    return build({**EMPTY, "statuses": [status]}).statuses[status["key"]].field_rules


# -- judging


@dataclass(frozen=True)
class Remark:
    """A finding with the entry it is about: one of a part by its key, or the part (or `initial`) itself."""

    finding: Finding
    part: str
    key: str | None = None
    name: Localized | None = None
    is_rule: bool = False

    @property
    def is_about_ways(self) -> bool:
        """Whether it is mended by a step to or from the status, not in the status itself."""
        return self.part == "statuses" and self.finding.path.endswith("]") and not self.is_rule

    @property
    def is_error(self) -> bool:
        """Whether it keeps the definition from being published."""
        return self.finding.level == "error"

    @property
    def sentence(self) -> Text:
        """The finding with the name of its entry; one on the whole entry names it itself."""
        message = self.finding.message
        if self.name is None or re.fullmatch(r"\w+\[\d+\]", self.finding.path):
            return message
        if self.part == "statuses":
            return text("Status „%(name)s“: %(message)s", name=self.name, message=message)
        if self.part == "transitions":
            return text("Schritt „%(name)s“: %(message)s", name=self.name, message=message)
        return text("Feld „%(name)s“: %(message)s", name=self.name, message=message)


def remarks(
    definition: Definition, types: Mapping[str, str], held_roles: Collection[Role] | None = None
) -> tuple[Remark, ...]:
    """What the validator finds, errors first; `types` are those of the fields that were published."""
    found = [*findings(definition, held_roles), *retyped(definition, types)]
    found.sort(key=lambda finding: finding.level != "error")
    return tuple(_remark(definition, finding) for finding in found)


def _remark(definition: Definition, finding: Finding) -> Remark:
    match = re.match(r"(statuses|transitions|fields)\[(\d+)\](\.field_rules)?", finding.path)
    if match is None:
        return Remark(finding, finding.path)
    row = definition[match[1]][int(match[2])]
    return Remark(finding, match[1], row["key"], name_of(row), match[3] is not None)


# -- changing


def put(definition: Definition, part: Part, key: str, values: Entry) -> dict[str, Any]:
    """An entry as its form has it: the one with this key, or a new one at the end. None leaves a value out."""
    changed = _copy(definition)
    rows = changed.setdefault(part, [])
    given = {name: value for name, value in values.items() if value is not None}
    index = next((index for index, row in enumerate(rows) if row["key"] == key), None)
    if index is None:
        rows.append({"key": key, **given})
        if part == "statuses" and len(rows) == 1:
            changed["initial"] = key  # the first status is where measures begin until somebody says otherwise
    else:
        kept = {name: value for name, value in rows[index].items() if name not in OF_THE_FORM[part]}
        rows[index] = kept | given
    return changed


def remove(definition: Definition, part: Part, key: str) -> dict[str, Any]:
    """Without the entry with this key; `uses` says beforehand who still needs it."""
    changed = _copy(definition)
    changed[part] = [row for row in changed[part] if row["key"] != key]
    if part == "statuses" and changed["initial"] == key:
        changed["initial"] = ""  # it was the only one: `uses` holds back the others
    return changed


def move(definition: Definition, part: Part, key: str, *, up: bool) -> dict[str, Any]:
    """One place up or down; a step among those that leave the same status. At the end it stays."""
    changed = _copy(definition)
    rows = changed[part]
    row = next(row for row in rows if row["key"] == key)
    group = [other for other in rows if other.get("from") == row.get("from")]
    place = group.index(row) + (-1 if up else 1)
    if 0 <= place < len(group):
        here, there = rows.index(row), rows.index(group[place])
        rows[here], rows[there] = rows[there], rows[here]
    return changed


def set_initial(definition: Definition, key: str) -> dict[str, Any]:
    """With another status in which measures begin."""
    return {**_copy(definition), "initial": key}


def add_rule(definition: Definition, status: str, rule: Entry) -> dict[str, Any]:
    """With one more field rule of a status."""
    changed = _copy(definition)
    row = next(row for row in changed["statuses"] if row["key"] == status)
    row["field_rules"] = [*row.get("field_rules", ()), dict(rule)]
    return changed


def remove_rule(definition: Definition, status: str, index: int) -> dict[str, Any]:
    """Without one field rule of a status."""
    changed = _copy(definition)
    row = next(row for row in changed["statuses"] if row["key"] == status)
    del row["field_rules"][index]
    if not row["field_rules"]:
        del row["field_rules"]
    return changed


def copied(definition: Definition) -> dict[str, Any]:
    """A definition for another programme: what its sources and their basis say is true of the first one only."""
    changed = _copy(definition)
    for row in changed["transitions"]:
        for name in ("sources", "basis"):
            row.pop(name, None)
    return changed


def _copy(definition: Definition) -> dict[str, Any]:
    return deepcopy(dict(definition))


# -- what holds an entry, or a type


def uses(definition: Definition, part: Part, key: str) -> tuple[Text, ...]:
    """Who still needs a status or a field, in words; nobody needs a step."""
    if part == "statuses":
        return tuple(_uses_of_status(definition, key))
    return tuple(_uses_of_field(definition, key)) if part == "fields" else ()


def _uses_of_status(definition: Definition, key: str) -> Iterator[Text]:
    if definition["initial"] == key and len(definition["statuses"]) > 1:
        yield text("hier beginnen Maßnahmen")
    for row in definition["transitions"]:
        if key in (row["from"], row["to"]):
            yield text("Schritt „%(name)s“", name=name_of(row))


def _uses_of_field(definition: Definition, key: str) -> Iterator[Text]:
    for row in definition["transitions"]:
        if key in row.get("fields", ()) or any(key in _fields_of(guard) for guard in row.get("guards", ())):
            yield text("Schritt „%(name)s“", name=name_of(row))
    for row in definition["statuses"]:
        if any(rule["field"] == key for rule in row.get("field_rules", ())):
            yield text("Feldregeln des Status „%(name)s“", name=name_of(row))


def types_of(published: Iterable[Definition]) -> Mapping[str, str]:
    """The types that the fields of these versions have, by key; the newest says last."""
    return {row["key"]: row["type"] for version in published for row in entries(version, "fields")}


def retyped(definition: Definition, types: Mapping[str, str]) -> Iterator[Finding]:
    """Fields that were published with another type: measures keep values under their keys."""
    for index, row in enumerate(entries(definition, "fields")):
        if types.get(row["key"], row["type"]) != row["type"]:
            yield Finding(f"fields[{index}].type", kept_type(types[row["key"]]))


def kept_type(published: str) -> Text:
    """Why a field that was published once keeps its type."""
    return text(
        "die Art bleibt „%(type)s“, denn Maßnahmen haben hier schon Werte; legen Sie sonst ein neues Feld an",
        type=FIELD_TYPE_NAMES[FieldType(published)],
    )


# -- conditions, as a form has them


def guard(name: str, **parameters: Any) -> dict[str, Any]:
    """A condition as a definition keeps it; a parameter without a value is left out."""
    return {"guard": name} | {key: parameters[key] for key in PARAMETERS if parameters.get(key)}


def in_known_order(wanted: Sequence[Entry], stored: Sequence[Entry]) -> list[Entry]:
    """The wanted conditions; those there were before keep their places, so that nothing looks changed."""
    kept = [row for row in stored if row in wanted]
    return [*kept, *(row for row in wanted if row not in kept)]
