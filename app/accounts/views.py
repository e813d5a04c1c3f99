"""Signing in and out, passwords, and the language of the page."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, Flask, abort, flash, g, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager, current_user, login_user, logout_user
from werkzeug.wrappers import Response

from app.accounts import queries, service
from app.accounts.forms import PasswordForm, SignInForm
from app.accounts.models import Account
from app.audit.service import Author
from app.core import clock
from app.core.errors import DomainError, RuleBroken
from app.core.i18n import LANGUAGES
from app.core.text import text

PUBLIC = frozenset(
    {
        "accounts.sign_in",
        "accounts.sign_in_with_password",
        "accounts.choose_password",
        "accounts.change_language",
        "answers.give",
        "answers.opt_out",
        "answers.opt_out_with_one_click",
        "assets.kern",
        "health.show",
        "static",
        "trial.sign_in",
    }
)
"""The only endpoints that answer without a sign-in."""

blueprint = Blueprint("accounts", __name__)
limiter = Limiter(get_remote_address, default_limits=[])
login = LoginManager()


def init_app(app: Flask) -> None:
    """Puts the sign-in before every page that is not `PUBLIC`."""
    settings = app.config["SETTINGS"]
    shared = settings.broker_url.startswith(("redis://", "rediss://"))
    app.config["RATELIMIT_STORAGE_URI"] = settings.broker_url if shared else "memory://"
    app.config["RATELIMIT_IN_MEMORY_FALLBACK_ENABLED"] = True
    limiter.init_app(app)
    login.init_app(app)
    login.session_protection = "basic"

    @app.before_request
    def ask_for_sign_in() -> Response | None:
        if request.endpoint in PUBLIC or request.endpoint is None or current_user.is_authenticated:
            return None
        wanted = request.full_path.rstrip("?") if request.method == "GET" else None
        return redirect(url_for("accounts.sign_in", next=wanted if wanted != "/" else None))


@login.user_loader  # type: ignore[untyped-decorator]
def _load(remembered: str) -> Account | None:
    account = queries.find_account(remembered.partition(":")[0])
    return account if account and account.get_id() == remembered else None


class Oneself:
    """Somebody who acts on their own account, for the log."""

    def __init__(self, account: Account) -> None:
        self.account_id = account.id
        self.name = account.name.de


@blueprint.get("/sign-in")
def sign_in() -> Response | str:
    """The sign-in page."""
    if current_user.is_authenticated:
        return redirect(url_for("dashboard.home"))
    return _sign_in_page(SignInForm(next=request.args.get("next")))


def _sign_in_page(form: SignInForm) -> str:
    return render_template("accounts/sign_in.html", form=form)


@blueprint.post("/sign-in", endpoint="sign_in_with_password")
@limiter.limit("10 per minute")
def sign_in_with_password() -> Response | tuple[str, int]:
    """Checks address and password."""
    form = SignInForm()
    if not form.validate_on_submit():
        return _sign_in_page(form), 422
    try:
        account = service.sign_in(form.email.data or "", form.password.data or "", now=clock.now())
    except RuleBroken as error:
        form.refuse(error)
        return _sign_in_page(form), 422
    begin_session(account)
    return redirect(safe_path(form.next.data) or url_for("dashboard.home"))


def begin_session(account: Account) -> None:
    """Signs a person in, in a session that knows nothing of the one before."""
    language = session.get("language")
    session.clear()
    if language:
        session["language"] = language
    session.permanent = True
    login_user(account)


def safe_path(target: str | None) -> str | None:
    """A path on this server, or None: nobody is sent elsewhere by a link to the sign-in."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return None
    parts = urlsplit(target)
    return None if parts.scheme or parts.netloc or "\\" in target else target


@blueprint.post("/sign-out")
def sign_out() -> Response:
    """Ends the session."""
    logout_user()
    session.clear()
    flash(_("Sie sind abgemeldet."), "success")
    return redirect(url_for("accounts.sign_in"))


@blueprint.route("/password/<token>", methods=["GET", "POST"])
def choose_password(token: str) -> Response | str | tuple[str, int]:
    """The page behind an invitation."""
    account = service.account_for_token(token)
    form = PasswordForm()
    if request.method == "GET":
        return render_template("accounts/password.html", form=form, account=account)
    try:
        if not form.validate_on_submit():
            return render_template("accounts/password.html", form=form, account=account), 422
        if form.password.data != form.repeated.data:
            raise RuleBroken(text("Die beiden Passwörter sind verschieden."), "repeated")
        oneself: Author = Oneself(account)
        service.set_password(oneself, account, form.password.data or "", now=clock.now())
    except DomainError as error:
        form.refuse(error)
        return render_template("accounts/password.html", form=form, account=account), 422
    begin_session(account)
    flash(_("Ihr Passwort ist gesetzt."), "success")
    return redirect(url_for("dashboard.home"))


@blueprint.post("/language")
def change_language() -> Response:
    """Switches the language of the pages, and for somebody signed in of their mails too."""
    language = request.form.get("language", "")
    if language not in LANGUAGES:
        abort(400)
    session["language"] = language
    g.language = language
    if current_user.is_authenticated:
        service.change_language(Oneself(current_user), current_user, language, now=clock.now())
    return redirect(safe_path(request.form.get("next")) or url_for("dashboard.home"))
