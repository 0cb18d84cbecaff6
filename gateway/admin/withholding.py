"""Keeping one item from one person, or from everyone who represents the client (rows P11, P12; conflict c4).

What is kept from everyone binds who gets access later, too; the client's own sign-in keeps the item.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.admin.client_items import describe, item_of
from gateway.admin.who_sees import names_of, sight_of
from gateway.edge.errors import NotFound, Rejected
from gateway.edge.guard import Guard, Route
from gateway.records.papers import copies_of
from gateway.web.language import _
from gateway.web.pages import page, say, see_other
from models.tables.records import Document

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.admin.client_items import ItemLine
    from gateway.admin.who_sees import Sight, Watcher

ALL = "all"  # everyone who represents the client
REASON_CHARACTERS_MAX = 500


@dataclass(frozen=True, slots=True)
class Change:
    """What is about to be done: to keep an item or to show it again, for one person or (None) for everyone."""

    keep: bool
    whom: Watcher | None
    item: ItemLine
    row: Any
    sight: Sight

    @property
    def target(self) -> str:
        """The value that names whom it is about."""
        return ALL if self.whom is None else self.whom.account


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with the form."""

    field: str
    sentence: str


async def change_page(request: Request) -> Response:
    """What keeping the item, or showing it again, will do: before it is done."""
    change = await _change_of(request, dict(request.query_params))
    return await _show(request, change)


async def make_change(request: Request) -> Response:
    """Do it; done already is done."""
    fields = {name: str(value) for name, value in (await request.form()).items()}
    change = await _change_of(request, fields)
    reason = " ".join(fields.get("reason", "").split())
    if len(reason) > REASON_CHARACTERS_MAX:
        sentence = _("Shorten the reason to %(limit)s letters.", limit=REASON_CHARACTERS_MAX)
        return await _show(request, change, reason=reason, problems=[Problem("reason", sentence)], status=422)
    try:
        await _carry_out(request, change, reason)
    except Rejected as error:
        return await _show(request, change, reason=reason, problems=[Problem("", error.detail)], status=422)
    await say(request, _said(change, request.state.client.preferred))
    return see_other(change.item.href)


async def _change_of(request: Request, fields: dict[str, str]) -> Change:
    kind, row = await item_of(request)
    sight = await sight_of(request, kind, row)
    whom, target = None, fields.get("whom", "")
    if target != ALL:
        whom = next((one for one in sight.watchers if one.account == target), None)
        if whom is None:
            raise NotFound
    return Change(fields.get("do", "keep") != "show", whom, describe(request, kind, row), row, sight)


async def _carry_out(request: Request, change: Change, reason: str) -> None:
    """The copies of a document first, so that no time passes in which only the original is kept."""
    authz, actor = request.app.state.authz, request.state.reader.actor
    kind, client = change.item.type, request.state.client
    how = {"on": change.keep, "actor": actor, "reason": reason}
    for item_id in [*await _copies(request, change), change.row.id]:
        if change.whom is None:
            await authz.withhold_from_all(client.id, kind, item_id, **how)
        else:
            await authz.withhold(change.whom.grant, kind, item_id, **how)


async def _copies(request: Request, change: Change) -> list[str]:
    """Ids of the copies that go with a document: a person's own, or for everyone all of them."""
    row = change.row
    if not isinstance(row, Document) or row.copy_of is not None:
        return []
    copies = await request.app.state.records.read(row.practice_id, lambda session: copies_of(session, row.id))
    return [one.id for one in copies if change.whom is None or one.copy_of == change.whom.account]


async def _show(
    request: Request, change: Change, *, reason: str = "", problems: list[Problem] | None = None, status: int = 200
) -> Response:
    client = request.state.client
    return await page(
        request,
        "admin/withhold.html",
        status=status,
        item=change.item,
        change=change,
        title=_title(change, client.preferred),
        effects=await _effects(request, change),
        reason=reason,
        reason_max=REASON_CHARACTERS_MAX,
        problems=problems or [],
    )


def _title(change: Change, client: str) -> str:
    if change.whom is None:
        asks = _("Keep this from everyone who represents %(client)s?", client=client)
        return asks if change.keep else _("Show this again to everyone who represents %(client)s?", client=client)
    asks = _("Keep this from %(name)s?", name=change.whom.name)
    return asks if change.keep else _("Show this to %(name)s again?", name=change.whom.name)


async def _effects(request: Request, change: Change) -> list[str]:
    """What will happen, sentence by sentence."""
    client = request.state.client.preferred
    copies = bool(await _copies(request, change))
    if change.whom is not None:
        return _effects_for_one(change, change.whom, copies=copies)
    if change.keep:
        losing = [one for one in change.sight.watchers if one.why.allowed and not one.is_self]
        return [
            _("These lose it with their next request: %(names)s.", names=names_of(losing))
            if losing
            else _("Nobody who represents %(client)s sees it now.", client=client),
            _("Whoever is given access to %(client)s later does not get it either.", client=client),
            _("%(client)s's own sign-in keeps it.", client=client),
            *([_("Everybody's own copy of it goes with it.")] if copies else []),
            _("What was signed stays in your records, with the name of who signed it."),
        ]
    kept = [one for one in change.sight.watchers if one.kept is not None]
    return [
        _("Everyone sees it again as far as their own access goes, newcomers included."),
        *([_("It stays kept from %(names)s by name.", names=names_of(kept))] if kept else []),
    ]


def _effects_for_one(change: Change, whom: Watcher, *, copies: bool) -> list[str]:
    if change.keep:
        return [
            _("From the next request on %(name)s finds no trace of it: no line, no page, no notice.", name=whom.name),
            _("It stays so when this kind of item is switched on or shared with all later."),
            _("Everybody else keeps it."),
            *([_("Their own copy of it goes with it.")] if copies else []),
            _("What was signed stays in your records, with the name of who signed it."),
        ]
    nos = [step.sentence for step in whom.why.chain if step.says_no and step.label != _("This item")]
    if change.sight.kept_from_all is not None and not whom.is_self:
        nos.append(_("It is kept from everyone who represents the client."))
    if nos:
        return [_("%(name)s still does not see it then:", name=whom.name), *nos]
    return [_("%(name)s sees it again from the next request on.", name=whom.name)]


def _said(change: Change, client: str) -> str:
    """What happened, and how to undo it."""
    if change.whom is None:
        if change.keep:
            return _(
                "Now kept from everyone who represents %(client)s. To undo it, show it to all again.", client=client
            )
        return _("No longer kept from everyone.")
    if change.keep:
        return _("Now kept from %(name)s. To undo it, show it again.", name=change.whom.name)
    return _("No longer kept from %(name)s.", name=change.whom.name)


_PATH = "/admin/clients/{client}/seen/{type}/{item}/keep"
ROUTES = (
    Route(_PATH, change_page, guard=Guard("create", "withhold")),
    Route(_PATH, make_change, guard=Guard("create", "withhold"), methods=("POST",)),
)
