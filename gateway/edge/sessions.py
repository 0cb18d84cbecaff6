"""Sessions of signed-in people: kept on our side, known to the browser by a random name only.

The store knows a session by the hash of its name, so that whoever reads the store cannot use what is in it.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import orjson
from redis.exceptions import RedisError

from gateway.edge.errors import CannotDecide
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from redis.asyncio import Redis

IDLE_SECONDS_MAX = 15 * 60
ABSOLUTE_SECONDS_MAX = {SubjectType.ACCOUNT: 12 * 3600, SubjectType.STAFF: 8 * 3600}
SESSIONS_MAX = 50_000  # of one process, in memory; beyond it the one unused for longest goes
SAID_MAX = 5  # sentences kept for the next page


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in person. Times are seconds since the epoch; `said` waits for the next page."""

    subject_type: SubjectType
    subject_id: str
    practice_id: str | None
    amr: tuple[str, ...]
    created_at: float
    seen_at: float
    said: tuple[str, ...] = ()

    @property
    def ends_at(self) -> float:
        """When it ends without another request."""
        return min(self.seen_at + IDLE_SECONDS_MAX, self.created_at + ABSOLUTE_SECONDS_MAX[self.subject_type])


class SessionStore(Protocol):
    """Where sessions are kept, by the hash of their name."""

    async def read(self, key: str) -> Session | None:
        """The session, unless it has ended."""

    async def write(self, key: str, session: Session, *, existing: bool) -> None:
        """Keep it until it ends; with `existing`, only if it is still there."""

    async def delete(self, key: str) -> None:
        """End it."""


class Sessions:
    """What the gateway does with sessions; raises CannotDecide when the store cannot be reached."""

    def __init__(self, store: SessionStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    async def begin(self, person: tuple[SubjectType, str], practice_id: str | None, amr: tuple[str, ...]) -> str:
        """Start a session and return its new name."""
        name = secrets.token_urlsafe(32)
        now = self._clock().timestamp()
        session = Session(*person, practice_id, amr, created_at=now, seen_at=now)
        await self._store.write(_key(name), session, existing=False)
        return name

    async def find(self, name: str) -> Session | None:
        """The session, noted as used now; None when there is none or it has ended."""
        session = await self._store.read(_key(name))
        now = self._clock().timestamp()
        if session is None or session.ends_at <= now:
            return None
        session = replace(session, seen_at=now)
        await self._store.write(_key(name), session, existing=True)
        return session

    async def say(self, name: str, sentence: str) -> None:
        """Keep a sentence for the next page."""
        session = await self._store.read(_key(name))
        if session is not None:
            said = (*session.said, sentence)[-SAID_MAX:]
            await self._store.write(_key(name), replace(session, said=said), existing=True)

    async def hear(self, name: str) -> tuple[str, ...]:
        """Take the sentences kept for this page."""
        session = await self._store.read(_key(name))
        if session is None or not session.said:
            return ()
        await self._store.write(_key(name), replace(session, said=()), existing=True)
        return session.said

    async def end(self, name: str) -> None:
        """End a session; its name is worth nothing afterwards."""
        await self._store.delete(_key(name))


class MemorySessions:
    """Sessions of a single process: the embedded default."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._sessions: OrderedDict[str, Session] = OrderedDict()

    async def read(self, key: str) -> Session | None:
        """The session, unless it has ended."""
        session = self._sessions.get(key)
        if session is not None and session.ends_at <= self._clock().timestamp():
            del self._sessions[key]
            return None
        return session

    async def write(self, key: str, session: Session, *, existing: bool) -> None:
        """Keep it until it ends; with `existing`, only if it is still there."""
        if existing and key not in self._sessions:
            return
        self._sessions[key] = session
        self._sessions.move_to_end(key)
        while len(self._sessions) > SESSIONS_MAX:
            self._sessions.popitem(last=False)

    async def delete(self, key: str) -> None:
        """End it."""
        self._sessions.pop(key, None)


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
        seconds = max(1, int(session.ends_at - self._clock().timestamp()))
        try:
            await self._redis.set(_PREFIX + key, orjson.dumps(asdict(session)), ex=seconds, xx=existing)
        except (RedisError, OSError) as error:
            raise CannotDecide("sessions cannot be written") from error

    async def delete(self, key: str) -> None:
        """End it."""
        try:
            await self._redis.delete(_PREFIX + key)
        except (RedisError, OSError) as error:
            raise CannotDecide("sessions cannot be ended") from error


_PREFIX = "kinguard:session:"


def _key(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _parsed(text: bytes | str) -> Session | None:
    try:
        fields: dict[str, Any] = orjson.loads(text)
        subject_type = SubjectType(fields.pop("subject_type"))
        return Session(subject_type, amr=tuple(fields.pop("amr")), said=tuple(fields.pop("said")), **fields)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
