"""The times that therapists offer for self-scheduling, and how the practice answers requests (row Y23)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import update
from sqlmodel import col, select

from gateway.admin.hours_form import form_of, read
from gateway.admin.switches import Problem
from gateway.edge.errors import NotFound, Rejected
from gateway.edge.guard import Guard, Route
from gateway.edge.questions import may
from gateway.portal.schedule.claims import AUTOMATIC, STAFF, confirms
from gateway.records.events import enter_event, event_by
from gateway.web.formats import zone_name
from gateway.web.language import _
from gateway.web.pages import page, say, see_other
from models.numbers import whole
from models.tables.scheduling import Availability, SchedulingRule
from models.vocabulary import StaffRole, SubjectType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlmodel import Session
    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.admin.hours_form import HoursForm

NOTICE_HOURS_MAX = 720


@dataclass(frozen=True, slots=True)
class Offering:
    """A therapist in the list."""

    id: str
    name: str
    offered: bool
    subscribed: bool
    has_hours: bool
    mine: bool


async def availability(request: Request) -> Response:
    """Who offers times, and how the practice answers requests."""
    return await _overview(request)


async def save_rule(request: Request) -> Response:
    """Change who confirms requests, and the notice that the practice asks for."""
    reader, authz = request.state.reader, request.app.state.authz
    form = await request.form()
    chosen, typed = str(form.get("confirms", "")), str(form.get("notice_hours", "")).strip()
    problems = []
    if chosen not in (STAFF, AUTOMATIC):
        problems.append(Problem("confirms-staff", _("Choose who confirms requests.")))
    hours = whole(typed)
    if hours is None or hours > NOTICE_HOURS_MAX:
        problems.append(Problem("notice_hours", _("Notice: write 0 to %(most)s hours.", most=NOTICE_HOURS_MAX)))
    if problems:
        return await _overview(request, chosen=chosen, typed=typed, problems=problems)
    practice = await authz.practice(reader.practice_id)
    if practice["notice_hours"] != hours:
        try:
            await authz.update_practice(
                reader.practice_id, {"notice_hours": hours}, etag=practice.get("etag"), actor=reader.actor
            )
        except Rejected as error:
            problem = Problem("notice_hours", error.detail)
            return await _overview(request, chosen=chosen, typed=typed, problems=[problem])

    def write(session: Session) -> None:
        session.merge(SchedulingRule(practice_id=reader.practice_id, confirms=chosen))
        _enter(request, session, "scheduling.rule", reader.practice_id, {"confirms": chosen})

    await request.app.state.records.change(reader.practice_id, write)
    await say(request, _("Saved."))
    return see_other("/admin/availability")


async def hours(request: Request) -> Response:
    """One therapist's weekly hours."""
    member, editable = await _member(request)
    row = await _stored(request, member["id"])
    return await _show(request, member, form_of(row, offered=member["available"]), editable=editable)


async def save_hours(request: Request) -> Response:
    """Keep the hours, unless somebody else saved first, and say in the access data whether times are offered."""
    reader = request.state.reader
    member, editable = await _member(request)
    if not editable:
        raise NotFound
    today = request.app.state.clock().astimezone(ZoneInfo(reader.zone)).date()
    sent = read(await request.form(), today)
    if not sent.problems and sent.offered and not sent.kept["hours"] and not sent.kept["exceptions"]:
        sent.problems.append(Problem("from_0_0", _("Write at least one time, or do not offer times.")))
    if sent.problems:
        return await _show(request, member, sent, editable=True, status=422)

    def write(session: Session) -> bool:
        kept = _keep(session, reader.practice_id, member["id"], sent)
        if kept:
            _enter(request, session, "scheduling.hours", member["id"], {"offered": sent.offered})
        return kept

    if not await request.app.state.records.change(reader.practice_id, write):
        sent.problems.append(
            Problem(None, _("Somebody else saved these hours meanwhile. Open the page again to see them."))
        )
        return await _show(request, member, sent, editable=True, status=409)
    if sent.offered is not member["available"]:
        try:
            await request.app.state.authz.update_staff(member["id"], {"available": sent.offered}, actor=reader.actor)
        except Rejected as error:
            sent.problems.append(Problem("offered", error.detail))
            return await _show(request, member, sent, editable=True, status=422)
    await say(request, _("Saved. The new hours count from now on; what is booked stays as it is."))
    return see_other("/admin/availability")


def _keep(session: Session, practice_id: str, staff_id: str, sent: HoursForm) -> bool:
    """Whether the hours were kept: only over the version that the form was made from."""
    if sent.version == "0":
        if session.get(Availability, staff_id) is not None:
            return False
        session.add(Availability(staff_id=staff_id, practice_id=practice_id, **sent.kept))
        return True
    version = whole(sent.version)
    if version is None:
        return False
    changed = session.execute(
        update(Availability)
        .where(col(Availability.staff_id) == staff_id, col(Availability.version) == version)
        .values(**sent.kept, version=version + 1)
    )
    return bool(changed.rowcount)  # type: ignore[attr-defined]


async def _member(request: Request) -> tuple[dict[str, Any], bool]:
    """The therapist of the address, and whether the reader may change their hours; NotFound for anybody else."""
    reader, staff_id = request.state.reader, request.path_params["staff"]
    for member in await _therapists(request):
        if member["id"] == staff_id:
            offers, manages = await may(
                request, [("offer", "subscription", {"id": staff_id}), ("update", "subscription", {"id": staff_id})]
            )
            return member, manages or (offers and staff_id == reader.id)
    raise NotFound


async def _therapists(request: Request) -> list[dict[str, Any]]:
    staff = await request.app.state.authz.staff_of(request.state.reader.practice_id)
    return [one for one in staff if one["state"] == "active" and StaffRole.THERAPIST.value in one["roles"]]


async def _stored(request: Request, staff_id: str) -> Availability | None:
    found: Availability | None = await request.app.state.records.read(
        request.state.reader.practice_id, lambda session: session.get(Availability, staff_id)
    )
    return found


async def _overview(
    request: Request, *, chosen: str | None = None, typed: str | None = None, problems: Sequence[Problem] = ()
) -> Response:
    reader, state = request.state.reader, request.app.state
    members = await _therapists(request)
    people = await state.records.people(SubjectType.STAFF, [member["id"] for member in members])
    rule, kept = await state.records.read(
        reader.practice_id,
        lambda session: (confirms(session, reader.practice_id), set(session.exec(select(Availability.staff_id)))),
    )
    practice = await state.authz.practice(reader.practice_id)
    (may_rule,) = await may(request, [("update", "practice", {})])
    offerings = [
        Offering(
            id=member["id"],
            name=people[member["id"]].name,
            offered=member["available"],
            subscribed=member["subscribed"],
            has_hours=member["id"] in kept,
            mine=member["id"] == reader.id,
        )
        for member in members
        if member["id"] in people
    ]
    return await page(
        request,
        "admin/availability.html",
        status=422 if problems else 200,
        problems=problems,
        offerings=sorted(offerings, key=lambda one: (not one.mine, one.name)),
        confirms=rule if chosen is None else chosen,
        notice_hours=practice["notice_hours"] if typed is None else typed,
        may_rule=may_rule,
    )


async def _show(
    request: Request, member: dict[str, Any], form: HoursForm, *, editable: bool, status: int = 200
) -> Response:
    people = await request.app.state.records.people(SubjectType.STAFF, [member["id"]])
    return await page(
        request,
        "admin/hours.html",
        status=status,
        form=form,
        member=member,
        staff_name=people[member["id"]].name,
        editable=editable,
        zone_label=zone_name(request.state.reader.zone),
    )


def _enter(request: Request, session: Session, action: str, about: str, details: dict[str, Any]) -> None:
    event = event_by(request.state.reader, action, details=details)
    about_hours = {"resource": {"type": "availability", "id": about}}
    enter_event(session, event | about_hours, at=request.app.state.clock())


_ONE = "/admin/availability/{staff}"
ROUTES = (
    Route("/admin/availability", availability, guard=Guard("view", "appointment")),
    Route("/admin/availability", save_rule, guard=Guard("update", "practice"), methods=("POST",)),
    Route(_ONE, hours, guard=Guard("view", "appointment")),
    Route(_ONE, save_hours, guard=Guard("update", "appointment"), methods=("POST",)),
)
