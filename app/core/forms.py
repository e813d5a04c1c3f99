"""What the forms of all slices share: German input shapes and the version a form was made from."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

from flask import request
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import Field, HiddenField, StringField
from wtforms.validators import ValidationError
from wtforms.widgets import DateInput

from app.core.errors import DomainError
from app.core.i18n import translate

SENT_ALONG = frozenset({"csrf_token", "receipts", "next"})
"""What forms send beside what people type."""


class Form(FlaskForm):  # type: ignore[misc]
    """A form that can take up the refusal of a service beside the field it belongs to."""

    def process(self, *args: Any, **kwargs: Any) -> None:
        super().process(*args, **kwargs)
        for field in self:
            if isinstance(field.data, str):
                field.data = field.data.replace("\x00", "")  # PostgreSQL keeps no NUL, and nobody means one

    def refuse(self, error: DomainError) -> None:
        """Puts a service's sentence on its field, or above the form where it names none."""
        field = self._fields.get(error.field or "")
        if field is None:
            self.form_errors.append(translate(error.message))
        else:
            field.errors = [*field.errors, translate(error.message)]


class Needed:
    """Marks a field as required that the rules check: a draft may lack what a report needs, a file may be there."""

    field_flags = {"required": True}  # noqa: RUF012 (WTForms reads it from the class)

    def __call__(self, form: Form, field: Field) -> None:
        """Nothing is refused here."""


class VersionedForm(Form):
    """A form that knows which state of the row it was made from, so that nobody overwrites unseen."""

    version = HiddenField()

    @property
    def seen_version(self) -> int | None:
        """The version the person saw, None where the field was tampered with."""
        value = str(self.version.data or "")
        return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else None

    @property
    def left_over(self) -> list[str]:
        """What was typed into fields that the form no longer has: the page shows it, so that nothing is lost."""
        known = SENT_ALONG.union(self._fields)
        return [value for name, value in request.form.items(multi=True) if name not in known and value.strip()]


class DayField(Field):
    """A day: from the browser's date input as 2023-03-15, or typed as 15.03.2023. Keeps what was typed."""

    widget = DateInput()

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return self.data.isoformat() if self.data else ""

    def process_formdata(self, valuelist: list[Any]) -> None:
        if not valuelist or not valuelist[0].strip():
            self.data = None
            return
        typed = valuelist[0].strip()
        try:
            self.data = _parse_day(typed)
        except (ValueError, OverflowError):
            self.data = None
            raise ValueError(
                self.gettext_day(typed),
            ) from None

    @staticmethod
    def gettext_day(typed: str) -> str:
        """The sentence for something that is no day."""
        return str(_l("„%(typed)s“ ist kein Datum. Schreiben Sie zum Beispiel 15.03.2023.", typed=typed[:40]))


def _parse_day(typed: str) -> date:
    if "." in typed:
        day, month, year = typed.split(".")
        parsed = date(int(year), int(month), int(day))
    else:
        parsed = date.fromisoformat(typed)
    if not 1990 <= parsed.year <= 2100:
        raise ValueError("a year nobody means")
    return parsed


GERMAN_AMOUNT = re.compile(r"(\d{1,3}(?:\.\d{3}){1,3}|\d{1,12})(?:,(\d{1,2}))?", re.ASCII)


class MoneyField(StringField):
    """An amount in euro, zero or more, typed the German way: 1.234,56. A point parts thousands, never cents."""

    amount: Decimal | None = None

    def pre_validate(self, form: Any) -> None:
        typed = re.sub(r"[€\s]", "", self.data or "")
        if not typed:
            return
        match = GERMAN_AMOUNT.fullmatch(typed)
        if match is None:
            raise ValidationError(str(_l("Schreiben Sie einen Betrag wie 1.234,56.")))
        self.amount = Decimal(f"{match[1].replace('.', '')}.{match[2] or '0'}")


def amount_typed(amount: Decimal | None) -> str | None:
    """An amount as a `MoneyField` would be typed: 1.234,56."""
    return None if amount is None else f"{amount:,.2f}".translate(str.maketrans(",.", ".,"))


def stripped(value: str | None) -> str | None:
    """Text without white space around it; nothing typed is None."""
    return (value or "").strip() or None
