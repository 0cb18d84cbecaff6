"""A version of the policy over HTTP: its files and rules, facts, matrix and proofs, for whoever may read policies."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING, Any

import pytest

from authz_service.api import policy_files, policy_tables
from authz_service.engine import load_policy
from authz_service.workbench.rules import rule_uses
from authz_service.workbench.story import story
from models.wire import policy_files as wire
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from authz_service.engine import Policy
    from tests.api.conftest import Api

READ = "/v1/policy/versions/serving"
PLAIN = ("files", "files/limits~item.polar", "rules/item.withheld", "facts", "matrix?subject=staff", "proofs")
HELD = """version: 1
invariants:
  - id: no_plan_for_payers
    says: No payer ever sees a service plan.
    never: {subject: account, action: [view, print], resource: service_plan, when: {subject.kind: payer}}
"""
BROKEN = """version: 1
invariants:
  - id: contacts_see_nothing
    says: No emergency contact sees an invoice.
    never: {subject: account, action: view, resource: invoice, when: {subject.kind: emergency_contact}}
"""


@pytest.fixture(scope="module")
def policy(bundles: Path) -> Policy:
    return load_policy(ROOT / "policies", bundles)


def read(api: Api, path: str, actor: str = "staff/rex") -> Any:
    reply = api.call("GET", f"{READ}/{path}", actor=actor)
    assert reply.status_code == 200, reply.text
    return reply.json()


def prove(api: Api, text: str, actor: str = "staff/rex") -> Any:
    reply = api.call("POST", f"{READ}/proofs", {"invariants": text}, actor=actor)
    assert reply.status_code == 200, reply.text
    return reply.json()


@pytest.mark.parametrize("path", PLAIN)
def test_those_who_may_view_policies_read_and_nobody_else(shared_api: Api, path: str) -> None:
    for actor, status in {"jo": 200, "priya": 200, "rex": 200, "ken": 403, "bea": 403, "sky": 403}.items():
        assert shared_api.call("GET", f"{READ}/{path}", actor=f"staff/{actor}").status_code == status, actor
    assert shared_api.call("GET", f"{READ}/{path}").status_code == 400  # Nobody is named.
    token = shared_api.token("policy")
    assert shared_api.call("GET", f"{READ}/{path}", actor="staff/rex", token=token).status_code == 403
    assert shared_api.call("GET", f"{READ}/{path}", token=shared_api.token("evaluate")).status_code == 403


def test_who_proves_invariants_of_their_own_must_be_allowed_to_run_policies(shared_api: Api) -> None:
    for actor, status in {"rex": 200, "jo": 403, "ken": 403}.items():
        reply = shared_api.call("POST", f"{READ}/proofs", {"invariants": HELD}, actor=f"staff/{actor}")
        assert reply.status_code == status, actor


@pytest.mark.parametrize(
    "path",
    [
        "/v1/policy/versions/0123abcd/files",
        "/v1/policy/versions/..%2f/files",
        f"{READ}/files/none.polar",
        f"{READ}/files/~etc~passwd",
        f"{READ}/rules/no.such_rule",
    ],
)
def test_what_is_not_there_is_not_found(shared_api: Api, path: str) -> None:
    assert shared_api.call("GET", path, actor="staff/rex").status_code == 404


def test_files_come_in_the_reading_order_of_the_guide(shared_api: Api, policy: Policy) -> None:
    content = read(shared_api, "files")
    names = [file["name"] for file in content["files"]]
    assert names[:4] == ["main.polar", "features.polar", "representatives/self.polar", "representatives/guardian.polar"]
    assert [name for name in names if name.startswith("limits/")][:2] == [
        "limits/platform.polar",
        "limits/practice.polar",
    ]
    assert names[-2:] == ["invariants.yaml", "facts.yaml"]
    folders = [name.partition("/")[0] for name in names if "/" in name]
    assert list(dict.fromkeys(folders)) == ["representatives", "limits", "staff"]
    assert (content["version"], content["serves"]) == (policy.digest, True)
    assert sum(file["permits"] + file["forbids"] for file in content["files"]) == len(policy.rules)
    assert all(file["says"] for file in content["files"])
    assert content["found"] is None


def test_a_file_in_pieces_is_the_file_letter_for_letter(shared_api: Api) -> None:
    name: str | None = "main.polar"
    seen = []
    while name is not None:
        file = read(shared_api, f"files/{name.replace('/', '~')}")
        told = "\n".join("".join(piece["text"] for piece in line) for line in file["lines"])
        assert f"{told}\n" == (ROOT / "policies" / name).read_text(), name
        seen.append(name)
        name = file["after"]
    assert len(seen) == len(read(shared_api, "files")["files"])


def test_every_rule_and_every_fact_that_a_file_names_leads_to_it(shared_api: Api, policy: Policy) -> None:
    rules: set[str] = set()
    facts = {fact["name"] for fact in read(shared_api, "facts")["facts"]}
    assert facts == {fact.base for fact in policy.facts.values()}
    named: set[str] = set()
    for head in read(shared_api, "files")["files"]:
        file = read(shared_api, f"files/{head['name'].replace('/', '~')}")
        for line in file["lines"]:
            rules |= {piece["rule"] for piece in line if "rule" in piece}
            named |= {piece["fact"] for piece in line if "fact" in piece}
    assert rules == set(policy.rules)
    assert named == facts


def test_a_rule_is_shown_with_its_comment_and_where_it_decides(shared_api: Api, policy: Policy) -> None:
    rule = read(shared_api, "rules/emergency_contact.as_client")
    (passage,) = rule["passages"]
    told = ["".join(piece["text"] for piece in line) for line in passage["lines"]]
    assert told[0] == f"# {rule['says']}"
    assert told[-1].endswith(";")
    assert passage["first"] + 1 == rule["line"]
    assert "subject.kind" in {fact["name"] for fact in rule["facts"]}
    use = next(use for use in rule_uses(policy) if use.rule.id == rule["id"])
    assert sum(each["decides"] for each in rule["questions"]) == use.decides
    assert sum(each["situations"] for each in rule["questions"]) == use.situations
    assert rule["redundant"] is None
    assert {"client_may", "carer_may"} & {helper["name"] for helper in rule["helpers"]}


def test_a_redundant_rule_names_what_makes_it_so(shared_api: Api) -> None:
    rule = read(shared_api, "rules/payer.no_service_plan")
    assert rule["redundant"]["behind"] is True
    assert all(each["decides"] == 0 for each in rule["questions"])


def test_an_invariant_rests_on_a_rule_exactly_when_it_breaks_without_it(shared_api: Api, tmp_path: Path) -> None:
    """The rule is taken out of a copy, which is then refused for these invariants and no others."""
    told = read(shared_api, "rules/item.minor_consented")
    resting = {invariant["id"] for invariant in told["invariants"] if invariant["rests"]}
    assert resting
    shutil.copytree(ROOT / "policies", tmp_path / "copy")
    for passage in told["passages"]:
        path = tmp_path / "copy" / passage["file"]
        lines = path.read_text().split("\n")
        del lines[passage["first"] - 1 : passage["first"] - 1 + len(passage["lines"])]
        path.write_text("\n".join(lines))
    with pytest.raises(Exception, match=r"the invariant .* does not hold") as refused:
        load_policy(tmp_path / "copy")
    broken = {str(problem).split("the invariant ")[1].split()[0] for problem in str(refused.value).split("\n")}
    assert broken == resting


def test_suites_that_exercise_a_rule_are_counted_when_they_have_run(shared_api: Api) -> None:
    until = time.monotonic() + 120
    while (told := read(shared_api, "rules/grant.suspended")["exercises"])["state"] == "running":
        assert time.monotonic() < until
        time.sleep(0.2)
    assert told["state"] == "done", told
    assert "limits/grant.yaml" in {suite["suite"] for suite in told["suites"]}
    assert all(suite["cells"] >= suite["alone"] for suite in told["suites"])


def test_without_suites_it_says_so(shared_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy_files, "SUITES", "no_such_folder")
    assert read(shared_api, "rules/grant.suspended")["exercises"] == {"state": "none", "problem": None, "suites": []}


def test_suites_that_do_not_fit_say_why(shared_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy_files, "SUITES", "docs")
    monkeypatch.setattr(policy_files, "_SUITES_SECONDS", 60)
    told = read(shared_api, "rules/grant.suspended")["exercises"]
    assert (told["state"], "holds no suite" in told["problem"]) == ("failed", True)


def test_a_search_finds_rules_facts_and_lines(shared_api: Api) -> None:
    found = read(shared_api, "files?q=Service%20PLAN")["found"]
    assert "practice.plan_for_client_only" in {rule["id"] for rule in found["rules"]}
    assert "subject.practice.plan_audience" in {fact["name"] for fact in found["facts"]}
    assert all("plan" in line["text"].lower() for line in found["lines"])
    nothing = read(shared_api, "files?q=xyzzy")["found"]
    assert nothing == {"rules": [], "facts": [], "lines": [], "complete": True}
    assert shared_api.call("GET", f"{READ}/files?q={'x' * 201}", actor="staff/rex").status_code == 400


def test_the_matrix_is_the_one_of_the_command_line(shared_api: Api, policy: Policy) -> None:
    until = time.monotonic() + 60
    while (told := read(shared_api, "matrix?csv=true"))["table"] is None:
        assert time.monotonic() < until
    table = told["table"]
    assert (table["by"], table["group"]) == ("subject.kind", "subject.toggle")
    assert table["heads"] == list(policy.facts["subject.kind"].values)
    questions = {(row["action"], row["resource_type"]) for group in table["groups"] for row in group["rows"]}
    questions |= {(each["action"], each["resource_type"]) for each in table["denied"]}
    assert questions == {(action, name) for name, actions in policy.resource_types.items() for action in actions}
    assert told["csv"].startswith("group,action,resource,self,guardian")
    assert len(told["csv"].splitlines()) == 1 + len(questions)


@pytest.mark.parametrize("query", ["subject=nobody", "by=subject.nothing", "by=subject.blocked", "group=subject.kind"])
def test_a_table_that_there_is_not_is_refused_with_those_there_are(shared_api: Api, query: str) -> None:
    reply = shared_api.call("GET", f"{READ}/matrix?{query}", actor="staff/rex")
    assert reply.status_code == 422
    assert "must be one of" in reply.json()["detail"]


def test_every_invariant_is_listed_with_its_proof(shared_api: Api, policy: Policy) -> None:
    proofs = read(shared_api, "proofs")["proofs"]
    assert [proof["id"] for proof in proofs] == [invariant.id for invariant in policy.invariants()]
    assert {proof["outcome"] for proof in proofs} == {"proven"}
    assert all(proof["situations"] > 0 and proof["questions"] > 0 for proof in proofs)
    first = proofs[0]
    assert first["when"] == ["subject.kind not in [self, guardian, adult_proxy, caseworker]"]
    assert (first["statement"], first["actions"], first["resources"]) == ("never", ["any"], ["service_plan"])


def test_an_own_invariant_is_proven_or_told_as_a_story_and_not_kept(shared_api: Api, policy: Policy) -> None:
    before = len(read(shared_api, "proofs")["proofs"])
    (held,) = prove(shared_api, HELD)["proofs"]
    assert (held["outcome"], held["story"]) == ("proven", [])
    (broken,) = prove(shared_api, BROKEN)["proofs"]
    (expected,) = policy.prove(policy.invariants(BROKEN))
    assert broken["story"] == story(policy, expected)
    assert broken["counterexample"] == {"subject_type": "account", "action": "view", "resource_type": "invoice"}
    assert len(read(shared_api, "proofs")["proofs"]) == before


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("version: 1\ninvariants:\n  - id: x", 3, "lacks the key says"),
        (HELD.replace("subject.kind", "subject.knd"), 5, "did you mean subject.kind"),
        ("version: 1\ninvariants: }", 2, "not valid YAML"),
        ("[" * 15_000, 1, "within one another"),
        ("version: 0777\ninvariants: []\n", 1, "version must be 1"),
    ],
)
def test_a_text_that_is_none_is_refused_at_its_line(shared_api: Api, text: str, line: int, says: str) -> None:
    answer = prove(shared_api, text)
    assert answer["proofs"] == []
    assert any(problem["line"] == line and says in problem["message"] for problem in answer["problems"]), answer


def test_proving_is_bounded_in_size_number_and_time(shared_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(text: str) -> str:
        reply = shared_api.call("POST", f"{READ}/proofs", {"invariants": text}, actor="staff/rex")
        assert reply.status_code == 422
        return str(reply.json()["detail"])

    assert "invariants" in refused("x" * (wire.CLAIM_CHARACTERS_MAX + 1))
    one = HELD.partition("invariants:\n")[2]
    many = "".join(one.replace("no_plan_for_payers", f"no_{i}") for i in range(wire.CLAIMS_MAX + 1))
    assert "at most 50" in refused(f"version: 1\ninvariants:\n{many}")
    monkeypatch.setattr(policy_tables, "_CLAIM_SECONDS", -1)
    assert "before line 3: prove fewer" in refused(HELD)


def test_every_answer_has_the_shape_that_is_described(shared_api: Api) -> None:
    wire.Files.model_validate(read(shared_api, "files?q=plan"), strict=True)
    wire.File.model_validate(read(shared_api, "files/facts.yaml"), strict=True)
    wire.Rule.model_validate(read(shared_api, "rules/item.withheld"), strict=True)
    wire.Facts.model_validate(read(shared_api, "facts"), strict=True)
    wire.Matrix.model_validate(read(shared_api, "matrix"), strict=True)
    wire.Proofs.model_validate(read(shared_api, "proofs"), strict=True)
    wire.ClaimProofs.model_validate(prove(shared_api, BROKEN), strict=True)
