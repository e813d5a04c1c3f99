"""Signing in and out, invitations, language."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select

from app.accounts import service
from app.accounts.models import Account
from app.accounts.views import limiter
from app.core.database import db
from app.mail.models import Mail
from app.organisations.permissions import system
from tests.conftest import Client
from tests.factories import NOON, City, add_account

PASSWORD = "ein langer Satz als Passwort"


@pytest.fixture
def person(app: Flask) -> Account:
    account = add_account("Erika Muster")
    service.set_password(system("Test"), account, PASSWORD, now=NOON)
    db.session.commit()
    return account


def test_every_page_asks_for_a_sign_in_and_leads_back(client: Client, city: City, person: Account) -> None:
    answer = client.get("/measures?programme=x")
    assert answer.status_code == 302
    assert answer.location == "/sign-in?next=/measures?programme%3Dx"
    answer = client.post(
        "/sign-in", data={"email": person.email.upper(), "password": PASSWORD, "next": "/measures?programme=x"}
    )
    assert answer.location == "/measures?programme=x"
    assert client.get("/measures").status_code == 200


@pytest.mark.parametrize(
    "target", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:x", "", "x"]
)
def test_the_sign_in_leads_to_this_server_only(client: Client, person: Account, target: str) -> None:
    answer = client.post("/sign-in", data={"email": person.email, "password": PASSWORD, "next": target})
    assert answer.location == "/"


@pytest.mark.parametrize(("email", "password"), [("nobody@x.example", PASSWORD), ("", PASSWORD), (None, "falsch")])
def test_a_wrong_sign_in_never_says_what_was_wrong(
    client: Client, person: Account, email: str | None, password: str
) -> None:
    answer = client.post("/sign-in", data={"email": person.email if email is None else email, "password": password})
    assert answer.status_code == 422
    if email != "":
        assert "E-Mail-Adresse oder Passwort stimmt nicht." in answer.text
        assert (email or person.email) in answer.text
    assert password not in answer.text


def test_a_closed_account_is_signed_out_at_once(client: Client, city: City, person: Account) -> None:
    client.post("/sign-in", data={"email": person.email, "password": PASSWORD})
    assert client.get("/measures").status_code == 200
    person.active = False
    assert client.get("/measures").status_code == 302
    assert client.post("/sign-in", data={"email": person.email, "password": PASSWORD}).status_code == 422


def test_a_new_password_ends_the_old_sessions(client: Client, city: City, person: Account) -> None:
    client.post("/sign-in", data={"email": person.email, "password": PASSWORD})
    assert client.get("/measures").status_code == 200
    service.set_password(system("Test"), person, PASSWORD + " und mehr", now=NOON)
    assert client.get("/measures").status_code == 302


def test_signing_out_ends_the_session(client: Client, city: City) -> None:
    client.sign_in(city.lead)
    assert client.post("/sign-out").status_code == 302
    assert client.get("/measures").status_code == 302


def test_an_invitation_sets_the_password_once(client: Client, city: City) -> None:
    account = add_account("Neue Person")
    service.invite(system("Test"), account, now=NOON)
    mail = db.session.scalar(select(Mail).where(Mail.kind == "invitation"))
    assert mail is not None
    link = re.search(r"http://localhost(/password/\S+)", mail.body_text)
    assert link is not None
    assert link[1] in mail.body_html
    address = link[1]
    assert client.get(address).status_code == 200
    wrong = client.post(address, data={"password": "kurz", "repeated": "kurz"})
    assert wrong.status_code == 422
    assert "mindestens 12 Zeichen" in wrong.text
    differing = client.post(address, data={"password": PASSWORD, "repeated": PASSWORD + "!"})
    assert "Die beiden Passwörter sind verschieden." in differing.text
    assert client.post(address, data={"password": PASSWORD, "repeated": PASSWORD}).status_code == 302
    assert client.get("/measures").status_code == 200
    assert client.get(address).status_code == 404
    assert client.get("/password/made-up").status_code == 404


def test_the_language_is_switched_and_kept(client: Client, city: City) -> None:
    client.sign_in(city.lead)
    client.post("/language", data={"language": "en", "next": "/measures"})
    db.session.refresh(city.lead)
    assert city.lead.language == "en"
    assert '<html lang="en">' in client.get("/measures").text
    assert client.post("/language", data={"language": "xx"}).status_code == 400


@pytest.fixture
def limited(app: Flask) -> Iterator[None]:
    limiter.enabled = True
    limiter.reset()
    yield
    limiter.enabled = False


def test_guessing_passwords_is_slowed_down(client: Client, person: Account, limited: None) -> None:
    answers = [client.post("/sign-in", data={"email": person.email, "password": "falsch"}) for _try in range(11)]
    assert [answer.status_code for answer in answers] == [422] * 10 + [429]
    assert "Bitte warten Sie eine Minute" in answers[-1].text
