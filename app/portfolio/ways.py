"""Where a condition of a step can be met: a page this person may use, or else who can do it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from flask import url_for

from app.accounts.models import Account
from app.core.i18n import local
from app.core.localized import Localized
from app.core.text import Text, text
from app.measures.details import DETAILS, PREDECESSORS, RESPONSIBILITY
from app.measures.forms import PREFIX
from app.measures.models import Measure
from app.measures.queries import access_of, list_predecessors
from app.organisations.permissions import ROLE_NAMES, Actor, Permission, Role, Scope, allows
from app.programmes.guards import Condition, Place
from app.programmes.workflow import FINISHED_CATEGORIES, Transition

ANYWHERE = UUID(int=0)
"""Stands for the lead, the unit and the funder of whatever the question is about."""


@dataclass(frozen=True)
class Way:
    """A page with what is done there; without an address, `by` names the roles that can do it."""

    label: Text | Localized
    address: str | None = None
    by: tuple[Text, ...] = ()


def who_may(permission: Permission) -> tuple[Role, ...]:
    """The roles that may do this to a thing of their own."""
    scope = Scope(lead_id=ANYWHERE, unit_ids=(ANYWHERE,), funder_ids=frozenset({ANYWHERE}))
    return tuple(role for role in Role if allows(_holder(role), permission, scope))


def _holder(role: Role) -> Actor:
    """Somebody who has just this role for the thing."""
    return Actor(
        account_id=ANYWHERE if role is Role.PROJECT_LEAD else None,
        name="",
        roles=frozenset({role}),
        headed_unit_ids=frozenset({ANYWHERE} if role is Role.DEPARTMENT_HEAD else ()),
        organisation_ids=frozenset({ANYWHERE} if role is Role.FUNDER else ()),
    )


def able(
    holders: Mapping[Role, Sequence[Account]], asking_id: UUID | None, transition: Transition
) -> tuple[str, ...]:
    """The names of those who hold a role of a step, without whoever asks."""
    people = {account.id: account for role in Role if role in transition.roles for account in holders.get(role, ())}
    return tuple(local(account.name) for key, account in people.items() if key != asking_id)


def ways_to(viewer: Actor, measure: Measure, condition: Condition) -> tuple[Way, ...]:
    """Where the viewer can meet a condition of a step of the measure, or who can; nothing where the form of the step
    asks for it, and where nobody can do anything about it."""
    if condition.is_met or condition.input_field is not None or condition.place is None:
        return ()
    ways = {
        Place.MILESTONES: _milestones,
        Place.RESPONSIBILITY: _responsibility,
        Place.PROGRESS: _progress,
        Place.GRANTS: _grants,
        Place.PREDECESSORS: _predecessors,
        Place.PEOPLE: _people,
    }
    if condition.place is Place.DETAILS:
        return tuple(_details(viewer, measure, condition))
    return tuple(ways[condition.place](viewer, measure))


def _way(viewer: Actor, measure: Measure, label: Text, address: str, *permissions: Permission) -> Way:
    """The page where any of these permissions is enough, else who holds one of them."""
    if any(allows(viewer, permission, measure.scope) for permission in permissions):
        return Way(label, address)
    return Way(label, by=_names(role for permission in permissions for role in who_may(permission)))


def _names(roles: Iterable[Role]) -> tuple[Text, ...]:
    held = set(roles)
    return tuple(ROLE_NAMES[role] for role in Role if role in held)


def _milestones(viewer: Actor, measure: Measure) -> Iterator[Way]:
    if not measure.milestones:
        address = url_for("milestones.plan", measure_id=measure.id)
        yield _way(viewer, measure, text("Meilenstein planen"), address, Permission.PLAN_MILESTONES)
        return
    address = url_for("portfolio.show", measure_id=measure.id, _anchor="meilensteine")
    enough = (Permission.REQUEST_APPROVAL, Permission.DECIDE_MILESTONE)
    yield _way(viewer, measure, text("Zu den Meilensteinen"), address, *enough)


def _responsibility(viewer: Actor, measure: Measure) -> Iterator[Way]:
    address = url_for("measures.assign", measure_id=measure.id)
    yield _way(viewer, measure, text("Zuständigkeit ändern"), address, Permission.ASSIGN_PEOPLE)


def _progress(viewer: Actor, measure: Measure) -> Iterator[Way]:
    address = url_for("progress.report", measure_id=measure.id)
    yield _way(viewer, measure, text("Sachstand melden"), address, Permission.REPORT_PROGRESS)


def _grants(viewer: Actor, measure: Measure) -> Iterator[Way]:
    grant = next(iter(measure.grants), None)
    address = (
        url_for("grants.record_notice", grant_id=grant.id)
        if grant
        else url_for("grants.create", key=measure.programme.key, measure=measure.id)
    )
    yield _way(viewer, measure, text("Bescheid erfassen"), address, Permission.RECORD_GRANTS)


def _predecessors(viewer: Actor, measure: Measure) -> Iterator[Way]:
    for one in list_predecessors(viewer, measure):
        if one.category not in FINISHED_CATEGORIES:
            yield Way(one.name, url_for("portfolio.show", measure_id=one.id))
    address = url_for("measures.edit", measure_id=measure.id, _anchor=PREDECESSORS)
    yield _way(viewer, measure, text("Vorgänger ändern"), address, Permission.EDIT_MEASURE)


def _people(viewer: Actor, measure: Measure) -> Iterator[Way]:
    address = url_for("organisations.people")
    yield _way(viewer, measure, text("Personen und Rollen"), address, Permission.MANAGE_ACCOUNTS)


def _details(viewer: Actor, measure: Measure, condition: Condition) -> Iterator[Way]:
    """The field itself on its form; where the status shuts it for the viewer, those for whom it is open."""
    key = condition.field
    if key is None:
        return
    is_assigned = key in RESPONSIBILITY
    permission = Permission.ASSIGN_PEOPLE if is_assigned else Permission.EDIT_MEASURE
    label = text("Zuständigkeit ändern") if is_assigned else text("Angaben ändern")
    if allows(viewer, permission, measure.scope) and access_of(viewer, measure, key).is_editable:
        endpoint = "measures.assign" if is_assigned else "measures.edit"
        anchor = key if is_assigned or key in DETAILS else PREFIX + key
        yield Way(label, url_for(endpoint, measure_id=measure.id, _anchor=anchor))
        return
    status = measure.current_status
    able = (role for role in who_may(permission) if not status or status.access(key, frozenset({role})).is_editable)
    yield Way(label, by=_names(able))
