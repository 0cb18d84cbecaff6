"""The practice's trail: every decision, change and event, found, explained and taken away.

The same pages serve the practice and its security reviewers; in the review, families and clients are ids for everyone.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from starlette.responses import StreamingResponse

from gateway.admin.trail_actions import ACTIONS, TYPES
from gateway.admin.trail_filter import KINDS, read_filter
from gateway.admin.trail_words import action_words, names_of, type_words
from gateway.edge.errors import NotFound, Refused, Rejected
from gateway.edge.guard import Guard, Route
from gateway.edge.questions import may
from gateway.edge.refusals import staff_refusal
from gateway.web.formats import clock_time, day
from gateway.web.language import N_, _
from gateway.web.pages import page
from gateway.web.words import Badge

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.admin.trail_words import Names

PAGE = "/admin/trail"
REVIEW_PAGE = "/review/trail"
SIZE = 50
EXPORT_PAGE = 500
EXPORT_MAX = 100_000  # records of one file
_NEXT_MAX = 400
_HEAD = (
    "at", "kind", "who", "who_id", "person", "person_id", "client", "client_id", "action", "item_type", "item_id",
    "decision", "asked_of_another_time", "before", "after", "reason", "details", "request_id", "record",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_LEVELS = {
    "platform": N_("Rule of the platform"),
    "practice": N_("The practice"),
    "client": N_("The client's settings"),
    "grant": N_("This person's access"),
    "item": N_("The item"),
    "person": N_("The person"),
}


@dataclass(frozen=True, slots=True)
class EntryView:
    """A record in a line."""

    href: str
    what: str
    who: str
    about: str
    when: str
    badge: Badge
    what_if: bool


async def trail_page(request: Request) -> Response:
    """The newest records first, a page at a time from a place that stays right while others arrive."""
    return await page(request, "admin/trail.html", **await listed(request))


async def listed(request: Request) -> dict[str, Any]:
    """What the page of the list shows, with the page's status."""
    base, is_review = _base(request), _in_review(request)
    found, after = await read_filter(request, hide=is_review), request.query_params.get("next", "")[:_NEXT_MAX]
    entries: list[dict[str, Any]] = []
    place = ""
    if not found.problems:
        wanted = found.wanted | {"limit": str(SIZE), "next": after}
        entries, place = await _ask(request, wanted)
    names = await _names(request, entries)
    (may_export,) = await may(request, [("export", "trail", {})])
    return {
        "status": 422 if found.problems else 200,
        "base": base,
        "is_review": is_review,
        "filter": found,
        "entries": [_view(request, entry, names) for entry in entries],
        "newest": found.link(base) if after else "",
        "older": found.link(base, next=place) if place else "",
        "kinds": [(value, _(label)) for value, (label, _asked) in KINDS.items()],
        "types": [(value, _(label)) for value, label in TYPES.items()],
        "actions": ACTIONS,
        "exports": [(name, found.link(f"{base}/export", format=name)) for name in ("csv", "jsonl")]
        if may_export
        else [],
        "export_max": EXPORT_MAX,
    }


async def entry_page(request: Request) -> Response:
    """One record: what was changed, or why it was decided so, by the rules and on the facts of then."""
    try:
        told = await request.app.state.authz.trail_entry(request.path_params["entry"], actor=request.state.reader.actor)
    except Rejected as error:
        raise NotFound from error
    entry = told["entry"]
    names = await _names(request, [entry])
    explanation = told.get("explanation")
    resource = entry.get("resource") or {}
    return await page(
        request,
        "admin/trail_entry.html",
        base=_base(request),
        is_review=_in_review(request),
        entry=entry,
        view=_view(request, entry, names),
        who=names.subject(entry.get("subject")),
        person=names.account(entry.get("account_id")),
        client_name=names.client(entry.get("client_id")),
        item_type=type_words(resource.get("type") or ""),
        item_id=resource.get("id") or "",
        changes=_changes(entry),
        explanation=explanation,
        because=_because(entry, explanation),
        policy=told.get("policy"),
        situation=[_fact_words(fact) for fact in told.get("situation", ())],
        legal=sorted({fact["legal"] for fact in (explanation or {}).get("facts", ()) if fact.get("legal")}),
        details=sorted((entry.get("details") or {}).items()),
    )


async def export(request: Request) -> Response:
    """Everything the filter shows as CSV or JSON lines; the service decides and records it before the first line."""
    found = await read_filter(request, hide=_in_review(request))
    kind = request.query_params.get("format", "csv")
    if found.problems or kind not in ("csv", "jsonl"):
        raise NotFound
    # What is recorded meanwhile, this export too, is not part of it.
    found.wanted.setdefault("until", request.app.state.clock().isoformat())
    wanted = found.wanted | {"for": "export", "limit": str(EXPORT_PAGE)}
    first = await _ask(request, wanted)
    lines = _csv(request, wanted, first) if kind == "csv" else _json_lines(request, wanted, first)
    name = f"trail-{request.state.reader.practice_id}-{request.app.state.clock():%Y-%m-%d}.{kind}"
    media_type = "text/csv; charset=utf-8" if kind == "csv" else "application/x-ndjson"
    return StreamingResponse(
        lines, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def csv_line(values: Sequence[object]) -> str:
    """A line of CSV; what a spreadsheet would take for a formula is kept a text by an apostrophe before it."""
    line = io.StringIO()
    texts = ["" if value is None else str(value) for value in values]
    csv.writer(line, lineterminator="\r\n").writerow(
        [f"'{text}" if text.startswith(_FORMULA) else text for text in texts]
    )
    return line.getvalue()


async def _csv(request: Request, wanted: dict[str, str], first: tuple[list[dict[str, Any]], str]) -> AsyncIterator[str]:
    zone = ZoneInfo(request.state.reader.zone)
    yield "\ufeff" + csv_line(_HEAD)  # The mark lets spreadsheets read the names' letters.
    async for entries, is_cut in _pages(request, wanted, first):
        names = await _names(request, entries)
        yield "".join(csv_line(_columns(entry, names, zone)) for entry in entries)
        if is_cut:
            yield csv_line([f"Only the newest {EXPORT_MAX} records are here; choose fewer days for the others."])


async def _json_lines(
    request: Request, wanted: dict[str, str], first: tuple[list[dict[str, Any]], str]
) -> AsyncIterator[str]:
    async for entries, is_cut in _pages(request, wanted, first):
        yield "".join(f"{json.dumps(entry, ensure_ascii=False)}\n" for entry in entries)
        if is_cut:
            yield json.dumps({"cut": True, "most": EXPORT_MAX}) + "\n"


async def _pages(
    request: Request, wanted: dict[str, str], first: tuple[list[dict[str, Any]], str]
) -> AsyncIterator[tuple[list[dict[str, Any]], bool]]:
    """The pages one after the other, each with whether the file ends there for its size."""
    (entries, place), count = first, 0
    while True:
        count += len(entries)
        is_cut = bool(place) and count >= EXPORT_MAX
        yield entries, is_cut
        if not place or is_cut:
            return
        entries, place = await _ask(request, wanted | {"next": place})


def _columns(entry: Mapping[str, Any], names: Names, zone: ZoneInfo) -> list[object]:
    resource = entry.get("resource") or {}
    at = datetime.fromisoformat(entry["at"]).astimezone(zone)
    decision = {True: "allowed", False: "denied", None: ""}[entry.get("decision")]
    return [
        at.isoformat(timespec="seconds"),
        entry["type"],
        names.subject(entry.get("subject")),
        entry.get("subject"),
        names.account(entry.get("account_id")),
        entry.get("account_id"),
        names.client(entry.get("client_id")),
        entry.get("client_id"),
        entry.get("action"),
        resource.get("type"),
        resource.get("id"),
        decision,
        entry.get("what_if"),
        *(json.dumps(entry[name], ensure_ascii=False) if name in entry else "" for name in ("before", "after")),
        entry.get("reason"),
        json.dumps(entry["details"], ensure_ascii=False) if entry.get("details") else "",
        entry.get("request_id"),
        entry["id"],
    ]


def _in_review(request: Request) -> bool:
    return f"{request.url.path}/".startswith(f"{REVIEW_PAGE}/")


def _base(request: Request) -> str:
    return REVIEW_PAGE if _in_review(request) else PAGE


async def _ask(request: Request, wanted: Mapping[str, str]) -> tuple[list[dict[str, Any]], str]:
    reader = request.state.reader
    try:
        found: tuple[list[dict[str, Any]], str] = await request.app.state.authz.trail(wanted, actor=reader.actor)
    except Rejected as error:
        if error.status == 403:
            raise Refused(staff_refusal()) from error
        raise NotFound from error
    return found


async def _names(request: Request, entries: Sequence[Mapping[str, Any]]) -> Names:
    accounts: set[str] = set()
    staff: set[str] = set()
    for entry in entries:
        kind, _slash, name = (entry.get("subject") or "").partition("/")
        (accounts if kind == "account" else staff).add(name)
        accounts.add(entry.get("account_id") or "")
    return await names_of(
        request,
        accounts=[one for one in accounts if one],
        staff=[one for one in staff if one],
        clients=[entry["client_id"] for entry in entries if entry.get("client_id")],
        hide=True if _in_review(request) else None,
    )


def _view(request: Request, entry: Mapping[str, Any], names: Names) -> EntryView:
    at = datetime.fromisoformat(entry["at"]).astimezone(ZoneInfo(request.state.reader.zone))
    resource = entry.get("resource") or {}
    parts = [names.client(entry.get("client_id"))]
    account, by = entry.get("account_id"), str(entry.get("subject") or "")
    if account and entry.get("subject") != f"account/{account}":
        parts.append(names.account(account))
    if entry["type"] != "decision" and resource.get("type") and resource["type"] not in ("trail", "client"):
        parts.append(type_words(resource["type"]))
    told = (entry.get("client_id"), entry.get("practice_id"))
    if resource.get("id") and resource["id"] not in told and resource["type"] not in ("emergency_access", "grant"):
        parts.append(str(resource["id"]))
    badges = {
        "change": Badge(_("Change"), "info"),
        "event": Badge(_("Event")),
        "decision": Badge(_("Allowed"), "good") if entry.get("decision") else Badge(_("Denied"), "warn"),
    }
    return EntryView(
        href=f"{_base(request)}/entries/{quote(entry['id'], safe='')}",
        what=action_words(entry),
        who=_("The portal itself") if by.startswith("system/") else names.subject(by) or _("The portal itself"),
        about=" · ".join(dict.fromkeys(part for part in parts if part)),
        when=f"{day(at.date())}, {clock_time(at)}",
        badge=badges[entry["type"]],
        what_if=bool(entry.get("what_if")),
    )


def _changes(entry: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(what, before, after) of everything that a change changed; nested ones as `toggles.invoices`."""
    before, after = (_flat(entry.get(name) or {}) for name in ("before", "after"))
    names = dict.fromkeys([*before, *after])
    return [
        (name, _shown(before.get(name)), _shown(after.get(name)))
        for name in names
        if before.get(name) != after.get(name)
    ]


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = value
    return found


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return _("on") if value else _("off")
    if value is None:
        return "\N{EM DASH}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _because(entry: Mapping[str, Any], explanation: Mapping[str, Any] | None) -> str:
    if entry["type"] != "decision":
        return ""
    if explanation is not None:
        return str(explanation["reason_admin"]["text"])
    if (entry.get("resource") or {}).get("id") is None and entry.get("decision"):
        return _("This was a list. Each row was shown only if the rules allow that row.")
    return str(entry.get("error") or "")


def _fact_words(fact: Mapping[str, Any]) -> dict[str, str]:
    level = fact.get("controlled_by")
    return {
        "says": str(fact.get("says") or fact["fact"]),
        "value": _shown_fact(fact["value"]),
        "level": _(_LEVELS[level]) if level in _LEVELS else "",
        "legal": str(fact.get("legal") or ""),
    }


def _shown_fact(value: object) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return str(value).replace("_", " ")


ROUTES = (
    Route(PAGE, trail_page, guard=Guard("view", "trail")),
    Route(f"{PAGE}/export", export, guard=Guard("export", "trail")),
    Route(f"{PAGE}/entries/{{entry}}", entry_page, guard=Guard("view", "trail")),
)
