"""Keeping one document from one person, or from all who represent the client (rows P11, P12; conflict c4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.admin.paper_rows import path_of
from gateway.admin.people import name_of
from gateway.edge.errors import NotFound, Rejected
from gateway.edge.guard import Guard, Route
from gateway.edge.questions import may
from gateway.web.language import _
from gateway.web.pages import say, see_other
from gateway.web.words import KINDS
from models.vocabulary import GrantStatus, Kind, SubjectType

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from models.tables.records import Document

ALL = "all"  # everybody but the client
_STANDING = frozenset({GrantStatus.ACTIVE.value, GrantStatus.PENDING.value})


@dataclass(frozen=True, slots=True)
class Keeping:
    """A person of the network, and whether the document is kept from them. `grant` is one of theirs."""

    account: str
    grant: str
    name: str
    kind: str
    is_self: bool
    withheld: bool


async def keepings(request: Request, row: Document) -> list[Keeping]:
    """Everybody with access to the client, by name."""
    state = request.app.state
    grants = [one for one in await state.authz.grants_of_client(row.client_id) if one["status"] in _STANDING]
    people = await state.records.people(SubjectType.ACCOUNT, sorted({one["account_id"] for one in grants}))
    found: dict[str, Keeping] = {}
    for one in grants:
        account_id, is_self = one["account_id"], one["kind"] == Kind.SELF.value
        if account_id in found and not is_self:
            continue
        withheld = any((item["type"], item["id"]) == ("document", row.id) for item in one["withheld"])
        name, kind = name_of(people, account_id), _(KINDS[Kind(one["kind"])])
        found[account_id] = Keeping(account_id, one["id"], name, kind, is_self, withheld)
    return sorted(found.values(), key=lambda keeping: keeping.name)


async def withhold(request: Request) -> Response:
    """Keep the document from the person of `keep` (or from all), or show it to the person of `show` again."""
    row: Document = request.state.item
    fields = await request.form()
    keep, show = str(fields.get("keep", "")), str(fields.get("show", ""))
    (allowed,) = await may(request, [("create" if keep else "end", "withhold", {})])
    chosen = [one for one in await keepings(request, row) if _is_meant(one, keep or show)]
    if not allowed or not chosen:
        raise NotFound
    authz, actor = request.app.state.authz, request.state.reader.actor
    for one in chosen:
        if one.withheld is not bool(keep):
            try:
                await authz.withhold(one.grant, "document", row.id, on=bool(keep), actor=actor)
            except Rejected as error:
                await say(request, error.detail)
                return see_other(path_of(row))
    names = ", ".join(one.name for one in chosen)
    said = _("Now kept from %(names)s.", names=names) if keep else _("No longer kept from %(names)s.", names=names)
    await say(request, said)
    return see_other(path_of(row))


def _is_meant(keeping: Keeping, wanted: str) -> bool:
    return keeping.account == wanted or (wanted == ALL and not keeping.is_self)


ROUTES = (
    Route(
        "/admin/clients/{client}/documents/{id}/withheld",
        withhold,
        guard=Guard("update", "document"),
        methods=("POST",),
    ),
)
