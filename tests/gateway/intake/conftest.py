"""What the tests of forms share: a running site, and saving a step as the page shows it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from sqlmodel import select

from models.tables.records import Form
from tests.gateway.portal_stack import Browser, Portal, SeededFiles, portal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def site(tmp_path: Path, seeded_files: SeededFiles) -> AsyncIterator[Portal]:
    async with portal(tmp_path, seeded_files) as running:
        yield running


def hidden(page: str, name: str) -> str:
    """The value of a hidden input."""
    found = re.search(rf'name="{name}" value="(\w+)"', page)
    assert found, f"there is no {name} on the page"
    return found[1]


def asked_on(page: str) -> list[str]:
    return re.findall(r'name="asked" value="(\w+)"', page)


async def save(browser: Browser, path: str, fields: dict[str, Any], *, page: str | None = None, **kwargs: Any) -> Any:
    """Send the questions of a step as the page shows it, with these answers."""
    shown = page or (await browser.get(path)).text
    form = {"version": hidden(shown, "version"), "asked": asked_on(shown), "go": "next"} | fields
    return await browser.post(path, form, path, **kwargs)


async def sign(browser: Browser, path: str, **fields: str) -> Any:
    """Send a form from its review page, signed."""
    review = (await browser.get(f"{path}/review")).text
    form = {"version": hidden(review, "version"), "name": "Dana Novak", "agree": "yes"} | fields
    return await browser.post(f"{path}/submit", form, f"{path}/review")


async def kept(site: Portal, form_id: str) -> Form:
    return await site.state.records.read("northgate", lambda session: session.get_one(Form, form_id))


async def rows(site: Portal, table: Any) -> list[Any]:
    return await site.state.records.read("northgate", lambda session: list(session.exec(select(table))))
