"""A copy is tried over the API by whoever may run the policy, and what serves never notices."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

import pytest

from authz_service.api import policy_playground
from authz_service.engine import load_policy
from authz_service.review.trial import Limits, run_trial
from tests.api.conftest import question
from tests.conftest import ROOT
from tests.review.test_trial import EXPONENTIAL, children

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.api.conftest import Api

PLAYGROUND = "/v1/policy/playground"
REX = "staff/rex"
DANA_READS = question("dana", "view", "document", "doc_mia_school")


def our_files() -> dict[str, str]:
    folder = ROOT / "policies"
    names = [
        "facts.yaml",
        "invariants.yaml",
        *(path.relative_to(folder).as_posix() for path in folder.rglob("*.polar")),
    ]
    return {name: (folder / name).read_text(encoding="utf-8") for name in names}


def send(api: Api, files: dict[str, str], actor: str = REX, **more: Any) -> httpx.Response:
    return api.call("POST", PLAYGROUND, {"files": files, **more}, actor=actor)


def tried(api: Api, files: dict[str, str], **more: Any) -> dict[str, Any]:
    reply = send(api, files, **more)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


def serving(api: Api) -> str:
    """The digest of the version that serves."""
    reply = api.call("GET", "/v1/policy/versions/serving/diagrams", actor=REX)
    return str(reply.json()["version"])


def test_an_unchanged_copy_answers_alike_and_its_invariants_are_proven(shared_api: Api) -> None:
    found = tried(shared_api, our_files())
    assert found["problems"] == []
    assert found["digest"] == found["against"] == load_policy(ROOT / "policies").digest
    assert found["difference"]["same"] is True
    assert {invariant["fate"] for invariant in found["invariants"]} == {"proven"}


def test_a_question_is_answered_by_the_copy_beside_what_serves(shared_api: Api) -> None:
    files = our_files()
    files["limits/item.polar"] += '\nforbid(_: Representative, _action, _: Invoice, "item.none");\n'
    ask = {"subject_type": "account", "action": "view", "resource_type": "invoice", "facts": {"subject.kind": "payer"}}
    found = tried(shared_api, files, ask=ask)
    assert found["answer"]["decision"] is False
    assert [rule["id"] for rule in found["answer"]["rules"]] == ["item.none"]
    assert {group["after"][0] for group in found["difference"]["newly_denied"]} == {"item.none"}
    assert found["difference"]["newly_allowed"] == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("../facts.yaml", "x"),
        ("/etc/passwd", "x"),
        ("limits/../../x.polar", "x"),
        ("limits/.hidden.polar", "x"),
        ("suites/../x.yaml", "x"),
        ("suites/x.polar.yaml/..", "x"),
        ("x.py", "x"),
        ("x.polar\0", "x"),
        ("large.polar", "#" * 300_000),
    ],
)
def test_what_is_no_file_of_a_bundle_is_refused_before_it_is_read(
    shared_api: Api, name: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("it was read")

    monkeypatch.setattr(policy_playground, "run_trial", never)
    found = tried(shared_api, our_files() | {name: text})
    assert any(problem["file"] in name for problem in found["problems"])


def test_a_body_of_more_than_a_mebibyte_is_refused(shared_api: Api) -> None:
    assert send(shared_api, {"facts.yaml": "x" * (1024 * 1024)}).status_code == 413


@pytest.mark.parametrize(("actor", "status"), [("staff/rex", 200), ("staff/sky", 403)])
def test_only_who_may_run_the_policy_tries_a_copy(shared_api: Api, actor: str, status: int) -> None:
    assert send(shared_api, {"facts.yaml": "version: 1"}, actor).status_code == status


@pytest.mark.parametrize("against", ["0" * 64, "..", ""])
def test_a_copy_is_compared_with_a_version_that_there_is(shared_api: Api, against: str) -> None:
    assert send(shared_api, our_files(), against=against).status_code == 404


def test_what_serves_answers_as_before_while_a_copy_burns_its_limits(
    shared_api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its digest and its answers stay, another run fits beside it and a third does not; then every child is gone."""

    def brief(files: Any, against: Path, store: Path, ask: Any) -> dict[str, Any]:
        return run_trial(files, against, store, ask, Limits(seconds=5))

    monkeypatch.setattr(policy_playground, "run_trial", brief)
    digest = serving(shared_api)
    before = shared_api.evaluate(DANA_READS).json()["decision"]
    replies: list[httpx.Response] = []
    runs = [threading.Thread(target=lambda: replies.append(send(shared_api, EXPONENTIAL))) for _ in range(2)]
    for run in runs:
        run.start()
    while len(children()) < 2:
        assert any(run.is_alive() for run in runs)
    refused = send(shared_api, our_files())
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "30")
    assert "2 copies are being tried" in refused.json()["detail"]
    while any(run.is_alive() for run in runs):
        assert shared_api.evaluate(DANA_READS).json()["decision"] is before is True
    for run in runs:
        run.join()
    assert [reply.status_code for reply in replies] == [200, 200]
    assert all("took longer than 5 seconds" in reply.json()["problems"][0]["message"] for reply in replies)
    assert children() == []
    assert serving(shared_api) == digest


def test_a_place_is_free_again_when_its_run_has_failed(shared_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError(os.strerror(12))

    with monkeypatch.context() as patch:
        patch.setattr(policy_playground, "run_trial", broken)
        for _ in range(policy_playground.RUNS_MAX + 1):
            assert send(shared_api, our_files()).status_code == 500
    assert send(shared_api, {"facts.yaml": "version: 1"}).status_code == 200
