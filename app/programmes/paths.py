"""Where measures can come in a workflow, and what they can have got by then. Pure.

People are taken to hold one role each: a step that nobody but a holder of two could take is one that stays undone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from typing import TypeVar

from app.programmes.access import changing_roles
from app.programmes.workflow import REPORTED_CATEGORIES, Status, Transition, Workflow

Place = TypeVar("Place", bound=Hashable)


def reached(workflow: Workflow) -> set[str]:
    """The statuses to which a way leads from the initial one."""
    return _walk([workflow.initial], lambda status: [way.target for way in workflow.from_status(status)])


def leading_to(workflow: Workflow, ends: Collection[str]) -> set[str]:
    """The statuses from which a way leads to one of the `ends`."""
    sources: dict[str, list[str]] = {}
    for transition in workflow.transitions.values():
        sources.setdefault(transition.target, []).append(transition.source)
    return _walk(ends, lambda status: sources.get(status, ()))


def reported(workflow: Workflow) -> set[str]:
    """The statuses in which there may be a progress update: of that status, or from before it."""
    here = {key for key, status in workflow.statuses.items() if status.category in REPORTED_CATEGORIES}
    waiting = {
        key
        for key, way in workflow.transitions.items()
        if any(guard.name == "progress_current" for guard in way.guards)
    }
    return _had(workflow, here, frozenset(), waiting)


def filled(workflow: Workflow) -> Mapping[str, set[str]]:
    """For each field, those of every measure among them, the statuses in which it may have got a value: on the page
    of the measure or from the form of a step, there or before."""
    asked = {
        key: frozenset(field for role in way.roles for field in workflow.asked(way, frozenset({role})))
        for key, way in workflow.transitions.items()
    }
    needed = {key: awaited(workflow, way) for key, way in workflow.transitions.items()}
    return {
        field: _had(
            workflow,
            {key for key, status in workflow.statuses.items() if _is_edited(status, field)},
            {key for key in asked if field in asked[key]},
            {key for key in needed if field in needed[key]},
        )
        for field in workflow.labels
    }


def _is_edited(status: Status, field: str) -> bool:
    return any(status.access(field, frozenset({role})).is_editable for role in changing_roles(field))


def awaited(workflow: Workflow, transition: Transition) -> frozenset[str]:
    """The fields that must be there before a step: each of its roles needs them, and none can fill them on it."""
    return frozenset.intersection(
        *(
            frozenset(workflow.needed(transition, one)) - frozenset(workflow.asked(transition, one))
            for one in (frozenset({role}) for role in transition.roles)
        )
    )


def _had(workflow: Workflow, here: Collection[str], giving: Collection[str], waiting: Collection[str]) -> set[str]:
    """The statuses in which a measure may have something that it gets in the statuses `here` and on the steps
    `giving`, while the steps `waiting` cannot be taken without it."""

    def ways(place: tuple[str, bool]) -> Iterator[tuple[str, bool]]:
        status, has = place
        for way in workflow.from_status(status):
            if has or way.key not in waiting:
                yield way.target, has or way.key in giving or way.target in here

    places = _walk([(workflow.initial, workflow.initial in here)], ways)
    return {status for status, has in places if has}


def _walk(starts: Iterable[Place], ways: Callable[[Place], Iterable[Place]]) -> set[Place]:
    """Every place to which some steps lead, the starts among them."""
    seen: set[Place] = set()
    waiting = list(starts)
    while waiting:
        place = waiting.pop()
        if place not in seen:
            seen.add(place)
            waiting.extend(ways(place))
    return seen
