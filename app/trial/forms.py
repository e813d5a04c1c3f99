"""The control of the sandbox clock."""

from __future__ import annotations

from datetime import date, timedelta

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField

from app.core.forms import DayField, Form


class AdvanceForm(Form):
    """A day to move to, or one of the quick steps."""

    until = DayField(_l("bis zum"))
    step = HiddenField()
    next = HiddenField()

    def target(self, today: date) -> date | None:
        """The day meant, None where nothing sensible was sent."""
        if self.step.data == "1d":
            return today + timedelta(days=1)
        if self.step.data == "7d":
            return today + timedelta(days=7)
        if self.step.data == "1m":
            return month_after(today)
        return self.until.data  # type: ignore[no-any-return]


def month_after(day: date) -> date:
    """The same day of the next month, or its last day where it has no such day."""
    first_of_next = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    last_of_next = (first_of_next + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    return first_of_next.replace(day=min(day.day, last_of_next.day))
