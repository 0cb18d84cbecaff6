"""What the pages call things: relations, features, states and places in time, in words a family uses.

The words of the tables are marked for the catalogues; whoever shows one translates it.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from gateway.web.language import N_, _
from models.vocabulary import Feature, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# What the reader is to the client, as a label under the client's name (conflict c15: a label for this person).
RELATIONS: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.SELF: N_("You"),
        Kind.GUARDIAN: N_("Your child"),
        Kind.CO_PARENT: N_("Your child"),
        Kind.EMERGENCY_CONTACT: N_("You: emergency contact"),
        Kind.PAYER: N_("You pay invoices"),
        Kind.COMMUNITY: N_("In your community"),
        Kind.GUARANTOR: N_("You pay invoices"),
        Kind.ADULT_PROXY: N_("You act on their behalf"),
        Kind.CASEWORKER: N_("In your care"),
    }
)

# What a person is to a client, as the practice says it.
KINDS: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.SELF: N_("Client"),
        Kind.GUARDIAN: N_("Guardian"),
        Kind.CO_PARENT: N_("Co-parent"),
        Kind.EMERGENCY_CONTACT: N_("Emergency contact"),
        Kind.PAYER: N_("Payer"),
        Kind.COMMUNITY: N_("Community"),
        Kind.GUARANTOR: N_("Guarantor"),
        Kind.ADULT_PROXY: N_("Adult proxy"),
        Kind.CASEWORKER: N_("Caseworker"),
    }
)


@dataclass(frozen=True, slots=True)
class FeatureWords:
    """A feature's name and what it opens."""

    label: str
    about: str


FEATURES: Mapping[Feature, FeatureWords] = MappingProxyType(
    {
        Feature.BASICS: FeatureWords(N_("Portal and profile"), N_("Open the portal, see the profile")),
        Feature.CALENDAR: FeatureWords(N_("Calendar"), N_("See appointments, past and coming")),
        Feature.SCHEDULING: FeatureWords(N_("Scheduling"), N_("Request, move and cancel appointments")),
        Feature.INVOICES: FeatureWords(N_("Invoices"), N_("See and print invoices")),
        Feature.PAYMENTS: FeatureWords(N_("Payments"), N_("Pay invoices, see payments")),
        Feature.DOCUMENTS: FeatureWords(N_("Documents"), N_("Read, download, upload and sign documents")),
        Feature.FORMS: FeatureWords(N_("Forms"), N_("Fill in and sign forms")),
        Feature.MESSAGES: FeatureWords(N_("Messages"), N_("Write with the care team")),
        Feature.OWNER_EMAIL: FeatureWords(N_("E-mail to the owner"), N_("Write to the owner of the practice")),
        Feature.REMINDERS: FeatureWords(N_("Reminders"), N_("Get reminded of appointments")),
        Feature.SERVICE_PLAN: FeatureWords(N_("Service plan"), N_("Read and print the service plan")),
    }
)


@dataclass(frozen=True, slots=True)
class Badge:
    """A short state and its tone: good, warn, bad, info or none."""

    label: str
    tone: str = ""


def relation(kinds: Iterable[Kind]) -> str:
    """The label for all that a reader is to one client, in the order of the vocabulary, each said once, translated."""
    held = set(kinds)
    return " · ".join(dict.fromkeys(_(RELATIONS[kind]) for kind in Kind if kind in held))
