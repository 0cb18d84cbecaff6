"""The oracle says what the design says, sentence by sentence, and leans on nothing of the product."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from models.vocabulary import Feature, StaffRole
from policy_tests import oracle

# Somebody with every switch and toggle on, whom nothing stands in the way of.
PERSON: dict[str, Any] = {
    "kind": "self",
    "status": "active",
    "window": "current",
    "blocked": False,
    "account.state": "active",
    "account.password": "settled",
    "proof": "none",
    "second_factor": False,
    "practice.second_factor": False,
    "practice.contacts": True,
    "practice.plan_audience": "client_only",
    "practice.card_processing": True,
    "client.active": True,
    "client.age": "child",
    "client.assent": "given",
    **{f"{level}.{feature}": True for level in ("practice.switch", "client.switch", "toggle") for feature in Feature},
}
WORKER: dict[str, Any] = {
    "tenancy": "own",
    "state": "active",
    "assigned": False,
    "subscribed": False,
    "may_invite": False,
    "emergency": False,
    "second_factor": False,
    "practice.second_factor": False,
    **{f"role.{role}": False for role in StaffRole},
    **{f"practice.switch.{feature}": True for feature in Feature},
}
INVOICE = {"withheld": False, "addressee": "me", "invoice_state": "open", "balance_due": True}
PLAN = {"withheld": False, "plan_state": "released"}
DOCUMENT = {
    "withheld": False,
    "category": "general",
    "document_state": "released",
    "copy": "none",
    "signer_rule": "nobody",
    "named_signer": False,
}
THREAD = {
    "withheld": False,
    "participant": True,
    "provider_subscribed": True,
    "provider_assigned": True,
    "client_reachable": True,
}
APPOINTMENT = {
    "withheld": False,
    "provider_subscribed": True,
    "provider_assigned": True,
    "provider_available": True,
    "appointment_state": "booked",
    "timing": "ahead",
}
ITEMS: dict[str, dict[str, Any]] = {
    "invoice": INVOICE,
    "service_plan": PLAN,
    "document": DOCUMENT,
    "thread": THREAD,
    "appointment": APPOINTMENT,
}

FAMILY_SENTENCES = [
    ("The client sees the plan.", {}, "service_plan.view", {}, True),
    ("Nobody sees a plan that is not released.", {}, "service_plan.view", {"plan_state": "draft"}, False),
    ("An emergency contact never sees the plan.", {"kind": "emergency_contact"}, "service_plan.view", {}, False),
    ("By default a guardian does not see the plan.", {"kind": "guardian"}, "service_plan.view", {}, False),
    (
        "A guardian sees it where the practice says so.",
        {"kind": "guardian", "practice.plan_audience": "client_and_guardians"},
        "service_plan.view",
        {},
        True,
    ),
    (
        "An emergency contact sees an invoice to the client.",
        {"kind": "emergency_contact"},
        "invoice.view",
        {"addressee": "client"},
        True,
    ),
    ("A guardian does not.", {"kind": "guardian"}, "invoice.view", {"addressee": "client"}, False),
    ("A payer sees an invoice addressed to the payer.", {"kind": "payer"}, "invoice.view", {}, True),
    ("A payer sees no invoice to nobody.", {"kind": "payer"}, "invoice.view", {"addressee": "nobody"}, False),
    ("A payer sees no document.", {"kind": "payer"}, "document.view", {}, False),
    ("A guarantor pays.", {"kind": "guarantor"}, "invoice.pay", {}, True),
    ("A guarantor does not print.", {"kind": "guarantor"}, "invoice.print", {}, False),
    ("A guarantor sees no calendar.", {"kind": "guarantor"}, "calendar.view", {}, False),
    ("Without card processing nobody pays.", {"practice.card_processing": False}, "invoice.pay", {}, False),
    ("A co-parent sees nothing of the other's.", {"kind": "co_parent"}, "invoice.view", {"addressee": "other"}, False),
    ("The practice's switch binds the client too.", {"practice.switch.invoices": False}, "invoice.view", {}, False),
    (
        "Contacts are silent when not allowed.",
        {"kind": "guardian", "practice.contacts": False},
        "portal.open",
        {},
        False,
    ),
    ("The client is not.", {"practice.contacts": False}, "portal.open", {}, True),
    ("A pending grant reaches nothing.", {"status": "pending"}, "portal.open", {}, False),
    ("A blocked person reaches nothing.", {"blocked": True}, "portal.open", {}, False),
    ("A withheld item is not shown.", {}, "document.view", {"withheld": True}, False),
    (
        "Minor-consented items are the minor's own.",
        {"client.age": "teen"},
        "document.view",
        {"category": "minor_consented"},
        True,
    ),
    ("A guardian never sees them.", {"kind": "guardian"}, "document.view", {"category": "minor_consented"}, False),
    (
        "While a teen's assent is withheld, a guardian has no documents.",
        {"kind": "guardian", "client.age": "teen", "client.assent": "withheld"},
        "document.view",
        {},
        False,
    ),
    ("A thread is its participants'.", {"kind": "emergency_contact"}, "thread.view", {"participant": False}, False),
    ("No message goes to staff without subscription.", {}, "thread.send", {"provider_subscribed": False}, False),
    ("After care ended, history stays.", {"client.active": False}, "invoice.view", {}, True),
    ("And nothing new begins.", {"client.active": False}, "appointment.request", {}, False),
    ("On short notice nothing is cancelled.", {}, "appointment.cancel", {"timing": "short_notice"}, False),
    ("Of an adult, a guardian needs proof.", {"kind": "guardian", "client.age": "adult"}, "portal.open", {}, False),
    (
        "With proof it is as before.",
        {"kind": "guardian", "client.age": "adult", "proof": "on_file"},
        "portal.open",
        {},
        True,
    ),
    ("Clinical notes reach nobody.", {}, "clinical_note.view", {}, False),
]
STAFF_SENTENCES = [
    ("An administrator updates grants.", {"role.administrator": True}, "grant.update", True),
    ("Not in another practice.", {"role.administrator": True, "tenancy": "other"}, "grant.update", False),
    (
        "A therapist sees a client's notes when assigned.",
        {"role.therapist": True, "assigned": True},
        "clinical_note.view",
        True,
    ),
    ("And not otherwise.", {"role.therapist": True}, "clinical_note.view", False),
    ("Nor does an owner.", {"role.owner": True}, "clinical_note.view", False),
    ("Emergency access opens them.", {"role.owner": True, "emergency": True}, "clinical_note.view", True),
    ("A reviewer reads the policy.", {"role.reviewer": True}, "policy.view", True),
    ("A reviewer sees no client.", {"role.reviewer": True}, "client.view", False),
    ("Only the owner deploys.", {"role.administrator": True}, "policy.deploy", False),
    ("And does.", {"role.owner": True}, "policy.deploy", True),
]


@pytest.mark.parametrize(
    ("says", "who", "task", "item", "expected"), FAMILY_SENTENCES, ids=[s for s, *_ in FAMILY_SENTENCES]
)
def test_a_sentence_about_families_holds(
    says: str, who: dict[str, Any], task: str, item: dict[str, Any], expected: bool
) -> None:
    """Each sentence of the design about families is the oracle's answer too."""
    kind, action = task.split(".")
    assert oracle.allowed("account", PERSON | who, action, kind, ITEMS.get(kind, {}) | item) is expected, says


@pytest.mark.parametrize(("says", "who", "task", "expected"), STAFF_SENTENCES, ids=[s for s, *_ in STAFF_SENTENCES])
def test_a_sentence_about_staff_holds(says: str, who: dict[str, Any], task: str, expected: bool) -> None:
    """Each sentence of the design about staff is the oracle's answer too."""
    kind, action = task.split(".")
    assert oracle.allowed("staff", WORKER | who, action, kind, ITEMS.get(kind, {})) is expected, says


def test_what_is_not_in_the_tables_is_denied() -> None:
    """An unknown subject type, action or resource type is a no."""
    assert not oracle.allowed("robot", PERSON, "open", "portal", {})
    assert not oracle.allowed("account", PERSON, "shred", "document", DOCUMENT)
    assert not oracle.allowed("staff", WORKER | {"role.owner": True}, "view", "diary", {})


def test_the_oracle_is_a_second_opinion_and_not_the_first_again() -> None:
    """It imports nothing of the product and reads no file; it is short enough to be read beside the design."""
    text = Path(oracle.__file__).read_text(encoding="utf-8")
    imported = {
        name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }
    assert imported <= {"__future__", "typing", "collections.abc"}
    assert "open(" not in text
    assert len(text.splitlines()) < 300
