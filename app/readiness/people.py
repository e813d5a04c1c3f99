"""Who a programme needs: leads, heads, and addresses that mail can reach. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from app.core.text import ntext, text
from app.organisations.permissions import ROLE_NAMES, Permission, Role
from app.readiness.facts import PEOPLE, Facts, FunderFacts, MeasureFacts, Person, Recipient, UnitFacts
from app.readiness.report import Check, Finding, Group, checked

RESERVED = frozenset({"example", "invalid", "test", "localhost", "example.com", "example.net", "example.org"})
"""Names that RFC 2606 and RFC 6761 keep for examples and tests: nothing under them is ever delivered."""


def leads(facts: Facts) -> Check:
    """Every measure under way has a lead who can sign in, and its status is known."""
    led = sum(measure.lead is not None and measure.lead.is_active for measure in facts.asked)
    ended = len(facts.measures) - len(facts.open)
    return checked(
        Group.LEADS,
        len(facts.measures),
        _leads(facts),
        (led, ntext("%(n)s Maßnahme hat eine Projektleitung", "%(n)s Maßnahmen haben eine Projektleitung", led)),
        (
            ended,
            ntext(
                "%(n)s Maßnahme ist abgeschlossen und wird nicht geprüft",
                "%(n)s Maßnahmen sind abgeschlossen und werden nicht geprüft",
                ended,
            ),
        ),
    )


def _leads(facts: Facts) -> Iterator[Finding]:
    if not facts.measures:
        none = text("Das Programm hat noch keine Maßnahmen")
        yield Finding(Group.LEADS, "warning", none, is_sample=facts.is_sample)
    for measure in facts.open:
        if measure.category is None:
            unknown = text(
                "„%(measure)s“: Status nicht erfasst; Projektleitung und Stelle bleiben ungeprüft",
                measure=measure.name,
            )
            link = measure.page("measures.record_status", Permission.ASSIGN_PEOPLE)
            yield Finding(Group.LEADS, "warning", unknown, link, measure.is_sample)
        elif measure.lead is None:
            none = text("„%(measure)s“ hat keine Projektleitung", measure=measure.name)
            link = measure.page("measures.assign", Permission.ASSIGN_PEOPLE)
            yield Finding(Group.LEADS, "error", none, link, measure.is_sample)
        elif not measure.lead.is_active:
            closed = text(
                "„%(measure)s“: Das Konto der Projektleitung (%(person)s) ist gesperrt",
                measure=measure.name,
                person=measure.lead.name,
            )
            link = measure.page("measures.assign", Permission.ASSIGN_PEOPLE)
            yield Finding(Group.LEADS, "error", closed, link, measure.is_sample)


def heads(facts: Facts) -> Check:
    """Every measure under way has a unit, and every such unit a head and somebody who can stand in."""
    units = _units(facts.asked)
    homeless = [measure for measure in facts.asked if measure.unit is None]
    placed = len(facts.asked) - len(homeless)
    secured = sum(bool(unit.heads) and not _alone(unit) for unit in units)
    return checked(
        Group.HEADS,
        len(units) + len(homeless),
        [
            *(_homeless(measure) for measure in homeless),
            *(finding for unit, measures in units.items() for finding in _unit(unit, measures)),
        ],
        (placed, ntext("%(n)s Maßnahme hat eine Stelle", "%(n)s Maßnahmen haben eine Stelle", placed)),
        (
            secured,
            ntext(
                "%(n)s Stelle hat eine Bereichsleitung und jemanden, der sie vertreten kann",
                "%(n)s Stellen haben eine Bereichsleitung und jemanden, der sie vertreten kann",
                secured,
            ),
        ),
    )


def _units(measures: Iterable[MeasureFacts]) -> dict[UnitFacts, int]:
    """The units of these measures, with the number of measures of each."""
    units: dict[UnitFacts, int] = {}
    for measure in measures:
        if measure.unit is not None:
            units[measure.unit] = units.get(measure.unit, 0) + 1
    return units


def _homeless(measure: MeasureFacts) -> Finding:
    return Finding(
        Group.HEADS,
        "error",
        text("„%(measure)s“ hat keine verantwortliche Stelle", measure=measure.name),
        measure.page("measures.assign", Permission.ASSIGN_PEOPLE),
        measure.is_sample,
    )


def _alone(unit: UnitFacts) -> bool:
    """Whether nobody stands in when the head is away: no second head, and no standing deputy."""
    return len(unit.heads) == 1 and not unit.heads[0].has_deputy


def _unit(unit: UnitFacts, measures: int) -> Iterator[Finding]:
    if not unit.heads:
        nobody = ntext(
            "%(unit)s mit %(n)s Maßnahme: keine Bereichsleitung, auch nicht in einer Stelle darüber",
            "%(unit)s mit %(n)s Maßnahmen: keine Bereichsleitung, auch nicht in einer Stelle darüber",
            measures,
            unit=unit.name,
        )
        yield Finding(Group.HEADS, "error", nobody, PEOPLE, unit.is_sample)
    elif _alone(unit):
        (head,) = unit.heads
        alone = text(
            "%(unit)s: nur „%(person)s“ leitet, ohne ständige Vertretung",
            unit=unit.name,
            person=head.name,
        )
        yield Finding(Group.HEADS, "warning", alone, head.deputy_page, unit.is_sample or head.is_sample)


# -- addresses


def domain_of(email: str) -> str:
    """The domain of an address, in lower case."""
    return email.rpartition("@")[2].strip().rstrip(".").lower()


def is_deliverable(email: str) -> bool:
    """Whether mail to an address can arrive at all: its domain is not reserved for examples and tests."""
    labels = domain_of(email).split(".")
    return bool(labels[-1]) and not RESERVED & {labels[-1], ".".join(labels[-2:])}


def addresses(facts: Facts) -> Check:
    """Everybody the programme writes to can be reached."""
    needed = _needed(facts)
    recipients = [(funder, recipient) for funder in facts.funders for recipient in funder.recipients]
    emails = [*(person.email for person in needed), *(recipient.email for _, recipient in recipients)]
    reached = sum(is_deliverable(email) for email in emails)
    return checked(
        Group.ADDRESSES,
        len(emails),
        [
            *(_unreached(person, roles) for person, roles in needed.items() if not is_deliverable(person.email)),
            *(_untold(*recipient) for recipient in recipients if not is_deliverable(recipient[1].email)),
        ],
        (
            reached,
            ntext("%(n)s Adresse ist keine Beispieladresse", "%(n)s Adressen sind keine Beispieladressen", reached),
        ),
    )


def _needed(facts: Facts) -> dict[Person, frozenset[Role]]:
    """Everybody the programme needs, each once, with their roles in it."""
    needed: dict[Person, frozenset[Role]] = {}
    for measure in facts.open:
        for person, roles in facts.roles_for(measure).items():
            needed[person] = needed.get(person, frozenset()) | roles
    for coordinator in facts.coordinators:
        needed[coordinator] = needed.get(coordinator, frozenset()) | {Role.COORDINATOR}
    return needed


def _unreached(person: Person, roles: frozenset[Role]) -> Finding:
    return Finding(
        Group.ADDRESSES,
        "error",
        text(
            "„%(person)s“ (%(roles)s): keine erreichbare Adresse, an „%(domain)s“ wird nie zugestellt",
            person=person.name,
            roles=tuple(ROLE_NAMES[role] for role in Role if role in roles),
            domain=domain_of(person.email),
        ),
        PEOPLE,
        person.is_sample,
    )


def _untold(funder: FunderFacts, recipient: Recipient) -> Finding:
    return Finding(
        Group.ADDRESSES,
        "error",
        text(
            "Digest an „%(funder)s“: keine erreichbare Adresse, an „%(domain)s“ wird nie zugestellt",
            funder=funder.name,
            domain=domain_of(recipient.email),
        ),
        is_sample=recipient.is_sample,
    )
