"""How the log's field names and values read. Pure.

Fields of a programme's workflow are logged under their German label and pass through unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from app.core.text import Text, text

FIELD_NAMES: Mapping[str, Text] = {
    "active": text("Zugang"),
    "actual_on": text("Ist-Termin"),
    "decision_wanted": text("gewünschte Entscheidung"),
    "description": text("Beschreibung"),
    "done": text("Erledigt"),
    "forecast_on": text("Prognose"),
    "from_on": text("vom"),
    "health": text("Ampel"),
    "health_reason": text("Begründung der Ampel"),
    "lead": text("Projektleitung"),
    "next_steps": text("Nächste Schritte"),
    "percent": text("Fortschritt in Prozent"),
    "planned_on": text("Plan-Termin"),
    "recipients": text("Empfänger"),
    "risks": text("Risiken"),
    "state": text("Stand"),
    "status": text("Status"),
    "title": text("Titel"),
    "today": text("Heute"),
    "unit": text("Verantwortliche Stelle"),
    "until_on": text("bis einschließlich"),
}


def field_name(name: str) -> Text | str:
    """The field in the reader's words; a name that is none of ours is data and stays."""
    return FIELD_NAMES.get(name, name)


def value(logged: Any) -> Any:
    """The logged value as it was before it became text: a day, an instant, a yes or no, or as it stands."""
    if logged is None:
        return text("leer")
    if isinstance(logged, bool):
        return text("ja") if logged else text("nein")
    if isinstance(logged, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", logged):
        return date.fromisoformat(logged)
    if isinstance(logged, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}T.*[+]\d{2}:\d{2}", logged):
        return datetime.fromisoformat(logged)
    return logged
