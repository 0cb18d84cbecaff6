"""A calendar on paper: what the page shows, as a PDF."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anyio import to_thread
from sqlmodel import col
from starlette.responses import Response

from gateway.edge.errors import NotFound
from gateway.edge.questions import listing
from gateway.portal.schedule.calendar import COMING_MAX, in_words, span_rows
from gateway.portal.schedule.everyone import open_calendars, today_of, turned
from gateway.portal.schedule.views import View, midnight, span_of, turn_of
from gateway.web.formats import day, zone_name
from gateway.web.language import _, language
from gateway.web.pdf import Paper
from gateway.web.today import local_now, local_today, zone_of
from models.tables.records import Appointment
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request

    from gateway.portal.schedule.views import Turn
    from gateway.portal.schedule.visits import Visit


async def calendar_pdf(request: Request) -> Response:
    """One client's month or week, or what is coming from a day on."""
    client = request.state.client
    turn = turn_of(request, f"/c/{client.id}/calendar", local_today(request))
    practice = await request.app.state.records.practice(client.practice_id)
    if turn.view is View.AGENDA:
        since = local_now(request) if turn.is_today else midnight(turn.on, zone_of(request))
        found = await listing(
            request,
            "appointment",
            where=col(Appointment.starts_at) >= since,
            order_by=(col(Appointment.starts_at),),
            limit=COMING_MAX,
        )
    else:
        found = await span_rows(request, turn)
    visits = await in_words(request, found.rows)
    title = _("Calendar of %(name)s", name=client.name)
    return await _answer(
        turn,
        visits,
        head=(client.practice_name, practice.letterhead if practice else {}, title),
        zones=[zone_name(client.zone)],
        cut=found.total > len(found.rows),
    )


async def everyone_pdf(request: Request) -> Response:
    """The same of all the reader's clients, each line with the client's name."""
    if request.state.reader.type is SubjectType.STAFF:
        raise NotFound
    clients = await open_calendars(request)
    turn = turn_of(request, "/calendar", today_of(request, clients))
    shown = await turned(request, clients, turn)
    return await _answer(
        turn,
        shown["coming"] if shown["span"] is None else shown["span"].visits,
        head=(request.state.reader.name, {}, _("Calendar of all clients")),
        zones=sorted({zone_name(client.zone) for client in clients}),
        cut=shown["cut"],
    )


async def _answer(
    turn: Turn,
    visits: Sequence[Visit],
    *,
    head: tuple[str, Mapping[str, Any], str],
    zones: Sequence[str],
    cut: bool,
) -> Response:
    paper = Paper(*head, language=language())
    label = _("From %(day)s", day=day(turn.on))
    paper.heading(label if turn.view is View.AGENDA else span_of(turn.view, turn.on, (), turn.today).label)
    if zones:
        paper.paragraph(_("Times are in %(zone)s.", zone=", ".join(zones)))
    if visits:
        paper.table(
            [_("Day"), _("Time"), _("Appointment"), _("State")], [_line(visit) for visit in visits], [2.6, 2.4, 5, 1.6]
        )
    else:
        paper.paragraph(_("No appointments."))
    if cut:
        paper.paragraph(_("There are more than fit here. Choose a shorter time to see all of them."))
    content = await to_thread.run_sync(paper.bytes)
    name = f"calendar-{turn.view.value}-{turn.on.isoformat()}.pdf"
    return Response(
        content, media_type="application/pdf", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def _line(visit: Visit) -> list[str]:
    about = [visit.whose.name] if visit.whose else []
    return [
        f"{visit.weekday}, {visit.date}",
        visit.hours,
        " · ".join([*about, visit.title, *([visit.details] if visit.details else [])]),
        visit.state.label,
    ]
