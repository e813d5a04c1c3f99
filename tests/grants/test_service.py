"""Commands on grants: who may record a notice, what is refused, and what the log keeps."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from app.audit.models import AuditEvent
from app.core.database import db
from app.core.errors import Conflict, Forbidden, RuleBroken
from app.core.localized import Localized
from app.grants import service
from app.grants.models import Grant
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
