"""Four eyes over a report."""

from __future__ import annotations

from uuid import uuid4

import pytest

from app.core.errors import Forbidden, RuleBroken
from app.programmes.four_eyes import Override
from app.progress import release


def test_somebody_else_decides() -> None:
    release.check_four_eyes(uuid4(), uuid4())
    release.check_four_eyes(uuid4(), None)


def test_the_author_does_not_decide() -> None:
    oneself = uuid4()
    with pytest.raises(Forbidden, match="Vier-Augen-Prinzip"):
        release.check_four_eyes(oneself, oneself)


@pytest.mark.parametrize("override", [Override(), Override(True, "Darum")])
def test_the_system_does_not_decide(override: Override) -> None:
    for author in (uuid4(), None):
        assert release.why_stopped(None, author)
        assert not release.is_emergency(None, author, None, allows_override=True)
        with pytest.raises(Forbidden):
            release.check_four_eyes(None, author, override)


def test_the_author_decides_in_an_emergency_with_a_reason() -> None:
    oneself = uuid4()
    assert release.check_four_eyes(oneself, oneself, Override(True, " Darum ")) == "Darum"
    assert release.check_four_eyes(oneself, uuid4(), Override(True, "Darum")) is None
    with pytest.raises(RuleBroken, match="nicht auf vier Augen warten kann") as refusal:
        release.check_four_eyes(oneself, oneself, Override(True, "\n"))
    assert refusal.value.field == "override_reason"
    with pytest.raises(Forbidden, match="den Sie selbst gemeldet haben"):
        release.check_four_eyes(oneself, oneself, Override(False, "Darum"))


def test_what_stops_the_absent_head_stops_their_deputy_and_no_emergency_helps() -> None:
    deputy, head = uuid4(), uuid4()
    assert release.check_four_eyes(deputy, uuid4(), in_place_of=head) is None
    for author, refusal in ((head, "Sie vertreten jemanden"), (deputy, "den Sie selbst gemeldet haben")):
        for override in (Override(), Override(True, "Darum")):
            with pytest.raises(Forbidden, match=refusal):
                release.check_four_eyes(deputy, author, override, in_place_of=head)
        assert not release.is_emergency(deputy, author, head, allows_override=True)
    assert release.is_emergency(head, head, None, allows_override=True)
    assert not release.is_emergency(head, head, None, allows_override=False)


def test_a_return_has_a_reason() -> None:
    release.check_reason("Zahlen fehlen")


@pytest.mark.parametrize("reason", [None, "", " \n\t"])
def test_a_return_without_a_reason_is_refused(reason: str | None) -> None:
    with pytest.raises(RuleBroken) as refusal:
        release.check_reason(reason)
    assert refusal.value.field == "reason"
