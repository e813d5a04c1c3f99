"""Planning a day over 10,000 deadlines, against ten times fewer with the same number due."""

from __future__ import annotations

import time
from datetime import date, timedelta
from uuid import UUID, uuid4

from app.core.text import text
from app.deadlines.deadline import Deadline, Kind, Place
from app.organisations.permissions import Role
from app.reminders import policy
from app.reminders.policy import Step
from tests.factories import STEPS

TODAY = date(2023, 3, 15)
DUE = 500


def deadlines(count: int) -> list[Deadline]:
    lead, programme = uuid4(), uuid4()
    near, far = TODAY + timedelta(days=7), TODAY + timedelta(days=400)
    return [_deadline(number, near if number < DUE else far, lead, programme) for number in range(count)]


def _deadline(number: int, due_on: date, lead: UUID, programme: UUID) -> Deadline:
    return Deadline(
        kind=Kind.MILESTONE,
        subject=f"milestone:{number}",
        version=1,
        due_on=due_on,
        title=text("Meilenstein"),
        context=text("Maßnahme"),
        recipients={Role.PROJECT_LEAD: (lead,)},
        responsible=(lead,),
        endpoint="milestones.request_approval",
        values={},
        doers=(lead,),
        page=Place("milestones.show", {}),
        programme_id=programme,
    )


def seconds(count: int) -> float:
    steps = [Step(key, offset, repeat, frozenset(map(Role, roles))) for key, offset, repeat, roles in STEPS]
    rows = deadlines(count)
    began = time.perf_counter()
    decided = list(policy.due(rows, steps, frozenset(), TODAY))
    took = time.perf_counter() - began
    assert sum(decision.outcome is policy.Outcome.MAILED for decision in decided) == DUE
    return took


def main() -> None:
    few, many = min(seconds(1_000) for _ in range(3)), min(seconds(10_000) for _ in range(3))
    print(f"{DUE} due of 10,000 deadlines: {many / few:.1f} times the cost of {DUE} due of 1,000")


if __name__ == "__main__":
    main()
