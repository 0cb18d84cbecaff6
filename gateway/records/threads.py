"""The threads that wait for the database, so that the event loop does not."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

THREADS_MAX = 8
Result = TypeVar("Result")


class Threads:
    """A pool that can be ended, because a request that is cancelled leaves its transaction running."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS_MAX, thread_name_prefix="records")

    async def run(self, work: Callable[..., Result], *arguments: object) -> Result:
        """What `work` returns, done in a thread that speaks the caller's language."""
        context = copy_context()
        return await asyncio.get_running_loop().run_in_executor(self._pool, partial(context.run, work, *arguments))

    def close(self) -> None:
        """Wait for what is running."""
        self._pool.shutdown(wait=True, cancel_futures=True)
