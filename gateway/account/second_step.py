"""The second step of a sign-in: the second factor of whoever has one, and its set-up for whoever must have one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.account.entering import SECOND_STEP, SET_UP, let_in, place, sign_in_event
from gateway.account.passkeys import ANSWER_CHARACTERS_MAX, ask_to_show, place_of, use_passkey
from gateway.account.second_factor import CODE_DIGITS, use_code, use_recovery_code
from gateway.account.set_up import (
    Problem,
    app_form,
    factors,
    first_recovery_codes,
    owner_of,
    passkey_form,
    save_app,
    save_passkey,
    taken_challenge,
)
from gateway.account.visitors import address_of
from gateway.edge.guard import Route, public
from gateway.edge.paths import CHANGE_PASSWORD
from gateway.edge.sessions import Waiting
from gateway.web.language import _
from gateway.web.pages import page, see_other

if TYPE_CHECKING:
    from sqlmodel import Session
    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.account.set_up import Owner
    from models.tables.identity import Credential

CODE_CHARACTERS_MAX = 100
_BY_APP = ("otp", "mfa")  # RFC 8176; a recovery code is a one-time password too


async def ask(request: Request) -> Response:
    """Ask for the code of the app, a passkey or a recovery code."""
    if not _is_waiting(request, Waiting.SECOND_FACTOR):
        return _elsewhere(request)
    return await _ask(request, await owner_of(request))


async def check_code(request: Request) -> Response:
    """Let in whoever types the code that the app shows now, or a recovery code that was not used."""
    if not _is_waiting(request, Waiting.SECOND_FACTOR):
        return _elsewhere(request)
    state, owner = request.app.state, await owner_of(request)
    typed = str((await request.form()).get("code", ""))[:CODE_CHARACTERS_MAX]
    if not await _may_try(request, owner):
        return await _ask(request, owner, Problem("code", _too_many()), status=429)
    seal, now = state.factor_seal, state.clock()
    is_app_code = len("".join(typed.split())) == CODE_DIGITS

    def use(session: Session) -> bool:
        used = use_code if is_app_code else use_recovery_code
        return used(session, seal, owner.who, typed, now)

    if not await state.records.change(None, use):
        await _record_refused(request)
        problem = Problem("code", _("This code is not right, or it was used before. Please type the newest one."))
        return await _ask(request, owner, problem, status=401)
    return await _go_on(request, owner, _BY_APP)


async def check_passkey(request: Request) -> Response:
    """Let in whoever shows one of their passkeys."""
    if not _is_waiting(request, Waiting.SECOND_FACTOR):
        return _elsewhere(request)
    state, owner = request.app.state, await owner_of(request)
    if not await _may_try(request, owner):
        return await _ask(request, owner, Problem("show-passkey", _too_many()), status=429)
    answer = str((await request.form()).get("answer", ""))
    where, challenge = place_of(request), await taken_challenge(request, "show")
    known = (await factors(request, owner.who)).passkeys
    method = ""
    if where is not None and challenge is not None and len(answer) <= ANSWER_CHARACTERS_MAX:
        shown, now = (answer, challenge), state.clock()
        method = await state.records.change(None, lambda session: use_passkey(session, where, known, shown, now))
    if not method:
        await _record_refused(request)
        problem = Problem("show-passkey", _("This passkey could not be checked. Please try again, or use a code."))
        return await _ask(request, owner, problem, status=401)
    return await _go_on(request, owner, (method, "mfa"))


async def set_up(request: Request) -> Response:
    """Have whoever must have a second factor set one up, before they get in."""
    if not _is_waiting(request, Waiting.ENROLMENT):
        return _elsewhere(request)
    return await _set_up(request, await owner_of(request))


async def save_first_app(request: Request) -> Response:
    """Keep the app, and let in."""
    if not _is_waiting(request, Waiting.ENROLMENT):
        return _elsewhere(request)
    owner, fields = await owner_of(request), await request.form()
    if not await _may_try(request, owner):
        return await _set_up(request, owner, Problem("code", _too_many()), status=429)
    shown = await save_app(request, owner, fields)
    if isinstance(shown, Problem):
        return await _set_up(request, owner, shown, status=422)
    return await _go_on(request, owner, shown)


async def save_first_passkey(request: Request) -> Response:
    """Keep the passkey, and let in."""
    if not _is_waiting(request, Waiting.ENROLMENT):
        return _elsewhere(request)
    owner, fields = await owner_of(request), await request.form()
    shown = await save_passkey(request, owner, fields)
    if isinstance(shown, Problem):
        return await _set_up(request, owner, shown, status=422)
    return await _go_on(request, owner, shown)


async def _go_on(request: Request, owner: Owner, amr: tuple[str, ...]) -> Response:
    """Both factors were shown: let in; whoever has no recovery codes is given them first."""
    state, session = request.app.state, request.state.session
    await state.attempts.succeeded(_counted(owner), address_of(request))
    credential: Credential | None = await state.records.credential(owner.username)
    if credential is None:
        return see_other("/sign-in")
    target = CHANGE_PASSWORD if credential.must_change else place(owner.who[0], session.sign_in.target)
    codes = await first_recovery_codes(request, owner) if session.sign_in.waiting is Waiting.ENROLMENT else []
    response = (
        await page(request, "account/recovery_codes.html", codes=codes, target=target) if codes else see_other(target)
    )
    if not await let_in(request, credential, (*session.amr, *amr), response):
        return see_other("/sign-in")
    return response


async def _ask(request: Request, owner: Owner, problem: Problem | None = None, *, status: int = 200) -> Response:
    known, where, show = await factors(request, owner.who), place_of(request), None
    if known.passkeys and where is not None:
        show, challenge = ask_to_show(where, known.passkeys)
        await request.app.state.sessions.challenge(request.state.cookie, f"show:{challenge}")
    context: dict[str, Any] = {"has_app": known.app is not None, "has_passkey": bool(known.passkeys), "show": show}
    problems = [problem] if problem else []
    return await page(request, "account/second_step.html", status, problems=problems, action=SECOND_STEP, **context)


async def _set_up(request: Request, owner: Owner, problem: Problem | None = None, *, status: int = 200) -> Response:
    fields = await request.form() if request.method == "POST" else None
    context = {**app_form(request, owner, fields), **await passkey_form(request, owner)}
    problems = [problem] if problem else []
    return await page(request, "account/set_up.html", status, problems=problems, action=SET_UP, **context)


async def _may_try(request: Request, owner: Owner) -> bool:
    """Counted apart from passwords: whoever knows the password cannot clear the count with it."""
    may: bool = await request.app.state.attempts.begin(_counted(owner), address_of(request))
    return may


async def _record_refused(request: Request) -> None:
    state, session = request.app.state, request.state.session
    credential = await state.records.credential(session.sign_in.username)
    await state.authz.record(sign_in_event("sign_in.second_factor_refused", credential, session.practice_id))


def _counted(owner: Owner) -> str:
    return f"Second factor of {owner.who[0].value}/{owner.who[1]}"


def _is_waiting(request: Request, waiting: Waiting) -> bool:
    session = request.state.session
    return session is not None and session.sign_in.waiting is waiting


def _elsewhere(request: Request) -> Response:
    """To where this sign-in stands."""
    for waiting, path in ((Waiting.SECOND_FACTOR, SECOND_STEP), (Waiting.ENROLMENT, SET_UP)):
        if _is_waiting(request, waiting):
            return see_other(path)
    return see_other("/sign-in" if request.state.reader is None else "/")


def _too_many() -> str:
    return _("There were too many tries. Please wait a quarter of an hour, then try again.")


ROUTES = (
    Route(SECOND_STEP, ask, guard=public),
    Route(SECOND_STEP, check_code, guard=public, methods=("POST",)),
    Route(f"{SECOND_STEP}/passkey", check_passkey, guard=public, methods=("POST",)),
    Route(SET_UP, set_up, guard=public),
    Route(SET_UP, save_first_app, guard=public, methods=("POST",)),
    Route(f"{SET_UP}/passkey", save_first_passkey, guard=public, methods=("POST",)),
)
