"""Commands on grants: create one, record its notice; and on what it obliges to: add, date, move, do."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

from sqlalchemy import select

from app.audit import service as audit
from app.core.clock import day_of
from app.core.database import db, free_key, insert
from app.core.errors import Conflict, RuleBroken
from app.core.forms import amount_typed
from app.core.localized import Localized
from app.core.text import Text, text
from app.grants import owed as rules
from app.grants.models import Grant, Obligation, ObligationMove
from app.measures.models import Measure
from app.organisations.permissions import Actor, Permission, require
from app.programmes.models import Programme

SOURCED = (
    "title",
    "file_number",
    "notice_on",
    "notice_count",
    "commitment_on",
    "period_starts",
    "period_ends",
    "amount",
    "total_cost",
    "rate",
)
"""The facts of a grant that may have a source of their own."""
SOURCED_OF_OBLIGATION = ("kind", "title", "rule", "due_on", "basis")


def create_grant(
    actor: Actor,
    programme: Programme,
    title: str,
    *,
    file_number: str | None,
    notice_on: date | None,
    amount: Decimal | None,
    measures: Collection[Measure],
    now: datetime,
) -> Grant:
    """A grant of the programme, with its notice where there is one, for some of its measures.

    Raises:
        Forbidden: for anybody but coordinators.
        RuleBroken: when the notice would come from the future, and for measures of another programme.
        Conflict: when two people create grants of the same name at the same moment.
    """
    require(actor, Permission.RECORD_GRANTS)
    _check(programme, notice_on, measures, now)
    facts = {"title": Localized(title), "file_number": file_number, "notice_on": notice_on, "amount": amount}
    grant = Grant(programme_id=programme.id, key=_key_for(programme, title), **facts)
    insert(grant, Conflict(text("Eine Zuwendung mit dieser Bezeichnung wurde gerade angelegt."), "title"))
    grant.measures = _in_order(measures)
    audit.record(
        actor,
        grant,
        text("Zuwendung angelegt: %(title)s", title=title),
        now=now,
        scope_id=programme.id,
        changes={name: (None, _logged(value)) for name, value in (facts | {"measures": grant.measures}).items()},
    )
    return grant


def record_notice(
    actor: Actor,
    grant: Grant,
    *,
    file_number: str | None,
    notice_on: date,
    amount: Decimal | None,
    measures: Collection[Measure],
    seen: str,
    now: datetime,
) -> None:
    """What the notice of a grant says, and the measures it pays for. A fact that a person has changed is no longer
    the published one: its source and its sample mark go, and so does the remark on an amount.

    Raises:
        Forbidden: for anybody but coordinators.
        Conflict: when the stored facts are no longer those of which `seen` is the imprint.
        RuleBroken: when the notice would come from the future, and for measures of another programme.
    """
    require(actor, Permission.RECORD_GRANTS)
    _hold(grant)
    if imprint(grant) != seen:
        raise Conflict(text("Die Zuwendung wurde inzwischen geändert. Bitte prüfen Sie den neuen Stand."))
    _check(grant.programme, notice_on, measures, now)
    after: dict[str, Any] = {
        "file_number": file_number,
        "notice_on": notice_on,
        "amount": amount,
        "amount_note": grant.amount_note if amount == grant.amount else None,
        "measures": _in_order(measures),
    }
    before = {name: getattr(grant, name) for name in after} | {"measures": _in_order(grant.measures)}
    changed = [name for name in after if after[name] != before[name]]
    if not changed:
        return
    audit.record(
        actor,
        grant,
        text("Zuwendungsbescheid erfasst: %(title)s", title=grant.title.de),
        now=now,
        scope_id=grant.programme_id,
        changes={name: (_logged(before[name]), _logged(after[name])) for name in changed},
    )
    for name in changed:
        setattr(grant, name, after[name])
    grant.forget_marks(SOURCED, changed)


def create_obligation(
    actor: Actor,
    grant: Grant,
    title: str,
    kind: str,
    *,
    due_on: date | None,
    rule: str | None,
    now: datetime,
) -> Obligation:
    """Something that the notice of a grant obliges to. `kind` is a value of `ObligationKind`; a day not known yet is
    None and can be set later.

    Raises:
        Forbidden: for anybody but coordinators.
        Conflict: when two people add obligations of the same name at the same moment.
    """
    require(actor, Permission.RECORD_GRANTS)
    obligation = Obligation(
        grant_id=grant.id,
        key=_key_of_obligation(grant, title),
        kind=kind,
        title=Localized(title),
        rule=Localized(rule) if rule else None,
        due_on=due_on,
    )
    insert(obligation, Conflict(text("Eine Pflicht mit dieser Bezeichnung wurde gerade angelegt."), "title"))
    db.session.expire(grant, ["obligations"])
    audit.record(
        actor,
        obligation,
        text("Pflicht angelegt: %(title)s", title=title),
        now=now,
        scope_id=grant.programme_id,
        changes={"title": (None, title), "due_on": (None, due_on), "rule": (None, rule)},
    )
    return obligation


def move_obligation(
    actor: Actor, obligation: Obligation, to_on: date, reason: str, *, seen: str, now: datetime
) -> ObligationMove:
    """Sets or moves the due day; the day before stays visible, and the new one is reminded of anew. It is no longer
    the published one: the sources and sample marks of the day go.

    Raises:
        Forbidden: for anybody but coordinators.
        Conflict: when the obligation is no longer as its imprint `seen`.
        RuleBroken: when it is done, to the same day, or without a reason.
    """
    require(actor, Permission.RECORD_GRANTS)
    _hold_obligation(obligation, seen)
    rules.check_open(obligation.done_on)
    rules.check_move(obligation.due_on, to_on, reason)
    move = ObligationMove(
        obligation=obligation,
        from_on=obligation.due_on,
        to_on=to_on,
        reason=reason.strip(),
        moved_at=now,
        moved_by_id=actor.account_id,
    )
    db.session.add(move)
    what = (
        text("Frist einer Pflicht gesetzt: %(title)s", title=obligation.title.de)
        if move.from_on is None
        else text("Frist einer Pflicht verschoben: %(title)s", title=obligation.title.de)
    )
    changes = {"due_on": (move.from_on, to_on)}
    _record(actor, obligation, what, now, changes=changes, reason=move.reason)
    obligation.due_on = to_on
    obligation.due_version += 1
    obligation.basis = None
    obligation.forget_marks(SOURCED_OF_OBLIGATION, ("due_on", "basis"))
    return move


def complete_obligation(
    actor: Actor, obligation: Obligation, done_on: date, *, note: str | None, seen: str, now: datetime
) -> None:
    """Records an obligation as done: it is reminded of no more. The note stands in the log.

    Raises:
        Forbidden: for anybody but coordinators.
        Conflict: when the obligation is no longer as its imprint `seen`.
        RuleBroken: when it is done already, and for a day in the future.
    """
    require(actor, Permission.RECORD_GRANTS)
    _hold_obligation(obligation, seen)
    rules.check_open(obligation.done_on)
    rules.check_day_done(done_on, day_of(now, obligation.grant.programme.zone))
    what = text("Pflicht erledigt: %(title)s", title=obligation.title.de)
    _record(actor, obligation, what, now, changes={"done_on": (None, done_on)}, reason=(note or "").strip() or None)
    obligation.done_on = done_on


def reopen_obligation(actor: Actor, obligation: Obligation, reason: str, *, seen: str, now: datetime) -> None:
    """Takes back that an obligation is done. What it was reminded of before is not said again; what comes next is.

    Raises:
        Forbidden: for anybody but coordinators.
        Conflict: when the obligation is no longer as its imprint `seen`.
        RuleBroken: when it is open, or without a reason.
    """
    require(actor, Permission.RECORD_GRANTS)
    _hold_obligation(obligation, seen)
    rules.check_done(obligation.done_on)
    rules.check_reason(reason)
    what = text("Pflicht wieder offen: %(title)s", title=obligation.title.de)
    _record(actor, obligation, what, now, changes={"done_on": (obligation.done_on, None)}, reason=reason.strip())
    obligation.done_on = None


def imprint_of(obligation: Obligation) -> str:
    """What stands about its day and whether it is done, as a short text that differs when one of them does."""
    stored = (obligation.due_on, obligation.due_version, obligation.done_on)
    return sha256(repr(stored).encode()).hexdigest()


def imprint(grant: Grant) -> str:
    """The stored facts that a form shows, as a short text that differs when one of them does."""
    stored = (
        grant.file_number,
        grant.notice_on,
        amount_typed(grant.amount),
        sorted(str(measure.id) for measure in grant.measures),
    )
    return sha256(repr(stored).encode()).hexdigest()


def _check(programme: Programme, notice_on: date | None, measures: Collection[Measure], now: datetime) -> None:
    if notice_on is not None and notice_on > day_of(now, programme.zone):
        raise RuleBroken(text("Der Tag des Bescheids liegt in der Zukunft."), "notice_on")
    if any(measure.programme_id != programme.id for measure in measures):
        raise RuleBroken(text("Eine Zuwendung gilt nur für Maßnahmen ihres Programms."), "measures")


def _in_order(measures: Collection[Measure]) -> list[Measure]:
    return sorted(set(measures), key=lambda measure: (measure.number is None, measure.number, measure.sort_key))


def _logged(value: Any) -> Any:
    """As the log shows a value: names of measures, amounts in words."""
    if isinstance(value, list):
        return ", ".join(str(measure.name) for measure in value) or None
    return f"{amount_typed(value)} €" if isinstance(value, Decimal) else value


def _hold(grant: Grant) -> None:
    """Reads the grant and its measures as they are stored now, and keeps it until the commit."""
    db.session.expire(grant, ["measures"])
    db.session.execute(
        select(Grant).where(Grant.id == grant.id).with_for_update().execution_options(populate_existing=True)
    ).scalar_one()  # nothing is read before a row is asked for


def _key_for(programme: Programme, title: str) -> str:
    taken = set(db.session.scalars(select(Grant.key).where(Grant.programme_id == programme.id)))
    return free_key(title, taken, "zuwendung")


def _key_of_obligation(grant: Grant, title: str) -> str:
    taken = set(db.session.scalars(select(Obligation.key).where(Obligation.grant_id == grant.id)))
    return free_key(title, taken, "pflicht")


def _hold_obligation(obligation: Obligation, seen: str) -> None:
    """Reads the obligation as it is stored now, and keeps it until the commit.

    Raises:
        Conflict: when it is no longer as the form showed it.
    """
    db.session.execute(
        select(Obligation)
        .where(Obligation.id == obligation.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one()
    if imprint_of(obligation) != seen:
        raise Conflict(text("Die Pflicht wurde inzwischen geändert. Bitte prüfen Sie den neuen Stand."))


def _record(
    actor: Actor,
    obligation: Obligation,
    what: Text,
    now: datetime,
    *,
    changes: audit.Changes,
    reason: str | None,
) -> None:
    scope_id = obligation.grant.programme_id
    audit.record(actor, obligation, what, now=now, scope_id=scope_id, changes=changes, reason=reason)
