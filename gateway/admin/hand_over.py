"""A guardianship handed over: one person's access to all their clients passes to a successor on a day (e2.7)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from gateway.admin.coming import PAGE, today_of
from gateway.admin.contact_book import find_people
from gateway.admin.foreseen import names_of
from gateway.admin.people import describe, is_known, names_known
from gateway.admin.switches import Problem
from gateway.edge.errors import Rejected
from gateway.edge.guard import Guard, Route
from gateway.edge.questions import may
from gateway.web.formats import count, day, zone_name
from gateway.web.language import N_, _
from gateway.web.pages import page, say, see_other
from gateway.web.words import KINDS, Badge
from models.vocabulary import GrantStatus, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

LIST = f"{PAGE}/hand-overs"
REASON_MAX = 500
_CHANGED = (409, 412)
_ONE = "/admin/clients/{client}/grants/{grant}/hand-over"
_LEFT = {
    "own_login": N_("Their own sign-in as a client: it stays."),
    "ends_before": N_("Ends before that day anyway: nothing is handed over."),
    "begins_later": N_("Begins on that day or later: change its days by hand."),
    "does_not_fit": N_("This kind no longer fits the client on that day: nothing is handed over."),
}


@dataclass(frozen=True, slots=True)
class Sent:
    """What the form says."""

    successor: str = ""
    on: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StepRow:
    """What happens for one client, in words."""

    client: str
    href: str
    kind: str
    note: str
    moves: bool


@dataclass(frozen=True, slots=True)
class HandOverRow:
    """A hand-over in the list."""

    id: str
    title: str
    note: str
    badge: Badge
    may_undo: bool


async def hand_overs_page(request: Request) -> Response:
    """What was planned and what was taken back, the latest day first."""
    reader, today = request.state.reader, today_of(request)
    found = await request.app.state.authz.hand_overs(reader.practice_id, actor=reader.actor)
    names = await names_of(request, [(each[side], "") for each in found for side in ("from_account", "to_account")])
    may_change, *_rest = await may(request, [("update", "switch", {})])
    rows = []
    for each in found:
        on, undone = date.fromisoformat(each["on"]), each["state"] == "undone"
        coming = not undone and on > today
        badge = (
            Badge(_("Taken back")) if undone else Badge(_("Planned"), "info") if coming else Badge(_("Done"), "good")
        )
        old, new = names.person(each["from_account"], ""), names.person(each["to_account"], "")
        title = _("%(old)s to %(new)s", old=old, new=new)
        note = _("From %(day)s on, %(clients)s", day=day(on), clients=count(len(each["ended"]), "client", "clients"))
        rows.append(HandOverRow(each["id"], title, note, badge, coming and may_change))
    return await page(request, "admin/hand_overs.html", rows=rows)


async def undo(request: Request) -> Response:
    """Take a planned hand-over back."""
    reader = request.state.reader
    try:
        await request.app.state.authz.undo_hand_over(
            reader.practice_id, request.path_params["hand_over"], actor=reader.actor
        )
    except Rejected:
        sentence = _("This hand-over can no longer be taken back whole: its day came, or its access was changed since.")
        await say(request, sentence)
        return see_other(LIST)
    await say(request, _("The hand-over was taken back. Everybody keeps the access they have."))
    return see_other(LIST)


async def hand_over_page(request: Request) -> Response:
    """To whom, and from which day on."""
    query = " ".join(request.query_params.get("q", "").split())[:100]
    wanted = request.query_params.get("to", "")
    return await _show(request, Sent(successor=wanted if await is_known(request, wanted) else ""), query=query)


async def preview(request: Request) -> Response:
    """What would end and begin, client by client, before anything is planned."""
    sent = await _read(request)
    if problems := _problems(request, sent):
        return await _show(request, sent, problems=problems, status=422)
    return await _preview(request, sent)


async def plan(request: Request) -> Response:
    """Plan the hand-over just as it was previewed; what changed meanwhile is shown again first."""
    reader, sent = request.state.reader, await _read(request)
    if problems := _problems(request, sent):
        return await _show(request, sent, problems=problems, status=422)
    etag = str((await request.form()).get("etag", ""))
    body = {**_body(request, sent), "reason": sent.reason}
    try:
        made = await request.app.state.authz.hand_over(reader.practice_id, body, etag=etag, actor=reader.actor)
    except Rejected as error:
        if error.status in _CHANGED:
            return await _preview(request, sent, changed=True)
        return await _show(request, sent, problems=[Problem(error.field, error.detail)], status=422)
    moving = [step for step in made["steps"] if step["left"] is None]
    moved = count(len(moving), "client", "clients")
    says = _("Planned for %(day)s: the access to %(clients)s is handed over. Until then you can take it back here.")
    await say(request, says % {"day": day(date.fromisoformat(made["on"])), "clients": moved})
    return see_other(LIST)


async def _preview(request: Request, sent: Sent, *, changed: bool = False) -> Response:
    reader, grant = request.state.reader, request.state.item
    try:
        found = await request.app.state.authz.preview_hand_over(
            reader.practice_id, _body(request, sent), actor=reader.actor
        )
    except Rejected as error:
        return await _show(request, sent, problems=[Problem(error.field, error.detail)], status=422)
    steps = found["steps"]
    pairs = [(sent.successor, step["client_id"]) for step in steps]
    names = await names_of(request, [*pairs, (grant["account_id"], request.state.client.id)])
    rows = [_step(step, names.clients.get(step["client_id"], step["client_id"])) for step in steps]
    successor = next((name for name in map(names.person, *zip(*pairs, strict=True)) if name != sent.successor), None)
    return await page(
        request,
        "admin/hand_over_preview.html",
        status=409 if changed else 200,
        changed=changed,
        rows=rows,
        moving=sum(row.moves for row in rows),
        old=names.person(grant["account_id"], request.state.client.id),
        new=successor or sent.successor,
        on=day(date.fromisoformat(sent.on)),
        pending=found["status"] == GrantStatus.PENDING.value,
        sent=sent,
        etag=found["etag"],
        zone=zone_name(reader.zone),
        back=_back(request),
    )


def _step(step: Mapping[str, Any], client: str) -> StepRow:
    left = step["left"]
    if left is not None:
        note = _(_LEFT[left])
    elif step["kept"]:
        note = _("The successor has this access already; only the old one ends.")
    else:
        until = step["until"]
        limit = _("Ends, as now, before %(day)s.", day=day(date.fromisoformat(until))) if until else ""
        note = " ".join([_("Passes with the same boxes. Proof of authority is asked for anew."), limit]).rstrip()
    href = f"/admin/clients/{step['client_id']}/grants/{step['grant_id']}"
    return StepRow(client, href, _(KINDS[Kind(step["kind"])]), note, left is None)


def _body(request: Request, sent: Sent) -> dict[str, Any]:
    return {"from_account": request.state.item["account_id"], "to_account": sent.successor, "on": sent.on}


async def _read(request: Request) -> Sent:
    form = await request.form()
    sent = Sent(*(" ".join(str(form.get(name, "")).split()) for name in ("successor", "on", "reason")))
    return sent if await is_known(request, sent.successor) else replace(sent, successor="")


def _problems(request: Request, sent: Sent) -> list[Problem]:
    problems = []
    if not sent.successor:
        problems.append(Problem("q", _("Find the successor by name and choose them.")))
    elif sent.successor == request.state.item["account_id"]:
        problems.append(Problem("q", _("Choose somebody else than the person who hands over.")))
    try:
        if not sent.on or date.fromisoformat(sent.on) < today_of(request):
            problems.append(Problem("on", _("Choose the successor's first day: today, or a later day.")))
    except ValueError:
        problems.append(Problem("on", _("Choose the successor's first day: today, or a later day.")))
    if not sent.reason:
        problems.append(Problem("reason", _("Say why, so that whoever looks back understands it.")))
    elif len(sent.reason) > REASON_MAX:
        problems.append(Problem("reason", _("Say it in at most 500 letters.")))
    return problems


async def _show(
    request: Request, sent: Sent, *, query: str = "", problems: Sequence[Problem] = (), status: int = 200
) -> Response:
    grant = request.state.item
    person = describe(grant, (await names_known(request, [grant]))[grant["id"]])
    found = await find_people(request, query) if query else []
    people = [one for one in found if one.account_id and one.account_id != grant["account_id"]]
    chosen = ""
    if sent.successor:
        names = await names_of(request, [(sent.successor, request.state.client.id)])
        chosen = names.person(sent.successor, request.state.client.id)
    return await page(
        request,
        "admin/hand_over.html",
        status=status,
        person=person,
        query=query,
        people=people,
        sent=sent,
        chosen=next((one.name for one in people if one.account_id == sent.successor), chosen),
        problems=problems,
        today=today_of(request).isoformat(),
        zone=zone_name(request.state.reader.zone),
        back=_back(request),
    )


def _back(request: Request) -> str:
    return f"/admin/clients/{request.state.client.id}/grants/{request.state.item['id']}"


ROUTES = (
    Route(LIST, hand_overs_page, guard=Guard("view", "practice")),
    Route(f"{LIST}/{{hand_over}}/undo", undo, guard=Guard("update", "switch"), methods=("POST",)),
    Route(_ONE, hand_over_page, guard=Guard("update", "grant")),
    Route(_ONE, plan, guard=Guard("update", "grant"), methods=("POST",)),
    Route(f"{_ONE}/preview", preview, guard=Guard("update", "grant"), methods=("POST",)),
)
