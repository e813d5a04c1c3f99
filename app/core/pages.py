"""How refusals and accidents look: styled pages with a way on, never a bare status code."""

from __future__ import annotations

import structlog
from flask import Flask, Response, abort, current_app, make_response, render_template, request
from flask_babel import lazy_gettext as _l
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException

from app.core.errors import Conflict, DomainError
from app.core.i18n import translate
from app.core.transaction import give_up

log = structlog.get_logger()

TITLES = {
    400: _l("Diese Anfrage ist nicht verständlich"),
    403: _l("Das dürfen Sie hier nicht"),
    404: _l("Diese Seite gibt es nicht"),
    405: _l("Diese Seite gibt es nicht"),
    409: _l("Jemand war schneller"),
    413: _l("Die Datei ist zu groß"),
    422: _l("Das geht so nicht"),
    429: _l("Zu viele Versuche"),
    500: _l("Bei uns ist ein Fehler aufgetreten"),
    503: _l("Wegmarke ist gerade nicht erreichbar"),
}
MESSAGES = {
    400: _l("Bitte gehen Sie zurück und versuchen Sie es noch einmal."),
    403: _l("Ihre Rolle erlaubt das nicht. Wenden Sie sich an die Koordination, wenn Sie den Zugang brauchen."),
    404: _l("Die Adresse ist falsch, oder der Eintrag ist für Sie nicht sichtbar."),
    405: _l("Die Adresse ist falsch, oder der Eintrag ist für Sie nicht sichtbar."),
    413: _l("Eine Datei darf höchstens 20 MB haben, alle zusammen höchstens 50 MB."),
    429: _l("Bitte warten Sie eine Minute und versuchen Sie es dann erneut."),
    500: _l("Es wurde nichts gespeichert. Bitte versuchen Sie es noch einmal."),
    503: _l("Die Datenbank antwortet nicht. Es wurde nichts gespeichert. Bitte versuchen Sie es gleich noch einmal."),
}


def init_app(app: Flask) -> None:
    """Registers one handler for each way a request can fail."""

    @app.before_request
    def refuse_impossible_addresses() -> None:
        if "\x00" in request.path:
            abort(404)  # no database keeps such a text, so nothing has that address

    @app.errorhandler(DomainError)
    def refused(error: DomainError) -> Response:
        if isinstance(error, Conflict):
            return conflict(translate(error.message))
        return _page(error.status, translate(error.message))

    @app.errorhandler(CSRFError)
    def form_too_old(error: CSRFError) -> Response:
        return conflict(str(_l("Das Formular war zu lange offen. Bitte senden Sie es noch einmal ab.")), status=400)

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        return _page(error.code or 500)

    @app.errorhandler(StaleDataError)
    @app.errorhandler(IntegrityError)
    def overtaken(error: Exception) -> Response:
        give_up()
        return conflict()

    @app.errorhandler(OperationalError)
    @app.errorhandler(InterfaceError)
    def database_away(error: Exception) -> Response:
        log.error("database unreachable", error=str(error).splitlines()[0])
        give_up()
        return _page(503)

    @app.errorhandler(Exception)
    def accident(error: Exception) -> Response:
        if app.config["PROPAGATE_EXCEPTIONS"]:
            raise error
        log.exception("unhandled", path=request.path)
        give_up()
        return _page(500)


def _page(status: int, message: str | None = None) -> Response:
    title = TITLES.get(status, TITLES[400])
    body = render_template(
        "errors/error.html", code=status, title=title, message=message or MESSAGES.get(status, MESSAGES[400])
    )
    return make_response(body, status)


def conflict(message: str | None = None, status: int = 409) -> Response:
    """The page for whoever comes second: it shows everything they typed, so that nothing is lost."""
    default = _l("Der Eintrag wurde inzwischen von jemand anderem geändert. Ihre Eingaben stehen unten.")
    body = render_template(
        "errors/conflict.html", code=status, message=message or default, typed=_typed(), back=_back()
    )
    return make_response(body, status)


def _typed() -> list[tuple[None, str]]:
    """What the person wrote themselves; choices and hidden fields mean nothing without their form."""
    hidden = {"csrf_token", "version", "next", "password", "repeated", "receipts", "draft", "approval"}
    choices = {"period", "health", "role", "unit", "organisation", "lead", "status", "action", "decision", "step"}
    written = ((name, value) for name, value in request.form.items(multi=True) if value.strip())
    return [(None, value) for name, value in written if name not in hidden | choices]


def _back() -> str:
    """This address where it can be opened, else the start page: some addresses only take what is sent to them."""
    try:
        current_app.create_url_adapter(request).match(request.path, method="GET")  # type: ignore[union-attr]
    except HTTPException:
        return "/"
    return request.path
