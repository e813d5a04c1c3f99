"""Which definitions of a workflow are unsound, and where."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from app.organisations.permissions import ACTING_ROLES, Role
from app.programmes import soundness, workflow
from app.programmes.guards import ASSIGNABLE_ROLES, Facts, Given
from app.programmes.soundness import MOST_ENTRIES, MOST_FIELDS, MOST_STATUSES, MOST_TRANSITIONS, MOST_WRONG_KEYS
from app.programmes.workflow import Person
from tests.factories import WORKFLOW
from tests.programmes.definitions import (
    FIELDS,
    ID,
    OF_EVERY_MEASURE,
    changed,
    definition,
    definitions,
    lines,
    status,
    transition,
)


def told(definition: dict[str, Any], held_roles: Collection[Role] | None = None) -> list[tuple[str, str, str]]:
    """The findings as path, sentence and level."""
    return [(one.path, str(one.message), one.level) for one in soundness.findings(definition, held_roles)]


def error(path: str, sentence: str) -> tuple[str, str, str]:
    return path, sentence, "error"


def test_a_sound_definition_has_no_finding() -> None:
    assert told(WORKFLOW) == []
    assert told(WORKFLOW, frozenset(ACTING_ROLES)) == []


# -- keys


GUARD = "transitions[0].guards[0]"
KNOWN_GUARDS = (
    "milestones_approved, milestones_planned, fields_filled, note_given, evidence_attached, progress_current, "
    "grant_notice_recorded, predecessors_done, decision_recorded, unit_assigned, role_assigned"
)


def with_guard(**guard: Any) -> dict[str, Any]:
    return changed(transitions__0__guards=[guard])


def with_rule(field: str, rule: str) -> dict[str, Any]:
    return changed(statuses__0__field_rules=[{"field": field, "rule": rule}])


@pytest.mark.parametrize(
    ("definition", "path", "sentence"),
    [
        (
            changed(transitions__3__to="doen"),
            "transitions[3].to",
            "der Status „doen“ ist unbekannt; meinten Sie „done“?",
        ),
        (changed(transitions__3__from="xyz"), "transitions[3].from", "der Status „xyz“ ist unbekannt"),
        (changed(initial="nowhere"), "initial", "der Status „nowhere“ ist unbekannt"),
        (changed(initial="aproved"), "initial", "der Status „aproved“ ist unbekannt; meinten Sie „approved“?"),
        (
            changed(transitions__1__fields=["look_agian_on"]),
            "transitions[1].fields[0]",
            "das Feld „look_agian_on“ ist unbekannt; meinten Sie „look_again_on“?",
        ),
        (changed(transitions__1__fields=["xyz"]), "transitions[1].fields[0]", "das Feld „xyz“ ist unbekannt"),
        # the form of a step asks for the fields of the workflow alone
        (changed(transitions__1__fields=["title"]), "transitions[1].fields[0]", "das Feld „title“ ist unbekannt"),
        (
            with_rule("sumary", "hidden"),
            "statuses[0].field_rules[0].field",
            "das Feld „sumary“ ist unbekannt; meinten Sie „summary“?",
        ),
        (with_rule("title", "hidden"), "statuses[0].field_rules[0].rule", "„Titel“ lässt sich nicht verbergen"),
        (changed(statuses__1__key="approved"), "statuses[1].key", "der Schlüssel „approved“ kommt zweimal vor"),
        (changed(transitions__1__key="start"), "transitions[1].key", "der Schlüssel „start“ kommt zweimal vor"),
        (changed(fields__1__key="result"), "fields[1].key", "der Schlüssel „result“ kommt zweimal vor"),
        (
            changed(fields__1__key="unit"),
            "fields[1].key",
            "„unit“ ist eine Angabe jeder Maßnahme; wählen Sie einen anderen Schlüssel",
        ),
        (changed(transitions__0__roles=[]), "transitions[0].roles", "keine Rolle darf diesen Schritt gehen"),
        (
            changed(transitions__0__roles=["project_lead", "auditor"]),
            "transitions[0].roles[1]",
            "die Rolle „Rechnungsprüfung“ ändert keinen Status",
        ),
        (
            with_guard(guard="moon_is_full"),
            f"{GUARD}.guard",
            f"die Bedingung „moon_is_full“ ist unbekannt; möglich sind: {KNOWN_GUARDS}",
        ),
        (
            with_guard(guard="role_assigned"),
            f"{GUARD}.role",
            "zur Bedingung „role_assigned“ gehört „role“",
        ),
        (
            with_guard(guard="role_assigned", role="auditor"),
            f"{GUARD}.role",
            "die Rolle „Rechnungsprüfung“ trägt niemand bei einer Maßnahme",
        ),
        (
            with_guard(guard="fields_filled", fields=[]),
            f"{GUARD}.fields",
            "zur Bedingung „fields_filled“ gehört „fields“",
        ),
        (
            with_guard(guard="fields_filled", fields=["summary", "reslt"]),
            f"{GUARD}.fields[1]",
            "das Feld „reslt“ ist unbekannt; meinten Sie „result“?",
        ),
        (
            with_guard(guard="note_given", days=3),
            f"{GUARD}.days",
            "die Bedingung „note_given“ kennt „days“ nicht",
        ),
        (
            with_guard(guard="note_given", fields=["result"]),
            f"{GUARD}.fields",
            "die Bedingung „note_given“ kennt „fields“ nicht",
        ),
        (with_guard(guard="progress_current", days=0), f"{GUARD}.days", "erlaubt sind 1 bis 3650 Tage"),
        (with_guard(guard="progress_current", days=3651), f"{GUARD}.days", "erlaubt sind 1 bis 3650 Tage"),
        (
            with_guard(guard="progress_current"),
            f"{GUARD}.days",
            "zur Bedingung „progress_current“ gehört „days“",
        ),
    ],
)
def test_a_key_that_leads_nowhere_is_named_with_its_place(
    definition: dict[str, Any], path: str, sentence: str
) -> None:
    assert error(path, sentence) in told(definition)


def with_decision(number: str | None, link: str | None, types: dict[str, str] | None = None) -> dict[str, Any]:
    guard = {"guard": "decision_recorded", "number": number, "link": link}
    rows = definition(status("a"), status("b", final=True), transition("go", "a", "b", guards=[guard]))
    for field in rows["fields"]:
        field["type"] = (types or {}).get(field["key"], field["type"])
    return rows


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        (with_decision("number", "link"), []),
        (
            with_decision(None, "link"),
            [error(f"{GUARD}.number", "zur Bedingung „decision_recorded“ gehört „number“")],
        ),
        (with_decision("number", None), [error(f"{GUARD}.link", "zur Bedingung „decision_recorded“ gehört „link“")]),
        (with_decision("title", "link"), [error(f"{GUARD}.number", "das Feld „title“ ist unbekannt")]),
        (
            with_decision("number", "link", {"number": "date"}),
            [error(f"{GUARD}.number", "das Feld „number“ muss vom Typ „text“ sein")],
        ),
        (
            with_decision("number", "link", {"link": "text"}),
            [error(f"{GUARD}.link", "das Feld „link“ muss vom Typ „url“ sein")],
        ),
    ],
)
def test_a_decision_names_a_text_field_and_an_address(
    definition: dict[str, Any], expected: list[tuple[str, str, str]]
) -> None:
    assert told(definition) == expected


@pytest.mark.parametrize("days", [1, 3650])
def test_the_least_and_the_most_days_are_allowed(days: int) -> None:
    guarded = changed(transitions__3__guards=[{"guard": "progress_current", "days": days}])
    assert told(guarded) == []


def test_an_empty_definition_has_no_status() -> None:
    empty = {"initial": "a", "statuses": [], "transitions": []}
    assert told(empty) == [error("statuses", "der Ablauf hat keinen Status")]


def test_a_wrong_key_is_mended_before_anything_else_is_looked_at() -> None:
    broken = changed(transitions__3__to="doen", transitions__0__to="done")
    assert [path for path, _sentence, _level in told(broken)] == ["transitions[3].to"]


# -- words


def labelled(*labels: dict[str, str], sources: tuple[str, ...] = ("a", "a")) -> list[tuple[str, str, str]]:
    ways = [transition(f"t{n}", sources[n], "c", label=words) for n, words in enumerate(labels)]
    return told(definition(status("a"), status("b"), status("c", final=True), transition("x", "a", "b"), *ways))


@pytest.mark.parametrize(
    ("one", "other", "named"),
    [
        ({"de": "Los", "en": "Go"}, {"de": "Weiter", "en": "On"}, None),
        ({"de": "Los", "en": "Go"}, {"de": "Los", "en": "On"}, "Los"),
        ({"de": "Los", "en": "Go"}, {"de": " LOS ", "en": "On"}, " LOS "),
        ({"de": "Los  jetzt", "en": "Go"}, {"de": "los jetzt", "en": "On"}, "los jetzt"),
        ({"de": "Schließen", "en": "Go"}, {"de": "SCHLIESSEN", "en": "On"}, "SCHLIESSEN"),
        ({"de": "Los", "en": "Go"}, {"de": "Weiter", "en": "go"}, "go"),
        ({"de": "Los", "en": "Go"}, {"de": "Los", "en": "Go"}, "Los"),
    ],
)
def test_two_steps_from_one_status_have_two_names_in_both_languages(
    one: dict[str, str], other: dict[str, str], named: str | None
) -> None:
    sentence = f"aus demselben Status führt schon ein Schritt namens „{named}“"
    found = [finding for finding in labelled(one, other) if "namens" in finding[1]]
    assert found == ([error("transitions[2].label", sentence)] if named else [])
    assert [finding for finding in labelled(one, other, sources=("a", "b")) if "namens" in finding[1]] == []


def test_a_reader_of_english_sees_two_names_too_where_one_is_not_translated() -> None:
    found = labelled({"de": "Halt", "en": "Stop"}, {"de": "Stop"})
    assert error("transitions[2].label", "aus demselben Status führt schon ein Schritt namens „Stop“") in found


@pytest.mark.parametrize(
    ("path", "place", "missing"),
    [
        ("statuses__0__label", "statuses[0].label", "fehlt"),
        ("statuses__1__public_label", "statuses[1].public_label", "der öffentlichen Bezeichnung fehlt"),
        ("statuses__2__expectation", "statuses[2].expectation", "dessen fehlt, was jetzt erwartet wird"),
        ("transitions__0__label", "transitions[0].label", "fehlt"),
        ("fields__1__label", "fields[1].label", "fehlt"),
        ("fields__0__hint", "fields[0].hint", "des Hinweises fehlt"),
    ],
)
def test_a_missing_translation_warns_and_says_of_what(path: str, place: str, missing: str) -> None:
    definition = changed(**{path: {"de": "Nur deutsch"}})
    assert told(definition) == [(place, f"die englische Fassung {missing}", "warning")]
    assert not soundness.has_errors(soundness.findings(definition))
    assert soundness.has_errors(soundness.findings(changed(initial="nowhere")))


@pytest.mark.parametrize(
    ("other", "is_found"),
    [("In Umsetzung", True), (" in  UMSETZUNG ", True), ("In Umsetzung II", False)],
)
@pytest.mark.parametrize("path", ["statuses__3", "fields__1"])
def test_two_that_a_reader_cannot_tell_apart_warn(path: str, other: str, is_found: bool) -> None:
    first = path.replace("3", "1").replace("fields__1", "fields__0")
    place = path.replace("__", "[") + "].label"
    found = told(
        changed(
            **{
                f"{first}__label": {"de": "In Umsetzung", "en": "Running"},
                f"{path}__label": {"de": other, "en": "Other"},
            }
        )
    )
    sentence = f"„{other}“ gibt es zweimal; wer liest, kann sie nicht unterscheiden"
    assert found == ([(place, sentence, "warning")] if is_found else [])


def test_a_status_and_a_field_may_share_their_name() -> None:
    assert told(changed(fields__0__label={"de": "In Umsetzung", "en": "Running"})) == []


# -- ways


END = status("z", final=True)
TRAP = "Falle: vom Status „{}“ aus ist kein Ende erreichbar"
DEAD_END = "Sackgasse: aus dem Status „{}“ führt kein Schritt, und er ist kein Ende"
UNREACHED = "der Status „{}“ ist vom Anfang aus nicht erreichbar"


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([END], []),
        ([status("a"), END, transition("t", "a", "z")], []),
        ([status("a")], [error("statuses[0]", DEAD_END.format("a"))]),
        ([status("a"), END, transition("t", "a", "a")], None),
        (
            [status("a"), status("b"), END, transition("t", "a", "z"), transition("u", "b", "z")],
            [error("statuses[1]", UNREACHED.format("b"))],
        ),
        # only the dead end is named, not what leads to it
        (
            [status("a"), status("b"), transition("t", "a", "b")],
            [error("statuses[1]", DEAD_END.format("b"))],
        ),
        # a circle without a way out, and the one status whose only way leads into it
        (
            [
                status("a"),
                status("b"),
                status("c"),
                END,
                status("d"),
                transition("t", "a", "b"),
                transition("u", "b", "c"),
                transition("v", "c", "b"),
                transition("w", "a", "z"),
                transition("x", "a", "d"),
                transition("y", "d", "c"),
            ],
            [
                error("statuses[1]", TRAP.format("b")),
                error("statuses[2]", TRAP.format("c")),
                error("statuses[4]", TRAP.format("d")),
            ],
        ),
        (
            [status("a"), status("b"), END, *(transition(f"{x}{y}", x, y) for x, y in ("ab", "ba", "az"))],
            [],
        ),
        (
            [status("a"), status("y", final=True), END, transition("t", "a", "y"), transition("u", "y", "z")],
            [error("statuses[1]", "der Endstatus „y“ hat einen Weg hinaus")],
        ),
        # a step that stays is no way out of an end, and none out of another status
        ([status("a"), END, transition("t", "a", "z"), transition("u", "z", "z")], []),
        (
            [status("a"), status("b"), END, *(transition(f"{x}{y}", x, y) for x, y in ("ab", "bb", "az"))],
            [error("statuses[1]", TRAP.format("b"))],
        ),
    ],
)
def test_ways_that_lead_nowhere(rows: list[dict[str, Any]], expected: list[tuple[str, str, str]] | None) -> None:
    if expected is None:
        expected = [error("statuses[0]", TRAP.format("a")), error("statuses[1]", UNREACHED.format("z"))]
    assert told(definition(*rows)) == expected


def test_a_step_that_asks_a_role_for_what_the_status_keeps_from_it_warns() -> None:
    rules = [{"field": "result", "rule": "hidden", "roles": ["project_lead"]}]
    [(place, said, level)] = told(changed(statuses__1__field_rules=rules))
    assert (place, level) == ("transitions[3].fields", "warning")
    assert said == (
        "der Schritt fragt nach „Ergebnis“, aber Feldregeln in „In Umsetzung“ sperren es für Projektleitung"
    )


@pytest.mark.parametrize(
    ("second", "said", "level"),
    [
        ({"rule": "read_only"}, "für dieses Feld widersprechen sich zwei Regeln: Projektleitung", "error"),
        (
            {"rule": "required"},
            "für dieses Feld gelten zwei Regeln, und die strengere zählt: Projektleitung",
            "warning",
        ),
        ({"rule": "hidden", "roles": ["coordinator"]}, None, None),
    ],
)
def test_two_rules_for_one_field_and_role_are_found(
    second: dict[str, Any], said: str | None, level: str | None
) -> None:
    rules = [
        {"field": "summary", "rule": "required", "roles": ["project_lead"]},
        {"field": "summary", **second},
    ]
    found = told(changed(statuses__1__field_rules=rules))
    assert found == ([("statuses[1].field_rules[1]", said, level)] if said else [])


def test_who_only_watches_is_required_nothing() -> None:
    rules = [{"field": "summary", "rule": "required", "roles": ["funder"]}]
    sentence = "die Rolle „Fördermittelgeber“ füllt nie etwas aus"
    assert told(changed(statuses__1__field_rules=rules)) == [("statuses[1].field_rules[0]", sentence, "warning")]


def test_a_mistake_in_words_hides_no_mistake_in_the_ways() -> None:
    rows = changed(statuses__4__final=False, transitions__4__label={"de": "Pausieren", "en": "Pause"})
    assert {place for place, _said, level in told(rows) if level == "error"} == {
        "transitions[4].label",
        "statuses[4]",
    }


# -- steps that can never be taken


def locked(key: str, *fields: str, rule: str = "read_only", **values: Any) -> dict[str, Any]:
    """A status in which nobody may fill some fields."""
    return status(key, field_rules=[{"field": field, "rule": rule} for field in fields], **values)


def never(field: str) -> str:
    return f"nie erfüllbar: das Feld „Feld {field}“ darf bis hierher niemand ausfüllen"


def imported(path: str, field: str) -> tuple[str, str, str]:
    sentence = f"die Angabe „{field}“ darf bis hierher niemand ausfüllen; sie kann nur mit der Datei der Stadt kommen"
    return path, sentence, "warning"


DECISION = {"guard": "decision_recorded", "number": "number", "link": "link"}
REPORT = {"guard": "progress_current", "days": 30}
NO_REPORT = "nie erfüllbar: in keinem Status bis hierher wird über den Sachstand berichtet"
ONLY_HEADS = {"rule": "read_only", "roles": ["project_lead", "coordinator"]}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([locked("a", "plan"), END, transition("t", "a", "z")], []),
        (
            [locked("a", "plan"), END, transition("t", "a", "z", fields=["number", "plan"])],
            [error("transitions[0].fields[1]", never("plan"))],
        ),
        (
            [locked("a", "plan", rule="hidden"), END, transition("t", "a", "z", fields=["plan"])],
            [error("transitions[0].fields[0]", never("plan"))],
        ),
        ([locked("a", "plan", rule="required"), END, transition("t", "a", "z", fields=["plan"])], []),
        (
            [
                locked("a", "number", "link"),
                END,
                transition("t", "a", "z", guards=[{"guard": "note_given"}, DECISION]),
            ],
            [
                error("transitions[0].guards[1].number", never("number")),
                error("transitions[0].guards[1].link", never("link")),
            ],
        ),
        (
            [
                locked("a", "plan"),
                END,
                transition("t", "a", "z", guards=[{"guard": "fields_filled", "fields": ["summary", "plan"]}]),
            ],
            [error("transitions[0].guards[0].fields[1]", never("plan"))],
        ),
        # what every measure has can have come with the city's file
        (
            [
                locked("a", "summary"),
                END,
                transition("t", "a", "z", guards=[{"guard": "fields_filled", "fields": ["summary"]}]),
            ],
            [imported("transitions[0].guards[0].fields[0]", "Kurzbeschreibung")],
        ),
        (
            [
                locked("a", "summary"),
                status("b"),
                END,
                transition("t", "a", "b"),
                transition("u", "b", "a"),
                transition("v", "a", "z", guards=[{"guard": "fields_filled", "fields": ["summary"]}]),
            ],
            [],
        ),
        (
            [
                locked("a", "ends", rule="hidden"),
                status("z", final=True, field_rules=[{"field": "ends", "rule": "required"}]),
                transition("t", "a", "z"),
            ],
            [imported("transitions[0].to", "Ende")],
        ),
        # who is responsible is for the coordination to say
        (
            [
                status("a", field_rules=[{"field": "unit", "rule": "read_only", "roles": ["coordinator"]}]),
                END,
                transition("t", "a", "z", guards=[{"guard": "fields_filled", "fields": ["lead", "unit"]}]),
            ],
            [imported("transitions[0].guards[0].fields[1]", "Verantwortliche Stelle")],
        ),
        (
            [
                status("a", field_rules=[{"field": "unit", "rule": "read_only", "roles": ["project_lead"]}]),
                END,
                transition("t", "a", "z", guards=[{"guard": "fields_filled", "fields": ["unit"]}]),
            ],
            [],
        ),
        # filled earlier
        (
            [
                status("a"),
                locked("b", "plan"),
                END,
                transition("t", "a", "b"),
                transition("u", "b", "z", fields=["plan"]),
            ],
            [],
        ),
        # filled on an earlier step by those who alone may
        (
            [
                status("a", field_rules=[{"field": "plan"} | ONLY_HEADS]),
                locked("b", "plan"),
                END,
                transition("t", "a", "b", fields=["plan"], roles=["department_head"]),
                transition("u", "b", "z", fields=["plan"]),
            ],
            [],
        ),
        # heads fill nothing among the details, only on a step of theirs
        (
            [
                status("a", field_rules=[{"field": "plan"} | ONLY_HEADS]),
                END,
                transition("t", "a", "z", fields=["plan"]),
            ],
            [error("transitions[0].fields[0]", never("plan"))],
        ),
        # filled only in a status to which nobody comes without it
        (
            [
                locked("a", "plan"),
                status("b"),
                END,
                transition("t", "a", "b", fields=["plan"]),
                transition("u", "b", "a"),
                transition("v", "b", "z"),
            ],
            [error("transitions[0].fields[0]", never("plan"))],
        ),
        # filled only where no way leads back from
        (
            [
                locked("a", "plan"),
                status("b"),
                END,
                transition("t", "a", "z", fields=["plan"]),
                transition("u", "a", "b"),
                transition("v", "b", "z"),
            ],
            [error("transitions[0].fields[0]", never("plan"))],
        ),
        # filled where a way leads back from
        (
            [
                locked("a", "plan"),
                status("b"),
                END,
                transition("t", "a", "z", fields=["plan"]),
                transition("u", "a", "b"),
                transition("v", "b", "a"),
            ],
            [],
        ),
        # required by the status a step leads to
        (
            [
                locked("a", "plan"),
                status("z", final=True, field_rules=[{"field": "plan", "rule": "required"}]),
                transition("t", "a", "z"),
            ],
            [
                error(
                    "transitions[0].to",
                    "nie erfüllbar: der Status „z“ verlangt das Feld „Feld plan“, und bis hierher darf es "
                    "niemand ausfüllen",
                )
            ],
        ),
        (
            [
                locked("a", "plan"),
                status(
                    "z",
                    final=True,
                    field_rules=[{"field": "plan", "rule": "required", "roles": ["project_lead"]}],
                ),
                transition("t", "a", "z", roles=["project_lead", "coordinator"]),
            ],
            [],
        ),
        # named and required: said once
        (
            [
                locked("a", "plan"),
                status("z", final=True, field_rules=[{"field": "plan", "rule": "required"}]),
                transition("t", "a", "z", fields=["plan"]),
            ],
            [error("transitions[0].fields[0]", never("plan"))],
        ),
        # progress
        (
            [status("a"), END, transition("t", "a", "z", guards=[{"guard": "note_given"}, REPORT])],
            [error("transitions[0].guards[1]", NO_REPORT)],
        ),
        ([status("a", category="running"), END, transition("t", "a", "z", guards=[REPORT])], []),
        (
            [
                status("a", category="paused"),
                status("b"),
                END,
                transition("t", "a", "b"),
                transition("u", "b", "z", guards=[REPORT]),
            ],
            [],
        ),
        (
            [
                status("a"),
                status("b", category="running"),
                END,
                transition("t", "a", "b", guards=[REPORT]),
                transition("u", "b", "a"),
                transition("v", "b", "z"),
            ],
            [error("transitions[0].guards[0]", NO_REPORT)],
        ),
        # of what begins where nobody comes only that is said
        (
            [
                status("a"),
                locked("b", "plan"),
                END,
                transition("t", "a", "z"),
                transition("u", "b", "z", fields=["plan"], guards=[REPORT]),
            ],
            [error("statuses[1]", UNREACHED.format("b"))],
        ),
    ],
)
def test_a_step_that_waits_for_what_can_never_be(
    rows: list[dict[str, Any]], expected: list[tuple[str, str, str]]
) -> None:
    assert [one for one in told(definition(*rows)) if "sperren es für" not in one[1]] == expected


@pytest.mark.parametrize("role", Role)
def test_a_guard_waits_only_for_a_role_that_somebody_can_hold_for_a_measure(role: Role) -> None:
    found = told(with_guard(guard="role_assigned", role=str(role)))
    assert (found == []) is (role in ASSIGNABLE_ROLES)


def test_a_step_of_roles_that_nobody_holds_warns() -> None:
    several = changed(transitions__0__roles=["department_head", "coordinator"])
    found = told(several, [Role.PROJECT_LEAD, Role.ADMINISTRATOR])
    nobody = "diesen Schritt kann niemand gehen: in diesem Programm hat niemand die Rolle "
    assert found[0] == ("transitions[0].roles", f"{nobody}Koordination, Bereichsleitung", "warning")
    assert [path for path, _sentence, _level in found] == [f"transitions[{n}].roles" for n in (0, 1, 2, 4)]
    assert told(several, [Role.PROJECT_LEAD, Role.DEPARTMENT_HEAD]) == []
    assert told(several, None) == []
    assert len(told(several, [])) == len(WORKFLOW["transitions"])


# -- too much


def test_ten_thousand_statuses_are_refused_at_once() -> None:
    statuses = [status(f"s{number}") for number in range(10_000)]
    assert told(definition(*statuses)) == [error("statuses", "der Ablauf hat zu viele Status: höchstens 100")]


def big(statuses: int, transitions: int, most_fields: int, **values: Any) -> dict[str, Any]:
    keys = [f"s{number}" for number in range(statuses)]
    names = tuple(f"f{number}" for number in range(most_fields))
    return definition(
        *(status(key, final=key == keys[-1]) for key in keys),
        *(
            transition(f"t{number}", keys[number % (statuses - 1)], keys[(number + 1) % statuses], **values)
            for number in range(transitions)
        ),
        fields=names,
    )


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((MOST_STATUSES, MOST_TRANSITIONS, MOST_FIELDS), []),
        (
            (MOST_STATUSES, MOST_TRANSITIONS + 1, MOST_FIELDS),
            [error("transitions", "der Ablauf hat zu viele Schritte: höchstens 500")],
        ),
        (
            (MOST_STATUSES + 1, MOST_TRANSITIONS, MOST_FIELDS + 1),
            [
                error("statuses", "der Ablauf hat zu viele Status: höchstens 100"),
                error("fields", "der Ablauf hat zu viele Felder: höchstens 200"),
            ],
        ),
    ],
)
def test_there_is_a_most_of_everything(size: tuple[int, int, int], expected: list[tuple[str, str, str]]) -> None:
    assert told(big(*size)) == expected


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("statuses__1__field_rules", "statuses[1].field_rules"),
        ("transitions__2__guards", "transitions[2].guards"),
        ("transitions__2__fields", "transitions[2].fields"),
        ("transitions__2__roles", "transitions[2].roles"),
    ],
)
def test_there_is_a_most_in_every_list(path: str, place: str) -> None:
    items: dict[str, Any] = {
        "field_rules": {"field": "summary", "rule": "read_only"},
        "guards": {"guard": "note_given"},
        "fields": "result",
        "roles": "project_lead",
    }
    item = items[path.rpartition("__")[2]]
    assert told(changed(**{path: [item] * (MOST_ENTRIES + 1)})) == [error(place, "zu viele Einträge: höchstens 500")]
    found = told(changed(**{path: [item] * MOST_ENTRIES}))
    assert not [one for one in found if one[2] == "error"]


def test_of_very_many_wrong_keys_the_first_are_named() -> None:
    found = told(big(2, MOST_TRANSITIONS, 1, fields=["g"]))
    assert [path for path, _sentence, _level in found] == [
        f"transitions[{number}].fields[0]" for number in range(MOST_WRONG_KEYS)
    ]


def rules_for_everybody() -> dict[str, Any]:
    rows = big(MOST_STATUSES, MOST_TRANSITIONS, MOST_FIELDS, fields=[f"f{n}" for n in range(MOST_FIELDS)])
    for row in rows["statuses"]:
        row["field_rules"] = [
            {"field": f"f{number % 5}", "rule": "required", "roles": ["project_lead"]}
            for number in range(MOST_ENTRIES)
        ]
    return rows


@pytest.mark.parametrize(
    "definition",
    [
        big(MOST_STATUSES, MOST_TRANSITIONS, MOST_FIELDS) | {"initial": "s_0"},
        changed(transitions=[transition(f"t{n}", f"approvedx{n}", f"runningx{n}") for n in range(MOST_TRANSITIONS)]),
        big(MOST_STATUSES, MOST_TRANSITIONS, MOST_FIELDS, fields=[f"f_{n}_" for n in range(MOST_ENTRIES)]),
        big(
            MOST_STATUSES,
            MOST_TRANSITIONS,
            MOST_FIELDS,
            guards=[{"guard": "fields_filled", "fields": [f"f{n}" for n in range(MOST_FIELDS)]}],
            roles=["project_lead", "department_head", "coordinator"],
        ),
        big(MOST_STATUSES, MOST_TRANSITIONS, 0, guards=[{"guard": "x" * 80}] * 10),
        rules_for_everybody(),
    ],
    ids=["sound", "unknown statuses", "unknown fields", "many needs", "unknown guards", "many rules"],
)
def test_nothing_takes_long(definition: dict[str, Any]) -> None:
    began = time.process_time()
    found = soundness.findings(definition)
    assert time.process_time() - began < 3
    assert len(found) <= MOST_WRONG_KEYS + MOST_TRANSITIONS


# -- any workflow: every walk, by brute force


class Walks:
    """Where measures can come, found by multiplying out all walks; written from the definition as it stands."""

    def __init__(self, definition: dict[str, Any]) -> None:
        self.definition = definition
        self.keys = [row["key"] for row in definition["statuses"]]
        self.finals = {row["key"] for row in definition["statuses"] if row["final"]}

    def connected(self, pairs: set[tuple[Any, Any]], places: list[Any]) -> set[tuple[Any, Any]]:
        """All pairs between which a walk leads, by Warshall's algorithm; every place leads to itself."""
        ends = {place: {place} | {end for start, end in pairs if start == place} for place in places}
        for middle in places:
            for start in places:
                if middle in ends[start]:
                    ends[start] |= ends[middle]
        return {(start, end) for start in places for end in ends[start]}

    @property
    def pairs(self) -> set[tuple[str, str]]:
        return {(row["from"], row["to"]) for row in self.definition["transitions"]}

    def ways(self) -> Iterator[tuple[str, str]]:
        joined = self.connected(self.pairs, self.keys)
        stuck = {
            key for key in self.keys if key not in self.finals and not any(key == start for start, _ in self.pairs)
        }
        for number, key in enumerate(self.keys):
            path = f"statuses[{number}]"
            if (self.keys[0], key) not in joined:
                yield "unreached", path
            if key in stuck:
                yield "dead end", path
            if not any((key, end) in joined for end in self.finals | stuck):
                yield "trap", path
            if key in self.finals and any(start == key != end for start, end in self.pairs):
                yield "way out", path

    def may_fill(self, status: str, field: str, role: str) -> bool:
        return self.rule(status, field, role) in ("required", "optional")

    def rule(self, status: str, field: str, role: str) -> str:
        [row] = [row for row in self.definition["statuses"] if row["key"] == status]
        named = {
            rule["rule"]
            for rule in row["field_rules"]
            if rule["field"] == field and role in rule.get("roles", [role])
        }
        return next((rule for rule in ("hidden", "read_only", "required") if rule in named), "optional")

    def named(self, row: dict[str, Any]) -> Iterator[tuple[str, str]]:
        for number, guard in enumerate(row["guards"]):
            for index, field in enumerate(guard.get("fields", [])):
                yield f"guards[{number}].fields[{index}]", field
            for name in ("number", "link"):
                if name in guard:
                    yield f"guards[{number}].{name}", guard[name]
        for index, field in enumerate(row["fields"]):
            yield f"fields[{index}]", field

    def fills(self, row: dict[str, Any], field: str, role: str) -> bool:
        """Whether somebody with one role fills a field on a step."""
        asked = {name for place, name in self.named(row) if not place.endswith("]") or place.startswith("fields")}
        return field in asked and self.may_fill(row["from"], field, role)

    def needs(self, row: dict[str, Any], field: str, role: str) -> bool:
        return field in {name for _, name in self.named(row)} or self.rule(row["to"], field, role) == "required"

    def can_go(self, row: dict[str, Any], field: str, *, has: bool) -> set[bool]:
        """Whether the field may be filled after the step; nothing where it cannot be taken."""
        if has:
            return {True}
        return {
            self.fills(row, field, role)
            for role in row["roles"]
            if self.fills(row, field, role) or not self.needs(row, field, role)
        }

    def never_filled(self) -> Iterator[tuple[str, str]]:
        for field in (*FIELDS, *OF_EVERY_MEASURE):
            places = [(key, has) for key in self.keys for has in (False, True)]
            pairs = {
                ((row["from"], has), (row["to"], then))
                for row in self.definition["transitions"]
                for has in (False, True)
                for then in self.can_go(row, field, has=has)
            } | {
                ((key, False), (key, True))
                for key in self.keys
                if self.may_fill(key, field, "coordinator")
                or (field not in ("lead", "unit") and self.may_fill(key, field, "project_lead"))
            }
            joined = self.connected(pairs, places)
            for number, row in self.reachable_steps():
                stands = [has for has in (False, True) if ((self.keys[0], False), (row["from"], has)) in joined]
                if any(self.can_go(row, field, has=has) for has in stands or [False]):
                    continue
                found = [place for place, name in self.named(row) if name == field] or ["to"]
                kind_of = "only imported" if field in OF_EVERY_MEASURE else "never filled"
                yield from ((kind_of, f"transitions[{number}].{place}") for place in found)

    def reachable_steps(self) -> list[tuple[int, dict[str, Any]]]:
        joined = self.connected(self.pairs, self.keys)
        rows = enumerate(self.definition["transitions"])
        return [(number, row) for number, row in rows if (self.keys[0], row["from"]) in joined]

    def never_reported(self) -> Iterator[tuple[str, str]]:
        def waits(row: dict[str, Any]) -> bool:
            return any(guard["guard"] == "progress_current" for guard in row["guards"])

        running = {row["key"] for row in self.definition["statuses"] if row["category"] in ("running", "paused")}
        pairs = {
            ((row["from"], has), (row["to"], has))
            for row in self.definition["transitions"]
            for has in (False, True)
            if has or not waits(row)
        } | {((key, False), (key, True)) for key in running}
        joined = self.connected(pairs, [(key, has) for key in self.keys for has in (False, True)])
        for number, row in self.reachable_steps():
            if ((self.keys[0], False), (row["from"], True)) not in joined:
                for index, guard in enumerate(row["guards"]):
                    if guard["guard"] == "progress_current":
                        yield "never reported", f"transitions[{number}].guards[{index}]"

    def held_by_nobody(self, held: Collection[Role]) -> Iterator[tuple[str, str]]:
        for number, row in enumerate(self.definition["transitions"]):
            if not any(Role(role) in held for role in row["roles"]):
                yield "nobody", f"transitions[{number}].roles"


NOT_SEARCHED = ("zwei Regeln", "füllt nie etwas aus", "sperren es für")
"""What is read off two lines of a definition, and has tests of its own."""
KINDS = {
    "nicht erreichbar": "unreached",
    "Sackgasse": "dead end",
    "Falle": "trap",
    "Weg hinaus": "way out",
    "nie erfüllbar: das Feld": "never filled",
    "und bis hierher darf es": "never filled",
    "nur mit der Datei": "only imported",
    "Sachstand": "never reported",
    "kann niemand gehen": "nobody",
}


def kind(sentence: str) -> str:
    [found] = {kind for words, kind in KINDS.items() if words in sentence}
    return found


@settings(max_examples=300, deadline=None)
@given(definitions() | lines(), st.frozensets(st.sampled_from(ACTING_ROLES), min_size=1))
def test_the_findings_are_those_of_a_search_through_every_walk(
    definition: dict[str, Any], held: frozenset[Role]
) -> None:
    walks = Walks(definition)
    expected = {
        *walks.ways(),
        *walks.never_filled(),
        *walks.never_reported(),
        *walks.held_by_nobody(held),
    }
    looked_for = (one for one in told(definition, held) if not any(words in one[1] for words in NOT_SEARCHED))
    found = [(kind(sentence), path) for path, sentence, _level in looked_for]
    assert set(found) == expected
    for one in {name for name, _path in found} or {"sound"}:
        event(one)


@pytest.mark.parametrize("kind_of_finding", sorted(set(KINDS.values())))
def test_the_search_finds_each_kind(kind_of_finding: str) -> None:
    rows = {
        "unreached": [status("a"), END, status("b"), transition("t", "a", "z"), transition("u", "b", "z")],
        "dead end": [status("a"), status("b"), transition("t", "a", "b")],
        "trap": [status("a"), transition("t", "a", "a")],
        "way out": [status("a", final=True), status("b", final=True), transition("t", "a", "b")],
        "never filled": [locked("a", "plan"), END, transition("t", "a", "z", fields=["plan"])],
        "only imported": [
            locked("a", "summary"),
            END,
            transition("t", "a", "z", guards=[{"guard": "fields_filled", "fields": ["summary"]}]),
        ],
        "never reported": [status("a"), END, transition("t", "a", "z", guards=[REPORT])],
        "nobody": [status("a"), END, transition("t", "a", "z")],
    }[kind_of_finding]
    one = definition(*(plain(row) for row in rows))
    walks = Walks(one)
    found = {*walks.ways(), *walks.never_filled(), *walks.never_reported(), *walks.held_by_nobody([Role.COORDINATOR])}
    assert kind_of_finding in {name for name, _path in found}


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row with all that random definitions spell out."""
    return row if "from" in row else {"final": False, "field_rules": []} | row


# -- any sound workflow: measures come to an end


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(lines())
def test_in_a_sound_workflow_everybody_together_bring_every_measure_to_an_end(definition: dict[str, Any]) -> None:
    assume(not soundness.has_errors(soundness.findings(definition)))
    rules = workflow.build(definition)
    facts = Facts(
        milestones=1,
        has_unit=True,
        has_grant_notice=True,
        assigned_roles=frozenset(ASSIGNABLE_ROLES),
        update_age=0,
        filled=frozenset(rules.labels),
    )
    people = [Person(ID, frozenset({role})) for role in ACTING_ROLES]
    typed = Given("Erledigt", dict.fromkeys(rules.fields, "DS10/2231"), evidence=1)
    leads_on = {
        (step.source, step.target)
        for step in rules.transitions.values()
        if any(not workflow.unmet(rules, step, person, facts, typed) for person in people)
    }
    ended = {key for key, row in rules.statuses.items() if row.final}
    for _ in rules.statuses:
        ended |= {source for source, target in leads_on if target in ended}
    assert ended == set(rules.statuses)
    event(f"{len(rules.statuses)} statuses")
