"""The names of steps beside their lines, wherever there is room for them. Pure.

A drawing is read by its numbers. A name is drawn beside a number only where it covers nothing: no box, no line, no
badge and no other name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from app.programmes.lettering import width, wrapped

SIZE = 14
LINE_HEIGHT = 17
ROOM = 150
DISTANCE = 5
"""From the words to whatever is beside them."""
MOST = 60
"""A drawing with more steps than this is crowded, and is read by its numbers alone."""


@dataclass(frozen=True)
class Extent:
    """A rectangle by its edges."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Extent) -> bool:
        """Whether both have a place in common."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def grown(self, by: float) -> Extent:
        """The same, wider on all sides."""
        return Extent(self.left - by, self.top - by, self.right + by, self.bottom + by)

    def holds(self, other: Extent) -> bool:
        """Whether the other lies inside."""
        return (
            self.left <= other.left
            and other.right <= self.right
            and self.top <= other.top
            and other.bottom <= self.bottom
        )


@dataclass(frozen=True)
class Caption:
    """The name of a step, in one line or two. `x` is where the lines start or end; `y` the first baseline."""

    lines: tuple[str, ...]
    x: float
    y: float
    anchor: Literal["start", "end"]
    extent: Extent


Named = tuple[str, Sequence[tuple[int, int]], Extent]
"""The name of a step, the points of its line, and its badge."""


def placed(steps: Sequence[Named], boxes: Sequence[Extent], page: Extent) -> tuple[Caption | None, ...]:
    """A caption for every step that has room for one."""
    if len(steps) > MOST:
        return (None,) * len(steps)
    taken = [*boxes, *(badge for _, _, badge in steps)]
    taken += [_around(one, other) for _, points, _ in steps for one, other in pairwise(points)]
    captions = []
    for label, points, badge in steps:
        candidates = _candidates(label, points, badge)
        caption = next((one for one in candidates if page.holds(one.extent) and _is_free(one.extent, taken)), None)
        if caption:
            taken.append(caption.extent)
        captions.append(caption)
    return tuple(captions)


def _is_free(extent: Extent, taken: Sequence[Extent]) -> bool:
    wanted = extent.grown(DISTANCE - 1)
    return not any(wanted.meets(other) for other in taken)


def _around(one: tuple[int, int], other: tuple[int, int]) -> Extent:
    return Extent(min(one[0], other[0]), min(one[1], other[1]), max(one[0], other[0]), max(one[1], other[1]))


def _candidates(label: str, points: Sequence[tuple[int, int]], badge: Extent) -> Iterator[Caption]:
    """Beside the badge, along the line where it runs across, beside it where it runs down; in one line or two."""
    in_one = wrapped(label, SIZE, 2 * ROOM, 1)
    in_two = wrapped(label, SIZE, ROOM, 2)
    narrow = wrapped(label, SIZE, ROOM * 2 / 3, 2)
    middle = (badge.top + badge.bottom) / 2
    yield _caption(in_one, badge.right + DISTANCE + 1, middle, "start")
    for lines in dict.fromkeys((in_one, in_two, narrow)):
        yield _caption(lines, badge.left - DISTANCE - 1, middle, "end")
    for lines in dict.fromkeys((in_one, in_two)):
        yield from _across(lines, points)
        yield from _down(lines, points)
    yield _caption(in_two, badge.right + DISTANCE + 1, middle, "start")


def _across(lines: tuple[str, ...], points: Sequence[tuple[int, int]]) -> Iterator[Caption]:
    """Above the pieces that run across, at the end that lies nearer to where they come from, then at the other."""
    height = len(lines) * LINE_HEIGHT
    for one, other in pairwise(points):
        if one[1] == other[1]:
            middle = one[1] - height / 2 - DISTANCE + 1
            low, high = min(one[0], other[0]) + 2 * DISTANCE, max(one[0], other[0]) - 2 * DISTANCE
            start, end = _caption(lines, low, middle, "start"), _caption(lines, high, middle, "end")
            yield from (start, end) if one[0] < other[0] else (end, start)


def _down(lines: tuple[str, ...], points: Sequence[tuple[int, int]]) -> Iterator[Caption]:
    """Beside the pieces that run down: near their upper end, in the middle, near their lower end."""
    height = len(lines) * LINE_HEIGHT
    for one, other in pairwise(points):
        if one[0] == other[0] and one[1] < other[1]:
            upper, lower = one[1] + DISTANCE + height / 2, other[1] - 3 * DISTANCE - height / 2
            for middle in (upper, (one[1] + other[1]) / 2, lower):
                yield _caption(lines, one[0] + 2 * DISTANCE, middle, "start")
                yield _caption(lines, one[0] - 2 * DISTANCE, middle, "end")


def _caption(lines: tuple[str, ...], x: float, middle: float, anchor: Literal["start", "end"]) -> Caption:
    long = max(width(line, SIZE) for line in lines)
    left = x if anchor == "start" else x - long
    top = middle - len(lines) * LINE_HEIGHT / 2
    extent = Extent(left, top, left + long, top + len(lines) * LINE_HEIGHT)
    return Caption(lines, x, top + LINE_HEIGHT * 0.76, anchor, extent)
