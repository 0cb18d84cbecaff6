"""What the practice, and each professional, says on the home pages of their clients (row M8)."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlmodel import col, select

from gateway.edge.care_team import care_team
from gateway.edge.errors import NotFound
from gateway.edge.guard import Guard, Route
from gateway.edge.questions import may
from gateway.web.language import _
from gateway.web.pages import page, say, see_other
from gateway.web.staff import staff_names
from gateway.web.today import local_today
from models.tables.requests import Banner

if TYPE_CHECKING:
    from sqlmodel import Session
    from starlette.requests import Request
    from starlette.responses import Response

PAGE = "/admin/banner"
CHARACTERS_MAX = 400


async def banners_for(request: Request) -> list[tuple[str, str]]:
    """Who says what to the client in view, today: the practice first, then the professionals assigned to the client."""
    client, today = request.state.client, local_today(request)

    def read(session: Session) -> list[Banner]:
        chosen = select(Banner).where(Banner.practice_id == client.practice_id).order_by(col(Banner.staff_id))
        return [row for row in session.exec(chosen) if row.until is None or row.until >= today]

    rows: list[Banner] = await request.app.state.records.read(client.practice_id, read)
    if not any(row.staff_id for row in rows):
        return [(client.practice_name, row.text) for row in rows]
    team = await care_team(request.app.state.authz, client.practice_id, client.id)
    rows = [row for row in rows if not row.staff_id or row.staff_id in team.therapists]
    names = await staff_names(request, [row.staff_id for row in rows])
    return [(names.get(row.staff_id, client.practice_name), row.text) for row in rows]


async def show_banners(request: Request) -> Response:
    """The reader's own banner, and that of the practice for whoever runs it."""
    return await _show(request)


async def save_banner(request: Request) -> Response:
    """Put a banner up, or take it down by leaving it empty."""
    fields, reader = await request.form(), request.state.reader
    of_practice = fields.get("whose") == "practice"
    if of_practice and not await _runs_practice(request):
        raise NotFound
    text = str(fields.get("text", "")).strip()
    until, problem = _read_until(str(fields.get("until", "")).strip(), "until-practice" if of_practice else "until-own")
    if len(text) > CHARACTERS_MAX:
        field = "text-practice" if of_practice else "text-own"
        problem = {"field": field, "sentence": _("Please write at most %(most)s characters.", most=CHARACTERS_MAX)}
    if problem:
        typed = {"practice" if of_practice else "own": (text, str(fields.get("until", "")))}
        return await _show(request, problem, typed, status=422)
    staff_id, now = "" if of_practice else reader.id, request.app.state.clock()

    def write(session: Session) -> None:
        row = session.get(Banner, (reader.practice_id, staff_id))
        if not text:
            if row is not None:
                session.delete(row)
            return
        session.merge(Banner(practice_id=reader.practice_id, staff_id=staff_id, text=text, until=until, changed_at=now))

    await request.app.state.records.change(reader.practice_id, write)
    await say(request, _("Your clients see it now.") if text else _("It is taken down."))
    return see_other(PAGE)


async def _show(
    request: Request,
    problem: dict[str, str] | None = None,
    typed: dict[str, tuple[str, str]] | None = None,
    status: int = 200,
) -> Response:
    reader = request.state.reader

    def read(session: Session) -> dict[str, tuple[str, str]]:
        found = {}
        for whose, staff_id in (("practice", ""), ("own", reader.id)):
            row = session.get(Banner, (reader.practice_id, staff_id))
            if row is not None:
                found[whose] = (row.text, row.until.isoformat() if row.until else "")
        return found

    known = await request.app.state.records.read(reader.practice_id, read)
    return await page(
        request,
        "admin/banners.html",
        status=status,
        problem=problem,
        most=CHARACTERS_MAX,
        today=request.app.state.clock().astimezone(ZoneInfo(reader.zone)).date().isoformat(),
        runs_practice=await _runs_practice(request),
        banners={**known, **(typed or {})},
    )


async def _runs_practice(request: Request) -> bool:
    (allowed,) = await may(request, [("update", "practice", {})])
    return allowed


def _read_until(text: str, field: str) -> tuple[date | None, dict[str, str] | None]:
    if not text:
        return None, None
    try:
        return date.fromisoformat(text), None
    except ValueError:
        return None, {"field": field, "sentence": _("Please write the last day as year-month-day, such as 2026-07-31.")}


ROUTES = (
    Route(PAGE, show_banners, guard=Guard("offer", "subscription")),
    Route(PAGE, save_banner, guard=Guard("offer", "subscription"), methods=("POST",)),
)
