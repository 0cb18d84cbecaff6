"""Time travel: who could see what of a client on a past day, and who had set what made it so (`portals.md` e2.5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlmodel import col

from gateway.admin.client_items import SHELVES, shelf_rows
from gateway.admin.client_items import describe as describe_item
from gateway.admin.clients import named
from gateway.admin.coming import PAGE
from gateway.admin.foreseen import names_of, parts_in_words
from gateway.admin.switches import Problem, listed
from gateway.edge.errors import Rejected
from gateway.edge.guard import Guard, Route
from gateway.edge.questions import listing, opens
from gateway.edge.what_if import Right
from gateway.web.formats import clock_time, day, zone_name
from gateway.web.language import N_, _
from gateway.web.pages import page
from gateway.web.paging import page_number, pages_of
from gateway.web.words import FEATURES, KINDS, Badge
from models.tables.records import Client
from models.vocabulary import Feature, GrantStatus, Kind, SubjectType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.admin.foreseen import Names

SIZE = 50
_ITEMS_MAX = 200
_NOT_FOUND = 404
_STATUS = {
    GrantStatus.ACTIVE: Badge(N_("Active"), "good"),
    GrantStatus.PENDING: Badge(N_("Pending"), "warn"),
    GrantStatus.SUSPENDED: Badge(N_("Suspended"), "bad"),
    GrantStatus.ENDED: Badge(N_("Ended")),
}
_DOES = {
    "view": N_("see it"),
    "download": N_("download it"),
    "sign": N_("sign it"),
    "print": N_("print it"),
    "pay": N_("pay it"),
    "complete": N_("fill it in"),
    "send": N_("write in it"),
    "cancel": N_("cancel it"),
    "reschedule": N_("move it"),
    "remind": N_("get a reminder"),
}


@dataclass(frozen=True, slots=True)
class PastPerson:
    """One person as their access was: what they could do, in words; empty for nothing."""

    name: str
    kinds: str
    could: str
    badges: tuple[Badge, ...]


@dataclass(frozen=True, slots=True)
class PastSetting:
    """A setting that held, who had set it, and since when."""

    says: str
    by: str
    since: str
    reason: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What the reader asks: a day and time in the practice's zone, and an item (`type/id`, empty for everything)."""

    day: str
    time: str
    item: str

    def instant(self, zone: str) -> datetime:
        """The instant; ValueError for what is no time."""
        local = datetime.combine(date.fromisoformat(self.day), time.fromisoformat(self.time or "12:00"))
        if not 1990 <= local.year <= 2200:
            raise ValueError(local.year)
        return local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


async def choose_client(request: Request) -> Response:
    """Whose past is asked about."""
    query = " ".join(request.query_params.get("q", "").split())[:100]
    found = await listing(
        request,
        "client",
        where=named(query) if query else None,
        order_by=(col(Client.name),),
        limit=SIZE,
        offset=(page_number(request) - 1) * SIZE,
    )
    pages = pages_of(request, found.total, SIZE)
    return await page(request, "admin/past_clients.html", clients=found.rows, query=query, pages=pages)


async def past_page(request: Request) -> Response:
    """Who could do what then."""
    client, reader, zone = request.state.client, request.state.reader, request.state.client.zone
    asked = Asked(*(request.query_params.get(name, "") for name in ("day", "time", "item")))
    items = await _items(request)
    people: list[PastPerson] = []
    settings: list[PastSetting] = []
    problems: list[Problem] = []
    when, about = "", next((label for value, label in items if value == asked.item), "")
    if asked.day:
        kind, _slash, item_id = asked.item.partition("/")
        try:
            at = asked.instant(zone)
            item = (kind, item_id) if about else None
            answer = await request.app.state.authz.past(client.id, at, item, actor=reader.actor)
        except ValueError:
            problems = [Problem("day", _("Choose a day and a time."))]
        except Rejected as error:
            told = (
                _("There was no such item, or no such client, at that time.")
                if error.status == _NOT_FOUND
                else error.detail
            )
            problems = [Problem("day", told)]
        else:
            names = await names_of(request, [(each["account_id"], client.id) for each in answer["people"]])
            local = at.astimezone(ZoneInfo(zone))
            when = _("%(day)s, %(time)s", day=day(local.date()), time=clock_time(local))
            people = [_person(each, names, client.id, of_item=item is not None) for each in answer["people"]]
            settings = await _settings(request, answer["settings"], names)
    return await page(
        request,
        "admin/past.html",
        status=422 if problems else 200,
        asked=asked,
        items=items,
        about=about,
        people=sorted(people, key=lambda each: (not each.could, each.name)),
        settings=settings,
        problems=problems,
        when=when,
        zone=zone_name(zone),
    )


def _person(each: Mapping[str, Any], names: Names, client_id: str, *, of_item: bool) -> PastPerson:
    rights = [Right(one["action"], one["resource_type"], one["resource_id"]) for one in each["rights"]]
    if of_item:
        could = listed([_(_DOES[right.action]) for right in rights if right.action in _DOES])
    else:
        could = parts_in_words(rights)
    kinds = listed(list(dict.fromkeys(_(KINDS[Kind(grant["kind"])]) for grant in each["grants"])))
    badges = [_STATUS[GrantStatus(grant["status"])] for grant in each["grants"]]
    shown = tuple(Badge(_(badge.label), badge.tone) for badge in dict.fromkeys(badges))
    return PastPerson(names.person(each["account_id"], client_id), kinds, could, shown)


async def _settings(request: Request, found: Sequence[Mapping[str, Any]], names: Names) -> list[PastSetting]:
    zone, client = ZoneInfo(request.state.client.zone), request.state.client
    staff = [each["set_by"].removeprefix("staff/") for each in found if each["set_by"].startswith("staff/")]
    known = await request.app.state.records.people(SubjectType.STAFF, staff)
    rows = []
    for each in found:
        since = datetime.fromisoformat(each["set_at"]).astimezone(zone)
        kind, _slash, who = each["set_by"].partition("/")
        by = known[who].name if kind == "staff" and who in known else _("the system")
        by = names.person(who, client.id) if kind == "account" else by
        rows.append(PastSetting(_said(each, names, client.id), by, day(since.date()), each["reason"] or ""))
    return rows


def _said(each: Mapping[str, Any], names: Names, client_id: str) -> str:
    values, who = each["values"], ""
    if each["account_id"]:
        who = _("everyone") if each["account_id"] == "*" else names.person(each["account_id"], client_id)
    match each["what"]:
        case "practice":
            says = _("Settings of the practice: teen from %(teen)s, adult from %(adult)s years.")
            return says % {"teen": values["teen_from"], "adult": values["adult_from"]}
        case "practice_switch":
            return _("%(feature)s was off for the whole practice.", feature=_feature(values["feature"]))
        case "client":
            return _("In care, and what is known of the client.") if values["active"] else _("Not in care.")
        case "client_switch":
            return _("%(feature)s was off for this client.", feature=_feature(values["feature"]))
        case "grant":
            on = [_feature(name) for name, value in values["toggles"].items() if value]
            kind = _(KINDS[Kind(values["kind"])])
            boxes = listed(on) if on else _("nothing")
            return _("%(who)s, %(kind)s. Boxes on: %(boxes)s.", who=who, kind=kind, boxes=boxes)
        case "withhold":
            return _("An item was kept from %(who)s.", who=who)
    return _("A safety block stood between %(who)s and the client.", who=who)


def _feature(name: str) -> str:
    return _(FEATURES[Feature(name)].label) if name in set(Feature) else name


async def _items(request: Request) -> list[tuple[str, str]]:
    """The client's items that the reader may see, as options."""
    kinds = list(SHELVES)
    openings = await opens(request, [("view", kind) for kind in kinds])
    found = []
    for kind, is_open in zip(kinds, openings, strict=True):
        if is_open:
            shelf = await shelf_rows(request, kind, "", _ITEMS_MAX, 0)
            lines = [describe_item(request, kind, row) for row in shelf.rows]
            found += [(f"{line.type}/{line.id}", f"{line.title} ({line.note})") for line in lines]
    return found


ROUTES = (
    Route(f"{PAGE}/past", choose_client, guard=Guard("view", "grant")),
    Route("/admin/clients/{client}/past", past_page, guard=Guard("view", "grant")),
)
