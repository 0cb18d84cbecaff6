"""Keeps what this process serves the same as what was deployed last, and its lease running as long as that is so."""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError

from authz_service.api.forward_routes import read_routes
from authz_service.api.serving import Serving
from authz_service.deploying.membership import LEASE_SECONDS, Membership, read_standing
from authz_service.deploying.shadow import Shadow
from authz_service.engine import BundleError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable
    from datetime import datetime

    from authz_service.api.service import Service
    from authz_service.deploying.membership import Standing
    from authz_service.deploying.versions import Deployment
    from authz_service.facts.decision import Decider

BEAT_SECONDS = 0.5
_log = structlog.get_logger()
T = TypeVar("T")


class Watch:
    """The beat of one process. Used on its event loop, between `start` and `stop`.

    On SQLite this process is the only one: it needs no lease, and hears of deployments from itself.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self.loop = asyncio.get_running_loop()
        # Threads of its own: whoever waits for the database elsewhere must not cost the process its lease.
        self._threads = ThreadPoolExecutor(3, thread_name_prefix="policy-watch")
        self._swapping = asyncio.Lock()
        self._owed: Deployment | None = None  # in service, but not in this process
        self._shadowing = asyncio.Lock()
        self._shadow: Shadow | None = None
        self._made_ready: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ending = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        embedded = service.store.database.embedded
        self.membership = None if embedded else Membership(service.store.database, secrets.token_hex(16))
        self.problem: str | None = None  # why this process does not serve what is in service

    async def start(self, standing: Standing, decider: Decider) -> None:
        """Serve this, or what came after it in the meantime; raises what keeps that from being done."""
        await self.adopt(standing.last, decider)
        if self.membership is None:
            self._service.in_service.grant(math.inf)
            self._follow_shadow(standing.shadow)
        else:
            await self._beat()
        self._running = self.loop.create_task(self._run())

    async def stop(self) -> None:
        """Answer nothing more, and be waited for no longer."""
        self._ending.set()  # A beat that is under way is finished: cut off, it could make this process known again.
        if self._running is not None:
            await self._running
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._service.in_service.deny()
        try:
            await self.flush()
            if self.membership is not None:
                await self._in_thread(self.membership.leave)
        except SQLAlchemyError as error:  # Whoever deploys waits until the lease is over instead.
            _log.warning("policy_watch_not_left", error=_line(error))
        self._threads.shutdown(wait=False)

    def prepare(self, digest: str) -> Decider:
        """A kept bundle, loaded, and compiled as far as it will be asked at once; in a thread. Raises BundleError."""
        service = self._service
        found = service.kept.load(digest)
        if found is None:
            raise BundleError([Problem("bundle", 0, "is not kept")])
        policy, _ = found
        if (table := service.settings.forward_routes) is not None:
            read_routes(table, policy)
        decider = service.decider_of(policy)
        for question in service.in_service.asked:
            decider.prepared(*question)
        return decider

    async def adopt(self, deployment: Deployment, decider: Decider | None = None) -> None:
        """Put a deployment in service here, unless a later one is; `decider` is its policy where it is loaded already.

        Raises what keeps that from being done; nothing is answered until it is over.
        """
        service = self._service
        async with self._swapping:
            if service.in_service.number >= deployment.number:
                return
            try:
                if decider is None:
                    decider = await self._in_thread(partial(self.prepare, deployment.digest))
                fresh = Serving(deployment.number, decider, service.sampler)
                # What the new policy's records will abbreviate is told before the first of them.
                await service.writer.append(fresh.legend.record(service.microseconds()))
            except Exception as error:
                service.in_service.deny()
                self._owed, self.problem = deployment, f"the policy in service cannot be served here: {_line(error)}"
                raise
            if self._shadow is not None and self._shadow.digest != fresh.digest:
                fresh.evaluator.shadow = self._shadow
            self._owed = self.problem = None
            service.put_in_service(fresh)

    async def shadow(self, wanted: tuple[str, datetime] | None) -> None:
        """Let the bundle of a digest shadow here, as it was switched on at an instant; None for none."""
        async with self._shadowing:
            current, evaluator = self._shadow, self._service.in_service.serving.evaluator
            if wanted == (None if current is None else (current.digest, current.since)):
                return
            evaluator.shadow = None
            await self.flush()
            self._shadow = None
            if wanted is not None:
                digest, since = wanted
                decider = await self._in_thread(partial(self.prepare, digest))
                self._shadow = Shadow(decider, since)
                self._service.in_service.serving.evaluator.shadow = self._shadow

    async def rest(self, digest: str) -> None:
        """Let the bundle of a digest shadow no longer, if it does."""
        if self._shadow is not None and self._shadow.digest == digest:
            await self.shadow(None)

    async def flush(self) -> None:
        """Add what the shadow counted here to what all processes counted."""
        if self._shadow is not None:
            await self._in_thread(partial(self._shadow.flush, self._service.store.database))

    async def _run(self) -> None:
        said = None
        while not await self._ends_within(BEAT_SECONDS):
            try:
                await self._beat()
            except Exception as error:  # noqa: BLE001 (the lease runs out by itself, and the next beat tries again)
                if said != (said := _line(error)):
                    _log.error("policy_watch_failed", error=said)
            else:
                said = None

    async def _ends_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ending.wait(), seconds)
        return self._ending.is_set()

    async def _beat(self) -> None:
        """Ask what is in service, serve it, and let the lease run on."""
        membership, in_service = self.membership, self._service.in_service
        if self._owed is not None:
            if membership is not None:
                await self._in_thread(membership.leave)  # It answers nothing, so nobody need wait for it.
            await self.adopt(self._owed)
            if membership is None:
                in_service.grant(math.inf)
        while membership is not None:
            begun, number = time.monotonic(), in_service.number
            await self._in_thread(partial(membership.note, number))
            standing = await self._in_thread(partial(read_standing, self._service.store.database))
            if standing.last.number <= number:
                in_service.grant(begun + LEASE_SECONDS)
                self._follow_shadow(standing.shadow)
                self._make_ready(standing.coming)
                break
            await self.adopt(standing.last)
        await self.flush()

    def _make_ready(self, coming: Iterable[str]) -> None:
        for digest in set(coming) - self._made_ready:
            self._made_ready.add(digest)
            self._begin(self._clearly("policy_not_made_ready", digest, self._ready(digest)))

    async def _ready(self, digest: str) -> None:
        await self._in_thread(partial(self._service.kept.make_ready, digest))

    def _follow_shadow(self, wanted: tuple[str, datetime] | None) -> None:
        current = None if self._shadow is None else (self._shadow.digest, self._shadow.since)
        if wanted != current and not self._shadowing.locked():
            digest = None if wanted is None else wanted[0]
            self._begin(self._clearly("policy_shadow_not_loaded", digest, self.shadow(wanted)))

    @staticmethod
    async def _clearly(trouble: str, digest: str | None, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 (no answer depends on it)
            _log.error(trouble, bundle=digest, error=_line(error))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _in_thread(self, work: Callable[[], T]) -> asyncio.Future[T]:
        return self.loop.run_in_executor(self._threads, work)


def _line(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
