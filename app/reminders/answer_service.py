"""Answers that come from a reminder mail: in the name of whom the link is for, with the rights they have today."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select

from app.accounts.models import Account
from app.accounts.queries import find_any
from app.core.clock import day_of
from app.core.database import db
from app.core.errors import Conflict, NotFound
from app.core.text import text
from app.milestones import approval
from app.milestones import service as milestones
from app.milestones.models import Milestone
from app.milestones.queries import find_open_move
from app.organisations.permissions import Actor, Permission, allows
from app.reminders import answers
from app.reminders.answers import ANSWER_NAMES, Answer
from app.reminders.links import account_behind, entry_behind
from app.reminders.models import ReminderEntry
from app.reminders.policy import Outcome
from app.reminders.preferences import change_preferences
from app.reminders.queries import wishes_of
from app.reminders.wishes import NO_WISHES

MILESTONE = "milestone:"


@dataclass(frozen=True)
class Question:
    """What one link asks its reader: whether a milestone is where this answer says."""

    entry: ReminderEntry
    milestone: Milestone
    answer: Answer

    @property
    def reader(self) -> Account:
        """Whom the link is for."""
        return self.entry.recipient

    @property
    def given(self) -> Answer | None:
        """What they answered already, by this link or another of the same line."""
        return Answer(self.entry.answer) if self.entry.answer else None

    @property
    def forecast_on(self) -> date | None:
        """The day on which the milestone is expected by this answer; None where it is reached."""
        return answers.forecast_on(self.answer, self.milestone.planned_on)


def question_behind(token: str, answer: str) -> Question:
    """What a link asks.

    Raises:
        NotFound: when the address is none of ours.
    """
    entry = db.session.get(ReminderEntry, entry_behind(token))
    wanted = next((known for known in Answer if known == answer), None)
    if entry is None or entry.outcome != Outcome.MAILED or wanted is None:
        raise NotFound(text("Zu diesem Link gibt es keine Erinnerung."))
    milestone = _milestone_of(entry)
    if milestone is None:
        raise NotFound(text("Diesen Meilenstein gibt es nicht mehr."))
    return Question(entry, milestone, wanted)


def check(actor: Actor, question: Question, today: date) -> None:
    """Whether the answer can still be given by its reader, who is the actor.

    Raises:
        Conflict: when they have answered already, or the milestone was moved or is waiting for its approval.
        Expired: when the link is too old.
        Forbidden: when their access is closed or they are not responsible any more.
        RuleBroken: when the milestone is settled, or the answer means a day that has passed.
    """
    entry, milestone = question.entry, question.milestone
    check_unanswered(question)
    answers.check_in_time(entry.decided_on, today)
    may_report = allows(actor, Permission.REPORT_PROGRESS, milestone.measure.scope)
    answers.check_is_theirs(question.reader.active, may_report)
    approval.check_requestable(milestone.state)
    answers.check_same_day(entry.due_version, milestone.due_version, milestone.planned)
    if question.answer is Answer.REACHED:
        approval.check_no_open_move(find_open_move(milestone) is not None)
    answers.check_still_ahead(question.answer, milestone.planned_on, today)


def check_unanswered(question: Question) -> None:
    """A line is answered once.

    Raises:
        Conflict: saying what was answered, and when.
    """
    if question.given:
        raise Conflict(
            text(
                "Sie haben bereits geantwortet: %(answer)s, am %(time)s.",
                answer=ANSWER_NAMES[question.given],
                time=question.entry.answered_at,
            )
        )


def expect(actor: Actor, question: Question, note: str | None, *, seen_version: int | None, now: datetime) -> None:
    """Answers with a day: it becomes the forecast of the milestone. The planned day stays.

    Raises:
        DomainError: as `check`.
        Conflict: when the milestone was changed since the form was made.
    """
    _hold(question.entry)
    check(actor, question, day_of(now))
    if question.forecast_on is None:
        raise NotFound(text("Zu diesem Link gibt es keine Erinnerung."))
    milestones.record_forecast(
        actor, question.milestone, question.forecast_on, note, seen_version=seen_version, now=now
    )
    _note(question, now)


def report_reached(
    actor: Actor, question: Question, actual_on: date, statement: str, *, seen_version: int | None, now: datetime
) -> None:
    """Answers that the milestone is reached: asks for its approval.

    Raises:
        DomainError: as `check`.
        RuleBroken: for a day in the future, or without a statement.
        Conflict: when the milestone was changed since the form was made.
    """
    _hold(question.entry)
    check(actor, question, day_of(now))
    milestones.request_approval(actor, question.milestone, actual_on, statement, seen_version=seen_version, now=now)
    _note(question, now)


def reader_of_opt_out(token: str) -> Account:
    """Whose reminders a link stops.

    Raises:
        NotFound: when the address is none of ours.
    """
    account = find_any(account_behind(token))
    if account is None:
        raise NotFound(text("Zu diesem Link gibt es kein Konto."))
    return account


def wants_optional(account: Account) -> bool:
    """Whether somebody still gets the reminders that can be switched off."""
    return wishes_of([account.id]).get(account.id, NO_WISHES).wants_optional


def opt_out(actor: Actor, account: Account, *, now: datetime) -> None:
    """Stops the reminders of a person, who is the actor, as far as they can be switched off. Doing it again changes
    nothing."""
    wishes = wishes_of([account.id]).get(account.id, NO_WISHES)
    change_preferences(actor, replace(wishes, wants_optional=False), now=now)


def _milestone_of(entry: ReminderEntry) -> Milestone | None:
    if not entry.subject.startswith(MILESTONE):
        return None
    return db.session.get(Milestone, UUID(entry.subject.removeprefix(MILESTONE)))


def _hold(entry: ReminderEntry) -> None:
    """Reads the line as it is stored now and keeps it until the commit: of two answers at once, one counts."""
    query = select(ReminderEntry).where(ReminderEntry.id == entry.id).with_for_update()
    db.session.execute(query, execution_options={"populate_existing": True}).scalar_one()


def _note(question: Question, now: datetime) -> None:
    question.entry.answer = question.answer
    question.entry.answered_at = now
