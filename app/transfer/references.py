"""What the entries of a city file say about each other: keys that lead nowhere, days in the wrong order.

The inside of a workflow has its own validator in `programmes/soundness.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from app.calendars.partial_dates import PartialDate
from app.core.text import Text, ntext, text
from app.transfer.entries import WHOLE_ENTRY, Entry, Sourced
from app.transfer.findings import Finding, with_suggestion, written
from app.transfer.format import (
    Account,
    Activity,
    CityFile,
    Funder,
    Grant,
    Measure,
    Programme,
    ReminderStep,
    Unit,
    Update,
)
from app.transfer.identity import event_key
from app.transfer.rings import in_rings

LONGEST_RECIPIENT = 200
WAITS_FOR_ITSELF = text("Diese Maßnahme wartet über ihre Vorgänger auf sich selbst.")


@dataclass(frozen=True)
class Keys:
    """What references may lead to, gathered once."""

    units: frozenset[str]
    organisations: frozenset[str]
    funders: frozenset[str]
    accounts: frozenset[str]
    readers: frozenset[str]
    grants: frozenset[str]
    programmes: Mapping[str, Programme]
    programme_of: Mapping[str, str]

    @classmethod
    def of(cls, city: CityFile) -> Keys:
        """The keys of a city; the city is an organisation, too."""
        bodies = city.organisations
        return cls(
            units=frozenset(unit.key for unit in city.units),
            organisations=frozenset({city.city.key, *(body.key for body in bodies)}),
            funders=frozenset(body.key for body in bodies if body.kind == "funder"),
            accounts=frozenset(account.email for account in city.accounts),
            readers=frozenset(account.email for account in city.accounts if _only_reads(account)),
            grants=frozenset(grant.key for grant in city.grants),
            programmes={programme.key: programme for programme in city.programmes},
            programme_of={measure.key: measure.programme for measure in city.measures},
        )


def references(city: CityFile) -> Iterator[Finding]:
    """Every finding about how the entries of a city belong together."""
    keys = Keys.of(city)
    yield from _city(city)
    yield from _units(city.units, keys)
    for account in city.accounts:
        yield from _account(account, keys)
    for programme in city.programmes:
        yield from _programme(programme, keys)
    for measure in city.measures:
        yield from _measure(measure, keys)
    yield from _numbers(city.measures)
    yield from _predecessors(city.measures, keys)
    for grant in city.grants:
        yield from _grant(grant, keys)
    yield from _activities(city, keys)
    yield from _sources(city)


def _known(
    entry: Entry, path: tuple[str | int, ...], value: str | None, known: Collection[str], problem: Text
) -> Iterator[Finding]:
    """A finding where the value is none of the known ones; nothing where there is no value."""
    if value is not None and value not in known:
        yield Finding.at(entry.place(*path), with_suggestion(problem, value, known))


def _known_unit(entry: Entry, field: str, key: str | None, keys: Keys) -> Iterator[Finding]:
    problem = text("Die Organisationseinheit „%(value)s“ ist unbekannt.", value=key)
    yield from _known(entry, (field,), key, keys.units, problem)


def _known_programme(entry: Entry, key: str, keys: Keys) -> Iterator[Finding]:
    problem = text("Das Programm „%(value)s“ ist unbekannt.", value=key)
    yield from _known(entry, ("programme",), key, keys.programmes, problem)


def _known_account(entry: Entry, email: str | None, keys: Keys, *path: str | int) -> Iterator[Finding]:
    problem = text("Das Konto „%(value)s“ ist unbekannt.", value=email)
    yield from _known(entry, path, email, keys.accounts, problem)


def _known_colleague(entry: Entry, email: str | None, keys: Keys, *path: str | int) -> Iterator[Finding]:
    """A known account of somebody who works for the city: a funder reads, and neither acts nor is reminded."""
    yield from _known_account(entry, email, keys, *path)
    if email in keys.readers:
        yield Finding.at(
            entry.place(*path), text("„%(value)s“ ist nur Fördergeber und hat hier nichts zu tun.", value=email)
        )


def _only_reads(account: Account) -> bool:
    roles = {membership.role for membership in account.memberships}
    return roles == {"funder"}


def _known_organisation(entry: Entry, key: str | None, keys: Keys) -> Iterator[Finding]:
    problem = text("Die Organisation „%(value)s“ ist unbekannt.", value=key)
    yield from _known(entry, ("organisation",), key, keys.organisations, problem)


def _in_order(
    entry: Entry, field: str, first: date | PartialDate | None, last: date | PartialDate | None
) -> Iterator[Finding]:
    """A finding where the end surely lies before the beginning."""
    if first is not None and last is not None and _earliest(first) > _latest(last):
        yield Finding.at(entry.place(field), text("Das Ende liegt vor dem Beginn."))


def _earliest(day: date | PartialDate) -> date:
    return day.first_day() if isinstance(day, PartialDate) else day


def _latest(day: date | PartialDate) -> date:
    return day.last_day() if isinstance(day, PartialDate) else day


def _city(city: CityFile) -> Iterator[Finding]:
    for organisation in city.organisations:
        if organisation.key == city.city.key:
            yield Finding.at(organisation.place("key"), text("Diesen Schlüssel trägt schon die Stadt selbst."))


def _units(units: Sequence[Unit], keys: Keys) -> Iterator[Finding]:
    ring = _above_themselves({unit.key: unit.parent for unit in units})
    for unit in units:
        yield from _known_unit(unit, "parent", unit.parent, keys)
        for name in unit.names:
            yield from _in_order(name, "until", name.since, name.until)
        if unit.key in ring:
            yield Finding.at(unit.place("parent"), text("Diese Organisationseinheit steht über sich selbst."))


def _above_themselves(above: Mapping[str, str | None]) -> set[str]:
    """The units from which the way up leads back to themselves. Every unit is walked over once."""
    ring: set[str] = set()
    walked: set[str] = set()
    for start in above:
        way: dict[str, None] = {}
        key: str | None = start
        while key is not None and key not in walked and key not in way:
            way[key] = None
            key = above.get(key)
        if key in way:
            passed = list(way)
            ring.update(passed[passed.index(key) :])
        walked.update(way)
    return ring


def _account(account: Account, keys: Keys) -> Iterator[Finding]:
    if account.trial and not (account.is_sample or "trial" in account.sample_fields):
        yield Finding.at(
            account.place("trial"),
            text("Ein Knopf zum Anmelden ist nur in einer Datei mit „sample: true“ erlaubt."),
        )
    yield from _known_colleague(account, account.deputy, keys, "deputy")
    if account.deputy == account.email:
        yield Finding.at(account.place("deputy"), text("Niemand vertritt sich selbst."))
    for membership in account.memberships:
        yield from _known_unit(membership, "unit", membership.unit, keys)
        yield from _known_organisation(membership, membership.organisation, keys)
        if membership.role in ("project_lead", "department_head") and membership.unit is None:
            missing = text("Zu dieser Rolle fehlt die Organisationseinheit (unit).")
            yield Finding.at(membership.place(), missing)
        if membership.role == "funder" and membership.organisation is None:
            missing = text("Zu dieser Rolle fehlt die Organisation (organisation).")
            yield Finding.at(membership.place(), missing)


def _programme(programme: Programme, keys: Keys) -> Iterator[Finding]:
    yield from _in_order(programme, "ends", programme.starts, programme.ends)
    for funder in programme.funders:
        yield from _known_organisation(funder, funder.organisation, keys)
        if funder.organisation in keys.organisations - keys.funders:
            yield Finding.at(
                funder.place("organisation"),
                text("„%(value)s“ ist kein Fördergeber (kind: funder).", value=funder.organisation),
            )
        yield from _recipients(funder)
    for step in programme.reminder_steps or []:
        yield from _step(step, keys)


def _step(step: ReminderStep, keys: Keys) -> Iterator[Finding]:
    """A step without recipients and people calls those whom somebody chose in Wegmarke: an export names nobody."""
    if step.repeat_days is not None and step.offset_days < 1:
        yield Finding.at(
            step.place("repeat_days"),
            text("Wiederholen lässt sich nur eine Stufe nach dem Termin."),
        )
    for index, email in enumerate(step.people):
        yield from _known_colleague(step, email, keys, "people", index)
    if not step.recipients and not step.people:
        if "recipients" in step.model_fields_set and "people" not in step.model_fields_set:
            nobody = text("Ohne „people“ erinnert diese Stufe nur, wen jemand in Wegmarke dazu gewählt hat.")
            yield Finding.at(step.place("recipients"), nobody, "warning")
        else:
            nobody = text("Diese Stufe erinnert niemanden. Nennen Sie „recipients“, „people“ oder beides.")
            yield Finding.at(step.place(), nobody)


def _recipients(funder: Funder) -> Iterator[Finding]:
    for recipient in funder.digest.recipients if funder.digest else ():
        names = (recipient.name.de, recipient.name.en or "") if recipient.name else ()
        if any(len(name) > LONGEST_RECIPIENT for name in names):
            n = LONGEST_RECIPIENT
            too_long = ntext("Höchstens %(n)s Zeichen sind möglich.", "Höchstens %(n)s Zeichen sind möglich.", n)
            yield Finding.at(recipient.place("name"), too_long)


def _measure(measure: Measure, keys: Keys) -> Iterator[Finding]:
    yield from _known_programme(measure, measure.programme, keys)
    yield from _known_unit(measure, "unit", measure.unit, keys)
    yield from _known_account(measure, measure.lead, keys, "lead")
    yield from _in_order(measure, "ends", measure.starts, measure.ends)
    yield from _repeated(measure, "events", [event_key(event) for event in measure.events])
    yield from _repeated(measure, "documents", [(link.title.de, link.address) for link in measure.documents])
    programme = keys.programmes.get(measure.programme)
    for update in measure.updates:
        yield from _known_account(update, update.author, keys, "author")
        yield from _update(update, programme)
    if programme is not None:
        yield from _known_in_programme(measure, programme)


def _known_in_programme(measure: Measure, programme: Programme) -> Iterator[Finding]:
    statuses = [status.key for status in programme.workflow.statuses]
    status = text("Der Status „%(value)s“ ist unbekannt.", value=measure.status)
    yield from _known(measure, ("status",), measure.status, statuses, status)
    areas = [area.key for area in programme.focus_areas]
    area = text("Der Schwerpunkt „%(value)s“ ist unbekannt.", value=measure.focus_area)
    yield from _known(measure, ("focus_area",), measure.focus_area, areas, area)


def _activities(city: CityFile, keys: Keys) -> Iterator[Finding]:
    """Activities have a key of their own in their programme, whether or not their measure is known."""
    of_programme = [(measure.programme, item) for measure in city.measures for item in measure.activities]
    for unassigned in city.unassigned_activities:
        yield from _known_programme(unassigned, unassigned.programme, keys)
        of_programme.append((unassigned.programme, unassigned))
    first: dict[tuple[str, str], Activity] = {}
    for programme, activity in of_programme:
        yield from _in_order(activity, "ends", activity.starts, activity.ends)
        problem = text("Die Zuwendung „%(value)s“ ist unbekannt.", value=activity.grant)
        yield from _known(activity, ("grant",), activity.grant, keys.grants, problem)
        if activity.grant is not None and activity.other_fund is not None:
            yield Finding.at(activity.place("other_fund"), text("Nur einer zahlt: grant oder other_fund."))
        other = first.setdefault((programme, activity.key), activity)
        if other is not activity:
            taken = text(
                "Diesen Schlüssel trägt im selben Programm schon %(path)s.", path=written(other.place().path)
            )
            yield Finding.at(activity.place("key"), taken)


def _repeated(entry: Entry, field: str, contents: Sequence[Hashable]) -> Iterator[Finding]:
    """A finding for each item of a list without keys that says what an earlier one says."""
    first: dict[Hashable, int] = {}
    for index, content in enumerate(contents):
        if content in first:
            yield Finding.at(
                getattr(entry, field)[index].place(),
                text("Dieser Eintrag gleicht dem %(number)s. der Liste.", number=first[content] + 1),
            )
        first.setdefault(content, index)


def _update(update: Update, programme: Programme | None) -> Iterator[Finding]:
    if programme is not None and update.period.rhythm != programme.update_rhythm:
        yield Finding.at(
            update.place("period"),
            text(
                "Der Zeitraum passt nicht zum Rhythmus des Programms (%(rhythm)s).",
                rhythm=programme.update_rhythm.value,
            ),
        )
    if update.health != "green" and update.health_reason is None:
        yield Finding.at(update.place("health_reason"), text("Zu Gelb und Rot gehört eine Begründung."))
    if update.health == "red" and update.decision_wanted is None:
        yield Finding.at(update.place("decision_wanted"), text("Zu Rot gehört die gewünschte Entscheidung."))


def _numbers(measures: Sequence[Measure]) -> Iterator[Finding]:
    first: dict[tuple[str, int], str] = {}
    for measure in measures:
        if measure.number is None:
            continue
        other = first.setdefault((measure.programme, measure.number), measure.key)
        if other != measure.key:
            yield Finding.at(
                measure.place("number"),
                text(
                    "Die Nummer %(number)s trägt in diesem Programm schon „%(other)s“.",
                    number=measure.number,
                    other=other,
                ),
            )


def _predecessors(measures: Sequence[Measure], keys: Keys) -> Iterator[Finding]:
    """Measures that wait for none of the file, for themselves, or in a ring for each other."""
    ring = in_rings({measure.key: measure.predecessors for measure in measures})
    for measure in measures:
        for index, key in enumerate(measure.predecessors):
            if key == measure.key:
                itself = text("Eine Maßnahme ist nicht ihr eigener Vorgänger.")
                yield Finding.at(measure.place("predecessors", index), itself)
            problem = text("Die Maßnahme „%(value)s“ ist unbekannt.", value=key)
            yield from _known(measure, ("predecessors", index), key, keys.programme_of, problem)
        if measure.key in ring:
            yield Finding.at(measure.place("predecessors"), WAITS_FOR_ITSELF)


def _grant(grant: Grant, keys: Keys) -> Iterator[Finding]:
    yield from _known_programme(grant, grant.programme, keys)
    yield from _in_order(grant, "period_ends", grant.period_starts, grant.period_ends)
    if grant.amount is not None and grant.total_cost is not None and grant.amount > grant.total_cost:
        yield Finding.at(grant.place("amount"), text("Die Zuwendung ist höher als die Gesamtkosten."))
    for index, key in enumerate(grant.measures):
        problem = text("Die Maßnahme „%(value)s“ ist unbekannt.", value=key)
        yield from _known(grant, ("measures", index), key, keys.programme_of, problem)
        if grant.programme in keys.programmes and keys.programme_of.get(key, grant.programme) != grant.programme:
            yield Finding.at(
                grant.place("measures", index),
                text("Die Maßnahme „%(value)s“ gehört zu einem anderen Programm.", value=key),
            )


def _sources(city: CityFile) -> Iterator[Finding]:
    for entry in entries(city):
        if isinstance(entry, Sourced):
            known = entry.field_names() | {WHOLE_ENTRY}
            for name in entry.sources:
                problem = text("Die Angabe „%(value)s“, zu der die Quelle gehört, gibt es hier nicht.", value=name)
                yield from _known(entry, ("sources", name), name, known, problem)


def entries(value: object) -> Iterator[Entry]:
    """An entry with all entries inside it, from the top down."""
    if isinstance(value, Entry):
        yield value
        for name in type(value).model_fields:
            yield from entries(getattr(value, name))
    elif isinstance(value, list):
        for item in value:
            yield from entries(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from entries(item)
