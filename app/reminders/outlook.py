"""What will be sent, and what a person cannot switch off, in words: for whoever wants to see it before it happens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from app.accounts.models import Account
from app.accounts.queries import accounts_by_id
from app.core import clock
from app.core.i18n import LANGUAGES, in_language, name, translate
from app.core.links import absolute_url
from app.core.text import Text, text
from app.deadlines.deadline import Deadline, Kind, urgency
from app.deadlines.directory import Directory
from app.deadlines.queries import open_deadlines
from app.programmes.ladder import AUDIENCE_NAMES
from app.reminders import duties, policy
from app.reminders.duties import Duties
from app.reminders.planning import preview
from app.reminders.policy import Reminder
from app.reminders.queries import ladders_of, list_programmes

YEARS_AHEAD = 3
"""Within these obligations are counted; what comes later is nobody's business yet."""


@dataclass(frozen=True)
class Line:
    """A reminder in words; `deadline` has the way that is open to its reader."""

    reminder: Reminder
    deadline: Deadline
    step: Text
    why: Text


@dataclass(frozen=True)
class Letter:
    """The one mail of a person on a city day, before it is written."""

    account: Account
    day: date
    leaves_at: datetime
    lines: tuple[Line, ...]


def list_letters(
    first_day: date, days: int, *, programme_id: UUID | None = None, account_id: UUID | None = None
) -> list[Letter]:
    """What will leave on so many city days, as `planning.preview` plans it; only the mails to one person, or those
    in which a programme has something to say, each as a whole."""
    posts = [
        post
        for post in preview(first_day, days)
        if account_id in (None, post.account_id) and (programme_id is None or programme_id in post.programme_ids)
    ]
    people = {post.account_id for post in posts} | {
        reminder.for_id for post in posts for reminder in post.reminders if reminder.for_id
    }
    accounts = accounts_by_id(people)
    return [
        Letter(
            accounts[post.account_id],
            post.day,
            post.leaves_at,
            tuple(_line(reminder, accounts) for reminder in post.reminders),
        )
        for post in posts
    ]


def _line(reminder: Reminder, accounts: Mapping[UUID, Account]) -> Line:
    return Line(
        reminder,
        reminder.deadline.seen_by(reminder.recipient_id),
        policy.words_for_key(reminder.key, [reminder.step]) or policy.words(reminder.step),
        why(reminder, accounts),
    )


def why(reminder: Reminder, accounts: Mapping[UUID, Account]) -> Text:
    """Why somebody is reminded: the part the step calls, or that it names them, and for whom they stand in."""
    called = _called(reminder)
    if reminder.for_id is None:
        return called
    return text("%(called)s, in Vertretung für %(name)s", called=called, name=accounts[reminder.for_id].name)


def _called(reminder: Reminder) -> Text:
    deadline = reminder.deadline
    if deadline.kind is Kind.APPROVAL and reminder.recipient_id in deadline.doers:
        return text("hat zu entscheiden")
    if reminder.part is None:
        is_named = (reminder.for_id or reminder.recipient_id) in reminder.step.named
        return text("namentlich genannt") if is_named else text("weil die Genannten keinen Zugang mehr haben")
    return AUDIENCE_NAMES[reminder.own_part]


def to_json(letters: list[Letter]) -> list[dict[str, Any]]:
    """The mails for programs: words in the language of whoever gets the mail, instants in the city's zone."""
    return [_letter_to_json(letter) for letter in letters]


def _letter_to_json(letter: Letter) -> dict[str, Any]:
    account = letter.account
    with in_language(account.language if account.language in LANGUAGES else "de"):
        return {
            "day": letter.day.isoformat(),
            "leaves_at": letter.leaves_at.astimezone(clock.CITY_ZONE).isoformat(),
            "to": {"email": account.email, "name": name(account.name)},
            "language": account.language,
            "lines": [_line_to_json(line) for line in letter.lines],
        }


def _line_to_json(line: Line) -> dict[str, Any]:
    reminder, deadline = line.reminder, line.deadline
    wording = reminder.step.wording
    return {
        "kind": deadline.kind.value,
        "deadline": deadline.subject,
        "version": deadline.version,
        "title": name(deadline.title),
        "context": name(deadline.context),
        "due_on": deadline.due_on.isoformat() if deadline.due_on else None,
        "step": reminder.key,
        "superseded": list(reminder.superseded),
        "when": translate(line.step),
        "why": translate(line.why),
        "wording": name(wording) if wording else None,
        "binding": reminder.is_binding,
        "url": absolute_url(deadline.endpoint, **deadline.values),
    }


def duties_of(account_id: UUID, today: date) -> Duties:
    """What is open for a person today that nobody can switch off, the most urgent first."""
    return duties.sort(sorted(_binding(account_id, today), key=urgency))


def _binding(account_id: UUID, today: date) -> Iterator[Deadline]:
    programmes = list_programmes()
    directory = Directory.read(today)
    found: dict[UUID, list[Deadline]] = {programme.id: [] for programme in programmes}
    for deadline in open_deadlines(programmes, today, today + timedelta(days=366 * YEARS_AHEAD), directory):
        found[deadline.programme_id].append(deadline)
    ladders = ladders_of(found)
    for programme in programmes:
        steps, state = ladders[programme.id], programme.state
        for deadline in duties.binding_for(account_id, found[programme.id], steps, today, state, directory.away):
            yield deadline.seen_by(account_id)
