"""A small city for tests, and functions that add one thing to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import count
from typing import Any

from app.accounts.models import Account
from app.core import clock
from app.core.database import db, sort_key
from app.core.localized import Localized
from app.measures.models import Measure
from app.milestones.models import Milestone
from app.organisations.models import Absence, Membership, Organisation, OrganisationKind, Unit
from app.organisations.permissions import Actor, Role
from app.organisations.queries import actor_for
from app.programmes.models import Programme, ProgrammeFunder, ReminderStep, Workflow

NOON = datetime(2023, 3, 15, 11, tzinfo=UTC)
"""Noon in the city on the sandbox day."""

_numbers = count(1)

WORKFLOW: dict[str, Any] = {
    "initial": "approved",
    "fields": [
        {"key": "result", "label": {"de": "Ergebnis", "en": "Result"}, "type": "longtext"},
        {"key": "look_again_on", "label": {"de": "Wiedervorlage", "en": "Look again on"}, "type": "date"},
    ],
    "statuses": [
        {"key": "approved", "label": {"de": "Bewilligt", "en": "Approved"}, "category": "approved"},
        {"key": "running", "label": {"de": "In Umsetzung", "en": "Running"}, "category": "running"},
        {"key": "paused", "label": {"de": "Pausiert", "en": "On hold"}, "category": "paused"},
        {"key": "done", "label": {"de": "Umgesetzt", "en": "Done"}, "category": "done", "final": True},
        {
            "key": "stopped",
            "label": {"de": "Abgebrochen", "en": "Stopped"},
            "category": "stopped",
            "final": True,
        },
    ],
    "transitions": [
        {
            "key": "start",
            "from": "approved",
            "to": "running",
            "label": {"de": "Umsetzung starten", "en": "Start"},
            "roles": ["project_lead"],
            "guards": [{"guard": "milestones_planned"}, {"guard": "unit_assigned"}],
        },
        {
            "key": "pause",
            "from": "running",
            "to": "paused",
            "label": {"de": "Pausieren", "en": "Pause"},
            "roles": ["department_head"],
            "guards": [{"guard": "note_given"}],
            "fields": ["look_again_on"],
        },
        {
            "key": "resume",
            "from": "paused",
            "to": "running",
            "label": {"de": "Fortsetzen", "en": "Resume"},
            "roles": ["department_head"],
            "guards": [{"guard": "note_given"}],
        },
        {
            "key": "finish",
            "from": "running",
            "to": "done",
            "label": {"de": "Umsetzung abschließen", "en": "Finish"},
            "roles": ["project_lead"],
            "guards": [{"guard": "milestones_approved"}, {"guard": "note_given"}],
            "fields": ["result"],
        },
        {
            "key": "stop",
            "from": "running",
            "to": "stopped",
            "label": {"de": "Abbruch beschließen", "en": "Stop"},
            "roles": ["department_head"],
            "guards": [{"guard": "note_given"}],
        },
    ],
}

STEPS = [
    ("before-30", -30, None, ["project_lead"]),
    ("before-14", -14, None, ["project_lead"]),
    ("before-7", -7, None, ["project_lead"]),
    ("before-1", -1, None, ["project_lead"]),
    ("on-the-day", 0, None, ["project_lead"]),
    ("after", 7, 7, ["project_lead", "department_head"]),
]


@dataclass
class City:
    """What `build_city` made."""

    organisation: Organisation
    unit: Unit
    other_unit: Unit
    funder_organisation: Organisation
    programme: Programme
    measure: Measure
    administrator: Account
    coordinator: Account
    lead: Account
    other_lead: Account
    head: Account
    other_head: Account
    funder: Account
    auditor: Account


def build_city() -> City:
    organisation = add(
        Organisation(key="stadt", kind=OrganisationKind.CITY, name=Localized("Musterstadt"), state="NW")
    )
    funder_organisation = add_funder_organisation()
    unit = add_unit("Stabsstelle Digitalisierung")
    other_unit = add_unit("Stadtentwicklung")
    programme = add_programme(funder_organisation)
    lead = add_account("Projektleitung", Role.PROJECT_LEAD)
    city = City(
        organisation=organisation,
        unit=unit,
        other_unit=other_unit,
        funder_organisation=funder_organisation,
        programme=programme,
        measure=add_measure(programme, unit=unit, lead=lead),
        administrator=add_account("Administration", Role.ADMINISTRATOR),
        coordinator=add_account("Koordination", Role.COORDINATOR),
        lead=lead,
        other_lead=add_account("Andere Projektleitung", Role.PROJECT_LEAD),
        head=add_account("Leitung Digitalisierung", Role.DEPARTMENT_HEAD, unit=unit),
        other_head=add_account("Leitung Stadtentwicklung", Role.DEPARTMENT_HEAD, unit=other_unit),
        funder=add_account("Ministerium", Role.FUNDER, organisation=funder_organisation),
        auditor=add_account("Rechnungsprüfung", Role.AUDITOR),
    )
    db.session.commit()
    return city


def add(row: Any) -> Any:
    db.session.add(row)
    db.session.flush()
    return row


def actor(account: Account) -> Actor:
    """The account as the services know it."""
    return actor_for(account, clock.today())


def add_funder_organisation(name: str = "Ministerium") -> Organisation:
    row = Organisation(key=f"funder-{next(_numbers)}", kind=OrganisationKind.FUNDER, name=Localized(name))
    return add(row)  # type: ignore[no-any-return]


def add_unit(name: str, parent: Unit | None = None) -> Unit:
    return add(Unit(key=f"unit-{next(_numbers)}", name=Localized(name), parent=parent))  # type: ignore[no-any-return]


def add_account(
    name: str,
    role: Role | None = None,
    *,
    unit: Unit | None = None,
    organisation: Organisation | None = None,
    language: str = "de",
) -> Account:
    number = next(_numbers)
    account: Account = add(
        Account(email=f"konto{number}@musterstadt.example", name=Localized(name), language=language)
    )
    if role:
        add(Membership(account_id=account.id, role=role, unit=unit, organisation=organisation))
    return account


def add_programme(*funders: Organisation, **values: Any) -> Programme:
    number = next(_numbers)
    programme = Programme(
        **(
            {
                "key": f"programme-{number}",
                "name": Localized(f"Programm {number}", f"Programme {number}"),
                "level": "state",
                "update_rhythm": "quarterly",
            }
            | values
        )
    )
    for position, organisation in enumerate(funders):
        programme.funders.append(
            ProgrammeFunder(organisation=organisation, position=position, digest_rhythm="quarterly")
        )
    for key, offset, repeat, recipients in STEPS:
        programme.steps.append(ReminderStep(key=key, offset_days=offset, repeat_days=repeat, recipients=recipients))
    programme.workflows.append(Workflow(version=1, definition=WORKFLOW, published_at=NOON))
    return add(programme)  # type: ignore[no-any-return]


def add_measure(programme: Programme, **values: Any) -> Measure:
    number = next(_numbers)
    title = values.pop("title", Localized(f"Maßnahme {number}", f"Measure {number}"))
    measure = Measure(
        **(
            {
                "programme": programme,
                "workflow": programme.workflows[-1],
                "key": f"measure-{number}",
                "number": number,
                "title": title,
                "sort_key": sort_key(title.de if title else ""),
                "status": "running",
                "entered_on": date(2022, 10, 1),
            }
            | values
        )
    )
    return add(measure)  # type: ignore[no-any-return]


def add_milestone(measure: Measure, planned_on: date, **values: Any) -> Milestone:
    number = next(_numbers)
    milestone = Milestone(
        **(
            {
                "measure": measure,
                "key": f"milestone-{number}",
                "title": Localized(f"Meilenstein {number}", f"Milestone {number}"),
                "planned_on": planned_on,
            }
            | values
        )
    )
    return add(milestone)  # type: ignore[no-any-return]


def add_absence(
    account: Account, deputy: Account, from_on: date, until_on: date, *, deputy_only: bool = False
) -> Absence:
    return add(  # type: ignore[no-any-return]
        Absence(
            account=account,
            deputy=deputy,
            from_on=from_on,
            until_on=until_on,
            deputy_only=deputy_only,
            entered_at=NOON,
        )
    )
