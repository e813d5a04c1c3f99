"""The sandbox clock moves forward, runs what becomes due, and nothing else."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import func, select

from app.core import clock
from app.core.database import db
from app.core.errors import Forbidden, RuleBroken
from app.mail.models import Mail
from app.reminders.models import ReminderEntry
from app.trial import service
from app.trial.forms import month_after
from tests.conftest import Client
from tests.factories import City, actor, add_milestone


def mails() -> int:
    return db.session.scalar(select(func.count()).select_from(Mail).where(Mail.kind == "reminder")) or 0


def test_moving_the_date_runs_the_sweeps_of_every_day_passed_over(city: City) -> None:
    # Due on 14 April: 30 days (15 March, today), 14, 7 (Good Friday: the day before) and 1 day before, on the day.
    add_milestone(city.measure, date(2023, 4, 14))
    city.programme.update_rhythm = "half_yearly"
    service.advance(actor(city.lead), date(2023, 4, 14))
    assert clock.today() == date(2023, 4, 14)
    to_lead = select(func.count()).select_from(Mail).where(Mail.account_id == city.lead.id, Mail.kind == "reminder")
    subjects = [row.subject for row in db.session.scalars(select(Mail).order_by(Mail.created_at))]
    days = {clock.day_of(row.created_at) for row in db.session.scalars(select(Mail).where(Mail.kind == "reminder"))}
    assert {date(2023, 3, 15), date(2023, 3, 31), date(2023, 4, 6), date(2023, 4, 13), date(2023, 4, 14)} <= days, (
        subjects
    )
    assert (db.session.scalar(to_lead) or 0) >= 5


def test_one_long_move_and_many_short_ones_decide_the_same_reminders(city: City) -> None:
    add_milestone(city.measure, date(2023, 4, 14))
    db.session.commit()

    def ledger() -> set[tuple[str, str, str, date]]:
        rows = db.session.scalars(select(ReminderEntry)).all()
        return {(row.subject, row.step, row.outcome, row.decided_on) for row in rows}

    with db.session.begin_nested() as attempt:
        service.advance(actor(city.lead), date(2023, 5, 1))
        at_once = ledger()
        attempt.rollback()
    db.session.expire_all()
    while clock.today() < date(2023, 5, 1):
        service.advance(actor(city.lead), date.fromordinal(clock.today().toordinal() + 1))
    assert ledger() == at_once
    assert at_once


@pytest.mark.parametrize("until", [date(2023, 3, 15), date(2023, 3, 14), date(2025, 1, 1)])
def test_the_clock_goes_forward_only_and_a_year_at_most(city: City, until: date) -> None:
    with pytest.raises(RuleBroken) as refusal:
        service.advance(actor(city.lead), until)
    assert refusal.value.field == "until"
    assert clock.today() == date(2023, 3, 15)


@pytest.mark.parametrize("who", ["funder", "auditor"])
def test_who_only_reads_does_not_move_the_clock(city: City, who: str) -> None:
    with pytest.raises(Forbidden):
        service.advance(actor(getattr(city, who)), date(2023, 3, 16))


def test_the_banner_moves_the_date(client: Client, city: City) -> None:
    client.sign_in(city.lead)
    assert "Übungsbetrieb: Heute ist der 15.03.2023" in client.get("/measures").text
    answer = client.post("/trial/clock", data={"step": "7d", "next": "/measures"})
    assert answer.location == "/measures"
    page = client.get("/measures").text
    assert "Übungsbetrieb: Heute ist der 22.03.2023" in page
    assert "Heute ist jetzt der 22.03.2023" in page


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "Bitte wählen Sie ein Datum."),
        ({"until": "31.02.2023"}, "ist kein Datum"),
        ({"until": "2023-03-01"}, "Die Uhr geht nur vorwärts"),
        ({"step": "99y"}, "Bitte wählen Sie ein Datum."),
    ],
)
def test_a_strange_date_is_said_in_words(client: Client, city: City, values: dict[str, str], message: str) -> None:
    client.sign_in(city.lead)
    client.post("/trial/clock", data=values)
    page = client.get("/").text
    assert message in page
    assert "Heute ist der 15.03.2023" in page


@pytest.mark.parametrize(
    ("day", "later"),
    [
        (date(2023, 1, 31), date(2023, 2, 28)),
        (date(2024, 1, 31), date(2024, 2, 29)),
        (date(2023, 12, 15), date(2024, 1, 15)),
        (date(2023, 2, 28), date(2023, 3, 28)),
    ],
)
def test_a_month_later(day: date, later: date) -> None:
    assert month_after(day) == later


def test_a_role_button_signs_in_and_only_for_sample_role_accounts(client: Client, city: City) -> None:
    assert client.post(f"/trial/sign-in/{city.lead.id}").status_code == 404
    city.lead.is_trial_role = city.lead.is_sample = True
    db.session.commit()
    page = client.get("/sign-in").text
    assert f"/trial/sign-in/{city.lead.id}" in page
    assert "Projektleitung" in page
    assert client.post(f"/trial/sign-in/{city.lead.id}").status_code == 302
    assert client.get("/measures").status_code == 200
