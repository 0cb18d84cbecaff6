"""What follows from the cast (design, section 12), asked over the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from authz_service.engine.conditions import evaluate_condition
from policy_tests.world.load import load_world
from tests.api.conftest import question

if TYPE_CHECKING:
    from tests.api.conftest import Api

CELLS = [
    ("rosa", "service_plan", "plan_rosa", True),
    ("rosa", "invoice", "inv_rosa_1", True),
    ("rosa", "invoice", "inv_rosa_2", False),
    ("rosa", "clinical_note", "note_rosa_1", False),
    ("rosa", "document", "doc_rosa_summary", True),
    ("rosa", "document", "doc_rosa_draft", False),
    ("tom", "invoice", "inv_rosa_1", True),
    ("tom", "invoice", "inv_rosa_2", False),
    ("tom", "invoice", "inv_arlo_1", False),
    ("tom", "invoice", "inv_arlo_2", False),
    ("tom", "service_plan", "plan_rosa", False),
    ("tom", "thread", "thr_rosa_ken", False),
    ("harbor", "invoice", "inv_rosa_2", True),
    ("harbor", "invoice", "inv_arlo_1", True),
    ("harbor", "invoice", "inv_rosa_1", False),
    ("harbor", "invoice", "inv_arlo_2", False),
    ("harbor", "document", "doc_rosa_summary", False),
    ("maple", "invoice", "inv_arlo_2", True),
    ("dana", "invoice", "inv_mia_1", True),
    ("dana", "invoice", "inv_mia_2", False),
    ("dana", "invoice", "inv_mia_3", False),
    ("dana", "document", "doc_leo_school", True),
    ("dana", "document", "doc_leo_private", False),
    ("dana", "service_plan", "plan_mia", False),
    ("dana", "service_plan", "plan_dana", True),
    ("sam", "document", "doc_mia_school", True),
    ("sam", "document", "doc_mia_letter", False),
    ("sam", "invoice", "inv_mia_2", False),
    ("gus", "invoice", "inv_mia_3", True),
    ("leo", "service_plan", "plan_leo", True),
    ("leo", "thread", "thr_leo_lea", True),
    ("exa", "document", "doc_mia_school", False),
    ("staff/hal", "invoice", "inv_rosa_1", False),
    ("staff/jo", "invoice", "inv_rosa_1", True),
    ("staff/rex", "invoice", "inv_rosa_1", False),
]


@pytest.mark.parametrize(("subject", "resource", "item", "expected"), CELLS)
def test_the_cast_sees_what_it_should_and_nothing_else(
    shared_api: Api, subject: str, resource: str, item: str, expected: bool
) -> None:
    assert shared_api.allows(subject, "view", resource, item) is expected


def test_a_teen_reads_a_conversation_but_writes_only_to_subscribed_staff(shared_api: Api) -> None:
    assert shared_api.allows("leo", "view", "thread", "thr_leo_lea")
    assert not shared_api.allows("leo", "send", "thread", "thr_leo_lea")


@pytest.mark.parametrize(
    ("account", "clients"),
    [
        ("harbor", {"rosa", "arlo"}),
        ("dana", {"mia", "leo", "dana", "wren"}),
        ("tom", {"rosa", "arlo"}),
        ("sam", {"mia", "leo"}),
        ("exa", set()),
        ("pam", set()),
    ],
)
def test_everyone_sees_the_calendars_of_their_own_clients(shared_api: Api, account: str, clients: set[str]) -> None:
    everyone = load_world().clients
    seen = {client for client in everyone if shared_api.allows(account, "view", "calendar", client, client_id=client)}
    assert seen == clients


TYPES = ("invoice", "document", "form", "appointment", "service_plan", "payment", "clinical_note")


@pytest.mark.parametrize("account", sorted(load_world().accounts))
def test_a_plan_lists_exactly_what_single_questions_allow(shared_api: Api, account: str) -> None:
    items = [(kind, item, properties) for kind, item, properties in load_world().items if kind in TYPES]
    asked = {"subject": {"type": "account", "id": account}, "action": {"name": "view"}}
    plans: dict[str, Any] = {
        kind: shared_api.call("POST", "/v1/plan", {**asked, "resource": {"type": kind}}).json() for kind in TYPES
    }
    evaluations = [
        {"resource": {"type": kind, "id": item, "properties": dict(properties)}} for kind, item, properties in items
    ]
    reply = shared_api.call("POST", "/access/v1/evaluations", {**asked, "evaluations": evaluations}).json()
    for (kind, item, properties), answer in zip(items, reply["evaluations"], strict=True):
        plan = plans[kind]
        condition = plan.get("condition", plan["kind"] == "always_allowed")
        assert evaluate_condition(condition, {**properties, "id": item}) is answer["decision"], (kind, item)


def test_each_client_of_staff_is_planned_for_as_it_is_asked_about(shared_api: Api) -> None:
    body = {"subject": {"type": "staff", "id": "ken"}, "action": {"name": "view"}, "resource": {"type": "document"}}
    plan = shared_api.call("POST", "/v1/plan", body).json()
    assert plan["kind"] == "conditional"
    for kind, item, properties in load_world().items:
        if kind == "document":
            expected = shared_api.evaluate(question("staff/ken", "view", "document", item, **properties)).json()
            assert evaluate_condition(plan["condition"], {**properties, "id": item}) is expected["decision"], item


@pytest.mark.parametrize("subject", ["account/dana", "account/tom", "staff/ken", "staff/bea", "account/nobody"])
@pytest.mark.parametrize("client", ["mia", "rosa", "vic", None])
def test_plans_asked_in_one_call_are_those_asked_one_by_one(shared_api: Api, subject: str, client: str | None) -> None:
    kind, _, name = subject.partition("/")
    asked = {"subject": {"type": kind, "id": name}}
    properties = {} if client is None else {"client_id": client}
    wanted: list[dict[str, Any]] = [
        {"action": {"name": "view"}, "resource": {"type": each, "properties": properties}} for each in TYPES
    ]
    singles = [shared_api.call("POST", "/v1/plan", {**asked, **each}).json() for each in wanted]
    assert shared_api.call("POST", "/v1/plans", {**asked, "plans": wanted}).json() == {"plans": singles}


def test_plans_that_cannot_be_read_are_refused_whole(shared_api: Api) -> None:
    asked: dict[str, Any] = {"subject": {"type": "account", "id": "dana"}}
    one = {"action": {"name": "view"}, "resource": {"type": "invoice"}}
    for plans in ([], [one] * 51, [one, {"action": {"name": "view"}, "resource": {"type": "castle"}}], "all"):
        assert shared_api.call("POST", "/v1/plans", {**asked, "plans": plans}).status_code == 422


def test_a_plan_says_why_a_family_sees_nothing_where_it_may_be_told(shared_api: Api) -> None:
    resource = {"type": "service_plan", "properties": {"client_id": "rosa"}}
    body = {"subject": {"type": "account", "id": "tom"}, "action": {"name": "view"}, "resource": resource}
    plan = shared_api.call("POST", "/v1/plan", body).json()
    assert plan["kind"] == "always_denied"
    assert plan["refusal"]["code"] == "kind"
    assert plan["refusal"]["text"]
    wrong = {**body, "resource": {"type": "castle"}}
    assert shared_api.call("POST", "/v1/plan", wrong).status_code == 422
