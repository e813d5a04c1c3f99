"""A programme's ladder: set by the coordination, known to the ledger by keys that are never used twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta

import pytest
from sqlalchemy import select

from app.accounts.models import Account
from app.audit.models import AuditEvent
from app.core.database import db
from app.core.errors import Conflict, Forbidden, RuleBroken
from app.core.localized import Localized
from app.mail.models import Mail
from app.programmes.ladder import Audience
from app.programmes.models import ReminderStep
from app.reminders import ladders, queries, service
from app.reminders.ladders import Facts, Settings
from app.reminders.ledger import used_steps
from app.reminders.models import ReminderEntry
from app.reminders.planning import plan_day
from tests.factories import NOON, City, actor, add_milestone, add_programme

LEAD = frozenset({Audience.PROJECT_LEAD})
DAY = timedelta(days=1)


def facts(offset_days: int = -10, **values: object) -> Facts:
    plain = Facts(offset_days, False, None, LEAD, frozenset(), None)
    return replace(plain, **values)  # type: ignore[arg-type]


def step(city: City, key: str) -> ReminderStep:
    found = ladders.find_step(city.programme, key)
    assert found is not None
    return found


def add(city: City, wanted: Facts) -> ReminderStep:
    return ladders.add_step(actor(city.coordinator), city.programme, wanted, now=NOON)


def edit(city: City, key: str, wanted: Facts) -> None:
    one = step(city, key)
    ladders.edit_step(actor(city.coordinator), one, wanted, seen=ladders.imprint_of_step(one), now=NOON)


def remove(city: City, key: str) -> None:
    one = step(city, key)
    ladders.remove_step(actor(city.coordinator), one, seen=ladders.imprint_of_step(one), now=NOON)


def log() -> list[AuditEvent]:
    return list(db.session.scalars(select(AuditEvent).order_by(AuditEvent.id)))


def steps_mailed() -> list[str]:
    query = select(ReminderEntry.step).where(ReminderEntry.outcome == "mailed").order_by(ReminderEntry.decided_on)
    return list(db.session.scalars(query))


# -- steps


def test_a_new_step_takes_its_place_in_the_ladder_and_is_logged_with_the_programme(city: City) -> None:
    wording = Localized("Bitte jetzt melden", "Please report now")
    one = add(
        city,
        facts(
            -5,
            working_days=True,
            recipients=LEAD | {Audience.COORDINATOR},
            named=frozenset({city.auditor.id}),
            wording=wording,
        ),
    )
    db.session.expire_all()
    (read,) = (row for row in queries.ladder_of(city.programme) if row.key == one.key)
    assert (read.offset_days, read.working_days, read.repeat_days) == (-5, True, None)
    assert (read.recipients, read.named) == (LEAD | {Audience.COORDINATOR}, (city.auditor.id,))
    assert read.wording == wording
    (line,) = log()
    assert (line.subject_kind, line.scope_id) == ("reminder_step", city.programme.id)
    assert str(line.sentence) == "Erinnerungsstufe angelegt: 5 Arbeitstage vorher"
    assert {change["field"]: change["to"] for change in line.changes} == {
        "offset_days": -5,
        "working_days": True,
        "recipients": "Projektleitung, Koordination",
        "named": city.auditor.email,
        "wording": "Bitte jetzt melden",
    }


@pytest.mark.parametrize("who", ["administrator", "lead", "head", "funder", "auditor"])
def test_only_the_coordination_sets_a_ladder(city: City, who: str) -> None:
    person, one = actor(getattr(city, who)), step(city, "before-7")
    seen = ladders.imprint_of_step(one)
    with pytest.raises(Forbidden):
        ladders.add_step(person, city.programme, facts(), now=NOON)
    with pytest.raises(Forbidden):
        ladders.edit_step(person, one, facts(), seen=seen, now=NOON)
    with pytest.raises(Forbidden):
        ladders.remove_step(person, one, seen=seen, now=NOON)
    with pytest.raises(Forbidden):
        ladders.copy_ladder(person, city.programme, add_programme(), seen="", now=NOON)
    with pytest.raises(Forbidden):
        ladders.edit_settings(person, city.programme, ladders.settings_of(city.programme), seen="", now=NOON)


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (facts(recipients=frozenset()), "recipients"),
        (facts(-3, repeat_days=7), "repeat_days"),
        (facts(0, repeat_days=1), "repeat_days"),
        (facts(-7), None),
    ],
)
def test_a_step_that_makes_no_sense_is_refused(city: City, wanted: Facts, field: str | None) -> None:
    with pytest.raises(RuleBroken) as refusal:
        add(city, wanted)
    assert refusal.value.field == field
    with pytest.raises(RuleBroken):
        edit(city, "before-14", wanted)
    assert log() == []


def test_a_step_may_call_people_alone(city: City) -> None:
    assert add(city, facts(recipients=frozenset(), named=frozenset({city.auditor.id}))).recipients == []


def test_a_ladder_has_an_end(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ladders, "MOST_STEPS", len(city.programme.steps) + 1)
    add(city, facts(-11))
    with pytest.raises(RuleBroken):
        add(city, facts(-12))


@pytest.mark.parametrize(
    ("wanted", "key"),
    [
        (facts(-10), "before-10"),
        (facts(5), "after-5"),
        (facts(-3, working_days=True), "before-3-working"),
        (facts(-7, named=frozenset()), "before-7-2"),
        (facts(0), "on-the-day-2"),
    ],
)
def test_a_key_is_made_once_and_is_free(city: City, wanted: Facts, key: str) -> None:
    if key.endswith("-2"):
        wanted = replace(wanted, recipients=frozenset({Audience.COORDINATOR}))
    assert add(city, wanted).key == key


def test_a_changed_step_keeps_its_key_and_does_not_remind_again(city: City) -> None:
    city.measure.status = "approved"
    add_milestone(city.measure, NOON.date() + 7 * DAY)
    service.sweep_all(NOON)
    assert steps_mailed() == ["before-7"]
    edit(city, "before-7", facts(-5, wording=Localized("Nur noch fünf Tage")))
    assert step(city, "before-7").offset_days == -5
    for number in range(1, 6):
        service.sweep_all(NOON + number * DAY)
    assert steps_mailed() == ["before-7"]


def test_a_removed_step_reminds_no_more_and_its_key_is_never_used_again(city: City) -> None:
    """A new step under an old key would be taken for said."""
    city.measure.status = "approved"
    add_milestone(city.measure, NOON.date() + 7 * DAY)
    service.sweep_all(NOON)
    remove(city, "before-7")
    new = add(city, facts(-7))
    assert new.key != "before-7"
    service.sweep_all(NOON + DAY)
    assert steps_mailed() == ["before-7", new.key]


def test_a_repeated_step_of_the_ledger_keeps_its_key_too(city: City) -> None:
    city.measure.status = "approved"
    add_milestone(city.measure, NOON.date() - 21 * DAY)
    service.sweep_all(NOON)
    remove(city, "after")
    ladder = {one.key for one in city.programme.steps}
    assert "after" not in ladder
    add(city, facts(3, recipients=frozenset({Audience.COORDINATOR})))
    assert used_steps(city.programme.id) >= {"after"}
    assert all("#" not in key for key in used_steps(city.programme.id))


def test_what_was_removed_stays_in_the_ledger(city: City) -> None:
    city.measure.status = "approved"
    add_milestone(city.measure, NOON.date() + 7 * DAY)
    service.sweep_all(NOON)
    before = db.session.scalars(select(ReminderEntry.id)).all()
    remove(city, "before-7")
    assert db.session.scalars(select(ReminderEntry.id)).all() == before
    assert str(log()[-1].sentence) == "Erinnerungsstufe entfernt: 7 Tage vorher"


def test_the_same_again_is_no_change(city: City) -> None:
    edit(city, "before-7", ladders.facts_of(step(city, "before-7")))
    assert log() == []


def test_whoever_saw_another_step_is_told(city: City) -> None:
    one = step(city, "before-7")
    seen = ladders.imprint_of_step(one)
    edit(city, "before-7", facts(-6))
    with pytest.raises(Conflict):
        ladders.edit_step(actor(city.coordinator), one, facts(-5), seen=seen, now=NOON)
    with pytest.raises(Conflict):
        ladders.remove_step(actor(city.coordinator), one, seen=seen, now=NOON)
    remove(city, "before-7")
    with pytest.raises(Conflict):
        ladders.edit_step(actor(city.coordinator), one, facts(-4), seen=ladders.imprint_of_step(one), now=NOON)


@pytest.mark.parametrize(
    "changed",
    [
        facts(-6),
        facts(-7, working_days=True),
        facts(7, repeat_days=3),
        facts(-7, recipients=frozenset({Audience.COORDINATOR})),
        facts(-7, wording=Localized("Bitte")),
        facts(-7, wording=Localized("Bitte", "Please")),
    ],
)
def test_the_imprint_of_a_step_differs_with_each_of_its_parts(city: City, changed: Facts) -> None:
    before = ladders.imprint_of_step(step(city, "before-7"))
    edit(city, "before-7", changed)
    assert ladders.imprint_of_step(step(city, "before-7")) != before


def test_the_imprint_of_a_step_differs_with_whom_it_names(city: City) -> None:
    before = ladders.imprint_of_step(step(city, "before-7"))
    edit(city, "before-7", facts(-7, named=frozenset({city.auditor.id})))
    assert ladders.imprint_of_step(step(city, "before-7")) != before


# -- peers: offsets fixed in code


def told_on(city: City, days: int) -> list[int]:
    """After how many days the lead has a mail, swept day by day."""
    for number in range(days):
        service.sweep_all(NOON + number * DAY)
    own = db.session.scalars(select(Mail).where(Mail.account_id == city.lead.id).order_by(Mail.created_at))
    return [(mail.created_at - NOON).days for mail in own]


def test_peer_15_a_changed_ladder_changes_what_is_said_and_when(city: City) -> None:
    city.measure.status = "approved"
    for key in [one.key for one in city.programme.steps]:
        remove(city, key)
    add(city, facts(-13))
    add(city, facts(-2, working_days=True))
    add(city, facts(3, repeat_days=2))
    add_milestone(city.measure, NOON.date() + 19 * DAY)  # Monday, 3 April
    # 21 March; two working days before the 3rd: 30 March; then 6 April; the 8th and 10th go to the 11th; the 12th
    assert told_on(city, 29) == [6, 15, 22, 27, 28]


def test_peer_15_the_other_days_of_a_programme_are_its_own_too(city: City) -> None:
    settings = Settings(send_time=time(9), update_due_days=60, approval_days=9, stale_days=30)
    coordinator = actor(city.coordinator)
    seen = ladders.imprint_of_settings(city.programme)
    before = {
        (post.leaves_at, reminder.deadline.subject, reminder.deadline.due_on)
        for post in plan_day(queries.list_programmes(), NOON).posts
        for reminder in post.reminders
    }
    ladders.edit_settings(coordinator, city.programme, settings, seen=seen, now=NOON)
    after = {
        (post.leaves_at, reminder.deadline.subject, reminder.deadline.due_on)
        for post in plan_day(queries.list_programmes(), NOON).posts
        for reminder in post.reminders
    }
    assert before
    assert after
    assert not before & after


# -- settings


def test_settings_are_stored_and_logged_with_the_programme(city: City) -> None:
    settings = Settings(send_time=time(9, 30), update_due_days=0, approval_days=7, stale_days=90)
    seen = ladders.imprint_of_settings(city.programme)
    ladders.edit_settings(actor(city.coordinator), city.programme, settings, seen=seen, now=NOON)
    assert ladders.settings_of(city.programme) == settings
    (line,) = log()
    assert (line.subject_id, line.scope_id) == (city.programme.id, city.programme.id)
    assert {change["field"]: (change["from"], change["to"]) for change in line.changes} == {
        "send_time": ("07:00", "09:30"),
        "update_due_days": (14, 0),
        "approval_days": (5, 7),
        "stale_days": (None, 90),
    }
    with pytest.raises(Conflict):
        ladders.edit_settings(actor(city.coordinator), city.programme, settings, seen=seen, now=NOON)


def test_no_programme_sends_so_late_that_a_held_up_sweep_would_miss_the_day(city: City) -> None:
    settings = replace(ladders.settings_of(city.programme), send_time=time(22, 1))
    seen = ladders.imprint_of_settings(city.programme)
    with pytest.raises(RuleBroken) as refusal:
        ladders.edit_settings(actor(city.coordinator), city.programme, settings, seen=seen, now=NOON)
    assert refusal.value.field == "send_time"


# -- taking over the steps of another programme


def test_a_copied_ladder_is_the_other_one_s_and_keeps_what_both_have(city: City) -> None:
    other = add_programme()
    other.steps[:] = [row for row in other.steps if row.key in ("before-7", "after")]
    other.steps.append(ReminderStep(key="x", offset_days=-3, recipients=["coordinator"], named=[city.auditor]))
    db.session.flush()
    kept = step(city, "before-7").id
    seen = ladders.imprint_of_ladder(city.programme)
    ladders.copy_ladder(actor(city.coordinator), city.programme, other, seen=seen, now=NOON)
    ours = [ladders.facts_of(row) for row in city.programme.steps]
    assert ours == [ladders.facts_of(row) for row in sorted(other.steps, key=lambda row: row.offset_days)]
    assert step(city, "before-7").id == kept
    assert {row.key for row in city.programme.steps} == {"before-7", "before-3", "after"}
    with pytest.raises(Conflict):
        ladders.copy_ladder(actor(city.coordinator), city.programme, other, seen=seen, now=NOON)


def test_there_must_be_steps_to_take_over(city: City) -> None:
    other = add_programme()
    other.steps.clear()
    db.session.flush()
    seen = ladders.imprint_of_ladder(city.programme)
    with pytest.raises(RuleBroken):
        ladders.copy_ladder(actor(city.coordinator), city.programme, other, seen=seen, now=NOON)


def test_a_named_person_without_access_is_kept_and_not_reminded(city: City) -> None:
    gone: Account = city.auditor
    one = add(city, facts(named=frozenset({gone.id})))
    gone.active = False
    db.session.flush()
    assert ladders.facts_of(one).named == {gone.id}
    (read,) = (row for row in queries.ladder_of(city.programme) if row.key == one.key)
    assert read.named == ()
