"""What staff gain and lose is what single questions say: each of them, to every client and item, by both policies."""

from __future__ import annotations

import os
from collections import defaultdict
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from authz_service.facts.comparison import SIGNED_IN
from authz_service.facts.decision import KNOWN_BY, Decider
from authz_service.facts.request import Request
from authz_service.review import touched_report, touched_staff
from authz_service.review.pace import Pace
from authz_service.review.touched import Touched, whom_it_touches
from authz_service.review.touched_staff import OF_THE_PRACTICE, REGISTERED, StaffComparison, TouchedStaff, begins
from authz_service.storage.practice_rows import read_practice
from authz_service.storage.surveying import Bounds
from policy_tests.world.load import NORTHGATE as NORTHGATE_WORLD
from tests.conftest import FROZEN, on_sqlite_only
from tests.review.conftest import UNREAD, edited

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from authz_service.engine import Policy
    from authz_service.facts.snapshot import Snapshot
    from authz_service.storage import AccessStore
    from authz_service.storage.surveying import Survey

MUTANTS = 6 + min(int(os.environ.get("KINGUARD_CASES", "0")) // 1_000, 24)
SEED = int(os.environ.get("KINGUARD_SEED", "5"))
NORTHGATE = frozenset({"northgate"})
Sides = tuple[set[TouchedStaff], set[TouchedStaff]]
# Staff, action, type, client (None: the practice as such), item, what is sent.
Rights = set[tuple[str, str, str, str | None, str | None, tuple[tuple[str, Any], ...]]]


def sent_of(kind: str, policies: tuple[Policy, Policy]) -> list[dict[str, Any]]:
    """Every combination of the plain properties that some question of staff reads, each also left out."""
    raws: dict[str, dict[Any, None]] = defaultdict(lambda: {None: None})
    for policy in policies:
        asked = [policy.question("staff", action, kind) for action in policy.resource_types.get(kind, ())]
        read = {
            each.diagrams.names[level]
            for each in asked
            if each is not None
            for level in each.diagrams.support(each.diagram)
        }
        for fact in policy.resource_slots(kind) if kind in policy.resource_types else ():
            source = fact.source or {}
            if fact.name in read and "property" in source and "store" not in source:
                raws[str(source["property"])] |= dict.fromkeys([0, 100] if "above" in source else fact.values)
    return [
        {name: value for name, value in zip(raws, values, strict=True) if value is not None}
        for values in product(*raws.values())
    ]


def everything(store: AccessStore, decider: Decider, policies: tuple[Policy, Policy]) -> Rights:
    """What each of the staff may do, asked one question at a time."""
    found: Rights = set()
    with store.surveying(("*",)) as survey:
        clients = survey.rows.clients("northgate")
        asked = [
            (action, kind, *question)
            for kind, actions in decider.policy.resource_types.items()
            for question in questions(survey, kind, clients, policies)
            for action in actions
            if begins(kind, action) is (question[1] is None)
            or question[0] is None
            or kind not in {*REGISTERED, *KNOWN_BY}
            if not (begins(kind, action) and question[0] is not None and KNOWN_BY.get(kind) == "client_id")
        ]
        for member in survey.rows.staff("northgate"):
            for action, kind, client, item, sent in asked:
                properties = {"practice_id": "northgate"} if client is None else {"client_id": client}
                request = Request("staff", member.id, action, kind, item, FROZEN, properties | sent, authn=SIGNED_IN)
                if decider.decide(survey, request).allowed:
                    found.add((member.id, action, kind, client, item, tuple(sent.items())))
    return found


def questions(
    survey: Survey, kind: str, clients: tuple[str, ...], policies: tuple[Policy, Policy]
) -> Iterator[tuple[str | None, str | None, dict[str, Any]]]:
    """Client, item and what is sent, of every question about a type."""
    forms = sent_of(kind, policies)
    if kind == "practice":
        yield None, "northgate", {}
        return
    yield from ((None, None, form) for form in forms)
    if kind in OF_THE_PRACTICE:
        return
    for client in clients:
        if kind in KNOWN_BY:
            yield client, client, {}
            continue
        yield from ((client, None, form) for form in forms)
        ids = (
            [grant.id for grant in survey.rows.grants_on(client)]
            if kind == "grant"
            else survey.items_in(kind, Bounds("northgate"), None)
        )
        yield from ((client, item, {}) for item in ids if (survey.item(kind, item) or {}).get("client_id") == client)


def brute(before: Rights, after: Rights) -> Sides:
    """What is gained and lost, in rows as they are told."""
    sides = []
    for rights in (after - before, before - after):
        rows: dict[tuple[str, str, str], tuple[set[str | None], set[str]]] = defaultdict(lambda: (set(), set()))
        for staff, action, kind, client, item, _ in rights:
            clients, items = rows[staff, action, kind]
            clients.add(client)
            if item is not None and client is not None:
                items.add(item)
        sides.append(
            {
                TouchedStaff(*key, None in clients, len(clients - {None}), len(items))
                for key, (clients, items) in rows.items()
            }
        )
    return sides[0], sides[1]


@pytest.fixture(scope="module")
def wider(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    """A bundle that changes something for families, for roles and for clients who are not there yet."""
    folder = tmp_path_factory.mktemp("wider") / "new"
    return edited(folder, [UNREAD, *EDITS["a right more"], *EDITS["another limit"]])


def touched(store: AccessStore, old: Policy, new: Policy) -> Touched:
    return whom_it_touches(store, (Decider(old), Decider(new)), FROZEN, practices=NORTHGATE)


def sides_of(found: Touched) -> Sides:
    assert found.complete
    gains, loses = set(found.staff_gains), set(found.staff_loses)
    assert (len(gains), len(loses)) == (len(found.staff_gains), len(found.staff_loses))
    return gains, loses


@on_sqlite_only
def test_touched_staff_is_what_single_questions_say_for_mutants_of_our_staff_rules(
    seeded_store: AccessStore, policy: Policy, mutated: Callable[..., list[Policy]]
) -> None:
    """For each of several mutants, in both directions, over all staff, clients, actions and items of the cast."""
    seen, sent = 0, (policy, policy)  # Mutants have our facts.
    before = everything(seeded_store, Decider(policy), sent)
    for mutant in mutated(MUTANTS, SEED, ("staff/", "limits/platform.polar")):
        gains, loses = brute(before, everything(seeded_store, Decider(mutant), sent))
        assert sides_of(touched(seeded_store, policy, mutant)) == (gains, loses)
        assert sides_of(touched(seeded_store, mutant, policy)) == (loses, gains)
        seen += bool(gains or loses)
    assert seen >= MUTANTS // 2


STARTS = """permit(staff: Staff, "start", _thread: Thread, "messages.start") if
    staff.subscribed and
    answers_client(staff);
"""
INVITED = 'invitation.invitee = "client" and\n    invitation.client_self_managing = "no";'
EDITS = {
    "a rule less": [
        ("staff/messages.polar", STARTS, ""),
        ("staff/therapist.polar", 'therapist_may("view", _: Invoice);\n', ""),
    ],
    "a right more": [
        ("staff/reviewer.polar", 'reviewer_may("stage", _: Policy);', "reviewer_may(_action, _: Policy);"),
        ("staff/biller.polar", 'biller_may("view", _: Client);', "biller_may(_action, _: Client);"),
        ("staff/scheduler.polar", 'scheduler_may("view", _: Client);', "scheduler_may(_action, _: Invitation);"),
    ],
    "another limit": [("limits/client.polar", INVITED, INVITED.replace('"no"', '"yes"'))],
    "conditions on what there is and what is not there yet": [
        ("staff/biller.polar", 'biller_may("print", _: Invoice)', 'biller_may("print", i: Invoice) if i.balance_due'),
        (
            "staff/administrator.polar",
            'administrator_may("upload", _: Document)',
            'administrator_may("upload", document: Document) if document.category = "legal"',
        ),
    ],
    "a fact of staff read from elsewhere": [
        ("facts.yaml", "from: {store: staff.subscribed}", "from: {store: staff.may_invite}")
    ],
    "a fact of an item read from elsewhere": [
        ("facts.yaml", "from: {member: participant_ids, of: subject.id}", "from: {member: signer_ids, of: subject.id}")
    ],
    "a value of staff less": [
        ("facts.yaml", "[active, inactive]\n    says: whether this staff", "[inactive]\n    says: whether this staff")
    ],
    "a value of an item less": [("facts.yaml", "values: [general, billing, legal,", "values: [billing, legal,")],
    "a fact of staff that cannot be read": [
        ("facts.yaml", "from: {store: staff.may_invite}", "from: {store: staff.practice}")
    ],
    "an action less": [
        ("facts.yaml", "import: {class: Import, actions: [run]}", "import: {class: Import, actions: [see]}"),
        ("staff/administrator.polar", 'administrator_may("run", _: Import);', 'administrator_may("see", _: Import);'),
    ],
}


@pytest.mark.parametrize("edit", EDITS)
@on_sqlite_only
def test_touched_staff_is_what_single_questions_say_where_rules_and_facts_differ(
    seeded_store: AccessStore, policy: Policy, tmp_path: Path, edit: str
) -> None:
    """Rules less and more, facts read from elsewhere, a value or an action less: in both directions."""
    new = edited(tmp_path / "new", EDITS[edit])
    gains, loses = brute(*(everything(seeded_store, Decider(each), (policy, new)) for each in (policy, new)))
    assert gains or loses
    assert sides_of(touched(seeded_store, policy, new)) == (gains, loses)
    assert sides_of(touched(seeded_store, new, policy)) == (loses, gains)


@on_sqlite_only
def test_a_comparison_that_leaves_questions_out_is_found(
    seeded_store: AccessStore, policy: Policy, wider: Policy
) -> None:
    """The control: without what names no client, without clients of others, or without forms, it is wrong."""
    expected = brute(*(everything(seeded_store, Decider(each), (policy, wider)) for each in (policy, wider)))
    assert sides_of(touched(seeded_store, policy, wider)) == expected
    for where, protection, weaker in (
        (StaffComparison, "_compare", without_the_practice),
        (StaffComparison, "_compare", without_clients_of_others),
        (touched_staff, "_forms", lambda *_: iter(())),
    ):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(where, protection, weaker)
            assert sides_of(touched(seeded_store, policy, wider)) != expected


COMPARE = StaffComparison._compare


def without_the_practice(self: StaffComparison, tally: Any, rows: Snapshot, client: str | None, *more: Any) -> None:
    if client is not None:
        COMPARE(self, tally, rows, client, *more)


def without_clients_of_others(
    self: StaffComparison, tally: Any, rows: Snapshot, client: str | None, *more: Any
) -> None:
    if client in {None, *rows.staff["ken"].assigned}:
        COMPARE(self, tally, rows, client, *more)


@on_sqlite_only
def test_a_change_of_family_rules_asks_no_staff(seeded_store: AccessStore, policy: Policy, tmp_path: Path) -> None:
    """No question that staff ask differs, so none is asked."""
    comparison = StaffComparison((Decider(policy), Decider(edited(tmp_path / "new", [UNREAD]))))
    with seeded_store.reading() as rows:
        snapshot = read_practice(rows, "northgate")
    assert snapshot is not None
    assert comparison.pairs(snapshot) == 0


def test_the_types_of_which_items_are_registered_are_those_of_the_cast() -> None:
    """Grants are kept by the service itself; everything else with an id is registered by the gateway."""
    assert {*yaml.safe_load(NORTHGATE_WORLD.read_text(encoding="utf-8"))["items"], "grant"} == REGISTERED


@on_sqlite_only
def test_staff_are_told_after_accounts_and_neither_hides_the_other(
    seeded_store: AccessStore, policy: Policy, wider: Policy
) -> None:
    """Both have half of the rows, and what the other leaves free; what is not listed is counted."""
    found = touched(seeded_store, policy, wider)
    text = touched_report.as_text(found, 4).splitlines()
    accounts, staff = len(found.gains), len(found.staff_gains) + len(found.staff_loses)
    assert not found.loses
    assert f"{len(found.accounts)} account" in text[1]
    assert f"{len(found.staff)} staff members" in text[1]
    assert ["account" in line for line in text[2:6]] == [True] * min(accounts, 4 - 2) + [False] * (4 - min(accounts, 2))
    assert text[-1] == f"  and {accounts + staff - 4} more"
    whole = touched_report.as_text(found, 1000)
    assert "  gains: staff member rex: deploy policy, for the practice as such\n" in whole
    assert "  gains: staff member bea: update client, 6 clients, 6 items\n" in whole
    assert "  gains: staff member sky: create invitation, 6 clients\n" in whole
    assert "  loses: staff member sky: view client, 6 clients, 6 items\n" in whole
    markdown = touched_report.as_markdown(found, 1000)
    assert "| `rex` | deploy policy | the practice as such |  |" in markdown
    assert markdown.index("| account |") < markdown.index("| staff member |")
    body = touched_report.as_body(found, 4)
    assert len(body["gains"]) + len(body["staff_gains"]) == 4
    assert body["left_out"] == accounts + staff - 4


@on_sqlite_only
def test_staff_for_whom_there_was_no_time_are_said_to_be_left_out(
    seeded_store: AccessStore, policy: Policy, wider: Policy
) -> None:
    """Time that runs out among the staff is said as among the accounts; the progress counts both."""
    seen: list[tuple[int, int]] = []
    late = iter([False, False, True])  # After all accounts and one client.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Pace, "is_over", property(lambda _: next(late)))
        found = whom_it_touches(
            seeded_store,
            (Decider(policy), Decider(wider)),
            FROZEN,
            practices=NORTHGATE,
            progress=lambda *counts: seen.append(counts),
        )
    assert not found.complete
    assert found.staff_gains
    assert seen[-1][0] < seen[-1][1]
