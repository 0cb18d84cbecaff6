"""Sessions end, wherever they are kept, and their names cannot be found in the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.edge.errors import CannotDecide
from gateway.edge.redis_pool import open_redis
from gateway.edge.sessions import IDLE_SECONDS_MAX, MemorySessions, RedisSessions, Sessions
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from pathlib import Path

    from redis.asyncio import Redis

    from tests.conftest import StandingClock

pytestmark = pytest.mark.anyio
DANA = (SubjectType.ACCOUNT, "dana")
JO = (SubjectType.STAFF, "jo")


@pytest.fixture(params=["memory", "redis"])
def sessions(request: pytest.FixtureRequest, clock: StandingClock, redis: Redis) -> Sessions:
    return Sessions(MemorySessions(clock) if request.param == "memory" else RedisSessions(redis, clock), clock)


async def test_a_session_is_found_by_its_name_alone(sessions: Sessions) -> None:
    name = await sessions.begin(DANA, None, ("pwd",))
    found = await sessions.find(name)
    assert found is not None
    assert (found.subject_type, found.subject_id, found.amr) == (*DANA, ("pwd",))
    assert await sessions.find(name[:-1] + "x") is None
    assert await sessions.begin(DANA, None, ("pwd",)) != name


async def test_a_session_ends_when_it_is_not_used(sessions: Sessions, clock: StandingClock) -> None:
    name = await sessions.begin(DANA, None, ("pwd",))
    clock.advance(seconds=IDLE_SECONDS_MAX - 1)
    assert await sessions.find(name) is not None
    clock.advance(seconds=IDLE_SECONDS_MAX - 1)
    assert await sessions.find(name) is not None
    clock.advance(seconds=IDLE_SECONDS_MAX)
    assert await sessions.find(name) is None


@pytest.mark.parametrize(("person", "hours"), [(DANA, 12), (JO, 8)])
async def test_a_session_ends_at_last_however_it_is_used(
    sessions: Sessions, clock: StandingClock, person: tuple[SubjectType, str], hours: int
) -> None:
    name = await sessions.begin(person, None, ("pwd",))
    for _ in range(hours * 6 - 1):
        clock.advance(seconds=600)
        assert await sessions.find(name) is not None
    clock.advance(seconds=600)
    assert await sessions.find(name) is None


async def test_an_ended_session_does_not_come_back(sessions: Sessions) -> None:
    name = await sessions.begin(DANA, None, ("pwd",))
    await sessions.end(name)
    assert await sessions.find(name) is None
    await sessions.say(name, "Saved.")
    assert await sessions.find(name) is None


async def test_a_sentence_is_heard_once(sessions: Sessions) -> None:
    name = await sessions.begin(JO, "northgate", ("pwd",))
    await sessions.say(name, "Saved.")
    assert await sessions.hear(name) == ("Saved.",)
    assert await sessions.hear(name) == ()


async def test_the_store_does_not_hold_the_name(clock: StandingClock, redis: Redis) -> None:
    name = await Sessions(RedisSessions(redis, clock), clock).begin(DANA, None, ("pwd",))
    for key in await redis.keys("*"):
        assert name.encode() not in key
        assert name.encode() not in await redis.get(key)


@pytest.mark.parametrize("value", [b"", b"[]", b"{}", b"null", b'{"subject_type":"admin"}', b"\xff"])
async def test_a_session_that_cannot_be_read_is_none(clock: StandingClock, redis: Redis, value: bytes) -> None:
    sessions = Sessions(RedisSessions(redis, clock), clock)
    name = await sessions.begin(DANA, None, ("pwd",))
    (key,) = await redis.keys("*")
    await redis.set(key, value)
    assert await sessions.find(name) is None


async def test_without_the_store_nobody_is_signed_in(clock: StandingClock, tmp_path: Path) -> None:
    redis = open_redis(f"unix://{tmp_path}/none.socket")
    with pytest.raises(CannotDecide):
        await Sessions(RedisSessions(redis, clock), clock).find("x" * 43)
    await redis.aclose()
    await redis.aclose()
