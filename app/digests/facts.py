"""What may be told to a funder, as plain values: released, approved or recorded, and nothing else. Pure.

`gather` in `released.py` fills them, `build` in `content.py` speaks them, and the archive of a digest keeps them as
JSON. Names of people, notes, statements and evidence have no place here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from app.core.localized import Localized
from app.core.text import Text
from app.digests.spans import Span
from app.programmes.workflow import Category
from app.progress.health import Health


@dataclass(frozen=True)
class Standing:
    """A status in the words that funders are told."""

    label: Localized
    category: Category

    def says_the_same_as(self, other: Standing | None) -> bool:
        """Whether nothing can be told between the two; a wording that was only translated is none other."""
        return other is not None and (self.label.de, self.category) == (other.label.de, other.category)


@dataclass(frozen=True)
class StatusChange:
    """A recorded decision that moved a measure; `before` is None where nobody published it."""

    key: str
    at: datetime
    before: Standing | None
    after: Standing
    is_sample: bool = False


@dataclass(frozen=True)
class Release:
    """A progress update the head released. `period` is its key, such as 2023-Q1."""

    key: str
    at: datetime
    period: str
    health: Health | None
    reason: str | None
    decision_wanted: str | None
    percent: int | None
    is_sample: bool = False


@dataclass(frozen=True)
class Approval:
    """A milestone that was reached on `actual_on`, and approved."""

    key: str
    at: datetime
    title: Localized
    planned_on: date
    by_month: bool
    actual_on: date
    is_sample: bool = False


@dataclass(frozen=True)
class Move:
    """A planned day that moved; `by_month` says whether the old plan named a month only. The new one names a day."""

    key: str
    at: datetime
    milestone_id: UUID
    title: Localized
    from_on: date
    to_on: date
    by_month: bool
    reason: str
    is_sample: bool = False


@dataclass(frozen=True)
class Drop:
    """A milestone that is not wanted any more."""

    key: str
    at: datetime
    title: Localized
    planned_on: date
    by_month: bool
    reason: str
    is_sample: bool = False


@dataclass(frozen=True)
class Override:
    """A decision taken without four eyes in an emergency, and the reason given: a step to `status`, the approval of
    `milestone`, the move of what was `moved`, or the release of the update for `period`. Of the four one is set."""

    key: str
    at: datetime
    reason: str
    status: Localized | None = None
    milestone: Localized | None = None
    moved: Localized | None = None
    period: str | None = None
    is_sample: bool = False


@dataclass(frozen=True)
class OpenMilestone:
    """A milestone that was open when the span ended. `forecast_on` comes from the last released update."""

    title: Localized
    planned_on: date
    by_month: bool
    forecast_on: date | None
    is_sample: bool = False


@dataclass(frozen=True)
class OpenObligation:
    """Something owed for a grant, with its last day."""

    title: Localized
    grant: Localized
    due_on: date
    is_sample: bool = False


@dataclass(frozen=True)
class MeasureFacts:
    """One measure: how it stood when the span ended, and what no digest has told yet.

    `release` is the last released update there is, told or not; `release_before` the last one told before.
    """

    id: UUID
    name: Text | Localized
    status: Standing | None
    release: Release | None
    release_before: Release | None
    status_changes: tuple[StatusChange, ...] = ()
    releases: tuple[Release, ...] = ()
    approvals: tuple[Approval, ...] = ()
    moves: tuple[Move, ...] = ()
    drops: tuple[Drop, ...] = ()
    overrides: tuple[Override, ...] = ()
    milestones: tuple[OpenMilestone, ...] = ()
    is_sample: bool = False

    @property
    def news(self) -> Iterator[StatusChange | Release | Approval | Move | Drop | Override]:
        """Every fact that is told for the first time."""
        for facts in (self.status_changes, self.releases, self.approvals, self.moves, self.drops, self.overrides):
            yield from facts


@dataclass(frozen=True)
class Facts:
    """Everything one digest is made of."""

    city: Localized | None
    programme: Localized
    programme_short: Localized
    funder: Localized
    zone: str
    span: Span
    measures: tuple[MeasureFacts, ...]
    obligations: tuple[OpenObligation, ...]

    @property
    def keys(self) -> frozenset[str]:
        """The names of the facts told for the first time: the next digest leaves them out."""
        return frozenset(fact.key for measure in self.measures for fact in measure.news)


_FACTS = TypeAdapter(Facts)


def to_json(facts: Facts) -> dict[str, Any]:
    """The facts as the archive keeps them."""
    return {**_FACTS.dump_python(facts, mode="json"), "keys": sorted(facts.keys)}


def from_json(stored: dict[str, Any]) -> Facts:
    """The facts of an archived digest."""
    return _FACTS.validate_python(stored)


def fingerprint(facts: Facts) -> str:
    """A short name of exactly these facts: what was previewed is what is sent."""
    canonical = json.dumps(to_json(facts), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
