"""Sign-in and security: one's password, second factors, recovery codes and sessions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.account import second_step
from gateway.account.passwords import PASSWORD_CHARACTERS_MAX
from gateway.account.second_factor import is_asked, new_recovery_codes, remove_app, remove_passkey
from gateway.account.set_up import (
    Problem,
    app_form,
    factors,
    first_recovery_codes,
    owner_of,
    passkey_form,
    save_app,
    save_passkey,
)
from gateway.account.visitors import address_of
from gateway.edge.cookies import Left
from gateway.edge.errors import NotFound
from gateway.edge.guard import Route, signed_in
from gateway.records.events import enter_event, event_by
from gateway.web.formats import day
from gateway.web.language import _, ngettext
from gateway.web.pages import page, say, see_other

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlmodel import Session
    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.account.set_up import Owner
    from gateway.edge.sessions import Listed

HOME = "/account/security"
SESSIONS_MAX = 20  # shown


@dataclass(frozen=True, slots=True)
class SessionView:
    """One line of the list of sessions."""

    title: str
    note: str
    is_own: bool


async def overview(request: Request) -> Response:
    """What protects the reader's sign-in, and where they are signed in."""
    state, owner = request.app.state, await owner_of(request)
    known = await factors(request, owner.who)
    listed = await state.sessions.list_of(*owner.who, own=request.state.cookie)
    now = state.clock().timestamp()
    return await page(
        request,
        "account/security.html",
        app=None if known.app is None else day(known.app.added_at.date()),
        passkeys=[{"id": key.id, "name": key.name, "added": day(key.added_at.date())} for key in known.passkeys],
        recovery_codes=known.recovery_codes,
        has_factor=bool(known),
        is_asked=await _asked(request, owner),
        sessions=[_view(one, now) for one in listed[:SESSIONS_MAX]],
        more=max(0, len(listed) - SESSIONS_MAX),
    )


async def new_app(request: Request) -> Response:
    """Show a new app's QR code."""
    return await _new_app(request, await owner_of(request))


async def add_app(request: Request) -> Response:
    """Keep an app whose first code is right."""
    owner, fields = await owner_of(request), await request.form()
    if problem := await _password_problem(request, owner):
        return await _new_app(request, owner, problem)
    was_bare = not await factors(request, owner.who)
    shown = await save_app(request, owner, fields)
    if isinstance(shown, Problem):
        return await _new_app(request, owner, shown)
    return await _added(request, owner, shown, was_bare=was_bare)


async def new_passkey(request: Request) -> Response:
    """Ask the browser for a new passkey."""
    return await _new_passkey(request, await owner_of(request))


async def add_passkey(request: Request) -> Response:
    """Keep a passkey that the browser made."""
    owner, fields = await owner_of(request), await request.form()
    if problem := await _password_problem(request, owner):
        return await _new_passkey(request, owner, problem)
    was_bare = not await factors(request, owner.who)
    shown = await save_passkey(request, owner, fields)
    if isinstance(shown, Problem):
        return await _new_passkey(request, owner, shown)
    return await _added(request, owner, shown, was_bare=was_bare)


async def leave_app(request: Request) -> Response:
    """Ask before the app is removed; with the password, remove it."""
    owner = await owner_of(request)
    if (await factors(request, owner.who)).app is None:
        raise NotFound
    return await _remove(request, owner, _("your authenticator app"), lambda session: remove_app(session, owner.who))


async def leave_passkey(request: Request) -> Response:
    """Ask before a passkey is removed; with the password, remove it."""
    owner, passkey_id = await owner_of(request), request.path_params["passkey"]
    known = (await factors(request, owner.who)).passkeys
    passkey = next((passkey for passkey in known if passkey.id == passkey_id), None)
    if passkey is None:
        raise NotFound
    name = _("the passkey %(name)s", name=passkey.name)
    return await _remove(request, owner, name, lambda session: remove_passkey(session, owner.who, passkey_id))


async def renew_codes(request: Request) -> Response:
    """Ask before the recovery codes are replaced; with the password, show ten new ones."""
    owner = await owner_of(request)
    if not await factors(request, owner.who):
        raise NotFound
    if request.method == "GET":
        return await page(request, "account/security_codes.html", problems=[])
    if problem := await _password_problem(request, owner):
        return await page(request, "account/security_codes.html", 422, problems=[problem])
    seal = request.app.state.factor_seal
    await _record(request, "recovery_codes.renewed")
    codes = await request.app.state.records.change(None, lambda session: new_recovery_codes(session, seal, owner.who))
    return await page(request, "account/recovery_codes.html", codes=codes, target=HOME)


async def sign_out_everywhere(request: Request) -> Response:
    """End every session of the reader, this one too."""
    state, reader = request.app.state, request.state.reader
    event = event_by(reader, "sign_out.everywhere")
    await state.records.change(None, lambda session: enter_event(session, event, at=state.clock()))
    await state.sessions.end_all(reader.type, reader.id)
    response = see_other("/sign-in")
    state.cookies.delete(response)
    state.cookies.leave(response, Left.OUT)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


async def _new_app(request: Request, owner: Owner, problem: Problem | None = None) -> Response:
    if problem is None and (await factors(request, owner.who)).app is not None:
        return see_other(HOME)
    fields = await request.form() if request.method == "POST" else None
    problems = [] if problem is None else [problem]
    context = app_form(request, owner, fields)
    return await page(
        request,
        "account/security_app.html",
        422 if problem else 200,
        problems=problems,
        action=f"{HOME}/app",
        **context,
    )


async def _new_passkey(request: Request, owner: Owner, problem: Problem | None = None) -> Response:
    fields = await request.form() if request.method == "POST" else {}
    return await page(
        request,
        "account/security_passkey.html",
        422 if problem else 200,
        problems=[] if problem is None else [problem],
        action=f"{HOME}/passkeys/new",
        called=str(fields.get("name", "")),
        **await passkey_form(request, owner),
    )


async def _added(request: Request, owner: Owner, shown: tuple[str, ...], *, was_bare: bool) -> Response:
    """This session has shown the factor by setting it up; others have not, and end with the first one."""
    sessions = request.app.state.sessions
    await sessions.strengthen(request.state.cookie, shown)
    if was_bare:
        await sessions.end_all(*owner.who, but=request.state.cookie)
    codes = await first_recovery_codes(request, owner)
    if codes:
        return await page(request, "account/recovery_codes.html", codes=codes, target=HOME)
    await say(request, _("Saved. From now on, signing in may ask for it."))
    return see_other(HOME)


async def _remove(request: Request, owner: Owner, name: str, remove: Callable[[Session], None]) -> Response:
    problems: list[Problem] = []
    needed = len(await factors(request, owner.who)) == 1 and await _asked(request, owner)
    if request.method == "POST" and not needed:
        problem = await _password_problem(request, owner)
        if problem is None:
            await _record(request, "second_factor.removed")
            await request.app.state.records.change(None, remove)
            await say(request, _("Removed: %(what)s.", what=name))
            return see_other(HOME)
        problems.append(problem)
    status = 422 if request.method == "POST" else 200
    return await page(request, "account/security_remove.html", status, what=name, needed=needed, problems=problems)


async def _password_problem(request: Request, owner: Owner) -> Problem | None:
    """What is wrong with the password of a form; its tries count with those of signing in."""
    state = request.app.state
    password = str((await request.form()).get("password", ""))
    if not await state.attempts.begin(owner.username, address_of(request)):
        return Problem("password", _("There were too many tries. Please wait a quarter of an hour, then try again."))
    credential = await state.records.credential(owner.username)
    stored = None if credential is None or len(password) > PASSWORD_CHARACTERS_MAX else credential.password_hash
    if not await state.passwords.fits(stored, password[:PASSWORD_CHARACTERS_MAX]):
        return Problem("password", _("This is not your password. Please type the one that you sign in with."))
    await state.attempts.succeeded(owner.username, address_of(request))
    return None


async def _asked(request: Request, owner: Owner) -> bool:
    state, production = request.app.state, request.app.state.settings.profile == "production"
    return await is_asked(state.authz, owner.who, request.state.reader.practice_id, production=production)


async def _record(request: Request, action: str) -> None:
    reader = request.state.reader
    account_id = reader.id if reader.practice_id is None else None
    event = {"action": action, "actor": reader.actor, "account_id": account_id, "practice_id": reader.practice_id}
    await request.app.state.authz.record(event)


def _view(listed: Listed, now: float) -> SessionView:
    about = listed.session.sign_in
    values: dict[str, Any] = {"browser": about.browser, "system": about.system}
    if about.browser and about.system:
        title = _("%(browser)s on %(system)s", **values)
    else:
        title = about.browser or about.system or _("A browser")
    began, used = _ago(now - listed.session.created_at), _ago(now - listed.session.seen_at)
    return SessionView(title, _("Signed in %(began)s, last used %(used)s", began=began, used=used), listed.is_own)


def _ago(seconds: float) -> str:
    minutes = int(seconds) // 60
    if minutes < 1:
        return _("just now")
    if minutes < 60:
        return ngettext("%(num)s minute ago", "%(num)s minutes ago", minutes)
    return ngettext("%(num)s hour ago", "%(num)s hours ago", minutes // 60)


ROUTES = (
    *second_step.ROUTES,
    Route(HOME, overview, guard=signed_in),
    Route(f"{HOME}/app", new_app, guard=signed_in),
    Route(f"{HOME}/app", add_app, guard=signed_in, methods=("POST",)),
    Route(f"{HOME}/app/remove", leave_app, guard=signed_in, methods=("GET", "POST")),
    Route(f"{HOME}/passkeys/new", new_passkey, guard=signed_in),
    Route(f"{HOME}/passkeys/new", add_passkey, guard=signed_in, methods=("POST",)),
    Route(f"{HOME}/passkeys/{{passkey}}/remove", leave_passkey, guard=signed_in, methods=("GET", "POST")),
    Route(f"{HOME}/recovery-codes", renew_codes, guard=signed_in, methods=("GET", "POST")),
    Route(f"{HOME}/sign-out", sign_out_everywhere, guard=signed_in, methods=("POST",)),
)
