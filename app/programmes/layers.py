"""Where the statuses of a workflow stand in its drawing: rows from top to bottom, columns from left to right. Pure.

The row of a status is the longest way to it from the initial one, not counting the steps that lead back. The main
line, towards the end a measure is made for, keeps the first column to itself; what leaves it stands to the right.
What cannot be reached, as in a draft, stands in rows of its own below.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from app.programmes.workflow import Category, Status, Transition, Workflow

Place = tuple[int, int]
"""Row and column, both from 0."""

ASIDE: Mapping[Category, int] = {Category.PAUSED: 1, Category.STOPPED: 2}
"""Statuses of these categories are no part of the main line, and stand further to the right."""
ENDS = (Category.SETTLED, Category.DONE)
"""Where a main line leads, best first."""
UNREACHABLE_IN_A_ROW = 4


@dataclass(frozen=True)
class Grid:
    """The place of every status. `main_line` are keys in order; `unreachable` those without a way to them."""

    places: Mapping[str, Place]
    main_line: tuple[str, ...]
    unreachable: frozenset[str]

    @cached_property
    def keys(self) -> Mapping[Place, str]:
        """Which status stands at a place."""
        return {place: key for key, place in self.places.items()}

    @cached_property
    def rows(self) -> int:
        """How many rows there are."""
        return max(row for row, _ in self.places.values()) + 1

    @cached_property
    def columns(self) -> int:
        """How many columns there are."""
        return max(column for _, column in self.places.values()) + 1

    def is_free(self, column: int, first: int, last: int) -> bool:
        """Whether no status stands in a column from one row to another, both counted."""
        return not any((row, column) in self.keys for row in range(first, last + 1))

    def above(self, key: str) -> str | None:
        """The next status above in the same column."""
        row, column = self.places[key]
        return next((self.keys[(up, column)] for up in range(row - 1, -1, -1) if (up, column) in self.keys), None)

    def is_main(self, transition: Transition) -> bool:
        """Whether a step goes along the main line."""
        return (transition.source, transition.target) in pairwise(self.main_line)


def known_steps(workflow: Workflow) -> tuple[Transition, ...]:
    """The steps of which both ends exist, in the order of the definition."""
    statuses = workflow.statuses
    return tuple(one for one in workflow.transitions.values() if one.source in statuses and one.target in statuses)


def arrange(workflow: Workflow) -> Grid:
    """Gives every status its place. There is at least one status."""
    start = workflow.initial if workflow.initial in workflow.statuses else next(iter(workflow.statuses))
    ways: dict[str, list[str]] = {key: [] for key in workflow.statuses}
    for step in known_steps(workflow):
        ways[step.source].append(step.target)
    order, forward = _forward(start, ways)
    ranks = _ranks(order, forward)
    main_line = _main_line(workflow, order, forward)
    columns = _columns(workflow, ranks, forward, main_line)
    places = {key: (ranks[key], columns[key]) for key in order}
    unreachable = [key for key in workflow.statuses if key not in ranks]
    most = max(UNREACHABLE_IN_A_ROW, max(columns.values()) + 1)
    first = max(ranks.values()) + 1
    places |= {key: (first + index // most, index % most) for index, key in enumerate(unreachable)}
    return Grid(places, main_line, frozenset(unreachable))


def _forward(start: str, ways: Mapping[str, Sequence[str]]) -> tuple[list[str], dict[str, list[str]]]:
    """The reachable statuses, each after all that lead to it, and the ways between them that do not lead back.

    A way back leads to a status that the search, depth first in the order of the definition, has not finished.
    """
    forward: dict[str, list[str]] = {start: []}
    finished: list[str] = []
    unfinished = {start}
    path = [(start, iter(ways[start]))]
    while path:
        key, rest = path[-1]
        target = next(rest, None)
        if target is None:
            path.pop()
            unfinished.discard(key)
            finished.append(key)
        elif target not in unfinished:
            forward[key].append(target)
            if target not in forward:
                forward[target] = []
                unfinished.add(target)
                path.append((target, iter(ways[target])))
    return finished[::-1], forward


def _ranks(order: Sequence[str], forward: Mapping[str, Sequence[str]]) -> dict[str, int]:
    ranks = dict.fromkeys(order, 0)
    for key in order:
        for target in forward[key]:
            ranks[target] = max(ranks[target], ranks[key] + 1)
    return ranks


def _main_line(workflow: Workflow, order: Sequence[str], forward: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The longest way to the best end that passes neither pause nor stop."""
    longest: dict[str, tuple[str, ...]] = {order[0]: (order[0],)}
    for key in order:
        for target in forward[key] if key in longest else ():
            way = (*longest[key], target)
            if workflow.statuses[target].category not in ASIDE and len(way) > len(longest.get(target, ())):
                longest[target] = way
    positions = list(workflow.statuses)
    best = min(
        longest,
        key=lambda key: (_end(workflow.statuses[key]), -len(longest[key]), positions.index(key)),
    )
    return longest[best]


def _end(status: Status) -> tuple[bool, int]:
    return (not status.final, ENDS.index(status.category) if status.category in ENDS else len(ENDS))


def _columns(
    workflow: Workflow,
    ranks: Mapping[str, int],
    forward: Mapping[str, Sequence[str]],
    main_line: Sequence[str],
) -> dict[str, int]:
    """The main line in the first column; the others below those they come from where there is room."""
    columns = dict.fromkeys(main_line, 0)
    rows: list[list[str]] = [[] for _ in range(max(ranks.values()) + 1)]
    for key in workflow.statuses:
        if key in ranks and key not in columns:
            rows[ranks[key]].append(key)
    most = max(map(len, rows))
    for row in rows:
        middle = {
            key: sum(near) / len(near)
            for key in row
            if (near := [columns[one] for one in columns if key in forward[one]])
        }
        row.sort(key=lambda key: (ASIDE.get(workflow.statuses[key].category, 0), middle[key]))
        column = 0
        for index, key in enumerate(row):
            column = min(max(column + 1, int(middle[key])), most - (len(row) - 1 - index))
            columns[key] = column
    return columns
