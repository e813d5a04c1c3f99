"""Workflows as data: what may happen next, for whom, and what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from app.core.text import text
from app.organisations.permissions import ACTING_ROLES, ROLE_NAMES, Role
from app.programmes import guards, workflow
from app.programmes.access import MEASURE_FIELDS
from app.programmes.guards import Condition, Facts, Given, Place
from app.programmes.workflow import (
    CATEGORY_NAMES,
    FINISHED_CATEGORIES,
    REPORTED_CATEGORIES,
    Category,
    FieldType,
    Person,
    Workflow,
)
from tests.factories import WORKFLOW
from tests.programmes.definitions import (
    FIELDS,
    ID,
    OF_EVERY_MEASURE,
    OTHER_ID,
    THIRD_ID,
    changed,
    definition,
    definitions,
    label,
    lines,
    status,
    transition,
)

RULES = workflow.build(WORKFLOW)
LEAD = Person(ID, frozenset({Role.PROJECT_LEAD}))
HEAD = Person(ID, frozenset({Role.DEPARTMENT_HEAD}))
BOTH = Person(ID, LEAD.roles | HEAD.roles)
SYSTEM = Person(None, frozenset())
READY = Facts(milestones=4, has_unit=True)
FOUR_EYES = (
    "Vier-Augen-Prinzip: Sie haben die Maßnahme zuletzt geändert oder in diesen Status gebracht; "
    "den Schritt geht jemand anderes"
)


def unmet(rules: Workflow, key: str, person: Person, facts: Facts, given: Given = guards.NOTHING) -> list[str]:
    """What stands in the way of a step, in German."""
    return sentences(workflow.unmet(rules, rules.transitions[key], person, facts, given))


def sentences(conditions: tuple[Condition, ...]) -> list[str]:
    return [str(condition.sentence) for condition in conditions]


# -- the steps of the small city


def test_a_step_goes_when_everything_is_met() -> None:
    done = Given(note="Erledigt", record={"result": "Strecke eröffnet"})
    assert unmet(RULES, "finish", LEAD, READY, done) == []


def test_why_not_names_every_unmet_condition_and_no_met_one() -> None:
    facts = Facts(milestones=4, unapproved_milestones=2, has_unit=True)
    assert unmet(RULES, "finish", HEAD, facts) == [
        "bei dieser Maßnahme kann das nur: Projektleitung",
        "2 von 4 Meilensteinen sind nicht freigegeben",
        "Begründung fehlt",
        "Angabe „Ergebnis“ fehlt",
    ]
    assert unmet(RULES, "finish", LEAD, facts, Given("x", {"result": "y"})) == [
        "2 von 4 Meilensteinen sind nicht freigegeben"
    ]


def test_a_step_of_several_roles_names_them_all() -> None:
    rules = workflow.build(changed(transitions__0__roles=["department_head", "coordinator", "project_lead"]))
    [role, *_others] = workflow.conditions(rules, rules.transitions["start"], SYSTEM, READY)
    assert str(role.sentence) == "bei dieser Maßnahme kann das nur: Koordination, Projektleitung, Bereichsleitung"
    assert (role.is_met, role.is_forbidden, role.input_field) == (False, True, None)
    [role, *_others] = workflow.conditions(rules, rules.transitions["start"], LEAD, READY)
    assert str(role.sentence) == "Ihre Rolle darf diesen Schritt gehen: Koordination, Projektleitung, Bereichsleitung"
    assert (role.is_met, role.is_forbidden) == (True, False)


def test_every_way_out_is_offered_in_the_order_of_the_definition() -> None:
    offers = workflow.available(RULES, "running", BOTH, READY)
    assert [offer.transition.key for offer in offers] == ["pause", "finish", "stop"]
    assert workflow.available(RULES, "done", BOTH, READY) == ()
    assert workflow.available(RULES, None, BOTH, READY) == ()


def test_what_the_form_can_give_does_not_close_the_form() -> None:
    offers = {offer.transition.key: offer for offer in workflow.available(RULES, "running", BOTH, READY)}
    assert offers["finish"].is_open
    assert sentences(offers["finish"].unmet) == ["Begründung fehlt", "Angabe „Ergebnis“ fehlt"]
    assert [condition.input_field for condition in offers["finish"].unmet] == ["note", "result"]
    blocked = Facts(milestones=1, unapproved_milestones=1)
    offers = {offer.transition.key: offer for offer in workflow.available(RULES, "running", LEAD, blocked)}
    assert not offers["finish"].is_open
    assert not offers["stop"].is_open


# -- fields


STRICT = workflow.build(
    definition(
        status(
            "draft",
            field_rules=[{"field": "number", "rule": "read_only", "roles": ["project_lead", "department_head"]}],
        ),
        status(
            "filed",
            field_rules=[
                {"field": "plan", "rule": "required"},
                {"field": "summary", "rule": "required", "roles": ["project_lead"]},
            ],
        ),
        status("closed", final=True),
        transition(
            "file",
            "draft",
            "filed",
            roles=["project_lead", "coordinator", "department_head"],
            fields=["number"],
            guards=[{"guard": "decision_recorded", "number": "number", "link": "link"}],
        ),
        transition("add", "filed", "filed"),
        transition("close", "filed", "closed"),
    )
)
COORDINATOR = Person(ID, frozenset({Role.COORDINATOR}))
PLAN, NUMBER, LINK = ("Angabe „Feld plan“ fehlt", "Angabe „Feld number“ fehlt", "Angabe „Feld link“ fehlt")
SUMMARY = "Angabe „Kurzbeschreibung“ fehlt"


def test_the_form_of_a_step_asks_for_what_its_person_may_fill() -> None:
    file = STRICT.transitions["file"]
    assert STRICT.asked(file, COORDINATOR.roles) == ("number", "link")
    assert STRICT.asked(file, LEAD.roles) == ("link",)
    assert STRICT.asked(file, LEAD.roles | COORDINATOR.roles) == ("number", "link")


def test_what_the_next_status_requires_must_be_there_before_the_step() -> None:
    assert unmet(STRICT, "file", COORDINATOR, Facts()) == [NUMBER, LINK, PLAN]
    assert unmet(STRICT, "file", LEAD, Facts()) == [NUMBER, LINK, PLAN, SUMMARY]
    assert unmet(STRICT, "file", LEAD, Facts(filled=frozenset({"number", "link", "plan", "summary"}))) == []


def test_who_may_not_fill_a_required_field_is_sent_to_where_others_can() -> None:
    offer = workflow.offer(STRICT, STRICT.transitions["file"], LEAD, Facts())
    fields = {str(condition.sentence): (condition.input_field, condition.place) for condition in offer.unmet}
    assert fields == {
        NUMBER: (None, Place.DETAILS),
        LINK: ("link", Place.DETAILS),
        PLAN: (None, Place.DETAILS),
        SUMMARY: (None, Place.DETAILS),
    }
    assert not offer.is_open


def test_a_step_back_to_its_own_status_asks_what_that_status_requires() -> None:
    assert unmet(STRICT, "add", LEAD, Facts()) == [PLAN, SUMMARY]
    assert unmet(STRICT, "add", LEAD, Facts(filled=frozenset({"plan", "summary"}))) == []
    assert unmet(STRICT, "close", LEAD, Facts()) == []


def test_a_guard_that_stands_twice_is_named_once() -> None:
    twice = [{"guard": "milestones_planned"}, {"guard": "milestones_planned"}]
    assert unmet(workflow.build(changed(transitions__0__guards=twice)), "start", LEAD, Facts()) == [
        "es gibt keinen Meilensteinplan"
    ]
    roles = [{"guard": "role_assigned", "role": role} for role in ("project_lead", "coordinator")]
    assert len(unmet(workflow.build(changed(transitions__0__guards=roles)), "start", LEAD, Facts())) == 2


def test_a_field_is_asked_for_and_named_once_however_often_it_is_needed() -> None:
    rules = workflow.build(
        definition(
            status("a"),
            status("b", final=True, field_rules=[{"field": "link", "rule": "required"}]),
            transition(
                "go",
                "a",
                "b",
                fields=["link", "number", "link"],
                guards=[
                    {"guard": "fields_filled", "fields": ["plan", "number"]},
                    {"guard": "decision_recorded", "number": "number", "link": "link"},
                    {"guard": "fields_filled", "fields": ["number", "plan"]},
                ],
            ),
        )
    )
    assert rules.asked(rules.transitions["go"], LEAD.roles) == ("link", "number")
    assert unmet(rules, "go", LEAD, Facts()) == [PLAN, NUMBER, LINK]


@pytest.mark.parametrize(("typed", "is_met"), [("ja", True), ("nein", True), (None, False), ("", False)])
def test_a_yes_no_field_is_answered_by_yes_and_by_no(typed: str | None, is_met: bool) -> None:
    rules = workflow.build(changed(fields__0__type="yes_no"))
    assert rules.fields["result"].type is FieldType.YES_NO
    assert (unmet(rules, "finish", LEAD, READY, Given("x", {"result": typed})) == []) is is_met


# -- four eyes


EYES = workflow.build(changed(transitions__0__four_eyes=True))
INVOLVED = Facts(milestones=1, has_unit=True, involved_ids=frozenset({ID, OTHER_ID}))


def four_eyes_condition(person: Person, facts: Facts, reason: str = "") -> Condition:
    step = EYES.transitions["start"]
    return workflow.conditions(EYES, step, person, facts, Given(override_reason=reason))[1]


def test_who_is_involved_leaves_a_step_of_four_eyes_to_somebody_else() -> None:
    condition = four_eyes_condition(LEAD, INVOLVED)
    assert (condition.is_met, str(condition.sentence)) == (False, FOUR_EYES)
    assert (condition.is_forbidden, condition.input_field) == (True, None)
    other = four_eyes_condition(Person(THIRD_ID, LEAD.roles), INVOLVED)
    assert other.is_met
    assert str(other.sentence) == "Vier-Augen-Prinzip: Sie haben die Maßnahme nicht selbst hierher gebracht"
    assert unmet(RULES, "start", LEAD, INVOLVED) == []


def test_an_emergency_opens_the_form_and_demands_its_reason() -> None:
    facts = Facts(milestones=1, has_unit=True, involved_ids=frozenset({ID}), allows_override=True)
    condition = four_eyes_condition(LEAD, facts)
    assert (condition.is_met, condition.is_forbidden, condition.input_field) == (False, False, "override_reason")
    assert workflow.offer(EYES, EYES.transitions["start"], LEAD, facts).is_open
    assert not four_eyes_condition(LEAD, facts, " \n").is_met
    condition = four_eyes_condition(LEAD, facts, "Stichtag heute")
    assert condition.is_met
    assert str(condition.sentence) == "Vier-Augen-Prinzip im Notfall übergangen, mit Begründung"


def test_a_reason_is_no_way_past_four_eyes_where_the_programme_allows_none() -> None:
    assert not four_eyes_condition(LEAD, INVOLVED, "Stichtag heute").is_met


def test_the_system_takes_no_step_of_four_eyes_even_in_an_emergency() -> None:
    condition = four_eyes_condition(SYSTEM, Facts(allows_override=True), "Stichtag heute")
    assert (condition.is_met, condition.is_forbidden, condition.input_field) == (False, True, None)


# -- definitions


def test_a_definition_is_read_with_all_it_says() -> None:
    rules = workflow.build(
        definition(
            status("a", public_label={"de": "öffentlich", "en": "public"}, expectation={"de": "Warten."}),
            status("b", final=True, category="done"),
            transition("go", "a", "b", four_eyes=True, guards=[{"guard": "progress_current", "days": 30}]),
        )
        | {"fields": [{"key": "plan", "label": {"de": "Plan"}, "type": "url", "hint": {"de": "Adresse"}}]}
    )
    first, last = rules.statuses.values()
    assert (rules.initial, first.final, last.final, last.category) == ("a", False, True, Category.DONE)
    assert (str(first.told), str(last.told), str(first.expectation)) == ("öffentlich", "b", "Warten.")
    assert (first.told.in_language("en"), last.expectation) == ("public", None)
    step = rules.transitions["go"]
    assert (step.source, step.target, step.four_eyes, step.guards[0].days) == ("a", "b", True, 30)
    assert step.roles == LEAD.roles
    field = rules.fields["plan"]
    assert (field.type, str(field.label), str(field.hint)) == (FieldType.URL, "Plan", "Adresse")
    assert rules.labels["plan"] == field.label
    assert str(rules.labels["title"]) == "Titel"
    assert rules.labels.keys() == {*MEASURE_FIELDS, "plan"}


def test_what_a_definition_leaves_out_is_nothing() -> None:
    row = {"key": "go", "from": "a", "to": "a", "label": {"de": "Los"}, "roles": ["coordinator"]}
    rules = workflow.build(
        {
            "initial": "a",
            "statuses": [{"key": "a", "label": {"de": "A"}, "category": "planned"}],
            "transitions": [row],
        }
    )
    step = rules.transitions["go"]
    assert (step.guards, step.fields, step.four_eyes, rules.fields) == ((), (), False, {})
    assert (rules.statuses["a"].field_rules, rules.statuses["a"].public_label) == ((), None)


def test_every_category_has_a_name_and_some_have_a_meaning() -> None:
    assert CATEGORY_NAMES.keys() == set(Category)
    assert {"running", "paused"} == REPORTED_CATEGORIES
    assert {"done", "settled"} == FINISHED_CATEGORIES


# -- any workflow, any person, any measure: the rules once more, in the plainest way


people = st.builds(
    Person,
    account_id=st.sampled_from([ID, OTHER_ID, None]),
    roles=st.frozensets(st.sampled_from(Role), max_size=3) | st.just(frozenset(ACTING_ROLES)),
)
field_keys = st.frozensets(st.sampled_from([*FIELDS, *OF_EVERY_MEASURE]))
facts_of_measures = st.builds(
    Facts,
    milestones=st.integers(2, 4),
    unapproved_milestones=st.integers(0, 2),
    has_unit=st.booleans(),
    has_grant_notice=st.booleans(),
    assigned_roles=st.frozensets(st.sampled_from([Role.COORDINATOR, Role.PROJECT_LEAD, Role.DEPARTMENT_HEAD])),
    update_age=st.none() | st.integers(0, 100),
    unfinished_predecessors=st.sampled_from([(), (text("Viadukt"),), (text("Viadukt"), label("Bahnhof"))]),
    filled=field_keys,
    involved_ids=st.frozensets(st.sampled_from([ID, OTHER_ID])),
    allows_override=st.booleans(),
)
ready_facts = st.builds(
    Facts,
    milestones=st.just(1),
    has_unit=st.just(value=True),
    has_grant_notice=st.just(value=True),
    assigned_roles=st.just(frozenset(Role)),
    update_age=st.just(0),
    filled=st.just(frozenset([*FIELDS, *OF_EVERY_MEASURE])) | field_keys,
    involved_ids=st.frozensets(st.sampled_from([ID, OTHER_ID])),
    allows_override=st.booleans(),
)
typed_values = st.sampled_from(["", "  ", "DS10/2231", None])
givens = st.builds(
    Given,
    note=st.sampled_from(["", " ", "Erledigt"]),
    record=st.dictionaries(st.sampled_from([*FIELDS, *OF_EVERY_MEASURE]), typed_values),
    evidence=st.integers(0, 1),
    override_reason=st.sampled_from(["", " ", "Stichtag heute"]),
)

EVERYTHING = Given("Erledigt", dict.fromkeys([*FIELDS, *OF_EVERY_MEASURE], "DS10/2231"), 1, "Stichtag heute")
ready_givens = st.just(EVERYTHING)

LEVELS = ("hidden", "read_only", "required", "optional")


class Oracle:
    """One step for one person, judged from the definition as it is written."""

    def __init__(
        self, definition: dict[str, Any], row: dict[str, Any], person: Person, facts: Facts, given: Given
    ) -> None:
        self.definition, self.row, self.person, self.facts, self.given = definition, row, person, facts, given

    def level(self, status: str, field: str) -> str:
        [entry] = [one for one in self.definition["statuses"] if one["key"] == status]
        per_role = []
        for role in [str(role) for role in self.person.roles] or [""]:
            level = "optional" if role in ACTING_ROLES else "read_only"
            for rule in entry["field_rules"]:
                if rule["field"] == field and ("roles" not in rule or role in rule["roles"]):
                    level = min(level, rule["rule"], key=LEVELS.index)
            per_role.append(level)
        return max(per_role, key=LEVELS.index)

    def is_asked(self, field: str) -> bool:
        decided = any(field in (guard.get("number"), guard.get("link")) for guard in self.row["guards"])
        named = field in self.row["fields"] or decided
        return named and self.level(self.row["from"], field) in ("required", "optional")

    def is_filled(self, field: str) -> bool:
        if self.is_asked(field) and field in self.given.record:
            return bool((self.given.record[field] or "").strip())
        return field in self.facts.filled

    def needed_fields(self) -> set[str]:
        named = {*self.row["fields"]}
        for guard in self.row["guards"]:
            named |= {*guard.get("fields", [])} | {guard[name] for name in ("number", "link") if name in guard}
        everything = [*FIELDS, *OF_EVERY_MEASURE]
        return named | {field for field in everything if self.level(self.row["to"], field) == "required"}

    def verdicts(self) -> Iterator[tuple[str, bool, bool]]:
        """What there is to meet, whether it is met, and whether the form of the step could still meet it."""
        yield "role", any(role in self.row["roles"] for role in self.person.roles), False
        if self.row["four_eyes"]:
            yield self.four_eyes()
        for guard in self.row["guards"]:
            if guard["guard"] not in ("fields_filled", "decision_recorded"):
                yield self.guard(guard)
        for field in self.needed_fields():
            yield f"field {field}", self.is_filled(field), self.is_asked(field)

    def four_eyes(self) -> tuple[str, bool, bool]:
        if self.person.account_id is None:
            return "four_eyes", False, False
        if self.person.account_id not in self.facts.involved_ids:
            return "four_eyes", True, False
        allowed = self.facts.allows_override
        return "four_eyes", allowed and self.given.override_reason.strip() != "", allowed

    def guard(self, guard: dict[str, Any]) -> tuple[str, bool, bool]:
        facts, name = self.facts, guard["guard"]
        met = {
            "milestones_approved": facts.unapproved_milestones == 0,
            "milestones_planned": facts.milestones > 0,
            "note_given": self.given.note.strip() != "",
            "evidence_attached": self.given.evidence > 0,
            "grant_notice_recorded": facts.has_grant_notice,
            "predecessors_done": facts.unfinished_predecessors == (),
            "unit_assigned": facts.has_unit,
            "progress_current": facts.update_age is not None and facts.update_age <= guard.get("days", 0),
            "role_assigned": guard.get("role") in facts.assigned_roles,
        }[name]
        detail = f"{guard.get('role', '')}{guard.get('days', '')}"
        return f"{name} {detail}", met, name in ("note_given", "evidence_attached")


SAYS = {
    "role": ("Ihre Rolle darf", "bei dieser Maßnahme kann das nur"),
    "four_eyes": ("Vier-Augen-Prinzip", "Vier-Augen-Prinzip: Sie haben die Maßnahme zuletzt"),
    "milestones_approved": ("alle Meilensteine sind", "Meilensteinen"),
    "milestones_planned": ("es gibt einen Meilensteinplan", "es gibt keinen Meilensteinplan"),
    "note_given": ("Begründung ist angegeben", "Begründung fehlt"),
    "evidence_attached": ("Nachweis ist beigefügt", "Nachweis fehlt"),
    "grant_notice_recorded": ("der Zuwendungsbescheid ist", "kein Zuwendungsbescheid"),
    "predecessors_done": ("alle Vorgänger sind umgesetzt", "nicht umgesetzt:"),
    "unit_assigned": ("eine verantwortliche Stelle", "keine verantwortliche Stelle"),
    "progress_current": ("der letzte Sachstand ist höchstens", "Sachstand"),
    "role_assigned": ("die Rolle „", "niemand ist als"),
    "field": ("liegt vor", "fehlt"),
}
"""How each condition is recognised in a sentence, met and unmet."""


def word(rules: Workflow, name: str) -> str:
    """A word that tells one condition from others of its kind."""
    kind, _, detail = name.partition(" ")
    if kind == "field":
        return f"Angabe „{rules.labels[detail]}“"
    if kind == "role_assigned":
        return str(ROLE_NAMES[Role(detail)])
    return ""


def find(conditions: tuple[Condition, ...], rules: Workflow, name: str, is_met: bool) -> Condition:
    words = SAYS[name.partition(" ")[0]][0 if is_met else 1]
    return next(one for one in conditions if words in str(one.sentence) and word(rules, name) in str(one.sentence))


@given(st.data(), definitions() | lines(), people, facts_of_measures | ready_facts, givens | ready_givens)
def test_a_person_is_told_exactly_what_stands_in_the_way(
    data: st.DataObject, definition: dict[str, Any], person: Person, facts: Facts, given: Given
) -> None:
    rules = workflow.build(definition)
    row = data.draw(st.sampled_from(definition["transitions"]))
    verdicts = {
        name: (met, formable) for name, met, formable in Oracle(definition, row, person, facts, given).verdicts()
    }
    conditions = workflow.conditions(rules, rules.transitions[row["key"]], person, facts, given)
    assert len(conditions) == len(verdicts)
    for name, (is_met, _formable) in verdicts.items():
        assert find(conditions, rules, name, is_met).is_met is is_met, name
    missing = workflow.unmet(rules, rules.transitions[row["key"]], person, facts, given)
    assert missing == tuple(one for one in conditions if not one.is_met)
    assert len(missing) == sum(not is_met for is_met, _formable in verdicts.values())
    event("refused" if missing else "taken")


def completed(unmet: tuple[Condition, ...]) -> Given:
    """What somebody types who fills exactly the inputs that the unmet conditions name."""
    inputs = {condition.input_field for condition in unmet}
    return Given(
        note="Erledigt" if "note" in inputs else "",
        record={key: "DS10/2231" for key in FIELDS if key in inputs},
        evidence=1 if "files" in inputs else 0,
        override_reason="Stichtag heute" if "override_reason" in inputs else "",
    )


@given(definitions() | lines(), people, facts_of_measures | ready_facts)
def test_a_form_opens_exactly_where_filling_it_lets_the_step_be_taken(
    definition: dict[str, Any], person: Person, facts: Facts
) -> None:
    rules = workflow.build(definition)
    for key in rules.statuses:
        rows = [row for row in definition["transitions"] if row["from"] == key]
        offers = workflow.available(rules, key, person, facts)
        assert [offer.transition.key for offer in offers] == [row["key"] for row in rows]
        for offer, row in zip(offers, rows, strict=True):
            verdicts = list(Oracle(definition, row, person, facts, guards.NOTHING).verdicts())
            assert offer.is_open is all(met or formable for _name, met, formable in verdicts)
            if offer.is_open:
                assert workflow.unmet(rules, offer.transition, person, facts, completed(offer.unmet)) == ()
                event("open")
            else:
                assert workflow.unmet(rules, offer.transition, person, facts, EVERYTHING) != ()
                event("closed")


@given(definitions() | lines(), people, facts_of_measures | ready_facts)
def test_only_the_role_and_four_eyes_forbid_a_step_to_a_person(
    definition: dict[str, Any], person: Person, facts: Facts
) -> None:
    rules = workflow.build(definition)
    for row in definition["transitions"]:
        offer = workflow.offer(rules, rules.transitions[row["key"]], person, facts)
        verdicts = list(Oracle(definition, row, person, facts, guards.NOTHING).verdicts())
        forbidding = [
            name for name, met, formable in verdicts if name in ("role", "four_eyes") and not met and not formable
        ]
        assert sum(condition.is_forbidden for condition in offer.conditions) == len(forbidding)
        assert not any(condition.is_met and condition.is_forbidden for condition in offer.conditions)
