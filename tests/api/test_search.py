"""AuthZEN search lists exactly what single questions allow, complete and page by page."""

from __future__ import annotations

import json
import os
import random
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from authz_service.api import search as searching
from authz_service.api.authzen import Asked
from authz_service.api.evaluation import Evaluator, Outcome
from authz_service.api.search import find
from authz_service.api.search_request import Page, Search, Sought
from authz_service.facts.decision import KNOWN_BY, registered
from authz_service.facts.request import NO_AUTHN, Authn, Request
from authz_service.sampling import Sampler
from authz_service.tokens.verification import Caller
from authz_service.trail.legend import Legend
from policy_tests.world.load import access, load_world
from tests.api.conftest import question, serving, settings_of
from tests.conftest import FROZEN, on_sqlite_only

if TYPE_CHECKING:
    from collections.abc import Iterator

    from authz_service.facts.decision import Decider
    from authz_service.storage import AccessStore
    from tests.api.conftest import Api
    from tests.conftest import StandingClock

PATHS = {sought: f"/access/v1/search/{sought}" for sought in Sought}
EVERYONE = Caller("tests", frozenset(), frozenset({"*"}), every_practice=True, expires=0, token_id="")
SUBJECT_SEARCH = {**question("x", "view", "invoice", "inv_rosa_1"), "subject": {"type": "account"}}
RESOURCE_SEARCH = {**question("rosa", "view", "document", "x"), "resource": {"type": "document"}}
ACTION_SEARCH = {name: question("rosa", "view", "invoice", "inv_rosa_1")[name] for name in ("subject", "resource")}
SEARCHES: dict[Sought, dict[str, Any]] = {
    Sought.SUBJECT: SUBJECT_SEARCH,
    Sought.RESOURCE: RESOURCE_SEARCH,
    Sought.ACTION: ACTION_SEARCH,
}


def search(api: Api, sought: Sought, body: dict[str, Any], **options: Any) -> dict[str, Any]:
    reply = api.call("POST", PATHS[sought], body, **options)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


def ids(found: dict[str, Any]) -> list[str]:
    return [each.get("id") or each["name"] for each in found["results"]]


# ---- the list is the filter of the check -----------------------------------------------------------------------------


class Cast:
    """Everyone and everything of the cast, and what each may do, worked out without a database."""

    def __init__(self, decider: Decider) -> None:
        world = load_world()
        rows = access(world)
        self.types = decider.policy.resource_types
        self.subjects = [("account", each) for each in world.accounts] + [("staff", each) for each in world.staff]
        singles = {"client_id": list(world.clients), "practice_id": list(world.practices)}
        self.resources = [(kind, each) for kind, owner in KNOWN_BY.items() for each in singles[owner]]
        self.resources += [("grant", each) for each in world.grants]
        self.resources += [(kind, each) for kind, each, _ in world.items if kind not in KNOWN_BY]
        self.allowed = {
            (subject, action, resource)
            for subject in self.subjects
            for resource in self.resources
            for action in self.types[resource[0]]
            if decider.decide(rows, Request(*subject, action, *resource, now=world.now)).allowed
        }


@pytest.fixture(scope="module")
def cast(decider: Decider) -> Cast:
    return Cast(decider)


def evaluating(kind: type[Evaluator], decider: Decider) -> Evaluator:
    return kind(decider, Legend(decider.policy), Sampler(Path(), Path(), "", every=10**9))


def asked(subject: tuple[str, str], action: str, resource: tuple[str, str]) -> Asked:
    return Asked(*subject, action, *resource, {}, NO_AUTHN, None, explain=False)


def searches(cast: Cast) -> Iterator[tuple[Asked, Sought, set[str]]]:
    """Every search there is about the cast, and what it must find."""
    for kind, actions in cast.types.items():
        for action in actions:
            for subject in cast.subjects:
                right = {r[1] for s, a, r in cast.allowed if (s, a, r[0]) == (subject, action, kind)}
                yield asked(subject, action, (kind, "-")), Sought.RESOURCE, right
    by_resource: dict[tuple[str, str], list[tuple[tuple[str, str], str]]] = {each: [] for each in cast.resources}
    for subject, action, resource in cast.allowed:
        by_resource[resource].append((subject, action))
    for resource, known in by_resource.items():
        for action in cast.types[resource[0]]:
            for kind in ("account", "staff"):
                right = {s[1] for s, a in known if (s[0], a) == (kind, action)}
                yield asked((kind, "-"), action, resource), Sought.SUBJECT, right
        for subject in cast.subjects:
            yield asked(subject, "-", resource), Sought.ACTION, {a for s, a in known if s == subject}


def disagreements(store: AccessStore, evaluator: Evaluator, cast: Cast) -> tuple[list[str], int]:
    wrong, results = [], 0
    with store.surveying({"*"}) as survey:
        for question, sought, right in searches(cast):
            found = find(survey, evaluator, Search(EVERYONE, question, sought, Page(stated=False), FROZEN))
            results += len(found.names)
            if not found.complete or set(found.names) != right or sorted(found.names) != found.names:
                wrong.append(f"{sought} {question}: {found.names}, not {sorted(right)}")
    return wrong, results


def test_every_search_finds_exactly_what_single_questions_allow(
    seeded_store: AccessStore, decider: Decider, cast: Cast
) -> None:
    """All accounts and staff, all types and actions, all items of the cast, on both kinds of database."""
    wrong, results = disagreements(seeded_store, evaluating(Evaluator, decider), cast)
    assert wrong == []
    assert results == 3 * len(cast.allowed) > 1000


SENT = {
    "client_id": ["mia", "rosa", "leo", "arlo", "wren", "nobody", 5],
    "practice_id": ["northgate", "harborview", None],
    "state": ["open", "draft", "released", "booked", "nonsense", None],
    "addressee_id": ["dana", "rosa", "harbor", None, 5],
    "category": ["general", "minor_consented", ["x"]],
    "participant_ids": [["dana", "ken"], [], None],
    "signer_rule": ["each_guardian", "nobody"],
    "starts_at": ["2026-06-15T20:00:00Z", None, "soon"],
}
TIMES = [None, FROZEN.replace(year=2027), FROZEN.replace(year=2040), FROZEN.replace(year=2025)]
CASES = 150 + int(os.environ.get("KINGUARD_CASES", "0")) // 300


@pytest.mark.timeout(1200)  # At full size.
def test_searches_with_sent_properties_find_what_such_questions_allow(
    seeded_store: AccessStore, decider: Decider, cast: Cast
) -> None:
    """Random properties, ways of signing in, times and practices of the token; each item asked as a single question."""
    chance = random.Random(1)
    evaluator = evaluating(Evaluator, decider)
    results = 0
    for _ in range(CASES if seeded_store.database.embedded else CASES // 2):
        kind = chance.choice(["invoice", "document", "thread", "appointment", "calendar", "form", "grant", "client"])
        sent = {name: chance.choice(values) for name, values in SENT.items() if chance.random() < 0.12}
        authn, at = chance.choice([NO_AUTHN, Authn(("otp",), True)]), chance.choice(TIMES)
        action, subject = chance.choice(cast.types[kind]), chance.choice(cast.subjects)
        practices = chance.choice([frozenset({"*"}), frozenset({"northgate"}), frozenset({"harborview", "solo"})])
        caller = replace(EVERYONE, practices=practices, every_practice="*" in practices)
        put = Asked(*subject, action, kind, "-", sent, authn, at, explain=False)
        with seeded_store.surveying(practices, at) as survey:
            found = find(survey, evaluator, Search(caller, put, Sought.RESOURCE, Page(stated=False), FROZEN))
        with seeded_store.deciding(practices, at) as rows:
            right = [
                name
                for resource_type, name in cast.resources
                if resource_type == kind
                # Where the token's practices hide an item, a question about it is one about an unknown item.
                and registered(rows, kind, name) is not None
                and evaluator.evaluate(rows, caller, put._replace(resource_id=name), FROZEN).allowed
            ]
        assert found.names == sorted(right), put
        results += len(right)
    assert results > 20


class Credulous(Evaluator):
    """The protection taken out: it allows what is withheld, as a list would that reads another rule than the check."""

    def evaluate(self, access: Any, caller: Caller, asked: Asked, now: Any) -> Outcome:
        outcome = super().evaluate(access, caller, asked, now)
        withheld = (asked.subject_id, asked.action, asked.resource_id) == ("sam", "view", "doc_mia_letter")
        return Outcome(True, None, None) if withheld else outcome


@on_sqlite_only
def test_a_search_by_another_rule_than_the_check_is_noticed(
    seeded_store: AccessStore, decider: Decider, cast: Cast
) -> None:
    """The control: with one withheld document let through, all three searches that meet it are reported."""
    wrong, _ = disagreements(seeded_store, evaluating(Credulous, decider), cast)
    assert sorted(line.split()[0] for line in wrong) == ["action", "resource", "subject"]


# ---- what a search of the cast finds ---------------------------------------------------------------------------------


def test_subjects_are_found_by_type(api_on_both: Api) -> None:
    """Rosa's invoice is seen by rosa and by her emergency contact, and by staff only where staff are asked for."""
    assert search(api_on_both, Sought.SUBJECT, SUBJECT_SEARCH) == {
        "results": [{"type": "account", "id": "rosa"}, {"type": "account", "id": "tom"}]
    }
    staff = {**SUBJECT_SEARCH, "subject": {"type": "staff", "id": 5}}
    assert {"bea", "jo"} <= set(ids(search(api_on_both, Sought.SUBJECT, staff)))


def test_resources_are_found_over_every_client_within_reach(api_on_both: Api) -> None:
    """Sam's documents are mia's and leo's, without the letter withheld from him and dana's own copy."""
    body = {**RESOURCE_SEARCH, "subject": {"type": "account", "id": "sam"}}
    found = ids(search(api_on_both, Sought.RESOURCE, body))
    assert {"doc_mia_school", "doc_leo_school", "doc_mia_consent_sam"} <= set(found)
    assert {"doc_mia_letter", "doc_mia_consent_dana", "doc_leo_private"}.isdisjoint(found)
    calendars = {**body, "resource": {"type": "calendar"}}
    assert ids(search(api_on_both, Sought.RESOURCE, calendars)) == ["leo", "mia"]
    narrowed = {**calendars, "resource": {"type": "calendar", "properties": {"client_id": "mia"}}}
    assert ids(search(api_on_both, Sought.RESOURCE, narrowed)) == ["mia"]


def test_actions_are_found(shared_api: Api) -> None:
    assert search(shared_api, Sought.ACTION, ACTION_SEARCH) == {
        "results": [{"name": "pay"}, {"name": "print"}, {"name": "view"}]
    }


def test_sent_properties_win_over_registered_ones_as_in_a_question(shared_api: Api) -> None:
    draft = {"type": "invoice", "id": "inv_rosa_1", "properties": {"state": "draft"}}
    assert ids(search(shared_api, Sought.SUBJECT, {**SUBJECT_SEARCH, "resource": draft})) == []
    assert ids(search(shared_api, Sought.ACTION, {**ACTION_SEARCH, "resource": draft})) == []
    sent = {"type": "document", "properties": {"state": "released", "category": "general"}}
    assert "doc_rosa_draft" in ids(search(shared_api, Sought.RESOURCE, {**RESOURCE_SEARCH, "resource": sent}))
    assert "doc_rosa_draft" not in ids(search(shared_api, Sought.RESOURCE, RESOURCE_SEARCH))


@pytest.mark.parametrize(
    ("sought", "change"),
    [
        (Sought.SUBJECT, {"subject": {"type": "robot"}}),
        (Sought.SUBJECT, {"resource": {"type": "invoice", "id": "unheard_of"}}),
        (Sought.SUBJECT, {"resource": {"type": "spaceship", "id": "x"}}),
        (Sought.SUBJECT, {"action": {"name": "juggle"}}),
        (Sought.RESOURCE, {"resource": {"type": "spaceship"}}),
        (Sought.RESOURCE, {"subject": {"type": "robot", "id": "rosa"}}),
        (Sought.RESOURCE, {"subject": {"type": "account", "id": "nobody"}}),
        (Sought.RESOURCE, {"subject": {"type": "staff", "id": "nobody"}}),
        (Sought.RESOURCE, {"action": {"name": "juggle"}}),
        (Sought.RESOURCE, {"resource": {"type": "document", "properties": {"client_id": 5}}}),
        (Sought.RESOURCE, {"resource": {"type": "document", "properties": {"client_id": "nobody"}}}),
        (Sought.RESOURCE, {"resource": {"type": "document", "properties": {"category": ["x"]}}}),
        (Sought.ACTION, {"resource": {"type": "spaceship", "id": "x"}}),
        (Sought.ACTION, {"subject": {"type": "account", "id": "nobody"}}),
    ],
)
def test_what_is_not_known_is_not_found(shared_api: Api, sought: Sought, change: dict[str, Any]) -> None:
    """Status 200 and no results, and nothing beside them."""
    assert search(shared_api, sought, {**SEARCHES[sought], **change}) == {"results": []}


@pytest.mark.parametrize("sent", ["elsewhere", 5, None, ["x"], ""])
def test_an_id_or_action_that_is_sent_for_what_is_sought_does_not_count(shared_api: Api, sent: Any) -> None:
    for sought, body in SEARCHES.items():
        part = {"name": sent} if sought is Sought.ACTION else {**body[sought], "id": sent}
        assert search(shared_api, sought, {**body, sought: part}) == search(shared_api, sought, body)
    assert search(shared_api, Sought.ACTION, {**ACTION_SEARCH, "action": sent})["results"]


def test_a_token_searches_its_practices_only(api_on_both: Api) -> None:
    """Dana's documents of two practices are found with a token for both, and one practice's with a token for it."""
    calendars = {**RESOURCE_SEARCH, "subject": {"type": "account", "id": "dana"}, "resource": {"type": "calendar"}}
    assert "wren" in ids(search(api_on_both, Sought.RESOURCE, calendars))
    token = api_on_both.token(practices=("northgate",))
    assert ids(search(api_on_both, Sought.RESOURCE, calendars, token=token)) == ["dana", "leo", "mia"]
    elsewhere = api_on_both.token(practices=("harborview",))
    assert ids(search(api_on_both, Sought.RESOURCE, calendars, token=elsewhere)) == ["wren"]
    for sought, body in SEARCHES.items():
        assert ids(search(api_on_both, sought, body, token=elsewhere)) == []
    policy = {**SUBJECT_SEARCH, "subject": {"type": "staff"}, "resource": {"type": "policy", "id": "any"}}
    assert "rex" in ids(search(api_on_both, Sought.SUBJECT, policy, token=token))
    assert "rex" not in ids(search(api_on_both, Sought.SUBJECT, policy, token=elsewhere))


def test_a_search_sees_a_change_at_once_and_the_past_as_it_was(api_on_both: Api) -> None:
    """Sam's invoice appears with his toggle, and not in a search at the time before."""
    body = {**RESOURCE_SEARCH, "subject": {"type": "account", "id": "sam"}, "resource": {"type": "invoice"}}
    assert ids(search(api_on_both, Sought.RESOURCE, body)) == []
    before = api_on_both.clock().isoformat()
    api_on_both.clock.advance(hours=1)
    change = {"toggles": {"invoices": True}}
    reply = api_on_both.call("PATCH", "/v1/grants/g_sam_mia", change, actor="staff/jo", etag='"1"')
    assert reply.status_code == 200, reply.text
    assert ids(search(api_on_both, Sought.RESOURCE, body)) == ["inv_mia_2"]
    assert ids(search(api_on_both, Sought.RESOURCE, {**body, "context": {"at": before}})) == []


def test_another_time_can_be_searched_with_its_scope(api_on_both: Api) -> None:
    """Ada's access to arlo ends with the year; the answer says that it is a what-if."""
    body = {**RESOURCE_SEARCH, "subject": {"type": "account", "id": "ada"}, "resource": {"type": "calendar"}}
    assert ids(search(api_on_both, Sought.RESOURCE, body)) == ["arlo"]
    later = {**body, "context": {"at": "2027-01-02T12:00:00Z", "explain": True}}
    assert search(api_on_both, Sought.RESOURCE, later) == {
        "results": [],
        "context": {"what_if": "2027-01-02T12:00:00Z"},
    }
    token = api_on_both.token("evaluate")
    assert api_on_both.call("POST", PATHS[Sought.RESOURCE], later, token=token).status_code == 403
    assert api_on_both.call("POST", PATHS[Sought.RESOURCE], body, token=api_on_both.token("trail")).status_code == 403
    assert api_on_both.call("POST", PATHS[Sought.RESOURCE], body, token=None).status_code == 401


# ---- the form of requests and answers --------------------------------------------------------------------------------


def without(body: dict[str, Any], path: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(body))
    at, _, name = path.rpartition(".")
    del (found[at] if at else found)[name]
    return found


REQUIRED = {
    Sought.SUBJECT: ["subject", "subject.type", "action", "action.name", "resource", "resource.type", "resource.id"],
    Sought.RESOURCE: ["subject", "subject.type", "subject.id", "action", "action.name", "resource", "resource.type"],
    Sought.ACTION: ["subject", "subject.type", "subject.id", "resource", "resource.type", "resource.id"],
}


@pytest.mark.parametrize(("sought", "path"), [(sought, path) for sought, paths in REQUIRED.items() for path in paths])
def test_what_is_required_is_asked_for_by_name(shared_api: Api, sought: Sought, path: str) -> None:
    reply = shared_api.call("POST", PATHS[sought], without(SEARCHES[sought], path), headers={"X-Request-ID": "mine"})
    assert (reply.status_code, reply.json()) == (400, f"{path} is required")
    assert reply.headers["x-request-id"] == "mine"


@pytest.mark.parametrize("sought", Sought)
@pytest.mark.parametrize(
    "change",
    [
        {"subject": "alice"},
        {"subject": {"type": 5, "id": "rosa"}},
        {"resource": []},
        {"resource": {"type": "document", "id": "x", "properties": [1]}},
        {"context": "now"},
        {"context": {"at": "tomorrow"}},
        {"page": 5},
        {"page": {"limit": -1}},
        {"page": {"limit": True}},
        {"page": {"limit": 1.5}},
        {"page": {"limit": "10"}},
        {"page": {"limit": 10**30}},
        {"page": {"token": 5}},
        {"page": {"token": "nonsense"}},
        {"page": {"token": "bm9uc2Vuc2U"}},
        {"page": {"token": "ü"}},
    ],
)
def test_a_malformed_search_is_refused_with_a_message(shared_api: Api, sought: Sought, change: dict[str, Any]) -> None:
    reply = shared_api.call("POST", PATHS[sought], {**SEARCHES[sought], **change})
    assert reply.status_code == 400, reply.text
    assert isinstance(reply.json(), str)


@pytest.mark.parametrize("sought", Sought)
def test_a_body_that_is_no_json_object_is_refused_with_400(shared_api: Api, sought: Sought) -> None:
    good = json.dumps(SEARCHES[sought]).encode()
    cases = [("application/json", each) for each in (b"", b"{", b"[]", b'"x"', b"[" * 50)]
    cases += [("text/plain", good), ("", good), ("application/merge-patch+json", good)]
    for media_type, content in cases:
        headers = {"Content-Type": media_type}
        reply = shared_api.call("POST", PATHS[sought], content=content, headers=headers)
        assert reply.status_code == 400, (media_type, content)
        assert isinstance(reply.json(), str)
    assert shared_api.call("GET", PATHS[sought]).status_code == 405


def test_what_is_unknown_is_ignored(shared_api: Api) -> None:
    for sought, body in SEARCHES.items():
        more = {"foo": 1, "evaluations": [], "page": None, "context": {"b": 3}}
        assert search(shared_api, sought, {**body, **more}) == search(shared_api, sought, body)


def test_the_answer_has_the_standards_keys_in_the_standards_order(shared_api: Api) -> None:
    """Harnesses compare texts: `page` first, `type` before `id`, and nothing that there is no need for."""
    expected = {
        Sought.SUBJECT: '{"results":[{"type":"account","id":"rosa"},{"type":"account","id":"tom"}]}',
        Sought.ACTION: '{"results":[{"name":"pay"},{"name":"print"},{"name":"view"}]}',
    }
    for sought, text in expected.items():
        reply = shared_api.call("POST", PATHS[sought], SEARCHES[sought])
        assert reply.text == text
        assert reply.headers["content-type"] == "application/json"
        paged = shared_api.call("POST", PATHS[sought], {**SEARCHES[sought], "page": {}})
        assert paged.text == '{"page":{"next_token":""},' + text.removeprefix("{")


# ---- paging ----------------------------------------------------------------------------------------------------------

DANAS_DOCUMENTS = {**RESOURCE_SEARCH, "subject": {"type": "account", "id": "dana"}}


def pages(api: Api, sought: Sought, body: dict[str, Any], limit: int, *, repeated: bool = False) -> Iterator[list[str]]:
    page: dict[str, Any] = {"limit": limit}
    while True:
        found = search(api, sought, {**body, "page": page})
        assert list(found) == ["page", "results"]
        yield ids(found)
        token = found["page"]["next_token"]
        if not token:
            return
        page = {"token": token, "limit": limit} if repeated else {"token": token}


@pytest.mark.parametrize("limit", [1, 2, 3, 1000, 10**9])
def test_pages_together_are_the_whole_in_the_same_order(api_on_both: Api, limit: int) -> None:
    """A follow-up may leave the limit out, because the token carries it, and the last page is never an empty one."""
    jos = {**RESOURCE_SEARCH, "subject": {"type": "staff", "id": "jo"}, "resource": {"type": "grant"}}
    staff = {**SUBJECT_SEARCH, "subject": {"type": "staff"}}
    for sought, body in (
        (Sought.RESOURCE, DANAS_DOCUMENTS),
        (Sought.RESOURCE, jos),
        (Sought.SUBJECT, staff),
        (Sought.ACTION, ACTION_SEARCH),
    ):
        whole = ids(search(api_on_both, sought, body))
        assert len(whole) > 2
        found = list(pages(api_on_both, sought, body, limit))
        assert [each for page in found for each in page] == whole
        assert [len(page) for page in found[:-1]] == [limit] * (len(found) - 1)
        assert len(found[-1]) > 0
        again = pages(api_on_both, sought, body, limit, repeated=True)
        assert [each for page in again for each in page] == whole


def test_a_limit_of_nothing_says_whether_there_is_anything(shared_api: Api) -> None:
    found = search(shared_api, Sought.RESOURCE, {**DANAS_DOCUMENTS, "page": {"limit": 0}})
    assert found["results"] == []
    assert found["page"]["next_token"]
    nobody = {**DANAS_DOCUMENTS, "subject": {"type": "account", "id": "exa"}, "page": {"limit": 0}}
    assert search(shared_api, Sought.RESOURCE, nobody) == {"page": {"next_token": ""}, "results": []}


def test_a_page_that_would_take_too_long_ends_early_and_goes_on(
    api_on_both: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However few candidates a page tries, nothing is lost: the answer says that there is more, even unasked."""
    whole = ids(search(api_on_both, Sought.RESOURCE, DANAS_DOCUMENTS))
    monkeypatch.setattr(searching, "TRIED_MAX", 1)
    first = search(api_on_both, Sought.RESOURCE, DANAS_DOCUMENTS)
    assert len(first["results"]) <= 1
    assert first["page"]["next_token"]
    found = [each for page in pages(api_on_both, Sought.RESOURCE, DANAS_DOCUMENTS, 3) for each in page]
    assert found == whole


def first_token(api: Api, **options: Any) -> str:
    found = search(api, Sought.RESOURCE, {**DANAS_DOCUMENTS, "page": {"limit": 1}}, **options)
    token: str = found["page"]["next_token"]
    return token


@pytest.mark.parametrize(
    "change",
    [
        {"subject": {"type": "account", "id": "sam"}},
        {"subject": {"type": "staff", "id": "dana"}},
        {"subject": {"type": "account", "id": "dana", "properties": {"a": 1}}},
        {"action": {"name": "download"}},
        {"resource": {"type": "invoice"}},
        {"resource": {"type": "document", "properties": {"client_id": "mia"}}},
        {"context": {"at": "2026-06-15T12:00:00Z"}},
        {"context": {"authn": {"amr": ["otp"]}}},
    ],
)
def test_a_token_fits_only_the_search_it_was_given_for(shared_api: Api, change: dict[str, Any]) -> None:
    page = {"token": first_token(shared_api)}
    reply = shared_api.call("POST", PATHS[Sought.RESOURCE], {**DANAS_DOCUMENTS, **change, "page": page})
    assert reply.status_code == 400
    assert reply.json().startswith("page.token")


def test_a_token_fits_the_same_search_however_it_is_written(shared_api: Api) -> None:
    """The order of keys, an id that does not count and fields that nobody knows make no difference."""
    body = dict(reversed(DANAS_DOCUMENTS.items()))
    body |= {
        "resource": {"id": "ignored", "type": "document"},
        "unknown": 1,
        "page": {"token": first_token(shared_api)},
    }
    assert len(search(shared_api, Sought.RESOURCE, body)["results"]) == 1


def test_a_token_fits_no_other_endpoint_limit_or_caller(shared_api: Api) -> None:
    token = first_token(shared_api)
    for sought in (Sought.SUBJECT, Sought.ACTION):
        body = {**question("dana", "view", "document", "doc_mia_school"), "page": {"token": token}}
        assert shared_api.call("POST", PATHS[sought], body).status_code == 400
    reply = shared_api.call("POST", PATHS[Sought.RESOURCE], {**DANAS_DOCUMENTS, "page": {"token": token, "limit": 2}})
    assert (reply.status_code, reply.json()) == (400, "page.limit must stay as it was on the first page")
    client = shared_api.service.clients.get("gateway")
    assert client is not None
    other = shared_api.service.issuer.issue(client, None, None).text
    body = {**DANAS_DOCUMENTS, "page": {"token": token}}
    assert shared_api.call("POST", PATHS[Sought.RESOURCE], body, token=other).status_code == 400


def test_a_token_that_was_touched_is_refused(shared_api: Api) -> None:
    """Every character counts, and none of the ids in it can be read."""
    token = first_token(shared_api)
    touched = [token[:i] + ("A" if token[i] != "A" else "B") + token[i + 1 :] for i in range(len(token))]
    for each in [*touched, token[:-1], token + "A", token * 2, token[:16]]:
        body = {**DANAS_DOCUMENTS, "page": {"token": each}}
        assert shared_api.call("POST", PATHS[Sought.RESOURCE], body).status_code == 400, each


def test_a_token_is_taken_back_after_a_restart(data_dir: Path, sqlite_url: str, standing_clock: StandingClock) -> None:
    settings = settings_of(data_dir, sqlite_url)
    with serving(settings, standing_clock) as api:
        token = first_token(api)
    with serving(settings, standing_clock) as api:
        assert search(api, Sought.RESOURCE, {**DANAS_DOCUMENTS, "page": {"token": token}})["results"]


# ---- the trail -------------------------------------------------------------------------------------------------------


def test_every_search_is_one_record_of_the_trail(api_on_both: Api) -> None:
    """What was asked, by whom, and how many results there were."""
    api = api_on_both
    for sought, body in SEARCHES.items():
        search(api, sought, body, headers={"X-Request-ID": f"search-{sought}"})
    shown = {}
    for sought in Sought:
        reply = api.call("GET", f"/v1/trail?request_id=search-{sought}").json()
        (shown[sought],) = reply["entries"]
    for sought, entry in shown.items():
        assert (entry["type"], entry["action"], entry["caller"]) == ("event", f"search.{sought}", "demo-backend")
    subject, resource, action = shown.values()
    assert (subject["subject"], subject["client_id"], subject["practice_id"]) == (None, "rosa", "northgate")
    assert subject["resource"] == {"type": "invoice", "id": "inv_rosa_1"}
    assert subject["details"] == {"results": 2, "complete": True, "action": "view", "subject_type": "account"}
    assert (resource["subject"], resource["account_id"]) == ("account/rosa", "rosa")
    assert resource["resource"] == {"type": "document", "id": None}
    assert resource["details"]["action"] == "view"
    assert (action["subject"], action["details"]) == ("account/rosa", {"results": 3, "complete": True})


def test_a_search_is_not_answered_without_a_trail(api: Api) -> None:
    api.portal.call(api.service.writer.stop)
    reply = api.call("POST", PATHS[Sought.RESOURCE], RESOURCE_SEARCH)
    assert reply.status_code == 503
    assert "results" not in reply.text
