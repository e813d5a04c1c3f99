"""What a service says when it will not do a thing. One handler in `core.pages` renders them."""

from __future__ import annotations

from app.core.text import Text


class DomainError(Exception):
    """A refusal with a sentence for the person who reads it; `field` names the form field it belongs to."""

    status = 400

    def __init__(self, message: Text, field: str | None = None) -> None:
        super().__init__(str(message))
        self.message = message
        self.field = field


class NotFound(DomainError):
    """The thing does not exist, or not for this person."""

    status = 404


class Forbidden(DomainError):
    """The person may see the thing and may not do this to it."""

    status = 403


class Conflict(DomainError):
    """Somebody else was faster, or the thing has been decided already."""

    status = 409


class RuleBroken(DomainError):
    """A rule of the domain is not met."""

    status = 422
