"""The forms of signing in."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import EmailField, HiddenField, PasswordField
from wtforms.validators import InputRequired, Length

from app.core.forms import Form


class SignInForm(Form):
    """E-mail and password; `next` is where the person wanted to go."""

    email = EmailField(
        _l("E-Mail-Adresse"),
        [InputRequired(_l("Bitte geben Sie Ihre E-Mail-Adresse ein.")), Length(max=320)],
        render_kw={"autocomplete": "username"},
    )
    password = PasswordField(
        _l("Passwort"),
        [InputRequired(_l("Bitte geben Sie Ihr Passwort ein."))],
        render_kw={"autocomplete": "current-password"},
    )
    next = HiddenField()


class PasswordForm(Form):
    """A new password, twice."""

    password = PasswordField(
        _l("Neues Passwort"),
        [InputRequired(_l("Bitte geben Sie ein Passwort ein."))],
        render_kw={"autocomplete": "new-password"},
    )
    repeated = PasswordField(
        _l("Passwort wiederholen"),
        [InputRequired(_l("Bitte wiederholen Sie das Passwort."))],
        render_kw={"autocomplete": "new-password"},
    )
