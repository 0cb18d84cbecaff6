"""Plans and searches before a bundle that shadows: counted exactly, and answered as without it."""

from __future__ import annotations

import os
import random
from collections import Counter
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from authz_service.api import plans, search, shadowing
from authz_service.api.authzen import read_asked
from authz_service.api.planning import Planning
from authz_service.api.shadowing import compare_plans
from authz_service.deploying.shadow import Shadow
from authz_service.engine.bundle import bundle_of
from authz_service.engine.condition_difference import Difference
from authz_service.engine.policy import build_policy
from authz_service.facts.decision import Decider
from authz_service.facts.request import Request
from policy_tests.world.load import access, load_world
from tests.api.conftest import question
from tests.api.test_bundles import ours, staged
from tests.api.test_search import EVERYONE
from tests.conftest import FROZEN, on_sqlite_only
from tests.deploying.test_shadow import switch, told
from tests.facts.test_plan_equals_check import varied

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from authz_service.engine.conditions import Condition
    from authz_service.facts.snapshot import Snapshot
    from tests.api.conftest import Api

# Of each type one action, and the raw properties that its rules read, with every value that can make a difference.
# `...` stands for the one who asks.
ITEMS: dict[tuple[str, str], dict[str, list[Any]]] = {
    ("view", "invoice"): {
        "addressee_id": [None, ..., "rosa", "mia_own", "somebody"],
        "state": ["open", "paid", "void", "draft"],
        "balance_due_cents": [0, 5],
    },
    ("view", "document"): {
        "category": ["general", "billing", "legal", "sensitive", "minor_consented", "part2", "psychotherapy"],
        "state": ["draft", "released", "signed"],
        "copy_of": [None, ..., "somebody"],
        "signer_rule": ["nobody"],
        "signer_ids": [[]],
    },
    ("view", "payment"): {"payer_id": [None, ..., "rosa", "somebody"]},
    ("view", "service_plan"): {"state": ["released", "draft"]},
}
PEOPLE = ("account/rosa", "account/dana", "account/sam", "account/leo", "staff/jo", "staff/ken", "staff/bea")
Sorts = Counter[tuple[Any, ...]]


def edited() -> dict[str, str]:
    """Our bundle: drafts of invoices shown, co-parents without general papers, plans as drafts only, billers apart."""
    texts = ours()
    kept = yaml.safe_load(texts["invariants.yaml"])
    kept["invariants"] = [each for each in kept["invariants"] if not each["id"].startswith("draft_")]
    texts["invariants.yaml"] = yaml.safe_dump(kept, sort_keys=False)
    item = texts["limits/item.polar"]
    item = item.replace('draft(_action, invoice: Invoice) if invoice.invoice_state = "draft";\n', "")
    item = item.replace('plan.plan_state = "draft"', 'plan.plan_state = "released"')
    texts["limits/item.polar"] = item
    texts["limits/test.polar"] = (
        'forbid(rep: Representative, "view", document: Document, "test.no_papers") if'
        ' rep.kind = "co_parent" and document.category = "general";\n'
        # In service this is the same for the whole practice; here it hangs on the client.
        'forbid(staff: Staff, "view", _payment: Payment, "test.assigned_only") if'
        ' staff.role("biller") and staff.assigned = false;\n'
        # In service no search by a biller looks at any document.
        'permit(staff: Staff, "view", _document: Document, "test.biller_papers") if staff.role("biller");\n'
    )
    return texts


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our bundle and those that are staged here, compiled once."""
    folder = tmp_path_factory.mktemp("compiled")
    for texts in (ours(), ours("the same"), edited()):
        build_policy(bundle_of(texts), folder)
    return folder


@pytest.fixture(scope="session")
def deciders(bundles: Path) -> tuple[Decider, Decider]:
    """What serves, and what is staged."""
    return tuple(Decider(build_policy(bundle_of(texts), bundles)) for texts in (ours(), edited()))  # type: ignore[return-value]


@pytest.fixture(scope="session")
def rows() -> Snapshot:
    return access(load_world())


def decides(decider: Decider, rows: Snapshot, asked: tuple[str, ...], item: str, **sent: Any) -> bool:
    who, action, kind = asked
    subject_type, _, subject_id = who.partition("/")
    return decider.decide(rows, Request(subject_type, subject_id, action, kind, item, FROZEN, sent)).allowed


# ---- plans -----------------------------------------------------------------------------------------------------------

PLANS = [(who, *what, client) for who in PEOPLE for what in ITEMS for client in (None, "rosa", "mia", "dana", "leo")]
Asked = tuple[str, str, str, str | None]


def plan_body(who: str, action: str, kind: str, client: str | None) -> dict[str, Any]:
    sent = {} if client is None else {"client_id": client}
    body = question(who.removeprefix("account/"), action, kind, "any", **sent)
    del body["resource"]["id"]
    return body


def ask_plans(api: Api) -> list[dict[str, Any]]:
    return [api.call("POST", "/v1/plan", plan_body(*each)).json() for each in PLANS]


def items_of(rows: Snapshot, who: str, action: str, kind: str, client: str | None) -> Iterator[dict[str, Any]]:
    """Items of a type that a plan is about, made of every combination of values; with ids of what is withheld."""
    subject_type, _, name = who.partition("/")
    held = rows.clients_of(name) if subject_type == "account" else [each for each in rows.clients if each != "uma"]
    choices = {prop: [name if each is ... else each for each in raws] for prop, raws in ITEMS[action, kind].items()}
    for client_id in held if client is None else [client]:
        ids = ["fresh", *sorted({key[3] for key in rows.withheld if key[1:3] == (client_id, kind)})]
        for item, *values in product(ids, *choices.values()):
            yield {"item": item, "client_id": client_id, **dict(zip(choices, values, strict=True))}


def verdict(deciders: tuple[Decider, Decider], rows: Snapshot, asked: Asked) -> str:
    """What single answers about all these items say that the shadow must find."""
    was, would = (
        [decides(decider, rows, asked[:3], **item) for item in items_of(rows, *asked)] for decider in deciders
    )
    answers = set(zip(was, would, strict=True))
    return {(False, False): "same", (True, False): "more", (False, True): "less", (True, True): "other"}[
        (False, True) in answers, (True, False) in answers
    ]


def plan_sort(asked: Asked, answer: dict[str, Any], would: str) -> tuple[Any, ...]:
    return ("plan", asked[0].partition("/")[0], asked[1], asked[2], answer["kind"] != "always_denied", would)


def sorts(found: dict[str, Any]) -> Sorts:
    names = ("asked", "subject_type", "action", "resource_type", "serving", "would")
    return Counter({tuple(each[name] for name in names): each["count"] for each in found["differences"]})


def counts(found: dict[str, Any], asked: str) -> tuple[int, int, int, int]:
    (told_of,) = (each for each in found["asked"] if each["asked"] == asked)
    return told_of["compared"], told_of["differed"], told_of["failed"], told_of["not_compared"]


def test_a_plan_differs_exactly_when_a_single_answer_about_some_item_does(
    api_on_both: Api, deciders: tuple[Decider, Decider], rows: Snapshot
) -> None:
    """Everyone, alone and for each client: the same, more, less, other; and every answer is as without the shadow."""
    api = api_on_both
    before = ask_plans(api)
    digest = staged(api, edited())
    switch(api, digest, on=True)
    answers = ask_plans(api)
    assert answers == before
    verdicts = [verdict(deciders, rows, each) for each in PLANS]
    assert set(verdicts) == {"same", "more", "less", "other"}
    found = told(api, digest)
    differing = [each for each in verdicts if each != "same"]
    assert counts(found, "plan") == (len(PLANS), len(differing), 0, 0)
    expected = [plan_sort(*each) for each in zip(PLANS, answers, verdicts, strict=True) if each[2] != "same"]
    assert sorts(found) == Counter(expected)
    assert counts(found, "evaluation") == counts(found, "search") == (0, 0, 0, 0)
    people = {example["subject"] for each in found["differences"] for example in each["examples"]}
    assert people == {each[0] for each, would in zip(PLANS, verdicts, strict=True) if would != "same"}


class Rows:
    """A state of the cast as plans read it."""

    def __init__(self, state: Snapshot) -> None:
        self.rows = self
        self.state = state

    def __getattr__(self, name: str) -> Any:
        return getattr(self.state, name)

    def whole(self, _practice: str) -> Snapshot:
        """As if there were one practice only: the others' clients are out of reach in any case."""
        return self.state

    def clients(self, practice: str) -> list[str]:
        """Ids."""
        return [each.id for each in self.state.clients.values() if each.practice_id == practice]


def wrongly_told(deciders: tuple[Decider, Decider], rows: Snapshot, seed: int) -> tuple[list[Asked], set[str]]:
    """Plans on a random state of the cast of which something else is told than single answers say; and all that is."""
    chance = random.Random(seed)
    state = varied(rows, chance)
    reading: Any = Rows(state)
    wrong, told_of = [], set()
    for asked in chance.sample(PLANS, 60):
        sent = read_asked(plan_body(*asked), id_needed=False)
        for one, other in (deciders, deciders[::-1]):
            answered = Planning(one, EVERYONE, sent, FROZEN, reading)
            answered.plan()
            found = compare_plans(answered, other)
            told_of.add(found.value)
            if found != verdict((one, other), state, asked):
                wrong.append(asked)
    return wrong, told_of


@pytest.mark.parametrize("seed", range(4 + int(os.environ.get("KINGUARD_CASES", "0")) // 2000))
def test_the_same_holds_in_any_state_of_the_cast(deciders: tuple[Decider, Decider], rows: Snapshot, seed: int) -> None:
    """After random changes of switches, toggles, grants, withheld items and blocks; in both directions."""
    wrong, told_of = wrongly_told(deciders, rows, seed)
    assert wrong == []
    assert len(told_of) > 2


def test_a_comparison_that_cannot_tell_more_from_less_is_noticed(
    deciders: tuple[Decider, Decider], rows: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control of the test above."""

    def compare_texts(before: Condition, after: Condition) -> Difference:
        return Difference(more=before != after, less=before != after)

    monkeypatch.setattr(shadowing, "compare_conditions", compare_texts)
    assert wrongly_told(deciders, rows, 1)[0]


def test_plans_of_one_request_are_compared_each(api: Api) -> None:
    """Also the one that hangs on the client under one of the two policies only."""
    digest = staged(api, edited())
    switch(api, digest, on=True)
    wanted = [{"action": {"name": "view"}, "resource": {"type": kind}} for kind in ("invoice", "payment", "document")]
    body = {"subject": {"type": "staff", "id": "bea"}, "plans": wanted}
    assert api.call("POST", "/v1/plans", body).status_code == 200
    found = told(api, digest)
    assert counts(found, "plan") == (3, 2, 0, 0)
    assert set(sorts(found)) == {
        ("plan", "staff", "view", "payment", True, "less"),
        ("plan", "staff", "view", "document", False, "more"),
    }


def test_the_same_policy_in_other_words_lists_the_same(api_on_both: Api) -> None:
    """Another digest and no difference at all."""
    api = api_on_both
    digest = staged(api, ours("the same"))
    switch(api, digest, on=True)
    ask_plans(api)
    assert counts(told(api, digest), "plan") == (len(PLANS), 0, 0, 0)


def test_a_plan_over_too_many_clients_is_counted_as_not_compared(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither as alike nor as differing."""
    digest = staged(api, edited())
    switch(api, digest, on=True)
    monkeypatch.setattr(shadowing, "CLIENTS_MAX", 2)
    for who in ("staff/ken", "staff/bea"):
        api.call("POST", "/v1/plan", plan_body(who, "view", "payment", None))
    api.call("POST", "/v1/plan", plan_body("account/rosa", "view", "payment", None))
    found = told(api, digest)
    assert counts(found, "plan") == (1, 0, 0, 2)
    assert found["not_compared"] == 2


# ---- searches --------------------------------------------------------------------------------------------------------

SEARCHED = [
    *(("resource", who, action, kind, None) for who in PEOPLE for action, kind in ITEMS),
    *(
        ("subject", who, action, kind, item)
        for who in ("account/", "staff/")
        for action, kind, item in (
            ("view", "invoice", "inv_rosa_1"),
            ("view", "document", "doc_mia_school"),
            ("view", "service_plan", "plan_rosa"),
        )
    ),
    *(
        ("action", who, None, kind, item)
        for who in PEOPLE
        for kind, item in (("invoice", "inv_rosa_1"), ("document", "doc_mia_school"), ("service_plan", "plan_rosa"))
    ),
]
Sought = tuple[str, str, str | None, str, str | None]


def search_body(sought: str, who: str, action: str | None, kind: str, item: str | None) -> dict[str, Any]:
    body = question(who.removeprefix("account/"), action or "", kind, item or "")
    if sought == "subject":
        body["subject"] = {"type": who.removesuffix("/")}
    elif sought == "resource":
        body["resource"] = {"type": kind}
    else:
        del body["action"]
    return body


def ask_searches(api: Api, **page: Any) -> list[dict[str, Any]]:
    answers = []
    for each in SEARCHED:
        reply = api.call("POST", f"/access/v1/search/{each[0]}", {**search_body(*each), **page})
        assert reply.status_code == 200, reply.text
        answers.append(reply.json())
    return answers


def questions_of(deciders: tuple[Decider, Decider], rows: Snapshot, sought: Sought) -> Iterator[tuple[str, ...]]:
    """Every single question that the search stands for, whether or not it is tried."""
    what, who, action, kind, item = sought
    if what == "subject":
        people = rows.accounts if who == "account/" else rows.staff
        yield from ((f"{who}{name}", str(action), kind, str(item)) for name in people)
    elif what == "resource":
        yield from ((who, str(action), kind, name) for of, name in rows.items if of == kind)
    else:
        yield from ((who, name, kind, str(item)) for name in deciders[0].policy.resource_types[kind])


def expected_in_searches(deciders: tuple[Decider, Decider], rows: Snapshot) -> Sorts:
    found: Sorts = Counter()
    for sought in SEARCHED:
        for who, action, kind, item in questions_of(deciders, rows, sought):
            was, would = (decides(decider, rows, (who, action, kind), item) for decider in deciders)
            if was is not would:
                word = "allowed" if would else "denied"
                found["search", who.partition("/")[0], action, kind, was, word] += 1
    return found


def test_a_search_counts_every_candidate_that_the_two_would_answer_otherwise(
    api_on_both: Api, deciders: tuple[Decider, Decider], rows: Snapshot
) -> None:
    """Against every single question that the search stands for; answers are as without the shadow."""
    api = api_on_both
    before = ask_searches(api)
    digest = staged(api, edited())
    switch(api, digest, on=True)
    assert ask_searches(api) == before
    expected = expected_in_searches(deciders, rows)
    assert {each[-1] for each in expected} == {"allowed", "denied"}
    found = told(api, digest)
    assert sorts(found) == expected
    compared, differed, failed, not_compared = counts(found, "search")
    assert compared > differed == expected.total()
    assert failed == not_compared == 0


@on_sqlite_only
def test_page_by_page_every_candidate_is_compared_once(
    api_on_both: Api, deciders: tuple[Decider, Decider], rows: Snapshot
) -> None:
    """However short the pages are."""
    api = api_on_both
    digest = staged(api, edited())
    switch(api, digest, on=True)
    ask_searches(api)
    whole = told(api, digest)
    api.clock.advance(seconds=1)
    switch(api, digest, on=False)
    switch(api, digest, on=True)
    for each in SEARCHED:
        token = None
        while token != "":
            page = {"limit": 1, **({"token": token} if token else {})}
            reply = api.call("POST", f"/access/v1/search/{each[0]}", {**search_body(*each), "page": page})
            token = reply.json()["page"]["next_token"]
    found = told(api, digest)
    assert counts(found, "search") == counts(whole, "search")
    assert sorts(found) == sorts(whole) == expected_in_searches(deciders, rows)


def test_candidates_beyond_the_limit_are_counted_as_not_compared(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of them, and nothing is said about them."""
    digest = staged(api, edited())
    switch(api, digest, on=True)
    body = search_body("resource", "account/sam", "view", "document", None)
    api.call("POST", "/access/v1/search/resource", body)
    compared, differed, _, _ = counts(told(api, digest), "search")
    assert (compared > 2, differed > 0) == (True, True)
    monkeypatch.setattr(shadowing, "CANDIDATES_MAX", 2)
    api.call("POST", "/access/v1/search/resource", body)
    assert counts(told(api, digest), "search")[0::3] == (compared + 2, compared - 2)
    monkeypatch.setattr(shadowing, "COUNTED_MAX", 1)
    api.call("POST", "/access/v1/search/resource", body)
    assert counts(told(api, digest), "search")[0::3] == (compared + 4, compared - 1)


# ---- and nothing else changes ----------------------------------------------------------------------------------------


def fail(*_: object, **__: object) -> None:
    raise RecursionError("too deep")


def test_a_shadow_that_raises_changes_no_plan_and_no_search(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is answered as without it, and counted as failed."""
    plans_before, searches_before = ask_plans(api), ask_searches(api)
    digest = staged(api, edited())
    switch(api, digest, on=True)
    shadow = api.service.serving.evaluator.shadow
    assert shadow is not None
    monkeypatch.setattr(shadow.decider, "seats", fail)
    monkeypatch.setattr(shadow, "_decide", fail)
    assert ask_plans(api) == plans_before
    assert ask_searches(api) == searches_before
    found = told(api, digest)
    assert counts(found, "plan") == (len(PLANS), 0, len(PLANS), 0)
    compared, differed, failed, _ = counts(found, "search")
    assert compared == failed >= len(SEARCHED)
    assert differed == 0
    assert found["differences"] == []


def test_without_that_care_it_takes_plans_and_searches_along(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control of the test above."""
    switch(api, staged(api, edited()), on=True)
    for name in ("compare", "note"):
        monkeypatch.setattr(Shadow, name, fail)
    assert api.call("POST", "/v1/plan", plan_body(*PLANS[0])).status_code == 500
    assert api.call("POST", "/access/v1/search/resource", search_body(*SEARCHED[0])).status_code == 500


def test_without_the_shadow_of_plans_and_searches_nothing_is_counted(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control of all the tests above: what they count comes from there."""
    digest = staged(api, edited())
    switch(api, digest, on=True)
    monkeypatch.setattr(plans, "shadow_plan", lambda *_: None)
    monkeypatch.setattr(search, "shadow_search", lambda *_: None)
    ask_plans(api)
    ask_searches(api)
    assert told(api, digest)["compared"] == 0
