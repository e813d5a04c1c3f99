"""Commands on progress updates: draft, hand in, release, return."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from app.accounts.models import Account
from app.audit import service as audit
from app.core.clock import day_of
from app.core.database import db
from app.core.errors import Conflict, RuleBroken
from app.core.forms import stripped
from app.core.text import Text, text
from app.documents import service as documents
from app.documents.service import Receipt
from app.mail import service as mail
from app.mail.service import Recipient
from app.measures.models import Measure
from app.organisations.permissions import Actor, Permission, Role, decides_for, require
from app.organisations.queries import list_deciders, list_members
from app.organisations.signature import signature
from app.programmes.four_eyes import NO_OVERRIDE, Override
from app.progress import queries, release, reporting
from app.progress.health import HEALTH_NAMES, Health
from app.progress.models import MilestoneForecast, ProgressUpdate, UpdateState
from app.progress.reporting import Report


def save_draft(
    actor: Actor,
    measure: Measure,
    report: Report,
    *,
    now: datetime,
    seen_version: int | None,
    receipts: Sequence[Receipt] = (),
    removed_ids: Collection[UUID] = (),
) -> ProgressUpdate:
    """Keeps what has been written so far, however incomplete; a measure has one draft.

    `seen_version` is the draft's version the person saw, None when there was none. `removed_ids` are documents to
    take off the draft again.

    Raises:
        Forbidden: for anybody but the measure's lead, their deputy while they are away, and the coordination.
        RuleBroken: when the measure does not run, or on `period` for a period that is not offered.
        Conflict: when the draft has changed, appeared or gone since.
    """
    draft = _write_draft(actor, measure, report, now, seen_version, receipts, removed_ids)
    what = text("Entwurf des Sachstands %(period)s gespeichert", period=str(draft.reporting_period.label()))
    audit.record(actor, draft, what, now=now, scope_id=measure.id)
    return draft


def submit_update(
    actor: Actor,
    measure: Measure,
    report: Report,
    *,
    now: datetime,
    seen_version: int | None,
    receipts: Sequence[Receipt] = (),
    removed_ids: Collection[UUID] = (),
) -> ProgressUpdate:
    """Hands in a complete report: it is not changed any more, its forecasts become those of the milestones.

    Raises:
        Forbidden, RuleBroken, Conflict: as `save_draft`; RuleBroken also on the first field that is missing.
    """
    require(actor, Permission.REPORT_PROGRESS, measure.scope)
    for broken in reporting.missing(report):
        raise broken
    before = queries.latest_visible(actor, measure)
    update = _write_draft(actor, measure, report, now, seen_version, receipts, removed_ids)
    update.state = UpdateState.SUBMITTED
    update.submitted_at = now
    audit.record(
        actor,
        update,
        text("Sachstand %(period)s eingereicht", period=str(update.reporting_period.label())),
        now=now,
        scope_id=measure.id,
        changes={
            "health": (_health_name(before.health if before else None), _health_name(update.health)),
            "percent": (before.percent if before else None, update.percent),
        },
    )
    _pass_on_forecasts(actor, update, now)
    heads = list_deciders(measure.unit, {update.author_id}, day_of(now))
    for account in heads or list_members(Role.COORDINATOR):
        _send("update_submitted", account, update, now, nobody_releases=not heads)
    return update


def release_update(
    actor: Actor,
    update: ProgressUpdate,
    *,
    now: datetime,
    seen_version: int | None,
    override_reason: str | None = None,
) -> None:
    """Lets the funders see a submitted update.

    `override_reason` is kept only where it was needed: four eyes stop the actor and the programme allows
    emergencies. While a head is away their deputy releases "i. V.", which is kept; what stops the head stops the
    deputy, and for deputies there is no emergency.

    Raises:
        Forbidden: for anybody but the heads of the measure's unit and the deputy of one who is away; and for the
            author, except a head in an emergency.
        RuleBroken: on `override_reason` where an emergency lacks it.
        Conflict: when it was decided or has changed since it was seen.
    """
    override = Override(update.measure.programme.emergency_override, override_reason)
    overridden = _check_decidable(actor, update, seen_version, override)
    _decide(actor, update, UpdateState.RELEASED, now)
    update.override_reason = overridden
    audit.record(actor, update, _released(update), now=now, scope_id=update.measure_id)
    _tell_those_who_report(actor, update, now)


def return_update(
    actor: Actor,
    update: ProgressUpdate,
    reason: str | None,
    *,
    now: datetime,
    seen_version: int | None,
) -> None:
    """Gives a submitted update back, with a draft that begins where it ended. For this there is no emergency.

    Raises:
        Forbidden: for anybody but the heads of the measure's unit and the deputy of one who is away; and for the
            author.
        RuleBroken: on `reason` where it is missing.
        Conflict: when it was decided or has changed since it was seen.
    """
    _check_decidable(actor, update, seen_version)
    release.check_reason(reason)
    _decide(actor, update, UpdateState.RETURNED, now)
    update.return_reason = stripped(reason)
    audit.record(actor, update, _returned(update), now=now, scope_id=update.measure_id, reason=update.return_reason)
    if queries.find_draft(update.measure) is None:
        db.session.add(_draft_from(update, now))
    _tell_those_who_report(actor, update, now)


def _released(update: ProgressUpdate) -> Text:
    """The release as the log says it."""
    period = str(update.reporting_period.label())
    if update.decided_for is not None:
        head = update.decided_for.name.de
        return text("Sachstand %(period)s i. V. %(head)s freigegeben", period=period, head=head)
    if update.override_reason is None:
        return text("Sachstand %(period)s freigegeben", period=period)
    return text(
        "Sachstand %(period)s freigegeben; Vier-Augen-Prinzip im Notfall übergangen: %(reason)s",
        period=period,
        reason=update.override_reason,
    )


def _returned(update: ProgressUpdate) -> Text:
    period = str(update.reporting_period.label())
    if update.decided_for is not None:
        head = update.decided_for.name.de
        return text("Sachstand %(period)s i. V. %(head)s zurückgegeben", period=period, head=head)
    return text("Sachstand %(period)s zurückgegeben", period=period)


def discard_draft(actor: Actor, draft: ProgressUpdate, *, now: datetime, seen_version: int | None) -> None:
    """Throws a draft away.

    Raises:
        Forbidden: for anybody but the measure's lead, their deputy while they are away, and the coordination.
        Conflict: when it has been submitted or changed since it was seen.
    """
    require(actor, Permission.REPORT_PROGRESS, draft.measure.scope)
    if draft.state != UpdateState.DRAFT or draft.version != seen_version:
        raise Conflict(text("Dieser Entwurf wurde inzwischen geändert oder eingereicht. Es wurde nichts verworfen."))
    what = text("Entwurf des Sachstands %(period)s verworfen", period=str(draft.reporting_period.label()))
    audit.record(actor, draft, what, now=now, scope_id=draft.measure_id)
    db.session.delete(draft)


def _write_draft(
    actor: Actor,
    measure: Measure,
    report: Report,
    now: datetime,
    seen_version: int | None,
    receipts: Sequence[Receipt],
    removed_ids: Collection[UUID],
) -> ProgressUpdate:
    require(actor, Permission.REPORT_PROGRESS, measure.scope)
    reporting.check_reportable(measure.category)
    draft = queries.find_draft(measure)
    _check_seen(draft, seen_version)
    _check_period(measure, report, draft, now)
    if draft is None:
        draft = _begin_draft(measure, report, now)
    # Who only hands in what somebody else wrote becomes no author: that would free the author to release it.
    if draft.author_id is None or receipts or removed_ids or not _says(draft, report):
        draft.author_id = actor.account_id
    draft.period = report.period.key
    draft.health = report.health
    draft.health_reason = stripped(report.health_reason)
    draft.decision_wanted = stripped(report.decision_wanted)
    draft.percent = report.percent
    draft.done = stripped(report.done)
    draft.next_steps = stripped(report.next_steps)
    draft.risks = stripped(report.risks)
    _write_forecasts(draft, report)
    _write_attachments(actor, draft, receipts, removed_ids, now)
    return draft


def _says(draft: ProgressUpdate, report: Report) -> bool:
    """Whether the draft already says all that the report does."""
    forecasts = {forecast.milestone_id: forecast.forecast_on for forecast in draft.forecasts}
    texts = ("health_reason", "decision_wanted", "done", "next_steps", "risks")
    return (
        (draft.period, draft.health, draft.percent) == (report.period.key, report.health, report.percent)
        and all(getattr(draft, name) == stripped(getattr(report, name)) for name in texts)
        and forecasts == dict(report.forecasts)
    )


def _check_seen(draft: ProgressUpdate | None, seen_version: int | None) -> None:
    if draft is None and seen_version is not None:
        raise Conflict(
            text(
                "Der Entwurf, den Sie geöffnet hatten, wurde inzwischen eingereicht oder verworfen. "
                "Ihre Eingaben stehen noch im Formular; wenn Sie speichern, werden sie ein neuer Entwurf."
            )
        )
    if draft is not None and draft.version != seen_version:
        raise _overtaken()


def _overtaken() -> Conflict:
    return Conflict(text("Inzwischen hat jemand anderes einen Entwurf für diese Maßnahme gespeichert."))


def _check_period(measure: Measure, report: Report, draft: ProgressUpdate | None, now: datetime) -> None:
    """A draft may keep the period it was begun for, however long it has lain."""
    kept = draft is not None and draft.period == report.period.key
    if not kept and report.period not in queries.offered_periods(measure, day_of(now)):
        raise RuleBroken(text("Bitte wählen Sie einen Berichtszeitraum aus der Liste."), "period")


def _begin_draft(measure: Measure, report: Report, now: datetime) -> ProgressUpdate:
    draft = ProgressUpdate(measure_id=measure.id, period=report.period.key, state=UpdateState.DRAFT, created_at=now)
    try:
        with db.session.begin_nested():
            db.session.add(draft)
            db.session.flush()  # of two who begin at once, the constraint tells the second here and not at the commit
    except IntegrityError:
        raise _overtaken() from None
    return draft


def _write_forecasts(draft: ProgressUpdate, report: Report) -> None:
    still_open = {milestone.id for milestone in draft.measure.milestones if not milestone.is_settled}
    wanted = {key: day for key, day in report.forecasts.items() if key in still_open}
    for forecast in list(draft.forecasts):
        if forecast.milestone_id in wanted:
            forecast.forecast_on = wanted.pop(forecast.milestone_id)
        else:
            draft.forecasts.remove(forecast)
    draft.forecasts.extend(
        MilestoneForecast(milestone_id=milestone_id, forecast_on=day) for milestone_id, day in wanted.items()
    )


def _write_attachments(
    actor: Actor, draft: ProgressUpdate, receipts: Sequence[Receipt], removed_ids: Collection[UUID], now: datetime
) -> None:
    draft.attachments = [document for document in draft.attachments if document.id not in removed_ids]
    there = {(document.filename, document.sha256) for document in draft.attachments}
    new = [receipt for receipt in receipts if (receipt.filename, receipt.sha256) not in there]
    draft.attachments.extend(documents.attach(new, actor.account_id, now=now))


def _pass_on_forecasts(actor: Actor, update: ProgressUpdate, now: datetime) -> None:
    expected = {forecast.milestone_id: forecast.forecast_on for forecast in update.forecasts}
    for milestone in update.measure.milestones:
        day = expected.get(milestone.id)
        if day is None or day == milestone.forecast_on:
            continue
        audit.record(
            actor,
            milestone,
            text("Prognose für „%(title)s“ gemeldet", title=milestone.title.de),
            now=now,
            scope_id=update.measure_id,
            changes={"forecast_on": (milestone.forecast_on, day)},
        )
        milestone.forecast_on = day
        milestone.sample_fields = [name for name in milestone.sample_fields if name != "forecast_on"]


def _check_decidable(
    actor: Actor, update: ProgressUpdate, seen_version: int | None, override: Override = NO_OVERRIDE
) -> str | None:
    """The reason to keep where this decision is an emergency."""
    require(actor, Permission.RELEASE_PROGRESS, update.measure.scope)
    if update.state != UpdateState.SUBMITTED or update.version != seen_version:
        raise Conflict(text("Über diesen Sachstand wurde inzwischen entschieden."))
    in_place_of = decides_for(actor, update.measure.scope)
    return release.check_four_eyes(actor.account_id, update.author_id, override, in_place_of=in_place_of)


def _decide(actor: Actor, update: ProgressUpdate, state: UpdateState, now: datetime) -> None:
    update.state = state
    update.decided_by_id = actor.account_id
    update.decided_for_id = decides_for(actor, update.measure.scope)
    update.decided_at = now


def _draft_from(update: ProgressUpdate, now: datetime) -> ProgressUpdate:
    """What was returned, ready to be mended by whoever wrote it."""
    return ProgressUpdate(
        measure_id=update.measure_id,
        period=update.period,
        state=UpdateState.DRAFT,
        health=update.health,
        health_reason=update.health_reason,
        decision_wanted=update.decision_wanted,
        percent=update.percent,
        done=update.done,
        next_steps=update.next_steps,
        risks=update.risks,
        author_id=update.author_id,
        created_at=now,
        forecasts=[
            MilestoneForecast(milestone_id=forecast.milestone_id, forecast_on=forecast.forecast_on)
            for forecast in update.forecasts
            if not forecast.milestone.is_settled
        ],
        attachments=list(update.attachments),
    )


def _tell_those_who_report(actor: Actor, update: ProgressUpdate, now: datetime) -> None:
    """The author, and the measure's lead where somebody else wrote for them."""
    people = {account.id: account for account in (update.author, update.measure.lead) if account and account.active}
    for account in people.values():
        if account.id != actor.account_id:
            _send("update_decided", account, update, now, by=signature(update))


def _send(kind: str, account: Account, update: ProgressUpdate, now: datetime, **more: object) -> None:
    mail.enqueue(
        kind,
        Recipient(account.email, account.name, account.language, account.id),
        {"update": update, "measure": update.measure, **more},
        now=now,
        once=f"{kind}:{update.id}:{account.id}",
        is_sample=update.measure.is_sample,
    )


def _health_name(health: str | None) -> str | None:
    return str(HEALTH_NAMES[Health(health)]) if health else None
