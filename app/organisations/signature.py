"""How a decision is signed: by whoever took it, and "i. V." where they stood in for somebody. Pure."""

from __future__ import annotations

from typing import Any, Protocol

from app.core.localized import Localized
from app.core.text import Text, text


class Decided(Protocol):
    """What somebody decided, perhaps in place of somebody who was away; both are accounts."""

    @property
    def decided_by(self) -> Any: ...

    @property
    def decided_for(self) -> Any: ...


def signature(decision: Decided) -> Text | Localized | None:
    """The name under a decision, None where it is not known."""
    if decision.decided_by is None:
        return None
    name: Localized = decision.decided_by.name
    if decision.decided_for is None:
        return name
    return text("%(name)s i. V. %(head)s", name=name, head=decision.decided_for.name)
