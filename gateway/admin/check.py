"""The set-up check: what is probably not meant, each with a way out or a reason why it is right (`portals.md` e2.9)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from gateway.admin.check_contacts import ContactRule, Found, contact_findings, finding_id, read_found
from gateway.admin.check_words import RULES, mends, sentence
from gateway.admin.foreseen import names_of
from gateway.admin.staff import lacking_factor, name_in
from gateway.admin.switches import Problem
from gateway.edge.errors import NotFound, Rejected
from gateway.edge.guard import Guard, Route
from gateway.web.formats import day
from gateway.web.language import _
from gateway.web.pages import page, say, see_other
from gateway.web.paging import page_number, pages_of
from models.vocabulary import SelfManaging, SubjectType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.admin.check_words import Mend, RuleWords

PAGE = "/admin/check"
SHOWN_MAX = 5  # of each rule on the first page
PAGE_SIZE = 50
REASON_CHARACTERS_MAX = 500


@dataclass(frozen=True, slots=True)
class Row:
    """One finding to show."""

    id: str
    told: str
    mends: Sequence[Mend]


@dataclass(frozen=True, slots=True)
class Section:
    """A rule with its first findings; `more` are not shown."""

    rule: str
    title: str
    why: str
    tone: str
    count: int
    rows: Sequence[Row]
    mends: Sequence[Mend]  # links that lead out of all of them at once

    @property
    def more(self) -> int:
        """How many are not shown."""
        return self.count - len(self.rows)


@dataclass(frozen=True, slots=True)
class Dismissed:
    """A finding that the practice called right."""

    id: str
    told: str
    reason: str
    by: str
    on: str


@dataclass(frozen=True, slots=True)
class Checked:
    """Everything that was found, and what the practice said of it."""

    open: Sequence[Found]
    right: Sequence[Found]
    dismissals: Sequence[Mapping[str, Any]]

    def find(self, wanted: str) -> Found:
        """A finding by its id; NotFound when it is there no more."""
        for found in (*self.open, *self.right):
            if found.id == wanted:
                return found
        raise NotFound


async def check_page(request: Request) -> Response:
    """All rules with their first findings; one rule with all of them; or what was called right."""
    checked, wanted = await _check(request), request.query_params.get("rule", "")
    if wanted and wanted not in RULES:
        raise NotFound
    if wanted:
        return await _rule_page(request, checked, wanted)
    if "right" in request.query_params:
        return await _right_page(request, checked)
    counted = Counter(found.rule for found in checked.open)
    shown = {rule: [found for found in checked.open if found.rule == rule][:SHOWN_MAX] for rule in counted}
    rows = await _rows(request, [found for some in shown.values() for found in some])
    return await page(
        request,
        "admin/check.html",
        rules=[
            _section(rule, words, counted[rule], [rows[found.id] for found in shown[rule]])
            for rule, words in RULES.items()
            if counted[rule]
        ],
        total=len(checked.open),
        called_right=len(checked.dismissals),
    )


async def mend(request: Request) -> Response:
    """Carry out the one click of a finding that is still there."""
    form = await request.form()
    found = (await _check(request)).find(str(form.get("finding", "")))
    how = str(form.get("how", ""))
    who = (await _rows(request, [found]))[found.id]
    if how not in {one.how for one in who.mends if one.how}:
        raise NotFound
    try:
        await _carry_out(request, found, how)
    except Rejected as error:
        await say(request, _("Nothing was changed: %(why)s", why=error.detail))
    else:
        await say(request, _("Done: %(what)s.", what=who.told))
    return see_other(PAGE)


async def right_page(request: Request) -> Response:
    """Where somebody says why a finding is right as it is."""
    found = (await _check(request)).find(request.path_params["finding"])
    return await _ask(request, found)


async def call_right(request: Request) -> Response:
    """Show a finding no more, for a reason that is kept."""
    found = (await _check(request)).find(request.path_params["finding"])
    reader, reason = request.state.reader, str((await request.form()).get("reason", "")).strip()
    if not 0 < len(reason) <= REASON_CHARACTERS_MAX:
        return await _ask(request, found, [Problem("reason", _("Say why, in up to 500 characters."))], reason)
    await request.app.state.authz.dismiss_finding(reader.practice_id, found.id, reason, actor=reader.actor)
    await say(request, _("Kept. This is not shown again; it is listed under “Called right”."))
    return see_other(PAGE)


async def show_again(request: Request) -> Response:
    """Take that back."""
    reader = request.state.reader
    await request.app.state.authz.restore_finding(
        reader.practice_id, request.path_params["finding"], actor=reader.actor
    )
    await say(request, _("This is shown again for as long as it is found."))
    return see_other(f"{PAGE}?right=1")


async def _check(request: Request) -> Checked:
    answer = await request.app.state.authz.check_set_up(request.state.reader.practice_id)
    found = [read_found(one) for one in answer["findings"]]
    found += [*await contact_findings(request), *await _staff_findings(request)]
    right = {one["finding"] for one in answer["dismissals"]}
    order = list(RULES)
    found.sort(key=lambda one: order.index(one.rule))
    return Checked(
        open=[one for one in found if one.id not in right],
        right=[one for one in found if one.id in right],
        dismissals=answer["dismissals"],
    )


async def _staff_findings(request: Request) -> list[Found]:
    members = await request.app.state.authz.staff_of(request.state.reader.practice_id)
    rule = ContactRule.STAFF_WITHOUT_FACTOR
    return [
        Found(id=finding_id(rule, [member["id"]]), rule=rule, staff_id=member["id"])
        for member in await lacking_factor(request, members)
    ]


async def _rows(request: Request, findings: Sequence[Found]) -> dict[str, Row]:
    """Each finding in words, by its id; names are read for all of them at once."""
    pairs = {(account, client) for found in findings for account, client, _grant in found.pairs}
    names = await names_of(request, pairs, [found.client_id for found in findings if found.client_id])
    staff_ids = sorted({found.staff_id for found in findings if found.staff_id})
    staff = await request.app.state.records.people(SubjectType.STAFF, staff_ids) if staff_ids else {}
    rows = {}
    for found in findings:
        who = found.names or tuple(names.person(account, client) for account, client, _grant in found.pairs)
        client = names.clients.get(found.client_id or "", found.client_id or "")
        told = sentence(found, who, client, name_in(staff, found.staff_id or ""))
        holders = [names.person(account, owner) for account, owner, _grant in found.pairs]
        rows[found.id] = Row(found.id, told, mends(found, holders))
    return rows


async def _rule_page(request: Request, checked: Checked, rule: str) -> Response:
    findings = [found for found in checked.open if found.rule == rule]
    query = " ".join(request.query_params.get("q", "")[:100].split())
    rows = [(await _rows(request, findings))[found.id] for found in findings] if query else []
    if query:
        words = query.casefold().split()
        rows = [row for row in rows if all(word in row.told.casefold() for word in words)]
    total = len(rows) if query else len(findings)
    pages = pages_of(request, total, PAGE_SIZE)
    first = (min(page_number(request), pages.last) - 1) * PAGE_SIZE
    if query:
        shown = rows[first : first + PAGE_SIZE]
    else:
        named = await _rows(request, findings[first : first + PAGE_SIZE])
        shown = list(named.values())
    return await page(
        request,
        "admin/check_rule.html",
        section=_section(rule, RULES[rule], total, shown),
        query=query,
        pages=pages,
    )


async def _right_page(request: Request, checked: Checked) -> Response:
    rows = await _rows(request, checked.right)
    rules = {found.id: found.rule for found in checked.right}
    by = sorted({one["by"].partition("/")[2] for one in checked.dismissals})
    staff = await request.app.state.records.people(SubjectType.STAFF, by) if by else {}
    zone = ZoneInfo(request.state.reader.zone)
    pages = pages_of(request, len(checked.dismissals), PAGE_SIZE)
    first = (min(page_number(request), pages.last) - 1) * PAGE_SIZE
    return await page(
        request,
        "admin/check_right.html",
        dismissed=[
            Dismissed(
                id=one["finding"],
                told=f"{_(RULES[rules[one['finding']]].title)}: {rows[one['finding']].told}"
                if one["finding"] in rows
                else _("No longer found"),
                reason=one["reason"],
                by=name_in(staff, one["by"].partition("/")[2]),
                on=day(datetime.fromisoformat(one["at"]).astimezone(zone).date()),
            )
            for one in checked.dismissals[first : first + PAGE_SIZE]
        ],
        pages=pages,
    )


async def _ask(request: Request, found: Found, problems: Sequence[Problem] = (), reason: str = "") -> Response:
    row = (await _rows(request, [found]))[found.id]
    return await page(
        request,
        "admin/check_reason.html",
        status=422 if problems else 200,
        problems=problems,
        title=_(RULES[found.rule].title),
        row=row,
        reason=reason,
    )


async def _carry_out(request: Request, found: Found, how: str) -> None:
    """What each one-click mend does; a grant is changed on the version that is there now."""
    authz, actor = request.app.state.authz, request.state.reader.actor
    if how in {"end", "switch_off"}:
        for _account, _client, grant_id in found.pairs:
            grant = await authz.grant(grant_id)
            off = {"toggles": dict.fromkeys(found.features, False)}
            patch = {"status": "ended"} if how == "end" else off
            await authz.update_grant(grant_id, patch, etag=grant["etag"], actor=actor)
    elif how == "subscribe":
        await authz.update_staff(found.staff_id, {"subscribed": True}, actor=actor)
    elif how == "unassign":
        await authz.update_staff(found.staff_id, {"assigned": []}, actor=actor)
    elif how == "share":
        await authz.update_client(found.client_id, {"self_managing": SelfManaging.SHARED.value}, actor=actor)
    elif how == "not_in_care":
        await authz.update_client(found.client_id, {"active": False}, actor=actor)
    else:
        raise ValueError(f"there is no mend {how!r}")


def _section(rule: str, words: RuleWords, total: int, rows: Sequence[Row]) -> Section:
    shared: Sequence[Mend] = ()
    if len(rows) > 1 and len({tuple(row.mends) for row in rows}) == 1 and not any(mend.how for mend in rows[0].mends):
        shared, rows = rows[0].mends, [replace(row, mends=()) for row in rows]
    return Section(rule, _(words.title), _(words.why), words.tone, total, rows, shared)


_OF_ONE = f"{PAGE}/{{finding}}/right"
_MAY = Guard("update", "grant")
ROUTES = (
    Route(PAGE, check_page, guard=_MAY),
    Route(f"{PAGE}/mend", mend, guard=_MAY, methods=("POST",)),
    Route(_OF_ONE, right_page, guard=_MAY),
    Route(_OF_ONE, call_right, guard=_MAY, methods=("POST",)),
    Route(f"{PAGE}/{{finding}}/again", show_again, guard=_MAY, methods=("POST",)),
)
