"""Claims about the watch over the engine: live questions asked again of Polar, in another process."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from authz_service.facts.request import Request
from authz_service.sampling import Sampler
from policy_tests.world.load import access, load_world

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from authz_service.engine import Policy
    from authz_service.facts.decision import Decider, Decision

POLICIES = Path(__file__).parents[2] / "policies"
WORLD = load_world()


@pytest.fixture
def sampler(policy: Policy, bundle_store: Path) -> Iterator[Sampler]:
    sampler = Sampler(POLICIES, bundle_store, policy.digest, every=1)
    sampler.start()
    yield sampler
    sampler.stop()


def decided(decider: Decider, who: str, action: str, resource_type: str, resource_id: str) -> Decision:
    return decider.decide(access(WORLD), Request("account", who, action, resource_type, resource_id, WORLD.now))


def wait_until(holds: Callable[[], bool]) -> None:
    for _ in range(2400):  # The other process gets the time that is left over, and there is little in a busy test run.
        if holds():
            return
        time.sleep(0.05)
    pytest.fail("nothing happened within two minutes")


@pytest.mark.parametrize(
    "question", [("rosa", "view", "service_plan", "plan_rosa"), ("tom", "view", "service_plan", "plan_rosa")]
)
def test_polar_agrees_with_what_was_answered(sampler: Sampler, decider: Decider, question: tuple[str, ...]) -> None:
    """An allowed and a refused question, with the facts that were not read left out, are answered alike by Polar."""
    decision = decided(decider, *question)
    sampler.note(decision.situations, decider.policy.digest, allowed=decision.allowed)
    wait_until(lambda: sampler.agreed == 1)
    assert (sampler.differed, sampler.passed_over) == (0, 0)


def test_a_wrong_answer_raises_the_alarm(sampler: Sampler, decider: Decider) -> None:
    """Control: an answer that the policy does not give is counted as a difference."""
    decision = decided(decider, "tom", "view", "service_plan", "plan_rosa")
    sampler.note(decision.situations, decider.policy.digest, allowed=not decision.allowed)
    wait_until(lambda: sampler.differed == 1)
    assert sampler.agreed == 0


def test_a_reference_process_that_dies_is_begun_again(sampler: Sampler, decider: Decider) -> None:
    """The sample that met the death is passed over, the next one is answered, and no process is left behind."""
    decision = decided(decider, "rosa", "view", "invoice", "inv_rosa_1")
    sampler.note(decision.situations, decider.policy.digest, allowed=decision.allowed)
    wait_until(lambda: sampler.agreed == 1)
    (child,) = (each for each in psutil.Process().children() if "authz_service.sampling" in each.cmdline())
    child.kill()
    sampler.note(decision.situations, decider.policy.digest, allowed=decision.allowed)
    wait_until(lambda: sampler.passed_over == 1)
    sampler.note(decision.situations, decider.policy.digest, allowed=decision.allowed)
    wait_until(lambda: sampler.agreed == 2)
    sampler.stop()
    assert not any("authz_service.sampling" in each.cmdline() for each in psutil.Process().children())


def test_files_that_no_longer_serve_are_not_asked(decider: Decider, bundle_store: Path) -> None:
    """A policy folder that changed under the running service gives no false alarm."""
    decision = decided(decider, "rosa", "view", "invoice", "inv_rosa_1")
    sampler = Sampler(POLICIES, bundle_store, "0" * 64, every=1)
    sampler.start()
    sampler.note(decision.situations, "0" * 64, allowed=decision.allowed)
    wait_until(lambda: sampler.passed_over == 1)
    sampler.stop()
    assert sampler.differed == 0


def test_a_sample_of_a_policy_that_serves_no_longer_is_passed_over(
    sampler: Sampler, policy: Policy, decider: Decider
) -> None:
    """After a swap the older policy's samples are counted out, and the next ones are put to the one that answered."""
    decision = decided(decider, "rosa", "view", "service_plan", "plan_rosa")
    sampler.turn_to(POLICIES, "f" * 64)
    sampler.note(decision.situations, policy.digest, allowed=not decision.allowed)
    wait_until(lambda: sampler.passed_over == 1)
    sampler.turn_to(POLICIES, policy.digest)
    sampler.note(decision.situations, policy.digest, allowed=decision.allowed)
    wait_until(lambda: sampler.agreed == 1)
    assert sampler.differed == 0


def test_one_in_a_thousand_is_taken(policy: Policy, decider: Decider, bundle_store: Path) -> None:
    """999 questions are let pass, the thousandth is asked again."""
    decision = decided(decider, "rosa", "view", "invoice", "inv_rosa_1")
    sampler = Sampler(POLICIES, bundle_store, policy.digest)
    sampler.start()
    for _ in range(2000):
        sampler.note(decision.situations, decider.policy.digest, allowed=decision.allowed)
    wait_until(lambda: sampler.agreed == 2)
    sampler.stop()
    assert sampler.passed_over == 0
