"""The state of the installation, the outbox and the log."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Flask, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from app.audit import labels
from app.audit import queries as audit
from app.core import clock
from app.core.errors import NotFound
from app.core.heartbeat import take_pulses
from app.core.i18n import readable
from app.core.security import framed
from app.core.text import text
from app.core.transaction import transaction
from app.mail import queries as mail
from app.mail.delivery import Delivery, deliver_batch
from app.mail.transport import Transport
from app.operations import service
from app.organisations.permissions import Permission, allows, require
from app.organisations.viewer import current_actor
from app.portfolio.queries import readable_log
from app.reminders.links import covered

blueprint = Blueprint("operations", __name__)
PER_PAGE = 50

MAILS_BY_HAND = 50
SECONDS_BY_HAND = 10
"""What a person waits for who presses the button; the workers send the rest."""


def init_app(app: Flask) -> None:
    """Registers how pages print lines of the log."""
    app.jinja_env.filters["field_name"] = lambda name: readable(labels.field_name(name))
    app.jinja_env.filters["logged"] = lambda value: readable(labels.value(value))


@blueprint.get("/operations")
def show() -> str:
    """Whether the jobs of the workers are done in time, whether the mail server answers, and what waits."""
    require(current_actor(), Permission.VIEW_OPERATIONS)
    return render_template(
        "operations/show.html",
        pulses=take_pulses(clock.wall_now()),
        server=mail.server_state(),
        counts=mail.count_by_state(),
        may_operate=allows(current_actor(), Permission.OPERATE),
    )


@blueprint.post("/operations/run")
def run() -> Response:
    """Does now what the workers do by themselves: look for due reminders, then send."""
    actor = current_actor()
    with transaction():
        written = service.sweep_now(actor, now=clock.now())
    done = deliver_batch(Transport.of(current_app.config["SETTINGS"]), MAILS_BY_HAND, SECONDS_BY_HAND)
    flash(f"{_written(written)} {_sent(done)}", "warning" if done.is_away or done.dead or done.put_off else "success")
    return redirect(url_for("operations.show"))


def _written(mails: int) -> str:
    if not mails:
        return str(_("Die Fristen sind geprüft, keine neue Mail ist entstanden."))
    return str(
        ngettext(
            "Die Fristen sind geprüft, eine neue Mail ist entstanden.",
            "Die Fristen sind geprüft, %(num)s neue Mails sind entstanden.",
            mails,
        )
    )


def _sent(done: Delivery) -> str:
    if done.is_away:
        return str(_("Der Mailserver ist nicht erreichbar, die Mails warten."))
    if not done.handled:
        return str(_("Zu verschicken war nichts."))
    sentences = [ngettext("Eine Mail ist verschickt.", "%(num)s Mails sind verschickt.", done.sent)]
    if done.put_off:
        sentences.append(
            ngettext("Eine wird später erneut versucht.", "%(num)s werden später erneut versucht.", done.put_off)
        )
    if done.dead:
        sentences.append(ngettext("Eine ist unzustellbar.", "%(num)s sind unzustellbar.", done.dead))
    return " ".join(sentences)


@blueprint.get("/outbox")
def outbox() -> str:
    """Every mail, newest first, and whether the mail server can be reached."""
    require(current_actor(), Permission.VIEW_OPERATIONS)
    state = request.args.get("state")
    page = mail.list_outbox(page=request.args.get("page", 1, int), per_page=PER_PAGE, state=state)
    return render_template(
        "operations/outbox.html",
        page=page,
        state=state,
        counts=mail.count_by_state(),
        server=mail.server_state(),
        may_operate=allows(current_actor(), Permission.OPERATE),
    )


@blueprint.get("/outbox/<uuid:mail_id>")
def show_mail(mail_id: UUID) -> str:
    """One mail as its reader sees it."""
    require(current_actor(), Permission.VIEW_OPERATIONS)
    letter = mail.get_mail(mail_id)
    return render_template(
        "operations/show_mail.html",
        mail=letter,
        text_part=_without_powers(letter.body_text),
        may_operate=allows(current_actor(), Permission.OPERATE),
    )


@blueprint.post("/outbox/<uuid:mail_id>/resend")
def resend(mail_id: UUID) -> Response:
    """Sends a dead mail again."""
    actor = current_actor()
    require(actor, Permission.VIEW_OPERATIONS)
    letter = mail.get_mail(mail_id)
    service.resend(actor, letter, now=clock.now())
    flash(_("Die Mail an %(to)s wird erneut gesendet.", to=letter.to_name or letter.to_address), "success")
    return redirect(url_for("operations.show_mail", mail_id=mail_id))


@blueprint.post("/outbox/resend")
def resend_all() -> Response:
    """Sends every dead mail again."""
    number = service.resend_all(current_actor(), now=clock.now())
    if number:
        flash(ngettext("Eine Mail wird erneut gesendet.", "%(num)s Mails werden erneut gesendet.", number), "success")
    else:
        flash(_("Keine Mail ist unzustellbar."), "info")
    return redirect(url_for("operations.outbox"))


@blueprint.get("/outbox/<uuid:mail_id>/html")
def mail_html(mail_id: UUID) -> Response:
    """The HTML part alone, for the frame on its page: it may style itself and do nothing else."""
    require(current_actor(), Permission.VIEW_OPERATIONS)
    letter = mail.get_mail(mail_id)
    if letter.is_secret:
        raise NotFound(text("Diese Mail ist nur für ihren Empfänger."))
    return framed(_without_powers(letter.body_html))


@blueprint.get("/log")
def log() -> str:
    """The whole log, newest first."""
    actor = current_actor()
    require(actor, Permission.VIEW_OPERATIONS)
    page = audit.list_page(request.args.get("page", 1, int), PER_PAGE)
    return render_template("operations/log.html", page=page, log=readable_log(actor, page.items))


def _without_powers(body: str) -> str:
    """A mail for anybody but its reader: the links by which one acts in the reader's name are covered. In a trial,
    where everybody may be anybody, they stay."""
    return body if current_app.config["SETTINGS"].is_trial else covered(body)
