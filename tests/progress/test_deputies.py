"""Releasing "i. V.": from the first to the last day of a head's absence, and no way round for the head."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from app.accounts.models import Account
from app.audit.models import AuditEvent
from app.core.database import db
from app.core.errors import Forbidden
from app.mail.models import Mail
from app.organisations.permissions import Actor
from app.organisations.queries import actor_for
from app.progress import queries, service
from app.progress.models import ProgressUpdate, UpdateState
from tests.conftest import SANDBOX_DAY, Client
from tests.factories import NOON, City, actor, add_absence
from tests.progress.arrange import add_update, report

FIRST, LAST = SANDBOX_DAY - timedelta(days=3), SANDBOX_DAY
DAY = timedelta(days=1)
SIGNED = "Andere Projektleitung i. V. Leitung Digitalisierung"


@pytest.fixture
def deputy(city: City) -> Account:
    """Stands in for the head until today; a lead of another measure otherwise."""
    add_absence(city.head, city.other_lead, FIRST, LAST)
    db.session.commit()
    return city.other_lead


def decide(who: Actor, update: ProgressUpdate, state: UpdateState, override_reason: str | None = None) -> None:
    seen = update.version
    if state is UpdateState.RELEASED:
        service.release_update(who, update, override_reason=override_reason, now=NOON, seen_version=seen)
    else:
        service.return_update(who, update, "Zahlen fehlen", now=NOON, seen_version=seen)
    db.session.commit()


@pytest.mark.parametrize("state", [UpdateState.RELEASED, UpdateState.RETURNED])
def test_a_deputy_decides_and_it_is_kept_in_whose_place(city: City, deputy: Account, state: UpdateState) -> None:
    update = add_update(city.measure, city.lead)
    decide(actor(deputy), update, state)
    assert (update.state, update.decided_by_id, update.decided_for_id) == (state, deputy.id, city.head.id)
    line = db.session.scalars(select(AuditEvent).where(AuditEvent.subject_id == update.id)).one()
    assert "i. V. Leitung Digitalisierung" in str(line.sentence)
    (mail,) = db.session.scalars(select(Mail).where(Mail.kind == "update_decided"))
    assert SIGNED in mail.body_text
    assert SIGNED in mail.body_html


@pytest.mark.parametrize(
    ("day", "may"), [(FIRST - DAY, False), (FIRST, True), (LAST - DAY, True), (LAST, True), (LAST + DAY, False)]
)
def test_the_right_lasts_from_the_first_to_the_last_day(city: City, deputy: Account, day: date, may: bool) -> None:
    update = add_update(city.measure, city.lead)
    viewer = actor_for(deputy, day)
    assert list(queries.list_awaiting_release(viewer)) == ([update] if may else [])
    if may:
        decide(viewer, update, UpdateState.RELEASED)
        return
    with pytest.raises(Forbidden, match="Ihre Rolle erlaubt das nicht"):
        decide(viewer, update, UpdateState.RELEASED)


@pytest.mark.parametrize("who", ["head", "other_lead"])
def test_a_deputy_is_no_way_round_for_the_head_nor_for_themselves(
    client: Client, city: City, deputy: Account, who: str
) -> None:
    city.programme.emergency_override = True
    update = add_update(city.measure, getattr(city, who))
    for state in (UpdateState.RELEASED, UpdateState.RETURNED):
        with pytest.raises(Forbidden, match="Vier-Augen-Prinzip"):
            decide(actor(deputy), update, state, "Eilt")
    assert not queries.list_awaiting_release(actor(deputy))
    client.sign_in(deputy)
    page = client.get(f"/progress/{update.id}").text
    assert "Vier-Augen-Prinzip" in page
    assert "Ihre Entscheidung" not in page
    assert "override_reason" not in page
    data = {"version": str(update.version), "decision": "released", "override_reason": "Eilt"}
    assert client.post(f"/progress/{update.id}", data=data).status_code == 403


def test_a_report_of_an_unknown_author_waits_for_the_deputy_too(city: City, deputy: Account) -> None:
    update = add_update(city.measure, None)
    assert list(queries.list_awaiting_release(actor(deputy))) == [update]


@pytest.mark.parametrize(("deputy_only", "heads"), [(False, {"head", "other_lead"}), (True, {"other_lead"})])
def test_the_deputy_is_told_beside_the_head_or_alone(city: City, deputy_only: bool, heads: set[str]) -> None:
    add_absence(city.head, city.other_lead, FIRST, LAST, deputy_only=deputy_only)
    service.submit_update(actor(city.lead), city.measure, report(), now=NOON, seen_version=None)
    db.session.commit()
    told = set(db.session.scalars(select(Mail.to_address).where(Mail.kind == "update_submitted")))
    assert told == {getattr(city, who).email for who in heads}


def test_the_deputy_finds_releases_and_signs_on_the_pages(client: Client, city: City, deputy: Account) -> None:
    update = add_update(city.measure, city.lead)
    client.sign_in(deputy)
    assert f"/progress/{update.id}" in client.get("/").text
    asked = client.get(f"/progress/{update.id}").text
    assert "Sie entscheiden in Vertretung für Leitung Digitalisierung." in asked
    data = {"version": str(update.version), "decision": "released"}
    assert client.post(f"/progress/{update.id}", data=data).status_code == 302
    assert SIGNED in client.get(f"/progress/{update.id}").text
    client.sign_in(city.funder)
    page = client.get(f"/progress/{update.id}").text
    assert "i. V." not in page


def test_the_day_after_the_decision_is_closed(client: Client, city: City) -> None:
    add_absence(city.head, city.other_lead, FIRST, SANDBOX_DAY - DAY)
    update = add_update(city.measure, city.lead)
    client.sign_in(city.other_lead)
    assert f"/progress/{update.id}" not in client.get("/").text
    assert "Ihre Entscheidung" not in client.get(f"/progress/{update.id}").text
    data = {"version": str(update.version), "decision": "released"}
    assert client.post(f"/progress/{update.id}", data=data).status_code == 403


def test_the_deputy_of_a_lead_reports_and_the_head_they_stand_in_for_is_none_of_it(city: City) -> None:
    add_absence(city.lead, city.other_lead, FIRST, LAST)
    db.session.commit()
    update = service.submit_update(actor(city.other_lead), city.measure, report(), now=NOON, seen_version=None)
    db.session.commit()
    assert update.author_id == city.other_lead.id
    decide(actor(city.head), update, UpdateState.RELEASED)
    assert update.decided_for_id is None
