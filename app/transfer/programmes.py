"""Programmes of a city file: funders with their digests, focus areas, reminder steps, workflow versions."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import Any
from uuid import uuid4

from app.core.database import db
from app.core.localized import Localized
from app.core.text import text
from app.digests.models import DigestRecipient
from app.programmes.ladder import DEFAULT_LADDER
from app.programmes.models import FocusArea, Programme, ProgrammeFunder, ReminderStep, Workflow
from app.transfer import format as city_file
from app.transfer.queries import Known
from app.transfer.rows import Rows, marks
from app.transfer.summary import Kind
from app.transfer.workflows import definition, provenance


def store_programmes(rows: Rows, known: Known, city: city_file.CityFile) -> None:
    """The programmes with everything they ask for; the holidays are those of the city's state."""
    for entry in city.programmes:
        stored = known.programmes.get(entry.key)
        programme = known.programmes[entry.key] = rows.put(
            Kind.PROGRAMMES,
            stored,
            partial(Programme, id=uuid4(), key=entry.key),
            {
                "name": entry.name,
                "short_name": entry.short_name,
                "description": entry.description,
                "legal_basis": entry.legal_basis,
                "level": entry.level,
                "starts": entry.starts,
                "ends": entry.ends,
                "state": city.city.state,
                "time_zone": entry.time_zone,
                "send_time": entry.send_time,
                "update_rhythm": entry.update_rhythm.value,
                "update_due_days": entry.update_due_days,
                "approval_days": entry.approval_days,
                "emergency_override": entry.emergency_override,
                **marks(entry, stored),
            },
            name=entry.name,
        )
        _store_funders(rows, known, programme, entry)
        _store_focus_areas(rows, programme, entry.focus_areas)
        _store_steps(rows, programme, entry.reminder_steps)
        _store_workflow(rows, programme, entry.workflow)
    db.session.flush()  # a recipient names programme and organisation by their keys alone
    for entry in city.programmes:
        for funder in entry.funders:
            if funder.digest is not None and "recipients" in funder.digest.model_fields_set:
                _store_recipients(rows, known, known.programmes[entry.key], funder.organisation, funder.digest)


def _store_funders(rows: Rows, known: Known, programme: Programme, entry: city_file.Programme) -> None:
    stored_funders = {funder.organisation_id: funder for funder in programme.funders}
    for position, funder in enumerate(entry.funders):
        organisation = known.organisations[funder.organisation]
        stored = stored_funders.pop(organisation.id, None)
        rows.put(
            Kind.FUNDERS,
            stored,
            partial(ProgrammeFunder, id=uuid4(), programme=programme, organisation=organisation),
            {
                "position": position,
                "part": funder.part,
                "digest_rhythm": funder.digest.rhythm.value if funder.digest else None,
                **marks(funder, stored),
            },
            name=organisation.name,
            group=programme,
        )
    if "funders" not in entry.model_fields_set:
        return
    for gone in stored_funders.values():
        for recipient in known.recipients[programme.id, gone.organisation_id].values():
            rows.remove(Kind.RECIPIENTS, recipient, name=recipient.email, group=programme)
        rows.remove(Kind.FUNDERS, gone, name=gone.organisation.name, group=programme)


def _store_focus_areas(rows: Rows, programme: Programme, entries: list[city_file.FocusArea]) -> None:
    stored_areas = {area.key: area for area in programme.focus_areas}
    for position, entry in enumerate(entries):
        stored = stored_areas.get(entry.key)
        area = rows.put(
            Kind.FOCUS_AREAS,
            stored,
            partial(FocusArea, id=uuid4(), key=entry.key),
            {"name": entry.name, "position": position, **marks(entry, stored)},
            name=entry.name,
            group=programme,
        )
        if stored is None:
            programme.focus_areas.append(area)


def _store_steps(rows: Rows, programme: Programme, entries: list[city_file.ReminderStep] | None) -> None:
    """Exactly the steps of the file: one that it no longer has must not remind any more."""
    stored_steps = {step.key: step for step in programme.steps}
    for facts in _ladder(entries):
        key = facts.pop("key")
        stored = stored_steps.pop(key, None)
        step = rows.put(
            Kind.REMINDER_STEPS,
            stored,
            partial(ReminderStep, id=uuid4(), key=key),
            facts,
            name=key,
            group=programme,
        )
        if stored is None:
            programme.steps.append(step)
    for gone in stored_steps.values():
        rows.remove(Kind.REMINDER_STEPS, gone, name=gone.key, group=programme)


def _ladder(entries: list[city_file.ReminderStep] | None) -> list[dict[str, Any]]:
    steps = [asdict(rung) for rung in DEFAULT_LADDER] if entries is None else [step.model_dump() for step in entries]
    return [{**step, "recipients": [str(role) for role in step["recipients"]]} for step in steps]


def _store_workflow(rows: Rows, programme: Programme, entry: city_file.Workflow) -> None:
    """A version that is published already stays as it is; `conflicts` has made sure that the file agrees."""
    wanted = definition(entry)
    published = {workflow.version: workflow for workflow in programme.workflows}
    if stored := published.get(entry.version):
        if provenance(stored.definition) != provenance(wanted):
            rows.tell(
                text(
                    "%(name)s: Die Quellen im Ablauf, Version %(version)s, bleiben bis zur nächsten Version.",
                    name=programme.name,
                    version=entry.version,
                )
            )
        rows.leave(Kind.WORKFLOWS)
        return
    if programme.draft is not None:
        rows.tell(
            text(
                "%(name)s: Der Entwurf des Ablaufs bleibt, wie er ist; veröffentlicht ist jetzt Version %(version)s.",
                name=programme.name,
                version=entry.version,
            )
        )
    rows.put(
        Kind.WORKFLOWS,
        None,
        partial(
            Workflow,
            id=uuid4(),
            programme=programme,
            version=entry.version,
            definition=wanted,
            published_at=rows.now,
        ),
        {},
        name=text("Ablauf, Version %(version)s", version=entry.version),
        group=programme,
    )


def _store_recipients(
    rows: Rows, known: Known, programme: Programme, organisation_key: str, digest: city_file.DigestOrder
) -> None:
    organisation = known.organisations[organisation_key]
    stored_recipients = known.recipients[programme.id, organisation.id]
    for entry in digest.recipients:
        rows.put(
            Kind.RECIPIENTS,
            stored_recipients.get(entry.email),
            partial(
                DigestRecipient,
                id=uuid4(),
                programme_id=programme.id,
                organisation_id=organisation.id,
                email=entry.email,
            ),
            {
                "name": (entry.name or Localized("")).in_language(entry.language),
                "language": entry.language,
                "is_sample": entry.is_sample,
            },
            name=entry.email,
            group=programme,
        )
    for email in stored_recipients.keys() - {entry.email for entry in digest.recipients}:
        rows.remove(Kind.RECIPIENTS, stored_recipients[email], name=email, group=programme)
