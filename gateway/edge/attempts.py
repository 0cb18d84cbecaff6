"""How often something may be done. Sign-in: counted before the password is looked at, for the name and the address.

A count lives for one window from its first attempt, so a lock ends by itself; a success clears the name's count.
"""

from __future__ import annotations

import hashlib
import math
from collections import OrderedDict
from typing import TYPE_CHECKING, Protocol

from redis.exceptions import RedisError

from gateway.edge.errors import CannotDecide

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from redis.asyncio import Redis

    from gateway.edge.limits import Limit

WINDOW_SECONDS = 15 * 60
FOR_ONE_NAME_MAX = 10
FOR_ONE_ADDRESS_MAX = 300
COUNTS_MAX = 100_000  # of one process, in memory


class Counter(Protocol):
    """Counts that end by themselves."""

    async def add(self, key: str, amount: int, seconds: int = WINDOW_SECONDS) -> int:
        """Add to a count and return it; the first addition starts its window."""

    async def left(self, key: str) -> int:
        """Seconds until a count ends; 0 when there is none."""

    async def clear(self, key: str) -> None:
        """Forget a count."""


class Attempts:
    """Decides whether a sign-in may be tried now."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter

    async def begin(self, username: str, address: str) -> bool:
        """Count an attempt; False when there have been too many.

        What is counted beside sign-in begins with a capital letter, which no sign-in name in canonical form has: so
        nobody uses up another count by typing its name.
        """
        by_name = await self._counter.add(_named(username), 1)
        by_address = await self._counter.add(_addressed(address), 1)
        return by_name <= FOR_ONE_NAME_MAX and by_address <= FOR_ONE_ADDRESS_MAX

    async def too_often(self, limit: Limit, who: str) -> int:
        """Count what has a limit; 0 while it may be done, else in how many seconds it may be done again."""
        key = f"{limit.name}:{hashlib.sha256(who.encode()).hexdigest()}"
        if await self._counter.add(key, 1, limit.seconds) <= limit.most:
            return 0
        return max(1, await self._counter.left(key))

    async def succeeded(self, username: str, address: str) -> None:
        """A success is no guess: forget the name's count, and take it off the address's."""
        await self._counter.clear(_named(username))
        await self._counter.add(_addressed(address), -1)


class MemoryCounter:
    """Counts of a single process."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._counts: OrderedDict[str, tuple[int, float]] = OrderedDict()

    async def add(self, key: str, amount: int, seconds: int = WINDOW_SECONDS) -> int:
        """Add to a count and return it; the first addition starts its window."""
        now = self._clock().timestamp()
        count, ends_at = self._counts.get(key, (0, 0.0))
        if ends_at <= now:
            count, ends_at = 0, now + seconds
            self._counts.pop(key, None)
        self._counts[key] = (count + amount, ends_at)
        while len(self._counts) > COUNTS_MAX:
            self._counts.popitem(last=False)
        return count + amount

    async def left(self, key: str) -> int:
        """Seconds until a count ends; 0 when there is none."""
        _count, ends_at = self._counts.get(key, (0, 0.0))
        return max(0, math.ceil(ends_at - self._clock().timestamp()))

    async def clear(self, key: str) -> None:
        """Forget a count."""
        self._counts.pop(key, None)


class RedisCounter:
    """Counts that several processes share."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def add(self, key: str, amount: int, seconds: int = WINDOW_SECONDS) -> int:
        """Add to a count and return it; the first addition starts its window."""
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.set(_PREFIX + key, 0, ex=seconds, nx=True)
                pipe.incrby(_PREFIX + key, amount)
                return int((await pipe.execute())[1])
        except (RedisError, OSError) as error:
            raise CannotDecide("attempts cannot be counted") from error

    async def left(self, key: str) -> int:
        """Seconds until a count ends; 0 when there is none."""
        try:
            return max(0, int(await self._redis.ttl(_PREFIX + key)))
        except (RedisError, OSError) as error:
            raise CannotDecide("attempts cannot be counted") from error

    async def clear(self, key: str) -> None:
        """Forget a count."""
        try:
            await self._redis.delete(_PREFIX + key)
        except (RedisError, OSError) as error:
            raise CannotDecide("attempts cannot be counted") from error


_PREFIX = "kinguard:attempts:"


def _named(username: str) -> str:
    return "name:" + hashlib.sha256(username.encode()).hexdigest()


def _addressed(address: str) -> str:
    return "address:" + address
