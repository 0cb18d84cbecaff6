"""Setting up a second factor, at the first sign-in that asks for one and under "Sign-in and security" alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import segno
from markupsafe import Markup
from sqlalchemy.exc import IntegrityError

from gateway.account.passkeys import ANSWER_CHARACTERS_MAX, NAME_CHARACTERS_MAX, ask_to_make, made, place_of
from gateway.account.second_factor import (
    add_app,
    address_of,
    factors_of,
    new_recovery_codes,
    new_secret,
    opened_secret,
    step_of,
)
from gateway.records.events import enter_event
from gateway.web.language import N_, _
from models.tables.identity import Person
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from sqlmodel import Session
    from starlette.datastructures import FormData
    from starlette.requests import Request

    from gateway.account.second_factor import Factors, Who
    from models.tables.second_factor import Passkey

ISSUER = "Kinguard"
_MEANWHILE = N_("A second factor was set up meanwhile, in another window. Please sign in again.")
Context = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose factor it is, with the sign-in name that the app or the passkey is labelled with."""

    who: Who
    username: str
    name: str


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a form: the id of the field, and the sentence."""

    field: str
    sentence: str


async def owner_of(request: Request) -> Owner:
    """The person of this request's session, signed in or still waiting for the second factor."""
    session = request.state.session
    who = (SubjectType(session.subject_type), session.subject_id)
    person = (await request.app.state.records.people(who[0], [who[1]]))[who[1]]
    return Owner(who, session.sign_in.username, person.name)


async def factors(request: Request, who: Who) -> Factors:
    """What the person has set up."""
    found: Factors = await request.app.state.records.read(None, lambda session: factors_of(session, who))
    return found


def _is_open(session: Session, who: Who, *, first: bool) -> bool:
    """Whether a factor may be added. Before sign-in only the first: who knows the password alone adds none to others.

    The person's row is held, so that of two firsts at once one is.
    """
    session.get(Person, (who[0].value, who[1]), with_for_update=True)
    return not (first and factors_of(session, who))


def _enter_added(request: Request, session: Session, owner: Owner) -> None:
    subject_type, subject_id = owner.who
    event = {
        "action": "second_factor.added",
        "actor": f"{subject_type.value}/{subject_id}",
        "account_id": subject_id if subject_type is SubjectType.ACCOUNT else None,
        "practice_id": request.state.session.practice_id,
    }
    enter_event(session, event, at=request.app.state.clock())


# ---- the app ----


def app_form(request: Request, owner: Owner, fields: FormData | None = None) -> Context:
    """What the form of a new app shows: the QR code and the same as text. A form sent before keeps its secret."""
    state = request.app.state
    seal, now = state.factor_seal, state.clock()
    sealed = "" if fields is None else str(fields.get("sealed", ""))
    secret = opened_secret(seal, owner.who, sealed, now) if sealed else None
    if secret is None:
        secret, sealed = new_secret(seal, owner.who, now)
    code = segno.make(address_of(secret, owner.username, ISSUER), error="m", micro=False)
    picture = code.svg_inline(dark="#000", light="#fff", border=3, omitsize=True, svgclass="qr-code", lineclass=None)
    spelled = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
    return {"sealed": sealed, "secret": spelled, "qr": Markup(picture)}  # noqa: S704 - squares, drawn here.


async def save_app(request: Request, owner: Owner, fields: FormData) -> Problem | tuple[str, ...]:
    """Keep the app of a form, if its first code is right; returns what was shown by it (RFC 8176)."""
    state = request.app.state
    seal, now = state.factor_seal, state.clock()
    secret = opened_secret(seal, owner.who, str(fields.get("sealed", "")), now)
    if secret is None:
        return Problem("code", _("This took too long, so there is a new QR code. Please scan it, then type its code."))
    step = step_of(secret, str(fields.get("code", "")), now)
    if step is None:
        return Problem(
            "code",
            _("This is not the code that the app shows now. Check the time of your device, and type the newest code."),
        )
    first = request.state.reader is None

    def add(session: Session) -> bool:
        if not _is_open(session, owner.who, first=first):
            return False
        add_app(session, seal, owner.who, (secret, step), now)
        _enter_added(request, session, owner)
        return True

    try:
        return ("otp", "mfa") if await state.records.change(None, add) else Problem("code", _(_MEANWHILE))
    except IntegrityError:
        return Problem("code", _("You have an app already. Remove it first, if you want another one."))


# ---- passkeys ----


async def passkey_form(request: Request, owner: Owner) -> Context:
    """What the form of a new passkey shows; without `make` where this address can have none."""
    place = place_of(request)
    if place is None:
        return {"make": None}
    state = request.app.state
    handle = state.factor_seal.digest(owner.who[1], owner.who[0].value)
    known = (await factors(request, owner.who)).passkeys
    options, challenge = ask_to_make(place, handle, owner.username, owner.name, known)
    await state.sessions.challenge(request.state.cookie, f"make:{challenge}")
    return {"make": options}


async def save_passkey(request: Request, owner: Owner, fields: FormData) -> Problem | tuple[str, ...]:
    """Keep the passkey of a form, if it answers the challenge of the page; returns what was shown by it (RFC 8176)."""
    state = request.app.state
    name = " ".join(str(fields.get("name", "")).split())[:NAME_CHARACTERS_MAX] or _("Passkey")
    passkey = await _made(request, owner, str(fields.get("answer", "")), name)
    if passkey is None:
        return Problem("make-passkey", _("The passkey could not be saved. Please try again."))
    method, first = "swk" if passkey.is_synced else "hwk", request.state.reader is None

    def add(session: Session) -> bool:
        if not _is_open(session, owner.who, first=first):
            return False
        session.add(passkey)
        _enter_added(request, session, owner)
        return True

    try:
        return (method, "mfa") if await state.records.change(None, add) else Problem("make-passkey", _(_MEANWHILE))
    except IntegrityError:
        return Problem("make-passkey", _("This passkey is saved already."))


async def _made(request: Request, owner: Owner, answer: str, name: str) -> Passkey | None:
    place, challenge = place_of(request), await taken_challenge(request, "make")
    if place is None or challenge is None or len(answer) > ANSWER_CHARACTERS_MAX:
        return None
    return made(place, owner.who, (answer, challenge), name, request.app.state.clock())


async def taken_challenge(request: Request, purpose: str) -> str | None:
    """The challenge that this session's page asked a passkey for this purpose; it is worth one answer."""
    kept = await request.app.state.sessions.answered(request.state.cookie)
    asked, _colon, challenge = (kept or "").partition(":")
    return challenge if asked == purpose and challenge else None


# ---- afterwards ----


async def first_recovery_codes(request: Request, owner: Owner) -> list[str]:
    """Recovery codes for somebody who has none left; nobody else's are replaced."""
    seal = request.app.state.factor_seal

    def make(session: Session) -> list[str]:
        if factors_of(session, owner.who).recovery_codes:
            return []
        return new_recovery_codes(session, seal, owner.who)

    codes: list[str] = await request.app.state.records.change(None, make)
    return codes
