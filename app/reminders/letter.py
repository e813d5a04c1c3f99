"""What a reminder mail says: each line with its way on, why it comes to this reader, and what they can answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.accounts.models import Account
from app.accounts.queries import find_any
from app.core.links import absolute_url
from app.core.localized import Localized
from app.core.text import Text, text
from app.deadlines.deadline import Deadline, Kind
from app.mail import service as mail
from app.mail.models import Mail
from app.programmes.ladder import Audience
from app.reminders.answers import ANSWER_NAMES, DAYS_VALID, offered
from app.reminders.links import answer_urls, opt_out_url
from app.reminders.planning import Post
from app.reminders.policy import Reminder
from app.reminders.queries import once_key

PART_WORDS: Mapping[Audience, Text] = {
    Audience.PROJECT_LEAD: text("Sie leiten die Maßnahme"),
    Audience.DEPUTY: text("Sie vertreten die Projektleitung"),
    Audience.DEPARTMENT_HEAD: text("Sie leiten die verantwortliche Stelle"),
    Audience.COORDINATOR: text("Sie koordinieren das Programm"),
    Audience.ADMINISTRATOR: text("Sie verwalten Wegmarke"),
}
FUNDED_LEAD = text("Sie leiten eine Maßnahme, die daraus gefördert wird")


@dataclass(frozen=True)
class Line:
    """One line of a mail. `deadline` has the way that is open to the reader; `answers` are (words, address) pairs."""

    reminder: Reminder
    deadline: Deadline
    why: Text
    answers: tuple[tuple[Text, str], ...]

    @property
    def wording(self) -> Localized | None:
        """What the programme's step says with it."""
        return self.reminder.step.wording


def compose(post: Post, account: Account, entry_ids: Sequence[UUID], now: datetime) -> Mail:
    """The mail, not stored yet. `entry_ids` are the lines of the ledger that will hold the reminders of `post`, in
    their order: answers refer to them.

    A mail names a way out for programs (List-Unsubscribe) where it holds something its reader may switch off. Where
    all of it is legally due there is none: the button would promise what the next mail breaks.
    """
    lines = [_line(reminder, entry_id) for reminder, entry_id in zip(post.reminders, entry_ids, strict=True)]
    may_opt_out = not all(reminder.is_binding for reminder in post.reminders)
    unsubscribe_url = opt_out_url(account.id) if may_opt_out else None
    content = {
        "lines": lines,
        "groups": _groups(lines),
        "can_answer": any(line.answers for line in lines),
        "days_valid": DAYS_VALID,
        "preferences_url": absolute_url("reminders.preferences"),
        "opt_out_url": unsubscribe_url,
    }
    return mail.compose(
        "reminder",
        mail.Recipient(account.email, account.name, account.language, account.id),
        content,
        now=now,
        once=once_key(post.account_id, post.day),
        is_sample=any(line.deadline.is_sample for line in lines),
        unsubscribe_url=unsubscribe_url,
    )


def _line(reminder: Reminder, entry_id: UUID) -> Line:
    deadline, reader = reminder.deadline, reminder.recipient_id
    answers: tuple[tuple[Text, str], ...] = ()
    if deadline.kind is Kind.MILESTONE and deadline.due_on and reader in deadline.doers:
        urls = answer_urls(entry_id, offered(deadline.due_on, reminder.today))
        answers = tuple((ANSWER_NAMES[answer], url) for answer, url in urls.items())
    return Line(reminder, deadline.seen_by(reader), why(reminder), answers)


def _groups(lines: Sequence[Line]) -> list[tuple[Text | None, list[Line]]]:
    """The lines as they come, those that are overdue under a heading of their own where there are others too."""
    overdue = [line for line in lines if line.reminder.is_overdue]
    ahead = [line for line in lines if not line.reminder.is_overdue]
    if not overdue or not ahead:
        return [(None, [*lines])]
    return [(text("Überfällig"), overdue), (text("Bald fällig"), ahead)]


def why(reminder: Reminder) -> Text:
    """Why this line comes to its reader, said to them."""
    if reminder.for_id:
        absent = find_any(reminder.for_id)
        return text("in Vertretung für %(name)s", name=absent.name if absent else "?")
    deadline = reminder.deadline
    if deadline.kind is Kind.APPROVAL and reminder.recipient_id in deadline.doers:
        return text("Ihre Freigabe wird gebraucht")
    if reminder.recipient_id in reminder.step.named and reminder.part is None:
        return text("Sie sind namentlich eingetragen")
    part = reminder.own_part
    if part is Audience.PROJECT_LEAD and deadline.kind is Kind.OBLIGATION:
        return FUNDED_LEAD
    return PART_WORDS[part]
