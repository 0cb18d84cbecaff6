"""Who can see one item, and why: every person of the network with the deciding sentence (portals.md e2.1)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.admin.client_items import SHELVES, describe, item_of, shelf_rows
from gateway.admin.explaining import Ground, Subject, Why, explain_for, in_words, set_in_words
from gateway.admin.people import names_known
from gateway.edge.authz_client import Question
from gateway.edge.guard import Guard, Route
from gateway.edge.questions import may, opens
from gateway.records.store import properties_of
from gateway.web.language import _
from gateway.web.pages import page
from gateway.web.paging import page_number, pages_of
from gateway.web.today import zone_of
from gateway.web.words import KINDS
from models.vocabulary import GrantStatus, Kind, SubjectType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.admin.explaining import Set

SIZE = 50
SEARCHED_CHARACTERS_MAX = 100
_STANDING = frozenset({GrantStatus.ACTIVE.value, GrantStatus.PENDING.value, GrantStatus.SUSPENDED.value})


@dataclass(frozen=True, slots=True)
class Watcher:
    """A person of the network in front of one item; `kept`: who keeps it from them by name, `grant`: one of theirs."""

    account: str
    grant: str
    name: str
    kinds: str
    is_self: bool
    why: Why
    kept: Set | None


@dataclass(frozen=True, slots=True)
class Sight:
    """Everybody in front of one item, and who keeps it from everyone who represents the client."""

    watchers: tuple[Watcher, ...]
    kept_from_all: Set | None

    @property
    def yes(self) -> int:
        """How many see it."""
        return sum(one.why.allowed for one in self.watchers)


async def ground_of(request: Request) -> Ground:
    """What every explanation about the client in view shares."""
    client, app = request.state.client, request.app.state
    practice, attributes, staff = await asyncio.gather(
        app.authz.practice(client.practice_id), app.authz.client(client.id), app.authz.staff_of(client.practice_id)
    )
    people = await app.records.people(SubjectType.STAFF, [one["id"] for one in staff])
    names = {key: person.name for key, person in people.items()}
    return Ground(client.preferred, practice["switches"], attributes["switches"], names, zone_of(request))


async def sight_of(request: Request, resource_type: str, row: Any) -> Sight:
    """Everybody with access to the client in front of an item, by name."""
    client, authz = request.state.client, request.app.state.authz
    grants, withheld, ground = await asyncio.gather(
        authz.grants_of_client(client.id), authz.withheld(client.id, resource_type, row.id), ground_of(request)
    )
    standing = [one for one in grants if one["status"] in _STANDING]
    names = await names_known(request, standing)
    accounts: dict[str, list[Mapping[str, Any]]] = {}
    for one in standing:
        accounts.setdefault(one["account_id"], []).append(one)
    question = Question("view", resource_type, row.id, properties_of(resource_type, row))
    answers = await asyncio.gather(*(explain_for(request, account, question) for account in accounts))
    by_name = {one["account_id"]: one for one in withheld["accounts"]}
    watchers = []
    for (account, held), (allowed, explanation) in zip(accounts.items(), answers, strict=True):
        deciding = next((one for one in held if one["id"] == explanation.get("grant_id")), held[0])
        name = names[deciding["id"]]
        subject = Subject(name, Kind(deciding["kind"]), deciding["toggles"])
        kept = by_name.get(account)
        watchers.append(
            Watcher(
                account=account,
                grant=deciding["id"],
                name=name,
                kinds=", ".join(_(KINDS[Kind(one["kind"])]) for one in held),
                is_self=any(one["kind"] == Kind.SELF.value for one in held),
                why=in_words(allowed, explanation, resource_type, subject, ground),
                kept=None if kept is None else set_in_words(kept, ground.staff, ground.zone),
            )
        )
    everyone = withheld["everyone"]
    return Sight(
        tuple(sorted(watchers, key=lambda one: one.name)),
        None if everyone is None else set_in_words(everyone, ground.staff, ground.zone),
    )


async def items_page(request: Request) -> Response:
    """The client's items by type, to find the one that is asked about."""
    kinds = list(SHELVES)
    open_kinds = [
        kind for kind, is_open in zip(kinds, await opens(request, [("view", k) for k in kinds]), strict=True) if is_open
    ]
    asked = request.query_params.get("type", "")
    chosen = asked if asked in open_kinds else next(iter(open_kinds), "")
    wanted = " ".join(request.query_params.get("q", "").split())[:SEARCHED_CHARACTERS_MAX]
    rows, total = [], 0
    if chosen:
        found = await shelf_rows(request, chosen, wanted, SIZE, (page_number(request) - 1) * SIZE)
        rows, total = found.rows, found.total
    return await page(
        request,
        "admin/who_items.html",
        shelves=[(kind, _(SHELVES[kind].many)) for kind in open_kinds],
        chosen=chosen,
        wanted=wanted,
        items=[describe(request, chosen, row) for row in rows],
        total=total,
        pages=pages_of(request, total, SIZE),
    )


async def who_page(request: Request) -> Response:
    """Everybody in front of one item: yes or no, why, who set it and when."""
    kind, row = await item_of(request)
    (may_withhold,) = await may(request, [("create", "withhold", {})])
    line = describe(request, kind, row)
    return await page(
        request,
        "admin/who_sees.html",
        item=line,
        own_page=_own_page(request, kind, row.id),
        sight=await sight_of(request, kind, row),
        may_withhold=may_withhold,
        asked=_asked(request.query_params.get("person", "")),
    )


def _asked(account: str) -> str:
    return account[:256]


def _own_page(request: Request, kind: str, item_id: str) -> str | None:
    """Where the practice keeps the item itself, for types that have such a page."""
    folder = {"document": "documents"}.get(kind)
    return None if folder is None else f"/admin/clients/{request.state.client.id}/{folder}/{item_id}"


def names_of(watchers: Sequence[Watcher]) -> str:
    """Their names, with commas."""
    return ", ".join(one.name for one in watchers)


_GRANT = Guard("view", "grant")
ROUTES = (
    Route("/admin/clients/{client}/seen", items_page, guard=_GRANT),
    Route("/admin/clients/{client}/seen/{type}/{item}", who_page, guard=_GRANT),
)
