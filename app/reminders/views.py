"""The ladders of the programmes, and what became of each reminder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, render_template, request

from app.core.text import Text, text
from app.deadlines.queries import Named, names_of
from app.organisations.permissions import ROLE_NAMES, Permission, Role, allows, require
from app.organisations.viewer import current_actor
from app.programmes.models import Programme
from app.reminders import policy, queries
from app.reminders.models import ReminderEntry

blueprint = Blueprint("reminders", __name__)
PER_PAGE = 50


@dataclass(frozen=True)
class Rung:
    """A step in words: when, and whom it calls."""

    when: Text
    roles: list[Text]


@dataclass(frozen=True)
class Row:
    """A line of the ledger in words."""

    entry: ReminderEntry
    named: Named | None
    step: Text


@blueprint.get("/reminders")
def index() -> str:
    """The steps of each programme, and the ledger, newest first."""
    actor = current_actor()
    require(actor, Permission.VIEW_INTERNAL)
    programmes = queries.list_programmes()
    page = queries.list_ledger(request.args.get("page", 1, int), PER_PAGE)
    return render_template(
        "reminders/index.html",
        ladders=[(programme, _rungs(programme)) for programme in programmes],
        page=page,
        rows=_rows(page.items, programmes),
        may_open_mails=allows(actor, Permission.VIEW_OPERATIONS),
    )


def _rungs(programme: Programme) -> list[Rung]:
    return [
        Rung(policy.words(step), [ROLE_NAMES[role] for role in Role if role in step.recipients])
        for step in queries.ladder_of(programme)
    ]


def _rows(entries: Sequence[ReminderEntry], programmes: Sequence[Programme]) -> list[Row]:
    names = names_of({entry.subject for entry in entries})
    ladders = {programme.id: queries.ladder_of(programme) for programme in programmes}
    return [
        Row(
            entry,
            names.get(entry.subject),
            policy.words_for_key(entry.step, ladders[entry.programme_id]) or text("%(key)s", key=entry.step),
        )
        for entry in entries
    ]
