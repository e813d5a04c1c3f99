"""Measures move to a newer version of their workflow: what is written, the pages, the command."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.audit.models import AuditEvent
from app.core import transaction
from app.core.database import db
from app.core.errors import Conflict, Forbidden, RuleBroken
from app.measures import migration, queries, service
from app.measures.migration import Plan
from app.measures.models import Measure, StatusChange
from app.organisations.permissions import Actor, Role, system
from app.programmes.models import Programme, Workflow
from tests.conftest import Client
from tests.factories import NOON, WORKFLOW, City, actor, add, add_account, add_measure, add_programme
from tests.measures.arrange import follow

LATER = datetime(2023, 3, 16, 9, tzinfo=UTC)


def without(status: str) -> dict[str, Any]:
    """The workflow of the small city without one status and the steps that touch it."""
    definition = deepcopy(WORKFLOW)
    definition["statuses"] = [row for row in definition["statuses"] if row["key"] != status]
    definition["transitions"] = [row for row in definition["transitions"] if status not in (row["from"], row["to"])]
    return definition


def renamed(status: str, label: str) -> dict[str, Any]:
    definition = deepcopy(WORKFLOW)
    for row in definition["statuses"]:
        if row["key"] == status:
            row["label"] = {"de": label, "en": label}
    return definition


def publish(programme: Programme, definition: dict[str, Any]) -> Workflow:
    version = programme.workflows[-1].version + 1
    row: Workflow = add(Workflow(programme=programme, version=version, definition=definition, published_at=NOON))
    return row


def migrate(who: Actor, target: Workflow, *mapped: tuple[str, str], now: datetime = LATER) -> Plan:
    plan = queries.migration_plan(queries.list_to_migrate(target.programme), target, mapped)
    done = service.migrate_measures(who, target, mapped, seen=migration.fingerprint(plan), now=now)
    db.session.commit()
    return done


def log_of(thing: Measure | Programme) -> list[AuditEvent]:
    query = select(AuditEvent).where(AuditEvent.scope_id == thing.id).order_by(AuditEvent.id)
    return list(db.session.scalars(query))


# -- what is written


def test_a_measure_follows_the_new_version_and_the_log_says_who_did_it(city: City) -> None:
    target = publish(city.programme, without("paused"))
    measure = add_measure(city.programme, status="paused", workflow=city.programme.workflows[0], status_since=NOON)
    seen = measure.version
    migrate(actor(city.coordinator), target, ("paused", "running"))
    assert (measure.workflow, measure.status, measure.status_since) == (target, "running", LATER)
    assert measure.version == seen + 1
    (change,) = measure.status_changes
    assert (change.from_workflow, change.workflow) == (city.programme.workflows[0], target)
    assert (change.from_status, change.to_status, change.changed_at) == ("paused", "running", LATER)
    assert (change.changed_by_id, change.note) == (city.coordinator.id, "Auf Version 2 des Ablaufs umgestellt")
    (line,) = log_of(measure)
    assert (line.actor_name, line.what, line.what_params) == (
        "Koordination",
        "Auf Version %(version)s des Ablaufs umgestellt",
        {"version": 2},
    )
    assert line.changes == [
        {"field": "version", "from": 1, "to": 2},
        {"field": "status", "from": "Pausiert", "to": "In Umsetzung"},
    ]


def test_the_programme_gets_one_line_for_all_of_them(city: City) -> None:
    add_measure(city.programme)
    target = publish(city.programme, WORKFLOW)
    migrate(actor(city.coordinator), target)
    (line,) = log_of(city.programme)
    assert line.what == "Maßnahmen auf Version %(version)s des Ablaufs umgestellt: %(n)s"
    assert line.what_params == {"version": 2, "n": 2}


def test_where_the_status_stays_as_it_is_no_change_of_status_is_recorded(city: City) -> None:
    city.measure.status_since = NOON
    migrate(actor(city.coordinator), publish(city.programme, WORKFLOW))
    assert city.measure.workflow.version == 2
    assert city.measure.status_since == NOON
    assert city.measure.status_changes == []
    assert log_of(city.measure)[0].changes == [{"field": "version", "from": 1, "to": 2}]


def test_a_status_called_something_else_is_a_change_of_words_but_not_of_its_day(city: City) -> None:
    city.measure.status_since = NOON
    migrate(actor(city.coordinator), publish(city.programme, renamed("running", "In Arbeit")))
    (change,) = city.measure.status_changes
    before = change.before
    assert before
    assert (str(before.label), str(change.after.label)) == ("In Umsetzung", "In Arbeit")
    assert city.measure.status_since == NOON


def test_an_unknown_status_stays_unknown(city: City) -> None:
    measure = add_measure(city.programme, status=None)
    migrate(actor(city.coordinator), publish(city.programme, without("paused")))
    assert (measure.workflow.version, measure.status, measure.status_changes) == (2, None, [])


def test_what_a_measure_keeps_is_kept_also_where_the_new_version_does_not_ask_for_it(city: City) -> None:
    city.measure.record = {"result": "Strecke eröffnet"}
    definition = without("done")
    definition["fields"] = []
    definition["transitions"] = [row for row in definition["transitions"] if not row.get("fields")]
    migrate(actor(city.coordinator), publish(city.programme, definition))
    assert city.measure.record == {"result": "Strecke eröffnet"}


def test_measures_of_other_programmes_stay_where_they_are(city: City) -> None:
    other = add_measure(add_programme())
    migrate(actor(city.coordinator), publish(city.programme, WORKFLOW))
    assert other.workflow.version == 1
    assert log_of(other) == []


def test_a_second_time_nothing_is_left_to_do_and_nothing_is_written(city: City) -> None:
    target = publish(city.programme, WORKFLOW)
    migrate(actor(city.coordinator), target)
    again = migrate(actor(city.coordinator), target)
    assert again.moving == ()
    assert len(log_of(city.measure)) == len(log_of(city.programme)) == 1


def nothing_happened(city: City, *measures: Measure) -> None:
    for measure in (city.measure, *measures):
        db.session.refresh(measure)
        assert measure.workflow.version == 1
        assert log_of(measure) == []
    assert log_of(city.programme) == []
    assert db.session.scalars(select(StatusChange)).all() == []


def test_a_status_without_a_follower_moves_nobody(city: City) -> None:
    paused = add_measure(city.programme, status="paused")
    target = publish(city.programme, without("paused"))
    with pytest.raises(RuleBroken, match=r"1 Maßnahme steht in „Pausiert“ \(paused\)"):
        migrate(actor(city.coordinator), target)
    nothing_happened(city, paused)


def test_there_is_no_way_back(city: City) -> None:
    old = publish(city.programme, WORKFLOW)
    migrate(actor(city.coordinator), publish(city.programme, WORKFLOW))
    with pytest.raises(RuleBroken, match="Zurück geht es nur mit einer neuen Version"):
        migrate(actor(city.coordinator), old)
    assert city.measure.workflow.version == 3


@pytest.mark.parametrize("who", ["lead", "head", "administrator", "funder", "auditor"])
def test_only_coordinators_move_measures(city: City, who: str) -> None:
    target = publish(city.programme, WORKFLOW)
    with pytest.raises(Forbidden):
        migrate(actor(getattr(city, who)), target)
    nothing_happened(city)


def test_the_shell_of_the_server_may_do_it_and_is_named(city: City) -> None:
    migrate(system("flask programmes migrate"), publish(city.programme, WORKFLOW))
    (line,) = log_of(city.measure)
    assert (line.actor_id, line.actor_name) == (None, "flask programmes migrate")


def test_a_plan_that_is_no_longer_the_one_that_was_shown_is_refused(city: City) -> None:
    target = publish(city.programme, WORKFLOW)
    shown = queries.migration_plan(queries.list_to_migrate(city.programme), target, ())
    city.measure.status = "paused"
    db.session.commit()
    with pytest.raises(Conflict):
        service.migrate_measures(actor(city.coordinator), target, (), seen=migration.fingerprint(shown), now=LATER)
    nothing_happened(city)


def test_a_failure_on_the_way_takes_everything_back(city: City) -> None:
    paused = add_measure(city.programme, status="paused")
    target = publish(city.programme, without("paused"))
    db.session.commit()
    nobody = Actor(account_id=uuid4(), name="Wer?", roles=frozenset({Role.COORDINATOR}))
    with pytest.raises(IntegrityError), transaction.transaction():
        migrate(nobody, target, ("paused", "running"))
    nothing_happened(city, paused)


def test_the_measures_are_held_in_one_order_until_the_commit(city: City, count_queries: Callable[[], Any]) -> None:
    target = publish(city.programme, WORKFLOW)
    with count_queries() as sent:
        migrate(actor(city.coordinator), target)
    (holding,) = [statement for statement in sent if "FOR UPDATE" in statement]
    assert holding.endswith("ORDER BY measure.id FOR UPDATE OF measure")


# -- four eyes


def step(city: City, who: Any, **values: Any) -> None:
    taken = {"from_status": "approved", "to_status": "running", "changed_at": NOON, "changed_by_id": who.id}
    add(StatusChange(measure=city.measure, workflow=city.measure.workflow, **(taken | values)))


def test_who_took_the_last_step_is_still_involved_after_a_move_and_who_only_renamed_is_not(city: City) -> None:
    step(city, city.lead)
    migrate(actor(city.coordinator), publish(city.programme, renamed("running", "In Arbeit")))
    db.session.expire_all()
    assert queries.involved_ids(city.measure) == {city.lead.id}


def test_who_changed_the_status_by_a_move_is_involved_beside_who_took_the_step(city: City) -> None:
    step(city, city.lead)
    migrate(actor(city.coordinator), publish(city.programme, without("running")), ("running", "paused"))
    db.session.expire_all()
    assert queries.involved_ids(city.measure) == {city.lead.id, city.coordinator.id}


def test_a_move_frees_nobody_though_the_clock_of_a_trial_ran_backwards(city: City) -> None:
    """The day of a trial stands still while its time of day goes on: the step after midnight and
    the move have earlier times than the step before."""
    step(city, city.head, changed_at=NOON + timedelta(hours=11))
    step(city, city.lead, from_status="running", to_status="paused", changed_at=NOON - timedelta(hours=11))
    city.measure.status, city.measure.status_since = "paused", NOON - timedelta(hours=11)
    target = publish(city.programme, without("paused"))
    migrate(actor(city.coordinator), target, ("paused", "running"), now=NOON - timedelta(hours=10))
    db.session.expire_all()
    assert queries.involved_ids(city.measure) == {city.lead.id, city.coordinator.id}


def test_a_move_by_the_shell_frees_nobody_from_four_eyes(city: City) -> None:
    step(city, city.lead)
    migrate(system("flask programmes migrate"), publish(city.programme, without("running")), ("running", "paused"))
    db.session.expire_all()
    assert queries.involved_ids(city.measure) == {city.lead.id}


# -- those who are at work meanwhile


def typed(city: City, seen: int, note: str = "Mein langer Grund") -> dict[str, str]:
    return {"version": str(seen), "note": note, "record_look_again_on": "2023-05-01"}


def test_a_new_version_disturbs_nobody_before_the_move(client: Client, city: City) -> None:
    client.sign_in(city.head)
    address, seen = f"/measures/{city.measure.id}/status/pause", city.measure.version
    publish(city.programme, without("paused"))
    assert client.get(address).status_code == 200
    assert client.post(address, data=typed(city, seen)).status_code == 302
    db.session.refresh(city.measure)
    assert (city.measure.status, city.measure.workflow.version) == ("paused", 1)


def test_an_open_form_of_a_moved_measure_is_refused_and_keeps_what_was_typed(client: Client, city: City) -> None:
    seen = city.measure.version
    migrate(actor(city.coordinator), publish(city.programme, WORKFLOW))
    client.sign_in(city.head)
    answer = client.post(f"/measures/{city.measure.id}/status/pause", data=typed(city, seen))
    assert answer.status_code == 409
    assert "Mein langer Grund" in answer.text
    db.session.refresh(city.measure)
    assert city.measure.status == "running"


def test_an_open_form_of_a_step_that_is_gone_is_refused_and_keeps_what_was_typed(client: Client, city: City) -> None:
    seen = city.measure.version
    migrate(actor(city.coordinator), publish(city.programme, without("paused")))
    client.sign_in(city.head)
    answer = client.post(f"/measures/{city.measure.id}/status/pause", data=typed(city, seen))
    assert answer.status_code == 409
    assert "Mein langer Grund" in answer.text
    assert "folgt inzwischen Version 2 des Ablaufs" in answer.text


# -- the page


def address(city: City, version: int = 2) -> str:
    return f"/measures/migration/{city.programme.key}/{version}"


def seen_in(page: str) -> str:
    found = re.search(r'name="seen" value="([0-9a-f]{64})"', page)
    assert found, "the button carries the plan that was seen"
    return found[1]


def chosen(page: str, name: str) -> list[str]:
    select_box = re.search(rf'<select[^>]*name="{name}".*?</select>', page, re.S)
    assert select_box
    return re.findall(r'<option selected value="([^"]*)"', select_box[0])


@pytest.fixture
def moving(client: Client, city: City) -> Measure:
    """A paused measure, a version without that status, and a coordinator who is signed in."""
    paused = add_measure(city.programme, status="paused")
    publish(city.programme, without("paused"))
    client.sign_in(city.coordinator)
    return paused


def test_the_page_asks_what_follows_each_status_in_use_and_chooses_namesakes(
    client: Client, city: City, moving: Measure
) -> None:
    page = client.get(address(city)).text
    assert chosen(page, "follower_running") == ["running"]
    assert chosen(page, "follower_paused") == [""]
    assert "follower_done" not in page
    assert "Jetzt umstellen" not in page
    numbers = re.findall(r"<dt>(.*?)</dt>\s*<dd>(.*?)</dd>", re.sub(r"\s+", " ", page))
    assert [(version, number.strip()) for version, number in numbers] == [
        ("Version 1", "2 Maßnahmen"),
        ("Version 2", "keine Maßnahme"),
    ]


def test_the_dry_run_shows_every_measure_with_its_fate_and_changes_nothing(
    client: Client, city: City, moving: Measure
) -> None:
    answer = client.post(address(city), data={"follower_running": "running", "follower_paused": "stopped"})
    assert answer.status_code == 200
    for measure in (city.measure, moving):
        assert f'href="/measures/{measure.id}"' in answer.text
    assert "Bedeutung ruht → beendet ohne Ergebnis." in answer.text
    assert "Nicht mehr möglich: Pausieren." in answer.text
    assert chosen(answer.text, "follower_paused") == ["stopped"]
    nothing_happened(city, moving)


def test_what_was_seen_is_done_and_the_list_shows_it(client: Client, city: City, moving: Measure) -> None:
    data = {"follower_running": "running", "follower_paused": "running"}
    page = client.post(address(city), data=data).text
    answer = client.post(address(city), data=data | {"seen": seen_in(page)})
    assert (answer.status_code, answer.location) == (302, f"/measures?programme={city.programme.key}")
    assert "2 Maßnahmen folgen jetzt Version 2 des Ablaufs." in client.get(answer.location).text
    db.session.refresh(moving)
    assert (moving.status, moving.workflow.version) == ("running", 2)
    assert "Nichts umzustellen" in client.get(address(city)).text


@pytest.mark.parametrize("paused", ["", "flying", "paused", "\x00", "x" * 10_000])
def test_a_status_nobody_chose_a_follower_for_is_asked_for_and_the_rest_stays(
    client: Client, city: City, moving: Measure, paused: str
) -> None:
    answer = client.post(address(city), data={"follower_running": "approved", "follower_paused": paused})
    assert answer.status_code == 422
    assert 'id="follower_paused-error"' in answer.text
    assert chosen(answer.text, "follower_running") == ["approved"]
    assert "Jetzt umstellen" not in answer.text
    nothing_happened(city, moving)


def test_whoever_was_overtaken_sees_the_new_plan_and_nothing_has_moved(
    client: Client, city: City, moving: Measure
) -> None:
    data = {"follower_running": "running", "follower_paused": "stopped"}
    first = seen_in(client.post(address(city), data=data).text)
    city.measure.status = "done"
    db.session.commit()
    answer = client.post(address(city), data=data | {"follower_done": "done", "seen": first})
    assert answer.status_code == 409
    assert "Es wurde nichts umgestellt" in answer.text
    assert "Umgesetzt" in answer.text
    nothing_happened(city, moving)
    again = client.post(address(city), data=data | {"follower_done": "done", "seen": seen_in(answer.text)})
    assert again.status_code == 302


def test_a_plan_nobody_saw_is_not_carried_out(client: Client, city: City, moving: Measure) -> None:
    data = {"follower_running": "running", "follower_paused": "stopped"}
    assert client.post(address(city), data=data | {"seen": "made up"}).status_code == 409
    nothing_happened(city, moving)


def test_the_page_of_an_older_version_says_that_there_is_no_way_back(client: Client, city: City) -> None:
    publish(city.programme, WORKFLOW)
    migrate(actor(city.coordinator), publish(city.programme, WORKFLOW))
    client.sign_in(city.coordinator)
    page = client.get(address(city)).text
    assert "Zurück geht es nur mit einer neuen Version." in page
    assert "Probelauf ansehen" not in page
    assert client.post(address(city), data={"seen": "x"}).status_code == 422


@pytest.mark.parametrize(
    ("who", "status"),
    [("coordinator", 200), ("administrator", 403), ("lead", 403), ("head", 403), ("funder", 403), ("auditor", 403)],
)
def test_the_page_is_for_coordinators(client: Client, city: City, who: str, status: int) -> None:
    client.sign_in(getattr(city, who))
    assert client.get(address(city, 1)).status_code == status
    assert client.post(address(city, 1)).status_code == status


@pytest.mark.parametrize("path", ["x/1", "{key}/2", "{key}/0", "{key}/99999999999999999999", "{key}/-1", "{key}/x"])
def test_a_version_that_was_never_published_is_not_found(client: Client, city: City, path: str) -> None:
    client.sign_in(city.coordinator)
    assert client.get(f"/measures/migration/{path.format(key=city.programme.key)}").status_code == 404


def test_the_page_does_not_ask_the_database_for_each_measure(
    client: Client, city: City, moving: Measure, count_queries: Callable[[], Any]
) -> None:
    data = {"follower_running": "running", "follower_paused": "stopped"}
    asked = []
    for _more in range(2):
        for number in range(5):
            lead = add_account(f"Leitung {_more} {number}")
            add_measure(city.programme, unit=city.unit, lead=lead, workflow=city.programme.workflows[0])
        with count_queries() as found:
            assert client.post(address(city), data=data).status_code == 200
        asked.append(len(found))
    assert asked[0] == asked[1]


# -- the command


def run(app: Flask, *words: str) -> tuple[int, str]:
    db.session.commit()
    result = app.test_cli_runner().invoke(args=["programmes", "migrate", *words])
    return result.exit_code, result.output


def test_the_command_tells_the_fate_of_every_measure_and_does_it(app: Flask, city: City, moving: Measure) -> None:
    code, said = run(app, city.programme.key, "--to", "2", "--map", "paused=stopped")
    assert code == 0
    assert f"{city.measure.key} „{city.measure.name}“: 1 → 2, In Umsetzung → In Umsetzung" in said
    assert f"{moving.key} „{moving.name}“: 1 → 2, Pausiert → Abgebrochen" in said
    assert said.splitlines()[-1] == "2 Maßnahmen folgen jetzt Version 2."
    db.session.refresh(moving)
    assert (moving.status, moving.workflow.version) == ("stopped", 2)
    assert {line.actor_name for line in log_of(moving)} == {"flask programmes migrate"}
    code, said = run(app, city.programme.key, "--to", "2")
    assert (code, said.splitlines()[-1]) == (
        0,
        "Nichts umzustellen: Keine Maßnahme folgt einer früheren Version.",
    )


def test_a_dry_run_of_the_command_says_the_same_and_changes_nothing(app: Flask, city: City, moving: Measure) -> None:
    words = (city.programme.key, "--to", "2", "--map", "paused=stopped")
    code, said = run(app, *words, "--dry-run")
    assert code == 0
    nothing_happened(city, moving)
    assert said.splitlines()[-1] == "Das war eine Probe: Es wurde nichts geschrieben."
    assert run(app, *words)[1].splitlines()[:-1] == said.splitlines()[:-1]


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_a_blocked_command_names_the_status_and_the_way_out_and_changes_nothing(
    app: Flask, city: City, moving: Measure, more: tuple[str, ...]
) -> None:
    code, said = run(app, city.programme.key, "--to", "2", *more)
    assert code == 1
    assert "1 Maßnahme steht in „Pausiert“ (paused)" in said
    assert "Zuordnen mit --map paused=… Möglich sind: approved, running, done, stopped." in said
    assert said.splitlines()[-1] == "Es wurde nichts umgestellt."
    nothing_happened(city, moving)


def test_the_command_answers_machines(app: Flask, city: City, moving: Measure) -> None:
    code, said = run(app, city.programme.key, "--to", "2", "--json")
    told = json.loads(said)
    assert (code, told["is_blocked"], told["version"]) == (1, True, 2)
    assert [one["status"] for one in told["obstacles"]] == ["paused"]
    code, said = run(app, city.programme.key, "--to", "2", "--map", "paused=stopped", "--json", "--dry-run")
    told = json.loads(said)
    assert (code, told["is_blocked"], told["dry_run"], told["obstacles"]) == (0, False, True, [])
    assert {one["key"]: (one["outcome"], one["from_status"], one["to_status"]) for one in told["measures"]} == {
        city.measure.key: ("moves", "running", "running"),
        moving.key: ("moves", "paused", "stopped"),
    }


def test_the_command_can_be_run_as_a_coordinator_and_as_nobody_else(app: Flask, city: City) -> None:
    publish(city.programme, WORKFLOW)
    for email in (city.lead.email, city.administrator.email, "niemand@musterstadt.example"):
        for more in ((), ("--dry-run",)):
            code, said = run(app, city.programme.key, "--to", "2", "--as", email, *more)
            assert code == 1
            assert "Traceback" not in said
    nothing_happened(city)
    code, _said = run(app, city.programme.key, "--to", "2", "--as", city.coordinator.email.upper())
    assert code == 0
    line = log_of(city.measure)[0]
    assert (line.actor_id, line.actor_name) == (city.coordinator.id, "Koordination (flask programmes migrate)")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere", "--to", "2"], "Dieses Programm gibt es nicht"),
        (["{key}", "--to", "7"], "Diese Version des Ablaufs gibt es nicht"),
        (["{key}", "--to", "x"], "--to"),
        (["{key}", "--to", "1", "--map", "running"], "ist keine Zuordnung"),
        (["{key}", "--to", "1", "--map", "=running"], "ist keine Zuordnung"),
        (["{key}", "--to", "1", "--map", "a=b"], "Den Status „a“ gibt es in keiner Version vor 1"),
    ],
)
def test_bad_words_are_answered_with_a_sentence(app: Flask, city: City, words: list[str], message: str) -> None:
    code, said = run(app, *(word.format(key=city.programme.key) for word in words))
    assert code != 0
    assert message in said
    assert "Traceback" not in said


def test_what_was_typed_into_a_field_that_is_gone_is_shown_for_copying(client: Client, city: City) -> None:
    measure = city.measure
    follow(measure, rules=[])
    seen = measure.version
    follow(measure, rules=[{"field": "partners", "rule": "read_only", "roles": ["project_lead"]}])
    client.sign_in(city.lead)
    data = {"version": str(seen), "title": "Neuer Titel", "partners": "Verein der Freunde"}
    answer = client.post(f"/measures/{measure.id}/edit", data=data)
    assert answer.status_code == 409
    assert "Diese Eingaben haben hier keinen Platz mehr" in answer.text
    assert "Verein der Freunde" in answer.text
    fresh = client.get(f"/measures/{measure.id}/edit").text
    assert "keinen Platz mehr" not in fresh


def test_an_old_address_of_a_step_leads_to_the_measure_and_says_why(client: Client, city: City) -> None:
    city.measure.status = "paused"
    client.sign_in(city.head)
    answer = client.get(f"/measures/{city.measure.id}/status/stop", follow_redirects=True)
    assert answer.request.path == f"/measures/{city.measure.id}"
    assert "Der Status wurde inzwischen geändert" in answer.text


def test_the_reason_of_a_move_stands_in_the_log_at_every_measure(client: Client, city: City, moving: Measure) -> None:
    client.sign_in(city.coordinator)
    chosen_ones = {"follower_running": "running", "follower_paused": "running"}
    page = client.post(address(city), data=chosen_ones).text
    more = {"seen": seen_in(page), "note": "Beschluss der Lenkungsrunde"}
    assert client.post(address(city), data=chosen_ones | more).status_code == 302
    assert log_of(moving)[-1].reason == "Beschluss der Lenkungsrunde"
    assert log_of(city.programme)[-1].reason == "Beschluss der Lenkungsrunde"
