"""Real processes of the service on one database, and what they are taken apart with."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.api.conftest import api, api_on_both, data_dir, sqlite_url  # noqa: F401 - fixtures
from tests.api.test_bundles import OWNER, REVIEWER, VERSIONS, bundles  # noqa: F401 - a fixture
from tests.api.test_process import environment, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ISSUER = "http://127.0.0.1:8181"
# One process; each word of the command line takes one protection out, or breaks one thing.
PROGRAM = """
import math, os, signal, sys
from pathlib import Path
import uvicorn
from authz_service.api.serving import InService
from authz_service.app import create_app
from authz_service.deploying import commands, loading, membership
from authz_service.engine import BundleError, Problem
from authz_service.logs import configure_logs
from authz_service.settings import read_settings

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

for word in sys.argv[2:]:
    if word == "no-receipts":
        membership.Membership.wait_for_receipts = lambda self, number: membership.Receipts(0, 0)
    elif word == "no-lease":
        grant = InService.grant
        InService.grant = lambda self, until: grant(self, math.inf)
    elif word == "dies-before":
        commands.Keeping.deploy = die
    elif word == "dies-after":
        membership.Membership.wait_for_receipts = die
    elif word.startswith("cannot-load-while="):
        flag, load = Path(word.partition("=")[2]), loading.KeptBundles.load
        def loads(self, digest):
            if flag.exists():
                raise BundleError([Problem("main.polar", 1, "nobody can read this")])
            return load(self, digest)
        loading.KeptBundles.load = loads
configure_logs()
app = create_app(read_settings())
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), loop="uvloop", http="httptools", log_level="critical")
"""


@dataclass
class Process:
    """A process of the service, and a client of it."""

    child: subprocess.Popen[bytes]
    url: str
    token: str
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        headers = {"Authorization": f"Bearer {self.token}"}
        self.http = httpx.Client(base_url=self.url, headers=headers, trust_env=False, timeout=60)

    def call(self, method: str, path: str, body: object = None, actor: str = REVIEWER) -> httpx.Response:
        return self.http.request(method, path, json=body, headers={"Kinguard-Actor": actor})

    def stage(self, files: dict[str, str]) -> str:
        reply = self.call("POST", VERSIONS, {"files": files})
        assert reply.is_success, reply.text
        digest: str = reply.json()["digest"]
        return digest

    @property
    def serving(self) -> str:
        digest: str = self.call("GET", VERSIONS).json()["serving"]
        return digest

    def deploy(self, digest: str) -> dict[str, Any]:
        body = {"serving": self.serving, "reason": "a swap"}
        reply = self.call("POST", f"{VERSIONS}/{digest}/deploy", body, actor=OWNER)
        assert reply.is_success, reply.text
        found: dict[str, Any] = reply.json()
        return found

    def allows(self, question: dict[str, Any]) -> bool:
        reply = self.http.post("/access/v1/evaluation", json=question)
        assert reply.status_code == 200, reply.text
        decision: bool = reply.json()["decision"]
        return decision


@dataclass
class Fleet:
    """Starts processes on one database."""

    folder: Path
    url: str
    bundles: Path
    stack: ExitStack
    count: int = 0
    token: str = ""

    def start(self, *words: str, shares_bundles: bool = True) -> Process:
        """A process of its own data directory; `shares_bundles` as on one host."""
        self.count += 1
        data = self.folder / f"host{self.count}"
        data.mkdir()
        if shares_bundles:
            (data / "bundles").symlink_to(self.bundles)
        else:
            shutil.copytree(self.bundles, data / "bundles")
        first = self.folder / "host1" / "keys"
        if first.exists() and self.count > 1:
            shutil.copytree(first, data / "keys")
        return self.stack.enter_context(self._running(data, words))

    @contextmanager
    def _running(self, data: Path, words: tuple[str, ...]) -> Iterator[Process]:
        port = free_port()
        env = environment(
            data,
            KINGUARD_ACCESS_DATABASE_URL=self.url,
            KINGUARD_ISSUER=ISSUER,
            KINGUARD_TRAIL_SEGMENT_BYTES="1048576",
            KINGUARD_TRAIL_TIMEOUT_SECONDS="5",
        )
        command = [sys.executable, "-c", PROGRAM, str(port), *words]
        with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL) as child:
            try:
                url = f"http://127.0.0.1:{port}"
                _wait_until_ready(child, url)
                process = Process(child, url, self.token or self._token(env))
                with process.http:
                    yield process
            finally:
                if child.poll() is None:
                    child.terminate()
                    try:
                        child.wait(10)
                    except subprocess.TimeoutExpired:
                        child.kill()

    def _token(self, env: dict[str, str]) -> str:
        command = [sys.executable, "-m", "authz_service.cli", "token", "--client", "demo-backend"]
        self.token = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout.strip()
        return self.token


def _wait_until_ready(child: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert child.poll() is None, "the service ended"
        try:
            if httpx.get(f"{url}/readyz", trust_env=False).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.05)
    pytest.fail("the service was not ready within a minute")


@pytest.fixture
def fleet(tmp_path: Path, seeded_url: str, bundles: Path) -> Iterator[Fleet]:  # noqa: F811
    """Processes on the cast's database; on PostgreSQL as many as are started."""
    shared = tmp_path / "bundles"
    shutil.copytree(bundles, shared)
    with ExitStack() as stack:
        yield Fleet(tmp_path, seeded_url, shared, stack)
