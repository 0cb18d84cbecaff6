"""A difference of two bundles is what asking both in every situation would find."""

from __future__ import annotations

import os
import random
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest

from authz_service.engine import load_policy
from authz_service.workbench.difference import compare
from authz_service.workbench.questions import keys_of
from tests.engine.bundles import FILES, edited, write_files
from tests.engine.random_bundles import build_bundle
from tests.workbench.brute import answers, fits, situations

if TYPE_CHECKING:
    from pathlib import Path

    from authz_service.engine import Policy
    from authz_service.workbench.difference import Difference

PAIRS = int(os.environ.get("KINGUARD_CASES", "1000")) // 100  # The number of bundles follows from it: n (n - 1) / 2.


def assert_brute_force_agrees(old: Policy, new: Policy, difference: Difference) -> None:
    found = {(change.question, change.now_allowed): change for change in difference.changes}
    for key in dict.fromkeys([*keys_of(old), *keys_of(new)]):
        counts = {True: 0, False: 0}
        space = 0
        ask_old, ask_new = answers(old, key), answers(new, key)
        for situation in situations(key, old, new):
            before, after = ask_old(situation), ask_new(situation)
            space += (before, after) != (None, None)
            for now_allowed, having, lacking in ((True, after, before), (False, before, after)):
                changed = bool(having) and not lacking
                counts[now_allowed] += changed
                change = found.get((key, now_allowed))
                if having and change is not None:
                    told = any(fits(term, situation) for term in change.terms)
                    assert told is changed, (key, situation, change.terms)
        for now_allowed, count in counts.items():
            change = found.get((key, now_allowed))
            assert (change.situations if change else 0) == count, (key, now_allowed)
            assert change is None or change.space == space


@pytest.mark.timeout(1200)  # At full size.
def test_a_difference_is_what_brute_force_finds(tmp_path: Path) -> None:
    """Over every pair of random bundles: the same counts, and terms that hold in the changed situations alone."""
    size = next(n for n in range(2, 1000) if n * (n - 1) // 2 >= PAIRS)
    built: list[Any] = []
    seed = 0
    while len(built) < size:
        made = build_bundle(tmp_path / str(seed), random.Random(seed + 50_000))
        seed += 1
        if made is not None:
            built.append(made)
    changed = 0
    for (old, _, _), (new, _, _) in combinations(built, 2):
        difference = compare(old, new)
        assert_brute_force_agrees(old, new, difference)
        changed += bool(difference.allowed) + bool(difference.denied)
    assert changed > PAIRS // 2


# label -> (edited file, old text, new text), what is said, [(question, now allowed, terms)]
EDITS: dict[str, tuple[tuple[str, str, str], list[str], list[tuple[str, bool, list[dict[str, tuple[Any, ...]]]]]]] = {
    "a wider permit": (
        ("representatives.polar", 'rep.kind = "payer" and', 'rep.kind in ["payer", "guardian"] and'),
        [],
        [],
    ),
    "a condition taken out": (
        (
            "representatives.polar",
            'rep.kind = "payer" and invoice.addressee = "me"',
            'rep.kind = "payer" and invoice.addressee in ["me", "client", "other"]',
        ),
        [],
        [("account view invoice", True, [{"subject.kind": ("payer",), "resource.addressee": ("client", "other")}])],
    ),
    "a value added": (
        ("facts.yaml", "values: [open, paid, draft]", "values: [open, paid, draft, void]"),
        ["value of resource.state added: void"],
        [
            ("account view invoice", True, [{"resource.state": ("void",)}]),
            ("staff print invoice", True, [{"resource.state": ("void",)}]),
        ],
    ),
    "an action added": (
        ("facts.yaml", "actions: [view, print]}", "actions: [view, print, send]}"),
        ["action of service_plan added: send"],
        [],
    ),
    "an impossible situation allowed for": (
        (
            "facts.yaml",
            "  - {subject.kind: self, resource.addressee: client}",
            "  - {subject.kind: payer, resource.addressee: client}",
        ),
        [
            "account and invoice: 72 situations can no longer occur",
            "account and invoice: 72 situations can occur now",
        ],
        [
            ("account view invoice", True, [{"subject.kind": ("self",), "resource.addressee": ("client",)}]),
            ("account pay invoice", True, [{"subject.kind": ("self",), "resource.addressee": ("client",)}]),
        ],
    ),
}


@pytest.mark.parametrize("label", EDITS)
def test_an_edit_has_the_effect_it_has_and_no_other(tmp_path: Path, label: str) -> None:
    edit, said, expected = EDITS[label]
    old, new = (
        load_policy(write_files(tmp_path / name, files)) for name, files in (("old", FILES), ("new", edited(*edit)))
    )
    difference = compare(old, new)
    assert list(difference.declarations) == said
    found = [(" ".join(change.question), change.now_allowed, list(change.terms)) for change in difference.changes]
    assert found == expected
    assert_brute_force_agrees(old, new, difference)
    back = compare(new, old)
    assert [(change.question, change.situations) for change in back.denied] == [
        (change.question, change.situations) for change in difference.allowed
    ]
    assert_brute_force_agrees(new, old, back)


@pytest.mark.parametrize("name", ["ours", "small", "todo", "gateway", "records"])
def test_a_bundle_does_not_differ_from_itself(bundles: dict[str, Policy], name: str) -> None:
    assert not compare(bundles[name], bundles[name])


@pytest.mark.parametrize(("one", "other"), [("todo", "gateway"), ("records", "todo"), ("small", "records")])
def test_bundles_about_other_things_differ_in_every_question(bundles: dict[str, Policy], one: str, other: str) -> None:
    """A question that only one bundle knows is denied by the other, and so are the facts that it lacks."""
    difference = compare(bundles[one], bundles[other])
    assert_brute_force_agrees(bundles[one], bundles[other], difference)
    assert difference.allowed
    assert difference.denied


def test_facts_in_another_order_are_the_same_facts(tmp_path: Path) -> None:
    """The order of facts.yaml is no part of the meaning."""
    kind, _, rest = FILES["facts.yaml"].partition("  subject.kind:")
    fact, _, others = rest.partition("  subject.pending:")
    at = others.index("  resource.addressee:")
    moved = f"{kind}  subject.pending:{others[:at]}  subject.kind:{fact}{others[at:]}"
    files = {name: text for name, text in FILES.items() if name != "invariants.yaml"}
    old = load_policy(write_files(tmp_path / "old", files))
    new = load_policy(write_files(tmp_path / "new", files | {"facts.yaml": moved}))
    assert list(old.facts) != list(new.facts)
    assert not compare(old, new)


def test_the_deciding_rules_are_named(tmp_path: Path) -> None:
    """A change says which rules decided before and which decide after."""
    files = edited(
        "representatives.polar",
        "near(rep.kind) and\n    client_may(action, invoice)",
        'rep.kind = "payer" and action = action',
    )
    files["limits.polar"] += 'forbid(rep: Representative, "print", _: Invoice, "no_print") if not rep.kind = "payer";\n'
    old, new = (load_policy(write_files(tmp_path / name, f)) for name, f in (("old", FILES), ("new", files)))
    told = {
        (" ".join(change.question), change.now_allowed): (change.before, change.after)
        for change in compare(old, new).changes
    }
    assert told["account print invoice", True] == (("no rule permits",), ("near.invoices",))
    assert told["account pay invoice", False] == (("near.invoices",), ("no rule permits",))
    assert told["account view invoice", True] == (("no rule permits",), ("near.invoices",))
