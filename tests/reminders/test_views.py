from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, time, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.core.database import db
from app.core.localized import Localized
from app.mail.models import Mail
from app.milestones.models import Approval
from app.programmes.ladder import Audience
from app.reminders import service
from app.reminders.models import ReminderEntry, ReminderPreference, ReminderRun
from tests.conftest import Client
from tests.factories import NOON, City, add, add_absence, add_measure, add_milestone, add_programme


def page(client: Client, **query: Any) -> str:
    answer = client.get("/reminders", query_string=query)
    assert answer.status_code == 200
    return str(answer.get_data(as_text=True))


def swept(city: City, *, days: int = 1) -> None:
    city.measure.status = "approved"
    milestone = add_milestone(city.measure, NOON.date() + timedelta(days=7), title=Localized("Konzept <1>"))
    for number in range(days):
        service.sweep_all(NOON + timedelta(days=number))
    db.session.commit()
    assert milestone.id


def test_the_page_shows_each_programme_s_ladder_in_words(client: Client, city: City) -> None:
    client.sign_in(city.lead)
    html = page(client)
    for words in ("30 Tage vorher", "am Tag selbst", "7 Tage danach, dann alle 7 Tage", "Projektleitung", "07:00"):
        assert words in html
    assert "Noch wurde an nichts erinnert." in html


def test_the_ledger_says_what_was_reminded_of_whom_and_when(client: Client, city: City) -> None:
    swept(city)
    client.sign_in(city.lead)
    html = page(client)
    for words in ("Konzept &lt;1&gt;", "7 Tage vorher", "gemailt", "überholt", "15.03.2023", "22.03.2023"):
        assert words in html
    assert f"/measures/{city.measure.id}" in html


def test_only_operations_are_led_to_the_mail_itself(client: Client, city: City) -> None:
    swept(city)
    client.sign_in(city.lead)
    assert "/outbox/" not in page(client)
    client.sign_in(city.coordinator)
    assert "/outbox/" in page(client)


def test_a_deadline_deleted_since_is_named_as_such(client: Client, city: City) -> None:
    swept(city)
    db.session.delete(city.measure.milestones[0])
    db.session.commit()
    client.sign_in(city.lead)
    assert "inzwischen gelöscht" in page(client)


def test_a_step_that_left_the_ladder_keeps_its_key(client: Client, city: City) -> None:
    swept(city)
    step = next(step for step in city.programme.steps if step.key == "before-7")
    city.programme.steps.remove(step)
    db.session.commit()
    client.sign_in(city.lead)
    assert "before-7" in page(client)


def test_the_ledger_is_shown_page_by_page(client: Client, city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    swept(city)
    monkeypatch.setattr("app.reminders.views.PER_PAGE", 2)
    client.sign_in(city.lead)
    assert page(client).count("22.03.2023") == 2
    assert page(client, page=2).count("22.03.2023") == 1
    assert "Noch wurde an nichts erinnert" in page(client, page=99)
    assert page(client, page="x").count("22.03.2023") == 2


def test_the_page_speaks_english(client: Client, city: City) -> None:
    swept(city)
    city.lead.language = "en"
    client.sign_in(city.lead)
    assert city.programme.name.in_language("en") in page(client)


def test_a_funder_may_not_see_whom_the_city_reminds(client: Client, city: City) -> None:
    client.sign_in(city.funder)
    assert client.get("/reminders").status_code == 403


def test_nobody_sees_it_without_signing_in(client: Client, city: City) -> None:
    assert client.get("/reminders").status_code == 302


def test_peer_14_the_links_of_a_reminder_change_nothing_however_often_they_are_called(
    client: Client, city: City
) -> None:
    """As a mail scanner calls them: with GET and HEAD, in the name of whoever is signed in."""
    city.measure.status = "approved"
    milestone = add_milestone(city.measure, NOON.date() + timedelta(days=7))
    service.sweep_all(NOON)
    db.session.commit()
    before = milestone.version
    (link,) = re.findall(r"http://localhost(/milestones/\S+)", db.session.scalars(select(Mail.body_text)).one())
    client.sign_in(city.lead)
    for method in (client.get, client.head):
        for _ in range(3):
            assert method(link).status_code == 200
    db.session.refresh(milestone)
    assert (milestone.version, milestone.state) == (before, "open")
    assert db.session.scalars(select(Approval)).all() == []


# -- the ledger, sieved


def test_the_ladder_on_the_page_says_working_days_wording_and_names(client: Client, city: City) -> None:
    step = city.programme.steps[0]
    step.working_days, step.wording, step.named = True, Localized("Bitte <jetzt>"), [city.auditor]
    client.sign_in(city.lead)
    html = page(client)
    for words in ("30 Arbeitstage vorher", "Bitte &lt;jetzt&gt;", "Projektleitung, Rechnungsprüfung"):
        assert words in html


def test_only_the_coordination_is_led_to_change_a_ladder(client: Client, city: City) -> None:
    way = f"/programmes/{city.programme.key}/reminders"
    client.sign_in(city.lead)
    assert way not in page(client)
    client.sign_in(city.coordinator)
    assert way in page(client)


def ledger(html: str) -> str:
    return html[html.index('id="ledger"') :]


def test_the_ledger_is_sieved_by_person_programme_and_deadline(client: Client, city: City) -> None:
    other = add_programme()
    city.measure.status = "approved"
    one = add_milestone(city.measure, NOON.date() - timedelta(days=7), title=Localized("Hiesiges"))
    add_milestone(
        add_measure(other, lead=city.other_lead, status="approved"),
        NOON.date() + timedelta(days=7),
        title=Localized("Fremdes"),
    )
    service.sweep_all(NOON)
    client.sign_in(city.lead)
    for query, shown, hidden in (
        ({"programme": other.key}, "Fremdes", "Hiesiges"),
        ({"person": str(city.other_lead.id)}, "Fremdes", "Hiesiges"),
        ({"person": str(city.head.id)}, "Hiesiges", "Fremdes"),
        ({"subject": f"milestone:{one.id}"}, "Hiesiges", "Fremdes"),
    ):
        html = ledger(page(client, **query))
        assert shown in html
        assert hidden not in html
    nothing = page(client, programme=other.key, person=str(city.lead.id))
    assert "Dazu gibt es keine Erinnerungen." in nothing
    assert "Noch wurde an nichts erinnert." not in nothing


@pytest.mark.parametrize(
    "query",
    [
        "person=x",
        "person=00000000-0000-4000-8000-000000000000",
        "programme=x",
        "programme=%00",
        "subject=x",
        "subject=milestone:%00",
        "subject=" + "x" * 10_000,
        "subject=milestone:123",
        "subject=milestone:" + "0" * 36,
    ],
)
def test_a_sieve_of_something_there_is_not_is_not_found(client: Client, city: City, query: str) -> None:
    swept(city)
    client.sign_in(city.coordinator)
    assert client.get(f"/reminders?{query}").status_code == 404


def test_the_ledger_says_for_whom_somebody_stood_in_and_what_they_answered(client: Client, city: City) -> None:
    add_absence(city.lead, city.other_lead, NOON.date(), NOON.date(), deputy_only=True)
    swept(city)
    entry = db.session.scalars(select(ReminderEntry).where(ReminderEntry.outcome == "mailed")).one()
    entry.answer, entry.answered_at = "late-4", NOON
    client.sign_in(city.lead)
    html = ledger(page(client))
    assert "in Vertretung für Projektleitung" in html
    assert "Antwort am 15.03.2023, 12:00: Verzug um 4 Wochen" in html


# -- what comes


def preview(client: Client, status: int = 200, /, **query: Any) -> str:
    answer = client.get("/reminders/preview", query_string=query)
    assert answer.status_code == status
    return str(answer.get_data(as_text=True))


def test_the_preview_says_to_whom_when_why_and_in_which_language(client: Client, city: City) -> None:
    city.measure.status = "approved"
    city.head.language = "en"
    city.programme.steps[-1].wording = Localized("Jetzt wird es ernst.")
    milestone = add_milestone(city.measure, NOON.date() - timedelta(days=7), title=Localized("Konzept <1>"))
    client.sign_in(city.coordinator)
    html = preview(client)
    for words in (
        "Mittwoch, 15.03.2023",
        "ab 07:00 Uhr",
        city.lead.email,
        "English",
        "Konzept &lt;1&gt;",
        "fällig: 08.03.2023",
        "7 Tage danach",
        "Bereichsleitung",
        "nicht abbestellbar",
        "Jetzt wird es ernst.",
    ):
        assert words in html
    assert f'href="/milestones/{milestone.id}"' in html, "whoever only looks is led to the page, not to the form"
    assert f"/milestones/{milestone.id}/approval" not in html


def test_a_reader_s_own_lines_lead_to_the_form(client: Client, city: City) -> None:
    city.measure.status = "approved"
    milestone = add_milestone(city.measure, NOON.date() + timedelta(days=7))
    client.sign_in(city.lead)
    assert f"/milestones/{milestone.id}/approval" in preview(client)


def test_the_preview_says_for_whom_somebody_stands_in_and_who_is_named(client: Client, city: City) -> None:
    city.measure.status = "approved"
    add_milestone(city.measure, NOON.date() + timedelta(days=7))
    next(row for row in city.programme.steps if row.key == "before-7").named = [city.auditor]
    add_absence(city.lead, city.other_lead, NOON.date(), NOON.date(), deputy_only=True)
    client.sign_in(city.lead)
    html = preview(client)
    assert "Projektleitung, in Vertretung für Projektleitung" in html
    assert "namentlich genannt" in html


def test_where_nobody_leads_the_preview_names_the_part_that_takes_over(client: Client, city: City) -> None:
    city.measure.status, city.measure.lead = "approved", None
    add_milestone(city.measure, NOON.date() + timedelta(days=7))
    client.sign_in(city.lead)
    html = preview(client, person="")
    assert "7 Tage vorher · Bereichsleitung" in html


def test_the_preview_is_sieved_by_programme_and_person(client: Client, city: City) -> None:
    other = add_programme()
    city.measure.status = "approved"
    add_milestone(city.measure, NOON.date() - timedelta(days=7), title=Localized("Hiesiges"))
    add_milestone(
        add_measure(other, lead=city.other_lead, status="approved"),
        NOON.date() + timedelta(days=7),
        title=Localized("Fremdes"),
    )
    client.sign_in(city.lead)
    for query, shown, hidden in (
        ({"programme": other.key}, "Fremdes", "Hiesiges"),
        ({"person": str(city.lead.id)}, "Hiesiges", "Fremdes"),
        ({"person": str(city.other_lead.id)}, "Fremdes", "Hiesiges"),
    ):
        html = preview(client, 200, **query)
        assert shown in html
        assert hidden not in html


def test_the_preview_shows_what_a_sweep_then_writes(client: Client, city: City) -> None:
    city.measure.status = "approved"
    add_milestone(city.measure, NOON.date() + timedelta(days=14))
    client.sign_in(city.lead)
    assert "29.03.2023" in preview(client)
    for number in range(8):
        service.sweep_all(NOON + timedelta(days=number))
    mailed = [mail.created_at.date() for mail in db.session.scalars(select(Mail).order_by(Mail.created_at))]
    assert mailed == [date(2023, 3, 15), date(2023, 3, 22)]
    html = preview(client)
    assert "Mittwoch, 15.03.2023" not in html, "what has been sent is not announced again"
    assert "28.03.2023" in html


def test_how_many_days_and_from_which_is_up_to_the_reader(client: Client, city: City) -> None:
    city.measure.status = "approved"
    add_milestone(city.measure, NOON.date() + timedelta(days=60))
    client.sign_in(city.lead)
    assert "Bis zum 28.03.2023 wird nichts verschickt." in preview(client)
    assert "7 Tage vorher" in preview(client, days=60)
    assert "30 Tage vorher" in preview(client, 200, **{"from": "14.04.2023", "days": 1})
    past = preview(client, 200, **{"from": "2023-03-01", "days": 1})
    assert "Der Zeitraum beginnt vor heute." in past


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"days": "0"}, "Schreiben Sie eine ganze Zahl von 1 bis 120."),
        ({"days": "121"}, "Schreiben Sie eine ganze Zahl von 1 bis 120."),
        ({"days": "viele"}, "Schreiben Sie eine ganze Zahl von 1 bis 120."),
        ({"days": "9" * 10_000}, "Schreiben Sie eine ganze Zahl von 1 bis 120."),
        ({"days": "\u0663"}, "Schreiben Sie eine ganze Zahl von 1 bis 120."),
        ({"from": "morgen"}, "„morgen“ ist kein Datum."),
        ({"from": "2026-01-01"}, "Die Vorschau reicht höchstens zwei Jahre voraus."),
        ({"programme": "x"}, 'id="error-summary"'),
        ({"person": "x\x00"}, 'id="error-summary"'),
    ],
)
def test_a_question_that_cannot_be_answered_is_given_back(
    client: Client, city: City, query: dict[str, str], sentence: str
) -> None:
    client.sign_in(city.lead)
    assert sentence in preview(client, 422, **query)


def test_the_preview_asks_as_much_of_the_database_for_many_as_for_one(
    client: Client, city: City, count_queries: Callable[[], Any]
) -> None:
    city.measure.status = "approved"
    add_milestone(city.measure, NOON.date() - timedelta(days=7))
    client.sign_in(city.coordinator)
    preview(client)
    with count_queries() as few:
        preview(client)
    for number in range(10):
        measure = add_measure(city.programme, lead=city.other_lead, unit=city.other_unit, status="approved")
        for days in (-30, -7, 1, 7):
            add_milestone(measure, NOON.date() + timedelta(days=days + number))
    with count_queries() as many:
        assert preview(client).count('class="card"') > 10
    assert len(many) <= len(few)


def test_nothing_is_written_by_looking(client: Client, city: City) -> None:
    add_milestone(city.measure, NOON.date() + timedelta(days=7))
    client.sign_in(city.coordinator)
    for address in ("/reminders", "/reminders/preview", "/reminders/mine", "/reminders/preferences"):
        assert client.get(address).status_code == 200
    for table in (Mail, ReminderEntry, ReminderRun, ReminderPreference):
        assert db.session.scalars(select(table)).all() == []


def test_one_s_own_page_shows_one_s_own_mails_alone(client: Client, city: City) -> None:
    city.measure.status = "approved"
    add_milestone(city.measure, NOON.date() + timedelta(days=30), title=Localized("Meines"))
    other = add_measure(city.programme, lead=city.other_lead, status="approved")
    add_milestone(other, NOON.date() + timedelta(days=30), title=Localized("Deines"))
    client.sign_in(city.lead)
    html = client.get("/reminders/mine").text
    assert "Meines" in html
    assert "Deines" not in html
    client.sign_in(city.auditor)
    assert "In dieser Zeit erinnert Wegmarke Sie an nichts." in client.get("/reminders/mine").text


@pytest.mark.parametrize("address", ["/reminders/preview", "/reminders/mine", "/reminders/preferences"])
def test_a_funder_has_no_business_with_reminders(client: Client, city: City, address: str) -> None:
    client.sign_in(city.funder)
    assert client.get(address).status_code == 403
    assert "/reminders/preferences" not in client.get("/").text


# -- one's own wishes

WISHES: dict[str, Any] = {"weekdays": ["0", "2"], "send_time": "9:30", "paused_until_on": "", "wants_optional": "y"}


def wish(client: Client, **values: Any) -> Any:
    return client.post("/reminders/preferences", data=WISHES | values)


def test_wishes_are_saved_and_stand_in_the_form_again(client: Client, city: City) -> None:
    client.sign_in(city.lead)
    assert wish(client, paused_until_on="01.04.2023").status_code == 302
    row = db.session.get_one(ReminderPreference, city.lead.id)
    assert (row.weekdays, row.send_time, row.paused_until_on, row.wants_optional) == (
        [0, 2],
        time(9, 30),
        date(2023, 4, 1),
        True,
    )
    html = client.get("/reminders/preferences").text
    assert html.count(" checked") == 3
    assert 'value="09:30"' in html
    assert 'value="2023-04-01"' in html
    assert "Pause bis einschließlich 01.04.2023." in html


def test_a_pause_that_is_over_stands_in_the_form_no_more(client: Client, city: City) -> None:
    add(ReminderPreference(account_id=city.lead.id, paused_until_on=NOON.date() - timedelta(days=1)))
    client.sign_in(city.lead)
    html = client.get("/reminders/preferences").text
    assert "2023-03-14" not in html
    assert "Pause bis einschließlich 14.03.2023." not in html
    assert wish(client).status_code == 302


def test_switching_off_and_on_again(client: Client, city: City) -> None:
    client.sign_in(city.lead)
    data = {name: value for name, value in WISHES.items() if name != "wants_optional"}
    assert client.post("/reminders/preferences", data=data).status_code == 302
    assert "Abbestellbare Erinnerungen sind abbestellt." in client.get("/reminders/preferences").text
    assert wish(client).status_code == 302
    assert db.session.get_one(ReminderPreference, city.lead.id).wants_optional


@pytest.mark.parametrize(
    ("values", "sentence", "kept"),
    [
        ({"weekdays": []}, "Wählen Sie mindestens einen Wochentag.", "9:30"),
        ({"weekdays": ["5"]}, 'id="error-summary"', "9:30"),
        ({"weekdays": ["x"]}, 'id="error-summary"', "9:30"),
        ({"send_time": "25:00"}, "„25:00“ ist keine Uhrzeit.", "25:00"),
        ({"send_time": "abends"}, "„abends“ ist keine Uhrzeit.", "abends"),
        ({"send_time": "\x00" + "9" * 10_000}, "ist keine Uhrzeit.", "9999"),
        ({"send_time": "21:00"}, "Wählen Sie eine Uhrzeit zwischen 6 und 20 Uhr.", "21:00"),
        ({"paused_until_on": "irgendwann"}, "„irgendwann“ ist kein Datum.", "irgendwann"),
        ({"paused_until_on": "14.03.2023"}, "Dieser Tag ist schon vorbei.", "14.03.2023"),
        ({"paused_until_on": "15.03.2024"}, "Eine Pause dauert höchstens ein Jahr.", "15.03.2024"),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused_beside_its_field(
    client: Client, city: City, values: dict[str, Any], sentence: str, kept: str
) -> None:
    client.sign_in(city.lead)
    answer = wish(client, **values)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert kept in answer.text
    assert db.session.scalars(select(ReminderPreference)).all() == []


@pytest.mark.parametrize("typed", ["7", "7:00", "07.00", "7 Uhr", "7:00 Uhr"])
def test_a_time_of_day_may_be_typed_as_people_write_it(client: Client, city: City, typed: str) -> None:
    client.sign_in(city.lead)
    assert wish(client, send_time=typed).status_code == 302
    assert db.session.get_one(ReminderPreference, city.lead.id).send_time == time(7)


def test_the_page_says_what_cannot_be_switched_off_and_how_many_are_open(client: Client, city: City) -> None:
    city.measure.status = "approved"
    for number in range(12):
        add_milestone(city.measure, NOON.date() - timedelta(days=number + 1))
    client.sign_in(city.lead)
    html = client.get("/reminders/preferences").text
    assert "Pflichten aus Zuwendungen: 0 offen" in html
    assert "Überfälliges: 12 offen" in html
    assert "und 2 weitere" in html


def test_a_step_for_deputies_is_shown_in_words(client: Client, city: City) -> None:
    city.programme.steps[0].recipients = [Audience.DEPUTY, Audience.ADMINISTRATOR]
    client.sign_in(city.lead)
    assert "Vertretung der Projektleitung, Administration" in page(client)
