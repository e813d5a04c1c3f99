"""The drawing of a workflow: boxes, lines and badges in plain coordinates, from the left and from the top. Pure.

The same workflow always gives the same drawing. Boxes never overlap, no line crosses a box, and every step carries
a number that the table beside the drawing repeats. `layers` says where a status stands, `routing` which way a step
goes, `dimensions` how large everything is, `captions` where names have room.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil, floor

from app.core.localized import Localized
from app.core.text import Text, text
from app.organisations.permissions import ROLE_NAMES, Role
from app.programmes import layers
from app.programmes.captions import Caption, Extent, placed
from app.programmes.dimensions import DOT_ZONE, LINE_HEIGHT, MARGIN, Plan, Say
from app.programmes.guards import GUARDS, Guard, title
from app.programmes.routing import Course, Route
from app.programmes.workflow import CATEGORY_NAMES, Category, Status, Transition, Workflow

Point = tuple[int, int]

BADGE_HEIGHT = 24
BADGE_DISTANCE = 11
BEND = 8
ARROW = 9
CAPTION_ROOM = 160
"""How far captions may reach beyond the boxes and lines on either side."""


@dataclass(frozen=True)
class Badge:
    """The number of a step, by the middle of its badge."""

    x: int
    y: int
    width: int
    height: int = BADGE_HEIGHT

    @property
    def extent(self) -> Extent:
        """What it covers."""
        return Extent(
            self.x - self.width / 2, self.y - self.height / 2, self.x + self.width / 2, self.y + self.height / 2
        )


@dataclass(frozen=True)
class Step:
    """A transition as it is drawn. `points` lead from the lower edge of one box to the upper edge of another."""

    number: int
    transition: Transition
    target: Status
    points: tuple[Point, ...]
    badge: Badge
    is_main: bool
    leads_back: bool
    caption: Caption | None = None

    @cached_property
    def path(self) -> str:
        """The line up to its arrowhead, with round corners, in the language of SVG."""
        points = (*self.points[:-1], (self.points[-1][0], self.points[-1][1] - ARROW))
        pieces = [f"M{points[0][0]} {points[0][1]}"]
        for before, corner, after in zip(points, points[1:], points[2:], strict=False):
            near, far = _towards(corner, before), _towards(corner, after)
            pieces.append(f"L{near[0]:g} {near[1]:g}Q{corner[0]} {corner[1]} {far[0]:g} {far[1]:g}")
        pieces.append(f"L{points[-1][0]} {points[-1][1]}")
        return "".join(pieces)

    @property
    def arrow(self) -> str:
        """The arrowhead, in the language of SVG."""
        x, y = self.points[-1]
        return f"M{x} {y}l-5.5 -{ARROW + 1}h11z"


def _towards(corner: Point, other: Point) -> tuple[float, float]:
    """The place where the round corner begins."""
    length = abs(other[0] - corner[0]) + abs(other[1] - corner[1])
    share = min(BEND, length / 2) / length if length else 0
    return corner[0] + (other[0] - corner[0]) * share, corner[1] + (other[1] - corner[1]) * share


@dataclass(frozen=True)
class Box:
    """A status as it is drawn, with the steps that leave it, from left to right."""

    status: Status
    x: int
    y: int
    width: int
    height: int
    lines: tuple[str, ...]
    is_initial: bool
    is_main: bool
    is_reachable: bool
    steps: tuple[Step, ...]

    @property
    def extent(self) -> Extent:
        """What it covers."""
        return Extent(self.x, self.y, self.x + self.width, self.y + self.height)

    @property
    def first_baseline(self) -> float:
        """Where the first line of the label stands, the whole in the middle of the box."""
        return self.y + (self.height - len(self.lines) * LINE_HEIGHT) / 2 + LINE_HEIGHT * 0.74

    @property
    def category_name(self) -> Text:
        """What the status means, whatever the funder calls it."""
        return CATEGORY_NAMES[self.status.category]


@dataclass(frozen=True)
class Diagram:
    """A whole workflow. `boxes` stand in the order of reading; `left_out` are steps of which an end is unknown.

    The drawing begins at `left`, which may lie below zero, and at zero above.
    """

    left: int
    width: int
    height: int
    boxes: tuple[Box, ...]
    dot: tuple[Point, Point] | None
    left_out: tuple[Transition, ...]

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """Every step that is drawn, by its number."""
        return tuple(step for box in self.boxes for step in box.steps)

    @property
    def categories(self) -> tuple[tuple[Category, Text], ...]:
        """The categories that are drawn, with their names, in the order of a measure's life."""
        used = {box.status.category for box in self.boxes}
        return tuple((category, name) for category, name in CATEGORY_NAMES.items() if category in used)


def draw(workflow: Workflow, say: Say = str, *, is_public: bool = False) -> Diagram:
    """Draws a workflow, sound or not. `say` gives a label in the reader's language; the public sees public labels."""
    known = layers.known_steps(workflow)
    left_out = tuple(one for one in workflow.transitions.values() if one not in known)
    if not workflow.statuses:
        return Diagram(0, 0, 0, (), None, left_out)
    plan = Plan.of(workflow, known, say, is_public)
    steps = _numbered(workflow, plan, say)
    boxes = tuple(_box(workflow, plan, key, steps) for key in plan.in_order)
    dot = None
    if plan.initial:
        x, (row, _) = plan.x(plan.initial), plan.grid.places[plan.initial]
        dot = ((x, plan.gap_tops[row] + DOT_ZONE // 2), (x, plan.row_tops[row]))
    captions = [step.caption.extent for step in steps if step.caption]
    left = min([0, *(floor(extent.left) - MARGIN for extent in captions)])
    right = max([plan.width, *(ceil(extent.right) + MARGIN for extent in captions)])
    return Diagram(left, right - left, plan.height, boxes, dot, left_out)


# -- what is drawn


def _numbered(workflow: Workflow, plan: Plan, say: Say) -> tuple[Step, ...]:
    """The steps in the order of reading, with their numbers and, where there is room, their labels."""
    ordered = sorted(plan.routes, key=lambda route: (route.start, plan.port(route)))
    steps = [_step(workflow, plan, route, number) for number, route in enumerate(ordered, start=1)]
    boxes = [_extent(plan, key) for key in plan.in_order]
    captions = placed(
        [(say(step.transition.label), step.points, step.badge.extent) for step in steps],
        boxes,
        Extent(-CAPTION_ROOM, 0, plan.width + CAPTION_ROOM, plan.height),
    )
    return tuple(replace(step, caption=caption) for step, caption in zip(steps, captions, strict=True))


def _step(workflow: Workflow, plan: Plan, route: Route, number: int) -> Step:
    port, bottom = plan.port(route), plan.bottom(route.step.source)
    return Step(
        number=number,
        transition=route.step,
        target=workflow.statuses[route.step.target],
        points=tuple(_points(plan, route)),
        badge=Badge(port, bottom + BADGE_DISTANCE + BADGE_HEIGHT // 2, plan.badge_width),
        is_main=plan.grid.is_main(route.step),
        leads_back=route.leads_back and route.step.source not in plan.grid.unreachable,
    )


def _points(plan: Plan, route: Route) -> Iterator[Point]:
    port, entry = plan.port(route), plan.entry(route)
    yield port, plan.bottom(route.step.source)
    if route.course is Course.LANE:
        lane = plan.lanes[route.step.key]
        leaves = plan.track(route, route.gap_below, "leaves")
        enters = plan.track(route, route.gap_above, "enters")
        yield from ((port, leaves), (lane, leaves), (lane, enters), (entry, enters))
    elif route.course is Course.DROP:
        y = plan.track(route, route.gap_below, "leaves")
        yield from ((port, y), (entry, y))
    elif route.course is Course.FALL:
        y = plan.track(route, route.gap_above, "enters")
        yield from ((port, y), (entry, y))
    yield entry, plan.row_tops[route.end[0]]


def _extent(plan: Plan, key: str) -> Extent:
    row = plan.grid.places[key][0]
    half = plan.ends.half_widths[key]
    return Extent(plan.x(key) - half, plan.row_tops[row], plan.x(key) + half, plan.bottom(key))


def _box(workflow: Workflow, plan: Plan, key: str, steps: Sequence[Step]) -> Box:
    extent = _extent(plan, key)
    return Box(
        status=workflow.statuses[key],
        x=int(extent.left),
        y=int(extent.top),
        width=int(extent.right - extent.left),
        height=int(extent.bottom - extent.top),
        lines=plan.labels[key],
        is_initial=key == plan.initial,
        is_main=key in plan.grid.main_line,
        is_reachable=key not in plan.grid.unreachable,
        steps=tuple(step for step in steps if step.transition.source == key),
    )


# -- what the table says


@dataclass(frozen=True)
class StepWords:
    """Who may take a step, which conditions it has, and what its form asks for."""

    roles: tuple[Text, ...]
    conditions: tuple[Text, ...]
    fields: tuple[Text | Localized, ...]


def step_words(workflow: Workflow, transition: Transition) -> StepWords:
    """A step in words, in a fixed order. A draft may name conditions and fields that do not exist."""
    return StepWords(
        roles=tuple(ROLE_NAMES[role] for role in Role if role in transition.roles),
        conditions=tuple(_condition(workflow, guard) for guard in transition.guards),
        fields=tuple(workflow.labels.get(key, Localized(key)) for key in transition.asks),
    )


def _condition(workflow: Workflow, guard: Guard) -> Text:
    if guard.name not in GUARDS:
        return text("unbekannte Bedingung „%(key)s“", key=guard.name)
    unknown = {key: Localized(key) for key in guard.fields}
    return title(guard, {**unknown, **workflow.labels})
