"""What headers and query say of how a call is to be carried out: who acts, on which version, how many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authz_service.api.problems import ProblemError, lacks_scope
from authz_service.commands.acting import Acting
from authz_service.facts.request import NO_AUTHN, Authn
from authz_service.trail.changes import Origin
from models.ids import is_id
from models.numbers import whole
from models.vocabulary import Scope

if TYPE_CHECKING:
    from authz_service.api.routing import Call

PAGE_MAX = 500
_STAFF = "staff/"


def acting_of(call: Call) -> Acting:
    """Who acts, as the headers say; ProblemError when they do not, or when the caller may not say so."""
    if Scope.ACT not in call.caller.scopes:
        raise lacks_scope(Scope.ACT)
    actor = call.exchange.actor
    if actor is None or not actor.startswith(_STAFF) or not is_id(actor.removeprefix(_STAFF)):
        raise ProblemError(400, "Kinguard-Actor must say who acts, such as staff/jo", fields={"Kinguard-Actor": "who"})
    origin = Origin(call.caller.client_id, call.request_id, actor, call.serving.digest)
    amr = tuple(call.exchange.actor_amr.split())
    authn = Authn(amr, password_change_due=False) if amr else NO_AUTHN
    return Acting(call.service.store, call.serving.decider, origin, call.caller.practices, authn)


def if_match_version(call: Call) -> str | None:
    """The version that If-Match asks for; None where it is not sent, and for `*`, which is any."""
    etag = call.exchange.if_match
    return None if etag is None or etag.strip() == "*" else etag.strip().removeprefix("W/").strip('"')


def read_limit(call: Call, most: int) -> int:
    """The `limit` of a list, at most `most`."""
    text = call.query.get("limit", str(min(most, 100)))
    limit = whole(text)
    if limit is None or not 1 <= limit <= most:
        raise ProblemError(400, f"limit must be a number from 1 to {most}", fields={"limit": f"1 to {most}"})
    return limit
