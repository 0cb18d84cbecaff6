"""What a person really has of each feature, and which level says no: asked of the service, a plan for each feature."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from gateway.edge.authz_client import Asking
from gateway.web.language import N_, _
from gateway.web.words import KINDS
from models.vocabulary import Feature, Kind, SubjectType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.edge.authz_client import AuthzClient, Plan

# The action by which a feature is known to be open; `docs/adr/0002` lists all of each feature.
_PROBES: Mapping[Feature, tuple[str, str]] = MappingProxyType(
    {
        Feature.BASICS: ("open", "portal"),
        Feature.CALENDAR: ("view", "calendar"),
        Feature.SCHEDULING: ("cancel", "appointment"),
        Feature.INVOICES: ("view", "invoice"),
        Feature.PAYMENTS: ("pay", "invoice"),
        Feature.DOCUMENTS: ("view", "document"),
        Feature.FORMS: ("view", "form"),
        Feature.MESSAGES: ("view", "thread"),
        Feature.OWNER_EMAIL: ("send", "owner_email"),
        Feature.REMINDERS: ("remind", "appointment"),
        Feature.SERVICE_PLAN: ("view", "service_plan"),
    }
)

# The level that says no, and a sentence; kind and first name are filled in.
_REASONS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "locked": (N_("Sign-in locked"), N_("The sign-in of %(first)s is locked.")),
        "authn": (N_("Sign-in"), N_("%(first)s has to finish signing in first.")),
        "status": (N_("Access not active"), N_("The access of %(first)s is not active.")),
        "window": (N_("Outside the dates"), N_("Today is outside the dates of this access.")),
        "kind": (N_("Never for this kind"), N_("%(kind)s: this can never be switched on.")),
        "contacts": (N_("Off for the whole practice"), N_("The practice allows no portal access for contacts.")),
        "plan_audience": (N_("Practice setting"), N_("The practice does not show service plans to this kind.")),
        "card_processing": (N_("Practice setting"), N_("The practice takes no card payments.")),
        "assent": (N_("Teen's assent"), N_("The teen does not agree to it.")),
        "proof": (N_("Proof missing"), N_("Proof of authority is not on file.")),
        "age": (N_("Age"), N_("The age of the client does not allow it.")),
        "inactive": (N_("Client not in care"), N_("The client is no longer in care.")),
        "practice_switch": (N_("Off for the whole practice"), N_("Switched off for the whole practice.")),
        "client_switch": (N_("Off for this client"), N_("Switched off for everyone of this client.")),
        "toggle": (N_("Off"), ""),
        "platform": (N_("Never in the portal"), N_("No family sees this in the portal.")),
    }
)
_OTHER = (N_("Not open"), N_("A safety block or another limit stands in the way."))


@dataclass(frozen=True, slots=True)
class Effect:
    """What holds for one feature. `level` and `reason` are empty when the person has it."""

    has: bool
    level: str
    reason: str


async def effects(authz: AuthzClient, account_id: str, client_id: str, kind: Kind, first: str) -> dict[Feature, Effect]:
    """What the account has of each feature of the client, over all its grants."""
    asking = Asking({"type": SubjectType.ACCOUNT.value, "id": account_id}, amr=("pwd",))
    plans = await authz.plans(asking, tuple(_PROBES.values()), {"client_id": client_id})
    return {feature: _effect(plan, kind, first) for feature, plan in zip(_PROBES, plans, strict=True)}


def _effect(plan: Plan, kind: Kind, first: str) -> Effect:
    if plan.condition is not False:
        return Effect(has=True, level="", reason="")
    level, reason = _REASONS.get(str((plan.refusal or {}).get("code")), _OTHER)
    told = _(reason, kind=_(KINDS[kind]), first=first) if reason else ""
    return Effect(has=False, level=_(level), reason=told)
