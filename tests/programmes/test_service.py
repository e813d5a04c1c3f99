"""Drafts of workflows and their publication."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from sqlalchemy import insert, select

from app.audit.models import AuditEvent
from app.core.database import db
from app.core.errors import Conflict, Forbidden, NotFound, RuleBroken
from app.core.localized import Localized
from app.organisations.permissions import system
from app.programmes import service
from app.programmes.models import Programme, Workflow, WorkflowDraft
from app.programmes.soundness import MOST_FIELDS, MOST_STATUSES, MOST_TRANSITIONS
from tests.factories import NOON, WORKFLOW, City, actor, add, add_programme

STATUS = {"label": {"de": "Abnahme", "en": "Acceptance"}, "category": "running", "final": True}
STEP = {
    "label": {"de": "Abnahme erklären", "en": "Accept"},
    "from": "running",
    "to": "abnahme",
    "roles": ["project_lead"],
    "guards": [],
    "fields": [],
}
FIELD = {"label": {"de": "Prüfbericht", "en": "Report"}, "type": "text"}


@pytest.fixture
def draft(city: City) -> WorkflowDraft:
    return service.begin_draft(actor(city.coordinator), city.programme, now=NOON)


def programme_without_workflow() -> Programme:
    made = add(Programme(key="new", name=Localized("Neu"), level="state", update_rhythm="quarterly"))
    assert isinstance(made, Programme)
    return made


def put(draft: WorkflowDraft, city: City, kind: Callable[..., str], values: Any, key: str | None = None) -> str:
    made = kind(actor(city.coordinator), draft, key, values, seen_version=draft.version, now=NOON)
    db.session.flush()
    return made


def publish(draft: WorkflowDraft, city: City, note: str = "Neu") -> Workflow:
    return service.publish_draft(actor(city.coordinator), draft, note, seen_version=draft.version, now=NOON)


def lines(city: City) -> list[str]:
    query = select(AuditEvent).where(AuditEvent.scope_id == city.programme.id).order_by(AuditEvent.id)
    return [
        event.what % event.what_params if event.what_params else event.what for event in db.session.scalars(query)
    ]


def test_a_draft_begins_as_the_newest_version(city: City, draft: WorkflowDraft) -> None:
    assert (draft.definition, draft.based_on, draft.edited_by_id) == (WORKFLOW, 1, city.coordinator.id)
    assert city.programme.draft is draft
    assert lines(city) == ["Entwurf des Ablaufs begonnen"]


def test_before_the_first_version_a_draft_begins_empty(city: City) -> None:
    programme = programme_without_workflow()
    made = service.begin_draft(actor(city.coordinator), programme, now=NOON)
    assert (made.definition["statuses"], made.based_on) == ([], None)
    with pytest.raises(RuleBroken, match="keinen Status"):
        publish(made, city)


def test_the_second_to_begin_a_draft_is_told(city: City, draft: WorkflowDraft) -> None:
    with pytest.raises(Conflict, match="schon einen Entwurf"):
        service.begin_draft(actor(city.coordinator), city.programme, now=NOON)
    with pytest.raises(Conflict, match="schon einen Entwurf"):
        service.copy_draft(actor(city.coordinator), city.programme, add_programme(), now=NOON)


def test_a_copy_is_a_value_even_where_it_goes_in_a_circle(city: City) -> None:
    coordinator, other = actor(city.coordinator), add_programme()
    copy = service.copy_draft(coordinator, other, city.programme, now=NOON)
    put(copy, city, service.put_field, FIELD)
    publish(copy, city)
    back = service.copy_draft(coordinator, city.programme, other, now=NOON)
    assert [row["key"] for row in back.definition["fields"]] == ["result", "look_again_on", "pruefbericht"]
    assert back.based_on is None
    assert city.programme.newest_workflow is not None
    assert city.programme.newest_workflow.definition == WORKFLOW


def test_a_copy_of_nothing_is_refused(city: City) -> None:
    with pytest.raises(RuleBroken, match="noch keinen Ablauf"):
        service.copy_draft(actor(city.coordinator), city.programme, programme_without_workflow(), now=NOON)


@pytest.mark.parametrize("who", ["administrator", "lead", "head", "funder", "auditor"])
def test_only_coordinators_edit_workflows(city: City, draft: WorkflowDraft, who: str) -> None:
    somebody = actor(getattr(city, who))
    seen: dict[str, Any] = {"seen_version": draft.version, "now": NOON}
    attempts: list[Callable[[], object]] = [
        lambda: service.begin_draft(somebody, city.programme, now=NOON),
        lambda: service.copy_draft(somebody, city.programme, city.programme, now=NOON),
        lambda: service.replace_draft(somebody, city.programme, WORKFLOW, **seen),
        lambda: service.put_status(somebody, draft, None, STATUS, **seen),
        lambda: service.put_transition(somebody, draft, "stop", STEP, **seen),
        lambda: service.put_field(somebody, draft, "result", FIELD, **seen),
        lambda: service.remove_status(somebody, draft, "paused", **seen),
        lambda: service.remove_transition(somebody, draft, "stop", **seen),
        lambda: service.remove_field(somebody, draft, "result", **seen),
        lambda: service.move_entry(somebody, draft, "statuses", "paused", up=True, **seen),
        lambda: service.set_initial(somebody, draft, "paused", **seen),
        lambda: service.add_field_rule(somebody, draft, "paused", {"field": "title", "rule": "read_only"}, **seen),
        lambda: service.remove_field_rule(somebody, draft, "paused", 0, **seen),
        lambda: service.discard_draft(somebody, draft, **seen),
        lambda: service.publish_draft(somebody, draft, "x", **seen),
    ]
    for attempt in attempts:
        with pytest.raises(Forbidden):
            attempt()
    assert draft.definition == WORKFLOW


def test_the_system_edits_no_workflow(city: City) -> None:
    with pytest.raises(Forbidden):
        service.begin_draft(system("flask programmes"), city.programme, now=NOON)


def test_keys_come_from_the_german_label_and_never_change(city: City, draft: WorkflowDraft) -> None:
    assert (
        put(draft, city, service.put_status, {**STATUS, "label": {"de": "Prüfung & Abnahme!"}}) == "pruefung_abnahme"
    )
    assert (
        put(draft, city, service.put_status, {**STATUS, "label": {"de": "Prüfung – Abnahme"}}) == "pruefung_abnahme_2"
    )
    assert put(draft, city, service.put_status, {**STATUS, "label": {"de": "验收"}}) == "status"
    assert len(put(draft, city, service.put_status, {**STATUS, "label": {"de": "x" * 200}})) <= 60
    renamed = {**STATUS, "label": {"de": "Ganz anders"}}
    assert put(draft, city, service.put_status, renamed, "pruefung_abnahme") == "pruefung_abnahme"
    assert draft.definition["statuses"][5]["label"] == {"de": "Ganz anders"}


def test_a_field_gets_no_key_under_which_measures_keep_something_else(city: City, draft: WorkflowDraft) -> None:
    assert put(draft, city, service.put_field, {"label": {"de": "Title"}, "type": "text"}) == "title_2"
    definition = deepcopy(WORKFLOW)
    definition["fields"].append({"key": "pruefbericht", "label": {"de": "Prüfbericht"}, "type": "date"})
    db.session.add(Workflow(programme_id=city.programme.id, version=2, definition=definition, published_at=NOON))
    db.session.flush()
    db.session.expire(city.programme)
    assert put(draft, city, service.put_field, FIELD) == "pruefbericht_2"
    assert put(draft, city, service.put_field, {**FIELD, "type": "date"}) == "pruefbericht_3"


@pytest.mark.parametrize(
    ("part", "kind", "remove", "values", "key"),
    [
        ("statuses", service.put_status, service.remove_status, STATUS, "abnahme"),
        ("transitions", service.put_transition, service.remove_transition, STEP, "abnahme_erklaeren"),
        ("fields", service.put_field, service.remove_field, FIELD, "pruefbericht"),
    ],
)
def test_a_key_that_was_published_is_not_handed_out_again(
    city: City, part: str, kind: Callable[..., str], remove: Callable[..., None], values: dict[str, Any], key: str
) -> None:
    definition = deepcopy(WORKFLOW)
    definition[part].append({"key": key, **values})
    db.session.add(Workflow(programme_id=city.programme.id, version=2, definition=definition, published_at=NOON))
    db.session.add(Workflow(programme_id=city.programme.id, version=3, definition=WORKFLOW, published_at=NOON))
    db.session.flush()
    db.session.expire(city.programme)
    coordinator = actor(city.coordinator)
    draft = service.begin_draft(coordinator, city.programme, now=NOON)
    assert put(draft, city, kind, values) == f"{key}_2"
    # a file that brings the entry back says itself which one it is
    service.replace_draft(coordinator, city.programme, definition, seen_version=draft.version, now=NOON)
    db.session.flush()
    assert draft.definition[part][-1]["key"] == key
    remove(coordinator, draft, key, seen_version=draft.version, now=NOON)
    db.session.flush()
    assert put(draft, city, kind, values) == f"{key}_2"


def test_a_published_field_keeps_its_type(city: City, draft: WorkflowDraft) -> None:
    with pytest.raises(RuleBroken, match="die Art bleibt „langer Text“") as refused:
        put(draft, city, service.put_field, FIELD, "result")
    assert refused.value.field == "type"
    put(draft, city, service.put_field, {**FIELD, "type": "longtext"}, "result")
    definition = deepcopy(WORKFLOW)
    definition["fields"][0]["type"] = "date"
    service.replace_draft(actor(city.coordinator), city.programme, definition, seen_version=draft.version, now=NOON)
    db.session.flush()
    with pytest.raises(RuleBroken, match="die Art bleibt"):
        publish(draft, city)


@pytest.mark.parametrize(
    ("part", "most", "kind", "values"),
    [
        ("statuses", MOST_STATUSES, service.put_status, STATUS),
        ("transitions", MOST_TRANSITIONS, service.put_transition, {**STEP, "to": "done"}),
        ("fields", MOST_FIELDS, service.put_field, FIELD),
    ],
)
def test_there_is_a_most_of_everything(
    city: City, draft: WorkflowDraft, part: str, most: int, kind: Callable[..., str], values: dict[str, Any]
) -> None:
    row = deepcopy(WORKFLOW[part][0])
    full = {**WORKFLOW, part: [{**row, "key": f"k{number}"} for number in range(most)]}
    coordinator = actor(city.coordinator)
    service.replace_draft(coordinator, city.programme, full, seen_version=draft.version, now=NOON)
    db.session.flush()
    with pytest.raises(RuleBroken, match=f"höchstens {most}"):
        put(draft, city, kind, values)
    fuller = {**full, part: [*full[part], {**row, "key": "one_more"}]}
    with pytest.raises(RuleBroken, match=f"höchstens {most}"):
        service.replace_draft(coordinator, city.programme, fuller, seen_version=draft.version, now=NOON)


def test_what_is_still_needed_stays_and_its_users_are_named(city: City, draft: WorkflowDraft) -> None:
    seen: dict[str, Any] = {"seen_version": draft.version, "now": NOON}
    with pytest.raises(RuleBroken, match="Schritt „Pausieren“, Schritt „Fortsetzen“"):
        service.remove_status(actor(city.coordinator), draft, "paused", **seen)
    with pytest.raises(RuleBroken, match="Schritt „Umsetzung abschließen“"):
        service.remove_field(actor(city.coordinator), draft, "result", **seen)
    assert draft.definition == WORKFLOW


def test_what_nobody_needs_any_more_can_go(city: City, draft: WorkflowDraft) -> None:
    for remove, key in (
        (service.remove_transition, "pause"),
        (service.remove_transition, "resume"),
        (service.remove_status, "paused"),
        (service.remove_field, "look_again_on"),
    ):
        remove(actor(city.coordinator), draft, key, seen_version=draft.version, now=NOON)
        db.session.flush()
    assert [row["key"] for row in draft.definition["statuses"]] == ["approved", "running", "done", "stopped"]
    assert [row["key"] for row in draft.definition["fields"]] == ["result"]
    assert lines(city)[1:] == [
        "Entwurf des Ablaufs: Schritt „Pausieren“ entfernt",
        "Entwurf des Ablaufs: Schritt „Fortsetzen“ entfernt",
        "Entwurf des Ablaufs: Status „Pausiert“ entfernt",
        "Entwurf des Ablaufs: Feld „Wiedervorlage“ entfernt",
    ]


def test_field_rules_come_and_go(city: City, draft: WorkflowDraft) -> None:
    coordinator, rule = actor(city.coordinator), {"field": "result", "rule": "hidden", "roles": ["funder"]}
    service.add_field_rule(coordinator, draft, "paused", rule, seen_version=draft.version, now=NOON)
    db.session.flush()
    assert draft.definition["statuses"][2]["field_rules"] == [rule]
    with pytest.raises(RuleBroken, match="gibt es schon"):
        service.add_field_rule(coordinator, draft, "paused", rule, seen_version=draft.version, now=NOON)
    with pytest.raises(NotFound):
        service.remove_field_rule(coordinator, draft, "paused", 1, seen_version=draft.version, now=NOON)
    service.remove_field_rule(coordinator, draft, "paused", 0, seen_version=draft.version, now=NOON)
    assert draft.definition == WORKFLOW


def test_an_entry_there_is_not_is_not_found(city: City, draft: WorkflowDraft) -> None:
    with pytest.raises(NotFound):
        put(draft, city, service.put_status, STATUS, "nothing")
    with pytest.raises(NotFound):
        service.set_initial(actor(city.coordinator), draft, "nothing", seen_version=draft.version, now=NOON)


@pytest.mark.parametrize("seen", [None, 0, 99])
def test_whoever_saw_another_state_changes_nothing(city: City, draft: WorkflowDraft, seen: int | None) -> None:
    with pytest.raises(Conflict, match="inzwischen"):
        service.put_status(actor(city.coordinator), draft, None, STATUS, seen_version=seen, now=NOON)
    with pytest.raises(Conflict, match="inzwischen"):
        service.publish_draft(actor(city.coordinator), draft, "x", seen_version=seen, now=NOON)
    with pytest.raises(Conflict, match="inzwischen"):
        service.discard_draft(actor(city.coordinator), draft, seen_version=seen, now=NOON)
    with pytest.raises(Conflict, match="inzwischen"):
        service.replace_draft(actor(city.coordinator), city.programme, WORKFLOW, seen_version=seen, now=NOON)


def test_saving_what_is_there_already_leaves_no_trace(city: City, draft: WorkflowDraft) -> None:
    version = draft.version
    put(draft, city, service.put_field, {"label": {"de": "Ergebnis", "en": "Result"}, "type": "longtext"}, "result")
    assert draft.version == version
    assert len(lines(city)) == 1


def test_a_file_becomes_the_draft_or_takes_its_place(city: City) -> None:
    coordinator = actor(city.coordinator)
    with pytest.raises(Conflict, match="verworfen oder veröffentlicht"):
        service.replace_draft(coordinator, city.programme, WORKFLOW, seen_version=3, now=NOON)
    made = service.replace_draft(coordinator, city.programme, WORKFLOW, seen_version=None, now=NOON)
    definition = {**WORKFLOW, "initial": "running"}
    again = service.replace_draft(coordinator, city.programme, definition, seen_version=made.version, now=NOON)
    assert again is made
    assert made.definition == definition


def test_a_discarded_draft_leaves_the_versions_alone(city: City, draft: WorkflowDraft) -> None:
    service.discard_draft(actor(city.coordinator), draft, seen_version=draft.version, now=NOON)
    assert city.programme.draft is None
    assert [row.version for row in city.programme.workflows] == [1]
    with pytest.raises(Conflict, match="verworfen oder veröffentlicht"):
        service.put_status(actor(city.coordinator), draft, None, STATUS, seen_version=1, now=NOON)


def test_publishing_makes_the_next_version_and_disturbs_no_measure(city: City, draft: WorkflowDraft) -> None:
    first = city.measure.workflow_id
    put(draft, city, service.put_status, STATUS)
    put(draft, city, service.put_transition, STEP)
    workflow = publish(draft, city, "  Abnahme ist neu  ")
    assert (workflow.version, workflow.note, workflow.published_by_id) == (2, "Abnahme ist neu", city.coordinator.id)
    assert city.programme.newest_workflow is workflow
    assert city.programme.draft is None
    db.session.refresh(city.measure)
    assert (city.measure.workflow_id, city.measure.status) == (first, "running")
    event = db.session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc())).first()
    assert event is not None
    assert (event.scope_id, event.reason) == (city.programme.id, "Abnahme ist neu")
    assert event.changes == [{"field": "version", "from": 1, "to": 2}]


def test_an_unsound_draft_is_refused_with_every_error(city: City, draft: WorkflowDraft) -> None:
    put(draft, city, service.put_status, {**STATUS, "final": False})
    with pytest.raises(RuleBroken) as refused:
        publish(draft, city)
    sentence = str(refused.value)
    assert "vom Anfang aus nicht erreichbar" in sentence
    assert "Sackgasse" in sentence
    assert city.programme.draft is draft


def test_a_hint_stops_no_publication(city: City, draft: WorkflowDraft) -> None:
    put(draft, city, service.put_field, {"label": {"de": "Ergebnis"}, "type": "longtext"}, "result")
    assert publish(draft, city).version == 2


def test_nothing_new_and_nothing_said_is_refused(city: City, draft: WorkflowDraft) -> None:
    with pytest.raises(RuleBroken, match="unterscheidet sich nicht"):
        publish(draft, city)
    put(draft, city, service.put_field, FIELD)
    with pytest.raises(RuleBroken, match="was neu ist") as refused:
        publish(draft, city, " \n ")
    assert refused.value.field == "note"


def test_a_version_that_came_in_between_is_not_overwritten(city: City, draft: WorkflowDraft) -> None:
    put(draft, city, service.put_field, FIELD)
    assert city.programme.newest_workflow is not None  # read before the other version was there
    db.session.execute(
        insert(Workflow).values(
            id=draft.id, programme_id=city.programme.id, version=2, definition=WORKFLOW, published_at=NOON
        )
    )
    with pytest.raises(Conflict, match="Gerade hat jemand anderes"):
        publish(draft, city)
