"""Nobody confirms their own work, but for an emergency that a programme allows."""

from __future__ import annotations

from uuid import UUID

import pytest

from app.core.errors import Forbidden, RuleBroken
from app.core.text import text
from app.programmes import four_eyes
from app.programmes.four_eyes import REASON_FIELD, Override
from tests.programmes.definitions import ID, OTHER_ID

REFUSAL = text("Die Freigabe erteilt jemand anderes.")
ALLOWED = Override(is_allowed=True, reason="  Stichtag heute, Vertretung krank \n")


@pytest.mark.parametrize(
    ("person_id", "involved_ids", "is_stopped"),
    [
        (ID, [], False),
        (ID, [OTHER_ID], False),
        (ID, [None], False),
        (ID, [OTHER_ID, ID], True),
        (None, [], True),
        (None, [ID], True),
    ],
)
def test_those_involved_and_the_system_leave_it_to_somebody_else(
    person_id: UUID | None, involved_ids: list[UUID | None], is_stopped: bool
) -> None:
    assert four_eyes.is_stopped(person_id, involved_ids) is is_stopped
    for override in (four_eyes.NO_OVERRIDE, Override(is_allowed=False, reason="Stichtag heute")):
        if is_stopped:
            with pytest.raises(Forbidden) as refused:
                four_eyes.check(person_id, involved_ids, REFUSAL, override)
            assert refused.value.message == REFUSAL
        else:
            assert four_eyes.check(person_id, involved_ids, REFUSAL, override) is None


def test_in_an_emergency_the_reason_is_handed_back_for_the_log() -> None:
    assert four_eyes.check(ID, [ID], REFUSAL, ALLOWED) == "Stichtag heute, Vertretung krank"


def test_where_four_eyes_are_kept_there_is_no_emergency_to_record() -> None:
    assert four_eyes.check(ID, [OTHER_ID], REFUSAL, ALLOWED) is None


def test_no_emergency_lets_the_system_confirm_anything() -> None:
    with pytest.raises(Forbidden):
        four_eyes.check(None, [], REFUSAL, ALLOWED)


@pytest.mark.parametrize("reason", [None, "", " \n\t "])
def test_an_emergency_demands_its_reason_in_its_own_field(reason: str | None) -> None:
    with pytest.raises(RuleBroken) as refused:
        four_eyes.check(ID, [ID], REFUSAL, Override(is_allowed=True, reason=reason))
    assert refused.value.field == REASON_FIELD == "override_reason"
    assert str(refused.value.message) == (
        "Bitte begründen Sie, warum diese Entscheidung nicht auf vier Augen warten kann."
    )


@pytest.mark.parametrize(
    ("override", "is_given"),
    [
        (Override(), False),
        (Override(is_allowed=True), False),
        (Override(is_allowed=True, reason=" "), False),
        (Override(is_allowed=False, reason="Stichtag"), False),
        (Override(is_allowed=True, reason="Stichtag"), True),
    ],
)
def test_an_emergency_needs_the_programme_and_the_reason(override: Override, is_given: bool) -> None:
    assert override.is_given is is_given
