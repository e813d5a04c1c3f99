"""What is gathered from the database: released facts, as they stood, in a constant number of queries."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from app.audit.models import AuditEvent
from app.core.database import db
from app.core.localized import Localized
from app.digests import content, facts, released, service
from app.documents.models import Document
from app.milestones import service as milestones
from app.milestones.approval import Decision
from app.milestones.models import Approval, MoveRequest
from app.progress.models import UpdateState
from tests.digests.arrange import (
    add_forecast,
    add_obligation,
    add_recipient,
    add_update,
    approve,
    change_status,
    drop,
    mails,
    move,
    noon,
    part_of,
)
from tests.factories import (
    NOON,
    City,
    actor,
    add,
    add_account,
    add_funder_organisation,
    add_measure,
    add_milestone,
    add_programme,
)

TODAY = date(2023, 3, 15)


def test_nothing_that_is_not_released_gets_into_a_digest(city: City) -> None:
    """Markers stand in every field of the city's own; none may appear in facts, subject, text or HTML."""
    measure, part = city.measure, part_of(city)
    texts = ("health_reason", "decision_wanted", "done", "next_steps", "risks")

    def words(where: str) -> dict[str, Any]:
        return {name: f"GEHEIM-{where}-{name}" for name in texts}

    author = add_account("GEHEIM-author")
    document = add(Document(filename="GEHEIM-file.pdf", media_type="x", size=1, sha256="0" * 64, uploaded_at=NOON))
    milestone = add_milestone(measure, date(2023, 4, 1), forecast_on=date(2023, 4, 27))
    milestone.description = Localized("GEHEIM-description")
    hidden = [
        add_update(measure, UpdateState.SUBMITTED, health="red", percent=91, period="2022-Q1", **words("submitted")),
        add_update(measure, UpdateState.RETURNED, health="red", percent=92, period="2022-Q2", **words("returned")),
        add_update(measure, UpdateState.DRAFT, health="red", percent=93, period="2022-Q3", **words("draft")),
    ]
    hidden[1].return_reason = "GEHEIM-return"
    for update in hidden:
        add_forecast(update, milestone, date(2023, 4, 28))
    shown = add_update(measure, health="green", **words("green"))
    shown.author, shown.attachments = author, [document]
    for reason, decision in (("GEHEIM-returned-reason", Decision.RETURNED), ("GEHEIM-granted", Decision.APPROVED)):
        request = Approval(
            milestone=milestone,
            submitted_by=author,
            submitted_at=NOON,
            actual_on=date(2023, 2, 26),
            statement="GEHEIM-statement",
            decision=decision,
            decided_by_id=city.head.id,
            decided_at=NOON,
            reason=reason,
            evidence=[document],
        )
        add(request)
    waiting = add_milestone(measure, date(2023, 4, 2))
    add(
        Approval(
            milestone=waiting,
            submitted_by=author,
            submitted_at=NOON,
            actual_on=date(2023, 2, 27),
            statement="GEHEIM-statement",
        )
    )
    change_status(
        measure, "approved", "running", noon(date(2023, 2, 1)), note="GEHEIM-note", record={"result": "GEHEIM-record"}
    )
    measure.record, measure.lead = {"result": "GEHEIM-record"}, author
    measure.summary = Localized("GEHEIM-summary")
    city.unit.name = Localized("GEHEIM-unit")
    part.part = Localized("GEHEIM-part")
    add(
        AuditEvent(
            at=NOON, actor_name="GEHEIM-actor", what="GEHEIM-what", subject_kind="measure", subject_id=measure.id
        )
    )
    add_recipient(part)
    add_recipient(part, "english@ministerium.example", language="en")

    digest = service.send(actor(city.coordinator), city.programme, city.funder_organisation, until_on=TODAY, now=NOON)

    seen = json.dumps(digest.facts, ensure_ascii=False)
    for mail in mails():
        seen += mail.subject + mail.body_text + mail.body_html + mail.to_name
    assert "GEHEIM" not in seen
    for percent in ("91", "92", "93"):
        assert f"{percent} %" not in seen
        assert f'"percent": {percent}' not in seen
    for day in ("2023-02-26", "2023-02-27", "2023-04-27", "2023-04-28", "27.04.2023", "28.04.2023"):
        assert day not in seen
    assert "40 %" in seen, "the released update is told"


def test_a_wish_to_move_is_told_when_it_is_approved_and_not_before(city: City) -> None:
    milestone = add_milestone(city.measure, date(2023, 3, 31), funder_relevant=True)

    def wish(to_on: date, reason: str) -> MoveRequest:
        made = milestones.move_milestone(
            actor(city.lead), milestone, to_on, reason, seen_version=milestone.version, now=NOON
        )
        db.session.flush()
        assert isinstance(made, MoveRequest)
        return made

    def told() -> str:
        return json.dumps(facts.to_json(released.gather(part_of(city), NOON.date())))

    milestones.withdraw_move(actor(city.lead), wish(date(2024, 1, 17), "GEHEIM-1"), now=NOON)
    returned = wish(date(2024, 2, 18), "GEHEIM-2")
    milestones.decide_move(actor(city.head), returned, Decision.RETURNED, reason="GEHEIM-3", now=NOON)
    approved = wish(date(2023, 6, 30), "Lieferverzug")
    for hidden in ("GEHEIM", "2024-01-17", "2024-02-18", "2023-06-30", "Lieferverzug", "moved:"):
        assert hidden not in told()
    milestones.decide_move(actor(city.head), approved, Decision.APPROVED, reason="GEHEIM-4", now=NOON)
    db.session.flush()
    (measure,) = released.gather(part_of(city), NOON.date()).measures
    (fact,) = measure.moves
    assert (fact.from_on, fact.to_on, fact.reason) == (date(2023, 3, 31), date(2023, 6, 30), "Lieferverzug")
    assert "GEHEIM" not in told()
    assert not measure.overrides


def test_what_a_released_update_says_is_told(city: City) -> None:
    milestone = add_milestone(city.measure, date(2023, 4, 1))
    update = add_update(city.measure, health="red", health_reason="Lieferverzug", decision_wanted="Mehr Zeit")
    add_forecast(update, milestone, date(2023, 4, 20))
    (measure,) = released.gather(part_of(city), TODAY).measures
    assert measure.release == measure.releases[0]
    assert (measure.releases[0].reason, measure.releases[0].decision_wanted) == ("Lieferverzug", "Mehr Zeit")
    assert [one.forecast_on for one in measure.milestones] == [date(2023, 4, 20)]


def test_only_the_last_released_update_forecasts(city: City) -> None:
    milestone = add_milestone(city.measure, date(2023, 4, 1))
    older = add_update(city.measure, at=noon(date(2023, 1, 10)))
    add_forecast(older, milestone, date(2023, 4, 20))
    add_update(city.measure, at=noon(date(2023, 2, 10)), period="2023-Q1")
    (measure,) = released.gather(part_of(city), TODAY).measures
    assert [one.forecast_on for one in measure.milestones] == [None]


def test_a_digest_tells_how_things_stood_on_its_last_day(city: City) -> None:
    measure = city.measure
    moved, reached = add_milestone(measure, date(2023, 5, 1)), add_milestone(measure, date(2023, 2, 1))
    change_status(measure, "approved", "running", noon(date(2023, 2, 1)))
    change_status(measure, "running", "paused", noon(date(2023, 3, 10)))
    measure.status = "paused"
    move(moved, date(2023, 6, 1), noon(date(2023, 3, 10)))
    approve(reached, date(2023, 2, 1), noon(date(2023, 3, 10)))
    add_update(measure, at=noon(date(2023, 1, 10)), health="green")
    add_update(measure, at=noon(date(2023, 3, 10)), health="yellow", health_reason="x", period="2023-Q1")

    (then,) = released.gather(part_of(city), date(2023, 3, 9)).measures
    assert then.status is not None
    assert then.status.label == Localized("In Umsetzung", "Running")
    assert then.release is not None
    assert then.release.health == "green"
    assert {one.planned_on for one in then.milestones} == {date(2023, 5, 1), date(2023, 2, 1)}
    assert not then.moves
    assert not then.approvals

    (now,) = released.gather(part_of(city), TODAY).measures
    assert now.status is not None
    assert now.status.label == Localized("Pausiert", "On hold")
    assert {one.planned_on for one in now.milestones} == {date(2023, 6, 1)}
    assert len(now.moves) == len(now.approvals) == 1


def test_a_span_ends_with_the_day_of_the_programme_s_zone(city: City) -> None:
    change_status(city.measure, "approved", "running", datetime(2023, 3, 15, 22, 59, tzinfo=UTC))
    change_status(city.measure, "running", "paused", datetime(2023, 3, 15, 23, 0, tzinfo=UTC))
    (measure,) = released.gather(part_of(city), TODAY).measures
    assert [change.after.label.de for change in measure.status_changes] == ["In Umsetzung"]


def test_settled_milestones_are_told_and_no_longer_expected(city: City) -> None:
    approve(add_milestone(city.measure, date(2023, 2, 1)), date(2023, 2, 3), noon(date(2023, 2, 10)))
    drop(add_milestone(city.measure, date(2023, 5, 1)), noon(date(2023, 2, 10)), "Partner fehlt")
    (measure,) = released.gather(part_of(city), TODAY).measures
    assert [one.actual_on for one in measure.approvals] == [date(2023, 2, 3)]
    assert [one.reason for one in measure.drops] == ["Partner fehlt"]
    assert not measure.milestones


def test_obligations_are_told_while_they_are_owed_and_dated(city: City) -> None:
    add_obligation(city.measure, date(2023, 4, 1), "owed")
    add_obligation(city.measure, None, "undated")
    add_obligation(city.measure, date(2023, 4, 1), "done", done_on=date(2023, 3, 15))
    add_obligation(city.measure, date(2023, 4, 1), "done later", done_on=date(2023, 3, 16))
    obligations = released.gather(part_of(city), TODAY).obligations
    assert sorted(one.title.de for one in obligations) == ["done later", "owed"]


def test_the_first_span_begins_with_the_programme_or_with_the_first_fact(city: City) -> None:
    part = part_of(city)
    assert released.gather(part, TODAY).span.from_on == TODAY
    change_status(city.measure, None, "running", noon(date(2021, 5, 1)))
    assert released.gather(part, TODAY).span.from_on == date(2021, 5, 1)


def test_facts_of_another_programme_stay_there(city: City) -> None:
    other = add_programme(add_funder_organisation("Bund"))
    secret = add_measure(other, title=Localized("GEHEIM"))
    add_update(secret, health_reason="GEHEIM")
    approve(add_milestone(secret, date(2023, 2, 1), title=Localized("GEHEIM")), date(2023, 2, 3), NOON)
    add_obligation(secret, date(2023, 4, 1), "GEHEIM")
    gathered = released.gather(part_of(city), TODAY)
    assert "GEHEIM" not in json.dumps(facts.to_json(gathered))


def test_an_unpublished_title_is_not_invented(city: City) -> None:
    add_update(add_measure(city.programme, title=None, number=4))
    told = content.build(released.gather(part_of(city), TODAY))
    assert "Maßnahme 4: Angaben folgen" in service.write(told, "de").text


def fill(city: City, measures: int) -> None:
    for _ in range(measures):
        measure = add_measure(city.programme)
        change_status(measure, "approved", "running", noon(date(2023, 2, 1)))
        for state in (UpdateState.RELEASED, UpdateState.SUBMITTED):
            update = add_update(measure, state)
            add_forecast(update, add_milestone(measure, date(2023, 4, 1)), date(2023, 4, 3))
        move(add_milestone(measure, date(2023, 4, 1)), date(2023, 5, 1), noon(date(2023, 2, 1)))
        add_obligation(measure, date(2023, 4, 1), str(measure.id))


def test_the_number_of_queries_does_not_grow_with_the_measures(city: City, count_queries: Callable[[], Any]) -> None:
    counts = []
    for _ in range(2):
        fill(city, 10)
        from_scratch(city)
        with count_queries() as queries:
            gathered = released.gather(part_of(city), TODAY)
        counts.append(len(queries))
    assert len(gathered.measures) == 21
    assert counts[0] == counts[1] <= 12


def from_scratch(city: City) -> None:
    """Forgets what the session has read, and reads the way to the programme again."""
    db.session.flush()
    db.session.expire_all()
    assert city.programme.funders
    assert city.funder_organisation.name


def test_a_plan_that_named_a_month_is_told_as_that_month_after_it_moved(city: City) -> None:
    milestone = add_milestone(city.measure, date(2023, 6, 30), planned_precision="month")
    move(milestone, date(2023, 9, 15), noon(date(2023, 3, 10)))
    (told,) = released.gather(city.programme.funders[0], date(2023, 3, 14)).measures[0].moves
    assert (told.from_on, told.to_on, told.by_month) == (date(2023, 6, 30), date(2023, 9, 15), True)
    (news,) = content.build(released.gather(city.programme.funders[0], date(2023, 3, 14))).news
    assert str(news.lines[0].text).endswith("von Juni 2023 auf 2023-09-15")
