"""The person behind a request."""

from __future__ import annotations

from flask import g, has_request_context
from flask_login import current_user

from app.core import clock
from app.organisations.permissions import Actor
from app.organisations.queries import actor_for

NOBODY = Actor(account_id=None, name="")


def current_actor() -> Actor:
    """Whoever is signed in, with their roles; `NOBODY` before the sign-in. Read once per request."""
    if not has_request_context() or not current_user.is_authenticated:
        return NOBODY
    if "actor" not in g or g.actor.account_id != current_user.id:
        g.actor = actor_for(current_user._get_current_object(), clock.today())
    return g.actor  # type: ignore[no-any-return]
