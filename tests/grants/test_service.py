"""Commands on grants: who may record a notice, what is refused, and what the log keeps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from app.audit.models import AuditEvent
from app.core.database import db
from app.core.errors import Conflict, Forbidden, RuleBroken
from app.core.localized import Localized
from app.deadlines.deadline import Kind
from app.deadlines.queries import open_deadlines
from app.grants import service
from app.grants.forms import KINDS
from app.grants.models import Grant, Obligation, ObligationKind
from app.measures.queries import transition_facts
from tests.factories import NOON, City, actor, add, add_measure, add_programme

DAY = date(2023, 3, 14)
SOURCE = [{"address": "https://quelle.example", "confidence": "high", "note": None}]
NOTICE: dict[str, Any] = {"file_number": "34.02-7/23", "notice_on": DAY, "amount": Decimal("1234.56")}


@pytest.fixture
def grant(city: City) -> Grant:
    return add(  # type: ignore[no-any-return]
        Grant(programme=city.programme, key="bus", title=Localized("Zuwendung Bus"), measures=[city.measure])
    )


def record(city: City, grant: Grant, who: str = "coordinator", **changes: Any) -> None:
    given = {**NOTICE, "measures": grant.measures, "seen": service.imprint(grant), **changes}
    service.record_notice(actor(getattr(city, who)), grant, **given, now=NOON)


def create(city: City, title: str = "Zuwendung Rad", who: str = "coordinator", **changes: Any) -> Grant:
    given = {**NOTICE, "measures": [city.measure], **changes}
    return service.create_grant(actor(getattr(city, who)), city.programme, title, **given, now=NOON)


def lines_about(grant: Grant) -> list[AuditEvent]:
    return list(db.session.scalars(select(AuditEvent).where(AuditEvent.subject_id == grant.id)))


def test_a_recorded_notice_meets_the_condition_of_its_measures(city: City, grant: Grant) -> None:
    assert not transition_facts(city.measure, DAY).has_grant_notice
    record(city, grant)
    assert transition_facts(city.measure, DAY).has_grant_notice
    assert (grant.file_number, grant.notice_on, grant.amount) == ("34.02-7/23", DAY, Decimal("1234.56"))


def test_the_log_says_what_was_recorded_field_by_field(city: City, grant: Grant) -> None:
    record(city, grant, amount=None)
    (line,) = lines_about(grant)
    assert line.actor_id == city.coordinator.id
    assert line.scope_id == city.programme.id
    assert {change["field"]: (change["from"], change["to"]) for change in line.changes} == {
        "file_number": (None, "34.02-7/23"),
        "notice_on": (None, "2023-03-14"),
    }


def test_a_notice_may_cover_more_measures_later(city: City, grant: Grant) -> None:
    other = add_measure(city.programme, title=Localized("Rad"))
    record(city, grant, measures=[city.measure, other])
    assert set(grant.measures) == {city.measure, other}
    assert [change for change in lines_about(grant)[0].changes if change["field"] == "measures"] == [
        {"field": "measures", "from": str(city.measure.name), "to": f"{city.measure.name}, Rad"}
    ]


def test_saving_what_is_stored_already_leaves_no_line(city: City, grant: Grant) -> None:
    record(city, grant)
    record(city, grant)
    assert len(lines_about(grant)) == 1


@pytest.mark.parametrize("who", ["administrator", "lead", "head", "funder", "auditor"])
def test_only_coordinators_record_grants(city: City, grant: Grant, who: str) -> None:
    with pytest.raises(Forbidden):
        record(city, grant, who)
    with pytest.raises(Forbidden):
        create(city, who=who)
    assert grant.notice_on is None
    assert lines_about(grant) == []


def test_a_notice_does_not_come_from_the_future(city: City, grant: Grant) -> None:
    record(city, grant, notice_on=date(2023, 3, 15))
    with pytest.raises(RuleBroken) as refused:
        record(city, grant, notice_on=date(2023, 3, 16))
    assert refused.value.field == "notice_on"
    with pytest.raises(RuleBroken):
        create(city, notice_on=date(2023, 3, 16))


def test_a_grant_pays_for_measures_of_its_own_programme_only(city: City, grant: Grant) -> None:
    stranger = add_measure(add_programme())
    with pytest.raises(RuleBroken) as refused:
        record(city, grant, measures=[stranger])
    assert refused.value.field == "measures"
    with pytest.raises(RuleBroken):
        create(city, measures=[stranger])
    assert grant.measures == [city.measure]


@pytest.mark.parametrize(
    "meanwhile",
    [
        {"notice_on": date(2023, 1, 2)},
        {"file_number": "anders"},
        {"amount": Decimal("1")},
        {"measures": []},
    ],
)
def test_nobody_overwrites_what_somebody_else_recorded_meanwhile(
    city: City, grant: Grant, meanwhile: dict[str, Any]
) -> None:
    seen = service.imprint(grant)
    record(city, grant, **({"file_number": None, "amount": None, "notice_on": DAY} | meanwhile))
    before = service.imprint(grant)
    with pytest.raises(Conflict):
        record(city, grant, seen=seen, amount=Decimal("2"))
    assert service.imprint(grant) == before


def test_a_changed_fact_loses_its_source_and_its_sample_mark_and_the_others_keep_theirs(
    city: City, grant: Grant
) -> None:
    grant.amount, grant.amount_note = Decimal("5"), Localized("davon 3 für 2023")
    grant.sources = {"*": SOURCE, "amount": SOURCE, "rate": SOURCE}
    grant.sample_fields = ["amount", "total_cost"]
    db.session.flush()
    record(city, grant)
    assert grant.sources_for("amount") == grant.sources_for("notice_on") == grant.sources_for("file_number") == []
    assert [source.address for source in grant.sources_for("rate")] == ["https://quelle.example"]
    assert [source.address for source in grant.sources_for("notice_count")] == ["https://quelle.example"]
    assert grant.sample_fields == ["total_cost"]
    assert grant.amount_note is None


def test_a_remark_stays_with_its_amount(city: City, grant: Grant) -> None:
    grant.amount, grant.amount_note = NOTICE["amount"], Localized("davon 3 für 2023")
    db.session.flush()
    record(city, grant)
    assert grant.amount_note == Localized("davon 3 für 2023")


def test_a_new_grant_covers_its_measures_and_stands_in_the_log(city: City) -> None:
    grant = create(city)
    assert grant.key == "zuwendung-rad"
    assert city.measure.grants == [grant]
    (line,) = lines_about(grant)
    assert {change["field"] for change in line.changes} == {
        "title",
        "file_number",
        "notice_on",
        "amount",
        "measures",
    }


def test_grants_of_the_same_name_have_different_keys(city: City) -> None:
    assert [create(city).key for _ in range(3)] == ["zuwendung-rad", "zuwendung-rad-2", "zuwendung-rad-3"]
    assert create(city, "漢字").key == "zuwendung"
    assert len(create(city, "Ä" * 200).key) <= 80


def test_of_two_who_create_the_same_grant_at_once_the_second_is_told(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(city)
    monkeypatch.setattr(service, "_key_for", lambda programme, title: "zuwendung-rad")
    with pytest.raises(Conflict) as refused:
        create(city)
    assert refused.value.field == "title"


def test_a_grant_may_wait_for_its_notice(city: City) -> None:
    grant = create(city, notice_on=None, file_number=None, amount=None)
    assert not transition_facts(city.measure, DAY).has_grant_notice
    record(city, grant)
    assert transition_facts(city.measure, DAY).has_grant_notice


# -- what is owed


TODAY = date(2023, 3, 15)
DUE = date(2023, 6, 30)


@pytest.fixture
def owed(grant: Grant) -> Obligation:
    return add(  # type: ignore[no-any-return]
        Obligation(
            grant=grant,
            key="nachweis",
            kind="proof_of_use",
            title=Localized("Nachweis", "Proof"),
            rule=Localized("Sechs Monate nach dem Ende"),
            basis="derived",
            due_on=DUE,
        )
    )


def move(
    city: City, owed: Obligation, to_on: date = date(2023, 9, 30), who: str = "coordinator", **given: Any
) -> None:
    given = {"reason": "Bescheid vom 1. März", "seen": service.imprint_of(owed)} | given
    service.move_obligation(actor(getattr(city, who)), owed, to_on, **given, now=NOON)


def complete(city: City, owed: Obligation, done_on: date = TODAY, who: str = "coordinator", **given: Any) -> None:
    given = {"note": None, "seen": service.imprint_of(owed)} | given
    service.complete_obligation(actor(getattr(city, who)), owed, done_on, **given, now=NOON)


def reopen(city: City, owed: Obligation, who: str = "coordinator", **given: Any) -> None:
    given = {"reason": "Verwechselt", "seen": service.imprint_of(owed)} | given
    service.reopen_obligation(actor(getattr(city, who)), owed, **given, now=NOON)


def lines_of(owed: Obligation) -> list[AuditEvent]:
    query = select(AuditEvent).where(AuditEvent.subject_id == owed.id).order_by(AuditEvent.id)
    return list(db.session.scalars(query))


def test_a_moved_obligation_is_a_new_version_and_the_old_day_stays_with_its_reason(
    city: City, owed: Obligation
) -> None:
    move(city, owed)
    move(city, owed, date(2023, 12, 31), reason="  Verlängert ")
    assert (owed.due_on, owed.due_version) == (date(2023, 12, 31), 3)
    db.session.expire(owed)
    assert [(row.from_on, row.to_on, row.reason) for row in owed.moves] == [
        (DUE, date(2023, 9, 30), "Bescheid vom 1. März"),
        (date(2023, 9, 30), date(2023, 12, 31), "Verlängert"),
    ]
    assert all((row.moved_at, row.moved_by) == (NOON, city.coordinator) for row in owed.moves)
    first, _ = lines_of(owed)
    assert (str(first.sentence), first.reason) == ("Frist einer Pflicht verschoben: Nachweis", "Bescheid vom 1. März")
    assert (first.scope_id, first.actor_id) == (city.programme.id, city.coordinator.id)
    assert first.changes == [{"field": "due_on", "from": "2023-06-30", "to": "2023-09-30"}]


def test_a_day_that_was_missing_is_set(city: City, owed: Obligation) -> None:
    undated = add(Obligation(grant=owed.grant, key="n", kind="report", title=Localized("Bericht")))
    move(city, undated)
    assert (undated.due_on, undated.due_version, undated.moves[0].from_on) == (date(2023, 9, 30), 2, None)
    assert str(lines_of(undated)[0].sentence) == "Frist einer Pflicht gesetzt: Bericht"


def test_a_day_that_people_set_is_no_longer_the_published_or_derived_one(city: City, owed: Obligation) -> None:
    owed.sources = {"*": SOURCE, "due_on": SOURCE}
    owed.sample_fields = ["due_on", "rule"]
    db.session.flush()
    move(city, owed)
    assert (owed.basis, owed.sources_for("due_on"), owed.sample_fields) == (None, [], ["rule"])
    assert [source.address for source in owed.sources_for("rule")] == ["https://quelle.example"]


def test_what_is_done_is_owed_no_more_until_it_is_taken_back(city: City, owed: Obligation) -> None:
    def open_ones() -> list[str]:
        deadlines = open_deadlines([city.programme], TODAY, TODAY + timedelta(days=365))
        return [deadline.subject for deadline in deadlines if deadline.kind is Kind.OBLIGATION]

    assert open_ones() == [f"obligation:{owed.id}"]
    complete(city, owed, note=" Eingereicht ")
    db.session.flush()
    assert (owed.done_on, open_ones()) == (TODAY, [])
    reopen(city, owed)
    db.session.flush()
    assert (owed.done_on, owed.due_version, open_ones()) == (None, 1, [f"obligation:{owed.id}"])
    done, back = lines_of(owed)
    assert (str(done.sentence), done.reason) == ("Pflicht erledigt: Nachweis", "Eingereicht")
    assert done.changes == [{"field": "done_on", "from": None, "to": "2023-03-15"}]
    assert (str(back.sentence), back.reason) == ("Pflicht wieder offen: Nachweis", "Verwechselt")
    assert back.changes == [{"field": "done_on", "from": "2023-03-15", "to": None}]


@pytest.mark.parametrize("who", ["administrator", "lead", "head", "funder", "auditor"])
def test_only_coordinators_change_what_is_owed(city: City, grant: Grant, owed: Obligation, who: str) -> None:
    person = actor(getattr(city, who))
    with pytest.raises(Forbidden):
        move(city, owed, who=who)
    with pytest.raises(Forbidden):
        complete(city, owed, who=who)
    with pytest.raises(Forbidden):
        reopen(city, owed, who=who)
    with pytest.raises(Forbidden):
        service.create_obligation(person, grant, "Neu", "report", due_on=None, rule=None, now=NOON)
    assert (owed.due_on, owed.done_on, lines_of(owed), len(grant.obligations)) == (DUE, None, [], 1)


@pytest.mark.parametrize(
    ("to_on", "reason", "field"),
    [(DUE, "Grund", "due_on"), (date(2023, 9, 30), "  ", "reason")],
)
def test_a_deadline_moves_to_another_day_and_for_a_reason(
    city: City, owed: Obligation, to_on: date, reason: str, field: str
) -> None:
    with pytest.raises(RuleBroken) as refused:
        move(city, owed, to_on, reason=reason)
    assert (refused.value.field, owed.due_version, owed.moves) == (field, 1, [])


def test_nothing_is_done_ahead_of_the_programmes_own_day(city: City, owed: Obligation) -> None:
    with pytest.raises(RuleBroken) as refused:
        complete(city, owed, TODAY + timedelta(days=1))
    assert (refused.value.field, owed.done_on) == ("done_on", None)
    city.programme.time_zone = "Pacific/Auckland"
    db.session.flush()
    complete(city, owed, TODAY + timedelta(days=1))
    assert owed.done_on == date(2023, 3, 16)


def test_what_is_done_neither_moves_nor_is_done_twice_and_what_is_open_is_not_taken_back(
    city: City, owed: Obligation
) -> None:
    with pytest.raises(RuleBroken):
        reopen(city, owed)
    complete(city, owed)
    with pytest.raises(RuleBroken, match="als erledigt eingetragen"):
        move(city, owed)
    with pytest.raises(RuleBroken):
        complete(city, owed)
    with pytest.raises(RuleBroken) as refused:
        reopen(city, owed, reason=" ")
    assert (refused.value.field, owed.done_on, owed.due_on, len(lines_of(owed))) == ("reason", TODAY, DUE, 1)


@pytest.mark.parametrize("meanwhile", [move, complete])
@pytest.mark.parametrize("late", [move, complete, reopen])
def test_nobody_changes_an_obligation_over_somebody_elses_change(
    city: City, owed: Obligation, meanwhile: Callable[..., None], late: Callable[..., None]
) -> None:
    seen = service.imprint_of(owed)
    meanwhile(city, owed)
    before = service.imprint_of(owed)
    with pytest.raises(Conflict):
        late(city, owed, seen=seen)
    assert service.imprint_of(owed) == before


def test_an_obligation_of_the_notice_is_added_with_or_without_its_day(city: City, grant: Grant) -> None:
    person = actor(city.coordinator)
    dated = service.create_obligation(
        person, grant, "Zwischennachweis", "report", due_on=DUE, rule="Formular 7", now=NOON
    )
    undated = service.create_obligation(person, grant, "Zwischennachweis", "other", due_on=None, rule=None, now=NOON)
    assert {row.key for row in grant.obligations} == {"zwischennachweis", "zwischennachweis-2"}
    assert (dated.kind, dated.due_on, dated.rule, dated.is_sample) == ("report", DUE, Localized("Formular 7"), False)
    assert (undated.due_on, undated.rule, undated.due_version, undated.done_on) == (None, None, 1, None)
    (line,) = lines_of(dated)
    assert (str(line.sentence), line.scope_id) == ("Pflicht angelegt: Zwischennachweis", city.programme.id)
    assert {change["field"]: change["to"] for change in line.changes} == {
        "title": "Zwischennachweis",
        "due_on": "2023-06-30",
        "rule": "Formular 7",
    }


def test_of_two_who_add_the_same_obligation_at_once_the_second_is_told(
    city: City, grant: Grant, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = actor(city.coordinator)
    monkeypatch.setattr(service, "_key_of_obligation", lambda grant, title: "bericht")
    service.create_obligation(person, grant, "Bericht", "report", due_on=None, rule=None, now=NOON)
    with pytest.raises(Conflict) as refused:
        service.create_obligation(person, grant, "Bericht", "report", due_on=None, rule=None, now=NOON)
    assert refused.value.field == "title"


def test_the_kinds_of_the_form_are_those_of_the_table() -> None:
    assert {key for key, _ in KINDS} == set(ObligationKind)
