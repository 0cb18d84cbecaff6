"""Keeping an item from everyone who represents a client, safety blocks, and who set what decided, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.api.conftest import question

if TYPE_CHECKING:
    from tests.api.conftest import Api

ALL = "/v1/clients/mia/withheld/document/doc_mia_school"
ONE = "/v1/grants/g_sam_mia/withheld/document/doc_mia_school"
PAPER = ("view", "document", "doc_mia_school")


def explained(api: Api, account: str, item: str = "doc_mia_school", **options: Any) -> dict[str, Any]:
    reply = api.call("POST", "/v1/explain", question(account, "view", "document", item, client_id="mia"), **options)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()["context"]["explanation"]
    return found


def test_what_is_kept_from_everyone_is_kept_from_who_comes_later_too(api_on_both: Api) -> None:
    """One call keeps an item from all who represent the client; a newcomer of any kind does not get it (P12)."""
    api = api_on_both
    assert api.allows("dana", *PAPER)
    assert api.allows("sam", *PAPER)
    assert api.call("PUT", ALL, {"reason": "not theirs"}, actor="staff/jo").status_code == 204
    new = {"account_id": "ada", "kind": "guardian", "status": "active"}
    assert api.call("POST", "/v1/clients/mia/grants", new, actor="staff/jo").status_code == 201
    assert not any(api.allows(who, *PAPER) for who in ("dana", "sam", "ada"))
    plan = {
        "subject": {"type": "account", "id": "ada"},
        "action": {"name": "view"},
        "resource": {"type": "document", "properties": {"client_id": "mia"}},
    }
    assert "doc_mia_school" in str(api.call("POST", "/v1/plan", plan).json()["condition"])
    kept = api.call("GET", ALL).json()
    assert (kept["everyone"]["by"], kept["everyone"]["reason"], kept["accounts"]) == ("staff/jo", "not theirs", [])
    assert api.call("DELETE", ALL, actor="staff/jo").status_code == 204
    assert all(api.allows(who, *PAPER) for who in ("dana", "sam", "ada"))
    assert api.call("GET", ALL).json() == {"everyone": None, "accounts": []}


def test_the_client_is_not_one_of_those_who_represent_them(api_on_both: Api) -> None:
    """Leo keeps what is kept from everyone else; so does nobody whose own access to themselves has ended."""
    api = api_on_both
    path = "/v1/clients/leo/withheld/document/doc_leo_school"
    assert api.call("PUT", path, actor="staff/jo").status_code == 204
    assert not api.allows("dana", "view", "document", "doc_leo_school")
    assert api.allows("leo", "view", "document", "doc_leo_school")


def test_what_was_kept_from_one_person_stays_kept_when_all_get_it_back(api_on_both: Api) -> None:
    """The two are apart: lifting either leaves the other, and both show with who set them."""
    api = api_on_both
    for path in (ONE, ALL):
        assert api.call("PUT", path, {"reason": "first"}, actor="staff/jo").status_code == 204
        assert api.call("PUT", path, {"reason": "again"}, actor="staff/jo").status_code == 204
    (by_name,) = api.call("GET", ALL).json()["accounts"]
    assert (by_name["account_id"], by_name["reason"]) == ("sam", "first")
    assert api.call("DELETE", ALL, actor="staff/jo").status_code == 204
    assert not api.allows("sam", *PAPER)
    assert api.allows("dana", *PAPER)
    actions = [entry["action"] for entry in api.call("GET", "/v1/trail?client=mia&kind=change").json()["entries"]]
    changes = [each for each in actions if each and each.startswith("withhold.")]
    assert changes == ["withhold.end_for_all", "withhold.create_for_all", "withhold.create"]


@pytest.mark.parametrize(
    ("actor", "path", "status"),
    [
        ("staff/ken", ALL, 403),
        ("staff/hal", ALL, 404),
        ("staff/jo", "/v1/clients/nobody/withheld/document/doc_mia_school", 404),
        ("staff/jo", "/v1/clients/mia/withheld/document/doc_leo_school", 422),
        ("staff/jo", "/v1/clients/mia/withheld/profile/mia", 422),
    ],
)
def test_only_administrators_keep_items_of_their_own_clients(api: Api, actor: str, path: str, status: int) -> None:
    """A therapist is refused, another practice finds no client, and another client's item is named."""
    assert api.call("PUT", path, actor=actor).status_code == status


def test_an_explanation_says_who_kept_the_item_since_when_and_why(api_on_both: Api) -> None:
    """By name and for everyone, for callers who may read the access data, and for no others."""
    api = api_on_both
    assert api.call("PUT", ONE, {"reason": "a custody order"}, actor="staff/jo").status_code == 204
    (fact,) = [each for each in explained(api, "sam")["facts"] if each["fact"] == "resource.withheld"]
    assert (fact["set"]["by"], fact["set"]["reason"]) == ("staff/jo", "a custody order")
    assert fact["set"]["at"].startswith("2026-06-15T19:00:00")
    assert not any("set" in each for each in explained(api, "sam", token=api.token("evaluate"))["facts"])
    assert api.call("PUT", ALL, actor="staff/priya").status_code == 204
    (fact,) = [each for each in explained(api, "dana")["facts"] if each["fact"] == "resource.withheld"]
    assert (fact["set"]["by"], fact["set"]["everyone"]) == ("staff/priya", True)


def test_an_explanation_says_who_turned_the_toggle_and_not_who_changed_the_grant_last(api_on_both: Api) -> None:
    """A later change of another toggle leaves the first one its author."""
    api = api_on_both
    for actor, toggles in (("staff/jo", {"documents": False}), ("staff/priya", {"calendar": False})):
        etag = api.call("GET", "/v1/grants/g_sam_mia").headers["etag"]
        done = api.call("PATCH", "/v1/grants/g_sam_mia", {"toggles": toggles}, actor=actor, etag=etag)
        assert done.status_code == 200, done.text
        api.clock.advance(minutes=1)
    facts = {each["fact"]: each for each in explained(api, "sam")["facts"]}
    assert facts["subject.toggle.documents"]["set"]["by"] == "staff/jo"


def test_a_block_is_shown_with_its_reason_to_whoever_may_read_the_access_data(api: Api) -> None:
    """Who set it, when and why; 404 where there is none."""
    path = "/v1/grants/g_sam_mia/block"
    assert api.call("GET", path).status_code == 404
    assert api.call("PUT", path, {"reason": "a threat on 3 May"}, actor="staff/jo").status_code == 204
    assert api.call("GET", path).json()["reason"] == "a threat on 3 May"
    assert api.call("GET", path, token=api.token("evaluate")).status_code == 403
    assert api.call("DELETE", path, actor="staff/jo").status_code == 204
    assert api.call("GET", path).status_code == 404
