"""Sending an invitation again, the way to sign-in, and how the practice lets people in (rows W22, Y4, Y5, Y12, Y22)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlmodel import col, select

from gateway.account.credentials import ONE_TIME_LIFE, credential_of, has_joined
from gateway.account.invitations import Inviting, invite, new_one_time, send_sign_in_link, way_in_of
from gateway.account.mailed_links import Purpose, newest_link
from gateway.admin.authorities import AUTHORITIES
from gateway.admin.people import known_of
from gateway.admin.standing import steps_for
from gateway.edge.errors import NotFound
from gateway.edge.guard import Guard, Route
from gateway.edge.questions import may
from gateway.records.events import enter_event, event_by
from gateway.web.formats import day
from gateway.web.language import _
from gateway.web.pages import page, say, see_other
from gateway.web.today import zone_of
from models.tables.getting_in import Contact, WayIn
from models.tables.identity import Credential, Person
from models.vocabulary import GrantStatus, Kind, SubjectType

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlmodel import Session
    from starlette.requests import Request
    from starlette.responses import Response

AGAIN = timedelta(minutes=1)  # a mail that is asked for twice at once goes out once


@dataclass(frozen=True, slots=True)
class Doing:
    """A link to something that can be done about a person's access."""

    label: str
    href: str
    stops: bool = False  # access, or lets it in again


@dataclass(frozen=True, slots=True)
class Access:
    """How one person of the network gets in, what the practice knows of them, and what the reader may do about it.

    `mails` is what can be mailed: `again` the invitation, otherwise the way to sign-in; empty for nothing.
    """

    mails: str
    sent: str
    last: str
    visited: str
    locked: bool
    email: str
    phone: str
    authority: str
    doings: tuple[Doing, ...]

    @property
    def again(self) -> bool:
        """Whether an invitation waits."""
        return self.mails == "again"


async def access_of(request: Request, grant: Mapping[str, Any]) -> Access:
    """What stands on a person's page about their getting in."""
    pending, active = (grant["status"] == one.value for one in (GrantStatus.PENDING, GrantStatus.ACTIVE))
    invitee = "client" if grant["kind"] == Kind.SELF.value else "contact"
    may_send, may_update, may_end = await may(
        request, [("send", "invitation", {"invitee": invitee}), ("update", "grant", {}), ("end", "grant", {})]
    )
    mails = ("again" if pending else "link") if may_send and (pending or active) else ""
    sent_at, last_at = await _sent(request, grant["account_id"]) if may_send and pending else (None, None)
    zone = zone_of(request)
    known = (await known_of(request, [grant]))[grant["id"]]
    contact = await contact_of(request, grant["id"])
    return Access(
        mails=mails,
        sent=day(sent_at.astimezone(zone).date()) if sent_at else "",
        last=day(last_at.astimezone(zone).date()) if last_at else "",
        visited=known.visited,
        locked=bool(grant.get("locked")),
        email=(contact.email or "") if contact else "",
        phone=(contact.phone or "") if contact else "",
        authority=_(AUTHORITIES.get(contact.authority, "")) if contact and contact.authority else "",
        doings=tuple(
            _doings(
                request, grant, may_send=may_send, may_update=may_update, may_end=may_end, in_book=contact is not None
            )
        ),
    )


async def contact_of(request: Request, grant_id: str) -> Contact | None:
    """What the practice knows of whom a grant is for."""
    practice_id = request.state.client.practice_id
    chosen = select(Contact).where(Contact.practice_id == practice_id, Contact.grant_id == grant_id)
    chosen = chosen.where(col(Contact.merged_into).is_(None))
    found: Contact | None = await request.app.state.records.read(practice_id, lambda s: s.exec(chosen).first())
    return found


def _doings(
    request: Request, grant: Mapping[str, Any], *, may_send: bool, may_update: bool, may_end: bool, in_book: bool
) -> Iterator[Doing]:
    page_of = f"/admin/clients/{request.state.client.id}/grants/{grant['id']}"
    if may_send or may_update:
        yield Doing(_("Name, address, authority"), f"{page_of}/contact")
    if not may_update:
        return
    if grant["status"] != GrantStatus.ENDED.value:
        yield Doing(_("Proof of authority"), f"{page_of}/proofs")
        yield Doing(_("First and last day"), f"{page_of}/window")
    if in_book:
        yield Doing(_("Entered twice? Merge"), f"{page_of}/merge")
    for step in steps_for(grant):
        if step.name != "revoke" or may_end:
            yield Doing(_(step.label), f"{page_of}/{step.name}", stops=True)


async def send(request: Request) -> Response:
    """Mail the invitation again, or to whoever has signed in before the way to sign-in."""
    client, app = request.state.client, request.app.state
    grant_id = str((await request.form()).get("grant", ""))
    grants = {grant["id"]: grant for grant in await app.authz.grants_of_client(client.id)}
    if grant_id not in grants or not (access := await access_of(request, grants[grant_id])).mails:
        raise NotFound
    account_id, practice = grants[grant_id]["account_id"], await app.records.practice(client.practice_id)
    way = await app.records.read(practice.id, lambda session: way_in_of(session, practice.id))
    one_time = await new_one_time() if access.again and way.invite_by == "password" else None
    inviting = Inviting(practice, request.state.reader.id, app.clock(), app.settings.public_url)

    def write(session: Session) -> bool:
        person = session.get(Person, (SubjectType.ACCOUNT.value, account_id))
        if person is None or not person.email:
            raise NotFound
        person = _as_known(session, person, grant_id)
        if has_joined(credential_of(session, SubjectType.ACCOUNT, account_id)):
            send_sign_in_link(session, person, inviting)
            return False
        newest = newest_link(session, Purpose.JOIN, SubjectType.ACCOUNT, account_id)
        if one_time is not None or newest is None or newest.made_at <= inviting.now - AGAIN or newest.closed_at:
            invite(session, person, inviting, one_time)
        return True

    again = await app.records.change(practice.id, write)
    said = _("The invitation was sent again; the one before is worth nothing any more.")
    await say(request, said if again else _("The way to sign-in was sent."))
    return see_other(f"/admin/clients/{client.id}/grants/{grant_id}")


async def ways_page(request: Request) -> Response:
    """How the practice lets people in."""
    practice_id = request.state.reader.practice_id
    way = await request.app.state.records.read(practice_id, lambda session: way_in_of(session, practice_id))
    (may_save,) = await may(request, [("update", "practice", {})])
    url = request.app.state.settings.public_url
    return await page(
        request,
        "admin/ways_in.html",
        way=way,
        may_save=may_save,
        sign_in_link=f"{url}/sign-in/{practice_id}",
        sign_up_link=f"{url}/sign-up/{practice_id}",
    )


async def save_ways(request: Request) -> Response:
    """Change how the practice lets people in."""
    form, practice_id = await request.form(), request.state.reader.practice_id
    way = WayIn(
        practice_id=practice_id,
        invite_by="password" if form.get("invite_by") == "password" else "link",
        asks_question=form.get("asks_question") == "on",
        takes_sign_ups=form.get("takes_sign_ups") == "on",
    )

    def write(session: Session) -> None:
        session.merge(way)
        enter_event(session, event_by(request.state.reader, "practice.way_in"), at=request.app.state.clock())

    await request.app.state.records.change(practice_id, write)
    await say(request, _("Saved."))
    return see_other("/admin/practice/ways-in")


def _as_known(session: Session, person: Person, grant_id: str) -> Person:
    """The person under the name and address that this practice has for them; nothing of it is written back."""
    chosen = select(Contact).where(Contact.grant_id == grant_id, col(Contact.merged_into).is_(None))
    contact = session.exec(chosen).first()
    known = Person(**person.model_dump())
    if contact is not None:
        known.name = contact.name
    return known


async def _sent(request: Request, account_id: str) -> tuple[Any, Any]:
    """When the last invitation was mailed, and until when it works.

    Where one-time passwords are mailed, a link went to an address that is a sign-in's already: it is shown with the
    life of a password, so that its end does not tell of that sign-in (conflict c1).
    """
    practice_id = request.state.client.practice_id

    def read(session: Session) -> tuple[Any, Any]:
        credential: Credential | None = credential_of(session, SubjectType.ACCOUNT, account_id)
        if credential is not None and credential.must_change and credential.expires_at is not None:
            return credential.expires_at - ONE_TIME_LIFE, credential.expires_at
        link = newest_link(session, Purpose.JOIN, SubjectType.ACCOUNT, account_id)
        if link is None:
            return None, None
        mails_passwords = way_in_of(session, practice_id).invite_by == "password"
        return link.made_at, link.made_at + ONE_TIME_LIFE if mails_passwords else link.expires_at

    found: tuple[Any, Any] = await request.app.state.records.read(practice_id, read)
    return found


ROUTES = (
    Route("/admin/clients/{client}/invitations", send, guard=Guard("view", "grant"), methods=("POST",)),
    Route("/admin/practice/ways-in", ways_page, guard=Guard("view", "practice")),
    Route("/admin/practice/ways-in", save_ways, guard=Guard("update", "practice"), methods=("POST",)),
)
