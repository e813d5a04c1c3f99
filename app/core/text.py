"""Sentences as values, so that pure rules can speak without knowing the reader's language.

The message id is the German sentence. `str()` gives it in German; `core.i18n.translate` gives it in the
language of whoever reads the page, the mail or the terminal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Text:
    """One sentence with its parameters, and its plural form where a number decides. A tuple is said as a list."""

    msgid: str
    params: Mapping[str, Any] = field(default_factory=dict)
    plural: str | None = None

    def __str__(self) -> str:
        chosen = self.plural if self.plural is not None and self.params["n"] != 1 else self.msgid
        return chosen % {name: _said(param) for name, param in self.params.items()} if self.params else chosen

    def __hash__(self) -> int:
        return hash(str(self))


def _said(param: Any) -> Any:
    return ", ".join(map(str, param)) if isinstance(param, tuple) else param


def text(msgid: str, **params: Any) -> Text:
    """A sentence to be translated at the edge."""
    return Text(msgid, params)


def joined(parts: Sequence[Text]) -> Text:
    """Several sentences in one, with semicolons between them."""
    if len(parts) == 1:
        return parts[0]
    return text("%(first)s; %(rest)s", first=parts[0], rest=joined(parts[1:]))


def ntext(singular: str, plural: str, n: int, **params: Any) -> Text:
    """A sentence whose wording depends on the number `n`, which it may name as %(n)s."""
    return Text(singular, {"n": n, **params}, plural)
