"""A client's accounting of disclosures (45 CFR 164.528), and what people were refused, with the legal basis."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from sqlmodel import col, select
from starlette.responses import Response

from gateway.admin.emergency_reads import titles_of
from gateway.admin.trail import csv_line
from gateway.admin.trail_words import asked_words, names_of, type_words
from gateway.edge.errors import NotFound, Refused, Rejected
from gateway.edge.guard import Guard, Route
from gateway.edge.questions import may
from gateway.edge.refusals import staff_refusal
from gateway.web.formats import clock_time, day
from gateway.web.language import N_, _, language
from gateway.web.pages import page
from gateway.web.pdf import Paper
from gateway.web.today import local_today, read_day, zone_of
from gateway.web.words import KINDS
from models.tables.papers import DocumentRelease
from models.vocabulary import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from zoneinfo import ZoneInfo

    from sqlmodel import Session
    from starlette.requests import Request

    from gateway.admin.trail_words import Names

YEARS_MAX = 6
SIZE = 200
_HOW = {
    "view": N_("Opened in the portal"),
    "download": N_("Downloaded"),
    "print": N_("Printed"),
    "document.disclosed": N_("Sent once by a link"),
    "document.released.opened": N_("Opened by that link"),
}


@dataclass(frozen=True, slots=True)
class Period:
    """Days of the practice's calendar, both included."""

    first: date
    last: date

    def instants(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """[since, until)."""
        after = self.last + timedelta(days=1)
        return datetime.combine(self.first, time(), zone), datetime.combine(after, time(), zone)


@dataclass(frozen=True, slots=True)
class DisclosureView:
    """One disclosure, or several alike, in words."""

    who: str
    what: str
    how: str
    when: str
    why: str
    counts: bool  # whether it belongs into the accounting that the law asks for


@dataclass(frozen=True, slots=True)
class RefusalView:
    """What one person was refused, in words."""

    who: str
    what: str
    when: str
    why: str
    legal: str
    rules: str


async def disclosures_page(request: Request) -> Response:
    """What of the client was given to whom."""
    period, problems = _period(request)
    everyone = request.query_params.get("everyone") == "1"
    views, complete = ([], True) if problems else await _disclosures(request, period, everyone=everyone)
    (may_export,) = await may(request, [("export", "trail", {})])
    return await page(
        request,
        "admin/disclosures.html",
        status=422 if problems else 200,
        problems=problems,
        period=_typed(request, period),
        everyone=everyone,
        listed=_(LISTED),
        incomplete=_(INCOMPLETE),
        views=views[:SIZE],
        more=len(views) > SIZE,
        size=SIZE,
        complete=complete,
        may_export=may_export and not problems,
        query=request.url.query,
    )


async def disclosures_file(request: Request) -> Response:
    """The same as PDF or CSV."""
    period, problems = _period(request)
    kind = request.query_params.get("format", "")
    if problems or kind not in ("pdf", "csv"):
        raise NotFound
    everyone = request.query_params.get("everyone") == "1"
    views, complete = await _disclosures(request, period, everyone=everyone)
    head = (_("When"), _("To whom"), _("What"), _("How"), _("Why"))
    rows = [(one.when, one.who, one.what, one.how, one.why) for one in views]
    if kind == "csv":
        return _csv_answer(request, "disclosures", [head, *rows])
    client = request.state.client
    practice = await request.app.state.records.practice(client.practice_id)
    title = _("Accounting of disclosures")
    paper = Paper(client.practice_name, practice.letterhead, title, language=language())
    paper.facts(
        [
            (_("Client"), client.name),
            (_("Period"), f"{day(period.first)} \N{EN DASH} {day(period.last)}"),
            (_("Made on"), day(local_today(request))),
        ]
    )
    paper.paragraph(_(LISTED))
    if not complete:
        paper.paragraph(_(INCOMPLETE))
    if rows:
        paper.table(head, rows, widths=(1.5, 1.4, 1.8, 1.2, 2.1))
    else:
        paper.paragraph(_("There were no disclosures in this period."))
    return _file(paper.bytes(), "application/pdf", f"disclosures-{client.id}.pdf")


async def refusals_page(request: Request) -> Response:
    """What people were refused about the client, why, and on which legal basis."""
    period, problems = _period(request)
    views, complete = ([], True) if problems else await _refusals(request, period)
    (may_export,) = await may(request, [("export", "trail", {})])
    return await page(
        request,
        "admin/refusals.html",
        status=422 if problems else 200,
        problems=problems,
        period=_typed(request, period),
        incomplete=_(INCOMPLETE),
        views=views[:SIZE],
        more=len(views) > SIZE,
        size=SIZE,
        complete=complete,
        may_export=may_export and not problems,
        query=request.url.query,
    )


async def refusals_file(request: Request) -> Response:
    """The same as CSV."""
    period, problems = _period(request)
    if problems:
        raise NotFound
    views, _complete = await _refusals(request, period)
    head = (_("When"), _("Who"), _("What was asked for"), _("Why it was refused"), _("Legal basis"), _("Rules"))
    rows = [(one.when, one.who, one.what, one.why, one.legal, one.rules) for one in views]
    return _csv_answer(request, "refusals", [head, *rows])


LISTED = N_(
    "Listed is every document, form, invoice and plan that somebody other than the client opened, downloaded or was "
    "sent, with the day, the person, what it was and why. Left out is what the law leaves out: what the client saw, "
    "what a parent or other legal representative saw in the client's place (45 CFR 164.502(g)), and the care team's "
    "own work. Disclosures for treatment, payment and to people involved in care need not be listed either; here "
    "they are."
)
INCOMPLETE = N_("There is more than can be listed at once: choose a shorter period.")


async def _disclosures(request: Request, period: Period, *, everyone: bool) -> tuple[list[DisclosureView], bool]:
    client, state = request.state.client, request.app.state
    since, until = period.instants(zone_of(request))
    answer = await _asked(state.authz.disclosures(client.id, since, until, actor=request.state.reader.actor))
    found = [one for one in answer["disclosures"] if everyone or one["standing"] == "other"]
    names = await names_of(request, accounts=[one["account_id"] for one in found])
    titles = await titles_of(request, [(one["resource"]["type"], one["resource"]["id"]) for one in found])
    reasons = await _release_reasons(request)
    views = []
    for one in found:
        kind, item_id = one["resource"]["type"], one["resource"]["id"]
        kinds = ", ".join(_(KINDS[Kind(each)]) for each in one["kinds"])
        who = names.account(one["account_id"])
        given = reasons.get(one["release"] or "", "")
        why = given or _("The practice gave this person access as: %(kinds)s", kinds=kinds or _("not known any more"))
        how = _(_HOW.get(one["action"], one["action"]))
        views.append(
            DisclosureView(
                who=f"{who} ({kinds})" if kinds else who,
                what=f"{type_words(kind)}: {titles.get((kind, item_id), item_id)}",
                how=_("%(how)s, %(count)s times", how=how, count=one["count"]) if one["count"] > 1 else how,
                when=_when(request, one),
                why=why,
                counts=one["standing"] == "other",
            )
        )
    return views, bool(answer["complete"])


async def _refusals(request: Request, period: Period) -> tuple[list[RefusalView], bool]:
    client, authz = request.state.client, request.app.state.authz
    since, until = period.instants(zone_of(request))
    answer = await _asked(authz.denials(client.id, since, until, actor=request.state.reader.actor))
    found: Sequence[Mapping[str, Any]] = answer["denials"]
    names: Names = await names_of(request, accounts=[one["account_id"] for one in found])
    titles = await titles_of(request, [(one["resource"]["type"], one["resource"]["id"]) for one in found])
    views = []
    for one in found:
        kind, item_id = one["resource"]["type"], one["resource"]["id"]
        title = titles.get((kind, item_id), "")
        what = asked_words(one["action"], kind)
        views.append(
            RefusalView(
                who=names.account(one["account_id"]),
                what=f"{what}: {title}" if title else what,
                when=_when(request, one) + (f" ({one['count']})" if one["count"] > 1 else ""),
                why=one["text"],
                legal="; ".join(one["legal"]),
                rules=", ".join(one["rules"]),
            )
        )
    return views, bool(answer["complete"])


async def _asked(call: Any) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = await call
    except Rejected as error:
        if error.status == 403:
            raise Refused(staff_refusal()) from error
        raise NotFound from error
    return answer


async def _release_reasons(request: Request) -> dict[str, str]:
    client = request.state.client
    chosen = select(DocumentRelease.id, DocumentRelease.reason).where(col(DocumentRelease.client_id) == client.id)

    def read(session: Session) -> dict[str, str]:
        return dict(session.exec(chosen).all())

    found: dict[str, str] = await request.app.state.records.read(client.practice_id, read)
    return found


def _when(request: Request, one: Mapping[str, Any]) -> str:
    zone = zone_of(request)
    first, last = (datetime.fromisoformat(one[name]).astimezone(zone) for name in ("first", "last"))
    if first.date() == last.date():
        return f"{day(last.date())}, {clock_time(last)}"
    return f"{day(first.date())} \N{EN DASH} {day(last.date())}"


def _period(request: Request) -> tuple[Period, list[dict[str, str]]]:
    """The days asked for: the last six years unless told."""
    today = local_today(request)
    earliest = _years_before(today)
    problems = []
    days = {"from": earliest, "until": today}
    for name in days:
        text = request.query_params.get(name, "")
        if not text:
            continue
        try:
            days[name] = read_day(text)
        except ValueError:
            problems.append(
                {"field": name, "sentence": _("This is not a day of the calendar. Please choose another day.")}
            )
    period = Period(days["from"], days["until"])
    if not problems and period.first > period.last:
        problems.append({"field": "until", "sentence": _("The last day is before the first one.")})
    if not problems and period.first < _years_before(period.last):
        problems.append({"field": "from", "sentence": _("Choose six years at most: so far back the law asks.")})
    return period, problems


def _years_before(last: date) -> date:
    try:
        return last.replace(year=last.year - YEARS_MAX)
    except ValueError:  # February 29
        return last.replace(year=last.year - YEARS_MAX, day=28)


def _typed(request: Request, period: Period) -> dict[str, str]:
    query = request.query_params
    return {
        "from": query.get("from") or period.first.isoformat(),
        "until": query.get("until") or period.last.isoformat(),
        "words": f"{day(period.first)} \N{EN DASH} {day(period.last)}",
    }


def _csv_answer(request: Request, name: str, rows: Sequence[Sequence[object]]) -> Response:
    content = "\ufeff" + "".join(csv_line(row) for row in rows)
    return _file(content.encode(), "text/csv; charset=utf-8", f"{name}-{request.state.client.id}.csv")


def _file(content: bytes, media_type: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=media_type, headers=headers)


_CLIENT = "/admin/clients/{client}"
_VIEW, _EXPORT = Guard("view", "trail"), Guard("export", "trail")
ROUTES = (
    Route(f"{_CLIENT}/disclosures", disclosures_page, guard=_VIEW),
    Route(f"{_CLIENT}/disclosures/download", disclosures_file, guard=_EXPORT),
    Route(f"{_CLIENT}/refusals", refusals_page, guard=_VIEW),
    Route(f"{_CLIENT}/refusals/download", refusals_file, guard=_EXPORT),
)
