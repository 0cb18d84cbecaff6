"""What was read under emergency access, in words for whoever reviews it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlmodel import col, select

from gateway.admin.trail_words import action_words, asked_words
from gateway.edge.questions import opens
from gateway.web.formats import clock_time
from gateway.web.language import _
from models.tables.records import ITEMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlmodel import Session
    from starlette.requests import Request

_TITLED = ("document", "form", "service_plan")
_IDS_AT_ONCE = 500


@dataclass(slots=True)
class ReadView:
    """One item or list that was opened, and when."""

    what: str
    title: str
    times: list[str]
    entry: str
    is_along: bool  # asked while a page about something else was made

    @property
    def when(self) -> str:
        """Each minute once."""
        return ", ".join(dict.fromkeys(self.times))


async def reads_in_words(request: Request, reads: Sequence[Mapping[str, Any]]) -> list[ReadView]:
    """Each item and list once, in the order in which they were opened.

    A page asks about the buttons beside the item that it shows, so within one request the view stands for the others.
    """
    zone = ZoneInfo(request.state.reader.zone)
    views: dict[tuple[Any, ...], ReadView] = {}
    shown = {(one["request_id"], _key(one)) for one in reads if one["action"] == "view"}
    # A page is decided before anything else is asked for it, so the first answer of a request is what was opened.
    first: dict[str | None, str] = {}
    for one in reads:
        first.setdefault(one["request_id"], one["id"])
    titles = await titles_of(request, map(_key, reads))
    for one in reads:
        if one["type"] == "decision" and one["action"] != "view" and (one["request_id"], _key(one)) in shown:
            continue
        resource = one["resource"]
        is_item = resource["id"] not in (None, one["client_id"], one["practice_id"])
        is_along = one["type"] == "decision" and not is_item and first[one["request_id"]] != one["id"]
        key = (one["type"], one["action"], resource["type"], resource["id"], one["client_id"])
        at = clock_time(datetime.fromisoformat(one["at"]).astimezone(zone))
        if key in views:
            views[key].times.append(at)
            views[key].is_along &= is_along
            continue
        what = action_words(one) if one["type"] == "event" else asked_words(one["action"], resource["type"])
        title = titles.get((resource["type"], resource["id"]), "")
        if resource["id"] is None:
            title = (
                _("A list over all clients, which may have shown this one") if one["client_id"] is None else _("List")
            )
        views[key] = ReadView(what, title, [at], one["id"], is_along)
    return list(views.values())


def _key(one: Mapping[str, Any]) -> tuple[str, str | None]:
    return one["resource"]["type"], one["resource"]["id"]


async def titles_of(request: Request, items: Iterable[tuple[str, str | None]]) -> dict[tuple[str, str], str]:
    """Titles of items by (type, id), for readers to whom content of clients is open; others read ids.

    A title of a clinical paper may say what it is about, so those are known by their id.
    """
    wanted: dict[str, set[str]] = {}
    for kind, item_id in items:
        if item_id is not None and kind in _TITLED:
            wanted.setdefault(kind, set()).add(item_id)
    (sees,) = await opens(request, [("view", "client")])
    if not wanted or not sees:
        return {}

    def read(session: Session) -> dict[tuple[str, str], str]:
        found: dict[tuple[str, str], str] = {}
        for kind, ids in wanted.items():
            table: Any = ITEMS[kind]
            every = sorted(ids)
            for start in range(0, len(every), _IDS_AT_ONCE):
                some = every[start : start + _IDS_AT_ONCE]
                found |= {
                    (kind, row.id): row.title for row in session.exec(select(table).where(col(table.id).in_(some)))
                }
        return found

    found: dict[tuple[str, str], str] = await request.app.state.records.read(request.state.reader.practice_id, read)
    return found
