"""What the format does not allow, said in a sentence."""

from __future__ import annotations

import re
import types
from collections.abc import Mapping
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic_core import ErrorDetails

from app.core.localized import Localized
from app.core.text import Text, ntext, text
from app.programmes.ladder import LATEST_SEND_TIME
from app.transfer.entries import Entry
from app.transfer.findings import Path, with_suggestion
from app.transfer.format import CityFile

NO_SHARE = text("Das ist kein Anteil. Schreiben Sie ihn als Zahl von 0 bis 1, etwa 0.65 für 65 Prozent.")

SENTENCES: Mapping[str, Text] = {
    "bool_type": text("Hier wird „true“ oder „false“ erwartet."),
    "int_type": text("Hier wird eine ganze Zahl erwartet."),
    "list_type": text("Hier wird eine Liste erwartet, jede Zeile mit „- “ am Anfang."),
    "dict_type": text("Hier werden benannte Angaben erwartet, etwa „name: …“."),
    "model_type": text("Hier werden benannte Angaben erwartet, etwa „name: …“."),
    "string_pattern_mismatch": text(
        "Ein Schlüssel besteht aus Kleinbuchstaben ohne Umlaute, Ziffern, „-“ und „_“, etwa „mein-programm“."
    ),
    "one_line": text("Hier ist nur eine Zeile erlaubt."),
    "day": text("Das ist kein Tag im Kalender. Schreiben Sie ihn als Jahr-Monat-Tag, etwa 2023-06-30."),
    "partial_date": text(
        "Das ist kein Datum. Erlaubt sind 2023, 2023-07, 2023-07-15 und Jahreszeiten wie 2023-22 (Sommer)."
    ),
    "period": text("Das ist kein Zeitraum. Erlaubt sind 2022-12, 2022-Q4 und 2022-H2."),
    "clock_time": text("Das ist keine Uhrzeit. Schreiben Sie sie wie 07:00."),
    "send_time": text("Die Versandzeit darf nicht nach %(latest)s Uhr liegen.", latest=f"{LATEST_SEND_TIME:%H:%M}"),
    "money": text("Das ist kein Betrag. Schreiben Sie ihn ohne Tausenderzeichen, Cent nach einem Punkt: 2681669.09."),
    "money_places": text("Ein Betrag hat höchstens zwei Stellen nach dem Punkt."),
    "money_too_large": text("Der Betrag ist zu groß."),
    "share": NO_SHARE,
    "share_places": text("Ein Anteil hat höchstens vier Stellen nach dem Punkt."),
    "share_too_large": NO_SHARE,
    "negative": text("Die Zahl darf nicht negativ sein."),
    "email": text("Das ist keine E-Mail-Adresse."),
    "address": text("Das ist keine vollständige Adresse. Sie beginnt mit https:// oder http://."),
    "time_zone": text("Das ist keine Zeitzone. Schreiben Sie sie wie Europe/Berlin."),
}
"""Sentences that need no more than the kind of error."""


def sentence(error: ErrorDetails) -> Text:
    """The sentence for one error of the format."""
    kind, context, value = error["type"], error.get("ctx", {}), error["input"]
    if kind in SENTENCES:
        return SENTENCES[kind]
    if kind == "missing" and error["loc"] == ("city",):
        return text("Die Angabe „city“ fehlt. Ergänzt die Datei eine andere, so nennen Sie beide, die andere zuerst.")
    if kind == "missing":
        return text("Die Angabe „%(name)s“ fehlt.", name=error["loc"][-1])
    if kind == "extra_forbidden":
        name = str(error["loc"][-1])
        return with_suggestion(
            text("Die Angabe „%(name)s“ gibt es hier nicht.", name=_short(name)),
            name,
            _names_at(error["loc"][:-1]),
        )
    if kind == "string_type":
        return _not_text(value)
    if kind == "string_too_short":
        return text("Hier fehlt der Text.")
    if kind == "string_too_long":
        n = int(context["max_length"])
        return ntext("Höchstens %(n)s Zeichen sind möglich.", "Höchstens %(n)s Zeichen sind möglich.", n)
    if kind == "too_short":
        return text("Diese Liste darf nicht leer sein.")
    if kind in ("literal_error", "enum"):
        return _not_one_of(value, str(context["expected"]))
    if kind in ("greater_than_equal", "less_than_equal"):
        return _out_of_range(kind, context)
    return text("Der Wert „%(value)s“ ist hier nicht möglich.", value=_short(value))


def _not_text(value: Any) -> Text:
    if isinstance(value, (dict, list)):
        return text("Hier wird ein Text erwartet.")
    return text("Hier wird ein Text erwartet. Setzen Sie „%(value)s“ in Anführungszeichen.", value=_short(value))


def _not_one_of(value: Any, expected: str) -> Text:
    options = re.findall(r"'([^']*)'", expected) or [expected]
    problem = text(
        "„%(value)s“ ist hier nicht möglich. Möglich: %(options)s.",
        value=_short(value),
        options=", ".join(options),
    )
    return with_suggestion(problem, str(value)[:100], options)


def _out_of_range(kind: str, context: Mapping[str, Any]) -> Text:
    if kind == "greater_than_equal":
        return text("Die Zahl muss mindestens %(limit)s sein.", limit=context["ge"])
    return text("Die Zahl darf höchstens %(limit)s sein.", limit=context["le"])


def _short(value: Any) -> str:
    written = {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
    return written if len(written) <= 60 else f"{written[:59]}…"


def _names_at(path: Path) -> frozenset[str]:
    """The names that are allowed at a path of the format."""
    found: Any = CityFile
    for part in path:
        found = _inner(found)
        if isinstance(found, type) and issubclass(found, Entry):
            fields = {field.alias or name: field for name, field in found.model_fields.items()}
            found = fields[str(part)].annotation if part in fields else None
        else:
            found = get_args(found)[-1] if get_args(found) else None
    found = _inner(found)
    if found is Localized:
        return frozenset({"de", "en"})
    return found.field_names() if isinstance(found, type) and issubclass(found, Entry) else frozenset()


def _inner(annotation: Any) -> Any:
    """An annotation without `Annotated` and `| None`."""
    if get_origin(annotation) is Annotated:
        return _inner(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return _inner(next(arm for arm in get_args(annotation) if arm is not type(None)))
    return annotation
