"""Decisions in process: the same requests through every engine, every answer equal; and from rows to decision."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from authz_service.engine import load_policy
from authz_service.facts.decision import Decider
from authz_service.facts.request import Request
from benchmarks.peers import casbin_matcher, cedar, oso_objects
from benchmarks.peers.bundle_oso import BundleOso
from benchmarks.peers.handwritten import allowed
from benchmarks.timing import Contender, race
from benchmarks.workload import SEED, requests
from policy_tests.situations import Situations, slots
from policy_tests.world.load import access, load_world

if TYPE_CHECKING:
    from collections.abc import Callable

    from authz_service.engine import Policy

ROOT = Path(__file__).parents[1]
BENCH, OURS = ROOT / "benchmarks" / "bundle", ROOT / "policies"
OUR_SITUATIONS = 5_000
SLOW = 1_000


def compare(contenders: list[Contender]) -> tuple[list[dict[str, Any]], float]:
    """Check that all give the same answers, time them, and give a row each and the share that is allowed."""
    expected = contenders[0].answers()
    for contender in contenders[1:]:
        wrong = sum(a is not b for a, b in zip(expected, contender.answers(), strict=True))
        assert wrong == 0, (
            f"{contender.name} gives {wrong} of {len(expected)} answers otherwise than {contenders[0].name}"
        )
    race(contenders)
    first = contenders[0].median_us
    rows = [
        {
            "engine": contender.name,
            "median_us": contender.median_us,
            "p99_us": contender.p99_us,
            "ratio": contender.median_us / first,
            "checked": len(expected),
        }
        for contender in contenders
    ]
    return rows, sum(expected) / len(expected)


def bench_bundle() -> dict[str, Any]:
    """The bench bundle against the peers and a function written by hand."""
    policy, asked = load_policy(BENCH), requests()
    find = policy.question
    decides: dict[str, dict[str, Callable[..., bool]]] = {
        name: {action: find("account", action, name).decide for action in actions}  # type: ignore[union-attr]
        for name, actions in policy.resource_types.items()
    }

    def ask(action: str, resource_type: str, s: tuple[Any, ...], r: tuple[Any, ...]) -> bool:
        return decides[resource_type][action](s, r)

    situations = [(each.action, each.resource_type, each.subject, each.resource) for each in asked]
    oso_own = BundleOso(BENCH, policy, classes(BENCH))
    own = oso_own.allowed
    peers = [
        ("oso, rules by hand", oso_objects),
        ("casbin, one matcher", casbin_matcher),
        ("cedarpy, policy set kept", cedar),
    ]
    contenders = [
        Contender("diagram, question in hand", [(decides[t][a], (s, r)) for a, t, s, r in situations], len(asked)),
        Contender("diagram, question looked up", [(ask, each) for each in situations], len(asked)),
        Contender("Python by hand", [(allowed, each) for each in situations], len(asked)),
        Contender(
            "oso, the bundle's own rules",
            [(own, oso_own.prepare(find("account", a, t), s, r)) for a, t, s, r in situations],  # type: ignore[arg-type]
            SLOW,
        ),
    ]
    for name, peer in peers:
        call = peer.load()
        contenders.append(Contender(name, [(call, peer.prepare(each)) for each in asked], SLOW))
    rows, share = compare(contenders)
    return {"requests": len(asked), "allowed": share, "rows": rows}


def our_bundle() -> dict[str, Any]:
    """Our own bundle: its diagrams against plain oso on random complete situations of families and staff."""
    policy = load_policy(OURS)
    complete = (
        case
        for case in Situations(policy, random.Random(SEED))
        if (question := policy.question(case.subject_type, case.action, case.resource_type))
        and len(case.subject) == len(question.subject_slots)
        and len(case.resource) == len(question.resource_slots)
    )
    situations = []
    for case in itertools.islice(complete, OUR_SITUATIONS):
        question = policy.question(case.subject_type, case.action, case.resource_type)
        assert question is not None
        situations.append((question, *slots(question, case)))
    plain = BundleOso(OURS, policy, classes(OURS))
    ask = plain.allowed
    rows, share = compare(
        [
            Contender("diagram", [(question.decide, (s, r)) for question, s, r in situations], len(situations)),
            Contender("oso", [(ask, plain.prepare(question, s, r)) for question, s, r in situations], SLOW),
        ]
    )
    return {"situations": len(situations), "allowed": share, "rows": rows}


def classes(folder: Path) -> dict[str, str]:
    """Wire type -> Polar class, as facts.yaml states them."""
    facts = yaml.safe_load((folder / "facts.yaml").read_text())
    return {name: declared["class"] for name, declared in (facts["subjects"] | facts["resources"]).items()}


def from_rows(policy: Policy) -> dict[str, Any]:
    """From cached rows to the decision: everyone of the cast on every item, in random order."""
    world, now = load_world(), datetime(2026, 6, 15, 19, tzinfo=UTC)
    data, decider = access(world), Decider(policy)
    asked = [
        Request("account", account, action, resource_type, item_id, now, dict(properties))
        for (resource_type, item_id), properties in data.items.items()
        for account in data.accounts
        if data.relation(account, properties["client_id"]).grants  # type: ignore[union-attr]
        for action in policy.resource_types[resource_type]
    ]
    random.Random(SEED).shuffle(asked)
    contender = Contender("rows to decision", [(decider.decide, (data, each)) for each in asked], 20_000)
    race([contender])
    share = sum(answer.allowed for answer in contender.answers()) / len(asked)
    return {"median_us": contender.median_us, "p99_us": contender.p99_us, "questions": len(asked), "allowed": share}
