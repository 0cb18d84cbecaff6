"""The service as a process of its own: many callers at once, and what a sudden death leaves behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.api.conftest import question, serving, settings_of
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import StandingClock

YES = question("rosa", "view", "service_plan", "plan_rosa")
NO = question("tom", "view", "service_plan", "plan_rosa")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment(data_dir: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KINGUARD_")}
    return kept | {"KINGUARD_DATA_DIR": str(data_dir), "PYTHONPATH": str(ROOT), **more}


def kinguard(data_dir: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "authz_service.cli", *arguments],
        env=environment(data_dir, **more),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@contextmanager
def process(data_dir: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    env = environment(data_dir, KINGUARD_AUTHZ_PORT=str(port), KINGUARD_TRAIL_SEGMENT_BYTES="1048576")
    with subprocess.Popen([sys.executable, "-m", "authz_service"], env=env, stdout=subprocess.DEVNULL) as child:
        try:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                assert child.poll() is None, "the service ended"
                try:
                    if httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).status_code == 200:
                        break
                except httpx.HTTPError:
                    time.sleep(0.05)
            yield child
        finally:
            if child.poll() is None:
                child.terminate()
                child.wait(20)


def token(data_dir: Path, port: int) -> str:
    printed = kinguard(data_dir, "token", "--client", "demo-backend", KINGUARD_AUTHZ_PORT=str(port))
    assert printed.returncode == 0, printed.stderr
    return printed.stdout.strip()


def test_every_answer_given_before_a_sudden_death_is_in_the_trail(
    data_dir: Path, standing_clock: StandingClock
) -> None:
    port = free_port()
    answered: list[str] = []
    with process(data_dir, port) as child:
        headers = {"Authorization": f"Bearer {token(data_dir, port)}"}
        stop = threading.Event()

        def ask(worker: int) -> None:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, trust_env=False) as client:
                for number in range(100_000):
                    request_id = f"{worker}-{number}"
                    yes = (worker + number) % 2 == 0
                    try:
                        reply = client.post(
                            "/access/v1/evaluation", json=YES if yes else NO, headers={"X-Request-ID": request_id}
                        )
                    except httpx.HTTPError:
                        return
                    assert reply.json() == {"decision": yes}
                    assert reply.headers["x-request-id"] == request_id
                    answered.append(request_id)
                    if stop.is_set():
                        return

        workers = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
        for worker in workers:
            worker.start()
        while len(answered) < 300:
            time.sleep(0.01)
        child.send_signal(signal.SIGKILL)
        assert child.wait(10) == -signal.SIGKILL
        stop.set()
        for worker in workers:
            worker.join()
    settings = settings_of(data_dir, f"sqlite:///{data_dir / 'access.db'}")
    with serving(settings, standing_clock) as api:
        found: set[str] = set()
        place = ""
        while True:
            page = api.call("GET", f"/v1/trail?kind=decision&limit=500&next={place}").json()
            found |= {entry["request_id"] for entry in page["entries"]}
            place = page["next"]
            if not place:
                break
    assert len(answered) >= 300
    assert set(answered) <= found
    verified = kinguard(data_dir, "trail", "verify")
    assert verified.returncode == 0, verified.stderr
    assert "the trail is whole" in verified.stdout


def test_a_stopped_service_leaves_nothing_waiting(data_dir: Path) -> None:
    port = free_port()
    with process(data_dir, port) as child:
        headers = {"Authorization": f"Bearer {token(data_dir, port)}"}
        reply = httpx.post(f"http://127.0.0.1:{port}/access/v1/evaluation", json=YES, headers=headers, trust_env=False)
        assert reply.json() == {"decision": True}
        child.terminate()
        assert child.wait(20) in (0, -signal.SIGTERM)
    assert list((data_dir / "trail").glob("*.segment")) == []
    verified = kinguard(data_dir, "trail", "verify")
    assert "0 waiting" in verified.stdout, verified.stderr
    with (data_dir / "trail" / "checkpoints.jsonl").open("ab") as file:
        file.write(b"x\n")
    tampered = kinguard(data_dir, "trail", "verify")
    assert tampered.returncode == 1
    assert "checkpoints.jsonl" in tampered.stderr


def test_a_start_that_fails_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        refused = kinguard(tmp_path, "serve", KINGUARD_AUTHZ_PORT=port)
        assert (refused.returncode, len(refused.stderr.strip().splitlines())) == (2, 1)
        assert port in refused.stderr
    (tmp_path / "policies").mkdir()
    more = {"KINGUARD_POLICIES": str(tmp_path / "policies"), "KINGUARD_AUTHZ_PORT": str(free_port())}
    refused = kinguard(tmp_path, "serve", **more)
    assert refused.returncode == 3
    assert "facts.yaml" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_taken_port_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for name in ("KINGUARD_AUTHZ_PORT", "KINGUARD_GATEWAY_PORT"):
            ports = {"KINGUARD_AUTHZ_PORT": str(free_port()), "KINGUARD_GATEWAY_PORT": str(free_port()), name: port}
            refused = kinguard(tmp_path, "run", **ports)
            assert refused.returncode == 1
            assert refused.stderr.strip().splitlines() == [
                f"kinguard: {name}: port {port} is taken by another program; choose another"
            ]


@pytest.mark.parametrize(
    ("arguments", "more", "said"),
    [
        (("token", "--client", "nobody"), {}, "nobody"),
        (("token", "--client", "gateway", "--scope", "root"), {}, "root"),
        (("token", "--client", "gateway"), {"KINGUARD_PROFILE": "production"}, "KINGUARD_REDIS_URL"),
        (("run",), {"KINGUARD_AUTHZ_PORT": "x"}, "KINGUARD_AUTHZ_PORT"),
        (("run",), {"KINGUARD_PROFILE": "test"}, "KINGUARD_PROFILE"),
        (("trail", "verify"), {}, "trail.pem"),
    ],
    ids=lambda each: str(each)[:40],
)
def test_a_command_that_cannot_be_done_says_so_in_one_line(
    tmp_path: Path, arguments: tuple[str, ...], more: dict[str, str], said: str
) -> None:
    refused = kinguard(tmp_path, *arguments, **more)
    assert refused.returncode in (1, 2)
    assert said in refused.stderr
    assert "Traceback" not in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
