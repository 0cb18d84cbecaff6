"""The review queue of the public sign-up page: likely duplicates first, and staff decide (conflict c13, row Y14)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, or_
from sqlmodel import col, select, update

from gateway.account.passwords import canonical
from gateway.edge.errors import NotFound, Rejected
from gateway.edge.guard import Guard, Route
from gateway.edge.questions import may
from gateway.records.events import enter_event, event_by
from gateway.web.formats import day
from gateway.web.language import N_, _
from gateway.web.pages import page, say, see_other
from gateway.web.paging import page_number, pages_of
from models.tables.getting_in import Contact, SignUp
from models.tables.records import Client, ClientHome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlmodel import Session
    from starlette.requests import Request
    from starlette.responses import Response

SIZE = 25
# One that is being made into a client is nobody else's to decide; if that was cut off it can only be done again.
_WAITING, _MAKING = "waiting", "creating"
_UNDECIDED = (_WAITING, _MAKING)
_FASTER = N_("Somebody else decided on this request first.")
LIKELY_MAX = 5


@dataclass(frozen=True, slots=True)
class Likely:
    """A client who may be the same person, and what is the same."""

    client_id: str
    name: str
    born: str
    same: tuple[str, ...]


async def queue(request: Request) -> Response:
    """The requests that wait, the oldest first."""
    practice_id, at = request.state.reader.practice_id, page_number(request)

    def read(session: Session) -> tuple[list[SignUp], int]:
        waits = and_(col(SignUp.practice_id) == practice_id, col(SignUp.state).in_(_UNDECIDED))
        total = session.exec(select(func.count()).select_from(SignUp).where(waits)).one()
        rows = session.exec(
            select(SignUp).where(waits).order_by(col(SignUp.sent_at), SignUp.id).limit(SIZE).offset((at - 1) * SIZE)
        )
        return list(rows), total

    rows, total = await request.app.state.records.read(practice_id, read)
    shown = [{"id": row.id, "name": _name(row), "sent": day(row.sent_at.date()), "email": row.email} for row in rows]
    return await page(request, "admin/sign_ups.html", waiting=shown, pages=pages_of(request, total, SIZE))


async def show(request: Request) -> Response:
    """One request, with the clients it may belong to."""
    row = await _row(request)
    return await _show(request, row)


async def decide(request: Request) -> Response:
    """Decline it, link it to a client, or take a new client on; the first decision holds."""
    row, form = await _row(request), await request.form()
    choice, client_id = str(form.get("decision", "")), str(form.get("client", ""))
    if choice == "decline":
        return await _settle(request, row, "declined", None, _("The request was declined."))
    if choice == "link":
        found = await request.app.state.records.client(client_id)
        if found is None or found[0].practice_id != row.practice_id:
            return await _show(request, row, problem=_("Choose the client whom this person is."))
        said = _("Linked to %(name)s. Invite them from the client's page.", name=found[0].name)
        return await _settle(request, row, "linked", client_id, said)
    if choice == "create":
        return await _create(request, row, confirmed=form.get("no_duplicate") == "on")
    return await _show(request, row, problem=_("Choose what to do with this request."))


async def _create(request: Request, row: SignUp, *, confirmed: bool) -> Response:
    app, reader = request.app.state, request.state.reader
    (may_create,) = await may(request, [("create", "client", {})])
    if not may_create:
        raise NotFound
    if row.born is None:
        return await _show(request, row, problem=_("Without a day of birth no client can be made. Ask for it first."))
    if await _likely(request, row) and not confirmed:
        words = _("Somebody like this is a client already. Link the request, or tick that it is another person.")
        return await _show(request, row, problem=words)
    born, client_id = row.born, f"c_{row.id[:20]}"  # One id for one request: sent twice, it makes one client.
    mine = {"state": _MAKING, "decided_by": reader.id, "decided_at": app.clock()}
    if not await app.records.change(row.practice_id, lambda session: _take(session, row, _UNDECIDED, mine)):
        await say(request, _(_FASTER))
        return see_other("/admin/sign-ups")
    try:
        body = {"id": client_id, "born": born.isoformat(), "self_managing": "yes"}
        await app.authz.create_client(row.practice_id, body, actor=reader.actor)
    except Rejected as error:
        if error.status != 409:
            back = {"state": _WAITING, "decided_by": None, "decided_at": None}
            await app.records.change(row.practice_id, lambda session: _take(session, row, (_MAKING,), back))
            return await _show(request, row, problem=error.detail)

    def write(session: Session) -> None:
        if session.get(ClientHome, client_id) is None:
            session.add(ClientHome(client_id=client_id, practice_id=row.practice_id))
            session.add(
                Client(
                    id=client_id,
                    practice_id=row.practice_id,
                    name=_name(row),
                    preferred=row.first_name,
                    born=born,
                )
            )

    said = _("%(name)s is a client now. Invite them from their page.", name=_name(row))
    return await _settle(request, row, "created", client_id, said, also=write)


async def _settle(
    request: Request,
    row: SignUp,
    state: str,
    client_id: str | None,
    said: str,
    *,
    also: Callable[[Session], None] | None = None,
) -> Response:
    """The decision, what it does `also`, and the trail's event of it: all of them, for the first who decides."""
    app, reader = request.app.state, request.state.reader
    values = {"state": state, "client_id": client_id, "decided_by": reader.id, "decided_at": app.clock()}

    def write(session: Session) -> bool:
        if not _take(session, row, (_WAITING,) if also is None else (_MAKING,), values):
            return False
        if also is not None:
            also(session)
        enter_event(session, event_by(reader, f"sign_up.{state}") | {"client_id": client_id}, at=app.clock())
        return True

    first = await app.records.change(row.practice_id, write)
    await say(request, said if first else _(_FASTER))
    return see_other(f"/admin/clients/{client_id}" if first and client_id else "/admin/sign-ups")


def _take(session: Session, row: SignUp, states: tuple[str, ...], values: Mapping[str, Any]) -> bool:
    """Whether the request was still in one of the states, and is changed now."""
    chosen = update(SignUp).where(col(SignUp.id) == row.id, col(SignUp.state).in_(states))
    return bool(session.execute(chosen.values(**values)).rowcount)  # type: ignore[attr-defined]


async def _row(request: Request) -> SignUp:
    key, practice_id = request.path_params["sign_up"], request.state.reader.practice_id
    row: SignUp | None = await request.app.state.records.read(practice_id, lambda session: session.get(SignUp, key))
    if row is None or row.state not in _UNDECIDED or row.practice_id != practice_id:
        raise NotFound
    return row


async def _likely(request: Request, row: SignUp) -> list[Likely]:
    """Clients of the practice with the same address, telephone, or name and day of birth."""

    def read(session: Session) -> list[Likely]:
        found: dict[str, set[str]] = {}
        own = select(Contact).where(Contact.practice_id == row.practice_id, Contact.kind == "self")
        own = own.where(col(Contact.merged_into).is_(None))
        for contact in session.exec(own.where(_alike(row))):
            same = found.setdefault(contact.client_id, set())
            if canonical(contact.email or "") == canonical(row.email):
                same.add(_("e-mail address"))
            if row.phone and _digits(contact.phone) == _digits(row.phone):
                same.add(_("telephone"))
        named = and_(func.lower(Client.name) == _name(row).lower(), col(Client.born) == row.born)
        for client in session.exec(select(Client).where(Client.practice_id == row.practice_id, named)):
            found.setdefault(client.id, set()).add(_("name and day of birth"))
        wanted = [client_id for client_id, same in found.items() if same][:LIKELY_MAX]
        clients = session.exec(select(Client).where(col(Client.id).in_(wanted)).order_by(Client.name))
        return [Likely(one.id, one.name, day(one.born), tuple(sorted(found[one.id]))) for one in clients]

    likely: list[Likely] = await request.app.state.records.read(row.practice_id, read)
    return likely


def _alike(row: SignUp) -> Any:
    same_address = col(Contact.email).icontains(row.email, autoescape=True)
    return or_(same_address, col(Contact.phone).is_not(None)) if row.phone else same_address


def _digits(phone: str | None) -> str:
    return re.sub(r"\D", "", phone or "")[-10:]


def _name(row: SignUp) -> str:
    return f"{row.first_name} {row.last_name}".strip()


async def _show(request: Request, row: SignUp, *, problem: str = "") -> Response:
    query = " ".join(request.query_params.get("q", "")[:80].split())
    (may_create,) = await may(request, [("create", "client", {})])

    def read(session: Session) -> list[Client]:
        chosen = select(Client).where(Client.practice_id == row.practice_id)
        for word in query.split()[:5]:
            chosen = chosen.where(col(Client.name).icontains(word, autoescape=True))
        return list(session.exec(chosen.order_by(Client.name).limit(20)))

    found = await request.app.state.records.read(row.practice_id, read) if query else []
    return await page(
        request,
        "admin/sign_up.html",
        status=422 if problem else 200,
        row=row,
        full_name=_name(row),
        born=day(row.born) if row.born else "",
        sent=day(row.sent_at.date()),
        likely=await _likely(request, row),
        found=[Likely(one.id, one.name, day(one.born), ()) for one in found],
        query=query,
        problem=problem,
        may_create=may_create,
    )


ROUTES = (
    Route("/admin/sign-ups", queue, guard=Guard("create", "client")),
    Route("/admin/sign-ups/{sign_up}", show, guard=Guard("create", "client")),
    Route("/admin/sign-ups/{sign_up}", decide, guard=Guard("create", "client"), methods=("POST",)),
)
