"""The practice's own door, and the public sign-up page: a request that waits for review, never a client (c13, Y14)."""

from __future__ import annotations

import contextlib
import re
import secrets
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from sqlalchemy.exc import IntegrityError

from gateway.account.invitations import way_in_of
from gateway.account.new_password import Wrong
from gateway.account.visitors import address_of, visitor_page
from gateway.edge.errors import NotFound
from gateway.edge.guard import Route, public
from gateway.edge.limits import SIGN_UPS, network_of
from gateway.mail.address import is_address
from gateway.web.language import _
from gateway.web.pages import too_often_page
from models.ids import is_id
from models.tables.getting_in import SignUp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.datastructures import FormData
    from starlette.requests import Request
    from starlette.responses import Response

    from models.tables.records import Practice

ABOUT_MAX = 500
YEARS_MAX = 120
_ONCE = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Typed:
    """What the form says."""

    once: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    phone: str = ""
    born: str = ""
    about: str = ""


async def show_door(request: Request) -> Response:
    """The way in for one practice: its name, sign-in, and sign-up where it takes them (row Y22)."""
    practice = await _practice(request)
    return await visitor_page(request, "account/door.html", practice=practice, takes=await _takes(request, practice))


async def show_sign_up(request: Request) -> Response:
    """The form; NotFound where the practice takes no sign-ups."""
    practice = await _practice(request)
    if not await _takes(request, practice):
        raise NotFound
    return await _form(request, practice, Typed(once=secrets.token_hex(16)))


async def sign_up(request: Request) -> Response:
    """Put the request into the practice's queue; the answer is the same whether the person is known or not."""
    app, practice = request.app.state, await _practice(request)
    if not await _takes(request, practice):
        raise NotFound
    typed = _read(await request.form())
    problems, born = _check(typed, request)
    if problems:
        return await _form(request, practice, typed, problems=problems)
    address = address_of(request)
    if seconds := await app.attempts.too_often(SIGN_UPS, network_of(address)):
        return too_often_page(request, _(SIGN_UPS.says), seconds)
    if not await app.attempts.begin(f"Sign-up:{typed.email.casefold()}", address):
        words = _("There were too many tries. Please wait a quarter of an hour, then try again.")
        return await _form(request, practice, typed, problems=[Wrong("", words)], status=429)
    row = SignUp(
        id=secrets.token_hex(16),
        practice_id=practice.id,
        once=typed.once,
        first_name=typed.first_name,
        last_name=typed.last_name,
        email=typed.email,
        phone=typed.phone,
        born=born,
        about=typed.about,
        sent_at=app.clock(),
    )
    with contextlib.suppress(IntegrityError):  # The same form, sent again.
        await app.records.change(practice.id, lambda session: session.add(row))
    return await visitor_page(request, "account/sign_up_sent.html", practice=practice)


async def _practice(request: Request) -> Practice:
    practice_id = request.path_params["practice"]
    practice: Practice | None = await request.app.state.records.practice(practice_id) if is_id(practice_id) else None
    if practice is None:
        raise NotFound
    return practice


async def _takes(request: Request, practice: Practice) -> bool:
    way = await request.app.state.records.read(practice.id, lambda session: way_in_of(session, practice.id))
    return bool(way.takes_sign_ups)


def _read(form: FormData) -> Typed:
    def text(name: str, most: int) -> str:
        value = form.get(name, "")
        return " ".join(value.split())[:most] if isinstance(value, str) else ""

    once = text("once", 32)
    return Typed(
        once=once if _ONCE.fullmatch(once) else secrets.token_hex(16),
        first_name=text("first_name", 80),
        last_name=text("last_name", 80),
        email=text("email", 254),
        phone=text("phone", 40),
        born=text("born", 10),
        about=text("about", ABOUT_MAX),
    )


def _check(typed: Typed, request: Request) -> tuple[list[Wrong], date | None]:
    found = []
    if not typed.first_name:
        found.append(Wrong("first_name", _("Enter your first name.")))
    if not typed.last_name:
        found.append(Wrong("last_name", _("Enter your last name.")))
    if not is_address(typed.email):
        found.append(Wrong("email", _("Enter an address such as ann@example.org.")))
    born = None
    if typed.born:
        try:
            born = date.fromisoformat(typed.born)
        except ValueError:
            born = None
        today = request.app.state.clock().date()
        if born is None or not 0 <= today.year - born.year <= YEARS_MAX or born > today:
            found.append(Wrong("born", _("Enter the day of birth as year, month and day, such as 1988-02-19.")))
    return found, born


async def _form(
    request: Request, practice: Practice, typed: Typed, *, problems: Sequence[Wrong] = (), status: int = 422
) -> Response:
    return await visitor_page(
        request,
        "account/sign_up.html",
        status=status if problems else 200,
        practice=practice,
        typed=typed,
        problems=problems,
    )


ROUTES = (
    Route("/sign-in/{practice}", show_door, guard=public),
    Route("/sign-up/{practice}", show_sign_up, guard=public),
    Route("/sign-up/{practice}", sign_up, guard=public, methods=("POST",)),
)
