"""A bundle that shadows: exact counts, and no effect on any answer."""

from __future__ import annotations

import threading
import time
from collections import Counter
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest

from authz_service.deploying import shadow as shadows
from authz_service.deploying.shadow import Shadow
from authz_service.engine.bundle import bundle_of
from authz_service.engine.policy import build_policy
from authz_service.facts.decision import Decider
from authz_service.facts.request import Request
from authz_service.storage import Database
from policy_tests.world.load import access, load_world
from tests.api.conftest import question, serving, settings_of
from tests.api.test_bundles import REVIEWER, VERSIONS, deploy, ours, staged, strict
from tests.api.test_forward_auth import TABLE, ask
from tests.conftest import FROZEN, on_sqlite_only

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.api.conftest import Api
    from tests.conftest import StandingClock

QUESTIONS = [
    (who, action, kind, item)
    for who in ("rosa", "dana", "leo", "tom", "sam")
    for action, kind, item in (
        ("view", "service_plan", "plan_rosa"),
        ("view", "service_plan", "plan_leo"),
        ("view", "service_plan", "plan_dana"),
        ("print", "service_plan", "plan_rosa"),
        ("view", "invoice", "inv_rosa_1"),
        ("view", "document", "doc_mia_school"),
    )
]


def switch(api: Api, digest: str, *, on: bool) -> dict[str, Any]:
    reply = api.call("PUT", f"{VERSIONS}/{digest}/shadow", {"on": on}, actor=REVIEWER)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


def told(api: Api, digest: str) -> dict[str, Any]:
    found: dict[str, Any] = api.call("GET", f"{VERSIONS}/{digest}/shadow", actor=REVIEWER).json()
    return found


def ask_all(api: Api) -> dict[tuple[str, ...], bool]:
    return {each: api.allows(*each) for each in QUESTIONS}


def by_brute_force(texts: dict[str, str], store: Path) -> dict[tuple[str, ...], bool]:
    decider, rows = Decider(build_policy(bundle_of(texts), store)), access(load_world())
    return {
        (who, action, kind, item): decider.decide(rows, Request("account", who, action, kind, item, FROZEN)).allowed
        for who, action, kind, item in QUESTIONS
    }


def test_the_counts_are_exactly_the_differences(api_on_both: Api, bundles: Path) -> None:
    """Against both policies asked without the service; no answer changes; batches and explanations count too."""
    api = api_on_both
    was, would = by_brute_force(ours(), bundles), by_brute_force(strict(), bundles)
    digest = staged(api, strict())
    assert switch(api, digest, on=True)["compared"] == 0
    assert ask_all(api) == was
    batch = {"evaluations": [question(*each) for each in QUESTIONS]}
    answers = api.call("POST", "/access/v1/evaluations", batch).json()["evaluations"]
    assert [each["decision"] for each in answers] == list(was.values())
    api.call("POST", "/v1/explain", question(*QUESTIONS[0]))
    asked = QUESTIONS * 2 + QUESTIONS[:1]
    differing = [each for each in asked if was[each] is not would[each]]
    assert differing
    found = told(api, digest)
    assert (found["on"], found["compared"], found["differed"], found["failed"]) == (
        True,
        len(asked),
        len(differing),
        0,
    )
    expected = Counter((each[1], each[2], was[each], "allowed" if would[each] else "denied") for each in differing)
    assert {
        (each["action"], each["resource_type"], each["serving"], each["would"]): each["count"]
        for each in found["differences"]
    } == expected
    assert {each["asked"] for each in found["differences"]} == {"evaluation"}
    for each in found["differences"]:
        people = {example["subject"] for example in each["examples"]}
        sort = (each["action"], each["resource_type"])
        assert people == {f"account/{one[0]}" for one in differing if one[1:3] == sort}
        assert all(set(one) == {"request_id", "subject", "resource_id", "at"} for one in each["examples"])


@on_sqlite_only
def test_what_nobody_asked_live_is_not_compared(api_on_both: Api) -> None:
    """Questions, plans and searches at another time, changes, and whatever the caller's token does not cover."""
    api = api_on_both
    digest = staged(api, strict())
    switch(api, digest, on=True)
    asked = question("rosa", "view", "service_plan", "plan_rosa")
    at, elsewhere = {"context": {"at": "2026-06-01T00:00:00Z"}}, api.token(practices=("harborview",))
    listed = {**asked, "resource": {"type": "service_plan", "properties": {"client_id": "rosa"}}}
    for path, body in (
        ("/access/v1/evaluation", asked),
        ("/v1/plan", listed),
        ("/access/v1/search/resource", listed),
    ):
        assert api.call("POST", path, {**body, **at}).status_code == 200
        assert api.call("POST", path, body, token=elsewhere).status_code == 200
    assert told(api, digest)["compared"] == 0
    api.evaluate(asked)
    assert told(api, digest)["compared"] == 1


def test_what_a_proxy_asks_is_compared_like_any_question(
    data_dir: Path, sqlite_url: str, standing_clock: StandingClock
) -> None:
    """Forward authentication puts single questions."""
    with serving(settings_of(data_dir, sqlite_url, forward_routes=TABLE), standing_clock) as api:
        digest = staged(api, strict())
        switch(api, digest, on=True)
        assert ask(api, "account/rosa", "GET", "/service-plans/plan_rosa").status_code == 200
        found = told(api, digest)
    assert (found["compared"], found["differed"]) == (1, 1)
    assert [(each["asked"], each["would"]) for each in found["differences"]] == [("evaluation", "denied")]


def test_a_shadow_that_raises_changes_no_answer(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each question is answered as without it, and counted as failed."""
    was = ask_all(api)
    digest = staged(api, strict())
    switch(api, digest, on=True)

    def fail(*_: object) -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr(api.service.serving.evaluator.shadow, "_decide", fail)
    assert ask_all(api) == was
    found = told(api, digest)
    assert (found["compared"], found["failed"], found["differed"]) == (len(QUESTIONS), len(QUESTIONS), 0)
    assert found["differences"] == []


def test_without_that_care_a_shadow_that_raises_takes_the_answer_along(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control of the test above."""
    switch(api, staged(api, strict()), on=True)

    def fail(*_: object, **__: object) -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr(Shadow, "compare", fail)
    assert api.evaluate(question(*QUESTIONS[0])).status_code == 500


def test_only_a_staged_bundle_shadows_and_only_one(api: Api) -> None:
    """Another one takes its place; deployed or withdrawn it rests; switched on anew it counts from nought."""
    first, second = staged(api, strict()), staged(api, ours("one"))
    switch(api, first, on=True)
    api.allows("rosa", "view", "service_plan", "plan_rosa")
    assert told(api, first)["differed"] == 1
    switch(api, second, on=True)
    assert (told(api, first)["on"], told(api, second)["on"]) == (False, True)
    api.allows("rosa", "view", "service_plan", "plan_rosa")
    assert (told(api, first)["compared"], told(api, second)["compared"]) == (1, 1)
    api.clock.advance(seconds=1)
    switch(api, first, on=True)
    assert told(api, first)["compared"] == 0
    assert deploy(api, second).status_code == 200
    api.allows("rosa", "view", "service_plan", "plan_rosa")
    assert (told(api, first)["on"], told(api, first)["compared"]) == (True, 1)
    assert deploy(api, first).status_code == 200
    assert api.service.serving.evaluator.shadow is None
    assert told(api, first)["on"] is False
    third = staged(api, ours("two"))
    switch(api, third, on=True)
    api.call("DELETE", f"{VERSIONS}/{third}", actor=REVIEWER)
    assert api.service.serving.evaluator.shadow is None


def test_the_last_twenty_examples_are_kept(api: Api) -> None:
    """In the order of their time, over several flushes."""
    digest = staged(api, strict())
    switch(api, digest, on=True)
    for number in range(50):
        api.clock.advance(seconds=1)
        mark = {"X-Request-ID": f"r{number}"}
        assert api.evaluate(question("rosa", "view", "service_plan", "plan_rosa"), headers=mark).json()["decision"]
        if number % 15 == 0:
            assert told(api, digest)["differed"] == number + 1
    (difference,) = told(api, digest)["differences"]
    assert difference["count"] == 50
    assert [each["request_id"] for each in difference["examples"]] == [f"r{number}" for number in range(30, 50)]


@pytest.mark.parametrize("seeded_url", ["postgresql"], indirect=True)
def test_all_processes_shadow_and_their_counts_add_up(
    api_on_both: Api, data_dir: Path, seeded_url: str, standing_clock: StandingClock
) -> None:
    """The second one hears of it from the database, within a beat or two, and stops when it is switched off."""
    first = api_on_both
    with serving(settings_of(data_dir, seeded_url), standing_clock) as second:
        digest = staged(first, strict())
        switch(first, digest, on=True)
        wait_until(lambda: second.service.serving.evaluator.shadow is not None)
        for api in (first, second):
            assert api.allows("rosa", "view", "service_plan", "plan_rosa")
        wait_until(lambda: told(first, digest)["differed"] == 2)
        switch(first, digest, on=False)
        wait_until(lambda: second.service.serving.evaluator.shadow is None)


def read_while_another_adds(shadow: Shadow, database: Database, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What happens in which order, when one thread adds its counts and another asks for all of them."""
    happened: list[str] = []
    adding, go_on = threading.Event(), threading.Event()

    def add(*_: object) -> None:
        adding.set()
        go_on.wait(10)
        happened.append("added")

    def read() -> None:
        shadow.flush(database)
        happened.append("read")

    monkeypatch.setattr(shadows, "_add_counts", add)
    first = threading.Thread(target=shadow.flush, args=(database,))
    second = threading.Thread(target=read)
    first.start()
    assert adding.wait(10)
    second.start()
    second.join(0.2)
    go_on.set()
    first.join()
    second.join()
    return happened


def counted_once(bundles: Path) -> Shadow:
    shadow = Shadow(Decider(build_policy(bundle_of(ours()), bundles)), FROZEN)
    request = Request("account", "rosa", "view", "service_plan", "plan_rosa", FROZEN)
    shadow.compare(access(load_world()), request, "r1", was=True)
    return shadow


def test_whoever_asks_for_the_counts_waits_for_those_being_added(
    bundles: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The beat may be adding them at that very moment."""
    database = Database(sqlite_url)
    assert read_while_another_adds(counted_once(bundles), database, monkeypatch) == ["added", "read"]
    database.dispose()


def test_without_waiting_the_counts_would_be_read_before(
    bundles: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control of the test above."""
    shadow = counted_once(bundles)
    monkeypatch.setattr(shadow, "_flushing", nullcontext())
    database = Database(sqlite_url)
    assert read_while_another_adds(shadow, database, monkeypatch) == ["read", "added"]
    database.dispose()


def test_a_restart_goes_on_shadowing(api: Api) -> None:
    """What was counted before it is kept."""
    digest = staged(api, strict())
    switch(api, digest, on=True)
    api.allows("rosa", "view", "service_plan", "plan_rosa")
    with serving(api.settings, api.clock) as again:
        wait_until(lambda: again.service.serving.evaluator.shadow is not None)
        again.allows("rosa", "view", "service_plan", "plan_rosa")
        told(api, digest)
        assert told(again, digest)["differed"] == 2


def wait_until(holds: Callable[[], bool]) -> None:
    for _ in range(200):
        if holds():
            return
        time.sleep(0.05)
    pytest.fail("nothing happened within 10 seconds")
