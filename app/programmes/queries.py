"""Reads of programmes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import time
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from app.accounts.queries import list_accounts
from app.core.database import db
from app.core.errors import NotFound
from app.core.text import text
from app.organisations.permissions import ACTING_ROLES, Actor, Permission, Role, Scope, allows
from app.organisations.queries import heads_by_unit, list_members, list_units
from app.programmes import editing
from app.programmes import workflow as rules
from app.programmes.editing import Remark
from app.programmes.models import BUILT_RULES, Programme, ProgrammeFunder, Workflow, WorkflowDraft
from app.programmes.soundness import Definition


def list_programmes(viewer: Actor) -> Sequence[Programme]:
    """The programmes the viewer may see, by key."""
    query = (
        select(Programme)
        .options(selectinload(Programme.funders).joinedload(ProgrammeFunder.organisation))
        .order_by(Programme.key)
    )
    return [row for row in db.session.scalars(query) if _may_see(viewer, row)]


def rules_of(workflow_ids: Collection[UUID]) -> Mapping[UUID, rules.Workflow]:
    """The rules of these workflows: read from the database only once, as a published version never changes."""
    if unread := set(workflow_ids) - BUILT_RULES.keys():
        for workflow in db.session.scalars(select(Workflow).where(Workflow.id.in_(unread))):
            BUILT_RULES[workflow.id] = workflow.rules
    return BUILT_RULES


def get_programme(viewer: Actor, key: str) -> Programme:
    """One programme.

    Raises:
        NotFound: also where the viewer may not see it.
    """
    programme = db.session.scalar(select(Programme).where(Programme.key == key))
    if programme is None or not _may_see(viewer, programme):
        raise NotFound(text("Dieses Programm gibt es nicht, oder es ist für Sie nicht sichtbar."))
    return programme


def _may_see(viewer: Actor, programme: Programme) -> bool:
    return allows(viewer, Permission.VIEW, Scope(funder_ids=programme.funder_ids))


def latest_send_time() -> time | None:
    """The latest local time at which any programme sends, None without programmes."""
    return db.session.scalar(select(func.max(Programme.send_time)))


def get_version(programme: Programme, version: int) -> Workflow:
    """A published version.

    Raises:
        NotFound: when the programme has no such version.
    """
    for row in programme.workflows:
        if row.version == version:
            return row
    published = tuple(str(row.version) for row in programme.workflows)
    if not published:
        raise NotFound(text("Von diesem Ablauf ist noch keine Version veröffentlicht."))
    raise NotFound(
        text("Diese Version des Ablaufs gibt es nicht. Veröffentlicht sind: %(versions)s.", versions=published)
    )


def get_draft(programme: Programme) -> WorkflowDraft:
    """The draft of a programme's next version.

    Raises:
        NotFound: when there is none.
    """
    if programme.draft is None:
        raise NotFound(text("Für dieses Programm gibt es gerade keinen Entwurf."))
    return programme.draft


def list_patterns(viewer: Actor, programme: Programme) -> Sequence[Programme]:
    """The other programmes that have a workflow to copy."""
    return [row for row in list_programmes(viewer) if row.workflows and row.id != programme.id]


def held_roles(programme: Programme) -> frozenset[Role]:
    """Of the roles that carry measures through a workflow, those that somebody active holds in the programme.

    Leads and heads are those of its measures under way; before there is one, whoever holds the role anywhere.
    """
    anywhere = frozenset(role for role in ACTING_ROLES if list_members(role))
    under_way = [row for row in programme.measures if row.current_status and not row.current_status.final]
    if not under_way:
        return anywhere
    held = anywhere & {Role.COORDINATOR}
    leads = {row.lead_id for row in under_way}
    if any(account.active and account.id in leads for account in list_accounts()):
        held |= {Role.PROJECT_LEAD}
    units, heads = {unit.id: unit for unit in list_units()}, heads_by_unit()
    responsible = [units[row.unit_id] for row in under_way if row.unit_id]
    if any(level.id in heads for unit in responsible for level in unit.with_parents()):
        held |= {Role.DEPARTMENT_HEAD}
    return held


def review(programme: Programme, definition: Definition) -> tuple[Remark, ...]:
    """What the validator finds in a definition that is to become the programme's next version, errors first."""
    types = editing.types_of(row.definition for row in programme.workflows)
    return editing.remarks(definition, types, held_roles(programme))
