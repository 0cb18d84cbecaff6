"""One switch for many people at once: seen first, all or nothing, and taken back by a link (rows P12, M7)."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlmodel import col, select, update

from gateway.admin.foreseen import foresee, names_of
from gateway.admin.staff import name_in
from gateway.admin.switches import Problem, listed
from gateway.edge.errors import NotFound, Rejected
from gateway.edge.guard import Guard, Route
from gateway.web.formats import clock_time, count, day
from gateway.web.language import N_, _
from gateway.web.pages import page, say, see_other
from gateway.web.words import FEATURES, KINDS
from models.tables.bulk import BulkChange
from models.vocabulary import Feature, GrantStatus, Kind, SubjectType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlmodel import Session
    from starlette.datastructures import FormData, QueryParams
    from starlette.requests import Request
    from starlette.responses import Response

PAGE = "/admin/bulk"
CHANGES_MAX = 1000  # of one transaction of the service
SUPPOSED_MAX = 500  # of one what-if question
SHOWN_MAX = 50
_RECENT = 10
_REASON = "Changed for many people at once"  # in the trail, which every administrator reads in one language
_UNDONE = "A change for many people taken back"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be switched, for whom; `client` is an id, empty for every client."""

    client: str = ""
    kinds: tuple[str, ...] = ()
    feature: str = ""
    state: str = ""

    @property
    def on(self) -> bool:
        """Whether it is to be on."""
        return self.state == "on"

    def fields(self) -> list[tuple[str, str]]:
        """The same as hidden fields."""
        kinds = [("kind", kind) for kind in self.kinds]
        return [("client", self.client), *kinds, ("feature", self.feature), ("state", self.state)]


@dataclass(frozen=True, slots=True)
class Selection:
    """The grants whose own switch would be turned; how many have it so already, and how many never can have it."""

    grants: list[dict[str, Any]] = field(default_factory=list)
    so_already: int = 0
    never: int = 0

    @property
    def people(self) -> int:
        """How many hold these grants."""
        return len({grant["account_id"] for grant in self.grants})

    @property
    def digest(self) -> str:
        """Of exactly these grants in exactly these versions: what is saved is what was shown."""
        named = "|".join(f"{grant['id']}={grant['etag']}" for grant in self.grants)
        return hashlib.sha256(named.encode()).hexdigest()


async def bulk_page(request: Request) -> Response:
    """Choose what to switch for whom, then see whom it reaches."""
    query = request.query_params
    wish = _wish(query)
    if "feature" not in query:
        return await _choose(request, wish)
    if problems := _wrong(wish):
        return await _choose(request, wish, problems)
    return await _preview(request, wish)


async def save(request: Request) -> Response:
    """Turn the switch of everyone who was shown, or of nobody."""
    form, reader = await request.form(), request.state.reader
    wish, once = _wish(form), str(form.get("once", ""))
    if _wrong(wish) or len(once) != 32 or await _client_name(request, wish) is None:
        raise NotFound
    found = await _select(request, wish)
    if found.digest != form.get("shown"):
        told = _("Somebody changed access in the meantime. Look at the list again, then save.")
        return await _preview(request, wish, [Problem(None, told)], 409)
    changes = [_turn(grant, wish.feature, on=wish.on) for grant in found.grants]
    try:
        await request.app.state.authz.update_grants(reader.practice_id, changes, reason=_REASON, actor=reader.actor)
    except Rejected as error:
        told = _("Nothing was changed: %(why)s", why=error.detail)
        return await _preview(request, wish, [Problem(None, told)], 409)
    row = BulkChange(
        id=once,
        practice_id=reader.practice_id,
        client_id=wish.client or None,
        kinds=list(wish.kinds),
        feature=wish.feature,
        is_on=wish.on,
        grant_ids=[grant["id"] for grant in found.grants],
        made_by=reader.id,
        made_at=request.app.state.clock(),
    )
    await request.app.state.records.change(reader.practice_id, lambda session: session.add(row))
    people = count(found.people, "person", "people")
    words = N_("%(feature)s is now on for %(people)s.") if wish.on else N_("%(feature)s is now off for %(people)s.")
    await say(request, _(words, feature=_feature(wish.feature), people=people))
    return see_other(f"{PAGE}/{once}")


async def change_page(request: Request) -> Response:
    """One change for many people, and what taking it back would do."""
    return await _show_change(request, await _change(request))


async def undo(request: Request) -> Response:
    """Turn the switches back that are still as this change left them; once."""
    change, reader = await _change(request), request.state.reader
    grants = [] if change.undone_at else await _still(request, change)
    changes = [_turn(grant, change.feature, on=not change.is_on) for grant in grants]
    if not changes:
        return await _show_change(request, change, [Problem(None, _("There is nothing left to take back."))], 409)
    try:
        await request.app.state.authz.update_grants(reader.practice_id, changes, reason=_UNDONE, actor=reader.actor)
    except Rejected as error:
        told = _("Nothing was changed: %(why)s", why=error.detail)
        return await _show_change(request, change, [Problem(None, told)], 409)
    marked = update(BulkChange).where(col(BulkChange.id) == change.id).values(undone_at=request.app.state.clock())
    await request.app.state.records.change(reader.practice_id, lambda session: session.execute(marked) and None)
    await say(
        request,
        _("Taken back for %(people)s.", people=count(len({one["account_id"] for one in grants}), "person", "people")),
    )
    return see_other(f"{PAGE}/{change.id}")


async def _choose(request: Request, wish: Wish, problems: Sequence[Problem] = ()) -> Response:
    practice_id = request.state.reader.practice_id
    newest = select(BulkChange).where(BulkChange.practice_id == practice_id)
    newest = newest.order_by(col(BulkChange.made_at).desc()).limit(_RECENT)
    recent = await request.app.state.records.read(practice_id, lambda session: list(session.exec(newest)))
    name = await _client_name(request, wish)
    if name is None:
        raise NotFound
    return await page(
        request,
        "admin/bulk.html",
        status=422 if problems else 200,
        problems=problems,
        wish=wish,
        client_name=name,
        kinds=[(kind.value, _(KINDS[kind]), kind.value in wish.kinds) for kind in Kind],
        features=[(feature.value, _(words.label)) for feature, words in FEATURES.items()],
        recent=[(f"{PAGE}/{one.id}", await _told(request, one), bool(one.undone_at)) for one in recent],
    )


async def _preview(request: Request, wish: Wish, problems: Sequence[Problem] = (), status: int = 200) -> Response:
    client_name = await _client_name(request, wish)
    if client_name is None:
        raise NotFound
    found = await _select(request, wish)
    supposed = [{"grant": one["id"], "toggles": {wish.feature: wish.on}} for one in found.grants[:SUPPOSED_MAX]]
    return await page(
        request,
        "admin/bulk_preview.html",
        status=status,
        problems=problems,
        wish=wish,
        once=secrets.token_hex(16),
        shown=found.digest,
        title=_title(wish, client_name),
        people=found.people,
        boxes=len(found.grants),
        too_many=len(found.grants) > CHANGES_MAX,
        so_already=found.so_already,
        never=found.never,
        rows=await _rows(request, found.grants[:SHOWN_MAX]),
        more=max(0, len(found.grants) - SHOWN_MAX),
        foreseen=await foresee(request, supposed) if supposed and len(found.grants) <= SUPPOSED_MAX else None,
    )


async def _show_change(
    request: Request, change: BulkChange, problems: Sequence[Problem] = (), status: int = 200
) -> Response:
    grants = [] if change.undone_at else await _still(request, change)
    return await page(
        request,
        "admin/bulk_change.html",
        status=status,
        problems=problems,
        change=change,
        told=await _told(request, change),
        boxes=len(change.grant_ids),
        undoable=len(grants),
        rows=await _rows(request, grants[:SHOWN_MAX]),
        more=max(0, len(grants) - SHOWN_MAX),
    )


async def _select(request: Request, wish: Wish) -> Selection:
    authz, practice_id = request.app.state.authz, request.state.reader.practice_id
    grants = await authz.grants_of_practice(practice_id, wish.kinds)
    within = {one["kind"]: set(one["may"]) for one in await authz.kind_defaults(practice_id)}
    so_already = never = 0
    chosen = []
    for grant in grants:
        if grant["status"] == GrantStatus.ENDED.value or wish.client not in ("", grant["client_id"]):
            continue
        if grant["toggles"][wish.feature] is wish.on:
            so_already += 1
        elif wish.on and wish.feature not in within[grant["kind"]]:
            never += 1
        else:
            chosen.append(grant)
    return Selection(chosen, so_already, never)


async def _still(request: Request, change: BulkChange) -> list[dict[str, Any]]:
    """The grants whose switch is still as the change left it."""
    grants = await request.app.state.authz.grants_of_practice(change.practice_id, change.kinds)
    ids = set(change.grant_ids)
    return [
        grant
        for grant in grants
        if grant["id"] in ids
        and grant["status"] != GrantStatus.ENDED.value
        and grant["toggles"][change.feature] is change.is_on
    ]


async def _change(request: Request) -> BulkChange:
    practice_id, wanted = request.state.reader.practice_id, request.path_params["change"]

    def read(session: Session) -> BulkChange | None:
        found = session.get(BulkChange, wanted)
        return found if found is not None and found.practice_id == practice_id else None

    found: BulkChange | None = await request.app.state.records.read(practice_id, read)
    if found is None:
        raise NotFound
    return found


async def _rows(request: Request, grants: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """Name, what they are to whom, and where their switches are."""
    names = await names_of(request, [(grant["account_id"], grant["client_id"]) for grant in grants])
    return [
        (
            names.person(grant["account_id"], grant["client_id"]),
            _(
                "%(kind)s of %(client)s",
                kind=_(KINDS[Kind(grant["kind"])]),
                client=names.clients.get(grant["client_id"], grant["client_id"]),
            ),
            f"/admin/clients/{grant['client_id']}/grants/{grant['id']}",
        )
        for grant in grants
    ]


async def _client_name(request: Request, wish: Wish) -> str | None:
    """The client's name, empty for every client; None for one who is not the practice's."""
    if not wish.client:
        return ""
    found = await request.app.state.records.client(wish.client)
    if found is None or found[0].practice_id != request.state.reader.practice_id:
        return None
    return str(found[0].name)


async def _told(request: Request, change: BulkChange) -> str:
    """What a change did, who made it and when."""
    wish = Wish(change.client_id or "", tuple(change.kinds), change.feature, "on" if change.is_on else "off")
    staff = await request.app.state.records.people(SubjectType.STAFF, [change.made_by])
    made = change.made_at.astimezone(ZoneInfo(request.state.reader.zone))
    what = _title(wish, await _client_name(request, wish) or change.client_id or "")
    return _(
        "%(what)s (%(who)s, %(day)s, %(time)s)",
        what=what,
        who=name_in(staff, change.made_by),
        day=day(made.date()),
        time=clock_time(made),
    )


def _title(wish: Wish, client_name: str) -> str:
    kinds = listed([_(KINDS[kind]) for kind in Kind if kind.value in wish.kinds])
    words = N_("%(feature)s on: %(kinds)s") if wish.on else N_("%(feature)s off: %(kinds)s")
    told = _(words, feature=_feature(wish.feature), kinds=kinds)
    return _("%(what)s, of %(client)s", what=told, client=client_name) if client_name else told


def _feature(name: str) -> str:
    return _(FEATURES[Feature(name)].label)


def _turn(grant: Mapping[str, Any], feature: str, *, on: bool) -> dict[str, Any]:
    return {"id": grant["id"], "etag": grant["etag"], "toggles": {feature: on}}


def _wish(sent: FormData | QueryParams) -> Wish:
    asked = {str(kind) for kind in sent.getlist("kind")}
    return Wish(
        client=str(sent.get("client", "")),
        kinds=tuple(kind.value for kind in Kind if kind.value in asked),
        feature=str(sent.get("feature", "")),
        state=str(sent.get("state", "")),
    )


def _wrong(wish: Wish) -> list[Problem]:
    problems = []
    if not wish.kinds:
        problems.append(Problem("kinds", _("Tick at least one kind of person.")))
    if wish.feature not in set(Feature):
        problems.append(Problem("feature", _("Choose what to switch.")))
    if wish.state not in {"on", "off"}:
        problems.append(Problem("state-off", _("Choose on or off.")))
    return problems


ROUTES = (
    Route(PAGE, bulk_page, guard=Guard("update", "grant")),
    Route(PAGE, save, guard=Guard("update", "grant"), methods=("POST",)),
    Route(f"{PAGE}/{{change}}", change_page, guard=Guard("update", "grant")),
    Route(f"{PAGE}/{{change}}", undo, guard=Guard("update", "grant"), methods=("POST",)),
)
