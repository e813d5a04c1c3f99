"""The closed set of guards: each met and not met, in its sentence, with the place where it can be met."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.localized import Localized
from app.core.text import Text, text
from app.organisations.permissions import Role
from app.programmes import guards, workflow
from app.programmes.guards import GUARDS, PARAMETERS, Condition, Facts, Given, Guard, Place
from app.programmes.workflow import Person
from tests.programmes.definitions import ID, definition, label, status, transition

LEAD = Person(ID, frozenset({Role.PROJECT_LEAD}))
VIADUCT, STATION = text("Viadukt"), label("Bahnhof")


def judged(row: dict[str, Any], facts: Facts, given: Given = guards.NOTHING, **values: Any) -> list[Condition]:
    """The conditions of a step with one guard, without that of the role."""
    rules = workflow.build(
        definition(status("a", **values), status("b", final=True), transition("go", "a", "b", guards=[row]))
    )
    return list(workflow.conditions(rules, rules.transitions["go"], LEAD, facts, given)[1:])


CASES: list[tuple[dict[str, Any], Facts, Given, bool, str, Place | None, str | None]] = [
    (
        {"guard": "milestones_approved"},
        Facts(milestones=4, unapproved_milestones=1),
        Given(),
        False,
        "1 von 4 Meilensteinen ist nicht freigegeben",
        Place.MILESTONES,
        None,
    ),
    (
        {"guard": "milestones_approved"},
        Facts(milestones=4, unapproved_milestones=2),
        Given(),
        False,
        "2 von 4 Meilensteinen sind nicht freigegeben",
        Place.MILESTONES,
        None,
    ),
    (
        {"guard": "milestones_approved"},
        Facts(milestones=4),
        Given(),
        True,
        "alle Meilensteine sind freigegeben oder begründet entfallen",
        Place.MILESTONES,
        None,
    ),
    (
        {"guard": "milestones_planned"},
        Facts(),
        Given(),
        False,
        "es gibt keinen Meilensteinplan",
        Place.MILESTONES,
        None,
    ),
    (
        {"guard": "milestones_planned"},
        Facts(milestones=1),
        Given(),
        True,
        "es gibt einen Meilensteinplan",
        Place.MILESTONES,
        None,
    ),
    (
        {"guard": "fields_filled", "fields": ["plan"]},
        Facts(),
        Given(),
        False,
        "Angabe „Feld plan“ fehlt",
        Place.DETAILS,
        None,
    ),
    (
        {"guard": "fields_filled", "fields": ["plan"]},
        Facts(filled=frozenset({"plan"})),
        Given(),
        True,
        "Angabe „Feld plan“ liegt vor",
        Place.DETAILS,
        None,
    ),
    (
        {"guard": "fields_filled", "fields": ["summary"]},
        Facts(filled=frozenset({"plan"})),
        Given(),
        False,
        "Angabe „Kurzbeschreibung“ fehlt",
        Place.DETAILS,
        None,
    ),
    ({"guard": "note_given"}, Facts(), Given(), False, "Begründung fehlt", None, "note"),
    ({"guard": "note_given"}, Facts(), Given(note=" \n "), False, "Begründung fehlt", None, "note"),
    ({"guard": "note_given"}, Facts(), Given(note="Erledigt"), True, "Begründung ist angegeben", None, "note"),
    (
        {"guard": "evidence_attached"},
        Facts(),
        Given(),
        False,
        "Nachweis fehlt: Bitte fügen Sie eine Datei bei",
        None,
        "files",
    ),
    ({"guard": "evidence_attached"}, Facts(), Given(evidence=1), True, "Nachweis ist beigefügt", None, "files"),
    (
        {"guard": "progress_current", "days": 30},
        Facts(),
        Given(),
        False,
        "es gibt noch keinen eingereichten Sachstand",
        Place.PROGRESS,
        None,
    ),
    (
        {"guard": "progress_current", "days": 30},
        Facts(update_age=31),
        Given(),
        False,
        "der letzte Sachstand ist 31 Tage alt, erlaubt sind höchstens 30",
        Place.PROGRESS,
        None,
    ),
    (
        {"guard": "progress_current", "days": 30},
        Facts(update_age=30),
        Given(),
        True,
        "der letzte Sachstand ist höchstens 30 Tage alt",
        Place.PROGRESS,
        None,
    ),
    (
        {"guard": "progress_current", "days": 1},
        Facts(update_age=0),
        Given(),
        True,
        "der letzte Sachstand ist höchstens 1 Tag alt",
        Place.PROGRESS,
        None,
    ),
    (
        {"guard": "grant_notice_recorded"},
        Facts(),
        Given(),
        False,
        "kein Zuwendungsbescheid ist erfasst",
        Place.GRANTS,
        None,
    ),
    (
        {"guard": "grant_notice_recorded"},
        Facts(has_grant_notice=True),
        Given(),
        True,
        "der Zuwendungsbescheid ist erfasst",
        Place.GRANTS,
        None,
    ),
    (
        {"guard": "predecessors_done"},
        Facts(unfinished_predecessors=(VIADUCT,)),
        Given(),
        False,
        "1 Vorgänger ist nicht umgesetzt: Viadukt",
        Place.PREDECESSORS,
        None,
    ),
    (
        {"guard": "predecessors_done"},
        Facts(unfinished_predecessors=(VIADUCT, STATION)),
        Given(),
        False,
        "2 Vorgänger sind nicht umgesetzt: Viadukt, Bahnhof",
        Place.PREDECESSORS,
        None,
    ),
    (
        {"guard": "predecessors_done"},
        Facts(),
        Given(),
        True,
        "alle Vorgänger sind umgesetzt",
        Place.PREDECESSORS,
        None,
    ),
    (
        {"guard": "unit_assigned"},
        Facts(),
        Given(),
        False,
        "keine verantwortliche Stelle ist eingetragen",
        Place.RESPONSIBILITY,
        None,
    ),
    (
        {"guard": "unit_assigned"},
        Facts(has_unit=True),
        Given(),
        True,
        "eine verantwortliche Stelle ist eingetragen",
        Place.RESPONSIBILITY,
        None,
    ),
    (
        {"guard": "role_assigned", "role": "project_lead"},
        Facts(assigned_roles=frozenset({Role.COORDINATOR})),
        Given(),
        False,
        "niemand ist als Projektleitung eingetragen",
        Place.RESPONSIBILITY,
        None,
    ),
    (
        {"guard": "role_assigned", "role": "project_lead"},
        Facts(assigned_roles=frozenset({Role.PROJECT_LEAD})),
        Given(),
        True,
        "die Rolle „Projektleitung“ ist besetzt",
        Place.RESPONSIBILITY,
        None,
    ),
    (
        {"guard": "role_assigned", "role": "department_head"},
        Facts(),
        Given(),
        False,
        "niemand ist als Bereichsleitung eingetragen",
        Place.PEOPLE,
        None,
    ),
]


@pytest.mark.parametrize(("row", "facts", "given", "is_met", "sentence", "place", "input_field"), CASES)
def test_a_guard_says_in_one_sentence_whether_it_is_met_and_where_that_can_be_done(
    row: dict[str, Any],
    facts: Facts,
    given: Given,
    is_met: bool,
    sentence: str,
    place: Place | None,
    input_field: str | None,
) -> None:
    [condition] = judged(row, facts, given)
    assert (condition.is_met, str(condition.sentence)) == (is_met, sentence)
    assert (condition.place, condition.input_field, condition.is_forbidden) == (place, input_field, False)


def test_every_guard_is_seen_met_and_unmet_here() -> None:
    both = {(name, is_met) for name in GUARDS if name != "decision_recorded" for is_met in (True, False)}
    assert {(case[0]["guard"], case[3]) for case in CASES} == both


DECISION = {"guard": "decision_recorded", "number": "number", "link": "link"}


def test_a_decision_needs_its_number_and_its_address_and_the_form_asks_for_both() -> None:
    assert [(str(one.sentence), one.place, one.input_field) for one in judged(DECISION, Facts())] == [
        ("Angabe „Feld number“ fehlt", Place.DETAILS, "number"),
        ("Angabe „Feld link“ fehlt", Place.DETAILS, "link"),
    ]
    given = Given(record={"number": "DS10/2231", "link": "https://rat.example/2231"})
    assert all(condition.is_met for condition in judged(DECISION, Facts(), given))
    assert all(condition.is_met for condition in judged(DECISION, Facts(filled=frozenset({"number", "link"}))))


def test_several_fields_are_named_one_by_one_and_each_once() -> None:
    row = {"guard": "fields_filled", "fields": ["plan", "number", "plan"]}
    assert [
        (condition.is_met, str(condition.sentence)) for condition in judged(row, Facts(filled=frozenset({"plan"})))
    ] == [
        (True, "Angabe „Feld plan“ liegt vor"),
        (False, "Angabe „Feld number“ fehlt"),
    ]


@pytest.mark.parametrize("typed", [None, "", "   "])
def test_what_is_emptied_in_the_form_is_missing_although_it_was_stored(typed: str | None) -> None:
    stored = Facts(filled=frozenset({"number", "link"}))
    number, link = judged(DECISION, stored, Given(record={"number": typed, "link": "https://rat.example/1"}))
    assert (number.is_met, link.is_met) == (False, True)


@pytest.mark.parametrize("typed", ["nein", "0", "0.00"])
def test_no_and_nothing_are_answers_too(typed: str) -> None:
    number, _link = judged(DECISION, Facts(), Given(record={"number": typed}))
    assert number.is_met


def test_what_the_form_does_not_ask_for_cannot_be_given_with_the_step() -> None:
    given = Given(record={"plan": "untergeschoben", "number": "untergeschoben", "link": "https://rat.example/1"})
    [condition] = judged({"guard": "fields_filled", "fields": ["plan"]}, Facts(), given)
    assert not condition.is_met
    read_only = {"field_rules": [{"field": "number", "rule": "read_only"}]}
    number, link = judged(DECISION, Facts(), given, **read_only)
    assert (number.is_met, number.input_field) == (False, None)
    assert (link.is_met, link.input_field) == (True, "link")


@pytest.mark.parametrize(
    ("guard", "words"),
    [
        (Guard("role_assigned", role=Role.PROJECT_LEAD), "Projektleitung eingetragen"),
        (Guard("fields_filled", fields=("plan", "summary")), "ausgefüllt: Plan, Kurzbeschreibung"),
        (Guard("progress_current", days=1), "Sachstand höchstens 1 Tag alt"),
        (Guard("progress_current", days=30), "Sachstand höchstens 30 Tage alt"),
        (Guard("milestones_approved"), "alle Meilensteine freigegeben oder begründet entfallen"),
        (Guard("milestones_planned"), "Meilensteinplan angelegt"),
        (Guard("note_given"), "Begründung angegeben"),
        (Guard("evidence_attached"), "Nachweis beigefügt"),
        (Guard("grant_notice_recorded"), "Zuwendungsbescheid erfasst"),
        (Guard("predecessors_done"), "Vorgänger umgesetzt"),
        (Guard("decision_recorded", number="a", link="b"), "Beschluss mit Nummer und Adresse erfasst"),
        (Guard("unit_assigned"), "verantwortliche Stelle eingetragen"),
    ],
)
def test_a_guard_has_a_name_that_tells_its_parameters(guard: Guard, words: str) -> None:
    labels: dict[str, Text | Localized] = {"plan": label("Plan"), "summary": text("Kurzbeschreibung")}
    assert str(guards.title(guard, labels)) == words


def test_the_set_is_closed_and_its_parameters_are_known() -> None:
    assert {name: kind.needs for name, kind in GUARDS.items()} == {
        "milestones_approved": (),
        "milestones_planned": (),
        "fields_filled": ("fields",),
        "note_given": (),
        "evidence_attached": (),
        "progress_current": ("days",),
        "grant_notice_recorded": (),
        "predecessors_done": (),
        "decision_recorded": ("number", "link"),
        "unit_assigned": (),
        "role_assigned": ("role",),
    }
    assert all(isinstance(kind.name, Text) for kind in GUARDS.values())
    assert set(PARAMETERS) == {parameter for kind in GUARDS.values() for parameter in kind.needs}
