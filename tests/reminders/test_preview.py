"""What the preview says is what is sent: over 400 days, in which the clocks change forward and back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random
from uuid import UUID

import flask_migrate
import pytest
from flask import Flask
from sqlalchemy import func, select

from app import create_app
from app.core import clock
from app.core.database import db
from app.core.localized import Localized
from app.grants.models import Grant, Obligation
from app.mail.models import Mail
from app.milestones.models import Approval
from app.organisations.models import Absence
from app.programmes.models import Programme, ReminderStep
from app.reminders import service
from app.reminders.models import ReminderEntry, ReminderPreference, ReminderRun
from app.reminders.planning import Post, preview
from tests.conftest import settings_for
from tests.factories import City, add, add_measure, add_milestone, add_programme, build_city

FIRST_DAY = date(2023, 2, 1)
DAYS = 400
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)

Line = tuple[str, int, str, tuple[str, ...], UUID | None]
"""Subject, version, step, the steps it supersedes, and in whose place it is read."""
Said = dict[tuple[UUID, date], frozenset[Line]]


@pytest.fixture
def busy_city(tmp_path: Path) -> Iterator[City]:
    """The busy city in a file of its own: thousands of transactions inside the one of a test make PostgreSQL slow."""
    app = create_app(settings_for(f"sqlite:///{tmp_path / 'wegmarke.db'}", tmp_path))
    with app.app_context():
        try:
            flask_migrate.upgrade()
            yield make_busy(build_city())
        finally:
            db.session.remove()
            db.engine.dispose()


def make_busy(city: City) -> City:
    """Two programmes that send at their own times, one of them in another zone; deadlines of every kind; people who
    are away, want their mail later, not every day, or none that they can refuse."""
    draw = Random(4)
    city.programme.stale_days = 200
    city.programme.steps.append(
        ReminderStep(key="soon", offset_days=-3, working_days=True, recipients=["deputy"], named=[city.auditor])
    )
    city.programme.steps.append(
        ReminderStep(key="escalated", offset_days=21, repeat_days=30, working_days=True, recipients=["coordinator"])
    )
    city.lead.deputy = city.other_head
    other = add_programme(send_time=time(9, 30), time_zone="Atlantic/Azores", update_rhythm="half_yearly")
    for step in (*city.programme.steps, *other.steps):
        step.repeat_days = 28 if step.repeat_days else None  # nothing is ever done here: less paper
    second = add_measure(other, unit=city.other_unit, lead=city.other_lead)
    third = add_measure(other, unit=city.unit, lead=city.lead, status="approved")
    orphan = add_measure(city.programme, unit=city.other_unit, status="approved")
    for number in range(14):
        measure = draw.choice([city.measure, second, third, orphan])
        day = FIRST_DAY + draw.randrange(-30, DAYS + 20) * DAY
        add_milestone(measure, day, title=Localized(f"Nummer {number}"))
    asked = add_milestone(city.measure, date(2023, 3, 31))
    add(
        Approval(
            milestone=asked,
            submitted_by=city.lead,
            submitted_at=datetime(2023, 1, 30, 12, tzinfo=UTC),
            actual_on=date(2023, 1, 27),
            statement="Erreicht",
        )
    )
    for programme, measures in ((city.programme, [city.measure, orphan]), (other, [second, third])):
        grant = add(Grant(programme=programme, key="grant", title=Localized("Zuwendung"), measures=measures))
        for number in range(3):
            due_on = FIRST_DAY + draw.randrange(DAYS) * DAY
            add(Obligation(grant=grant, key=f"o{number}", kind="report", title=Localized("Bericht"), due_on=due_on))
    away(city.lead.id, date(2023, 3, 20), date(2023, 4, 14), city.other_lead.id, only=True)
    away(city.other_lead.id, date(2023, 4, 3), date(2023, 4, 21), city.coordinator.id)
    away(city.head.id, date(2023, 10, 9), date(2023, 11, 3), city.lead.id, only=True)
    away(city.lead.id, date(2023, 10, 23), date(2023, 10, 27), city.head.id, only=True)  # a circle
    wishes(city.lead.id, [0, 1, 2, 3, 4], send_time=time(11, 45))
    wishes(city.other_lead.id, [0, 3])
    wishes(city.head.id, [0, 1, 2, 3, 4], paused_until_on=date(2023, 7, 7))
    wishes(city.coordinator.id, [0, 1, 2, 3, 4], wants_optional=False)
    db.session.commit()
    return city


def away(account_id: UUID, from_on: date, until_on: date, deputy_id: UUID, *, only: bool = False) -> None:
    add(
        Absence(
            account_id=account_id,
            from_on=from_on,
            until_on=until_on,
            deputy_id=deputy_id,
            deputy_only=only,
            entered_at=datetime(2023, 1, 1, tzinfo=UTC),
        )
    )


def wishes(account_id: UUID, weekdays: list[int], **values: object) -> None:
    add(ReminderPreference(account_id=account_id, weekdays=weekdays, **values))


def previewed(posts: list[Post]) -> Said:
    return {
        (post.account_id, post.day): frozenset(
            (one.deadline.subject, one.deadline.version, one.key, one.superseded, one.for_id)
            for one in post.reminders
        )
        for post in posts
    }


def sent() -> tuple[Said, dict[tuple[UUID, date], datetime]]:
    """What the ledger says was mailed to whom on which city day, and when."""
    mails = {row.id: row for row in db.session.scalars(select(Mail).where(Mail.kind == "reminder"))}
    entries = db.session.scalars(select(ReminderEntry)).all()
    superseded: dict[tuple[str, int, UUID, date], list[str]] = {}
    for entry in entries:
        if entry.outcome == "superseded":
            of = (entry.subject, entry.due_version, entry.recipient_id, entry.decided_on)
            superseded.setdefault(of, []).append(entry.step)
    said: dict[tuple[UUID, date], set[Line]] = {}
    when: dict[tuple[UUID, date], datetime] = {}
    for entry in entries:
        if entry.mail_id:
            left_at = mails[entry.mail_id].created_at
            key = (entry.recipient_id, clock.day_of(left_at))
            of = (entry.subject, entry.due_version, entry.recipient_id, entry.decided_on)
            overtaken = tuple(sorted(superseded.get(of, ())))
            said.setdefault(key, set()).add((entry.subject, entry.due_version, entry.step, overtaken, entry.for_id))
            assert when.setdefault(key, left_at) == left_at
    assert len(mails) == len(said)
    return {key: frozenset(lines) for key, lines in said.items()}, when


def in_order(said: Said) -> Said:
    """The superseded steps by name, as the ledger gives them."""
    return {
        key: frozenset(
            (subject, version, step, tuple(sorted(over)), for_id) for subject, version, step, over, for_id in lines
        )
        for key, lines in said.items()
    }


@pytest.mark.timeout(300)  # machines differ; alone it takes half a minute
def test_the_preview_is_what_is_sent_over_400_days_with_both_changes_of_the_clocks(busy_city: City) -> None:
    posts = list(preview(FIRST_DAY, DAYS))
    assert db.session.scalar(select(func.count()).select_from(ReminderEntry)) == 0, "looking writes nothing"
    now = clock.start_of(FIRST_DAY)
    draw = Random(5)
    while clock.day_of(now) < FIRST_DAY + DAYS * DAY:
        local = now.astimezone(clock.CITY_ZONE)
        if local.hour in (7, 12) or draw.random() < 0.03:  # when something can be due, and some hours besides
            service.sweep_all(now)
            db.session.commit()
        now += HOUR
    said, when = sent()
    assert in_order(previewed(posts)) == said
    for post in posts:
        left_at = when[post.account_id, post.day]
        assert post.leaves_at <= left_at < post.leaves_at + HOUR, (post.leaves_at, left_at)
    kinds = {subject.partition(":")[0] for lines in said.values() for subject, *_ in lines}
    assert kinds == {"milestone", "approval", "progress", "stale", "obligation"}
    assert {clock.at(date(2023, 3, 26), time(7)), clock.at(date(2023, 10, 29), time(7))} <= {
        run.ran_at for run in db.session.scalars(select(ReminderRun))
    }, "the days on which the clocks change were swept"
    assert len({post.account_id for post in posts}) >= 6
    assert any(one.for_id for post in posts for one in post.reminders)


def test_the_preview_of_a_day_leaves_out_what_has_been_said_and_the_programmes_that_are_done(busy_city: City) -> None:
    """In the middle of a day: what waits for the afternoon is still there, and nothing of the morning."""
    programmes = db.session.scalars(select(Programme)).all()
    assert len(programmes) == 2
    at_eight = clock.at(FIRST_DAY, time(8))
    whole = list(preview(FIRST_DAY, 1))
    service.sweep_all(at_eight)
    db.session.commit()
    left = list(preview(FIRST_DAY, 1))
    gone = {mail.account_id for mail in db.session.scalars(select(Mail).where(Mail.kind == "reminder"))}
    assert gone
    assert {post.account_id for post in left} == {post.account_id for post in whole} - gone
    service.sweep_all(clock.at(FIRST_DAY, time(13)))
    db.session.commit()
    assert list(preview(FIRST_DAY, 1)) == []


def test_a_preview_says_when_a_mail_leaves_on_a_day_on_which_the_clocks_change(app: Flask, city: City) -> None:
    """A time that does not exist on that day, and one that exists twice: each mail leaves once."""
    city.programme.send_time = time(2, 30)
    city.measure.status = "approved"
    for day in (date(2023, 3, 26), date(2023, 10, 29)):
        add_milestone(city.measure, day + 8 * DAY)
        db.session.commit()
        service.sweep_all(clock.at(day - 2 * DAY, time(12)))  # what came before is said
        add_milestone(city.measure, day + 6 * DAY)
        db.session.commit()
        service.sweep_all(clock.at(day - DAY, time(1)))
        db.session.commit()
        [post] = preview(day, 1)
        before = db.session.scalar(select(func.count()).select_from(Mail))
        for hour in range(26):
            at = clock.start_of(day) + hour * HOUR
            if clock.day_of(at) == day:
                written = service.sweep_all(at)
                assert written == (1 if 0 <= (at - post.leaves_at).total_seconds() < 3600 else 0)
                db.session.commit()
        assert db.session.scalar(select(func.count()).select_from(Mail)) == (before or 0) + 1
