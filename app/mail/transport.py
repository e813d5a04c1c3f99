"""Hands mails to the mail server: one connection for many mails, and every refusal told apart."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.headerregistry import Address
from email.utils import parseaddr
from functools import cache
from types import TracebackType
from typing import Any, Self

from app.mail.message import Refused, Written, address_of, message_of
from config import MailServer, Settings

CONNECT_TIMEOUT = 15
"""Seconds to wait for a server that may be away."""

ANSWER_TIMEOUT = 120
"""Seconds to wait for an answer of a server that is there: it may look for viruses before it says yes, and whoever
hangs up too early sends the mail again."""

OK = 250
WILL_FORWARD = 251
"""The server's yes, and its yes to a recipient who lives elsewhere."""

CLOSING = 421
"""The server ends the connection: no word about the mail."""

ABOUT_THE_MAIL = frozenset({452, 552})
"""Answers to the sender's address that mean this mail (too large) and not the sender."""


class ServerAway(Exception):
    """The server cannot be reached, lets us not in, or takes nothing from this sender: every mail has to wait."""


class ConnectionLost(Exception):
    """The connection ended while a mail was handed over."""


class Transport:
    """A connection to the mail server. As a context it is closed at the end, whatever happened.

    Mails come from `mail_from`; those that cannot be delivered later on come back to `bounces`, where that is set.
    """

    def __init__(self, server: MailServer, mail_from: str, bounces: str | None = None) -> None:
        self.server = server
        self.sender = _sender(mail_from)
        self.bounces = bounces or self.sender.addr_spec
        self.connection: smtplib.SMTP | None = None
        self._expected: Written | None = None
        self._begun: tuple[Written, bytes | Exception] | None = None
        self._ready: tuple[Written, bytes] | None = None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The way out of this installation."""
        return cls(settings.mail_server, settings.mail_from, settings.mail_bounces)

    def connect(self) -> None:
        """Opens the connection, a new one if there was one.

        Raises:
            ServerAway: with the reason in one line.
        """
        self.close()
        self._begun = None
        try:
            self.connection = self._open()
        except (OSError, smtplib.SMTPException) as error:
            raise ServerAway(_one_line(error)) from error

    def _open(self) -> smtplib.SMTP:
        server = self.server
        name = self.sender.domain  # ours: the default asks the DNS, which may take minutes to say nothing
        connection = (
            _EncryptedConnection(server.host, server.port, name, timeout=CONNECT_TIMEOUT, context=_trust())
            if server.ssl
            else _Connection(server.host, server.port, name, timeout=CONNECT_TIMEOUT)
        )
        try:
            if server.starttls:
                connection.starttls(context=_trust())
            if server.username:
                connection.login(server.username, server.password or "")
            connection.ehlo_or_helo_if_needed()
            if connection.sock:
                connection.sock.settimeout(ANSWER_TIMEOUT)
        except BaseException:
            connection.close()
            raise
        connection.meanwhile = self._get_ready
        return connection

    def expect(self, mail: Written | None) -> None:
        """Names the mail that will be next: its message is made while the server is busy with the one before."""
        self._expected = mail

    def begin(self, mail: Written) -> None:
        """Tells the server from whom and to whom the next mail is, and keeps back the mail. It is handed over with
        `send`, which also says what has gone wrong; or it is not sent after all, which is said with `leave`.
        """
        try:
            self._begun = (mail, self._begin(mail))
        except Exception as error:
            self._begun = (mail, error)

    def leave(self) -> None:
        """Takes back what was begun."""
        begun, self._begun = self._begun, None
        if self.connection and begun and isinstance(begun[1], bytes):
            with suppress(OSError, smtplib.SMTPException):
                self.connection.rset()

    def send(self, mail: Written) -> None:
        """Hands one mail over.

        Raises:
            Refused: where the server, or the mail itself, says no, or no answer comes.
            ConnectionLost: where the server hangs up; it may have taken the mail or not.
            ServerAway: where the server takes nothing from this sender.
        """
        if self._begun is None or self._begun[0] is not mail:
            self.begin(mail)
        begun, self._begun = self._begun, None
        assert begun is not None
        message = begun[1]
        if isinstance(message, Exception):
            raise message
        with self._talk() as connection:
            code, answer = connection.data(message)
            if code != OK:
                self._turn_to_next(code)
                raise _refusal(code, answer)

    def _begin(self, mail: Written) -> bytes:
        """Hands over the envelope; returns what belongs into it."""
        address = address_of(mail.to_address)
        message = self._message(mail)
        with self._talk() as connection:
            size = f" size={len(message)}" if connection.has_extn("size") else ""
            code, answer = connection.docmd("mail", f"FROM:<{self.bounces}>{size}")
            if code != OK:
                self._turn_to_next(code)
                raise _refusal(code, answer) if code in ABOUT_THE_MAIL else _away(code, answer)
            code, answer = connection.docmd("rcpt", f"TO:<{address}>")
            if code not in (OK, WILL_FORWARD):
                self._turn_to_next(code)
                raise _refusal(code, answer)
        return message

    @contextmanager
    def _talk(self) -> Iterator[smtplib.SMTP]:
        """The connection; what it throws is told as one of ours."""
        if self.connection is None:
            raise ConnectionLost("not connected")
        try:
            yield self.connection
        except smtplib.SMTPResponseException as error:
            self._turn_to_next(error.smtp_code)
            raise _refusal(error.smtp_code, error.smtp_error) from error
        except (OSError, smtplib.SMTPException) as error:
            if isinstance(error.__context__, TimeoutError):
                # the server may be about to take it: asking again at once would make it two
                raise Refused(_one_line(error), is_permanent=False) from error
            raise ConnectionLost(_one_line(error)) from error

    def _turn_to_next(self, code: int) -> None:
        """After a refusal the connection is as new; one that the server ends is closed."""
        assert self.connection is not None
        if code == CLOSING:
            self.connection.close()
        else:
            with suppress(smtplib.SMTPServerDisconnected):
                self.connection.rset()

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

    def _message(self, mail: Written) -> bytes:
        ready, self._ready = self._ready, None
        return ready[1] if ready and ready[0] is mail else message_of(mail, self.sender).as_bytes()

    def _get_ready(self) -> None:
        expected, self._expected = self._expected, None
        if expected is not None:
            with suppress(Exception):  # it fails again, and alone, when its turn comes
                self._ready = (expected, message_of(expected, self.sender).as_bytes())


class _Connection(smtplib.SMTP):
    """Does something useful while the server looks at a mail, which is the only thing it is sent as bytes."""

    meanwhile: Callable[[], None] | None = None

    def send(self, s: Any) -> None:
        super().send(s)
        if isinstance(s, bytes) and self.meanwhile:
            self.meanwhile()


class _EncryptedConnection(_Connection, smtplib.SMTP_SSL):
    """The same over TLS from the first byte."""


@cache
def _trust() -> ssl.SSLContext:
    """Whom this machine trusts; to read that takes longer than to send many mails."""
    return ssl.create_default_context()


@cache
def _sender(mail_from: str) -> Address:
    name, address = parseaddr(mail_from)
    return Address(name or "Wegmarke", addr_spec=address_of(address))


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
