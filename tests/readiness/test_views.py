"""The page: what it shows, to whom, and where its links lead."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from app.core.localized import Localized
from app.readiness.views import PLACES
from tests.conftest import Client
from tests.factories import NOON, WORKFLOW, City, add, add_measure
from tests.readiness.arrange import add_obligation, add_request


def page(client: Client, city: City, who: str = "coordinator") -> str:
    client.sign_in(getattr(city, who))
    answer = client.get(f"/programmes/{city.programme.key}/readiness")
    assert answer.status_code == 200
    return " ".join(answer.text.split())


def words(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def test_a_ready_programme_proves_it(client: Client, ready: City) -> None:
    told = words(page(client, ready))
    assert "Startklar" in told
    assert "Fehler" not in told
    assert "Hinweis" not in told
    for sentence in (
        "1 Maßnahme hat eine Projektleitung.",
        "5 Adressen sind keine Beispieladressen.",
        "1 Maßnahme folgt Version 1.",
    ):
        assert f"In Ordnung: {sentence}" in told


def test_what_is_missing_is_told_with_the_way_to_mend_it(client: Client, ready: City) -> None:
    ready.measure.unit = None
    ready.measure.is_sample = True
    text = page(client, ready)
    assert "4 Fehler" in text
    assert f"<strong>Fehler:</strong> „{ready.measure.name}“ hat keine verantwortliche Stelle." in text
    assert f'href="/measures/{ready.measure.id}/assignment">Zuständigkeit festlegen</a>' in text
    assert "Beispieldaten" in text


def test_who_may_not_mend_it_is_told_who_can(client: Client, ready: City) -> None:
    ready.measure.unit = None
    ready.programme.steps.clear()
    for who in ("lead", "head", "auditor", "administrator"):
        text = page(client, ready, who)
        assert "/assignment" not in text, who
        assert "Das behebt: Koordination" in text, who
        assert "Das steht in der Datei der Stadt." in text, who
    assert 'href="/people">Personen und Rollen</a>' in page(client, ready, "administrator")
    assert "Das behebt: Administration" in page(client, ready, "coordinator")


def test_a_lead_mends_what_belongs_to_their_own_measure(client: Client, ready: City) -> None:
    mine = add_measure(ready.programme, unit=ready.unit, lead=ready.lead)
    other = add_measure(ready.programme, unit=ready.unit, lead=ready.other_lead)
    text = page(client, ready, "lead")
    assert f"/measures/{mine.id}/milestones/new" in text
    assert f"/measures/{other.id}/milestones/new" not in text
    assert "Das behebt: Koordination, Projektleitung" in text


def test_a_funder_does_not_see_it(client: Client, ready: City) -> None:
    client.sign_in(ready.funder)
    assert client.get(f"/programmes/{ready.programme.key}/readiness").status_code == 403
    assert "readiness" not in client.get(f"/programmes/{ready.programme.key}").text
    assert client.get("/programmes/gibt-es-nicht/readiness").status_code == 404


def test_the_way_to_it_is_on_the_page_of_the_programme(client: Client, ready: City) -> None:
    client.sign_in(ready.coordinator)
    text = client.get(f"/programmes/{ready.programme.key}").text
    assert f'href="/programmes/{ready.programme.key}/readiness"' in text


@pytest.mark.parametrize("key", ["x", "a%00b", "x" * 10_000, "%3Cb%3E"])
def test_an_unknown_programme_is_not_found(client: Client, city: City, key: str) -> None:
    client.sign_in(city.coordinator)
    assert client.get(f"/programmes/{key}/readiness").status_code == 404


def test_names_are_text_and_no_markup(client: Client, ready: City) -> None:
    ready.measure.title = Localized("<b>Radweg</b> %(n)s")
    ready.measure.lead = None
    text = page(client, ready)
    assert "„&lt;b&gt;Radweg&lt;/b&gt; %(n)s“ hat keine Projektleitung." in text


def test_every_way_that_is_shown_opens_for_who_sees_it(app: Flask, client: Client, ready: City) -> None:
    from_every_check(ready)
    ways: set[str] = set()
    for who in ("coordinator", "administrator", "lead"):
        text = page(client, ready, who)
        for href in re.findall(r'class="finding__way" href="([^"]+)"', text):
            assert client.get(href).status_code == 200, (who, href)
            ways.add(app.url_map.bind("localhost").match(href, method="GET")[0])
    assert ways == set(PLACES)


def from_every_check(city: City) -> None:
    """Something for every page on which things are mended."""
    add_obligation(city, None)
    add_request(city).milestone.edited_by_id = city.other_head.id
    add_measure(city.programme, unit=None, lead=None)
    add_measure(city.programme, unit=city.unit, lead=city.lead)
    add_measure(city.programme, unit=city.other_unit, lead=city.lead)
    add_measure(city.programme, status=None)
    city.other_head.email = "leitung@musterstadt.example"
    german = [row | {"label": {"de": row["label"]["de"]}} for row in WORKFLOW["statuses"]]
    rows = WORKFLOW | {"statuses": german}
    add(type(city.programme.workflows[0])(programme=city.programme, version=2, definition=rows, published_at=NOON))
