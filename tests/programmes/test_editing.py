"""Changes to the definition of a workflow, and what they are called."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from app.organisations.permissions import Role
from app.programmes import changes, editing
from app.programmes.editing import Part
from tests.factories import WORKFLOW

LABEL = {"de": "Abnahme", "en": "Acceptance"}


def keys(definition: Any, part: Part) -> list[str]:
    return [row["key"] for row in definition[part]]


def row(definition: Any, part: Part, key: str) -> dict[str, Any]:
    found = editing.find(definition, part, key)
    assert found is not None
    return dict(found)


def said(before: Any, after: Any) -> list[str]:
    return [str(sentence) for sentence in changes.between(before, after)]


def test_no_function_changes_what_it_was_given() -> None:
    before = deepcopy(WORKFLOW)
    editing.put(WORKFLOW, "statuses", "running", {"label": LABEL, "category": "running", "final": False})
    editing.put(WORKFLOW, "fields", "new", {"label": LABEL, "type": "text"})
    editing.remove(WORKFLOW, "transitions", "stop")
    editing.move(WORKFLOW, "statuses", "running", up=True)
    editing.set_initial(WORKFLOW, "running")
    editing.add_rule(WORKFLOW, "running", {"field": "title", "rule": "read_only"})
    editing.copied(WORKFLOW)
    assert before == WORKFLOW


def test_a_new_entry_stands_at_the_end_and_leaves_out_what_has_no_value() -> None:
    values = {"label": LABEL, "category": "running", "final": False, "public_label": None, "expectation": None}
    changed = editing.put(WORKFLOW, "statuses", "acceptance", values)
    assert changed["statuses"][-1] == {"key": "acceptance", "label": LABEL, "category": "running", "final": False}
    assert changed["initial"] == "approved"


def test_the_first_status_is_where_measures_begin() -> None:
    changed = editing.put(editing.EMPTY, "statuses", "draft", {"label": LABEL, "category": "planned"})
    assert changed["initial"] == "draft"


def test_an_edit_keeps_the_place_the_key_and_what_no_form_shows() -> None:
    definition = deepcopy(WORKFLOW)
    definition["transitions"][1] |= {"basis": "published", "sources": {"*": [{"address": "https://a.example"}]}}
    values = {name: definition["transitions"][1][name] for name in ("from", "to", "roles", "guards", "fields")}
    changed = editing.put(definition, "transitions", "pause", {**values, "label": {"de": "Ruhen lassen"}})
    assert keys(changed, "transitions") == keys(WORKFLOW, "transitions")
    pause = row(changed, "transitions", "pause")
    assert pause["label"] == {"de": "Ruhen lassen"}
    assert (pause["basis"], pause["sources"]) == ("published", {"*": [{"address": "https://a.example"}]})


def test_a_value_that_was_taken_away_is_gone() -> None:
    definition = deepcopy(WORKFLOW)
    definition["statuses"][1] |= {
        "public_label": {"de": "Im Bau"},
        "field_rules": [{"field": "title", "rule": "required"}],
    }
    changed = editing.put(
        definition, "statuses", "running", {"label": LABEL, "category": "running", "public_label": None}
    )
    running = row(changed, "statuses", "running")
    assert "public_label" not in running
    assert running["field_rules"] == [{"field": "title", "rule": "required"}]


def test_a_step_moves_among_those_that_leave_the_same_status() -> None:
    changed = editing.move(WORKFLOW, "transitions", "finish", up=True)
    assert keys(changed, "transitions") == ["start", "finish", "resume", "pause", "stop"]
    assert editing.move(WORKFLOW, "transitions", "resume", up=True) == WORKFLOW


@pytest.mark.parametrize(("key", "up"), [("approved", True), ("stopped", False)])
def test_at_the_end_of_the_list_nothing_moves(key: str, up: bool) -> None:
    assert editing.move(WORKFLOW, "statuses", key, up=up) == WORKFLOW


def test_what_goes_up_comes_down_again() -> None:
    up = editing.move(WORKFLOW, "statuses", "paused", up=True)
    assert keys(up, "statuses") == ["approved", "paused", "running", "done", "stopped"]
    assert editing.move(up, "statuses", "paused", up=False) == WORKFLOW


def test_a_copy_leaves_the_sources_of_the_other_programme_behind() -> None:
    definition = deepcopy(WORKFLOW)
    definition["transitions"][0] |= {"basis": "derived", "sources": {"*": []}}
    assert editing.copied(definition) == WORKFLOW


def test_whoever_needs_an_entry_is_named() -> None:
    definition = editing.add_rule(WORKFLOW, "paused", {"field": "result", "rule": "hidden"})
    assert [str(use) for use in editing.uses(definition, "statuses", "approved")] == [
        "hier beginnen Maßnahmen",
        "Schritt „Umsetzung starten“",
    ]
    assert [str(use) for use in editing.uses(definition, "statuses", "paused")] == [
        "Schritt „Pausieren“",
        "Schritt „Fortsetzen“",
    ]
    assert [str(use) for use in editing.uses(definition, "fields", "result")] == [
        "Schritt „Umsetzung abschließen“",
        "Feldregeln des Status „Pausiert“",
    ]
    assert editing.uses(definition, "transitions", "stop") == ()


@pytest.mark.parametrize(
    "guard",
    [
        {"guard": "fields_filled", "fields": ["look_again_on"]},
        {"guard": "decision_recorded", "number": "look_again_on", "link": "result"},
        {"guard": "decision_recorded", "number": "result", "link": "look_again_on"},
    ],
)
def test_a_condition_needs_its_fields(guard: dict[str, Any]) -> None:
    definition = deepcopy(WORKFLOW)
    definition["transitions"][1]["fields"] = []
    assert editing.uses(definition, "fields", "look_again_on") == ()
    definition["transitions"][0]["guards"] = [guard]
    assert [str(use) for use in editing.uses(definition, "fields", "look_again_on")] == [
        "Schritt „Umsetzung starten“"
    ]


@pytest.mark.parametrize(
    ("part", "index", "change"),
    [
        ("transitions", 0, {"to": "nowhere"}),
        ("transitions", 0, {"from": "nowhere"}),
        ("transitions", 0, {"fields": ["nothing"]}),
        ("transitions", 0, {"guards": [{"guard": "moon_full"}]}),
        ("transitions", 0, {"guards": [{"guard": "fields_filled", "fields": ["nothing"]}]}),
        ("statuses", 0, {"field_rules": [{"field": "nothing", "rule": "hidden"}]}),
    ],
)
def test_what_names_something_unknown_is_not_drawn(part: str, index: int, change: dict[str, Any]) -> None:
    definition = deepcopy(WORKFLOW)
    assert editing.drawn(definition) is not None
    definition[part][index] |= change
    assert editing.drawn(definition) is None


def test_an_empty_workflow_is_not_drawn() -> None:
    assert editing.drawn(editing.EMPTY) is None


def test_remarks_name_their_entry_and_errors_come_first() -> None:
    definition = deepcopy(WORKFLOW)
    del definition["statuses"][0]["label"]["en"]
    definition["transitions"] = definition["transitions"][:-1]
    remarks = editing.remarks(definition, {})
    assert [(str(remark.sentence), remark.is_error) for remark in remarks] == [
        ("der Status „Abgebrochen“ ist vom Anfang aus nicht erreichbar", True),
        ("Status „Bewilligt“: die englische Fassung fehlt", False),
    ]
    assert [(remark.part, remark.key) for remark in remarks] == [("statuses", "stopped"), ("statuses", "approved")]


def test_a_remark_on_a_part_of_a_step_names_the_step() -> None:
    definition = deepcopy(WORKFLOW)
    definition["statuses"][0]["field_rules"] = [{"field": "summary", "rule": "read_only"}]
    definition["transitions"][0]["guards"] = [{"guard": "fields_filled", "fields": ["summary"]}]
    [remark] = editing.remarks(definition, {})
    assert str(remark.sentence).startswith("Schritt „Umsetzung starten“: die Angabe „Kurzbeschreibung“ darf")


def test_a_remark_on_a_field_rule_says_so() -> None:
    definition = editing.add_rule(WORKFLOW, "paused", {"field": "title", "rule": "hidden"})
    remark = editing.remarks(definition, {})[0]
    assert (remark.key, remark.is_rule, remark.is_error) == ("paused", True, True)


def test_a_published_field_keeps_its_type() -> None:
    definition = deepcopy(WORKFLOW)
    definition["fields"][0]["type"] = "date"
    remarks = editing.remarks(definition, editing.types_of([WORKFLOW]))
    assert [(remark.part, remark.key, remark.is_error) for remark in remarks] == [("fields", "result", True)]
    assert "die Art bleibt „langer Text“" in str(remarks[0].sentence)


def test_a_role_nobody_holds_is_a_remark_that_stops_nothing() -> None:
    remarks = editing.remarks(WORKFLOW, {}, {Role.PROJECT_LEAD})
    assert {remark.key for remark in remarks} == {"pause", "resume", "stop"}
    assert not any(remark.is_error for remark in remarks)


# -- what a version changes


def test_the_same_definition_changes_nothing() -> None:
    assert said(WORKFLOW, deepcopy(WORKFLOW)) == []


def test_what_is_left_out_and_what_is_empty_are_the_same() -> None:
    definition = deepcopy(WORKFLOW)
    for transition in definition["transitions"]:
        transition.setdefault("fields", [])
        transition |= {"four_eyes": False, "sources": {}}
    for status in definition["statuses"]:
        status.setdefault("final", False)
    assert said(WORKFLOW, definition) == []


def changed(part: str, key: str, **values: Any) -> dict[str, Any]:
    definition = deepcopy(WORKFLOW)
    next(entry for entry in definition[part] if entry["key"] == key).update(values)
    return definition


NAMED = {"de": "Umsetzung abschließen", "en": "Finish"}
GUARDS = [{"guard": "milestones_approved"}, {"guard": "note_given"}]


@pytest.mark.parametrize(
    ("part", "key", "values", "sentences"),
    [
        (
            "statuses",
            "paused",
            {"label": {"de": "Ruht", "en": "On hold"}},
            ["Der Status „Pausiert“ heißt jetzt „Ruht“."],
        ),
        (
            "statuses",
            "paused",
            {"label": {"de": "Pausiert", "en": "Paused"}},
            ["Status „Pausiert“: Die englische Bezeichnung ist eine andere."],
        ),
        ("statuses", "paused", {"category": "running"}, ["Status „Pausiert“: Er bedeutet jetzt „läuft“."]),
        ("statuses", "paused", {"final": True}, ["Status „Pausiert“: Er ist jetzt ein Ende."]),
        ("statuses", "done", {"final": False}, ["Status „Umgesetzt“: Er ist kein Ende mehr."]),
        (
            "statuses",
            "paused",
            {"public_label": {"de": "Wartet"}},
            ["Status „Pausiert“: Er heißt öffentlich jetzt „Wartet“."],
        ),
        (
            "statuses",
            "paused",
            {"expectation": {"de": "Warten."}},
            ["Status „Pausiert“: Was erwartet wird, ist neu gefasst."],
        ),
        (
            "statuses",
            "paused",
            {"field_rules": [{"field": "result", "rule": "hidden", "roles": ["auditor"]}]},
            ["Status „Pausiert“: Neue Feldregel: Ergebnis: verborgen für Rechnungsprüfung."],
        ),
        (
            "transitions",
            "finish",
            {"label": {"de": "Fertig melden", "en": "Finish"}},
            ["Der Schritt „Umsetzung abschließen“ heißt jetzt „Fertig melden“."],
        ),
        (
            "transitions",
            "finish",
            {"label": {"de": "Umsetzung abschließen"}},
            ["Schritt „Umsetzung abschließen“: Die englische Bezeichnung ist eine andere."],
        ),
        (
            "transitions",
            "finish",
            {"to": "stopped"},
            ["Schritt „Umsetzung abschließen“: Er führt jetzt von „In Umsetzung“ nach „Abgebrochen“."],
        ),
        (
            "transitions",
            "finish",
            {"roles": ["coordinator", "project_lead"]},
            ["Schritt „Umsetzung abschließen“: Ihn gehen jetzt: Koordination, Projektleitung."],
        ),
        (
            "transitions",
            "finish",
            {"four_eyes": True},
            ["Schritt „Umsetzung abschließen“: Jetzt gilt das Vier-Augen-Prinzip."],
        ),
        (
            "transitions",
            "finish",
            {"guards": [*GUARDS, {"guard": "progress_current", "days": 30}]},
            ["Schritt „Umsetzung abschließen“: Neue Bedingung: Sachstand höchstens 30 Tage alt."],
        ),
        (
            "transitions",
            "finish",
            {"guards": GUARDS[:1]},
            ["Schritt „Umsetzung abschließen“: Diese Bedingung entfällt: Begründung angegeben."],
        ),
        (
            "transitions",
            "finish",
            {"guards": [*GUARDS, {"guard": "decision_recorded", "number": "result", "link": "look_again_on"}]},
            [
                "Schritt „Umsetzung abschließen“: Neue Bedingung: Beschluss mit Nummer und Adresse erfasst "
                "(Ergebnis, Wiedervorlage)."
            ],
        ),
        (
            "transitions",
            "finish",
            {"fields": ["look_again_on"]},
            [
                "Schritt „Umsetzung abschließen“: Er fragt jetzt nach „Wiedervorlage“.",
                "Schritt „Umsetzung abschließen“: Er fragt nicht mehr nach „Ergebnis“.",
            ],
        ),
        (
            "transitions",
            "finish",
            {"basis": "design"},
            ["Schritt „Umsetzung abschließen“: Die Quellen sind andere."],
        ),
        ("fields", "result", {"label": {"de": "Ertrag"}}, ["Das Feld „Ergebnis“ heißt jetzt „Ertrag“."]),
        (
            "fields",
            "result",
            {"label": {"de": "Ergebnis"}},
            ["Feld „Ergebnis“: Die englische Bezeichnung ist eine andere."],
        ),
        ("fields", "result", {"type": "text"}, ["Feld „Ergebnis“: Es ist jetzt: kurzer Text."]),
        ("fields", "result", {"hint": {"de": "Kurz"}}, ["Feld „Ergebnis“: Der Hinweis ist neu gefasst."]),
    ],
)
def test_every_change_is_a_plain_sentence(part: str, key: str, values: dict[str, Any], sentences: list[str]) -> None:
    assert said(WORKFLOW, changed(part, key, **values)) == sentences
    assert said(changed(part, key, **values), WORKFLOW) != []


def test_what_is_new_and_what_is_gone_is_said() -> None:
    definition = editing.put(WORKFLOW, "statuses", "acceptance", {"label": LABEL, "category": "running"})
    step = {
        "label": {"de": "Abnehmen"},
        "from": "running",
        "to": "acceptance",
        "roles": ["coordinator"],
        "guards": [],
    }
    definition = editing.put(definition, "transitions", "accept", step)
    definition = editing.put(definition, "fields", "minutes", {"label": {"de": "Niederschrift"}, "type": "text"})
    assert said(WORKFLOW, definition) == [
        "Neuer Status: „Abnahme“.",
        "Neuer Schritt: „Abnehmen“ von „In Umsetzung“ nach „Abnahme“.",
        "Neues Feld: „Niederschrift“.",
    ]
    assert said(definition, WORKFLOW) == [
        "Der Status „Abnahme“ entfällt.",
        "Der Schritt „Abnehmen“ von „In Umsetzung“ nach „Abnahme“ entfällt.",
        "Das Feld „Niederschrift“ entfällt.",
    ]


def test_another_beginning_and_another_order_are_changes_too() -> None:
    assert said(WORKFLOW, editing.set_initial(WORKFLOW, "running")) == [
        "Maßnahmen beginnen jetzt im Status „In Umsetzung“."
    ]
    assert said(WORKFLOW, editing.move(WORKFLOW, "statuses", "done", up=True)) == [
        "Die Status stehen in anderer Reihenfolge."
    ]
    assert said(WORKFLOW, editing.move(WORKFLOW, "transitions", "stop", up=True)) == [
        "Die Schritte stehen in anderer Reihenfolge."
    ]
    assert said(WORKFLOW, editing.move(WORKFLOW, "fields", "result", up=False)) == [
        "Die Felder stehen in anderer Reihenfolge."
    ]


def test_a_workflow_in_which_only_the_order_of_conditions_differs_is_the_same() -> None:
    assert said(WORKFLOW, changed("transitions", "finish", guards=GUARDS[::-1])) == []
