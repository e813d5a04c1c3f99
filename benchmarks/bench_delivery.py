"""Emptying an outbox of 1,000 mails, against a bare smtplib loop that hands the same bytes to the same server.

Both use one connection to a server in a process of its own that takes everything and keeps nothing.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import smtplib
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory

import flask_migrate
import sqlalchemy as sa
from aiosmtpd.smtp import SMTP, Envelope, Session
from flask import Flask

from app import create_app
from app.accounts.models import Account
from app.core import clock
from app.core.database import db
from app.core.localized import Localized
from app.core.transaction import reading, transaction
from app.mail import service
from app.mail.delivery import deliver_batch
from app.mail.message import message_of
from app.mail.models import Mail
from app.mail.queries import list_due
from app.mail.transport import Transport
from config import MailServer
from tests.conftest import fresh_database, settings_for

MAILS = 1_000
ROUNDS = 5
AT_LEAST = 0.7
"""The share of the bare loop's mails per second that delivery has to reach."""


class TakesAll:
    """The server's side: every mail is taken and forgotten."""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        return "250 taken"


def serve(told: Connection) -> None:
    """Tells its port, then takes mails until the process is ended."""

    async def run() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: SMTP(TakesAll(), hostname="localhost", loop=loop), "127.0.0.1", 0)
        told.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


@contextmanager
def mail_server() -> Iterator[MailServer]:
    processes = multiprocessing.get_context("spawn")
    ours, theirs = processes.Pipe()
    process = processes.Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    if len(cores := os.sched_getaffinity(0)) > 1:  # mail servers are other machines: it gets a core to itself
        os.sched_setaffinity(process.pid or 0, {max(cores)})
    try:
        yield MailServer("127.0.0.1", ours.recv(), None, None, starttls=False, ssl=False)
    finally:
        process.terminate()
        process.join()


@contextmanager
def installation(server: MailServer) -> Iterator[Flask]:
    with fresh_database(f"wegmarke_bench_{os.getpid()}") as url, TemporaryDirectory() as folder:
        flask = create_app(settings_for(url, Path(folder), mail_server=server))
        with flask.app_context():
            flask_migrate.upgrade()
            try:
                yield flask
            finally:
                db.session.remove()
                db.engine.dispose()


def fill_outbox() -> None:
    """Mails of the frame and size every mail has, each to somebody else."""
    account = Account(email="lead@stadt.example", name=Localized("Projektleitung"))
    with transaction():
        db.session.execute(sa.delete(Mail))
        for number in range(MAILS):
            to = service.Recipient(f"person{number}@stadt.example", f"Größe {number}")
            content = {"url": f"https://wegmarke.stadt.example/password/{number}", "account": account}
            service.enqueue("invitation", to, content, now=clock.now())


def bare_loop(server: MailServer, sender: str, messages: Sequence[tuple[str, bytes]]) -> float:
    with smtplib.SMTP(server.host, server.port, "localhost") as connection:
        connection.ehlo()
        began = time.perf_counter()
        for address, message in messages:
            connection.sendmail(sender, [address], message)
        return time.perf_counter() - began


def delivery(transport: Transport) -> float:
    began = time.perf_counter()
    done = deliver_batch(transport, MAILS)
    took = time.perf_counter() - began
    assert done.sent == MAILS, done
    return took


def measure() -> list[tuple[float, float]]:
    """Seconds of the bare loop and of delivery, round by round: what slows the machine down meets both."""
    rounds = []
    with mail_server() as server, installation(server) as flask:
        transport = Transport.of(flask.config["SETTINGS"])
        for _ in range(ROUNDS):
            fill_outbox()
            with reading():
                mails = list_due(clock.wall_now(), MAILS, ())
            messages = [(mail.to_address, message_of(mail, transport.sender).as_bytes()) for mail in mails]
            rounds.append((bare_loop(server, transport.bounces, messages), delivery(transport)))
    return rounds


def main() -> None:
    if not os.environ.get("TEST_DATABASE_URL"):
        print("TEST_DATABASE_URL is not set; delivery is measured on PostgreSQL: run it with ./dev bench")
        return
    ratio, bare, ours = sorted((bare / ours, bare, ours) for bare, ours in measure())[ROUNDS // 2]
    print(f"{MAILS:,} mails: {MAILS / ours:,.0f} a second, {ratio:.0%} of a bare smtplib loop ({MAILS / bare:,.0f})")
    if ratio < AT_LEAST:
        sys.exit(f"slower than {AT_LEAST:.0%} of the bare loop")


if __name__ == "__main__":
    main()
