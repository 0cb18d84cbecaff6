"""What may leave the practice as a one-off release, and to whom (row P13, conflict c18).

The release goes past the switches of the portal, not past the law, a safety block or an item kept from a person.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING

from gateway.records.papers import DRAFT
from gateway.web.language import N_
from models.vocabulary import GrantStatus, Kind

if TYPE_CHECKING:
    from typing import Any

    from gateway.edge.authz_client import AuthzClient
    from models.tables.records import Document

# 42 CFR 2.32 asks that these words go with what is disclosed.
PART2_NOTICE = N_("42 CFR part 2 prohibits unauthorized use or disclosure of these records.")
_STANDING = frozenset({GrantStatus.ACTIVE.value, GrantStatus.PENDING.value})
_WITH_CONSENT = frozenset({"part2", "sensitive"})  # 42 CFR 2.31; 45 CFR 164.508


class Hindrance(StrEnum):
    """Why a document may not be released to a person."""

    DRAFT = "draft"
    NEVER = "never"  # psychotherapy notes, 45 CFR 164.508(a)(2)
    MINOR = "minor"  # what a minor consented to alone, 45 CFR 164.502(g)(3)(i)
    CONSENT = "consent"  # the client's written consent is needed first
    COPY = "copy"  # it is another person's own copy (row P8)
    BLOCKED = "blocked"
    WITHHELD = "withheld"
    NO_ACCESS = "no_access"  # the person represents the client no more, or never did


async def hindrance(
    authz: AuthzClient, document: Document, account_id: str, *, consent: bool, today: date
) -> Hindrance | None:
    """What stands in the way of releasing the document to the account; `consent`: the client's is on file.

    `today` is the practice's: outside the days of an access (a court's order, say) there is none.
    """
    grants = [one for one in await authz.grants_of_client(document.client_id) if one["account_id"] == account_id]
    standing = [one for one in grants if _stands(one, today)]
    return _of_the_person(document, grants, standing) or _of_the_document(
        document, standing, account_id, consent=consent
    )


def _stands(grant: dict[str, Any], today: date) -> bool:
    starts, until = grant.get("from"), grant.get("until")
    has_begun = not starts or date.fromisoformat(starts) <= today
    return grant["status"] in _STANDING and has_begun and (not until or today < date.fromisoformat(until))


def _of_the_person(
    document: Document, grants: list[dict[str, Any]], standing: list[dict[str, Any]]
) -> Hindrance | None:
    if not standing:
        return Hindrance.NO_ACCESS
    if any(one["blocked"] for one in grants):
        return Hindrance.BLOCKED
    withheld = {(item["type"], item["id"]) for one in grants for item in one["withheld"]}
    return Hindrance.WITHHELD if ("document", document.id) in withheld else None


def _of_the_document(
    document: Document, standing: list[dict[str, Any]], account_id: str, *, consent: bool
) -> Hindrance | None:
    is_client = any(one["kind"] == Kind.SELF.value for one in standing)
    if document.state == DRAFT:
        return Hindrance.DRAFT
    if document.category == "psychotherapy":
        return Hindrance.NEVER
    if document.copy_of not in (None, account_id):
        return Hindrance.COPY
    if document.category == "minor_consented" and not is_client:
        return Hindrance.MINOR
    if document.category in _WITH_CONSENT and not is_client and not consent:
        return Hindrance.CONSENT
    return None
