"""Bundles over HTTP: who may stage and deploy, what is refused, and what the trail keeps of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from authz_service.deploying.proving import prove_bundle
from authz_service.deploying.texts import read_texts
from authz_service.engine import BundleError
from authz_service.engine.bundle import bundle_of
from authz_service.engine.policy import build_policy
from authz_service.trail.writer import TrailUnavailableError
from tests.api.conftest import question, serving
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.api.conftest import Api

VERSIONS = "/v1/policy/versions"
ROLLBACK = "/v1/policy/rollback"
REVIEWER, OWNER = "staff/rex", "staff/priya"
STRICT = 'forbid(rep: Representative, "view", _plan: ServicePlan, "test.no_plan") if rep.kind = "self";\n'
OWN_PLAN = question("rosa", "view", "service_plan", "plan_rosa")
BROKEN = """
  - id: nobody_sees_an_invoice
    says: Nobody ever sees an invoice.
    never: {subject: account, action: view, resource: invoice}
"""


def ours(comment: str = "") -> dict[str, str]:
    """Our bundle; with a comment it has another digest, and the same meaning."""
    texts = read_texts(ROOT / "policies")
    if comment:
        texts["main.polar"] += f"\n# {comment}\n"
    return texts


def strict() -> dict[str, str]:
    """Our bundle, under which nobody sees their own service plan."""
    return {**ours(), "limits/test.polar": STRICT}


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our bundle and those that are staged here, compiled once: staging then only proves them."""
    folder = tmp_path_factory.mktemp("compiled")
    for texts in (ours(), ours("one"), ours("two"), strict()):
        build_policy(bundle_of(texts), folder)
    return folder


def stage(api: Api, files: dict[str, str], note: str = "", actor: str = REVIEWER) -> Any:
    return api.call("POST", VERSIONS, {"files": files, "note": note}, actor=actor)


def staged(api: Api, files: dict[str, str]) -> str:
    reply = stage(api, files)
    assert reply.status_code in (200, 201), reply.text
    digest: str = reply.json()["digest"]
    return digest


def serving_of(api: Api) -> str:
    digest: str = api.call("GET", VERSIONS, actor=REVIEWER).json()["serving"]
    return digest


def deploy(api: Api, digest: str, actor: str = OWNER, seen: str | None = None) -> Any:
    body = {"serving": seen or serving_of(api), "reason": "it is better"}
    return api.call("POST", f"{VERSIONS}/{digest}/deploy", body, actor=actor)


def roll_back(api: Api, actor: str = OWNER) -> Any:
    return api.call("POST", ROLLBACK, {"serving": serving_of(api), "reason": "it is not"}, actor=actor)


def state_of(api: Api, digest: str) -> str:
    state: str = api.call("GET", f"{VERSIONS}/{digest}", actor=REVIEWER).json()["state"]
    return state


def test_a_bundle_is_staged_deployed_and_rolled_back(api_on_both: Api) -> None:
    """Every step shows in the list, with who did it, and every answer afterwards is of the bundle in service."""
    api = api_on_both
    listed = api.call("GET", VERSIONS, actor=REVIEWER).json()
    (first,) = listed["versions"]
    assert (first["state"], first["staged_by"], listed["serving"]) == ("serving", "system/start", first["digest"])
    assert [(each["number"], each["kind"], each["before"]) for each in listed["deployments"]] == [(1, "start", None)]
    made = stage(api, ours("one"), "a try")
    assert made.status_code == 201, made.text
    digest = made.json()["digest"]
    shown = {name: made.json()[name] for name in ("state", "staged_by", "note", "shadow")}
    assert shown == {"state": "staged", "staged_by": REVIEWER, "note": "a try", "shadow": False}
    assert all(made.json()[name] == first[name] for name in ("rules", "questions", "invariants"))
    assert (again := stage(api, ours("one"), "again")).status_code == 200
    assert again.json() == made.json()
    done = deploy(api, digest)
    assert done.status_code == 200, done.text
    processes = {"swapped": 1, "gone": 0}
    assert done.json() == {"number": 2, "digest": digest, "before": first["digest"], "processes": processes}
    assert api.call("GET", "/v1/policy").json()["digest"] == digest
    assert (state_of(api, first["digest"]), state_of(api, digest)) == ("retired", "serving")
    assert roll_back(api).json()["digest"] == first["digest"]
    assert api.call("GET", "/v1/policy").json()["digest"] == first["digest"]
    assert roll_back(api).status_code == 409
    deployments = api.call("GET", VERSIONS, actor=REVIEWER).json()["deployments"]
    assert [(each["number"], each["kind"], each["by"]) for each in deployments] == [
        (3, "rollback", OWNER),
        (2, "deploy", OWNER),
        (1, "start", "system/start"),
    ]


def test_the_reviewer_stages_and_the_owner_alone_deploys(api: Api) -> None:
    """As the policy says; another practice's staff may do neither, and each refusal is a decision on record."""
    digest = staged(api, ours("one"))
    shadow = f"{VERSIONS}/{digest}/shadow"
    for actor in ("staff/jo", "staff/ken", "staff/hal", "staff/sol", "staff/nobody", OWNER):
        assert stage(api, ours("two"), actor=actor).status_code == 403, actor
        assert api.call("PUT", shadow, {"on": True}, actor=actor).status_code == 403, actor
        assert api.call("DELETE", f"{VERSIONS}/{digest}", actor=actor).status_code == 403, actor
    for actor in ("staff/jo", "staff/hal", "staff/sol", "staff/nobody", REVIEWER):
        assert deploy(api, digest, actor=actor).status_code == 403, actor
        assert roll_back(api, actor=actor).status_code == 403, actor
    for actor in ("staff/hal", "staff/sol", "staff/ken"):
        assert api.call("GET", VERSIONS, actor=actor).status_code == 403, actor
    elsewhere = api.token(practices=("harborview",))
    body = {"serving": serving_of(api), "reason": "x"}
    assert api.call("POST", f"{VERSIONS}/{digest}/deploy", body, actor=OWNER, token=elsewhere).status_code == 403
    assert api.call("GET", VERSIONS).status_code == 400
    refused = api.call("GET", "/v1/trail?kind=decision&action=deploy&decision=false").json()["entries"]
    assert {entry["subject"] for entry in refused} >= {"staff/jo", "staff/hal", REVIEWER}
    assert deploy(api, digest).status_code == 200


@pytest.mark.parametrize(
    ("change", "file", "said"),
    [
        ({"main.polar": "allow("}, "main.polar", ""),
        ({"facts.yaml": "version: 2"}, "facts.yaml", "version"),
        (
            {"limits/more.polar": 'forbid(rep: Representative, _a, _r, "x.y") if rep.kimd = "self";'},
            "limits/more.polar",
            "kimd",
        ),
        (
            {"limits/more.polar": 'forbid(rep: Representative, _a, _r, "x.y") if rep.kind = "uncle";'},
            "limits/more.polar",
            "uncle",
        ),
        ({"../main.polar": ""}, "../main.polar", "no name"),
        ({"/etc/main.polar": ""}, "/etc/main.polar", "no name"),
        ({"a/../../main.polar": ""}, "a/../../main.polar", "no name"),
        ({"main.py": ""}, "main.py", "no name"),
        ({"extra/facts.yaml": ""}, "extra/facts.yaml", "no name"),
        ({"limits/nul.polar": "# \0"}, "limits/nul.polar", "NUL"),
        ({"limits/large.polar": "#" * 300_000}, "limits/large.polar", "larger"),
        ({f"limits/n{number}.polar": "" for number in range(300)}, "bundle", "files"),
    ],
    ids=lambda each: str(each)[:30],
)
def test_a_wrong_bundle_is_refused_with_file_line_and_reason(
    api: Api, change: dict[str, str], file: str, said: str
) -> None:
    """Nothing of it is kept, on disk or in the database, and what serves goes on."""
    reply = stage(api, {**ours(), **change})
    assert reply.status_code == 422, reply.text
    problems = reply.json()["problems"]
    assert any(each["file"] == file and said in each["message"] for each in problems), problems
    assert len(api.call("GET", VERSIONS, actor=REVIEWER).json()["versions"]) == 1
    texts = api.settings.bundles_dir / "texts"
    assert not any(path.name == "main.py" or path.name.startswith("n1.") for path in texts.rglob("*"))
    assert api.allows("rosa", "view", "service_plan", "plan_rosa")


def test_a_broken_invariant_and_a_policy_that_nobody_could_replace_are_refused(api: Api) -> None:
    """Control: without the broken invariant the same bundle is taken."""
    texts = ours()
    texts["limits/more.polar"] = 'forbid(_staff: Staff, "deploy", _policy: Policy, "more.nobody");\n'
    (problem,) = stage(api, texts).json()["problems"]
    assert "nobody deploy" in problem["message"]
    texts = strict()
    assert stage(api, texts).status_code == 201
    texts["invariants.yaml"] += BROKEN
    (problem,) = stage(api, texts).json()["problems"]
    assert problem["file"] == "invariants.yaml"
    assert texts["invariants.yaml"].splitlines()[problem["line"] - 1].strip() == "- id: nobody_sees_an_invoice"
    assert "Nobody ever sees an invoice" in problem["message"]


def test_a_bundle_that_takes_too_long_or_too_much_is_refused(tmp_path: Path) -> None:
    """Control: with the time and memory that there are it is proven."""
    with pytest.raises(BundleError, match="could not be proven within"):
        prove_bundle(ROOT / "policies", tmp_path, seconds=0.01)
    with pytest.raises(BundleError, match="could not be proven"):
        prove_bundle(ROOT / "policies", tmp_path, memory=24 * 1024 * 1024)
    assert prove_bundle(ROOT / "policies", tmp_path).rules > 0


def test_what_the_state_does_not_allow_is_a_conflict(api: Api) -> None:
    """Only a staged bundle is withdrawn or shadows; only a staged or retired one is deployed; none twice."""
    first = serving_of(api)
    digest = staged(api, ours("one"))
    path = f"{VERSIONS}/{digest}"
    assert deploy(api, first).status_code == 409
    assert api.call("DELETE", f"{VERSIONS}/{first}", actor=REVIEWER).status_code == 409
    assert api.call("DELETE", path, actor=REVIEWER).json()["state"] == "withdrawn"
    assert deploy(api, digest).status_code == 409
    assert api.call("PUT", f"{path}/shadow", {"on": True}, actor=REVIEWER).status_code == 409
    assert stage(api, ours("one")).json()["state"] == "staged"
    assert deploy(api, digest).status_code == 200
    assert api.call("DELETE", path, actor=REVIEWER).status_code == 409
    assert api.call("PUT", f"{path}/shadow", {"on": True}, actor=REVIEWER).status_code == 409
    assert deploy(api, first).status_code == 200
    for method, suffix, body in (
        ("GET", "", None),
        ("DELETE", "", None),
        ("GET", "/shadow", None),
        ("PUT", "/shadow", {"on": True}),
        ("POST", "/deploy", {"serving": first, "reason": "x"}),
    ):
        actor = OWNER if suffix == "/deploy" else REVIEWER
        assert api.call(method, f"{VERSIONS}/{'0' * 64}{suffix}", body, actor=actor).status_code == 404, suffix


def test_who_decided_on_another_policy_in_service_is_told_so(api: Api) -> None:
    """Deploy and rollback name what was seen serving; 412 when another serves by now."""
    first, one, two = serving_of(api), staged(api, ours("one")), staged(api, ours("two"))
    assert deploy(api, one, seen=first).status_code == 200
    late = deploy(api, two, seen=first)
    assert (late.status_code, late.headers["etag"]) == (412, f'"{one}"')
    body = {"serving": first, "reason": "x"}
    assert api.call("POST", ROLLBACK, body, actor=OWNER).status_code == 412
    assert serving_of(api) == one


def test_each_rollback_goes_one_deployment_further_back(api: Api) -> None:
    """A rollback is no deployment that the next one could take back: who asks twice wants to go back twice."""
    first, one, two = serving_of(api), staged(api, ours("one")), staged(api, ours("two"))
    for digest in (one, two):
        assert deploy(api, digest).status_code == 200
    assert roll_back(api).json()["digest"] == one
    assert roll_back(api).json()["digest"] == first
    assert roll_back(api).status_code == 409
    assert deploy(api, two).status_code == 200
    assert roll_back(api).json()["digest"] == first


def test_the_version_in_full_lists_its_files(api: Api) -> None:
    """With the number of lines, by digest and as `serving`."""
    shown = api.call("GET", f"{VERSIONS}/serving", actor=REVIEWER).json()
    assert shown == api.call("GET", f"{VERSIONS}/{shown['digest']}", actor=REVIEWER).json()
    texts = ours()
    lines = {each["name"]: each["lines"] for each in shown["files"]}
    assert lines == {name: len(text.splitlines()) for name, text in texts.items()}


def test_each_change_is_in_the_trail_with_its_digest(api_on_both: Api) -> None:
    """Staging, shadowing, withdrawing, deploying, rolling back, and the start; with actor and reason."""
    api = api_on_both
    first, digest = serving_of(api), staged(api, ours("one"))
    path = f"{VERSIONS}/{digest}"
    for on in (True, False):
        assert api.call("PUT", f"{path}/shadow", {"on": on}, actor=REVIEWER).json()["on"] is on
    api.call("DELETE", path, actor=REVIEWER)
    staged(api, ours("one"))
    deploy(api, digest)
    roll_back(api)
    entries = api.call("GET", "/v1/trail?kind=change&type=policy").json()["entries"]
    told = [(each["action"], each["resource"]["id"], each["subject"], each.get("reason")) for each in entries]
    assert told[::-1] == [
        ("policy.start", first, "system/start", "the policy folder held it when the service started"),
        ("policy.stage", digest, REVIEWER, None),
        ("policy.shadow", digest, REVIEWER, None),
        ("policy.shadow", digest, REVIEWER, None),
        ("policy.withdraw", digest, REVIEWER, None),
        ("policy.stage", digest, REVIEWER, None),
        ("policy.deploy", digest, OWNER, "it is better"),
        ("policy.rollback", first, OWNER, "it is not"),
    ]


def test_every_decision_names_the_bundle_that_answered(api: Api) -> None:
    """Before and after a swap, for each kind of question; and each record is explained by that very bundle."""
    first = serving_of(api)
    asked = OWN_PLAN
    for digest, allowed in ((first, True), (staged(api, strict()), False), (first, True)):
        if digest != serving_of(api):
            assert deploy(api, digest).status_code == 200
        marks = {}
        for name, (path, body) in {
            "single": ("/access/v1/evaluation", asked),
            "batch": ("/access/v1/evaluations", {"evaluations": [asked, asked]}),
            "explain": ("/v1/explain", asked),
            "plan": ("/v1/plan", {**asked, "resource": {"type": "service_plan"}}),
        }.items():
            marks[name] = f"{name}-{digest[:8]}-{api.clock.now.timestamp()}"
            reply = api.call("POST", path, body, headers={"X-Request-ID": marks[name]})
            assert reply.status_code == 200, reply.text
            if name == "single":
                assert reply.json()["decision"] is allowed
        for mark in marks.values():
            entries = api.call("GET", f"/v1/trail?kind=decision&request_id={mark}").json()["entries"]
            assert {entry["bundle"] for entry in entries} == {digest}
            for entry in entries:
                told = api.call("GET", f"/v1/trail/{entry['id']}").json()
                assert told["policy"] == "in_service"
        api.clock.advance(seconds=1)


def test_a_restart_serves_what_was_deployed(api: Api) -> None:
    """Though the folder of the settings holds something else."""
    digest = staged(api, strict())
    deploy(api, digest)
    with serving(api.settings, api.clock) as again:
        assert again.service.serving.digest == digest
        assert not again.allows("rosa", "view", "service_plan", "plan_rosa")
        assert roll_back(again).status_code == 200
        assert again.allows("rosa", "view", "service_plan", "plan_rosa")


def test_a_swap_that_the_trail_cannot_be_told_of_denies_until_it_can(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The deployment stands; the process answers nothing by the old policy, says why, and serves the new one later."""
    digest = staged(api, ours("one"))
    with monkeypatch.context() as patch:

        def fail(_record: bytes) -> None:
            raise TrailUnavailableError("no disk")

        body = {"serving": serving_of(api), "reason": "x"}
        patch.setattr(api.service.writer, "append", fail)
        assert api.call("POST", f"{VERSIONS}/{digest}/deploy", body, actor=OWNER).status_code == 503
        assert api.evaluate(OWN_PLAN).status_code == 503
        ready = api.call("GET", "/readyz", token=None)
        assert ready.status_code == 503
        assert "no disk" in ready.text
    for _ in range(100):
        if api.call("GET", "/readyz", token=None).status_code == 200:
            break
        time.sleep(0.1)
    assert api.service.serving.digest == digest
    assert api.allows("rosa", "view", "service_plan", "plan_rosa")
