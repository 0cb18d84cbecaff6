"""An emergency access in words, and those that a reader has open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from gateway.admin.trail_words import names_of
from gateway.web.formats import clock_time, day
from gateway.web.language import _
from gateway.web.words import Badge

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request

    from gateway.admin.trail_words import Names

PAGE = "/admin/emergency"


@dataclass(frozen=True, slots=True)
class EmergencyView:
    """An emergency access in words."""

    id: str
    client_id: str
    client: str
    who: str
    reason: str
    period: str
    until: str
    state: Badge
    is_open: bool
    is_mine: bool
    ended_by: str
    reviewed: str
    review: str

    @property
    def href(self) -> str:
        """Its page."""
        return f"{PAGE}/{self.id}"


async def open_emergencies(request: Request) -> list[EmergencyView]:
    """The reader's own that are open, for the banner of every page."""
    found = await own_emergencies(request)
    names = await names_of(request, clients=[one["client_id"] for one in found], hide=False)
    return [view_of(request, one, names) for one in found]


async def own_emergencies(request: Request, client_id: str | None = None) -> list[dict[str, Any]]:
    """The reader's own that are open, of one client where it is given; as the service tells them."""
    reader = request.state.reader
    wanted = {"staff": reader.id, "open": "true", "client": client_id or ""}
    found, _next = await request.app.state.authz.emergencies(reader.practice_id, wanted)
    return list(found)


async def names_of_all(request: Request, found: Sequence[Mapping[str, Any]]) -> Names:
    """The names that these emergency accesses speak of."""
    staff = [one["staff_id"] for one in found]
    for one in found:
        staff += [str(one[name]).partition("/")[2] for name in ("ended_by", "reviewed_by") if one[name]]
    own = all(one["staff_id"] == request.state.reader.id for one in found)
    return await names_of(
        request, clients=[one["client_id"] for one in found], staff=staff, hide=False if own else None
    )


def view_of(request: Request, access: Mapping[str, Any], names: Names) -> EmergencyView:
    """An emergency access, as the service tells it, in words."""
    zone = ZoneInfo(request.state.reader.zone)
    start, until = (datetime.fromisoformat(access[name]).astimezone(zone) for name in ("starts_at", "until"))
    if access["open"]:
        state = Badge(_("Open"), "bad")
    elif access["reviewed_by"]:
        state = Badge(_("Reviewed"), "good")
    else:
        state = Badge(_("To be reviewed"), "warn")
    reviewed = ""
    if access["reviewed_by"]:
        at = datetime.fromisoformat(access["reviewed_at"]).astimezone(zone)
        reviewed = _("Reviewed by %(name)s on %(day)s", name=names.subject(access["reviewed_by"]), day=day(at.date()))
    return EmergencyView(
        id=access["id"],
        client_id=access["client_id"],
        client=names.client(access["client_id"]),
        who=names.staff_name(access["staff_id"]),
        reason=access["reason"],
        period=f"{day(start.date())}, {clock_time(start)}\N{EN DASH}{clock_time(until)}",
        until=clock_time(until),
        state=state,
        is_open=access["open"],
        is_mine=access["staff_id"] == request.state.reader.id,
        ended_by=names.subject(access["ended_by"]) if access["ended_by"] else "",
        reviewed=reviewed,
        review=access["review"] or "",
    )
