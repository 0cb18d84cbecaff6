"""A family's secure messages: the list, one thread, a new one (rows W19, W21, Y2, Y6, Y10, Y24, Y25, conflict c2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlmodel import col

from gateway.edge.authz_client import Question
from gateway.edge.care_team import care_team
from gateway.edge.errors import NotFound
from gateway.edge.questions import asking, base_properties, listing, may, opens
from gateway.portal.messages.conversations import has_file
from gateway.portal.messages.texts import Typed, blank, read_typed
from gateway.portal.messages.views import open_thread, send_typed, start_typed, thread_rows
from gateway.records.files import ACCEPT, file_answer, load_file
from gateway.records.store import properties_of
from gateway.web.language import _
from gateway.web.pages import page, say, see_other
from gateway.web.paging import page_number, pages_of
from gateway.web.staff import staff_names
from gateway.web.today import zone_of
from models.tables.records import Thread
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from starlette.requests import Request
    from starlette.responses import Response

SIZE = 25  # threads of a page


@dataclass(frozen=True, slots=True)
class Correspondent:
    """A member of the care team whom the reader may write to."""

    id: str
    name: str
    title: str


@dataclass(frozen=True, slots=True)
class Why:
    """Why a thread can be read but not continued, and who can change it."""

    sentence: str
    remedy: str


async def threads(request: Request) -> Response:
    """The reader's own threads about this client, the newest first."""
    found = await listing(
        request, "thread", order_by=(col(Thread.last_at).desc(),), limit=SIZE, offset=(page_number(request) - 1) * SIZE
    )
    names = await staff_names(request, [row.provider_id for row in found.rows if row.provider_id])
    base = _base(request)
    (may_start,) = await opens(request, [("start", "thread")])
    rows = [(row, f"{base}/{row.id}", names.get(row.provider_id or "", _("the practice")), "") for row in found.rows]
    return await page(
        request,
        "portal/messages.html",
        threads=await thread_rows(request, rows, zone_of(request)),
        pages=pages_of(request, found.total, SIZE),
        may_start=may_start,
    )


async def thread(request: Request) -> Response:
    """One thread, with room to answer where the policy lets the reader."""
    return await _show(request, blank())


async def send(request: Request) -> Response:
    """Send a message; whatever stands in the way, what was typed is still there."""
    row: Thread = request.state.item
    why = await _why_not(request, row)
    if why is not None:
        typed = await read_typed(request)
        return await _show(request, typed, why=why, status=403)
    sent = await send_typed(request)
    if isinstance(sent, Typed):
        return await _show(request, sent, status=422)
    await say(request, _("Your message was sent."))
    return see_other(f"{_base(request)}/{row.id}#m{sent.number}")


async def thread_file(request: Request) -> Response:
    """A file that came with a message of the thread."""
    row, file_id = request.state.item, request.path_params["file"]
    store = request.app.state.records
    if not await store.read(row.practice_id, lambda session: has_file(session, row, file_id)):
        raise NotFound
    stored = await load_file(store, row.practice_id, file_id)
    if stored is None:
        raise NotFound
    return file_answer(stored)


async def new_thread(request: Request) -> Response:
    """The form that begins a thread."""
    return await _show_new(request, blank(to=request.query_params.get("to", "")))


async def start(request: Request) -> Response:
    """Begin a thread with a member of the care team whom the policy lets the reader write to."""
    sent = await start_typed(request, SubjectType.STAFF, {each.id for each in await _correspondents(request)})
    if isinstance(sent, Typed):
        return await _show_new(request, sent, status=422)
    await say(request, _("Your message was sent."))
    return see_other(f"{_base(request)}/{sent.thread_id}")


async def _show(request: Request, typed: Typed, *, why: Why | None = None, status: int = 200) -> Response:
    row: Thread = request.state.item
    names = await staff_names(request, row.participant_ids)
    if why is None and status == 200:
        why = await _why_not(request, row)
    (may_start,) = await opens(request, [("start", "thread")]) if why else (False,)
    href = f"{_base(request)}/{row.id}"
    return await page(
        request,
        "portal/message_thread.html",
        status=status,
        thread=await open_thread(request, href, names, zone_of(request)),
        who=names.get(row.provider_id or "", _("the practice")),
        action=href,
        typed=typed,
        accept=ACCEPT,
        why=why,
        may_start=may_start,
    )


async def _show_new(request: Request, typed: Typed, *, status: int = 200) -> Response:
    people = await _correspondents(request)
    return await page(request, "portal/message_new.html", status=status, people=people, typed=typed, accept=ACCEPT)


async def _correspondents(request: Request) -> list[Correspondent]:
    """Those of the care team to whom the reader may begin a thread, therapists first."""
    client, me = request.state.client, request.state.reader.id
    team = await care_team(request.app.state.authz, client.practice_id, client.id)
    ids = list(dict.fromkeys((*team.therapists, *team.administrators, *team.owners)))
    asked = [{"provider_id": each, "participant_ids": [me, each]} for each in ids]
    allowed = await may(request, [("start", "thread", properties) for properties in asked])
    people = await request.app.state.records.people(SubjectType.STAFF, ids)
    return [
        Correspondent(each, people[each].name, people[each].title or "")
        for each, is_allowed in zip(ids, allowed, strict=True)
        if is_allowed and each in people and people[each].practice_id == client.practice_id
    ]


async def _why_not(request: Request, row: Thread) -> Why | None:
    """None when the reader may write in the thread; otherwise why not, in plain words."""
    question = Question("send", "thread", row.id, base_properties(request) | properties_of("thread", row))
    allowed, context = await request.app.state.authz.evaluate(asking(request), question, explain=True)
    if allowed:
        return None
    explanation: Mapping[str, Any] = context.get("explanation", {})
    deciding = {fact["fact"]: fact["value"] for fact in explanation.get("facts", [])}
    client = request.state.client
    names = await staff_names(request, [row.provider_id] if row.provider_id else [])
    who = names.get(row.provider_id or "", _("the practice"))
    if deciding.get("subject.client.active") is False:
        return Why(
            _("%(client)s is no longer in care, so nothing new can be written here.", client=client.preferred),
            _("%(practice)s can tell you more.", practice=client.practice_name),
        )
    if deciding.get("resource.provider_subscribed") is False:
        return Why(
            _("%(who)s cannot receive messages here at the moment, so you can read this but not answer.", who=who),
            _("%(practice)s can switch messages on for %(who)s.", practice=client.practice_name, who=who),
        )
    if deciding.get("resource.provider_assigned") is False:
        return Why(
            _(
                "%(who)s no longer looks after %(client)s, so you can read this but not answer.",
                who=who,
                client=client.preferred,
            ),
            _("%(practice)s can tell you who does now.", practice=client.practice_name),
        )
    return Why(
        _("You can read this conversation, but not write in it at the moment."),
        _("%(practice)s can tell you more.", practice=client.practice_name),
    )


def _base(request: Request) -> str:
    return f"/c/{request.state.client.id}/messages"
