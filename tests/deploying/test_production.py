"""Putting a bundle into service in the production profile: two hosts, a caller with its own keys, a second factor."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
import uuid
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.api.test_bundles import OWN_PLAN, STRICT
from tests.api.test_process import environment, free_port, kinguard
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Clusters

ISSUER = "https://authz.example.org"
SCOPES = ["evaluate", "act", "policy", "access:read", "access:write"]
TWO_FACTORS = "pwd otp"


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory, clusters: Clusters) -> Iterator[list[dict[str, str]]]:
    """The settings of two hosts with one database, on which the owner of a practice is set up."""
    folder = tmp_path_factory.mktemp("production")
    key = Ed25519PrivateKey.generate()
    public = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(key.public_key()))
    public |= {"kid": "k1", "use": "sig", "alg": "EdDSA"}
    clients = {"clients": {"backend": {"keys": [public], "scopes": SCOPES, "practices": ["*"]}}}
    (folder / "clients.json").write_text(json.dumps(clients))
    database = clusters.make(f"production_{uuid.uuid4().hex}", "access_empty")
    shared = {
        "KINGUARD_PROFILE": "production",
        "KINGUARD_ACCESS_DATABASE_URL": clusters.url(database),
        "KINGUARD_REDIS_URL": "redis://localhost:1",  # asked for by the profile; the service keeps nothing there
        "KINGUARD_ISSUER": ISSUER,
        "KINGUARD_CLIENTS_FILE": str(folder / "clients.json"),
        "KINGUARD_TRAIL_SEGMENT_BYTES": "1048576",
    }
    settings = [shared | {"KINGUARD_DATA_DIR": str(folder / f"host{number}")} for number in (1, 2)]
    added = kinguard(
        folder / "host1", "practice", "add", "northside", "--zone", "America/New_York", "--owner", "ana", **shared
    )
    assert added.returncode == 0, added.stderr
    with ExitStack() as stack:
        for each in settings:
            port = free_port()
            each["KINGUARD_AUTHZ_PORT"] = str(port)
            stack.enter_context(running(each))
            if each is settings[0]:  # One issuer, one set of keys: they are copied to every host.
                shutil.copytree(folder / "host1" / "keys", folder / "host2" / "keys")
            each["KINGUARD_TOKEN"] = token(each, key)
        yield settings
    clusters.drop(database)


@contextmanager
def running(settings: dict[str, str]) -> Iterator[None]:
    env = environment(settings["KINGUARD_DATA_DIR"], **settings)  # type: ignore[arg-type]
    with subprocess.Popen([sys.executable, "-m", "authz_service"], env=env, stdout=subprocess.DEVNULL) as child:
        try:
            deadline = time.monotonic() + 60
            while not is_ready(settings):
                assert child.poll() is None, "the service ended"
                assert time.monotonic() < deadline, "the service was not ready within a minute"
                time.sleep(0.05)
            yield
        finally:
            child.terminate()
            child.wait(20)


def is_ready(settings: dict[str, str]) -> bool:
    try:
        return ask(settings, "GET", "/readyz").status_code == 200
    except httpx.ConnectError:
        return False


def ask(settings: dict[str, str], method: str, path: str, **sent: Any) -> httpx.Response:
    known = settings.get("KINGUARD_TOKEN")
    headers = ({"Authorization": f"Bearer {known}"} if known else {}) | sent.pop("headers", {})
    url = f"http://127.0.0.1:{settings['KINGUARD_AUTHZ_PORT']}{path}"
    return httpx.request(method, url, headers=headers, trust_env=False, timeout=30, **sent)


def token(settings: dict[str, str], key: Ed25519PrivateKey) -> str:
    now = int(time.time())
    claims = {"iss": "backend", "sub": "backend", "aud": f"{ISSUER}/oauth/token", "iat": now, "exp": now + 60}
    assertion = jwt.encode(claims | {"jti": uuid.uuid4().hex}, key, algorithm="EdDSA", headers={"kid": "k1"})
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": assertion,
    }
    answer = ask(settings, "POST", "/oauth/token", data=form)
    assert answer.status_code == 200, answer.text
    text: str = answer.json()["access_token"]
    return text


def run(settings: dict[str, str], *arguments: str, amr: str = TWO_FACTORS) -> subprocess.CompletedProcess[str]:
    more = settings | ({"KINGUARD_ACTOR_AMR": amr} if amr else {})
    return kinguard(settings["KINGUARD_DATA_DIR"], "policy", *arguments, **more)  # type: ignore[arg-type]


def said(settings: dict[str, str], *arguments: str) -> str:
    done = run(settings, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def decisions(hosts: list[dict[str, str]]) -> list[bool]:
    answers = [ask(host, "POST", "/access/v1/evaluation", json=OWN_PLAN) for host in hosts]
    return [answer.json()["decision"] for answer in answers]


def test_a_bundle_is_staged_on_one_host_deployed_on_the_other_and_rolled_back_on_both(
    hosts: list[dict[str, str]], tmp_path: Path
) -> None:
    """Each host loads what the database names; its digest is the same on both after every step."""
    first, second = hosts
    acting = {"Kinguard-Actor": "staff/ana", "Kinguard-Actor-Amr": TWO_FACTORS}
    member = {"id": "rio", "roles": ["reviewer"]}
    taken_on = ask(first, "POST", "/v1/practices/northside/staff", json=member, headers=acting)
    assert taken_on.status_code == 201, taken_on.text
    folder = tmp_path / "policies"
    shutil.copytree(ROOT / "policies", folder)
    (folder / "limits" / "test.polar").write_text(STRICT)

    digest = said(first, "stage", str(folder), "--note", "tighter", "--as", "rio").split()[0]
    assert f"{digest[:12]}  staged" in said(second, "versions", "--as", "rio")
    deployed = said(second, "deploy", digest[:12], "--reason", "reviewed", "--as", "ana")
    assert deployed.rstrip().endswith("in 2 processes")
    assert [serving(host) for host in hosts] == [digest] * 2
    back = said(first, "rollback", "--reason", "too tight", "--as", "ana")
    assert "in 2 processes" in back
    assert digest not in {serving(host) for host in hosts}
    assert len({serving(host) for host in hosts}) == 1


def test_without_a_second_factor_nobody_puts_anything_into_service(hosts: list[dict[str, str]]) -> None:
    """It is asked for before anything is sent; and who says they had none is refused, in one line."""
    unsaid = run(hosts[0], "versions", "--as", "ana", amr="")
    assert (unsaid.returncode != 0, "KINGUARD_ACTOR_AMR must say how" in unsaid.stderr) == (True, True)
    weak = run(hosts[0], "rollback", "--reason", "x", "--as", "ana", amr="pwd")
    assert weak.returncode != 0
    assert "staff/ana may not" in weak.stderr
    assert len(weak.stderr.strip().splitlines()) == 1


def serving(host: dict[str, str]) -> str:
    acting = {"Kinguard-Actor": "staff/ana", "Kinguard-Actor-Amr": TWO_FACTORS}
    digest: str = ask(host, "GET", "/v1/policy/versions", headers=acting).json()["serving"]
    return digest
