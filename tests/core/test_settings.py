"""Settings are checked at start, each with one sentence that names the variable and the way out."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

import config

GOOD = {
    "WEGMARKE_MODE": "production",
    "SECRET_KEY": "x" * 40,
    "DATABASE_URL": "postgresql+psycopg://wegmarke@localhost/wegmarke",
    "CELERY_BROKER_URL": "redis://localhost:6379/0",
    "MAIL_URL": "smtp+starttls://bote:ge%40heim@mail.example",
    "MAIL_FROM": "wegmarke@stadt.example",
    "BASE_URL": "https://wegmarke.stadt.example/",
    "VAR_DIR": "/tmp/var",
}


def test_good_settings_are_read_whole() -> None:
    settings = config.load(GOOD)
    assert settings.base_url == "https://wegmarke.stadt.example"
    assert settings.mail_server == config.MailServer("mail.example", 587, "bote", "ge@heim", starttls=True, ssl=False)
    assert settings.var_dir == Path("/tmp/var")
    assert settings.sandbox_starts_on is None
    assert not settings.is_trial


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY is not set"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY is shorter"),
        ({"DATABASE_URL": ""}, "DATABASE_URL is not set"),
        ({"DATABASE_URL": "sqlite:////tmp/x.db"}, "DATABASE_URL names SQLite"),
        ({"DATABASE_URL": "mysql://localhost/x"}, "DATABASE_URL must begin with"),
        ({"CELERY_BROKER_URL": ""}, "CELERY_BROKER_URL is not set"),
        ({"CELERY_BROKER_URL": "amqp://localhost"}, "CELERY_BROKER_URL must begin with"),
        ({"MAIL_URL": "mail.example"}, "MAIL_URL must look like"),
        ({"MAIL_URL": "smtp://mail.example:port"}, "MAIL_URL must look like"),
        ({"MAIL_FROM": "nobody"}, "MAIL_FROM is 'nobody'"),
        ({"MAIL_FROM": "a@b\r\nBcc: c@d"}, "which is no mail address"),
        ({"MAIL_BOUNCES": "nobody"}, "MAIL_BOUNCES is 'nobody', which is no mail address"),
        ({"MAIL_BOUNCES": "Wegmarke <a@b.example>"}, "MAIL_BOUNCES is"),
        ({"MAIL_BOUNCES": "a@b.example,c@d.example"}, "MAIL_BOUNCES is"),
        ({"BASE_URL": "wegmarke.stadt.example"}, "BASE_URL is"),
        ({"WEGMARKE_TODAY": "2023-03-15"}, "WEGMARKE_TODAY is for trials only"),
        ({"TRUSTED_PROXIES": "viele"}, "TRUSTED_PROXIES is 'viele'"),
        ({"WEGMARKE_MODE": "demo"}, "WEGMARKE_MODE is 'demo'"),
        ({"WEGMARKE_MODE": "trial", "WEGMARKE_TODAY": "15.3.2023"}, "write a day such as 2023-03-15"),
    ],
)
def test_a_wrong_setting_is_refused_with_one_sentence(changes: dict[str, str], sentence: str) -> None:
    with pytest.raises(config.SettingsError, match=sentence) as refusal:
        config.load(GOOD | changes)
    assert "\n" not in str(refusal.value) or "Bcc" in str(refusal.value)


def test_undeliverable_mail_comes_back_to_the_sender_unless_another_address_is_set() -> None:
    assert config.load(GOOD).mail_bounces is None
    assert config.load(GOOD | {"MAIL_BOUNCES": ""}).mail_bounces is None
    assert config.load(GOOD | {"MAIL_BOUNCES": "bounces@stadt.example"}).mail_bounces == "bounces@stadt.example"


def test_a_trial_has_an_embedded_database_and_a_sandbox_date() -> None:
    trial = {**GOOD, "WEGMARKE_MODE": "trial"}
    del trial["DATABASE_URL"]
    settings = config.load(trial)
    assert settings.database_url == "sqlite:////tmp/var/wegmarke.db"
    assert settings.sandbox_starts_on == date(2023, 3, 15)
    assert config.load({**trial, "WEGMARKE_TODAY": "2021-10-01"}).sandbox_starts_on == date(2021, 10, 1)
