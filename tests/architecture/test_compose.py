"""docker-compose.yml: what must hold for every service, and a proof that each rule notices when it is broken."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

import config

COMPOSE = Path(__file__).parents[2] / "docker-compose.yml"
LONG_RUNNING = {"web", "worker", "beat", "postgres", "redis", "mailpit"}
OURS = {"web", "worker", "beat", "migrate"}
SECRET = re.compile(r"SECRET|PASSWORD|TOKEN|_KEY$")
VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?P<rest>[^}]*)\}")
PINNED = re.compile(r"[\w./-]+:v?\d+\.\d+[\w.-]*")

Services = dict[str, dict[str, Any]]


def read() -> Services:
    services: Services = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
    return services


def environment(services: Services) -> Iterator[tuple[str, str, str]]:
    for service, definition in services.items():
        for name, value in definition.get("environment", {}).items():
            yield service, name, str(value)


def missing_services(services: Services) -> set[str]:
    return (LONG_RUNNING | OURS) ^ set(services)


def without_health_check(services: Services) -> set[str]:
    return {
        name
        for name in LONG_RUNNING & set(services)
        if len(services[name].get("healthcheck", {}).get("test", [])) < 2
    }


def not_waiting_for_the_migration(services: Services) -> set[str]:
    done = {"condition": "service_completed_successfully"}
    waiting = {name for name, service in services.items() if service.get("depends_on", {}).get("migrate") == done}
    return OURS - {"migrate"} - waiting


def unpinned_images(services: Services) -> set[str]:
    """Images from elsewhere, and those ours is built from, need a version in their tag."""
    images = {service["image"] for service in services.values() if "build" not in service}
    for service in services.values():
        dockerfile = service.get("build", {}).get("dockerfile_inline", "")
        images |= set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE))
    return {image for image in images if not PINNED.fullmatch(image)}


def default_secrets(services: Services) -> set[str]:
    """A secret comes from the environment, and its absence stops the start with a sentence."""
    found = {
        name for _, name, value in environment(services) if SECRET.search(name) and not VARIABLE.fullmatch(value)
    }
    for _, _, value in environment(services):
        for variable in VARIABLE.finditer(value):
            if SECRET.search(variable["name"]) and not re.fullmatch(r":\?.{10,}", variable["rest"]):
                found.add(variable["name"])
        if re.search(r"://[^:/@${]*:[^@${]+@", value):
            found.add(value)
    return found


def open_ports(services: Services) -> set[str]:
    ports = {str(port) for service in services.values() for port in service.get("ports", [])}
    return {port for port in ports if not port.startswith("127.0.0.1:")}


def running_as_root(services: Services) -> set[str]:
    users = {
        name: re.findall(r"^USER (\S+)", services[name]["build"]["dockerfile_inline"], re.MULTILINE)
        for name in OURS & set(services)
    }
    return {name for name, said in users.items() if not said or said[-1] in ("root", "0") or "user" in services[name]}


def outside_their_profile(services: Services) -> set[str]:
    """The mail server that swallows mails must never start by itself."""
    profiles = {name: service.get("profiles", []) for name, service in services.items()}
    return {name for name, of_service in profiles.items() if of_service != (["trial"] if name == "mailpit" else [])}


RULES: list[Callable[[Services], set[str]]] = [
    missing_services,
    without_health_check,
    not_waiting_for_the_migration,
    unpinned_images,
    default_secrets,
    open_ports,
    running_as_root,
    outside_their_profile,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_compose_file_keeps_the_rule(rule: Callable[[Services], set[str]]) -> None:
    assert rule(read()) == set()


def set_at(*path: str, value: Any) -> Callable[[Services], None]:
    def change(services: Services) -> None:
        part: Any = services
        for key in path[:-1]:
            part = part[key]
        part[path[-1]] = value

    return change


def replace_in_dockerfile(old: str, new: str) -> Callable[[Services], None]:
    def change(services: Services) -> None:
        build = services["web"]["build"]
        assert old in build["dockerfile_inline"]
        build["dockerfile_inline"] = build["dockerfile_inline"].replace(old, new)

    return change


@pytest.mark.parametrize(
    ("rule", "breaking"),
    [
        (missing_services, lambda services: services.pop("beat")),
        (without_health_check, lambda services: services["beat"].pop("healthcheck")),
        (without_health_check, set_at("redis", "healthcheck", "test", value=["NONE"])),
        (not_waiting_for_the_migration, lambda services: services["worker"]["depends_on"].pop("migrate")),
        (unpinned_images, set_at("postgres", "image", value="postgres:latest")),
        (unpinned_images, set_at("redis", "image", value="redis")),
        (unpinned_images, set_at("redis", "image", value="redis:7")),
        (unpinned_images, replace_in_dockerfile("3.11.13-slim-bookworm", "slim")),
        (default_secrets, set_at("web", "environment", "SECRET_KEY", value="${SECRET_KEY:-change-me}")),
        (default_secrets, set_at("web", "environment", "SECRET_KEY", value="${SECRET_KEY}")),
        (default_secrets, set_at("postgres", "environment", "POSTGRES_PASSWORD", value="wegmarke")),
        (
            default_secrets,
            set_at("web", "environment", "DATABASE_URL", value="postgresql://wegmarke:secret@postgres/x"),
        ),
        (open_ports, set_at("web", "ports", value=["8000:8000"])),
        (open_ports, set_at("postgres", "ports", value=["0.0.0.0:5432:5432"])),
        (running_as_root, replace_in_dockerfile("USER wegmarke", "")),
        (running_as_root, replace_in_dockerfile("USER wegmarke", "USER root")),
        (outside_their_profile, lambda services: services["mailpit"].pop("profiles")),
    ],
)
def test_a_broken_rule_is_noticed(
    rule: Callable[[Services], set[str]], breaking: Callable[[Services], object]
) -> None:
    services = deepcopy(read())
    breaking(services)
    assert rule(services) != set()


def test_the_application_accepts_the_settings_it_is_given() -> None:
    given = {
        "SECRET_KEY": "0123456789abcdef" * 4,
        "POSTGRES_PASSWORD": "0123456789abcdef",
        "MAIL_URL": "smtp://mail.stadt.example:25",
        "MAIL_FROM": "wegmarke@stadt.example",
        "BASE_URL": "https://wegmarke.stadt.example",
    }

    def fill_in(variable: re.Match[str]) -> str:
        rest = variable["rest"]
        return given.get(variable["name"], rest.removeprefix(":-") if rest.startswith(":-") else "")

    values = {name: VARIABLE.sub(fill_in, value) for service, name, value in environment(read()) if service == "web"}
    settings = config.load(values)
    assert settings.mode == "production"
    assert settings.database_url == "postgresql+psycopg://wegmarke:0123456789abcdef@postgres:5432/wegmarke"
