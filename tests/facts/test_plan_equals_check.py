"""The list is the filter of the check: a plan's condition is met by exactly the items that single questions allow."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from authz_service.engine.conditions import evaluate_condition
from authz_service.engine.plan import any_of, render_plan
from authz_service.facts.bindings import bindings_of
from authz_service.facts.decision import Decider, DeniedError
from authz_service.facts.request import Request
from authz_service.facts.snapshot import Snapshot
from models.vocabulary import Feature, GrantStatus, PlanAudience
from policy_tests.world.load import access, load_world

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

QUESTIONS = [
    ("view", "invoice"),
    ("pay", "invoice"),
    ("view", "payment"),
    ("view", "document"),
    ("sign", "document"),
    ("view", "form"),
    ("sign", "form"),
    ("view", "thread"),
    ("send", "thread"),
    ("view", "appointment"),
    ("cancel", "appointment"),
    ("reschedule", "appointment"),
    ("view", "service_plan"),
    ("view", "clinical_note"),
]
WORLDS = 12 + int(os.environ.get("KINGUARD_CASES", "0")) // 2000


def planned(decider: Decider, rows: Snapshot, request: Request, properties: Mapping[str, Any]) -> bool:
    """Whether the item with these properties meets the plan for its client."""
    question = decider.policy.question(request.subject_type, request.action, request.resource_type)
    assert question is not None
    try:
        seats = decider.seats(rows, request, {"client_id": properties["client_id"]})
    except DeniedError:
        return False
    plan = any_of(
        render_plan(question, seat.subject, bindings_of(seat.bound, request.resource_type, request.now))
        for seat in seats
    )
    return evaluate_condition(plan.whole, {**properties, "id": request.resource_id})


def disagreements(decider: Decider, rows: Snapshot, now: datetime) -> tuple[list[str], int]:
    """The questions on which plan and check differ, and how many both allow."""
    differing, allowed = [], 0
    for (kind, item_id), properties in rows.items.items():
        for action in (action for action, each in QUESTIONS if each == kind):
            for subject_type, ids in (("account", rows.accounts), ("staff", rows.staff)):
                for subject_id in ids:
                    request = Request(subject_type, subject_id, action, kind, item_id, now)
                    decision = decider.decide(rows, request)
                    allowed += decision.allowed
                    if planned(decider, rows, request, properties) is not decision.allowed:
                        differing.append(f"{subject_id} {action} {item_id}: check says {decision.allowed}")
    return differing, allowed


def varied(rows: Snapshot, chance: random.Random) -> Snapshot:
    """The same cast with other switches, toggles, windows, withheld items, blocks and item states."""
    grants = []
    for grant in rows.grants.values():
        toggles = {feature: chance.random() < 0.8 for feature in Feature}
        until = None if chance.random() < 0.8 else load_world().now.date() + timedelta(days=chance.randint(-3, 3))
        status = chance.choices([grant.status, GrantStatus.ACTIVE, GrantStatus.SUSPENDED], [6, 3, 1])[0]
        grants.append(replace(grant, toggles=toggles, until=until, status=status))
    practices = [
        replace(
            practice,
            plan_audience=chance.choice(list(PlanAudience)),
            contacts_allowed=chance.random() < 0.8,
            switches={feature: chance.random() < 0.9 for feature in Feature},
            notice_hours=chance.choice([0, 24, 200]),
        )
        for practice in rows.practices.values()
    ]
    pairs = [(grant.account_id, grant.client_id) for grant in grants]
    client_of = {key: str(item["client_id"]) for key, item in rows.items.items()}
    withheld = [
        (account, client, *key)
        for account, client in pairs
        for key in rows.items
        if client_of[key] == client and chance.random() < 0.1
    ]
    states = {
        "invoice": ["open", "paid", "void", "draft"],
        "document": ["released", "signed", "draft"],
        "form": ["sent", "in_progress", "completed"],
        "appointment": ["booked", "requested", "cancelled", "completed"],
        "service_plan": ["released", "draft"],
    }
    items: dict[tuple[str, str], Mapping[str, Any]] = {}
    for key, properties in rows.items.items():
        changed = dict(properties)
        if key[0] in states and chance.random() < 0.3:
            changed["state"] = chance.choice(states[key[0]])
        for name in ("addressee_id", "payer_id", "filler_id", "copy_of"):
            if name in changed and chance.random() < 0.3:
                changed[name] = chance.choice([None, "rosa", "dana", "sam", "tom", "leo", "harbor"])
        items[key] = changed
    return Snapshot(
        practices=practices,
        clients=rows.clients.values(),
        accounts=rows.accounts.values(),
        staff=[replace(each, subscribed=chance.random() < 0.5) for each in rows.staff.values()],
        grants=grants,
        withheld=withheld,
        blocks=[pair for pair in pairs if chance.random() < 0.05],
        items=items,
    )


def test_plan_and_check_agree_on_the_cast(decider: Decider) -> None:
    """Everyone, every item, every action that lists or offers something."""
    world = load_world()
    differing, allowed = disagreements(decider, access(world), world.now)
    assert differing == []
    assert allowed > 200


@pytest.mark.parametrize("seed", range(WORLDS))
def test_plan_and_check_agree_on_any_state_of_the_cast(decider: Decider, seed: int) -> None:
    """The same after random changes of switches, grants, withheld items, blocks, items and the hour."""
    world, chance = load_world(), random.Random(seed)
    now = world.now + timedelta(hours=chance.randint(-400, 400))
    differing, allowed = disagreements(decider, varied(access(world), chance), now)
    assert differing == []
    assert allowed > 50


def test_the_control_that_forgets_withheld_items_is_noticed(decider: Decider, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan rendered without the withheld ids differs from the check."""
    honest = bindings_of

    def forgetful(*args: Any) -> dict[str, Any]:
        return {**honest(*args), "withheld_ids": []}

    monkeypatch.setitem(globals(), "bindings_of", forgetful)
    world = load_world()
    differing, _ = disagreements(decider, access(world), world.now)
    assert any("doc_mia_letter" in each for each in differing)
