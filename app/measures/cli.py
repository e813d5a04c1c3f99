"""`flask measures …`: steps of one measure; `flask programmes migrate`: measures move to a newer version."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.datastructures import FileStorage

from app.accounts.queries import find_by_email, list_accounts
from app.core import clock, transaction
from app.core.commands import Commands
from app.core.errors import DomainError, Forbidden, NotFound, RuleBroken
from app.core.i18n import local, name, translate
from app.core.text import Text, ntext, text
from app.documents import service as documents
from app.documents.service import Receipt
from app.measures import migration, queries, service
from app.measures.forms import PREFIX, TransitionForm, form_for
from app.measures.migration import Fate, Outcome, Plan
from app.measures.models import Measure
from app.organisations.permissions import Actor, Permission, Role, require
from app.organisations.queries import actor_for
from app.programmes import queries as programmes
from app.programmes.cli import AS_JSON
from app.programmes.cli import commands as programme_commands
from app.programmes.four_eyes import REASON_FIELD
from app.programmes.guards import Condition
from app.programmes.models import Workflow
from app.programmes.workflow import FieldType, Offer, Status, Transition

SHELL = Actor(account_id=None, name="flask programmes migrate", roles=frozenset({Role.ADMINISTRATOR}))
"""Whoever works at the shell of the server and names nobody: sees every programme and is no person."""


LONGEST_ACTOR_NAME = 200
"""What the log has room for."""


def _mapped(_context: click.Context, _option: click.Parameter, typed: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Pairs of old and new status out of `old=new`."""
    pairs = [(old.strip(), new.strip()) for old, _sign, new in (one.partition("=") for one in typed)]
    for (old, new), one in zip(pairs, typed, strict=True):
        if not old or not new:
            raise click.BadParameter(
                translate(
                    text("„%(typed)s“ ist keine Zuordnung. Schreiben Sie alter-status=neuer-status.", typed=one)
                )
            )
    return tuple(pairs)


@programme_commands.command("migrate")
@click.argument("key")
@click.option("--to", "version", type=int, required=True, help="Number of the published version.")
@click.option("--map", "mapped", multiple=True, metavar="OLD=NEW", callback=_mapped, help="What follows a status.")
@click.option("--as", "email", help="Address of the coordinator who does it; the shell itself.")
@click.option("--note", default="", help="Why; it stands in the log at every measure.")
@click.option("--dry-run", is_flag=True, help="Say what would become of each measure, and change nothing.")
@AS_JSON
def migrate(
    key: str,
    version: int,
    mapped: tuple[tuple[str, str], ...],
    email: str | None,
    note: str,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Move the measures of the programme KEY to a newer version of its workflow: all of them, or none."""
    with _refusals_in_words(), transaction.dry_run() if dry_run else transaction.transaction():
        actor = _coordinator(email) if email else SHELL
        target = programmes.get_version(programmes.get_programme(actor, key), version)
        measures = {measure.id: measure for measure in queries.list_to_migrate(target.programme)}
        plan = queries.migration_plan(measures.values(), target, mapped)
        if as_json:
            told = _as_json(key, plan, measures, dry_run)
        else:
            told = "\n".join(map(translate, _in_words(plan, target, measures, dry_run)))
        if not plan.is_blocked:  # a dry run does it too, and takes it back
            seen = migration.fingerprint(plan)
            service.migrate_measures(actor, target, mapped, note=note, seen=seen, now=clock.now())
    click.echo(told)
    if plan.is_blocked:
        raise click.exceptions.Exit(1)


def _coordinator(email: str) -> Actor:
    """Whoever has this address, where they may do this: also a dry run is for coordinators."""
    actor = _person(email, SHELL.name)
    require(actor, Permission.EDIT_WORKFLOWS)
    return actor


def _in_words(plan: Plan, target: Workflow, measures: Mapping[UUID, Measure], dry_run: bool) -> Iterator[str | Text]:
    for fate in plan.fates:
        yield _fate(fate, measures[fate.measure_id])
    for obstacle in plan.obstacles:
        yield obstacle.message
    if open_statuses := tuple(dict.fromkeys(one.status for one in plan.obstacles if one.status)):
        known = tuple(target.rules.statuses)
        yield text("Zuordnen mit --map %(status)s=… Möglich sind: %(known)s.", status=open_statuses[0], known=known)
    yield _outcome(plan, dry_run)


def _fate(fate: Fate, measure: Measure) -> str:
    parts = [translate(text("%(key)s „%(title)s“", key=measure.key, title=measure.name))]
    if fate.outcome is Outcome.MOVES:
        parts += [f"{fate.from_version} → {fate.to_version}", f"{_status(fate.before)} → {_status(fate.after)}"]
    elif fate.outcome is Outcome.STAYS:
        follows = text("folgt schon Version %(version)s", version=fate.from_version)
        parts += [translate(follows), _status(fate.before)]
    else:
        stays = text("bleibt bei Version %(version)s", version=fate.from_version)
        parts += [translate(stays), _status(fate.before)]
    return ": ".join([parts[0], ", ".join(parts[1:])]) + "".join(f"\n  {translate(one)}" for one in fate.remarks)


def _status(status: Status | None) -> str:
    return local(status.label) if status else translate(text("Status unbekannt"))


def _outcome(plan: Plan, dry_run: bool) -> Text:
    if plan.is_blocked:
        return text("Es wurde nichts umgestellt.")
    if plan.is_settled:
        return text("Nichts umzustellen: Keine Maßnahme folgt einer früheren Version.")
    if dry_run:
        return text("Das war eine Probe: Es wurde nichts geschrieben.")
    return ntext(
        "%(n)s Maßnahme folgt jetzt Version %(version)s.",
        "%(n)s Maßnahmen folgen jetzt Version %(version)s.",
        len(plan.moving),
        version=plan.target,
    )


def _as_json(key: str, plan: Plan, measures: Mapping[UUID, Measure], dry_run: bool) -> str:
    told: dict[str, Any] = {
        "dry_run": dry_run,
        "programme": key,
        "version": plan.target,
        "is_blocked": plan.is_blocked,
        "obstacles": [{"status": one.status, "message": translate(one.message)} for one in plan.obstacles],
        "measures": [
            {
                "key": measures[fate.measure_id].key,
                "title": name(measures[fate.measure_id].name),
                "outcome": fate.outcome,
                "from_version": fate.from_version,
                "to_version": fate.to_version,
                "from_status": fate.before.key if fate.before else None,
                "to_status": fate.after.key if fate.after else None,
                "remarks": [translate(remark) for remark in fate.remarks],
            }
            for fate in plan.fates
        ],
    }
    return json.dumps(told, ensure_ascii=False, indent=2)


# -- steps of one measure

commands = Commands("measures", help="Measures: which steps somebody can take, and taking one.")

MEASURE = click.argument("measure", metavar="PROGRAMME/MEASURE")
PERSON = click.option("--as", "email", required=True, help="Address of the person who takes it.")


@commands.command("steps")
@MEASURE
@PERSON
@AS_JSON
def steps(measure: str, email: str, as_json: bool) -> None:
    """List every step from the present status of PROGRAMME/MEASURE: possible, or all that is missing."""
    with _refusals_in_words(), transaction.reading():
        actor = _person(email, "flask measures steps")
        found = _measure(actor, measure)
        offers = queries.offers_for(actor, found, clock.now())
        told = _steps_as_json(found, offers) if as_json else "\n".join(_steps(found, offers))
    click.echo(told)


@commands.command("step")
@MEASURE
@click.argument("transition")
@PERSON
@click.option("--note", default="", help="Reason or remark.")
@click.option("--field", "fields", multiple=True, metavar="KEY=VALUE", help="A value the step asks for.")
@click.option("--evidence", multiple=True, type=click.Path(path_type=Path), help="A file the step asks for.")
@click.option("--override-reason", default="", help="Why, in an emergency, four eyes must be passed by.")
@click.option("--dry-run", is_flag=True, help="Say whether it would be possible, and change nothing.")
@AS_JSON
def step(
    measure: str,
    transition: str,
    email: str,
    note: str,
    fields: tuple[str, ...],
    evidence: tuple[Path, ...],
    override_reason: str,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Take the step TRANSITION of PROGRAMME/MEASURE, as its page would: with every condition, four eyes included."""
    with _refusals_in_words(), transaction.dry_run() if dry_run else transaction.transaction():
        actor = _person(email, "flask measures step")
        found = _measure(actor, measure)
        way = _transition(found, transition)
        typed = {"note": note, REASON_FIELD: override_reason} | _typed(found, way, fields)
        form = _form(actor, found, way, typed)
        receipts = _receipts(evidence)
        before = found.current_status
        missing = _take(actor, found, way, form, receipts)
        done = not missing
        after = found.current_status
    if as_json:
        told = {"dry_run": dry_run, "measure": measure, "step": way.key, "is_possible": done, "unmet": missing}
        click.echo(json.dumps(told | {"from": _key(before), "to": way.target}, ensure_ascii=False, indent=2))
    elif done:
        click.echo(f"{_status(before)} → {_status(after)}")
        if dry_run:
            click.echo(translate(text("Das war eine Probe: Es wurde nichts geschrieben.")))
    else:
        click.echo("\n".join(row["sentence"] for row in missing))
    if not done:
        raise click.exceptions.Exit(1)


@contextmanager
def _refusals_in_words() -> Iterator[None]:
    """What stands against a command, as one sentence."""
    try:
        yield
    except DomainError as error:
        raise click.ClickException(translate(error.message)) from None
    except (StaleDataError, IntegrityError):
        overtaken = text("Jemand war schneller: Die Maßnahme wurde inzwischen geändert. Es wurde nichts geschrieben.")
        raise click.ClickException(translate(overtaken)) from None


def _person(email: str, command: str) -> Actor:
    """The person with this address. The log names the command beside them: nobody knows who sat at the shell.

    Raises:
        NotFound: when nobody active has it, naming those that look alike.
    """
    account = find_by_email(email.replace("\x00", ""))
    if account is None or not account.active:
        alike = _alike(email, (one.email for one in list_accounts() if one.active))
        unknown = text("Niemand mit der Adresse %(email)s kann sich anmelden.", email=email[:80])
        raise NotFound(_with_alike(unknown, alike))
    actor, way = actor_for(account, clock.today()), f" ({command})"
    return replace(actor, name=actor.name[: LONGEST_ACTOR_NAME - len(way)] + way)


def _measure(actor: Actor, written: str) -> Measure:
    """The measure with these keys, for people of the city.

    Raises:
        NotFound: where the person cannot see such a measure, naming those that look alike.
        Forbidden: for funders.
    """
    programme_key, _slash, key = written.replace("\x00", "").partition("/")
    measure = queries.find_by_keys(actor, programme_key, key)
    if measure is None:
        short = written[:80]
        unknown = text("Die Maßnahme „%(measure)s“ gibt es nicht, oder sie ist nicht sichtbar.", measure=short)
        raise NotFound(_with_alike(unknown, _alike(written, queries.list_keys(actor))))
    require(actor, Permission.VIEW_INTERNAL, measure.scope)
    return measure


def _transition(measure: Measure, key: str) -> Transition:
    """The step with this key, from the present status of the measure.

    Raises:
        NotFound: naming the steps there are from here.
    """
    ways = measure.workflow.rules.from_status(measure.status)
    for transition in ways:
        if transition.key == key:
            return transition
    status = _status(measure.current_status)
    here = text("Den Schritt „%(key)s“ gibt es hier nicht. Status: %(status)s.", key=key, status=status)
    raise NotFound(_with_alike(here, tuple(transition.key for transition in ways)))


def _alike(written: str, known: Iterable[str]) -> tuple[str, ...]:
    return tuple(get_close_matches(written[:200], list(known), n=3, cutoff=0.5))


def _with_alike(sentence: Text, alike: tuple[str, ...]) -> Text:
    if not alike:
        return sentence
    return text("%(sentence)s Es gibt: %(alike)s.", sentence=sentence, alike=alike)


def _typed(measure: Measure, transition: Transition, fields: Sequence[str]) -> dict[str, str]:
    """The values of `KEY=VALUE` pairs by the names of the form of the step.

    Raises:
        RuleBroken: for a pair that is none, and for a field that the workflow does not have.
    """
    known = measure.workflow.rules.fields
    typed: dict[str, str] = {}
    for pair in fields:
        key, sign, value = pair.partition("=")
        if not sign or key not in known:
            short = pair[:80]
            unknown = text("„%(pair)s“ ist keine Angabe dieses Ablaufs. Schreiben Sie schlüssel=wert.", pair=short)
            raise RuleBroken(_with_alike(unknown, tuple(known)))
        if key not in transition.asks:
            unasked = text("Der Schritt fragt nicht nach „%(label)s“; der Wert bleibt.", label=known[key].label)
            click.echo(translate(unasked), err=True)
        typed[PREFIX + key] = value.strip().casefold() if known[key].type is FieldType.YES_NO else value
    return typed


def _form(actor: Actor, measure: Measure, transition: Transition, typed: Mapping[str, str]) -> TransitionForm:
    """The form of the step as its page has it, filled with what was typed.

    Raises:
        RuleBroken: naming every value that cannot be read.
    """
    offer = queries.offer_of(actor, measure, transition, clock.now())
    form = form_for(measure, queries.person_in(actor, measure), offer, typed=typed)
    form.validate()
    mistyped = tuple(f"{label}: {message}" for label, message in form.mistyped())
    if mistyped:
        raise RuleBroken(text("%(mistyped)s", mistyped="\n".join(mistyped)))
    return form


def _receipts(paths: Sequence[Path]) -> list[Receipt]:
    receipts: list[Receipt] = []
    for path in paths:
        try:
            with path.open("rb") as file:
                receipts.extend(documents.take_in([FileStorage(file, path.name)]))
        except (OSError, ValueError):
            raise RuleBroken(text("Die Datei „%(path)s“ lässt sich nicht lesen.", path=str(path))) from None
    return list(dict.fromkeys(receipts))


def _take(
    actor: Actor, measure: Measure, transition: Transition, form: TransitionForm, receipts: Sequence[Receipt]
) -> list[dict[str, Any]]:
    """Takes the step; or what stands in its way, where something does."""
    given, now = form.given(), clock.now()
    try:
        service.change_status(
            actor, measure, transition.key, given=given, evidence=receipts, seen_version=measure.version, now=now
        )
    except (Forbidden, RuleBroken):
        unmet = service.unmet(actor, measure, transition, replace(given, evidence=len(receipts)), now=now)
        if not unmet:
            raise
        return [_condition(condition) for condition in unmet]
    return []


def _condition(condition: Condition) -> dict[str, Any]:
    return {
        "is_met": condition.is_met,
        "sentence": translate(condition.sentence),
        "place": condition.place,
        "field": condition.input_field,
    }


def _key(status: Status | None) -> str | None:
    return status.key if status else None


def _steps(measure: Measure, offers: Sequence[Offer]) -> Iterator[str]:
    yield f"{name(measure.name)}: {_status(measure.current_status)}"
    if measure.current_status is None:
        yield translate(text("Erst wenn die Koordination ihn erfasst hat, sind Schritte möglich."))
    elif not offers:
        yield translate(text("Von hier aus ist kein Schritt mehr vorgesehen."))
    for offer in offers:
        words = {"key": offer.transition.key, "label": offer.transition.label}
        yield translate(
            text("%(key)s „%(label)s“: möglich", **words)
            if offer.is_open
            else text("%(key)s „%(label)s“: noch nicht möglich", **words)
        )
        yield from (f"  - {translate(condition.sentence)}" for condition in offer.unmet)


def _steps_as_json(measure: Measure, offers: Sequence[Offer]) -> str:
    told = {
        "measure": f"{measure.programme.key}/{measure.key}",
        "title": name(measure.name),
        "status": measure.status,
        "steps": [
            {
                "key": offer.transition.key,
                "label": local(offer.transition.label),
                "to": offer.transition.target,
                "is_possible": offer.is_open,
                "conditions": [_condition(condition) for condition in offer.conditions],
            }
            for offer in offers
        ],
    }
    return json.dumps(told, ensure_ascii=False, indent=2)
