"""Adding somebody to a client's contact network, with or without access and first forms (W16 to W28, Y13; c3, c7)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gateway.admin.authorities import AUTHORITIES, PROOFS
from gateway.admin.cautions import cautions_of_address, unread
from gateway.admin.contact_book import find_contact, find_people
from gateway.admin.contact_form import NAME_MAX, Entered, blank, check_authority, check_person, read_entered
from gateway.admin.letting_in import let_in
from gateway.admin.switches import Problem
from gateway.edge.errors import NotFound, Rejected
from gateway.edge.guard import Guard, Route
from gateway.edge.questions import may
from gateway.portal.intake.questions import in_language
from gateway.portal.intake.sending import forms_for_invitation, recipients
from gateway.records.files import ACCEPT, UploadRefused, uploaded
from gateway.web.language import _, language
from gateway.web.pages import page, see_other
from gateway.web.words import FEATURES, KINDS
from models.tables.getting_in import Contact
from models.vocabulary import AgeClass, GrantStatus, Kind, SelfManaging, default_toggles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.admin.cautions import Caution


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
    rights, form = await _rights(request), await request.form()
    entered = read_entered(form)
    problems = [*check_person(entered), *check_authority(entered)] or await _check_access(request, entered, rights)
    contact = _contact(request, entered, entered.name, entered.email, entered.phone)
    cautions = [] if problems else await cautions_of_address(request, entered.email, entered.kind, contact)
    if problems or unread(cautions, form):
        return await _form(request, entered, problems=problems, cautions=cautions)
    return await _let_in(request, entered, contact, language=entered.language)


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
    if problems := check_authority(entered) or await _check_access(request, entered, rights):
        return await _form(request, entered, chosen=chosen, problems=problems)
    contact = _contact(request, entered, chosen.name, chosen.email or "", chosen.phone or "")
    contact.account_id = chosen.account_id
    if chosen.client_id == request.state.client.id and chosen.grant_id is None:
        contact.id = chosen.id
    return await _let_in(request, entered, contact, language="en", chosen=chosen)


async def _let_in(
    request: Request, entered: Entered, contact: Contact, *, language: str, chosen: Contact | None = None
) -> Response:
    try:
        upload = await uploaded(request)
        await let_in(request, entered, contact, language, upload)
    except UploadRefused as error:
        return await _form(request, entered, chosen=chosen, problems=[Problem("file", str(error))])
    except Rejected as error:
        field = {"kind": "kind", "until": "last_day", "from": "first_day"}.get(error.field or "")
        return await _form(request, entered, chosen=chosen, problems=[Problem(field, error.detail)])
    return see_other(f"/admin/clients/{request.state.client.id}")


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
    if (entered.proof.what or entered.proof.first or entered.proof.last) and not rights.grant:
        return [Problem("proof", _("Only those who run the practice enter proofs and days. Leave them empty."))]
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
        authority=entered.authority,
    )


def _as_grant(account_id: str, kind: str) -> dict[str, str]:
    return {"account_id": account_id, "kind": kind, "status": GrantStatus.PENDING.value}


def _usual_kind(chosen: Contact) -> str:
    return Kind.GUARDIAN.value if chosen.kind == Kind.SELF.value else chosen.kind


async def _form(
    request: Request,
    entered: Entered,
    *,
    chosen: Contact | None = None,
    problems: Sequence[Problem] = (),
    cautions: Sequence[Caution] = (),
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
        status=422 if problems or cautions else 200,
        entered=entered,
        cautions=cautions,
        ticked={str(code) for code in (await request.form()).getlist("ack")} if cautions else set(),
        authorities=AUTHORITIES,
        proof=entered.proof if rights.grant else None,
        proof_kinds=PROOFS,
        accept=ACCEPT,
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
    Route("/admin/clients/{client}/contacts/new", add_new, guard=Guard("view", "grant"), methods=("POST",), files=1),
    Route("/admin/clients/{client}/contacts/existing", show_existing, guard=Guard("view", "grant")),
    Route(
        "/admin/clients/{client}/contacts/existing",
        add_existing,
        guard=Guard("view", "grant"),
        methods=("POST",),
        files=1,
    ),
)
