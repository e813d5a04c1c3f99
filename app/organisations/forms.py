"""Forms for people and roles."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import EmailField, SelectField, StringField
from wtforms.validators import InputRequired, Length

from app.core.forms import Form


class RoleForm(Form):
    """A role, with the unit or the funder it is held for."""

    role = SelectField(_l("Rolle"), [InputRequired(_l("Bitte wählen Sie eine Rolle."))])
    unit = SelectField(_l("Stelle (nur für Bereichsleitungen)"), default="")
    organisation = SelectField(_l("Fördermittelgeber (nur für Fördermittelgeber)"), default="")


class PersonForm(RoleForm):
    """Somebody new."""

    name = StringField(_l("Name"), [InputRequired(_l("Bitte geben Sie den Namen an.")), Length(max=200)])
    email = EmailField(
        _l("E-Mail-Adresse"), [InputRequired(_l("Bitte geben Sie die E-Mail-Adresse an.")), Length(max=320)]
    )
