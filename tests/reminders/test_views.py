from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.core.database import db
from app.core.localized import Localized
from app.mail.models import Mail
from app.milestones.models import Approval
from app.reminders import service
from tests.conftest import Client
from tests.factories import NOON, City, add_milestone


def page(client: Client, **query: Any) -> str:
    answer = client.get("/reminders", query_string=query)
    assert answer.status_code == 200
    return str(answer.get_data(as_text=True))


def swept(city: City, *, days: int = 1) -> None:
    city.measure.status = "approved"
    milestone = add_milestone(city.measure, NOON.date() + timedelta(days=7), title=Localized("Konzept <1>"))
    for number in range(days):
        service.sweep_all(NOON + timedelta(days=number))
    db.session.commit()
    assert milestone.id


def test_the_page_shows_each_programme_s_ladder_in_words(client: Client, city: City) -> None:
    client.sign_in(city.lead)
    html = page(client)
    for words in ("30 Tage vorher", "am Tag selbst", "7 Tage danach, dann alle 7 Tage", "Projektleitung", "07:00"):
        assert words in html
    assert "Noch wurde an nichts erinnert." in html


def test_the_ledger_says_what_was_reminded_of_whom_and_when(client: Client, city: City) -> None:
    swept(city)
    client.sign_in(city.lead)
    html = page(client)
    for words in ("Konzept &lt;1&gt;", "7 Tage vorher", "gemailt", "überholt", "15.03.2023", "22.03.2023"):
        assert words in html
    assert f"/measures/{city.measure.id}" in html


def test_only_operations_are_led_to_the_mail_itself(client: Client, city: City) -> None:
    swept(city)
    client.sign_in(city.lead)
    assert "/outbox/" not in page(client)
    client.sign_in(city.coordinator)
    assert "/outbox/" in page(client)


def test_a_deadline_deleted_since_is_named_as_such(client: Client, city: City) -> None:
    swept(city)
    db.session.delete(city.measure.milestones[0])
    db.session.commit()
    client.sign_in(city.lead)
    assert "inzwischen gelöscht" in page(client)


def test_a_step_that_left_the_ladder_keeps_its_key(client: Client, city: City) -> None:
    swept(city)
    step = next(step for step in city.programme.steps if step.key == "before-7")
    city.programme.steps.remove(step)
    db.session.commit()
    client.sign_in(city.lead)
    assert "before-7" in page(client)


def test_the_ledger_is_shown_page_by_page(client: Client, city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    swept(city)
    monkeypatch.setattr("app.reminders.views.PER_PAGE", 2)
    client.sign_in(city.lead)
    assert page(client).count("22.03.2023") == 2
    assert page(client, page=2).count("22.03.2023") == 1
    assert "Noch wurde an nichts erinnert" in page(client, page=99)
    assert page(client, page="x").count("22.03.2023") == 2


def test_the_page_speaks_english(client: Client, city: City) -> None:
    swept(city)
    city.lead.language = "en"
    client.sign_in(city.lead)
    assert city.programme.name.in_language("en") in page(client)


def test_a_funder_may_not_see_whom_the_city_reminds(client: Client, city: City) -> None:
    client.sign_in(city.funder)
    assert client.get("/reminders").status_code == 403


def test_nobody_sees_it_without_signing_in(client: Client, city: City) -> None:
    assert client.get("/reminders").status_code == 302


def test_peer_14_the_links_of_a_reminder_change_nothing_however_often_they_are_called(
    client: Client, city: City
) -> None:
    """As a mail scanner calls them: with GET and HEAD, in the name of whoever is signed in."""
    city.measure.status = "approved"
    milestone = add_milestone(city.measure, NOON.date() + timedelta(days=7))
    service.sweep_all(NOON)
    db.session.commit()
    before = milestone.version
    (link,) = re.findall(r"http://localhost(/milestones/\S+)", db.session.scalars(select(Mail.body_text)).one())
    client.sign_in(city.lead)
    for method in (client.get, client.head):
        for _ in range(3):
            assert method(link).status_code == 200
    db.session.refresh(milestone)
    assert (milestone.version, milestone.state) == (before, "open")
    assert db.session.scalars(select(Approval)).all() == []
