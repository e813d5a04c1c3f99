"""The web process: `gunicorn wsgi:app`, and the application behind `flask`."""

from __future__ import annotations

import sys

import config
from app import create_app
from app.core import transaction
from workers import nudge

try:
    settings = config.load()
except config.SettingsError as error:
    sys.exit(f"Wegmarke cannot start: {error}")

app = create_app(settings)
with app.app_context():
    transaction.after_commit(nudge.after_commit)
