"""Pages of reminders: the ladders and what became of each reminder, what comes next, and one's own wishes."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from app.accounts.models import Account
from app.accounts.queries import accounts_by_id
from app.core import clock
from app.core.errors import DomainError, NotFound
from app.core.i18n import local, translate
from app.core.localized import Localized
from app.core.text import Text, text
from app.deadlines.queries import Named, names_of
from app.organisations.permissions import Actor, Permission, allows, require
from app.organisations.queries import list_staff
from app.organisations.viewer import current_actor
from app.programmes.ladder import AUDIENCE_NAMES, Audience
from app.programmes.models import Programme
from app.reminders import outlook, policy, queries
from app.reminders.answers import ANSWER_NAMES
from app.reminders.answers import Answer as Answered
from app.reminders.forms import DAYS_SHOWN, PreferencesForm, PreviewForm
from app.reminders.ledger import Sieve, list_entries, list_recipients
from app.reminders.models import ReminderEntry
from app.reminders.outlook import Letter
from app.reminders.preferences import WEEKDAY_NAMES, change_preferences
from app.reminders.wishes import NO_WISHES, WORKING_WEEK, Wishes

blueprint = Blueprint("reminders", __name__)
PER_PAGE = 25
OWN_DAYS = 30
FARTHEST_DAYS = 731
"""How far ahead the page looks: years of weekly reminders nobody will read take long to plan."""
SUBJECT = re.compile(r"[a-z]{1,20}:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(/[0-9A-Z-]{1,10})?", re.ASCII)

Answer = Response | str | tuple[str, int]


@dataclass(frozen=True)
class Rung:
    """A step in words: when it comes, whom it calls by part and by name, and what is said."""

    when: Text
    parts: list[Text]
    named: list[Localized]
    wording: Localized | None


@dataclass(frozen=True)
class Row:
    """A line of the ledger in words; `stands_for` is whom its reader stands in for, `answer` what they answered."""

    entry: ReminderEntry
    named: Named | None
    step: Text
    stands_for: Account | None
    answer: Text | None


@blueprint.get("/reminders")
def index() -> str:
    """The steps of each programme, and the ledger, newest first."""
    actor = current_actor()
    require(actor, Permission.VIEW_INTERNAL)
    programmes = queries.list_programmes()
    recipients = list_recipients()
    sieve = _sieve(programmes, recipients)
    page = list_entries(sieve, request.args.get("page", 1, int), PER_PAGE)
    ladders = queries.ladders_of(programme.id for programme in programmes)
    named = accounts_by_id({person for steps in ladders.values() for step in steps for person in step.named})
    return render_template(
        "reminders/index.html",
        ladders=[(programme, _rungs(ladders[programme.id], named)) for programme in programmes],
        programme_choices=[(row.key, local(row.name)) for row in programmes],
        person_choices=[(str(row.id), local(row.name)) for row in recipients],
        sieve=sieve,
        about=names_of({sieve.subject}).get(sieve.subject) if sieve.subject else None,
        page=page,
        rows=_rows(page.items, ladders),
        may_open_mails=allows(actor, Permission.VIEW_OPERATIONS),
        may_edit=allows(actor, Permission.EDIT_LADDERS),
    )


def _sieve(programmes: Sequence[Programme], recipients: Sequence[Account]) -> Sieve:
    """Which lines are asked for; a programme or a person there is not is not found."""
    subject = request.args.get("subject", "").strip()
    if subject and not SUBJECT.fullmatch(subject):
        raise NotFound(text("Diese Frist gibt es nicht."))
    return Sieve(
        programme_id=_chosen("programme", {programme.key: programme.id for programme in programmes}),
        account_id=_chosen("person", {str(account.id): account.id for account in recipients}),
        subject=subject or None,
    )


def _chosen(argument: str, known: Mapping[str, UUID]) -> UUID | None:
    asked = request.args.get(argument, "").strip()
    if asked and asked not in known:
        raise NotFound(text("Dazu gibt es keine Erinnerungen."))
    return known.get(asked)


def _rungs(steps: Sequence[policy.Step], named: Mapping[UUID, Account]) -> list[Rung]:
    return [
        Rung(
            policy.words(step),
            [AUDIENCE_NAMES[part] for part in Audience if part in step.recipients],
            [named[account_id].name for account_id in step.named],
            step.wording,
        )
        for step in steps
    ]


def _rows(entries: Sequence[ReminderEntry], ladders: Mapping[UUID, Sequence[policy.Step]]) -> list[Row]:
    names = names_of({entry.subject for entry in entries})
    absent = accounts_by_id({entry.for_id for entry in entries if entry.for_id})
    return [
        Row(
            entry,
            names.get(entry.subject),
            policy.words_for_key(entry.step, ladders[entry.programme_id]) or text("%(key)s", key=entry.step),
            absent.get(entry.for_id) if entry.for_id else None,
            ANSWER_NAMES[Answered(entry.answer)] if entry.answer else None,
        )
        for entry in entries
    ]


# -- what comes


@blueprint.get("/reminders/preview")
def preview() -> Answer:
    """Which mails will leave on the days asked for, to whom and why."""
    actor = current_actor()
    require(actor, Permission.VIEW_INTERNAL)
    today = clock.today()
    programmes, staff = queries.list_programmes(), list_staff()
    form = _asked(actor, today, programmes, staff)
    if not form.validate() or not _is_near(form, today):
        return render_template("reminders/preview.html", form=form, days=None), 422
    first_day, days = form.from_on.data, form.days.days or DAYS_SHOWN
    letters = outlook.list_letters(
        first_day,
        days,
        programme_id=next((row.id for row in programmes if row.key == form.programme.data), None),
        account_id=UUID(form.person.data) if form.person.data else None,
    )
    return render_template(
        "reminders/preview.html",
        form=form,
        days=_by_day(letters),
        weekdays=WEEKDAY_NAMES,
        last_day=first_day + timedelta(days=days - 1),
        is_past=first_day < today,
    )


def _asked(actor: Actor, today: date, programmes: Sequence[Programme], staff: Collection[Account]) -> PreviewForm:
    """The form as it was asked; what was not said is today, two weeks, everything."""
    beginning = {"from": today.isoformat(), "days": str(DAYS_SHOWN)}
    typed = {name: value for name, value in request.args.items() if value.strip()}
    form = PreviewForm(formdata=MultiDict(beginning | typed))
    form.programme.choices = [("", _("alle Programme")), *((row.key, local(row.name)) for row in programmes)]
    others = [(str(row.id), local(row.name)) for row in staff if row.id != actor.account_id]
    form.person.choices = [("", _("alle Personen")), (str(actor.account_id), _("nur mich")), *others]
    return form


def _is_near(form: PreviewForm, today: date) -> bool:
    if form.from_on.data <= today + timedelta(days=FARTHEST_DAYS):
        return True
    form.refuse(DomainError(text("Die Vorschau reicht höchstens zwei Jahre voraus."), "from_on"))
    return False


def _by_day(letters: Sequence[Letter]) -> list[tuple[date, list[Letter]]]:
    return [(day, list(group)) for day, group in groupby(letters, key=lambda letter: letter.day)]


@blueprint.get("/reminders/mine")
def mine() -> str:
    """One's own next mails."""
    actor = current_actor()
    require(actor, Permission.VIEW_INTERNAL)
    letters = outlook.list_letters(clock.today(), OWN_DAYS, account_id=actor.account_id)
    return render_template("reminders/mine.html", days=_by_day(letters), weekdays=WEEKDAY_NAMES, number=OWN_DAYS)


# -- one's own wishes


@blueprint.route("/reminders/preferences", methods=["GET", "POST"])
def preferences() -> Answer:
    """How the reader wants to be reminded, and what cannot be switched off."""
    actor = current_actor()
    require(actor, Permission.VIEW_INTERNAL)
    if actor.account_id is None:
        raise NotFound(text("Dieses Konto gibt es nicht."))
    today = clock.today()
    own = queries.wishes_of([actor.account_id]).get(actor.account_id, NO_WISHES)
    is_paused = own.paused_until_on is not None and own.paused_until_on >= today
    form = PreferencesForm(
        weekdays=sorted(own.weekdays),
        send_time=own.send_time,
        paused_until_on=own.paused_until_on if is_paused else None,
        wants_optional=own.wants_optional,
    )
    form.weekdays.choices = [(day, translate(WEEKDAY_NAMES[day])) for day in sorted(WORKING_WEEK)]
    status = 200
    if request.method == "POST":
        status = 422
        try:
            if form.validate_on_submit():
                change_preferences(actor, _wished(form), now=clock.now())
                flash(_("Ihre Einstellungen sind gespeichert. Sie gelten ab dem nächsten Versand."), "success")
                return redirect(url_for("reminders.preferences"))
        except DomainError as error:
            form.refuse(error)
            status = error.status
    return render_template(
        "reminders/preferences.html",
        form=form,
        own=own,
        is_paused=is_paused,
        duties=outlook.duties_of(actor.account_id, today),
    ), status


def _wished(form: PreferencesForm) -> Wishes:
    return Wishes(
        frozenset(form.weekdays.data or ()),
        form.send_time.data,
        form.paused_until_on.data,
        form.wants_optional.data,
    )
