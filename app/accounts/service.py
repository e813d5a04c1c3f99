"""Commands on accounts: create, invite, set a password, sign in."""

from __future__ import annotations

from datetime import datetime

from flask import current_app
from itsdangerous import BadSignature, URLSafeTimedSerializer

from app.accounts import passwords
from app.accounts.models import Account
from app.accounts.queries import find_account, find_by_email
from app.audit import service as audit
from app.core.database import db
from app.core.errors import Conflict, NotFound, RuleBroken
from app.core.links import absolute_url
from app.core.localized import Localized
from app.core.text import text
from app.mail import service as mail

INVITATION_LIFETIME = 7 * 24 * 3600
"""Seconds for which a password link works."""


def create_account(actor: audit.Author, email: str, name: str, *, now: datetime, language: str = "de") -> Account:
    """A new account without a password.

    Raises:
        RuleBroken: when the address is none.
        Conflict: when the address has an account already.
    """
    address = email.strip().lower()
    local_part, _, domain = address.partition("@")
    if not 0 < len(local_part) <= 64 or not 0 < len(domain) <= 255 or "@" in domain or " " in address:
        raise RuleBroken(text("„%(email)s“ ist keine E-Mail-Adresse.", email=email[:80]), "email")
    if not 0 < len(name.strip()) <= 120:
        raise RuleBroken(text("Der Name braucht ein bis 120 Zeichen."), "name")
    if find_by_email(address):
        raise Conflict(text("Für %(email)s gibt es schon ein Konto.", email=address), "email")
    account = Account(email=address, name=Localized(name.strip()), language=language)
    db.session.add(account)
    db.session.flush()  # the log line names its key
    audit.record(actor, account, text("Konto angelegt: %(email)s", email=address), now=now)
    return account


def set_password(actor: audit.Author, account: Account, password: str, *, now: datetime) -> None:
    """Replaces the password.

    Raises:
        RuleBroken: when the password is too short or too long.
    """
    passwords.check(password)
    account.password_hash = passwords.hash_of(password)
    audit.record(actor, account, text("Passwort gesetzt: %(email)s", email=account.email), now=now)


def change_language(actor: audit.Author, account: Account, language: str, *, now: datetime) -> None:
    """The language of somebody's pages and mails."""
    if language == account.language:
        return
    what = text("Sprache geändert: %(email)s", email=account.email)
    audit.record(actor, account, what, now=now, changes={"language": (account.language, language)})
    account.language = language


def sign_in(email: str, password: str, *, now: datetime) -> Account:
    """The account behind address and password.

    Raises:
        RuleBroken: the same sentence whatever was wrong, and after the same time.
    """
    account = find_by_email(email)
    right = passwords.matches(account.password_hash if account else None, password)
    if account is None or not right or not account.active:
        raise RuleBroken(text("E-Mail-Adresse oder Passwort stimmt nicht."), "password")
    account.signed_in_at = now
    return account


def invite(actor: audit.Author, account: Account, *, now: datetime) -> None:
    """Sends a link with which the person sets their own password."""
    token = _serializer().dumps([str(account.id), account.password_mark])
    mail.enqueue(
        "invitation",
        mail.Recipient(account.email, account.name, account.language, account.id),
        {"url": absolute_url("accounts.choose_password", token=token), "account": account},
        now=now,
        is_sample=account.is_sample,
    )
    audit.record(
        actor, account, text("Link zum Setzen des Passworts verschickt: %(email)s", email=account.email), now=now
    )


def account_for_token(token: str) -> Account:
    """The account a password link belongs to. A link works once and for seven days.

    Raises:
        NotFound: when the link is wrong, too old or was used.
    """
    gone = NotFound(text("Dieser Link gilt nicht mehr. Lassen Sie sich einen neuen schicken."))
    try:
        account_id, fingerprint = _serializer().loads(token, max_age=INVITATION_LIFETIME)
    except (BadSignature, ValueError, TypeError):
        raise gone from None
    account = find_account(str(account_id))
    if account is None or fingerprint != account.password_mark:
        raise gone
    return account


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="password-link")
