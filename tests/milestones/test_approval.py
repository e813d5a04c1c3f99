"""The rules of milestones and their approval, without a database."""

from __future__ import annotations

from datetime import date
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import Conflict, DomainError, Forbidden, RuleBroken
from app.milestones.approval import (
    Actions,
    Decision,
    MilestoneState,
    available,
    check_changeable,
    check_drop,
    check_four_eyes,
    check_move,
    check_no_open_move,
    check_reason,
    check_report,
    check_requestable,
    check_still_open,
    check_unmark,
    is_overdue,
)
from app.programmes.four_eyes import Override

TODAY = date(2023, 3, 15)
YESTERDAY = date(2023, 3, 14)
TOMORROW = date(2023, 3, 16)

somebody = st.sampled_from([UUID(int=number) for number in range(4)])


@given(decider=somebody, involved=st.frozensets(st.one_of(st.none(), somebody)))
def test_nobody_decides_what_they_had_a_hand_in(decider: UUID, involved: frozenset[UUID | None]) -> None:
    if decider in involved:
        with pytest.raises(Forbidden):
            check_four_eyes(decider, involved)
    else:
        check_four_eyes(decider, involved)


@given(involved=st.frozensets(st.one_of(st.none(), somebody)), allowed=st.booleans())
def test_the_system_decides_nothing(involved: frozenset[UUID | None], allowed: bool) -> None:
    with pytest.raises(Forbidden):
        check_four_eyes(None, involved, Override(allowed, "Darum"))


def test_the_refusal_is_the_sentence_of_milestones() -> None:
    oneself = uuid4()
    for override in (Override(), Override(False, "Darum")):
        with pytest.raises(Forbidden, match="Was Sie selbst eingereicht oder zuletzt geändert haben"):
            check_four_eyes(oneself, {oneself}, override)
    with pytest.raises(RuleBroken, match="nicht auf vier Augen warten kann"):
        check_four_eyes(oneself, {oneself}, Override(True, " "))


def test_what_stops_the_absent_head_stops_their_deputy_and_no_emergency_helps() -> None:
    deputy, head = uuid4(), uuid4()
    assert check_four_eyes(deputy, {uuid4()}, Override(True, "Darum"), in_place_of=head) is None
    for involved, refusal in (
        ({head}, "Sie vertreten jemanden"),
        ({deputy}, "Was Sie selbst"),
        ({None, head}, "Sie v"),
    ):
        for override in (Override(), Override(True, "Darum")):
            with pytest.raises(Forbidden, match=refusal):
                check_four_eyes(deputy, involved, override, in_place_of=head)


def test_while_a_move_waits_the_way_out_is_said() -> None:
    check_no_open_move(False)
    with pytest.raises(RuleBroken, match="Ziehen Sie diesen Antrag zuerst zurück"):
        check_no_open_move(True)


def test_the_promise_to_the_funder_is_taken_back_by_the_coordination_and_not_while_a_move_waits() -> None:
    check_unmark(True, has_open_move=False)
    for has_open_move in (False, True):
        with pytest.raises(Forbidden, match="Nur die Koordination"):
            check_unmark(False, has_open_move)
    with pytest.raises(RuleBroken) as refused:
        check_unmark(True, has_open_move=True)
    assert refused.value.field == "funder_relevant"


def test_a_reason_comes_back_only_where_an_emergency_was_needed() -> None:
    oneself, override = uuid4(), Override(True, " Darum ")
    assert check_four_eyes(oneself, {oneself}, override) == "Darum"
    assert check_four_eyes(oneself, {uuid4(), None}, override) is None


@given(
    state=st.sampled_from(MilestoneState),
    may_plan=st.booleans(),
    may_request=st.booleans(),
    may_decide=st.booleans(),
    person=st.one_of(st.none(), somebody),
    involved=st.frozensets(somebody),
    allows_override=st.booleans(),
    in_place_of=st.one_of(st.none(), somebody),
    has_open_move=st.booleans(),
)
def test_what_is_offered_is_what_the_rules_allow(
    state: MilestoneState,
    may_plan: bool,
    may_request: bool,
    may_decide: bool,
    person: UUID | None,
    involved: frozenset[UUID],
    allows_override: bool,
    in_place_of: UUID | None,
    has_open_move: bool,
) -> None:
    actions = available(
        state,
        may_plan=may_plan,
        may_request=may_request,
        may_decide=may_decide,
        person_id=person,
        involved_ids=involved,
        allows_override=allows_override,
        in_place_of=in_place_of,
        has_open_move=has_open_move,
    )
    four_eyes_hold = person is not None and person not in involved and in_place_of not in involved
    in_approval = state is MilestoneState.IN_APPROVAL
    wished = state is MilestoneState.OPEN and has_open_move
    waits = in_approval or wished
    assert actions.change == (may_plan and is_let_through(check_changeable, state))
    assert actions.move == (actions.change and not has_open_move)
    assert actions.request == (may_request and is_let_through(check_requestable, state) and not has_open_move)
    assert actions.withdraw == (may_request and in_approval)
    assert actions.withdraw_move == (may_plan and wished)
    assert actions.decide == (may_decide and in_approval and four_eyes_hold)
    assert actions.decide_move == (may_decide and wished and four_eyes_hold)
    assert (actions.why_not_decide is not None) == (may_decide and waits and not four_eyes_hold)
    override = Override(allows_override, "Darum")
    emergency = is_let_through(lambda _: check_four_eyes(person, involved, override, in_place_of=in_place_of), state)
    assert actions.approve_in_emergency == (may_decide and waits and not four_eyes_hold and emergency)


@pytest.mark.parametrize("may_decide", [False, True])
@pytest.mark.parametrize("is_involved", [False, True])
@pytest.mark.parametrize("allows_override", [False, True])
@pytest.mark.parametrize("is_somebody", [False, True])
def test_an_emergency_is_for_heads_whom_four_eyes_stop_where_the_programme_allows_it(
    may_decide: bool, is_involved: bool, allows_override: bool, is_somebody: bool
) -> None:
    person = uuid4() if is_somebody else None
    actions = available(
        MilestoneState.IN_APPROVAL,
        may_plan=False,
        may_request=False,
        may_decide=may_decide,
        person_id=person,
        involved_ids={person} if is_involved else (),
        allows_override=allows_override,
    )
    assert actions.approve_in_emergency == (may_decide and is_involved and allows_override and is_somebody)


def is_let_through(check: object, state: MilestoneState) -> bool:
    assert callable(check)
    try:
        check(state)
    except DomainError:
        return False
    return True


@pytest.mark.parametrize("state", [MilestoneState.APPROVED, MilestoneState.DROPPED])
def test_what_is_settled_is_offered_to_nobody(state: MilestoneState) -> None:
    person = uuid4()
    everything = available(
        state,
        may_plan=True,
        may_request=True,
        may_decide=True,
        person_id=person,
        involved_ids={person},
        allows_override=True,
    )
    assert everything == Actions()


@pytest.mark.parametrize(
    ("state", "says"),
    [
        (MilestoneState.OPEN, None),
        (MilestoneState.IN_APPROVAL, "Ziehen Sie den Antrag zurück"),
        (MilestoneState.APPROVED, "ist freigegeben und kann nicht mehr geändert werden"),
        (MilestoneState.DROPPED, "ist entfallen und kann nicht mehr geändert werden"),
    ],
)
def test_only_an_open_milestone_is_changed(state: MilestoneState, says: str | None) -> None:
    if says is None:
        check_changeable(state)
        return
    with pytest.raises(RuleBroken) as refused:
        check_changeable(state)
    assert says in str(refused.value.message)


@pytest.mark.parametrize(
    ("state", "refusal"),
    [
        (MilestoneState.OPEN, None),
        (MilestoneState.IN_APPROVAL, Conflict),
        (MilestoneState.APPROVED, RuleBroken),
        (MilestoneState.DROPPED, RuleBroken),
    ],
)
def test_approval_is_asked_for_once_and_for_what_is_open(
    state: MilestoneState, refusal: type[DomainError] | None
) -> None:
    if refusal is None:
        check_requestable(state)
        return
    with pytest.raises(refusal):
        check_requestable(state)


@pytest.mark.parametrize(
    ("actual_on", "statement", "field"),
    [
        (TODAY, "Läuft.", None),
        (YESTERDAY, "Läuft.", None),
        (TOMORROW, "Läuft.", "actual_on"),
        (TODAY, "", "statement"),
        (TODAY, " \n", "statement"),
        (TODAY, None, "statement"),
    ],
)
def test_a_request_says_when_and_what_was_reached(actual_on: date, statement: str | None, field: str | None) -> None:
    if field is None:
        check_report(actual_on, statement, TODAY)
        return
    with pytest.raises(RuleBroken) as refused:
        check_report(actual_on, statement, TODAY)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("precision", "to_on", "reason", "field"),
    [
        ("day", TOMORROW, "Lieferverzug", None),
        ("day", YESTERDAY, "Früher fertig", None),
        ("day", TODAY, "Lieferverzug", "planned_on"),
        ("month", TODAY, "Jetzt steht der Tag fest", None),
        ("day", TOMORROW, "", "reason"),
        ("day", TOMORROW, "  ", "reason"),
        ("month", TODAY, None, "reason"),
    ],
)
def test_a_day_moves_elsewhere_and_for_a_reason(
    precision: str, to_on: date, reason: str | None, field: str | None
) -> None:
    if field is None:
        check_move(TODAY, precision, to_on, reason)
        return
    with pytest.raises(RuleBroken) as refused:
        check_move(TODAY, precision, to_on, reason)
    assert refused.value.field == field


@pytest.mark.parametrize("reason", [None, "", "\t "])
def test_a_milestone_is_dropped_for_a_reason(reason: str | None) -> None:
    check_drop("Nicht gefördert")
    with pytest.raises(RuleBroken) as refused:
        check_drop(reason)
    assert refused.value.field == "reason"


@pytest.mark.parametrize("reason", [None, "", "  "])
def test_a_request_is_returned_for_a_reason_and_approved_without(reason: str | None) -> None:
    check_reason(Decision.APPROVED, reason)
    check_reason(Decision.RETURNED, "Foto fehlt")
    with pytest.raises(RuleBroken) as refused:
        check_reason(Decision.RETURNED, reason)
    assert refused.value.field == "reason"


@pytest.mark.parametrize(
    ("decision", "says"),
    [
        (Decision.APPROVED, "bereits entschieden"),
        (Decision.RETURNED, "bereits entschieden"),
        (Decision.WITHDRAWN, "zurückgezogen"),
    ],
)
def test_a_request_is_decided_once(decision: Decision, says: str) -> None:
    check_still_open(None)
    with pytest.raises(Conflict) as refused:
        check_still_open(decision)
    assert says in str(refused.value.message)


@pytest.mark.parametrize(
    ("state", "planned_on", "expected"),
    [
        (MilestoneState.OPEN, YESTERDAY, True),
        (MilestoneState.OPEN, TODAY, False),
        (MilestoneState.IN_APPROVAL, YESTERDAY, True),
        (MilestoneState.APPROVED, YESTERDAY, False),
        (MilestoneState.DROPPED, YESTERDAY, False),
    ],
)
def test_overdue_is_what_is_not_settled_the_day_after(
    state: MilestoneState, planned_on: date, expected: bool
) -> None:
    assert is_overdue(state, planned_on, TODAY) is expected
