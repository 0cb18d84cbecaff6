"""Plans: the list is the filter of the check, and a plan stays small."""

from __future__ import annotations

import json
import os
import random
from typing import TYPE_CHECKING, Any

import pytest

from authz_service.engine import MISSING, BundleError, Policy, load_policy
from authz_service.engine.conditions import Condition, evaluate_condition
from authz_service.engine.plan import (
    MissingFactsError,
    Plan,
    PlanError,
    PlanKind,
    any_of,
    render_plan,
)
from tests.engine.things import (
    FACTS,
    derive,
    random_bindings,
    random_properties,
    random_rules,
    random_subject,
    write_bundle,
)

if TYPE_CHECKING:
    from pathlib import Path

BUNDLES = max(12, int(os.environ.get("KINGUARD_CASES", "0")) // 1000)


def load(folder: Path, rules: str, facts: str = FACTS) -> Policy:
    return load_policy(write_bundle(folder, rules, facts))


def random_policies(folder: Path, rng: random.Random, count: int) -> list[Policy]:
    """Random rules may contradict the declared impossible situation; such a bundle is refused and another one drawn."""
    found: list[Policy] = []
    drawn = 0
    while len(found) < count:
        drawn += 1
        try:
            found.append(load(folder / str(drawn), random_rules(rng)))
        except BundleError:
            assert drawn < 3 * count + 10
    return found


def test_a_plan_allows_exactly_what_single_questions_allow(tmp_path: Path) -> None:
    """For random rules, subjects, bindings and properties the plan's condition holds where the decision is to allow."""
    rng = random.Random(1)
    kinds = set()
    allowed = asked = 0
    for policy in random_policies(tmp_path, rng, BUNDLES):
        question = policy.question("account", "view", "thing")
        for _ in range(12):
            s, bound = random_subject(rng), random_bindings(rng)
            plan = render_plan(question, s, bound)
            kinds.add(plan.kind)
            for _ in range(25):
                properties = random_properties(rng)
                decision = question.answer(s, derive(properties, bound)).decision
                assert evaluate_condition(plan.whole, properties) is decision, (plan, properties)
                allowed, asked = allowed + decision, asked + 1
    assert kinds >= {PlanKind.ALWAYS_DENIED, PlanKind.CONDITIONAL}
    assert 0.15 < allowed / asked < 0.85


def test_a_plan_that_forgets_the_order_of_a_match_is_noticed(tmp_path: Path) -> None:
    """Control: the client's own id counts as `me` first, and a derivation that swaps the two differs from the plan."""
    policy = load(tmp_path, 'permit(_s: Rep, "view", r: Thing, "p") if r.addressee = "client";')
    question = policy.question("account", "view", "thing")
    bound = random_bindings(random.Random(2)) | {"store.self_account": "dana", "subject.id": "dana"}
    properties = random_properties(random.Random(3)) | {"addressee_id": "dana"}
    plan = render_plan(question, ("far", False, True, True), bound)
    assert derive(properties, bound)[4] == "me"
    assert plan.kind is PlanKind.ALWAYS_DENIED
    swapped = tuple("client" if value == "me" else value for value in derive(properties, bound))
    assert question.decide(("far", False, True, True), swapped)


WRONG = [
    ("state", "archived"),
    ("state", None),
    ("stage", "unheard of"),
    ("cents", None),
    ("sealed", None),
    ("sealed", "true"),
]


def test_a_value_outside_its_domain_is_allowed_only_where_every_value_is(tmp_path: Path) -> None:
    """A raw value that is no value of its fact never makes a plan allow what some value of that fact would deny."""
    rng = random.Random(4)
    facts = {"state": 1, "stage": 2, "cents": 3, "sealed": 12}
    for policy in random_policies(tmp_path, rng, BUNDLES):
        question = policy.question("account", "view", "thing")
        s, bound = random_subject(rng), random_bindings(rng)
        plan = render_plan(question, s, bound)
        for _ in range(15):
            good = random_properties(rng)
            for name, wrong in WRONG:
                if evaluate_condition(plan.whole, good | {name: wrong}):
                    r = list(derive(good, bound))
                    r[facts[name]] = MISSING
                    assert question.answer(s, r).decision, (name, wrong, plan)


RULE = 'permit(_s: Rep, "view", r: Thing, "p") if r.{fact} {test};'
CONDITIONS: list[tuple[str, str, Condition]] = [
    ("state", '= "open"', {"eq": ["state", "open"]}),
    ("state", '!= "open"', {"in": ["state", ["closed", "draft"]]}),
    ("stage", '= "early"', {"any": [{"eq": ["stage", None]}, {"in": ["stage", ["new", "started"]]}]}),
    ("stage", '= "late"', {"eq": ["stage", "done"]}),
    ("due", "= true", {"gt": ["cents", 0]}),
    ("due", "= false", {"all": [{"not": {"gt": ["cents", 0]}}, {"not": {"eq": ["cents", None]}}]}),
    ("addressee", '= "me"', {"eq": ["addressee_id", "dana"]}),
    ("addressee", 'in ["me", "client"]', {"in": ["addressee_id", ["dana", "rosa"]]}),
    ("addressee", 'in ["me", "nobody"]', {"any": [{"eq": ["addressee_id", None]}, {"eq": ["addressee_id", "dana"]}]}),
    ("payer", '= "other"', {"not": {"eq": ["payer_id", "dana"]}}),
    ("member", "= true", {"has": ["member_ids", "dana"]}),
    ("withheld", "= false", {"not": {"in": ["id", ["t1", "t2"]]}}),
    ("subscribed", "= true", {"eq": ["provider_id", "ken"]}),
    ("assigned", "= true", False),
    ("assigned", "= false", True),
    ("managing", '= "shared"', True),
    ("managing", '= "yes"', False),
    ("timing", '= "past"', {"before": ["starts_at", "2026-06-15T19:00:00Z"]}),
    ("sealed", "= false", {"eq": ["sealed", False]}),
]


@pytest.mark.parametrize(("fact", "test", "expected"), CONDITIONS)
def test_each_source_has_its_condition(tmp_path: Path, fact: str, test: str, expected: Condition) -> None:
    """A rule on one fact becomes the shortest condition on that fact's property."""
    policy = load(tmp_path, RULE.format(fact=fact, test=test))
    bound = random_bindings(random.Random(0)) | {
        "store.self_account": "rosa",
        "withheld_ids": {"t2", "t1"},
        "subscribed_staff": ("ken",),
        "assigned_staff": [],
        "client.self_managing": "shared",
    }
    plan = render_plan(policy.question("account", "view", "thing"), ("far", False, True, True), bound)
    assert repr(plan.whole) == repr(expected)
    assert json.loads(json.dumps(plan.whole)) == plan.whole


def flags(count: int) -> str:
    facts = "".join(
        f"  resource.f{i}: {{values: [false, true], controlled_by: item, from: {{property: f{i}}}}}\n"
        for i in range(count)
    )
    return f"""
version: 1
subjects: {{account: {{class: Rep}}}}
resources: {{thing: {{class: Thing, actions: [view]}}}}
facts:
  subject.kind: {{values: [near, far]}}
{facts}"""


def leaves(condition: Condition) -> int:
    if isinstance(condition, bool):
        return 0
    ((operator, operand),) = condition.items()
    if operator == "not":
        return leaves(operand)
    return sum(map(leaves, operand)) if operator in ("all", "any") else 1


def test_parity_does_not_explode(tmp_path: Path) -> None:
    """Nine flags of which an odd number holds, 256 cubes as a list, stay a condition of a few hundred comparisons."""
    count = 9
    rules = ['permit(_s: Rep, "view", r: Thing, "odd") if odd0(r);', f"even{count}(_r);"]
    for i in range(count):
        for now, flipped in (("odd", "even"), ("even", "odd")):
            if (i, now) != (0, "even"):
                rules.append(f"{now}{i}(r) if r.f{i} = true and {flipped}{i + 1}(r);")
                rules.append(f"{now}{i}(r) if r.f{i} = false and {now}{i + 1}(r);")
    rules.append(f"odd{count}(_r) if false;")
    question = load(tmp_path, "\n".join(rules), flags(count)).question("account", "view", "thing")
    plan = render_plan(question, ("near",), {})
    assert leaves(plan.whole) < 300
    rng = random.Random(5)
    for _ in range(200):
        r = tuple(rng.random() < 0.5 for _ in range(count))
        properties = {f"f{i}": value for i, value in enumerate(r)}
        assert evaluate_condition(plan.whole, properties) is question.decide(("near",), r) is (sum(r) % 2 == 1)


def test_pairs_that_must_agree_stay_a_chain(tmp_path: Path) -> None:
    """Six pairs of flags, one of each pair on, take a condition that grows with their number, not with its power."""
    pairs = 6
    body = " and ".join(f"p{i}(r)" for i in range(pairs))
    rules = [f'permit(_s: Rep, "view", r: Thing, "pairs") if {body};']
    for i in range(pairs):
        rules.append(f"p{i}(r) if r.f{2 * i} = true;")
        rules.append(f"p{i}(r) if r.f{2 * i + 1} = true;")
    question = load(tmp_path, "\n".join(rules), flags(2 * pairs)).question("account", "view", "thing")
    assert leaves(render_plan(question, ("near",), {}).whole) <= 8 * 2 * pairs


def test_a_fact_without_source_is_refused_by_name(tmp_path: Path) -> None:
    """A plan that depends on a fact without `from` names the fact and where it is declared."""
    facts = FACTS.replace(", from: {property: sealed}", "")
    policy = load(tmp_path, RULE.format(fact="sealed", test="= false"), facts)
    with pytest.raises(PlanError, match=r"resource\.sealed \(facts\.yaml:\d+\) cannot .* declares no `from`") as error:
        render_plan(policy.question("account", "view", "thing"), ("far", False, True, True), {})
    assert error.value.fact == "resource.sealed"


UNBOUND: list[tuple[str, str, dict[str, Any], str]] = [
    ("addressee", '= "me"', {"subject.id": "dana"}, "nothing is bound to store.self_account"),
    ("member", "= true", {}, "nothing is bound to subject.id"),
    ("withheld", "= true", {"withheld_ids": 7}, "neither a value nor a list of ids"),
    ("timing", '= "past"', {"timing": {"past": True}}, "a condition for each value"),
]


@pytest.mark.parametrize(("fact", "test", "bound", "message"), UNBOUND)
def test_a_source_that_cannot_be_turned_is_refused_by_name(
    tmp_path: Path, fact: str, test: str, bound: dict[str, Any], message: str
) -> None:
    """Without what a source compares with there is no condition, and the error says which fact and what is lacking."""
    policy = load(tmp_path, RULE.format(fact=fact, test=test))
    with pytest.raises(PlanError, match=message) as error:
        render_plan(policy.question("account", "view", "thing"), ("far", False, True, True), bound)
    assert error.value.fact == f"resource.{fact}"


def test_a_fact_that_does_not_matter_needs_no_source(tmp_path: Path) -> None:
    """What the answer does not hang on for this subject is not asked for."""
    rules = 'permit(s: Rep, "view", r: Thing, "p") if s.kind = "odd" and r.timing = "past";'
    question = load(tmp_path, rules).question("account", "view", "thing")
    assert render_plan(question, ("far", False, True, True), {}) == Plan(PlanKind.ALWAYS_DENIED)
    with pytest.raises(PlanError, match=r"resource\.timing"):
        render_plan(question, ("odd", False, True, True), {})


def test_a_missing_fact_of_the_subject_is_named_where_it_matters(tmp_path: Path) -> None:
    """A plan that hangs on a missing fact is refused; one that does not is given."""
    rules = 'permit(s: Rep, "view", _r: Thing, "p") if s.kind = "odd" or s.locked = false;'
    question = load(tmp_path, rules).question("account", "view", "thing")
    with pytest.raises(MissingFactsError, match=r"subject\.locked"):
        render_plan(question, ("far", MISSING, True, True), {})
    assert render_plan(question, ("odd", MISSING, True, True), {}).kind is PlanKind.ALWAYS_ALLOWED


def test_what_is_impossible_is_never_listed(tmp_path: Path) -> None:
    """A situation declared impossible is denied by the plan as by the single question."""
    policy = load(tmp_path, 'permit(_s: Rep, "view", _r: Thing, "p");')
    plan = render_plan(
        policy.question("account", "view", "thing"), ("near", False, True, True), random_bindings(random.Random(0))
    )
    bound = random_bindings(random.Random(0)) | {"subject.id": "dana", "store.self_account": "rosa"}
    plan = render_plan(policy.question("account", "view", "thing"), ("near", False, True, True), bound)
    assert plan.condition == {"not": {"eq": ["addressee_id", "rosa"]}}


def test_plans_are_joined_over_grants_and_clients() -> None:
    """The or of plans allows what one of them allows, each within its own client."""
    mine = Plan.of({"eq": ["state", "open"]}).within({"eq": ["client_id", "mia"]})
    every = Plan.of(True).within({"eq": ["client_id", "leo"]})
    none = Plan.of(False).within({"eq": ["client_id", "noah"]})
    joined = any_of([mine, every, none])
    assert joined.kind is PlanKind.CONDITIONAL
    for client, state, expected in [("mia", "open", True), ("mia", "draft", False), ("leo", "draft", True)]:
        assert evaluate_condition(joined.whole, {"client_id": client, "state": state}) is expected
    assert any_of([]).kind is PlanKind.ALWAYS_DENIED
    assert any_of([Plan.of(True), mine]).kind is PlanKind.ALWAYS_ALLOWED
