"""Pages of the digests: who gets what, the preview with its button, and the archive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from app.calendars.periods import Rhythm
from app.core import clock
from app.core.errors import Conflict, DomainError
from app.core.i18n import LANGUAGES, language
from app.core.security import framed
from app.digests import content, facts, queries, released, service, spans
from app.digests.content import Content
from app.digests.facts import Facts
from app.digests.forms import SendForm, UntilForm
from app.digests.models import DigestRecipient
from app.mail.service import Letter
from app.organisations.permissions import Permission, Scope, allows, require
from app.organisations.viewer import current_actor
from app.programmes.models import ProgrammeFunder

blueprint = Blueprint("digests", __name__, url_prefix="/digests")

Answer = Response | str | tuple[str, int]


@blueprint.get("")
def index() -> str:
    """The digests of every funder the viewer may see."""
    actor = current_actor()
    return render_template(
        "digests/index.html",
        subscriptions=queries.list_subscriptions(actor, clock.today()),
        rhythm_names=spans.RHYTHM_NAMES,
        rhythm_of=_rhythm_of,
        is_internal=allows(actor, Permission.VIEW_INTERNAL),
        may_send=allows(actor, Permission.SEND_DIGESTS),
    )


def _rhythm_of(funder: ProgrammeFunder) -> Rhythm | None:
    return Rhythm(funder.digest_rhythm) if funder.digest_rhythm else None


@blueprint.get("/<programme_key>/<organisation_key>/preview")
def preview(programme_key: str, organisation_key: str) -> Answer:
    """The next digest exactly as it will leave, with its recipients and the button."""
    funder = _get_funder(programme_key, organisation_key)
    asked = _asked()
    return _preview_page(funder, asked, SendForm(formdata=None), 422 if asked.errors else 200)


@blueprint.get("/<programme_key>/<organisation_key>/preview/html")
def preview_html(programme_key: str, organisation_key: str) -> Response:
    """The HTML part alone, for the frame on the page."""
    funder = _get_funder(programme_key, organisation_key)
    until_on = _asked().until.data or _today(funder)
    shown_in = _chosen_language(queries.list_recipients(funder))
    return framed(_draft(funder, until_on, shown_in).letter.html)


@blueprint.post("/<programme_key>/<organisation_key>/send")
def send(programme_key: str, organisation_key: str) -> Answer:
    """Sends what was previewed."""
    actor = current_actor()
    funder = queries.get_funder(actor, programme_key, organisation_key)
    require(actor, Permission.SEND_DIGESTS, Scope(funder_ids=frozenset({funder.organisation_id})))
    form = SendForm()
    status = 422
    if form.validate_on_submit():
        try:
            digest = service.send(
                actor,
                funder.programme,
                funder.organisation,
                until_on=form.until.data,
                now=clock.now(),
                seen=form.seen.data or "",
            )
            flash(_("Der Digest ist auf dem Weg."), "success")
            return redirect(url_for("digests.show", digest_id=digest.id))
        except DomainError as error:
            status = 409 if isinstance(error, Conflict) else 422
            error.field = None  # the day is chosen in the other form
            form.refuse(error)
    asked = UntilForm(formdata=None, until=form.until.data or _today(funder))
    return _preview_page(funder, asked, form, status)


@blueprint.get("/<uuid:digest_id>")
def show(digest_id: UUID) -> str:
    """One digest of the archive, made of the facts it was sent with."""
    actor = current_actor()
    digest = queries.get_digest(actor, digest_id)
    told = facts.from_json(digest.facts)
    may_send = allows(actor, Permission.SEND_DIGESTS)
    return render_template(
        "digests/show.html",
        digest=digest,
        span=told.span,
        letter=service.write(content.build(told), language()),
        mails=queries.list_mails(digest) if may_send else [],
        is_internal=allows(actor, Permission.VIEW_INTERNAL),
        may_send=may_send,
    )


@blueprint.get("/<uuid:digest_id>/html")
def show_html(digest_id: UUID) -> Response:
    """The HTML part of an archived digest alone, for the frame on its page."""
    digest = queries.get_digest(current_actor(), digest_id)
    return framed(service.write(content.build(facts.from_json(digest.facts)), language()).html)


# -- parts of the preview


@dataclass(frozen=True)
class Draft:
    """A digest that has not left."""

    facts: Facts
    content: Content
    letter: Letter
    language: str


def _get_funder(programme_key: str, organisation_key: str) -> ProgrammeFunder:
    actor = current_actor()
    funder = queries.get_funder(actor, programme_key, organisation_key)
    require(actor, Permission.VIEW_INTERNAL)
    return funder


def _asked() -> UntilForm:
    """The form as it was asked; without a day it asks for today."""
    if "until" not in request.args:
        return UntilForm(formdata=None, until=clock.today())
    form = UntilForm(formdata=MultiDict(request.args))
    form.validate()
    return form


def _preview_page(funder: ProgrammeFunder, asked: UntilForm, sending: SendForm, status: int) -> Answer:
    recipients = queries.list_recipients(funder)
    draft = None
    if not asked.errors:
        try:
            draft = _draft(funder, asked.until.data, _chosen_language(recipients))
        except DomainError as error:
            asked.refuse(error)
            status = 422 if "until" in request.args else status
    if draft:
        sending.until.raw_data, sending.until.data = None, asked.until.data
        sending.seen.data = facts.fingerprint(draft.facts)
    page = render_template(
        "digests/preview.html",
        funder=funder,
        asked=asked,
        sending=sending,
        form=sending if sending.errors else asked,
        draft=draft,
        recipients=recipients,
        may_send=allows(current_actor(), Permission.SEND_DIGESTS),
    )
    return page, status


def _draft(funder: ProgrammeFunder, until_on: date, shown_in: str) -> Draft:
    spans.check_until(until_on, _today(funder))
    gathered = released.gather(funder, until_on)
    told = content.build(gathered)
    return Draft(gathered, told, service.write(told, shown_in), shown_in)


def _chosen_language(recipients: Sequence[DigestRecipient]) -> str:
    """The language asked for, else that of the first recipient, else the reader's own."""
    asked = request.args.get("language", "")
    return asked if asked in LANGUAGES else next((recipient.language for recipient in recipients), language())


def _today(funder: ProgrammeFunder) -> date:
    return clock.day_of(clock.now(), funder.programme.zone)
