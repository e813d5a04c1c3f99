"""An import obeys the field rules of a status, with the rights of the coordination."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask

from app.calendars.partial_dates import PartialDate
from app.core.database import db
from app.core.localized import Localized
from app.core.transaction import transaction
from app.organisations.models import Organisation
from app.programmes.models import Workflow
from app.transfer.service import Refused
from tests.transfer.arrange import (
    LATER,
    STAFFED,
    kept,
    measure,
    take_in,
    the,
)
from tests.transfer.cities import city_of

# -- field rules ------------------------------------------------------------------------------------------------


def ruled(*rules: str, workflow: str = "") -> str:
    """The staffed file with field rules of the status „Geplant“."""
    text = STAFFED.replace(
        "{de: Geplant, en: Planned}, category: planned}",
        f"{{de: Geplant, en: Planned}}, category: planned, field_rules: [{', '.join(rules)}]}}",
    )
    assert text != STAFFED
    return text.replace("    workflow:\n      initial: geplant", f"    workflow:\n{workflow}      initial: geplant")


def test_a_new_measure_needs_what_its_status_requires(app: Flask) -> None:
    rules = ("{field: summary, rule: required}", "{field: partners, rule: required, roles: [coordinator]}")
    text = ruled(*rules, "{field: grant_amount, rule: required, roles: [project_lead]}")
    with pytest.raises(Refused) as refused, transaction():
        take_in(city_of(text))
    assert [(finding.path, str(finding.message)) for finding in refused.value.findings] == [
        ("measures[0].summary", "Im Status „Geplant“ ist die Angabe „Kurzbeschreibung“ Pflicht."),
        ("measures[0].partners", "Im Status „Geplant“ ist die Angabe „Partner“ Pflicht."),
    ]
    assert refused.value.findings[0].line == text[: text.index("  - key: radweg")].count("\n") + 1
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Organisation)) == 0
    take_in(city_of(text.replace("    number: 1\n", "    number: 1\n    summary: Kurz\n    partners: [Verein]\n")))
    assert measure("radweg").summary == Localized("Kurz")


def test_a_measure_without_status_or_in_another_needs_nothing(app: Flask) -> None:
    text = ruled("{field: summary, rule: required}")
    take_in(city_of(text.replace("    status: geplant\n", "    status: umgesetzt\n")))
    take_in(
        city_of(
            text.replace("key: radweg", "key: furt")
            .replace("[radweg]", "[furt]")
            .replace("    status: geplant\n", "")
            .replace("key: bruecke", "key: b2")
            .replace("number: 1", "number: 2")
        )
    )
    assert (measure("radweg").status, measure("furt").status) == ("umgesetzt", None)


def test_a_new_measure_is_judged_by_the_version_it_will_follow(app: Flask) -> None:
    take_in(city_of(ruled("{field: ends, rule: required}", workflow="      version: 2\n")))
    older = STAFFED + "  - {key: furt, programme: klima, status: geplant}\n"
    with pytest.raises(Refused) as refused:
        take_in(
            city_of(
                older.replace(
                    "    workflow:\n      initial: geplant", "    workflow:\n      version: 1\n      initial: geplant"
                )
            )
        )
    assert "measures[1].ends" in [finding.path for finding in refused.value.findings]


READ_ONLY = ruled(
    "{field: title, rule: read_only}",
    "{field: summary, rule: hidden}",
    "{field: starts, rule: required}",
    "{field: ends, rule: read_only, roles: [project_lead]}",
)


def test_what_its_status_holds_back_stays_and_is_told(app: Flask) -> None:
    take_in(city_of(READ_ONLY.replace("    number: 1\n", "    number: 1\n    summary: Geheim\n")))
    row = measure("radweg")
    text = READ_ONLY.replace("title: {de: Radweg, en: Cycle path}", "title: Weg\n    summary: Offen")
    text = text.replace("    starts: 2022-01\n", "").replace("ends: 2023-22", "ends: 2023-23")
    summary = take_in(city_of(text), LATER)
    assert (row.title, row.summary) == (Localized("Radweg", "Cycle path"), Localized("Geheim"))
    assert (row.starts, row.ends) == (PartialDate(2022, 1), PartialDate(2023, 23))
    assert kept(summary) == [
        "Radweg: Titel bleibt „Radweg“: im Status „Geplant“ nur lesbar. In der Datei steht „Weg“.",
        "Radweg: Kurzbeschreibung bleibt, wie es gespeichert ist: im Status „Geplant“ verborgen.",
        "Radweg: Beginn bleibt „2022-01“: im Status „Geplant“ eine Pflichtangabe. In der Datei fehlt sie.",
    ]
    assert (row.sort_key, row.is_sample) == ("radweg", False)
    again = take_in(city_of(text), LATER)
    assert (again.changes_nothing, again.kept) == (True, summary.kept)


def test_the_rules_are_those_of_the_version_the_measure_follows(app: Flask) -> None:
    take_in(city_of(STAFFED))
    newer = READ_ONLY.replace("      initial: geplant", "      version: 2\n      initial: geplant", 1)
    summary = take_in(city_of(newer.replace("title: {de: Radweg, en: Cycle path}", "title: Weg")), LATER)
    assert (measure("radweg").title, summary.kept) == (Localized("Weg"), [])
    row = measure("radweg")
    row.workflow = the(Workflow, version=2)
    db.session.commit()
    summary = take_in(city_of(newer), LATER)
    assert (row.title, len(summary.kept)) == (Localized("Weg"), 1)


def test_a_file_may_not_empty_what_a_status_requires(app: Flask) -> None:
    text = ruled("{field: partners, rule: required}").replace(
        "    number: 1\n", "    number: 1\n    partners: [Verein]\n"
    )
    take_in(city_of(text))
    with pytest.raises(Refused) as refused:
        take_in(city_of(text.replace("    partners: [Verein]\n", "    partners: []\n")))
    assert [finding.path for finding in refused.value.findings] == ["measures[0].partners"]
    summary = take_in(city_of(text.replace("    partners: [Verein]\n", "")))
    assert (summary.changes_nothing, len(summary.kept)) == (True, 1)
