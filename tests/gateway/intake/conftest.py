"""What the tests of forms share: a running site, and saving and signing a form as its pages show it."""

from __future__ import annotations

import re
import secrets
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from sqlmodel import Session, select

from gateway.portal.intake.sending import send_forms
from models.tables.records import Form
from tests.gateway.portal_stack import portal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.gateway.portal_stack import Browser, Portal, SeededFiles


class Site:
    """One running site for a module's tests; each test takes forms of its own, so that none meets another's."""

    def __init__(self, running: Portal) -> None:
        self.portal = running
        self._browsers: dict[str, Browser] = {}

    async def as_(self, name: str) -> Browser:
        """Somebody's browser; each signs in once."""
        if name not in self._browsers:
            self._browsers[name] = await self.portal.as_(name)
        return self._browsers[name]

    async def change(self, work: Callable[[Session], Any]) -> Any:
        return await self.portal.state.records.change("northgate", work)

    async def rows(self, table: Any) -> list[Any]:
        return await self.change(lambda session: list(session.exec(select(table))))

    async def kept(self, form_id: str) -> Form:
        return await self.change(lambda session: session.get_one(Form, form_id))

    async def give(self, template: str) -> Form:
        """A new form of a standard template, about mia, for dana."""
        return await self.change(lambda session: give(session, template))

    async def turn_on(self, grant: str, *features: str) -> None:
        """Switch features on for one person."""
        authz = self.portal.state.authz
        etag = (await authz.grant(grant))["etag"]
        await authz.update_grant(grant, {"toggles": dict.fromkeys(features, True)}, etag=etag, actor="staff/jo")


@pytest.fixture(scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory, seeded_files: SeededFiles) -> AsyncIterator[Site]:
    async with portal(tmp_path_factory.mktemp("forms"), seeded_files) as running:
        yield Site(running)


def give(session: Session, template: str, account: str = "dana", client: str = "mia") -> Form:
    """A new form of one of northgate's standard templates."""
    (form,) = send_forms(
        session,
        client,
        [f"northgate-{template}"],
        to=[account],
        by="jo",
        key=secrets.token_hex(8),
        today=date(2026, 6, 15),
    )
    return form


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
    form = {"version": hidden(review, "version"), "typed_name": "Dana Novak", "agreed": "yes"} | fields
    return await browser.post(f"{path}/submit", form, f"{path}/review")
