"""The details of a measure: who may change which of them, what must be filled, and how they are typed. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from app.audit.labels import FIELD_NAMES
from app.calendars.partial_dates import MONTH_NAMES, SEASON_NAMES, PartialDate
from app.core.errors import RuleBroken
from app.core.localized import Localized
from app.core.text import Text, joined, text
from app.programmes.access import MEASURE_FIELDS, Access
from app.programmes.workflow import Field, FieldType

DETAILS = (
    "title",
    "summary",
    "field",
    "focus_area",
    "partners",
    "starts",
    "ends",
    "total_cost",
    "grant_amount",
)
"""The facts of every measure that are edited on one page, in the order of that page."""

RESPONSIBILITY = ("lead", "unit")
"""Those that are assigned on a page of their own."""

PREDECESSORS = "predecessors"
PREDECESSORS_NAME = text("Vorgänger")
NO_TITLE = text("Bitte geben Sie einen Titel an.")
YES, NO = "ja", "nein"
YES_OR_NO = ((YES, text("ja")), (NO, text("nein")))
"""How an answer is kept, and its word; a question nobody has answered is not kept."""


@dataclass(frozen=True)
class Detail:
    """One detail as the page of one person has it; `field` where the workflow, and not every measure, has it."""

    key: str
    label: Text | Localized
    access: Access
    field: Field | None = None


def check_access(
    changed: Iterable[str], access_of: Callable[[str], Access], labels: Mapping[str, Text | Localized]
) -> None:
    """Refuses changes of what is hidden or only to be read, naming it.

    Raises:
        RuleBroken: on the first of these fields.
    """
    shut = [key for key in changed if not access_of(key).is_editable]
    if shut:
        names = tuple(labels[key] for key in shut)
        raise RuleBroken(text("Im jetzigen Status dürfen Sie nicht ändern: %(fields)s.", fields=names), shut[0])


def check_filled(
    values: Mapping[str, Any], access_of: Callable[[str], Access], labels: Mapping[str, Text | Localized]
) -> None:
    """Refuses empty values where the status requires one, naming all of them.

    Raises:
        RuleBroken: on the first of these fields.
    """
    empty = [key for key, value in values.items() if not is_filled(value) and access_of(key) is Access.REQUIRED]
    if empty:
        missing = [text("Angabe „%(label)s“ fehlt", label=labels[key]) for key in empty]
        raise RuleBroken(joined(missing), empty[0])


def is_filled(value: Any) -> bool:
    """Whether there is a value; zero euro is one."""
    return value is not None and value != "" and value != []


def log_names(fields: Mapping[str, Field]) -> dict[str, str]:
    """What the log calls the fields of a workflow: by the German label, with the key where another field, of the
    workflow or of ours, has that name in the log, too."""
    labels = Counter(str(field.label) for field in fields.values())
    taken = {*FIELD_NAMES, *MEASURE_FIELDS, *(label for label, n in labels.items() if n > 1)}
    return {
        key: f"{field.label} ({key})" if str(field.label) in taken else str(field.label)
        for key, field in fields.items()
    }


def check_span(starts: PartialDate | None, ends: PartialDate | None) -> None:
    """Refuses an end that lies before the beginning whatever days the two may mean.

    Raises:
        RuleBroken: on `ends`.
    """
    if starts and ends and ends.last_day() < starts.first_day():
        raise RuleBroken(text("Das Ende liegt vor dem Beginn."), "ends")


def check_order(
    measure_id: UUID,
    chosen_ids: Collection[UUID],
    before: Mapping[UUID, Collection[UUID]],
    names: Mapping[UUID, Text | Localized],
) -> None:
    """Refuses predecessors that wait for the measure themselves, directly or through others.

    `before` gives the predecessors of every measure as they are stored, `names` what the chosen ones are called.

    Raises:
        RuleBroken: on `predecessors`.
    """
    if measure_id in chosen_ids:
        raise RuleBroken(text("Eine Maßnahme kann nicht auf sich selbst warten."), PREDECESSORS)
    waiting = [names[one] for one in chosen_ids if _waits_for(one, measure_id, before)]
    if waiting:
        raise RuleBroken(
            text(
                "Das ergäbe einen Kreis: Diese Vorgänger warten selbst auf die Maßnahme: %(names)s.",
                names=tuple(waiting),
            ),
            PREDECESSORS,
        )


def _waits_for(one: UUID, other: UUID, before: Mapping[UUID, Collection[UUID]]) -> bool:
    seen: set[UUID] = set()
    ahead = [one]
    while ahead:
        here = ahead.pop()
        if here == other:
            return True
        if here not in seen:
            seen.add(here)
            ahead.extend(before.get(here, ()))
    return False


def parse_date(typed: str, spoken: Callable[[Text], str] = str) -> PartialDate:
    """A date as people type it: 15.03.2023, 03.2023, 2023, März 2023, Sommer 2023, or as the city's file has it.

    `spoken` says the names of months and seasons in the reader's language; German is always understood.

    Raises:
        ValueError: for anything else, and for years nobody means.
    """
    written = " ".join(typed.split())
    if match := re.fullmatch(r"(?:(?:(\d{1,2})\.)?(\d{1,2})\.)?(\d{4})", written, re.ASCII):
        day, month, year = (int(part) if part else None for part in match.groups())
        if month is not None and month > 12:
            raise ValueError(typed)
        parsed = PartialDate(year or 0, month, day)
        parsed.first_day()  # raises for a day that does not exist
    elif match := re.fullmatch(r"(\D+) (\d{4})", written, re.ASCII):
        parsed = PartialDate(int(match[2]), _named(match[1].casefold(), spoken))
    elif re.fullmatch(r"[\d-]+", written, re.ASCII):
        parsed = PartialDate.parse(written)
    else:
        raise ValueError(typed)
    if not 1900 <= parsed.year <= 2100:
        raise ValueError(typed)
    return parsed


def _named(word: str, spoken: Callable[[Text], str]) -> int:
    names = {**dict(enumerate(MONTH_NAMES, start=1)), **SEASON_NAMES}
    for number, name in names.items():
        said = Text(name.msgid, {"year": ""})
        if word in (str(said).strip().casefold(), spoken(said).strip().casefold()):
            return number
    raise ValueError(word)


def typed_date(value: PartialDate | None, spoken: Callable[[Text], str] = str) -> str:
    """A date as `parse_date` reads it."""
    if value is None:
        return ""
    if value.month in SEASON_NAMES:
        return spoken(value.label())
    parts = (f"{part:02d}" for part in (value.day, value.month) if part is not None)
    return ".".join([*parts, f"{value.year:04d}"])


def read_kept(field: Field, kept: Any) -> Any:
    """A value of the record as what it is: a day, an amount, a yes or no; as it stands where it is none of these."""
    try:
        if field.type is FieldType.DATE:
            return date.fromisoformat(kept)
        if field.type is FieldType.MONEY:
            return Decimal(kept)
    except (ValueError, TypeError, InvalidOperation):
        return kept
    return {YES: True, NO: False}.get(kept, kept) if field.type is FieldType.YES_NO else kept
