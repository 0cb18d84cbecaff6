"""One request keeps to one policy, also when another comes into service in the middle of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from authz_service.api import evaluations, planning
from authz_service.api.serving import Serving
from tests.api.test_bundles import OWN_PLAN, staged, strict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from authz_service.api.evaluation import Evaluator
    from tests.api.conftest import Api

ASKED = {
    "single": ("/access/v1/evaluation", OWN_PLAN),
    "batch": ("/access/v1/evaluations", {"evaluations": [OWN_PLAN] * 3}),
    "explain": ("/v1/explain", OWN_PLAN),
    "plan": ("/v1/plan", {**OWN_PLAN, "resource": {"type": "service_plan"}}),
}


@pytest.fixture
def swaps(api: Api, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """While the next question is being decided, another policy comes into service; its digest."""
    digest = staged(api, strict())
    service = api.service
    decider = service.watch.prepare(digest)
    evaluator = type(service.serving.evaluator)
    evaluate: Callable[..., Any] = evaluator.evaluate
    planned: Callable[..., Any] = planning.Planning.plan

    def swap() -> None:
        service.put_in_service(Serving(2, decider, service.sampler))

    def evaluate_then(self: Evaluator, *arguments: Any) -> Any:
        swap()
        return evaluate(self, *arguments)

    def plan_then(self: Any) -> Any:
        swap()
        return planned(self)

    with monkeypatch.context() as patch:
        patch.setattr(evaluator, "evaluate", evaluate_then)
        patch.setattr(planning.Planning, "plan", plan_then)
        yield digest


def recorded(api: Api, mark: str) -> set[tuple[str, bool]]:
    entries = api.call("GET", f"/v1/trail?kind=decision&request_id={mark}").json()["entries"]
    return {(entry["bundle"], entry["decision"]) for entry in entries}


@pytest.mark.parametrize("name", ASKED)
def test_answer_and_record_are_of_the_policy_that_served_when_the_request_began(
    api: Api, swaps: str, name: str
) -> None:
    """The next request is answered, and recorded, by the new one."""
    first = api.service.serving.digest
    path, body = ASKED[name]
    during = api.call("POST", path, body, headers={"X-Request-ID": "during"})
    assert during.status_code == 200, during.text
    assert api.service.serving.digest == swaps
    api.call("POST", path, body, headers={"X-Request-ID": "after"})
    assert recorded(api, "during") == {(first, True)}
    assert recorded(api, "after") == {(swaps, False)}


def test_without_a_pinned_policy_the_record_names_the_wrong_one(
    api: Api, swaps: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control of the test above: the digest is taken from what serves when the record is written."""
    record = evaluations.decision_record

    def unpinned(exchange: Any, *arguments: Any) -> bytes:
        exchange._serving = api.service.serving
        return record(exchange, *arguments)

    monkeypatch.setattr(evaluations, "decision_record", unpinned)
    api.call("POST", *ASKED["single"], headers={"X-Request-ID": "during"})
    assert recorded(api, "during") == {(swaps, True)}
