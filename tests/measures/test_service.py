"""Moving a measure through its workflow: state, refusal, log."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import select, update
from werkzeug.datastructures import FileStorage

from app.audit.models import AuditEvent
from app.calendars.partial_dates import PartialDate
from app.core.database import db
from app.core.errors import Conflict, Forbidden, NotFound, RuleBroken
from app.core.localized import Localized
from app.documents import service as documents
from app.measures import service
from app.measures.models import Measure, StatusChange
from app.organisations.models import Membership
from app.organisations.permissions import Actor, Role, system
from app.programmes.guards import Given
from app.programmes.models import FocusArea
from tests.factories import NOON, City, actor, add, add_account, add_measure, add_milestone, add_programme
from tests.measures.arrange import follow


def finish(who: Actor, measure: Measure, *, note: str = "Alles erreicht", result: str = "Strecke eröffnet") -> None:
    service.change_status(
        who,
        measure,
        "finish",
        given=Given(note, {"result": result}),
        seen_version=measure.version,
        now=NOON,
    )


def stop(who: Actor, measure: Measure, given: Given = Given("Kein Geld"), **more: Any) -> StatusChange:  # noqa: B008
    return service.change_status(who, measure, "stop", given=given, seen_version=measure.version, now=NOON, **more)


def edit(who: Actor, measure: Measure, **changes: Any) -> None:
    service.edit_measure(who, measure, changes, seen_version=measure.version, now=NOON)
    db.session.flush()


def log_of(measure: Measure) -> list[AuditEvent]:
    return list(db.session.scalars(select(AuditEvent).where(AuditEvent.scope_id == measure.id)))


def test_a_lead_finishes_a_measure_and_the_log_says_so(city: City) -> None:
    finish(actor(city.lead), city.measure)
    assert city.measure.status == "done"
    assert city.measure.record == {"result": "Strecke eröffnet"}
    change = db.session.scalar(select(StatusChange))
    assert change is not None
    assert (change.from_status, change.to_status, change.note) == ("running", "done", "Alles erreicht")
    [line] = log_of(city.measure)
    assert line.changes[0] == {"field": "status", "from": "In Umsetzung", "to": "Umgesetzt"}
    assert (line.actor_name, line.reason) == ("Projektleitung", "Alles erreicht")


def test_every_unmet_condition_is_named_at_once_and_nothing_changes(city: City) -> None:
    add_milestone(city.measure, date(2023, 6, 30))
    db.session.refresh(city.measure)
    with pytest.raises(RuleBroken) as refusal:
        finish(actor(city.lead), city.measure, note=" ", result="")
    said = str(refusal.value)
    assert said == "1 von 1 Meilensteinen ist nicht freigegeben; Begründung fehlt; Angabe „Ergebnis“ fehlt"
    assert refusal.value.field == "note"
    assert city.measure.status == "running"
    assert log_of(city.measure) == []


@pytest.mark.parametrize("who", ["other_lead", "head", "coordinator", "administrator", "funder", "auditor"])
def test_only_the_role_of_the_step_may_take_it(city: City, who: str) -> None:
    with pytest.raises(Forbidden):
        finish(actor(getattr(city, who)), city.measure)
    assert city.measure.status == "running"


def test_the_second_of_two_people_is_told(city: City) -> None:
    seen = city.measure.version
    finish(actor(city.lead), city.measure)
    db.session.flush()
    with pytest.raises(Conflict):
        service.change_status(
            actor(city.head), city.measure, "stop", given=Given("Kein Geld"), seen_version=seen, now=NOON
        )


def test_a_refusal_names_role_and_guards_together_and_nothing_that_is_met(city: City) -> None:
    with pytest.raises(Forbidden) as refusal:
        finish(actor(city.head), city.measure, note="Fertig", result=" ")
    assert str(refusal.value) == "bei dieser Maßnahme kann das nur: Projektleitung; Angabe „Ergebnis“ fehlt"


def test_a_step_keeps_only_the_fields_it_asks_this_person_for(city: City) -> None:
    follow(city.measure, rules=[{"field": "result", "rule": "read_only", "roles": ["project_lead"]}])
    city.measure.record = {"result": "Schon erfasst"}
    service.change_status(
        actor(city.lead),
        city.measure,
        "finish",
        given=Given("Fertig", {"result": "Untergeschoben", "look_again_on": "2023-05-01", "fremd": "x"}),
        seen_version=city.measure.version,
        now=NOON,
    )
    assert city.measure.status == "done"
    assert city.measure.record == {"result": "Schon erfasst"}
    assert city.measure.status_changes[-1].record == {}


# -- four eyes


def paused_by_head(city: City, *, override: bool = False) -> None:
    """The head has paused the measure; to resume it takes a second pair of eyes."""
    follow(city.measure, transitions=[{"key": "resume", "four_eyes": True, "roles": ["department_head"]}])
    city.programme.emergency_override = override
    service.change_status(
        actor(city.head),
        city.measure,
        "pause",
        given=Given("Warten", {"look_again_on": "2023-05-01"}),
        seen_version=city.measure.version,
        now=NOON,
    )
    db.session.commit()


def resume(who: Actor, measure: Measure, **given: Any) -> StatusChange:
    told = Given("Weiter", **given)
    return service.change_status(who, measure, "resume", given=told, seen_version=measure.version, now=NOON)


def test_whoever_brought_the_measure_here_leaves_the_step_to_somebody_else(city: City) -> None:
    paused_by_head(city)
    with pytest.raises(Forbidden, match=r"^Vier-Augen-Prinzip") as refusal:
        resume(actor(city.head), city.measure)
    assert ";" not in str(refusal.value).replace("gebracht; den", "")
    second = add_account("Zweite Leitung")
    add_head(city, second)
    change = resume(actor(second), city.measure)
    assert (city.measure.status, change.override_reason) == ("running", None)


def add_head(city: City, account: Any) -> None:
    add(Membership(account_id=account.id, role=Role.DEPARTMENT_HEAD, unit=city.unit))


def test_whoever_edited_the_measure_last_is_stopped_too(city: City) -> None:
    follow(city.measure, transitions=[{"key": "finish", "four_eyes": True}])
    edit(actor(city.lead), city.measure, summary="Neu")
    with pytest.raises(Forbidden, match="Vier-Augen-Prinzip"):
        finish(actor(city.lead), city.measure)
    edit(actor(city.coordinator), city.measure, summary="Noch einmal neu")
    finish(actor(city.lead), city.measure)
    assert city.measure.status == "done"


def test_whoever_assigned_the_measure_to_their_own_unit_is_stopped_too(city: City) -> None:
    follow(city.measure, transitions=[{"key": "stop", "four_eyes": True}])
    add(Membership(account_id=city.coordinator.id, role=Role.DEPARTMENT_HEAD, unit=city.other_unit))
    service.assign(
        actor(city.coordinator),
        city.measure,
        lead=city.lead,
        unit=city.other_unit,
        seen_version=city.measure.version,
        now=NOON,
    )
    db.session.commit()
    with pytest.raises(Forbidden, match="Vier-Augen-Prinzip"):
        stop(actor(city.coordinator), city.measure)
    stop(actor(city.other_head), city.measure)
    assert city.measure.status == "stopped"


def test_who_assigns_what_is_assigned_already_has_changed_nothing(city: City) -> None:
    seen = city.measure.version
    coordinator = actor(city.coordinator)
    service.assign(coordinator, city.measure, lead=city.lead, unit=city.unit, seen_version=seen, now=NOON)
    assert (city.measure.edited_by_id, city.measure.version) == (None, seen)


def test_four_eyes_stop_who_made_the_present_status_though_the_clock_of_a_trial_ran_backwards(city: City) -> None:
    """The day of a trial stands still while its time of day goes on: after midnight it is earlier than before."""
    follow(city.measure, transitions=[{"key": "resume", "four_eyes": True}])
    second = add_account("Zweite Leitung")
    add_head(city, second)
    late, after_midnight = NOON + timedelta(hours=11), NOON - timedelta(hours=11)
    waiting = {"look_again_on": "2023-05-01"}
    steps = [("pause", second, late), ("resume", city.head, late), ("pause", city.head, after_midnight)]
    for key, who, now in steps:
        given = Given("Grund", waiting if key == "pause" else {})
        seen = city.measure.version
        service.change_status(actor(who), city.measure, key, given=given, seen_version=seen, now=now)
        db.session.commit()
    with pytest.raises(Forbidden, match="Vier-Augen-Prinzip"):
        resume(actor(city.head), city.measure)
    resume(actor(second), city.measure)
    assert city.measure.status == "running"


@pytest.mark.parametrize("override", [False, True])
def test_neither_administrators_nor_the_system_pass_four_eyes(city: City, override: bool) -> None:
    paused_by_head(city, override=override)
    for who in (actor(city.administrator), system("flask shell")):
        with pytest.raises(Forbidden):
            resume(who, city.measure, override_reason="Es eilt")
    add(Membership(account_id=city.head.id, role=Role.ADMINISTRATOR))
    if not override:
        with pytest.raises(Forbidden, match="Vier-Augen-Prinzip"):
            resume(actor(city.head), city.measure, override_reason="Es eilt")
    assert city.measure.status == "paused"


def test_in_an_emergency_one_person_may_with_a_reason_that_stands_in_the_log(city: City) -> None:
    paused_by_head(city, override=True)
    with pytest.raises(RuleBroken) as refusal:
        resume(actor(city.head), city.measure, override_reason="  ")
    assert refusal.value.field == "override_reason"
    change = resume(actor(city.head), city.measure, override_reason=" Fristablauf heute ")
    assert change.override_reason == "Fristablauf heute"
    line = log_of(city.measure)[-1]
    assert str(line.sentence) == "Status geändert; Vier-Augen-Prinzip im Notfall übergangen: Fristablauf heute"


def test_a_reason_nobody_needed_is_not_recorded(city: City) -> None:
    city.programme.emergency_override = True
    assert stop(actor(city.head), city.measure, Given("Kein Geld", override_reason="Es eilt")).override_reason is None


# -- evidence


def test_evidence_belongs_to_the_step_and_its_names_to_the_log(city: City) -> None:
    follow(city.measure, transitions=[{"key": "stop", "guards": [{"guard": "evidence_attached"}]}])
    with pytest.raises(RuleBroken, match="Nachweis fehlt") as refusal:
        stop(actor(city.head), city.measure)
    assert refusal.value.field == "files"
    with pytest.raises(RuleBroken):
        stop(actor(city.head), city.measure, Given("x", evidence=3))  # a number that is claimed is no file
    receipts = documents.take_in([FileStorage(BytesIO(b"Beschluss"), "beschluss.txt")])
    change = stop(actor(city.head), city.measure, evidence=receipts)
    db.session.flush()
    assert [document.filename for document in change.evidence] == ["beschluss.txt"]
    assert {"field": "evidence", "from": None, "to": "beschluss.txt"} in log_of(city.measure)[-1].changes


# -- two at once, stale forms


def test_a_step_that_does_not_begin_here_is_a_conflict_and_an_unknown_one_is_not_found(city: City) -> None:
    with pytest.raises(Conflict):
        service.get_transition(city.measure, "start")
    with pytest.raises(NotFound):
        service.get_transition(city.measure, "fly")


def test_an_unknown_status_is_recorded_once_by_coordinators_with_its_source(city: City) -> None:
    measure = add_measure(city.programme, status=None, title=None)
    coordinator = actor(city.coordinator)
    with pytest.raises(Forbidden):
        service.record_status(actor(city.lead), measure, "running", note="x", seen_version=1, now=NOON)
    with pytest.raises(RuleBroken) as unknown:
        service.record_status(coordinator, measure, "flying", note="x", seen_version=1, now=NOON)
    assert unknown.value.field == "status"
    with pytest.raises(RuleBroken) as silent:
        service.record_status(coordinator, measure, "running", note=" ", seen_version=1, now=NOON)
    assert silent.value.field == "note"
    service.record_status(coordinator, measure, "running", note="Schreiben vom 1.3.", seen_version=1, now=NOON)
    db.session.flush()
    assert measure.status == "running"
    with pytest.raises(Conflict):
        service.record_status(coordinator, measure, "paused", note="x", seen_version=measure.version, now=NOON)


def test_a_status_is_not_recorded_while_the_measure_lacks_what_it_requires(city: City) -> None:
    required = [{"field": name, "rule": "required"} for name in ("summary", "result", "unit")]
    only_the_lead = {"field": "field", "rule": "required", "roles": ["project_lead"]}
    measure = add_measure(city.programme, status=None)
    follow(measure, rules=[*required, only_the_lead])
    seen = measure.version
    with pytest.raises(RuleBroken) as refusal:
        service.record_status(actor(city.coordinator), measure, "running", note="x", seen_version=seen, now=NOON)
    assert str(refusal.value) == (
        "Der Status „In Umsetzung“ verlangt Angaben, die noch fehlen: "
        "Kurzbeschreibung, Ergebnis, Verantwortliche Stelle."
    )
    assert refusal.value.field == "status"
    assert (measure.status, log_of(measure)) == (None, [])
    measure.summary, measure.record, measure.unit = Localized("Kurz"), {"result": "Da"}, city.unit
    db.session.commit()
    seen = measure.version
    service.record_status(actor(city.coordinator), measure, "running", note="x", seen_version=seen, now=NOON)
    assert measure.status == "running"


def test_a_status_is_recorded_on_the_measure_as_it_is_stored_now(city: City) -> None:
    measure = add_measure(city.programme, status=None)
    db.session.commit()
    seen = measure.version
    meanwhile = update(Measure).where(Measure.id == measure.id).values(status="paused", version=seen + 1)
    db.session.execute(meanwhile, execution_options={"synchronize_session": False})
    with pytest.raises(Conflict):
        service.record_status(actor(city.coordinator), measure, "running", note="x", seen_version=seen, now=NOON)
    assert measure.status == "paused"


def test_responsibility_is_assigned_by_coordinators_and_logged(city: City) -> None:
    with pytest.raises(Forbidden):
        service.assign(
            actor(city.lead),
            city.measure,
            lead=city.other_lead,
            unit=None,
            seen_version=city.measure.version,
            now=NOON,
        )
    service.assign(
        actor(city.coordinator),
        city.measure,
        lead=city.other_lead,
        unit=city.other_unit,
        seen_version=city.measure.version,
        now=NOON,
    )
    db.session.flush()
    db.session.refresh(city.measure)
    assert (city.measure.lead, city.measure.unit) == (city.other_lead, city.other_unit)
    [line] = log_of(city.measure)
    assert line.changes[0] == {"field": "lead", "from": "Projektleitung", "to": "Andere Projektleitung"}


@pytest.mark.parametrize("rule", ["read_only", "hidden"])
def test_what_the_status_shuts_is_not_assigned(city: City, rule: str) -> None:
    follow(city.measure, rules=[{"field": "unit", "rule": rule}, {"field": "lead", "rule": "required"}])
    coordinator, version = actor(city.coordinator), city.measure.version
    with pytest.raises(RuleBroken, match="Verantwortliche Stelle") as shut:
        service.assign(
            coordinator, city.measure, lead=city.lead, unit=city.other_unit, seen_version=version, now=NOON
        )
    assert shut.value.field == "unit"
    with pytest.raises(RuleBroken, match="Angabe „Projektleitung“ fehlt") as empty:
        service.assign(coordinator, city.measure, lead=None, unit=city.unit, seen_version=version, now=NOON)
    assert empty.value.field == "lead"
    service.assign(coordinator, city.measure, lead=city.other_lead, unit=city.unit, seen_version=version, now=NOON)
    assert city.measure.lead_id == city.other_lead.id


# -- details


def test_a_lead_changes_details_and_the_log_says_every_one(city: City) -> None:
    area = add(FocusArea(programme_id=city.programme.id, key="a", name=Localized("Verkehr")))
    other = add_measure(city.programme, title=Localized("Vorher"))
    edit(
        actor(city.lead),
        city.measure,
        title=" Ärmel hoch ",
        summary="Kurz",
        focus_area=area,
        partners=["Stadtwerke", "Verein"],
        starts=PartialDate.parse("2023-22"),
        ends=PartialDate(2023, 12),
        total_cost=Decimal("1234.50"),
        predecessors=[other],
        result="Etwas",
    )
    db.session.expire_all()
    measure = city.measure
    assert (measure.title, measure.sort_key) == (Localized("Ärmel hoch"), "armel hoch")
    assert measure.partners == [{"de": "Stadtwerke"}, {"de": "Verein"}]
    assert (measure.focus_area, measure.predecessors) == (area, [other])
    assert (str(measure.starts), str(measure.ends), measure.total_cost) == ("2023-22", "2023-12", Decimal("1234.50"))
    assert (measure.record, measure.edited_by_id) == ({"result": "Etwas"}, city.lead.id)
    [line] = log_of(measure)
    assert {change["field"]: change["to"] for change in line.changes} == {
        "title": "Ärmel hoch",
        "summary": "Kurz",
        "focus_area": "Verkehr",
        "partners": "Stadtwerke, Verein",
        "starts": "Sommer 2023",
        "ends": "Dezember 2023",
        "total_cost": "1.234,50 €",
        "predecessors": "Vorher",
        "Ergebnis": "Etwas",
    }


NAMESAKES: list[dict[str, Any]] = [
    {"key": "price", "label": {"de": "Betrag", "en": "Amount"}, "type": "text"},
    {"key": "limit", "label": {"de": "Betrag", "en": "Amount"}, "type": "text"},
    {"key": "sight", "label": {"de": "status", "en": "status"}, "type": "text"},
    {"key": "brief", "label": {"de": "summary", "en": "summary"}, "type": "text"},
]
NAMED = {"Betrag (price)": "1", "Betrag (limit)": "2", "status (sight)": "3", "summary (brief)": "4"}


def test_fields_that_share_a_name_are_told_apart_in_the_log_of_a_step(city: City) -> None:
    keys = [field["key"] for field in NAMESAKES]
    follow(city.measure, fields=NAMESAKES, transitions=[{"key": "stop", "fields": keys}])
    stop(actor(city.head), city.measure, Given("Kein Geld", dict(zip(keys, "1234", strict=True))))
    [line] = log_of(city.measure)
    assert {change["field"]: change["to"] for change in line.changes} == {"status": "Abgebrochen", **NAMED}


def test_fields_that_share_a_name_are_told_apart_in_the_log_of_an_edit(city: City) -> None:
    follow(city.measure, fields=NAMESAKES)
    edit(actor(city.lead), city.measure, summary="Kurz", result="Da", price="1", limit="2", sight="3", brief="4")
    [line] = log_of(city.measure)
    told = {"summary": "Kurz", "Ergebnis": "Da", **NAMED}
    assert {change["field"]: change["to"] for change in line.changes} == told


def test_a_changed_wording_loses_its_english_and_an_unchanged_one_keeps_it(city: City) -> None:
    city.measure.title = Localized("Bus", "Bus")
    city.measure.partners = [{"de": "Verein", "en": "Club"}]
    city.measure.summary = Localized("Alt", "Old")
    edit(actor(city.lead), city.measure, title="Bus", summary="Neu", partners=["Stadt", "Verein"])
    assert city.measure.title == Localized("Bus", "Bus")
    assert city.measure.summary == Localized("Neu")
    assert city.measure.partners == [{"de": "Stadt"}, {"de": "Verein", "en": "Club"}]


def test_saving_without_a_change_is_no_change(city: City) -> None:
    version = city.measure.version
    assert city.measure.title
    edit(actor(city.lead), city.measure, title=city.measure.title.de, summary=" ", result="")
    assert log_of(city.measure) == []
    assert (city.measure.version, city.measure.edited_by_id) == (version, None)


def test_a_changed_fact_is_no_longer_the_published_one(city: City) -> None:
    own, whole = [{"address": "https://a.example"}], [{"address": "https://alles.example"}]
    city.measure.sources = {"total_cost": own, "field": own, "*": whole}
    city.measure.sample_fields = ["total_cost", "starts"]
    edit(actor(city.lead), city.measure, total_cost=Decimal(5), summary="Neu")
    assert city.measure.sources_for("total_cost") == []
    assert city.measure.sources_for("summary") == []
    assert [source.address for source in city.measure.sources_for("field")] == ["https://a.example"]
    assert [source.address for source in city.measure.sources_for("ends")] == ["https://alles.example"]
    assert city.measure.sample_fields == ["starts"]


@pytest.mark.parametrize("rule", ["read_only", "hidden"])
@pytest.mark.parametrize(
    ("field", "value", "label"), [("total_cost", Decimal(1), "Gesamtkosten"), ("result", "x", "Ergebnis")]
)
def test_the_service_itself_refuses_what_the_status_shuts(
    city: City, rule: str, field: str, value: Any, label: str
) -> None:
    follow(city.measure, rules=[{"field": field, "rule": rule, "roles": ["project_lead"]}])
    with pytest.raises(RuleBroken) as refusal:
        edit(actor(city.lead), city.measure, summary="Neu", **{field: value})
    assert str(refusal.value) == f"Im jetzigen Status dürfen Sie nicht ändern: {label}."
    assert city.measure.summary is None
    edit(actor(city.coordinator), city.measure, summary="Neu", **{field: value})
    assert city.measure.summary == Localized("Neu")


def test_required_details_may_not_be_empty_and_all_are_named(city: City) -> None:
    rules = [{"field": name, "rule": "required"} for name in ("summary", "grant_amount", "result")]
    follow(city.measure, rules=rules)
    with pytest.raises(RuleBroken) as refusal:
        edit(actor(city.lead), city.measure, title="Neu", summary="  ", grant_amount=Decimal(0))
    assert str(refusal.value) == "Angabe „Kurzbeschreibung“ fehlt; Angabe „Ergebnis“ fehlt"
    assert refusal.value.field == "summary"
    edit(actor(city.lead), city.measure, summary="Da", grant_amount=Decimal(0), result="Da")
    assert city.measure.grant_amount == 0


def test_predecessors_never_wait_in_a_circle(city: City) -> None:
    second, third = add_measure(city.programme), add_measure(add_programme(), title=Localized("Dritte"))
    coordinator = actor(city.coordinator)
    edit(coordinator, second, predecessors=[city.measure])
    edit(coordinator, third, predecessors=[second])
    with pytest.raises(RuleBroken, match=r"Kreis.*: Dritte") as ring:
        edit(coordinator, city.measure, predecessors=[third])
    assert ring.value.field == "predecessors"
    with pytest.raises(RuleBroken, match="auf sich selbst"):
        edit(coordinator, city.measure, predecessors=[city.measure])
    assert city.measure.predecessors == []


def test_what_makes_no_sense_is_refused_on_its_field(city: City) -> None:
    foreign = add(FocusArea(programme_id=add_programme().id, key="a", name=Localized("Fremd")))
    cases: list[tuple[dict[str, Any], str]] = [
        ({"title": " "}, "title"),
        ({"focus_area": foreign}, "focus_area"),
        ({"starts": PartialDate(2024), "ends": PartialDate(2023, 12)}, "ends"),
    ]
    for changes, field in cases:
        with pytest.raises(RuleBroken) as refusal:
            edit(actor(city.lead), city.measure, **changes)
        assert refusal.value.field == field
    with pytest.raises(RuleBroken, match="status"):
        edit(actor(city.lead), city.measure, status="done")


def test_details_are_changed_by_the_lead_and_the_coordination_and_by_one_at_a_time(city: City) -> None:
    for who in ("other_lead", "head", "administrator", "auditor", "funder"):
        with pytest.raises(Forbidden):
            edit(actor(getattr(city, who)), city.measure, title="Neu")
    seen = city.measure.version
    other = add_measure(city.programme)
    edit(actor(city.lead), city.measure, predecessors=[other])
    with pytest.raises(Conflict):
        service.edit_measure(actor(city.coordinator), city.measure, {"title": "Neu"}, seen_version=seen, now=NOON)
    seen = city.measure.version
    edit(actor(city.lead), city.measure, predecessors=[])
    assert city.measure.version > seen, (
        "the same person, predecessors only: the form of another is stale all the same"
    )
