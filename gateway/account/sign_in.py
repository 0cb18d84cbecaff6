"""Signing in and out."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

import structlog
from anyio import to_thread

from gateway.account.credentials import still_counts
from gateway.account.entering import enter, sign_in_event
from gateway.account.passwords import (
    PASSWORD_CHARACTERS_MAX,
    USERNAME_CHARACTERS_MAX,
    canonical,
    hash_password,
    is_outdated,
)
from gateway.account.visitors import address_of, visitor_page
from gateway.edge.cookies import Left
from gateway.edge.guard import Route, public, signed_in
from gateway.edge.paths import is_local
from gateway.edge.sessions import IDLE_SECONDS_MAX
from gateway.records.events import enter_event, event_by
from gateway.web.language import N_, _
from gateway.web.pages import see_other

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from models.tables.identity import Credential

# One sentence for an unknown name, a wrong password and an open invitation: none tells whether an account exists.
_REFUSED = N_("The user name or the password is not right.")
_TOO_MANY = N_("There were too many tries. Please wait a quarter of an hour, then try again.")
_PASSWORD = ("pwd",)  # RFC 8176
_LEFT = {
    Left.OUT: N_("You are signed out, in every tab of this browser."),
    Left.ENDED: N_(
        "You are not signed in, or not any more: you may have signed out in another tab, "
        "or not used the pages for %(minutes)s minutes. Please sign in to go on."
    ),
    Left.UNSENT: N_("You are not signed in any more, so nothing was changed. Please sign in, then do it again."),
}
log: Any = structlog.get_logger()


async def show(request: Request) -> Response:
    """The sign-in page; whoever is signed in already goes on."""
    if request.state.reader is not None:
        return see_other("/")
    return await _form(request, target=request.query_params.get("next", ""))


async def sign_in(request: Request) -> Response:
    """Check name and password, and begin a session under a new name."""
    app, fields = request.app.state, await request.form()
    username, password = str(fields.get("username", "")), str(fields.get("password", ""))
    target = str(fields.get("next", ""))
    name, address = canonical(username), address_of(request)
    if not await app.attempts.begin(name, address):
        log.warning("sign_in_limited")
        return await _form(request, status=429, problem=_(_TOO_MANY), username=username, target=target)
    too_long = len(name) > USERNAME_CHARACTERS_MAX or len(password) > PASSWORD_CHARACTERS_MAX
    credential: Credential | None = None if too_long else await app.records.credential(name)
    stored = None if credential is None else credential.password_hash
    fits = await app.passwords.fits(stored, password[:PASSWORD_CHARACTERS_MAX])
    if credential is None or not fits or not await still_counts(request, credential):
        await app.authz.record(sign_in_event("sign_in.refused", credential))
        return await _form(request, status=401, problem=_(_REFUSED), username=username, target=target)
    await app.attempts.succeeded(name, address)
    if is_outdated(credential.password_hash):
        credential.password_hash = await to_thread.run_sync(hash_password, password)
        await app.records.set_password_hash(name, credential.password_hash)
    return await enter(request, credential, _PASSWORD, target)


async def sign_out(request: Request) -> Response:
    """End the session where it is kept, and have the browser forget what it showed."""
    app, reader = request.app.state, request.state.reader
    await app.sessions.end(request.state.cookie)
    # The trail is told of it later, if need be: nobody who leaves is kept by a service that does not answer.
    event = event_by(reader, "sign_out")
    await app.records.change(None, lambda session: enter_event(session, event, at=app.clock()))
    response = see_other("/sign-in")
    app.cookies.delete(response)
    app.cookies.leave(response, Left.OUT)
    # Not every cookie: the language chosen stays, and by which browser it was.
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


async def _form(
    request: Request, *, status: int = 200, problem: str = "", username: str = "", target: str = ""
) -> Response:
    return await visitor_page(
        request,
        "account/sign_in.html",
        status=status,
        problem=problem,
        username=username,
        next=target if is_local(target) else "",
        left=_left(request, target),
        demo_names=await _demo_names(request),
    )


def _left(request: Request, target: str) -> str:
    """What the page says to somebody who came here from a page that was open."""
    left = request.app.state.cookies.left(request)
    if left is None:
        return _("Please sign in to see that page.") if is_local(target) else ""
    return _(_LEFT[left], minutes=IDLE_SECONDS_MAX // 60)


async def _demo_names(request: Request) -> Sequence[dict[str, Any]]:
    """Who can sign in to the demo, in groups of `title` and `names`; nobody is named in production."""
    app = request.app.state
    if app.settings.profile != "demo":
        return ()
    known = await app.records.sign_in_names()
    return [
        {"title": title, "names": [username for _, username in group]}
        for title, group in groupby(known, key=lambda entry: entry[0])
    ]


ROUTES = (
    Route("/sign-in", show, guard=public),
    Route("/sign-in", sign_in, guard=public, methods=("POST",)),
    Route("/sign-out", sign_out, guard=signed_in, methods=("POST",)),
)
