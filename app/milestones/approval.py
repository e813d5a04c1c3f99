"""What may happen to a milestone, when, and by whom: one open request, four eyes, reasons. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from app.core.errors import Conflict, Forbidden, RuleBroken
from app.core.text import Text, text
from app.programmes import four_eyes
from app.programmes.four_eyes import NO_OVERRIDE, Override


class MilestoneState(StrEnum):
    """Where a milestone stands."""

    OPEN = "open"
    IN_APPROVAL = "in_approval"
    APPROVED = "approved"
    DROPPED = "dropped"


class Decision(StrEnum):
    """How a request for approval ended."""

    APPROVED = "approved"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"


FOUR_EYES = text(
    "Vier-Augen-Prinzip: Was Sie selbst eingereicht oder zuletzt geändert haben, entscheidet jemand anderes."
)
FOUR_EYES_IN_PLACE = text(
    "Vier-Augen-Prinzip: Sie vertreten jemanden, der das selbst eingereicht oder zuletzt geändert hat. Darüber "
    "entscheidet jemand anderes."
)
SETTLED = {
    MilestoneState.APPROVED: text("Dieser Meilenstein ist freigegeben und kann nicht mehr geändert werden."),
    MilestoneState.DROPPED: text("Dieser Meilenstein ist entfallen und kann nicht mehr geändert werden."),
}
GONE = text("Dieser Antrag wurde inzwischen zurückgezogen.")
MOVE_IS_OPEN = text(
    "Für diesen Meilenstein ist eine Verschiebung beantragt. Ziehen Sie diesen Antrag zuerst zurück, oder warten Sie "
    "die Entscheidung ab."
)


def involved_in(asked_by_id: UUID | None, edited_by_id: UUID | None) -> frozenset[UUID]:
    """Who must not decide on a request: whoever asked for it, and whoever edited the milestone last."""
    return frozenset(person for person in (asked_by_id, edited_by_id) if person)


def check_four_eyes(
    decider_id: UUID | None,
    involved_ids: Collection[UUID | None],
    override: Override = NO_OVERRIDE,
    *,
    in_place_of: UUID | None = None,
) -> str | None:
    """Nobody decides what they submitted or edited last. Returns the reason where an emergency was needed.

    A deputy decides `in_place_of` a head who is away, and is stopped by what stops that head: standing in is no way
    round. Nor is there an emergency for deputies: who overrides four eyes answers for the unit themselves.

    Raises:
        Forbidden, RuleBroken: as `four_eyes.check`.
    """
    refusal = why_stopped(decider_id, involved_ids, in_place_of)
    if refusal is not None and in_place_of is not None:
        raise Forbidden(refusal)
    return four_eyes.check(decider_id, involved_ids, FOUR_EYES, override)


def why_stopped(
    decider_id: UUID | None, involved_ids: Collection[UUID | None], in_place_of: UUID | None = None
) -> Text | None:
    """Why four eyes leave the decision to somebody else, None where they do not."""
    if four_eyes.is_stopped(decider_id, involved_ids):
        return FOUR_EYES
    return FOUR_EYES_IN_PLACE if in_place_of is not None and in_place_of in involved_ids else None


def check_still_open(decision: Decision | None) -> None:
    """A request is decided once.

    Raises:
        Conflict: when it has been decided already.
    """
    if decision == Decision.WITHDRAWN:
        raise Conflict(GONE)
    if decision is not None:
        raise Conflict(text("Über diesen Antrag wurde bereits entschieden."))


def check_reason(decision: Decision, reason: str | None) -> None:
    """Whoever returns a request says why.

    Raises:
        RuleBroken: on the field `reason`.
    """
    if decision == Decision.RETURNED and not (reason or "").strip():
        raise RuleBroken(text("Bitte begründen Sie, warum Sie den Antrag zurückgeben."), "reason")


def check_changeable(state: MilestoneState) -> None:
    """What is approved or dropped stays as it is, and so does what somebody is about to decide.

    Raises:
        RuleBroken: saying why, and the way out where there is one.
    """
    if state in SETTLED:
        raise RuleBroken(SETTLED[state])
    if state is MilestoneState.IN_APPROVAL:
        raise RuleBroken(
            text("Für diesen Meilenstein ist die Freigabe beantragt. Ziehen Sie den Antrag zurück, um ihn zu ändern.")
        )


def check_requestable(state: MilestoneState) -> None:
    """Approval is asked for once at a time, and only for what is open.

    Raises:
        RuleBroken: when the milestone is approved or dropped.
        Conflict: when a request waits for its decision already.
    """
    if state in SETTLED:
        raise RuleBroken(SETTLED[state])
    if state is MilestoneState.IN_APPROVAL:
        raise Conflict(text("Für diesen Meilenstein wurde die Freigabe bereits beantragt."))


def check_report(actual_on: date, statement: str | None, today: date) -> None:
    """A request says when the milestone was reached, not later than today, and what was reached.

    Raises:
        RuleBroken: on the field `actual_on` or `statement`.
    """
    if actual_on > today:
        raise RuleBroken(
            text("Der Ist-Termin liegt in der Zukunft. Tragen Sie den Tag ein, an dem das Ziel erreicht wurde."),
            "actual_on",
        )
    if not (statement or "").strip():
        raise RuleBroken(text("Bitte beschreiben Sie, was erreicht wurde."), "statement")


def check_move(from_on: date, from_precision: str, to_on: date, reason: str | None) -> None:
    """A promise moves to another day, for a reason. A month may become the last day of that month.

    Raises:
        RuleBroken: on the field `planned_on` or `reason`.
    """
    if to_on == from_on and from_precision == "day":
        raise RuleBroken(text("Das ist der bisherige Plan-Termin. Bitte wählen Sie einen anderen Tag."), "planned_on")
    if not (reason or "").strip():
        raise RuleBroken(text("Bitte begründen Sie, warum der Termin verschoben wird."), "reason")


def check_no_open_move(has_open_move: bool) -> None:
    """While somebody is asked whether a promise may move, it is not moved again, given up or called reached.

    Raises:
        RuleBroken: saying the way out.
    """
    if has_open_move:
        raise RuleBroken(MOVE_IS_OPEN)


def check_unmark(may_unmark: bool, has_open_move: bool) -> None:
    """That a milestone is promised to the funder is taken back by the coordination only: whoever moves the day could
    otherwise pass by the head. And not while the head is asked.

    Raises:
        Forbidden: for anybody else.
        RuleBroken: on the field `funder_relevant`, while a move waits for its decision.
    """
    if not may_unmark:
        raise Forbidden(
            text("Nur die Koordination kann zurücknehmen, dass ein Meilenstein dem Fördermittelgeber zugesagt ist.")
        )
    if has_open_move:
        raise RuleBroken(
            text("Das geht erst, wenn über die beantragte Verschiebung entschieden ist."), "funder_relevant"
        )


def check_drop(reason: str | None) -> None:
    """A promise is given up for a reason.

    Raises:
        RuleBroken: on the field `reason`.
    """
    if not (reason or "").strip():
        raise RuleBroken(text("Bitte begründen Sie, warum der Meilenstein entfällt."), "reason")


def is_overdue(state: MilestoneState, planned_on: date, today: date) -> bool:
    """Whether the planned day has passed and nobody has confirmed that the milestone was reached."""
    return state not in SETTLED and planned_on < today


@dataclass(frozen=True)
class Actions:
    """What one person may do to a milestone now.

    `change` is about its words, `move` about its day and about giving it up. At most one request waits: for the
    approval (`withdraw`, `decide`) or for a move (`withdraw_move`, `decide_move`). `why_not_decide` is for whoever
    could decide it if the four eyes did not stop them; `approve_in_emergency` says that their programme lets them
    approve all the same, with a reason.
    """

    change: bool = False
    move: bool = False
    request: bool = False
    withdraw: bool = False
    withdraw_move: bool = False
    decide: bool = False
    decide_move: bool = False
    why_not_decide: Text | None = None
    approve_in_emergency: bool = False


def available(
    state: MilestoneState,
    *,
    may_plan: bool,
    may_request: bool,
    may_decide: bool,
    person_id: UUID | None,
    involved_ids: Collection[UUID | None],
    allows_override: bool = False,
    in_place_of: UUID | None = None,
    has_open_move: bool = False,
) -> Actions:
    """What is open to a person with these permissions; `involved_ids` submitted the request or edited last, and
    `in_place_of` is the absent head for whom the person would decide."""
    if state in SETTLED:
        return Actions()
    waits_for_approval = state is MilestoneState.IN_APPROVAL
    if not waits_for_approval and not has_open_move:
        return Actions(change=may_plan, move=may_plan, request=may_request)
    why_not = why_stopped(person_id, involved_ids, in_place_of) if may_decide else None
    decides = may_decide and why_not is None
    is_own_right = person_id is not None and in_place_of is None
    return Actions(
        change=may_plan and not waits_for_approval,
        withdraw=may_request and waits_for_approval,
        withdraw_move=may_plan and not waits_for_approval,
        decide=decides and waits_for_approval,
        decide_move=decides and not waits_for_approval,
        why_not_decide=why_not,
        approve_in_emergency=why_not is not None and allows_override and is_own_right,
    )
