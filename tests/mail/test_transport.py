from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.mail.transport import Refused, ServerAway, Transport, message_of
from config import MailServer
from tests.mail.conftest import MAIL_FROM, a_mail
from tests.mail.sink import Sink

SENDER = Address("Wegmarke", addr_spec="wegmarke@iserlohn.example")


def read(message: EmailMessage) -> EmailMessage:
    """The message as somebody reads it who got it over the wire."""
    parsed = message_from_bytes(message.as_bytes(), policy=default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def test_peer_12_a_mail_has_a_text_and_an_html_part() -> None:
    mail = a_mail(body_text="Größe\n", body_html="<p>Größe</p>", language="en")
    message = read(message_of(mail, SENDER))
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert [part.get_content().strip() for part in message.iter_parts()] == ["Größe", "<p>Größe</p>"]
    assert message["Content-Language"] == "en"


def test_the_headers_say_who_writes_to_whom_and_that_a_machine_does() -> None:
    message = read(
        message_of(a_mail("lead@musterstadt.example", to_name="Größe, Leitung", kind="update_due"), SENDER)
    )
    assert message["From"] == "Wegmarke <wegmarke@iserlohn.example>"
    (address,) = message["To"].addresses
    assert (address.display_name, address.addr_spec) == ("Größe, Leitung", "lead@musterstadt.example")
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Id"] == "<update-due.iserlohn.example>"
    assert message["Date"].datetime.tzinfo is not None


def test_the_message_id_is_the_row_s_however_often_it_is_sent() -> None:
    mail = a_mail(message_id="<3f0c@iserlohn.example>")
    assert {message_of(mail, SENDER)["Message-ID"] for _ in range(3)} == {"<3f0c@iserlohn.example>"}


def test_long_names_of_a_domain_are_left_as_they_are() -> None:
    domain = "sehr-lange-unterdomain-der-verwaltung.stadtverwaltung-musterstadt.example"
    mail = a_mail(message_id=f"<123e4567-e89b-12d3-a456-426614174000@{domain}>")
    wire = message_of(mail, Address("Wegmarke", addr_spec=f"wegmarke@{domain}")).as_bytes().decode()
    assert f"Message-ID: {mail.message_id}\r\n" in wire
    assert f"List-Id: <reminder.{domain}>\r\n" in wire


@settings(deadline=None)
@given(
    subject=st.text(max_size=80),
    to_name=st.text(max_size=60),
    injected=st.sampled_from(["", "\r\nBcc: thief@evil.example", "\nBcc: thief@evil.example", "\r\n\r\nBody"]),
)
def test_no_content_breaks_out_of_its_header(subject: str, to_name: str, injected: str) -> None:
    mail = a_mail(subject=subject + injected, to_name=to_name + injected)
    try:
        wire = message_of(mail, SENDER).as_bytes()
    except Refused:
        return
    message = message_from_bytes(wire, policy=default)
    assert message["Bcc"] is None
    assert message["To"].addresses[-1].addr_spec == mail.to_address
    assert len(message["To"].addresses) == 1
    assert message.get_content_type() == "multipart/alternative"


@pytest.mark.parametrize(
    "address", ["", "nobody", "a@b@c", "a b@c.example", "a@b.example\r\nBcc: x@y", "a@b.example, c@d.example", "<a@b"]
)
def test_what_is_no_address_is_refused_for_good(address: str) -> None:
    with pytest.raises(Refused) as refused:
        message_of(a_mail(address, to_address=address), SENDER)
    assert refused.value.is_permanent


def test_a_server_that_is_not_there_is_away_with_one_line() -> None:
    with pytest.raises(ServerAway, match="refused"):
        Transport(MailServer("127.0.0.1", 1, None, None, starttls=False, ssl=False), MAIL_FROM).connect()


def test_a_server_whose_name_nobody_knows_is_away() -> None:
    server = MailServer("mail.invalid", 25, None, None, starttls=False, ssl=False)
    with pytest.raises(ServerAway):
        Transport(server, MAIL_FROM).connect()


@pytest.mark.parametrize("changes", [{"starttls": True}, {"ssl": True}, {"username": "u", "password": "p"}])
def test_a_server_without_what_was_agreed_gets_no_mail(sink: Sink, changes: dict[str, Any]) -> None:
    """Encryption or a sign-in that were set up are never left out because the server does not offer them."""
    with pytest.raises(ServerAway):
        Transport(replace(sink.server, **changes), MAIL_FROM).connect()
    assert sink.arrived == []
