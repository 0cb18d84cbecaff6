"""`kinguard policy stage`, `versions`, `shadow`, `deploy` and `rollback`, on a running service."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import httpx
import pytest
from typer.testing import CliRunner

from authz_service.cli.policy import app
from tests.api.test_bundles import OWN_PLAN, STRICT
from tests.api.test_process import environment, free_port, kinguard, process
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


def run(data_dir: Path, port: int, *arguments: str, **more: str) -> Result:
    """The command in this process: starting an interpreter for each would take longer than what it does."""
    return CliRunner().invoke(app, arguments, env=environment(data_dir, KINGUARD_AUTHZ_PORT=str(port), **more))


def ask_live(data_dir: Path, port: int) -> None:
    """A single question, a plan and a search of the client who would lose the service plan."""
    token = kinguard(data_dir, "token", "--client", "demo-backend", KINGUARD_AUTHZ_PORT=str(port)).stdout.strip()
    for path in ("/access/v1/evaluation", "/v1/plan", "/access/v1/search/resource"):
        headers, url = {"Authorization": f"Bearer {token}"}, f"http://127.0.0.1:{port}{path}"
        assert httpx.post(url, json=OWN_PLAN, headers=headers, trust_env=False).status_code == 200, path


def test_a_bundle_goes_into_service_and_back_from_the_command_line(data_dir: Path, tmp_path: Path) -> None:
    """With digests cut short; every step says in a line or two what it did, and every mistake in one."""
    folder = tmp_path / "policies"
    shutil.copytree(ROOT / "policies", folder)
    (folder / "limits" / "test.polar").write_text(STRICT)
    port = free_port()
    with process(data_dir, port):
        staged = run(data_dir, port, "stage", str(folder), "--note", "tighter", "--as", "rex")
        assert staged.exit_code == 0, staged.stderr
        digest, state = staged.stdout.split()[:2]
        assert state == "staged:"
        listed = run(data_dir, port, "versions", KINGUARD_ACTOR="rex").stdout
        assert f"{digest[:12]}  staged" in listed
        assert "tighter" in listed
        assert (
            run(data_dir, port, "shadow", digest[:8], "--on", "--as", "rex").stdout
            == "on: 0 compared, 0 differed, 0 failed\n"
        )
        ask_live(data_dir, port)
        assert run(data_dir, port, "shadow", digest[:8], "--as", "staff/rex").stdout.splitlines() == [
            "on: 3 compared, 3 differed, 0 failed",
            "  evaluations: 1 compared, 1 differed, 0 failed",
            "  in searches: 1 compared, 1 differed, 0 failed",
            "  plans: 1 compared, 1 differed, 0 failed",
            "       1  now denied   account view service_plan (evaluation)",
            "       1  lists less   account view service_plan (plan)",
            "       1  now denied   account view service_plan (search)",
        ]
        done = run(data_dir, port, "deploy", digest[:8], "--reason", "reviewed", "--as", "priya")
        assert (done.exit_code, done.stderr) == (0, "")
        assert done.stdout.startswith(f"deployment 2: {digest} serves in place of ")
        back = run(data_dir, port, "rollback", "--reason", "too tight", "--as", "priya")
        assert back.stdout.startswith("deployment 3: ")
        assert back.stdout.rstrip().endswith(f"serves in place of {digest[:12]}, in 1 process")
        for arguments, status, said in (
            (
                ("deploy", digest[:8], "--reason", "x", "--as", "rex"),
                1,
                "kinguard: staff/rex may not deploy this policy",
            ),
            (("rollback", "--reason", "x", "--as", "priya"), 1, "kinguard: no other bundle served before this one"),
            (("deploy", "zz", "--reason", "x", "--as", "priya"), 2, "kinguard: no bundle's digest begins with 'zz'"),
            (("deploy", "", "--reason", "x", "--as", "priya"), 2, "kinguard: '' begins several digests: "),
            (("stage", str(tmp_path / "nowhere"), "--as", "rex"), 1, "kinguard: nowhere: "),
            (("versions", "--as", "no body"), 1, "kinguard: Kinguard-Actor must say who acts"),
        ):
            failed = run(data_dir, port, *arguments)
            assert (failed.exit_code, failed.stdout) == (status, ""), arguments
            assert failed.stderr.startswith(said), failed.stderr
            assert len(failed.stderr.strip().splitlines()) == 1
        (folder / "limits" / "test.polar").write_text(STRICT.replace("rep.kind", "rep.kimd"))
        refused = run(data_dir, port, "stage", str(folder), "--as", "rex")
        assert refused.exit_code == 1
        assert refused.stderr.startswith("limits/test.polar:1: ")
        assert refused.stderr.rstrip().splitlines()[-1].startswith("kinguard: the bundle is refused, for ")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "kinguard: the authz service at http://127.0.0.1:"),
        ({"KINGUARD_AUTHZ_SOCKET": "/nowhere/kinguard.sock"}, "kinguard: the authz service at /nowhere/kinguard.sock"),
        ({"KINGUARD_PROFILE": "production"}, "kinguard: KINGUARD_"),
    ],
    ids=["port", "socket", "production"],
)
def test_a_service_that_cannot_be_reached_is_said_in_one_line(tmp_path: Path, more: dict[str, str], said: str) -> None:
    """And the exit status is not 0."""
    failed = kinguard(tmp_path, "policy", "versions", "--as", "rex", KINGUARD_AUTHZ_PORT=str(free_port()), **more)
    assert failed.returncode != 0
    assert failed.stderr.startswith(said), failed.stderr
    assert len(failed.stderr.strip().splitlines()) == 1
