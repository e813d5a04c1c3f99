"""The forms of a grant: what its notice says, and which measures it pays for."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, StringField
from wtforms.validators import DataRequired, Length, ValidationError

from app.core.forms import DayField, Form, MoneyField, stripped
from app.measures.forms import ChecklistField, Choices, Filled

TOO_LONG = _l("Bitte kürzen Sie den Text auf höchstens %(max)s Zeichen.")


class _GrantForm(Form):
    """What both forms ask for; the page sets the choices of the measures."""

    file_number = StringField(
        _l("Aktenzeichen"),
        [Length(max=80, message=TOO_LONG)],
        filters=[stripped],
        description=_l("Freiwillig, wie es im Bescheid steht."),
    )
    amount = MoneyField(
        _l("Betrag"),
        [Length(max=80, message=TOO_LONG)],
        description=_l("Freiwillig, in Euro, zum Beispiel 125.000,00."),
    )
    measures = ChecklistField(
        _l("Maßnahmen"),
        choices=[],
        validate_choice=False,
        description=_l("Welche Maßnahmen bezahlt diese Zuwendung? Für sie gilt der Bescheid als erfasst."),
    )

    def offer(self, choices: Choices) -> None:
        """The measures that may be ticked, by their keys."""
        self.measures.choices = list(choices)

    def validate_measures(self, field: ChecklistField) -> None:
        """Refuses what was not offered."""
        if not set(field.data or ()) <= {choice[0] for choice in field.iter_choices()}:
            raise ValidationError(str(_l("Bitte wählen Sie nur Maßnahmen dieses Programms.")))

    def chosen(self) -> frozenset[UUID]:
        """The measures that are ticked."""
        return frozenset(UUID(key) for key in self.measures.data or ())

    def facts(self) -> dict[str, Any]:
        """What was typed, as the service takes it."""
        return {
            "file_number": self.file_number.data,
            "notice_on": self["notice_on"].data,
            "amount": self.amount.amount,
        }


class NoticeForm(_GrantForm):
    """What the notice of a grant says. `seen` is what was stored when the form was made."""

    seen = HiddenField()
    notice_on = DayField(_l("Datum des Bescheids"), [Filled(_l("Bitte geben Sie an, von wann der Bescheid ist."))])


class CreateForm(_GrantForm):
    """A new grant."""

    title = StringField(
        _l("Bezeichnung"),
        [DataRequired(_l("Bitte geben Sie eine Bezeichnung an.")), Length(max=200, message=TOO_LONG)],
        filters=[stripped],
        description=_l("Zum Beispiel: Zuwendung für den autonomen Bus."),
    )
    notice_on = DayField(
        _l("Datum des Bescheids"),
        description=_l("Ohne Datum gilt der Bescheid als noch nicht erfasst; Sie können ihn später nachtragen."),
    )
