"""What people do on a day on which they act: each scene is one part of their work, done through the real services."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from app.accounts.models import Account
from app.calendars.periods import Period
from app.core import clock
from app.core.database import db
from app.core.transaction import reading
from app.grants import service as grants
from app.grants.models import Grant, Obligation, ObligationKind
from app.measures import service as measures
from app.measures.models import Measure
from app.milestones import service as milestones
from app.milestones.approval import Decision
from app.milestones.models import Approval, Milestone, MoveRequest
from app.milestones.queries import involved_ids, involved_in_move
from app.organisations import service as organisations
from app.organisations.models import Unit
from app.organisations.permissions import Role
from app.organisations.queries import heads_by_unit
from app.programmes.guards import Given
from app.programmes.workflow import Category, FieldType
from app.progress import queries as reports
from app.progress import service as progress
from app.progress.health import Health
from app.progress.models import ProgressUpdate, UpdateState
from app.progress.reporting import Report
from app.reminders import preferences
from app.reminders.wishes import WORKING_WEEK, Wishes
from app.simulation.cast import STALE_DAYS, Cast, do, people_with, staff
from app.simulation.faults import share

DAY = timedelta(days=1)
MOST_OPEN = 3
"""Open milestones of a measure in the months to come from which on nobody plans another."""


def act(cast: Cast, now: datetime) -> None:
    """Everybody does what they have to do, and some of them what they feel like, all scenes in their order."""
    today = clock.day_of(now)
    for scene in SCENES:
        with reading():
            scene(cast, now, today)


def _running() -> Sequence[Measure]:
    query = select(Measure).options(joinedload(Measure.programme), joinedload(Measure.lead)).order_by(Measure.key)
    return [measure for measure in db.session.scalars(query) if measure.category is Category.RUNNING]


def report(cast: Cast, now: datetime, today: date) -> None:
    """Updates are reported on time, late, or so late that nobody expects them any more."""
    running = _running()
    ids = [measure.id for measure in running]
    handed_in, last_at = reports.reported_periods(ids), reports.last_reports(ids)
    for measure in running:
        for period in reports.owed_periods(measure, today, handed_in[measure.id]):
            about = (measure.key, period.key)
            habit = share(cast.seed, "report", *about)
            waits = cast.days(1, 14, "on time", *about) if habit < 0.65 else cast.days(15, 60, "late", *about)
            if habit > 0.95:
                waits *= 5
            if today >= period.last_day + waits * DAY:
                _hand_in(cast, now, measure, period)
        last_on = clock.day_of(last_at[measure.id]) if measure.id in last_at else measure.entered_on
        if today >= last_on + cast.days(STALE_DAYS, STALE_DAYS + 40, "break silence", measure.key, last_on) * DAY:
            _hand_in(cast, now, measure, reports.offered_periods(measure, today)[0])


def _hand_in(cast: Cast, now: datetime, measure: Measure, period: Period) -> None:
    dice = cast.dice("update", measure.key, period.key)
    told = Report(
        period,
        health=dice.choice(list(Health)),
        health_reason="The delivery is late",
        decision_wanted="Move money between items",
        percent=dice.randint(0, 100),
        done="The work packages went on as planned.",
        next_steps="Complete the open milestones.",
    )
    draft = reports.find_draft(measure)
    submit = partial(progress.submit_update, measure=measure, report=told, now=now)
    do(cast.lead_of(measure), now, partial(submit, seen_version=draft.version if draft else None))


def release(cast: Cast, now: datetime, today: date) -> None:
    """Heads release updates after some days, or give them back."""
    query = (
        select(ProgressUpdate)
        .join(ProgressUpdate.measure)
        .where(ProgressUpdate.state == UpdateState.SUBMITTED)
        .options(joinedload(ProgressUpdate.measure))
        .order_by(Measure.key, ProgressUpdate.period, ProgressUpdate.submitted_at)
    )
    for update in db.session.scalars(query).all():
        submitted_on = clock.day_of(update.submitted_at or update.created_at)
        about = (update.measure.key, update.period, submitted_on)
        if today < submitted_on + cast.days(1, 25, "release", *about) * DAY:
            continue
        head = cast.decider(update.measure, {update.author_id}, today)
        if head is None:
            continue
        decide = partial(progress.release_update, update=update)
        if cast.dice("return", *about).random() < 0.1:
            decide = partial(progress.return_update, update=update, reason="Please add the risks.")
        do(head, now, partial(decide, now=now, seen_version=update.version))


def plan(cast: Cast, now: datetime, today: date) -> None:
    """Leads plan milestones: months ahead, some of them shortly, some for a day that has passed already."""
    for measure in _running():
        dice = cast.dice("plan", measure.key, today)
        planned = db.session.scalars(select(Milestone).where(Milestone.measure_id == measure.id)).all()
        near = today + 300 * DAY
        is_open = sum(not milestone.is_settled and milestone.planned_on < near for milestone in planned)
        if is_open >= MOST_OPEN or dice.random() > 0.3:
            continue
        ahead = dice.choice((-3, 1, 5, 20, 45, 90, 120, 160, 200, 250))
        do(
            cast.lead_of(measure),
            now,
            partial(
                milestones.plan_milestone,
                measure=measure,
                title=f"Stage {len(planned) + 1}",
                planned_on=today + (ahead + dice.randint(0, 6)) * DAY,
                now=now,
                funder_relevant=dice.random() < 0.25,
            ),
        )


def pursue(cast: Cast, now: datetime, today: date) -> None:
    """Milestones are reached early, on time or late, moved, or dropped."""
    query = (
        select(Milestone)
        .join(Milestone.measure)
        .where(Milestone.approved_at.is_(None), Milestone.dropped_at.is_(None))
        .options(
            joinedload(Milestone.measure), selectinload(Milestone.approvals), selectinload(Milestone.move_requests)
        )
        .order_by(Measure.key, Milestone.key)
    )
    for milestone in db.session.scalars(query).all():
        waits_for_move = any(request.decision is None for request in milestone.move_requests)
        if waits_for_move or milestone.open_approval or milestone.measure.category is not Category.RUNNING:
            continue
        about = (milestone.measure.key, milestone.key, milestone.due_version, len(milestone.approvals))
        dice = cast.dice("pursue", *about)
        habit, moved_by = dice.random(), dice.randint(14, 120)
        acts_on = milestone.planned_on + (dice.randint(-25, 10) if habit < 0.3 else dice.randint(-12, 50)) * DAY
        if today < acts_on:
            continue
        lead = cast.lead_of(milestone.measure)
        seen = partial(partial, milestone=milestone, seen_version=milestone.version, now=now)
        if habit < 0.3:
            to_on = max(milestone.planned_on, today) + moved_by * DAY
            do(lead, now, seen(milestones.move_milestone, to_on=to_on, reason="The delivery was postponed"))
        elif habit < 0.35:
            do(lead, now, seen(milestones.drop_milestone, reason="No longer needed"))
        else:
            statement = "Accepted and documented."
            do(lead, now, seen(milestones.request_approval, actual_on=today, statement=statement))


def approve(cast: Cast, now: datetime, today: date) -> None:
    """Heads decide on what they are asked for, some of them long after the time limit."""
    query = (
        select(Approval)
        .join(Approval.milestone)
        .join(Milestone.measure)
        .where(Approval.decision.is_(None))
        .options(joinedload(Approval.milestone).joinedload(Milestone.measure))
        .order_by(Measure.key, Milestone.key)
    )
    for approval in db.session.scalars(query).all():
        milestone = approval.milestone
        _decide(
            cast,
            now,
            milestone,
            clock.day_of(approval.submitted_at),
            cast.decider(milestone.measure, involved_ids(milestone), today),
            partial(milestones.decide_approval, approval=approval),
        )


def allow_moves(cast: Cast, now: datetime, today: date) -> None:
    """Heads decide on moves of what was promised to the funder."""
    query = (
        select(MoveRequest)
        .join(MoveRequest.milestone)
        .join(Milestone.measure)
        .where(MoveRequest.decision.is_(None))
        .options(joinedload(MoveRequest.milestone).joinedload(Milestone.measure))
        .order_by(Measure.key, Milestone.key)
    )
    for request in db.session.scalars(query).all():
        milestone = request.milestone
        _decide(
            cast,
            now,
            milestone,
            clock.day_of(request.requested_at),
            cast.decider(milestone.measure, involved_in_move(request), today),
            partial(milestones.decide_move, request=request),
        )


def _decide(
    cast: Cast,
    now: datetime,
    milestone: Milestone,
    asked_on: date,
    head: Account | None,
    decide: Callable[..., object],
) -> None:
    about = (milestone.measure.key, milestone.key, asked_on)
    is_time = clock.day_of(now) >= asked_on + cast.days(0, 30, "decide", *about) * DAY
    if head is None or not is_time:
        return
    is_returned = cast.dice("decision", *about).random() < 0.15
    decision = Decision.RETURNED if is_returned else Decision.APPROVED
    reason = "The evidence is missing." if is_returned else None
    do(head, now, partial(decide, decision=decision, reason=reason, now=now))


def owe(cast: Cast, now: datetime, today: date) -> None:
    """The coordination sets the dates of obligations, records what is done, and adds new ones."""
    coordinator = people_with(Role.COORDINATOR)[0]
    query = (
        select(Obligation)
        .join(Obligation.grant)
        .where(Obligation.done_on.is_(None))
        .order_by(Grant.key, Obligation.key)
    )
    for obligation in db.session.scalars(query).all():
        about = (obligation.grant.key, obligation.key, obligation.due_version)
        dice = cast.dice("owe", *about)
        seen = partial(partial, obligation=obligation, seen=grants.imprint_of(obligation), now=now)
        if obligation.due_on is None:
            if cast.dice("date", *about, today).random() < 0.02:
                to_on = today + dice.randint(60, 400) * DAY
                do(coordinator, now, seen(grants.move_obligation, to_on=to_on, reason="The notice has arrived"))
            continue
        done_on = obligation.due_on + dice.randint(-40, 35) * DAY
        if today >= done_on:
            do(coordinator, now, seen(grants.complete_obligation, done_on=today, note=None))
    for grant in db.session.scalars(select(Grant).order_by(Grant.key)).all():
        dice = cast.dice("new obligation", grant.key, today)
        if dice.random() < 0.02:
            number = len(grant.obligations) + 1
            due_on = today + dice.randint(30, 300) * DAY
            kind = dice.choice(list(ObligationKind))
            create = partial(grants.create_obligation, grant=grant, title=f"Obligation {number}", kind=kind)
            do(coordinator, now, partial(create, due_on=due_on, rule=None, now=now))


def step(cast: Cast, now: datetime, today: date) -> None:
    """A measure whose status was not known gets people and is entered as running; another rests for a while, or
    goes on."""
    for measure in db.session.scalars(select(Measure).order_by(Measure.key)).all():
        dice = cast.dice("step", measure.key, today)
        if dice.random() > 0.02:
            continue
        rules = measure.workflow.rules
        if measure.status is None:
            running = next((key for key, one in rules.statuses.items() if one.category is Category.RUNNING), None)
            if running:
                coordinator = people_with(Role.COORDINATOR)[0]
                lead, unit = db.session.get_one(Account, dice.choice(cast.leads)), dice.choice(_units())
                assign = partial(measures.assign, measure=measure, lead=lead, unit=unit)
                do(coordinator, now, partial(assign, seen_version=measure.version, now=now))
                record = partial(measures.record_status, measure=measure, status=running, note="As planned")
                do(coordinator, now, partial(record, seen_version=measure.version, now=now))
            continue
        goes_on = (Category.RUNNING, Category.PAUSED)
        ways = [way for way in rules.from_status(measure.status) if rules.statuses[way.target].category in goes_on]
        if not ways:
            continue
        way = dice.choice(ways)
        given = Given("Agreed", {key: _value(rules.fields[key].type, today) for key in way.asks})
        head = cast.decider(measure, (), today)
        people = [*([head] if head else []), cast.lead_of(measure), *people_with(Role.COORDINATOR)[:1]]
        for account in people:
            take = partial(measures.change_status, measure=measure, transition_key=way.key, given=given)
            do(account, now, partial(take, seen_version=measure.version, now=now))
            if measure.status == way.target:
                break


def _units() -> Sequence[Unit]:
    """The units that have a head, by key."""
    return sorted(db.session.scalars(select(Unit).where(Unit.id.in_(heads_by_unit()))), key=lambda unit: unit.key)


def _value(kind: FieldType, today: date) -> str:
    values = {FieldType.DATE: today.isoformat(), FieldType.URL: "https://rat.example/1", FieldType.MONEY: "1000.00"}
    return values.get(kind, "File 1")


def be_away(cast: Cast, now: datetime, today: date) -> None:
    """Somebody enters an absence, or names who stands in for them as a rule."""
    dice = cast.dice("away", today)
    people = staff()
    if dice.random() < 0.25:
        account, deputy = dice.sample(list(people), 2)
        from_on = today + dice.randint(0, 20) * DAY
        until_on = from_on + dice.randint(2, 18) * DAY
        is_only = dice.random() < 0.5
        enter = partial(organisations.enter_absence, account=account, from_on=from_on, until_on=until_on)
        do(account, now, partial(enter, deputy_id=deputy.id, deputy_only=is_only, now=now))
    if dice.random() < 0.05:
        account, deputy = dice.sample(list(people), 2)
        do(account, now, partial(organisations.name_deputy, account=account, deputy_id=deputy.id, now=now))


def wish(cast: Cast, now: datetime, today: date) -> None:
    """Somebody changes how they want to be reminded."""
    dice = cast.dice("wish", today)
    if dice.random() > 0.12:
        return
    account = dice.choice(list(staff()))
    weekdays = WORKING_WEEK if dice.random() < 0.5 else frozenset(dice.sample(range(5), dice.randint(1, 4)))
    send_time = dice.choice((None, None, time(8), time(9, 30), time(13), time(18)))
    paused_until = today + dice.randint(3, 30) * DAY if dice.random() < 0.2 else None
    wishes = Wishes(weekdays, send_time, paused_until, dice.random() < 0.9)
    do(account, now, partial(preferences.change_preferences, wishes=wishes, now=now))


def change_people(cast: Cast, now: datetime, today: date) -> None:
    """Another lead takes over a measure; an account is closed, or opened again."""
    dice = cast.dice("people", today)
    if dice.random() < 0.06:
        measure = dice.choice(list(db.session.scalars(select(Measure).order_by(Measure.key))))
        lead = db.session.get_one(Account, dice.choice(cast.leads))
        coordinator = people_with(Role.COORDINATOR)[0]
        assign = partial(measures.assign, measure=measure, lead=lead, unit=measure.unit)
        do(coordinator, now, partial(assign, seen_version=measure.version, now=now))
    if dice.random() < 0.04:
        account = db.session.get_one(Account, dice.choice(cast.leads))
        is_active = not account.active
        admin = people_with(Role.ADMINISTRATOR)[0]
        do(admin, now, partial(organisations.set_active, account=account, active=is_active, now=now))


SCENES: tuple[Callable[[Cast, datetime, date], None], ...] = (
    report,
    release,
    plan,
    pursue,
    approve,
    allow_moves,
    owe,
    step,
    be_away,
    wish,
    change_people,
)
