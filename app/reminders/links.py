"""The signed addresses in a reminder mail: whoever opens one is known by the signature, without a sign-in.

Each kind has a salt of its own, so that no signature made for one thing opens another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256
from uuid import UUID

from flask import current_app
from itsdangerous import BadData, Signer, TimestampSigner
from itsdangerous.encoding import base64_decode, base64_encode

from app.core.errors import NotFound
from app.core.links import absolute_url
from app.core.text import text
from app.reminders.answers import Answer

OPT_OUT_LIFETIME = 366 * 24 * 3600
"""Seconds for which a mail can be used to stop mails like it: old mails are where people look for the way out."""

KEYS = re.compile(r"(/reminders/(?:answers/[a-z0-9-]+|opt-out)/)[\w.-]+")


def answer_urls(entry_id: UUID, answers: Iterable[Answer]) -> dict[Answer, str]:
    """Where the reader of a mail answers the line that stands in the ledger as `entry_id`.

    The signature is for the line, and so for its one reader; which of the answers they give is up to them. How long
    the link works is counted from the line's day (`answers.check_in_time`).
    """
    token = _token(_answers(), entry_id)
    return {answer: absolute_url("answers.give", answer=answer.value, token=token) for answer in answers}


def entry_behind(token: str) -> UUID:
    """The line of the ledger an answer is about.

    Raises:
        NotFound: when the address is incomplete or made up.
    """
    try:
        return _key(_answers().unsign(token))
    except BadData:
        raise NotFound(
            text(
                "Dieser Link ist unvollständig oder nicht von Wegmarke. Öffnen Sie ihn noch einmal aus der E-Mail, "
                "oder melden Sie sich an."
            )
        ) from None


def opt_out_url(account_id: UUID) -> str:
    """Where a person stops the reminders they may stop, by one POST (RFC 8058)."""
    return absolute_url("answers.opt_out", token=_token(_opt_outs(), account_id))


def account_behind(token: str) -> UUID:
    """Whose reminders a link stops. It may be used as often as one likes, for a year.

    Raises:
        NotFound: when the address is incomplete, made up or too old.
    """
    try:
        return _key(_opt_outs().unsign(token, max_age=OPT_OUT_LIFETIME))
    except BadData:
        raise NotFound(
            text(
                "Dieser Link ist unvollständig oder zu alt. Nach der Anmeldung stellen Sie unter „Erinnerungen“ ein, "
                "woran Wegmarke Sie erinnert."
            )
        ) from None


def covered(body: str) -> str:
    """A mail for the eyes of somebody else, such as an operator: without what its links prove."""
    return KEYS.sub(r"\1…", body)


def _answers() -> Signer:
    return Signer(current_app.config["SECRET_KEY"], salt="reminder-answer", digest_method=sha256)


def _opt_outs() -> TimestampSigner:
    return TimestampSigner(current_app.config["SECRET_KEY"], salt="reminder-opt-out", digest_method=sha256)


def _token(signer: Signer, key: UUID) -> str:
    return signer.sign(base64_encode(key.bytes)).decode()


def _key(signed: bytes) -> UUID:
    return UUID(bytes=base64_decode(signed))
