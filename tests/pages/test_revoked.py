"""Revoked means revoked, through both services as processes."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx

from tests.gateway.flipping import READERS, SWITCHED, flipped
from tests.pages.stack import Visitor

if TYPE_CHECKING:
    from tests.pages.stack import Stack


def test_thirty_two_readers_see_nothing_that_was_switched_off_before_they_asked(stack: Stack) -> None:
    def session(name: str) -> httpx.Cookies:
        visitor = Visitor(stack)
        with visitor.http:
            assert visitor.sign_in(name).status_code == 303
            return visitor.http.cookies

    readers, administrator = session("sam"), session("jo")

    async def play() -> list[str]:
        async with httpx.AsyncClient(base_url=stack.site, cookies=administrator, timeout=30) as console:
            clients = [httpx.AsyncClient(base_url=stack.site, cookies=readers, timeout=30) for _ in range(READERS)]
            try:
                return await flipped(clients, console)
            finally:
                await asyncio.gather(*(client.aclose() for client in clients))

    before = stack.backend.get("/v1/grants/g_sam_mia").json()["toggles"]
    with ThreadPoolExecutor(1) as aside:  # A browser of other tests holds an event loop in this thread.
        assert aside.submit(asyncio.run, play()).result() == []
    assert stack.backend.get("/v1/grants/g_sam_mia").json()["toggles"] == before, SWITCHED
