"""Sessions of signed-in people: kept on our side, known to the browser by a random name only.

The store knows a session by the hash of its name, so that whoever reads the store cannot use what is in it.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime


IDLE_SECONDS_MAX = 15 * 60
ABSOLUTE_SECONDS_MAX = {SubjectType.ACCOUNT: 12 * 3600, SubjectType.STAFF: 8 * 3600}
WAITING_SECONDS_MAX = 10 * 60  # between the password and the second factor
SAID_MAX = 5  # sentences kept for the next page


class Waiting(StrEnum):
    """What a sign-in still lacks. Until it has it, its session lets nobody in."""

    SECOND_FACTOR = "second_factor"
    ENROLMENT = "enrolment"


@dataclass(frozen=True, slots=True)
class SignIn:
    """How a session came to be: under which name, from which browser, and what it still lacks."""

    username: str = ""
    browser: str = ""
    system: str = ""
    password_change_due: bool = False
    waiting: Waiting | None = None
    target: str = ""  # the page asked for, while waiting


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
    sign_in: SignIn = SignIn()

    @property
    def ends_at(self) -> float:
        """When it ends without another request."""
        return min(self.seen_at + IDLE_SECONDS_MAX, self.created_at + self.seconds_max)

    @property
    def seconds_max(self) -> int:
        """How long it lasts at most, from its beginning."""
        return ABSOLUTE_SECONDS_MAX[self.subject_type] if self.sign_in.waiting is None else WAITING_SECONDS_MAX

    @property
    def person(self) -> str:
        """Whose it is: `account/dana`."""
        return f"{self.subject_type.value}/{self.subject_id}"


class SessionStore(Protocol):
    """Where sessions are kept, by the hash of their name."""

    async def read(self, key: str) -> Session | None:
        """The session, unless it has ended."""

    async def write(self, key: str, session: Session, *, existing: bool) -> None:
        """Keep it until it ends; with `existing`, only if it is still there."""

    async def delete(self, key: str) -> None:
        """End it."""

    async def keys_of(self, person: str) -> list[str]:
        """The keys of a person's sessions; some may have ended."""

    async def put(self, key: str, value: str, seconds: int) -> None:
        """Keep a text for a while."""

    async def look(self, key: str) -> str | None:
        """A kept text, which stays."""

    async def take(self, key: str) -> str | None:
        """A kept text, which then is kept no more: of two who take it, one gets it."""


class Sessions:
    """What the gateway does with sessions; raises CannotDecide when the store cannot be reached."""

    def __init__(self, store: SessionStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    async def begin(
        self,
        person: tuple[SubjectType, str],
        practice_id: str | None,
        amr: tuple[str, ...],
        sign_in: SignIn = SignIn(),
    ) -> str:
        """Start a session and return its new name."""
        name = secrets.token_urlsafe(32)
        now = self._clock().timestamp()
        session = Session(*person, practice_id, amr, created_at=now, seen_at=now, sign_in=sign_in)
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

    async def end_all(self, subject_type: SubjectType, subject_id: str, *, but: str | None = None) -> None:
        """End every session of a person (`but` the one of this name), those that wait for a second factor too.

        One that is begun meanwhile may stay: whoever begins one looks again at what let them in, after it is kept.
        """
        kept = None if but is None else _key(but)
        for key in await self._store.keys_of(f"{subject_type.value}/{subject_id}"):
            if key != kept:
                await self._store.delete(key)

    async def list_of(self, subject_type: SubjectType, subject_id: str, *, own: str | None = None) -> list[Listed]:
        """A person's sessions that are signed in, the one last used first; `own` is the name of the reader's."""
        found, own_key, now = [], None if own is None else _key(own), self._clock().timestamp()
        for key in await self._store.keys_of(f"{subject_type.value}/{subject_id}"):
            session = await self._store.read(key)
            if session is not None and session.sign_in.waiting is None and session.ends_at > now:
                found.append(Listed(session, is_own=key == own_key))
        return sorted(found, key=lambda one: (not one.is_own, -one.session.seen_at))

    async def strengthen(self, name: str, amr: tuple[str, ...]) -> None:
        """Note that the person of a session has shown more of who they are."""
        session = await self._store.read(_key(name))
        if session is not None:
            more = tuple(dict.fromkeys((*session.amr, *amr)))
            await self._store.write(_key(name), replace(session, amr=more), existing=True)

    async def challenge(self, name: str, challenge: str) -> None:
        """Keep what a passkey of this session is asked to sign."""
        await self._store.put(_key(name), challenge, WAITING_SECONDS_MAX)

    async def answered(self, name: str) -> str | None:
        """Take the challenge: it is worth one answer."""
        return await self._store.take(_key(name))

    async def keep(self, person: str, name: str, text: str, seconds: int) -> None:
        """Keep a text of a person's, which outlives their session."""
        await self._store.put(_key(f"{person} {name}"), text, seconds)

    async def kept(self, person: str, name: str) -> str | None:
        """A text that is kept."""
        return await self._store.look(_key(f"{person} {name}"))

    async def forget(self, person: str, name: str) -> None:
        """Keep a text no longer."""
        await self._store.take(_key(f"{person} {name}"))


@dataclass(frozen=True, slots=True)
class Listed:
    """A session in the list of a person's own."""

    session: Session
    is_own: bool


def _key(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()
