"""Pages on which the coordination sets a programme's days, times and reminder steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.accounts.models import Account
from app.core import clock
from app.core.errors import Conflict, DomainError, NotFound
from app.core.i18n import local, readable, translate
from app.core.localized import Localized
from app.organisations.permissions import Actor, Permission, require
from app.organisations.queries import list_staff
from app.organisations.viewer import current_actor
from app.programmes.ladder import AUDIENCE_NAMES, Audience
from app.programmes.models import Programme, ReminderStep
from app.programmes.queries import get_programme, list_programmes
from app.reminders import ladders
from app.reminders.forms import (
    AFTER,
    BEFORE,
    CALENDAR,
    ON,
    WORKING,
    CopyForm,
    RemoveForm,
    SeenForm,
    SettingsForm,
    StepForm,
)
from app.reminders.ladders import Facts, Settings
from app.reminders.queries import read_steps

blueprint = Blueprint("ladders", __name__, url_prefix="/programmes/<key>/reminders")

Answer = Response | str | tuple[str, int]


@blueprint.route("", methods=["GET", "POST"])
def edit_settings(key: str) -> Answer:
    """When a programme's mails leave, after how many days something is due, and its steps."""
    actor, programme = _coordinated(key)
    form = SettingsForm(**vars(ladders.settings_of(programme)), seen=ladders.imprint_of_settings(programme))

    def save() -> None:
        ladders.edit_settings(actor, programme, _settings(form), seen=form.seen.data or "", now=clock.now())

    def overtaken() -> list[tuple[str, str]]:
        form.seen.data = ladders.imprint_of_settings(programme)
        return _stored_settings(form, programme)

    return _answer("edit_settings", form, programme, save, _("Die Einstellungen sind gespeichert."), overtaken)


def _settings(form: SettingsForm) -> Settings:
    return Settings(
        form.send_time.data, form.update_due_days.days or 0, form.approval_days.days or 0, form.stale_days.days
    )


@blueprint.route("/new", methods=["GET", "POST"])
def add_step(key: str) -> Answer:
    """The form for one more step."""
    actor, programme = _coordinated(key)
    form = _offered(StepForm(), ())

    def save() -> None:
        ladders.add_step(actor, programme, _facts(form), now=clock.now())

    return _answer("edit_step", form, programme, save, _("Die Erinnerungsstufe ist angelegt."), list, step=None)


@blueprint.route("/steps/<step_key>", methods=["GET", "POST"])
def edit_step(key: str, step_key: str) -> Answer:
    """The form of a step."""
    actor, programme = _coordinated(key)
    step = _get_step(programme, step_key)
    facts = ladders.facts_of(step)
    form = _offered(StepForm(**_typed(facts), seen=ladders.imprint_of_step(step)), step.named)

    def save() -> None:
        ladders.edit_step(actor, step, _facts(form), seen=form.seen.data or "", now=clock.now())

    def overtaken() -> list[tuple[str, str]]:
        current = _get_step(programme, step_key)
        form.seen.data = ladders.imprint_of_step(current)
        return _stored_step(current)

    message = _("Die Erinnerungsstufe ist gespeichert.")
    return _answer("edit_step", form, programme, save, message, overtaken, step=step, when=facts.words())


@blueprint.route("/steps/<step_key>/removal", methods=["GET", "POST"])
def remove_step(key: str, step_key: str) -> Answer:
    """Asks once more, then takes the step from the ladder."""
    actor, programme = _coordinated(key)
    step = _get_step(programme, step_key)
    form = RemoveForm(seen=ladders.imprint_of_step(step))
    stored = _stored_step(step)

    def save() -> None:
        ladders.remove_step(actor, step, seen=form.seen.data or "", now=clock.now())

    def overtaken() -> list[tuple[str, str]]:
        current = _get_step(programme, step_key)
        form.seen.data = ladders.imprint_of_step(current)
        return _stored_step(current)

    message = _("Die Erinnerungsstufe ist entfernt.")
    return _answer("remove_step", form, programme, save, message, overtaken, step=step, facts=stored)


@blueprint.route("/copy", methods=["GET", "POST"])
def copy(key: str) -> Answer:
    """Takes over the steps of another programme."""
    actor, programme = _coordinated(key)
    others = {row.key: row for row in list_programmes(actor) if row.id != programme.id and row.steps}
    form = CopyForm(seen=ladders.imprint_of_ladder(programme))
    form.programme.choices = [
        ("", _("Bitte wählen")),
        *((row.key, local(row.name)) for row in others.values()),
    ]

    def save() -> None:
        other = others[form.programme.data]
        ladders.copy_ladder(actor, programme, other, seen=form.seen.data or "", now=clock.now())

    def overtaken() -> list[tuple[str, str]]:
        form.seen.data = ladders.imprint_of_ladder(programme)
        return [(_("Erinnerungsstufen"), _all_steps(programme))]

    message = _("Die Erinnerungsstufen sind übernommen.")
    return _answer("copy_ladder", form, programme, save, message, overtaken, others=others)


# -- what all of them do


def _coordinated(key: str) -> tuple[Actor, Programme]:
    """The programme, for those who set its steps."""
    actor = current_actor()
    programme = get_programme(actor, key)
    require(actor, Permission.EDIT_LADDERS)
    read_steps(programme)
    return actor, programme


def _get_step(programme: Programme, key: str) -> ReminderStep:
    """The step; where something was sent for one that is gone, the answer keeps what was typed."""
    step = ladders.find_step(programme, key)
    if step is None:
        raise Conflict(ladders.GONE) if request.method == "POST" else NotFound(ladders.GONE)
    return step


def _answer(
    template: str,
    form: SeenForm,
    programme: Programme,
    save: Callable[[], None],
    message: str,
    overtaken: Callable[[], list[tuple[str, str]]],
    **values: Any,
) -> Answer:
    """Shows a form, or saves what it holds and says so; a lost race shows it again beside what is stored now."""
    status, stored = 200, None
    if request.method == "POST":
        status = 422
        try:
            if form.validate_on_submit():
                save()
                flash(message, "success")
                return redirect(url_for("ladders.edit_settings", key=programme.key))
        except Conflict:
            status, stored = 409, overtaken()
        except DomainError as error:
            form.refuse(error)
            status = error.status
    page = render_template(
        f"reminders/{template}.html",
        programme=programme,
        form=form,
        stored=stored,
        is_overtaken=status == Conflict.status,
        steps=[(step, ladders.facts_of(step).words(), _called(step)) for step in programme.steps],
        **values,
    )
    return page, status


def _offered(form: StepForm, named: list[Account] | tuple[()]) -> StepForm:
    """The form with everybody a step can call: the city's staff, and whoever is named already."""
    people = {account.id: account for account in [*list_staff(), *named]}
    form.offer(
        [(part.value, translate(AUDIENCE_NAMES[part])) for part in Audience],
        [(str(account.id), f"{local(account.name)} ({account.email})") for account in people.values()],
    )
    return form


def _facts(form: StepForm) -> Facts:
    german = form.wording.data
    return Facts(
        form.offset_days,
        form.unit.data == WORKING and form.side.data != ON,
        form.repeat_days.days,
        frozenset(Audience(part) for part in form.recipients.data or ()),
        frozenset(UUID(account_id) for account_id in form.named.data or ()),
        Localized(german, form.wording_en.data) if german else None,
    )


def _typed(facts: Facts) -> Mapping[str, Any]:
    """A step as it is typed."""
    side = ON if facts.offset_days == 0 else BEFORE if facts.offset_days < 0 else AFTER
    return {
        "side": side,
        "days": abs(facts.offset_days) or None,
        "unit": WORKING if facts.working_days else CALENDAR,
        "repeat_days": facts.repeat_days,
        "recipients": [part.value for part in facts.recipients],
        "named": [str(account_id) for account_id in facts.named],
        "wording": facts.wording.de if facts.wording else None,
        "wording_en": facts.wording.en if facts.wording else None,
    }


def _called(step: ReminderStep) -> str:
    """Whom a step calls, in words."""
    parts = [translate(AUDIENCE_NAMES[part]) for part in Audience if part in step.recipients]
    return ", ".join([*parts, *(local(account.name) for account in step.named)])


def _stored_step(step: ReminderStep) -> list[tuple[str, str]]:
    return [
        (_("Wann"), translate(ladders.facts_of(step).words())),
        (_("Wer"), _called(step)),
        (_("Dazu gesagt"), local(step.wording)),
    ]


def _stored_settings(form: SettingsForm, programme: Programme) -> list[tuple[str, str]]:
    now = vars(ladders.settings_of(programme)) | {"send_time": f"{programme.send_time:%H:%M}"}
    return [(form[name].label.text, str(readable(value)) if value is not None else "") for name, value in now.items()]


def _all_steps(programme: Programme) -> str:
    return "; ".join(translate(ladders.facts_of(step).words()) for step in programme.steps)
