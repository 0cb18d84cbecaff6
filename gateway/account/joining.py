"""Following an invitation: a new sign-in, or one more profile for who has one (rows Y12, Y21, W22; c1, c9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import IntegrityError
from sqlmodel import col, update

from gateway.account.credentials import credential_at, new_credential
from gateway.account.entering import enter
from gateway.account.mailed_links import Purpose, find_link, use_link
from gateway.account.new_password import Wrong, check_choice, hashed, password_rules, read_choice
from gateway.account.password_rules import words_of
from gateway.account.security_questions import QUESTIONS, canonical_answer, is_asked_for, keep_answer
from gateway.account.visitors import visitor_page
from gateway.edge.errors import Rejected
from gateway.edge.guard import Route, public, signed_in
from gateway.portal.intake.sending import readdress
from gateway.web.language import _
from gateway.web.pages import page, say, see_other
from models.tables.getting_in import Contact
from models.tables.identity import Person
from models.vocabulary import GrantStatus, SubjectType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlmodel import Session
    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.account.new_password import Chosen
    from models.tables.getting_in import MailedLink
    from models.tables.identity import Credential
    from models.tables.records import Practice

_PASSWORD = ("pwd",)  # RFC 8176
_OPEN = (GrantStatus.PENDING.value, GrantStatus.ACTIVE.value)


@dataclass(frozen=True, slots=True)
class Invitation:
    """An open invitation. `has_sign_in`: the address it was mailed to is the login address of another sign-in."""

    link: MailedLink
    person: Person
    practice: Practice
    has_sign_in: bool

    @property
    def words(self) -> tuple[str, ...]:
        """What a password should not lean on."""
        return words_of(self.person, self.practice.name)


async def show(request: Request) -> Response:
    """What the invitation offers to whoever opened the link."""
    invitation = await find_invitation(request)
    return await over(request) if invitation is None else await _show(request, invitation)


async def join(request: Request) -> Response:
    """Choose a password, and be signed in: the first login, which makes the grants active."""
    app, invitation = request.app.state, await find_invitation(request)
    if invitation is None or invitation.has_sign_in:
        return await over(request) if invitation is None else await _show(request, invitation)
    asks = await _asks(request, invitation)
    chosen = read_choice(await request.form())
    if wrong := check_choice(chosen, invitation.words, asks_question=asks):
        return await _show(request, invitation, chosen=chosen, problems=wrong, status=422)
    password_hash = await hashed(chosen.password)
    answer_hash = await hashed(canonical_answer(chosen.answer)) if asks else None
    link, now = invitation.link, app.clock()
    credential = new_credential(link.subject_id, link.address, password_hash, now)

    def write(session: Session) -> bool:
        if not use_link(session, link, now):
            return False
        session.add(credential)
        if answer_hash is not None:
            keep_answer(session, (SubjectType.ACCOUNT, link.subject_id), chosen.question, answer_hash, now)
        return True

    try:
        if not await app.records.change(None, write):
            return await over(request)
    except IntegrityError:  # The address became another sign-in's meanwhile.
        return see_other(request.url.path)
    return await enter(request, credential, _PASSWORD)


async def add_to_profiles(request: Request) -> Response:
    """Take the invitation with the sign-in that the reader has, and used just now."""
    reader, authz = request.state.reader, request.app.state.authz
    invitation = await find_invitation(request)
    if invitation is None or reader.type is not SubjectType.ACCOUNT:
        return await over(request)
    link, now = invitation.link, request.app.state.clock()
    try:
        moved = await authz.accept_invitation(reader.id, link.subject_id)
    except Rejected:
        problem = _("This invitation does not fit your sign-in. Please ask the practice.")
        return await _show(request, invitation, problems=[Wrong("", problem)], status=409)
    if not moved:
        return await over(request)

    def write(session: Session) -> None:
        use_link(session, link, now)
        invited = session.get(Person, (link.subject_type, link.subject_id))
        if invited is not None:
            session.delete(invited)  # Whoever took the invitation stands in its place.
        for old, new in moved.items():
            contact = update(Contact).where(col(Contact.grant_id) == old)
            session.execute(contact.values(account_id=reader.id, grant_id=new))
        readdress(session, link.subject_id, reader.id)

    await request.app.state.records.change(link.practice_id, write)
    await say(request, _("Added to your profiles."))
    return see_other("/")


async def over(request: Request) -> Response:
    """The one page for a link that was never made, was used, was taken back or has expired."""
    return await visitor_page(request, "account/link_over.html", status=404)


async def find_invitation(request: Request) -> Invitation | None:
    """The open invitation of the link; None for one that is over, at the practice too."""
    app, secret = request.app.state, request.path_params["token"]

    def read(session: Session) -> tuple[MailedLink, Person, Credential | None] | None:
        link = find_link(session, Purpose.JOIN, secret, app.clock())
        if link is None:
            return None
        person = session.get(Person, (link.subject_type, link.subject_id))
        return None if person is None else (link, person, credential_at(session, link.address))

    found = await app.records.read(None, read)
    if found is None:
        return None
    link, person, held = found
    grants = await app.authz.grants_of_account(link.subject_id)
    practice = await app.records.practice(link.practice_id)
    if practice is None or not any(grant["status"] in _OPEN for grant in grants):
        return None  # What was taken back at the practice is over at home too.
    return Invitation(link, person, practice, held is not None)


async def _asks(request: Request, invitation: Invitation) -> bool:
    return await is_asked_for(request, SubjectType.ACCOUNT, invitation.link.subject_id, None)


async def _show(
    request: Request,
    invitation: Invitation,
    *,
    chosen: Chosen | None = None,
    problems: Sequence[Wrong] = (),
    status: int = 200,
) -> Response:
    reader = request.state.reader
    context: dict[str, Any] = {
        "invitation": invitation,
        "problems": problems,
        "chosen": chosen,
        "rules": password_rules(invitation.words),
        "action": request.url.path.removesuffix("/add"),
    }
    if reader is not None and reader.type is SubjectType.ACCOUNT:
        return await page(request, "account/join_add.html", status=status, **context)
    questions = QUESTIONS if await _asks(request, invitation) else {}
    return await visitor_page(request, "account/join.html", status=status, questions=questions, **context)


ROUTES = (
    Route("/join/{token}", show, guard=public),
    Route("/join/{token}", join, guard=public, methods=("POST",)),
    Route("/join/{token}/add", add_to_profiles, guard=signed_in, methods=("POST",)),
)
