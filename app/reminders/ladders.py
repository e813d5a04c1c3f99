"""Commands on a programme's ladder: its steps, and the days and times around them.

A step is known to the ledger by its key, made once and kept for ever: a step with another day is the same step, and a
new one never gets the key of one that was removed. Otherwise it would be taken for said.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from hashlib import sha256
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.accounts.queries import accounts_by_id
from app.audit import service as audit
from app.core.database import db, free_key
from app.core.errors import Conflict, RuleBroken
from app.core.localized import Localized
from app.core.text import Text, text
from app.organisations.permissions import Actor, Permission, require
from app.programmes.ladder import AUDIENCE_NAMES, LATEST_SEND_TIME, Audience
from app.programmes.models import Programme, ReminderStep
from app.reminders import policy
from app.reminders.ledger import used_steps
from app.reminders.policy import Step

MOST_STEPS = 30
CHANGED = text("Das wurde inzwischen von jemand anderem geändert.")
GONE = text("Diese Erinnerungsstufe gibt es nicht mehr.")


@dataclass(frozen=True)
class Settings:
    """When a programme's mails leave, and after how many days something is due. `approval_days` are working days;
    without `stale_days` nobody is asked about a silent measure."""

    send_time: time
    update_due_days: int
    approval_days: int
    stale_days: int | None


@dataclass(frozen=True)
class Facts:
    """What a step is made of, but its key. All as in `policy.Step`."""

    offset_days: int
    working_days: bool
    repeat_days: int | None
    recipients: frozenset[Audience]
    named: frozenset[UUID]
    wording: Localized | None

    def words(self) -> Text:
        """When it comes."""
        return policy.words(Step("", self.offset_days, self.repeat_days, self.recipients, self.working_days))


def settings_of(programme: Programme) -> Settings:
    """What stands about a programme now."""
    return Settings(programme.send_time, programme.update_due_days, programme.approval_days, programme.stale_days)


def facts_of(step: ReminderStep) -> Facts:
    """What a step is made of now."""
    return Facts(
        step.offset_days,
        step.working_days,
        step.repeat_days,
        frozenset(Audience(part) for part in step.recipients),
        frozenset(account.id for account in step.named),
        step.wording,
    )


def find_step(programme: Programme, key: str) -> ReminderStep | None:
    """The step with a key, None where there is none."""
    return next((step for step in programme.steps if step.key == key), None)


def imprint_of_settings(programme: Programme) -> str:
    """What stands about a programme, as a short text that differs when some of it does."""
    return sha256(repr(settings_of(programme)).encode()).hexdigest()


def imprint_of_step(step: ReminderStep) -> str:
    """What a step is made of, as a short text that differs when some of it does."""
    return _imprint([step])


def imprint_of_ladder(programme: Programme) -> str:
    """All steps of a programme, as a short text that differs when one of them does."""
    return _imprint(programme.steps)


def _imprint(steps: Collection[ReminderStep]) -> str:
    stored = [
        (
            step.key,
            step.offset_days,
            step.working_days,
            step.repeat_days,
            sorted(step.recipients),
            sorted(account.email for account in step.named),
            repr(step.wording),
        )
        for step in sorted(steps, key=lambda step: step.key)
    ]
    return sha256(repr(stored).encode()).hexdigest()


def edit_settings(actor: Actor, programme: Programme, settings: Settings, *, seen: str, now: datetime) -> None:
    """Changes when a programme's mails leave and after how many days something is due.

    Raises:
        Forbidden: for anybody but coordinators.
        Conflict: when they are no longer as their imprint `seen`.
        RuleBroken: when mails should leave later than `LATEST_SEND_TIME`.
    """
    require(actor, Permission.EDIT_LADDERS)
    _hold(programme)
    if imprint_of_settings(programme) != seen:
        raise Conflict(CHANGED)
    if settings.send_time > LATEST_SEND_TIME:
        raise RuleBroken(text("Wählen Sie eine Uhrzeit bis 22 Uhr."), "send_time")
    before = settings_of(programme)
    if settings == before:
        return
    programme.send_time = settings.send_time
    programme.update_due_days = settings.update_due_days
    programme.approval_days = settings.approval_days
    programme.stale_days = settings.stale_days
    audit.record(
        actor,
        programme,
        text("Fristen und Versand geändert: %(name)s", name=programme.name.de),
        now=now,
        scope_id=programme.id,
        changes={
            "send_time": (f"{before.send_time:%H:%M}", f"{settings.send_time:%H:%M}"),
            "update_due_days": (before.update_due_days, settings.update_due_days),
            "approval_days": (before.approval_days, settings.approval_days),
            "stale_days": (before.stale_days, settings.stale_days),
        },
    )


def add_step(actor: Actor, programme: Programme, facts: Facts, *, now: datetime) -> ReminderStep:
    """A new step, under a key that the ledger has never seen.

    Raises:
        Forbidden: for anybody but coordinators.
        RuleBroken: when it calls nobody, repeats before the due day, is there already, or is one too many.
    """
    require(actor, Permission.EDIT_LADDERS)
    _hold(programme)
    _check(programme, facts, None)
    if len(programme.steps) >= MOST_STEPS:
        raise RuleBroken(text("Ein Programm hat höchstens %(most)s Erinnerungsstufen.", most=MOST_STEPS))
    return _add(actor, programme, facts, now)


def edit_step(actor: Actor, step: ReminderStep, facts: Facts, *, seen: str, now: datetime) -> None:
    """Changes a step. It keeps its key: whoever was reminded by it is not reminded by it again.

    Raises:
        Forbidden: for anybody but coordinators.
        Conflict: when it is no longer as its imprint `seen`.
        RuleBroken: when it calls nobody, repeats before the due day, or another step says the same.
    """
    require(actor, Permission.EDIT_LADDERS)
    programme = _held_step(step, seen)
    _check(programme, facts, step)
    before = facts_of(step)
    if facts == before:
        return
    what = text("Erinnerungsstufe geändert: %(when)s", when=facts.words())
    _record(actor, programme, step, what, before, facts, now)
    _fill(step, facts)


def remove_step(actor: Actor, step: ReminderStep, *, seen: str, now: datetime) -> None:
    """Takes a step from the ladder. What it has reminded of stays in the ledger.

    Raises:
        Forbidden: for anybody but coordinators.
        Conflict: when it is no longer as its imprint `seen`.
    """
    require(actor, Permission.EDIT_LADDERS)
    programme = _held_step(step, seen)
    _remove(actor, programme, step, now)
    db.session.flush()  # its key must be gone before the ladder is read again
    db.session.expire(programme, ["steps"])


def copy_ladder(actor: Actor, programme: Programme, other: Programme, *, seen: str, now: datetime) -> None:
    """Gives a programme the steps of another one. A step that both have keeps its key and what it has reminded of.

    Raises:
        Forbidden: for anybody but coordinators.
        Conflict: when the ladder is no longer as its imprint `seen`.
        RuleBroken: when the other one has no steps.
    """
    require(actor, Permission.EDIT_LADDERS)
    _hold(programme)
    if imprint_of_ladder(programme) != seen:
        raise Conflict(CHANGED)
    if not other.steps:
        raise RuleBroken(text("Dieses Programm hat keine Erinnerungsstufen."), "programme")
    wanted = [facts_of(step) for step in other.steps]
    for step in list(programme.steps):
        if facts_of(step) in wanted:
            wanted.remove(facts_of(step))
        else:
            _remove(actor, programme, step, now)
    for facts in wanted:
        _add(actor, programme, facts, now)
    db.session.flush()  # the ladder is read again in the order of its days
    db.session.expire(programme, ["steps"])


def _check(programme: Programme, facts: Facts, step: ReminderStep | None) -> None:
    if not facts.recipients and not facts.named:
        raise RuleBroken(text("Wählen Sie, wer erinnert wird."), "recipients")
    if facts.repeat_days and facts.offset_days <= 0:
        raise RuleBroken(text("Wiederholt wird nur, was nach dem Termin kommt."), "repeat_days")
    if any(facts_of(other) == facts for other in programme.steps if other is not step):
        raise RuleBroken(text("Genau diese Erinnerungsstufe gibt es schon."))


def _hold(programme: Programme) -> None:
    """Reads the programme and its ladder as they are stored now, and keeps them until the commit."""
    query = (
        select(Programme)
        .where(Programme.id == programme.id)
        .options(selectinload(Programme.steps).selectinload(ReminderStep.named))
        .with_for_update(of=Programme)
    )
    db.session.execute(query, execution_options={"populate_existing": True}).scalar_one()


def _held_step(step: ReminderStep, seen: str) -> Programme:
    programme = db.session.get_one(Programme, step.programme_id)
    _hold(programme)
    if step not in programme.steps or imprint_of_step(step) != seen:
        raise Conflict(CHANGED)
    return programme


def _add(actor: Actor, programme: Programme, facts: Facts, now: datetime) -> ReminderStep:
    step = ReminderStep(programme_id=programme.id, key=_key_for(programme, facts))
    _fill(step, facts)
    programme.steps.append(step)
    db.session.flush()  # the log names the step
    what = text("Erinnerungsstufe angelegt: %(when)s", when=facts.words())
    _record(actor, programme, step, what, None, facts, now)
    return step


def _remove(actor: Actor, programme: Programme, step: ReminderStep, now: datetime) -> None:
    before = facts_of(step)
    what = text("Erinnerungsstufe entfernt: %(when)s", when=before.words())
    _record(actor, programme, step, what, before, None, now)
    programme.steps.remove(step)


def _fill(step: ReminderStep, facts: Facts) -> None:
    step.offset_days = facts.offset_days
    step.working_days = facts.working_days
    step.repeat_days = facts.repeat_days
    step.recipients = [part.value for part in Audience if part in facts.recipients]
    step.named = list(accounts_by_id(facts.named).values())
    step.wording = facts.wording


def _key_for(programme: Programme, facts: Facts) -> str:
    days = abs(facts.offset_days)
    side = "before" if facts.offset_days < 0 else "after"
    label = f"{side}-{days}{'-working' if facts.working_days else ''}" if days else "on-the-day"
    return free_key(label, {step.key for step in programme.steps} | used_steps(programme.id), "step", longest=30)


def _record(
    actor: Actor,
    programme: Programme,
    step: ReminderStep,
    what: Text,
    before: Facts | None,
    after: Facts | None,
    now: datetime,
) -> None:
    told_before, told_after = _told(before), _told(after)
    audit.record(
        actor,
        step,
        what,
        now=now,
        scope_id=programme.id,
        changes={name: (told_before.get(name), told_after.get(name)) for name in FIELDS},
    )


FIELDS: Sequence[str] = ("offset_days", "working_days", "repeat_days", "recipients", "named", "wording")


def _told(facts: Facts | None) -> dict[str, object]:
    """A step as the log says it: people by their address."""
    if facts is None:
        return {}
    people = accounts_by_id(facts.named).values()
    return {
        "offset_days": facts.offset_days,
        "working_days": facts.working_days,
        "repeat_days": facts.repeat_days,
        "recipients": ", ".join(str(AUDIENCE_NAMES[part]) for part in Audience if part in facts.recipients) or None,
        "named": ", ".join(sorted(account.email for account in people)) or None,
        "wording": facts.wording.de if facts.wording else None,
    }
