"""The form that takes in a city file."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField, FileRequired

from app.core.forms import VersionedForm


class UploadForm(VersionedForm):
    """A file with the workflow of a programme; its version is that of the draft it would replace."""

    file = FileField(_l("Datei"), [FileRequired(_l("Bitte wählen Sie eine Datei."))])
