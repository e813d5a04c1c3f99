"""A coordinator changes a running programme's workflow without a developer, and nobody is disturbed."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.stack import Stack
from tests.journeys.test_main_story import sign_in_as, sign_out

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

WORKFLOW = "/programmes/mpsc/workflow"
CAMPUS = "Digitaler Wissenscampus"


def test_a_workflow_is_changed_while_its_measures_run(stack: Stack, page: Page) -> None:
    coordinator_copies_the_federal_workflow(page)
    coordinator_adds_an_acceptance_and_the_validator_complains(page)
    coordinator_mends_and_publishes(page)
    lead_on_the_old_version_is_not_disturbed(page)
    coordinator_moves_the_measures_after_a_dry_run(stack, page)
    lead_meets_the_new_status(page)
    auditor_finds_every_move(page)


def coordinator_copies_the_federal_workflow(page: Page) -> None:
    sign_in_as(page, "Koordination")
    # First into the other programme, as a copy to look at; then the programme's own, to work on.
    page.goto("/programmes/dmr-nrw/workflow")
    page.get_by_label("Programm").select_option("mpsc")
    page.get_by_role("button", name="Ablauf übernehmen").click()
    expect(page.get_by_role("link", name="Verstetigung beschließen").first).to_be_visible()
    page.goto("/programmes/dmr-nrw/workflow")
    page.get_by_role("link", name="Entwurf verwerfen").click()
    page.get_by_role("button", name="Entwurf verwerfen").click()
    expect(page.locator(".messages")).to_be_visible()

    page.goto(WORKFLOW)
    page.get_by_role("button", name="Entwurf aus Version 1 beginnen").click()
    expect(page.get_by_text("Der Ablauf ist schlüssig")).to_be_visible()


def coordinator_adds_an_acceptance_and_the_validator_complains(page: Page) -> None:
    page.get_by_role("link", name="Status anlegen").click()
    page.locator("[name=label]").fill("Abnahme")
    page.locator("[name=label_en]").fill("Acceptance")
    page.get_by_label("Bedeutung").select_option(label="läuft")
    page.locator("[name=expectation]").fill("Das Ergebnis gemeinsam prüfen und abnehmen.")
    page.locator("[name=expectation_en]").fill("Check and accept the result together.")
    page.get_by_role("button", name="Status anlegen").click()
    findings = page.locator("#pruefung")
    expect(findings).to_contain_text("der Status „Abnahme“ ist vom Anfang aus nicht erreichbar")
    expect(findings).to_contain_text("Sackgasse: aus dem Status „Abnahme“ führt kein Schritt")

    page.get_by_role("link", name="Veröffentlichen …").click()
    expect(page.get_by_text("Veröffentlichen ist noch nicht möglich")).to_be_visible()
    expect(page.get_by_role("button", name="Veröffentlichen")).to_have_count(0)
    page.get_by_role("link", name="Zurück zum Entwurf").click()


def coordinator_mends_and_publishes(page: Page) -> None:
    # The lead's way to the end leads through the acceptance from now on …
    page.get_by_role("link", name="Umsetzung abschließen").first.click()
    page.locator("[name=target]").select_option(label="Abnahme")
    page.get_by_role("button", name="Speichern").click()
    # … which the head declares, with evidence, and never alone.
    page.get_by_role("link", name="Schritt aus „Abnahme“ anlegen").click()
    page.locator("[name=label]").fill("Abnahme erklären")
    page.locator("[name=label_en]").fill("Accept")
    page.locator("[name=target]").select_option(label="Umgesetzt")
    page.get_by_role("group", name="Wer darf diesen Schritt gehen?").get_by_label("Bereichsleitung").check()
    page.get_by_label("Vier-Augen-Prinzip").check()
    page.get_by_label("Nachweis beigefügt").check()
    page.get_by_role("button", name="Schritt anlegen").click()
    expect(page.get_by_text("Der Ablauf ist schlüssig")).to_be_visible()
    expect(page.locator("svg").filter(has_text="Abnahme").first).to_be_visible()

    page.get_by_role("link", name="Veröffentlichen …").click()
    expect(page.locator("#aenderungen")).to_contain_text("Abnahme")
    page.get_by_role("button", name="Veröffentlichen").click()
    expect(page.get_by_role("heading", name="Bitte prüfen Sie Ihre Angaben")).to_be_visible()
    page.get_by_label("Was ist neu?").fill("Vor dem Abschluss steht eine Abnahme mit vier Augen.")
    page.get_by_role("button", name="Veröffentlichen").click()
    expect(page.locator(".messages")).to_contain_text("Version 2")
    sign_out(page)


def lead_on_the_old_version_is_not_disturbed(page: Page) -> None:
    sign_in_as(page, "Projektleitung Smart City")
    page.goto("/measures")
    page.get_by_role("link", name=CAMPUS).click()
    expect(page.locator("#schritte")).to_contain_text("Umsetzung abschließen")
    page.get_by_role("link", name="Sachstand melden").click()
    page.get_by_role("radio", name="Grün").check()
    page.get_by_label("Fortschritt in Prozent").fill("55")
    page.get_by_label("Was wurde erledigt?").fill("Rahmenplan beschlossen")
    page.get_by_label("Was steht als Nächstes an?").fill("Raumprogramm abstimmen")
    page.get_by_role("button", name="Einreichen").click()
    expect(page.locator(".messages")).to_contain_text(re.compile("eingereicht", re.IGNORECASE))
    sign_out(page)


def coordinator_moves_the_measures_after_a_dry_run(stack: Stack, page: Page) -> None:
    before = json.loads(stack.flask("programmes", "migrate", "mpsc", "--to", "2", "--dry-run", "--json"))
    running = [row for row in before["measures"] if row["from_status"] == "in_umsetzung"]
    assert len(running) >= 2
    assert all(row["from_version"] == 1 for row in before["measures"])

    sign_in_as(page, "Koordination")
    page.goto(WORKFLOW)
    page.get_by_role("link", name=re.compile("Maßnahmen auf Version 2")).click()
    page.get_by_label("In Umsetzung").select_option(label="In Umsetzung")
    page.get_by_role("button", name="Probelauf ansehen").click()
    expect(page.locator("#probelauf")).to_contain_text(CAMPUS)
    expect(page.locator("#probelauf")).to_contain_text("Es wurde noch nichts geändert")
    page.get_by_role("button", name="Jetzt umstellen").click()
    expect(page.locator(".messages")).to_be_visible()
    after = json.loads(stack.flask("programmes", "migrate", "mpsc", "--to", "2", "--dry-run", "--json"))
    assert {row["from_version"] for row in after["measures"]} == {2}
    sign_out(page)


def lead_meets_the_new_status(page: Page) -> None:
    sign_in_as(page, "Projektleitung Smart City")
    page.goto("/measures")
    page.get_by_role("link", name=CAMPUS).click()
    page.get_by_role("link", name=re.compile("Warum nicht|Alle Schritte")).first.click()
    expect(page.locator("main")).to_contain_text("Umsetzung abschließen")
    expect(page.locator("main")).to_contain_text(re.compile("Meilensteinen? (ist|sind) nicht freigegeben"))
    sign_out(page)


def auditor_finds_every_move(page: Page) -> None:
    sign_in_as(page, "Rechnungsprüfung")
    page.goto("/log")
    log = page.locator(".log")
    expect(log).to_contain_text("Auf Version 2 des Ablaufs umgestellt")
    expect(log).to_contain_text("veröffentlicht")
