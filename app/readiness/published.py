"""Whether the newest workflow is sound, has somebody for each of its steps, and is the one measures follow. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from app.core.localized import Localized
from app.core.text import Text, ntext, text
from app.organisations.permissions import Permission, Role
from app.programmes import soundness
from app.readiness.facts import PEOPLE, Facts, Link, WorkflowFacts
from app.readiness.report import Check, Finding, Group, checked

PART = re.compile(r"(statuses|transitions|fields)\[(\d+)\]")
NAMED: Mapping[str, Callable[[Localized], Text]] = {
    "statuses": lambda name: text("Status „%(name)s“", name=name),
    "transitions": lambda name: text("Schritt „%(name)s“", name=name),
    "fields": lambda name: text("Feld „%(name)s“", name=name),
}


def published_workflow(facts: Facts) -> Check:
    """There is a sound version, somebody takes each of its steps, and the measures follow it."""
    newest = facts.workflow
    if newest is None:
        none = text("Es ist kein Ablauf veröffentlicht")
        return checked(Group.WORKFLOW, 0, [Finding(Group.WORKFLOW, "error", none, _editor(facts), facts.is_sample)])
    statuses, transitions = (len(newest.definition[name]) for name in ("statuses", "transitions"))
    unsound = [*_unsound(facts, newest)]
    behind = [measure for measure in facts.open if measure.version != newest.version]
    following = len(facts.open) - len(behind)
    return checked(
        Group.WORKFLOW,
        transitions,
        [*unsound, *_behind(facts, newest, len(behind))],
        (
            not unsound,
            text(
                "Version %(version)s mit %(statuses)s Status und %(transitions)s Schritten ist in Ordnung",
                version=newest.version,
                statuses=statuses,
                transitions=transitions,
            ),
        ),
        (
            following,
            ntext(
                "%(n)s Maßnahme folgt Version %(version)s",
                "%(n)s Maßnahmen folgen Version %(version)s",
                following,
                version=newest.version,
            ),
        ),
    )


def _editor(facts: Facts) -> Link:
    return Link("programmes.workflow", {"key": facts.key}, Permission.EDIT_WORKFLOWS)


def _unsound(facts: Facts, newest: WorkflowFacts) -> Iterator[Finding]:
    """What the validator finds. A step nobody can take may be published, and must not go live.

    Without a measure under way it is not known who will hold the roles.
    """
    known = soundness.findings(newest.definition)
    found = soundness.findings(newest.definition, _held_roles(facts)) if facts.asked else known
    for finding in found:
        is_nobodys = finding not in known
        yield Finding(
            Group.WORKFLOW,
            "error" if is_nobodys else finding.level,
            text("%(place)s: %(problem)s", place=_place(newest, finding.path), problem=finding.message),
            PEOPLE if is_nobodys else _editor(facts),
            facts.is_sample,
        )


def _held_roles(facts: Facts) -> set[Role]:
    """The roles somebody holds in this programme."""
    return {role for measure in facts.asked for roles in facts.roles_for(measure).values() for role in roles}


def _place(newest: WorkflowFacts, path: str) -> Text:
    """What a finding of the validator is about, as people call it."""
    part = PART.match(path)
    if part is None:
        return text("Version %(version)s", version=newest.version)
    label = newest.definition[part[1]][int(part[2])]["label"]
    return NAMED[part[1]](Localized(label["de"], label.get("en")))


def _behind(facts: Facts, newest: WorkflowFacts, measures: int) -> Iterator[Finding]:
    if measures:
        older = ntext(
            "%(n)s Maßnahme folgt noch einer älteren Version des Ablaufs",
            "%(n)s Maßnahmen folgen noch einer älteren Version des Ablaufs",
            measures,
        )
        link = Link("measures.migrate", {"key": facts.key, "version": str(newest.version)}, Permission.EDIT_WORKFLOWS)
        yield Finding(Group.WORKFLOW, "warning", older, link, facts.is_sample)
