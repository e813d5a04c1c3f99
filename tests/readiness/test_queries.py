"""What the check reads from the database, on a small city that has everything until one thing is taken away."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from app.core.database import db
from app.core.errors import NotFound
from app.core.localized import Localized
from app.digests.models import DigestRecipient
from app.grants.models import Grant, Obligation
from app.measures.models import Measure
from app.milestones.approval import Decision
from app.milestones.models import Approval
from app.organisations.models import Membership
from app.organisations.permissions import Permission, Role
from app.programmes.models import Programme, Workflow
from app.progress.models import ProgressUpdate
from app.readiness import queries
from app.readiness.checks import check
from app.readiness.facts import Link
from app.readiness.report import Finding, Report
from tests.factories import (
    NOON,
    WORKFLOW,
    City,
    add,
    add_account,
    add_measure,
    add_milestone,
    add_programme,
    add_unit,
)
from tests.readiness.arrange import add_obligation, add_request


def report(programme: Programme) -> Report:
    db.session.flush()
    db.session.expire_all()
    return check(queries.gather(programme))


def findings(programme: Programme) -> list[Finding]:
    return [finding for one in report(programme).checks for finding in one.findings]


def found(city: City) -> list[tuple[str, str, str]]:
    return [(one.group.value, one.level, str(one.sentence)) for one in findings(city.programme)]


def test_a_city_that_has_everything_is_ready(ready: City) -> None:
    assert found(ready) == []
    assert [one.checked for one in report(ready.programme).checks] == [1, 1, 1, 5, 6, 2, 1, 5]


def name(measure: Measure) -> str:
    return f"„{measure.name}“"


def test_a_closed_account_leads_nothing_heads_nothing_and_coordinates_nothing(ready: City) -> None:
    ready.lead.active = False
    ready.head.active = False
    ready.coordinator.active = False
    rows = found(ready)
    assert rows[0] == (
        "leads",
        "error",
        f"{name(ready.measure)}: Das Konto der Projektleitung (Projektleitung) ist gesperrt",
    )
    assert rows[1] == (
        "heads",
        "warning",
        "Stabsstelle Digitalisierung: nur „Leitung Stadtentwicklung“ leitet, ohne ständige Vertretung",
    )
    assert [row[:2] for row in rows[2:]] == [("workflow", "error")] * 2  # what only a lead may do


def test_the_head_of_a_unit_above_is_a_head(ready: City) -> None:
    ready.measure.unit = add_unit("Team Netze", parent=ready.unit)
    assert found(ready) == []
    ready.measure.unit = add_unit("Amt ohne Leitung")
    assert found(ready)[0] == (
        "heads",
        "error",
        "Amt ohne Leitung mit 1 Maßnahme: keine Bereichsleitung, auch nicht in einer Stelle darüber",
    )


def test_a_head_of_two_levels_cannot_stand_in_for_themselves(ready: City) -> None:
    ready.measure.unit = add_unit("Team", parent=add_unit("Amt"))
    for unit in ready.measure.unit.with_parents():
        add(Membership(account_id=ready.head.id, role=Role.DEPARTMENT_HEAD, unit=unit))
    assert [row[:2] for row in found(ready)] == [("heads", "warning")]


def test_a_request_that_only_those_involved_could_decide_is_stuck(ready: City) -> None:
    approval = add_request(ready)
    assert found(ready) == []
    approval.milestone.edited_by_id = ready.other_head.id
    (row,) = found(ready)
    title = approval.milestone.title
    expected = f"Freigabe von „{title}“ ({ready.measure.name}): niemand außer den Beteiligten kann entscheiden"
    assert row == ("approvals", "error", expected)
    (finding,) = findings(ready.programme)
    assert finding.link
    assert finding.link.endpoint == "milestones.show"


def test_an_update_that_only_its_author_could_release_is_stuck(ready: City) -> None:
    ready.other_head.active = False
    update = add(
        ProgressUpdate(
            measure=ready.measure,
            period="2022-Q4",
            state="submitted",
            health="green",
            author=ready.head,
            created_at=NOON,
            submitted_at=NOON,
            is_sample=True,
        )
    )
    stuck = [one for one in findings(ready.programme) if one.group.value == "approvals"]
    assert [str(one.sentence) for one in stuck] == [
        f"Sachstand 4. Quartal 2022 ({ready.measure.name}): niemand außer der meldenden Person kann ihn freigeben"
    ]
    assert stuck[0].is_sample
    update.author = ready.lead
    assert [row for row in found(ready) if row[0] == "approvals"] == []
    update.author, update.state = ready.head, "draft"
    assert [row for row in found(ready) if row[0] == "approvals"] == []


def test_what_waits_for_a_measure_that_has_ended_is_no_longer_asked(ready: City) -> None:
    add_request(ready).milestone.edited_by_id = ready.other_head.id
    ready.measure.status = "stopped"
    assert found(ready) == []


def test_whoever_leads_a_measure_of_the_unit_they_head_alone_approves_for_themselves(ready: City) -> None:
    ready.other_head.active = False
    ready.measure.lead = ready.head
    assert [row[:2] for row in found(ready)] == [("heads", "warning"), ("approvals", "error")]


def test_a_reserved_address_of_anybody_needed_is_told(ready: City) -> None:
    ready.other_lead.email = "andere@musterstadt.example"
    assert found(ready) == [], "neither leads anything here"
    ready.head.email = "leitung@musterstadt.example"
    assert [row[:2] for row in found(ready)] == [("addresses", "error")]


def leave_nobody(city: City) -> None:
    """Everybody a step could call is gone."""
    city.measure.lead = None
    city.measure.unit = add_unit("Amt ohne Leitung")
    city.coordinator.active = city.administrator.active = False


def test_a_standing_deputy_who_may_sign_in_secures_a_sole_head(ready: City) -> None:
    ready.other_head.active = False
    assert [row[:2] for row in found(ready)] == [("heads", "warning")]
    ready.head.deputy = ready.coordinator
    assert found(ready) == []
    ready.head.deputy = ready.other_head
    assert [row[:2] for row in found(ready)] == [("heads", "warning")]


def test_a_ladder_that_calls_nobody_is_told(ready: City) -> None:
    ready.programme.steps[0].recipients = []
    ready.programme.steps[0].named = [ready.auditor]
    leave_nobody(ready)
    steps = [row for row in found(ready) if row[0] == "reminders"]
    assert len(steps) == len(ready.programme.steps) - 1, "the first step names somebody who is there"
    assert steps[0] == ("reminders", "error", "Die Erinnerung „14 Tage vorher“ erreicht bei 1 Maßnahme niemanden")
    ready.auditor.active = False
    assert [row[2] for row in found(ready) if "30 Tage vorher" in row[2]]
    ready.programme.steps.clear()
    assert [row[:2] for row in found(ready) if row[0] == "reminders"] == [("reminders", "warning")]


def test_stand_ins_count_as_called_as_they_do_for_the_sweep(ready: City) -> None:
    ready.measure.lead = None
    assert [row for row in found(ready) if row[0] == "reminders"] == []


def test_only_open_obligations_need_a_day(ready: City) -> None:
    row = add_obligation(ready, None)
    assert found(ready) == [("deadlines", "error", "„Nachweis“ (Zuwendung): Datum fehlt, niemand wird erinnert")]
    (finding,) = findings(ready.programme)
    assert finding.link == Link("grants.move_obligation", {"obligation_id": str(row.id)}, Permission.RECORD_GRANTS)
    row.done_on = date(2023, 3, 1)
    assert found(ready) == []


def test_a_running_measure_without_milestones_is_told(ready: City) -> None:
    measure = add_measure(ready.programme, unit=ready.unit, lead=ready.lead)
    assert found(ready) == [("deadlines", "warning", f"{name(measure)} läuft und hat keinen Meilenstein")]
    measure.status = "approved"
    assert found(ready) == []


def test_funders_and_their_recipients_are_those_of_this_programme(ready: City) -> None:
    db.session.query(DigestRecipient).delete()
    other = add_programme(ready.funder_organisation)
    add(DigestRecipient(programme_id=other.id, organisation_id=ready.funder_organisation.id, email="a@b.de"))
    assert [row[:2] for row in found(ready)] == [("funders", "error")]
    ready.programme.funders[0].digest_rhythm = None
    assert [row[:2] for row in found(ready)] == [("funders", "warning")]
    ready.programme.funders.clear()
    assert [row[:2] for row in found(ready)] == [("funders", "error")]


def test_measures_behind_the_newest_version_are_told_with_the_way_to_move_them(ready: City) -> None:
    add(Workflow(programme_id=ready.programme.id, version=2, definition=WORKFLOW, published_at=NOON))
    (finding,) = findings(ready.programme)
    assert str(finding.sentence) == "1 Maßnahme folgt noch einer älteren Version des Ablaufs"
    assert finding.link
    assert (finding.link.endpoint, dict(finding.link.values)) == (
        "measures.migrate",
        {"key": ready.programme.key, "version": "2"},
    )
    ready.measure.workflow = ready.programme.workflows[-1]
    assert found(ready) == []


def test_the_newest_version_is_the_one_that_is_looked_at(ready: City) -> None:
    broken = WORKFLOW | {"initial": "paused"}
    add(Workflow(programme_id=ready.programme.id, version=2, definition=broken, published_at=NOON))
    assert (
        "workflow",
        "error",
        "Status „Bewilligt“: der Status „Bewilligt“ ist vom Anfang aus nicht erreichbar",
    ) in (found(ready))


def test_the_version_that_a_measure_still_follows_is_gathered_too(ready: City) -> None:
    steps = [row | {"four_eyes": True} if row["key"] == "stop" else row for row in WORKFLOW["transitions"]]
    strict = WORKFLOW | {"transitions": steps}
    for version, definition in ((2, strict), (3, WORKFLOW)):
        add(Workflow(programme_id=ready.programme.id, version=version, definition=definition, published_at=NOON))
    db.session.expire_all()
    ready.measure.workflow = ready.programme.workflows[1]
    ready.other_head.active = False
    db.session.commit()
    facts = queries.gather(ready.programme)
    assert facts.workflow is not None
    assert (facts.workflow.version, [row.version for row in facts.older]) == (3, [2])
    assert ("approvals", "error") in [row[:2] for row in found(ready)]


def test_an_unknown_status_is_a_warning_and_asks_no_more(ready: City) -> None:
    ready.measure.status = None
    ready.measure.lead = None
    ready.measure.unit = None
    assert [row[:2] for row in found(ready)] == [("leads", "warning")]


def test_a_programme_with_nothing_says_what_it_lacks(city: City) -> None:
    programme = Programme(key="neu", name=Localized("Neues Programm"), level="state", update_rhythm="quarterly")
    db.session.add(programme)
    city.coordinator.email = "koordination@musterstadt.de"
    assert [(one.group.value, one.level) for one in findings(programme)] == [
        ("leads", "warning"),
        ("reminders", "warning"),
        ("funders", "error"),
        ("workflow", "error"),
    ]
    assert [one.checked for one in report(programme).checks] == [0, 0, 0, 1, 0, 0, 0, 0]


def test_other_programmes_do_not_matter(ready: City) -> None:
    other = add_programme()
    measure = add_measure(other)
    add_milestone(measure, date(2023, 5, 1))
    grant = Grant(programme=other, key="g", title=Localized("Andere"))
    add(Obligation(grant=grant, key="o", kind="proof_of_use", title=Localized("Andere")))
    assert found(ready) == []


def test_the_number_of_queries_does_not_grow_with_the_programme(
    ready: City, count_queries: Callable[[], Any]
) -> None:
    def count() -> int:
        db.session.flush()
        db.session.expire_all()
        with count_queries() as seen:
            check(queries.gather(db.session.get_one(Programme, ready.programme.id)))
        return len(seen)

    add_request(ready)
    one = count()
    for number in range(20):
        lead = add_account(f"Leitung {number}", Role.PROJECT_LEAD)
        unit = add_unit(f"Stelle {number}", parent=ready.unit)
        add_account(f"Bereichsleitung {number}", Role.DEPARTMENT_HEAD, unit=unit)
        measure = add_measure(ready.programme, unit=unit, lead=lead)
        milestone = add_milestone(measure, date(2023, 5, 1))
        add(
            Approval(
                milestone=milestone,
                submitted_by=lead,
                submitted_at=NOON,
                actual_on=date(2023, 3, 1),
                statement="Erreicht",
            )
        )
        add_obligation(ready, date(2023, 6, 1 + number))
    assert count() == one


def test_an_unknown_key_is_answered_with_the_nearest(city: City) -> None:
    city.programme.key = "klimaschutz"
    db.session.flush()
    with pytest.raises(NotFound, match="„klimaschuz“ gibt es nicht; meinten Sie „klimaschutz“"):
        queries.get_programme("klimaschuz")
    with pytest.raises(NotFound, match=r"„x\0y“ gibt es nicht\.$"):
        queries.get_programme("x\0y")


def test_a_request_that_was_withdrawn_waits_for_nobody(ready: City) -> None:
    ready.other_head.active = False
    approval = add_request(ready)
    approval.milestone.edited_by_id = ready.head.id
    assert [row[0] for row in found(ready)] == ["heads", "approvals"]
    approval.decision, approval.decided_by_id, approval.decided_at = Decision.WITHDRAWN, ready.head.id, NOON
    assert [row[0] for row in found(ready)] == ["heads"]


def test_a_measure_at_rest_needs_nobody_to_remind(ready: City) -> None:
    leave_nobody(ready)
    assert "reminders" in [row[0] for row in found(ready)]
    ready.measure.status = "paused"
    assert "reminders" not in [row[0] for row in found(ready)]
