from __future__ import annotations

import re
from dataclasses import replace
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.headerregistry import Address
from email.message import EmailMessage, Message
from email.policy import default
from typing import Any

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from app.mail.message import Refused, message_of
from app.mail.transport import ServerAway, Transport
from config import MailServer
from tests.mail.conftest import MAIL_FROM, a_mail
from tests.mail.sink import Sink

SENDER = Address("Wegmarke", addr_spec="wegmarke@iserlohn.example")


def read(message: Message[Any, Any]) -> EmailMessage:
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


LONG_URL = "https://wegmarke.stadt.example/reminders/stop/" + "eyJhY2NvdW50IjoiNjFm" * 20 + "?a=1;b=2,c=%C3%BC"


def test_peer_12_whoever_may_opt_out_does_so_with_one_click() -> None:
    wire = message_of(a_mail(unsubscribe_url=LONG_URL), SENDER).as_bytes()
    assert f"\r\nList-Unsubscribe: <{LONG_URL}>\r\n".encode() in wire, "in one piece, however long"
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in wire


def test_a_mail_nobody_may_opt_out_of_does_not_offer_it() -> None:
    assert b"List-Unsubscribe" not in message_of(a_mail(), SENDER).as_bytes()


@pytest.mark.parametrize("values", [{"unsubscribe_url": "https://x.example\r\nBcc: thief@evil.example"}])
def test_an_address_to_opt_out_begins_no_other_header(values: dict[str, str]) -> None:
    with pytest.raises(HeaderParseError):
        message_of(a_mail(**values), SENDER).as_bytes()


def test_every_line_of_a_mail_is_one_that_servers_take() -> None:
    """CRLF and nothing else ends a line, none is too long, none is more than ASCII."""
    long = "Größe " * 400
    mail = a_mail(
        subject=long[:300], to_name=long[:200], body_text=f"{long}\n.\n.com\rx\r\n\n", body_html=f"<p>{long}</p>"
    )
    wire = message_of(mail, SENDER).as_bytes()
    assert wire.isascii()
    assert b"\r" not in wire.replace(b"\r\n", b"")
    assert b"\n" not in wire.replace(b"\r\n", b"")
    assert max(map(len, wire.split(b"\r\n"))) <= 78
    assert max(map(len, re.findall(rb"=\?utf-8\?b\?\S+", wire))) <= 75
    message = message_from_bytes(wire, policy=default)
    assert message["Subject"] == long[:300].strip()
    assert (
        str(make_header(decode_header(message_from_bytes(wire)["To"]))) == f"{long[:200].strip()} <{mail.to_address}>"
    )
    text = next(message.iter_parts()).get_content()
    assert text.replace("\r\n", "\n") == f"{long}\n.\n.com\nx\n"


def test_no_text_ends_its_part_even_of_somebody_who_has_read_an_earlier_mail() -> None:
    earlier = message_of(a_mail(), SENDER).as_bytes().decode()
    boundary = earlier.split('boundary="')[1].split('"')[0]
    text = f"Guten Tag\n--{boundary}\nContent-Type: text/html\n\n<b>falsch</b>\n--{boundary}--\n=*=\n"
    message = read(message_of(a_mail(body_text=text, body_html=text), SENDER))
    assert [part.get_content().replace("\r\n", "\n") for part in message.iter_parts()] == [text, text]


def test_mails_of_different_kinds_and_languages_have_frames_of_their_own() -> None:
    kinds = [("reminder", "de"), ("reminder", "en"), ("digest", "de"), ("reminder", "de")]
    seen = [read(message_of(a_mail(kind=kind, language=language), SENDER)) for kind, language in kinds]
    assert [(mail["List-Id"], mail["Content-Language"]) for mail in seen] == [
        (f"<{kind}.iserlohn.example>", language) for kind, language in kinds
    ]


def test_a_domain_with_umlauts_is_spelled_as_every_server_takes_it() -> None:
    assert message_of(a_mail("amt@müller.example"), SENDER)["To"].endswith("<amt@xn--mller-kva.example>")


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


def test_what_comes_back_comes_to_the_address_for_bounces_and_the_mail_is_from_us(sink: Sink) -> None:
    mail = a_mail()
    with Transport(sink.server, MAIL_FROM, "bounces@iserlohn.example") as transport:
        transport.connect()
        transport.send(mail)
    assert sink.senders == ["bounces@iserlohn.example"]
    assert sink.arrived[0]["From"] == MAIL_FROM
    with Transport(sink.server, MAIL_FROM) as transport:
        transport.connect()
        transport.send(mail)
    assert sink.senders[1:] == ["wegmarke@iserlohn.example"]


def test_the_settings_say_where_mail_goes_and_where_it_comes_back_to(app: Flask, sink: Sink) -> None:
    settings = replace(app.config["SETTINGS"], mail_server=sink.server, mail_bounces="bounces@iserlohn.example")
    transport = Transport.of(settings)
    assert transport.server == sink.server
    assert transport.sender.addr_spec == "wegmarke@iserlohn.example"
    assert transport.bounces == "bounces@iserlohn.example"


def test_a_mail_that_was_made_ready_is_the_one_that_is_sent(sink: Sink) -> None:
    first, second, third = a_mail(body_text="eins\n"), a_mail(body_text="zwei\n"), a_mail(body_text="drei\n")
    with Transport(sink.server, MAIL_FROM) as transport:
        transport.connect()
        transport.expect(second)
        transport.send(first)
        transport.send(third)  # another came between
        transport.expect(None)
        transport.send(second)
    texts = [next(mail.iter_parts()).get_content().strip() for mail in sink.arrived]
    assert texts == ["eins", "drei", "zwei"]


def test_a_mail_that_cannot_be_made_does_no_harm_to_the_one_before(sink: Sink) -> None:
    poison = a_mail("nobody, nowhere")
    with Transport(sink.server, MAIL_FROM) as transport:
        transport.connect()
        transport.expect(poison)
        transport.send(a_mail())
        with pytest.raises(Refused):
            transport.send(poison)
    assert len(sink.arrived) == 1
