"""What each light demands."""

from __future__ import annotations

import pytest

from app.progress import health
from app.progress.health import Health


@pytest.mark.parametrize(
    ("light", "reason", "decision", "lacking"),
    [
        (Health.GREEN, None, None, []),
        (Health.GREEN, "", "  ", []),
        (Health.YELLOW, "Lieferverzug", None, []),
        (Health.YELLOW, None, None, ["health_reason"]),
        (Health.YELLOW, " \n ", "Aufschub", ["health_reason"]),
        (Health.RED, "Kein Bieter", "Neue Ausschreibung", []),
        (Health.RED, "Kein Bieter", None, ["decision_wanted"]),
        (Health.RED, None, "Neue Ausschreibung", ["health_reason"]),
        (Health.RED, "", "\t", ["health_reason", "decision_wanted"]),
    ],
)
def test_each_light_demands_its_words(
    light: Health, reason: str | None, decision: str | None, lacking: list[str]
) -> None:
    assert [broken.field for broken in health.missing(light, reason, decision)] == lacking


def test_every_light_has_a_name_and_a_meaning() -> None:
    assert set(health.HEALTH_NAMES) == set(health.HEALTH_MEANINGS) == set(Health)
