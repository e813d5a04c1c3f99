"""Commands on measures: move them through their workflow, say who is responsible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select

from app.accounts.models import Account
from app.audit import service as audit
from app.core.clock import day_of
from app.core.database import db
from app.core.errors import Conflict, Forbidden, NotFound, RuleBroken
from app.core.forms import stripped
from app.core.text import joined, text
from app.documents import service as documents
from app.documents.service import Receipt
from app.measures.models import Measure, StatusChange
from app.measures.queries import person_in, transition_facts
from app.organisations.models import Unit
from app.organisations.permissions import Actor, Permission, require
from app.programmes import four_eyes, workflow
from app.programmes.guards import Condition, Given
from app.programmes.workflow import Transition


def get_transition(measure: Measure, key: str) -> Transition:
    """A way out of the measure's current status.

    Raises:
        NotFound: when the workflow has no such transition.
        Conflict: when it has, but the measure is no longer where it begins.
    """
    transition = measure.workflow.rules.transitions.get(key)
    if transition is None:
        raise NotFound(text("Diesen Schritt gibt es im Ablauf des Programms nicht."))
    if transition.source != measure.status:
        raise Conflict(text("Der Status wurde inzwischen geändert. Bitte prüfen Sie den neuen Stand."))
    return transition


def change_status(
    actor: Actor,
    measure: Measure,
    transition_key: str,
    *,
    given: Given,
    evidence: Sequence[Receipt] = (),
    seen_version: int | None,
    now: datetime,
) -> StatusChange:
    """Takes a transition, the only way from status to status; what it asked for is kept in the measure's record.

    Raises:
        NotFound: when the workflow has no such transition.
        Conflict: when the measure was changed since the form was made, or stands elsewhere by now.
        Forbidden: naming all unmet conditions, where one of them is the actor's own: role or four eyes.
        RuleBroken: naming all unmet conditions, on the field of the first that the form can meet.
    """
    _hold(measure)
    transition = get_transition(measure, transition_key)
    check_version(measure, seen_version)
    rules = measure.workflow.rules
    person = person_in(actor, measure)
    facts = transition_facts(measure, day_of(now, measure.programme.zone))
    given = replace(
        given,
        record={key: given.record.get(key) for key in rules.asked(transition, person.roles)},
        evidence=len(evidence),
    )
    _refuse(workflow.unmet(rules, transition, person, facts, given))
    is_emergency = transition.four_eyes and four_eyes.is_stopped(person.account_id, facts.involved_ids)
    before, target, kept = measure.current_status, rules.statuses[transition.target], measure.record
    change = StatusChange(
        measure=measure,
        workflow_id=measure.workflow_id,
        from_status=measure.status,
        to_status=transition.target,
        changed_at=now,
        changed_by_id=actor.account_id,
        note=stripped(given.note),
        record={key: value for key, value in given.record.items() if value not in (None, "")},
        override_reason=stripped(given.override_reason) if is_emergency else None,
        evidence=documents.attach(evidence, actor.account_id, now=now),
    )
    db.session.add(change)
    measure.status = transition.target
    measure.status_since = now
    measure.record = {**measure.record, **change.record}
    audit.record(
        actor,
        measure,
        text("Status geändert; Vier-Augen-Prinzip im Notfall übergangen: %(reason)s", reason=change.override_reason)
        if is_emergency
        else text("Status geändert"),
        now=now,
        scope_id=measure.id,
        changes={
            "status": (str(before.label) if before else None, str(target.label)),
            "evidence": (None, ", ".join(document.filename for document in change.evidence) or None),
        }
        | {str(rules.fields[key].label): (kept.get(key), value) for key, value in change.record.items()},
        reason=change.note,
    )
    return change


def _refuse(unmet: Sequence[Condition]) -> None:
    if not unmet:
        return
    sentences = joined([condition.sentence for condition in unmet])
    if any(condition.is_forbidden for condition in unmet):
        raise Forbidden(sentences)
    raise RuleBroken(sentences, next((one.input_field for one in unmet if one.input_field), None))


def _hold(measure: Measure) -> None:
    """Reads the measure as it is stored now and keeps it until the commit: one step at a time."""
    query = select(Measure).where(Measure.id == measure.id).with_for_update(of=Measure)
    db.session.execute(query, execution_options={"populate_existing": True}).scalar_one()


def record_status(
    actor: Actor, measure: Measure, status: str, *, note: str, seen_version: int | None, now: datetime
) -> None:
    """Records where a measure stands whose status was not known, such as one that ran before Wegmarke.

    Raises:
        Forbidden: for anybody but coordinators.
        Conflict: when the status is known by now.
        RuleBroken: for an unknown status, or without a reason.
    """
    require(actor, Permission.ASSIGN_PEOPLE, measure.scope)
    check_version(measure, seen_version)
    if measure.status is not None:
        raise Conflict(text("Der Status ist inzwischen erfasst. Ändern Sie ihn über die Schritte des Ablaufs."))
    target = measure.workflow.rules.statuses.get(status)
    if target is None:
        raise RuleBroken(text("Bitte wählen Sie einen Status."), "status")
    if not note.strip():
        raise RuleBroken(text("Bitte geben Sie an, woher Sie den Status kennen."), "note")
    db.session.add(
        StatusChange(
            measure=measure,
            workflow_id=measure.workflow_id,
            from_status=None,
            to_status=status,
            changed_at=now,
            changed_by_id=actor.account_id,
            note=note.strip(),
        )
    )
    measure.status = status
    measure.status_since = now
    audit.record(
        actor,
        measure,
        text("Ausgangsstatus erfasst"),
        now=now,
        scope_id=measure.id,
        changes={"status": (None, str(target.label))},
        reason=note.strip(),
    )


def assign(
    actor: Actor,
    measure: Measure,
    *,
    lead: Account | None,
    unit: Unit | None,
    seen_version: int | None,
    now: datetime,
) -> None:
    """Says who leads a measure and which unit is responsible for it.

    Raises:
        Forbidden: for anybody but coordinators.
        Conflict: when the measure was changed since the form was made.
    """
    require(actor, Permission.ASSIGN_PEOPLE, measure.scope)
    check_version(measure, seen_version)
    audit.record(
        actor,
        measure,
        text("Zuständigkeit geändert"),
        now=now,
        scope_id=measure.id,
        changes={
            "lead": (_name(measure.lead), _name(lead)),
            "unit": (_name(measure.unit), _name(unit)),
        },
    )
    measure.lead_id = lead.id if lead else None
    measure.unit_id = unit.id if unit else None


def check_version(measure: Measure, seen_version: int | None) -> None:
    """Raises `Conflict` when the measure is no longer as the form showed it."""
    if seen_version != measure.version:
        raise Conflict(
            text("Die Maßnahme wurde inzwischen geändert. Ihre Eingaben stehen noch im Formular: bitte prüfen.")
        )


def _name(thing: Account | Unit | None) -> str | None:
    return str(thing.name) if thing else None
