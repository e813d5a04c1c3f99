"""The mail server of a trial: takes every mail over real SMTP and keeps it as a file, nothing leaves the machine.

python -m workers.mail_sink --port 1025 --folder var/mails
"""

from __future__ import annotations

import argparse
import asyncio
import signal
from functools import partial
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

ADDRESS = "127.0.0.1"


class Mailbox:
    """A folder of mails, numbered in the order in which they came: 00001.eml, 00002.eml …"""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        numbers = (int(mail.stem) for mail in folder.glob("*.eml") if mail.stem.isdigit())
        self.last_number = max(numbers, default=0)

    def keep(self, sender: str, recipients: list[str], message: bytes) -> Path:
        """Writes one mail and returns its file; the envelope stands above the message's own headers."""
        self.last_number += 1
        path = self.folder / f"{self.last_number:05}.eml"
        envelope = [f"Return-Path: <{sender}>", *(f"Delivered-To: {recipient}" for recipient in recipients)]
        unfinished = path.with_suffix(".part")  # a reader of the folder never sees half a mail
        unfinished.write_bytes("".join(f"{line}\r\n" for line in envelope).encode() + message)
        return unfinished.rename(path)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Called by the SMTP server for each mail; answers the client."""
        message = envelope.content
        assert isinstance(message, bytes)  # the server is made without decode_data
        path = self.keep(envelope.mail_from or "", [str(recipient) for recipient in envelope.rcpt_tos], message)
        return f"250 kept as {path.name}"


async def serve(port: int, mailbox: Mailbox) -> None:
    """Takes mails until the process is told to end (SIGTERM or Ctrl-C)."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    smtp = partial(SMTP, mailbox, enable_SMTPUTF8=True, hostname="localhost", ident="Wegmarke trial", loop=loop)
    server = await loop.create_server(smtp, ADDRESS, port)
    await ended.wait()
    server.close()


def main() -> None:
    """Reads the command line and serves."""
    parser = argparse.ArgumentParser(description="Keep every mail as a file.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
    asyncio.run(serve(options.port, Mailbox(options.folder)))


if __name__ == "__main__":
    main()
