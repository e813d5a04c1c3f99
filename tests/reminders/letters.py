"""Reads what a reminder mail says, as its reader would."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import urlsplit

from sqlalchemy import select

from app.accounts.models import Account
from app.core.database import db
from app.mail.models import Mail
from app.reminders import service
from tests.factories import NOON


def swept_mail(account: Account) -> Mail:
    """The mail a sweep at noon writes to somebody."""
    service.sweep_all(NOON)
    db.session.commit()
    return db.session.scalars(select(Mail).where(Mail.kind == "reminder", Mail.account_id == account.id)).one()


class Html(HTMLParser):
    """The links of an HTML part, and its words without those of the style sheet."""

    def __init__(self, body: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.words = ""
        self._hidden = False
        self.feed(body)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden = tag in ("style", "title")
        if tag == "a":
            self.links.append(dict(attrs)["href"] or "")

    def handle_endtag(self, tag: str) -> None:
        self._hidden = False

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.words += data


def text_links(body: str) -> list[str]:
    """The addresses in a text part."""
    return re.findall(r"https?://\S+", body)


def answer_path(mail: Mail, answer: str, nth: int = 0) -> str:
    """The path of an answer to the nth line that can be answered."""
    return [urlsplit(link).path for link in text_links(mail.body_text) if f"/answers/{answer}/" in link][nth]
