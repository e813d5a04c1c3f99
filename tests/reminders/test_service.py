from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from threading import Barrier, Thread
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import delete, select

from app.accounts.models import Account
from app.core import clock
from app.core.database import db
from app.core.localized import Localized
from app.core.transaction import transaction
from app.mail.models import Mail
from app.organisations.permissions import Role
from app.reminders import service
from app.reminders.models import ReminderEntry, ReminderPreference, ReminderRun
from app.reminders.planning import plan_day
from tests.factories import NOON, City, add, add_account, add_measure, add_milestone, add_programme
from tests.reminders.conftest import Separate

DAY = timedelta(days=1)


@pytest.fixture
def city(city: City) -> City:
    """Its measure has not begun, so that only what a test puts there is due."""
    city.measure.status = "approved"
    db.session.commit()
    return city


def in_days(days: int) -> date:
    return NOON.date() + timedelta(days=days)


def mails() -> list[Mail]:
    query = select(Mail).where(Mail.kind == "reminder").order_by(Mail.created_at, Mail.to_address)
    return list(db.session.scalars(query))


def ledger() -> list[tuple[str, str]]:
    return [
        (entry.step, entry.outcome)
        for entry in db.session.scalars(select(ReminderEntry).order_by(ReminderEntry.decided_on, ReminderEntry.step))
    ]


def swept() -> dict[UUID, bool]:
    """The programmes whose day a sweep has taken upon itself, and whether it is done."""
    return {run.programme_id: run.next_at is None for run in db.session.scalars(select(ReminderRun))}


def test_what_is_due_becomes_a_mail_and_a_line_in_the_ledger(city: City) -> None:
    milestone = add_milestone(city.measure, in_days(7))
    assert service.sweep_all(NOON) == 1
    (mail,) = mails()
    assert (mail.to_address, mail.account_id, mail.language) == (city.lead.email, city.lead.id, "de")
    assert ledger() == [("before-14", "superseded"), ("before-30", "superseded"), ("before-7", "mailed")]
    entry = db.session.scalars(select(ReminderEntry).where(ReminderEntry.outcome == "mailed")).one()
    assert (entry.subject, entry.due_on, entry.decided_on) == (f"milestone:{milestone.id}", in_days(7), NOON.date())
    assert entry.mail_id == mail.id


def test_peer_17_a_second_sweep_of_the_day_mails_nothing(city: City) -> None:
    add_milestone(city.measure, in_days(7))
    assert service.sweep_all(NOON) == 1
    assert service.sweep_all(NOON + timedelta(hours=1)) == 0
    db.session.execute(delete(ReminderRun))
    assert service.sweep_all(NOON + timedelta(hours=2)) == 0
    assert len(mails()) == 1


def test_nothing_to_say_is_no_mail(city: City) -> None:
    add_milestone(city.measure, in_days(40))
    assert service.sweep_all(NOON) == 0
    assert mails() == []
    assert db.session.scalars(select(ReminderRun)).one().mails == 0


def test_before_the_send_time_nothing_leaves_and_the_day_counts_as_not_swept(city: City) -> None:
    add_milestone(city.measure, in_days(7))
    early = clock.at(NOON.date(), time(6, 59))
    assert service.sweep_all(early) == 0
    assert db.session.scalars(select(ReminderRun)).all() == []
    assert service.sweep_all(early + timedelta(minutes=1)) == 1


def test_the_send_time_is_local_to_the_programme(city: City) -> None:
    city.programme.time_zone = "Atlantic/Azores"  # an hour behind UTC in March
    add_milestone(city.measure, in_days(7))
    assert service.sweep_all(datetime(2023, 3, 15, 7, 30, tzinfo=UTC)) == 0
    assert service.sweep_all(datetime(2023, 3, 15, 8, 0, tzinfo=UTC)) == 1


@pytest.mark.parametrize("day", [date(2023, 3, 26), date(2023, 10, 29)])
def test_the_days_on_which_the_clocks_change_are_swept_once_as_any_other(city: City, day: date) -> None:
    add_milestone(city.measure, day + timedelta(days=7))
    start = clock.start_of(day)
    sent = [service.sweep_all(start + timedelta(hours=hour)) for hour in range(23)]
    assert sum(sent) == 1
    assert sent.index(1) == (6 if day.month == 3 else 8)


def test_peer_2_after_an_outage_over_the_day_of_a_step_the_step_is_mailed(city: City) -> None:
    add_milestone(city.measure, in_days(8))
    service.sweep_all(NOON)
    assert service.sweep_all(NOON + 3 * DAY) == 1
    assert ledger()[-1] == ("before-7", "mailed")


def test_peer_3_an_overdue_milestone_is_reminded_of_every_week(city: City) -> None:
    add_milestone(city.measure, in_days(0))
    days = [number for number in range(30) if service.sweep_all(NOON + number * DAY)]
    assert days == [0, 7, 14, 21, 28]


def test_peer_5_on_the_due_day_the_mail_says_today_and_not_overdue(city: City) -> None:
    add_milestone(city.measure, in_days(0))
    service.sweep_all(NOON)
    (mail,) = mails()
    assert "heute fällig" in mail.subject
    assert "überfällig" not in mail.body_text + mail.body_html.split("</style>")[-1]


def test_peer_7_everything_for_a_person_is_one_mail_with_each_line_once(city: City) -> None:
    """Lead and head in one, with lines from two programmes."""
    other = add_measure(add_programme(), unit=city.other_unit, lead=city.head, status="approved")
    city.measure.lead = city.head
    add_milestone(city.measure, in_days(-7), title=Localized("Späteres"))
    add_milestone(city.measure, in_days(-14), title=Localized("Dringendes"))
    add_milestone(other, in_days(1), title=Localized("Morgiges"))
    service.sweep_all(NOON)
    mail = next(mail for mail in mails() if mail.account_id == city.head.id)
    assert [mail.account_id for mail in mails()].count(city.head.id) == 1
    assert mail.subject == "3 Fristen, davon 2 überfällig"
    assert [mail.body_text.count(title) for title in ("Dringendes", "Späteres", "Morgiges")] == [1, 1, 1]


@pytest.mark.parametrize(
    ("days", "subject"),
    [
        ((7,), "Nummer 1 (Busverkehr): in 7 Tagen fällig"),
        ((-7,), "Nummer 1 (Busverkehr): seit 7 Tagen überfällig"),
        ((7, 14), "2 Fristen rücken näher"),
        ((7, -7, 0), "3 Fristen, davon 1 überfällig"),
        ((-7, -14), "2 Fristen sind überfällig"),
    ],
)
def test_the_subject_says_what_is_in_the_mail(city: City, days: tuple[int, ...], subject: str) -> None:
    city.measure.title = Localized("Busverkehr")
    for number, distance in enumerate(days, start=1):
        add_milestone(city.measure, in_days(distance), title=Localized(f"Nummer {number}"))
    service.sweep_all(NOON)
    assert next(mail for mail in mails() if mail.account_id == city.lead.id).subject == subject


def test_the_most_urgent_line_comes_first(city: City) -> None:
    for days in (1, -7, 14, -21, 0, -14, 7):
        add_milestone(city.measure, in_days(days), title=Localized(f"Nummer {days + 50}"))
    service.sweep_all(NOON)
    mail = next(mail for mail in mails() if mail.account_id == city.lead.id)
    for body in (mail.body_text, mail.body_html):
        assert re.findall(r"Nummer (\d+)", body) == ["29", "36", "43", "50", "51", "57", "64"]


def test_what_is_entered_after_the_sweep_waits_for_the_next_day(city: City) -> None:
    """One mail for a person and a day, also where something new comes up in the afternoon."""
    add_milestone(city.measure, in_days(7))
    assert service.sweep_all(NOON) == 1
    add_milestone(city.measure, in_days(3))
    assert service.sweep_all(NOON + timedelta(hours=2)) == 0
    assert service.sweep_all(NOON + DAY) == 1


def test_peer_7_programmes_with_different_send_times_still_write_one_mail_a_day(city: City) -> None:
    """It leaves when the last of those sends that have something to say; who hears of one alone does not wait."""
    later = add_programme(send_time=time(9))
    add_milestone(add_measure(later, lead=city.lead, status="approved"), in_days(7))
    add_milestone(city.measure, in_days(7))
    other = add_measure(city.programme, lead=city.other_lead, status="approved")
    add_milestone(other, in_days(7))
    hours = [service.sweep_all(clock.at(NOON.date(), time(hour))) for hour in (6, 7, 8, 9, 10)]
    assert hours == [0, 1, 0, 1, 0]
    assert [mail.account_id for mail in mails()] == [city.other_lead.id, city.lead.id]
    assert mails()[-1].subject == "2 Fristen rücken näher"


def test_who_had_their_mail_of_the_day_hears_of_the_rest_on_the_next(city: City) -> None:
    later = add_programme(send_time=time(9))
    measure = add_measure(later, lead=city.lead, status="approved")
    add_milestone(city.measure, in_days(7))
    assert service.sweep_all(clock.at(NOON.date(), time(7))) == 1
    add_milestone(measure, in_days(7))
    assert service.sweep_all(clock.at(NOON.date(), time(9))) == 0
    assert service.sweep_all(clock.at(NOON.date() + DAY, time(9))) == 1


# -- wishes ----------------------------------------------------------------------------------------------------------


def wish(account: Account, **wishes: Any) -> None:
    add(ReminderPreference(account_id=account.id, **wishes))


def days_with_mail(city: City, days: int = 10) -> list[int]:
    return [number for number in range(days) if service.sweep_all(NOON + number * DAY)]


def test_a_mail_waits_for_the_time_its_reader_has_chosen(city: City) -> None:
    wish(city.lead, send_time=time(15, 30))
    add_milestone(city.measure, in_days(7))
    hours = [
        service.sweep_all(clock.at(NOON.date(), time(hour, minute))) for hour in (8, 15, 16) for minute in (0, 30)
    ]
    assert hours == [0, 0, 0, 1, 0, 0]


def test_a_time_before_the_programme_sends_changes_nothing(city: City) -> None:
    wish(city.lead, send_time=time(5))
    add_milestone(city.measure, in_days(7))
    assert [service.sweep_all(clock.at(NOON.date(), time(hour))) for hour in (5, 6, 7)] == [0, 0, 1]


def test_a_mail_waits_for_a_wanted_weekday_and_then_says_the_latest(city: City) -> None:
    """15 March 2023 is a Wednesday."""
    wish(city.lead, weekdays=[4])
    add_milestone(city.measure, in_days(2))
    assert days_with_mail(city) == [2, 9]
    assert ledger()[:5] == [
        ("before-1", "superseded"),
        ("before-14", "superseded"),
        ("before-30", "superseded"),
        ("before-7", "superseded"),
        ("on-the-day", "mailed"),
    ]


def test_a_pause_lasts_to_its_last_day(city: City) -> None:
    wish(city.lead, paused_until_on=in_days(3))
    add_milestone(city.measure, in_days(7))
    assert days_with_mail(city, 5) == [4]


def test_what_is_legally_due_cannot_be_switched_off(city: City) -> None:
    wish(city.lead, wants_optional=False, weekdays=[0], paused_until_on=in_days(300))
    add_milestone(city.measure, in_days(0))
    assert days_with_mail(city) == [7]  # a week overdue, a Wednesday


def test_each_reads_their_own_time_on_the_days_when_the_clocks_change(city: City) -> None:
    wish(city.lead, send_time=time(15))
    sunday = date(2023, 3, 26)
    add_milestone(city.measure, sunday + 7 * DAY)
    start = clock.start_of(sunday)
    sent = [service.sweep_all(start + timedelta(hours=hour)) for hour in range(23)]
    assert sent.index(1) == 14  # the hour after two o'clock was left out


def test_peer_12_each_reads_their_own_language_and_has_a_text_part(city: City) -> None:
    add_milestone(city.measure, in_days(-7), title=Localized("Konzept", "Concept"))
    city.head.language = "en"
    service.sweep_all(NOON)
    german, english = (next(m for m in mails() if m.account_id == who.id) for who in (city.lead, city.head))
    for mail, language, day in ((german, "de", "08.03.2023"), (english, "en", "8 Mar 2023")):
        assert f'lang="{language}"' in mail.body_html
        assert day in mail.body_text
    assert "Konzept" in german.body_text
    assert "Concept" in english.body_text


def test_each_line_links_to_the_exact_form(city: City) -> None:
    milestone = add_milestone(city.measure, in_days(7))
    service.sweep_all(NOON)
    (mail,) = mails()
    assert f"http://localhost/milestones/{milestone.id}" in mail.body_text
    assert f"http://localhost/milestones/{milestone.id}" in mail.body_html


def test_sample_deadlines_make_a_mail_that_says_so(city: City) -> None:
    add_milestone(city.measure, in_days(7), is_sample=True)
    service.sweep_all(NOON)
    (mail,) = mails()
    assert mail.is_sample
    assert "Beispieldaten" in mail.body_text
    assert "Beispieldaten" in mail.body_html


def test_content_cannot_break_out_of_the_html_part(city: City) -> None:
    add_milestone(city.measure, in_days(7), title=Localized("<script>alert(1)</script>"))
    service.sweep_all(NOON)
    (mail,) = mails()
    assert "<script>" not in mail.body_html
    assert "&lt;script&gt;" in mail.body_html


def test_done_is_done_and_reminds_no_more(city: City) -> None:
    milestone = add_milestone(city.measure, in_days(1))
    service.sweep_all(NOON)
    milestone.approved_at, milestone.actual_on = NOON, NOON.date()
    assert sum(service.sweep_all(NOON + number * DAY) for number in range(1, 20)) == 0


def test_a_moved_due_day_reminds_anew(city: City) -> None:
    milestone = add_milestone(city.measure, in_days(7))
    service.sweep_all(NOON)
    milestone.planned_on, milestone.due_version = in_days(30), 2
    assert service.sweep_all(NOON + DAY) == 1


def test_peer_4_a_new_lead_is_reminded_although_the_old_one_was(city: City) -> None:
    add_milestone(city.measure, in_days(7))
    service.sweep_all(NOON)
    city.measure.lead = city.other_lead
    assert service.sweep_all(NOON + DAY) == 1
    assert mails()[-1].account_id == city.other_lead.id


def test_peer_10_a_programme_that_fails_holds_up_no_other_and_is_tried_again(city: City) -> None:
    poisoned = add_programme(key="a-poison", update_rhythm="never")
    add_measure(poisoned, lead=city.other_lead)
    add_milestone(city.measure, in_days(7))
    db.session.commit()
    assert service.sweep_all(NOON) == 1
    assert swept() == {city.programme.id: True, poisoned.id: False}
    poisoned.update_rhythm = "quarterly"
    db.session.commit()
    service.sweep_all(NOON + timedelta(minutes=10))
    assert swept() == {city.programme.id: True, poisoned.id: True}
    assert city.other_lead.id in {mail.account_id for mail in mails()}


def test_peer_10_a_person_whose_mail_fails_holds_up_nobody_and_loses_nothing(city: City) -> None:
    add_milestone(city.measure, in_days(-7))
    city.lead.language = "xx"  # there is no such language to write the mail in
    db.session.commit()
    assert service.sweep_all(NOON) == 1
    assert mails()[0].account_id == city.head.id
    assert db.session.scalars(select(ReminderEntry.recipient_id)).unique().all() == [city.head.id]
    city.lead.language = "de"
    db.session.commit()
    assert service.sweep_all(NOON + timedelta(minutes=10)) == 1
    assert {mail.account_id for mail in mails()} == {city.lead.id, city.head.id}


def test_peer_15_the_ladder_is_the_programme_s_own(city: City) -> None:
    for step in list(city.programme.steps):
        city.programme.steps.remove(step)
    add_milestone(city.measure, in_days(7))
    assert service.sweep_all(NOON) == 0


# -- two at once, on a database of their own -----------------------------------------------------------------------


def test_two_sweeps_at_once_write_each_reminder_once(separate: Separate) -> None:
    separate.city.measure.status = "approved"
    people = [add_account(f"Leitung {number}", Role.PROJECT_LEAD) for number in range(8)]
    for lead in people:
        measure = add_measure(separate.city.programme, lead=lead, status="approved")
        for number in range(3):
            add_milestone(measure, in_days(number * 7))
    db.session.commit()
    expected = len(people)
    db.session.remove()

    start = Barrier(4)
    errors: list[BaseException] = []

    def sweep(flask: Flask) -> None:
        try:
            with flask.app_context():
                start.wait()
                with transaction():
                    service.sweep_all(NOON)
        except BaseException as error:
            errors.append(error)

    threads = [Thread(target=sweep, args=(separate.flask,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert Counter(Counter(mail.account_id for mail in mails()).values()) == {1: expected}
    told = [entry for entry in db.session.scalars(select(ReminderEntry)) if entry.outcome == "mailed"]
    assert len(told) == expected * 3
    assert len(db.session.scalars(select(ReminderRun)).all()) == 1
    lines = sum(mail.body_text.count("http://localhost/milestones/") for mail in mails())
    assert lines == expected * 3


def test_the_ledger_alone_keeps_two_sweeps_apart(separate: Separate) -> None:
    """A sweep that planned before another one committed finds its lines taken, writes no mail and comes again."""
    add_milestone(separate.city.measure, in_days(7))
    separate.city.measure.status = "approved"
    db.session.commit()
    planned = plan_day([separate.city.programme], NOON).posts
    with transaction():
        assert service.sweep_all(NOON) == 1
    with transaction():
        letters, failed = service._write(planned, NOON)
        for letter in letters:
            letter.mail.once = None  # as if nothing but the ledger stood in the way
        assert (len(letters), failed) == (1, set())
        assert service._store(letters) == ([], {separate.city.programme.id})
    assert len(mails()) == 1
