"""Answers by the links of a reminder mail: what they record, for whom, once, and that opening one does nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from threading import Barrier, Thread
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import select

from app.audit.models import AuditEvent
from app.calendars.partial_dates import PartialDate
from app.core.database import db
from app.core.errors import Conflict, DomainError, Forbidden, RuleBroken
from app.core.localized import Localized
from app.core.transaction import transaction
from app.mail.models import Mail
from app.milestones import service as milestones
from app.milestones.models import Approval, Milestone
from app.organisations.models import Absence
from app.organisations.queries import actor_for
from app.reminders import answer_service, answers, service
from app.reminders.answers import Answer, Expired
from app.reminders.links import answer_urls
from app.reminders.models import ReminderEntry
from tests.conftest import Client
from tests.factories import NOON, City, actor, add, add_account, add_milestone
from tests.reminders.conftest import Separate
from tests.reminders.letters import answer_path, swept_mail

TODAY = NOON.date()
PLANNED = TODAY + timedelta(days=7)


# -- the rule --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "day"),
    [
        (Answer.ON_TRACK, date(2023, 3, 22)),
        (Answer.LATE_2, date(2023, 4, 5)),
        (Answer.LATE_4, date(2023, 4, 19)),
        (Answer.LATE_8, date(2023, 5, 17)),
        (Answer.REACHED, None),
    ],
)
def test_an_answer_means_a_day_counted_from_the_planned_one(answer: Answer, day: date | None) -> None:
    assert answers.forecast_on(answer, PLANNED) == day


@pytest.mark.parametrize(
    ("days_late", "count"), [(-30, 5), (0, 5), (1, 4), (14, 4), (15, 3), (28, 3), (29, 2), (56, 2), (57, 1)]
)
def test_only_answers_are_offered_whose_day_is_not_over(days_late: int, count: int) -> None:
    assert answers.offered(TODAY - timedelta(days=days_late), TODAY) == tuple(Answer)[5 - count :]


def test_a_link_works_for_thirty_days_after_its_mail() -> None:
    answers.check_in_time(TODAY, TODAY + timedelta(days=30))
    with pytest.raises(Expired):
        answers.check_in_time(TODAY, TODAY + timedelta(days=31))


def test_who_is_closed_or_not_responsible_any_more_does_not_answer() -> None:
    answers.check_is_theirs(is_active=True, may_report=True)
    for is_active, may_report in ((False, True), (True, False)):
        with pytest.raises(Forbidden):
            answers.check_is_theirs(is_active=is_active, may_report=may_report)


def test_an_answer_to_a_day_that_was_moved_does_not_hold() -> None:
    planned = PartialDate.of(PLANNED, "day")
    answers.check_same_day(2, 2, planned)
    with pytest.raises(Conflict):
        answers.check_same_day(1, 2, planned)


def test_an_answer_whose_day_has_passed_meanwhile_is_refused() -> None:
    answers.check_still_ahead(Answer.ON_TRACK, TODAY, TODAY)
    answers.check_still_ahead(Answer.REACHED, TODAY - timedelta(days=400), TODAY)
    with pytest.raises(RuleBroken):
        answers.check_still_ahead(Answer.ON_TRACK, TODAY - timedelta(days=1), TODAY)


def test_every_answer_fits_its_column_and_has_its_words() -> None:
    assert answers.ANSWER_NAMES.keys() == set(Answer)
    assert all(len(answer) <= 10 for answer in Answer)


# -- the page --------------------------------------------------------------------------------------------------------


@pytest.fixture
def city(city: City) -> City:
    """Its measure has not begun, so that only the milestone is due."""
    city.measure.status = "approved"
    db.session.commit()
    return city


@pytest.fixture
def milestone(city: City) -> Milestone:
    return add_milestone(city.measure, PLANNED, title=Localized("Richtfest", "Topping out"))


@pytest.fixture
def mail(city: City, milestone: Milestone) -> Mail:
    """The reminder of the lead."""
    return swept_mail(city.lead)


def entry() -> ReminderEntry:
    return db.session.scalars(select(ReminderEntry).where(ReminderEntry.outcome == "mailed")).one()


def log_of(milestone: Milestone) -> list[AuditEvent]:
    return list(db.session.scalars(select(AuditEvent).where(AuditEvent.subject_id == milestone.id)))


def mails(kind: str) -> list[Mail]:
    return list(db.session.scalars(select(Mail).where(Mail.kind == kind)))


def form_of(milestone: Milestone, **typed: Any) -> dict[str, Any]:
    return {"version": str(milestone.version), **typed}


@pytest.mark.parametrize("answer", list(Answer))
def test_peer_14_opening_a_link_changes_nothing_however_often_a_scanner_does(
    client: Client, city: City, milestone: Milestone, mail: Mail, count_queries: Callable[[], Any], answer: Answer
) -> None:
    path = answer_path(mail, answer)
    prefetch = {"Purpose": "prefetch", "Sec-Purpose": "prefetch;prerender", "X-Moz": "prefetch"}
    scanner = {"User-Agent": "Barracuda Sentinel", "Accept": "*/*"}
    with count_queries() as queries:
        for headers in ({}, prefetch, scanner):
            for method in ("GET", "HEAD", "OPTIONS", "GET"):
                seen = client.open(path, method=method, headers=headers)
                assert seen.status_code == 200, method
    assert [query for query in queries if re.match(r"\s*(INSERT|UPDATE|DELETE|SELECT .* FOR )", query)] == []
    assert (entry().answer, milestone.forecast_on, milestone.open_approval) == (None, None, None)
    assert log_of(milestone) == []
    assert "Richtfest" in client.get(path).text


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_other_methods_are_unknown(client: Client, city: City, mail: Mail, method: str) -> None:
    assert client.open(answer_path(mail, "on-track"), method=method).status_code == 405


@pytest.mark.parametrize(("answer", "weeks"), [("on-track", 0), ("late-2", 2), ("late-4", 4), ("late-8", 8)])
def test_a_forecast_is_recorded_by_the_button_and_the_plan_stays(
    client: Client, city: City, milestone: Milestone, mail: Mail, answer: str, weeks: int
) -> None:
    path = answer_path(mail, answer)
    expected_on = PLANNED + timedelta(weeks=weeks)
    assert f"Die Prognose wird der {expected_on:%d.%m.%Y}" in client.get(path).text
    answered = client.post(path, data=form_of(milestone, note="Die Baufirma kommt später."))
    assert (answered.status_code, answered.location) == (302, path)
    db.session.expire_all()
    assert (milestone.forecast_on, milestone.planned_on, milestone.due_version) == (expected_on, PLANNED, 1)
    assert (entry().answer, entry().answered_at is not None) == (answer, True)
    (line,) = log_of(milestone)
    assert (line.actor_id, line.actor_name, line.reason) == (
        city.lead.id,
        "Projektleitung",
        "Die Baufirma kommt später.",
    )
    page = client.get(path)
    assert page.status_code == 200
    assert "Danke. Ihre Antwort ist eingetragen." in page.text


def test_reached_asks_for_the_approval_and_tells_the_head(
    client: Client, city: City, milestone: Milestone, mail: Mail
) -> None:
    path = answer_path(mail, "reached")
    assert 'value="2023-03-15"' in client.get(path).text
    data = form_of(milestone, actual_on="10.03.2023", statement="Der Dachstuhl steht.")
    assert client.post(path, data=data).status_code == 302
    approval = db.session.scalars(select(Approval)).one()
    assert (approval.milestone_id, approval.submitted_by_id) == (milestone.id, city.lead.id)
    assert (approval.actual_on, approval.statement) == (date(2023, 3, 10), "Der Dachstuhl steht.")
    assert [letter.account_id for letter in mails("approval_requested")] == [city.head.id]
    assert entry().answer == "reached"
    assert "zurückziehen" in client.get(path).text


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"actual_on": "2023-03-16", "statement": "Steht."}, "liegt in der Zukunft"),
        ({"actual_on": "gestern", "statement": "Steht."}, "„gestern“ ist kein Datum"),
        ({"actual_on": "", "statement": "Steht."}, "Bitte geben Sie an, wann"),
        ({"actual_on": "2023-03-10", "statement": " \x00 "}, "Bitte beschreiben Sie"),
        ({"actual_on": "2023-03-10", "statement": "x" * 10_000}, "höchstens 5000 Zeichen"),
    ],
)
def test_what_is_missing_or_wrong_is_said_beside_the_field_and_nothing_is_lost(
    client: Client, city: City, milestone: Milestone, mail: Mail, typed: dict[str, str], sentence: str
) -> None:
    answered = client.post(answer_path(mail, "reached"), data=form_of(milestone, **typed))
    assert answered.status_code == 422
    assert sentence in answered.text
    assert typed["actual_on"] in answered.text
    assert typed["statement"].strip("\x00 ") in answered.text
    assert (entry().answer, milestone.open_approval) == (None, None)


def test_a_note_that_is_too_long_is_refused_and_kept(
    client: Client, city: City, milestone: Milestone, mail: Mail
) -> None:
    note = "Ä" * 10_000
    answered = client.post(answer_path(mail, "late-2"), data=form_of(milestone, note=note))
    assert answered.status_code == 422
    assert note in answered.text
    assert entry().answer is None


def test_a_nul_in_the_note_is_left_out(client: Client, city: City, milestone: Milestone, mail: Mail) -> None:
    assert client.post(answer_path(mail, "late-2"), data=form_of(milestone, note="Er\x00 kommt")).status_code == 302
    assert log_of(milestone)[0].reason == "Er kommt"


def test_after_one_answer_the_other_links_of_the_line_say_which(
    client: Client, city: City, milestone: Milestone, mail: Mail
) -> None:
    client.post(answer_path(mail, "late-4"), data=form_of(milestone))
    version = milestone.version
    for answer in ("late-4", "on-track", "reached"):
        path = answer_path(mail, answer)
        page = client.get(path)
        assert page.status_code == 200
        assert "Sie haben geantwortet: Verzug um 4 Wochen" in page.text
        assert f"/measures/{city.measure.id}/progress" in page.text
        again = client.post(
            path, data=form_of(milestone, note="Doch noch", statement="Steht", actual_on="2023-03-10")
        )
        assert again.status_code == 409
        assert "Sie haben geantwortet: Verzug um 4 Wochen" in again.text
    assert (milestone.version, milestone.forecast_on) == (version, PLANNED + timedelta(weeks=4))
    assert (len(log_of(milestone)), milestone.open_approval) == (1, None)


def test_an_answer_does_not_quiet_the_reminders_and_the_page_says_so(
    client: Client, city: City, milestone: Milestone, mail: Mail
) -> None:
    path = answer_path(mail, "on-track")
    assert "Wegmarke erinnert weiter" in client.get(path).text
    client.post(path, data=form_of(milestone))
    assert service.sweep_all(NOON + timedelta(days=6)) == 1


def test_the_next_reminder_can_be_answered_anew(client: Client, city: City, milestone: Milestone, mail: Mail) -> None:
    client.post(answer_path(mail, "on-track"), data=form_of(milestone))
    service.sweep_all(NOON + timedelta(days=6))
    db.session.commit()
    later = next(row for row in mails("reminder") if row.id != mail.id)
    assert client.post(answer_path(later, "late-2"), data=form_of(milestone)).status_code == 302
    assert milestone.forecast_on == PLANNED + timedelta(weeks=2)


# -- when it does not hold any more ----------------------------------------------------------------------------------


def settle(city: City, milestone: Milestone) -> None:
    milestone.dropped_at, milestone.drop_reason = NOON, "Nicht gefördert"


def move(city: City, milestone: Milestone) -> None:
    milestone.planned_on, milestone.due_version = date(2023, 6, 30), 2


def ask(city: City, milestone: Milestone) -> None:
    seen = milestone.version
    milestones.request_approval(actor(city.coordinator), milestone, TODAY, "Steht", seen_version=seen, now=NOON)


def hand_over(city: City, milestone: Milestone) -> None:
    city.measure.lead = city.other_lead


def close(city: City, milestone: Milestone) -> None:
    city.lead.active = False


def wait(city: City, milestone: Milestone) -> None:
    entry().decided_on = TODAY - timedelta(days=31)


def let_the_day_pass(city: City, milestone: Milestone) -> None:
    milestone.planned_on = TODAY - timedelta(days=1)


@pytest.mark.parametrize(
    ("happens", "status", "sentence"),
    [
        (settle, 422, "Dieser Meilenstein ist entfallen"),
        (move, 409, "inzwischen verschoben, auf 30.06.2023"),
        (ask, 409, "die Freigabe bereits beantragt"),
        (hand_over, 403, "nicht mehr zuständig"),
        (close, 403, "Ihr Zugang zu Wegmarke ist geschlossen"),
        (wait, 410, "galt 30 Tage"),
        (let_the_day_pass, 422, "und der ist vorbei"),
    ],
)
def test_what_happened_since_is_said_clearly_with_a_way_on_and_nothing_is_recorded(
    client: Client,
    city: City,
    milestone: Milestone,
    mail: Mail,
    happens: Callable[[City, Milestone], None],
    status: int,
    sentence: str,
) -> None:
    happens(city, milestone)
    db.session.commit()
    logged = len(log_of(milestone))
    path = answer_path(mail, "on-track")
    for page in (client.get(path), client.post(path, data=form_of(milestone, note="Mein Satz"))):
        assert page.status_code == status
        assert sentence in page.text
        assert f'href="/milestones/{milestone.id}"' in page.text
    assert "Mein Satz" in page.text
    assert (entry().answer, milestone.forecast_on, len(log_of(milestone))) == (None, None, logged)


def test_while_a_move_waits_for_the_head_nobody_calls_it_reached_by_a_link(
    client: Client, city: City, milestone: Milestone, mail: Mail
) -> None:
    milestone.funder_relevant = True
    milestones.move_milestone(
        actor(city.lead), milestone, date(2023, 6, 30), "Lieferzeit", seen_version=milestone.version, now=NOON
    )
    db.session.commit()
    assert client.get(answer_path(mail, "reached")).status_code == 422
    assert client.get(answer_path(mail, "late-2")).status_code == 200


def test_what_was_changed_since_the_page_was_opened_is_shown_before_it_counts(
    client: Client, city: City, milestone: Milestone, mail: Mail
) -> None:
    path, seen = answer_path(mail, "reached"), form_of(milestone, actual_on="2023-03-10", statement="Der Dachstuhl")
    milestones.edit_milestone(
        actor(city.coordinator), milestone, "Richtfest Nord", None, seen_version=milestone.version, now=NOON
    )
    db.session.commit()
    page = client.post(path, data=seen)
    assert page.status_code == 409
    assert "Richtfest Nord" in page.text
    assert "Der Dachstuhl" in page.text
    version = re.search(r'name="version"[^>]*value="(\d+)"', page.text)
    assert version
    assert client.post(path, data=seen | {"version": version[1]}).status_code == 302


@pytest.mark.parametrize("version", ["", "x", "-1", "9" * 40])
def test_a_form_that_was_tampered_with_changes_nothing(
    client: Client, city: City, milestone: Milestone, mail: Mail, version: str
) -> None:
    assert client.post(answer_path(mail, "late-2"), data={"version": version}).status_code == 409
    assert entry().answer is None


def test_a_deputy_answers_as_long_as_they_stand_in(client: Client, city: City, milestone: Milestone) -> None:
    absence = add(
        Absence(
            account_id=city.lead.id,
            from_on=TODAY,
            until_on=TODAY,
            deputy_id=city.other_lead.id,
            deputy_only=True,
            entered_at=NOON,
        )
    )
    mail = swept_mail(city.other_lead)
    path = answer_path(mail, "late-2")
    assert client.get(path).status_code == 200
    absence.from_on = absence.until_on = TODAY - timedelta(days=1)
    db.session.commit()
    assert client.post(path, data=form_of(milestone)).status_code == 403
    absence.until_on = TODAY
    db.session.commit()
    assert client.post(path, data=form_of(milestone)).status_code == 302
    assert log_of(milestone)[0].actor_id == city.other_lead.id


# -- whom the link is for --------------------------------------------------------------------------------------------


def test_no_sign_in_is_asked_of_whom_the_link_is_for_and_none_is_given(
    client: Client, city: City, milestone: Milestone, mail: Mail
) -> None:
    assert client.get(answer_path(mail, "late-2")).status_code == 200
    client.post(answer_path(mail, "late-2"), data=form_of(milestone))
    assert client.get(f"/milestones/{milestone.id}").status_code == 302


def test_who_is_signed_in_as_somebody_else_does_not_answer_for_them(
    client: Client, city: City, milestone: Milestone, mail: Mail
) -> None:
    path = answer_path(mail, "late-2")
    client.sign_in(city.coordinator)
    for page in (client.get(path), client.post(path, data=form_of(milestone))):
        assert page.status_code == 403
        assert "ist für Projektleitung, und Sie sind als Koordination angemeldet. Melden Sie sich ab" in page.text
    assert entry().answer is None
    client.sign_in(city.lead)
    assert client.post(path, data=form_of(milestone)).status_code == 302


def test_the_page_speaks_its_readers_language_until_they_choose_another(
    client: Client, city: City, milestone: Milestone, mail: Mail
) -> None:
    city.lead.language = "en"
    path = answer_path(mail, "late-2")
    page = client.get(path, headers={"Accept-Language": "de"}).text
    assert '<html lang="en">' in page
    assert "Topping out" in page
    client.post("/language", data={"language": "de", "next": path})
    assert '<html lang="de">' in client.get(path).text


# -- made-up addresses -----------------------------------------------------------------------------------------------


def made_up(app: Flask, mail: Mail) -> list[str]:
    path = answer_path(mail, "late-2")
    folder, _, token = path.rpartition("/")
    key, _, signature = token.partition(".")
    opt_out = (mail.unsubscribe_url or "").rpartition("/")[2]
    unknown = answer_urls(uuid4(), [Answer.LATE_2])[Answer.LATE_2].rpartition("/")[2]
    tokens = [
        token[:-1],
        token[:20],
        key,
        f"{key}.",
        f".{signature}",
        f"{key}.{signature[:-1]}A" if signature[-1] != "A" else f"{key}.{signature[:-1]}B",
        f"AAAA{key[4:]}.{signature}",
        token + "x",
        "x",
        "%00",
        f"{token}%00",
        "%ff%fe",
        "ß",
        "." * 50,
        "A" * 10_000,
        opt_out,  # signed by us, for something else
        unknown,  # signed by us, for a line that is not there
    ]
    return [f"{folder}/{one}" for one in tokens] + [path.replace("late-2", "late-3"), path.replace("late-2", "%00")]


def test_a_forged_or_broken_link_is_a_page_with_a_sentence_and_never_an_accident(
    app: Flask, client: Client, city: City, milestone: Milestone, mail: Mail
) -> None:
    for path in made_up(app, mail):
        for method in ("GET", "HEAD", "POST"):
            answered = client.open(path, method=method, data=form_of(milestone) if method == "POST" else None)
            assert answered.status_code == 404, (method, path)
    assert "Öffnen Sie ihn noch einmal aus der E-Mail" in client.get(answer_path(mail, "late-2")[:-1]).text
    assert entry().answer is None


def test_a_signature_of_another_key_does_not_count(app: Flask, client: Client, city: City, mail: Mail) -> None:
    path = answer_path(mail, "late-2")
    secret = app.config["SECRET_KEY"]
    app.config["SECRET_KEY"] = "another key, long enough to be accepted too"
    try:
        forged = answer_urls(entry().id, [Answer.LATE_2])[Answer.LATE_2]
    finally:
        app.config["SECRET_KEY"] = secret
    assert forged.endswith(path) is False
    assert client.get(forged.removeprefix("http://localhost")).status_code == 404


def test_a_line_that_was_superseded_or_is_about_something_else_has_no_answers(
    client: Client, city: City, milestone: Milestone, mail: Mail
) -> None:
    superseded = db.session.scalars(select(ReminderEntry).where(ReminderEntry.outcome == "superseded")).first()
    assert superseded
    url = answer_urls(superseded.id, [Answer.LATE_2])[Answer.LATE_2]
    path = url.removeprefix("http://localhost")
    assert client.get(path).status_code == 404
    mailed = entry()
    mailed.subject = f"stale:{city.measure.id}"
    db.session.commit()
    assert client.get(answer_path(mail, "late-2")).status_code == 404
    mailed.subject = f"milestone:{uuid4()}"
    db.session.commit()
    assert client.get(answer_path(mail, "late-2")).status_code == 404


def test_the_form_needs_its_token_as_every_form_does(
    app: Flask, client: Client, city: City, milestone: Milestone, mail: Mail
) -> None:
    path = answer_path(mail, "late-2")
    app.config["WTF_CSRF_ENABLED"] = True
    try:
        without = client.post(path, data=form_of(milestone, note="Mein Satz"))
        token = re.search(r'name="csrf_token" value="([^"]+)"', client.get(path).text)
        assert token
        with_it = client.post(path, data=form_of(milestone, csrf_token=token[1]))
    finally:
        app.config["WTF_CSRF_ENABLED"] = False
    assert without.status_code == 400
    assert "Mein Satz" in without.text
    assert with_it.status_code == 302


def test_the_page_is_protected_and_not_kept(client: Client, city: City, mail: Mail) -> None:
    headers = client.get(answer_path(mail, "late-2")).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "same-origin"  # the address lets its holder act


# -- two at once -----------------------------------------------------------------------------------------------------


def test_of_two_answers_at_the_same_moment_one_counts(separate: Separate) -> None:
    """Also where the answer says what is stored already, so that the milestone itself does not change."""
    milestone = add_milestone(separate.city.measure, PLANNED, forecast_on=PLANNED)
    separate.city.measure.status = "approved"
    db.session.commit()
    with transaction():
        service.sweep_all(NOON)
    key, version, lead_id = entry().id, milestone.version, separate.city.lead.id
    db.session.rollback()
    barrier = Barrier(2)
    told: list[DomainError | None] = []

    def reply() -> None:
        with separate.flask.app_context():
            token = answer_urls(key, [Answer.ON_TRACK])[Answer.ON_TRACK].rpartition("/")[2]
            barrier.wait(20)
            try:
                with transaction():
                    _reply(token, lead_id, version)
                told.append(None)
            except DomainError as error:
                told.append(error)

    threads = [Thread(target=reply) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [type(one) for one in told if one] == [Conflict]
    assert len(told) == 2
    db.session.expire_all()
    assert entry().answer == "on-track"
    assert len(log_of(milestone)) == 1


def _reply(token: str, lead_id: UUID, version: int) -> None:
    question = answer_service.question_behind(token, Answer.ON_TRACK)
    assert question.reader.id == lead_id
    answer_service.expect(
        actor_for(question.reader, TODAY), question, None, seen_version=version, now=NOON + timedelta(minutes=1)
    )


def test_answers_do_not_reach_beyond_their_reader(client: Client, city: City, milestone: Milestone) -> None:
    """The answer counts as the reader's, whoever reads the same milestone too."""
    deputy = add_account("Vertretung")
    city.lead.deputy_id = deputy.id
    mail = swept_mail(city.lead)
    client.post(answer_path(mail, "late-2"), data=form_of(milestone))
    assert {line.actor_id for line in log_of(milestone)} == {city.lead.id}
