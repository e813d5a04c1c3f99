"""Commands on digests: send one by hand, send those that are due."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, select
from sqlalchemy.exc import IntegrityError

from app.audit import service as audit
from app.calendars.periods import Rhythm
from app.core import clock
from app.core.database import db
from app.core.errors import Conflict, RuleBroken
from app.core.text import text
from app.digests import content, facts, queries, released, spans
from app.digests.content import Content
from app.digests.facts import Facts
from app.digests.models import Digest
from app.mail import service as mail
from app.mail.service import Letter, Recipient
from app.organisations.models import Organisation
from app.organisations.permissions import Actor, Permission, Scope, require, system
from app.programmes.models import Programme, ProgrammeFunder

log = structlog.get_logger()
KIND = "digest"
"""The kind of its mails, and the folder of their templates."""
SWEEPER = "Wegmarke"


def write(told: Content, language: str) -> Letter:
    """The digest in one language, exactly as it leaves."""
    return mail.write(KIND, language, {"digest": told}, is_sample=told.has_sample)


def send(
    actor: Actor,
    programme: Programme,
    organisation: Organisation,
    *,
    until_on: date,
    now: datetime,
    seen: str | None = None,
) -> Digest:
    """Sends what is new up to and including `until_on` to every recipient of this funder.

    `seen` is the fingerprint of the facts that were previewed.

    Raises:
        Forbidden: for anybody but coordinators.
        RuleBroken: for a day to come, without recipients, and when there is nothing to say.
        Conflict: when that day has been told already, or the facts are no longer those of the preview.
    """
    require(actor, Permission.SEND_DIGESTS, Scope(funder_ids=frozenset({organisation.id})))
    spans.check_until(until_on, clock.day_of(now, programme.zone))
    funder = _locked(ProgrammeFunder.programme_id == programme.id, ProgrammeFunder.organisation_id == organisation.id)
    if not queries.list_recipients(funder):
        raise RuleBroken(text("Für diesen Fördermittelgeber ist keine Empfängeradresse eingetragen."))
    gathered = released.gather(funder, until_on)
    if seen is not None and seen != facts.fingerprint(gathered):
        raise Conflict(text("Seit Ihrer Vorschau hat sich etwas geändert. Bitte sehen Sie sich die neue Fassung an."))
    if not content.build(gathered).has_news:
        raise RuleBroken(text("Seit dem letzten Digest gibt es nichts Neues. Es wurde nichts verschickt."))
    return _keep(actor, funder, gathered, now=now)


def sweep_due(now: datetime) -> int:
    """Makes every digest whose period has ended, and returns how many were sent.

    Run twice, or by two workers at once, it sends nothing twice. What fails for one funder is logged and does not
    hold up the others.
    """
    return sum(sweep(funder_id, now) for funder_id in queries.list_with_rhythm())


def sweep(funder_id: UUID, now: datetime) -> bool:
    """Makes the digest of one funder's part if it is due; whether it was sent."""
    try:
        with db.session.begin_nested():
            return _sweep(funder_id, now)
    except Conflict:
        return False  # another sweep was faster
    except Exception:
        log.exception("digest failed", programme_funder=str(funder_id))
        return False


def _sweep(funder_id: UUID, now: datetime) -> bool:
    funder = _locked(ProgrammeFunder.id == funder_id)
    programme = funder.programme
    period = spans.due_period(
        Rhythm(funder.digest_rhythm or ""),
        now.astimezone(programme.zone),
        programme.send_time,
        queries.last_until(funder),
    )
    if period is None or not queries.list_recipients(funder):
        return False
    return _keep(system(SWEEPER), funder, released.gather(funder, period.last_day), now=now).has_news


def _locked(*conditions: ColumnElement[bool]) -> ProgrammeFunder:
    """The funder's part, held until the transaction ends, so that no two digests grow from the same last one."""
    return db.session.scalars(select(ProgrammeFunder).where(*conditions).with_for_update()).one()


def _keep(actor: Actor, funder: ProgrammeFunder, gathered: Facts, *, now: datetime) -> Digest:
    """Puts the digest into the archive and, with news, its mails into the outbox."""
    told = content.build(gathered)
    recipients = queries.list_recipients(funder) if told.has_news else []
    digest = Digest(
        programme_id=funder.programme_id,
        organisation_id=funder.organisation_id,
        from_on=gathered.span.from_on,
        until_on=gathered.span.until_on,
        facts=facts.to_json(gathered),
        has_news=told.has_news,
        created_at=now,
        sent_by_id=actor.account_id,
        recipients=len(recipients),
    )
    try:
        with db.session.begin_nested():
            db.session.add(digest)  # the savepoint writes it at once: the database says whether it is the only one
    except IntegrityError:
        raise Conflict(text("Ein Digest für diesen Zeitraum ist soeben schon entstanden.")) from None
    for recipient in recipients:
        mail.enqueue(
            KIND,
            Recipient(recipient.email, recipient.name, recipient.language),
            {"digest": told},
            now=now,
            once=f"{KIND}:{digest.id}:{recipient.email}",
            is_sample=told.has_sample,
        )
    _log(actor, digest, told, now=now)
    return digest


def _log(actor: Actor, digest: Digest, told: Content, *, now: datetime) -> None:
    what = (
        text("Digest für %(funder)s verschickt", funder=str(told.funder))
        if told.has_news
        else text("Digest für %(funder)s: nichts zu berichten", funder=str(told.funder))
    )
    recipients = {"recipients": (None, digest.recipients)} if digest.has_news else {}
    changes = {"from_on": (None, digest.from_on), "until_on": (None, digest.until_on), **recipients}
    audit.record(actor, digest, what, now=now, scope_id=digest.programme_id, changes=changes)
