"""Forms for reporting progress and for deciding about a report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import Field, HiddenField, MultipleFileField, RadioField, SelectField, SelectMultipleField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget, TextInput

from app.calendars.periods import Period
from app.core.forms import DayField, Needed, VersionedForm
from app.core.i18n import translate
from app.progress.health import HEALTH_NAMES, Health
from app.progress.reporting import LONGEST_TEXT, Report

LENGTH = Length(max=LONGEST_TEXT, message=_l("Höchstens 5.000 Zeichen passen hier hinein; Ihr Text hat %(length)d."))
FORECAST = "forecast_"


class PercentField(Field):
    """A whole number from 0 to 100, with or without a per cent sign. Keeps what was typed."""

    widget = TextInput()

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else str(self.data)

    def process_formdata(self, valuelist: list[Any]) -> None:
        typed = valuelist[0].strip().removesuffix("%").strip() if valuelist else ""
        self.data = None
        if not typed:
            return
        if not (typed.isascii() and typed.isdigit() and len(typed) <= 3 and int(typed) <= 100):
            raise ValueError(_("Bitte geben Sie eine ganze Zahl von 0 bis 100 ein, zum Beispiel 65."))
        self.data = int(typed)


def _clean(value: str | None) -> str | None:
    """A line break counts once, and what PostgreSQL cannot keep is left out."""
    return value.replace("\r\n", "\n").replace("\x00", "") if value else value


def _long_text(label: Any, hint: Any, *validators: Any) -> TextAreaField:
    return TextAreaField(label, [*validators, LENGTH], description=hint, filters=[_clean])


class ReportForm(VersionedForm):
    """A report on a measure. `draft` names the draft the form was made from, whose version `version` is."""

    draft = HiddenField()
    period = SelectField(_l("Berichtszeitraum"), [Needed()], validate_choice=False)
    health = RadioField(_l("Ampel"), [Needed(), Optional()], validate_choice=False)
    health_reason = _long_text(
        _l("Begründung der Ampel"), _l("Nötig bei Gelb und Rot: Was ist los, was tun Sie dagegen?")
    )
    decision_wanted = _long_text(
        _l("Gewünschte Entscheidung"), _l("Nötig bei Rot: Wer soll bis wann was entscheiden?")
    )
    percent = PercentField(_l("Fortschritt in Prozent"), [Needed()], description=_l("0 bis 100, geschätzt."))
    done = _long_text(_l("Was wurde erledigt?"), _l("Stichworte genügen."), Needed())
    next_steps = _long_text(_l("Was steht als Nächstes an?"), None, Needed())
    risks = _long_text(_l("Risiken"), _l("Was könnte dazwischenkommen?"))
    removed = SelectMultipleField(
        _l("Wieder entfernen"),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        validate_choice=False,
    )
    files = MultipleFileField(
        _l("Dateien anhängen"),
        description=_l("PDF, Bilder, Word, Excel, PowerPoint, OpenDocument, Text; je höchstens 20 MB."),
    )

    def validate_period(self, field: SelectField) -> None:
        """Only what the list offers."""
        if field.data not in [choice[0] for choice in field.iter_choices()]:
            raise ValidationError(_("Bitte wählen Sie einen Berichtszeitraum aus der Liste."))

    def validate_health(self, field: RadioField) -> None:
        """Only a light there is."""
        if field.data and field.data not in set(Health):
            raise ValidationError(_("Bitte wählen Sie die Ampel: Grün, Gelb oder Rot."))

    @property
    def forecast_fields(self) -> list[DayField]:
        """The days asked for, one for each open milestone."""
        return [field for name, field in self._fields.items() if name.startswith(FORECAST)]

    @property
    def removed_ids(self) -> frozenset[UUID]:
        """The attachments to take off; anything that was not offered is passed over."""
        offered = {choice[0] for choice in self.removed.iter_choices()}
        return frozenset(UUID(key) for key in self.removed.data or () if key in offered)

    def report(self) -> Report:
        """What was written, as far as it has a meaning; the period must be one."""
        days = {UUID(field.name.removeprefix(FORECAST)): field.data for field in self.forecast_fields if field.data}
        return Report(
            period=Period.parse(self.period.data),
            health=Health(self.health.data) if self.health.data in set(Health) else None,
            health_reason=self.health_reason.data,
            decision_wanted=self.decision_wanted.data,
            percent=self.percent.data,
            done=self.done.data,
            next_steps=self.next_steps.data,
            risks=self.risks.data,
            forecasts=days,
        )


def report_form(
    *,
    periods: Sequence[tuple[str, str]],
    milestones: Sequence[tuple[UUID, str, str]],
    attachments: Sequence[tuple[str, str]],
    data: dict[str, Any],
) -> ReportForm:
    """The form for one measure: `milestones` are id, title and a remark of each that is still open."""
    days = {forecast_name(key): DayField(title, description=remark) for key, title, remark in milestones}
    form: ReportForm = type("ReportForm", (ReportForm,), days)(data=data)
    form.period.choices = list(periods)
    form.health.choices = [(health.value, translate(HEALTH_NAMES[health])) for health in Health]
    form.removed.choices = list(attachments)
    return form


def forecast_name(milestone_id: UUID) -> str:
    """The name of the field with the forecast of a milestone."""
    return f"{FORECAST}{milestone_id.hex}"


def prefilled_forecasts(days: dict[UUID, date]) -> dict[str, date]:
    """Forecasts as the form takes them."""
    return {forecast_name(key): day for key, day in days.items()}


class DecisionForm(VersionedForm):
    """What is written with a decision: why a report is given back, and why an emergency could not wait.

    The view takes out `override_reason` for whoever needs no emergency, and for a return, which is none.
    """

    reason = TextAreaField(
        _l("Begründung"),
        [Needed(), LENGTH],
        description=_l("Was fehlt, was soll anders werden? Die Projektleitung bekommt diesen Text."),
        filters=[_clean],
    )
    override_reason = TextAreaField(
        _l("Begründung des Notfalls"),
        [
            DataRequired(_l("Begründung des Notfalls fehlt")),
            Length(max=2000, message=_l("Höchstens 2.000 Zeichen passen hier hinein; Ihr Text hat %(length)d.")),
        ],
        description=_l("Sie steht im Protokoll und in jedem Digest an die Fördermittelgeber."),
        filters=[_clean],
    )
