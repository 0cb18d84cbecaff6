"""What the account that reads is to its clients: its grants, asked once a request."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from gateway.edge.viewing import viewing_of
from models.vocabulary import GrantStatus, Kind, SubjectType

if TYPE_CHECKING:
    from starlette.requests import Request


async def own_grants(request: Request) -> list[dict[str, Any]]:
    """Every grant of the account, as the service tells them; in a look by staff those at their practice only."""
    begin_grants(request)
    viewing, found = viewing_of(request), list(await request.state.grants)
    return [one for one in found if viewing is None or one["practice_id"] == viewing.staff.practice_id]


def begin_grants(request: Request) -> None:
    """Begin to ask, unless that was done."""
    if request.state.grants is None:
        call = request.app.state.authz.grants_of_account(request.state.reader.id)
        request.state.grants = kept(asyncio.ensure_future(call))


async def own_kinds(request: Request) -> dict[str, list[Kind]]:
    """What the account is to each client, by the grants that are active."""
    kinds: dict[str, list[Kind]] = defaultdict(list)
    for grant in await own_grants(request):
        if grant["status"] == GrantStatus.ACTIVE.value:
            kinds[grant["client_id"]].append(Kind(grant["kind"]))
    return kinds


async def is_own(request: Request, client_id: str) -> bool:
    """Whether the account is the client's own."""
    if request.state.reader.type is not SubjectType.ACCOUNT:
        return False
    return any(
        grant["client_id"] == client_id and grant["kind"] == Kind.SELF.value for grant in await own_grants(request)
    )


def kept(future: asyncio.Future[Any]) -> asyncio.Future[Any]:
    """The future; whoever waits for it gets its error, and when nobody does it is no surprise."""
    future.add_done_callback(lambda done: done.cancelled() or done.exception())
    return future
