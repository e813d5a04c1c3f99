"""A mail as it goes over the wire.

A sweep leaves hundreds behind at once, and the mail server must not wait for us: so the standard library lays out
each kind of mail once, and a mail fills that frame. The words of people are encoded and folded by the standard
library, and nothing that could begin another header gets into one.
"""

from __future__ import annotations

import re
from binascii import b2a_qp
from email.charset import BASE64, Charset
from email.errors import HeaderParseError, MessageError
from email.header import Header
from email.headerregistry import Address
from email.message import Message
from email.policy import Compat32, compat32
from email.utils import format_datetime, formataddr
from functools import lru_cache
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Protocol

from app.core import clock

ONE_CLICK = "List-Unsubscribe=One-Click"
"""What a reader's program sends to the address in List-Unsubscribe (RFC 8058)."""

UTF8 = Charset("utf-8")
UTF8.header_encoding = BASE64

LONGEST_WORD = 75
"""Characters of an encoded word (RFC 2047)."""

FOLDED = compat32.clone(linesep="\r\n", max_line_length=LONGEST_WORD)
BOUNDARY = f"=_{token_hex(12)}"
"""Between the parts of a mail; nothing encoded as quoted-printable holds an equals sign before an underscore, so no
text can end its part, even one written by somebody who knows this."""

PLACE = "=*="
"""Where a frame is filled, and nothing else."""

USUAL_ADDRESS = re.compile(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
"""What needs no closer look."""

ANOTHER_LINE = re.compile(r"\r(?!\n )|(?<!\r)\n|\n(?! )")
"""What ends a header: every end of a line but that of a folded one."""


if TYPE_CHECKING:
    _Headers = Message[Any, Any]
else:
    _Headers = Message


class Written(Protocol):
    """A mail of the outbox, as far as its reader gets to see it."""

    @property
    def kind(self) -> str: ...
    @property
    def to_address(self) -> str: ...
    @property
    def to_name(self) -> str: ...
    @property
    def language(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def body_text(self) -> str: ...
    @property
    def body_html(self) -> str: ...
    @property
    def message_id(self) -> str: ...
    @property
    def unsubscribe_url(self) -> str | None: ...


class Refused(Exception):
    """This mail is not taken, by the server or by us; `is_permanent` tells whether it ever will be."""

    def __init__(self, reason: str, is_permanent: bool) -> None:
        super().__init__(reason)
        self.is_permanent = is_permanent


def message_of(mail: Written, sender: Address) -> Message[Any, Any]:
    """The mail as it goes over the wire: text and HTML, and headers that no content can break out of.

    Raises:
        Refused: for good, when the address is none.
    """
    message = _Letter(
        _frame(mail.kind, mail.language, sender.display_name, sender.addr_spec), mail.body_text, mail.body_html
    )
    message["To"] = _recipient(" ".join(mail.to_name.split()), address_of(mail.to_address))
    message["Subject"] = _words(" ".join(mail.subject.split()), "Subject")
    message["Date"] = format_datetime(clock.wall_now())
    message["Message-ID"] = mail.message_id
    if mail.unsubscribe_url:
        message["List-Unsubscribe"] = f"<{mail.unsubscribe_url}>"
        message["List-Unsubscribe-Post"] = ONE_CLICK
    return message


@lru_cache(maxsize=100)
def _frame(kind: str, language: str, sender: str, address: str) -> list[bytes]:
    """What is the same in every mail of a kind: before its text, between text and HTML, and after both."""
    frame: Message[Any, Any] = Message(POLICY)
    frame["From"] = formataddr((sender, address))
    frame["Auto-Submitted"] = "auto-generated"
    frame["List-Id"] = f"<{kind.replace('_', '-')}.{address.rsplit('@', 1)[-1]}>"
    frame["Content-Language"] = language
    frame["MIME-Version"] = "1.0"
    frame["Content-Type"] = f'multipart/alternative; boundary="{BOUNDARY}"'
    frame.attach(_part("plain"))
    frame.attach(_part("html"))
    return frame.as_bytes().split(PLACE.encode())


def _part(kind: str) -> Message[Any, Any]:
    part: Message[Any, Any] = Message(POLICY)
    part["Content-Type"] = f'text/{kind}; charset="utf-8"'
    part["Content-Transfer-Encoding"] = "quoted-printable"
    part.set_payload(PLACE)
    return part


@lru_cache(maxsize=1000)
def address_of(written: str) -> str:
    """A mail address as every server takes it: a domain with umlauts in its other spelling.

    Raises:
        Refused: for good, when it is none.
    """
    if USUAL_ADDRESS.fullmatch(written):
        return written
    try:
        address = Address("", addr_spec=written)
        return f"{address.username.encode('ascii').decode()}@{address.domain.encode('idna').decode()}"
    except (ValueError, IndexError, MessageError) as error:
        raise Refused(" ".join(str(error).split()) or type(error).__name__, is_permanent=True) from error


@lru_cache(maxsize=1000)
def _recipient(name: str, address: str) -> str:
    if _is_plain(name):
        return formataddr((name, address))
    header = Header(name, UTF8, header_name="To")
    header.append(f"<{address}>", "us-ascii")
    return header.encode(linesep="\r\n", maxlinelen=LONGEST_WORD)


def _words(words: str, header_name: str) -> Header | str:
    if _is_plain(words) and len(header_name) + 2 + len(words) <= LONGEST_WORD:
        return words
    return Header(words, None if _is_plain(words) else UTF8, header_name=header_name)


def _is_plain(words: str) -> bool:
    """Whether words need no encoding, and do not look like something encoded."""
    return words.isascii() and words.isprintable() and "=?" not in words


def _encoded(body: str) -> bytes:
    """Text in quoted-printable, each of its lines ended by CRLF."""
    lines = body.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").replace("\n", "\r\n") + "\r\n"
    return b2a_qp(lines.encode(), istext=True)


class _Policy(Compat32):
    """Folds the words of people; what we wrote ourselves stays in its line."""

    def fold_binary(self, name: str, value: Any) -> bytes:
        if not isinstance(value, str):
            return FOLDED.fold_binary(name, value)
        if ANOTHER_LINE.search(value):
            raise HeaderParseError(f"{name} has a second line")
        return f"{name}: {value}\r\n".encode("ascii")


POLICY = _Policy(linesep="\r\n")


class _Letter(_Headers):
    """The headers of one mail, and what its frame is filled with."""

    def __init__(self, frame: list[bytes], text: str, html: str) -> None:
        super().__init__(POLICY)
        self.frame, self.text, self.html = frame, text, html

    def as_bytes(self, *_: Any, **__: Any) -> bytes:
        before, between, after = self.frame
        headers = (POLICY.fold_binary(name, value) for name, value in self.items())
        return b"".join((*headers, before, _encoded(self.text), between, _encoded(self.html), after))
