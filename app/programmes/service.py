"""Commands on workflows: draft the next version, publish it. Running measures stay on theirs.

A draft belongs to a programme and is one row: whoever changes it says which state of it they saw.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select

from app.audit import service as audit
from app.core.database import db, free_key, insert
from app.core.errors import Conflict, NotFound, RuleBroken
from app.core.text import Text, joined, text
from app.organisations.permissions import Actor, Permission, require
from app.programmes import changes, editing
from app.programmes.access import MEASURE_FIELDS
from app.programmes.editing import Entry, Part
from app.programmes.models import Programme, Workflow, WorkflowDraft
from app.programmes.queries import review
from app.programmes.soundness import Definition

THERE_IS_ONE = text(
    "Für dieses Programm gibt es schon einen Entwurf. Arbeiten Sie an ihm weiter, oder verwerfen Sie ihn."
)
GONE = text("Der Entwurf wurde inzwischen verworfen oder veröffentlicht.")
CHANGED = text("Der Entwurf wurde inzwischen von jemand anderem geändert.")
NO_ENTRY = text("Diesen Eintrag gibt es im Entwurf nicht.")
NOTHING_NEW = text("Der Entwurf unterscheidet sich nicht von der neuesten Version.")
LONGEST_KEY = 50


# -- a draft as a whole


def begin_draft(actor: Actor, programme: Programme, *, now: datetime) -> WorkflowDraft:
    """A draft with what the newest version says, or an empty one before the first.

    Raises:
        Forbidden: for anybody but coordinators.
        Conflict: when there is a draft already, be it since this moment.
    """
    require(actor, Permission.EDIT_WORKFLOWS)
    newest = programme.newest_workflow
    definition = newest.definition if newest else editing.EMPTY
    draft = _new(actor, programme, definition, newest.version if newest else None, now)
    _record(actor, draft, text("Entwurf des Ablaufs begonnen"), now)
    return draft


def copy_draft(actor: Actor, programme: Programme, other: Programme, *, now: datetime) -> WorkflowDraft:
    """A draft with what the newest version of another programme says; from then on it knows nothing of that one.

    Raises:
        Forbidden: for anybody but coordinators.
        Conflict: when there is a draft already.
        RuleBroken: when the other programme has no workflow.
    """
    require(actor, Permission.EDIT_WORKFLOWS)
    source = other.newest_workflow
    if source is None:
        raise RuleBroken(text("Dieses Programm hat noch keinen Ablauf."), "programme")
    draft = _new(actor, programme, editing.copied(source.definition), None, now)
    what = text("Entwurf des Ablaufs aus dem Programm „%(name)s“ übernommen", name=str(other.name))
    _record(actor, draft, what, now)
    return draft


def replace_draft(
    actor: Actor, programme: Programme, definition: Definition, *, seen_version: int | None, now: datetime
) -> WorkflowDraft:
    """Puts a definition whose shape has been checked in place of the draft, or makes it the draft.

    `seen_version` is that of the draft the person saw, None where they saw none.

    Raises:
        Forbidden: for anybody but coordinators.
        RuleBroken: when it has more entries than a workflow may have.
        Conflict: when the draft is not the one they saw.
    """
    require(actor, Permission.EDIT_WORKFLOWS)
    for part in editing.MOST:
        _check_room(part, len(editing.entries(definition, part)))
    what = text("Entwurf des Ablaufs aus einer Datei übernommen")
    draft = programme.draft
    if draft is None and seen_version is None:
        draft = _new(actor, programme, definition, None, now)
        _record(actor, draft, what, now)
        return draft
    if draft is None:
        raise Conflict(GONE)
    _hold(draft, seen_version)
    _keep(actor, draft, definition, what, now)
    return draft


def discard_draft(actor: Actor, draft: WorkflowDraft, *, seen_version: int | None, now: datetime) -> None:
    """Throws a draft away; the published versions stay.

    Raises:
        Forbidden: for anybody but coordinators.
        Conflict: when it is not the draft they saw.
    """
    require(actor, Permission.EDIT_WORKFLOWS)
    _hold(draft, seen_version)
    _record(actor, draft, text("Entwurf des Ablaufs verworfen"), now)
    _delete(draft)


def publish_draft(
    actor: Actor, draft: WorkflowDraft, note: str, *, seen_version: int | None, now: datetime
) -> Workflow:
    """Makes the draft the newest version. New measures follow it; running ones stay on theirs until they are moved.

    Raises:
        Forbidden: for anybody but coordinators.
        RuleBroken: naming every error the validator finds; when nothing is new; without a note that says what is.
        Conflict: when it is not the draft they saw, or another version was published at this moment.
    """
    require(actor, Permission.EDIT_WORKFLOWS)
    _hold(draft, seen_version)
    programme = draft.programme
    errors = [entry.sentence for entry in review(programme, draft.definition) if entry.is_error]
    if errors:
        raise RuleBroken(joined(errors))
    newest = programme.newest_workflow
    if newest is not None and not changes.between(newest.definition, draft.definition):
        raise RuleBroken(NOTHING_NEW)
    if not note.strip():
        raise RuleBroken(text("Bitte schreiben Sie, was neu ist."), "note")
    version = newest.version + 1 if newest else 1
    workflow = Workflow(
        programme_id=programme.id,
        version=version,
        definition=draft.definition,
        published_at=now,
        published_by_id=actor.account_id,
        note=note.strip(),
    )
    insert(workflow, Conflict(text("Gerade hat jemand anderes eine Version veröffentlicht. Bitte prüfen Sie sie.")))
    audit.record(
        actor,
        workflow,
        text("Ablauf veröffentlicht: Version %(version)s", version=version),
        now=now,
        scope_id=programme.id,
        changes={"version": (newest.version if newest else None, version)},
        reason=workflow.note,
    )
    _delete(draft)
    return workflow


# -- its entries


def put_status(
    actor: Actor, draft: WorkflowDraft, key: str | None, values: Entry, *, seen_version: int | None, now: datetime
) -> str:
    """Changes a status, or adds one where `key` is None; gives its key, made from the German label and kept for ever.

    `values` are those of a definition, None where there is none. So it is with steps and fields.

    Raises:
        Forbidden: for anybody but coordinators.
        NotFound: when the draft has no such status.
        RuleBroken: when there are as many as a workflow may have.
        Conflict: when somebody else changed, published or discarded the draft.
    """
    what = text("Entwurf des Ablaufs: Status „%(name)s“ gespeichert", name=values["label"]["de"])
    return _put(actor, draft, "statuses", key, values, what, seen_version, now)


def put_transition(
    actor: Actor, draft: WorkflowDraft, key: str | None, values: Entry, *, seen_version: int | None, now: datetime
) -> str:
    """Changes a step, or adds one; its sources and what they rest on stay.

    Raises:
        As `put_status`.
    """
    what = text("Entwurf des Ablaufs: Schritt „%(name)s“ gespeichert", name=values["label"]["de"])
    return _put(actor, draft, "transitions", key, values, what, seen_version, now)


def put_field(
    actor: Actor, draft: WorkflowDraft, key: str | None, values: Entry, *, seen_version: int | None, now: datetime
) -> str:
    """Changes a field, or adds one. A field that was published keeps its type: measures have values in it.

    Raises:
        As `put_status`; also RuleBroken on `type`.
    """
    types = _published_types(draft)
    if key is not None and types.get(key, values["type"]) != values["type"]:
        require(actor, Permission.EDIT_WORKFLOWS)
        raise RuleBroken(editing.kept_type(types[key]), "type")
    what = text("Entwurf des Ablaufs: Feld „%(name)s“ gespeichert", name=values["label"]["de"])
    return _put(actor, draft, "fields", key, values, what, seen_version, now)


def remove_status(actor: Actor, draft: WorkflowDraft, key: str, *, seen_version: int | None, now: datetime) -> None:
    """Takes a status out of the draft.

    Raises:
        Forbidden: for anybody but coordinators.
        NotFound: when the draft has no such status.
        RuleBroken: naming what still needs it.
        Conflict: when somebody else changed, published or discarded the draft.
    """
    row = _held_entry(actor, draft, "statuses", key, seen_version)
    if needed := editing.uses(draft.definition, "statuses", key):
        raise RuleBroken(
            text(
                "Der Status „%(name)s“ wird noch gebraucht: %(uses)s. Ändern Sie das zuerst.",
                name=editing.name_of(row),
                uses=needed,
            )
        )
    what = text("Entwurf des Ablaufs: Status „%(name)s“ entfernt", name=row["label"]["de"])
    _keep(actor, draft, editing.remove(draft.definition, "statuses", key), what, now)


def remove_transition(
    actor: Actor, draft: WorkflowDraft, key: str, *, seen_version: int | None, now: datetime
) -> None:
    """Takes a step out of the draft.

    Raises:
        As `remove_status`, but nothing needs a step.
    """
    row = _held_entry(actor, draft, "transitions", key, seen_version)
    what = text("Entwurf des Ablaufs: Schritt „%(name)s“ entfernt", name=row["label"]["de"])
    _keep(actor, draft, editing.remove(draft.definition, "transitions", key), what, now)


def remove_field(actor: Actor, draft: WorkflowDraft, key: str, *, seen_version: int | None, now: datetime) -> None:
    """Takes a field out of the draft.

    Raises:
        As `remove_status`.
    """
    row = _held_entry(actor, draft, "fields", key, seen_version)
    if needed := editing.uses(draft.definition, "fields", key):
        raise RuleBroken(
            text(
                "Das Feld „%(name)s“ wird noch gebraucht: %(uses)s. Ändern Sie das zuerst.",
                name=editing.name_of(row),
                uses=needed,
            )
        )
    what = text("Entwurf des Ablaufs: Feld „%(name)s“ entfernt", name=row["label"]["de"])
    _keep(actor, draft, editing.remove(draft.definition, "fields", key), what, now)


def move_entry(
    actor: Actor, draft: WorkflowDraft, part: Part, key: str, *, up: bool, seen_version: int | None, now: datetime
) -> None:
    """Moves a status, a field or, among those out of the same status, a step by one place.

    Raises:
        Forbidden, NotFound, Conflict: as `remove_status`.
    """
    row = _held_entry(actor, draft, part, key, seen_version)
    what = text("Entwurf des Ablaufs: „%(name)s“ steht an anderer Stelle", name=row["label"]["de"])
    _keep(actor, draft, editing.move(draft.definition, part, key, up=up), what, now)


def set_initial(actor: Actor, draft: WorkflowDraft, key: str, *, seen_version: int | None, now: datetime) -> None:
    """Says in which status measures begin.

    Raises:
        Forbidden, NotFound, Conflict: as `remove_status`.
    """
    row = _held_entry(actor, draft, "statuses", key, seen_version)
    what = text("Entwurf des Ablaufs: Anfang ist jetzt „%(name)s“", name=row["label"]["de"])
    _keep(actor, draft, editing.set_initial(draft.definition, key), what, now)


def add_field_rule(
    actor: Actor, draft: WorkflowDraft, status: str, rule: Entry, *, seen_version: int | None, now: datetime
) -> None:
    """Adds a field rule to a status.

    Raises:
        Forbidden, NotFound, Conflict: as `remove_status`.
        RuleBroken: when the status has just this rule already.
    """
    row = _held_entry(actor, draft, "statuses", status, seen_version)
    if rule in row.get("field_rules", ()):
        raise RuleBroken(text("Diese Regel gibt es schon."), "field")
    what = text("Entwurf des Ablaufs: Feldregel bei „%(name)s“ angelegt", name=row["label"]["de"])
    _keep(actor, draft, editing.add_rule(draft.definition, status, rule), what, now)


def remove_field_rule(
    actor: Actor, draft: WorkflowDraft, status: str, index: int, *, seen_version: int | None, now: datetime
) -> None:
    """Takes a field rule from a status, by its place in the list.

    Raises:
        Forbidden, NotFound, Conflict: as `remove_status`.
    """
    row = _held_entry(actor, draft, "statuses", status, seen_version)
    if not 0 <= index < len(row.get("field_rules", ())):
        raise NotFound(NO_ENTRY)
    what = text("Entwurf des Ablaufs: Feldregel bei „%(name)s“ entfernt", name=row["label"]["de"])
    _keep(actor, draft, editing.remove_rule(draft.definition, status, index), what, now)


def _put(
    actor: Actor,
    draft: WorkflowDraft,
    part: Part,
    key: str | None,
    values: Entry,
    what: Text,
    seen_version: int | None,
    now: datetime,
) -> str:
    if key is not None:
        _held_entry(actor, draft, part, key, seen_version)
    else:
        require(actor, Permission.EDIT_WORKFLOWS)
        _hold(draft, seen_version)
        _check_room(part, len(editing.entries(draft.definition, part)) + 1)
        key = _key_for(draft, part, values["label"]["de"])
    changed = editing.put(draft.definition, part, key, values)
    if changed != draft.definition:
        _keep(actor, draft, changed, what, now)
    return key


def _held_entry(actor: Actor, draft: WorkflowDraft, part: Part, key: str, seen_version: int | None) -> Entry:
    require(actor, Permission.EDIT_WORKFLOWS)
    _hold(draft, seen_version)
    row = editing.find(draft.definition, part, key)
    if row is None:
        raise NotFound(NO_ENTRY)
    return row


TOO_MANY: Mapping[Part, Text] = {
    "statuses": text("Ein Ablauf hat höchstens %(most)s Status.", most=editing.MOST["statuses"]),
    "transitions": text("Ein Ablauf hat höchstens %(most)s Schritte.", most=editing.MOST["transitions"]),
    "fields": text("Ein Ablauf hat höchstens %(most)s Felder.", most=editing.MOST["fields"]),
}


def _check_room(part: Part, count: int) -> None:
    if count > editing.MOST[part]:
        raise RuleBroken(TOO_MANY[part])


OTHERWISE: Mapping[Part, str] = {"statuses": "status", "transitions": "schritt", "fields": "feld"}
"""The key of an entry whose label has no letter for one."""


def _key_for(draft: WorkflowDraft, part: Part, label: str) -> str:
    """A German label as a key, with ae for the letter that sorts as a."""
    spelt = unicodedata.normalize("NFD", label).replace("\u0308", "e")
    return free_key(spelt, _taken(draft, part), OTHERWISE[part], joint="_", longest=LONGEST_KEY)


def _taken(draft: WorkflowDraft, part: Part) -> set[str]:
    """Keys that would be misread: those of the draft and of every version, for measures and the log know what was
    removed by its key, too; for a field also those of what every measure has."""
    definitions = (draft.definition, *(version.definition for version in draft.programme.workflows))
    taken = {row["key"] for definition in definitions for row in editing.entries(definition, part)}
    return taken | MEASURE_FIELDS.keys() if part == "fields" else taken


def _published_types(draft: WorkflowDraft) -> Mapping[str, str]:
    return editing.types_of(version.definition for version in draft.programme.workflows)


# -- rows


def _new(
    actor: Actor, programme: Programme, definition: Definition, based_on: int | None, now: datetime
) -> WorkflowDraft:
    draft = WorkflowDraft(
        programme_id=programme.id,
        definition=dict(definition),
        based_on=based_on,
        edited_by_id=actor.account_id,
        edited_at=now,
    )
    insert(draft, Conflict(THERE_IS_ONE))
    db.session.expire(programme, ["draft"])
    return draft


def _hold(draft: WorkflowDraft, seen_version: int | None) -> None:
    """Reads the draft as it is stored now and keeps it until the commit; refuses whoever saw another."""
    query = select(WorkflowDraft).where(WorkflowDraft.id == draft.id).with_for_update()
    held = db.session.execute(query, execution_options={"populate_existing": True}).scalar_one_or_none()
    if held is None:
        raise Conflict(GONE)
    if held.version != seen_version:
        raise Conflict(CHANGED)


def _keep(actor: Actor, draft: WorkflowDraft, definition: Definition, what: Text, now: datetime) -> None:
    draft.definition = dict(definition)
    draft.edited_by_id = actor.account_id
    draft.edited_at = now
    _record(actor, draft, what, now)


def _delete(draft: WorkflowDraft) -> None:
    programme = draft.programme
    db.session.delete(draft)
    db.session.flush()  # whoever reads the programme next finds it without its draft
    db.session.expire(programme, ["draft", "workflows"])


def _record(actor: Actor, draft: WorkflowDraft, what: Text, now: datetime) -> None:
    audit.record(actor, draft, what, now=now, scope_id=draft.programme_id)
