"""The connection to Redis: a bounded pool that makes callers wait for a moment, not fail, when it is busy."""

from __future__ import annotations

from redis.asyncio import BlockingConnectionPool, Redis

CONNECTIONS_MAX = 32
TIMEOUT_SECONDS = 2


def open_redis(url: str) -> Redis:
    """Redis at a `redis://`, `rediss://` or `unix://` URL."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=CONNECTIONS_MAX,
        timeout=TIMEOUT_SECONDS,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
    )
    return Redis.from_pool(pool)
