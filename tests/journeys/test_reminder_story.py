"""Reminders in the life of a department: a deputy decides, a lead answers from the mail, somebody wants quiet."""

from __future__ import annotations

import re
from email.message import EmailMessage

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.journeys.stack import Stack
from tests.journeys.test_main_story import MILESTONE, plain, sign_in_as, sign_out, to

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

A_BUS = "a-BUS Iserlohn – New Mobility Lab"
EXPLOITATION = "Verwertung: Produkte, Dienste und Gründungen"
CITY_LAB_PROGRAMME = "Jahresprogramm des Stadtlabors veröffentlicht"
CITY_LAB = "Stadtlabor und digitale Beteiligungsplattform"
PROMISED = "Beteiligung des ersten Halbjahres ausgewertet"
OBLIGATION = "Zwischennachweis 2022"
ASKED_TO_READ_ALONG = "Die Administration liest hier mit."

DEPUTY = "leitung.stadtentwicklung@iserlohn.example"
LEAD = "projektleitung.smartcity@iserlohn.example"
ADMINISTRATION = "administration@iserlohn.example"
I_V = "Leitung Stadtentwicklung i. V. Leitung Digitalisierung"
PHONE, DESK = ViewportSize(width=390, height=844), ViewportSize(width=1280, height=720)


def next_day(page: Page) -> None:
    """Somebody signed in moves the trial's clock on: what is due by then is written."""
    page.goto("/")
    page.get_by_role("button", name="+1 Tag").click()
    expect(page.locator(".messages")).to_contain_text("Heute ist jetzt der")


def lines_of(mail: EmailMessage) -> dict[str, str]:
    """What a reminder mail lists: the title of each line, and what stands below it."""
    _, *lines = re.split(r"^\* ", plain(mail).replace("\r", ""), flags=re.MULTILINE)
    return dict(line.split("\n", 1) for line in lines)


def find_address(said: str, pattern: str) -> str:
    found = re.search(pattern, said)
    assert found is not None, said
    return found[0]


# -- a deputy decides


def test_a_deputy_decides_while_the_head_is_away_and_no_longer(stack: Stack, page: Page) -> None:
    head_goes_on_leave(page)
    lead_asks_for_approval(page, MILESTONE)
    lead_asks_for_approval(page, EXPLOITATION)
    sign_in_as(page, "Koordination")
    next_day(page)
    sign_out(page)
    deputy_is_reminded_and_approves_on_the_phone(stack, page)
    auditor_reads_who_decided_for_whom(page)
    deputy_has_no_say_after_the_last_day(page)


def head_goes_on_leave(page: Page) -> None:
    sign_in_as(page, "Leitung Digitalisierung")
    page.goto("/absences")
    page.get_by_role("link", name="Abwesenheit eintragen").click()
    expect(page.locator("[name=deputy] option:checked")).to_have_text("Leitung Stadtentwicklung")

    # The last day before the first is refused beside the field, and nothing typed is lost.
    page.get_by_label("Erster Tag").fill("2023-03-15")
    page.get_by_label("Letzter Tag").fill("2023-03-14")
    page.get_by_role("button", name="Eintragen").click()
    expect(page.get_by_text("Der letzte Tag liegt vor dem ersten.").first).to_be_visible()
    page.get_by_label("Letzter Tag").fill("2023-03-16")
    page.get_by_role("button", name="Eintragen").click()
    expect(page.locator(".messages")).to_contain_text("Die Abwesenheit ist eingetragen.")
    sign_out(page)


def lead_asks_for_approval(page: Page, milestone: str) -> None:
    sign_in_as(page, "Projektleitung a-BUS")
    page.goto("/measures")
    page.get_by_role("link", name=A_BUS).click()
    page.get_by_role("link", name=milestone).click()
    page.get_by_role("link", name="Freigabe beantragen").first.click()
    page.get_by_label("Ist-Termin").fill("2023-03-10")
    page.locator("textarea[name=statement]").fill("Alles ist abgenommen.")
    page.get_by_role("button", name="Freigabe beantragen").click()
    expect(page.locator(".messages")).to_contain_text("Die Freigabe ist beantragt.")
    sign_out(page)


def deputy_is_reminded_and_approves_on_the_phone(stack: Stack, page: Page) -> None:
    reminder = stack.wait_for_mail(
        "the deputy is reminded of what waits for the head",
        lambda mail: to(mail, DEPUTY) and f"* Freigabe: {MILESTONE}" in plain(mail),
    )
    line = lines_of(reminder)[f"Freigabe: {MILESTONE}"]
    assert "in Vertretung für Leitung Digitalisierung" in line
    address = find_address(line, r"http\S+/decision")

    page.set_viewport_size(PHONE)
    sign_in_as(page, "Leitung Stadtentwicklung")
    page.goto("/absences")
    expect(
        page.get_by_text("Heute vertreten Sie Leitung Digitalisierung, bis einschließlich 16.03.2023.")
    ).to_be_visible()
    page.goto(address)
    expect(page.get_by_text("Sie entscheiden in Vertretung für Leitung Digitalisierung.")).to_be_visible()
    page.get_by_role("button", name="Freigeben").click()
    expect(page.locator(".messages")).to_contain_text("Der Meilenstein ist freigegeben.")
    expect(page.locator("#entscheidungen")).to_contain_text(f"Freigegeben von {I_V}")
    page.set_viewport_size(DESK)
    sign_out(page)


def auditor_reads_who_decided_for_whom(page: Page) -> None:
    sign_in_as(page, "Rechnungsprüfung")
    page.goto("/log")
    expect(page.locator(".log")).to_contain_text("i. V. Leitung Digitalisierung")
    sign_out(page)


def deputy_has_no_say_after_the_last_day(page: Page) -> None:
    sign_in_as(page, "Leitung Stadtentwicklung")
    page.goto("/measures")
    page.get_by_role("link", name=A_BUS).click()
    page.get_by_role("link", name=EXPLOITATION).click()
    decide = page.get_by_role("link", name="Jetzt entscheiden")
    address = str(decide.get_attribute("href"))
    next_day(page)

    page.goto(address.removesuffix("/decision"))
    expect(page.get_by_role("heading", level=1)).to_have_text(EXPLOITATION)
    expect(decide).to_have_count(0)
    answer = page.goto(address)
    assert answer is not None
    assert answer.status == 403


# -- a lead answers, a promise moves


def test_a_lead_answers_from_the_mail_and_a_promise_moves_only_with_the_head(stack: Stack, page: Page) -> None:
    sign_in_as(page, "Koordination")
    next_day(page)
    sign_out(page)
    lead_answers_from_the_mail_once(stack, page)
    lead_wants_to_move_what_the_funder_was_promised(page)
    head_agrees(stack, page)
    funder_sees_the_old_day_and_the_new(page)


def lead_answers_from_the_mail_once(stack: Stack, page: Page) -> None:
    reminder = stack.wait_for_mail(
        "the lead is reminded", lambda mail: to(mail, LEAD) and CITY_LAB_PROGRAMME in plain(mail)
    )
    line = lines_of(reminder)[f"{CITY_LAB_PROGRAMME} [Beispieldaten]"]
    two_weeks_late = find_address(line, r"http\S+/reminders/answers/late-2/\S+")
    four_weeks_late = find_address(line, r"http\S+/reminders/answers/late-4/\S+")

    # A scanner follows every link, again and again; the page still asks.
    for _ in range(2):
        assert page.request.head(two_weeks_late).status == 200
        assert page.request.get(four_weeks_late).status == 200
        page.goto(two_weeks_late)
        expect(page.get_by_role("heading", level=1)).to_have_text("Ihre Antwort: Verzug um 2 Wochen")
        expect(page.get_by_text("Die Prognose wird der 12.04.2023.")).to_be_visible()

    page.get_by_role("button", name="Prognose eintragen").click()
    expect(page.locator(".messages")).to_contain_text("Ihre Antwort ist eingetragen.")
    for used in (two_weeks_late, four_weeks_late):
        page.goto(used)
        expect(page.get_by_role("heading", level=1)).to_have_text("Sie haben geantwortet: Verzug um 2 Wochen")
        expect(page.get_by_role("button", name="Prognose eintragen")).to_have_count(0)


def lead_wants_to_move_what_the_funder_was_promised(page: Page) -> None:
    sign_in_as(page, "Projektleitung Smart City")
    page.goto("/measures")
    page.get_by_role("link", name=CITY_LAB).first.click()
    page.get_by_role("link", name=CITY_LAB_PROGRAMME).click()
    expect(page.locator("#termine")).to_contain_text("29.03.2023")
    expect(page.locator("#termine")).to_contain_text("12.04.2023")

    page.go_back()
    page.get_by_role("link", name=PROMISED).click()
    page.get_by_role("link", name="Plan-Termin verschieben").click()
    page.get_by_label("Neuer Plan-Termin").fill("2023-08-31")
    page.get_by_role("button", name="Verschiebung beantragen").click()
    expect(page.get_by_role("heading", name="Bitte prüfen Sie Ihre Angaben")).to_be_visible()
    page.locator("textarea[name=reason]").fill("Die Befragung läuft in die Ferien.")
    page.get_by_role("button", name="Verschiebung beantragen").click()
    expect(page.locator(".messages")).to_contain_text("Bis zur Entscheidung gilt der bisherige Plan-Termin.")
    expect(page.locator("#termine")).to_contain_text("Juni 2023")
    expect(page.locator("#termine")).not_to_contain_text("31.08.2023")
    sign_out(page)


def head_agrees(stack: Stack, page: Page) -> None:
    asked = stack.wait_for_mail(
        "the head is asked about the move", lambda mail: to(mail, DEPUTY) and PROMISED in plain(mail)
    )
    sign_in_as(page, "Leitung Stadtentwicklung")
    page.goto(find_address(plain(asked), r"http\S+/move/decision"))
    expect(page.get_by_text("Die Befragung läuft in die Ferien.")).to_be_visible()
    page.get_by_role("button", name="Verschiebung freigeben").click()
    expect(page.locator(".messages")).to_contain_text("Der neue Plan-Termin gilt.")
    sign_out(page)


def funder_sees_the_old_day_and_the_new(page: Page) -> None:
    sign_in_as(page, "Fördergeber Bund")
    page.goto("/measures")
    page.get_by_role("link", name=CITY_LAB).first.click()
    page.get_by_role("link", name=PROMISED).click()
    expect(page.locator("#termine")).to_contain_text("31.08.2023")
    expect(page.locator("#verschoben")).to_contain_text("Von Juni 2023 auf 31.08.2023")
    expect(page.locator("#verschoben")).to_contain_text("Die Befragung läuft in die Ferien.")


# -- somebody wants quiet


def test_a_pause_is_kept_but_for_what_a_grant_obliges_to(stack: Stack, page: Page) -> None:
    coordinator_lets_the_administration_read_along(page)
    administration_pauses(page)
    sign_in_as(page, "Koordination")
    next_day(page)
    coordinator_enters_an_obligation(page)
    next_day(page)
    administration_hears_of_the_obligation_only(stack)


def coordinator_lets_the_administration_read_along(page: Page) -> None:
    sign_in_as(page, "Koordination")
    page.goto("/reminders/preview?days=3&programme=dmr-nrw")
    expect(page.locator("main")).to_contain_text("Sachstand 1. Quartal 2023")
    expect(page.locator("main")).not_to_contain_text(ADMINISTRATION)

    page.goto("/programmes/dmr-nrw/reminders")
    page.get_by_role("link", name="Stufe hinzufügen").click()
    page.get_by_label("vor dem Termin").check()
    page.get_by_label("Wie viele Tage?").fill("40")
    page.get_by_label("Administration", exact=True).check()
    page.get_by_label("Was soll dazugesagt werden?", exact=True).fill(ASKED_TO_READ_ALONG)
    page.get_by_role("button", name="Stufe hinzufügen").click()
    expect(page.locator("#stufen")).to_contain_text("40 Tage vorher")

    page.goto("/reminders/preview?days=3&programme=dmr-nrw")
    expect(page.locator("main")).to_contain_text(ADMINISTRATION)
    expect(page.locator("main")).to_contain_text(ASKED_TO_READ_ALONG)
    sign_out(page)


def administration_pauses(page: Page) -> None:
    sign_in_as(page, "Administration")
    page.goto("/reminders/preferences")
    page.get_by_label("Pause bis einschließlich").fill("2023-03-31")
    page.get_by_role("button", name="Speichern").click()
    expect(page.get_by_text("Pause bis einschließlich 31.03.2023.")).to_be_visible()
    page.goto("/reminders/mine")
    expect(page.locator("main")).not_to_contain_text("15.03.2023")
    sign_out(page)


def coordinator_enters_an_obligation(page: Page) -> None:
    page.goto("/programmes/dmr-nrw/grants")
    page.get_by_role("link", name="Zuwendung für den a-BUS Iserlohn").first.click()
    page.get_by_role("link", name="Pflicht hinzufügen").click()
    page.get_by_label("Bezeichnung").fill(OBLIGATION)
    page.get_by_label("Art").select_option(label="Verwendungsnachweis")
    page.get_by_label("Frist").fill("2023-04-03")
    page.get_by_role("button", name=re.compile("Pflicht")).click()
    expect(page.locator(".messages")).to_contain_text("ist angelegt")


def administration_hears_of_the_obligation_only(stack: Stack) -> None:
    told = stack.wait_for_mail("the obligation reaches them", is_to_administration)
    ((title, said),) = lines_of(told).items()
    assert title == OBLIGATION
    assert ASKED_TO_READ_ALONG in said
    assert len(list(filter(is_to_administration, stack.mails()))) == 1, "the pause is not kept"


def is_to_administration(mail: EmailMessage) -> bool:
    return to(mail, ADMINISTRATION)
