"""What the pages call things: relations, features, states and places in time, in words a family uses."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from models.vocabulary import Feature, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# What the reader is to the client, as a label under the client's name (conflict c15: a label for this person).
RELATIONS: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.SELF: "You",
        Kind.GUARDIAN: "Your child",
        Kind.CO_PARENT: "Your child",
        Kind.EMERGENCY_CONTACT: "You: emergency contact",
        Kind.PAYER: "You pay invoices",
        Kind.COMMUNITY: "In your community",
        Kind.GUARANTOR: "You pay invoices",
        Kind.ADULT_PROXY: "You act on their behalf",
        Kind.CASEWORKER: "In your care",
    }
)

# What a person is to a client, as the practice says it.
KINDS: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.SELF: "Client",
        Kind.GUARDIAN: "Guardian",
        Kind.CO_PARENT: "Co-parent",
        Kind.EMERGENCY_CONTACT: "Emergency contact",
        Kind.PAYER: "Payer",
        Kind.COMMUNITY: "Community",
        Kind.GUARANTOR: "Guarantor",
        Kind.ADULT_PROXY: "Adult proxy",
        Kind.CASEWORKER: "Caseworker",
    }
)


@dataclass(frozen=True, slots=True)
class FeatureWords:
    """A feature's name and what it opens."""

    label: str
    about: str


FEATURES: Mapping[Feature, FeatureWords] = MappingProxyType(
    {
        Feature.BASICS: FeatureWords("Portal and profile", "Open the portal, see the profile"),
        Feature.CALENDAR: FeatureWords("Calendar", "See appointments, past and coming"),
        Feature.SCHEDULING: FeatureWords("Scheduling", "Request, move and cancel appointments"),
        Feature.INVOICES: FeatureWords("Invoices", "See and print invoices"),
        Feature.PAYMENTS: FeatureWords("Payments", "Pay invoices, see payments"),
        Feature.DOCUMENTS: FeatureWords("Documents", "Read, download, upload and sign documents"),
        Feature.FORMS: FeatureWords("Forms", "Fill in and sign forms"),
        Feature.MESSAGES: FeatureWords("Messages", "Write with the care team"),
        Feature.OWNER_EMAIL: FeatureWords("E-mail to the owner", "Write to the owner of the practice"),
        Feature.REMINDERS: FeatureWords("Reminders", "Get reminded of appointments"),
        Feature.SERVICE_PLAN: FeatureWords("Service plan", "Read and print the service plan"),
    }
)


@dataclass(frozen=True, slots=True)
class Badge:
    """A short state and its tone: good, warn, bad, info or none."""

    label: str
    tone: str = ""


def relation(kinds: Iterable[Kind]) -> str:
    """The label for all that a reader is to one client, in the order of the vocabulary, each said once."""
    held = set(kinds)
    return " · ".join(dict.fromkeys(RELATIONS[kind] for kind in Kind if kind in held))
