"""Emergency access ("break glass") for staff: start, use, end, and review what was read (45 CFR 164.312(a)(2)(ii))."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlmodel import col, select

from gateway.admin.emergency_notices import privacy_contact, tell_of
from gateway.admin.emergency_reads import reads_in_words
from gateway.admin.emergency_view import PAGE, names_of_all, own_emergencies, view_of
from gateway.admin.trail_words import names_of
from gateway.edge.errors import NotFound, Refused, Rejected
from gateway.edge.guard import Guard, Route, signed_in
from gateway.edge.questions import base_properties, may, opens
from gateway.edge.refusals import staff_refusal
from gateway.records.events import enter_event, event_by
from gateway.web.formats import day
from gateway.web.language import N_, _
from gateway.web.pages import page, say, see_other
from models.tables.oversight import PrivacyContact
from models.tables.records import Client

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlmodel import Session
    from starlette.requests import Request
    from starlette.responses import Response


MINUTES = (15, 30, 60)
TEXT_CHARACTERS_MAX = 500
FOUND_MAX = 10
SIZE = 25
_MEMBER = Guard("start", "emergency_access")
# What emergency access opens of a client: name, icon, last part of the path, and what it takes to open it.
_OPENED = (
    (N_("Documents"), "document", "documents", ("view", "document")),
    (N_("Forms"), "form", "forms", ("view", "form")),
    (N_("Service plan"), "plan", "plan", ("view", "service_plan")),
    (N_("Calendar"), "calendar", "calendar", ("view", "calendar")),
    (N_("Notes"), "lock", "notes", ("view", "clinical_note")),
    (N_("Treatment plans"), "lock", "treatment-plans", ("view", "treatment_plan")),
)


@dataclass(frozen=True, slots=True)
class FoundClient:
    """A client found by name, for whoever needs emergency access."""

    id: str
    name: str
    born: str


async def overview(request: Request) -> Response:
    """What is open, what waits for review, what was; and the way to start."""
    may_see, may_start = await _rights(request)
    query = " ".join(request.query_params.get("q", "").split())[:100]
    return await _show(request, may_see=may_see, may_start=may_start, query=query)


async def start_page(request: Request) -> Response:
    """The form to start, or what is open of the client while emergency access to it is."""
    mine = await own_emergencies(request, request.state.client.id)
    return await _client_page(request, mine[0]) if mine else await _start_form(request)


async def start(request: Request) -> Response:
    """Open it: the reason is kept, the owner and the privacy contact are told."""
    client, state, fields = request.state.client, request.app.state, await request.form()
    reason, minutes = " ".join(str(fields.get("reason", "")).split()), str(fields.get("minutes", ""))
    problems = []
    if not reason or len(reason) > TEXT_CHARACTERS_MAX:
        problems.append(
            {
                "field": "reason",
                "sentence": _("Say why, in at most %(limit)s letters; it is kept.", limit=TEXT_CHARACTERS_MAX),
            }
        )
    if minutes not in map(str, MINUTES):
        problems.append({"field": "minutes-15", "sentence": _("Choose for how long: at most 60 minutes.")})
    if problems:
        return await _start_form(request, problems, {"reason": reason, "minutes": minutes}, 422)
    try:
        access = await state.authz.start_emergency(client.id, reason, int(minutes), actor=request.state.reader.actor)
    except Rejected as error:
        if error.status == 403:
            raise Refused(staff_refusal()) from error
        return await _start_form(
            request,
            [{"field": "", "sentence": _("Emergency access to this client is open already. End it first.")}],
            {"reason": reason, "minutes": minutes},
            409,
        )
    practice = await state.records.practice(client.practice_id)
    await tell_of(state, practice, access)
    await say(request, _("Emergency access is open. Everything you read now is listed for review."))
    return see_other(f"/admin/clients/{client.id}/emergency")


async def access_page(request: Request) -> Response:
    """One emergency access, with everything that was read under it, for its review."""
    return await _show_access(request, await _access(request))


async def end(request: Request) -> Response:
    """End it at once."""
    access, reader = await _access(request), request.state.reader
    try:
        await request.app.state.authz.end_emergency(access["id"], actor=reader.actor)
    except Rejected as error:
        raise NotFound from error
    await say(request, _("The emergency access has ended."))
    return see_other(PAGE)


async def review(request: Request) -> Response:
    """Sign it off, with what was found."""
    access = await _access(request)
    note = " ".join(str((await request.form()).get("note", "")).split())
    if not note or len(note) > TEXT_CHARACTERS_MAX:
        sentence = _("Say what you found, in at most %(limit)s letters; it is kept.", limit=TEXT_CHARACTERS_MAX)
        return await _show_access(
            request, access, note=note, problems=[{"field": "note", "sentence": sentence}], status=422
        )
    try:
        await request.app.state.authz.review_emergency(access["id"], note, actor=request.state.reader.actor)
    except Rejected as error:
        if error.status != 409:
            raise NotFound from error
        problem = {"field": "", "sentence": _why_not(await _access(request), request.state.reader.actor)}
        return await _show_access(request, await _access(request), note=note, problems=[problem], status=409)
    await say(request, _("Thank you. The emergency access is reviewed."))
    return see_other(f"{PAGE}/{access['id']}")


async def choose_privacy_contact(request: Request) -> Response:
    """Who hears of emergency accesses beside the owner."""
    state, reader = request.app.state, request.state.reader
    chosen = str((await request.form()).get("staff", ""))
    staff = {member["id"]: member for member in await state.authz.staff_of(reader.practice_id)}
    if chosen and staff.get(chosen, {}).get("state") != "active":
        raise NotFound

    def write(session: Session) -> None:
        row = session.get(PrivacyContact, reader.practice_id)
        if row is not None:
            session.delete(row)
            session.flush()
        if chosen:
            session.add(
                PrivacyContact(
                    practice_id=reader.practice_id, staff_id=chosen, set_by=reader.actor, set_at=state.clock()
                )
            )
        enter_event(
            session,
            event_by(reader, "practice.privacy_contact", details={"staff": chosen or None}),
            at=state.clock(),
        )

    await state.records.change(reader.practice_id, write)
    await say(request, _("Saved. Notices of emergency access go there from now on."))
    return see_other(PAGE)


async def _rights(request: Request) -> tuple[bool, bool]:
    """Whether the reader may see the practice's emergency accesses, and may start one; Refused when neither."""
    may_see, may_start = await may(request, [("view", "emergency_access", {}), ("start", "emergency_access", {})])
    if not may_see and not may_start:
        raise Refused(staff_refusal())
    return may_see, may_start


async def _access(request: Request) -> dict[str, Any]:
    try:
        access: dict[str, Any] = await request.app.state.authz.emergency(request.path_params["access"])
    except Rejected as error:
        raise NotFound from error
    if access["practice_id"] != request.state.reader.practice_id:
        raise NotFound
    return access


async def _show(request: Request, *, may_see: bool, may_start: bool, query: str) -> Response:
    state, reader = request.app.state, request.state.reader
    wanted = {"limit": str(SIZE), "after": request.query_params.get("after", "")}
    if not may_see:
        wanted["staff"] = reader.id
    shown = request.query_params.get("show", "")
    if shown == "waiting":
        wanted["reviewed"] = "false"
    found, after = await state.authz.emergencies(reader.practice_id, wanted)
    names = await names_of_all(request, found)
    (may_set,) = await may(request, [("update", "practice", {})])
    staff = await state.authz.staff_of(reader.practice_id) if may_set else []
    known = await names_of(request, staff=[member["id"] for member in staff])
    return await page(
        request,
        "admin/emergency.html",
        accesses=[view_of(request, one, names) for one in found],
        after=after,
        shown=shown,
        may_see=may_see,
        may_start=may_start,
        query=query,
        found=await _find(request, query) if may_start and query else [],
        may_set=may_set,
        staff=sorted(
            ((one["id"], known.staff_name(one["id"])) for one in staff if one["state"] == "active"),
            key=lambda pair: pair[1],
        ),
        chosen=await privacy_contact(state, reader.practice_id) if may_set else "",
    )


async def _find(request: Request, query: str) -> list[FoundClient]:
    """Clients with every word of the query as a whole word of the name: nobody is to browse here. It is recorded."""
    state, reader = request.app.state, request.state.reader
    practice_id, words = reader.practice_id, query.casefold().split()[:5]

    def read(session: Session) -> list[Client]:
        chosen = select(Client).where(Client.practice_id == practice_id).order_by(col(Client.name))
        for word in words:
            chosen = chosen.where(col(Client.name).icontains(word, autoescape=True))
        met = [one for one in session.exec(chosen.limit(200)) if set(words) <= set(one.name.casefold().split())]
        event = event_by(reader, "emergency_access.search", details={"results": len(met)})
        enter_event(session, event, at=state.clock())
        return met[:FOUND_MAX]

    rows: list[Client] = await state.records.change(practice_id, read)
    return [FoundClient(row.id, row.name, day(row.born)) for row in rows]


async def _start_form(
    request: Request,
    problems: Sequence[Mapping[str, str]] = (),
    typed: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    return await page(
        request,
        "admin/emergency_start.html",
        status=status,
        problems=problems,
        typed=typed or {"reason": "", "minutes": "15"},
        minutes=MINUTES,
    )


async def _client_page(request: Request, access: Mapping[str, Any]) -> Response:
    client = request.state.client
    openings = await opens(request, [question for *_rest, question in _OPENED])
    places = [
        (_(label), icon, f"/admin/clients/{client.id}/{last}")
        for (label, icon, last, _question), is_open in zip(_OPENED, openings, strict=True)
        if is_open
    ]
    (sees_profile,) = await may(request, [("view", "profile", {})])
    row = await request.app.state.records.client(client.id) if sees_profile else None
    return await page(
        request,
        "admin/emergency_client.html",
        access=view_of(request, access, await names_of_all(request, [access])),
        places=places,
        profile=None if row is None else row[0],
        born=day(row[0].born) if row else "",
    )


async def _show_access(
    request: Request,
    access: Mapping[str, Any],
    *,
    note: str = "",
    problems: Sequence[Mapping[str, str]] = (),
    status: int = 200,
) -> Response:
    state, reader = request.app.state, request.state.reader
    reads, complete = await state.authz.emergency_reads(access["id"], actor=reader.actor)
    (may_end,) = await may(request, [("end", "emergency_access", base_properties(request))])
    is_mine = access["staff_id"] == reader.id
    return await page(
        request,
        "admin/emergency_access.html",
        status=status,
        access=view_of(request, access, await names_of_all(request, [access])),
        reads=await reads_in_words(request, reads),
        complete=complete,
        may_end=access["open"] and (may_end or is_mine),
        may_review=not access["open"] and access["reviewed_by"] is None,
        is_mine=is_mine,
        note=note,
        problems=problems,
    )


def _why_not(access: Mapping[str, Any], actor: str) -> str:
    if access["open"]:
        return _("It is still open. End it first.")
    if access["reviewed_by"]:
        return _("Somebody else has reviewed it in the meantime. Nothing was changed.")
    if access["staff_id"] == actor.partition("/")[2]:
        return _("Nobody reviews their own emergency access. Ask another owner, administrator or reviewer.")
    return _("It could not be reviewed. Please try again.")


_CLIENT = "/admin/clients/{client}/emergency"
ROUTES = (
    Route(PAGE, overview, guard=signed_in),
    Route(f"{PAGE}/privacy-contact", choose_privacy_contact, guard=Guard("update", "practice"), methods=("POST",)),
    Route(f"{PAGE}/{{access}}", access_page, guard=Guard("view", "emergency_access")),
    Route(f"{PAGE}/{{access}}/end", end, guard=_MEMBER, methods=("POST",)),
    Route(f"{PAGE}/{{access}}/review", review, guard=Guard("view", "emergency_access"), methods=("POST",)),
    Route(_CLIENT, start_page, guard=_MEMBER),
    Route(_CLIENT, start, guard=_MEMBER, methods=("POST",)),
)
