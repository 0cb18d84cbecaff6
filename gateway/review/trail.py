"""The trail, and whether anybody touched it. Families and clients stand here as ids."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from gateway.admin.trail import REVIEW_PAGE, entry_page, export, listed
from gateway.admin.trail_words import names_of
from gateway.edge.errors import Refused, Rejected
from gateway.edge.guard import Guard, Route
from gateway.edge.refusals import staff_refusal
from gateway.review.trail_words import FLAWS
from gateway.review.version_words import moment
from gateway.web.formats import count
from gateway.web.language import _
from gateway.web.pages import page, say, see_other
from gateway.web.words import Badge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.admin.trail_words import Names

PAGE = f"{REVIEW_PAGE}/verification"
_DECISIONS, _CHANGES = "decisions.", "changes."


@dataclass(frozen=True, slots=True)
class Chain:
    """One chain of the newest verification; `period` is when its first and last record are of."""

    title: str
    name: str
    badge: Badge
    period: str
    records: str
    signed: str


@dataclass(frozen=True, slots=True)
class Found:
    """Something wrong, in plain words; `detail` is how the service says it."""

    sentence: str
    where: str
    detail: str


@dataclass(frozen=True, slots=True)
class Verified:
    """A verification; `href` is its record in the trail."""

    whole: bool
    when: str
    who: str
    href: str
    records: str
    told: Mapping[str, Any]
    chains: tuple[Chain, ...]
    found: tuple[Found, ...]


async def trail_page(request: Request) -> Response:
    """The records, below what the newest verification found."""
    attempt, verified = await _verifications(request)
    known = verified[0] if verified else None
    return await page(request, "review/trail.html", **await listed(request), attempt=attempt, known=known)


async def verification_page(request: Request) -> Response:
    """The newest verification chain by chain, and those before it."""
    attempt, verified = await _verifications(request)
    return await page(request, "review/trail_verification.html", attempt=attempt, verified=verified)


async def verify(request: Request) -> Response:
    """Verify the trail now."""
    reader = request.state.reader
    try:
        attempt, found = await request.app.state.authz.verify_trail(actor=reader.actor)
    except Rejected as error:
        raise Refused(staff_refusal()) from error
    if attempt is None and found and found[0]["whole"]:
        await say(request, _("The trail is as it was written."))
    return see_other(PAGE)


async def _verifications(request: Request) -> tuple[dict[str, Any] | None, list[Verified]]:
    try:
        attempt, found = await request.app.state.authz.verifications(actor=request.state.reader.actor)
    except Rejected as error:
        raise Refused(staff_refusal()) from error
    told = [*found, *([attempt] if attempt else [])]
    staff = [str(one["by"]).removeprefix("staff/") for one in told if str(one["by"]).startswith("staff/")]
    names = await names_of(request, staff=staff, hide=True)
    if attempt is not None:
        attempt |= {"when": moment(request, attempt["at"]), "who": names.subject(attempt["by"])}
    return attempt, [_verified(request, one, names) for one in found]


def _verified(request: Request, told: Mapping[str, Any], names: Names) -> Verified:
    return Verified(
        whole=told["whole"],
        when=moment(request, told["at"]),
        who=names.subject(told["by"]) or _("The portal itself"),
        href=f"{REVIEW_PAGE}/entries/{told['id']}",
        records=_records(told["records"]),
        told=told,
        chains=tuple(_chain(request, each) for each in told["examined"]),
        found=tuple(_found(request, each) for each in told["findings"]),
    )


def _chain(request: Request, told: Mapping[str, Any]) -> Chain:
    first, last = (told[name] and moment(request, told[name]) for name in ("first", "last"))
    if told["whole"]:
        badge = Badge(_("Not all loaded yet"), "info") if told["waiting"] else Badge(_("Whole"), "good")
    else:
        badge = Badge(_("Touched"), "bad")
    signed = [count(told["checkpoints"], "signed checkpoint", "signed checkpoints")]
    if told["unsigned"]:
        signed.append(count(told["unsigned"], "record newer than that", "records newer than that"))
    return Chain(
        title=_place(request, told["chain"]),
        name=told["chain"],
        badge=badge,
        period=_("%(first)s to %(last)s", first=first, last=last) if first and first != last else first or "",
        records=_records(told["records"]),
        signed=" · ".join(signed),
    )


def _records(number: int) -> str:
    return count(number, "record", "records")


def _found(request: Request, told: Mapping[str, Any]) -> Found:
    where = []
    if told["place"]:
        where.append(_place(request, told["place"]))
    if told.get("number") is not None:
        where.append(_("group %(number)s", number=told["number"]))
    if told["at"]:
        where.append(_("near %(when)s", when=moment(request, told["at"])))
    flaw = told["flaw"]
    sentence = _(FLAWS[flaw]) if flaw in FLAWS else told["text"]
    return Found(sentence, ", ".join(where), f"{told['place']}: {told['text']}" if told["place"] else "")


def _place(request: Request, name: str) -> str:
    """A chain or file in words: decisions by when their segment began, changes by their practice."""
    if name.startswith(_DECISIONS):
        try:
            began = datetime.strptime(name.split(".")[1], "%Y%m%dT%H%M%S%fZ").replace(tzinfo=ZoneInfo("UTC"))
        except (ValueError, IndexError):
            return name
        return _("Decisions and events since %(when)s", when=moment(request, began.isoformat()))
    if name.startswith(_CHANGES):
        practice = name.removeprefix(_CHANGES)
        return _("Changes outside any practice") if practice == "-" else _("Changes of %(practice)s", practice=practice)
    return _("The file of signed checkpoints") if name.startswith("checkpoints") else name


ROUTES = (
    Route(REVIEW_PAGE, trail_page, guard=Guard("view", "trail")),
    Route(f"{REVIEW_PAGE}/export", export, guard=Guard("export", "trail")),
    Route(f"{REVIEW_PAGE}/entries/{{entry}}", entry_page, guard=Guard("view", "trail")),
    Route(PAGE, verification_page, guard=Guard("view", "trail")),
    Route(PAGE, verify, guard=Guard("view", "trail"), methods=("POST",)),
)
