"""A browser and an installation for the journeys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from playwright.sync_api import Browser, Page, sync_playwright

from tests.conftest import fresh_database, service_url
from tests.journeys.stack import Stack, running


@pytest.fixture(scope="session")
def broker(worker_number: int) -> Iterator[str]:
    """A Redis database of this test process's own."""
    url = f"{service_url('TEST_REDIS_URL').rsplit('/', 1)[0]}/{worker_number + 1}"
    client = redis.from_url(url)
    client.flushdb()
    yield url
    client.flushdb()
    client.close()


@pytest.fixture(scope="session")
def worker_number(request: pytest.FixtureRequest) -> int:
    name = getattr(request.config, "workerinput", {}).get("workerid", "gw0")
    return int(name.removeprefix("gw"))


@pytest.fixture(params=["postgresql", "sqlite"])
def stack(request: pytest.FixtureRequest, tmp_path: Path, broker: str, database_name: str) -> Iterator[Stack]:
    """An installation on PostgreSQL, and once more on the embedded default."""
    if request.param == "sqlite":
        with running(tmp_path, f"sqlite:///{tmp_path / 'wegmarke.db'}", broker) as installation:
            yield installation
    else:
        with fresh_database(f"{database_name}_journey") as url, running(tmp_path, url, broker) as installation:
            yield installation


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=service_url("CHROMIUM"), args=flags)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, stack: Stack) -> Iterator[Page]:
    """A page of somebody who reads German, with no JavaScript: everything must work without it."""
    context = browser.new_context(base_url=stack.address, locale="de-DE", java_script_enabled=False)
    context.set_default_timeout(30_000)
    yield context.new_page()
    context.close()
