"""Which way the steps of a workflow take through its drawing. Pure.

Every step leaves its status below, by a port of its own, and enters the next one from above, at an entry of its own.
In between it goes straight down where nothing stands in the way, else through the gaps between the rows, and over a
lane beside the columns where it passes rows or leads back. Ports and entries are counted from the middle of their
column.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.programmes.layers import Grid
from app.programmes.workflow import Transition

ENTRY_DISTANCE = 18
"""Between two lines that come down side by side."""
EDGE = 16
"""From the outermost line to the corner of a box."""


class Course(StrEnum):
    """How a step gets from its status to the next."""

    STRAIGHT = "straight"
    """Down in one line."""
    DROP = "drop"
    """Across below its own row, then down."""
    FALL = "fall"
    """Down, then across above the row of its target."""
    LANE = "lane"
    """Across, along a lane between the columns, and across again."""


@dataclass(frozen=True)
class Route:
    """The way of one step. `gutter` n lies left of column n; only a lane has one."""

    step: Transition
    course: Course
    start: tuple[int, int]
    end: tuple[int, int]
    gutter: int | None = None

    @property
    def leads_back(self) -> bool:
        """Whether it leads to a row that is not below its own."""
        return self.end[0] <= self.start[0]

    @property
    def gap_below(self) -> int:
        """The gap it leaves by; gap n lies above row n."""
        return self.start[0] + 1

    @property
    def gap_above(self) -> int:
        """The gap it enters by."""
        return self.end[0]

    @property
    def last_gap(self) -> int:
        """The gap in which it crosses over to its target."""
        return self.gap_below if self.course is Course.DROP else self.gap_above

    @property
    def leaves_towards(self) -> float:
        """Where it goes first, in columns: a gutter lies half a column beside."""
        return self.end[1] if self.gutter is None else self.gutter - 0.5

    @property
    def comes_from(self) -> float:
        """Where it comes from last, in columns."""
        return self.start[1] if self.gutter is None else self.gutter - 0.5


def choose(grid: Grid, steps: Iterable[Transition]) -> tuple[Route, ...]:
    """The way of every step."""
    return tuple(_route(grid, step) for step in steps)


def _route(grid: Grid, step: Transition) -> Route:
    start, end = grid.places[step.source], grid.places[step.target]
    (row, column), (target_row, target_column) = start, end
    if target_row > row:
        if grid.is_free(target_column, row + 1, target_row - 1):
            course = Course.STRAIGHT if column == target_column else Course.DROP
            return Route(step, course, start, end)
        if grid.is_free(column, row + 1, target_row - 1):
            return Route(step, Course.FALL, start, end)
    return Route(step, Course.LANE, start, end, _gutter(grid, start, end))


def _gutter(grid: Grid, start: tuple[int, int], end: tuple[int, int]) -> int:
    """The nearest one; of two equally near the left one for a way back, the right one for a way ahead."""

    def distance(gutter: int) -> float:
        return abs(gutter - 0.5 - start[1]) + abs(gutter - 0.5 - end[1])

    sign = 1 if end[0] <= start[0] else -1
    return min(range(grid.columns + 1), key=lambda gutter: (distance(gutter), sign * gutter))


@dataclass(frozen=True)
class Ends:
    """Where the steps leave and enter, from the middle of the column, and how wide half a status must be."""

    ports: Mapping[str, int]
    entries: Mapping[str, int]
    half_widths: Mapping[str, int]


def place_ends(grid: Grid, routes: Sequence[Route], port_distance: int, initial: str | None, half_width: int) -> Ends:
    """Gives every step its port and its entry. The line of the initial status comes down in its middle."""
    leaving, coming = _by_end(routes)
    ports: dict[str, int] = {}
    for key in grid.places:
        ports |= _ports(leaving.get(key, []), port_distance, half_width)
    entries: dict[str, int] = {}
    half_widths: dict[str, int] = {}
    for key in grid.places:
        passing = [ports[route.step.key] for route in leaving.get(grid.above(key), [])]
        came = _entries(coming.get(key, []), ports, passing, is_initial=key == initial)
        entries |= came
        left = [ports[route.step.key] for route in leaving.get(key, [])]
        outermost = max((abs(x) for x in (*left, *came.values())), default=0)
        half_widths[key] = max(half_width, outermost + EDGE)
    return Ends(ports, entries, half_widths)


def _by_end(routes: Iterable[Route]) -> tuple[dict[str | None, list[Route]], dict[str | None, list[Route]]]:
    leaving: dict[str | None, list[Route]] = {}
    coming: dict[str | None, list[Route]] = {}
    for route in routes:
        leaving.setdefault(route.step.source, []).append(route)
        coming.setdefault(route.step.target, []).append(route)
    return leaving, coming


def _ports(routes: Sequence[Route], distance: int, half_width: int) -> dict[str, int]:
    """What goes left leaves left, what goes right leaves right, and what goes straight down in the middle."""
    column = routes[0].start[1] if routes else 0
    left = sorted((route for route in routes if _side(route) < 0), key=_from_the_left)
    middle = [route for route in routes if _side(route) == 0]
    right = sorted((route for route in routes if _side(route) > 0), key=lambda one: _from_the_right(one, column))
    ordered = [*left, *middle, *right]
    first = -(len(ordered) - 1) * distance // 2
    if middle:
        centred = -(len(middle) - 1) * distance // 2 - len(left) * distance
        last = centred + (len(ordered) - 1) * distance
        if max(-centred, last) + EDGE <= half_width:
            first = centred
    return {route.step.key: first + index * distance for index, route in enumerate(ordered)}


def _side(route: Route) -> float:
    return 0 if route.course is Course.STRAIGHT else route.leaves_towards - route.start[1]


def _from_the_left(route: Route) -> tuple[bool, bool, float]:
    """Outermost what turns up again, innermost what goes down further, so that they do not cross."""
    return (route.course is Course.FALL, not route.leads_back, route.leaves_towards)


def _from_the_right(route: Route, column: int) -> tuple[bool, bool, float]:
    return (route.course is not Course.FALL, route.leads_back, route.leaves_towards - column)


def _entries(
    routes: Sequence[Route], ports: Mapping[str, int], passing: Sequence[int], *, is_initial: bool
) -> dict[str, int]:
    """Straight ones where they left; beside them the others, each as near to the middle as there is room.

    What comes down from further above stands nearer to the middle, so that what crosses over below does not cross it.
    """
    entries = {route.step.key: ports[route.step.key] for route in routes if route.course is Course.STRAIGHT}
    others = [route for route in routes if route.course is not Course.STRAIGHT]
    left = [route for route in others if route.comes_from < route.end[1]]
    right = [route for route in others if route.comes_from >= route.end[1]]
    left.sort(key=lambda route: (route.last_gap, -route.comes_from, -ports[route.step.key]))
    right.sort(key=lambda route: (route.last_gap, route.comes_from, ports[route.step.key]))
    taken = [*passing, *entries.values()] + ([0] if is_initial else [])
    first = ENTRY_DISTANCE if entries or is_initial or (left and right) else 0
    for group, sign in ((left, -1), (right, 1)):
        x = sign * first if first else -sign * (len(group) - 1) * ENTRY_DISTANCE // 2
        for route in group:
            while any(abs(x - other) < ENTRY_DISTANCE for other in taken):
                x += sign
            entries[route.step.key] = x
            taken.append(x)
    return entries


@dataclass(frozen=True)
class Span:
    """A piece of a line across a gap or along a gutter, from `low` to `high`, with the ends that leave it upwards
    (or leftwards) and downwards (or rightwards)."""

    key: tuple[str, str]
    low: float
    high: float
    up: tuple[float, ...] = ()
    down: tuple[float, ...] = ()

    def meets(self, other: Span, distance: float) -> bool:
        """Whether both need a track of their own."""
        return self.low - distance < other.high and other.low - distance < self.high


def tracks(spans: Sequence[Span], distance: float) -> dict[tuple[str, str], int]:
    """The track of every span, from 0: spans that meet have different ones, ordered so that few lines cross."""
    score = [0] * len(spans)
    for one in range(len(spans)):
        for other in range(one + 1, len(spans)):
            if spans[one].meets(spans[other], distance):
                saved = _crossings(spans[other], spans[one]) - _crossings(spans[one], spans[other])
                score[one] += (saved > 0) - (saved < 0)
                score[other] -= (saved > 0) - (saved < 0)
    chosen: list[tuple[Span, int]] = []
    for index in sorted(range(len(spans)), key=lambda index: (-score[index], index)):
        span = spans[index]
        chosen.append((span, max((track + 1 for other, track in chosen if span.meets(other, distance)), default=0)))
    return {span.key: track for span, track in chosen}


def _crossings(upper: Span, lower: Span) -> int:
    """How many lines cross when the first runs above the second."""
    return sum(lower.low < x < lower.high for x in upper.down) + sum(upper.low < x < upper.high for x in lower.up)
