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
    "activities": text("Teilprojekte"),
    "actual_on": text("Ist-Termin"),
    "amount": text("Betrag"),
    "amount_note": text("Anmerkung zum Betrag"),
    "approval_days": text("Frist für Freigaben in Arbeitstagen"),
    "basis": text("Grundlage"),
    "commitment_on": text("Datum der Zusage"),
    "decision_wanted": text("gewünschte Entscheidung"),
    "deputy": text("Vertretung"),
    "deputy_only": text("Erinnerungen nur an die Vertretung"),
    "description": text("Beschreibung"),
    "digest_rhythm": text("Rhythmus des Digests"),
    "documents": text("Verweise"),
    "done": text("Erledigt"),
    "done_on": text("Erledigt am"),
    "due_on": text("Frist"),
    "ends": text("Ende"),
    "emergency_override": text("Notfall beim Vier-Augen-Prinzip erlaubt"),
    "evidence": text("Nachweise"),
    "field": text("Handlungsfeld"),
    "file_number": text("Aktenzeichen"),
    "focus_area": text("Schwerpunkt"),
    "forecast_on": text("Prognose"),
    "from_on": text("vom"),
    "funder_relevant": text("Dem Fördermittelgeber zugesagt"),
    "grant": text("Zuwendung"),
    "grant_amount": text("Zuwendung"),
    "health": text("Ampel"),
    "health_reason": text("Begründung der Ampel"),
    "language": text("Sprache"),
    "last_error": text("Letzter Fehler"),
    "lead": text("Projektleitung"),
    "legal_basis": text("Rechtsgrundlage"),
    "level": text("Ebene"),
    "measures": text("Maßnahmen"),
    "name": text("Name"),
    "named": text("Namentlich"),
    "next_steps": text("Nächste Schritte"),
    "notice_count": text("Zahl der Bescheide"),
    "notice_on": text("Datum des Bescheids"),
    "number": text("Nummer"),
    "offset_days": text("Tage bis zur Frist"),
    "other_fund": text("Anderes Fördergeld"),
    "parent": text("übergeordnete Stelle"),
    "part": text("Aufgabe im Programm"),
    "partners": text("Partner"),
    "paused_until_on": text("Pause bis einschließlich"),
    "percent": text("Fortschritt in Prozent"),
    "period_ends_on": text("Bewilligungszeitraum bis"),
    "period_starts_on": text("Bewilligungszeitraum von"),
    "planned_on": text("Plan-Termin"),
    "planned_precision": text("Genauigkeit des Plans"),
    "predecessors": text("Vorgänger"),
    "rate": text("Fördersatz"),
    "recipients": text("Empfänger"),
    "repeat_days": text("Wiederholung nach Tagen"),
    "risks": text("Risiken"),
    "rule": text("Regel"),
    "send_time": text("Versand ab"),
    "short_name": text("Kurzname"),
    "stale_days": text("Tage ohne Sachstand bis zur Nachfrage"),
    "standing_deputy": text("Ständige Vertretung"),
    "starts": text("Beginn"),
    "state": text("Stand"),
    "status": text("Status"),
    "summary": text("Kurzbeschreibung"),
    "time_zone": text("Zeitzone"),
    "title": text("Titel"),
    "today": text("Heute"),
    "total_cost": text("Gesamtkosten"),
    "unit": text("Verantwortliche Stelle"),
    "until_on": text("bis einschließlich"),
    "update_due_days": text("Tage bis zum Sachstand"),
    "update_rhythm": text("Rhythmus der Sachstände"),
    "version": text("Version"),
    "wanted_on": text("Beantragter Plan-Termin"),
    "wants_optional": text("Abbestellbare Erinnerungen"),
    "weekdays": text("Wochentage der Erinnerungen"),
    "wording": text("Wortlaut"),
    "working_days": text("In Arbeitstagen"),
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
