"""Letting a contact in: first the grant, which is decided and recorded, then the contact, its proof and the mail."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from gateway.account.credentials import credential_of, has_joined
from gateway.account.invitations import Inviting, invite, new_one_time, way_in_of
from gateway.admin.proofs import keep_proof
from gateway.edge.errors import NotFound, Rejected
from gateway.notices.notify import Event, notify
from gateway.portal.intake.sending import guardians, send_forms
from gateway.records.events import enter_event
from gateway.web.language import _
from gateway.web.pages import say
from gateway.web.today import local_today
from models.tables.getting_in import Contact
from models.tables.identity import Person
from models.vocabulary import Feature, GrantStatus, SubjectType

if TYPE_CHECKING:
    from sqlmodel import Session
    from starlette.requests import Request

    from gateway.admin.contact_form import Entered
    from gateway.records.files import Upload


async def let_in(request: Request, entered: Entered, contact: Contact, language: str, upload: Upload | None) -> None:
    """Keep the contact; with access the grant, its proof, the first forms and the mail. Says what was done.

    Rejected where the service does not accept the grant, UploadRefused where there is no room for the proof's file.
    """
    client, reader, app = request.state.client, request.state.reader, request.app.state
    practice = await app.records.practice(reader.practice_id)
    kept = await app.records.read(client.practice_id, lambda session: session.get(Contact, contact.id))
    if kept is not None and (kept.client_id, kept.email or "") != (contact.client_id, contact.email):
        raise NotFound  # The form's key is another contact's: nothing of theirs is written over.
    joined = False
    if entered.access:
        contact.account_id = contact.account_id or f"a_{hashlib.sha256(contact.id.encode()).hexdigest()[:20]}"
        account_id = contact.account_id
        held = await app.records.read(None, lambda s: credential_of(s, SubjectType.ACCOUNT, account_id))
        joined = has_joined(held)
        contact.grant_id = await _grant(request, entered, account_id, joined=joined)
    way = await app.records.read(reader.practice_id, lambda s: way_in_of(s, reader.practice_id))
    one_time = await new_one_time() if entered.access and not joined and way.invite_by == "password" else None
    inviting = Inviting(practice, reader.id, app.clock(), app.settings.public_url)
    each = guardians(await app.authz.grants_of_client(client.id)) if entered.forms else []

    def write(session: Session) -> None:
        if (kept := session.get(Contact, contact.id)) is not None and kept.grant_id == contact.grant_id:
            return  # The same form, sent again.
        session.merge(contact)
        event = {"action": "contact.added", "actor": reader.actor, "practice_id": practice.id, "client_id": client.id}
        enter_event(session, {**event, "account_id": contact.account_id}, at=inviting.now)
        if not entered.access:
            return
        if entered.proof.what:
            keep_proof(session, request, entered.proof, str(contact.grant_id), upload)
        if entered.forms:
            to, today = [str(contact.account_id)], local_today(request)
            forms = sorted(entered.forms)
            send_forms(
                session, client.id, forms, to=to, each=each, by=reader.id, key=contact.id, today=today, tell=joined
            )
        if joined:
            path = f"/c/{client.id}"
            accounts = [str(contact.account_id)]
            notify(
                session,
                Event.PROFILE,
                practice_id=practice.id,
                client_id=client.id,
                item=None,
                path=path,
                accounts=accounts,
            )
            return
        person = session.get(Person, (SubjectType.ACCOUNT.value, contact.account_id)) or Person(
            subject_type=SubjectType.ACCOUNT.value,
            subject_id=str(contact.account_id),
            name=contact.name,
            email=contact.email,
            phone=contact.phone,
            language=language,
        )
        session.add(person)
        invite(session, person, inviting, one_time)

    await app.records.change(practice.id, write)
    await say(request, _said(contact, entered, joined=joined))


async def _grant(request: Request, entered: Entered, account_id: str, *, joined: bool) -> str:
    """The id of the grant; one that was made when the form was sent before is the one."""
    client, authz = request.state.client, request.app.state.authz
    body: dict[str, Any] = {"account_id": account_id, "kind": entered.kind}
    if joined:
        body["status"] = GrantStatus.ACTIVE.value
    if entered.own_switches:
        body["toggles"] = {feature.value: feature.value in entered.on for feature in Feature}
    body |= {name: value for name, value in entered.proof.window().items() if value is not None}
    if entered.proof.what:
        body["proof"] = "on_file"
    try:
        return str((await authz.create_grant(client.id, body, actor=request.state.reader.actor))["id"])
    except Rejected as error:
        contact = await request.app.state.records.read(
            client.practice_id, lambda session: session.get(Contact, entered.once)
        )
        for grant in await authz.grants_of_client(client.id):
            same = (grant["account_id"], grant["kind"]) == (account_id, entered.kind)
            is_ours = contact is None or contact.grant_id == grant["id"]
            if error.status == 409 and same and is_ours and grant["status"] == GrantStatus.PENDING.value:
                return str(grant["id"])
        raise


def _said(contact: Contact, entered: Entered, *, joined: bool) -> str:
    if not entered.access:
        return _("%(name)s is kept as a contact, without portal access.", name=contact.name)
    if joined:
        return _("%(name)s has access at once, and is told that a profile was added.", name=contact.name)
    return _("%(name)s was invited. Portal access is pending until the first sign-in.", name=contact.name)
