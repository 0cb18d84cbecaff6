"""Every decision and change is in the trail before it is answered, and can be found there."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from authz_service.tokens.signatures import KeySet, public_jwk, read_jwk
from authz_service.trail import segments
from authz_service.trail.segments import read_groups
from authz_service.trail.verification import verify_trail
from authz_service.trail.writer import TrailWriter
from models.vocabulary import Scope
from models.wire.trail import TrailPage
from tests.api.conftest import question, serving, settings_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.api.conftest import Api
    from tests.conftest import StandingClock

YES = question("rosa", "view", "service_plan", "plan_rosa")
NO = question("tom", "view", "service_plan", "plan_rosa")


def entries(api: Api, query: str = "") -> list[dict[str, Any]]:
    reply = api.call("GET", f"/v1/trail?{query}")
    assert reply.status_code == 200, reply.text
    return [entry.model_dump(exclude_unset=True) for entry in TrailPage.model_validate(reply.json()).entries]


def on_disk(api: Api) -> bytes:
    groups = [group for path in api.settings.trail_dir.glob("*.segment") for group in read_groups(path)]
    return b"\n".join(record for group in groups for record in group.records)


def test_a_decision_is_durable_before_it_is_answered(api: Api) -> None:
    for number in range(20):
        api.evaluate(YES, headers={"X-Request-ID": f"ask-{number}"})
        assert b'"ask-%d"' % number in on_disk(api)


def test_a_decision_is_found_with_the_facts_that_it_was_made_on(api_on_both: Api) -> None:
    api = api_on_both
    api.evaluate(YES, headers={"X-Request-ID": "one"})
    (entry,) = entries(api, "request_id=one")
    assert entry["type"] == "decision"
    assert entry["caller"] == "demo-backend"
    assert entry["subject"] == "account/rosa"
    assert (entry["action"], entry["resource"]) == ("view", {"type": "service_plan", "id": "plan_rosa"})
    assert (entry["client_id"], entry["practice_id"]) == ("rosa", "northgate")
    assert (entry["decision"], entry["grant_id"]) == (True, "g_rosa_rosa")
    assert entry["bundle"] == api.service.serving.digest
    (situation,) = entry["situations"]
    assert situation["subject.kind"] == "self"
    assert situation["resource.plan_state"] == "released"
    assert entry["at"] == api.clock().isoformat().replace("+00:00", "Z")


def test_a_batch_is_found_item_by_item(api: Api) -> None:
    body = {"evaluations": [YES, NO, {}, YES]}
    api.call("POST", "/access/v1/evaluations", body, headers={"X-Request-ID": "many"})
    assert [entry["decision"] for entry in entries(api, "request_id=many")] == [True, False, True]
    assert len(entries(api, "request_id=many&account=tom")) == 1


def test_questions_about_another_time_are_marked(api: Api) -> None:
    api.evaluate({**YES, "context": {"at": "2026-07-01T00:00:00Z"}}, headers={"X-Request-ID": "then"})
    assert entries(api, "request_id=then")[0]["what_if"] == "2026-07-01T00:00:00+00:00"


def test_explanations_and_plans_are_recorded_too(api: Api) -> None:
    api.call("POST", "/v1/explain", NO, headers={"X-Request-ID": "why"})
    assert entries(api, "request_id=why")[0]["decision"] is False
    plan = {**YES, "resource": {"type": "invoice"}}
    api.call("POST", "/v1/plan", plan, headers={"X-Request-ID": "which"})
    (entry,) = entries(api, "request_id=which")
    assert (entry["decision"], entry["resource"]) == (True, {"type": "invoice", "id": None})


def test_the_trail_is_filtered_and_read_in_pages(api: Api) -> None:
    for number in range(7):
        api.clock.advance(minutes=1)
        api.evaluate(YES if number % 2 else NO, headers={"X-Request-ID": f"page-{number}"})
    assert {entry["request_id"] for entry in entries(api, "account=tom&kind=decision")} == {
        f"page-{number}" for number in (0, 2, 4, 6)
    }
    assert len(entries(api, "client=rosa&decision=true")) == 3
    assert len(entries(api, "type=service_plan&id=plan_rosa&action=view&subject=account/rosa")) == 3
    assert entries(api, "client=mia&kind=decision") == []
    later = api.clock().isoformat().replace("+00:00", "Z")
    assert [entry["request_id"] for entry in entries(api, f"kind=decision&since={later}")] == ["page-6"]
    assert len(entries(api, f"kind=decision&until={later}")) == 6
    found, place = [], ""
    while True:
        page = api.call("GET", f"/v1/trail?kind=decision&limit=2&next={place}").json()
        found += [entry["request_id"] for entry in page["entries"]]
        place = page["next"]
        if not place:
            break
    assert found == [f"page-{number}" for number in reversed(range(7))]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=9999", "kind=x", "decision=yes", "since=monday", "next=x", "next=W10", "who=me"]
)
def test_a_wrong_query_is_refused(shared_api: Api, query: str) -> None:
    assert shared_api.call("GET", f"/v1/trail?{query}").status_code == 400


@pytest.mark.parametrize("actor", ["staff/bea", "staff/nobody"])
def test_a_change_that_the_policy_refuses_is_recorded(api: Api, actor: str) -> None:
    headers = {"X-Request-ID": "refused"}
    changes = {"toggles": {"invoices": True}}
    reply = api.call("PATCH", "/v1/grants/g_sam_mia", changes, actor=actor, etag='"1"', headers=headers)
    assert reply.status_code == 403
    (entry,) = entries(api, "request_id=refused&kind=decision&client=mia")
    assert (entry["subject"], entry["action"], entry["decision"]) == (actor, "update", False)
    assert entry["resource"] == {"type": "grant", "id": "g_sam_mia"}


def test_a_change_names_the_policy_that_let_it_be_made(api: Api) -> None:
    version = api.call("GET", "/v1/grants/g_sam_mia").headers["etag"]
    reply = api.call("PATCH", "/v1/grants/g_sam_mia", {"toggles": {"invoices": True}}, actor="staff/jo", etag=version)
    assert reply.status_code == 200
    (entry, *_) = entries(api, "kind=change&action=grant.update")
    assert entry["bundle"] == api.call("GET", "/v1/policy").json()["digest"]


def test_reading_the_trail_is_recorded(api: Api) -> None:
    api.call("GET", "/v1/trail?account=sam", headers={"X-Request-ID": "reader"}, actor="staff/rex")
    (entry,) = entries(api, "action=trail.read&request_id=reader")
    assert (entry["type"], entry["subject"], entry["details"]) == ("event", "staff/rex", {"account": "sam"})


def test_a_calling_system_adds_its_own_events(api: Api) -> None:
    events = [
        {"action": "sign_in.failed", "details": {"reason": "password"}},
        {"action": "view", "actor": "account/dana", "client_id": "mia", "resource": {"type": "invoice", "id": "i"}},
    ]
    assert api.call("POST", "/v1/trail", {"events": events}).json() == {"added": 2}
    assert [entry["action"] for entry in entries(api, "kind=event")] == ["view", "sign_in.failed"]
    assert entries(api, "kind=event&client=mia")[0]["subject"] == "account/dana"
    for wrong in ({}, {"events": []}, {"events": [{"action": "X"}]}, {"events": [{"action": "x", "note": 1}]}):
        assert api.call("POST", "/v1/trail", wrong).status_code == 422
    token = api.token(practices=("solo",))
    foreign = {"events": [{"action": "x", "practice_id": "northgate"}]}
    assert api.call("POST", "/v1/trail", foreign, token=token).status_code == 403


def waiting_event(event_id: str = "f" * 32) -> dict[str, Any]:
    return {
        "id": event_id,
        "action": "document.signed",
        "actor": "account/dana",
        "client_id": "mia",
        "practice_id": "northgate",
        "happened_at": "2026-06-15T18:00:00Z",
        "request_id": "the-click",
    }


def send_at_once(api: Api, event: dict[str, Any], times: int = 4) -> None:
    with ThreadPoolExecutor(times) as pool:
        replies = list(pool.map(lambda _: api.call("POST", "/v1/trail", {"events": [event]}), range(times)))
    assert [reply.status_code for reply in replies] == [201] * times


def test_only_who_may_act_for_others_says_who_did_something(shared_api: Api) -> None:
    """A system with the scope of the trail alone adds events of its own, and none in somebody's name."""
    token = shared_api.token(Scope.TRAIL)
    own, named = {"action": "sign_in.failed"}, {"action": "view", "actor": "account/dana"}
    assert shared_api.call("POST", "/v1/trail", {"events": [own]}, token=token).status_code == 201
    refused = shared_api.call("POST", "/v1/trail", {"events": [own, named]}, token=token)
    assert refused.status_code == 403
    assert Scope.ACT.value in refused.text


def test_an_event_that_is_sent_again_is_entered_once(api_on_both: Api) -> None:
    """With a one-time id, whoever got no answer may send an event until there is one."""
    api, event = api_on_both, waiting_event()
    send_at_once(api, event)
    again = api.call("POST", "/v1/trail", {"events": [event, waiting_event("e" * 32)]})
    assert again.json() == {"added": 1}
    found = entries(api, "action=document.signed")
    assert len(found) == 2
    assert {entry["request_id"] for entry in found} == {"the-click"}
    assert {entry["happened_at"] for entry in found} == {event["happened_at"]}
    keys = KeySet([read_jwk(public_jwk(api.service._trail_key.public_key()))])
    report = verify_trail(api.service.store.database, api.settings.trail_dir, api.settings.checkpoints, keys)
    assert report.problems == []


def test_without_its_id_an_event_that_is_sent_again_is_entered_again(api: Api) -> None:
    """Control."""
    event = {name: value for name, value in waiting_event().items() if name != "id"}
    send_at_once(api, event)
    assert len(entries(api, "action=document.signed")) == 4


def test_an_event_with_an_id_that_is_none_is_refused(shared_api: Api) -> None:
    for wrong in ({"id": "short"}, {"id": "x" * 65}, {"happened_at": "2026-06-15T18:00:00"}, {"request_id": "a b"}):
        body = {"events": [{**waiting_event(), **wrong}]}
        assert shared_api.call("POST", "/v1/trail", body).status_code == 422


def test_a_token_for_one_practice_reads_that_practices_records_only(api: Api) -> None:
    api.evaluate(YES)
    assert entries(api, "kind=decision")
    token = api.token(practices=("harborview",))
    page = api.call("GET", "/v1/trail", token=token).json()
    assert {entry["practice_id"] for entry in page["entries"]} <= {"harborview"}


def break_disk(monkeypatch: pytest.MonkeyPatch, broken: list[bool]) -> None:
    real = os.pwrite

    def pwrite(descriptor: int, data: bytes, offset: int) -> int:
        if broken[0]:
            raise OSError(5, "Input/output error")
        return real(descriptor, data, offset)

    monkeypatch.setattr(segments.os, "pwrite", pwrite)


def test_without_a_writable_trail_nothing_is_allowed(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = [False]
    break_disk(monkeypatch, broken)
    assert api.evaluate(YES).json() == {"decision": True}
    broken[0] = True
    for path, body in (
        ("/access/v1/evaluation", YES),
        ("/access/v1/evaluations", {"evaluations": [YES]}),
        ("/v1/explain", YES),
        ("/v1/plan", {**YES, "resource": {"type": "invoice"}}),
        ("/v1/trail", {"events": [{"action": "x"}]}),
    ):
        reply = api.call("POST", path, body)
        assert reply.status_code == 503, path
        assert "trail" in reply.text
        assert "true" not in reply.text
    assert api.call("GET", "/readyz", token=None).status_code == 503
    broken[0] = False
    assert api.evaluate(YES).json() == {"decision": True}
    assert api.call("GET", "/readyz", token=None).status_code == 200


def test_if_nobody_waited_for_the_trail_it_would_allow_without_a_record(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control: with the waiting taken out, the same broken disk allows."""
    broken = [True]
    break_disk(monkeypatch, broken)
    append = TrailWriter.append

    def append_unheeded(writer: TrailWriter, record: bytes) -> Any:
        append(writer, record)
        done = writer._loop.create_future()
        done.set_result(None)
        return done

    monkeypatch.setattr(TrailWriter, "append", append_unheeded)
    assert api.evaluate(YES).json() == {"decision": True}
    broken[0] = False


def test_the_trail_outlives_the_service_and_verifies(
    data_dir: Path, sqlite_url: str, standing_clock: StandingClock
) -> None:
    settings = settings_of(data_dir, sqlite_url)
    for number in range(2):
        with serving(settings, standing_clock) as api:
            api.evaluate(YES, headers={"X-Request-ID": f"run-{number}"})
            api.call("PUT", "/v1/clients/mia/switches/forms", {"on": bool(number)}, actor="staff/jo")
            standing_clock.advance(hours=1)
            assert len(entries(api, "account=rosa")) == number + 1
            public = read_jwk(public_jwk(api.service._trail_key.public_key()))
    with serving(settings, standing_clock) as api:
        report = verify_trail(api.service.store.database, settings.trail_dir, settings.checkpoints, KeySet([public]))
        assert report.problems == []
        assert report.chains >= 5
