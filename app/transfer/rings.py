"""Things that wait for each other in a ring, so that none of them could ever begin. Pure."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from typing import TypeVar

Thing = TypeVar("Thing", bound=Hashable)


def in_rings(before: Mapping[Thing, Collection[Thing]]) -> set[Thing]:
    """All that stand in a ring, where `before` names what each waits for; itself alone is no ring.

    Two walks, each over every thing and every link once (after Kosaraju): the first notes things when all behind
    them is done, the second goes the links backwards from the last noted one and meets exactly those around it.
    """
    after: dict[Thing, list[Thing]] = {}
    for thing, waited_for in before.items():
        for other in waited_for:
            after.setdefault(other, []).append(thing)
    ring: set[Thing] = set()
    met: set[Thing] = set()
    for start in reversed(_done_in_order(before)):
        group: list[Thing] = []
        waiting = [start]
        while waiting:
            thing = waiting.pop()
            if thing not in met:
                met.add(thing)
                group.append(thing)
                waiting.extend(after.get(thing, ()))
        if len(group) > 1:
            ring.update(group)
    return ring


def _done_in_order(before: Mapping[Thing, Collection[Thing]]) -> list[Thing]:
    """Every thing after all that can be reached from it, except around a ring."""
    done: list[Thing] = []
    met: set[Thing] = set()
    for start in before:
        waiting = [(start, False)]
        while waiting:
            thing, is_done = waiting.pop()
            if is_done:
                done.append(thing)
            elif thing not in met:
                met.add(thing)
                waiting.append((thing, True))
                waiting.extend((other, False) for other in before.get(thing, ()))
    return done
