"""Revoked means revoked: what the console has acknowledged holds for every page asked for from then on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.gateway.flipping import READERS, flipped
from tests.gateway.portal_stack import portal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gateway.portal_stack import Portal, SeededFiles

pytestmark = pytest.mark.anyio
REMEMBERED_SECONDS = 30.0


class Remembering(httpx.AsyncBaseTransport):
    """A line that answers by itself what it was asked within the last half minute, as caches with a lifetime do."""

    def __init__(self, line: httpx.AsyncBaseTransport) -> None:
        self._line = line
        self._heard: dict[tuple[str, bytes], tuple[float, httpx.Response]] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        key, now = (str(request.url), body), time.monotonic()
        asks = request.url.path.startswith("/access/") or request.url.path.startswith("/v1/plan")
        if asks and key in self._heard and now - self._heard[key][0] < REMEMBERED_SECONDS:
            kept = self._heard[key][1]
            return httpx.Response(kept.status_code, headers=kept.headers, content=kept.content)
        answer = await self._line.handle_async_request(request)
        await answer.aread()
        if asks:
            self._heard[key] = (now, answer)
        return answer


async def _violations(running: Portal) -> list[str]:
    reader = await running.as_("sam")
    administrator = await running.as_("jo")
    return await flipped([reader.http] * READERS, administrator.http)


async def test_no_page_that_is_asked_for_after_a_flip_was_acknowledged_shows_the_old_state(
    tmp_path: Path, seeded_files: SeededFiles
) -> None:
    async with portal(tmp_path, seeded_files) as running:
        assert await _violations(running) == []


async def test_a_gateway_that_remembers_answers_for_a_while_would_be_caught(
    tmp_path: Path, seeded_files: SeededFiles
) -> None:
    async with portal(tmp_path, seeded_files) as running:
        http = running.state.authz._http
        http._transport = Remembering(http._transport)
        assert await _violations(running)
