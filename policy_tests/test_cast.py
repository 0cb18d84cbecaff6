"""What follows from the cast, asked the way the service asks: rows, request and clock to facts to decision."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from authz_service.engine import MISSING, load_policy
from authz_service.facts.decision import Decider, Decision, Situation
from authz_service.facts.request import Authn, Request
from authz_service.facts.snapshot import Snapshot
from models.vocabulary import Feature, StaffRole
from policy_tests import oracle
from policy_tests.world.load import access, load_world

WORLD = load_world()
NORTHGATE_CLIENTS = ("rosa", "mia", "leo", "noah", "arlo", "dana")
FAMILIES = tuple(WORLD.accounts)
STAFF = tuple(WORLD.staff)


@cache
def decider() -> Decider:
    return Decider(load_policy(Path(__file__).parents[1] / "policies"))


@cache
def as_told() -> Snapshot:
    return access(WORLD)


def decide(
    who: str, action: str, item_type: str, item: str, client: str | None = None, *, world: Snapshot | None = None
) -> Decision:
    """The decision on an item of the cast; what has no item of its own is named by its client."""
    request = Request(
        subject_type="staff" if who in WORLD.staff else "account",
        subject_id=who,
        action=action,
        resource_type=item_type,
        resource_id=item,
        now=WORLD.now,
        properties={} if client is None else {"client_id": client},
        authn=Authn(amr=("pwd",), password_change_due=False),
    )
    decision = decider().decide(world or as_told(), request)
    assert decision.error is None, decision.error
    return decision


def may(
    who: str, action: str, item_type: str, item: str, client: str | None = None, *, world: Snapshot | None = None
) -> bool:
    """Whether that is allowed."""
    return decide(who, action, item_type, item, client, world=world).allowed


def viewers(item_type: str, item: str, world: Snapshot | None = None) -> set[str]:
    """The accounts that may view an item."""
    return {who for who in FAMILIES if may(who, "view", item_type, item, world=world)}


def seen_by(who: str, item_type: str, world: Snapshot | None = None) -> set[str]:
    """The items of a type that somebody may view, in every practice."""
    items = [item for kind, item in WORLD.records if kind == item_type]
    return {item for item in items if may(who, "view", item_type, item, world=world)}


def calendars_of(who: str) -> set[str]:
    return {client for client in WORLD.clients if may(who, "view", "calendar", client, client)}


def switched_on(snapshot: Snapshot, grant_id: str, *features: Feature) -> Snapshot:
    """The same world with toggles of one grant on."""
    grant = snapshot.grants[grant_id]
    changed = replace(grant, toggles=dict(grant.toggles) | dict.fromkeys(features, True))
    return varied(snapshot, grants=[changed if row.id == grant_id else row for row in snapshot.grants.values()])


def varied(snapshot: Snapshot, **rows: object) -> Snapshot:
    """The same world with some tables exchanged."""
    tables = {
        "practices": snapshot.practices.values(),
        "clients": snapshot.clients.values(),
        "accounts": snapshot.accounts.values(),
        "staff": snapshot.staff.values(),
        "grants": snapshot.grants.values(),
        "withheld": snapshot.withheld,
        "blocks": snapshot.blocks,
        "items": snapshot.items,
    }
    return Snapshot(**(tables | rows))  # type: ignore[arg-type]


VIEWERS = [
    ("invoice", "inv_rosa_1", {"rosa", "tom"}),
    ("invoice", "inv_rosa_2", {"harbor"}),
    ("invoice", "inv_arlo_1", {"harbor"}),
    ("invoice", "inv_arlo_2", {"maple"}),
    ("invoice", "inv_mia_1", {"dana"}),
    ("invoice", "inv_mia_2", set()),
    ("invoice", "inv_mia_3", {"gus"}),
    ("invoice", "inv_dana_1", {"dana"}),
    ("service_plan", "plan_rosa", {"rosa"}),
    ("service_plan", "plan_mia", set()),
    ("service_plan", "plan_leo", {"leo"}),
    ("service_plan", "plan_arlo", set()),
    ("service_plan", "plan_dana", {"dana"}),
    ("document", "doc_mia_consent", {"dana", "sam"}),
    ("document", "doc_mia_consent_dana", {"dana"}),
    ("document", "doc_mia_consent_sam", {"sam"}),
    ("document", "doc_mia_school", {"dana", "sam"}),
    ("document", "doc_mia_letter", {"dana"}),
    ("document", "doc_leo_private", {"leo"}),
    ("document", "doc_leo_school", {"dana", "leo", "sam"}),
    ("document", "doc_rosa_summary", {"rosa", "tom"}),
    ("document", "doc_rosa_draft", set()),
    ("clinical_note", "note_rosa_1", set()),
    ("treatment_plan", "tp_rosa_1", set()),
    ("form", "form_rosa_intake", {"rosa", "tom"}),
    ("form", "form_mia_intake", {"dana"}),
    ("form", "form_mia_consent", {"dana"}),
    ("form", "form_mia_privacy", {"dana"}),
    ("thread", "thr_rosa_ken", {"rosa"}),
    ("thread", "thr_dana_ken", {"dana"}),
    ("thread", "thr_leo_lea", {"leo"}),
    ("payment", "pay_rosa_1", {"rosa", "tom"}),
    ("payment", "pay_mia_1", {"dana"}),
    ("payment", "pay_arlo_1", set()),
]


@pytest.mark.parametrize(("item_type", "item", "expected"), VIEWERS, ids=[item for _, item, _ in VIEWERS])
def test_an_item_is_seen_by_exactly_these_families(item_type: str, item: str, expected: set[str]) -> None:
    """Each item of northgate is viewed by the accounts listed, and by no other account of any practice."""
    assert viewers(item_type, item) == expected


def test_every_item_of_northgate_is_listed() -> None:
    """No item but the appointments, which follow the calendars, is left out of the table."""
    items = {item.id for item in WORLD.records.values() if item.practice == "northgate" and item.type != "appointment"}
    assert items == {item for _, item, _ in VIEWERS}


CALENDARS = [
    ("rosa", {"rosa"}),
    ("dana", {"dana", "mia", "leo", "wren"}),
    ("sam", {"mia", "leo"}),
    ("leo", {"leo"}),
    ("tom", {"rosa", "arlo"}),
    ("harbor", {"rosa", "arlo"}),
    ("maple", {"arlo"}),
    ("gus", set()),
    ("ada", {"arlo"}),
    ("cara", {"noah"}),
    ("pam", set()),
    ("exa", set()),
    ("uma", {"uma"}),
    ("vic", {"vic"}),
]


@pytest.mark.parametrize(("who", "expected"), CALENDARS, ids=[who for who, _ in CALENDARS])
def test_a_calendar_is_seen_with_its_appointments(who: str, expected: set[str]) -> None:
    """An account views exactly these clients' calendars, and exactly their appointments."""
    assert calendars_of(who) == expected
    appointments = {
        item.id for item in WORLD.records.values() if item.type == "appointment" and item.client in expected
    }
    assert seen_by(who, "appointment") == appointments


def test_harbor_sees_its_invoices_and_two_calendars_and_nothing_else() -> None:
    """A payer reaches invoices addressed to it and the calendars of its clients, and no other kind of thing."""
    kinds = {kind for kind, item in WORLD.records if may("harbor", "view", kind, item)}
    assert kinds == {"invoice", "appointment"}
    assert seen_by("harbor", "invoice") == {"inv_rosa_2", "inv_arlo_1"}
    assert not any(may("harbor", "view", "profile", client, client) for client in NORTHGATE_CLIENTS)


def test_tom_sees_of_arlo_the_calendar_and_no_invoice() -> None:
    """Toggles of one grant say nothing about another grant of the same account."""
    assert seen_by("tom", "invoice") == {"inv_rosa_1"}
    assert seen_by("tom", "service_plan") == set()
    assert may("tom", "pay", "invoice", "inv_rosa_1")


def test_sam_sees_one_invoice_once_invoices_are_on() -> None:
    """The toggle shows a co-parent what is addressed to them and nothing addressed to the other parent."""
    assert seen_by("sam", "invoice") == set()
    assert seen_by("sam", "invoice", switched_on(as_told(), "g_sam_mia", Feature.INVOICES)) == {"inv_mia_2"}


def test_sam_never_sees_the_withheld_letter_whatever_is_on() -> None:
    """A withheld item stays withheld with every toggle on."""
    everything = switched_on(as_told(), "g_sam_mia", *Feature)
    assert "doc_mia_letter" not in seen_by("sam", "document", everything)
    assert not may("sam", "download", "document", "doc_mia_letter", world=everything)
    assert "doc_mia_school" in seen_by("sam", "document", everything)


def test_tom_never_sees_the_plan_though_it_is_switched_on() -> None:
    """No toggle gives an emergency contact the plan."""
    assert WORLD.grants["g_tom_rosa"].toggles[Feature.SERVICE_PLAN]
    assert not may("tom", "view", "service_plan", "plan_rosa")


def test_pam_is_denied_while_the_invitation_is_open() -> None:
    """A pending grant reaches nothing, not even the portal."""
    assert not may("pam", "open", "portal", "noah", "noah")
    assert not may("pam", "view", "calendar", "noah", "noah")


def test_exa_has_nothing_left() -> None:
    """An ended grant reaches nothing."""
    assert not may("exa", "open", "portal", "mia", "mia")
    assert all(not may("exa", "view", kind, item) for kind, item in WORLD.records)


def test_leo_reads_the_thread_but_cannot_send() -> None:
    """A message needs a subscribed therapist."""
    assert may("leo", "view", "thread", "thr_leo_lea")
    assert not may("leo", "send", "thread", "thr_leo_lea")
    assert may("dana", "send", "thread", "thr_dana_ken")
    assert may("rosa", "send", "thread", "thr_rosa_ken")


def test_each_parent_signs_their_own_copy() -> None:
    """A copy is signed by the one whose copy it is."""
    copies = ("doc_mia_consent_dana", "doc_mia_consent_sam")
    assert [may("dana", "sign", "document", copy) for copy in copies] == [True, False]
    assert [may("sam", "sign", "document", copy) for copy in copies] == [False, True]


@pytest.mark.parametrize("who", ["hal", "sol"])
def test_staff_of_another_practice_see_nothing_of_northgate(who: str) -> None:
    """A tenant's staff reach nothing of another tenant, calendars and client records included."""
    items = [item for item in WORLD.records.values() if item.practice == "northgate"]
    assert not any(may(who, "view", item.type, item.id) for item in items)
    assert not any(may(who, "view", kind, c, c) for kind in ("client", "calendar") for c in NORTHGATE_CLIENTS)


def test_families_of_other_practices_see_nothing_of_northgate() -> None:
    """One practice never sees another's; dana crosses the border only through her own grants."""
    items = [item for item in WORLD.records.values() if item.practice == "northgate"]
    assert not any(may(who, "view", item.type, item.id) for who in ("uma", "vic") for item in items)
    assert {item for item in seen_by("dana", "invoice") if item.startswith("inv_wren")} == {"inv_wren_1"}
    assert not may("dana", "view", "invoice", "inv_vic_1")


def test_clinical_records_are_seen_by_the_assigned_therapist_alone() -> None:
    """Nobody views note_rosa_1 but ken, who treats rosa."""
    assert {who for who in (*FAMILIES, *STAFF) if may(who, "view", "clinical_note", "note_rosa_1")} == {"ken"}


def test_a_therapist_sees_the_clients_assigned_and_a_reviewer_none() -> None:
    """Staff roles bound what of the practice is seen."""
    assert {client for client in WORLD.clients if may("lea", "view", "client", client, client)} == {"leo", "noah"}
    assert seen_by("rex", "document") == seen_by("rex", "invoice") == seen_by("rex", "appointment") == set()
    assert seen_by("bea", "document") == set()
    assert len(seen_by("bea", "invoice")) == 8
    assert StaffRole.BILLER in WORLD.staff["bea"].roles


def test_jo_manages_grants_and_switches_and_the_others_do_not() -> None:
    """Toggles are the administrators' business."""
    managers = {who for who in (*FAMILIES, *STAFF) if may(who, "update", "grant", "g_sam_mia", "mia")}
    assert managers == {"priya", "jo"}


@pytest.mark.parametrize("who", [*FAMILIES, *STAFF])
def test_the_oracle_agrees_on_every_item_and_action(who: str) -> None:
    """For each item of the cast and each action on it, the service decides as the oracle does on the same facts."""
    for (item_type, item), action in (
        (key, action) for key in WORLD.records for action in decider().policy.resource_types[key[0]]
    ):
        decision = decide(who, action, item_type, item)
        opinions = [oracle_opinion(situation) for situation in decision.situations]
        assert decision.allowed == any(opinions), (who, action, item)


def oracle_opinion(situation: Situation) -> bool:
    """The oracle on a situation; what the policy did not need to know gets any value."""
    question = situation.question
    subject, resource = (
        {fact.key: fact.values[0] if value is MISSING else value for fact, value in zip(declared, values, strict=True)}
        for declared, values in (
            (question.subject_slots, situation.subject),
            (question.resource_slots, situation.resource),
        )
    )
    return oracle.allowed(question.subject_type, subject, question.action, question.resource_type, resource)


def test_without_the_withholding_sam_sees_the_letter() -> None:
    """Control: it is the withholding that hides the letter."""
    assert viewers("document", "doc_mia_letter", varied(as_told(), withheld=[])) == {"dana", "sam"}
