"""The go-live check of a programme as a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, render_template, url_for

from app.core.text import Text, text
from app.organisations.permissions import ROLE_NAMES, Actor, Permission, Role, allows, require
from app.organisations.viewer import current_actor
from app.programmes.queries import get_programme
from app.readiness import checks, queries
from app.readiness.report import GROUP_NAMES, Check, Finding

blueprint = Blueprint("readiness", __name__)

PLACES: Mapping[str, Text] = {
    "grants.move_obligation": text("Frist setzen"),
    "measures.assign": text("Zuständigkeit festlegen"),
    "measures.record_status": text("Status erfassen"),
    "measures.migrate": text("Maßnahmen umstellen"),
    "milestones.show": text("Meilenstein öffnen"),
    "milestones.plan": text("Meilenstein planen"),
    "organisations.name_deputy": text("Ständige Vertretung festlegen"),
    "organisations.people": text("Personen und Rollen"),
    "programmes.workflow": text("Ablauf bearbeiten"),
}
"""What the page is called on which a finding is mended."""

MENDERS: Mapping[Permission, tuple[Role, ...]] = {
    Permission.ASSIGN_PEOPLE: (Role.COORDINATOR,),
    Permission.MANAGE_ACCOUNTS: (Role.ADMINISTRATOR,),
    Permission.PLAN_MILESTONES: (Role.COORDINATOR, Role.PROJECT_LEAD),
    Permission.REQUEST_APPROVAL: (Role.COORDINATOR, Role.PROJECT_LEAD),
    Permission.EDIT_WORKFLOWS: (Role.COORDINATOR,),
    Permission.RECORD_GRANTS: (Role.COORDINATOR,),
}
"""Who can mend what needs a permission: the twin of `permissions.ALLOWED`."""


@dataclass(frozen=True)
class Line:
    """A finding as one person reads it: with the way to mend it, or with who has that way."""

    finding: Finding
    href: str | None
    place: Text | None
    menders: tuple[Text, ...]


@blueprint.get("/programmes/<key>/readiness")
def show(key: str) -> str:
    """What is missing before a programme goes live, and what was found in order. For the city only."""
    actor = current_actor()
    programme = get_programme(actor, key)
    require(actor, Permission.VIEW_INTERNAL)
    report = checks.check(queries.gather(programme))
    return render_template(
        "readiness/show.html",
        programme=programme,
        report=report,
        parts=[(check, _lines(actor, check)) for check in report.checks],
        group_names=GROUP_NAMES,
    )


def _lines(actor: Actor, check: Check) -> list[Line]:
    return [_line(actor, finding) for finding in check.findings]


def _line(actor: Actor, finding: Finding) -> Line:
    link = finding.link
    if link is None:
        return Line(finding, None, None, ())
    if allows(actor, link.permission, link.scope):
        return Line(finding, url_for(link.endpoint, **dict[str, Any](link.values)), PLACES[link.endpoint], ())
    return Line(finding, None, None, tuple(ROLE_NAMES[role] for role in MENDERS[link.permission]))
