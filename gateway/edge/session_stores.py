"""Where sessions are kept: in the memory of one process, or in Redis for several."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import orjson
from redis.exceptions import RedisError

from gateway.edge.errors import CannotDecide
from gateway.edge.sessions import ABSOLUTE_SECONDS_MAX, Session, SignIn, Waiting
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from redis.asyncio import Redis

SESSIONS_MAX = 50_000  # of one process, in memory; beyond it the one unused for longest goes


class MemorySessions:
    """Sessions of a single process: the embedded default."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._persons: defaultdict[str, set[str]] = defaultdict(set)
        self._texts: OrderedDict[str, tuple[str, float]] = OrderedDict()

    async def read(self, key: str) -> Session | None:
        """The session, unless it has ended."""
        session = self._sessions.get(key)
        if session is not None and session.ends_at <= self._clock().timestamp():
            self._forget(key)
            return None
        return session

    async def write(self, key: str, session: Session, *, existing: bool) -> None:
        """Keep it until it ends; with `existing`, only if it is still there."""
        if existing and key not in self._sessions:
            return
        self._sessions[key] = session
        self._sessions.move_to_end(key)
        self._persons[session.person].add(key)
        while len(self._sessions) > SESSIONS_MAX:
            self._forget(next(iter(self._sessions)))

    async def delete(self, key: str) -> None:
        """End it."""
        self._forget(key)

    async def keys_of(self, person: str) -> list[str]:
        """The keys of a person's sessions; some may have ended."""
        return list(self._persons.get(person, ()))

    async def put(self, key: str, value: str, seconds: int) -> None:
        """Keep a text for a while."""
        self._texts[key] = (value, self._clock().timestamp() + seconds)
        self._texts.move_to_end(key)
        while len(self._texts) > SESSIONS_MAX:
            self._texts.popitem(last=False)

    async def look(self, key: str) -> str | None:
        """A kept text, which stays."""
        value, ends_at = self._texts.get(key, ("", 0.0))
        return value if ends_at > self._clock().timestamp() else None

    async def take(self, key: str) -> str | None:
        """A kept text, which then is kept no more: of two who take it, one gets it."""
        value, ends_at = self._texts.pop(key, ("", 0.0))
        return value if ends_at > self._clock().timestamp() else None

    def _forget(self, key: str) -> None:
        session = self._sessions.pop(key, None)
        if session is None:
            return
        own = self._persons[session.person]
        own.discard(key)
        if not own:
            del self._persons[session.person]


class RedisSessions:
    """Sessions that several processes share."""

    def __init__(self, redis: Redis, clock: Callable[[], datetime]) -> None:
        self._redis = redis
        self._clock = clock

    async def read(self, key: str) -> Session | None:
        """The session, unless it has ended."""
        try:
            text = await self._redis.get(_PREFIX + key)
        except (RedisError, OSError) as error:
            raise CannotDecide("sessions cannot be read") from error
        return None if text is None else _parsed(text)

    async def write(self, key: str, session: Session, *, existing: bool) -> None:
        """Keep it until it ends; with `existing`, only if it is still there."""
        now = self._clock().timestamp()
        seconds = max(1, int(session.ends_at - now))
        text = orjson.dumps(asdict(session))
        try:
            if existing:
                await self._redis.set(_PREFIX + key, text, ex=seconds, xx=True)
                return
            own = _PERSON_PREFIX + session.person
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.set(_PREFIX + key, text, ex=seconds)
                pipe.zremrangebyscore(own, "-inf", now)
                pipe.zadd(own, {key: now + session.seconds_max})
                pipe.expire(own, ABSOLUTE_SECONDS_MAX[session.subject_type])
                await pipe.execute()
        except (RedisError, OSError) as error:
            raise CannotDecide("sessions cannot be written") from error

    async def delete(self, key: str) -> None:
        """End it."""
        try:
            await self._redis.delete(_PREFIX + key)
        except (RedisError, OSError) as error:
            raise CannotDecide("sessions cannot be ended") from error

    async def keys_of(self, person: str) -> list[str]:
        """The keys of a person's sessions; some may have ended."""
        try:
            return [_text(key) for key in await self._redis.zrange(_PERSON_PREFIX + person, 0, -1)]
        except (RedisError, OSError) as error:
            raise CannotDecide("sessions cannot be read") from error

    async def put(self, key: str, value: str, seconds: int) -> None:
        """Keep a text for a while."""
        try:
            await self._redis.set(_TEXT_PREFIX + key, value, ex=seconds)
        except (RedisError, OSError) as error:
            raise CannotDecide("sessions cannot be written") from error

    async def look(self, key: str) -> str | None:
        """A kept text, which stays."""
        try:
            text = await self._redis.get(_TEXT_PREFIX + key)
        except (RedisError, OSError) as error:
            raise CannotDecide("sessions cannot be read") from error
        return None if text is None else _text(text)

    async def take(self, key: str) -> str | None:
        """A kept text, which then is kept no more: of two who take it, one gets it."""
        try:
            text = await self._redis.getdel(_TEXT_PREFIX + key)
        except (RedisError, OSError) as error:
            raise CannotDecide("sessions cannot be read") from error
        return None if text is None else _text(text)


_PREFIX = "kinguard:session:"
_PERSON_PREFIX = "kinguard:sessions_of:"
_TEXT_PREFIX = "kinguard:challenge:"


def _parsed(text: bytes | str) -> Session | None:
    try:
        fields: dict[str, Any] = orjson.loads(text)
        subject_type = SubjectType(fields.pop("subject_type"))
        told: dict[str, Any] = fields.pop("sign_in")
        waiting = told.pop("waiting")
        sign_in = SignIn(waiting=None if waiting is None else Waiting(waiting), **told)
        amr, said = tuple(fields.pop("amr")), tuple(fields.pop("said"))
        return Session(subject_type, amr=amr, said=said, sign_in=sign_in, **fields)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
