"""Drafts, handing in, releasing and returning: state, refusals, mails and log lines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from app.accounts.models import Account
from app.audit.models import AuditEvent
from app.calendars.periods import Period
from app.core.database import db
from app.core.errors import Conflict, Forbidden, RuleBroken
from app.core.text import Text
from app.documents.service import Receipt
from app.mail.models import Mail
from app.organisations.permissions import Role
from app.progress import queries, service
from app.progress.health import Health
from app.progress.models import ProgressUpdate, UpdateState
from app.progress.reporting import Report
from tests.factories import NOON, City, actor, add_account, add_measure, add_milestone, add_unit
from tests.progress.arrange import REPORT, add_update, report

PERIOD = Period.parse("2022-Q4")
PLAN = Receipt("plan.pdf", "application/pdf", 4, "a" * 64)
PHOTO = Receipt("foto.png", "image/png", 4, "b" * 64)


def save(city: City, written: Report, by: Account | None = None, **values: Any) -> ProgressUpdate:
    values.setdefault("seen_version", None)
    return service.save_draft(actor(by or city.lead), city.measure, written, now=NOON, **values)


def submit(city: City, written: Report = REPORT, by: Account | None = None, **values: Any) -> ProgressUpdate:
    values.setdefault("seen_version", None)
    return service.submit_update(actor(by or city.lead), city.measure, written, now=NOON, **values)


def log(what: str) -> Sequence[AuditEvent]:
    return db.session.scalars(select(AuditEvent).where(AuditEvent.what == what)).all()


def mails(kind: str) -> Sequence[Mail]:
    return db.session.scalars(select(Mail).where(Mail.kind == kind).order_by(Mail.to_address)).all()


# -- drafts ---------------------------------------------------------------------------------------------------------


def test_a_draft_may_be_almost_empty(city: City) -> None:
    draft = save(city, Report(period=PERIOD))
    assert (draft.state, draft.period, draft.author_id) == (UpdateState.DRAFT, "2022-Q4", city.lead.id)
    assert draft.submitted_at is None
    assert [line.scope_id for line in log("Entwurf des Sachstands %(period)s gespeichert")] == [city.measure.id]
    assert mails("update_submitted") == []


def test_a_draft_is_continued_and_not_begun_twice(city: City) -> None:
    milestone = add_milestone(city.measure, date(2023, 6, 30))
    first = save(city, report(forecasts={milestone.id: date(2023, 7, 7)}))
    again = save(
        city,
        report(health=Health.RED, done=" Neu ", risks="", forecasts={milestone.id: date(2023, 8, 8)}),
        city.coordinator,
        seen_version=first.version,
    )
    assert again is first
    assert (again.health, again.done, again.risks, again.author_id) == ("red", "Neu", None, city.coordinator.id)
    assert [forecast.forecast_on for forecast in again.forecasts] == [date(2023, 8, 8)]
    assert milestone.forecast_on is None, "a draft changes no milestone"


def test_a_forecast_that_was_cleared_leaves_the_draft(city: City) -> None:
    milestone = add_milestone(city.measure, date(2023, 6, 30))
    draft = save(city, report(forecasts={milestone.id: date(2023, 7, 7)}))
    save(city, report(), seen_version=draft.version)
    db.session.flush()
    db.session.refresh(draft)
    assert draft.forecasts == []


@pytest.mark.parametrize("stale", [None, 0, 99])
def test_a_draft_somebody_else_saved_since_is_not_overwritten(city: City, stale: int | None) -> None:
    draft = save(city, report(done="Erste Fassung"))
    db.session.flush()
    with pytest.raises(Conflict):
        save(city, report(done="Zweite Fassung"), city.coordinator, seen_version=stale)
    assert draft.done == "Erste Fassung"


def test_a_draft_that_is_gone_is_not_silently_begun_anew(city: City) -> None:
    with pytest.raises(Conflict, match="eingereicht oder verworfen"):
        save(city, report(), seen_version=3)
    assert queries.find_draft(city.measure) is None


def test_of_two_who_begin_at_once_the_second_is_told(city: City) -> None:
    with db.session.no_autoflush:  # the other's draft is written between our look and our insert
        db.session.add(
            ProgressUpdate(measure_id=city.measure.id, period="2022-Q4", state=UpdateState.DRAFT, created_at=NOON)
        )
        with pytest.raises(Conflict):
            save(city, report())


@pytest.mark.parametrize("who", ["other_lead", "head", "administrator", "auditor", "funder"])
def test_others_may_not_report(city: City, who: str) -> None:
    with pytest.raises(Forbidden):
        save(city, report(), getattr(city, who))
    with pytest.raises(Forbidden):
        submit(city, by=getattr(city, who))
    assert queries.find_draft(city.measure) is None


@pytest.mark.parametrize("command", [save, submit])
@pytest.mark.parametrize("status", ["approved", "done", "stopped", None])
def test_measures_that_do_not_run_are_not_reported_on(city: City, command: Any, status: str | None) -> None:
    city.measure.status = status
    with pytest.raises(RuleBroken):
        command(city, report())


def test_a_paused_measure_is_reported_on(city: City) -> None:
    city.measure.status = "paused"
    assert submit(city).state == UpdateState.SUBMITTED


@pytest.mark.parametrize("key", ["2023-Q2", "2021-Q4", "2023-03", "2023-H1"])
def test_a_period_that_is_not_offered_is_refused(city: City, key: str) -> None:
    with pytest.raises(RuleBroken) as refusal:
        save(city, report(period=Period.parse(key)))
    assert refusal.value.field == "period"


def test_a_draft_that_lay_for_long_keeps_its_period(city: City) -> None:
    old = add_update(city.measure, city.lead, UpdateState.DRAFT, period="2021-Q3")
    update = submit(city, report(period=Period.parse("2021-Q3")), seen_version=old.version)
    assert update.period == "2021-Q3"


def test_attachments_are_added_kept_and_removed(city: City) -> None:
    draft = save(city, report(), receipts=[PLAN, PHOTO])
    db.session.flush()
    plan = next(document for document in draft.attachments if document.filename == "plan.pdf")
    assert (plan.sha256, plan.uploaded_by_id, plan.uploaded_at) == ("a" * 64, city.lead.id, NOON)

    save(city, report(), seen_version=draft.version, receipts=[PHOTO], removed_ids={plan.id})
    assert [document.filename for document in draft.attachments] == ["foto.png"]


def test_a_draft_is_discarded(city: City) -> None:
    draft = save(city, report(), receipts=[PLAN])
    db.session.flush()
    service.discard_draft(actor(city.coordinator), draft, now=NOON, seen_version=draft.version)
    assert queries.find_draft(city.measure) is None
    assert len(log("Entwurf des Sachstands %(period)s verworfen")) == 1


def test_a_draft_that_changed_is_not_discarded(city: City) -> None:
    draft = save(city, report())
    db.session.flush()
    with pytest.raises(Conflict):
        service.discard_draft(actor(city.lead), draft, now=NOON, seen_version=draft.version + 1)
    assert queries.find_draft(city.measure) is draft


def test_a_submitted_update_is_not_discarded(city: City) -> None:
    update = add_update(city.measure, city.lead)
    with pytest.raises(Conflict):
        service.discard_draft(actor(city.lead), update, now=NOON, seen_version=update.version)


def test_the_lead_of_another_measure_discards_nothing(city: City) -> None:
    draft = save(city, report())
    with pytest.raises(Forbidden):
        service.discard_draft(actor(city.other_lead), draft, now=NOON, seen_version=draft.version)


# -- handing in -----------------------------------------------------------------------------------------------------


def test_a_complete_report_is_handed_in(city: City) -> None:
    update = submit(city)
    assert (update.state, update.submitted_at, update.author_id) == (UpdateState.SUBMITTED, NOON, city.lead.id)
    assert queries.find_draft(city.measure) is None
    (line,) = log("Sachstand %(period)s eingereicht")
    assert (line.actor_name, line.scope_id) == ("Projektleitung", city.measure.id)
    assert {"field": "health", "from": None, "to": "Grün"} in line.changes
    assert {"field": "percent", "from": None, "to": 40} in line.changes


def test_the_log_says_what_the_light_was_before(city: City) -> None:
    add_update(city.measure, city.lead, health="red", health_reason="Kein Bieter", percent=20, period="2022-Q3")
    submit(city)
    (line,) = log("Sachstand %(period)s eingereicht")
    assert {"field": "health", "from": "Rot", "to": "Grün"} in line.changes
    assert {"field": "percent", "from": 20, "to": 40} in line.changes


def test_a_draft_becomes_the_update(city: City) -> None:
    draft = save(city, Report(period=PERIOD))
    db.session.flush()
    assert submit(city, seen_version=draft.version) is draft


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"health": None}, "health"),
        ({"percent": None}, "percent"),
        ({"done": " "}, "done"),
        ({"next_steps": None}, "next_steps"),
        ({"health": Health.YELLOW}, "health_reason"),
        ({"health": Health.RED, "health_reason": "Kein Bieter"}, "decision_wanted"),
    ],
)
def test_an_incomplete_report_is_not_handed_in(city: City, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(RuleBroken) as refusal:
        submit(city, report(**changes))
    assert refusal.value.field == field
    assert queries.list_for_measure(actor(city.lead), city.measure) == []


def test_whoever_only_hands_in_a_report_does_not_become_its_author(city: City) -> None:
    """A head who also leads writes the report; somebody else pressing the button must not free them to release it."""
    draft = save(city, REPORT)
    db.session.flush()
    update = submit(city, REPORT, by=city.coordinator, seen_version=draft.version)
    assert update.author_id == city.lead.id


def test_whoever_changes_a_draft_becomes_its_author(city: City) -> None:
    draft = save(city, REPORT)
    db.session.flush()
    update = submit(city, report(done="Anderes"), by=city.coordinator, seen_version=draft.version)
    assert update.author_id == city.coordinator.id


def test_forecasts_become_those_of_the_milestones(city: City) -> None:
    moved = add_milestone(city.measure, date(2023, 6, 30), forecast_on=date(2023, 7, 1))
    kept = add_milestone(city.measure, date(2023, 9, 30), forecast_on=date(2023, 9, 30))
    untold = add_milestone(city.measure, date(2023, 12, 31))

    update = submit(city, report(forecasts={moved.id: date(2023, 8, 15), kept.id: date(2023, 9, 30)}))

    assert (moved.forecast_on, moved.edited_by_id) == (date(2023, 8, 15), None)
    assert (kept.forecast_on, kept.edited_by_id) == (date(2023, 9, 30), None)
    assert untold.forecast_on is None
    assert moved.planned_on == date(2023, 6, 30), "the promise stays"
    (line,) = log("Prognose für „%(title)s“ gemeldet")
    assert (line.subject_id, line.scope_id) == (moved.id, city.measure.id)
    assert line.changes == [{"field": "forecast_on", "from": "2023-07-01", "to": "2023-08-15"}]
    assert {forecast.milestone_id for forecast in update.forecasts} == {moved.id, kept.id}


def test_only_open_milestones_of_the_measure_get_forecasts(city: City) -> None:
    dropped = add_milestone(city.measure, date(2023, 6, 30), dropped_at=NOON, drop_reason="entfällt")
    foreign = add_milestone(add_measure(city.programme), date(2023, 6, 30))
    update = submit(city, report(forecasts={dropped.id: date(2023, 8, 1), foreign.id: date(2023, 8, 1)}))
    assert update.forecasts == []
    assert (dropped.forecast_on, foreign.forecast_on) == (None, None)


def test_a_milestone_settled_since_the_draft_keeps_its_forecast(city: City) -> None:
    milestone = add_milestone(city.measure, date(2023, 6, 30))
    draft = save(city, report(forecasts={milestone.id: date(2023, 8, 1)}))
    milestone.approved_at, milestone.actual_on = NOON, date(2023, 3, 1)
    update = submit(city, report(forecasts={milestone.id: date(2023, 8, 1)}), seen_version=draft.version)
    assert update.forecasts == []
    assert milestone.forecast_on is None


def test_the_head_of_the_unit_is_told(city: City) -> None:
    update = submit(city)
    (mail,) = mails("update_submitted")
    assert mail.to_address == city.head.email
    assert "4. Quartal 2022" in mail.subject
    assert f"http://localhost/progress/{update.id}" in mail.body_text
    assert f"http://localhost/progress/{update.id}" in mail.body_html
    assert "Bitte geben Sie ihn frei" in mail.body_text
    assert "keine Bereichsleitung" not in mail.body_text


def test_the_mail_speaks_the_language_of_the_head(city: City) -> None:
    city.head.language = "en"
    submit(city)
    (mail,) = mails("update_submitted")
    assert mail.language == "en"


def test_without_a_head_the_coordination_is_told(city: City) -> None:
    city.measure.unit = add_unit("Ohne Leitung")
    submit(city)
    (mail,) = mails("update_submitted")
    assert mail.to_address == city.coordinator.email
    assert "keine Bereichsleitung, die ihn freigeben kann" in mail.body_text
    assert "keine Bereichsleitung, die ihn freigeben kann" in mail.body_html


def test_a_head_who_reports_does_not_ask_themselves(city: City) -> None:
    city.measure.unit = add_unit("Team Daten", parent=city.unit)
    leading_head = add_account("Teamleitung", Role.DEPARTMENT_HEAD, unit=city.measure.unit)
    city.measure.lead = leading_head
    submit(city, by=leading_head)
    assert [mail.to_address for mail in mails("update_submitted")] == [city.head.email]


def test_a_period_may_be_reported_again(city: City) -> None:
    first = submit(city)
    second = submit(city, report(percent=45))
    assert first is not second
    assert first.percent == 40


# -- the decision ---------------------------------------------------------------------------------------------------


def test_the_head_releases_a_report(city: City) -> None:
    update = submit(city)
    db.session.flush()
    service.release_update(actor(city.head), update, now=NOON, seen_version=update.version)
    db.session.flush()
    assert (update.state, update.decided_by_id, update.decided_at) == (UpdateState.RELEASED, city.head.id, NOON)
    assert len(log("Sachstand %(period)s freigegeben")) == 1
    (mail,) = mails("update_decided")
    assert mail.to_address == city.lead.email
    assert "freigegeben" in mail.subject
    assert queries.find_draft(city.measure) is None


def test_the_head_returns_a_report_and_the_lead_goes_on_from_it(city: City) -> None:
    milestone = add_milestone(city.measure, date(2023, 6, 30))
    settled = add_milestone(city.measure, date(2023, 6, 30))
    days = {milestone.id: date(2023, 8, 1), settled.id: date(2023, 8, 1)}
    written = report(
        health=Health.RED, health_reason="Kein Bieter", decision_wanted="Neu", risks="Winter", forecasts=days
    )
    update = submit(city, written, receipts=[PLAN])
    settled.dropped_at, settled.drop_reason = NOON, "entfällt"
    db.session.flush()
    service.return_update(actor(city.head), update, "  Zahlen fehlen ", now=NOON, seen_version=update.version)
    db.session.flush()

    assert (update.state, update.return_reason, update.decided_by_id) == (
        UpdateState.RETURNED,
        "Zahlen fehlen",
        city.head.id,
    )
    (line,) = log("Sachstand %(period)s zurückgegeben")
    assert line.reason == "Zahlen fehlen"
    (mail,) = mails("update_decided")
    assert mail.to_address == city.lead.email
    assert "Zahlen fehlen" in mail.body_text
    assert f"http://localhost/measures/{city.measure.id}/progress/report" in mail.body_text

    draft = queries.find_draft(city.measure)
    assert draft is not None
    names = (
        "period",
        "health",
        "health_reason",
        "decision_wanted",
        "percent",
        "done",
        "next_steps",
        "risks",
        "author_id",
    )
    assert [getattr(draft, name) for name in names] == [getattr(update, name) for name in names]
    assert [(forecast.milestone_id, forecast.forecast_on) for forecast in draft.forecasts] == [
        (milestone.id, date(2023, 8, 1))
    ]
    assert [document.filename for document in draft.attachments] == ["plan.pdf"]
    assert len(update.forecasts) == 2, "what was handed in stays as it was"
    assert [document.filename for document in update.attachments] == ["plan.pdf"]


def test_a_draft_begun_meanwhile_is_left_alone(city: City) -> None:
    update = submit(city)
    draft = save(city, report(done="Das nächste Quartal"))
    db.session.flush()
    service.return_update(actor(city.head), update, "Zahlen fehlen", now=NOON, seen_version=update.version)
    assert queries.find_draft(city.measure) is draft
    assert draft.done == "Das nächste Quartal"


@pytest.mark.parametrize("reason", [None, "", "  "])
def test_a_return_needs_a_reason(city: City, reason: str | None) -> None:
    update = add_update(city.measure, city.lead)
    with pytest.raises(RuleBroken) as refusal:
        service.return_update(actor(city.head), update, reason, now=NOON, seen_version=update.version)
    assert refusal.value.field == "reason"
    assert update.state == UpdateState.SUBMITTED


@pytest.mark.parametrize(
    "who", ["lead", "other_lead", "other_head", "coordinator", "administrator", "auditor", "funder"]
)
def test_nobody_but_the_head_decides(city: City, who: str) -> None:
    update = add_update(city.measure, city.lead)
    with pytest.raises(Forbidden):
        service.release_update(actor(getattr(city, who)), update, now=NOON, seen_version=update.version)
    with pytest.raises(Forbidden):
        service.return_update(actor(getattr(city, who)), update, "Nein", now=NOON, seen_version=update.version)


def test_a_head_does_not_decide_what_they_reported(city: City) -> None:
    city.measure.lead = city.head
    update = submit(city, by=city.head)
    db.session.flush()
    with pytest.raises(Forbidden, match="Vier-Augen-Prinzip"):
        service.release_update(actor(city.head), update, now=NOON, seen_version=update.version)
    with pytest.raises(Forbidden, match="Vier-Augen-Prinzip"):
        service.return_update(actor(city.head), update, "Nein", now=NOON, seen_version=update.version)


@pytest.mark.parametrize("state", [UpdateState.RELEASED, UpdateState.RETURNED])
def test_a_report_is_decided_once(city: City, state: UpdateState) -> None:
    update = add_update(city.measure, city.lead, state)
    with pytest.raises(Conflict):
        service.release_update(actor(city.head), update, now=NOON, seen_version=update.version)
    with pytest.raises(Conflict):
        service.return_update(actor(city.head), update, "Nein", now=NOON, seen_version=update.version)


def test_a_report_that_changed_since_it_was_seen_is_not_decided(city: City) -> None:
    update = add_update(city.measure, city.lead)
    with pytest.raises(Conflict):
        service.release_update(actor(city.head), update, now=NOON, seen_version=update.version + 1)


def test_the_lead_is_told_too_where_somebody_else_reported(city: City) -> None:
    update = submit(city, by=city.coordinator)
    db.session.flush()
    service.release_update(actor(city.head), update, now=NOON, seen_version=update.version)
    told = {mail.to_address for mail in mails("update_decided")}
    assert told == {city.coordinator.email, city.lead.email}


def test_a_closed_account_gets_no_mail(city: City) -> None:
    update = submit(city)
    city.lead.active = False
    db.session.flush()
    service.release_update(actor(city.head), update, now=NOON, seen_version=update.version)
    assert mails("update_decided") == []


def test_the_sentences_of_refusals_are_translatable(city: City) -> None:
    with pytest.raises(Conflict) as refusal:
        save(city, report(), seen_version=3)
    assert isinstance(refusal.value.message, Text)
