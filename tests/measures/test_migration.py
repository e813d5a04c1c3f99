"""What becomes of measures that move to a newer version of their workflow: the rule alone."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.measures import migration
from app.measures.migration import Fate, Mapped, Outcome, Plan, Standing
from app.programmes.workflow import Workflow, build

TOLD = {
    "approved": ("Bewilligt", "approved"),
    "running": ("In Umsetzung", "running"),
    "paused": ("Pausiert", "paused"),
    "accepted": ("Abnahme", "running"),
    "done": ("Umgesetzt", "done"),
    "closed": ("Abgeschlossen", "done"),
}
RESULT = {"key": "result", "label": {"de": "Ergebnis"}, "type": "text"}


def workflow(*keys: str, steps: Sequence[tuple[str, str]] = (), **changes: dict[str, Any]) -> Workflow:
    """A workflow of these statuses; a step is named after the two it connects."""
    return build(
        {
            "initial": keys[0],
            "fields": changes.pop("fields", {}).get("rows", []),
            "statuses": [
                {"key": key, "label": {"de": TOLD[key][0]}, "category": TOLD[key][1]} | changes.get(key, {})
                for key in keys
            ],
            "transitions": [
                {
                    "key": f"{source}-{target}",
                    "from": source,
                    "to": target,
                    "label": {"de": f"{TOLD[source][0]} beenden: {TOLD[target][0]}"},
                    "roles": ["coordinator"],
                    "guards": [],
                    "fields": [],
                }
                for source, target in steps
            ],
        }
    )


def standing(status: str | None, version: int = 1, *filled: str) -> Standing:
    return Standing(uuid4(), version, status, frozenset(filled))


def fate_of(old: Workflow, new: Workflow, one: Standing, *mapped: tuple[str, str]) -> Fate:
    (fate,) = migration.plan({1: old, 2: new}, 2, [one], mapped).fates
    return fate


def remarks(fate: Fate) -> list[str]:
    return [str(remark) for remark in fate.remarks]


def obstacles(plan: Plan) -> list[str]:
    return [str(obstacle.message) for obstacle in plan.obstacles]


OLD = workflow("approved", "running", "paused", "done")
NEW = workflow("approved", "running", "accepted", "done")


# -- which status follows which


def test_a_status_the_new_version_has_too_is_followed_by_itself() -> None:
    fate = fate_of(OLD, NEW, standing("running"))
    assert (fate.outcome, fate.from_version, fate.to_version) == (Outcome.MOVES, 1, 2)
    assert fate.after is NEW.statuses["running"]
    assert not fate.changes_status
    assert not fate.changes_words


def test_the_mapping_goes_before_the_namesake() -> None:
    fate = fate_of(OLD, NEW, standing("running"), ("running", "accepted"))
    assert fate.after is NEW.statuses["accepted"]
    assert fate.changes_status


def test_a_status_nothing_follows_blocks_everybody_and_says_how_many_stand_there() -> None:
    stuck, free = [standing("paused"), standing("paused")], standing("running")
    plan = migration.plan({1: OLD, 2: NEW}, 2, [*stuck, free])
    assert plan.is_blocked
    assert obstacles(plan) == [
        "2 Maßnahmen stehen in „Pausiert“ (paused), und diesen Status gibt es in Version 2 nicht. "
        "Legen Sie fest, welcher Status auf ihn folgt."
    ]
    assert [obstacle.status for obstacle in plan.obstacles] == ["paused"]
    assert [fate.outcome for fate in plan.fates] == [Outcome.STUCK, Outcome.STUCK, Outcome.MOVES]
    assert [fate.after for fate in plan.fates[:2]] == [None, None]


def test_a_status_in_which_nobody_stands_needs_no_follower() -> None:
    assert not migration.plan({1: OLD, 2: NEW}, 2, [standing("running")]).is_blocked


def test_an_unknown_status_stays_unknown_and_the_measure_moves() -> None:
    fate = fate_of(OLD, NEW, standing(None))
    assert (fate.outcome, fate.before, fate.after) == (Outcome.MOVES, None, None)
    assert not fate.changes_words


def test_who_follows_the_version_already_is_left_alone_whatever_the_mapping_says() -> None:
    fate = fate_of(OLD, NEW, standing("accepted", 2), ("running", "done"))
    assert (fate.outcome, fate.before, fate.after) == (
        Outcome.STAYS,
        NEW.statuses["accepted"],
        NEW.statuses["accepted"],
    )


def test_there_is_no_way_back_and_nobody_moves_while_somebody_is_ahead() -> None:
    plan = migration.plan({1: OLD, 2: NEW, 3: NEW}, 2, [standing("running", 3), standing("running")])
    assert obstacles(plan) == [
        "1 Maßnahme folgt schon der neueren Version 3. Zurück geht es nur mit einer neuen Version."
    ]
    assert plan.fates[0].outcome is Outcome.STUCK


def test_measures_of_several_older_versions_move_at_once() -> None:
    plan = migration.plan(
        {1: OLD, 2: NEW, 3: workflow("running", "done")},
        3,
        [standing("paused"), standing("accepted", 2), standing("done", 2)],
        [("paused", "running"), ("accepted", "running")],
    )
    assert not plan.is_blocked
    assert [(fate.from_version, fate.after.key if fate.after else None) for fate in plan.fates] == [
        (1, "running"),
        (2, "running"),
        (2, "done"),
    ]


WITHOUT_A_STEP = "Der Status wechselt ohne Schritt: Bedingungen und Vier-Augen-Prinzip werden übergangen."


@pytest.mark.parametrize(
    ("mapped", "said"),
    [
        (
            [("runing", "running")],
            "Den Status „runing“ gibt es in keiner Version vor 2; meinten Sie „running“?",
        ),
        ([("xyz", "running")], "Den Status „xyz“ gibt es in keiner Version vor 2."),
        (
            [("accepted", "running")],  # of the new version only
            "Den Status „accepted“ gibt es in keiner Version vor 2.",
        ),
        (
            [("running", "acepted")],
            "Den Status „acepted“ gibt es in Version 2 nicht; meinten Sie „accepted“?",
        ),
        (
            [("running", "xyz")],
            "Den Status „xyz“ gibt es in Version 2 nicht. Möglich sind: approved, running, accepted, done.",
        ),
        (
            [("running", "done"), ("running", "accepted")],
            "Auf den Status „running“ sollen mehrere folgen: accepted, done. Nennen Sie einen davon.",
        ),
    ],
)
def test_a_mapping_that_cannot_be_meant_is_refused_and_moves_nobody(mapped: Mapped, said: str) -> None:
    plan = migration.plan({1: OLD, 2: NEW}, 2, [standing("running")], mapped)
    assert obstacles(plan) == [said]


def test_the_same_entry_twice_is_no_contradiction() -> None:
    plan = migration.plan({1: OLD, 2: NEW}, 2, [standing("paused")], [("paused", "running")] * 2)
    assert not plan.is_blocked


def test_a_wrong_follower_is_told_once_and_the_measure_keeps_its_place() -> None:
    plan = migration.plan({1: OLD, 2: NEW}, 2, [standing("paused")], [("paused", "xyz")])
    assert len(plan.obstacles) == 1
    assert plan.fates[0].outcome is Outcome.STUCK


def test_the_statuses_in_use_are_those_of_measures_that_are_to_move() -> None:
    found = migration.in_use(
        {1: OLD, 2: NEW},
        2,
        [standing("paused"), standing("running"), standing("running"), standing("done", 2), standing(None)],
    )
    assert [(one.key, str(one.label), one.measures, one.follower) for one in found] == [
        ("running", "In Umsetzung", 2, "running"),
        ("paused", "Pausiert", 1, None),
    ]


# -- what one should know


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("running", "done", "Bedeutung läuft → umgesetzt: Die Erinnerungen enden."),
        ("done", "running", "Bedeutung umgesetzt → läuft: Die Erinnerungen setzen ein."),
        ("approved", "running", "Bedeutung bewilligt → läuft."),
        ("paused", "done", "Bedeutung ruht → umgesetzt."),
        ("running", "accepted", None),
    ],
)
def test_another_meaning_is_told_with_what_it_does_to_reminders(before: str, after: str, said: str | None) -> None:
    keys = ("approved", "running", "paused", "accepted", "done")
    fate = fate_of(workflow(*keys), workflow(*keys), standing(before), (before, after))
    assert remarks(fate) == [*([said] if said else []), WITHOUT_A_STEP]


def test_steps_that_are_no_longer_possible_are_named() -> None:
    old = workflow("running", "paused", "done", steps=[("running", "paused"), ("running", "done")])
    new = workflow("running", "done", steps=[("running", "done")])
    assert remarks(fate_of(old, new, standing("running"))) == ["Nicht mehr möglich: In Umsetzung beenden: Pausiert."]


def test_steps_that_begin_are_named() -> None:
    old = workflow("running", "done", steps=[("running", "done")])
    new = workflow(
        "running", "paused", "done", steps=[("running", "done"), ("running", "paused"), ("paused", "done")]
    )
    assert remarks(fate_of(old, new, standing("running"))) == ["Neu möglich: In Umsetzung beenden: Pausiert."]


def test_a_status_without_any_way_on_is_told() -> None:
    old = workflow("running", "done", steps=[("running", "done")])
    new = workflow("running", "done")
    assert remarks(fate_of(old, new, standing("running"))) == ["Von dort führt kein Schritt weiter."]


def test_what_the_new_status_requires_and_nobody_filled_is_named() -> None:
    rules = [
        {"field": "result", "rule": "required"},
        {"field": "ends", "rule": "required", "roles": ["project_lead"]},
    ]
    new = workflow("running", fields={"rows": [RESULT]}, running={"field_rules": rules})
    assert remarks(fate_of(OLD, new, standing("running"))) == ["Noch auszufüllen: Ergebnis, Ende."]
    assert remarks(fate_of(OLD, new, standing("running", 1, "result", "ends"))) == []


def test_what_is_kept_of_fields_the_new_version_does_not_know_is_named() -> None:
    old = workflow("running", fields={"rows": [RESULT]})
    fate = fate_of(old, workflow("running"), standing("running", 1, "result", "older", "title"))
    assert remarks(fate) == ["Bleibt gespeichert, gehört aber nicht mehr zum Ablauf: older, Ergebnis."]


@pytest.mark.parametrize("part", ["label", "public_label"])
def test_the_same_status_under_another_name_changes_words_and_not_the_status(part: str) -> None:
    new = workflow("running", running={part: {"de": "In Arbeit"}})
    fate = fate_of(OLD, new, standing("running"))
    assert fate.changes_words
    assert not fate.changes_status


# -- whatever the case

KEYS = list(TOLD)
WORKFLOWS = st.lists(st.sampled_from(KEYS), min_size=1, unique=True).map(lambda keys: workflow(*keys))


@st.composite
def cases(draw: st.DrawFn) -> tuple[dict[int, Workflow], int, list[Standing], list[tuple[str, str]]]:
    versions = dict(enumerate(draw(st.lists(WORKFLOWS, min_size=1, max_size=4)), start=1))
    target = draw(st.sampled_from(sorted(versions)))
    found = []
    for number in range(draw(st.integers(0, 8))):
        version = draw(st.sampled_from(sorted(versions)))
        status = draw(st.sampled_from([None, *versions[version].statuses]))
        found.append(Standing(UUID(int=number), version, status))
    keys = st.sampled_from([*KEYS, "unknown"])
    return versions, target, found, draw(st.lists(st.tuples(keys, keys), max_size=4))


def has_a_follower(one: Standing, versions: dict[int, Workflow], target: int, mapped: Mapped) -> bool:
    """Said once more in other words: the one follower named, else the namesake."""
    named = {new for old, new in mapped if old == one.status} or {one.status or ""}
    return len(named) == 1 and named <= set(versions[target].statuses)


def is_sane(versions: dict[int, Workflow], target: int, mapped: Mapped) -> bool:
    old = {key for version, one in versions.items() if version < target for key in one.statuses}
    return all(key in old and new in versions[target].statuses for key, new in mapped) and len(
        {key for key, _new in mapped}
    ) == len(set(mapped))


@given(cases())
def test_every_measure_has_one_fate_and_none_a_status_the_version_lacks(case: Any) -> None:
    versions, target, found, mapped = case
    plan = migration.plan(versions, target, found, mapped)
    assert [fate.measure_id for fate in plan.fates] == [one.measure_id for one in found]
    for fate, one in zip(plan.fates, found, strict=True):
        assert fate.before == (versions[one.version].statuses[one.status] if one.status else None)
        assert fate.after is None or fate.after in versions[fate.to_version].statuses.values()
        assert fate.to_version == (one.version if fate.outcome is Outcome.STUCK else target)
        assert (fate.outcome is Outcome.STAYS) == (one.version == target)
        if fate.outcome is Outcome.MOVES:
            assert one.version < target
            assert (fate.after is None) == (one.status is None)


@given(cases())
def test_nobody_moves_if_and_only_if_somebody_cannot_or_the_mapping_cannot_be_meant(case: Any) -> None:
    versions, target, found, mapped = case
    plan = migration.plan(versions, target, found, mapped)
    cannot = [
        one
        for one in found
        if one.version > target
        or (one.version < target and one.status and not has_a_follower(one, versions, target, mapped))
    ]
    assert plan.is_blocked == (bool(cannot) or not is_sane(versions, target, mapped))
    stuck = {fate.measure_id for fate in plan.fates if fate.outcome is Outcome.STUCK}
    if is_sane(versions, target, mapped):
        assert stuck == {one.measure_id for one in cannot}


@given(cases(), st.randoms(use_true_random=False))
def test_the_order_in_which_things_are_named_means_nothing(case: Any, chance: random.Random) -> None:
    versions, target, found, mapped = case
    plan = migration.plan(versions, target, found, mapped)
    others = chance.sample(found, len(found)), chance.sample(mapped, len(mapped))
    again = migration.plan(versions, target, *others)
    assert set(again.fates) == set(plan.fates)
    assert again.obstacles == plan.obstacles
    assert migration.fingerprint(again) == migration.fingerprint(plan)


def test_another_follower_is_another_plan() -> None:
    one = standing("running")
    plans = [migration.plan({1: OLD, 2: NEW}, 2, [one], [("running", key)]) for key in ("running", "accepted")]
    assert migration.fingerprint(plans[0]) != migration.fingerprint(plans[1])


@given(cases(), cases())
def test_two_plans_share_a_fingerprint_only_if_they_do_the_same(one: Any, other: Any) -> None:
    first, second = (migration.plan(*case) for case in (one, other))
    told = [
        (
            plan.target,
            {
                (f.measure_id, f.from_version, f.to_version, f.before and f.before.key, f.after and f.after.key)
                for f in plan.fates
            },
        )
        for plan in (first, second)
    ]
    assert (migration.fingerprint(first) == migration.fingerprint(second)) <= (told[0] == told[1])
