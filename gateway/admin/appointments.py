"""Requests of families for appointments, and the practice's answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlmodel import col

from gateway.admin.availability import ROUTES as AVAILABILITY
from gateway.admin.people import accounts_known
from gateway.edge.errors import NotFound
from gateway.edge.guard import Guard, Route
from gateway.edge.questions import listing, may
from gateway.portal.schedule.claims import Changed, decide
from gateway.portal.schedule.forms import kept_with, sequence_of
from gateway.portal.schedule.visits import describe
from gateway.web.formats import zone_name
from gateway.web.language import _
from gateway.web.pages import page, say, see_other
from gateway.web.paging import page_number, pages_of
from models.tables.records import Appointment
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.portal.schedule.visits import Visit

SIZE = 50
WAITING_MAX = 100


@dataclass(frozen=True, slots=True)
class Entry:
    """An appointment as staff see it; `asked_by` is who asked for it in the portal."""

    visit: Visit
    client_id: str
    client: str
    asked_by: str
    sequence: int
    answerable: bool


async def appointments(request: Request) -> Response:
    """Requests that wait for an answer, the next first; below them what is coming."""
    now = request.app.state.clock()
    ahead = col(Appointment.starts_at) >= now
    waiting = await listing(
        request,
        "appointment",
        where=ahead & (col(Appointment.state) == "requested"),
        order_by=(col(Appointment.starts_at),),
        limit=WAITING_MAX,
    )
    coming = await listing(
        request,
        "appointment",
        where=ahead & (col(Appointment.state) != "requested"),
        order_by=(col(Appointment.starts_at),),
        limit=SIZE,
        offset=(page_number(request) - 1) * SIZE,
    )
    return await page(
        request,
        "admin/appointments.html",
        waiting=await _entries(request, waiting.rows),
        more=waiting.total - len(waiting.rows),
        coming=await _entries(request, coming.rows),
        pages=pages_of(request, coming.total, SIZE),
        zone_label=zone_name(request.state.reader.zone),
    )


async def answer(request: Request) -> Response:
    """Accept or decline a request."""
    row: Appointment = request.state.item
    form = await request.form()
    verdict = form.get("answer")
    if verdict not in ("accept", "decline"):
        raise NotFound
    sequence, now = sequence_of(form), request.app.state.clock()
    accept = verdict == "accept"
    try:
        await kept_with(
            request,
            "appointment.accept" if accept else "appointment.decline",
            lambda session: decide(session, row.id, sequence, now, accept=accept),
        )
    except Changed:
        await say(request, _("This request was changed or answered meanwhile. Nothing was saved; please look again."))
    else:
        await say(
            request,
            _("Accepted. The family has been told.") if accept else _("Declined. The family has been told."),
        )
    return see_other("/admin/appointments")


async def _entries(request: Request, rows: Sequence[Appointment]) -> list[Entry]:
    records, reader = request.app.state.records, request.state.reader
    clients = await records.clients(sorted({row.client_id for row in rows}))
    staff = await records.people(SubjectType.STAFF, sorted({row.provider_id for row in rows if row.provider_id}))
    askers = await accounts_known(request, (row.requested_by for row in rows if row.requested_by))
    answerable = await may(request, [("update", "appointment", row) for row in rows])
    zone = ZoneInfo(reader.zone)
    now = request.app.state.clock().astimezone(zone)
    names = {key: person.name for key, person in staff.items()}
    return [
        Entry(
            visit=describe(row, zone, now, names),
            client_id=row.client_id,
            client=clients[row.client_id][0].name,
            asked_by=askers.get(row.requested_by or "", ""),
            sequence=row.sequence,
            answerable=allowed,
        )
        for row, allowed in zip(rows, answerable, strict=True)
    ]


ROUTES = (
    Route("/admin/appointments", appointments, guard=Guard("view", "appointment")),
    Route(
        "/admin/clients/{client}/appointments/{id}/answer",
        answer,
        guard=Guard("update", "appointment"),
        methods=("POST",),
    ),
    *AVAILABILITY,
)
