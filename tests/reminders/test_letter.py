"""What a reminder mail says, in both of its parts."""

from __future__ import annotations

import email
import re
from datetime import date, timedelta
from email import policy
from email.headerregistry import Address

import pytest
from flask import Flask
from sqlalchemy import select

from app.core.database import db
from app.core.localized import Localized
from app.grants.models import Grant, Obligation
from app.mail.message import message_of
from app.mail.models import Mail
from app.milestones.models import Approval
from app.organisations.models import Absence
from app.reminders import service
from app.reminders.links import covered
from app.reminders.models import ReminderEntry
from tests.factories import NOON, City, add, add_milestone
from tests.reminders.letters import Html, answer_path, swept_mail, text_links

SENDER = Address("Wegmarke", addr_spec="wegmarke@iserlohn.example")


@pytest.fixture
def city(city: City) -> City:
    """Its measure has not begun, so that only what a test puts there is due."""
    city.measure.status = "approved"
    db.session.commit()
    return city


def in_days(days: int) -> date:
    return NOON.date() + timedelta(days=days)


def squeezed(words: str) -> str:
    return " ".join(words.split())


def mail_of_everything(city: City) -> Mail:
    """Lines of all sorts: overdue and ahead, sample and not, with wording, with a month, an obligation."""
    step = next(step for step in city.programme.steps if step.key == "before-7")
    step.wording = Localized("Denken Sie an die <Abnahme> & das Protokoll.", "Think of the <acceptance> & minutes.")
    add_milestone(city.measure, in_days(7), title=Localized("Richtfest & Abnahme", "Topping out & acceptance"))
    add_milestone(city.measure, in_days(-7), title=Localized("Gutachten <liegt> vor", "Report <is> there"))
    add_milestone(city.measure, date(2023, 3, 31), planned_precision="month", is_sample=True)
    grant = add(Grant(programme=city.programme, key="g", title=Localized("Zuwendung"), measures=[city.measure]))
    add(
        Obligation(
            grant=grant, key="o", kind="proof_of_use", title=Localized("Verwendungsnachweis"), due_on=in_days(14)
        )
    )
    return swept_mail(city.lead)


def test_peer_12_the_mail_is_valid_mime_with_a_text_and_an_html_part(city: City) -> None:
    mail = mail_of_everything(city)
    wire = message_of(mail, SENDER).as_bytes()
    read = email.message_from_bytes(wire, policy=policy.default)
    assert (read.defects, read.get_content_type()) == ([], "multipart/alternative")
    assert [part.get_content_type() for part in read.iter_parts()] == ["text/plain", "text/html"]
    assert [part.defects for part in read.walk()] == [[], [], []]
    assert read["Content-Language"] == "de"
    assert read["List-Unsubscribe"] == f"<{mail.unsubscribe_url}>"
    text, html = (part.get_content() for part in read.iter_parts())
    assert squeezed(text) == squeezed(mail.body_text)
    assert squeezed(html) == squeezed(mail.body_html)


def test_peer_12_both_parts_hold_the_same_lines_and_the_same_links(city: City) -> None:
    mail = mail_of_everything(city)
    html = Html(mail.body_html)
    assert set(html.links) == set(text_links(mail.body_text))
    assert len(html.links) == len(text_links(mail.body_text))
    for sentence in (
        "Richtfest & Abnahme",
        "Gutachten <liegt> vor",
        "Verwendungsnachweis",
        "Denken Sie an die <Abnahme> & das Protokoll.",
        "22.03.2023, in 7 Tagen fällig",
        "08.03.2023, seit 7 Tagen überfällig",
        "März 2023, in 16 Tagen fällig",
        "Sie leiten die Maßnahme",
        "Sie leiten eine Maßnahme, die daraus gefördert wird",
        "Bald fällig",
    ):
        assert sentence in squeezed(mail.body_text)
        assert sentence in squeezed(html.words)


def test_peer_12_the_mail_speaks_its_readers_language_in_both_parts(city: City) -> None:
    city.lead.language = "en"
    mail = mail_of_everything(city)
    assert mail.language == "en"
    assert 'lang="en"' in mail.body_html
    for words in (mail.subject, mail.body_text, Html(mail.body_html).words):
        assert not re.search(r"Frist|fällig|Antwort|Maßnahme|Erinnerung|Sie |Zuwendung\w|stellen", words), words
    for part in (mail.body_text, Html(mail.body_html).words):
        assert "Think of the <acceptance> & minutes." in part
        assert "Topping out & acceptance" in part
        assert "22 Mar 2023" in part


def test_every_link_is_absolute_and_leads_here(app: Flask, city: City) -> None:
    base = app.config["SETTINGS"].base_url
    links = Html(mail_of_everything(city).body_html).links
    assert all(link.startswith(f"{base}/") for link in links)
    assert f"{base}/reminders/preferences" in links


def test_each_line_leads_to_the_form_and_says_why_it_comes(city: City) -> None:
    milestone = add_milestone(city.measure, in_days(-7))
    grounds = {
        city.lead: (f"/milestones/{milestone.id}/approval", "Sie leiten die Maßnahme"),
        city.head: (f"/milestones/{milestone.id}", "Sie leiten die verantwortliche Stelle"),
    }
    for person, (path, why) in grounds.items():
        mail = swept_mail(person)
        assert f"http://localhost{path}" in text_links(mail.body_text)
        assert why in mail.body_text


def test_a_head_without_a_lead_is_not_called_the_lead(city: City) -> None:
    city.measure.lead = None
    add_milestone(city.measure, in_days(7))
    mail = swept_mail(city.head)
    assert "Sie leiten die verantwortliche Stelle" in mail.body_text
    assert "Sie leiten die Maßnahme" not in mail.body_text


def test_who_takes_over_from_nobody_at_all_is_called_what_they_are(city: City) -> None:
    city.measure.lead, city.measure.unit = None, None
    add_milestone(city.measure, in_days(7))
    assert "Sie koordinieren das Programm" in swept_mail(city.coordinator).body_text


def test_a_deputy_reads_in_whose_place(city: City) -> None:
    absence = {"from_on": in_days(-1), "until_on": in_days(5), "entered_at": NOON}
    add(Absence(account_id=city.lead.id, deputy_id=city.other_lead.id, **absence))
    add_milestone(city.measure, in_days(7))
    mail = swept_mail(city.other_lead)
    assert "in Vertretung für Projektleitung" in mail.body_text
    assert answer_path(mail, "on-track")


def test_who_is_named_reads_that(city: City) -> None:
    next(step for step in city.programme.steps if step.key == "before-7").named.append(city.auditor)
    add_milestone(city.measure, in_days(7))
    mail = swept_mail(city.auditor)
    assert "Sie sind namentlich eingetragen" in mail.body_text
    assert "/answers/" not in mail.body_text


def test_who_decides_reads_that_their_approval_is_needed(city: City) -> None:
    milestone = add_milestone(city.measure, in_days(30))
    add(
        Approval(
            milestone=milestone,
            submitted_by=city.lead,
            submitted_at=NOON,
            actual_on=in_days(0),
            statement="Erreicht",
        )
    )
    mail = swept_mail(city.head)
    assert "Ihre Freigabe wird gebraucht" in mail.body_text
    assert f"http://localhost/milestones/{milestone.id}/decision" in text_links(mail.body_text)
    assert "/answers/" not in mail.body_text


def test_headings_part_what_is_overdue_from_the_rest_only_where_there_is_both(city: City) -> None:
    add_milestone(city.measure, in_days(-7))
    mail = swept_mail(city.lead)
    assert "Bald fällig" not in mail.body_text
    assert not re.search(r"^Überfällig$", mail.body_text, re.MULTILINE)


def test_overdue_lines_stand_under_their_heading(city: City) -> None:
    add_milestone(city.measure, in_days(7), title=Localized("Richtfest"))
    add_milestone(city.measure, in_days(-7), title=Localized("Gutachten"))
    mail = swept_mail(city.lead)
    for words in (mail.body_text, Html(mail.body_html).words):
        places = [words.index(part) for part in ("Überfällig", "Gutachten", "Bald fällig", "Richtfest")]
        assert places == sorted(places)


def test_a_sample_line_is_marked_and_so_is_the_mail(city: City) -> None:
    add_milestone(city.measure, in_days(7), title=Localized("Erfundenes"), is_sample=True)
    add_milestone(city.measure, in_days(7), title=Localized("Echtes"))
    mail = swept_mail(city.lead)
    assert mail.is_sample
    assert "* Erfundenes [Beispieldaten]" in mail.body_text
    assert "* Echtes [Beispieldaten]" not in mail.body_text
    assert "Beispieldaten" in Html(mail.body_html).words


# -- ways out --------------------------------------------------------------------------------------------------------


def test_peer_12_what_can_be_switched_off_comes_with_the_way_to_do_so(city: City) -> None:
    add_milestone(city.measure, in_days(7))
    mail = swept_mail(city.lead)
    assert mail.unsubscribe_url in Html(mail.body_html).links
    assert mail.unsubscribe_url in text_links(mail.body_text)


def test_where_everything_is_legally_due_no_button_promises_an_end(city: City) -> None:
    add_milestone(city.measure, in_days(-7))
    mail = swept_mail(city.lead)
    assert mail.unsubscribe_url is None
    assert "opt-out" not in mail.body_text + mail.body_html
    assert "lassen sich nicht abbestellen" in mail.body_text
    assert "List-Unsubscribe" not in message_of(mail, SENDER)


# -- answers ---------------------------------------------------------------------------------------------------------


def test_a_milestone_can_be_answered_by_who_may_report_on_it(city: City) -> None:
    add_milestone(city.measure, in_days(7))
    mail = swept_mail(city.lead)
    for answer in ("on-track", "late-2", "late-4", "late-8", "reached"):
        assert mail.body_text.count(f"/reminders/answers/{answer}/") == 1
    entry = db.session.scalars(select(ReminderEntry).where(ReminderEntry.outcome == "mailed")).one()
    assert (entry.mail_id, entry.recipient_id) == (mail.id, city.lead.id)


def test_a_head_who_only_watches_gets_no_answers(city: City) -> None:
    add_milestone(city.measure, in_days(-7))
    assert "/answers/" not in swept_mail(city.head).body_text


def test_nobody_is_asked_whether_a_day_that_has_passed_still_holds(city: City) -> None:
    add_milestone(city.measure, in_days(-21))
    body = swept_mail(city.lead).body_text
    assert re.findall(r"/answers/([a-z0-9-]+)/", body) == ["late-4", "late-8", "reached"]


def test_what_is_no_milestone_has_no_answers(city: City) -> None:
    city.measure.status = "running"
    db.session.commit()
    body = swept_mail(city.lead).body_text
    assert "/progress/report" in body
    assert "/answers/" not in body


def test_each_line_is_answered_for_itself(city: City) -> None:
    add_milestone(city.measure, in_days(7))
    add_milestone(city.measure, in_days(14))
    mail = swept_mail(city.lead)
    assert answer_path(mail, "late-2", 0) != answer_path(mail, "late-2", 1)


def test_for_the_eyes_of_an_operator_the_links_lose_what_they_prove(city: City) -> None:
    mail = mail_of_everything(city)
    keys = {
        link.rpartition("/")[2] for link in text_links(mail.body_text) if "/answers/" in link or "opt-out" in link
    }
    assert len(keys) == 4  # three milestones and the way out
    for body in (covered(mail.body_text), covered(mail.body_html)):
        assert not any(key in body for key in keys)
        assert "/reminders/answers/late-2/…" in body
        assert "/reminders/preferences" in body


def test_forty_lines_with_answers_stay_under_what_gmail_cuts_off(city: City) -> None:
    for number in range(40):
        add_milestone(city.measure, in_days(7), title=Localized(f"Meilenstein {number}: " + "Abnahme " * 5))
    assert service.sweep_all(NOON) == 1
    assert len(db.session.scalars(select(Mail)).one().body_html.encode()) < 102_000
