"""Renders pages: every template gets the reader, the client, the form token and the frame around the page."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader
from starlette.responses import HTMLResponse, RedirectResponse

from gateway.edge.errors import CannotDecide
from gateway.edge.viewing import viewing_of
from gateway.web.language import LANGUAGES, N_, _, catalogue, language, ngettext

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

_FOLDER = Path(__file__).resolve().parent.parent
STATIC = _FOLDER / "static"
TEMPLATES = Environment(
    loader=FileSystemLoader(_FOLDER / "templates"),
    autoescape=True,
    auto_reload=False,
    trim_blocks=True,
    lstrip_blocks=True,
    extensions=["jinja2.ext.i18n"],
)
TEMPLATES.install_gettext_callables(  # type: ignore[attr-defined]
    lambda text: catalogue().gettext(text),
    lambda one, many, number: catalogue().ngettext(one, many, number),
    newstyle=True,  # So that what is filled in is escaped like any other value.
)


async def page(request: Request, name: str, status: int = 200, **context: Any) -> Response:
    """A page from a template, with the frame around it."""
    around = await _frame(request)
    listening = request.state.reader is not None and viewing_of(request) is None
    said = await request.app.state.sessions.hear(request.state.cookie) if listening else ()
    return _render(request, name, status, {**around, "said": " ".join(said), **context})


async def part(request: Request, name: str, **context: Any) -> Response:
    """A part of a page, for a script to put into one; without the frame, and without taking what was said."""
    return _render(request, name, 200, context)


def error_page(request: Request | None, status: int) -> Response:
    """The page for a status. It says the same to everyone, and needs neither the service nor a database."""
    title, sentence = _ERRORS.get(status, _ERRORS[400])
    return _render(request, "error.html", status, {"status": status, "title": _(title), "sentence": _(sentence)})


def too_often_page(request: Request, says: str, seconds: int) -> Response:
    """The page for what was done more often than anybody does by hand, with when it can be done again."""
    minutes = -(-seconds // 60)
    when = ngettext("You can go on in %(num)s minute.", "You can go on in %(num)s minutes.", minutes)
    kept = _("Nothing was sent this time. If you go back, what you typed is still there.")
    context = {"status": 429, "title": _("Please take a break"), "sentence": f"{says} {when} {kept}"}
    response = _render(request, "error.html", 429, context)
    response.headers["Retry-After"] = str(seconds)
    return response


def see_other(path: str) -> Response:
    """Send the browser to another page of this site, with GET."""
    return RedirectResponse(path, status_code=303)


async def say(request: Request, sentence: str) -> None:
    """Keep a sentence for the reader's next page."""
    await request.app.state.sessions.say(request.state.cookie, sentence)


def static(name: str) -> str:
    """The URL of a static file; it changes with the file's content."""
    return f"/static/{name}?v={_digest(name)}"


TEMPLATES.globals.update(static=static, language=language, languages=LANGUAGES)

_ERRORS: Mapping[int, tuple[str, str]] = {
    400: (N_("This address cannot be read"), N_("Please check the address, or go back and follow the link again.")),
    403: (
        N_("This form can no longer be used"),
        N_("It was open for too long, or came from another site. Nothing was changed."),
    ),
    404: (N_("There is no such page"), N_("It may have been moved or taken back, or the address has a mistake.")),
    405: (N_("That does not work here"), N_("Please go back and use the buttons of the page.")),
    413: (N_("That is too much at once"), N_("Please send less, and try again.")),
    414: (N_("This address is too long"), N_("Please check the address, or go back and follow the link again.")),
    415: (N_("This cannot be read"), N_("Please go back and use the form of the page.")),
    421: (N_("This address belongs to another site"), N_("Please check the address.")),
    429: (N_("Too many tries"), N_("Please wait a quarter of an hour, then try again.")),
    431: (N_("Your browser sent too much"), N_("Please delete the cookies of this site, and try again.")),
    500: (N_("Something went wrong"), N_("We have noted it. Please try again in a moment.")),
    503: (N_("This cannot be decided right now"), N_("So nothing is shown. Please try again in a moment.")),
}


async def _frame(request: Request) -> Mapping[str, Any]:
    if request.state.reader is None:
        return {}
    try:
        around: Mapping[str, Any] = await request.app.state.frame(request)
    except CannotDecide:
        request.state.reader = None  # Without the service there is no page either, only the one that says so.
        raise
    return around


def _render(request: Request | None, name: str, status: int, context: Mapping[str, Any]) -> Response:
    known: dict[str, Any] = {"reader": None, "client": None, "viewing": None}
    known |= {"csrf": "", "path": "/", "here": "/", "said": ""}
    if request is not None:
        app = request.app.state
        known["profile"] = app.settings.profile
        known["path"] = request.url.path
        if request.method == "GET" and status == 200:
            known["here"] = request.url.path  # Elsewhere it may be no page, or tell one refusal from another.
        if name != "error.html":
            known["reader"], known["client"] = request.state.reader, request.state.client
            known["viewing"] = viewing_of(request)
            if request.state.cookie and viewing_of(request) is None:  # In a look at another's pages nothing is sent.
                known["csrf"] = app.cookies.form_token(request.state.cookie)
    return HTMLResponse(TEMPLATES.get_template(name).render({**known, **context}), status_code=status)


@cache
def _digest(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:16]
