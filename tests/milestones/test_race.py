"""Two people at the same moment, on real connections: one succeeds, the other is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from time import sleep
from uuid import UUID

import flask_migrate
import pytest
from flask import Flask
from sqlalchemy import select

from app import create_app
from app.accounts.models import Account
from app.core.database import db
from app.core.errors import Conflict, DomainError, RuleBroken
from app.core.transaction import transaction
from app.measures.models import Measure
from app.milestones import service
from app.milestones.approval import Decision
from app.milestones.models import Approval, Milestone
from app.organisations.permissions import Actor
from tests.conftest import fresh_database, settings_for
from tests.factories import NOON, actor, add_milestone, build_city
from tests.milestones.arrange import LATER, REACHED_ON

Command = Callable[[Milestone], object]


@dataclass(frozen=True)
class Stage:
    """A stored milestone that two people are about to touch."""

    app: Flask
    milestone_id: UUID
    lead: Actor
    coordinator: Actor
    head: Actor

    def both(self, first: Command, second: Command) -> DomainError | None:
        """The second begins while the first has not committed; gives what the second was told."""
        with ThreadPoolExecutor(1) as pool:
            with self.app.app_context(), transaction():
                first(self._milestone())
                db.session.flush()
                answer: Future[DomainError | None] = pool.submit(self._try, second)
                sleep(0.3)
                assert not answer.done(), "the second must have to wait for the first"
            return answer.result(timeout=20)

    def _try(self, command: Command) -> DomainError | None:
        try:
            with self.app.app_context(), transaction():
                command(self._milestone())
        except DomainError as error:
            return error
        return None

    def _milestone(self) -> Milestone:
        return db.session.get_one(Milestone, self.milestone_id)


@pytest.fixture(scope="module")
def database(database_name: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    with fresh_database(f"{database_name}_race") as url:
        app = create_app(settings_for(url, tmp_path_factory.mktemp("race")))
        with app.app_context():
            flask_migrate.upgrade()
            with transaction():
                build_city()
        yield app
        with app.app_context():
            db.engine.dispose()


@pytest.fixture
def stage(database: Flask) -> Stage:
    with database.app_context(), transaction():
        milestone = add_milestone(db.session.scalars(select(Measure)).one(), date(2023, 3, 31))
        people = {account.name.de: actor(account) for account in db.session.scalars(select(Account))}
        return Stage(
            app=database,
            milestone_id=milestone.id,
            lead=people["Projektleitung"],
            coordinator=people["Koordination"],
            head=people["Leitung Digitalisierung"],
        )


def request_by(who: Actor) -> Command:
    return lambda milestone: service.request_approval(
        who, milestone, REACHED_ON, "Läuft", seen_version=milestone.version, now=NOON
    )


def decide_by(who: Actor, decision: Decision) -> Command:
    def command(milestone: Milestone) -> None:
        approval = next(row for row in milestone.approvals if row.decision is None)
        service.decide_approval(who, approval, decision, reason="Darum", now=NOON)

    return command


def move_by(who: Actor) -> Command:
    return lambda milestone: service.move_milestone(
        who, milestone, LATER, "Verzug", seen_version=milestone.version, now=NOON
    )


def decide_move_by(who: Actor, decision: Decision) -> Command:
    def command(milestone: Milestone) -> None:
        wish = next(row for row in milestone.move_requests if row.decision is None)
        service.decide_move(who, wish, decision, reason="Darum", now=NOON)

    return command


def approvals_of(stage: Stage) -> list[Approval]:
    query = select(Approval).where(Approval.milestone_id == stage.milestone_id)
    return list(db.session.scalars(query))


def test_of_two_requests_the_second_is_a_conflict(stage: Stage) -> None:
    told = stage.both(request_by(stage.lead), request_by(stage.coordinator))
    assert isinstance(told, Conflict)
    with stage.app.app_context():
        assert len(approvals_of(stage)) == 1


def test_of_two_decisions_the_second_is_a_conflict(stage: Stage) -> None:
    with stage.app.app_context(), transaction():
        request_by(stage.lead)(db.session.get_one(Milestone, stage.milestone_id))
    told = stage.both(decide_by(stage.head, Decision.APPROVED), decide_by(stage.head, Decision.RETURNED))
    assert isinstance(told, Conflict)
    with stage.app.app_context():
        assert [approval.decision for approval in approvals_of(stage)] == ["approved"]


def test_what_is_asked_for_cannot_be_dropped_at_the_same_moment(stage: Stage) -> None:
    told = stage.both(
        request_by(stage.lead),
        lambda milestone: service.drop_milestone(
            stage.coordinator, milestone, "Nicht gefördert", seen_version=milestone.version, now=NOON
        ),
    )
    assert isinstance(told, RuleBroken)


@pytest.fixture
def promised(stage: Stage) -> Stage:
    with stage.app.app_context(), transaction():
        db.session.get_one(Milestone, stage.milestone_id).funder_relevant = True
    return stage


def test_of_two_wishes_to_move_the_second_is_told(promised: Stage) -> None:
    assert isinstance(promised.both(move_by(promised.lead), move_by(promised.coordinator)), RuleBroken)


@pytest.mark.parametrize(
    "decisions", [(Decision.APPROVED, Decision.RETURNED), (Decision.APPROVED, Decision.APPROVED)]
)
def test_of_two_decisions_on_a_move_the_second_is_a_conflict_and_the_day_moves_once(
    promised: Stage, decisions: tuple[Decision, Decision]
) -> None:
    with promised.app.app_context(), transaction():
        move_by(promised.lead)(db.session.get_one(Milestone, promised.milestone_id))
    first, second = (decide_move_by(promised.head, decision) for decision in decisions)
    assert isinstance(promised.both(first, second), Conflict)
    with promised.app.app_context():
        milestone = db.session.get_one(Milestone, promised.milestone_id)
        assert [wish.decision for wish in milestone.move_requests] == [decisions[0]]
        assert (milestone.planned_on, milestone.due_version, len(milestone.moves)) == (LATER, 2, 1)


def test_a_wish_that_is_withdrawn_at_the_same_moment_is_not_decided(promised: Stage) -> None:
    with promised.app.app_context(), transaction():
        move_by(promised.lead)(db.session.get_one(Milestone, promised.milestone_id))

    def withdraw(milestone: Milestone) -> None:
        service.withdraw_move(promised.lead, milestone.move_requests[0], now=NOON)

    assert isinstance(promised.both(withdraw, decide_move_by(promised.head, Decision.APPROVED)), Conflict)
    with promised.app.app_context():
        assert db.session.get_one(Milestone, promised.milestone_id).due_version == 1


def test_what_is_to_move_is_neither_dropped_nor_called_reached_at_the_same_moment(promised: Stage) -> None:
    def drop(milestone: Milestone) -> None:
        service.drop_milestone(promised.coordinator, milestone, "Weg", seen_version=milestone.version, now=NOON)

    assert isinstance(promised.both(move_by(promised.lead), drop), RuleBroken)
    with promised.app.app_context(), transaction():
        milestone = db.session.get_one(Milestone, promised.milestone_id)
        service.withdraw_move(promised.lead, milestone.move_requests[0], now=NOON)
    assert isinstance(promised.both(move_by(promised.lead), request_by(promised.coordinator)), RuleBroken)


def test_of_two_milestones_of_one_name_the_second_is_a_conflict(stage: Stage) -> None:
    def plan(milestone: Milestone) -> None:
        service.plan_milestone(stage.lead, milestone.measure, f"Neu {milestone.id}", date(2023, 6, 30), now=NOON)

    told = stage.both(plan, plan)
    assert isinstance(told, Conflict)
    assert told.field == "title"
