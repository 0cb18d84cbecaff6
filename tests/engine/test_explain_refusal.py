"""What a family is told: reasons that stand before any item is looked at, and never a word of items or blocks."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from authz_service.engine import load_policy
from authz_service.engine.explain import explain, family_view
from authz_service.engine.facts import Level
from authz_service.engine.refusal import NOT_FOUND, TELLABLE, Reason, refusal_of

if TYPE_CHECKING:
    from authz_service.engine import Policy, Question

POLICIES = Path(__file__).parents[2] / "policies"
USUAL = {"subject.client.age": "child", "subject.proof": "on_file"}


@pytest.fixture(scope="module")
def policy() -> Policy:
    return load_policy(POLICIES)


def subject(question: Question, **facts: Any) -> tuple[Any, ...]:
    """An account with everything switched on; keyword `toggle__invoices` is the fact subject.toggle.invoices."""
    given = {f"subject.{name.replace('__', '.')}": value for name, value in facts.items()}
    assert given.keys() <= {fact.name for fact in question.subject_slots}
    usual = {fact.name: True for fact in question.subject_slots if fact.base == "subject.toggle"} | USUAL
    return tuple((usual | given).get(fact.name, fact.values[0]) for fact in question.subject_slots)


def resource(question: Question, **facts: Any) -> tuple[Any, ...]:
    return tuple(facts.get(fact.key, fact.values[0]) for fact in question.resource_slots)


def test_only_declared_facts_of_the_subject_may_be_told(policy: Policy) -> None:
    """Each tellable fact exists and describes the subject; no item's fact and no block is among them."""
    bases = {fact.base: fact for fact in policy.facts.values()}
    assert set(TELLABLE) <= set(bases)
    assert all(name.startswith("subject.") for name in TELLABLE)
    assert all(bases[name].controlled_by is not Level.ITEM for name in TELLABLE)
    assert "subject.blocked" in bases
    assert "subject.blocked" not in TELLABLE


TOLD: list[tuple[str, str, dict[str, Any], Reason, list[str]]] = [
    ("view", "service_plan", {"kind": "emergency_contact"}, Reason.KIND, ["subject.kind"]),
    (
        "view",
        "service_plan",
        {"kind": "guardian"},
        Reason.PLAN_AUDIENCE,
        ["subject.kind", "subject.practice.plan_audience"],
    ),
    ("view", "document", {"kind": "payer"}, Reason.KIND, ["subject.kind"]),
    ("view", "document", {"kind": "payer", "practice__switch__documents": False}, Reason.KIND, ["subject.kind"]),
    ("view", "invoice", {"kind": "co_parent", "toggle__invoices": False}, Reason.TOGGLE, ["subject.toggle.invoices"]),
    (
        "view",
        "invoice",
        {"kind": "guardian", "toggle__invoices": False, "practice__switch__invoices": False},
        Reason.PRACTICE_SWITCH,
        ["subject.practice.switch.invoices"],
    ),
    (
        "view",
        "invoice",
        {"kind": "self", "client__switch__invoices": False},
        Reason.CLIENT_SWITCH,
        ["subject.client.switch.invoices"],
    ),
    ("view", "calendar", {"kind": "guardian", "status": "pending"}, Reason.STATUS, ["subject.status"]),
    ("view", "calendar", {"kind": "guardian", "window": "past"}, Reason.WINDOW, ["subject.window"]),
    ("view", "calendar", {"kind": "guardian", "status": "ended", "window": "past"}, Reason.STATUS, ["subject.status"]),
    (
        "view",
        "calendar",
        {"kind": "guardian", "practice__contacts": False},
        Reason.CONTACTS,
        ["subject.kind", "subject.practice.contacts"],
    ),
    ("view", "calendar", {"kind": "self", "account__state": "locked"}, Reason.LOCKED, ["subject.account.state"]),
    (
        "view",
        "calendar",
        {"kind": "self", "account__password": "change_due"},
        Reason.AUTHN,
        ["subject.account.password"],
    ),
    (
        "view",
        "calendar",
        {"kind": "self", "practice__second_factor": True},
        Reason.AUTHN,
        ["subject.second_factor", "subject.practice.second_factor"],
    ),
    (
        "view",
        "document",
        {"kind": "guardian", "client__age": "teen", "client__assent": "withheld"},
        Reason.ASSENT,
        ["subject.kind", "subject.client.age", "subject.client.assent"],
    ),
    (
        "view",
        "calendar",
        {"kind": "guardian", "client__age": "adult", "proof": "none"},
        Reason.PROOF,
        ["subject.kind", "subject.proof", "subject.client.age"],
    ),
    (
        "pay",
        "invoice",
        {"kind": "self", "practice__card_processing": False},
        Reason.CARD_PROCESSING,
        ["subject.practice.card_processing"],
    ),
    ("sign", "document", {"kind": "self", "client__active": False}, Reason.INACTIVE, ["subject.client.active"]),
    ("view", "clinical_note", {"kind": "self"}, Reason.PLATFORM, []),
]


@pytest.mark.parametrize(("action", "resource_type", "facts", "reason", "told"), TOLD)
def test_a_family_is_told_the_reason(
    policy: Policy, *, action: str, resource_type: str, facts: dict[str, Any], reason: Reason, told: list[str]
) -> None:
    """Each reason before any item is looked at has its name and the facts that force it."""
    question = policy.question("account", action, resource_type)
    assert question is not None
    refusal = refusal_of(question, subject(question, **facts))
    assert refusal is not None
    assert (refusal.reason, [fact.name for fact in refusal.facts]) == (reason, told)


UNTOLD = [
    ("view", "document", {}, {"withheld": True}),
    ("view", "document", {}, {"document_state": "draft"}),
    ("view", "document", {}, {"category": "minor_consented"}),
    ("view", "invoice", {}, {"addressee": "other"}),
    ("view", "calendar", {"blocked": True}, {}),
    ("open", "portal", {"blocked": True}, {}),
    ("send", "thread", {}, {"participant": True, "provider_subscribed": False}),
]


@pytest.mark.parametrize(("action", "resource_type", "facts", "item"), UNTOLD)
def test_a_family_is_not_told_of_items_and_blocks(
    policy: Policy, action: str, resource_type: str, facts: dict[str, Any], item: dict[str, Any]
) -> None:
    """Where the item or a block decides, a family sees what it sees of an item that is not there."""
    question = policy.question("account", action, resource_type)
    assert question is not None
    s, r = subject(question, kind="guardian", **facts), resource(question, **item)
    explanation = explain(question, s, r)
    assert explanation.rules or explanation.facts
    assert not explanation.decision
    assert family_view(explanation) == NOT_FOUND


def test_an_allowed_question_has_no_refusal(policy: Policy) -> None:
    """There is nothing to tell of what is allowed."""
    question = policy.question("account", "view", "calendar")
    assert question is not None
    explanation = explain(question, subject(question, kind="self"), resource(question))
    with pytest.raises(ValueError, match="was allowed"):
        family_view(explanation)


def random_situations(policy: Policy, count: int) -> list[tuple[Question, tuple[Any, ...], tuple[Any, ...]]]:
    rng = random.Random(7)
    questions = [
        question
        for name, actions in policy.resource_types.items()
        for action in actions
        if (question := policy.question("account", action, name)) is not None and question.diagram is not False
    ]
    found = []
    for _ in range(count):
        question = rng.choice(questions)
        usual = subject(question, kind=rng.choice(policy.facts["subject.kind"].values))
        slots = zip(question.subject_slots, usual, strict=True)
        s = tuple(rng.choice(fact.values) if rng.random() < 0.06 else value for fact, value in slots)
        r = tuple(rng.choice(fact.values) for fact in question.resource_slots)
        if not question.impossible(s, r):
            found.append((question, s, r))
    return found


def test_a_refusal_reads_the_same_whatever_the_item_and_whatever_the_block(policy: Policy) -> None:
    """With another item or with the block lifted or put up, what is told does not change, and it forces the denial."""
    reasons = set()
    for question, s, r in random_situations(policy, 1500):
        refusal = refusal_of(question, s)
        blocked = next(i for i, fact in enumerate(question.subject_slots) if fact.name == "subject.blocked")
        assert refusal_of(question, (*s[:blocked], not s[blocked], *s[blocked + 1 :])) == refusal
        if refusal is None:
            if not question.decide(s, r):
                assert family_view(explain(question, s, r)) == NOT_FOUND
            continue
        reasons.add(refusal.reason)
        assert not question.decide(s, r)
        assert family_view(explain(question, s, r)) == refusal
        told = {fact.name: fact.value for fact in refusal.facts}
        for fact, value in zip(question.subject_slots, s, strict=True):
            if fact.name in told:
                assert told[fact.name] == value
                assert fact.base in TELLABLE
    assert len(reasons) >= 10


def test_telling_from_all_facts_would_give_blocks_away(policy: Policy) -> None:
    """Control: the whole explanation of a blocked person names the block, which is why families get another one."""
    question = policy.question("account", "view", "calendar")
    assert question is not None
    explanation = explain(question, subject(question, kind="guardian", blocked=True), resource(question))
    assert "subject.blocked" in [fact.name for fact in explanation.facts]
