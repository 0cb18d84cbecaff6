"""A safety block between a person and a client, and its reason (45 CFR 164.502(g)(5)); the person never hears of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.admin.explaining import set_in_words
from gateway.admin.people import describe, names_known
from gateway.admin.who_sees import ground_of
from gateway.edge.errors import NotFound, Rejected
from gateway.edge.guard import Guard, Route
from gateway.edge.questions import may
from gateway.web.language import _
from gateway.web.pages import page, say, see_other

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.admin.explaining import Set

REASON_CHARACTERS_MAX = 500


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with the form."""

    field: str
    sentence: str


async def block_page(request: Request) -> Response:
    """The block that stands, or what one would do."""
    return await _show(request)


async def change_block(request: Request) -> Response:
    """Put the block, or lift it; done already is done."""
    grant, authz, actor = request.state.item, request.app.state.authz, request.state.reader.actor
    fields = await request.form()
    lift, reason = fields.get("do") == "lift", " ".join(str(fields.get("reason", "")).split())
    (allowed,) = await may(request, [("end" if lift else "create", "block", {})])
    if not allowed:
        raise NotFound
    if not lift and not 0 < len(reason) <= REASON_CHARACTERS_MAX:
        sentence = _("Say why, in at most %(limit)s letters; it is kept.", limit=REASON_CHARACTERS_MAX)
        return await _show(request, reason=reason, problems=[Problem("reason", sentence)], status=422)
    try:
        if lift:
            await authz.unblock(grant["id"], actor=actor)
        else:
            await authz.block(grant["id"], reason, actor=actor)
    except Rejected as error:
        return await _show(request, reason=reason, problems=[Problem("reason", error.detail)], status=422)
    name, client = (await names_known(request, [grant]))[grant["id"]], request.state.client.preferred
    if lift:
        await say(request, _("The safety block is lifted. %(name)s has the access of before again.", name=name))
    else:
        await say(
            request,
            _(
                "The safety block stands: %(name)s reaches nothing of %(client)s. Lift it to undo it.",
                name=name,
                client=client,
            ),
        )
    return see_other(_path(request))


async def _show(request: Request, *, reason: str = "", problems: Sequence[Problem] = (), status: int = 200) -> Response:
    grant = request.state.item
    may_block, may_lift, may_see = await may(
        request, [("create", "block", {}), ("end", "block", {}), ("view", "block", {})]
    )
    if not may_see:
        raise NotFound
    name = (await names_known(request, [grant]))[grant["id"]]
    held = await request.app.state.authz.grants_of_client(request.state.client.id)
    return await page(
        request,
        "admin/block.html",
        status=status,
        person=describe(grant, name),
        standing=await _standing(request, grant["id"]) if grant["blocked"] else None,
        accesses=sum(one["account_id"] == grant["account_id"] for one in held),
        may_change=may_lift if grant["blocked"] else may_block,
        reason=reason,
        problems=problems,
    )


async def _standing(request: Request, grant_id: str) -> Set | None:
    """Who put the block, when and why; None when it was lifted just now."""
    try:
        found = await request.app.state.authz.block_of(grant_id)
    except Rejected:
        return None
    ground = await ground_of(request)
    return set_in_words(found, ground.staff, ground.zone)


def _path(request: Request) -> str:
    return f"/admin/clients/{request.state.client.id}/grants/{request.state.item['id']}/block"


_PATH = "/admin/clients/{client}/grants/{grant}/block"
ROUTES = (
    Route(_PATH, block_page, guard=Guard("view", "grant")),
    Route(_PATH, change_block, guard=Guard("update", "grant"), methods=("POST",)),
)
