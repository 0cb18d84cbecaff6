"""A client's profile: who this is, and what the family adds (row M8).

It holds nothing of the people around the client, so that no parent finds the other's address or telephone here.
"""

from __future__ import annotations

import hashlib
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

from sqlmodel import select

from gateway.edge.care_team import care_team
from gateway.edge.guard import Guard, Route
from gateway.edge.limits import PROFILES
from gateway.edge.questions import may
from gateway.notices.notify import Event, notify_staff
from gateway.records.events import enter_event, event_by
from gateway.web.formats import day
from gateway.web.language import N_, _
from gateway.web.pages import page, say, see_other
from models.tables.records import Client

if TYPE_CHECKING:
    from sqlmodel import Session
    from starlette.requests import Request
    from starlette.responses import Response

LINE_CHARACTERS_MAX = 60
NEEDS_CHARACTERS_MAX = 400
_MISSING = {
    "spoken": N_("the language for visits"),
    "needs": N_("what helps at visits"),
}


@dataclass(frozen=True, slots=True)
class Added:
    """What a family may write. Only `preferred` must be there."""

    preferred: str
    spoken: str
    needs: str

    @property
    def missing(self) -> list[str]:
        """What is still empty, in words."""
        return [_(label) for name, label in _MISSING.items() if not getattr(self, name)]

    @property
    def mark(self) -> str:
        """Changes with every change of the profile, so that a form shows whether it is still about the same."""
        return hashlib.sha256("\0".join(astuple(self)).encode()).hexdigest()


async def profile_of(request: Request) -> Added:
    """What the profile of the client in view says."""
    client_id = request.state.client.id
    row: Client = await request.app.state.records.read(
        request.state.client.practice_id, lambda session: session.get_one(Client, client_id)
    )
    return _added(row)


async def show_profile(request: Request) -> Response:
    """The profile, with a form for whoever may change it."""
    known = await profile_of(request)
    return await _show(request, known, known.mark)


async def save_profile(request: Request) -> Response:
    """Keep what was written, unless somebody else wrote in the meantime; the practice is told."""
    fields, client, app = await request.form(), request.state.client, request.app.state
    shown = str(fields.get("shown", ""))
    typed = Added(
        preferred=" ".join(str(fields.get("preferred", "")).split()),
        spoken=" ".join(str(fields.get("spoken", "")).split()),
        needs=str(fields.get("needs", "")).replace("\r\n", "\n").strip(),
    )
    if problems := _problems(typed):
        return await _show(request, typed, shown, problems)
    known = await profile_of(request)
    if typed == known:
        return see_other(_path(request))
    team = await care_team(app.authz, client.practice_id, client.id)

    def write(session: Session) -> Added:
        row = session.exec(select(Client).where(Client.id == client.id).with_for_update()).one()
        before = _added(row)
        if before.mark == shown:
            row.preferred, row.spoken, row.needs = astuple(typed)
            session.add(row)
            about = {
                "client_id": client.id,
                "practice_id": client.practice_id,
                "resource": {"type": "profile", "id": client.id},
            }
            enter_event(session, event_by(request.state.reader, "profile.update") | about, at=app.clock())
            notify_staff(
                session,
                Event.PROFILE,
                practice_id=client.practice_id,
                client_id=client.id,
                staff=team.in_charge,
                path=f"/admin/clients/{client.id}",
            )
        return before

    before = await app.records.change(client.practice_id, write)
    if before.mark != shown:
        sentence = _("Somebody else changed the profile while you were writing. Please look at it again, then save.")
        return await _show(request, typed, before.mark, [{"field": "preferred", "sentence": sentence}], before)
    await say(request, _("Saved. The practice sees it too."))
    return see_other(_path(request))


async def _show(
    request: Request, values: Added, shown: str, problems: list[dict[str, str]] | None = None, now: Added | None = None
) -> Response:
    row, _practice = await request.app.state.records.client(request.state.client.id)
    (may_update,) = await may(request, [("update", "profile", {})])
    return await page(
        request,
        "portal/profile.html",
        status=422 if problems else 200,
        born=day(row.born),
        values=values,
        now=now,
        shown=shown,
        problems=problems or [],
        may_update=may_update,
        line_max=LINE_CHARACTERS_MAX,
        needs_max=NEEDS_CHARACTERS_MAX,
    )


def _problems(typed: Added) -> list[dict[str, str]]:
    problems = []
    if not typed.preferred:
        problems.append({"field": "preferred", "sentence": _("Please write the name used at visits.")})
    for field, most in (
        ("preferred", LINE_CHARACTERS_MAX),
        ("spoken", LINE_CHARACTERS_MAX),
        ("needs", NEEDS_CHARACTERS_MAX),
    ):
        if len(getattr(typed, field)) > most:
            problems.append({"field": field, "sentence": _("Please write at most %(most)s characters.", most=most)})
    return problems


def _added(row: Client) -> Added:
    return Added(row.preferred, row.spoken, row.needs)


def _path(request: Request) -> str:
    return f"/c/{request.state.client.id}/profile"


ROUTES = (
    Route("/c/{client}/profile", show_profile, guard=Guard("view", "profile")),
    Route("/c/{client}/profile", save_profile, guard=Guard("update", "profile"), methods=("POST",), limit=PROFILES),
)
