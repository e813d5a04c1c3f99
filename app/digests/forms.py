"""What is typed around a digest: up to which day it tells, and the yes to what was previewed."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField
from wtforms.validators import InputRequired
from wtforms.widgets import HiddenInput

from app.core.forms import DayField, Form


class UntilForm(Form):
    """Up to which day the preview tells. It only asks, so it travels in the address."""

    class Meta:
        """A question needs no token."""

        csrf = False

    until = DayField(
        _l("Stand bis einschließlich"), [InputRequired(_l("Bitte wählen Sie einen Tag."))], id="until-shown"
    )


class SendForm(Form):
    """Sends what was previewed: the same day, the same facts."""

    until = DayField(
        _l("Stand bis einschließlich"), [InputRequired(_l("Bitte wählen Sie einen Tag."))], widget=HiddenInput()
    )
    seen = HiddenField()
