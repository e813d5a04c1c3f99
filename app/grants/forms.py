"""The forms of a grant: what its notice says, which measures it pays for, and what it obliges to."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import DataRequired, InputRequired, Length, ValidationError

from app.core.forms import DayField, Form, MoneyField, stripped
from app.measures.forms import ChecklistField, Choices, Filled

TOO_LONG = _l("Bitte kürzen Sie den Text auf höchstens %(max)s Zeichen.")
KINDS = (
    ("proof_of_use", _l("Verwendungsnachweis")),
    ("report", _l("Bericht")),
    ("call_for_funds", _l("Mittelabruf")),
    ("publication", _l("Veröffentlichung oder Hinweis auf die Förderung")),
    ("keep_receipts", _l("Belege aufbewahren")),
    ("other", _l("Anderes")),
)
"""What may be owed, in words."""


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


class ObligationForm(Form):
    """Something that the notice obliges to."""

    title = StringField(
        _l("Bezeichnung"),
        [DataRequired(_l("Bitte geben Sie eine Bezeichnung an.")), Length(max=200, message=TOO_LONG)],
        filters=[stripped],
        description=_l("Wie sie im Bescheid heißt, zum Beispiel: Zwischennachweis 2023."),
    )
    kind = SelectField(
        _l("Art"),
        [InputRequired(_l("Bitte wählen Sie die Art der Pflicht."))],
        choices=[SelectChoice(kind, words) for kind, words in (("", _l("Bitte wählen")), *KINDS)],
        validate_choice=False,
    )
    due_on = DayField(
        _l("Frist"),
        description=_l("Ohne Datum wird niemand erinnert; Sie können es später nachtragen."),
    )
    rule = TextAreaField(
        _l("Regel"),
        [Length(max=5000, message=TOO_LONG)],
        filters=[stripped],
        description=_l("Freiwillig: was genau verlangt ist, und wo es steht."),
    )

    def validate_kind(self, field: SelectField) -> None:
        """Refuses what was not offered."""
        if field.data not in dict(KINDS):
            raise ValidationError(str(_l("Bitte wählen Sie eine Art aus der Liste.")))


class _ObligationForm(Form):
    """A change to an obligation. `seen` is what was stored when the form was made."""

    seen = HiddenField()


class MoveForm(_ObligationForm):
    """A day, or another one, and why."""

    due_on = DayField(_l("Frist"), [Filled(_l("Bitte geben Sie die Frist an."))])
    reason = TextAreaField(
        _l("Begründung"),
        [
            DataRequired(_l("Bitte begründen Sie die Frist.")),
            Length(max=2000, message=TOO_LONG),
        ],
        filters=[stripped],
        description=_l(
            "Woher der Tag stammt oder wer zugestimmt hat. Die bisherige Frist und die Begründung bleiben sichtbar, "
            "auch für die Fördermittelgeber."
        ),
    )


class CompleteForm(_ObligationForm):
    """When it was done."""

    done_on = DayField(_l("Erledigt am"), [Filled(_l("Bitte geben Sie an, wann die Pflicht erledigt wurde."))])
    note = TextAreaField(
        _l("Anmerkung"),
        [Length(max=2000, message=TOO_LONG)],
        filters=[stripped],
        description=_l(
            "Freiwillig, sie steht im Protokoll. Auch eine Pflicht, die nur aus Versehen angelegt wurde, beenden Sie "
            "so: Schreiben Sie es hierher."
        ),
    )


class ReopenForm(_ObligationForm):
    """Why it is not done after all."""

    reason = TextAreaField(
        _l("Begründung"),
        [
            DataRequired(_l("Bitte begründen Sie, warum die Pflicht wieder offen ist.")),
            Length(max=2000, message=TOO_LONG),
        ],
        filters=[stripped],
        description=_l("Sie steht im Protokoll."),
    )
