"""The mail server of a replay, asked over real SMTP."""

from __future__ import annotations

import smtplib
import socket
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from app.simulation.faults import Answer, Faults, Rates
from app.simulation.sink import ADDRESS, Server, closed_port, mail_server


def letter(subject: str = "Zwei Fristen", text: str = "https://replay.example/milestones/1\n.\n") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@replay.example", "b@replay.example", subject
    message["Message-ID"] = f"<{subject.replace(' ', '-')}@replay.example>"
    message["Date"] = "Wed, 15 Mar 2023 07:00:00 +0100"
    message.set_content(text, cte="quoted-printable")
    message.add_alternative("<p>html</p>", subtype="html")
    return message


def send(server: Server, message: EmailMessage) -> None:
    with smtplib.SMTP(ADDRESS, server.port, "replay.example") as client:
        client.send_message(message)


def test_it_remembers_what_it_took() -> None:
    with mail_server(Faults(1, Rates())) as server:
        send(server, letter())
        [arrival] = server.arrivals
    assert arrival.message_id == "<Zwei-Fristen@replay.example>"
    assert arrival.recipient == "b@replay.example"
    assert arrival.at == datetime(2023, 3, 15, 6, tzinfo=UTC)
    assert arrival.links == {"https://replay.example/milestones/1"}


def test_lines_that_begin_with_a_dot_are_read_as_they_were_written() -> None:
    long = f"https://replay{'.a' * 90}/after"  # too long for one line: some of its parts begin with a dot
    message = letter(text=f"one\n.\n{long}\n")
    with mail_server(Faults(1, Rates())) as server:
        send(server, message)
        assert server.arrivals[0].links == {long}


@pytest.mark.parametrize("wanted", [Answer.LATER, Answer.NEVER, Answer.HANGS_UP])
def test_it_fails_as_the_seed_says_and_keeps_nothing(wanted: Answer) -> None:
    faults = Faults(1, Rates(smtp_failure=1))
    with mail_server(faults) as server:
        for number in range(50):
            message = letter(f"Nummer {number}")
            name = "\x1f".join(str(message[header]) for header in ("To", "Date", "Subject"))
            if faults.answer(name, 1) is not wanted:
                continue
            with pytest.raises(smtplib.SMTPException) as refused:
                send(server, message)
            break
        assert server.arrivals == []
    codes = {Answer.LATER: 451, Answer.NEVER: 550}
    if wanted in codes:
        assert isinstance(refused.value, smtplib.SMTPDataError)
        assert refused.value.smtp_code == codes[wanted]
    else:
        assert isinstance(refused.value, smtplib.SMTPServerDisconnected)


def test_healed_it_takes_everything() -> None:
    with mail_server(Faults(1, Rates(smtp_failure=1))) as server:
        server.heal()
        send(server, letter())
        assert len(server.arrivals) == 1


def test_nobody_listens_at_the_closed_port() -> None:
    with closed_port() as port, pytest.raises(ConnectionRefusedError):
        socket.create_connection((ADDRESS, port), timeout=5)
