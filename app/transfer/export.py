"""A programme with one version of its workflow as a city file. Pure: rows in, text out.

Nothing personal is in it: no accounts, of the digests only the rhythm, and of a reminder step only the roles.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.calendars.partial_dates import PartialDate
from app.core.localized import Localized
from app.core.sources import WHOLE_ENTRY, Sourced
from app.organisations.models import Organisation
from app.programmes.models import Programme, ProgrammeFunder, ReminderStep
from app.transfer.yaml_text import Bare, Inline, InlineList, Quoted, words, written

HEADING = "A programme as Wegmarke keeps it. The format is described in docs/import-format.md."


def as_yaml(city: Organisation, programme: Programme, version: int, definition: Mapping[str, Any]) -> str:
    """The file; imported into the same database it changes nothing.

    It calls itself sample data as soon as anything in it is: nothing invented may pass for published elsewhere.
    """
    organisations = list(dict.fromkeys(funder.organisation for funder in programme.funders))
    rows: list[Sourced] = [city, *organisations, programme, *programme.funders, *programme.focus_areas]
    sections = {
        "format": 1,
        "sample": any(row.is_sample or row.sample_fields for row in rows),
        "city": _stated(
            key=city.key, name=_words(city.name), state=city.state, time_zone=city.time_zone, sources=_sources(city)
        ),
        "organisations": [
            _stated(key=row.key, kind=row.kind, name=_words(row.name), sources=_sources(row)) for row in organisations
        ],
        "programmes": [_programme(programme, version, definition)],
    }
    return written({name: value for name, value in sections.items() if value != []}, HEADING)


def _programme(programme: Programme, version: int, definition: Mapping[str, Any]) -> dict[str, Any]:
    areas = [_stated(key=area.key, name=_words(area.name), sources=_sources(area)) for area in programme.focus_areas]
    return _stated(
        key=programme.key,
        name=_words(programme.name),
        short_name=_words(programme.short_name),
        level=programme.level,
        description=_words(programme.description),
        legal_basis=_words(programme.legal_basis),
        starts=_partial_date(programme.starts),
        ends=_partial_date(programme.ends),
        time_zone=programme.time_zone,
        send_time=Quoted(f"{programme.send_time:%H:%M}"),
        funders=[_funder(funder) for funder in programme.funders],
        focus_areas=areas or None,
        update_rhythm=programme.update_rhythm,
        update_due_days=programme.update_due_days,
        approval_days=programme.approval_days,
        stale_days=programme.stale_days,
        emergency_override=programme.emergency_override or None,
        reminder_steps=[_step(step) for step in sorted(programme.steps, key=_step_order)],
        workflow=workflow(version, definition),
        sources=_sources(programme),
    )


def _funder(funder: ProgrammeFunder) -> dict[str, Any]:
    return _stated(
        organisation=funder.organisation.key,
        part=_words(funder.part),
        digest=Inline(rhythm=funder.digest_rhythm) if funder.digest_rhythm else None,
        sources=_sources(funder),
    )


def _step(step: ReminderStep) -> dict[str, Any]:
    """A step without the people it names."""
    entry = _stated(
        key=step.key,
        offset_days=step.offset_days,
        working_days=step.working_days or None,
        repeat_days=step.repeat_days,
        recipients=InlineList(step.recipients),
        wording=_words(step.wording),
    )
    return entry if step.wording else Inline(entry)


def _step_order(step: ReminderStep) -> tuple[int, str]:
    return step.offset_days, step.key


def workflow(version: int, definition: Mapping[str, Any]) -> dict[str, Any]:
    """A definition as the file has it, as far as it goes: a draft may lack anything."""
    return _stated(
        version=version,
        initial=definition.get("initial", ""),
        fields=[_field(row) for row in definition.get("fields", ())] or None,
        statuses=[_status(row) for row in definition.get("statuses", ())],
        transitions=[_transition(row) for row in definition.get("transitions", ())] or None,
    )


def _field(row: Mapping[str, Any]) -> dict[str, Any]:
    return _stated(key=row["key"], label=words(row["label"]), type=row["type"], hint=words(row.get("hint")))


def _status(row: Mapping[str, Any]) -> dict[str, Any]:
    rules = [
        Inline(_stated(field=rule["field"], rule=rule["rule"], roles=_inline(rule.get("roles"))))
        for rule in row.get("field_rules", ())
    ]
    return _stated(
        key=row["key"],
        label=words(row["label"]),
        public_label=words(row.get("public_label")),
        category=row["category"],
        final=row.get("final") or None,
        expectation=words(row.get("expectation")),
        field_rules=rules or None,
    )


def _transition(row: Mapping[str, Any]) -> dict[str, Any]:
    guards = [
        Inline({name: _inline(value) if isinstance(value, list) else value for name, value in guard.items()})
        for guard in row.get("guards", ())
    ]
    is_short = all(len(guard) == 1 for guard in guards)
    entry = {"key": row["key"], "from": row["from"], "to": row["to"]}
    return entry | _stated(
        label=words(row["label"]),
        roles=InlineList(row.get("roles", ())),
        guards=(InlineList(guards) if is_short else guards) or None,
        fields=_inline(row.get("fields")),
        four_eyes=row.get("four_eyes") or None,
        basis=row.get("basis"),
        sources=_kept_sources(row.get("sources")),
    )


def _inline(items: Iterable[Any] | None) -> InlineList | None:
    return InlineList(items or ()) or None


def _words(value: Localized | None) -> Any:
    return words({"de": value.de, "en": value.en or ""}) if value else None


def _partial_date(value: PartialDate | None) -> object:
    """A bare year is a number, as everybody would write it."""
    if value is None:
        return None
    text = str(value)
    return int(text) if text.isdigit() and not text.startswith("0") else Bare(text)


def _sources(row: Sourced) -> Any:
    return _kept_sources(row.sources)


def _kept_sources(kept: Mapping[str, Sequence[Mapping[str, Any]]] | None) -> Any:
    """Sources by the names of fields, or one list where they speak for the whole entry."""
    named = {name: [_source(source) for source in items] for name, items in (kept or {}).items()}
    return named[WHOLE_ENTRY] if set(named) == {WHOLE_ENTRY} else named or None


def _source(kept: Mapping[str, Any]) -> Any:
    entry = _stated(address=kept["address"], confidence=kept.get("confidence"), note=words(kept.get("note")))
    return entry if len(entry) > 1 else kept["address"]


def _stated(**values: Any) -> dict[str, Any]:
    """Without what is not known."""
    return {name: value for name, value in values.items() if value is not None}
