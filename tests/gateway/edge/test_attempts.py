"""Guessing is bounded for a name and for an address, and a lock ends by itself."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from gateway.edge.attempts import (
    FOR_ONE_ADDRESS_MAX,
    FOR_ONE_NAME_MAX,
    WINDOW_SECONDS,
    Attempts,
    MemoryCounter,
    RedisCounter,
)

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from tests.conftest import StandingClock

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["memory", "redis"])
def attempts(request: pytest.FixtureRequest, clock: StandingClock, redis: Redis) -> Attempts:
    return Attempts(MemoryCounter(clock) if request.param == "memory" else RedisCounter(redis))


async def test_two_hundred_guesses_at_once_are_ten(attempts: Attempts) -> None:
    allowed = await asyncio.gather(*(attempts.begin("dana", f"10.0.0.{n}") for n in range(200)))
    assert sum(allowed) == FOR_ONE_NAME_MAX


async def test_one_address_cannot_try_everyone(attempts: Attempts) -> None:
    allowed = [await attempts.begin(f"name{n}", "10.0.0.1") for n in range(FOR_ONE_ADDRESS_MAX + 50)]
    assert sum(allowed) == FOR_ONE_ADDRESS_MAX
    assert await attempts.begin("dana", "10.0.0.2")


async def test_a_success_clears_the_name_and_does_not_count_for_the_address(attempts: Attempts) -> None:
    for _ in range(FOR_ONE_ADDRESS_MAX * 2):
        assert await attempts.begin("dana", "10.0.0.1")
        await attempts.succeeded("dana", "10.0.0.1")


async def test_a_lock_ends_by_itself(clock: StandingClock) -> None:
    attempts = Attempts(MemoryCounter(clock))
    for _ in range(FOR_ONE_NAME_MAX):
        assert await attempts.begin("dana", "10.0.0.1")
    assert not await attempts.begin("dana", "10.0.0.1")
    clock.advance(seconds=WINDOW_SECONDS)
    assert await attempts.begin("dana", "10.0.0.1")


async def test_a_count_in_redis_ends_by_itself(redis: Redis) -> None:
    await Attempts(RedisCounter(redis)).begin("dana", "10.0.0.1")
    for key in await redis.keys("*"):
        assert 0 < await redis.ttl(key) <= WINDOW_SECONDS
