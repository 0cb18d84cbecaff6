"""Saying no to an invitation: its access ends, and the practice sees that it was declined."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlmodel import col, update

from gateway.account.joining import find_invitation, over
from gateway.account.mailed_links import use_link
from gateway.account.visitors import visitor_page
from gateway.edge.errors import Rejected
from gateway.edge.guard import Route, public
from models.tables.getting_in import Contact

if TYPE_CHECKING:
    from sqlmodel import Session
    from starlette.requests import Request
    from starlette.responses import Response


async def ask(request: Request) -> Response:
    """What declining does."""
    invitation = await find_invitation(request)
    if invitation is None:
        return await over(request)
    return await visitor_page(request, "account/decline.html", invitation=invitation, action=request.url.path)


async def decline(request: Request) -> Response:
    """End what the invitation would open; its link is worth nothing any more."""
    app, invitation = request.app.state, await find_invitation(request)
    if invitation is None:
        return await over(request)
    link, now = invitation.link, app.clock()
    try:
        ended = await app.authz.decline_invitation(link.subject_id)
    except Rejected:
        return await over(request)

    def write(session: Session) -> None:
        use_link(session, link, now)
        declined = update(Contact).where(col(Contact.grant_id).in_(ended))
        session.execute(declined.values(declined_at=now))

    await app.records.change(link.practice_id, write)
    return await visitor_page(request, "account/declined.html", practice=invitation.practice)


ROUTES = (
    Route("/join/{token}/decline", ask, guard=public),
    Route("/join/{token}/decline", decline, guard=public, methods=("POST",)),
)
