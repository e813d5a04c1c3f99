"""What makes two entries without a key the same for the database."""

from __future__ import annotations

from app.core.database import sort_key
from app.transfer.format import Event

LONGEST_SORT_KEY = 300


def sorted_as(name: str) -> str:
    """The sort key of a name, no longer than its column: some letters fold to several."""
    return sort_key(name)[:LONGEST_SORT_KEY]


def event_key(event: Event) -> tuple[str, str]:
    """An event is named by its date and its title, whatever the case and the accents."""
    return str(event.on), sorted_as(event.title.de)
