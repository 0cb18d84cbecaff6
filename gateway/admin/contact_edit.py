"""Correcting what the practice knows of a contact: name, address, telephone, authority (rows W17, M9; conflict c1).

Of somebody who never signed in, a new address also moves the open invitation there. A sign-in that is in use keeps the
address its person chose: it is theirs, and the practice's book is the practice's.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from sqlmodel import col, select

from gateway.account.credentials import credential_of, has_joined
from gateway.account.invitations import Inviting, invite, new_one_time, way_in_of
from gateway.admin.authorities import AUTHORITIES
from gateway.admin.cautions import cautions_of_address, unread
from gateway.admin.contact_book import find_contact
from gateway.admin.contact_form import NAME_MAX, PHONE_MAX
from gateway.admin.invitations import contact_of
from gateway.admin.people import names_known
from gateway.admin.switches import Problem
from gateway.admin.three_way import Edit, conflicts_of, read_edit, to_choose
from gateway.edge.errors import NotFound
from gateway.edge.guard import Guard, Route
from gateway.edge.questions import may
from gateway.mail.address import is_address
from gateway.records.events import enter_event
from gateway.web.language import N_, _
from gateway.web.pages import page, say, see_other
from gateway.web.words import KINDS
from models.tables.getting_in import Contact
from models.tables.identity import Person
from models.vocabulary import GrantStatus, Kind, SubjectType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlmodel import Session
    from starlette.datastructures import FormData
    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.account.invitations import OneTime
    from gateway.admin.cautions import Caution

FIELDS = {
    "name": N_("Name"),
    "email": N_("E-mail address"),
    "phone": N_("Telephone"),
    "authority": N_("By what authority they act"),
}
_MOST = {"name": 2 * NAME_MAX, "email": 254, "phone": PHONE_MAX, "authority": 40}


async def show_contact(request: Request) -> Response:
    """What the practice knows of the contact."""
    contact = await _contact(request)
    stored = _values(contact)
    return await _form(request, contact, Edit(stored, stored, stored, {}))


async def save_contact(request: Request) -> Response:
    """Write what the reader changed, on every record that the practice has of this person."""
    form, app, client = await request.form(), request.app.state, request.state.client
    contact = await _contact(request)
    stored = _values(contact)
    edit = read_edit(form, _read(form, stored), stored)
    if problems := _check(edit.entered):
        return await _form(request, contact, edit, problems=problems)
    if edit.conflicts():
        return await _form(request, contact, edit, status=409)
    changes = edit.changes()
    if not changes:
        await say(request, _("Nothing was changed."))
        return see_other(_back(request))
    if changes.keys() != {"authority"} and not await _reaches_all(request, contact):
        words = _("This person acts for other clients of the practice too. Ask an administrator to change this.")
        return await _form(request, contact, edit, problems=[Problem(next(iter(changes)), words)])
    cautions = await cautions_of_address(request, changes.get("email", ""), contact.kind, contact)
    if unread(cautions, form):
        return await _form(request, contact, edit, cautions=cautions, ticked=form.getlist("ack"))
    invites = bool(changes.keys() & {"email", "name"}) and await _only_invited_here(request, contact)
    way = await app.records.read(client.practice_id, lambda session: way_in_of(session, client.practice_id))
    one_time = await new_one_time() if invites and "email" in changes and way.invite_by == "password" else None
    practice = await app.records.practice(client.practice_id)
    inviting = Inviting(practice, request.state.reader.id, app.clock(), app.settings.public_url)

    def write(session: Session) -> str:
        return _write(session, request, contact, changes, (inviting, one_time) if invites else None)

    done = await app.records.change(client.practice_id, write)
    if done == "moved":  # Somebody else wrote between our read and our write: look again.
        return await save_contact(request)
    await say(request, _said(changes, done, contact))
    return see_other(_back(request))


def _write(
    session: Session,
    request: Request,
    contact: Contact,
    changes: Mapping[str, str],
    mails: tuple[Inviting, OneTime | None] | None,
) -> str:
    """Write in one transaction: "moved" when the contact is not as it was read, "invited" when a mail goes out."""
    reader, app = request.state.reader, request.app.state
    row = session.get(Contact, contact.id, with_for_update=True)
    if row is not None and _values(row) != _values(contact):
        return "moved"
    row = session.merge(contact) if row is None else row
    rows = [row]
    if row.account_id is not None:
        same = select(Contact).where(
            Contact.practice_id == row.practice_id, Contact.account_id == row.account_id, Contact.id != row.id
        )
        rows += session.exec(same.where(col(Contact.merged_into).is_(None))).all()
    for one in rows:
        for name in ("name", "email", "phone"):
            if name in changes:
                setattr(one, name, changes[name] or None)
        session.add(one)
    if "authority" in changes:
        row.authority = changes["authority"]
    details = {"fields": ", ".join(sorted(changes))}
    event = {"action": "contact.changed", "actor": reader.actor, "practice_id": row.practice_id, "details": details}
    enter_event(session, {**event, "client_id": row.client_id, "account_id": row.account_id}, at=app.clock())
    if mails is None:
        return "saved"
    person = session.get(Person, (SubjectType.ACCOUNT.value, row.account_id))
    if person is None or has_joined(credential_of(session, SubjectType.ACCOUNT, str(row.account_id))):
        return "saved"
    person.name, person.email, person.phone = row.name, row.email, row.phone
    session.add(person)
    session.flush()
    if "email" not in changes:
        return "saved"
    invite(session, person, *mails)
    return "invited"


async def _reaches_all(request: Request, contact: Contact) -> bool:
    """Whether the reader may invite, or change access, for every client the person acts for: it is written for all."""
    if contact.account_id is None:
        return True
    held = await request.app.state.authz.grants_of_account(contact.account_id)
    here = [grant for grant in held if grant["practice_id"] == contact.practice_id]
    clients = sorted({grant["client_id"] for grant in here if grant["status"] != GrantStatus.ENDED.value})
    may_send = await may(request, [("send", "invitation", {"invitee": "contact", "client_id": one}) for one in clients])
    may_update = await may(request, [("update", "grant", {"client_id": one}) for one in clients])
    return all(send or update for send, update in zip(may_send, may_update, strict=True))


async def _only_invited_here(request: Request, contact: Contact) -> bool:
    """Whether the account was made for an invitation of this practice, still waits, and nobody else invited it."""
    if contact.account_id is None:
        return False
    app, account_id = request.app.state, contact.account_id
    if has_joined(await app.records.read(None, lambda s: credential_of(s, SubjectType.ACCOUNT, account_id))):
        return False
    grants = await app.authz.grants_of_account(account_id)
    here = all(grant["practice_id"] == contact.practice_id for grant in grants)
    return here and any(grant["status"] == GrantStatus.PENDING.value for grant in grants)


async def _contact(request: Request) -> Contact:
    """The contact of the URL; for a grant of whom the book has nothing yet, a new page of the book."""
    may_send, may_update = await may(request, [("send", "invitation", {"invitee": "contact"}), ("update", "grant", {})])
    if not (may_send or may_update):
        raise NotFound
    grant, client = request.state.item, request.state.client
    if grant is None:
        contact = await find_contact(request, request.path_params["contact"])
        if contact is None or contact.client_id != client.id:
            raise NotFound
        return contact
    return await contact_of(request, grant["id"]) or Contact(
        id=hashlib.sha256(f"contact {grant['id']}".encode()).hexdigest()[:32],
        practice_id=client.practice_id,
        client_id=client.id,
        account_id=grant["account_id"],
        grant_id=grant["id"],
        kind=grant["kind"],
        name=(await names_known(request, [grant]))[grant["id"]],
        added_by=request.state.reader.id,
        added_at=request.app.state.clock(),
    )


def _values(contact: Contact) -> dict[str, str]:
    return {name: getattr(contact, name) or "" for name in FIELDS}


def _read(form: FormData, stored: Mapping[str, str]) -> dict[str, str]:
    def text(name: str) -> str:
        value = form.get(name)
        return " ".join(value.split())[: _MOST[name]] if isinstance(value, str) else stored[name]

    return {name: text(name) for name in FIELDS}


def _check(entered: Mapping[str, str]) -> list[Problem]:
    found = []
    if not entered["name"]:
        found.append(Problem("name", _("Enter the name.")))
    if not entered["email"]:
        found.append(Problem("email", _("Enter an e-mail address: a contact needs one.")))
    elif not is_address(entered["email"]):
        found.append(Problem("email", _("Enter an address such as ann@example.org.")))
    if entered["authority"] not in AUTHORITIES:
        found.append(Problem("authority", _("Choose by what authority they act.")))
    return found


def _back(request: Request) -> str:
    client, grant = request.state.client, request.state.item
    return f"/admin/clients/{client.id}" + (f"/grants/{grant['id']}" if grant is not None else "")


def _said(changes: Mapping[str, str], done: str, contact: Contact) -> str:
    fields = ", ".join(_(FIELDS[name]) for name in changes)
    said = _("Saved: %(fields)s.", fields=fields)
    if done == "invited":
        return said + " " + _("The invitation was mailed to the new address; the one before is worth nothing any more.")
    if "email" in changes and contact.account_id is not None:
        return said + " " + _("A sign-in that is in use keeps the address its person chose.")
    return said


def in_words(name: str, value: str) -> str:
    """A field's value as people read it."""
    return _(AUTHORITIES.get(value, value)) if name == "authority" else value


async def _form(
    request: Request,
    contact: Contact,
    edit: Edit,
    *,
    problems: Sequence[Problem] = (),
    cautions: Sequence[Caution] = (),
    ticked: Sequence[object] = (),
    status: int = 200,
) -> Response:
    conflicts = conflicts_of(edit, in_words)
    told = [*problems, *to_choose(conflicts, FIELDS)]
    context: dict[str, Any] = {
        "values": {**edit.stored, **edit.entered} if problems or cautions or conflicts else edit.shown(),
        "stored": edit.to_see(),
        "taken_over": [(_(FIELDS[name]), in_words(name, edit.stored[name])) for name in edit.taken_over()],
        "problems_title": _("Somebody else saved first") if status == 409 else _("This was not saved"),
    }
    return await page(
        request,
        "admin/contact_edit.html",
        status=status if status != 200 else 422 if problems or cautions else 200,
        contact=contact,
        kind=_("The client") if contact.kind == Kind.SELF.value else _(KINDS[Kind(contact.kind)]),
        labels=FIELDS,
        authorities=AUTHORITIES,
        problems=told,
        conflicts=conflicts,
        cautions=cautions,
        ticked={str(code) for code in ticked},
        back=_back(request),
        **context,
    )


_OF_GRANT = "/admin/clients/{client}/grants/{grant}/contact"
_OF_CONTACT = "/admin/clients/{client}/contacts/{contact}"
ROUTES = (
    Route(_OF_GRANT, show_contact, guard=Guard("view", "grant")),
    Route(_OF_GRANT, save_contact, guard=Guard("view", "grant"), methods=("POST",)),
    Route(_OF_CONTACT, show_contact, guard=Guard("view", "grant")),
    Route(_OF_CONTACT, save_contact, guard=Guard("view", "grant"), methods=("POST",)),
)
