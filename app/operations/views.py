"""The outbox and the log."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Flask, render_template, request
from werkzeug.wrappers import Response

from app.audit import labels
from app.audit import queries as audit
from app.core.errors import NotFound
from app.core.i18n import readable
from app.core.security import framed
from app.core.text import text
from app.mail import queries as mail
from app.organisations.permissions import Permission, require
from app.organisations.viewer import current_actor
from app.portfolio.queries import readable_log

blueprint = Blueprint("operations", __name__)
PER_PAGE = 50


def init_app(app: Flask) -> None:
    """Registers how pages print lines of the log."""
    app.jinja_env.filters["field_name"] = lambda name: readable(labels.field_name(name))
    app.jinja_env.filters["logged"] = lambda value: readable(labels.value(value))


@blueprint.get("/outbox")
def outbox() -> str:
    """Every mail, newest first, and whether the mail server can be reached."""
    require(current_actor(), Permission.VIEW_OPERATIONS)
    state = request.args.get("state")
    page = mail.list_outbox(page=request.args.get("page", 1, int), per_page=PER_PAGE, state=state)
    return render_template(
        "operations/outbox.html", page=page, state=state, counts=mail.count_by_state(), server=mail.server_state()
    )


@blueprint.get("/outbox/<uuid:mail_id>")
def show_mail(mail_id: UUID) -> str:
    """One mail as its reader sees it."""
    require(current_actor(), Permission.VIEW_OPERATIONS)
    return render_template("operations/show_mail.html", mail=mail.get_mail(mail_id))


@blueprint.get("/outbox/<uuid:mail_id>/html")
def mail_html(mail_id: UUID) -> Response:
    """The HTML part alone, for the frame on its page: it may style itself and do nothing else."""
    require(current_actor(), Permission.VIEW_OPERATIONS)
    letter = mail.get_mail(mail_id)
    if letter.is_secret:
        raise NotFound(text("Diese Mail ist nur für ihren Empfänger."))
    return framed(letter.body_html)


@blueprint.get("/log")
def log() -> str:
    """The whole log, newest first."""
    actor = current_actor()
    require(actor, Permission.VIEW_OPERATIONS)
    page = audit.list_page(request.args.get("page", 1, int), PER_PAGE)
    return render_template("operations/log.html", page=page, log=readable_log(actor, page.items))
