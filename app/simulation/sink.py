"""A mail server that counts: it takes mails over real SMTP, fails as its seed says, and remembers what it took."""

from __future__ import annotations

import re
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from email.utils import parsedate_to_datetime
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread

from app.simulation.faults import Answer, Faults, Rates

ADDRESS = "127.0.0.1"
LINKS = re.compile(r"https?://\S+")
REPLIES = {
    Answer.TAKEN: b"250 2.0.0 taken\r\n",
    Answer.LATER: b"451 4.3.0 not now\r\n",
    Answer.NEVER: b"550 5.1.1 nobody of that name\r\n",
}


@dataclass(frozen=True)
class Arrival:
    """A mail that the server took. `links` are the addresses in its text."""

    message_id: str
    recipient: str
    at: datetime
    links: frozenset[str]


class Server(ThreadingTCPServer):
    """Takes mails and keeps who got what."""

    daemon_threads = True

    def __init__(self, faults: Faults) -> None:
        super().__init__((ADDRESS, 0), Session)
        self.faults = faults
        self.offered: Counter[str] = Counter()
        self.arrivals: list[Arrival] = []

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def heal(self) -> None:
        """From now on every mail is taken."""
        self.faults = Faults(self.faults.seed, Rates())

    def offer(self, content: bytes) -> Answer:
        """Takes a mail or not; a mail that was not taken leaves no trace."""
        message = message_from_bytes(content)
        letter = "\x1f".join(str(message[name]) for name in ("To", "Date", "Subject"))
        self.offered[letter] += 1
        answer = self.faults.answer(letter, self.offered[letter])
        if answer is Answer.TAKEN:
            self.arrivals.append(_arrival(message))
        return answer


class Session(StreamRequestHandler):
    """One connection of a client."""

    disable_nagle_algorithm = True
    server: Server

    def handle(self) -> None:
        """Speaks SMTP until the client leaves, or until it is hung up on."""
        self.wfile.write(b"220 replay\r\n")
        for line in self.rfile:
            verb = line[:4].upper()
            if verb == b"EHLO":
                self.wfile.write(b"250-replay\r\n250 8BITMIME\r\n")
            elif verb == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            elif verb == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                answer = self.server.offer(self._read_mail())
                if answer is Answer.HANGS_UP:
                    return
                self.wfile.write(REPLIES[answer])
            elif verb in (b"HELO", b"MAIL", b"RCPT", b"RSET", b"NOOP"):
                self.wfile.write(b"250 ok\r\n")
            else:
                self.wfile.write(b"502 unknown\r\n")

    def _read_mail(self) -> bytes:
        lines: list[bytes] = []
        for line in self.rfile:
            if line == b".\r\n":
                break
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)


def _arrival(message: Message) -> Arrival:
    return Arrival(
        message_id=str(message["Message-ID"]),
        recipient=str(message["To"]),
        at=parsedate_to_datetime(str(message["Date"])).astimezone(UTC),
        links=frozenset(LINKS.findall(_text_of(message))),
    )


def _text_of(message: Message) -> str:
    for part in message.walk():
        if part.get_content_type() == "text/plain":
            content = part.get_payload(decode=True)
            if isinstance(content, bytes):
                return content.decode(part.get_content_charset() or "utf-8", "replace")
    return ""


@contextmanager
def mail_server(faults: Faults) -> Iterator[Server]:
    """A server at a port of this machine, for as long as the context lasts."""
    with Server(faults) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def closed_port() -> Iterator[int]:
    """A port of this machine at which nobody listens, and nobody can begin to."""
    with socket.socket() as held:
        held.bind((ADDRESS, 0))
        yield held.getsockname()[1]
