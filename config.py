"""Settings of Wegmarke, read from the environment and checked before anything starts."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import unquote, urlsplit

TRIAL_STARTS_ON = date(2023, 3, 15)
"""A day on which both programmes were running: the default of the sandbox clock."""


class SettingsError(Exception):
    """A setting is missing or wrong; the message says which one and what to do."""


@dataclass(frozen=True)
class MailServer:
    """Where mail is handed in: the parts of MAIL_URL."""

    host: str
    port: int
    username: str | None
    password: str | None
    starttls: bool
    ssl: bool


@dataclass(frozen=True)
class Settings:
    """All settings of one process."""

    mode: str
    secret_key: str
    database_url: str
    broker_url: str
    mail_server: MailServer
    mail_from: str
    base_url: str
    var_dir: Path
    sandbox_starts_on: date | None
    trusted_proxies: int = 0
    mail_bounces: str | None = None

    @property
    def is_trial(self) -> bool:
        """Whether role sign-in and the sandbox clock exist."""
        return self.mode == "trial"


def load(environ: Mapping[str, str] = os.environ) -> Settings:
    """Reads and checks the settings.

    Raises:
        SettingsError: with one sentence that names the variable and the way out.
    """
    mode = environ.get("WEGMARKE_MODE", "production")
    if mode not in ("trial", "production"):
        raise SettingsError(f"WEGMARKE_MODE is '{mode}'; set it to 'trial' or 'production'.")
    production = mode == "production"
    var_dir = Path(environ.get("VAR_DIR") or Path(__file__).parent / "var").absolute()
    return Settings(
        mode=mode,
        secret_key=_secret_key(environ),
        database_url=_database_url(environ, var_dir, production),
        broker_url=_broker_url(environ),
        mail_server=_mail_server(environ),
        mail_from=_mail_from(environ),
        base_url=_base_url(environ),
        var_dir=var_dir,
        sandbox_starts_on=_sandbox_date(environ, production),
        trusted_proxies=_trusted_proxies(environ),
        mail_bounces=_mail_bounces(environ),
    )


def _required(environ: Mapping[str, str], name: str, example: str) -> str:
    value = environ.get(name, "").strip()
    if not value:
        raise SettingsError(f"{name} is not set; set it, for example {name}={example}")
    return value


def _secret_key(environ: Mapping[str, str]) -> str:
    key = _required(environ, "SECRET_KEY", '"$(openssl rand -hex 32)"')
    if len(key) < 32:
        raise SettingsError("SECRET_KEY is shorter than 32 characters; make one with: openssl rand -hex 32")
    return key


def _database_url(environ: Mapping[str, str], var_dir: Path, production: bool) -> str:
    example = "postgresql+psycopg://wegmarke:password@localhost/wegmarke"
    if not production and not environ.get("DATABASE_URL"):
        return f"sqlite:///{var_dir / 'wegmarke.db'}"
    url = _required(environ, "DATABASE_URL", example)
    if not url.startswith(("postgresql://", "postgresql+psycopg://", "sqlite:///")):
        raise SettingsError(f"DATABASE_URL must begin with postgresql:// or sqlite:///, such as {example}")
    if production and url.startswith("sqlite"):
        raise SettingsError(f"DATABASE_URL names SQLite, which is for trials only; use PostgreSQL: {example}")
    return url


def _broker_url(environ: Mapping[str, str]) -> str:
    url = _required(environ, "CELERY_BROKER_URL", "redis://localhost:6379/0")
    if not url.startswith(("redis://", "rediss://", "redis+socket://", "filesystem://")):
        raise SettingsError("CELERY_BROKER_URL must begin with redis://, rediss://, redis+socket:// or filesystem://")
    return url


def _mail_server(environ: Mapping[str, str]) -> MailServer:
    url = _required(environ, "MAIL_URL", "smtp://user:password@mail.example:587")
    parts = urlsplit(url)
    wrong = SettingsError(
        "MAIL_URL must look like smtp://host:port, smtp+starttls://user:password@host:587 or smtps://host:465"
    )
    try:
        port = parts.port
    except ValueError:
        raise wrong from None
    if parts.scheme not in ("smtp", "smtp+starttls", "smtps") or not parts.hostname:
        raise wrong
    return MailServer(
        host=parts.hostname,
        port=port or {"smtp": 25, "smtp+starttls": 587, "smtps": 465}[parts.scheme],
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        starttls=parts.scheme == "smtp+starttls",
        ssl=parts.scheme == "smtps",
    )


def _mail_from(environ: Mapping[str, str]) -> str:
    address = _required(environ, "MAIL_FROM", "wegmarke@stadt.example")
    if "@" not in address or any(character in address for character in "\r\n"):
        raise SettingsError(
            f"MAIL_FROM is '{address}', which is no mail address; set one such as wegmarke@stadt.example"
        )
    return address


def _mail_bounces(environ: Mapping[str, str]) -> str | None:
    """Where mails come back to that could not be delivered; to MAIL_FROM where this is not set."""
    address = environ.get("MAIL_BOUNCES", "").strip()
    if not address:
        return None
    if not re.fullmatch(r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w.-]+", address, re.ASCII):
        raise SettingsError(
            f"MAIL_BOUNCES is '{address}', which is no mail address; set one such as bounces@stadt.example, "
            "or unset it"
        )
    return address


def _base_url(environ: Mapping[str, str]) -> str:
    url = _required(environ, "BASE_URL", "https://wegmarke.stadt.example").rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise SettingsError(
            f"BASE_URL is '{url}'; it must be the full address, such as https://wegmarke.stadt.example"
        )
    return url


def _trusted_proxies(environ: Mapping[str, str]) -> int:
    value = environ.get("TRUSTED_PROXIES", "").strip() or "0"
    if value not in ("0", "1", "2", "3"):
        raise SettingsError(f"TRUSTED_PROXIES is '{value}'; set the number of reverse proxies in front, 0 to 3.")
    return int(value)


def _sandbox_date(environ: Mapping[str, str], production: bool) -> date | None:
    value = environ.get("WEGMARKE_TODAY", "").strip()
    if production:
        if value:
            raise SettingsError("WEGMARKE_TODAY is for trials only; unset it, or set WEGMARKE_MODE=trial.")
        return None
    if not value:
        return TRIAL_STARTS_ON
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise SettingsError(f"WEGMARKE_TODAY is '{value}'; write a day such as 2023-03-15.") from None
