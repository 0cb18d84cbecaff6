"""One decision: over all grants, from what was sent and registered, and what is denied before the policy is asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from authz_service.engine import BundleError
from authz_service.engine.facts import Side
from authz_service.engine.facts_file import read_facts
from authz_service.facts.decision import Decider, Decision, Reason
from authz_service.facts.derive import Derivation
from authz_service.facts.request import Authn, Request
from authz_service.facts.rows import EmergencyAccess
from authz_service.facts.snapshot import Snapshot
from models.vocabulary import Feature, Kind
from policy_tests.world.load import access, load_world
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from authz_service.engine import Policy

NOW = load_world().now
OPEN_INVOICE = {"client_id": "mia", "addressee_id": "dana", "state": "open", "balance_due_cents": 100}


@pytest.fixture(scope="module")
def rows() -> Snapshot:
    return access(load_world())


def changed(rows: Snapshot, **kept: Any) -> Snapshot:
    """The cast with some kinds of rows replaced."""
    given: dict[str, Any] = {
        "practices": rows.practices.values(),
        "clients": rows.clients.values(),
        "accounts": rows.accounts.values(),
        "staff": rows.staff.values(),
        "grants": rows.grants.values(),
        "withheld": rows.withheld,
        "blocks": rows.blocks,
        "items": rows.items,
    }
    return Snapshot(**{**given, **kept})


@pytest.fixture
def ask(decider: Decider, rows: Snapshot) -> Callable[..., Decision]:
    def put(
        subject: str, action: str, kind: str, item: str | None, *, on: Snapshot = rows, now: datetime = NOW, **sent: Any
    ) -> Decision:
        subject_type, subject_id = subject.split("/")
        return decider.decide(on, Request(subject_type, subject_id, action, kind, item, now, sent))

    return put


@pytest.mark.parametrize(
    ("subject", "action", "kind", "item", "sent", "reason"),
    [
        ("account/zed", "view", "invoice", "inv_mia_1", {}, Reason.UNKNOWN_SUBJECT),
        ("staff/zed", "view", "invoice", "inv_mia_1", {}, Reason.UNKNOWN_SUBJECT),
        ("account/dana", "view", "invoice", "x", {"client_id": "zed"}, Reason.UNKNOWN_CLIENT),
        ("account/rosa", "view", "invoice", "inv_mia_1", {}, Reason.NO_GRANT),
        ("account/dana", "view", "spaceship", "x", {}, Reason.UNKNOWN_QUESTION),
        ("account/dana", "fly", "invoice", "inv_mia_1", {}, Reason.UNKNOWN_QUESTION),
        ("robot/dana", "view", "invoice", "inv_mia_1", {}, Reason.UNKNOWN_QUESTION),
        ("account/dana", "view", "invoice", "unregistered", {}, Reason.NO_CLIENT),
        ("account/dana", "view", "invoice", "x", {"client_id": 7}, Reason.NO_CLIENT),
        ("account/dana", "view", "invoice", "inv_mia_1", {"client_id": "wren"}, Reason.WRONG_CLIENT),
        ("staff/jo", "view", "invoice", "inv_mia_1", {"client_id": "rosa"}, Reason.WRONG_CLIENT),
        ("staff/jo", "view", "client", "mia", {"practice_id": "harborview"}, Reason.WRONG_CLIENT),
        ("account/dana", "view", "invoice", "x", {"client_id": "mia", "practice_id": "solo"}, Reason.WRONG_CLIENT),
    ],
)
def test_what_is_unknown_or_contradicts_itself_is_denied(  # noqa: PLR0917
    ask: Callable[..., Decision], subject: str, action: str, kind: str, item: str, sent: dict[str, Any], reason: Reason
) -> None:
    """Each with its reason, before any rule is asked."""
    decision = ask(subject, action, kind, item, **sent)
    assert (decision.allowed, decision.reason, decision.situations) == (False, reason, ())


def test_what_is_sent_wins_over_what_is_registered_property_by_property(ask: Callable[..., Decision]) -> None:
    """The state sent counts, the addressee stays the registered one."""
    assert ask("account/dana", "pay", "invoice", "inv_mia_1").allowed
    assert not ask("account/dana", "pay", "invoice", "inv_mia_1", state="paid").allowed
    assert not ask("account/dana", "view", "invoice", "inv_mia_1", addressee_id="sam").allowed
    assert ask("account/dana", "view", "invoice", "inv_mia_2", addressee_id="dana").allowed


def test_what_is_neither_sent_nor_registered_is_missing(ask: Callable[..., Decision]) -> None:
    """The error names the facts and their properties; an explicit null is a value."""
    decision = ask("account/dana", "view", "invoice", "new", client_id="mia", state="open")
    assert decision.missing == ("resource.addressee",)
    assert decision.error is not None
    assert "property addressee_id" in decision.error
    assert ask("account/dana", "view", "invoice", "new", client_id="mia", state="open", addressee_id=None).allowed


def test_a_question_that_no_missing_fact_could_turn_is_answered(ask: Callable[..., Decision]) -> None:
    """Denied without an error where every completion is denied."""
    decision = ask("account/exa", "view", "invoice", "new", client_id="mia")
    assert (decision.allowed, decision.error, decision.missing) == (False, None, ())


def test_without_an_id_nobody_knows_whether_an_item_is_withheld(ask: Callable[..., Decision]) -> None:
    """Leaving the id away is no way round."""
    assert ask("account/dana", "view", "invoice", "inv_new", **OPEN_INVOICE).allowed
    decision = ask("account/dana", "view", "invoice", None, **OPEN_INVOICE)
    assert not decision.allowed
    assert decision.missing == ("resource.withheld",)


@pytest.mark.parametrize(
    ("kind", "action", "sent", "told"),
    [
        ("invoice", "view", {**OPEN_INVOICE, "state": "lost"}, "'state' has the value 'lost'"),
        ("invoice", "view", {**OPEN_INVOICE, "state": None}, "'state' has the value None"),
        ("invoice", "view", {**OPEN_INVOICE, "state": ["open"]}, "'state'"),
        ("invoice", "view", {**OPEN_INVOICE, "addressee_id": 5}, "'addressee_id'"),
        ("invoice", "pay", {**OPEN_INVOICE, "balance_due_cents": "100"}, "'balance_due_cents'"),
        ("invoice", "pay", {**OPEN_INVOICE, "balance_due_cents": True}, "'balance_due_cents'"),
        ("thread", "view", {"client_id": "mia", "participant_ids": "dana"}, "'participant_ids'"),
        ("thread", "view", {"client_id": "mia", "participant_ids": ["dana", 1]}, "'participant_ids'"),
        (
            "appointment",
            "cancel",
            {"client_id": "mia", "provider_id": "ken", "state": "booked", "starts_at": "2026-06-20T10:00"},
            "'starts_at'",
        ),
    ],
)
def test_a_raw_value_that_means_nothing_is_denied_and_named(
    ask: Callable[..., Decision], kind: str, action: str, sent: dict[str, Any], told: str
) -> None:
    """The property and its value stand in the error."""
    decision = ask("account/dana", action, kind, "new", **sent)
    assert not decision.allowed
    assert decision.error is not None
    assert told in decision.error


def test_several_grants_are_an_or_and_the_one_that_allowed_is_named(
    rows: Snapshot, ask: Callable[..., Decision]
) -> None:
    """Gus as guarantor sees what is addressed to him; as a co-parent too he sees documents through that grant."""
    second = replace(
        rows.grants["g_gus_mia"], id="g_gus_mia_2", kind=Kind.CO_PARENT, toggles=dict.fromkeys(Feature, True)
    )
    both = changed(rows, grants=[*rows.grants.values(), second])
    assert not ask("account/gus", "view", "document", "doc_mia_school").allowed
    decision = ask("account/gus", "view", "document", "doc_mia_school", on=both)
    assert (decision.allowed, decision.grant_id) == (True, "g_gus_mia_2")
    assert ask("account/gus", "view", "invoice", "inv_mia_3", on=both).grant_id == "g_gus_mia"


def test_withholding_and_blocks_bind_every_grant_of_the_account(rows: Snapshot, ask: Callable[..., Decision]) -> None:
    """They belong to account and client, not to a grant."""
    second = replace(rows.grants["g_sam_mia"], id="g_sam_mia_2", kind=Kind.GUARDIAN)
    both = changed(rows, grants=[*rows.grants.values(), second])
    assert ask("account/sam", "view", "document", "doc_mia_school", on=both).allowed
    assert not ask("account/sam", "view", "document", "doc_mia_letter", on=both).allowed
    blocked = changed(both, blocks=[("sam", "mia")])
    assert not ask("account/sam", "view", "document", "doc_mia_school", on=blocked).allowed
    assert ask("account/sam", "view", "document", "doc_leo_school", on=blocked).allowed


def test_a_staff_members_question_needs_a_practice(ask: Callable[..., Decision]) -> None:
    """Sent, or that of the client or item; the policy itself belongs to every practice."""
    assert ask("staff/jo", "view", "trail", "x", practice_id="northgate").allowed
    assert not ask("staff/jo", "view", "trail", "x", practice_id="harborview").allowed
    assert ask("staff/jo", "view", "trail", "x").missing == ("subject.tenancy",)
    assert ask("staff/rex", "view", "policy", "current").allowed
    assert ask("staff/jo", "update", "grant", "g_sam_mia").allowed
    assert not ask("staff/hal", "update", "grant", "g_sam_mia").allowed


def test_emergency_access_opens_and_closes_by_itself(rows: Snapshot, ask: Callable[..., Decision]) -> None:
    """Only its holder, only this client, only from its start until before its end."""
    opened = changed(rows, emergencies=[EmergencyAccess("lea", "rosa", NOW, NOW + timedelta(hours=1))])
    minute = timedelta(minutes=1)
    for now, allowed in ((NOW - minute, False), (NOW, True), (NOW + 59 * minute, True), (NOW + 60 * minute, False)):
        assert ask("staff/lea", "view", "profile", "p", client_id="rosa", on=opened, now=now).allowed is allowed
    assert not ask("staff/lea", "view", "profile", "p", client_id="mia", on=opened).allowed
    assert not ask("staff/sky", "view", "profile", "p", client_id="rosa", on=opened).allowed


def test_a_second_factor_is_asked_where_the_practice_or_the_profile_asks(policy: Any, rows: Snapshot) -> None:
    """In a decider for production of staff always; of families where their practice says so."""
    question = Request("staff", "jo", "view", "client", "mia", NOW)
    strong = question._replace(authn=Authn(amr=("pwd", "otp")))
    production = Decider(policy, second_factor_for_staff=True)
    assert Decider(policy).decide(rows, question).allowed
    assert not production.decide(rows, question).allowed
    assert production.decide(rows, strong).allowed


def test_what_is_remembered_of_a_relation_is_what_would_be_derived_anew(policy: Any) -> None:
    """Over the instants around every birthday and end of a window, in any order, with and without a second factor."""
    world = load_world()
    remembering, derivation = access(world), Derivation(policy)
    points = [NOW + timedelta(days=days, seconds=seconds) for days in range(-420, 3000, 35) for seconds in (0, 43_199)]
    ends = [NOW.replace(year=2026, month=12, day=31, hour=8), NOW.replace(year=2029, month=9, day=30, hour=7)]
    points += [end + timedelta(microseconds=step) for end in ends for step in (-1, 0, 1)]
    pairs = [(grant.account_id, grant.client_id) for grant in remembering.grants.values()]
    authns = (Authn(), Authn(amr=("otp",)), Authn(password_change_due=True))
    for number, now in enumerate([*points, *reversed(points)]):
        authn = authns[number % 3]
        for account, client in pairs:
            kept = remembering.relation(account, client)
            assert kept is not None
            fresh = replace(kept, memo={})
            assert derivation.holder_seats(kept, now, authn) == derivation.holder_seats(fresh, now, authn)


@pytest.mark.parametrize(
    ("line", "typo", "told"),
    [
        ("from: {store: grant.kind}", "from: {store: grant.kinds}", "nothing is kept under the name grant.kinds"),
        ("from: {code: grant_window}", "from: {code: grant_windows}", "grant_windows"),
        ("from: {store: withheld_ids}", "from: {store: withheld}", "did you mean withheld_ids"),
        ("from: {code: appointment_timing}", "from: {code: timing}", "no function named timing"),
        ("from: {member: signer_ids, of: subject.id}", "from: {member: signer_ids, of: store.me}", "nothing is bound"),
        (
            "from: {match: copy_of, mine: subject.id, none: null}",
            "from: {match: copy_of, mine: subject.id}",
            "both left over",
        ),
    ],
)
def test_a_source_that_does_not_exist_fails_the_load_with_file_and_line(line: str, typo: str, told: str) -> None:
    """A `from` is followed when the policy is prepared, not when the first question needs it."""
    text = (ROOT / "policies" / "facts.yaml").read_text()
    start = text.index("facts:\n")
    wanted = text[start : text.index("# Situations that cannot occur")]
    assert line in wanted
    with pytest.raises(BundleError) as caught:
        Derivation(cast("Policy", Declared(text[:start] + wanted.replace(line, typo))))
    (problem,) = caught.value.problems
    assert problem.file == "facts.yaml"
    assert problem.line > 0
    assert told in problem.message


class Declared:
    """The facts of a bundle, whose rules do not matter here."""

    def __init__(self, text: str) -> None:
        self.facts = read_facts(text)
        assert self.facts.problems == []
        self.subject_types = tuple(self.facts.subjects)
        self.resource_types = {name: tuple(declared.actions) for name, declared in self.facts.resources.items()}

    def subject_slots(self, name: str) -> Any:
        return self.facts.slots(Side.SUBJECT, name)

    def resource_slots(self, name: str) -> Any:
        return self.facts.slots(Side.RESOURCE, name)
