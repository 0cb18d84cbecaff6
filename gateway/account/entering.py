"""The one way in: whoever proved a credential gets a session here, or is first asked for the second factor."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, delete, select

from gateway.account.browsers import name_browser
from gateway.account.second_factor import factors_of, is_asked
from gateway.edge.cookies import KNOWN_SECONDS, fresh_visitor
from gateway.edge.paths import CHANGE_PASSWORD, is_local
from gateway.edge.sessions import SignIn, Waiting
from gateway.mail.post import letter, post
from gateway.web.formats import clock_time, day
from gateway.web.pages import see_other
from models.tables.second_factor import KnownBrowser
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from datetime import datetime

    from sqlmodel import Session
    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.account.second_factor import Who
    from models.tables.identity import Credential, Person

SECOND_STEP = "/sign-in/second-step"
SET_UP = "/sign-in/set-up"
_WAYS = {Waiting.SECOND_FACTOR: SECOND_STEP, Waiting.ENROLMENT: SET_UP}
_BOTH = "mfa"  # RFC 8176: two factors were shown
_ALONE = frozenset({"otp", "hwk", "swk"})  # stand for a second factor only beside the first
# Where each lands, and where a page that was asked for before may lie.
_PLACES = {
    SubjectType.STAFF: ("/admin", ("/admin", "/review", "/account/")),
    SubjectType.ACCOUNT: ("/", ("/c/", "/account/", "/join/")),
}
log: Any = structlog.get_logger()


async def enter(
    request: Request,
    credential: Credential,
    amr: tuple[str, ...],
    next: str | None = None,  # noqa: A002 - the name of the form's field.
) -> Response:
    """Let in whoever proved the credential by `amr` (RFC 8176), and send them to the page asked for.

    Unless `amr` has `mfa`, whoever has a second factor is asked for it first, and whoever must have one sets it up
    first. An account's pending grants become active. The trail has it before the session begins; CannotDecide when it
    cannot be decided or recorded.
    """
    app, who = request.app.state, _who(credential)
    if _BOTH not in amr:
        amr = tuple(method for method in amr if method not in _ALONE)
        if (waiting := await _lacks(request, who)) is not None:
            return await _wait(request, credential, amr, SignIn(waiting=waiting, target=next or ""))
    response = see_other(CHANGE_PASSWORD if credential.must_change else place(who[0], next or ""))
    if not await let_in(request, credential, amr, response):
        app.cookies.delete(response)
        return see_other("/sign-in")
    return response


async def let_in(request: Request, credential: Credential, amr: tuple[str, ...], response: Response) -> bool:
    """Begin a session under a name that nobody knew before, which `response` gives the browser.

    False, with no session, when the credential was changed meanwhile: then every session was ended before this one.
    """
    app, (subject_type, subject_id) = request.app.state, _who(credential)
    person = await _person(request, credential)
    await app.authz.record(sign_in_event("sign_in.succeeded", credential, person.practice_id))
    if subject_type is SubjectType.ACCOUNT:
        await app.authz.first_login(subject_id)
    if request.state.cookie:
        await app.sessions.end(request.state.cookie)
    sign_in = SignIn(credential.username, *_browser(request), password_change_due=credential.must_change)
    name = await app.sessions.begin((subject_type, subject_id), person.practice_id, amr, sign_in)
    if not await _still_stands(request, credential, name):
        return False
    await _note_browser(request, person, response)
    app.cookies.set(response, name)
    app.cookies.arrive(response)
    return True


def place(subject_type: SubjectType, target: str) -> str:
    """The page asked for, where it is one for such a person; else where they start."""
    home, own = _PLACES[subject_type]
    return target if target.startswith(own) and is_local(target) else home


def sign_in_event(action: str, credential: Credential | None, practice_id: str | None = None) -> dict[str, Any]:
    """The trail's record of a try; for an unknown name it says no more than that there was one."""
    if credential is None:
        return {"action": action}
    is_account = credential.subject_type == SubjectType.ACCOUNT.value
    return {
        "action": action,
        "actor": f"{credential.subject_type}/{credential.subject_id}",
        "account_id": credential.subject_id if is_account else None,
        "practice_id": practice_id,
    }


async def _lacks(request: Request, who: Who) -> Waiting | None:
    app = request.app.state
    if await app.records.read(None, lambda session: bool(factors_of(session, who))):
        return Waiting.SECOND_FACTOR
    person = (await app.records.people(who[0], [who[1]]))[who[1]]
    production = app.settings.profile == "production"
    asked = await is_asked(app.authz, who, person.practice_id, production=production)
    return Waiting.ENROLMENT if asked else None


async def _wait(request: Request, credential: Credential, amr: tuple[str, ...], lacking: SignIn) -> Response:
    """A session that lets nobody in, until the second factor is shown."""
    app, person = request.app.state, await _person(request, credential)
    if request.state.cookie:
        await app.sessions.end(request.state.cookie)
    assert lacking.waiting is not None
    sign_in = SignIn(credential.username, *_browser(request), waiting=lacking.waiting, target=lacking.target)
    name = await app.sessions.begin(_who(credential), person.practice_id, amr, sign_in)
    if not await _still_stands(request, credential, name):
        return see_other("/sign-in")
    response = see_other(_WAYS[lacking.waiting])
    app.cookies.set(response, name)
    return response


async def _still_stands(request: Request, credential: Credential, name: str) -> bool:
    """Whether the credential is still what let the session of this name in; otherwise the session is ended."""
    app = request.app.state
    known = await app.records.credential(credential.username)
    if known is not None and known.password_hash == credential.password_hash:
        return True
    await app.sessions.end(name)
    return False


async def _note_browser(request: Request, person: Person, response: Response) -> None:
    """Know the browser again; the person is told by mail of one that is new, except of the first of all."""
    app, now = request.app.state, request.app.state.clock()
    value = app.cookies.known(request) or fresh_visitor()
    key = (person.subject_type, person.subject_id, hashlib.sha256(value.encode()).hexdigest())
    browser, system = _browser(request)

    def note(session: Session) -> None:
        seen = session.get(KnownBrowser, key)
        if seen is None:
            if person.email and _has_others(session, person, now):
                instant = f"{day(now.date())}, {clock_time(now)} UTC"
                values = {"name": person.name, "browser": browser, "system": system, "instant": instant}
                url = f"{app.settings.public_url}/account/security"
                post(session, letter("new_sign_in", person.email, person.language, url=url, **values))
            seen = KnownBrowser(subject_type=key[0], subject_id=key[1], browser_hash=key[2], last_at=now)
        seen.last_at = now
        session.merge(seen)

    try:
        await app.records.change(None, note)
    except ValueError as error:  # An address that no mail can be sent to must not keep its owner out.
        log.warning("sign_in_mail_not_sent", reason=str(error))
    except IntegrityError:  # Another sign-in of this browser noted it in the same moment.
        log.info("browser_noted_twice")
    app.cookies.know(response, value)


def _has_others(session: Session, person: Person, now: datetime) -> bool:
    """Whether the person is known by other browsers; those that forgot their cookie by now are forgotten too."""
    own = (
        col(KnownBrowser.subject_type) == person.subject_type,
        col(KnownBrowser.subject_id) == person.subject_id,
    )
    since = now - timedelta(seconds=KNOWN_SECONDS)
    session.exec(delete(KnownBrowser).where(*own, col(KnownBrowser.last_at) < since))
    return session.exec(select(KnownBrowser.browser_hash).where(*own)).first() is not None


async def _person(request: Request, credential: Credential) -> Person:
    subject_type, subject_id = _who(credential)
    person: Person = (await request.app.state.records.people(subject_type, [subject_id]))[subject_id]
    return person


def _who(credential: Credential) -> Who:
    return SubjectType(credential.subject_type), credential.subject_id


def _browser(request: Request) -> tuple[str, str]:
    return name_browser(request.headers.get("user-agent", ""))
