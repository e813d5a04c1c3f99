"""Absences in the database: who enters them for whom, what is refused, what the log keeps, when a right ends."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from app.accounts.models import Account
from app.core.database import db
from app.core.errors import Conflict, Forbidden, NotFound, RuleBroken
from app.organisations import queries, service
from app.organisations.models import Absence, Membership
from app.organisations.permissions import Permission, Role, allows, decides_for
from app.organisations.queries import actor_for
from tests.factories import NOON, City, actor, add, add_account, add_measure, add_unit
from tests.organisations.arrange import TODAY, away, log_of

FIRST, LAST = date(2023, 4, 3), date(2023, 4, 14)


def enter(city: City, by: Account, account: Account, deputy: Account, **values: object) -> Absence:
    days = {"from_on": FIRST, "until_on": LAST} | values
    return service.enter_absence(actor(by), account, days["from_on"], days["until_on"], deputy.id, now=NOON)  # type: ignore[arg-type]


@pytest.mark.parametrize("who", ["lead", "head", "coordinator", "administrator"])
def test_the_person_their_head_coordination_and_administration_enter_an_absence(city: City, who: str) -> None:
    by = getattr(city, who)
    absence = enter(city, by, city.lead, city.other_lead)
    assert (absence.from_on, absence.until_on, absence.deputy_id) == (FIRST, LAST, city.other_lead.id)
    assert (absence.entered_by_id, absence.entered_at, absence.deputy_only) == (by.id, NOON, False)
    assert log_of(city.lead) == [
        (
            f"Abwesenheit eingetragen: {city.lead.email}",
            {
                "from_on": (None, "2023-04-03"),
                "until_on": (None, "2023-04-14"),
                "deputy": (None, city.other_lead.email),
                "deputy_only": (None, False),
            },
        )
    ]


@pytest.mark.parametrize("who", ["other_lead", "other_head", "auditor", "funder"])
def test_nobody_else_enters_changes_or_ends_an_absence_or_names_a_deputy(city: City, who: str) -> None:
    stranger = getattr(city, who)
    absence = away(city.lead, FIRST, LAST, city.coordinator)
    seen = service.state_of(absence)
    with pytest.raises(Forbidden):
        enter(city, stranger, city.lead, city.coordinator, from_on=LAST + timedelta(1), until_on=LAST + timedelta(2))
    with pytest.raises(Forbidden):
        service.change_absence(
            actor(stranger), absence, FIRST, FIRST, stranger.id, deputy_only=True, seen=seen, now=NOON
        )
    with pytest.raises(Forbidden):
        service.end_absence(actor(stranger), absence, now=NOON)
    with pytest.raises(Forbidden):
        service.name_deputy(actor(stranger), city.lead, stranger.id, now=NOON)
    assert log_of(city.lead) == []


def test_a_funder_has_no_absences_of_their_own(city: City) -> None:
    with pytest.raises(Forbidden):
        enter(city, city.funder, city.funder, city.lead)
    with pytest.raises(RuleBroken, match="keinen Zugang"):
        enter(city, city.coordinator, city.funder, city.lead)


def test_whoever_stands_in_for_a_head_does_not_name_deputies_in_their_place(city: City) -> None:
    away(city.head, TODAY, LAST, city.other_lead, only=True)
    deputy = actor(city.other_lead)
    assert allows(deputy, Permission.DECIDE_MILESTONE, city.measure.scope)
    with pytest.raises(Forbidden):
        service.enter_absence(deputy, city.lead, FIRST, LAST, city.other_lead.id, now=NOON)
    with pytest.raises(Forbidden):
        service.name_deputy(deputy, city.lead, city.other_lead.id, now=NOON)


def test_a_head_cares_for_members_and_leads_of_their_units_and_those_below(city: City) -> None:
    team = add_unit("Team", parent=city.unit)
    team_head = add_account("Teamleitung", Role.DEPARTMENT_HEAD, unit=team)
    team_lead = add_account("Teamprojekt", Role.PROJECT_LEAD)
    add_measure(city.programme, unit=team, lead=team_lead)
    add_measure(city.programme, unit=city.other_unit, lead=city.other_lead)
    assert queries.people_of_headed_units(actor(city.head)) == {
        city.head.id,
        city.lead.id,
        team_head.id,
        team_lead.id,
    }
    assert queries.people_of_headed_units(actor(team_head)) == {team_head.id, team_lead.id}
    assert [account.id for account in queries.list_in_care(actor(team_head))] == [team_lead.id]
    assert queries.list_in_care(actor(city.lead)) == []
    everybody = {account.id for account in queries.list_staff()}
    assert {account.id for account in queries.list_in_care(actor(city.coordinator))} == everybody - {
        city.coordinator.id
    }


def test_only_those_who_act_for_the_city_stand_in(city: City) -> None:
    both = add_account("Beides", Role.PROJECT_LEAD)
    add(Membership(account_id=both.id, role=Role.FUNDER, organisation=city.funder_organisation))
    city.other_head.active = False
    nobody = add_account("Ohne Rolle")
    assert {account.id for account in queries.list_possible_deputies()} == {
        city.administrator.id,
        city.coordinator.id,
        city.lead.id,
        city.other_lead.id,
        city.head.id,
    }
    for deputy in (both, city.other_head, nobody, city.funder, city.auditor, city.lead):
        with pytest.raises(RuleBroken) as refused:
            enter(city, city.lead, city.lead, deputy)
        assert refused.value.field == "deputy"
        with pytest.raises(RuleBroken):
            service.name_deputy(actor(city.lead), city.lead, deputy.id, now=NOON)


def test_absences_of_a_person_do_not_overlap(city: City) -> None:
    away(city.other_lead, FIRST, LAST, city.lead)
    away(city.lead, FIRST, LAST, city.head)
    with pytest.raises(RuleBroken, match="vom 2023-04-03 bis 2023-04-14"):
        enter(city, city.lead, city.lead, city.head, from_on=LAST, until_on=LAST)
    enter(city, city.lead, city.lead, city.head, from_on=LAST + timedelta(1), until_on=LAST + timedelta(1))


def test_a_deputy_who_is_away_too_is_refused_only_for_the_whole_time(city: City) -> None:
    away(city.head, FIRST, LAST, city.coordinator)
    with pytest.raises(RuleBroken, match="selbst abwesend"):
        enter(city, city.lead, city.lead, city.head, from_on=FIRST + timedelta(1))
    enter(city, city.lead, city.lead, city.head, until_on=LAST + timedelta(1))


def test_an_absence_is_changed_and_the_log_says_from_what(city: City) -> None:
    absence = away(city.lead, FIRST, LAST, city.head)
    seen = service.state_of(absence)
    service.change_absence(
        actor(city.lead), absence, FIRST, FIRST, city.other_head.id, deputy_only=True, seen=seen, now=NOON
    )
    assert (absence.until_on, absence.deputy, absence.deputy_only) == (FIRST, city.other_head, True)
    assert log_of(city.lead) == [
        (
            f"Abwesenheit geändert: {city.lead.email}",
            {
                "until_on": ("2023-04-14", "2023-04-03"),
                "deputy": (city.head.email, city.other_head.email),
                "deputy_only": (False, True),
            },
        )
    ]
    with pytest.raises(Conflict, match="inzwischen jemand geändert"):
        service.change_absence(
            actor(city.head), absence, FIRST, LAST, city.head.id, deputy_only=False, seen=seen, now=NOON
        )
    service.change_absence(
        actor(city.head),
        absence,
        FIRST,
        FIRST,
        city.other_head.id,
        deputy_only=True,
        seen=service.state_of(absence),
        now=NOON,
    )
    assert len(log_of(city.lead)) == 1, "nothing changed, nothing to say"


def test_what_is_over_neither_changes_nor_ends(city: City) -> None:
    absence = away(city.lead, TODAY - timedelta(9), TODAY - timedelta(1), city.head)
    seen = service.state_of(absence)
    with pytest.raises(Conflict, match="vorbei"):
        service.end_absence(actor(city.lead), absence, now=NOON)
    with pytest.raises(Conflict, match="vorbei"):
        service.change_absence(
            actor(city.lead), absence, TODAY, LAST, city.head.id, deputy_only=False, seen=seen, now=NOON
        )


@pytest.mark.parametrize(("begun", "left"), [(-2, -1), (0, None), (4, None)])
def test_whoever_is_back_was_away_until_yesterday(city: City, begun: int, left: int | None) -> None:
    absence = away(city.lead, TODAY + timedelta(begun), LAST, city.head)
    assert service.end_absence(actor(city.head), absence, now=NOON) is (left is not None)
    db.session.flush()
    rows = queries.list_absences(city.lead.id)
    (line,) = log_of(city.lead)
    if left is None:
        assert rows == []
        assert line[0] == f"Abwesenheit gelöscht: {city.lead.email}"
        assert line[1]["deputy"] == (city.head.email, None)
    else:
        assert [row.until_on for row in rows] == [TODAY + timedelta(left)]
        assert line == (f"Abwesenheit beendet: {city.lead.email}", {"until_on": ("2023-04-14", "2023-03-14")})
    assert city.lead.id not in queries.away_on(TODAY)


@pytest.mark.parametrize("who", ["lead", "head", "coordinator", "administrator"])
def test_a_standing_deputy_is_named_and_taken_back(city: City, who: str) -> None:
    by = actor(getattr(city, who))
    service.name_deputy(by, city.lead, city.other_lead.id, now=NOON)
    assert city.lead.deputy == city.other_lead
    service.name_deputy(by, city.lead, city.other_lead.id, now=NOON)
    service.name_deputy(by, city.lead, None, now=NOON)
    assert city.lead.deputy_id is None
    what = f"Ständige Vertretung festgelegt: {city.lead.email}"
    assert log_of(city.lead) == [
        (what, {"standing_deputy": (None, city.other_lead.email)}),
        (what, {"standing_deputy": (city.other_lead.email, None)}),
    ]


def test_an_absence_is_seen_by_the_person_the_deputy_and_whoever_may_enter_it(city: City) -> None:
    absence = away(city.lead, FIRST, LAST, city.other_lead)
    for who in (city.lead, city.other_lead, city.head, city.coordinator, city.administrator):
        assert queries.get_absence(actor(who), absence.id) is absence
    for who in (city.other_head, city.auditor, city.funder):
        with pytest.raises(NotFound):
            queries.get_absence(actor(who), absence.id)


def test_an_absence_of_a_closed_account_can_still_be_ended(city: City) -> None:
    absence = away(city.lead, TODAY, LAST, city.head)
    city.lead.active = False
    service.end_absence(actor(city.coordinator), absence, now=NOON)
    with pytest.raises(RuleBroken, match="keinen Zugang"):
        enter(city, city.coordinator, city.lead, city.head)


# -- the right to approve


def may_approve(city: City, account: Account, day: date) -> bool:
    db.session.flush()
    return allows(actor_for(account, day), Permission.DECIDE_MILESTONE, city.measure.scope)


def test_the_right_to_approve_begins_on_the_first_day_and_is_gone_after_the_last(city: City) -> None:
    enter(city, city.head, city.head, city.other_lead)
    rights = {
        day: may_approve(city, city.other_lead, day)
        for day in (FIRST - timedelta(1), FIRST, LAST, LAST + timedelta(1))
    }
    assert list(rights.values()) == [False, True, True, False]
    assert decides_for(actor_for(city.other_lead, LAST), city.measure.scope) == city.head.id
    assert may_approve(city, city.head, FIRST), "whoever is away keeps their own right"


def test_coming_back_early_ends_the_right_at_once(city: City) -> None:
    absence = away(city.head, TODAY - timedelta(3), LAST, city.other_lead)
    assert may_approve(city, city.other_lead, TODAY)
    service.end_absence(actor(city.head), absence, now=NOON)
    assert not may_approve(city, city.other_lead, TODAY)


def test_a_deputy_who_is_away_passes_the_right_on(city: City) -> None:
    away(city.head, FIRST, LAST, city.other_head, only=True)
    away(city.other_head, FIRST + timedelta(2), LAST, city.other_lead, only=True)
    assert may_approve(city, city.other_head, FIRST)
    assert not may_approve(city, city.other_lead, FIRST)
    assert not may_approve(city, city.other_head, FIRST + timedelta(2))
    assert may_approve(city, city.other_lead, FIRST + timedelta(2))


def test_two_who_stand_in_for_each_other_decide_for_themselves_only(city: City) -> None:
    away(city.head, FIRST, LAST, city.other_head, only=True)
    away(city.other_head, FIRST, LAST, city.head, only=True)
    assert may_approve(city, city.head, FIRST)
    assert not may_approve(city, city.other_head, FIRST)


def test_a_deputy_whose_account_is_closed_stands_in_for_nobody(city: City) -> None:
    away(city.head, FIRST, LAST, city.other_lead)
    service.set_active(actor(city.administrator), city.other_lead, False, now=NOON)
    assert not may_approve(city, city.other_lead, FIRST)
    assert queries.away_on(FIRST) == {}


# -- who relies on somebody


def test_those_who_rely_on_a_deputy_are_listed_while_their_absence_lasts(city: City) -> None:
    later = away(city.head, FIRST, LAST, city.other_lead)
    running = away(city.lead, TODAY - timedelta(1), TODAY, city.other_lead)
    away(city.other_head, TODAY - timedelta(3), TODAY - timedelta(1), city.other_lead)
    service.name_deputy(actor(city.auditor), city.auditor, city.other_lead.id, now=NOON)
    reliance = queries.reliances(TODAY)[city.other_lead.id]
    assert reliance.absences == (running, later)
    assert reliance.people == (city.auditor,)
    assert set(queries.reliances(TODAY)) == {city.other_lead.id}
