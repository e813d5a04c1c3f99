"""The two real programmes: what the sample data lacks, and that both are ready once it is mended."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from app.accounts.models import Account
from app.core.database import db
from app.digests.models import DigestRecipient
from app.grants.models import Grant, Obligation
from app.measures.models import Measure
from app.organisations.models import Membership, Unit
from app.organisations.permissions import Role, system
from app.programmes.models import Programme, ProgrammeFunder
from app.readiness import queries
from app.readiness.checks import check
from app.readiness.report import Finding
from app.transfer.reading import read_files
from app.transfer.service import import_city
from tests.factories import NOON, add, add_account, add_milestone

DATA = Path(__file__).parents[2] / "data"
NEVER = "keine erreichbare Adresse, an „iserlohn.example“ wird nie zugestellt"
UNDATED = "Datum fehlt, niemand wird erinnert"
ABUS = "Zuwendung für den a-BUS Iserlohn"
SMART_CITY = "Zuschuss für das Smart-City-Modellprojekt Iserlohn"
MINISTRY = "Ministerium für Heimat, Kommunales, Bau und Digitalisierung NRW"
FORMER_MINISTRY = "Ministerium für Wirtschaft, Innovation, Digitalisierung und Energie NRW"

LACKS = {
    "dmr-nrw": [
        ("addresses", "error", f"„Projektleitung a-BUS“ (Projektleitung): {NEVER}"),
        ("addresses", "error", f"„Leitung Digitalisierung“ (Bereichsleitung): {NEVER}"),
        ("addresses", "error", f"„Koordination Fördermittel“ (Koordination): {NEVER}"),
        ("addresses", "error", f"Digest an „{MINISTRY}“: {NEVER}"),
        ("deadlines", "warning", f"„Änderungsmitteilung“ ({ABUS}): {UNDATED}"),
        ("deadlines", "warning", f"„Aufbewahrung der Belege“ ({ABUS}): {UNDATED}"),
        ("deadlines", "warning", f"„Mittelabruf“ ({ABUS}): {UNDATED}"),
        ("funders", "warning", f"„{FORMER_MINISTRY}“ bekommt keinen Digest"),
        ("funders", "warning", "„Bezirksregierung Arnsberg“ bekommt keinen Digest"),
    ],
    "mpsc": [
        (
            "leads",
            "warning",
            "„Maßnahme 4: Angaben folgen“: Status nicht erfasst; Projektleitung und Stelle bleiben ungeprüft",
        ),
        (
            "leads",
            "warning",
            "„Maßnahme 5: Angaben folgen“: Status nicht erfasst; Projektleitung und Stelle bleiben ungeprüft",
        ),
        ("addresses", "error", f"„Projektleitung Smart City“ (Projektleitung): {NEVER}"),
        ("addresses", "error", f"„Leitung Stadtentwicklung“ (Bereichsleitung): {NEVER}"),
        ("addresses", "error", f"„Koordination Fördermittel“ (Koordination): {NEVER}"),
        ("addresses", "error", f"Digest an „Bundesministerium für Wohnen, Stadtentwicklung und Bauwesen“: {NEVER}"),
        ("deadlines", "error", f"„Eintrag in der Maßnahmendatenbank prüfen“ ({SMART_CITY}): {UNDATED}"),
        ("deadlines", "error", f"„Verwendungsnachweis der Umsetzungsphase“ ({SMART_CITY}): {UNDATED}"),
        ("deadlines", "warning", f"„Veröffentlichung als Open Source“ ({SMART_CITY}): {UNDATED}"),
        ("funders", "warning", "„Bundesministerium des Innern, für Bau und Heimat“ bekommt keinen Digest"),
        ("funders", "warning", "„KfW“ bekommt keinen Digest"),
    ],
}
FOUND_IN_ORDER = {
    "dmr-nrw": [
        "1 Maßnahme hat eine Projektleitung",
        "1 Maßnahme hat eine Stelle",
        "1 Stelle hat eine Bereichsleitung und jemanden, der sie vertreten kann",
        "Bei 1 Maßnahme kann jemand anderes als die Projektleitung freigeben",
        "7 Erinnerungsstufen erreichen bei jeder Maßnahme jemanden",
        "1 offene Pflicht hat ein Datum",
        "1 laufende Maßnahme hat Meilensteine",
        "1 Fördermittelgeber bekommt einen Digest",
        "Version 1 mit 10 Status und 9 Schritten ist in Ordnung",
        "1 Maßnahme folgt Version 1",
    ],
    "mpsc": [
        "3 Maßnahmen haben eine Projektleitung",
        "3 Maßnahmen haben eine Stelle",
        "2 Stellen haben eine Bereichsleitung und jemanden, der sie vertreten kann",
        "1 offener Antrag oder Sachstand kann entschieden werden",
        "Bei 3 Maßnahmen kann jemand anderes als die Projektleitung freigeben",
        "7 Erinnerungsstufen erreichen bei jeder Maßnahme jemanden",
        "3 laufende Maßnahmen haben Meilensteine",
        "1 Fördermittelgeber bekommt einen Digest",
        "Version 1 mit 11 Status und 13 Schritten ist in Ordnung",
        "5 Maßnahmen folgen Version 1",
    ],
}


@pytest.fixture
def iserlohn(app: Flask) -> None:
    city = read_files([DATA / "iserlohn.yaml", DATA / "beispiel.yaml"]).city
    assert city is not None
    import_city(system("flask programmes import"), city, now=NOON)
    db.session.commit()
    db.session.expire_all()


def findings(key: str) -> list[Finding]:
    db.session.flush()
    db.session.expire_all()
    report = check(queries.gather(queries.get_programme(key)))
    return [finding for one in report.checks for finding in one.findings]


@pytest.mark.parametrize("key", LACKS)
def test_what_the_sample_data_lacks_is_shown(iserlohn: None, key: str) -> None:
    assert [(one.group.value, one.level, str(one.sentence)) for one in findings(key)] == LACKS[key]


@pytest.mark.parametrize("key", FOUND_IN_ORDER)
def test_what_is_in_order_is_shown_with_its_numbers(iserlohn: None, key: str) -> None:
    report = check(queries.gather(queries.get_programme(key)))
    assert [str(sentence) for one in report.checks for sentence in one.in_order] == FOUND_IN_ORDER[key]


@pytest.mark.parametrize("key", LACKS)
def test_people_and_addresses_of_the_trial_are_marked_as_sample_data(iserlohn: None, key: str) -> None:
    for one in findings(key):
        assert one.is_sample == (one.group.value in ("heads", "addresses")), str(one.sentence)


@pytest.mark.parametrize("key", LACKS)
def test_a_city_that_mends_all_of_it_is_ready(app: Flask, iserlohn: None, key: str) -> None:
    for number, account in enumerate(db.session.scalars(select(Account).order_by(Account.email))):
        account.email = f"person{number}@iserlohn.de"
    for recipient in db.session.scalars(select(DigestRecipient)):
        recipient.email = "referat@land.nrw.de"
    for obligation in db.session.scalars(select(Obligation).join(Grant)):
        obligation.due_on = obligation.due_on or date(2026, 6, 30)
    for funder in db.session.scalars(select(ProgrammeFunder)):
        if funder.digest_rhythm is None:
            funder.digest_rhythm = "half_yearly"
            add(
                DigestRecipient(
                    programme_id=funder.programme_id, organisation_id=funder.organisation_id, email="a@bund.de"
                )
            )
    deputy = add_account("Vertretung")
    deputy.email = "vertretung@iserlohn.de"
    for unit in db.session.scalars(select(Unit)):
        add(Membership(account_id=deputy.id, role=Role.DEPARTMENT_HEAD, unit=unit))
    lead = db.session.scalars(select(Measure.lead_id).where(Measure.key == "wissenscampus")).one()
    unit_id = db.session.scalars(select(Unit.id).where(Unit.key == "stadtentwicklung")).one()
    for measure in db.session.scalars(select(Measure).where(Measure.status.is_(None))):
        measure.lead_id, measure.unit_id, measure.status = lead, unit_id, "in_umsetzung"
        add_milestone(measure, date(2024, 1, 31))
    assert [str(one.sentence) for one in findings(key)] == []
    db.session.commit()
    result = app.test_cli_runner().invoke(args=["programmes", "doctor", key])
    assert result.exit_code == 0
    assert result.output.startswith(f"{key}: Startklar. Geprüft: ")
    assert db.session.scalars(select(Programme).where(Programme.key == key)).one().draft is None
