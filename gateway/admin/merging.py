"""One person whom the practice entered twice as a contact: seen side by side, then made one (conflicts c1, c3).

Nothing is thrown away: the record that gives way is kept and names the one that stands in its place. What a person may
see never grows by it (the service sees to that); conversations and signatures stay with the old sign-in's name.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func
from sqlmodel import col, select

from gateway.account.mailed_links import Purpose, close_links
from gateway.admin.contact_book import find_contact, find_people
from gateway.admin.contact_form import NAME_MAX
from gateway.admin.invitations import contact_of
from gateway.admin.people import describe
from gateway.edge.errors import NotFound, Rejected
from gateway.edge.guard import Guard, Route
from gateway.portal.intake.sending import readdress
from gateway.records.events import enter_event
from gateway.records.store import outbox_entry
from gateway.web.language import _
from gateway.web.pages import page, say, see_other
from gateway.web.words import KINDS
from models.tables.getting_in import Contact
from models.tables.records import Invoice, Thread
from models.vocabulary import GrantStatus, Kind, SubjectType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlmodel import Session
    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.web.words import Badge


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two records, as staff compare them."""

    contact: Contact
    clients: tuple[tuple[str, str, Badge | None], ...]  # name, what they are to the client, how access stands
    signed_in: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """What a merge will do: `moves` and `stays` in sentences."""

    kept: Side
    gone: Side
    moves: tuple[str, ...]
    stays: tuple[str, ...]


async def show_merge(request: Request) -> Response:
    """A search for the other record, then both side by side."""
    own = await _own(request)
    other = await find_contact(request, request.query_params.get("with"))
    if other is not None and _are_two(own, other):
        return await _show_preview(request, await _preview(request, own, other), other)
    query = " ".join(request.query_params.get("q", own.name)[:NAME_MAX].split())
    found = [one for one in await find_people(request, query) if _are_two(own, one)] if query else []
    return await page(request, "admin/contact_merge_search.html", contact=own, query=query, found=found)


async def merge(request: Request) -> Response:
    """Make the two one: first the access, which the service decides and records, then the practice's book."""
    client, reader = request.state.client, request.state.reader
    form, state = await request.form(), request.app.state
    own = await _own(request)
    other = await find_contact(request, str(form.get("with", "")))
    if other is None:
        raise NotFound
    preview = await _preview(request, own, other)
    kept, gone = preview.kept.contact, preview.gone.contact
    if str(form.get("keep", "")) != kept.id:  # Somebody signed in meanwhile: look again before anything moves.
        words = _("This has changed since you looked. Please look again.")
        return await _show_preview(request, preview, other, problem=words)
    placed: dict[str, str] = {}
    if kept.account_id and gone.account_id and kept.account_id != gone.account_id:
        try:
            placed = await state.authz.merge_accounts(
                client.practice_id, gone.account_id, kept.account_id, actor=reader.actor
            )
        except Rejected as error:
            if error.status != 404:  # What was merged before, when the same form was sent, is merged.
                return await _show_preview(request, preview, other, problem=error.detail)
    elsewhere = gone.account_id is not None and await _is_invited_elsewhere(request, gone.account_id)
    await state.records.change(
        client.practice_id, lambda session: _write(session, request, preview, placed, elsewhere=elsewhere)
    )
    await say(request, _("%(name)s is one person now.", name=kept.name))
    return see_other(f"/admin/clients/{client.id}")


async def _is_invited_elsewhere(request: Request, account_id: str) -> bool:
    practice_id = request.state.client.practice_id
    held = await request.app.state.authz.grants_of_account(account_id)
    ended = GrantStatus.ENDED.value
    return any(grant["practice_id"] != practice_id and grant["status"] != ended for grant in held)


def _write(session: Session, request: Request, preview: Preview, placed: Mapping[str, str], *, elsewhere: bool) -> None:
    kept, gone, now = preview.kept.contact, preview.gone.contact, request.app.state.clock()
    practice_id = kept.practice_id
    mine = {row.client_id: row for row in _records(session, kept)}
    for row in _records(session, gone):
        stands = mine.get(row.client_id)
        if stands is not None and (row.grant_id is None or placed.get(row.grant_id) in {None, stands.grant_id}):
            row.merged_into = stands.id
        else:
            made = Contact(**{**row.model_dump(), "id": _new_id(row.id), "name": kept.name, "email": kept.email})
            made.phone, made.account_id = kept.phone or row.phone, kept.account_id
            made.grant_id = placed.get(row.grant_id or "")
            session.merge(made)
            row.merged_into = made.id
        session.add(row)
    if kept.account_id and gone.account_id:
        if not elsewhere:  # Another practice's invitation is not this one's to take back.
            close_links(session, Purpose.JOIN, SubjectType.ACCOUNT, gone.account_id, now)
        readdress(session, gone.account_id, kept.account_id)
        for bill in session.exec(select(Invoice).where(Invoice.addressee_id == gone.account_id)):
            bill.addressee_id = kept.account_id
            session.add(bill)
            session.add(outbox_entry("invoice", bill))
    event = {"action": "contact.merged", "actor": request.state.reader.actor, "practice_id": practice_id}
    about = {"client_id": kept.client_id, "account_id": kept.account_id}
    enter_event(session, {**event, **about}, at=now, once=f"{gone.id} {kept.id}")


async def _own(request: Request) -> Contact:
    grant = request.state.item
    if grant is None:
        found = await find_contact(request, request.path_params["contact"])
    else:
        found = await contact_of(request, grant["id"])
    if found is None or found.client_id != request.state.client.id:
        raise NotFound
    return found


def _are_two(one: Contact, other: Contact) -> bool:
    return one.id != other.id and (one.account_id is None or one.account_id != other.account_id)


async def _preview(request: Request, own: Contact, other: Contact) -> Preview:
    """The record with a sign-in that is in use is kept, else the one that was looked for."""
    one, two = await _side(request, own), await _side(request, other)
    rank = (one.signed_in, one.contact.account_id is not None), (two.signed_in, two.contact.account_id is not None)
    kept, gone = (one, two) if rank[0] > rank[1] else (two, one)
    known = {(name, kind) for name, kind, _standing in kept.clients}
    moves = [
        _("%(name)s (%(kind)s) stays as it is.", name=name, kind=kind)
        if (name, kind) in known
        else _("%(name)s (%(kind)s) moves to the record that is kept.", name=name, kind=kind)
        for name, kind, _standing in gone.clients
    ]
    stays = [_("What was kept from either of the two is kept from this person.")]
    account = gone.contact.account_id
    if account is not None and kept.contact.account_id is not None:
        bills, threads = await _counted(request, account)
        if bills:
            moves.append(_("Invoices that move: %(number)s.", number=bills))
        if threads:
            stays.append(_("Conversations that stay with the old sign-in: %(number)s.", number=threads))
        if gone.signed_in:
            stays.append(_("The other sign-in remains that person's own, and shows nothing of your practice any more."))
    return Preview(kept, gone, tuple(moves), tuple(stays))


async def _side(request: Request, contact: Contact) -> Side:
    app, practice_id = request.app.state, request.state.client.practice_id
    grants: Sequence[Mapping[str, Any]] = ()
    if contact.account_id is not None:
        grants = [g for g in await app.authz.grants_of_account(contact.account_id) if g["practice_id"] == practice_id]
    standing = {g["id"]: g for g in grants if g["status"] != GrantStatus.ENDED.value}
    rows = await app.records.read(practice_id, lambda session: _records(session, contact))
    clients = await app.records.clients(
        sorted({row.client_id for row in rows} | {g["client_id"] for g in standing.values()})
    )
    lines: dict[tuple[str, str], Badge | None] = {}
    for row in rows:
        if row.grant_id is None and row.client_id in clients:
            lines[clients[row.client_id][0].name, _(KINDS[Kind(row.kind)])] = None
    for grant in standing.values():
        if grant["client_id"] in clients:
            name = clients[grant["client_id"]][0].name
            lines[name, _(KINDS[Kind(grant["kind"])])] = describe(grant, name).status
    signed_in = any(grant["status"] == GrantStatus.ACTIVE.value for grant in standing.values())
    return Side(
        contact, tuple((name, kind, badge) for (name, kind), badge in sorted(lines.items(), key=_first)), signed_in
    )


def _first(line: tuple[tuple[str, str], object]) -> tuple[str, str]:
    return line[0]


def _records(session: Session, contact: Contact) -> list[Contact]:
    """What the practice has of this person that stands: by the account, or this one record."""
    chosen = select(Contact).where(Contact.practice_id == contact.practice_id, col(Contact.merged_into).is_(None))
    if contact.account_id is None:
        return list(session.exec(chosen.where(Contact.id == contact.id)))
    return list(session.exec(chosen.where(Contact.account_id == contact.account_id).order_by(Contact.id)))


async def _counted(request: Request, account_id: str) -> tuple[int, int]:
    """How many invoices are addressed to the account, and in how many conversations it takes part."""
    practice_id = request.state.client.practice_id

    def read(session: Session) -> tuple[int, int]:
        bills = select(func.count()).select_from(Invoice)
        bills = bills.where(Invoice.practice_id == practice_id, Invoice.addressee_id == account_id)
        threads = session.exec(select(Thread.participant_ids).where(Thread.practice_id == practice_id))
        return session.exec(bills).one(), sum(account_id in members for members in threads)

    counted: tuple[int, int] = await request.app.state.records.read(practice_id, read)
    return counted


def _new_id(contact_id: str) -> str:
    """The id of what stands in a record's place; the same form, sent again, makes it once."""
    return hashlib.sha256(f"merged {contact_id}".encode()).hexdigest()[:32]


async def _show_preview(request: Request, preview: Preview, other: Contact, *, problem: str = "") -> Response:
    return await page(
        request,
        "admin/contact_merge.html",
        status=409 if problem else 200,
        preview=preview,
        other=other.id,
        problem=problem,
    )


_OF_GRANT = "/admin/clients/{client}/grants/{grant}/merge"
_OF_CONTACT = "/admin/clients/{client}/contacts/{contact}/merge"
_UPDATE = Guard("update", "grant")
ROUTES = (
    Route(_OF_GRANT, show_merge, guard=_UPDATE),
    Route(_OF_GRANT, merge, guard=_UPDATE, methods=("POST",)),
    Route(_OF_CONTACT, show_merge, guard=_UPDATE),
    Route(_OF_CONTACT, merge, guard=_UPDATE, methods=("POST",)),
)
