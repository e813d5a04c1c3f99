"""Programmes of a city file: funders with their digests, focus areas, reminder steps, workflow versions."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import partial
from typing import Any
from uuid import uuid4

from app.audit.labels import field_name
from app.core.database import db
from app.core.localized import Localized
from app.core.text import text
from app.digests.models import DigestRecipient
from app.programmes.ladder import DEFAULT_LADDER
from app.programmes.models import FocusArea, Programme, ProgrammeFunder, ReminderStep, Workflow
from app.transfer import format as city_file
from app.transfer.queries import Known, fields_changed_by_people, ladders_changed_by_people
from app.transfer.rows import Rows, marks, told
from app.transfer.summary import Kind
from app.transfer.workflows import definition, provenance


def store_programmes(rows: Rows, known: Known, city: city_file.CityFile) -> None:
    """The programmes with everything they ask for; the holidays are those of the city's state."""
    stored_ids = [row.id for row in (known.programmes.get(entry.key) for entry in city.programmes) if row]
    changed, reladdered = fields_changed_by_people(stored_ids), ladders_changed_by_people(stored_ids)
    for entry in city.programmes:
        stored = known.programmes.get(entry.key)
        peoples = changed.get(stored.id, set()) if stored else set()
        programme = _store_programme(rows, known, city.city, entry, stored, peoples)
        _store_funders(rows, known, programme, entry)
        _store_focus_areas(rows, programme, entry.focus_areas)
        _store_steps(rows, known, programme, entry.reminder_steps, is_peoples=programme.id in reladdered)
        _store_workflow(rows, programme, entry.workflow)
    db.session.flush()  # a recipient names programme and organisation by their keys alone
    for entry in city.programmes:
        for funder in entry.funders:
            if funder.digest is not None and "recipients" in funder.digest.model_fields_set:
                _store_recipients(rows, known, known.programmes[entry.key], funder.organisation, funder.digest)


def _store_programme(
    rows: Rows,
    known: Known,
    city: city_file.City,
    entry: city_file.Programme,
    stored: Programme | None,
    peoples: Collection[str],
) -> Programme:
    wanted: dict[str, Any] = {
        "name": entry.name,
        "short_name": entry.short_name,
        "description": entry.description,
        "legal_basis": entry.legal_basis,
        "level": entry.level,
        "starts": entry.starts,
        "ends": entry.ends,
        "state": city.state,
        "time_zone": entry.time_zone,
        "send_time": entry.send_time,
        "update_rhythm": entry.update_rhythm.value,
        "update_due_days": entry.update_due_days,
        "approval_days": entry.approval_days,
        "stale_days": entry.stale_days,
        "emergency_override": entry.emergency_override,
    }
    left = {attr for attr in peoples if stored and attr in wanted and getattr(stored, attr) != wanted[attr]}
    programme = known.programmes[entry.key] = rows.put(
        Kind.PROGRAMMES,
        stored,
        partial(Programme, id=uuid4(), key=entry.key),
        {attr: value for attr, value in wanted.items() if attr not in left} | marks(entry, stored, left),
        name=entry.name,
    )
    for attr in (attr for attr in wanted if attr in left and attr in entry.model_fields_set):
        rows.keep(programme.name, field_name(attr), told(getattr(programme, attr)), told(wanted[attr]))
    return programme


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


def _store_steps(
    rows: Rows,
    known: Known,
    programme: Programme,
    entries: list[city_file.ReminderStep] | None,
    *,
    is_peoples: bool,
) -> None:
    """Exactly the steps of the file: one that it no longer has must not remind any more. A ladder that people changed
    in Wegmarke stays, whole: half of one and half of the other would be nobody's choice."""
    stored_steps = {step.key: step for step in programme.steps}
    ladder = {facts.pop("key"): facts for facts in _ladder(known, entries)}
    if is_peoples:
        _leave_steps(rows, programme, stored_steps, ladder)
        return
    for key, facts in ladder.items():
        stored = stored_steps.pop(key, None)
        if stored is not None and set(stored.named) == set(facts.get("named", ())):
            facts.pop("named", None)
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


def _leave_steps(
    rows: Rows, programme: Programme, stored: Mapping[str, ReminderStep], wanted: Mapping[str, Mapping[str, Any]]
) -> None:
    for _ in stored:
        rows.leave(Kind.REMINDER_STEPS)
    if stored.keys() != wanted.keys() or any(_differs(step, wanted[key]) for key, step in stored.items()):
        rows.tell(
            text("%(name)s: Die Erinnerungsstufen bleiben, wie sie in Wegmarke geändert wurden.", name=programme.name)
        )


def _differs(step: ReminderStep, wanted: Mapping[str, Any]) -> bool:
    facts = {attr: value for attr, value in wanted.items() if attr != "named"}
    return any(getattr(step, attr) != value for attr, value in facts.items()) or (
        "named" in wanted and set(step.named) != set(wanted["named"])
    )


def _ladder(known: Known, entries: list[city_file.ReminderStep] | None) -> Iterator[dict[str, Any]]:
    """The columns of every step. Where the file says nothing of people, the step keeps those it has."""
    if entries is None:
        for rung in DEFAULT_LADDER:
            yield {
                "key": rung.key,
                "offset_days": rung.offset_days,
                "working_days": False,
                "repeat_days": rung.repeat_days,
                "recipients": [str(part) for part in rung.recipients],
                "wording": None,
            }
    for step in entries or ():
        people = {"named": [known.accounts[email] for email in sorted(set(step.people))]}
        yield {
            "key": step.key,
            "offset_days": step.offset_days,
            "working_days": step.working_days,
            "repeat_days": step.repeat_days,
            "recipients": list(dict.fromkeys(step.recipients)),
            "wording": step.wording,
            **(people if "people" in step.model_fields_set else {}),
        }


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
