"""Commands on measures: move them through their workflow, say who is responsible."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.accounts.models import Account
from app.audit import service as audit
from app.core.database import db
from app.core.errors import Conflict, Forbidden, NotFound, RuleBroken
from app.core.text import joined, text
from app.measures.models import Measure, StatusChange
from app.measures.queries import transition_facts
from app.organisations.models import Unit
from app.organisations.permissions import Actor, Permission, require, roles_in
from app.programmes import workflow
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
    note: str,
    record: Mapping[str, Any],
    seen_version: int | None,
    now: datetime,
) -> StatusChange:
    """Takes a transition; what it asked for is kept in the measure's record.

    Raises:
        Conflict: when the measure was changed since the form was made.
        Forbidden: when no role of the actor may take it.
        RuleBroken: naming all unmet conditions, on the field of the first that the form can meet.
    """
    check_version(measure, seen_version)
    transition = get_transition(measure, transition_key)
    roles = roles_in(actor, measure.scope)
    if not roles & transition.roles:
        raise Forbidden(text("Ihre Rolle darf diesen Schritt nicht ausführen."))
    rules = measure.workflow.rules
    unmet = workflow.check(rules, transition, roles, transition_facts(measure), note, record)
    if unmet:
        field = next((condition.input_field for condition in unmet if condition.input_field), None)
        raise RuleBroken(joined([condition.message for condition in unmet]), field)
    before, target = measure.current_status, rules.statuses[transition.target]
    change = StatusChange(
        measure=measure,
        workflow_id=measure.workflow_id,
        from_status=measure.status,
        to_status=transition.target,
        changed_at=now,
        changed_by_id=actor.account_id,
        note=note.strip() or None,
        record={key: value for key, value in record.items() if value not in (None, "")},
    )
    db.session.add(change)
    measure.status = transition.target
    measure.status_since = now
    measure.record = {**measure.record, **change.record}
    audit.record(
        actor,
        measure,
        text("Status geändert"),
        now=now,
        scope_id=measure.id,
        changes={"status": (str(before.label) if before else None, str(target.label))}
        | {str(rules.fields[key].label): (None, value) for key, value in change.record.items()},
        reason=change.note,
    )
    return change


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
