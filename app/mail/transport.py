"""Hands mails to the mail server: one connection for many mails, and every refusal told apart."""

from __future__ import annotations

import smtplib
import ssl
from contextlib import suppress
from email.errors import MessageError
from email.headerregistry import Address, HeaderRegistry, MessageIDHeader
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from types import TracebackType
from typing import Self

from app.core import clock
from app.mail.models import Mail
from config import MailServer

CONNECT_TIMEOUT = 15
"""Seconds to wait for a server that may be away."""

ANSWER_TIMEOUT = 120
"""Seconds to wait for an answer of a server that is there: it may look for viruses before it says yes, and whoever
hangs up too early sends the mail again."""

CLOSING = 421
"""The server ends the connection: no word about the mail."""

ABOUT_THE_MAIL = frozenset({452, 552})
"""Answers to the sender's address that mean this mail (too large) and not the sender."""

# a List-Id is one word: as free text a long one would be encoded, and name no list any more
HEADERS = HeaderRegistry()
HEADERS.map_to_type("list-id", MessageIDHeader)  # type: ignore[arg-type]
POLICY = SMTP.clone(header_factory=HEADERS)


class ServerAway(Exception):
    """The server cannot be reached, lets us not in, or takes nothing from this sender: every mail has to wait."""


class ConnectionLost(Exception):
    """The connection ended while a mail was handed over."""


class Refused(Exception):
    """The server does not take this mail; `is_permanent` tells whether it ever will."""

    def __init__(self, reason: str, is_permanent: bool) -> None:
        super().__init__(reason)
        self.is_permanent = is_permanent


class Transport:
    """A connection to the mail server. As a context it is closed at the end, whatever happened."""

    def __init__(self, server: MailServer, mail_from: str) -> None:
        self.server = server
        self.sender = _sender(mail_from)
        self.connection: smtplib.SMTP | None = None

    def connect(self) -> None:
        """Opens the connection, a new one if there was one.

        Raises:
            ServerAway: with the reason in one line.
        """
        self.close()
        try:
            self.connection = self._open()
        except (OSError, smtplib.SMTPException) as error:
            raise ServerAway(_one_line(error)) from error

    def _open(self) -> smtplib.SMTP:
        server = self.server
        name = self.sender.domain  # ours: the default asks the DNS, which may take minutes to say nothing
        context = ssl.create_default_context()
        connection = (
            smtplib.SMTP_SSL(server.host, server.port, name, timeout=CONNECT_TIMEOUT, context=context)
            if server.ssl
            else smtplib.SMTP(server.host, server.port, name, timeout=CONNECT_TIMEOUT)
        )
        try:
            if server.starttls:
                connection.starttls(context=context)
            if server.username:
                connection.login(server.username, server.password or "")
            connection.ehlo_or_helo_if_needed()
            if connection.sock:
                connection.sock.settimeout(ANSWER_TIMEOUT)
        except BaseException:
            connection.close()
            raise
        return connection

    def send(self, mail: Mail) -> None:
        """Hands one mail over.

        Raises:
            Refused: where the server, or the mail itself, says no, or no answer comes.
            ConnectionLost: where the server hangs up; it may have taken the mail or not.
            ServerAway: where the server takes nothing from this sender.
        """
        if self.connection is None:
            raise ConnectionLost("not connected")
        message = message_of(mail, self.sender)
        try:
            self.connection.send_message(message, self.sender.addr_spec, [mail.to_address])
        except smtplib.SMTPRecipientsRefused as error:
            raise _refusal(*error.recipients[mail.to_address]) from error
        except smtplib.SMTPSenderRefused as error:
            if error.smtp_code in ABOUT_THE_MAIL:
                raise _refusal(error.smtp_code, error.smtp_error) from error
            raise _away(error.smtp_code, error.smtp_error) from error
        except smtplib.SMTPResponseException as error:
            raise _refusal(error.smtp_code, error.smtp_error) from error
        except smtplib.SMTPNotSupportedError as error:
            raise Refused(_one_line(error), is_permanent=True) from error
        except (OSError, smtplib.SMTPException) as error:
            if isinstance(error.__context__, TimeoutError):
                # the server may be about to take it: asking again at once would make it two
                raise Refused(_one_line(error), is_permanent=False) from error
            raise ConnectionLost(_one_line(error)) from error

    def close(self) -> None:
        """Ends the connection politely where that is possible."""
        if self.connection is not None:
            with suppress(OSError, smtplib.SMTPException):
                self.connection.quit()
            self.connection.close()
            self.connection = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def message_of(mail: Mail, sender: Address) -> EmailMessage:
    """The mail as it goes over the wire: text and HTML, and headers that no content can break out of.

    Raises:
        Refused: for good, when the address is none.
    """
    message = EmailMessage(policy=POLICY)
    try:
        message["To"] = Address(" ".join(mail.to_name.split()), addr_spec=mail.to_address)
    except (ValueError, IndexError, MessageError) as error:
        raise Refused(_one_line(error), is_permanent=True) from error
    message["From"] = sender
    message["Subject"] = " ".join(mail.subject.split())
    message["Date"] = format_datetime(clock.wall_now())
    message["Message-ID"] = mail.message_id
    message["Auto-Submitted"] = "auto-generated"
    message["List-Id"] = f"<{mail.kind.replace('_', '-')}.{sender.domain}>"
    message.set_content(mail.body_text, cte="quoted-printable")
    message.add_alternative(mail.body_html, subtype="html", cte="quoted-printable")
    message["Content-Language"] = mail.language  # last: it belongs to the whole, not to its first part
    return message


def _sender(mail_from: str) -> Address:
    name, address = parseaddr(mail_from)
    return Address(name or "Wegmarke", addr_spec=address)


def _refusal(code: int, answer: bytes | str) -> Exception:
    if code == CLOSING:
        return ConnectionLost(_answer(code, answer))
    return Refused(_answer(code, answer), is_permanent=500 <= code < 600)


def _away(code: int, answer: bytes | str) -> Exception:
    return ConnectionLost(_answer(code, answer)) if code == CLOSING else ServerAway(_answer(code, answer))


def _answer(code: int, answer: bytes | str) -> str:
    words = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    return f"{code} {' '.join(words.split())}"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
