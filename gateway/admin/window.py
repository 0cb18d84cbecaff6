"""The first and last day of one person's access, as a court order or the practice sets them (e3: day edges)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from gateway.admin.coming import midnight_of, today_of
from gateway.admin.foreseen import foresee
from gateway.admin.people import describe, names_known
from gateway.admin.switches import Problem
from gateway.edge.errors import Rejected, Stale
from gateway.edge.guard import Guard, Route
from gateway.edge.questions import may
from gateway.web.formats import day, zone_name
from gateway.web.language import _
from gateway.web.pages import page, say, see_other

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

REASON_MAX = 500
_PAGE = "/admin/clients/{client}/grants/{grant}/window"


@dataclass(frozen=True, slots=True)
class Sent:
    """What the form says: both days belong to the access; empty texts leave a side open."""

    first: str
    last: str
    reason: str

    def patch(self) -> dict[str, str | None]:
        """The same as the service writes it, where `until` is the first day without access. Raises ValueError."""
        first = date.fromisoformat(self.first) if self.first else None
        last = date.fromisoformat(self.last) if self.last else None
        return {
            "from": None if first is None else first.isoformat(),
            "until": None if last is None else (last + timedelta(days=1)).isoformat(),
        }


async def window_page(request: Request) -> Response:
    """The days as they are, to be changed."""
    return await _show(request, request.state.item)


async def preview_window(request: Request) -> Response:
    """What the days would change: at once, and on the days themselves."""
    grant, sent = request.state.item, await _read(request)
    if problems := _problems(sent):
        return await _show(request, grant, sent=sent, problems=problems, status=422)
    patch = sent.patch()
    if patch["from"] == grant["from"] and patch["until"] == grant["until"]:
        await say(request, _("Nothing was changed."))
        return see_other(_back(request))
    try:
        now = await foresee(request, [{"grant": grant["id"], **patch}], clients=[request.state.client.id])
    except Rejected as error:
        return await _show(request, grant, sent=sent, problems=[Problem(error.field, error.detail)], status=422)
    person = await _person(request, grant)
    kept = [("first", sent.first), ("last", sent.last), ("reason", sent.reason)]
    etag = str((await request.form()).get("etag", ""))
    return await page(
        request,
        "admin/switch_preview.html",
        title=_("First and last day"),
        turned=_in_words(sent, person.name),
        notes=await _notes(request, patch),
        foreseen=now,
        undo=_("Counts from the very next request. To undo it, come back here and change the days again."),
        action=f"{_back(request)}/window",
        back=f"{_back(request)}/window",
        kept=[*kept, ("etag", etag)],
    )


async def save_window(request: Request) -> Response:
    """Set the days, unless somebody else changed this access since the page was read."""
    grant, reader, sent = request.state.item, request.state.reader, await _read(request)
    if problems := _problems(sent):
        return await _show(request, grant, sent=sent, problems=problems, status=422)
    etag = str((await request.form()).get("etag", ""))
    changes: dict[str, Any] = {**sent.patch(), "reason": sent.reason}
    try:
        await request.app.state.authz.update_grant(grant["id"], changes, etag=etag, actor=reader.actor)
    except Stale:
        fresh = await request.app.state.authz.grant(grant["id"])
        told = _("Somebody else changed this access meanwhile. It now lasts: %(days)s. Your days are kept below.")
        problem = Problem(None, told % {"days": _lasting(fresh)})
        return await _show(request, fresh, sent=sent, problems=[problem], status=409)
    except Rejected as error:
        return await _show(request, grant, sent=sent, problems=[Problem(error.field, error.detail)], status=422)
    await say(request, _("Saved. %(what)s", what=_in_words(sent, (await _person(request, grant)).name)))
    return see_other(_back(request))


async def _read(request: Request) -> Sent:
    form = await request.form()
    return Sent(*(" ".join(str(form.get(name, "")).split()) for name in ("first", "last", "reason")))


def _problems(sent: Sent) -> list[Problem]:
    problems = []
    days: dict[str, date | None] = {}
    for name, text in (("first", sent.first), ("last", sent.last)):
        try:
            days[name] = date.fromisoformat(text) if text else None
        except ValueError:
            problems.append(Problem(name, _("Write the day as a date, or leave it empty.")))
            continue
        if (found := days[name]) is not None and not 1900 <= found.year <= 2200:
            problems.append(Problem(name, _("Choose a day between 1900 and 2200.")))
    first, last = days.get("first"), days.get("last")
    if not problems and first is not None and last is not None and last < first:
        problems.append(Problem("last", _("The last day lies before the first. Choose a later one.")))
    if not sent.reason:
        problems.append(Problem("reason", _("Say why, such as the court and the date of its order.")))
    elif len(sent.reason) > REASON_MAX:
        problems.append(Problem("reason", _("Say it in at most 500 letters.")))
    return problems


async def _notes(request: Request, patch: Mapping[str, str | None]) -> list[str]:
    """What happens by itself on the coming first and last day."""
    notes: list[str] = []
    grant = request.state.item
    today, zone = today_of(request), zone_name(request.state.reader.zone)
    first, until = patch["from"], patch["until"]
    if first is not None and (on := date.fromisoformat(first)) > today:
        notes.append(_("Access begins with %(day)s, at midnight, %(zone)s.", day=day(on), zone=zone))
    if until is not None and (on := date.fromisoformat(until)) > today:
        ends = _("The last day counts whole: access ends with the midnight before %(day)s, %(zone)s.")
        supposed, midnight = [{"grant": grant["id"], **patch}], midnight_of(request, on)[1]
        then = await foresee(request, supposed, at=midnight, clients=[request.state.client.id])
        notes.append(" ".join([ends % {"day": day(on), "zone": zone}, *then.sentences]))
    return notes


def _lasting(grant: Mapping[str, Any]) -> str:
    person = describe(grant, "-")
    return person.window or _("without a limit")


def _in_words(sent: Sent, who: str) -> str:
    first = date.fromisoformat(sent.first) if sent.first else None
    last = date.fromisoformat(sent.last) if sent.last else None
    if first is not None and last is not None:
        return _("%(who)s has access from %(first)s through %(last)s.", who=who, first=day(first), last=day(last))
    if first is not None:
        return _("%(who)s has access from %(first)s on.", who=who, first=day(first))
    if last is not None:
        return _("%(who)s has access through %(last)s.", who=who, last=day(last))
    return _("%(who)s has access without a first or last day.", who=who)


async def _person(request: Request, grant: Mapping[str, Any]) -> Any:
    return describe(grant, (await names_known(request, [grant]))[grant["id"]])


def _back(request: Request) -> str:
    return f"/admin/clients/{request.state.client.id}/grants/{request.state.item['id']}"


async def _show(
    request: Request,
    grant: Mapping[str, Any],
    *,
    sent: Sent | None = None,
    problems: Sequence[Problem] = (),
    status: int = 200,
) -> Response:
    until = grant.get("until")
    stored = Sent(
        grant.get("from") or "", (date.fromisoformat(until) - timedelta(days=1)).isoformat() if until else "", ""
    )
    (may_save,) = await may(request, [("update", "grant", {})])
    return await page(
        request,
        "admin/window.html",
        status=status,
        person=await _person(request, grant),
        form=sent or stored,
        etag=grant["etag"],
        problems=problems,
        problems_title=_("Somebody else saved first") if status == 409 else _("This was not saved"),
        may_save=may_save and grant["status"] != "ended",
        zone=zone_name(request.state.reader.zone),
        back=_back(request),
    )


ROUTES = (
    Route(_PAGE, window_page, guard=Guard("view", "grant")),
    Route(_PAGE, save_window, guard=Guard("update", "grant"), methods=("POST",)),
    Route(f"{_PAGE}/preview", preview_window, guard=Guard("update", "grant"), methods=("POST",)),
)
