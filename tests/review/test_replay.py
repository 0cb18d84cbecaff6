"""A replay says what the other bundle would have said, or that nobody can say."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from authz_service.commands import grants
from authz_service.commands.acting import Acting
from authz_service.engine import MISSING, load_policy
from authz_service.engine.plan import PlanKind, any_of, render_plan
from authz_service.facts.bindings import bindings_of
from authz_service.facts.decision import Decider, Situation
from authz_service.facts.request import Request
from authz_service.review import settling
from authz_service.review.recorded import GrantHistory, Range, pages
from authz_service.review.replay import (
    FAILED,
    LISTED,
    NO_LEGEND,
    NO_QUESTION,
    NO_TEXTS,
    STOPPED,
    UNASKED,
    Replay,
    Replayed,
)
from authz_service.trail.changes import Origin
from tests.conftest import on_sqlite_only
from tests.review.conftest import ACCOUNTS, AUTHN, POLICIES, UNREAD, Questions, Recording, edited

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from authz_service.engine import Policy
    from authz_service.storage import AccessStore
    from tests.conftest import StandingClock

CASES = int(os.environ.get("KINGUARD_CASES", "0"))
QUESTIONS = 1_000 + min(CASES, 4_000)
MUTANTS = 8 + min(CASES // 1_000, 24)
SEED = int(os.environ.get("KINGUARD_SEED", "7"))
SIGNED_IN = AUTHN[2]
SECOND_GRANTS = (
    ("mia", "sam", "guardian"),
    ("mia", "dana", "payer"),
    ("rosa", "tom", "payer"),
    ("leo", "dana", "payer"),
)


@pytest.fixture
def recording(seeded_store: AccessStore, policy: Policy, standing_clock: StandingClock) -> Recording:
    return Recording(seeded_store, policy, standing_clock)


def replayed(recording: Recording, new: Policy, **options: Any) -> Replayed:
    return Replay(recording.store.database, new, {recording.policy.digest: recording.policy}.get).run(
        Range(), **options
    )


def asked(recording: Recording, *request: Any, **sent: Any) -> tuple[Any, ...]:
    with recording.store.surveying(("*",)) as access:
        return recording.ask(access, Request(*request, recording.clock.now, sent, SIGNED_IN))


def sum_of(found: Replayed) -> tuple[int, int, int, int]:
    return found.unchanged, found.now_allowed, found.now_denied, found.not_replayable


def record_with_answers(
    recording: Recording, others: list[Policy], seed: int = SEED, count: int = QUESTIONS
) -> list[dict[str, bool]]:
    """Random decisions in records of several items, the grants changed half way; by bundle, what each would answer."""
    deciders = [Decider(other) for other in others]
    answers: list[dict[str, bool]] = [{} for _ in others]
    with recording.store.surveying(("*",)) as survey:
        drawing = Questions.of(survey, recording.policy, seed)
    acting = Acting(recording.store, recording.decider, Origin("test", "r1", "staff/jo"))
    for done in range(0, count, 50):
        if done == count // 100 * 50:
            for client, account, kind in SECOND_GRANTS:
                grants.create_grant(acting, client, {"account_id": account, "kind": kind, "status": "active"})
        recording.clock.advance(hours=drawing.chance.randrange(1, 40))
        items: list[tuple[Any, ...]] = []
        requests = [drawing.draw(recording.clock) for _ in range(50)]
        with recording.store.surveying(("*",)) as access:
            items = [recording.ask(access, request) for request in requests]
            several = [[decider.decide(access, each).allowed for each in requests] for decider in deciders]
        first = recording.write_items(items)
        place = first.rpartition(":")[0]
        for known, answered in zip(answers, several, strict=True):
            known.update({f"{place}:{item}": allowed for item, allowed in enumerate(answered)})
    return answers


def verdicts(recording: Recording, new: Policy) -> dict[str, bool | None]:
    replay = Replay(recording.store.database, new, {recording.policy.digest: recording.policy}.get)
    found = (each for page in pages(recording.store.database, Range()) for each in page)
    return {each.id: replay.verdict(each).allowed for each in found}


def test_the_bundle_that_decided_decides_the_same_again_or_nobody_can_say(recording: Recording) -> None:
    """Replayed against itself, no decision is changed, and only what was not asked of any policy is not replayable."""
    record_with_answers(recording, [])
    found = replayed(recording, recording.policy)
    assert (found.now_allowed, found.now_denied, found.groups) == (0, 0, {})
    assert found.counted == QUESTIONS
    assert set(found.reasons) <= {UNASKED, FAILED}
    assert found.unchanged > QUESTIONS / 4


@on_sqlite_only
def test_each_verdict_is_what_the_other_bundle_really_answers(
    recording: Recording, mutated: Callable[[int, int], list[Policy]]
) -> None:
    """On the same rows at the same instants, for mutants of our bundle: where a verdict is given, it is the answer."""
    others = mutated(MUTANTS, SEED)
    changed = 0
    for other, answers in zip(others, record_with_answers(recording, others), strict=True):
        found = verdicts(recording, other)
        assert {place: known for place, known in found.items() if known is not None} == {
            place: answers[place] for place, known in found.items() if known is not None
        }
        outcome = replayed(recording, other)
        assert outcome.not_replayable == sum(known is None for known in found.values())
        assert sum(group.count for group in outcome.groups.values()) == outcome.now_allowed + outcome.now_denied
        changed += len(outcome.groups)
    assert changed


@on_sqlite_only
def test_what_the_other_bundle_reads_and_nobody_recorded_is_not_guessed(
    seeded_store: AccessStore, policy: Policy, standing_clock: StandingClock, tmp_path: Path
) -> None:
    """A bundle that never read whether an item is withheld left no trace of it; a replay that takes the fact for false
    is caught by the same comparison."""
    recording = Recording(seeded_store, edited(tmp_path / "unread", [UNREAD]), standing_clock)
    (answers,) = record_with_answers(recording, [policy])
    letter = asked(recording, "account", "sam", "view", "document", "doc_mia_letter")
    place = recording.write_items([letter])
    answers[place] = False
    assert letter[7] is True
    found = verdicts(recording, policy)
    assert all(answers[at] is known for at, known in found.items() if known is not None)
    assert found[place] is None
    reasons = replayed(recording, policy).reasons
    assert reasons["resource.withheld was not recorded"] > 0

    real = settling._Asking._read

    def guessing(asking: Any, known: dict[str, Any], *, of_item: bool) -> Any:
        return real(asking, {"resource.withheld": False, **known}, of_item=of_item)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settling._Asking, "_read", guessing)
        wrong = verdicts(recording, policy)
    assert any(answers[at] is not known for at, known in wrong.items() if known is not None)


def test_an_allow_that_ended_the_asking_is_settled_by_the_grants_of_then(recording: Recording, tmp_path: Path) -> None:
    """One grant held then: now denied. Another one held: nobody can say, whatever became of it since.

    A replay that takes what was asked for all there was says no, where the other bundle would have said yes.
    """
    may = 'carer_may(action, resource) and\n    rep.kind = "{}"'
    swap = ("representatives/co_parent.polar", may.format("co_parent"), may.format("payer"))
    other = edited(tmp_path / "new", [swap])
    sees = ("account", "sam", "view", "document", "doc_mia_school")
    alone = recording.write_items([asked(recording, *sees)])
    acting = Acting(recording.store, recording.decider, Origin("test", "r1", "staff/jo"))
    recording.clock.advance(days=1)
    second = grants.create_grant(acting, "mia", {"account_id": "sam", "kind": "guardian", "status": "active"})
    recording.clock.advance(days=1)
    both = recording.write_items([asked(recording, *sees)])
    with recording.store.surveying(("*",)) as access:
        request = Request(*sees, recording.clock.now, {}, SIGNED_IN)
        assert Decider(other).decide(access, request).allowed
    recording.clock.advance(days=1)
    grants.update_grant(acting, second.id, {"status": "ended"}, None)
    found = verdicts(recording, other)
    history = GrantHistory(recording.store.database)
    assert history.count("sam", "mia", recording.at) == 2
    assert found[alone] is False
    assert found[both] is None
    assert replayed(recording, other).reasons == {STOPPED: 1}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GrantHistory, "count", lambda *_: 1)
        assert verdicts(recording, other)[both] is False


@on_sqlite_only
def test_what_cannot_be_replayed_says_why(recording: Recording, policy: Policy, tmp_path: Path) -> None:
    """No grant, an error, a question that is gone, a fact read from elsewhere, a value that is gone: each its words."""
    sees = ("account", "rosa", "view", "invoice", "inv_rosa_1")
    recording.write_items([asked(recording, "account", "maple", "view", "invoice", "inv_mia_1")])
    recording.write_items([asked(recording, "account", "rosa", "fly", "invoice", "inv_rosa_1")])
    recording.write_items([asked(recording, *sees)])
    todo = load_policy(POLICIES.parent / "tests" / "authzen" / "todo")
    assert replayed(recording, todo).reasons == {UNASKED: 1, FAILED: 1, NO_QUESTION: 1}
    assert replayed(recording, policy).unchanged == 1

    elsewhere = edited(
        tmp_path / "elsewhere",
        [("facts.yaml", "from: {match: addressee_id, me: subject.id,", "from: {match: payer_id, me: subject.id,")],
    )
    assert "resource.addressee is read from elsewhere in this bundle" in replayed(recording, elsewhere).reasons


@on_sqlite_only
def test_a_bundle_or_a_legend_that_is_gone_is_said(
    seeded_store: AccessStore, policy: Policy, recording: Recording
) -> None:
    """Without the texts of the bundle that decided nobody knows what its facts meant, nor without their legend."""
    recording.write_items([asked(recording, "account", "rosa", "view", "invoice", "inv_rosa_1")])
    other = load_policy(POLICIES.parent / "tests" / "authzen" / "todo")
    gone = Replay(seeded_store.database, other, lambda _digest: None).run(Range())
    assert gone.reasons == {NO_TEXTS: 1}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("authz_service.review.replay.legend_of", lambda *_: None)
        assert replayed(recording, policy).reasons == {NO_LEGEND: 1}


def test_what_if_questions_are_left_out_and_counted(recording: Recording, policy: Policy) -> None:
    """They enforced nothing, so nothing is replayed."""
    with recording.store.surveying(("*",)) as access:
        request = Request("account", "rosa", "view", "invoice", "inv_rosa_1", recording.clock.now, {}, SIGNED_IN)
        items = [recording.ask(access, request), recording.ask(access, request, what_if="2026-06-16T00:00:00+00:00")]
    recording.write_items(items)
    found = replayed(recording, policy)
    assert (found.counted, found.unchanged, found.what_if) == (1, 1, 1)


@on_sqlite_only
def test_a_range_a_practice_and_a_limit_are_kept_to(recording: Recording, policy: Policy) -> None:
    """The newest decisions of [since, until) of these practices, page by page, none twice and none left out."""
    item = asked(recording, "account", "rosa", "view", "invoice", "inv_rosa_1")
    other = (*item[:6], "harborview", *item[7:])
    begin = recording.at
    for _ in range(7):
        recording.write_items([item, other, item])
        recording.clock.advance(seconds=1)
    with pytest.MonkeyPatch.context() as patch:
        for size in (1, 2, 3, 1000):
            patch.setattr("authz_service.review.recorded.PAGE", size)
            found = [each for page in pages(recording.store.database, Range()) for each in page]
            assert len({each.id for each in found}) == len(found) == 21
            assert [each.at for each in found] == sorted((each.at for each in found), reverse=True)
            wanted = Range(begin + 1_000_000, begin + 3_000_000, {"harborview"})
            part = [each for page in pages(recording.store.database, wanted) for each in page]
            assert [each.at - begin for each in part] == [2_000_000, 1_000_000]
            assert {each.place[3] for each in part} == {1}
    limited = replayed(recording, policy, limit=5)
    assert (limited.counted, limited.complete, limited.oldest) == (5, False, begin + 5_000_000)
    late = replayed(recording, policy, deadline=0.0)
    assert (late.counted, late.complete) == (0, False)


@on_sqlite_only
def test_a_change_names_the_rules_of_then_and_now(recording: Recording, tmp_path: Path) -> None:
    """Grouped by question and direction, with the first records as examples, newly allowed first."""
    other = edited(tmp_path / "new", [UNREAD])
    place = recording.write_items([asked(recording, "account", "sam", "view", "document", "doc_mia_letter")])
    found = replayed(recording, other)
    ((key, group),) = found.groups.items()
    assert key[:4] == ("account", "view", "document", True)
    assert key.rules.before == ("item.withheld",)
    assert key.rules.after[0].startswith("co_parent.")
    assert (group.count, group.examples) == (1, [place])
    assert LISTED not in found.reasons


def planned(access: Any, decider: Decider, request: Request) -> tuple[bool, tuple[Any, ...], list[Situation]]:
    """Whether anything is left of a list over all clients of an account, and the situations that a record names."""
    asked = decider.prepared(*request[:1], *request[2:4])
    assert asked is not None
    plans, situations = [], []
    for client_id in access.clients_of(request.subject_id):
        relation = access.relation(request.subject_id, client_id)
        for seat in decider.derivation.holder_seats(relation, request.now, request.authn):
            bindings = bindings_of(seat.bound, request.resource_type, request.now)
            plans.append(render_plan(asked.question, seat.subject, bindings))
            unread = (MISSING,) * len(asked.question.resource_slots)
            situations.append(Situation(asked.question, seat.grant_id, seat.subject, unread))
    return any_of(plans).kind is not PlanKind.ALWAYS_DENIED, request[:4], situations


@on_sqlite_only
def test_each_verdict_on_a_list_is_what_the_other_bundle_really_leaves(
    recording: Recording, mutated: Callable[[int, int], list[Policy]], tmp_path: Path
) -> None:
    """For every account, action and type: where a verdict is given, something is left just then."""
    others = [*mutated(MUTANTS // 3, SEED + 1), edited(tmp_path / "unread", [UNREAD])]
    deciders = [Decider(other) for other in others]
    answers: list[dict[str, bool]] = [{} for _ in others]
    with recording.store.surveying(("*",)) as access:
        items = []
        for account in ACCOUNTS:
            for kind, actions in recording.policy.resource_types.items():
                for action in actions:
                    request = Request("account", account, action, kind, None, recording.clock.now, {}, SIGNED_IN)
                    allowed, question, situations = planned(access, recording.decider, request)
                    facts = " ".join(map(recording.legend.abbreviate, situations))
                    for known, decider in zip(answers, deciders, strict=True):
                        known[f"decisions:{recording.number + 1}:0:{len(items)}"] = planned(access, decider, request)[0]
                    items.append((*question, None, None, None, allowed, None, facts, None, None))
    recording.write_items(items)
    told = 0
    for other, known in zip(others, answers, strict=True):
        found = verdicts(recording, other)
        assert all(known[place] is verdict for place, verdict in found.items() if verdict is not None)
        told += sum(verdict is not None for verdict in found.values())
    assert told > len(items) * len(others) / 2
