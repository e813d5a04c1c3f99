from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from app.core import clock
from app.core.database import db
from app.mail.models import Mail
from app.mail.transport import Transport
from tests.mail.sink import Sink, running_sink

MAIL_FROM = "Wegmarke <wegmarke@iserlohn.example>"
_numbers = count(1)


@pytest.fixture
def sink() -> Iterator[Sink]:
    with running_sink() as sink:
        yield sink


@pytest.fixture
def transport(sink: Sink) -> Transport:
    return Transport(sink.server, MAIL_FROM)


def a_mail(to: str | None = None, **values: object) -> Mail:
    """A mail as the outbox holds it; written for nobody's eyes."""
    number = next(_numbers)
    mail = Mail(
        **(
            {
                "kind": "reminder",
                "to_address": to or f"person{number}@musterstadt.example",
                "to_name": "Person",
                "subject": f"Mail {number}",
                "body_text": "Guten Tag\n",
                "body_html": "<p>Guten Tag</p>",
                "message_id": f"<{number}@iserlohn.example>",
                "created_at": clock.wall_now(),
                "next_attempt_at": clock.wall_now(),
            }
            | values
        )
    )
    return mail


def add_mail(to: str | None = None, **values: object) -> Mail:
    mail = a_mail(to, **values)
    db.session.add(mail)
    db.session.commit()
    return mail
