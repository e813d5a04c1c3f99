from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.accounts.models import Account
from app.calendars.partial_dates import PartialDate
from app.core.database import db
from app.core.i18n import name
from app.core.links import absolute_url
from app.core.localized import Localized
from app.deadlines import queries
from app.deadlines.deadline import Deadline, Kind
from app.grants.models import Grant, Obligation, ObligationKind
from app.mail.models import Mail
from app.measures.models import Measure
from app.milestones.approval import Decision
from app.milestones.models import Approval, Milestone, MoveRequest
from app.milestones.service import request_approval
from app.organisations.permissions import Role
from app.programmes.ladder import Audience
from app.progress.models import ProgressUpdate, UpdateState
from tests.conftest import Client
from tests.factories import (
    NOON,
    City,
    actor,
    add,
    add_absence,
    add_account,
    add_measure,
    add_milestone,
    add_programme,
    add_unit,
)

TODAY = date(2023, 3, 15)
SUBMITTED_AT = datetime(2023, 3, 30, 22, 30, tzinfo=UTC)
"""Half past midnight on Friday, 31 March, in the city; still Thursday in UTC."""


def of_kind(city: City, kind: Kind, today: date = TODAY) -> list[Deadline]:
    return [deadline for deadline in queries.open_deadlines([city.programme], today) if deadline.kind is kind]


def add_approval(milestone: Milestone, by: Account, submitted_at: datetime = SUBMITTED_AT) -> Approval:
    approval: Approval = add(
        Approval(
            milestone=milestone,
            submitted_by=by,
            submitted_at=submitted_at,
            actual_on=date(2023, 3, 30),
            statement="Fertig.",
        )
    )
    return approval


def add_update(measure: Measure, period: str, state: UpdateState, author: Account, by: Account) -> ProgressUpdate:
    is_decided = state in (UpdateState.RELEASED, UpdateState.RETURNED)
    update: ProgressUpdate = add(
        ProgressUpdate(
            measure=measure,
            period=period,
            state=state,
            health="green",
            author=author,
            created_at=NOON,
            submitted_at=None if state is UpdateState.DRAFT else NOON,
            decided_by=by if is_decided else None,
            decided_at=NOON if is_decided else None,
            return_reason="Bitte ergänzen" if state is UpdateState.RETURNED else None,
        )
    )
    return update


def add_obligation(city: City, due_on: date | None, *measures: Measure, **values: Any) -> Obligation:
    grant = Grant(
        programme=city.programme, key=f"grant-{due_on}", title=Localized("Zuwendung"), measures=list(measures)
    )
    row = Obligation(
        grant=grant,
        key="proof",
        kind=ObligationKind.PROOF_OF_USE,
        title=Localized("Verwendungsnachweis", "Proof of use"),
        due_on=due_on,
        **values,
    )
    return add(row)  # type: ignore[no-any-return]


# -- milestones ----------------------------------------------------------------------------------------------------


def test_an_open_milestone_is_due_on_its_planned_day(city: City) -> None:
    milestone = add_milestone(city.measure, date(2023, 4, 30), due_version=3, is_sample=True)
    (deadline,) = of_kind(city, Kind.MILESTONE)
    assert deadline.subject == f"milestone:{milestone.id}"
    assert (deadline.due_on, deadline.version, deadline.is_sample) == (date(2023, 4, 30), 3, True)
    assert deadline.context == city.measure.name
    assert deadline.recipients[Audience.PROJECT_LEAD] == (city.lead.id,)
    assert deadline.recipients[Audience.DEPARTMENT_HEAD] == (city.head.id,)
    assert deadline.recipients[Audience.COORDINATOR] == (city.coordinator.id,)


def test_a_settled_milestone_is_no_deadline(city: City) -> None:
    add_milestone(city.measure, date(2023, 4, 1), approved_at=NOON, actual_on=TODAY)
    add_milestone(city.measure, date(2023, 4, 1), dropped_at=NOON, drop_reason="entfällt")
    assert of_kind(city, Kind.MILESTONE) == []


def test_peer_3_what_is_long_past_stays_a_deadline(city: City) -> None:
    add_milestone(city.measure, date(2019, 1, 1))
    assert [deadline.due_on for deadline in of_kind(city, Kind.MILESTONE)] == [date(2019, 1, 1)]


def test_the_most_urgent_deadline_comes_first(city: City) -> None:
    for day in (date(2023, 6, 1), date(2023, 1, 1), date(2023, 4, 1)):
        add_milestone(city.measure, day)
    assert [deadline.due_on for deadline in of_kind(city, Kind.MILESTONE)] == [
        date(2023, 1, 1),
        date(2023, 4, 1),
        date(2023, 6, 1),
    ]


def test_a_measure_without_a_lead_reminds_the_nearest_head(city: City) -> None:
    city.measure.lead = None
    city.measure.unit = add_unit("Team Netze", parent=add_unit("Abteilung", parent=city.unit))
    add_milestone(city.measure, TODAY)
    (deadline,) = of_kind(city, Kind.MILESTONE)
    assert deadline.recipients[Audience.PROJECT_LEAD] == (city.head.id,)
    assert deadline.responsible == (city.head.id,)


def test_a_lead_whose_account_is_closed_counts_as_nobody(city: City) -> None:
    city.lead.active = False
    add_milestone(city.measure, TODAY)
    (deadline,) = of_kind(city, Kind.MILESTONE)
    assert deadline.responsible == (city.head.id,)


def test_peer_16_a_measure_with_nobody_at_all_reminds_the_coordination(city: City) -> None:
    city.measure.lead = None
    city.measure.unit = None
    add_milestone(city.measure, TODAY)
    (deadline,) = of_kind(city, Kind.MILESTONE)
    assert deadline.recipients[Audience.PROJECT_LEAD] == (city.coordinator.id,)
    assert deadline.recipients[Audience.DEPARTMENT_HEAD] == (city.coordinator.id,)
    city.coordinator.active = False
    db.session.flush()
    (deadline,) = of_kind(city, Kind.MILESTONE)
    assert deadline.recipients[Audience.PROJECT_LEAD] == (city.administrator.id,)


@pytest.mark.parametrize("status", ["paused", "done", "stopped"])
def test_a_measure_at_rest_keeps_only_the_obligations_of_its_grant(city: City, status: str) -> None:
    city.measure.status = status
    add_milestone(city.measure, TODAY)
    add_approval(add_milestone(city.measure, TODAY), city.lead)
    add_obligation(city, date(2023, 12, 31), city.measure)
    kinds = [deadline.kind for deadline in queries.open_deadlines([city.programme], TODAY)]
    assert kinds == [Kind.OBLIGATION]


def test_a_measure_whose_status_is_not_known_keeps_its_milestones_and_owes_no_update(city: City) -> None:
    city.measure.status = None
    add_milestone(city.measure, TODAY)
    kinds = [deadline.kind for deadline in queries.open_deadlines([city.programme], TODAY)]
    assert kinds == [Kind.MILESTONE]


def test_another_programme_has_deadlines_of_its_own(city: City) -> None:
    add_milestone(city.measure, TODAY)
    other = add_measure(add_programme())
    add_milestone(other, TODAY)
    assert len(of_kind(city, Kind.MILESTONE)) == 1


# -- approvals -----------------------------------------------------------------------------------------------------


def test_an_open_approval_is_due_some_working_days_after_it_was_asked_for(city: City) -> None:
    """Asked for on Friday, 31 March; five working days, Good Friday and Easter Monday between, end on 11 April."""
    milestone = add_milestone(city.measure, date(2023, 4, 30))
    approval = add_approval(milestone, city.lead)
    (deadline,) = of_kind(city, Kind.APPROVAL)
    assert deadline.due_on == date(2023, 4, 11)
    assert deadline.subject == f"approval:{approval.id}"
    assert deadline.responsible == (city.head.id,)


def test_a_milestone_under_approval_reminds_only_who_decides(city: City) -> None:
    add_approval(add_milestone(city.measure, TODAY), city.lead)
    assert of_kind(city, Kind.MILESTONE) == []
    (deadline,) = of_kind(city, Kind.APPROVAL)
    assert (
        deadline.recipients[Audience.PROJECT_LEAD] == deadline.recipients[Audience.DEPARTMENT_HEAD] == (city.head.id,)
    )


def test_a_decided_approval_is_no_deadline_and_a_returned_milestone_one_again(city: City) -> None:
    milestone = add_milestone(city.measure, TODAY)
    approval = add_approval(milestone, city.lead)
    approval.decision = Decision.RETURNED
    approval.decided_by = city.head
    approval.decided_at = NOON
    approval.reason = "Nachweis fehlt"
    db.session.flush()
    assert of_kind(city, Kind.APPROVAL) == []
    assert [deadline.subject for deadline in of_kind(city, Kind.MILESTONE)] == [f"milestone:{milestone.id}"]


@pytest.mark.parametrize("involved", ["submitted", "edited"])
def test_whoever_submitted_or_edited_last_is_not_asked_to_decide(city: City, involved: str) -> None:
    """The head of the unit above stands in, and without one the coordination."""
    milestone = add_milestone(city.measure, TODAY)
    milestone.edited_by_id = city.head.id if involved == "edited" else None
    add_approval(milestone, city.head if involved == "submitted" else city.lead)
    (deadline,) = of_kind(city, Kind.APPROVAL)
    assert deadline.responsible == (city.coordinator.id,)

    above = add_unit("Ressort")
    city.unit.parent = above
    head_above = add_account("Ressortleitung", Role.DEPARTMENT_HEAD, unit=above)
    (deadline,) = of_kind(city, Kind.APPROVAL)
    assert deadline.responsible == (head_above.id,)


@pytest.mark.parametrize("with_second_head", [True, False])
def test_a_reminder_asks_whom_the_request_asked(city: City, with_second_head: bool) -> None:
    if with_second_head:
        add_account("Zweite Leitung", Role.DEPARTMENT_HEAD, unit=city.unit)
    milestone = add_milestone(city.measure, TODAY, edited_by_id=city.head.id)
    request_approval(actor(city.lead), milestone, TODAY, "Fertig.", seen_version=milestone.version, now=NOON)
    asked = db.session.scalars(select(Mail.account_id).where(Mail.kind == "approval_requested")).all()
    (deadline,) = of_kind(city, Kind.APPROVAL)
    assert set(deadline.responsible) == set(asked)
    assert city.head.id not in asked


@pytest.mark.parametrize("with_head_above", [True, False])
@pytest.mark.parametrize("deputy_only", [True, False])
def test_where_only_somebody_involved_stands_in_the_request_goes_further_up(
    city: City, deputy_only: bool, with_head_above: bool
) -> None:
    """A head who is told beside their deputy still hears of it. The form is for nobody who was involved."""
    head_above = None
    if with_head_above:
        city.unit.parent = add_unit("Ressort")
        head_above = add_account("Ressortleitung", Role.DEPARTMENT_HEAD, unit=city.unit.parent)
    add_absence(city.head, city.lead, TODAY, TODAY, deputy_only=deputy_only)
    add_approval(add_milestone(city.measure, TODAY), city.lead)
    (deadline,) = of_kind(city, Kind.APPROVAL)
    further_up = head_above or city.coordinator
    assert deadline.responsible == ((further_up if deputy_only else city.head).id,)
    assert deadline.recipients[Audience.PROJECT_LEAD] == deadline.responsible
    assert set(deadline.doers) == {city.head.id} | ({head_above.id} if head_above and deputy_only else set())


def test_a_deputy_who_is_away_passes_a_request_on_to_theirs(city: City) -> None:
    """It reaches somebody free at the end of the row, so it stays with the head."""
    add_absence(city.head, city.lead, TODAY, TODAY, deputy_only=True)
    add_absence(city.lead, city.other_lead, TODAY, TODAY)
    add_approval(add_milestone(city.measure, TODAY), city.lead)
    (deadline,) = of_kind(city, Kind.APPROVAL)
    assert deadline.responsible == (city.head.id,)
    assert set(deadline.doers) == {city.head.id, city.other_lead.id}


# -- progress updates ----------------------------------------------------------------------------------------------


def test_a_running_measure_owes_an_update_on_each_period(city: City) -> None:
    deadlines = of_kind(city, Kind.PROGRESS_UPDATE)
    assert [(deadline.subject, deadline.due_on) for deadline in deadlines] == [
        (f"progress:{city.measure.id}/2022-Q3", date(2022, 10, 14)),
        (f"progress:{city.measure.id}/2022-Q4", date(2023, 1, 14)),
        (f"progress:{city.measure.id}/2023-Q1", date(2023, 4, 14)),
    ]
    assert name(deadlines[-1].title) == "Sachstand 1. Quartal 2023"
    assert deadlines[-1].responsible == (city.lead.id,)


def test_no_update_is_owed_on_a_period_before_the_measure_began(city: City) -> None:
    city.measure.starts = PartialDate(2023, 1)
    assert [deadline.due_on for deadline in of_kind(city, Kind.PROGRESS_UPDATE)] == [date(2023, 4, 14)]


@pytest.mark.parametrize(
    ("state", "is_owed"),
    [
        (UpdateState.DRAFT, True),
        (UpdateState.RETURNED, True),
        (UpdateState.SUBMITTED, False),
        (UpdateState.RELEASED, False),
    ],
)
def test_an_update_is_owed_until_it_is_handed_in(city: City, state: UpdateState, is_owed: bool) -> None:
    add_update(city.measure, "2022-Q4", state, city.lead, city.head)
    keys = {deadline.values["period"] for deadline in of_kind(city, Kind.PROGRESS_UPDATE)}
    assert ("2022-Q4" in keys) is is_owed
    assert {"2022-Q3", "2023-Q1"} <= keys


def test_a_measure_that_does_not_run_owes_no_update(city: City) -> None:
    city.measure.status = "approved"
    assert of_kind(city, Kind.PROGRESS_UPDATE) == []


def test_a_longer_time_to_hand_in_is_another_version_of_the_deadline(city: City) -> None:
    before = of_kind(city, Kind.PROGRESS_UPDATE)[-1]
    city.programme.update_due_days = 20
    after = of_kind(city, Kind.PROGRESS_UPDATE)[-1]
    assert before.subject == after.subject
    assert before.version != after.version


# -- obligations ---------------------------------------------------------------------------------------------------


def test_an_obligation_concerns_the_leads_of_all_measures_of_its_grant(city: City) -> None:
    other = add_measure(city.programme, unit=city.other_unit, lead=city.other_lead)
    obligation = add_obligation(city, date(2023, 9, 30), city.measure, other)
    (deadline,) = of_kind(city, Kind.OBLIGATION)
    assert deadline.subject == f"obligation:{obligation.id}"
    assert set(deadline.recipients[Audience.PROJECT_LEAD]) == {city.lead.id, city.other_lead.id}
    assert set(deadline.recipients[Audience.DEPARTMENT_HEAD]) == {city.head.id, city.other_head.id}


def test_an_obligation_without_a_date_is_there_and_says_so(city: City) -> None:
    add_obligation(city, None)
    (deadline,) = of_kind(city, Kind.OBLIGATION)
    assert str(deadline.when(TODAY)) == "Datum fehlt"
    assert deadline.responsible == (city.coordinator.id,)


def test_an_obligation_that_was_met_is_no_deadline(city: City) -> None:
    add_obligation(city, date(2023, 1, 31), done_on=date(2023, 1, 15))
    assert of_kind(city, Kind.OBLIGATION) == []


# -- all kinds -----------------------------------------------------------------------------------------------------


def one_of_each_kind(city: City) -> None:
    add_milestone(city.measure, date(2023, 4, 1))
    add_approval(add_milestone(city.measure, date(2023, 4, 2)), city.lead)
    add_obligation(city, date(2023, 4, 3), city.measure)


FORMS = {
    Kind.MILESTONE: ("milestones.request_approval", {"lead", "coordinator"}),
    Kind.PROGRESS_UPDATE: ("progress.report", {"lead", "coordinator"}),
    Kind.APPROVAL: ("milestones.decide", {"head"}),
    Kind.OBLIGATION: ("grants.show", {"lead", "head", "coordinator", "administrator", "auditor"}),
}


@pytest.mark.parametrize("kind", list(Kind))
def test_each_deadline_leads_everybody_to_a_page_they_may_open_and_those_who_act_to_the_form(
    city: City, client: Client, kind: Kind
) -> None:
    one_of_each_kind(city)
    deadline = of_kind(city, kind)[-1]
    led_to_the_form = set()
    for who in ("lead", "head", "coordinator", "administrator", "auditor"):
        account: Account = getattr(city, who)
        seen = deadline.seen_by(account.id)
        client.sign_in(account)
        assert client.get(absolute_url(seen.endpoint, **seen.values)).status_code == 200, who
        if seen.endpoint == deadline.endpoint:
            led_to_the_form.add(who)
    assert (deadline.endpoint, led_to_the_form) == FORMS[kind]


def test_a_head_who_stands_in_for_a_missing_lead_is_led_to_a_page_they_may_open(city: City, client: Client) -> None:
    city.measure.lead = None
    one_of_each_kind(city)
    client.sign_in(city.head)
    deadlines = queries.list_for_viewer(actor(city.head), TODAY, 45)
    assert len(deadlines) == 6
    for deadline in deadlines:
        assert client.get(absolute_url(deadline.endpoint, **deadline.values)).status_code == 200, deadline.kind


def test_peer_13_the_number_of_queries_does_not_grow_with_what_there_is(
    city: City, count_queries: Callable[[], Any]
) -> None:
    def count() -> int:
        db.session.commit()
        db.session.expire_all()
        programme = db.session.merge(city.programme)
        assert programme.zone
        with count_queries() as seen:
            queries.open_deadlines([programme], TODAY)
        return len(seen)

    one_of_each_kind(city)
    count()  # the rules of a workflow are read once
    few = count()
    for number in range(4):
        unit = add_unit(f"Stelle {number}", parent=add_unit(f"Ressort {number}"))
        add_account(f"Leitung {number}", Role.DEPARTMENT_HEAD, unit=unit)
        measure = add_measure(city.programme, unit=unit, lead=add_account(f"Leitung {number}", Role.PROJECT_LEAD))
        add_milestone(measure, date(2023, 5, 1))
        add_approval(add_milestone(measure, date(2023, 5, 2)), city.lead)
        add_obligation(city, date(2023, 5, 3 + number), measure)
    assert count() == few


def test_the_home_page_lists_what_one_has_to_do_oneself_first(city: City) -> None:
    other = add_measure(city.programme, unit=city.other_unit, lead=city.other_lead, status="approved")
    theirs = add_milestone(other, date(2023, 3, 16))
    mine = add_milestone(city.measure, date(2023, 4, 20))
    city.measure.status = "approved"
    subjects = [deadline.subject for deadline in queries.list_for_viewer(actor(city.lead), TODAY, 45)]
    assert subjects == [f"milestone:{mine.id}", f"milestone:{theirs.id}"]


def test_the_home_page_looks_only_so_far_ahead_and_shows_what_has_no_date(city: City) -> None:
    city.measure.status = "approved"
    add_milestone(city.measure, date(2023, 4, 29))
    add_milestone(city.measure, date(2023, 4, 30))
    add_obligation(city, None, city.measure)
    days = [deadline.due_on for deadline in queries.list_for_viewer(actor(city.lead), TODAY, 45)]
    assert days == [date(2023, 4, 29), None]


def test_a_funder_is_not_shown_the_city_s_deadlines(city: City) -> None:
    add_milestone(city.measure, date(2023, 3, 16))
    assert queries.list_for_viewer(actor(city.funder), TODAY, 45) == []
    assert queries.list_for_viewer(actor(city.auditor), TODAY, 45) != []


def test_subjects_have_names_also_when_they_are_no_longer_open(city: City) -> None:
    one_of_each_kind(city)
    deadlines = queries.open_deadlines([city.programme], TODAY)
    names = queries.names_of([deadline.subject for deadline in deadlines])
    assert {subject: (name(named.title), name(named.context)) for subject, named in names.items()} == {
        deadline.subject: (name(deadline.title), name(deadline.context)) for deadline in deadlines
    }
    assert queries.names_of(["milestone:00000000-0000-0000-0000-000000000000"]) == {}


# -- what waits for a head besides the approval of a milestone --------------------------------------------------


def add_wish(milestone: Milestone, by: Account, requested_at: datetime = SUBMITTED_AT) -> MoveRequest:
    return add(  # type: ignore[no-any-return]
        MoveRequest(
            milestone=milestone,
            to_on=date(2023, 9, 1),
            reason="Lieferung verspätet",
            requested_by=by,
            requested_at=requested_at,
        )
    )


def test_a_wish_to_move_waits_for_the_head_and_the_old_day_still_reminds(city: City) -> None:
    milestone = add_milestone(city.measure, date(2023, 6, 30), title=Localized("Konzept"))
    wish = add_wish(milestone, city.lead)
    (deadline,) = of_kind(city, Kind.APPROVAL)
    assert (deadline.subject, deadline.due_on) == (f"move:{wish.id}", date(2023, 4, 11))
    assert str(deadline.title) == "Verschiebung freigeben: Konzept"
    assert deadline.responsible == (city.head.id,)
    assert [one.due_on for one in of_kind(city, Kind.MILESTONE)] == [date(2023, 6, 30)]
    wish.decision, wish.decided_by, wish.decided_at = Decision.WITHDRAWN, city.lead, NOON
    assert of_kind(city, Kind.APPROVAL) == []


def test_a_report_that_waits_for_its_release_reminds_the_head_and_never_its_author(city: City) -> None:
    update = add_update(city.measure, "2022-Q4", UpdateState.SUBMITTED, city.lead, city.head)
    (deadline,) = of_kind(city, Kind.APPROVAL)
    assert (deadline.subject, deadline.endpoint) == (f"release:{update.id}", "progress.show")
    assert (deadline.responsible, deadline.doers) == ((city.head.id,), {city.head.id})
    update.author = city.head
    (deadline,) = of_kind(city, Kind.APPROVAL)
    assert (deadline.responsible, deadline.doers) == ((city.coordinator.id,), set())


def test_whoever_stands_in_for_the_head_is_led_to_the_form(city: City) -> None:
    milestone = add_milestone(city.measure, date(2023, 6, 30))
    add_approval(milestone, city.lead)
    add_absence(city.head, city.other_head, TODAY, TODAY)
    (deadline,) = of_kind(city, Kind.APPROVAL)
    assert deadline.doers == {city.head.id, city.other_head.id}
    assert deadline.seen_by(city.other_head.id).endpoint == "milestones.decide"
    (later,) = of_kind(city, Kind.APPROVAL, date(2023, 3, 16))
    assert later.doers == {city.head.id}


# -- silence ------------------------------------------------------------------------------------------------------


def silent(city: City, today: date) -> list[Deadline]:
    return [one for one in of_kind(city, Kind.PROGRESS_UPDATE, today) if one.subject.startswith("stale:")]


def test_a_running_measure_on_which_nothing_is_reported_makes_its_own_deadline(city: City) -> None:
    city.programme.stale_days = 100
    add_update(city.measure, "2022-Q4", UpdateState.RELEASED, city.lead, city.head)
    reported_on = NOON.date()
    assert silent(city, reported_on + timedelta(days=99)) == []
    (deadline,) = silent(city, reported_on + timedelta(days=100))
    assert deadline.due_on == reported_on + timedelta(days=100)
    assert str(deadline.title) == "Seit dem 2023-03-15 kein Sachstand gemeldet"
    assert (deadline.responsible, deadline.endpoint) == ((city.lead.id,), "progress.report")


def test_before_the_first_report_silence_begins_when_the_measure_was_entered_or_began(city: City) -> None:
    city.programme.stale_days = 30
    city.measure.entered_on, city.measure.status_since = date(2023, 1, 10), None
    assert [one.due_on for one in silent(city, TODAY)] == [date(2023, 2, 9)]
    city.measure.status_since = datetime(2023, 2, 1, 12, tzinfo=UTC)
    assert [one.due_on for one in silent(city, TODAY)] == [date(2023, 3, 3)]


@pytest.mark.parametrize("change", ["programme", "status"])
def test_silence_is_no_matter_where_it_is_not_asked_for_or_nothing_runs(city: City, change: str) -> None:
    city.programme.stale_days = None if change == "programme" else 1
    city.measure.status = "paused" if change == "status" else "running"
    assert silent(city, TODAY) == []


@pytest.mark.parametrize("reported", [True, False])
def test_before_a_measure_starts_nobody_is_silent_about_it(city: City, reported: bool) -> None:
    city.programme.stale_days = 30
    city.measure.status = "running"
    city.measure.starts = PartialDate(2023, 6)
    if reported:
        add_update(city.measure, "2022-Q4", UpdateState.RELEASED, city.lead, city.head)
    assert silent(city, date(2023, 6, 30)) == []
    (deadline,) = silent(city, date(2023, 7, 1))
    assert deadline.due_on == date(2023, 7, 1)
    assert str(deadline.title) == "Seit dem 2023-06-01 kein Sachstand gemeldet"


def test_only_what_is_due_by_a_day_is_read_and_what_has_no_date_always(city: City) -> None:
    city.measure.status = "approved"
    add_milestone(city.measure, date(2023, 4, 1))
    add_milestone(city.measure, date(2023, 4, 2))
    assert [one.due_on for one in queries.open_deadlines([city.programme], TODAY, date(2023, 4, 1))] == [
        date(2023, 4, 1)
    ]
