"""Sending by hand and by rhythm: what is written, what is refused, and that nothing is told twice or lost."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import flask_migrate
import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from app import create_app
from app.audit.models import AuditEvent
from app.core.database import db
from app.core.errors import Conflict, DomainError, Forbidden, RuleBroken
from app.core.transaction import transaction
from app.digests import facts, released, service
from app.digests.models import Digest
from app.mail.models import Mail
from app.measures.models import Measure
from app.organisations.models import Organisation
from app.programmes.models import Programme, ProgrammeFunder, Workflow
from tests.conftest import fresh_database, settings_for
from tests.digests.arrange import add_recipient, add_update, change_status, mails, noon, part_of
from tests.factories import (
    NOON,
    City,
    actor,
    add,
    add_funder_organisation,
    add_measure,
    add_programme,
    build_city,
)

TODAY = date(2023, 3, 15)
FIRST_OF_APRIL = datetime(2023, 4, 1, 5, tzinfo=UTC)
"""Seven in the morning in the city, on the day after the first quarter."""


def send(city: City, until_on: date = TODAY, now: datetime = NOON, seen: str | None = None) -> Digest:
    return service.send(
        actor(city.coordinator), city.programme, city.funder_organisation, until_on=until_on, now=now, seen=seen
    )


def digests() -> list[Digest]:
    return list(db.session.scalars(select(Digest).order_by(Digest.from_on)))


# -- by hand


def test_a_coordinator_sends_one_mail_to_every_recipient_in_their_language(city: City) -> None:
    part = part_of(city)
    add_recipient(part, "de@ministerium.example", name="Referat 1")
    add_recipient(part, "en@ministerium.example", language="en")
    add_update(city.measure)
    digest = send(city)
    german, english = mails()
    assert (german.to_address, german.to_name, german.language) == ("de@ministerium.example", "Referat 1", "de")
    assert (english.to_address, english.language) == ("en@ministerium.example", "en")
    assert str(city.programme.name) in german.subject
    assert str(city.programme.name.en) in english.body_text
    assert (digest.recipients, digest.has_news, digest.until_on) == (2, True, TODAY)
    assert (digest.sent_by_id, digest.created_at) == (city.coordinator.id, NOON)
    assert digest.facts["keys"]


def test_sending_stands_in_the_log_of_the_programme(city: City) -> None:
    add_recipient(part_of(city))
    add_update(city.measure)
    digest = send(city)
    event = db.session.scalars(select(AuditEvent)).one()
    assert (event.actor_id, event.subject_id, event.scope_id) == (city.coordinator.id, digest.id, city.programme.id)


@pytest.mark.parametrize("who", ["lead", "head", "administrator", "auditor", "funder"])
def test_only_coordinators_send(city: City, who: str) -> None:
    add_recipient(part_of(city))
    add_update(city.measure)
    with pytest.raises(Forbidden):
        service.send(actor(getattr(city, who)), city.programme, city.funder_organisation, until_on=TODAY, now=NOON)
    assert not digests()


def test_twice_on_a_day_is_refused(city: City) -> None:
    add_recipient(part_of(city))
    add_update(city.measure)
    send(city)
    with pytest.raises(Conflict):
        send(city)
    assert len(mails()) == 1


def test_nothing_to_say_is_refused(city: City) -> None:
    add_recipient(part_of(city))
    with pytest.raises(RuleBroken):
        send(city)
    assert not digests()


def test_no_recipients_is_refused(city: City) -> None:
    add_update(city.measure)
    with pytest.raises(RuleBroken):
        send(city)
    assert not digests()


def test_a_day_to_come_is_refused(city: City) -> None:
    add_recipient(part_of(city))
    add_update(city.measure)
    with pytest.raises(RuleBroken) as refused:
        send(city, until_on=TODAY + timedelta(days=1))
    assert refused.value.field == "until"


def test_what_was_previewed_is_what_is_sent(city: City) -> None:
    add_recipient(part_of(city))
    add_update(city.measure)
    seen = facts.fingerprint(released.gather(part_of(city), TODAY))
    change_status(city.measure, "approved", "running", NOON)
    with pytest.raises(Conflict):
        send(city, seen=seen)
    assert not mails()
    send(city, seen=facts.fingerprint(released.gather(part_of(city), TODAY)))
    assert len(mails()) == 1


def test_what_happens_later_on_the_same_day_is_told_next_time(city: City) -> None:
    add_recipient(part_of(city))
    add_update(city.measure)
    send(city)
    change_status(city.measure, "approved", "running", NOON + timedelta(hours=2))
    digest = send(city, until_on=TODAY + timedelta(days=1), now=NOON + timedelta(days=1))
    assert digest.from_on == TODAY + timedelta(days=1)
    assert [key.split(":")[0] for key in digest.facts["keys"]] == ["status"]


def test_what_is_entered_late_is_told_next_time(city: City) -> None:
    add_recipient(part_of(city))
    add_update(city.measure)
    send(city)
    change_status(city.measure, None, "approved", noon(date(2022, 5, 1)))
    digest = send(city, until_on=TODAY + timedelta(days=9), now=NOON + timedelta(days=9))
    assert [key.split(":")[0] for key in digest.facts["keys"]] == ["status"]


def test_the_next_digest_compares_with_the_last(city: City) -> None:
    add_recipient(part_of(city))
    add_update(city.measure, health="green", percent=20, at=noon(date(2023, 1, 10)))
    send(city)
    later = NOON + timedelta(days=10)
    add_update(city.measure, health="yellow", health_reason="Lieferverzug", percent=35, period="2023-Q1", at=later)
    send(city, until_on=later.date(), now=later)
    text = max(mails(), key=lambda mail: mail.created_at).body_text
    assert "Ampel vorher: Grün" in text
    assert "Fortschritt: 35 %, vorher 20 %" in text
    assert "Begründung: Lieferverzug" in text


def test_two_funders_of_one_programme_are_told_apart(city: City) -> None:
    other = add_funder_organisation("Bezirksregierung")
    second = add(ProgrammeFunder(programme_id=city.programme.id, organisation=other, position=1))
    add_recipient(part_of(city))
    add_recipient(second, "bezirk@example.org")
    add_update(city.measure)
    send(city)
    service.send(actor(city.coordinator), city.programme, other, until_on=TODAY, now=NOON)
    assert [mail.to_address for mail in mails()] == ["bezirk@example.org", "referat@ministerium.example"]
    assert "Bezirksregierung" not in mails()[1].body_text


# -- by rhythm


def test_a_sweep_sends_once_and_no_more(city: City) -> None:
    add_recipient(part_of(city))
    add_update(city.measure)
    assert service.sweep_due(FIRST_OF_APRIL - timedelta(minutes=1)) == 0
    assert not digests()
    assert service.sweep_due(FIRST_OF_APRIL) == 1
    assert service.sweep_due(FIRST_OF_APRIL) == 0
    assert service.sweep_due(FIRST_OF_APRIL + timedelta(days=60)) == 0
    (digest,) = digests()
    assert (digest.until_on, digest.sent_by_id) == (date(2023, 3, 31), None)
    assert [mail.once for mail in mails()] == [f"digest:{digest.id}:referat@ministerium.example"]


def test_a_missed_sweep_is_made_up_with_one_digest(city: City) -> None:
    add_recipient(part_of(city))
    add_update(city.measure)
    service.sweep_due(FIRST_OF_APRIL)
    change_status(city.measure, "running", "paused", noon(date(2023, 5, 2)))
    assert service.sweep_due(datetime(2023, 12, 5, 12, tzinfo=UTC)) == 1
    assert [(digest.from_on, digest.until_on) for digest in digests()][1:] == [(date(2023, 4, 1), date(2023, 9, 30))]


def test_a_sweep_without_news_marks_the_period_and_sends_nothing(city: City) -> None:
    add_recipient(part_of(city))
    assert service.sweep_due(FIRST_OF_APRIL) == 0
    (digest,) = digests()
    assert (digest.has_news, digest.recipients) == (False, 0)
    assert not mails()
    assert service.sweep_due(FIRST_OF_APRIL) == 0
    assert len(digests()) == 1


def test_after_silence_the_first_digest_that_leaves_is_the_full_picture(city: City) -> None:
    add_recipient(part_of(city))
    service.sweep_due(FIRST_OF_APRIL)
    add_update(city.measure, at=noon(date(2023, 5, 2)))
    service.sweep_due(datetime(2023, 7, 1, 5, tzinfo=UTC))
    assert "Gesamtbild" in mails()[0].subject


def test_without_recipients_no_digest_is_made(city: City) -> None:
    add_update(city.measure)
    assert service.sweep_due(FIRST_OF_APRIL) == 0
    assert not digests()


def test_without_a_rhythm_nothing_leaves_by_itself(city: City) -> None:
    part_of(city).digest_rhythm = None
    add_recipient(part_of(city))
    add_update(city.measure)
    assert service.sweep_due(FIRST_OF_APRIL) == 0
    assert not digests()


def test_a_digest_sent_by_hand_shortens_the_next_one(city: City) -> None:
    add_recipient(part_of(city))
    add_update(city.measure)
    send(city)
    change_status(city.measure, "running", "paused", noon(date(2023, 3, 20)))
    service.sweep_due(FIRST_OF_APRIL)
    assert [(digest.from_on, digest.until_on) for digest in digests()][1:] == [(date(2023, 3, 16), date(2023, 3, 31))]


@pytest.mark.parametrize("poison", ["time zone", "workflow", "rhythm"])
def test_a_poisoned_programme_does_not_hold_up_the_others(city: City, poison: str) -> None:
    first = add_programme(city.funder_organisation, key="a-poisoned")
    last = add_programme(city.funder_organisation, key="z-sound")
    if poison == "workflow":
        broken = {"initial": "running", "statuses": [], "transitions": []}
        first.workflows.append(Workflow(version=2, definition=broken, published_at=NOON))
    for programme in (first, last):
        measure = add_measure(programme)
        change_status(measure, "approved", "running", NOON)
        add_recipient(programme.funders[0])
    if poison == "time zone":
        first.time_zone = "Nowhere/Land"
    elif poison == "rhythm":
        first.funders[0].digest_rhythm = "now and then"
    db.session.flush()
    assert service.sweep_due(FIRST_OF_APRIL) == 1
    assert [digest.programme_id for digest in digests()] == [last.id]
    assert len(mails()) == 1


def test_the_database_allows_one_digest_per_first_day(city: City) -> None:
    def digest() -> Digest:
        return Digest(
            programme_id=city.programme.id,
            organisation_id=city.funder_organisation.id,
            from_on=TODAY,
            until_on=TODAY,
            facts={},
            has_news=False,
            created_at=NOON,
            recipients=0,
        )

    add(digest())
    with pytest.raises(IntegrityError), db.session.begin_nested():
        add(digest())


ACTIONS = st.lists(
    st.tuples(st.sampled_from(["fact", "late fact", "sweep", "send"]), st.integers(0, 60)), min_size=1, max_size=12
)


@given(actions=ACTIONS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_order_of_days_every_fact_is_told_once(city: City, actions: list[tuple[str, int]]) -> None:
    programme = add_programme(city.funder_organisation)
    programme.funders[0].digest_rhythm = "monthly"
    measure = add_measure(programme)
    add_recipient(programme.funders[0])
    coordinator = actor(city.coordinator)
    now = NOON
    happened = set()
    for action, days in [*actions, ("send", 90)]:
        now += timedelta(days=days, hours=1)
        if "fact" in action:
            at = now - timedelta(days=40) if action == "late fact" else now
            happened.add(f"status:{change_status(measure, 'running', 'paused', at).id}")
        elif action == "sweep":
            service.sweep_due(now)
        else:
            try:
                service.send(coordinator, programme, city.funder_organisation, until_on=now.date(), now=now)
            except DomainError:
                continue
    kept = [digest for digest in digests() if digest.programme_id == programme.id]
    told = [key for digest in kept for key in digest.facts["keys"]]
    assert sorted(told) == sorted(happened)
    for earlier, later in itertools.pairwise(kept):
        assert later.from_on == earlier.until_on + timedelta(days=1)


# -- two at once, on real connections


@pytest.fixture
def real_app(tmp_path: Path, database_name: str) -> Iterator[Flask]:
    """An application whose transactions really commit."""
    with fresh_database(f"{database_name}_digests") as url:
        app = create_app(settings_for(url, tmp_path))
        with app.app_context():
            flask_migrate.upgrade()
        yield app
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


@pytest.mark.parametrize("enters_late", [False, True])
@pytest.mark.parametrize(("one", "other"), [("sweep", "sweep"), ("sweep", "send"), ("send", "send")])
def test_two_at_once_make_one_digest(real_app: Flask, one: str, other: str, enters_late: bool) -> None:
    """The second begins while the first has not committed; both see a day nobody has told.

    A fact that only the first sees gives its span another first day: the constraint alone would let both pass.
    """
    with real_app.app_context(), transaction():
        city = build_city()
        add_recipient(part_of(city))
        add_update(city.measure)
        coordinator, keys = actor(city.coordinator), (city.programme.id, city.funder_organisation.id)
        measure_id = city.measure.id
    has_begun, outcomes = threading.Event(), {}

    def act(name: str, how: str, wait: float) -> None:
        try:
            with real_app.app_context(), transaction():
                if enters_late and name == "first":
                    change_status(db.session.get_one(Measure, measure_id), None, "approved", noon(date(2020, 5, 1)))
                if how == "sweep":
                    outcomes[name] = service.sweep_due(FIRST_OF_APRIL)
                else:
                    programme = db.session.get_one(Programme, keys[0])
                    organisation = db.session.get_one(Organisation, keys[1])
                    service.send(coordinator, programme, organisation, until_on=date(2023, 3, 31), now=FIRST_OF_APRIL)
                    outcomes[name] = 1
                has_begun.set()
                time.sleep(wait)
        except Conflict:
            outcomes[name] = 0

    first = threading.Thread(target=act, args=("first", one, 0.5))
    first.start()
    assert has_begun.wait(20)
    second = threading.Thread(target=act, args=("second", other, 0))
    second.start()
    first.join(20)
    second.join(20)
    assert outcomes == {"first": 1, "second": 0}
    with real_app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Digest)) == 1
        assert db.session.scalar(select(func.count()).select_from(Mail)) == 1
