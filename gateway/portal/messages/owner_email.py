"""E-mail to the owner of the practice, from a template to which the person adds a message (rows C13, C14)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from gateway.account.visitors import address_of
from gateway.edge.care_team import care_team
from gateway.mail.address import is_address
from gateway.mail.post import letter, post
from gateway.portal.messages.conversations import KeyUsedError
from gateway.portal.messages.texts import Problem, Typed, blank, read_typed
from gateway.portal.messages.views import moment, refused
from gateway.web.language import _
from gateway.web.pages import page, say, see_other
from gateway.web.today import zone_of
from models.tables.messages import OwnerEmail
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlmodel import Session
    from starlette.requests import Request
    from starlette.responses import Response

    from models.tables.identity import Person

SHOWN = 20  # copies of mails sent


@dataclass(frozen=True, slots=True)
class SentEmail:
    """The copy of a mail, in words."""

    subject: str
    text: str
    to: str
    when: str
    iso: str


async def write_owner_email(request: Request) -> Response:
    """The mail as the template begins it, and below it what the reader has sent before."""
    owners = await _owners(request)
    return await _show(request, owners, blank(subject=_subject(request), text=_opening(request, owners)))


async def send_owner_email(request: Request) -> Response:
    """Send the mail to each owner and keep a copy; the same form again sends nothing more."""
    owners, typed = await _owners(request), await read_typed(request, with_subject=True)
    if not owners:
        typed = _add_problem(
            typed, Problem("text", _("The owner has no e-mail address here. Please call the practice."))
        )
    if not typed.problem("text") and typed.text == _opening(request, owners).rstrip():
        typed = _add_problem(typed, Problem("text", _("Please add your message below the opening lines.")))
    if typed.problems:
        return await _show(request, owners, typed, status=422)
    if not await request.app.state.attempts.begin(f"Owner e-mail of {request.state.reader.id}", address_of(request)):
        many = _("You have sent many e-mails in a short time. Please wait a quarter of an hour, then send this one.")
        return await _show(request, owners, _add_problem(typed, Problem("text", many)), status=429)
    try:
        await _send_once(request, owners, typed)
    except KeyUsedError as error:
        return await _show(request, owners, refused(typed, error), status=422)
    await say(request, _("Your e-mail was sent to %(owner)s.", owner=_names(owners)))
    return see_other(f"{_path(request)}#sent")


async def _send_once(request: Request, owners: Sequence[Person], typed: Typed) -> None:
    """Mail and copy in one transaction; the copy's unique key decides. Raises KeyUsedError."""
    client, reader, app = request.state.client, request.state.reader, request.app.state
    copy = OwnerEmail(
        id=f"own_{secrets.token_hex(12)}",
        practice_id=client.practice_id,
        client_id=client.id,
        account_id=reader.id,
        sent_at=app.clock(),
        owner_ids=[owner.subject_id for owner in owners],
        subject=typed.subject,
        text=typed.text,
        key=typed.key,
    )
    letters = [
        letter(
            "owner_email",
            owner.email or "",
            owner.language,
            subject=typed.subject,
            sender=reader.name,
            client=client.preferred,
            text=typed.text,
            url=f"{app.settings.public_url}/admin/clients/{client.id}",
        )
        for owner in owners
    ]

    def work(session: Session) -> None:
        session.add(copy)
        session.flush()
        for each in letters:
            post(session, each, practice_id=client.practice_id)

    try:
        await app.records.change(client.practice_id, work)
    except IntegrityError:
        sent = await app.records.read(client.practice_id, partial(_sent_with, account_id=reader.id, key=typed.key))
        if sent is None:
            raise
        if (sent.client_id, sent.subject, sent.text) != (client.id, typed.subject, typed.text):
            raise KeyUsedError from None


async def _show(request: Request, owners: Sequence[Person], typed: Typed, *, status: int = 200) -> Response:
    return await page(
        request,
        "portal/owner_email.html",
        status=status,
        owner=_names(owners),
        typed=typed,
        action=_path(request),
        sent=await _sent(request),
    )


async def _owners(request: Request) -> list[Person]:
    """The owners of the client's practice to whom mail can be sent."""
    client = request.state.client
    team = await care_team(request.app.state.authz, client.practice_id, client.id)
    people = await request.app.state.records.people(SubjectType.STAFF, list(team.owners))
    return [
        people[each]
        for each in team.owners
        if each in people and people[each].practice_id == client.practice_id and is_address(people[each].email or "")
    ]


async def _sent(request: Request) -> list[SentEmail]:
    """What the reader has sent about this client, the newest first; others' copies are theirs."""
    client, reader, records = request.state.client, request.state.reader, request.app.state.records

    def read(session: Session) -> list[OwnerEmail]:
        mine = select(OwnerEmail).where(
            OwnerEmail.practice_id == client.practice_id,
            OwnerEmail.client_id == client.id,
            OwnerEmail.account_id == reader.id,
        )
        return list(session.exec(mine.order_by(col(OwnerEmail.sent_at).desc(), col(OwnerEmail.id)).limit(SHOWN)))

    copies: list[OwnerEmail] = await records.read(client.practice_id, read)
    people = await records.people(SubjectType.STAFF, sorted({owner for copy in copies for owner in copy.owner_ids}))
    return [
        SentEmail(
            subject=copy.subject,
            text=copy.text,
            to=_names([people[owner] for owner in copy.owner_ids if owner in people]),
            when=moment(copy.sent_at, zone_of(request)),
            iso=copy.sent_at.isoformat(),
        )
        for copy in copies
    ]


def _sent_with(session: Session, account_id: str, key: str) -> OwnerEmail | None:
    return session.exec(select(OwnerEmail).where(OwnerEmail.account_id == account_id, OwnerEmail.key == key)).first()


def _subject(request: Request) -> str:
    client, reader = request.state.client, request.state.reader
    if client.name == reader.name:
        return _("A question from %(reader)s", reader=reader.name)
    return _("A question about %(client)s, from %(reader)s", client=client.preferred, reader=reader.name)


def _opening(request: Request, owners: Sequence[Person]) -> str:
    client, reader = request.state.client, request.state.reader
    hello = _("Dear %(owner)s,", owner=_names(owners))
    about = (
        _("I am writing to you about my care at %(practice)s.", practice=client.practice_name)
        if client.name == reader.name
        else _("I am writing to you about %(client)s.", client=client.preferred)
    )
    return f"{hello}\n\n{about}\n\n"


def _names(owners: Sequence[Person]) -> str:
    return ", ".join(owner.name for owner in owners) or _("the practice")


def _add_problem(typed: Typed, problem: Problem) -> Typed:
    return Typed(typed.key, typed.to, typed.subject, typed.text, typed.upload, (*typed.problems, problem))


def _path(request: Request) -> str:
    return f"/c/{request.state.client.id}/email-owner"
