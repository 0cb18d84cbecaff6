"""The shapes in which tables come: the columns of five products in their own words, and Kinguard's own.

`docs/imports.md` shows each with a sample file. Rows P, C, M, W, Y of `docs/coverage.md` are where the words come from.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from gateway.web.language import N_
from gateway.web.words import FEATURES
from models.vocabulary import Feature, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

_NOT_WORDS = re.compile(r"[^0-9a-z]+")

# What a column can be for, and what the page calls it.
FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "client_id": N_("Client: id of the file"),
        "client_name": N_("Client: whole name"),
        "client_first": N_("Client: first name"),
        "client_last": N_("Client: last name"),
        "client_preferred": N_("Client: preferred name"),
        "client_born": N_("Client: date of birth"),
        "client_email": N_("Client: e-mail address (for a portal of their own)"),
        "client_access": N_("Client: may have a portal of their own (yes or no)"),
        "client_self_managing": N_("Client: manages a portal (yes, no or shared)"),
        "client_assent": N_("Client: assent of a teen (given or withheld)"),
        "client_active": N_("Client: active (yes or no)"),
        "account_id": N_("Contact: id of the file"),
        "contact_name": N_("Contact: whole name"),
        "contact_first": N_("Contact: first name"),
        "contact_last": N_("Contact: last name"),
        "contact_email": N_("Contact: e-mail address"),
        "contact_phone": N_("Contact: telephone"),
        "kind": N_("Contact: what they are to the client"),
        "access": N_("Contact: allowed to the portal (yes or no)"),
        "status": N_("Contact: status (pending, active, suspended, ended)"),
        "from": N_("Contact: first day of access"),
        "until": N_("Contact: first day without access"),
        "proof": N_("Contact: proof of authority (none or on_file)"),
        "language": N_("Contact: language of mails (en or es)"),
    }
)
TOGGLE = "toggle_"  # begins the fields that switch a feature
TOGGLES: Mapping[str, Feature] = MappingProxyType({f"{TOGGLE}{feature.value}": feature for feature in Feature})
OWN = "kinguard"
MAPPED = "mapped"  # columns that a person named


@dataclass(frozen=True, slots=True)
class Shape:
    """How a product writes its table. Column names are in plain form (`plain_name`).

    `columns` maps a name to the fields that it fills; `marks` are the names that tell the shape. `kind` is what people
    are to the client where no column says. `strict` takes no address twice (row Y15).
    """

    id: str
    product: str
    says: str
    columns: Mapping[str, tuple[str, ...]]
    marks: frozenset[str]
    kind: Kind | None = None
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    strict: bool = False


def plain_name(name: str) -> str:
    """A column's name without capitals, signs and further spaces."""
    return _NOT_WORDS.sub(" ", name.casefold().replace("&", " and ")).strip()


_CLIENT = {
    "client id": ("client_id",),
    "client first name": ("client_first",),
    "client last name": ("client_last",),
    "client name": ("client_name",),
    "preferred name": ("client_preferred",),
    "date of birth": ("client_born",),
    "client date of birth": ("client_born",),
}
_RELATIONS = {
    "parent": Kind.GUARDIAN,
    "parent guardian": Kind.GUARDIAN,
    "mother": Kind.GUARDIAN,
    "father": Kind.GUARDIAN,
    "legal guardian": Kind.GUARDIAN,
    "client representative": Kind.GUARDIAN,
    "representative": Kind.GUARDIAN,
    "co parent": Kind.CO_PARENT,
    "client": Kind.SELF,
    "agency guardian": Kind.CASEWORKER,
    "case manager": Kind.CASEWORKER,
}

_SHAPES = (
    Shape(
        id="procentive",
        product="Procentive",
        says=N_(
            "Client representatives, a row for each account; a parent's accounts of one address become one person."
        ),
        columns={
            **_CLIENT,
            "client representative first name": ("contact_first",),
            "client representative last name": ("contact_last",),
            "client representative email": ("contact_email",),
            "invite client representative": ("access",),
            "client portal status": ("status",),
            "documents": ("toggle_documents",),
            "allow clients to make payments": ("toggle_payments",),
        },
        marks=frozenset({"client representative first name", "client representative email"}),
        kind=Kind.GUARDIAN,
    ),
    Shape(
        id="caresmartz360",
        product="CareSmartz360",
        says=N_("Clients, emergency contacts, payers and communities; what each may see follows from what they are."),
        columns={
            **_CLIENT,
            "user type": ("kind",),
            "user name": ("contact_name",),
            "user email": ("contact_email",),
            "phone": ("contact_phone",),
            "send client portal credentials": ("access",),
        },
        marks=frozenset({"user type", "send client portal credentials"}),
    ),
    Shape(
        id="mbpractice",
        product="MBPractice",
        says=N_("Portal users with a check box for each permission."),
        columns={
            **_CLIENT,
            "enroll in client portal": ("access",),
            "portal user": ("kind",),
            "portal user first name": ("contact_first",),
            "portal user last name": ("contact_last",),
            "portal user email": ("contact_email",),
            "basic functions": ("toggle_basics",),
            "messaging": ("toggle_messages",),
            "access to documents": ("toggle_documents",),
            "session and homework": ("toggle_calendar",),
            "billing invoicing and insurance": ("toggle_invoices", "toggle_payments"),
            "view and submit surveys": ("toggle_forms",),
        },
        marks=frozenset({"enroll in client portal", "basic functions"}),
        kinds={"contact": Kind.GUARDIAN},
    ),
    Shape(
        id="webaba",
        product="WebABA",
        says=N_("The contact network: parents and guardians with their three switches."),
        columns={
            **_CLIENT,
            "first name": ("client_first",),
            "last name": ("client_last",),
            "contact first name": ("contact_first",),
            "contact last name": ("contact_last",),
            "contact email": ("contact_email",),
            "contact phone": ("contact_phone",),
            "relationship": ("kind",),
            "allow access to client portal": ("access",),
            "secure messaging": ("toggle_messages",),
            "payments": ("toggle_payments",),
            "scheduling": ("toggle_scheduling",),
        },
        marks=frozenset({"allow access to client portal", "contact email"}),
        kind=Kind.GUARDIAN,
    ),
    Shape(
        id="my_clients_plus",
        product="My Clients Plus",
        says=N_("Clients with portals of their own; one address belongs to one client."),
        columns={
            **_CLIENT,
            "first name": ("client_first",),
            "last name": ("client_last",),
            "email": ("client_email",),
            "send client portal invite": ("client_access",),
            "payments": ("toggle_payments",),
            "print invoices": ("toggle_invoices",),
            "client intake forms": ("toggle_forms",),
            "client self scheduling": ("toggle_scheduling",),
            "secure messaging": ("toggle_messages",),
        },
        marks=frozenset({"send client portal invite", "email"}),
        strict=True,
    ),
    Shape(
        id=OWN,
        product="Kinguard",
        says=N_("What the export of this page writes: the whole ZIP file, or people.csv out of it."),
        columns={plain_name(name): (name,) for name in (*FIELDS, *TOGGLES)},
        marks=frozenset({"client name", "client born", "toggle basics"}),
    ),
)
SHAPES: Mapping[str, Shape] = MappingProxyType({shape.id: shape for shape in _SHAPES})
KIND_NAMES: Mapping[str, Kind] = MappingProxyType({**{plain_name(kind): kind for kind in Kind}, **_RELATIONS})


def detect(header: tuple[str, ...]) -> Shape | None:
    """The shape that the names of the columns tell; None where none does."""
    names = {plain_name(name) for name in header}
    fitting = [shape for shape in _SHAPES if shape.marks <= names]
    return max(fitting, key=lambda shape: len(names & set(shape.columns)), default=None)


def columns_of(shape: Shape | None, header: tuple[str, ...]) -> dict[str, str]:
    """For each field the column of this file that fills it; a later column never takes a field from an earlier."""
    found: dict[str, str] = {}
    known = {} if shape is None else shape.columns
    for name in header:
        for wanted in known.get(plain_name(name), ()):
            found.setdefault(wanted, name)
    return found


def field_words(name: str) -> str:
    """What the page calls a field; to be translated."""
    return FEATURES[TOGGLES[name]].label if name in TOGGLES else FIELDS[name]
