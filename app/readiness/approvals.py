"""Whether everything that has to be decided can be decided by somebody who is not involved. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from app.core.localized import Localized
from app.core.text import ntext, text
from app.organisations.permissions import Permission, Role
from app.programmes import soundness, workflow
from app.programmes.access import EDITING_ROLES
from app.programmes.workflow import Transition, Workflow
from app.readiness.facts import PEOPLE, Facts, MeasureFacts
from app.readiness.report import Check, Finding, Group, checked


def approvals(facts: Facts) -> Check:
    """Nobody is the only one who could confirm their own work."""
    headed = [measure for measure in facts.asked if measure.heads]
    watched = [measure for measure in headed if any(head != measure.lead for head in measure.heads)]
    decidable = sum(waiting.has_free_head for waiting in facts.waiting)
    versions = _versions(facts)
    steps = _steps(versions.values())
    narrow = [[*_narrow(key, label, versions, facts)] for key, label in steps.items()]
    wide = sum(not found for found in narrow) if facts.asked else 0
    return checked(
        Group.APPROVALS,
        len(facts.waiting) + len(headed) + len(steps),
        [
            *(
                Finding(Group.APPROVALS, "error", waiting.sentence, waiting.link, waiting.is_sample)
                for waiting in facts.waiting
                if not waiting.has_free_head
            ),
            *(_own_approver(measure) for measure in headed if measure not in watched),
            *(finding for found in narrow for finding in found),
        ],
        (
            decidable,
            ntext(
                "%(n)s offener Antrag oder Sachstand kann entschieden werden",
                "%(n)s offene Anträge oder Sachstände können entschieden werden",
                decidable,
            ),
        ),
        (
            len(watched),
            ntext(
                "Bei %(n)s Maßnahme kann jemand anderes als die Projektleitung freigeben",
                "Bei %(n)s Maßnahmen kann jemand anderes als die Projektleitung freigeben",
                len(watched),
            ),
        ),
        (
            wide,
            ntext(
                "%(n)s Schritt mit vier Augen findet bei jeder Maßnahme zwei Personen",
                "%(n)s Schritte mit vier Augen finden bei jeder Maßnahme zwei Personen",
                wide,
            ),
        ),
    )


def _own_approver(measure: MeasureFacts) -> Finding:
    return Finding(
        Group.APPROVALS,
        "error",
        text(
            "„%(measure)s“: Die Projektleitung ist die einzige Bereichsleitung, niemand sonst kann freigeben",
            measure=measure.name,
        ),
        measure.page("measures.assign", Permission.ASSIGN_PEOPLE),
        measure.is_sample,
    )


def _versions(facts: Facts) -> Mapping[int, Workflow]:
    """The versions that measures follow as the rules read them, before there are any the newest; without those that
    are not sound enough for that."""
    published = {row.version: row.definition for row in (*facts.older, facts.workflow) if row is not None}
    followed = {measure.version for measure in facts.asked} or {max(published, default=0)}
    return {
        version: workflow.build(definition)
        for version, definition in sorted(published.items())
        if version in followed and not soundness.has_errors(soundness.findings(definition))
    }


def _steps(versions: Iterable[Workflow]) -> Mapping[str, Localized]:
    """The steps that demand four eyes, each once, with the label of the newest version that has it."""
    return {key: step.label for rules in versions for key, step in rules.transitions.items() if step.four_eyes}


def _narrow(key: str, label: Localized, versions: Mapping[int, Workflow], facts: Facts) -> Iterator[Finding]:
    """Measures in whose version a step needs four eyes and for which one person alone has its role: an error where
    they may also be who brought the measure there or changed it, whom four eyes stop; else a warning."""
    stuck = alone = 0
    for measure in facts.asked:
        rules = versions.get(measure.version)
        step = rules.transitions.get(key) if rules else None
        if rules is None or step is None or not step.four_eyes:
            continue
        able = [roles for roles in facts.roles_for(measure).values() if roles & step.roles]
        if len(able) == 1:
            may_be_stopped = not _involving(step, rules).isdisjoint(able[0])
            stuck += may_be_stopped
            alone += not may_be_stopped
    if stuck:
        sentence = ntext(
            "Schritt „%(step)s“ verlangt vier Augen; bei %(n)s Maßnahme kann ihn nur eine Person gehen, und "
            "sie kann selbst beteiligt sein",
            "Schritt „%(step)s“ verlangt vier Augen; bei %(n)s Maßnahmen kann ihn nur eine Person gehen, und "
            "sie kann selbst beteiligt sein",
            stuck,
            step=label,
        )
        yield Finding(Group.APPROVALS, "error", sentence, PEOPLE, facts.is_sample)
    if alone:
        sentence = ntext(
            "Schritt „%(step)s“ verlangt vier Augen; bei %(n)s Maßnahme kann ihn nur eine Person gehen",
            "Schritt „%(step)s“ verlangt vier Augen; bei %(n)s Maßnahmen kann ihn nur eine Person gehen",
            alone,
            step=label,
        )
        yield Finding(Group.APPROVALS, "warning", sentence, PEOPLE, facts.is_sample)


def _involving(step: Transition, rules: Workflow) -> frozenset[Role]:
    """The roles that bring a measure to where a step begins, or change its details."""
    before = {role for one in rules.transitions.values() if one.target == step.source for role in one.roles}
    return frozenset(before | set(EDITING_ROLES))
