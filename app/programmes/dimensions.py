"""How large the drawing of a workflow is, and where its rows, columns, lanes and tracks lie. Pure.

Between two rows lies a gap: at its top the numbers of the steps that leave, then the tracks of what runs across, at
its bottom the arrowheads. Between two columns lies a gutter with the lanes of what passes rows or leads back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from app.core.localized import Localized
from app.programmes import layers, routing
from app.programmes.layers import Grid
from app.programmes.lettering import wrapped
from app.programmes.routing import Course, Ends, Route, Span
from app.programmes.workflow import Transition, Workflow

Say = Callable[[Localized], str]
"""What a label is in the reader's language."""

MARGIN = 12
HALF_BOX = 120
LABEL_SIZE = 15
LABEL_ROOM = 186
LABEL_LINES = 3
LINE_HEIGHT = 20
BOX_PADDING = 12
BADGE_WIDTH = 24
WIDE_BADGE_WIDTH = 34
"""For numbers of three digits."""
LEAST_GUTTER = 56
LANE_DISTANCE = 18
LANE_MARGIN = 24
TRACK_HEIGHT = 24
TRACK_DISTANCE = 16
PORT_ZONE = 48
ENTRY_ZONE = 24
DOT_ZONE = 20
LEAST_GAP = 32


@dataclass(frozen=True)
class Plan:
    """Where everything lies: middles of columns, tops of rows and gaps, lanes and tracks."""

    grid: Grid
    initial: str | None
    routes: tuple[Route, ...]
    ends: Ends
    labels: Mapping[str, tuple[str, ...]]
    badge_width: int
    middles: Sequence[int]
    lanes: Mapping[str, int]
    row_tops: Sequence[int]
    row_heights: Sequence[int]
    gap_tops: Sequence[int]
    track_tops: Sequence[int]
    tracks: Mapping[tuple[str, str], int]
    width: int
    height: int

    @property
    def in_order(self) -> list[str]:
        """The statuses in the order of reading."""
        return sorted(self.grid.places, key=lambda key: self.grid.places[key])

    def x(self, key: str) -> int:
        """The middle of a status."""
        return self.middles[self.grid.places[key][1]]

    def bottom(self, key: str) -> int:
        """The lower edge of a status."""
        row = self.grid.places[key][0]
        return self.row_tops[row] + self.row_heights[row]

    def port(self, route: Route) -> int:
        """Where a step leaves."""
        return self.x(route.step.source) + self.ends.ports[route.step.key]

    def entry(self, route: Route) -> int:
        """Where a step enters."""
        return self.x(route.step.target) + self.ends.entries[route.step.key]

    def track(self, route: Route, gap: int, end: str) -> int:
        """The height at which a step crosses a gap."""
        return self.track_tops[gap] + self.tracks[(route.step.key, end)] * TRACK_HEIGHT + TRACK_HEIGHT // 2

    @classmethod
    def of(cls, workflow: Workflow, known: Sequence[Transition], say: Say, is_public: bool) -> Plan:
        """Measures a workflow."""
        grid = layers.arrange(workflow)
        initial = workflow.initial if workflow.initial in workflow.statuses else None
        badge_width = BADGE_WIDTH if len(known) < 100 else WIDE_BADGE_WIDTH
        routes = routing.choose(grid, known)
        ends = routing.place_ends(grid, routes, badge_width + 6, initial, HALF_BOX)
        labels = {
            key: wrapped(say(status.told if is_public else status.label), LABEL_SIZE, LABEL_ROOM, LABEL_LINES)
            for key, status in workflow.statuses.items()
        }
        middles, lanes, width = _across(grid, routes, ends)
        spans = _spans(grid, routes, ends, middles, lanes)
        chosen = {key: track for gap in spans for key, track in routing.tracks(gap, TRACK_DISTANCE).items()}
        heights = _row_heights(grid, labels)
        zones = [_zones(grid, routes, gap, spans[gap], chosen, initial) for gap in range(grid.rows + 1)]
        gap_tops, row_tops = [], []
        y = MARGIN
        for gap, (before, between, after) in enumerate(zones):
            gap_tops.append(y)
            y += before + between + after
            if gap < grid.rows:
                row_tops.append(y)
                y += heights[gap]
        return cls(
            grid=grid,
            initial=initial,
            routes=routes,
            ends=ends,
            labels=labels,
            badge_width=badge_width,
            middles=middles,
            lanes=lanes,
            row_tops=row_tops,
            row_heights=heights,
            gap_tops=gap_tops,
            track_tops=[top + zone[0] for top, zone in zip(gap_tops, zones, strict=True)],
            tracks=chosen,
            width=width,
            height=y + MARGIN,
        )


def _across(grid: Grid, routes: Sequence[Route], ends: Ends) -> tuple[list[int], dict[str, int], int]:
    """The middles of the columns, the lanes between them, and the width of it all."""
    halves = [HALF_BOX] * grid.columns
    for key, (_, column) in grid.places.items():
        halves[column] = max(halves[column], ends.half_widths[key])
    gutters = [_lane_tracks(routes, gutter) for gutter in range(grid.columns + 1)]
    counts = [max(gutter.values(), default=-1) + 1 for gutter in gutters]
    widths = [_gutter_width(count, index, grid.columns) for index, count in enumerate(counts)]
    lefts = list(
        accumulate((gutter + 2 * half for gutter, half in zip(widths, halves, strict=False)), initial=MARGIN)
    )
    middles = [left + gutter + half for left, gutter, half in zip(lefts, widths, halves, strict=False)]
    lanes: dict[str, int] = {}
    for index, gutter in enumerate(gutters):
        for (key, _), track in gutter.items():
            place = LANE_MARGIN + track * LANE_DISTANCE
            lanes[key] = lefts[index] + (widths[index] - place if index == 0 else place)
    return middles, lanes, lefts[-1] + widths[-1] + MARGIN


def _gutter_width(lanes: int, index: int, columns: int) -> int:
    needed = 2 * LANE_MARGIN + (lanes - 1) * LANE_DISTANCE if lanes else 0
    return needed if index in (0, columns) else max(LEAST_GUTTER, needed)


def _lane_tracks(routes: Sequence[Route], gutter: int) -> dict[tuple[str, str], int]:
    """Which lane of a gutter every step has; those of the first gutter are counted from the right."""
    spans = []
    for route in routes:
        if route.gutter == gutter:
            ways = ((route.gap_below, route.start[1]), (route.gap_above, route.end[1]))
            left = tuple(float(gap) for gap, column in ways if column < gutter)
            right = tuple(float(gap) for gap, column in ways if column >= gutter)
            low, high = sorted((float(route.gap_below), float(route.gap_above)))
            key = (route.step.key, "lane")
            spans.append(Span(key, low, high, right, left) if gutter == 0 else Span(key, low, high, left, right))
    return routing.tracks(spans, 0.5)


def _spans(
    grid: Grid, routes: Sequence[Route], ends: Ends, middles: Sequence[int], lanes: Mapping[str, int]
) -> list[list[Span]]:
    """The pieces that cross each gap."""
    spans: list[list[Span]] = [[] for _ in range(grid.rows + 1)]
    for route in routes:
        key = route.step.key
        port = middles[route.start[1]] + ends.ports[key]
        entry = middles[route.end[1]] + ends.entries[key]
        if route.course is Course.LANE:
            lane = lanes[key]
            up, down = ((lane,), ()) if route.leads_back else ((), (lane,))
            spans[route.gap_below].append(_span((key, "leaves"), port, lane, (port, *up), down))
            spans[route.gap_above].append(_span((key, "enters"), lane, entry, down, (entry, *up)))
        elif route.course is not Course.STRAIGHT:
            gap, end = (route.gap_below, "leaves") if route.course is Course.DROP else (route.gap_above, "enters")
            spans[gap].append(_span((key, end), port, entry, (port,), (entry,)))
    return spans


def _span(key: tuple[str, str], one: int, other: int, up: tuple[int, ...], down: tuple[int, ...]) -> Span:
    return Span(key, min(one, other), max(one, other), up, down)


def _row_heights(grid: Grid, labels: Mapping[str, Sequence[str]]) -> list[int]:
    heights = [0] * grid.rows
    for key, (row, _) in grid.places.items():
        heights[row] = max(heights[row], len(labels[key]) * LINE_HEIGHT + 2 * BOX_PADDING)
    return heights


def _zones(
    grid: Grid,
    routes: Sequence[Route],
    gap: int,
    spans: Sequence[Span],
    chosen: Mapping[tuple[str, str], int],
    initial: str | None,
) -> tuple[int, int, int]:
    """The heights of a gap: of its badges, of its tracks, of its arrowheads."""
    has_ports = any(route.gap_below == gap for route in routes)
    has_dot = initial is not None and grid.places[initial][0] == gap
    has_entries = has_dot or any(route.gap_above == gap for route in routes)
    count = max((chosen[span.key] + 1 for span in spans), default=0)
    before = PORT_ZONE if has_ports else DOT_ZONE if has_dot else 0
    after = ENTRY_ZONE if has_entries else 0
    between = count * TRACK_HEIGHT
    is_between_rows = 0 < gap < grid.rows
    return before, max(between, LEAST_GAP - before - after if is_between_rows else 0), after
