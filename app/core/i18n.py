"""Languages: who reads what, and how days, instants, money and data look to them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask import Flask, g, has_request_context, request, session
from flask_babel import (
    Babel,
    force_locale,
    format_currency,
    format_date,
    format_datetime,
    get_locale,
    ngettext,
)
from flask_babel import gettext as _
from flask_login import current_user

from app.core.clock import CITY_ZONE
from app.core.links import absolute_url
from app.core.localized import Localized
from app.core.text import Text

LANGUAGES = {"de": "Deutsch", "en": "English"}


def init_app(app: Flask) -> None:
    """Registers Babel and the template filters."""
    app.config["BABEL_DEFAULT_LOCALE"] = "de"
    app.config["BABEL_DEFAULT_TIMEZONE"] = str(CITY_ZONE)
    Babel(app, locale_selector=_readers_language)
    app.jinja_env.filters.update(
        t=translate,
        local=local,
        name=name,
        date=day,
        datetime=instant,
        time=time_of_day,
        money=money,
        percent=percent,
    )
    app.jinja_env.globals["get_locale"] = get_locale
    app.jinja_env.globals["languages"] = LANGUAGES
    app.jinja_env.globals["absolute_url"] = absolute_url


def _readers_language() -> str:
    if not has_request_context():
        return "de"
    if "language" in g:
        return str(g.language)
    if chosen := session.get("language"):
        return str(chosen)
    if current_user and current_user.is_authenticated:
        return str(current_user.language)
    return request.accept_languages.best_match(LANGUAGES, "de")


def language() -> str:
    """The language code of the current reader: de or en."""
    return str(get_locale() or "de")[:2]


@contextmanager
def in_language(code: str) -> Iterator[None]:
    """Texts made inside are in this language: a mail speaks its recipient's, not the sender's."""
    with force_locale(code):
        yield


def translate(value: Any) -> str:
    """A `Text` in the reader's language; anything else as its string."""
    if not isinstance(value, Text):
        return str(value)
    params = {name: readable(param) for name, param in value.params.items()}
    if value.plural is None:
        return str(_(value.msgid, **params))
    number = int(value.params["n"])
    return str(ngettext(value.msgid, value.plural, number, **(params | {"n": number})))


def readable(param: Any) -> Any:
    """A value as the reader sees it: sentences and data in their language, days and instants in its form."""
    if isinstance(param, tuple):
        return ", ".join(str(readable(part)) for part in param)
    if isinstance(param, Text):
        return translate(param)
    if isinstance(param, Localized):
        return local(param)
    if isinstance(param, datetime):
        return instant(param)
    return day(param) if isinstance(param, date) else param


def local(value: Localized | str | None) -> str:
    """Data in the reader's language."""
    if value is None:
        return ""
    return value.in_language(language()) if isinstance(value, Localized) else value


def name(value: Text | Localized | str | None) -> str:
    """What a thing is called, whether its name is data or a sentence of ours."""
    return translate(value) if isinstance(value, Text) else local(value)


def day(value: Any) -> str:
    """A day, or a date known only in part, as 15.03.2023 or „Sommer 2023“."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        value = value.astimezone(CITY_ZONE).date()
    if isinstance(value, date):
        return str(format_date(value, "dd.MM.yyyy" if language() == "de" else "d MMM yyyy"))
    return translate(value.label())


def instant(value: datetime | None) -> str:
    """An instant in the city's zone, as 15.03.2023, 09:30."""
    if value is None:
        return ""
    return str(format_datetime(value, "dd.MM.yyyy, HH:mm" if language() == "de" else "d MMM yyyy, HH:mm"))


def time_of_day(value: datetime) -> str:
    """The time of an instant in the city's zone, as 09:30."""
    return value.astimezone(CITY_ZONE).strftime("%H:%M")


def money(value: Decimal | None) -> str:
    """An amount in euro, as 1.234.567,89 €."""
    return "" if value is None else format_currency(value, "EUR")


def percent(value: Decimal | float | None) -> str:
    """A share between 0 and 1 as 65 %."""
    if value is None:
        return ""
    number = f"{float(value) * 100:.1f}".rstrip("0").rstrip(".")
    return f"{number.replace('.', ',')} %" if language() == "de" else f"{number}%"
