"""Emergency access over the API: who opens it, for how long, what it opens and leaves behind, and who reviews it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from authz_service.tokens.signatures import KeySet, public_jwk, read_jwk
from authz_service.trail import oversight
from authz_service.trail.verification import verify_trail

if TYPE_CHECKING:
    import httpx

    from tests.api.conftest import Api

REASON = "A crisis call came in, and Lea cannot be reached."
PLACE = "/v1/clients/noah/emergency-accesses"


def start(api: Api, actor: str = "staff/ken", minutes: int = 30, reason: str = REASON) -> httpx.Response:
    return api.call("POST", PLACE, {"reason": reason, "minutes": minutes}, actor=actor)


def reads_noah(api: Api, staff: str = "staff/ken") -> bool:
    return api.allows(staff, "view", "profile", "noah", client_id="noah")


def reads(api: Api, access_id: str) -> list[dict[str, Any]]:
    reply = api.call("GET", f"/v1/emergency-accesses/{access_id}/reads", actor="staff/priya")
    assert reply.status_code == 200, reply.text
    assert reply.json()["complete"] is True
    found: list[dict[str, Any]] = reply.json()["reads"]
    return found


def test_a_therapist_reads_a_client_of_somebody_else_only_while_it_is_open(api_on_both: Api) -> None:
    api = api_on_both
    assert not reads_noah(api)
    made = start(api)
    assert made.status_code == 201, made.text
    access = made.json()
    assert (access["staff_id"], access["client_id"], access["open"], access["reason"]) == ("ken", "noah", True, REASON)
    assert reads_noah(api)
    assert not api.allows("staff/ken", "update", "client", "noah", client_id="noah")
    ended = api.call("POST", f"/v1/emergency-accesses/{access['id']}/end", actor="staff/ken")
    assert ended.json()["open"] is False
    assert not reads_noah(api)


@pytest.mark.parametrize("minutes", [1, 15, 60])
def test_it_ends_by_itself_at_its_last_instant_and_not_before(api: Api, minutes: int) -> None:
    assert start(api, minutes=minutes).status_code == 201
    api.clock.advance(minutes=minutes, microseconds=-1)
    assert reads_noah(api)
    api.clock.advance(microseconds=1)
    assert not reads_noah(api)


@pytest.mark.parametrize("minutes", [0, 61, -1, 30.5, "30", True, None])
def test_it_is_never_longer_than_sixty_minutes(shared_api: Api, minutes: object) -> None:
    reply = shared_api.call("POST", PLACE, {"reason": REASON, "minutes": minutes}, actor="staff/ken")
    assert reply.status_code == 422
    assert reply.json()["field"] == "minutes"


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
def test_it_is_never_without_a_reason(shared_api: Api, reason: str) -> None:
    reply = start(shared_api, reason=reason)
    assert reply.status_code == 422
    assert reply.json()["field"] == "reason"


@pytest.mark.parametrize("actor", ["staff/sky", "staff/bea", "staff/rex", "staff/nobody"])
def test_only_owner_administrators_and_therapists_open_it(shared_api: Api, actor: str) -> None:
    assert start(shared_api, actor).status_code == 403


def test_staff_of_another_practice_find_no_such_client(shared_api: Api) -> None:
    assert start(shared_api, "staff/hal").status_code == 404


def test_the_same_form_sent_twice_opens_it_once_also_at_the_same_moment(api_on_both: Api) -> None:
    api = api_on_both
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: start(api), range(4)))
    assert sorted({reply.status_code for reply in made} - {409}) in ([200, 201], [201])
    assert len({reply.json()["id"] for reply in made if reply.status_code != 409}) == 1
    assert start(api, reason="Another one").status_code == 409
    listed = api.call("GET", "/v1/practices/northgate/emergency-accesses?open=true").json()
    assert len(listed["emergency_accesses"]) == 1


def test_the_holder_and_the_administrators_end_it_and_nobody_else(api: Api) -> None:
    place = f"/v1/emergency-accesses/{start(api).json()['id']}/end"
    assert api.call("POST", place, actor="staff/lea").status_code == 403
    assert reads_noah(api)
    assert api.call("POST", place, actor="staff/jo").json()["ended_by"] == "staff/jo"
    assert not reads_noah(api)
    again = api.call("POST", place, actor="staff/ken").json()
    assert again["ended_by"] == "staff/jo"


def test_every_read_under_it_is_listed(api_on_both: Api) -> None:
    api = api_on_both
    reads_noah(api)  # Refused, and before it.
    access_id = start(api).json()["id"]
    api.clock.advance(minutes=1)
    reads_noah(api)
    for kind in ("document", "form"):
        plan = {
            "subject": {"type": "staff", "id": "ken"},
            "action": {"name": "view"},
            "resource": {"type": kind, "properties": {"client_id": "noah"}},
        }
        assert api.call("POST", "/v1/plan", plan).status_code == 200
    over_all = {
        "subject": {"type": "staff", "id": "ken"},
        "action": {"name": "view"},
        "resource": {"type": "appointment"},
    }
    assert api.call("POST", "/v1/plan", over_all).status_code == 200
    api.allows("staff/ken", "view", "profile", "mia", client_id="mia")  # His own client is none of it.
    api.call("POST", f"/v1/emergency-accesses/{access_id}/end", actor="staff/ken")
    api.clock.advance(minutes=1)
    reads_noah(api)  # Refused, and after it.
    found = {(one["action"], one["resource"]["type"], one["client_id"]) for one in reads(api, access_id)}
    assert found == {
        ("view", "profile", "noah"),
        ("view", "document", "noah"),
        ("view", "form", "noah"),
        ("view", "appointment", None),
    }


def test_if_lists_over_all_clients_were_left_out_a_read_would_be_missed(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control: with that part taken out, the appointments that a list showed are not listed."""
    access_id = start(api).json()["id"]
    over_all = {
        "subject": {"type": "staff", "id": "ken"},
        "action": {"name": "view"},
        "resource": {"type": "appointment"},
    }
    api.call("POST", "/v1/plan", over_all)
    assert len(reads(api, access_id)) == 1
    monkeypatch.setattr(oversight, "_OPENED", ())
    assert reads(api, access_id) == []


def test_it_is_reviewed_once_and_not_by_its_holder(api: Api) -> None:
    access_id = start(api).json()["id"]
    place = f"/v1/emergency-accesses/{access_id}/review"
    note = {"note": "Justified: the mother called at night."}
    assert api.call("PUT", place, note, actor="staff/priya").status_code == 409  # still open
    api.clock.advance(minutes=30)
    assert api.call("PUT", place, note, actor="staff/ken").status_code == 403
    assert api.call("PUT", place, {"note": " "}, actor="staff/priya").status_code == 422
    reviewed = api.call("PUT", place, note, actor="staff/priya")
    assert (reviewed.json()["reviewed_by"], reviewed.json()["review"]) == ("staff/priya", note["note"])
    assert api.call("PUT", place, note, actor="staff/jo").status_code == 409
    waiting = api.call("GET", "/v1/practices/northgate/emergency-accesses?reviewed=false").json()
    assert waiting["emergency_accesses"] == []


def test_an_administrator_does_not_review_their_own(api: Api) -> None:
    access_id = start(api, "staff/jo").json()["id"]
    api.clock.advance(minutes=30)
    reply = api.call("PUT", f"/v1/emergency-accesses/{access_id}/review", {"note": "fine"}, actor="staff/jo")
    assert reply.status_code == 409


def test_start_end_and_review_are_changes_of_the_trail_and_the_chain_holds(api: Api) -> None:
    access_id = start(api).json()["id"]
    api.call("POST", f"/v1/emergency-accesses/{access_id}/end", actor="staff/ken")
    api.call("PUT", f"/v1/emergency-accesses/{access_id}/review", {"note": "fine"}, actor="staff/priya")
    page = api.call("GET", f"/v1/trail?type=emergency_access&id={access_id}&kind=change").json()
    assert [entry["action"] for entry in page["entries"]] == [
        "emergency_access.review",
        "emergency_access.end",
        "emergency_access.start",
    ]
    assert {entry["client_id"] for entry in page["entries"]} == {"noah"}
    assert page["entries"][2]["reason"] == REASON
    keys = KeySet([read_jwk(public_jwk(api.service._trail_key.public_key()))])
    report = verify_trail(api.service.store.database, api.settings.trail_dir, api.settings.checkpoints, keys)
    assert not report.problems


def test_the_list_is_read_in_pages(api: Api) -> None:
    for number in range(5):
        start(api, minutes=1, reason=f"number {number}")
        api.clock.advance(minutes=2)
    found, after = [], ""
    while True:
        page = api.call("GET", f"/v1/practices/northgate/emergency-accesses?limit=2&after={after}").json()
        found += [one["reason"] for one in page["emergency_accesses"]]
        after = page["next"]
        if not after:
            break
    assert found == [f"number {number}" for number in reversed(range(5))]


def test_a_token_of_another_practice_finds_none(api: Api) -> None:
    access_id = start(api).json()["id"]
    token = api.token(practices=("harborview",))
    for path in (f"/v1/emergency-accesses/{access_id}", f"/v1/emergency-accesses/{access_id}/reads"):
        assert api.call("GET", path, token=token).status_code == 404
    assert api.call("GET", "/v1/practices/northgate/emergency-accesses", token=token).status_code == 404
