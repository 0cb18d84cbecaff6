"""The calendar of all clients whose calendars the reader may open (rows C17, C20, conflict c12)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlmodel import col

from gateway.edge.authz_client import Question
from gateway.edge.errors import CannotDecide
from gateway.edge.questions import asking, profiles
from gateway.portal.schedule.views import View, begin_of, end_of, midnight, span_of, turn_of, weekdays
from gateway.portal.schedule.visits import describe, whose_of
from gateway.records.filter import UnknownConditionError, where
from gateway.web.formats import zone_name
from gateway.web.pages import page, see_other
from models.tables.records import Appointment
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

    from sqlalchemy import ColumnElement
    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.edge.reader import ClientInView
    from gateway.portal.schedule.views import Turn
    from gateway.portal.schedule.visits import Visit, Whose

COMING_MAX = 200  # of each practice, as the two below
PAST_MAX = 50
SPAN_MAX = 500
_starts = col(Appointment.starts_at)


async def open_calendars(request: Request) -> list[ClientInView]:
    """The clients whose calendars open for the reader, the reader's own first."""
    known = [profile.client for profile in await profiles(request)]
    asked = [Question("view", "calendar", client.id, {"client_id": client.id}) for client in known]
    answers = await request.app.state.authz.evaluate_all(asking(request), asked)
    return [client for client, allowed in zip(known, answers, strict=True) if allowed]


async def everyone(request: Request) -> Response:
    """The appointments of all the reader's clients, by the month, by the week, or in two lists."""
    if request.state.reader.type is SubjectType.STAFF:
        return see_other("/admin")
    clients = await open_calendars(request)
    turn = turn_of(request, "/calendar", today_of(request, clients))
    shown = await turned(request, clients, turn)
    return await page(
        request,
        "portal/everyone.html",
        turn=turn,
        weekdays=weekdays,
        clients=list(_told_apart(clients).values()),
        zones=sorted({zone_name(client.zone) for client in clients}),
        **shown,
    )


async def turned(request: Request, clients: list[ClientInView], turn: Turn) -> dict[str, Any]:
    """What a calendar of several clients shows: `span`, or `coming` and `past`; `cut` when there is more."""
    if turn.view is not View.AGENDA:

        def within(zone: ZoneInfo) -> ColumnElement[bool]:
            start, end = begin_of(turn.view, turn.on), end_of(turn.view, turn.on)
            return (_starts >= midnight(start, zone)) & (_starts < midnight(end, zone))

        visits, cut = await visits_of(request, clients, within, order_by=_starts, limit=SPAN_MAX)
        return {"span": span_of(turn.view, turn.on, visits, turn.today), "cut": cut}

    def since(zone: ZoneInfo) -> datetime:
        now: datetime = request.app.state.clock()
        return now if turn.is_today else midnight(turn.on, zone)

    coming, cut = await visits_of(
        request, clients, lambda zone: _starts >= since(zone), order_by=_starts, limit=COMING_MAX
    )
    found, more = await visits_of(
        request, clients, lambda zone: _starts < since(zone), order_by=_starts.desc(), limit=PAST_MAX
    )
    past = found[::-1][:PAST_MAX]  # Of each practice the latest, so these are the latest of all.
    earlier = past[-1].on + timedelta(days=1) if more or len(found) > PAST_MAX else None
    return {"span": None, "coming": coming, "past": past, "cut": cut, "earlier": earlier}


def today_of(request: Request, clients: list[ClientInView]) -> date:
    """Today, on the clock of the first client's practice."""
    now: datetime = request.app.state.clock()
    return now.astimezone(ZoneInfo(clients[0].zone) if clients else UTC).date()


async def visits_of(
    request: Request,
    clients: list[ClientInView],
    narrowed: Callable[[ZoneInfo], ColumnElement[bool]],
    *,
    order_by: Any,
    limit: int,
) -> tuple[list[Visit], bool]:
    """At most `limit` appointments of each practice, as one plan for all of the reader's clients lets them through.

    `narrowed` makes the condition for a practice's clock. Returns the visits, and whether there are more.
    """
    plan = await request.app.state.authz.plan(asking(request), "view", "appointment", {})
    if plan.condition is False:
        return [], False
    try:
        clause = where("appointment", plan.condition)
    except UnknownConditionError as error:
        raise CannotDecide(f"the plan for appointment cannot be used: {error}") from error
    now: datetime = request.app.state.clock()
    tell_zone = len({client.zone for client in clients}) > 1
    homes: dict[str, dict[str, ClientInView]] = {}
    for client in clients:
        homes.setdefault(client.practice_id, {})[client.id] = client
    marks = _told_apart(clients)
    visits: list[Visit] = []
    cut = False
    for practice_id, members in homes.items():
        zone = ZoneInfo(next(iter(members.values())).zone)
        rows, total = await request.app.state.records.rows(
            Appointment,
            practice_id,
            clause,
            col(Appointment.client_id).in_(members),
            narrowed(zone),
            order_by=(order_by,),
            limit=limit,
        )
        names = await _staff_names(request, practice_id, rows)
        cut = cut or total > len(rows)
        here = now.astimezone(zone)
        visits.extend(describe(row, zone, here, names, whose=marks[row.client_id], tell_zone=tell_zone) for row in rows)
    return sorted(visits, key=attrgetter("starts_at", "id")), cut


def _told_apart(clients: list[ClientInView]) -> dict[str, Whose]:
    return {client.id: whose_of(client.id, client.name, place) for place, client in enumerate(clients)}


async def _staff_names(request: Request, practice_id: str, rows: list[Appointment]) -> Mapping[str, str]:
    wanted = sorted({row.provider_id for row in rows if row.provider_id})
    people = await request.app.state.records.people(SubjectType.STAFF, wanted) if wanted else {}
    return {key: person.name for key, person in people.items() if person.practice_id == practice_id}
