"""Documents as the practice reads them: rows of the list, and who signed or is still to sign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func
from sqlmodel import col, select

from gateway.admin.people import names_known
from gateway.portal.papers.documents import CATEGORIES
from gateway.records.papers import COPY_KINDS, DRAFT, EACH, RELEASED, SIGNED, Standing
from gateway.web.formats import day
from gateway.web.language import N_, _
from gateway.web.staff import staff_names
from gateway.web.today import zone_of
from gateway.web.words import KINDS, Badge
from models.tables.papers import Signature
from models.tables.records import Document
from models.vocabulary import GrantStatus, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request

ADDABLE: Mapping[str, str] = {"general": N_("General"), **CATEGORIES}  # psychotherapy notes are never added here
_STATES: Mapping[str, tuple[str, str]] = {
    DRAFT: (N_("Draft"), ""),
    RELEASED: (N_("Released"), "info"),
    SIGNED: (N_("Signed"), "good"),
}
_STANDINGS: Mapping[Standing, tuple[str, str]] = {
    Standing.INTACT: (N_("As it was signed"), "good"),
    Standing.CHANGED: (N_("Changed after signing"), "bad"),
    Standing.ALTERED: (N_("Record altered"), "bad"),
}


@dataclass(frozen=True, slots=True)
class PaperRow:
    """A document in the practice's list."""

    href: str
    title: str
    summary: str
    state: Badge


@dataclass(frozen=True, slots=True)
class SignerRow:
    """A signature, or one that is missing (`standing` None). `check` leads to the page that checks it."""

    name: str
    note: str
    standing: Badge | None
    check: str


async def network_of(request: Request) -> dict[str, dict[str, Any]]:
    """Who represents the client or is to: account -> `{"name", "kinds"}`."""
    state, client = request.app.state, request.state.client
    standing = {GrantStatus.ACTIVE.value, GrantStatus.PENDING.value}
    grants = [one for one in await state.authz.grants_of_client(client.id) if one["status"] in standing]
    names = await names_known(request, grants)
    network: dict[str, dict[str, Any]] = {}
    for one in grants:
        account_id = one["account_id"]
        person = network.setdefault(account_id, {"name": names[one["id"]], "kinds": set()})
        person["kinds"].add(one["kind"])
    return network


async def paper_rows(request: Request, rows: Sequence[Document], network: Mapping[str, Any]) -> list[PaperRow]:
    """Documents as rows; `network` as of `network_of`."""
    authors = await staff_names(request, [row.author for row in rows if row.author])
    counts = await _signature_counts(request, [row for row in rows if row.signer_rule != "nobody"])
    views = []
    for row in rows:
        source = authors.get(row.author, "")
        if row.uploaded_by is not None:
            source = _("handed in by %(name)s", name=_name(network, row.uploaded_by))
        signed = counts.get(row.id)
        parts = [day(row.dated), source, _(ADDABLE.get(row.category, "")) if row.category != "general" else ""]
        if row.copy_of is not None and row.uploaded_by is None:
            parts.append(_("copy of %(name)s", name=_name(network, row.copy_of)))
        if signed:
            parts.append(_("%(count)s signed", count=signed))
        label, tone = _STATES[row.state]
        href = path_of(row)
        views.append(PaperRow(href, row.title, " · ".join(part for part in parts if part), Badge(_(label), tone)))
    return views


async def _signature_counts(request: Request, rows: Sequence[Document]) -> dict[str, int]:
    """How many have signed each document, on copies or on itself."""
    ids = [row.id for row in rows]
    if not ids:
        return {}
    subject = func.coalesce(col(Document.original_id), col(Document.id))
    chosen = (
        select(subject, func.count())
        .select_from(Signature)
        .join(Document, col(Document.id) == col(Signature.document_id))
        .where(subject.in_(ids))
        .group_by(subject)
    )
    found = await request.app.state.records.read(
        request.state.client.practice_id, lambda session: list(session.exec(chosen))
    )
    return dict(found)


def signer_rows(
    request: Request,
    row: Document,
    copies: Sequence[Document],
    signatures: Sequence[tuple[Signature, Standing]],
    network: Mapping[str, Any],
) -> list[SignerRow]:
    """The signatures on a document or its copies with what checking them found, then who is still to sign."""
    signed = []
    for one, standing in signatures:
        label, tone = _STANDINGS[standing]
        when = day(one.signed_at.astimezone(zone_of(request)).date())
        kinds = ", ".join(_(KINDS[Kind(kind)]) for kind in one.kinds)
        note = _("signed as %(typed)s on %(day)s", typed=one.typed_name, day=when)
        name = f"{one.name} ({kinds})" if kinds else one.name
        signed.append(SignerRow(name, note, Badge(_(label), tone), f"/verify/{one.practice_id}.{one.id}"))
    present = {one.account_id for one, _standing in signatures}
    if row.signer_rule == EACH:
        asked = {copy.copy_of for copy in copies if copy.copy_of} or {
            key for key, person in network.items() if person["kinds"] & COPY_KINDS
        }
    else:
        asked = set(row.signer_ids) if row.signer_rule == "named" else set()
    missing = sorted(_name(network, key) for key in asked - present)
    return [*signed, *(SignerRow(name, _("has not signed yet"), None, "") for name in missing)]


def _name(network: Mapping[str, Any], account_id: str) -> str:
    return str(network[account_id]["name"]) if account_id in network else account_id


def path_of(row: Document) -> str:
    """The practice's page of a document."""
    return f"/admin/clients/{row.client_id}/documents/{row.id}"
