"""The main job, end to end: report, ask, approve, move the date, be reminded, tell the funder."""

from __future__ import annotations

import json
import re
from email.message import EmailMessage
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.stack import Stack, wait_until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

MILESTONE = "Bus-Informationssystem mit Bussen, Nutzern und Ladeinfrastruktur"


def sign_in_as(page: Page, role: str) -> None:
    page.goto("/sign-in")
    page.get_by_role("button", name=role, exact=False).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Guten Tag")


def sign_out(page: Page) -> None:
    page.locator(".account-menu summary").click()
    page.get_by_role("button", name="Abmelden").click()
    expect(page.get_by_text("Sie sind abgemeldet.")).to_be_visible()


def to(mail: EmailMessage, address: str) -> bool:
    return address in str(mail["To"])


def plain(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def test_the_main_story(stack: Stack, page: Page, tmp_path: Path) -> None:
    lead_reports(page)
    lead_asks_for_approval(page, tmp_path)
    head_is_told_and_decides(stack, page)
    coordinator_sends_the_digest(stack, page)
    time_passes_and_reminders_arrive(stack, page)
    funder_reads_its_own_programmes_only(page)
    auditor_finds_every_step(page)


def lead_reports(page: Page) -> None:
    sign_in_as(page, "Projektleitung a-BUS")
    expect(page.get_by_text("Übungsbetrieb: Heute ist der 15.03.2023")).to_be_visible()
    page.get_by_role("link", name="a-BUS Iserlohn – New Mobility Lab").last.click()
    page.get_by_role("link", name="Sachstand melden").click()

    # Yellow without a reason is refused beside the field, and nothing typed is lost.
    page.get_by_label("Gelb").check()
    page.get_by_label("Fortschritt in Prozent").fill("85")
    page.get_by_label("Was wurde erledigt?").fill("Ladesäule an das Informationssystem angebunden")
    page.get_by_label("Was steht als Nächstes an?").fill("Abnahme mit den Stadtwerken")
    page.get_by_role("button", name="Einreichen").click()
    expect(page.get_by_role("heading", name="Bitte prüfen Sie Ihre Angaben")).to_be_visible()
    expect(page.get_by_label("Was wurde erledigt?")).to_have_value("Ladesäule an das Informationssystem angebunden")

    page.get_by_label("Begründung der Ampel").fill("Ein Zulieferer ist in Verzug")
    page.get_by_role("button", name="Einreichen").click()
    expect(page.locator(".messages")).to_contain_text(re.compile("eingereicht", re.IGNORECASE))


def lead_asks_for_approval(page: Page, tmp_path: Path) -> None:
    evidence = tmp_path / "Abnahmeprotokoll.txt"
    evidence.write_text("Beide Busse senden ihre Position.", encoding="utf-8")
    page.goto("/measures")
    page.get_by_role("link", name="a-BUS Iserlohn – New Mobility Lab").click()
    page.get_by_role("link", name=MILESTONE).click()
    page.get_by_role("link", name="Freigabe beantragen").first.click()
    page.get_by_label("Ist-Termin").fill("2023-03-10")
    page.locator("textarea[name=statement]").fill("Das System zeigt Busse, Fahrgäste und Ladesäulen.")
    page.locator("input[type=file]").set_input_files(evidence)
    page.get_by_role("button", name="Freigabe beantragen").click()
    expect(page.locator(".messages")).to_be_visible()
    sign_out(page)


def head_is_told_and_decides(stack: Stack, page: Page) -> None:
    told = stack.wait_for_mail(
        "the head hears of the request",
        lambda mail: to(mail, "leitung.digitalisierung@iserlohn.example") and MILESTONE in plain(mail),
    )
    link = re.search(rf"{re.escape(stack.address)}(/milestones/\S+)", plain(told))
    assert link is not None
    sign_in_as(page, "Leitung Digitalisierung")
    page.goto(link[1])
    expect(page.get_by_text("Das System zeigt Busse, Fahrgäste und Ladesäulen.")).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("Abnahmeprotokoll.txt"))).to_be_visible()

    page.get_by_role("button", name="Zurückgeben").click()
    expect(page.get_by_role("heading", name="Bitte prüfen Sie Ihre Angaben")).to_be_visible()
    page.get_by_role("button", name="Freigeben").click()
    expect(page.locator(".messages")).to_be_visible()
    stack.wait_for_mail(
        "the lead hears of the decision",
        lambda mail: to(mail, "projektleitung.abus@iserlohn.example") and MILESTONE in plain(mail),
    )

    page.goto("/")
    page.get_by_role("link", name=re.compile("Prüfen: a-BUS")).click()
    expect(page.get_by_text("Ein Zulieferer ist in Verzug")).to_be_visible()
    page.get_by_role("button", name="Freigeben").click()
    expect(page.locator(".messages")).to_be_visible()
    sign_out(page)


def time_passes_and_reminders_arrive(stack: Stack, page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name="+1 Monat").click()
    expect(page.get_by_text("Übungsbetrieb: Heute ist der 15.04.2023")).to_be_visible()
    # The sample milestone of 29 March reminds its lead; the approved one of the bus reminds nobody.
    reminder = stack.wait_for_mail(
        "a reminder of the milestone of 29 March",
        lambda mail: (
            to(mail, "projektleitung.smartcity@iserlohn.example") and "Jahresprogramm des Stadtlabors" in plain(mail)
        ),
    )
    assert reminder["Message-ID"]
    assert reminder["Auto-Submitted"] == "auto-generated"
    assert reminder.get_body(("html",)) is not None
    page.goto("/outbox")
    newest = stack.mails()[-1]
    expect(page.get_by_role("link", name=str(newest["Subject"])).first).to_be_visible()
    wait_until(
        "every mail has left", lambda: json.loads(stack.flask("mail", "status", "--json")).get("queued", 0) == 0
    )
    ids = [str(mail["Message-ID"]) for mail in stack.mails()]
    assert len(ids) == len(set(ids))
    reminded = [mail for mail in stack.mails() if "an diese Frist" in plain(mail)]
    assert reminded
    assert [str(mail["Subject"]) for mail in reminded if f"* {MILESTONE}" in plain(mail)] == []
    sign_out(page)


def coordinator_sends_the_digest(stack: Stack, page: Page) -> None:
    sign_in_as(page, "Koordination")
    page.goto("/digests/dmr-nrw/mhkbd/preview")
    frame = page.frame_locator("iframe.mail-frame")
    expect(frame.get_by_text("Ein Zulieferer ist in Verzug")).to_be_visible()
    page.get_by_role("button", name="Jetzt senden").click()
    expect(page.locator(".messages")).to_be_visible()
    digest = stack.wait_for_mail(
        "the funder's digest",
        lambda mail: to(mail, "foerdergeber.land@iserlohn.example") and MILESTONE in plain(mail),
    )
    text = plain(digest)
    assert "Gelb" in text
    assert "Ein Zulieferer ist in Verzug" in text
    assert "Beispieldaten" in text
    assert "Das System zeigt Busse" not in text, "a statement is not for funders"


def funder_reads_its_own_programmes_only(page: Page) -> None:
    sign_in_as(page, "Fördergeber Land")
    page.goto("/measures")
    expect(page.get_by_role("link", name="a-BUS Iserlohn – New Mobility Lab")).to_be_visible()
    expect(page.get_by_role("link", name="Digitaler Wissenscampus")).to_have_count(0)
    answer = page.goto("/outbox")
    assert answer is not None
    assert answer.status == 403
    sign_out(page)


def auditor_finds_every_step(page: Page) -> None:
    sign_in_as(page, "Rechnungsprüfung")
    page.goto("/log")
    log = page.locator(".log")
    for name in ("Projektleitung a-BUS", "Leitung Digitalisierung", "Koordination Fördermittel"):
        expect(log).to_contain_text(name)
    expect(log).to_contain_text("Datum des Übungsbetriebs vorgestellt")
