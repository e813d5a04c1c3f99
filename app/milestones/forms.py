"""The forms of a milestone's life: plan, edit, move, drop, ask for approval, decide."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf.file import MultipleFileField
from wtforms import BooleanField, HiddenField, StringField, TextAreaField
from wtforms.validators import AnyOf, DataRequired, Length, StopValidation

from app.core.forms import DayField, Form, VersionedForm, stripped
from app.milestones.approval import Decision

TOO_LONG = _l("Bitte kürzen Sie den Text auf höchstens %(max)s Zeichen.")


PROMISED = _l("Dem Fördermittelgeber zugesagt")
PROMISED_HINT = _l(
    "Dann gilt ein neuer Plan-Termin erst, wenn die Leitung der verantwortlichen Stelle ihn freigegeben hat. "
    "Zurücknehmen kann diese Angabe nur die Koordination."
)


class DayRequired:
    """Asks for a day, and leaves the sentence of the field alone when what was typed is none."""

    field_flags = {"required": True}  # noqa: RUF012 (read by wtforms)

    def __init__(self, message: Any) -> None:
        self.message = message

    def __call__(self, form: Form, field: DayField) -> None:
        if field.data is None and not field.errors:
            raise StopValidation(str(self.message))


class PlanForm(Form):
    """A new milestone."""

    title = StringField(
        _l("Titel"),
        [DataRequired(_l("Bitte geben Sie einen Titel an.")), Length(max=200, message=TOO_LONG)],
        filters=[stripped],
        description=_l("Was soll erreicht sein? Zum Beispiel: Businformationssystem in Betrieb."),
    )
    description = TextAreaField(
        _l("Beschreibung"),
        [Length(max=5000, message=TOO_LONG)],
        filters=[stripped],
        description=_l("Freiwillig: Woran erkennt man, dass das Ziel erreicht ist?"),
    )
    planned_on = DayField(_l("Plan-Termin"), [DayRequired(_l("Bitte geben Sie den Plan-Termin an."))])
    funder_relevant = BooleanField(PROMISED, description=PROMISED_HINT)


class EditForm(VersionedForm):
    """What is promised, without the day: that is moved with a reason.

    The view takes out `funder_relevant` for whoever may not take that promise back.
    """

    title = StringField(
        _l("Titel"),
        [DataRequired(_l("Bitte geben Sie einen Titel an.")), Length(max=200, message=TOO_LONG)],
        filters=[stripped],
    )
    description = TextAreaField(
        _l("Beschreibung"),
        [Length(max=5000, message=TOO_LONG)],
        filters=[stripped],
        description=_l("Freiwillig: Woran erkennt man, dass das Ziel erreicht ist?"),
    )
    funder_relevant = BooleanField(PROMISED, description=PROMISED_HINT)


class MoveForm(VersionedForm):
    """Another day, and why."""

    planned_on = DayField(_l("Neuer Plan-Termin"), [DayRequired(_l("Bitte geben Sie den neuen Plan-Termin an."))])
    reason = TextAreaField(
        _l("Begründung"),
        [
            DataRequired(_l("Bitte begründen Sie, warum der Termin verschoben wird.")),
            Length(max=2000, message=TOO_LONG),
        ],
        filters=[stripped],
        description=_l("Der bisherige Termin und die Begründung bleiben sichtbar, auch für die Fördermittelgeber."),
    )


class DropForm(VersionedForm):
    """Why a promise is given up."""

    reason = TextAreaField(
        _l("Begründung"),
        [
            DataRequired(_l("Bitte begründen Sie, warum der Meilenstein entfällt.")),
            Length(max=2000, message=TOO_LONG),
        ],
        filters=[stripped],
    )


class RequestForm(VersionedForm):
    """When it was reached, what was reached, and what shows it."""

    actual_on = DayField(_l("Ist-Termin"), [DayRequired(_l("Bitte geben Sie an, wann das Ziel erreicht wurde."))])
    statement = TextAreaField(
        _l("Was wurde erreicht?"),
        [DataRequired(_l("Bitte beschreiben Sie, was erreicht wurde.")), Length(max=5000, message=TOO_LONG)],
        filters=[stripped],
        description=_l("Zwei, drei Sätze genügen. Die Bereichsleitung entscheidet danach."),
    )
    files = MultipleFileField(_l("Nachweise"))


class AnswerForm(Form):
    """Approve or return; `decision` is the button they pressed.

    The view takes out `override_reason` for whoever needs no emergency, and `reason` for whoever can only approve in
    one.
    """

    decision = StringField(
        validators=[
            AnyOf(
                [Decision.APPROVED.value, Decision.RETURNED.value],
                _l("Bitte wählen Sie „Freigeben“ oder „Zurückgeben“."),
            )
        ]
    )
    reason = TextAreaField(
        _l("Begründung"),
        [Length(max=2000, message=TOO_LONG)],
        filters=[stripped],
        description=_l("Pflicht, wenn Sie zurückgeben: Was fehlt noch?"),
    )
    override_reason = TextAreaField(
        _l("Begründung des Notfalls"),
        [DataRequired(_l("Begründung des Notfalls fehlt")), Length(max=2000, message=TOO_LONG)],
        filters=[stripped],
        description=_l("Sie steht im Protokoll und in jedem Digest an die Fördermittelgeber."),
    )


class DecisionForm(AnswerForm):
    """Whether a milestone is reached; `approval` is the request the person has read."""

    approval = HiddenField()


class MoveDecisionForm(AnswerForm):
    """Whether a promise moves; `wish` is the request the person has read."""

    wish = HiddenField()
