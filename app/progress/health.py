"""Health of a measure: green, yellow, red, and what each demands. Pure.

Health is not progress: the same colours mean different things in practice, so they are two fields.
Meanings after https://www.haufe.de/finance/haufe-finance-office-premium/projektcontrolling-instrumente-in-klassischen-und-agile-12-statusbericht-ein-aufmerksamkeitsgenerator-fuer-den-projektleiter_idesk_PI20354_HI14307513.html
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from app.core.errors import RuleBroken
from app.core.text import Text, text


class Health(StrEnum):
    """The light of a measure."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


HEALTH_NAMES: Mapping[Health, Text] = {
    Health.GREEN: text("Grün"),
    Health.YELLOW: text("Gelb"),
    Health.RED: text("Rot"),
}
HEALTH_MEANINGS: Mapping[Health, Text] = {
    Health.GREEN: text("Alles läuft nach Plan."),
    Health.YELLOW: text("Es gibt Probleme, das Projekt löst sie selbst."),
    Health.RED: text("Ohne Entscheidung oder Hilfe von außen wird das Ziel verfehlt."),
}


def missing(health: Health, reason: str | None, decision_wanted: str | None) -> tuple[RuleBroken, ...]:
    """What the light still demands, each on its field: yellow and red a reason, red also a wanted decision."""
    broken = []
    if health is not Health.GREEN and not (reason or "").strip():
        broken.append(RuleBroken(text("Bitte begründen Sie Gelb oder Rot."), "health_reason"))
    if health is Health.RED and not (decision_wanted or "").strip():
        broken.append(
            RuleBroken(text("Bei Rot nennen Sie bitte die Entscheidung, die Sie brauchen."), "decision_wanted")
        )
    return tuple(broken)
