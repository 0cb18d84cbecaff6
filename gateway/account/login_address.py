"""One's own login address, changed by a link that is mailed to the new one (conflicts c1, c9).

Nothing changes before the link is used. Whoever asks learns nothing of who else signs in with an address. What a
practice knows of the person stays as the practice wrote it: identity is global, practice knowledge is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy.exc import IntegrityError

from gateway.account.credentials import credential_at, credential_of
from gateway.account.entering import enter
from gateway.account.joining import over
from gateway.account.mailed_links import Holder, Purpose, close_links, find_link, make_link, newest_link, use_link
from gateway.account.new_password import Wrong
from gateway.account.own_password import wrong_current
from gateway.account.passwords import canonical
from gateway.account.visitors import visitor_page
from gateway.edge.errors import NotFound
from gateway.edge.guard import Route, public, signed_in
from gateway.edge.limits import ADDRESSES
from gateway.mail.address import ADDRESS_CHARACTERS_MAX, is_address
from gateway.mail.post import letter, post
from gateway.records.events import enter_event, event_by
from gateway.web.language import _
from gateway.web.pages import page, say, see_other
from models.tables.identity import Credential, Person
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlmodel import Session
    from starlette.requests import Request
    from starlette.responses import Response

    from models.tables.getting_in import MailedLink

PAGE = "/account/address"


@dataclass(frozen=True, slots=True)
class Own:
    """The reader's sign-in and who they are; `waiting` is a new address whose link was not used yet."""

    credential: Credential
    person: Person
    waiting: str | None


async def show_address(request: Request) -> Response:
    """The address as it is, and the form to ask for another."""
    return await _show(request, await _own(request))


async def ask_address(request: Request) -> Response:
    """Mail a link to the new address and a notice to the old one; the password shows that it is the person."""
    app, own = request.app.state, await _own(request)
    form = await request.form()
    typed = str(form.get("address", "")).strip()
    problem = _problem(typed, own.credential) or await wrong_current(
        request, own.credential, str(form.get("current_password", ""))
    )
    if problem is not None:
        return await _show(request, own, typed=typed, problems=[problem], status=422)
    await app.records.change(None, partial(_ask, request=request, own=own, address=canonical(typed)))
    await say(
        request, _("A link was mailed to %(address)s. Your login address changes when you open it.", address=typed)
    )
    return see_other(PAGE)


async def forget_address(request: Request) -> Response:
    """Take the link back that was mailed to a new address."""
    app, reader = request.app.state, request.state.reader
    await _own(request)
    await app.records.change(
        None, lambda session: close_links(session, Purpose.ADDRESS, reader.type, reader.id, app.clock())
    )
    await say(request, _("Your login address stays as it is."))
    return see_other(PAGE)


async def show_link(request: Request) -> Response:
    """What a link leads to: a button, so that whatever looks at mails before their readers do changes nothing."""
    link = await _find(request)
    if link is None:
        return await over(request)
    return await visitor_page(request, "account/address_link.html", address=link.address)


async def use(request: Request) -> Response:
    """Change the address. Every session of the person ends; that of this browser, if it is theirs, begins anew."""
    app, link = request.app.state, await _find(request)
    if link is None:
        return await over(request)
    try:
        credential = await app.records.change(None, partial(_change, request=request, link=link, now=app.clock()))
    except IntegrityError:  # Somebody else took the address at the same moment.
        credential = None
    if credential is None:
        return await over(request)
    kind, reader = SubjectType(link.subject_type), request.state.reader
    if reader is not None and (reader.type, reader.id) == (kind, link.subject_id):
        await app.sessions.end_all(kind, link.subject_id, but=request.state.cookie)
        return await enter(request, credential, reader.amr)
    await app.sessions.end_all(kind, link.subject_id)
    return await visitor_page(request, "account/address_done.html", username=credential.username)


def _ask(session: Session, *, request: Request, own: Own, address: str) -> None:
    app, reader, credential, person = request.app.state, request.state.reader, own.credential, own.person
    site, now = app.settings.public_url, app.clock()
    if credential_at(session, address) is None and session.get(Credential, address) is None:
        secret = make_link(session, Purpose.ADDRESS, Holder(reader.type, reader.id, address), now)
        url = f"{site}/address/{secret}"
        post(session, letter("new_address", address, person.language, name=person.name, url=url))
    else:  # Only its owner is told that it is a login already.
        close_links(session, Purpose.ADDRESS, reader.type, reader.id, now)
        post(session, letter("address_in_use", address, person.language, url=f"{site}/sign-in"))
    if known := credential.address or person.email:
        post(session, letter("address_asked", known, person.language, name=person.name, url=f"{site}/forgot"))
    enter_event(session, event_by(reader, "login_address.asked"), at=now)


def _change(session: Session, *, request: Request, link: MailedLink, now: datetime) -> Credential | None:
    """The sign-in with its new address, or None when the link was used or the address taken meanwhile."""
    kind = SubjectType(link.subject_type)
    kept = credential_of(session, kind, link.subject_id)
    person = session.get(Person, (link.subject_type, link.subject_id))
    taken = credential_at(session, link.address) or session.get(Credential, link.address)
    if kept is None or person is None or taken is not None or not use_link(session, link, now):
        return None
    before = kept.address
    if kept.username == before:  # Whose user name is the address signs in with the new one.
        values = kept.model_dump() | {"username": link.address, "address": link.address}
        session.delete(kept)
        session.flush()
        kept = Credential(**values)
    kept.address = link.address
    if person.email is None or canonical(person.email) == before:
        person.email = link.address
    session.add_all([kept, person])
    close_links(session, Purpose.RESET, kind, link.subject_id, now)
    if before is not None:
        url = f"{request.app.state.settings.public_url}/sign-in"
        post(session, letter("address_changed", before, person.language, name=person.name, url=url))
    actor = f"{link.subject_type}/{link.subject_id}"
    event = {"action": "login_address.changed", "actor": actor, "account_id": link.subject_id}
    enter_event(session, event, at=now)
    return kept


def _problem(typed: str, credential: Credential) -> Wrong | None:
    if not is_address(typed):
        return Wrong("address", _("Type an e-mail address, such as ann@example.org."))
    if canonical(typed) == credential.address:
        return Wrong("address", _("This is your login address already. Type another one."))
    return None


async def _own(request: Request) -> Own:
    app, reader = request.app.state, request.state.reader

    def read(session: Session) -> Own | None:
        credential = credential_of(session, reader.type, reader.id)
        person = session.get(Person, (reader.type.value, reader.id))
        if credential is None or person is None:
            return None
        link = newest_link(session, Purpose.ADDRESS, reader.type, reader.id)
        is_open = link is not None and link.closed_at is None and link.expires_at > app.clock()
        return Own(credential, person, link.address if link is not None and is_open else None)

    found: Own | None = None if reader.type is SubjectType.STAFF else await app.records.read(None, read)
    if found is None:
        raise NotFound
    return found


async def _find(request: Request) -> MailedLink | None:
    app, secret = request.app.state, request.path_params["token"]
    found: MailedLink | None = await app.records.read(
        None, lambda session: find_link(session, Purpose.ADDRESS, secret, app.clock())
    )
    return found


async def _show(
    request: Request, own: Own, *, typed: str = "", problems: Sequence[Wrong] = (), status: int = 200
) -> Response:
    return await page(
        request,
        "account/address.html",
        status=status,
        address=own.credential.address or own.person.email,
        username=own.credential.username,
        waiting=own.waiting,
        typed=typed,
        problems=problems,
        characters_max=ADDRESS_CHARACTERS_MAX,
    )


ROUTES = (
    Route(PAGE, show_address, guard=signed_in),
    Route(PAGE, ask_address, guard=signed_in, methods=("POST",), limit=ADDRESSES),
    Route(f"{PAGE}/keep", forget_address, guard=signed_in, methods=("POST",)),
    Route("/address/{token}", show_link, guard=public),
    Route("/address/{token}", use, guard=public, methods=("POST",)),
)
