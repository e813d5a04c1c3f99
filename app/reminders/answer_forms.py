"""What is asked on the page behind a link of a reminder mail."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import TextAreaField
from wtforms.validators import DataRequired, Length

from app.core.forms import DayField, VersionedForm, stripped
from app.milestones.forms import TOO_LONG, DayRequired


class ForecastForm(VersionedForm):
    """A sentence on a forecast."""

    note = TextAreaField(
        _l("Ein Satz dazu"),
        [Length(max=500, message=TOO_LONG)],
        filters=[stripped],
        description=_l("Freiwillig. Er steht im Verlauf der Maßnahme."),
    )


class ReachedForm(VersionedForm):
    """When it was reached, and what."""

    actual_on = DayField(
        _l("Ist-Termin"),
        [DayRequired(_l("Bitte geben Sie an, wann das Ziel erreicht wurde."))],
        description=_l("Der Tag, an dem das Ziel erreicht wurde."),
    )
    statement = TextAreaField(
        _l("Was wurde erreicht?"),
        [DataRequired(_l("Bitte beschreiben Sie, was erreicht wurde.")), Length(max=5000, message=TOO_LONG)],
        filters=[stripped],
        description=_l("Ein Satz genügt. Die Bereichsleitung entscheidet danach."),
    )
