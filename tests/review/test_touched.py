"""Whom a difference touches now is what single questions say, of every account about every item, by both policies."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from authz_service.facts import sides
from authz_service.facts.comparison import BEGINNING
from authz_service.facts.decision import Decider
from authz_service.review import touched_report
from authz_service.review.touched import Touched, TouchedRight, whom_it_touches
from tests.conftest import FROZEN, on_sqlite_only
from tests.review.conftest import UNREAD, edited
from tests.what_if.test_what_if import everything

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from authz_service.engine import Policy
    from authz_service.storage import AccessStore

MUTANTS = 8 + min(int(os.environ.get("KINGUARD_CASES", "0")) // 1_000, 24)
SEED = int(os.environ.get("KINGUARD_SEED", "5"))
Sides = tuple[set[TouchedRight], set[TouchedRight]]
NORTHGATE = frozenset({"northgate"})


def brute(store: AccessStore, old: Decider, new: Decider) -> Sides:
    """What is gained and lost, asked one question at a time."""
    before, after = everything(store, old, FROZEN), everything(store, new, FROZEN)
    sides = []
    for rights in (after - before, before - after):
        items = Counter(tuple(right[:4]) for right in rights if right[4] is not None)
        beginning = {right[:4]: 0 for right in rights if right[4] is None and (right[3], right[2]) in BEGINNING}
        sides.append({TouchedRight(*key, count) for key, count in (items | beginning).items()})
    return sides[0], sides[1]


def touched(store: AccessStore, old: Policy, new: Policy) -> Touched:
    return whom_it_touches(store, (Decider(old), Decider(new)), FROZEN, practices=NORTHGATE)


def sides_of(found: Touched) -> Sides:
    assert found.complete
    gains, loses = set(found.gains), set(found.loses)
    assert (len(gains), len(loses)) == (len(found.gains), len(found.loses))
    return gains, loses


@on_sqlite_only
def test_touched_is_what_single_questions_say_for_mutants_of_our_bundle(
    seeded_store: AccessStore, policy: Policy, mutated: Callable[[int, int], list[Policy]]
) -> None:
    """For each of several mutants, in both directions, over all accounts, clients, actions and items of the cast."""
    seen = 0
    old = Decider(policy)
    for mutant in mutated(MUTANTS, SEED):
        gains, loses = brute(seeded_store, old, Decider(mutant))
        assert sides_of(touched(seeded_store, policy, mutant)) == (gains, loses)
        assert sides_of(touched(seeded_store, mutant, policy)) == (loses, gains)
        seen += bool(gains or loses)
    assert seen


EDITS = {
    "a rule less": [UNREAD],
    "a fact read from elsewhere": [
        ("facts.yaml", "from: {match: addressee_id, me: subject.id,", "from: {match: client_id, me: subject.id,")
    ],
    "a value less": [("facts.yaml", "values: [open, paid, void, draft]", "values: [open, void, draft]")],
    "an action less": [
        (
            "facts.yaml",
            "calendar: {class: Calendar, actions: [view, subscribe]}",
            "calendar: {class: Calendar, actions: [view]}",
        ),
        ("features.polar", 'feature("subscribe", _: Calendar, "calendar");\n', ""),
        ("features.polar", 'everyday("subscribe", _: Calendar);\n', ""),
        ("features.polar", 'payer_may("subscribe", _: Calendar);\n', ""),
        ("limits/client.polar", 'begins_something("subscribe", _: Calendar);\n', ""),
    ],
}


@pytest.mark.parametrize("edit", EDITS)
def test_touched_is_what_single_questions_say_where_facts_differ(
    seeded_store: AccessStore, policy: Policy, tmp_path: Path, edit: str
) -> None:
    """A rule less, a fact read from elsewhere, a value or an action less: on both databases, in both directions."""
    new = edited(tmp_path / "new", EDITS[edit])
    gains, loses = brute(seeded_store, Decider(policy), Decider(new))
    assert gains or loses
    assert sides_of(touched(seeded_store, policy, new)) == (gains, loses)
    assert sides_of(touched(seeded_store, new, policy)) == (loses, gains)


@on_sqlite_only
def test_a_comparison_that_trusts_names_alone_misses_what_is_read_from_elsewhere(
    seeded_store: AccessStore, policy: Policy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: with the sources of facts left out of account, the same comparison fails."""
    new = edited(tmp_path / "new", EDITS["a fact read from elsewhere"])
    expected = brute(seeded_store, Decider(policy), Decider(new))
    monkeypatch.setattr(sides, "source_of", lambda _fact: "")
    monkeypatch.setattr("authz_service.facts.shapes.source_of", lambda _fact: "")
    assert sides_of(touched(seeded_store, policy, new)) != expected


@on_sqlite_only
def test_bundles_that_answer_alike_touch_nobody(seeded_store: AccessStore, policy: Policy, tmp_path: Path) -> None:
    """A copy of the bundle gives nothing to anybody and takes nothing away."""
    found = touched(seeded_store, policy, edited(tmp_path / "same", []))
    assert (found.rights, found.accounts, found.clients, found.items) == (0, set(), set(), set())
    assert "nobody gains or loses anything" in touched_report.as_text(found, 20)


@on_sqlite_only
def test_what_ran_out_of_time_says_so(seeded_store: AccessStore, policy: Policy, tmp_path: Path) -> None:
    """A deadline that has passed leaves the accounts out, and every format tells."""
    new = edited(tmp_path / "new", [UNREAD])
    deciders = Decider(policy), Decider(new)
    found = whom_it_touches(seeded_store, deciders, FROZEN, deadline=0.0)
    assert not found.complete
    assert "not everybody was looked at" in touched_report.as_text(found, 20)
    assert "not everybody was looked at" in touched_report.as_markdown(found, 20)
    assert touched_report.as_body(found, 20)["complete"] is False


@on_sqlite_only
def test_numbers_come_first_and_gains_before_losses(seeded_store: AccessStore, policy: Policy, tmp_path: Path) -> None:
    """Ids only; what is not listed is counted."""
    swap = ("limits/item.polar", 'invoice.invoice_state = "draft"', 'invoice.invoice_state = "open"')
    found = touched(seeded_store, policy, edited(tmp_path / "new", [UNREAD, swap]))
    assert found.gains
    assert found.loses
    text = touched_report.as_text(found, 3).splitlines()
    assert text[1].startswith("TOUCHED NOW: ")
    assert f"{len(found.accounts)} accounts" in text[1]
    assert text[2] == "  gains: account sam on client mia: view document, 1 item"
    assert text[-1] == f"  and {found.rights - 3} more"
    markdown = touched_report.as_markdown(found, 100)
    assert "| `sam` | `mia` | view document | 1 |" in markdown
    assert 0 < markdown.index("**") < markdown.index("#### Gains") < markdown.index("#### Loses")
    body = touched_report.as_body(found, 3)
    assert len(body["gains"]) + len(body["loses"]) == 3
    assert body["left_out"] == found.rights - 3
