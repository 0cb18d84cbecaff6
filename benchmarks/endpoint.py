"""The evaluation endpoint, everything on, against a bare ASGI application; server and client on a core each."""

from __future__ import annotations

import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import psutil
from sqlalchemy import create_engine, insert, select

from authz_service.clock import system_clock
from authz_service.engine import load_policy
from authz_service.facts.decision import Decider
from authz_service.facts.request import Request
from authz_service.preparation import prepare_demo
from authz_service.settings import Settings
from authz_service.tokens.clients import Clients
from authz_service.tokens.issuing import Issuer
from authz_service.tokens.keys import SigningKeys
from benchmarks.workload import SEED
from models.tables.access import AccountRow, ClientRow, GrantRow
from policy_tests.world.load import access, load_world

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

ROOT = Path(__file__).parents[1]
CONNECTIONS = (1, 16, 64)
ROUNDS, SECONDS = 2, 2.0
BATCH = 50
PEOPLE = 100_000
EVALUATION, EVALUATIONS = "/access/v1/evaluation", "/access/v1/evaluations"


@dataclass(frozen=True, slots=True)
class Server:
    """A server under load."""

    name: str
    port: int
    token: str
    process: psutil.Process


def measure() -> dict[str, Any]:
    """Throughput and latency of both, in turn; then batches; then memory with 100,000 accounts."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder) / "data", authz_port=free_port(), profile="demo")
        day = prepare_demo(settings)
        crowd(settings)
        bodies, expected = questions(day)
        singles, batches, crowds = (Path(folder) / name for name in ("singles", "batches", "crowds"))
        singles.write_bytes(b"\n".join(map(orjson.dumps, bodies)))
        batches.write_bytes(b"\n".join(_batch(bodies[i : i + BATCH]) for i in range(0, len(bodies) - BATCH, BATCH)))
        crowds.write_bytes(
            b"\n".join(orjson.dumps(_about(i)) for i in random.Random(SEED).sample(range(PEOPLE), PEOPLE))
        )
        token = _token(settings)
        with served(["-m", "authz_service"], settings.authz_port, _environment(settings)) as ours:
            check(settings.authz_port, token, bodies, expected)
            bare_port = free_port()
            kinguard = Server("kinguard", settings.authz_port, token, ours)
            with served(["-m", "benchmarks.bare", str(bare_port)], bare_port, dict(os.environ)) as constant:
                rows = race((Server("bare", bare_port, token, constant), kinguard), singles)
            batch = load(kinguard, EVALUATIONS, 16, batches)
            started_mb = ours.memory_info().rss / 2**20
            load(kinguard, EVALUATION, 16, crowds, seconds=PEOPLE / 9_000)
            crowded_mb = ours.memory_info().rss / 2**20
    return {
        "rows": rows,
        "questions": len(bodies),
        "allowed": sum(expected) / len(expected),
        "batch_checks_per_second": batch["per_second"] * BATCH,
        "batch_checks_per_cpu_second": batch["per_cpu_second"] * BATCH,
        "batch_p99_us": batch["p99_us"],
        "memory_mb": {"few accounts": started_mb, "100,000 accounts": crowded_mb},
    }


def questions(day: date) -> tuple[list[dict[str, Any]], list[bool]]:
    """Questions about the cast with raw properties sent, and what the decision function answers to each."""
    frozen = load_world()
    world = load_world(shift_days=(day - frozen.now.date()).days)
    data, decider = access(world), Decider(load_policy(ROOT / "policies"))
    now = datetime.now(UTC)
    bodies, expected = [], []
    for (resource_type, item_id), properties in data.items.items():
        sent = {name: value for name, value in properties.items() if name != "practice_id"}
        for account in data.accounts:
            for action in decider.policy.resource_types[resource_type]:
                bodies.append(
                    {
                        "subject": {"type": "account", "id": account},
                        "action": {"name": action},
                        "resource": {"type": resource_type, "id": item_id, "properties": sent},
                    }
                )
                request = Request("account", account, action, resource_type, item_id, now, sent)
                expected.append(decider.decide(data, request).allowed)
    rng = random.Random(SEED)
    order = rng.sample(range(len(bodies)), len(bodies))
    # Most pairs of account and item have nothing to do with each other; of the denied as many stay as are allowed.
    kept = [i for i in order if expected[i]] + [i for i in order if not expected[i]][: sum(expected)]
    rng.shuffle(kept)
    return [bodies[i] for i in kept], [expected[i] for i in kept]


def check(port: int, token: str, bodies: list[dict[str, Any]], expected: list[bool]) -> None:
    """The endpoint answers as the decision function does, one by one and in batches."""
    for body, allowed in list(zip(bodies, expected, strict=True))[:200]:
        answer = _post(port, EVALUATION, orjson.dumps(body), token)
        assert answer["decision"] is allowed, (body, answer)
    for i in range(0, len(bodies) - BATCH, BATCH):
        answers = _post(port, EVALUATIONS, _batch(bodies[i : i + BATCH]), token)["evaluations"]
        assert [answer["decision"] for answer in answers] == expected[i : i + BATCH]


def race(servers: tuple[Server, ...], bodies: Path) -> list[dict[str, Any]]:
    """The servers in turn at each number of connections; medians of the rounds."""
    rows = []
    for connections in CONNECTIONS:
        taken: dict[str, list[dict[str, Any]]] = {server.name: [] for server in servers}
        for _ in range(ROUNDS):
            for server in servers:
                taken[server.name].append(load(server, EVALUATION, connections, bodies))
        row: dict[str, Any] = {"connections": connections}
        for name, results in taken.items():
            for key in ("per_second", "per_cpu_second", "p50_us", "p99_us"):
                row[f"{name}_{key}"] = statistics.median(result[key] for result in results)
        row["share_of_bare"] = row["kinguard_per_second"] / row["bare_per_second"]
        rows.append(row)
    return rows


def load(server: Server, path: str, connections: int, bodies: Path, *, seconds: float = SECONDS) -> dict[str, Any]:
    """One run of the load generator; every answer must be a 200.

    `per_cpu_second` counts answers by the server's own processor time: what a core to itself would reach.
    """
    command = [sys.executable, "-m", "benchmarks.client", str(server.port), path, str(connections), str(seconds)]
    before = sum(server.process.cpu_times()[:2])
    with on_core(1):
        done = subprocess.run(
            [*command, str(bodies)],
            cwd=ROOT,
            env={**os.environ, "KINGUARD_BENCH_TOKEN": server.token},
            capture_output=True,
            check=True,
            timeout=seconds + 30,
        )
    spent = sum(server.process.cpu_times()[:2]) - before
    result: dict[str, Any] = json.loads(done.stdout)
    assert set(result["statuses"]) == {"200"}, result
    result["per_cpu_second"] = result["statuses"]["200"] / max(spent, 0.01)
    return result


@contextmanager
def served(arguments: list[str], port: int, environment: dict[str, str]) -> Iterator[psutil.Process]:
    """A server process on the first core, up and then stopped."""
    with tempfile.TemporaryFile() as log:
        with on_core(0):
            process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            _wait_for(process, port, log)
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait(20)


def _wait_for(process: subprocess.Popen[bytes], port: int, log: Any) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    log.seek(0)
    raise RuntimeError(f"the server on port {port} did not start: {log.read().decode()[-2000:]}")


def crowd(settings: Settings) -> None:
    """100,000 more clients, each with an account that is a guardian: copies of mia, dana and the grant between them."""
    engine = create_engine(settings.access_database_url)
    copies = ((AccountRow, "dana"), (ClientRow, "mia"), (GrantRow, "g_dana_mia"))
    with engine.begin() as connection:
        for table, origin in copies:
            columns = table.__table__  # type: ignore[attr-defined]
            found = connection.execute(select(columns).where(columns.c.id == origin)).mappings().one()
            row = {name: value for name, value in found.items() if name != "key"}
            rows = []
            for i in range(PEOPLE):
                copy = dict(row, id=f"{origin}_{i}")
                if "account_id" in row:
                    copy |= {"account_id": f"dana_{i}", "client_id": f"mia_{i}"}
                rows.append(copy)
            connection.execute(insert(columns), rows)
    engine.dispose()


def _about(i: int) -> dict[str, Any]:
    properties = {"client_id": f"mia_{i}", "addressee_id": f"dana_{i}", "state": "open", "balance_due_cents": 100}
    return {
        "subject": {"type": "account", "id": f"dana_{i}"},
        "action": {"name": "view"},
        "resource": {"type": "invoice", "id": f"inv_{i}", "properties": properties},
    }


def _batch(bodies: list[dict[str, Any]]) -> bytes:
    return orjson.dumps({"evaluations": bodies})


def _post(port: int, path: str, body: bytes, token: str) -> Any:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}",
        body,
        {"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return orjson.loads(answer.read())


def _token(settings: Settings) -> str:
    clients = Clients(settings.clients)
    backend = clients.get("demo-backend")
    assert backend is not None
    keys = SigningKeys(settings.keys_dir / "signing")
    return Issuer(keys, clients, settings.issuer, settings.token_endpoint, system_clock).issue(backend).text


def _environment(settings: Settings) -> dict[str, str]:
    return {
        **os.environ,
        "KINGUARD_PROFILE": "demo",
        "KINGUARD_DATA_DIR": str(settings.data_dir),
        "KINGUARD_AUTHZ_PORT": str(settings.authz_port),
    }


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def on_core(number: int) -> Iterator[None]:
    """What is started meanwhile stays on this core."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(cores)[number % len(cores)]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
