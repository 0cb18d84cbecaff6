"""Bundles over HTTP: who may stage and deploy, what is refused, and what the trail keeps of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any


from authz_service.deploying.texts import read_texts
from tests.conftest import ROOT

if TYPE_CHECKING:
    from tests.api.conftest import Api

VERSIONS = "/v1/policy/versions"
REVIEWER, OWNER = "staff/rex", "staff/priya"


def ours(comment: str = "") -> dict[str, str]:
    """Our bundle; with a comment it has another digest, and the same meaning."""
    texts = read_texts(ROOT / "policies")
    if comment:
        texts["main.polar"] += f"\n# {comment}\n"
    return texts


def stage(api: Api, files: dict[str, str], note: str = "", actor: str = REVIEWER) -> Any:
    return api.call("POST", VERSIONS, {"files": files, "note": note}, actor=actor)


def test_a_bundle_is_staged_deployed_and_rolled_back(api: Api) -> None:
    listed = api.call("GET", VERSIONS, actor=REVIEWER).json()
    (first,) = listed["versions"]
    assert (first["state"], listed["serving"]) == ("serving", first["digest"])
    assert [(each["number"], each["kind"]) for each in listed["deployments"]] == [(1, "start")]
    made = stage(api, ours("one"), "a try")
    assert made.status_code == 201, made.text
    digest = made.json()["digest"]
    assert (made.json()["state"], made.json()["staged_by"], made.json()["note"]) == ("staged", REVIEWER, "a try")
    assert stage(api, ours("one")).status_code == 200
    body = {"serving": first["digest"], "reason": "it is better"}
    assert api.call("POST", f"{VERSIONS}/{digest}/deploy", body, actor=REVIEWER).status_code == 403
    done = api.call("POST", f"{VERSIONS}/{digest}/deploy", body, actor=OWNER)
    assert done.status_code == 200, done.text
    assert done.json() == {
        "number": 2,
        "digest": digest,
        "before": first["digest"],
        "processes": {"swapped": 1, "gone": 0},
    }
    assert api.service.serving.digest == digest
    back = api.call("POST", "/v1/policy/rollback", {"serving": digest, "reason": "it is not"}, actor=OWNER)
    assert back.status_code == 200, back.text
    assert api.service.serving.digest == first["digest"]
