"""Forms for people and roles."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import EmailField, HiddenField, RadioField, SelectField, StringField
from wtforms.validators import DataRequired, InputRequired, Length, ValidationError

from app.core.forms import DayField, Form, Needed

BOTH, ONLY = "both", "only"
"""Whom the reminders of somebody who is away reach: them and their deputy, or only the deputy."""


class RoleForm(Form):
    """A role, with the unit or the funder it is held for."""

    role = SelectField(_l("Rolle"), [DataRequired(_l("Bitte wählen Sie eine Rolle."))])
    unit = SelectField(_l("Stelle (nur für Bereichsleitungen)"), default="")
    organisation = SelectField(_l("Fördermittelgeber (nur für Fördermittelgeber)"), default="")


class PersonForm(RoleForm):
    """Somebody new."""

    name = StringField(_l("Name"), [InputRequired(_l("Bitte geben Sie den Namen an.")), Length(max=200)])
    email = EmailField(
        _l("E-Mail-Adresse"), [InputRequired(_l("Bitte geben Sie die E-Mail-Adresse an.")), Length(max=320)]
    )


class AbsenceForm(Form):
    """When somebody is away and who stands in; `seen` is the absence as it was when the form was made."""

    seen = HiddenField()
    from_on = DayField(_l("Erster Tag"), [Needed()])
    until_on = DayField(
        _l("Letzter Tag"),
        [Needed()],
        description=_l("Am Tag danach enden Vertretung und das Recht, „i. V.“ freizugeben."),
    )
    deputy = SelectField(_l("Vertretung"), [DataRequired(_l("Bitte wählen Sie, wer vertritt."))])
    reach = RadioField(_l("Erinnerungen gehen an"), [DataRequired(_l("Bitte wählen Sie, an wen."))], default=BOTH)

    def validate_from_on(self, field: DayField) -> None:
        """The first day is there."""
        if field.data is None and not field.errors:
            raise ValidationError(_l("Bitte geben Sie den ersten Tag an."))

    def validate_until_on(self, field: DayField) -> None:
        """The last day is there."""
        if field.data is None and not field.errors:
            raise ValidationError(_l("Bitte geben Sie den letzten Tag an."))


class DeputyForm(Form):
    """Who stands in as a rule; nobody is an answer too."""

    deputy = SelectField(_l("Ständige Vertretung"), default="")
