"""The switches of one client: what they would change is shown first, and nobody's turn is lost (rows W10, Y7; c11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.admin.foreseen import foresee
from gateway.admin.switches import (
    Problem,
    below_practice,
    boxes,
    conflict_problems,
    read_switches,
    said_of,
    states,
    turned,
)
from gateway.edge.errors import Rejected, Stale
from gateway.edge.guard import Guard, Route
from gateway.edge.questions import may
from gateway.web.language import _
from gateway.web.pages import page, say, see_other

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.admin.switches import SentSwitches


async def client_switches(
    request: Request, attributes: Mapping[str, Any], sent: SentSwitches | None = None
) -> dict[str, Any]:
    """What the part admin/switches.html shows: the client's switches, or `switches` None where they are not seen."""
    client, reader, authz = request.state.client, request.state.reader, request.app.state.authz
    sees, may_switch = await may(request, [("view", "switch", {}), ("update", "switch", {})])
    if not sees:
        return {"switches": None}
    practice = states((await authz.practice(reader.practice_id))["switches"])
    return {
        "switches": boxes(states(attributes["switches"]), beside=below_practice(practice), sent=sent),
        "switches_action": f"/admin/clients/{client.id}/switches",
        "may_switch": may_switch,
    }


async def preview_client_switches(request: Request) -> Response:
    """What the switches that the reader turned would do."""
    client = request.state.client
    sent = read_switches(await request.form())
    stored = states((await request.app.state.authz.client(client.id))["switches"])
    if sent.conflicts(stored):
        return await _merge(request, sent)
    changes = sent.changes()
    if not changes:
        await say(request, _("Nothing was changed."))
        return see_other(f"/admin/clients/{client.id}")
    switches = {feature.value: on for feature, on in changes.items()}
    return await page(
        request,
        "admin/switch_preview.html",
        title=_("Switches for %(name)s", name=client.preferred),
        turned=turned(changes, client.preferred),
        foreseen=await foresee(request, [{"client": client.id, "switches": switches}]),
        action=f"/admin/clients/{client.id}/switches",
        back=f"/admin/clients/{client.id}",
        kept=sent.fields(),
    )


async def save_client_switches(request: Request) -> Response:
    """Turn the switches that the reader turned, together, unless somebody else turned one of them first."""
    client, reader, authz = request.state.client, request.state.reader, request.app.state.authz
    sent = read_switches(await request.form())
    attributes = await authz.client(client.id)
    if sent.conflicts(states(attributes["switches"])):
        return await _merge(request, sent)
    changes = sent.changes()
    if changes:
        switches, etag = {feature.value: on for feature, on in changes.items()}, attributes["switches_etag"]
        try:
            await authz.update_client_switches(client.id, switches, etag=etag, actor=reader.actor)
        except Stale:
            return await _merge(request, sent)
        except Rejected as error:
            return await _show(request, sent, [Problem(error.field, error.detail)], 422)
    await say(request, said_of(changes, client.preferred))
    return see_other(f"/admin/clients/{client.id}")


async def _merge(request: Request, sent: SentSwitches) -> Response:
    """The boxes as the reader turned them, with what somebody else turned marked."""
    stored = states((await request.app.state.authz.client(request.state.client.id))["switches"])
    return await _show(request, sent, conflict_problems(sent, stored), 409)


async def _show(request: Request, sent: SentSwitches, problems: Sequence[Problem], status: int) -> Response:
    attributes = await request.app.state.authz.client(request.state.client.id)
    return await page(
        request,
        "admin/client_switches.html",
        status=status,
        problems=problems,
        problems_title=_("Somebody else saved first") if status == 409 else _("This was not saved"),
        **await client_switches(request, attributes, sent),
    )


_PAGE = "/admin/clients/{client}/switches"
ROUTES = (
    Route(_PAGE, save_client_switches, guard=Guard("update", "switch"), methods=("POST",)),
    Route(f"{_PAGE}/preview", preview_client_switches, guard=Guard("update", "switch"), methods=("POST",)),
)
