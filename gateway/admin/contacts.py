"""Adding somebody to a client's contact network, with or without access and first forms (W16 to W28, Y13; c3, c7)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlmodel import col, select

from gateway.account.credentials import credential_of, has_joined
from gateway.account.invitations import Inviting, invite, new_one_time, way_in_of
from gateway.account.passwords import canonical
from gateway.admin.contact_book import find_contact, find_people
from gateway.admin.contact_form import NAME_MAX, Entered, blank, check_person, read_entered
from gateway.admin.switches import Problem
from gateway.edge.errors import NotFound, Rejected
from gateway.edge.guard import Guard, Route
from gateway.edge.questions import may
from gateway.notices.notify import Event, notify
from gateway.portal.intake.questions import in_language
from gateway.portal.intake.sending import forms_for_invitation, guardians, recipients, send_forms
from gateway.web.language import _, language
from gateway.web.pages import page, say, see_other
from gateway.web.today import local_today
from gateway.web.words import FEATURES, KINDS
from models.tables.getting_in import Contact
from models.tables.identity import Person
from models.vocabulary import AgeClass, Feature, GrantStatus, Kind, SelfManaging, SubjectType, default_toggles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlmodel import Session
    from starlette.requests import Request
    from starlette.responses import Response


@dataclass(frozen=True, slots=True)
class Rights:
    """What the reader may do here: invite a contact, invite the client, choose switches, and send forms."""

    contact: bool
    client: bool
    grant: bool
    form: bool


async def show_new(request: Request) -> Response:
    """A form for somebody new."""
    await _rights(request)
    return await _form(request, blank())


async def add_new(request: Request) -> Response:
    """Keep somebody new as a contact of the client, and let them in if that was ticked."""
    rights, entered = await _rights(request), read_entered(await request.form())
    problems = check_person(entered)
    if not problems and (words := await _taken_address(request, entered)):
        problems = [Problem("email", words)]
    problems = problems or await _check_access(request, entered, rights)
    if problems:
        return await _form(request, entered, problems=problems)
    contact = _contact(request, entered, entered.name, entered.email, entered.phone)
    return await _give(request, entered, contact, language=entered.language)


async def show_existing(request: Request) -> Response:
    """A search among the practice's people, and the form for the one who was chosen."""
    await _rights(request)
    chosen = await find_contact(request, request.query_params.get("contact"))
    if chosen is not None:
        return await _form(request, replace(blank(), kind=_usual_kind(chosen)), chosen=chosen)
    query = " ".join(request.query_params.get("q", "")[:NAME_MAX].split())
    found = await find_people(request, query) if query else []
    return await page(request, "admin/contact_search.html", query=query, found=found)


async def add_existing(request: Request) -> Response:
    """Make somebody the practice knows a contact of this client too."""
    rights, form = await _rights(request), await request.form()
    entered, chosen = read_entered(form), await find_contact(request, str(form.get("contact", "")))
    if chosen is None:
        raise NotFound
    if problems := await _check_access(request, entered, rights):
        return await _form(request, entered, chosen=chosen, problems=problems)
    contact = _contact(request, entered, chosen.name, chosen.email or "", chosen.phone or "")
    contact.account_id = chosen.account_id
    if chosen.client_id == request.state.client.id and chosen.grant_id is None:
        contact.id = chosen.id
    return await _give(request, entered, contact, language="en")


async def _give(request: Request, entered: Entered, contact: Contact, *, language: str) -> Response:
    """Keep the contact; with access, first the grant, which is decided and recorded, then the mail."""
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
        try:
            contact.grant_id = await _grant(request, entered, account_id, joined=joined)
        except Rejected as error:
            problem = Problem(error.field if error.field == "kind" else None, error.detail)
            chosen = contact if request.url.path.endswith("/existing") else None
            return await _form(request, entered, chosen=chosen, problems=[problem])
    way = await app.records.read(reader.practice_id, lambda s: way_in_of(s, reader.practice_id))
    one_time = await new_one_time() if entered.access and not joined and way.invite_by == "password" else None
    inviting = Inviting(practice, reader.id, app.clock(), app.settings.public_url)
    each = guardians(await app.authz.grants_of_client(client.id)) if entered.forms else []

    def write(session: Session) -> None:
        if (kept := session.get(Contact, contact.id)) is not None and kept.grant_id == contact.grant_id:
            return  # The same form, sent again.
        session.merge(contact)
        if not entered.access:
            return
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
    return see_other(f"/admin/clients/{client.id}")


async def _grant(request: Request, entered: Entered, account_id: str, *, joined: bool) -> str:
    """The id of the grant; one that was made when the form was sent before is the one."""
    client, authz = request.state.client, request.app.state.authz
    body: dict[str, Any] = {"account_id": account_id, "kind": entered.kind}
    if joined:
        body["status"] = GrantStatus.ACTIVE.value
    if entered.own_switches:
        body["toggles"] = {feature.value: feature.value in entered.on for feature in Feature}
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


async def _rights(request: Request) -> Rights:
    """NotFound for whoever may not invite a contact here."""
    contact, client, grant, form = await may(
        request,
        [
            ("create", "invitation", {"invitee": "contact"}),
            ("create", "invitation", {"invitee": "client"}),
            ("create", "grant", {}),
            ("send", "form", {}),
        ],
    )
    if not contact:
        raise NotFound
    return Rights(contact, client, grant, form)


async def _check_access(request: Request, entered: Entered, rights: Rights) -> list[Problem]:
    """The client who does not manage a portal is not invited; the client who does comes first (c7, M3, W9)."""
    client, authz = request.state.client, request.app.state.authz
    if entered.kind not in set(Kind):
        return [Problem("kind", _("Choose what the person is to the client."))]
    if not entered.access:
        return []
    if entered.kind == Kind.SELF.value and not rights.client:
        words = _(
            "%(name)s does not manage a portal of their own and is not invited. Add a contact instead.",
            name=client.preferred,
        )
        return [Problem("kind", words)]
    if entered.own_switches and not rights.grant:
        return [Problem("switches", _("Only those who run the practice choose switches. Leave them as usual."))]
    if entered.forms and not (rights.form and recipients([_as_grant("", entered.kind)])):
        return [Problem("forms", _("No form can be sent to this person. Untick the forms."))]
    if entered.kind != Kind.SELF.value and not entered.confirmed:
        attributes = await authz.client(client.id)
        own = [g for g in await authz.grants_of_client(client.id) if g["kind"] == Kind.SELF.value]
        if attributes["self_managing"] == SelfManaging.YES.value and all(g["status"] == "ended" for g in own):
            words = _(
                "%(name)s manages a portal of their own and is not invited yet. Invite them first, or tick the box.",
                name=client.preferred,
            )
            return [Problem("confirmed", words)]
    return []


async def _taken_address(request: Request, entered: Entered) -> str:
    """What to do when another person of the practice has this address; empty when nobody has."""
    address, once, practice_id = canonical(entered.email), entered.once, request.state.client.practice_id

    def read(session: Session) -> Contact | None:
        chosen = select(Contact).where(Contact.practice_id == practice_id)
        chosen = chosen.where(col(Contact.email).icontains(address, autoescape=True), col(Contact.id) != once)
        return next((one for one in session.exec(chosen) if canonical(one.email or "") == address), None)

    found: Contact | None = await request.app.state.records.read(practice_id, read)
    if found is None:
        return ""
    if await find_contact(request, found.id) is None:  # Of a client whom the reader does not see, so without a name.
        return _("The practice knows this address already. Ask an administrator to add the person.")
    return _("%(name)s has this address in your contacts already. Add them as an existing contact.", name=found.name)


def _contact(request: Request, entered: Entered, name: str, email: str, phone: str) -> Contact:
    client = request.state.client
    return Contact(
        id=entered.once,
        practice_id=client.practice_id,
        client_id=client.id,
        kind=entered.kind,
        name=name,
        email=email,
        phone=phone or None,
        added_by=request.state.reader.id,
        added_at=request.app.state.clock(),
    )


def _as_grant(account_id: str, kind: str) -> dict[str, str]:
    return {"account_id": account_id, "kind": kind, "status": GrantStatus.PENDING.value}


def _usual_kind(chosen: Contact) -> str:
    return Kind.GUARDIAN.value if chosen.kind == Kind.SELF.value else chosen.kind


def _said(contact: Contact, entered: Entered, *, joined: bool) -> str:
    if not entered.access:
        return _("%(name)s is kept as a contact, without portal access.", name=contact.name)
    if joined:
        return _("%(name)s has access at once, and is told that a profile was added.", name=contact.name)
    return _("%(name)s was invited. Portal access is pending until the first sign-in.", name=contact.name)


async def _form(
    request: Request, entered: Entered, *, chosen: Contact | None = None, problems: Sequence[Problem] = ()
) -> Response:
    rights = await _rights(request)
    defaults = {kind: default_toggles(kind, AgeClass.CHILD) for kind in Kind}
    usual = defaults.get(Kind(entered.kind) if entered.kind in set(Kind) else Kind.GUARDIAN, {})
    boxes = [
        {
            "feature": feature.value,
            "label": words.label,
            "about": words.about,
            "on": feature.value in entered.on if entered.own_switches else usual.get(feature, False),
            "kinds": " ".join(kind.value for kind in Kind if defaults[kind][feature]),
        }
        for feature, words in FEATURES.items()
    ]
    practice_id = request.state.client.practice_id
    templates = await request.app.state.records.read(practice_id, lambda s: forms_for_invitation(s, practice_id))
    return await page(
        request,
        "admin/contact.html",
        forms=[(one.id, in_language(one.title, language())) for one in templates] if rights.form else [],
        status=422 if problems else 200,
        entered=entered,
        chosen=chosen,
        problems=problems,
        asks=any(problem.field == "confirmed" for problem in problems) or entered.confirmed,
        boxes=boxes if rights.grant else [],
        kinds=[(kind.value, KINDS[kind]) for kind in Kind if rights.client or kind is not Kind.SELF],
        not_self=not rights.client,
        action=f"/admin/clients/{request.state.client.id}/contacts/{'existing' if chosen else 'new'}",
    )


ROUTES = (
    Route("/admin/clients/{client}/contacts/new", show_new, guard=Guard("view", "grant")),
    Route("/admin/clients/{client}/contacts/new", add_new, guard=Guard("view", "grant"), methods=("POST",)),
    Route("/admin/clients/{client}/contacts/existing", show_existing, guard=Guard("view", "grant")),
    Route("/admin/clients/{client}/contacts/existing", add_existing, guard=Guard("view", "grant"), methods=("POST",)),
)
