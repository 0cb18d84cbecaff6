"""The published AuthZEN interop scenarios as bundles of their own: every vector, by both engines."""

from __future__ import annotations

import json
import shutil
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

import pytest

from authz_service.engine import Policy, load_policy

HERE = Path(__file__).parent
Engine: TypeAlias = Literal["diagram", "polar"]
ENGINES: tuple[Engine, ...] = ("diagram", "polar")

# The people of the Todo and gateway scenarios: the readable part of the id, their address and their roles.
PEOPLE = {
    "CiRmZDA2": ("rick@the-citadel.com", {"admin", "evil_genius"}),
    "CiRmZDE2": ("morty@the-citadel.com", {"editor"}),
    "CiRmZDI2": ("summer@the-smiths.com", {"editor"}),
    "CiRmZDM2": ("beth@the-smiths.com", {"viewer"}),
    "CiRmZDQ2": ("jerry@the-smiths.com", {"viewer"}),
}
ROLES = ("admin", "editor", "viewer", "evil_genius")
FIXTURE = json.loads((HERE / "vectors/search/fixture-facts.json").read_text(encoding="utf-8"))


def read(path: str, key: str = "evaluation") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((HERE / "vectors" / path).read_text(encoding="utf-8"))[key]
    assert found
    return found


@cache
def bundle(name: str) -> Policy:
    return load_policy(HERE / name)


def person(subject_id: str) -> tuple[str, dict[str, bool]]:
    address, roles = PEOPLE[subject_id[:8]]
    return address, {f"role.{role}": role in roles for role in ROLES}


def decide_todo(request: dict[str, Any], engine: Engine) -> bool:
    address, subject = person(request["subject"]["id"])
    resource = request["resource"]
    facts = {}
    if "ownerID" in resource.get("properties", {}):
        facts = {"owner": "me" if resource["properties"]["ownerID"] == address else "other"}
    answer = bundle("todo").answer("user", subject, request["action"]["name"], resource["type"], facts, engine=engine)
    assert answer.error is None
    return answer.decision


def decide_gateway(request: dict[str, Any], engine: Engine, policy: Policy | None = None) -> bool:
    _, subject = person(request["subject"]["id"])
    facts = {"template": request["resource"]["id"]}
    policy = policy or bundle("gateway")
    answer = policy.answer("identity", subject, request["action"]["name"], "route", facts, engine=engine)
    assert answer.error is None
    return answer.decision


def decide_record(user: str, action: str, record: str, engine: Engine) -> bool:
    who, what = FIXTURE["users"][user], FIXTURE["records"][record]
    facts = {
        "owner": "me" if what["owner"] == user else "other",
        "department": "own" if what["department"] == who["department"] else "other",
    }
    answer = bundle("records").answer("user", {"role": who["role"]}, action, "record", facts, engine=engine)
    assert answer.error is None
    return answer.decision


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("version", ["01", "02"])
def test_every_todo_evaluation_is_answered_as_published(version: str, engine: Engine) -> None:
    """Each single question of the Todo scenario gets the published decision."""
    cases = read(f"todo/decisions-authorization-api-1_0-{version}.json")
    assert len(cases) == 40
    assert [case for case in cases if decide_todo(case["request"], engine) is not case["expected"]] == []


@pytest.mark.parametrize("engine", ENGINES)
def test_every_todo_batch_is_answered_as_published(engine: Engine) -> None:
    """Each item of a batch, filled up from the batch's defaults, gets the published decision."""
    for case in read("todo/decisions-authorization-api-1_0-02.json", "evaluations"):
        defaults = {key: value for key, value in case["request"].items() if key != "evaluations"}
        answers = [{"decision": decide_todo(defaults | one, engine)} for one in case["request"]["evaluations"]]
        assert answers == case["expected"]


@pytest.mark.parametrize("engine", ENGINES)
def test_every_gateway_evaluation_is_answered_as_published(engine: Engine) -> None:
    """Each question of the API gateway scenario gets the published decision."""
    cases = read("gateway/decisions.json")
    assert len(cases) == 25
    assert [case for case in cases if decide_gateway(case["request"], engine) is not case["expected"]] == []


def search_subjects(request: dict[str, Any], engine: Engine) -> list[dict[str, str]]:
    asked = (request["action"]["name"], request["resource"]["id"])
    return [{"type": "user", "id": user} for user in FIXTURE["users"] if decide_record(user, *asked, engine)]


def search_resources(request: dict[str, Any], engine: Engine) -> list[dict[str, str]]:
    user, action = request["subject"]["id"], request["action"]["name"]
    if user not in FIXTURE["users"]:
        return []
    records = FIXTURE["records"]
    return [{"type": "record", "id": record} for record in records if decide_record(user, action, record, engine)]


def search_actions(request: dict[str, Any], engine: Engine) -> list[dict[str, str]]:
    user, record = request["subject"]["id"], request["resource"]["id"]
    actions = bundle("records").resource_types["record"]
    return [{"name": action} for action in actions if decide_record(user, action, record, engine)]


def in_order(results: list[dict[str, str]]) -> list[tuple[str, ...]]:
    return sorted(tuple(sorted(result.values())) for result in results)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("path", "key", "search", "count"),
    [
        ("search/subject-results.json", "evaluation", search_subjects, 60),
        ("search/resource-results.json", "evaluation", search_resources, 18),
        ("search/action-results.json", "evaluation", search_actions, 120),
        ("idp/results.json", "search", search_resources, 6),
    ],
)
def test_every_search_finds_what_was_published(path: str, key: str, search: Any, count: int, engine: Engine) -> None:
    """What a search should find is what single questions allow."""
    cases = read(path, key)
    assert len(cases) == count
    wrong = [
        case["request"]
        for case in cases
        if in_order(search(case["request"], engine)) != in_order(case["expected"]["results"])
    ]
    assert wrong == []


def test_a_bundle_that_forgets_editors_is_noticed(tmp_path: Path) -> None:
    """Control: with one role taken out of one rule, vectors are answered wrongly."""
    forgetful = shutil.copytree(HERE / "gateway", tmp_path / "gateway")
    text = (forgetful / "main.polar").read_text(encoding="utf-8")
    assert text.count(' or who.role("editor") = true') == 2
    (forgetful / "main.polar").write_text(text.replace(' or who.role("editor") = true', "", 1), encoding="utf-8")
    policy = load_policy(forgetful)
    cases = read("gateway/decisions.json")
    assert [case for case in cases if decide_gateway(case["request"], "diagram", policy) is not case["expected"]] != []


def test_the_vectors_come_with_their_licence() -> None:
    """Each folder of vectors is covered by the licence that lies beside them."""
    assert "Aserto" in (HERE / "vectors/LICENSE-MIT-Aserto.txt").read_text(encoding="utf-8")
