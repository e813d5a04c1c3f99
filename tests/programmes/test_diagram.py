"""The drawing of a workflow: nothing overlaps, no line crosses a box, and every step has its number."""

from __future__ import annotations

import re
from itertools import combinations, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.localized import Localized
from app.programmes import diagram, dimensions, layers, workflow
from app.programmes.captions import Extent
from app.programmes.diagram import ARROW, Diagram, Step
from app.programmes.lettering import width, wrapped
from app.programmes.workflow import Category, Workflow
from tests.conftest import Client
from tests.factories import WORKFLOW, City

LONG = (
    "Donaudampfschifffahrtsgesellschaftskapitänsmützenverordnung gilt weiterhin für alle Beteiligten und noch viele"
)


def status(key: str, category: str = "running", **more: Any) -> dict[str, Any]:
    return {"key": key, "label": {"de": key}, "category": category, **more}


def step(source: str, target: str, label: str = "Weiter", key: str | None = None) -> dict[str, Any]:
    return {
        "key": key or f"{source}-{target}",
        "from": source,
        "to": target,
        "label": {"de": label},
        "roles": ["coordinator"],
    }


def built(statuses: list[dict[str, Any]], steps: list[dict[str, Any]], initial: str | None = None) -> Workflow:
    keyed = [one | {"key": f"{index}-{one['key']}"} for index, one in enumerate(steps)]
    return workflow.build(
        {"initial": initial or (statuses[0]["key"] if statuses else ""), "statuses": statuses, "transitions": keyed}
    )


def place(drawing: Diagram, key: str) -> Extent:
    return next(box.extent for box in drawing.boxes if box.status.key == key)


@st.composite
def workflows(draw: st.DrawFn, most_statuses: int = 14, most_steps: int = 30) -> Workflow:
    count = draw(st.integers(1, most_statuses))
    keys = [f"s{index}" for index in range(count)]
    label = st.sampled_from(["Kurz", "Bei der Bewilligungsbehörde eingereicht", LONG, "漢字" * 30, ""])
    statuses = [
        status(key, draw(st.sampled_from([*Category])).value, final=draw(st.booleans()), label={"de": draw(label)})
        for key in keys
    ]
    ends = st.sampled_from([*keys, "unbekannt"] if draw(st.booleans()) else keys)
    steps = [
        step(draw(ends), draw(ends), draw(label), key=str(index)) for index in range(draw(st.integers(0, most_steps)))
    ]
    return built(statuses, steps, initial=draw(ends))


def check(rules: Workflow) -> Diagram:
    """Everything that holds for every drawing."""
    drawing = diagram.draw(rules)
    page = Extent(drawing.left, 0, drawing.left + drawing.width, drawing.height)
    boxes = [box.extent for box in drawing.boxes]
    badges = [step.badge.extent for step in drawing.steps]
    captions = [step.caption.extent for step in drawing.steps if step.caption]
    assert {box.status.key for box in drawing.boxes} == set(rules.statuses)
    for one, other in combinations([*boxes, *badges, *captions], 2):
        assert not one.meets(other)
    for extent in [*boxes, *badges, *captions]:
        assert page.holds(extent)
    for one_step in drawing.steps:
        check_line(drawing, one_step, page)
    check_lines_apart(drawing)
    known = [one for one in rules.transitions.values() if {one.source, one.target} <= set(rules.statuses)]
    assert sorted(one.transition.key for one in drawing.steps) == sorted(one.key for one in known)
    assert {*drawing.left_out} == {*rules.transitions.values()} - {*known}
    assert [one.number for one in drawing.steps] == list(range(1, len(known) + 1))
    assert all(one.transition.source == box.status.key for box in drawing.boxes for one in box.steps)
    return drawing


def check_line(drawing: Diagram, step: Step, page: Extent) -> None:
    source, target = place(drawing, step.transition.source), place(drawing, step.transition.target)
    (x, y), (end_x, end_y) = step.points[0], step.points[-1]
    assert y == source.bottom
    assert source.left < x < source.right
    assert end_y == target.top
    assert target.left < end_x < target.right
    assert step.points[-2][1] <= end_y - ARROW - 1
    assert step.badge.x == x
    assert step.badge.extent.top > y
    assert all(page.left <= x <= page.right and page.top <= y <= page.bottom for x, y in step.points)
    for one, other in pairwise(step.points):
        assert one[0] == other[0] or one[1] == other[1]
        piece = around(one, other)
        for box in drawing.boxes:
            assert not piece.meets(box.extent)
        for near in drawing.steps:
            if near is not step:
                assert not piece.meets(near.badge.extent)
            if near.caption:
                assert not piece.meets(near.caption.extent)


def check_lines_apart(drawing: Diagram) -> None:
    """Lines may cross; none runs along another."""
    for one, other in combinations(drawing.steps, 2):
        for piece, near in ((a, b) for a in pairwise(one.points) for b in pairwise(other.points)):
            for along, across in ((0, 1), (1, 0)):
                if piece[0][across] == piece[1][across] == near[0][across] == near[1][across]:
                    low, high = sorted((piece[0][along], piece[1][along]))
                    near_low, near_high = sorted((near[0][along], near[1][along]))
                    assert high <= near_low or near_high <= low


def around(one: tuple[int, int], other: tuple[int, int]) -> Extent:
    return Extent(min(one[0], other[0]), min(one[1], other[1]), max(one[0], other[0]), max(one[1], other[1]))


@settings(max_examples=150, deadline=None)
@given(workflows())
def test_nothing_overlaps_and_every_step_is_drawn_once(rules: Workflow) -> None:
    check(rules)


@settings(max_examples=20, deadline=None)
@given(workflows())
def test_the_same_workflow_gives_the_same_drawing(rules: Workflow) -> None:
    assert diagram.draw(rules) == diagram.draw(rules)


def test_the_main_line_runs_straight_down_the_first_column() -> None:
    statuses = [
        status("a"),
        status("p", "paused"),
        status("b"),
        status("x", "stopped"),
        status("c", "done", final=True),
    ]
    steps = [step("a", "x"), step("a", "p"), step("p", "a"), step("a", "b"), step("p", "x"), step("b", "c")]
    drawing = check(built(statuses, steps))
    assert [box.status.key for box in drawing.boxes if box.is_main] == ["a", "b", "c"]
    main = [one for one in drawing.steps if one.is_main]
    assert len({x for one in main for x, _ in one.points}) == 1
    assert place(drawing, "p").left > place(drawing, "b").right
    assert place(drawing, "x").left > place(drawing, "c").right
    assert [one.transition.source for one in drawing.steps if one.leads_back] == ["p"]


def test_a_way_around_a_pause_stays_on_the_main_line() -> None:
    statuses = [status("a"), status("p", "paused"), status("b", "done", final=True)]
    drawing = check(built(statuses, [step("a", "p"), step("p", "b"), step("a", "b")]))
    assert place(drawing, "a").left == place(drawing, "b").left < place(drawing, "p").left
    assert [box.status.key for box in drawing.boxes if box.is_main] == ["a", "b"]


def test_the_end_a_measure_is_made_for_is_the_settled_one() -> None:
    statuses = [status("a"), status("d", "done", final=True), status("s", "settled", final=True)]
    drawing = check(built(statuses, [step("a", "d"), step("a", "s")]))
    assert [box.status.key for box in drawing.boxes if box.is_main] == ["a", "s"]


def test_a_status_stands_below_everything_that_leads_to_it() -> None:
    drawing = check(
        built([status(key) for key in "abcd"], [step("a", "d"), step("a", "b"), step("b", "c"), step("c", "d")])
    )
    tops = [place(drawing, key).top for key in "abcd"]
    assert tops == sorted(set(tops))


def test_only_the_first_status_has_a_dot_and_an_unknown_one_has_none() -> None:
    rules = built([status("a"), status("b")], [step("a", "b"), step("b", "a")], initial="b")
    drawing = check(rules)
    assert [box.status.key for box in drawing.boxes if box.is_initial] == ["b"]
    assert drawing.dot
    assert drawing.dot[1] == (place(drawing, "b").left + 120, place(drawing, "b").top)
    assert check(built([status("a")], [], initial="fehlt")).dot is None


def test_what_cannot_be_reached_stands_below_in_rows_of_its_own() -> None:
    statuses = [status("a"), status("b"), *(status(f"u{index}") for index in range(9))]
    drawing = check(built(statuses, [step("a", "b"), step("u0", "a"), step("u1", "u2")]))
    lowest = max(place(drawing, key).bottom for key in "ab")
    unreachable = [box for box in drawing.boxes if not box.is_reachable]
    assert [box.status.key for box in unreachable] == [f"u{index}" for index in range(9)]
    assert all(box.y > lowest for box in unreachable)
    assert len({box.y for box in unreachable}) == 3


def test_a_step_to_an_unknown_status_is_left_out() -> None:
    drawing = check(built([status("a")], [step("a", "fehlt"), step("fehlt", "a"), step("a", "a")]))
    assert [one.transition.target for one in drawing.steps] == ["a"]
    assert len(drawing.left_out) == 2


def test_nothing_at_all_is_an_empty_drawing() -> None:
    drawing = diagram.draw(built([], [step("a", "b")]))
    assert drawing.boxes == ()
    assert len(drawing.left_out) == 1


@pytest.mark.parametrize("exits", [12, 40])
def test_many_exits_each_have_a_port_and_a_number(exits: int) -> None:
    statuses = [status("a"), *(status(f"t{index}") for index in range(exits))]
    drawing = check(built(statuses, [step("a", f"t{index}") for index in range(exits)]))
    assert len({one.points[0] for one in drawing.steps}) == exits


def test_loops_and_many_steps_between_the_same_two_are_told_apart() -> None:
    statuses = [status("a"), status("b", "done", final=True)]
    steps = [step("a", "a"), step("a", "a"), *[step("a", "b")] * 4, *[step("b", "a")] * 4, step("b", "b")]
    drawing = check(built(statuses, steps))
    assert len({one.points for one in drawing.steps}) == 11


def test_a_hundred_statuses_and_five_hundred_steps_are_drawn() -> None:
    statuses = [status(f"s{index}", label={"de": LONG}) for index in range(100)]
    steps = [step(f"s{index * 7 % 100}", f"s{(index * 13 + index // 100 * 5 + 1) % 100}") for index in range(500)]
    drawing = check(built(statuses, steps))
    assert drawing.steps[-1].number == 500


def test_a_chain_of_thousands_is_no_matter_of_recursion() -> None:
    statuses = [status(f"s{index}") for index in range(3000)]
    rules = built(statuses, [step(f"s{index}", f"s{index + 1}") for index in range(2999)])
    assert layers.arrange(rules).rows == 3000


def test_long_labels_are_wrapped_and_shortened() -> None:
    drawing = check(built([status("a", label={"de": LONG})], []))
    (box,) = drawing.boxes
    assert 1 < len(box.lines) <= 3
    assert box.lines[-1].endswith("…")
    assert all(width(line, dimensions.LABEL_SIZE) <= dimensions.LABEL_ROOM for line in box.lines)
    assert box.height >= len(box.lines) * dimensions.LINE_HEIGHT


@given(st.text(max_size=200), st.integers(1, 3))
def test_words_in_lines_fit_and_lose_nothing_but_what_the_ellipsis_says(words: str, most: int) -> None:
    lines = wrapped(words, 15, 100, most)
    assert 1 <= len(lines) <= most
    assert all(width(line, 15) <= 100 for line in lines)
    if not lines[-1].endswith("…") and "-" not in "".join(lines):
        assert " ".join(lines) == " ".join(words.split())


def test_a_word_too_long_for_a_line_is_broken_with_a_hyphen() -> None:
    assert wrapped("Zuwendungsbescheiderlass", 15, 120, 2)[0].endswith("-")
    assert wrapped("kurz und gut", 15, 200, 2) == ("kurz und gut",)


def test_labels_are_drawn_in_the_readers_language_and_the_public_sees_public_ones() -> None:
    named = {"label": {"de": "intern", "en": "internal"}, "public_label": {"de": "offen", "en": "open"}}
    rules = built([status("a") | named], [])

    def english(value: Localized) -> str:
        return value.in_language("en")

    assert diagram.draw(rules).boxes[0].lines == ("intern",)
    assert diagram.draw(rules, english).boxes[0].lines == ("internal",)
    assert diagram.draw(rules, english, is_public=True).boxes[0].lines == ("open",)


def test_a_step_is_told_in_words_even_where_a_draft_is_broken() -> None:
    broken = step("a", "a") | {
        "guards": [{"guard": "frei_erfunden"}, {"guard": "fields_filled", "fields": ["title", "fehlt"]}],
        "fields": ["auch_nicht"],
        "roles": ["project_lead", "coordinator"],
    }
    rules = built([status("a")], [broken])
    words = diagram.step_words(rules, *rules.transitions.values())
    assert sorted(map(str, words.roles)) == ["Koordination", "Projektleitung"]
    assert [str(one) for one in words.conditions] == [
        "unbekannte Bedingung „frei_erfunden“",
        "ausgefüllt: Titel, fehlt",
    ]
    assert [str(one) for one in words.fields] == ["auch_nicht"]


def test_the_line_ends_where_the_arrowhead_begins_and_turns_in_round_corners() -> None:
    drawing = check(built([status("a"), status("b"), status("c", "stopped")], [step("a", "b"), step("a", "c")]))
    straight, turning = drawing.steps
    x, y = straight.points[-1]
    assert straight.path.endswith(f"L{x} {y - ARROW}")
    assert straight.arrow.startswith(f"M{x} {y}")
    assert turning.path.count("Q") == 2


# -- the page


def test_every_number_of_the_picture_stands_in_the_table(client: Client, city: City) -> None:
    client.sign_in(city.coordinator)
    page = client.get(f"/programmes/{city.programme.key}").text
    picture, table = page[page.index("<figure") : page.index("</figure>")], page[page.index("</figure>") :]
    drawn = re.findall(r'diagram__number"[^>]*>(\d+)<', picture)
    assert drawn == [str(number) for number in range(1, len(WORKFLOW["transitions"]) + 1)]
    assert re.findall(r'step-number">(\d+)<', table) == drawn
    for row in WORKFLOW["transitions"]:
        assert picture.count(f": {row['label']['de']}</title>") == 1
        assert table.count(f">{row['label']['de']}</span>") == 1
    assert 'role="img"' in picture
    assert "style=" not in page


def test_a_funder_sees_the_steps_but_not_who_takes_them(client: Client, city: City) -> None:
    client.sign_in(city.coordinator)
    inside = client.get(f"/programmes/{city.programme.key}").text
    client.sign_in(city.funder)
    outside = client.get(f"/programmes/{city.programme.key}").text
    assert "Begründung angegeben" in inside
    assert "Begründung angegeben" not in outside
    assert "Umsetzung abschließen" in outside
    assert re.findall(r'step-number">(\d+)<', outside) == re.findall(r'step-number">(\d+)<', inside)
