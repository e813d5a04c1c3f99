"""Decisions without four eyes, from the decision itself to the funder's mail; and the words that funders are told."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import html5lib
import pytest
from sqlalchemy import select

from app.accounts.models import Account
from app.core.database import db
from app.core.localized import Localized
from app.digests import content, facts, released, service
from app.digests.models import Digest
from app.mail.models import Mail
from app.measures import service as measures
from app.measures.models import Measure
from app.milestones import service as milestones
from app.milestones.approval import Decision
from app.milestones.models import Milestone, MoveRequest
from app.organisations.models import Membership
from app.organisations.permissions import Role
from app.programmes.guards import Given
from app.programmes.models import Workflow
from app.progress import service as progress
from app.progress.models import UpdateState
from tests.conftest import Client
from tests.digests.arrange import add_recipient, add_update, change_status, noon, part_of
from tests.factories import (
    NOON,
    WORKFLOW,
    City,
    actor,
    add,
    add_funder_organisation,
    add_measure,
    add_milestone,
    add_programme,
)

TODAY = date(2023, 3, 15)
NEXT_WEEK = TODAY + timedelta(days=7)


def send(city: City, until_on: date = TODAY) -> Digest:
    return service.send(
        actor(city.coordinator),
        city.programme,
        city.funder_organisation,
        until_on=until_on,
        now=NOON + (until_on - TODAY),
    )


def digest_mails() -> list[Mail]:
    """What funders got, oldest first; the mails about the decisions themselves stay in the city."""
    return list(db.session.scalars(select(Mail).where(Mail.kind == "digest").order_by(Mail.created_at)))


@pytest.fixture
def emergency(city: City) -> City:
    """A programme with emergencies, whose head also coordinates and leads the measure, and a funder who reads."""
    city.programme.emergency_override = True
    city.measure.lead = city.head
    add(Membership(account_id=city.head.id, role=Role.COORDINATOR))
    add_recipient(part_of(city))
    db.session.flush()
    return city


def approve(city: City, reason: str | None, **values: Any) -> Milestone:
    milestone = add_milestone(city.measure, date(2023, 3, 31), **values)
    by = city.head if reason else city.coordinator
    approval = milestones.request_approval(
        actor(by), milestone, TODAY, "Läuft", seen_version=milestone.version, now=NOON
    )
    milestones.decide_approval(actor(city.head), approval, Decision.APPROVED, override_reason=reason, now=NOON)
    db.session.commit()
    return milestone


def release(city: City, reason: str | None) -> None:
    author: Account = city.head if reason else city.coordinator
    update = add_update(city.measure, UpdateState.SUBMITTED, author=author)
    progress.release_update(actor(city.head), update, override_reason=reason, now=NOON, seen_version=update.version)
    db.session.commit()


def pause(city: City, reason: str | None) -> None:
    """A step with four eyes, by whoever brought the measure where it is."""
    definition = copy.deepcopy(WORKFLOW)
    step = next(row for row in definition["transitions"] if row["key"] == "pause")
    step["four_eyes"] = True
    workflow = Workflow(programme=city.programme, version=2, definition=definition, published_at=NOON)
    city.measure.workflow = add(workflow)
    by = city.head.id if reason else city.coordinator.id
    change_status(city.measure, "approved", "running", noon(date(2023, 2, 1)), changed_by_id=by)
    db.session.commit()
    measures.change_status(
        actor(city.head),
        city.measure,
        "pause",
        given=Given("Lieferverzug", {"look_again_on": "2023-06-01"}, override_reason=reason or ""),
        seen_version=city.measure.version,
        now=NOON,
    )
    db.session.commit()


def move(city: City, reason: str | None) -> None:
    """What the funder was promised moves to another day."""
    milestone = add_milestone(city.measure, date(2023, 3, 31), title=Localized("Betrieb"), funder_relevant=True)
    by = city.head if reason else city.coordinator
    wish = milestones.move_milestone(
        actor(by), milestone, date(2023, 6, 30), "Verzug", seen_version=milestone.version, now=NOON
    )
    assert isinstance(wish, MoveRequest)
    milestones.decide_move(actor(city.head), wish, Decision.APPROVED, override_reason=reason, now=NOON)
    db.session.commit()


DECISIONS: dict[str, tuple[Callable[[City, str | None], Any], str]] = {
    "status": (pause, "Status „Pausiert“"),
    "milestone": (lambda city, reason: approve(city, reason, title=Localized("Betrieb")), "„Betrieb“ freigegeben"),
    "move": (move, "Plan-Termin von „Betrieb“ verschoben"),
    "update": (release, "Sachstand für 4. Quartal 2022 freigegeben"),
}


@pytest.mark.parametrize("kind", DECISIONS)
def test_an_emergency_is_told_in_both_parts_of_the_mail(emergency: City, kind: str) -> None:
    act, told = DECISIONS[kind]
    act(emergency, "Frist endet <heute>\nSiehe Brief")
    digest = send(emergency)
    (mail,) = digest_mails()
    assert "1 Notfallentscheidung" in mail.subject
    in_html = "".join(html5lib.parse(mail.body_html, namespaceHTMLElements=False).find("body").itertext())
    for part in (mail.body_text, in_html):
        assert part.count("Ohne Vier-Augen-Prinzip entschieden") == 1
        assert part.count("Begründung: Frist endet <heute> Siehe Brief") == 1
        section = part.split("Ohne Vier-Augen-Prinzip entschieden")[1].split("Was ist der Stand?")[0]
        assert told in section
        assert "Am 15.03.2023" in section
        assert str(emergency.measure.name) in section
    assert "<heute>" not in mail.body_html
    assert [key for key in digest.facts["keys"] if key.startswith(f"override:{kind}:")]


@pytest.mark.parametrize("kind", DECISIONS)
def test_where_four_eyes_were_kept_nothing_of_it_is_said(emergency: City, kind: str) -> None:
    DECISIONS[kind][0](emergency, None)
    digest = send(emergency)
    (mail,) = digest_mails()
    seen = json.dumps(digest.facts["keys"]) + mail.subject + mail.body_text + mail.body_html
    for word in ("Notfall", "Vier-Augen", "vier Augen", "override"):
        assert word not in seen


@pytest.mark.parametrize("kind", DECISIONS)
def test_an_emergency_is_told_once_over_two_digests(emergency: City, kind: str) -> None:
    DECISIONS[kind][0](emergency, "Frist endet heute")
    send(emergency)
    change_status(emergency.measure, "running", "done", NOON + timedelta(days=2))
    send(emergency, NEXT_WEEK)
    first, second = digest_mails()
    assert first.body_text.count("Frist endet heute") == first.body_html.count("Frist endet heute") == 1
    assert "Frist endet heute" not in second.body_text + second.body_html
    assert "Notfall" not in second.subject
    assert "Vier-Augen" not in second.body_text


def test_no_name_of_a_person_is_told_with_an_emergency(emergency: City) -> None:
    emergency.head.name = Localized("GEHEIM-Leitung")
    for act, _told in DECISIONS.values():
        act(emergency, "Frist endet heute")
    digest = send(emergency)
    (mail,) = digest_mails()
    assert "4 Notfallentscheidungen" in mail.subject
    for seen in (json.dumps(digest.facts), mail.subject, mail.body_text, mail.body_html):
        assert "GEHEIM" not in seen
        assert "Lieferverzug" not in seen, "a note is the city's own"


def test_an_emergency_alone_is_news(emergency: City) -> None:
    """Told statuses that came back to where they were are no news; that it happened without four eyes is."""
    day = noon(date(2023, 3, 2))
    change_status(emergency.measure, "running", "paused", day)
    change_status(emergency.measure, "paused", "running", day, override_reason="Frist endet heute")
    gathered = content.build(released.gather(part_of(emergency), TODAY))
    assert not gathered.news
    assert gathered.has_news
    send(emergency)
    (mail,) = digest_mails()
    for part in (mail.body_text, mail.body_html):
        assert "Frist endet heute" in part
        assert "Sonst gibt es nichts Neues." in part
        assert "Seit dem letzten Digest gibt es nichts Neues." not in part


def test_a_sweep_tells_an_emergency_too(emergency: City) -> None:
    release(emergency, "Frist endet heute")
    assert service.sweep_due(datetime(2023, 4, 1, 5, tzinfo=UTC)) == 1
    assert "Frist endet heute" in digest_mails()[0].body_text


def test_an_emergency_entered_late_is_told_by_the_next_digest(emergency: City) -> None:
    add_update(emergency.measure, at=noon(date(2023, 1, 10)))
    send(emergency)
    day = noon(date(2023, 2, 1))
    change_status(emergency.measure, "approved", "running", day, override_reason="Frist endete")
    send(emergency, NEXT_WEEK)
    text = digest_mails()[-1].body_text
    section = text.split("Ohne Vier-Augen-Prinzip entschieden")[1].split("Was hat sich geändert?")[0]
    assert "Am 01.02.2023" in section
    assert "Nachgetragen vom 01.02.2023" in section


def test_an_emergency_after_the_last_day_waits_for_the_next_digest(emergency: City) -> None:
    release(emergency, "Frist endet heute")
    approve(emergency, "Frist endet heute")
    (measure,) = released.gather(part_of(emergency), date(2023, 3, 14)).measures
    assert not measure.overrides
    (measure,) = released.gather(part_of(emergency), TODAY).measures
    assert len(measure.overrides) == 2


def test_emergencies_of_another_programme_stay_there(emergency: City) -> None:
    own = emergency.measure
    other = add_programme(add_funder_organisation("Bund"), emergency_override=True)
    emergency.measure = add_measure(other, unit=emergency.unit, lead=emergency.head)
    approve(emergency, "GEHEIM")
    release(emergency, "GEHEIM")
    gathered = released.gather(part_of(emergency), TODAY)
    assert [measure.id for measure in gathered.measures] == [own.id]
    assert "GEHEIM" not in json.dumps(facts.to_json(gathered))
    assert len(released.gather(other.funders[0], TODAY).measures[0].overrides) == 2


# -- preview and archive


def test_preview_and_archive_show_it(client: Client, emergency: City) -> None:
    approve(emergency, "Frist endet heute")
    base = f"/digests/{emergency.programme.key}/{emergency.funder_organisation.key}/preview"
    client.sign_in(emergency.coordinator)
    for page in (client.get(base).text, client.get(f"{base}/html").text):
        assert "Ohne Vier-Augen-Prinzip entschieden" in page
        assert "Frist endet heute" in page
    digest = send(emergency)
    emergency.programme.emergency_override = False
    for account in (emergency.coordinator, emergency.auditor, emergency.funder):
        client.sign_in(account)
        for page in (client.get(f"/digests/{digest.id}").text, client.get(f"/digests/{digest.id}/html").text):
            assert "Ohne Vier-Augen-Prinzip entschieden" in page
            assert "Frist endet heute" in page


def test_a_digest_from_before_there_were_emergencies_is_still_shown(client: Client, emergency: City) -> None:
    release(emergency, None)
    digest = send(emergency)
    stored = copy.deepcopy(digest.facts)
    for part in stored["measures"]:
        del part["overrides"]
    digest.facts = stored
    db.session.commit()
    for account in (emergency.coordinator, emergency.funder):
        client.sign_in(account)
        for address in (f"/digests/{digest.id}", f"/digests/{digest.id}/html"):
            answer = client.get(address)
            assert answer.status_code == 200
            assert "Sachstand für 4. Quartal 2022" in answer.text
            assert "Vier-Augen" not in answer.text
    assert released.gather(part_of(emergency), NEXT_WEEK).measures[0].releases == ()


# -- the words that funders are told


def next_version(city: City, *, told: Localized | None = None, **labels: str) -> Workflow:
    """A further version whose statuses bear other labels (by key), and one word for the public on `running`."""
    definition = copy.deepcopy(WORKFLOW)
    for status in definition["statuses"]:
        status["label"]["de"] = labels.get(status["key"], status["label"]["de"])
        if told and status["key"] == "running":
            status["public_label"] = {"de": told.de}
    version = len(city.programme.workflows) + 1
    return add(  # type: ignore[no-any-return]
        Workflow(programme=city.programme, version=version, definition=definition, published_at=NOON)
    )


def migrate(measure: Measure, workflow: Workflow, at: datetime) -> None:
    old, measure.workflow = measure.workflow, workflow
    row = change_status(measure, measure.status, measure.status or "", at, from_workflow=old)
    assert row.workflow is workflow


def test_funders_are_told_the_public_words(emergency: City) -> None:
    measure = emergency.measure
    measure.workflow = next_version(emergency, told=Localized("Wird gebaut"), running="Bauphase 2b intern")
    change_status(measure, "approved", "running", noon(date(2023, 2, 1)), override_reason="Frist endet heute")
    digest = send(emergency)
    (mail,) = digest_mails()
    assert "Status: „Wird gebaut“, vorher „Bewilligt“" in mail.body_text
    assert "Status „Wird gebaut“" in mail.body_text
    for seen in (json.dumps(digest.facts), mail.body_text, mail.body_html):
        assert "intern" not in seen


def test_a_move_to_a_version_with_the_same_words_is_nothing_to_tell(emergency: City) -> None:
    migrate(emergency.measure, next_version(emergency), NOON)
    migrate(emergency.measure, next_version(emergency, told=Localized("In Umsetzung"), running="Phase 2"), NOON)
    assert not content.build(released.gather(part_of(emergency), TODAY)).has_news


def test_a_move_to_a_version_with_other_words_is_told_in_the_words_of_both(emergency: City) -> None:
    migrate(emergency.measure, next_version(emergency, running="Im Bau"), NOON)
    told = content.build(released.gather(part_of(emergency), TODAY))
    assert [str(line.text) for line in told.news[0].lines] == ["Status: „Im Bau“, vorher „In Umsetzung“"]


def test_a_change_from_before_the_move_keeps_the_words_of_its_time(emergency: City) -> None:
    measure = emergency.measure
    change_status(measure, "approved", "running", noon(date(2023, 2, 1)))
    migrate(measure, next_version(emergency, running="Im Bau", approved="Zugesagt"), noon(date(2023, 3, 10)))
    (then,) = released.gather(part_of(emergency), date(2023, 3, 9)).measures
    assert then.status is not None
    assert then.status.label.de == "In Umsetzung"
    told = content.build(released.gather(part_of(emergency), TODAY))
    assert [str(line.text) for line in told.news[0].lines] == ["Status: „Im Bau“, vorher „Bewilligt“"]


def test_two_internal_steps_with_one_public_word_are_nothing_to_tell(emergency: City) -> None:
    definition = copy.deepcopy(WORKFLOW)
    for status in definition["statuses"]:
        if status["key"] in ("running", "approved"):
            status |= {"public_label": {"de": "In Arbeit"}, "category": "running"}
    row = Workflow(programme=emergency.programme, version=2, definition=definition, published_at=NOON)
    emergency.measure.workflow = add(row)
    change_status(emergency.measure, "approved", "running", NOON)
    assert not content.build(released.gather(part_of(emergency), TODAY)).has_news


# -- the cost


def test_emergencies_cost_no_query_each(emergency: City, count_queries: Callable[[], Any]) -> None:
    counts = []
    for _ in range(2):
        for _ in range(5):
            city = emergency
            measure = city.measure = add_measure(city.programme, unit=city.unit, lead=city.head)
            approve(city, "Frist endet heute")
            release(city, "Frist endet heute")
            old = next_version(city)  # which nothing follows any more
            city.measure.workflow = next_version(city)
            change_status(measure, "running", "running", NOON, from_workflow=old, override_reason="Frist endet heute")
        db.session.flush()
        db.session.expire_all()
        assert emergency.programme.funders
        assert emergency.funder_organisation.name
        with count_queries() as queries:
            gathered = released.gather(part_of(emergency), TODAY)
        counts.append(len(queries))
    assert sum(len(one.overrides) for one in gathered.measures) == 30
    assert counts[0] == counts[1] <= 12
