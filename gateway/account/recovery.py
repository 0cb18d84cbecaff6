"""Recovery: a mailed link to a new password, and the security question as a further step of it (rows C6, C7; c10)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from sqlmodel import col, delete, select
from starlette.background import BackgroundTask

from gateway.account.credentials import credential_at, set_password
from gateway.account.joining import over
from gateway.account.mailed_links import Holder, Purpose, close_links, find_link, make_link, use_link
from gateway.account.new_password import Wrong, check_choice, hashed, password_rules, read_choice
from gateway.account.password_rules import words_of
from gateway.account.passwords import USERNAME_CHARACTERS_MAX, canonical
from gateway.account.security_questions import QUESTIONS, answer_of, canonical_answer
from gateway.account.visitors import address_of, visitor_page
from gateway.edge.guard import Route, public
from gateway.mail.post import letter, post
from gateway.web.language import _
from models.tables.identity import Credential, Person
from models.tables.scheduling import CalendarFeed
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from sqlmodel import Session
    from starlette.requests import Request
    from starlette.responses import Response

    from models.tables.getting_in import MailedLink, SecurityAnswer

log: Any = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Recovery:
    """An open recovery link, with whose sign-in it is and what they are asked besides."""

    link: MailedLink
    credential: Credential
    person: Person
    asked: SecurityAnswer | None

    @property
    def words(self) -> tuple[str, ...]:
        """What a password should not lean on."""
        return words_of(self.person, self.credential.username)

    @property
    def question(self) -> str:
        """The security question in words; empty when there is none."""
        return "" if self.asked is None else _(QUESTIONS[self.asked.question])


async def show_forgot(request: Request) -> Response:
    """Where to ask for a link."""
    return await visitor_page(request, "account/forgot.html")


async def forgot(request: Request) -> Response:
    """Mail a link to the login address, if there is one; the answer is the same, and comes as fast, for any name."""
    app, typed = request.app.state, str((await request.form()).get("username", ""))
    name = canonical(typed[:USERNAME_CHARACTERS_MAX])
    if not name:
        wrong = Wrong("username", _("Type your user name or e-mail address."))
        return await visitor_page(request, "account/forgot.html", status=422, problems=[wrong])
    if not await app.attempts.begin(f"Forgot:{name}", address_of(request)):
        wrong = Wrong("username", _("There were too many tries. Please wait a quarter of an hour, then try again."))
        return await visitor_page(request, "account/forgot.html", status=429, problems=[wrong], username=typed)
    response = await visitor_page(request, "account/forgot_sent.html", username=typed)
    response.background = BackgroundTask(_mail_link, app, name)
    return response


async def show_reset(request: Request) -> Response:
    """The form behind a recovery link."""
    recovery = await _find(request)
    return await over(request) if recovery is None else await _show(request, recovery)


async def reset(request: Request) -> Response:
    """Give the sign-in a new password, and end every session of it. The trail has it first."""
    app, recovery = request.app.state, await _find(request)
    if recovery is None:
        return await over(request)
    form = await request.form()
    chosen = read_choice(form)
    if recovery.asked is not None:
        counted = f"Answer:{recovery.link.subject_type}/{recovery.link.subject_id}"
        if not await app.attempts.begin(counted, address_of(request)):
            wrong = Wrong("answer", _("There were too many tries. Please wait a quarter of an hour, then try again."))
            return await _show(request, recovery, problems=[wrong], status=429)
        if not await app.passwords.fits(recovery.asked.answer_hash, canonical_answer(chosen.answer)):
            wrong = Wrong("answer", _("This is not the answer that was registered. Spelling counts, capitals do not."))
            return await _show(request, recovery, problems=[wrong], status=422)
    if wrongs := check_choice(chosen, recovery.words):
        return await _show(request, recovery, problems=wrongs, status=422)
    password_hash, now = await hashed(chosen.password), app.clock()
    subject_type, subject_id = SubjectType(recovery.link.subject_type), recovery.link.subject_id
    url = f"{app.settings.public_url}/forgot"

    def write(session: Session) -> bool:
        if not use_link(session, recovery.link, now):
            return False
        set_password(session.get_one(Credential, recovery.credential.username), password_hash, now)
        for purpose in (Purpose.RESET, Purpose.ADDRESS):
            close_links(session, purpose, subject_type, subject_id, now)
        # Whoever had the old password may have made one, and it would go on without any password.
        session.execute(delete(CalendarFeed).where(col(CalendarFeed.account_id) == subject_id))
        post_changed(session, recovery.person, recovery.link.address, url)
        return True

    is_account = subject_type is SubjectType.ACCOUNT
    await app.authz.record(
        {
            "action": "password.reset",
            "actor": f"{subject_type.value}/{subject_id}",
            "account_id": subject_id if is_account else None,
            "practice_id": recovery.person.practice_id,
        }
    )
    if not await app.records.change(None, write):
        return await over(request)
    await app.sessions.end_all(subject_type, subject_id)
    return await visitor_page(request, "account/reset_done.html", username=recovery.credential.username)


def post_changed(session: Session, person: Person, address: str, url: str) -> None:
    """Tell somebody that the password of their sign-in was changed."""
    post(session, letter("password_changed", address, person.language, name=person.name, url=url))


async def _mail_link(app: Any, name: str) -> None:
    """Mail a link to whom the name or address belongs."""

    def write(session: Session) -> None:
        credential = credential_at(session, name) or session.get(Credential, name)
        if credential is None or credential.address is None:
            return
        subject_type = SubjectType(credential.subject_type)
        person = session.get(Person, (credential.subject_type, credential.subject_id))
        if person is None:
            return
        holder = Holder(subject_type, credential.subject_id, credential.address)
        secret = make_link(session, Purpose.RESET, holder, app.clock())
        url = f"{app.settings.public_url}/reset/{secret}"
        values = {"name": person.name, "username": credential.username, "url": url}
        post(session, letter("reset_password", credential.address, person.language, **values))

    await app.records.change(None, write)


async def _find(request: Request) -> Recovery | None:
    app, secret = request.app.state, request.path_params["token"]

    def read(session: Session) -> Recovery | None:
        link = find_link(session, Purpose.RESET, secret, app.clock())
        if link is None:
            return None
        chosen = select(Credential).where(col(Credential.address) == link.address)
        credential = session.exec(chosen.where(col(Credential.subject_id) == link.subject_id)).first()
        person = session.get(Person, (link.subject_type, link.subject_id))
        if credential is None or person is None:
            return None
        asked = answer_of(session, SubjectType(link.subject_type), link.subject_id)
        return Recovery(link, credential, person, asked)

    found: Recovery | None = await app.records.read(None, read)
    return found


async def _show(request: Request, recovery: Recovery, *, problems: Sequence[Wrong] = (), status: int = 200) -> Response:
    return await visitor_page(
        request,
        "account/reset.html",
        status=status,
        recovery=recovery,
        problems=problems,
        rules=password_rules(recovery.words),
    )


ROUTES = (
    Route("/forgot", show_forgot, guard=public),
    Route("/forgot", forgot, guard=public, methods=("POST",)),
    Route("/reset/{token}", show_reset, guard=public),
    Route("/reset/{token}", reset, guard=public, methods=("POST",)),
)
