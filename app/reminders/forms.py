"""The forms of reminders: what to look at, one's own wishes, a programme's settings and its steps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import time
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, Field, HiddenField, RadioField, SelectField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import DataRequired, Length, StopValidation, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget, TimeInput

from app.core.forms import DayField, Form, stripped

TOO_LONG = _l("Bitte kürzen Sie den Text auf höchstens %(max)s Zeichen.")
MOST_DAYS_SHOWN = 120
DAYS_SHOWN = 14
MOST_OFFSET_DAYS = 365
TIME_OF_DAY = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?(?:\s*Uhr)?", re.ASCII)


def one_line(value: str | None) -> str | None:
    """Text on one line, without white space around it; nothing typed is None."""
    return stripped(" ".join(str(value).split()) if value is not None else None)


class ClockField(Field):
    """A time of day: from the browser as 07:30, or typed as 7 Uhr. Keeps what was typed."""

    widget = TimeInput()

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return f"{self.data:%H:%M}" if self.data else ""

    def process_formdata(self, valuelist: list[Any]) -> None:
        typed = valuelist[0].replace("\x00", "").strip() if valuelist else ""
        self.data = None
        if not typed:
            return
        match = TIME_OF_DAY.fullmatch(typed)
        try:
            if match is None:
                raise ValueError
            self.data = time(int(match[1]), int(match[2] or 0))
        except ValueError:
            raise ValueError(
                _("„%(typed)s“ ist keine Uhrzeit. Schreiben Sie zum Beispiel 7:30.", typed=typed[:40])
            ) from None


class DaysField(StringField):
    """A whole number of days between `least` and `most`. Keeps what was typed; `days` is None where nothing was."""

    def __init__(self, label: Any = None, validators: Any = None, *, least: int, most: int, **options: Any) -> None:
        super().__init__(label, validators, filters=[one_line], **options)
        self.least, self.most = least, most

    @property
    def days(self) -> int | None:
        """The number, once the form is valid."""
        return int(self.data) if self.data else None

    def pre_validate(self, form: Any) -> None:
        typed = self.data or ""
        is_number = typed.isascii() and typed.isdigit() and len(typed) < 6
        if typed and not (is_number and self.least <= int(typed) <= self.most):
            raise StopValidation(
                _("Schreiben Sie eine ganze Zahl von %(least)s bis %(most)s.", least=self.least, most=self.most)
            )


class TimeRequired:
    """Asks for a time of day, and leaves the sentence of the field alone when what was typed is none."""

    field_flags = {"required": True}  # noqa: RUF012 (read by wtforms)

    def __call__(self, form: Form, field: ClockField) -> None:
        if field.data is None and not field.errors:
            raise StopValidation(_("Bitte geben Sie eine Uhrzeit an."))


def _checkboxes(label: Any, hint: Any = None, coerce: Any = str) -> SelectMultipleField:
    return SelectMultipleField(
        label,
        choices=[],
        coerce=coerce,
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        description=hint,
    )


class PreviewForm(Form):
    """Which days are looked at, and whose mails. It only asks, so it travels in the address."""

    class Meta:
        """A question needs no token."""

        csrf = False

    from_on = DayField(_l("Vom"), name="from", id="from-on")
    days = DaysField(_l("Tage"), least=1, most=MOST_DAYS_SHOWN)
    programme = SelectField(_l("Programm"), default="")
    person = SelectField(_l("Person"), default="")


class PreferencesForm(Form):
    """How somebody wants to be reminded."""

    weekdays = _checkboxes(
        _l("An welchen Tagen möchten Sie Erinnerungen bekommen?"),
        _l("Was an anderen Tagen anfällt, steht in der nächsten gewünschten Mail."),
        coerce=int,
    )
    send_time = ClockField(
        _l("Um wie viel Uhr?"),
        description=_l(
            "Freiwillig, zwischen 6 und 20 Uhr. Die eine Mail des Tages kommt dann nicht früher. Sie kommt auch nie "
            "vor der Versandzeit des Programms, aus dem sie etwas zu sagen hat."
        ),
    )
    paused_until_on = DayField(
        _l("Pause bis einschließlich"),
        description=_l(
            "Freiwillig, höchstens ein Jahr. Wer verreist, trägt besser eine Abwesenheit ein: Dann wird die "
            "Vertretung erinnert."
        ),
    )
    wants_optional = BooleanField(
        _l("Ich möchte abbestellbare Erinnerungen bekommen"),
        description=_l(
            "Das sind die Erinnerungen vor dem Termin und am Tag selbst, außer an Pflichten aus Zuwendungen."
        ),
    )


class SeenForm(Form):
    """A change to what somebody else may change as well. `seen` is what was stored when the form was made."""

    seen = HiddenField()


class SettingsForm(SeenForm):
    """When a programme's mails leave, and after how many days something is due."""

    send_time = ClockField(
        _l("Versand ab"),
        [TimeRequired()],
        description=_l(
            "Uhrzeit in der Zeitzone des Programms, spätestens 22 Uhr. Vorher geht keine Erinnerung hinaus."
        ),
    )
    update_due_days = DaysField(
        _l("Tage bis zum Sachstand"),
        [DataRequired(_l("Bitte geben Sie eine Zahl an."))],
        least=0,
        most=180,
        description=_l("So viele Kalendertage nach dem Ende eines Zeitraums ist der Sachstand fällig."),
    )
    approval_days = DaysField(
        _l("Frist für Freigaben in Arbeitstagen"),
        [DataRequired(_l("Bitte geben Sie eine Zahl an."))],
        least=1,
        most=90,
        description=_l("So viele Arbeitstage nach dem Antrag soll entschieden sein."),
    )
    stale_days = DaysField(
        _l("Tage ohne Sachstand bis zur Nachfrage"),
        least=1,
        most=1000,
        description=_l("Freiwillig: Ist so lange kein Sachstand gemeldet, wird daraus eine Frist. Leer: nie."),
    )


BEFORE, ON, AFTER = "before", "on", "after"
CALENDAR, WORKING = "calendar", "working"


class StepForm(SeenForm):
    """A step: when it comes, whom it calls, and what is said."""

    side = RadioField(
        _l("Wann?"),
        [DataRequired(_l("Bitte wählen Sie aus der Liste."))],
        choices=[
            SelectChoice(BEFORE, _l("vor dem Termin")),
            SelectChoice(ON, _l("am Tag selbst")),
            SelectChoice(AFTER, _l("nach dem Termin")),
        ],
    )
    days = DaysField(
        _l("Wie viele Tage?"),
        least=1,
        most=MOST_OFFSET_DAYS,
        description=_l("Nicht nötig für den Tag selbst."),
    )
    unit = RadioField(
        _l("Was für Tage?"),
        [DataRequired(_l("Bitte wählen Sie aus der Liste."))],
        choices=[SelectChoice(CALENDAR, _l("Kalendertage")), SelectChoice(WORKING, _l("Arbeitstage"))],
        default=CALENDAR,
        description=_l(
            "Fällt ein Kalendertag auf keinen Arbeitstag, gilt der Arbeitstag davor, nach dem Termin der danach."
        ),
    )
    repeat_days = DaysField(
        _l("Danach wiederholen alle … Tage"),
        least=1,
        most=MOST_OFFSET_DAYS,
        description=_l(
            "Freiwillig, nur nach dem Termin: so lange, bis es erledigt ist. Gezählt wird in denselben Tagen."
        ),
    )
    recipients = _checkboxes(
        _l("Wer wird erinnert?"),
        _l("Ist eine Aufgabe nicht besetzt, geht die Erinnerung an die Bereichsleitung, sonst an die Koordination."),
    )
    named = _checkboxes(
        _l("Außerdem diese Personen"), _l("Freiwillig: Sie werden an jede Frist des Programms erinnert.")
    )
    wording = StringField(
        _l("Was soll dazugesagt werden?"),
        [Length(max=300, message=TOO_LONG)],
        filters=[one_line],
        description=_l("Freiwillig: Dieser Satz steht in der Mail unter der Frist."),
    )
    wording_en = StringField(
        _l("Was soll dazugesagt werden? Auf Englisch"), [Length(max=300, message=TOO_LONG)], filters=[one_line]
    )

    def offer(self, parts: Sequence[tuple[str, str]], people: Iterable[tuple[str, str]]) -> None:
        """Whom a step can call: parts, and people by name."""
        self.recipients.choices = list(parts)
        self.named.choices = list(people)

    def validate_days(self, field: DaysField) -> None:
        """Days before or after; none for the day itself."""
        if self.side.data in (BEFORE, AFTER) and not field.data:
            raise ValidationError(_("Bitte geben Sie an, wie viele Tage."))
        if self.side.data == ON and field.data:
            raise ValidationError(_("Für den Tag selbst bleibt die Zahl der Tage leer."))

    def validate_repeat_days(self, field: DaysField) -> None:
        """Only after the due day."""
        if field.data and self.side.data != AFTER:
            raise ValidationError(_("Wiederholt wird nur, was nach dem Termin kommt."))

    def validate_wording(self, field: StringField) -> None:
        """No English wording without a German one."""
        if self.wording_en.data and not field.data:
            raise ValidationError(_("Bitte geben Sie auch die deutsche Fassung an."))

    @property
    def offset_days(self) -> int:
        """Days from the due day, negative before it."""
        days = self.days.days or 0
        return -days if self.side.data == BEFORE else days


class RemoveForm(SeenForm):
    """The yes to taking a step away."""


class CopyForm(SeenForm):
    """Whose ladder is taken over."""

    programme = SelectField(_l("Programm"), [DataRequired(_l("Bitte wählen Sie aus der Liste."))])
