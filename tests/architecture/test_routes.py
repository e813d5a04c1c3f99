"""Every page is guarded, and no GET changes anything."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.routing import Rule

from app.accounts.views import PUBLIC
from app.core import transaction
from app.core.database import db
from app.core.localized import Localized
from app.digests import service as digests
from app.digests.models import DigestRecipient
from app.documents.models import Document
from app.grants.models import Grant, Obligation
from app.mail import service as mail
from app.milestones.models import Approval, MoveRequest
from app.organisations.models import Absence
from app.programmes import service as programmes
from app.progress.models import ProgressUpdate
from tests.conftest import Client
from tests.factories import NOON, City, actor, add, add_account, add_milestone

SERVED_BEFORE_SIGN_IN = PUBLIC - {"trial.sign_in"}
STATIC = {"static", "assets.kern"}


def rules(app: Flask) -> list[Rule]:
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint not in STATIC]


def address(app: Flask, rule: Rule, values: dict[str, Any]) -> str:
    adapter = app.url_map.bind("localhost")
    return adapter.build(rule.endpoint, values)


def made_up(rule: Rule) -> dict[str, Any]:
    made_up = {name: uuid4() if "uuid" in str(rule) and name.endswith("_id") else "x" for name in rule.arguments}
    return made_up | {name: 1 for name in rule.arguments if f"<int:{name}>" in str(rule)}


def test_the_public_pages_are_these_and_no_others(app: Flask) -> None:
    assert {
        "accounts.change_language",
        "accounts.choose_password",
        "accounts.sign_in",
        "accounts.sign_in_with_password",
        "answers.give",
        "answers.opt_out",
        "answers.opt_out_with_one_click",
        "assets.kern",
        "health.show",
        "static",
        "trial.sign_in",
    } == PUBLIC


def test_nobody_gets_past_the_sign_in(app: Flask, client: Client, city: City) -> None:
    for rule in rules(app):
        if rule.endpoint in PUBLIC:
            continue
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            answer = client.open(address(app, rule, made_up(rule)), method=method)
            assert answer.status_code == 302, (rule, method)
            assert answer.location.startswith("/sign-in"), (rule, method)


@pytest.fixture
def things(city: City) -> dict[str, Any]:
    """One of everything a page can be about, under the name of the address's argument."""
    milestone = add_milestone(city.measure, date(2023, 4, 14))
    open_one = add_milestone(city.measure, date(2023, 6, 30))
    document = add(
        Document(
            filename="x.pdf",
            media_type="application/pdf",
            size=1,
            sha256="0" * 64,
            uploaded_at=NOON,
            uploaded_by_id=None,
        )
    )
    approval = add(
        Approval(
            milestone=milestone,
            submitted_by=city.lead,
            submitted_at=NOON,
            actual_on=date(2023, 3, 1),
            statement="Erreicht",
            evidence=[document],
        )
    )
    wish = add(
        MoveRequest(
            milestone=open_one,
            to_on=date(2023, 9, 30),
            reason="Lieferverzug",
            requested_by=city.lead,
            requested_at=NOON,
        )
    )
    update = add(
        ProgressUpdate(
            measure=city.measure,
            period="2022-Q4",
            state="released",
            health="green",
            percent=40,
            done="Etwas",
            next_steps="Mehr",
            author_id=city.lead.id,
            created_at=NOON,
            submitted_at=NOON,
            decided_at=NOON,
            decided_by_id=city.head.id,
            attachments=[document],
        )
    )
    grant = add(Grant(programme=city.programme, key="g", title=Localized("Zuwendung"), measures=[city.measure]))
    obligation = add(
        Obligation(grant=grant, key="o", kind="proof_of_use", title=Localized("Nachweis"), due_on=date(2023, 4, 1))
    )
    add(
        DigestRecipient(
            programme_id=city.programme.id, organisation_id=city.funder_organisation.id, email="a@b.example"
        )
    )
    letter = mail.enqueue(
        "invitation", mail.Recipient("a@b.example"), {"url": "http://x.example", "account": city.lead}, now=NOON
    )
    absence = add(
        Absence(
            account_id=city.lead.id,
            from_on=date(2023, 3, 14),
            until_on=date(2023, 3, 24),
            deputy_id=city.head.id,
            entered_at=NOON,
        )
    )
    digest = digests.send(
        actor(city.coordinator), city.programme, city.funder_organisation, until_on=date(2023, 3, 15), now=NOON
    )
    programmes.begin_draft(actor(city.coordinator), city.programme, now=NOON)
    db.session.flush()
    return {
        "measure_id": city.measure.id,
        "milestone_id": open_one.id,
        "approval_id": approval.id,
        "move_request_id": wish.id,
        "document_id": document.id,
        "update_id": update.id,
        "grant_id": grant.id,
        "obligation_id": obligation.id,
        "mail_id": letter.id,
        "digest_id": digest.id,
        "account_id": city.lead.id,
        "absence_id": absence.id,
        "membership_id": uuid4(),
        "key": city.programme.key,
        "programme_key": city.programme.key,
        "organisation_key": city.funder_organisation.key,
        "transition_key": "stop",
        "status_key": "paused",
        "field_key": "result",
        "step_key": "before-7",
        "token": "x",
        "answer": "on-track",
        "version": 1,
    }


ROLES = ("administrator", "coordinator", "lead", "head", "funder", "auditor")


@pytest.mark.parametrize("who", ROLES)
def test_no_page_fails_and_no_get_changes_anything(
    app: Flask, client: Client, city: City, things: dict[str, Any], who: str, count_queries: Callable[[], Any]
) -> None:
    client.sign_in(getattr(city, who))
    seen = 0
    for rule in rules(app):
        if "GET" not in (rule.methods or set()):
            continue
        values = {name: things[name] for name in rule.arguments}
        with count_queries() as queries:
            answer = client.get(address(app, rule, values))
        assert answer.status_code < 500 or rule.endpoint == "health.show", (who, rule, answer.status_code)
        writes = [query for query in queries if re.match(r"\s*(INSERT|UPDATE|DELETE)", query)]
        assert writes == [], (who, rule)
        seen += answer.status_code == 200
    assert seen > 8, "most pages should open for this role"


@pytest.mark.parametrize("who", ROLES)
def test_an_unknown_thing_is_not_found_and_never_an_accident(
    app: Flask, client: Client, city: City, who: str
) -> None:
    client.sign_in(getattr(city, who))
    for rule in rules(app):
        if not rule.arguments or rule.endpoint in PUBLIC:
            continue
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            answer = client.open(address(app, rule, made_up(rule)), method=method)
            assert answer.status_code in (403, 404), (who, rule, method, answer.status_code)


@pytest.mark.parametrize("address", ["/outbox", "/log", "/reminders"])
@pytest.mark.parametrize("page", ["-1", "0", "9999999", "100000000000000000000", "x", "%00"])
def test_a_strange_page_number_is_harmless(client: Client, city: City, address: str, page: str) -> None:
    client.sign_in(city.coordinator)
    assert client.get(f"{address}?page={page}").status_code == 200


@pytest.mark.parametrize("address", ["/programmes/a%00b", "/programmes/a%00b/grants", "/digests/a%00b/x/preview"])
def test_an_address_no_database_keeps_is_not_found(client: Client, city: City, address: str) -> None:
    client.sign_in(city.coordinator)
    assert client.get(address).status_code == 404


def test_whoever_loses_a_race_at_the_commit_gets_a_protected_409_and_no_word_of_success(
    client: Client, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtaken() -> None:
        raise StaleDataError

    monkeypatch.setattr(transaction, "_commit", overtaken)
    client.sign_in(city.head)
    answer = client.post(
        f"/measures/{city.measure.id}/status/stop", data={"version": city.measure.version, "note": "Mein Grund"}
    )
    assert answer.status_code == 409
    assert "Mein Grund" in answer.text
    assert "Der Status ist jetzt" not in answer.text
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"


def test_unknown_addresses_and_methods_are_styled_pages_with_a_way_on(client: Client, city: City) -> None:
    client.sign_in(city.lead)
    for answer in (client.get("/gibt-es-nicht"), client.delete("/measures"), client.get("/measures/keine-uuid")):
        assert answer.status_code in (404, 405)
        assert "Diese Seite gibt es nicht" in answer.text
        assert 'href="/"' in answer.text


def test_an_accident_is_a_styled_page_too(
    app: Flask, client: Client, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.sign_in(city.lead)
    app.config["PROPAGATE_EXCEPTIONS"] = False

    def broken() -> str:
        raise ZeroDivisionError

    monkeypatch.setitem(app.view_functions, "portfolio.index", broken)
    try:
        answer = client.get("/measures")
    finally:
        app.config["PROPAGATE_EXCEPTIONS"] = True
    assert answer.status_code == 500
    assert "Es wurde nichts gespeichert." in answer.text


def test_a_form_without_its_token_is_refused_and_keeps_what_was_typed(app: Flask, client: Client, city: City) -> None:
    client.sign_in(city.head)
    app.config["WTF_CSRF_ENABLED"] = True
    try:
        answer = client.post(f"/measures/{city.measure.id}/status/stop", data={"note": "Mein Grund"})
    finally:
        app.config["WTF_CSRF_ENABLED"] = False
    assert answer.status_code == 400
    assert "Mein Grund" in answer.text
    db.session.refresh(city.measure)
    assert city.measure.status == "running"


def test_answers_carry_their_protection(client: Client, city: City) -> None:
    client.sign_in(city.lead)
    headers = client.get("/measures").headers
    assert "script-src 'self'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"


def test_the_sandbox_does_not_exist_in_production(
    app: Flask, client: Client, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = add_account("Rolle")
    settings = app.config["SETTINGS"]
    monkeypatch.setitem(app.config, "SETTINGS", type(settings)(**{**vars(settings), "mode": "production"}))
    assert client.post(f"/trial/sign-in/{account.id}").status_code == 404
    client.sign_in(city.coordinator)
    until = (date(2023, 3, 15) + timedelta(days=1)).isoformat()
    assert client.post("/trial/clock", data={"until": until}).status_code == 404
