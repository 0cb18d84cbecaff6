"""Sessions end, wherever they are kept, and their names cannot be found in the store."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from gateway.edge.errors import CannotDecide
from gateway.edge.redis_pool import open_redis
from gateway.edge.session_stores import MemorySessions, RedisSessions
from gateway.edge.sessions import (
    IDLE_SECONDS_MAX,
    WAITING_SECONDS_MAX,
    Sessions,
    SignIn,
    Waiting,
)
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
        assert name.encode() not in await redis.dump(key)
        assert name.encode() not in key


@pytest.mark.parametrize("value", [b"", b"[]", b"{}", b"null", b'{"subject_type":"admin"}', b"\xff"])
async def test_a_session_that_cannot_be_read_is_none(clock: StandingClock, redis: Redis, value: bytes) -> None:
    sessions = Sessions(RedisSessions(redis, clock), clock)
    name = await sessions.begin(DANA, None, ("pwd",))
    (key,) = await redis.keys("kinguard:session:*")
    await redis.set(key, value)
    assert await sessions.find(name) is None
    assert await sessions.list_of(*DANA) == []


async def test_a_person_s_sessions_end_together_and_nobody_else_s(sessions: Sessions) -> None:
    """ "Log out everywhere" leaves no session of the person, waiting ones included, and every one of others."""
    first, second = [await sessions.begin(DANA, None, ("pwd",)) for _ in range(2)]
    waiting = await sessions.begin(DANA, None, ("pwd",), SignIn(waiting=Waiting.SECOND_FACTOR))
    jo = await sessions.begin(JO, "northgate", ("pwd",))
    await sessions.end_all(*DANA, but=second)
    assert [await sessions.find(name) is not None for name in (first, second, waiting, jo)] == [
        False,
        True,
        False,
        True,
    ]
    await sessions.end_all(*DANA)
    assert [await sessions.find(name) is not None for name in (second, jo)] == [False, True]
    assert await sessions.list_of(*DANA) == []


async def test_a_person_sees_their_own_sessions_and_which_is_this_one(sessions: Sessions, clock: StandingClock) -> None:
    """The list has what is signed in now, and neither what waits nor what has ended nor anybody else's."""
    names = []
    for browser in ("Firefox", "Safari", "Edge"):
        names.append(await sessions.begin(DANA, None, ("pwd",), SignIn("dana", browser, "Windows")))
        clock.advance(seconds=60)
    await sessions.begin(DANA, None, ("pwd",), SignIn(waiting=Waiting.ENROLMENT))
    await sessions.begin(JO, "northgate", ("pwd",))
    await sessions.end(names[2])
    listed = await sessions.list_of(*DANA, own=names[0])
    assert [(one.session.sign_in.browser, one.is_own) for one in listed] == [("Firefox", True), ("Safari", False)]
    clock.advance(seconds=IDLE_SECONDS_MAX)
    assert await sessions.list_of(*DANA) == []


async def test_a_sign_in_without_its_second_factor_ends_soon(sessions: Sessions, clock: StandingClock) -> None:
    name = await sessions.begin(JO, "northgate", ("pwd",), SignIn(waiting=Waiting.SECOND_FACTOR))
    clock.advance(seconds=WAITING_SECONDS_MAX - 1)
    found = await sessions.find(name)
    assert found is not None
    assert found.sign_in.waiting is Waiting.SECOND_FACTOR
    clock.advance(seconds=1)
    assert await sessions.find(name) is None


async def test_a_challenge_is_answered_once(sessions: Sessions) -> None:
    """Of many answers to one challenge at the same time, one gets it."""
    name = await sessions.begin(DANA, None, ("pwd",))
    await sessions.challenge(name, "c1")
    taken = await asyncio.gather(*(sessions.answered(name) for _ in range(10)))
    assert sorted(map(str, taken)) == [*["None"] * 9, "c1"]


async def test_what_was_shown_later_counts_for_the_session(sessions: Sessions) -> None:
    name = await sessions.begin(DANA, None, ("pwd",))
    await sessions.strengthen(name, ("otp", "mfa"))
    await sessions.strengthen(name, ("otp", "mfa"))
    found = await sessions.find(name)
    assert found is not None
    assert found.amr == ("pwd", "otp", "mfa")


async def test_without_the_store_nobody_is_signed_in(clock: StandingClock, tmp_path: Path) -> None:
    redis = open_redis(f"unix://{tmp_path}/none.socket")
    with pytest.raises(CannotDecide):
        await Sessions(RedisSessions(redis, clock), clock).find("x" * 43)
    await redis.aclose()
    await redis.aclose()


async def test_a_kept_text_is_the_persons_own_and_stays_until_it_is_forgotten(sessions: Sessions) -> None:
    await sessions.keep("staff/rex", "draft", "one", 60)
    await sessions.keep("staff/rex", "draft", "two", 60)
    assert await sessions.kept("staff/rex", "draft") == "two"
    assert await sessions.kept("staff/rex", "draft") == "two", "looking at it takes nothing"
    assert await sessions.kept("staff/jo", "draft") is None
    await sessions.forget("staff/rex", "draft")
    assert await sessions.kept("staff/rex", "draft") is None
