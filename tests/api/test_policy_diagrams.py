"""Diagrams over the API: every question of a version, drawn and followed, for whoever may view the policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from authz_service.engine import load_policy
from tests.conftest import ROOT

if TYPE_CHECKING:
    import httpx

    from tests.api.conftest import Api

SERVING = "/v1/policy/versions/serving/diagrams"
INVOICE = f"{SERVING}/account/view/invoice"
REX = "staff/rex"


def get(api: Api, path: str, actor: str = REX) -> dict[str, Any]:
    reply = api.call("GET", path, actor=actor)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


def follow(api: Api, facts: dict[str, Any], path: str = INVOICE, **more: Any) -> httpx.Response:
    return api.call("POST", f"{path}/path", {"facts": facts, **more}, actor=REX)


def test_every_question_is_listed_with_its_size_and_share(shared_api: Api) -> None:
    listed = get(shared_api, SERVING)
    policy = load_policy(ROOT / "policies")
    assert listed["version"] == policy.digest
    actions = sum(map(len, policy.resource_types.values()))
    assert len(listed["diagrams"]) == len(policy.subject_types) * actions
    (one,) = [
        each
        for each in listed["diagrams"]
        if (each["subject_type"], each["action"], each["resource_type"]) == ("account", "view", "invoice")
    ]
    assert 0 < one["allowed"] < one["situations"]
    assert one["nodes"] > one["facts"] > 0
    assert one["share"].endswith("%")


def test_a_version_is_named_by_its_digest_or_as_serving(shared_api: Api) -> None:
    serving = get(shared_api, INVOICE)
    assert get(shared_api, INVOICE.replace("serving", serving["version"])) == serving


def test_a_diagram_has_its_tests_in_the_order_of_the_facts_and_two_answers(shared_api: Api) -> None:
    drawn = get(shared_api, INVOICE)
    order = [fact["fact"] for fact in drawn["facts"]]
    places = [order.index(test["fact"]) for test in drawn["tests"]]
    assert places == sorted(places)
    ends = {branch["to"] for test in drawn["tests"] for branch in test["branches"]}
    assert {True, False} <= ends
    assert drawn["folded"] == 0


@pytest.mark.parametrize("part", ["permit", "forbid", "rule"])
def test_the_parts_of_a_decision_can_be_drawn_by_themselves(shared_api: Api, part: str) -> None:
    known = {each["part"] for each in get(shared_api, INVOICE)["parts"]}
    rule = next(name for name in known if name.startswith("rule:"))
    part = rule if part == "rule" else part
    assert get(shared_api, f"{INVOICE}?part={part}")["part"] == part


def test_an_answer_comes_with_its_way_its_rules_and_the_nearest_others(shared_api: Api) -> None:
    told = follow(shared_api, {"subject.kind": "payer", "resource.addressee": "other"}).json()
    assert told["decision"] is False
    assert told["holds"] is False
    assert told["missing"] == []
    assert told["steps"] or told["open"]
    assert told["rules"]
    assert all(rule["file"].endswith(".polar") and rule["line"] for rule in told["rules"])
    assert any(change["fact"] == "resource.addressee" for each in told["nearest"] for change in each["changes"])


def test_where_facts_are_missing_that_matter_the_way_stays_open(shared_api: Api) -> None:
    told = follow(shared_api, {"subject.kind": "guardian"}).json()
    assert told["decision"] is False
    assert told["holds"] is None
    assert "resource.addressee" in told["missing"]
    assert told["open"]


def test_a_situation_that_cannot_occur_is_said_to_be_none(shared_api: Api) -> None:
    told = follow(shared_api, {"subject.kind": "self", "resource.addressee": "client"}).json()
    assert told["because"] == "error"
    assert "cannot occur" in told["error"]
    assert told["steps"] == told["open"] == []


def test_a_value_that_a_fact_does_not_have_is_named(shared_api: Api) -> None:
    assert "is no value of subject.kind" in follow(shared_api, {"subject.kind": "uncle"}).json()["error"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{SERVING}/account/view/nothing", 404),
        (f"{SERVING}/nobody/view/invoice", 404),
        (f"{SERVING}/account/fly/invoice", 404),
        (INVOICE.replace("serving", "0" * 64), 404),
        (INVOICE.replace("serving", ".."), 404),
        (f"{INVOICE}?part=rule:none", 422),
        (f"{INVOICE}?part=", 422),
        (f"{INVOICE}?kind=self", 400),
    ],
)
def test_what_there_is_not_is_refused(shared_api: Api, path: str, status: int) -> None:
    assert shared_api.call("GET", path, actor=REX).status_code == status


def test_a_fact_that_the_question_does_not_have_is_refused_by_name(shared_api: Api) -> None:
    reply = follow(shared_api, {"subject.height": "tall"})
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["field"] == "facts.subject.height"


@pytest.mark.parametrize(("actor", "status"), [("staff/rex", 200), ("staff/sky", 403), ("account/dana", 400)])
@pytest.mark.parametrize("path", [SERVING, INVOICE])
def test_only_who_may_view_the_policy_sees_diagrams(shared_api: Api, path: str, actor: str, status: int) -> None:
    assert shared_api.call("GET", path, actor=actor).status_code == status
    if path == INVOICE:
        assert shared_api.call("POST", f"{path}/path", {}, actor=actor).status_code == status


def test_the_scope_is_that_of_the_policy(shared_api: Api) -> None:
    reply = shared_api.call("GET", SERVING, actor=REX, token=shared_api.token("access:read"))
    assert reply.status_code == 403
