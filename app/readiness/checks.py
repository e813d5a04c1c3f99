"""What keeps a programme from going live. Pure.

Every check says what it looked at and found in order, and what is missing. An error is something that would be lost
without anybody noticing: a measure, an approval, a mail. A warning is worth knowing before it happens.
"""

from __future__ import annotations

from collections.abc import Iterator

from app.core.text import ntext, text
from app.organisations.permissions import Permission
from app.programmes.workflow import Category
from app.readiness.approvals import approvals
from app.readiness.facts import PEOPLE, Facts, Owed, StepFacts
from app.readiness.people import addresses, heads, leads
from app.readiness.published import published_workflow
from app.readiness.report import Check, Finding, Group, Report, checked

DATED_BY_FUNDER = frozenset({"proof_of_use", "report"})
"""What a grant notice sets a day for: without it in Wegmarke the deadline passes unseen. Other obligations begin with
an event (a call for funds, keeping receipts), and may have no day for a long time."""


def check(facts: Facts) -> Report:
    """Everything that is missing, and everything that was found in order."""
    checks = (leads, heads, approvals, addresses, reminders, deadlines, funders, published_workflow)
    return Report(tuple(one(facts) for one in checks))


def reminders(facts: Facts) -> Check:
    """There are steps, and each of them calls somebody for every measure that reminds."""
    called = [measure.recipients for measure in facts.measures if measure.recipients is not None]
    deaf = {step: sum(not step.calls_somebody(recipients) for recipients in called) for step in facts.steps}
    heard = sum(not measures for measures in deaf.values()) if called else 0
    return checked(
        Group.REMINDERS,
        len(facts.steps),
        _reminders(facts, deaf),
        (
            heard,
            ntext(
                "%(n)s Erinnerungsstufe erreicht bei jeder Maßnahme jemanden",
                "%(n)s Erinnerungsstufen erreichen bei jeder Maßnahme jemanden",
                heard,
            ),
        ),
    )


def _reminders(facts: Facts, deaf: dict[StepFacts, int]) -> Iterator[Finding]:
    if not facts.steps:
        none = text("Es gibt keine Erinnerungsstufen: Niemand wird an eine Frist erinnert")
        yield Finding(Group.REMINDERS, "warning", none, is_sample=facts.is_sample)
    for step, measures in deaf.items():
        if measures:
            nobody = ntext(
                "Die Erinnerung „%(step)s“ erreicht bei %(n)s Maßnahme niemanden",
                "Die Erinnerung „%(step)s“ erreicht bei %(n)s Maßnahmen niemanden",
                measures,
                step=step.when,
            )
            yield Finding(Group.REMINDERS, "error", nobody, PEOPLE, facts.is_sample)


def deadlines(facts: Facts) -> Check:
    """Every obligation has its day, and every running measure a milestone."""
    running = [measure for measure in facts.measures if measure.category is Category.RUNNING]
    dated = sum(owed.due_on is not None for owed in facts.owed)
    planned = sum(measure.milestones > 0 for measure in running)
    return checked(
        Group.DEADLINES,
        len(facts.owed) + len(running),
        [
            *(_undated(owed) for owed in facts.owed if owed.due_on is None),
            *(
                Finding(
                    Group.DEADLINES,
                    "warning",
                    text("„%(measure)s“ läuft und hat keinen Meilenstein", measure=measure.name),
                    measure.page("milestones.plan", Permission.PLAN_MILESTONES),
                    measure.is_sample,
                )
                for measure in running
                if not measure.milestones
            ),
        ],
        (dated, ntext("%(n)s offene Pflicht hat ein Datum", "%(n)s offene Pflichten haben ein Datum", dated)),
        (
            planned,
            ntext("%(n)s laufende Maßnahme hat Meilensteine", "%(n)s laufende Maßnahmen haben Meilensteine", planned),
        ),
    )


def _undated(owed: Owed) -> Finding:
    return Finding(
        Group.DEADLINES,
        "error" if owed.kind in DATED_BY_FUNDER else "warning",
        text(
            "„%(obligation)s“ (%(grant)s): Datum fehlt, niemand wird erinnert",
            obligation=owed.title,
            grant=owed.grant,
        ),
        owed.page,
        owed.is_sample,
    )


def funders(facts: Facts) -> Check:
    """There is a funder, and every funder with a rhythm has somebody who gets the digest."""
    told = sum(funder.has_rhythm and bool(funder.recipients) for funder in facts.funders)
    return checked(
        Group.FUNDERS,
        len(facts.funders),
        _funders(facts),
        (
            told,
            ntext(
                "%(n)s Fördermittelgeber bekommt einen Digest", "%(n)s Fördermittelgeber bekommen einen Digest", told
            ),
        ),
    )


def _funders(facts: Facts) -> Iterator[Finding]:
    if not facts.funders:
        none = text("Es ist kein Fördermittelgeber eingetragen")
        yield Finding(Group.FUNDERS, "error", none, is_sample=facts.is_sample)
    for funder in facts.funders:
        if not funder.has_rhythm:
            silent = text("„%(funder)s“ bekommt keinen Digest", funder=funder.name)
            yield Finding(Group.FUNDERS, "warning", silent, is_sample=funder.is_sample)
        elif not funder.recipients:
            nobody = text("Digest an „%(funder)s“: keine Empfängeradresse", funder=funder.name)
            yield Finding(Group.FUNDERS, "error", nobody, is_sample=funder.is_sample)
