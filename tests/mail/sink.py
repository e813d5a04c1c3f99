"""A mail server in the test process: keeps what it takes, refuses what it is told to, and may be slow."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from config import MailServer


@dataclass
class Sink:
    """What arrived, and how the server behaves.

    `refuses` maps a recipient to the answer they get; `hangs_up_on` are recipients at whose mail the connection
    ends without a word; `mails_per_connection` is how many the server takes before it ends the connection.
    """

    port: int = 0
    seconds: float = 0
    refuses: dict[str, str] = field(default_factory=dict)
    refuses_sender: str | None = None
    hangs_up_on: set[str] = field(default_factory=set)
    mails_per_connection: int | None = None
    arrived: list[EmailMessage] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)
    connections: int = 0
    taken: int = 0

    @property
    def server(self) -> MailServer:
        return MailServer("127.0.0.1", self.port, None, None, starttls=False, ssl=False)

    @property
    def recipients(self) -> list[str]:
        return [str(mail["To"].addresses[0].addr_spec) for mail in self.arrived]

    # -- called by aiosmtpd ------------------------------------------------------------------------------------------

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        self.taken = 0
        session.host_name = hostname
        return responses

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.refuses_sender:
            return self.refuses_sender
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refuses:
            return self.refuses[address]
        if address in self.hangs_up_on:
            assert server.transport
            server.transport.close()
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.mails_per_connection is not None and self.taken >= self.mails_per_connection:
            return "421 enough for one connection"
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, policy=default)
        assert isinstance(message, EmailMessage)
        self.arrived.append(message)
        self.senders.append(envelope.mail_from or "")
        self.taken += 1
        await asyncio.sleep(self.seconds)
        return "250 taken"


@contextmanager
def running_sink(port: int = 0) -> Iterator[Sink]:
    """A sink that listens until the end of the block, on a free port unless one is given."""
    sink = Sink()
    controller = Controller(sink, hostname="127.0.0.1", port=port or _free_port(), ready_timeout=30)
    controller.start()
    try:
        sink.port = controller.port
        yield sink
    finally:
        controller.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
