"""Disclosures, refusals and single records out of the trail: complete, and explained as it was then."""

from __future__ import annotations

import shutil
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from authz_service.trail import oversight
from tests.api.conftest import question, serving, settings_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.api.conftest import Api
    from tests.conftest import StandingClock

SAM_READS = question("sam", "view", "document", "doc_mia_school")
SAM_DOWNLOADS = question("sam", "download", "document", "doc_mia_school")
DANA_READS = question("dana", "view", "document", "doc_mia_school")
SAM_MISSES = question("sam", "view", "document", "doc_mia_letter")


def ask(api: Api, asked: dict[str, Any], request_id: str) -> None:
    assert api.evaluate(asked, headers={"X-Request-ID": request_id}).status_code == 200


def disclosed(api: Api, client: str = "mia") -> list[dict[str, Any]]:
    reply = api.call("GET", f"/v1/clients/{client}/disclosures", actor="staff/priya")
    assert reply.status_code == 200, reply.text
    found: list[dict[str, Any]] = reply.json()["disclosures"]
    return found


def told(one: Mapping[str, Any]) -> tuple[str, str, str, int, str]:
    return one["account_id"], one["action"], one["resource"]["id"], one["count"], one["standing"]


def test_what_somebody_else_opened_is_a_disclosure_and_counted(api_on_both: Api) -> None:
    api = api_on_both
    for number in range(3):
        ask(api, SAM_READS, f"look-{number}")
        ask(api, SAM_DOWNLOADS, f"look-{number}")  # The button of the same page.
    ask(api, SAM_DOWNLOADS, "took")
    ask(api, DANA_READS, "mother")
    ask(api, SAM_MISSES, "refused")
    assert sorted(map(told, disclosed(api))) == [
        ("dana", "view", "doc_mia_school", 1, "representative"),
        ("sam", "download", "doc_mia_school", 1, "other"),
        ("sam", "view", "doc_mia_school", 3, "other"),
    ]


def test_what_the_client_saw_is_no_disclosure(api: Api) -> None:
    ask(api, question("rosa", "view", "document", "doc_rosa_summary"), "own")
    assert disclosed(api, "rosa") == []


def test_a_question_is_not_a_look_when_staff_or_the_portal_itself_asked(api: Api) -> None:
    ask(api, SAM_READS, "why-page")
    ask(api, question("staff/jo", "view", "client", "mia", client_id="mia"), "why-page")
    ask(api, SAM_READS, f"{oversight.BACKGROUND}notice")
    api.evaluate({**SAM_READS, "context": {"at": "2026-06-01T00:00:00Z"}}, headers={"X-Request-ID": "past"})
    assert disclosed(api) == []


def test_if_requests_were_not_told_apart_such_questions_would_count(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: with that taken out, a notice that was only planned is listed as if Sam had read."""
    ask(api, SAM_READS, f"{oversight.BACKGROUND}notice")
    monkeypatch.setattr(oversight, "_is_others", lambda *_: False)
    assert [told(one) for one in disclosed(api)] == [("sam", "view", "doc_mia_school", 1, "other")]


def test_a_release_by_a_link_is_a_disclosure_with_its_number(api: Api) -> None:
    event = {
        "action": "document.disclosed",
        "actor": "staff/jo",
        "account_id": "tom",
        "client_id": "mia",
        "practice_id": "northgate",
        "resource": {"type": "document", "id": "doc_mia_school"},
        "details": {"release": "rel1"},
    }
    api.call("POST", "/v1/trail", {"events": [event]})
    (one,) = disclosed(api)
    assert (one["release"], told(one)) == ("rel1", ("tom", "document.disclosed", "doc_mia_school", 1, "other"))


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 200),
        ("since=2020-06-20T00:00:00Z", 200),
        ("since=2020-06-01T00:00:00Z", 400),
        ("since=2026-06-20T00:00:00Z", 400),
        ("since=x", 400),
    ],
)
def test_a_period_is_six_years_at_most(shared_api: Api, query: str, status: int) -> None:
    assert shared_api.call("GET", f"/v1/clients/mia/disclosures?{query}").status_code == status


def test_refusals_say_why_and_name_the_law(api_on_both: Api) -> None:
    api = api_on_both
    for number in range(2):
        ask(api, SAM_MISSES, f"miss-{number}")
    reply = api.call("GET", "/v1/clients/mia/denials", actor="staff/jo")
    (one,) = reply.json()["denials"]
    assert (one["account_id"], one["resource"]["id"], one["count"]) == ("sam", "doc_mia_letter", 2)
    assert one["legal"] == ["45 CFR 164.522(a)"]
    assert one["code"] == "forbidden"
    assert one["rules"]


@pytest.mark.parametrize("actor", ["staff/ken", "staff/bea", "staff/nobody"])
@pytest.mark.parametrize("path", ["/v1/trail", "/v1/trail?for=export", "/v1/clients/mia/disclosures"])
def test_the_trail_is_for_whom_the_policy_names(shared_api: Api, actor: str, path: str) -> None:
    assert shared_api.call("GET", path, actor=actor).status_code == 403


def test_whoever_acts_reads_only_the_own_practices_trail(api: Api) -> None:
    ask(api, SAM_READS, "north")
    ask(api, question("vic", "view", "portal", "vic", client_id="vic"), "south")
    entries = api.call("GET", "/v1/trail?kind=decision", actor="staff/hal").json()["entries"]
    assert {entry["practice_id"] for entry in entries} <= {"harborview"}
    assert api.call("GET", "/v1/clients/mia/disclosures", actor="staff/hal").status_code == 404
    (north,) = api.call("GET", "/v1/trail?kind=decision&request_id=north").json()["entries"]
    assert api.call("GET", f"/v1/trail/{north['id']}", actor="staff/hal").status_code == 404
    assert api.call("GET", "/v1/trail?practice=northgate", actor="staff/hal").json()["entries"] == []


def test_an_export_is_recorded_once_however_many_pages_it_has(api: Api) -> None:
    for number in range(5):
        ask(api, SAM_READS, f"n-{number}")
    place = ""
    while True:
        query = f"kind=decision&client=mia&limit=2&for=export&next={place}"
        page = api.call("GET", f"/v1/trail?{query}", actor="staff/rex").json()
        place = page["next"]
        if not place:
            break
    exported = api.call("GET", "/v1/trail?action=trail.exported").json()["entries"]
    assert [(one["subject"], one["practice_id"]) for one in exported] == [("staff/rex", "northgate")]


def test_pages_stay_right_while_records_arrive(api: Api) -> None:
    for number in range(6):
        api.clock.advance(seconds=1)
        ask(api, SAM_READS, f"n-{number}")
    found, place = [], ""
    for late in range(10):
        page = api.call("GET", f"/v1/trail?kind=decision&client=mia&limit=2&next={place}").json()
        found += [entry["request_id"] for entry in page["entries"]]
        api.clock.advance(seconds=1)
        ask(api, SAM_READS, f"late-{late}")
        place = page["next"]
        if not place:
            break
    assert found == [f"n-{number}" for number in reversed(range(6))]


def explained(api: Api, request_id: str) -> dict[str, Any]:
    (entry,) = api.call("GET", f"/v1/trail?kind=decision&request_id={request_id}").json()["entries"]
    reply = api.call("GET", f"/v1/trail/{entry['id']}", actor="staff/rex")
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


def test_a_record_is_explained_as_it_was_then(api: Api) -> None:
    ask(api, SAM_MISSES, "then")
    api.call("DELETE", "/v1/grants/g_sam_mia/withheld/document/doc_mia_letter", actor="staff/jo")
    assert api.allows("sam", "view", "document", "doc_mia_letter")
    told = explained(api, "then")
    assert (told["policy"], told["entry"]["decision"]) == ("in_service", False)
    assert told["explanation"]["facts"][0]["fact"] == "resource.withheld"
    assert told["explanation"]["facts"][0]["legal"] == "45 CFR 164.522(a)"
    assert {"resource.withheld", "subject.kind"} <= {fact["fact"] for fact in told["situation"]}


def test_a_record_of_earlier_rules_is_explained_by_them_and_plainly_not_when_they_are_gone(
    data_dir: Path, sqlite_url: str, standing_clock: StandingClock, tmp_path: Path
) -> None:
    settings = settings_of(data_dir, sqlite_url)
    with serving(settings, standing_clock) as api:
        ask(api, SAM_MISSES, "old")
        digest = api.service.serving.digest
    changed = tmp_path / "policies"
    shutil.copytree(settings.policies, changed)
    main = changed / "main.polar"
    main.write_text(main.read_text() + "\n# Another day.\n")
    later = settings_of(data_dir, sqlite_url, policies=changed)
    with serving(later, standing_clock) as api:
        assert api.service.serving.digest != digest
        told = explained(api, "old")
        assert (told["policy"], told["entry"]["bundle"]) == ("earlier", digest)
        assert told["explanation"]["facts"][0]["fact"] == "resource.withheld"
    shutil.rmtree(settings.bundles_dir / "texts" / digest)
    with sqlite3.connect(sqlite_url.removeprefix("sqlite:///")) as connection:
        connection.execute("DELETE FROM policy_versions WHERE digest = ?", (digest,))
    with serving(later, standing_clock) as api:
        told = explained(api, "old")
        assert (told["policy"], told["explanation"]) == ("unknown", None)
        assert {"fact": "resource.withheld", "value": True} in told["situation"]


@pytest.mark.parametrize("entry", ["x", "a:1:2", "a:b:c:d", "changes.northgate:999:0:0", "a:99999999999999999999:0:0"])
def test_a_record_that_is_not_there_is_not_found(shared_api: Api, entry: str) -> None:
    assert shared_api.call("GET", f"/v1/trail/{entry}").status_code == 404


def test_another_practices_system_enters_nothing_in_the_account_of_a_client(api: Api) -> None:
    """Neither as an event without a practice, nor as questions that are none of its own."""
    other = api.token(practices=("harborview",))
    event = {
        "action": "document.disclosed",
        "account_id": "tom",
        "client_id": "mia",
        "resource": {"type": "document", "id": "doc_mia_school"},
    }
    for practice in ({}, {"practice_id": "harborview"}):
        assert api.call("POST", "/v1/trail", {"events": [event | practice]}, token=other).status_code == 201
    for asked in (SAM_READS, SAM_MISSES):
        assert api.evaluate(asked, token=other).json()["decision"] is False
    assert disclosed(api) == []
    assert api.call("GET", "/v1/clients/mia/denials", actor="staff/jo").json()["denials"] == []
