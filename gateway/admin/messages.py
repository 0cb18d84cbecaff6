"""Secure messages on the practice's side: the inbox, a thread, a new one to a client or contact (rows Y24, Y25)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlmodel import col

from gateway.admin.people import accounts_known
from gateway.edge.authz_client import Asking, Question
from gateway.edge.guard import Guard, Route
from gateway.edge.questions import asking, base_properties, listing, may, opens
from gateway.portal.messages.conversations import parties
from gateway.portal.messages.texts import Typed, blank, read_typed
from gateway.portal.messages.threads import thread_file
from gateway.portal.messages.views import open_thread, send_typed, start_typed, thread_rows
from gateway.records.files import ACCEPT
from gateway.records.store import properties_of
from gateway.web.language import _
from gateway.web.pages import page, say, see_other
from gateway.web.paging import page_number, pages_of
from gateway.web.today import zone_of
from gateway.web.words import KINDS
from models.tables.records import Client, Thread
from models.vocabulary import GrantStatus, Kind, SubjectType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

SIZE = 25
# Whoever reads a message signs in first, with a second factor where one is asked for.
_SIGNED_IN = ("pwd", "mfa")


@dataclass(frozen=True, slots=True)
class Contact:
    """Someone with portal access for the client, who can read messages there."""

    id: str
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Writable:
    """A client about whom the reader may begin a thread."""

    name: str
    href: str


async def inbox(request: Request) -> Response:
    """The threads in which the reader takes part, the newest first."""
    found = await listing(
        request, "thread", order_by=(col(Thread.last_at).desc(),), limit=SIZE, offset=(page_number(request) - 1) * SIZE
    )
    families = await _families(request, found.rows)
    clients = await request.app.state.records.clients([row.client_id for row in found.rows])
    rows = [
        (row, _href(row.client_id, row.id), who, "" if who == (about := clients[row.client_id][0].name) else about)
        for row in found.rows
        for who in [_family_of(row, families)]
    ]
    (may_start,) = await opens(request, [("start", "thread")])
    return await page(
        request,
        "admin/messages.html",
        threads=await thread_rows(request, rows, ZoneInfo(request.state.reader.zone)),
        pages=pages_of(request, found.total, SIZE),
        may_start=may_start,
    )


async def choose_client(request: Request) -> Response:
    """The clients whom the reader may write to, by name."""
    found = await listing(
        request, "client", order_by=(col(Client.name),), limit=SIZE, offset=(page_number(request) - 1) * SIZE
    )
    allowed = await may(
        request,
        [("start", "thread", {"client_id": row.id, "provider_id": request.state.reader.id}) for row in found.rows],
    )
    return await page(
        request,
        "admin/message_clients.html",
        clients=[
            Writable(row.name, f"/admin/clients/{row.id}/messages/new")
            for row, is_allowed in zip(found.rows, allowed, strict=True)
            if is_allowed
        ],
        pages=pages_of(request, found.total, SIZE),
    )


async def staff_thread(request: Request) -> Response:
    """One thread, with room to answer where the policy lets the reader."""
    return await _show(request, blank())


async def staff_send(request: Request) -> Response:
    """Send a message; whatever stands in the way, what was typed is still there."""
    row: Thread = request.state.item
    why = await _why_not(request, row)
    if why:
        return await _show(request, await read_typed(request), why=why, status=403)
    sent = await send_typed(request)
    if isinstance(sent, Typed):
        return await _show(request, sent, status=422)
    await say(request, _("Your message was sent."))
    return see_other(f"{_href(row.client_id, row.id)}#m{sent.number}")


async def staff_new_thread(request: Request) -> Response:
    """The form that begins a thread with somebody who has access to the client's portal."""
    return await _show_new(request, blank(to=request.query_params.get("to", "")))


async def staff_start(request: Request) -> Response:
    """Begin a thread with one of those who can read it."""
    sent = await start_typed(request, SubjectType.ACCOUNT, {each.id for each in await _contacts(request)})
    if isinstance(sent, Typed):
        return await _show_new(request, sent, status=422)
    await say(request, _("Your message was sent."))
    return see_other(_href(request.state.client.id, sent.thread_id))


async def _show(request: Request, typed: Typed, *, why: str = "", status: int = 200) -> Response:
    row: Thread = request.state.item
    if status == 200:
        why = await _why_not(request, row)
    families = await _families(request, [row])
    who, href = _family_of(row, families), _href(row.client_id, row.id)
    return await page(
        request,
        "admin/message_thread.html",
        status=status,
        thread=await open_thread(request, href, families, zone_of(request)),
        who=who,
        unreachable="" if await _can_read(request, row) else who,
        action=href,
        typed=typed,
        accept=ACCEPT,
        why=why,
    )


async def _show_new(request: Request, typed: Typed, *, status: int = 200) -> Response:
    return await page(
        request,
        "admin/message_new.html",
        status=status,
        people=await _contacts(request),
        typed=typed,
        accept=ACCEPT,
    )


async def _contacts(request: Request) -> list[Contact]:
    """Those with portal access for the client who could read a thread with the reader."""
    client, me, authz = request.state.client, request.state.reader.id, request.app.state.authz
    kinds: dict[str, Kind] = {}
    for grant in await authz.grants_of_client(client.id):
        if grant["status"] == GrantStatus.ACTIVE.value:
            kinds.setdefault(grant["account_id"], Kind(grant["kind"]))
    names = await accounts_known(request, kinds)
    found = []
    for account_id, kind in kinds.items():
        properties = {"client_id": client.id, "provider_id": me, "participant_ids": [account_id, me]}
        if account_id in names and await _may_read(request, account_id, Question("view", "thread", "new", properties)):
            found.append(Contact(account_id, names[account_id], KINDS[kind]))
    return sorted(found, key=lambda each: (each.kind != KINDS[Kind.SELF], each.name))


async def _can_read(request: Request, row: Thread) -> bool:
    """Whether somebody of the family can read the thread now."""
    question = Question("view", "thread", row.id, properties_of("thread", row))
    accounts = [each.id for each in parties(row) if each.type is SubjectType.ACCOUNT]
    return any([await _may_read(request, account_id, question) for account_id in accounts])


async def _may_read(request: Request, account_id: str, question: Question) -> bool:
    asked = Asking({"type": SubjectType.ACCOUNT.value, "id": account_id}, _SIGNED_IN)
    (answer,) = await request.app.state.authz.evaluate_all(asked, [question])
    return bool(answer)


async def _why_not(request: Request, row: Thread) -> str:
    """Empty when the reader may write in the thread; otherwise why not."""
    question = Question("send", "thread", row.id, base_properties(request) | properties_of("thread", row))
    allowed, context = await request.app.state.authz.evaluate(asking(request), question, explain=True)
    if allowed:
        return ""
    explanation: Mapping[str, Any] = context.get("explanation", {})
    deciding = {fact["fact"]: fact["value"] for fact in explanation.get("facts", [])}
    if deciding.get("subject.practice.switch.messages") is False:
        return _("Messages are switched off at the practice. An administrator can switch them on.")
    if deciding.get("subject.subscribed") is False:
        return _("Answering needs a portal subscription. An administrator can arrange one for you.")
    if deciding.get("subject.assigned") is False:
        return _("You are no longer assigned to this client. An administrator can change that.")
    return _("You can read this conversation, but your role does not include answering.")


async def _families(request: Request, rows: list[Thread]) -> dict[str, str]:
    return await accounts_known(
        request, (each.id for row in rows for each in parties(row) if each.type is SubjectType.ACCOUNT)
    )


def _family_of(row: Thread, families: Mapping[str, str]) -> str:
    names = [families[each.id] for each in parties(row) if each.id in families]
    return ", ".join(names) or _("Someone who has left")


def _href(client_id: str, thread_id: str) -> str:
    return f"/admin/clients/{client_id}/messages/{thread_id}"


_VIEW, _START = Guard("view", "thread"), Guard("start", "thread")
_NEW, _ONE = "/admin/clients/{client}/messages/new", "/admin/clients/{client}/messages/{id}"
ROUTES = (
    Route("/admin/messages", inbox, guard=_VIEW),
    Route("/admin/messages/new", choose_client, guard=_START),
    Route(_NEW, staff_new_thread, guard=_START),
    Route(_NEW, staff_start, guard=_START, methods=("POST",), files=1),
    Route(_ONE, staff_thread, guard=_VIEW),
    # Whoever may read but not write is told why, with the draft still there: the handler asks before it sends.
    Route(_ONE, staff_send, guard=_VIEW, methods=("POST",), files=1),
    Route(_ONE + "/files/{file}", thread_file, guard=_VIEW),
)
