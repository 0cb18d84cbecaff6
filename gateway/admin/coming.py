"""The calendar of coming changes: what will change by itself, day by day, and for whom (`portals.md` e2.6)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event
from sqlmodel import col, select
from starlette.responses import Response

from gateway.account.mailed_links import Purpose
from gateway.admin.foreseen import foresee, names_of
from gateway.edge.errors import NotFound
from gateway.edge.guard import Guard, Route
from gateway.edge.questions import opens
from gateway.web.formats import count, long_day, zone_name
from gateway.web.language import N_, _, language
from gateway.web.pages import page
from gateway.web.paging import page_number, pages_of
from gateway.web.words import Badge
from models.tables.getting_in import Contact, MailedLink

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlmodel import Session
    from starlette.requests import Request

    from gateway.admin.foreseen import Names

PAGE = "/admin/changes"
SIZE = 50
DAYS = 90
_SPANS = {"30": N_("Next 30 days"), "90": N_("Next 90 days"), "365": N_("Next 12 months")}
_KINDS = {
    "birthday": N_("Birthdays"),
    "grant_begins": N_("Access that begins"),
    "grant_ends": N_("Access that ends"),
    "invitation": N_("Invitations that expire"),
}
_TONES = {"birthday": "info", "grant_begins": "good", "grant_ends": "warn", "invitation": ""}
_BADGES = {
    "birthday": N_("Birthday"),
    "grant_begins": N_("Begins"),
    "grant_ends": N_("Ends"),
    "invitation": N_("Invitation"),
}


@dataclass(frozen=True, slots=True)
class Place:
    """Another page about time."""

    label: str
    about: str
    href: str
    icon: str


@dataclass(frozen=True, slots=True)
class ComingRow:
    """One coming change in words."""

    key: str
    client_id: str
    on: date
    what: str
    title: str
    effect: str
    href: str
    badge: Badge


@dataclass(frozen=True, slots=True)
class ComingDay:
    """The changes of one day; `href` leads to all that the day changes, empty where nothing does."""

    title: str
    href: str
    rows: tuple[ComingRow, ...]


async def changes_page(request: Request) -> Response:
    """The coming changes, the next first."""
    span = request.query_params.get("days", str(DAYS))
    span = span if span in _SPANS else str(DAYS)
    kind = request.query_params.get("what", "")
    words = " ".join(request.query_params.get("q", "").split())[:100].casefold()
    rows = await _rows(request, int(span))
    found = [
        row for row in rows if kind in ("", row.what) and all(word in row.title.casefold() for word in words.split())
    ]
    pages, start = pages_of(request, len(found), SIZE), (page_number(request) - 1) * SIZE
    return await page(
        request,
        "admin/changes.html",
        days=_by_day(found[start : start + SIZE]),
        total=count(len(found), "change", "changes"),
        spans=_SPANS,
        span=span,
        kinds=_KINDS,
        kind=kind,
        words=words,
        pages=pages,
        places=await _places(request),
        zone=zone_name(request.state.reader.zone),
    )


async def changes_file(request: Request) -> Response:
    """The same as an iCalendar file of whole days, for the reader's own calendar."""
    calendar = Calendar()
    calendar.add("prodid", f"-//Kinguard//Changes//{language().upper()}")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", _("Coming changes"))
    now: datetime = request.app.state.clock()
    for row in await _rows(request, DAYS):
        event = Event()
        event.add("uid", f"{row.key}@kinguard")
        event.add("dtstamp", now)
        event.add("dtstart", row.on)
        event.add("dtend", row.on + timedelta(days=1))
        event.add("summary", row.title)
        event.add("description", row.effect)
        event.add("class", "PRIVATE")
        event.add("transp", "TRANSPARENT")
        event.add("url", f"{request.app.state.settings.public_url}{row.href}")
        calendar.add_component(event)
    headers = {"Content-Disposition": 'attachment; filename="coming-changes.ics"'}
    return Response(bytes(calendar.to_ical()), media_type="text/calendar; charset=utf-8", headers=headers)


async def day_page(request: Request) -> Response:
    """All that changes by itself at the midnight with which a day begins: who loses and who gains what."""
    try:
        on = date.fromisoformat(request.path_params["day"])
    except ValueError as error:
        raise NotFound from error
    today = today_of(request)
    if not today < on <= today + timedelta(days=400):
        raise NotFound
    before, midnight = midnight_of(request, on)
    start = (page_number(request) - 1) * SIZE
    rows = [row for row in await _rows(request, (on - today).days) if row.on == on]
    # Nothing changes by itself but what the calendar names, so nobody else is compared.
    clients = sorted({row.client_id for row in rows})
    foreseen = await foresee(
        request, [], at=before, compare_at=midnight, clients=clients, shown=slice(start, start + SIZE)
    )
    return await page(
        request,
        "admin/changes_day.html",
        title=long_day(on),
        foreseen=foreseen,
        pages=pages_of(request, foreseen.people, SIZE),
        rows=rows,
    )


def today_of(request: Request) -> date:
    """Today, on the calendar of the reader's practice."""
    now: datetime = request.app.state.clock()
    return now.astimezone(ZoneInfo(request.state.reader.zone)).date()


def midnight_of(request: Request, on: date) -> tuple[datetime, datetime]:
    """The last instant before a day of the practice, and its first."""
    midnight = datetime.combine(on, time(), ZoneInfo(request.state.reader.zone)).astimezone(UTC)
    return midnight - timedelta(microseconds=1), midnight


async def _places(request: Request) -> list[Place]:
    places = (
        (
            N_("What if"),
            N_("Suppose a change, and see whom it would reach"),
            f"{PAGE}/what-if",
            "search",
            ("update", "switch"),
        ),
        (
            N_("On a past day"),
            N_("Who could see what then, and who had set it"),
            f"{PAGE}/past",
            "calendar",
            ("view", "grant"),
        ),
        (
            N_("Ages"),
            N_("When a client becomes a teen and an adult here"),
            f"{PAGE}/ages",
            "settings",
            ("update", "practice"),
        ),
        (
            N_("Hand-overs"),
            N_("Pass one person's access to a successor"),
            f"{PAGE}/hand-overs",
            "people",
            ("view", "practice"),
        ),
    )
    openings = await opens(request, [question for *_rest, question in places])
    return [
        Place(_(label), _(about), href, icon)
        for (label, about, href, icon, _question), is_open in zip(places, openings, strict=True)
        if is_open
    ]


async def _rows(request: Request, days: int) -> list[ComingRow]:
    reader, until = request.state.reader, today_of(request) + timedelta(days=days)
    answer = await request.app.state.authz.coming_changes(reader.practice_id, until=until, actor=reader.actor)
    events: list[Mapping[str, Any]] = answer["changes"]
    invitations = await _invitations(request, until)
    pairs = [(str(each.get("account_id") or ""), each["client_id"]) for each in events]
    names = await names_of(request, [*pairs, *((link.subject_id, contact.client_id) for link, contact in invitations)])
    rows, what = [_row(each, names) for each in events], "invitation"
    zone = ZoneInfo(reader.zone)
    for link, contact in invitations:
        client, on = names.clients.get(contact.client_id, contact.client_id), link.expires_at.astimezone(zone).date()
        rows.append(
            ComingRow(
                key=f"invitation-{contact.id}",
                client_id=contact.client_id,
                on=on,
                what=what,
                title=_("The invitation of %(who)s for %(client)s expires", who=contact.name, client=client),
                effect=_("Send it again to keep the way in open."),
                href=f"/admin/clients/{contact.client_id}/grants/{contact.grant_id}",
                badge=Badge(_(_BADGES[what])),
            )
        )
    return sorted(rows, key=lambda row: (row.on, row.title))


def _row(event: Mapping[str, Any], names: Names) -> ComingRow:
    what, client_id = event["what"], event["client_id"]
    client = names.clients.get(client_id, client_id)
    href = f"/admin/clients/{client_id}"
    if what == "birthday":
        says = N_("%(client)s becomes a teen here") if event["age"] == "teen" else N_("%(client)s comes of age here")
        title = _(says, client=client)
    else:
        href = f"{href}/grants/{event['grant_id']}"
        who = names.person(event["account_id"], client_id)
        if what == "grant_begins":
            says = N_("%(who)s begins to act for %(client)s")
        elif event["hand_over_id"]:
            says = N_("%(who)s no longer acts for %(client)s: it passes to a successor")
        else:
            says = N_("%(who)s no longer acts for %(client)s")
        title = _(says, who=who, client=client)
    badge = Badge(_(_BADGES[what]), _TONES[what])
    key = f"{what}-{event['grant_id'] or client_id}-{event['day']}"
    return ComingRow(key, client_id, date.fromisoformat(event["day"]), what, title, _effect(event), href, badge)


def _effect(event: Mapping[str, Any]) -> str:
    people = count(event["accounts"], "person", "people")
    match bool(event["losses"]), bool(event["gains"]):
        case True, True:
            return _("Some access ends and some begins, for %(people)s.", people=people)
        case True, False:
            return _("Takes access from %(people)s.", people=people)
        case False, True:
            return _("Gives access to %(people)s.", people=people)
    return _("Changes nothing of what anybody may do.")


def _by_day(rows: Sequence[ComingRow]) -> list[ComingDay]:
    days: dict[date, list[ComingRow]] = {}
    for row in rows:
        days.setdefault(row.on, []).append(row)
    quiet = _("Changes nothing of what anybody may do.")
    return [
        ComingDay(
            long_day(on),
            f"{PAGE}/{on.isoformat()}"
            if any(row.what != "invitation" and row.effect != quiet for row in found)
            else "",
            tuple(found),
        )
        for on, found in days.items()
    ]


async def _invitations(request: Request, until: date) -> list[tuple[MailedLink, Contact]]:
    """The open invitations of the practice that expire by then, each with its contact."""
    practice_id, now = request.state.reader.practice_id, request.app.state.clock()
    last = midnight_of(request, until + timedelta(days=1))[1]

    def read(session: Session) -> list[tuple[MailedLink, Contact]]:
        chosen = (
            select(MailedLink, Contact)
            .join(Contact, col(Contact.account_id) == col(MailedLink.subject_id))
            .where(MailedLink.purpose == Purpose.JOIN, MailedLink.practice_id == practice_id)
            .where(col(MailedLink.closed_at).is_(None), MailedLink.expires_at > now, MailedLink.expires_at < last)
            .where(Contact.practice_id == practice_id, col(Contact.merged_into).is_(None))
        )
        return [(link, contact) for link, contact in session.exec(chosen)]

    found: list[tuple[MailedLink, Contact]] = await request.app.state.records.read(practice_id, read)
    return found


ROUTES = (
    Route(PAGE, changes_page, guard=Guard("view", "practice")),
    Route(f"{PAGE}.ics", changes_file, guard=Guard("view", "practice")),
)
DAY_ROUTES = (Route(f"{PAGE}/{{day}}", day_page, guard=Guard("view", "practice")),)
