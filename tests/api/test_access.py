"""Grants, switches, withholding and blocks over HTTP: who may change them, how, and that it counts at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from models.wire.access import Client, Grant, Grants, Practice
from tests.api.conftest import question

if TYPE_CHECKING:
    from tests.api.conftest import Api


def grant_of(api: Api, grant_id: str) -> dict[str, Any]:
    found: dict[str, Any] = api.call("GET", f"/v1/grants/{grant_id}").json()
    return found


def test_a_toggle_counts_on_the_very_next_question(api_on_both: Api) -> None:
    api = api_on_both
    assert not api.allows("sam", "view", "invoice", "inv_mia_2")
    before = grant_of(api, "g_sam_mia")
    changes = {"toggles": {"invoices": True}}
    reply = api.call("PATCH", "/v1/grants/g_sam_mia", changes, actor="staff/jo", etag=f'"{before["etag"]}"')
    assert reply.status_code == 200, reply.text
    assert reply.json()["toggles"] == before["toggles"] | {"invoices": True}
    assert reply.headers["etag"] == f'"{reply.json()["etag"]}"' != f'"{before["etag"]}"'
    assert api.allows("sam", "view", "invoice", "inv_mia_2")
    assert not api.allows("sam", "view", "invoice", "inv_mia_1")
    assert not api.allows("sam", "view", "invoice", "inv_mia_3")
    (change,) = api.call("GET", "/v1/trail?kind=change&id=g_sam_mia").json()["entries"]
    assert change["subject"] == "staff/jo"
    assert change["after"] == {"toggles": {"invoices": True}}


def test_nobodys_change_is_lost(api: Api) -> None:
    changes = {"toggles": {"invoices": True}}
    assert api.call("PATCH", "/v1/grants/g_sam_mia", changes, actor="staff/jo").status_code == 428
    assert api.call("PATCH", "/v1/grants/g_sam_mia", changes, actor="staff/jo", etag='"77"').status_code == 412
    etag = grant_of(api, "g_sam_mia")["etag"]
    assert api.call("PATCH", "/v1/grants/g_sam_mia", changes, actor="staff/jo", etag=f'"{etag}"').status_code == 200
    stale = api.call("PATCH", "/v1/grants/g_sam_mia", {"toggles": {"forms": True}}, actor="staff/jo", etag=f'"{etag}"')
    assert stale.status_code == 412
    assert stale.headers["etag"] == f'"{grant_of(api, "g_sam_mia")["etag"]}"'
    assert grant_of(api, "g_sam_mia")["toggles"]["forms"] is False


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"toggles": {"invoice": True}}, "toggles.invoice"),
        ({"toggles": {"invoices": "on"}}, "toggles.invoices"),
        ({"toggles": []}, "toggles"),
        ({"status": "gone"}, "status"),
        ({"until": "someday"}, "until"),
        ({"from": "2026-07-01", "until": "2026-06-01"}, "until"),
        ({"kind": "self"}, "kind"),
    ],
)
def test_a_wrong_field_is_named(shared_api: Api, body: dict[str, Any], field: str) -> None:
    reply = shared_api.call("PATCH", "/v1/grants/g_sam_mia", body, actor="staff/jo", etag='"1"')
    assert reply.status_code == 422
    assert reply.headers["content-type"] == "application/problem+json"
    problem = reply.json()
    assert problem["status"] == 422
    assert field in [each["field"] for each in problem["errors"]] or problem["field"].startswith(field)


@pytest.mark.parametrize("actor", ["staff/bea", "staff/ken", "staff/rex", "staff/sky", "staff/nobody"])
def test_staff_whom_the_policy_does_not_let_change_nothing(shared_api: Api, actor: str) -> None:
    before = grant_of(shared_api, "g_sam_mia")
    changes = {"toggles": {"invoices": True}}
    assert shared_api.call("PATCH", "/v1/grants/g_sam_mia", changes, actor=actor, etag='"1"').status_code in (403, 404)
    for path in ("/v1/practices/northgate/switches/invoices", "/v1/clients/mia/switches/invoices"):
        assert shared_api.call("PUT", path, {"on": False}, actor=actor).status_code in (403, 404)
    assert grant_of(shared_api, "g_sam_mia") == before


def test_another_practices_staff_cannot_tell_that_anything_is_there(shared_api: Api) -> None:
    def told(path: str) -> tuple[int, str]:
        reply = shared_api.call("PATCH", path, {"toggles": {}}, actor="staff/hal", etag='"1"')
        return reply.status_code, reply.text

    assert told("/v1/grants/g_sam_mia") == told("/v1/grants/g_no_one") == (404, told("/v1/grants/g_no_one")[1])


def test_a_token_for_another_practice_finds_nothing(shared_api: Api) -> None:
    token = shared_api.token(practices=("harborview",))
    for path in ("/v1/grants/g_sam_mia", "/v1/clients/mia", "/v1/clients/mia/grants", "/v1/practices/northgate"):
        assert shared_api.call("GET", path, token=token).status_code == 404
    grants = shared_api.call("GET", "/v1/accounts/dana/grants", token=token).json()["grants"]
    assert [grant["id"] for grant in grants] == ["g_dana_wren"]


@pytest.mark.parametrize("scope", ["practices/northgate", "clients/mia"])
def test_a_switch_that_is_off_is_off_at_once_for_everyone(api: Api, scope: str) -> None:
    assert api.allows("dana", "view", "invoice", "inv_mia_1")
    reply = api.call("PUT", f"/v1/{scope}/switches/invoices", {"on": False}, actor="staff/jo")
    assert reply.status_code == 200
    assert reply.json()["switches"]["invoices"] is False
    assert not api.allows("dana", "view", "invoice", "inv_mia_1")
    assert api.allows("dana", "view", "calendar", "mia", client_id="mia")
    assert api.allows("rosa", "view", "invoice", "inv_rosa_1") is (scope == "clients/mia")
    api.call("PUT", f"/v1/{scope}/switches/invoices", {"on": True}, actor="staff/jo")
    assert api.allows("dana", "view", "invoice", "inv_mia_1")


def test_an_unknown_feature_is_named(shared_api: Api) -> None:
    reply = shared_api.call("PUT", "/v1/clients/mia/switches/invoice", {"on": False}, actor="staff/jo")
    assert reply.status_code == 422
    assert "invoices" in reply.json()["detail"]


def test_an_item_is_withheld_and_given_back_at_once(api: Api) -> None:
    path = "/v1/grants/g_dana_mia/withheld/document/doc_mia_school"
    assert api.allows("dana", "view", "document", "doc_mia_school")
    assert api.call("PUT", path, actor="staff/jo").status_code == 204
    assert not api.allows("dana", "view", "document", "doc_mia_school")
    assert api.allows("sam", "view", "document", "doc_mia_school")
    assert {"type": "document", "id": "doc_mia_school"} in grant_of(api, "g_dana_mia")["withheld"]
    assert api.call("DELETE", path, actor="staff/jo").status_code == 204
    assert api.allows("dana", "view", "document", "doc_mia_school")


def test_a_block_silences_an_account_towards_the_client_and_is_not_told(api: Api) -> None:
    assert api.call("PUT", "/v1/grants/g_sam_mia/block", {}, actor="staff/jo").status_code == 422
    reply = api.call("PUT", "/v1/grants/g_sam_mia/block", {"reason": "court order"}, actor="staff/jo")
    assert reply.status_code == 204
    assert not api.allows("sam", "view", "calendar", "mia", client_id="mia")
    assert api.allows("sam", "view", "calendar", "leo", client_id="leo")
    plan = {
        "subject": {"type": "account", "id": "sam"},
        "action": {"name": "view"},
        "resource": {"type": "calendar", "properties": {"client_id": "mia"}},
    }
    assert api.call("POST", "/v1/plan", plan).json() == {"kind": "always_denied"}
    assert api.call("DELETE", "/v1/grants/g_sam_mia/block", actor="staff/jo").status_code == 204
    assert api.allows("sam", "view", "calendar", "mia", client_id="mia")


def test_a_practice_setting_counts_at_once(api: Api) -> None:
    assert not api.allows("dana", "view", "service_plan", "plan_mia")
    audience = {"plan_audience": "client_and_guardians"}
    reply = api.call("PATCH", "/v1/practices/northgate", audience, actor="staff/jo")
    assert reply.status_code == 200
    assert Practice.model_validate(reply.json()).plan_audience == "client_and_guardians"
    assert api.allows("dana", "view", "service_plan", "plan_mia")
    assert api.call("PATCH", "/v1/practices/northgate", {"teen_from": 19}, actor="staff/jo").status_code == 422


def test_a_grant_is_made_once_and_counts_after_the_first_login(api: Api) -> None:
    body = {"account_id": "nora", "kind": "payer"}
    made = api.call("POST", "/v1/clients/mia/grants", body, actor="staff/jo")
    assert made.status_code == 201, made.text
    assert made.headers["location"] == "/v1/grants/g_nora_mia"
    assert Grant.model_validate(made.json()).status == "pending"
    assert api.call("POST", "/v1/clients/mia/grants", body, actor="staff/jo").status_code == 409
    assert not api.allows("nora", "view", "calendar", "mia", client_id="mia")
    assert api.call("POST", "/v1/accounts/nora/first-login", {}).json() == {"active": ["g_nora_mia"]}
    assert api.allows("nora", "view", "calendar", "mia", client_id="mia")


def test_an_open_invitation_counts_for_nothing(shared_api: Api) -> None:
    assert grant_of(shared_api, "g_pam_noah")["status"] == "pending"
    for action, resource in (("open", "portal"), ("view", "calendar"), ("view", "profile")):
        assert not shared_api.allows("pam", action, resource, "noah", client_id="noah")


def test_what_is_read_has_the_shape_that_is_described(shared_api: Api) -> None:
    Grants.model_validate(shared_api.call("GET", "/v1/clients/mia/grants").json())
    Grants.model_validate(shared_api.call("GET", "/v1/accounts/dana/grants").json())
    Client.model_validate(shared_api.call("GET", "/v1/clients/leo").json())
    Practice.model_validate(shared_api.call("GET", "/v1/practices/solo").json())
    grant = grant_of(shared_api, "g_ada_arlo")
    assert (grant["kind"], grant["until"], grant["status"]) == ("adult_proxy", "2026-12-31", "active")


def test_the_clients_of_a_practice_come_in_pages(shared_api: Api) -> None:
    found: list[str] = []
    after = ""
    while True:
        page = shared_api.call("GET", f"/v1/practices/northgate/clients?limit=4&after={after}").json()
        found += page["clients"]
        after = page["next"]
        if not after:
            break
    assert found == ["arlo", "dana", "leo", "mia", "noah", "rosa"]
    for query in ("limit=0", "limit=501", "limit=x", "size=3", "limit=1&limit=2"):
        assert shared_api.call("GET", f"/v1/practices/northgate/clients?{query}").status_code == 400


def test_registered_facts_answer_questions_that_name_only_the_id(api: Api) -> None:
    assert not api.allows("rosa", "view", "invoice", "inv_new", client_id="rosa")
    properties = {"client_id": "rosa", "addressee_id": "rosa", "state": "open", "balance_due_cents": 5}
    assert api.call("PUT", "/v1/resources/invoice/inv_new", properties).status_code == 204
    assert api.allows("rosa", "view", "invoice", "inv_new")
    batch = {"resources": [{"type": "invoice", "id": "inv_new", "properties": {**properties, "state": "draft"}}]}
    assert api.call("POST", "/v1/resources", batch).json() == {"registered": 1}
    assert not api.allows("rosa", "view", "invoice", "inv_new")
    assert api.call("DELETE", "/v1/resources/invoice/inv_new").status_code == 204
    assert not api.allows("rosa", "view", "invoice", "inv_new")
    wrong = api.call("PUT", "/v1/resources/invoice/inv_new", {**properties, "state": "lost"})
    assert (wrong.status_code, wrong.json()["field"]) == (422, "state")


def test_a_text_that_no_database_keeps_is_refused_or_found_nowhere(api_on_both: Api) -> None:
    for path in ("/v1/grants/%00", "/v1/clients/a%00b/grants", "/v1/trail?account=%00"):
        assert api_on_both.call("GET", path).status_code in (200, 400, 404), path
    reply = api_on_both.evaluate(question("rosa", "view", "invoice", "i", client_id="a\0b"))
    assert reply.status_code == 400 or reply.json()["decision"] is False
    batch = {"resources": [{"type": "invoice", "id": "a\0b", "properties": {"client_id": "mia"}}]}
    assert api_on_both.call("POST", "/v1/resources", batch).status_code in (200, 400, 422)
    assert api_on_both.allows("rosa", "view", "service_plan", "plan_rosa")


def test_the_past_is_answered_as_it_was_and_the_future_as_it_will_be(api_on_both: Api) -> None:
    api = api_on_both
    before = api.clock().isoformat()
    api.clock.advance(hours=1)
    changes = {"toggles": {"invoices": True}, "until": "2026-07-01"}
    reply = api.call("PATCH", "/v1/grants/g_sam_mia", changes, actor="staff/jo", etag='"1"')
    assert reply.status_code == 200, reply.text
    asked = question("sam", "view", "invoice", "inv_mia_2")
    then = api.evaluate({**asked, "context": {"at": before}}).json()["decision"]
    now = api.evaluate(asked).json()["decision"]
    later = api.evaluate({**asked, "context": {"at": "2026-07-02T12:00:00Z"}}).json()["decision"]
    assert (then, now, later) == (False, True, False)
