"""What nobody can switch off for a person, as long as it is open. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from uuid import UUID

from app.deadlines.deadline import Deadline, Kind
from app.organisations.absence import Away
from app.reminders import policy
from app.reminders.policy import Step


@dataclass(frozen=True)
class Duties:
    """Of what a person is reminded in any case: obligations of a grant, and whatever is overdue."""

    obligations: tuple[Deadline, ...]
    overdue: tuple[Deadline, ...]

    @property
    def count(self) -> int:
        """How many these are together."""
        return len(self.obligations) + len(self.overdue)


def sort(deadlines: Iterable[Deadline]) -> Duties:
    """Obligations apart from what else is overdue, each in the order in which they come."""
    known = tuple(deadlines)
    return Duties(
        tuple(one for one in known if one.kind is Kind.OBLIGATION),
        tuple(one for one in known if one.kind is not Kind.OBLIGATION),
    )


def binding_for(
    account_id: UUID, deadlines: Iterable[Deadline], steps: Sequence[Step], today: date, state: str, away: Away
) -> Iterator[Deadline]:
    """The deadlines of one programme of which this person will be reminded whatever they wish, asked of the policy
    itself: as if every step had come once."""
    once = [replace(step, repeat_days=None) for step in steps]
    last = max((2 * step.offset_days if step.working_days else step.offset_days for step in once), default=0)
    days = timedelta(days=policy.LONGEST_HOLIDAYS + max(last, 0))
    for deadline in deadlines:
        if deadline.due_on and (deadline.kind is Kind.OBLIGATION or deadline.is_overdue(today)):
            reminders = policy.due([deadline], once, (), deadline.due_on + days, state, away)
            if any(one.recipient_id == account_id and one.is_binding for one in reminders):
                yield deadline
