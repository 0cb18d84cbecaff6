"""The AuthZEN 1.0 endpoints answer exactly as the standard says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from models.vocabulary import Scope
from tests.api.conftest import question

if TYPE_CHECKING:
    from tests.api.conftest import Api

YES = question("rosa", "view", "service_plan", "plan_rosa")
NO = question("tom", "view", "service_plan", "plan_rosa")


def test_a_denial_is_an_answer_with_status_200(shared_api: Api) -> None:
    assert shared_api.evaluate(YES).json() == {"decision": True}
    reply = shared_api.evaluate(NO)
    assert reply.status_code == 200
    assert reply.json() == {"decision": False}
    assert reply.headers["content-type"] == "application/json"


def without(path: str) -> dict[str, Any]:
    found = question("rosa", "view", "service_plan", "plan_rosa")
    at, _, name = path.rpartition(".")
    del (found[at] if at else found)[name]
    return found


def replacing(path: str, value: object) -> dict[str, Any]:
    found = question("rosa", "view", "service_plan", "plan_rosa")
    at, _, name = path.rpartition(".")
    (found[at] if at else found)[name] = value
    return found


MALFORMED: dict[str, Any] = {
    "no subject": without("subject"),
    "no action": without("action"),
    "no resource": without("resource"),
    "no subject.type": without("subject.type"),
    "no subject.id": without("subject.id"),
    "no action.name": without("action.name"),
    "no resource.type": without("resource.type"),
    "no resource.id": without("resource.id"),
    "subject is a string": replacing("subject", "alice"),
    "action is a string": replacing("action", "view"),
    "resource is a list": replacing("resource", []),
    "name is a number": replacing("action.name", 123),
    "id is a number": replacing("subject.id", 5),
    "id is empty": replacing("subject.id", ""),
    "id is too long": replacing("resource.id", "x" * 300),
    "id has control characters": replacing("resource.id", "a\x00b"),
    "properties is a list": replacing("resource.properties", [1]),
    "context is a string": replacing("context", "now"),
    "explain is a string": replacing("context", {"explain": "yes"}),
    "at is not an instant": replacing("context", {"at": "tomorrow"}),
    "at has no offset": replacing("context", {"at": "2026-06-15T12:00:00"}),
    "amr is a string": replacing("context", {"authn": {"amr": "otp"}}),
    "the body is a list": [],
    "the body is a string": "x",
}


@pytest.mark.parametrize("case", MALFORMED)
@pytest.mark.parametrize("path", ["/access/v1/evaluation", "/access/v1/evaluations"])
def test_a_malformed_request_is_refused_with_a_message(shared_api: Api, path: str, case: str) -> None:
    reply = shared_api.call("POST", path, MALFORMED[case], headers={"X-Request-ID": "mine"})
    assert reply.status_code == 400
    assert isinstance(reply.json(), str)
    assert reply.headers["x-request-id"] == "mine"


@pytest.mark.parametrize("content", [b"", b"{", b"nope", b'{"subject":', b"\xff\xfe"])
def test_a_body_that_is_not_json_is_refused(shared_api: Api, content: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    reply = shared_api.call("POST", "/access/v1/evaluation", content=content, headers=headers)
    assert reply.status_code == 400


def test_another_media_type_is_refused_and_a_charset_is_not(shared_api: Api) -> None:
    body = b'{"subject":{"type":"account","id":"rosa"},"action":{"name":"view"},"resource":{"type":"portal","id":"x"}}'
    for media_type, status in (("text/plain", 400), ("", 400), ("application/json; charset=utf-8", 200)):
        headers = {"Content-Type": media_type}
        assert shared_api.call("POST", "/access/v1/evaluation", content=body, headers=headers).status_code == status


def test_unknown_fields_are_ignored(shared_api: Api) -> None:
    body = {**YES, "foo": 1, "subject": {**YES["subject"], "x": 2, "properties": {"a": 1}}, "context": {"b": 3}}
    assert shared_api.evaluate(body).json() == {"decision": True}


@pytest.mark.parametrize("request_id", ["abc", "a b/c=1", "x" * 256, "ümlaut".encode("latin-1").decode("latin-1")])
def test_the_request_id_comes_back_unchanged(shared_api: Api, request_id: str) -> None:
    reply = shared_api.evaluate(YES, headers={"X-Request-ID": request_id.encode("latin-1")})
    assert reply.headers.raw.count((b"x-request-id", request_id.encode("latin-1"))) == 1


def test_without_a_request_id_one_is_made(shared_api: Api) -> None:
    first, second = shared_api.evaluate(YES), shared_api.evaluate(YES)
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


def batch(api: Api, body: dict[str, Any]) -> Any:
    reply = api.call("POST", "/access/v1/evaluations", body)
    assert reply.status_code == 200, reply.text
    return reply.json()


@pytest.mark.parametrize(
    ("semantic", "expected"),
    [
        (None, [True, False, True]),
        ("execute_all", [True, False, True]),
        ("deny_on_first_deny", [True, False]),
        ("permit_on_first_permit", [True]),
    ],
)
def test_a_batch_is_evaluated_as_far_as_its_semantic_says(
    shared_api: Api, semantic: str | None, expected: list[bool]
) -> None:
    body: dict[str, Any] = {"evaluations": [YES, NO, YES]}
    if semantic is not None:
        body["options"] = {"evaluations_semantic": semantic, "unknown": 1}
    assert batch(shared_api, body) == {"evaluations": [{"decision": each} for each in expected]}


def test_an_item_replaces_a_default_whole(shared_api: Api) -> None:
    body = {
        "subject": {"type": "account", "id": "rosa"},
        "action": {"name": "view"},
        "resource": {"type": "invoice", "id": "inv_rosa_1", "properties": {"client_id": "rosa"}},
        "evaluations": [{}, {"resource": {"type": "invoice", "id": "inv_rosa_2"}}, {"subject": {"type": "account"}}],
    }
    first, second, third = batch(shared_api, body)["evaluations"]
    assert first == {"decision": True}
    assert second["decision"] is False
    assert third == {"decision": False, "context": {"error": {"status": 400, "message": "subject.id is required"}}}


def test_one_incomplete_item_does_not_spoil_the_batch(shared_api: Api) -> None:
    items = batch(shared_api, {"evaluations": [YES, {}, "nonsense", YES]})["evaluations"]
    assert [item["decision"] for item in items] == [True, False, False, True]
    assert items[1]["context"]["error"]["status"] == 400


@pytest.mark.parametrize("more", [{}, {"evaluations": []}, {"evaluations": None}])
def test_a_batch_without_items_is_a_single_question(shared_api: Api, more: dict[str, Any]) -> None:
    assert batch(shared_api, {**YES, **more}) == {"decision": True}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"evaluations": {}}, 400),
        ({"evaluations": [YES], "options": []}, 400),
        ({"evaluations": [YES], "options": {"evaluations_semantic": "all"}}, 400),
        ({"evaluations": [YES], "options": {"evaluations_semantic": 5}}, 400),
        ({"evaluations": [YES], "subject": "rosa"}, 400),
        ({"evaluations": [YES] * 1001}, 413),
    ],
)
def test_a_malformed_batch_is_refused_whole(shared_api: Api, body: dict[str, Any], status: int) -> None:
    reply = shared_api.call("POST", "/access/v1/evaluations", body)
    assert reply.status_code == status
    assert isinstance(reply.json(), str)


def test_the_longest_batch_is_answered(shared_api: Api) -> None:
    assert len(batch(shared_api, {"evaluations": [YES] * 1000})["evaluations"]) == 1000


def test_the_metadata_names_only_what_is_there(shared_api: Api) -> None:
    document = shared_api.call("GET", "/.well-known/authzen-configuration", token=None).json()
    assert document["policy_decision_point"] == "http://127.0.0.1:8181"
    for name, url in document.items():
        assert url.startswith(document["policy_decision_point"])
        if name.endswith("_endpoint"):
            path = url.removeprefix(document["policy_decision_point"])
            assert shared_api.call("POST", path, {}).status_code == 400, name


def test_missing_facts_are_named(shared_api: Api) -> None:
    asked = question("rosa", "view", "invoice", "unheard_of", client_id="rosa", state="open")
    reply = shared_api.evaluate(asked).json()
    assert reply["decision"] is False
    assert reply["context"]["error"]["status"] == 422
    assert reply["context"]["error"]["missing"]


def test_sent_properties_win_over_registered_ones_one_by_one(shared_api: Api) -> None:
    assert shared_api.allows("rosa", "view", "invoice", "inv_rosa_1")
    assert not shared_api.allows("rosa", "view", "invoice", "inv_rosa_1", addressee_id="harbor")
    assert not shared_api.allows("rosa", "view", "invoice", "inv_rosa_1", state="draft")


def test_the_client_of_an_item_cannot_be_talked_away(shared_api: Api) -> None:
    reply = shared_api.evaluate(question("rosa", "view", "document", "doc_mia_school", client_id="rosa")).json()
    assert reply["decision"] is False


@pytest.mark.parametrize(("at", "decision"), [("2026-12-30T12:00:00-08:00", True), ("2027-01-01T12:00:00Z", False)])
def test_another_time_can_be_asked_about(shared_api: Api, at: str, decision: bool) -> None:
    asked = question("ada", "view", "calendar", "arlo", client_id="arlo")
    reply = shared_api.evaluate({**asked, "context": {"at": at}}).json()
    assert reply["decision"] is decision
    assert reply["context"]["what_if"]


def test_asking_about_another_time_needs_its_scope(shared_api: Api) -> None:
    body = {**YES, "context": {"at": "2026-05-03T12:00:00Z"}}
    token = shared_api.token("evaluate")
    assert shared_api.evaluate(body, token=token).status_code == 403
    for path in ("/access/v1/evaluations", "/v1/explain", "/v1/plan"):
        sent = {"evaluations": [body]} if path.endswith("evaluations") else body
        assert shared_api.call("POST", path, sent, token=token).status_code == 403


@pytest.mark.parametrize(
    ("practices", "decision"), [(("northgate",), True), (("harborview",), False), (("northgate", "solo"), True)]
)
def test_a_token_reaches_its_practices_only(shared_api: Api, practices: tuple[str, ...], decision: bool) -> None:
    token = shared_api.token(practices=practices)
    assert shared_api.evaluate(YES, token=token).json() == {"decision": decision}
    reply = shared_api.call("POST", "/access/v1/evaluations", {"evaluations": [YES, YES]}, token=token)
    assert reply.json() == {"evaluations": [{"decision": decision}] * 2}
    staff = question("staff/jo", "view", "trail", "all", practice_id="northgate")
    assert shared_api.evaluate(staff, token=token).json()["decision"] is decision


def test_an_explanation_comes_only_when_it_is_asked_for(shared_api: Api) -> None:
    reply = shared_api.evaluate({**NO, "context": {"explain": True}}).json()
    told = reply["context"]["explanation"]
    assert told["refusal"] == "kind"
    assert "emergency_contact.no_service_plan" in told["rules"]
    assert told["reason_user"]["code"] == "kind"
    evaluate = shared_api.token(Scope.EVALUATE)
    assert shared_api.call("POST", "/v1/explain", NO, token=evaluate).json()["context"]["explanation"] == told


def test_who_set_a_fact_is_told_beside_it_only_to_readers_of_the_access_data(shared_api: Api) -> None:
    told, more = (
        shared_api.call("POST", "/v1/explain", NO, token=shared_api.token(*scopes)).json()["context"]["explanation"]
        for scopes in ((Scope.EVALUATE,), (Scope.EVALUATE, Scope.ACCESS_READ))
    )
    assert not [fact for fact in told["facts"] if "set" in fact]
    assert [fact["fact"] for fact in more["facts"] if "set" in fact]
    for fact in more["facts"]:
        fact.pop("set", None)
    assert more == told


def test_a_withheld_item_is_explained_to_a_family_as_one_that_is_not_there(shared_api: Api) -> None:
    withheld = shared_api.call("POST", "/v1/explain", question("sam", "view", "document", "doc_mia_letter")).json()
    told = withheld["context"]["explanation"]
    assert (withheld["decision"], told["refusal"], told["reason_user"]) == (False, "not_found", None)
    assert any(fact["fact"] == "resource.withheld" for fact in told["facts"])
