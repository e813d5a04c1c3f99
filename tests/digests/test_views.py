from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from app.core.database import db
from app.digests import service
from app.digests.models import Digest
from app.mail.models import Mail
from app.organisations.permissions import Role
from tests.conftest import Client
from tests.digests.arrange import add_recipient, add_update, change_status, mails, part_of
from tests.factories import (
    NOON,
    City,
    actor,
    add_account,
    add_funder_organisation,
    add_measure,
    add_programme,
)

TODAY = date(2023, 3, 15)


def address(city: City, page: str = "preview") -> str:
    return f"/digests/{city.programme.key}/{city.funder_organisation.key}/{page}"


def send(city: City, until_on: date = TODAY) -> Digest:
    return service.send(
        actor(city.coordinator), city.programme, city.funder_organisation, until_on=until_on, now=NOON
    )


def fields(page: str) -> dict[str, str]:
    """The hidden fields of the form that sends."""
    form = page.split('/send"')[1].split("</form>")[0]
    return dict(re.findall(r'name="(until|seen)"[^>]*value="([^"]*)"', form))


@pytest.fixture
def news(city: City) -> City:
    """A city with something to tell, and somebody to tell it."""
    add_recipient(part_of(city), name="Referat 501")
    add_update(city.measure)
    return city


# -- who sees what


@pytest.mark.parametrize("who", ["coordinator", "auditor", "administrator", "head", "lead"])
def test_the_city_sees_every_funder(client: Client, news: City, who: str) -> None:
    add_programme(add_funder_organisation("Bundesministerium"))
    client.sign_in(getattr(news, who))
    page = client.get("/digests")
    assert page.status_code == 200
    assert "Bundesministerium" in page.text
    assert "Ministerium" in page.text
    assert ("referat@ministerium.example" in page.text) == (who == "coordinator")


def test_a_funder_sees_its_own_and_nobody_else_s(client: Client, news: City) -> None:
    other = add_funder_organisation("Bundesministerium")
    programme = add_programme(other)
    add_update(add_measure(programme))
    add_recipient(programme.funders[0], "bund@example.org")
    foreign = service.send(actor(news.coordinator), programme, other, until_on=TODAY, now=NOON)
    own = send(news)
    client.sign_in(news.funder)
    page = client.get("/digests").text
    assert f"/digests/{own.id}" in page
    assert "Bundesministerium" not in page
    assert "referat@ministerium.example" not in page
    assert "Vorschau" not in page
    assert client.get(f"/digests/{own.id}").status_code == 200
    assert client.get(f"/digests/{own.id}/html").status_code == 200
    for hidden in (
        f"/digests/{foreign.id}",
        f"/digests/{foreign.id}/html",
        f"/digests/{programme.key}/{other.key}/preview",
        f"/digests/{programme.key}/{other.key}/preview/html",
    ):
        assert client.get(hidden).status_code == 404, hidden
    assert client.post(f"/digests/{programme.key}/{other.key}/send").status_code == 404


def test_two_funders_of_one_programme_do_not_see_each_other_s_digests(client: Client, news: City) -> None:
    second = add_account("Bezirk", Role.FUNDER, organisation=add_funder_organisation("Bezirksregierung"))
    own = send(news)
    client.sign_in(second)
    assert client.get(f"/digests/{own.id}").status_code == 404
    assert client.get(address(news)).status_code == 404


def test_a_funder_may_not_look_ahead(client: Client, news: City) -> None:
    client.sign_in(news.funder)
    assert client.get(address(news)).status_code == 403
    assert client.get(address(news, "preview/html")).status_code == 403
    assert client.post(address(news, "send")).status_code == 403


def test_a_digest_that_never_left_is_not_shown_to_the_funder(client: Client, city: City) -> None:
    add_recipient(part_of(city))
    service.sweep_due(NOON)
    quiet = db.session.scalars(select(Digest)).one()
    client.sign_in(city.funder)
    assert client.get(f"/digests/{quiet.id}").status_code == 404
    assert str(quiet.id) not in client.get("/digests").text
    client.sign_in(city.coordinator)
    assert "nichts zu berichten" in client.get("/digests").text
    assert "nichts zu berichten" in client.get(f"/digests/{quiet.id}").text


def test_the_city_is_told_where_an_address_is_missing(client: Client, city: City) -> None:
    client.sign_in(city.coordinator)
    assert "Hier fehlt eine Empfängeradresse" in client.get("/digests").text
    add_update(city.measure)
    page = client.get(address(city)).text
    assert "Hier fehlt eine Empfängeradresse" in page
    assert "Jetzt senden" not in page


def test_the_index_needs_as_many_queries_for_many_funders_as_for_one(
    client: Client, news: City, count_queries: Callable[[], Any]
) -> None:
    client.sign_in(news.coordinator)
    counts = []
    for _ in range(2):
        for _ in range(5):
            add_programme(add_funder_organisation())
        with count_queries() as queries:
            client.get("/digests")
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_unknown_addresses_are_404(client: Client, news: City) -> None:
    client.sign_in(news.coordinator)
    for unknown in (
        f"/digests/{uuid4()}",
        f"/digests/{uuid4()}/html",
        "/digests/no/body/preview",
        f"/digests/{news.programme.key}/nobody/preview",
        "/digests/not-a-key",
    ):
        assert client.get(unknown).status_code == 404, unknown


# -- the preview


def test_the_preview_shows_subject_recipients_and_both_parts(client: Client, news: City) -> None:
    client.sign_in(news.coordinator)
    page = client.get(address(news)).text
    assert "Gesamtbild bis 15.03.2023: 1 Sachstand freigegeben" in page
    assert "referat@ministerium.example" in page
    assert "Referat 501" in page
    assert 'sandbox="allow-popups"' in page
    assert "Sachstand für 4. Quartal 2022" in page
    frame = client.get(address(news, f"preview/html?until={TODAY}"))
    assert "Sachstand für 4. Quartal 2022" in frame.text
    policy = frame.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "frame-ancestors 'self'" in policy


def test_a_preview_changes_nothing(client: Client, news: City) -> None:
    client.sign_in(news.coordinator)
    client.get(address(news))
    client.get(address(news, "preview/html"))
    assert db.session.scalar(select(func.count()).select_from(Digest)) == 0
    assert db.session.scalar(select(func.count()).select_from(Mail)) == 0


@pytest.mark.parametrize(
    ("until", "message"),
    [
        ("2023-03-16", "Der 16.03.2023 liegt in der Zukunft."),
        ("morgen", "„morgen“ ist kein Datum."),
        ("2023-02-30", "„2023-02-30“ ist kein Datum."),
        ("", "Bitte wählen Sie einen Tag."),
    ],
)
def test_a_day_that_cannot_be_is_refused_beside_its_field(
    client: Client, news: City, until: str, message: str
) -> None:
    client.sign_in(news.coordinator)
    page = client.get(address(news), query_string={"until": until})
    assert page.status_code == 422
    assert message in page.text
    assert f'value="{until}"' in page.text
    assert "Jetzt senden" not in page.text


def test_a_day_that_has_been_told_is_refused(client: Client, news: City) -> None:
    send(news)
    client.sign_in(news.coordinator)
    page = client.get(address(news, "preview?until=2023-03-10"))
    assert page.status_code == 422
    assert "Bis einschließlich 15.03.2023 ist schon berichtet." in page.text
    assert client.get(address(news)).status_code == 200


def test_an_earlier_day_gives_an_earlier_picture(client: Client, news: City) -> None:
    client.sign_in(news.coordinator)
    assert (
        "Seit dem letzten Digest gibt es nichts Neues." in client.get(address(news, "preview?until=2023-01-31")).text
    )
    assert "Jetzt senden" in client.get(address(news, "preview?until=2023-02-01")).text


def test_the_preview_speaks_the_recipients_languages(client: Client, news: City) -> None:
    add_recipient(part_of(news), "english@ministerium.example", language="en")
    client.sign_in(news.coordinator)
    german = client.get(address(news)).text
    assert "language=en" in german
    english = client.get(address(news, "preview?language=en")).text
    assert str(news.programme.name.en) in english
    assert client.get(address(news, "preview?language=klingon")).status_code == 200


def test_those_who_may_not_send_get_no_button(client: Client, news: City) -> None:
    client.sign_in(news.auditor)
    page = client.get(address(news)).text
    assert "Jetzt senden" not in page
    assert "referat@ministerium.example" not in page


# -- sending


def test_what_was_previewed_is_sent_and_shown(client: Client, news: City) -> None:
    client.sign_in(news.coordinator)
    page = client.get(address(news)).text
    answer = client.post(address(news, "send"), data=fields(page))
    assert answer.status_code == 302
    (mail,) = mails()
    shown = client.get(answer.headers["Location"]).text
    assert mail.subject in shown
    assert "referat@ministerium.example" in shown
    assert "wartet" in shown
    assert "Der Digest ist auf dem Weg." in shown


def test_sending_twice_is_a_conflict_and_sends_once(client: Client, news: City) -> None:
    client.sign_in(news.coordinator)
    data = fields(client.get(address(news)).text)
    client.post(address(news, "send"), data=data)
    again = client.post(address(news, "send"), data=data)
    assert again.status_code == 409
    assert "ist schon berichtet" in again.text
    assert len(mails()) == 1


def test_a_preview_that_is_out_of_date_is_shown_anew(client: Client, news: City) -> None:
    client.sign_in(news.coordinator)
    data = fields(client.get(address(news)).text)
    change_status(news.measure, "approved", "running", NOON)
    answer = client.post(address(news, "send"), data=data)
    assert answer.status_code == 409
    assert "Seit Ihrer Vorschau hat sich etwas geändert." in answer.text
    assert "Status: „In Umsetzung“" in answer.text
    assert not mails()
    assert client.post(address(news, "send"), data=fields(answer.text)).status_code == 302


def test_sending_what_was_never_previewed_is_a_conflict(client: Client, news: City) -> None:
    client.sign_in(news.coordinator)
    assert client.post(address(news, "send"), data={"until": str(TODAY)}).status_code == 409
    assert not mails()


@pytest.mark.parametrize("until", ["", "kein Tag", str(TODAY + timedelta(days=1))])
def test_sending_for_a_day_that_cannot_be_is_refused(client: Client, news: City, until: str) -> None:
    client.sign_in(news.coordinator)
    assert client.post(address(news, "send"), data={"until": until, "seen": "x"}).status_code == 422
    assert not mails()


def test_sending_without_news_is_refused(client: Client, city: City) -> None:
    add_recipient(part_of(city))
    client.sign_in(city.coordinator)
    page = client.get(address(city)).text
    assert "Jetzt senden" not in page
    assert "Seit dem letzten Digest gibt es nichts Neues." in page


# -- the archive


def test_the_archive_shows_what_was_sent_and_not_what_is_now(client: Client, news: City) -> None:
    digest = send(news)
    news.measure.title = None
    news.measure.updates[0].percent = 99
    for account in (news.coordinator, news.funder):
        client.sign_in(account)
        for page in (client.get(f"/digests/{digest.id}").text, client.get(f"/digests/{digest.id}/html").text):
            assert "40 %" in page
            assert "99 %" not in page


def test_only_the_coordination_sees_the_addresses_of_the_archive(client: Client, news: City) -> None:
    digest = send(news)
    for account, sees in ((news.coordinator, True), (news.auditor, False), (news.funder, False)):
        client.sign_in(account)
        page = client.get(f"/digests/{digest.id}").text
        assert ("referat@ministerium.example" in page) == sees
    assert "Koordination" not in page, "a funder is not told who pressed the button"


def test_pages_are_english_for_english_readers(client: Client, news: City) -> None:
    news.coordinator.language = "en"
    client.sign_in(news.coordinator)
    assert str(news.programme.name.en) in client.get("/digests").text
