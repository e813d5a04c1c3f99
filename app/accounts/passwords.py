"""Passwords: Argon2id hashes, and what a password must be."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.core.errors import RuleBroken
from app.core.text import text

MINIMUM_LENGTH = 12
"""Length beats composition: BSI, IT-Grundschutz ORP.4; NIST SP 800-63B 5.1.1."""

_hasher = PasswordHasher()
_NOBODY = _hasher.hash("so that an unknown address takes as long as a wrong password")


def check(password: str) -> None:
    """Refuses passwords that are too short or too long.

    Raises:
        RuleBroken: on the field `password`.
    """
    if len(password) < MINIMUM_LENGTH:
        raise RuleBroken(text("Das Passwort braucht mindestens %(n)s Zeichen.", n=MINIMUM_LENGTH), "password")
    if len(password) > 500:
        raise RuleBroken(text("Das Passwort ist länger als 500 Zeichen."), "password")


def hash_of(password: str) -> str:
    """The hash to be kept."""
    return _hasher.hash(password)


def matches(password_hash: str | None, password: str) -> bool:
    """Whether the password is right; takes as long for an account without one."""
    try:
        return _hasher.verify(password_hash or _NOBODY, password[:500]) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False
