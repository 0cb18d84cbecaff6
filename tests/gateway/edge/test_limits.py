"""What costs others time has a limit for each account, far above what is done by hand, and says when it ends."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from gateway.app import SITE
from gateway.edge.attempts import Attempts, MemoryCounter, RedisCounter
from gateway.edge.limits import ASKING, SIGN_UPS, Limit, network_of
from tests.gateway.account.test_sign_up import sign_up
from tests.gateway.portal_stack import Portal, SeededFiles, portal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx
    from redis.asyncio import Redis

    from tests.conftest import StandingClock
    from tests.gateway.portal_stack import Browser

pytestmark = pytest.mark.anyio
OFTEN = Limit("often", 5, 3600, "Too often.")
# What reaches somebody else: the practice is told, or has it to look through. `pay` has limits of its own.
LIMITED = {
    "/account/address": "addresses",
    "/ask": "asking",
    "/c/{client}/appointments/new": "appointments",
    "/c/{client}/appointments/{id}/cancel": "appointments",
    "/c/{client}/appointments/{id}/move": "appointments",
    "/c/{client}/documents": "uploads",
    "/c/{client}/forms/{id}/steps/{step}": "answers",
    "/c/{client}/messages/new": "messages",
    "/c/{client}/messages/{id}": "messages",
    "/c/{client}/profile": "profiles",
}


@pytest.fixture
async def site(tmp_path: Path, seeded_files: SeededFiles) -> AsyncIterator[Portal]:
    async with portal(tmp_path, seeded_files) as running:
        yield running


async def ask(browser: Browser, token: str) -> httpx.Response:
    fields = {"client": "mia", "type": "invoice", "action": "view", "note": "", "csrf": token}
    return await browser.http.post("/ask", data=fields)


def test_what_families_send_to_others_has_a_limit() -> None:
    assert {route.path: route.limit.name for route in SITE if route.limit} == LIMITED


@pytest.mark.parametrize("kind", ["memory", "redis"])
async def test_of_many_at_once_no_more_than_the_limit_are_done(kind: str, clock: StandingClock, redis: Redis) -> None:
    """Whatever process they reach; another account has its own count, and so has another thing."""
    attempts = Attempts(MemoryCounter(clock) if kind == "memory" else RedisCounter(redis))
    waits = await asyncio.gather(*(attempts.too_often(OFTEN, "account/dana") for _ in range(20)))
    assert waits.count(0) == OFTEN.most
    assert {wait for wait in waits if wait} <= set(range(3590, 3601))
    assert await attempts.too_often(OFTEN, "account/sam") == 0
    assert await attempts.too_often(Limit("seldom", 1, 60, ""), "account/dana") == 0


async def test_whoever_asks_again_and_again_is_told_when_to_go_on(site: Portal) -> None:
    sam, leo = await site.as_("sam"), await site.as_("leo")
    token = await sam.token("/account/requests")
    answers = [await ask(sam, token) for _ in range(ASKING.most + 1)]
    assert [answer.status_code for answer in answers] == [303] * ASKING.most + [429]
    assert "You have asked the practice very often within an hour. You can go on in 60 minutes." in answers[-1].text
    assert answers[-1].headers["retry-after"] == "3600"
    assert (await ask(leo, await leo.token("/account/requests"))).status_code != 429
    site.clock.advance(hours=1)
    again = await site.as_("sam")
    assert (await ask(again, await again.token("/account/requests"))).status_code == 303


async def test_without_the_count_there_is_no_end(site: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control."""

    async def never(*_args: object) -> int:
        return 0

    monkeypatch.setattr(site.state.attempts, "too_often", never)
    sam = await site.as_("sam")
    token = await sam.token("/account/requests")
    assert {(await ask(sam, token)).status_code for _ in range(ASKING.most + 5)} == {303}


async def test_one_network_signs_up_a_few_people_an_hour(site: Portal) -> None:
    """A waiting room shares one address; a machine that fills the queue does, too."""
    browser = site.browser()
    answers = [await sign_up(browser, email=f"ira{number}@mail.example") for number in range(SIGN_UPS.most + 1)]
    assert [answer.status_code for answer in answers] == [200] * SIGN_UPS.most + [429]
    assert "Very many people have signed up from this network" in answers[-1].text


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
    ],
)
def test_one_subscriber_is_one_network(address: str, network: str) -> None:
    """Whoever holds one IPv6 address holds 2 to the 64 of them."""
    assert network_of(address) == network
