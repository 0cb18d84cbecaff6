"""The closed lists of Kinguard: every kind, feature, state and role that code may name.

`policies/facts.yaml` states the same lists for the rules; a test compares the two.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class SubjectType(StrEnum):
    """Who asks: a family's login or a member of a practice's staff."""

    ACCOUNT = "account"
    STAFF = "staff"


class Kind(StrEnum):
    """How an account is related to a client (rows C1, C15, C17, P9; `portals.md` b3)."""

    SELF = "self"
    GUARDIAN = "guardian"
    CO_PARENT = "co_parent"
    EMERGENCY_CONTACT = "emergency_contact"
    PAYER = "payer"
    COMMUNITY = "community"
    GUARANTOR = "guarantor"
    ADULT_PROXY = "adult_proxy"
    CASEWORKER = "caseworker"


class Feature(StrEnum):
    """What a practice, client or grant can switch (rows M7, W19, Y7)."""

    BASICS = "basics"
    CALENDAR = "calendar"
    SCHEDULING = "scheduling"
    INVOICES = "invoices"
    PAYMENTS = "payments"
    DOCUMENTS = "documents"
    FORMS = "forms"
    MESSAGES = "messages"
    OWNER_EMAIL = "owner_email"
    REMINDERS = "reminders"
    SERVICE_PLAN = "service_plan"


class GrantStatus(StrEnum):
    """Life of a grant: pending until the first login (row W22)."""

    PENDING = "pending"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    ENDED = "ended"


class PlanAudience(StrEnum):
    """To whom a practice shows service plans (conflict c5)."""

    NOBODY = "nobody"
    CLIENT_ONLY = "client_only"
    CLIENT_AND_GUARDIANS = "client_and_guardians"


class AgeClass(StrEnum):
    """Age class of a client by the practice's own ages."""

    CHILD = "child"
    TEEN = "teen"
    ADULT = "adult"


class SelfManaging(StrEnum):
    """Whether a client runs a portal of their own (conflict c7)."""

    YES = "yes"
    NO = "no"
    SHARED = "shared"


class StaffRole(StrEnum):
    """What a staff member does at the practice; one may hold several."""

    OWNER = "owner"
    ADMINISTRATOR = "administrator"
    THERAPIST = "therapist"
    BILLER = "biller"
    SCHEDULER = "scheduler"
    REVIEWER = "reviewer"


class SetUpRule(StrEnum):
    """What the set-up check finds in access data (`portals.md` e2.9, and what else goes wrong unseen)."""

    EXCLUSIVE_TWICE = "exclusive_twice"
    GUARDIAN_OF_ADULT = "guardian_of_adult"
    INVITED_NOT_SELF_MANAGING = "invited_not_self_managing"
    ACCESS_WITHOUT_PERMISSION = "access_without_permission"
    SUBSCRIPTION_MISSING = "subscription_missing"
    STAFF_LEFT_WITH_CLIENTS = "staff_left_with_clients"
    PARENT_AS_CLIENT = "parent_as_client"
    ENDS_SOON = "ends_soon"
    WINDOW_OVER = "window_over"
    WITHOUT_PROOF = "without_proof"
    NEVER_FOR_KIND = "never_for_kind"
    ON_THOUGH_PRACTICE_OFF = "on_though_practice_off"
    ON_THOUGH_CLIENT_OFF = "on_though_client_off"
    INVITATION_WAITING = "invitation_waiting"
    NOBODY_HAS_ACCESS = "nobody_has_access"


class PaymentState(StrEnum):
    """Life of an attempt to pay an invoice.

    Unknown: the provider did not say. Needs refund: it took money that the invoice no longer asked for.
    """

    STARTED = "started"
    NEEDS_ACTION = "needs_action"
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    NEEDS_REFUND = "needs_refund"


LIVE_PAYMENTS = (PaymentState.STARTED, PaymentState.NEEDS_ACTION, PaymentState.UNKNOWN)


class PaymentReason(StrEnum):
    """Why an attempt to pay failed, as far as a payer may be helped by it."""

    DECLINED = "declined"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    EXPIRED_CARD = "expired_card"
    NOT_CONFIRMED = "not_confirmed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REFUSED = "refused"


class ControlledBy(StrEnum):
    """Who can change a fact: the layers of the design, named in every explanation."""

    PLATFORM = "platform"
    PRACTICE = "practice"
    CLIENT = "client"
    GRANT = "grant"
    ITEM = "item"
    PERSON = "person"


class Scope(StrEnum):
    """What a bearer token of a calling system allows it to do."""

    EVALUATE = "evaluate"
    ASK_AT = "ask_at"
    ACT = "act"
    ACCESS_READ = "access:read"
    ACCESS_WRITE = "access:write"
    RESOURCES = "resources"
    TRAIL = "trail"
    POLICY = "policy"


class VersionState(StrEnum):
    """Where a bundle that the service keeps stands."""

    SERVING = "serving"
    STAGED = "staged"
    RETIRED = "retired"  # served before
    WITHDRAWN = "withdrawn"


class DeploymentKind(StrEnum):
    """How a bundle came into service."""

    START = "start"  # from the folder of the settings, when the service started
    DEPLOY = "deploy"
    ROLLBACK = "rollback"


class LiveQuestion(StrEnum):
    """How a live question was asked: by itself, as a candidate of a search, or for a plan."""

    EVALUATION = "evaluation"
    SEARCH = "search"
    PLAN = "plan"


class WouldBe(StrEnum):
    """What a bundle that shadows made of a question."""

    ALLOWED = "allowed"
    DENIED = "denied"
    FAILED = "failed"
    NOT_COMPARED = "not_compared"  # there was more to ask than is asked beside a live answer
    # Of a plan: the same items, or some that the one in service leaves out, or only lets through, or both.
    SAME = "same"
    MORE = "more"
    LESS = "less"
    OTHER = "other"


_ALL = frozenset(Feature)
_PARENT = frozenset(
    {
        Feature.BASICS,
        Feature.CALENDAR,
        Feature.SCHEDULING,
        Feature.INVOICES,
        Feature.PAYMENTS,
        Feature.DOCUMENTS,
        Feature.FORMS,
        Feature.OWNER_EMAIL,
        Feature.REMINDERS,
    }
)
_ADDRESSED = frozenset({Feature.BASICS, Feature.INVOICES, Feature.PAYMENTS})

# `portals.md` b3, with C15 and C18 winning over it and messages off for contacts (c2).
_DEFAULTS: dict[Kind, frozenset[Feature]] = {
    Kind.SELF: _ALL,
    Kind.GUARDIAN: _PARENT,
    Kind.CO_PARENT: frozenset({Feature.BASICS}),
    Kind.EMERGENCY_CONTACT: _ALL - {Feature.SERVICE_PLAN},
    Kind.PAYER: _ADDRESSED | {Feature.CALENDAR},
    Kind.COMMUNITY: frozenset({Feature.BASICS, Feature.CALENDAR, Feature.INVOICES}),
    Kind.GUARANTOR: _ADDRESSED,
    Kind.ADULT_PROXY: frozenset({Feature.BASICS, Feature.CALENDAR}),
    Kind.CASEWORKER: _ALL - {Feature.INVOICES, Feature.PAYMENTS},
}
_TEEN_SELF = _ALL - {Feature.INVOICES, Feature.PAYMENTS}


def default_toggles(kind: Kind, age: AgeClass) -> Mapping[Feature, bool]:
    """The toggles a new grant starts with: every feature, on or off (`portals.md` b3)."""
    on = _TEEN_SELF if kind is Kind.SELF and age is not AgeClass.ADULT else _DEFAULTS[kind]
    if kind is Kind.GUARDIAN and age is AgeClass.CHILD:
        on = on | {Feature.SERVICE_PLAN}
    return MappingProxyType({feature: feature in on for feature in Feature})
