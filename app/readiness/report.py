"""What the go-live check has to say: findings, checks, and the report of a programme. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from app.core.text import Text, ntext, text
from app.programmes.soundness import Level
from app.readiness.facts import Link


class Group(StrEnum):
    """What a check is about, in the order in which it is told."""

    LEADS = "leads"
    HEADS = "heads"
    APPROVALS = "approvals"
    ADDRESSES = "addresses"
    REMINDERS = "reminders"
    DEADLINES = "deadlines"
    FUNDERS = "funders"
    WORKFLOW = "workflow"


GROUP_NAMES: Mapping[Group, Text] = {
    Group.LEADS: text("Projektleitung"),
    Group.HEADS: text("Stellen und Bereichsleitung"),
    Group.APPROVALS: text("Freigaben"),
    Group.ADDRESSES: text("Adressen"),
    Group.REMINDERS: text("Erinnerungen"),
    Group.DEADLINES: text("Fristen"),
    Group.FUNDERS: text("Fördermittelgeber"),
    Group.WORKFLOW: text("Ablauf"),
}

COUNTED: Mapping[Group, Callable[[int], Text]] = {
    Group.LEADS: lambda n: ntext("%(n)s Maßnahme", "%(n)s Maßnahmen", n),
    Group.HEADS: lambda n: ntext("%(n)s Stelle", "%(n)s Stellen", n),
    Group.APPROVALS: lambda n: ntext("%(n)s Freigabeweg", "%(n)s Freigabewege", n),
    Group.ADDRESSES: lambda n: ntext("%(n)s Adresse", "%(n)s Adressen", n),
    Group.REMINDERS: lambda n: ntext("%(n)s Erinnerungsstufe", "%(n)s Erinnerungsstufen", n),
    Group.DEADLINES: lambda n: ntext("%(n)s Frist", "%(n)s Fristen", n),
    Group.FUNDERS: lambda n: ntext("%(n)s Fördermittelgeber", "%(n)s Fördermittelgeber", n),
    Group.WORKFLOW: lambda n: ntext("%(n)s Schritt im Ablauf", "%(n)s Schritte im Ablauf", n),
}
"""What the number of a check counts."""


@dataclass(frozen=True)
class Finding:
    """Something missing. Without a `link` it is mended in the file of the city, for which there is no page."""

    group: Group
    level: Level
    sentence: Text
    link: Link | None = None
    is_sample: bool = False


@dataclass(frozen=True)
class Check:
    """One check: how many things it looked at, what it found in order, and what it found missing."""

    group: Group
    checked: int
    in_order: tuple[Text, ...]
    findings: tuple[Finding, ...]

    def count(self, level: Level) -> int:
        """How many findings of a level there are."""
        return sum(finding.level == level for finding in self.findings)


def checked(group: Group, number: int, findings: Iterable[Finding], *in_order: tuple[int, Text]) -> Check:
    """A check of so many things: errors first, and every sentence on what was found in order, with how many things
    that is. Of nothing at all nothing is said."""
    errors_first = sorted(findings, key=lambda finding: finding.level != "error")
    return Check(group, number, tuple(sentence for n, sentence in in_order if n), tuple(errors_first))


@dataclass(frozen=True)
class Report:
    """All checks of a programme."""

    checks: tuple[Check, ...]

    @property
    def errors(self) -> int:
        """How many errors there are."""
        return sum(check.count("error") for check in self.checks)

    @property
    def warnings(self) -> int:
        """How many warnings there are."""
        return sum(check.count("warning") for check in self.checks)

    @property
    def is_ready(self) -> bool:
        """Whether the programme can go live: no error, whatever there is to be known besides."""
        return not self.errors

    @property
    def summary(self) -> Text:
        """The outcome in one sentence."""
        errors = ntext("%(n)s Fehler", "%(n)s Fehler", self.errors)
        warnings = ntext("%(n)s Hinweis", "%(n)s Hinweise", self.warnings)
        if self.errors and self.warnings:
            return text("%(errors)s, %(warnings)s", errors=errors, warnings=warnings)
        if self.errors:
            return errors
        return text("Startklar, %(warnings)s", warnings=warnings) if self.warnings else text("Startklar")

    @property
    def counted(self) -> tuple[Text, ...]:
        """What was looked at, with its numbers."""
        return tuple(COUNTED[check.group](check.checked) for check in self.checks if check.checked)
