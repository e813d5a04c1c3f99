"""The main navigation: what each person is offered, in one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Flask, request, url_for
from flask_login import current_user

from app.core import clock
from app.core.i18n import local, translate
from app.core.text import Text, text
from app.organisations.permissions import ROLE_NAMES, Actor, Permission, Role, allows
from app.organisations.queries import find_city
from app.organisations.viewer import current_actor


@dataclass(frozen=True)
class Entry:
    """A place one can go to, and the permission that shows it (None: everybody signed in)."""

    label: Text
    endpoint: str
    permission: Permission | None = None
    below: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Link:
    """An entry as a page shows it."""

    label: str
    url: str
    is_current: bool


ABSENCES = frozenset(
    f"organisations.{page}" for page in ("absences", "absences_of", "enter_absence", "change_absence", "name_deputy")
)
PEOPLE = frozenset({"organisations.people", "organisations.add_person", "organisations.add_role"})
MAIL = frozenset({"operations.outbox", "operations.show_mail"})

ENTRIES = (
    Entry(text("Start"), "dashboard.home"),
    Entry(text("Maßnahmen"), "portfolio.index", None, frozenset({"measures", "milestones", "progress"})),
    Entry(
        text("Programme"),
        "programmes.index",
        None,
        frozenset({"grants", "readiness", "ladders", "transfer", "measures.migrate"}),
    ),
    Entry(text("Digests"), "digests.index"),
    Entry(text("Erinnerungen"), "reminders.index", Permission.VIEW_INTERNAL),
    Entry(text("Abwesenheit"), "organisations.absences", Permission.VIEW_INTERNAL, ABSENCES),
    Entry(text("Betrieb"), "operations.show", Permission.OPERATE),
    Entry(text("Postausgang"), "operations.outbox", Permission.VIEW_OPERATIONS, MAIL),
    Entry(text("Protokoll"), "operations.log", Permission.VIEW_OPERATIONS),
    Entry(text("Personen"), "organisations.people", Permission.MANAGE_ACCOUNTS, PEOPLE),
)

OWN = (
    Entry(text("Meine nächsten Erinnerungen"), "reminders.mine", Permission.VIEW_INTERNAL),
    Entry(text("Erinnerungen einstellen"), "reminders.preferences", Permission.VIEW_INTERNAL),
)


def links_for(actor: Actor) -> list[Link]:
    """The navigation of one person."""
    shown = (entry for entry in ENTRIES if entry.permission is None or allows(actor, entry.permission))
    return [Link(translate(entry.label), url_for(entry.endpoint), _is_current(entry)) for entry in shown]


def own_links(actor: Actor) -> list[Link]:
    """What somebody sets for themselves: it stands under their name."""
    shown = (entry for entry in OWN if entry.permission is None or allows(actor, entry.permission))
    return [Link(translate(own.label), url_for(own.endpoint), request.endpoint == own.endpoint) for own in shown]


def _is_current(entry: Entry) -> bool:
    endpoint = request.endpoint or ""
    blueprint = endpoint.split(".")[0]
    if any(endpoint in other.below for other in ENTRIES):
        return endpoint in entry.below
    if entry.endpoint.startswith("operations."):
        return endpoint == entry.endpoint
    return blueprint == entry.endpoint.split(".")[0] or blueprint in entry.below


def init_app(app: Flask) -> None:
    """Gives every page its frame: navigation, who is signed in, the city."""

    @app.context_processor
    def frame() -> dict[str, Any]:
        actor = current_actor()
        if actor.account_id is None:
            return {}
        city = find_city()
        roles = [translate(ROLE_NAMES[role]) for role in Role if role in actor.roles]
        return {
            "navigation": links_for(actor),
            "account_menu": {"name": local(current_user.name), "roles": roles, "links": own_links(actor)},
            "actor": actor,
            "city_name": local(city.name) if city else None,
            "today": clock.today(),
        }
