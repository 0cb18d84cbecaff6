"""One process of the service: everything a request needs, opened and closed together."""

from __future__ import annotations

import asyncio
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from sqlalchemy.exc import SQLAlchemyError

from authz_service.api.evaluation import Evaluator
from authz_service.api.forward_routes import read_routes
from authz_service.api.search_request import PageTokens
from authz_service.engine import load_policy
from authz_service.facts.comparison import Comparison
from authz_service.facts.decision import Decider
from authz_service.metrics import Metrics
from authz_service.sampling import Sampler
from authz_service.seed import seeded_day
from authz_service.storage import AccessStore, StorageError
from authz_service.tokens.clients import Clients, ensure_demo_clients
from authz_service.tokens.issuing import Issuer
from authz_service.tokens.keys import SigningKeys, ensure_key
from authz_service.tokens.verification import Verifier
from authz_service.trail.legend import Legend
from authz_service.trail.loader import TrailLoader
from authz_service.trail.situations import Bundles
from authz_service.trail.writer import TrailWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from authz_service.clock import Clock
    from authz_service.settings import Settings


class Loads(Protocol):
    """What brings the trail into the table: a thread, or a process of its own."""

    problem: str | None

    def start(self) -> None:
        """Start loading; what earlier processes left behind comes first."""

    def stop(self) -> None:
        """Load the rest, sign it and end."""

    def catch_up(self) -> bool:
        """Wait until everything that is durable now is in the table; False when that takes too long."""


class Service:
    """The parts of a running service. Used on one event loop, between `start` and `stop`.

    `loading` makes what loads the trail of a writer; a thread does unless it is given.
    """

    def __init__(self, settings: Settings, clock: Clock, loading: Callable[[TrailWriter], Loads] | None = None) -> None:
        self._loading = loading or self._load_in_thread
        self.settings = settings
        self.clock = clock
        self.metrics = Metrics()
        self.ready = False

    async def start(self) -> None:
        """Opens everything, or raises with one clear line."""
        settings = self.settings
        await asyncio.to_thread(self._open)
        await self.writer.start()
        self.sampler = Sampler(settings.policies, settings.bundles_dir, self._policy.digest)
        self.sampler.start()
        await self._put_in_service()
        self.loader = self._loading(self.writer)
        self.loader.start()
        self._watch()
        self.ready = True

    async def stop(self) -> None:
        """Closes everything; what the trail has gathered is written and loaded first."""
        self.ready = False
        await self.writer.stop()
        await asyncio.to_thread(self.loader.stop)
        await asyncio.to_thread(self.sampler.stop)
        self.store.close()

    def _load_in_thread(self, writer: TrailWriter) -> Loads:
        settings, database = self.settings, self.store.database
        return TrailLoader(
            database,
            settings.trail_dir,
            writer,
            checkpoints=settings.checkpoints,
            key=self._trail_key,
            clock=self.clock,
        )

    def _open(self) -> None:
        settings = self.settings
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if settings.profile == "demo":
            ensure_demo_clients(settings.keys_dir)
        self.signing = SigningKeys(settings.keys_dir / "signing")
        self._trail_key = ensure_key(settings.keys_dir / "trail.pem")
        self.page_tokens = PageTokens(ensure_key(settings.keys_dir / "pages.pem"))
        self.clients = Clients(settings.clients)
        self.verifier = Verifier(self.signing.public, self.clients, settings.issuer)
        self.issuer = Issuer(self.signing, self.clients, settings.issuer, settings.token_endpoint, self.clock)
        self._policy = load_policy(settings.policies, settings.bundles_dir)
        table = settings.forward_routes
        self.forward_routes = None if table is None else read_routes(table, self._policy)
        self.store = AccessStore(settings.access_database_url, self.clock)
        if settings.profile == "production":
            self._refuse_demo()
        self.writer = TrailWriter(
            settings.trail_dir, self.clock, settings.trail_segment_bytes, settings.trail_timeout_seconds
        )

    def _refuse_demo(self) -> None:
        name = "KINGUARD_ACCESS_DATABASE_URL"
        try:
            self.store.database.require_row_security()
            demo = seeded_day(self.store) is not None
        except SQLAlchemyError as error:
            first = str(error).partition("\n")[0]
            raise StorageError(f"{name}: run `python -m authz_service migrate` first ({first})") from error
        finally:
            self.store.close()  # Its connections are opened anew when they are needed.
        if demo:
            raise StorageError(f"{name}: this database holds the demo's data, which production refuses")

    async def _put_in_service(self) -> None:
        policy = self._policy
        production = self.settings.profile == "production"
        decider = await asyncio.to_thread(lambda: Decider(policy, second_factor_for_staff=production))
        legend = Legend(policy)
        await self.writer.append(legend.record(self.microseconds()))
        self._decider = decider
        self.evaluator = Evaluator(decider, legend, self.sampler)
        self.bundles = Bundles(self.settings.bundles_dir, policy)
        await asyncio.to_thread(self.bundles.keep, self.settings.policies)

    @cached_property
    def comparison(self) -> Comparison:
        """For what-if questions, the first of which waits until every question is compiled."""
        return Comparison(self._decider)

    def _watch(self) -> None:
        watch = self.metrics.watch
        watch("kinguard_trail_groups", "Groups of records made durable", lambda: self.writer.groups)
        watch("kinguard_trail_records", "Records made durable", lambda: self.writer.records)
        watch("kinguard_trail_broken", "1 while the trail cannot be written", lambda: float(bool(self.writer.problem)))

        watch("kinguard_samples_agreed", "Samples that Polar answered alike", lambda: self.sampler.agreed)
        watch("kinguard_samples_differed", "Samples that Polar answered otherwise", lambda: self.sampler.differed)
        watch("kinguard_samples_passed_over", "Samples Polar was not asked", lambda: self.sampler.passed_over)

    def microseconds(self) -> int:
        """Now, as the trail counts time."""
        return int(self.clock().timestamp() * 1_000_000)

    async def record(self, records: Sequence[bytes]) -> None:
        """Makes the records durable; TrailUnavailableError when that does not succeed in time."""
        for future in [self.writer.append(record) for record in records]:
            await future

    def problems(self) -> list[str]:
        """Why the service is not ready to decide; empty when it is."""
        if not self.ready:
            return ["the service is starting or stopping"]
        return [problem for problem in (self.writer.problem, self.loader.problem) if problem]
