"""Passwords are hashed, long enough, and never a clue to who exists."""

from __future__ import annotations

import pytest

from app.accounts import passwords
from app.core.errors import RuleBroken


def test_a_password_matches_its_own_hash_only() -> None:
    kept = passwords.hash_of("ein langer Satz als Passwort")
    assert kept.startswith("$argon2id$")
    assert passwords.matches(kept, "ein langer Satz als Passwort")
    assert not passwords.matches(kept, "ein anderer Satz als Passwort")


@pytest.mark.parametrize("kept", [None, "", "not a hash"])
def test_without_a_usable_hash_nothing_matches(kept: str | None) -> None:
    assert not passwords.matches(kept, "irgendetwas Langes")


@pytest.mark.parametrize("password", ["", "zu kurz", "x" * 501])
def test_a_password_has_bounds(password: str) -> None:
    with pytest.raises(RuleBroken) as refusal:
        passwords.check(password)
    assert refusal.value.field == "password"
