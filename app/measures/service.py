"""Commands on measures: move them through their workflow, change their details, say who is responsible."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm.attributes import flag_modified

from app.accounts.models import Account
from app.audit import service as audit
from app.calendars.partial_dates import PartialDate
from app.core.clock import day_of
from app.core.database import db, sort_key
from app.core.errors import Conflict, Forbidden, NotFound, RuleBroken
from app.core.forms import amount_typed, stripped
from app.core.localized import Localized
from app.core.text import Text, joined, text
from app.documents import service as documents
from app.documents.service import Receipt
from app.measures import details, migration
from app.measures.migration import Fate, Mapped, Plan
from app.measures.models import Measure, StatusChange
from app.measures.queries import (
    access_of,
    filled_fields,
    hold_to_migrate,
    involved_ids,
    migration_plan,
    person_in,
    predecessors_by_measure,
    transition_facts,
)
from app.organisations.models import Organisation, OrganisationKind, Unit
from app.organisations.permissions import Actor, Permission, require
from app.programmes import four_eyes, workflow
from app.programmes.access import MEASURE_FIELDS
from app.programmes.guards import Condition, Given
from app.programmes.models import FocusArea, Workflow
from app.programmes.workflow import Person, Status, Transition

LONGEST_SORT_KEY = 300
"""Some letters fold to several."""


def get_transition(measure: Measure, key: str) -> Transition:
    """A way out of the measure's current status.

    Raises:
        NotFound: when the workflow has no such transition.
        Conflict: when it has, but the measure is no longer where it begins; or when an earlier version had it.
    """
    transition = measure.workflow.rules.transitions.get(key)
    if transition is None:
        _refuse_a_step_of_the_past(measure, key)
        raise NotFound(text("Diesen Schritt gibt es im Ablauf des Programms nicht."))
    if transition.source != measure.status:
        raise Conflict(text("Der Status wurde inzwischen geändert. Bitte prüfen Sie den neuen Stand."))
    return transition


def _refuse_a_step_of_the_past(measure: Measure, key: str) -> None:
    """Whoever had the form of the step open while the measure was moved is told so and keeps what they typed."""
    version = measure.workflow.version
    if any(key in past.rules.transitions for past in measure.programme.workflows if past.version < version):
        raise Conflict(
            text(
                "Die Maßnahme folgt inzwischen Version %(version)s des Ablaufs. "
                "Darin gibt es diesen Schritt nicht; bitte prüfen Sie den neuen Stand.",
                version=version,
            )
        )


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
    given = replace(given, evidence=len(evidence))
    _refuse(unmet(actor, measure, transition, given, now=now))
    change = _step(actor, measure, transition, given, now=now)
    db.session.add(change)
    change.evidence = documents.attach(evidence, actor.account_id, now=now)
    _log_step(actor, change)
    _arrive(measure, change)
    measure.record = {**measure.record, **change.record}
    return change


def unmet(
    actor: Actor, measure: Measure, transition: Transition, given: Given, *, now: datetime
) -> tuple[Condition, ...]:
    """All that stands in the way of a step with what is given: what `change_status` would refuse it for."""
    person = person_in(actor, measure)
    facts = transition_facts(measure, day_of(now, measure.programme.zone))
    given = replace(given, record=_asked(measure, transition, person, given))
    return workflow.unmet(measure.workflow.rules, transition, person, facts, given)


def _step(actor: Actor, measure: Measure, transition: Transition, given: Given, *, now: datetime) -> StatusChange:
    """What is kept of a step: the values it asked for, and the reason only where four eyes were passed by."""
    record = _asked(measure, transition, person_in(actor, measure), given)
    is_emergency = transition.four_eyes and four_eyes.is_stopped(actor.account_id, involved_ids(measure))
    return StatusChange(
        measure=measure,
        workflow_id=measure.workflow_id,
        from_status=measure.status,
        to_status=transition.target,
        changed_at=now,
        changed_by_id=actor.account_id,
        note=stripped(given.note),
        record={key: value for key, value in record.items() if value not in (None, "")},
        override_reason=stripped(given.override_reason) if is_emergency else None,
    )


def _log_step(actor: Actor, change: StatusChange) -> None:
    """Says in the log what a step changes, while the measure still stands where it began."""
    measure, rules = change.measure, change.measure.workflow.rules
    names, reason = details.log_names(rules.fields), change.override_reason
    audit.record(
        actor,
        measure,
        text("Status geändert; Vier-Augen-Prinzip im Notfall übergangen: %(reason)s", reason=reason)
        if reason
        else text("Status geändert"),
        now=change.changed_at,
        scope_id=measure.id,
        changes={
            "status": (_label(measure.current_status), _label(rules.statuses[change.to_status])),
            "evidence": (None, ", ".join(document.filename for document in change.evidence) or None),
        }
        | {names[key]: (measure.record.get(key), value) for key, value in change.record.items()},
        reason=change.note,
    )


def _arrive(measure: Measure, change: StatusChange) -> None:
    measure.status = change.to_status
    measure.status_since = change.changed_at


def _asked(measure: Measure, transition: Transition, person: Person, given: Given) -> dict[str, Any]:
    """What was given of the fields that the step asks this person for."""
    asked = measure.workflow.rules.asked(transition, person.roles)
    return {key: value for key, value in given.record.items() if key in asked}


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
        RuleBroken: for an unknown status, without a reason, or naming every field the status requires of the actor
            and the measure lacks.
    """
    require(actor, Permission.ASSIGN_PEOPLE, measure.scope)
    _hold(measure)
    check_version(measure, seen_version)
    if measure.status is not None:
        raise Conflict(text("Der Status ist inzwischen erfasst. Ändern Sie ihn über die Schritte des Ablaufs."))
    target = measure.workflow.rules.statuses.get(status)
    if target is None:
        raise RuleBroken(text("Bitte wählen Sie einen Status."), "status")
    if not note.strip():
        raise RuleBroken(text("Bitte geben Sie an, woher Sie den Status kennen."), "note")
    _check_required(actor, measure, target)
    change = StatusChange(
        measure=measure,
        workflow_id=measure.workflow_id,
        from_status=None,
        to_status=status,
        changed_at=now,
        changed_by_id=actor.account_id,
        note=note.strip(),
    )
    db.session.add(change)
    _arrive(measure, change)
    audit.record(
        actor,
        measure,
        text("Ausgangsstatus erfasst"),
        now=now,
        scope_id=measure.id,
        changes={"status": (None, str(target.label))},
        reason=note.strip(),
    )


def _check_required(actor: Actor, measure: Measure, target: Status) -> None:
    """A measure never stands where it lacks what the status requires: the same on every way into it."""
    filled, labels = filled_fields(measure), measure.workflow.rules.labels
    missing = [key for key in target.required(person_in(actor, measure).roles) if key not in filled]
    if missing:
        raise RuleBroken(
            text(
                "Der Status „%(status)s“ verlangt Angaben, die noch fehlen: %(fields)s.",
                status=target.label,
                fields=tuple(labels[key] for key in missing),
            ),
            "status",
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
        RuleBroken: when the status keeps one of them from being changed, or requires one that is empty.
    """
    require(actor, Permission.ASSIGN_PEOPLE, measure.scope)
    _hold(measure)
    check_version(measure, seen_version)
    access, labels = partial(access_of, actor, measure), measure.workflow.rules.labels
    wanted = {"lead": (measure.lead, lead), "unit": (measure.unit, unit)}
    changed = [key for key, (before, after) in wanted.items() if before is not after]
    details.check_access(changed, access, labels)
    details.check_filled({key: after for key, (_before, after) in wanted.items()}, access, labels)
    if not changed:
        return
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
    measure.edited_by_id = actor.account_id
    measure.forget_marks(MEASURE_FIELDS, changed)


def edit_measure(
    actor: Actor, measure: Measure, changes: Mapping[str, Any], *, seen_version: int | None, now: datetime
) -> None:
    """Changes details of a measure: its own by the names in `details.DETAILS`, those of its workflow by their keys.

    Wordings are German text, and one that changes loses its English: it would say something else. `partners` are
    names, `predecessors` measures, `focus_area` one of the programme. A fact that a person has changed is no longer
    the published one: its sources and its sample mark go.

    Raises:
        Forbidden: for anybody but the measure's lead and the coordination.
        Conflict: when the measure was changed since the form was made.
        RuleBroken: when the status hides one of the fields from the actor or lets it only be read, when a required
            one is empty, when the end lies before the beginning, and when predecessors wait for the measure itself.
    """
    require(actor, Permission.EDIT_MEASURE, measure.scope)
    if details.PREDECESSORS in changes:
        hold_predecessors()
    _hold(measure)
    check_version(measure, seen_version)
    access, labels = partial(access_of, actor, measure), _labels(measure)
    _check_known(changes, labels)
    details.check_access(changes, access, labels)
    before = {key: _stored(measure, key) for key in labels}
    after = before | {key: _wanted(before[key], key, value) for key, value in changes.items()}
    _check_details(measure, before, after)
    details.check_filled(after, access, labels)
    changed = [key for key in after if after[key] != before[key]]
    if not changed:
        return
    fields = measure.workflow.rules.fields
    log_names = details.log_names(fields)
    audit.record(
        actor,
        measure,
        text("Angaben geändert"),
        now=now,
        scope_id=measure.id,
        changes={log_names.get(key, key): (_logged(before[key]), _logged(after[key])) for key in changed},
    )
    for key in changed:
        if key not in fields:
            setattr(measure, key, after[key])
    record = {key: after[key] for key in changed if key in fields}
    measure.record = {key: value for key, value in {**measure.record, **record}.items() if value is not None}
    measure.sort_key = sort_key(str(measure.name))[:LONGEST_SORT_KEY]
    measure.edited_by_id = actor.account_id
    flag_modified(measure, "edited_by_id")  # a change of predecessors alone must count up the version, too
    measure.forget_marks(MEASURE_FIELDS, changed)


def _labels(measure: Measure) -> dict[str, Text | Localized]:
    """What can be edited, and what it is called."""
    rules = measure.workflow.rules
    own = {key: rules.labels[key] for key in (*details.DETAILS, *rules.fields)}
    return own | {details.PREDECESSORS: details.PREDECESSORS_NAME}


def _check_known(changes: Collection[str], labels: Collection[str]) -> None:
    unknown = tuple(key for key in changes if key not in labels)
    if unknown:
        raise RuleBroken(text("Diese Angaben gibt es hier nicht: %(names)s.", names=unknown))


def _stored(measure: Measure, key: str) -> Any:
    if key in measure.workflow.rules.fields:
        return measure.record.get(key)
    return list(measure.predecessors) if key == details.PREDECESSORS else getattr(measure, key)


def _wanted(before: Any, key: str, value: Any) -> Any:
    """A new value as the measure keeps it."""
    if key in ("title", "summary", "field"):
        return _reworded(before, stripped(value))
    if key == "partners":
        known = {partner["de"]: partner for partner in before}
        return [known.get(name, {"de": name}) for name in value]
    if key == details.PREDECESSORS:
        return sorted(value, key=lambda one: (one.sort_key, str(one.id)))
    return stripped(value) if isinstance(value, str) else value


def _reworded(before: Localized | None, german: str | None) -> Localized | None:
    if before is not None and before.de == german:
        return before
    return Localized(german) if german else None


def _check_details(measure: Measure, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    if before["title"] is not None and after["title"] is None:
        raise RuleBroken(details.NO_TITLE, "title")
    area = after["focus_area"]
    if area is not None and area.programme_id != measure.programme_id:
        raise RuleBroken(text("Diesen Schwerpunkt gibt es im Programm nicht."), "focus_area")
    details.check_span(after["starts"], after["ends"])
    chosen: list[Measure] = after[details.PREDECESSORS]
    if {one.id for one in chosen} != {one.id for one in before[details.PREDECESSORS]}:
        names = {one.id: one.name for one in chosen}
        details.check_order(measure.id, list(names), predecessors_by_measure(), names)


def _logged(value: Any) -> Any:
    """As the log shows a value: names of other rows, amounts and dates in words."""
    if isinstance(value, list):
        return ", ".join(str(one.name) if isinstance(one, Measure) else one["de"] for one in value) or None
    if isinstance(value, PartialDate):
        return str(value.label())
    if isinstance(value, Decimal):
        return f"{amount_typed(value)} €"
    return str(value.name) if isinstance(value, FocusArea) else value


def hold_predecessors() -> None:
    """One change of predecessors at a time in the whole city: two together could close a circle."""
    query = select(Organisation.id).where(Organisation.kind == OrganisationKind.CITY)
    db.session.execute(query.with_for_update(key_share=True))


def check_version(measure: Measure, seen_version: int | None) -> None:
    """Raises `Conflict` when the measure is no longer as the form showed it."""
    if seen_version != measure.version:
        raise Conflict(
            text("Die Maßnahme wurde inzwischen geändert. Ihre Eingaben stehen noch im Formular: bitte prüfen.")
        )


def _name(thing: Account | Unit | None) -> str | None:
    return str(thing.name) if thing else None


def migrate_measures(
    actor: Actor, target: Workflow, mapped: Mapped, *, note: str = "", seen: str | None, now: datetime
) -> Plan:
    """Moves every measure of a programme to a newer version of its workflow: all of them, or none.

    `seen` is the fingerprint of the plan that was shown. The system may do this too: it acts from the shell of the
    server only, and the log names it.

    Raises:
        Forbidden: for a person who is no coordinator.
        Conflict: when the plan is another one by now.
        RuleBroken: naming every obstacle.
    """
    if actor.account_id is not None:
        require(actor, Permission.EDIT_WORKFLOWS)
    measures = {measure.id: measure for measure in hold_to_migrate(target.programme)}
    plan = migration_plan(measures.values(), target, mapped)
    if seen != migration.fingerprint(plan):
        raise Conflict(text("Inzwischen hat sich an den Maßnahmen etwas geändert. Bitte prüfen Sie den neuen Plan."))
    if plan.is_blocked:
        raise RuleBroken(joined([obstacle.message for obstacle in plan.obstacles]))
    for fate in plan.moving:
        _migrate(actor, measures[fate.measure_id], target, fate, stripped(note), now=now)
    if plan.moving:
        audit.record(
            actor,
            target.programme,
            text(
                "Maßnahmen auf Version %(version)s des Ablaufs umgestellt: %(n)s",
                version=target.version,
                n=len(plan.moving),
            ),
            now=now,
            scope_id=target.programme_id,
            reason=stripped(note),
        )
    return plan


def _migrate(
    actor: Actor, measure: Measure, target: Workflow, fate: Fate, note: str | None, *, now: datetime
) -> None:
    what = text("Auf Version %(version)s des Ablaufs umgestellt", version=target.version)
    if fate.after is not None and fate.changes_words:
        db.session.add(
            StatusChange(
                measure=measure,
                workflow=target,
                from_workflow=measure.workflow,
                from_status=measure.status,
                to_status=fate.after.key,
                changed_at=now,
                changed_by_id=actor.account_id,
                note=note or str(what),
            )
        )
    audit.record(
        actor,
        measure,
        what,
        now=now,
        scope_id=measure.id,
        changes={
            "version": (fate.from_version, fate.to_version),
            "status": (_label(fate.before), _label(fate.after)),
        },
        reason=note,
    )
    measure.workflow = target
    if fate.after is not None and fate.changes_status:
        measure.status = fate.after.key
        measure.status_since = now


def _label(status: Status | None) -> str | None:
    return str(status.label) if status else None
