"""What an import did: rows counted by kind, and in words what it left alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from app.core.text import Text, ntext
from app.transfer import format as city_file
from app.transfer.entries import Entry
from app.transfer.references import entries


class Outcome(StrEnum):
    """What became of a row."""

    CREATED = "created"
    CHANGED = "changed"
    REMOVED = "removed"
    UNCHANGED = "unchanged"


class Kind(StrEnum):
    """The kinds of rows of a city, in the order in which they are told."""

    PROGRAMMES = "programmes"
    MEASURES = "measures"
    MILESTONES = "milestones"
    UPDATES = "updates"
    ACTIVITIES = "activities"
    EVENTS = "events"
    GRANTS = "grants"
    OBLIGATIONS = "obligations"
    ORGANISATIONS = "organisations"
    UNITS = "units"
    ACCOUNTS = "accounts"
    MEMBERSHIPS = "memberships"
    WORKFLOWS = "workflows"
    REMINDER_STEPS = "reminder_steps"
    FOCUS_AREAS = "focus_areas"
    FUNDERS = "funders"
    RECIPIENTS = "digest_recipients"


COUNTED: Mapping[Kind, Callable[[int], Text]] = {
    Kind.PROGRAMMES: lambda n: ntext("%(n)s Programm", "%(n)s Programme", n),
    Kind.MEASURES: lambda n: ntext("%(n)s Maßnahme", "%(n)s Maßnahmen", n),
    Kind.MILESTONES: lambda n: ntext("%(n)s Meilenstein", "%(n)s Meilensteine", n),
    Kind.UPDATES: lambda n: ntext("%(n)s Sachstand", "%(n)s Sachstände", n),
    Kind.ACTIVITIES: lambda n: ntext("%(n)s Teilprojekt", "%(n)s Teilprojekte", n),
    Kind.EVENTS: lambda n: ntext("%(n)s Ereignis", "%(n)s Ereignisse", n),
    Kind.GRANTS: lambda n: ntext("%(n)s Zuwendung", "%(n)s Zuwendungen", n),
    Kind.OBLIGATIONS: lambda n: ntext("%(n)s Pflicht", "%(n)s Pflichten", n),
    Kind.ORGANISATIONS: lambda n: ntext("%(n)s Organisation", "%(n)s Organisationen", n),
    Kind.UNITS: lambda n: ntext("%(n)s Organisationseinheit", "%(n)s Organisationseinheiten", n),
    Kind.ACCOUNTS: lambda n: ntext("%(n)s Konto", "%(n)s Konten", n),
    Kind.MEMBERSHIPS: lambda n: ntext("%(n)s Rolle eines Kontos", "%(n)s Rollen von Konten", n),
    Kind.WORKFLOWS: lambda n: ntext("%(n)s Ablauf", "%(n)s Abläufe", n),
    Kind.REMINDER_STEPS: lambda n: ntext("%(n)s Erinnerungsstufe", "%(n)s Erinnerungsstufen", n),
    Kind.FOCUS_AREAS: lambda n: ntext("%(n)s Schwerpunkt", "%(n)s Schwerpunkte", n),
    Kind.FUNDERS: lambda n: ntext("%(n)s Fördergeber eines Programms", "%(n)s Fördergeber von Programmen", n),
    Kind.RECIPIENTS: lambda n: ntext("%(n)s Empfänger von Berichten", "%(n)s Empfänger von Berichten", n),
}

KIND_OF: Mapping[type[Entry], Kind] = {
    city_file.Programme: Kind.PROGRAMMES,
    city_file.Measure: Kind.MEASURES,
    city_file.Milestone: Kind.MILESTONES,
    city_file.Update: Kind.UPDATES,
    city_file.Activity: Kind.ACTIVITIES,
    city_file.UnassignedActivity: Kind.ACTIVITIES,
    city_file.Event: Kind.EVENTS,
    city_file.Grant: Kind.GRANTS,
    city_file.Obligation: Kind.OBLIGATIONS,
    city_file.City: Kind.ORGANISATIONS,
    city_file.Organisation: Kind.ORGANISATIONS,
    city_file.Unit: Kind.UNITS,
    city_file.Account: Kind.ACCOUNTS,
    city_file.Membership: Kind.MEMBERSHIPS,
    city_file.Workflow: Kind.WORKFLOWS,
    city_file.ReminderStep: Kind.REMINDER_STEPS,
    city_file.FocusArea: Kind.FOCUS_AREAS,
    city_file.Funder: Kind.FUNDERS,
    city_file.DigestRecipient: Kind.RECIPIENTS,
}


@dataclass
class Summary:
    """Counts of rows, and one sentence for each difference between file and database that was left as it is."""

    rows: dict[Outcome, Counter[Kind]] = field(default_factory=lambda: {outcome: Counter() for outcome in Outcome})
    kept: list[Text] = field(default_factory=list)

    @property
    def changes_nothing(self) -> bool:
        """Whether everything was stored as the file has it, or left alone."""
        return not any(self.rows[outcome] for outcome in Outcome if outcome is not Outcome.UNCHANGED)


def contents(city: city_file.CityFile) -> Counter[Kind]:
    """How much of each kind a file holds."""
    return Counter(KIND_OF[type(entry)] for entry in entries(city) if type(entry) in KIND_OF)


def counted(rows: Counter[Kind]) -> list[Text]:
    """The counts in words, without what there is none of."""
    return [COUNTED[kind](rows[kind]) for kind in Kind if rows[kind]]
