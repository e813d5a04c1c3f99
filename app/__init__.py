"""Wegmarke: a city's measures under grant programmes, with workflows, approvals, reminders and digests."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

import structlog
from flask import Flask
from flask_migrate import Migrate
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

import app.accounts.models
import app.accounts.views
import app.audit.models
import app.core.heartbeat
import app.dashboard.navigation
import app.dashboard.views
import app.digests.cli
import app.digests.models
import app.digests.views
import app.documents.models
import app.grants.models
import app.grants.views
import app.mail.cli
import app.mail.models
import app.measures.cli
import app.measures.models
import app.measures.views
import app.milestones.models
import app.milestones.views
import app.operations.health
import app.operations.views
import app.organisations.cli
import app.organisations.models
import app.organisations.views
import app.portfolio.views
import app.programmes.cli
import app.programmes.models
import app.programmes.views
import app.progress.models
import app.progress.views
import app.readiness.cli
import app.readiness.views
import app.reminders.answer_views
import app.reminders.cli
import app.reminders.ladder_views
import app.reminders.models
import app.reminders.views
import app.simulation.cli
import app.transfer.cli
import app.transfer.views
import app.trial.cli
import app.trial.views
from app.core import assets, i18n, pages, security, transaction
from app.core.database import db
from config import Settings

ROOT = Path(__file__).parents[1]
MEGABYTE = 1024 * 1024

BLUEPRINTS = (
    assets.blueprint,
    app.accounts.views.blueprint,
    app.organisations.views.blueprint,
    app.programmes.views.blueprint,
    app.measures.views.blueprint,
    app.milestones.views.blueprint,
    app.progress.views.blueprint,
    app.grants.views.blueprint,
    app.reminders.views.blueprint,
    app.reminders.answer_views.blueprint,
    app.reminders.ladder_views.blueprint,
    app.digests.views.blueprint,
    app.portfolio.views.blueprint,
    app.readiness.views.blueprint,
    app.dashboard.views.blueprint,
    app.operations.views.blueprint,
    app.operations.health.blueprint,
    app.transfer.views.blueprint,
    app.trial.views.blueprint,
)
COMMANDS = (
    app.organisations.cli.commands,
    app.mail.cli.commands,
    app.reminders.cli.commands,
    app.digests.cli.commands,
    app.programmes.cli.commands,
    app.measures.cli.commands,
    app.trial.cli.commands,
    app.simulation.cli.simulate,
)


def create_app(settings: Settings) -> Flask:
    """Builds the application from checked settings."""
    flask = Flask(__name__, template_folder=str(ROOT / "templates"), static_folder="static")
    flask.config.update(
        SETTINGS=settings,
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS={"pool_pre_ping": True},
        SANDBOX_STARTS_ON=settings.sandbox_starts_on,
        MAX_CONTENT_LENGTH=55 * MEGABYTE,
        MAX_FORM_MEMORY_SIZE=2 * MEGABYTE,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.base_url.startswith("https://"),
        PERMANENT_SESSION_LIFETIME=timedelta(hours=12),
        WTF_CSRF_TIME_LIMIT=None,  # a form may stay open for as long as the session lives
        PROPAGATE_EXCEPTIONS=False,
    )
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))  # stdout is for answers
    flask.jinja_env.trim_blocks = True
    flask.jinja_env.lstrip_blocks = True
    if settings.trusted_proxies:
        hops = settings.trusted_proxies  # without them, everybody behind the proxy would share one address
        flask.wsgi_app = ProxyFix(flask.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]
    db.init_app(flask)
    Migrate(flask, db, directory=str(ROOT / "migrations"), render_as_batch=True, compare_type=True)
    forms = CSRFProtect(flask)
    forms.exempt(app.reminders.answer_views.opt_out_with_one_click)  # a mail program has no form
    i18n.init_app(flask)
    security.init_app(flask)  # before the transaction: hooks after a request run in reverse, and this one comes last
    transaction.init_app(flask, pages.conflict)
    pages.init_app(flask)
    app.accounts.views.init_app(flask)
    app.dashboard.navigation.init_app(flask)
    app.operations.views.init_app(flask)
    app.trial.views.init_app(flask)
    for blueprint in BLUEPRINTS:
        flask.register_blueprint(blueprint)
    for commands in COMMANDS:
        flask.cli.add_command(commands)
    return flask
