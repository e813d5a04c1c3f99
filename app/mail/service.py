"""Puts mails into the outbox, in the transaction of the change they report."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import css_inline
from flask import current_app, render_template
from sqlalchemy import select, update

from app.core import clock
from app.core.database import db
from app.core.i18n import in_language, local
from app.core.localized import Localized
from app.core.transaction import announce
from app.mail.models import Mail, MailState

OUTBOX = "mail"
"""What is announced to the workers when a transaction leaves mail behind."""


@dataclass(frozen=True)
class Recipient:
    """Whom a mail goes to, and in which language."""

    address: str
    name: Localized | str = ""
    language: str = "de"
    account_id: UUID | None = None


@dataclass(frozen=True)
class Letter:
    """A mail as its recipient reads it."""

    subject: str
    text: str
    html: str


def write(kind: str, language: str, content: Mapping[str, Any], *, is_sample: bool = False) -> Letter:
    """What `templates/email/<kind>/` makes of `content` in one language: to be sent, or only to be looked at."""
    with in_language(language):
        context = {**content, "is_sample": is_sample}
        return Letter(
            subject=" ".join(render_template(f"email/{kind}/subject.txt", **context).split())[:300],
            text=render_template(f"email/{kind}/body.txt", **context).strip() + "\n",
            html=css_inline.inline(render_template(f"email/{kind}/body.html", **context)),
        )


def enqueue(
    kind: str,
    to: Recipient,
    content: Mapping[str, Any],
    *,
    now: datetime,
    once: str | None = None,
    is_sample: bool = False,
    unsubscribe_url: str | None = None,
) -> Mail:
    """Writes the mail `templates/email/<kind>/` makes of `content`; a worker sends it after the commit.

    `once` names what the mail is about: the same name twice is one mail, and the first is returned. The
    templates are `subject.txt`, `body.txt` and `body.html`, and speak the recipient's language.
    """
    if once and (there := db.session.scalar(select(Mail).where(Mail.once == once))):
        return there
    mail = compose(kind, to, content, now=now, once=once, is_sample=is_sample, unsubscribe_url=unsubscribe_url)
    put_out([mail])
    return mail


def compose(
    kind: str,
    to: Recipient,
    content: Mapping[str, Any],
    *,
    now: datetime,
    once: str | None = None,
    is_sample: bool = False,
    unsubscribe_url: str | None = None,
) -> Mail:
    """The mail, not stored yet; see `enqueue`. `unsubscribe_url` is where its reader stops mails like it by one POST
    (RFC 8058)."""
    letter = write(kind, to.language, content, is_sample=is_sample)
    with in_language(to.language):
        name = local(to.name)
    mail_id = uuid4()
    return Mail(
        id=mail_id,
        kind=kind,
        once=once,
        account_id=to.account_id,
        to_address=to.address,
        to_name=name,
        language=to.language,
        subject=letter.subject,
        body_text=letter.text,
        body_html=letter.html,
        message_id=f"<{mail_id}@{_domain()}>",
        unsubscribe_url=unsubscribe_url,
        is_sample=is_sample,
        created_at=now,
        next_attempt_at=clock.wall_now(),
    )


def put_out(mails: Iterable[Mail]) -> None:
    """Puts written mails into the outbox."""
    db.session.add_all(mails)
    announce(OUTBOX)


def requeue(mail_ids: Collection[UUID]) -> Sequence[UUID]:
    """Puts dead mails back into the queue, as if they had never been tried; returns those that were dead.

    The Message-ID stays, so that a reader who got it after all sees one mail.
    """
    again = (
        update(Mail)
        .where(Mail.id.in_(mail_ids), Mail.state == MailState.DEAD)
        .values(state=MailState.QUEUED, attempts=0, next_attempt_at=clock.wall_now(), last_error=None)
        .returning(Mail.id)
    )
    requeued = db.session.scalars(again).all()
    if requeued:
        announce(OUTBOX)
    return requeued


def _domain() -> str:
    return str(current_app.config["SETTINGS"].mail_from).rsplit("@", 1)[-1].rstrip("> ")
