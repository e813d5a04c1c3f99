"""Running measures move to a newer version of their workflow: what becomes of each, and what stands in the way. Pure.

A status that the new version has too is followed by itself, unless the mapping says otherwise. Nothing is guessed: a
status that nothing follows keeps every measure where it is. There is no way back but a new version.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from uuid import UUID

from app.core.localized import Localized
from app.core.text import Text, ntext, text
from app.programmes.access import MEASURE_FIELDS, Access
from app.programmes.workflow import AT_REST, CATEGORY_NAMES, Category, Status, Transition, Workflow

Versions = Mapping[int, Workflow]
"""The published versions of one programme's workflow, by number."""

Mapped = Sequence[tuple[str, str]]
"""What was typed: the key of an old status and of the one that follows it. The order means nothing."""


class Outcome(StrEnum):
    """What becomes of a measure."""

    MOVES = "moves"
    STAYS = "stays"
    STUCK = "stuck"


@dataclass(frozen=True)
class Standing:
    """Where a measure stands: its version, its status (None where it is not known), the fields with a value."""

    measure_id: UUID
    version: int
    status: str | None
    filled: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Fate:
    """What becomes of one measure. `before` and `after` are None where the status is not known; a measure that is
    stuck has no `after`, and one that stays keeps what it has.
    """

    measure_id: UUID
    outcome: Outcome
    from_version: int
    to_version: int
    before: Status | None
    after: Status | None
    remarks: tuple[Text, ...] = ()

    @property
    def changes_status(self) -> bool:
        """Whether it comes to stand in another status, not only in other words for its own."""
        return self.before is not None and self.after is not None and self.before.key != self.after.key

    @property
    def changes_words(self) -> bool:
        """Whether its status is another one or is called something else from now on."""
        if self.before is None or self.after is None:
            return False
        return (self.before.key, self.before.label, self.before.told) != (
            self.after.key,
            self.after.label,
            self.after.told,
        )


@dataclass(frozen=True)
class Obstacle:
    """Why nobody moves, and the way out. `status` is the old status it is about, where there is one."""

    message: Text
    status: str | None = None


@dataclass(frozen=True)
class Plan:
    """The fate of every measure, in the order they came in, and all that stands in the way."""

    target: int
    fates: tuple[Fate, ...]
    obstacles: tuple[Obstacle, ...]

    @property
    def is_blocked(self) -> bool:
        """Whether nothing may be moved."""
        return bool(self.obstacles)

    @property
    def is_settled(self) -> bool:
        """Whether every measure follows the target already."""
        return all(fate.outcome is Outcome.STAYS for fate in self.fates)

    @property
    def moving(self) -> tuple[Fate, ...]:
        """The fates of those that move."""
        return tuple(fate for fate in self.fates if fate.outcome is Outcome.MOVES)


@dataclass(frozen=True)
class InUse:
    """An old status in which measures stand that are to move, with what follows it unless somebody says otherwise."""

    key: str
    label: Localized
    measures: int
    follower: str | None


def in_use(versions: Versions, target: int, standings: Sequence[Standing]) -> tuple[InUse, ...]:
    """The statuses for which a follower is needed, as the newest version that has them calls and orders them."""
    counts = Counter(one.status for one in standings if one.version < target and one.status)
    known = _old_statuses(versions, target)
    followers = versions[target].statuses
    return tuple(
        InUse(key, status.label, counts[key], key if key in followers else None)
        for key, status in known.items()
        if key in counts
    )


def _old_statuses(versions: Versions, target: int) -> Mapping[str, Status]:
    """The statuses of all versions before the target, the newest first."""
    known: dict[str, Status] = {}
    for version in sorted((version for version in versions if version < target), reverse=True):
        for key, status in versions[version].statuses.items():
            known.setdefault(key, status)
    return known


def plan(versions: Versions, target: int, standings: Sequence[Standing], mapped: Mapped = ()) -> Plan:
    """What becomes of measures that are to follow version `target`, which must be one of `versions`."""
    obstacles, unclear = _judge(versions, target, mapped)
    said = {key: key for key in versions[target].statuses} | dict(mapped)
    followers = {key: follower for key, follower in said.items() if key not in unclear}
    fates = tuple(_fate(versions, target, one, followers) for one in standings)
    obstacles += [
        _without_follower(one, target) for one in in_use(versions, target, standings) if one.key not in said
    ]
    obstacles += _ahead(target, standings)
    return Plan(target, fates, tuple(obstacles))


def _judge(versions: Versions, target: int, mapped: Mapped) -> tuple[list[Obstacle], set[str]]:
    """What is wrong with the mapping itself, and the old statuses of which it therefore says nothing."""
    old, new = _old_statuses(versions, target), versions[target].statuses
    found: list[Obstacle] = []
    unclear: set[str] = set()
    for key in sorted({key for key, _follower in mapped}):
        named = sorted({follower for one, follower in mapped if one == key})
        wrong: list[Text] = [_unknown_new(follower, new, target) for follower in named if follower not in new]
        if key not in old:
            wrong.append(_unknown_old(key, old, target))
        if len(named) > 1:
            wrong.append(
                text(
                    "Auf den Status „%(status)s“ sollen mehrere folgen: %(followers)s. Nennen Sie einen davon.",
                    status=key,
                    followers=tuple(named),
                )
            )
        if wrong:
            unclear.add(key)
            found += [Obstacle(message, key) for message in wrong]
    return found, unclear


def _unknown_old(key: str, old: Mapping[str, Status], target: int) -> Text:
    close = get_close_matches(key, list(old), 1)
    if close:
        return text(
            "Den Status „%(status)s“ gibt es in keiner Version vor %(version)s; meinten Sie „%(close)s“?",
            status=key,
            version=target,
            close=close[0],
        )
    return text("Den Status „%(status)s“ gibt es in keiner Version vor %(version)s.", status=key, version=target)


def _unknown_new(key: str, new: Mapping[str, Status], target: int) -> Text:
    close = get_close_matches(key, list(new), 1)
    if close:
        return text(
            "Den Status „%(status)s“ gibt es in Version %(version)s nicht; meinten Sie „%(close)s“?",
            status=key,
            version=target,
            close=close[0],
        )
    return text(
        "Den Status „%(status)s“ gibt es in Version %(version)s nicht. Möglich sind: %(known)s.",
        status=key,
        version=target,
        known=tuple(new),
    )


def _without_follower(one: InUse, target: int) -> Obstacle:
    message = ntext(
        "%(n)s Maßnahme steht in „%(label)s“ (%(status)s), und diesen Status gibt es in Version %(version)s nicht. "
        "Legen Sie fest, welcher Status auf ihn folgt.",
        "%(n)s Maßnahmen stehen in „%(label)s“ (%(status)s), und diesen Status gibt es in Version %(version)s nicht. "
        "Legen Sie fest, welcher Status auf ihn folgt.",
        one.measures,
        label=one.label,
        status=one.key,
        version=target,
    )
    return Obstacle(message, one.key)


def _ahead(target: int, standings: Sequence[Standing]) -> Iterator[Obstacle]:
    counts = Counter(one.version for one in standings if one.version > target)
    for version, n in sorted(counts.items()):
        yield Obstacle(
            ntext(
                "%(n)s Maßnahme folgt schon der neueren Version %(newer)s. "
                "Zurück geht es nur mit einer neuen Version.",
                "%(n)s Maßnahmen folgen schon der neueren Version %(newer)s. "
                "Zurück geht es nur mit einer neuen Version.",
                n,
                newer=version,
            )
        )


def _fate(versions: Versions, target: int, one: Standing, followers: Mapping[str, str]) -> Fate:
    before = versions[one.version].statuses[one.status] if one.status else None
    if one.version == target:
        return Fate(one.measure_id, Outcome.STAYS, target, target, before, before)
    is_stuck = one.version > target or (before is not None and before.key not in followers)
    if is_stuck:
        return Fate(one.measure_id, Outcome.STUCK, one.version, one.version, before, None)
    after = versions[target].statuses[followers[before.key]] if before else None
    remarks = tuple(_remarks(versions[one.version], versions[target], one, before, after))
    return Fate(one.measure_id, Outcome.MOVES, one.version, target, before, after, remarks)


# -- what a measure's people should know


def _remarks(
    old: Workflow, new: Workflow, one: Standing, before: Status | None, after: Status | None
) -> Iterator[Text]:
    if before is not None and after is not None:
        yield from _meaning(before.category, after.category)
        if (before.label, before.category) != (after.label, after.category):
            yield text("Der Status wechselt ohne Schritt: Bedingungen und Vier-Augen-Prinzip werden übergangen.")
        yield from _steps(old, new, before.key, after.key)
        yield from _to_fill(new, one, after)
    yield from _left_over(old, new, one)


def _meaning(before: Category, after: Category) -> Iterator[Text]:
    if before is after:
        return
    names = {"before": CATEGORY_NAMES[before], "after": CATEGORY_NAMES[after]}
    if before not in AT_REST and after in AT_REST:
        yield text("Bedeutung %(before)s → %(after)s: Die Erinnerungen enden.", **names)
    elif before in AT_REST and after not in AT_REST:
        yield text("Bedeutung %(before)s → %(after)s: Die Erinnerungen setzen ein.", **names)
    else:
        yield text("Bedeutung %(before)s → %(after)s.", **names)


def _steps(old: Workflow, new: Workflow, before: str, after: str) -> Iterator[Text]:
    """What ends and what begins; a step that goes on under another key but the same name is neither."""
    was, possible = old.from_status(before), new.from_status(after)
    gone = _only_in(was, possible)
    if gone and not possible:
        yield text("Von dort führt kein Schritt weiter.")
    elif gone:
        yield text("Nicht mehr möglich: %(steps)s.", steps=gone)
    if begins := _only_in(possible, was):
        yield text("Neu möglich: %(steps)s.", steps=begins)


def _only_in(ours: Sequence[Transition], others: Sequence[Transition]) -> tuple[Localized, ...]:
    known = {step.key for step in others} | {step.label.de for step in others}
    return tuple(step.label for step in ours if not known & {step.key, step.label.de})


def _to_fill(new: Workflow, one: Standing, after: Status) -> Iterator[Text]:
    needed = dict.fromkeys(rule.field for rule in after.field_rules if rule.access is Access.REQUIRED)
    empty = tuple(new.labels[key] for key in needed if key not in one.filled)
    if empty:
        yield text("Noch auszufüllen: %(fields)s.", fields=empty)


def _left_over(old: Workflow, new: Workflow, one: Standing) -> Iterator[Text]:
    unknown = sorted(one.filled - set(MEASURE_FIELDS) - set(new.fields))
    if unknown:
        labels = tuple(old.labels.get(key, key) for key in unknown)
        yield text("Bleibt gespeichert, gehört aber nicht mehr zum Ablauf: %(fields)s.", fields=labels)


def fingerprint(plan: Plan) -> str:
    """A short name of exactly this plan: what was shown is what is done."""
    told = [
        [
            str(fate.measure_id),
            fate.outcome,
            fate.from_version,
            fate.to_version,
            fate.before.key if fate.before else None,
            fate.after.key if fate.after else None,
            [str(remark) for remark in fate.remarks],
        ]
        for fate in sorted(plan.fates, key=lambda fate: fate.measure_id)
    ]
    return hashlib.sha256(json.dumps([plan.target, told], ensure_ascii=False).encode()).hexdigest()
