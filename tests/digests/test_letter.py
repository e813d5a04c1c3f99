"""The mail itself: both parts say the same, in the recipient's language, readable without pictures and colour."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date

import html5lib
import pytest

from app.core.localized import Localized
from app.digests import content, released, service
from app.mail.service import Letter
from app.organisations.models import Organisation
from app.progress.models import UpdateState
from tests.digests.arrange import (
    add_forecast,
    add_obligation,
    add_recipient,
    add_update,
    approve,
    change_status,
    drop,
    mails,
    move,
    noon,
    part_of,
)
from tests.factories import NOON, City, actor, add_measure, add_milestone

TODAY = date(2023, 3, 15)
HTML = "{http://www.w3.org/1999/xhtml}"


def happen(city: City) -> None:
    """One of everything a digest can tell."""
    day = noon(date(2023, 2, 1))
    city.measure.title = Localized("Zug & <Bus>", "Train & <bus>")
    red, yellow, green = city.measure, add_measure(city.programme), add_measure(city.programme)
    add_measure(city.programme, title=None, number=4, status=None)
    reached = add_milestone(red, date(2023, 1, 31), planned_precision="month")
    approve(reached, date(2023, 1, 20), day)
    late = add_milestone(red, date(2023, 3, 1))
    moved = add_milestone(yellow, date(2023, 4, 1), title=Localized("Abnahme", "Acceptance"))
    move(moved, date(2023, 5, 2), day, "Lieferung <verspätet>\nSiehe Brief")
    drop(add_milestone(yellow, date(2023, 4, 3)), day, "Partner fehlt")
    update = add_update(red, health="red", health_reason="Hersteller insolvent", decision_wanted="Frist bis Mai?")
    add_forecast(update, late, date(2023, 4, 20))
    add_update(yellow, health="yellow", health_reason="Personal fehlt", percent=None)
    add_update(green, health="green", is_sample=True)
    add_update(green, UpdateState.SUBMITTED, period="2023-Q1")
    change_status(green, "approved", "running", day)
    add_obligation(green, date(2023, 4, 30), "Verwendungsnachweis")


def letter(city: City, language: str = "de") -> Letter:
    return service.write(content.build(released.gather(part_of(city), TODAY)), language)


def visible_text(html: str) -> str:
    body = html5lib.parse(html).find(f"{HTML}body")
    assert body is not None
    return " ".join(body.itertext())


def words(text: str) -> Counter[str]:
    """The words of a part; the signs that only draw its lists, and where a link leads, are left out."""
    without_addresses = re.sub(r"https?://\S+", "", text)
    return Counter(re.findall(r"[^\s:\[\]*=-]+", without_addresses))


@pytest.mark.parametrize("language", ["de", "en"])
def test_text_and_html_say_the_same(city: City, language: str) -> None:
    happen(city)
    sent = letter(city, language)
    in_text, in_html = words(sent.text), words(visible_text(sent.html))
    in_text["Wegmarke"] = in_html["Wegmarke"] = 1  # the layout signs the text and heads the HTML
    assert in_text - in_html == Counter()
    assert in_html - in_text == Counter()


def test_the_mail_tells_everything_that_happened(city: City) -> None:
    happen(city)
    text = letter(city).text
    for told in (
        "1 von 4 Maßnahmen läuft nach Plan; eine ist rot; eine ist gelb; eine ist ohne freigegebenen Sachstand.",
        "Zug & <Bus>: Frist bis Mai?",
        "■ Rot Sachstand für 4. Quartal 2022",
        "▲ Gelb Sachstand für 4. Quartal 2022",
        "● Grün Sachstand für 4. Quartal 2022 [Beispieldaten]",
        "○ ohne freigegebenen Sachstand",
        "Begründung: Hersteller insolvent",
        "Erreicht am 20.01.2023, geplant: Januar 2023",
        "Meilenstein verlegt: „Abnahme“ von 01.04.2023 auf 02.05.2023",
        "Begründung: Lieferung <verspätet> Siehe Brief",
        "Status: „In Umsetzung“, vorher „Bewilligt“",
        "* 30.04.2023: Frist „Verwendungsnachweis“",
        "voraussichtlich 20.04.2023",
        "geplanter Tag verstrichen, noch nicht freigegeben",
        "Maßnahme 4: Angaben folgen",
        "Fortschritt: nicht veröffentlicht",
        "Status: nicht veröffentlicht",
    ):
        assert told in text, told


def test_the_subject_names_programme_span_and_essence(city: City) -> None:
    happen(city)
    city.programme.short_name = Localized("DMR", "DMR")
    assert letter(city).subject == (
        "DMR, Gesamtbild bis 15.03.2023: 1 Meilenstein freigegeben, 1 Entscheidung erbeten, 1 Maßnahme rot"
    )


def test_what_people_typed_is_text_and_no_markup(city: City) -> None:
    happen(city)
    html = letter(city).html
    assert "<verspätet>" not in html
    assert "&lt;verspätet&gt;" in html
    assert "Zug &amp; &lt;Bus&gt;" in html


def test_english_readers_get_english_names_and_days(city: City) -> None:
    happen(city)
    text = letter(city, "en").text
    assert "Train & <bus>" in text
    assert "20 Jan 2023" in text
    assert "20.01.2023" not in text
    assert "Acceptance" in text


def test_the_html_is_valid_and_needs_nothing_from_outside(city: City) -> None:
    happen(city)
    html = letter(city).html
    html5lib.HTMLParser(strict=True).parse(html)
    assert "<img" not in html
    assert "url(" not in html
    assert "<script" not in html
    tree = html5lib.parse(html)
    links = [link.get("href") for link in tree.iter(f"{HTML}a")]
    assert links
    assert all(link.startswith("http://localhost/") for link in links)
    assert [table.get("role") for table in tree.iter(f"{HTML}table")] == ["presentation"] * html.count("<table")


def test_looks_are_written_into_the_elements(city: City) -> None:
    happen(city)
    lamps = re.findall(
        r'<span class="lamp lamp-\w+" style="[^"]*background-color: #\w+[^"]*">([^<]+)', letter(city).html
    )
    assert {"● Grün", "▲ Gelb", "■ Rot", "○ ohne freigegebenen Sachstand"} == set(lamps)
    assert "<style" not in letter(city).html.split("<body")[1]


def test_sample_data_is_marked_and_real_data_is_not(city: City) -> None:
    add_update(city.measure)
    real = letter(city)
    assert "Beispieldaten" not in real.text + real.html
    add_update(add_measure(city.programme), is_sample=True)
    marked = letter(city)
    assert marked.text.startswith("[Beispieldaten]")
    assert "Diese E-Mail enthält Beispieldaten" in visible_text(marked.html)


def test_twenty_measures_stay_under_a_hundred_kilobytes(city: City) -> None:
    for _ in range(5):
        happen(city)
    sent = letter(city)
    assert len(sent.html.encode()) < 100_000


@pytest.mark.parametrize("language", ["de", "en"])
def test_the_preview_is_to_the_letter_what_leaves(city: City, language: str) -> None:
    happen(city)
    previewed = letter(city, language)
    add_recipient(part_of(city), language=language)
    organisation: Organisation = city.funder_organisation
    service.send(actor(city.coordinator), city.programme, organisation, until_on=TODAY, now=NOON)
    (mail,) = mails()
    assert Letter(mail.subject, mail.body_text, mail.body_html) == previewed
    assert mail.is_sample


def test_a_quiet_letter_says_so(city: City) -> None:
    quiet = letter(city)
    assert quiet.subject.endswith("nichts zu berichten")
    assert "Seit dem letzten Digest gibt es nichts Neues." in quiet.text
    assert "Für diese Zeit ist kein Termin veröffentlicht." in quiet.text


def test_only_the_first_digest_says_that_it_is_the_full_picture(city: City) -> None:
    add_recipient(part_of(city))
    add_update(city.measure)
    assert "Das ist der erste Digest" in letter(city).text
    service.send(
        actor(city.coordinator), city.programme, city.funder_organisation, until_on=date(2023, 3, 1), now=NOON
    )
    assert "Das ist der erste Digest" not in letter(city).text
