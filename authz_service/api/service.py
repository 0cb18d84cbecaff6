"""One process of the service: everything a request needs, opened and closed together."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from sqlalchemy.exc import SQLAlchemyError

from authz_service.api.forward_routes import read_routes
from authz_service.api.search_request import PageTokens
from authz_service.api.serving import InService, Serving
from authz_service.api.watch import Watch
from authz_service.deploying.loading import KeptBundles
from authz_service.deploying.membership import read_standing
from authz_service.deploying.starting import Starting
from authz_service.deploying.texts import KeptTexts
from authz_service.facts.decision import Decider
from authz_service.metrics import Metrics
from authz_service.sampling import Sampler
from authz_service.seed import seeded_day
from authz_service.storage import AccessStore, StorageError
from authz_service.tokens.clients import Clients, ensure_demo_clients
from authz_service.tokens.issuing import Issuer
from authz_service.tokens.keys import SigningKeys, ensure_key
from authz_service.tokens.verification import Verifier
from authz_service.trail.loader import TrailLoader
from authz_service.trail.situations import Bundles
from authz_service.trail.writer import TrailWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from authz_service.clock import Clock
    from authz_service.deploying.membership import Standing
    from authz_service.engine import Policy
    from authz_service.settings import Settings

_DATABASE = "KINGUARD_ACCESS_DATABASE_URL"


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
        self.in_service = InService()
        self.ready = False

    async def start(self) -> None:
        """Opens everything, or raises with one clear line."""
        standing, decider = await asyncio.to_thread(self._open)
        await self.writer.start()
        digest = decider.policy.digest
        self.sampler = Sampler(self.kept.texts.place(digest), self.kept.store, digest)
        self.sampler.start()
        self.bundles = Bundles(decider.policy, self.kept.load)
        self.watch = Watch(self)
        await self.watch.start(standing, decider)
        self.loader = self._loading(self.writer)
        self.loader.start()
        self._expose()
        self.ready = True

    async def stop(self) -> None:
        """Closes everything; what the trail has gathered is written and loaded first."""
        self.ready = False
        await self.watch.stop()
        await self.writer.stop()
        await asyncio.to_thread(self.loader.stop)
        await asyncio.to_thread(self.sampler.stop)
        self.store.close()

    @property
    def serving(self) -> Serving:
        """What is in service now; a request keeps to the one that it pinned."""
        return self.in_service.serving

    def decider_of(self, policy: Policy) -> Decider:
        """The policy ready to decide as these settings want it. Raises BundleError."""
        return Decider(policy, second_factor_for_staff=self.settings.profile == "production")

    def put_in_service(self, serving: Serving) -> None:
        """Let this answer every request that begins from now on, and everything else follow."""
        self.in_service.replace(serving)
        self.bundles.in_service = serving.policy
        self.sampler.turn_to(self.kept.texts.place(serving.digest), serving.digest)

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

    def _open(self) -> tuple[Standing, Decider]:
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
        self.store = AccessStore(settings.access_database_url, self.clock)
        if settings.profile == "production":
            self._refuse_demo()
        self.writer = TrailWriter(
            settings.trail_dir, self.clock, settings.trail_segment_bytes, settings.trail_timeout_seconds
        )
        return self._settle()

    def _settle(self) -> tuple[Standing, Decider]:
        settings, database = self.settings, self.store.database
        self.kept = KeptBundles(database, KeptTexts(settings.bundles_dir / "texts"), settings.bundles_dir)
        demo = settings.profile == "demo"
        starting = Starting(database, self.kept, settings.policies, self.clock, edits_serve=demo)
        try:
            deployment, policy = starting.settle()
            standing = read_standing(database)
        except SQLAlchemyError as error:
            raise _unmigrated(error) from error
        table = settings.forward_routes
        self.forward_routes = None if table is None else read_routes(table, policy)
        return replace(standing, last=deployment), self.decider_of(policy)

    def _refuse_demo(self) -> None:
        try:
            self.store.database.require_row_security()
            demo = seeded_day(self.store) is not None
        except SQLAlchemyError as error:
            raise _unmigrated(error) from error
        finally:
            self.store.close()  # Its connections are opened anew when they are needed.
        if demo:
            raise StorageError(f"{_DATABASE}: this database holds the demo's data, which production refuses")

    def _expose(self) -> None:
        watch = self.metrics.watch
        watch("kinguard_trail_groups", "Groups of records made durable", lambda: self.writer.groups)
        watch("kinguard_trail_records", "Records made durable", lambda: self.writer.records)
        watch("kinguard_trail_broken", "1 while the trail cannot be written", lambda: float(bool(self.writer.problem)))

        watch("kinguard_policy_deployment", "The deployment that this process serves", lambda: self.in_service.number)
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
        found = [self.writer.problem, self.loader.problem, self.watch.problem]
        if not self.in_service.may_answer and self.watch.problem is None:
            found.append("nothing was heard of the policy in service for too long")
        return [problem for problem in found if problem]


def _unmigrated(error: SQLAlchemyError) -> StorageError:
    first = str(error).partition("\n")[0]
    return StorageError(f"{_DATABASE}: run `python -m authz_service migrate` first ({first})")
