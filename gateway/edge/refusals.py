"""What a refused reader is told: the service's reason turned into plain words that fit the reader.

The service decides what may be told; a reason that this page does not know is told without saying why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models.vocabulary import Feature, Kind, PlanAudience

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.edge.reader import ClientInView

NOT_FOUND = "not_found"


@dataclass(frozen=True, slots=True)
class Refusal:
    """The model of `refused.html`.

    `code` is the service's reason (kind, practice_switch, toggle, ...), `sentence` what is the matter,
    `remedy` who can change it ("The practice can switch them on."), or None when nobody can.
    """

    code: str
    sentence: str
    remedy: str | None


@dataclass(frozen=True, slots=True)
class _Matter:
    """What a sentence may speak of. `facts` are the values of the facts that may be told, by name."""

    client: ClientInView
    subject: str  # "Invoices"
    is_one: bool
    facts: Mapping[str, Any]

    @property
    def verb(self) -> str:
        return "is" if self.is_one else "are"

    @property
    def it(self) -> str:
        return "it" if self.is_one else "them"


def refusal_of(told: Mapping[str, Any] | None, client: ClientInView, resource_type: str) -> Refusal | None:
    """The reason `{"code", "facts": [{"fact", "value"}]}` in words; None when it must read as a missing page."""
    if told is None:
        return None
    code, facts = _reason(told)
    if code is None or code == NOT_FOUND:
        return None
    subject, is_one = _SUBJECTS[_feature(facts, resource_type)]
    sentence, remedy = _WORDS.get(code, _untold)(_Matter(client, subject, is_one, facts))
    return Refusal(code, sentence, remedy)


def staff_refusal() -> Refusal:
    """What staff are told: their role does not reach this."""
    return Refusal(
        "role",
        "Your role at the practice does not include this page.",
        "An owner or administrator can change your role.",
    )


def _reason(told: Mapping[str, Any]) -> tuple[str | None, Mapping[str, Any]]:
    code = told.get("code")
    facts = told.get("facts")
    if not isinstance(code, str) or not isinstance(facts, list):
        return None, {}
    return code, {fact["fact"]: fact["value"] for fact in facts if isinstance(fact, dict) and "fact" in fact}


def _feature(facts: Mapping[str, Any], resource_type: str) -> Feature:
    """The feature that the facts name, or else the one that the page belongs to."""
    for name in facts:
        base, _, parameter = name.rpartition(".")
        if base in _SWITCHED and parameter in _BY_NAME:
            return _BY_NAME[parameter]
    return _FEATURES.get(resource_type, Feature.BASICS)


_SWITCHED = ("subject.toggle", "subject.client.switch", "subject.practice.switch")
_BY_NAME = {feature.value: feature for feature in Feature}
_FEATURES = {
    "calendar": Feature.CALENDAR,
    "appointment": Feature.CALENDAR,
    "invoice": Feature.INVOICES,
    "payment": Feature.PAYMENTS,
    "document": Feature.DOCUMENTS,
    "form": Feature.FORMS,
    "thread": Feature.MESSAGES,
    "owner_email": Feature.OWNER_EMAIL,
    "service_plan": Feature.SERVICE_PLAN,
}
_SUBJECTS = {
    Feature.BASICS: ("The portal", True),
    Feature.CALENDAR: ("The calendar", True),
    Feature.SCHEDULING: ("Scheduling", True),
    Feature.INVOICES: ("Invoices", False),
    Feature.PAYMENTS: ("Payments", False),
    Feature.DOCUMENTS: ("Documents", False),
    Feature.FORMS: ("Forms", False),
    Feature.MESSAGES: ("Messages", False),
    Feature.OWNER_EMAIL: ("E-mail to the practice", True),
    Feature.REMINDERS: ("Reminders", False),
    Feature.SERVICE_PLAN: ("The service plan", True),
}
_KINDS = {
    Kind.SELF: "to clients themselves",
    Kind.GUARDIAN: "to guardians",
    Kind.CO_PARENT: "to co-parents",
    Kind.EMERGENCY_CONTACT: "to emergency contacts",
    Kind.PAYER: "to payers",
    Kind.COMMUNITY: "to community contacts",
    Kind.GUARANTOR: "to guarantors",
    Kind.ADULT_PROXY: "to adult proxies",
    Kind.CASEWORKER: "to caseworkers",
}


def _kind(m: _Matter) -> tuple[str, str | None]:
    to_whom = _KINDS.get(m.facts.get("subject.kind", ""), "to you")
    return (
        f"{m.subject} {m.verb} not open {to_whom}.",
        "That follows from how you are related to the client; no switch changes it.",
    )


def _plan_audience(m: _Matter) -> tuple[str, str | None]:
    nobody = m.facts.get("subject.practice.plan_audience") == PlanAudience.NOBODY
    to_whom = (
        "does not show service plans in the portal" if nobody else "shows service plans to clients themselves only"
    )
    return f"{m.client.practice_name} {to_whom}.", "The practice can change to whom it shows them."


def _untold(_: _Matter) -> tuple[str, str | None]:
    return "This page is not open to you.", "The practice can tell you more."


_WORDS: Mapping[str, Callable[[_Matter], tuple[str, str | None]]] = {
    "locked": lambda _: ("Your sign-in is locked.", "The practice can unlock it."),
    "authn": lambda m: (f"{m.client.practice_name} asks for a stronger sign-in than the one you used.", None),
    "status": lambda m: (
        f"Your access to {m.client.preferred}'s portal is not active.",
        "The practice can change that.",
    ),
    "window": lambda m: (
        f"Your access to {m.client.preferred}'s portal does not apply today.",
        "The practice can change the days for which it applies.",
    ),
    "kind": _kind,
    "contacts": lambda m: (
        f"{m.client.practice_name} has closed its portal to everyone but the clients themselves.",
        "The practice can open it.",
    ),
    "plan_audience": _plan_audience,
    "card_processing": lambda m: (
        f"{m.client.practice_name} takes no card payments in the portal.",
        "The practice can change that.",
    ),
    "assent": lambda m: (
        f"{m.client.preferred} has not agreed to share this with you.",
        f"{m.client.preferred} can change that with the practice.",
    ),
    "proof": lambda m: (
        f"The practice has no proof on file that you may act for {m.client.preferred}.",
        "The practice can file it once you have shown it.",
    ),
    "age": lambda m: (
        f"At {m.client.preferred}'s age {m.subject[0].lower()}{m.subject[1:]} {m.verb} not open to you.",
        "The practice can tell you more.",
    ),
    "inactive": lambda m: (
        f"{m.client.preferred} is no longer in care at {m.client.practice_name}, so nothing new can be done here.",
        None,
    ),
    "practice_switch": lambda m: (
        f"{m.subject} {m.verb} switched off at {m.client.practice_name}.",
        f"The practice can switch {m.it} on.",
    ),
    "client_switch": lambda m: (
        f"{m.subject} {m.verb} switched off on {m.client.preferred}'s portal.",
        f"The practice can switch {m.it} on.",
    ),
    "toggle": lambda m: (
        f"{m.subject} {m.verb} switched off for you on {m.client.preferred}'s portal.",
        f"The practice can switch {m.it} on.",
    ),
    "platform": lambda m: (f"{m.subject} {m.verb} never shown in the portal.", None),
}
