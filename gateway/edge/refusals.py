"""What a refused reader is told: the service's reason turned into plain words that fit the reader.

The service decides what may be told; a reason that this page does not know is told without saying why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.web.language import N_, _
from gateway.web.words import FEATURES
from models.vocabulary import Feature, Kind, PlanAudience

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.edge.reader import ClientInView

NOT_FOUND = "not_found"


@dataclass(frozen=True, slots=True)
class Refusal:
    """The model of `refused.html`.

    `code` is the service's reason (kind, practice_switch, toggle, ...), `sentence` what is the matter,
    `remedy` who can change it ("The practice can switch them on."), or None when nobody can. `feature` is the part of
    the portal it is about; `askable` says whether it makes sense to ask the practice for `action` on `type`.
    """

    code: str
    sentence: str
    remedy: str | None
    feature: Feature | None = None
    askable: bool = False
    action: str = ""
    type: str = ""


@dataclass(frozen=True, slots=True)
class _Matter:
    """What a sentence may speak of. `facts` are the values of the facts that may be told, by name."""

    client: ClientInView
    feature: Feature
    facts: Mapping[str, Any]
    is_own: bool  # the reader is the client

    @property
    def words(self) -> Mapping[str, str]:
        """What a message can be filled with; each language takes what its grammar needs."""
        subject, is_one = _SUBJECTS[self.feature]
        subject = _(subject)
        return {
            "subject": subject,
            "subject_inside": subject[0].lower() + subject[1:],
            "verb": "is" if is_one else "are",
            "it": "it" if is_one else "them",
            "feature": _(FEATURES[self.feature].label),
            "name": self.client.preferred,
            "practice": self.client.practice_name,
        }


def refusal_of(
    told: Mapping[str, Any] | None,
    client: ClientInView,
    resource_type: str,
    action: str = "view",
    *,
    is_own: bool = False,
) -> Refusal | None:
    """The reason `{"code", "facts": [{"fact", "value"}]}` in words; None when it must read as a missing page.

    `is_own` says that the reader is the client, and is spoken to as such.
    """
    if told is None:
        return None
    code, facts = _reason(told)
    if code is None or code == NOT_FOUND:
        return None
    feature = _feature(facts, resource_type)
    matter = _Matter(client, feature, facts, is_own)
    words = _OWN_WORDS if is_own and code in _OWN_WORDS else _WORDS
    sentence, remedy = words.get(code, _untold)(matter)
    filled = None if remedy is None else _(remedy, **matter.words)
    askable = remedy is not None and code in _ASKABLE
    return Refusal(code, _(sentence, **matter.words), filled, feature, askable, action, resource_type)


def staff_refusal() -> Refusal:
    """What staff are told: their role does not reach this."""
    return Refusal(
        "role",
        _("Your role at the practice does not include this page."),
        _("An owner or administrator can change your role."),
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
    return FEATURE_OF.get(resource_type, Feature.BASICS)


_SWITCHED = ("subject.toggle", "subject.client.switch", "subject.practice.switch")
_BY_NAME = {feature.value: feature for feature in Feature}
FEATURE_OF = {  # the part of the portal that a kind of item is in
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
    Feature.BASICS: (N_("The portal"), True),
    Feature.CALENDAR: (N_("The calendar"), True),
    Feature.SCHEDULING: (N_("Scheduling"), True),
    Feature.INVOICES: (N_("Invoices"), False),
    Feature.PAYMENTS: (N_("Payments"), False),
    Feature.DOCUMENTS: (N_("Documents"), False),
    Feature.FORMS: (N_("Forms"), False),
    Feature.MESSAGES: (N_("Messages"), False),
    Feature.OWNER_EMAIL: (N_("E-mail to the practice"), True),
    Feature.REMINDERS: (N_("Reminders"), False),
    Feature.SERVICE_PLAN: (N_("The service plan"), True),
}
_KINDS = {
    Kind.SELF: N_("%(subject)s %(verb)s not open to clients themselves."),
    Kind.GUARDIAN: N_("%(subject)s %(verb)s not open to guardians."),
    Kind.CO_PARENT: N_("%(subject)s %(verb)s not open to co-parents."),
    Kind.EMERGENCY_CONTACT: N_("%(subject)s %(verb)s not open to emergency contacts."),
    Kind.PAYER: N_("%(subject)s %(verb)s not open to payers."),
    Kind.COMMUNITY: N_("%(subject)s %(verb)s not open to community contacts."),
    Kind.GUARANTOR: N_("%(subject)s %(verb)s not open to guarantors."),
    Kind.ADULT_PROXY: N_("%(subject)s %(verb)s not open to adult proxies."),
    Kind.CASEWORKER: N_("%(subject)s %(verb)s not open to caseworkers."),
}
_UNTOLD_KIND = N_("%(subject)s %(verb)s not open to you.")
# What the practice can open when it is asked; a kind, and what a teen has not agreed to, are not for it to change.
_ASKABLE = frozenset(
    {
        "status",
        "window",
        "contacts",
        "plan_audience",
        "card_processing",
        "proof",
        "practice_switch",
        "client_switch",
        "toggle",
    }
)


def _kind(m: _Matter) -> tuple[str, str | None]:
    return (
        _KINDS.get(m.facts.get("subject.kind", ""), _UNTOLD_KIND),
        N_("No switch changes that.")
        if m.is_own
        else N_("That follows from how you are related to the client; no switch changes it."),
    )


def _plan_audience(m: _Matter) -> tuple[str, str | None]:
    remedy = N_("The practice can change to whom it shows them.")
    if m.facts.get("subject.practice.plan_audience") == PlanAudience.NOBODY:
        return N_("%(practice)s does not show service plans in the portal."), remedy
    return N_("%(practice)s shows service plans to clients themselves only."), remedy


def _untold(_matter: _Matter) -> tuple[str, str | None]:
    return N_("This page is not open to you."), N_("The practice can tell you more.")


def _always(sentence: str, remedy: str | None) -> Callable[[_Matter], tuple[str, str | None]]:
    return lambda _matter: (sentence, remedy)


_SWITCH_ON = N_("The practice can switch %(it)s on.")
_CHANGE = N_("The practice can change that.")
_WORDS: Mapping[str, Callable[[_Matter], tuple[str, str | None]]] = {
    "locked": _always(N_("Your sign-in is locked."), N_("The practice can unlock it.")),
    "authn": _always(
        N_("%(practice)s asks for a stronger sign-in than the one you used."),
        N_("You can set up a second step in your menu, under “Sign-in and security”."),
    ),
    "status": _always(N_("Your access to %(name)s's portal is not active."), _CHANGE),
    "window": _always(
        N_("Your access to %(name)s's portal does not apply today."),
        N_("The practice can change the days for which it applies."),
    ),
    "kind": _kind,
    "contacts": _always(
        N_("%(practice)s has closed its portal to everyone but the clients themselves."),
        N_("The practice can open it."),
    ),
    "plan_audience": _plan_audience,
    "card_processing": _always(N_("%(practice)s takes no card payments in the portal."), _CHANGE),
    "assent": _always(
        N_("%(name)s has not agreed to share this with you."), N_("%(name)s can change that with the practice.")
    ),
    "proof": _always(
        N_("The practice has no proof on file that you may act for %(name)s."),
        N_("The practice can file it once you have shown it."),
    ),
    "age": _always(
        N_("At %(name)s's age %(subject_inside)s %(verb)s not open to you."), N_("The practice can tell you more.")
    ),
    "inactive": _always(N_("%(name)s is no longer in care at %(practice)s, so nothing new can be done here."), None),
    "practice_switch": _always(N_("%(subject)s %(verb)s switched off at %(practice)s."), _SWITCH_ON),
    "client_switch": _always(N_("%(subject)s %(verb)s switched off on %(name)s's portal."), _SWITCH_ON),
    "toggle": _always(N_("%(subject)s %(verb)s switched off for you on %(name)s's portal."), _SWITCH_ON),
    "platform": _always(N_("%(subject)s %(verb)s never shown in the portal."), None),
}
# The same to the client, of whose own portal it is.
_OWN_WORDS: Mapping[str, Callable[[_Matter], tuple[str, str | None]]] = {
    "status": _always(N_("Your access to your portal is not active."), _CHANGE),
    "window": _always(
        N_("Your access to your portal does not apply today."),
        N_("The practice can change the days for which it applies."),
    ),
    "age": _always(
        N_("At your age %(subject_inside)s %(verb)s not open to you."), N_("The practice can tell you more.")
    ),
    "inactive": _always(N_("You are no longer in care at %(practice)s, so nothing new can be done here."), None),
    "client_switch": _always(N_("%(subject)s %(verb)s switched off on your portal."), _SWITCH_ON),
    "toggle": _always(N_("%(subject)s %(verb)s switched off for you on your portal."), _SWITCH_ON),
}
