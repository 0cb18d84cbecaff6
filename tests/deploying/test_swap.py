"""A swap under load: no request fails, and none that begins after the acknowledgement is answered by the old policy."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import orjson
import pytest

from authz_service.storage import AccessStore
from tests.api.test_bundles import OWN_PLAN, OWNER, VERSIONS, ours, strict
from tests.conftest import on_sqlite_only

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.deploying.conftest import Fleet, Process

on_postgresql_only = pytest.mark.parametrize("seeded_url", ["postgresql"], indirect=True)
CLIENTS = 32
SWAPS = 3


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to a client, with the instants around it."""

    request_id: str
    begun: float
    status: int
    decision: bool | None


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A deployment: when it was asked for and acknowledged, and what it answers the question."""

    asked: float
    at: float
    decision: bool


async def _ask(process: Process, name: str, answers: list[Answer], stop: asyncio.Event) -> None:
    headers = {"Authorization": f"Bearer {process.token}"}
    async with httpx.AsyncClient(base_url=process.url, headers=headers, trust_env=False, timeout=60) as http:
        number = 0
        while not stop.is_set():
            number += 1
            request_id = f"{name}-{number}"
            begun = time.monotonic()
            reply = await http.post("/access/v1/evaluation", json=OWN_PLAN, headers={"X-Request-ID": request_id})
            decision = reply.json().get("decision") if reply.status_code == 200 else None
            answers.append(Answer(request_id, begun, reply.status_code, decision))


async def _swap(process: Process, digests: Sequence[tuple[str, bool]]) -> list[Acknowledged]:
    made = []
    for number in range(SWAPS):
        await asyncio.sleep(0.3)
        digest, decision = digests[number % 2]
        asked = time.monotonic()
        done = await asyncio.to_thread(process.deploy, digest)
        assert done["processes"]["gone"] == 0
        made.append(Acknowledged(asked, time.monotonic(), decision))
    await asyncio.sleep(0.3)
    return made


def _under_load(processes: Sequence[Process]) -> tuple[list[Answer], list[Acknowledged]]:
    first = processes[0]
    loose, tight = first.serving, first.stage(strict())

    async def run() -> tuple[list[Answer], list[Acknowledged]]:
        answers: list[Answer] = []
        stop = asyncio.Event()
        clients = [
            asyncio.create_task(_ask(processes[number % len(processes)], f"c{number}", answers, stop))
            for number in range(CLIENTS)
        ]
        made = await _swap(first, [(tight, False), (loose, True)])
        stop.set()
        await asyncio.gather(*clients)
        return answers, made

    return asyncio.run(run())


def _late(answers: Sequence[Answer], made: Sequence[Acknowledged]) -> list[Answer]:
    """Answers by a policy that had been replaced, and the replacement acknowledged, before they were asked for."""
    found = []
    for acknowledged, following in zip(made, [*made[1:], None], strict=True):
        until = float("inf") if following is None else following.asked
        found += [
            answer
            for answer in answers
            if acknowledged.at < answer.begun < until and answer.decision is not acknowledged.decision
        ]
    return found


def _bundles_of(url: str) -> dict[str, tuple[str, bool]]:
    """Request id -> bundle and decision, from the trail's table."""
    store = AccessStore(url)
    try:
        with store.database.reading() as connection:
            rows = connection.exec_driver_sql("SELECT body FROM trail_records WHERE type = 'decision'").scalars().all()
    finally:
        store.close()
    bodies = [orjson.loads(body) for body in rows if body]
    return {body["request_id"]: (body["bundle"], body["items"][0][7]) for body in bodies}


@pytest.mark.parametrize(
    ("seeded_url", "count"), [("sqlite", 1), ("postgresql", 2)], indirect=["seeded_url"], ids=["sqlite", "postgresql"]
)
def test_a_swap_fails_no_request_and_leaves_no_late_answer(fleet: Fleet, seeded_url: str, count: int) -> None:
    """32 clients without pause; and every record in the trail names the bundle whose answer it was."""
    processes = [fleet.start() for _ in range(count)]
    loose = processes[0].serving
    answers, made = _under_load(processes)
    assert len(made) == SWAPS
    assert len(answers) > 10 * CLIENTS
    assert {answer.status for answer in answers} == {200}
    assert {answer.decision for answer in answers} == {True, False}
    assert _late(answers, made) == []
    fleet.stack.close()  # What they wrote is loaded now.
    recorded = _bundles_of(seeded_url)
    for answer in answers:
        bundle, decision = recorded[answer.request_id]
        assert (bundle == loose) is decision is answer.decision


@on_postgresql_only
def test_without_waiting_for_receipts_old_answers_come_late(fleet: Fleet) -> None:
    """Control of the test above."""
    answers, made = _under_load([fleet.start("no-receipts"), fleet.start()])
    assert _late(answers, made) != []


def _ask_while_stopped(process: Process) -> socket.socket:
    """A question that lies in the buffer of a stopped process."""
    host, port = process.url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)))
    body = orjson.dumps(OWN_PLAN)
    head = (
        f"POST /access/v1/evaluation HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {process.token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    connection.sendall(head.encode() + body)
    return connection


def _read(connection: socket.socket) -> bytes:
    found = b""
    with connection:
        while part := connection.recv(65536):
            found += part
    return found


def _stalled(fleet: Fleet, *words: str) -> tuple[dict[str, Any], bytes, Process]:
    """The second process stands still while the first one deploys; what it answers when it goes on."""
    first, second = fleet.start(), fleet.start(*words)
    assert second.allows(OWN_PLAN)
    tight = first.stage(strict())
    os.kill(second.child.pid, signal.SIGSTOP)
    try:
        done = first.deploy(tight)
        waiting = _ask_while_stopped(second)
    finally:
        os.kill(second.child.pid, signal.SIGCONT)
    return done, _read(waiting), second


@on_postgresql_only
def test_a_stalled_process_loses_its_lease_and_answers_nothing_until_it_knows_better(fleet: Fleet) -> None:
    """The deployer waits as long as the lease could last, then counts it as gone; it never answers by the old one."""
    done, said, stalled = _stalled(fleet)
    assert done["processes"] == {"swapped": 1, "gone": 1}
    assert b" 503 " in said or b'{"decision":false}' in said
    assert b'{"decision":true}' not in said
    deadline = time.monotonic() + 20
    while stalled.http.get("/readyz").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert not stalled.allows(OWN_PLAN)


@on_postgresql_only
def test_without_a_lease_a_stalled_process_answers_by_the_old_policy(fleet: Fleet) -> None:
    """Control of the test above."""
    _, said, _ = _stalled(fleet, "no-lease")
    assert b'{"decision":true}' in said


@on_postgresql_only
@pytest.mark.parametrize(("word", "stands"), [("dies-before", False), ("dies-after", True)])
def test_a_deployer_that_is_killed_leaves_either_policy_whole(fleet: Fleet, word: str, stands: bool) -> None:
    """What was committed serves everywhere, also after a restart; what was not, nowhere; then all goes on."""
    first, second = fleet.start(word), fleet.start()
    tight = second.stage(strict())
    loose = second.serving
    body = {"serving": loose, "reason": "x"}
    with pytest.raises(httpx.HTTPError):
        first.call("POST", f"{VERSIONS}/{tight}/deploy", body, actor=OWNER)
    assert first.child.wait(10) == -signal.SIGKILL
    assert second.serving == (tight if stands else loose)
    deadline = time.monotonic() + 10
    while second.allows(OWN_PLAN) is stands:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    again = fleet.start()
    assert again.allows(OWN_PLAN) is not stands
    done = again.deploy(loose if stands else tight)
    assert done["processes"] == {"swapped": 2, "gone": 1}
    assert again.allows(OWN_PLAN) is second.allows(OWN_PLAN) is stands


@on_postgresql_only
def test_a_process_that_cannot_load_what_was_deployed_denies_and_says_so(fleet: Fleet, tmp_path: Path) -> None:
    """It never goes on with the old policy, holds nobody up, and serves again as soon as it can load."""
    flag = tmp_path / "flag"
    first, second = fleet.start(), fleet.start(f"cannot-load-while={flag}")
    tight = first.stage(strict())
    flag.touch()
    begun = time.monotonic()
    first.deploy(tight)
    assert time.monotonic() - begun < 5
    assert second.http.post("/access/v1/evaluation", json=OWN_PLAN).status_code == 503
    ready = second.http.get("/readyz")
    assert (ready.status_code, "nobody can read this" in ready.text) == (503, True)
    flag.unlink()
    deadline = time.monotonic() + 10
    while second.http.get("/readyz").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert not second.allows(OWN_PLAN)


@on_postgresql_only
def test_another_host_gets_the_texts_from_the_database(fleet: Fleet) -> None:
    """Staged on one, served by the other, which has the files nowhere; and both agree on what is in the trail."""
    first, second = fleet.start(shares_bundles=False), fleet.start(shares_bundles=False)
    tight = first.stage(strict())
    assert first.deploy(tight)["processes"]["swapped"] >= 1
    deadline = time.monotonic() + 30
    while second.http.get("/readyz").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert not second.allows(OWN_PLAN)
    assert second.serving == tight
    shown = second.call("GET", f"{VERSIONS}/{tight}").json()
    assert {each["name"] for each in shown["files"]} == set(strict())


@on_sqlite_only
def test_of_two_deploys_at_once_one_is_told_that_it_came_late(fleet: Fleet) -> None:
    """Both saw the same policy serving: exactly one gets through, the others 412, and there is one deployment more."""
    process = fleet.start()
    first, digests = process.serving, [process.stage(ours("one")), process.stage(ours("two"))]

    async def run() -> list[int]:
        headers = {"Authorization": f"Bearer {process.token}", "Kinguard-Actor": OWNER}
        async with httpx.AsyncClient(base_url=process.url, headers=headers, trust_env=False, timeout=60) as http:
            body = {"serving": first, "reason": "x"}
            calls = [http.post(f"{VERSIONS}/{digest}/deploy", json=body) for digest in digests * 2]
            return [reply.status_code for reply in await asyncio.gather(*calls)]

    assert sorted(asyncio.run(run())) == [200, 412, 412, 412]
    listed = process.call("GET", VERSIONS).json()
    assert [each["number"] for each in listed["deployments"]] == [2, 1]
