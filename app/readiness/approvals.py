"""Whether everything that has to be decided can be decided by somebody who is not involved. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from app.core.text import ntext, text
from app.organisations.permissions import Permission
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
    rules = _rules(facts)
    steps = [step for step in rules.transitions.values() if step.four_eyes] if rules else []
    narrow = {step.key: [*_narrow(step, rules, facts)] for step in steps if rules}
    wide = sum(not found for found in narrow.values()) if facts.asked else 0
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
            *(finding for found in narrow.values() for finding in found),
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


def _rules(facts: Facts) -> Workflow | None:
    """The newest version as the rules read it, None where it is not sound enough for that."""
    if facts.workflow is None or soundness.has_errors(soundness.findings(facts.workflow.definition)):
        return None
    return workflow.build(facts.workflow.definition)


def _narrow(step: Transition, rules: Workflow, facts: Facts) -> Iterator[Finding]:
    """Measures for which one person alone has the role of a step that needs four eyes: an error where they may also
    be who brought the measure there or changed it, whom four eyes stop; else a warning."""
    before = {role for one in rules.transitions.values() if one.target == step.source for role in one.roles}
    involving = before | set(EDITING_ROLES)
    stuck = alone = 0
    for measure in facts.asked:
        able = [roles for roles in facts.roles_for(measure).values() if roles & step.roles]
        if len(able) == 1:
            may_be_stopped = not involving.isdisjoint(able[0])
            stuck += may_be_stopped
            alone += not may_be_stopped
    if stuck:
        sentence = ntext(
            "Schritt „%(step)s“ verlangt vier Augen; bei %(n)s Maßnahme kann ihn nur eine Person gehen, und "
            "sie kann selbst beteiligt sein",
            "Schritt „%(step)s“ verlangt vier Augen; bei %(n)s Maßnahmen kann ihn nur eine Person gehen, und "
            "sie kann selbst beteiligt sein",
            stuck,
            step=step.label,
        )
        yield Finding(Group.APPROVALS, "error", sentence, PEOPLE, facts.is_sample)
    if alone:
        sentence = ntext(
            "Schritt „%(step)s“ verlangt vier Augen; bei %(n)s Maßnahme kann ihn nur eine Person gehen",
            "Schritt „%(step)s“ verlangt vier Augen; bei %(n)s Maßnahmen kann ihn nur eine Person gehen",
            alone,
            step=step.label,
        )
        yield Finding(Group.APPROVALS, "warning", sentence, PEOPLE, facts.is_sample)
